//! The order of rows: NULLs where asked, texts by bytes, NaN the greatest number. Equal rows stay in the order they came in.

use super::columns;
use crate::journal::TaskError;
use crate::plan::{ColumnId, expr::ColumnDef, logical::SortKey};
use polars::prelude::*;
use polars_arrow::array::{Array, BinaryViewArray};
use std::cmp::Ordering;

/// What to sort by, and the columns of the rows.
pub struct Order {
    keys: Vec<SortKey>,
    /// The columns of the rows.
    pub columns: Vec<ColumnDef>,
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
    pub fn places(&self, rows: &DataFrame, limit: usize) -> Result<Vec<IdxSize>, TaskError> {
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
        // A merge sort: rows that come in sorted runs, one from each task, are merged in a few passes.
        places.sort_by(compare);
        Ok(places.into_iter().map(|(_, place)| place).collect())
    }
}

fn compare_rows(ranks: &[Ranks], a: usize, b: usize) -> Ordering {
    ranks.iter().map(|key| key.compare(a, b)).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
}

/// Numbers (and dates, times, decimals) in a form that compares as the values do, whichever column they are from; None is NULL.
pub fn ascending_ranks(column: &Column) -> Result<Vec<Option<u128>>, TaskError> {
    let key = SortKey { column: ColumnId(0), descending: false, nulls_first: true };
    match Ranks::new(column, key)? {
        Ranks::Numbers { ranks } => Ok(ranks.into_iter().map(|rank| (rank != 0).then_some(rank)).collect()),
        Ranks::Wide { ranks, .. } => Ok(ranks),
        Ranks::Texts { .. } => Err(TaskError::bug("only numbers have ranks")),
    }
}

/// The values of a sort key in a form that compares fast: ascending ranks are the order that was asked for.
pub enum Ranks {
    /// Where NULLs go first or last; the numbers are already turned around for descending order.
    Numbers {
        ranks: Vec<u128>,
    },
    /// Numbers that take all 128 bits; None is NULL.
    Wide {
        ranks: Vec<Option<u128>>,
        nulls_first: bool,
    },
    Texts {
        texts: BinaryViewArray,
        key: SortKey,
    },
}

/// Above every number of 64 bits.
const NULL_LAST: u128 = 1 << 65;

impl Ranks {
    /// The ranks of a column's values.
    pub fn new(column: &Column, key: SortKey) -> Result<Ranks, TaskError> {
        let series = columns::one_chunk(column);
        // Numbers of 64 bits rank from 1, so that NULL may go below (0) or above.
        macro_rules! ranks {
            ($chunked:expr, $bits:expr) => {{
                let rank = |value| {
                    let bits: u64 = $bits(value);
                    (if key.descending { !bits } else { bits }) as u128 + 1
                };
                let null = if key.nulls_first { 0 } else { NULL_LAST };
                Ranks::Numbers { ranks: $chunked.iter().map(|v| v.map_or(null, rank)).collect() }
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
                let rank = |value: i128| {
                    let bits = (value as u128) ^ (1 << 127);
                    if key.descending { !bits } else { bits }
                };
                let ranks = series.i128()?.iter().map(|v| v.map(rank)).collect();
                Ranks::Wide { ranks, nulls_first: key.nulls_first }
            }
            _ => Ranks::Texts { texts: columns::as_bytes(&series)?, key },
        })
    }

    /// Bits that order rows as far as they go: equal prefixes say nothing.
    fn prefix(&self, row: usize) -> u64 {
        match self {
            Ranks::Numbers { ranks } => (ranks[row] >> 2) as u64,
            Ranks::Wide { ranks, nulls_first } => match ranks[row] {
                Some(rank) => (rank >> 64) as u64,
                None if *nulls_first => 0,
                None => u64::MAX,
            },
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

    /// The order of two rows.
    pub fn compare(&self, a: usize, b: usize) -> Ordering {
        match self {
            Ranks::Numbers { ranks } => ranks[a].cmp(&ranks[b]),
            Ranks::Wide { ranks, nulls_first } => among_nulls(ranks[a], ranks[b], *nulls_first, |a, b| a.cmp(&b)),
            Ranks::Texts { texts, key } => {
                let value = |row| (!texts.is_null(row)).then(|| texts.value(row));
                among_nulls(value(a), value(b), key.nulls_first, |a, b| in_direction(a.cmp(b), key))
            }
        }
    }

    /// The rank of a row by itself, to be compared with rows of other batches.
    pub fn rank(&self, row: usize) -> Rank {
        match self {
            Ranks::Numbers { ranks } => Rank::Number(ranks[row]),
            Ranks::Wide { ranks, .. } => Rank::Wide(ranks[row]),
            Ranks::Texts { texts, .. } => Rank::Text((!texts.is_null(row)).then(|| texts.value(row).into())),
        }
    }

    /// The order of a row and a rank of the same key.
    pub fn compare_with(&self, row: usize, rank: &Rank) -> Ordering {
        match (self, rank) {
            (Ranks::Numbers { ranks }, Rank::Number(rank)) => ranks[row].cmp(rank),
            (Ranks::Wide { ranks, nulls_first }, Rank::Wide(rank)) => {
                among_nulls(ranks[row], *rank, *nulls_first, |a, b| a.cmp(&b))
            }
            (Ranks::Texts { texts, key }, Rank::Text(rank)) => {
                let value = (!texts.is_null(row)).then(|| texts.value(row));
                among_nulls(value, rank.as_deref(), key.nulls_first, |a, b| in_direction(a.cmp(b), key))
            }
            // Ranks of one key are of one kind.
            _ => Ordering::Equal,
        }
    }
}

/// Where a value stands in the order of a key.
pub enum Rank {
    Number(u128),
    Wide(Option<u128>),
    Text(Option<Box<[u8]>>),
}

/// The order of two values of which either may be NULL.
fn among_nulls<T>(a: Option<T>, b: Option<T>, nulls_first: bool, order: impl Fn(T, T) -> Ordering) -> Ordering {
    let of_null = if nulls_first { Ordering::Less } else { Ordering::Greater };
    match (a, b) {
        (None, None) => Ordering::Equal,
        (None, Some(_)) => of_null,
        (Some(_), None) => of_null.reverse(),
        (Some(a), Some(b)) => order(a, b),
    }
}

fn in_direction(order: Ordering, key: &SortKey) -> Ordering {
    if key.descending { order.reverse() } else { order }
}

/// Floating-point values as ordered bits: -0.0 equals 0.0, NaN is the greatest.
fn float_rank(value: f64) -> u64 {
    let bits = super::mix::canonical_bits(value);
    if bits >> 63 == 1 { !bits } else { bits | (1 << 63) }
}
