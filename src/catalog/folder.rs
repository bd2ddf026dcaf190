//! Which tables a folder holds: a file is a table, a folder of part files is one table, any other folder is a schema.

use super::assemble::{FilePlace, assemble, kind_of};
use super::storage::SAMPLE_DATA;
use crate::sql::Diagnostic;
use include_dir::Dir;
use std::path::{Path, PathBuf};

/// The schema of what lies directly in a data folder.
pub(super) const MAIN: &str = "main";

/// Files that belong together under a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    pub schema: String,
    pub name: String,
    pub files: Vec<FilePlace>,
}

/// Data files and sub-folders of a folder, sorted by name; hidden ones, and those that writers leave behind
/// (`_temporary`), are not data.
#[derive(Debug, Default)]
struct Listing {
    files: Vec<FilePlace>,
    folders: Vec<(String, Listing)>,
}

/// The tables of a folder on disk. Folders that cannot be listed are told, and left out.
pub(super) fn tables_on_disk(folder: &Path, problems: &mut Vec<Diagnostic>) -> Vec<Found> {
    tables_of(&list_disk(folder, 2, problems))
}

/// The tables of the embedded sample data.
pub(super) fn embedded_tables() -> Vec<Found> {
    tables_of(&list_embedded(&SAMPLE_DATA))
}

/// All data files in a folder and below, for `FROM 'folder'`.
pub(super) fn files_below(folder: &Path, problems: &mut Vec<Diagnostic>) -> Vec<FilePlace> {
    fn collect(listing: Listing, into: &mut Vec<FilePlace>) {
        into.extend(listing.files);
        for (_, inner) in listing.folders {
            collect(inner, into);
        }
    }
    let mut files = Vec::new();
    collect(list_disk(folder, 8, problems), &mut files);
    files
}

fn is_hidden(name: &str) -> bool {
    name.starts_with(['.', '_'])
}

/// `depth`: how many levels of sub-folders are looked into; it also ends circles of links.
fn list_disk(folder: &Path, depth: usize, problems: &mut Vec<Diagnostic>) -> Listing {
    let mut listing = Listing::default();
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) => {
            problems.push(super::problems::open_error(folder, &error));
            return listing;
        }
    };
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    for path in paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if is_hidden(&name) {
            continue;
        }
        if path.is_dir() {
            if depth > 0 {
                listing.folders.push((name, list_disk(&path, depth - 1, problems)));
            }
        } else if kind_of(&path).is_some() {
            listing.files.push(FilePlace { path, embedded: false });
        }
    }
    listing
}

fn list_embedded(folder: &Dir<'static>) -> Listing {
    let mut listing = Listing::default();
    for file in folder.files().filter(|file| kind_of(file.path()).is_some()) {
        listing.files.push(FilePlace { path: file.path().to_path_buf(), embedded: true });
    }
    for inner in folder.dirs() {
        let name = inner.path().file_name().unwrap_or_default().to_string_lossy().into_owned();
        listing.folders.push((name, list_embedded(inner)));
    }
    listing.files.sort();
    listing.folders.sort_by(|(left, _), (right, _)| left.cmp(right));
    listing
}

fn tables_of(root: &Listing) -> Vec<Found> {
    let mut found = Vec::new();
    single_files(MAIN, &root.files, &mut found);
    for (name, folder) in &root.folders {
        if is_one_table(folder) {
            found.push(Found { schema: MAIN.into(), name: name.clone(), files: folder.files.clone() });
            continue;
        }
        single_files(name, &folder.files, &mut found);
        for (inner_name, inner) in &folder.folders {
            if is_one_table(inner) {
                found.push(Found { schema: name.clone(), name: inner_name.clone(), files: inner.files.clone() });
            } else {
                single_files(name, &inner.files, &mut found);
            }
        }
    }
    found
}

fn single_files(schema: &str, files: &[FilePlace], found: &mut Vec<Found>) {
    for file in files {
        let name = table_name(&file.path);
        found.push(Found { schema: schema.into(), name, files: vec![file.clone()] });
    }
}

/// A file's name without its extension (both, if it is compressed).
pub(super) fn table_name(path: &Path) -> String {
    let extension = path.extension().map(|e| e.to_string_lossy().to_lowercase()).unwrap_or_default();
    let compressed = matches!(extension.as_str(), "gz" | "zst" | "bz2" | "xz") && kind_of(path).is_some();
    let path = if compressed { path.with_extension("") } else { path.to_path_buf() };
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

/// Whether the files of a folder are parts of one table: of one format, and either numbered alike (`part-0`, `part-1`)
/// or several with one schema. Files that cannot be read are for the error of the table, so their names alone decide.
fn is_one_table(folder: &Listing) -> bool {
    if !folder.folders.iter().all(|(_, inner)| inner.files.is_empty() && inner.folders.is_empty()) {
        return false;
    }
    let Some(first) = folder.files.first() else { return false };
    if folder.files.iter().any(|file| kind_of(&file.path) != kind_of(&first.path)) {
        return false;
    }
    let base = |file: &FilePlace| -> Option<String> {
        let name = table_name(&file.path);
        let base = name.trim_end_matches(|c: char| c.is_ascii_digit() || matches!(c, '-' | '_' | '.'));
        (base.len() < name.len()).then(|| base.to_string())
    };
    let first_base = base(first);
    if first_base.is_some() && folder.files.iter().all(|file| base(file) == first_base) {
        return true;
    }
    folder.files.len() > 1 && assemble(MAIN, "", &folder.files).is_ok_and(|table| same_names(&table, folder))
}

/// JSON lines of different objects would go together too: only files that each name all columns are parts.
fn same_names(table: &super::table::Table, folder: &Listing) -> bool {
    folder.files.iter().all(|file| {
        assemble(MAIN, "", std::slice::from_ref(file)).is_ok_and(|part| part.columns.len() == table.columns.len())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listing(names: &[&str]) -> Listing {
        let place = |name: &&str| FilePlace { path: PathBuf::from(name), embedded: false };
        Listing { files: names.iter().map(place).collect(), folders: Vec::new() }
    }

    #[test]
    fn numbered_files_are_one_table() {
        assert!(is_one_table(&listing(&["part-0.parquet", "part-1.parquet"])));
        assert!(is_one_table(&listing(&["2024-01.csv", "2024-02.csv"])));
        assert!(!is_one_table(&listing(&["transactions.parquet"])));
        assert!(!is_one_table(&listing(&["part-0.parquet", "part-1.csv"])));
        assert!(!is_one_table(&listing(&["jan-1.parquet", "feb-1.parquet"])));
    }

    #[test]
    fn a_table_is_named_after_its_file() {
        assert_eq!(table_name(Path::new("x/orders.2024.csv")), "orders.2024");
        assert_eq!(table_name(Path::new("x/orders.csv.gz")), "orders");
    }
}
