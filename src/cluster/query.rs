//! A query on its way through the cluster: what its tasks share, and where its outcome is handed over.

use super::contract::{QueryOutcome, QuerySnapshot};
use super::graph;
use super::lock;
use super::task::{guarded, pieces_of};
use crate::catalog::Piece;
use crate::functions::QueryClock;
use crate::journal::TaskError;
use crate::kernel::CompiledStage;
use crate::plan::adapt::{Adapted, BlockBytes, adapt};
use crate::plan::physical::{PhysicalQuery, Stage, Tasks};
use crate::scheduler::graph::{Read, StageInput};
use crate::scheduler::{PartitionId, StageId, TaskId};
use std::ops::Range;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Condvar, Mutex, OnceLock};
use std::time::{Duration, Instant};

/// What all tasks of a query share. Compiled once, read by every node.
pub(crate) struct QueryContext {
    pub clock: QueryClock,
    pub stages: Vec<StageContext>,
    plan: Arc<PhysicalQuery>,
    /// Rows read from tables so far.
    pub rows_read: Arc<AtomicU64>,
}

/// A stage, ready to run as it was planned, or as it was decided when its inputs were complete.
pub(crate) struct StageContext {
    pub id: StageId,
    /// Blocks of each of its outputs.
    pub blocks: u32,
    planned: StageRun,
    adapted: OnceLock<StageRun>,
}

/// What the tasks of a stage do.
pub(crate) struct StageRun {
    pub tasks: Tasks,
    pub reads: Vec<StageInput>,
    compiled: Result<CompiledStage, TaskError>,
}

impl StageContext {
    /// What its tasks do, as far as it is known now.
    pub(crate) fn run(&self) -> &StageRun {
        self.adapted.get().unwrap_or(&self.planned)
    }
}

impl StageRun {
    fn compile(stage: &Stage) -> StageRun {
        StageRun {
            tasks: stage.tasks.clone(),
            reads: graph::reads(&stage.fragment),
            compiled: guarded(|| CompiledStage::compile(stage)),
        }
    }

    /// The stage, lowered.
    pub(crate) fn compiled(&self) -> Result<&CompiledStage, TaskError> {
        self.compiled.as_ref().map_err(TaskError::clone)
    }

    /// Which blocks of the output of task `producer` of `input` a task of this stage reads, in order; an output has `blocks` blocks.
    pub(crate) fn blocks_read(&self, task: PartitionId, input: StageId, producer: u32, blocks: u32) -> Range<u32> {
        let read = self.reads.iter().find(|read| read.stage == input).map_or(Read::All, |read| read.read);
        match (read, &self.tasks) {
            (Read::All, _) => 0..blocks,
            (Read::Partition, Tasks::Shares(shares)) => match shares.get(task.0 as usize) {
                Some(share) if share.reads(input, producer) => share.partitions.clone(),
                _ => 0..0,
            },
            (Read::Partition, Tasks::Scan { .. } | Tasks::Partitions { .. } | Tasks::Single) => task.0..task.0 + 1,
        }
    }
}

impl QueryContext {
    /// Compiles every stage of a plan; an error comes with the stage that does not compile.
    pub(crate) fn compile(plan: &Arc<PhysicalQuery>, clock: QueryClock) -> Result<QueryContext, (StageId, TaskError)> {
        let mut stages = Vec::with_capacity(plan.stages.len());
        for stage in &plan.stages {
            let planned = StageRun::compile(stage);
            planned.compiled().map_err(|error| (stage.id, error))?;
            let blocks = stage.exchange.partitions().max(1);
            stages.push(StageContext { id: stage.id, blocks, planned, adapted: OnceLock::new() });
        }
        Ok(QueryContext { clock, stages, plan: plan.clone(), rows_read: Arc::default() })
    }

    /// Decides what was left open about a stage until its inputs are complete, once and for all. Gives the reason where it does not
    /// run as it was planned, and its new title.
    pub(crate) fn adapt(&self, stage: StageId, sizes: &BlockBytes) -> Option<Adaptation> {
        let Adapted { fragment, tasks, why } = adapt(&self.plan, stage, sizes)?;
        let planned = self.plan.stages.iter().find(|s| s.id == stage)?;
        let adapted = Stage { fragment, tasks, ..planned.clone() };
        self.stage(stage)?.adapted.get_or_init(|| StageRun::compile(&adapted));
        Some(Adaptation { title: graph::title(&adapted, self.is_result(stage)), tables: graph::tables(&adapted), why })
    }

    /// Whether the sizes of outputs decide anything.
    pub(crate) fn is_adaptive(&self) -> bool {
        self.plan.adaptive.is_some()
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
        self.stage(task.stage).map_or_else(Vec::new, |stage| pieces_of(&stage.run().tasks, task.partition))
    }
}

/// What became of a stage, for people.
pub(crate) struct Adaptation {
    pub title: String,
    pub tables: Vec<String>,
    pub why: String,
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
