//! Folders in which a statement's files are written before they belong to anything.

use super::manifest::sync_folder;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// The file whose lock says that the writer lives.
const ALIVE: &str = ".alive";

/// A folder of its own for the files of one statement. Dropped, it goes with all that is still in it.
#[derive(Debug)]
pub struct Staging {
    path: PathBuf,
    id: String,
    /// Locked as long as the process lives.
    _alive: File,
}

impl Staging {
    /// Makes a folder in `parent`, which is made too.
    pub(super) fn begin(parent: &Path) -> std::io::Result<Staging> {
        let id = unique();
        let path = parent.join(&id);
        std::fs::create_dir_all(&path)?;
        let alive = File::create(path.join(ALIVE))?;
        alive.lock()?;
        Ok(Staging { path, id, _alive: alive })
    }

    /// Makes a hidden folder beside the files that it is for.
    pub fn beside(folder: &Path) -> std::io::Result<Staging> {
        let id = unique();
        let path = folder.join(format!(".faultlab-{id}"));
        std::fs::create_dir(&path)?;
        let alive = File::create(path.join(ALIVE))?;
        alive.lock()?;
        Ok(Staging { path, id, _alive: alive })
    }

    /// Where files are written.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A text that no other statement has, for the names of files.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Moves a file out. The folder of `to` exists.
    pub fn take(&self, name: &str, to: &Path) -> std::io::Result<()> {
        std::fs::rename(self.path.join(name), to)
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        // What cannot be removed now is swept later.
        let _ = std::fs::remove_dir_all(&self.path);
    }
}

/// Removes what dead writers left in `parent`. Nobody else begins a folder there meanwhile.
pub(super) fn sweep(parent: &Path) {
    let Ok(entries) = std::fs::read_dir(parent) else { return };
    for path in entries.flatten().map(|entry| entry.path()) {
        let dead = match File::open(path.join(ALIVE)) {
            Ok(alive) => alive.try_lock().is_ok(),
            Err(_) => true,
        };
        if dead {
            let _ = std::fs::remove_dir_all(&path);
        }
    }
    sync_folder(parent);
}

/// Unlike any other of this and of other processes.
fn unique() -> String {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    format!("{:x}-{:x}-{:x}", since.as_nanos(), std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed))
}
