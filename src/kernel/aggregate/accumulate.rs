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
    /// How many rows each group has, where that was counted already.
    pub sizes: Option<&'a [i64]>,
}

/// Up to this many groups are added up in lanes.
pub const FEW_GROUPS: usize = 64;
const LANES: usize = 4;

/// Adds `of_row(row)` of each row to its group in `sums`, of which there are at most [`FEW_GROUPS`]. With few groups, each
/// addition would wait for one just before to the same group; so neighbours go to different lanes, which are added up at the end.
/// False, with nothing added, if a sum overflowed.
pub fn add_in_lanes<T: Copy>(sums: &mut [i128], ids: &[u32], values: &[T], wide: impl Fn(T) -> i128) -> bool {
    let mut lanes = [[0i128; LANES]; FEW_GROUPS];
    let mut overflowed = false;
    let mut add = |lane: usize, id: u32, value: T| {
        let cell = &mut lanes[id as usize % FEW_GROUPS][lane];
        let (sum, overflow) = cell.overflowing_add(wide(value));
        overflowed |= overflow;
        *cell = sum;
    };
    let (mut id_rows, mut value_rows) = (ids.chunks_exact(LANES), values.chunks_exact(LANES));
    for (ids, values) in id_rows.by_ref().zip(value_rows.by_ref()) {
        for lane in 0..LANES {
            add(lane, ids[lane], values[lane]);
        }
    }
    for (id, value) in id_rows.remainder().iter().zip(value_rows.remainder()) {
        add(0, *id, *value);
    }
    let mut totals = [0i128; FEW_GROUPS];
    for ((total, sum), lanes) in totals.iter_mut().zip(sums.iter()).zip(&lanes) {
        *total = *sum;
        for lane in lanes {
            let (sum, overflow) = total.overflowing_add(*lane);
            overflowed |= overflow;
            *total = sum;
        }
    }
    if !overflowed {
        let groups = sums.len().min(FEW_GROUPS);
        sums[..groups].copy_from_slice(&totals[..groups]);
    }
    !overflowed
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

/// Folds batches of rows into one state per group. States of several accumulators (of other tasks, of parts of a frame) fold
/// into one in the order in which they are merged.
pub trait Accumulate {
    /// Folds in a batch of values. `columns` are the columns that the accumulator was made for, one chunk each.
    fn update(&mut self, columns: &[Series], rows: GroupRows) -> Result<(), TaskError>;

    /// Folds in a batch of states, as [`Accumulate::finish`] gave them. A state of NULLs is that of no rows.
    fn merge(&mut self, states: &[Series], rows: GroupRows) -> Result<(), TaskError> {
        self.update(states, rows)
    }

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
