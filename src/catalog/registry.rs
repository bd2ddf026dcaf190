//! The catalog of a session: finds tables by name, opens files by pattern, and follows the folders as they change.

use super::assemble::{FileKind, FilePlace, assemble, assemble_with, kind_of};
use super::folder::{Found, MAIN, embedded_tables, files_below, table_name, tables_on_disk};
use super::options::FileOptions;
use super::pieces::Fingerprint;
use super::problems::open_error;
use super::settings::FolderSettings;
use super::source::TableSource;
use super::storage::fingerprint_at;
use super::table::{Table, TableRef};
use super::watch::FolderWatch;
use crate::journal::ErrorCode;
use crate::sql::Diagnostic;
use crate::sql::suggest::{did_you_mean, similar};
use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

/// Text files of more than this are looked at when their table is first used, not at the start.
const EAGER_TEXT_BYTES: u64 = 64 * 1024 * 1024;

/// Where tables come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DataSource {
    Folder(PathBuf),
    File(PathBuf),
    /// The sample data inside the binary.
    Embedded,
}

/// What happened to a table's files since the last look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeKind {
    Appeared,
    Changed,
    Gone,
}

/// A table that is not what it was.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// As a query names it.
    pub table: String,
    pub kind: ChangeKind,
    /// Rows now, where the table can be read.
    pub rows: Option<u64>,
    /// Why the table cannot be read now.
    pub problem: Option<Diagnostic>,
}

impl std::fmt::Display for Change {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let what = match self.kind {
            ChangeKind::Appeared => "is new",
            ChangeKind::Changed => "has changed",
            ChangeKind::Gone => "is gone",
        };
        write!(f, "Table {} {what}", self.table)?;
        match (&self.problem, self.rows) {
            (Some(problem), _) => write!(f, " and cannot be read: {problem}"),
            (None, Some(rows)) => write!(f, " ({rows} {})", if rows == 1 { "row" } else { "rows" }),
            (None, None) => Ok(()),
        }
    }
}

/// All tables that a session knows.
pub struct Catalog {
    sources: Vec<DataSource>,
    settings: Vec<FolderSettings>,
    entries: Mutex<Entries>,
    watch: OnceLock<FolderWatch>,
}

/// By schema and name in lower case.
type Entries = BTreeMap<(String, String), Arc<Entry>>;

struct Entry {
    schema: String,
    name: String,
    files: Vec<FilePlace>,
    fingerprints: Vec<Option<Fingerprint>>,
    /// Made when it is first needed.
    table: OnceLock<Result<TableRef, Diagnostic>>,
}

impl Entry {
    fn new(found: Found) -> Entry {
        let fingerprints = found.files.iter().map(|file| fingerprint_at(&file.path, file.embedded).ok()).collect();
        let Found { schema, name, files } = found;
        Entry { schema, name, files, fingerprints, table: OnceLock::new() }
    }

    fn table(&self) -> Result<TableRef, Diagnostic> {
        self.table.get_or_init(|| assemble(&self.schema, &self.name, &self.files).map(Arc::new)).clone()
    }

    /// Whether making the table takes no noticeable time.
    fn is_quick(&self) -> bool {
        let text = self
            .files
            .iter()
            .zip(&self.fingerprints)
            .filter(|(file, _)| matches!(kind_of(&file.path), Some(FileKind::Text(_))));
        text.map(|(_, fingerprint)| fingerprint.map_or(0, |f| f.size)).sum::<u64>() <= EAGER_TEXT_BYTES
    }

    fn display_name(&self) -> String {
        display_name(&self.schema, &self.name)
    }
}

fn display_name(schema: &str, name: &str) -> String {
    if schema == MAIN { name.to_string() } else { format!("{schema}.{name}") }
}

impl Catalog {
    /// Opens sources. What is wrong with some of their files comes beside: those tables are listed by nothing but their
    /// error, the others work.
    pub fn open(sources: Vec<DataSource>) -> (Catalog, Vec<Diagnostic>) {
        let mut problems = Vec::new();
        let mut settings = Vec::new();
        for source in &sources {
            let read = match source {
                DataSource::Folder(folder) => FolderSettings::read(folder, false),
                DataSource::Embedded => FolderSettings::read(Path::new(""), true),
                DataSource::File(_) => Ok(None),
            };
            match read {
                Ok(found) => settings.extend(found),
                Err(problem) => problems.push(problem),
            }
        }
        let entries = discover(&sources, &mut problems);
        for entry in entries.values().filter(|entry| entry.is_quick()) {
            problems.extend(entry.table().err());
        }
        (Catalog { sources, settings, entries: Mutex::new(entries), watch: OnceLock::new() }, problems)
    }

    /// The settings of the data folders, in the order of the sources.
    pub fn folder_settings(&self) -> &[FolderSettings] {
        &self.settings
    }

    /// Every table that can be read, by schema and name, `main` first.
    pub fn tables(&self) -> Vec<TableRef> {
        let mut tables: Vec<TableRef> = self.snapshot().iter().filter_map(|entry| entry.table().ok()).collect();
        tables.sort_by_key(|table| (table.schema != MAIN, table.schema.clone(), table.name.clone()));
        tables
    }

    /// The schemas that have tables, `main` first.
    pub fn schemas(&self) -> Vec<String> {
        let mut schemas: Vec<String> = self.snapshot().iter().map(|entry| entry.schema.clone()).collect();
        schemas.sort_by_key(|schema| (schema != MAIN, schema.clone()));
        schemas.dedup();
        schemas
    }

    /// Adds a table that has no files of its own, or replaces the one of its name.
    pub fn register(&self, table: Table) {
        let entry = Entry {
            schema: table.schema.clone(),
            name: table.name.clone(),
            files: Vec::new(),
            fingerprints: Vec::new(),
            table: OnceLock::from(Ok(Arc::new(table))),
        };
        self.lock().insert(key(&entry.schema, &entry.name), Arc::new(entry));
    }

    /// Starts to watch the folders. Where the system cannot tell of changes (some network folders), nothing is noticed
    /// by itself and [`Catalog::refresh`] is the way.
    pub fn watch(&self) {
        let folders = self.sources.iter().filter_map(|source| match source {
            DataSource::Folder(folder) => Some(folder.clone()),
            // Editors replace files: only a folder tells of it.
            DataSource::File(file) => Some(match file.parent() {
                Some(parent) if !parent.as_os_str().is_empty() => parent.to_path_buf(),
                _ => PathBuf::from("."),
            }),
            DataSource::Embedded => None,
        });
        let folders: Vec<PathBuf> = folders.collect();
        if !folders.is_empty() {
            self.watch.get_or_init(|| FolderWatch::start(&folders));
        }
    }

    /// What changed since the last call, if the watched folders told of any change; the catalog then has the new state.
    /// Running queries keep the tables that they were planned on.
    pub fn poll_changes(&self) -> Vec<Change> {
        if self.watch.get().is_some_and(FolderWatch::take) { self.refresh() } else { Vec::new() }
    }

    /// Looks at all sources again, whatever the watch says.
    pub fn refresh(&self) -> Vec<Change> {
        let mut new = discover(&self.sources, &mut Vec::new());
        let mut changes = Vec::new();
        let mut entries = self.lock();
        for (key, entry) in &mut new {
            let kind = match entries.get(key) {
                Some(old) if old.files == entry.files && old.fingerprints == entry.fingerprints => {
                    *entry = old.clone();
                    continue;
                }
                Some(_) => ChangeKind::Changed,
                None => ChangeKind::Appeared,
            };
            let table = entry.is_quick().then(|| entry.table());
            changes.push(Change {
                table: entry.display_name(),
                kind,
                rows: table.as_ref().and_then(|table| table.as_ref().ok()).map(|table| table.rows),
                problem: table.and_then(Result::err),
            });
        }
        for (key, old) in entries.iter() {
            if old.files.is_empty() {
                new.entry(key.clone()).or_insert_with(|| old.clone());
            } else if !new.contains_key(key) {
                let table = old.display_name();
                changes.push(Change { table, kind: ChangeKind::Gone, rows: None, problem: None });
            }
        }
        *entries = new;
        changes
    }

    fn lock(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The entries without the lock: making a table may take long.
    fn snapshot(&self) -> Vec<Arc<Entry>> {
        self.lock().values().cloned().collect()
    }
}

fn key(schema: &str, name: &str) -> (String, String) {
    (schema.to_lowercase(), name.to_lowercase())
}

fn discover(sources: &[DataSource], problems: &mut Vec<Diagnostic>) -> Entries {
    let mut entries = Entries::new();
    for source in sources {
        let found = match source {
            DataSource::Folder(folder) => tables_on_disk(folder, problems),
            DataSource::Embedded => embedded_tables(),
            DataSource::File(file) => match std::fs::metadata(file) {
                Ok(_) => {
                    let files = vec![FilePlace { path: file.clone(), embedded: false }];
                    vec![Found { schema: MAIN.into(), name: table_name(file), files }]
                }
                Err(error) => {
                    problems.push(open_error(file, &error));
                    Vec::new()
                }
            },
        };
        for found in found {
            let key = key(&found.schema, &found.name);
            match entries.get(&key) {
                None => drop(entries.insert(key, Arc::new(Entry::new(found)))),
                Some(known) => problems.extend(left_out(known, &found)),
            }
        }
    }
    entries
}

/// Two sources of one name: the first counts.
fn left_out(known: &Entry, found: &Found) -> Option<Diagnostic> {
    let (first, second) = (known.files.first()?, found.files.first()?);
    if first == second {
        return None;
    }
    let message = format!(
        "{} is left out: table {} is {} already",
        second.path.display(),
        known.display_name(),
        first.path.display()
    );
    Some(Diagnostic::new(ErrorCode::AmbiguousName, message).hint(format!("FROM '{}' reads it", second.path.display())))
}

impl TableSource for Catalog {
    fn table(&self, name: &[String]) -> Result<TableRef, Diagnostic> {
        let Some((table, schema)) = name.split_last() else {
            return Err(Diagnostic::new(ErrorCode::TableNotFound, "A table needs a name"));
        };
        let schema = if schema.is_empty() { MAIN.to_string() } else { schema.join(".") };
        let found = self.lock().get(&key(&schema, table)).cloned();
        if let Some(entry) = found {
            return entry.table();
        }
        let entries = self.snapshot();
        if !schema.eq_ignore_ascii_case(MAIN) && entries.iter().all(|entry| !entry.schema.eq_ignore_ascii_case(&schema))
        {
            let schemas = self.schemas();
            let near = similar(&schema, schemas.iter().map(String::as_str));
            let hint = did_you_mean(&near).unwrap_or_else(|| "SHOW SCHEMAS lists them".into());
            let error = Diagnostic::new(ErrorCode::SchemaNotFound, format!("Schema \"{schema}\" does not exist"));
            return Err(error.hint(hint));
        }
        let wanted = display_name(&schema, table);
        let elsewhere: Vec<String> = entries
            .iter()
            .filter(|entry| entry.name.eq_ignore_ascii_case(table))
            .map(|entry| entry.display_name())
            .collect();
        let names: Vec<String> = entries.iter().map(|entry| entry.display_name()).collect();
        let near = if elsewhere.is_empty() {
            similar(&wanted, names.iter().map(String::as_str))
        } else {
            elsewhere.iter().map(String::as_str).collect()
        };
        let hint = did_you_mean(&near).unwrap_or_else(|| "SHOW TABLES lists them".into());
        Err(Diagnostic::new(ErrorCode::TableNotFound, format!("Table \"{wanted}\" does not exist")).hint(hint))
    }

    fn files(&self, pattern: &str) -> Result<TableRef, Diagnostic> {
        self.read_files(&[pattern.to_string()], &FileOptions::default())
    }

    fn read_files(&self, patterns: &[String], options: &FileOptions) -> Result<TableRef, Diagnostic> {
        let mut all = Vec::new();
        for pattern in patterns {
            all.extend(places(pattern, options)?);
        }
        let (Some(first), Some(pattern)) = (all.first(), patterns.first()) else {
            return Err(Diagnostic::new(ErrorCode::InvalidArguments, "no file is named"));
        };
        let name = if all.len() == 1 { table_name(&first.path) } else { table_name(Path::new(pattern)) };
        assemble_with(MAIN, &name, &all, options).map(Arc::new)
    }
}

/// The files that match a pattern, in order of their names.
pub fn files_matching(pattern: &str) -> Vec<String> {
    let found = glob::glob(pattern).into_iter().flatten().flatten().filter(|path| path.is_file());
    let mut files: Vec<String> = found.map(|path| path.display().to_string()).collect();
    files.sort();
    files
}

/// The files of a path, a folder or a pattern. FILE_NOT_FOUND where there is none.
fn places(pattern: &str, options: &FileOptions) -> Result<Vec<FilePlace>, Diagnostic> {
    if let Some((scheme, _)) = pattern.split_once("://")
        && !scheme.is_empty()
        && scheme.chars().all(|c| c.is_ascii_alphanumeric())
        && scheme != "file"
    {
        let message = format!("Files on other machines ({scheme}://) cannot be read");
        return Err(Diagnostic::new(ErrorCode::NotSupported, message)
            .hint("download the file with the tools of the service, and read the local copy"));
    }
    let pattern = pattern.strip_prefix("file://").unwrap_or(pattern);
    let path = Path::new(pattern);
    let mut problems = Vec::new();
    let files = if path.is_dir() {
        files_below(path, &mut problems)
    } else if path.exists() {
        vec![FilePlace { path: path.to_path_buf(), embedded: false }]
    } else {
        matching(pattern)?
    };
    if let Some(problem) = problems.pop() {
        return Err(problem);
    }
    if files.is_empty() {
        let is_pattern = pattern.contains(['*', '?', '[']) || path.is_dir();
        return Err(if is_pattern {
            let error = Diagnostic::new(ErrorCode::FileNotFound, format!("No data file matches '{pattern}'"));
            match options.format {
                Some(_) => error,
                None => error.hint("a path starts in the folder where faultlab was started"),
            }
        } else {
            missing(path)
        });
    }
    Ok(files)
}

/// The files of a glob pattern, in the order of their names.
fn matching(pattern: &str) -> Result<Vec<FilePlace>, Diagnostic> {
    let bad = |reason: &str| {
        Diagnostic::new(ErrorCode::InvalidArguments, format!("The pattern '{pattern}' cannot be used: {reason}"))
    };
    let paths = glob::glob(pattern).map_err(|error| bad(error.msg))?;
    let mut files = Vec::new();
    for path in paths {
        let path = path.map_err(|error| open_error(error.path(), error.error()))?;
        if path.is_file() {
            files.push(FilePlace { path, embedded: false });
        }
    }
    files.sort();
    Ok(files)
}

/// A file that is not there, with those beside it that are called almost so.
fn missing(path: &Path) -> Diagnostic {
    let error = open_error(path, &ErrorKind::NotFound.into());
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let beside: Vec<String> = std::fs::read_dir(parent)
        .map(|entries| entries.filter_map(|e| Some(e.ok()?.file_name().to_string_lossy().into_owned())).collect())
        .unwrap_or_default();
    match did_you_mean(&similar(&name, beside.iter().map(String::as_str))) {
        Some(hint) => error.hint(hint),
        None => error.hint("a path starts in the folder where faultlab was started"),
    }
}
