//! Dates and times in the forms of ISO 8601.

use super::RowError;
use super::calendar::{
    Civil, MICROS_PER_DAY, MICROS_PER_SECOND, civil_from_days, days_from_civil, is_finite_timestamp, iso_weekday,
    month_length,
};
use super::cast::parse::{parse_time, parse_timestamptz};
use super::columns::{Rows, Texts, numbers_by_row, result_length, texts_by_row};
use super::datespan::Points;
use crate::journal::{ErrorCode, TaskError};
use crate::sql::DataType;
use polars::prelude::{Column, Int32Type, Int64Type};
use std::fmt::Write;

/// `2024-03-15`, `2024-W11-5`, `2024-W11`, `2024-075`: days since 1970.
fn parse_date(text: &str) -> Option<i32> {
    let (year, rest) = text.split_at_checked(4)?;
    let year: i64 = year.parse().ok()?;
    let rest = rest.strip_prefix('-')?;
    let number = |text: &str, range: std::ops::RangeInclusive<i64>| {
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse().ok().filter(|value| digits && range.contains(value))
    };
    let days = if let Some(week) = rest.strip_prefix('W') {
        let (week, day) = week.split_once('-').unwrap_or((week, "1"));
        let january_4 = days_from_civil(Civil { year, month: 1, day: 4 });
        january_4 - iso_weekday(january_4) + number(day, 1..=7)? + (number(week, 1..=53)? - 1) * 7
    } else if let Some((month, day)) = rest.split_once('-') {
        let month = number(month, 1..=12)?;
        days_from_civil(Civil { year, month, day: number(day, 1..=month_length(year, month))? })
    } else {
        days_from_civil(Civil { year, month: 1, day: 1 }) + number(rest, 1..=366)? - 1
    };
    i32::try_from(days).ok()
}

/// A date and, behind `T`, a time with or without a zone: microseconds since 1970 UTC.
fn parse_moment(text: &str) -> Option<i64> {
    let (date, time) = text.split_once('T').unwrap_or((text, ""));
    let midnight = i64::from(parse_date(date)?).checked_mul(MICROS_PER_DAY)?;
    if time.is_empty() {
        return Some(midnight);
    }
    // The time alone decides about its zone, so it is read on the first day.
    parse_time(time)?;
    midnight.checked_add(parse_timestamptz(&format!("1970-01-01 {time}"), chrono_tz::UTC)?)
}

fn refused(text: &str, what: &str) -> TaskError {
    TaskError::user(ErrorCode::InvalidArguments, format!("'{text}' is not an ISO 8601 {what}"))
}

/// `from_iso8601_date(text)`.
pub(super) fn date(args: &[Column], _: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    let texts = Texts::of(&args[0])?;
    numbers_by_row::<Int32Type>(result_length(args, rows), |row| match texts.get(row) {
        Some(text) => parse_date(text.trim()).map(Some).ok_or_else(|| refused(text, "date")),
        None => Ok(None),
    })
}

/// `from_iso8601_timestamp(text)`.
pub(super) fn timestamp(args: &[Column], _: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    let texts = Texts::of(&args[0])?;
    numbers_by_row::<Int64Type>(result_length(args, rows), |row| match texts.get(row) {
        Some(text) => parse_moment(text.trim()).map(Some).ok_or_else(|| refused(text, "timestamp")),
        None => Ok(None),
    })
}

/// `to_iso8601(x)`: a date as `2024-03-15`, a timestamp with milliseconds, one with time zone with `Z`.
pub(super) fn to_text(args: &[Column], types: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    let points = Points::of(&args[0], &types[0])?;
    texts_by_row(result_length(args, rows), |row, out| {
        let Some(micros) = points.get(row)?.filter(|micros| is_finite_timestamp(*micros)) else { return Ok(false) };
        let (days, time) = (micros.div_euclid(MICROS_PER_DAY), micros.rem_euclid(MICROS_PER_DAY));
        let date = civil_from_days(days);
        // Writing to a String cannot fail.
        _ = write!(out, "{:04}-{:02}-{:02}", date.year, date.month, date.day);
        if types[0] != DataType::Date {
            let (seconds, millis) = (time / MICROS_PER_SECOND, time % MICROS_PER_SECOND / 1000);
            let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
            _ = write!(out, "T{hour:02}:{minute:02}:{second:02}.{millis:03}");
        }
        if types[0] == DataType::TimestampTz {
            out.push('Z');
        }
        Ok(true)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_forms_of_a_date_are_one_day() {
        assert_eq!(parse_date("2024-03-15"), Some(19_797));
        assert_eq!(parse_date("2024-W11-5"), Some(19_797));
        assert_eq!(parse_date("2024-075"), Some(19_797));
        assert_eq!(parse_date("2024-3-15x"), None);
        assert_eq!(parse_moment("1970-01-01T01:00:00+01:00"), Some(0));
    }
}
