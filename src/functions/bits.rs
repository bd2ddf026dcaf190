//! Operators over the bits of integers. Shifts never lose a bit silently: they fail as DuckDB's do.

use super::arithmetic::{Integer, by_integer};
use super::columns::{
    Numbers, Rows, both_valid, map_pairs, no_number, numbers, numbers_by_row, out_of_range, result_length,
};
use super::typing::common_type;
use super::{RowError, Signature};
use crate::sql::DataType;
use polars::prelude::{Column, DataType as Physical, Int8Type, Int16Type};

/// Types of `&`, `|`, `xor`, `<<` and `>>`: both sides in one integer type.
pub(super) fn pair_typing(args: &[DataType]) -> Option<Signature> {
    let [a, b] = args else { return None };
    let integer = |t: &DataType| t.is_integer() || *t == DataType::Null;
    if !integer(a) || !integer(b) {
        return None;
    }
    let common = common_type(a, b)?;
    let common = match common {
        DataType::Null => DataType::BigInt,
        // Where both sides have to be widened, DuckDB takes its favourite type.
        DataType::SmallInt | DataType::Integer if common != *a && common != *b => DataType::BigInt,
        common => common,
    };
    Some(Signature { args: vec![common.clone(), common.clone()], result: common })
}

/// Types of `~`.
pub(super) fn not_typing(args: &[DataType]) -> Option<Signature> {
    let [t] = args else { return None };
    let t = if *t == DataType::Null { &DataType::BigInt } else { t };
    t.is_integer().then(|| Signature { args: vec![t.clone()], result: t.clone() })
}

macro_rules! bitwise {
    ($($(#[$doc:meta])* $name:ident = $operator:tt;)*) => {$(
        $(#[$doc])*
        pub(super) fn $name(args: &[Column], _: &[DataType], result: &DataType, rows: usize) -> Result<Column, RowError> {
            by_integer!(result.physical(), T => {
                let length = result_length(args, rows);
                let (a, b) = (Numbers::<T>::of(&args[0])?, Numbers::<T>::of(&args[1])?);
                let validity = both_valid(a.validity(length), b.validity(length));
                Ok(numbers::<T>(map_pairs(a.values(), b.values(), length, |x, y| x $operator y), validity))
            }, Err(no_number(result)))
        }
    )*};
}

bitwise! {
    /// `a & b`.
    and = &;
    /// `a | b`.
    or = |;
    /// `xor(a, b)`.
    xor = ^;
}

/// `~a`.
pub(super) fn not(args: &[Column], _: &[DataType], result: &DataType, rows: usize) -> Result<Column, RowError> {
    by_integer!(result.physical(), T => {
        let values = Numbers::<T>::of(&args[0])?;
        let flipped = values.values().iter().map(|&value| !value).collect();
        Ok(numbers::<T>(flipped, values.validity(result_length(args, rows))))
    }, Err(no_number(result)))
}

/// The bits of an integer type, and whether it has a sign.
fn width(t: &DataType) -> (i128, bool) {
    match t.physical() {
        Physical::Int8 => (8, true),
        Physical::Int16 => (16, true),
        Physical::Int32 => (32, true),
        Physical::Int64 => (64, true),
        Physical::UInt8 => (8, false),
        Physical::UInt16 => (16, false),
        Physical::UInt32 => (32, false),
        Physical::UInt64 => (64, false),
        _ => (128, true),
    }
}

/// `a << b`.
pub(super) fn shift_left(args: &[Column], _: &[DataType], result: &DataType, rows: usize) -> Result<Column, RowError> {
    let (bits, signed) = width(result);
    // The highest value that a shift may still double stays below this power of two.
    let room = if signed { bits - 1 } else { bits };
    let shifted = |value: i128, by: i128| {
        if value < 0 {
            return Err(out_of_range(format!("Cannot left-shift negative number {value}")));
        }
        if by < 0 {
            return Err(out_of_range(format!("Cannot left-shift by negative number {by}")));
        }
        if value == 0 || by == 0 {
            return Ok(value);
        }
        if by > room {
            return Err(out_of_range(format!("Left-shift value {by} is out of range")));
        }
        let used = i128::from(128 - value.leading_zeros());
        if used + by > room {
            return Err(out_of_range(format!("Overflow in left shift ({value} << {by})")));
        }
        Ok(value << by)
    };
    by_integer!(result.physical(), T => {
        let (values, counts) = (Numbers::<T>::of(&args[0])?, Numbers::<T>::of(&args[1])?);
        numbers_by_row::<T>(result_length(args, rows), |row| {
            let (Some(value), Some(by)) = (values.get(row), counts.get(row)) else { return Ok(None) };
            Ok(Integer::from_i128(shifted(value.to_i128(), by.to_i128())?))
        })
    }, Err(no_number(result)))
}

/// `a >> b`: 0 if `b` is no number of bits that `a` has.
pub(super) fn shift_right(args: &[Column], _: &[DataType], result: &DataType, rows: usize) -> Result<Column, RowError> {
    let (bits, _) = width(result);
    by_integer!(result.physical(), T => {
        let (values, counts) = (Numbers::<T>::of(&args[0])?, Numbers::<T>::of(&args[1])?);
        numbers_by_row::<T>(result_length(args, rows), |row| {
            let (Some(value), Some(by)) = (values.get(row), counts.get(row)) else { return Ok(None) };
            let by = by.to_i128();
            let shifted = if (0..bits).contains(&by) { value.to_i128() >> by } else { 0 };
            Ok(Integer::from_i128(shifted))
        })
    }, Err(no_number(result)))
}

/// `bit_count(x)`.
pub(super) fn count(args: &[Column], types: &[DataType], result: &DataType, rows: usize) -> Result<Column, RowError> {
    let (bits, _) = width(&types[0]);
    // Sign bits beyond the width of the type do not count.
    let mask = if bits == 128 { u128::MAX } else { (1 << bits) - 1 };
    let length = result_length(args, rows);
    by_integer!(types[0].physical(), T => {
        let values = Numbers::<T>::of(&args[0])?;
        let ones = |row: usize| values.get(row).map(|value| (value.to_i128() as u128 & mask).count_ones());
        match result {
            DataType::SmallInt => numbers_by_row::<Int16Type>(length, |row| Ok(ones(row).map(|n| n as i16))),
            _ => numbers_by_row::<Int8Type>(length, |row| Ok(ones(row).map(|n| n as i8))),
        }
    }, Err(no_number(&types[0])))
}
