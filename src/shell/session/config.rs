//! How a session is started.

use crate::catalog::DataSource;
use crate::journal::ErrorCode;
use crate::scheduler::graph::Mode;
use crate::shell::folders;
use crate::sql::Diagnostic;
use std::path::{Path, PathBuf};

/// The folder that is used when no data is named.
const SAMPLE_FOLDER: &str = "sample-data";

/// How a session is started. The default: four workers over the sample data.
#[derive(Debug, Clone, PartialEq)]
pub struct SessionConfig {
    /// Folders of data.
    pub data: Vec<PathBuf>,
    /// Single files, each a table.
    pub files: Vec<PathBuf>,
    pub nodes: u32,
    /// Of each node; None: enough for all cores, or 1 with a seed, so that a seeded run is the same on every machine.
    pub slots: Option<u32>,
    pub mode: Option<Mode>,
    /// One thread and virtual time.
    pub seed: Option<u64>,
    /// `SET name = value` before the first statement, stronger than what data folders say.
    pub settings: Vec<(String, String)>,
    /// Every event goes to this file, as a line of JSON.
    pub journal: Option<PathBuf>,
    /// Where generated tables are kept; None: in the user's cache folder.
    pub cache: Option<PathBuf>,
    /// Where tables are kept that statements write; None: a folder of the data's own below the user's state folder.
    pub warehouse: Option<PathBuf>,
    /// Nothing is written outside the warehouse.
    pub safe: bool,
}

impl Default for SessionConfig {
    fn default() -> SessionConfig {
        SessionConfig {
            data: Vec::new(),
            files: Vec::new(),
            nodes: 4,
            slots: None,
            mode: None,
            seed: None,
            settings: Vec::new(),
            journal: None,
            cache: None,
            warehouse: None,
            safe: false,
        }
    }
}

impl SessionConfig {
    /// Slots of each node.
    pub(super) fn slots(&self) -> u32 {
        self.slots.unwrap_or_else(|| match self.seed {
            Some(_) => 1,
            None => {
                let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get() as u32);
                cores.div_ceil(self.nodes.max(1)).max(1)
            }
        })
    }

    /// The folder of the warehouse. Every set of data has one of its own, so that what is written beside one does not turn
    /// up beside another.
    pub(super) fn warehouse(&self) -> PathBuf {
        if let Some(folder) = &self.warehouse {
            return folder.clone();
        }
        let sources: Vec<PathBuf> = self.data.iter().chain(&self.files).map(|path| absolute(path)).collect();
        let name = match sources.first().and_then(|path| path.file_name()) {
            Some(name) => {
                let all: Vec<String> = sources.iter().map(|path| path.to_string_lossy().into_owned()).collect();
                format!("{}-{:016x}", name.to_string_lossy(), xxhash_rust::xxh3::xxh3_64(all.join("\n").as_bytes()))
            }
            None => SAMPLE_FOLDER.to_string(),
        };
        folders::state_folder().unwrap_or_else(folders::cache_folder).join("warehouse").join(name)
    }

    /// Where the tables come from. FILE_NOT_FOUND for what does not exist.
    pub(super) fn sources(&self) -> Result<Vec<DataSource>, Diagnostic> {
        if self.data.is_empty() && self.files.is_empty() {
            let folder = Path::new(SAMPLE_FOLDER);
            return Ok(vec![if folder.is_dir() { DataSource::Folder(folder.into()) } else { DataSource::Embedded }]);
        }
        let mut sources = Vec::new();
        for folder in &self.data {
            if !folder.is_dir() {
                return Err(missing("folder", folder));
            }
            sources.push(DataSource::Folder(folder.clone()));
        }
        for file in &self.files {
            match file {
                file if file.is_dir() => sources.push(DataSource::Folder(file.clone())),
                file if file.is_file() => sources.push(DataSource::File(file.clone())),
                _ => return Err(missing("file", file)),
            }
        }
        Ok(sources)
    }
}

/// The path from the root, without links where the system can tell.
fn absolute(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_path_buf())
}

fn missing(what: &str, path: &Path) -> Diagnostic {
    Diagnostic::new(ErrorCode::FileNotFound, format!("There is no {what} {}", path.display()))
}
