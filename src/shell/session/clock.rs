//! What time it is in the session: real time, or time that starts at the date which the data sets.

use crate::functions::QueryClock;
use crate::scheduler::Time;
use std::time::{SystemTime, UNIX_EPOCH};

const DAY_US: i64 = 86_400_000_000;

/// 2026-01-01: where a seeded session starts if nothing sets a date, because it must be the same every time.
const SEEDED_START_DAY: i32 = 20_454;

/// Maps cluster time to calendar time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionClock {
    /// Calendar time at cluster time 0, in microseconds since 1970 UTC.
    pub start_us: i64,
    seed: u64,
}

impl SessionClock {
    /// Starts at the beginning of `today` (days since 1970), or now.
    pub fn new(today: Option<i32>, seed: Option<u64>) -> SessionClock {
        let start_us = match (today, seed) {
            (Some(day), _) => i64::from(day) * DAY_US,
            (None, Some(_)) => i64::from(SEEDED_START_DAY) * DAY_US,
            (None, None) => wall_us(),
        };
        SessionClock { start_us, seed: seed.unwrap_or(0) }
    }

    /// The same clock after `today` was set or reset at cluster time `now`: that day begins now.
    pub fn moved_to(self, today: Option<i32>, now: Time, seeded: bool) -> SessionClock {
        let day_us = match today {
            Some(day) => i64::from(day) * DAY_US,
            None if seeded => i64::from(SEEDED_START_DAY) * DAY_US,
            None => wall_us(),
        };
        SessionClock { start_us: day_us - now.0 as i64, seed: self.seed }
    }

    /// The facts that are fixed for a query that starts at cluster time `now`, the `number`th of the session, in its time zone.
    pub fn for_query(self, now: Time, number: u64, zone: chrono_tz::Tz) -> QueryClock {
        // Any odd constant: neighbouring queries get unlike seeds.
        let seed = (self.seed ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        QueryClock { now_us: self.start_us + now.0 as i64, seed, zone }
    }
}

fn wall_us() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_starts_the_clock_and_moves_it() {
        let clock = SessionClock::new(Some(10), None);
        assert_eq!(clock.for_query(Time(5), 1, chrono_tz::UTC).now_us, 10 * DAY_US + 5);
        assert_eq!(clock.moved_to(Some(11), Time(5), false).for_query(Time(5), 2, chrono_tz::UTC).now_us, 11 * DAY_US);
        assert_eq!(SessionClock::new(None, Some(1)), SessionClock::new(None, Some(1)));
    }
}
