//! Aggregates that keep one row of each group: LAST, and ARG_MIN and ARG_MAX, which keep the row with the best key.

use super::accumulate::{Accumulate, GroupRows};
use super::kept::orderable;
use crate::journal::TaskError;
use crate::kernel::columns;
use crate::kernel::order::{Rank, Ranks};
use crate::plan::{ColumnId, logical::SortKey};
use crate::sql::DataType as SqlType;
use polars::prelude::*;

/// One row of values for each group, replaced as better ones come.
struct KeptRows {
    types: Vec<DataType>,
    /// Where the row of each group is among those taken; `IdxSize::MAX` for none.
    places: Vec<IdxSize>,
    taken: Vec<Vec<Series>>,
    count: usize,
    /// For each group, the batch that last chose a row of it, and which of the chosen it is.
    chosen: Vec<(u32, u32)>,
    batch: u32,
}

/// Replaced rows are dropped when there are this many more than groups.
const MOST_REPLACED: usize = 64 * 1024;

impl KeptRows {
    fn new(types: Vec<DataType>) -> KeptRows {
        KeptRows { types, places: Vec::new(), taken: Vec::new(), count: 0, chosen: Vec::new(), batch: 0 }
    }

    /// The rows of a batch that replace what their groups have. `better(row, Some(other))` asks whether a row of the batch goes
    /// before another one of it, `better(row, None)` whether it goes before what its group has so far.
    fn choose(
        &mut self,
        rows: GroupRows,
        counts: impl Fn(usize) -> bool,
        better: impl Fn(usize, usize, Option<usize>) -> bool,
    ) -> Vec<(u32, IdxSize)> {
        self.places.resize(rows.groups.max(self.places.len()), IdxSize::MAX);
        self.chosen.resize(self.places.len(), (0, 0));
        self.batch += 1;
        let mut chosen: Vec<(u32, IdxSize)> = Vec::new();
        for row in (0..rows.rows).filter(|row| counts(*row)) {
            let group = rows.group(row);
            let (batch, place) = self.chosen[group];
            if batch == self.batch {
                let other = &mut chosen[place as usize].1;
                if better(group, row, Some(*other as usize)) {
                    *other = row as IdxSize;
                }
            } else if self.places[group] == IdxSize::MAX || better(group, row, None) {
                self.chosen[group] = (self.batch, chosen.len() as u32);
                chosen.push((group as u32, row as IdxSize));
            }
        }
        chosen
    }

    /// Takes the chosen rows of a batch.
    fn take(&mut self, columns: &[Series], chosen: &[(u32, IdxSize)]) -> Result<(), TaskError> {
        if chosen.is_empty() {
            return Ok(());
        }
        let rows: Vec<IdxSize> = chosen.iter().map(|(_, row)| *row).collect();
        for (i, (group, _)) in chosen.iter().enumerate() {
            self.places[*group as usize] = (self.count + i) as IdxSize;
        }
        self.count += rows.len();
        let take = |c: &Series| columns::take_column(&c.clone().into(), &rows).take_materialized_series();
        self.taken.push(columns[..self.types.len()].iter().map(take).collect());
        if self.count > self.places.len() + MOST_REPLACED {
            let live: Vec<IdxSize> = self.places.iter().copied().filter(|place| *place != IdxSize::MAX).collect();
            let kept = self.gather(&live)?;
            self.taken = vec![kept];
            self.count = live.len();
            let places = self.places.iter_mut().filter(|place| **place != IdxSize::MAX);
            for (next, place) in places.enumerate() {
                *place = next as IdxSize;
            }
        }
        Ok(())
    }

    /// The taken rows at these places, NULLs where there is none.
    fn gather(&self, places: &[IdxSize]) -> Result<Vec<Series>, TaskError> {
        let mut columns = Vec::with_capacity(self.types.len());
        for (i, dtype) in self.types.iter().enumerate() {
            let mut all = Series::new_empty(PlSmallStr::EMPTY, dtype);
            for piece in &self.taken {
                all.append(&piece[i])?;
            }
            columns.push(columns::take_column_or_null(&all.rechunk().into(), places).take_materialized_series());
        }
        Ok(columns)
    }

    /// The row of each group, and whether it has one. Emptied.
    fn finish(&mut self, groups: usize) -> Result<Vec<Series>, TaskError> {
        self.places.resize(groups, IdxSize::MAX);
        let mut columns = self.gather(&self.places)?;
        let seen: BooleanChunked = self.places.iter().map(|place| Some(*place != IdxSize::MAX)).collect();
        columns.push(seen.into_series());
        *self = KeptRows::new(std::mem::take(&mut self.types));
        Ok(columns)
    }

    fn bytes(&self) -> u64 {
        let rows = self.taken.iter().flatten().map(|s| s.estimated_size() as u64).sum::<u64>();
        self.places.capacity() as u64 * 12 + rows
    }
}

/// The value of the last row of each group, NULL or not.
pub struct Last(KeptRows);

impl Last {
    /// Of values of this physical type.
    pub fn new(dtype: DataType) -> Last {
        Last(KeptRows::new(vec![dtype]))
    }
}

impl Accumulate for Last {
    fn update(&mut self, columns: &[Series], rows: GroupRows) -> Result<(), TaskError> {
        let chosen = self.0.choose(rows, |_| true, |_, _, _| true);
        self.0.take(columns, &chosen)
    }

    fn merge(&mut self, states: &[Series], rows: GroupRows) -> Result<(), TaskError> {
        let seen = states[1].bool()?;
        let chosen = self.0.choose(rows, |row| seen.get(row) == Some(true), |_, _, _| true);
        self.0.take(states, &chosen)
    }

    fn finish(&mut self, groups: usize) -> Result<Vec<Series>, TaskError> {
        self.0.finish(groups)
    }

    fn bytes(&self) -> u64 {
        self.0.bytes()
    }
}

/// Which rows ARG_MIN and ARG_MAX look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// Those without NULLs.
    Complete,
    /// Those with a key.
    WithKey,
    /// All; those without a key come last.
    All,
}

/// The value beside the least (or greatest) key; of equal keys, the first.
pub struct Best {
    rows: KeptRows,
    counted: Counted,
    key: SortKey,
    key_type: SqlType,
    ranks: Vec<Option<Rank>>,
}

impl Best {
    /// Of values and keys of these types.
    pub fn new(value: &SqlType, key: &SqlType, greatest: bool, counted: Counted) -> Best {
        Best {
            rows: KeptRows::new(vec![value.physical(), key.physical()]),
            counted,
            key: SortKey { column: ColumnId(0), descending: greatest, nulls_first: false },
            key_type: key.clone(),
            ranks: Vec::new(),
        }
    }

    fn fold(&mut self, columns: &[Series], rows: GroupRows, counts: impl Fn(usize) -> bool) -> Result<(), TaskError> {
        self.ranks.resize_with(rows.groups.max(self.ranks.len()), || None);
        let ranks = Ranks::new(&orderable(&columns[1], &self.key_type)?.into(), self.key)?;
        let held = &self.ranks;
        let chosen = self.rows.choose(rows, counts, |group, row, other| match other {
            Some(other) => ranks.compare(row, other).is_lt(),
            None => held[group].as_ref().is_none_or(|held| ranks.compare_with(row, held).is_lt()),
        });
        for (group, row) in &chosen {
            self.ranks[*group as usize] = Some(ranks.rank(*row as usize));
        }
        self.rows.take(columns, &chosen)
    }
}

impl Accumulate for Best {
    fn update(&mut self, columns: &[Series], rows: GroupRows) -> Result<(), TaskError> {
        let valid = |i: usize| columns[i].chunks()[0].validity().cloned();
        let (value, key) = (valid(0), valid(1));
        let has =
            |valid: &Option<polars_arrow::bitmap::Bitmap>, row: usize| valid.as_ref().is_none_or(|v| v.get_bit(row));
        let counted = self.counted;
        self.fold(columns, rows, |row| match counted {
            Counted::Complete => has(&value, row) && has(&key, row),
            Counted::WithKey => has(&key, row),
            Counted::All => true,
        })
    }

    fn merge(&mut self, states: &[Series], rows: GroupRows) -> Result<(), TaskError> {
        let seen = states[2].bool()?.clone();
        self.fold(states, rows, |row| seen.get(row) == Some(true))
    }

    fn finish(&mut self, groups: usize) -> Result<Vec<Series>, TaskError> {
        self.ranks = Vec::new();
        self.rows.finish(groups)
    }

    fn bytes(&self) -> u64 {
        self.rows.bytes() + self.ranks.capacity() as u64 * 48
    }
}
