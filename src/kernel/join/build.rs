//! The build side of a hash join: its rows, and for each key the rows that have it.

use super::ranks::Ranks;
use crate::journal::TaskError;
use crate::kernel::columns;
use crate::kernel::keys::{KeyTable, NO_ID, NullKeys};
use crate::plan::{ColumnId, expr::ColumnDef};
use crate::scheduler::StageId;
use polars::prelude::*;

/// The key columns of both sides, in the same order.
pub struct KeyPairs {
    pub probe: Vec<ColumnId>,
    build: Vec<ColumnId>,
    types: Vec<DataType>,
    /// Whether a NULL matches a NULL, for each key.
    nulls_match: Vec<bool>,
}

impl KeyPairs {
    /// Splits pairs (probe column, build column); the types are those of the build side's columns.
    pub fn compile(
        keys: &[(ColumnId, ColumnId)],
        nulls_match: &[bool],
        build: &[ColumnDef],
    ) -> Result<KeyPairs, TaskError> {
        let of_build = |id: ColumnId| {
            build
                .iter()
                .find(|c| c.id == id)
                .map(|c| c.dtype.physical())
                .ok_or_else(|| TaskError::bug(format!("the join key {id} is not a column of its build side")))
        };
        if keys.is_empty() {
            return Err(TaskError::bug("a hash join without keys"));
        }
        Ok(KeyPairs {
            probe: keys.iter().map(|(probe, _)| *probe).collect(),
            build: keys.iter().map(|(_, build)| *build).collect(),
            nulls_match: nulls_match.to_vec(),
            types: keys.iter().map(|(_, build)| of_build(*build)).collect::<Result<_, _>>()?,
        })
    }
}

/// A build side that every task of the stage makes alike, so that a node makes it once.
#[derive(Debug, Clone, Copy)]
pub struct Sharing {
    /// The stage that was broadcast.
    pub from: StageId,
    /// The consuming stage and the join in it.
    pub place: u64,
}

/// A built side. Read-only: tasks share it.
pub struct BuildSide {
    /// All rows, NULL keys included, in order.
    pub rows: DataFrame,
    /// Whether any key is NULL: then "not in" is unknown.
    pub has_null_key: bool,
    index: Index,
    /// Where NULLs match in some keys: which of them never match.
    strict: Option<Vec<usize>>,
    /// The least and the greatest key, where there is one key, an integer.
    key_range: Option<(i64, i64)>,
    /// The rows of key `id` are `places[starts[id]..starts[id + 1]]`; empty where every key has one row, `places[id]`.
    starts: Vec<u32>,
    places: Vec<IdxSize>,
    /// What the rows of a key are sorted by, of each row; empty where they are in their own order.
    pub ranks: Vec<Option<u128>>,
}

/// From a key to its id.
enum Index {
    Hash(KeyTable),
    /// A single integer key in a range that is not much wider than there are rows.
    Ranks(Ranks),
}

impl BuildSide {
    /// Indexes the rows by their keys.
    pub fn new(rows: DataFrame, keys: &KeyPairs) -> Result<BuildSide, TaskError> {
        let columns = keys.build.iter().map(|id| columns::find(&rows, *id)).collect::<Result<Vec<_>, _>>()?;
        let has_null_key = columns.iter().any(|c| c.null_count() > 0);
        let height = rows.height();
        let (mut ids, mut fresh) = (Vec::with_capacity(height), Vec::new());
        let some_match = keys.nulls_match.contains(&true);
        let strict = some_match.then(|| (0..columns.len()).filter(|i| !keys.nulls_match[*i]).collect::<Vec<_>>());
        // A NULL that matches is outside of every range.
        let key_range = if some_match { None } else { integer_range(&columns)? };
        let index = match ranked_index(&columns, key_range, &mut ids, &mut fresh)? {
            Some(index) => index,
            None => {
                let nulls = if some_match { NullKeys::Match } else { NullKeys::Never };
                let mut table = KeyTable::new(&keys.types, nulls);
                table.insert(&columns, height, &mut ids, &mut fresh)?;
                Index::Hash(table)
            }
        };
        let dropped = strict.as_ref().is_some_and(|strict| drop_nulls(&columns, strict, &mut ids));
        let keyed = ids.iter().filter(|id| **id != NO_ID).count();
        let (starts, places) =
            if keyed == fresh.len() && !dropped { (Vec::new(), fresh) } else { rows_by_id(&ids, fresh.len(), keyed) };
        Ok(BuildSide { rows, has_null_key, index, strict, key_range, starts, places, ranks: Vec::new() })
    }

    /// What the index takes beside the rows, in bytes.
    pub fn bytes(&self) -> u64 {
        let index = match &self.index {
            Index::Hash(table) => table.bytes(),
            Index::Ranks(ranks) => ranks.bytes(),
        };
        index + (self.starts.capacity() + self.places.capacity()) as u64 * 4
    }

    /// The least and the greatest value that matches anything, in the key's physical unit; None where the key is not a single
    /// integer, or no row has one.
    pub fn key_range(&self) -> Option<(i64, i64)> {
        self.key_range
    }

    /// Whether no key has more than one row.
    pub fn is_unique(&self) -> bool {
        self.starts.is_empty()
    }

    /// Sorts the rows of each key by `ranks`, stably.
    pub fn sort_by_ranks(&mut self, ranks: Vec<Option<u128>>) {
        for bounds in self.starts.windows(2) {
            self.places[bounds[0] as usize..bounds[1] as usize].sort_by_key(|place| ranks[*place as usize]);
        }
        self.ranks = ranks;
    }

    /// The key id of each probe row, [`NO_ID`] where nothing matches.
    pub fn find(&self, keys: &[&Column], rows: usize) -> Result<Vec<u32>, TaskError> {
        let mut ids = Vec::with_capacity(rows);
        match &self.index {
            Index::Hash(table) => table.find(keys, rows, &mut ids)?,
            Index::Ranks(ranks) => {
                for_each_integer(keys[0], |value| ids.push(value.map_or(NO_ID, |value| ranks.find(value))))?;
            }
        }
        if let Some(strict) = &self.strict {
            drop_nulls(keys, strict, &mut ids);
        }
        Ok(ids)
    }

    /// The rows of a key, in order.
    #[inline(always)]
    pub fn places(&self, id: u32) -> &[IdxSize] {
        let id = id as usize;
        if self.starts.is_empty() {
            &self.places[id..id + 1]
        } else {
            &self.places[self.starts[id] as usize..self.starts[id + 1] as usize]
        }
    }
}

/// Takes its id from every row that is NULL in one of the `strict` keys; whether there was one.
fn drop_nulls(keys: &[&Column], strict: &[usize], ids: &mut [u32]) -> bool {
    let mut dropped = false;
    for key in strict.iter().map(|i| keys[*i]).filter(|key| key.null_count() > 0) {
        for (id, is_null) in ids.iter_mut().zip(key.is_null().iter()) {
            if is_null == Some(true) {
                *id = NO_ID;
                dropped = true;
            }
        }
    }
    dropped
}

/// The rows of each id, by counting.
fn rows_by_id(ids: &[u32], distinct: usize, keyed: usize) -> (Vec<u32>, Vec<IdxSize>) {
    let mut starts = vec![0u32; distinct + 1];
    for id in ids.iter().filter(|id| **id != NO_ID) {
        starts[*id as usize + 1] += 1;
    }
    for id in 0..distinct {
        starts[id + 1] += starts[id];
    }
    let mut next = starts.clone();
    let mut places = vec![0; keyed];
    for (row, id) in ids.iter().enumerate().filter(|(_, id)| **id != NO_ID) {
        places[next[*id as usize] as usize] = row as IdxSize;
        next[*id as usize] += 1;
    }
    (starts, places)
}

/// An index by rank where the only key is an integer and its values are close enough. Fills `ids`, and in `fresh` the first row
/// of each id.
fn ranked_index(
    keys: &[&Column],
    range: Option<(i64, i64)>,
    ids: &mut Vec<u32>,
    fresh: &mut Vec<IdxSize>,
) -> Result<Option<Index>, TaskError> {
    let ([key], Some((least, greatest))) = (keys, range) else { return Ok(None) };
    let each = |put: &mut dyn FnMut(i64)| for_each_integer(key, |value| value.into_iter().for_each(&mut *put));
    let Some(ranks) = Ranks::new(least, greatest, key.len(), each)? else { return Ok(None) };
    fresh.resize(ranks.len(), IdxSize::MAX);
    let mut row = 0;
    for_each_integer(key, |value| {
        let id = value.map_or(NO_ID, |value| ranks.find(value));
        if id != NO_ID && fresh[id as usize] == IdxSize::MAX {
            fresh[id as usize] = row;
        }
        ids.push(id);
        row += 1;
    })?;
    Ok(Some(Index::Ranks(ranks)))
}

/// The least and the greatest value of a single integer key.
fn integer_range(keys: &[&Column]) -> Result<Option<(i64, i64)>, TaskError> {
    let [key] = keys else { return Ok(None) };
    if !matches!(key.dtype(), DataType::Int32 | DataType::Int64) {
        return Ok(None);
    }
    let (mut least, mut greatest) = (i64::MAX, i64::MIN);
    for_each_integer(key, |value| {
        if let Some(value) = value {
            least = least.min(value);
            greatest = greatest.max(value);
        }
    })?;
    Ok((least <= greatest).then_some((least, greatest)))
}

/// Calls `each` with every value of an INTEGER or BIGINT column (or what is stored as one).
fn for_each_integer(key: &Column, mut each: impl FnMut(Option<i64>)) -> Result<(), TaskError> {
    let series = columns::one_chunk(key);
    macro_rules! values {
        ($chunked:expr) => {{
            let array = $chunked.downcast_as_array();
            match array.validity().filter(|v| v.unset_bits() > 0) {
                None => array.values().iter().for_each(|v| each(Some(*v as i64))),
                Some(valid) => {
                    array.values().iter().zip(valid.iter()).for_each(|(v, ok)| each(ok.then_some(*v as i64)))
                }
            }
        }};
    }
    match series.dtype() {
        DataType::Int32 => values!(series.i32()?),
        DataType::Int64 => values!(series.i64()?),
        other => return Err(TaskError::bug(format!("a join key of {other:?} meets one of another type"))),
    }
    Ok(())
}
