"""Times faultlab beside DuckDB (and Polars) on TPC-H, in one run on one machine.

    pip install duckdb polars
    cargo build --release && cargo build --release --example generate-tpch
    python benches/compare.py                    # scale factor 1, the queries of tests/tpch/queries.slt
    python benches/compare.py --queries 1,3,6 --runs 7

Every engine reads the same Parquet files, is warmed by one run of each query, and then runs it --runs times; the table
shows medians, and the geometric means of the ratios to DuckDB. faultlab is timed by its own journal: all runs are one
process, and `system.runtime.queries` says how long each query took from its text to its last row. Engines take turns,
query by query, so that a slow minute of the machine meets all of them.
"""

import argparse
import csv
import io
import math
import os
import pathlib
import re
import statistics
import subprocess
import time

import duckdb

ROOT = pathlib.Path(__file__).resolve().parents[1]
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release"


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scale-factor", type=float, default=1.0)
    parser.add_argument("--data", type=pathlib.Path, help="where the tables are, or are written to")
    parser.add_argument("--queries", help="numbers, separated by commas; default: all there are")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--nodes", type=int, default=4)
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="of the peers")
    parser.add_argument("--faultlab", type=pathlib.Path, default=TARGET / "faultlab")
    return parser.parse_args()


def queries(wanted):
    """The number and text of each query, from the tests."""
    text = (ROOT / "tests/tpch/queries.slt").read_text()
    found = re.findall(r"^# Q(\d+):.*\n\nquery .*\n((?:.*\n)*?)----", text, re.MULTILINE)
    numbers = {int(number): sql.strip() for number, sql in found}
    return {number: numbers[number] for number in (map(int, wanted.split(",")) if wanted else numbers)}


def tables(folder, scale_factor):
    """Writes the tables unless they are there."""
    if not (folder / "lineitem.parquet").exists():
        print(f"writing scale factor {scale_factor} to {folder}")
        subprocess.run([TARGET / "examples/generate-tpch", folder, str(scale_factor)], check=True)


def faultlab_seconds(program, folder, nodes, sql, runs):
    """Seconds of each run after the first, from the journal of one process."""
    asked = "SELECT execution_time FROM system.runtime.queries WHERE query_state = 'FINISHED' ORDER BY query_id;"
    script = f"{sql};\n" * (runs + 1) + asked
    done = subprocess.run(
        [program, "--data", folder, "--nodes", str(nodes), "--no-progress"],
        input=script, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        raise RuntimeError(done.stderr.strip())
    times = done.stdout[done.stdout.rindex("execution_time") :]
    seconds = [float(row["execution_time"]) for row in csv.DictReader(io.StringIO(times))]
    return seconds[1 : runs + 1]


def timed(run, runs):
    run()
    seconds = []
    for _ in range(runs):
        start = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - start)
    return seconds


def duckdb_runner(folder, threads):
    connection = duckdb.connect()
    connection.execute(f"SET threads = {threads}")
    for path in sorted(folder.glob("*.parquet")):
        connection.execute(f"CREATE VIEW {path.stem} AS SELECT * FROM '{path}'")
    return lambda sql: connection.execute(sql).fetchall()


def polars_runner(folder):
    """Polars' own SQL, streaming; None where Polars is not installed."""
    try:
        import polars
    except ImportError:
        return None
    frames = {path.stem: polars.scan_parquet(path) for path in folder.glob("*.parquet")}
    context = polars.SQLContext(frames)
    return lambda sql: context.execute(sql).collect(engine="streaming")


def attempt(seconds):
    """The median, or None where an engine cannot run the query."""
    try:
        return statistics.median(seconds())
    except Exception as error:  # noqa: BLE001: whatever an engine raises, the table goes on
        print(f"  {str(error).splitlines()[0] if str(error) else type(error).__name__}")
        return None


def main():
    options = arguments()
    os.environ.setdefault("POLARS_MAX_THREADS", str(options.threads))
    folder = options.data or TARGET.parent / f"tpch-{options.scale_factor:g}"
    tables(folder, options.scale_factor)
    run_duckdb, run_polars = duckdb_runner(folder, options.threads), polars_runner(folder)
    print(f"TPC-H, scale factor {options.scale_factor:g}, median of {options.runs}, {options.threads} threads, milliseconds")
    print(f"{'':4}{'duckdb':>10}{'polars':>10}{'faultlab':>10}{'polars/duckdb':>15}{'faultlab/duckdb':>17}")
    ratios = {"polars": [], "faultlab": []}
    for number, sql in queries(options.queries).items():
        duck = attempt(lambda: timed(lambda: run_duckdb(sql), options.runs))
        ours = attempt(lambda: faultlab_seconds(options.faultlab, folder, options.nodes, sql, options.runs))
        polars = attempt(lambda: timed(lambda: run_polars(sql), options.runs)) if run_polars else None
        for name, seconds in (("polars", polars), ("faultlab", ours)):
            if seconds and duck:
                ratios[name].append(seconds / duck)
        cells = [f"{seconds * 1000:10.1f}" if seconds else f"{'-':>10}" for seconds in (duck, polars, ours)]
        shares = [f"{seconds / duck:.2f}" if seconds and duck else "-" for seconds in (polars, ours)]
        print(f"Q{number:<3}{''.join(cells)}{shares[0]:>15}{shares[1]:>17}", flush=True)
    for name, values in ratios.items():
        if values:
            mean = math.exp(statistics.fmean(map(math.log, values)))
            print(f"{name}/duckdb, geometric mean of {len(values)}: {mean:.2f}")


if __name__ == "__main__":
    main()
