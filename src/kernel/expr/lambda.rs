//! Functions with a lambda: its body is evaluated on the flat column of all elements at once, with what it reads of the
//! row repeated for each of them. Only a reduction goes in steps, one per place in the lists, each over all rows.

use super::{CompiledExpr, evaluate};
use crate::functions::QueryClock;
use crate::functions::nested::{ListPicker, Lists, pick, take};
use crate::journal::{ErrorCode, TaskError};
use crate::kernel::columns;
use crate::plan::ColumnId;
use crate::sql::DataType;
use polars::prelude::{BooleanChunked, Column, DataFrame, IdxSize, Int64Chunked, IntoColumn, PlSmallStr, Series};

/// A lambda, ready to be evaluated.
#[derive(Debug)]
pub(super) struct Lambda {
    pub function: String,
    pub list: CompiledExpr,
    /// The element, or for a reduction what is reduced so far and the element; then the number of the element.
    pub params: Vec<ColumnId>,
    pub body: CompiledExpr,
    pub initial: Option<CompiledExpr>,
}

impl Lambda {
    /// The columns of the row that the body reads beside its parameters.
    fn outer(&self) -> impl Iterator<Item = &PlSmallStr> {
        self.body.columns.iter().filter(|name| self.params.iter().all(|param| param.name() != name.as_str()))
    }

    /// The rows on which the body is evaluated: `columns` under the names of the parameters, beside the row of each.
    fn arguments(&self, frame: &DataFrame, rows: &[IdxSize], columns: Vec<Column>) -> Result<DataFrame, TaskError> {
        let mut all = Vec::new();
        for name in self.outer() {
            all.push(columns::take_column(frame.column(name)?, rows));
        }
        for (param, column) in self.params.iter().zip(columns) {
            all.push(column.with_name(param.name().into()));
        }
        Ok(columns::frame(rows.len(), all))
    }

    /// The values of the body, one for each of these rows.
    fn values(&self, arguments: &DataFrame, clock: &QueryClock) -> Result<Column, TaskError> {
        let height = arguments.height();
        if height == 0 {
            return Ok(Column::full_null(PlSmallStr::EMPTY, 0, &self.body.dtype.physical()));
        }
        let values = evaluate::evaluate(&self.body, arguments, clock)?;
        Ok(if values.len() == height { values } else { values.new_from_index(0, height) })
    }
}

/// The values of a function with a lambda, of as many rows as its list has, or as the frame.
pub(super) fn evaluate(
    lambda: &Lambda,
    result: &DataType,
    frame: &DataFrame,
    clock: &QueryClock,
) -> Result<Column, TaskError> {
    let list = evaluate::evaluate(&lambda.list, frame, clock)?;
    let item = lambda.list.dtype.item().ok_or_else(|| TaskError::bug("a lambda over something that is no list"))?;
    // A constant list is repeated only where the body reads the row.
    let repeats = lambda.outer().next().is_some() || lambda.initial.is_some();
    let list =
        if list.len() == 1 && repeats && frame.height() != 1 { list.new_from_index(0, frame.height()) } else { list };
    let lists = Lists::of(&list, &item)?.compact()?;
    if lambda.function == "list_reduce" {
        return reduce(lambda, &lists, result, frame, clock);
    }
    let (mut rows, mut numbers): (Vec<IdxSize>, Vec<i64>) = (Vec::new(), Vec::new());
    for row in 0..lists.rows() {
        let length = lists.get(row).map_or(0, |range| range.len());
        rows.extend(std::iter::repeat_n(row as IdxSize, length));
        numbers.extend((0..length).map(|i| i as i64 + 1));
    }
    let numbers = Int64Chunked::from_vec(PlSmallStr::EMPTY, numbers).into_column();
    let arguments = lambda.arguments(frame, &rows, vec![lists.items().clone().into_column(), numbers])?;
    let values = lambda.values(&arguments, clock)?;
    if lambda.function == "list_transform" {
        return lists.with_items(values.take_materialized_series());
    }
    let truths = values.bool()?.rechunk();
    if lambda.function == "list_filter" {
        let mut picker = ListPicker::with_capacity(lists.rows());
        for row in 0..lists.rows() {
            match lists.get(row) {
                Some(range) => picker.push(range.filter(|i| truths.get(*i) == Some(true)).map(|i| i as IdxSize)),
                None => picker.push_null(),
            }
        }
        return picker.finish(lists.items());
    }
    let verdict = |row: usize| lists.get(row).and_then(|range| matched(&lambda.function, range.map(|i| truths.get(i))));
    Ok((0..lists.rows()).map(verdict).collect::<BooleanChunked>().into_column().with_name(PlSmallStr::EMPTY))
}

/// `any_match`, `all_match`, `none_match` with NULL logic, as Trino has them.
fn matched(function: &str, truths: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    // All match where none of the opposites does.
    let sought = function != "all_match";
    let mut unknown = false;
    for truth in truths {
        match truth {
            Some(truth) if truth == sought => return Some(function == "any_match"),
            Some(_) => {}
            None => unknown = true,
        }
    }
    if unknown { None } else { Some(function != "any_match") }
}

/// One step per place in the lists: `so far` and the next element of every row that has one.
fn reduce(
    lambda: &Lambda,
    lists: &Lists,
    result: &DataType,
    frame: &DataFrame,
    clock: &QueryClock,
) -> Result<Column, TaskError> {
    let length = lists.rows();
    let skipped = usize::from(lambda.initial.is_none());
    let mut state: Series = match &lambda.initial {
        Some(initial) => {
            let initial = evaluate::evaluate(initial, frame, clock)?;
            if initial.len() == length { initial } else { initial.new_from_index(0, length) }
        }
        None => {
            let mut places = Vec::with_capacity(length);
            for row in 0..length {
                places.push(match lists.get(row) {
                    None => crate::functions::nested::NOWHERE,
                    Some(range) if range.is_empty() => {
                        let message = "Cannot perform list_reduce on an empty input list";
                        return Err(TaskError::user(ErrorCode::InvalidArguments, message).at(lambda.list.span));
                    }
                    Some(range) => range.start as IdxSize,
                });
            }
            pick(lists.items(), &places)
        }
    }
    .take_materialized_series();
    let longest = (0..length).filter_map(|row| lists.get(row)).map(|range| range.len()).max().unwrap_or(0);
    for step in skipped..longest {
        let (mut rows, mut places): (Vec<IdxSize>, Vec<IdxSize>) = (Vec::new(), Vec::new());
        for row in 0..length {
            if let Some(range) = lists.get(row).filter(|range| range.len() > step) {
                rows.push(row as IdxSize);
                places.push((range.start + step) as IdxSize);
            }
        }
        let number = Int64Chunked::from_vec(PlSmallStr::EMPTY, vec![step as i64 + 1; rows.len()]).into_column();
        let so_far = take(&state, &rows).into_column();
        let arguments = lambda.arguments(frame, &rows, vec![so_far, pick(lists.items(), &places), number])?;
        let values = lambda.values(&arguments, clock)?.take_materialized_series();
        // New states stand behind the old ones; every row takes its own.
        let mut sources: Vec<IdxSize> = (0..length as IdxSize).collect();
        for (i, row) in rows.iter().enumerate() {
            sources[*row as usize] = (length + i) as IdxSize;
        }
        state.append(&values)?;
        state = take(&state.rechunk(), &sources);
    }
    // NULL lists have no value, whatever the start is.
    let places: Vec<IdxSize> = (0..length)
        .map(|row| if lists.get(row).is_some() { row as IdxSize } else { crate::functions::nested::NOWHERE })
        .collect();
    debug_assert_eq!(state.dtype(), &result.physical());
    Ok(pick(&state.rechunk(), &places))
}
