"""Random INSERT, UPDATE and DELETE, each with RETURNING, and what is in the table behind them."""

import subprocess

import duckdb

from nodes import SQL_TYPE
from queries import Queries

CASES = 12


def statements(maker, table, columns):
    """A few changes of a table, as texts."""
    rng = maker.rng
    shown = ", ".join(f"CAST({name} AS VARCHAR)" for name, _ in columns)
    scope = [(f"w.{name}", kind) for name, kind in columns]
    value = lambda kind, scope: f"TRY_CAST({maker.expr(kind, scope, 1, False).sql()} AS {SQL_TYPE[kind]})"
    for _ in range(rng.randint(1, 3)):
        what = rng.choice(["INSERT", "UPDATE", "DELETE"])
        source, inner = maker.table()
        where = maker.expr("bool", scope, 2, False).sql()
        if what == "INSERT":
            picked = rng.sample(columns, rng.randint(1, len(columns)))
            names = ", ".join(name for name, _ in picked)
            if rng.random() < 0.3:
                rows = ", ".join("(" + ", ".join(maker.literal(kind).sql() for _, kind in picked) + ")" for _ in range(rng.randint(1, 3)))
                yield f"INSERT INTO {table} ({names}) VALUES {rows} RETURNING {shown}"
            elif rng.random() < 0.5:
                items = ", ".join(value(kind, inner) for _, kind in picked)
                yield f"INSERT INTO {table} ({names}) SELECT {items} FROM {source.sql()} RETURNING {shown}"
            else:
                items = ", ".join(f"{value(kind, inner)} AS {name}" for name, kind in picked)
                yield f"INSERT INTO {table} BY NAME SELECT {items} FROM {source.sql()} RETURNING {shown}"
        elif what == "UPDATE":
            picked = rng.sample(columns, rng.randint(1, min(2, len(columns))))
            items = ", ".join(f"{name} = {value(kind, scope)}" for name, kind in picked)
            yield f"UPDATE {table} AS w SET {items}{rng.choice(['', ' WHERE ' + where, ' WHERE ' + where])} RETURNING {shown}"
        elif rng.random() < 0.6:
            yield f"DELETE FROM {table} AS w WHERE {where} RETURNING {shown}"
        else:
            kind = rng.choice([kind for _, kind in scope])
            condition = f"{maker.column(kind, scope).sql()} = {maker.column(kind, inner).sql()}"
            yield f"DELETE FROM {table} AS w USING {source.sql()} WHERE {condition} RETURNING {shown}"


def check(arguments, setup, tables, rng, connection, tools):
    """Runs some cases, and returns (what differs, as texts, how many statements were compared). `tools` are ours and same_rows."""
    ours, same_rows = tools
    folder = setup[0]
    cases, script = [], []
    for number in range(CASES):
        name, columns = rng.choice(tables)
        table = f"written{number}"
        script.append(f"CREATE OR REPLACE TABLE {table} AS FROM {name}")
        connection.execute(f"CREATE OR REPLACE TABLE {table} AS FROM {name}")
        texts = ", ".join(f"CAST({column} AS VARCHAR)" for column, _ in columns)
        case = []
        for statement in statements(Queries(rng, tables, 0), table, columns):
            case += [statement, f"SELECT {texts} FROM {table}"]
        cases.append((columns, case))
    command = [arguments.faultlab, "--data", folder, "--warehouse", f"{folder}/warehouse", "--no-progress", "--safe"]
    subprocess.run(command, input=";\n".join(script) + ";\n", capture_output=True, text=True, check=True)
    answers = iter(ours(arguments, setup, [statement for _, case in cases for statement in case]))
    found, compared = [], 0
    for columns, case in cases:
        types = [SQL_TYPE[kind] for _, kind in columns]
        diverged = False
        for statement in case:
            mine = next(answers)
            if diverged:
                continue
            compared += 1
            try:
                expected = connection.execute(statement).fetchall()
            except duckdb.Error as error:
                expected = str(error).split("\n")[0]
            if isinstance(mine, str) and isinstance(expected, str):
                continue
            # Which of two failing rows is met depends on the plan, and then nothing more can be said of the table.
            diverged = isinstance(mine, str) != isinstance(expected, str)
            if isinstance(mine, str) and ("not supported" in mine or "second match" in mine):
                continue
            if diverged or not same_rows(types, mine, expected, False):
                diverged = True
                so_far = ";\n".join(case[:case.index(statement) + 1])
                found.append(f"{so_far}\n-- ours {str(mine)[:400]}\n-- theirs {str(expected)[:400]}")
    return found, compared
