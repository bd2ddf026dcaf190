//! The text of a value, as DuckDB prints it: what CAST to VARCHAR gives and what every output format shows.

use super::calendar::{
    DATE_INFINITY, MICROS_PER_DAY, MICROS_PER_HOUR, MICROS_PER_MINUTE, MICROS_PER_SECOND, civil_from_days,
    is_finite_timestamp,
};
use super::values::value_at;
use super::zones::to_local;
use crate::sql::types::Interval;
use crate::sql::{DataType, Value};
use polars::prelude::Column;
use std::fmt::Write;

/// The text of a value of type `t`; `NULL` for NULL.
pub fn format_value(value: &Value, t: &DataType) -> String {
    let mut text = String::new();
    write_value(&mut text, value, t);
    text
}

/// The texts of a physical column of type `t`, None where it is NULL.
pub fn format_column(column: &Column, t: &DataType) -> Vec<Option<String>> {
    (0..column.len())
        .map(|row| match value_at(column, t, row) {
            Value::Null => None,
            value => Some(format_value(&value, t)),
        })
        .collect()
}

/// Appends the text of `value`. Writing to a String cannot fail, so results of `write!` are let go in this file.
pub(super) fn write_value(out: &mut String, value: &Value, t: &DataType) {
    match (value, t) {
        (Value::Null, _) => out.push_str("NULL"),
        (Value::Boolean(v), _) => out.push_str(if *v { "true" } else { "false" }),
        (Value::Int(v), t) => write_integer(out, *v, t),
        (Value::Float(v), DataType::Float) => write_float(out, *v, format!("{:e}", *v as f32)),
        (Value::Float(v), _) => write_float(out, *v, format!("{v:e}")),
        (Value::Varchar(v), _) => out.push_str(v),
        (Value::Blob(bytes), _) => {
            for byte in bytes {
                match byte {
                    b'\\' | b'\'' | b'"' => _ = write!(out, "\\x{byte:02X}"),
                    0x20..=0x7e => out.push(char::from(*byte)),
                    _ => _ = write!(out, "\\x{byte:02X}"),
                }
            }
        }
        (Value::List(items), DataType::List(item)) => {
            out.push('[');
            for (i, value) in items.iter().enumerate() {
                if i > 0 {
                    out.push_str(", ");
                }
                write_nested(out, value, item);
            }
            out.push(']');
        }
        (Value::Struct(values), DataType::Struct(fields)) if t.is_tuple() => {
            out.push('(');
            for (i, (value, (_, t))) in values.iter().zip(fields).enumerate() {
                if i > 0 {
                    out.push_str(", ");
                }
                write_nested(out, value, t);
            }
            // One value alone is written with a comma, as no other brackets are.
            out.push_str(if fields.len() == 1 { ",)" } else { ")" });
        }
        (Value::List(entries), DataType::Map(key_type, value_type)) => {
            out.push('{');
            for (i, entry) in entries.iter().enumerate() {
                if i > 0 {
                    out.push_str(", ");
                }
                if let Value::Struct(parts) = entry
                    && let [key, value] = &parts[..]
                {
                    write_nested(out, key, key_type);
                    out.push('=');
                    write_nested(out, value, value_type);
                }
            }
            out.push('}');
        }
        (Value::Struct(values), DataType::Struct(fields)) => {
            out.push('{');
            for (i, (value, (name, t))) in values.iter().zip(fields).enumerate() {
                if i > 0 {
                    out.push_str(", ");
                }
                _ = write!(out, "'{}': ", name.replace('\'', "\\'"));
                write_nested(out, value, t);
            }
            out.push('}');
        }
        (Value::List(_) | Value::Struct(_), _) => _ = write!(out, "{value:?}"),
    }
}

/// A value inside a list or struct: text that could be taken for something else is quoted.
fn write_nested(out: &mut String, value: &Value, t: &DataType) {
    let formatted;
    let text = match value {
        Value::Varchar(text) => text,
        Value::Null | Value::List(_) | Value::Struct(_) => return write_value(out, value, t),
        // A timestamp has colons.
        _ => {
            formatted = format_value(value, t);
            &formatted
        }
    };
    let plain = !text.is_empty()
        && text.trim() == text
        && !text.eq_ignore_ascii_case("null")
        && !text.contains(['\'', '"', '[', ']', '{', '}', '(', ')', ',', ':', '=', '\\']);
    if plain {
        out.push_str(text);
        return;
    }
    out.push('\'');
    for c in text.chars() {
        if matches!(c, '\'' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out.push('\'');
}

fn write_integer(out: &mut String, value: i128, t: &DataType) {
    match t {
        DataType::Decimal { precision, scale } => write_decimal(out, value, *precision, *scale),
        DataType::Date => write_date(out, value as i64),
        DataType::Time => write_time(out, value as i64),
        DataType::Timestamp | DataType::TimestampS | DataType::TimestampMs => write_timestamp(out, value as i64),
        DataType::TimestampNs => write_nanoseconds(out, value as i64),
        DataType::TimestampTz => write_timestamptz(out, value as i64, chrono_tz::UTC),
        DataType::Interval => write_interval(out, Interval::unpack(value)),
        DataType::Uuid => out.push_str(&super::cast::uuid::format(value)),
        _ => _ = write!(out, "{value}"),
    }
}

fn write_decimal(out: &mut String, unscaled: i128, precision: u8, scale: u8) {
    if scale == 0 {
        _ = write!(out, "{unscaled}");
        return;
    }
    let divisor = 10u128.pow(scale.into());
    let magnitude = unscaled.unsigned_abs();
    if unscaled < 0 {
        out.push('-');
    }
    // DECIMAL(1,1) has no digit before the point: DuckDB shows `.5`.
    if precision > scale || magnitude >= divisor {
        _ = write!(out, "{}", magnitude / divisor);
    }
    _ = write!(out, ".{:0width$}", magnitude % divisor, width = usize::from(scale));
}

/// The shortest digits that read back as the same number: `1.0`, `0.0001`, `1e-05`, `1e+16`. `scientific` is Rust's
/// shortest scientific form.
fn write_float(out: &mut String, value: f64, scientific: String) {
    if value.is_nan() {
        return out.push_str("nan");
    }
    if value.is_infinite() {
        return out.push_str(if value > 0.0 { "inf" } else { "-inf" });
    }
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if !(-4..16).contains(&exponent) {
        let sign = if exponent < 0 { '-' } else { '+' };
        _ = write!(out, "{mantissa}e{sign}{:02}", exponent.abs());
        return;
    }
    let (sign, mantissa) = mantissa.strip_prefix('-').map_or(("", mantissa), |rest| ("-", rest));
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    out.push_str(sign);
    if exponent < 0 {
        out.push_str("0.");
        out.extend(std::iter::repeat_n('0', (-exponent - 1) as usize));
        out.push_str(&digits);
        return;
    }
    let whole = exponent as usize + 1;
    if digits.len() <= whole {
        out.push_str(&digits);
        out.extend(std::iter::repeat_n('0', whole - digits.len()));
        out.push_str(".0");
    } else {
        _ = write!(out, "{}.{}", &digits[..whole], &digits[whole..]);
    }
}

fn write_date_part(out: &mut String, days: i64) -> bool {
    let date = civil_from_days(days);
    let before_christ = date.year <= 0;
    let year = if before_christ { 1 - date.year } else { date.year };
    _ = write!(out, "{year:04}-{:02}-{:02}", date.month, date.day);
    before_christ
}

/// Writes `infinity` or `-infinity`; false for what is finite.
fn write_infinity(out: &mut String, finite: bool, positive: bool) -> bool {
    if !finite {
        out.push_str(if positive { "infinity" } else { "-infinity" });
    }
    !finite
}

fn write_date(out: &mut String, days: i64) {
    if write_infinity(out, days.unsigned_abs() != u64::from(DATE_INFINITY.unsigned_abs()), days > 0) {
        return;
    }
    if write_date_part(out, days) {
        out.push_str(" (BC)");
    }
}

/// A timestamp in a time zone, with the distance from UTC there: `2024-07-01 12:00:00+02`.
pub(super) fn write_timestamptz(out: &mut String, micros: i64, zone: chrono_tz::Tz) {
    let local = to_local(micros, zone);
    write_timestamp(out, local);
    if !is_finite_timestamp(micros) {
        return;
    }
    let offset = local.saturating_sub(micros) / MICROS_PER_SECOND;
    let (hours, minutes, seconds) = (offset.abs() / 3600, offset.abs() / 60 % 60, offset.abs() % 60);
    let mut shown = format!("{}{hours:02}", if offset < 0 { '-' } else { '+' });
    if minutes != 0 || seconds != 0 {
        _ = write!(shown, ":{minutes:02}");
    }
    if seconds != 0 {
        _ = write!(shown, ":{seconds:02}");
    }
    out.push_str(&shown);
}

fn write_timestamp(out: &mut String, micros: i64) {
    if write_infinity(out, is_finite_timestamp(micros), micros > 0) {
        return;
    }
    if write_date_part(out, micros.div_euclid(MICROS_PER_DAY)) {
        out.push_str(" (BC)");
    }
    out.push(' ');
    write_time(out, micros.rem_euclid(MICROS_PER_DAY));
}

/// A timestamp with up to nine digits behind the point.
fn write_nanoseconds(out: &mut String, nanos: i64) {
    if !is_finite_timestamp(nanos) {
        return write_timestamp(out, nanos);
    }
    let finer = nanos.rem_euclid(1000);
    let micros = nanos.div_euclid(1000);
    write_timestamp(out, micros);
    if finer != 0 {
        let written = if micros.rem_euclid(MICROS_PER_SECOND) == 0 { "." } else { "" };
        // The zeros at the end of the microseconds are not there yet.
        let digits = format!("{:06}", micros.rem_euclid(MICROS_PER_SECOND));
        let missing = if written.is_empty() { digits.len() - digits.trim_end_matches('0').len() } else { 6 };
        out.push_str(written);
        out.extend(std::iter::repeat_n('0', missing));
        out.push_str(format!("{finer:03}").trim_end_matches('0'));
    }
}

/// `HH:MM:SS[.ffffff]` without trailing zeros; hours may exceed 24 (in intervals).
fn write_time(out: &mut String, micros: i64) {
    let (hours, rest) = (micros / MICROS_PER_HOUR, micros % MICROS_PER_HOUR);
    let (minutes, rest) = (rest / MICROS_PER_MINUTE, rest % MICROS_PER_MINUTE);
    let (seconds, fraction) = (rest / MICROS_PER_SECOND, rest % MICROS_PER_SECOND);
    _ = write!(out, "{hours:02}:{minutes:02}:{seconds:02}");
    if fraction != 0 {
        let digits = format!("{fraction:06}");
        _ = write!(out, ".{}", digits.trim_end_matches('0'));
    }
}

fn write_interval(out: &mut String, interval: Interval) {
    let start = out.len();
    let mut part = |count: i32, unit: &str| {
        if count != 0 {
            let gap = if out.len() > start { " " } else { "" };
            _ = write!(out, "{gap}{count} {unit}{}", if count.abs() == 1 { "" } else { "s" });
        }
    };
    part(interval.months / 12, "year");
    part(interval.months % 12, "month");
    part(interval.days, "day");
    if interval.micros != 0 || out.len() == start {
        if out.len() > start {
            out.push(' ');
        }
        if interval.micros < 0 {
            out.push('-');
        }
        write_time(out, interval.micros.saturating_abs());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_are_shown_as_duckdb_shows_them() {
        for (value, text) in [
            (1.0, "1.0"),
            (1e15, "1000000000000000.0"),
            (1e16, "1e+16"),
            (123456789.123, "123456789.123"),
            (1e-4, "0.0001"),
            (1e-5, "1e-05"),
            (1.234e-5, "1.234e-05"),
            (1e300, "1e+300"),
            (-2.5, "-2.5"),
            (f64::NAN, "nan"),
            (f64::NEG_INFINITY, "-inf"),
        ] {
            assert_eq!(format_value(&Value::Float(value), &DataType::Double), text);
        }
    }

    #[test]
    fn decimals_dates_and_intervals() {
        let decimal = |v, precision, scale| format_value(&Value::Int(v), &DataType::Decimal { precision, scale });
        assert_eq!(decimal(-5, 3, 2), "-0.05");
        assert_eq!(decimal(5, 1, 1), ".5");
        assert_eq!(decimal(150, 4, 2), "1.50");
        assert_eq!(format_value(&Value::Int(-735_599), &DataType::Date), "0045-01-01 (BC)");
        let interval = |months, days, micros| {
            format_value(&Value::Int(Interval { months, days, micros }.pack()), &DataType::Interval)
        };
        assert_eq!(interval(14, 3, 14_706_500_000), "1 year 2 months 3 days 04:05:06.5");
        assert_eq!(interval(1, -1, 0), "1 month -1 day");
        assert_eq!(interval(0, 0, -MICROS_PER_HOUR), "-01:00:00");
        assert_eq!(interval(0, 0, 0), "00:00:00");
        assert_eq!(interval(-13, 0, 0), "-1 year -1 month");
    }

    #[test]
    fn nested_text_is_quoted_only_where_it_must_be() {
        let list = Value::List(vec![
            Value::Varchar("a b".into()),
            Value::Varchar("it's".into()),
            Value::Varchar(String::new()),
            Value::Null,
        ]);
        assert_eq!(format_value(&list, &DataType::List(Box::new(DataType::Varchar))), r"[a b, 'it\'s', '', NULL]");
    }
}
