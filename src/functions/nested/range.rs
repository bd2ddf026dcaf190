//! `range` and `generate_series`: numbers or times in steps.

use super::finish_lists;
use crate::functions::RowError;
use crate::functions::calendar;
use crate::functions::columns::{Numbers, Rows, result_length};
use crate::journal::{ErrorCode, TaskError};
use crate::sql::DataType;
use crate::sql::types::Interval;
use polars::prelude::{Column, Int64Chunked, Int64Type, Int128Type, IntoSeries, PlSmallStr};

/// More elements than one list may have: beyond it memory would be gone before the query.
const MOST_ELEMENTS: usize = 1 << 28;

/// `range(start, end, step)`: without `end`.
pub fn range(args: &[Column], types: &[DataType], result: &DataType, rows: usize) -> Result<Column, RowError> {
    series(args, types, result, rows, false)
}

/// `generate_series(start, end, step)`: with `end`.
pub fn generate_series(args: &[Column], types: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    series(args, types, &DataType::Null, rows, true)
}

fn too_many() -> TaskError {
    TaskError::user(ErrorCode::InvalidArguments, "The range has more than 268435456 elements")
}

fn series(args: &[Column], types: &[DataType], _: &DataType, rows: usize, closed: bool) -> Result<Column, RowError> {
    let length = result_length(args, rows);
    let numbers = |i: usize| args.get(i).map(Numbers::<Int64Type>::of).transpose();
    let (first, second) = (numbers(0)?, numbers(1)?);
    let timed = types.get(2) == Some(&DataType::Interval);
    let intervals = if timed { Some(Numbers::<Int128Type>::of(&args[2])?) } else { None };
    let steps = if timed { None } else { numbers(2)? };
    let (mut values, mut ends, mut valid) = (Vec::new(), vec![0i64], Vec::with_capacity(length));
    for row in 0..length {
        let at = |numbers: &Option<Numbers<Int64Type>>| numbers.as_ref().map(|n| n.get(row));
        let (start, end) = match (at(&first), at(&second)) {
            (Some(end), None) => (Some(0), end),
            (Some(start), Some(end)) => (start, end),
            (None, _) => (None, None),
        };
        let step = match &intervals {
            Some(intervals) => intervals.get(row).map(Step::Time),
            None => at(&steps).unwrap_or(Some(1)).map(Step::Number),
        };
        match (start, end, step) {
            (Some(start), Some(end), Some(step)) => {
                step.fill(start, end, closed, &mut values).map_err(|error| RowError { row: Some(row), error })?;
                valid.push(true);
            }
            _ => valid.push(false),
        }
        ends.push(values.len() as i64);
    }
    Ok(finish_lists(ends, valid, Int64Chunked::from_vec(PlSmallStr::EMPTY, values).into_series())?)
}

enum Step {
    Number(i64),
    /// A packed interval, added to microseconds.
    Time(i128),
}

impl Step {
    fn fill(self, start: i64, end: i64, closed: bool, values: &mut Vec<i64>) -> Result<(), TaskError> {
        let (forward, interval) = match self {
            Step::Number(0) => return Ok(()),
            Step::Number(step) => (step > 0, None),
            Step::Time(bits) => {
                let interval = Interval::unpack(bits);
                let signs = [interval.months.signum() as i64, interval.days.signum() as i64, interval.micros.signum()];
                if signs.contains(&1) && signs.contains(&-1) {
                    let message = "RANGE with composite interval that has mixed signs is not supported";
                    return Err(TaskError::user(ErrorCode::InvalidArguments, message));
                }
                if signs == [0, 0, 0] {
                    return Ok(());
                }
                (signs.contains(&1), Some(interval))
            }
        };
        let inside = |value: i64| {
            if closed && value == end {
                true
            } else if forward {
                value < end
            } else {
                value > end
            }
        };
        let before = values.len();
        let mut value = start;
        while inside(value) {
            values.push(value);
            if values.len() - before > MOST_ELEMENTS {
                return Err(too_many());
            }
            let next = match (&self, interval) {
                (_, Some(interval)) => calendar::add_interval(value, interval),
                (Step::Number(step), None) => value.checked_add(*step),
                (Step::Time(_), None) => None,
            };
            match next {
                Some(next) => value = next,
                None => break,
            }
        }
        Ok(())
    }
}
