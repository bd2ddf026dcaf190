//! The fixed hash of values: the same in every run and process, over canonical values.
//!
//! It decides which partition of an exchange a row goes to and what a block's checksum is, so it may never change between two
//! attempts of a task; the golden vectors in the tests keep it. NULL is a value of its own, -0.0 is 0.0, all NaNs are one,
//! and an integer hashes alike in every width.

use super::columns;
use crate::journal::TaskError;
use polars::prelude::*;
use polars_arrow::array::{Array, BinaryViewArrayGeneric, View, ViewType};
use xxhash_rust::xxh3::xxh3_64;

const SEED: u64 = 0x9E37_79B9_7F4A_7C15;
const FACTOR: u64 = 0xA076_1D64_78BD_642F;
const NULL: u64 = 0xE703_7ED1_A0B4_28DB;

/// Multiplies to 128 bits and folds the halves together: one multiplication that mixes every bit.
#[inline(always)]
pub fn fold(a: u64, b: u64) -> u64 {
    let product = (a as u128).wrapping_mul(b as u128);
    (product as u64) ^ ((product >> 64) as u64)
}

/// Mixes one more word into a hash.
#[inline(always)]
pub fn combine(hash: u64, word: u64) -> u64 {
    fold(hash ^ word ^ SEED, FACTOR)
}

/// The one bit pattern of a floating-point value: -0.0 is 0.0, and every NaN is the same.
#[inline(always)]
pub fn canonical_bits(value: f64) -> u64 {
    if value.is_nan() {
        0x7FF8_0000_0000_0000
    } else if value == 0.0 {
        0
    } else {
        value.to_bits()
    }
}

/// The word that stands for a wide integer: itself where it fits 64 bits.
#[inline(always)]
fn wide_word(value: i128) -> u64 {
    if value as i64 as i128 == value { value as u64 } else { combine(value as u64, (value >> 64) as u64) }
}

/// The word that stands for a text: short ones by their view, which is canonical up to 12 bytes, longer ones by their bytes.
#[inline(always)]
pub fn view_word(view: &View, bytes: impl FnOnce() -> u64) -> u64 {
    if view.is_inline() {
        let whole = view.as_u128();
        combine(whole as u64, (whole >> 64) as u64)
    } else {
        bytes()
    }
}

/// Calls `each(row, word)` with the word of every value of a column.
fn for_each_word(column: &Column, mut each: impl FnMut(usize, u64)) -> Result<(), TaskError> {
    let series = columns::one_chunk(column);
    macro_rules! numeric {
        ($array:expr, $word:expr) => {{
            let array = $array;
            let values = array.values().as_slice();
            match array.validity().filter(|v| v.unset_bits() > 0) {
                None => values.iter().enumerate().for_each(|(row, v)| each(row, $word(*v))),
                Some(valid) => values
                    .iter()
                    .zip(valid.iter())
                    .enumerate()
                    .for_each(|(row, (v, ok))| each(row, if ok { $word(*v) } else { NULL })),
            }
        }};
    }
    match series.dtype() {
        DataType::Boolean => {
            for (row, value) in series.bool()?.iter().enumerate() {
                each(row, value.map_or(NULL, |v| v as u64));
            }
        }
        DataType::Int8 => numeric!(series.i8()?.downcast_as_array(), |v: i8| v as i64 as u64),
        DataType::Int16 => numeric!(series.i16()?.downcast_as_array(), |v: i16| v as i64 as u64),
        DataType::Int32 => numeric!(series.i32()?.downcast_as_array(), |v: i32| v as i64 as u64),
        DataType::Int64 => numeric!(series.i64()?.downcast_as_array(), |v: i64| v as u64),
        DataType::Int128 => numeric!(series.i128()?.downcast_as_array(), wide_word),
        DataType::UInt8 => numeric!(series.u8()?.downcast_as_array(), |v: u8| v as u64),
        DataType::UInt16 => numeric!(series.u16()?.downcast_as_array(), |v: u16| v as u64),
        DataType::UInt32 => numeric!(series.u32()?.downcast_as_array(), |v: u32| v as u64),
        DataType::UInt64 => numeric!(series.u64()?.downcast_as_array(), |v: u64| wide_word(v as i128)),
        DataType::Float32 => numeric!(series.f32()?.downcast_as_array(), |v: f32| canonical_bits(v as f64)),
        DataType::Float64 => numeric!(series.f64()?.downcast_as_array(), canonical_bits),
        DataType::String => for_each_view(series.str()?.downcast_as_array(), |s| s.as_bytes(), each),
        DataType::Binary => for_each_view(series.binary()?.downcast_as_array(), |s| s, each),
        _ => {
            // Nested values are hashed by the byte string that stands for them.
            let encoded = columns::encode_nested(&series)?;
            for_each_view(encoded.downcast_as_array(), |s| s, each);
        }
    }
    Ok(())
}

fn for_each_view<T: ViewType + ?Sized>(
    array: &BinaryViewArrayGeneric<T>,
    bytes: impl Fn(&T) -> &[u8],
    mut each: impl FnMut(usize, u64),
) {
    for (row, view) in array.views().iter().enumerate() {
        let word = if array.is_null(row) { NULL } else { view_word(view, || xxh3_64(bytes(array.value(row)))) };
        each(row, word);
    }
}

/// The hash of each row over `keys`, in order of the keys.
pub fn hash_rows(keys: &[&Column], rows: usize) -> Result<Vec<u64>, TaskError> {
    let mut hashes = vec![SEED; rows];
    for key in keys {
        for_each_word(key, |row, word| hashes[row] = combine(hashes[row], word))?;
    }
    Ok(hashes)
}

/// The partition of a hash: its place among `partitions` equal shares of the hash range.
#[inline(always)]
pub fn partition_of(hash: u64, partitions: u32) -> u32 {
    ((hash as u128 * partitions as u128) >> 64) as u32
}

/// A number for the values of a frame at their positions, whatever the buffers behind them look like.
pub fn checksum(frame: &DataFrame) -> Result<u64, TaskError> {
    let mut sum = combine(SEED, frame.height() as u64);
    for column in frame.columns() {
        let mut of_column = 0u64;
        for_each_word(column, |row, word| {
            of_column = of_column.wrapping_add(fold(word ^ FACTOR, (row as u64).wrapping_mul(SEED) | 1));
        })?;
        sum = combine(sum, of_column);
    }
    Ok(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hashes(column: Column) -> Vec<u64> {
        hash_rows(&[&column], column.len()).unwrap()
    }

    #[test]
    fn equal_values_hash_alike_in_every_width_and_spelling() {
        let narrow = hashes(Column::new("a".into(), [1i32, -7]));
        let wide = hashes(Column::new("a".into(), [1i128, -7]));
        assert_eq!(narrow, wide);
        let zeros = hashes(Column::new("a".into(), [0.0f64, -0.0]));
        assert_eq!(zeros[0], zeros[1]);
        let nans = hashes(Column::new("a".into(), [f64::NAN, -f64::NAN]));
        assert_eq!(nans[0], nans[1]);
    }

    #[test]
    fn a_checksum_sees_values_and_their_places_but_not_their_buffers() {
        let frame = |values: &[&str]| DataFrame::new(values.len(), vec![Column::new("c0".into(), values)]).unwrap();
        let long = "a text of more than twelve bytes";
        let one = checksum(&frame(&["a", long])).unwrap();
        assert_eq!(one, checksum(&frame(&["x", "a", long]).slice(1, 2)).unwrap());
        assert_ne!(one, checksum(&frame(&[long, "a"])).unwrap());
        assert_ne!(one, checksum(&frame(&["a", "a"])).unwrap());
    }
}
