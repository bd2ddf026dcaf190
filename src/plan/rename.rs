//! A plan again under new column identities, so that it can stand beside itself in one query.

use super::expr::{ColumnId, Expr, ExprKind};
use super::logical::LogicalPlan;
use std::collections::{BTreeMap, BTreeSet};

/// Every column of `plan` that is a key of `names` takes the identity beside it, wherever it is made or read.
pub fn rename(plan: &mut LogicalPlan, names: &BTreeMap<ColumnId, ColumnId>) {
    let change = |id: &mut ColumnId| {
        if let Some(new) = names.get(id) {
            *id = *new;
        }
    };
    match plan {
        LogicalPlan::Scan { columns, .. } => columns.iter_mut().for_each(|c| change(&mut c.id)),
        LogicalPlan::Values { columns, rows } => {
            columns.iter_mut().for_each(|c| change(&mut c.id));
            rows.iter_mut().flatten().for_each(|e| rename_in(e, names));
        }
        LogicalPlan::Filter { predicate, .. } => rename_in(predicate, names),
        LogicalPlan::Project { columns, .. } => {
            for (def, expr) in columns {
                change(&mut def.id);
                rename_in(expr, names);
            }
        }
        LogicalPlan::Join { kind, on, .. } => {
            if let super::logical::JoinKind::Mark(id) = kind {
                change(id);
            }
            on.iter_mut().for_each(|e| rename_in(e, names));
        }
        LogicalPlan::Aggregate { keys, grouping_sets, aggregates, .. } => {
            keys.iter_mut().for_each(|k| change(&mut k.id));
            grouping_sets.iter_mut().for_each(|g| change(&mut g.set.id));
            for aggregate in aggregates {
                change(&mut aggregate.output.id);
                aggregate.args.iter_mut().for_each(|(id, _)| change(id));
                aggregate.filter.iter_mut().for_each(change);
                aggregate.order_by.iter_mut().for_each(|(key, _)| change(&mut key.column));
            }
        }
        LogicalPlan::Window { calls, .. } => {
            for call in calls {
                call.columns_mut().into_iter().for_each(change);
                call.expressions_mut().for_each(|e| rename_in(e, names));
            }
        }
        LogicalPlan::Distinct { on, .. } => on.iter_mut().flatten().for_each(change),
        LogicalPlan::Sort { keys, .. } => keys.iter_mut().for_each(|k| change(&mut k.column)),
        LogicalPlan::Unnest { lists, ordinality, .. } => {
            for (def, list) in lists {
                change(&mut def.id);
                rename_in(list, names);
            }
            ordinality.iter_mut().for_each(|def| change(&mut def.id));
        }
        LogicalPlan::Limit { .. } => {}
        LogicalPlan::Union { columns, .. } | LogicalPlan::SetOperation { columns, .. } => {
            columns.iter_mut().for_each(|c| change(&mut c.id));
        }
    }
    for input in plan.inputs_mut() {
        rename(input, names);
    }
}

fn rename_in(expr: &mut Expr, names: &BTreeMap<ColumnId, ColumnId>) {
    if let ExprKind::Column(id) = &mut expr.kind
        && let Some(new) = names.get(id)
    {
        *id = *new;
    }
    if let ExprKind::Lambda { params, .. } = &mut expr.kind {
        for param in params {
            param.id = names.get(&param.id).copied().unwrap_or(param.id);
        }
    }
    if let Some(plan) = expr.subquery_mut() {
        rename(plan, names);
    }
    for child in expr.children_mut() {
        rename_in(child, names);
    }
}

/// The expression with every column that its subqueries make numbered in order, and without places in the text: equal for
/// subqueries that are written alike.
pub fn canonical(expr: &Expr) -> Expr {
    let mut expr = expr.clone();
    let mut names = BTreeMap::new();
    if let Some(plan) = expr.subquery() {
        number(plan, &plan.made_columns(), &mut names);
    }
    rename_in(&mut expr, &names);
    without_places(&mut expr);
    expr
}

/// Gives each made column a number, from the largest down: nobody else has those.
fn number(plan: &LogicalPlan, made: &BTreeSet<ColumnId>, names: &mut BTreeMap<ColumnId, ColumnId>) {
    for input in plan.inputs() {
        number(input, made, names);
    }
    for expr in plan.expressions() {
        expr.walk(&mut |e| {
            if let Some(plan) = e.subquery() {
                number(plan, made, names);
            }
        });
    }
    for column in plan.columns().into_iter().filter(|c| made.contains(&c.id)) {
        let next = ColumnId(u32::MAX - names.len() as u32);
        names.entry(column.id).or_insert(next);
    }
}

fn without_places(expr: &mut Expr) {
    fn in_plan(plan: &mut LogicalPlan) {
        match plan {
            LogicalPlan::Aggregate { aggregates, .. } => aggregates.iter_mut().for_each(|a| a.span = None),
            LogicalPlan::Window { calls, .. } => calls.iter_mut().for_each(|c| c.span = None),
            _ => {}
        }
        plan.expressions_mut().into_iter().for_each(without_places);
        plan.inputs_mut().into_iter().for_each(in_plan);
    }
    expr.span = None;
    if let Some(plan) = expr.subquery_mut() {
        in_plan(plan);
    }
    expr.children_mut().into_iter().for_each(without_places);
}
