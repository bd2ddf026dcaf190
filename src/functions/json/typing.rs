//! What functions of JSON take and give. Text is taken for JSON everywhere, and any other value for what to_json makes of it.

use super::path::Path;
use crate::functions::Signature;
use crate::sql::{DataType, Value};

/// A JSON and a path, or the number of an element, or a list of paths.
fn with_path(args: &[DataType], result: DataType) -> Option<Signature> {
    let [json, path] = args else { return None };
    let (path, result) = match path {
        DataType::Varchar | DataType::Json | DataType::Null => (DataType::Varchar, result),
        t if t.is_integer() => (DataType::BigInt, result),
        DataType::List(item) if **item == DataType::Varchar => (DataType::Varchar.list_of(), result.list_of()),
        _ => return None,
    };
    Some(Signature { args: vec![json_argument(json), path], result })
}

fn json_argument(t: &DataType) -> DataType {
    if matches!(t, DataType::Varchar | DataType::Null) { DataType::Varchar } else { DataType::Json }
}

/// `json_extract`.
pub fn extract(args: &[DataType]) -> Option<Signature> {
    with_path(args, DataType::Json)
}

/// `json_extract_string`.
pub fn extract_string(args: &[DataType]) -> Option<Signature> {
    with_path(args, DataType::Varchar)
}

/// `json_exists`.
pub fn exists(args: &[DataType]) -> Option<Signature> {
    with_path(args, DataType::Boolean).filter(|s| s.result == DataType::Boolean)
}

/// `json_value`.
pub fn value(args: &[DataType]) -> Option<Signature> {
    with_path(args, DataType::Varchar).filter(|s| s.result == DataType::Varchar)
}

/// A JSON, and a path that may be left out.
fn maybe_path(args: &[DataType], result: DataType) -> Option<Signature> {
    match args {
        [json] => Some(Signature { args: vec![json_argument(json)], result }),
        [_, _] => with_path(args, result.clone()).filter(|s| s.result == result),
        _ => None,
    }
}

/// `json_type`.
pub fn kind(args: &[DataType]) -> Option<Signature> {
    maybe_path(args, DataType::Varchar)
}

/// `json_array_length`.
pub fn length(args: &[DataType]) -> Option<Signature> {
    maybe_path(args, DataType::UBigInt)
}

/// `json_keys`.
pub fn keys(args: &[DataType]) -> Option<Signature> {
    maybe_path(args, DataType::Varchar.list_of())
}

/// `json_valid`.
pub fn valid(args: &[DataType]) -> Option<Signature> {
    (args.len() == 1).then(|| maybe_path(args, DataType::Boolean))?
}

/// `json`.
pub fn minified(args: &[DataType]) -> Option<Signature> {
    (args.len() == 1).then(|| maybe_path(args, DataType::Json))?
}

fn two(args: &[DataType], result: DataType) -> Option<Signature> {
    (args.len() == 2).then(|| Signature { args: args.iter().map(json_argument).collect(), result })
}

/// `json_contains`.
pub fn contains(args: &[DataType]) -> Option<Signature> {
    two(args, DataType::Boolean)
}

/// `json_merge_patch`.
pub fn merge_patch(args: &[DataType]) -> Option<Signature> {
    two(args, DataType::Json)
}

/// `to_json`.
pub fn to_json(args: &[DataType]) -> Option<Signature> {
    (args.len() == 1).then(|| Signature { args: args.iter().map(shown).collect(), result: DataType::Json })
}

/// `json_array`.
pub fn array(args: &[DataType]) -> Option<Signature> {
    Some(Signature { args: args.iter().map(shown).collect(), result: DataType::Json })
}

/// Points in time are written as a cast to VARCHAR has them, in the session's time zone.
fn shown(t: &DataType) -> DataType {
    t.with_shown_moments().unwrap_or_else(|| t.clone())
}

/// `json_pretty`.
pub fn pretty(args: &[DataType]) -> Option<Signature> {
    (args.len() == 1).then(|| maybe_path(args, DataType::Varchar))?
}

/// `json_object`: names and values by turns.
pub fn object(args: &[DataType]) -> Option<Signature> {
    if args.iter().step_by(2).any(|name| !matches!(name, DataType::Varchar | DataType::Null)) {
        return None;
    }
    args.len().is_multiple_of(2).then(|| Signature { args: args.iter().map(shown).collect(), result: DataType::Json })
}

/// Whether a constant path has wildcards: the result is a list of all that it leads to.
pub fn leads_to_many(path: Option<&Value>) -> bool {
    matches!(path, Some(Value::Varchar(text)) if Path::read(text).is_ok_and(|path| path.is_many()))
}
