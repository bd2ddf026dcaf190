//! LIKE, regular expressions.

use super::entry;
use crate::functions::pattern;
use crate::functions::table::Category::Pattern;
use crate::functions::table::Fails::Sometimes;
use crate::functions::table::ScalarFunction;
use crate::functions::table::Typing::{self, Overloads};

const TWO_TEXTS_TRUE: Typing = Overloads(&["VARCHAR, VARCHAR -> BOOLEAN"]);
const LIKING: Typing = Overloads(&["VARCHAR, VARCHAR -> BOOLEAN", "VARCHAR, VARCHAR, VARCHAR -> BOOLEAN"]);

pub(super) static ENTRIES: &[ScalarFunction] = &[
    entry(
        ("like", &["~~"]),
        Pattern,
        LIKING,
        Sometimes,
        pattern::like,
        "whether the text matches a pattern of % (any text) and _ (any character)",
        "'abc' LIKE 'a%'",
    ),
    entry(
        ("ilike", &["~~*"]),
        Pattern,
        LIKING,
        Sometimes,
        pattern::ilike,
        "as LIKE, whatever the case",
        "'ABC' ILIKE 'a%'",
    ),
    entry(
        ("regexp_matches", &[]),
        Pattern,
        TWO_TEXTS_TRUE,
        Sometimes,
        pattern::regexp_matches,
        "whether a regular expression is found in the text",
        "regexp_matches('abc', 'b.')",
    ),
    entry(
        ("regexp_replace", &[]),
        Pattern,
        Overloads(&["VARCHAR, VARCHAR, VARCHAR -> VARCHAR", "VARCHAR, VARCHAR, VARCHAR, VARCHAR -> VARCHAR"]),
        Sometimes,
        pattern::regexp_replace,
        "with the first match (all with option 'g') replaced",
        "regexp_replace('abcb', 'b', 'X', 'g')",
    ),
    entry(
        ("regexp_extract", &[]),
        Pattern,
        Overloads(&["VARCHAR, VARCHAR -> VARCHAR", "VARCHAR, VARCHAR, INTEGER -> VARCHAR"]),
        Sometimes,
        pattern::regexp_extract,
        "the first match, or a group of it",
        "regexp_extract('abc', 'b(.)', 1)",
    ),
];
