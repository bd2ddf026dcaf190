//! Functions about the query and its values.

use super::entry;
use crate::functions::other;
use crate::functions::table::Category::Other;
use crate::functions::table::Fails::{Never, Sometimes};
use crate::functions::table::ScalarFunction;
use crate::functions::table::Typing::Overloads;

pub(super) static ENTRIES: &[ScalarFunction] = &[
    entry(
        ("typeof", &[]),
        Other,
        Overloads(&["ANY -> VARCHAR"]),
        Never,
        other::type_name,
        "the name of the argument's type",
        "typeof(1.5)",
    ),
    entry(
        ("error", &[]),
        Other,
        Overloads(&["VARCHAR -> ANY"]),
        Sometimes,
        other::fail,
        "fails with a message of your own",
        "coalesce(1, error('no value'))",
    ),
    entry(
        ("version", &[]),
        Other,
        Overloads(&["-> VARCHAR"]),
        Never,
        other::version,
        "the version of faultlab",
        "version() IS NOT NULL",
    ),
];
