//! Casts of lists, structs and maps: part by part, and from text.

use super::{cannot_cast, cast_column, to_text};
use crate::functions::RowError;
use crate::functions::columns::{Rows, Texts, result_length};
use crate::functions::nested::{Lists, fields_of, struct_column, validity_of};
use crate::functions::values::{column_of, value_at};
use crate::journal::TaskError;
use crate::sql::{DataType, Value};
use polars::prelude::{Column, IntoColumn, PlSmallStr, Series};

/// What turns a column of one type into one of another.
pub(in crate::functions) type Conversion<'a> = &'a dyn Fn(&Column, &DataType, &DataType) -> Result<Column, RowError>;

/// Element by element.
pub(in crate::functions) fn convert_items(
    column: &Column,
    from: &DataType,
    to: &DataType,
    convert: Conversion,
) -> Result<Column, RowError> {
    // Elements that belong to no row must not be the ones to fail.
    let lists = Lists::of(column, from)?.compact()?;
    let items = lists.items().clone().into_column();
    let cast = convert(&items, from, to).map_err(|e| RowError { row: None, ..e })?;
    let cast = if cast.len() == items.len() { cast } else { cast.new_from_index(0, items.len()) };
    Ok(lists.with_items(cast.take_materialized_series())?)
}

/// Which field of `from` each field of `to` is cast from, None for a field that becomes NULL: by name; by position where one
/// side has no names. None for structs that have nothing in common.
pub fn matching(from: &[(String, DataType)], to: &[(String, DataType)]) -> Option<Vec<Option<usize>>> {
    let unnamed = |fields: &[(String, DataType)]| fields.iter().all(|(name, _)| name.is_empty());
    if unnamed(from) || unnamed(to) {
        return (from.len() == to.len()).then(|| (0..to.len()).map(Some).collect());
    }
    let source = |name: &str| from.iter().position(|(other, _)| other.eq_ignore_ascii_case(name));
    let sources: Vec<Option<usize>> = to.iter().map(|(name, _)| source(name)).collect();
    sources.iter().any(Option::is_some).then_some(sources)
}

/// Field by field.
pub(in crate::functions) fn convert_fields(
    column: &Column,
    from: &[(String, DataType)],
    to: &[(String, DataType)],
    convert: Conversion,
) -> Result<Column, RowError> {
    let sources = matching(from, to).ok_or_else(|| TaskError::bug("structs without a common field are cast"))?;
    let fields = fields_of(column)?;
    let mut cast = Vec::with_capacity(to.len());
    for (source, (_, to)) in sources.iter().zip(to) {
        cast.push(match source {
            Some(i) => convert(&fields[*i].clone().into_column(), &from[*i].1, to)?,
            None => Column::full_null(PlSmallStr::EMPTY, column.len(), &to.physical()),
        });
    }
    Ok(struct_column(to, &cast, column.len(), validity_of(column))?)
}

/// `[1, 2]`, `{'a': 1}`, `{a=1}` and what is written like them.
pub(super) fn from_text(column: &Column, to: &DataType, lenient: bool) -> Result<Column, RowError> {
    let texts = Texts::of(column)?;
    let rows = result_length(std::slice::from_ref(column), column.len());
    let mut all = Series::new_empty(PlSmallStr::EMPTY, &to.physical());
    for row in 0..rows {
        let value = match texts.get(row) {
            None => Value::Null,
            Some(text) => match parse(text, to, lenient) {
                Ok(Some(value)) => value,
                Ok(None) if lenient => Value::Null,
                Ok(None) => {
                    let error = cannot_cast(&Value::Varchar(text.to_string()), &DataType::Varchar, to);
                    return Err(RowError { row: Some(row), error });
                }
                Err(error) => return Err(RowError { row: Some(row), error }),
            },
        };
        all.append(column_of(&value, to)?.as_materialized_series()).map_err(TaskError::from)?;
    }
    Ok(all.rechunk().into_column())
}

/// The value of a text; None if it is not written like a value of `to`.
fn parse(text: &str, to: &DataType, lenient: bool) -> Result<Option<Value>, TaskError> {
    let text = text.trim();
    let part = |part: Part, to: &DataType| -> Result<Option<Value>, TaskError> {
        if part.is_null() {
            return Ok(Some(Value::Null));
        }
        if to.is_nested() {
            return match parse(&part.text, to, lenient)? {
                None if lenient => Ok(Some(Value::Null)),
                other => Ok(other),
            };
        }
        let text = column_of(&Value::Varchar(part.text), &DataType::Varchar)?;
        let cast = cast_column(&text, &DataType::Varchar, to, lenient).map_err(|e| e.error)?;
        Ok(Some(value_at(&cast, to, 0)))
    };
    match to {
        DataType::List(item) => {
            let Some(parts) = inside(text, '[', ']').and_then(|text| split(text, ',')) else { return Ok(None) };
            let mut values = Vec::with_capacity(parts.len());
            for one in parts {
                let Some(value) = part(Part::read(&one), item)? else { return Ok(None) };
                values.push(value);
            }
            Ok(Some(Value::List(values)))
        }
        DataType::Map(key_type, value_type) => {
            let Some(parts) = inside(text, '{', '}').and_then(|text| split(text, ',')) else { return Ok(None) };
            let mut entries = Vec::with_capacity(parts.len());
            for one in parts {
                let Some((key, value)) = split_pair(&one, '=') else { return Ok(None) };
                let (Some(key), Some(value)) = (part(Part::read(key), key_type)?, part(Part::read(value), value_type)?)
                else {
                    return Ok(None);
                };
                if key == Value::Null {
                    return Ok(None);
                }
                entries.push(Value::Struct(vec![key, value]));
            }
            Ok(Some(Value::List(entries)))
        }
        DataType::Struct(fields) => {
            if let Some(parts) = inside(text, '(', ')').and_then(|text| split(text, ',')) {
                if parts.len() != fields.len() {
                    return Ok(None);
                }
                let mut values = Vec::with_capacity(fields.len());
                for (one, (_, t)) in parts.iter().zip(fields) {
                    let Some(value) = part(Part::read(one), t)? else { return Ok(None) };
                    values.push(value);
                }
                return Ok(Some(Value::Struct(values)));
            }
            let Some(parts) = inside(text, '{', '}').and_then(|text| split(text, ',')) else { return Ok(None) };
            let mut values = vec![Value::Null; fields.len()];
            for one in parts {
                let Some((name, value)) = split_pair(&one, ':') else { return Ok(None) };
                let name = Part::read(name).text;
                let Some(place) = fields.iter().position(|(known, _)| known.eq_ignore_ascii_case(&name)) else {
                    return Ok(None);
                };
                let Some(value) = part(Part::read(value), &fields[place].1)? else { return Ok(None) };
                values[place] = value;
            }
            Ok(Some(Value::Struct(values)))
        }
        _ => Ok(None),
    }
}

/// One value as it was written, quotes taken off.
struct Part {
    text: String,
    quoted: bool,
}

impl Part {
    fn read(written: &str) -> Part {
        let written = written.trim();
        let quote = written.chars().next().filter(|c| matches!(c, '\'' | '"'));
        if let Some(quote) = quote
            && written.len() >= 2
            && written.ends_with(quote)
        {
            return Part { text: unescaped(&written[1..written.len() - 1]), quoted: true };
        }
        let nested = written.starts_with(['[', '{', '(']);
        Part { text: if nested { written.to_string() } else { unescaped(written) }, quoted: false }
    }

    fn is_null(&self) -> bool {
        !self.quoted && self.text.eq_ignore_ascii_case("null")
    }
}

fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => out.extend(chars.next()),
            c => out.push(c),
        }
    }
    out
}

fn inside(text: &str, open: char, close: char) -> Option<&str> {
    text.trim().strip_prefix(open)?.strip_suffix(close)
}

/// Where `separator` stands outside of quotes and brackets; None if those do not close.
fn separators(text: &str, separator: char) -> Option<Vec<usize>> {
    let mut found = Vec::new();
    let mut open: Vec<char> = Vec::new();
    let mut quote = None;
    let mut fresh = true;
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        if c == '\\' {
            chars.next();
            fresh = false;
            continue;
        }
        if let Some(end) = quote {
            if c == end {
                quote = None;
            }
            continue;
        }
        match c {
            '\'' | '"' if fresh => quote = Some(c),
            '[' => open.push(']'),
            '{' => open.push('}'),
            '(' => open.push(')'),
            ']' | '}' | ')' if open.pop() != Some(c) => return None,
            c if c == separator && open.is_empty() => found.push(at),
            _ => {}
        }
        // A quote opens at the start of a value only.
        fresh = matches!(c, ',' | ':' | '=' | '[' | '{' | '(') || (fresh && c.is_whitespace());
    }
    (open.is_empty() && quote.is_none()).then_some(found)
}

fn split(text: &str, separator: char) -> Option<Vec<String>> {
    if text.trim().is_empty() {
        return Some(Vec::new());
    }
    let mut parts = Vec::new();
    let mut start = 0;
    for at in separators(text, separator)? {
        parts.push(text[start..at].to_string());
        start = at + separator.len_utf8();
    }
    parts.push(text[start..].to_string());
    Some(parts)
}

fn split_pair(text: &str, separator: char) -> Option<(&str, &str)> {
    let at = *separators(text, separator)?.first()?;
    Some((&text[..at], &text[at + separator.len_utf8()..]))
}

/// The texts of a column of any type, as [`super::cast_column`] to VARCHAR gives them.
pub(in crate::functions) fn texts_of(column: &Column, from: &DataType) -> Result<Column, RowError> {
    if *from == DataType::Varchar { Ok(column.clone()) } else { to_text(column, from) }
}
