//! Comparison of columns, and what is built from it. Floats are ordered totally, as DuckDB does: NaN equals itself and is
//! greater than everything, -0.0 equals 0.0. Text is compared by bytes, intervals by their length.

use super::RowError;
use super::columns::{Booleans, Numbers, Texts, booleans, both_valid, result_length};
use super::lengths::by_length;
use super::nested::encode::encode;
use crate::journal::TaskError;
use crate::sql::DataType;
use polars::polars_compute::comparisons::{TotalEqKernel, TotalOrdKernel};
use polars::prelude::{
    Column, DataType as Physical, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, Int128Type,
    IntoColumn, PolarsNumericType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use polars_arrow::array::{Array, BinaryViewArray, PrimitiveArray, Utf8ViewArray, View};
use polars_arrow::bitmap::Bitmap;

/// How two values are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Comparison {
    /// The comparison that says the same with its sides exchanged.
    fn flipped(self) -> Comparison {
        match self {
            Comparison::Equal | Comparison::NotEqual => self,
            Comparison::Less => Comparison::Greater,
            Comparison::LessOrEqual => Comparison::GreaterOrEqual,
            Comparison::Greater => Comparison::Less,
            Comparison::GreaterOrEqual => Comparison::LessOrEqual,
        }
    }
}

macro_rules! operators {
    ($($(#[$doc:meta])* $name:ident = $comparison:ident;)*) => {$(
        $(#[$doc])*
        pub(super) fn $name(args: &[Column], types: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
            Ok(compare(Comparison::$comparison, &args[0], &args[1], &types[0], result_length(args, rows))?.into_column())
        }
    )*};
}

operators! {
    /// `=`
    equal = Equal;
    /// `<>`
    not_equal = NotEqual;
    /// `<`
    less = Less;
    /// `<=`
    less_or_equal = LessOrEqual;
    /// `>`
    greater = Greater;
    /// `>=`
    greater_or_equal = GreaterOrEqual;
}

/// `IS DISTINCT FROM`: never NULL.
pub(super) fn is_distinct_from(
    args: &[Column],
    types: &[DataType],
    _: &DataType,
    rows: usize,
) -> Result<Column, RowError> {
    let length = result_length(args, rows);
    Ok(booleans(!&not_distinct(&args[0], &args[1], &types[0], length)?, None))
}

/// `IS NOT DISTINCT FROM`: never NULL.
pub(super) fn is_not_distinct_from(
    args: &[Column],
    types: &[DataType],
    _: &DataType,
    rows: usize,
) -> Result<Column, RowError> {
    Ok(booleans(not_distinct(&args[0], &args[1], &types[0], result_length(args, rows))?, None))
}

/// Rows where both are equal, or both NULL.
fn not_distinct(a: &Column, b: &Column, t: &DataType, length: usize) -> Result<Bitmap, TaskError> {
    let equal = compare(Comparison::Equal, a, b, t, length)?;
    let nulls = |column: &Column| -> Bitmap {
        if column.len() == 1 && length != 1 {
            return Bitmap::new_with_value(column.null_count() == 1, length);
        }
        column.is_null().iter().map(|null| null == Some(true)).collect()
    };
    let both_null = &nulls(a) & &nulls(b);
    let equal = match equal.validity {
        Some(valid) => &equal.values & &valid,
        None => equal.values,
    };
    Ok(&equal | &both_null)
}

/// Truth values, before they become a column.
pub(super) struct Truths {
    pub(super) values: Bitmap,
    pub(super) validity: Option<Bitmap>,
}

impl Truths {
    pub(super) fn into_column(self) -> Column {
        booleans(self.values, self.validity)
    }
}

/// Compares two columns of the type `t`, each of `length` rows or 1.
pub(super) fn compare(
    comparison: Comparison,
    a: &Column,
    b: &Column,
    t: &DataType,
    length: usize,
) -> Result<Truths, TaskError> {
    if let Some(by) = t.by_length() {
        return compare(comparison, &by_length(a, t)?, &by_length(b, t)?, &by, length);
    }
    match t.physical() {
        Physical::Int8 => compare_integers::<Int8Type>(comparison, a, b, length),
        Physical::Int16 => compare_integers::<Int16Type>(comparison, a, b, length),
        Physical::Int32 => compare_integers::<Int32Type>(comparison, a, b, length),
        Physical::Int64 => compare_integers::<Int64Type>(comparison, a, b, length),
        Physical::Int128 => compare_integers::<Int128Type>(comparison, a, b, length),
        Physical::UInt8 => compare_integers::<UInt8Type>(comparison, a, b, length),
        Physical::UInt16 => compare_integers::<UInt16Type>(comparison, a, b, length),
        Physical::UInt32 => compare_integers::<UInt32Type>(comparison, a, b, length),
        Physical::UInt64 => compare_integers::<UInt64Type>(comparison, a, b, length),
        Physical::Float32 => compare_floats::<Float32Type>(comparison, a, b, length),
        Physical::Float64 => compare_floats::<Float64Type>(comparison, a, b, length),
        Physical::Boolean => {
            let (a, b) = (Booleans::of(a)?, Booleans::of(b)?);
            let validity = both_valid(a.validity(length), b.validity(length));
            let values = match (a.constant(), b.constant()) {
                _ if length == 1 => by_array(comparison, &a.array, &b.array),
                (_, Some(scalar)) => by_scalar(comparison, &a.array, &scalar.unwrap_or_default()),
                (Some(scalar), _) => by_scalar(comparison.flipped(), &b.array, &scalar.unwrap_or_default()),
                _ => by_array(comparison, &a.array, &b.array),
            };
            Ok(Truths { values: fitted(values, length), validity })
        }
        Physical::String => {
            let (a, b) = (Texts::of(a)?, Texts::of(b)?);
            let validity = both_valid(a.validity(length), b.validity(length));
            let values = match (a.constant(), b.constant()) {
                _ if length == 1 => by_array(comparison, &a.array, &b.array),
                (_, Some(scalar)) => by_text(comparison, &a.array, scalar.unwrap_or_default()),
                (Some(scalar), _) => by_text(comparison.flipped(), &b.array, scalar.unwrap_or_default()),
                _ => by_array(comparison, &a.array, &b.array),
            };
            Ok(Truths { values: fitted(values, length), validity })
        }
        Physical::Binary => compare_bytes(comparison, a, b, length),
        Physical::List(_) | Physical::Struct(_) => {
            let bytes = |column: &Column| -> Result<Column, TaskError> {
                Ok(encode(column.as_materialized_series())?.into_column())
            };
            compare_bytes(comparison, &bytes(a)?, &bytes(b)?, length)
        }
        _ => Err(TaskError::bug(format!("values of type {t} are not compared"))),
    }
}

/// Two constants in a batch of several rows give one bit; it is repeated.
fn fitted(values: Bitmap, length: usize) -> Bitmap {
    if values.len() == length {
        values
    } else {
        Bitmap::new_with_value(!values.is_empty() && values.get_bit(0), length)
    }
}

fn compare_integers<T: PolarsNumericType>(
    comparison: Comparison,
    a: &Column,
    b: &Column,
    length: usize,
) -> Result<Truths, TaskError>
where
    T::Native: Ord + Copy,
{
    let (a, b) = (Numbers::<T>::of(a)?, Numbers::<T>::of(b)?);
    let validity = both_valid(a.validity(length), b.validity(length));
    let values = match comparison {
        Comparison::Equal => pairs_where(a.values(), b.values(), |x, y| x == y),
        Comparison::NotEqual => pairs_where(a.values(), b.values(), |x, y| x != y),
        Comparison::Less => pairs_where(a.values(), b.values(), |x, y| x < y),
        Comparison::LessOrEqual => pairs_where(a.values(), b.values(), |x, y| x <= y),
        Comparison::Greater => pairs_where(a.values(), b.values(), |x, y| x > y),
        Comparison::GreaterOrEqual => pairs_where(a.values(), b.values(), |x, y| x >= y),
    };
    Ok(Truths { values: fitted(values, length), validity })
}

/// For each pair of values whether `holds`; one value on a side stands for as many as there are on the other.
fn pairs_where<N: Copy>(a: &[N], b: &[N], holds: impl Fn(N, N) -> bool) -> Bitmap {
    match (a, b) {
        (_, &[y]) => values_where(a, |x| holds(x, y)),
        (&[x], _) => values_where(b, |y| holds(x, y)),
        _ => {
            let (xs, ys) = (a.chunks_exact(8), b.chunks_exact(8));
            let rest = xs.remainder().iter().zip(ys.remainder());
            let rest: Vec<u8> = rest.map(|(x, y)| holds(*x, *y) as u8).collect();
            let eights = xs.zip(ys).map(|(xs, ys)| {
                let mut truths = [0; 8];
                truths.iter_mut().zip(xs.iter().zip(ys)).for_each(|(truth, (x, y))| *truth = holds(*x, *y) as u8);
                pack(truths)
            });
            packed(eights, &rest, a.len())
        }
    }
}

/// For each value whether it `holds`. Eight at a time: a loop over bits costs several times as much as the comparison.
pub fn values_where<N: Copy>(values: &[N], holds: impl Fn(N) -> bool) -> Bitmap {
    let eights = values.chunks_exact(8);
    let rest: Vec<u8> = eights.remainder().iter().map(|value| holds(*value) as u8).collect();
    let eights = eights.map(|eight| {
        let mut truths = [0; 8];
        truths.iter_mut().zip(eight).for_each(|(truth, value)| *truth = holds(*value) as u8);
        pack(truths)
    });
    packed(eights, &rest, values.len())
}

/// Bytes of eight truths each, and less than eight more, as bits.
fn packed(eights: impl Iterator<Item = u8>, rest: &[u8], length: usize) -> Bitmap {
    let mut bytes = Vec::with_capacity(length.div_ceil(8));
    bytes.extend(eights);
    if !rest.is_empty() {
        let mut truths = [0; 8];
        truths[..rest.len()].copy_from_slice(rest);
        bytes.push(pack(truths));
    }
    Bitmap::from_u8_vec(bytes, length)
}

/// Eight truths as the bits of a byte, the first as the lowest: the multiplication moves each to its place at the top.
fn pack(truths: [u8; 8]) -> u8 {
    (u64::from_le_bytes(truths).wrapping_mul(0x0102_0408_1020_4080) >> 56) as u8
}

fn compare_floats<T: PolarsNumericType>(
    comparison: Comparison,
    a: &Column,
    b: &Column,
    length: usize,
) -> Result<Truths, TaskError>
where
    PrimitiveArray<T::Native>: TotalEqKernel<Scalar = T::Native> + TotalOrdKernel<Scalar = T::Native>,
{
    let (a, b) = (Numbers::<T>::of(a)?, Numbers::<T>::of(b)?);
    let validity = both_valid(a.validity(length), b.validity(length));
    let values = match (a.is_constant(), b.is_constant()) {
        _ if length == 1 => by_array(comparison, &a.array, &b.array),
        (_, true) => by_scalar(comparison, &a.array, &b.values()[0]),
        (true, _) => by_scalar(comparison.flipped(), &b.array, &a.values()[0]),
        _ => by_array(comparison, &a.array, &b.array),
    };
    Ok(Truths { values: fitted(values, length), validity })
}

fn compare_bytes(comparison: Comparison, a: &Column, b: &Column, length: usize) -> Result<Truths, TaskError> {
    let (a, b) = (a.as_materialized_series().rechunk(), b.as_materialized_series().rechunk());
    let (a, b) = (a.binary()?, b.binary()?);
    let (x, y): (&BinaryViewArray, &BinaryViewArray) = (a.downcast_as_array(), b.downcast_as_array());
    let at = |array: &BinaryViewArray, row: usize| if array.len() == 1 { 0 } else { row };
    let mut valid = Vec::with_capacity(length);
    let mut values = Vec::with_capacity(length);
    for row in 0..length {
        let (i, j) = (at(x, row), at(y, row));
        valid.push(x.is_valid(i) && y.is_valid(j));
        let order = x.value(i).cmp(y.value(j));
        values.push(match comparison {
            Comparison::Equal => order.is_eq(),
            Comparison::NotEqual => order.is_ne(),
            Comparison::Less => order.is_lt(),
            Comparison::LessOrEqual => order.is_le(),
            Comparison::Greater => order.is_gt(),
            Comparison::GreaterOrEqual => order.is_ge(),
        });
    }
    Ok(Truths { values: values.into_iter().collect(), validity: Some(valid.into_iter().collect()) })
}

fn by_array<A: TotalEqKernel + TotalOrdKernel>(comparison: Comparison, a: &A, b: &A) -> Bitmap {
    match comparison {
        Comparison::Equal => a.tot_eq_kernel(b),
        Comparison::NotEqual => a.tot_ne_kernel(b),
        Comparison::Less => a.tot_lt_kernel(b),
        Comparison::LessOrEqual => a.tot_le_kernel(b),
        Comparison::Greater => a.tot_gt_kernel(b),
        Comparison::GreaterOrEqual => a.tot_ge_kernel(b),
    }
}

fn by_scalar<S: ?Sized, A: TotalEqKernel<Scalar = S> + TotalOrdKernel<Scalar = S>>(
    comparison: Comparison,
    a: &A,
    b: &S,
) -> Bitmap {
    match comparison {
        Comparison::Equal => a.tot_eq_kernel_broadcast(b),
        Comparison::NotEqual => a.tot_ne_kernel_broadcast(b),
        Comparison::Less => a.tot_lt_kernel_broadcast(b),
        Comparison::LessOrEqual => a.tot_le_kernel_broadcast(b),
        Comparison::Greater => a.tot_gt_kernel_broadcast(b),
        Comparison::GreaterOrEqual => a.tot_ge_kernel_broadcast(b),
    }
}

fn by_text(comparison: Comparison, texts: &Utf8ViewArray, text: &str) -> Bitmap {
    match comparison {
        Comparison::Equal => texts_equal_to(texts, text),
        Comparison::NotEqual => !&texts_equal_to(texts, text),
        _ => by_scalar(comparison, texts, text),
    }
}

/// For each text whether it is this one. Short texts are in their views, which are compared as the numbers that they are.
pub fn texts_equal_to(texts: &Utf8ViewArray, text: &str) -> Bitmap {
    if text.len() > View::MAX_INLINE_SIZE as usize {
        return texts.tot_eq_kernel_broadcast(text);
    }
    let wanted = View::new_inline(text.as_bytes()).as_u128();
    values_where(texts.views(), |view| view.as_u128() == wanted)
}

/// `nullif(a, b)`: NULL where they are equal.
pub(super) fn nullif(args: &[Column], types: &[DataType], result: &DataType, rows: usize) -> Result<Column, RowError> {
    let length = result_length(args, rows);
    let common = super::equality_type(&types[0], &types[1])
        .ok_or_else(|| TaskError::bug(format!("nullif of {} and {}", types[0], types[1])))?;
    let a = super::cast::cast_column(&args[0], &types[0], &common, false)?;
    let b = super::cast::cast_column(&args[1], &types[1], &common, false)?;
    let equal = compare(Comparison::Equal, &a, &b, &common, length)?.into_column();
    let nulls = Column::full_null(Default::default(), 1, &result.physical());
    Ok(nulls.zip_with(equal.bool()?, &args[0])?)
}

/// `greatest(...)`: NULLs are passed over.
pub(super) fn greatest(args: &[Column], types: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    extreme(Comparison::Greater, args, &types[0], rows)
}

/// `least(...)`: NULLs are passed over.
pub(super) fn least(args: &[Column], types: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    extreme(Comparison::Less, args, &types[0], rows)
}

fn extreme(wins: Comparison, args: &[Column], t: &DataType, rows: usize) -> Result<Column, RowError> {
    let mut best = args[0].clone();
    for challenger in &args[1..] {
        let length = if best.len() == 1 && challenger.len() == 1 { 1 } else { rows };
        // The challenger takes a row where it is ahead, or where there is nothing yet.
        let ahead = compare(wins, challenger, &best, t, length)?.into_column();
        let ahead = ahead.bool()?;
        let empty = best.is_null();
        let takes: polars::prelude::BooleanChunked = (0..length)
            .map(|row| {
                let nothing_yet = empty.get(if empty.len() == 1 { 0 } else { row }) == Some(true);
                Some(nothing_yet || ahead.get(row) == Some(true))
            })
            .collect();
        best = challenger.zip_with(&takes, &best)?;
    }
    Ok(best)
}
