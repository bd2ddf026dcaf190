//! Values of expressions, row by row in meaning and column by column in fact.

use super::repeated::Once;
use super::{CompiledExpr, Node, lambda, truth};
use crate::functions::{self, QueryClock, RowError};
use crate::journal::TaskError;
use polars::prelude::{BooleanChunked, Column, DataFrame, IdxCa, IdxSize, PlSmallStr};
use polars_arrow::bitmap::Bitmap;

/// The values of `expr` for all rows of `frame`; one value if it is the same for all. An error stands at the innermost expression
/// that has a place.
pub(super) fn evaluate(expr: &CompiledExpr, frame: &DataFrame, clock: &QueryClock) -> Result<Column, TaskError> {
    evaluate_node(expr, frame, clock).map_err(|error| error.at(expr.span))
}

fn evaluate_node(expr: &CompiledExpr, frame: &DataFrame, clock: &QueryClock) -> Result<Column, TaskError> {
    let rows = frame.height();
    let located = |error: RowError| error.error;
    match &expr.node {
        Node::Column(name) => Ok(frame.column(name)?.clone()),
        Node::Constant(column) => Ok(column.clone()),
        Node::Clock(function) => {
            let value = functions::clock_value(function, clock)
                .ok_or_else(|| TaskError::bug(format!("{function} does not read the clock")))?;
            functions::column_of(&value, &expr.dtype)
        }
        Node::Cast { arg, lenient } => {
            let values = evaluate(arg, frame, clock)?;
            functions::cast_column(&values, &arg.dtype, &expr.dtype, *lenient).map_err(located)
        }
        Node::Call { eval, args, types, expensive } => {
            let mut values = Vec::with_capacity(args.len());
            for arg in args {
                values.push(evaluate(arg, frame, clock)?);
            }
            if *expensive && let Some(once) = Once::of(&values, rows) {
                let of_texts = eval(&once.args, types, &expr.dtype, once.rows).map_err(located)?;
                return Ok(once.spread(of_texts));
            }
            eval(&values, types, &expr.dtype, rows).map_err(located)
        }
        Node::Coalesce(args) => coalesce(args, frame, clock),
        Node::Case { branches, otherwise } => case(expr, branches, otherwise.as_deref(), frame, clock),
        Node::Try(arg) => attempt(arg, frame, clock),
        Node::Lambda(of) => lambda::evaluate(of, &expr.dtype, frame, clock),
        Node::And(_) | Node::Or(_) | Node::Not(_) | Node::IsNull { .. } | Node::Member { .. } => {
            Ok(truth::evaluate(expr, frame, clock)?.into_column())
        }
    }
}

/// The values of `expr` where `wanted`, NULL elsewhere (or also the value, where it costs nothing and cannot fail).
/// Full length, or one row if it is the same for all.
pub(super) fn evaluate_where(
    expr: &CompiledExpr,
    wanted: &Bitmap,
    frame: &DataFrame,
    clock: &QueryClock,
) -> Result<Column, TaskError> {
    let count = wanted.set_bits();
    if count == 0 {
        return Ok(Column::full_null(PlSmallStr::EMPTY, 1, &expr.dtype.physical()));
    }
    if !expr.picks(wanted) || count == wanted.len() {
        return evaluate(expr, frame, clock);
    }
    let some_rows = filter(frame, wanted, &expr.columns)?;
    let values = evaluate(expr, &some_rows, clock)?;
    if values.len() == 1 && count != 1 {
        return Ok(values);
    }
    scatter(&values, wanted)
}

/// The rows of `frame` where `wanted`, with the given columns only.
fn filter(frame: &DataFrame, wanted: &Bitmap, columns: &[PlSmallStr]) -> Result<DataFrame, TaskError> {
    let mask = BooleanChunked::from_bitmap(PlSmallStr::EMPTY, wanted.clone());
    let mut kept = Vec::with_capacity(columns.len());
    for name in columns {
        kept.push(frame.column(name)?.filter(&mask)?);
    }
    Ok(DataFrame::new(wanted.set_bits(), kept)?)
}

/// Puts the values of the wanted rows back to their places; NULL elsewhere.
fn scatter(values: &Column, wanted: &Bitmap) -> Result<Column, TaskError> {
    let mut next: IdxSize = 0;
    let places: IdxCa = wanted
        .iter()
        .map(|wanted| {
            wanted.then(|| {
                next += 1;
                next - 1
            })
        })
        .collect();
    Ok(values.take(&places)?)
}

fn case(
    expr: &CompiledExpr,
    branches: &[(CompiledExpr, CompiledExpr)],
    otherwise: Option<&CompiledExpr>,
    frame: &DataFrame,
    clock: &QueryClock,
) -> Result<Column, TaskError> {
    let rows = frame.height();
    let mut open = Bitmap::new_with_value(true, rows);
    let mut served = Vec::with_capacity(branches.len());
    for (condition, value) in branches {
        let hits = &truth::evaluate_where(condition, &open, frame, clock)?.truths & &open;
        if hits.set_bits() > 0 {
            served.push((evaluate_where(value, &hits, frame, clock)?, hits.clone()));
            open = &open & &!&hits;
        }
    }
    let mut result = match otherwise {
        Some(value) => evaluate_where(value, &open, frame, clock)?,
        None => Column::full_null(PlSmallStr::EMPTY, 1, &expr.dtype.physical()),
    };
    for (values, hits) in served {
        let mask = BooleanChunked::from_bitmap(PlSmallStr::EMPTY, hits);
        result = values.zip_with(&mask, &result)?;
    }
    full_or_empty(result, rows)
}

fn coalesce(args: &[CompiledExpr], frame: &DataFrame, clock: &QueryClock) -> Result<Column, TaskError> {
    let rows = frame.height();
    let mut result = evaluate(&args[0], frame, clock)?;
    for next in &args[1..] {
        if !result.has_nulls() {
            break;
        }
        let filled = result.is_not_null();
        let filled = if filled.len() == rows {
            filled
        } else {
            BooleanChunked::from_bitmap(PlSmallStr::EMPTY, Bitmap::new_zeroed(rows))
        };
        let open: Bitmap = filled.iter().map(|filled| filled != Some(true)).collect();
        let values = evaluate_where(next, &open, frame, clock)?;
        result = result.zip_with(&filled, &values)?;
    }
    full_or_empty(result, rows)
}

/// The values of `expr`, with NULL for the rows where it fails: a batch that fails is halved until what fails is one row.
fn attempt(expr: &CompiledExpr, frame: &DataFrame, clock: &QueryClock) -> Result<Column, TaskError> {
    let rows = frame.height();
    match evaluate(expr, frame, clock) {
        Err(TaskError::User { .. }) if rows <= 1 || expr.columns.is_empty() => {
            Ok(Column::full_null(PlSmallStr::EMPTY, 1, &expr.dtype.physical()))
        }
        Err(TaskError::User { .. }) => {
            // The other columns need not be cut.
            let used = expr.columns.iter().map(|name| frame.column(name).cloned()).collect::<Result<Vec<_>, _>>()?;
            let used = DataFrame::new(rows, used)?;
            let half = rows / 2;
            let full = |column: Column, length: usize| {
                if column.len() == length { column } else { column.new_from_index(0, length) }
            };
            let mut first = full(attempt(expr, &used.slice(0, half), clock)?, half);
            let second = full(attempt(expr, &used.slice(half as i64, rows - half), clock)?, rows - half);
            first.append(&second)?;
            Ok(first)
        }
        result => result,
    }
}

/// A batch without rows gives a column without rows, though the parts were constants.
fn full_or_empty(column: Column, rows: usize) -> Result<Column, TaskError> {
    Ok(if column.len() > rows { column.slice(0, rows) } else { column })
}
