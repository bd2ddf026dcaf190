//! Dates by a format: `strftime` and `strptime` with DuckDB's specifiers, `date_format` and `date_parse` with those of Trino
//! (MySQL's). A format becomes a list of items once, and both directions work on these.

use super::RowError;
use super::calendar::{
    Civil, DATE_INFINITY, MICROS_PER_DAY, MICROS_PER_HOUR, MICROS_PER_MINUTE, MICROS_PER_SECOND, checked_timestamp,
    civil_from_days, day_of_year, days_from_civil, iso_week, iso_weekday, month_length,
};
use super::columns::{Numbers, Rows, Texts, numbers_by_row, result_length, texts_by_row};
use super::values::value_at;
use super::zones::{to_local, to_utc, zone_named};
use crate::journal::{ErrorCode, TaskError};
use crate::sql::{DataType, Value};
use polars::prelude::{Column, Int32Type, Int64Type};
use std::fmt::Write;

pub(super) const DAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
pub(super) const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// Part of a format: a text that stands for itself, or a specifier of strftime, perhaps without leading zeros.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Item {
    Text(String),
    Part { letter: char, padded: bool },
}

/// Whose letters a format is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    Duckdb,
    Trino,
}

fn unknown_specifier(specifier: &str) -> TaskError {
    TaskError::user(ErrorCode::InvalidArguments, format!("A date format has no specifier {specifier}"))
}

/// Takes a format apart.
fn items_of(format: &str, style: Style) -> Result<Vec<Item>, TaskError> {
    let mut items = Vec::new();
    let mut text = String::new();
    let mut rest = format.chars();
    while let Some(c) = rest.next() {
        if c != '%' {
            text.push(c);
            continue;
        }
        let mut letter = rest.next().ok_or_else(|| unknown_specifier("%"))?;
        let padded = letter != '-';
        if !padded {
            letter = rest.next().ok_or_else(|| unknown_specifier("%-"))?;
        }
        let part = |letter, padded| Item::Part { letter, padded };
        let found = match (style, letter) {
            (_, '%') => {
                text.push('%');
                continue;
            }
            (Style::Duckdb, 'c') => items_of("%Y-%m-%d %H:%M:%S", style)?,
            (Style::Duckdb, 'x') => items_of("%Y-%m-%d", style)?,
            (Style::Duckdb, 'X') => items_of("%H:%M:%S", style)?,
            (Style::Duckdb, 'h') => vec![part('b', true)],
            (Style::Duckdb, letter) if "aAwudbBmyYHIpMSgfnzZjUWGV".contains(letter) => vec![part(letter, padded)],
            (Style::Trino, 'i') => vec![part('M', true)],
            (Style::Trino, 's' | 'S') => vec![part('S', true)],
            (Style::Trino, 'M') => vec![part('B', true)],
            (Style::Trino, 'W') => vec![part('A', true)],
            (Style::Trino, 'h') => vec![part('I', true)],
            (Style::Trino, 'c') => vec![part('m', false)],
            (Style::Trino, 'e') => vec![part('d', false)],
            (Style::Trino, 'k') => vec![part('H', false)],
            (Style::Trino, 'l') => vec![part('I', false)],
            (Style::Trino, 'v') => vec![part('V', true)],
            (Style::Trino, 'x') => vec![part('G', true)],
            (Style::Trino, 'T') => items_of("%H:%M:%S", Style::Duckdb)?,
            (Style::Trino, 'r') => items_of("%I:%M:%S %p", Style::Duckdb)?,
            (Style::Trino, letter) if "abdfHIjmpyY".contains(letter) => vec![part(letter, true)],
            (_, other) => return Err(unknown_specifier(&format!("%{}{other}", if padded { "" } else { "-" }))),
        };
        if !text.is_empty() {
            items.push(Item::Text(std::mem::take(&mut text)));
        }
        items.extend(found);
    }
    if !text.is_empty() {
        items.push(Item::Text(text));
    }
    Ok(items)
}

/// A format per row, or several to be tried in turn; taken apart once if it is the same for all.
struct Formats {
    column: Column,
    dtype: DataType,
    style: Style,
    constant: Option<Vec<Vec<Item>>>,
}

impl Formats {
    fn of(column: &Column, dtype: &DataType, style: Style) -> Result<Formats, TaskError> {
        let mut formats = Formats { column: column.clone(), dtype: dtype.clone(), style, constant: None };
        if column.len() == 1 {
            formats.constant = formats.read(0)?;
        }
        Ok(formats)
    }

    fn read(&self, row: usize) -> Result<Option<Vec<Vec<Item>>>, TaskError> {
        let texts = match value_at(&self.column, &self.dtype, row) {
            Value::List(formats) => formats,
            Value::Null => return Ok(None),
            format => vec![format],
        };
        let taken_apart = texts.iter().filter_map(|format| match format {
            Value::Varchar(format) => Some(items_of(format, self.style)),
            _ => None,
        });
        taken_apart.collect::<Result<Vec<_>, _>>().map(Some)
    }

    /// Calls `f` with the formats of a row; None if they are NULL.
    fn with<T>(
        &self,
        row: usize,
        f: impl FnOnce(&[Vec<Item>]) -> Result<T, TaskError>,
    ) -> Result<Option<T>, TaskError> {
        if self.column.len() == 1 {
            return self.constant.as_deref().map(f).transpose();
        }
        self.read(row)?.as_deref().map(f).transpose()
    }
}

/// `strftime(x, format)`, also `strftime(format, x)`, and with a time zone as third argument.
pub(super) fn strftime(args: &[Column], types: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    if types[0] == DataType::Varchar {
        return format_dates(&args[1], &types[1], &args[0], None, Style::Duckdb, result_length(args, rows));
    }
    format_dates(&args[0], &types[0], &args[1], args.get(2), Style::Duckdb, result_length(args, rows))
}

/// `date_format(x, format)`.
pub(super) fn date_format(args: &[Column], types: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    format_dates(&args[0], &types[0], &args[1], args.get(2), Style::Trino, result_length(args, rows))
}

fn format_dates(
    moments: &Column,
    dtype: &DataType,
    formats: &Column,
    zones: Option<&Column>,
    style: Style,
    length: usize,
) -> Result<Column, RowError> {
    let formats = Formats::of(formats, &DataType::Varchar, style)?;
    let zones = zones.map(Texts::of).transpose()?;
    let (days, micros) = match dtype {
        DataType::Date => (Some(Numbers::<Int32Type>::of(moments)?), None),
        _ => (None, Some(Numbers::<Int64Type>::of(moments)?)),
    };
    texts_by_row(length, |row, out| {
        let moment = match (&days, &micros) {
            (Some(days), _) => days.get(row).map(i64::from),
            (_, Some(micros)) => micros.get(row),
            _ => None,
        };
        let Some(moment) = moment else { return Ok(false) };
        let infinity = if days.is_some() { i64::from(DATE_INFINITY) } else { i64::MAX };
        let infinite = moment.unsigned_abs() == infinity.unsigned_abs();
        // Nanoseconds less than a microsecond are written by one specifier alone.
        let (mut at, finer) = match dtype {
            DataType::Date => ((moment, 0), 0),
            DataType::TimestampNs => (split(moment.div_euclid(1000)), moment.rem_euclid(1000)),
            _ => (split(moment), 0),
        };
        let zone = match &zones {
            Some(zones) => match zones.get(row) {
                Some(name) => zone_named(name).unwrap_or(chrono_tz::UTC),
                None => return Ok(false),
            },
            None => chrono_tz::UTC,
        };
        let utc = joined(at);
        if let Some(utc) = utc.filter(|_| zones.is_some()) {
            at = split(to_local(utc, zone));
        }
        let offset = match (joined(at), utc) {
            (Some(local), Some(utc)) if zones.is_some() => local.saturating_sub(utc) / MICROS_PER_SECOND,
            _ => 0,
        };
        let zone_name = if *dtype == DataType::TimestampTz { zone.name() } else { "" };
        let written = formats.with(row, |formats| {
            match infinite {
                true => out.push_str(if moment > 0 { "infinity" } else { "-infinity" }),
                false => formats.iter().take(1).for_each(|items| write_items(out, at, finer, items, offset, zone_name)),
            }
            Ok(())
        })?;
        Ok(written.is_some())
    })
}

/// Days since 1970, and microseconds in the day.
fn split(micros: i64) -> (i64, i64) {
    (micros.div_euclid(MICROS_PER_DAY), micros.rem_euclid(MICROS_PER_DAY))
}

fn joined((days, micros): (i64, i64)) -> Option<i64> {
    days.checked_mul(MICROS_PER_DAY)?.checked_add(micros)
}

/// Writing to a String cannot fail, so results of `write!` are let go here.
fn write_items(out: &mut String, (days, time): (i64, i64), finer: i64, items: &[Item], offset: i64, zone: &str) {
    let date = civil_from_days(days);
    let (hour, minute) = (time / MICROS_PER_HOUR, time % MICROS_PER_HOUR / MICROS_PER_MINUTE);
    let (second, micros) = (time % MICROS_PER_MINUTE / MICROS_PER_SECOND, time % MICROS_PER_SECOND);
    let day_name = DAYS[(iso_weekday(days) - 1) as usize];
    let month_name = MONTHS[(date.month - 1) as usize];
    for item in items {
        let (letter, padded) = match item {
            Item::Text(text) => {
                out.push_str(text);
                continue;
            }
            Item::Part { letter, padded } => (*letter, *padded),
        };
        let mut number = |value: i64, width: usize| {
            _ = if padded { write!(out, "{value:0width$}") } else { write!(out, "{value}") };
        };
        match letter {
            'Y' if date.year < 0 => number(date.year, 0),
            'Y' => number(date.year, 4),
            'y' => number(date.year.abs() % 100, 2),
            'm' => number(date.month, 2),
            'd' => number(date.day, 2),
            'H' => number(hour, 2),
            'I' => number((hour + 11) % 12 + 1, 2),
            'M' => number(minute, 2),
            'S' => number(second, 2),
            'f' => number(micros, 6),
            'g' => number(micros / 1000, 3),
            'n' => number(micros * 1000 + finer, 9),
            'j' => number(day_of_year(days), 3),
            'w' => number(iso_weekday(days) % 7, 1),
            'u' => number(iso_weekday(days), 1),
            // Weeks of the year that begin on Sunday, on Monday, and as ISO counts them.
            'U' => number((day_of_year(days) + 6 - iso_weekday(days) % 7) / 7, 2),
            'W' => number((day_of_year(days) + 7 - iso_weekday(days)) / 7, 2),
            'V' => number(iso_week(days).1, 2),
            'G' if iso_week(days).0 < 0 => number(iso_week(days).0, 0),
            'G' => number(iso_week(days).0, 4),
            'p' => out.push_str(if hour < 12 { "AM" } else { "PM" }),
            'a' => out.push_str(&day_name[..3]),
            'A' => out.push_str(day_name),
            'b' => out.push_str(&month_name[..3]),
            'B' => out.push_str(month_name),
            'z' => {
                _ = write!(out, "{}{:02}", if offset < 0 { '-' } else { '+' }, offset.abs() / 3600);
                if offset % 3600 != 0 {
                    _ = write!(out, ":{:02}", offset.abs() / 60 % 60);
                }
                if offset % 60 != 0 {
                    _ = write!(out, ":{:02}", offset.abs() % 60);
                }
            }
            _ => out.push_str(zone),
        }
    }
}

/// `strptime(text, format)`.
pub(super) fn strptime(args: &[Column], types: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    read_dates(args, types, rows, Style::Duckdb, false)
}

/// `try_strptime(text, format)`.
pub(super) fn try_strptime(args: &[Column], types: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    read_dates(args, types, rows, Style::Duckdb, true)
}

/// `date_parse(text, format)`.
pub(super) fn date_parse(args: &[Column], types: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    read_dates(args, types, rows, Style::Trino, false)
}

fn read_dates(
    args: &[Column],
    types: &[DataType],
    rows: usize,
    style: Style,
    lenient: bool,
) -> Result<Column, RowError> {
    let (texts, formats) = (Texts::of(&args[0])?, Formats::of(&args[1], &types[1], style)?);
    numbers_by_row::<Int64Type>(result_length(args, rows), |row| {
        let Some(text) = texts.get(row) else { return Ok(None) };
        let read = formats.with(row, |formats| {
            let found = formats.iter().find_map(|items| read_items(text, items));
            match found {
                None if !lenient => {
                    let message = format!("'{text}' does not fit the format of the date");
                    Err(TaskError::user(ErrorCode::InvalidArguments, message))
                }
                found => Ok(found),
            }
        })?;
        Ok(read.flatten())
    })
}

/// What a text said about a date, before it is one.
#[derive(Default)]
struct Read {
    year: Option<i64>,
    iso_year: Option<i64>,
    month: Option<i64>,
    day: Option<i64>,
    day_of_year: Option<i64>,
    weekday: Option<i64>,
    /// The specifier (U, W or V) and the number.
    week: Option<(char, i64)>,
    hour: i64,
    afternoon: Option<bool>,
    minute: i64,
    second: i64,
    micros: i64,
    /// Microseconds to the east of UTC.
    offset: Option<i64>,
    zone: Option<chrono_tz::Tz>,
}

/// Reads a text by a format: microseconds since 1970, in UTC if it names a zone. None if it does not fit.
fn read_items(text: &str, items: &[Item]) -> Option<i64> {
    let mut rest = text.trim_start();
    let mut read = Read::default();
    for item in items {
        rest = match item {
            Item::Text(text) => rest.strip_prefix(text.as_str())?,
            Item::Part { letter, .. } => read.part(*letter, rest)?,
        };
    }
    if rest.trim().is_empty() { read.timestamp() } else { None }
}

/// Up to `most` digits from the front: the number, how many, and the rest.
fn digits(text: &str, most: usize) -> Option<(i64, usize, &str)> {
    let count = text.bytes().take(most).take_while(u8::is_ascii_digit).count();
    Some((text[..count].parse().ok()?, count, &text[count..]))
}

/// The longest of `names` that the text begins with, in any case, or its first three letters if `short`.
fn name<'t>(text: &'t str, names: &[&str], short: bool) -> Option<(i64, &'t str)> {
    names.iter().enumerate().find_map(|(i, name)| {
        let length = if short { 3 } else { name.len() };
        let front = text.get(..length)?;
        front.eq_ignore_ascii_case(&name[..length]).then(|| (i as i64 + 1, &text[length..]))
    })
}

impl Read {
    /// Reads one specifier from the front; what is left of the text.
    fn part<'t>(&mut self, letter: char, text: &'t str) -> Option<&'t str> {
        let number = |most: usize, range: std::ops::RangeInclusive<i64>| {
            let (value, _, rest) = digits(text, most)?;
            range.contains(&value).then_some((value, rest))
        };
        let fraction = |most: usize| {
            let (value, count, rest) = digits(text, most)?;
            Some((value * 10i64.pow((9 - count) as u32) / 1000, rest))
        };
        let rest;
        match letter {
            'Y' | 'G' => {
                let (negative, unsigned) = text.strip_prefix('-').map_or((false, text), |unsigned| (true, unsigned));
                let (value, _, after) = digits(unsigned, 4)?;
                let value = if negative { -value } else { value };
                *(if letter == 'Y' { &mut self.year } else { &mut self.iso_year }) = Some(value);
                rest = after;
            }
            'y' => {
                let (value, after) = number(2, 0..=99)?;
                self.year = Some(if value < 69 { 2000 + value } else { 1900 + value });
                rest = after;
            }
            'm' => (self.month, rest) = number(2, 1..=12).map(|(v, rest)| (Some(v), rest))?,
            'd' => (self.day, rest) = number(2, 1..=31).map(|(v, rest)| (Some(v), rest))?,
            'j' => (self.day_of_year, rest) = number(3, 1..=366).map(|(v, rest)| (Some(v), rest))?,
            'H' => (self.hour, rest) = number(2, 0..=23)?,
            'I' => (self.hour, rest) = number(2, 1..=12)?,
            'M' => (self.minute, rest) = number(2, 0..=59)?,
            'S' => (self.second, rest) = number(2, 0..=59)?,
            'f' => (self.micros, rest) = fraction(6)?,
            'g' => (self.micros, rest) = fraction(3)?,
            'n' => (self.micros, rest) = fraction(9)?,
            'w' => (self.weekday, rest) = number(1, 0..=6).map(|(v, rest)| (Some(v), rest))?,
            'u' => (self.weekday, rest) = number(1, 1..=7).map(|(v, rest)| (Some(v % 7), rest))?,
            'U' | 'W' => (self.week, rest) = number(2, 0..=53).map(|(v, rest)| (Some((letter, v)), rest))?,
            'V' => (self.week, rest) = number(2, 1..=53).map(|(v, rest)| (Some((letter, v)), rest))?,
            'p' => {
                let front = text.get(..2)?;
                self.afternoon = Some(front.eq_ignore_ascii_case("pm"));
                if !front.eq_ignore_ascii_case("am") && !front.eq_ignore_ascii_case("pm") {
                    return None;
                }
                rest = &text[2..];
            }
            'a' | 'A' => {
                (self.weekday, rest) = name(text, &DAYS, letter == 'a').map(|(v, rest)| (Some(v % 7), rest))?
            }
            'b' | 'B' => (self.month, rest) = name(text, &MONTHS, letter == 'b').map(|(v, rest)| (Some(v), rest))?,
            'z' => {
                let sign = match text.chars().next()? {
                    '+' => 1,
                    '-' => -1,
                    _ => return None,
                };
                let (hours, _, after) = digits(&text[1..], 2)?;
                let minutes = digits(after.strip_prefix(':').unwrap_or(after), 2);
                let (minutes, after) = minutes.map_or((0, after), |(minutes, _, after)| (minutes, after));
                self.offset = Some(sign * (hours * MICROS_PER_HOUR + minutes * MICROS_PER_MINUTE));
                rest = after;
            }
            _ => {
                let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || "/_+-".contains(c))).unwrap_or(text.len());
                self.zone = Some(zone_named(&text[..end])?);
                rest = &text[end..];
            }
        }
        Some(rest)
    }

    fn timestamp(&self) -> Option<i64> {
        let hour = match self.afternoon {
            Some(afternoon) if self.hour > 12 || (self.hour == 0 && afternoon) => return None,
            Some(afternoon) => self.hour % 12 + if afternoon { 12 } else { 0 },
            None => self.hour,
        };
        let time =
            hour * MICROS_PER_HOUR + self.minute * MICROS_PER_MINUTE + self.second * MICROS_PER_SECOND + self.micros;
        let micros = joined((self.days()?, time)).and_then(checked_timestamp)?;
        match (self.offset, self.zone) {
            (Some(offset), _) => micros.checked_sub(offset).and_then(checked_timestamp),
            (None, Some(zone)) => Some(to_utc(micros, zone)),
            (None, None) => Some(micros),
        }
    }

    /// Days since 1970; what nothing was said about is that of 1900-01-01.
    fn days(&self) -> Option<i64> {
        let year = self.year.unwrap_or(1900);
        let first_day = |year| days_from_civil(Civil { year, month: 1, day: 1 });
        if let Some(day) = self.day_of_year {
            let length = first_day(year + 1) - first_day(year);
            return (day <= length).then(|| first_day(year) + day - 1);
        }
        if let (Some((kind, week)), None, None) = (self.week, self.month, self.day) {
            // The ISO week begins on Monday; without a day it is its first.
            let from_monday = |weekday: Option<i64>| weekday.map_or(0, |day| (day + 6) % 7);
            return Some(match kind {
                'V' => {
                    let january_4 = days_from_civil(Civil { year: self.iso_year.unwrap_or(year), month: 1, day: 4 });
                    january_4 - iso_weekday(january_4) + 1 + (week - 1) * 7 + from_monday(self.weekday)
                }
                'W' => {
                    let first_monday = first_day(year) + (8 - iso_weekday(first_day(year))) % 7;
                    first_monday + (week - 1) * 7 + from_monday(self.weekday)
                }
                _ => {
                    let first_sunday = first_day(year) + 7 - iso_weekday(first_day(year));
                    first_sunday + (week - 1) * 7 + self.weekday.unwrap_or(0)
                }
            });
        }
        let (month, day) = (self.month.unwrap_or(1), self.day.unwrap_or(1));
        let year = self.year.or(self.iso_year).unwrap_or(1900);
        (day <= month_length(year, month)).then(|| days_from_civil(Civil { year, month, day }))
    }
}

/// Whether a format speaks of a time zone: what it reads is then a TIMESTAMP WITH TIME ZONE.
pub(super) fn names_zone(format: &str) -> bool {
    items_of(format, Style::Duckdb)
        .is_ok_and(|items| items.iter().any(|item| matches!(item, Item::Part { letter: 'z' | 'Z', .. })))
}
