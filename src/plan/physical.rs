//! The physical plan: stages of one fragment each, joined by exchanges. Serialisable, ours, and lowered once per stage by
//! [`crate::kernel`].

use super::expr::{ColumnDef, ColumnId, Expr};
use super::logical::{Aggregate, GroupingSets, OutputColumn, SortKey};
use super::window::WindowCall;
use crate::catalog::{Piece, TableRef};
use crate::scheduler::StageId;
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// A whole query, ready to run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PhysicalQuery {
    /// In the order they run; a stage reads only earlier ones; the last is the result stage and gathers.
    pub stages: Vec<Stage>,
    pub output: Vec<OutputColumn>,
    /// How far stages may depart from this plan when the sizes of their inputs are known; None: not at all.
    pub adaptive: Option<AdaptiveLimits>,
}

/// What [`super::adapt`] goes by.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct AdaptiveLimits {
    /// Neighbouring partitions up to this many bytes are read by one task; a partition that is split comes in parts of about as many.
    pub task_bytes: u64,
    /// A partition is skewed if it is this many times the median,
    pub skew_factor: u64,
    /// and this many bytes.
    pub skew_bytes: u64,
}

/// A fragment, where its input pieces come from and where its output goes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stage {
    pub id: StageId,
    pub fragment: Fragment,
    /// What each task of the stage reads.
    pub tasks: Tasks,
    /// How the output is cut into blocks.
    pub exchange: Exchange,
    /// Estimates for EXPLAIN and progress.
    pub estimate: Estimate,
    /// The join of this stage that becomes a broadcast if its build side turns out to be small.
    pub late_join: Option<LateJoin>,
}

/// A hash join of a stage whose build side may be small or large: nobody knows until it is there. It is planned with both sides
/// hashed; the stage that hashes the probe side waits for the build side. If that holds at most `broadcast_bytes`, the probe side is
/// not hashed at all: its fragment runs in the stage of the join, which reads the build side whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LateJoin {
    /// The stage that hashes the build side.
    pub build: StageId,
    /// The stage that hashes the probe side; nobody else reads it.
    pub probe: StageId,
    pub broadcast_bytes: u64,
}

/// Where a stage's tasks come from. Depends on data, statistics and settings only, never on nodes or timing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Tasks {
    /// One task per group of pieces of the one table that the fragment scans.
    Scan { groups: Vec<Vec<Piece>> },
    /// One task per partition of the exchanges it reads by partition.
    Partitions { count: u32 },
    /// One task: it gathers, or it has only constants.
    Single,
    /// One task per share of the exchanges that the stage reads by partition: what [`super::adapt`] makes of `Partitions`.
    Shares(Vec<Share>),
}

/// What one task reads of the exchanges that its stage reads by partition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// The partitions, one after the other.
    pub partitions: Range<u32>,
    /// Of this one stage only what these of its tasks put out: the rest of the partition is for other tasks.
    pub producers: Option<(StageId, Range<u32>)>,
}

impl Share {
    /// Whether it has to do with the output of task `producer` of `stage`.
    pub fn reads(&self, stage: StageId, producer: u32) -> bool {
        self.producers.as_ref().is_none_or(|(of, producers)| *of != stage || producers.contains(&producer))
    }
}

impl Tasks {
    /// How many tasks there are.
    pub fn count(&self) -> u32 {
        match self {
            Tasks::Scan { groups } => groups.len() as u32,
            Tasks::Partitions { count } => *count,
            Tasks::Single => 1,
            Tasks::Shares(shares) => shares.len() as u32,
        }
    }
}

/// How a stage's output reaches the next.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Exchange {
    /// Rows with equal keys go to the same of `partitions` blocks. The hash is fixed over canonical values, so that both
    /// sides of a join agree (the planner has cast keys to a common type).
    Hash { keys: Vec<ColumnId>, partitions: u32 },
    /// One block that every consumer task reads.
    Broadcast,
    /// One block, read by the one consumer task, or by the coordinator if this is the result stage.
    Gather,
    /// The whole output goes to block `task % partitions`.
    RoundRobin { partitions: u32 },
}

impl Exchange {
    /// How many blocks each task makes.
    pub fn partitions(&self) -> u32 {
        match self {
            Exchange::Hash { partitions, .. } | Exchange::RoundRobin { partitions } => *partitions,
            Exchange::Broadcast | Exchange::Gather => 1,
        }
    }
}

/// What the planner expects a stage to put out.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Estimate {
    pub rows: f64,
    pub bytes: f64,
}

/// A physical operator with its inputs. Rows flow in batches; within a task their order is the order of the inputs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Fragment {
    /// The task's pieces of a table. `columns[i]` is the table's column `source[i]`. Rows that fail `predicate` are dropped
    /// (its columns are decoded first); only `output` columns are yielded. With `limit`, stops after that many rows.
    Scan {
        table: TableRef,
        source: Vec<usize>,
        columns: Vec<ColumnDef>,
        predicate: Option<Expr>,
        output: Vec<ColumnId>,
        limit: Option<u64>,
    },
    /// The task's partition of earlier stages' outputs, in order of stage and producer partition.
    /// (Several stages: UNION ALL; `columns[i]` takes `stages[k].1[i]`.)
    ExchangeRead {
        stages: Vec<(StageId, Vec<ColumnId>)>,
        columns: Vec<ColumnDef>,
    },
    /// The whole output of an earlier stage (broadcast or gather), in order of producer partition.
    ReadAll {
        stage: StageId,
        columns: Vec<ColumnDef>,
    },
    /// Constant rows.
    Values {
        columns: Vec<ColumnDef>,
        rows: Vec<Vec<Expr>>,
    },
    Filter {
        input: Box<Fragment>,
        predicate: Expr,
    },
    /// Exactly these columns.
    Project {
        input: Box<Fragment>,
        columns: Vec<(ColumnDef, Expr)>,
    },
    /// Groups of this task's rows. Partial: yields keys and, for each aggregate, its state columns; Final: reads them.
    Aggregate {
        input: Box<Fragment>,
        keys: Vec<ColumnDef>,
        aggregates: Vec<PhysicalAggregate>,
        phase: AggregatePhase,
    },
    /// Hash join. The build side is collected; if it is a `ReadAll` of a broadcast, the table is built once per node and
    /// query and shared. Probe rows keep their order. `residual` is checked on each match before it counts as one.
    HashJoin {
        probe: Box<Fragment>,
        build: Box<Fragment>,
        kind: PhysicalJoin,
        /// Pairs (probe column, build column) of equal physical type.
        keys: Vec<(ColumnId, ColumnId)>,
        /// For each key whether a NULL matches a NULL (IS NOT DISTINCT FROM); otherwise NULLs never match.
        nulls_match: Vec<bool>,
        residual: Option<Expr>,
        output: Vec<ColumnId>,
    },
    /// A join on any condition (or none): every pair is tried. The right side is collected.
    NestedLoopJoin {
        left: Box<Fragment>,
        right: Box<Fragment>,
        kind: PhysicalJoin,
        on: Option<Expr>,
        output: Vec<ColumnId>,
    },
    /// Stable, all rows of the task.
    Sort {
        input: Box<Fragment>,
        keys: Vec<SortKey>,
    },
    /// The first `limit` rows by `keys`, stable, in order.
    TopK {
        input: Box<Fragment>,
        keys: Vec<SortKey>,
        limit: u64,
    },
    /// Rows `offset .. offset + limit` of the task, in order.
    Limit {
        input: Box<Fragment>,
        limit: Option<u64>,
        offset: u64,
    },
    /// The scalar guard: at most one row, otherwise SUBQUERY_MULTIPLE_ROWS; none: one row of NULLs.
    SingleRow {
        input: Box<Fragment>,
        columns: Vec<ColumnDef>,
    },
    /// Every row once for each grouping set: the keys that are not in the set are NULL, `set` says which it is. For the empty
    /// set, and no row at all, one row of NULLs: the state of no rows.
    GroupingSets {
        input: Box<Fragment>,
        keys: Vec<ColumnDef>,
        sets: GroupingSets,
    },
    /// The first row of each set of rows with equal `on` columns: by `order`, then as they come. In the order in which the keys
    /// come first.
    FirstOfEach {
        input: Box<Fragment>,
        on: Vec<ColumnId>,
        order: Vec<SortKey>,
    },
    /// Every row as often as the BIGINT column `times` says; not at all for NULL and less than one.
    Repeat {
        input: Box<Fragment>,
        times: ColumnId,
    },
    /// The end of a statement that writes: rows go to files; yields a row for each file. Only as the root of a stage.
    Write {
        input: Box<Fragment>,
        target: Box<super::write::WriteTarget>,
    },
    /// The task's rows, in the order of `partition_by`, then `order_by` (stable), with a column for each call. Rows that are
    /// equal in `partition_by` are all in this task.
    Window {
        input: Box<Fragment>,
        partition_by: Vec<ColumnId>,
        order_by: Vec<SortKey>,
        calls: Vec<WindowCall>,
    },
    /// As [`super::logical::LogicalPlan::Unnest`]; rows keep their order.
    Unnest {
        input: Box<Fragment>,
        lists: Vec<(ColumnDef, Expr)>,
        ordinality: Option<ColumnDef>,
        outer: bool,
    },
}

/// What a join yields, seen from the probe (left) side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum PhysicalJoin {
    Inner,
    /// All probe rows; NULLs for build columns without a match.
    LeftOuter,
    /// All build rows; NULLs for probe columns without a match, after the matches. (Only where each build row is at one task.)
    RightOuter,
    FullOuter,
    Semi,
    Anti,
    /// Probe rows and one BOOLEAN column, as [`super::logical::JoinKind::Mark`]. In a hash join without a residual the keys are what
    /// was asked, so a NULL among them makes a miss unknown; with one, they choose the rows of which the residual is asked.
    Mark(ColumnId),
    /// As LeftOuter, but a second match is the error SUBQUERY_MULTIPLE_ROWS.
    Single,
    /// Each probe row with the one match that is closest: of the build rows with its keys whose `build` column is on the right
    /// side of its `probe` column, the nearest; among equals the last for `<` and `<=` seen from the build side, else the first.
    AsOf {
        probe: ColumnId,
        build: ColumnId,
        order: AsOfOrder,
        /// Whether probe rows without a match are kept.
        outer: bool,
    },
}

/// Where the closest build value lies, seen from the probe value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum AsOfOrder {
    /// The greatest that is less.
    Before,
    /// The greatest that is not greater.
    UpTo,
    /// The least that is greater.
    After,
    /// The least that is not less.
    From,
}

/// Which part of an aggregation this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum AggregatePhase {
    /// All in one: rows in, values out.
    Complete,
    /// Rows in, states out.
    Partial,
    /// States in, values out.
    Final,
    /// States in, states out.
    Merge,
}

/// An aggregate and the columns that carry its state between the phases.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PhysicalAggregate {
    pub call: Aggregate,
    /// As many, and of the types, that [`crate::functions::aggregate_state`] says.
    pub state: Vec<ColumnDef>,
}

impl Fragment {
    /// The columns that this operator yields, in order.
    pub fn columns(&self) -> Vec<ColumnDef> {
        let keep = |all: Vec<ColumnDef>, output: &[ColumnId]| -> Vec<ColumnDef> {
            output
                .iter()
                .map(|id| {
                    all.iter().find(|c| c.id == *id).expect("an output column is a column of the operator").clone()
                })
                .collect()
        };
        match self {
            Fragment::Scan { columns, output, .. } => keep(columns.clone(), output),
            Fragment::ExchangeRead { columns, .. }
            | Fragment::ReadAll { columns, .. }
            | Fragment::Values { columns, .. }
            | Fragment::SingleRow { columns, .. } => columns.clone(),
            Fragment::Write { .. } => super::write::reply_columns(),
            Fragment::Filter { input, .. }
            | Fragment::Sort { input, .. }
            | Fragment::TopK { input, .. }
            | Fragment::Limit { input, .. } => input.columns(),
            Fragment::FirstOfEach { input, .. } | Fragment::Repeat { input, .. } => input.columns(),
            Fragment::GroupingSets { input, sets, .. } => {
                input.columns().into_iter().chain([sets.set.clone()]).collect()
            }
            Fragment::Project { columns, .. } => columns.iter().map(|(def, _)| def.clone()).collect(),
            Fragment::Unnest { input, lists, ordinality, .. } => {
                let made = lists.iter().map(|(def, _)| def).chain(ordinality).cloned();
                input.columns().into_iter().chain(made).collect()
            }
            Fragment::Aggregate { keys, aggregates, phase, .. } => {
                let mut columns = keys.clone();
                for aggregate in aggregates {
                    match phase {
                        AggregatePhase::Partial | AggregatePhase::Merge => {
                            columns.extend(aggregate.state.iter().cloned())
                        }
                        _ => columns.push(aggregate.call.output.clone()),
                    }
                }
                columns
            }
            Fragment::HashJoin { probe: left, build: right, kind, output, .. }
            | Fragment::NestedLoopJoin { left, right, kind, output, .. } => {
                let mut all = left.columns();
                all.extend(right.columns());
                if let PhysicalJoin::Mark(id) = kind {
                    all.push(ColumnDef { id: *id, name: "mark".into(), dtype: crate::sql::DataType::Boolean });
                }
                keep(all, output)
            }
            Fragment::Window { input, calls, .. } => {
                input.columns().into_iter().chain(calls.iter().map(|c| c.output.clone())).collect()
            }
        }
    }

    /// The direct inputs; for joins the probe (left) side first.
    pub fn inputs(&self) -> Vec<&Fragment> {
        match self {
            Fragment::Scan { .. }
            | Fragment::ExchangeRead { .. }
            | Fragment::ReadAll { .. }
            | Fragment::Values { .. } => vec![],
            Fragment::Filter { input, .. }
            | Fragment::Project { input, .. }
            | Fragment::Aggregate { input, .. }
            | Fragment::Sort { input, .. }
            | Fragment::TopK { input, .. }
            | Fragment::Limit { input, .. }
            | Fragment::SingleRow { input, .. }
            | Fragment::GroupingSets { input, .. }
            | Fragment::FirstOfEach { input, .. }
            | Fragment::Repeat { input, .. }
            | Fragment::Write { input, .. }
            | Fragment::Window { input, .. }
            | Fragment::Unnest { input, .. } => vec![input],
            Fragment::HashJoin { probe: left, build: right, .. } | Fragment::NestedLoopJoin { left, right, .. } => {
                vec![left, right]
            }
        }
    }

    /// The direct inputs, in the same order, to be changed in place.
    pub fn inputs_mut(&mut self) -> Vec<&mut Fragment> {
        match self {
            Fragment::Scan { .. }
            | Fragment::ExchangeRead { .. }
            | Fragment::ReadAll { .. }
            | Fragment::Values { .. } => vec![],
            Fragment::Filter { input, .. }
            | Fragment::Project { input, .. }
            | Fragment::Aggregate { input, .. }
            | Fragment::Sort { input, .. }
            | Fragment::TopK { input, .. }
            | Fragment::Limit { input, .. }
            | Fragment::SingleRow { input, .. }
            | Fragment::GroupingSets { input, .. }
            | Fragment::FirstOfEach { input, .. }
            | Fragment::Repeat { input, .. }
            | Fragment::Write { input, .. }
            | Fragment::Window { input, .. }
            | Fragment::Unnest { input, .. } => vec![input],
            Fragment::HashJoin { probe: left, build: right, .. } | Fragment::NestedLoopJoin { left, right, .. } => {
                vec![left, right]
            }
        }
    }
}
