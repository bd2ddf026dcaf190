//! Operators: what stands between or before its arguments.

use super::entry;
use crate::functions::table::Category::Operator;
use crate::functions::table::Fails::{Never, Sometimes, UnlessFloat};
use crate::functions::table::ScalarFunction;
use crate::functions::table::Typing::{self, Rule};
use crate::functions::{arithmetic, bits, compare, text, typing};

const COMPARISON: Typing = Rule(typing::comparison, &["T, T -> BOOLEAN"]);
const EQUALITY: Typing = Rule(typing::equality, &["T, T -> BOOLEAN"]);

const BITS: Typing = Rule(bits::pair_typing, &["T, T -> T"]);

pub(super) static ENTRIES: &[ScalarFunction] = &[
    entry(
        ("+", &["add"]),
        Operator,
        Rule(typing::addition, &["T, T -> T", "DATE, INTEGER -> DATE", "DATE, INTERVAL -> TIMESTAMP"]),
        UnlessFloat,
        arithmetic::add,
        "the sum",
        "1 + 2",
    ),
    entry(
        ("-", &["subtract"]),
        Operator,
        Rule(typing::subtraction, &["T, T -> T", "DATE, DATE -> BIGINT", "TIMESTAMP, TIMESTAMP -> INTERVAL"]),
        UnlessFloat,
        arithmetic::subtract,
        "the difference",
        "3 - 2",
    ),
    entry(
        ("*", &["multiply"]),
        Operator,
        Rule(typing::multiplication, &["T, T -> T", "INTERVAL, BIGINT -> INTERVAL"]),
        UnlessFloat,
        arithmetic::multiply,
        "the product",
        "2 * 3",
    ),
    entry(
        ("/", &[]),
        Operator,
        Rule(typing::division, &["DOUBLE, DOUBLE -> DOUBLE", "INTERVAL, DOUBLE -> INTERVAL"]),
        UnlessFloat,
        arithmetic::divide,
        "the quotient, never cut to a whole number",
        "7 / 2",
    ),
    entry(
        ("//", &["divide"]),
        Operator,
        Rule(typing::whole_division, &["T, T -> T"]),
        Sometimes,
        arithmetic::whole_divide,
        "the whole quotient",
        "7 // 2",
    ),
    entry(
        ("%", &["mod"]),
        Operator,
        Rule(typing::remainder, &["T, T -> T"]),
        UnlessFloat,
        arithmetic::modulo,
        "the remainder, with the sign of the first argument",
        "7 % 3",
    ),
    entry(
        ("neg", &["negate"]),
        Operator,
        Rule(typing::negation, &["T -> T"]),
        UnlessFloat,
        arithmetic::negate,
        "the opposite number",
        "-(5)",
    ),
    entry(("=", &["=="]), Operator, EQUALITY, Never, compare::equal, "whether both are equal", "1 = 1.0"),
    entry(("<>", &["!="]), Operator, EQUALITY, Never, compare::not_equal, "whether they differ", "1 <> 2"),
    entry(("<", &[]), Operator, COMPARISON, Never, compare::less, "whether the first is less", "1 < 2"),
    entry(
        ("<=", &[]),
        Operator,
        COMPARISON,
        Never,
        compare::less_or_equal,
        "whether the first is less or equal",
        "1 <= 2",
    ),
    entry((">", &[]), Operator, COMPARISON, Never, compare::greater, "whether the first is greater", "2 > 1"),
    entry(
        (">=", &[]),
        Operator,
        COMPARISON,
        Never,
        compare::greater_or_equal,
        "whether the first is greater or equal",
        "2 >= 1",
    ),
    entry(
        ("is_distinct_from", &[]),
        Operator,
        EQUALITY,
        Never,
        compare::is_distinct_from,
        "whether they differ, with NULL equal to NULL",
        "1 IS DISTINCT FROM NULL",
    ),
    entry(
        ("is_not_distinct_from", &[]),
        Operator,
        EQUALITY,
        Never,
        compare::is_not_distinct_from,
        "whether both are equal, or both NULL",
        "NULL IS NOT DISTINCT FROM NULL",
    ),
    entry(
        ("||", &[]),
        Operator,
        Rule(text::joining, &["ANY, ANY -> VARCHAR", "BLOB, BLOB -> BLOB"]),
        Never,
        text::join,
        "both texts, one after the other",
        "'a' || 'b'",
    ),
    entry(("&", &["bitwise_and"]), Operator, BITS, Never, bits::and, "the bits that both have", "6 & 3"),
    entry(("|", &["bitwise_or"]), Operator, BITS, Never, bits::or, "the bits that either has", "6 | 3"),
    entry(("xor", &["bitwise_xor"]), Operator, BITS, Never, bits::xor, "the bits that one of both has", "xor(6, 3)"),
    entry(
        ("~", &["bitwise_not"]),
        Operator,
        Rule(bits::not_typing, &["T -> T"]),
        Never,
        bits::not,
        "all bits turned",
        "~6",
    ),
    entry(
        ("<<", &["bitwise_left_shift"]),
        Operator,
        BITS,
        Sometimes,
        bits::shift_left,
        "the bits moved to the left",
        "1 << 4",
    ),
    entry(
        (">>", &["bitwise_right_shift"]),
        Operator,
        BITS,
        Never,
        bits::shift_right,
        "the bits moved to the right",
        "16 >> 2",
    ),
];
