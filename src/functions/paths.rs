//! Functions of paths of files.

use super::RowError;
use super::columns::{Booleans, Rows, Texts, result_length, texts_by_row};
use crate::sql::DataType;
use polars::prelude::Column;

/// What parts a path, by the name of the option; both slashes do for a name that is none, as in DuckDB.
fn separators(option: &str) -> &'static [char] {
    match option {
        "system" | "forward_slash" => &['/'],
        "backslash" => &['\\'],
        _ => &['/', '\\'],
    }
}

/// A part of the path in the first argument; the option is in argument `at`, if there are so many.
fn parts(
    args: &[Column],
    rows: usize,
    at: usize,
    f: impl for<'a> Fn(&'a str, &[char], usize) -> Option<&'a str>,
) -> Result<Column, RowError> {
    let texts = Texts::of(&args[0])?;
    let options = args.get(at).map(Texts::of).transpose()?;
    texts_by_row(result_length(args, rows), |row, out| {
        let Some(text) = texts.get(row) else { return Ok(false) };
        // An option that is NULL is none, as in DuckDB.
        let option = options.as_ref().and_then(|options| options.get(row)).unwrap_or("both_slash");
        match f(text, separators(option), row) {
            Some(part) => out.push_str(part),
            None => return Ok(false),
        }
        Ok(true)
    })
}

/// `parse_dirname(path [, separator])`: the first folder, or the root.
pub(super) fn dirname(args: &[Column], _: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    parts(args, rows, 1, |path, separators, _| {
        let end = path.find(separators).unwrap_or(0);
        Some(if end == 0 && path.starts_with(separators) { &path[..1] } else { &path[..end] })
    })
}

/// `parse_dirpath(path [, separator])`: all but the last part.
pub(super) fn dirpath(args: &[Column], _: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    parts(args, rows, 1, |path, separators, _| Some(&path[..path.rfind(separators).unwrap_or(0)]))
}

/// `parse_filename(path [, without extension] [, separator])`: the last part.
pub(super) fn filename(args: &[Column], types: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    let bare = match types.get(1) {
        Some(DataType::Boolean) => Some(Booleans::of(&args[1])?),
        _ => None,
    };
    let at = if bare.is_some() { 2 } else { 1 };
    parts(args, rows, at, |path, separators, row| {
        let name = path.rfind(separators).map_or(path, |at| &path[at + 1..]);
        let without = match &bare {
            Some(bare) => bare.get(row).unwrap_or(false),
            None => false,
        };
        Some(if without { name.rfind('.').map_or(name, |at| &name[..at]) } else { name })
    })
}
