//! Functions that answer with the value of another row: LAG and LEAD by distance, FIRST_VALUE, LAST_VALUE and NTH_VALUE of
//! the frame.

use super::{Evaluation, NOWHERE, Numbers};
use crate::journal::TaskError;
use crate::kernel::columns;
use polars::prelude::*;
use std::ops::Range;

/// The rows that count among all.
pub struct Counted {
    /// How many count before each row, and in all.
    before: Vec<u32>,
    rows: Vec<u32>,
}

impl Counted {
    /// Those for which `counts` is true.
    pub fn new(rows: usize, counts: impl Fn(usize) -> bool) -> Counted {
        let (mut before, mut counted) = (Vec::with_capacity(rows + 1), Vec::new());
        for row in 0..rows {
            before.push(counted.len() as u32);
            if counts(row) {
                counted.push(row as u32);
            }
        }
        before.push(counted.len() as u32);
        Counted { before, rows: counted }
    }

    /// How many of the range count.
    pub fn count(&self, range: &Range<u32>) -> u32 {
        self.before[range.end as usize] - self.before[range.start as usize]
    }

    /// The `n`-th of those in the range that count, from 0.
    fn nth(&self, range: &Range<u32>, n: u32) -> IdxSize {
        self.rows[(self.before[range.start as usize] + n) as usize] as IdxSize
    }
}

/// The `n`-th row of the ranges, from 0, of those that count.
pub fn nth(ranges: &[Range<u32>; 3], mut n: i64, counted: Option<&Counted>) -> IdxSize {
    for range in ranges {
        let size = counted.map_or(range.end - range.start, |c| c.count(range));
        if n < i64::from(size) {
            return counted.map_or(range.start + n as u32, |c| c.nth(range, n as u32));
        }
        n -= i64::from(size);
    }
    NOWHERE
}

/// The last row of the ranges, of those that count.
pub fn last(ranges: &[Range<u32>; 3], counted: Option<&Counted>) -> IdxSize {
    for range in ranges.iter().rev() {
        let size = counted.map_or(range.end - range.start, |c| c.count(range));
        if size > 0 {
            return counted.map_or(range.end - 1, |c| c.nth(range, size - 1));
        }
    }
    NOWHERE
}

/// The values at these rows, NULL where there is none.
pub fn at(values: &Series, places: &[IdxSize]) -> Column {
    columns::take_column_or_null(&values.clone().into(), places)
}

impl Evaluation<'_> {
    /// The rows that IGNORE NULLS leaves.
    pub fn counted(&self, values: &Series) -> Option<Counted> {
        let valid = self.call.ignore_nulls.then(|| values.is_not_null());
        valid.map(|valid| Counted::new(values.len(), |row| valid.get(row) == Some(true)))
    }

    /// FIRST_VALUE, LAST_VALUE, NTH_VALUE.
    pub fn of_frame(&self) -> Result<Column, TaskError> {
        let (values, frames) = (self.argument(0)?, self.frames()?);
        let counted = self.counted(&values);
        let number = if self.call.args.len() > 1 { self.number(1)? } else { Numbers::Constant(Some(1)) };
        let place = |row: usize| {
            let ranges = frames.ranges(self.layout, row);
            match (self.call.function.as_str(), number.get(row)) {
                ("last_value", _) => last(&ranges, counted.as_ref()),
                (_, Some(n)) if n > 0 => nth(&ranges, n - 1, counted.as_ref()),
                _ => NOWHERE,
            }
        };
        Ok(at(&values, &(0..self.rows()).map(place).collect::<Vec<_>>()))
    }

    /// LAG (`direction` -1) and LEAD (1).
    pub fn shifted(&self, direction: i64) -> Result<Column, TaskError> {
        let values = self.argument(0)?;
        let counted = self.counted(&values);
        let offsets = if self.call.args.len() > 1 { self.number(1)? } else { Numbers::Constant(Some(1)) };
        let partitions = &self.layout.partitions;
        let target = |row: usize, distance: i64| -> Option<IdxSize> {
            let (start, end) = (partitions.start(row), partitions.end(row));
            let Some(counted) = counted.as_ref().filter(|_| distance != 0) else {
                let target = (row as i64).checked_add(distance)?;
                return (i64::from(start)..i64::from(end)).contains(&target).then_some(target as IdxSize);
            };
            let nowhere = end..end;
            if distance > 0 {
                let found = nth(&[row as u32 + 1..end, nowhere.clone(), nowhere], distance - 1, Some(counted));
                return (found != NOWHERE).then_some(found);
            }
            let before = start..row as u32;
            let from_start = i64::from(counted.count(&before)).checked_add(distance).filter(|n| *n >= 0)?;
            Some(counted.nth(&before, from_start as u32))
        };
        let mut places = Vec::with_capacity(self.rows());
        let mut has_default = false;
        for row in 0..self.rows() {
            places.push(match offsets.get(row) {
                // An offset of NULL leads nowhere, not even to the default.
                None => NOWHERE,
                Some(offset) => match offset.checked_mul(direction).and_then(|distance| target(row, distance)) {
                    Some(place) => place,
                    None if self.call.args.len() > 2 => {
                        has_default = true;
                        (self.rows() + row) as IdxSize
                    }
                    None => NOWHERE,
                },
            });
        }
        let mut all = values;
        if has_default {
            all.append(&self.argument(2)?)?;
            all = all.rechunk();
        }
        Ok(at(&all, &places))
    }
}
