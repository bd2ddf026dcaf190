//! Windows in stages: rows of a partition meet in one task by a hash exchange on PARTITION BY, and calls over the same
//! partitions in the same order share one sort.

use super::{Part, Placement, Planner, Wanted};
use crate::plan::estimate::estimate;
use crate::plan::expr::ColumnId;
use crate::plan::logical::{LogicalPlan, SortKey};
use crate::plan::physical::Fragment;
use crate::plan::window::WindowCall;
use crate::sql::diagnostic::Result;
use std::collections::BTreeSet;

/// Calls that share a sort.
struct Sorted {
    partition_by: Vec<ColumnId>,
    order_by: Vec<SortKey>,
    calls: Vec<WindowCall>,
}

/// Aggregates whose answer over a whole partition is the same in whichever order they see its rows.
const ORDER_FREE: &[&str] = &["avg", "bool_and", "bool_or", "count", "count_star", "max", "min", "sum"];

impl Planner<'_> {
    /// One operator per sort, those over the same partitions one after the other; calls without PARTITION BY come last, in
    /// one task.
    pub(super) fn window(
        &mut self,
        plan: &LogicalPlan,
        input: &LogicalPlan,
        calls: &[WindowCall],
        wanted: &Wanted,
    ) -> Result<Part> {
        let calls: Vec<&WindowCall> = calls.iter().filter(|call| wanted.contains(&call.output.id)).collect();
        let mut below: Wanted = calls.iter().flat_map(|call| call.reads()).collect();
        let made: BTreeSet<ColumnId> = calls.iter().map(|call| call.output.id).collect();
        below.extend(wanted.iter().filter(|id| !made.contains(id)));
        let mut part = self.part(input, &below)?;
        let cardinality = estimate(plan);
        for sorted in sorts(&calls) {
            part = self.together(part, &sorted.partition_by, &below);
            below.extend(sorted.calls.iter().map(|call| call.output.id));
            part = part.grow(cardinality.clone(), |input| Fragment::Window {
                input,
                partition_by: sorted.partition_by,
                order_by: sorted.order_by,
                calls: sorted.calls,
            });
        }
        Ok(part)
    }

    /// The part's rows with equal `keys` in one task.
    fn together(&mut self, part: Part, keys: &[ColumnId], wanted: &Wanted) -> Part {
        let together = match &part.placement {
            Placement::Single => true,
            Placement::Hashed(hashed, _) => !hashed.is_empty() && hashed.iter().all(|key| keys.contains(key)),
            Placement::Anywhere => false,
        };
        if together {
            return part;
        }
        if keys.is_empty() {
            return self.gathered(part, wanted);
        }
        let partitions = self.partitions(part.cardinality.bytes(wanted.iter().copied()));
        self.hashed(part, keys.to_vec(), partitions, wanted)
    }
}

/// The calls by what they sort by, in order of first appearance; sorts over the same partitions stand together, those of all
/// rows at the end. A whole-partition aggregate rides along with any sort over its partitions.
fn sorts(calls: &[&WindowCall]) -> Vec<Sorted> {
    let set = |ids: &[ColumnId]| ids.iter().copied().collect::<BTreeSet<_>>();
    let mut sorts: Vec<Sorted> = Vec::new();
    let rides = |call: &WindowCall| {
        call.order_by.is_empty() && call.frame.is_whole() && ORDER_FREE.contains(&call.function.as_str())
    };
    let (riders, own): (Vec<&WindowCall>, Vec<&WindowCall>) = calls.iter().partition(|call| rides(call));
    for (call, rider) in own.into_iter().map(|c| (c, false)).chain(riders.into_iter().map(|c| (c, true))) {
        let fits =
            |s: &Sorted| set(&s.partition_by) == set(&call.partition_by) && (rider || s.order_by == call.order_by);
        match sorts.iter_mut().find(|s| fits(s)) {
            Some(sorted) => sorted.calls.push(call.clone()),
            None => {
                let sorted = Sorted {
                    partition_by: call.partition_by.clone(),
                    order_by: call.order_by.clone(),
                    calls: vec![call.clone()],
                };
                let near = sorts.iter().rposition(|s| set(&s.partition_by) == set(&call.partition_by));
                sorts.insert(near.map_or(sorts.len(), |at| at + 1), sorted);
            }
        }
    }
    sorts.sort_by_key(|s| s.partition_by.is_empty());
    sorts
}
