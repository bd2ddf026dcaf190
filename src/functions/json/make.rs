//! JSON made of values, and values made of JSON.

use super::read;
use crate::functions::columns::{Rows, Texts, result_length, texts_by_row};
use crate::functions::values::{column_of, value_at};
use crate::functions::{RowError, cast_column, format_value};
use crate::journal::{ErrorCode, TaskError};
use crate::sql::types::physical_field;
use crate::sql::{DataType, Value};
use polars::prelude::{Column, IntoColumn, PlSmallStr, Series};

/// A JSON string.
fn quoted(text: &str) -> String {
    serde_json::Value::String(text.to_string()).to_string()
}

/// The shortest digits that read back as the same number: with an exponent below 0.000001 and from 1e21.
fn write_double(out: &mut String, number: f64) {
    let size = number.abs();
    if size != 0.0 && !(1e-6..1e21).contains(&size) {
        out.push_str(&format!("{number:e}"));
        return;
    }
    let text = number.to_string();
    out.push_str(&text);
    if !text.contains('.') {
        out.push_str(".0");
    }
}

/// Decimals of so many digits are doubles in JSON; wider ones keep their digits.
const EXACT_DIGITS: u8 = 15;

/// JSON without the blanks and line breaks between its tokens.
fn write_compact(out: &mut String, json: &str) {
    let (mut in_text, mut escaped) = (false, false);
    for c in json.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = in_text,
            '"' => in_text = !in_text,
            ' ' | '\t' | '\n' | '\r' if !in_text => continue,
            _ => {}
        }
        out.push(c);
    }
}

/// The JSON text of a value of type `t`.
fn write(out: &mut String, value: &Value, t: &DataType) {
    match (value, t) {
        (Value::Null, _) => out.push_str("null"),
        (Value::Boolean(value), _) => out.push_str(if *value { "true" } else { "false" }),
        (Value::Varchar(text), DataType::Json) => write_compact(out, text),
        (Value::Float(number), _) => match number.is_finite() {
            true => write_double(out, *number),
            false => out.push_str(&quoted(&format_value(value, t))),
        },
        (Value::Int(_), DataType::Decimal { precision, .. }) => {
            let text = format_value(value, t);
            match text.parse::<f64>() {
                Ok(number) if *precision <= EXACT_DIGITS => write_double(out, number),
                _ => out.push_str(&text),
            }
        }
        (Value::Int(number), t) if t.is_integer() => out.push_str(&number.to_string()),
        (Value::List(items), DataType::List(item)) => {
            out.push('[');
            for (i, value) in items.iter().enumerate() {
                out.push_str(if i > 0 { "," } else { "" });
                write(out, value, item);
            }
            out.push(']');
        }
        (Value::Struct(values), DataType::Struct(fields)) => {
            out.push('{');
            for (i, (value, (name, t))) in values.iter().zip(fields).enumerate() {
                out.push_str(if i > 0 { "," } else { "" });
                out.push_str(&quoted(&if name.is_empty() {
                    format!("element{}", i + 1)
                } else {
                    physical_field(i, name)
                }));
                out.push(':');
                write(out, value, t);
            }
            out.push('}');
        }
        (Value::List(entries), DataType::Map(key_type, value_type)) => {
            out.push('{');
            for (i, entry) in entries.iter().enumerate() {
                let Value::Struct(parts) = entry else { continue };
                let [key, value] = &parts[..] else { continue };
                out.push_str(if i > 0 { "," } else { "" });
                out.push_str(&quoted(&format_value(key, key_type)));
                out.push(':');
                write(out, value, value_type);
            }
            out.push('}');
        }
        (value, t) => out.push_str(&quoted(&format_value(value, t))),
    }
}

/// `to_json(value)`, and a cast to JSON of anything but text.
pub fn to_json(args: &[Column], types: &[DataType], _: &DataType, _: usize) -> Result<Column, RowError> {
    texts_by_row(args[0].len(), |row, out| match value_at(&args[0], &types[0], row) {
        Value::Null => Ok(false),
        value => {
            write(out, &value, &types[0]);
            Ok(true)
        }
    })
}

fn row_of(column: &Column, row: usize) -> usize {
    if column.len() == 1 { 0 } else { row }
}

/// `json_array(values...)`.
pub(in crate::functions) fn array(
    args: &[Column],
    types: &[DataType],
    _: &DataType,
    rows: usize,
) -> Result<Column, RowError> {
    texts_by_row(result_length(args, rows), |row, out| {
        out.push('[');
        for (i, (arg, t)) in args.iter().zip(types).enumerate() {
            out.push_str(if i > 0 { "," } else { "" });
            write(out, &value_at(arg, t, row_of(arg, row)), t);
        }
        out.push(']');
        Ok(true)
    })
}

/// `json_object(name, value, ...)`.
pub(in crate::functions) fn object(
    args: &[Column],
    types: &[DataType],
    _: &DataType,
    rows: usize,
) -> Result<Column, RowError> {
    texts_by_row(result_length(args, rows), |row, out| {
        out.push('{');
        for (i, (pair, t)) in args.chunks(2).zip(types.chunks(2)).enumerate() {
            out.push_str(if i > 0 { "," } else { "" });
            let name = match value_at(&pair[0], &t[0], row_of(&pair[0], row)) {
                Value::Null => {
                    let message = "the name of a member of a JSON object cannot be NULL";
                    return Err(TaskError::user(ErrorCode::InvalidArguments, message));
                }
                name => format_value(&name, &t[0]),
            };
            out.push_str(&quoted(&name));
            out.push(':');
            write(out, &value_at(&pair[1], &t[1], row_of(&pair[1], row)), &t[1]);
        }
        out.push('}');
        Ok(true)
    })
}

/// Objects of lists of rows of a name and a value; what `json_group_object` makes of its rows.
pub fn object_of_rows(args: &[Column], types: &[DataType], _: &DataType, _: usize) -> Result<Column, RowError> {
    let Some(DataType::Struct(fields)) = types[0].item() else {
        return Err(TaskError::bug("an object of something else than rows").into());
    };
    texts_by_row(args[0].len(), |row, out| {
        let Value::List(rows) = value_at(&args[0], &types[0], row) else { return Ok(false) };
        out.push('{');
        for (i, pair) in rows.iter().enumerate() {
            let Value::Struct(pair) = pair else { continue };
            out.push_str(if i > 0 { "," } else { "" });
            if pair[0] == Value::Null {
                let message = "the name of a member of a JSON object cannot be NULL";
                return Err(TaskError::user(ErrorCode::InvalidArguments, message));
            }
            out.push_str(&quoted(&format_value(&pair[0], &fields[0].1)));
            out.push(':');
            write(out, &pair[1], &fields[1].1);
        }
        out.push('}');
        Ok(true)
    })
}

/// A cast of JSON to any other type: part by part, members by their names.
pub(in crate::functions) fn from_json(column: &Column, to: &DataType, lenient: bool) -> Result<Column, RowError> {
    let texts = Texts::of(column)?;
    let mut all = Series::new_empty(PlSmallStr::EMPTY, &to.physical());
    for row in 0..column.len() {
        let value = match texts.get(row) {
            None => Ok(Value::Null),
            Some(text) => read(text).and_then(|value| convert(&value, to, lenient)),
        };
        let value = match value {
            Err(_) if lenient => Value::Null,
            value => value.map_err(|error| RowError { row: Some(row), error })?,
        };
        all.append(column_of(&value, to)?.as_materialized_series())?;
    }
    Ok(all.rechunk().into_column())
}

fn convert(value: &serde_json::Value, to: &DataType, lenient: bool) -> Result<Value, TaskError> {
    use serde_json::Value as Json;
    let misfit = || {
        let message = format!("Cannot cast JSON {value} to {to}");
        if lenient { Ok(Value::Null) } else { Err(TaskError::user(ErrorCode::InvalidCastArgument, message)) }
    };
    match (value, to) {
        (_, DataType::Json) => Ok(Value::Varchar(value.to_string())),
        (Json::Null, _) => Ok(Value::Null),
        (Json::Array(items), DataType::List(item)) => {
            Ok(Value::List(items.iter().map(|value| convert(value, item, lenient)).collect::<Result<_, _>>()?))
        }
        (Json::Object(members), DataType::Struct(fields)) => {
            let field = |(name, t): &(String, DataType)| match members.get(name) {
                Some(value) => convert(value, t, lenient),
                None => Ok(Value::Null),
            };
            Ok(Value::Struct(fields.iter().map(field).collect::<Result<_, _>>()?))
        }
        (Json::Object(members), DataType::Map(key, of)) => {
            let entry = |(name, value): (&String, &Json)| {
                Ok(Value::Struct(vec![
                    convert(&Json::String(name.clone()), key, lenient)?,
                    convert(value, of, lenient)?,
                ]))
            };
            Ok(Value::List(members.iter().map(entry).collect::<Result<_, TaskError>>()?))
        }
        (Json::Array(_) | Json::Object(_), DataType::Varchar) => Ok(Value::Varchar(value.to_string())),
        (Json::Array(_) | Json::Object(_), _) => misfit(),
        (_, to) if to.is_nested() => misfit(),
        (plain, to) => {
            let text = match plain {
                Json::String(text) => text.clone(),
                other => other.to_string(),
            };
            let text = column_of(&Value::Varchar(text), &DataType::Varchar)?;
            let cast = cast_column(&text, &DataType::Varchar, to, lenient).map_err(|e| e.error)?;
            Ok(value_at(&cast, to, 0))
        }
    }
}
