//! Predicates that follow from others, for tables that the text does not name them for:
//!
//! * `a = b AND a < 5` implies `b < 5`;
//! * `(a = 1 AND b = 2) OR (a = 3 AND b = 4)`, with `a` and `b` of two tables, implies `a = 1 OR a = 3` and `b = 2 OR b = 4`.
//!
//! They are added above each run of inner joins, from where they sink to the scans.

use super::{Context, may_fail};
use crate::plan::expr::{ColumnId, Expr, ExprKind};
use crate::plan::logical::{JoinKind, LogicalPlan};
use crate::sql::diagnostic::Result;
use crate::sql::{DataType, Value};
use std::collections::BTreeSet;

pub fn add_implied(plan: LogicalPlan, _: &mut Context) -> Result<LogicalPlan> {
    Ok(visit(plan))
}

/// A run of inner joins as it is found: the tables below it, and all that holds for its rows.
#[derive(Default)]
struct Run {
    leaves: Vec<BTreeSet<ColumnId>>,
    conditions: Vec<Expr>,
}

fn visit(mut plan: LogicalPlan) -> LogicalPlan {
    let mut run = Run::default();
    if is_run(&plan) {
        collect(&mut plan, &mut run);
        let found = implied(&run);
        if found.is_empty() {
            return plan;
        }
        return LogicalPlan::Filter { input: Box::new(plan), predicate: Expr::and(found) };
    }
    for input in plan.inputs_mut() {
        let taken = std::mem::replace(input, LogicalPlan::Values { columns: vec![], rows: vec![] });
        *input = visit(taken);
    }
    plan
}

/// Inner joins, or filters over them.
fn is_run(plan: &LogicalPlan) -> bool {
    match plan {
        LogicalPlan::Join { kind: JoinKind::Inner | JoinKind::Cross, .. } => true,
        LogicalPlan::Filter { input, predicate } => !may_fail(predicate) && is_run(input),
        _ => false,
    }
}

/// Notes the run's conditions and leaves; what is below a leaf is visited by itself.
fn collect(plan: &mut LogicalPlan, run: &mut Run) {
    match plan {
        LogicalPlan::Join { left, right, kind: JoinKind::Inner | JoinKind::Cross, on } => {
            run.conditions.extend(on.iter().flat_map(parts).filter(|part| !may_fail(part)).cloned());
            collect(left, run);
            collect(right, run);
        }
        LogicalPlan::Filter { input, predicate } if is_run(input) && !may_fail(predicate) => {
            run.conditions.extend(parts(predicate).into_iter().cloned());
            collect(input, run);
        }
        leaf => {
            // A predicate that already stands on a table counts for its neighbours.
            if let LogicalPlan::Filter { predicate, .. } = leaf {
                run.conditions.extend(parts(predicate).into_iter().take_while(|part| !may_fail(part)).cloned());
            }
            run.leaves.push(leaf.columns().iter().map(|c| c.id).collect());
            let taken = std::mem::replace(leaf, LogicalPlan::Values { columns: vec![], rows: vec![] });
            *leaf = visit(taken);
        }
    }
}

fn parts(condition: &Expr) -> Vec<&Expr> {
    match &condition.kind {
        ExprKind::And(parts) => parts.iter().flat_map(self::parts).collect(),
        _ => vec![condition],
    }
}

fn implied(run: &Run) -> Vec<Expr> {
    let classes = classes(&run.conditions);
    let mut found: Vec<Expr> = Vec::new();
    let mut add = |expr: Expr| {
        if !run.conditions.iter().chain(&found).any(|known| known.same(&expr)) {
            found.push(expr);
        }
    };
    for condition in &run.conditions {
        let Some(column) = bounded_column(condition) else { continue };
        for class in classes.iter().filter(|class| class.iter().any(|(id, _)| *id == column)) {
            for (other, dtype) in class.iter().filter(|(id, _)| *id != column) {
                add(with_column(condition, column, *other, dtype));
            }
        }
    }
    for condition in &run.conditions {
        let ExprKind::Or(arms) = &condition.kind else { continue };
        let reads = condition.columns();
        for leaf in &run.leaves {
            // What reads one table only sinks by itself.
            if reads.iter().all(|id| leaf.contains(id)) {
                continue;
            }
            let of_leaf = |arm: &Expr| -> Option<Expr> {
                let own: Vec<Expr> = parts(arm).into_iter().filter(|part| reads_only(part, leaf)).cloned().collect();
                (!own.is_empty()).then(|| Expr::and(own))
            };
            if let Some(arms) = arms.iter().map(of_leaf).collect::<Option<Vec<_>>>() {
                add(Expr { kind: ExprKind::Or(arms), dtype: DataType::Boolean, span: None });
            }
        }
    }
    found
}

fn reads_only(expr: &Expr, columns: &BTreeSet<ColumnId>) -> bool {
    let read = expr.columns();
    !read.is_empty() && read.iter().all(|id| columns.contains(id))
}

/// What `predicates` about the left side of an outer, semi or anti join say about the right side's rows that can match at all,
/// by the equalities in its condition.
pub fn carried(predicates: &[Expr], on: &[Expr]) -> Vec<Expr> {
    let mut found = Vec::new();
    for predicate in predicates {
        let Some(column) = bounded_column(predicate) else { continue };
        for class in on.iter().flat_map(|part| classes(std::slice::from_ref(part))) {
            if class.iter().any(|(id, _)| *id == column) {
                let others = class.iter().filter(|(id, _)| *id != column);
                found.extend(others.map(|(other, dtype)| with_column(predicate, column, *other, dtype)));
            }
        }
    }
    found
}

/// Sets of columns that are equal in every row of the run, of two and more.
pub fn classes(conditions: &[Expr]) -> Vec<Vec<(ColumnId, DataType)>> {
    let mut classes: Vec<Vec<(ColumnId, DataType)>> = Vec::new();
    for condition in conditions {
        let ExprKind::Call { function, args } = &condition.kind else { continue };
        let [a, b] = args.as_slice() else { continue };
        let (Some(left), Some(right)) = (a.as_column(), b.as_column()) else { continue };
        if function != "=" || a.dtype != b.dtype || left == right {
            continue;
        }
        let mut merged = vec![(left, a.dtype.clone()), (right, b.dtype.clone())];
        classes.retain_mut(|class| {
            let meets = class.iter().any(|(id, _)| *id == left || *id == right);
            if meets {
                merged.extend(class.drain(..).filter(|(id, _)| *id != left && *id != right));
            }
            !meets
        });
        classes.push(merged);
    }
    classes
}

/// The column of a comparison of one column with constants.
fn bounded_column(condition: &Expr) -> Option<ColumnId> {
    let constant = |e: &Expr| matches!(&e.kind, ExprKind::Literal(value) if *value != Value::Null);
    match &condition.kind {
        ExprKind::Call { function, args } if matches!(function.as_str(), "=" | "<" | "<=" | ">" | ">=") => {
            match args.as_slice() {
                [a, b] if constant(b) => a.as_column(),
                [a, b] if constant(a) => b.as_column(),
                _ => None,
            }
        }
        ExprKind::InList { arg, items, negated: false } if items.iter().all(constant) => arg.as_column(),
        _ => None,
    }
}

/// `condition` about another column.
fn with_column(condition: &Expr, from: ColumnId, to: ColumnId, dtype: &DataType) -> Expr {
    condition.clone().transform(&mut |e| match e.kind {
        ExprKind::Column(id) if id == from => Expr { kind: ExprKind::Column(to), dtype: dtype.clone(), span: e.span },
        _ => e,
    })
}
