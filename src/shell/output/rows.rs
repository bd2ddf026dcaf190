//! The rows that a statement answers with: typed columns in blocks, and their text.

use crate::functions::format_column;
use crate::kernel::Block;
use crate::plan::ColumnId;
use crate::plan::logical::OutputColumn;
use crate::sql::DataType;
use polars::prelude::{Column, DataFrame};
use std::ops::Range;
use std::sync::Arc;

/// Rows of a query or of a SHOW, in order.
#[derive(Debug, Clone, Default)]
pub struct Rows {
    /// Display names and types; `column` names the column inside the blocks.
    pub columns: Vec<OutputColumn>,
    pub blocks: Vec<Arc<Block>>,
    /// For columns of text that hold numbers with a unit: whether they are aligned on the right. Empty: by type.
    align_right: Vec<bool>,
}

impl Rows {
    /// Rows of a query.
    pub fn new(columns: Vec<OutputColumn>, blocks: Vec<Arc<Block>>) -> Rows {
        Rows { columns, blocks, align_right: Vec::new() }
    }

    /// How many rows there are.
    pub fn len(&self) -> u64 {
        self.blocks.iter().map(|block| block.rows()).sum()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether column `index` is aligned on the right: numbers, and what [`RowsBuilder::right`] named.
    pub fn is_right(&self, index: usize) -> bool {
        match self.align_right.get(index) {
            Some(right) => *right,
            None => self.columns[index].dtype.is_numeric(),
        }
    }

    /// The text of rows `range`, a vector per column; None is NULL.
    pub fn text(&self, range: Range<u64>) -> Vec<Vec<Option<String>>> {
        let mut columns: Vec<Vec<Option<String>>> = vec![Vec::new(); self.columns.len()];
        let mut first = 0;
        for block in &self.blocks {
            let (from, to) = (range.start.max(first), range.end.min(first + block.rows()));
            if from < to {
                let part = block.frame.slice((from - first) as i64, (to - from) as usize);
                for (texts, output) in columns.iter_mut().zip(&self.columns) {
                    match part.column(&output.column.name()) {
                        Ok(column) => texts.extend(format_column(column, &output.dtype)),
                        Err(_) => texts.extend(std::iter::repeat_n(None, part.height())),
                    }
                }
            }
            first += block.rows();
        }
        columns
    }

    /// The text of all rows, row by row, for tests and small tables.
    pub fn to_text(&self) -> Vec<Vec<Option<String>>> {
        let columns = self.text(0..self.len());
        (0..self.len() as usize).map(|row| columns.iter().map(|column| column[row].clone()).collect()).collect()
    }

    /// How many rows to turn into text at a time, so that a large answer is written without holding all its text.
    const CHUNK: u64 = 4_096;

    /// Ranges that cover all rows, of a size that is fit for [`Rows::text`].
    pub fn chunks(&self) -> impl Iterator<Item = Range<u64>> + use<> {
        let rows = self.len();
        (0..rows).step_by(Self::CHUNK as usize).map(move |start| start..(start + Self::CHUNK).min(rows))
    }
}

/// Makes the rows of SHOW statements: every column is text.
pub struct RowsBuilder {
    names: Vec<&'static str>,
    right: Vec<bool>,
    cells: Vec<Vec<Option<String>>>,
}

impl RowsBuilder {
    /// No rows yet, of these columns.
    pub fn new(names: &[&'static str]) -> RowsBuilder {
        RowsBuilder {
            names: names.to_vec(),
            right: vec![false; names.len()],
            cells: names.iter().map(|_| Vec::new()).collect(),
        }
    }

    /// Aligns these columns on the right.
    pub fn right(mut self, names: &[&str]) -> RowsBuilder {
        for (right, name) in self.right.iter_mut().zip(&self.names) {
            *right |= names.contains(name);
        }
        self
    }

    /// One more row. Missing cells are NULL, surplus ones are dropped.
    pub fn push(&mut self, row: impl IntoIterator<Item = String>) {
        self.push_optional(row.into_iter().map(Some));
    }

    /// One more row, with NULLs.
    pub fn push_optional(&mut self, row: impl IntoIterator<Item = Option<String>>) {
        let mut row = row.into_iter();
        for column in &mut self.cells {
            column.push(row.next().flatten());
        }
    }

    /// The rows as an answer.
    pub fn build(self) -> Rows {
        let height = self.cells.first().map_or(0, Vec::len);
        let columns: Vec<OutputColumn> = self
            .names
            .iter()
            .enumerate()
            .map(|(i, name)| OutputColumn {
                name: name.to_string(),
                column: ColumnId(i as u32),
                dtype: DataType::Varchar,
            })
            .collect();
        let data =
            self.cells.into_iter().enumerate().map(|(i, cells)| Column::new(ColumnId(i as u32).name().into(), cells));
        // The columns are equally long and differently named by construction.
        let frame = DataFrame::new(height, data.collect()).unwrap_or_default();
        Rows { columns, blocks: vec![Arc::new(Block { frame, bytes: 0, checksum: 0 })], align_right: self.right }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_built_table_reads_back() {
        let mut builder = RowsBuilder::new(&["name", "rows"]).right(&["rows"]);
        builder.push(["orders".into(), "120,000".into()]);
        builder.push_optional([Some("x".into()), None]);
        let rows = builder.build();
        assert_eq!(rows.len(), 2);
        assert!(rows.is_right(1) && !rows.is_right(0));
        assert_eq!(rows.to_text()[1], vec![Some("x".to_string()), None]);
        assert_eq!(rows.text(1..2)[0], vec![Some("x".to_string())]);
    }
}
