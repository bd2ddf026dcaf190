//! Sorting and top-k.

use super::{Batches, Stream, Task};
use crate::journal::TaskError;
use crate::kernel::columns;
use crate::kernel::order::Order;
use polars::prelude::*;

/// Opens a sort of all rows, or of the first `limit` in order.
pub fn open<'a>(input: Stream<'a>, order: &'a Order, limit: Option<usize>, task: &'a Task<'a>) -> Stream<'a> {
    Box::new(SortStream { input, order, limit, task, done: false })
}

struct SortStream<'a> {
    input: Stream<'a>,
    order: &'a Order,
    limit: Option<usize>,
    task: &'a Task<'a>,
    done: bool,
}

/// A top-k cuts its candidates back when they are this many, or four times the limit.
const CANDIDATES: usize = 64 * 1024;

impl SortStream<'_> {
    fn first(&self, frames: &[DataFrame], limit: usize) -> Result<DataFrame, TaskError> {
        let rows = columns::concat(frames, &self.order.columns)?;
        Ok(columns::take(&rows, &self.order.places(&rows, limit)?))
    }
}

impl Batches for SortStream<'_> {
    fn next(&mut self) -> Result<Option<DataFrame>, TaskError> {
        if std::mem::replace(&mut self.done, true) || self.limit == Some(0) {
            return Ok(None);
        }
        let mut frames = Vec::new();
        let mut rows = 0;
        let mut held = 0;
        while let Some(mut batch) = self.input.next()? {
            self.task.check()?;
            if let Some(limit) = self.limit.filter(|limit| batch.height() > *limit) {
                batch = self.first(&[batch], limit)?;
            }
            rows += batch.height();
            let bytes = columns::logical_bytes(&batch);
            self.task.memory.replace(0, bytes);
            held += bytes;
            frames.push(batch);
            if let Some(limit) = self.limit.filter(|limit| rows > CANDIDATES.max(limit.saturating_mul(4))) {
                // Earlier rows stay before later ones with equal keys: the sort is stable.
                frames = vec![self.first(&frames, limit)?];
                rows = frames[0].height();
                let kept = columns::logical_bytes(&frames[0]);
                self.task.memory.replace(std::mem::replace(&mut held, kept), kept);
            }
        }
        self.task.check()?;
        self.task.memory.replace(0, held);
        self.first(&frames, self.limit.unwrap_or(usize::MAX)).map(Some)
    }
}
