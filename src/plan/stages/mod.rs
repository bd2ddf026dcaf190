//! The logical plan, cut at exchanges: every operator is placed in a stage, with a strategy where there is a choice.
//!
//! [`Part`] is a stage in the making. An operator either grows the part below it, or cuts it off at an exchange and
//! starts a new one that reads it. Everything here follows from the plan, statistics and settings: never from nodes.

mod aggregates;
mod joins;
mod regroup;
mod shared;
mod windows;

use super::adapt;
use super::estimate::{Cardinality, estimate};
use super::expr::{ColumnDef, ColumnId, Expr};
use super::logical::{LogicalPlan, Query, SortKey};
use super::physical::{AdaptiveLimits, Estimate, Exchange, Fragment, LateJoin, PhysicalQuery, Stage, Tasks};
use crate::catalog::{TableRef, group_pieces};
use crate::scheduler::StageId;
use crate::sql::DataType;
use crate::sql::diagnostic::Result;
use crate::sql::settings::Settings;
use std::collections::BTreeSet;

/// Bytes that one partition of a hash exchange should hold, about.
const PARTITION_BYTES: f64 = 32.0 * 1024.0 * 1024.0;
/// Partitions of a hash exchange: enough for a workshop's four nodes, and for balance.
const MIN_PARTITIONS: u32 = 4;
const MAX_PARTITIONS: u32 = 256;
/// Up to this many rows, `ORDER BY .. LIMIT` keeps candidates instead of sorting everything.
const TOP_K_ROWS: u64 = 1_000_000;

/// From this many rows on, `ORDER BY` sorts in each task before the rows are gathered.
const SORT_LOCALLY_ROWS: f64 = 200_000.0;

type Wanted = BTreeSet<ColumnId>;

/// Cuts an optimized query into stages.
pub fn cut(query: Query, settings: &Settings) -> Result<PhysicalQuery> {
    let mut planner = Planner { settings, stages: Vec::new(), next_column: query.next_column };
    let wanted: Wanted = query.output.iter().map(|o| o.column).collect();
    let part = planner.part(&query.plan, &wanted)?;
    planner.finish(part, Exchange::Gather, &wanted);
    let mut stages = shared::merge_equal(planner.stages);
    adapt::keep_sound_joins(&mut stages);
    let adaptive = settings.adaptive().then(|| AdaptiveLimits {
        task_bytes: settings.exchange_task_bytes(),
        skew_factor: settings.skew_factor(),
        skew_bytes: settings.skew_bytes(),
    });
    Ok(PhysicalQuery { stages, output: query.output, adaptive })
}

/// A stage in the making.
struct Part {
    fragment: Fragment,
    tasks: Tasks,
    placement: Placement,
    cardinality: Cardinality,
    /// The join in it that may become a broadcast.
    late_join: Option<LateJoin>,
}

/// Which rows are together in one task.
#[derive(Clone, PartialEq)]
enum Placement {
    Anywhere,
    /// Rows with equal values of these columns, hashed into this many partitions.
    Hashed(Vec<ColumnId>, u32),
    /// All rows: there is one task.
    Single,
}

impl Part {
    /// The same part with one more operator on top, which keeps rows where they are.
    fn grow(self, cardinality: Cardinality, operator: impl FnOnce(Box<Fragment>) -> Fragment) -> Part {
        Part { fragment: operator(Box::new(self.fragment)), cardinality, ..self }
    }

    fn is_single(&self) -> bool {
        self.placement == Placement::Single
    }
}

struct Planner<'a> {
    settings: &'a Settings,
    stages: Vec<Stage>,
    next_column: u32,
}

impl Planner<'_> {
    fn fresh(&mut self, name: &str, dtype: DataType) -> ColumnDef {
        self.next_column += 1;
        ColumnDef { id: ColumnId(self.next_column - 1), name: name.to_string(), dtype }
    }

    /// Plans `plan` so that the part yields at least the `wanted` columns.
    fn part(&mut self, plan: &LogicalPlan, wanted: &Wanted) -> Result<Part> {
        match plan {
            LogicalPlan::Scan { table, source, columns } => {
                self.scan(table, source, columns, None, wanted, estimate(plan))
            }
            LogicalPlan::Values { columns, rows } => Ok(Part {
                fragment: Fragment::Values { columns: columns.clone(), rows: rows.clone() },
                tasks: Tasks::Single,
                placement: Placement::Single,
                cardinality: estimate(plan),
                late_join: None,
            }),
            LogicalPlan::Filter { input, predicate } => {
                if let LogicalPlan::Scan { table, source, columns } = &**input {
                    return self.scan(table, source, columns, Some(predicate.clone()), wanted, estimate(plan));
                }
                let below: Wanted = wanted.iter().copied().chain(predicate.columns()).collect();
                let part = self.part(input, &below)?;
                Ok(part.grow(estimate(plan), |input| Fragment::Filter { input, predicate: predicate.clone() }))
            }
            LogicalPlan::Project { input, columns } => {
                let any = columns.iter().any(|(def, _)| wanted.contains(&def.id));
                let columns: Vec<_> = columns
                    .iter()
                    .enumerate()
                    .filter(|(i, (def, _))| if any { wanted.contains(&def.id) } else { *i == 0 })
                    .map(|(_, c)| c.clone())
                    .collect();
                let below: Wanted = columns.iter().flat_map(|(_, e)| e.columns()).collect();
                let part = self.part(input, &below)?;
                let same = part.fragment.columns().iter().map(|c| c.id).eq(columns.iter().map(|(def, _)| def.id));
                if same && columns.iter().all(|(def, e)| e.as_column() == Some(def.id)) {
                    return Ok(Part { cardinality: estimate(plan), ..part });
                }
                // Hashing survives only under the same column identities.
                let kept: Wanted =
                    columns.iter().filter(|(d, e)| e.as_column() == Some(d.id)).map(|(d, _)| d.id).collect();
                let mut part = part.grow(estimate(plan), |input| Fragment::Project { input, columns });
                if let Placement::Hashed(keys, _) = &part.placement
                    && !keys.iter().all(|k| kept.contains(k))
                {
                    part.placement = Placement::Anywhere;
                }
                Ok(part)
            }
            LogicalPlan::Join { left, right, kind, on } => self.join(plan, left, right, *kind, on.as_ref(), wanted),
            LogicalPlan::Aggregate { input, keys, grouping_sets: None, aggregates } => {
                self.aggregate(plan, input, keys, aggregates, wanted)
            }
            LogicalPlan::Distinct { input, on: None } => {
                let keys = input.columns();
                self.aggregate(plan, input, &keys, &[], wanted)
            }
            LogicalPlan::Sort { input, keys } => {
                let below: Wanted = wanted.iter().copied().chain(keys.iter().map(|k| k.column)).collect();
                let sort = |part: Part| part.grow(estimate(plan), |input| Fragment::Sort { input, keys: keys.clone() });
                let mut part = self.part(input, &below)?;
                if !part.is_single() && part.tasks.count() > 1 && part.cardinality.rows >= SORT_LOCALLY_ROWS {
                    // Each task sorts its own rows; where they meet, runs that are in order are only merged.
                    part = sort(part);
                }
                Ok(sort(self.gathered(part, &below)))
            }
            LogicalPlan::Unnest { input, lists, ordinality, outer } => {
                let below: Wanted = wanted.iter().copied().chain(lists.iter().flat_map(|(_, l)| l.columns())).collect();
                let part = self.part(input, &below)?;
                Ok(part.grow(estimate(plan), |input| Fragment::Unnest {
                    input,
                    lists: lists.clone(),
                    ordinality: ordinality.clone(),
                    outer: *outer,
                }))
            }
            LogicalPlan::Limit { input, limit, offset } => self.limit(plan, input, *limit, *offset, wanted),
            LogicalPlan::Union { inputs, columns } => self.union(plan, inputs, columns),
            LogicalPlan::Aggregate { input, keys, grouping_sets: Some(sets), aggregates } => {
                self.grouping_sets(plan, input, keys, sets, aggregates, wanted)
            }
            LogicalPlan::Distinct { input, on: Some(on) } => self.distinct_on(plan, input, on, wanted),
            // Those without ALL have become groups.
            LogicalPlan::SetOperation { left, right, kind, columns, .. } => {
                self.set_operation_all(left, right, *kind, columns)
            }
            LogicalPlan::Window { input, calls } => self.window(plan, input, calls, wanted),
        }
    }

    fn scan(
        &mut self,
        table: &TableRef,
        source: &[usize],
        columns: &[ColumnDef],
        predicate: Option<Expr>,
        wanted: &Wanted,
        cardinality: Cardinality,
    ) -> Result<Part> {
        let read = predicate.as_ref().map(Expr::columns).unwrap_or_default();
        let mut output: Vec<ColumnId> = columns.iter().map(|c| c.id).filter(|id| wanted.contains(id)).collect();
        if output.is_empty() {
            // Rows are counted by a column: one that is read anyway.
            output.extend(read.first().copied().or(columns.first().map(|c| c.id)));
        }
        let used = columns.iter().zip(source).filter(|(c, _)| output.contains(&c.id) || read.contains(&c.id));
        let (columns, source): (Vec<ColumnDef>, Vec<usize>) = used.map(|(c, s)| (c.clone(), *s)).unzip();
        let mut pieces = table.pieces()?;
        if let Some(predicate) = &predicate {
            super::prune_pieces::prune(table, &columns, &source, predicate, &mut pieces);
        }
        let groups = group_pieces(pieces, self.settings.scan_task_rows(), self.settings.scan_task_bytes());
        let fragment = Fragment::Scan { table: table.clone(), source, columns, predicate, output, limit: None };
        Ok(Part {
            fragment,
            tasks: Tasks::Scan { groups },
            placement: Placement::Anywhere,
            cardinality,
            late_join: None,
        })
    }

    /// `LIMIT`, fused with the `ORDER BY` below it where there is one; projections between them move up.
    fn limit(
        &mut self,
        plan: &LogicalPlan,
        input: &LogicalPlan,
        limit: Option<u64>,
        offset: u64,
        wanted: &Wanted,
    ) -> Result<Part> {
        if let LogicalPlan::Project { input: below, columns } = input {
            let limited = LogicalPlan::Limit { input: below.clone(), limit, offset };
            return self.part(&LogicalPlan::Project { input: Box::new(limited), columns: columns.clone() }, wanted);
        }
        let first = limit.map(|l| l.saturating_add(offset));
        if let (LogicalPlan::Sort { input: below, keys }, Some(first)) = (input, first)
            && first <= TOP_K_ROWS
        {
            let needed: Wanted = wanted.iter().copied().chain(keys.iter().map(|k| k.column)).collect();
            let part = self.part(below, &needed)?;
            let top = |part: Part, keys: &[SortKey]| {
                part.grow(estimate(plan), |input| Fragment::TopK { input, keys: keys.to_vec(), limit: first })
            };
            let single = part.is_single();
            let mut part = top(part, keys);
            if !single {
                part = top(self.gathered(part, &needed), keys);
            }
            return Ok(match offset {
                0 => part,
                _ => part.grow(estimate(plan), |input| Fragment::Limit { input, limit, offset }),
            });
        }
        let mut part = self.part(input, wanted)?;
        if !part.is_single() {
            if let Some(first) = first {
                match &mut part.fragment {
                    Fragment::Scan { limit, .. } => {
                        *limit = Some(first);
                        part.cardinality.rows = part.cardinality.rows.min(first as f64 * f64::from(part.tasks.count()));
                    }
                    _ => {
                        part =
                            part.grow(estimate(plan), |input| Fragment::Limit { input, limit: Some(first), offset: 0 })
                    }
                }
            }
            part = self.gathered(part, wanted);
        }
        Ok(part.grow(estimate(plan), |input| Fragment::Limit { input, limit, offset }))
    }

    fn union(&mut self, plan: &LogicalPlan, inputs: &[LogicalPlan], columns: &[ColumnDef]) -> Result<Part> {
        let cardinality = estimate(plan);
        let bytes = cardinality.bytes(columns.iter().map(|c| c.id));
        // Small results keep the order in which the branches are written; large ones are spread.
        let partitions = if bytes < PARTITION_BYTES { 1 } else { self.partitions(bytes) };
        let mut stages = Vec::new();
        for input in inputs {
            let own = input.columns();
            let wanted: Wanted = own.iter().map(|c| c.id).collect();
            let part = self.part(input, &wanted)?;
            let stage = self.finish(part, Exchange::RoundRobin { partitions }, &wanted);
            stages.push((stage, own.iter().map(|c| c.id).collect()));
        }
        let fragment = Fragment::ExchangeRead { stages, columns: columns.to_vec() };
        let placement = if partitions == 1 { Placement::Single } else { Placement::Anywhere };
        Ok(Part { fragment, tasks: Tasks::Partitions { count: partitions }, placement, cardinality, late_join: None })
    }

    /// The part's rows, all in one task.
    fn gathered(&mut self, part: Part, wanted: &Wanted) -> Part {
        if part.is_single() {
            return part;
        }
        let cardinality = part.cardinality.clone();
        let stage = self.finish(part, Exchange::Gather, wanted);
        let columns = self.yields(stage);
        Part {
            fragment: Fragment::ReadAll { stage, columns },
            tasks: Tasks::Single,
            placement: Placement::Single,
            cardinality,
            late_join: None,
        }
    }

    /// The part's rows, hashed by `keys` into `partitions`; as they are if they are so already.
    fn hashed(&mut self, part: Part, keys: Vec<ColumnId>, partitions: u32, wanted: &Wanted) -> Part {
        let placement = Placement::Hashed(keys.clone(), partitions);
        if part.placement == placement {
            return part;
        }
        let cardinality = part.cardinality.clone();
        let stage = self.finish(part, Exchange::Hash { keys, partitions }, wanted);
        let columns = self.yields(stage);
        let read = columns.iter().map(|c| c.id).collect();
        let fragment = Fragment::ExchangeRead { stages: vec![(stage, read)], columns };
        Part { fragment, tasks: Tasks::Partitions { count: partitions }, placement, cardinality, late_join: None }
    }

    /// The part's rows, to be read whole by every task of another part.
    fn broadcast(&mut self, part: Part, wanted: &Wanted) -> Fragment {
        let stage = self.finish(part, Exchange::Broadcast, wanted);
        Fragment::ReadAll { stage, columns: self.yields(stage) }
    }

    /// Ends a part: it becomes a stage with this exchange, yielding the wanted columns only.
    fn finish(&mut self, part: Part, exchange: Exchange, wanted: &Wanted) -> StageId {
        let all = part.fragment.columns();
        let mut columns: Vec<ColumnDef> = all.iter().filter(|c| wanted.contains(&c.id)).cloned().collect();
        if columns.is_empty() {
            columns.extend(all.first().cloned());
        }
        let estimate =
            Estimate { rows: part.cardinality.rows, bytes: part.cardinality.bytes(columns.iter().map(|c| c.id)) };
        let fragment = if columns.len() == all.len() {
            part.fragment
        } else {
            let columns = columns.into_iter().map(|c| (c.clone(), Expr::column(c.id, c.dtype))).collect();
            Fragment::Project { input: Box::new(part.fragment), columns }
        };
        let id = StageId(self.stages.len() as u32 + 1);
        let late_join = part.late_join;
        self.stages.push(Stage { id, fragment, tasks: part.tasks, exchange, estimate, late_join });
        id
    }

    fn yields(&self, stage: StageId) -> Vec<ColumnDef> {
        self.stages[stage.0 as usize - 1].fragment.columns()
    }

    /// How many partitions a hash exchange of so many bytes has.
    fn partitions(&self, bytes: f64) -> u32 {
        let automatic = ((bytes / PARTITION_BYTES).ceil() as u32).clamp(MIN_PARTITIONS, MAX_PARTITIONS);
        self.settings.exchange_partitions().unwrap_or(automatic)
    }
}
