//! Subqueries become joins; none is ever run row by row. This file handles those that stand alone; a correlated one (it
//! reads a column of an outer query) is refused until the general unnesting of Neumann and Kemper (2015) is here.

use super::{Context, transform_up};
use crate::journal::ErrorCode;
use crate::plan::expr::{ColumnDef, Expr, ExprKind};
use crate::plan::logical::{Aggregate, JoinKind, LogicalPlan};
use crate::sql::diagnostic::Result;
use crate::sql::{DataType, Diagnostic, Span, Value};

pub fn unnest(plan: LogicalPlan, context: &mut Context) -> Result<LogicalPlan> {
    transform_up(plan, &mut |plan| {
        let yields = plan.columns();
        match plan {
            LogicalPlan::Filter { input, predicate } if has_subquery(&predicate) => {
                let mut joined = *input;
                let mut kept = Vec::new();
                for part in conjuncts(predicate) {
                    joined = match as_semi_join(part, joined, context)? {
                        Conjunct::Joined(plan) => plan,
                        Conjunct::Other(part, plan) => {
                            let (part, plan) = replace(part, plan, context)?;
                            kept.push(part);
                            plan
                        }
                    };
                }
                if !kept.is_empty() {
                    joined = LogicalPlan::Filter { input: Box::new(joined), predicate: Expr::and(kept) };
                }
                Ok(only(joined, yields))
            }
            LogicalPlan::Project { input, columns } if columns.iter().any(|(_, e)| has_subquery(e)) => {
                let mut joined = *input;
                let mut replaced = Vec::new();
                for (def, expr) in columns {
                    let (expr, plan) = replace(expr, joined, context)?;
                    joined = plan;
                    replaced.push((def, expr));
                }
                Ok(LogicalPlan::Project { input: Box::new(joined), columns: replaced })
            }
            LogicalPlan::Join { left, right, kind: JoinKind::Inner | JoinKind::Cross, on: Some(on) }
                if has_subquery(&on) =>
            {
                // An inner join's condition is a filter over the pairs.
                let cross = LogicalPlan::Join { left, right, kind: JoinKind::Cross, on: None };
                unnest(LogicalPlan::Filter { input: Box::new(cross), predicate: on }, context)
            }
            LogicalPlan::Join { on: Some(on), .. } if has_subquery(&on) => {
                Err(not_yet("a subquery in the condition of an outer join", on.span))
            }
            LogicalPlan::Values { rows, .. } if rows.iter().flatten().any(has_subquery) => {
                let span = rows.iter().flatten().find(|e| has_subquery(e)).and_then(|e| e.span);
                Err(not_yet("a subquery in VALUES", span))
            }
            other => Ok(other),
        }
    })
}

/// The parts of a conjunction.
pub(in crate::plan) fn conjuncts(predicate: Expr) -> Vec<Expr> {
    match predicate.kind {
        ExprKind::And(parts) => parts.into_iter().flat_map(conjuncts).collect(),
        _ => vec![predicate],
    }
}

fn not_yet(what: &str, span: Option<Span>) -> Diagnostic {
    Diagnostic::new(ErrorCode::NotSupported, format!("not supported yet: {what}")).at(span)
}

fn has_subquery(expr: &Expr) -> bool {
    let mut found = false;
    expr.walk(&mut |e| {
        found |= matches!(e.kind, ExprKind::ScalarSubquery(_) | ExprKind::Exists { .. } | ExprKind::InSubquery { .. });
    });
    found
}

/// Just `columns` of `plan`, which joins have widened.
fn only(plan: LogicalPlan, columns: Vec<ColumnDef>) -> LogicalPlan {
    let columns = columns.into_iter().map(|c| (c.clone(), Expr::column(c.id, c.dtype))).collect();
    LogicalPlan::Project { input: Box::new(plan), columns }
}

enum Conjunct {
    Joined(LogicalPlan),
    Other(Expr, LogicalPlan),
}

/// A subquery that is a whole conjunct of a filter only keeps or drops rows: a semi or anti join. (`NOT IN` is not an
/// anti join: a NULL on either side makes it unknown; it takes the general way, by a mark.)
fn as_semi_join(part: Expr, input: LogicalPlan, context: &mut Context) -> Result<Conjunct> {
    match part.kind {
        ExprKind::InSubquery { arg, plan, negated: false } if !has_subquery(&arg) => {
            let plan = stands_alone(*plan, part.span, context)?;
            let on = equals_first_column(*arg, &plan);
            Ok(Conjunct::Joined(join(input, plan, JoinKind::Semi, Some(on))))
        }
        ExprKind::Exists { plan, negated } => {
            let plan = stands_alone(*plan, part.span, context)?;
            let kind = if negated { JoinKind::Anti } else { JoinKind::Semi };
            let first = LogicalPlan::Limit { input: Box::new(plan), limit: Some(1), offset: 0 };
            Ok(Conjunct::Joined(join(input, first, kind, Some(Expr::boolean(true)))))
        }
        kind => Ok(Conjunct::Other(Expr { kind, ..part }, input)),
    }
}

/// Replaces every subquery in `expr` by a column that a join with `input` provides.
fn replace(mut expr: Expr, mut input: LogicalPlan, context: &mut Context) -> Result<(Expr, LogicalPlan)> {
    for child in expr.children_mut() {
        let taken = std::mem::replace(child, Expr::boolean(true));
        let (replaced, plan) = replace(taken, input, context)?;
        *child = replaced;
        input = plan;
    }
    let span = expr.span;
    match expr.kind {
        ExprKind::ScalarSubquery(plan) => {
            let plan = stands_alone(*plan, span, context)?;
            let column = plan.columns().into_iter().next().expect("the binder checked that it has one column");
            let value = Expr::column(column.id, column.dtype).at(span);
            Ok((value, join(input, plan, JoinKind::Single, None)))
        }
        ExprKind::InSubquery { arg, plan, negated } => {
            let plan = stands_alone(*plan, span, context)?;
            let mark = context.fresh();
            let (arg, input) = match arg.as_column() {
                Some(_) => (*arg, input),
                None => {
                    let def = ColumnDef { id: context.fresh(), name: "in".into(), dtype: arg.dtype.clone() };
                    let mut columns: Vec<_> =
                        input.columns().into_iter().map(|c| (c.clone(), Expr::column(c.id, c.dtype))).collect();
                    columns.push((def.clone(), *arg));
                    (Expr::column(def.id, def.dtype), LogicalPlan::Project { input: Box::new(input), columns })
                }
            };
            let on = equals_first_column(arg, &plan);
            let marked = Expr::column(mark, DataType::Boolean).at(span);
            let value = if negated {
                Expr { kind: ExprKind::Not(Box::new(marked)), dtype: DataType::Boolean, span }
            } else {
                marked
            };
            Ok((value, join(input, plan, JoinKind::Mark(mark), Some(on))))
        }
        ExprKind::Exists { plan, negated } => {
            // One row, one column: whether there is a first row.
            let plan = stands_alone(*plan, span, context)?;
            let first = LogicalPlan::Limit { input: Box::new(plan), limit: Some(1), offset: 0 };
            let count = ColumnDef { id: context.fresh(), name: "count_star()".into(), dtype: DataType::BigInt };
            let counted = LogicalPlan::Aggregate {
                input: Box::new(first),
                keys: vec![],
                grouping_sets: None,
                aggregates: vec![Aggregate { span, ..Aggregate::plain(count.clone(), "count_star", vec![]) }],
            };
            let zero = Expr::literal(Value::Int(0), DataType::BigInt);
            let operator = if negated { "=" } else { ">" };
            let value =
                Expr::call(operator, vec![Expr::column(count.id, count.dtype), zero], DataType::Boolean).at(span);
            Ok((value, join(input, counted, JoinKind::Cross, None)))
        }
        kind => Ok((Expr { kind, ..expr }, input)),
    }
}

fn join(left: LogicalPlan, right: LogicalPlan, kind: JoinKind, on: Option<Expr>) -> LogicalPlan {
    LogicalPlan::Join { left: Box::new(left), right: Box::new(right), kind, on }
}

fn equals_first_column(arg: Expr, plan: &LogicalPlan) -> Expr {
    let column = plan.columns().into_iter().next().expect("the binder checked that it has one column");
    let span = arg.span;
    Expr::call("=", vec![arg, Expr::column(column.id, column.dtype)], DataType::Boolean).at(span)
}

/// The subquery's plan, its own subqueries unnested; an error if it reads columns of an outer query.
fn stands_alone(plan: LogicalPlan, span: Option<Span>, context: &mut Context) -> Result<LogicalPlan> {
    if !plan.outer_columns().is_empty() {
        return Err(not_yet("correlated subqueries", span)
            .hint("write it as a join: compute the subquery with GROUP BY in FROM and join on the columns it shares"));
    }
    unnest(plan, context)
}
