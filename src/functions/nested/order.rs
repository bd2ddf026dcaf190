//! Sorting lists.

use super::choose::item_of;
use super::encode::encoded;
use super::{ListPicker, Lists, finish_lists};
use crate::functions::RowError;
use crate::functions::columns::{Rows, Texts, result_length};
use crate::journal::{ErrorCode, TaskError};
use crate::sql::DataType;
use polars::prelude::{Column, IdxSize, Int64Chunked, IntoSeries, PlSmallStr};
use polars_arrow::array::Array;

/// How the elements are ordered.
#[derive(Clone, Copy)]
struct Direction {
    descending: bool,
    nulls_first: bool,
}

fn wrong_word(word: &str, choices: &str) -> TaskError {
    let message = format!("'{word}' is no order of a list: it is {choices}");
    TaskError::user(ErrorCode::InvalidArguments, message)
}

impl Direction {
    fn read(descending: Option<&str>, nulls: Option<&str>, default: Direction) -> Result<Direction, TaskError> {
        let descending = match descending.map(str::to_ascii_uppercase).as_deref() {
            None => default.descending,
            Some("DEFAULT" | "ORDER_DEFAULT") => default.descending,
            Some("ASC" | "ASCENDING") => false,
            Some("DESC" | "DESCENDING") => true,
            Some(other) => return Err(wrong_word(other, "ASC or DESC")),
        };
        let nulls_first = match nulls.map(str::to_ascii_uppercase).as_deref() {
            None => default.nulls_first,
            Some("DEFAULT" | "ORDER_DEFAULT") => default.nulls_first,
            Some("NULLS FIRST" | "NULLS_FIRST") => true,
            Some("NULLS LAST" | "NULLS_LAST") => false,
            Some(other) => return Err(wrong_word(other, "NULLS FIRST or NULLS LAST")),
        };
        Ok(Direction { descending, nulls_first })
    }
}

/// Hands the places of each row's elements to `each`, in order; None for NULL.
fn sorted(
    args: &[Column],
    t: &DataType,
    rows: usize,
    reversed: bool,
    mut each: impl FnMut(Option<(usize, Vec<usize>)>),
) -> Result<Lists, RowError> {
    let length = result_length(args, rows);
    let item = item_of(t)?;
    let lists = Lists::of(&args[0], &item)?;
    let bytes = encoded(lists.items(), &item)?;
    let words = args[1..].iter().map(Texts::of).collect::<Result<Vec<_>, _>>()?;
    let default = Direction { descending: reversed, nulls_first: false };
    for row in 0..length {
        // NULL for an order is no order.
        let (Some(range), true) = (lists.get(row), words.iter().all(|words| words.get(row).is_some())) else {
            each(None);
            continue;
        };
        let word = |i: usize| words.get(i).and_then(|words| words.get(row));
        let direction = if reversed { (None, word(0)) } else { (word(0), word(1)) };
        let direction =
            Direction::read(direction.0, direction.1, default).map_err(|error| RowError { row: Some(row), error })?;
        let start = range.start;
        let mut places: Vec<usize> = range.collect();
        places.sort_by(|a, b| match (bytes.is_null(*a), bytes.is_null(*b)) {
            (false, false) if direction.descending => bytes.value(*b).cmp(bytes.value(*a)),
            (false, false) => bytes.value(*a).cmp(bytes.value(*b)),
            (a, b) if direction.nulls_first => b.cmp(&a),
            (a, b) => a.cmp(&b),
        });
        each(Some((start, places)));
    }
    Ok(lists)
}

fn sort_lists(args: &[Column], t: &DataType, rows: usize, reversed: bool) -> Result<Column, RowError> {
    let mut picker = ListPicker::with_capacity(rows);
    let lists = sorted(args, t, rows, reversed, |row| match row {
        Some((_, places)) => picker.push(places.into_iter().map(|i| i as IdxSize)),
        None => picker.push_null(),
    })?;
    Ok(picker.finish(lists.items())?)
}

/// `list_sort(list [, order [, nulls]])`.
pub fn sort(args: &[Column], types: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    sort_lists(args, &types[0], rows, false)
}

/// `list_reverse_sort(list [, nulls])`.
pub fn reverse_sort(args: &[Column], types: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    sort_lists(args, &types[0], rows, true)
}

/// `list_grade_up(list [, order [, nulls]])`: the places of the elements in order.
pub fn grade(args: &[Column], types: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    let (mut ends, mut valid, mut grades) = (vec![0i64], Vec::new(), Vec::new());
    sorted(args, &types[0], rows, false, |row| {
        valid.push(row.is_some());
        if let Some((start, places)) = row {
            grades.extend(places.into_iter().map(|i| (i - start) as i64 + 1));
        }
        ends.push(grades.len() as i64);
    })?;
    Ok(finish_lists(ends, valid, Int64Chunked::from_vec(PlSmallStr::EMPTY, grades).into_series())?)
}
