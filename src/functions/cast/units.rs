//! Timestamps of other units than microseconds.

use crate::functions::calendar::is_finite_timestamp;
use crate::sql::DataType;

/// Microseconds of whole seconds or milliseconds, as `to` holds them: rounded, half away from 1970.
pub(super) fn rounded(micros: i64, to: &DataType) -> i64 {
    let unit = if *to == DataType::TimestampS { 1_000_000 } else { 1_000 };
    if !is_finite_timestamp(micros) {
        return micros;
    }
    let rest = micros % unit;
    let away = if rest.abs() * 2 >= unit { unit * rest.signum() } else { 0 };
    micros - rest + away
}

/// The microseconds of nanoseconds, cut off.
pub(in crate::functions) fn micros_of_nanos(nanos: i64) -> i64 {
    if is_finite_timestamp(nanos) { nanos / 1000 } else { nanos }
}

/// Microseconds as nanoseconds; None beyond the years 1677 to 2262.
pub(super) fn nanos_of_micros(micros: i64) -> Option<i64> {
    if is_finite_timestamp(micros) { micros.checked_mul(1000) } else { Some(micros) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_before_and_after_1970_are_rounded_alike() {
        let seconds = |micros| rounded(micros, &DataType::TimestampS);
        assert_eq!([seconds(1_500_000), seconds(1_499_999), seconds(0)], [2_000_000, 1_000_000, 0]);
        assert_eq!([seconds(-500_000), seconds(-400_000), seconds(-600_000)], [-1_000_000, 0, -1_000_000]);
        assert_eq!(rounded(-500, &DataType::TimestampMs), -1_000);
        assert_eq!(seconds(i64::MAX), i64::MAX);
    }

    #[test]
    fn nanoseconds_end_in_2262() {
        assert_eq!(nanos_of_micros(1), Some(1_000));
        assert_eq!(nanos_of_micros(i64::MAX / 1_000 + 1), None);
        assert_eq!(nanos_of_micros(i64::MAX), Some(i64::MAX));
        assert_eq!(micros_of_nanos(-1), 0);
    }
}
