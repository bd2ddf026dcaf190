//! Files of SQL with expected answers (`.slt`), as `tests/slt/expect.py` writes them, and the comparison with what we answer.
//!
//! Shared by path between test binaries, none of which uses all of it.
#![allow(dead_code)]

use std::cmp::Ordering;
use std::path::{Path, PathBuf};

/// An answer of more rows than are written out stands in the file as `N rows hash H`.
const HASH_MARK: &str = " rows hash ";

/// Doubles are equal when they differ by no more than this share of the larger one.
const RELATIVE_TOLERANCE: f64 = 1e-12;

/// Rows of texts; None is NULL.
pub type Rows = Vec<Vec<Option<String>>>;

/// What came of a query: its rows, or the text of its error.
pub type Answer = Result<Rows, String>;

/// One query of a file, with what is expected.
#[derive(Debug, Clone)]
pub struct Record {
    pub file: String,
    /// Of the first line of the record, from 1.
    pub line: usize,
    pub sql: String,
    pub expected: Expected,
}

/// What a query has to answer.
#[derive(Debug, Clone)]
pub enum Expected {
    Error,
    /// It has to succeed; what it answers does not matter.
    Ok,
    Rows {
        /// A letter a column: `R` is a double, everything else is compared as text.
        types: String,
        /// Whether the order counts.
        ordered: bool,
        lines: Vec<String>,
    },
}

/// All records of a file.
pub fn read(path: &Path) -> Vec<Record> {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut records = Vec::new();
    let mut line = 1;
    for block in text.split("\n\n") {
        records.extend(record(&file, line, block.trim_matches('\n')));
        line += block.matches('\n').count() + 2;
    }
    records
}

/// All records of the `.slt` files of a folder, in the order of their names. With `FAULTLAB_SLT=text` in the environment, of
/// those whose names contain the text: for working on one feature.
pub fn read_folder(folder: &Path) -> Vec<Record> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    let only = std::env::var("FAULTLAB_SLT").unwrap_or_default();
    let named = |path: &Path| path.file_stem().is_some_and(|stem| stem.to_string_lossy().contains(&only));
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "slt") && named(path));
    paths.sort();
    paths.iter().flat_map(|path| read(path)).collect()
}

fn record(file: &str, line: usize, block: &str) -> Option<Record> {
    let (head, body) = block.split_once('\n')?;
    let words: Vec<&str> = head.split_whitespace().collect();
    let (sql, expected) = match words.as_slice() {
        ["statement", "error"] => (body, Expected::Error),
        ["statement", "ok"] => (body, Expected::Ok),
        ["query", types, sort] => {
            let (sql, answer) = body.split_once("\n----").unwrap_or_else(|| panic!("{file}:{line}: no answer"));
            let lines = answer.lines().skip(1).map(str::to_string).collect();
            (sql, Expected::Rows { types: types.to_string(), ordered: *sort == "nosort", lines })
        }
        _ if head.starts_with('#') => return None,
        _ => panic!("{file}:{line}: not a record: {head}"),
    };
    Some(Record { file: file.to_string(), line, sql: sql.to_string(), expected })
}

impl Record {
    /// A record may begin with a line `SET TimeZone = '...';` that holds for its query alone.
    pub fn zone_and_query(&self) -> (Option<&str>, &str) {
        match self.sql.split_once(";\n") {
            Some((set, query)) if set.starts_with("SET ") => (Some(set), query),
            _ => (None, &self.sql),
        }
    }

    /// Why `answer` is not what the file expects; None if it is.
    pub fn difference(&self, answer: &Answer) -> Option<String> {
        match (&self.expected, answer) {
            (Expected::Error, Err(_)) | (Expected::Ok, Ok(_)) => None,
            (Expected::Ok, Err(error)) => Some(format!("failed: {error}")),
            (Expected::Error, Ok(rows)) => Some(format!("expected an error, got {} rows", rows.len())),
            (Expected::Rows { .. }, Err(error)) => Some(format!("failed: {error}")),
            (Expected::Rows { types, ordered, lines }, Ok(rows)) => rows_difference(types, *ordered, lines, rows),
        }
    }
}

fn rows_difference(types: &str, ordered: bool, lines: &[String], rows: &Rows) -> Option<String> {
    let mut got: Vec<Vec<String>> = rows.iter().map(|row| row.iter().map(canonical).collect()).collect();
    if let [line] = lines
        && line.contains(HASH_MARK)
    {
        let mut texts: Vec<String> = got.iter().map(|row| row.join("\t")).collect();
        if !ordered {
            texts.sort();
        }
        let hash = format!("{}{HASH_MARK}{:016x}", texts.len(), fnv1a(&texts));
        return (hash != *line).then(|| format!("expected {line}, got {hash}, such as\n{}", sample(&got)));
    }
    let mut expected: Vec<Vec<String>> =
        lines.iter().map(|line| line.split('\t').map(str::to_string).collect()).collect();
    if !ordered {
        got.sort_by(|a, b| compare(types, a, b));
        expected.sort_by(|a, b| compare(types, a, b));
    }
    let equal = got.len() == expected.len() && got.iter().zip(&expected).all(|(a, b)| equal_rows(types, a, b));
    (!equal)
        .then(|| format!("expected {} rows\n{}got {}\n{}", expected.len(), sample(&expected), got.len(), sample(&got)))
}

/// A value as the files write it.
fn canonical(value: &Option<String>) -> String {
    match value.as_deref() {
        None => "NULL".to_string(),
        Some("") => "(empty)".to_string(),
        Some(text) => text.replace('\n', "\\n").replace('\t', "\\t"),
    }
}

fn equal_rows(types: &str, got: &[String], expected: &[String]) -> bool {
    got.len() == expected.len()
        && got.len() == types.len()
        && types.chars().zip(got.iter().zip(expected)).all(|(letter, (got, expected))| {
            got == expected
                || letter == 'R'
                    && matches!((got.parse(), expected.parse()), (Ok(got), Ok(expected)) if close(got, expected))
        })
}

fn close(got: f64, expected: f64) -> bool {
    got == expected
        || got.is_nan() && expected.is_nan()
        || (got - expected).abs() <= RELATIVE_TOLERANCE * got.abs().max(expected.abs())
}

/// Exact columns first, so that doubles that differ in the last digit do not bring rows into another order.
fn compare(types: &str, left: &[String], right: &[String]) -> Ordering {
    let exact = |row: &[String]| -> Vec<String> {
        types.chars().zip(row).filter(|(letter, _)| *letter != 'R').map(|(_, text)| text.clone()).collect()
    };
    let doubles = |row: &[String]| -> Vec<f64> {
        types
            .chars()
            .zip(row)
            .filter(|(letter, _)| *letter == 'R')
            .map(|(_, text)| text.parse().unwrap_or(f64::NEG_INFINITY))
            .collect()
    };
    exact(left).cmp(&exact(right)).then_with(|| {
        let (left, right) = (doubles(left), doubles(right));
        left.iter().zip(&right).map(|(a, b)| a.total_cmp(b)).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
    })
}

/// FNV-1a with 64 bits over the lines, each with a line break.
fn fnv1a(lines: &[String]) -> u64 {
    let bytes = lines.iter().flat_map(|line| line.bytes().chain(std::iter::once(b'\n')));
    bytes.fold(0xcbf2_9ce4_8422_2325, |state, byte| (state ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

fn sample(rows: &[Vec<String>]) -> String {
    rows.iter().take(12).map(|row| format!("    {}\n", row.join("\t"))).collect()
}
