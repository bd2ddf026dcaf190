//! What the scheduler wants done.

use super::event::Timer;
use super::ids::*;
use crate::journal::{Record, TaskError};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

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
    /// The timer is not needed any more; if it fires all the same, it is ignored.
    ClearTimer { timer: Timer },
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
    /// It ran longer than it may.
    TimeLimit { limit_us: u64 },
    /// The user canceled it.
    Canceled,
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Action::PlanStage { query, stage } => write!(f, "plan stage {}.{}", query.0, stage.0),
            Action::Launch { attempt, place, inputs } => {
                write!(f, "launch {attempt} on {place}")?;
                inputs.iter().try_for_each(|input| write!(f, ", reads {}.{}", attempt.task.query.0, input))
            }
            Action::StopAttempt { attempt, place } => write!(f, "stop {attempt} on {place}"),
            Action::DropOutput { task, place } => write!(f, "drop output {task} on {place}"),
            Action::DropQuery { query } => write!(f, "drop all of {query}"),
            Action::SetTimer { at, timer: Timer::TimeLimit { query } } => write!(f, "end {query} at {} us", at.0),
            Action::ClearTimer { timer: Timer::TimeLimit { query } } => write!(f, "no end for {query} any more"),
            Action::FinishQuery { query } => write!(f, "finish {query}"),
            Action::FailQuery { query, error } => write!(f, "fail {query}: {error}"),
            Action::Record(record) => write!(f, "record {}", Decision(record)),
        }
    }
}

impl fmt::Display for InputLocations {
    /// `1 from worker-1/1 (0#1 2#1), worker-2/1 (1#2)`: the stage, then by place the partitions and attempts.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut by_place: BTreeMap<Place, Vec<String>> = BTreeMap::new();
        for (partition, output) in self.outputs.iter().enumerate() {
            by_place.entry(output.place).or_default().push(format!("{partition}#{}", output.attempt.0));
        }
        write!(f, "{}", self.stage.0)?;
        for (index, (place, outputs)) in by_place.iter().enumerate() {
            write!(f, "{}{place} ({})", if index == 0 { " from " } else { ", " }, outputs.join(" "))?;
        }
        Ok(())
    }
}

impl fmt::Display for QueryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            QueryError::NodeLost { place, cause } => write!(f, "{place} was lost ({cause})"),
            QueryError::NoNodes => f.write_str("no node is left"),
            QueryError::Task { attempt, place, failures, error } => {
                write!(f, "{attempt} failed on {place} ({}), failure {failures} of its task: {error}", error.code())
            }
            QueryError::StageAttempts { stage, attempts } => {
                write!(f, "{stage} could not fetch its inputs {attempts} times in a row")
            }
            QueryError::Checksum { task } => write!(f, "the output of {task} is not what it was the first time"),
            QueryError::TimeLimit { limit_us } => write!(f, "ran longer than {limit_us} us"),
            QueryError::Canceled => f.write_str("canceled"),
        }
    }
}

/// A record as one line; those that the scheduler writes in words, all others as they are.
struct Decision<'a>(&'a Record);

impl fmt::Display for Decision<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Record::StagePlanned { query, stage, tasks } => {
                write!(f, "stage {}.{}: {tasks} {}", query.0, stage.0, if *tasks == 1 { "task" } else { "tasks" })
            }
            Record::StageCompleted { query, stage } => write!(f, "stage {}.{}: complete", query.0, stage.0),
            Record::AttemptLost { attempt, place } => write!(f, "{attempt}: lost on {place}"),
            Record::OutputsLost { query, stage, place, needed, not_needed } => {
                write!(f, "stage {}.{}: outputs lost with {place}:", query.0, stage.0)?;
                write!(f, " {} needed, {} not needed", Partitions(needed), Partitions(not_needed))
            }
            Record::Recompute { query, stage, tasks, needed_by, because } => {
                write!(f, "stage {}.{}: recompute {}", query.0, stage.0, Partitions(tasks))?;
                write!(f, ", needed by {needed_by}, lost with {because}")
            }
            Record::Restart { query, stage, tasks } => {
                write!(f, "stage {}.{}: restart {}", query.0, stage.0, Partitions(tasks))
            }
            Record::Recovered { query, stage, tasks } => {
                write!(f, "stage {}.{}: recovered, {tasks} of {tasks}", query.0, stage.0)
            }
            other => write!(f, "{other:?}"),
        }
    }
}

/// A list of partitions: `0 2 3`, or `none`.
struct Partitions<'a>(&'a [PartitionId]);

impl fmt::Display for Partitions<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list: Vec<String> = self.0.iter().map(|partition| partition.0.to_string()).collect();
        f.write_str(if list.is_empty() { "none" } else { "" })?;
        f.write_str(&list.join(" "))
    }
}
