//! Texts cut into lists.

use super::finish_lists;
use crate::functions::RowError;
use crate::functions::columns::{Numbers, Rows, Texts, result_length};
use crate::journal::{ErrorCode, TaskError};
use crate::sql::DataType;
use polars::prelude::{Column, Int32Type, IntoSeries, PlSmallStr, StringChunked};
use polars_arrow::array::MutableBinaryViewArray;
use regex::Regex;

/// Lists of texts, made row by row.
struct TextLists {
    items: MutableBinaryViewArray<str>,
    ends: Vec<i64>,
    valid: Vec<bool>,
}

impl TextLists {
    fn new(rows: usize) -> TextLists {
        TextLists { items: MutableBinaryViewArray::new(), ends: vec![0], valid: Vec::with_capacity(rows) }
    }

    fn push(&mut self, text: Option<&str>) {
        self.items.push(text);
    }

    fn end(&mut self, valid: bool) {
        self.ends.push(self.items.len() as i64);
        self.valid.push(valid);
    }

    fn finish(self) -> Result<Column, TaskError> {
        let items = StringChunked::with_chunk(PlSmallStr::EMPTY, self.items.freeze()).into_series();
        finish_lists(self.ends, self.valid, items)
    }
}

/// `string_split(text, separator)`: an empty separator cuts between characters, NULL not at all.
pub fn split(args: &[Column], _: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    let length = result_length(args, rows);
    let (texts, separators) = (Texts::of(&args[0])?, Texts::of(&args[1])?);
    let mut lists = TextLists::new(length);
    for row in 0..length {
        let Some(text) = texts.get(row) else {
            lists.end(false);
            continue;
        };
        match separators.get(row) {
            None => lists.push(Some(text)),
            Some("") => text.char_indices().for_each(|(at, c)| lists.push(Some(&text[at..at + c.len_utf8()]))),
            Some(separator) => text.split(separator).for_each(|part| lists.push(Some(part))),
        }
        lists.end(true);
    }
    Ok(lists.finish()?)
}

fn pattern(text: &str, row: usize) -> Result<Regex, RowError> {
    Regex::new(text).map_err(|_| {
        let message = format!("'{text}' is not a regular expression");
        RowError { row: Some(row), error: TaskError::user(ErrorCode::InvalidArguments, message) }
    })
}

/// The pattern of each row, compiled again only where it changes.
struct Patterns {
    last: Option<(String, Regex)>,
}

impl Patterns {
    fn get(&mut self, text: &str, row: usize) -> Result<&Regex, RowError> {
        if self.last.as_ref().is_none_or(|(known, _)| known != text) {
            self.last = Some((text.to_string(), pattern(text, row)?));
        }
        match &self.last {
            Some((_, regex)) => Ok(regex),
            None => Err(TaskError::bug("a pattern that was just compiled is gone").into()),
        }
    }
}

/// `string_split_regex(text, pattern)`.
pub fn split_pattern(args: &[Column], _: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    let length = result_length(args, rows);
    let (texts, patterns) = (Texts::of(&args[0])?, Texts::of(&args[1])?);
    let mut lists = TextLists::new(length);
    let mut known = Patterns { last: None };
    for row in 0..length {
        let Some(text) = texts.get(row) else {
            lists.end(false);
            continue;
        };
        match patterns.get(row) {
            None => lists.push(Some(text)),
            Some(pattern) => {
                let mut start = 0;
                for found in known.get(pattern, row)?.find_iter(text) {
                    // An empty match at either end cuts nothing off.
                    if found.is_empty() && (found.start() == 0 || found.start() == text.len()) {
                        continue;
                    }
                    lists.push(Some(&text[start..found.start()]));
                    start = found.end();
                }
                lists.push(Some(&text[start..]));
            }
        }
        lists.end(true);
    }
    Ok(lists.finish()?)
}

/// `regexp_extract_all(text, pattern [, group])`.
pub fn extract_all(args: &[Column], _: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    let length = result_length(args, rows);
    let (texts, patterns) = (Texts::of(&args[0])?, Texts::of(&args[1])?);
    let groups = args.get(2).map(Numbers::<Int32Type>::of).transpose()?;
    let mut lists = TextLists::new(length);
    let mut known = Patterns { last: None };
    for row in 0..length {
        let group = groups.as_ref().map_or(Some(0), |groups| groups.get(row));
        let (Some(text), Some(pattern), Some(group)) = (texts.get(row), patterns.get(row), group) else {
            lists.end(false);
            continue;
        };
        let regex = known.get(pattern, row)?;
        let group = usize::try_from(group).ok().filter(|group| *group < regex.captures_len()).ok_or_else(|| {
            let message = format!("The pattern has no group {group}");
            RowError { row: Some(row), error: TaskError::user(ErrorCode::InvalidArguments, message) }
        })?;
        for captures in regex.captures_iter(text) {
            lists.push(Some(captures.get(group).map_or("", |m| m.as_str())));
        }
        lists.end(true);
    }
    Ok(lists.finish()?)
}
