//! Catalogs that are there without any file: `tpch.sf1.lineitem`, `tpcds.tiny.store_sales`. A table is made by the official
//! generators (crates `tpchgen`, `tpcdsgen`) when it is first named, and kept as a Parquet file in the cache folder.

mod tpcds;
mod tpch;

use super::assemble::{FilePlace, assemble};
use super::plain_columns::{Columns, write_row_groups};
use super::table::TableRef;
use crate::journal::ErrorCode;
use crate::sql::Diagnostic;
use crate::sql::suggest::{did_you_mean, similar};
use polars::prelude::PolarsResult;
use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex, PoisonError};

/// Rows of a row group of a generated table: enough tasks at scale factor 1, not too small to read well.
const ROW_GROUP_ROWS: usize = 122_880;

/// Part of the path in the cache. Another number makes all tables anew: for a generator that makes other rows.
const DATA_VERSION: &str = "4";

/// The scale factors that are offered in lists; any other works too.
const LISTED_SCALES: &[&str] = &["tiny", "sf0_1", "sf1", "sf10"];

/// The scale factor of `tiny`.
const TINY: f64 = 0.01;

/// The largest scale factor that is taken for meant.
const LARGEST_SCALE: f64 = 1000.0;

/// A table's rows, group by group.
type RowGroups = Box<dyn Iterator<Item = Columns> + Send>;

/// A family of generated tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Benchmark {
    TpcH,
    TpcDs,
}

impl Benchmark {
    /// Both.
    pub const ALL: [Benchmark; 2] = [Benchmark::TpcH, Benchmark::TpcDs];

    /// The name of the catalog.
    pub fn name(self) -> &'static str {
        match self {
            Benchmark::TpcH => "tpch",
            Benchmark::TpcDs => "tpcds",
        }
    }

    /// The tables' names.
    pub fn tables(self) -> &'static [&'static str] {
        match self {
            Benchmark::TpcH => tpch::TABLES,
            Benchmark::TpcDs => tpcds::TABLES,
        }
    }

    /// The rows of a table, and how many they are, about. None for a table that is not of this benchmark.
    fn rows(self, table: &str, scale_factor: f64, group_rows: usize) -> Option<(RowGroups, u64)> {
        match self {
            Benchmark::TpcH => {
                Some((tpch::row_groups(table, scale_factor, group_rows)?, tpch::rows(table, scale_factor)))
            }
            Benchmark::TpcDs => {
                Some((tpcds::row_groups(table, scale_factor, group_rows)?, tpcds::rows(table, scale_factor)))
            }
        }
    }

    fn find(name: &str) -> Option<Benchmark> {
        Benchmark::ALL.into_iter().find(|benchmark| benchmark.name().eq_ignore_ascii_case(name))
    }
}

impl fmt::Display for Benchmark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How far the making of a table is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Generating {
    /// `tpch.sf1.lineitem`.
    pub table: String,
    pub rows: u64,
    /// Rows that there will be, about.
    pub of: u64,
    /// Whether this is the last word of this table.
    pub done: bool,
}

/// Is told how far a table is, now and then; false stops it.
pub type GenerationWatch = Arc<dyn Fn(&Generating) -> bool + Send + Sync>;

/// The generated catalogs of a session.
pub struct Generated {
    folder: PathBuf,
    watch: Option<GenerationWatch>,
    known: Mutex<BTreeMap<PathBuf, TableRef>>,
}

impl Generated {
    /// Catalogs whose files are kept in `folder`.
    pub fn new(folder: PathBuf) -> Generated {
        Generated { folder, watch: None, known: Mutex::default() }
    }

    /// Tells `watch` from now on.
    pub fn watch(&mut self, watch: GenerationWatch) {
        self.watch = Some(watch);
    }

    /// The schemas to list: `tpch.tiny` and so on.
    pub fn schemas() -> Vec<String> {
        let of = |benchmark: Benchmark| LISTED_SCALES.iter().map(move |scale| format!("{benchmark}.{scale}"));
        Benchmark::ALL.into_iter().flat_map(of).collect()
    }

    /// The names of the tables of a schema, if it is one of these catalogs'.
    pub fn tables_of(schema: &[String]) -> Option<&'static [&'static str]> {
        let [catalog, scale] = schema else { return None };
        let benchmark = Benchmark::find(catalog)?;
        scale_factor(scale).map(|_| benchmark.tables())
    }

    /// The table of a name in parts, made now if it was never used; None if the name is not of these catalogs.
    ///
    /// Errors: SCHEMA_NOT_FOUND, TABLE_NOT_FOUND; OUTPUT_FAILED where the cache folder cannot be written; USER_CANCELED.
    pub fn table(&self, name: &[String]) -> Option<Result<TableRef, Diagnostic>> {
        let benchmark = Benchmark::find(name.first()?)?;
        match name {
            [_, scale, table] => Some(self.find(benchmark, scale, table)),
            [_, _] => {
                let message = format!("Catalog {benchmark} has a schema for each scale factor");
                let hint = format!("write {benchmark}.sf1.{}; there are {}", name[1], LISTED_SCALES.join(", "));
                Some(Err(Diagnostic::new(ErrorCode::SchemaNotFound, message).hint(hint)))
            }
            _ => None,
        }
    }

    fn find(&self, benchmark: Benchmark, scale: &str, table: &str) -> Result<TableRef, Diagnostic> {
        let Some(scale_factor) = scale_factor(scale) else {
            let message = format!("Schema \"{benchmark}.{scale}\" does not exist");
            let hint = format!("the scale factors are {}, or any other: sf0_5, \"sf2\"", LISTED_SCALES.join(", "));
            return Err(Diagnostic::new(ErrorCode::SchemaNotFound, message).hint(hint));
        };
        let table = table.to_lowercase();
        if !benchmark.tables().contains(&table.as_str()) {
            let near = similar(&table, benchmark.tables().iter().copied());
            let hint = did_you_mean(&near).unwrap_or_else(|| format!("there are {}", benchmark.tables().join(", ")));
            let message = format!("Table \"{benchmark}.{scale}.{table}\" does not exist");
            return Err(Diagnostic::new(ErrorCode::TableNotFound, message).hint(hint));
        }
        let schema = format!("{benchmark}.{}", scale_name(scale_factor));
        let folder = self.folder.join(format!("{benchmark}-{DATA_VERSION}")).join(scale_name(scale_factor));
        let path = folder.join(format!("{table}.parquet"));
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = known.get(&path) {
            return Ok(found.clone());
        }
        if !path.exists() {
            fs::create_dir_all(&folder).map_err(|error| cannot_write(&folder, &error.to_string()))?;
            self.make(benchmark, scale_factor, &schema, &table, &path)?;
        }
        let made = Arc::new(assemble(&schema, &table, &[FilePlace { path: path.clone(), embedded: false }])?);
        known.insert(path, made.clone());
        Ok(made)
    }

    /// Makes a table under a name of this process, then renames it: another process that makes the same makes the same rows.
    fn make(
        &self,
        benchmark: Benchmark,
        scale_factor: f64,
        schema: &str,
        table: &str,
        path: &Path,
    ) -> Result<(), Diagnostic> {
        let Some((groups, of)) = benchmark.rows(table, scale_factor, ROW_GROUP_ROWS) else {
            return Err(Diagnostic::new(
                ErrorCode::TableNotFound,
                format!("Table \"{schema}.{table}\" does not exist"),
            ));
        };
        let unfinished = path.with_extension(format!("{}.unfinished", std::process::id()));
        let told = |rows: u64, done: bool| {
            let progress = Generating { table: format!("{schema}.{table}"), rows, of, done };
            self.watch.as_ref().is_none_or(|watch| watch(&progress))
        };
        let rows = AtomicU64::new(0);
        let mut wanted = told(0, false);
        let counted = ahead(groups).map_while(|group| {
            let more = group.first().map_or(0, |(_, data)| data.len() as u64);
            wanted = wanted && told(rows.fetch_add(more, Ordering::Relaxed) + more, false);
            wanted.then_some(group)
        });
        let written = write_row_groups(&unfinished, counted);
        told(rows.load(Ordering::Relaxed), true);
        let outcome = match written {
            _ if !wanted => {
                Err(Diagnostic::new(ErrorCode::UserCanceled, format!("Making {schema}.{table} was canceled")))
            }
            Err(error) => Err(cannot_write(path, &error.to_string())),
            Ok(()) => fs::rename(&unfinished, path).map_err(|error| cannot_write(path, &error.to_string())),
        };
        if outcome.is_err() {
            // It is of no use any more; if it cannot be removed either, the first error is the one to tell.
            let _ = fs::remove_file(&unfinished);
        }
        outcome
    }
}

/// Writes all tables of a benchmark into `folder`, a file each, in row groups of `row_group_rows` rows: for tests and benches.
pub fn write_tables(benchmark: Benchmark, folder: &Path, scale_factor: f64, row_group_rows: usize) -> PolarsResult<()> {
    for table in benchmark.tables() {
        if let Some((groups, _)) = benchmark.rows(table, scale_factor, row_group_rows) {
            write_row_groups(&folder.join(format!("{table}.parquet")), ahead(groups))?;
        }
    }
    Ok(())
}

/// The same groups, made on a thread of their own while earlier ones are written.
fn ahead(groups: RowGroups) -> impl Iterator<Item = Columns> {
    let (send, receive) = sync_channel(2);
    std::thread::spawn(move || {
        for group in groups {
            // Whoever does not want more has gone.
            if send.send(group).is_err() {
                break;
            }
        }
    });
    receive.into_iter()
}

/// `tiny`, `sf1`, `sf0_1`, `sf0.1`.
fn scale_factor(name: &str) -> Option<f64> {
    let name = name.to_lowercase();
    if name == "tiny" {
        return Some(TINY);
    }
    let number = name.strip_prefix("sf")?.replace('_', ".");
    let plain = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let factor: f64 = if plain { number.parse().ok()? } else { return None };
    (factor > 0.0 && factor <= LARGEST_SCALE).then_some(factor)
}

/// One name for each scale factor, however it was written.
fn scale_name(factor: f64) -> String {
    if factor == TINY { "tiny".to_string() } else { format!("sf{factor}").replace('.', "_") }
}

fn cannot_write(path: &Path, error: &str) -> Diagnostic {
    Diagnostic::new(ErrorCode::OutputFailed, format!("{} cannot be written: {error}", path.display()))
        .hint("generated tables are kept in the cache folder: --cache FOLDER names another")
}
