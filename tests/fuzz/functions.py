"""Calls of the functions in docs/functions.md, by the types of their signatures."""

import pathlib
import re

import duckdb

from nodes import NUMBERS, RARE_TYPES, SQL_TYPE, TYPES

PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs/functions.md"
KIND = {
    "VARCHAR": "txt", "BIGINT": "big", "INTEGER": "int", "DOUBLE": "dbl", "FLOAT": "flt", "BOOLEAN": "bool", "DATE": "date", "TIMESTAMP": "ts",
    "TIMESTAMPTZ": "tz", "TIME": "tim", "INTERVAL": "ivl", "HUGEINT": "hug", "SMALLINT": "sml", "T[]": "lst", "T": "T", "ANY": "ANY",
}
# Results that are cast to a type of ours.
AS = {"TINYINT": ("int", "CAST({} AS INTEGER)"), "UBIGINT": ("big", "TRY_CAST({} AS BIGINT)"), "BIGINT[]": ("lst", "TRY_CAST({} AS INTEGER[])"),
      "VARCHAR[]": ("txt", "CAST({} AS VARCHAR)"), "BLOB": ("txt", "CAST({} AS VARCHAR)"), "JSON": ("txt", "CAST({} AS VARCHAR)"),
      "TUPLE(T...)[]": ("txt", "CAST({} AS VARCHAR)"), "MAP(T, UBIGINT)": ("txt", "CAST({} AS VARCHAR)")}
# What depends on more than its arguments, ends the query, has no fixed order, or has arguments of another kind than its signature says.
LEFT_OUT = re.compile(r"^(random|now|today|.*user|signbit|transaction_timestamp|localtime|localtimestamp|current_.*|version|error|uuid.*|gen_random_uuid|setseed|row|struct_pack|"
                      r"list_distinct|list_intersect|list_histogram|typeof|hash|timestamptz_.*|try_timestamptz.*|date_parse|date_format|from_iso.*|to_iso.*|"
                      r"at_timezone|to_unixtime|translate|soundex|initcap|overlay|normalize|strip_accents|list_join|get_.*|nextval|jaccard|"
                      r"bar|formatreadable.*|json_value|from_base|round_even|nextafter|list_mode|constant_or_null|roundbankers|ilike_escape|like_escape)$", re.I)
UNITS = ["'year'", "'month'", "'day'", "'week'", "'quarter'", "'hour'", "'minute'", "'second'", "'decade'", "'century'"]
PATTERNS = ["'a'", "'^[a-z]+$'", "'(a)(b)?'", "'.'", "''", "'[^a]'", "'B|z'", "'\\\\d+'", "'b*'"]
SMALL = ["0", "1", "2", "3", "-1", "5", "NULL"]
# Of arguments of some functions, by their names, place and kind: any other text or number would only be an error, or a very long answer.
HINTS = [
    (r"date_trunc|date_part|date_diff|date_sub|datesub|datediff|date_add", 0, "txt", UNITS),
    (r"regexp_.*|string_split_regex", 1, "txt", PATTERNS),
    (r"regexp_.*", 2, "int", ["0", "1"]),
    (r"regexp_(matches|full_match|count|like)", 2, "txt", ["'i'", "'c'", "'s'"]),
    (r"regexp_replace", 3, "txt", ["'g'", "'i'", "'gi'"]),
    (r"regexp_extract", 3, "txt", ["'i'", "'c'"]),
    (r"like|ilike|glob|like_escape|ilike_escape", 1, "txt", ["'a%'", "'%b'", "'_'", "'%a_%'", "'a*'", "'[a-c]'", "'?'", "'a\\\\%'"]),
    (r"like|ilike|like_escape|ilike_escape", 2, "txt", ["'\\\\'", "'x'"]),
    (r"format", 0, "txt", ["'{}'", "'{} {}'", "'<{}>'"]),
    (r"printf", 0, "txt", ["'%s'", "'x'"]),
    (r"strftime", 1, "txt", ["'%Y-%m-%d'", "'%a %b %j'", "'%H:%M:%S.%f'", "'%U %W %y'"]),
    (r"strptime|try_strptime", 1, "txt", ["'%Y-%m-%d'", "'%d.%m.%Y'"]),
    (r"timezone", 0, "txt", ["'UTC'", "'Europe/Berlin'", "'America/New_York'"]),
    (r"json.*", 0, "txt", ["'[1, 2]'", "'{\"a\": 1}'"]),
    (r"repeat|lpad|rpad|list_resize|range|generate_series|left|right|bin|to_base|round|trunc|make_.*|list_slice|factorial|binom|array_.*|width_bucket|chr|to_(years|decades|centuries|millennia|quarters|months|weeks)|<<|>>", None, "int", SMALL),
    (r"repeat|lpad|rpad|list_resize|range|generate_series|to_base|make_.*|list_slice|array_.*|width_bucket|list_select|to_(years|decades|centuries|millennia|quarters|months|weeks)|<<|>>", None, "big", SMALL),
    (r"gamma|lgamma|exp|sinh|cosh|make_.*|time_bucket|power", None, "dbl", ["0.5::DOUBLE", "2.0::DOUBLE", "1.0::DOUBLE", "3.25::DOUBLE"]),
    (r"list_sort|list_reverse_sort|array_sort|array_reverse_sort|.*grade_up", None, "txt", ["'ASC'", "'DESC'", "'NULLS FIRST'", "'NULLS LAST'"]),
    (r"parse_.*", 1, "txt", ["'system'", "'forward_slash'", "'both_slash'"]),
    (r"sin|cos|tan|cot", None, "dbl", ["0.5::DOUBLE", "2.0::DOUBLE", "(-1.0)::DOUBLE", "'NaN'::DOUBLE"]),
]


def signatures():
    """{type of result: [(name, form, kinds)]}: a form has a place for each argument. Only what DuckDB has, too."""
    known = duckdb.sql("SELECT DISTINCT function_name FROM duckdb_functions() WHERE function_type IN ('scalar', 'macro')").fetchall()
    known = {name for name, in known}
    found = {}
    section = ""
    for line in PAGE.read_text().splitlines():
        if line.startswith("## "):
            section = line[3:]
        if section in ("Aggregates", "Windows", "JSON", "Operator", "") or not line.startswith("| `"):
            continue
        names, takes = (cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:3])
        for name in re.findall(r"`([^`]+)`", names):
            if not re.fullmatch(r"[a-z_0-9]+", name) or LEFT_OUT.match(name) or name not in known:
                continue
            for signature in re.findall(r"`([^`]+)`", takes):
                for result, call in calls(name, signature, section):
                    found.setdefault(result, []).append(call)
    return found


def calls(name, signature, section):
    arguments, _, result = signature.rpartition(" -> ")
    arguments = [part for part in arguments.strip()[1:-1].split(", ") if part]
    kinds = []
    for part in arguments:
        many = part.endswith("...")
        kind = KIND.get(part.removesuffix("..."))
        if kind is None:
            return
        kinds += [kind] * (2 if many else 1)
    if "T[]" in arguments or "T[]..." in arguments:
        generic = ["int"]
    elif "T" in kinds or "ANY" in kinds:
        generic = NUMBERS + ["hug", "sml", "wid"] if section == "Number" else TYPES
    else:
        generic = [None]
    for kind in generic:
        takes = [kind if argument in ("T", "ANY") else argument for argument in kinds]
        form = f"{name}({', '.join('{}' for _ in takes)})"
        if result in ("T", "ANY"):
            yield kind, (name, f"CAST({form} AS {SQL_TYPE[kind]})", takes)
        elif result in AS:
            gives, cast = AS[result]
            yield gives, (name, cast.format(form), takes)
        elif KIND.get(result) in TYPES + RARE_TYPES and (result != "T[]" or kind in (None, "int")):
            yield KIND[result], (name, form, takes)


def hint(name, place, kind, rng):
    """A text for this argument, where a random one makes no sense."""
    for pattern, where, of, pool in HINTS:
        if of == kind and where in (None, place) and re.fullmatch(pattern, name):
            return rng.choice(pool)
    return None
