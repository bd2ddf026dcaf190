//! Parsed statements: queries as sqlparser's tree, our own statements as our own.

use super::Span;
use crate::scheduler::{NodeId, QueryId, StageId};
use serde::{Deserialize, Serialize};
use sqlparser::ast;

/// One statement and the text it came from; spans count bytes of `text`.
#[derive(Debug, Clone, PartialEq)]
pub struct ParsedStatement {
    /// Without the closing semicolon.
    pub text: String,
    pub statement: Statement,
}

/// What a statement asks for.
#[derive(Debug, Clone, PartialEq)]
pub enum Statement {
    /// `SELECT`, `VALUES`, `FROM t`, `WITH`, set operations. `text` is the query's own text.
    Query(Box<ast::Query>),
    /// `EXPLAIN [ANALYZE] query`.
    Explain {
        analyze: bool,
        query: Box<ast::Query>,
        span: Span,
    },
    /// `EXPLAIN LINEAGE`: of the last query that recovered or ran.
    ExplainLineage,
    /// `COMPARE query`: `span` is where the query stands in the text.
    Compare {
        query: Box<ast::Query>,
        span: Span,
    },
    /// `RERUN`: the last query again, without its faults.
    Rerun,
    /// `SET name = value`.
    Set {
        name: String,
        value: String,
        span: Span,
    },
    /// `RESET name`, `RESET ALL`.
    Reset {
        name: Option<String>,
        span: Span,
    },
    Show(Show),
    /// `DESCRIBE t`.
    Describe {
        name: Vec<String>,
        span: Span,
    },
    /// `INJECT ...`.
    Inject {
        fault: FaultSpec,
        span: Span,
    },
    HealFault {
        fault: u32,
        span: Span,
    },
    HealAll,
    RestartNode {
        node: NodeId,
        span: Span,
    },
    RestartAll,
    Cancel {
        query: QueryId,
    },
}

/// The `SHOW` family.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Show {
    Tables {
        schema: Option<String>,
    },
    Schemas,
    Columns {
        table: Vec<String>,
        span: Span,
    },
    /// `SHOW SETTINGS`; with a name, that one (`SHOW mode`).
    Settings {
        name: Option<String>,
        span: Span,
    },
    Functions {
        like: Option<String>,
    },
    Nodes,
    Faults,
    Queries,
}

/// A fault to inject.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaultSpec {
    pub kind: FaultKind,
    pub trigger: Trigger,
}

/// What breaks. DESIGN lists more kinds; the parser names them as "not supported yet".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum FaultKind {
    /// `CRASH ON NODE n | ANY`.
    Crash { node: NodeChoice },
    /// `SLOW ON NODE n BY factor`: its tasks take `factor` times as long.
    Slow { node: NodeChoice, factor: u32 },
    /// `FLAKY [ON STAGE s] [TIMES n]`: the next `times` attempts (of that stage) fail for a passing reason.
    Flaky { stage: Option<StageId>, times: u32 },
}

/// Which node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum NodeChoice {
    Node(NodeId),
    /// The one that would lose most: decided when it fires (most needed outputs, then most running tasks, then lowest id).
    Any,
}

/// When a fault fires.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Trigger {
    /// At once; SLOW and FLAKY: from the next statement that starts tasks on.
    Now,
    /// At the first completion with the query's progress at or above this many percent (1 to 100).
    AtPercent(u8),
    /// When `tasks` distinct tasks of the stage are done, on any node (0: when it starts).
    InStage { stage: StageId, after_tasks: u32 },
}
