//! What there is, as tables: `information_schema` of the standard, and DuckDB's `duckdb_tables()` and its like.

use super::definitions::{create_table_text, create_view_text};
use super::names::{MAIN, Place, TEMPORARY, view_of};
use super::tables::SessionTables;
use crate::catalog::warehouse::{Content, StoredColumn};
use crate::catalog::{ColumnInfo, Table, TableRef, TableSource, View, files_matching};
use crate::functions::QueryClock;
use crate::functions::aggregates::AGGREGATES;
use crate::functions::windows::WINDOWS;
use crate::journal::ErrorCode;
use crate::journal::tables::Rows;
use crate::plan::QueryRunner;
use crate::plan::bind::{BindContext, bind};
use crate::plan::logical::{OutputColumn, Query};
use crate::sql::statement::Statement;
use crate::sql::{DataType, Diagnostic, Value, parse};
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
    /// The statement that makes it; None for a table of files.
    sql: Option<String>,
    /// Of a view that does not work, or that is being looked at, there are none.
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
            sql: None,
            rows: table.rows,
            columns: columns_of(&table),
        });
        let stored = self.stores.temporary.list().into_iter().chain(self.stores.warehouse.list());
        let stored = stored.map(|stored| {
            let place = Place {
                temporary: stored.schema == TEMPORARY,
                schema: stored.schema.clone(),
                name: stored.manifest.name.clone(),
            };
            let view = view_of(&place, &stored.manifest);
            let (query, sql, columns) = match (&stored.manifest.content, view) {
                (Content::Table { columns, .. }, _) => {
                    let column = |c: &StoredColumn| KnownColumn {
                        name: c.name.clone(),
                        dtype: c.dtype.clone(),
                        not_null: c.not_null,
                        default: c.default.clone(),
                    };
                    (None, create_table_text(&place, &stored.manifest), columns.iter().map(column).collect())
                }
                (Content::View { sql, .. }, view) => {
                    let text = view.as_ref().map_or_else(String::new, |view| create_view_text(&place, view));
                    (Some(sql.clone()), text, view.map(|view| self.columns_of_view(&view)).unwrap_or_default())
                }
            };
            let sql = Some(sql.trim_end().to_string());
            Known { rows: stored.manifest.rows(), schema: stored.schema, name: place.name, query, sql, columns }
        });
        let mut known: Vec<Known> = of_files.chain(stored).collect();
        known.sort_by(|a, b| (&a.schema, &a.name).cmp(&(&b.schema, &b.name)));
        known
    }

    /// The columns of a view: none if its query does not work any more, or if it asks for columns itself.
    fn columns_of_view(&self, view: &View) -> Vec<KnownColumn> {
        if self.looks_at_view.replace(true) {
            return Vec::new();
        }
        let bound = parse(&view.sql).and_then(|mut parsed| {
            self.expand_macros(&mut parsed.statement)?;
            let Statement::Query(query) = &parsed.statement else { return Ok(Vec::new()) };
            let clock = QueryClock { now_us: self.start_us, seed: 0, zone: self.settings.zone() };
            let context = BindContext { tables: self, clock, runner: &NothingRuns };
            Ok(bind(query, &parsed.text, &context)?.output)
        });
        self.looks_at_view.set(false);
        let named = |(at, column): (usize, OutputColumn)| KnownColumn {
            name: view.columns.get(at).unwrap_or(&column.name).clone(),
            dtype: if column.dtype == DataType::Null { DataType::Integer } else { column.dtype },
            not_null: false,
            default: None,
        };
        bound.unwrap_or_default().into_iter().enumerate().map(named).collect()
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
                    ("is_insertable_into", Varchar),
                    ("is_typed", Varchar),
                ]);
                for known in self.known() {
                    let writable = text(if known.query.is_none() && known.sql.is_some() { "YES" } else { "NO" });
                    let (schema, name) = (text(&known.schema), text(&known.name));
                    rows.push(vec![text(CATALOG), schema, name, text(known.kind()), writable, text("NO")]);
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
                    ("character_maximum_length", Integer),
                    ("numeric_precision", Integer),
                    ("numeric_precision_radix", Integer),
                    ("numeric_scale", Integer),
                ]);
                for known in self.known() {
                    for (column, position) in known.columns.iter().zip(1..) {
                        let mut row = vec![
                            text(CATALOG),
                            text(&known.schema),
                            text(&known.name),
                            text(&column.name),
                            int(position),
                            maybe(column.default.as_ref()),
                            text(if column.not_null { "NO" } else { "YES" }),
                            text(&column.dtype.to_string()),
                            Value::Null,
                        ];
                        row.extend(precision(&column.dtype));
                        rows.push(row);
                    }
                }
                rows
            }
            "schemata" => {
                let mut rows =
                    Rows::new(&[("catalog_name", Varchar), ("schema_name", Varchar), ("schema_owner", Varchar)]);
                for schema in self.schema_names() {
                    rows.push(vec![text(CATALOG), text(&schema), text(CATALOG)]);
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
                    ("comment", Varchar),
                    ("internal", Boolean),
                    ("temporary", Boolean),
                    ("has_primary_key", Boolean),
                    ("estimated_size", BigInt),
                    ("column_count", BigInt),
                    ("index_count", BigInt),
                    ("check_constraint_count", BigInt),
                    ("sql", Varchar),
                ]);
                for known in self.known().iter().filter(|known| known.query.is_none()) {
                    rows.push(vec![
                        text(CATALOG),
                        text(&known.schema),
                        text(&known.name),
                        Value::Null,
                        Value::Boolean(false),
                        Value::Boolean(known.is_temporary()),
                        Value::Boolean(false),
                        int(known.rows),
                        int(known.columns.len() as u64),
                        int(0),
                        int(0),
                        maybe(known.sql.as_ref()),
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
                    ("comment", Varchar),
                    ("internal", Boolean),
                    ("column_default", Varchar),
                    ("is_nullable", Boolean),
                    ("data_type", Varchar),
                    ("numeric_precision", Integer),
                    ("numeric_precision_radix", Integer),
                    ("numeric_scale", Integer),
                ]);
                for known in self.known() {
                    for (column, position) in known.columns.iter().zip(1..) {
                        let mut row = vec![
                            text(CATALOG),
                            text(&known.schema),
                            text(&known.name),
                            text(&column.name),
                            int(position),
                            Value::Null,
                            Value::Boolean(false),
                            maybe(column.default.as_ref()),
                            Value::Boolean(!column.not_null),
                            text(&column.dtype.to_string()),
                        ];
                        row.extend(precision(&column.dtype));
                        rows.push(row);
                    }
                }
                rows
            }
            ("duckdb_views", None) => {
                let mut rows = Rows::new(&[
                    ("database_name", Varchar),
                    ("schema_name", Varchar),
                    ("view_name", Varchar),
                    ("comment", Varchar),
                    ("internal", Boolean),
                    ("temporary", Boolean),
                    ("column_count", BigInt),
                    ("sql", Varchar),
                ]);
                for known in self.known().iter().filter(|known| known.query.is_some()) {
                    rows.push(vec![
                        text(CATALOG),
                        text(&known.schema),
                        text(&known.name),
                        Value::Null,
                        Value::Boolean(false),
                        Value::Boolean(known.is_temporary()),
                        int(known.columns.len() as u64),
                        maybe(known.sql.as_ref()),
                    ]);
                }
                rows
            }
            ("duckdb_schemas", None) => {
                let mut rows =
                    Rows::new(&[("database_name", Varchar), ("schema_name", Varchar), ("internal", Boolean)]);
                for schema in self.schema_names() {
                    rows.push(vec![text(CATALOG), text(&schema), Value::Boolean(schema == MAIN)]);
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
            ("duckdb_databases", None) => {
                let mut rows = Rows::new(&[("database_name", Varchar), ("internal", Boolean), ("readonly", Boolean)]);
                rows.push(vec![text(CATALOG), Value::Boolean(false), Value::Boolean(false)]);
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
            ("read_text", Some(pattern)) => texts_of(pattern)?,
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

/// The content of each file that matches a pattern.
fn texts_of(pattern: &str) -> Result<Rows, Diagnostic> {
    use DataType::*;
    let mut rows =
        Rows::new(&[("filename", Varchar), ("content", Varchar), ("size", BigInt), ("last_modified", TimestampTz)]);
    let files = files_matching(pattern);
    if files.is_empty() {
        return Err(Diagnostic::new(ErrorCode::FileNotFound, format!("There is no file {pattern}")));
    }
    for file in files {
        let unreadable =
            |error: std::io::Error| Diagnostic::new(ErrorCode::BadData, format!("Cannot read {file}: {error}"));
        let bytes = std::fs::read(&file).map_err(unreadable)?;
        let changed = std::fs::metadata(&file).and_then(|about| about.modified()).map_err(unreadable)?;
        let since = changed.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        let size = int(bytes.len() as u64);
        let content = String::from_utf8(bytes)
            .map_err(|_| Diagnostic::new(ErrorCode::BadData, format!("The file {file} is not a text in UTF-8")))?;
        rows.push(vec![text(&file), Value::Varchar(content), size, Value::Int(since.as_micros() as i128)]);
    }
    Ok(rows)
}

/// `numeric_precision`, `numeric_precision_radix` and `numeric_scale` of a column.
fn precision(dtype: &DataType) -> [Value; 3] {
    use DataType::*;
    let (digits, radix, scale) = match dtype {
        TinyInt => (8, 2, 0),
        SmallInt => (16, 2, 0),
        Integer => (32, 2, 0),
        BigInt => (64, 2, 0),
        HugeInt => (128, 2, 0),
        Float => (24, 2, 0),
        Double => (53, 2, 0),
        Decimal { precision, scale } => (u64::from(*precision), 10, u64::from(*scale)),
        _ => return [Value::Null, Value::Null, Value::Null],
    };
    [int(digits), int(radix), int(scale)]
}

/// Runs nothing: a query that has to be run before another can be bound is taken to be empty.
struct NothingRuns;

impl QueryRunner for NothingRuns {
    fn run(&self, query: Query) -> Result<TableRef, Diagnostic> {
        Ok(Arc::new(Table::without_rows(query.output.into_iter().map(|c| (c.name, c.dtype)).collect())))
    }
}

/// Every function under every name.
fn functions() -> Rows {
    use DataType::Varchar;
    let mut rows = Rows::new(&[
        ("database_name", Varchar),
        ("schema_name", Varchar),
        ("function_name", Varchar),
        ("alias_of", Varchar),
        ("function_type", Varchar),
        ("description", Varchar),
        ("example", Varchar),
    ]);
    let mut list = |name: &str, aliases: &[&str], kind: &str, help: &str, example: &str| {
        let (catalog, schema) = (text("system"), text(MAIN));
        rows.push(vec![
            catalog.clone(),
            schema.clone(),
            text(name),
            Value::Null,
            text(kind),
            text(help),
            text(example),
        ]);
        for alias in aliases {
            rows.push(vec![
                catalog.clone(),
                schema.clone(),
                text(alias),
                text(name),
                text(kind),
                text(help),
                text(example),
            ]);
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
