//! Functions of numbers.

use super::entry;
use crate::functions::table::Category::Number;
use crate::functions::table::Fails::{Never, Sometimes, UnlessFloat};
use crate::functions::table::ScalarFunction;
use crate::functions::table::Typing::{self, Overloads, Rule};
use crate::functions::{math, typing};

const DOUBLE_TO_DOUBLE: Typing = Overloads(&["DOUBLE -> DOUBLE"]);

pub(super) static ENTRIES: &[ScalarFunction] = &[
    entry(
        ("abs", &[]),
        Number,
        Rule(typing::same_number, &["T -> T"]),
        UnlessFloat,
        math::abs,
        "the value without its sign",
        "abs(-5)",
    ),
    entry(
        ("round", &[]),
        Number,
        Rule(typing::rounding, &["T -> T", "T, INTEGER -> T"]),
        Sometimes,
        math::round,
        "rounded, half away from zero, to a number of digits",
        "round(2.567, 2)",
    ),
    entry(
        ("trunc", &[]),
        Number,
        Rule(typing::rounding, &["T -> T", "T, INTEGER -> T"]),
        Sometimes,
        math::truncate,
        "cut towards zero",
        "trunc(2.7)",
    ),
    entry(
        ("floor", &[]),
        Number,
        Rule(typing::to_whole, &["T -> T"]),
        Never,
        math::floor,
        "the next whole number below",
        "floor(2.5)",
    ),
    entry(
        ("ceil", &["ceiling"]),
        Number,
        Rule(typing::to_whole, &["T -> T"]),
        Never,
        math::ceil,
        "the next whole number above",
        "ceil(2.5)",
    ),
    entry(
        ("sign", &[]),
        Number,
        Rule(math::sign_typing, &["T -> TINYINT"]),
        Never,
        math::sign,
        "-1, 0 or 1",
        "sign(-5)",
    ),
    entry(("sqrt", &[]), Number, DOUBLE_TO_DOUBLE, Never, math::sqrt, "the square root", "sqrt(4)"),
    entry(("cbrt", &[]), Number, DOUBLE_TO_DOUBLE, Never, math::cbrt, "the cube root", "cbrt(27)"),
    entry(
        ("power", &["pow", "**", "^"]),
        Number,
        Overloads(&["DOUBLE, DOUBLE -> DOUBLE"]),
        Never,
        math::power,
        "the first to the power of the second",
        "power(2, 10)",
    ),
    entry(("exp", &[]), Number, DOUBLE_TO_DOUBLE, Never, math::exp, "e to the power of the argument", "exp(1)"),
    entry(("ln", &[]), Number, DOUBLE_TO_DOUBLE, Never, math::ln, "the natural logarithm", "ln(2)"),
    entry(
        ("log", &[]),
        Number,
        Overloads(&["DOUBLE -> DOUBLE", "DOUBLE, DOUBLE -> DOUBLE"]),
        Never,
        math::log,
        "the logarithm to base 10, or of the second argument to the base of the first",
        "log(2, 8)",
    ),
    entry(("log10", &[]), Number, DOUBLE_TO_DOUBLE, Never, math::log10, "the logarithm to base 10", "log10(1000)"),
    entry(("log2", &[]), Number, DOUBLE_TO_DOUBLE, Never, math::log2, "the logarithm to base 2", "log2(8)"),
    entry(("sin", &[]), Number, DOUBLE_TO_DOUBLE, Never, math::sin, "the sine", "sin(1)"),
    entry(("cos", &[]), Number, DOUBLE_TO_DOUBLE, Never, math::cos, "the cosine", "cos(1)"),
    entry(("tan", &[]), Number, DOUBLE_TO_DOUBLE, Never, math::tan, "the tangent", "tan(1)"),
    entry(
        ("isnan", &[]),
        Number,
        Overloads(&["DOUBLE -> BOOLEAN"]),
        Never,
        math::is_nan,
        "whether it is not a number",
        "isnan('nan'::DOUBLE)",
    ),
    entry(("pi", &[]), Number, Overloads(&["-> DOUBLE"]), Never, math::pi, "the number pi", "pi()"),
];
