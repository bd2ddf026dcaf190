//! Rows that are already here: blocks of earlier stages, and constants.

use super::{BATCH_ROWS, Batches, Stream, Task};
use crate::journal::TaskError;
use crate::kernel::{Block, columns, expr::CompiledExpr};
use crate::plan::{ColumnId, Expr, expr::ColumnDef};
use crate::scheduler::StageId;
use polars::prelude::{Column, DataFrame};
use std::sync::Arc;

/// Reads the task's blocks of earlier stages, stage after stage, in order of producer partition.
pub struct ReadOperator {
    /// Each stage with the columns of its blocks that become `columns`.
    pub stages: Vec<(StageId, Vec<ColumnId>)>,
    pub columns: Vec<ColumnDef>,
}

impl ReadOperator {
    /// Opens the task's blocks.
    pub fn open<'a>(&'a self, task: &'a Task<'a>) -> Result<Stream<'a>, TaskError> {
        let mut blocks: Vec<(&'a [ColumnId], &'a Arc<Block>)> = Vec::new();
        for (stage, ids) in &self.stages {
            let of_stage = task
                .inputs
                .exchanges
                .get(stage)
                .ok_or_else(|| TaskError::bug(format!("the task was not given the output of {stage}")))?;
            blocks.extend(of_stage.iter().filter(|b| b.rows() > 0).map(|block| (&ids[..], block)));
        }
        Ok(Box::new(ReadStream { columns: &self.columns, blocks: blocks.into_iter().peekable(), large: None, task }))
    }
}

struct ReadStream<'a> {
    columns: &'a [ColumnDef],
    blocks: std::iter::Peekable<std::vec::IntoIter<(&'a [ColumnId], &'a Arc<Block>)>>,
    /// A block of several batches, and how many of its rows are out.
    large: Option<(DataFrame, usize)>,
    task: &'a Task<'a>,
}

impl ReadStream<'_> {
    /// The block's columns under the names of this operator.
    fn renamed(&self, ids: &[ColumnId], block: &Block) -> Result<DataFrame, TaskError> {
        let column = |(id, def): (&ColumnId, &ColumnDef)| -> Result<Column, TaskError> {
            Ok(columns::find(&block.frame, *id)?.clone().with_name(def.id.name().into()))
        };
        let renamed = ids.iter().zip(self.columns).map(column).collect::<Result<_, _>>()?;
        Ok(columns::frame(block.frame.height(), renamed))
    }
}

impl Batches for ReadStream<'_> {
    /// Small blocks come together, large ones in parts.
    fn next(&mut self) -> Result<Option<DataFrame>, TaskError> {
        self.task.check()?;
        if let Some((block, done)) = &mut self.large {
            let rows = BATCH_ROWS.min(block.height() - *done);
            let batch = block.slice(*done as i64, rows);
            *done += rows;
            if *done == block.height() {
                self.large = None;
            }
            return Ok(Some(batch));
        }
        let mut frames = Vec::new();
        let mut rows = 0;
        while let Some((ids, block)) = self.blocks.next_if(|(_, b)| rows == 0 || rows + b.frame.height() <= BATCH_ROWS)
        {
            rows += block.frame.height();
            frames.push(self.renamed(ids, block)?);
        }
        if rows > 2 * BATCH_ROWS {
            self.large = frames.pop().map(|frame| (frame, 0));
            return self.next();
        }
        match frames.len() {
            0 => Ok(None),
            1 => Ok(frames.pop()),
            _ => columns::concat(&frames, self.columns).map(Some),
        }
    }
}

/// Constant rows.
pub struct ValuesOperator {
    columns: Vec<ColumnDef>,
    rows: Vec<Vec<CompiledExpr>>,
}

impl ValuesOperator {
    /// Lowers the rows' expressions.
    pub fn compile(columns: Vec<ColumnDef>, rows: &[Vec<Expr>]) -> Result<ValuesOperator, TaskError> {
        let row = |row: &Vec<Expr>| row.iter().map(CompiledExpr::compile).collect::<Result<Vec<_>, _>>();
        Ok(ValuesOperator { columns, rows: rows.iter().map(row).collect::<Result<_, _>>()? })
    }

    /// Opens the rows.
    pub fn open<'a>(&'a self, task: &'a Task<'a>) -> Stream<'a> {
        Box::new(ValuesStream { values: self, task, done: false })
    }
}

struct ValuesStream<'a> {
    values: &'a ValuesOperator,
    task: &'a Task<'a>,
    done: bool,
}

impl Batches for ValuesStream<'_> {
    fn next(&mut self) -> Result<Option<DataFrame>, TaskError> {
        if std::mem::replace(&mut self.done, true) {
            return Ok(None);
        }
        let nothing = columns::frame(1, vec![]);
        let mut result = Vec::new();
        for (place, def) in self.values.columns.iter().enumerate() {
            let mut values = columns::empty(std::slice::from_ref(def)).columns()[0].as_materialized_series().clone();
            for row in &self.values.rows {
                self.task.check()?;
                let cell = row.get(place).ok_or_else(|| TaskError::bug("a row of VALUES is too short"))?;
                values.append(cell.evaluate(&nothing, &self.task.context.clock)?.as_materialized_series())?;
            }
            result.push(Column::from(values.rechunk()));
        }
        Ok(Some(columns::frame(self.values.rows.len(), result)))
    }
}
