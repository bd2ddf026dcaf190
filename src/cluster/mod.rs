//! The driver loop, the nodes, the network between them, the faults: the only threads and the only clock.
//!
//! - `handle`: [`Cluster`] and [`RunningQuery`], what the shell holds;
//! - `coordinator`: performs what the scheduler decides, the same in both drivers;
//! - `threads` and `deterministic`: the two drivers, behind one `transport`;
//! - `life`, `store`, `task`: one life of a node, what it keeps, and how it runs an attempt;
//! - `network` and `mailbox`: the way of every message and every fetch;
//! - `faults`: what was injected, and when it fires;
//! - `local`: queries that need no node;
//! - `graph`: a plan as the scheduler sees it, and as people read it.

mod clock;
pub mod contract;
mod coordinator;
mod deterministic;
mod ending;
mod faults;
mod graph;
mod handle;
mod life;
mod local;
mod mailbox;
mod network;
mod query;
mod store;
mod task;
mod threads;
mod transport;

pub use contract::*;
pub use faults::describe as describe_fault;
pub use handle::{Cluster, RunningQuery};

use std::sync::{Mutex, MutexGuard};

/// Locks, whether or not a thread panicked while it held the lock: tasks run outside of every lock, and what is inside is
/// changed in single steps.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}
