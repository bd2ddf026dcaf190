//! A query on its way through the cluster: what its tasks share, and where its outcome is handed over.

use super::contract::{QueryOutcome, QuerySnapshot};
use super::graph;
use super::lock;
use super::task::{guarded, pieces_of};
use crate::catalog::Piece;
use crate::functions::QueryClock;
use crate::journal::TaskError;
use crate::kernel::CompiledStage;
use crate::plan::physical::{PhysicalQuery, Tasks};
use crate::scheduler::graph::{Read, StageInput};
use crate::scheduler::{StageId, TaskId};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

/// What all tasks of a query share. Compiled once, read by every node.
pub(crate) struct QueryContext {
    pub clock: QueryClock,
    pub stages: Vec<StageContext>,
    /// Rows read from tables so far.
    pub rows_read: Arc<AtomicU64>,
}

/// A stage, ready to run.
pub(crate) struct StageContext {
    pub id: StageId,
    pub tasks: Tasks,
    pub reads: Vec<StageInput>,
    pub compiled: CompiledStage,
}

impl QueryContext {
    /// Compiles every stage of a plan; an error comes with the stage that does not compile.
    pub(crate) fn compile(plan: &PhysicalQuery, clock: QueryClock) -> Result<QueryContext, (StageId, TaskError)> {
        let mut stages = Vec::with_capacity(plan.stages.len());
        for stage in &plan.stages {
            let compiled = guarded(|| CompiledStage::compile(stage)).map_err(|error| (stage.id, error))?;
            stages.push(StageContext {
                id: stage.id,
                tasks: stage.tasks.clone(),
                reads: graph::reads(&stage.fragment),
                compiled,
            });
        }
        Ok(QueryContext { clock, stages, rows_read: Arc::default() })
    }

    pub(crate) fn stage(&self, stage: StageId) -> Option<&StageContext> {
        self.stages.iter().find(|s| s.id == stage)
    }

    /// Whether the stage's outputs are the query's result.
    pub(crate) fn is_result(&self, stage: StageId) -> bool {
        self.stages.last().is_some_and(|last| last.id == stage)
    }

    /// The pieces that a task scans.
    pub(crate) fn pieces(&self, task: TaskId) -> Vec<Piece> {
        self.stage(task.stage).map_or_else(Vec::new, |stage| pieces_of(&stage.tasks, task.partition))
    }

    /// How `stage` reads the output of `input`.
    pub(crate) fn read(&self, stage: StageId, input: StageId) -> Read {
        let reads = self.stage(stage).map_or(&[][..], |stage| &stage.reads);
        reads.iter().find(|read| read.stage == input).map_or(Read::All, |read| read.read)
    }
}

/// Where the outcome of a query waits for whoever asked for it.
#[derive(Default)]
pub(crate) struct Delivery {
    state: Mutex<Option<(QueryOutcome, QuerySnapshot)>>,
    delivered: Condvar,
}

impl Delivery {
    /// Hands the outcome over, with the last picture of the query. The first one stays.
    pub(crate) fn deliver(&self, outcome: QueryOutcome, last: QuerySnapshot) {
        let mut state = lock(&self.state);
        state.get_or_insert((outcome, last));
        drop(state);
        self.delivered.notify_all();
    }

    /// The outcome, once it is there; waits until `deadline` at most, or as long as it takes.
    pub(crate) fn wait(&self, timeout: Option<Duration>) -> Option<QueryOutcome> {
        let deadline = timeout.map(|timeout| Instant::now() + timeout);
        let mut state = lock(&self.state);
        loop {
            if let Some((outcome, _)) = &*state {
                return Some(outcome.clone());
            }
            state = match deadline {
                None => self.delivered.wait(state).unwrap_or_else(|poisoned| poisoned.into_inner()),
                Some(deadline) => {
                    let rest = deadline.saturating_duration_since(Instant::now());
                    if rest.is_zero() {
                        return None;
                    }
                    self.delivered.wait_timeout(state, rest).unwrap_or_else(|poisoned| poisoned.into_inner()).0
                }
            };
        }
    }

    /// The last picture of the query, once it is over.
    pub(crate) fn last_snapshot(&self) -> Option<QuerySnapshot> {
        lock(&self.state).as_ref().map(|(_, snapshot)| snapshot.clone())
    }
}
