//! What a statement that writes adds to a query: its last stage puts the rows into files, and tells which.

use super::expr::{ColumnDef, ColumnId};
use super::physical::{Exchange, Fragment, PhysicalQuery, Stage, Tasks};
use crate::catalog::write::FileFormat;
use crate::plan::logical::OutputColumn;
use crate::scheduler::StageId;
use crate::sql::DataType;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Where the rows of a query go. Every task writes files of its own into `staging`, under names that depend on its partition
/// alone: attempts of one task write the same bytes to the same name, so it does not matter which of them was last. Whoever
/// started the query takes the files away when it is over, or throws them away if it failed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WriteTarget {
    /// What people call it: `orders`, `'out.csv'`.
    pub name: String,
    pub staging: PathBuf,
    /// What file names begin with.
    pub prefix: String,
    pub format: FileFormat,
    /// The columns of the files.
    pub columns: Vec<WrittenColumn>,
    /// Columns of text by which rows are put into folders (`year=2024`), outermost first, with the names for the folders.
    pub partition_by: Vec<(String, ColumnId)>,
    /// A BOOLEAN column that is not written: rows where it is true are counted.
    pub counted: Option<ColumnId>,
    /// Whether a task without rows writes a file.
    pub even_if_empty: bool,
}

/// A column of a written file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WrittenColumn {
    pub name: String,
    pub column: ColumnId,
    pub dtype: DataType,
    /// A NULL is an error.
    pub not_null: bool,
}

/// Ids of the columns that a writing stage yields, far above those of any query.
const FIRST_REPLY: u32 = u32::MAX - 8;

/// What a writing stage yields, a row for each file: its path below `staging`, its rows, its bytes, and how many rows were counted.
pub fn reply_columns() -> Vec<ColumnDef> {
    let columns = [
        ("file", DataType::Varchar),
        ("rows", DataType::BigInt),
        ("bytes", DataType::BigInt),
        ("counted", DataType::BigInt),
    ];
    let numbered = columns.into_iter().enumerate();
    numbered
        .map(|(i, (name, dtype))| ColumnDef { id: ColumnId(FIRST_REPLY + i as u32), name: name.to_string(), dtype })
        .collect()
}

/// Lets the query's result go to `target`. With `one_file` its rows are brought together first, so that one task writes them.
pub fn write_to(mut query: PhysicalQuery, target: WriteTarget, one_file: bool) -> PhysicalQuery {
    let Some(last) = query.stages.last_mut() else { return query };
    if one_file && (last.tasks.count() != 1 || last.late_join.is_some()) {
        let (from, columns, estimate) = (last.id, last.fragment.columns(), last.estimate);
        let fragment = write(Fragment::ReadAll { stage: from, columns }, target);
        let id = StageId(from.0 + 1);
        let (tasks, exchange) = (Tasks::Single, Exchange::Gather);
        query.stages.push(Stage { id, fragment, tasks, exchange, estimate, late_join: None });
    } else {
        let input = std::mem::replace(&mut last.fragment, Fragment::Values { columns: Vec::new(), rows: Vec::new() });
        last.fragment = write(input, target);
    }
    let output = |c: ColumnDef| OutputColumn { name: c.name, column: c.id, dtype: c.dtype };
    query.output = reply_columns().into_iter().map(output).collect();
    query
}

fn write(input: Fragment, target: WriteTarget) -> Fragment {
    Fragment::Write { input: Box::new(input), target: Box::new(target) }
}
