//! What a JSON value is made of: its types, a type written as JSON, the value set out over lines.

use super::read;
use crate::functions::columns::{Rows, Texts, texts_by_row};
use crate::functions::{RowError, parse_type};
use crate::sql::DataType;
use polars::prelude::Column;
use serde_json::{Map, Value};

/// The type of a value, or of several that were met at one place.
#[derive(Debug, Clone, PartialEq)]
enum Shape {
    Null,
    Boolean,
    Unsigned,
    Negative,
    /// Unsigned and negative numbers.
    Whole,
    Double,
    Text,
    Array(Box<Shape>),
    Object(Vec<(String, Shape)>),
    /// Values that nothing but JSON holds together.
    Mixed,
}

impl Shape {
    fn of(value: &Value) -> Shape {
        match value {
            Value::Null => Shape::Null,
            Value::Bool(_) => Shape::Boolean,
            Value::Number(number) if number.is_u64() => Shape::Unsigned,
            Value::Number(number) if number.is_i64() => Shape::Negative,
            Value::Number(_) => Shape::Double,
            Value::String(_) => Shape::Text,
            Value::Array(items) => {
                Shape::Array(Box::new(items.iter().map(Shape::of).fold(Shape::Null, Shape::together)))
            }
            Value::Object(members) => {
                Shape::Object(members.iter().map(|(name, value)| (name.clone(), Shape::of(value))).collect())
            }
        }
    }

    /// The type that holds values of both.
    fn together(self, other: Shape) -> Shape {
        use Shape::*;
        match (self, other) {
            (Null, shape) | (shape, Null) => shape,
            (Unsigned, Unsigned) => Unsigned,
            (Negative, Negative) => Negative,
            (Unsigned | Negative | Whole, Unsigned | Negative | Whole) => Whole,
            (Unsigned | Negative | Whole | Double, Unsigned | Negative | Whole | Double) => Double,
            (Array(a), Array(b)) => Array(Box::new(a.together(*b))),
            (Object(mut members), Object(others)) => {
                for (name, shape) in others {
                    match members.iter_mut().find(|(known, _)| *known == name) {
                        Some((_, known)) => *known = std::mem::replace(known, Null).together(shape),
                        None => members.push((name, shape)),
                    }
                }
                Object(members)
            }
            (a, b) if a == b => a,
            _ => Mixed,
        }
    }

    fn written(&self) -> Value {
        let name = match self {
            Shape::Null => "NULL",
            Shape::Boolean => "BOOLEAN",
            Shape::Unsigned => "UBIGINT",
            Shape::Negative => "BIGINT",
            Shape::Whole => "HUGEINT",
            Shape::Double => "DOUBLE",
            Shape::Text => "VARCHAR",
            Shape::Mixed => "JSON",
            Shape::Array(item) => return Value::Array(vec![item.written()]),
            Shape::Object(members) => {
                let members = members.iter().map(|(name, shape)| (name.clone(), shape.written()));
                return Value::Object(Map::from_iter(members));
            }
        };
        Value::String(name.into())
    }
}

/// `json_structure(json)`: the types of its parts, as JSON that `from_json` takes.
pub(in crate::functions) fn structure(
    args: &[Column],
    _: &[DataType],
    _: &DataType,
    _: usize,
) -> Result<Column, RowError> {
    let texts = Texts::of(&args[0])?;
    texts_by_row(args[0].len(), |row, out| match texts.get(row) {
        None => Ok(false),
        Some(text) => {
            out.push_str(&Shape::of(&read(text)?).written().to_string());
            Ok(true)
        }
    })
}

/// The type that a structure means: `{"a": "INTEGER", "b": ["VARCHAR"]}` is STRUCT(a INTEGER, b VARCHAR[]). Err has the part
/// that is none.
pub fn type_of(structure: &str) -> Result<DataType, String> {
    let value: Value = serde_json::from_str(structure).map_err(|_| structure.to_string())?;
    read_type(&value)
}

fn read_type(value: &Value) -> Result<DataType, String> {
    match value {
        Value::String(name) => parse_type(name).ok_or_else(|| name.clone()),
        Value::Array(items) => match &items[..] {
            [item] => Ok(read_type(item)?.list_of()),
            _ => Err(value.to_string()),
        },
        Value::Object(members) if !members.is_empty() => {
            let mut fields: Vec<(String, DataType)> = Vec::with_capacity(members.len());
            for (name, value) in members {
                if fields.iter().any(|(other, _)| other.eq_ignore_ascii_case(name)) {
                    return Err(name.clone());
                }
                fields.push((name.clone(), read_type(value)?));
            }
            Ok(DataType::Struct(fields))
        }
        other => Err(other.to_string()),
    }
}

/// A value over several lines, four spaces a level.
fn pretty(out: &mut String, value: &Value, level: usize) {
    let line = |out: &mut String, level: usize| {
        out.push('\n');
        out.extend(std::iter::repeat_n("    ", level));
    };
    match value {
        Value::Array(items) if !items.is_empty() => {
            for (i, item) in items.iter().enumerate() {
                out.push(if i > 0 { ',' } else { '[' });
                line(out, level + 1);
                pretty(out, item, level + 1);
            }
            line(out, level);
            out.push(']');
        }
        Value::Object(members) if !members.is_empty() => {
            for (i, (name, value)) in members.iter().enumerate() {
                out.push(if i > 0 { ',' } else { '{' });
                line(out, level + 1);
                out.push_str(&Value::String(name.clone()).to_string());
                out.push_str(": ");
                pretty(out, value, level + 1);
            }
            line(out, level);
            out.push('}');
        }
        plain => out.push_str(&plain.to_string()),
    }
}

/// `json_pretty(json)`.
pub(in crate::functions) fn pretty_text(
    args: &[Column],
    _: &[DataType],
    _: &DataType,
    _: usize,
) -> Result<Column, RowError> {
    let texts = Texts::of(&args[0])?;
    texts_by_row(args[0].len(), |row, out| match texts.get(row) {
        None => Ok(false),
        Some(text) => {
            pretty(out, &read(text)?, 0);
            Ok(true)
        }
    })
}
