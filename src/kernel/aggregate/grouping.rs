//! The state of one aggregation: its groups and an accumulator per part, fed batch by batch.

use super::accumulate::{Accumulate, GroupRows};
use super::calls::{Calls, Part};
use crate::journal::TaskError;
use crate::kernel::columns;
use crate::kernel::keys::{KeyTable, NullKeys};
use crate::plan::{ColumnId, expr::ColumnDef};
use polars::prelude::*;

/// Groups so far. Groups are in order of first appearance.
pub struct Aggregation<'a> {
    keys: &'a [ColumnDef],
    calls: &'a Calls,
    table: KeyTable,
    /// The key columns of each group, in pieces.
    key_rows: Vec<DataFrame>,
    groups: usize,
    accumulators: Vec<Box<dyn Accumulate>>,
    rows: usize,
}

impl<'a> Aggregation<'a> {
    /// No groups yet; without keys, the one group that there always is.
    pub fn new(keys: &'a [ColumnDef], calls: &'a Calls) -> Result<Aggregation<'a>, TaskError> {
        let types: Vec<DataType> = keys.iter().map(|k| k.dtype.physical()).collect();
        // Without keys the table stays empty.
        let table = KeyTable::new(if types.is_empty() { &[DataType::Boolean] } else { &types }, NullKeys::Match);
        let accumulators = calls.parts.iter().map(Part::start).collect::<Result<_, _>>()?;
        let groups = keys.is_empty() as usize;
        Ok(Aggregation { keys, calls, table, key_rows: Vec::new(), groups, accumulators, rows: 0 })
    }

    /// How many groups there are.
    pub fn groups(&self) -> usize {
        self.groups
    }

    /// How many rows went in.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// What the state takes, in bytes.
    pub fn bytes(&self) -> u64 {
        self.table.bytes()
            + self.key_rows.iter().map(columns::logical_bytes).sum::<u64>()
            + self.accumulators.iter().map(|a| a.bytes()).sum::<u64>()
    }

    /// Folds in a batch.
    pub fn update(&mut self, batch: &DataFrame) -> Result<(), TaskError> {
        let rows = batch.height();
        if self.keys.is_empty() {
            return self.accumulate(batch, None);
        }
        let ids: Vec<ColumnId> = self.keys.iter().map(|k| k.id).collect();
        let keys = columns::select(batch, &ids)?;
        let key_columns: Vec<&Column> = keys.columns().iter().collect();
        let (mut ids, mut fresh) = (Vec::with_capacity(rows), Vec::new());
        self.table.insert(&key_columns, rows, &mut ids, &mut fresh)?;
        if !fresh.is_empty() {
            self.key_rows.push(columns::take(&keys, &fresh));
        }
        self.groups = self.table.len();
        self.accumulate(batch, Some(&ids))
    }

    /// Every row of the batch is a group of its own (the aggregation is otherwise empty).
    pub fn update_each_row(&mut self, batch: &DataFrame) -> Result<(), TaskError> {
        let ids: Vec<ColumnId> = self.keys.iter().map(|k| k.id).collect();
        self.key_rows.push(columns::select(batch, &ids)?);
        self.groups = batch.height();
        let ids: Vec<u32> = (0..batch.height() as u32).collect();
        self.accumulate(batch, Some(&ids))
    }

    fn accumulate(&mut self, batch: &DataFrame, ids: Option<&[u32]>) -> Result<(), TaskError> {
        self.rows += batch.height();
        // With more groups than rows, counting twice is less work than looking at each group.
        let some_share = || self.calls.parts.iter().filter(|part| part.counts_rows()).count() > 1;
        let sizes = ids.filter(|_| self.groups <= batch.height() && some_share());
        let sizes = sizes.map(|ids| sizes_of(ids, self.groups));
        let rows = batch.height();
        let all = GroupRows { ids, rows, groups: self.groups, covers: rows > 0, sizes: sizes.as_deref() };
        let merges = self.calls.merges();
        let fold = |accumulator: &mut Box<dyn Accumulate>, part: &Part, inputs: &[Series], rows: GroupRows| {
            let folded = if merges { accumulator.merge(inputs, rows) } else { accumulator.update(inputs, rows) };
            folded.map_err(|e| e.at(part.span))
        };
        for (part, accumulator) in self.calls.parts.iter().zip(&mut self.accumulators) {
            let read = |id: &ColumnId| columns::find(batch, *id).map(columns::one_chunk);
            let mut inputs = part.columns.iter().map(read).collect::<Result<Vec<Series>, TaskError>>()?;
            let Some(chosen) = choose(part, batch)? else {
                fold(accumulator, part, &inputs, all)?;
                continue;
            };
            for input in &mut inputs {
                *input = columns::take_column(&input.clone().into(), &chosen).take_materialized_series();
            }
            let of_chosen: Option<Vec<u32>> = ids.map(|ids| chosen.iter().map(|row| ids[*row as usize]).collect());
            let ids = of_chosen.as_deref();
            let some = GroupRows { ids, rows: chosen.len(), groups: self.groups, covers: false, sizes: None };
            fold(accumulator, part, &inputs, some)?;
        }
        Ok(())
    }

    /// The groups with their values or states. Emptied.
    pub fn finish(&mut self) -> Result<DataFrame, TaskError> {
        let groups = std::mem::replace(&mut self.groups, self.keys.is_empty() as usize);
        let keys = columns::concat(&std::mem::take(&mut self.key_rows), self.keys)?;
        let mut states = Vec::with_capacity(self.accumulators.len());
        for accumulator in &mut self.accumulators {
            states.push(accumulator.finish(groups)?);
        }
        let mut result = keys.columns().to_vec();
        result.extend(self.calls.finish(&states)?);
        Ok(columns::frame(groups, result))
    }
}

/// How many rows each group has. The sums of neighbours are kept apart, so that no addition waits for the one before.
fn sizes_of(ids: &[u32], groups: usize) -> Vec<i64> {
    let (mut even, mut odd) = (vec![0i64; groups], vec![0i64; groups]);
    let mut pairs = ids.chunks_exact(2);
    for pair in pairs.by_ref() {
        even[pair[0] as usize] += 1;
        odd[pair[1] as usize] += 1;
    }
    pairs.remainder().iter().for_each(|id| even[*id as usize] += 1);
    even.iter().zip(&odd).map(|(a, b)| a + b).collect()
}

/// The rows of a batch that a part counts: those that pass its filter; None for all of them.
pub fn choose(part: &Part, batch: &DataFrame) -> Result<Option<Vec<IdxSize>>, TaskError> {
    let Some(filter) = part.filter else { return Ok(None) };
    let mask = columns::find(batch, filter)?.bool()?;
    let rows = mask.iter().enumerate().filter(|(_, keep)| *keep == Some(true));
    Ok(Some(rows.map(|(row, _)| row as IdxSize).collect()))
}
