//! The operators of a fragment: lowered once per stage, opened once per task as a tree of streams of batches.

mod aggregate;
mod compile;
mod hash_join;
mod key_filter;
mod nested_loop_join;
mod regroup;
mod rows;
mod scan;
mod sort;
mod source;
mod unnest;
mod window;

pub use compile::Operator;
pub use rows::more_than_one_row;

use super::TaskContext;
use super::contract::TaskInputs;
use crate::journal::TaskError;
use polars::prelude::DataFrame;
use std::cell::Cell;

/// How many rows make a good batch: enough to amortise a call, few enough to stay in cache and to stop soon.
pub const BATCH_ROWS: usize = 16 * 1024;

/// A stream of batches of rows.
pub trait Batches {
    /// The next batch, None at the end. A batch may be empty.
    fn next(&mut self) -> Result<Option<DataFrame>, TaskError>;
}

/// An opened operator.
pub type Stream<'a> = Box<dyn Batches + 'a>;

/// What the operators of one task share.
pub struct Task<'a> {
    pub inputs: &'a TaskInputs,
    pub context: &'a TaskContext,
    pub memory: Memory,
}

impl Task<'_> {
    /// An error if the attempt is to stop; asked between batches.
    pub fn check(&self) -> Result<(), TaskError> {
        if self.context.stopped() { Err(TaskError::Canceled) } else { Ok(()) }
    }
}

/// What a task holds, in bytes: inputs, states of operators, outputs. One number now, one at its highest.
#[derive(Default)]
pub struct Memory {
    held: Cell<u64>,
    peak: Cell<u64>,
}

impl Memory {
    /// Holds `now` bytes where `before` were held.
    pub fn replace(&self, before: u64, now: u64) {
        self.held.set(self.held.get().saturating_sub(before) + now);
        self.peak.set(self.peak.get().max(self.held.get()));
    }

    /// What is held now.
    pub fn held(&self) -> u64 {
        self.held.get()
    }

    /// The most that was held at once.
    pub fn peak(&self) -> u64 {
        self.peak.get()
    }
}

/// Everything that a stream yields.
pub fn drain(task: &Task, stream: &mut dyn Batches) -> Result<Vec<DataFrame>, TaskError> {
    let mut frames = Vec::new();
    while let Some(batch) = stream.next()? {
        task.check()?;
        if batch.height() > 0 {
            task.memory.replace(0, super::columns::logical_bytes(&batch));
            frames.push(batch);
        }
    }
    Ok(frames)
}
