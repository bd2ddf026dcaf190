//! APPROX_COUNT_DISTINCT: HyperLogLog (Flajolet et al. 2007) over the fixed hash of values, with 4096 registers: a standard error
//! of 1.6 percent. Few values are counted by their empty registers (linear counting), so that small answers are near exact.

use super::accumulate::{Accumulate, GroupRows};
use crate::functions::by_length;
use crate::journal::TaskError;
use crate::kernel::mix::hash_rows;
use crate::sql::DataType as SqlType;
use polars::prelude::*;
use std::collections::BTreeMap;
use xxhash_rust::xxh3::xxh3_64;

const INDEX_BITS: u32 = 12;
const REGISTERS: usize = 1 << INDEX_BITS;
/// Up to this many registers are kept one by one.
const SPARSE: usize = 512;

/// The greatest number of leading zeros (plus one) seen in each register.
#[derive(Clone)]
enum Sketch {
    Sparse(BTreeMap<u16, u8>),
    Dense(Box<[u8]>),
}

impl Sketch {
    fn raise(&mut self, register: u16, rank: u8) {
        match self {
            Sketch::Sparse(ranks) => {
                let held = ranks.entry(register).or_default();
                *held = rank.max(*held);
                if ranks.len() > SPARSE {
                    let mut dense = vec![0u8; REGISTERS].into_boxed_slice();
                    ranks.iter().for_each(|(register, rank)| dense[*register as usize % REGISTERS] = *rank);
                    *self = Sketch::Dense(dense);
                }
            }
            Sketch::Dense(ranks) => {
                let held = &mut ranks[register as usize % REGISTERS];
                *held = rank.max(*held);
            }
        }
    }

    /// The fixed hash is made to spread rows, not to look random in every bit: it is hashed once more.
    fn add(&mut self, hash: u64) {
        let hash = xxh3_64(&hash.to_le_bytes());
        let rank = (hash << INDEX_BITS).leading_zeros().min(64 - INDEX_BITS) + 1;
        self.raise((hash >> (64 - INDEX_BITS)) as u16, rank as u8);
    }

    /// Three bytes a register, or all of them.
    fn to_bytes(&self) -> Vec<u8> {
        match self {
            Sketch::Sparse(ranks) => ranks
                .iter()
                .flat_map(|(register, rank)| {
                    let [low, high] = register.to_le_bytes();
                    [low, high, *rank]
                })
                .collect(),
            Sketch::Dense(ranks) => ranks.to_vec(),
        }
    }

    fn merge(&mut self, bytes: &[u8]) {
        if bytes.len() == REGISTERS {
            bytes.iter().enumerate().filter(|(_, rank)| **rank > 0).for_each(|(i, rank)| self.raise(i as u16, *rank));
        } else {
            bytes.chunks_exact(3).for_each(|entry| self.raise(u16::from_le_bytes([entry[0], entry[1]]), entry[2]));
        }
    }
}

/// The estimate of a state.
pub fn estimate(bytes: &[u8]) -> i64 {
    let mut sketch = Sketch::Sparse(BTreeMap::new());
    sketch.merge(bytes);
    let registers = REGISTERS as f64;
    let (used, inverse): (usize, f64) = match &sketch {
        Sketch::Sparse(ranks) => (ranks.len(), ranks.values().map(|rank| 0.5f64.powi(*rank as i32)).sum()),
        Sketch::Dense(ranks) => {
            let used = ranks.iter().filter(|rank| **rank > 0);
            (used.clone().count(), used.map(|rank| 0.5f64.powi(*rank as i32)).sum())
        }
    };
    let empty = registers - used as f64;
    let alpha = 0.7213 / (1.0 + 1.079 / registers);
    let raw = alpha * registers * registers / (inverse + empty);
    let estimate = if raw <= 2.5 * registers && empty > 0.0 { registers * (registers / empty).ln() } else { raw };
    estimate.round() as i64
}

/// A sketch of the values of each group.
pub struct Sketches {
    dtype: SqlType,
    sketches: Vec<Sketch>,
}

impl Sketches {
    /// Of values of this type.
    pub fn new(dtype: SqlType) -> Sketches {
        Sketches { dtype, sketches: Vec::new() }
    }

    fn grow(&mut self, groups: usize) {
        self.sketches.resize(groups.max(self.sketches.len()), Sketch::Sparse(BTreeMap::new()));
    }
}

impl Accumulate for Sketches {
    fn update(&mut self, columns: &[Series], rows: GroupRows) -> Result<(), TaskError> {
        self.grow(rows.groups);
        let valid = columns[0].chunks()[0].validity().cloned();
        let hashes = hash_rows(&[&by_length(&columns[0].clone().into(), &self.dtype)?], rows.rows)?;
        for (row, hash) in hashes.into_iter().enumerate() {
            if valid.as_ref().is_none_or(|v| v.get_bit(row)) {
                self.sketches[rows.group(row)].add(hash);
            }
        }
        Ok(())
    }

    fn merge(&mut self, states: &[Series], rows: GroupRows) -> Result<(), TaskError> {
        self.grow(rows.groups);
        for (row, bytes) in states[0].binary()?.iter().enumerate() {
            if let Some(bytes) = bytes {
                self.sketches[rows.group(row)].merge(bytes);
            }
        }
        Ok(())
    }

    fn finish(&mut self, groups: usize) -> Result<Vec<Series>, TaskError> {
        self.grow(groups);
        let states: BinaryChunked =
            std::mem::take(&mut self.sketches).iter().map(|sketch| Some(sketch.to_bytes())).collect();
        Ok(vec![states.into_series()])
    }

    fn bytes(&self) -> u64 {
        let of = |sketch: &Sketch| match sketch {
            Sketch::Sparse(ranks) => 32 + ranks.len() as u64 * 8,
            Sketch::Dense(_) => 32 + REGISTERS as u64,
        };
        self.sketches.iter().map(of).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn estimates_are_within_a_few_percent_and_merging_is_counting_together() {
        for count in [0u64, 1, 10, 700, 20_000, 300_000] {
            let values: Vec<i64> = (0..count as i64).collect();
            let series = Series::new("v".into(), &values);
            let hashes = hash_rows(&[&series.into()], values.len()).unwrap();
            let (mut odd, mut even) = (Sketch::Sparse(BTreeMap::new()), Sketch::Sparse(BTreeMap::new()));
            for (i, hash) in hashes.iter().enumerate() {
                if i % 2 == 0 { even.add(*hash) } else { odd.add(*hash) }
            }
            even.merge(&odd.to_bytes());
            let found = estimate(&even.to_bytes()) as f64;
            assert!((found - count as f64).abs() <= count as f64 * 0.05, "{count}: {found}");
        }
    }
}
