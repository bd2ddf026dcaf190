//! Schemas, tables and files: what there is to read, how big it is, and how to read a piece of it.
//!
//! [`Catalog`] finds tables in folders and files; a [`Table`] is a frozen picture of one; its [`Piece`]s are read by a
//! [`PieceReader`] on whatever thread calls it.

mod assemble;
mod folder;
mod footer;
pub mod generated;
mod options;
mod parquet_reader;
mod parquet_types;
mod partitions;
pub mod pieces;
pub mod plain_columns;
mod problems;
mod prune;
mod reader;
mod registry;
mod settings;
pub mod source;
mod storage;
pub mod table;
mod text;
pub mod warehouse;
mod watch;
mod wide;
pub mod write;

pub use footer::{Footer, RowGroup, ValueRange, read_footer};
pub use options::{FileOptions, Packing, ReadFormat, TextOptions};
pub use pieces::{FileId, Fingerprint, Piece, PieceRange, group_pieces};
pub use prune::{ColumnTest, may_match};
pub use reader::{PieceReader, RowFilter, ScanRequest};
pub use registry::{Catalog, Change, ChangeKind, DataSource, files_matching};
pub use settings::FolderSettings;
pub use source::{TableSource, View};
pub use table::{ColumnInfo, ColumnStatistics, CsvDialect, Format, MemoryRows, Table, TableFile, TableRef};
