//! Grouping as a stream.

use super::{Batches, Stream, Task};
use crate::journal::TaskError;
use crate::kernel::aggregate::{Aggregation, Calls};
use crate::plan::{expr::ColumnDef, physical::AggregatePhase};
use polars::prelude::DataFrame;

/// A partial aggregation looks at this many rows before it decides whether grouping them is worth it ...
const SAMPLE_ROWS: usize = 64 * 1024;
/// ... which it is not where more than this share of them are groups of their own.
const MOSTLY_GROUPS: f64 = 0.7;

/// Opens an aggregation over its input.
pub fn open<'a>(
    input: Stream<'a>,
    keys: &'a [ColumnDef],
    calls: &'a Calls,
    phase: AggregatePhase,
    task: &'a Task<'a>,
) -> Result<Stream<'a>, TaskError> {
    let groups = Aggregation::new(keys, calls)?;
    // Without keys there is one group; only what is merged later may yield a group twice.
    let may_skip = matches!(phase, AggregatePhase::Partial | AggregatePhase::Merge) && !keys.is_empty();
    Ok(Box::new(AggregateStream { input, groups, may_skip, state: State::Grouping, held: 0, task }))
}

struct AggregateStream<'a> {
    input: Stream<'a>,
    groups: Aggregation<'a>,
    may_skip: bool,
    state: State,
    held: u64,
    task: &'a Task<'a>,
}

#[derive(Clone, Copy)]
enum State {
    Grouping,
    /// Rows go through as states of one row each; whoever merges them groups them. The decision depends on the task's data alone.
    Passing,
    Done,
}

impl Batches for AggregateStream<'_> {
    fn next(&mut self) -> Result<Option<DataFrame>, TaskError> {
        match self.state {
            State::Done => return Ok(None),
            State::Passing => {
                let Some(batch) = self.input.next()? else { return Ok(None) };
                self.task.check()?;
                self.groups.update_each_row(&batch)?;
                return self.groups.finish().map(Some);
            }
            State::Grouping => {}
        }
        while let Some(batch) = self.input.next()? {
            self.task.check()?;
            if batch.height() == 0 {
                continue;
            }
            self.groups.update(&batch)?;
            let bytes = self.groups.bytes();
            self.task.memory.replace(std::mem::replace(&mut self.held, bytes), bytes);
            if self.may_skip && self.groups.rows() >= SAMPLE_ROWS {
                self.may_skip = false;
                if self.groups.groups() as f64 > MOSTLY_GROUPS * self.groups.rows() as f64 {
                    self.state = State::Passing;
                    return self.groups.finish().map(Some);
                }
            }
        }
        self.state = State::Done;
        self.groups.finish().map(Some)
    }
}
