//! What the journal holds: one [`Entry`] per event, in order. Everything that is shown is derived from these.

use super::{ErrorCode, TaskError};
use crate::scheduler::action::QueryError;
use crate::scheduler::event::{LossCause, OutputSummary};
use crate::scheduler::graph::Mode;
use crate::scheduler::ids::*;
use serde::{Deserialize, Serialize};

/// A record with its number and its time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// From 1, no gaps.
    pub seq: u64,
    /// Cluster time.
    pub at: Time,
    #[serde(flatten)]
    pub record: Record,
}

/// What happened. Written by the scheduler (decisions), the driver (everything physical) and the session (statements, faults).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Record {
    // The cluster.
    NodeJoined {
        place: Place,
        slots: u32,
    },
    /// `noticed_after_us`: from the failure to its discovery.
    NodeLost {
        place: Place,
        cause: LossCause,
        fault: Option<u32>,
        noticed_after_us: u64,
    },

    // A query.
    QuerySubmitted {
        query: QueryId,
        sql: String,
        mode: Mode,
        nodes_up: u32,
        nodes: u32,
        paced: bool,
    },
    QueryPlanned {
        query: QueryId,
        stages: Vec<StageSummary>,
    },
    StagePlanned {
        query: QueryId,
        stage: StageId,
        tasks: u32,
    },
    /// The sizes of its inputs made a stage run otherwise than it was planned; or not at all, if somebody else does its work.
    StageAdapted {
        query: QueryId,
        stage: StageId,
        title: String,
        inputs: Vec<StageId>,
        /// The tables that it reads itself.
        tables: Vec<String>,
        /// In words for people.
        why: String,
    },
    StageCompleted {
        query: QueryId,
        stage: StageId,
    },
    QueryFinished {
        query: QueryId,
        rows: u64,
    },
    QueryFailed {
        query: QueryId,
        code: ErrorCode,
        message: String,
        error: Option<QueryError>,
    },

    // Tasks.
    AttemptLaunched {
        attempt: AttemptId,
        place: Place,
    },
    AttemptFinished {
        attempt: AttemptId,
        place: Place,
        output: OutputSummary,
        usage: Usage,
    },
    AttemptFailed {
        attempt: AttemptId,
        place: Place,
        error: TaskError,
    },
    /// The attempt was running on a node that was lost, or was stopped.
    AttemptLost {
        attempt: AttemptId,
        place: Place,
    },
    FetchFailed {
        attempt: AttemptId,
        source: TaskId,
        from: Place,
    },

    // Failure and recovery: the scheduler's decisions.
    /// Finished outputs that went with a node, and whether anybody still needs them.
    OutputsLost {
        query: QueryId,
        stage: StageId,
        place: Place,
        needed: Vec<PartitionId>,
        not_needed: Vec<PartitionId>,
    },
    /// These tasks run again because `needed_by` needs their outputs.
    Recompute {
        query: QueryId,
        stage: StageId,
        tasks: Vec<PartitionId>,
        needed_by: StageId,
        because: Place,
    },
    /// These tasks were running on the lost node, or failed for a passing reason, and start again.
    Restart {
        query: QueryId,
        stage: StageId,
        tasks: Vec<PartitionId>,
    },
    /// A stage that had lost outputs is complete again.
    Recovered {
        query: QueryId,
        stage: StageId,
        tasks: u32,
    },

    // Faults.
    FaultArmed {
        fault: u32,
        text: String,
    },
    FaultFired {
        fault: u32,
        query: Option<QueryId>,
        text: String,
        done: u32,
        tasks: u32,
    },
    FaultExpired {
        fault: u32,
        query: QueryId,
        why: String,
    },
    FaultHealed {
        fault: u32,
    },
}

/// A stage as it was planned, for trees and footers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StageSummary {
    pub stage: StageId,
    /// `scan orders, partial sum`.
    pub title: String,
    pub tasks: u32,
    pub inputs: Vec<StageId>,
    /// The tables that it reads itself.
    pub tables: Vec<String>,
}

/// What an attempt used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Usage {
    pub input_rows: u64,
    pub input_bytes: u64,
    /// Time on a slot, pace not included.
    pub compute_us: u64,
    /// Peak of the attempt's reservation.
    pub peak_memory_bytes: u64,
}
