//! Semi and anti joins sink to the input of the inner joins below them that they ask about, where they leave few of its rows.

use super::{Context, may_fail, transform_up};
use crate::plan::estimate::{estimate, join};
use crate::plan::expr::{ColumnId, Expr};
use crate::plan::logical::{JoinKind, LogicalPlan};
use crate::sql::diagnostic::Result;
use std::collections::BTreeSet;

/// The share of rows up to which it pays to ask early: later, fewer rows may be left to ask about.
const FEW: f64 = 0.5;
/// Where the joins leave so many times fewer rows than they are asked for, it pays to ask late, whatever the answer is: most rows are
/// not asked about at all.
const MANY: f64 = 4.0;

pub fn sink(plan: LogicalPlan, _: &mut Context) -> Result<LogicalPlan> {
    transform_up(plan, &mut |plan| {
        let LogicalPlan::Join { left, right, kind: kind @ (JoinKind::Semi | JoinKind::Anti), on: Some(on) } = plan
        else {
            return Ok(plan);
        };
        let present: BTreeSet<ColumnId> = left.columns().iter().map(|c| c.id).collect();
        let read: BTreeSet<ColumnId> = on.columns().into_iter().filter(|id| present.contains(id)).collect();
        if read.is_empty() || may_fail(&on) {
            return Ok(LogicalPlan::Join { left, right, kind, on: Some(on) });
        }
        let leaf = estimate(input_of(&left, &read));
        let rows = leaf.rows;
        if rows > MANY * estimate(&left).rows {
            return Ok(LogicalPlan::Join { left, right, kind, on: Some(on) });
        }
        if join(leaf, estimate(&right), kind, Some(&on)).rows > FEW * rows {
            return Ok(LogicalPlan::Join { left, right, kind, on: Some(on) });
        }
        Ok(place(*left, *right, kind, on, &read))
    })
}

/// The lowest input of joins that has all these columns.
fn input_of<'p>(plan: &'p LogicalPlan, read: &BTreeSet<ColumnId>) -> &'p LogicalPlan {
    match side(plan, read) {
        Some(Side::Left) => input_of(plan.inputs()[0], read),
        Some(Side::Right) => input_of(plan.inputs()[1], read),
        None => plan,
    }
}

enum Side {
    Left,
    Right,
}

/// The side of a join that has all these columns, and whose rows may be dropped below the join.
fn side(plan: &LogicalPlan, read: &BTreeSet<ColumnId>) -> Option<Side> {
    let LogicalPlan::Join { left, right, kind, .. } = plan else { return None };
    let has = |plan: &LogicalPlan| {
        let columns: BTreeSet<ColumnId> = plan.columns().iter().map(|c| c.id).collect();
        read.is_subset(&columns)
    };
    match kind {
        JoinKind::Full | JoinKind::Right => None,
        _ if has(left) => Some(Side::Left),
        JoinKind::Inner | JoinKind::Cross if has(right) => Some(Side::Right),
        _ => None,
    }
}

fn place(plan: LogicalPlan, right: LogicalPlan, kind: JoinKind, on: Expr, read: &BTreeSet<ColumnId>) -> LogicalPlan {
    match (side(&plan, read), plan) {
        (Some(Side::Left), LogicalPlan::Join { left, right: other, kind: outer, on: condition }) => {
            let left = Box::new(place(*left, right, kind, on, read));
            LogicalPlan::Join { left, right: other, kind: outer, on: condition }
        }
        (Some(Side::Right), LogicalPlan::Join { left, right: other, kind: outer, on: condition }) => {
            let other = Box::new(place(*other, right, kind, on, read));
            LogicalPlan::Join { left, right: other, kind: outer, on: condition }
        }
        (_, plan) => LogicalPlan::Join { left: Box::new(plan), right: Box::new(right), kind, on: Some(on) },
    }
}
