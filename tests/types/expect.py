"""Writes tests/types/*.txt from DuckDB: the type of every operator, function, aggregate and cast over all pairs of types.

    pip install 'duckdb==2.0.*'
    python tests/types/expect.py

A line is `EXPRESSION | types of a | types of b -> TYPE`, or `-> error` where DuckDB refuses the pair. The operands are columns,
because literals take the type of what they meet. tests/types.rs binds every line with our own binder and compares; what is
meant to differ stands in differences.txt with its reason, and that file is written by hand.
"""

import pathlib

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
SINGLES = {
    "functions": [
        "-a", "+a", "NOT a", "a IS TRUE", "~a", "@a", "abs(a)", "sign(a)", "floor(a)", "ceil(a)", "round(a)", "round(a, 1)", "trunc(a)",
        "sqrt(a)", "ln(a)", "upper(a)", "length(a)", "concat(a)", "a || 'x'", "substring(a, 1, 2)", "md5(a)", "hash(a)",
        "year(a)", "month(a)", "day(a)", "hour(a)", "minute(a)", "second(a)", "week(a)", "dayofweek(a)", "dayofyear(a)", "quarter(a)",
        "century(a)", "decade(a)", "millennium(a)", "era(a)", "julian(a)", "isoyear(a)", "yearweek(a)",
        "millisecond(a)", "microsecond(a)", "nanosecond(a)", "timezone(a)",
        "epoch(a)", "epoch_ms(a)", "epoch_us(a)", "epoch_ns(a)", "date_part('year', a)", "date_part('epoch', a)", "date_trunc('month', a)", "date_trunc('hour', a)",
        "date_diff('day', a, a)", "date_sub('day', a, a)", "last_day(a)", "dayname(a)", "monthname(a)", "age(a)", "age(a, a)",
        "strftime(a, '%Y')", "strptime(a, '%Y')", "make_date(a, a, a)", "make_time(a, a, a)", "make_timestamp(a)", "make_timestamp(a, a, a, a, a, a)",
        "make_timestamptz(a)", "to_timestamp(a)", "to_years(a)", "to_months(a)",
        "to_days(a)", "to_hours(a)", "to_seconds(a)", "to_milliseconds(a)", "to_microseconds(a)", "time_bucket(INTERVAL 1 DAY, a)",
        "isfinite(a)", "isinf(a)", "isnan(a)", "timezone('UTC', a)", "a + INTERVAL 1 DAY", "a - INTERVAL 1 DAY", "date_add(a, INTERVAL 1 DAY)",
        "datetrunc('day', a)", "typeof(a)", "bit_count(a)",
    ],
    "aggregates": [
        "sum(a)", "avg(a)", "min(a)", "max(a)", "count(a)", "first(a)", "any_value(a)", "stddev(a)", "var_pop(a)",
        "bool_and(a)", "bool_or(a)", "median(a)", "mode(a)", "product(a)", "bit_and(a)", "string_agg(a, ',')", "quantile_cont(a, 0.5)",
        "quantile_disc(a, 0.5)", "arg_max(a, a)", "count_if(a)", "favg(a)", "fsum(a)", "approx_count_distinct(a)", "corr(a, a)",
        "skewness(a)", "entropy(a)", "histogram(a)", "list(a)",
    ],
}
SAMPLES = {
    "BOOLEAN": "true", "VARCHAR": "'1'", "BLOB": "'1'", "DATE": "'2024-01-02'", "TIME": "'01:02:03'",
    "TIMESTAMP": "'2024-01-02 03:04:05'", "TIMESTAMP_S": "'2024-01-02 03:04:05'", "TIMESTAMP_MS": "'2024-01-02 03:04:05'",
    "TIMESTAMP_NS": "'2024-01-02 03:04:05'", "TIMESTAMPTZ": "'2024-01-02 03:04:05+00'", "INTERVAL": "'1 day'",
    "UUID": "'6ba7b810-9dad-11d1-80b4-00c04fd430c8'", "NULL": "NULL",
}


def short(name):
    return name.replace("TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ").replace('"NULL"', "NULL")


def value(name):
    return f"CAST({SAMPLES.get(name, '1')} AS {name})" if name != "NULL" else "NULL"


def prepare(connection):
    """A table of one row for every pair of types."""
    for i, a in enumerate(TYPES):
        for j, b in enumerate(TYPES):
            connection.execute(f"CREATE TABLE t{i}_{j} AS SELECT x.* FROM (SELECT {value(a)} AS a, {value(b)} AS b) AS x")


def result(connection, expression, a, b="NULL"):
    # A table cannot have a column of the type NULL.
    source = f"t{TYPES.index(a)}_{TYPES.index(b)}"
    if "NULL" in (a, b):
        source = f"(SELECT {value(a)} AS a, {value(b)} AS b) AS t"
    if expression.startswith("SELECT"):
        left, right = expression.split(" UNION ALL ")
        sql = f"{left} FROM {source} UNION ALL {right} FROM {source}"
    else:
        sql = f"SELECT {expression} FROM {source}"
    try:
        bound = short(str(connection.execute(f"DESCRIBE {sql}").fetchone()[1]))
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


def matrix(expression, answer):
    """The lines of an expression over two types: left sides that answer alike stand together."""
    groups = {}
    for a in TYPES:
        for result, rights in grouped((b, answer(a, b)) for b in TYPES):
            groups.setdefault((tuple(rights), result), []).append(a)
    return [f"{expression} | {', '.join(lefts)} | {', '.join(rights)} -> {result}" for (rights, result), lefts in groups.items()]


def main():
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    prepare(connection)
    for name, expressions in PAIRS.items():
        lines = []
        for expression in expressions:
            lines += matrix(expression, lambda a, b: result(connection, expression, a, b))
        (HERE / f"{name}.txt").write_text("\n".join(lines) + "\n")
    for name, expressions in SINGLES.items():
        lines = []
        for expression in expressions:
            answers = [(a, result(connection, expression, a)) for a in TYPES]
            lines += [f"{expression} | {', '.join(types)} -> {answer}" for answer, types in grouped(answers)]
        (HERE / f"{name}.txt").write_text("\n".join(lines) + "\n")
    lines = matrix("CAST(a AS b)", lambda a, b: "ok" if b == "NULL" else castable(connection, a, b))
    (HERE / "casts.txt").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
