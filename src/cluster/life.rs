//! One life of a node: what it runs and what it keeps, until it is killed. Both drivers use it.

use super::clock::Tempo;
use super::lock;
use super::store::Store;
use super::task::Assignment;
use crate::kernel::{Block, SharedBuilds};
use crate::scheduler::{AttemptId, Place, QueryId, TaskId};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

/// A node from its start to its end. Once closed it takes nothing, gives nothing and publishes nothing.
pub(crate) struct Life {
    pub(crate) place: Place,
    state: Mutex<State>,
    /// Something that a waiting slot looks at has changed.
    changed: Condvar,
    /// Attempts whose computation has begun and not ended, those of a closed life included.
    computing: AtomicU32,
}

struct State {
    open: bool,
    store: Store,
    /// The attempts that were accepted and are not over, each with its stop flag.
    running: BTreeMap<AttemptId, Arc<AtomicBool>>,
    /// Tables built from broadcasts.
    builds: BTreeMap<QueryId, Arc<SharedBuilds>>,
}

/// What the coordinator tells a node.
pub(crate) enum NodeMessage {
    Launch(Assignment),
    Stop(AttemptId),
    DropOutput(TaskId),
    DropQuery(QueryId),
}

impl Life {
    pub(crate) fn new(place: Place) -> Life {
        let state = State { open: true, store: Store::default(), running: BTreeMap::new(), builds: BTreeMap::new() };
        Life { place, state: Mutex::new(state), changed: Condvar::new(), computing: AtomicU32::new(0) }
    }

    /// Takes note of a message. An attempt to be run is given back, if the node still takes work.
    pub(crate) fn hear(&self, message: NodeMessage) -> Option<Assignment> {
        let mut state = lock(&self.state);
        if !state.open {
            return None;
        }
        match message {
            NodeMessage::Launch(assignment) => {
                state.running.insert(assignment.attempt, assignment.stop.clone());
                return Some(assignment);
            }
            NodeMessage::Stop(attempt) => state.stop(|running| running == attempt),
            NodeMessage::DropOutput(task) => state.store.drop_output(task),
            NodeMessage::DropQuery(query) => {
                state.stop(|running| running.task.query == query);
                state.store.drop_query(query);
                state.builds.remove(&query);
            }
        }
        drop(state);
        self.changed.notify_all();
        None
    }

    /// Ends this life: everything kept is gone, everything running is told to stop. Returns how many outputs were lost.
    pub(crate) fn close(&self) -> u64 {
        let mut state = lock(&self.state);
        state.open = false;
        state.stop(|_| true);
        state.builds.clear();
        let lost = std::mem::take(&mut state.store);
        drop(state);
        self.changed.notify_all();
        lost.len()
    }

    pub(crate) fn is_open(&self) -> bool {
        lock(&self.state).open
    }

    /// The tables that the query's tasks on this node share.
    pub(crate) fn builds(&self, query: QueryId) -> Arc<SharedBuilds> {
        lock(&self.state).builds.entry(query).or_default().clone()
    }

    /// A block of an output that is kept here.
    pub(crate) fn fetch(&self, attempt: AttemptId, block: usize) -> Option<Arc<Block>> {
        lock(&self.state).store.get(attempt.task, attempt.attempt, block)
    }

    /// Ends an attempt. True if it was wanted until now; then its blocks, if it leaves any here, are kept.
    pub(crate) fn publish(&self, attempt: AttemptId, blocks: Option<Vec<Arc<Block>>>) -> bool {
        let mut state = lock(&self.state);
        let wanted = state.running.remove(&attempt).is_some_and(|stop| !stop.load(Ordering::Relaxed));
        if wanted && let Some(blocks) = blocks {
            state.store.put(attempt, blocks);
        }
        wanted
    }

    /// Runs `compute`, counted as computing.
    pub(crate) fn computing<T>(&self, compute: impl FnOnce() -> T) -> T {
        self.computing.fetch_add(1, Ordering::Relaxed);
        let result = compute();
        self.computing.fetch_sub(1, Ordering::Relaxed);
        result
    }

    /// How many computations have not ended.
    pub(crate) fn computing_now(&self) -> u32 {
        self.computing.load(Ordering::Relaxed)
    }

    /// Waits until an attempt that began at `began` and needed `work` has lasted as long as pace and slowness ask for, or is stopped.
    /// A change of the pace counts at once.
    pub(crate) fn linger(&self, stop: &AtomicBool, began: Instant, work: Duration, tempo: &Tempo, slow_factor: u32) {
        let mut state = lock(&self.state);
        while !stop.load(Ordering::Relaxed) {
            let rest = tempo.stretch(work, slow_factor).saturating_sub(began.elapsed());
            if rest.is_zero() {
                return;
            }
            let waited = self.changed.wait_timeout(state, rest);
            state = waited.unwrap_or_else(|poisoned| poisoned.into_inner()).0;
        }
    }

    /// Lets waiting slots look again.
    pub(crate) fn nudge(&self) {
        drop(lock(&self.state));
        self.changed.notify_all();
    }

    /// Outputs kept, and their bytes.
    pub(crate) fn kept(&self) -> (u64, u64) {
        let state = lock(&self.state);
        (state.store.len(), state.store.bytes())
    }

    /// How many attempts were accepted and are not over.
    pub(crate) fn running(&self) -> u32 {
        lock(&self.state).running.len() as u32
    }
}

impl State {
    /// Raises the stop flags of the attempts that `which` names and forgets them.
    fn stop(&mut self, which: impl Fn(AttemptId) -> bool) {
        self.running.retain(|attempt, stop| {
            let stops = which(*attempt);
            if stops {
                stop.store(true, Ordering::Relaxed);
            }
            !stops
        });
    }
}
