//! Functions about the query rather than its data.

use super::calendar::MICROS_PER_DAY;
use super::columns::{Rows, Texts, result_length, truths_by_row};
use super::zones::to_local;
use super::{QueryClock, RowError, Signature};
use crate::journal::{ErrorCode, TaskError};
use crate::sql::{DataType, Value};
use polars::prelude::{BooleanChunked, Column, IntoColumn, NamedFrom, PlSmallStr, Series};

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

/// The functions that are written without brackets.
pub const BARE: &[&str] =
    &["current_user", "user", "session_user", "current_role", "current_schema", "current_catalog", "current_database"];

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident = $value:expr;)*) => {$(
        $(#[$doc])*
        pub(super) fn $name(_: &[Column], _: &[DataType], _: &DataType, _: usize) -> Result<Column, RowError> {
            Ok(Series::new(PlSmallStr::EMPTY, [$value]).into_column())
        }
    )*};
}

names! {
    /// `version()`.
    version = concat!("v", env!("CARGO_PKG_VERSION"));
    /// `current_user`: there are no users.
    user = "faultlab";
    /// `current_database()`.
    database = "faultlab";
    /// `current_schema()`: where a table is looked for whose name says nothing else.
    schema = "main";
}

/// Types of `constant_or_null`.
pub(super) fn constant_or_null_typing(args: &[DataType]) -> Option<Signature> {
    (args.len() >= 2).then(|| Signature { args: args.to_vec(), result: args[0].clone() })
}

/// `constant_or_null(x, ...)`: `x`, or NULL where any other argument is NULL.
pub(super) fn constant_or_null(
    args: &[Column],
    _: &[DataType],
    result: &DataType,
    rows: usize,
) -> Result<Column, RowError> {
    let length = result_length(args, rows);
    let there: Vec<_> = args[1..].iter().map(Column::is_not_null).collect();
    let at = |there: &BooleanChunked, row: usize| there.get(if there.len() == 1 { 0 } else { row }) == Some(true);
    let kept: BooleanChunked = (0..length).map(|row| Some(there.iter().all(|column| at(column, row)))).collect();
    let nulls = Column::full_null(PlSmallStr::EMPTY, 1, &result.physical());
    let value = super::conditional::full_length(args[0].clone(), length)?;
    Ok(value.zip_with(&kept, &nulls)?)
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

/// The kernel of functions that the binder writes with others: a call of one is a mistake of the binder.
pub(super) fn is_written_with_others(_: &[Column], _: &[DataType], _: &DataType, _: usize) -> Result<Column, RowError> {
    Err(TaskError::bug("a function that is written with others was called").into())
}
