//! What accumulators have in common: which rows go to which group, and which groups have a value at all.

use crate::journal::TaskError;
use polars::prelude::*;
use polars_arrow::bitmap::Bitmap;

/// The groups of a batch of rows.
#[derive(Clone, Copy)]
pub struct GroupRows<'a> {
    /// The group of each row; None where there is one group in all.
    pub ids: Option<&'a [u32]>,
    /// How many rows.
    pub rows: usize,
    /// How many groups there are so far, with those that this batch brought.
    pub groups: usize,
    /// Every group that is new with this batch has a row in it.
    pub covers: bool,
}

impl GroupRows<'_> {
    /// The group of a row.
    #[inline(always)]
    pub fn group(&self, row: usize) -> usize {
        match self.ids {
            Some(ids) => ids[row] as usize,
            None => 0,
        }
    }
}

/// Folds batches of rows into one value (or state) per group.
pub trait Accumulate {
    /// Folds in a batch. `columns` are the columns that the accumulator was made for, one chunk each.
    fn update(&mut self, columns: &[Series], rows: GroupRows) -> Result<(), TaskError>;

    /// The state of each of `groups` groups, one series per state column. Emptied.
    fn finish(&mut self, groups: usize) -> Result<Vec<Series>, TaskError>;

    /// What it takes, in bytes.
    fn bytes(&self) -> u64;
}

/// Which groups have met a value that is not NULL.
#[derive(Default)]
pub struct Presence {
    present: Vec<bool>,
    absent: usize,
}

impl Presence {
    /// Makes room for groups that have met nothing yet.
    pub fn grow(&mut self, groups: usize) {
        self.absent += groups.saturating_sub(self.present.len());
        self.present.resize(groups.max(self.present.len()), false);
    }

    /// Every row of the batch has a value.
    pub fn meet_all(&mut self, rows: GroupRows) {
        if rows.covers {
            self.present.resize(rows.groups.max(self.present.len()), true);
        } else {
            self.grow(rows.groups);
        }
        // As soon as all groups have met a value, this costs nothing.
        if self.absent > 0 {
            (0..rows.rows).for_each(|row| self.meet(rows.group(row)));
        }
    }

    /// A row of `group` has a value.
    #[inline(always)]
    pub fn meet(&mut self, group: usize) {
        if !self.present[group] {
            self.present[group] = true;
            self.absent -= 1;
        }
    }

    /// Whether `group` has met a value.
    #[inline(always)]
    pub fn has(&self, group: usize) -> bool {
        self.present[group]
    }

    /// The validity of a column of one value per group, None where all are valid. Emptied.
    pub fn take_validity(&mut self, groups: usize) -> Option<Bitmap> {
        self.grow(groups);
        let taken = std::mem::take(self);
        (taken.absent > 0).then(|| Bitmap::from_iter(taken.present))
    }

    /// What it takes, in bytes.
    pub fn bytes(&self) -> u64 {
        self.present.capacity() as u64
    }
}

/// Calls `each(row, value)` for the values of a numeric array that are not NULL, and keeps the presence of their groups.
macro_rules! for_each_value {
    ($array:expr, $rows:expr, $presence:expr, |$group:ident, $value:ident| $body:expr) => {{
        let array = $array;
        let values = array.values().as_slice();
        let rows: GroupRows = $rows;
        match array.validity().filter(|v| v.unset_bits() > 0) {
            None => {
                $presence.meet_all(rows);
                match rows.ids {
                    Some(ids) => {
                        for (group, value) in ids.iter().zip(values) {
                            let ($group, $value) = (*group as usize, *value);
                            $body
                        }
                    }
                    None => {
                        for value in values {
                            let ($group, $value) = (0usize, *value);
                            $body
                        }
                    }
                }
            }
            Some(valid) => {
                $presence.grow(rows.groups);
                for (row, (value, ok)) in values.iter().zip(valid.iter()).enumerate() {
                    if ok {
                        let ($group, $value) = (rows.group(row), *value);
                        $presence.meet($group);
                        $body
                    }
                }
            }
        }
    }};
}
pub(super) use for_each_value;
