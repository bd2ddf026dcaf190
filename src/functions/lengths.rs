//! Intervals are equal, and in order, by their length, with months of 30 days: so it is lengths that are compared, sorted,
//! hashed and grouped, in place of intervals and inside lists, structs and maps.

use super::RowError;
use super::columns::{Numbers, numbers};
use super::nested::{Lists, fields_of, struct_column, validity_of};
use crate::journal::TaskError;
use crate::sql::DataType;
use crate::sql::types::Interval;
use polars::prelude::{Column, Int128Type, IntoColumn};

/// `interval_micros(x)`: what a value of the type of `x`, an interval or a nested value with intervals, is compared by.
pub(super) fn interval_micros(args: &[Column], types: &[DataType], _: &DataType, _: usize) -> Result<Column, RowError> {
    Ok(by_length(&args[0], &types[0])?)
}

/// The column with the lengths of intervals in their place, of the type [`DataType::by_length`].
pub fn by_length(column: &Column, t: &DataType) -> Result<Column, TaskError> {
    if t.by_length().is_none() {
        return Ok(column.clone());
    }
    match t {
        DataType::Interval => {
            let packed = Numbers::<Int128Type>::of(column)?;
            let lengths = packed.values().iter().map(|&bits| length(Interval::unpack(bits))).collect();
            Ok(numbers::<Int128Type>(lengths, packed.validity(column.len())))
        }
        DataType::Struct(fields) => {
            let parts = fields_of(column)?.into_iter().zip(fields);
            let parts = parts.map(|(part, (_, t))| by_length(&part.into_column(), t)).collect::<Result<Vec<_>, _>>()?;
            struct_column(fields, &parts, column.len(), validity_of(column))
        }
        _ => {
            let item = t.item().ok_or_else(|| TaskError::bug(format!("intervals inside the type {t}")))?;
            let lists = Lists::of(column, &item)?;
            let items = by_length(&lists.items().clone().into_column(), &item)?;
            lists.with_items(items.take_materialized_series())
        }
    }
}

/// In microseconds.
fn length(interval: Interval) -> i128 {
    let days = i128::from(interval.months) * 30 + i128::from(interval.days);
    days * i128::from(super::calendar::MICROS_PER_DAY) + i128::from(interval.micros)
}
