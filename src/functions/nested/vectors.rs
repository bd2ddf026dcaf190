//! Lists of numbers as vectors.

use super::Lists;
use crate::functions::RowError;
use crate::functions::columns::{Numbers, numbers_by_row, result_length};
use crate::journal::{ErrorCode, TaskError};
use crate::sql::DataType;
use polars::prelude::{Column, DataType as Physical, Float64Type, IntoColumn};
use polars_arrow::array::Array;

fn pairwise(
    name: &str,
    args: &[Column],
    result: &DataType,
    rows: usize,
    f: impl Fn(&[f64], &[f64]) -> Option<f64>,
) -> Result<Column, RowError> {
    let (a, b) = (Lists::of(&args[0], result)?, Lists::of(&args[1], result)?);
    let numbers = |lists: &Lists| -> Result<Numbers<Float64Type>, TaskError> {
        Numbers::of(&lists.items().cast(&Physical::Float64)?.into_column())
    };
    let (x, y) = (numbers(&a)?, numbers(&b)?);
    let wrong = |what: String| TaskError::user(ErrorCode::InvalidArguments, format!("{name}: {what}"));
    let doubles = numbers_by_row::<Float64Type>(result_length(args, rows), |row| {
        let (Some(left), Some(right)) = (a.get(row), b.get(row)) else { return Ok(None) };
        if left.len() != right.len() {
            let lengths = format!("got left length '{}' and right length '{}'", left.len(), right.len());
            return Err(wrong(format!("list dimensions must be equal, {lengths}")));
        }
        for (side, numbers, range) in [("left", &x, &left), ("right", &y, &right)] {
            if range.clone().any(|i| numbers.array.is_null(i)) {
                return Err(wrong(format!("{side} argument can not contain NULL values")));
            }
        }
        Ok(f(&x.values()[left], &y.values()[right]))
    })?;
    if *result == DataType::Float { Ok(doubles.cast(&Physical::Float32)?) } else { Ok(doubles) }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

fn cosine(a: &[f64], b: &[f64]) -> Option<f64> {
    let (aa, bb) = (dot(a, a), dot(b, b));
    // DuckDB divides by the root of the product, and keeps the result inside of what a cosine can be.
    Some((dot(a, b) / (aa * bb).sqrt()).clamp(-1.0, 1.0))
}

macro_rules! vectors {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $f:expr;)*) => {$(
        $(#[$doc])*
        pub fn $name(args: &[Column], _: &[DataType], result: &DataType, rows: usize) -> Result<Column, RowError> {
            pairwise($text, args, result, rows, $f)
        }
    )*};
}

vectors! {
    /// `list_cosine_similarity(a, b)`.
    cosine_similarity = "list_cosine_similarity", cosine;
    /// `list_cosine_distance(a, b)`.
    cosine_distance = "list_cosine_distance", |a, b| cosine(a, b).map(|c| 1.0 - c);
    /// `list_inner_product(a, b)`.
    inner_product = "list_inner_product", |a, b| Some(dot(a, b));
    /// `list_negative_inner_product(a, b)`.
    negative_inner_product = "list_negative_inner_product", |a, b| Some(-dot(a, b));
    /// `list_distance(a, b)`.
    distance = "list_distance", |a, b| Some(a.iter().zip(b).map(|(x, y)| (x - y) * (x - y)).sum::<f64>().sqrt());
}
