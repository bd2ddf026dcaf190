//! Folds constants, flattens boolean expressions, and pulls what all arms of an OR share out of it:
//! `(a = b AND x) OR (a = b AND y)` is `a = b AND (x OR y)`, which can become a join key.

use super::dates::compare_as_dates;
use super::{Context, transform_up};
use crate::plan::expr::{Expr, ExprKind};
use crate::plan::fold::fold;
use crate::plan::logical::{JoinKind, LogicalPlan};
use crate::sql::diagnostic::Result;
use crate::sql::{DataType, Value};

pub fn simplify(plan: LogicalPlan, context: &mut Context) -> Result<LogicalPlan> {
    let clock = context.clock;
    let better = |e: Expr| fold(e, &clock).transform(&mut simplify_node);
    transform_up(plan, &mut |plan| {
        Ok(match plan {
            LogicalPlan::Filter { input, predicate } => {
                let predicate = better(predicate);
                if predicate.kind == ExprKind::Literal(Value::Boolean(true)) {
                    *input
                } else {
                    LogicalPlan::Filter { input, predicate }
                }
            }
            LogicalPlan::Project { input, columns } => {
                LogicalPlan::Project { input, columns: columns.into_iter().map(|(def, e)| (def, better(e))).collect() }
            }
            // A right join is a left join seen from the other side; columns have identities, so order does not matter.
            LogicalPlan::Join { left, right, kind: JoinKind::Right, on } => {
                LogicalPlan::Join { left: right, right: left, kind: JoinKind::Left, on: on.map(better) }
            }
            LogicalPlan::Join { left, right, kind, on } => LogicalPlan::Join { left, right, kind, on: on.map(better) },
            LogicalPlan::Values { columns, rows } => LogicalPlan::Values {
                columns,
                rows: rows.into_iter().map(|row| row.into_iter().map(better).collect()).collect(),
            },
            other => other,
        })
    })
}

/// One step at one node whose children are simple already.
fn simplify_node(expr: Expr) -> Expr {
    let is = |e: &Expr, b: bool| e.kind == ExprKind::Literal(Value::Boolean(b));
    let span = expr.span;
    match expr.kind {
        ExprKind::And(parts) => {
            let mut flat: Vec<Expr> = Vec::new();
            for part in parts {
                match part.kind {
                    ExprKind::And(inner) => flat.extend(inner),
                    _ if is(&part, true) => {}
                    _ => flat.push(part),
                }
            }
            if let Some(first_false) = flat.iter().position(|p| is(p, false)) {
                // What stands before it may still fail; what stands behind it is never looked at.
                if !flat[..first_false].iter().any(super::may_fail) {
                    return Expr::boolean(false);
                }
                flat.truncate(first_false + 1);
            }
            let mut all = Expr::and(flat);
            all.span = all.span.or(span);
            all
        }
        ExprKind::Or(parts) => {
            let mut flat: Vec<Expr> = Vec::new();
            for part in parts {
                match part.kind {
                    ExprKind::Or(inner) => flat.extend(inner),
                    _ if is(&part, false) => {}
                    _ => flat.push(part),
                }
            }
            if flat.len() >= LONG_OR {
                flat = equalities_to_lists(flat);
            }
            match flat.len() {
                0 => Expr::boolean(false),
                1 => flat.remove(0),
                _ if flat.iter().any(|p| is(p, true)) && !flat.iter().any(super::may_fail) => Expr::boolean(true),
                _ => factor_or(flat).at(span),
            }
        }
        ExprKind::Not(arg) => match arg.kind {
            ExprKind::Literal(Value::Boolean(b)) => Expr::boolean(!b),
            ExprKind::Not(inner) => *inner,
            ExprKind::IsNull { arg, negated } => {
                Expr { kind: ExprKind::IsNull { arg, negated: !negated }, dtype: DataType::Boolean, span }
            }
            ExprKind::InList { arg, items, negated } => {
                Expr { kind: ExprKind::InList { arg, items, negated: !negated }, dtype: DataType::Boolean, span }
            }
            ExprKind::InSubquery { arg, plan, negated } => {
                Expr { kind: ExprKind::InSubquery { arg, plan, negated: !negated }, dtype: DataType::Boolean, span }
            }
            ExprKind::Exists { plan, negated } => {
                Expr { kind: ExprKind::Exists { plan, negated: !negated }, dtype: DataType::Boolean, span }
            }
            kind => Expr { kind: ExprKind::Not(Box::new(Expr { kind, ..*arg })), dtype: DataType::Boolean, span },
        },
        kind => compare_as_dates(Expr { kind, ..expr }),
    }
}

/// Arms of an OR from which on equalities are looked for.
const LONG_OR: usize = 4;

/// `a = 1 OR a = 2 OR b` as `a IN (1, 2) OR b`: one look into a set instead of a comparison each.
fn equalities_to_lists(arms: Vec<Expr>) -> Vec<Expr> {
    let mut lists: Vec<(Expr, Vec<Expr>)> = Vec::new();
    let mut others = Vec::new();
    for arm in arms {
        match column_and_constant(&arm) {
            Some((column, constant)) => {
                match lists.iter_mut().find(|(c, _)| c.kind == column.kind && c.dtype == column.dtype) {
                    Some((_, items)) => items.push(constant.clone()),
                    None => lists.push((column.clone(), vec![constant.clone()])),
                }
            }
            None => others.push(arm),
        }
    }
    let in_list = |(column, items): (Expr, Vec<Expr>)| {
        let span = column.span;
        let kind = ExprKind::InList { arg: Box::new(column), items, negated: false };
        Expr { kind, dtype: DataType::Boolean, span }
    };
    lists.into_iter().map(in_list).chain(others).collect()
}

/// `column = constant` of one type, neither NULL.
fn column_and_constant(arm: &Expr) -> Option<(&Expr, &Expr)> {
    let ExprKind::Call { function, args } = &arm.kind else { return None };
    let (column, constant) = match args.as_slice() {
        [a, b] if function == "=" && a.as_column().is_some() => (a, b),
        [a, b] if function == "=" && b.as_column().is_some() => (b, a),
        _ => return None,
    };
    let is_value = matches!(&constant.kind, ExprKind::Literal(value) if *value != Value::Null);
    (is_value && column.dtype == constant.dtype).then_some((column, constant))
}

/// `(c AND x) OR (c AND y)` becomes `c AND (x OR y)`; nothing moves in front of what could fail before it.
fn factor_or(arms: Vec<Expr>) -> Expr {
    let split: Vec<Vec<Expr>> = arms
        .iter()
        .map(|arm| match &arm.kind {
            ExprKind::And(parts) => parts.clone(),
            _ => vec![arm.clone()],
        })
        .collect();
    let shared: Vec<Expr> = split[0]
        .iter()
        .filter(|p| !super::may_fail(p) && split[1..].iter().all(|arm| holds(arm, p)))
        .cloned()
        .collect();
    let or = |parts: Vec<Expr>| Expr { kind: ExprKind::Or(parts), dtype: DataType::Boolean, span: None };
    if shared.is_empty() {
        return or(arms);
    }
    let rest: Vec<Expr> =
        split.into_iter().map(|arm| Expr::and(arm.into_iter().filter(|p| !holds(&shared, p)).collect())).collect();
    let mut parts = shared;
    if !rest.iter().any(|r| r.kind == ExprKind::Literal(Value::Boolean(true))) {
        parts.push(or(rest));
    }
    Expr::and(parts)
}

/// Whether `parts` has an expression equal to `wanted`, wherever each stood in the text.
fn holds(parts: &[Expr], wanted: &Expr) -> bool {
    let bare = |e: &Expr| {
        e.clone().transform(&mut |mut e| {
            e.span = None;
            e
        })
    };
    let wanted = bare(wanted);
    parts.iter().any(|p| bare(p) == wanted)
}
