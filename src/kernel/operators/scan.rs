//! Reading the task's pieces of a table.

use super::{BATCH_ROWS, Batches, Stream, Task};
use crate::catalog::{Piece, PieceReader, ScanRequest, TableRef};
use crate::journal::TaskError;
use crate::kernel::{columns, expr::CompiledExpr};
use crate::plan::{ColumnId, Expr, expr::ColumnDef};
use polars::prelude::{BooleanChunked, DataFrame};
use std::sync::atomic::Ordering;

/// A lowered scan.
pub struct ScanOperator {
    table: TableRef,
    request: ScanRequest,
    /// Decoded with its columns first.
    predicate: Option<CompiledExpr>,
    limit: Option<u64>,
}

impl ScanOperator {
    /// Lowers a scan; see [`crate::plan::Fragment::Scan`].
    pub fn compile(
        table: &TableRef,
        source: &[usize],
        columns: &[ColumnDef],
        predicate: Option<&Expr>,
        output: &[ColumnId],
        limit: Option<u64>,
    ) -> Result<ScanOperator, TaskError> {
        let place = |id: &ColumnId| {
            columns
                .iter()
                .position(|c| c.id == *id)
                .ok_or_else(|| TaskError::bug(format!("the scan of {} lacks {id}", table.name)))
        };
        let filter_columns = match predicate {
            Some(predicate) => predicate.columns().iter().map(place).collect::<Result<_, _>>()?,
            None => Vec::new(),
        };
        let request = ScanRequest {
            columns: source.iter().zip(columns).map(|(source, def)| (*source, def.id.name())).collect(),
            filter_columns,
            output: output.iter().map(place).collect::<Result<_, _>>()?,
        };
        let predicate = predicate.map(CompiledExpr::compile).transpose()?;
        Ok(ScanOperator { table: table.clone(), request, predicate, limit })
    }

    /// Opens the scan over the task's pieces.
    pub fn open<'a>(&'a self, task: &'a Task<'a>) -> Stream<'a> {
        Box::new(ScanStream {
            scan: self,
            task,
            pieces: task.inputs.pieces.iter(),
            open: None,
            large: None,
            yielded: 0,
        })
    }
}

struct ScanStream<'a> {
    scan: &'a ScanOperator,
    task: &'a Task<'a>,
    pieces: std::slice::Iter<'a, Piece>,
    open: Option<(PieceReader, &'a Piece)>,
    /// Rows that were decoded together and make several batches, and how many of them are out.
    large: Option<(DataFrame, usize)>,
    yielded: u64,
}

impl ScanStream<'_> {
    /// The next of the rows that were decoded together.
    fn next_of_large(&mut self) -> Option<DataFrame> {
        let (rows, done) = self.large.as_mut()?;
        let left = rows.height() - *done;
        // The last batch takes what would not make one.
        let count = if left < 2 * BATCH_ROWS { left } else { BATCH_ROWS };
        let batch = rows.slice(*done as i64, count);
        *done += count;
        if count == left {
            self.large = None;
        }
        Some(batch)
    }
}

impl Batches for ScanStream<'_> {
    fn next(&mut self) -> Result<Option<DataFrame>, TaskError> {
        loop {
            self.task.check()?;
            if let Some(batch) = self.next_of_large() {
                return Ok(Some(batch));
            }
            let left = self.scan.limit.map(|limit| limit.saturating_sub(self.yielded));
            if left == Some(0) {
                return Ok(None);
            }
            if self.open.is_none() {
                let Some(piece) = self.pieces.next() else { return Ok(None) };
                let reader = PieceReader::open(&self.scan.table, piece, &self.scan.request)?;
                self.open = Some((reader, piece));
            }
            let Some((reader, piece)) = &mut self.open else { continue };
            let clock = &self.task.context.clock;
            let batch = match &self.scan.predicate {
                Some(predicate) => {
                    let mut mask = |frame: &DataFrame| -> Result<BooleanChunked, TaskError> {
                        predicate.evaluate_mask(frame, clock)
                    };
                    reader.next(Some(&mut mask))?
                }
                None => reader.next(None)?,
            };
            let Some(mut batch) = batch else {
                self.task.context.rows_read.fetch_add(piece.rows, Ordering::Relaxed);
                self.open = None;
                continue;
            };
            if let Some(left) = left.filter(|left| *left < batch.height() as u64) {
                batch = columns::slice(&batch, 0, left as usize);
            }
            self.yielded += batch.height() as u64;
            self.large = Some((batch, 0));
        }
    }
}
