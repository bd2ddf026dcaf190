//! What the cluster hands to a task, and what it gets back.

use super::Block;
use crate::catalog::Piece;
use crate::functions::QueryClock;
use crate::journal::TaskError;
use crate::scheduler::StageId;
use std::any::Any;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

/// What one task reads.
#[derive(Debug, Clone, Default)]
pub struct TaskInputs {
    /// Pieces of the table that the fragment scans.
    pub pieces: Vec<Piece>,
    /// For each stage that the fragment reads: the blocks for this task, in order of producer partition.
    pub exchanges: BTreeMap<StageId, Vec<Arc<Block>>>,
}

/// What one task puts out: a block for each partition of its exchange.
#[derive(Debug, Clone)]
pub struct TaskOutput {
    pub blocks: Vec<Arc<Block>>,
    pub input_rows: u64,
    pub input_bytes: u64,
    pub peak_memory_bytes: u64,
}

/// What surrounds a task on its node.
#[derive(Clone)]
pub struct TaskContext {
    pub clock: QueryClock,
    /// Set when the attempt's result is not wanted any more; looked at between batches.
    pub stop: Arc<AtomicBool>,
    /// Tables built from broadcasts, shared by the tasks of one query on one node.
    pub shared: Arc<SharedBuilds>,
    /// Rows read from tables so far, for the progress line.
    pub rows_read: Arc<AtomicU64>,
}

impl TaskContext {
    /// A context for running a fragment by itself (tests, constant queries).
    pub fn alone(clock: QueryClock) -> TaskContext {
        TaskContext { clock, stop: Arc::default(), shared: Arc::default(), rows_read: Arc::default() }
    }

    /// Whether to stop now.
    pub fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

/// A build side, if it is made; held while it is being made.
type Slot = Arc<Mutex<Option<Arc<dyn Any + Send + Sync>>>>;

/// Build sides that are made once per node and query, by the stage that was broadcast and the place of the join that reads it.
#[derive(Default)]
pub struct SharedBuilds {
    slots: Mutex<BTreeMap<(StageId, u64), Slot>>,
}

impl SharedBuilds {
    /// The build for `key`, made by `build` if nobody has; others that ask meanwhile wait. An error of `build` is
    /// returned and not kept: the next who asks builds again.
    pub fn get_or_build<T: Any + Send + Sync>(
        &self,
        key: (StageId, u64),
        build: impl FnOnce() -> Result<Arc<T>, TaskError>,
    ) -> Result<Arc<T>, TaskError> {
        let slot = self.slots.lock().unwrap_or_else(|e| e.into_inner()).entry(key).or_default().clone();
        let mut made = slot.lock().unwrap_or_else(|e| e.into_inner());
        let shared = match &*made {
            Some(shared) => shared.clone(),
            None => made.insert(build()?).clone(),
        };
        shared.downcast::<T>().map_err(|_| TaskError::bug("two kinds of build side under one key"))
    }
}
