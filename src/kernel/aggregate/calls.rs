//! From aggregate calls to accumulators and back: AVG is a sum and a count, and calls over the same column share them.

use super::accumulate::{Accumulate, GroupRows};
use super::collected::Collected;
use super::folded::{Finish, Kind, folded};
use super::kept::Lists;
use crate::functions::aggregates::find_aggregate;
use crate::journal::{ErrorCode, TaskError};
use crate::plan::{
    ColumnId,
    expr::ColumnDef,
    logical::SortKey,
    physical::{AggregatePhase, PhysicalAggregate},
};
use crate::sql::{DataType, Span};
use polars::prelude::{Column, Series};

/// One accumulator: what it does, over which columns, of which rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    kind: Kind,
    /// The columns that it reads: values, or the states of earlier phases.
    pub columns: Vec<ColumnId>,
    /// The types of the values.
    types: Vec<DataType>,
    /// Only rows where this column is true.
    pub filter: Option<ColumnId>,
    pub span: Option<Span>,
}

impl Part {
    /// Whether it counts rows: all of the batch, or those with a value.
    pub fn counts_rows(&self) -> bool {
        self.kind == Kind::Count && self.filter.is_none()
    }

    /// An empty accumulator.
    pub fn start(&self) -> Result<Box<dyn Accumulate>, TaskError> {
        self.kind.start(&self.types)
    }
}

/// How the states of a call make its value.
#[derive(Debug, Clone, PartialEq)]
enum Value {
    Folded(Finish),
    Collected(Collected),
    /// The kept values are folded at last: a DISTINCT aggregate.
    FoldedAtLast(Vec<Kind>, Finish),
}

struct Call {
    parts: Vec<usize>,
    value: Value,
    /// Types of the arguments.
    args: Vec<DataType>,
    /// Of the columns of kept values: which to sort by.
    order: Vec<(SortKey, DataType)>,
    output: ColumnDef,
    state: Vec<ColumnDef>,
    span: Option<Span>,
}

/// The aggregate calls of one operator.
pub struct Calls {
    /// Each different accumulator once.
    pub parts: Vec<Part>,
    calls: Vec<Call>,
    phase: AggregatePhase,
}

impl Calls {
    /// Lowers the calls of a phase.
    pub fn compile(aggregates: &[PhysicalAggregate], phase: AggregatePhase) -> Result<Calls, TaskError> {
        let mut lowered = Calls { parts: Vec::new(), calls: Vec::new(), phase };
        for aggregate in aggregates {
            let call = lowered.call(aggregate)?;
            lowered.calls.push(call);
        }
        Ok(lowered)
    }

    /// Whether the input is states rather than values.
    pub fn merges(&self) -> bool {
        matches!(self.phase, AggregatePhase::Final | AggregatePhase::Merge)
    }

    fn call(&mut self, aggregate: &PhysicalAggregate) -> Result<Call, TaskError> {
        let call = &aggregate.call;
        let Some(function) = find_aggregate(&call.function) else {
            return Err(
                TaskError::user(ErrorCode::NotSupported, format!("not supported yet: {}", call.function)).at(call.span)
            );
        };
        let types: Vec<DataType> = call.args.iter().map(|(_, dtype)| dtype.clone()).collect();
        let none = || TaskError::bug(format!("the aggregate {} has no accumulator", function.name));
        let (kinds, value) = if call.keeps_values() {
            let collected = Collected::of(function.name, &types, &call.constants);
            let takes_nulls = collected.as_ref().is_some_and(|c| c.takes_nulls(function.name));
            // A call without arguments counts rows; all others leave out NULLs as soon as they are met.
            let kept = Kind::Kept { args: types.len(), skip_nulls: !takes_nulls, distinct: call.distinct };
            let value = match collected {
                Some(collected) => Value::Collected(collected),
                None => {
                    let (kinds, finish) = folded(function.name, &types).ok_or_else(none)?;
                    Value::FoldedAtLast(kinds, finish)
                }
            };
            (vec![kept], value)
        } else {
            let (kinds, finish) = folded(function.name, &types).ok_or_else(none)?;
            (kinds, Value::Folded(finish))
        };
        let mut states = aggregate.state.iter();
        let mut columns: Vec<ColumnId> = call.args.iter().map(|(id, _)| *id).collect();
        let mut column_types = types.clone();
        if call.keeps_values() {
            columns.extend(call.order_by.iter().map(|(key, _)| key.column));
            column_types.extend(call.order_by.iter().map(|(_, dtype)| dtype.clone()));
        } else if let ([Kind::Best { .. }], [only]) = (&kinds[..], &columns[..]) {
            // The value is its own key.
            columns.push(*only);
            column_types.push(types[0].clone());
        }
        let mut parts = Vec::new();
        for kind in kinds {
            let read = if self.merges() {
                let width = kind.width(columns.len());
                let of_part: Vec<ColumnId> = states.by_ref().take(width).map(|c| c.id).collect();
                if of_part.len() < width {
                    return Err(TaskError::bug(format!("{} lacks state columns", call.function)));
                }
                of_part
            } else {
                columns.clone()
            };
            let filter = call.filter.filter(|_| !self.merges());
            let part = Part { kind, columns: read, types: column_types.clone(), filter, span: call.span };
            let same = |p: &Part| Part { span: None, ..p.clone() } == Part { span: None, ..part.clone() };
            parts.push(match self.parts.iter().position(same) {
                Some(place) => place,
                None => {
                    self.parts.push(part);
                    self.parts.len() - 1
                }
            });
        }
        Ok(Call {
            parts,
            value,
            args: types,
            order: call.order_by.clone(),
            output: call.output.clone(),
            state: aggregate.state.clone(),
            span: call.span,
        })
    }

    /// The result columns of the operator, from the states of all parts.
    pub fn finish(&self, states: &[Vec<Series>]) -> Result<Vec<Column>, TaskError> {
        let mut result = Vec::new();
        for call in &self.calls {
            let states: Vec<&Series> = call.parts.iter().flat_map(|part| &states[*part]).collect();
            if matches!(self.phase, AggregatePhase::Partial | AggregatePhase::Merge) {
                if states.len() != call.state.len() {
                    return Err(TaskError::bug(format!("{} has other states than planned", call.output.name)));
                }
                for (series, def) in states.into_iter().zip(&call.state) {
                    result.push(typed(series.clone(), def)?);
                }
            } else {
                let value = call.value(&states).map_err(|e| e.at(call.span))?;
                result.push(typed(value, &call.output)?);
            }
        }
        Ok(result)
    }
}

/// The series under its column's name, in its physical type.
fn typed(series: Series, def: &ColumnDef) -> Result<Column, TaskError> {
    let physical = def.dtype.physical();
    let series = if *series.dtype() == physical { series } else { series.strict_cast(&physical)? };
    Ok(series.with_name(def.id.name().into()).into())
}

impl Call {
    fn value(&self, states: &[&Series]) -> Result<Series, TaskError> {
        let kept = || -> Result<Lists, TaskError> {
            let states: Vec<Series> = states.iter().map(|s| (*s).clone()).collect();
            let lists = Lists::read(&states)?;
            if self.order.is_empty() {
                return Ok(lists);
            }
            let keys = self.order.iter().enumerate().map(|(i, (key, dtype))| (self.args.len() + i, dtype, *key));
            lists.sorted(&keys.collect::<Vec<_>>())
        };
        match &self.value {
            Value::Folded(finish) => finish.value(states, &self.output.dtype),
            Value::Collected(collected) => collected.value(&kept()?, &self.args),
            Value::FoldedAtLast(kinds, finish) => {
                let lists = kept()?;
                let (ids, groups) = (lists.ids(), lists.groups());
                let rows = GroupRows { ids: Some(&ids), rows: ids.len(), groups, covers: false, sizes: None };
                let mut folded = Vec::new();
                for kind in kinds {
                    let mut accumulator = kind.start(&self.args)?;
                    accumulator.update(&lists.columns, rows)?;
                    folded.extend(accumulator.finish(groups)?);
                }
                finish.value(&folded.iter().collect::<Vec<_>>(), &self.output.dtype)
            }
        }
    }
}
