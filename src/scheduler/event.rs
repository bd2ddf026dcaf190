//! What can happen, as the scheduler is told of it.

use super::graph::{Graph, Limits, Mode};
use super::ids::*;
use crate::journal::TaskError;
use serde::{Deserialize, Serialize};
use std::fmt;

/// One thing that happened. Anything in it that does not match the present (an old attempt, a past incarnation, a query
/// that is over) is ignored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Event {
    /// A node is ready for work, for the first time or in a new life.
    NodeJoined { place: Place, slots: u32 },
    /// A node is gone with its store and whatever ran on it.
    NodeLost { place: Place, cause: LossCause },
    /// A new query.
    QuerySubmitted { query: QueryId, graph: Graph, mode: Mode, limits: Limits },
    /// The answer to [`super::Action::PlanStage`]: how many tasks the stage has, none if it turned out not to be needed, and which of its
    /// inputs they read. It stays so for the query's life.
    StagePlanned { query: QueryId, stage: StageId, tasks: u32, inputs: Vec<StageId> },
    /// An attempt is done and its output is in the store of `place` (a result stage's: at the coordinator).
    TaskFinished { attempt: AttemptId, place: Place, output: OutputSummary },
    /// An attempt failed on its node.
    TaskFailed { attempt: AttemptId, place: Place, error: TaskError },
    /// An attempt could not read an input: the output of `source` at `from` is not there or not reachable.
    FetchFailed { attempt: AttemptId, place: Place, source: TaskId, from: Place },
    /// The user does not want the answer any more.
    CancelRequested { query: QueryId },
    /// A timer set by [`super::Action::SetTimer`] is due.
    TimerFired { timer: Timer },
}

/// How a node was lost, for the record and the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum LossCause {
    /// Its mailbox is closed: the process is dead.
    Crashed,
    /// No heartbeat for the timeout: hung or cut off.
    Unresponsive,
}

/// What is known of an output without holding it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct OutputSummary {
    pub rows: u64,
    pub bytes: u64,
    /// Logical checksum over all blocks; a recomputed output must have the same.
    pub checksum: u64,
}

/// What a timer is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Timer {
    /// The query has run for as long as it may ([`super::graph::Limits::time_us`]).
    TimeLimit { query: QueryId },
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Event::NodeJoined { place, slots } => write!(f, "{place} joins with {slots} slots"),
            Event::NodeLost { place, cause } => write!(f, "{place} is lost: {cause}"),
            Event::QuerySubmitted { query, graph, mode, .. } => write!(f, "{query} submitted, {mode}: {graph}"),
            Event::StagePlanned { query, stage, tasks, inputs } => {
                write!(f, "stage {}.{} has {tasks} tasks", query.0, stage.0)?;
                inputs
                    .iter()
                    .enumerate()
                    .try_for_each(|(i, input)| write!(f, "{}{}", if i == 0 { ", reads " } else { " and " }, input.0))
            }
            Event::TaskFinished { attempt, place, output } => write!(f, "{attempt} finished on {place}: {output}"),
            Event::TaskFailed { attempt, place, error } => write!(f, "{attempt} failed on {place}: {error}"),
            Event::FetchFailed { attempt, place, source, from } => {
                write!(f, "{attempt} on {place} could not fetch {source} from {from}")
            }
            Event::CancelRequested { query } => write!(f, "{query} is to be canceled"),
            Event::TimerFired { timer: Timer::TimeLimit { query } } => write!(f, "the time of {query} is over"),
        }
    }
}

impl fmt::Display for LossCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            LossCause::Crashed => "crashed",
            LossCause::Unresponsive => "unresponsive",
        })
    }
}

impl fmt::Display for OutputSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} rows, {} bytes, checksum {:x}", self.rows, self.bytes, self.checksum)
    }
}
