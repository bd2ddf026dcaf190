"""Random queries over random small tables, answered by faultlab and by DuckDB, and compared.

    pip install 'duckdb==2.0.*'
    python tests/fuzz/differential.py --faultlab target/release/faultlab --seed 1 --count 5000

Everything follows from --seed. Tables have NULLs, duplicates and extremes. Rows are compared as multisets (queries with LIMIT have
a total order), doubles within 1e-9. An error on one side only is a difference, except that a feature which faultlab says it lacks is
counted, and that it may fail, or not fail, as DuckDB does with or without its optimizer. Each difference is shown with the smallest query
that still differs. The exit code is 1 if there was one.
"""

import argparse
import collections
import copy
import csv
import io
import math
import pathlib
import random
import re
import subprocess
import sys
import tempfile

import duckdb

NULL = "~null~"
# What is no fault, or a choice. Which rows a failing expression meets depends on the plan: we evaluate less than DuckDB in places, and DuckDB
# looks at no row of a join whose other side is empty.
COUNTED = ["unsupported", "error of a row that DuckDB may skip", "accepted by us alone", "error of theirs", "DuckDB disagrees with itself"]
STATUS = re.compile(r"^\d[\d,]* rows? in .*$")
TIMEOUT = 120

# Types of expressions: what is generated for each, and how it is written.
TYPES = ["int", "big", "dec", "dbl", "txt", "date", "ts", "bool"]
NUMBERS = ["int", "big", "dec", "dbl"]
SQL_TYPE = {
    "int": "INTEGER", "big": "BIGINT", "dec": "DECIMAL(12,2)", "dbl": "DOUBLE",
    "txt": "VARCHAR", "date": "DATE", "ts": "TIMESTAMP", "bool": "BOOLEAN",
}
VALUES = {
    "int": ["0", "1", "2", "3", "-1", "7", "10", "100", "2147483647", "(-2147483648)"],
    "big": ["0::BIGINT", "1::BIGINT", "(-3)::BIGINT", "5000000000", "9223372036854775807", "42::BIGINT"],
    "dec": ["0.00", "1.50", "(-2.25)", "99.99", "0.10", "12345678.90", "2.50"],
    "dbl": ["0.0::DOUBLE", "1.5::DOUBLE", "(-2.5)::DOUBLE", "0.1::DOUBLE", "1e10", "3.0::DOUBLE"],
    "txt": ["''", "'a'", "'b'", "'A'", "'abc'", "'zz'", "'été'", "'日本'", "'a b'", "'%'", "'10'", "'ab'"],
    "date": ["DATE '2024-01-31'", "DATE '2024-02-29'", "DATE '1969-12-31'", "DATE '2000-01-01'", "DATE '2024-03-01'"],
    "ts": ["TIMESTAMP '2024-01-31 23:59:59.999999'", "TIMESTAMP '1969-12-31 23:59:59'", "TIMESTAMP '2024-02-29 00:00:00'", "TIMESTAMP '2024-03-01 12:30:15.5'"],
    "bool": ["true", "false"],
}


class Node:
    """A piece of SQL: a format with places for its children. `type` is that of an expression, None for anything else."""

    def __init__(self, form, *kids, type=None, drop=()):
        self.form, self.kids, self.type, self.drop = form, list(kids), type, drop

    def sql(self):
        return self.form.format(*(kid.sql() for kid in self.kids))

    def smaller(self):
        """Smaller trees, each with one change: a child in place of its parent, a literal in place of a subtree, a clause less."""
        if self.type and self.kids:
            for kid in self.kids:
                if kid.type == self.type:
                    yield kid
            yield Node(VALUES[self.type][1], type=self.type)
            yield Node("NULL::" + SQL_TYPE[self.type], type=self.type)
        for place in self.drop:
            kid = self.kids[place]
            if kid.form:
                changed = copy.copy(self)
                changed.kids = list(self.kids)
                changed.kids[place] = Node("")
                yield changed
        if self.form == LIST:
            for place in range(len(self.kids)):
                if len(self.kids) > 1:
                    yield List(self.kids[:place] + self.kids[place + 1:])
        for place, kid in enumerate(self.kids):
            for less in kid.smaller():
                changed = copy.copy(self)
                changed.kids = list(self.kids)
                changed.kids[place] = less
                yield changed


LIST = "list"


class List(Node):
    def __init__(self, kids):
        super().__init__(LIST, *kids)

    def sql(self):
        return ", ".join(kid.sql() for kid in self.kids)


def leaf(text, type=None):
    return Node(text.replace("{", "{{").replace("}", "}}"), type=type)


class Maker:
    """Makes queries. A scope is a list of (name, type) that expressions may use."""

    def __init__(self, rng, tables):
        self.rng, self.tables = rng, tables
        self.names = 0

    def name(self, letter):
        self.names += 1
        return f"{letter}{self.names}"

    def one(self, *choices):
        return self.rng.choice(choices)

    def chance(self, percent):
        return self.rng.random() * 100 < percent

    def some_type(self):
        return self.rng.choice(TYPES)

    # Expressions

    def literal(self, type):
        if self.chance(7):
            return leaf("NULL::" + SQL_TYPE[type], type)
        return leaf(self.rng.choice(VALUES[type]), type)

    def column(self, type, scope):
        names = [name for name, kind in scope if kind == type]
        return leaf(self.rng.choice(names), type) if names else self.literal(type)

    def expr(self, type, scope, depth=2, subqueries=True):
        if depth <= 0 or self.chance(35):
            return self.column(type, scope) if self.chance(80) else self.literal(type)

        def sub(kind):
            return self.expr(kind, scope, depth - 1, subqueries)

        if self.chance(14):
            any_type = self.some_type()
            form = self.one(
                ("CASE WHEN {} THEN {} ELSE {} END", "bool", type, type),
                ("CASE WHEN {} THEN {} WHEN {} THEN {} END", "bool", type, "bool", type),
                ("CASE {} WHEN {} THEN {} ELSE {} END", any_type, any_type, type, type),
                ("coalesce({}, {})", type, type),
                ("nullif({}, {})", type, type),
                ("if({}, {}, {})", "bool", type, type),
            )
            return Node(form[0], *(sub(kind) for kind in form[1:]), type=type)
        if subqueries and self.chance(6):
            return self.scalar_subquery(type, scope, depth)
        return getattr(self, "make_" + type)(sub, scope, depth, subqueries)

    def build(self, type, sub, *forms):
        form, *kinds = self.rng.choice(forms)
        return Node(form, *(sub(kind) for kind in kinds), type=type)

    def make_int(self, sub, scope, depth, subqueries):
        return self.build(
            "int", sub,
            ("({} + {})", "int", "int"), ("({} - {})", "int", "int"), ("({} * {})", "int", "int"),
            ("({} % {})", "int", "int"), ("({} // {})", "int", "int"), ("abs({})", "int"), ("(- {})", "int"),
            ("length({})::INTEGER", "txt"), ("month({})::INTEGER", "date"), ("year({})::INTEGER", "date"),
            ("day({})::INTEGER", "ts"), ("TRY_CAST({} AS INTEGER)", "txt"), ("CAST({} AS INTEGER)", "bool"),
            ("TRY_CAST({} AS INTEGER)", "dbl"), ("TRY_CAST({} AS INTEGER)", "dec"), ("sign({})::INTEGER", "big"),
            ("greatest({}, {})", "int", "int"), ("least({}, {}, {})", "int", "int", "int"), ("instr({}, {})::INTEGER", "txt", "txt"),
            ("extract(dow FROM {})::INTEGER", "date"), ("ascii({})", "txt"), ("TRY_CAST({} AS INTEGER)", "big"),
        )

    def make_big(self, sub, scope, depth, subqueries):
        return self.build(
            "big", sub,
            ("({} + {})", "big", "int"), ("({} - {})", "int", "big"), ("({} % {})", "big", "big"), ("abs({})", "big"),
            ("CAST({} AS BIGINT)", "int"), ("TRY_CAST({} AS BIGINT)", "dbl"), ("datediff('day', {}, {})", "date", "date"),
            ("length({})", "txt"), ("({} - {})", "date", "date"), ("greatest({}, {})", "big", "int"), ("extract(year FROM {})", "ts"),
            ("datediff('month', {}, {})", "ts", "ts"), ("strpos({}, {})", "txt", "txt"), ("(CAST({} AS BIGINT) * {})", "int", "int"),
            ("TRY_CAST({} AS BIGINT)", "dec"), ("least({}, {})", "big", "big"), ("epoch({})::BIGINT", "ts"),
            ("date_sub('month', {}, {})", "date", "date"), ("({} & 255)", "big"), ("({} // {})", "big", "int"),
        )

    def make_dec(self, sub, scope, depth, subqueries):
        return self.build(
            "dec", sub,
            ("CAST({} + {} AS DECIMAL(12,2))", "dec", "dec"), ("TRY_CAST({} * {} AS DECIMAL(12,2))", "dec", "dec"),
            ("CAST(- {} AS DECIMAL(12,2))", "dec"), ("abs({})", "dec"), ("TRY_CAST({} AS DECIMAL(12,2))", "int"),
            ("TRY_CAST({} AS DECIMAL(12,2))", "txt"), ("TRY_CAST({} AS DECIMAL(12,2))", "dbl"), ("greatest({}, {})", "dec", "dec"),
            ("CAST(round({}, 1) AS DECIMAL(12,2))", "dec"), ("CAST({} - {} AS DECIMAL(12,2))", "dec", "dec"),
            ("CAST({} % {} AS DECIMAL(12,2))", "dec", "dec"), ("CAST(floor({}) AS DECIMAL(12,2))", "dec"), ("CAST(ceil({}) AS DECIMAL(12,2))", "dec"),
        )

    def make_dbl(self, sub, scope, depth, subqueries):
        return self.build(
            "dbl", sub,
            ("({} + {})", "dbl", "dbl"), ("({} - {})", "dbl", "int"), ("({} * {})", "dbl", "dbl"), ("({} / {})", "dbl", "dbl"),
            ("({} / {})", "int", "int"), ("({} / {})", "dec", "dec"), ("abs({})", "dbl"), ("CAST({} AS DOUBLE)", "int"),
            ("CAST({} AS DOUBLE)", "dec"), ("round({}, 2)", "dbl"), ("floor({})", "dbl"), ("ceil({})", "dbl"), ("sqrt(abs({}))", "dbl"),
            ("({} + {})", "dbl", "dec"), ("({} * {})", "big", "dbl"), ("greatest({}, {})", "dbl", "dbl"), ("least({}, {})", "dbl", "dbl"),
            ("TRY_CAST({} AS DOUBLE)", "txt"), ("trunc({})", "dbl"), ("fmod({}, {})", "dbl", "dbl"), ("(- {})", "dbl"),
        )

    def make_txt(self, sub, scope, depth, subqueries):
        return self.build(
            "txt", sub,
            ("({} || {})", "txt", "txt"), ("concat({}, {})", "txt", "int"), ("upper({})", "txt"), ("lower({})", "txt"),
            ("substr({}, {}, 2)", "txt", "int"), ("substring({}, 2)", "txt"), ("trim({})", "txt"), ("replace({}, {}, {})", "txt", "txt", "txt"),
            ("left({}, 2)", "txt"), ("right({}, 1)", "txt"), ("reverse({})", "txt"), ("CAST({} AS VARCHAR)", "int"),
            ("CAST({} AS VARCHAR)", "dec"), ("CAST({} AS VARCHAR)", "date"), ("CAST({} AS VARCHAR)", "ts"), ("CAST({} AS VARCHAR)", "bool"),
            ("repeat({}, 2)", "txt"), ("lpad({}, 4, 'x')", "txt"), ("rpad({}, 3, 'yz')", "txt"), ("concat_ws('-', {}, {})", "txt", "txt"),
            ("split_part({}, {}, 1)", "txt", "txt"), ("greatest({}, {})", "txt", "txt"), ("strftime({}, '%Y-%m')", "date"),
            ("regexp_replace({}, '[a-c]', 'X', 'g')", "txt"), ("dayname({})", "date"), ("({}::VARCHAR || {})", "big", "txt"),
        )

    def make_date(self, sub, scope, depth, subqueries):
        return self.build(
            "date", sub,
            ("CAST({} AS DATE)", "ts"), ("({} + ({} % 100))", "date", "int"), ("({} - 3)", "date"), ("last_day({})", "date"),
            ("CAST(({} + INTERVAL 1 MONTH) AS DATE)", "date"), ("CAST(date_trunc('month', {}) AS DATE)", "date"),
            ("TRY_CAST({} AS DATE)", "txt"), ("greatest({}, {})", "date", "date"), ("CAST(({} - INTERVAL '1 month 1 day') AS DATE)", "date"),
            ("CAST(date_trunc('week', {}) AS DATE)", "ts"), ("least({}, {})", "date", "date"),
        )

    def make_ts(self, sub, scope, depth, subqueries):
        return self.build(
            "ts", sub,
            ("CAST({} AS TIMESTAMP)", "date"), ("({} + INTERVAL 1 DAY)", "ts"), ("({} - INTERVAL '90 minutes')", "ts"),
            ("date_trunc('hour', {})", "ts"), ("date_trunc('quarter', {}::TIMESTAMP)", "ts"), ("({} + INTERVAL 1 MONTH)", "date"),
            ("greatest({}, {})", "ts", "ts"), ("({} + INTERVAL 13 MONTH)", "ts"), ("TRY_CAST({} AS TIMESTAMP)", "txt"),
        )

    def make_bool(self, sub, scope, depth, subqueries):
        kind, other = self.some_type(), self.rng.choice(NUMBERS)
        forms = [
            ("({} = {})", kind, kind), ("({} <> {})", kind, kind), ("({} < {})", kind, kind), ("({} <= {})", kind, kind),
            ("({} > {})", kind, kind), ("({} < {})", other, self.rng.choice(NUMBERS)), ("({} = {})", other, self.rng.choice(NUMBERS)),
            ("({} AND {})", "bool", "bool"), ("({} OR {})", "bool", "bool"), ("(NOT {})", "bool"), ("({} IS NULL)", kind),
            ("({} IS NOT NULL)", kind), ("({} BETWEEN {} AND {})", kind, kind, kind), ("({} IN ({}, {}, {}))", kind, kind, kind, kind),
            ("({} NOT IN ({}, {}))", kind, kind, kind), ("({} IS DISTINCT FROM {})", kind, kind), ("({} IS NOT DISTINCT FROM {})", kind, kind),
            ("({} LIKE 'a%')", "txt"), ("({} LIKE '%b%')", "txt"), ("({} ILIKE '_b')", "txt"), ("contains({}, {})", "txt", "txt"),
            ("starts_with({}, {})", "txt", "txt"), ("({} IS TRUE)", "bool"), ("({} IS NOT FALSE)", "bool"), ("({} < {})", "date", "ts"),
            ("({} LIKE {})", "txt", "txt"), ("regexp_matches({}, '^[a-z]+$')", "txt"), ("(({}, {}) = ({}, {}))", kind, "int", kind, "int"),
        ]
        if subqueries and self.chance(25):
            return self.bool_subquery(scope, depth)
        return self.build("bool", sub, *forms)

    # Subqueries, correlated where the scope is used in them

    def scalar_subquery(self, type, scope, depth):
        source, inner = self.table()
        outer = scope if self.chance(60) else []
        condition = self.correlated(inner, outer, depth)
        aggregate = self.one("max", "min") if type != "big" or self.chance(50) else "count"
        if type == "bool":
            aggregate = self.one("bool_and", "bool_or")
        return Node(f"(SELECT {aggregate}({{}}) FROM {{}}{{}})", self.expr(type, inner, 1, False), source, condition, type=type, drop=(2,))

    def correlated(self, inner, outer, depth):
        if self.chance(15):
            return Node("")
        parts = []
        kinds = [kind for _, kind in outer if kind in {k for _, k in inner}]
        if kinds and self.chance(85):
            kind = self.rng.choice(kinds)
            operator = self.one("=", "=", "=", "=", "<", "<>", "IS NOT DISTINCT FROM")
            parts.append(Node(f"({{}} {operator} {{}})", self.column(kind, inner), self.column(kind, outer), type="bool"))
        if not parts or self.chance(35):
            parts.append(self.expr("bool", inner + (outer if self.chance(30) else []), 1, False))
        if depth > 1 and self.chance(15):
            # A subquery in a subquery, over columns of both.
            parts.append(self.bool_subquery(inner + outer, depth - 1))
        return Node(" WHERE " + " AND ".join("{}" for _ in parts), *parts)

    def bool_subquery(self, scope, depth):
        source, inner = self.table()
        outer = scope if self.chance(60) else []
        condition = self.correlated(inner, outer, depth)
        kind = self.some_type()
        if self.chance(40):
            return Node(self.one("(", "(NOT ") + "EXISTS (SELECT 1 FROM {}{}))", source, condition, type="bool", drop=(1,))
        tested, wanted = self.expr(kind, scope, 1, False), self.expr(kind, inner, 1, False)
        form = self.one("IN", "IN", "NOT IN", "= ANY", "> ALL", "< ANY", "<> ALL")
        return Node(f"({{}} {form} (SELECT {{}} FROM {{}}{{}}))", tested, wanted, source, condition, type="bool", drop=(3,))

    # What stands in FROM

    def table(self):
        table, columns = self.rng.choice(self.tables)
        alias = self.name("t")
        return leaf(f"{table} AS {alias}"), [(f"{alias}.{name}", kind) for name, kind in columns]

    def source(self, depth, ctes=()):
        if ctes and self.chance(50):
            name, columns = self.rng.choice(ctes)
            alias = self.name("t")
            return leaf(f"{name} AS {alias}"), [(f"{alias}.{column}", kind) for column, kind in columns]
        if self.chance(5):
            return self.values()
        if depth > 0 and self.chance(25):
            query, columns = self.query(depth - 1)
            alias = self.name("s")
            return Node("({}) AS " + alias, query), [(f"{alias}.{column}", kind) for column, kind in columns]
        return self.table()

    def source_of_joins(self, depth, ctes):
        source, scope = self.source(depth, ctes)
        for _ in range(self.rng.choice([0, 0, 1, 1, 2])):
            if self.chance(8):
                source, scope = self.lateral(source, scope, depth)
                continue
            right, more = self.source(depth, ctes)
            kind = self.one("JOIN", "JOIN", "LEFT JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN", "CROSS JOIN", "SEMI JOIN", "ANTI JOIN")
            if kind == "CROSS JOIN":
                source = Node("{} CROSS JOIN {}", source, right)
                scope = scope + more
                continue
            both = scope + more
            parts = []
            shared = [kind for _, kind in scope if kind in {k for _, k in more}]
            for _ in range(self.rng.choice([0, 1, 1, 1, 2])):
                if shared:
                    type = self.rng.choice(shared)
                    operator = self.one("=", "=", "=", "=", "=", "IS NOT DISTINCT FROM")
                    parts.append(Node(f"({{}} {operator} {{}})", self.expr(type, scope, self.one(0, 0, 1), False), self.expr(type, more, self.one(0, 0, 1), False), type="bool"))
            if not parts or self.chance(30):
                parts.append(self.expr("bool", both, 1, False))
            condition = Node(" AND ".join("{}" for _ in parts), *parts, type="bool")
            source = Node(f"{{}} {kind} {{}} ON {{}}", source, right, condition)
            scope = scope if kind in ("SEMI JOIN", "ANTI JOIN") else both
        return source, scope

    def lateral(self, source, scope, depth):
        inside, inner = self.table()
        types = [self.some_type(), self.some_type()]
        condition = self.correlated(inner, scope, depth)
        name = self.name("l")
        if self.chance(40):
            items = [self.one(Node("count({})", self.expr(types[0], inner, 1, False)), Node("max({})", self.expr(types[0], inner, 1, False)))]
            types = ["big" if items[0].form.startswith("count") else types[0]]
        else:
            items = [self.expr(type, inner + scope, 1, False) for type in types]
        listed = Node(", ".join(f"{{}} AS c{place}" for place in range(len(items))), *items)
        query = Node("SELECT {} FROM {}{}", listed, inside, condition, drop=(2,))
        form = self.one("{} CROSS JOIN LATERAL ({}) AS " + name, "{} LEFT JOIN LATERAL ({}) AS " + name + " ON true")
        return Node(form, source, query), scope + [(f"{name}.c{place}", type) for place, type in enumerate(types)]

    def values(self):
        name, kinds = self.name("v"), [self.some_type() for _ in range(self.rng.randint(1, 3))]
        row = lambda: "(" + ", ".join(f"CAST({self.literal(kind).sql()} AS {SQL_TYPE[kind]})" for kind in kinds) + ")"
        columns = [f"c{place}" for place in range(len(kinds))]
        text = f"(VALUES {', '.join(row() for _ in range(self.rng.randint(1, 4)))}) AS {name}({', '.join(columns)})"
        return leaf(text), [(f"{name}.{column}", kind) for column, kind in zip(columns, kinds)]

    # Queries: each has columns named c0, c1 and so on

    def query(self, depth=2, ctes=(), types=None):
        if depth > 0 and self.chance(15) and not types:
            return self.set_operation(depth, ctes)
        if depth > 1 and self.chance(15) and not ctes and not types:
            inner, columns = self.query(depth - 1)
            name = self.name("w")
            again, out = self.query(depth - 1, [(name, columns)])
            form = self.one("", "", "MATERIALIZED ", "NOT MATERIALIZED ")
            return Node(f"WITH {name} AS {form}({{}}) {{}}", inner, again), out
        return self.select(depth, ctes, types)

    def select(self, depth, ctes, types):
        source, scope = self.source_of_joins(depth - 1, ctes)
        types = types or [self.some_type() for _ in range(self.rng.randint(1, 3))]
        where = Node(" WHERE {}", self.expr("bool", scope, 2)) if self.chance(50) else Node("")
        shape = self.rng.random()
        if shape < 0.35:
            return self.grouped(source, scope, where, types)
        if shape < 0.5:
            return self.windowed(source, scope, where, types)
        items = List([Node(f"{{}} AS c{place}", self.expr(type, scope, 2)) for place, type in enumerate(types)])
        columns = [(f"c{place}", type) for place, type in enumerate(types)]
        if self.chance(25):
            order = ", ".join(f"{place + 1} {self.one('', 'DESC', 'NULLS FIRST', 'DESC NULLS LAST')}" for place in range(len(types)))
            limit = self.one("", " LIMIT 3", " LIMIT 5 OFFSET 2", " OFFSET 3", " LIMIT 0")
            # The list of columns may not shrink: ORDER BY names them all.
            frozen = Node(", ".join("{}" for _ in items.kids), *items.kids)
            distinct = self.one("", "", "DISTINCT ")
            return Node(f"SELECT {distinct}{{}} FROM {{}}{{}}{{}}", frozen, source, where, leaf(f" ORDER BY {order}{limit}"), drop=(2, 3)), columns
        return Node(f"SELECT {self.one('', '', '', 'DISTINCT ')}{{}} FROM {{}}{{}}", items, source, where, drop=(2,)), columns

    def aggregate(self, type, scope):
        def sub(kind, depth=1):
            return self.expr(kind, scope, depth, False)

        forms = {
            "int": [("max({})", "int"), ("min({})", "int")],
            "big": [("count({})", self.some_type()), ("count(DISTINCT {})", self.some_type()), ("TRY_CAST(sum({}) AS BIGINT)", "int"),
                    ("count(*)",), ("TRY_CAST(sum(DISTINCT {}) AS BIGINT)", "int"), ("TRY_CAST(sum({}) AS BIGINT)", "big"), ("count_if({})::BIGINT", "bool"), ("max({})", "big")],
            "dec": [("TRY_CAST(sum({}) AS DECIMAL(12,2))", "dec"), ("max({})", "dec"), ("min({})", "dec")],
            "dbl": [("avg({})", "int"), ("avg({})", "dec"), ("sum({})", "dec"), ("avg(DISTINCT {})", "int"), ("max({})", "dbl"), ("min({})", "dbl"), ("median({})", "int"),
                    ("quantile_cont({}, 0.25)", "dec")],
            "txt": [("max({})", "txt"), ("min({})", "txt"), ("string_agg(coalesce({0}, NULL), ',' ORDER BY coalesce({0}, NULL))", "txt"), ("string_agg(DISTINCT coalesce({0}, NULL), ',' ORDER BY coalesce({0}, NULL) DESC)", "txt")],
            "date": [("max({})", "date"), ("min({})", "date")],
            "ts": [("max({})", "ts"), ("min({})", "ts")],
            "bool": [("bool_and({})", "bool"), ("bool_or({})", "bool"), ("(count(*) > 1)",), ("(max({}) = min({}))", "txt", "txt")],
        }
        form, *kinds = self.rng.choice(forms[type])
        node = Node(form, *(sub(kind) for kind in kinds), type=type)
        bare = form.endswith(")") and form.count("(") == form.count(")") and not form.startswith(("(", "TRY"))
        if bare and self.chance(20):
            node = Node("{} FILTER (WHERE {})", node, sub("bool"), type=type)
        if form.startswith("sum(") and type == "dbl":
            node = Node("CAST({} AS DOUBLE)", node, type=type)
        if self.chance(15):
            node = Node("coalesce({}, {})", node, self.literal(type), type=type)
        return node

    def grouped(self, source, scope, where, types):
        keys = self.rng.randint(0, min(2, len(types)))
        items = [self.expr(type, scope, self.one(0, 0, 1, 2), False) for type in types[:keys]]
        # A key has to be an expression over a column, or it means nothing.
        items = [self.column(type, scope) if not any(name in item.sql() for name, _ in scope) else item for item, type in zip(items, types)]
        items += [self.aggregate(type, scope) for type in types[keys:]]
        texts = [f"{place + 1}" for place in range(keys)]
        group = ""
        if keys:
            group = " GROUP BY " + self.one(", ".join(texts), ", ".join(texts), "ALL")
            if keys == 2 and items[0].sql() != items[1].sql() and not items[0].sql().startswith(("NULL", "'")) and self.chance(30):
                group = f" GROUP BY {self.one('ROLLUP', 'CUBE')} (1, 2)"
        having = Node(" HAVING {}", self.aggregate("bool", scope)) if self.chance(25) else Node("")
        named = Node(", ".join(f"{{}} AS c{place}" for place in range(len(items))), *items)
        query = Node("SELECT {} FROM {}{}{}{}", named, source, where, leaf(group), having, drop=(2, 4))
        return query, [(f"c{place}", type) for place, type in enumerate(types)]

    def window(self, type, scope):
        def sub(kind):
            return self.expr(kind, scope, 1, False)

        partition = Node("PARTITION BY {}", sub(self.some_type())) if self.chance(60) else Node("")
        # Whole rows of the scope as order: what is left undecided are equal rows.
        names = [name for name, _ in scope]
        self.rng.shuffle(names)
        total = ", ".join(f"{name} {self.one('', 'DESC', 'NULLS FIRST')}" for name in names)
        if type == "big" and self.chance(60):
            function, arguments = self.one(("row_number()", ()), ("rank()", ()), ("dense_rank()", ()), ("ntile(3)", ()), ("count({})", (self.some_type(),)), ("count(*)", ()))
        elif type == "bool":
            function, arguments = self.one(("bool_and({})", ("bool",)), ("bool_or({})", ("bool",)))
        elif type == "dbl" and self.chance(50):
            function, arguments = self.one(("avg({})", ("int",)), ("percent_rank()", ()), ("cume_dist()", ()), ("avg({})", ("dec",)))
        elif self.chance(40):
            function, arguments = self.one(("lag({})", (type,)), ("lead({}, 2)", (type,)), ("lag({}, 1, {})", (type, type)))
        else:
            function, arguments = self.one(("max({})", (type,)), ("min({})", (type,)), ("first_value({})", (type,)), ("last_value({})", (type,)), ("nth_value({}, 2)", (type,)))
        ranked = function.split("(")[0] in ("row_number", "rank", "dense_rank", "ntile", "percent_rank", "cume_dist", "lag", "lead")
        frame, order = "", f"ORDER BY {total}"
        if not ranked:
            low = self.one("UNBOUNDED PRECEDING", "1 PRECEDING", "2 PRECEDING", "CURRENT ROW")
            high = self.one("UNBOUNDED FOLLOWING", "1 FOLLOWING", "CURRENT ROW", "2 FOLLOWING")
            frame = self.one("", "", f"ROWS BETWEEN {low} AND {high}", f"GROUPS BETWEEN {low} AND {high}")
            integers = [name for name, kind in scope if kind == "int"]
            if integers and self.chance(20) and function.startswith(("max", "min", "count", "avg", "bool")):
                order, frame = f"ORDER BY {self.rng.choice(integers)} {self.one('', 'DESC')}", "RANGE BETWEEN 2 PRECEDING AND 3 FOLLOWING"
        node = Node(f"{function} OVER ({{}} {order} {frame})".replace(function, function.replace("{}", "\0"), 1).replace("{}", "{%d}" % len(arguments)), type=type)
        text = node.form
        for place in range(len(arguments)):
            text = text.replace("\0", "{%d}" % place, 1)
        return Node(text, *(sub(kind) for kind in arguments), partition, type=type, drop=(len(arguments),))

    def windowed(self, source, scope, where, types):
        items = [self.window(type, scope) if self.chance(60) else self.expr(type, scope, 1) for type in types]
        qualify = Node(" QUALIFY {}", Node("({} <= 2)", self.window("big", scope), type="bool")) if self.chance(12) else Node("")
        items = List([Node(f"{{}} AS c{place}", item) for place, item in enumerate(items)])
        return Node("SELECT {} FROM {}{}{}", items, source, where, qualify, drop=(2, 3)), [(f"c{place}", type) for place, type in enumerate(types)]

    def set_operation(self, depth, ctes):
        types = [self.some_type() for _ in range(self.rng.randint(1, 2))]
        left, columns = self.select(depth - 1, ctes, types)
        right, _ = self.select(depth - 1, ctes, types)
        # Columns are dropped on neither side.
        left, right = frozen(left), frozen(right)
        operator = self.one("UNION", "UNION ALL", "INTERSECT", "EXCEPT", "INTERSECT ALL", "EXCEPT ALL")
        return Node(f"({{}}) {operator} ({{}})", left, right), columns


def frozen(query):
    """The query with a list of columns that cannot shrink."""
    query.kids = [Node(", ".join("{}" for _ in kid.kids), *kid.kids) if isinstance(kid, List) else kid for kid in query.kids]
    return query


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
    }
    # Doubles of this kind are rare: where they appear, sums and comparisons get little else to show.
    rare = {"'NaN'", "'inf'", "1e15", "2147483647", "-2147483648", "9223372036854775807", "-9223372036854775808"}
    for number, rows in enumerate([0, 1, 6, 12, 25, 60]):
        columns = [("k", "int"), ("v", rng.choice(TYPES))] + [(f"x{place}", kind) for place, kind in enumerate(rng.sample(TYPES, rng.randint(2, 5)))]
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
        # The text of a value comes from DuckDB itself; the answer is computed once, without this cast in its plan.
        connection.execute("CREATE OR REPLACE TEMP TABLE answer AS " + query)
        types = [str(column[1]) for column in connection.execute("SELECT * FROM answer LIMIT 0").description]
        return types, connection.execute("SELECT CAST(COLUMNS(*) AS VARCHAR) FROM answer").fetchall()
    except duckdb.Error as error:
        return str(error).split("\n")[0]


def ours(arguments, folder, queries):
    """For each query the rows as texts, or the text of the error."""
    answers = []
    while len(answers) < len(queries):
        rest = queries[len(answers):]
        script = "".join(f"SELECT 'mark-{place}';\n{query};\n" for place, query in enumerate(rest)) + "SELECT 'mark-end';\n"
        command = [arguments.faultlab, "--data", folder, "--on-error", "continue", "--output-format", "csv", "--null", NULL, "--no-progress",
                   "--safe", "--nodes", str(arguments.nodes), "--mode", arguments.mode, "--warehouse", f"{folder}/warehouse"]
        try:
            done = subprocess.run(command, input=script, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=TIMEOUT)
            text, ended = done.stdout, f"the process ended with code {done.returncode}"
        except subprocess.TimeoutExpired as late:
            text, ended = (late.stdout or b"").decode(errors="replace"), "no answer in time"
        parts = re.split(r"^mark-(?:\d+|end)\n", text, flags=re.M)[1:]
        if len(parts) == len(rest) + 1:
            answers += [answer(part) for part in parts[:-1]]
        elif parts:
            answers += [answer(part) for part in parts[:-1]]
            answers.append(f"Error: CRASH {ended}: {parts[-1].strip()[-500:]}")
        else:
            sys.exit(f"nothing came back: {text[-2000:]}")
    return answers


def answer(text):
    lines = text.split("\n")
    for place, line in enumerate(lines):
        if line.startswith("Error:") or line.startswith("thread '"):
            return "\n".join(lines[place:]).strip()
    body = "\n".join(line for line in lines if not STATUS.match(line))
    return [tuple(None if cell == NULL else cell for cell in row) for row in csv.reader(io.StringIO(body)) if row]


def number(text):
    value = float(text)
    return 0.0 if value == 0 else value


def same_rows(types, left, right):
    if len(left) != len(right):
        return False
    if collections.Counter(left) == collections.Counter(right):
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

    for a, b in zip(sorted(left, key=key), sorted(right, key=key)):
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
            if not math.isclose(x, y, rel_tol=1e-9, abs_tol=1e-9):
                return False
    return True


def verdict(connection, plain, query, mine):
    """What is to be said of our answer: None if it is as good as DuckDB's, else (kind, explanation)."""
    expected = theirs(connection, query)
    if isinstance(mine, str):
        if "CRASH" in mine or "internal error" in mine.lower() or "panicked" in mine:
            return "crash", mine
        if "not supported" in mine:
            return "unsupported", mine.split("\n")[0]
        if isinstance(expected, str) or isinstance(theirs(plain, query), str):
            return None
        at_run_time = re.match(r"Error: (Overflow|Division by zero|Cannot cast|.*out of range)", mine)
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
    if same_rows(expected[0], mine, expected[1]):
        return None
    other = theirs(plain, query)
    if not isinstance(other, str) and same_rows(other[0], mine, other[1]):
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
        tables = make_tables(rng, folder, connection)
        for name, _ in tables:
            plain.execute(f"CREATE TABLE {name} AS FROM '{folder}/{name}.parquet'")
        plain.execute("PRAGMA disable_optimizer")
        trees = []
        for place in range(count):
            maker = Maker(random.Random(f"{seed}/{place}"), tables)
            trees.append(maker.query()[0])
        queries = [tree.sql() for tree in trees]
        bad = 0
        for tree, query, mine in zip(trees, queries, ours(arguments, folder, queries)):
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
                for text, again in zip(texts, ours(arguments, folder, texts)):
                    said = verdict(connection, plain, text, again)
                    found.append(said is not None and said[0] == kind)
                return found

            small = shrink(tree, still).sql() if not arguments.no_shrink and "CRASH" not in why else query
            again = verdict(connection, plain, small, ours(arguments, folder, [small])[0])
            print(f"-- {kind} (seed {seed})\n{small}\n-- {(again or said)[1][:700]}")
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
    parser.add_argument("--nodes", type=int, default=4)
    parser.add_argument("--mode", default="recompute")
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
