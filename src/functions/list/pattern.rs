//! LIKE, regular expressions.

use super::entry;
use crate::functions::table::Category::Pattern;
use crate::functions::table::Fails::{ByPattern, Never, Sometimes};
use crate::functions::table::ScalarFunction;
use crate::functions::table::Typing::{self, Overloads};
use crate::functions::{pattern, regexp};

const LIKING: Typing = Overloads(&["VARCHAR, VARCHAR -> BOOLEAN", "VARCHAR, VARCHAR, VARCHAR -> BOOLEAN"]);

pub(super) static ENTRIES: &[ScalarFunction] = &[
    entry(
        ("like", &["~~", "like_escape"]),
        Pattern,
        LIKING,
        ByPattern,
        pattern::like,
        "whether the text matches a pattern of % (any text) and _ (any character)",
        "'abc' LIKE 'a%'",
    ),
    entry(
        ("ilike", &["~~*", "ilike_escape"]),
        Pattern,
        LIKING,
        ByPattern,
        pattern::ilike,
        "as LIKE, whatever the case",
        "'ABC' ILIKE 'a%'",
    ),
    entry(
        ("glob", &["~~~"]),
        Pattern,
        Overloads(&["VARCHAR, VARCHAR -> BOOLEAN"]),
        Never,
        pattern::glob,
        "whether the text matches a pattern of * (any text), ? (any character) and [a-z]",
        "'abc' GLOB 'a*'",
    ),
    entry(
        ("regexp_matches", &["regexp_like"]),
        Pattern,
        LIKING,
        ByPattern,
        regexp::matches,
        "whether a regular expression is found in the text; options i, s, l",
        "regexp_matches('abc', 'B.', 'i')",
    ),
    entry(
        ("regexp_full_match", &[]),
        Pattern,
        LIKING,
        ByPattern,
        regexp::full_match,
        "whether the whole text matches a regular expression",
        "regexp_full_match('abc', 'a.c')",
    ),
    entry(
        ("regexp_replace", &[]),
        Pattern,
        Overloads(&["VARCHAR, VARCHAR, VARCHAR -> VARCHAR", "VARCHAR, VARCHAR, VARCHAR, VARCHAR -> VARCHAR"]),
        Sometimes,
        regexp::replace,
        "with the first match (all with option 'g') replaced; \\1 is the first group",
        "regexp_replace('abcb', 'b', 'X', 'g')",
    ),
    entry(
        ("regexp_extract", &[]),
        Pattern,
        Overloads(&[
            "VARCHAR, VARCHAR -> VARCHAR",
            "VARCHAR, VARCHAR, INTEGER -> VARCHAR",
            "VARCHAR, VARCHAR, VARCHAR -> VARCHAR",
            "VARCHAR, VARCHAR, INTEGER, VARCHAR -> VARCHAR",
        ]),
        Sometimes,
        regexp::extract,
        "the first match, or a group of it; with a list of names a struct of the groups",
        "regexp_extract('abc', 'b(.)', 1)",
    ),
    entry(
        ("regexp_count", &[]),
        Pattern,
        Overloads(&["VARCHAR, VARCHAR -> BIGINT"]),
        Sometimes,
        regexp::count,
        "how many matches there are",
        "regexp_count('abcb', 'b')",
    ),
    entry(
        ("regexp_position", &[]),
        Pattern,
        Overloads(&["VARCHAR, VARCHAR -> BIGINT"]),
        Sometimes,
        regexp::position,
        "where the first match begins, counted from 1; -1 if nowhere",
        "regexp_position('abc', 'c')",
    ),
    entry(
        ("regexp_escape", &[]),
        Pattern,
        Overloads(&["VARCHAR -> VARCHAR"]),
        Never,
        regexp::escape,
        "as a regular expression that matches just this text",
        "regexp_escape('a.b')",
    ),
];
