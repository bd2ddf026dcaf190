//! Functions that look for elements: equality is that of encoded values, so it serves elements of every type.

use super::choose::item_of;
use super::encode::encoded;
use super::{ListPicker, Lists};
use crate::functions::RowError;
use crate::functions::columns::{booleans_by_row, numbers_by_row, result_length};
use crate::journal::TaskError;
use crate::sql::DataType;
use polars::prelude::{Column, IdxSize, Int32Type, UInt64Type};
use polars_arrow::array::{Array, BinaryViewArray};
use std::collections::BTreeSet;

/// Lists with their elements' byte strings.
struct Encoded {
    lists: Lists,
    bytes: BinaryViewArray,
}

impl Encoded {
    fn of(column: &Column, t: &DataType) -> Result<Encoded, TaskError> {
        let item = item_of(t)?;
        let lists = Lists::of(column, &item)?;
        let bytes = encoded(lists.items(), &item)?;
        Ok(Encoded { lists, bytes })
    }

    /// The byte string of an element, None for NULL.
    fn at(&self, place: usize) -> Option<&[u8]> {
        if self.bytes.is_null(place) { None } else { Some(self.bytes.value(place)) }
    }
}

/// An element to look for in every row.
fn needle(bytes: &BinaryViewArray, row: usize) -> Option<&[u8]> {
    let row = if bytes.len() == 1 { 0 } else { row };
    if bytes.is_null(row) { None } else { Some(bytes.value(row)) }
}

/// `list_contains(list, element)`: NULL if either is, but nothing is in an empty list.
pub fn contains(args: &[Column], types: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    let list = Encoded::of(&args[0], &types[0])?;
    let wanted = encoded(args[1].as_materialized_series(), &types[1])?;
    Ok(booleans_by_row(result_length(args, rows), |row| {
        let range = list.lists.get(row)?;
        if range.is_empty() {
            return Some(false);
        }
        let wanted = needle(&wanted, row)?;
        Some(range.into_iter().any(|i| list.at(i) == Some(wanted)))
    }))
}

/// `list_position(list, element)`: from 1, NULL if it is not there. NULL is found where it is.
pub fn position(args: &[Column], types: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    let list = Encoded::of(&args[0], &types[0])?;
    let wanted = encoded(args[1].as_materialized_series(), &types[1])?;
    numbers_by_row::<Int32Type>(result_length(args, rows), |row| {
        let Some(mut range) = list.lists.get(row) else { return Ok(None) };
        let wanted = needle(&wanted, row);
        Ok(range.position(|i| list.at(i) == wanted).map(|i| i as i32 + 1))
    })
}

fn two_sets(
    args: &[Column],
    types: &[DataType],
    rows: usize,
    test: impl Fn(&BTreeSet<&[u8]>, &BTreeSet<&[u8]>) -> bool,
) -> Result<Column, RowError> {
    let (a, b) = (Encoded::of(&args[0], &types[0])?, Encoded::of(&args[1], &types[1])?);
    Ok(booleans_by_row(result_length(args, rows), |row| {
        let (left, right) = (a.lists.get(row)?, b.lists.get(row)?);
        let left = left.filter_map(|i| a.at(i)).collect();
        let right = right.filter_map(|i| b.at(i)).collect();
        Some(test(&left, &right))
    }))
}

/// `list_has_any(a, b)`: whether they share an element; NULLs do not count.
pub fn has_any(args: &[Column], types: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    two_sets(args, types, rows, |a, b| !a.is_disjoint(b))
}

/// `list_has_all(a, b)`: whether all of b is in a.
pub fn has_all(args: &[Column], types: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    two_sets(args, types, rows, |a, b| a.is_superset(b))
}

/// `list_intersect(a, b)`: the distinct elements of a that b has too.
pub fn intersect(args: &[Column], types: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    let length = result_length(args, rows);
    let (a, b) = (Encoded::of(&args[0], &types[0])?, Encoded::of(&args[1], &types[1])?);
    let mut picker = ListPicker::with_capacity(length);
    for row in 0..length {
        let (Some(left), Some(right)) = (a.lists.get(row), b.lists.get(row)) else {
            picker.push_null();
            continue;
        };
        let mut common: BTreeSet<&[u8]> = right.filter_map(|i| b.at(i)).collect();
        picker.push(left.filter(|i| a.at(*i).is_some_and(|value| common.remove(value))).map(|i| i as IdxSize));
    }
    Ok(picker.finish(a.lists.items())?)
}

/// `list_distinct(list)`: the elements without NULLs and repetitions, in order of first appearance.
pub fn distinct(args: &[Column], types: &[DataType], _: &DataType, _: usize) -> Result<Column, RowError> {
    let list = Encoded::of(&args[0], &types[0])?;
    let mut picker = ListPicker::with_capacity(args[0].len());
    for row in 0..args[0].len() {
        let Some(range) = list.lists.get(row) else {
            picker.push_null();
            continue;
        };
        let mut seen = BTreeSet::new();
        picker.push(range.filter(|i| list.at(*i).is_some_and(|value| seen.insert(value))).map(|i| i as IdxSize));
    }
    Ok(picker.finish(list.lists.items())?)
}

/// `list_unique(list)`: how many distinct elements there are.
pub fn unique(args: &[Column], types: &[DataType], _: &DataType, _: usize) -> Result<Column, RowError> {
    let list = Encoded::of(&args[0], &types[0])?;
    numbers_by_row::<UInt64Type>(args[0].len(), |row| {
        let Some(range) = list.lists.get(row) else { return Ok(None) };
        Ok(Some(range.filter_map(|i| list.at(i)).collect::<BTreeSet<_>>().len() as u64))
    })
}
