//! Single values: out of a column, and as a column of one row.

use super::nested::{finish_lists, struct_column};
use crate::journal::TaskError;
use crate::sql::{DataType, Value};
use polars::prelude::{AnyValue, Column, IntoColumn, NamedFrom, PlSmallStr, Scalar, Series};

/// The value in a row of a physical column of type `t`; a row outside of it is NULL.
pub fn value_at(column: &Column, t: &DataType, row: usize) -> Value {
    series_value(column.as_materialized_series(), t, row)
}

fn series_value(series: &Series, t: &DataType, row: usize) -> Value {
    match (series.get(row).unwrap_or(AnyValue::Null), t) {
        (AnyValue::Boolean(v), _) => Value::Boolean(v),
        (AnyValue::Int8(v), _) => Value::Int(v.into()),
        (AnyValue::Int16(v), _) => Value::Int(v.into()),
        (AnyValue::Int32(v), _) => Value::Int(v.into()),
        (AnyValue::Int64(v), _) => Value::Int(v.into()),
        (AnyValue::Int128(v), _) => Value::Int(v),
        (AnyValue::UInt8(v), _) => Value::Int(v.into()),
        (AnyValue::UInt16(v), _) => Value::Int(v.into()),
        (AnyValue::UInt32(v), _) => Value::Int(v.into()),
        (AnyValue::UInt64(v), _) => Value::Int(v.into()),
        (AnyValue::Float32(v), _) => Value::Float(v.into()),
        (AnyValue::Float64(v), _) => Value::Float(v),
        (AnyValue::String(v), _) => Value::Varchar(v.to_string()),
        (AnyValue::StringOwned(v), _) => Value::Varchar(v.to_string()),
        (AnyValue::Binary(v), _) => Value::Blob(v.to_vec()),
        (AnyValue::BinaryOwned(v), _) => Value::Blob(v),
        (AnyValue::List(items), DataType::List(item)) => {
            Value::List((0..items.len()).map(|i| series_value(&items, item, i)).collect())
        }
        (AnyValue::List(items), DataType::Map(key, value)) => match DataType::entries(key, value).item() {
            Some(entry) => Value::List((0..items.len()).map(|i| series_value(&items, &entry, i)).collect()),
            None => Value::Null,
        },
        (AnyValue::Null, _) => Value::Null,
        (_, DataType::Struct(_)) if series.is_null().get(row) == Some(true) => Value::Null,
        (_, DataType::Struct(fields)) => match series.struct_() {
            Ok(parts) => Value::Struct(
                parts.fields_as_series().iter().zip(fields).map(|(part, (_, t))| series_value(part, t, row)).collect(),
            ),
            Err(_) => Value::Null,
        },
        _ => Value::Null,
    }
}

/// A column of one row that holds `value` in the physical form of `t`.
pub fn column_of(value: &Value, t: &DataType) -> Result<Column, TaskError> {
    let name = PlSmallStr::EMPTY;
    let wrong = || TaskError::bug(format!("the constant {value:?} is not of type {t}"));
    let any = match (value, t) {
        (Value::Null, _) => return Ok(Column::full_null(name, 1, &t.physical())),
        (Value::Boolean(v), DataType::Boolean) => AnyValue::Boolean(*v),
        (Value::Varchar(v), DataType::Varchar | DataType::Json) => {
            return Ok(Series::new(name, [v.as_str()]).into_column());
        }
        (Value::Blob(v), DataType::Blob) => AnyValue::BinaryOwned(v.clone()),
        (Value::Float(v), DataType::Float) => AnyValue::Float32(*v as f32),
        (Value::Float(v), DataType::Double) => AnyValue::Float64(*v),
        (Value::Int(v), t) => integer_value(*v, t).ok_or_else(wrong)?,
        (Value::List(items), DataType::List(item)) => {
            let mut all = Series::new_empty(name.clone(), &item.physical());
            for value in items {
                all.append(column_of(value, item)?.as_materialized_series())?;
            }
            return finish_lists(vec![0, all.len() as i64], vec![true], all);
        }
        (Value::List(_), DataType::Map(key, entry)) => return column_of(value, &DataType::entries(key, entry)),
        (Value::Struct(values), DataType::Struct(fields)) if values.len() == fields.len() => {
            let parts = values.iter().zip(fields).map(|(value, (_, t))| column_of(value, t));
            return struct_column(fields, &parts.collect::<Result<Vec<_>, _>>()?, 1, None);
        }
        _ => return Err(wrong()),
    };
    Ok(Scalar::new(t.physical(), any).into_column(name))
}

fn integer_value(v: i128, t: &DataType) -> Option<AnyValue<'static>> {
    use polars::prelude::DataType as Physical;
    Some(match t.physical() {
        Physical::Int8 => AnyValue::Int8(v.try_into().ok()?),
        Physical::Int16 => AnyValue::Int16(v.try_into().ok()?),
        Physical::Int32 => AnyValue::Int32(v.try_into().ok()?),
        Physical::Int64 => AnyValue::Int64(v.try_into().ok()?),
        Physical::Int128 => AnyValue::Int128(v),
        Physical::UInt8 => AnyValue::UInt8(v.try_into().ok()?),
        Physical::UInt16 => AnyValue::UInt16(v.try_into().ok()?),
        Physical::UInt32 => AnyValue::UInt32(v.try_into().ok()?),
        Physical::UInt64 => AnyValue::UInt64(v.try_into().ok()?),
        _ => return None,
    })
}
