//! Random numbers that are the same whenever a query is run again: a task draws them one after the other from a stream that
//! the query's seed, the stage and the partition determine. A recomputed task, on whatever node, draws the same ones.

use super::RowError;
use super::columns::numbers;
use crate::sql::DataType;
use polars::prelude::{Column, Float64Type};
use std::cell::Cell;

thread_local! {
    /// The state of the stream of the task that this thread computes.
    static STREAM: Cell<u64> = const { Cell::new(0) };
    /// The same without the query's seed, for calls that bring one.
    static PLACE: Cell<u64> = const { Cell::new(0) };
}

/// Mixes the bits of a number. Source: SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators).
fn mixed(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

/// To be called on the thread of a task before it computes: its random numbers follow from these three alone.
pub fn begin_draws(seed: u64, stage: u64, partition: u64) {
    STREAM.set(mixed(mixed(mixed(seed).wrapping_add(stage)).wrapping_add(partition)));
    PLACE.set(mixed(mixed(stage).wrapping_add(partition)));
}

/// The next number of the stream of this task.
pub(super) fn draw() -> u64 {
    let state = STREAM.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
    STREAM.set(state);
    mixed(state)
}

fn draw_seeded(seed: u64) -> u64 {
    let place = PLACE.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
    PLACE.set(place);
    mixed(mixed(seed) ^ place)
}

/// `random()`: from 0 up to 1, 1 not included; another one for every row. `random(seed)` draws from a stream that does not
/// depend on the query.
pub(super) fn random(args: &[Column], _: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    let seed = match args.first() {
        Some(seed) => Some(seed.i64()?.get(0).unwrap_or_default() as u64),
        None => None,
    };
    let number = |bits: u64| (bits >> 11) as f64 / (1u64 << 53) as f64;
    let values = (0..rows).map(|_| number(seed.map_or_else(draw, draw_seeded))).collect();
    Ok(numbers::<Float64Type>(values, None))
}
