//! Window functions over the rows of a task, sorted by partition and order: [`layout`] says where partitions and groups of
//! equal rows begin, [`frames`] which rows each row sees, [`ranking`] and [`values`] are the functions of positions, and
//! [`aggregates`] everything that is folded, by the cheapest of several ways (Leis et al., "Efficient Processing of Window
//! Functions in Analytical SQL Queries", 2015).

mod aggregates;
mod extremes;
mod fill;
mod frames;
mod layout;
mod ordered;
mod ranking;
mod sums;
mod values;

use super::columns;
use super::expr::CompiledExpr;
use super::order::Order;
use crate::functions::QueryClock;
use crate::journal::TaskError;
use crate::plan::logical::SortKey;
use crate::plan::window::WindowCall;
use crate::plan::{ColumnId, expr::ColumnDef};
use frames::Frames;
use layout::Layout;
use polars::prelude::*;

/// The calls that share a sort, lowered.
pub struct Windows {
    partition_by: Vec<SortKey>,
    order_by: Vec<SortKey>,
    order: Order,
    columns: Vec<ColumnDef>,
    calls: Vec<Call>,
}

/// A call with its expressions compiled.
struct Call {
    call: WindowCall,
    args: Vec<CompiledExpr>,
    start: Option<CompiledExpr>,
    end: Option<CompiledExpr>,
}

impl Windows {
    /// Lowers the calls over rows of `columns`.
    pub fn compile(
        partition_by: &[ColumnId],
        order_by: &[SortKey],
        calls: &[WindowCall],
        columns: Vec<ColumnDef>,
    ) -> Result<Windows, TaskError> {
        let partition_by: Vec<SortKey> =
            partition_by.iter().map(|id| SortKey { column: *id, descending: false, nulls_first: false }).collect();
        let keys: Vec<SortKey> = partition_by.iter().chain(order_by).copied().collect();
        let calls = calls.iter().map(|call| {
            let args = call.args.iter().map(CompiledExpr::compile).collect::<Result<_, TaskError>>()?;
            let offset = |bound: &crate::plan::window::Bound| bound.offset().map(CompiledExpr::compile).transpose();
            Ok(Call { start: offset(&call.frame.start)?, end: offset(&call.frame.end)?, args, call: call.clone() })
        });
        Ok(Windows {
            order: Order::new(&keys, columns.clone()),
            calls: calls.collect::<Result<_, TaskError>>()?,
            order_by: order_by.to_vec(),
            partition_by,
            columns,
        })
    }

    /// All rows of the task, sorted, with a column for each call. `check` says when to stop.
    pub fn evaluate(
        &self,
        frames: &[DataFrame],
        clock: &QueryClock,
        check: &dyn Fn() -> Result<(), TaskError>,
    ) -> Result<DataFrame, TaskError> {
        let mut rows = columns::concat(frames, &self.columns)?;
        if rows.height() == 0 {
            let outputs = self.calls.iter().map(|c| c.call.output.clone());
            return Ok(columns::empty(&self.columns.iter().cloned().chain(outputs).collect::<Vec<_>>()));
        }
        if !self.partition_by.is_empty() || !self.order_by.is_empty() {
            rows = columns::take(&rows, &self.order.places(&rows, usize::MAX)?);
        }
        check()?;
        let layout = Layout::new(rows, &self.partition_by, &self.order_by)?;
        let mut result = layout.frame.columns().to_vec();
        for call in &self.calls {
            let task = Evaluation { layout: &layout, call: &call.call, compiled: call, clock, check };
            let column = task.column().map_err(|error| error.at(call.call.span))?;
            let physical = call.call.output.dtype.physical();
            let column = if *column.dtype() == physical { column } else { column.strict_cast(&physical)? };
            result.push(column.with_name(call.call.output.id.name().into()));
            check()?;
        }
        Ok(columns::frame(layout.frame.height(), result))
    }
}

/// One call over the rows of a task.
struct Evaluation<'a> {
    layout: &'a Layout,
    call: &'a WindowCall,
    compiled: &'a Call,
    clock: &'a QueryClock,
    check: &'a dyn Fn() -> Result<(), TaskError>,
}

impl Evaluation<'_> {
    fn column(&self) -> Result<Column, TaskError> {
        if let Some(aggregate) = &self.call.aggregate {
            return self.aggregate(aggregate);
        }
        if !self.call.argument_order.is_empty() {
            return self.in_argument_order();
        }
        match self.call.function.as_str() {
            "row_number" | "rank" | "dense_rank" | "percent_rank" | "cume_dist" | "ntile" => self.ranking(),
            "lag" => self.shifted(-1),
            "lead" => self.shifted(1),
            "first_value" | "last_value" | "nth_value" => self.of_frame(),
            "fill" => self.fill(),
            other => Err(TaskError::bug(format!("the window function {other} has no kernel"))),
        }
    }

    fn rows(&self) -> usize {
        self.layout.frame.height()
    }

    fn frames(&self) -> Result<Frames, TaskError> {
        Frames::new(self.layout, &self.call.frame, self.compiled.start.as_ref(), self.compiled.end.as_ref(), self.clock)
    }

    /// The values of an argument, one for each row.
    fn argument(&self, number: usize) -> Result<Series, TaskError> {
        let column = self.compiled.args[number].evaluate(&self.layout.frame, self.clock)?;
        let physical = self.compiled.args[number].dtype().physical();
        let column = if column.len() == 1 && self.rows() != 1 { column.new_from_index(0, self.rows()) } else { column };
        let series = columns::one_chunk(&column);
        Ok(if *series.dtype() == physical { series } else { series.strict_cast(&physical)? })
    }

    /// An argument that is a number of rows.
    fn number(&self, number: usize) -> Result<Numbers, TaskError> {
        Numbers::new(&self.compiled.args[number].evaluate(&self.layout.frame, self.clock)?)
    }
}

/// A BIGINT for each row.
enum Numbers {
    Constant(Option<i64>),
    Each(Int64Chunked),
}

impl Numbers {
    fn new(column: &Column) -> Result<Numbers, TaskError> {
        let series = columns::one_chunk(column);
        let numbers = if *series.dtype() == DataType::Int64 { series } else { series.strict_cast(&DataType::Int64)? };
        let numbers = numbers.i64()?;
        Ok(if numbers.len() == 1 { Numbers::Constant(numbers.get(0)) } else { Numbers::Each(numbers.clone()) })
    }

    fn get(&self, row: usize) -> Option<i64> {
        match self {
            Numbers::Constant(number) => *number,
            Numbers::Each(numbers) => numbers.get(row),
        }
    }
}

/// No row: the value is NULL.
const NOWHERE: IdxSize = IdxSize::MAX;
