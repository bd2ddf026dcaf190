//! Outer columns that a subquery only reads through one cast, as where an INTEGER meets a BIGINT: the value of the cast takes the
//! column's place, so that an inner column of that type can be tied to it.

use super::may_fail;
use crate::plan::expr::{ColumnDef, ColumnId, Expr, ExprKind};
use crate::plan::logical::LogicalPlan;
use crate::plan::optimize::Context;
use crate::sql::DataType;
use std::collections::BTreeMap;

/// The plan with new columns in the place of casts of columns of `outer`, and what those columns are.
pub fn taken_out(
    mut plan: LogicalPlan,
    outer: &LogicalPlan,
    context: &mut Context,
) -> (LogicalPlan, Vec<(ColumnDef, Expr)>) {
    let mut uses: BTreeMap<ColumnId, Vec<Option<DataType>>> = BTreeMap::new();
    each_expression(&mut plan, &mut |expr| note(expr, &mut uses));
    let mut casts: Vec<(ColumnDef, Expr)> = Vec::new();
    for column in outer.columns() {
        let Some(Some((Some(to), others))) = uses.get(&column.id).map(|u| u.split_first()) else { continue };
        if others.iter().all(|other| other.as_ref() == Some(to)) {
            let arg = Box::new(Expr::column(column.id, column.dtype));
            let cast = Expr { kind: ExprKind::Cast { arg, lenient: false }, dtype: to.clone(), span: None };
            casts.push((ColumnDef { id: context.fresh(), name: column.name, dtype: to.clone() }, cast));
        }
    }
    if !casts.is_empty() {
        each_expression(&mut plan, &mut |expr| replace(expr, &casts));
    }
    (plan, casts)
}

fn each_expression(plan: &mut LogicalPlan, visit: &mut impl FnMut(&mut Expr)) {
    plan.expressions_mut().into_iter().for_each(&mut *visit);
    for input in plan.inputs_mut() {
        each_expression(input, visit);
    }
}

/// A column in a cast that cannot fail.
fn cast_column(expr: &Expr) -> Option<ColumnId> {
    match &expr.kind {
        ExprKind::Cast { arg, lenient: false } if !may_fail(expr) => arg.as_column(),
        _ => None,
    }
}

/// Adds how each column is used: cast to a type, or otherwise.
fn note(expr: &mut Expr, uses: &mut BTreeMap<ColumnId, Vec<Option<DataType>>>) {
    if let Some(id) = cast_column(expr) {
        uses.entry(id).or_default().push(Some(expr.dtype.clone()));
    } else if let Some(id) = expr.as_column() {
        uses.entry(id).or_default().push(None);
    } else {
        expr.children_mut().into_iter().for_each(|child| note(child, uses));
    }
}

fn replace(expr: &mut Expr, casts: &[(ColumnDef, Expr)]) {
    let known = cast_column(expr)
        .and_then(|id| casts.iter().find(|(_, cast)| cast_column(cast) == Some(id) && cast.dtype == expr.dtype));
    if let Some((def, _)) = known {
        *expr = Expr::column(def.id, def.dtype.clone()).at(expr.span);
        return;
    }
    expr.children_mut().into_iter().for_each(|child| replace(child, casts));
}
