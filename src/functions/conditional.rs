//! COALESCE and IF over columns that are already computed. The evaluator of expressions computes their later arguments
//! only for the rows that need them; these serve constants, and arguments that cannot fail.

use super::RowError;
use super::columns::result_length;
use crate::sql::DataType;
use polars::prelude::Column;

/// `coalesce(...)`.
pub(super) fn coalesce(args: &[Column], _: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    let mut result = args[0].clone();
    for next in &args[1..] {
        if !result.has_nulls() {
            break;
        }
        result = result.zip_with(&result.is_not_null(), next)?;
    }
    full_length(result, result_length(args, rows))
}

/// `if(condition, a, b)`: NULL counts as false.
pub(super) fn choose(args: &[Column], _: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    let length = result_length(args, rows);
    let condition = full_length(args[0].clone(), length)?;
    let chosen = args[1].zip_with(condition.bool()?, &args[2])?;
    full_length(chosen, length)
}

/// A constant, repeated.
pub(super) fn full_length(column: Column, length: usize) -> Result<Column, RowError> {
    Ok(if column.len() == length { column } else { column.new_from_index(0, length) })
}

/// `try(x)`, where `x` did not fail: the evaluator of expressions takes care of the rows where it does.
pub(super) fn first(args: &[Column], _: &[DataType], _: &DataType, _: usize) -> Result<Column, RowError> {
    Ok(args[0].clone())
}
