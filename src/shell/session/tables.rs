//! The tables that a statement can name: the catalog's, and the journal's as `system.runtime`.

use super::information;
use super::names::{Stores, view_of};
use crate::catalog::generated::Generated;
use crate::catalog::{Catalog, FileOptions, TableRef, TableSource, View};
use crate::journal::{ErrorCode, Journal, tables};
use crate::scheduler::Time;
use crate::sql::statement::Statement;
use crate::sql::suggest::{did_you_mean, similar};
use crate::sql::{DataType, Diagnostic, Settings, Value};
use std::cell::Cell;
use std::sync::Arc;

/// The catalog and the journal at one moment.
pub struct SessionTables<'a> {
    pub catalog: &'a Catalog,
    pub generated: &'a Generated,
    pub journal: &'a Journal,
    pub stores: &'a Stores,
    pub settings: &'a Settings,
    /// Calendar time at cluster time 0.
    pub start_us: i64,
    pub now: Time,
    /// While a view is bound to list its columns: it may read such lists itself.
    pub looks_at_view: Cell<bool>,
}

impl TableSource for SessionTables<'_> {
    fn table(&self, name: &[String]) -> Result<TableRef, Diagnostic> {
        let Some((table, schema)) = name.split_last() else { return self.catalog.table(name) };
        if let Some((place, manifest)) = self.stores.find(name)?
            && manifest.table().is_some()
            && let Some(found) = self.stores.store(&place).table(&place.schema, &place.name)?
        {
            return Ok(found);
        }
        if let [only] = name
            && self.stores.schema != super::names::MAIN
            && let Ok(found) = self.catalog.table(&[self.stores.schema.clone(), only.clone()])
        {
            return Ok(found);
        }
        if schema.join(".").eq_ignore_ascii_case(information::SCHEMA) {
            return match self.information(&table.to_lowercase()) {
                Some(found) => Ok(Arc::new(found)),
                None => Err(no_such_table(information::SCHEMA, table, information::NAMES)),
            };
        }
        if !schema.join(".").eq_ignore_ascii_case(tables::SCHEMA) {
            // Folders of the user's own come before catalogs that are always there.
            return match self.catalog.table(name) {
                Err(error) if error.code == ErrorCode::SchemaNotFound => {
                    self.generated.table(name).unwrap_or(Err(error)).map_err(|error| self.known_better(name, error))
                }
                found => found.map_err(|error| self.known_better(name, error)),
            };
        }
        match tables::table(self.journal, &table.to_lowercase(), self.start_us, self.now) {
            Some(found) => Ok(Arc::new(found)),
            None => Err(no_such_table(tables::SCHEMA, table, tables::NAMES)),
        }
    }

    fn files(&self, pattern: &str) -> Result<TableRef, Diagnostic> {
        self.catalog.files(pattern)
    }

    fn read_files(&self, patterns: &[String], options: &FileOptions) -> Result<TableRef, Diagnostic> {
        self.catalog.read_files(patterns, options)
    }

    fn view(&self, name: &[String]) -> Result<Option<View>, Diagnostic> {
        Ok(self.stores.find(name)?.and_then(|(place, manifest)| view_of(&place, &manifest)))
    }

    fn table_function(&self, name: &str, argument: Option<&str>) -> Result<Option<TableRef>, Diagnostic> {
        self.catalog_function(name, argument)
    }

    fn expand_macros(&self, statement: &mut Statement) -> Result<(), Diagnostic> {
        self.stores.macros.expand(statement, |_| None)
    }

    fn variable(&self, name: &str) -> Option<(DataType, Value)> {
        self.stores.variables.get(&name.to_lowercase()).cloned()
    }
}

impl SessionTables<'_> {
    /// The error for a name that is not there, with the names of stored tables among those that may have been meant.
    fn known_better(&self, name: &[String], error: Diagnostic) -> Diagnostic {
        let Some((table, schema)) = name.split_last() else { return error };
        if !matches!(error.code, ErrorCode::TableNotFound | ErrorCode::SchemaNotFound) {
            return error;
        }
        let stored: Vec<String> = self
            .stores
            .temporary
            .list()
            .into_iter()
            .chain(self.stores.warehouse.list())
            .filter(|stored| schema.is_empty() || stored.schema.eq_ignore_ascii_case(&schema.join(".")))
            .map(|stored| stored.manifest.name)
            .collect();
        let in_stored_schema = self.stores.warehouse.has_schema(&schema.join("."));
        let error = if error.code == ErrorCode::SchemaNotFound && in_stored_schema {
            let message = format!("Table \"{}\" does not exist", name.join("."));
            Diagnostic::new(ErrorCode::TableNotFound, message).hint("SHOW TABLES lists them")
        } else {
            error
        };
        match did_you_mean(&similar(table, stored.iter().map(String::as_str))) {
            Some(hint) => error.hint(hint),
            None => error,
        }
    }
}

/// TABLE_NOT_FOUND in a schema that is always there, with the nearest of its tables or all of them.
fn no_such_table(schema: &str, table: &str, names: &[&str]) -> Diagnostic {
    let near = similar(table, names.iter().copied());
    let hint = did_you_mean(&near).unwrap_or_else(|| format!("there are {}", names.join(", ")));
    Diagnostic::new(ErrorCode::TableNotFound, format!("Table \"{schema}.{table}\" does not exist")).hint(hint)
}
