//! The domain of a dependent join: the values of the outer columns that a subquery reads, each combination once.
//!
//! It is computed by a second copy of the outer plan, cut down to what makes those columns. A domain may be too large, for what a
//! subquery yields for it is joined with the outer rows again; it may not be too small.

use super::{conjuncts, filtered};
use crate::plan::expr::{ColumnDef, ColumnId};
use crate::plan::logical::{JoinKind, LogicalPlan};
use crate::plan::optimize::prune_columns::prune;
use crate::plan::optimize::{Context, pushdown};
use crate::plan::rename::rename;
use std::collections::{BTreeMap, BTreeSet};

/// The outer columns of a subquery, and where their values come from.
pub struct Domain {
    pub columns: Vec<ColumnDef>,
    plan: LogicalPlan,
}

impl Domain {
    /// The domain of `columns`, which `outer` makes.
    pub fn new(outer: &LogicalPlan, columns: Vec<ColumnDef>) -> Domain {
        let wanted = columns.iter().map(|c| c.id).collect();
        let plan = without_rest(pushdown::push(outer.clone(), vec![]), &wanted);
        Domain { columns, plan: prune(plan, &wanted) }
    }

    /// A plan of the domain with column identities of its own: the columns stand for those of the domain, in order.
    pub fn instance(&self, context: &mut Context) -> (LogicalPlan, Vec<ColumnDef>) {
        let mut plan = self.plan.clone();
        let names: BTreeMap<ColumnId, ColumnId> =
            plan.made_columns().into_iter().map(|id| (id, context.fresh())).collect();
        rename(&mut plan, &names);
        let columns: Vec<ColumnDef> = self
            .columns
            .iter()
            .map(|c| ColumnDef { id: names.get(&c.id).copied().unwrap_or(c.id), ..c.clone() })
            .collect();
        let plan = LogicalPlan::Distinct { input: Box::new(super::exactly(plan, &columns)), on: None };
        (plan, columns)
    }
}

/// The plan without operators that neither make a wanted column nor are needed to keep the domain complete.
fn without_rest(plan: LogicalPlan, wanted: &BTreeSet<ColumnId>) -> LogicalPlan {
    let makes = |plan: &LogicalPlan| plan.columns().iter().any(|c| wanted.contains(&c.id));
    match plan {
        LogicalPlan::Sort { input, .. } | LogicalPlan::Limit { input, .. } => without_rest(*input, wanted),
        LogicalPlan::Window { input, calls } if !calls.iter().any(|c| wanted.contains(&c.output.id)) => {
            without_rest(*input, wanted)
        }
        LogicalPlan::Filter { input, predicate } => {
            // A part on other columns is left out with them.
            let present: BTreeSet<ColumnId> = input.columns().iter().map(|c| c.id).collect();
            let input = without_rest(*input, wanted);
            let left: BTreeSet<ColumnId> = input.columns().iter().map(|c| c.id).collect();
            let can_stay = |id: &ColumnId| left.contains(id) || !present.contains(id);
            let kept = conjuncts(predicate).into_iter().filter(|part| part.columns().iter().all(can_stay)).collect();
            filtered(input, kept)
        }
        LogicalPlan::Join { left, right, kind: JoinKind::Inner | JoinKind::Cross, .. }
            if makes(&left) != makes(&right) =>
        {
            without_rest(if makes(&left) { *left } else { *right }, wanted)
        }
        LogicalPlan::Join {
            left,
            right,
            kind: JoinKind::Left | JoinKind::Single | JoinKind::Mark(_) | JoinKind::Anti | JoinKind::Semi,
            ..
        } if makes(&left) && !makes(&right) => without_rest(*left, wanted),
        other => other,
    }
}
