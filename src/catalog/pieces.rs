//! Pieces: the units of scan work. They depend on the files alone, so that every node count reads the same ones.

use serde::{Deserialize, Serialize};

/// A file, unique in this process; readers look up cached footers and record boundaries by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FileId(pub u32);

/// What tells whether a file is still the one that was planned on. Checked before and after each task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Fingerprint {
    pub size: u64,
    /// Nanoseconds since 1970.
    pub modified: i64,
    pub inode: u64,
}

/// A part of one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Piece {
    /// Index into [`super::Table::files`].
    pub file: u32,
    pub range: PieceRange,
    pub rows: u64,
    /// On disk.
    pub bytes: u64,
}

/// Which part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum PieceRange {
    /// Row groups `first .. first + count` of a Parquet file.
    RowGroups { first: u32, count: u32 },
    /// Whole records between two byte offsets of a CSV or NDJSON file; `first_line` is the 1-based line of the first one.
    Bytes { start: u64, end: u64, first_line: u64 },
    /// Rows of a memory table.
    Rows { start: u64, end: u64 },
}
