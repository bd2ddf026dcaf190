//! Semi-join reduction: what a join would collect, or what is grouped below it, is thinned out first by the keys that the other
//! side has, where those are few. They come from a second copy of the other side, cut down to what makes them.
//!
//! `EXISTS` over a large table, asked of few rows, and a subquery that groups a large table for few keys become scans that keep
//! what is wanted.

use super::prune_columns::prune;
use super::{Context, conjuncts, may_fail, transform_up};
use crate::plan::estimate::{estimate, matched};
use crate::plan::expr::{ColumnId, Expr, ExprKind};
use crate::plan::logical::{Aggregate, JoinKind, LogicalPlan};
use crate::plan::rename::rename;
use crate::sql::DataType;
use crate::sql::diagnostic::Result;
use std::collections::{BTreeMap, BTreeSet};

/// The share of rows up to which it pays to ask.
const FEW: f64 = 0.5;
/// What collecting or grouping a row costs, in rows that are scanned.
const KEEPING: f64 = 4.0;
/// A join stays in the copy where without it there would be more than so many times as many keys.
const SELECTIVE: f64 = 4.0;

pub fn reduce(plan: LogicalPlan, context: &mut Context) -> Result<LogicalPlan> {
    transform_up(plan, &mut |plan| Ok(of_join(plan, context)))
}

fn of_join(plan: LogicalPlan, context: &mut Context) -> LogicalPlan {
    let LogicalPlan::Join { left, right, kind, on: Some(on) } = plan else { return plan };
    let (mut left, mut right) = (left, right);
    match kind {
        JoinKind::Semi | JoinKind::Anti | JoinKind::Left | JoinKind::Single => {
            if let Some(reduction) = Reduction::of(&right, &left, &on, false, context) {
                right = Box::new(reduction.apply(*right));
            }
        }
        // The keys of the smaller side reach the scans of the larger one while they run; but not those below a group.
        JoinKind::Inner => {
            if let Some(reduction) = Reduction::of(&right, &left, &on, true, context) {
                right = Box::new(reduction.apply(*right));
            } else if let Some(reduction) = Reduction::of(&left, &right, &on, true, context) {
                left = Box::new(reduction.apply(*left));
            }
        }
        _ => {}
    }
    LogicalPlan::Join { left, right, kind, on: Some(on) }
}

/// An equality between a column of the side that has the keys and one of the side that is thinned out.
#[derive(Clone)]
struct Key {
    function: String,
    dtype: DataType,
    having: ColumnId,
    thinned: ColumnId,
}

fn keys_of(on: &Expr, thinned: &LogicalPlan, having: &LogicalPlan) -> Vec<Key> {
    let columns = |plan: &LogicalPlan| plan.columns().iter().map(|c| c.id).collect::<BTreeSet<ColumnId>>();
    let (thinned, having) = (columns(thinned), columns(having));
    let key = |part: Expr| {
        let ExprKind::Call { function, args } = &part.kind else { return None };
        let [a, b] = args.as_slice() else { return None };
        let (l, r) = (a.as_column()?, b.as_column()?);
        if !matches!(function.as_str(), "=" | "is_not_distinct_from") || a.dtype != b.dtype {
            return None;
        }
        let (h, t) = if having.contains(&l) { (l, r) } else { (r, l) };
        let fits = having.contains(&h) && thinned.contains(&t);
        fits.then(|| Key { function: function.clone(), dtype: a.dtype.clone(), having: h, thinned: t })
    };
    conjuncts(on.clone()).into_iter().filter_map(key).collect()
}

/// A semi join to be put somewhere below.
struct Reduction {
    /// The inputs to follow to that place.
    path: Vec<usize>,
    by: LogicalPlan,
    on: Expr,
}

impl Reduction {
    /// How `thinned` can be thinned out by the keys of `having`, if that pays; with `grouped` only if rows are grouped on the way.
    fn of(
        thinned: &LogicalPlan,
        having: &LogicalPlan,
        on: &Expr,
        grouped: bool,
        context: &mut Context,
    ) -> Option<Reduction> {
        let mut keys = keys_of(on, thinned, having);
        if keys.is_empty() {
            return None;
        }
        let (mut place, mut path, mut groups) = (thinned, Vec::new(), false);
        while let Some((input, below)) = step(place, &keys) {
            groups |= matches!(place, LogicalPlan::Aggregate { .. } | LogicalPlan::Distinct { .. });
            place = place.inputs()[input];
            path.push(input);
            keys = below;
        }
        if grouped && !groups {
            return None;
        }
        let wanted: BTreeSet<ColumnId> = keys.iter().map(|k| k.having).collect();
        let mut by = prune(without_rest(having.clone(), &wanted), &wanted);
        if !is_repeatable(&by) {
            return None;
        }
        let names: BTreeMap<ColumnId, ColumnId> =
            by.made_columns().into_iter().map(|id| (id, context.fresh())).collect();
        rename(&mut by, &names);
        let equality = |key: &Key| {
            let having = names.get(&key.having).copied().unwrap_or(key.having);
            let sides = [key.thinned, having].map(|id| Expr::column(id, key.dtype.clone()));
            Expr::call(&key.function, sides.to_vec(), DataType::Boolean)
        };
        let on = Expr::and(keys.iter().map(equality).collect());
        let rows = estimate(place);
        let share = matched(&rows, &estimate(&by), Some(&on));
        let pays = share <= FEW && cost(&by) < KEEPING * rows.rows * (1.0 - share);
        pays.then_some(Reduction { path, by, on })
    }

    fn apply(self, plan: LogicalPlan) -> LogicalPlan {
        self.at(&self.path, plan)
    }

    fn at(&self, path: &[usize], mut plan: LogicalPlan) -> LogicalPlan {
        let Some((first, rest)) = path.split_first() else {
            let (left, right) = (Box::new(plan), Box::new(self.by.clone()));
            return LogicalPlan::Join { left, right, kind: JoinKind::Semi, on: Some(self.on.clone()) };
        };
        let input = plan.inputs_mut().swap_remove(*first);
        let taken = std::mem::replace(input, LogicalPlan::Values { columns: vec![], rows: vec![] });
        *input = self.at(rest, taken);
        plan
    }
}

/// The input of `plan` below which rows may be dropped that have none of the keys, and the keys as they are called there: those
/// that still stand there, for fewer keys drop fewer rows.
fn step(plan: &LogicalPlan, keys: &[Key]) -> Option<(usize, Vec<Key>)> {
    let among = |input: &LogicalPlan| -> Vec<Key> {
        let columns: BTreeSet<ColumnId> = input.columns().iter().map(|c| c.id).collect();
        keys.iter().filter(|key| columns.contains(&key.thinned)).cloned().collect()
    };
    let (input, below) = match plan {
        // A filter stays with its scan.
        LogicalPlan::Filter { input, predicate } if !may_fail(predicate) => {
            step(input, keys)?;
            (0, keys.to_vec())
        }
        LogicalPlan::Project { columns, .. } => {
            let renamed = |key: &Key| {
                let (_, expr) = columns.iter().find(|(def, _)| def.id == key.thinned)?;
                Some(Key { thinned: expr.as_column()?, ..key.clone() })
            };
            (0, keys.iter().filter_map(renamed).collect())
        }
        LogicalPlan::Aggregate { keys: groups, grouping_sets: None, .. } => {
            (0, keys.iter().filter(|key| groups.iter().any(|g| g.id == key.thinned)).cloned().collect())
        }
        LogicalPlan::Distinct { on: None, .. } | LogicalPlan::Sort { .. } => (0, keys.to_vec()),
        LogicalPlan::Join { left, right, kind, .. } => {
            let (of_left, of_right) = (among(left), among(right));
            match kind {
                JoinKind::Inner | JoinKind::Cross if of_right.len() > of_left.len() => (1, of_right),
                JoinKind::Right | JoinKind::Full => return None,
                _ => (0, of_left),
            }
        }
        _ => return None,
    };
    (!below.is_empty()).then_some((input, below))
}

/// The plan without what neither makes a wanted column nor leaves out many rows. What is left has at least the same values.
fn without_rest(plan: LogicalPlan, wanted: &BTreeSet<ColumnId>) -> LogicalPlan {
    match plan {
        LogicalPlan::Sort { input, .. }
        | LogicalPlan::Limit { input, .. }
        | LogicalPlan::Distinct { input, on: None } => without_rest(*input, wanted),
        LogicalPlan::Window { input, calls } if !calls.iter().any(|call| wanted.contains(&call.output.id)) => {
            without_rest(*input, wanted)
        }
        LogicalPlan::Project { input, columns } => {
            let columns: Vec<_> = columns.into_iter().filter(|(def, _)| wanted.contains(&def.id)).collect();
            let below = columns.iter().flat_map(|(_, expr)| expr.columns()).collect();
            LogicalPlan::Project { input: Box::new(without_rest(*input, &below)), columns }
        }
        LogicalPlan::Filter { input, predicate } => {
            let parts: Vec<Expr> = conjuncts(predicate).into_iter().filter(|part| !may_fail(part)).collect();
            let below = wanted.iter().copied().chain(parts.iter().flat_map(Expr::columns)).collect();
            let input = Box::new(without_rest(*input, &below));
            match parts.is_empty() {
                true => *input,
                false => LogicalPlan::Filter { input, predicate: Expr::and(parts) },
            }
        }
        LogicalPlan::Join { left, right, kind, on } if !matches!(kind, JoinKind::Right | JoinKind::Full) => {
            let makes_all = |plan: &LogicalPlan| {
                let columns: BTreeSet<ColumnId> = plan.columns().iter().map(|c| c.id).collect();
                wanted.is_subset(&columns)
            };
            let side = match kind {
                _ if makes_all(&left) => Some(&left),
                JoinKind::Inner | JoinKind::Cross if makes_all(&right) => Some(&right),
                _ => None,
            };
            let plan = LogicalPlan::Join { left: left.clone(), right: right.clone(), kind, on: on.clone() };
            match side.map(|side| without_rest((**side).clone(), wanted)) {
                Some(side) if estimate(&side).rows <= SELECTIVE * estimate(&plan).rows => side,
                _ => {
                    let below: BTreeSet<ColumnId> =
                        wanted.iter().copied().chain(on.iter().flat_map(Expr::columns)).collect();
                    let keep = |side: &LogicalPlan| {
                        let columns: BTreeSet<ColumnId> = side.columns().iter().map(|c| c.id).collect();
                        below.intersection(&columns).copied().collect()
                    };
                    let (of_left, of_right) = (keep(&left), keep(&right));
                    let left = Box::new(without_rest(*left, &of_left));
                    // Only what an inner join may find more of may be more.
                    let right = match kind {
                        JoinKind::Inner | JoinKind::Cross | JoinKind::Semi => Box::new(without_rest(*right, &of_right)),
                        _ => right,
                    };
                    LogicalPlan::Join { left, right, kind, on }
                }
            }
        }
        other => other,
    }
}

/// Whether computing the plan twice, each time in the way that suits its place, gives the same rows and no error.
fn is_repeatable(plan: &LogicalPlan) -> bool {
    let exact = |aggregate: &Aggregate| {
        matches!(aggregate.function.as_str(), "count" | "count_star" | "sum" | "avg" | "min" | "max")
            && !aggregate.args.iter().any(|(_, dtype)| matches!(dtype, DataType::Float | DataType::Double))
    };
    let own = match plan {
        LogicalPlan::Scan { .. }
        | LogicalPlan::Values { .. }
        | LogicalPlan::Filter { .. }
        | LogicalPlan::Project { .. }
        | LogicalPlan::Union { .. }
        | LogicalPlan::Distinct { on: None, .. } => true,
        LogicalPlan::Join { kind, .. } => !matches!(kind, JoinKind::AsOf { .. } | JoinKind::Single),
        LogicalPlan::Aggregate { aggregates, .. } => aggregates.iter().all(exact),
        _ => false,
    };
    own && !plan.expressions().into_iter().any(may_fail) && plan.inputs().into_iter().all(is_repeatable)
}

/// The work of a plan, in rows that are scanned.
fn cost(plan: &LogicalPlan) -> f64 {
    let own = match plan {
        LogicalPlan::Scan { table, .. } => table.rows as f64,
        LogicalPlan::Join { left, right, .. } => {
            estimate(plan).rows + KEEPING * estimate(left).rows.min(estimate(right).rows)
        }
        LogicalPlan::Aggregate { input, .. } | LogicalPlan::Distinct { input, .. } => KEEPING * estimate(input).rows,
        _ => 0.0,
    };
    own + plan.inputs().into_iter().map(cost).sum::<f64>()
}
