//! Constants and the names of types.

use super::binder::not_supported;
use crate::journal::ErrorCode;
use crate::plan::expr::Expr;
use crate::sql::diagnostic::{Diagnostic, Result, Span};
use crate::sql::suggest::{did_you_mean, similar};
use crate::sql::types::Interval;
use crate::sql::{DataType, Value};
use sqlparser::ast::{self, ArrayElemTypeDef, DateTimeField, ExactNumberInfo, TimezoneInfo};

/// A constant as it was written.
pub(super) fn literal(value: &ast::Value, place: Option<Span>) -> Result<Expr> {
    let (value, dtype) = match value {
        ast::Value::Number(digits, _) => number(digits, place)?,
        ast::Value::SingleQuotedString(text)
        | ast::Value::EscapedStringLiteral(text)
        | ast::Value::UnicodeStringLiteral(text)
        | ast::Value::NationalStringLiteral(text) => (Value::Varchar(text.clone()), DataType::Varchar),
        ast::Value::DollarQuotedString(text) => (Value::Varchar(text.value.clone()), DataType::Varchar),
        ast::Value::Boolean(value) => (Value::Boolean(*value), DataType::Boolean),
        ast::Value::Null => (Value::Null, DataType::Null),
        ast::Value::Placeholder(name) => return Err(not_supported(format!("the parameter {name}"), place)),
        _ => return Err(not_supported("this kind of literal", place)),
    };
    Ok(Expr::literal(value, dtype).at(place))
}

/// `1` is INTEGER, `3000000000` BIGINT, `1.50` DECIMAL(3,2), `1e3` DOUBLE.
fn number(written: &str, place: Option<Span>) -> Result<(Value, DataType)> {
    let digits = written.replace('_', "");
    let bad = || Diagnostic::new(ErrorCode::SyntaxError, format!("\"{written}\" is not a number")).at(place);
    let as_double = || digits.parse().map(|n| (Value::Float(n), DataType::Double)).map_err(|_| bad());
    if digits.contains(['e', 'E']) {
        return as_double();
    }
    let Some((whole, fraction)) = digits.split_once('.') else {
        let Ok(number) = digits.parse::<i128>() else { return as_double() };
        let dtype = match number {
            n if i32::try_from(n).is_ok() => DataType::Integer,
            n if i64::try_from(n).is_ok() => DataType::BigInt,
            _ => DataType::HugeInt,
        };
        return Ok((Value::Int(number), dtype));
    };
    let precision = (whole.len() + fraction.len()).max(1);
    match format!("{whole}{fraction}").parse::<i128>() {
        Ok(unscaled) if precision <= 38 => {
            let dtype = DataType::Decimal { precision: precision as u8, scale: fraction.len() as u8 };
            Ok((Value::Int(unscaled), dtype))
        }
        _ => as_double(),
    }
}

/// `INTERVAL '1' HOUR`, `INTERVAL '1 day 2 hours'`, `INTERVAL '1:30:00'`: the text, with the unit that follows it.
pub(super) fn interval(text: &str, unit: Option<&DateTimeField>, place: Option<Span>) -> Result<Expr> {
    let bad = || {
        Diagnostic::new(ErrorCode::InvalidCastArgument, format!("\"{text}\" is not an interval"))
            .at(place)
            .hint("intervals are written INTERVAL '3' MONTH or INTERVAL '1 day 2 hours'")
    };
    let mut total = Interval::default();
    match unit {
        Some(unit) => add_part(&mut total, text.trim(), &unit.to_string()).ok_or_else(bad)?,
        None => {
            let mut words = split_units(text).into_iter().peekable();
            if words.peek().is_none() {
                return Err(bad());
            }
            while let Some(word) = words.next() {
                if word.contains(':') {
                    add_clock(&mut total, &word).ok_or_else(bad)?;
                    continue;
                }
                let unit = words.next().ok_or_else(bad)?;
                add_part(&mut total, &word, &unit).ok_or_else(bad)?;
            }
        }
    }
    Ok(Expr::literal(Value::Int(total.pack()), DataType::Interval).at(place))
}

/// `1day 2 hours` → `1`, `day`, `2`, `hours`.
fn split_units(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let kind = |c: char| c.is_alphabetic();
    for part in text.split_whitespace() {
        let mut last = None;
        for c in part.chars() {
            match words.last_mut() {
                Some(word) if last == Some(kind(c)) => word.push(c),
                _ => words.push(c.to_string()),
            }
            last = Some(kind(c));
        }
    }
    words
}

const MICROS_PER_DAY: f64 = 86_400e6;

/// Adds a number of units; fractions go to the smaller parts. None for what is no number or unit, or too large.
fn add_part(total: &mut Interval, number: &str, unit: &str) -> Option<()> {
    let number: f64 = number.parse().ok()?;
    let unit = unit.to_lowercase();
    let unit = unit.strip_suffix('s').filter(|u| u.len() > 1).unwrap_or(&unit);
    let (months, days, micros) = match unit {
        "millennium" | "millenium" | "millennia" => (12_000.0, 0.0, 0.0),
        "century" | "centurie" => (1_200.0, 0.0, 0.0),
        "decade" => (120.0, 0.0, 0.0),
        "year" | "yr" | "y" => (12.0, 0.0, 0.0),
        "quarter" => (3.0, 0.0, 0.0),
        "month" | "mon" => (1.0, 0.0, 0.0),
        "week" | "w" => (0.0, 7.0, 0.0),
        "day" | "d" => (0.0, 1.0, 0.0),
        "hour" | "hr" | "h" => (0.0, 0.0, 3_600e6),
        "minute" | "min" | "m" => (0.0, 0.0, 60e6),
        "second" | "sec" | "s" => (0.0, 0.0, 1e6),
        "millisecond" | "msec" | "m_s" | "ms" => (0.0, 0.0, 1e3),
        "microsecond" | "usec" | "us" => (0.0, 0.0, 1.0),
        _ => return None,
    };
    if !number.is_finite() {
        return None;
    }
    let months = number * months;
    let days = number * days + (months - months.trunc()) * 30.0;
    let micros = number * micros + (days - days.trunc()) * MICROS_PER_DAY;
    if months.abs() > 2e9 || days.abs() > 2e9 || micros.abs() > 9e18 {
        return None;
    }
    total.months = total.months.checked_add(months as i32)?;
    total.days = total.days.checked_add(days as i32)?;
    total.micros = total.micros.checked_add(micros.round() as i64)?;
    Some(())
}

/// `1:30`, `-01:30:15.5`.
fn add_clock(total: &mut Interval, text: &str) -> Option<()> {
    let (sign, text) = match text.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, text),
    };
    let parts: Vec<f64> = text.split(':').map(|p| p.parse().ok()).collect::<Option<_>>()?;
    let seconds = match parts[..] {
        [hours, minutes] => hours * 3600.0 + minutes * 60.0,
        [hours, minutes, seconds] => hours * 3600.0 + minutes * 60.0 + seconds,
        _ => return None,
    };
    total.micros = total.micros.checked_add((sign * seconds * 1e6).round() as i64)?;
    Some(())
}

/// Names of types, for "did you mean".
const TYPE_NAMES: &[&str] = &[
    "BOOLEAN",
    "TINYINT",
    "SMALLINT",
    "INTEGER",
    "BIGINT",
    "HUGEINT",
    "UTINYINT",
    "USMALLINT",
    "UINTEGER",
    "UBIGINT",
    "FLOAT",
    "DOUBLE",
    "DECIMAL",
    "VARCHAR",
    "BLOB",
    "DATE",
    "TIME",
    "TIMESTAMP",
    "TIMESTAMPTZ",
    "INTERVAL",
];

/// Our type for a type as it was written.
pub(super) fn data_type(written: &ast::DataType, place: Option<Span>) -> Result<DataType> {
    use ast::DataType as A;
    Ok(match written {
        A::Bool | A::Boolean => DataType::Boolean,
        A::TinyInt(_) => DataType::TinyInt,
        A::SmallInt(_) | A::Int2(_) | A::Int16 => DataType::SmallInt,
        A::Int(_) | A::Integer(_) | A::Int4(_) | A::Int32 | A::MediumInt(_) | A::Signed | A::SignedInteger => {
            DataType::Integer
        }
        A::BigInt(_) | A::Int8(_) | A::Int64 => DataType::BigInt,
        A::HugeInt | A::Int128 => DataType::HugeInt,
        A::UTinyInt | A::UInt8 | A::TinyIntUnsigned(_) => DataType::UTinyInt,
        A::USmallInt | A::UInt16 | A::SmallIntUnsigned(_) => DataType::USmallInt,
        A::UInt32 | A::IntegerUnsigned(_) | A::IntUnsigned(_) => DataType::UInteger,
        A::UBigInt | A::UInt64 | A::BigIntUnsigned(_) => DataType::UBigInt,
        A::Real | A::Float4 | A::Float32 => DataType::Float,
        A::Float(ExactNumberInfo::Precision(bits)) if *bits > 24 => DataType::Double,
        A::Float(_) => DataType::Float,
        A::Double(_) | A::DoublePrecision | A::Float8 | A::Float64 => DataType::Double,
        A::Decimal(info) | A::Numeric(info) | A::Dec(info) => decimal(info, place)?,
        A::Varchar(_)
        | A::Text
        | A::String(_)
        | A::Char(_)
        | A::Character(_)
        | A::CharacterVarying(_)
        | A::CharVarying(_) => DataType::Varchar,
        A::Blob(_) | A::Bytea | A::Varbinary(_) | A::Binary(_) => DataType::Blob,
        A::Date => DataType::Date,
        A::Time(_, TimezoneInfo::None | TimezoneInfo::WithoutTimeZone) => DataType::Time,
        A::Timestamp(_, TimezoneInfo::None | TimezoneInfo::WithoutTimeZone) | A::Datetime(_) => DataType::Timestamp,
        A::Timestamp(_, TimezoneInfo::WithTimeZone | TimezoneInfo::Tz) => DataType::TimestampTz,
        A::Interval { .. } => DataType::Interval,
        A::Array(ArrayElemTypeDef::SquareBracket(item, None)) => DataType::List(Box::new(data_type(item, place)?)),
        A::Custom(name, _) => custom(&name.to_string(), place)?,
        other => return Err(not_supported(format!("type {other}"), place)),
    })
}

fn custom(name: &str, place: Option<Span>) -> Result<DataType> {
    Ok(match name.to_uppercase().as_str() {
        "INT1" => DataType::TinyInt,
        "SHORT" => DataType::SmallInt,
        "LONG" => DataType::BigInt,
        "UINTEGER" => DataType::UInteger,
        "LOGICAL" => DataType::Boolean,
        "TIMESTAMPTZ" | "TIMESTAMP_TZ" => DataType::TimestampTz,
        "TIMESTAMP_US" => DataType::Timestamp,
        "BPCHAR" => DataType::Varchar,
        _ => {
            let error = Diagnostic::new(ErrorCode::TypeMismatch, format!("there is no type \"{name}\"")).at(place);
            return Err(match did_you_mean(&similar(name, TYPE_NAMES.iter().copied())) {
                Some(hint) => error.hint(hint),
                None => error,
            });
        }
    })
}

fn decimal(info: &ExactNumberInfo, place: Option<Span>) -> Result<DataType> {
    let (precision, scale) = match *info {
        ExactNumberInfo::None => (18, 3),
        ExactNumberInfo::Precision(precision) => (precision, 0),
        ExactNumberInfo::PrecisionAndScale(precision, scale) => (precision, scale),
    };
    match (u8::try_from(precision), u8::try_from(scale)) {
        (Ok(precision @ 1..=38), Ok(scale)) if scale <= precision => Ok(DataType::Decimal { precision, scale }),
        _ => Err(Diagnostic::new(ErrorCode::TypeMismatch, format!("DECIMAL({precision},{scale}) is not a type"))
            .at(place)
            .hint("a DECIMAL has 1 to 38 digits, of which at most all stand behind the point")),
    }
}
