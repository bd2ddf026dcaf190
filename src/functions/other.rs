//! Functions about the query rather than its data.

use super::calendar::MICROS_PER_DAY;
use super::columns::{Rows, Texts, result_length, truths_by_row};
use super::zones::to_local;
use super::{QueryClock, RowError};
use crate::journal::{ErrorCode, TaskError};
use crate::sql::{DataType, Value};
use polars::prelude::{Column, IntoColumn, NamedFrom, PlSmallStr, Series};

/// `typeof(x)`.
pub(super) fn type_name(_: &[Column], types: &[DataType], _: &DataType, _: usize) -> Result<Column, RowError> {
    Ok(Series::new(PlSmallStr::EMPTY, [types[0].to_string()]).into_column())
}

/// `error(message)`: fails for every row that has a message.
pub(super) fn fail(args: &[Column], _: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    let messages = Texts::of(&args[0])?;
    truths_by_row(result_length(args, rows), |row| match messages.get(row) {
        Some(message) => Err(TaskError::user(ErrorCode::InvalidArguments, message)),
        None => Ok(None),
    })
}

/// `version()`.
pub(super) fn version(_: &[Column], _: &[DataType], _: &DataType, _: usize) -> Result<Column, RowError> {
    Ok(Series::new(PlSmallStr::EMPTY, [concat!("v", env!("CARGO_PKG_VERSION"))]).into_column())
}

/// `now()` and `current_date` have no arguments to compute from: [`clock_value`] answers them before a kernel is asked.
pub(super) fn needs_clock(_: &[Column], _: &[DataType], _: &DataType, _: usize) -> Result<Column, RowError> {
    Err(TaskError::bug("a function of the clock was called without one").into())
}

/// The value of a function that reads the query's clock, by its canonical name; None for every other function.
pub fn clock_value(function: &str, clock: &QueryClock) -> Option<Value> {
    let local = || to_local(clock.now_us, clock.zone);
    match function {
        "now" => Some(Value::Int(clock.now_us.into())),
        "localtimestamp" => Some(Value::Int(local().into())),
        "localtime" => Some(Value::Int(local().rem_euclid(MICROS_PER_DAY).into())),
        "current_date" => Some(Value::Int(local().div_euclid(MICROS_PER_DAY).into())),
        _ => None,
    }
}
