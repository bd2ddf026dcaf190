//! What the binder asks of the catalog.

use super::TableRef;
use crate::sql::diagnostic::Result;
use crate::sql::{DataType, Value};

/// Finds tables for the binder. The answer is a frozen picture: the query keeps it whatever happens to the files later.
pub trait TableSource {
    /// The table of a name in parts, as written (`orders`, `raw.transactions`, `system.runtime.queries`); case does not
    /// matter. TABLE_NOT_FOUND or SCHEMA_NOT_FOUND with similar names in the hint; the binder adds the place.
    fn table(&self, name: &[String]) -> Result<TableRef>;

    /// A table over the files that match a path or glob pattern, for `FROM 'dir/*.parquet'`. FILE_NOT_FOUND when none does.
    fn files(&self, pattern: &str) -> Result<TableRef>;

    /// The view of a name in parts; None if there is none of that name.
    fn view(&self, _name: &[String]) -> Result<Option<View>> {
        Ok(None)
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
