//! An outer join whose NULL-extended rows are dropped above it is an inner join (Galindo-Legaria and Rosenthal, 1997): then its
//! order is free and predicates sink into both its sides.

use super::Context;
use super::nulls::{not_null_when_known, not_null_when_true};
use crate::plan::expr::ColumnId;
use crate::plan::logical::{JoinKind, LogicalPlan};
use crate::sql::diagnostic::Result;
use std::collections::BTreeSet;

pub fn to_inner(plan: LogicalPlan, _: &mut Context) -> Result<LogicalPlan> {
    let mut plan = plan;
    visit(&mut plan, BTreeSet::new());
    Ok(plan)
}

type Columns = BTreeSet<ColumnId>;

/// `needed`: a row in which any of these is NULL is dropped above.
fn visit(plan: &mut LogicalPlan, needed: Columns) {
    match plan {
        LogicalPlan::Filter { input, predicate } => {
            // What may fail on a row must see that row.
            let mut needed = if super::may_fail(predicate) { Columns::new() } else { needed };
            needed.extend(not_null_when_true(predicate));
            visit(input, needed);
        }
        LogicalPlan::Project { input, columns } => {
            let passed = columns.iter().filter(|(def, _)| needed.contains(&def.id));
            let safe = !columns.iter().any(|(_, expr)| super::may_fail(expr));
            let below =
                if safe { passed.flat_map(|(_, expr)| not_null_when_known(expr)).collect() } else { Columns::new() };
            visit(input, below);
        }
        LogicalPlan::Join { left, right, kind, on } => {
            let of = |plan: &LogicalPlan| plan.columns().iter().map(|c| c.id).collect::<Columns>();
            let (of_left, of_right) = (of(left), of(right));
            let rejects = |side: &Columns| needed.iter().any(|id| side.contains(id));
            *kind = match *kind {
                JoinKind::Left if rejects(&of_right) => JoinKind::Inner,
                JoinKind::Full => match (rejects(&of_left), rejects(&of_right)) {
                    (true, true) => JoinKind::Inner,
                    // Rows of the right side alone have NULL on the left.
                    (true, false) => JoinKind::Left,
                    (false, true) => {
                        std::mem::swap(left, right);
                        JoinKind::Left
                    }
                    (false, false) => JoinKind::Full,
                },
                other => other,
            };
            let needed = if on.as_ref().is_some_and(super::may_fail) { Columns::new() } else { needed };
            let matched = on.as_ref().map(not_null_when_true).unwrap_or_default();
            let (above, both): (Columns, Columns) = (needed.clone(), needed.union(&matched).copied().collect());
            let (to_left, to_right) = match kind {
                JoinKind::Inner | JoinKind::Cross => (both.clone(), both),
                JoinKind::Left | JoinKind::Single => (above, matched),
                JoinKind::Semi => (both, matched),
                JoinKind::Anti => (above, matched),
                // NULLs on the right make a mark unknown; what is closest depends on all rows.
                JoinKind::Mark(_) | JoinKind::AsOf { .. } => (above, Columns::new()),
                JoinKind::Right | JoinKind::Full => (Columns::new(), Columns::new()),
            };
            let kept =
                |wanted: Columns, side: &LogicalPlan| wanted.intersection(&of(side)).copied().collect::<Columns>();
            let (to_left, to_right) = (kept(to_left, left), kept(to_right, right));
            visit(left, to_left);
            // More than one row of a scalar subquery is an error: none may go missing.
            visit(right, if *kind == JoinKind::Single { Columns::new() } else { to_right });
        }
        LogicalPlan::Aggregate { input, keys, grouping_sets: None, .. } => {
            let grouped = keys.iter().map(|k| k.id).filter(|id| needed.contains(id)).collect();
            visit(input, grouped);
        }
        LogicalPlan::Distinct { input, on: None } | LogicalPlan::Sort { input, .. } => visit(input, needed),
        LogicalPlan::Union { inputs, columns } => {
            for input in inputs {
                let own = input.columns();
                let passed = columns.iter().zip(own).filter(|(outer, _)| needed.contains(&outer.id));
                let below = passed.map(|(_, inner)| inner.id).collect();
                visit(input, below);
            }
        }
        other => other.inputs_mut().into_iter().for_each(|input| visit(input, Columns::new())),
    }
}
