//! How far two dates are apart: `age`, `date_sub`, and the buckets of `time_bucket`.

use super::RowError;
use super::calendar::{
    Civil, DATE_INFINITY, MICROS_PER_DAY, MICROS_PER_HOUR, MICROS_PER_MINUTE, MICROS_PER_SECOND, add_interval,
    civil_from_days, days_from_civil, is_finite_timestamp, month_length, negated,
};
use super::columns::{Numbers, Rows, Texts, numbers_by_row, out_of_range, result_length};
use super::dateparts::{Part, part_of_text};
use super::datetime::{checked_date, timestamp_at};
use crate::journal::{ErrorCode, TaskError};
use crate::sql::DataType;
use crate::sql::types::Interval;
use polars::prelude::{Column, Int32Type, Int64Type, Int128Type};

/// Dates, times or timestamps, all as microseconds.
pub(super) enum Points {
    Days(Numbers<Int32Type>),
    Micros(Numbers<Int64Type>),
}

impl Points {
    pub(super) fn of(column: &Column, dtype: &DataType) -> Result<Points, TaskError> {
        Ok(match dtype {
            DataType::Date => Points::Days(Numbers::of(column)?),
            _ => Points::Micros(Numbers::of(column)?),
        })
    }

    /// Infinite dates are infinite timestamps; days beyond the timestamps are an error.
    pub(super) fn get(&self, row: usize) -> Result<Option<i64>, TaskError> {
        match self {
            Points::Micros(micros) => Ok(micros.get(row)),
            Points::Days(days) => match days.get(row) {
                Some(day) => timestamp_at(day, 0).map(Some).ok_or_else(|| out_of_range("Timestamp out of range")),
                None => Ok(None),
            },
        }
    }
}

/// The distance in calendar terms: full months, then days, then time, as a person would count them (PostgreSQL's rule: what is
/// missing in days is borrowed from the month of the earlier date).
fn calendar_distance(later: i64, earlier: i64) -> Interval {
    if later < earlier {
        let opposite = borrowed(earlier, later, earlier_month(later));
        return negated(opposite).unwrap_or_default();
    }
    borrowed(later, earlier, earlier_month(earlier))
}

/// The length of the month that a timestamp is in.
fn earlier_month(micros: i64) -> i64 {
    let date = civil_from_days(micros.div_euclid(MICROS_PER_DAY));
    month_length(date.year, date.month)
}

fn borrowed(later: i64, earlier: i64, month_days: i64) -> Interval {
    let (from, to) =
        (civil_from_days(earlier.div_euclid(MICROS_PER_DAY)), civil_from_days(later.div_euclid(MICROS_PER_DAY)));
    let mut micros = later.rem_euclid(MICROS_PER_DAY) - earlier.rem_euclid(MICROS_PER_DAY);
    let mut days = to.day - from.day;
    let mut months = (to.year - from.year) * 12 + to.month - from.month;
    if micros < 0 {
        micros += MICROS_PER_DAY;
        days -= 1;
    }
    while days < 0 {
        days += month_days;
        months -= 1;
    }
    Interval { months: months as i32, days: days as i32, micros }
}

/// `age(later, earlier)`: NULL if one is infinite.
pub(super) fn age(args: &[Column], types: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    let (later, earlier) = (Points::of(&args[0], &types[0])?, Points::of(&args[1], &types[1])?);
    numbers_by_row::<Int128Type>(result_length(args, rows), |row| {
        let finite =
            later.get(row)?.zip(earlier.get(row)?).filter(|(a, b)| is_finite_timestamp(*a) && is_finite_timestamp(*b));
        Ok(finite.map(|(later, earlier)| calendar_distance(later, earlier).pack()))
    })
}

/// Full months between two timestamps: the last day of a month counts as the same day of a longer one.
fn full_months(from: i64, to: i64) -> i64 {
    if from > to {
        return -full_months(to, from);
    }
    let (start, end) =
        (civil_from_days(from.div_euclid(MICROS_PER_DAY)), civil_from_days(to.div_euclid(MICROS_PER_DAY)));
    let (start_time, end_time) = (from.rem_euclid(MICROS_PER_DAY), to.rem_euclid(MICROS_PER_DAY));
    let last = month_length(end.year, end.month);
    let mut from = from;
    if end.day == last && (start.day > last || (start.day == last && start_time < end_time)) {
        from = days_from_civil(Civil { day: last, ..start }) * MICROS_PER_DAY + start_time;
    }
    calendar_distance(to, from).months.into()
}

/// `date_sub(part, from, to)`: how many full parts fit between.
pub(super) fn full_parts(args: &[Column], types: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    let names = Texts::of(&args[0])?;
    let (from, to) = (Points::of(&args[1], &types[1])?, Points::of(&args[2], &types[2])?);
    numbers_by_row::<Int64Type>(result_length(args, rows), |row| {
        let Some(name) = names.get(row) else { return Ok(None) };
        let part = part_of_text(name)?;
        let Some((from, to)) = from.get(row)?.zip(to.get(row)?) else { return Ok(None) };
        if !is_finite_timestamp(from) || !is_finite_timestamp(to) {
            return Ok(None);
        }
        let micros = || to.checked_sub(from).ok_or_else(|| out_of_range("Timestamp out of range"));
        let months = || full_months(from, to);
        Ok(Some(match part {
            Part::Nanosecond => micros()?.checked_mul(1000).ok_or_else(|| out_of_range("Timestamp out of range"))?,
            Part::Microsecond => micros()?,
            Part::Millisecond => micros()? / 1000,
            Part::Second => micros()? / MICROS_PER_SECOND,
            Part::Minute => micros()? / MICROS_PER_MINUTE,
            Part::Hour | Part::Timezone | Part::TimezoneHour | Part::TimezoneMinute => micros()? / MICROS_PER_HOUR,
            Part::Day | Part::DayOfWeek | Part::IsoDayOfWeek | Part::DayOfYear => micros()? / MICROS_PER_DAY,
            Part::Week | Part::YearWeek => micros()? / (7 * MICROS_PER_DAY),
            Part::Month => months(),
            Part::Quarter => months() / 3,
            Part::Year | Part::IsoYear | Part::Era => months() / 12,
            Part::Decade => months() / 120,
            Part::Century => months() / 1200,
            Part::Millennium => months() / 12_000,
        }))
    })
}

/// 2000-01-03, a Monday, and 2000-01-01: where buckets begin that nobody gave another beginning.
const FIRST_MONDAY: i64 = 10_959 * MICROS_PER_DAY;
const YEAR_2000: i64 = 10_957 * MICROS_PER_DAY;

fn bad_width(message: &str) -> TaskError {
    TaskError::user(ErrorCode::InvalidArguments, message.to_string())
}

/// The beginning of the bucket of `width` that a timestamp is in.
fn bucket(width: Interval, at: i64, origin: Option<i64>) -> Result<i64, TaskError> {
    let outside = || out_of_range("Timestamp out of range");
    if width.months != 0 {
        if width.days != 0 || width.micros != 0 {
            return Err(bad_width("A bucket of months cannot have days or hours, too"));
        }
        if width.months < 0 {
            return Err(bad_width("The width of a bucket must be greater than 0"));
        }
        let month = |micros: i64| {
            let date = civil_from_days(micros.div_euclid(MICROS_PER_DAY));
            date.year * 12 + date.month - 1
        };
        let first = month(origin.unwrap_or(YEAR_2000));
        let width = i64::from(width.months);
        let month = first + (month(at) - first).div_euclid(width) * width;
        let start = Civil { year: month.div_euclid(12), month: month.rem_euclid(12) + 1, day: 1 };
        return days_from_civil(start).checked_mul(MICROS_PER_DAY).ok_or_else(outside);
    }
    let micros = i64::from(width.days).checked_mul(MICROS_PER_DAY).and_then(|days| days.checked_add(width.micros));
    let width =
        micros.filter(|width| *width > 0).ok_or_else(|| bad_width("The width of a bucket must be greater than 0"))?;
    let origin = origin.unwrap_or(FIRST_MONDAY);
    let distance = at.checked_sub(origin).ok_or_else(outside)?;
    distance.div_euclid(width).checked_mul(width).and_then(|start| start.checked_add(origin)).ok_or_else(outside)
}

/// `time_bucket(width, x)`, with an offset (INTERVAL) or an origin (of the type of x) as third argument.
pub(super) fn time_bucket(
    args: &[Column],
    types: &[DataType],
    result: &DataType,
    rows: usize,
) -> Result<Column, RowError> {
    let widths = Numbers::<Int128Type>::of(&args[0])?;
    let points = Points::of(&args[1], &types[1])?;
    let length = result_length(args, rows);
    let shifts = match types.get(2) {
        Some(DataType::Interval) => Some(Numbers::<Int128Type>::of(&args[2])?),
        _ => None,
    };
    let origins = match types.get(2) {
        Some(t) if *t != DataType::Interval => Some(Points::of(&args[2], t)?),
        _ => None,
    };
    let outside = || out_of_range("Timestamp out of range");
    let start = |row: usize| -> Result<Option<i64>, TaskError> {
        let Some((width, at)) = widths.get(row).zip(points.get(row)?) else { return Ok(None) };
        let width = Interval::unpack(width);
        if *result == DataType::Time {
            return bucket(width, at, Some(0)).map(Some);
        }
        if !is_finite_timestamp(at) {
            return Ok(Some(at));
        }
        match (&shifts, &origins) {
            (Some(shifts), _) => {
                let Some(shift) = shifts.get(row).map(Interval::unpack) else { return Ok(None) };
                let back = negated(shift).and_then(|back| add_interval(at, back)).ok_or_else(outside)?;
                add_interval(bucket(width, back, None)?, shift).map(Some).ok_or_else(outside)
            }
            (_, Some(origins)) => match origins.get(row)? {
                Some(origin) if is_finite_timestamp(origin) => bucket(width, at, Some(origin)).map(Some),
                _ => Ok(None),
            },
            _ => bucket(width, at, None).map(Some),
        }
    };
    if *result == DataType::Date {
        return numbers_by_row::<Int32Type>(length, |row| match start(row)? {
            Some(micros) if !is_finite_timestamp(micros) => {
                Ok(Some(if micros > 0 { DATE_INFINITY } else { -DATE_INFINITY }))
            }
            Some(micros) => checked_date(micros.div_euclid(MICROS_PER_DAY)).map(Some),
            None => Ok(None),
        });
    }
    numbers_by_row::<Int64Type>(length, start)
}

/// `normalized_interval(interval)`.
pub(super) fn normalized(args: &[Column], _: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    let intervals = Numbers::<Int128Type>::of(&args[0])?;
    numbers_by_row::<Int128Type>(result_length(args, rows), |row| {
        let Some(span) = intervals.get(row).map(Interval::unpack) else { return Ok(None) };
        let days = i64::from(span.days) + span.micros.div_euclid(MICROS_PER_DAY);
        let months = i64::from(span.months) + days.div_euclid(30);
        let months = i32::try_from(months).map_err(|_| out_of_range("Interval out of range"))?;
        let (days, micros) = (days.rem_euclid(30) as i32, span.micros.rem_euclid(MICROS_PER_DAY));
        Ok(Some(Interval { months, days, micros }.pack()))
    })
}
