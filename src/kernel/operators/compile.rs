//! From a fragment to operators.

use super::key_filter::KeyFilter;
use super::{Stream, Task, aggregate, hash_join, nested_loop_join, regroup, rows, scan, sort, source, unnest, window};
use crate::journal::TaskError;
use crate::kernel::aggregate::Calls;
use crate::kernel::expr::CompiledExpr;
use crate::kernel::join::{Closest, JoinShape, KeyPairs, Sharing};
use crate::kernel::order::Order;
use crate::kernel::window::Windows;
use crate::plan::{ColumnId, Fragment, expr::ColumnDef, physical::AggregatePhase};
use crate::scheduler::StageId;

/// A lowered operator with its inputs. It holds nothing of a task, and is shared by all tasks of its stage.
pub enum Operator {
    Scan(scan::ScanOperator),
    Read(source::ReadOperator),
    Values(source::ValuesOperator),
    Filter { input: Box<Operator>, predicate: CompiledExpr },
    Project { input: Box<Operator>, columns: Vec<(ColumnDef, CompiledExpr)> },
    Aggregate { input: Box<Operator>, keys: Vec<ColumnDef>, calls: Calls, phase: AggregatePhase },
    HashJoin(Box<hash_join::HashJoinOperator>),
    NestedLoopJoin(Box<nested_loop_join::NestedLoopJoinOperator>),
    Sort { input: Box<Operator>, order: Order, limit: Option<usize> },
    Limit { input: Box<Operator>, limit: Option<u64>, offset: u64 },
    SingleRow { input: Box<Operator>, columns: Vec<ColumnDef> },
    GroupingSets { input: Box<Operator>, sets: regroup::SetsOperator },
    FirstOfEach { input: Box<Operator>, first: regroup::FirstOperator },
    Repeat { input: Box<Operator>, times: ColumnId },
    Window { input: Box<Operator>, windows: Box<Windows> },
    Unnest { input: Box<Operator>, unnest: unnest::Unnesting },
}

impl Operator {
    /// Lowers a fragment of `stage`. Joins are numbered in `joins`, in the order they are met.
    pub fn compile(fragment: &Fragment, stage: StageId, joins: &mut u64) -> Result<Operator, TaskError> {
        let mut child = |input: &Fragment| Operator::compile(input, stage, joins).map(Box::new);
        Ok(match fragment {
            Fragment::Scan { table, source, columns, predicate, output, limit } => {
                Operator::Scan(scan::ScanOperator::compile(table, source, columns, predicate.as_ref(), output, *limit)?)
            }
            Fragment::ExchangeRead { stages, columns } => {
                Operator::Read(source::ReadOperator { stages: stages.clone(), columns: columns.clone() })
            }
            Fragment::ReadAll { stage, columns } => Operator::Read(source::ReadOperator {
                stages: vec![(*stage, columns.iter().map(|c| c.id).collect())],
                columns: columns.clone(),
            }),
            Fragment::Values { columns, rows } => {
                Operator::Values(source::ValuesOperator::compile(columns.clone(), rows)?)
            }
            Fragment::Filter { input, predicate } => {
                Operator::Filter { input: child(input)?, predicate: CompiledExpr::compile(predicate)? }
            }
            Fragment::Project { input, columns } => {
                let compiled = columns.iter().map(|(def, expr)| Ok((def.clone(), CompiledExpr::compile(expr)?)));
                Operator::Project { input: child(input)?, columns: compiled.collect::<Result<_, TaskError>>()? }
            }
            Fragment::Aggregate { input, keys, aggregates, phase } => Operator::Aggregate {
                input: child(input)?,
                keys: keys.clone(),
                calls: Calls::compile(aggregates, *phase)?,
                phase: *phase,
            },
            Fragment::HashJoin { probe, build, kind, keys, nulls_match, residual, output } => {
                *joins += 1;
                let sharing =
                    broadcast_of(build).map(|from| Sharing { from, place: ((stage.0 as u64) << 32) | *joins });
                let mut child = |input: &Fragment| Operator::compile(input, stage, joins).map(Box::new);
                Operator::HashJoin(Box::new(hash_join::HashJoinOperator {
                    probe: child(probe)?,
                    build: child(build)?,
                    keys: KeyPairs::compile(keys, nulls_match, &build.columns())?,
                    closest: Closest::of(*kind),
                    shape: JoinShape::compile(*kind, residual.as_ref(), &probe.columns(), &build.columns(), output)?,
                    sharing,
                    made: hash_join::MadeBuild::new(stages_of(build)),
                }))
            }
            Fragment::NestedLoopJoin { left, right, kind, on, output } => {
                Operator::NestedLoopJoin(Box::new(nested_loop_join::NestedLoopJoinOperator {
                    left: *child(left)?,
                    right: *child(right)?,
                    shape: JoinShape::compile(*kind, on.as_ref(), &left.columns(), &right.columns(), output)?,
                }))
            }
            Fragment::Sort { input, keys } => {
                Operator::Sort { input: child(input)?, order: Order::new(keys, input.columns()), limit: None }
            }
            Fragment::TopK { input, keys, limit } => Operator::Sort {
                input: child(input)?,
                order: Order::new(keys, input.columns()),
                limit: Some(usize::try_from(*limit).unwrap_or(usize::MAX)),
            },
            Fragment::Limit { input, limit, offset } => {
                Operator::Limit { input: child(input)?, limit: *limit, offset: *offset }
            }
            Fragment::SingleRow { input, columns } => {
                Operator::SingleRow { input: child(input)?, columns: columns.clone() }
            }
            Fragment::GroupingSets { input, keys, sets } => Operator::GroupingSets {
                input: child(input)?,
                sets: regroup::SetsOperator::new(input.columns(), keys, sets),
            },
            Fragment::FirstOfEach { input, on, order } => Operator::FirstOfEach {
                input: child(input)?,
                first: regroup::FirstOperator::new(input.columns(), on, order),
            },
            Fragment::Repeat { input, times } => Operator::Repeat { input: child(input)?, times: *times },
            Fragment::Write { .. } => return Err(TaskError::bug("rows are written at the end of a stage only")),
            Fragment::Window { input, partition_by, order_by, calls } => Operator::Window {
                windows: Box::new(Windows::compile(partition_by, order_by, calls, input.columns())?),
                input: child(input)?,
            },
            Fragment::Unnest { input, lists, ordinality, outer } => Operator::Unnest {
                input: child(input)?,
                unnest: unnest::Unnesting::compile(lists, ordinality.clone(), *outer)?,
            },
        })
    }

    /// Opens the operator for a task.
    pub fn open<'a>(&'a self, task: &'a Task<'a>) -> Result<Stream<'a>, TaskError> {
        self.open_filtered(task, Vec::new())
    }

    /// Opens the operator for a reader that drops every row that does not pass `filters`: such rows may be missing already.
    /// Filters stop at whatever could fail on a row that they drop, and at operators that see more than one row at a time.
    pub fn open_filtered<'a>(&'a self, task: &'a Task<'a>, filters: Vec<KeyFilter>) -> Result<Stream<'a>, TaskError> {
        Ok(match self {
            Operator::Scan(scan) => scan.open(task, filters),
            Operator::Read(read) => read.open(task)?,
            Operator::Values(values) => values.open(task),
            Operator::Filter { input, predicate } => {
                let filters = if predicate.can_fail() { Vec::new() } else { filters };
                rows::filter(input.open_filtered(task, filters)?, predicate, task)
            }
            Operator::Project { input, columns } => {
                rows::project(input.open_filtered(task, below_projection(filters, columns))?, columns, task)
            }
            Operator::Aggregate { input, keys, calls, phase } => {
                aggregate::open(input.open(task)?, keys, calls, *phase, task)?
            }
            Operator::HashJoin(join) => join.open(task, filters)?,
            Operator::NestedLoopJoin(join) => join.open(task, filters)?,
            Operator::Sort { input, order, limit } => sort::open(input.open(task)?, order, *limit, task),
            Operator::Limit { input, limit, offset } => rows::limit(input.open(task)?, *limit, *offset),
            Operator::Unnest { input, unnest } => unnest.open(input.open(task)?, task),
            Operator::SingleRow { input, columns } => rows::single_row(input.open(task)?, columns),
            Operator::GroupingSets { input, sets } => sets.open(input.open(task)?, task),
            Operator::FirstOfEach { input, first } => first.open(input.open(task)?, task),
            Operator::Repeat { input, times } => regroup::repeat(input.open(task)?, *times, task),
            Operator::Window { input, windows } => window::open(input.open(task)?, windows, task),
        })
    }
}

/// The filters on columns that a projection passes on, under their names below it.
fn below_projection(filters: Vec<KeyFilter>, columns: &[(ColumnDef, CompiledExpr)]) -> Vec<KeyFilter> {
    if columns.iter().any(|(_, expr)| expr.can_fail()) {
        return Vec::new();
    }
    let below = |id: ColumnId| {
        let (_, expr) = columns.iter().find(|(def, _)| def.id == id)?;
        expr.as_column()?.strip_prefix('c')?.parse().ok().map(ColumnId)
    };
    filters.iter().filter_map(|filter| filter.renamed(below)).collect()
}

/// The stage whose whole output decides this fragment alone, so that all tasks that read it see the same rows.
fn broadcast_of(fragment: &Fragment) -> Option<StageId> {
    match fragment {
        Fragment::ReadAll { stage, .. } => Some(*stage),
        Fragment::Scan { .. } | Fragment::ExchangeRead { .. } | Fragment::Values { .. } => None,
        _ => {
            let from: Option<Vec<StageId>> = fragment.inputs().into_iter().map(broadcast_of).collect();
            from?.first().copied()
        }
    }
}

/// The stages that a fragment reads.
fn stages_of(fragment: &Fragment) -> Vec<StageId> {
    match fragment {
        Fragment::ReadAll { stage, .. } => vec![*stage],
        Fragment::ExchangeRead { stages, .. } => stages.iter().map(|(stage, _)| *stage).collect(),
        _ => fragment.inputs().into_iter().flat_map(stages_of).collect(),
    }
}
