//! Aggregates over the frames of a window.

use super::accumulate::GroupRows;
use super::calls::{Calls, Part};
use super::grouping::choose;
use crate::journal::TaskError;
use crate::kernel::columns;
use crate::plan::logical::Aggregate;
use crate::plan::physical::{AggregatePhase, PhysicalAggregate};
use polars::prelude::*;
use std::ops::Range;

/// The frames of a window: which rows each of them has, as ranges of rows in order. A frame without ranges is empty; one with a
/// hole in it (EXCLUDE) has several.
#[derive(Default)]
pub struct Frames {
    ranges: Vec<Range<usize>>,
    /// Where the ranges of each frame end among all.
    ends: Vec<usize>,
}

impl Frames {
    /// Adds a frame of these rows.
    pub fn push(&mut self, ranges: impl IntoIterator<Item = Range<usize>>) {
        self.ranges.extend(ranges.into_iter().filter(|range| !range.is_empty()));
        self.ends.push(self.ranges.len());
    }

    /// How many frames there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is no frame.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    fn of(&self, frame: usize) -> &[Range<usize>] {
        let start = if frame == 0 { 0 } else { self.ends[frame - 1] };
        &self.ranges[start..self.ends[frame]]
    }

    /// The different frames among neighbours, and which of them each frame is: peers and whole partitions are computed once.
    fn distinct(&self) -> (Vec<usize>, Vec<IdxSize>) {
        let mut firsts: Vec<usize> = Vec::new();
        let mut places = Vec::with_capacity(self.len());
        for frame in 0..self.len() {
            if firsts.last().is_none_or(|last| self.of(*last) != self.of(frame)) {
                firsts.push(frame);
            }
            places.push(firsts.len() as IdxSize - 1);
        }
        (firsts, places)
    }
}

/// Frames that are longer than this on average are put together from states of ranges that they share.
const LONG: usize = 32;
/// Frames whose values must all be there are computed in parts of so many rows.
const ROWS_AT_ONCE: usize = 1 << 20;

/// The value of an aggregate call over each frame of `rows`, which are sorted as the window asks: a column of one value a frame.
///
/// This is all that a window needs: `call` is an aggregate as GROUP BY has it (columns of `rows` as arguments, FILTER, DISTINCT,
/// ORDER BY, constants), each frame counts as a group of its own with a fresh state. Long frames share work: states of ranges of
/// 2, 4, 8, ... rows are merged once, and a frame merges those that cover it, in order (a segment tree), so that `n` frames take
/// `n log n` merges however they overlap. Sums of floating-point values are therefore rounded alike wherever a frame is computed,
/// but not as one loop over its rows would. Aggregates that keep values (median, list, DISTINCT) gather the rows of each frame.
pub fn over_frames(call: &Aggregate, rows: &DataFrame, frames: &Frames) -> Result<Column, TaskError> {
    let physical = PhysicalAggregate { call: call.clone(), state: Vec::new() };
    let calls = Calls::compile(std::slice::from_ref(&physical), AggregatePhase::Complete)?;
    let (firsts, places) = frames.distinct();
    let total: usize = firsts.iter().flat_map(|frame| frames.of(*frame)).map(Range::len).sum();
    let mut values: Vec<Column> = Vec::new();
    if call.keeps_values() || total <= LONG * firsts.len() {
        let mut from = 0;
        while from < firsts.len() {
            let (mut to, mut count) = (from, 0);
            while to < firsts.len() && (to == from || count < ROWS_AT_ONCE) {
                count += frames.of(firsts[to]).iter().map(Range::len).sum::<usize>();
                to += 1;
            }
            values.extend(gathered(&calls, rows, frames, &firsts[from..to])?);
            from = to;
        }
    } else {
        values.extend(merged(&calls, rows, frames, &firsts)?);
    }
    let Some((first, rest)) = values.split_first_mut() else {
        return Ok(Column::full_null(call.output.id.name().into(), 0, &call.output.dtype.physical()));
    };
    for more in rest {
        first.append(more)?;
    }
    Ok(columns::take_column(first, &places))
}

/// The columns that a part reads, and the rows of them that it counts.
fn inputs(part: &Part, rows: &DataFrame) -> Result<(Vec<Series>, Option<Vec<IdxSize>>), TaskError> {
    let read = |id| columns::find(rows, id).map(columns::one_chunk);
    let inputs = part.columns.iter().map(|id| read(*id)).collect::<Result<Vec<Series>, TaskError>>()?;
    Ok((inputs, choose(part, rows)?))
}

fn take(inputs: &[Series], places: &[IdxSize]) -> Vec<Series> {
    let take = |c: &Series| columns::take_column(&c.clone().into(), places).take_materialized_series();
    inputs.iter().map(take).collect()
}

/// Every frame by its rows.
fn gathered(calls: &Calls, rows: &DataFrame, frames: &Frames, chosen: &[usize]) -> Result<Vec<Column>, TaskError> {
    let mut states = Vec::new();
    for part in &calls.parts {
        let (inputs, counted) = inputs(part, rows)?;
        let counts = counted.map(|counted| {
            let mut counts = vec![false; rows.height()];
            counted.iter().for_each(|row| counts[*row as usize] = true);
            counts
        });
        let (mut places, mut ids) = (Vec::new(), Vec::new());
        for (group, frame) in chosen.iter().enumerate() {
            for row in frames.of(*frame).iter().cloned().flatten() {
                if counts.as_ref().is_none_or(|counts| counts[row]) {
                    places.push(row as IdxSize);
                    ids.push(group as u32);
                }
            }
        }
        let rows = of_groups(&ids, chosen.len());
        let mut accumulator = part.start()?;
        accumulator.update(&take(&inputs, &places), rows).map_err(|e| e.at(part.span))?;
        states.push(accumulator.finish(chosen.len())?);
    }
    calls.finish(&states)
}

fn of_groups(ids: &[u32], groups: usize) -> GroupRows<'_> {
    GroupRows { ids: Some(ids), rows: ids.len(), groups, covers: false, sizes: None }
}

/// Every frame from the states of ranges.
fn merged(calls: &Calls, rows: &DataFrame, frames: &Frames, chosen: &[usize]) -> Result<Vec<Column>, TaskError> {
    let height = rows.height();
    // Node `starts[level] + i` holds the rows from `i << level` on, `1 << level` of them.
    let mut starts = vec![0];
    let mut width = height;
    while width > 1 {
        starts.push(starts[starts.len() - 1] + width);
        width = width.div_ceil(2);
    }
    let (mut nodes, mut ids) = (Vec::new(), Vec::new());
    for (group, frame) in chosen.iter().enumerate() {
        for range in frames.of(*frame) {
            let before = nodes.len();
            cover(range.clone(), &starts, &mut nodes);
            ids.extend(std::iter::repeat_n(group as u32, nodes.len() - before));
        }
    }
    let mut states = Vec::new();
    for part in &calls.parts {
        let (inputs, counted) = inputs(part, rows)?;
        let every: Vec<u32> = (0..height as u32).collect();
        let counted = counted.unwrap_or_else(|| every.clone());
        let mut accumulator = part.start()?;
        accumulator.update(&take(&inputs, &counted), of_groups(&counted, height)).map_err(|e| e.at(part.span))?;
        let mut level = accumulator.finish(height)?;
        let mut tree = level.clone();
        while level[0].len() > 1 {
            let parents = level[0].len().div_ceil(2);
            let of_parents: Vec<u32> = (0..level[0].len() as u32).map(|node| node / 2).collect();
            level = merge(part, &level, of_groups(&of_parents, parents))?;
            for (all, more) in tree.iter_mut().zip(&level) {
                all.append(more)?;
            }
        }
        let tree: Vec<Series> = tree.into_iter().map(|s| s.rechunk()).collect();
        states.push(merge(part, &take(&tree, &nodes), of_groups(&ids, chosen.len()))?);
    }
    calls.finish(&states)
}

fn merge(part: &Part, states: &[Series], rows: GroupRows) -> Result<Vec<Series>, TaskError> {
    let mut accumulator = part.start()?;
    accumulator.merge(states, rows).map_err(|e| e.at(part.span))?;
    accumulator.finish(rows.groups)
}

/// The fewest nodes that hold just these rows, in order.
fn cover(range: Range<usize>, starts: &[usize], nodes: &mut Vec<IdxSize>) {
    let mut from = range.start;
    while from < range.end {
        let mut level = 0;
        while level + 1 < starts.len() && from.is_multiple_of(2 << level) && from + (2 << level) <= range.end {
            level += 1;
        }
        nodes.push((starts[level] + (from >> level)) as IdxSize);
        from += 1 << level;
    }
}
