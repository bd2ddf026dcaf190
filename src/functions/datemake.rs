//! Dates, times and timestamps made of numbers, and as numbers.

use super::RowError;
use super::calendar::{
    Civil, MICROS_PER_DAY, MICROS_PER_HOUR, MICROS_PER_MINUTE, checked_timestamp, days_from_civil, is_finite_date,
    is_finite_timestamp, month_length,
};
use super::columns::{Numbers, Rows, booleans_by_row, numbers_by_row, out_of_range, result_length};
use super::datespan::Points;
use crate::journal::TaskError;
use crate::sql::DataType;
use crate::sql::types::Interval;
use polars::prelude::{Column, Float64Type, Int32Type, Int64Type, Int128Type};

/// Days since 1970 of a year, month and day.
fn day_number(year: i64, month: i64, day: i64) -> Result<i64, TaskError> {
    let valid = (-5_877_641..=5_881_580).contains(&year)
        && (1..=12).contains(&month)
        && day >= 1
        && day <= month_length(year, month);
    if !valid {
        return Err(out_of_range(format!("Date out of range: {year}-{month}-{day}")));
    }
    Ok(days_from_civil(Civil { year, month, day }))
}

/// Microseconds since midnight of an hour, minute and second.
fn time_of_day(hour: i64, minute: i64, second: f64) -> Result<i64, TaskError> {
    let micros = (second * 1e6).round();
    let valid = (0..24).contains(&hour) && (0..60).contains(&minute) && (0.0..60e6).contains(&micros);
    // The last moment of a day may be written as 24:00:00.
    let end_of_day = hour == 24 && minute == 0 && micros == 0.0;
    if !(valid || end_of_day) {
        return Err(out_of_range(format!("Time out of range: {hour}:{minute}:{second}")));
    }
    Ok(hour * MICROS_PER_HOUR + minute * MICROS_PER_MINUTE + micros as i64)
}

fn whole(args: &[Column]) -> Result<Vec<Numbers<Int64Type>>, TaskError> {
    args.iter().map(Numbers::<Int64Type>::of).collect()
}

/// The values of all columns in a row; None if one is NULL.
fn row_of<const N: usize>(columns: &[Numbers<Int64Type>], row: usize) -> Option<[i64; N]> {
    let values: Option<Vec<i64>> = columns.iter().map(|column| column.get(row)).collect();
    values?.try_into().ok()
}

/// `make_date(year, month, day)`, `make_date(days)`.
pub(super) fn make_date(args: &[Column], _: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    let length = result_length(args, rows);
    if let [days] = args {
        let days = Numbers::<Int32Type>::of(days)?;
        return numbers_by_row::<Int32Type>(length, |row| Ok(days.get(row)));
    }
    let parts = whole(args)?;
    numbers_by_row::<Int32Type>(length, |row| {
        let Some([year, month, day]) = row_of(&parts, row) else { return Ok(None) };
        super::datetime::checked_date(day_number(year, month, day)?).map(Some)
    })
}

/// `make_time(hour, minute, second)`.
pub(super) fn make_time(args: &[Column], _: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    let (parts, seconds) = (whole(&args[..2])?, Numbers::<Float64Type>::of(&args[2])?);
    numbers_by_row::<Int64Type>(result_length(args, rows), |row| {
        let Some(([hour, minute], second)) = row_of(&parts, row).zip(seconds.get(row)) else { return Ok(None) };
        time_of_day(hour, minute, second).map(Some)
    })
}

/// `make_timestamp(year, month, day, hour, minute, second)`, `make_timestamp(microseconds)`.
pub(super) fn make_timestamp(args: &[Column], _: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    let length = result_length(args, rows);
    let outside = || out_of_range("Timestamp out of range");
    if let [micros] = args {
        let micros = Numbers::<Int64Type>::of(micros)?;
        return numbers_by_row::<Int64Type>(length, |row| match micros.get(row) {
            Some(micros) => checked_timestamp(micros).map(Some).ok_or_else(outside),
            None => Ok(None),
        });
    }
    let (parts, seconds) = (whole(&args[..5])?, Numbers::<Float64Type>::of(&args[5])?);
    numbers_by_row::<Int64Type>(length, |row| {
        let Some(([year, month, day, hour, minute], second)) = row_of(&parts, row).zip(seconds.get(row)) else {
            return Ok(None);
        };
        let midnight = day_number(year, month, day)?.checked_mul(MICROS_PER_DAY).ok_or_else(outside)?;
        let time = time_of_day(hour, minute, second)?;
        midnight.checked_add(time).and_then(checked_timestamp).map(Some).ok_or_else(outside)
    })
}

/// `epoch_ms(n)`, `make_timestamp_ms(n)`: milliseconds since 1970 as a timestamp.
pub(super) fn from_milliseconds(
    args: &[Column],
    _: &[DataType],
    _: &DataType,
    rows: usize,
) -> Result<Column, RowError> {
    let millis = Numbers::<Int64Type>::of(&args[0])?;
    numbers_by_row::<Int64Type>(result_length(args, rows), |row| {
        let Some(millis) = millis.get(row) else { return Ok(None) };
        let micros = millis.checked_mul(1000).and_then(checked_timestamp);
        micros.map(Some).ok_or_else(|| out_of_range("Timestamp out of range"))
    })
}

/// `to_timestamp(seconds)`: a point in time.
pub(super) fn from_seconds(args: &[Column], _: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    let seconds = Numbers::<Float64Type>::of(&args[0])?;
    numbers_by_row::<Int64Type>(result_length(args, rows), |row| {
        let Some(seconds) = seconds.get(row) else { return Ok(None) };
        let micros = (seconds * 1e6).round();
        let fits = (micros.abs() < 9.22e18).then_some(micros as i64).and_then(checked_timestamp);
        fits.map(Some).ok_or_else(|| out_of_range("Timestamp out of range"))
    })
}

/// Microseconds of dates, times, timestamps and intervals (a month has 30 days, a year 12 months), as a multiple of a unit.
fn count_of(
    args: &[Column],
    types: &[DataType],
    rows: usize,
    convert: fn(i64) -> Option<i64>,
) -> Result<Column, RowError> {
    let length = result_length(args, rows);
    let outside = || out_of_range("The number of units is out of range");
    if types[0] == DataType::Interval {
        let intervals = Numbers::<Int128Type>::of(&args[0])?;
        return numbers_by_row::<Int64Type>(length, |row| {
            let Some(interval) = intervals.get(row).map(Interval::unpack) else { return Ok(None) };
            let days = i64::from(interval.months) * 30 + i64::from(interval.days);
            let micros = days.checked_mul(MICROS_PER_DAY).and_then(|days| days.checked_add(interval.micros));
            micros.and_then(convert).map(Some).ok_or_else(outside)
        });
    }
    let points = Points::of(&args[0], &types[0])?;
    numbers_by_row::<Int64Type>(length, |row| match points.get(row)? {
        Some(micros) if is_finite_timestamp(micros) => convert(micros).map(Some).ok_or_else(outside),
        _ => Ok(None),
    })
}

/// `epoch_ms(x)`: a point in time is rounded half away from zero, a time of day or an interval is cut; a number is made a timestamp.
pub(super) fn epoch_ms(
    args: &[Column],
    types: &[DataType],
    result: &DataType,
    rows: usize,
) -> Result<Column, RowError> {
    if *result == DataType::Timestamp {
        return from_milliseconds(args, types, result, rows);
    }
    match types[0] {
        DataType::Time | DataType::Interval => count_of(args, types, rows, |micros| Some(micros / 1000)),
        _ => count_of(args, types, rows, |micros| Some(micros / 1000 + micros % 1000 / 500)),
    }
}

/// `epoch_us(x)`.
pub(super) fn epoch_us(args: &[Column], types: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    count_of(args, types, rows, Some)
}

/// `make_timestamp_ns(n)`.
pub(super) fn from_nanoseconds(args: &[Column], _: &[DataType], _: &DataType, _: usize) -> Result<Column, RowError> {
    Ok(args[0].clone())
}

/// `epoch_ns(x)`.
pub(super) fn epoch_ns(args: &[Column], types: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    if types[0] == DataType::TimestampNs {
        return Ok(args[0].clone());
    }
    count_of(args, types, rows, |micros| micros.checked_mul(1000))
}

/// `isfinite(x)` of DOUBLE, dates and timestamps.
pub(super) fn is_finite(args: &[Column], types: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    finite(args, types, rows, true)
}

/// `isinf(x)`, likewise.
pub(super) fn is_infinite(args: &[Column], types: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    finite(args, types, rows, false)
}

fn finite(args: &[Column], types: &[DataType], rows: usize, wanted: bool) -> Result<Column, RowError> {
    let length = result_length(args, rows);
    match types[0] {
        DataType::Date => {
            let days = Numbers::<Int32Type>::of(&args[0])?;
            Ok(booleans_by_row(length, |row| days.get(row).map(|day| is_finite_date(day) == wanted)))
        }
        DataType::Double => {
            let values = Numbers::<Float64Type>::of(&args[0])?;
            let is = |value: f64| if wanted { value.is_finite() } else { value.is_infinite() };
            Ok(booleans_by_row(length, |row| values.get(row).map(is)))
        }
        _ => {
            let micros = Numbers::<Int64Type>::of(&args[0])?;
            Ok(booleans_by_row(length, |row| micros.get(row).map(|at| is_finite_timestamp(at) == wanted)))
        }
    }
}
