//! Rows taken several times, or one of several: grouping sets, DISTINCT ON, and the copies of INTERSECT ALL and EXCEPT ALL.

use super::{Batches, Stream, Task};
use crate::journal::TaskError;
use crate::kernel::columns;
use crate::kernel::keys::{KeyTable, NullKeys};
use crate::kernel::order::Order;
use crate::plan::{ColumnId, expr::ColumnDef, logical::GroupingSets};
use polars::prelude::*;

/// Every row once for each set, the keys outside the set NULL; a row of NULLs for each empty set if there is no row.
pub struct SetsOperator {
    columns: Vec<ColumnDef>,
    keys: Vec<ColumnDef>,
    sets: GroupingSets,
}

impl SetsOperator {
    /// Over rows of `columns`.
    pub fn new(columns: Vec<ColumnDef>, keys: &[ColumnDef], sets: &GroupingSets) -> SetsOperator {
        SetsOperator { columns, keys: keys.to_vec(), sets: sets.clone() }
    }

    /// Opens the operator for a task.
    pub fn open<'a>(&'a self, input: Stream<'a>, task: &'a Task<'a>) -> Stream<'a> {
        Box::new(SetsStream { input, operator: self, task, batch: None, next_set: 0, any_row: false, done: false })
    }

    /// The rows of one set.
    fn rows_of(&self, batch: &DataFrame, set: usize) -> DataFrame {
        let of_set = &self.sets.sets[set];
        let column = |column: &Column| {
            let dropped = self.keys.iter().enumerate().find(|(_, key)| key.id.name() == column.name().as_str());
            match dropped.filter(|(place, _)| !of_set.contains(place)) {
                Some(_) => Column::full_null(column.name().clone(), column.len(), column.dtype()),
                None => column.clone(),
            }
        };
        let mut columns: Vec<Column> = batch.columns().iter().map(column).collect();
        let number = Column::new_scalar(
            self.sets.set.id.name().into(),
            Scalar::new(DataType::Int64, AnyValue::Int64(set as i64)),
            batch.height(),
        );
        columns.push(number);
        columns::frame(batch.height(), columns)
    }
}

struct SetsStream<'a> {
    input: Stream<'a>,
    operator: &'a SetsOperator,
    task: &'a Task<'a>,
    batch: Option<DataFrame>,
    next_set: usize,
    any_row: bool,
    done: bool,
}

impl Batches for SetsStream<'_> {
    fn next(&mut self) -> Result<Option<DataFrame>, TaskError> {
        if self.done {
            return Ok(None);
        }
        loop {
            if let Some(batch) = self.batch.as_ref().filter(|_| self.next_set < self.operator.sets.sets.len()) {
                self.task.check()?;
                self.next_set += 1;
                return Ok(Some(self.operator.rows_of(batch, self.next_set - 1)));
            }
            let Some(batch) = self.input.next()? else { break };
            if batch.height() > 0 {
                self.any_row = true;
                self.next_set = 0;
                self.batch = Some(batch);
            }
        }
        self.done = true;
        if self.any_row {
            return Ok(None);
        }
        let empty: Vec<i64> = self
            .operator
            .sets
            .sets
            .iter()
            .enumerate()
            .filter(|(_, set)| set.is_empty())
            .map(|(i, _)| i as i64)
            .collect();
        let nulls = columns::nulls(&self.operator.columns, empty.len());
        let mut columns = nulls.columns().to_vec();
        let height = empty.len();
        columns.push(Column::new(self.operator.sets.set.id.name().into(), empty));
        Ok(Some(columns::frame(height, columns)))
    }
}

/// The first row of each set of rows with equal keys.
pub struct FirstOperator {
    on: Vec<ColumnId>,
    /// None: as they come.
    order: Option<Order>,
    columns: Vec<ColumnDef>,
}

/// Rows are cut back to one for each key when they are this many, and twice as many as before.
const CANDIDATES: usize = 64 * 1024;

impl FirstOperator {
    /// Over rows of `columns`.
    pub fn new(columns: Vec<ColumnDef>, on: &[ColumnId], order: &[crate::plan::logical::SortKey]) -> FirstOperator {
        let order = (!order.is_empty()).then(|| Order::new(order, columns.clone()));
        FirstOperator { on: on.to_vec(), order, columns }
    }

    /// Opens the operator for a task.
    pub fn open<'a>(&'a self, input: Stream<'a>, task: &'a Task<'a>) -> Stream<'a> {
        Box::new(FirstStream { input, operator: self, task, done: false })
    }

    fn firsts(&self, frames: &[DataFrame]) -> Result<DataFrame, TaskError> {
        let mut rows = columns::concat(frames, &self.columns)?;
        let keys = columns::select(&rows, &self.on)?;
        let height = rows.height();
        // Without keys all rows are equal: a constant stands for them.
        let constant = [Column::full_null(PlSmallStr::EMPTY, height, &DataType::Boolean)];
        let keys: &[Column] = if self.on.is_empty() { &constant } else { keys.columns() };
        let types: Vec<DataType> = keys.iter().map(|k| k.dtype().clone()).collect();
        let mut table = KeyTable::new(&types, NullKeys::Match);
        let (mut ids, mut firsts) = (Vec::new(), Vec::new());
        table.insert(&keys.iter().collect::<Vec<_>>(), height, &mut ids, &mut firsts)?;
        if let Some(order) = &self.order {
            let mut best = vec![IdxSize::MAX; firsts.len()];
            for row in order.places(&rows, usize::MAX)? {
                let best = &mut best[ids[row as usize] as usize];
                *best = if *best == IdxSize::MAX { row } else { *best };
            }
            firsts = best;
        }
        rows = columns::take(&rows, &firsts);
        Ok(rows)
    }
}

struct FirstStream<'a> {
    input: Stream<'a>,
    operator: &'a FirstOperator,
    task: &'a Task<'a>,
    done: bool,
}

impl Batches for FirstStream<'_> {
    fn next(&mut self) -> Result<Option<DataFrame>, TaskError> {
        if std::mem::replace(&mut self.done, true) {
            return Ok(None);
        }
        let (mut frames, mut rows, mut held, mut kept) = (Vec::new(), 0, 0, 0);
        while let Some(batch) = self.input.next()? {
            self.task.check()?;
            rows += batch.height();
            let bytes = columns::logical_bytes(&batch);
            self.task.memory.replace(0, bytes);
            held += bytes;
            frames.push(batch);
            if rows > CANDIDATES.max(2 * kept) {
                // Kept rows stay before later ones, so that of equal rows the first is kept again.
                frames = vec![self.operator.firsts(&frames)?];
                rows = frames[0].height();
                kept = rows;
                let bytes = columns::logical_bytes(&frames[0]);
                self.task.memory.replace(std::mem::replace(&mut held, bytes), bytes);
            }
        }
        self.operator.firsts(&frames).map(Some)
    }
}

/// Every row as often as its column `times` says.
pub fn repeat<'a>(input: Stream<'a>, times: ColumnId, task: &'a Task<'a>) -> Stream<'a> {
    Box::new(RepeatStream { input, times, task })
}

struct RepeatStream<'a> {
    input: Stream<'a>,
    times: ColumnId,
    task: &'a Task<'a>,
}

impl Batches for RepeatStream<'_> {
    fn next(&mut self) -> Result<Option<DataFrame>, TaskError> {
        let Some(batch) = self.input.next()? else { return Ok(None) };
        self.task.check()?;
        let times = columns::one_chunk(columns::find(&batch, self.times)?);
        let mut rows: Vec<IdxSize> = Vec::with_capacity(batch.height());
        for (row, times) in times.i64()?.iter().enumerate() {
            rows.extend(std::iter::repeat_n(row as IdxSize, times.unwrap_or(0).max(0) as usize));
        }
        Ok(Some(columns::take(&batch, &rows)))
    }
}
