//! `faultlab.toml`: settings that belong to a folder of data.

use super::storage::SourceFile;
use crate::journal::ErrorCode;
use crate::sql::Diagnostic;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

/// The name of the file.
pub(super) const SETTINGS_FILE: &str = "faultlab.toml";

/// What a data folder's `faultlab.toml` says. Names are not checked here: the session applies them and complains.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FolderSettings {
    /// Where it was read.
    pub file: PathBuf,
    entries: Vec<(String, String)>,
}

impl FolderSettings {
    /// Names and values, as SET would take them, `today` among them; in the order of the names.
    pub fn settings(&self) -> Vec<(String, String)> {
        self.entries.clone()
    }

    /// The day on which the session's clock starts, `2026-06-30`.
    pub fn today(&self) -> Option<&str> {
        self.entries.iter().find(|(name, _)| name == "today").map(|(_, value)| value.as_str())
    }

    /// The settings in `folder`, if there are any. BAD_DATA for a file that is not TOML.
    pub(super) fn read(folder: &Path, embedded: bool) -> Result<Option<FolderSettings>, Diagnostic> {
        let file = folder.join(SETTINGS_FILE);
        let mut text = String::new();
        match SourceFile::open(&file, embedded).and_then(|mut source| source.read_to_string(&mut text)) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(super::problems::open_error(&file, &error)),
        }
        let bad = |reason: String| {
            Diagnostic::new(
                ErrorCode::BadData,
                format!("The settings file {} cannot be used: {reason}", file.display()),
            )
        };
        let table: toml::Table = text.parse().map_err(|error: toml::de::Error| bad(error.message().to_string()))?;
        let mut entries = Vec::new();
        for (name, value) in table {
            let value = match value {
                toml::Value::String(text) => text,
                toml::Value::Integer(number) => number.to_string(),
                toml::Value::Float(number) => number.to_string(),
                toml::Value::Boolean(truth) => truth.to_string(),
                toml::Value::Datetime(moment) => moment.to_string(),
                toml::Value::Array(_) | toml::Value::Table(_) => {
                    return Err(bad(format!("\"{name}\" is not a single value")));
                }
            };
            entries.push((name, value));
        }
        Ok(Some(FolderSettings { file, entries }))
    }
}
