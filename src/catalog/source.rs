//! What the binder asks of the catalog.

use super::{FileOptions, TableRef};
use crate::journal::ErrorCode;
use crate::sql::diagnostic::Result;
use crate::sql::statement::Statement;
use crate::sql::{DataType, Diagnostic, Value};

/// Finds tables for the binder. The answer is a frozen picture: the query keeps it whatever happens to the files later.
pub trait TableSource {
    /// The table of a name in parts, as written (`orders`, `raw.transactions`, `system.runtime.queries`); case does not
    /// matter. TABLE_NOT_FOUND or SCHEMA_NOT_FOUND with similar names in the hint; the binder adds the place.
    fn table(&self, name: &[String]) -> Result<TableRef>;

    /// A table over the files that match a path or glob pattern, for `FROM 'dir/*.parquet'`. FILE_NOT_FOUND when none does.
    fn files(&self, pattern: &str) -> Result<TableRef>;

    /// A table over all files of several paths or patterns, read as `options` say.
    fn read_files(&self, patterns: &[String], options: &FileOptions) -> Result<TableRef> {
        match (patterns, options == &FileOptions::default()) {
            ([pattern], true) => self.files(pattern),
            _ => Err(Diagnostic::new(ErrorCode::NotSupported, "these tables are read without options")),
        }
    }

    /// The view of a name in parts; None if there is none of that name.
    fn view(&self, _name: &[String]) -> Result<Option<View>> {
        Ok(None)
    }

    /// The table that a function of the catalog makes, such as `duckdb_tables()`; None if there is none of that name.
    fn table_function(&self, _name: &str, _argument: Option<&str>) -> Result<Option<TableRef>> {
        Ok(None)
    }

    /// Puts the bodies of macros in the place of their calls.
    fn expand_macros(&self, _statement: &mut Statement) -> Result<()> {
        Ok(())
    }

    /// The value that `SET VARIABLE name = ...` gave; None if nothing did.
    fn variable(&self, _name: &str) -> Option<(DataType, Value)> {
        None
    }
}

/// A query with a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    pub schema: String,
    pub name: String,
    /// The query, as it was written.
    pub sql: String,
    /// Names for its first columns.
    pub columns: Vec<String>,
}
