//! The warehouse: tables that statements write. A table is a folder of Parquet part files with a manifest that names them;
//! renaming the manifest, under a lock, is the commit. So after any fault, or `kill -9` at any moment, all of a statement's
//! rows are there or none.
//!
//! ```text
//! warehouse/.lock                          held while something changes
//! warehouse/.staging/ID/                   files of a statement that runs
//! warehouse/main/orders/manifest.json      columns, and the files in the order of their rows
//! warehouse/main/orders/ID-00000.parquet
//! ```

mod manifest;
mod staging;

pub use manifest::{Content, Manifest, StoredColumn, StoredFile};
pub use staging::Staging;

use super::assemble::{FilePlace, assemble};
use super::folder::MAIN;
use super::table::{ColumnInfo, ColumnStatistics, Format, Table, TableRef};
use crate::journal::ErrorCode;
use crate::sql::{DataType, Diagnostic};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const LOCK: &str = ".lock";
const STAGING: &str = ".staging";

/// How often a table is looked up again that was replaced just then.
const LOOKUPS: usize = 5;

/// A folder of tables that can be written. Nothing of it exists before the first of them.
#[derive(Debug, Clone)]
pub struct Warehouse {
    root: PathBuf,
    /// What the one schema is called, if there is but one: that of temporary tables.
    only_schema: Option<&'static str>,
}

/// Something in the warehouse.
#[derive(Debug, Clone)]
pub struct Stored {
    pub schema: String,
    pub manifest: Manifest,
}

impl Warehouse {
    /// The warehouse in a folder.
    pub fn new(root: PathBuf) -> Warehouse {
        Warehouse { root, only_schema: None }
    }

    /// A warehouse whose tables are all in one schema of that name.
    pub fn of_one_schema(root: PathBuf, schema: &'static str) -> Warehouse {
        Warehouse { root, only_schema: Some(schema) }
    }

    /// Its folder, whether it is there or not.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The schemas that were made, and `main`.
    pub fn schemas(&self) -> Vec<String> {
        if let Some(only) = self.only_schema {
            return vec![only.to_string()];
        }
        let mut schemas = vec![MAIN.to_string()];
        schemas.extend(folders(&self.root).into_iter().filter(|name| name != MAIN));
        schemas
    }

    /// Whether there is such a schema.
    pub fn has_schema(&self, schema: &str) -> bool {
        self.schemas().iter().any(|known| known.eq_ignore_ascii_case(schema))
    }

    /// All tables and views, by schema and name. What cannot be read is left out.
    pub fn list(&self) -> Vec<Stored> {
        let mut found = Vec::new();
        for schema in self.schemas() {
            for name in folders(&self.schema_folder(&schema)) {
                if let Ok(Some(manifest)) = self.find(&schema, &name) {
                    found.push(Stored { schema: schema.clone(), manifest });
                }
            }
        }
        found
    }

    /// The table or view of that name, in any case of letters.
    pub fn find(&self, schema: &str, name: &str) -> Result<Option<Manifest>, Diagnostic> {
        Manifest::read(&self.folder(schema, name))
    }

    /// A table of the warehouse as a query reads it; None if there is none, or it is a view.
    pub fn table(&self, schema: &str, name: &str) -> Result<Option<TableRef>, Diagnostic> {
        let mut tried = 0;
        let known = self.schemas().into_iter().find(|known| known.eq_ignore_ascii_case(schema));
        let schema = known.as_deref().unwrap_or(schema);
        loop {
            let Some(manifest) = self.find(schema, name)? else { return Ok(None) };
            let Some((columns, files)) = manifest.table() else { return Ok(None) };
            tried += 1;
            let folder = self.folder(schema, &manifest.name);
            match self.assembled(schema, &manifest.name, columns, files, &folder) {
                // Replaced between the manifest and the files: the new manifest has the new files.
                Err(error) if error.code == ErrorCode::FileNotFound && tried < LOOKUPS => {}
                made => return made.map(|table| Some(Arc::new(table))),
            }
        }
    }

    /// The rows that a statement wrote for a table of these columns, before they are part of it.
    pub fn staged(
        &self,
        staging: &Staging,
        columns: &[StoredColumn],
        files: &[StoredFile],
    ) -> Result<TableRef, Diagnostic> {
        self.assembled("", "new rows", columns, files, staging.path()).map(Arc::new)
    }

    fn assembled(
        &self,
        schema: &str,
        name: &str,
        columns: &[StoredColumn],
        files: &[StoredFile],
        folder: &Path,
    ) -> Result<Table, Diagnostic> {
        let places: Vec<FilePlace> =
            files.iter().map(|file| FilePlace { path: folder.join(&file.name), embedded: false }).collect();
        if places.is_empty() {
            let statistics = ColumnStatistics { nulls: Some(0), distinct: Some(0), ..ColumnStatistics::default() };
            let column = |c: &StoredColumn| ColumnInfo {
                name: c.name.clone(),
                dtype: c.dtype.clone(),
                statistics: statistics.clone(),
            };
            let columns = columns.iter().map(column).collect();
            return Ok(Table {
                schema: schema.to_string(),
                name: name.to_string(),
                columns,
                format: Format::Parquet,
                files: Vec::new(),
                rows: 0,
                memory: None,
            });
        }
        let mut table = assemble(schema, name, &places)?;
        if table.columns.len() != columns.len() {
            let message =
                format!("The files of table \"{name}\" in {} are not those that were written", folder.display());
            return Err(Diagnostic::new(ErrorCode::BadData, message));
        }
        for (column, stored) in table.columns.iter_mut().zip(columns) {
            // What Parquet has no type for is stored in one of the same numbers.
            column.dtype = stored.dtype.clone();
            if column.dtype == DataType::Interval {
                (column.statistics.min, column.statistics.max) = (None, None);
            }
        }
        Ok(table)
    }

    /// A folder for the files of a statement; what dead writers left is removed first.
    pub fn begin(&self) -> Result<Staging, Diagnostic> {
        let _lock = self.lock()?;
        let parent = self.root.join(STAGING);
        staging::sweep(&parent);
        Staging::begin(&parent).map_err(|error| cannot_write(&parent, &error))
    }

    /// Changes a table or view in one step. `decide` is given what is there now, and says what is there afterwards; files
    /// that are new in it are taken from `staging`, and those that are not in it any more are removed.
    pub fn commit(
        &self,
        schema: &str,
        name: &str,
        staging: Option<&Staging>,
        decide: impl FnOnce(Option<Manifest>) -> Result<Manifest, Diagnostic>,
    ) -> Result<(), Diagnostic> {
        let _lock = self.lock()?;
        let folder = self.folder(schema, name);
        let failed = |error: std::io::Error| cannot_write(&folder, &error);
        let before = Manifest::read(&folder)?;
        let known: Vec<String> = before.iter().flat_map(names).collect();
        let after = decide(before)?;
        std::fs::create_dir_all(&folder).map_err(failed)?;
        let wanted: Vec<String> = names(&after).collect();
        for file in wanted.iter().filter(|file| !known.contains(file)) {
            let staging = staging.ok_or_else(|| {
                Diagnostic::new(ErrorCode::GenericInternalError, "new files are committed that nobody wrote")
            })?;
            staging.take(file, &folder.join(file)).map_err(failed)?;
        }
        manifest::sync_folder(&folder);
        after.commit(&folder).map_err(failed)?;
        // From here on the statement has happened: what remains is tidying.
        for path in std::fs::read_dir(&folder).into_iter().flatten().flatten().map(|entry| entry.path()) {
            let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if file != manifest::MANIFEST && !wanted.contains(&file) {
                let _ = std::fs::remove_file(&path);
            }
        }
        Ok(())
    }

    /// Removes a table or view; false if there is none.
    pub fn remove(&self, schema: &str, name: &str) -> Result<bool, Diagnostic> {
        let _lock = self.lock()?;
        self.remove_locked(schema, name)
    }

    fn remove_locked(&self, schema: &str, name: &str) -> Result<bool, Diagnostic> {
        let folder = self.folder(schema, name);
        match std::fs::remove_file(folder.join(manifest::MANIFEST)) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(cannot_write(&folder, &error)),
        }
        let _ = std::fs::remove_dir_all(&folder);
        Ok(true)
    }

    /// Gives a table or view another name in its schema. TABLE_ALREADY_EXISTS if that is taken.
    pub fn rename(&self, schema: &str, name: &str, to: &str) -> Result<(), Diagnostic> {
        let _lock = self.lock()?;
        let (from, target) = (self.folder(schema, name), self.folder(schema, to));
        if from != target {
            if Manifest::read(&target)?.is_some() {
                return Err(already_exists("Table", to));
            }
            // Without a manifest it is a leftover.
            let _ = std::fs::remove_dir_all(&target);
            std::fs::rename(&from, &target).map_err(|error| cannot_write(&target, &error))?;
        }
        if let Some(mut manifest) = Manifest::read(&target)? {
            manifest.name = to.to_string();
            manifest.commit(&target).map_err(|error| cannot_write(&target, &error))?;
        }
        Ok(())
    }

    /// Makes a schema; false if it is there.
    pub fn create_schema(&self, schema: &str) -> Result<bool, Diagnostic> {
        let _lock = self.lock()?;
        if self.has_schema(schema) {
            return Ok(false);
        }
        let folder = self.schema_folder(schema);
        std::fs::create_dir_all(&folder).map_err(|error| cannot_write(&folder, &error))?;
        Ok(true)
    }

    /// Removes a schema and all that is in it.
    pub fn remove_schema(&self, schema: &str) -> Result<(), Diagnostic> {
        let _lock = self.lock()?;
        let folder = self.schema_folder(schema);
        for name in folders(&folder) {
            self.remove_locked(schema, &name)?;
        }
        std::fs::remove_dir_all(&folder).map_err(|error| cannot_write(&folder, &error))
    }

    /// Held until it is dropped, or the process dies. Others wait.
    fn lock(&self) -> Result<File, Diagnostic> {
        let path = self.root.join(LOCK);
        let lock = || -> std::io::Result<File> {
            std::fs::create_dir_all(&self.root)?;
            let file = File::create(&path)?;
            file.lock()?;
            Ok(file)
        };
        lock().map_err(|error| cannot_write(&self.root, &error))
    }

    fn schema_folder(&self, schema: &str) -> PathBuf {
        if self.only_schema.is_some() { self.root.join(MAIN) } else { self.root.join(folder_name(schema)) }
    }

    fn folder(&self, schema: &str, name: &str) -> PathBuf {
        self.schema_folder(schema).join(folder_name(name))
    }
}

/// TABLE_ALREADY_EXISTS.
pub fn already_exists(what: &str, name: &str) -> Diagnostic {
    Diagnostic::new(ErrorCode::TableAlreadyExists, format!("{what} \"{name}\" exists already"))
}

fn names(manifest: &Manifest) -> impl Iterator<Item = String> + use<> {
    let files: Vec<String> =
        manifest.table().map(|(_, files)| files.iter().map(|file| file.name.clone()).collect()).unwrap_or_default();
    files.into_iter()
}

fn cannot_write(path: &Path, error: &std::io::Error) -> Diagnostic {
    Diagnostic::new(ErrorCode::OutputFailed, format!("The warehouse cannot be written: {}: {error}", path.display()))
        .hint("--warehouse FOLDER puts it somewhere else")
}

/// The names of the folders in a folder, sorted; hidden ones are not ours.
fn folders(folder: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut names: Vec<String> = entries
        .flatten()
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| !name.starts_with('.'))
        .map(|name| plain_name(&name))
        .collect();
    names.sort();
    names
}

/// The folder of a name: lower case, and what is special in paths as `%2f`.
fn folder_name(name: &str) -> String {
    let mut folder = String::with_capacity(name.len());
    for c in name.to_lowercase().chars() {
        if c.is_alphanumeric() || matches!(c, '_' | '-') {
            folder.push(c);
        } else {
            let mut bytes = [0; 4];
            for byte in c.encode_utf8(&mut bytes).bytes() {
                folder.push_str(&format!("%{byte:02x}"));
            }
        }
    }
    folder
}

/// The inverse of [`folder_name`], but for the case.
fn plain_name(folder: &str) -> String {
    let mut bytes = Vec::with_capacity(folder.len());
    let mut rest = folder.as_bytes();
    while let [first, tail @ ..] = rest {
        let code = (*first == b'%').then(|| tail.get(..2)).flatten();
        let byte = code.and_then(|code| u8::from_str_radix(std::str::from_utf8(code).ok()?, 16).ok());
        bytes.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { &tail[2..] } else { tail };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_name_is_a_folder() {
        for name in ["orders", "a b", "../x", ".hidden", "50%", "größe", "a/b"] {
            let folder = folder_name(name);
            assert!(!folder.contains(['/', '.', ' ']), "{folder}");
            assert_eq!(plain_name(&folder), name.to_lowercase());
        }
        assert_eq!(folder_name("Orders"), "orders");
    }
}
