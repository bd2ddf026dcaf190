//! What there is, as tables: `information_schema` of the standard, and DuckDB's `duckdb_tables()` and its like.

use super::names::TEMPORARY;
use super::tables::SessionTables;
use crate::catalog::warehouse::{Content, StoredColumn};
use crate::catalog::{ColumnInfo, Table, TableRef, TableSource, files_matching};
use crate::functions::aggregates::AGGREGATES;
use crate::functions::windows::WINDOWS;
use crate::journal::tables::Rows;
use crate::sql::{DataType, Diagnostic, Value};
use std::sync::Arc;

/// The schema of the standard.
pub const SCHEMA: &str = "information_schema";

/// Its tables.
pub const NAMES: &[&str] = &["tables", "columns", "schemata", "views"];

/// What every catalog of tables is called.
const CATALOG: &str = "faultlab";

/// A table or view.
struct Known {
    schema: String,
    name: String,
    /// The query of a view.
    query: Option<String>,
    /// Of a view there are none before it is bound.
    columns: Vec<KnownColumn>,
    rows: u64,
}

struct KnownColumn {
    name: String,
    dtype: DataType,
    not_null: bool,
    default: Option<String>,
}

impl Known {
    fn is_temporary(&self) -> bool {
        self.schema == TEMPORARY
    }

    fn kind(&self) -> &'static str {
        match (&self.query, self.is_temporary()) {
            (Some(_), _) => "VIEW",
            (None, true) => "LOCAL TEMPORARY",
            (None, false) => "BASE TABLE",
        }
    }
}

fn text(text: &str) -> Value {
    Value::Varchar(text.to_string())
}

fn maybe(text: Option<&String>) -> Value {
    text.map_or(Value::Null, |text| Value::Varchar(text.clone()))
}

fn int(number: u64) -> Value {
    Value::Int(number.into())
}

impl SessionTables<'_> {
    /// All tables and views but the generated ones, in order of schema and name.
    fn known(&self) -> Vec<Known> {
        let of_files = self.catalog.tables().into_iter().map(|table| Known {
            schema: table.schema.clone(),
            name: table.name.clone(),
            query: None,
            rows: table.rows,
            columns: columns_of(&table),
        });
        let stored = self.stores.temporary.list().into_iter().chain(self.stores.warehouse.list());
        let stored = stored.map(|stored| {
            let (query, columns) = match &stored.manifest.content {
                Content::View { sql, .. } => (Some(sql.clone()), Vec::new()),
                Content::Table { columns, .. } => {
                    let column = |c: &StoredColumn| KnownColumn {
                        name: c.name.clone(),
                        dtype: c.dtype.clone(),
                        not_null: c.not_null,
                        default: c.default.clone(),
                    };
                    (None, columns.iter().map(column).collect())
                }
            };
            Known { rows: stored.manifest.rows(), schema: stored.schema, name: stored.manifest.name, query, columns }
        });
        let mut known: Vec<Known> = of_files.chain(stored).collect();
        known.sort_by(|a, b| (&a.schema, &a.name).cmp(&(&b.schema, &b.name)));
        known
    }

    fn schema_names(&self) -> Vec<String> {
        let mut schemas = self.catalog.schemas();
        schemas.extend(self.stores.warehouse.schemas());
        schemas.sort();
        schemas.dedup();
        schemas
    }

    /// A table of [`SCHEMA`]; None if it has none of that name.
    pub(super) fn information(&self, name: &str) -> Option<Table> {
        use DataType::*;
        let rows = match name {
            "tables" => {
                let mut rows = Rows::new(&[
                    ("table_catalog", Varchar),
                    ("table_schema", Varchar),
                    ("table_name", Varchar),
                    ("table_type", Varchar),
                ]);
                for known in self.known() {
                    rows.push(vec![text(CATALOG), text(&known.schema), text(&known.name), text(known.kind())]);
                }
                rows
            }
            "columns" => {
                let mut rows = Rows::new(&[
                    ("table_catalog", Varchar),
                    ("table_schema", Varchar),
                    ("table_name", Varchar),
                    ("column_name", Varchar),
                    ("ordinal_position", Integer),
                    ("column_default", Varchar),
                    ("is_nullable", Varchar),
                    ("data_type", Varchar),
                ]);
                for known in self.known() {
                    for (column, position) in known.columns.iter().zip(1..) {
                        rows.push(vec![
                            text(CATALOG),
                            text(&known.schema),
                            text(&known.name),
                            text(&column.name),
                            int(position),
                            maybe(column.default.as_ref()),
                            text(if column.not_null { "NO" } else { "YES" }),
                            text(&column.dtype.to_string()),
                        ]);
                    }
                }
                rows
            }
            "schemata" => {
                let mut rows = Rows::new(&[("catalog_name", Varchar), ("schema_name", Varchar)]);
                for schema in self.schema_names() {
                    rows.push(vec![text(CATALOG), text(&schema)]);
                }
                rows
            }
            "views" => {
                let mut rows = Rows::new(&[
                    ("table_catalog", Varchar),
                    ("table_schema", Varchar),
                    ("table_name", Varchar),
                    ("view_definition", Varchar),
                ]);
                for known in self.known() {
                    if let Some(query) = &known.query {
                        rows.push(vec![text(CATALOG), text(&known.schema), text(&known.name), text(query)]);
                    }
                }
                rows
            }
            _ => return None,
        };
        Some(rows.into_table(SCHEMA, name))
    }

    /// `duckdb_tables()`, `pragma_table_info('t')` and their like; None for a function that is none of them.
    pub(super) fn catalog_function(&self, name: &str, argument: Option<&str>) -> Result<Option<TableRef>, Diagnostic> {
        use DataType::*;
        let rows = match (name, argument) {
            ("duckdb_tables", None) => {
                let mut rows = Rows::new(&[
                    ("database_name", Varchar),
                    ("schema_name", Varchar),
                    ("table_name", Varchar),
                    ("temporary", Boolean),
                    ("estimated_size", BigInt),
                    ("column_count", BigInt),
                ]);
                for known in self.known().iter().filter(|known| known.query.is_none()) {
                    rows.push(vec![
                        text(CATALOG),
                        text(&known.schema),
                        text(&known.name),
                        Value::Boolean(known.is_temporary()),
                        int(known.rows),
                        int(known.columns.len() as u64),
                    ]);
                }
                rows
            }
            ("duckdb_columns", None) => {
                let mut rows = Rows::new(&[
                    ("database_name", Varchar),
                    ("schema_name", Varchar),
                    ("table_name", Varchar),
                    ("column_name", Varchar),
                    ("column_index", Integer),
                    ("column_default", Varchar),
                    ("is_nullable", Boolean),
                    ("data_type", Varchar),
                ]);
                for known in self.known() {
                    for (column, position) in known.columns.iter().zip(1..) {
                        rows.push(vec![
                            text(CATALOG),
                            text(&known.schema),
                            text(&known.name),
                            text(&column.name),
                            int(position),
                            maybe(column.default.as_ref()),
                            Value::Boolean(!column.not_null),
                            text(&column.dtype.to_string()),
                        ]);
                    }
                }
                rows
            }
            ("duckdb_views", None) => {
                let mut rows = Rows::new(&[
                    ("database_name", Varchar),
                    ("schema_name", Varchar),
                    ("view_name", Varchar),
                    ("temporary", Boolean),
                    ("sql", Varchar),
                ]);
                for known in self.known() {
                    if let Some(query) = &known.query {
                        let temporary = Value::Boolean(known.is_temporary());
                        rows.push(vec![text(CATALOG), text(&known.schema), text(&known.name), temporary, text(query)]);
                    }
                }
                rows
            }
            ("duckdb_schemas", None) => {
                let mut rows = Rows::new(&[("database_name", Varchar), ("schema_name", Varchar)]);
                for schema in self.schema_names() {
                    rows.push(vec![text(CATALOG), text(&schema)]);
                }
                rows
            }
            ("duckdb_settings", None) => {
                let mut rows = Rows::new(&[("name", Varchar), ("value", Varchar), ("description", Varchar)]);
                for row in self.settings.list() {
                    rows.push(vec![text(row.setting.name), text(&row.value), text(row.setting.help)]);
                }
                rows
            }
            ("duckdb_functions", None) => functions(),
            ("glob", Some(pattern)) => {
                let mut rows = Rows::new(&[("file", Varchar)]);
                for file in files_matching(pattern) {
                    rows.push(vec![text(&file)]);
                }
                rows
            }
            ("pragma_table_info", Some(table)) => {
                let name: Vec<String> = table.split('.').map(str::to_string).collect();
                let mut rows = Rows::new(&[
                    ("cid", Integer),
                    ("name", Varchar),
                    ("type", Varchar),
                    ("notnull", Boolean),
                    ("dflt_value", Varchar),
                    ("pk", Boolean),
                ]);
                let columns = match self.stores.find(&name)? {
                    Some((place, _)) => {
                        let same = |known: &Known| {
                            known.schema == place.schema && known.name.eq_ignore_ascii_case(&place.name)
                        };
                        self.known().into_iter().find(same).map(|known| known.columns).unwrap_or_default()
                    }
                    None => columns_of(&*self.table(&name)?),
                };
                for (column, position) in columns.iter().zip(0..) {
                    rows.push(vec![
                        int(position),
                        text(&column.name),
                        text(&column.dtype.to_string()),
                        Value::Boolean(column.not_null),
                        maybe(column.default.as_ref()),
                        Value::Boolean(false),
                    ]);
                }
                rows
            }
            _ => return Ok(None),
        };
        Ok(Some(Arc::new(rows.into_table("main", name))))
    }
}

fn columns_of(table: &Table) -> Vec<KnownColumn> {
    let column =
        |c: &ColumnInfo| KnownColumn { name: c.name.clone(), dtype: c.dtype.clone(), not_null: false, default: None };
    table.columns.iter().map(column).collect()
}

/// Every function under every name.
fn functions() -> Rows {
    use DataType::Varchar;
    let mut rows = Rows::new(&[
        ("function_name", Varchar),
        ("alias_of", Varchar),
        ("function_type", Varchar),
        ("description", Varchar),
        ("example", Varchar),
    ]);
    let mut list = |name: &str, aliases: &[&str], kind: &str, help: &str, example: &str| {
        rows.push(vec![text(name), Value::Null, text(kind), text(help), text(example)]);
        for alias in aliases {
            rows.push(vec![text(alias), text(name), text(kind), text(help), text(example)]);
        }
    };
    for f in crate::functions::all() {
        list(f.name, f.aliases, "scalar", f.help, f.example);
    }
    for f in AGGREGATES {
        list(f.name, f.aliases, "aggregate", f.help, f.example);
    }
    for f in WINDOWS {
        list(f.name, &[], "window", f.help, f.example);
    }
    rows
}
