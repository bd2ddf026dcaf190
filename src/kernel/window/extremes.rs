//! MIN, MAX and their like: which row of the frame has the first value in an order. Over a growing frame the best so far is
//! carried along; over others a segment tree of rows answers in logarithmic time.

use super::values::at;
use super::{Evaluation, NOWHERE, aggregates::Masked, frames::Frames};
use crate::journal::TaskError;
use crate::kernel::order::Ranks;
use crate::plan::ColumnId;
use crate::plan::logical::SortKey;
use polars::prelude::*;
use std::ops::Range;

/// Children of a node of the tree.
const FANOUT: usize = 8;

/// The best row of every [`FANOUT`] rows, of every so many of those, and so on.
struct Tree {
    levels: Vec<Vec<u32>>,
}

impl Tree {
    fn new(leaves: Vec<u32>, better: impl Fn(u32, u32) -> u32) -> Tree {
        let mut levels = vec![leaves];
        while let Some(below) = levels.last().filter(|level| level.len() > 1) {
            let level = below.chunks(FANOUT).map(|nodes| nodes.iter().fold(NOWHERE, |a, b| better(a, *b))).collect();
            levels.push(level);
        }
        Tree { levels }
    }

    fn best(&self, range: &Range<u32>, better: impl Fn(u32, u32) -> u32) -> u32 {
        let (mut low, mut high) = (range.start as usize, range.end as usize);
        let mut best = NOWHERE;
        for level in &self.levels {
            if low >= high {
                break;
            }
            if high - low <= FANOUT {
                return level[low..high].iter().fold(best, |a, b| better(a, *b));
            }
            while low % FANOUT != 0 {
                best = better(best, level[low]);
                low += 1;
            }
            while high % FANOUT != 0 {
                high -= 1;
                best = better(best, level[high]);
            }
            (low, high) = (low / FANOUT, high / FANOUT);
        }
        best
    }
}

impl Evaluation<'_> {
    /// The least or greatest of `values` in each frame; of equal ones the first row's.
    pub fn extremes(
        &self,
        frames: &Frames,
        values: &Series,
        masked: &Masked,
        greatest: bool,
    ) -> Result<Column, TaskError> {
        let key = SortKey { column: ColumnId(0), descending: greatest, nulls_first: false };
        let ranks = Ranks::new(&values.clone().into(), key)?;
        // Earlier rows win ties.
        let better = |a: u32, b: u32| match (a, b) {
            (NOWHERE, other) | (other, NOWHERE) => other,
            (a, b) => {
                let (first, second) = (a.min(b), a.max(b));
                if ranks.compare(second as usize, first as usize).is_lt() { second } else { first }
            }
        };
        let leaf = |row: usize| if masked.counts(row) { row as u32 } else { NOWHERE };
        let mut places: Vec<IdxSize> = Vec::with_capacity(values.len());
        if frames.grow(self.layout) {
            let (mut best, mut from, mut done) = (NOWHERE, u32::MAX, 0u32);
            for row in 0..values.len() {
                let range = frames.range(row);
                let start = self.layout.partitions.start(row);
                if start != from {
                    (best, from, done) = (NOWHERE, start, start);
                }
                while done < range.end {
                    best = better(best, leaf(done as usize));
                    done += 1;
                }
                places.push(if range.is_empty() { NOWHERE } else { best });
            }
        } else {
            let tree = Tree::new((0..values.len()).map(leaf).collect(), better);
            for row in 0..values.len() {
                let ranges = frames.ranges(self.layout, row);
                places.push(ranges.iter().fold(NOWHERE, |best, range| better(best, tree.best(range, better))));
            }
        }
        Ok(at(values, &places))
    }
}
