//! The user's own folders: where what outlives a session is kept.

use std::path::PathBuf;

/// The folder of what is worth keeping (the history); not made yet. None where the system names none.
pub fn state_folder() -> Option<PathBuf> {
    users_folder("XDG_STATE_HOME", &[".local", "state"])
}

/// The folder of what can be made again (generated tables); not made yet.
pub fn cache_folder() -> PathBuf {
    users_folder("XDG_CACHE_HOME", &[".cache"]).unwrap_or_else(|| std::env::temp_dir().join("faultlab"))
}

fn users_folder(variable: &str, below_home: &[&str]) -> Option<PathBuf> {
    let folder = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let home = || folder("HOME").map(|home| below_home.iter().fold(home, |path, part| path.join(part)));
    folder(variable).or_else(|| folder("LOCALAPPDATA")).or_else(home).map(|path| path.join("faultlab"))
}
