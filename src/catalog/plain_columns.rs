//! Writes plain Rust columns as a Parquet file: what the sample data, the benchmark tables and the tests' own files are made with.

use polars::prelude::*;
use std::fs::File;
use std::io::BufWriter;
use std::path::Path;

/// The values of one column; None is NULL.
#[derive(Debug, Clone)]
pub enum ColumnData {
    Boolean(Vec<Option<bool>>),
    Int32(Vec<Option<i32>>),
    Int64(Vec<Option<i64>>),
    Double(Vec<Option<f64>>),
    /// Unscaled values: 12.34 with scale 2 is 1234.
    Decimal {
        precision: usize,
        scale: usize,
        values: Vec<Option<i64>>,
    },
    /// Days since 1970-01-01.
    Date(Vec<Option<i32>>),
    /// Microseconds since 1970-01-01 00:00:00, without a time zone.
    Timestamp(Vec<Option<i64>>),
    Text(Vec<Option<String>>),
}

impl ColumnData {
    /// How many values there are.
    pub(super) fn len(&self) -> usize {
        match self {
            ColumnData::Boolean(values) => values.len(),
            ColumnData::Int32(values) | ColumnData::Date(values) => values.len(),
            ColumnData::Int64(values) | ColumnData::Timestamp(values) => values.len(),
            ColumnData::Double(values) => values.len(),
            ColumnData::Decimal { values, .. } => values.len(),
            ColumnData::Text(values) => values.len(),
        }
    }

    fn to_column(&self, name: &str) -> PolarsResult<Column> {
        let name = PlSmallStr::from_str(name);
        let series = match self {
            ColumnData::Boolean(values) => Series::new(name, values),
            ColumnData::Int32(values) => Series::new(name, values),
            ColumnData::Int64(values) => Series::new(name, values),
            ColumnData::Double(values) => Series::new(name, values),
            ColumnData::Decimal { precision, scale, values } => {
                let wide = Int128Chunked::from_iter_options(name, values.iter().map(|value| value.map(i128::from)));
                wide.into_decimal(*precision, *scale)?.into_series()
            }
            ColumnData::Date(values) => Series::new(name, values).into_date(),
            ColumnData::Timestamp(values) => Series::new(name, values).into_datetime(TimeUnit::Microseconds, None),
            ColumnData::Text(values) => Series::new(name, values),
        };
        Ok(series.into())
    }
}

/// Named columns of equal length.
pub type Columns = Vec<(&'static str, ColumnData)>;

/// Writes `columns` to `path` in row groups of `row_group_rows` rows.
pub fn write_parquet(path: &Path, columns: &Columns, row_group_rows: usize) -> PolarsResult<()> {
    let whole = frame(columns)?;
    let starts = (0..whole.height()).step_by(row_group_rows);
    write_frames(path, starts.map(|start| Ok(whole.slice(start as i64, row_group_rows))))
}

/// Writes each of `groups` as one row group of `path`; there is at least one, and all have the same columns.
pub fn write_row_groups(path: &Path, groups: impl Iterator<Item = Columns>) -> PolarsResult<()> {
    write_frames(path, groups.map(|columns| frame(&columns)))
}

fn frame(columns: &Columns) -> PolarsResult<DataFrame> {
    let columns = columns.iter().map(|(name, data)| data.to_column(name)).collect::<PolarsResult<Vec<Column>>>()?;
    DataFrame::new_infer_height(columns)
}

fn write_frames(path: &Path, frames: impl Iterator<Item = PolarsResult<DataFrame>>) -> PolarsResult<()> {
    let mut frames = frames.peekable();
    let schema = match frames.peek() {
        Some(Ok(first)) => first.schema().clone(),
        Some(Err(_)) | None => polars_bail!(NoData: "{} would have no row group", path.display()),
    };
    let file = BufWriter::new(File::create(path)?);
    let mut writer = ParquetWriter::new(file)
        .with_compression(ParquetCompression::Zstd(None))
        .with_statistics(StatisticsOptions::default())
        .set_parallel(false)
        .batched(&schema)?;
    for group in frames {
        let mut group = group?;
        group.rechunk_mut();
        writer.write_batch(&group)?;
    }
    writer.finish()?;
    Ok(())
}
