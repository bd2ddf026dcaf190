//! Writing data files: rows of kernel columns into one file of Parquet, CSV or NDJSON.
//!
//! A file is written under a temporary name beside its own and renamed when it is complete: whoever sees the name sees the
//! whole file. The bytes depend on rows and options alone, so that a task that runs again writes the same file.

mod parquet;
mod text;

pub use parquet::ParquetFile;
pub use text::{CsvFile, CsvLayout, JsonFile};

use crate::journal::{ErrorCode, TaskError};
use crate::sql::DataType;
use polars::prelude::DataFrame;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// How a file is compressed: inside for Parquet, as a whole for text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Compression {
    None,
    Snappy,
    Gzip,
    Zstd,
}

/// A format that can be written, with its options.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum FileFormat {
    /// Row groups of `row_group_rows` rows.
    Parquet { compression: Compression, row_group_rows: usize },
    /// All columns are texts; the query has cast them.
    Csv { layout: CsvLayout, compression: Compression },
    /// One object a line; all columns are JSON.
    NdJson { compression: Compression },
}

/// Rows of a row group where nobody says otherwise: what DuckDB writes.
pub const ROW_GROUP_ROWS: usize = 122_880;

impl FileFormat {
    /// Parquet as the warehouse has it.
    pub fn parquet() -> FileFormat {
        FileFormat::Parquet { compression: Compression::Zstd, row_group_rows: ROW_GROUP_ROWS }
    }

    /// What files of the format are called, without the dot.
    pub fn extension(&self) -> &'static str {
        match self {
            FileFormat::Parquet { .. } => "parquet",
            FileFormat::Csv { .. } => "csv",
            FileFormat::NdJson { .. } => "json",
        }
    }
}

/// A complete file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written {
    pub rows: u64,
    /// On disk.
    pub bytes: u64,
}

/// A file that is being written. Dropped before [`RowsFile::finish`], it leaves nothing.
pub struct RowsFile {
    path: PathBuf,
    temporary: PathBuf,
    rows: u64,
    format: Format,
    finished: bool,
}

/// The format's own writer over the compressor that its options ask for.
enum Format {
    Parquet(Box<ParquetFile<BufWriter<File>>>),
    Csv(CsvFile<TextSink>),
    Json(JsonFile<TextSink>),
    /// Taken out to be finished.
    Done,
}

impl RowsFile {
    /// Begins the file `path` for rows of these columns (names and types; texts for text formats). Its folder exists.
    /// OUTPUT_FAILED where the folder cannot be written to, NOT_SUPPORTED for a type that the format does not have.
    pub fn create(path: &Path, columns: &[(String, DataType)], format: &FileFormat) -> Result<RowsFile, TaskError> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let temporary = path.with_file_name(format!(".{name}.{}-{number}.tmp", std::process::id()));
        let file = File::create(&temporary).map_err(|error| failed(path, &error))?;
        let file = BufWriter::with_capacity(1 << 20, file);
        let made = match format {
            FileFormat::Parquet { compression, row_group_rows } => {
                ParquetFile::new(file, columns, *compression, *row_group_rows).map(Box::new).map(Format::Parquet)
            }
            FileFormat::Csv { layout, compression } => TextSink::new(file, *compression)
                .and_then(|sink| CsvFile::new(sink, layout.clone(), columns))
                .map(Format::Csv)
                .map_err(|error| failed(path, &error)),
            FileFormat::NdJson { compression } => TextSink::new(file, *compression)
                .map(|sink| Format::Json(JsonFile::new(sink, columns)))
                .map_err(|error| failed(path, &error)),
        };
        let made = made.inspect_err(|_| drop(std::fs::remove_file(&temporary)))?;
        Ok(RowsFile { path: path.to_path_buf(), temporary, rows: 0, format: made, finished: false })
    }

    /// Appends rows: columns by position, physical types.
    pub fn write(&mut self, rows: &DataFrame) -> Result<(), TaskError> {
        self.rows += rows.height() as u64;
        match &mut self.format {
            Format::Parquet(file) => file.write(rows).map_err(|error| error.named(&self.path)),
            Format::Csv(file) => file.write(rows).map_err(|error| failed(&self.path, &error)),
            Format::Json(file) => file.write(rows).map_err(|error| failed(&self.path, &error)),
            Format::Done => Err(TaskError::bug("rows for a file that is complete")),
        }
    }

    /// Completes the file, puts it on the disk and gives it its name.
    pub fn finish(mut self) -> Result<Written, TaskError> {
        let io = |path: &Path, result: std::io::Result<BufWriter<File>>| result.map_err(|error| failed(path, &error));
        let file = match std::mem::replace(&mut self.format, Format::Done) {
            Format::Parquet(file) => file.finish().map_err(|error| error.named(&self.path))?,
            Format::Csv(file) => io(&self.path, file.finish().and_then(TextSink::finish))?,
            Format::Json(file) => io(&self.path, file.finish().and_then(TextSink::finish))?,
            Format::Done => return Err(TaskError::bug("a file was completed twice")),
        };
        let complete = || -> std::io::Result<u64> {
            let file = file.into_inner().map_err(std::io::IntoInnerError::into_error)?;
            file.sync_all()?;
            let bytes = file.metadata()?.len();
            drop(file);
            std::fs::rename(&self.temporary, &self.path)?;
            Ok(bytes)
        };
        let bytes = complete().map_err(|error| failed(&self.path, &error))?;
        self.finished = true;
        Ok(Written { rows: self.rows, bytes })
    }
}

impl Drop for RowsFile {
    fn drop(&mut self) {
        if !self.finished {
            // What cannot be removed is swept with its folder.
            let _ = std::fs::remove_file(&self.temporary);
        }
    }
}

/// What the writer of a format says before anybody knows the file's name.
pub struct WriteError(TaskError);

impl WriteError {
    fn named(self, path: &Path) -> TaskError {
        match self.0 {
            TaskError::User { code: code @ ErrorCode::OutputFailed, message, span } => {
                TaskError::User { code, message: format!("Cannot write {}: {message}", path.display()), span }
            }
            other => other,
        }
    }
}

impl From<TaskError> for WriteError {
    fn from(error: TaskError) -> WriteError {
        WriteError(error)
    }
}

/// OUTPUT_FAILED with the file and the system's reason.
pub(super) fn failed(path: &Path, error: &std::io::Error) -> TaskError {
    TaskError::user(ErrorCode::OutputFailed, format!("Cannot write {}: {error}", path.display()))
}

/// Where the bytes of a text file go.
enum TextSink {
    Plain(BufWriter<File>),
    Gzip(flate2::write::GzEncoder<BufWriter<File>>),
    Zstd(zstd::stream::write::Encoder<'static, BufWriter<File>>),
}

impl TextSink {
    fn new(file: BufWriter<File>, compression: Compression) -> std::io::Result<TextSink> {
        Ok(match compression {
            Compression::None | Compression::Snappy => TextSink::Plain(file),
            Compression::Gzip => TextSink::Gzip(flate2::write::GzEncoder::new(file, flate2::Compression::default())),
            Compression::Zstd => TextSink::Zstd(zstd::stream::write::Encoder::new(file, 3)?),
        })
    }

    fn finish(self) -> std::io::Result<BufWriter<File>> {
        match self {
            TextSink::Plain(file) => Ok(file),
            TextSink::Gzip(encoder) => encoder.finish(),
            TextSink::Zstd(encoder) => encoder.finish(),
        }
    }
}

impl Write for TextSink {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        match self {
            TextSink::Plain(file) => file.write(bytes),
            TextSink::Gzip(encoder) => encoder.write(bytes),
            TextSink::Zstd(encoder) => encoder.write(bytes),
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        match self {
            TextSink::Plain(file) => file.flush(),
            TextSink::Gzip(encoder) => encoder.flush(),
            TextSink::Zstd(encoder) => encoder.flush(),
        }
    }
}
