//! Time zones: between UTC and the clocks of a zone, and the functions that do it.
//!
//! A clock time that daylight saving skips is read as if the clock had not been put forward yet; one that comes twice is
//! the later one. Both are what DuckDB (through ICU) does.

use super::calendar::{
    Civil, MICROS_PER_DAY, MICROS_PER_HOUR, MICROS_PER_SECOND, add_interval, civil_from_days, days_from_civil,
    is_finite_timestamp, iso_weekday,
};
use super::cast::nested::{convert_fields, convert_items};
use super::cast::parse::parse_timestamptz;
use super::columns::{Numbers, Rows, Texts, numbers_by_row, out_of_range, result_length, texts_by_row};
use super::{RowError, format};
use crate::journal::{ErrorCode, TaskError};
pub(super) use crate::sql::settings::zone_named;
use crate::sql::types::Interval;
use crate::sql::{DataType, Value};
use chrono::{DateTime, MappedLocalTime, NaiveDateTime, Offset, TimeZone};
use chrono_tz::Tz;
use polars::prelude::{Column, Int64Type, Int128Type};

/// The last year that the tables of zones go to; the rules of then go on for ever.
const LAST_YEAR: i64 = 2037;

/// The moment for chrono, to the second below. Beyond [`LAST_YEAR`] it is the same moment of an earlier year that has the same
/// length and begins on the same weekday, so that the rules of the zone's clock fall on the same days.
fn moment(micros: i64) -> NaiveDateTime {
    let mut seconds = micros.div_euclid(MICROS_PER_SECOND).max(-8_000_000_000_000);
    let days = seconds.div_euclid(86_400);
    let year = civil_from_days(days).year;
    if year > LAST_YEAR {
        let first_day = |year| days_from_civil(Civil { year, month: 1, day: 1 });
        let shape = |year| (iso_weekday(first_day(year)), first_day(year + 1) - first_day(year));
        let like = (LAST_YEAR - 27..=LAST_YEAR).find(|other| shape(*other) == shape(year)).unwrap_or(LAST_YEAR);
        seconds -= (first_day(year) - first_day(like)) * 86_400;
    }
    DateTime::from_timestamp(seconds, 0).map_or(NaiveDateTime::MIN, |moment| moment.naive_utc())
}

fn micros_of(offset: impl Offset) -> i64 {
    i64::from(offset.fix().local_minus_utc()) * MICROS_PER_SECOND
}

/// What the clocks of `zone` show at a moment: microseconds as those of a TIMESTAMP.
pub(super) fn to_local(micros: i64, zone: Tz) -> i64 {
    if zone == Tz::UTC || !is_finite_timestamp(micros) {
        return micros;
    }
    micros.saturating_add(micros_of(zone.offset_from_utc_datetime(&moment(micros))))
}

/// The moment at which the clocks of `zone` show that.
pub(super) fn to_utc(local: i64, zone: Tz) -> i64 {
    if zone == Tz::UTC || !is_finite_timestamp(local) {
        return local;
    }
    let shown = moment(local);
    let offset = match zone.offset_from_local_datetime(&shown) {
        MappedLocalTime::Single(offset) => micros_of(offset),
        MappedLocalTime::Ambiguous(first, second) => micros_of(first).min(micros_of(second)),
        // In the hour that is skipped: what held a day before.
        MappedLocalTime::None => micros_of(zone.offset_from_utc_datetime(&(shown - chrono::TimeDelta::days(1)))),
    };
    local.saturating_sub(offset)
}

/// A zone per row; looked up once if it is the same for all.
struct Zones {
    names: Texts,
    constant: Option<Option<Tz>>,
}

impl Zones {
    fn of(column: &Column) -> Result<Zones, TaskError> {
        let names = Texts::of(column)?;
        let constant = names.constant().map(|name| name.map(known).transpose()).transpose()?;
        Ok(Zones { names, constant })
    }

    fn get(&self, row: usize) -> Result<Option<Tz>, TaskError> {
        match (self.constant, self.names.get(row)) {
            (Some(zone), _) => Ok(zone),
            (None, name) => name.map(known).transpose(),
        }
    }
}

fn known(name: &str) -> Result<Tz, TaskError> {
    zone_named(name)
        .ok_or_else(|| TaskError::user(ErrorCode::InvalidArguments, format!("There is no time zone \"{name}\"")))
}

/// `timezone(zone, x)`: from TIMESTAMP to TIMESTAMP WITH TIME ZONE and back.
pub(super) fn timezone(
    args: &[Column],
    types: &[DataType],
    result: &DataType,
    rows: usize,
) -> Result<Column, RowError> {
    if args.len() == 1 {
        return super::dateparts::timezone_seconds(args, types, result, rows);
    }
    if types[1].is_nested() {
        return convert_parts(&args[1], &types[1], result, &args[0], false);
    }
    let (zones, moments) = (Zones::of(&args[0])?, Numbers::<Int64Type>::of(&args[1])?);
    let convert = if types[1] == DataType::TimestampTz { to_local } else { to_utc };
    numbers_by_row::<Int64Type>(result_length(args, rows), |row| match (zones.get(row)?, moments.get(row)) {
        (Some(zone), Some(micros)) => Ok(Some(convert(micros, zone))),
        _ => Ok(None),
    })
}

/// `timestamptz_add(x, interval, zone)`: months and days by the calendar of the zone, the rest by the clock.
pub(super) fn add(args: &[Column], _: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    let (moments, intervals) = (Numbers::<Int64Type>::of(&args[0])?, Numbers::<Int128Type>::of(&args[1])?);
    let zones = Zones::of(&args[2])?;
    numbers_by_row::<Int64Type>(result_length(args, rows), |row| {
        let (Some(zone), Some((micros, interval))) = (zones.get(row)?, moments.get(row).zip(intervals.get(row))) else {
            return Ok(None);
        };
        let moved = moved(micros, Interval::unpack(interval), zone);
        moved.map(Some).ok_or_else(|| out_of_range("Timestamp out of range"))
    })
}

/// As [`to_utc`], but of an hour that is there twice the one in which the clocks are as far ahead as they were before.
fn to_utc_from(local: i64, ahead: i64, zone: Tz) -> i64 {
    let unchanged = local.saturating_sub(ahead);
    if to_local(unchanged, zone) == local { unchanged } else { to_utc(local, zone) }
}

/// A point in time plus an interval: months and days by the calendar of the zone, then the rest by the clock. With a negative
/// part the clock goes first, so that the way back leads over the same hours. None out of range.
pub(super) fn moved(micros: i64, interval: Interval, zone: Tz) -> Option<i64> {
    let (dates, time) = (Interval { micros: 0, ..interval }, Interval { months: 0, days: 0, ..interval });
    if dates == Interval::default() {
        return add_interval(micros, time);
    }
    let by_calendar = |micros: i64| {
        let local = to_local(micros, zone);
        add_interval(local, dates).map(|moved| to_utc_from(moved, local.saturating_sub(micros), zone))
    };
    if interval.months < 0 || interval.days < 0 || interval.micros <= -MICROS_PER_HOUR {
        return by_calendar(add_interval(micros, time)?);
    }
    add_interval(by_calendar(micros)?, time)
}

/// `timestamptz_sub(x, y, zone)`: days by the calendar of the zone, the rest by the clock.
pub(super) fn subtract(args: &[Column], _: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    let (ends, starts) = (Numbers::<Int64Type>::of(&args[0])?, Numbers::<Int64Type>::of(&args[1])?);
    let zones = Zones::of(&args[2])?;
    numbers_by_row::<Int128Type>(result_length(args, rows), |row| {
        let (Some(zone), Some((end, start))) = (zones.get(row)?, ends.get(row).zip(starts.get(row))) else {
            return Ok(None);
        };
        if !is_finite_timestamp(end) || !is_finite_timestamp(start) {
            return Err(out_of_range("Infinite timestamps cannot be subtracted"));
        }
        let (sign, from, to) = if start <= end { (1, start, end) } else { (-1, end, start) };
        let local = to_local(from, zone);
        let ahead = local.saturating_sub(from);
        let after = |days: i64| to_utc_from(local.saturating_add(days.saturating_mul(MICROS_PER_DAY)), ahead, zone);
        // The clocks may have been put on or back since: the day that both agree on may be the one before or after.
        let guess = to_local(to, zone).saturating_sub(local) / MICROS_PER_DAY;
        let days = [guess + 1, guess].into_iter().find(|days| after(*days) <= to).unwrap_or(guess - 1);
        let micros = to.checked_sub(after(days)).ok_or_else(|| out_of_range("Interval out of range"))?;
        Ok(Some(Interval { months: 0, days: (sign * days) as i32, micros: sign * micros }.pack()))
    })
}

/// `timestamptz_text(x, zone)`: what CAST to VARCHAR gives in that zone.
pub(super) fn text(args: &[Column], _: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    let (moments, zones) = (Numbers::<Int64Type>::of(&args[0])?, Zones::of(&args[1])?);
    texts_by_row(result_length(args, rows), |row, out| match (moments.get(row), zones.get(row)?) {
        (Some(micros), Some(zone)) => {
            format::write_timestamptz(out, micros, zone);
            Ok(true)
        }
        _ => Ok(false),
    })
}

/// `timestamptz_parse(text, zone)`: what CAST from VARCHAR gives in that zone.
pub(super) fn parse(args: &[Column], _: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    read(args, rows, false)
}

/// `try_timestamptz_parse(text, zone)`: as TRY_CAST.
pub(super) fn try_parse(
    args: &[Column],
    types: &[DataType],
    result: &DataType,
    rows: usize,
) -> Result<Column, RowError> {
    if types[0].is_nested() {
        return convert_parts(&args[0], &types[0], result, &args[1], true);
    }
    read(args, rows, true)
}

/// Points in time inside lists, structs and maps as texts or as local time, and back: `to` has the one where `from` has the other.
fn convert_parts(
    column: &Column,
    from: &DataType,
    to: &DataType,
    zone: &Column,
    lenient: bool,
) -> Result<Column, RowError> {
    use DataType::{List, Map, Struct, Timestamp, TimestampTz, Varchar};
    let into = |part: &Column, from: &DataType, to: &DataType| convert_parts(part, from, to, zone, lenient);
    let rows = column.len();
    match (from, to) {
        (TimestampTz, Varchar) => text(&[column.clone(), zone.clone()], &[], to, rows),
        (Varchar, TimestampTz) => read(&[column.clone(), zone.clone()], rows, lenient),
        (TimestampTz, Timestamp) | (Timestamp, TimestampTz) => {
            timezone(&[zone.clone(), column.clone()], &[Varchar, from.clone()], to, rows)
        }
        (List(a), List(b)) => convert_items(column, a, b, &into),
        (Map(k, v), Map(l, w)) => into(column, &DataType::entries(k, v), &DataType::entries(l, w)),
        (Struct(a), Struct(b)) => convert_fields(column, a, b, &into),
        _ => Ok(column.clone()),
    }
}

/// A column with the points in time in it, or inside its lists, structs and maps, as `zone` shows them; and its type then.
pub fn show_moments(column: &Column, t: &DataType, zone: Tz) -> Result<(Column, DataType), TaskError> {
    let Some(shown) = t.with_shown_moments() else { return Ok((column.clone(), t.clone())) };
    let zone = super::column_of(&Value::Varchar(zone.name().to_string()), &DataType::Varchar)?;
    let column = convert_parts(column, t, &shown, &zone, false).map_err(|e| e.error)?;
    Ok((column, shown))
}

fn read(args: &[Column], rows: usize, lenient: bool) -> Result<Column, RowError> {
    let (texts, zones) = (Texts::of(&args[0])?, Zones::of(&args[1])?);
    numbers_by_row::<Int64Type>(result_length(args, rows), |row| {
        let (Some(text), Some(zone)) = (texts.get(row), zones.get(row)?) else { return Ok(None) };
        match parse_timestamptz(text, zone) {
            None if !lenient => {
                let message = format!("Cannot cast '{text}' to {}", DataType::TimestampTz);
                Err(TaskError::user(ErrorCode::InvalidCastArgument, message))
            }
            parsed => Ok(parsed),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::functions::cast::parse::parse_timestamp;

    #[test]
    fn skipped_and_repeated_hours() {
        let berlin = Tz::Europe__Berlin;
        let utc = |text: &str| to_utc(parse_timestamp(text).unwrap(), berlin);
        let at = |text: &str| parse_timestamp(text).unwrap();
        assert_eq!(utc("2024-03-31 02:30:00"), at("2024-03-31 01:30:00"));
        assert_eq!(utc("2024-10-27 02:30:00"), at("2024-10-27 01:30:00"));
        assert_eq!(to_local(at("2024-07-01 12:00:00"), berlin), at("2024-07-01 14:00:00"));
        assert_eq!(zone_named("europe/berlin"), Some(berlin));
        assert_eq!(zone_named("nowhere"), None);
    }
}
