//! Casts among integers, decimals, floats and truth values.

use super::cannot_cast;
use crate::functions::RowError;
use crate::functions::arithmetic::{Integer, by_integer};
use crate::functions::columns::{Booleans, Numbers, Rows, booleans_by_row, numbers, numbers_by_row};
use crate::functions::typing::{MAX_NARROW_PRECISION, integer_digits};
use crate::journal::TaskError;
use crate::sql::{DataType, Value};
use polars::prelude::{
    ChunkedArray, Column, DataType as Physical, Float32Type, Float64Type, Int32Type, Int64Type, Int128Type, IntoColumn,
    PolarsNumericType,
};

/// The scale of a type that counts in whole units: 0 for integers.
fn scale_of(t: &DataType) -> u8 {
    match t {
        DataType::Decimal { scale, .. } => *scale,
        _ => 0,
    }
}

/// Digits before the point that the type may have.
fn whole_digits(t: &DataType) -> u8 {
    match t {
        DataType::Decimal { precision, scale } => precision - scale,
        _ => integer_digits(t),
    }
}

pub(super) fn cast(column: &Column, from: &DataType, to: &DataType, lenient: bool) -> Result<Column, RowError> {
    use DataType::{Boolean, Double, Float};
    match (from, to) {
        (Boolean, _) => {
            let truths = Booleans::of(column)?;
            let counted = numbers_by_row::<Int32Type>(column.len(), |row| Ok(truths.get(row).map(i32::from)))?;
            cast(&counted, &DataType::Integer, to, lenient)
        }
        (Float | Double, Boolean) => {
            let column = column.cast(&Physical::Float64)?;
            let values = Numbers::<Float64Type>::of(&column)?;
            Ok(booleans_by_row(column.len(), |row| values.get(row).map(|value| value != 0.0)))
        }
        (_, Boolean) => by_integer!(from.physical(), T => {
            let values = Numbers::<T>::of(column)?;
            Ok(booleans_by_row(column.len(), |row| values.get(row).map(|value| value.to_i128() != 0)))
        }, Err(unexpected(from, to))),
        (Float, Double) => Ok(column.cast(&Physical::Float64)?),
        (Double, Float) => narrow(column, from, to, lenient),
        (Float, _) => from_floats(&column.cast(&Physical::Float64)?, from, to, lenient),
        (Double, _) => from_floats(column, from, to, lenient),
        (_, Double) => to_doubles(column, from),
        (_, Float) => Ok(to_doubles(column, from)?.cast(&Physical::Float32)?),
        _ => among_integers(column, from, to, lenient),
    }
}

fn unexpected(from: &DataType, to: &DataType) -> RowError {
    TaskError::bug(format!("cast from {from} to {to}")).into()
}

fn to_doubles(column: &Column, from: &DataType) -> Result<Column, RowError> {
    let scale = scale_of(from);
    if scale == 0 {
        return Ok(column.cast(&Physical::Float64)?);
    }
    let divisor = 10f64.powi(scale.into());
    match from.physical() {
        Physical::Int64 => {
            let values = Numbers::<Int64Type>::of(column)?;
            let doubles = values.values().iter().map(|&value| value as f64 / divisor).collect();
            Ok(numbers::<Float64Type>(doubles, values.validity(column.len())))
        }
        _ => {
            let values = Numbers::<Int128Type>::of(column)?;
            let doubles = values.values().iter().map(|&value| wide_to_double(value, scale)).collect();
            Ok(numbers::<Float64Type>(doubles, values.validity(column.len())))
        }
    }
}

/// The whole part and the rest apart: a wide number has more digits than a double.
fn wide_to_double(value: i128, scale: u8) -> f64 {
    let divisor = 10i128.pow(scale.into());
    if value.unsigned_abs() < 1 << 53 {
        return value as f64 / divisor as f64;
    }
    (value / divisor) as f64 + (value % divisor) as f64 / divisor as f64
}

/// DOUBLE to FLOAT; a finite number that would be infinite there does not fit.
fn narrow(column: &Column, from: &DataType, to: &DataType, lenient: bool) -> Result<Column, RowError> {
    let values = Numbers::<Float64Type>::of(column)?;
    numbers_by_row::<Float32Type>(column.len(), |row| match values.get(row) {
        Some(value) if value.is_finite() && (value as f32).is_infinite() => {
            if lenient {
                Ok(None)
            } else {
                Err(cannot_cast(&Value::Float(value), from, to))
            }
        }
        value => Ok(value.map(|value| value as f32)),
    })
}

fn from_floats(column: &Column, from: &DataType, to: &DataType, lenient: bool) -> Result<Column, RowError> {
    let values = Numbers::<Float64Type>::of(column)?;
    let convert = |value: f64| -> Option<i128> {
        match to {
            DataType::Decimal { precision, scale } => {
                let scaled = (value * 10f64.powi((*scale).into())).round();
                let limit = 10f64.powi((*precision).into());
                (scaled.abs() < limit).then_some(scaled as i128)
            }
            // 2^127 itself is a double, and too large.
            _ => Some(value.round_ties_even()).filter(|v| v.abs() < 2f64.powi(127)).map(|v| v as i128),
        }
    };
    by_integer!(to.physical(), U => {
        numbers_by_row::<U>(column.len(), |row| {
            let Some(value) = values.get(row) else { return Ok(None) };
            match convert(value).and_then(Integer::from_i128) {
                Some(converted) => Ok(Some(converted)),
                None if lenient => Ok(None),
                None => Err(cannot_cast(&Value::Float(value), from, to)),
            }
        })
    }, Err(unexpected(from, to)))
}

/// Integers and decimals in all directions.
fn among_integers(column: &Column, from: &DataType, to: &DataType, lenient: bool) -> Result<Column, RowError> {
    let (scale_from, scale_to) = (scale_of(from), scale_of(to));
    let room = whole_digits(to) >= whole_digits(from) && matches!(to, DataType::Decimal { .. });
    let widens = room || crate::functions::typing::implicit_cost(from, to).is_some();
    if scale_from == scale_to && widens {
        // Only the width of the numbers changes, if that.
        return Ok(if from.physical() == to.physical() { column.clone() } else { column.cast(&to.physical())? });
    }
    if scale_to >= scale_from
        && widens
        && matches!(to, DataType::Decimal { precision, .. } if *precision <= MAX_NARROW_PRECISION)
    {
        // Every value fits: one multiplication each.
        let factor = 10i64.pow(u32::from(scale_to - scale_from));
        let narrow = column.cast(&Physical::Int64)?;
        let values = Numbers::<Int64Type>::of(&narrow)?;
        let scaled = values.values().iter().map(|&value| value.wrapping_mul(factor)).collect();
        return Ok(numbers::<Int64Type>(scaled, values.validity(column.len())));
    }
    by_integer!(from.physical(), T => by_integer!(to.physical(), U => {
        rescale::<T, U>(column, from, to, lenient)
    }, Err(unexpected(from, to))), Err(unexpected(from, to)))
}

fn rescale<T: PolarsNumericType, U: PolarsNumericType>(
    column: &Column,
    from: &DataType,
    to: &DataType,
    lenient: bool,
) -> Result<Column, RowError>
where
    T::Native: Integer,
    U::Native: Integer,
    ChunkedArray<U>: IntoColumn,
{
    let values = Numbers::<T>::of(column)?;
    let (scale_from, scale_to) = (scale_of(from), scale_of(to));
    let limit = match to {
        DataType::Decimal { precision, .. } => 10i128.pow(u32::from(*precision)),
        _ => i128::MAX,
    };
    let factor = 10i128.pow(u32::from(scale_from.abs_diff(scale_to)));
    numbers_by_row::<U>(column.len(), |row| {
        let Some(value) = values.get(row) else { return Ok(None) };
        let wide = value.to_i128();
        let scaled =
            if scale_to >= scale_from { wide.checked_mul(factor) } else { Some(divide_rounding(wide, factor)) };
        match scaled.filter(|v| v.unsigned_abs() < limit.unsigned_abs()).and_then(Integer::from_i128) {
            Some(scaled) => Ok(Some(scaled)),
            None if lenient => Ok(None),
            None => Err(cannot_cast(&Value::Int(wide), from, to)),
        }
    })
}

/// Division by a positive number, rounded half away from zero.
pub(crate) fn divide_rounding(value: i128, divisor: i128) -> i128 {
    let (quotient, rest) = (value / divisor, value % divisor);
    if rest.unsigned_abs() * 2 >= divisor.unsigned_abs() { quotient + value.signum() } else { quotient }
}
