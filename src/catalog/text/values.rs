//! Texts that are numbers, truth values, dates and times. What counts as which follows DuckDB's CSV sniffer: `007` and
//! `+5` are texts, and so is `inf`; spaces around a number do not matter.

use chrono::NaiveDate;

const DAY_MICROS: i64 = 86_400_000_000;

/// An integer of up to 128 bits.
pub(super) fn integer(text: &[u8]) -> Option<i128> {
    let text = text.trim_ascii();
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    if digits.is_empty() || (digits[0] == b'0' && digits.len() > 1) || digits.len() > 39 {
        return None;
    }
    // The usual case fits in 64 bits, where arithmetic is quick.
    if digits.len() <= 18 {
        let mut value = 0i64;
        for digit in digits {
            value = value * 10 + i64::from(digit.is_ascii_digit().then(|| digit - b'0')?);
        }
        return Some(i128::from(if text[0] == b'-' { -value } else { value }));
    }
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// A number with a point or an exponent, or an integer.
pub(super) fn double(text: &[u8]) -> Option<f64> {
    let text = text.trim_ascii();
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    let numeric = |byte: &u8| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E' | b'+' | b'-');
    let starts_well = match digits {
        [b'0', next, ..] => !next.is_ascii_digit(),
        [first, ..] => first.is_ascii_digit() || *first == b'.',
        [] => false,
    };
    if !starts_well || !digits.iter().all(numeric) {
        return None;
    }
    std::str::from_utf8(text).ok()?.parse().ok().filter(|value: &f64| value.is_finite())
}

/// `true`, `false`, `t`, `f` in any case.
pub(super) fn boolean(text: &[u8]) -> Option<bool> {
    if text.eq_ignore_ascii_case(b"true") || text.eq_ignore_ascii_case(b"t") {
        Some(true)
    } else if text.eq_ignore_ascii_case(b"false") || text.eq_ignore_ascii_case(b"f") {
        Some(false)
    } else {
        None
    }
}

/// `12:30:59` with an optional fraction, in microseconds since midnight.
pub(super) fn time(text: &[u8]) -> Option<i64> {
    clock(text.trim_ascii(), true)
}

fn clock(text: &[u8], seconds_required: bool) -> Option<i64> {
    let mut parts = text.splitn(3, |byte| *byte == b':');
    let hour = number(parts.next()?, 1..=2)?;
    let minute = number(parts.next()?, 2..=2)?;
    let (second, micros) = match parts.next() {
        None if seconds_required => return None,
        None => (0, 0),
        Some(rest) => match rest.iter().position(|byte| *byte == b'.') {
            None => (number(rest, 2..=2)?, 0),
            Some(point) => {
                let digits = &rest[point + 1..];
                // Beyond microseconds digits are cut off.
                let fraction = number(&digits[..digits.len().min(6)], 1..=6)?;
                if !digits.iter().all(u8::is_ascii_digit) {
                    return None;
                }
                (number(&rest[..point], 2..=2)?, fraction * 10i64.pow(6 - digits.len().min(6) as u32))
            }
        },
    };
    (hour < 24 && minute < 60 && second < 60).then(|| ((hour * 60 + minute) * 60 + second) * 1_000_000 + micros)
}

fn number(digits: &[u8], lengths: std::ops::RangeInclusive<usize>) -> Option<i64> {
    if !lengths.contains(&digits.len()) {
        return None;
    }
    digits.iter().try_fold(0, |value, digit| digit.is_ascii_digit().then(|| value * 10 + i64::from(digit - b'0')))
}

/// The order of the parts of a written date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DateOrder {
    YearMonthDay,
    DayMonthYear,
    MonthDayYear,
}

/// How a column writes its dates; a timestamp has a clock after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct DateForm {
    pub order: DateOrder,
    pub separator: u8,
}

impl DateForm {
    /// ISO 8601.
    pub(super) const ISO: DateForm = DateForm { order: DateOrder::YearMonthDay, separator: b'-' };

    /// The forms that a date-like text may have; where day and month could be either, day first is tried first.
    pub(super) fn candidates(text: &[u8]) -> Vec<DateForm> {
        let text = text.trim_ascii();
        let Some(at) = text.iter().take(5).position(|byte| !byte.is_ascii_digit()) else { return Vec::new() };
        let separator = text[at];
        if !matches!(separator, b'-' | b'/' | b'.') {
            return Vec::new();
        }
        let orders: &[DateOrder] =
            if at == 4 { &[DateOrder::YearMonthDay] } else { &[DateOrder::DayMonthYear, DateOrder::MonthDayYear] };
        orders.iter().map(|&order| DateForm { order, separator }).collect()
    }

    /// `%d/%m/%Y`.
    pub(super) fn strftime(self) -> String {
        let separator = char::from(self.separator);
        match self.order {
            DateOrder::YearMonthDay => format!("%Y{separator}%m{separator}%d"),
            DateOrder::DayMonthYear => format!("%d{separator}%m{separator}%Y"),
            DateOrder::MonthDayYear => format!("%m{separator}%d{separator}%Y"),
        }
    }

    /// The inverse of [`DateForm::strftime`]; ISO for anything else.
    pub(super) fn from_strftime(form: &str) -> DateForm {
        let order = match form.get(..2) {
            Some("%d") => DateOrder::DayMonthYear,
            Some("%m") => DateOrder::MonthDayYear,
            _ => DateOrder::YearMonthDay,
        };
        DateForm { order, separator: form.as_bytes().get(2).copied().unwrap_or(b'-') }
    }

    /// Days since 1970-01-01.
    pub(super) fn date(self, text: &[u8]) -> Option<i32> {
        let mut parts = text.trim_ascii().split(|byte| *byte == self.separator);
        let (a, b, c) = (parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some() {
            return None;
        }
        let (year, month, day) = match self.order {
            DateOrder::YearMonthDay => (a, b, c),
            DateOrder::DayMonthYear => (c, b, a),
            DateOrder::MonthDayYear => (c, a, b),
        };
        let year = i32::try_from(number(year, 4..=4)?).ok()?;
        let date = NaiveDate::from_ymd_opt(year, number(month, 1..=2)? as u32, number(day, 1..=2)? as u32)?;
        Some(date.to_epoch_days())
    }

    /// Microseconds since 1970-01-01 00:00, and whether a zone was written (then they are UTC).
    pub(super) fn timestamp(self, text: &[u8]) -> Option<(i64, bool)> {
        let text = text.trim_ascii();
        let gap = text.iter().position(|byte| matches!(byte, b' ' | b'T'))?;
        let days = i64::from(self.date(&text[..gap])?);
        let rest = &text[gap + 1..];
        let (clock_text, zone) = match rest.iter().position(|byte| matches!(byte, b'Z' | b'+' | b'-')) {
            Some(at) => (&rest[..at], Some(&rest[at..])),
            None => (rest, None),
        };
        let local = days * DAY_MICROS + clock(clock_text, false)?;
        match zone {
            None => Some((local, false)),
            Some(zone) => Some((local - offset_minutes(zone)? * 60_000_000, true)),
        }
    }
}

/// `Z`, `+02`, `+0230`, `-05:30`.
fn offset_minutes(zone: &[u8]) -> Option<i64> {
    let (sign, digits) = match zone {
        b"Z" => return Some(0),
        [b'+', digits @ ..] => (1, digits),
        [b'-', digits @ ..] => (-1, digits),
        _ => return None,
    };
    let (hours, minutes) = match digits.len() {
        2 => (digits, &b"00"[..]),
        4 => digits.split_at(2),
        5 if digits[2] == b':' => (&digits[..2], &digits[3..]),
        _ => return None,
    };
    Some(sign * (number(hours, 2..=2)? * 60 + number(minutes, 2..=2)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_what_the_sniffer_of_duckdb_takes() {
        assert_eq!(integer(b" -42 "), Some(-42));
        assert_eq!(integer(b"0"), Some(0));
        assert_eq!(integer(b"99999999999999999999"), Some(99_999_999_999_999_999_999));
        for text in [&b"007"[..], b"+5", b"", b"-", b"1_000", b"1.0"] {
            assert_eq!(integer(text), None, "{}", String::from_utf8_lossy(text));
        }
    }

    #[test]
    fn doubles_have_no_infinities() {
        assert_eq!(double(b"1e5"), Some(100_000.0));
        assert_eq!(double(b".5"), Some(0.5));
        assert_eq!(double(b"-0.25"), Some(-0.25));
        for text in [&b"inf"[..], b"nan", b"00.5", b"1e999", b"", b"."] {
            assert_eq!(double(text), None, "{}", String::from_utf8_lossy(text));
        }
    }

    #[test]
    fn dates_in_their_forms() {
        assert_eq!(DateForm::ISO.date(b"1970-01-02"), Some(1));
        assert_eq!(DateForm::ISO.date(b"2023-02-29"), None);
        let ambiguous = DateForm::candidates(b"03/04/2024");
        assert_eq!(ambiguous[0].strftime(), "%d/%m/%Y");
        assert_eq!(ambiguous[1].strftime(), "%m/%d/%Y");
        for form in ambiguous {
            assert_eq!(DateForm::from_strftime(&form.strftime()), form);
        }
    }

    #[test]
    fn timestamps_with_and_without_a_zone() {
        assert_eq!(DateForm::ISO.timestamp(b"1970-01-01 00:00:01.5"), Some((1_500_000, false)));
        assert_eq!(DateForm::ISO.timestamp(b"1970-01-01T02:00:00+02:00"), Some((0, true)));
        assert_eq!(DateForm::ISO.timestamp(b"1970-01-01T00:01Z"), Some((60_000_000, true)));
        assert_eq!(DateForm::ISO.timestamp(b"1970-01-01 24:00:00"), None);
        assert_eq!(time(b"12:00:01"), Some(43_201_000_000));
        assert_eq!(time(b"12:00"), None);
    }
}
