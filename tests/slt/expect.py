"""Writes the expected answers into tests/slt/*.slt, from DuckDB: never from our own output.

    pip install 'duckdb==2.0.*'
    python tests/slt/expect.py                  # all files; or name some
    python tests/slt/expect.py --tpch FOLDER    # tests/tpch/queries.slt, on what `generate-tpch FOLDER 0.01` wrote

A record is `query SORT` (or `query TYPES SORT`), the SQL, `----`, and the rows, which this script replaces:

    query IT rowsort
    SELECT id, name FROM staff
    ----
    1<TAB>Ada

TYPES has a letter a column: I integer (exact), R double (compared within 1e-12 relative), T anything else (exact text).
SORT is `nosort` where ORDER BY is total, else `rowsort`: both sides sort the rows' texts. NULL is `NULL`, empty text `(empty)`,
a line break in a value `\\n`, a tab `\\t`. An answer of more than 200 rows without doubles is written as its number of rows and a hash.
`statement error` records keep what they have: DuckDB has to refuse them too. `statement ok` has to succeed; a file with such records
has a database of its own, and a folder `__DIR__` for files.

A record's first line may be `SET TimeZone = '...';`: it holds for the query that follows.

The clock is that of sample-data/faultlab.toml: `current_date` and `current_timestamp` are replaced before DuckDB sees them.
"""

import datetime
import decimal
import pathlib
import re
import sys
import tempfile

import duckdb

ROOT = pathlib.Path(__file__).resolve().parents[2]
SORTS = ("nosort", "rowsort")
MOST_ROWS = 200
INTEGERS = {
    "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT",
}


def connect():
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'; CREATE SCHEMA raw")
    data, small = ROOT / "sample-data", ROOT / "tests/slt/data"
    sources = {
        "orders": data / "orders.parquet",
        "customers": data / "customers.parquet",
        "sales": data / "sales/*.parquet",
        "products": data / "products.csv",
        "raw.transactions": data / "raw/transactions.parquet",
        "raw.shipments": data / "raw/shipments.csv",
        "raw.events": data / "raw/events.ndjson",
    }
    sources |= {path.stem: path for path in sorted(small.iterdir())}
    for table, path in sources.items():
        connection.execute(f"CREATE TABLE {table} AS SELECT * FROM {reader(path)}")
    return connection


def reader(path):
    """The table function that reads a file with its types detected over the whole of it."""
    if str(path).endswith(".csv"):
        return f"read_csv('{path}', sample_size = -1)"
    if str(path).endswith(".ndjson"):
        return f"read_json('{path}', format = 'newline_delimited', sample_size = -1)"
    return f"'{path}'"


def today():
    text = (ROOT / "sample-data/faultlab.toml").read_text()
    return re.search(r'^today = "(.*)"$', text, re.MULTILINE).group(1)


def plain_for_duckdb(sql, date):
    sql = re.sub(r"\bcurrent_date\b", f"DATE '{date}'", sql)
    sql = re.sub(r"\bcurrent_timestamp\b", f"TIMESTAMP '{date} 00:00:00'", sql)
    return re.sub(
        r"(FROM|JOIN) '((?:sample-data|tests)/[^']*)'", lambda found: f"{found[1]} {reader(ROOT / found[2])}", sql
    )


def text_of(value):
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, decimal.Decimal):
        return format(value, "f")
    if isinstance(value, datetime.datetime):
        text = value.strftime("%Y-%m-%d %H:%M:%S")
        return text + f".{value.microsecond:06}".rstrip("0") if value.microsecond else text
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, str):
        return value.replace("\n", "\\n").replace("\t", "\\t") or "(empty)"
    raise TypeError(f"no text form for {type(value)}: cast it to VARCHAR in the query")


def letter_of(dtype):
    if dtype in INTEGERS:
        return "I"
    return "R" if dtype in ("DOUBLE", "FLOAT") else "T"


def fnv1a(lines):
    """FNV-1a with 64 bits over the lines, each with a line break."""
    state = 0xCBF29CE484222325
    for byte in "".join(line + "\n" for line in lines).encode():
        state = ((state ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return f"{state:016x}"


def answer(connection, sql, sort):
    if sql.startswith("SET ") and ";\n" in sql:
        setting, sql = sql.split(";\n", 1)
        connection.execute(setting)
        try:
            return answer(connection, sql, sort)
        finally:
            connection.execute("SET TimeZone = 'UTC'")
    result = connection.execute(sql)
    types = [str(column[1]) for column in result.description]
    as_text = [bool(re.search(r"\]$|^(STRUCT|TUPLE|MAP)\(|^(TIMESTAMP_NS|INTERVAL|BLOB)$", dtype)) for dtype in types]
    if any(as_text):
        # DuckDB's own text of what Python has no value for; a table keeps the rows in their order.
        connection.execute(f"CREATE OR REPLACE TEMP TABLE answer AS {sql}")
        columns = (f"#{i + 1}::VARCHAR" if cast else f"#{i + 1}" for i, cast in enumerate(as_text))
        result = connection.execute(f"SELECT {', '.join(columns)} FROM answer")
    types = "".join(letter_of(dtype) for dtype in types)
    rows = ["\t".join(text_of(value) for value in row) for row in result.fetchall()]
    if sort == "rowsort":
        rows.sort(key=str.encode)
    if len(rows) > MOST_ROWS and "R" not in types:
        rows = [f"{len(rows)} rows hash {fnv1a(rows)}"]
    return types, rows


def rewrite(connection, path, date):
    blocks, problems = [], 0
    text = path.read_text()
    # A file that writes has a database of its own, and a folder for files.
    own = "\nstatement ok\n" in f"\n{text}"
    connection = connect() if own else connection
    folder = tempfile.mkdtemp()
    for_duckdb = lambda sql, date: plain_for_duckdb(sql, date).replace("__DIR__", folder)
    for block in text.strip().split("\n\n"):
        lines = block.split("\n")
        if lines[0].startswith("query"):
            sort = next((word for word in lines[0].split() if word in SORTS), "rowsort")
            sql = "\n".join(lines[1 : lines.index("----")])
            try:
                types, rows = answer(connection, for_duckdb(sql, date), sort)
                lines = [f"query {types} {sort}", sql, "----", *rows]
            except (duckdb.Error, TypeError) as error:
                problems += 1
                print(f"{path.name}: {sql}\n    {error}", file=sys.stderr)
        elif lines[0].startswith("statement error"):
            sql = "\n".join(lines[1:])
            try:
                connection.execute(for_duckdb(sql, date)).fetchall()
                problems += 1
                print(f"{path.name}: DuckDB accepts: {sql}", file=sys.stderr)
            except duckdb.Error:
                pass
        elif lines[0].startswith("statement ok"):
            sql = "\n".join(lines[1:])
            try:
                connection.execute(for_duckdb(sql, date)).fetchall()
            except duckdb.Error as error:
                problems += 1
                print(f"{path.name}: {sql}\n    {error}", file=sys.stderr)
        blocks.append("\n".join(lines))
    path.write_text("\n\n".join(blocks) + "\n")
    return problems


def connect_tpch(folder):
    connection = duckdb.connect()
    for path in sorted(pathlib.Path(folder).glob("*.parquet")):
        connection.execute(f"CREATE VIEW {path.stem} AS SELECT * FROM '{path}'")
    return connection


def main():
    if sys.argv[1:2] == ["--tpch"]:
        names, connection = [str(ROOT / "tests/tpch/queries.slt")], connect_tpch(sys.argv[2])
    else:
        names = sys.argv[1:] or sorted(str(path) for path in (ROOT / "tests/slt").glob("*.slt"))
        connection = connect()
    date = today()
    problems = sum(rewrite(connection, pathlib.Path(name).resolve(), date) for name in names)
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
