//! What the scheduler wants done.

use super::event::Timer;
use super::ids::*;
use crate::journal::{Record, TaskError};
use serde::{Deserialize, Serialize};

/// One thing for the driver to do. Actions are performed in order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Action {
    /// All inputs of the stage are complete (or it has none): say how many tasks it has.
    PlanStage { query: QueryId, stage: StageId },
    /// Run an attempt. The inputs say where each producer output is now, by stage and then by partition.
    Launch { attempt: AttemptId, place: Place, inputs: Vec<InputLocations> },
    /// Stop an attempt whose result is not wanted any more; its report would be ignored.
    StopAttempt { attempt: AttemptId, place: Place },
    /// Forget a stored output: nobody will ask for it again.
    DropOutput { task: TaskId, place: Place },
    /// The query is over: drop whatever any node still holds of it.
    DropQuery { query: QueryId },
    /// Send [`super::Event::TimerFired`] at `at` or as soon after it as possible.
    SetTimer { at: Time, timer: Timer },
    /// All result tasks are done: release the rows.
    FinishQuery { query: QueryId },
    /// The query failed: no rows.
    FailQuery { query: QueryId, error: QueryError },
    /// Something worth remembering; the driver adds the time and appends it to the journal.
    Record(Record),
}

/// Where the outputs of one producer stage are, by partition of the producer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputLocations {
    pub stage: StageId,
    pub outputs: Vec<OutputLocation>,
}

/// Where one output is, and which attempt made it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputLocation {
    pub attempt: AttemptNumber,
    pub place: Place,
}

/// Why a query failed, typed; the text is made by the shell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum QueryError {
    /// A node was lost in a mode that does not recover.
    NodeLost { place: Place, cause: super::event::LossCause },
    /// No node is left to run on.
    NoNodes,
    /// A task failed for good: a user error in any mode, any failure in abort, too many failures in recompute.
    Task { attempt: AttemptId, place: Place, failures: u32, error: TaskError },
    /// A stage could not get its inputs too many times in a row.
    StageAttempts { stage: StageId, attempts: u32 },
    /// A recomputed output was not the same as the lost one.
    Checksum { task: TaskId },
    /// The user canceled it.
    Canceled,
}
