//! What the binder, the planner and the kernels ask of the table of functions.

use crate::journal::TaskError;
use crate::sql::DataType;
use polars::prelude::Column;

/// Facts that are fixed for a whole query, so that a recomputed task gives the same bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueryClock {
    /// `now()`, in microseconds since 1970 UTC.
    pub now_us: i64,
    /// For `random()`.
    pub seed: u64,
    /// The time zone of the session.
    pub zone: chrono_tz::Tz,
}

/// Evaluates a function over columns of equal length `rows` (a constant argument comes as a column of length 1, and a
/// function of constants may answer with one). Inputs and result are physical columns ([`DataType::physical`]).
/// An error names the first failing row through [`RowError`].
pub type Eval = fn(args: &[Column], types: &[DataType], result: &DataType, rows: usize) -> Result<Column, RowError>;

/// A user error at a row of the batch; without a row it concerns them all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowError {
    pub row: Option<usize>,
    pub error: TaskError,
}

/// What a call with given argument types means: the types the arguments must be cast to, and the type of the result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    pub args: Vec<DataType>,
    pub result: DataType,
}

/// Why a call does not bind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mismatch {
    /// No function of that name; the nearest names, best first.
    Unknown { similar: Vec<String> },
    /// The function exists, the arguments do not fit: what it takes, `round(DECIMAL), round(DOUBLE, INTEGER)`.
    Arguments { expected: String },
}
