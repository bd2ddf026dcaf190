//! Rounding, signs, roots, logarithms.

use super::arithmetic::{Integer, by_integer};
use super::cast::numeric::divide_rounding;
use super::columns::{
    Numbers, Rows, booleans_by_row, both_valid, map_pairs, no_number, numbers, numbers_by_row, out_of_range,
    result_length,
};
use super::{RowError, Signature};
use crate::sql::DataType;
use polars::prelude::{Column, DataType as Physical, Float32Type, Float64Type, Int8Type, Int32Type};

/// Declares functions of one DOUBLE.
macro_rules! of_double {
    ($($name:ident = $f:expr;)*) => {$(
        pub(super) fn $name(args: &[Column], _: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
            map_doubles(args, rows, $f)
        }
    )*};
}

of_double! {
    sqrt = f64::sqrt;
    cbrt = f64::cbrt;
    exp = f64::exp;
    ln = f64::ln;
    log10 = f64::log10;
    log2 = f64::log2;
    sin = f64::sin;
    cos = f64::cos;
    tan = f64::tan;
    cot = |x: f64| 1.0 / x.tan();
    asin = f64::asin;
    acos = f64::acos;
    atan = f64::atan;
    sinh = f64::sinh;
    cosh = f64::cosh;
    tanh = f64::tanh;
    asinh = f64::asinh;
    acosh = f64::acosh;
    atanh = f64::atanh;
    degrees = f64::to_degrees;
    radians = f64::to_radians;
    gamma = super::special::gamma;
    lgamma = super::special::log_gamma;
    even = next_even;
}

/// The even whole number that is next when going away from zero.
fn next_even(x: f64) -> f64 {
    let away = x.abs().ceil();
    (if away % 2.0 == 0.0 { away } else { away + 1.0 }).copysign(x)
}

macro_rules! constants {
    ($($(#[$doc:meta])* $name:ident = $value:expr;)*) => {$(
        $(#[$doc])*
        pub(super) fn $name(_: &[Column], _: &[DataType], _: &DataType, _: usize) -> Result<Column, RowError> {
            Ok(numbers::<Float64Type>(vec![$value], None))
        }
    )*};
}

constants! {
    /// `pi()`.
    pi = std::f64::consts::PI;
    /// `e()`.
    e = std::f64::consts::E;
    /// `infinity()`.
    infinity = f64::INFINITY;
    /// `nan()`.
    nan = f64::NAN;
}

fn map_doubles(args: &[Column], rows: usize, f: impl Fn(f64) -> f64) -> Result<Column, RowError> {
    let values = Numbers::<Float64Type>::of(&args[0])?;
    let mapped = values.values().iter().map(|&value| f(value)).collect();
    Ok(numbers::<Float64Type>(mapped, values.validity(result_length(args, rows))))
}

fn map_double_pairs(args: &[Column], rows: usize, f: impl Fn(f64, f64) -> f64) -> Result<Column, RowError> {
    let length = result_length(args, rows);
    let (a, b) = (Numbers::<Float64Type>::of(&args[0])?, Numbers::<Float64Type>::of(&args[1])?);
    let validity = both_valid(a.validity(length), b.validity(length));
    Ok(numbers::<Float64Type>(map_pairs(a.values(), b.values(), length, f), validity))
}

/// `power(a, b)`.
pub(super) fn power(args: &[Column], _: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    map_double_pairs(args, rows, f64::powf)
}

/// `log(x)` to base 10, `log(base, x)`.
pub(super) fn log(args: &[Column], types: &[DataType], result: &DataType, rows: usize) -> Result<Column, RowError> {
    if args.len() == 1 {
        return log10(args, types, result, rows);
    }
    map_double_pairs(args, rows, |base, x| x.log10() / base.log10())
}

/// `atan2(y, x)`.
pub(super) fn atan2(args: &[Column], _: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    map_double_pairs(args, rows, f64::atan2)
}

/// Runs `$f` on the values of a FLOAT or DOUBLE column, as doubles.
fn test_doubles(args: &[Column], rows: usize, f: impl Fn(f64) -> bool) -> Result<Column, RowError> {
    let column = args[0].cast(&Physical::Float64)?;
    let values = Numbers::<Float64Type>::of(&column)?;
    Ok(booleans_by_row(result_length(args, rows), |row| values.get(row).map(&f)))
}

/// `isnan(x)`.
pub(super) fn is_nan(args: &[Column], _: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    test_doubles(args, rows, f64::is_nan)
}

/// `signbit(x)`: NaN has no sign.
pub(super) fn sign_bit(args: &[Column], _: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    test_doubles(args, rows, |x| x.is_sign_negative() && !x.is_nan())
}

/// `fmod(a, b)`: what is left of `a` after as many `b` as lie below it; the sign is that of `b`.
pub(super) fn floored_remainder(
    args: &[Column],
    _: &[DataType],
    result: &DataType,
    rows: usize,
) -> Result<Column, RowError> {
    let wide = [args[0].cast(&Physical::Float64)?, args[1].cast(&Physical::Float64)?];
    // Not `a - floor(a / b) * b`, which is not exact, and NaN for an infinite `b`.
    let floored = |a: f64, b: f64| match a % b {
        0.0 => 0.0,
        rest if (rest < 0.0) != (b < 0.0) => rest + b,
        rest => rest,
    };
    let left = map_double_pairs(&wide, rows, floored)?;
    Ok(left.cast(&result.physical())?)
}

/// `nextafter(x, towards)`: the next number of the type on the way.
pub(super) fn next_after(args: &[Column], _: &[DataType], result: &DataType, rows: usize) -> Result<Column, RowError> {
    if *result != DataType::Float {
        return map_double_pairs(args, rows, |x, to| match x.partial_cmp(&to) {
            Some(std::cmp::Ordering::Less) => x.next_up(),
            Some(std::cmp::Ordering::Greater) => x.next_down(),
            Some(std::cmp::Ordering::Equal) => to,
            None => f64::NAN,
        });
    }
    let length = result_length(args, rows);
    let (a, b) = (Numbers::<Float32Type>::of(&args[0])?, Numbers::<Float32Type>::of(&args[1])?);
    let next = |x: f32, to: f32| match x.partial_cmp(&to) {
        Some(std::cmp::Ordering::Less) => x.next_up(),
        Some(std::cmp::Ordering::Greater) => x.next_down(),
        Some(std::cmp::Ordering::Equal) => to,
        None => f32::NAN,
    };
    let validity = both_valid(a.validity(length), b.validity(length));
    Ok(numbers::<Float32Type>(map_pairs(a.values(), b.values(), length, next), validity))
}

/// `abs(x)`.
pub(super) fn abs(args: &[Column], _: &[DataType], result: &DataType, rows: usize) -> Result<Column, RowError> {
    match result {
        DataType::Double => map_doubles(args, rows, f64::abs),
        DataType::Float => {
            let values = Numbers::<Float32Type>::of(&args[0])?;
            let mapped = values.values().iter().map(|value| value.abs()).collect();
            Ok(numbers::<Float32Type>(mapped, values.validity(result_length(args, rows))))
        }
        _ => by_integer!(result.physical(), T => {
            let values = Numbers::<T>::of(&args[0])?;
            numbers_by_row::<T>(result_length(args, rows), |row| {
                let Some(value) = values.get(row) else { return Ok(None) };
                if value.to_i128() >= 0 {
                    return Ok(Some(value));
                }
                value.checked_negation().map(Some).ok_or_else(|| out_of_range(format!("Overflow in abs({value})")))
            })
        }, Err(no_number(result))),
    }
}

/// Types of `sign`.
pub(super) fn sign_typing(args: &[DataType]) -> Option<Signature> {
    let [t] = args else { return None };
    t.is_numeric().then(|| Signature { args: vec![t.clone()], result: DataType::TinyInt })
}

/// `sign(x)`; NaN has none and gives 0.
pub(super) fn sign(args: &[Column], types: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    let length = result_length(args, rows);
    let of_order = |order: Option<std::cmp::Ordering>| order.map_or(0, |order| order as i8);
    match types[0].physical() {
        Physical::Float32 | Physical::Float64 => {
            let column = args[0].cast(&Physical::Float64)?;
            let values = Numbers::<Float64Type>::of(&column)?;
            numbers_by_row::<Int8Type>(length, |row| Ok(values.get(row).map(|v| of_order(v.partial_cmp(&0.0)))))
        }
        physical => by_integer!(physical, T => {
            let values = Numbers::<T>::of(&args[0])?;
            numbers_by_row::<Int8Type>(length, |row| {
                Ok(values.get(row).map(|v| of_order(v.to_i128().partial_cmp(&0))))
            })
        }, Err(no_number(&types[0]))),
    }
}

/// A way to lose digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rounding {
    HalfAwayFromZero,
    Down,
    Up,
    TowardsZero,
    HalfEven,
}

impl Rounding {
    /// Rounds to a whole number. `rest` is what the value lacks of the true one, less than the distance to the next double: it
    /// only decides ties.
    fn double(self, value: f64, rest: f64) -> f64 {
        match self {
            Rounding::HalfAwayFromZero => {
                let tie = (value - value.trunc()).abs() == 0.5;
                let nearer_to_zero = rest != 0.0 && (rest < 0.0) != (value < 0.0);
                if tie && nearer_to_zero { value.trunc() } else { value.round() }
            }
            Rounding::Down => value.floor(),
            Rounding::Up => value.ceil(),
            Rounding::TowardsZero => value.trunc(),
            Rounding::HalfEven => value.round_ties_even(),
        }
    }

    /// `value / divisor`; the divisor is positive.
    fn divide(self, value: i128, divisor: i128) -> i128 {
        match self {
            Rounding::HalfAwayFromZero => divide_rounding(value, divisor),
            Rounding::Down => value.div_euclid(divisor),
            Rounding::Up => -(-value).div_euclid(divisor),
            Rounding::TowardsZero => value / divisor,
            Rounding::HalfEven => {
                let (below, rest) = (value.div_euclid(divisor), value.rem_euclid(divisor));
                let up = match rest.cmp(&(divisor - rest)) {
                    std::cmp::Ordering::Less => 0,
                    std::cmp::Ordering::Equal => below.rem_euclid(2),
                    std::cmp::Ordering::Greater => 1,
                };
                below + up
            }
        }
    }
}

/// `round(x [, digits])`.
pub(super) fn round(args: &[Column], types: &[DataType], result: &DataType, rows: usize) -> Result<Column, RowError> {
    lose_digits(Rounding::HalfAwayFromZero, args, types, result, rows)
}

/// `round_even(x, digits)`.
pub(super) fn round_even(
    args: &[Column],
    types: &[DataType],
    result: &DataType,
    rows: usize,
) -> Result<Column, RowError> {
    lose_digits(Rounding::HalfEven, args, types, result, rows)
}

/// `trunc(x [, digits])`.
pub(super) fn truncate(
    args: &[Column],
    types: &[DataType],
    result: &DataType,
    rows: usize,
) -> Result<Column, RowError> {
    if types[0].is_integer() && types[0] != *result {
        // Unsigned numbers are cut as signed ones, and stay in their range.
        return Ok(lose_digits(Rounding::TowardsZero, args, types, &types[0], rows)?.cast(&result.physical())?);
    }
    lose_digits(Rounding::TowardsZero, args, types, result, rows)
}

/// `floor(x)`.
pub(super) fn floor(args: &[Column], types: &[DataType], result: &DataType, rows: usize) -> Result<Column, RowError> {
    lose_digits(Rounding::Down, args, types, result, rows)
}

/// `ceil(x)`.
pub(super) fn ceil(args: &[Column], types: &[DataType], result: &DataType, rows: usize) -> Result<Column, RowError> {
    lose_digits(Rounding::Up, args, types, result, rows)
}

fn lose_digits(
    rounding: Rounding,
    args: &[Column],
    types: &[DataType],
    result: &DataType,
    rows: usize,
) -> Result<Column, RowError> {
    let length = result_length(args, rows);
    let digits = args.get(1).map(Numbers::<Int32Type>::of).transpose()?;
    let digits_at = |row: usize| match &digits {
        Some(digits) => digits.get(row),
        None => Some(0),
    };
    match types[0].physical() {
        Physical::Float64 | Physical::Float32 => {
            let column = args[0].cast(&Physical::Float64)?;
            let values = Numbers::<Float64Type>::of(&column)?;
            let rounded = numbers_by_row::<Float64Type>(length, |row| {
                Ok(values.get(row).zip(digits_at(row)).map(|(value, digits)| double_to_digits(rounding, value, digits)))
            })?;
            Ok(rounded.cast(&result.physical())?)
        }
        physical => by_integer!(physical, T => {
            let values = Numbers::<T>::of(&args[0])?;
            let scale_of = |t: &DataType| if let DataType::Decimal { scale, .. } = t { i32::from(*scale) } else { 0 };
            let (scale, result_scale) = (scale_of(&types[0]), scale_of(result));
            let round = |value: i128, digits: i32| -> Option<i128> {
                let dropped = (i64::from(scale) - i64::from(digits.min(scale))).min(38) as u32;
                let divisor = 10i128.checked_pow(dropped)?;
                let kept = rounding.divide(value, divisor);
                // What was dropped may be more than the result's type drops: then zeros come back.
                match (scale - result_scale) as u32 {
                    drop if drop <= dropped => kept.checked_mul(10i128.pow(dropped - drop)),
                    drop => Some(kept / 10i128.pow(drop - dropped)),
                }
            };
            numbers_by_row::<T>(length, |row| {
                let (Some(value), Some(digits)) = (values.get(row), digits_at(row)) else { return Ok(None) };
                let rounded = round(value.to_i128(), digits).and_then(Integer::from_i128);
                rounded.map(Some).ok_or_else(|| out_of_range(format!("Overflow in rounding of {result}")))
            })
        }, Err(no_number(&types[0]))),
    }
}

fn double_to_digits(rounding: Rounding, value: f64, digits: i32) -> f64 {
    if !value.is_finite() {
        return value;
    }
    if digits == 0 {
        return rounding.double(value, 0.0);
    }
    let factor = 10f64.powi(digits.unsigned_abs().min(400) as i32);
    // 0.075 is a little less than it looks: times 100 it is 7.5 and a rest below zero, which rounds to 0.07.
    let rounded = if digits > 0 {
        let scaled = value * factor;
        rounding.double(scaled, value.mul_add(factor, -scaled)) / factor
    } else {
        let scaled = value / factor;
        rounding.double(scaled, -scaled.mul_add(factor, -value)) * factor
    };
    // Beyond the range of a double there is nothing to round, or nothing left.
    match (rounded.is_finite(), digits > 0) {
        (true, _) => rounded,
        (false, true) => value,
        (false, false) => 0.0,
    }
}
