//! Constants and the names of types.

use super::binder::not_supported;
use super::call::scalar;
use super::coerce::cast;
use crate::functions;
use crate::journal::ErrorCode;
use crate::plan::expr::Expr;
use crate::plan::fold::fold_without_clock;
use crate::sql::diagnostic::{Diagnostic, Result, Span};
use crate::sql::suggest::{did_you_mean, similar};
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
        ast::Value::Placeholder(name) => {
            let message = format!("the parameter {name} has no value");
            return Err(Diagnostic::new(ErrorCode::InvalidArguments, message)
                .at(place)
                .hint("PREPARE name AS SELECT ...; and then EXECUTE name(value, ...);"));
        }
        _ => return Err(not_supported("this kind of literal", place)),
    };
    Ok(Expr::literal(value, dtype).at(place))
}

/// `1` is INTEGER, `3000000000` BIGINT, `1.50` DECIMAL(3,2), `1e3` DOUBLE. `-2147483648` is BIGINT, as its digits are without the sign.
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
            n if i32::try_from(n.unsigned_abs()).is_ok() => DataType::Integer,
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
    match unit {
        Some(unit) => {
            let amount: f64 = text.trim().parse().map_err(|_| bad())?;
            let made = units(Expr::literal(Value::Float(amount), DataType::Double).at(place), &unit.to_string())?;
            Ok(fold_without_clock(made).at(place))
        }
        None => {
            let text = Value::Varchar(text.to_string());
            let value = functions::cast_value(&text, &DataType::Varchar, &DataType::Interval).map_err(|_| bad())?;
            Ok(Expr::literal(value, DataType::Interval).at(place))
        }
    }
}

/// `INTERVAL (amount) UNIT`. Of all units only seconds and milliseconds have fractions.
pub(super) fn units(amount: Expr, unit: &str) -> Result<Expr> {
    let place = amount.span;
    let unit = unit.to_lowercase();
    let unit = unit.strip_suffix('s').unwrap_or(&unit);
    let plural = match unit {
        "century" => "centuries".to_string(),
        "millennium" | "millenium" => "millennia".to_string(),
        unit => format!("{unit}s"),
    };
    let fractional = matches!(unit, "second" | "millisecond");
    let amount = if fractional || amount.dtype.is_integer() {
        amount
    } else {
        let whole = scalar("trunc", vec![cast(amount, DataType::Double, false)?], place)?;
        cast(whole, DataType::BigInt, false)?
    };
    scalar(&format!("to_{plural}"), vec![amount], place)
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
    "UUID",
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
        A::Timestamp(digits, TimezoneInfo::None | TimezoneInfo::WithoutTimeZone) => match digits {
            Some(0) => DataType::TimestampS,
            Some(1..=3) => DataType::TimestampMs,
            None | Some(4..=6) => DataType::Timestamp,
            Some(7..=9) => DataType::TimestampNs,
            Some(_) => {
                return Err(
                    Diagnostic::new(ErrorCode::TypeMismatch, "a TIMESTAMP has at most 9 digits of a second").at(place)
                );
            }
        },
        A::Datetime(_) => DataType::Timestamp,
        A::Timestamp(_, TimezoneInfo::WithTimeZone | TimezoneInfo::Tz) => DataType::TimestampTz,
        A::Interval { .. } => DataType::Interval,
        A::Uuid => DataType::Uuid,
        // Arrays of a fixed length are lists here.
        A::Array(
            ArrayElemTypeDef::SquareBracket(item, _)
            | ArrayElemTypeDef::AngleBracket(item)
            | ArrayElemTypeDef::Parenthesis(item)
            | ArrayElemTypeDef::Qualified(item, _),
        ) => DataType::List(Box::new(data_type(item, place)?)),
        A::Struct(fields, _) => {
            let mut bound: Vec<(String, DataType)> = Vec::with_capacity(fields.len());
            for field in fields {
                let name = field.field_name.as_ref().map_or(String::new(), |name| name.value.clone());
                if !name.is_empty() && bound.iter().any(|(other, _)| other.eq_ignore_ascii_case(&name)) {
                    let message = format!("the type STRUCT has two fields \"{name}\"");
                    return Err(Diagnostic::new(ErrorCode::InvalidArguments, message).at(place));
                }
                bound.push((name, data_type(&field.field_type, place)?));
            }
            DataType::Struct(bound)
        }
        A::Map(key, value, _) => DataType::Map(Box::new(data_type(key, place)?), Box::new(data_type(value, place)?)),
        A::Custom(name, parameters) if name.to_string().eq_ignore_ascii_case("map") => {
            let part = |written: &String| {
                crate::functions::parse_type(written).map(Box::new).ok_or_else(|| {
                    Diagnostic::new(ErrorCode::TypeMismatch, format!("there is no type \"{written}\"")).at(place)
                })
            };
            match &parameters[..] {
                [key, value] => DataType::Map(part(key)?, part(value)?),
                _ => {
                    return Err(Diagnostic::new(ErrorCode::TypeMismatch, "MAP takes a type of keys and one of values")
                        .at(place));
                }
            }
        }
        A::JSON | A::JSONB => DataType::Json,
        A::Custom(name, _) => custom(&name.to_string(), place)?,
        A::Enum(..) => {
            return Err(
                not_supported("type ENUM", place).hint("VARCHAR stands for it: texts that repeat are kept short")
            );
        }
        A::Union(_) => {
            return Err(not_supported("type UNION", place).hint("a STRUCT with a field for each kind stands for it"));
        }
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
        "GUID" => DataType::Uuid,
        "TIMESTAMP_S" => DataType::TimestampS,
        "TIMESTAMP_MS" => DataType::TimestampMs,
        "TIMESTAMP_NS" => DataType::TimestampNs,
        "UHUGEINT" | "UINT128" | "TIMETZ" | "BIT" | "BITSTRING" | "JSON" | "VARIANT" | "BIGNUM" => {
            return Err(not_supported(format!("type {name}"), place));
        }
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
