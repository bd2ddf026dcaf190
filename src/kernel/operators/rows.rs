//! Operators that see one batch at a time: filter, project, limit, and the guard of scalar subqueries.

use super::{Batches, Stream, Task};
use crate::journal::{ErrorCode, TaskError};
use crate::kernel::{columns, expr::CompiledExpr};
use crate::plan::expr::ColumnDef;
use polars::prelude::DataFrame;

/// Rows for which the predicate is true.
pub fn filter<'a>(input: Stream<'a>, predicate: &'a CompiledExpr, task: &'a Task<'a>) -> Stream<'a> {
    Box::new(FilterStream { input, predicate, task })
}

struct FilterStream<'a> {
    input: Stream<'a>,
    predicate: &'a CompiledExpr,
    task: &'a Task<'a>,
}

impl Batches for FilterStream<'_> {
    fn next(&mut self) -> Result<Option<DataFrame>, TaskError> {
        let Some(batch) = self.input.next()? else { return Ok(None) };
        self.task.check()?;
        let mask = self.predicate.evaluate_mask(&batch, &self.task.context.clock)?;
        columns::filter(&batch, &mask).map(Some)
    }
}

/// Exactly these columns, computed.
pub fn project<'a>(input: Stream<'a>, columns: &'a [(ColumnDef, CompiledExpr)], task: &'a Task<'a>) -> Stream<'a> {
    Box::new(ProjectStream { input, columns, task })
}

struct ProjectStream<'a> {
    input: Stream<'a>,
    columns: &'a [(ColumnDef, CompiledExpr)],
    task: &'a Task<'a>,
}

impl Batches for ProjectStream<'_> {
    fn next(&mut self) -> Result<Option<DataFrame>, TaskError> {
        let Some(batch) = self.input.next()? else { return Ok(None) };
        self.task.check()?;
        let height = batch.height();
        if height == 0 {
            // No row, so no expression may fail or be asked for its type.
            let defs: Vec<ColumnDef> = self.columns.iter().map(|(def, _)| def.clone()).collect();
            return Ok(Some(columns::empty(&defs)));
        }
        let mut computed = Vec::with_capacity(self.columns.len());
        for (def, expr) in self.columns {
            computed.push(columns::fit(expr.evaluate(&batch, &self.task.context.clock)?, def.id, height));
        }
        Ok(Some(columns::frame(height, computed)))
    }
}

/// Rows `offset .. offset + limit`; the input is not asked for more than that.
pub fn limit<'a>(input: Stream<'a>, limit: Option<u64>, offset: u64) -> Stream<'a> {
    Box::new(LimitStream { input, skip: offset, left: limit })
}

struct LimitStream<'a> {
    input: Stream<'a>,
    skip: u64,
    left: Option<u64>,
}

impl Batches for LimitStream<'_> {
    fn next(&mut self) -> Result<Option<DataFrame>, TaskError> {
        if self.left == Some(0) {
            return Ok(None);
        }
        let Some(batch) = self.input.next()? else { return Ok(None) };
        let height = batch.height() as u64;
        let skip = self.skip.min(height);
        let take = self.left.unwrap_or(u64::MAX).min(height - skip);
        self.skip -= skip;
        self.left = self.left.map(|left| left - take);
        if take == height {
            return Ok(Some(batch));
        }
        Ok(Some(columns::slice(&batch, skip as usize, take as usize)))
    }
}

/// At most one row, otherwise an error; a row of NULLs for none.
pub fn single_row<'a>(input: Stream<'a>, columns: &'a [ColumnDef]) -> Stream<'a> {
    Box::new(SingleRowStream { input, columns, done: false })
}

struct SingleRowStream<'a> {
    input: Stream<'a>,
    columns: &'a [ColumnDef],
    done: bool,
}

impl Batches for SingleRowStream<'_> {
    fn next(&mut self) -> Result<Option<DataFrame>, TaskError> {
        if std::mem::replace(&mut self.done, true) {
            return Ok(None);
        }
        let mut row: Option<DataFrame> = None;
        while let Some(batch) = self.input.next()? {
            match (batch.height(), &row) {
                (0, _) => {}
                (1, None) => row = Some(batch),
                _ => return Err(more_than_one_row()),
            }
        }
        Ok(Some(row.unwrap_or_else(|| columns::nulls(self.columns, 1))))
    }
}

/// A scalar subquery that gave several rows.
pub fn more_than_one_row() -> TaskError {
    TaskError::user(
        ErrorCode::SubqueryMultipleRows,
        "More than one row returned by a subquery used as an expression - scalar subqueries can only return a single row",
    )
}
