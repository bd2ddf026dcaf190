//! A table as the planner and the scans see it: a frozen picture, taken when a query is planned.

use super::options::{Packing, TextOptions};
use super::pieces::{FileId, Fingerprint};
use crate::sql::{DataType, Value};
use polars::prelude::{Column, DataFrame};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::sync::Arc;

/// A table, shared by everything that reads it. A query keeps the picture that it was planned on.
pub type TableRef = Arc<Table>;

/// A named set of files with one schema.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Table {
    pub schema: String,
    pub name: String,
    pub columns: Vec<ColumnInfo>,
    pub format: Format,
    /// In the order they are read: by name.
    pub files: Vec<TableFile>,
    /// Exact where the format knows it (Parquet), counted at detection otherwise.
    pub rows: u64,
    /// The rows of a [`Format::Memory`] table; columns are named by index, `0`, `1`, ..., and are physical.
    #[serde(skip)]
    pub memory: Option<MemoryRows>,
}

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ColumnInfo {
    pub name: String,
    pub dtype: DataType,
    pub statistics: ColumnStatistics,
}

/// What is known about a column's values over all files; None where nothing is.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ColumnStatistics {
    /// In the column's physical unit.
    pub min: Option<Value>,
    pub max: Option<Value>,
    pub nulls: Option<u64>,
    /// An estimate.
    pub distinct: Option<u64>,
    /// Average width of a value in bytes, decoded.
    pub width: f64,
}

/// How files are written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Format {
    Parquet,
    Csv(CsvDialect),
    /// One JSON object a line.
    NdJson,
    /// Rows in this process (system tables, tests): never planned onto nodes, see [`crate::catalog::Table::is_local`].
    Memory,
}

/// What was detected over a whole CSV file; DESCRIBE shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CsvDialect {
    pub delimiter: u8,
    pub quote: u8,
    pub header: bool,
    /// Texts that mean NULL; the empty field always does.
    pub null_text: Vec<String>,
    /// `strftime` forms of the DATE and TIMESTAMP columns, by column index, where they are not ISO 8601.
    pub date_formats: Vec<(usize, String)>,
    /// Texts that mean NULL in every column, the empty one only if it is among them: what the statement said.
    pub given_nulls: Option<Vec<String>>,
    /// Records with a wrong number of values are left out.
    pub ignore_errors: bool,
}

/// One file of a table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TableFile {
    pub id: FileId,
    /// On disk, or a path inside the embedded sample data.
    pub path: PathBuf,
    pub embedded: bool,
    pub fingerprint: Fingerprint,
    pub rows: u64,
    /// The values of the table's last columns for all rows of the file: what its folders and its name say.
    pub constants: Vec<Value>,
    /// How the whole file is compressed.
    pub packing: Packing,
    /// How a text file was read: what was detected is found again under them.
    pub options: TextOptions,
}

impl Table {
    /// How many of the last columns are the same for all rows of a file.
    pub fn constants(&self) -> usize {
        self.files.first().map_or(0, |file| file.constants.len())
    }

    /// Whether the table lives in the coordinator (system tables): queries over such tables alone start no tasks on nodes.
    pub fn is_local(&self) -> bool {
        self.format == Format::Memory
    }

    /// Rows in memory as a table of the default schema. The frame's columns are those of `columns`, in order, physical.
    pub fn in_memory(name: &str, columns: Vec<(String, DataType)>, mut frame: DataFrame) -> Table {
        let numbered: Vec<String> = (0..columns.len()).map(|index| index.to_string()).collect();
        // The names are all different.
        let _ = frame.set_column_names(&numbered);
        let info = |(name, dtype)| ColumnInfo {
            name,
            dtype,
            statistics: ColumnStatistics { width: 16.0, ..ColumnStatistics::default() },
        };
        Table {
            schema: "main".to_string(),
            name: name.to_string(),
            columns: columns.into_iter().map(info).collect(),
            format: Format::Memory,
            files: Vec::new(),
            rows: frame.height() as u64,
            memory: Some(MemoryRows(Arc::new(frame))),
        }
    }

    /// One of these columns and no rows.
    pub fn without_rows(columns: Vec<(String, DataType)>) -> Table {
        let empty = columns.iter().enumerate();
        let empty = empty.map(|(i, (_, t))| Column::new_empty(i.to_string().into(), &t.physical())).collect();
        Table::in_memory("", columns, DataFrame::new(0, empty).unwrap_or_default())
    }

    /// A table in memory with the rows of both; they have the same columns.
    pub fn appended(first: &Table, second: &Table) -> Table {
        let rows = match (&first.memory, &second.memory) {
            (Some(first), Some(second)) => {
                let mut frame = (*first.0).clone();
                // The columns have the same names and types.
                let _ = frame.vstack_mut(&second.0);
                Some(MemoryRows(Arc::new(frame)))
            }
            (first, second) => first.clone().or(second.clone()),
        };
        Table { rows: first.rows + second.rows, memory: rows, ..first.clone() }
    }

    /// `orders`, or `raw.transactions` outside the default schema.
    pub fn display_name(&self) -> String {
        if self.schema == "main" { self.name.clone() } else { format!("{}.{}", self.schema, self.name) }
    }
}

/// The rows of a memory table.
#[derive(Debug, Clone)]
pub struct MemoryRows(pub Arc<polars::prelude::DataFrame>);

impl PartialEq for MemoryRows {
    /// The same rows object, not equal rows: a table is compared by what it was made from.
    fn eq(&self, other: &MemoryRows) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}
