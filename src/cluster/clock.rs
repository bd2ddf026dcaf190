//! Cluster time, and how fast it is played to people.

use super::lock;
use crate::scheduler::Time;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// The real clock of the threads driver: microseconds since the start, which stand still while the cluster is paused.
pub(crate) struct Clock {
    state: Mutex<ClockState>,
}

struct ClockState {
    origin: Instant,
    /// When the present pause began.
    paused_at: Option<Instant>,
}

impl Clock {
    /// A clock that shows 0 now.
    pub(crate) fn new() -> Clock {
        Clock { state: Mutex::new(ClockState { origin: Instant::now(), paused_at: None }) }
    }

    /// What it shows.
    pub(crate) fn now(&self) -> Time {
        let state = lock(&self.state);
        let until = state.paused_at.unwrap_or_else(Instant::now);
        Time(until.saturating_duration_since(state.origin).as_micros() as u64)
    }

    /// Stops it, or lets it go on from where it was stopped.
    pub(crate) fn set_paused(&self, paused: bool) {
        let mut state = lock(&self.state);
        match (state.paused_at, paused) {
            (None, true) => state.paused_at = Some(Instant::now()),
            (Some(since), false) => {
                state.origin += since.elapsed();
                state.paused_at = None;
            }
            _ => {}
        }
    }
}

/// The pace: how long a task lasts at least, so that people can follow. Shared by everything that waits for it.
#[derive(Default)]
pub(crate) struct Tempo {
    pace_us: AtomicU64,
}

impl Tempo {
    pub(crate) fn pace(&self) -> Duration {
        Duration::from_micros(self.pace_us.load(Ordering::Relaxed))
    }

    pub(crate) fn set_pace(&self, pace: Duration) {
        self.pace_us.store(pace.as_micros() as u64, Ordering::Relaxed);
    }

    /// How long a task that needs `work` takes on a node that is `slow_factor` times slower than usual.
    pub(crate) fn stretch(&self, work: Duration, slow_factor: u32) -> Duration {
        work.max(self.pace()).saturating_mul(slow_factor.max(1))
    }
}
