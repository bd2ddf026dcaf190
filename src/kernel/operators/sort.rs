//! Sorting and top-k: stable, NULLs where asked, texts by bytes, NaN the greatest number.

use super::{Batches, Stream, Task};
use crate::journal::TaskError;
use crate::kernel::columns;
use crate::plan::{expr::ColumnDef, logical::SortKey};
use polars::prelude::*;
use polars_arrow::array::{Array, BinaryViewArray};
use std::cmp::Ordering;

/// What to sort by, and the columns of the rows.
pub struct Order {
    keys: Vec<SortKey>,
    columns: Vec<ColumnDef>,
}

impl Order {
    /// Rows of `columns` by `keys`, the first of them first.
    pub fn new(keys: &[SortKey], columns: Vec<ColumnDef>) -> Order {
        Order { keys: keys.to_vec(), columns }
    }

    fn ranks(&self, rows: &DataFrame) -> Result<Vec<Ranks>, TaskError> {
        self.keys.iter().map(|key| Ranks::new(columns::find(rows, key.column)?, *key)).collect()
    }

    /// The places of the first `limit` rows in order.
    fn places(&self, rows: &DataFrame, limit: usize) -> Result<Vec<IdxSize>, TaskError> {
        let ranks = self.ranks(rows)?;
        let height = rows.height();
        // The first key's first bits beside each place decide most comparisons without touching the columns.
        let mut places: Vec<(u64, IdxSize)> = match ranks.first() {
            Some(first) => (0..height).map(|row| (first.prefix(row), row as IdxSize)).collect(),
            None => (0..height).map(|row| (0, row as IdxSize)).collect(),
        };
        let compare = |a: &(u64, IdxSize), b: &(u64, IdxSize)| {
            a.0.cmp(&b.0).then_with(|| compare_rows(&ranks, a.1 as usize, b.1 as usize)).then(a.1.cmp(&b.1))
        };
        if limit == 0 {
            return Ok(Vec::new());
        }
        if limit < height {
            places.select_nth_unstable_by(limit - 1, compare);
            places.truncate(limit);
        }
        places.sort_unstable_by(compare);
        Ok(places.into_iter().map(|(_, place)| place).collect())
    }
}

fn compare_rows(ranks: &[Ranks], a: usize, b: usize) -> Ordering {
    ranks.iter().map(|key| key.compare(a, b)).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
}

/// The values of a sort key in a form that compares fast: ascending ranks are the order that was asked for.
enum Ranks {
    /// Where NULLs go first or last; the numbers are already turned around for descending order.
    Numbers {
        ranks: Vec<u128>,
        wide: bool,
    },
    Texts {
        texts: BinaryViewArray,
        key: SortKey,
    },
}

/// Above every number of 64 bits.
const NULL_LAST: u128 = 1 << 65;

impl Ranks {
    fn new(column: &Column, key: SortKey) -> Result<Ranks, TaskError> {
        let series = columns::one_chunk(column);
        // Numbers of 64 bits rank from 1, so that NULL may go below (0) or above.
        macro_rules! ranks {
            ($chunked:expr, $bits:expr) => {{
                let rank = |value| {
                    let bits: u64 = $bits(value);
                    (if key.descending { !bits } else { bits }) as u128 + 1
                };
                let null = if key.nulls_first { 0 } else { NULL_LAST };
                Ranks::Numbers { ranks: $chunked.iter().map(|v| v.map_or(null, rank)).collect(), wide: false }
            }};
        }
        const SIGN: u64 = 1 << 63;
        Ok(match series.dtype() {
            DataType::Boolean => ranks!(series.bool()?, |v: bool| v as u64),
            DataType::Int8 => ranks!(series.i8()?, |v: i8| v as i64 as u64 ^ SIGN),
            DataType::Int16 => ranks!(series.i16()?, |v: i16| v as i64 as u64 ^ SIGN),
            DataType::Int32 => ranks!(series.i32()?, |v: i32| v as i64 as u64 ^ SIGN),
            DataType::Int64 => ranks!(series.i64()?, |v: i64| v as u64 ^ SIGN),
            DataType::UInt8 => ranks!(series.u8()?, |v: u8| v as u64),
            DataType::UInt16 => ranks!(series.u16()?, |v: u16| v as u64),
            DataType::UInt32 => ranks!(series.u32()?, |v: u32| v as u64),
            DataType::UInt64 => ranks!(series.u64()?, |v: u64| v),
            DataType::Float32 => ranks!(series.f32()?, |v: f32| float_rank(v as f64)),
            DataType::Float64 => ranks!(series.f64()?, float_rank),
            DataType::Int128 => {
                // Saturating by one at either end keeps room for NULL; DECIMAL(38) and sums of 64-bit values stay inside.
                let rank = |value: i128| {
                    let bits = (value as u128) ^ (1 << 127);
                    (if key.descending { !bits } else { bits }).clamp(1, u128::MAX - 1)
                };
                let null = if key.nulls_first { 0 } else { u128::MAX };
                Ranks::Numbers { ranks: series.i128()?.iter().map(|v| v.map_or(null, rank)).collect(), wide: true }
            }
            _ => Ranks::Texts { texts: columns::as_bytes(&series)?, key },
        })
    }

    /// Bits that order rows as far as they go: equal prefixes say nothing.
    fn prefix(&self, row: usize) -> u64 {
        match self {
            Ranks::Numbers { ranks, wide: true } => (ranks[row] >> 64) as u64,
            Ranks::Numbers { ranks, wide: false } => (ranks[row] >> 2) as u64,
            Ranks::Texts { texts, key } => {
                if texts.is_null(row) {
                    return if key.nulls_first { 0 } else { u64::MAX };
                }
                let bytes = texts.value(row);
                let mut first = [0u8; 8];
                let length = bytes.len().min(8);
                first[..length].copy_from_slice(&bytes[..length]);
                let bits = u64::from_be_bytes(first);
                (if key.descending { !bits } else { bits }).clamp(1, u64::MAX - 1)
            }
        }
    }

    fn compare(&self, a: usize, b: usize) -> Ordering {
        match self {
            Ranks::Numbers { ranks, .. } => ranks[a].cmp(&ranks[b]),
            Ranks::Texts { texts, key } => match (texts.is_null(a), texts.is_null(b)) {
                (true, true) => Ordering::Equal,
                (true, false) => {
                    if key.nulls_first {
                        Ordering::Less
                    } else {
                        Ordering::Greater
                    }
                }
                (false, true) => {
                    if key.nulls_first {
                        Ordering::Greater
                    } else {
                        Ordering::Less
                    }
                }
                (false, false) if key.descending => texts.value(b).cmp(texts.value(a)),
                (false, false) => texts.value(a).cmp(texts.value(b)),
            },
        }
    }
}

/// Floating-point values as ordered bits: -0.0 equals 0.0, NaN is the greatest.
fn float_rank(value: f64) -> u64 {
    let bits = crate::kernel::mix::canonical_bits(value);
    if bits >> 63 == 1 { !bits } else { bits | (1 << 63) }
}

/// Opens a sort of all rows, or of the first `limit` in order.
pub fn open<'a>(input: Stream<'a>, order: &'a Order, limit: Option<usize>, task: &'a Task<'a>) -> Stream<'a> {
    Box::new(SortStream { input, order, limit, task, done: false })
}

struct SortStream<'a> {
    input: Stream<'a>,
    order: &'a Order,
    limit: Option<usize>,
    task: &'a Task<'a>,
    done: bool,
}

/// A top-k cuts its candidates back when they are this many, or four times the limit.
const CANDIDATES: usize = 64 * 1024;

impl SortStream<'_> {
    fn first(&self, frames: &[DataFrame], limit: usize) -> Result<DataFrame, TaskError> {
        let rows = columns::concat(frames, &self.order.columns)?;
        Ok(columns::take(&rows, &self.order.places(&rows, limit)?))
    }
}

impl Batches for SortStream<'_> {
    fn next(&mut self) -> Result<Option<DataFrame>, TaskError> {
        if std::mem::replace(&mut self.done, true) || self.limit == Some(0) {
            return Ok(None);
        }
        let mut frames = Vec::new();
        let mut rows = 0;
        let mut held = 0;
        while let Some(mut batch) = self.input.next()? {
            self.task.check()?;
            if let Some(limit) = self.limit.filter(|limit| batch.height() > *limit) {
                batch = self.first(&[batch], limit)?;
            }
            rows += batch.height();
            let bytes = columns::logical_bytes(&batch);
            self.task.memory.replace(0, bytes);
            held += bytes;
            frames.push(batch);
            if let Some(limit) = self.limit.filter(|limit| rows > CANDIDATES.max(limit.saturating_mul(4))) {
                // Earlier rows stay before later ones with equal keys: the sort is stable.
                frames = vec![self.first(&frames, limit)?];
                rows = frames[0].height();
                let kept = columns::logical_bytes(&frames[0]);
                self.task.memory.replace(std::mem::replace(&mut held, kept), kept);
            }
        }
        self.task.check()?;
        self.task.memory.replace(0, held);
        self.first(&frames, self.limit.unwrap_or(usize::MAX)).map(Some)
    }
}
