//! A join on any condition: every pair of rows is tried, some left rows at a time.

use super::key_filter::KeyFilter;
use super::{BATCH_ROWS, Batches, Operator, Stream, Task, drain};
use crate::journal::TaskError;
use crate::kernel::columns;
use crate::kernel::join::{JoinShape, Matches, Pairs};
use crate::plan::physical::PhysicalJoin;
use polars::prelude::*;

/// A lowered nested loop join.
pub struct NestedLoopJoinOperator {
    pub left: Operator,
    pub right: Operator,
    pub shape: JoinShape,
}

impl NestedLoopJoinOperator {
    /// Collects the right side and opens the left one, whose rows must pass `filters`.
    pub fn open<'a>(&'a self, task: &'a Task<'a>, filters: Vec<KeyFilter>) -> Result<Stream<'a>, TaskError> {
        let right = columns::concat(&drain(task, &mut *self.right.open(task)?)?, &self.shape.build)?;
        let matches = self.shape.matches(right.height());
        // Where right rows are kept for want of a match, left rows must all be seen.
        let filters = if matches.is_some() || self.shape.can_fail() { Vec::new() } else { filters };
        let left = self.left.open_filtered(task, filters)?;
        Ok(Box::new(NestedLoopStream { shape: &self.shape, left, right, matches, pending: None, task }))
    }
}

struct NestedLoopStream<'a> {
    shape: &'a JoinShape,
    left: Stream<'a>,
    right: DataFrame,
    matches: Option<Matches>,
    /// A left batch and the next of its rows.
    pending: Option<(DataFrame, usize)>,
    task: &'a Task<'a>,
}

impl Batches for NestedLoopStream<'_> {
    fn next(&mut self) -> Result<Option<DataFrame>, TaskError> {
        self.task.check()?;
        let (batch, start) = match self.pending.take() {
            Some(pending) => pending,
            None => match self.left.next()? {
                Some(batch) => (batch, 0),
                None => {
                    let matches = self.matches.take();
                    return matches.map(|matches| self.shape.emit_unmatched(&matches, &self.right)).transpose();
                }
            },
        };
        let width = self.right.height();
        let rows = (BATCH_ROWS / width.max(1)).max(1);
        let end = batch.height().min(start + rows);
        let mut pairs = Pairs::default();
        for row in start..end {
            pairs.probe.resize(pairs.probe.len() + width, row as IdxSize);
            pairs.build.extend(0..width as IdxSize);
        }
        let clock = &self.task.context.clock;
        let output = if matches!(self.shape.kind, PhysicalJoin::Mark(_)) {
            self.shape.emit_marks(&pairs, start..end, &batch, &self.right, clock)?
        } else {
            let pairs = self.shape.check(pairs, &batch, &self.right, clock)?;
            self.shape.emit(pairs, start..end, &batch, &self.right, self.matches.as_mut())?
        };
        self.pending = (end < batch.height()).then_some((batch, end));
        Ok(Some(output))
    }
}
