"""Compares tests/functions.txt with DuckDB, which is where its answers come from.

    pip install 'duckdb==2.0.*'
    python tests/functions_expect.py             # prints the lines whose answers are not DuckDB's
    python tests/functions_expect.py --write     # writes DuckDB's answers; a new line may end with ` -> ?`
    python tests/functions_expect.py --missing   # DuckDB's scalar functions that docs/functions.md does not have
    python tests/functions_expect.py --untested  # our functions without a line in tests/functions.txt

Functions that DuckDB does not have keep the answer that they have.
"""

import pathlib
import re
import sys

import duckdb

ROOT = pathlib.Path(__file__).resolve().parents[1]
ANSWERS = ROOT / "tests/functions.txt"
INFIX = {"+", "-", "*", "/", "//", "%", "=", "<>", "<", "<=", ">", ">=", "||", "&", "|", "<<", ">>", "**"}
FORMS = {
    "neg": "-({0})",
    "~": "~({0})",
    "is_distinct_from": "{0} IS DISTINCT FROM {1}",
    "is_not_distinct_from": "{0} IS NOT DISTINCT FROM {1}",
    "like": "{0} LIKE {1}",
    "ilike": "{0} ILIKE {1}",
    "glob": "{0} GLOB {1}",
    # A constant part means the function of its name.
    "date_part": "date_part((SELECT {0}), {1})",
}


def literal(written):
    if written.endswith(" NULL"):
        return f"CAST(NULL AS {written.removesuffix(' NULL')})"
    dtype, text = written.split("=", 1)
    text = text.replace("'", "''")
    return f"'{text}'" if dtype == "VARCHAR" else f"CAST('{text}' AS {dtype})"


def sql_of(call):
    name, *args = call.split(" | ")
    if name == "cast":
        return f"CAST({literal(args[0])} AS {args[1]})"
    args = [f"CAST({literal(a)} AS VARCHAR)" if a.startswith("VARCHAR=") else literal(a) for a in args]
    if name in ("like", "ilike") and len(args) == 3:
        name += "_escape"
    if name in FORMS:
        return FORMS[name].format(*args)
    if name in INFIX:
        return f"{args[0]} {name} {args[1]}"
    return f"{name}({', '.join(args)})"


def answer(connection, call):
    """DuckDB's answer as `type=value`, `error`, or None where it knows no such function."""
    sql = sql_of(call)
    try:
        value, dtype = connection.execute(f"SELECT CAST({sql} AS VARCHAR), typeof({sql})").fetchone()
    except duckdb.CatalogException:
        return None
    except duckdb.Error:
        return "error"
    return f"{dtype} NULL" if value is None else f"{dtype}={value.replace('-nan', 'nan')}"


def close(ours, theirs):
    if ours == theirs:
        return True
    a, b = (re.fullmatch(r"(DOUBLE|FLOAT)=(.*)", text) for text in (ours, theirs))
    if not a or not b or a[1] != b[1]:
        return False
    a, b = float(a[2]), float(b[2])
    return a == b or abs(a - b) <= 1e-12 * abs(b)


def compare(connection, write):
    lines, differ = [], 0
    for line in ANSWERS.read_text().splitlines():
        if line.startswith("#"):
            lines.append(line)
            continue
        call, known = line.rsplit(" -> ", 1)
        theirs = answer(connection, call)
        if theirs is None:
            if known == "?":
                print(f"DuckDB has no such function: {call}")
                continue
            theirs = known
        if not close(known, theirs):
            differ += 1
            if known != "?":
                print(f"{call}\n    here: {known}\n    DuckDB: {theirs}")
        lines.append(f"{call} -> {known if close(known, theirs) else theirs}")
    print(f"{len(lines)} lines, {differ} differ")
    if write:
        ANSWERS.write_text("\n".join(lines) + "\n")


def documented():
    """The names and aliases of the page: what its tables' first cells hold."""
    rows = re.findall(r"^\| (`.*?`) \| ", (ROOT / "docs/functions.md").read_text(), re.MULTILINE)
    return {name.replace("\\|", "|") for row in rows for name in re.findall(r"`([^`]+)`", row)}


def main():
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    if "--missing" in sys.argv:
        rows = connection.execute(
            "SELECT DISTINCT function_name FROM duckdb_functions() WHERE function_type = 'scalar' ORDER BY 1"
        ).fetchall()
        internal = re.compile(r"__|collate_|st_|variant_|enum_|union_|icu_")
        print(*(name for (name,) in rows if not internal.match(name) and name not in documented()), sep="\n")
    elif "--untested" in sys.argv:
        tested = {line.split(" | ")[0].split(" -> ")[0] for line in ANSWERS.read_text().splitlines()}
        print(*sorted(documented() - tested), sep="\n")
    else:
        compare(connection, "--write" in sys.argv)


main()
