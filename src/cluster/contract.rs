//! What the shell asks of the cluster, and what it hears back.

use crate::functions::QueryClock;
use crate::journal::ErrorCode;
use crate::kernel::Block;
use crate::plan::PhysicalQuery;
use crate::scheduler::action::QueryError;
use crate::scheduler::graph::{Limits, Mode};
use crate::scheduler::{Incarnation, NodeId, QueryId, StageId, Time};
use crate::sql::{Span, statement::FaultSpec};
use std::sync::Arc;
use std::time::Duration;

/// How to start a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterConfig {
    pub nodes: u32,
    pub slots: u32,
    pub driver: DriverKind,
    /// Bytes of memory per node.
    pub memory_per_node: u64,
}

/// Which driver performs the scheduler's actions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DriverKind {
    /// Real threads, real time.
    Threads,
    /// One thread, virtual time; the same seed gives the same journal byte for byte. (`--seed N`)
    Deterministic { seed: u64 },
}

/// A query on its way to the cluster.
#[derive(Debug, Clone)]
pub struct QuerySpec {
    pub sql: String,
    pub plan: Arc<PhysicalQuery>,
    pub mode: Mode,
    pub limits: Limits,
    pub clock: QueryClock,
    /// Reads file tables: it runs on nodes, and armed faults apply to it. Otherwise it runs on the coordinator's own thread,
    /// needs no node, and leaves faults alone.
    pub on_nodes: bool,
}

/// How a query ended.
#[derive(Debug, Clone)]
pub enum QueryOutcome {
    /// The rows, in order.
    Finished {
        blocks: Vec<Arc<Block>>,
    },
    Failed {
        code: ErrorCode,
        message: String,
        span: Option<Span>,
        error: QueryError,
    },
}

/// A node, for SHOW NODES and the prompt.
#[derive(Debug, Clone, PartialEq)]
pub struct NodeStatus {
    pub node: NodeId,
    pub incarnation: Incarnation,
    pub up: bool,
    pub slots: u32,
    pub running: u32,
    pub outputs: u64,
    pub memory_bytes: u64,
    pub memory_limit_bytes: u64,
    /// Attempts still computing for a past incarnation: fenced, unable to publish.
    pub orphans: u32,
    pub slow_factor: Option<u32>,
    /// The fault that took it down.
    pub fault: Option<u32>,
    /// When it went down, in which query, and how many outputs went with it.
    pub lost: Option<(Time, Option<QueryId>, u64)>,
}

/// A fault, for SHOW FAULTS.
#[derive(Debug, Clone, PartialEq)]
pub struct FaultStatus {
    pub fault: u32,
    pub spec: FaultSpec,
    /// As it would be typed.
    pub text: String,
    pub state: FaultState,
}

/// Where a fault is in its life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FaultState {
    /// Waits for the next query that runs on nodes.
    Armed,
    Fired {
        query: Option<QueryId>,
        at: Time,
    },
    /// Its query ended before its moment came.
    NeverFired {
        query: QueryId,
        why: String,
    },
    Healed,
}

/// What came of an INJECT.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InjectReply {
    Armed {
        fault: u32,
    },
    /// It happened at once.
    Crashed {
        fault: u32,
        node: NodeId,
        query: Option<QueryId>,
        up: u32,
        nodes: u32,
    },
    Slowed {
        fault: u32,
        node: NodeId,
    },
    /// Nothing was done: the node is down already, because of this fault.
    AlreadyDown {
        node: NodeId,
        fault: Option<u32>,
    },
    /// No such node; there are nodes 1 to `nodes`.
    NoSuchNode {
        node: NodeId,
        nodes: u32,
    },
}

/// The state of a running query, for progress and the dashboard. A copy, taken under a lock for a moment.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct QuerySnapshot {
    pub elapsed: Duration,
    /// 0 to 1; never goes back.
    pub progress: f64,
    pub stages: Vec<StageSnapshot>,
    pub rows_read: u64,
    pub bytes_read: u64,
    pub paused: bool,
    pub pace: Duration,
}

/// The state of a stage.
#[derive(Debug, Clone, PartialEq)]
pub struct StageSnapshot {
    pub stage: StageId,
    pub title: String,
    pub rows: u64,
    pub bytes: u64,
    pub tasks: Vec<TaskSnapshot>,
}

/// The state of a task: its cell on the dashboard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskSnapshot {
    Queued,
    Running(NodeId),
    Done(NodeId),
    /// Lost or failed, and to be run again.
    Lost,
    /// Running again.
    Again(NodeId),
}
