//! Window functions as a stream: all rows of the task are collected and sorted.

use super::{Batches, Stream, Task, drain};
use crate::journal::TaskError;
use crate::kernel::columns;
use crate::kernel::window::Windows;
use polars::prelude::DataFrame;

/// Opens the window functions over all rows of the input.
pub fn open<'a>(input: Stream<'a>, windows: &'a Windows, task: &'a Task<'a>) -> Stream<'a> {
    Box::new(WindowStream { input, windows, task, done: false })
}

struct WindowStream<'a> {
    input: Stream<'a>,
    windows: &'a Windows,
    task: &'a Task<'a>,
    done: bool,
}

impl Batches for WindowStream<'_> {
    fn next(&mut self) -> Result<Option<DataFrame>, TaskError> {
        if std::mem::replace(&mut self.done, true) {
            return Ok(None);
        }
        let frames = drain(self.task, &mut *self.input)?;
        let held: u64 = frames.iter().map(columns::logical_bytes).sum();
        let result = self.windows.evaluate(&frames, &self.task.context.clock, &|| self.task.check())?;
        self.task.memory.replace(held, columns::logical_bytes(&result));
        Ok(Some(result))
    }
}
