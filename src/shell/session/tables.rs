//! The tables that a statement can name: the catalog's, and the journal's as `system.runtime`.

use crate::catalog::generated::Generated;
use crate::catalog::{Catalog, TableRef, TableSource};
use crate::journal::{ErrorCode, Journal, tables};
use crate::scheduler::Time;
use crate::sql::Diagnostic;
use crate::sql::suggest::{did_you_mean, similar};
use std::sync::Arc;

/// The catalog and the journal at one moment.
pub struct SessionTables<'a> {
    pub catalog: &'a Catalog,
    pub generated: &'a Generated,
    pub journal: &'a Journal,
    /// Calendar time at cluster time 0.
    pub start_us: i64,
    pub now: Time,
}

impl TableSource for SessionTables<'_> {
    fn table(&self, name: &[String]) -> Result<TableRef, Diagnostic> {
        let Some((table, schema)) = name.split_last() else { return self.catalog.table(name) };
        if !schema.join(".").eq_ignore_ascii_case(tables::SCHEMA) {
            // Folders of the user's own come before catalogs that are always there.
            return match self.catalog.table(name) {
                Err(error) if error.code == ErrorCode::SchemaNotFound => {
                    self.generated.table(name).unwrap_or(Err(error))
                }
                found => found,
            };
        }
        match tables::table(self.journal, &table.to_lowercase(), self.start_us, self.now) {
            Some(found) => Ok(Arc::new(found)),
            None => {
                let near = similar(table, tables::NAMES.iter().copied());
                let hint = did_you_mean(&near).unwrap_or_else(|| format!("there are {}", tables::NAMES.join(", ")));
                let message = format!("Table \"{}.{table}\" does not exist", tables::SCHEMA);
                Err(Diagnostic::new(ErrorCode::TableNotFound, message).hint(hint))
            }
        }
    }

    fn files(&self, pattern: &str) -> Result<TableRef, Diagnostic> {
        self.catalog.files(pattern)
    }
}
