//! MIN and MAX of lists, structs and maps: compared by the byte strings that stand for them.

use super::accumulate::{Accumulate, GroupRows};
use crate::functions::encode_nested;
use crate::functions::nested::{NOWHERE, take};
use crate::journal::TaskError;
use polars::prelude::*;

/// The best value of each group, kept as a row of a column.
pub struct NestedExtreme {
    greatest: bool,
    /// For each group the bytes of its best value, and its place among `kept`.
    best: Vec<Option<(Box<[u8]>, IdxSize)>>,
    kept: Series,
    held: u64,
}

impl NestedExtreme {
    /// MAX if `greatest`, otherwise MIN, of values of this physical type.
    pub fn new(greatest: bool, dtype: &DataType) -> NestedExtreme {
        NestedExtreme { greatest, best: Vec::new(), kept: Series::new_empty(PlSmallStr::EMPTY, dtype), held: 0 }
    }

    /// Drops the values that have been beaten.
    fn compact(&mut self) {
        let mut places: Vec<IdxSize> = Vec::new();
        for (_, place) in self.best.iter_mut().flatten() {
            places.push(*place);
            *place = places.len() as IdxSize - 1;
        }
        self.kept = take(&self.kept.rechunk(), &places);
    }
}

impl Accumulate for NestedExtreme {
    fn update(&mut self, columns: &[Series], rows: GroupRows) -> Result<(), TaskError> {
        self.best.resize(rows.groups.max(self.best.len()), None);
        let mut winners: Vec<IdxSize> = Vec::new();
        for (row, value) in encode_nested(&columns[0])?.iter().enumerate() {
            let Some(value) = value else { continue };
            let best = &mut self.best[rows.group(row)];
            let better = match best {
                None => true,
                Some((bytes, _)) if self.greatest => value > &**bytes,
                Some((bytes, _)) => value < &**bytes,
            };
            if better {
                self.held += value.len() as u64;
                self.held -= best.as_ref().map_or(0, |(bytes, _)| bytes.len() as u64);
                *best = Some((value.into(), (self.kept.len() + winners.len()) as IdxSize));
                winners.push(row as IdxSize);
            }
        }
        let new = take(&columns[0].rechunk(), &winners).with_name(PlSmallStr::EMPTY);
        self.kept.append(&new)?;
        if self.kept.len() > 2 * self.best.len() + 1024 {
            self.compact();
        }
        Ok(())
    }

    fn finish(&mut self, groups: usize) -> Result<Vec<Series>, TaskError> {
        self.best.resize(groups, None);
        let places: Vec<IdxSize> =
            self.best.iter().map(|best| best.as_ref().map_or(NOWHERE, |(_, place)| *place)).collect();
        let values = take(&self.kept.rechunk(), &places);
        self.best.clear();
        self.held = 0;
        self.kept = self.kept.clear();
        Ok(vec![values])
    }

    fn bytes(&self) -> u64 {
        self.best.capacity() as u64 * 32 + self.held + self.kept.estimated_size() as u64
    }
}
