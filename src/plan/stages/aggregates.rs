//! Aggregation in stages: partial where the rows are, a hash exchange of the states, final where they meet. Where the rows
//! of a group are together already, all at once.

use super::{Part, Placement, Planner, Wanted};
use crate::plan::estimate::estimate;
use crate::plan::expr::{ColumnDef, ColumnId};
use crate::plan::logical::{Aggregate, LogicalPlan};
use crate::plan::physical::{AggregatePhase, Fragment, PhysicalAggregate};
use crate::sql::diagnostic::Result;

impl Planner<'_> {
    pub(super) fn aggregate(
        &mut self,
        plan: &LogicalPlan,
        input: &LogicalPlan,
        keys: &[ColumnDef],
        aggregates: &[Aggregate],
        wanted: &Wanted,
    ) -> Result<Part> {
        let aggregates: Vec<Aggregate> = aggregates.iter().filter(|a| wanted.contains(&a.output.id)).cloned().collect();
        if let Some(argument) = one_distinct_argument(&aggregates) {
            return self.distinct_first(input, keys, aggregates, argument, wanted);
        }
        let below: Wanted = keys.iter().map(|k| k.id).chain(aggregates.iter().flat_map(Aggregate::reads)).collect();
        let part = self.part(input, &below)?;
        let cardinality = estimate(plan);
        let physical: Vec<PhysicalAggregate> = aggregates.into_iter().map(|call| self.with_state(call)).collect();
        let ids: Vec<ColumnId> = keys.iter().map(|k| k.id).collect();
        let operator = |part: Part, phase: AggregatePhase| {
            part.grow(cardinality.clone(), |input| Fragment::Aggregate {
                input,
                keys: keys.to_vec(),
                aggregates: physical.clone(),
                phase,
            })
        };
        let together = match &part.placement {
            Placement::Single => true,
            Placement::Hashed(hashed, _) => !hashed.is_empty() && hashed.iter().all(|h| ids.contains(h)),
            Placement::Anywhere => false,
        };
        if together {
            return Ok(operator(part, AggregatePhase::Complete));
        }
        let partial = operator(part, AggregatePhase::Partial);
        let states: Wanted = partial.fragment.columns().iter().map(|c| c.id).collect();
        let part = if ids.is_empty() {
            self.gathered(partial, &states)
        } else {
            let partitions = self.partitions(partial.cardinality.bytes(states.iter().copied()));
            self.hashed(partial, ids, partitions, &states)
        };
        Ok(operator(part, AggregatePhase::Final))
    }

    /// A call with columns for its state.
    pub(super) fn with_state(&mut self, call: Aggregate) -> PhysicalAggregate {
        let name = format!("{} state", call.function);
        let state = call.state().into_iter().map(|dtype| self.fresh(&name, dtype)).collect();
        PhysicalAggregate { call, state }
    }

    /// `COUNT(DISTINCT x)`: first the distinct values of each group, as groups of their own, then a plain aggregate over them.
    fn distinct_first(
        &mut self,
        input: &LogicalPlan,
        keys: &[ColumnDef],
        mut aggregates: Vec<Aggregate>,
        argument: ColumnId,
        wanted: &Wanted,
    ) -> Result<Part> {
        let mut all_keys = keys.to_vec();
        if !keys.iter().any(|k| k.id == argument) {
            all_keys.extend(input.columns().into_iter().find(|c| c.id == argument));
        }
        let values = LogicalPlan::Aggregate {
            input: Box::new(input.clone()),
            keys: all_keys,
            grouping_sets: None,
            aggregates: vec![],
        };
        for aggregate in &mut aggregates {
            aggregate.distinct = false;
        }
        let plan = LogicalPlan::Aggregate {
            input: Box::new(values.clone()),
            keys: keys.to_vec(),
            grouping_sets: None,
            aggregates: aggregates.clone(),
        };
        self.aggregate(&plan, &values, keys, &aggregates, wanted)
    }
}

/// The one column that all aggregates take the distinct values of, if they do.
fn one_distinct_argument(aggregates: &[Aggregate]) -> Option<ColumnId> {
    let argument = aggregates.first()?.args.first()?.0;
    let fits = |a: &Aggregate| {
        let is_plain = a.distinct && a.filter.is_none() && a.order_by.is_empty();
        // Intervals of one length are several values to the kernel of groups.
        is_plain && matches!(&a.args[..], [(id, dtype)] if *id == argument && dtype.by_length().is_none())
    };
    aggregates.iter().all(fits).then_some(argument)
}
