//! What the scheduler knows of a query: its stages, who reads whom, and the rules it runs under. No data, no SQL.

use super::ids::*;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The stages of one query, in the order of their ids; every input of a stage has a smaller id; the last stage is the
/// result stage, whose outputs go to the coordinator with the report and are never lost again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Graph {
    pub stages: Vec<StageNode>,
}

impl Graph {
    /// Whether the ids go up and every input is an earlier stage of this graph. A scheduler may be given no other.
    pub fn is_well_formed(&self) -> bool {
        let known = |stage: StageId| self.stages.iter().any(|node| node.id == stage);
        let earlier = |node: &StageNode| node.inputs.iter().all(|input| input.stage < node.id && known(input.stage));
        self.stages.is_sorted_by(|a, b| a.id < b.id) && self.stages.iter().all(earlier)
    }
}

/// One stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageNode {
    pub id: StageId,
    pub inputs: Vec<StageInput>,
    /// Share of the query's progress, frozen when the query starts; any unit.
    pub weight: u64,
}

/// An exchange that a stage reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageInput {
    pub stage: StageId,
    pub read: Read,
}

/// Which blocks of the producer a consumer task needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Read {
    /// Consumer task `p` reads block `p` of every producer task.
    Partition,
    /// Every consumer task reads the one block of every producer task (broadcast, gather).
    All,
}

/// How the cluster answers a failure. Fixed for a query when it starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// As Trino with retry-policy NONE: a lost node or a failed task fails the query at once.
    Abort,
    /// As Spark: only the lost outputs that are still needed are computed again.
    Recompute,
}

impl fmt::Display for Graph {
    /// `1, 2, 3 <- 1 + all 2`: each stage and what it reads; `all` where every task reads everything.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, node) in self.stages.iter().enumerate() {
            write!(f, "{}{node}", if index == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}

impl fmt::Display for StageNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.id.0)?;
        for (index, input) in self.inputs.iter().enumerate() {
            let all = match input.read {
                Read::Partition => "",
                Read::All => "all ",
            };
            write!(f, "{}{all}{}", if index == 0 { " <- " } else { " + " }, input.stage.0)?;
        }
        Ok(())
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Mode::Abort => "abort",
            Mode::Recompute => "recompute",
        })
    }
}

/// The limits that a query runs under; defaults are Spark's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Limits {
    /// Counted failures of one task before the query fails (`spark.task.maxFailures`).
    pub task_max_failures: u32,
    /// Times one stage may be resubmitted in a row after failed fetches (`spark.stage.maxConsecutiveAttempts`).
    pub stage_max_attempts: u32,
    /// Microseconds after which the query fails, recoveries included; None is never.
    pub time_us: Option<u64>,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { task_max_failures: 4, stage_max_attempts: 4, time_us: None }
    }
}
