//! What names mean in a session: temporary tables first, then the schema in use, then `main`.

use super::Session;
use super::result::StatementResult;
use super::tables::SessionTables;
use crate::catalog::warehouse::{Content, Manifest, Warehouse};
use crate::catalog::{TableSource, View};
use crate::journal::ErrorCode;
use crate::sql::macros::Macros;
use crate::sql::suggest::{did_you_mean, similar};
use crate::sql::{DataType, Diagnostic, Span, Value};
use sqlparser::ast;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

/// The schema of tables that are gone with the session.
pub const TEMPORARY: &str = "temp";

/// The schema that everything is in unless it says otherwise.
pub const MAIN: &str = "main";

/// What a session can write to, and what it was told to remember.
pub struct Stores {
    pub warehouse: Warehouse,
    pub temporary: Warehouse,
    /// The schema that names without one are looked up in.
    pub schema: String,
    /// Files are written in the warehouse only.
    pub safe: bool,
    /// Prepared statements, by name in lower case.
    pub prepared: BTreeMap<String, String>,
    pub macros: Macros,
    /// Variables, by name in lower case.
    pub variables: BTreeMap<String, (DataType, Value)>,
}

impl Stores {
    /// Stores over a warehouse folder, which need not be there.
    pub fn new(warehouse: PathBuf, safe: bool) -> Stores {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let temporary = std::env::temp_dir().join(format!("faultlab-temporary-{}-{number}", std::process::id()));
        Stores {
            warehouse: Warehouse::new(warehouse),
            temporary: Warehouse::of_one_schema(temporary, TEMPORARY),
            schema: MAIN.to_string(),
            safe,
            prepared: BTreeMap::new(),
            macros: Macros::default(),
            variables: BTreeMap::new(),
        }
    }

    /// What is stored under a name: where, in which schema, and what it is.
    pub fn find(&self, name: &[String]) -> Result<Option<(Place, Manifest)>, Diagnostic> {
        for place in self.places(name) {
            if let Some(manifest) = self.store(&place).find(&place.schema, &place.name)? {
                return Ok(Some((place, manifest)));
            }
        }
        Ok(None)
    }

    /// Where something of that name may be stored, the first that counts first.
    fn places(&self, name: &[String]) -> Vec<Place> {
        let place = |temporary, schema: &str, name: &str| Place { temporary, schema: schema.into(), name: name.into() };
        match name {
            [name] => {
                let mut places = vec![place(true, TEMPORARY, name), place(false, &self.schema, name)];
                if self.schema != MAIN {
                    places.push(place(false, MAIN, name));
                }
                places
            }
            [schema, name] if schema.eq_ignore_ascii_case(TEMPORARY) => vec![place(true, TEMPORARY, name)],
            [schema, name] => vec![place(false, schema, name)],
            _ => Vec::new(),
        }
    }

    /// Where something new of that name is stored. SCHEMA_NOT_FOUND if its schema was not made.
    pub fn new_place(&self, name: &[String], temporary: bool) -> Result<Place, Diagnostic> {
        let (schema, table) = match name {
            [table] => (None, table),
            [schema, table] => (Some(schema), table),
            _ => {
                let message = format!("\"{}\" has too many parts for the name of a table", name.join("."));
                return Err(Diagnostic::new(ErrorCode::InvalidArguments, message));
            }
        };
        let named_temporary = schema.is_some_and(|schema| schema.eq_ignore_ascii_case(TEMPORARY));
        if temporary || named_temporary {
            if schema.is_some() && !named_temporary {
                let message = "A temporary table can only be in the schema \"temp\"";
                return Err(Diagnostic::new(ErrorCode::InvalidArguments, message));
            }
            return Ok(Place { temporary: true, schema: TEMPORARY.into(), name: table.clone() });
        }
        let schema = schema.unwrap_or(&self.schema);
        let schemas = self.warehouse.schemas();
        match schemas.iter().find(|known| known.eq_ignore_ascii_case(schema)) {
            Some(known) => Ok(Place { temporary: false, schema: known.clone(), name: table.clone() }),
            None => {
                let near = similar(schema, schemas.iter().map(String::as_str));
                let hint = did_you_mean(&near).unwrap_or_else(|| format!("CREATE SCHEMA {schema}; makes it"));
                let message = format!("There is no schema \"{schema}\" that tables can be written to");
                Err(Diagnostic::new(ErrorCode::SchemaNotFound, message).hint(hint))
            }
        }
    }

    /// The store that a place is in.
    pub fn store(&self, place: &Place) -> &Warehouse {
        if place.temporary { &self.temporary } else { &self.warehouse }
    }
}

impl Drop for Stores {
    fn drop(&mut self) {
        // Of a process that is killed it stays in the system's folder for such files.
        let _ = std::fs::remove_dir_all(self.temporary.root());
    }
}

/// Where a table is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    pub temporary: bool,
    pub schema: String,
    pub name: String,
}

impl Place {
    /// As messages name it.
    pub fn display(&self) -> String {
        if self.schema == MAIN { self.name.clone() } else { format!("{}.{}", self.schema, self.name) }
    }
}

/// The parts of a name in the parser's tree.
pub fn parts(name: &ast::ObjectName) -> Vec<String> {
    let part = |p: &ast::ObjectNamePart| match p {
        ast::ObjectNamePart::Identifier(ident) => ident.value.clone(),
        ast::ObjectNamePart::Function(function) => function.name.value.clone(),
    };
    name.0.iter().map(part).collect()
}

/// A name as it is written in SQL: in quotes where it needs them.
pub fn quoted(name: &str) -> String {
    let plain = name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if plain { name.to_string() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
}

impl Session {
    /// The tables as they are now.
    pub(super) fn tables(&self) -> SessionTables<'_> {
        SessionTables {
            catalog: &self.catalog,
            generated: &self.generated,
            journal: &self.journal,
            stores: &self.stores,
            settings: &self.settings,
            start_us: self.clock.start_us,
            now: self.now(),
            looks_at_view: std::cell::Cell::new(false),
        }
    }

    /// `USE schema`.
    pub(super) fn use_schema(&mut self, schema: &[String], text: &str, span: Span) -> StatementResult {
        let wanted = schema.join(".");
        let mut schemas = self.catalog.schemas();
        schemas.extend(self.stores.warehouse.schemas());
        match schemas.iter().find(|known| known.eq_ignore_ascii_case(&wanted)) {
            Some(known) => {
                self.stores.schema.clone_from(known);
                let then = if known == MAIN { "" } else { ", then in main" };
                StatementResult::done(format!("Names without a schema are looked up in {known}{then}."))
            }
            None => {
                let near = similar(&wanted, schemas.iter().map(String::as_str));
                let hint = did_you_mean(&near).unwrap_or_else(|| "SHOW SCHEMAS lists them".into());
                let error = Diagnostic::new(ErrorCode::SchemaNotFound, format!("Schema \"{wanted}\" does not exist"));
                StatementResult::error(error.at(span).hint(hint), text)
            }
        }
    }

    /// Whether something that is not stored answers to the name: a file, a system table.
    pub(super) fn is_read_only(&self, place: &Place) -> bool {
        !place.temporary && self.catalog.table(&[place.schema.clone(), place.name.clone()]).is_ok()
    }
}

/// The view behind a manifest.
pub fn view_of(place: &Place, manifest: &Manifest) -> Option<View> {
    match &manifest.content {
        Content::View { sql, columns } => Some(View {
            schema: place.schema.clone(),
            name: manifest.name.clone(),
            sql: sql.clone(),
            columns: columns.clone(),
        }),
        Content::Table { .. } => None,
    }
}
