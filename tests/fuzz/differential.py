"""Random queries over random small tables, answered by faultlab and by DuckDB, and compared.

    pip install 'duckdb==2.0.*'
    python tests/fuzz/differential.py --faultlab target/release/faultlab --seed 1 --count 5000

Everything follows from --seed. Tables have NULLs, duplicates and extremes. Each set of tables has another number of workers and another
time zone, and some queries lose a worker half-way. Rows are compared as multisets (queries with LIMIT have
a total order), doubles within 1e-9. An error on one side only is a difference, except that a feature which faultlab says it lacks is
counted, and that it may fail, or not fail, as DuckDB does with or without its optimizer. Each difference is shown with the smallest query
that still differs. The exit code is 1 if there was one.
"""

import argparse
import collections
import csv
import io
import math
import pathlib
import random
import re
import subprocess
import sys
import tempfile
import zlib

import duckdb

from nodes import FILE_TYPES, SQL_TYPE, TYPES, VALUES, Node
from queries import Queries
import writes

NULL = "~null~"
# What is no fault, or a choice. Which rows a failing expression meets depends on the plan: we evaluate less than DuckDB in places, and DuckDB
# looks at no row of a join whose other side is empty.
COUNTED = ["unsupported", "error of a row that DuckDB may skip", "accepted by us alone", "error of theirs", "DuckDB disagrees with itself"]
TIMEOUT = 120
MARK = "between two queries"
# Of some queries only the names and types of the columns are compared.
DESCRIBE = "DESCRIBE "
DESCRIBED_PERCENT = 8
ZONES = ["UTC", "UTC", "Europe/Berlin", "America/New_York"]
# The order of the rows is compared where the query itself ends in one.
ORDERED = re.compile(r" ORDER BY \d[^()']*$")


# Tables

def make_tables(rng, folder, connection):
    tables = []
    pools = {
        "int": ["0", "1", "1", "2", "2", "3", "4", "5", "-1", "2147483647", "-2147483648", "10", "10"],
        "big": ["0", "1", "2", "3", "3", "-3", "42", "5000000000", "9223372036854775807", "-9223372036854775808"],
        "dec": ["0.00", "1.50", "1.50", "-2.25", "99.99", "0.10", "0.01", "9999999999.99", "-9999999999.99"],
        "dbl": ["0.0", "-0.0", "1.5", "1.5", "-2.5", "0.1", "3", "10", "'NaN'", "'inf'", "1e15"],
        "txt": VALUES["txt"] + ["'a'", "'b'", "'B'", "'2024-02-29'", "'1.5'", "'é'", "' x '"],
        "date": ["'2024-01-31'", "'2024-02-29'", "'1969-12-31'", "'2000-01-01'", "'2024-03-01'", "'2024-01-31'"],
        "ts": ["'2024-01-31 23:59:59.999999'", "'2024-01-31 00:00:00'", "'1969-12-31 23:59:59'", "'2024-02-29 12:00:00'", "'2024-03-01 12:30:15.5'"],
        "bool": ["true", "false"],
        "lst": VALUES["lst"] + ["[3, 1, 2]", "[10, -1]"],
    }
    pools = {kind: pools.get(kind, VALUES[kind]) for kind in TYPES + FILE_TYPES}
    # Doubles of this kind are rare: where they appear, sums and comparisons get little else to show.
    rare = {"'NaN'", "'inf'", "1e15", "2147483647", "-2147483648", "9223372036854775807", "-9223372036854775808"}
    for number, rows in enumerate([0, 1, 6, 12, 20, 40]):
        columns = [("k", "int"), ("v", rng.choice(TYPES))] + [(f"x{place}", kind) for place, kind in enumerate(rng.sample(TYPES, rng.randint(2, 6)) + rng.sample(FILE_TYPES, rng.randint(0, 2)))]
        nulls = rng.choice([0, 10, 30])
        spread = rng.random() < 0.5
        calm = rng.random() < 0.6

        def value(kind):
            if rng.random() * 100 < nulls:
                return "NULL"
            if spread and kind == "int":
                return str(rng.randint(-5, 20))
            pick = rng.choice(pools[kind])
            if pick in rare and (calm or rng.random() < 0.7):
                pick = pools[kind][1]
            return f"CAST({pick} AS {SQL_TYPE[kind]})"

        name = f"f{number}"
        definition = ", ".join(f"{column} {SQL_TYPE[kind]}" for column, kind in columns)
        connection.execute(f"CREATE TABLE {name} ({definition})")
        for _ in range(rows):
            connection.execute(f"INSERT INTO {name} VALUES ({', '.join(value(kind) for _, kind in columns)})")
        connection.execute(f"COPY {name} TO '{folder}/{name}.parquet' (ROW_GROUP_SIZE 2048)")
        tables.append((name, columns))
    return tables


# Answers

def theirs(connection, query):
    """(types, rows of texts) of DuckDB, or its error."""
    try:
        if query.startswith(DESCRIBE):
            columns = connection.execute(f"FROM ({query.removeprefix(DESCRIBE)}) LIMIT 0").description
            return ["VARCHAR", "VARCHAR"], [(name, str(type)) for name, type, *_ in columns]
        # The text of a value comes from DuckDB itself; the answer is computed once, without this cast in its plan.
        connection.execute("CREATE OR REPLACE TEMP TABLE answer AS " + query)
        types = [str(column[1]) for column in connection.execute("SELECT * FROM answer LIMIT 0").description]
        return types, connection.execute("SELECT CAST(COLUMNS(*) AS VARCHAR) FROM answer").fetchall()
    except (duckdb.Error, UnicodeDecodeError) as error:
        return str(error).split("\n")[0]


def ours(arguments, setup, queries):
    """For each query the rows as texts, or the text of the error. `setup` is (folder, nodes, zone, how many percent of queries meet a crash)."""
    folder, nodes, zone, crashes = setup
    answers = []
    while len(answers) < len(queries):
        rest = queries[len(answers):]
        script = [f"SET TimeZone = '{zone}'"]
        for place, query in enumerate(rest):
            script.append(f"SELECT '{MARK}' AS m")
            if nodes > 1 and zlib.crc32(query.encode()) % 100 < crashes:
                number = zlib.crc32(query.encode()) // 100
                script += ["RESTART ALL", f"INJECT CRASH ON NODE {number % nodes + 1} AT {number % 90 + 5}%"]
            script.append(query)
        script.append(f"SELECT '{MARK}' AS m")
        command = [arguments.faultlab, "--data", folder, "--on-error", "continue", "--output-format", "csv_header", "--null", NULL, "--no-progress",
                   "--safe", "--nodes", str(nodes), "--mode", "recompute", "--warehouse", f"{folder}/warehouse"]
        try:
            done = subprocess.run(command, input="".join(line + ";\n" for line in script), capture_output=True, text=True, timeout=TIMEOUT)
            text, errors, ended = done.stdout, done.stderr, f"the process ended with code {done.returncode}"
        except subprocess.TimeoutExpired as late:
            text, errors, ended = ((part or b"").decode(errors="replace") for part in (late.stdout, late.stderr, b"no answer in time"))
        parts = re.split(rf"^m\n{MARK}\n", text, flags=re.M)[1:]
        # A query that fails prints nothing to stdout, not even a header.
        failed = iter(re.split(r"^(?=Error:|Query failed:)", errors, flags=re.M)[1:])
        if not parts:
            sys.exit(f"nothing came back: {(text + errors)[-2000:]}")
        for part in parts[:-1]:
            answers.append([tuple(None if cell == NULL else cell for cell in row) for row in csv.reader(io.StringIO(part)) if row][1:] if part else next(failed, "Error: CRASH without a text").strip())
        if len(parts) <= len(rest):
            answers.append(f"Error: CRASH {ended}: {errors.strip()[-500:]}")
    return answers


def number(text):
    value = float(text)
    return 0.0 if value == 0 else value


def same_rows(types, left, right, ordered):
    if len(left) != len(right):
        return False
    if left == right or (not ordered and collections.Counter(left) == collections.Counter(right)):
        return True

    def key(row):
        cells = []
        for type, cell in zip(types, row):
            if cell is not None and type in ("DOUBLE", "FLOAT"):
                value = number(cell)
                cells.append((1, "nan" if math.isnan(value) else f"{value:.9e}"))
            else:
                cells.append((0, "") if cell is None else (1, cell))
        return cells

    if not ordered:
        left, right = sorted(left, key=key), sorted(right, key=key)
    for a, b in zip(left, right):
        if len(a) != len(b):
            return False
        for type, x, y in zip(types, a, b):
            if x == y:
                continue
            if x is None or y is None or type not in ("DOUBLE", "FLOAT"):
                return False
            x, y = number(x), number(y)
            if math.isnan(x) and math.isnan(y):
                continue
            if not math.isclose(x, y, rel_tol=1e-9 if type == "DOUBLE" else 1e-6, abs_tol=1e-9):
                return False
    return True


def verdict(connection, plain, query, mine):
    """What is to be said of our answer: None if it is as good as DuckDB's, else (kind, explanation)."""
    ordered = ORDERED.search(query) is not None
    if query.startswith(DESCRIBE) and not isinstance(mine, str):
        ordered, mine = True, [row[:2] for row in mine]
    expected = theirs(connection, query)
    if isinstance(mine, str):
        if "CRASH" in mine or "INTERNAL_ERROR" in mine or "internal error" in mine.lower() or "panicked" in mine:
            return "crash", mine
        if "not supported" in mine:
            return "unsupported", mine.split("\n")[0]
        if isinstance(expected, str) or isinstance(theirs(plain, query), str):
            return None
        at_run_time = re.match(r"Error: (Overflow|Division by zero|Cannot cast|The width of a bucket|There is no date part|Invalid|.*does not fit the format|.*out of range)", mine)
        if at_run_time and re.search(r"JOIN|\(SELECT|INTERSECT|EXCEPT", query):
            return "error of a row that DuckDB may skip", mine
        return "error of ours", mine
    if isinstance(expected, str):
        other = theirs(plain, query)
        if "INTERNAL" in expected or "Not implemented" in expected:
            return None
        if "Binder Error" in expected:
            return "accepted by us alone", expected
        if isinstance(other, str):
            return "error of theirs", expected
        expected = other
    if same_rows(expected[0], mine, expected[1], ordered):
        return None
    other = theirs(plain, query)
    if not isinstance(other, str) and same_rows(other[0], mine, other[1], ordered):
        return "DuckDB disagrees with itself", ""
    key = lambda row: [str(cell) for cell in row]
    extra = collections.Counter(mine) - collections.Counter(expected[1])
    missing = collections.Counter(expected[1]) - collections.Counter(mine)
    return "rows", f"{len(mine)} rows against {len(expected[1])}; ours alone {sorted(extra, key=key)[:4]}, theirs alone {sorted(missing, key=key)[:4]}"


def shrink(tree, still, rounds=14):
    """The smallest tree found of which `still(list of SQL)` says that it still differs."""
    for _ in range(rounds):
        candidates, seen = [], set()
        for less in tree.smaller():
            text = less.sql()
            if text not in seen and len(text) <= len(tree.sql()):
                seen.add(text)
                candidates.append(less)
            if len(candidates) >= 250:
                break
        candidates.sort(key=lambda less: len(less.sql()))
        found = still([less.sql() for less in candidates])
        better = next((less for less, bad in zip(candidates, found) if bad), None)
        if better is None or len(better.sql()) == len(tree.sql()):
            return tree
        tree = better
    return tree


def run(arguments, seed, count, totals):
    rng = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        connection, plain = duckdb.connect(), duckdb.connect()
        setup = (folder, arguments.nodes or rng.choice([1, 2, 4, 8]), rng.choice(ZONES), arguments.crashes)
        tables = make_tables(rng, folder, connection)
        for name, _ in tables:
            plain.execute(f"CREATE TABLE {name} AS FROM '{folder}/{name}.parquet'")
        plain.execute("PRAGMA disable_optimizer")
        for each in (connection, plain):
            each.execute(f"SET TimeZone = '{setup[2]}'")
        trees = []
        for place in range(count):
            maker = Queries(random.Random(f"{seed}/{place}"), tables, arguments.functions)
            tree = maker.query()[0]
            trees.append(Node(DESCRIBE + "{}", tree) if maker.chance(DESCRIBED_PERCENT) else tree)
        queries = [tree.sql() for tree in trees]
        bad = 0
        differing, compared = writes.check(arguments, setup, tables, random.Random(f"{seed}/writes"), connection, (ours, same_rows))
        totals["writes"] += compared
        for text in differing:
            bad += 1
            totals["writes that differ"] += 1
            print(f"-- writes (seed {seed}; {setup[1]} nodes; {setup[2]})\n{text}\n", flush=True)
        for tree, query, mine in zip(trees, queries, ours(arguments, setup, queries)):
            totals["queries"] += 1
            said = verdict(connection, plain, query, mine)
            if said is None:
                totals["both fail" if isinstance(mine, str) else "equal"] += 1
                continue
            kind, why = said
            totals[kind] += 1
            if kind in COUNTED and kind not in arguments.show:
                continue
            bad += kind not in COUNTED

            def still(texts):
                found = []
                for text, again in zip(texts, ours(arguments, setup, texts)):
                    said = verdict(connection, plain, text, again)
                    found.append(said is not None and said[0] == kind)
                return found

            small = shrink(tree, still).sql() if not arguments.no_shrink and "CRASH" not in why else query
            again = verdict(connection, plain, small, ours(arguments, setup, [small])[0])
            print(f"-- {kind} (seed {seed}; {setup[1]} nodes; {setup[2]})\n{small}\n-- {(again or said)[1][:700]}")
            for name, columns in tables:
                if re.search(rf"\b{name}\b", small):
                    print(f"--   {name}: {', '.join(f'{column} {SQL_TYPE[type]}' for column, type in columns)}")
            print(flush=True)
        return bad


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--faultlab", default="faultlab")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=1000, help="queries in all; 250 for each set of tables")
    parser.add_argument("--nodes", type=int, help="as many for all, instead of another number for each set of tables")
    parser.add_argument("--crashes", type=int, default=20, help="how many percent of the queries lose a worker on their way")
    parser.add_argument("--functions", type=int, default=12, help="how many percent of the expressions are calls of any function")
    parser.add_argument("--no-shrink", action="store_true")
    parser.add_argument("--show", nargs="*", default=[], choices=COUNTED, help="show these, too, which else are only counted")
    arguments = parser.parse_args()
    totals, bad, left, seed = collections.Counter(), 0, arguments.count, arguments.seed
    while left > 0:
        bad += run(arguments, seed, min(250, left), totals)
        left -= 250
        seed += 1
    print("; ".join(f"{kind}: {number}" for kind, number in totals.most_common()))
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
