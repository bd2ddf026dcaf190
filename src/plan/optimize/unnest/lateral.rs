//! Joins whose right side reads columns of the left, and subqueries in the conditions of joins.

use super::decorrelate::{decorrelate, is_one_row, one_row, over};
use super::{conjuncts, exactly, filtered, join, operator, pass};
use crate::journal::ErrorCode;
use crate::plan::expr::{ColumnDef, ColumnId, Expr, ExprKind};
use crate::plan::logical::{JoinKind, LogicalPlan};
use crate::plan::optimize::Context;
use crate::sql::Diagnostic;
use crate::sql::diagnostic::Result;
use std::collections::BTreeSet;

/// A join of `left` with what `right` yields for each of its rows.
pub fn join_lateral(
    left: LogicalPlan,
    right: LogicalPlan,
    kind: JoinKind,
    on: Option<Expr>,
    context: &mut Context,
) -> Result<LogicalPlan> {
    let right = super::expressions::simplified(right, context)?;
    let left_columns = left.columns();
    let yields = |outputs: Vec<(ColumnDef, Expr)>| left_columns.iter().cloned().map(pass).chain(outputs).collect();
    let on_all = on.as_ref().is_none_or(|on| *on == Expr::boolean(true));
    let inner_join = matches!(kind, JoinKind::Inner | JoinKind::Cross);
    if is_one_row(&right) && (inner_join || kind == JoinKind::Left && on_all) {
        let inner = one_row(right, &left, context)?;
        let kind = if inner.on.is_some() { JoinKind::Left } else { JoinKind::Cross };
        let input = Box::new(join(left, inner.plan, kind, inner.on));
        let plan = LogicalPlan::Project { input, columns: yields(inner.outputs) };
        return Ok(filtered(plan, on.map(conjuncts).unwrap_or_default()));
    }
    let inner = decorrelate(right, &left, context)?;
    let conditions = |conditions: Vec<Expr>, on: Option<Expr>, outputs: &[(ColumnDef, Expr)]| {
        let all: Vec<Expr> = conditions.into_iter().chain(on.map(|on| over(outputs, on))).collect();
        if all.is_empty() { None } else { Some(Expr::and(all)) }
    };
    match kind {
        JoinKind::Inner | JoinKind::Cross => {
            let on = conditions(inner.conditions, on, &inner.outputs);
            let kind = if on.is_some() { JoinKind::Inner } else { JoinKind::Cross };
            let input = Box::new(join(left, inner.plan, kind, on));
            Ok(LogicalPlan::Project { input, columns: yields(inner.outputs) })
        }
        JoinKind::Left => {
            let on = on.map(|on| over(&inner.outputs, on));
            let inner = inner.nullable(&left, context);
            let on = conditions(inner.conditions, on, &[]).unwrap_or_else(|| Expr::boolean(true));
            let input = Box::new(join(left, inner.plan, JoinKind::Left, Some(on)));
            Ok(LogicalPlan::Project { input, columns: yields(inner.outputs) })
        }
        JoinKind::Semi | JoinKind::Anti => {
            let on = conditions(inner.conditions, on, &inner.outputs).unwrap_or_else(|| Expr::boolean(true));
            Ok(join(left, inner.plan, kind, Some(on)))
        }
        _ => Err(Diagnostic::new(
            ErrorCode::NotSupported,
            "not supported yet: a subquery that reads both sides in the condition of a FULL JOIN",
        )),
    }
}

/// A join whose condition has subqueries.
pub fn condition(
    left: LogicalPlan,
    right: LogicalPlan,
    kind: JoinKind,
    on: Option<Expr>,
    context: &mut Context,
) -> Result<LogicalPlan> {
    let on = on.unwrap_or_else(|| Expr::boolean(true));
    if matches!(kind, JoinKind::Inner | JoinKind::Cross) {
        // An inner join's condition is a filter over the pairs.
        let cross = operator(join(left, right, JoinKind::Cross, None), context)?;
        return operator(LogicalPlan::Filter { input: Box::new(cross), predicate: on }, context);
    }
    if kind == JoinKind::Right {
        return condition(right, left, JoinKind::Left, Some(on), context);
    }
    let mut yields = left.columns();
    if !matches!(kind, JoinKind::Semi | JoinKind::Anti) {
        yields.extend(right.columns());
    }
    // A subquery that reads one side only, or none, is joined to that side; others make the right side depend on the left.
    let mut sides = Sides { left, right };
    let mut parts = Vec::new();
    for part in conjuncts(on) {
        parts.push(sides.settle(part, context)?);
    }
    let Sides { left, right } = sides;
    let (later, plain): (Vec<Expr>, Vec<Expr>) = parts.into_iter().partition(Expr::has_subquery);
    let joined = if later.is_empty() {
        operator(join(left, right, kind, Some(Expr::and(plain))), context)?
    } else {
        let all = plain.into_iter().chain(later).collect();
        let right = operator(LogicalPlan::Filter { input: Box::new(right), predicate: Expr::and(all) }, context)?;
        join_lateral(left, right, kind, None, context)?
    };
    Ok(exactly(joined, &yields))
}

struct Sides {
    left: LogicalPlan,
    right: LogicalPlan,
}

impl Sides {
    /// The condition without the subqueries that could be joined to one side.
    fn settle(&mut self, mut expr: Expr, context: &mut Context) -> Result<Expr> {
        if let Some(plan) = expr.subquery() {
            let made = plan.made_columns();
            let arguments = expr.children().into_iter().flat_map(Expr::columns).filter(|id| !made.contains(id));
            let read: BTreeSet<ColumnId> = plan.outer_columns().into_iter().chain(arguments).collect();
            let nested = expr.children().into_iter().any(Expr::has_subquery);
            let reads = |side: &LogicalPlan| side.columns().iter().any(|c| read.contains(&c.id));
            let side = match (reads(&self.left), reads(&self.right)) {
                _ if nested => return Ok(expr),
                (true, true) => return Ok(expr),
                (true, false) => &mut self.left,
                (false, _) => &mut self.right,
            };
            let input = std::mem::replace(side, LogicalPlan::Values { columns: vec![], rows: vec![] });
            let (value, plan) = super::expressions::replace(expr, input, context)?;
            // The value is a column of that side: where the side is filled with NULLs, the condition is not asked.
            let (value, plan) = match value.as_column() {
                Some(_) => (value, plan),
                None => {
                    let def = ColumnDef { id: context.fresh(), name: "subquery".into(), dtype: value.dtype.clone() };
                    let column = Expr { kind: ExprKind::Column(def.id), ..value.clone() };
                    let columns = plan.columns().into_iter().map(pass).chain([(def, value)]).collect();
                    (column, LogicalPlan::Project { input: Box::new(plan), columns })
                }
            };
            *side = plan;
            return Ok(value);
        }
        for child in expr.children_mut() {
            let taken = std::mem::replace(child, Expr::boolean(true));
            *child = self.settle(taken, context)?;
        }
        Ok(expr)
    }
}
