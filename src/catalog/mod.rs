//! Schemas, tables and files: what there is to read, how big it is, and how to read a piece of it.

pub mod pieces;
pub mod table;

pub use pieces::{FileId, Fingerprint, Piece, PieceRange};
pub use table::{ColumnInfo, ColumnStatistics, CsvDialect, Format, MemoryRows, Table, TableFile, TableRef};
