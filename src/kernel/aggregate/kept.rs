//! Values that are kept as they are, a list for each group: for aggregates that need all of them, that take them in an order, or
//! that count each different one once. The lists are the state that goes from partial to final.

use super::accumulate::{Accumulate, GroupRows};
use crate::functions::by_length;
use crate::journal::TaskError;
use crate::kernel::columns;
use crate::kernel::keys::{KeyTable, NullKeys};
use crate::kernel::order::Order;
use crate::plan::{ColumnId, expr::ColumnDef, logical::SortKey};
use crate::sql::DataType as SqlType;
use polars::prelude::*;
use polars_arrow::array::{Array, ListArray};
use polars_arrow::offset::{Offsets, OffsetsBuffer};

/// Collects the values of each group, in the order of the rows.
pub struct Kept {
    /// Arguments, then the keys to sort by.
    types: Vec<SqlType>,
    args: usize,
    skip_nulls: bool,
    /// The (group, arguments) that were met already, where each counts once.
    met: Option<KeyTable>,
    groups: Vec<u32>,
    pieces: Vec<Vec<Series>>,
    bytes: u64,
}

impl Kept {
    /// Of columns of these types, of which the first `args` are arguments. `skip_nulls` leaves out rows with a NULL argument,
    /// `distinct` all but the first of rows with equal arguments.
    pub fn new(types: Vec<SqlType>, args: usize, skip_nulls: bool, distinct: bool) -> Kept {
        let keys = || {
            let values = types[..args].iter().map(|t| t.by_length().as_ref().unwrap_or(t).physical());
            std::iter::once(DataType::UInt32).chain(values).collect::<Vec<_>>()
        };
        let met = distinct.then(|| KeyTable::new(&keys(), NullKeys::Match));
        Kept { types, args, skip_nulls, met, groups: Vec::new(), pieces: Vec::new(), bytes: 0 }
    }

    fn push(&mut self, mut columns: Vec<Series>, mut groups: Vec<u32>) -> Result<(), TaskError> {
        if self.skip_nulls && columns[..self.args].iter().any(|c| c.null_count() > 0) {
            let valid: Vec<_> = columns[..self.args].iter().filter_map(|c| c.chunks()[0].validity().cloned()).collect();
            let rows = (0..groups.len()).filter(|row| valid.iter().all(|v| v.get_bit(*row)));
            choose(&mut columns, &mut groups, &rows.map(|row| row as IdxSize).collect::<Vec<_>>());
        }
        if let Some(met) = &mut self.met {
            let mut keys: Vec<Column> = vec![Column::new(PlSmallStr::EMPTY, &groups)];
            for (column, dtype) in columns[..self.args].iter().zip(&self.types) {
                keys.push(orderable(column, dtype)?.into());
            }
            let mut fresh = Vec::new();
            met.insert(&keys.iter().collect::<Vec<_>>(), groups.len(), &mut Vec::new(), &mut fresh)?;
            choose(&mut columns, &mut groups, &fresh);
        }
        if !groups.is_empty() {
            self.bytes += columns.iter().map(|c| c.estimated_size() as u64).sum::<u64>() + 4 * groups.len() as u64;
            self.groups.append(&mut groups);
            self.pieces.push(columns);
        }
        Ok(())
    }
}

/// Only these rows.
fn choose(columns: &mut [Series], groups: &mut Vec<u32>, rows: &[IdxSize]) {
    if rows.len() < groups.len() {
        for column in columns {
            *column = columns::take_column(&column.clone().into(), rows).take_materialized_series();
        }
        *groups = rows.iter().map(|row| groups[*row as usize]).collect();
    }
}

impl Accumulate for Kept {
    fn update(&mut self, columns: &[Series], rows: GroupRows) -> Result<(), TaskError> {
        let groups = rows.ids.map_or_else(|| vec![0; rows.rows], <[u32]>::to_vec);
        self.push(columns.to_vec(), groups)
    }

    fn merge(&mut self, states: &[Series], rows: GroupRows) -> Result<(), TaskError> {
        let lists = Lists::read(states)?;
        let groups = (0..rows.rows).flat_map(|row| std::iter::repeat_n(rows.group(row) as u32, lists.length(row)));
        self.push(lists.columns.clone(), groups.collect())
    }

    fn finish(&mut self, groups: usize) -> Result<Vec<Series>, TaskError> {
        let ids = std::mem::take(&mut self.groups);
        let mut offsets = vec![0usize; groups + 1];
        ids.iter().for_each(|group| offsets[*group as usize + 1] += 1);
        (0..groups).for_each(|group| offsets[group + 1] += offsets[group]);
        let mut next = offsets.clone();
        let mut places = vec![0 as IdxSize; ids.len()];
        for (row, group) in ids.iter().enumerate() {
            places[next[*group as usize]] = row as IdxSize;
            next[*group as usize] += 1;
        }
        let pieces = std::mem::take(&mut self.pieces);
        let mut columns = Vec::with_capacity(self.types.len());
        for (i, dtype) in self.types.iter().enumerate() {
            let mut all = Series::new_empty(PlSmallStr::EMPTY, &dtype.physical());
            for piece in &pieces {
                all.append(&piece[i])?;
            }
            columns.push(columns::take_column(&all.rechunk().into(), &places).take_materialized_series());
        }
        *self = Kept::new(std::mem::take(&mut self.types), self.args, self.skip_nulls, self.met.is_some());
        let lists = Lists { columns, offsets };
        (0..lists.columns.len()).map(|i| lists.list(i, &|_| false)).collect()
    }

    fn bytes(&self) -> u64 {
        self.bytes + self.met.as_ref().map_or(0, KeyTable::bytes)
    }
}

/// The values of all groups, one group after the other.
pub struct Lists {
    /// Columns of one chunk; the values of group `i` are those from `offsets[i]` to `offsets[i + 1]`.
    pub columns: Vec<Series>,
    pub offsets: Vec<usize>,
}

impl Lists {
    /// From list columns, whose lists are equally long; NULL is an empty list.
    pub fn read(states: &[Series]) -> Result<Lists, TaskError> {
        let mut lists = Lists { columns: Vec::with_capacity(states.len()), offsets: Vec::new() };
        for (i, state) in states.iter().enumerate() {
            let state = state.rechunk();
            let of_series = state.list()?;
            let array: &ListArray<i64> = of_series.downcast_as_array();
            if i == 0 {
                lists.offsets.push(0);
                let mut total = 0;
                for row in 0..array.len() {
                    total += if array.is_null(row) { 0 } else { array.offsets().length_at(row) };
                    lists.offsets.push(total);
                }
            }
            let mut places = Vec::with_capacity(*lists.offsets.last().unwrap_or(&0));
            for row in (0..array.len()).filter(|row| array.is_valid(*row)) {
                let (start, end) = array.offsets().start_end(row);
                places.extend((start..end).map(|place| place as IdxSize));
            }
            // SAFETY: the array is that of a series of this inner type.
            let values = unsafe {
                Series::from_chunks_and_dtype_unchecked(
                    PlSmallStr::EMPTY,
                    vec![array.values().clone()],
                    of_series.inner_dtype(),
                )
            };
            let in_place = places.len() == values.len() && places.iter().enumerate().all(|(i, p)| i == *p as usize);
            lists.columns.push(if in_place {
                values
            } else {
                columns::take_column(&values.into(), &places).take_materialized_series()
            });
        }
        Ok(lists)
    }

    /// How many groups there are.
    pub fn groups(&self) -> usize {
        self.offsets.len() - 1
    }

    /// How many values a group has.
    pub fn length(&self, group: usize) -> usize {
        self.offsets[group + 1] - self.offsets[group]
    }

    /// The group of each value.
    pub fn ids(&self) -> Vec<u32> {
        (0..self.groups()).flat_map(|group| std::iter::repeat_n(group as u32, self.length(group))).collect()
    }

    /// The same groups with their values in the order of `keys`: columns, their types, descending, NULLs first. Stable.
    pub fn sorted(&self, keys: &[(usize, &SqlType, SortKey)]) -> Result<Lists, TaskError> {
        let rows = self.columns[0].len();
        let by_group = SortKey { column: ColumnId(0), descending: false, nulls_first: false };
        let mut order = vec![by_group];
        let mut values: Vec<Column> = vec![Column::new(ColumnId(0).name().into(), self.ids())];
        for (i, (column, dtype, key)) in keys.iter().enumerate() {
            let id = ColumnId(i as u32 + 1);
            order.push(SortKey { column: id, ..*key });
            values.push(orderable(&self.columns[*column], dtype)?.with_name(id.name().into()).into());
        }
        let defs: Vec<ColumnDef> = Vec::new();
        let places = Order::new(&order, defs).places(&columns::frame(rows, values), usize::MAX)?;
        let take = |c: &Series| columns::take_column(&c.clone().into(), &places).take_materialized_series();
        Ok(Lists { columns: self.columns.iter().map(take).collect(), offsets: self.offsets.clone() })
    }

    /// A column as lists; NULL for groups that `is_null` names.
    pub fn list(&self, column: usize, is_null: &dyn Fn(usize) -> bool) -> Result<Series, TaskError> {
        list_series(&self.columns[column], &self.offsets, is_null)
    }
}

/// Lists of consecutive values: those from `offsets[i]` to `offsets[i + 1]`.
pub fn list_series(values: &Series, offsets: &[usize], is_null: &dyn Fn(usize) -> bool) -> Result<Series, TaskError> {
    let values = values.rechunk();
    let array = values.chunks()[0].clone();
    let offsets: Vec<i64> = offsets.iter().map(|o| *o as i64).collect();
    let groups = offsets.len() - 1;
    let valid = (0..groups).any(is_null).then(|| (0..groups).map(|group| !is_null(group)).collect());
    let offsets: OffsetsBuffer<i64> = Offsets::try_from(offsets)?.into();
    let dtype = ListArray::<i64>::default_datatype(array.dtype().clone());
    let lists = ListArray::<i64>::new(dtype, offsets, array, valid);
    Ok(ListChunked::with_chunk(PlSmallStr::EMPTY, lists).into_series())
}

/// The values in a form that sorts, and is equal, as SQL has it: intervals by their length.
pub fn orderable(series: &Series, dtype: &SqlType) -> Result<Series, TaskError> {
    Ok(by_length(&series.clone().into(), dtype)?.take_materialized_series())
}
