//! The rows that a statement answers with: typed columns in blocks, and their text.

use crate::functions::{cast_column, format_column, show_moments};
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
    /// In which points in time are shown.
    zone: chrono_tz::Tz,
}

impl Rows {
    /// Rows of a query.
    pub fn new(columns: Vec<OutputColumn>, blocks: Vec<Arc<Block>>) -> Rows {
        Rows { columns, blocks, align_right: Vec::new(), zone: chrono_tz::UTC }
    }

    /// The same rows; points in time are shown in `zone`.
    pub fn in_zone(self, zone: chrono_tz::Tz) -> Rows {
        Rows { zone, ..self }
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
        self.texts(range, &format_column)
    }

    /// As [`Rows::text`], with lists, structs and maps as JSON.
    pub fn text_with_json(&self, range: Range<u64>) -> Vec<Vec<Option<String>>> {
        self.texts(range, &|column, t| {
            if !t.is_nested() {
                return format_column(column, t);
            }
            match cast_column(column, t, &DataType::Json, true) {
                Ok(json) => format_column(&json, &DataType::Json),
                Err(_) => format_column(column, t),
            }
        })
    }

    fn texts(
        &self,
        range: Range<u64>,
        format: &dyn Fn(&Column, &DataType) -> Vec<Option<String>>,
    ) -> Vec<Vec<Option<String>>> {
        let mut columns: Vec<Vec<Option<String>>> = vec![Vec::new(); self.columns.len()];
        let mut first = 0;
        for block in &self.blocks {
            let (from, to) = (range.start.max(first), range.end.min(first + block.rows()));
            if from < to {
                let part = block.frame.slice((from - first) as i64, (to - from) as usize);
                for (texts, output) in columns.iter_mut().zip(&self.columns) {
                    match part.column(&output.column.name()) {
                        Ok(column) => match show_moments(column, &output.dtype, self.zone) {
                            Ok((column, t)) => texts.extend(format(&column, &t)),
                            Err(_) => texts.extend(format(column, &output.dtype)),
                        },
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

/// A cell of a table that the shell makes itself.
pub enum Cell {
    Text(String),
    Number(i64),
    Null,
}

impl From<String> for Cell {
    fn from(text: String) -> Cell {
        Cell::Text(text)
    }
}

impl From<u64> for Cell {
    fn from(count: u64) -> Cell {
        Cell::Number(i64::try_from(count).unwrap_or(i64::MAX))
    }
}

impl From<u32> for Cell {
    fn from(count: u32) -> Cell {
        Cell::Number(count.into())
    }
}

impl From<usize> for Cell {
    fn from(count: usize) -> Cell {
        Cell::from(count as u64)
    }
}

impl<T: Into<Cell>> From<Option<T>> for Cell {
    fn from(value: Option<T>) -> Cell {
        value.map_or(Cell::Null, Into::into)
    }
}

/// Makes the rows of SHOW statements: a column is text unless it was said to be numbers.
pub struct RowsBuilder {
    names: Vec<&'static str>,
    right: Vec<bool>,
    numbers: Vec<bool>,
    cells: Vec<Vec<Cell>>,
}

impl RowsBuilder {
    /// No rows yet, of these columns.
    pub fn new(names: &[&'static str]) -> RowsBuilder {
        RowsBuilder {
            names: names.to_vec(),
            right: vec![false; names.len()],
            numbers: vec![false; names.len()],
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

    /// Makes these columns BIGINT, so that scripts can use them.
    pub fn numbers(mut self, names: &[&str]) -> RowsBuilder {
        for (number, name) in self.numbers.iter_mut().zip(&self.names) {
            *number |= names.contains(name);
        }
        self.right(names)
    }

    /// One more row. Missing cells are NULL, surplus ones are dropped; text in a column of numbers is NULL.
    pub fn push<C: Into<Cell>>(&mut self, row: impl IntoIterator<Item = C>) {
        let mut row = row.into_iter();
        for column in &mut self.cells {
            column.push(row.next().into());
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
                dtype: if self.numbers[i] { DataType::BigInt } else { DataType::Varchar },
            })
            .collect();
        let data = self.cells.into_iter().zip(&self.numbers).enumerate().map(|(i, (cells, number))| {
            let name = ColumnId(i as u32).name().into();
            if *number {
                Column::new(name, cells.into_iter().map(number_of).collect::<Vec<_>>())
            } else {
                Column::new(name, cells.into_iter().map(text_of).collect::<Vec<_>>())
            }
        });
        // The columns are equally long and differently named by construction.
        let frame = DataFrame::new(height, data.collect()).unwrap_or_default();
        Rows {
            columns,
            blocks: vec![Arc::new(Block { frame, bytes: 0, checksum: 0 })],
            align_right: self.right,
            zone: chrono_tz::UTC,
        }
    }
}

fn number_of(cell: Cell) -> Option<i64> {
    match cell {
        Cell::Number(number) => Some(number),
        Cell::Text(_) | Cell::Null => None,
    }
}

fn text_of(cell: Cell) -> Option<String> {
    match cell {
        Cell::Text(text) => Some(text),
        Cell::Number(number) => Some(number.to_string()),
        Cell::Null => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_built_table_reads_back() {
        let mut builder = RowsBuilder::new(&["name", "rows"]).numbers(&["rows"]);
        builder.push([Cell::from("orders".to_string()), Cell::from(120_000_u64)]);
        builder.push([Cell::from("x".to_string()), Cell::Null]);
        let rows = builder.build();
        assert_eq!(rows.columns[1].dtype, DataType::BigInt);
        assert_eq!(rows.to_text()[0][1].as_deref(), Some("120000"));
        assert_eq!(rows.len(), 2);
        assert!(rows.is_right(1) && !rows.is_right(0));
        assert_eq!(rows.to_text()[1], vec![Some("x".to_string()), None]);
        assert_eq!(rows.text(1..2)[0], vec![Some("x".to_string())]);
    }
}
