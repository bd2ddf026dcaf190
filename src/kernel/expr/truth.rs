//! Three-valued logic on bitmaps: for each row whether it is TRUE and whether it is FALSE; neither means NULL.

use super::evaluate::evaluate as evaluate_values;
use super::evaluate::evaluate_where as evaluate_values_where;
use super::{CompiledExpr, Node};
use crate::functions::QueryClock;
use crate::journal::TaskError;
use polars::prelude::{BooleanChunked, Column, DataFrame, IntoColumn, PlSmallStr};
use polars_arrow::array::BooleanArray;
use polars_arrow::bitmap::Bitmap;
use polars_arrow::datatypes::ArrowDataType;

/// Truth values of a batch, always of full length.
#[derive(Debug, Clone)]
pub(super) struct Truth {
    pub(super) truths: Bitmap,
    pub(super) falses: Bitmap,
}

impl Truth {
    fn all(truth: bool, rows: usize) -> Truth {
        Truth { truths: Bitmap::new_with_value(truth, rows), falses: Bitmap::new_with_value(!truth, rows) }
    }

    fn not(self) -> Truth {
        Truth { truths: self.falses, falses: self.truths }
    }

    /// From values and, where there are NULLs, which of them count.
    pub(super) fn known(values: &Bitmap, validity: Option<&Bitmap>) -> Truth {
        let falses = !values;
        match validity {
            Some(valid) => Truth { truths: values & valid, falses: &falses & valid },
            None => Truth { truths: values.clone(), falses },
        }
    }

    /// From a column of `rows` truth values, or of one that holds for all.
    fn of_column(column: &Column, rows: usize) -> Result<Truth, TaskError> {
        let chunked = column.bool()?;
        if chunked.len() == 1 && rows != 1 {
            return Ok(match chunked.get(0) {
                Some(truth) => Truth::all(truth, rows),
                None => Truth { truths: Bitmap::new_zeroed(rows), falses: Bitmap::new_zeroed(rows) },
            });
        }
        let chunked = chunked.rechunk();
        let array = chunked.downcast_as_array();
        Ok(Truth::known(array.values(), array.validity()))
    }

    /// The same as a column.
    pub(super) fn into_column(self) -> Column {
        let known = &self.truths | &self.falses;
        let validity = (known.unset_bits() > 0).then_some(known);
        let array = BooleanArray::new(ArrowDataType::Boolean, self.truths, validity);
        BooleanChunked::with_chunk(PlSmallStr::EMPTY, array).into_column()
    }
}

/// The truth of `expr` for all rows of `frame`.
pub(super) fn evaluate(expr: &CompiledExpr, frame: &DataFrame, clock: &QueryClock) -> Result<Truth, TaskError> {
    let rows = frame.height();
    match &expr.node {
        Node::And(parts) => connect(parts, true, frame, clock),
        Node::Or(parts) => connect(parts, false, frame, clock),
        Node::Not(arg) => Ok(evaluate(arg, frame, clock)?.not()),
        Node::IsNull { arg, negated } => {
            let values = evaluate_values(arg, frame, clock)?;
            let nulls = Truth::of_column(&values.is_null().into_column(), rows)?;
            Ok(if *negated { nulls.not() } else { nulls })
        }
        Node::Member { arg, members, negated } => {
            let values = evaluate_values(arg, frame, clock)?;
            let found = Truth::of_column(&members.contains(&values)?, rows)?;
            Ok(if *negated { found.not() } else { found })
        }
        _ => Truth::of_column(&evaluate_values(expr, frame, clock)?, rows),
    }
}

/// As [`evaluate`], where only the `wanted` rows matter: the others are not looked at if that could fail, or costs much.
pub(super) fn evaluate_where(
    expr: &CompiledExpr,
    wanted: &Bitmap,
    frame: &DataFrame,
    clock: &QueryClock,
) -> Result<Truth, TaskError> {
    if !expr.picks(wanted) || wanted.unset_bits() == 0 {
        return evaluate(expr, frame, clock);
    }
    Truth::of_column(&evaluate_values_where(expr, wanted, frame, clock)?, frame.height())
}

/// AND (`is_and`) or OR. A part that may fail sees only the rows that are not decided yet.
fn connect(parts: &[CompiledExpr], is_and: bool, frame: &DataFrame, clock: &QueryClock) -> Result<Truth, TaskError> {
    let mut result = Truth::all(is_and, frame.height());
    for part in parts {
        let decided = if is_and { &result.falses } else { &result.truths };
        if decided.unset_bits() == 0 {
            break;
        }
        let next = evaluate_where(part, &!decided, frame, clock)?;
        result = if is_and {
            Truth { truths: &result.truths & &next.truths, falses: &result.falses | &next.falses }
        } else {
            Truth { truths: &result.truths | &next.truths, falses: &result.falses & &next.falses }
        };
    }
    Ok(result)
}
