//! Parquet from physical columns, a row group at a time, on the calling thread.
//!
//! Types that Parquet does not have (HUGEINT, INTERVAL) are written as DECIMAL(38,0), which keeps their 128 bits; a warehouse
//! table knows from its manifest what they are.

use super::{Compression, WriteError};
use crate::journal::{ErrorCode, TaskError};
use crate::sql::DataType;
use polars::datatypes::{ArrowDataType, ArrowTimeUnit};
use polars::prelude::{ArrowField, DataFrame, PlSmallStr, Series};
use polars_arrow::array::{Array, ListArray, PrimitiveArray, StructArray};
use polars_arrow::datatypes::ArrowSchema;
use polars_arrow::record_batch::RecordBatchT;
use polars_parquet::write::{
    CompressionOptions, Encoding, FileWriter, StatisticsOptions, Version, WriteOptions, ZstdLevel, get_dtype_encoding,
    row_group_iter, to_parquet_schema,
};
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// A Parquet file that is being written to `W`.
pub struct ParquetFile<W: Write> {
    writer: FileWriter<W>,
    schema: Arc<ArrowSchema>,
    encodings: Vec<Vec<Encoding>>,
    options: WriteOptions,
    dtypes: Vec<DataType>,
    /// Rows of the row group to come.
    pending: Vec<DataFrame>,
    pending_rows: usize,
    row_group_rows: usize,
}

impl<W: Write> ParquetFile<W> {
    /// Begins a file of these columns, whose names differ. NOT_SUPPORTED for types that Parquet cannot hold.
    pub fn new(
        sink: W,
        columns: &[(String, DataType)],
        compression: Compression,
        row_group_rows: usize,
    ) -> Result<ParquetFile<W>, TaskError> {
        let compression = match compression {
            Compression::None => CompressionOptions::Uncompressed,
            Compression::Snappy => CompressionOptions::Snappy,
            Compression::Gzip => CompressionOptions::Gzip(None),
            Compression::Zstd => CompressionOptions::Zstd(Some(ZstdLevel::try_new(3)?)),
        };
        let options = WriteOptions {
            statistics: StatisticsOptions::default(),
            compression,
            version: Version::V1,
            data_page_size: None,
        };
        let mut fields = Vec::with_capacity(columns.len());
        for (name, dtype) in columns {
            fields.push(ArrowField::new(PlSmallStr::from_str(name), stored_type(dtype), true));
        }
        let encodings = fields.iter().map(|field| get_dtype_encoding(&field.dtype)).collect();
        let schema: ArrowSchema = fields.into_iter().map(|field| (field.name.clone(), field)).collect();
        Ok(ParquetFile {
            writer: FileWriter::try_new(sink, schema.clone(), options)?,
            schema: Arc::new(schema),
            encodings,
            options,
            dtypes: columns.iter().map(|(_, dtype)| dtype.clone()).collect(),
            pending: Vec::new(),
            pending_rows: 0,
            row_group_rows: row_group_rows.max(1),
        })
    }

    /// Appends rows: columns by position, physical types.
    pub fn write(&mut self, rows: &DataFrame) -> Result<(), WriteError> {
        let mut from = 0;
        while from < rows.height() {
            let length = (rows.height() - from).min(self.row_group_rows - self.pending_rows);
            self.pending.push(rows.slice(from as i64, length));
            self.pending_rows += length;
            from += length;
            if self.pending_rows == self.row_group_rows {
                self.row_group()?;
            }
        }
        Ok(())
    }

    /// Writes the last row group and the footer; the sink again, not flushed.
    pub fn finish(mut self) -> Result<W, WriteError> {
        self.row_group()?;
        // The Arrow schema is left out: readers that find it take its types over Parquet's own.
        self.writer.end(Some(Vec::new())).map_err(write_failed)?;
        Ok(self.writer.into_inner())
    }

    /// Writes what is pending as one row group.
    fn row_group(&mut self) -> Result<(), WriteError> {
        let frames = std::mem::take(&mut self.pending);
        let rows = std::mem::take(&mut self.pending_rows);
        if rows == 0 {
            return Ok(());
        }
        let mut arrays = Vec::with_capacity(self.dtypes.len());
        for (index, dtype) in self.dtypes.iter().enumerate() {
            let mut parts = frames.iter().filter_map(|frame| frame.columns().get(index));
            let first = parts.next().ok_or_else(|| TaskError::bug("a batch lacks a column of its file"))?;
            let mut whole: Series = first.as_materialized_series().clone();
            for part in parts {
                whole.append(part.as_materialized_series()).map_err(TaskError::from)?;
            }
            arrays.push(stored(whole.rechunk().chunks()[0].clone(), dtype)?);
        }
        let batch = RecordBatchT::try_new(rows, self.schema.clone(), arrays).map_err(TaskError::from)?;
        let fields = to_parquet_schema(&self.schema).map_err(TaskError::from)?.fields().to_vec();
        // The encoder unwraps its own errors.
        let written = catch_unwind(AssertUnwindSafe(|| {
            let group = row_group_iter(batch, self.encodings.clone().into(), fields, self.options);
            self.writer.write(rows as u64, group)
        }));
        match written {
            Ok(result) => result.map_err(write_failed),
            Err(_) => Err(TaskError::bug("a row group could not be encoded").into()),
        }
    }
}

/// The encoder fails where the disk does: its columns were checked when the file was begun.
fn write_failed(error: polars::error::PolarsError) -> WriteError {
    let text = error.to_string();
    let reason = text.rsplit_once(": ").map_or(text.as_str(), |(_, reason)| reason);
    TaskError::user(ErrorCode::OutputFailed, reason.to_string()).into()
}

/// How Parquet holds a type.
fn stored_type(dtype: &DataType) -> ArrowDataType {
    use ArrowDataType as A;
    match dtype {
        DataType::Date => A::Date32,
        DataType::Time => A::Time64(ArrowTimeUnit::Microsecond),
        DataType::TimestampNs => A::Timestamp(ArrowTimeUnit::Nanosecond, None),
        timestamp if timestamp.is_timestamp() => A::Timestamp(ArrowTimeUnit::Microsecond, None),
        DataType::TimestampTz => A::Timestamp(ArrowTimeUnit::Microsecond, Some(PlSmallStr::from_static("UTC"))),
        DataType::Decimal { precision, scale } => A::Decimal((*precision).into(), (*scale).into()),
        DataType::List(item) => {
            A::LargeList(Box::new(ArrowField::new(PlSmallStr::from_static("element"), stored_type(item), true)))
        }
        DataType::Map(key, value) => stored_type(&DataType::entries(key, value)),
        DataType::Struct(fields) => A::Struct(
            fields
                .iter()
                .map(|(name, dtype)| ArrowField::new(PlSmallStr::from_str(name), stored_type(dtype), true))
                .collect(),
        ),
        other => match other.physical().to_arrow(polars::prelude::CompatLevel::newest()) {
            A::Int128 => A::Decimal(38, 0),
            plain => plain,
        },
    }
}

/// A physical array as it is stored: the same numbers under the type that Parquet knows.
fn stored(array: Box<dyn Array>, dtype: &DataType) -> Result<Box<dyn Array>, TaskError> {
    let lost = || TaskError::bug(format!("a column of {dtype} is not made of the physical type"));
    let target = stored_type(dtype);
    if let Some(wide) = array.as_any().downcast_ref::<PrimitiveArray<i128>>() {
        return Ok(wide.clone().to(target).boxed());
    }
    Ok(match dtype {
        DataType::Decimal { .. } => {
            let units = array.as_any().downcast_ref::<PrimitiveArray<i64>>().ok_or_else(lost)?;
            let wide: Vec<i128> = units.values().iter().map(|units| i128::from(*units)).collect();
            PrimitiveArray::new(target, wide.into(), units.validity().cloned()).boxed()
        }
        DataType::Date => {
            array.as_any().downcast_ref::<PrimitiveArray<i32>>().ok_or_else(lost)?.clone().to(target).boxed()
        }
        moment if moment.is_temporal() => {
            array.as_any().downcast_ref::<PrimitiveArray<i64>>().ok_or_else(lost)?.clone().to(target).boxed()
        }
        DataType::List(item) => {
            let list = array.as_any().downcast_ref::<ListArray<i64>>().ok_or_else(lost)?;
            let values = stored(list.values().clone(), item)?;
            ListArray::new(target, list.offsets().clone(), values, list.validity().cloned()).boxed()
        }
        DataType::Map(key, value) => stored(array, &DataType::entries(key, value))?,
        DataType::Struct(fields) => {
            let parts = array.as_any().downcast_ref::<StructArray>().ok_or_else(lost)?;
            let values = parts
                .values()
                .iter()
                .zip(fields)
                .map(|(values, (_, dtype))| stored(values.clone(), dtype))
                .collect::<Result<_, _>>()?;
            StructArray::new(target, parts.len(), values, parts.validity().cloned()).boxed()
        }
        _ => array,
    })
}
