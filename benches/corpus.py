"""Runs a folder of queries on faultlab and on DuckDB over the same files, and compares the answers.

    pip install 'duckdb==2.0.*'
    cargo build --release
    python benches/corpus.py tpcds FOLDER_OF_QUERIES [--scale-factor 0.1]      # on faultlab's generated catalog tpcds
    python benches/corpus.py tpch FOLDER_OF_QUERIES [--scale-factor 0.1]
    python benches/corpus.py clickbench FOLDER_OF_QUERIES [--rows 1000000]      # on a synthetic `hits`, made from its load.sql

Each `NN.sql` is one query. Answers are equal when every value is: integers, decimals, dates and text exactly, doubles
within 1e-9 relative, rows in any order where ORDER BY leaves it open. Where LIMIT cuts through rows that ORDER BY cannot
tell apart, the two engines may keep different ones: such a query is compared again without its LIMIT.

The last column is the time of ours beside DuckDB's: the best of `--runs` warm runs of each. On a machine that does other work,
too, only the best of many says something.
"""

import argparse
import collections
import csv
import datetime
import io
import os
import pathlib
import re
import subprocess
import sys
import time

import duckdb

ROOT = pathlib.Path(__file__).resolve().parents[1]
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release"
NULL = "\\N"
MARK = "-- next query --"


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("benchmark", choices=["tpcds", "tpch", "clickbench"])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--scale-factor", default="0.1")
    parser.add_argument("--rows", type=int, default=1_000_000, help="of `hits`")
    parser.add_argument("--cache", type=pathlib.Path, default=TARGET.parent / "benchmark-data")
    parser.add_argument("--runs", type=int, default=3, help="warm runs of each query on each engine")
    parser.add_argument("--only", help="names of queries, separated by commas")
    parser.add_argument("--nodes", default="4")
    parser.add_argument("--mode", default="recompute")
    parser.add_argument("--timeout", type=float, default=120.0, help="seconds for one query on faultlab")
    parser.add_argument("--faultlab", type=pathlib.Path, default=TARGET / "faultlab")
    parser.add_argument("-v", "--verbose", action="store_true", help="show the first rows that differ")
    return parser.parse_args()


def main():
    options = arguments()
    paths = [path for path in sorted(options.folder.glob("*.sql")) if path.stem != "load"]
    if options.only:
        paths = [path for path in paths if path.stem in options.only.split(",")]
    data = tables(options)
    duck = duckdb.connect()
    duck.execute("SET TimeZone = 'UTC'")
    for path in sorted(data.glob("*.parquet")):
        duck.execute(f"CREATE VIEW {path.stem} AS SELECT * FROM '{path}'")
    counts = collections.Counter()
    for path in paths:
        verdict, note = judge(options, data, duck, path.read_text().strip().rstrip(";"))
        counts[verdict] += 1
        print(f"{path.stem:6} {verdict:9} {note}", flush=True)
    print(", ".join(f"{count} {verdict}" for verdict, count in counts.most_common()))
    sys.exit(0 if set(counts) <= {"equal", "ties"} else 1)


def tables(options):
    """The folder of the tables, which are made if they are not there."""
    if options.benchmark == "clickbench":
        folder = options.cache / f"hits-{options.rows}"
        if not (folder / "hits.parquet").exists():
            make_hits(options.folder / "load.sql", folder, options.rows)
        return folder
    scale = f"sf{options.scale_factor}".replace(".", "_")
    # Making them takes as long as it takes.
    listed = run(options, None, f"SHOW TABLES FROM {options.benchmark}.{scale}", timeout=None)
    names = [row["table"] for row in csv.DictReader(io.StringIO(listed.stdout))]
    touched = ";\n".join(f"SELECT COUNT(*) FROM {options.benchmark}.{scale}.{name}" for name in names)
    done = run(options, None, touched, timeout=None)
    if done.returncode != 0:
        sys.exit(done.stderr)
    [folder] = options.cache.glob(f"{options.benchmark}-*/{scale}")
    return folder


def run(options, data, sql, timeout):
    command = [options.faultlab, "--cache", options.cache, "--no-progress", "--null", NULL]
    command += ["--nodes", options.nodes, "--mode", options.mode, "--output-format", "csv"]
    if data is None:
        command += ["--output-format", "csv_header"]
    else:
        command += ["--data", data]
    return subprocess.run(command, input=sql, capture_output=True, text=True, timeout=timeout, check=False)


def judge(options, data, duck, sql):
    """A verdict in one word, and a note."""
    try:
        expected = duck.execute(sql)
        types = [str(column[1]) for column in expected.description]
        expected = expected.fetchall()
        theirs = min(seconds(lambda: duck.execute(sql).fetchall()) for _ in range(options.runs))
    except duckdb.Error as error:
        return "refused", f"by DuckDB: {first_line(error)}"
    verdict, note, rows, ours = answer(options, data, sql)
    if verdict:
        return verdict, note
    difference = compare(types, rows, expected)
    times = f"{ours * 1000:7.0f} ms, DuckDB {theirs * 1000:6.0f} ms ({ours / theirs:.2f})"
    if difference is None:
        return "equal", times
    unlimited = re.sub(r"\blimit\s+\d+(\s+offset\s+\d+)?\s*$", "", sql, flags=re.IGNORECASE)
    if unlimited != sql and len(rows) == len(expected):
        verdict, note, all_rows, _ = answer(options, data, unlimited)
        if not verdict and compare(types, all_rows, duck.execute(unlimited).fetchall()) is None:
            return "ties", times
    return "DIFFERENT", difference if options.verbose else difference.splitlines()[0]


def seconds(work):
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def answer(options, data, sql):
    """Verdict and note where there is no answer, else rows and the seconds of the best of the runs after the first."""
    script = f"{sql};\nSELECT '{MARK}';\n" + f"{sql};\n" * options.runs
    script += "SELECT MIN(execution_time) FROM system.runtime.queries WHERE query_id > 2;"
    try:
        done = run(options, data, script, options.timeout)
    except subprocess.TimeoutExpired:
        return "TIMEOUT", f"after {options.timeout:.0f} s", None, None
    if done.returncode != 0:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        wrong = next((i for i, line in enumerate(lines) if "rror" in line or "failed" in line), len(lines) - 1)
        return "FAILED", " | ".join(lines[max(wrong, 0) : wrong + 3])[:300] or f"exit {done.returncode}", None, None
    rows = list(csv.reader(io.StringIO(done.stdout)))
    marked = rows.index([MARK])
    return None, None, rows[:marked], float(rows[-1][0])


def compare(types, rows, expected):
    """None, or what is different."""
    if len(rows) != len(expected):
        return f"{len(rows)} rows, DuckDB has {len(expected)}"
    if rows and len(rows[0]) != len(types):
        return f"{len(rows[0])} columns, DuckDB has {len(types)}"
    floating = [kind in ("DOUBLE", "FLOAT") for kind in types]
    theirs = [[text(value) for value in row] for row in expected]
    if all(same_row(floating, a, b) for a, b in zip(rows, theirs)):
        return None
    # Doubles are rounded for the order only.
    key = lambda row: [f"{float(v):.6g}" if f and v != NULL else v for f, v in zip(floating, row)]
    ours, theirs = sorted(rows, key=key), sorted(theirs, key=key)
    different = [(a, b) for a, b in zip(ours, theirs) if not same_row(floating, a, b)]
    if not different:
        return None
    lines = [f"{len(different)} of {len(rows)} rows differ"]
    lines += [f"    ours   {a}\n    duckdb {b}" for a, b in different[:3]]
    return "\n".join(lines)


def same_row(floating, ours, theirs):
    return all(same(*pair) for pair in zip(floating, ours, theirs))


def same(floating, ours, theirs):
    if not floating or NULL in (ours, theirs):
        return ours == theirs
    a, b = float(ours), float(theirs)
    return a == b or (a != a and b != b) or abs(a - b) <= 1e-9 * max(abs(a), abs(b))


def text(value):
    if value is None:
        return NULL
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime.datetime):
        shown = value.strftime("%Y-%m-%d %H:%M:%S")
        return f"{shown}.{value.microsecond:06}".rstrip("0") if value.microsecond else shown
    return str(value)


def first_line(error):
    return str(error).splitlines()[0]


# Columns of `hits` whose values matter to the queries; the others are small numbers and mostly empty texts.
HITS = {
    "WatchID": "(hash(i) >> 1)::BIGINT",
    "Title": "CASE WHEN i % 7 = 0 THEN '' ELSE ['Google Maps', 'News of the day', 'Tickets', 'Weather', 'Shop'][1 + (h % 5)::INT] || ' ' || (h % 900) END",
    "EventTime": "TIMESTAMP '2013-07-01 00:00:00' + to_seconds((h % 2678400)::BIGINT)",
    "EventDate": "DATE '2013-07-01' + (h % 2678400 // 86400)::INT",
    "CounterID": "CASE WHEN h % 10 < 4 THEN 62 ELSE (h % 6000)::INT END",
    "ClientIP": "(hash(i // 7) % 2000000000)::INT - 1000000000",
    "RegionID": "(h % 300)::INT",
    "UserID": "(hash(i // 13) >> 1)::BIGINT",
    "URL": "'http://' || ['example.com', 'www.google.example', 'shop.example', 'news.example'][1 + (h % 4)::INT] || '/' || (h % 5000) || CASE WHEN h % 50 = 0 THEN '?google' ELSE '' END",
    "Referer": "CASE WHEN h % 3 = 0 THEN '' ELSE 'http://' || ['a.example', 'www.search.example', 'b.example'][1 + (h % 3)::INT] || '/' || (h % 700) END",
    "IsRefresh": "(h % 10 = 0)::SMALLINT",
    "ResolutionWidth": "[0, 1024, 1280, 1366, 1920][1 + (h % 5)::INT]",
    "MobilePhone": "(h % 8)::SMALLINT",
    "MobilePhoneModel": "CASE WHEN h % 6 = 0 THEN ['iPad', 'Galaxy', 'Lumia', 'Nexus'][1 + (h % 4)::INT] ELSE '' END",
    "TraficSourceID": "(h % 12)::SMALLINT - 1",
    "SearchEngineID": "CASE WHEN h % 4 = 0 THEN (h % 9)::SMALLINT ELSE 0 END",
    "SearchPhrase": "CASE WHEN h % 4 = 0 THEN 'phrase ' || (h % 3000) ELSE '' END",
    "AdvEngineID": "CASE WHEN h % 25 = 0 THEN (h % 20)::SMALLINT ELSE 0 END",
    "WindowClientWidth": "(h % 2000)::SMALLINT",
    "WindowClientHeight": "(h % 1200)::SMALLINT",
    "IsLink": "(h % 20 = 0)::SMALLINT",
    "IsDownload": "(h % 90 = 0)::SMALLINT",
    "DontCountHits": "(h % 6 = 0)::SMALLINT",
    "URLHash": "CASE WHEN h % 40 = 0 THEN 2868770270353813622 ELSE (hash(h % 5000) >> 1)::BIGINT END",
    "RefererHash": "CASE WHEN h % 30 = 0 THEN 3594120000172545465 ELSE (hash(h % 700) >> 1)::BIGINT END",
}


def make_hits(load, folder, rows):
    """A table with the schema of load.sql and values that only depend on the row's number."""
    print(f"writing {rows} rows of hits to {folder}")
    schema = duckdb.connect()
    schema.execute(load.read_text().split(";")[0])
    columns = []
    for name, kind in schema.execute("SELECT column_name, data_type FROM duckdb_columns() WHERE table_name = 'hits'").fetchall():
        value = HITS.get(name)
        if value is None:
            salt = f"hash(i, '{name}')"
            value = {
                "VARCHAR": f"CASE WHEN {salt} % 5 = 0 THEN 'v' || {salt} % 100 ELSE '' END",
                "TIMESTAMP": f"TIMESTAMP '2013-07-01 00:00:00' + to_seconds(({salt} % 2678400)::BIGINT)",
            }.get(kind, f"({salt} % 100)")
        columns.append(f'({value})::{kind} AS "{name}"')
    folder.mkdir(parents=True, exist_ok=True)
    # A multiply and a shift: the low digits of neighbours must not be alike.
    source = f"SELECT i, ((i * 2654435761) % 4294967296) // 16 AS h FROM range({rows}) r(i)"
    target = folder / "hits.parquet"
    unfinished = target.with_suffix(".unfinished")
    schema.execute(f"SET threads = 1; COPY (SELECT {', '.join(columns)} FROM ({source})) TO '{unfinished}' (FORMAT parquet)")
    unfinished.rename(target)


if __name__ == "__main__":
    main()
