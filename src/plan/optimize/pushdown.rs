//! Predicates sink towards the scans: through projections, joins, aggregates and unions, to the lowest place that has
//! their columns. Those that may fail stay where they are ([`super::may_fail`]).

use super::implied::carried;
use super::{Context, conjuncts, may_fail};
use crate::plan::expr::{ColumnId, Expr, ExprKind};
use crate::plan::logical::{JoinKind, LogicalPlan};
use crate::sql::diagnostic::Result;
use std::collections::{BTreeMap, BTreeSet};

pub fn push_down(plan: LogicalPlan, _: &mut Context) -> Result<LogicalPlan> {
    Ok(push(plan, vec![]))
}

/// `plan` under the conjunction of `predicates`, none of which may fail.
pub(super) fn push(plan: LogicalPlan, predicates: Vec<Expr>) -> LogicalPlan {
    match plan {
        LogicalPlan::Filter { input, predicate } => {
            let (mut stay, mut sink) = (Vec::new(), predicates);
            for part in conjuncts(predicate) {
                // A part that may fail is guarded by those before it, and guards those behind it from nothing.
                if may_fail(&part) { stay.push(part) } else { sink.push(part) }
            }
            filtered(push(*input, sink), stay)
        }
        LogicalPlan::Project { input, columns } => {
            let plain: BTreeMap<ColumnId, Expr> =
                columns.iter().filter(|(_, e)| !may_fail(e)).map(|(def, e)| (def.id, e.clone())).collect();
            let computed: BTreeSet<ColumnId> = columns.iter().map(|(def, _)| def.id).collect();
            let (mut sink, mut stay) = (Vec::new(), Vec::new());
            for predicate in predicates {
                if predicate.columns().iter().all(|c| plain.contains_key(c) || !computed.contains(c)) {
                    sink.push(predicate.transform(&mut |e| match e.kind {
                        ExprKind::Column(id) => plain.get(&id).cloned().unwrap_or(e),
                        _ => e,
                    }));
                } else {
                    stay.push(predicate);
                }
            }
            filtered(LogicalPlan::Project { input: Box::new(push(*input, sink)), columns }, stay)
        }
        LogicalPlan::Join { left, right, kind, on } => push_join(*left, *right, kind, on, predicates),
        LogicalPlan::Aggregate { input, keys, grouping_sets, aggregates } => {
            let grouped: BTreeSet<ColumnId> = keys.iter().map(|k| k.id).collect();
            let (sink, stay) = match grouping_sets {
                // A filter on keys keeps or drops whole groups. Without keys there is one row whatever comes in.
                None if !keys.is_empty() => reads_only(predicates, &grouped),
                _ => (vec![], predicates),
            };
            let input = Box::new(push(*input, sink));
            filtered(LogicalPlan::Aggregate { input, keys, grouping_sets, aggregates }, stay)
        }
        LogicalPlan::Distinct { input, on: None } => {
            LogicalPlan::Distinct { input: Box::new(push(*input, predicates)), on: None }
        }
        LogicalPlan::Sort { input, keys } => LogicalPlan::Sort { input: Box::new(push(*input, predicates)), keys },
        LogicalPlan::Union { inputs, columns } => {
            let inputs = inputs
                .into_iter()
                .map(|input| {
                    let own: BTreeMap<ColumnId, Expr> = columns
                        .iter()
                        .zip(input.columns())
                        .map(|(outer, inner)| (outer.id, Expr::column(inner.id, inner.dtype)))
                        .collect();
                    let renamed = predicates.iter().map(|p| {
                        p.clone().transform(&mut |e| match e.kind {
                            ExprKind::Column(id) => own.get(&id).cloned().unwrap_or(e),
                            _ => e,
                        })
                    });
                    push(input, renamed.collect())
                })
                .collect();
            LogicalPlan::Union { inputs, columns }
        }
        LogicalPlan::Window { input, calls } => {
            // A filter on what every call partitions by keeps or drops whole partitions.
            let mut together: BTreeSet<ColumnId> = input.columns().iter().map(|c| c.id).collect();
            for call in &calls {
                together.retain(|id| call.partition_by.contains(id));
            }
            let (sink, stay) = reads_only(predicates, &together);
            filtered(LogicalPlan::Window { input: Box::new(push(*input, sink)), calls }, stay)
        }
        LogicalPlan::Unnest { input, lists, ordinality, outer } => {
            // A filter on the input's columns keeps or drops all rows that one row becomes.
            let of_input = input.columns().iter().map(|c| c.id).collect();
            let (sink, stay) = reads_only(predicates, &of_input);
            let input = Box::new(push(*input, sink));
            filtered(LogicalPlan::Unnest { input, lists, ordinality, outer }, stay)
        }
        // The rest decide by whole rows or by position: a filter below would change what they see.
        mut other => {
            for input in other.inputs_mut() {
                let taken = std::mem::replace(input, LogicalPlan::Values { columns: vec![], rows: vec![] });
                *input = push(taken, vec![]);
            }
            filtered(other, predicates)
        }
    }
}

fn push_join(
    left: LogicalPlan,
    right: LogicalPlan,
    kind: JoinKind,
    on: Option<Expr>,
    predicates: Vec<Expr>,
) -> LogicalPlan {
    let left_columns: BTreeSet<ColumnId> = left.columns().iter().map(|c| c.id).collect();
    let right_columns: BTreeSet<ColumnId> = right.columns().iter().map(|c| c.id).collect();
    let join = |left, right, kind, on: Vec<Expr>| LogicalPlan::Join {
        left: Box::new(left),
        right: Box::new(right),
        kind,
        on: if on.is_empty() { None } else { Some(Expr::and(on)) },
    };
    let on: Vec<Expr> = on.map(conjuncts).unwrap_or_default();
    match kind {
        JoinKind::Inner | JoinKind::Cross => {
            let (guarded, free): (Vec<Expr>, Vec<Expr>) = on.into_iter().partition(may_fail);
            let all: Vec<Expr> = free.into_iter().chain(predicates).collect();
            let (to_left, rest) = reads_only(all, &left_columns);
            let (to_right, mut both) = reads_only(rest, &right_columns);
            both.extend(guarded);
            let kind = if both.is_empty() { JoinKind::Cross } else { JoinKind::Inner };
            join(push(left, to_left), push(right, to_right), kind, both)
        }
        JoinKind::Left | JoinKind::Single | JoinKind::AsOf { .. } => {
            let (to_left, stay) = reads_only(predicates, &left_columns);
            // The condition decides what matches: a part on the right side alone only thins out what could match.
            let (guarded, free): (Vec<Expr>, Vec<Expr>) = on.into_iter().partition(may_fail);
            let (mut to_right, mut both) = reads_only(free, &right_columns);
            to_right.extend(reads_only(carried(&to_left, &both), &right_columns).0);
            both.extend(guarded);
            filtered(join(push(left, to_left), push(right, to_right), kind, both), stay)
        }
        JoinKind::Semi | JoinKind::Anti => {
            let (guarded, free): (Vec<Expr>, Vec<Expr>) = on.into_iter().partition(may_fail);
            let (mut to_right, rest) = reads_only(free, &right_columns);
            to_right.extend(reads_only(carried(&predicates, &rest), &right_columns).0);
            // A left row that fails a condition of its own has no match.
            let (to_left, mut both) =
                if kind == JoinKind::Semi { reads_only(rest, &left_columns) } else { (vec![], rest) };
            both.extend(guarded);
            if both.is_empty() {
                both.push(Expr::boolean(true));
            }
            let predicates = predicates.into_iter().chain(to_left).collect();
            join(push(left, predicates), push(right, to_right), kind, both)
        }
        JoinKind::Mark(_) => {
            let (to_left, stay) = reads_only(predicates, &left_columns);
            filtered(join(push(left, to_left), push(right, vec![]), kind, on), stay)
        }
        JoinKind::Right | JoinKind::Full => {
            filtered(join(push(left, vec![]), push(right, vec![]), kind, on), predicates)
        }
    }
}

/// Those that read columns of `columns` only (and at least one), and the others.
fn reads_only(predicates: Vec<Expr>, columns: &BTreeSet<ColumnId>) -> (Vec<Expr>, Vec<Expr>) {
    predicates.into_iter().partition(|p| {
        let read = p.columns();
        !read.is_empty() && read.iter().all(|c| columns.contains(c))
    })
}

fn filtered(plan: LogicalPlan, predicates: Vec<Expr>) -> LogicalPlan {
    if predicates.is_empty() {
        return plan;
    }
    LogicalPlan::Filter { input: Box::new(plan), predicate: Expr::and(predicates) }
}
