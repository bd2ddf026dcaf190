//! Text to values, as DuckDB reads it. Every function answers None for text that is not of its kind.

use crate::functions::calendar::{
    Civil, DATE_INFINITY, MICROS_PER_DAY, MICROS_PER_HOUR, MICROS_PER_MINUTE, MICROS_PER_SECOND, TIMESTAMP_INFINITY,
    checked_timestamp, days_from_civil, is_finite_timestamp, month_length,
};
use crate::functions::datetime::checked_date;
use crate::functions::zones::{to_utc, zone_named};
use crate::sql::types::Interval;

/// `true`, `t`, `yes`, `y`, `1` and their opposites.
pub(crate) fn parse_boolean(text: &str) -> Option<bool> {
    if ["true", "t", "yes", "y", "1"].iter().any(|word| text.eq_ignore_ascii_case(word)) {
        Some(true)
    } else if ["false", "f", "no", "n", "0"].iter().any(|word| text.eq_ignore_ascii_case(word)) {
        Some(false)
    } else {
        None
    }
}

/// A number in units of 10^-scale, rounded half away from zero: `12`, `-1.5`, `1e3`, `0x1F`, `1_000`.
pub(crate) fn parse_decimal(text: &str, scale: u8) -> Option<i128> {
    let text = text.trim();
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    if let Some(hex) = digits.strip_prefix("0x").or(digits.strip_prefix("0X")) {
        let value = i128::from_str_radix(hex, 16).ok().filter(|_| !hex.starts_with(['+', '-']))?;
        let value = value.checked_mul(10i128.checked_pow(scale.into())?)?;
        return Some(if negative { -value } else { value });
    }
    let (mantissa, exponent) = match digits.find(['e', 'E']) {
        Some(at) => (&digits[..at], digits[at + 1..].parse::<i32>().ok()?),
        None => (digits, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    // Digits that stand after the last one that counts only decide the rounding.
    let kept = i64::from(exponent) + i64::from(scale) + whole.bytes().filter(|b| *b != b'_').count() as i64;
    let mut value: u128 = 0;
    let mut seen: i64 = 0;
    let mut round_up = false;
    for part in [whole, fraction] {
        if part.starts_with('_') || part.ends_with('_') {
            return None;
        }
        for byte in part.bytes() {
            let digit = match byte {
                b'0'..=b'9' => u128::from(byte - b'0'),
                b'_' => continue,
                _ => return None,
            };
            if seen < kept {
                value = value.checked_mul(10)?.checked_add(digit)?;
            } else if seen == kept {
                round_up = digit >= 5;
            }
            seen += 1;
        }
    }
    if value != 0 {
        value = value.checked_mul(10u128.checked_pow(u32::try_from((kept - seen).max(0)).ok()?)?)?;
    }
    value = value.checked_add(u128::from(round_up))?;
    if negative { 0i128.checked_sub_unsigned(value) } else { i128::try_from(value).ok() }
}

/// A floating-point number; `inf`, `nan` and their longer names too.
pub(crate) fn parse_double(text: &str) -> Option<f64> {
    let text = text.trim();
    // Rust also reads `1.` and `.5`, as DuckDB does; `1_000` it does not.
    if text.contains('_') { text.replace('_', "").parse().ok() } else { text.parse().ok() }
}

/// Reads digits from the front: (value, how many, rest).
fn leading_number(text: &str) -> Option<(i64, usize, &str)> {
    let count = text.bytes().take_while(u8::is_ascii_digit).count();
    if count == 0 || count > 9 {
        return None;
    }
    Some((text[..count].parse().ok()?, count, &text[count..]))
}

/// A date at the front of the text: (days since 1970, rest).
fn leading_date(text: &str) -> Option<(i64, &str)> {
    let (negative, rest) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let (year, _, rest) = leading_number(rest)?;
    let separator = rest.chars().next().filter(|c| matches!(c, '-' | '/' | ' ' | '\\'))?;
    let (month, month_digits, rest) = leading_number(&rest[1..])?;
    let rest = rest.strip_prefix(separator)?;
    let (day, day_digits, mut rest) = leading_number(rest)?;
    let mut year = if negative { -year } else { year };
    if let Some(after) = rest.strip_prefix(" (BC)") {
        (year, rest) = (1 - year, after);
    }
    let valid = month_digits <= 2
        && day_digits <= 2
        && (1..=12).contains(&month)
        && day >= 1
        && year.abs() < 5_900_000
        && day <= month_length(year, month);
    valid.then(|| (days_from_civil(Civil { year, month, day }), rest))
}

/// `2024-01-05`, also with `/`, with short months and days, and followed by a time that is left out.
pub(crate) fn parse_date(text: &str) -> Option<i32> {
    let text = text.trim();
    if let Some(special) = special_moment(text) {
        return Some(match special {
            0 => 0,
            sign => sign * DATE_INFINITY,
        });
    }
    let (days, rest) = leading_date(text)?;
    if !rest.is_empty() {
        let (_, rest) = leading_time(rest.strip_prefix(['T', ' '])?)?;
        zone_behind(rest)?;
    }
    checked_date(days).ok()
}

/// `epoch` is 0, `infinity` 1 and `-infinity` -1.
fn special_moment(text: &str) -> Option<i32> {
    let is = |words: [&str; 2]| words.iter().any(|word| text.eq_ignore_ascii_case(word));
    match () {
        () if is(["epoch", "epoch"]) => Some(0),
        () if is(["infinity", "inf"]) => Some(1),
        () if is(["-infinity", "-inf"]) => Some(-1),
        () => None,
    }
}

/// `HH:MM[:SS[.ffffff]]` at the front: (microseconds since midnight, rest). 24:00:00 is the end of a day.
fn leading_time(text: &str) -> Option<(i64, &str)> {
    let (hours, hour_digits, rest) = leading_number(text)?;
    let (minutes, minute_digits, mut rest) = leading_number(rest.strip_prefix(':')?)?;
    let (mut seconds, mut micros) = (0, 0);
    if let Some(after) = rest.strip_prefix(':') {
        let (value, digits, after) = leading_number(after)?;
        if digits > 2 {
            return None;
        }
        (seconds, rest) = (value, after);
        if let Some(after) = rest.strip_prefix('.') {
            let count = after.bytes().take_while(u8::is_ascii_digit).count();
            if count == 0 {
                return None;
            }
            // Finer than a microsecond is cut off.
            let digits: String = after[..count].chars().chain("000000".chars()).take(6).collect();
            (micros, rest) = (digits.parse().ok()?, &after[count..]);
        }
    }
    let total = hours * MICROS_PER_HOUR + minutes * MICROS_PER_MINUTE + seconds * MICROS_PER_SECOND + micros;
    let valid = hour_digits <= 2 && minute_digits <= 2 && minutes < 60 && seconds < 60 && total <= MICROS_PER_DAY;
    valid.then_some((total, rest))
}

/// What stands behind a time of day.
enum Zone {
    None,
    /// Microseconds to the east of UTC.
    Offset(i64),
    Named(chrono_tz::Tz),
}

/// `Z`, ` UTC`, `+02`, `-05:30`, ` Europe/Berlin` or nothing.
fn zone_behind(text: &str) -> Option<Zone> {
    let named = text.strip_prefix(' ');
    let text = text.trim();
    if text.is_empty() {
        return Some(Zone::None);
    }
    if ["z", "utc", "gmt"].iter().any(|zone| text.eq_ignore_ascii_case(zone)) {
        return Some(Zone::Offset(0));
    }
    if text.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return named.and_then(|_| zone_named(text)).map(Zone::Named);
    }
    let sign = match text.as_bytes()[0] {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let mut offset = 0;
    for (i, part) in text[1..].split(':').enumerate() {
        let (value, digits, rest) = leading_number(part)?;
        if digits > 2 || !rest.is_empty() || i > 2 {
            return None;
        }
        offset += value * [MICROS_PER_HOUR, MICROS_PER_MINUTE, MICROS_PER_SECOND][i];
    }
    Some(Zone::Offset(sign * offset))
}

/// A time of day, perhaps after a date that is left out; a date alone is midnight.
pub(crate) fn parse_time(text: &str) -> Option<i64> {
    let time = match leading_date(text.trim_start()) {
        Some((_, "")) => return Some(0),
        Some((_, rest)) => rest.strip_prefix(['T', ' '])?,
        None => text,
    };
    let (micros, rest) = leading_time(time.trim())?;
    zone_behind(rest)?;
    Some(micros)
}

/// A timestamp without a zone; one that stands there is left out.
pub(crate) fn parse_timestamp(text: &str) -> Option<i64> {
    zoned_timestamp(text).map(|(micros, _)| micros)
}

/// A timestamp in nanoseconds; finer digits are cut off. A zone that stands there is left out.
pub(crate) fn parse_nanoseconds(text: &str) -> Option<i64> {
    let micros = parse_timestamp(text)?;
    if !is_finite_timestamp(micros) {
        return Some(micros);
    }
    // The one point of a timestamp stands before its fraction.
    let fraction = text.split_once('.').map_or("", |(_, fraction)| fraction);
    let digits = fraction.bytes().take_while(u8::is_ascii_digit).chain(std::iter::repeat(b'0'));
    let nanos = digits.skip(6).take(3).fold(0, |nanos, digit| nanos * 10 + i128::from(digit - b'0'));
    i64::try_from(i128::from(micros) * 1000 + nanos).ok()
}

/// A timestamp in the zone that stands behind it, or else in `zone`.
pub(crate) fn parse_timestamptz(text: &str, zone: chrono_tz::Tz) -> Option<i64> {
    let (micros, behind) = zoned_timestamp(text)?;
    match behind {
        Zone::Offset(offset) => micros.checked_sub(offset).and_then(checked_timestamp),
        Zone::Named(named) => Some(to_utc(micros, named)),
        Zone::None => Some(to_utc(micros, zone)),
    }
}

/// The microseconds as they stand there, and the zone behind them.
fn zoned_timestamp(text: &str) -> Option<(i64, Zone)> {
    let text = text.trim();
    if let Some(special) = special_moment(text) {
        return Some(match special {
            0 => (0, Zone::Offset(0)),
            sign => (i64::from(sign) * TIMESTAMP_INFINITY, Zone::None),
        });
    }
    let (days, rest) = leading_date(text)?;
    let midnight = days.checked_mul(MICROS_PER_DAY)?;
    if rest.is_empty() {
        return Some((checked_timestamp(midnight)?, Zone::None));
    }
    let (micros, rest) = leading_time(rest.strip_prefix(['T', ' '])?)?;
    Some((checked_timestamp(midnight.checked_add(micros)?)?, zone_behind(rest)?))
}

/// `1 day 2 hours`, `3 months`, `01:02:03`, `1d`, `1 day ago`; a bare number is seconds.
pub(crate) fn parse_interval(text: &str) -> Option<Interval> {
    let mut rest = text.trim();
    if rest.is_empty() {
        return None;
    }
    let mut sum = Interval::default();
    let mut found = false;
    while !rest.is_empty() {
        if rest.eq_ignore_ascii_case("ago") && found {
            return crate::functions::calendar::negated(sum);
        }
        let number_end = rest
            .char_indices()
            .find(|(i, c)| !(c.is_ascii_digit() || matches!(c, '.' | ':') || (*i == 0 && matches!(c, '-' | '+'))))
            .map_or(rest.len(), |(i, _)| i);
        let number = &rest[..number_end];
        rest = rest[number_end..].trim_start();
        if number.contains(':') {
            let (negative, clock) = number.strip_prefix('-').map_or((false, number), |clock| (true, clock));
            let micros = interval_clock(clock)?;
            sum.micros = sum.micros.checked_add(if negative { -micros } else { micros })?;
        } else {
            let amount = parse_decimal(number, 6)?;
            let unit_end = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
            if unit_end == 0 && (found || !rest.is_empty()) {
                return None;
            }
            let unit = if unit_end == 0 { "seconds" } else { &rest[..unit_end] };
            add_unit(&mut sum, amount, unit)?;
            rest = rest[unit_end..].trim_start();
        }
        found = true;
    }
    Some(sum)
}

/// `H+:MM[:SS[.f]]`, where hours are not bounded by a day.
fn interval_clock(text: &str) -> Option<i64> {
    let (hours, _, rest) = leading_number(text)?;
    let (within_day, rest) = leading_time(&format!("0{rest}"))
        .map(|(micros, rest)| (micros, rest.to_string()))
        .filter(|_| rest.starts_with(':'))?;
    rest.is_empty().then(|| hours * MICROS_PER_HOUR + within_day)
}

/// Adds `amount` millionths of a unit; a fraction goes to the next smaller part.
fn add_unit(sum: &mut Interval, amount: i128, unit: &str) -> Option<()> {
    const MILLION: i128 = 1_000_000;
    let (months, days, micros): (i128, i128, i128) = match unit_named(unit)? {
        Unit::Months(n) => (n.into(), 0, 0),
        Unit::Days(n) => (0, n.into(), 0),
        Unit::Micros(n) => (0, 0, n.into()),
    };
    let (month_part, micros_part) = (amount.checked_mul(months)?, amount.checked_mul(micros)? / MILLION);
    let day_part = amount.checked_mul(days)? + (month_part % MILLION) * 30;
    let micros_part = micros_part + (day_part % MILLION) * i128::from(MICROS_PER_DAY) / MILLION;
    sum.months = sum.months.checked_add(i32::try_from(month_part / MILLION).ok()?)?;
    sum.days = sum.days.checked_add(i32::try_from(day_part / MILLION).ok()?)?;
    sum.micros = sum.micros.checked_add(i64::try_from(micros_part).ok()?)?;
    Some(())
}

/// A unit of an interval, as a multiple of one of its three parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    Months(i32),
    Days(i32),
    Micros(i64),
}

fn unit_named(name: &str) -> Option<Unit> {
    Some(match name.to_ascii_lowercase().as_str() {
        "millennium" | "millennia" | "mil" | "mils" => Unit::Months(12_000),
        "century" | "centuries" | "cent" | "c" => Unit::Months(1200),
        "decade" | "decades" | "dec" | "decs" => Unit::Months(120),
        "year" | "years" | "yr" | "yrs" | "y" => Unit::Months(12),
        "quarter" | "quarters" => Unit::Months(3),
        "month" | "months" | "mon" | "mons" => Unit::Months(1),
        "week" | "weeks" | "w" => Unit::Days(7),
        "day" | "days" | "d" | "dayofmonth" => Unit::Days(1),
        "hour" | "hours" | "hr" | "hrs" | "h" => Unit::Micros(MICROS_PER_HOUR),
        "minute" | "minutes" | "min" | "mins" | "m" => Unit::Micros(MICROS_PER_MINUTE),
        "second" | "seconds" | "sec" | "secs" | "s" => Unit::Micros(MICROS_PER_SECOND),
        "millisecond" | "milliseconds" | "ms" | "msec" | "msecs" => Unit::Micros(1000),
        "microsecond" | "microseconds" | "us" | "usec" | "usecs" => Unit::Micros(1),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_round_half_away_from_zero() {
        for (text, value) in [
            ("12", Some(12)),
            (" 12 ", Some(12)),
            ("12.5", Some(13)),
            ("12.4", Some(12)),
            ("-12.5", Some(-13)),
            ("1e3", Some(1000)),
            ("1e-1", Some(0)),
            ("0x1F", Some(31)),
            ("1_000", Some(1000)),
            ("", None),
            ("abc", None),
            ("1e99", None),
            ("-", None),
        ] {
            assert_eq!(parse_decimal(text, 0), value, "{text:?}");
        }
        assert_eq!(parse_decimal("1.255", 2), Some(126));
        assert_eq!(parse_decimal("1e2", 2), Some(10_000));
    }

    #[test]
    fn dates_and_timestamps() {
        assert_eq!(parse_date("2024-1-5"), parse_date("2024/01/05"));
        assert_eq!(parse_date("2024-01-05 12:00:00"), parse_date("2024-01-05"));
        for text in ["2024-01-05x", "2024-02-30", "20240105", ""] {
            assert_eq!(parse_date(text), None, "{text:?}");
        }
        assert_eq!(parse_timestamptz("1970-01-01T00:00:01Z", chrono_tz::UTC), Some(1_000_000));
        assert_eq!(parse_timestamptz("1970-01-01 02:00:00+02", chrono_tz::UTC), Some(0));
        assert_eq!(parse_timestamptz("1970-01-01 01:00:00", chrono_tz::Europe::Berlin), Some(0));
        assert_eq!(parse_timestamptz("1970-01-01 01:00:00 Europe/Berlin", chrono_tz::UTC), Some(0));
        assert_eq!(parse_timestamp("1970-01-01 02:00:00+02"), Some(2 * MICROS_PER_HOUR));
        assert_eq!(parse_timestamp("1970-01-01 24:00:00"), Some(MICROS_PER_DAY));
        assert_eq!(parse_timestamp("1970-01-01 25:00:00"), None);
        assert_eq!(parse_timestamp("1970-01-01 12"), None);
    }

    #[test]
    fn intervals() {
        let interval = |months, days, micros| Some(Interval { months, days, micros });
        assert_eq!(parse_interval("1 day 2 hours"), interval(0, 1, 2 * MICROS_PER_HOUR));
        assert_eq!(parse_interval("1 day 01:02:03"), interval(0, 1, 3_723_000_000));
        assert_eq!(parse_interval("5"), interval(0, 0, 5_000_000));
        assert_eq!(parse_interval("1 day ago"), interval(0, -1, 0));
        assert_eq!(parse_interval("1.5 days"), interval(0, 1, 12 * MICROS_PER_HOUR));
        assert_eq!(parse_interval("1.5 months"), interval(1, 15, 0));
        assert_eq!(parse_interval("-1 day 2 hours"), interval(0, -1, 2 * MICROS_PER_HOUR));
        assert_eq!(parse_interval("100:00:00"), interval(0, 0, 100 * MICROS_PER_HOUR));
        assert_eq!(parse_interval("abc"), None);
    }
}
