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

/// Puts pieces together into tasks of at most `target_rows` rows and `target_bytes` bytes each (one piece may be larger
/// by itself), in their order. Neighbours in one file become one piece. The data alone decides, never the cluster.
pub fn group_pieces(pieces: Vec<Piece>, target_rows: u64, target_bytes: u64) -> Vec<Vec<Piece>> {
    let mut groups: Vec<Vec<Piece>> = Vec::new();
    let (mut rows, mut bytes) = (0u64, 0u64);
    for piece in pieces {
        rows = rows.saturating_add(piece.rows);
        bytes = bytes.saturating_add(piece.bytes);
        match groups.last_mut() {
            Some(group) if rows <= target_rows && bytes <= target_bytes => match group.last_mut() {
                Some(last) if last.precedes(&piece) => last.extend(&piece),
                _ => group.push(piece),
            },
            _ => {
                (rows, bytes) = (piece.rows, piece.bytes);
                groups.push(vec![piece]);
            }
        }
    }
    groups
}

impl Piece {
    /// Whether `next` begins where this piece ends.
    fn precedes(&self, next: &Piece) -> bool {
        self.file == next.file
            && match (&self.range, &next.range) {
                (PieceRange::RowGroups { first, count }, PieceRange::RowGroups { first: next, .. }) => {
                    first + count == *next
                }
                (PieceRange::Bytes { end, .. }, PieceRange::Bytes { start, .. })
                | (PieceRange::Rows { end, .. }, PieceRange::Rows { start, .. }) => end == start,
                _ => false,
            }
    }

    fn extend(&mut self, next: &Piece) {
        self.rows += next.rows;
        self.bytes += next.bytes;
        match (&mut self.range, &next.range) {
            (PieceRange::RowGroups { count, .. }, PieceRange::RowGroups { count: more, .. }) => *count += more,
            (PieceRange::Bytes { end, .. }, PieceRange::Bytes { end: new, .. })
            | (PieceRange::Rows { end, .. }, PieceRange::Rows { end: new, .. }) => *end = *new,
            // Kinds never mix within a table, and `precedes` has looked.
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(file: u32, first: u32, rows: u64) -> Piece {
        Piece { file, range: PieceRange::RowGroups { first, count: 1 }, rows, bytes: rows * 10 }
    }

    #[test]
    fn groups_fill_up_to_the_target_and_join_neighbours() {
        let pieces = vec![group(0, 0, 40), group(0, 1, 40), group(0, 3, 10), group(1, 0, 20), group(1, 1, 500)];
        let groups = group_pieces(pieces, 100, u64::MAX);
        let shape: Vec<Vec<u64>> = groups.iter().map(|g| g.iter().map(|p| p.rows).collect()).collect();
        assert_eq!(shape, [vec![80, 10], vec![20], vec![500]]);
        assert_eq!(groups[0][0].range, PieceRange::RowGroups { first: 0, count: 2 });
    }
}
