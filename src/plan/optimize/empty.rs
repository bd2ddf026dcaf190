//! What cannot have a row is not computed: a filter that is never true, and whatever follows from it, up to the branches of a
//! UNION ALL.

use super::nulls::is_never_true;
use super::{Context, transform_up};
use crate::plan::expr::{ColumnDef, Expr};
use crate::plan::logical::{JoinKind, LogicalPlan};
use crate::sql::Value;
use crate::sql::diagnostic::Result;

pub fn remove_empty(plan: LogicalPlan, _: &mut Context) -> Result<LogicalPlan> {
    transform_up(plan, &mut |plan| Ok(smaller(plan)))
}

fn smaller(plan: LogicalPlan) -> LogicalPlan {
    let nothing = |plan: &LogicalPlan| LogicalPlan::Values { columns: plan.columns(), rows: vec![] };
    match plan {
        LogicalPlan::Filter { ref predicate, .. } if is_never_true(predicate) => nothing(&plan),
        LogicalPlan::Limit { limit: Some(0), .. } => nothing(&plan),
        LogicalPlan::Filter { ref input, .. }
        | LogicalPlan::Project { ref input, .. }
        | LogicalPlan::Distinct { ref input, .. }
        | LogicalPlan::Sort { ref input, .. }
        | LogicalPlan::Limit { ref input, .. }
        | LogicalPlan::Window { ref input, .. }
            if is_empty(input) =>
        {
            nothing(&plan)
        }
        // Without keys there is one row whatever comes in.
        LogicalPlan::Aggregate { ref input, ref keys, grouping_sets: None, .. }
            if !keys.is_empty() && is_empty(input) =>
        {
            nothing(&plan)
        }
        LogicalPlan::Join { ref left, ref right, kind, .. } => {
            let none = match kind {
                JoinKind::Inner | JoinKind::Cross => is_empty(left) || is_empty(right),
                JoinKind::Semi => is_empty(left) || is_empty(right),
                JoinKind::Left | JoinKind::Single | JoinKind::Anti | JoinKind::Mark(_) | JoinKind::AsOf { .. } => {
                    is_empty(left)
                }
                JoinKind::Right => is_empty(right),
                JoinKind::Full => is_empty(left) && is_empty(right),
            };
            if none { nothing(&plan) } else { one_sided(plan) }
        }
        LogicalPlan::Union { inputs, columns } => {
            let mut inputs: Vec<LogicalPlan> = inputs.into_iter().filter(|input| !is_empty(input)).collect();
            match inputs.len() {
                0 => LogicalPlan::Values { columns, rows: vec![] },
                1 => renamed(inputs.remove(0), columns),
                _ => LogicalPlan::Union { inputs, columns },
            }
        }
        other => other,
    }
}

/// An outer or anti join with nothing on its right side: the left rows as they are, with NULLs beside them.
fn one_sided(plan: LogicalPlan) -> LogicalPlan {
    match plan {
        LogicalPlan::Join { left, right, kind: JoinKind::Anti, .. } if is_empty(&right) => *left,
        LogicalPlan::Join { left, right, kind: JoinKind::Left, .. } if is_empty(&right) => {
            let same = left.columns().into_iter().map(|c| (c.clone(), Expr::column(c.id, c.dtype)));
            let nulls = right.columns().into_iter().map(|c| (c.clone(), Expr::literal(Value::Null, c.dtype)));
            let columns = same.chain(nulls).collect();
            LogicalPlan::Project { input: left, columns }
        }
        other => other,
    }
}

fn is_empty(plan: &LogicalPlan) -> bool {
    matches!(plan, LogicalPlan::Values { rows, .. } if rows.is_empty())
}

/// The rows of `input` under other names.
fn renamed(input: LogicalPlan, columns: Vec<ColumnDef>) -> LogicalPlan {
    let own = input.columns();
    let columns =
        columns.into_iter().zip(own).map(|(outer, inner)| (outer, Expr::column(inner.id, inner.dtype))).collect();
    LogicalPlan::Project { input: Box::new(input), columns }
}
