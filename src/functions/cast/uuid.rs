//! UUIDs: their text, and the 16 bytes of a blob.

use super::cannot_cast;
use crate::functions::RowError;
use crate::functions::columns::{Numbers, Rows, numbers_by_row};
use crate::journal::TaskError;
use crate::sql::{DataType, Value};
use polars::prelude::{BinaryChunked, Column, Int128Type, IntoColumn};

/// Turning the top bit over makes the order of the signed number that of the bits.
const TOP_BIT: u128 = 1 << 127;

/// The kernel form of the bits of a UUID.
pub(crate) fn pack(bits: u128) -> i128 {
    (bits ^ TOP_BIT) as i128
}

/// The inverse of [`pack`].
pub(crate) fn unpack(value: i128) -> u128 {
    value as u128 ^ TOP_BIT
}

/// 32 hexadecimal digits, of which pairs may be parted by hyphens, in braces or not.
pub(crate) fn parse(text: &str) -> Option<i128> {
    let text = text.trim();
    let inner = text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap_or(text);
    let (mut bits, mut digits) = (0u128, 0);
    let mut after_hyphen = true;
    for c in inner.chars() {
        if c == '-' {
            if after_hyphen || digits % 2 != 0 {
                return None;
            }
            after_hyphen = true;
            continue;
        }
        bits = bits << 4 | u128::from(c.to_digit(16)?);
        digits += 1;
        after_hyphen = false;
        if digits > 32 {
            return None;
        }
    }
    (digits == 32 && !after_hyphen).then(|| pack(bits))
}

/// `6ba7b810-9dad-11d1-80b4-00c04fd430c8`.
pub(crate) fn format(value: i128) -> String {
    let digits = format!("{:032x}", unpack(value));
    [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]].join("-")
}

/// The 16 bytes of each UUID.
pub(super) fn to_blob(column: &Column) -> Result<Column, RowError> {
    let values = Numbers::<Int128Type>::of(column)?;
    let blobs = (0..column.len()).map(|row| values.get(row).map(|value| unpack(value).to_be_bytes()));
    Ok(BinaryChunked::from_iter(blobs).into_column())
}

/// Blobs of 16 bytes; others are errors, or NULL if `lenient`.
pub(super) fn from_blob(column: &Column, lenient: bool) -> Result<Column, RowError> {
    let series = column.as_materialized_series();
    let blobs = series.binary().map_err(TaskError::from)?;
    numbers_by_row::<Int128Type>(column.len(), |row| {
        let Some(bytes) = blobs.get(row) else { return Ok(None) };
        match <[u8; 16]>::try_from(bytes) {
            Ok(bytes) => Ok(Some(pack(u128::from_be_bytes(bytes)))),
            Err(_) if lenient => Ok(None),
            Err(_) => Err(cannot_cast(&Value::Blob(bytes.to_vec()), &DataType::Blob, &DataType::Uuid)),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_read_in_every_form_and_ordered_as_their_bits() {
        let text = "6ba7b810-9dad-11d1-80b4-00c04fd430c8";
        let value = parse(text).unwrap();
        assert_eq!(format(value), text);
        assert_eq!(parse("{6BA7B810-9DAD-11D1-80B4-00C04FD430C8}"), Some(value));
        assert_eq!(parse("6ba7b8109dad11d180b400c04fd430c8"), Some(value));
        assert_eq!(parse("6ba7b810-9dad-11d1-80b4-00c04fd430c"), None);
        assert!(parse("ffffffff-0000-0000-0000-000000000000") > parse("0fffffff-0000-0000-0000-000000000000"));
    }
}
