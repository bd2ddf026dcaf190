//! Tells how far a generated table is: a bar on a terminal, one line elsewhere.

use crate::catalog::generated::{Generating, GenerationWatch};
use crate::shell::units;
use std::io::{IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Tables of fewer rows are there before anybody asks.
const WORTH_TELLING: u64 = 100_000;

/// Cells of the bar.
const BAR: u64 = 24;

/// A watch that tells on stderr, and stops the making when `interrupted` becomes true.
pub fn generation_watch(interrupted: Arc<AtomicBool>, quiet: bool) -> GenerationWatch {
    let terminal = std::io::stderr().is_terminal() && !quiet;
    Arc::new(move |progress: &Generating| {
        if let Some(text) = line(progress, terminal).filter(|_| !quiet) {
            // Nobody reads stderr: the table is made all the same.
            let _ = write!(std::io::stderr(), "{text}").and_then(|()| std::io::stderr().flush());
        }
        !interrupted.load(Ordering::Relaxed)
    })
}

fn line(progress: &Generating, terminal: bool) -> Option<String> {
    let Generating { table, rows, of, done } = progress;
    if *of < WORTH_TELLING {
        return None;
    }
    if !terminal {
        return (*rows == 0 && !done)
            .then(|| format!("Making {table}, about {} rows, once; it is kept in the cache.\n", units::count(*of)));
    }
    if *done {
        return Some("\r\x1b[K".to_string());
    }
    let filled = (rows * BAR / of).min(BAR) as usize;
    let (full, empty) = ("=".repeat(filled), " ".repeat(BAR as usize - filled));
    let percent = (rows * 100 / of).min(100);
    Some(format!("\r\x1b[KMaking {table} [{full}{empty}] {percent}% · Ctrl-C cancels"))
}
