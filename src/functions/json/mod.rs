//! JSON: texts that are read when they are asked for something. A value that is not JSON is an error at its row.

pub(super) mod make;
mod path;
pub(super) mod structure;
pub(super) mod typing;

use super::RowError;
use super::columns::{Numbers, Rows, Texts, booleans_by_row, numbers_by_row, result_length, texts_by_row};
use super::nested::{Lists, finish_lists};
use crate::journal::{ErrorCode, TaskError};
use crate::sql::DataType;
use path::Path;
use polars::prelude::{Column, Int64Type, IntoSeries, PlSmallStr, StringChunked, UInt64Type};
use polars_arrow::array::MutableBinaryViewArray;
use serde_json::Value;

/// Reads a text. INVALID_CAST_ARGUMENT where it is not JSON.
pub(super) fn read(text: &str) -> Result<Value, TaskError> {
    serde_json::from_str(text).map_err(|error| {
        let shown: String = text.chars().take(60).collect();
        let message = format!("Malformed JSON at character {}: \"{shown}\"", error.column().max(1));
        TaskError::user(ErrorCode::InvalidCastArgument, message)
    })
}

/// The paths of an argument: texts, or numbers of elements.
enum Paths {
    /// The same for every row; None for NULL.
    Constant(Option<Path>),
    Texts(Texts),
    Numbers(Numbers<Int64Type>),
}

impl Paths {
    fn of(column: &Column, t: &DataType) -> Result<Paths, TaskError> {
        if *t == DataType::BigInt {
            return Ok(Paths::Numbers(Numbers::of(column)?));
        }
        let texts = Texts::of(column)?;
        match texts.constant() {
            Some(text) => Ok(Paths::Constant(text.map(Path::read).transpose()?)),
            None => Ok(Paths::Texts(texts)),
        }
    }

    fn get(&self, row: usize) -> Result<Option<Path>, TaskError> {
        match self {
            Paths::Constant(path) => Ok(path.clone()),
            Paths::Texts(texts) => texts.get(row).map(Path::read).transpose(),
            Paths::Numbers(numbers) => Ok(numbers.get(row).map(Path::element)),
        }
    }
}

/// Calls `f` with what each row's path leads to: the value itself without a path. None for NULL, and where there is nothing.
fn at_path<R>(
    args: &[Column],
    types: &[DataType],
    rows: usize,
    mut f: impl FnMut(&Value) -> Option<R>,
) -> Result<Vec<Option<R>>, RowError> {
    let length = result_length(args, rows);
    let texts = Texts::of(&args[0])?;
    let paths = args.get(1).map(|arg| Paths::of(arg, &types[1])).transpose()?;
    let mut results = Vec::with_capacity(length);
    for row in 0..length {
        let located = |error| RowError { row: Some(row), error };
        let path = match &paths {
            None => None,
            Some(paths) => match paths.get(row).map_err(located)? {
                Some(path) => Some(path),
                None => {
                    results.push(None);
                    continue;
                }
            },
        };
        results.push(match texts.get(row) {
            None => None,
            Some(text) => {
                let value = read(text).map_err(located)?;
                match &path {
                    None => f(&value),
                    Some(path) => path.find(&value).and_then(&mut f),
                }
            }
        });
    }
    Ok(results)
}

fn texts(values: Vec<Option<String>>) -> Result<Column, RowError> {
    texts_by_row(values.len(), |row, out| {
        let value = &values[row];
        out.push_str(value.as_deref().unwrap_or_default());
        Ok(value.is_some())
    })
}

/// The text of a value as SQL sees it: a string without quotes, NULL for null.
fn plain(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

/// Lists of what each of a row's paths leads to, or of all that a path with wildcards leads to.
fn lists(
    args: &[Column],
    types: &[DataType],
    rows: usize,
    show: impl Fn(&Value) -> Option<String>,
) -> Result<Column, RowError> {
    let length = result_length(args, rows);
    let texts = Texts::of(&args[0])?;
    let many = matches!(types[1], DataType::List(_));
    let paths = Lists::of(&args[1], &DataType::Varchar).ok().filter(|_| many);
    let single = if many { None } else { Some(Texts::of(&args[1])?) };
    let (mut ends, mut valid) = (vec![0i64], Vec::with_capacity(length));
    let mut items = MutableBinaryViewArray::<str>::new();
    for row in 0..length {
        let located = |error| RowError { row: Some(row), error };
        let value = texts.get(row).map(read).transpose().map_err(located)?;
        let written: Option<Vec<Option<&str>>> = match (&paths, &single) {
            (Some(paths), _) => {
                let path = |i| paths.items().str().ok().and_then(|texts| texts.get(i));
                paths.get(row).map(|range| range.map(path).collect())
            }
            (None, Some(single)) => single.get(row).map(|path| vec![Some(path)]),
            (None, None) => None,
        };
        if let (Some(value), Some(written)) = (&value, &written) {
            for path in written {
                match path.map(Path::read).transpose().map_err(located)? {
                    None => items.push_null(),
                    Some(path) if many => items.push(path.find(value).and_then(&show)),
                    Some(path) => path.find_all(value).into_iter().for_each(|value| items.push(show(value))),
                }
            }
            valid.push(true);
        } else {
            valid.push(false);
        }
        ends.push(items.len() as i64);
    }
    let items = StringChunked::with_chunk(PlSmallStr::EMPTY, items.freeze()).into_series();
    Ok(finish_lists(ends, valid, items)?)
}

/// `json_extract(json, path)`, `json -> path`.
pub(super) fn extract(args: &[Column], types: &[DataType], result: &DataType, rows: usize) -> Result<Column, RowError> {
    if matches!(result, DataType::List(_)) {
        return lists(args, types, rows, |value| Some(value.to_string()));
    }
    texts(at_path(args, types, rows, |value| Some(value.to_string()))?)
}

/// `json_extract_string(json, path)`, `json ->> path`.
pub(super) fn extract_string(
    args: &[Column],
    types: &[DataType],
    result: &DataType,
    rows: usize,
) -> Result<Column, RowError> {
    if matches!(result, DataType::List(_)) {
        return lists(args, types, rows, plain);
    }
    texts(at_path(args, types, rows, plain)?)
}

/// `json_value(json, path)`: only what is neither an object nor an array, written as JSON.
pub(super) fn value(args: &[Column], types: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    let scalar = |value: &Value| !value.is_object() && !value.is_array() && !value.is_null();
    texts(at_path(args, types, rows, |value| scalar(value).then(|| value.to_string()))?)
}

/// `json_exists(json, path)`.
pub(super) fn exists(args: &[Column], types: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    let found = at_path(args, types, rows, |_| Some(()))?;
    let (texts, paths) = (args[0].is_not_null(), args[1].is_not_null());
    let known =
        |mask: &polars::prelude::BooleanChunked, row| mask.get(if mask.len() == 1 { 0 } else { row }) == Some(true);
    Ok(booleans_by_row(found.len(), |row| (known(&texts, row) && known(&paths, row)).then(|| found[row].is_some())))
}

/// `json_valid(text)`.
pub(super) fn valid(args: &[Column], _: &[DataType], _: &DataType, _: usize) -> Result<Column, RowError> {
    let texts = Texts::of(&args[0])?;
    Ok(booleans_by_row(args[0].len(), |row| texts.get(row).map(|text| read(text).is_ok())))
}

/// `json_type(json [, path])`.
pub(super) fn kind(args: &[Column], types: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    let name = |value: &Value| {
        let name = match value {
            Value::Null => "NULL",
            Value::Bool(_) => "BOOLEAN",
            Value::Number(number) if number.is_u64() => "UBIGINT",
            Value::Number(number) if number.is_i64() => "BIGINT",
            Value::Number(_) => "DOUBLE",
            Value::String(_) => "VARCHAR",
            Value::Array(_) => "ARRAY",
            Value::Object(_) => "OBJECT",
        };
        Some(name.to_string())
    };
    texts(at_path(args, types, rows, name)?)
}

/// `json_array_length(json [, path])`: 0 for what is no array.
pub(super) fn length(args: &[Column], types: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    let lengths = at_path(args, types, rows, |value| Some(value.as_array().map_or(0, Vec::len) as u64))?;
    numbers_by_row::<UInt64Type>(lengths.len(), |row| Ok(lengths[row]))
}

/// `json_keys(json [, path])`: none for what is no object.
pub(super) fn keys(args: &[Column], types: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    let keys = at_path(args, types, rows, |value| {
        Some(value.as_object().map_or(Vec::new(), |members| members.keys().cloned().collect::<Vec<_>>()))
    })?;
    let mut items = MutableBinaryViewArray::<str>::new();
    let (mut ends, mut valid) = (vec![0i64], Vec::with_capacity(keys.len()));
    for row in &keys {
        row.iter().flatten().for_each(|key| items.push_value(key.as_str()));
        valid.push(row.is_some());
        ends.push(items.len() as i64);
    }
    let items = StringChunked::with_chunk(PlSmallStr::EMPTY, items.freeze()).into_series();
    Ok(finish_lists(ends, valid, items)?)
}

/// Whether `needle` is in `value`, at any depth: an object with at least its members, an array with at least its elements.
fn is_in(value: &Value, needle: &Value) -> bool {
    let here = match (value, needle) {
        (Value::Object(members), Value::Object(wanted)) => {
            wanted.iter().all(|(name, wanted)| members.get(name).is_some_and(|value| is_in(value, wanted)))
        }
        (Value::Array(items), Value::Array(wanted)) => {
            wanted.iter().all(|wanted| items.iter().any(|item| is_in(item, wanted)))
        }
        (value, needle) => value == needle,
    };
    here || match value {
        Value::Object(members) => members.values().any(|value| is_in(value, needle)),
        Value::Array(items) => items.iter().any(|value| is_in(value, needle)),
        _ => false,
    }
}

/// `json_contains(json, part)`.
pub(super) fn contains(args: &[Column], _: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    let (texts, needles) = (Texts::of(&args[0])?, Texts::of(&args[1])?);
    let length = result_length(args, rows);
    let mut found = Vec::with_capacity(length);
    for row in 0..length {
        let located = |error| RowError { row: Some(row), error };
        found.push(match (texts.get(row), needles.get(row)) {
            (Some(text), Some(needle)) => Some(is_in(&read(text).map_err(located)?, &read(needle).map_err(located)?)),
            _ => None,
        });
    }
    Ok(booleans_by_row(length, |row| found[row]))
}

/// RFC 7396.
fn merge(target: Value, patch: Value) -> Value {
    let Value::Object(patch) = patch else { return patch };
    let mut members = match target {
        Value::Object(members) => members,
        _ => serde_json::Map::new(),
    };
    for (name, value) in patch {
        if value.is_null() {
            members.shift_remove(&name);
        } else {
            let old = members.get(&name).cloned().unwrap_or(Value::Null);
            members.insert(name, merge(old, value));
        }
    }
    Value::Object(members)
}

/// `json_merge_patch(json, patch)`.
pub(super) fn merge_patch(args: &[Column], _: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    let (targets, patches) = (Texts::of(&args[0])?, Texts::of(&args[1])?);
    texts_by_row(result_length(args, rows), |row, out| match (targets.get(row), patches.get(row)) {
        (Some(target), Some(patch)) => {
            out.push_str(&merge(read(target)?, read(patch)?).to_string());
            Ok(true)
        }
        _ => Ok(false),
    })
}

/// `json(text)`: the same JSON without spaces.
pub(super) fn minified(args: &[Column], _: &[DataType], _: &DataType, _: usize) -> Result<Column, RowError> {
    let texts = Texts::of(&args[0])?;
    texts_by_row(args[0].len(), |row, out| match texts.get(row) {
        None => Ok(false),
        Some(text) => {
            out.push_str(&read(text)?.to_string());
            Ok(true)
        }
    })
}

/// A cast of VARCHAR to JSON: the text as it is, if it is JSON.
pub(super) fn from_text(column: &Column, lenient: bool) -> Result<Column, RowError> {
    let texts = Texts::of(column)?;
    texts_by_row(column.len(), |row, out| match texts.get(row) {
        None => Ok(false),
        Some(text) => match read(text) {
            Ok(_) => {
                out.push_str(text);
                Ok(true)
            }
            Err(_) if lenient => Ok(false),
            Err(error) => Err(error),
        },
    })
}
