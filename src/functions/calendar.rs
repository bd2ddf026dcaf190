//! The proleptic Gregorian calendar in plain integers: days and microseconds since 1970-01-01, and intervals on them.

use crate::sql::types::Interval;

pub(super) const MICROS_PER_SECOND: i64 = 1_000_000;
pub(super) const MICROS_PER_MINUTE: i64 = 60 * MICROS_PER_SECOND;
pub(super) const MICROS_PER_HOUR: i64 = 60 * MICROS_PER_MINUTE;
pub(super) const MICROS_PER_DAY: i64 = 24 * MICROS_PER_HOUR;

/// The dates `infinity` and `-infinity`.
pub(super) const DATE_INFINITY: i32 = i32::MAX;
/// The timestamps `infinity` and `-infinity`.
pub(super) const TIMESTAMP_INFINITY: i64 = i64::MAX;
/// The first timestamp: 290309-12-22 (BC) 00:00:00.
const FIRST_TIMESTAMP: i64 = -9_223_372_022_400_000_000;

/// Whether a day number is a day.
pub(super) fn is_finite_date(days: i32) -> bool {
    days.unsigned_abs() != DATE_INFINITY.unsigned_abs()
}

/// Whether microseconds are a point in time.
pub(super) fn is_finite_timestamp(micros: i64) -> bool {
    micros.unsigned_abs() != TIMESTAMP_INFINITY.unsigned_abs()
}

/// Microseconds that are a finite timestamp; None outside of the range.
pub(super) fn checked_timestamp(micros: i64) -> Option<i64> {
    (FIRST_TIMESTAMP..TIMESTAMP_INFINITY).contains(&micros).then_some(micros)
}

/// A date by its parts; the year before 1 is 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Civil {
    pub(super) year: i64,
    /// 1 to 12.
    pub(super) month: i64,
    /// 1 to 31.
    pub(super) day: i64,
}

/// Days since 1970-01-01 of a date; months and days out of their range carry over.
pub(super) fn days_from_civil(date: Civil) -> i64 {
    let month_index = date.month - 1;
    let (year, month) = (date.year + month_index.div_euclid(12), month_index.rem_euclid(12) + 1);
    // Howard Hinnant's days_from_civil: years begin in March, so that the leap day is the last.
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + date.day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// The date of a day number.
pub(super) fn civil_from_days(days: i64) -> Civil {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    Civil { year: year_of_era + era * 400 + i64::from(month <= 2), month, day }
}

/// Days in a month.
pub(super) fn month_length(year: i64, month: i64) -> i64 {
    days_from_civil(Civil { year, month: month + 1, day: 1 }) - days_from_civil(Civil { year, month, day: 1 })
}

/// The day that `months` later has the same number, or the last one of its month.
pub(super) fn add_months(days: i64, months: i64) -> i64 {
    let date = civil_from_days(days);
    let index = date.year * 12 + date.month - 1 + months;
    let (year, month) = (index.div_euclid(12), index.rem_euclid(12) + 1);
    days_from_civil(Civil { year, month, day: date.day.min(month_length(year, month)) })
}

/// A timestamp plus an interval: months first, then days, then time. None if it leaves the range of timestamps; an infinite
/// one stays what it is.
pub(super) fn add_interval(micros: i64, interval: Interval) -> Option<i64> {
    if !is_finite_timestamp(micros) {
        return Some(micros);
    }
    let (days, time) = (micros.div_euclid(MICROS_PER_DAY), micros.rem_euclid(MICROS_PER_DAY));
    let days = if interval.months == 0 { days } else { add_months(days, interval.months.into()) };
    let days = days + i64::from(interval.days);
    days.checked_mul(MICROS_PER_DAY)?.checked_add(time)?.checked_add(interval.micros).and_then(checked_timestamp)
}

/// The opposite interval; None for the one that has none.
pub(super) fn negated(interval: Interval) -> Option<Interval> {
    Some(Interval {
        months: interval.months.checked_neg()?,
        days: interval.days.checked_neg()?,
        micros: interval.micros.checked_neg()?,
    })
}

/// Monday is 1, Sunday is 7.
pub(super) fn iso_weekday(days: i64) -> i64 {
    (days + 3).rem_euclid(7) + 1
}

/// 1 to 366.
pub(super) fn day_of_year(days: i64) -> i64 {
    days - days_from_civil(Civil { year: civil_from_days(days).year, month: 1, day: 1 }) + 1
}

/// The ISO 8601 week: (year that the week belongs to, 1 to 53).
pub(super) fn iso_week(days: i64) -> (i64, i64) {
    // A week belongs to the year of its Thursday.
    let thursday = days - iso_weekday(days) + 4;
    (civil_from_days(thursday).year, (day_of_year(thursday) - 1) / 7 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_dates_are_inverse_over_four_centuries_and_before_year_one() {
        for days in (-800_000..800_000).step_by(37) {
            assert_eq!(days_from_civil(civil_from_days(days)), days);
        }
        assert_eq!(civil_from_days(0), Civil { year: 1970, month: 1, day: 1 });
        assert_eq!(days_from_civil(Civil { year: 2024, month: 2, day: 29 }), 19_782);
    }

    #[test]
    fn adding_months_keeps_to_the_end_of_a_short_month() {
        let day = |year, month, day| days_from_civil(Civil { year, month, day });
        assert_eq!(add_months(day(2024, 1, 31), 1), day(2024, 2, 29));
        assert_eq!(add_months(day(2024, 3, 31), -1), day(2024, 2, 29));
        assert_eq!(add_months(day(2024, 1, 31), 13), day(2025, 2, 28));
    }

    #[test]
    fn weeks_belong_to_the_year_of_their_thursday() {
        let day = |year, month, day| days_from_civil(Civil { year, month, day });
        assert_eq!(iso_week(day(2024, 12, 30)), (2025, 1));
        assert_eq!(iso_week(day(2021, 1, 3)), (2020, 53));
    }
}
