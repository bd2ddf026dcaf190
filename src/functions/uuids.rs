//! Functions of UUIDs: new ones, and what an old one says.

use super::RowError;
use super::cast::uuid::{pack, unpack};
use super::columns::{Numbers, Rows, numbers, numbers_by_row, result_length};
use super::random::draw;
use crate::journal::{ErrorCode, TaskError};
use crate::sql::DataType;
use polars::prelude::{Column, Int64Type, Int128Type, UInt32Type};

/// The bits of the version, and those that say that there is one (RFC 9562).
const VERSION_MASK: u128 = 0xf << 76;
const VARIANT_MASK: u128 = 0b11 << 62;

fn version_of(bits: u128) -> u32 {
    (bits >> 76 & 0xf) as u32
}

/// `uuid()`: another one for every row, drawn as `random()` is.
pub(super) fn random(_: &[Column], _: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    let next = || {
        let bits = u128::from(draw()) << 64 | u128::from(draw());
        pack(bits & !VERSION_MASK & !VARIANT_MASK | 4 << 76 | 0b10 << 62)
    };
    Ok(numbers::<Int128Type>((0..rows).map(|_| next()).collect(), None))
}

/// `uuid_extract_version(uuid)`.
pub(super) fn version(args: &[Column], _: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    let values = Numbers::<Int128Type>::of(&args[0])?;
    numbers_by_row::<UInt32Type>(result_length(args, rows), |row| {
        Ok(values.get(row).map(|value| version_of(unpack(value))))
    })
}

/// `uuid_extract_timestamp(uuid)`: when a UUID of version 7 was made.
pub(super) fn timestamp(args: &[Column], _: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    let values = Numbers::<Int128Type>::of(&args[0])?;
    numbers_by_row::<Int64Type>(result_length(args, rows), |row| {
        let Some(bits) = values.get(row).map(unpack) else { return Ok(None) };
        match version_of(bits) {
            7 => Ok(Some((bits >> 80) as i64 * 1000)),
            other => {
                let message = format!("A UUID of version {other} says no time; those of version 7 do");
                Err(TaskError::user(ErrorCode::InvalidArguments, message))
            }
        }
    })
}
