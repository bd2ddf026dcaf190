//! Functions of whole numbers: factorials and divisors, exact or an error.

use super::columns::{Numbers, Rows, numbers_by_row, out_of_range, result_length};
use super::{RowError, Signature};
use crate::journal::{ErrorCode, TaskError};
use crate::sql::DataType;
use polars::prelude::{Column, Int32Type, Int64Type, Int128Type};

fn invalid(message: impl Into<String>) -> TaskError {
    TaskError::user(ErrorCode::InvalidArguments, message)
}

/// `factorial(n)`.
pub(super) fn factorial(args: &[Column], _: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    let values = Numbers::<Int32Type>::of(&args[0])?;
    numbers_by_row::<Int128Type>(result_length(args, rows), |row| {
        let Some(n) = values.get(row) else { return Ok(None) };
        if n < 0 {
            return Err(out_of_range(format!("factorial of a negative number ({n}) is undefined")));
        }
        let product = (2..=i128::from(n)).try_fold(1i128, |product, factor| product.checked_mul(factor));
        product.map(Some).ok_or_else(|| out_of_range(format!("factorial({n}) has more than 38 digits")))
    })
}

/// `binom(n, k)`: in how many ways `k` of `n` things can be chosen.
pub(super) fn binomial(args: &[Column], _: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    let (all, chosen) = (Numbers::<Int32Type>::of(&args[0])?, Numbers::<Int32Type>::of(&args[1])?);
    numbers_by_row::<Int128Type>(result_length(args, rows), |row| {
        let (Some(n), Some(k)) = (all.get(row), chosen.get(row)) else { return Ok(None) };
        if n < 0 || k < 0 {
            return Err(out_of_range(format!("binom of a negative number ({n}, {k}) is undefined")));
        }
        if k > n {
            return Ok(Some(0));
        }
        let (n, k) = (i128::from(n), i128::from(k.min(n - k)));
        // After i steps the product is binom(n - k + i, i): every division is exact.
        let product = (1..=k).try_fold(1i128, |product, i| Some(product.checked_mul(n - k + i)? / i));
        product.map(Some).ok_or_else(|| out_of_range(format!("binom({n}, {k}) has more than 38 digits")))
    })
}

/// Euclid's algorithm; the sign is the caller's.
fn greatest_divisor(mut a: i128, mut b: i128) -> Option<i128> {
    while b != 0 {
        (a, b) = (b, a.checked_rem(b)?);
    }
    a.checked_abs()
}

fn of_pairs(
    args: &[Column],
    result: &DataType,
    rows: usize,
    name: &str,
    f: impl Fn(i128, i128) -> Option<i128>,
) -> Result<Column, RowError> {
    let length = result_length(args, rows);
    let beyond = |a: i128, b: i128| out_of_range(format!("{name}({a}, {b}) is beyond the range of {result}"));
    if *result == DataType::BigInt {
        let (a, b) = (Numbers::<Int64Type>::of(&args[0])?, Numbers::<Int64Type>::of(&args[1])?);
        return numbers_by_row::<Int64Type>(length, |row| {
            let (Some(a), Some(b)) = (a.get(row), b.get(row)) else { return Ok(None) };
            let found = f(a.into(), b.into()).and_then(|value| i64::try_from(value).ok());
            found.map(Some).ok_or_else(|| beyond(a.into(), b.into()))
        });
    }
    let (a, b) = (Numbers::<Int128Type>::of(&args[0])?, Numbers::<Int128Type>::of(&args[1])?);
    numbers_by_row::<Int128Type>(length, |row| {
        let (Some(a), Some(b)) = (a.get(row), b.get(row)) else { return Ok(None) };
        f(a, b).map(Some).ok_or_else(|| beyond(a, b))
    })
}

/// `gcd(a, b)`.
pub(super) fn gcd(args: &[Column], _: &[DataType], result: &DataType, rows: usize) -> Result<Column, RowError> {
    of_pairs(args, result, rows, "gcd", greatest_divisor)
}

/// `lcm(a, b)`.
pub(super) fn lcm(args: &[Column], _: &[DataType], result: &DataType, rows: usize) -> Result<Column, RowError> {
    of_pairs(args, result, rows, "lcm", |a, b| {
        if a == 0 || b == 0 {
            return Some(0);
        }
        (a / greatest_divisor(a, b)?).checked_mul(b)?.checked_abs()
    })
}

/// Types of `width_bucket`: any numbers, compared as DOUBLE.
pub(super) fn width_bucket_typing(args: &[DataType]) -> Option<Signature> {
    let [value, low, high, count] = args else { return None };
    let number = |t: &DataType| t.is_numeric() || *t == DataType::Null;
    let fits = number(value) && number(low) && number(high) && (count.is_integer() || *count == DataType::Null);
    fits.then(|| Signature {
        args: vec![DataType::Double, DataType::Double, DataType::Double, DataType::BigInt],
        result: DataType::BigInt,
    })
}

/// `width_bucket(x, low, high, n)`: 0 below, n + 1 above; the bounds may be given in falling order.
pub(super) fn width_bucket(args: &[Column], _: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    use polars::prelude::Float64Type;
    let [values, lows, highs] = [0, 1, 2].map(|i| Numbers::<Float64Type>::of(&args[i]));
    let (values, lows, highs) = (values?, lows?, highs?);
    let counts = Numbers::<Int64Type>::of(&args[3])?;
    numbers_by_row::<Int64Type>(result_length(args, rows), |row| {
        let (Some(x), Some(low), Some(high), Some(count)) =
            (values.get(row), lows.get(row), highs.get(row), counts.get(row))
        else {
            return Ok(None);
        };
        if count <= 0 {
            return Err(invalid(format!("width_bucket needs one bucket or more, not {count}")));
        }
        if low == high || !low.is_finite() || !high.is_finite() || x.is_nan() {
            return Err(invalid("width_bucket needs two different finite bounds, and a number to place between them"));
        }
        let share = (x - low) / (high - low);
        Ok(Some(match share {
            ..0.0 => 0,
            1.0.. => count.saturating_add(1),
            _ => (share * count as f64) as i64 + 1,
        }))
    })
}
