//! Who looks on while a query runs. The session hands every running query to one of these and gets its outcome back.

use super::Narrator;
use crate::cluster::{Cluster, QueryOutcome, RunningQuery};
use crate::journal::Journal;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// A running query and what surrounds it.
pub struct Watched<'a> {
    pub query: &'a RunningQuery,
    pub cluster: &'a Cluster,
    pub journal: &'a Journal,
    /// The journal's next number when the query was submitted: its story begins there.
    pub first_entry: u64,
    /// A line above the story, where several runs are told one after the other.
    pub heading: Option<&'a str>,
}

/// Waits for queries.
pub trait Watch {
    /// Returns when the query is over.
    fn watch(&mut self, watched: &Watched<'_>) -> QueryOutcome;
}

/// Just waits: for tests and for embedding.
pub struct SilentWatch;

impl Watch for SilentWatch {
    fn watch(&mut self, watched: &Watched<'_>) -> QueryOutcome {
        watched.query.wait()
    }
}

/// Writes failures and recoveries to stderr as they happen, without a live view. Cancels the query when `interrupted`
/// becomes true.
pub struct PlainWatch {
    pub interrupted: Arc<AtomicBool>,
}

/// How often a waiting shell looks whether something happened.
const LOOK_EVERY: Duration = Duration::from_millis(50);

impl Watch for PlainWatch {
    fn watch(&mut self, watched: &Watched<'_>) -> QueryOutcome {
        let mut story = Story::new(watched);
        loop {
            let outcome = watched.query.wait_for(LOOK_EVERY);
            for line in story.news(watched) {
                // Nobody reads stderr: the query goes on all the same.
                let _ = writeln!(std::io::stderr(), "{line}");
            }
            if let Some(outcome) = outcome {
                return outcome;
            }
            if self.interrupted.load(Ordering::Relaxed) {
                watched.cluster.cancel(watched.query.id());
            }
        }
    }
}

/// The lines of a query's story that have not been shown yet.
pub(super) struct Story {
    narrator: Narrator,
    next_entry: u64,
    /// Until it has been shown.
    heading: Option<String>,
}

impl Story {
    /// From the query's first entry on.
    pub(super) fn new(watched: &Watched<'_>) -> Story {
        Story {
            narrator: Narrator::new(watched.query.id()),
            next_entry: watched.first_entry,
            heading: watched.heading.map(str::to_string),
        }
    }

    /// The lines since the last time.
    pub(super) fn news(&mut self, watched: &Watched<'_>) -> Vec<String> {
        let entries = watched.journal.entries_from(self.next_entry);
        if let Some(last) = entries.last() {
            self.next_entry = last.seq + 1;
        }
        let told = entries.iter().flat_map(|entry| self.narrator.tell(entry));
        self.heading.take().into_iter().chain(told).collect()
    }
}
