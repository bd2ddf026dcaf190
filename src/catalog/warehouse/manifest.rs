//! What a table or view of the warehouse is: one small file, whose renaming is the commit.

use crate::catalog::problems::open_error;
use crate::journal::ErrorCode;
use crate::sql::{DataType, Diagnostic};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::Path;

/// The name of the file in the folder of its table.
pub(super) const MANIFEST: &str = "manifest.json";

/// The version of the format that this program writes, and the latest that it reads.
const VERSION: u32 = 1;

/// A table or a view.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    version: u32,
    /// As it was written; the folder has it in lower case.
    pub name: String,
    pub content: Content,
}

/// What is behind the name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Content {
    Table {
        columns: Vec<StoredColumn>,
        /// In the order of their rows.
        files: Vec<StoredFile>,
    },
    View {
        /// The query, as it was written.
        sql: String,
        /// Names for its columns, if the view gave any.
        columns: Vec<String>,
    },
}

/// A column of a stored table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StoredColumn {
    pub name: String,
    pub dtype: DataType,
    #[serde(default)]
    pub not_null: bool,
    /// The expression for rows that leave the column out, as it was written.
    #[serde(default)]
    pub default: Option<String>,
}

/// A part file of a stored table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredFile {
    /// Within the table's folder.
    pub name: String,
    pub rows: u64,
    pub bytes: u64,
}

impl Manifest {
    /// A manifest in the present version.
    pub fn new(name: &str, content: Content) -> Manifest {
        Manifest { version: VERSION, name: name.to_string(), content }
    }

    /// The columns and files of a table; None for a view.
    pub fn table(&self) -> Option<(&[StoredColumn], &[StoredFile])> {
        match &self.content {
            Content::Table { columns, files } => Some((columns, files)),
            Content::View { .. } => None,
        }
    }

    /// Rows of a table; 0 for a view.
    pub fn rows(&self) -> u64 {
        self.table().map_or(0, |(_, files)| files.iter().map(|file| file.rows).sum())
    }

    /// The manifest in a folder; None without one.
    pub(super) fn read(folder: &Path) -> Result<Option<Manifest>, Diagnostic> {
        let path = folder.join(MANIFEST);
        let text = match std::fs::read(&path) {
            Ok(text) => text,
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(None),
            Err(error) => return Err(open_error(&path, &error)),
        };
        let damaged = |reason: &str| {
            Diagnostic::new(ErrorCode::BadData, format!("The table's description {} {reason}", path.display()))
        };
        let manifest: Manifest =
            serde_json::from_slice(&text).map_err(|_| damaged("is damaged, or was written by a later version"))?;
        if manifest.version > VERSION {
            return Err(damaged("was written by a later version of faultlab"));
        }
        Ok(Some(manifest))
    }

    /// Puts the manifest into its folder in one step: before it the old one counts, after it this one.
    pub(super) fn commit(&self, folder: &Path) -> std::io::Result<()> {
        let text = serde_json::to_vec_pretty(self)?;
        let temporary = folder.join(format!(".{MANIFEST}.{}.tmp", std::process::id()));
        let mut file = File::create(&temporary)?;
        file.write_all(&text)?;
        file.sync_all()?;
        drop(file);
        std::fs::rename(&temporary, folder.join(MANIFEST))?;
        sync_folder(folder);
        Ok(())
    }
}

/// Makes renames in a folder outlast a power cut, where the system can.
pub(super) fn sync_folder(folder: &Path) {
    if let Ok(folder) = File::open(folder) {
        let _ = folder.sync_all();
    }
}
