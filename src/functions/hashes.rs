//! Hashes: the well-known ones as text or blob, and DuckDB's own `hash`.

use super::RowError;
use super::calendar::MICROS_PER_DAY;
use super::columns::{Bytes, Rows, blobs_by_row, numbers_by_row, result_length, texts_by_row};
use super::values::value_at;
use crate::journal::TaskError;
use crate::sql::types::Interval;
use crate::sql::{DataType, Value};
use md5::{Digest, Md5};
use polars::prelude::{Column, Int64Type, UInt64Type};
use sha1::Sha1;
use sha2::{Sha256, Sha512};
use std::fmt::Write;

/// The digest in small hexadecimal digits.
fn as_text<D: Digest>(args: &[Column], rows: usize) -> Result<Column, RowError> {
    let values = Bytes::of(&args[0])?;
    texts_by_row(result_length(args, rows), |row, out| {
        let Some(bytes) = values.get(row) else { return Ok(false) };
        for byte in D::digest(bytes).iter() {
            // Writing to a String cannot fail.
            _ = write!(out, "{byte:02x}");
        }
        Ok(true)
    })
}

macro_rules! digests {
    ($($(#[$doc:meta])* $name:ident = $digest:ty;)*) => {$(
        $(#[$doc])*
        pub(super) fn $name(args: &[Column], _: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
            as_text::<$digest>(args, rows)
        }
    )*};
}

digests! {
    /// `md5(x)`.
    md5 = Md5;
    /// `sha1(x)`.
    sha1 = Sha1;
    /// `sha256(x)`.
    sha256 = Sha256;
    /// `sha512(x)`.
    sha512 = Sha512;
}

/// `crc32(x)`, with the polynomial of zip and PNG.
pub(super) fn crc32(args: &[Column], _: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    let values = Bytes::of(&args[0])?;
    numbers_by_row::<Int64Type>(result_length(args, rows), |row| {
        Ok(values.get(row).map(|bytes| {
            let mut crc = flate2::Crc::new();
            crc.update(bytes);
            i64::from(crc.sum())
        }))
    })
}

/// `xxhash64(x)`: eight bytes, the highest first.
pub(super) fn xxh3(args: &[Column], _: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    let values = Bytes::of(&args[0])?;
    blobs_by_row(result_length(args, rows), |row, out| {
        let Some(bytes) = values.get(row) else { return Ok(false) };
        out.extend_from_slice(&xxhash_rust::xxh3::xxh3_64(bytes).to_be_bytes());
        Ok(true)
    })
}

const MULTIPLIER: u64 = 0xd6e8_feb8_6659_fd93;
/// The hash of NULL.
const OF_NULL: u64 = 13_787_848_793_156_543_929;

/// Mixes the bits of a number. Source: DuckDB's `MurmurHash64`.
fn mixed(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 32)).wrapping_mul(MULTIPLIER);
    bits = (bits ^ (bits >> 32)).wrapping_mul(MULTIPLIER);
    bits ^ (bits >> 32)
}

/// The hash of bytes. Source: DuckDB's `HashBytes`.
fn of_bytes(bytes: &[u8]) -> u64 {
    let mut state = 0xe17a_1465 ^ (bytes.len() as u64).wrapping_mul(0xc6a4_a793_5bd1_e995);
    for word in bytes.chunks(8) {
        let mut padded = [0; 8];
        padded[..word.len()].copy_from_slice(word);
        state = (state ^ u64::from_le_bytes(padded)).wrapping_mul(MULTIPLIER);
    }
    mixed(state)
}

fn of_integer(value: i128, t: &DataType) -> u64 {
    use polars::prelude::DataType as P;
    match (t, t.physical()) {
        (DataType::Interval, _) => {
            // Intervals of one length have one hash: what fills a day or a month is carried there.
            let Interval { months, days, micros } = Interval::unpack(value);
            let days = i64::from(days) + micros.div_euclid(MICROS_PER_DAY);
            let months = i64::from(months) + days.div_euclid(30);
            let (days, micros) = (days.rem_euclid(30), micros.rem_euclid(MICROS_PER_DAY));
            mixed(months as u64) ^ mixed(days as u64) ^ mixed(micros as u64)
        }
        (_, P::Int128) => mixed(value as u64) ^ mixed((value >> 64) as u64),
        // A narrow decimal is as wide as its digits need.
        (DataType::Decimal { precision, .. }, _) if *precision > 9 => mixed(value as u64),
        (_, P::Int64 | P::UInt64) if !matches!(t, DataType::Decimal { .. }) => mixed(value as u64),
        _ => mixed(u64::from(value as u32)),
    }
}

fn of_value(value: &Value, t: &DataType) -> u64 {
    match (value, t) {
        (Value::Null, _) => OF_NULL,
        (Value::Boolean(value), _) => mixed(u64::from(*value)),
        (Value::Int(value), t) => of_integer(*value, t),
        // Both zeros are one value, and so are all NaNs.
        (Value::Float(value), _) if *value == 0.0 => mixed(0),
        (Value::Float(value), DataType::Float) if value.is_nan() => mixed(u64::from(f32::NAN.to_bits())),
        (Value::Float(value), DataType::Float) => mixed(u64::from((*value as f32).to_bits())),
        (Value::Float(value), _) if value.is_nan() => mixed(f64::NAN.to_bits()),
        (Value::Float(value), _) => mixed(value.to_bits()),
        (Value::Varchar(text), _) => of_bytes(text.as_bytes()),
        (Value::Blob(bytes), _) => of_bytes(bytes),
        (Value::List(items), DataType::List(item)) => all_of(items.iter().map(|value| (value, &**item))),
        (Value::Struct(values), DataType::Struct(fields)) => {
            all_of(values.iter().zip(fields).map(|(value, (_, t))| (value, t)))
        }
        // A value whose form is not that of its type has no parts to look at.
        (value, t) => of_bytes(super::format_value(value, t).as_bytes()),
    }
}

fn combined(a: u64, b: u64) -> u64 {
    (a ^ (a >> 32)).wrapping_mul(MULTIPLIER) ^ b
}

fn all_of<'a>(mut parts: impl Iterator<Item = (&'a Value, &'a DataType)>) -> u64 {
    let Some((first, t)) = parts.next() else { return OF_NULL };
    parts.fold(of_value(first, t), |state, (value, t)| combined(state, of_value(value, t)))
}

/// `hash(...)`: of a NULL, too.
pub(super) fn hash(args: &[Column], types: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    numbers_by_row::<UInt64Type>(result_length(args, rows), |row| -> Result<Option<u64>, TaskError> {
        let values: Vec<Value> = args
            .iter()
            .zip(types)
            .map(|(column, t)| value_at(column, t, if column.len() == 1 { 0 } else { row }))
            .collect();
        Ok(Some(all_of(values.iter().zip(types))))
    })
}
