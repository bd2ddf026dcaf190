//! Functions that choose among their arguments.

use super::entry;
use crate::functions::table::Category::Conditional;
use crate::functions::table::Fails::{Never, Sometimes};
use crate::functions::table::ScalarFunction;
use crate::functions::table::Typing::{self, Rule};
use crate::functions::{compare, conditional, typing};

const ALL_ALIKE: Typing = Rule(typing::all_alike, &["T... -> T"]);
const ALL_ORDERED: Typing = Rule(typing::all_alike_ordered, &["T... -> T"]);

pub(super) static ENTRIES: &[ScalarFunction] = &[
    entry(
        ("coalesce", &[]),
        Conditional,
        ALL_ALIKE,
        Never,
        conditional::coalesce,
        "the first argument that is not NULL",
        "coalesce(NULL, 1)",
    ),
    entry(
        ("ifnull", &["nvl"]),
        Conditional,
        Rule(typing::two_alike, &["T, T -> T"]),
        Never,
        conditional::coalesce,
        "the first argument, or the second if that is NULL",
        "ifnull(NULL, 1)",
    ),
    entry(
        ("nullif", &[]),
        Conditional,
        Rule(typing::nullif, &["T, T -> T"]),
        Sometimes,
        compare::nullif,
        "NULL if both are equal, else the first",
        "nullif(1, 1)",
    ),
    entry(
        ("try", &[]),
        Conditional,
        Rule(typing::unchanged, &["T -> T"]),
        Never,
        conditional::first,
        "the argument, or NULL for the rows where it fails",
        "try(1 // 0)",
    ),
    entry(
        ("if", &[]),
        Conditional,
        Rule(typing::choice, &["BOOLEAN, T, T -> T"]),
        Never,
        conditional::choose,
        "the second argument if the first is true, else the third",
        "if(1 < 2, 'yes', 'no')",
    ),
    entry(
        ("greatest", &[]),
        Conditional,
        ALL_ORDERED,
        Never,
        compare::greatest,
        "the greatest argument; NULLs are passed over",
        "greatest(1, 3, 2)",
    ),
    entry(
        ("least", &[]),
        Conditional,
        ALL_ORDERED,
        Never,
        compare::least,
        "the least argument; NULLs are passed over",
        "least(1, 3, 2)",
    ),
];
