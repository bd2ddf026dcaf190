//! Reading the task's pieces of a table.

use super::key_filter::{self, KeyFilter, ScanFilter};
use super::{BATCH_ROWS, Batches, Stream, Task};
use crate::catalog::{Piece, PieceReader, ScanRequest, TableRef};
use crate::journal::TaskError;
use crate::kernel::{columns, expr::CompiledExpr};
use crate::plan::{ColumnId, Expr, expr::ColumnDef};
use polars::prelude::{BooleanChunked, ChunkFull, DataFrame, PlSmallStr};
use std::sync::atomic::Ordering;

/// A lowered scan.
pub struct ScanOperator {
    table: TableRef,
    columns: Vec<ColumnId>,
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
        let columns = columns.iter().map(|c| c.id).collect();
        Ok(ScanOperator { table: table.clone(), columns, request, predicate, limit })
    }

    /// Opens the scan over the task's pieces. Rows that do not pass `filters` may be left out.
    pub fn open<'a>(&'a self, task: &'a Task<'a>, filters: Vec<KeyFilter>) -> Stream<'a> {
        // With a limit it matters which rows are the first.
        let known = |filter: &KeyFilter| filter.columns.iter().all(|id| self.columns.contains(id));
        let filters: Vec<ScanFilter> = match self.limit {
            None => filters.into_iter().filter(known).map(ScanFilter::new).collect(),
            Some(_) => Vec::new(),
        };
        let mut request = self.request.clone();
        for id in filters.iter().flat_map(ScanFilter::columns) {
            let place = self.columns.iter().position(|c| c == id);
            request.filter_columns.extend(place.filter(|place| !request.filter_columns.contains(place)));
        }
        Box::new(ScanStream {
            scan: self,
            task,
            request,
            filters,
            pieces: task.inputs.pieces.iter(),
            parts: Vec::new().into_iter(),
            open: None,
            large: None,
            yielded: 0,
        })
    }
}

struct ScanStream<'a> {
    scan: &'a ScanOperator,
    task: &'a Task<'a>,
    request: ScanRequest,
    filters: Vec<ScanFilter>,
    pieces: std::slice::Iter<'a, Piece>,
    /// What is left to read of the last piece.
    parts: std::vec::IntoIter<Piece>,
    open: Option<PieceReader>,
    /// Rows that were decoded together and make several batches, and how many of them are out.
    large: Option<(DataFrame, usize)>,
    yielded: u64,
}

impl ScanStream<'_> {
    /// The next part of a piece that may have rows; None at the end.
    fn next_part(&mut self) -> Option<Piece> {
        loop {
            if let Some(part) = self.parts.next() {
                return Some(part);
            }
            let piece = self.pieces.next()?;
            self.task.context.rows_read.fetch_add(piece.rows, Ordering::Relaxed);
            // A predicate that may fail must see every row.
            let whole = self.scan.predicate.as_ref().is_some_and(CompiledExpr::can_fail);
            let parts = if whole || self.filters.is_empty() {
                vec![piece.clone()]
            } else {
                let place = |id| self.scan.columns.iter().position(|c| *c == id);
                let source = |id| place(id).map(|place| self.scan.request.columns[place].0);
                key_filter::prune(&self.scan.table, piece, &self.filters, source)
            };
            self.parts = parts.into_iter();
        }
    }

    /// The rows of a batch of filter columns to keep.
    fn verdict(
        scan: &ScanOperator,
        filters: &mut [ScanFilter],
        frame: &DataFrame,
        task: &Task,
    ) -> Result<BooleanChunked, TaskError> {
        let mut verdict = match &scan.predicate {
            Some(predicate) => predicate.evaluate_mask(frame, &task.context.clock)?,
            None => BooleanChunked::full(PlSmallStr::EMPTY, true, frame.height()),
        };
        for filter in filters {
            verdict = filter.narrow(frame, verdict)?;
        }
        Ok(verdict)
    }

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
                let Some(part) = self.next_part() else { return Ok(None) };
                self.open = Some(PieceReader::open(&self.scan.table, &part, &self.request)?);
            }
            let Some(reader) = &mut self.open else { continue };
            let (scan, filters, task) = (self.scan, &mut self.filters, self.task);
            let batch = if scan.predicate.is_none() && filters.iter().all(ScanFilter::is_idle) {
                reader.next(None)?
            } else {
                reader.next(Some(&mut |frame: &DataFrame| Self::verdict(scan, filters, frame, task)))?
            };
            let Some(mut batch) = batch else {
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
