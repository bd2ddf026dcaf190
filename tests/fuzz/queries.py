"""Random queries, over random expressions. Whatever has to be open in SQL is not asked: LIMIT, windows and DISTINCT ON have total orders."""

from expressions import Expressions
from nodes import RARE_TYPES, SQL_TYPE, List, Node, frozen, items_of, leaf


class Queries(Expressions):
    """Makes queries."""

    # What stands in FROM

    def table(self):
        table, columns = self.rng.choice(self.tables if self.chance(20) else self.tables[2:])
        alias = self.name("t")
        return leaf(f"{table} AS {alias}"), [(f"{alias}.{name}", kind) for name, kind in columns]

    def source(self, depth, ctes=()):
        if ctes and self.chance(50):
            name, columns = self.rng.choice(ctes)
            alias = self.name("t")
            return leaf(f"{name} AS {alias}"), [(f"{alias}.{column}", kind) for column, kind in columns]
        if self.chance(5):
            return self.values()
        if depth > 0 and self.chance(6):
            return self.pivoted()
        if depth > 0 and self.chance(4):
            return self.unpivoted()
        if self.chance(4):
            return self.natural()
        if self.chance(3):
            return self.mixed_values()
        if depth > 0 and self.chance(3):
            return self.spread(depth)
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
            if self.chance(6):
                source, scope = self.unnested(source, scope)
                continue
            if self.chance(5):
                source, scope = self.asof(source, scope)
                continue
            right, more = self.source(depth, ctes)
            kind = self.one("JOIN", "JOIN", "LEFT JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN", "CROSS JOIN", "SEMI JOIN", "ANTI JOIN")
            if kind == "CROSS JOIN":
                source = Node("{} CROSS JOIN {}", source, right)
                scope = scope + more
                continue
            if self.chance(12) and self.both_have("k", scope, more):
                source = Node(f"{{}} {kind} {{}} USING (k)", source, right)
                scope = scope if kind in ("SEMI JOIN", "ANTI JOIN") else scope + more
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

    def natural(self):
        """A NATURAL join of two queries that share one or two names."""
        key, more, kinds = self.some_type(), self.chance(30), [self.some_type(), self.some_type()]
        sides = []
        for kind, own in zip(kinds, ("a", "b")):
            source, scope = self.table()
            items = [Node("{} AS key", self.column(key, scope)), Node(f"{{}} AS {own}", self.expr(kind, scope, 1, False))]
            if more:
                items.append(Node("{} AS second", self.expr("int", scope, 1, False)))
                self.rng.shuffle(items)
            sides.append(Node("(SELECT {} FROM {})", Node(", ".join("{}" for _ in items), *items), source))
        join, name = self.one("NATURAL JOIN", "NATURAL JOIN", "NATURAL LEFT JOIN", "NATURAL RIGHT JOIN", "NATURAL FULL JOIN", "NATURAL SEMI JOIN", "NATURAL ANTI JOIN"), self.name("j")
        half = "SEMI" in join or "ANTI" in join
        shown = [(f"{name}.c0", key), (f"{name}.c1", kinds[0])] + ([] if half else [(f"{name}.c2", kinds[1])])
        return Node(f"(SELECT key AS c0, a AS c1{'' if half else ', b AS c2'} FROM {{}} AS l {join} {{}} AS r) AS {name}", *sides), shown

    def mixed_values(self):
        """VALUES whose rows are of several types, and what their common type is cast to."""
        kinds, kind = self.one((["int", "sml", "dec", "big", "wid"], "wid"), (["int", "dec", "dbl", "flt"], "dbl"), (["date", "ts"], "ts"), (["ts", "tz"], "tz"), (["int", "hug", "big"], "hug"))
        rows = ", ".join(f"({self.literal(self.rng.choice(kinds)).sql()})" for _ in range(self.rng.randint(2, 4)))
        name = self.name("m")
        return leaf(f"(SELECT TRY_CAST(x AS {SQL_TYPE[kind]}) AS c0, typeof(x) AS c1 FROM (VALUES {rows}) AS y(x)) AS {name}"), [(f"{name}.c0", kind), (f"{name}.c1", "txt")]

    def spread(self, depth):
        """COLUMNS(...) over a query."""
        query, columns = self.query(depth - 1)
        name = self.name("o")
        form, kinds = self.one(
            ("COLUMNS(*)", [kind for _, kind in columns]), ("coalesce(COLUMNS(*), COLUMNS(*))", [kind for _, kind in columns]), ("COLUMNS('c[01]')", [kind for _, kind in columns[:2]]),
            ("COLUMNS(lambda c: c < 'c1')", [kind for _, kind in columns[:1]]), ("max(COLUMNS(*))", [kind for _, kind in columns]), ("count(COLUMNS(*))", ["big"] * len(columns)), ("COLUMNS(* EXCLUDE (c0)), c0", [kind for _, kind in columns[1:]] + [columns[0][1]]),
        )
        if form.startswith("COLUMNS(* EXCLUDE") and len(columns) < 2:
            form, kinds = "*", [columns[0][1]]
        where = self.one("", "", " WHERE COLUMNS(*) IS NOT NULL")
        names = [f"c{place}" for place in range(len(kinds))]
        return Node(f"(SELECT {form} FROM ({{}}){where}) AS {name}({', '.join(names)})", frozen(query)), [(f"{name}.{column}", kind) for column, kind in zip(names, kinds)]

    def both_have(self, column, left, right):
        """Whether the column is in one table of each side."""
        return all(sum(name.split(".")[1] == column for name, _ in side) == 1 for side in (left, right))

    def unnested(self, source, scope):
        name = self.name("u")
        if self.chance(60):
            kind, form = "int", f"{{}}, UNNEST({{}}) AS {name}(x)"
            made = Node(form, source, self.expr("lst", scope, 1, False))
        else:
            kind = "big"
            made = Node(self.one(f"{{}}, generate_series(1, {{}} % 4) AS {name}(x)", f"{{}} LEFT JOIN LATERAL (SELECT UNNEST(range({{}} % 3)) AS x) AS {name} ON true"), source, self.expr("int", scope, 1, False))
        return made, scope + [(f"{name}.x", kind)]

    def asof(self, source, scope):
        """The right side has one row for each key: which of equal rows an ASOF join takes is open."""
        right, inner = self.table()
        kinds = {kind for _, kind in scope}
        shared = [(name, kind) for name, kind in inner if kind in kinds and kind in ("int", "big", "dec", "date", "ts", "dbl")]
        if not shared:
            return source, scope
        key, key_kind = self.rng.choice(shared)
        time, time_kind = self.rng.choice(shared)
        name, kind = self.name("a"), self.some_type()
        value = Node("max({})" if kind != "bool" else "bool_or({})", self.expr(kind, inner, 1, False))
        right = Node(f"(SELECT {key} AS c0, {time} AS c1, {{}} AS c2 FROM {{}} GROUP BY 1, 2) AS {name}", value, right)
        operator = self.one(">=", ">", "<=", "<")
        equal = Node("{} = {}", self.column(key_kind, scope), leaf(f"{name}.c0")) if self.chance(60) else None
        if not equal:
            right.form = right.form.replace(f"{key} AS c0", f"max({key}) AS c0" if key_kind != "bool" else "1 AS c0").replace("GROUP BY 1, 2", "GROUP BY 2")
        less = Node(f"{{}} {operator} {name}.c1", self.column(time_kind, scope))
        form = self.one("ASOF JOIN", "ASOF LEFT JOIN")
        condition = Node("{} AND {}", equal, less) if equal else less
        return Node(f"{{}} {form} {{}} ON {{}}", source, right, condition), scope + [(f"{name}.c0", key_kind), (f"{name}.c1", time_kind), (f"{name}.c2", kind)]

    def pivoted(self):
        source, scope = self.table()
        kind = self.one("int", "txt", "bool")
        group, value = self.some_type(), self.one("int", "dec", "txt", "dbl")
        inside = Node("SELECT {} AS g, {} AS p, {} AS v FROM {}", self.column(group, scope), self.expr(kind, scope, 1, False), self.expr(value, scope, 1, False), source)
        values = {"int": ["1", "2", "-1"], "txt": ["'a'", "'b'", "''"], "bool": ["true", "false"]}[kind]
        form, type = self.one(("max(v)", value), ("min(v)", value), ("count(v)", "big"), ("count(DISTINCT v)", "big"), ("max(v) FILTER (WHERE v IS NOT NULL)", value))
        name = self.name("p")
        listed = ", ".join(f"{text} AS c{place}" for place, text in enumerate(values))
        by = self.one(" GROUP BY g", " GROUP BY g", "")
        shown = [(f"{name}.c{place}", type) for place in range(len(values))] + ([(f"{name}.g", group)] if by else [])
        if self.chance(50):
            return Node(f"(SELECT * FROM (PIVOT ({{}}) ON p IN ({listed}) USING {form}{by})) AS {name}", inside), shown
        return Node(f"(SELECT * FROM ({{}}) PIVOT ({form} FOR p IN ({listed}){by})) AS {name}", inside), shown

    def unpivoted(self):
        source, scope = self.table()
        kind, name = self.some_type(), self.name("q")
        inside = Node("SELECT {} AS k, {} AS c0, {} AS c1 FROM {}", self.column("int", scope), self.expr(kind, scope, 1, False), self.expr(kind, scope, 1, False), source)
        form = self.one(f"(UNPIVOT ({{}}) ON c0, c1 INTO NAME n VALUE v) AS {name}", f"(SELECT * FROM ({{}}) UNPIVOT (v FOR n IN (c0, c1))) AS {name}", f"(SELECT * FROM ({{}}) UNPIVOT INCLUDE NULLS (v FOR n IN (c0, c1))) AS {name}")
        return Node(form, inside), [(f"{name}.k", "int"), (f"{name}.n", "txt"), (f"{name}.v", kind)]

    def lateral(self, source, scope, depth):
        inside, inner = self.inside(scope, depth)
        types = [self.some_type(), self.some_type()]
        condition = self.correlated(inner, scope, depth)
        name = self.name("l")
        if self.chance(40):
            items = [self.one(Node("count({})", self.expr(types[0], inner, 1, False)), Node("max({})", self.expr(types[0], inner, 1, False)))]
            types = ["big" if items[0].form.startswith("count") else types[0]]
        else:
            items = [self.expr(type, inner + scope, 1, False) for type in types]
        listed = Node(", ".join(f"{{}} AS c{place}" for place in range(len(items))), *items)
        limit = ""
        if not items[0].form.startswith(("count", "max")) and self.chance(40):
            # All columns of the inner scope are the order: what is left open are equal rows.
            limit = f" ORDER BY {', '.join(column for column, _ in inner)} LIMIT {self.one(1, 2)}"
        query = Node("SELECT {} FROM {}{}{}", listed, inside, condition, leaf(limit), drop=(2,))
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
        if depth > 1 and self.chance(5) and not ctes and not types:
            return self.recursive(depth)
        return self.select(depth, ctes, types)

    def recursive(self, depth):
        """A recursive table of a few rounds, read by a query."""
        name, kind = self.name("r"), self.some_type()
        source, scope = self.table()
        start = Node("SELECT 0 AS c0, {} AS c1, {} AS c2 FROM {}", self.expr(kind, scope, 1, False), self.column("int", scope), source)
        columns = [("c0", "int"), ("c1", kind), ("c2", "int")]
        inner = [(f"{name}.{column}", type) for column, type in columns]
        step = Node("{}", leaf(name))
        if self.chance(40):
            right, more = self.table()
            step = Node(self.one("{} JOIN {} ON {} = {}", "{} SEMI JOIN {} ON {} = {}", "{} ANTI JOIN {} ON {} = {}"), leaf(name), right, self.column("int", inner), self.column("int", more))
            inner = inner + more if "SEMI" not in step.form and "ANTI" not in step.form else inner
        again = Node(f"SELECT {name}.c0 + 1, {{}}, {{}} FROM {{}} WHERE {name}.c0 < 2 AND {{}}", self.expr(kind, inner, 1, False), self.expr("int", inner, 1, False), step, self.expr("bool", inner, 1, False))
        union = self.one("UNION ALL", "UNION")
        query, out = self.query(depth - 1, [(name, columns)])
        return Node(f"WITH RECURSIVE {name} AS ({{}} {union} {{}}) {{}}", start, again, query), out

    def select(self, depth, ctes, types):
        source, scope = self.source_of_joins(depth - 1, ctes)
        fixed = types is not None
        types = types or [self.some_type() for _ in range(self.rng.randint(1, 3))]
        where = Node(" WHERE {}", self.expr("bool", scope, 2)) if self.chance(50) else Node("")
        shape = self.rng.random()
        if shape < 0.35:
            return self.grouped(source, scope, where, types, fixed)
        if shape < 0.5:
            return self.windowed(source, scope, where, types)
        if self.chance(8):
            return self.distinct_on(source, scope, where, types)
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

    def distinct_on(self, source, scope, where, types):
        names = [name for name, _ in scope]
        on = leaf(", ".join(self.rng.choice(names) for _ in range(self.one(1, 1, 2))))
        self.rng.shuffle(names)
        order = ", ".join(f"{name} {self.one('', 'DESC', 'NULLS FIRST')}" for name in names)
        items = items_of([self.expr(type, scope, 1, False) for type in types])
        return Node(f"SELECT DISTINCT ON ({{}}) {{}} FROM {{}}{{}} ORDER BY {order}", on, items, source, where, drop=(3,)), [(f"c{place}", type) for place, type in enumerate(types)]

    def aggregate(self, type, scope):
        def sub(kind, depth=1):
            return self.expr(kind, scope, depth, False)

        forms = {
            "int": [("max({})", "int"), ("min({})", "int"), ("bit_and({})", "int"), ("bit_or({})", "int"), ("bit_xor({})", "int"), ("quantile_disc({}, 0.3)", "int"),
                    ("percentile_disc(0.5) WITHIN GROUP (ORDER BY {})", "int"), ("percentile_disc(0.75) WITHIN GROUP (ORDER BY {} DESC)", "int"), ("arg_max({0}, {0})", "int"),
                    ("first({0} ORDER BY {0})", "int"), ("last({0} ORDER BY {0} NULLS LAST)", "int"), ("approx_count_distinct({})::INTEGER * 0", "int"), ("regr_count({}, {})::INTEGER", "int", "int")],
            "big": [("count({})", self.some_type()), ("count(DISTINCT {})", self.some_type()), ("TRY_CAST(sum({}) AS BIGINT)", "int"),
                    ("count(*)",), ("TRY_CAST(sum(DISTINCT {}) AS BIGINT)", "int"), ("TRY_CAST(sum({}) AS BIGINT)", "big"), ("count_if({})::BIGINT", "bool"), ("max({})", "big"),
                    ("count(DISTINCT ({}, {}))", self.some_type(), self.some_type()), ("len(list({}))", self.some_type()), ("quantile_disc({}, 0.5)", "big")],
            "dec": [("TRY_CAST(sum({}) AS DECIMAL(12,2))", "dec"), ("max({})", "dec"), ("min({})", "dec"), ("TRY_CAST(sum(DISTINCT {}) AS DECIMAL(12,2))", "dec"), ("TRY_CAST(sum({} * {}) AS DECIMAL(12,2))", "dec", "dec"),
                    ("quantile_cont({}, 0.5)", "dec"), ("percentile_cont(0.25) WITHIN GROUP (ORDER BY {} DESC)", "dec"), ("mad({})", "dec"), ("TRY_CAST(sum({}) AS DECIMAL(12,2))", "wid")],
            "dbl": [("avg({})", "int"), ("avg({})", "dec"), ("sum({})", "dec"), ("avg(DISTINCT {})", "int"), ("max({})", "dbl"), ("min({})", "dbl"), ("median({})", "int"),
                    ("quantile_cont({}, 0.25)", "dec"), ("percentile_cont(0.4) WITHIN GROUP (ORDER BY {})", "int"), ("percentile_cont(0.5) WITHIN GROUP (ORDER BY {})", "dbl"),
                    ("stddev_samp({} % 10)", "int"), ("var_pop({} % 10)", "int"), ("corr({} % 10, {} % 5)", "int", "int"), ("covar_samp({} % 10, {} % 5)", "int", "int"), ("regr_slope({} % 10, {} % 5)", "int", "int"),
                    ("skewness({} % 10)", "int"), ("kurtosis({} % 10)", "int"), ("entropy({})", self.some_type()), ("product({} % 5)", "int"), ("avg({})", "big"), ("avg({})", "sml"), ("avg({})", "wid"),
                    ("fsum({} % 10)", "int"), ("avg({})", "hug"), ("regr_r2({} % 10, {} % 5)", "int", "int"), ("sem({} % 10)", "int"), ("sum({})", "wid")],
            "txt": [("max({})", "txt"), ("min({})", "txt"), ("CAST(list(coalesce({0}, NULL) ORDER BY coalesce({0}, NULL)) AS VARCHAR)", self.some_type()),
                    ("CAST(array_agg(DISTINCT coalesce({0}, NULL) ORDER BY coalesce({0}, NULL) DESC NULLS LAST) AS VARCHAR)", self.some_type()), ("any_value({0} ORDER BY {0})", "txt"),
                    ("CAST(max({}, 2) AS VARCHAR)", "int"), ("CAST(histogram({}) AS VARCHAR)", self.one("int", "txt", "date", "bool", "dec", "big")), ("CAST(json_group_array(coalesce({0}, NULL) ORDER BY coalesce({0}, NULL)) AS VARCHAR)", "int"), ("CAST(quantile_disc({}, [0.25, 0.75]) AS VARCHAR)", "int"), ("CAST(quantile_cont({}, [0.1, 0.5]) AS VARCHAR)", "dec"),
                    ("min({})", "txt"), ("string_agg({0}::VARCHAR, '|' ORDER BY {0} DESC NULLS FIRST)", "int"), ("CAST(sum({}) AS VARCHAR)", "hug"),
                    ("CAST(sum({}) AS VARCHAR)", "big"), ("CAST(max({}) AS VARCHAR)", self.rng.choice(RARE_TYPES)), ("arg_min({0}, {0})", "txt"), ("arg_max({0}, ({0}, {1}))", "txt", "int"), ("string_agg(coalesce({0}, NULL), ',' ORDER BY coalesce({0}, NULL))", "txt"), ("string_agg(DISTINCT coalesce({0}, NULL), ',' ORDER BY coalesce({0}, NULL) DESC)", "txt")],
            "date": [("max({})", "date"), ("min({})", "date"), ("quantile_disc({}, 0.5)", "date"), ("CAST(median({}) AS DATE)", "date")],
            "ts": [("max({})", "ts"), ("min({})", "ts"), ("quantile_cont({}, 0.5)", "ts"), ("avg({})", "ts")],
            "bool": [("bool_and({})", "bool"), ("bool_or({})", "bool"), ("(count(*) > 1)",), ("(max({}) = min({}))", "txt", "txt"), ("max({})", "bool"), ("(count({}) FILTER (WHERE {}) = 1)", self.some_type(), "bool")],
        }
        for rare in RARE_TYPES:
            forms[rare] = [("max({})", rare), ("min({})", rare), ("first({0} ORDER BY {0} NULLS LAST)", rare), ("quantile_disc({}, 0.5)", rare if rare not in ("lst", "stc") else "int")]
        forms["lst"] = forms["lst"][:3] + [("list({0} ORDER BY {0})", "int"), ("array_agg(DISTINCT {0} ORDER BY {0})", "int"), ("list_sort(list({}))", "int"), ("min({}, 3)", "int")]
        forms["stc"] = forms["stc"][:3]
        forms["hug"] += [("sum({})", "big"), ("sum({})", "hug"), ("sum({})", "int"), ("sum(DISTINCT {})", "big"), ("count_if({})", "bool")]
        forms["wid"] += [("TRY_CAST(sum({}) AS DECIMAL(28,6))", "wid"), ("TRY_CAST(sum({}) AS DECIMAL(28,6))", "dec")]
        forms["ivl"] += [("sum({})", "ivl"), ("mad({})", "ts")]
        forms["sml"] += [("bit_or({})", "sml")]
        form, *kinds = self.rng.choice(forms[type])
        node = Node(form, *(sub(kind) for kind in kinds), type=type)
        bare = form.endswith(")") and form.count("(") == form.count(")") and not form.startswith(("(", "TRY", "CAST", "len", "list_sort", "cardinality"))
        if bare and self.chance(20):
            node = Node("{} FILTER (WHERE {})", node, sub("bool"), type=type)
        if form.startswith("sum(") and type == "dbl":
            node = Node("CAST({} AS DOUBLE)", node, type=type)
        if self.chance(15):
            node = Node("coalesce({}, {})", node, self.literal(type), type=type)
        return node

    def grouped(self, source, scope, where, types, fixed):
        keys = self.rng.randint(0, min(2, len(types)))
        items = [self.expr(type, scope, self.one(0, 0, 1, 2), False) for type in types[:keys]]
        # A key has to be an expression over a column, or it means nothing.
        items = [self.column(type, scope) if not any(name in item.sql() for name, _ in scope) else item for item, type in zip(items, types)]
        items += [self.aggregate(type, scope) for type in types[keys:]]
        texts = [f"{place + 1}" for place in range(keys)]
        group = ""
        if keys == 2 and not fixed and self.chance(35):
            return self.grouping_sets(source, scope, where, types)
        if keys:
            group = " GROUP BY " + self.one(", ".join(texts), ", ".join(texts), "ALL")
            if keys == 2 and items[0].sql() != items[1].sql() and not items[0].sql().startswith(("NULL", "'")) and self.chance(30):
                group = f" GROUP BY {self.one('ROLLUP', 'CUBE')} (1, 2)"
        having = Node(" HAVING {}", self.aggregate("bool", scope)) if self.chance(25) else Node("")
        # A subquery over groups: what it reads of them are keys and aggregates.
        above = [(item.sql(), kind) for item, kind in zip(items, types)] if all("SELECT" not in item.sql() for item in items) else []
        if above and not keys and self.chance(15):
            having = Node(" HAVING {}", self.over_groups(above))
        if above and keys and group in (" GROUP BY 1", " GROUP BY 1, 2") and self.chance(15):
            having = Node(" HAVING {}", self.over_groups(above))
        order = Node("")
        if above and not fixed and self.chance(8):
            name, kind = self.rng.choice(above)
            table, inner = self.table()
            value = Node("(SELECT count(*) FROM {}{})", table, Node(f" WHERE {{}} = {name.replace('{', '{{').replace('}', '}}')}", self.column(kind, inner)))
            order = Node(" ORDER BY {}", value)
        query = Node("SELECT {} FROM {}{}{}{}{}", items_of(items), source, where, leaf(group), having, order, drop=(2, 4, 5))
        return query, [(f"c{place}", type) for place, type in enumerate(types)]

    def over_groups(self, above):
        name, kind = self.rng.choice(above)
        table, inner = self.table()
        outer = name.replace("{", "{{").replace("}", "}}")
        return self.one(
            Node(f"(SELECT count(*) FROM {{}} WHERE {{}} {self.one('=', '<', '<>')} {outer}) > 1", table, self.column(kind, inner)),
            Node(f"EXISTS (SELECT 1 FROM {{}} WHERE {{}} = {outer})", table, self.column(kind, inner)),
            Node(f"{outer} IN (SELECT {{}} FROM {{}})", self.column(kind, inner), table),
        )

    def grouping_sets(self, source, scope, where, types):
        """Sets of two columns in any form, with grouping() beside them."""
        columns = [self.rng.choice(scope), self.rng.choice(scope)]
        (a, a_kind), (b, b_kind) = columns
        sets = self.one(f"ROLLUP ({a}, {b})", f"CUBE ({a}, {b})", f"GROUPING SETS (({a}, {b}), ({a}), ())", f"GROUPING SETS (({a}), ({b}))", f"GROUPING SETS (({a}), ({a}), ())",
                        f"{a}, ROLLUP ({b})", f"GROUPING SETS (ROLLUP ({a}), CUBE ({b}))", f"GROUPING SETS (())", f"ROLLUP (({a}, {b}))")
        named = [(name, kind) for name, kind in columns if name in sets]
        if not named:
            items, kinds = [self.aggregate(type, scope) for type in types], list(types)
        else:
            marks = leaf(f"grouping({', '.join(name for name, _ in named)})", "big")
            items = [leaf(name, kind) for name, kind in named] + [marks] + [self.aggregate(type, scope) for type in types[2:] or ["big"]]
            if self.chance(30):
                # Above the groups: keys are NULL where they are not grouped by.
                items[0] = self.expr(named[0][1], named, 1, False)
            kinds = [kind for _, kind in named] + ["big"] + list(types[2:] or ["big"])
        having = Node(" HAVING {}", self.aggregate("bool", scope)) if self.chance(20) else Node("")
        query = Node(f"SELECT {{}} FROM {{}}{{}} GROUP BY {sets}{{}}", items_of(items), source, where, having, drop=(2, 3))
        return query, [(f"c{place}", kind) for place, kind in enumerate(kinds)]

    def window(self, type, scope, named=None):
        """A function over a window: one of its own, or the named one (name, order)."""
        def sub(kind):
            return self.expr(kind, scope, 1, False)

        frame, call, ranked = "", None, True
        if type == "big" and self.chance(50):
            call = leaf(self.one("row_number()", "rank()", "dense_rank()", "ntile(3)"))
        elif type == "dbl" and self.chance(30):
            call = leaf(self.one("percent_rank()", "cume_dist()"))
        elif self.chance(30):
            form, *kinds = self.one(("lag({})", type), ("lead({}, 2)", type), ("lag({}, 1, {})", type, type), ("lag({} IGNORE NULLS)", type), ("lead({}, {} % 4)", type, "int"))
            call = Node(form, *map(sub, kinds))
        elif self.chance(40):
            form, *kinds = self.one(("first_value({})", type), ("last_value({})", type), ("nth_value({}, 2)", type), ("first_value({} IGNORE NULLS)", type), ("last_value({} IGNORE NULLS)", type), ("nth_value({}, {} % 3)", type, "int"))
            call, ranked = Node(form, *map(sub, kinds)), False
        rows_only = call is not None
        if call is None:
            ranked = False
            extremes = [("max({})", type), ("min({})", type)]
            form, *kinds = self.rng.choice({
                "big": extremes + [("count({})", self.some_type()), ("count(*)",), ("count(DISTINCT {})", self.some_type()), ("TRY_CAST(sum({}) AS BIGINT)", "int")],
                "bool": [("bool_and({})", "bool"), ("bool_or({})", "bool")],
                "dbl": extremes + [("avg({})", "int"), ("avg({})", "dec"), ("quantile_cont({}, 0.3)", "int"), ("median({})", "int"), ("stddev_pop({} % 10)", "sml"), ("avg(DISTINCT {})", "int"), ("sum({} % 10)", "dbl")],
                "dec": extremes + [("TRY_CAST(sum({}) AS DECIMAL(12,2))", "dec"), ("quantile_disc({}, 0.5)", "dec")],
                "hug": extremes + [("sum({})", "int"), ("sum({})", "big"), ("sum(DISTINCT {})", "int")],
                "lst": extremes + [("list_sort(list({}))", "int"), ("list({0} ORDER BY {0})", "int")],
                "int": extremes + [("quantile_disc({}, 0.5)", "int"), ("bit_xor({})", "int"), ("arg_max({0}, {0})", "int")],
                "txt": extremes + [("string_agg({0}, ',' ORDER BY {0})", "txt"), ("CAST(sum({}) AS VARCHAR)", "dec"), ("CAST(list(DISTINCT {0} ORDER BY {0}) AS VARCHAR)", "txt")],
            }.get(type, extremes))
            outer = form if form.startswith(("TRY_CAST(", "CAST(", "list_sort(")) else None
            if outer:
                # The window belongs to the aggregate inside.
                outer, form = (form[:form.index("(") + 1] + "{}" + (form[form.index(" AS "):] if " AS " in form else ")")), form[form.index("(") + 1:form.index(" AS ") if " AS " in form else -1]
            call = Node(form, *map(sub, kinds))
            if self.chance(15):
                call = Node("{} FILTER (WHERE {})", call, sub("bool"))
        else:
            outer = None
        partition = Node("PARTITION BY {}", sub(self.some_type())) if self.chance(60) and not named else Node("")
        order = ""
        if not ranked:
            low = self.one("UNBOUNDED PRECEDING", "1 PRECEDING", "2 PRECEDING", "CURRENT ROW", "1 FOLLOWING")
            high = self.one("UNBOUNDED FOLLOWING", "1 FOLLOWING", "CURRENT ROW", "2 FOLLOWING", "1 PRECEDING")
            if (low, high) in (("1 FOLLOWING", "CURRENT ROW"), ("CURRENT ROW", "1 PRECEDING"), ("1 FOLLOWING", "1 PRECEDING")):
                low = "2 PRECEDING"
            frame = self.one("", f"ROWS BETWEEN {low} AND {high}", f"ROWS BETWEEN {low} AND {high}", f"GROUPS BETWEEN {low} AND {high}")
            if not named and not rows_only and self.chance(30):
                ranged = [(name, kind) for name, kind in scope if kind in ("int", "big", "dec", "dbl", "date", "ts", "sml", "tz")]
                if ranged:
                    name, kind = self.rng.choice(ranged)
                    low, high = self.range_of(kind)
                    order, frame = f"ORDER BY {name} {self.one('', 'DESC', 'NULLS FIRST')}", f"RANGE BETWEEN {low} AND {high}"
            if frame and self.chance(35):
                frame += self.one(" EXCLUDE CURRENT ROW", " EXCLUDE GROUP", " EXCLUDE TIES", " EXCLUDE NO OTHERS")
        if named:
            over = leaf(named if not frame else f"({named} {frame})")
        else:
            over = Node("({} {})", partition, leaf(f"{order or self.total(scope)} {frame}"), drop=(0,))
        windowed = Node("{} OVER {}", call, over, type=type)
        return Node(outer, windowed, type=type) if outer else windowed

    def total(self, scope):
        """Whole rows of the scope as order: what is left undecided are equal rows."""
        names = [name for name, _ in scope]
        self.rng.shuffle(names)
        return "ORDER BY " + ", ".join(f"{name} {self.one('', 'DESC', 'NULLS FIRST')}" for name in names)

    def range_of(self, kind):
        steps = {"date": ["INTERVAL 3 DAY", "INTERVAL 1 MONTH", "INTERVAL 30 DAY"], "ts": ["INTERVAL 1 DAY", "INTERVAL '36 hours'", "INTERVAL 1 MONTH"], "dec": ["1.5", "0", "10"], "dbl": ["1.5", "0", "1"]}
        steps["tz"] = steps["ts"]
        steps = steps.get(kind, ["0", "1", "2", "5"])
        bounds = [("UNBOUNDED PRECEDING", f"{self.one(*steps)} PRECEDING"), (f"{self.one(*steps)} PRECEDING", f"{self.one(*steps)} FOLLOWING"), (f"{self.one(*steps)} PRECEDING", "CURRENT ROW"),
                  (f"{self.one(*steps)} FOLLOWING", "UNBOUNDED FOLLOWING"), ("CURRENT ROW", f"{self.one(*steps)} FOLLOWING"), (f"{self.one(*steps)} PRECEDING", "UNBOUNDED FOLLOWING")]
        return self.rng.choice(bounds)

    def windowed(self, source, scope, where, types):
        name, clause = None, Node("")
        if self.chance(20):
            name = self.name("n")
            partition = Node("PARTITION BY {} ", self.expr(self.some_type(), scope, 1, False)) if self.chance(60) else Node("")
            clause = Node(f" WINDOW {name} AS ({{}}{self.total(scope)})", partition, drop=(0,))
        items = [self.window(type, scope, name) if self.chance(65) else self.expr(type, scope, 1) for type in types]
        qualify = Node(" QUALIFY {}", Node("({} <= 2)", self.window("big", scope, name), type="bool")) if self.chance(15) else Node("")
        items = List([Node(f"{{}} AS c{place}", item) for place, item in enumerate(items)])
        return Node("SELECT {} FROM {}{}{}{}", items, source, where, clause, qualify, drop=(2, 4)), [(f"c{place}", type) for place, type in enumerate(types)]

    def union_by_name(self, depth, ctes):
        """Two queries that share some of their columns, in any order."""
        kinds = [self.some_type() for _ in range(3)]
        sides = []
        for places in (self.rng.sample(range(3), 2), self.rng.sample(range(3), self.one(1, 2, 3))):
            source, scope = self.source_of_joins(depth - 1, ctes)
            items = [Node(f"{{}} AS c{place}", self.expr(kinds[place], scope, 1, False)) for place in places]
            where = Node(" WHERE {}", self.expr("bool", scope, 1, False)) if self.chance(40) else Node("")
            sides.append((places, Node("SELECT {} FROM {}{}", Node(", ".join("{}" for _ in items), *items), source, where, drop=(2,))))
        (left, first), (right, second) = sides
        names = left + [place for place in right if place not in left]
        operator, name = self.one("UNION BY NAME", "UNION ALL BY NAME"), self.name("n")
        # By the names: in the order in which they are met.
        shown = ", ".join(f"{name}.c{place} AS d{at}" for at, place in enumerate(names))
        query = Node(f"SELECT {', '.join(f'd{at} AS c{at}' for at in range(len(names)))} FROM (SELECT {shown} FROM (({{}}) {operator} ({{}})) AS {name})", first, second)
        return query, [(f"c{at}", kinds[place]) for at, place in enumerate(names)]

    def set_operation(self, depth, ctes):
        if self.chance(15):
            return self.union_by_name(depth, ctes)
        types = [self.some_type() for _ in range(self.rng.randint(1, 2))]
        left, columns = self.select(depth - 1, ctes, types)
        right, _ = self.select(depth - 1, ctes, types)
        # Columns are dropped on neither side.
        left, right = frozen(left), frozen(right)
        operator = self.one("UNION", "UNION ALL", "INTERSECT", "EXCEPT", "INTERSECT ALL", "EXCEPT ALL", "UNION ALL BY NAME", "UNION BY NAME")
        return Node(f"({{}}) {operator} ({{}})", left, right), columns
