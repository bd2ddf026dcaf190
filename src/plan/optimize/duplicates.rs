//! Where it does not matter how often a row comes (what is asked of it is whether it is there: the right side of a semi join, below
//! DISTINCT, MIN and MAX), an inner join that only tells which rows have a match is a semi join, which makes no pairs.

use super::{Context, may_fail};
use crate::plan::estimate::estimate;
use crate::plan::expr::ColumnId;
use crate::plan::logical::{Aggregate, JoinKind, LogicalPlan};
use crate::sql::diagnostic::Result;
use std::collections::BTreeSet;

/// The right side of a semi join is what the hash table is made of: it may be larger than the left one by this factor.
const LARGER: f64 = 2.0;
/// Aggregates that give the same for a value that comes once and twice.
const BY_VALUE: &[&str] = &["min", "max", "bool_and", "bool_or"];

pub fn to_semi(plan: LogicalPlan, _: &mut Context) -> Result<LogicalPlan> {
    let mut plan = plan;
    visit(&mut plan, None);
    Ok(plan)
}

type Columns = BTreeSet<ColumnId>;

/// `once`: the columns that are read above, if rows that are equal in them may as well come once; None if every row counts.
fn visit(plan: &mut LogicalPlan, once: Option<Columns>) {
    if let (Some(read), LogicalPlan::Join { left, right, kind, on: Some(on) }) = (&once, &mut *plan)
        && *kind == JoinKind::Inner
        && !may_fail(on)
    {
        let is_read = |side: &LogicalPlan| side.columns().iter().any(|c| read.contains(&c.id));
        let small = |side: &LogicalPlan, beside: &LogicalPlan| estimate(side).rows <= LARGER * estimate(beside).rows;
        if !is_read(right) && small(right, left) {
            *kind = JoinKind::Semi;
        } else if !is_read(left) && small(left, right) {
            std::mem::swap(left, right);
            *kind = JoinKind::Semi;
        }
    }
    match plan {
        LogicalPlan::Filter { input, predicate } => {
            let read = predicate.columns();
            visit(input, once.map(|above| above.into_iter().chain(read).collect()));
        }
        LogicalPlan::Project { input, columns } => {
            let reads = |above: Columns| {
                let wanted = columns.iter().filter(|(def, e)| above.contains(&def.id) || may_fail(e));
                wanted.flat_map(|(_, e)| e.columns()).collect()
            };
            visit(input, once.map(reads));
        }
        LogicalPlan::Join { left, right, kind, on } => {
            let read = on.iter().flat_map(|on| on.columns());
            let both: Option<Columns> = once.map(|above| above.into_iter().chain(read).collect());
            let of_condition: Columns = on.iter().flat_map(|on| on.columns()).collect();
            let (to_left, to_right) = match kind {
                JoinKind::Inner | JoinKind::Cross | JoinKind::Left => (both.clone(), both),
                JoinKind::Semi | JoinKind::Anti | JoinKind::Mark(_) => (both, Some(of_condition)),
                JoinKind::Right | JoinKind::Full | JoinKind::Single | JoinKind::AsOf { .. } => (None, None),
            };
            visit(left, to_left);
            visit(right, to_right);
        }
        LogicalPlan::Aggregate { input, keys, aggregates, .. } => {
            let by_value = |a: &Aggregate| BY_VALUE.contains(&a.function.as_str());
            let read = keys.iter().map(|k| k.id).chain(aggregates.iter().flat_map(Aggregate::reads)).collect();
            visit(input, aggregates.iter().all(by_value).then_some(read));
        }
        LogicalPlan::Distinct { input, on: None } => {
            let all = input.columns().into_iter().map(|c| c.id).collect();
            visit(input, Some(all));
        }
        LogicalPlan::Sort { input, keys } => {
            let read = keys.iter().map(|k| k.column);
            visit(input, once.map(|above| above.into_iter().chain(read).collect()));
        }
        LogicalPlan::Union { inputs, columns } => {
            for input in inputs {
                let own = input.columns();
                let reads = |above: &Columns| {
                    columns.iter().zip(&own).filter(|(outer, _)| above.contains(&outer.id)).map(|(_, c)| c.id).collect()
                };
                visit(input, once.as_ref().map(reads));
            }
        }
        other => other.inputs_mut().into_iter().for_each(|input| visit(input, None)),
    }
}
