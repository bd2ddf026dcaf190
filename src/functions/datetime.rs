//! Dates, times, timestamps and intervals: arithmetic on them.

use super::calendar::{
    MICROS_PER_DAY, MICROS_PER_HOUR, MICROS_PER_MINUTE, add_interval, checked_timestamp, is_finite_date,
    is_finite_timestamp, negated,
};
use super::columns::{Numbers, Rows, numbers_by_row, out_of_range, result_length};
use super::{RowError, Signature, zones};
use crate::journal::TaskError;
use crate::sql::DataType;
use crate::sql::types::Interval;
use polars::prelude::{Column, Float64Type, Int32Type, Int64Type, Int128Type};

fn timestamp_out_of_range() -> TaskError {
    out_of_range("Timestamp out of range")
}

fn interval_out_of_range() -> TaskError {
    out_of_range("Interval out of range")
}

/// The days that DATE holds: 5877642 BC to 5881580 AD.
const DATE_RANGE: std::ops::RangeInclusive<i64> = -2_147_483_646..=2_147_483_646;

/// A day number as a DATE.
pub(super) fn checked_date(days: i64) -> Result<i32, TaskError> {
    if DATE_RANGE.contains(&days) { Ok(days as i32) } else { Err(out_of_range("Date out of range")) }
}

/// `+` with a date, time, timestamp or interval on at least one side.
pub(super) fn add(args: &[Column], types: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    use DataType::*;
    let (a, b) = (&args[0], &args[1]);
    let length = result_length(args, rows);
    match (&types[0], &types[1]) {
        (Date, Integer) => add_days(a, b, 1, length),
        (Integer, Date) => add_days(b, a, 1, length),
        (Interval, Interval) => combine_intervals(a, b, 1, length),
        (Time, Interval) => shift_time(a, b, 1, length),
        (Interval, Time) => shift_time(b, a, 1, length),
        (x @ (Timestamp | TimestampTz), Interval) => shift_timestamp(a, b, x, false, length),
        (Interval, x @ (Timestamp | TimestampTz)) => shift_timestamp(b, a, x, false, length),
        (TimestampNs, Interval) => shift_nanoseconds(a, b, false, length),
        (Interval, TimestampNs) => shift_nanoseconds(b, a, false, length),
        (Date, Time) => date_at_time(a, b, length),
        (Time, Date) => date_at_time(b, a, length),
        (x, y) => Err(TaskError::bug(format!("{x} + {y}")).into()),
    }
}

/// `-` with a date, time, timestamp or interval on at least one side.
pub(super) fn subtract(args: &[Column], types: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    use DataType::*;
    let (a, b) = (&args[0], &args[1]);
    let length = result_length(args, rows);
    match (&types[0], &types[1]) {
        (Date, Integer) => add_days(a, b, -1, length),
        (Date, Date) => {
            let (a, b) = (Numbers::<Int32Type>::of(a)?, Numbers::<Int32Type>::of(b)?);
            numbers_by_row::<Int64Type>(length, |row| {
                Ok(a.get(row).zip(b.get(row)).map(|(x, y)| i64::from(x) - i64::from(y)))
            })
        }
        (Timestamp | TimestampTz, Timestamp | TimestampTz) => {
            let (a, b) = (Numbers::<Int64Type>::of(a)?, Numbers::<Int64Type>::of(b)?);
            numbers_by_row::<Int128Type>(length, |row| {
                let Some((x, y)) = a.get(row).zip(b.get(row)) else { return Ok(None) };
                if !is_finite_timestamp(x) || !is_finite_timestamp(y) {
                    return Err(out_of_range("Infinite timestamps cannot be subtracted"));
                }
                let micros = x.checked_sub(y).ok_or_else(timestamp_out_of_range)?;
                // Whole days are shown as days.
                let days = (micros / MICROS_PER_DAY) as i32;
                Ok(Some(crate::sql::types::Interval { months: 0, days, micros: micros % MICROS_PER_DAY }.pack()))
            })
        }
        (Interval, Interval) => combine_intervals(a, b, -1, length),
        (Time, Interval) => shift_time(a, b, -1, length),
        (x @ (Timestamp | TimestampTz), Interval) => shift_timestamp(a, b, x, true, length),
        (TimestampNs, Interval) => shift_nanoseconds(a, b, true, length),
        (x, y) => Err(TaskError::bug(format!("{x} - {y}")).into()),
    }
}

fn add_days(dates: &Column, days: &Column, sign: i64, length: usize) -> Result<Column, RowError> {
    let (dates, days) = (Numbers::<Int32Type>::of(dates)?, Numbers::<Int32Type>::of(days)?);
    numbers_by_row::<Int32Type>(length, |row| {
        let Some((date, days)) = dates.get(row).zip(days.get(row)) else { return Ok(None) };
        if !is_finite_date(date) {
            return Ok(Some(date));
        }
        checked_date(i64::from(date) + sign * i64::from(days)).map(Some)
    })
}

fn combine_intervals(a: &Column, b: &Column, sign: i32, length: usize) -> Result<Column, RowError> {
    let (a, b) = (Numbers::<Int128Type>::of(a)?, Numbers::<Int128Type>::of(b)?);
    numbers_by_row::<Int128Type>(length, |row| {
        let Some((x, y)) = a.get(row).zip(b.get(row)) else { return Ok(None) };
        let (x, y) = (Interval::unpack(x), Interval::unpack(y));
        let sum = || {
            Some(Interval {
                months: x.months.checked_add(y.months.checked_mul(sign)?)?,
                days: x.days.checked_add(y.days.checked_mul(sign)?)?,
                micros: x.micros.checked_add(y.micros.checked_mul(sign.into())?)?,
            })
        };
        sum().map(|interval| Some(interval.pack())).ok_or_else(interval_out_of_range)
    })
}

fn shift_time(times: &Column, intervals: &Column, sign: i64, length: usize) -> Result<Column, RowError> {
    let (times, intervals) = (Numbers::<Int64Type>::of(times)?, Numbers::<Int128Type>::of(intervals)?);
    numbers_by_row::<Int64Type>(length, |row| {
        let Some((time, interval)) = times.get(row).zip(intervals.get(row)) else { return Ok(None) };
        // Time goes round the clock; days and months do not move it.
        let micros = Interval::unpack(interval).micros % MICROS_PER_DAY;
        Ok(Some((time + sign * micros).rem_euclid(MICROS_PER_DAY)))
    })
}

/// In another zone than UTC `timestamptz_add` stands for it (`plan::zones`).
fn shift_timestamp(
    timestamps: &Column,
    intervals: &Column,
    t: &DataType,
    back: bool,
    length: usize,
) -> Result<Column, RowError> {
    let (timestamps, intervals) = (Numbers::<Int64Type>::of(timestamps)?, Numbers::<Int128Type>::of(intervals)?);
    numbers_by_row::<Int64Type>(length, |row| {
        let Some((timestamp, interval)) = timestamps.get(row).zip(intervals.get(row)) else { return Ok(None) };
        let interval = Interval::unpack(interval);
        let interval = if back { negated(interval).ok_or_else(interval_out_of_range)? } else { interval };
        let moved = match t {
            DataType::TimestampTz => zones::moved(timestamp, interval, chrono_tz::UTC),
            _ => add_interval(timestamp, interval),
        };
        moved.map(Some).ok_or_else(timestamp_out_of_range)
    })
}

/// As [`shift_timestamp`], of nanoseconds: an interval has whole microseconds.
fn shift_nanoseconds(timestamps: &Column, intervals: &Column, back: bool, length: usize) -> Result<Column, RowError> {
    let (timestamps, intervals) = (Numbers::<Int64Type>::of(timestamps)?, Numbers::<Int128Type>::of(intervals)?);
    numbers_by_row::<Int64Type>(length, |row| {
        let Some((nanos, interval)) = timestamps.get(row).zip(intervals.get(row)) else { return Ok(None) };
        if !is_finite_timestamp(nanos) {
            return Ok(Some(nanos));
        }
        let interval = Interval::unpack(interval);
        let interval = if back { negated(interval).ok_or_else(interval_out_of_range)? } else { interval };
        let shifted = add_interval(nanos.div_euclid(1000), interval).and_then(|micros| micros.checked_mul(1000));
        let shifted = shifted.and_then(|shifted| shifted.checked_add(nanos.rem_euclid(1000)));
        shifted.map(Some).ok_or_else(timestamp_out_of_range)
    })
}

fn date_at_time(dates: &Column, times: &Column, length: usize) -> Result<Column, RowError> {
    let (dates, times) = (Numbers::<Int32Type>::of(dates)?, Numbers::<Int64Type>::of(times)?);
    numbers_by_row::<Int64Type>(length, |row| {
        let Some((date, time)) = dates.get(row).zip(times.get(row)) else { return Ok(None) };
        timestamp_at(date, time).map(Some).ok_or_else(timestamp_out_of_range)
    })
}

/// The timestamp of a day and the time in it; the infinite days have infinite timestamps. None if it is out of range.
pub(super) fn timestamp_at(date: i32, time: i64) -> Option<i64> {
    if !is_finite_date(date) {
        return Some(if date > 0 { i64::MAX } else { -i64::MAX });
    }
    i64::from(date).checked_mul(MICROS_PER_DAY)?.checked_add(time).and_then(checked_timestamp)
}

/// `interval * n`, from either side; `n` is BIGINT or DOUBLE.
pub(super) fn scale_interval(args: &[Column], types: &[DataType], rows: usize) -> Result<Column, RowError> {
    let length = result_length(args, rows);
    let (interval, factor) = if types[0] == DataType::Interval { (0, 1) } else { (1, 0) };
    let intervals = Numbers::<Int128Type>::of(&args[interval])?;
    if types[factor] == DataType::Double {
        let factors = Numbers::<Float64Type>::of(&args[factor])?;
        return numbers_by_row::<Int128Type>(length, |row| {
            let Some((interval, factor)) = intervals.get(row).zip(factors.get(row)) else { return Ok(None) };
            scaled(Interval::unpack(interval), |part| part * factor).map(|scaled| Some(scaled.pack()))
        });
    }
    let factors = Numbers::<Int64Type>::of(&args[factor])?;
    numbers_by_row::<Int128Type>(length, |row| {
        let Some((interval, factor)) = intervals.get(row).zip(factors.get(row)) else { return Ok(None) };
        let interval = Interval::unpack(interval);
        let multiple = || {
            Some(Interval {
                months: i32::try_from(i64::from(interval.months).checked_mul(factor)?).ok()?,
                days: i32::try_from(i64::from(interval.days).checked_mul(factor)?).ok()?,
                micros: interval.micros.checked_mul(factor)?,
            })
        };
        multiple().map(|interval| Some(interval.pack())).ok_or_else(interval_out_of_range)
    })
}

/// `interval / n`: NULL for 0, as in DuckDB.
pub(super) fn divide_interval(args: &[Column], rows: usize) -> Result<Column, RowError> {
    let (intervals, divisors) = (Numbers::<Int128Type>::of(&args[0])?, Numbers::<Float64Type>::of(&args[1])?);
    numbers_by_row::<Int128Type>(result_length(args, rows), |row| match intervals.get(row).zip(divisors.get(row)) {
        Some((interval, divisor)) if divisor != 0.0 => {
            scaled(Interval::unpack(interval), |part| part / divisor).map(|scaled| Some(scaled.pack()))
        }
        _ => Ok(None),
    })
}

/// A multiple or part that need not be whole, each field by itself: what is left of a month becomes days (30 each), what is
/// left of a day becomes time. What is carried has six digits. Source: PostgreSQL's interval_mul and interval_div.
fn scaled(interval: Interval, by: impl Fn(f64) -> f64) -> Result<Interval, TaskError> {
    const SECONDS_PER_DAY: f64 = 86_400.0;
    let six_digits = |value: f64| (value * 1e6).round_ties_even() / 1e6;
    let (months, days) = (by(interval.months.into()), by(interval.days.into()));
    let days_of_months = six_digits(months.fract() * 30.0);
    let seconds = six_digits((days.fract() + days_of_months.fract()) * SECONDS_PER_DAY);
    let whole_days = (seconds / SECONDS_PER_DAY).trunc();
    let seconds = seconds - whole_days * SECONDS_PER_DAY;
    let days = days.trunc() + whole_days + days_of_months.trunc();
    let micros = (by(interval.micros as f64) + seconds * 1e6).round_ties_even();
    let within = |value: f64, limit: f64| value.is_finite() && value.abs() < limit;
    if !within(months, 2e9) || !within(days, 2e9) || !within(micros, 9e18) {
        return Err(interval_out_of_range());
    }
    Ok(Interval { months: months as i32, days: days as i32, micros: micros as i64 })
}

/// `-interval`.
pub(super) fn negate_interval(args: &[Column], rows: usize) -> Result<Column, RowError> {
    let intervals = Numbers::<Int128Type>::of(&args[0])?;
    numbers_by_row::<Int128Type>(result_length(args, rows), |row| {
        let Some(interval) = intervals.get(row) else { return Ok(None) };
        negated(Interval::unpack(interval)).map(|interval| Some(interval.pack())).ok_or_else(interval_out_of_range)
    })
}

/// `date_add(date, interval)`: as `date + interval`.
pub(super) fn date_add_typing(args: &[DataType]) -> Option<Signature> {
    let signature = super::typing::addition(args)?;
    let is_moment = |t: &DataType| t.is_temporal() || *t == DataType::Interval;
    let adds = |t: &DataType| matches!(t, DataType::Interval | DataType::Time | DataType::Integer);
    (is_moment(&signature.args[0]) && signature.args.get(1).is_some_and(adds)).then_some(signature)
}

/// Declares functions that make an interval of a whole number of units.
macro_rules! whole_units {
    ($($(#[$doc:meta])* $name:ident($type:ty) = $f:expr;)*) => {$(
        $(#[$doc])*
        pub(super) fn $name(args: &[Column], _: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
            let counts = Numbers::<$type>::of(&args[0])?;
            numbers_by_row::<Int128Type>(result_length(args, rows), |row| {
                let Some(count) = counts.get(row) else { return Ok(None) };
                $f(count).map(|interval: Interval| Some(interval.pack())).ok_or_else(interval_out_of_range)
            })
        }
    )*};
}

fn of_months(months: Option<i64>) -> Option<Interval> {
    i32::try_from(months?).ok().map(|months| Interval { months, ..Interval::default() })
}

fn of_days(days: Option<i64>) -> Option<Interval> {
    i32::try_from(days?).ok().map(|days| Interval { days, ..Interval::default() })
}

fn of_micros(micros: Option<i64>) -> Option<Interval> {
    micros.map(|micros| Interval { micros, ..Interval::default() })
}

whole_units! {
    /// `to_years(n)`
    to_years(Int64Type) = |n: i64| of_months(n.checked_mul(12));
    /// `to_months(n)`
    to_months(Int64Type) = |n: i64| of_months(Some(n));
    /// `to_weeks(n)`
    to_weeks(Int64Type) = |n: i64| of_days(n.checked_mul(7));
    /// `to_days(n)`
    to_days(Int64Type) = |n: i64| of_days(Some(n));
    /// `to_hours(n)`
    to_hours(Int64Type) = |n: i64| of_micros(n.checked_mul(MICROS_PER_HOUR));
    /// `to_minutes(n)`
    to_minutes(Int64Type) = |n: i64| of_micros(n.checked_mul(MICROS_PER_MINUTE));
    /// `to_milliseconds(n)`
    to_milliseconds(Float64Type) = |n: f64| {
        let micros = (n * 1e3).round();
        of_micros((micros.abs() < 9.2e18).then_some(micros as i64))
    };
    /// `to_microseconds(n)`
    to_microseconds(Int64Type) = |n: i64| of_micros(Some(n));
    /// `to_quarters(n)`
    to_quarters(Int64Type) = |n: i64| of_months(n.checked_mul(3));
    /// `to_decades(n)`
    to_decades(Int64Type) = |n: i64| of_months(n.checked_mul(120));
    /// `to_centuries(n)`
    to_centuries(Int64Type) = |n: i64| of_months(n.checked_mul(1200));
    /// `to_millennia(n)`
    to_millennia(Int64Type) = |n: i64| of_months(n.checked_mul(12_000));
    /// `to_seconds(n)`
    to_seconds(Float64Type) = |n: f64| {
        let micros = (n * 1e6).round();
        of_micros((micros.abs() < 9.2e18).then_some(micros as i64))
    };
}
