//! Subqueries become joins; none is ever run row by row.
//!
//! Each operator is looked at after its inputs, and each subquery's plan is unnested before it is joined, so one level at a time:
//! [`expressions`] joins the subqueries in an operator's expressions to its input, [`decorrelate`] turns what such a subquery reads of
//! the query around it into join conditions where it can, and [`push`] is the general algorithm for the rest (Neumann and Kemper,
//! "Unnesting Arbitrary Queries", 2015). LATERAL is a join whose right side reads columns of the left.

mod casts;
mod decorrelate;
mod domain;
mod expressions;
mod lateral;
mod push;

use super::{Context, conjuncts, may_fail, transform_up};
use crate::journal::ErrorCode;
use crate::plan::expr::{ColumnDef, ColumnId, Expr};
use crate::plan::logical::{JoinKind, LogicalPlan};
use crate::sql::diagnostic::Result;
use crate::sql::{DataType, Diagnostic, Value};
use std::collections::BTreeSet;

pub fn unnest(plan: LogicalPlan, context: &mut Context) -> Result<LogicalPlan> {
    transform_up(plan, &mut |plan| operator(plan, context))
}

/// One operator, whose inputs have no subqueries any more.
fn operator(plan: LogicalPlan, context: &mut Context) -> Result<LogicalPlan> {
    let has_subquery = plan.expressions().into_iter().any(Expr::has_subquery);
    match plan {
        LogicalPlan::Join { left, right, kind, on } => {
            let left_columns = left.columns().iter().map(|c| c.id).collect();
            if has_subquery {
                lateral::condition(*left, *right, kind, on, context)
            } else if depends(&right, &left_columns) {
                lateral::join_lateral(*left, *right, kind, on, context)
            } else {
                Ok(LogicalPlan::Join { left, right, kind, on })
            }
        }
        plan if !has_subquery => Ok(plan),
        LogicalPlan::Filter { input, predicate } => {
            let yields = input.columns();
            Ok(exactly(expressions::filter(*input, predicate, context)?, &yields))
        }
        LogicalPlan::Project { input, columns } => {
            let mut joined = *input;
            let mut replaced = Vec::new();
            for (def, expr) in columns {
                let (expr, plan) = expressions::replace(expr, joined, context)?;
                joined = plan;
                replaced.push((def, expr));
            }
            Ok(LogicalPlan::Project { input: Box::new(joined), columns: replaced })
        }
        // Each row is a projection of one row without columns.
        LogicalPlan::Values { columns, rows } => {
            let mut inputs = Vec::new();
            for row in rows {
                let unit = LogicalPlan::Values { columns: vec![], rows: vec![vec![]] };
                let defs = columns.iter().map(|c| ColumnDef { id: context.fresh(), ..c.clone() });
                let project = LogicalPlan::Project { input: Box::new(unit), columns: defs.zip(row).collect() };
                inputs.push(operator(project, context)?);
            }
            Ok(LogicalPlan::Union { inputs, columns })
        }
        other => {
            let place = other.expressions().iter().find(|e| e.has_subquery()).and_then(|e| e.span);
            Err(Diagnostic::new(ErrorCode::NotSupported, "not supported yet: a subquery at this place").at(place))
        }
    }
}

/// Whether the plan reads one of these columns, which it does not make itself.
fn depends(plan: &LogicalPlan, columns: &BTreeSet<ColumnId>) -> bool {
    plan.outer_columns().iter().any(|id| columns.contains(id))
}

/// Just `columns` of `plan`, which joins have widened.
fn exactly(plan: LogicalPlan, columns: &[ColumnDef]) -> LogicalPlan {
    if plan.columns() == columns {
        return plan;
    }
    LogicalPlan::Project { input: Box::new(plan), columns: columns.iter().cloned().map(pass).collect() }
}

/// A column as an output of a projection.
fn pass(def: ColumnDef) -> (ColumnDef, Expr) {
    let column = Expr::column(def.id, def.dtype.clone());
    (def, column)
}

fn filtered(plan: LogicalPlan, parts: Vec<Expr>) -> LogicalPlan {
    if parts.is_empty() {
        return plan;
    }
    LogicalPlan::Filter { input: Box::new(plan), predicate: Expr::and(parts) }
}

fn join(left: LogicalPlan, right: LogicalPlan, kind: JoinKind, on: Option<Expr>) -> LogicalPlan {
    LogicalPlan::Join { left: Box::new(left), right: Box::new(right), kind, on }
}

fn null_safe_equal(left: Expr, right: Expr) -> Expr {
    Expr::call("is_not_distinct_from", vec![left, right], DataType::Boolean)
}

/// A condition that is FALSE where it was unknown.
fn is_true(condition: Expr) -> Expr {
    match &condition.kind {
        crate::plan::expr::ExprKind::Call { function, .. } if function == "is_not_distinct_from" => condition,
        _ => {
            let span = condition.span;
            null_safe_equal(condition, Expr::literal(Value::Boolean(true), DataType::Boolean)).at(span)
        }
    }
}
