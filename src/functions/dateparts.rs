//! Parts of dates: taking them out, cutting at them, counting them. What is infinite has no parts: they are NULL.

use super::RowError;
use super::calendar::{
    Civil, MICROS_PER_DAY, MICROS_PER_HOUR, MICROS_PER_MINUTE, MICROS_PER_SECOND, civil_from_days,
    day_of_year as day_in_year, days_from_civil, is_finite_date, is_finite_timestamp, iso_week, iso_weekday,
    month_length,
};
use super::columns::{Numbers, Rows, Texts, numbers_by_row, out_of_range, result_length, texts_by_row};
use super::dateformat::{DAYS, MONTHS};
use super::datetime::timestamp_at;
use crate::journal::{ErrorCode, TaskError};
use crate::sql::DataType;
use crate::sql::types::Interval;
use polars::prelude::{Column, Float64Type, Int32Type, Int64Type, Int128Type};

/// A part of a date that is a whole number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Nanosecond,
    Microsecond,
    Millisecond,
    Second,
    Minute,
    Hour,
    Day,
    Week,
    Month,
    Quarter,
    Year,
    Decade,
    Century,
    Millennium,
    DayOfWeek,
    IsoDayOfWeek,
    DayOfYear,
    IsoYear,
    YearWeek,
    Era,
    /// Of the distance from UTC, in seconds; none is kept with a value.
    Timezone,
    TimezoneHour,
    TimezoneMinute,
}

/// The part of that name, and the function that takes it out.
fn part_named(name: &str) -> Option<(Part, &'static str)> {
    Some(match name.to_ascii_lowercase().as_str() {
        "nanosecond" | "nanoseconds" | "ns" | "nsec" | "nsecs" => (Part::Nanosecond, "nanosecond"),
        "microsecond" | "microseconds" | "us" | "usec" | "usecs" | "usecond" | "useconds" => {
            (Part::Microsecond, "microsecond")
        }
        "millisecond" | "milliseconds" | "ms" | "msec" | "msecs" => (Part::Millisecond, "millisecond"),
        "second" | "seconds" | "s" | "sec" | "secs" => (Part::Second, "second"),
        "minute" | "minutes" | "m" | "min" | "mins" => (Part::Minute, "minute"),
        "hour" | "hours" | "h" | "hr" | "hrs" => (Part::Hour, "hour"),
        "day" | "days" | "d" | "dayofmonth" => (Part::Day, "day"),
        "week" | "weeks" | "w" | "weekofyear" => (Part::Week, "week"),
        "month" | "months" | "mon" | "mons" => (Part::Month, "month"),
        "quarter" | "quarters" => (Part::Quarter, "quarter"),
        "year" | "years" | "y" | "yr" | "yrs" => (Part::Year, "year"),
        "decade" | "decades" | "dec" | "decs" => (Part::Decade, "decade"),
        "century" | "centuries" | "cent" | "c" => (Part::Century, "century"),
        "millennium" | "millennia" | "mil" | "mils" => (Part::Millennium, "millennium"),
        "dow" | "dayofweek" | "weekday" => (Part::DayOfWeek, "dayofweek"),
        "isodow" => (Part::IsoDayOfWeek, "isodow"),
        "doy" | "dayofyear" => (Part::DayOfYear, "dayofyear"),
        "isoyear" => (Part::IsoYear, "isoyear"),
        "yearweek" => (Part::YearWeek, "yearweek"),
        "era" => (Part::Era, "era"),
        "timezone" => (Part::Timezone, "timezone"),
        "timezone_hour" => (Part::TimezoneHour, "timezone_hour"),
        "timezone_minute" => (Part::TimezoneMinute, "timezone_minute"),
        _ => return None,
    })
}

/// The function that `EXTRACT(part FROM ...)` means: `year` for `years`, `epoch` for `epoch`; None if there is no such part.
pub fn part_function(part: &str) -> Option<&'static str> {
    match part.to_ascii_lowercase().as_str() {
        "epoch" => Some("epoch"),
        "julian" => Some("julian"),
        other => part_named(other).map(|(_, function)| function),
    }
}

/// The part of that name, where spans of time are cut or counted: there the epoch is seconds, and a Julian day a day.
pub(super) fn part_of_text(name: &str) -> Result<Part, TaskError> {
    match name.to_ascii_lowercase().as_str() {
        "epoch" => Ok(Part::Second),
        "julian" => Ok(Part::Day),
        _ => part_named(name).map(|(part, _)| part).ok_or_else(|| unknown_part(name)),
    }
}

fn unknown_part(name: &str) -> TaskError {
    TaskError::user(ErrorCode::InvalidArguments, format!("There is no date part \"{name}\""))
}

/// A point in time, whatever type it comes from: day and microseconds within it.
#[derive(Debug, Clone, Copy)]
struct Instant {
    days: i64,
    micros: i64,
}

/// A column of dates, times, timestamps or intervals.
enum Moments {
    Dates(Numbers<Int32Type>),
    Times(Numbers<Int64Type>),
    Timestamps(Numbers<Int64Type>),
    Intervals(Numbers<Int128Type>),
}

/// What a row of [`Moments`] holds.
enum Moment {
    At(Instant),
    Span(Interval),
}

impl Moments {
    fn of(column: &Column, t: &DataType) -> Result<Moments, TaskError> {
        Ok(match t {
            DataType::Date => Moments::Dates(Numbers::of(column)?),
            DataType::Time => Moments::Times(Numbers::of(column)?),
            DataType::Interval => Moments::Intervals(Numbers::of(column)?),
            _ => Moments::Timestamps(Numbers::of(column)?),
        })
    }

    /// The infinite timestamp of a row, None for all that is finite or NULL.
    fn infinite(&self, row: usize) -> Option<i64> {
        match self {
            Moments::Dates(days) => {
                days.get(row).filter(|day| !is_finite_date(*day)).and_then(|day| timestamp_at(day, 0))
            }
            Moments::Timestamps(micros) => micros.get(row).filter(|at| !is_finite_timestamp(*at)),
            Moments::Times(_) | Moments::Intervals(_) => None,
        }
    }

    fn get(&self, row: usize) -> Option<Moment> {
        Some(match self {
            Moments::Dates(days) => {
                let day = days.get(row).filter(|day| is_finite_date(*day))?;
                Moment::At(Instant { days: day.into(), micros: 0 })
            }
            Moments::Times(micros) => Moment::At(Instant { days: 0, micros: micros.get(row)? }),
            Moments::Timestamps(micros) => Moment::At(instant(micros.get(row).filter(|at| is_finite_timestamp(*at))?)),
            Moments::Intervals(packed) => Moment::Span(Interval::unpack(packed.get(row)?)),
        })
    }
}

fn instant(micros: i64) -> Instant {
    Instant { days: micros.div_euclid(MICROS_PER_DAY), micros: micros.rem_euclid(MICROS_PER_DAY) }
}

impl Part {
    fn of(self, moment: Moment) -> i64 {
        match moment {
            Moment::At(instant) => self.of_instant(instant),
            Moment::Span(interval) => self.of_interval(interval),
        }
    }

    fn of_instant(self, Instant { days, micros }: Instant) -> i64 {
        let date = || civil_from_days(days);
        match self {
            Part::Nanosecond => micros % MICROS_PER_MINUTE * 1000,
            Part::Microsecond => micros % MICROS_PER_MINUTE,
            Part::Millisecond => micros % MICROS_PER_MINUTE / 1000,
            Part::Second => micros % MICROS_PER_MINUTE / MICROS_PER_SECOND,
            Part::Minute => micros % MICROS_PER_HOUR / MICROS_PER_MINUTE,
            Part::Hour => micros / MICROS_PER_HOUR,
            Part::Timezone | Part::TimezoneHour | Part::TimezoneMinute => 0,
            Part::Day => date().day,
            Part::Week => iso_week(days).1,
            Part::Month => date().month,
            Part::Quarter => (date().month - 1) / 3 + 1,
            Part::Year => date().year,
            Part::Decade => date().year / 10,
            Part::Century => centuries(date().year, 100),
            Part::Millennium => centuries(date().year, 1000),
            Part::DayOfWeek => iso_weekday(days) % 7,
            Part::IsoDayOfWeek => iso_weekday(days),
            Part::DayOfYear => day_in_year(days),
            Part::IsoYear => iso_week(days).0,
            Part::YearWeek => {
                let (year, week) = iso_week(days);
                year * 100 + if year > 0 { week } else { -week }
            }
            Part::Era => i64::from(date().year > 0),
        }
    }

    fn of_interval(self, interval: Interval) -> i64 {
        let (months, days, micros) = (i64::from(interval.months), i64::from(interval.days), interval.micros);
        match self {
            Part::Nanosecond => micros % MICROS_PER_MINUTE * 1000,
            Part::Microsecond => micros % MICROS_PER_MINUTE,
            Part::Millisecond => micros % MICROS_PER_MINUTE / 1000,
            Part::Second => micros % MICROS_PER_MINUTE / MICROS_PER_SECOND,
            Part::Minute => micros % MICROS_PER_HOUR / MICROS_PER_MINUTE,
            Part::Hour => micros / MICROS_PER_HOUR,
            Part::Timezone | Part::TimezoneHour | Part::TimezoneMinute => 0,
            Part::Day => days,
            Part::Month => months % 12,
            Part::Quarter => months % 12 / 3 + 1,
            Part::Year => months / 12,
            Part::Decade => months / 120,
            Part::Century => months / 1200,
            Part::Millennium => months / 12_000,
            // The others ask for a place in the calendar; the types of their functions keep intervals out.
            Part::Week | Part::DayOfWeek | Part::IsoDayOfWeek | Part::DayOfYear => days,
            Part::IsoYear | Part::YearWeek | Part::Era => months / 12,
        }
    }

    /// The last instant not after this one at which the part begins, in microseconds since 1970.
    fn truncate(self, Instant { days, micros }: Instant) -> Option<i64> {
        let date = civil_from_days(days);
        let first_of = |year, month| days_from_civil(Civil { year, month, day: 1 });
        let within_day = |unit: i64| days.checked_mul(MICROS_PER_DAY)?.checked_add(micros - micros % unit);
        let day = match self {
            Part::Nanosecond | Part::Microsecond => return within_day(1),
            Part::Millisecond => return within_day(1000),
            Part::Second => return within_day(MICROS_PER_SECOND),
            Part::Minute => return within_day(MICROS_PER_MINUTE),
            Part::Hour | Part::Timezone | Part::TimezoneHour | Part::TimezoneMinute => {
                return within_day(MICROS_PER_HOUR);
            }
            Part::Day | Part::DayOfWeek | Part::IsoDayOfWeek | Part::DayOfYear => days,
            Part::Week | Part::YearWeek => days - iso_weekday(days) + 1,
            Part::Month => first_of(date.year, date.month),
            Part::Quarter => first_of(date.year, (date.month - 1) / 3 * 3 + 1),
            Part::Year | Part::Era => first_of(date.year, 1),
            Part::Decade => first_of(date.year.div_euclid(10) * 10, 1),
            Part::Century => first_of(date.year.div_euclid(100) * 100, 1),
            Part::Millennium => first_of(date.year.div_euclid(1000) * 1000, 1),
            Part::IsoYear => {
                let january_4 = days_from_civil(Civil { year: iso_week(days).0, month: 1, day: 4 });
                january_4 - iso_weekday(january_4) + 1
            }
        };
        day.checked_mul(MICROS_PER_DAY)
    }

    /// The number of the part's span that an instant lies in, counted from some fixed one.
    fn ordinal(self, Instant { days, micros }: Instant) -> Option<i64> {
        let date = civil_from_days(days);
        let micros_since = || days.checked_mul(MICROS_PER_DAY)?.checked_add(micros);
        Some(match self {
            Part::Nanosecond => micros_since()?.checked_mul(1000)?,
            Part::Microsecond => micros_since()?,
            Part::Millisecond => micros_since()?.div_euclid(1000),
            Part::Second => micros_since()?.div_euclid(MICROS_PER_SECOND),
            Part::Minute => micros_since()?.div_euclid(MICROS_PER_MINUTE),
            Part::Hour | Part::Timezone | Part::TimezoneHour | Part::TimezoneMinute => {
                micros_since()?.div_euclid(MICROS_PER_HOUR)
            }
            Part::Day | Part::DayOfWeek | Part::IsoDayOfWeek | Part::DayOfYear => days,
            Part::Week | Part::YearWeek => days.div_euclid(7),
            Part::Month => date.year * 12 + date.month,
            Part::Quarter => date.year * 4 + (date.month - 1) / 3,
            Part::Year | Part::Era => date.year,
            Part::Decade => date.year.div_euclid(10),
            Part::Century => date.year.div_euclid(100),
            Part::Millennium => date.year.div_euclid(1000),
            Part::IsoYear => iso_week(days).0,
        })
    }
}

/// The century (or millennium) of a year: there is no number 0.
fn centuries(year: i64, length: i64) -> i64 {
    if year > 0 { (year - 1) / length + 1 } else { -((-year) / length + 1) }
}

/// Declares functions that take one part out.
macro_rules! parts {
    ($($name:ident = $part:ident;)*) => {$(
        pub(super) fn $name(args: &[Column], types: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
            let moments = Moments::of(&args[0], &types[0])?;
            numbers_by_row::<Int64Type>(result_length(args, rows), |row| Ok(moments.get(row).map(|m| Part::$part.of(m))))
        }
    )*};
}

parts! {
    year = Year;
    quarter = Quarter;
    month = Month;
    day = Day;
    week = Week;
    day_of_week = DayOfWeek;
    iso_day_of_week = IsoDayOfWeek;
    day_of_year = DayOfYear;
    iso_year = IsoYear;
    year_week = YearWeek;
    decade = Decade;
    century = Century;
    millennium = Millennium;
    era = Era;
    hour = Hour;
    minute = Minute;
    second = Second;
    millisecond = Millisecond;
    microsecond = Microsecond;
    nanosecond_of_micros = Nanosecond;
    timezone_seconds = Timezone;
    timezone_hour = TimezoneHour;
    timezone_minute = TimezoneMinute;
}

/// `nanosecond(x)`: since the minute began.
pub(super) fn nanosecond(
    args: &[Column],
    types: &[DataType],
    result: &DataType,
    rows: usize,
) -> Result<Column, RowError> {
    if types[0] != DataType::TimestampNs {
        return nanosecond_of_micros(args, types, result, rows);
    }
    let nanos = Numbers::<Int64Type>::of(&args[0])?;
    numbers_by_row::<Int64Type>(result_length(args, rows), |row| {
        let finite = nanos.get(row).filter(|nanos| is_finite_timestamp(*nanos));
        Ok(finite.map(|nanos| nanos.rem_euclid(MICROS_PER_MINUTE * 1000)))
    })
}

/// `epoch(x)`: seconds since 1970. In an interval a year has 365.25 days and a month 30.
pub(super) fn epoch(args: &[Column], types: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    exact(args, types, rows, epoch_of)
}

fn epoch_of(moment: Moment) -> f64 {
    match moment {
        Moment::At(at) => (i128::from(at.days) * i128::from(MICROS_PER_DAY) + i128::from(at.micros)) as f64 / 1e6,
        Moment::Span(span) => {
            let days = f64::from(span.months / 12) * 365.25 + f64::from(span.months % 12) * 30.0 + f64::from(span.days);
            days * 86_400.0 + span.micros as f64 / 1e6
        }
    }
}

/// `julian(x)`.
pub(super) fn julian(args: &[Column], types: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    exact(args, types, rows, julian_of)
}

fn julian_of(moment: Moment) -> f64 {
    const JULIAN_DAY_OF_1970: i64 = 2_440_588;
    match moment {
        Moment::At(at) => (at.days + JULIAN_DAY_OF_1970) as f64 + at.micros as f64 / MICROS_PER_DAY as f64,
        Moment::Span(span) => f64::from(span.days),
    }
}

fn exact(args: &[Column], types: &[DataType], rows: usize, f: impl Fn(Moment) -> f64) -> Result<Column, RowError> {
    let moments = Moments::of(&args[0], &types[0])?;
    numbers_by_row::<Float64Type>(result_length(args, rows), |row| Ok(moments.get(row).map(&f)))
}

/// A part per row; looked up once if it is the same for all.
struct Parts {
    names: Texts,
    constant: Option<Option<Part>>,
}

impl Parts {
    fn of(column: &Column) -> Result<Parts, TaskError> {
        let names = Texts::of(column)?;
        let constant = names.constant().map(|name| name.map(part_of_text).transpose()).transpose()?;
        Ok(Parts { names, constant })
    }

    fn get(&self, row: usize) -> Result<Option<Part>, TaskError> {
        match (self.constant, self.names.get(row)) {
            (Some(part), _) => Ok(part),
            (None, Some(name)) => part_of_text(name).map(Some),
            (None, None) => Ok(None),
        }
    }
}

/// `date_part(name, x)`.
pub(super) fn part(args: &[Column], types: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    let (names, moments) = (Texts::of(&args[0])?, Moments::of(&args[1], &types[1])?);
    numbers_by_row::<Float64Type>(result_length(args, rows), |row| {
        let Some(name) = names.get(row) else { return Ok(None) };
        let moment = moments.get(row);
        if name.eq_ignore_ascii_case("epoch") {
            return Ok(moment.map(epoch_of));
        }
        if name.eq_ignore_ascii_case("julian") {
            return Ok(moment.map(julian_of));
        }
        let part = part_of_text(name)?;
        Ok(moment.map(|moment| part.of(moment) as f64))
    })
}

/// `date_trunc(part, x)`.
pub(super) fn truncate(args: &[Column], types: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    let (parts, moments) = (Parts::of(&args[0])?, Moments::of(&args[1], &types[1])?);
    let length = result_length(args, rows);
    if types[1] == DataType::Interval {
        return numbers_by_row::<Int128Type>(length, |row| match (parts.get(row)?, moments.get(row)) {
            (Some(part), Some(Moment::Span(span))) => Ok(Some(truncate_interval(part, span).pack())),
            _ => Ok(None),
        });
    }
    numbers_by_row::<Int64Type>(length, |row| match (parts.get(row)?, moments.get(row)) {
        (Some(_), None) => Ok(moments.infinite(row)),
        (Some(part), Some(Moment::At(at))) => {
            part.truncate(at).map(Some).ok_or_else(|| out_of_range("Timestamp out of range"))
        }
        _ => Ok(None),
    })
}

fn truncate_interval(part: Part, span: Interval) -> Interval {
    let months = |unit: i32| Interval { months: span.months - span.months % unit, days: 0, micros: 0 };
    let micros = |unit: i64| Interval { micros: span.micros - span.micros % unit, ..span };
    match part {
        Part::Millennium => months(12_000),
        Part::Century => months(1200),
        Part::Decade => months(120),
        Part::Year | Part::IsoYear | Part::Era => months(12),
        Part::Quarter => months(3),
        Part::Month => months(1),
        Part::Week | Part::YearWeek => Interval { days: span.days - span.days % 7, micros: 0, ..span },
        Part::Day | Part::DayOfWeek | Part::IsoDayOfWeek | Part::DayOfYear => Interval { micros: 0, ..span },
        Part::Hour | Part::Timezone | Part::TimezoneHour | Part::TimezoneMinute => micros(MICROS_PER_HOUR),
        Part::Minute => micros(MICROS_PER_MINUTE),
        Part::Second => micros(MICROS_PER_SECOND),
        Part::Millisecond => micros(1000),
        Part::Nanosecond | Part::Microsecond => span,
    }
}

/// `date_diff(part, from, to)`.
pub(super) fn difference(args: &[Column], types: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    let parts = Parts::of(&args[0])?;
    let (from, to) = (Moments::of(&args[1], &types[1])?, Moments::of(&args[2], &types[2])?);
    numbers_by_row::<Int64Type>(result_length(args, rows), |row| {
        let (Some(part), Some(Moment::At(from)), Some(Moment::At(to))) = (parts.get(row)?, from.get(row), to.get(row))
        else {
            return Ok(None);
        };
        // Weeks are counted whole, seven days each, and not by their Mondays.
        if matches!(part, Part::Week | Part::YearWeek) {
            return Ok(Some((to.days - from.days) / 7));
        }
        let distance = part.ordinal(to).zip(part.ordinal(from)).and_then(|(to, from)| to.checked_sub(from));
        distance.map(Some).ok_or_else(|| out_of_range("Timestamp out of range"))
    })
}

/// `last_day(x)`.
pub(super) fn last_day(args: &[Column], types: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    let moments = Moments::of(&args[0], &types[0])?;
    numbers_by_row::<Int32Type>(result_length(args, rows), |row| {
        let Some(Moment::At(at)) = moments.get(row) else { return Ok(None) };
        let date = civil_from_days(at.days);
        let last = days_from_civil(Civil { day: month_length(date.year, date.month), ..date });
        super::datetime::checked_date(last).map(Some)
    })
}

fn day_name_of(days: i64) -> &'static str {
    DAYS[(iso_weekday(days) - 1) as usize]
}

fn month_name_of(days: i64) -> &'static str {
    MONTHS[(civil_from_days(days).month - 1) as usize]
}

/// `dayname(x)`.
pub(super) fn day_name(args: &[Column], types: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    name(args, types, rows, day_name_of)
}

/// `monthname(x)`.
pub(super) fn month_name(args: &[Column], types: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    name(args, types, rows, month_name_of)
}

fn name(args: &[Column], types: &[DataType], rows: usize, f: fn(i64) -> &'static str) -> Result<Column, RowError> {
    let moments = Moments::of(&args[0], &types[0])?;
    texts_by_row(result_length(args, rows), |row, out| {
        let Some(Moment::At(at)) = moments.get(row) else { return Ok(false) };
        out.push_str(f(at.days));
        Ok(true)
    })
}
