//! What one pass over a text file finds out, kept for the life of the process as long as the file stays the same.

use super::{csv, json};
use crate::catalog::options::{Packing, TextOptions};
use crate::catalog::pieces::Fingerprint;
use crate::catalog::problems::open_error;
use crate::catalog::storage::{SourceFile, fingerprint_at};
use crate::catalog::table::{ColumnInfo, CsvDialect};
use crate::sql::{DataType, Diagnostic};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// A piece ends after so many bytes or rows, whichever comes first: small enough that a task of any size can be made of
/// whole pieces.
const PIECE_BYTES: u64 = 64 * 1024;
const PIECE_ROWS: u64 = 2_048;

/// Which text format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::catalog) enum TextKind {
    Csv,
    NdJson,
}

/// The shape of a text file.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::catalog) struct TextLayout {
    pub fingerprint: Fingerprint,
    /// Of a CSV file.
    pub dialect: Option<CsvDialect>,
    pub columns: Vec<ColumnInfo>,
    pub rows: u64,
    pub pieces: Vec<TextPiece>,
}

/// Whole records between two offsets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::catalog) struct TextPiece {
    pub start: u64,
    pub end: u64,
    pub first_line: u64,
    pub rows: u64,
}

/// The layout of a file as it is now. Errors: FILE_NOT_FOUND, FILE_UNREADABLE, BAD_DATA with the line.
pub(in crate::catalog) fn layout_of(
    path: &Path,
    embedded: bool,
    kind: TextKind,
    packing: Packing,
    options: &TextOptions,
) -> Result<Arc<TextLayout>, Diagnostic> {
    type Key = (PathBuf, TextOptions);
    static CACHE: Mutex<BTreeMap<Key, Arc<TextLayout>>> = Mutex::new(BTreeMap::new());
    let key = (path.to_path_buf(), options.clone());
    let fingerprint = fingerprint_at(path, embedded).map_err(|error| open_error(path, &error))?;
    let known = CACHE.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
    if let Some(layout) = known.filter(|layout| layout.fingerprint == fingerprint) {
        return Ok(layout);
    }
    let open = || SourceFile::open_packed(path, embedded, packing).map_err(|error| open_error(path, &error));
    let mut layout = match kind {
        TextKind::Csv => csv::detect(path, open()?, fingerprint, options)?,
        TextKind::NdJson => json::detect(path, open()?, fingerprint, options)?,
    };
    if packing != Packing::None
        && let (Some(first), Some(last)) = (layout.pieces.first().copied(), layout.pieces.last().copied())
    {
        // There is no starting in the middle of what is compressed as a whole.
        layout.pieces = vec![TextPiece { end: last.end, rows: layout.rows, ..first }];
    }
    let layout = Arc::new(layout);
    CACHE.lock().unwrap_or_else(PoisonError::into_inner).insert(key, layout.clone());
    Ok(layout)
}

/// Collects pieces while records go by.
#[derive(Default)]
pub(super) struct PieceCutter {
    pieces: Vec<TextPiece>,
}

impl PieceCutter {
    /// Notes a record that stands at `offset` in `line` and after which the file goes on at `end`.
    pub(super) fn record(&mut self, offset: u64, line: u64, end: u64) {
        match self.pieces.last_mut() {
            Some(piece) if piece.rows < PIECE_ROWS && piece.end - piece.start < PIECE_BYTES => {
                piece.end = end;
                piece.rows += 1;
            }
            _ => self.pieces.push(TextPiece { start: offset, end, first_line: line, rows: 1 }),
        }
    }

    /// Notes that the record before all others is one of them.
    pub(super) fn prepend(&mut self, offset: u64, line: u64, end: u64) {
        match self.pieces.first_mut() {
            Some(piece) => {
                piece.start = offset;
                piece.first_line = line;
                piece.rows += 1;
            }
            None => self.record(offset, line, end),
        }
    }

    pub(super) fn finish(self) -> Vec<TextPiece> {
        self.pieces
    }
}

/// Bytes of a decoded value of a type whose values are all of one size; a guess for the others.
pub(in crate::catalog) fn fixed_width(dtype: &DataType) -> f64 {
    match dtype {
        DataType::Null | DataType::Boolean | DataType::TinyInt | DataType::UTinyInt => 1.0,
        DataType::SmallInt | DataType::USmallInt => 2.0,
        DataType::Integer | DataType::UInteger | DataType::Float | DataType::Date => 4.0,
        DataType::BigInt
        | DataType::UBigInt
        | DataType::Double
        | DataType::Time
        | DataType::Timestamp
        | DataType::TimestampS
        | DataType::TimestampMs
        | DataType::TimestampNs
        | DataType::TimestampTz => 8.0,
        DataType::Decimal { precision, .. } if *precision <= 18 => 8.0,
        DataType::Decimal { .. } | DataType::HugeInt | DataType::Interval | DataType::Uuid => 16.0,
        DataType::Varchar | DataType::Blob | DataType::Json => 16.0,
        DataType::List(item) => 4.0 * fixed_width(item),
        DataType::Struct(fields) => fields.iter().map(|(_, dtype)| fixed_width(dtype)).sum(),
        DataType::Map(key, value) => 4.0 * (fixed_width(key) + fixed_width(value)),
    }
}
