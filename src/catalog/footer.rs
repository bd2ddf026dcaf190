//! Parquet footers: read once per file and fingerprint, kept for the life of the process.

use super::parquet_types::{ParquetColumn, column_of};
use super::pieces::Fingerprint;
use super::problems::open_error;
use super::storage::{SourceFile, fingerprint_at};
use crate::journal::ErrorCode;
use crate::sql::{DataType, Diagnostic, Value};
use polars_parquet::parquet::statistics::Statistics;
use polars_parquet::read::{ColumnChunkMetadata, FileMetadata, RowGroupMetadata, read_metadata};
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// What a Parquet file says about itself.
pub struct Footer {
    /// The file that was read.
    pub fingerprint: Fingerprint,
    pub(super) metadata: FileMetadata,
    pub(super) columns: Vec<ParquetColumn>,
    pub row_groups: Vec<RowGroup>,
}

/// One row group.
#[derive(Debug, Clone, PartialEq)]
pub struct RowGroup {
    pub rows: u64,
    /// Compressed, all columns.
    pub bytes: u64,
    /// For each column of the file, what the writer noted about its values.
    pub columns: Vec<ValueRange>,
}

/// Bounds of the values of a column in a part of a file. None where the writer did not say.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ValueRange {
    /// In the physical unit of the column's type. NULLs and NaNs are outside the bounds.
    pub min: Option<Value>,
    pub max: Option<Value>,
    pub nulls: Option<u64>,
    /// Distinct values, where the writer noted them.
    pub distinct: Option<u64>,
    /// Bytes before compression.
    pub bytes: u64,
}

type FooterCache = BTreeMap<PathBuf, Arc<Footer>>;

/// The footer of a file as it is now. FILE_NOT_FOUND, FILE_UNREADABLE, or BAD_DATA for what is no (whole) Parquet file.
pub fn read_footer(path: &Path, embedded: bool) -> Result<Arc<Footer>, Diagnostic> {
    static CACHE: Mutex<FooterCache> = Mutex::new(BTreeMap::new());
    let fingerprint = fingerprint_at(path, embedded).map_err(|error| open_error(path, &error))?;
    // Embedded paths never start with a slash or a drive, so both kinds share one map.
    let known = CACHE.lock().unwrap_or_else(PoisonError::into_inner).get(path).cloned();
    if let Some(footer) = known.filter(|footer| footer.fingerprint == fingerprint) {
        return Ok(footer);
    }
    let footer = Arc::new(parse_footer(path, embedded, fingerprint)?);
    CACHE.lock().unwrap_or_else(PoisonError::into_inner).insert(path.to_path_buf(), footer.clone());
    Ok(footer)
}

fn parse_footer(path: &Path, embedded: bool, fingerprint: Fingerprint) -> Result<Footer, Diagnostic> {
    let mut file = SourceFile::open(path, embedded).map_err(|error| open_error(path, &error))?;
    let torn = |reason: String| {
        Diagnostic::new(
            ErrorCode::BadData,
            format!("The file {} is not a complete Parquet file: {reason}", path.display()),
        )
        .hint("it may still be being written, or its copy was interrupted")
    };
    // The parser trusts sizes inside the file in a few places: what it panics on is as torn as what it reports.
    let metadata = catch_unwind(AssertUnwindSafe(|| read_metadata(&mut file)))
        .map_err(|_| torn("its footer makes no sense".into()))?
        .map_err(|error| torn(plain(&error.to_string())))?;
    let mut columns = Vec::new();
    let mut first_leaf = 0;
    for field in metadata.schema().fields() {
        let column = column_of(field, first_leaf).map_err(|shown| {
            Diagnostic::new(
                ErrorCode::NotSupported,
                format!(
                    "Column \"{}\" of {} has the type {shown}, which is not supported",
                    field.name(),
                    path.display()
                ),
            )
        })?;
        first_leaf += column.leaves;
        columns.push(column);
    }
    if !counts_agree(&metadata, &columns, fingerprint.size) {
        return Err(torn("its footer contradicts itself".into()));
    }
    let row_groups = metadata
        .row_groups
        .iter()
        .map(|group| RowGroup {
            rows: group.num_rows() as u64,
            bytes: group.compressed_size() as u64,
            columns: columns
                .iter()
                .map(|column| {
                    let chunks = group
                        .parquet_columns()
                        .get(column.first_leaf..column.first_leaf + column.leaves)
                        .unwrap_or_default();
                    value_range(column, chunks, &metadata.footer_buf)
                })
                .collect(),
        })
        .collect();
    Ok(Footer { fingerprint, columns, row_groups, metadata })
}

/// Whether the row counts and places in a footer go together. The decoder makes buffers of the sizes it finds there, and
/// one that is far off would end the process.
fn counts_agree(metadata: &FileMetadata, columns: &[ParquetColumn], file_bytes: u64) -> bool {
    let group_agrees = |group: &RowGroupMetadata| {
        let chunks = group.parquet_columns();
        let inside = chunks.iter().all(|chunk| {
            let sizes = [chunk.data_page_offset(), chunk.compressed_size(), chunk.uncompressed_size()];
            sizes.iter().all(|size| *size >= 0)
                && chunk.compressed_size() as u64 <= file_bytes
                && chunk.byte_range().end <= file_bytes
        });
        let flat = columns.iter().filter(|column| !matches!(column.dtype, DataType::List(_) | DataType::Struct(_)));
        inside
            && flat
                .filter_map(|column| chunks.get(column.first_leaf))
                .all(|chunk| u64::try_from(chunk.num_values()).is_ok_and(|values| values == group.num_rows() as u64))
    };
    let rows = metadata.row_groups.iter().try_fold(0usize, |sum, group| sum.checked_add(group.num_rows()));
    rows == Some(metadata.num_rows) && metadata.row_groups.iter().all(group_agrees)
}

/// The reason without the parser's prefix (`File out of specification: `).
fn plain(reason: &str) -> String {
    reason.rsplit_once(": ").map_or(reason, |(_, tail)| tail).trim_end_matches('.').to_string()
}

impl Footer {
    /// Rows of the whole file.
    pub fn rows(&self) -> u64 {
        self.row_groups.iter().map(|group| group.rows).sum()
    }

    /// The columns' names and types, in file order.
    pub fn schema(&self) -> impl Iterator<Item = (&str, &DataType)> {
        self.columns.iter().map(|column| (column.name.as_str(), &column.dtype))
    }
}

fn value_range(column: &ParquetColumn, chunks: &[ColumnChunkMetadata], footer: &[u8]) -> ValueRange {
    let bytes = chunks.iter().map(|chunk| chunk.uncompressed_size().max(0) as u64).sum();
    // What is noted about a leaf of a list counts items, not rows.
    let nested = matches!(column.dtype, DataType::List(_) | DataType::Struct(_));
    let [chunk] = chunks else { return ValueRange { bytes, ..ValueRange::default() } };
    if nested {
        return ValueRange { bytes, ..ValueRange::default() };
    }
    let Some(Ok(statistics)) = chunk.statistics(footer) else { return ValueRange { bytes, ..ValueRange::default() } };
    let count = |value: Option<i64>| value.and_then(|value| u64::try_from(value).ok());
    let nulls = count(statistics.null_count());
    let (min, max, distinct) = match statistics {
        Statistics::Boolean(s) => (s.min_value.map(Value::Boolean), s.max_value.map(Value::Boolean), s.distinct_count),
        Statistics::Int32(s) => {
            let int = |value: i32| column.statistic(i64::from(value));
            (s.min_value.and_then(int), s.max_value.and_then(int), s.distinct_count)
        }
        Statistics::Int64(s) => {
            let int = |value: i64| column.statistic(value);
            (s.min_value.and_then(int), s.max_value.and_then(int), s.distinct_count)
        }
        Statistics::Float(s) => {
            let float = |value: f32| Value::Float(f64::from(value));
            (s.min_value.map(float), s.max_value.map(float), s.distinct_count)
        }
        Statistics::Double(s) => (s.min_value.map(Value::Float), s.max_value.map(Value::Float), s.distinct_count),
        Statistics::Binary(s) if column.dtype == DataType::Varchar => {
            let text = |value: Vec<u8>| String::from_utf8(value).ok().map(Value::Varchar);
            (s.min_value.and_then(text), s.max_value.and_then(text), s.distinct_count)
        }
        Statistics::FixedLen(s) if matches!(column.dtype, DataType::Decimal { .. }) => {
            let decimal = |value: Vec<u8>| big_endian(&value).map(Value::Int);
            (s.min_value.and_then(decimal), s.max_value.and_then(decimal), s.distinct_count)
        }
        Statistics::Binary(_) | Statistics::FixedLen(_) | Statistics::Int96(_) => (None, None, None),
    };
    ValueRange { min, max, nulls, distinct: count(distinct), bytes }
}

/// A two's complement number of at most 16 bytes.
fn big_endian(bytes: &[u8]) -> Option<i128> {
    let first = *bytes.first()?;
    if bytes.len() > 16 {
        return None;
    }
    let sign = if first >= 0x80 { -1i128 } else { 0 };
    Some(bytes.iter().fold(sign, |value, byte| (value << 8) | i128::from(*byte)))
}

#[cfg(test)]
mod tests {
    use super::big_endian;

    #[test]
    fn decimals_in_bytes_keep_their_sign() {
        assert_eq!(big_endian(&[0x01, 0x00]), Some(256));
        assert_eq!(big_endian(&[0xff, 0xfe]), Some(-2));
        assert_eq!(big_endian(&[]), None);
    }
}
