//! `+ - * / // %` and negation over numbers. Integers and decimals never wrap: a batch is computed with wrapping
//! instructions while an overflow is only noted, and looked at row by row when there was one.

use super::columns::{Numbers, Rows, both_valid, map_pairs, numbers, numbers_by_row, out_of_range, result_length};
use super::typing::MAX_NARROW_PRECISION;
use super::{RowError, datetime};
use crate::journal::{ErrorCode, TaskError};
use crate::sql::DataType;
use polars::prelude::{
    ChunkedArray, Column, Float32Type, Float64Type, Int64Type, Int128Type, IntoColumn, PolarsNumericType,
};
use polars_arrow::bitmap::Bitmap;

/// Runs `$body` with `$T` bound to the Polars type of an integer column; `$other` for all other types.
macro_rules! by_integer {
    ($physical:expr, $T:ident => $body:expr, $other:expr) => {
        match $physical {
            polars::prelude::DataType::Int8 => {
                type $T = polars::prelude::Int8Type;
                $body
            }
            polars::prelude::DataType::Int16 => {
                type $T = polars::prelude::Int16Type;
                $body
            }
            polars::prelude::DataType::Int32 => {
                type $T = polars::prelude::Int32Type;
                $body
            }
            polars::prelude::DataType::Int64 => {
                type $T = polars::prelude::Int64Type;
                $body
            }
            polars::prelude::DataType::Int128 => {
                type $T = polars::prelude::Int128Type;
                $body
            }
            polars::prelude::DataType::UInt8 => {
                type $T = polars::prelude::UInt8Type;
                $body
            }
            polars::prelude::DataType::UInt16 => {
                type $T = polars::prelude::UInt16Type;
                $body
            }
            polars::prelude::DataType::UInt32 => {
                type $T = polars::prelude::UInt32Type;
                $body
            }
            polars::prelude::DataType::UInt64 => {
                type $T = polars::prelude::UInt64Type;
                $body
            }
            _ => $other,
        }
    };
}
pub(super) use by_integer;

/// An operator with two sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Add,
    Subtract,
    Multiply,
    WholeDivide,
    Remainder,
}

impl Operator {
    fn noun(self) -> &'static str {
        match self {
            Operator::Add => "addition",
            Operator::Subtract => "subtraction",
            Operator::Multiply => "multiplication",
            Operator::WholeDivide | Operator::Remainder => "division",
        }
    }

    fn sign(self) -> &'static str {
        match self {
            Operator::Add => "+",
            Operator::Subtract => "-",
            Operator::Multiply => "*",
            Operator::WholeDivide => "//",
            Operator::Remainder => "%",
        }
    }
}

/// What the checked kernels need of an integer.
pub(super) trait Integer: Copy + std::fmt::Display + PartialOrd {
    const ZERO: Self;
    /// The sum with wrapping, and a mark whose highest bit says whether it wrapped: compilers make wide instructions of
    /// that, and not of a truth beside every value.
    fn plus_marked(self, other: Self) -> (Self, Self);
    /// The difference likewise.
    fn minus_marked(self, other: Self) -> (Self, Self);
    fn marks_together(self, other: Self) -> Self;
    fn is_marked(self) -> bool;
    fn plus(self, other: Self) -> (Self, bool);
    fn minus(self, other: Self) -> (Self, bool);
    fn times(self, other: Self) -> (Self, bool);
    fn checked_quotient(self, other: Self) -> Option<Self>;
    fn checked_remainder(self, other: Self) -> Option<Self>;
    fn checked_negation(self) -> Option<Self>;
    fn to_i128(self) -> i128;
    fn from_i128(value: i128) -> Option<Self>;
}

macro_rules! integers {
    ($($t:ty: |$a:ident, $b:ident, $r:ident| $plus:expr, $minus:expr;)*) => {$(
        impl Integer for $t {
            const ZERO: Self = 0;
            #[inline(always)]
            fn plus_marked(self, other: Self) -> (Self, Self) {
                let ($a, $b, $r) = (self, other, self.wrapping_add(other));
                ($r, $plus)
            }
            #[inline(always)]
            fn minus_marked(self, other: Self) -> (Self, Self) {
                let ($a, $b, $r) = (self, other, self.wrapping_sub(other));
                ($r, $minus)
            }
            #[inline(always)]
            fn marks_together(self, other: Self) -> Self { self | other }
            fn is_marked(self) -> bool { self.leading_zeros() == 0 }
            #[inline(always)]
            fn plus(self, other: Self) -> (Self, bool) { self.overflowing_add(other) }
            #[inline(always)]
            fn minus(self, other: Self) -> (Self, bool) { self.overflowing_sub(other) }
            #[inline(always)]
            fn times(self, other: Self) -> (Self, bool) { self.overflowing_mul(other) }
            fn checked_quotient(self, other: Self) -> Option<Self> { self.checked_div(other) }
            fn checked_remainder(self, other: Self) -> Option<Self> { self.checked_rem(other) }
            fn checked_negation(self) -> Option<Self> { self.checked_neg() }
            #[inline(always)]
            fn to_i128(self) -> i128 { self as i128 }
            #[inline(always)]
            fn from_i128(value: i128) -> Option<Self> { Self::try_from(value).ok() }
        }
    )*};
}
integers! {
    i8: |a, b, r| (a ^ r) & (b ^ r), (a ^ b) & (a ^ r);
    i16: |a, b, r| (a ^ r) & (b ^ r), (a ^ b) & (a ^ r);
    i32: |a, b, r| (a ^ r) & (b ^ r), (a ^ b) & (a ^ r);
    i64: |a, b, r| (a ^ r) & (b ^ r), (a ^ b) & (a ^ r);
    i128: |a, b, r| (a ^ r) & (b ^ r), (a ^ b) & (a ^ r);
    u8: |a, b, r| (a & b) | ((a | b) & !r), (!a & b) | ((!a | b) & r);
    u16: |a, b, r| (a & b) | ((a | b) & !r), (!a & b) | ((!a | b) & r);
    u32: |a, b, r| (a & b) | ((a | b) & !r), (!a & b) | ((!a | b) & r);
    u64: |a, b, r| (a & b) | ((a | b) & !r), (!a & b) | ((!a | b) & r);
}

/// `+` over every pair of types that [`super::typing::addition`] allows.
pub(super) fn add(args: &[Column], types: &[DataType], result: &DataType, rows: usize) -> Result<Column, RowError> {
    match args {
        [_, _] if types.iter().any(|t| t.is_temporal() || *t == DataType::Interval) => {
            datetime::add(args, types, result, rows)
        }
        [_, _] => numeric(Operator::Add, args, types, result, rows),
        _ => Ok(args[0].clone()),
    }
}

/// `-` over every pair of types that [`super::typing::subtraction`] allows.
pub(super) fn subtract(
    args: &[Column],
    types: &[DataType],
    result: &DataType,
    rows: usize,
) -> Result<Column, RowError> {
    if types.iter().any(|t| t.is_temporal() || *t == DataType::Interval) {
        return datetime::subtract(args, types, result, rows);
    }
    numeric(Operator::Subtract, args, types, result, rows)
}

/// `*`.
pub(super) fn multiply(
    args: &[Column],
    types: &[DataType],
    result: &DataType,
    rows: usize,
) -> Result<Column, RowError> {
    if *result == DataType::Interval {
        return datetime::scale_interval(args, types, rows);
    }
    numeric(Operator::Multiply, args, types, result, rows)
}

/// `/`: floating point, so that 1 / 0 is infinite.
pub(super) fn divide(args: &[Column], _: &[DataType], result: &DataType, rows: usize) -> Result<Column, RowError> {
    match result {
        DataType::Interval => datetime::divide_interval(args, rows),
        DataType::Float => floats::<Float32Type>(args, rows, |a, b| a / b),
        _ => floats::<Float64Type>(args, rows, |a, b| a / b),
    }
}

/// `//`.
pub(super) fn whole_divide(
    args: &[Column],
    types: &[DataType],
    result: &DataType,
    rows: usize,
) -> Result<Column, RowError> {
    match result {
        DataType::Float => nonzero_divisor::<Float32Type>(args, rows, |a, b| a / b),
        DataType::Double => nonzero_divisor::<Float64Type>(args, rows, |a, b| a / b),
        _ => numeric(Operator::WholeDivide, args, types, result, rows),
    }
}

/// `%`.
pub(super) fn modulo(args: &[Column], types: &[DataType], result: &DataType, rows: usize) -> Result<Column, RowError> {
    numeric(Operator::Remainder, args, types, result, rows)
}

/// `-x`.
pub(super) fn negate(args: &[Column], types: &[DataType], result: &DataType, rows: usize) -> Result<Column, RowError> {
    let length = result_length(args, rows);
    match result {
        DataType::Interval => datetime::negate_interval(args, rows),
        DataType::Float => {
            let a = Numbers::<Float32Type>::of(&args[0])?;
            Ok(numbers::<Float32Type>(a.values().iter().map(|x| -x).collect(), a.validity(length)))
        }
        DataType::Double => {
            let a = Numbers::<Float64Type>::of(&args[0])?;
            Ok(numbers::<Float64Type>(a.values().iter().map(|x| -x).collect(), a.validity(length)))
        }
        _ => by_integer!(types[0].physical(), T => {
            let a = Numbers::<T>::of(&args[0])?;
            numbers_by_row::<T>(length, |row| {
                a.get(row)
                    .map(|x| x.checked_negation().ok_or_else(|| out_of_range(format!("Overflow in negation of {result} ({x})"))))
                    .transpose()
            })
        }, Err(TaskError::bug(format!("cannot negate {result}")).into())),
    }
}

fn numeric(
    operator: Operator,
    args: &[Column],
    types: &[DataType],
    result: &DataType,
    rows: usize,
) -> Result<Column, RowError> {
    match result {
        DataType::Float => float_operation::<Float32Type>(operator, args, rows, |a, b| a % b),
        DataType::Double => float_operation::<Float64Type>(operator, args, rows, |a, b| a % b),
        DataType::Decimal { .. } => decimal_operation(operator, args, types, result, rows),
        _ => by_integer!(result.physical(), T => {
            let (a, b) = (Numbers::<T>::of(&args[0])?, Numbers::<T>::of(&args[1])?);
            integer_operation::<T>(operator, &a, &b, types, result_length(args, rows))
        }, Err(TaskError::bug(format!("no {} of {result}", operator.noun())).into())),
    }
}

fn floats<T: PolarsNumericType>(
    args: &[Column],
    rows: usize,
    f: impl Fn(T::Native, T::Native) -> T::Native,
) -> Result<Column, RowError>
where
    ChunkedArray<T>: IntoColumn,
{
    let length = result_length(args, rows);
    let (a, b) = (Numbers::<T>::of(&args[0])?, Numbers::<T>::of(&args[1])?);
    let validity = both_valid(a.validity(length), b.validity(length));
    Ok(numbers::<T>(map_pairs(a.values(), b.values(), length, f), validity))
}

fn nonzero_divisor<T: PolarsNumericType>(
    args: &[Column],
    rows: usize,
    f: impl Fn(T::Native, T::Native) -> T::Native,
) -> Result<Column, RowError>
where
    T::Native: Default + PartialEq + std::fmt::Display,
    ChunkedArray<T>: IntoColumn,
{
    let (a, b) = (Numbers::<T>::of(&args[0])?, Numbers::<T>::of(&args[1])?);
    let zero = T::Native::default();
    numbers_by_row::<T>(result_length(args, rows), |row| match (a.get(row), b.get(row)) {
        (Some(x), Some(y)) if y == zero => Err(division_by_zero(format!("{x} // {y}"))),
        (Some(x), Some(y)) => Ok(Some(f(x, y))),
        _ => Ok(None),
    })
}

fn float_operation<T: PolarsNumericType>(
    operator: Operator,
    args: &[Column],
    rows: usize,
    remainder: impl Fn(T::Native, T::Native) -> T::Native,
) -> Result<Column, RowError>
where
    T::Native: std::ops::Add<Output = T::Native>
        + std::ops::Sub<Output = T::Native>
        + std::ops::Mul<Output = T::Native>
        + std::ops::Div<Output = T::Native>,
    ChunkedArray<T>: IntoColumn,
{
    match operator {
        Operator::Add => floats::<T>(args, rows, |a, b| a + b),
        Operator::Subtract => floats::<T>(args, rows, |a, b| a - b),
        Operator::Multiply => floats::<T>(args, rows, |a, b| a * b),
        Operator::WholeDivide => floats::<T>(args, rows, |a, b| a / b),
        Operator::Remainder => floats::<T>(args, rows, remainder),
    }
}

fn division_by_zero(what: String) -> TaskError {
    TaskError::user(ErrorCode::DivisionByZero, format!("Division by zero in {what}"))
}

/// One operation on one pair of integers: the value, or why there is none.
fn integer_pair<N: Integer>(operator: Operator, a: N, b: N, name: &dyn std::fmt::Display) -> Result<N, TaskError> {
    let overflow = || out_of_range(format!("Overflow in {} of {name} ({a} {} {b})", operator.noun(), operator.sign()));
    let checked = |(value, overflowed): (N, bool)| if overflowed { Err(overflow()) } else { Ok(value) };
    match operator {
        Operator::Add => checked(a.plus(b)),
        Operator::Subtract => checked(a.minus(b)),
        Operator::Multiply => checked(a.times(b)),
        Operator::WholeDivide | Operator::Remainder if b == N::ZERO => {
            Err(division_by_zero(format!("{a} {} {b}", operator.sign())))
        }
        Operator::WholeDivide => a.checked_quotient(b).ok_or_else(overflow),
        Operator::Remainder => a.checked_remainder(b).ok_or_else(overflow),
    }
}

fn integer_operation<T: PolarsNumericType>(
    operator: Operator,
    a: &Numbers<T>,
    b: &Numbers<T>,
    types: &[DataType],
    length: usize,
) -> Result<Column, RowError>
where
    T::Native: Integer,
    ChunkedArray<T>: IntoColumn,
{
    let validity = both_valid(a.validity(length), b.validity(length));
    let fast = match operator {
        Operator::Add => marking_overflow(a.values(), b.values(), length, T::Native::plus_marked),
        Operator::Subtract => marking_overflow(a.values(), b.values(), length, T::Native::minus_marked),
        Operator::Multiply => noting_overflow(a.values(), b.values(), length, T::Native::times),
        Operator::WholeDivide | Operator::Remainder => None,
    };
    if let Some(values) = fast {
        return Ok(numbers::<T>(values, validity));
    }
    // The overflow may have been in a slot that is NULL: look at each row.
    numbers_by_row::<T>(length, |row| match (a.get(row), b.get(row)) {
        (Some(x), Some(y)) => integer_pair(operator, x, y, &types[0]).map(Some),
        _ => Ok(None),
    })
}

/// All results, or None if one is marked.
fn marking_overflow<N: Integer>(a: &[N], b: &[N], length: usize, f: impl Fn(N, N) -> (N, N)) -> Option<Vec<N>> {
    let mut values = vec![N::ZERO; length];
    let mut marks = N::ZERO;
    let mut put = |value: &mut N, x: N, y: N| {
        let (result, mark) = f(x, y);
        *value = result;
        marks = marks.marks_together(mark);
    };
    match (a, b) {
        (&[x], &[y]) => values.iter_mut().for_each(|value| put(value, x, y)),
        (&[x], _) => values.iter_mut().zip(b).for_each(|(value, y)| put(value, x, *y)),
        (_, &[y]) => values.iter_mut().zip(a).for_each(|(value, x)| put(value, *x, y)),
        _ => values.iter_mut().zip(a.iter().zip(b)).for_each(|(value, (x, y))| put(value, *x, *y)),
    }
    (!marks.is_marked()).then_some(values)
}

/// All results, or None if there was an overflow anywhere.
fn noting_overflow<N: Integer>(a: &[N], b: &[N], length: usize, f: impl Fn(N, N) -> (N, bool)) -> Option<Vec<N>> {
    let overflowed = std::cell::Cell::new(false);
    let values = map_pairs(a, b, length, |x, y| {
        let (value, overflow) = f(x, y);
        overflowed.set(overflowed.get() | overflow);
        value
    });
    (!overflowed.get()).then_some(values)
}

/// The digits of a decimal type.
fn precision_of(t: &DataType) -> u8 {
    match t {
        DataType::Decimal { precision, .. } => *precision,
        _ => super::typing::integer_digits(t),
    }
}

fn decimal_operation(
    operator: Operator,
    args: &[Column],
    types: &[DataType],
    result: &DataType,
    rows: usize,
) -> Result<Column, RowError> {
    let length = result_length(args, rows);
    let narrow = |t: &DataType| precision_of(t) <= MAX_NARROW_PRECISION;
    if narrow(result) && types.iter().all(narrow) {
        let (a, b) = (Numbers::<Int64Type>::of(&args[0])?, Numbers::<Int64Type>::of(&args[1])?);
        return narrow_decimals(operator, &a, &b, types, result, length);
    }
    let limit = 10i128.pow(u32::from(precision_of(result)));
    if types.iter().all(narrow) {
        let (a, b) = (Numbers::<Int64Type>::of(&args[0])?, Numbers::<Int64Type>::of(&args[1])?);
        if let Some(values) = widened(operator, a.values(), b.values(), types, result, length) {
            return Ok(numbers::<Int128Type>(values, both_valid(a.validity(length), b.validity(length))));
        }
    }
    let (a, b) = (wide(&args[0], &types[0])?, wide(&args[1], &types[1])?);
    let within = |(value, overflow): (i128, bool)| (value, overflow || value <= -limit || value >= limit);
    let fast = match operator {
        Operator::Add => noting_overflow(a.values(), b.values(), length, |x, y| within(x.plus(y))),
        Operator::Subtract => noting_overflow(a.values(), b.values(), length, |x, y| within(x.minus(y))),
        Operator::Multiply => noting_overflow(a.values(), b.values(), length, |x, y| within(x.times(y))),
        Operator::WholeDivide | Operator::Remainder => None,
    };
    if let Some(values) = fast {
        return Ok(numbers::<Int128Type>(values, both_valid(a.validity(length), b.validity(length))));
    }
    numbers_by_row::<Int128Type>(length, |row| match (a.get(row), b.get(row)) {
        (Some(x), Some(y)) => decimal_pair(operator, x, y, limit, result).map(Some),
        _ => Ok(None),
    })
}

/// A decimal column in its wide form.
fn wide(column: &Column, t: &DataType) -> Result<Numbers<Int128Type>, TaskError> {
    if precision_of(t) > MAX_NARROW_PRECISION {
        return Numbers::<Int128Type>::of(column);
    }
    let narrow = Numbers::<Int64Type>::of(column)?;
    let values = narrow.values().iter().map(|&x| i128::from(x)).collect();
    let validity: Option<Bitmap> = narrow.validity(column.len());
    Numbers::<Int128Type>::of(&numbers::<Int128Type>(values, validity))
}

fn decimal_pair(operator: Operator, a: i128, b: i128, limit: i128, result: &DataType) -> Result<i128, TaskError> {
    let value = integer_pair(operator, a, b, result)?;
    if value.abs() < limit {
        return Ok(value);
    }
    Err(out_of_range(format!(
        "Overflow in {} of {result} ({a} {} {b}). You might want to add an explicit cast to a bigger decimal",
        operator.noun(),
        operator.sign()
    )))
}

/// Sums and products of two narrow columns in the wide form, which they always fit; None unless the digits of the types,
/// or else the values of this batch, leave no room for more digits than the result has.
fn widened(
    operator: Operator,
    x: &[i64],
    y: &[i64],
    types: &[DataType],
    result: &DataType,
    length: usize,
) -> Option<Vec<i128>> {
    let limit = 10i128.pow(u32::from(precision_of(result)));
    let safe = match operator {
        Operator::Add | Operator::Subtract => {
            types.iter().all(|t| precision_of(t) < precision_of(result))
                || i128::from(magnitude(x)) + i128::from(magnitude(y)) < limit
        }
        Operator::Multiply => {
            types.iter().map(precision_of).sum::<u8>() <= precision_of(result)
                || u128::from(magnitude(x)) * u128::from(magnitude(y)) < limit.unsigned_abs()
        }
        Operator::WholeDivide | Operator::Remainder => false,
    };
    safe.then(|| match operator {
        Operator::Add => map_pairs(x, y, length, |a, b| i128::from(a) + i128::from(b)),
        Operator::Subtract => map_pairs(x, y, length, |a, b| i128::from(a) - i128::from(b)),
        _ => map_pairs(x, y, length, |a, b| i128::from(a) * i128::from(b)),
    })
}

/// The power of two that no magnitude of a batch exceeds, NULL slots included (they only make the bound looser). Cheaper than
/// [`largest`], because it needs no comparison.
fn magnitude(values: &[i64]) -> u64 {
    let bits = values.iter().fold(0, |bits, value| bits | (value ^ (value >> 63)) as u64);
    u64::MAX.checked_shr(bits.leading_zeros()).map_or(1, |ones| ones + 1)
}

/// The largest magnitude in a batch, NULL slots included (they only make the bound looser).
fn largest(values: &[i64]) -> u64 {
    values.iter().fold(0, |most, value| most.max(value.unsigned_abs()))
}

fn narrow_decimals(
    operator: Operator,
    a: &Numbers<Int64Type>,
    b: &Numbers<Int64Type>,
    types: &[DataType],
    result: &DataType,
    length: usize,
) -> Result<Column, RowError> {
    let limit = 10u64.pow(u32::from(precision_of(result)));
    let (x, y) = (a.values(), b.values());
    // Whether the digits of the types, or else the values of this batch, leave no room for an overflow.
    let safe = match operator {
        Operator::Add | Operator::Subtract => {
            types.iter().all(|t| precision_of(t) < precision_of(result))
                || magnitude(x).saturating_add(magnitude(y)) < limit
                || largest(x).saturating_add(largest(y)) < limit
        }
        Operator::Multiply => {
            types.iter().map(precision_of).sum::<u8>() <= precision_of(result)
                || magnitude(x).checked_mul(magnitude(y)).is_some_and(|bound| bound < limit)
                || largest(x).checked_mul(largest(y)).is_some_and(|bound| bound < limit)
        }
        Operator::WholeDivide | Operator::Remainder => false,
    };
    if safe {
        let values = match operator {
            Operator::Add => map_pairs(x, y, length, i64::wrapping_add),
            Operator::Subtract => map_pairs(x, y, length, i64::wrapping_sub),
            _ => map_pairs(x, y, length, i64::wrapping_mul),
        };
        return Ok(numbers::<Int64Type>(values, both_valid(a.validity(length), b.validity(length))));
    }
    numbers_by_row::<Int64Type>(length, |row| match (a.get(row), b.get(row)) {
        (Some(x), Some(y)) => {
            decimal_pair(operator, x.into(), y.into(), limit.into(), result).map(|value| Some(value as i64))
        }
        _ => Ok(None),
    })
}
