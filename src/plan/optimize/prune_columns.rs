//! Drops the columns that nobody above reads, down to the scans: what is not read is not decoded.

use crate::plan::estimate::default_width;
use crate::plan::expr::{ColumnDef, ColumnId, Expr};
use crate::plan::logical::{JoinKind, LogicalPlan};
use std::collections::BTreeSet;

type Wanted = BTreeSet<ColumnId>;

/// The plan with only what `wanted` needs. Operators above may still pass on more than they use.
pub fn prune(plan: LogicalPlan, wanted: &Wanted) -> LogicalPlan {
    let with = |wanted: &Wanted, exprs: &[&Expr]| -> Wanted {
        wanted.iter().copied().chain(exprs.iter().flat_map(|e| e.columns())).collect()
    };
    match plan {
        LogicalPlan::Scan { table, source, columns } => {
            let width = |i: usize| (default_width(&table.columns[i].dtype) * 4.0) as u32;
            let narrowest = source.iter().copied().min_by_key(|i| width(*i));
            let any = columns.iter().any(|c| wanted.contains(&c.id));
            // Rows need at least one column to be counted by.
            let kept = source
                .into_iter()
                .zip(columns)
                .filter(|(i, c)| if any { wanted.contains(&c.id) } else { Some(*i) == narrowest });
            let (source, columns) = kept.unzip();
            LogicalPlan::Scan { table, source, columns }
        }
        LogicalPlan::Values { columns, rows } => {
            let keep = kept_positions(&columns, wanted);
            LogicalPlan::Values {
                columns: keep.iter().map(|i| columns[*i].clone()).collect(),
                rows: rows.into_iter().map(|row| keep.iter().map(|i| row[*i].clone()).collect()).collect(),
            }
        }
        LogicalPlan::Filter { input, predicate } => {
            let input = prune(*input, &with(wanted, &[&predicate]));
            LogicalPlan::Filter { input: Box::new(input), predicate }
        }
        LogicalPlan::Project { input, columns } => {
            let columns: Vec<_> = columns.into_iter().filter(|(def, _)| wanted.contains(&def.id)).collect();
            if columns.is_empty() {
                // Only rows count, and they are the input's.
                return prune(*input, wanted);
            }
            let below = columns.iter().flat_map(|(_, e)| e.columns()).collect();
            LogicalPlan::Project { input: Box::new(prune(*input, &below)), columns }
        }
        LogicalPlan::Join { left, right, kind, on } => {
            let mut below = wanted.clone();
            below.extend(on.iter().flat_map(|e| e.columns()));
            if let JoinKind::Mark(id) = kind {
                below.remove(&id);
            }
            let (left, right) = (prune(*left, &below), prune(*right, &below));
            LogicalPlan::Join { left: Box::new(left), right: Box::new(right), kind, on }
        }
        LogicalPlan::Aggregate { input, keys, grouping_sets, aggregates } => {
            let aggregates: Vec<_> = aggregates.into_iter().filter(|a| wanted.contains(&a.output.id)).collect();
            let mut below: Wanted = keys.iter().map(|k| k.id).collect();
            for aggregate in &aggregates {
                below.extend(aggregate.reads());
            }
            LogicalPlan::Aggregate { input: Box::new(prune(*input, &below)), keys, grouping_sets, aggregates }
        }
        LogicalPlan::Window { input, calls } => {
            let calls: Vec<_> = calls.into_iter().filter(|call| wanted.contains(&call.output.id)).collect();
            if calls.is_empty() {
                return prune(*input, wanted);
            }
            let below = wanted.iter().copied().chain(calls.iter().flat_map(|call| call.reads())).collect();
            LogicalPlan::Window { input: Box::new(prune(*input, &below)), calls }
        }
        // The lists decide how many rows there are, even where nobody reads their elements.
        LogicalPlan::Unnest { input, lists, ordinality, outer } => {
            let below = with(wanted, &lists.iter().map(|(_, list)| list).collect::<Vec<_>>());
            LogicalPlan::Unnest { input: Box::new(prune(*input, &below)), lists, ordinality, outer }
        }
        // Equality of whole rows: every column counts.
        LogicalPlan::Distinct { input, on } => {
            let below = input.columns().iter().map(|c| c.id).collect();
            LogicalPlan::Distinct { input: Box::new(prune(*input, &below)), on }
        }
        LogicalPlan::Sort { input, keys } => {
            let below = wanted.iter().copied().chain(keys.iter().map(|k| k.column)).collect();
            LogicalPlan::Sort { input: Box::new(prune(*input, &below)), keys }
        }
        LogicalPlan::Limit { input, limit, offset } => {
            LogicalPlan::Limit { input: Box::new(prune(*input, wanted)), limit, offset }
        }
        LogicalPlan::Union { inputs, columns } => {
            let keep = kept_positions(&columns, wanted);
            let inputs = inputs
                .into_iter()
                .map(|input| {
                    // Columns are matched by position, so the input must yield just the kept ones, in order.
                    let all = input.columns();
                    let kept: Vec<_> = keep.iter().map(|i| all[*i].clone()).collect();
                    let pruned = prune(input, &kept.iter().map(|c| c.id).collect());
                    if pruned.columns() == kept {
                        return pruned;
                    }
                    let columns = kept.iter().map(|c| (c.clone(), Expr::column(c.id, c.dtype.clone()))).collect();
                    LogicalPlan::Project { input: Box::new(pruned), columns }
                })
                .collect();
            LogicalPlan::Union { inputs, columns: keep.iter().map(|i| columns[*i].clone()).collect() }
        }
        LogicalPlan::SetOperation { left, right, kind, all, columns } => {
            let every = |p: &LogicalPlan| p.columns().iter().map(|c| c.id).collect::<Wanted>();
            let (l, r) = (every(&left), every(&right));
            LogicalPlan::SetOperation {
                left: Box::new(prune(*left, &l)),
                right: Box::new(prune(*right, &r)),
                kind,
                all,
                columns,
            }
        }
    }
}

/// The positions of the wanted columns; the first if none is wanted, to count rows by.
fn kept_positions(columns: &[ColumnDef], wanted: &Wanted) -> Vec<usize> {
    let kept: Vec<usize> = (0..columns.len()).filter(|i| wanted.contains(&columns[*i].id)).collect();
    if kept.is_empty() && !columns.is_empty() { vec![0] } else { kept }
}
