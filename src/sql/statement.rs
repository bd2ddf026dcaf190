//! Parsed statements: queries as sqlparser's tree, our own statements as our own.

use super::Span;
use super::macros::Macro;
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
    /// `CREATE`, `INSERT`, `UPDATE`, `DELETE`, `DROP`, `ALTER`, `TRUNCATE`, as the parser has them.
    Change(Change),
    /// `EXPLAIN` of such a statement.
    ExplainChange {
        change: Change,
        span: Span,
    },
    /// `CREATE MACRO`.
    CreateMacro {
        made: Macro,
        or_replace: bool,
        if_not_exists: bool,
        span: Span,
    },
    /// `DROP MACRO`.
    DropMacro {
        name: String,
        is_table: bool,
        if_exists: bool,
        span: Span,
    },
    /// `COPY`.
    Copy(Box<Copy>),
    /// `USE schema`.
    Use {
        schema: Vec<String>,
        span: Span,
    },
    /// `DESCRIBE query`.
    DescribeQuery {
        query: Box<ast::Query>,
    },
    /// `PREPARE name AS statement`.
    Prepare {
        name: String,
        statement: String,
        span: Span,
    },
    /// `EXECUTE name(values)`: each with its name, if it has one, and its text.
    Execute {
        name: String,
        values: Vec<(Option<String>, String)>,
        span: Span,
    },
    /// `DEALLOCATE name`; None: all.
    Deallocate {
        name: Option<String>,
        span: Span,
    },
    /// `SET VARIABLE name = expression`.
    SetVariable {
        name: String,
        value: String,
        span: Span,
    },
    /// `RESET VARIABLE name`.
    ResetVariable {
        name: String,
    },
}

/// A statement that changes tables.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    pub statement: Box<ast::Statement>,
    /// `INSERT INTO t BY NAME`.
    pub by_name: bool,
}

/// `COPY source TO file` or `COPY table FROM file`.
#[derive(Debug, Clone, PartialEq)]
pub struct Copy {
    pub source: CopySource,
    /// To the file, not from it.
    pub to: bool,
    pub file: String,
    pub file_span: Span,
    pub options: Vec<CopyOption>,
}

/// What is copied.
#[derive(Debug, Clone, PartialEq)]
pub enum CopySource {
    /// With the columns that were named; none: all.
    Table {
        name: Vec<String>,
        columns: Vec<String>,
        span: Span,
    },
    Query(Box<ast::Query>),
}

/// `DELIMITER ';'`, `HEADER`, `PARTITION_BY (a, b)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopyOption {
    /// In lower case.
    pub name: String,
    /// As they were written, without quotes; none for a name alone.
    pub values: Vec<String>,
    pub span: Span,
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
    /// `SHOW CREATE TABLE t`, `SHOW CREATE VIEW v`.
    Create {
        name: Vec<String>,
        span: Span,
    },
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
