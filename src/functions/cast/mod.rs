//! CAST and TRY_CAST between all types. Decimals round half away from zero, floats to integers half to even, as DuckDB does.

pub(super) mod nested;
pub(super) mod numeric;
pub(crate) mod parse;
pub(super) mod units;
pub(super) mod uuid;

use super::columns::{Numbers, Rows, Texts, booleans_by_row, numbers_by_row, result_length, texts_by_row};
use super::format::write_value;
use super::values::value_at;
use super::{RowError, calendar, json};
use crate::journal::{ErrorCode, TaskError};
use crate::sql::{DataType, Value};
use calendar::MICROS_PER_DAY;
use polars::prelude::{Column, Int32Type, Int64Type, Int128Type, IntoColumn, PlSmallStr};

/// Casts a physical column. With `lenient` (TRY_CAST) a value that cannot be cast becomes NULL; otherwise the first such
/// row is the error.
pub fn cast_column(column: &Column, from: &DataType, to: &DataType, lenient: bool) -> Result<Column, RowError> {
    use DataType::*;
    let rows = column.len();
    if from == to {
        return Ok(column.clone());
    }
    match (from, to) {
        (Null, _) => Ok(Column::full_null(PlSmallStr::EMPTY, rows, &to.physical())),
        (Json, Varchar) => Ok(column.clone()),
        (Varchar, Json) => json::from_text(column, lenient),
        (_, Json) => json::make::to_json(std::slice::from_ref(column), std::slice::from_ref(from), to, rows),
        (Json, _) => json::make::from_json(column, to, lenient),
        (_, Varchar) => to_text(column, from),
        (Varchar, List(_) | Struct(_) | Map(..)) => nested::from_text(column, to, lenient),
        (Varchar, _) => from_text(column, to, lenient),
        (Date, Timestamp | TimestampTz) => {
            let days = Numbers::<Int32Type>::of(column)?;
            numbers_by_row::<Int64Type>(rows, |row| match days.get(row) {
                Some(day) => match super::datetime::timestamp_at(day, 0) {
                    Some(micros) => Ok(Some(micros)),
                    None if lenient => Ok(None),
                    None => Err(cannot_cast(&Value::Int(day.into()), from, to)),
                },
                None => Ok(None),
            })
        }
        (TimestampNs, _) => {
            let nanos = Numbers::<Int64Type>::of(column)?;
            let micros = numbers_by_row::<Int64Type>(rows, |row| Ok(nanos.get(row).map(units::micros_of_nanos)))?;
            cast_column(&micros, &Timestamp, to, lenient)
        }
        (Date, to) if to.is_timestamp() => {
            cast_column(&cast_column(column, from, &Timestamp, lenient)?, &Timestamp, to, lenient)
        }
        (from, TimestampNs) if from.is_timestamp() || *from == TimestampTz => {
            let micros = Numbers::<Int64Type>::of(column)?;
            numbers_by_row::<Int64Type>(rows, |row| match micros.get(row) {
                None => Ok(None),
                Some(at) => match units::nanos_of_micros(at) {
                    Some(nanos) => Ok(Some(nanos)),
                    None if lenient => Ok(None),
                    None => Err(cannot_cast(&Value::Int(at.into()), from, to)),
                },
            })
        }
        (Timestamp | TimestampTz | TimestampMs, TimestampS | TimestampMs) => {
            let micros = Numbers::<Int64Type>::of(column)?;
            numbers_by_row::<Int64Type>(rows, |row| Ok(micros.get(row).map(|at| units::rounded(at, to))))
        }
        (TimestampS | TimestampMs, Timestamp | TimestampMs | TimestampTz) => Ok(column.clone()),
        (TimestampS | TimestampMs, _) => cast_column(column, &Timestamp, to, lenient),
        (Timestamp | TimestampTz, Date) => {
            let micros = Numbers::<Int64Type>::of(column)?;
            numbers_by_row::<Int32Type>(rows, |row| {
                Ok(micros.get(row).map(|micros| match micros {
                    i64::MAX => calendar::DATE_INFINITY,
                    micros if !calendar::is_finite_timestamp(micros) => -calendar::DATE_INFINITY,
                    micros => micros.div_euclid(MICROS_PER_DAY) as i32,
                }))
            })
        }
        (Timestamp, Time) => {
            let micros = Numbers::<Int64Type>::of(column)?;
            numbers_by_row::<Int64Type>(rows, |row| match micros.get(row) {
                Some(at) if calendar::is_finite_timestamp(at) => Ok(Some(at.rem_euclid(MICROS_PER_DAY))),
                Some(at) if !lenient => Err(cannot_cast(&Value::Int(at.into()), from, to)),
                _ => Ok(None),
            })
        }
        (Blob, Uuid) => uuid::from_blob(column, lenient),
        (Uuid, Blob) => uuid::to_blob(column),
        // In UTC: casts in another zone were made calls that name it before (`plan::zones`).
        (Timestamp, TimestampTz) | (TimestampTz, Timestamp) => Ok(column.clone()),
        (from, to) if is_countable(from) && is_countable(to) => numeric::cast(column, from, to, lenient),
        (List(a), List(b)) => nested::convert_items(column, a, b, &|part, a, b| cast_column(part, a, b, lenient)),
        (Map(k, v), Map(l, w)) => {
            let (from, to) = (DataType::entries(k, v), DataType::entries(l, w));
            cast_column(column, &from, &to, lenient)
        }
        (Struct(a), Struct(b)) => nested::convert_fields(column, a, b, &|part, a, b| cast_column(part, a, b, lenient)),
        _ => {
            let message = format!("Casting {from} to {to} is not supported");
            Err(TaskError::user(ErrorCode::NotSupported, message).into())
        }
    }
}

/// Casts one value.
pub fn cast_value(value: &Value, from: &DataType, to: &DataType) -> Result<Value, TaskError> {
    let column = super::values::column_of(value, from)?;
    Ok(value_at(&cast_column(&column, from, to, false).map_err(|e| e.error)?, to, 0))
}

/// The sentence for a value that its new type cannot hold.
fn cannot_cast(value: &Value, from: &DataType, to: &DataType) -> TaskError {
    let shown = super::format_value(value, from);
    let message = match from {
        DataType::Varchar => format!("Cannot cast '{shown}' to {to}"),
        _ => format!("Cannot cast {from} value {shown} to {to}: out of range"),
    };
    TaskError::user(ErrorCode::InvalidCastArgument, message)
}

/// Numbers and truth values.
fn is_countable(t: &DataType) -> bool {
    t.is_numeric() || *t == DataType::Boolean
}

fn to_text(column: &Column, from: &DataType) -> Result<Column, RowError> {
    texts_by_row(column.len(), |row, text| match value_at(column, from, row) {
        Value::Null => Ok(false),
        value => {
            write_value(text, &value, from);
            Ok(true)
        }
    })
}

fn from_text(column: &Column, to: &DataType, lenient: bool) -> Result<Column, RowError> {
    let texts = Texts::of(column)?;
    let rows = result_length(std::slice::from_ref(column), column.len());
    // What a row is worth: nothing for NULL, and for text that is not of the type nothing or an error.
    let read = |row: usize| texts.get(row);
    let refuse = |text: &str| -> Result<(), TaskError> {
        if lenient { Ok(()) } else { Err(cannot_cast(&Value::Varchar(text.to_string()), &DataType::Varchar, to)) }
    };
    macro_rules! parsed {
        ($type:ty, $parse:expr) => {
            numbers_by_row::<$type>(rows, |row| match read(row) {
                None => Ok(None),
                Some(text) => match $parse(text) {
                    Some(value) => Ok(Some(value)),
                    None => refuse(text).map(|()| None),
                },
            })
        };
    }
    match to {
        DataType::Boolean => {
            for row in 0..rows {
                if let Some(text) = read(row)
                    && parse::parse_boolean(text).is_none()
                {
                    refuse(text).map_err(|error| RowError { row: Some(row), error })?;
                }
            }
            Ok(booleans_by_row(rows, |row| read(row).and_then(parse::parse_boolean)))
        }
        DataType::Float => parsed!(polars::prelude::Float32Type, |text| parse::parse_double(text).map(|v| v as f32)),
        DataType::Double => parsed!(polars::prelude::Float64Type, parse::parse_double),
        DataType::Date => parsed!(Int32Type, parse::parse_date),
        DataType::Time => parsed!(Int64Type, parse::parse_time),
        DataType::Timestamp => parsed!(Int64Type, parse::parse_timestamp),
        DataType::TimestampS | DataType::TimestampMs => {
            parsed!(Int64Type, |text| parse::parse_timestamp(text).map(|at| units::rounded(at, to)))
        }
        DataType::TimestampNs => parsed!(Int64Type, parse::parse_nanoseconds),
        DataType::TimestampTz => parsed!(Int64Type, |text| parse::parse_timestamptz(text, chrono_tz::UTC)),
        DataType::Uuid => parsed!(Int128Type, uuid::parse),
        DataType::Interval => parsed!(Int128Type, |text| parse::parse_interval(text).map(|interval| interval.pack())),
        DataType::Blob => {
            let mut values = Vec::with_capacity(rows);
            for row in 0..rows {
                values.push(match read(row) {
                    None => None,
                    Some(text) => match parse_blob(text) {
                        Some(bytes) => Some(bytes),
                        None => {
                            refuse(text).map_err(|error| RowError { row: Some(row), error })?;
                            None
                        }
                    },
                });
            }
            Ok(polars::prelude::BinaryChunked::from_iter(values).into_column())
        }
        DataType::Decimal { precision, scale } => {
            let limit = 10u128.pow(u32::from(*precision));
            let parse = |text: &str| parse::parse_decimal(text, *scale).filter(|value| value.unsigned_abs() < limit);
            if *precision <= super::typing::MAX_NARROW_PRECISION {
                parsed!(Int64Type, |text| parse(text).map(|value| value as i64))
            } else {
                parsed!(Int128Type, parse)
            }
        }
        to => super::arithmetic::by_integer!(to.physical(), T => {
            parsed!(T, |text| parse::parse_decimal(text, 0).and_then(super::arithmetic::Integer::from_i128))
        }, {
            let message = format!("Casting VARCHAR to {to} is not supported");
            Err(TaskError::user(ErrorCode::NotSupported, message).into())
        }),
    }
}

/// Text with `\xAA` escapes; everything else must be ASCII.
fn parse_blob(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        if first == b'\\' {
            let digits = std::str::from_utf8(after.strip_prefix(b"x")?.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = &after[3..];
        } else {
            bytes.push(Some(first).filter(u8::is_ascii)?);
            rest = after;
        }
    }
    Some(bytes)
}

/// Whether a cast between these types can fail for some value; one that cannot may be evaluated on rows that do not need it.
pub fn cast_can_fail(from: &DataType, to: &DataType) -> bool {
    use DataType::*;
    match (from, to) {
        (from, to) if from == to => false,
        (Null, _) | (_, Varchar) => false,
        (List(from), List(to)) => cast_can_fail(from, to),
        (Struct(from), Struct(to)) => {
            from.len() != to.len() || from.iter().zip(to).any(|((_, f), (_, t))| cast_can_fail(f, t))
        }
        (Map(k, v), Map(l, w)) => cast_can_fail(k, l) || cast_can_fail(v, w),
        (Boolean, to) if to.is_integer() => false,
        (Double, Float) => true,
        (_, Float | Double) if from.is_numeric() || *from == Boolean => false,
        (from, Boolean) if from.is_numeric() => false,
        (_, TimestampNs) => true,
        (from, Date | TimestampTz) if from.is_timestamp() => false,
        (from, to) if from.is_timestamp() && to.is_timestamp() => false,
        (TimestampTz, to) if to.is_timestamp() || *to == Date => false,
        (Uuid, Blob) => false,
        (from, to) => super::typing::implicit_cost(from, to).is_none() || *from == Date,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::functions::{column_of, format_value};

    fn cast(value: Value, from: DataType, to: DataType) -> String {
        match cast_value(&value, &from, &to) {
            Ok(value) => format_value(&value, &to),
            Err(error) => error.message().to_string(),
        }
    }

    const TWO_PLACES: DataType = DataType::Decimal { precision: 10, scale: 2 };

    #[test]
    fn decimals_round_half_away_from_zero_and_floats_to_integers_half_to_even() {
        let decimal = DataType::Decimal { precision: 10, scale: 3 };
        assert_eq!(cast(Value::Int(2345), decimal.clone(), TWO_PLACES), "2.35");
        assert_eq!(cast(Value::Int(-2345), decimal.clone(), TWO_PLACES), "-2.35");
        assert_eq!(cast(Value::Int(2500), decimal.clone(), DataType::Integer), "3");
        assert_eq!(cast(Value::Int(-2500), decimal, DataType::Integer), "-3");
        assert_eq!(cast(Value::Float(2.5), DataType::Double, DataType::Integer), "2");
        assert_eq!(cast(Value::Float(3.5), DataType::Double, DataType::Integer), "4");
        assert_eq!(cast(Value::Float(1.005), DataType::Double, TWO_PLACES), "1.00");
    }

    #[test]
    fn values_that_do_not_fit_say_so() {
        assert_eq!(
            cast(Value::Int(300), DataType::Integer, DataType::TinyInt),
            "Cannot cast INTEGER value 300 to TINYINT: out of range"
        );
        assert_eq!(
            cast(Value::Varchar("abc".into()), DataType::Varchar, DataType::BigInt),
            "Cannot cast 'abc' to BIGINT"
        );
        assert!(cast(Value::Float(f64::NAN), DataType::Double, DataType::Integer).starts_with("Cannot cast"));
        assert!(
            cast(Value::Int(123_456), DataType::Integer, DataType::Decimal { precision: 5, scale: 2 })
                .starts_with("Cannot")
        );
    }

    #[test]
    fn try_cast_gives_null() {
        let column = column_of(&Value::Varchar("abc".into()), &DataType::Varchar).unwrap();
        let cast = cast_column(&column, &DataType::Varchar, &DataType::Integer, true).unwrap();
        assert_eq!(value_at(&cast, &DataType::Integer, 0), Value::Null);
    }

    #[test]
    fn text_and_back_is_the_same_for_dates_and_timestamps() {
        for days in [-1, 0, 19_782, 100_000] {
            let text = cast_value(&Value::Int(days), &DataType::Date, &DataType::Varchar).unwrap();
            assert_eq!(cast_value(&text, &DataType::Varchar, &DataType::Date).unwrap(), Value::Int(days));
            let micros = days * 86_400_000_000 + 12_345_678;
            let text = cast_value(&Value::Int(micros), &DataType::Timestamp, &DataType::Varchar).unwrap();
            assert_eq!(cast_value(&text, &DataType::Varchar, &DataType::Timestamp).unwrap(), Value::Int(micros));
        }
    }
}
