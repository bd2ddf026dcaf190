//! Noticing that something in a folder changed. What changed is found by looking: a notification is only a nudge.

use notify::{EventKind, RecommendedWatcher, RecursiveMode};
use notify_debouncer_full::{DebounceEventResult, Debouncer, RecommendedCache, new_debouncer};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How long a folder must be quiet: a file that is being written is told of once, when it is whole.
const QUIET: Duration = Duration::from_millis(300);

/// Watches folders until it is dropped.
pub(super) struct FolderWatch {
    changed: Arc<AtomicBool>,
    /// None where the system does not offer it.
    _debouncer: Option<Debouncer<RecommendedWatcher, RecommendedCache>>,
}

impl FolderWatch {
    /// Watches `folders` and what is below them.
    pub(super) fn start(folders: &[PathBuf]) -> FolderWatch {
        let changed = Arc::new(AtomicBool::new(false));
        let flag = changed.clone();
        let told = move |events: DebounceEventResult| {
            // Reading a file is an event too. An error may mean lost events: better to look once too often.
            let counts = match events {
                Ok(events) => events.iter().any(|event| !matches!(event.kind, EventKind::Access(_))),
                Err(_) => true,
            };
            if counts {
                flag.store(true, Ordering::Relaxed);
            }
        };
        let debouncer = new_debouncer(QUIET, None, told).ok().map(|mut debouncer| {
            for folder in folders {
                // A folder that cannot be watched is one that does not change by itself; the others still are.
                let _ = debouncer.watch(folder, RecursiveMode::Recursive);
            }
            debouncer
        });
        FolderWatch { changed, _debouncer: debouncer }
    }

    /// Whether there was a change since the last call.
    pub(super) fn take(&self) -> bool {
        self.changed.swap(false, Ordering::Relaxed)
    }
}
