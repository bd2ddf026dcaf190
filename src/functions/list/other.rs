//! Functions about the query and its values.

use super::entry;
use crate::functions::table::Category::Other;
use crate::functions::table::Fails::{Never, Sometimes, Volatile};
use crate::functions::table::ScalarFunction;
use crate::functions::table::Typing::{self, Overloads, Rule};
use crate::functions::{other, uuids};

const NAME: Typing = Overloads(&["-> VARCHAR"]);

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
    entry(("version", &[]), Other, NAME, Never, other::version, "the version of faultlab", "version() IS NOT NULL"),
    entry(
        ("current_user", &["user", "session_user", "current_role"]),
        Other,
        NAME,
        Never,
        other::user,
        "who asks; there are no users here",
        "current_user",
    ),
    entry(
        ("current_database", &["current_catalog"]),
        Other,
        NAME,
        Never,
        other::database,
        "the catalog of the tables",
        "current_database()",
    ),
    entry(
        ("current_schema", &[]),
        Other,
        NAME,
        Never,
        other::schema,
        "the schema of tables without one",
        "current_schema()",
    ),
    entry(
        ("uuid", &["gen_random_uuid", "uuidv4"]),
        Other,
        Overloads(&["-> UUID"]),
        Volatile,
        uuids::random,
        "a random UUID, another one for every row",
        "uuid() IS NOT NULL",
    ),
    entry(
        ("uuid_extract_version", &[]),
        Other,
        Overloads(&["UUID -> UINTEGER"]),
        Never,
        uuids::version,
        "the version of a UUID",
        "uuid_extract_version(UUID '6ba7b810-9dad-41d1-80b4-00c04fd430c8')",
    ),
    entry(
        ("uuid_extract_timestamp", &[]),
        Other,
        Overloads(&["UUID -> TIMESTAMPTZ"]),
        Sometimes,
        uuids::timestamp,
        "when a UUID of version 7 was made",
        "uuid_extract_timestamp(UUID '019482e4-1441-7aad-8127-eec637573a0a')",
    ),
    entry(
        ("constant_or_null", &[]),
        Other,
        Rule(other::constant_or_null_typing, &["T, ANY... -> T"]),
        Never,
        other::constant_or_null,
        "the first argument, or NULL if any other is NULL",
        "constant_or_null(1, NULL)",
    ),
];
