//! The names of things: nodes and their lives, queries, stages, tasks, attempts, outputs.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Cluster time, in microseconds since the session began. The scheduler is told the time; it never asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Time(pub u64);

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub struct $name(pub u32);
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { write!(f, concat!($prefix, "{}"), self.0) }
        }
    };
}

id!(
    /// A node, numbered from 1; shown as `worker-1`.
    NodeId, "worker-");
id!(
    /// One life of a node, numbered from 1.
    Incarnation, "life ");
id!(
    /// A query of this session, numbered from 1.
    QueryId, "query ");
id!(
    /// A stage of a query, numbered from 1 in the order they run.
    StageId, "stage ");
id!(
    /// A piece of data: the place of a task in its stage, and of a block in an output. From 0.
    PartitionId, "partition ");
id!(
    /// One try at a task, numbered from 1.
    AttemptNumber, "attempt ");

/// A stage's fragment on one partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TaskId {
    pub query: QueryId,
    pub stage: StageId,
    pub partition: PartitionId,
}

/// One try at a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AttemptId {
    pub task: TaskId,
    pub attempt: AttemptNumber,
}

/// A node in one of its lives: where an attempt runs or an output is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Place {
    pub node: NodeId,
    pub incarnation: Incarnation,
}

impl fmt::Display for TaskId {
    /// `4.1.7`: query, stage, partition.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.query.0, self.stage.0, self.partition.0)
    }
}

impl fmt::Display for AttemptId {
    /// `4.1.7#2`: query, stage, partition, attempt.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.task, self.attempt.0)
    }
}

impl fmt::Display for Place {
    /// `worker-2/1`: node, incarnation.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.node, self.incarnation.0)
    }
}
