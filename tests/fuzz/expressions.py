"""Random expressions, subqueries among them."""

from functions import hint, signatures
from nodes import NUMBERS, RARE_TYPES, SQL_TYPE, TYPES, VALUES, Node, items_of, leaf

SIGNATURES = signatures()

class Expressions:
    """Makes expressions. A scope is a list of (name, type) that they may use."""

    def __init__(self, rng, tables, functions=12):
        """`functions`: how many percent of the forms below give way to a call of any function."""
        self.rng, self.tables, self.functions = rng, tables, functions
        self.names = 0

    def name(self, letter):
        self.names += 1
        return f"{letter}{self.names}"

    def one(self, *choices):
        return self.rng.choice(choices)

    def chance(self, percent):
        return self.rng.random() * 100 < percent

    def some_type(self):
        return self.rng.choice(RARE_TYPES if self.chance(12) else TYPES)

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
        if self.chance(self.functions) and type in SIGNATURES:
            return self.call(type, sub)
        return getattr(self, "make_" + type)(sub, scope, depth, subqueries)

    def call(self, type, sub):
        """A call of some function that gives this type."""
        name, form, kinds = self.rng.choice(SIGNATURES[type])
        texts = [hint(name, place, kind, self.rng) for place, kind in enumerate(kinds)]
        arguments = [sub(kind) if text is None else leaf(text, kind) for text, kind in zip(texts, kinds)]
        return Node(form, *arguments, type=type)

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
            ("len({})::INTEGER", "lst"), ("({})[{}]", "lst", "int"), ("list_sum({})::INTEGER", "lst"), ("list_max({})", "lst"), ("({}).a", "stc"),
            ("list_position({}, {})", "lst", "int"), ("CAST({} AS INTEGER)", "sml"), ("TRY_CAST({} AS INTEGER)", "hug"), ("({} + {})", "int", "sml"),
            ("TRY_CAST({} AS INTEGER)", "wid"), ("extract(hour FROM {})::INTEGER", "tim"), ("extract(month FROM {})::INTEGER", "ivl"),
            ("list_reduce(list_prepend({}, {}), lambda x, y: x + y)", "int", "lst"), ("extract(day FROM {})::INTEGER", "tz"),
            ("list_reduce({}, lambda x, y: x + y, {})", "lst", "int"), ("list_reduce({}, lambda x, y: coalesce(x, {}) - coalesce(y, 1), 0)", "lst", "sml"),
            ("json_array_length(to_json({}))::INTEGER", "lst"), ("TRY_CAST(json_extract_string(json_object('a', {}, 'b', {}), '$.a') AS INTEGER)", "int", "txt"),
        )

    def make_big(self, sub, scope, depth, subqueries):
        return self.build(
            "big", sub,
            ("({} + {})", "big", "int"), ("({} - {})", "int", "big"), ("({} % {})", "big", "big"), ("abs({})", "big"),
            ("CAST({} AS BIGINT)", "int"), ("TRY_CAST({} AS BIGINT)", "dbl"), ("datediff('day', {}, {})", "date", "date"),
            ("length({})", "txt"), ("({} - {})", "date", "date"), ("greatest({}, {})", "big", "int"), ("extract(year FROM {})", "ts"),
            ("datediff('month', {}, {})", "ts", "ts"), ("strpos({}, {})", "txt", "txt"), ("(CAST({} AS BIGINT) * {})", "int", "int"),
            ("TRY_CAST({} AS BIGINT)", "dec"), ("least({}, {})", "big", "big"), ("epoch({})::BIGINT", "ts"),
            ("date_sub('month', {}, {})", "date", "date"), ("date_part(if({}, 'year', 'day'), {})::BIGINT", "bool", "date"),
            ("date_part(CASE WHEN {} THEN 'hour' WHEN {} THEN 'dow' END, {})::BIGINT", "bool", "bool", "ts"), ("(date_part(['year', 'month'], {})).month", "date"), ("({} & 255)", "big"), ("({} // {})", "big", "int"),
            ("TRY_CAST({} AS BIGINT)", "hug"), ("TRY({} + {})", "big", "big"), ("TRY({} * {})", "big", "int"), ("TRY(CAST({} AS BIGINT))", "txt"),
            ("epoch_ms({})", "tz"), ("datediff('hour', {}, {})", "tz", "tz"), ("list_count({})", "lst"),
        )

    def make_dec(self, sub, scope, depth, subqueries):
        return self.build(
            "dec", sub,
            ("CAST({} + {} AS DECIMAL(12,2))", "dec", "dec"), ("TRY_CAST({} * {} AS DECIMAL(12,2))", "dec", "dec"),
            ("CAST(- {} AS DECIMAL(12,2))", "dec"), ("abs({})", "dec"), ("TRY_CAST({} AS DECIMAL(12,2))", "int"),
            ("TRY_CAST({} AS DECIMAL(12,2))", "txt"), ("TRY_CAST({} AS DECIMAL(12,2))", "dbl"), ("greatest({}, {})", "dec", "dec"),
            ("CAST(round({}, 1) AS DECIMAL(12,2))", "dec"), ("CAST({} - {} AS DECIMAL(12,2))", "dec", "dec"),
            ("CAST({} % {} AS DECIMAL(12,2))", "dec", "dec"), ("CAST(floor({}) AS DECIMAL(12,2))", "dec"), ("CAST(ceil({}) AS DECIMAL(12,2))", "dec"),
            ("TRY_CAST({} AS DECIMAL(12,2))", "wid"), ("TRY_CAST({} + {} AS DECIMAL(12,2))", "dec", "sml"), ("TRY_CAST({} * {} AS DECIMAL(12,2))", "dec", "wid"),
            ("TRY_CAST({}::DECIMAL(4,1) + {} AS DECIMAL(12,2))", "sml", "dec"), ("TRY_CAST(TRY_CAST({} AS DECIMAL(18,17)) * {} AS DECIMAL(12,2))", "dec", "sml"),
        )

    def make_dbl(self, sub, scope, depth, subqueries):
        return self.build(
            "dbl", sub,
            ("({} + {})", "dbl", "dbl"), ("({} - {})", "dbl", "int"), ("({} * {})", "dbl", "dbl"), ("({} / {})", "dbl", "dbl"),
            ("({} / {})", "int", "int"), ("({} / {})", "dec", "dec"), ("abs({})", "dbl"), ("CAST({} AS DOUBLE)", "int"),
            ("CAST({} AS DOUBLE)", "dec"), ("round({}, 2)", "dbl"), ("floor({})", "dbl"), ("ceil({})", "dbl"), ("sqrt(abs({}))", "dbl"),
            ("({} + {})", "dbl", "dec"), ("({} * {})", "big", "dbl"), ("greatest({}, {})", "dbl", "dbl"), ("least({}, {})", "dbl", "dbl"),
            ("TRY_CAST({} AS DOUBLE)", "txt"), ("trunc({})", "dbl"), ("fmod({}, {})", "dbl", "dbl"), ("(- {})", "dbl"),
            ("CAST({} AS DOUBLE)", "hug"), ("({} / {})", "wid", "dec"), ("CAST({} AS DOUBLE)", "flt"), ("({} / {})", "hug", "int"), ("list_avg({})", "lst"),
            ("({} * {})", "flt", "dbl"), ("CAST({} AS DOUBLE)", "wid"), ("epoch({})", "ivl"),
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
            ("CAST({} AS VARCHAR)", "lst"), ("CAST({} AS VARCHAR)", "stc"), ("({}).b", "stc"), ("CAST({} AS VARCHAR)", "ivl"), ("CAST({} AS VARCHAR)", "tz"),
            ("CAST({} AS VARCHAR)", "wid"), ("CAST({} AS VARCHAR)", "hug"), ("CAST({} AS VARCHAR)", "tim"), ("CAST({} AS VARCHAR)", "flt"),
            ("list_transform(string_split({}, {}), lambda x: x || '!')::VARCHAR", "txt", "txt"), ("array_to_string({}, '-')", "lst"),
            (f"CAST(to_json({{}}) AS VARCHAR)", self.some_type()), ("CAST(json_array({}, {}) AS VARCHAR)", "int", "txt"), ("CAST(json_object('a', {}, 'b', {}) AS VARCHAR)", "txt", "lst"),
            ("(json_object('a', {}, 'b', {}) ->> 'a')", self.one("txt", "dec", "bool", "date"), "int"), ("CAST(json_object('a', {}) -> '$.a' AS VARCHAR)", self.one("txt", "int", "lst", "stc")),
            ("json_type(to_json({}))", self.some_type()), ("CAST(TRY_CAST({} AS JSON) AS VARCHAR)", "txt"), ("CAST(json_keys(to_json({})) AS VARCHAR)", "stc"), ("json_structure(to_json({}))::VARCHAR", self.one("stc", "lst", "int")),
            ("CAST(json_merge_patch(json_object('a', {}), json_object('a', {})) AS VARCHAR)", "int", "txt"), ("({})[{}:{}]", "txt", "sml", "sml"),
        )

    def make_date(self, sub, scope, depth, subqueries):
        return self.build(
            "date", sub,
            ("CAST({} AS DATE)", "ts"), ("({} + ({} % 100))", "date", "int"), ("({} - 3)", "date"), ("last_day({})", "date"),
            ("CAST(({} + INTERVAL 1 MONTH) AS DATE)", "date"), ("CAST(date_trunc('month', {}) AS DATE)", "date"),
            ("TRY_CAST({} AS DATE)", "txt"), ("greatest({}, {})", "date", "date"), ("CAST(({} - INTERVAL '1 month 1 day') AS DATE)", "date"),
            ("CAST(date_trunc('week', {}) AS DATE)", "ts"), ("least({}, {})", "date", "date"),
            ("CAST(({} + {}) AS DATE)", "date", "ivl"), ("CAST({} AS DATE)", "tz"),
        )

    def make_ts(self, sub, scope, depth, subqueries):
        return self.build(
            "ts", sub,
            ("CAST({} AS TIMESTAMP)", "date"), ("({} + INTERVAL 1 DAY)", "ts"), ("({} - INTERVAL '90 minutes')", "ts"),
            ("date_trunc('hour', {})", "ts"), ("date_trunc('quarter', {}::TIMESTAMP)", "ts"), ("({} + INTERVAL 1 MONTH)", "date"),
            ("greatest({}, {})", "ts", "ts"), ("({} + INTERVAL 13 MONTH)", "ts"), ("TRY_CAST({} AS TIMESTAMP)", "txt"),
            ("({} + {})", "ts", "ivl"), ("({} - {})", "ts", "ivl"), ("({} + {})", "date", "ivl"), ("({} AT TIME ZONE 'Europe/Berlin')", "tz"), ("({} + {})", "date", "tim"),
            ("time_bucket({}, {})", "ivl", "ts"),
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
            ("(({}, {}) < ({}, {}))", kind, "int", kind, "int"), ("list_contains({}, {})", "lst", "int"), ("list_has_any({}, {})", "lst", "lst"), ("({} IN list_concat({}, {}))", "int", "lst", "lst"),
            ("({} NOT LIKE {})", "txt", "txt"), ("({} SIMILAR TO '[a-b]+')", "txt"), ("isnan({})", "dbl"), ("({} <> {})", self.rng.choice(NUMBERS), self.rng.choice(["hug", "wid", "sml", "flt"])),
            ("({} >= {})", "ts", "tz"), ("(({}, {}) IN (({}, {}), ({}, {})))", kind, "int", kind, "int", kind, "int"), ("({} = ANY ({}))", "int", "lst"), ("json_valid({})", "txt"), ("json_contains(to_json({}), to_json({}))", "lst", "int"),
            ("({} COLLATE NOCASE = {})", "txt", "txt"), ("({} COLLATE NOACCENT < {})", "txt", "txt"), ("({} COLLATE NOCASE IN ({}, {}))", "txt", "txt", "txt"),
        ]
        if subqueries and self.chance(25):
            return self.bool_subquery(scope, depth)
        return self.build("bool", sub, *forms)

    # Subqueries, correlated where the scope is used in them

    def scalar_subquery(self, type, scope, depth):
        outer = scope if self.chance(60) else []
        source, inner = self.inside(outer, depth)
        condition = self.correlated(inner, outer, depth)
        if self.chance(20):
            # The first row of a total order.
            order = ", ".join(name for name, _ in inner)
            return Node(f"(SELECT {{}} FROM {{}}{{}} ORDER BY {order} LIMIT 1)", self.expr(type, inner + outer, 1, False), source, condition, type=type, drop=(2,))
        aggregate = self.one("max", "min") if type != "big" or self.chance(50) else "count"
        if type == "bool":
            aggregate = self.one("bool_and", "bool_or")
        value = Node(f"{aggregate}({{}})", self.expr(type, inner + (outer if self.chance(20) else []), 1, False), type=type)
        if type in ("int", "dbl", "txt") and self.chance(20):
            value = Node({"int": "({} + {})", "dbl": "({} * {})", "txt": "({} || {})"}[type], value, self.column(type, outer), type=type)
        having = Node(" HAVING {}", Node("(count(*) > 1)", type="bool")) if self.chance(8) else Node("")
        return Node("(SELECT {} FROM {}{}{})", value, source, condition, having, type=type, drop=(2, 3))

    def inside(self, outer, depth):
        """What a subquery reads: a table, two of them, or a subquery that may be correlated itself, one level deeper."""
        source, inner = self.table()
        if self.chance(70):
            return source, inner
        if self.chance(50):
            right, more = self.table()
            kinds = [kind for _, kind in inner if kind in {k for _, k in more}]
            kind = self.rng.choice(kinds) if kinds else "int"
            form = self.one("{} JOIN {} ON {} = {}", "{} LEFT JOIN {} ON {} = {}")
            return Node(form, source, right, self.column(kind, inner), self.column(kind, more)), inner + more
        name, kinds = self.name("d"), [self.some_type(), self.some_type()]
        items = items_of([self.expr(kind, inner + (outer if self.chance(30) else []), 1, False) for kind in kinds])
        condition = self.correlated(inner, outer, depth - 1)
        distinct = self.one("", "DISTINCT ")
        query = Node(f"(SELECT {distinct}{{}} FROM {{}}{{}}) AS {name}", items, source, condition, drop=(2,))
        return query, [(f"{name}.c{place}", kind) for place, kind in enumerate(kinds)]

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
        outer = scope if self.chance(60) else []
        source, inner = self.inside(outer, depth)
        condition = self.correlated(inner, outer, depth)
        kind = self.some_type()
        if self.chance(40):
            return Node(self.one("(", "(NOT ") + "EXISTS (SELECT 1 FROM {}{}))", source, condition, type="bool", drop=(1,))
        tested, wanted = self.expr(kind, scope, 1, False), self.expr(kind, inner, 1, False)
        form = self.one("IN", "IN", "NOT IN", "= ANY", "> ALL", "< ANY", "<> ALL")
        return Node(f"({{}} {form} (SELECT {{}} FROM {{}}{{}}))", tested, wanted, source, condition, type="bool", drop=(3,))

    def make_hug(self, sub, scope, depth, subqueries):
        return self.build(
            "hug", sub,
            ("({}::HUGEINT + {})", "big", "int"), ("({}::HUGEINT * {})", "big", "big"), ("({} + {})", "hug", "hug"), ("({} - {})", "hug", "int"), ("(- {})", "hug"),
            ("({} * {})", "hug", "sml"), ("({} % {})", "hug", "int"), ("({} // {})", "hug", "big"), ("abs({})", "hug"), ("TRY_CAST({} AS HUGEINT)", "txt"),
            ("TRY_CAST({} AS HUGEINT)", "dbl"), ("TRY_CAST({} AS HUGEINT)", "wid"), ("greatest({}, {})", "hug", "big"), ("({} & {})", "hug", "hug"), ("TRY({} * {})", "hug", "hug"),
        )

    def make_wid(self, sub, scope, depth, subqueries):
        return self.build(
            "wid", sub,
            ("CAST({} + {} AS DECIMAL(28,6))", "wid", "dec"), ("TRY_CAST({} - {} AS DECIMAL(28,6))", "wid", "wid"), ("TRY_CAST({} * {} AS DECIMAL(28,6))", "dec", "dec"),
            ("TRY(CAST({} * {} AS DECIMAL(28,6)))", "wid", "dec"), ("TRY_CAST({} AS DECIMAL(28,6))", "dbl"), ("TRY_CAST({} AS DECIMAL(28,6))", "txt"), ("TRY_CAST({} AS DECIMAL(28,6))", "hug"),
            ("CAST(round({}, 2) AS DECIMAL(28,6))", "wid"), ("abs({})", "wid"), ("(- {})", "wid"), ("CAST({} AS DECIMAL(28,6))", "dec"), ("CAST({} AS DECIMAL(28,6))", "int"),
            ("CAST({} % {} AS DECIMAL(28,6))", "wid", "int"), ("CAST(trunc({}) AS DECIMAL(28,6))", "wid"), ("least({}, {})", "wid", "wid"), ("CAST(floor({}) AS DECIMAL(28,6))", "wid"),
        )

    def make_sml(self, sub, scope, depth, subqueries):
        return self.build(
            "sml", sub,
            ("({} + {})", "sml", "sml"), ("({} - {})", "sml", "sml"), ("({} % {})", "sml", "sml"), ("(- {})", "sml"), ("TRY_CAST({} AS SMALLINT)", "int"), ("TRY_CAST({} AS SMALLINT)", "dec"),
            ("TRY_CAST({} AS SMALLINT)", "txt"), ("abs({})", "sml"), ("({} // {})", "sml", "sml"), ("CAST({} AS SMALLINT)", "bool"), ("TRY_CAST({} AS SMALLINT)", "flt"), ("TRY({} * {})", "sml", "sml"),
        )

    def make_flt(self, sub, scope, depth, subqueries):
        return self.build(
            "flt", sub,
            ("CAST({} AS FLOAT)", "int"), ("CAST({} AS FLOAT)", "dec"), ("({} + {})", "flt", "flt"), ("({} * {})", "flt", "sml"), ("({} / {})", "flt", "flt"), ("abs({})", "flt"),
            ("TRY_CAST({} AS FLOAT)", "txt"), ("CAST({} AS FLOAT)", "dbl"), ("(- {})", "flt"), ("round({}, 1)", "flt"), ("floor({})", "flt"), ("greatest({}, {})", "flt", "flt"),
        )

    def make_tim(self, sub, scope, depth, subqueries):
        return self.build(
            "tim", sub,
            ("CAST({} AS TIME)", "ts"), ("({} + {})", "tim", "ivl"), ("({} - INTERVAL '90 minutes')", "tim"), ("TRY_CAST({} AS TIME)", "txt"), ("greatest({}, {})", "tim", "tim"),
        )

    def make_tz(self, sub, scope, depth, subqueries):
        return self.build(
            "tz", sub,
            ("CAST({} AS TIMESTAMPTZ)", "ts"), ("({} AT TIME ZONE 'America/New_York')", "ts"), ("({} + {})", "tz", "ivl"), ("({} - INTERVAL 1 MONTH)", "tz"), ("date_trunc('day', {})", "tz"),
            ("TRY_CAST({} AS TIMESTAMPTZ)", "txt"), ("CAST({} AS TIMESTAMPTZ)", "date"), ("least({}, {})", "tz", "tz"),
        )

    def make_ivl(self, sub, scope, depth, subqueries):
        return self.build(
            "ivl", sub,
            ("({} + {})", "ivl", "ivl"), ("({} - {})", "ivl", "ivl"), ("(- {})", "ivl"), ("({} - {})", "ts", "ts"), ("age({}, {})", "ts", "ts"), ("to_days({})", "sml"), ("to_months({})", "sml"),
            ("({} * {})", "ivl", "sml"), ("({} - {})", "tz", "tz"), ("to_minutes({})", "int"), ("TRY_CAST({} AS INTERVAL)", "txt"), ("INTERVAL ({}) DAY", "sml"), ("greatest({}, {})", "ivl", "ivl"),
            ("to_seconds({})", "dec"),
        )

    def make_lst(self, sub, scope, depth, subqueries):
        return self.build(
            "lst", sub,
            ("[{}, {}]", "int", "int"), ("list_value({})", "int"), ("list_concat({}, {})", "lst", "lst"), ("([{}] + [{}])", "int", "int"), ("({} + {})", "lst", "lst"), ("({} || {})", "lst", "lst"), ("list_sort({})", "lst"), ("list_reverse({})", "lst"),
            ("({})[1:2]", "lst"), ("({})[{}:]", "lst", "sml"), ("list_filter({}, lambda x: x > 1)", "lst"), ("list_filter({}, lambda x: x % 2 = 0 OR x = {})", "lst", "int"),
            ("list_transform({}, lambda x: x % 7 + 1)", "lst"), ("list_transform({}, lambda x: coalesce(x, {}))", "lst", "int"), ("list_transform({}, lambda x, i: i::INTEGER)", "lst"),
            ("list_append({}, {})", "lst", "int"), ("list_sort(list_distinct({}))", "lst"), ("range(abs({} % 4))::INTEGER[]", "int"),
            ("list_sort({}, 'DESC', 'NULLS FIRST')", "lst"), ("greatest({}, {})", "lst", "lst"), ("list_resize({}, 2, {})", "lst", "int"),
        )

    def make_stc(self, sub, scope, depth, subqueries):
        return self.build(
            "stc", sub,
            ("struct_pack(a := {}, b := {})", "int", "txt"), ("{{'a': {}, 'b': {}}}", "int", "txt"), ("CAST(row({}, {}) AS STRUCT(a INTEGER, b VARCHAR))", "int", "txt"),
            ("greatest({}, {})", "stc", "stc"), ("[{}, {}][1]", "stc", "stc"),
        )
