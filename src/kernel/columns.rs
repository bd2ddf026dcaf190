//! Small things that every operator does with columns and frames, on the calling thread.

use crate::functions::nested;
use crate::journal::TaskError;
use crate::plan::{ColumnId, expr::ColumnDef};
use polars::prelude::*;
use polars_arrow::array::BinaryViewArray;

/// A frame of these columns, all of `height` rows.
pub fn frame(height: usize, columns: Vec<Column>) -> DataFrame {
    debug_assert!(columns.iter().all(|c| c.len() == height));
    // SAFETY: lengths are equal, and names are unique because column ids are.
    unsafe { DataFrame::new_unchecked(height, columns) }
}

/// A frame without rows.
pub fn empty(defs: &[ColumnDef]) -> DataFrame {
    nulls(defs, 0)
}

/// A frame of `height` rows of NULLs.
pub fn nulls(defs: &[ColumnDef], height: usize) -> DataFrame {
    let column = |def: &ColumnDef| Column::full_null(def.id.name().into(), height, &def.dtype.physical());
    frame(height, defs.iter().map(column).collect())
}

/// The column of this identity.
pub fn find(frame: &DataFrame, id: ColumnId) -> Result<&Column, TaskError> {
    let name = id.name();
    frame
        .columns()
        .iter()
        .find(|c| c.name().as_str() == name)
        .ok_or_else(|| TaskError::bug(format!("the operator reads {name}, which its input does not have")))
}

/// Exactly these columns, in this order.
pub fn select(input: &DataFrame, ids: &[ColumnId]) -> Result<DataFrame, TaskError> {
    let columns = ids.iter().map(|id| find(input, *id).cloned()).collect::<Result<_, _>>()?;
    Ok(frame(input.height(), columns))
}

/// A computed column under its own name: a constant is repeated to `height`.
pub fn fit(column: Column, id: ColumnId, height: usize) -> Column {
    let column = column.with_name(id.name().into());
    if column.len() == 1 && height != 1 { column.new_from_index(0, height) } else { column }
}

/// The column as a series of one chunk.
pub fn one_chunk(column: &Column) -> Series {
    column.as_materialized_series().rechunk()
}

/// The rows at these places, in their order.
pub fn take(input: &DataFrame, rows: &[IdxSize]) -> DataFrame {
    let columns = input.columns().iter().map(|c| take_column(c, rows)).collect();
    frame(rows.len(), columns)
}

/// The values at these places, in their order.
pub fn take_column(column: &Column, rows: &[IdxSize]) -> Column {
    if column.dtype().is_nested() {
        return nested::take(column.as_materialized_series(), rows).into();
    }
    // SAFETY: operators make places from the rows of the same frame.
    unsafe { column.take_slice_unchecked(rows) }
}

/// The values at these places; NULL where the place is `IdxSize::MAX`.
pub fn take_column_or_null(column: &Column, rows: &[IdxSize]) -> Column {
    if column.dtype().is_nested() {
        return nested::take(column.as_materialized_series(), rows).into();
    }
    let places: IdxCa = rows.iter().map(|row| (*row != IdxSize::MAX).then_some(*row)).collect();
    // SAFETY: operators make places from the rows of the same frame.
    unsafe { column.take_unchecked(&places) }
}

/// The rows where the mask is true.
pub fn filter(input: &DataFrame, mask: &BooleanChunked) -> Result<DataFrame, TaskError> {
    if mask.num_trues() == input.height() && mask.len() == input.height() {
        return Ok(input.clone());
    }
    if input.columns().iter().any(|column| column.dtype().is_nested()) {
        let rows: Vec<IdxSize> =
            mask.iter().enumerate().filter(|(_, kept)| *kept == Some(true)).map(|(row, _)| row as IdxSize).collect();
        return Ok(take(input, &rows));
    }
    Ok(input.filter_seq(mask)?)
}

/// The first `length` rows from `offset`. Few rows of many are copied, so that they do not keep the rest alive.
pub fn slice(input: &DataFrame, offset: usize, length: usize) -> DataFrame {
    if length * 2 < input.height() {
        let rows: Vec<IdxSize> = (offset as IdxSize..(offset + length) as IdxSize).collect();
        take(input, &rows)
    } else {
        input.slice(offset as i64, length)
    }
}

/// All rows, one frame after the other, one chunk per column.
pub fn concat(frames: &[DataFrame], defs: &[ColumnDef]) -> Result<DataFrame, TaskError> {
    let mut filled = frames.iter().filter(|f| f.height() > 0);
    let Some(first) = filled.next() else { return Ok(empty(defs)) };
    let mut columns: Vec<Series> = first.columns().iter().map(|c| c.as_materialized_series().clone()).collect();
    let mut height = first.height();
    for next in filled {
        height += next.height();
        for (column, more) in columns.iter_mut().zip(next.columns()) {
            column.append(more.as_materialized_series())?;
        }
    }
    Ok(frame(height, columns.into_iter().map(|c| c.rechunk().into()).collect()))
}

/// What the values of a frame take, in bytes, whatever its buffers hold.
pub fn logical_bytes(frame: &DataFrame) -> u64 {
    frame.columns().iter().map(column_bytes).sum()
}

fn column_bytes(column: &Column) -> u64 {
    let rows = column.len() as u64;
    match column.dtype() {
        DataType::Boolean => rows.div_ceil(8),
        DataType::String | DataType::Binary => {
            let text: u64 = binary_chunks(column).iter().map(|a| a.total_bytes_len() as u64).sum();
            text + 4 * rows
        }
        DataType::Int8 | DataType::UInt8 => rows,
        DataType::Int16 | DataType::UInt16 => rows * 2,
        DataType::Int32 | DataType::UInt32 | DataType::Float32 => rows * 4,
        DataType::Int64 | DataType::UInt64 | DataType::Float64 => rows * 8,
        DataType::Int128 => rows * 16,
        _ => column.as_materialized_series().estimated_size() as u64,
    }
}

fn binary_chunks(column: &Column) -> Vec<BinaryViewArray> {
    let series = column.as_materialized_series();
    match series.dtype() {
        DataType::String => series.str().map(|c| c.as_binary().downcast_iter().cloned().collect()).unwrap_or_default(),
        DataType::Binary => series.binary().map(|c| c.downcast_iter().cloned().collect()).unwrap_or_default(),
        _ => Vec::new(),
    }
}

/// The bytes of each text, blob or nested value of a series of one chunk.
pub fn as_bytes(series: &Series) -> Result<BinaryViewArray, TaskError> {
    Ok(match series.dtype() {
        DataType::String => series.str()?.as_binary().downcast_as_array().clone(),
        DataType::Binary => series.binary()?.downcast_as_array().clone(),
        _ => encode_nested(series)?.downcast_as_array().clone(),
    })
}

/// Lists and structs as byte strings in the order of the values, equal where the values are.
pub fn encode_nested(series: &Series) -> Result<BinaryChunked, TaskError> {
    crate::functions::encode_nested(series)
}
