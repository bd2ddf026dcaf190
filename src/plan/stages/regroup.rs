//! Grouping sets, DISTINCT ON, INTERSECT ALL and EXCEPT ALL, in stages.

use super::{Part, Planner, Wanted};
use crate::plan::estimate::estimate;
use crate::plan::expr::{ColumnDef, ColumnId, Expr};
use crate::plan::intervals;
use crate::plan::logical::{Aggregate, GroupingSets, LogicalPlan, SetKind, SortKey};
use crate::plan::physical::{AggregatePhase, Fragment, PhysicalAggregate, Tasks};
use crate::sql::diagnostic::Result;
use crate::sql::{DataType, Value};

impl Planner<'_> {
    /// GROUPING SETS: one scan, whatever the sets. Rows are aggregated by all keys first, into states; the states are taken once
    /// for each set, with the keys outside it NULL, merged where they are, and merged again where they meet. That works for every
    /// aggregate, because every one has states (those that need all values have lists of them), and costs little where the finest
    /// groups are much fewer than the rows.
    pub(super) fn grouping_sets(
        &mut self,
        plan: &LogicalPlan,
        input: &LogicalPlan,
        keys: &[ColumnDef],
        sets: &GroupingSets,
        aggregates: &[Aggregate],
        wanted: &Wanted,
    ) -> Result<Part> {
        let aggregates = aggregates.iter().filter(|a| wanted.contains(&a.output.id)).cloned();
        let physical: Vec<PhysicalAggregate> = aggregates.map(|call| self.with_state(call)).collect();
        let below: Wanted = keys.iter().map(|k| k.id).chain(physical.iter().flat_map(|a| a.call.reads())).collect();
        let mut part = self.part(input, &below)?;
        if let Tasks::Scan { groups } = &mut part.tasks
            && groups.is_empty()
        {
            // The empty set has a row even if nothing is read: a task without pieces makes it.
            groups.push(Vec::new());
        }
        let cardinality = estimate(plan);
        let aggregate = |part: Part, keys: &[ColumnDef], phase: AggregatePhase| {
            part.grow(cardinality.clone(), |input| Fragment::Aggregate {
                input,
                keys: keys.to_vec(),
                aggregates: physical.clone(),
                phase,
            })
        };
        let finest = aggregate(part, keys, AggregatePhase::Partial);
        let expanded = finest.grow(cardinality.clone(), |input| Fragment::GroupingSets {
            input,
            keys: keys.to_vec(),
            sets: sets.clone(),
        });
        let mut all_keys = keys.to_vec();
        all_keys.push(sets.set.clone());
        if expanded.is_single() {
            return Ok(aggregate(expanded, &all_keys, AggregatePhase::Final));
        }
        let merged = aggregate(expanded, &all_keys, AggregatePhase::Merge);
        let states: Wanted = merged.fragment.columns().iter().map(|c| c.id).collect();
        let partitions = self.partitions(merged.cardinality.bytes(states.iter().copied()));
        let part = self.hashed(merged, all_keys.iter().map(|k| k.id).collect(), partitions, &states);
        Ok(aggregate(part, &all_keys, AggregatePhase::Final))
    }

    /// DISTINCT ON: the first row of each key where the rows are, and again where the keys meet.
    pub(super) fn distinct_on(
        &mut self,
        plan: &LogicalPlan,
        input: &LogicalPlan,
        on: &[ColumnId],
        wanted: &Wanted,
    ) -> Result<Part> {
        let (input, order): (&LogicalPlan, &[SortKey]) = match input {
            LogicalPlan::Sort { input, keys } => (input, keys),
            other => (other, &[]),
        };
        let below: Wanted = wanted.iter().chain(on).copied().chain(order.iter().map(|k| k.column)).collect();
        let part = self.part(input, &below)?;
        let cardinality = estimate(plan);
        let first = |part: Part| {
            part.grow(cardinality.clone(), |input| Fragment::FirstOfEach {
                input,
                on: on.to_vec(),
                order: order.to_vec(),
            })
        };
        let single = part.is_single();
        let part = first(part);
        if single {
            return Ok(part);
        }
        if on.is_empty() {
            return Ok(first(self.gathered(part, &below)));
        }
        let partitions = self.partitions(part.cardinality.bytes(below.iter().copied()));
        Ok(first(self.hashed(part, on.to_vec(), partitions, &below)))
    }

    /// INTERSECT ALL and EXCEPT ALL: rows of both sides in one, counted for each side, and each as often as it is left.
    pub(super) fn set_operation_all(
        &mut self,
        left: &LogicalPlan,
        right: &LogicalPlan,
        kind: SetKind,
        columns: &[ColumnDef],
    ) -> Result<Part> {
        let bit = |set: bool| Expr::literal(Value::Int(set as i128), DataType::BigInt);
        let mut marked = |side: &LogicalPlan, is_left: bool| {
            let mut all: Vec<_> =
                side.columns().into_iter().map(|c| (c.clone(), Expr::column(c.id, c.dtype))).collect();
            for set in [is_left, !is_left] {
                all.push((self.fresh("mark", DataType::BigInt), bit(set)));
            }
            LogicalPlan::Project { input: Box::new(side.clone()), columns: all }
        };
        let inputs = vec![marked(left, true), marked(right, false)];
        let mut sides = |name: &str| self.fresh(name, DataType::BigInt);
        let (in_left, in_right) = (sides("in left"), sides("in right"));
        let mut together = columns.to_vec();
        together.extend([in_left.clone(), in_right.clone()]);
        let total =
            |output: ColumnDef, of: &ColumnDef| Aggregate::plain(output, "sum", vec![(of.id, of.dtype.clone())]);
        let lefts = self.fresh("lefts", DataType::HugeInt);
        let rights = self.fresh("rights", DataType::HugeInt);
        let mut groups = LogicalPlan::Aggregate {
            input: Box::new(LogicalPlan::Union { inputs, columns: together }),
            keys: columns.to_vec(),
            grouping_sets: None,
            aggregates: vec![total(lefts.clone(), &in_left), total(rights.clone(), &in_right)],
        };
        intervals::group_by_length(&mut groups, &mut self.next_column);
        let count = |side: &ColumnDef| Expr::column(side.id, side.dtype.clone());
        let left_over = match kind {
            SetKind::Intersect => Expr::call("least", vec![count(&lefts), count(&rights)], DataType::HugeInt),
            SetKind::Except => Expr::call("-", vec![count(&lefts), count(&rights)], DataType::HugeInt),
        };
        let times = self.fresh("times", DataType::BigInt);
        let cast = Expr {
            kind: crate::plan::expr::ExprKind::Cast { arg: Box::new(left_over), lenient: false },
            dtype: DataType::BigInt,
            span: None,
        };
        let mut kept: Vec<(ColumnDef, Expr)> =
            columns.iter().map(|c| (c.clone(), Expr::column(c.id, c.dtype.clone()))).collect();
        kept.push((times.clone(), cast));
        let plan = LogicalPlan::Project { input: Box::new(groups), columns: kept };
        let wanted: Wanted = plan.columns().iter().map(|c| c.id).collect();
        let part = self.part(&plan, &wanted)?;
        Ok(part.grow(estimate(left), |input| Fragment::Repeat { input, times: times.id }))
    }
}
