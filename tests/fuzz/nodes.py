"""SQL as trees, so that a query that fails can be made smaller."""

import copy

# Types of expressions. A table has columns of the common ones most of the time; the others, and expressions of them, are rarer.
TYPES = ["int", "big", "dec", "dbl", "txt", "date", "ts", "bool"]
RARE_TYPES = ["hug", "wid", "sml", "flt", "tim", "tz", "ivl", "lst", "stc"]
# What a Parquet file that DuckDB writes keeps as it is: a HUGEINT becomes a DOUBLE there.
FILE_TYPES = ["wid", "sml", "flt", "tim", "tz", "lst", "stc"]
NUMBERS = ["int", "big", "dec", "dbl"]
SQL_TYPE = {
    "int": "INTEGER", "big": "BIGINT", "dec": "DECIMAL(12,2)", "dbl": "DOUBLE",
    "txt": "VARCHAR", "date": "DATE", "ts": "TIMESTAMP", "bool": "BOOLEAN",
    "hug": "HUGEINT", "wid": "DECIMAL(28,6)", "sml": "SMALLINT", "flt": "FLOAT", "tim": "TIME", "tz": "TIMESTAMPTZ",
    "ivl": "INTERVAL", "lst": "INTEGER[]", "stc": "STRUCT(a INTEGER, b VARCHAR)",
}
VALUES = {
    "int": ["0", "1", "2", "3", "-1", "7", "10", "100", "2147483647", "(-2147483648)"],
    "big": ["0::BIGINT", "1::BIGINT", "(-3)::BIGINT", "5000000000", "9223372036854775807", "42::BIGINT"],
    "dec": ["0.00", "1.50", "(-2.25)", "99.99", "0.10", "12345678.90", "2.50"],
    "dbl": ["0.0::DOUBLE", "1.5::DOUBLE", "(-2.5)::DOUBLE", "0.1::DOUBLE", "1e10", "3.0::DOUBLE", "'NaN'::DOUBLE", "'-inf'::DOUBLE", "'-0.0'::DOUBLE"],
    "txt": ["''", "'a'", "'b'", "'A'", "'abc'", "'zz'", "'été'", "'日本'", "'a b'", "'%'", "'10'", "'ab'"],
    "date": ["DATE '2024-01-31'", "DATE '2024-02-29'", "DATE '1969-12-31'", "DATE '2000-01-01'", "DATE '2024-03-01'"],
    "ts": ["TIMESTAMP '2024-01-31 23:59:59.999999'", "TIMESTAMP '1969-12-31 23:59:59'", "TIMESTAMP '2024-02-29 00:00:00'", "TIMESTAMP '2024-03-01 12:30:15.5'"],
    "bool": ["true", "false"],
    "hug": ["0::HUGEINT", "1::HUGEINT", "(-7)::HUGEINT", "170141183460469231731687303715884105727", "18446744073709551616::HUGEINT"],
    "wid": ["0.000000::DECIMAL(28,6)", "1.500000::DECIMAL(28,6)", "(-2.000001)::DECIMAL(28,6)", "1234567890123456789012.123456", "0.1::DECIMAL(28,6)"],
    "sml": ["0::SMALLINT", "1::SMALLINT", "(-2)::SMALLINT", "32767::SMALLINT", "7::SMALLINT"],
    "flt": ["0::FLOAT", "1.5::FLOAT", "(-2.25)::FLOAT", "'inf'::FLOAT", "4::FLOAT"],
    "tim": ["TIME '00:00:00'", "TIME '12:34:56.789'", "TIME '23:59:59.999999'"],
    "tz": ["TIMESTAMPTZ '2024-03-31 00:59:59+00'", "TIMESTAMPTZ '1969-12-31 23:00:00+00'", "TIMESTAMPTZ '2024-07-01 12:00:00+02'"],
    "ivl": ["INTERVAL 1 DAY", "INTERVAL '1 month'", "INTERVAL '-2 hours'", "INTERVAL '1 year 2 months 3 days 04:05:06.7'", "INTERVAL '30 days'", "INTERVAL 0 SECOND"],
    "lst": ["[1, 2]", "[]::INTEGER[]", "[NULL, 3]", "[2, 2, 1]", "[7]", "[NULL]::INTEGER[]"],
    "stc": ["struct_pack(a := 1, b := 'x')", "struct_pack(a := NULL::INTEGER, b := 'y')", "struct_pack(a := 1, b := NULL::VARCHAR)", "struct_pack(a := 2, b := '')"],
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


def items_of(items):
    """A list of columns that may not shrink: something else names or counts them."""
    return Node(", ".join(f"{{}} AS c{place}" for place in range(len(items))), *items)


def frozen(query):
    """The query with a list of columns that cannot shrink."""
    query.kids = [Node(", ".join("{}" for _ in kid.kids), *kid.kids) if isinstance(kid, List) else kid for kid in query.kids]
    return query
