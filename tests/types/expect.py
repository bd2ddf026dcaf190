"""Writes tests/types/*.txt from DuckDB: the type of every operator, function, aggregate and cast over all types.

    pip install 'duckdb==2.0.*'
    python tests/types/expect.py

A line is `EXPRESSION | types of a | types of b -> TYPE`, or `-> error` where DuckDB refuses the pair; `all` and `all but` are of TYPES and NESTED. The operands are columns,
because literals take the type of what they meet. tests/types.rs binds every line with our own binder and compares; what is
meant to differ stands in differences.txt with its reason, and that file is written by hand.

ours.txt has the functions that DuckDB does not have. A new one comes into it with the answer `?`, for which
`FAULTLAB_UPDATE=1 cargo test --release --test types` writes ours: to be read, as nobody else answers.

What is called comes from docs/functions.md: every signature of every function, once with `a` in each place and once with `a` for
each T. An alias that answers as its function does everywhere is a line of aliases.txt.
"""

import pathlib
import re

import duckdb

HERE = pathlib.Path(__file__).resolve().parent
TYPES = [
    "NULL", "BOOLEAN", "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER",
    "UBIGINT", "FLOAT", "DOUBLE", "DECIMAL(4,1)", "DECIMAL(15,2)", "DECIMAL(18,0)", "DECIMAL(38,10)", "VARCHAR", "BLOB",
    "DATE", "TIME", "TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS", "TIMESTAMPTZ", "INTERVAL", "UUID",
]
# What stands between or around two columns a and b.
PAIRS = {
    "operators": [
        "a + b", "a - b", "a * b", "a / b", "a // b", "a % b", "a ^ b", "a || b", "a LIKE b", "a & b", "a << b",
        "a AND b",
    ],
    "mixing": [
        "a = b", "a < b", "a IS DISTINCT FROM b", "a BETWEEN b AND b", "a IN (b)", "coalesce(a, b)",
        "CASE WHEN true THEN a ELSE b END", "greatest(a, b)", "nullif(a, b)", "ifnull(a, b)", "if(true, a, b)", "SELECT a UNION ALL SELECT b",
    ],
}
# Types that only single arguments have: in pairs they would say little.
NESTED = [
    "BOOLEAN[]", "INTEGER[]", "DOUBLE[]", "VARCHAR[]", "INTEGER[][]", "STRUCT(x INTEGER, y VARCHAR)", "MAP(VARCHAR, INTEGER)", "JSON",
]
# What has no signature in the table of functions: syntax, and calls whose other arguments matter.
SINGLES = {
    "forms": [
        "-a", "+a", "NOT a", "a IS TRUE", "a IS NULL", "~a", "@a", "a || 'x'", "a + INTERVAL 1 DAY", "a - INTERVAL 1 DAY", "CASE a WHEN 1 THEN 2 END",
        "a[1]", "a[1:2]", "a['x']", "a.x", "[a, a]", "{'k': a}", "MAP {'k': a}", "(a, a)", "a IN (1, 2)", "a IN ('x')", "a BETWEEN 1 AND 2", "a LIKE 'x'",
        "a::VARCHAR", "TRY_CAST(a AS INTEGER)", "TRY(a)", "a AT TIME ZONE 'UTC'", "a SIMILAR TO 'x'", "extract(year FROM a)", "extract(epoch FROM a)",
        "position('x' IN a)", "substring(a FROM 1 FOR 2)", "trim(BOTH 'x' FROM a)", "overlay(a PLACING 'x' FROM 1)", "unnest(a)",
        "round(a, 1)", "date_part('epoch', a)", "date_part('second', a)", "date_trunc('hour', a)", "date_trunc('year', a)",
        "sum(a ORDER BY a)", "count(DISTINCT a)", "sum(DISTINCT a)", "list(a) FILTER (true)", "sum(a) OVER ()", "avg(a) OVER (ROWS 1 PRECEDING)",
    ],
    "aggregates": [
        "any_value(a)", "approx_count_distinct(a)", "approx_quantile(a, 0.5)", "approx_quantile(a, [0.5])", "approx_quantile(1, a)", "approx_top_k(a, 2)",
        "approx_top_k(1, a)", "arg_max(a, 1)", "arg_max(1, a)", "arg_max(a, a)", "arg_max(a, 1, 2)", "arg_max(1, a, 2)", "arg_max(1, 1, a)",
        "arg_max_null(a, 1)", "arg_max_null(1, a)", "arg_max_nulls_last(a, 1)", "arg_max_nulls_last(1, a)",
        "arg_min(a, 1)", "arg_min(1, a)", "arg_min(a, 1, 2)", "arg_min_null(a, 1)", "arg_min_null(1, a)", "arg_min_nulls_last(a, 1)", "arg_min_nulls_last(1, a)",
        "avg(a)", "bit_and(a)", "bit_or(a)", "bit_xor(a)", "bool_and(a)", "bool_or(a)", "corr(a, 1)", "corr(1, a)", "corr(a, a)", "count(a)", "count(a, a)", "count_if(a)",
        "count_star()", "covar_pop(a, 1)", "covar_pop(1, a)", "covar_samp(a, 1)", "covar_samp(1, a)", "entropy(a)", "favg(a)", "first(a)", "fsum(a)", "geometric_mean(a)",
        "histogram(a)", "json_group_array(a)", "json_group_object('x', a)", "json_group_object(a, 1)", "kurtosis(a)", "kurtosis_pop(a)", "last(a)", "list(a)", "mad(a)",
        "map_agg(a, 1)", "map_agg('x', a)", "max(a)", "max(a, 2)", "max(1, a)", "median(a)", "min(a)", "min(a, 2)", "mode(a)", "product(a)",
        "quantile_cont(a, 0.5)", "quantile_cont(a, [0.5])", "quantile_cont(1, a)", "quantile_disc(a, 0.5)", "quantile_disc(a, [0.5])", "quantile_disc(1, a)",
        "regr_avgx(a, 1)", "regr_avgx(1, a)", "regr_avgy(a, 1)", "regr_count(a, 1)", "regr_count(1, a)", "regr_intercept(a, 1)", "regr_r2(a, 1)", "regr_slope(a, 1)",
        "regr_slope(1, a)", "regr_sxx(a, 1)", "regr_sxy(a, 1)", "regr_syy(a, 1)", "sem(a)", "skewness(a)", "stddev_pop(a)", "stddev_samp(a)",
        "string_agg(a)", "string_agg(a, ',')", "string_agg('x', a)", "sum(a)", "var_pop(a)", "var_samp(a)", "weighted_avg(a, 1)", "weighted_avg(1, a)",
    ],
    "windows": [
        "cume_dist() OVER (ORDER BY a)", "dense_rank() OVER (ORDER BY a)", "fill(a) OVER (ORDER BY 1)", "fill(1) OVER (ORDER BY a)", "fill(a) OVER (ORDER BY a)",
        "first_value(a) OVER (ORDER BY 1)", "lag(a) OVER (ORDER BY 1)", "lag(a, 1) OVER (ORDER BY 1)", "lag(1, a) OVER (ORDER BY 1)", "lag(a, 1, a) OVER (ORDER BY 1)",
        "lag(1, 1, a) OVER (ORDER BY 1)", "lag('x', 1, a) OVER (ORDER BY 1)", "lag(a, 1, NULL) OVER (ORDER BY 1)", "last_value(a) OVER (ORDER BY 1)", "lead(a) OVER (ORDER BY 1)",
        "lead(1, a) OVER (ORDER BY 1)", "lead(a, 1, a) OVER (ORDER BY 1)", "nth_value(a, 1) OVER (ORDER BY 1)", "nth_value(1, a) OVER (ORDER BY 1)", "ntile(a) OVER (ORDER BY 1)",
        "percent_rank() OVER (ORDER BY a)", "rank() OVER (PARTITION BY a ORDER BY a)", "row_number() OVER (PARTITION BY a)",
        "sum(1) OVER (ORDER BY a RANGE BETWEEN 1 PRECEDING AND CURRENT ROW)", "sum(1) OVER (ORDER BY a RANGE BETWEEN INTERVAL 1 DAY PRECEDING AND CURRENT ROW)",
        "sum(1) OVER (ORDER BY a RANGE BETWEEN a PRECEDING AND CURRENT ROW)", "sum(1) OVER (ORDER BY 1 ROWS BETWEEN a PRECEDING AND CURRENT ROW)",
    ],
}
# An argument of each type that signatures name, where the argument is not the one that varies.
FILLERS = {
    "T": "1", "U": "1", "ANY": "1", "K": "'x'", "V": "1", "BOOLEAN": "true", "INTEGER": "1", "BIGINT": "1", "UBIGINT": "1", "HUGEINT": "1", "TINYINT": "1", "SMALLINT": "1",
    "DOUBLE": "1.5", "FLOAT": "1.5", "VARCHAR": "'x'", "BLOB": "'x'::BLOB", "DATE": "DATE '2024-01-02'", "TIME": "TIME '01:02:03'",
    "TIMESTAMP": "TIMESTAMP '2024-01-02 03:04:05'", "TIMESTAMP_NS": "TIMESTAMP_NS '2024-01-02 03:04:05'", "TIMESTAMPTZ": "TIMESTAMPTZ '2024-01-02 03:04:05+00'",
    "INTERVAL": "INTERVAL 1 DAY", "UUID": "'6ba7b810-9dad-11d1-80b4-00c04fd430c8'::UUID", "JSON": "'{\"x\": 1}'::JSON", "T[]": "[1]", "T[][]": "[[1]]", "K[]": "['x']",
    "V[]": "[1]", "BIGINT[]": "[1]", "DOUBLE[]": "[1.5]", "VARCHAR[]": "['x']", "BOOLEAN[]": "[true]", "STRUCT": "{'x': 1}", "MAP(K, V)": "MAP {'x': 1}",
    "TUPLE(K, V)[]": "[('x', 1)]", "name := ANY": "z := 1", "structure VARCHAR": "'\"INTEGER\"'", "TIMESTAMP[]": "[TIMESTAMP '2024-01-02 03:04:05']",
}
# Texts that mean something: (function, place) and what stands there.
TEXTS = {
    ("date_trunc", 0): "'day'", ("date_part", 0): "'year'", ("date_diff", 0): "'day'", ("date_sub", 0): "'day'", ("timezone", 0): "'UTC'", ("strftime", 1): "'%Y'",
    ("strptime", 1): "'%Y'", ("try_strptime", 1): "'%Y'", ("normalize", 1): "'NFC'", ("list_sort", 1): "'DESC'", ("list_sort", 2): "'NULLS LAST'",
    ("list_reverse_sort", 1): "'NULLS LAST'", ("list_grade_up", 1): "'DESC'", ("list_grade_up", 2): "'NULLS LAST'", ("list_aggregate", 1): "'sum'",
    ("struct_extract", 1): "'x'", ("format", 0): "'{}'", ("printf", 0): "'%s'", ("regexp_replace", 3): "'g'", ("regexp_matches", 2): "'i'", ("regexp_full_match", 2): "'i'",
    ("getvariable", 0): "'x'", ("like", 2): "'e'", ("ilike", 2): "'e'", ("from_base", 1): "10", ("to_base", 1): "10", ("parse_dirname", 1): "'slash'", ("parse_dirpath", 1): "'slash'",
    ("parse_filename", 1): "true", ("parse_filename", 2): "'slash'", ("json_extract", 1): "'$.x'", ("json_extract_string", 1): "'$.x'", ("json_value", 1): "'$.x'",
    ("json_exists", 1): "'$.x'", ("json_type", 1): "'$.x'", ("json_array_length", 1): "'$.x'", ("json_keys", 1): "'$.x'", ("regexp_extract", 2): "0",
}
LAMBDAS = {"list_reduce": "lambda x, y: x", "list_transform": "lambda x: x", "list_filter": "lambda x: x IS NULL"}
OPERATORS = {"+", "-", "*", "/", "//", "%", "=", "<>", "<", "<=", ">", ">=", "||", "&", "|", "~", "<<", ">>"}
# Functions that stand between their arguments, and their names as calls of three.
BETWEEN = {"like": "like_escape", "ilike": "ilike_escape", "glob": "glob"}
SAMPLES = {
    "BOOLEAN": "true", "VARCHAR": "'1'", "BLOB": "'1'", "DATE": "'2024-01-02'", "TIME": "'01:02:03'",
    "TIMESTAMP": "'2024-01-02 03:04:05'", "TIMESTAMP_S": "'2024-01-02 03:04:05'", "TIMESTAMP_MS": "'2024-01-02 03:04:05'",
    "TIMESTAMP_NS": "'2024-01-02 03:04:05'", "TIMESTAMPTZ": "'2024-01-02 03:04:05+00'", "INTERVAL": "'1 day'",
    "UUID": "'6ba7b810-9dad-11d1-80b4-00c04fd430c8'", "NULL": "NULL", "BOOLEAN[]": "[true]", "INTEGER[]": "[1]", "DOUBLE[]": "[1.5]", "VARCHAR[]": "['1']", "INTEGER[][]": "[[1]]",
    "STRUCT(x INTEGER, y VARCHAR)": "{'x': 1, 'y': 'a'}", "MAP(VARCHAR, INTEGER)": "MAP {'x': 1}", "JSON": "'{\"x\": 1}'",
}


def short(name):
    """The name of a type as faultlab has it; lists of a fixed size are lists there."""
    name = name.replace("TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ").replace('"NULL"', "NULL")
    return re.sub(r"\[\d+\]", "[]", name)


def value(name):
    return f"CAST({SAMPLES.get(name, '1')} AS {name})" if name != "NULL" else "NULL"


def prepare(connection):
    """A table of one row for every pair of types."""
    for i, a in enumerate(TYPES):
        for j, b in enumerate(TYPES):
            connection.execute(f"CREATE TABLE t{i}_{j} AS SELECT x.* FROM (SELECT {value(a)} AS a, {value(b)} AS b) AS x")


def result(connection, expression, a, b="NULL"):
    if a in NESTED or "NULL" in (a, b):
        # A table cannot have a column of the type NULL.
        source = f"(SELECT {value(a)} AS a, {value(b)} AS b) AS t"
    else:
        source = f"t{TYPES.index(a)}_{TYPES.index(b)}"
    if expression.startswith("SELECT"):
        left, right = expression.split(" UNION ALL ")
        sql = f"{left} FROM {source} UNION ALL {right} FROM {source}"
    else:
        sql = f"SELECT {expression} FROM {source}"
    try:
        bound = short(str(connection.execute(f"DESCRIBE {sql}").fetchone()[1]))
    except duckdb.CatalogException as error:
        if "does not exist" in str(error):
            return None
        return "error"
    except duckdb.Error:
        return "error"
    # Some comparisons bind through casts that do not exist: an error for every value is an error of types.
    try:
        connection.execute(sql).fetchall()
    except duckdb.Error as error:
        if "Unimplemented type for cast" in str(error):
            return "error"
    return bound


def castable(connection, a, b):
    return "error" if result(connection, f"CAST(a AS {b})", a) == "error" else "ok"


def grouped(answers):
    """Right sides of one answer together, in the order of the types."""
    groups = {}
    for right, answer in answers:
        groups.setdefault(answer, []).append(right)
    return groups.items()


def listed(types):
    """The types, or those that are missing if these are fewer."""
    missing = [name for name in TYPES + NESTED if name not in types]
    if not missing:
        return "all"
    return ", ".join(types) if len(types) <= len(missing) else "all but " + ", ".join(missing)


def matrix(expression, answer):
    """The lines of an expression over two types: left sides that answer alike stand together."""
    groups = {}
    for a in TYPES:
        for result, rights in grouped((b, answer(a, b)) for b in TYPES):
            groups.setdefault((tuple(rights), result), []).append(a)
    return [f"{expression} | {', '.join(lefts)} | {', '.join(rights)} -> {result}" for (rights, result), lefts in groups.items()]


def documented():
    """The functions of docs/functions.md: (names, signatures), the aggregates and windows without signatures."""
    for line in (HERE.parents[1] / "docs/functions.md").read_text().splitlines():
        cells = [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)]
        if len(cells) < 5 or not cells[1].startswith("`"):
            continue
        names = re.findall(r"`([^`]+)`", cells[1])
        signatures = [signature for signature in re.findall(r"`([^`]+)`", cells[2]) if signature.startswith("(")]
        yield names, [split(signature[1 : signature.rindex(") -> ")]) for signature in signatures]


def split(types):
    """Types between commas; those of STRUCT(a, b) stay together."""
    return [part for part in re.findall(r"(?:[^,(]|\([^)]*\))+", types.replace(", ", ",")) if part]


def with_a(pattern):
    """A pattern of T (or K and V) where each of them is `a`; None if it has none."""
    varied = {
        "T": "a", "T[]": "[a]", "T[][]": "[[a]]", "T...": "a, a", "T[]...": "[a], [a]", "ANY": "a", "ANY...": "a, a", "K": "a", "V": "a", "K[]": "[a]", "V[]": "[a]",
        "MAP(K,V)": "MAP {'x': a}", "MAP(K,V)...": "MAP {'x': a}, MAP {'x': a}", "TUPLE(K,V)[]": "[('x', a)]", "STRUCT": "{'x': a}", "name := ANY": "z := a",
    }
    return varied.get(pattern)


def calls(name, signatures):
    """The calls of a function where one argument is `a` and the others are fixed, and those where every T is."""
    found = {}
    for signature in signatures:
        signature = [part for part in signature if part != "..."]
        fixed = []
        for place, part in enumerate(signature):
            plain = part.removesuffix("...").replace("K,V", "K, V")
            text = LAMBDAS.get(name) if part == "LAMBDA" else TEXTS.get((name, place)) or FILLERS.get(plain)
            fixed.append(text or ("lambda x: x IS NULL" if part == "LAMBDA" else FILLERS["VARCHAR"] if plain == "name VARCHAR" else None))
        if None in fixed:
            raise SystemExit(f"{name}: nothing to fill {signature} with")
        for place, part in enumerate(signature):
            if part not in ("LAMBDA", "name := ANY"):
                found[", ".join(fixed[:place] + ["a"] + fixed[place + 1 :])] = None
        if any(with_a(part) for part in signature):
            found[", ".join(with_a(part) or fixed[place] for place, part in enumerate(signature))] = None
        if not signature:
            found[""] = None
    return list(found)


def form(name, arguments):
    """The call as it is written: LIKE of two stands between them."""
    parts = split(arguments)
    return f"{parts[0]} {name.upper()} {parts[1]}" if name in BETWEEN and len(parts) == 2 else f"{BETWEEN.get(name, name)}({arguments})"


def lines(connection, expression):
    """The lines of an expression over one type; None if DuckDB has no such function."""
    answers = [(a, result(connection, expression, a)) for a in TYPES + NESTED]
    if all(answer is None for _, answer in answers):
        return None
    # An overload may be found by the binder and not by the catalog.
    return [f"{expression} | {listed(types)} -> {answer}" for answer, types in grouped((a, answer or "error") for a, answer in answers)]


def functions(connection):
    """Lines of all scalar functions, and of their aliases; and calls and aliases of which DuckDB has no function."""
    all_lines, aliases, absent = [], [], []
    done = {re.match(r"\w+", call)[0] for call in SINGLES["aggregates"] + SINGLES["windows"]}
    for names, signatures in documented():
        name = next((name for name in names if name[0].isalpha()), names[0])
        if name in done and not signatures:
            reference = [call for call in SINGLES["aggregates"] + SINGLES["windows"] if call.startswith(f"{name}(")]
            for alias in names:
                if alias != name:
                    same(connection, alias, name, [call.removeprefix(name) for call in reference], aliases, absent)
            continue
        if name in OPERATORS:
            continue
        answered = [lines(connection, form(name, arguments)) for arguments in calls(name, signatures)]
        if all(answer is None for answer in answered):
            absent += [form(name, arguments) for arguments in calls(name, signatures)]
        all_lines += [line for answer in answered for line in answer or []]
        for alias in names:
            if alias != name and alias[0].isalpha() and alias not in BETWEEN.values():
                same(connection, alias, name, [f"({arguments})" for arguments in calls(name, signatures)], aliases, absent)
    return all_lines, aliases, absent


def same(connection, alias, name, rest, aliases, absent):
    """Notes that an alias answers as its function, or each call where it does not."""
    theirs = [lines(connection, alias + arguments) for arguments in rest]
    if all(answer is None for answer in theirs):
        absent.append(f"{alias} = {name}")
        return
    aliases.append(f"{alias} = {name}")
    for arguments, answer in zip(rest, theirs):
        ours = lines(connection, name + arguments)
        renamed = [line.replace(name + arguments, alias + arguments, 1) for line in ours or []]
        if answer is not None and renamed != answer:
            aliases.extend(answer)


def main():
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    prepare(connection)
    for name, expressions in PAIRS.items():
        found = []
        for expression in expressions:
            found += matrix(expression, lambda a, b: result(connection, expression, a, b))
        (HERE / f"{name}.txt").write_text("\n".join(found) + "\n")
    absent = []
    for name, expressions in SINGLES.items():
        answered = [lines(connection, expression) for expression in expressions]
        absent += [expression for expression, answer in zip(expressions, answered) if answer is None]
        found = [line for answer in answered for line in answer or []]
        (HERE / f"{name}.txt").write_text("\n".join(found) + "\n")
    found, aliases, more = functions(connection)
    absent += more
    (HERE / "functions.txt").write_text("\n".join(found) + "\n")
    (HERE / "aliases.txt").write_text("\n".join(aliases) + "\n")
    found = matrix("CAST(a AS b)", lambda a, b: "ok" if b == "NULL" else castable(connection, a, b))
    (HERE / "casts.txt").write_text("\n".join(found) + "\n")
    ours = (HERE / "ours.txt").read_text().splitlines()
    known = {line.split(" | ")[0] for line in ours}
    ours += [call if " = " in call else f"{call} | all -> ?" for call in absent if call not in known]
    (HERE / "ours.txt").write_text("\n".join(line for line in ours if line) + "\n")


if __name__ == "__main__":
    main()
