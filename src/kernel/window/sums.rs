//! Counts, sums and means. Integers and units of decimals are summed up once from the start of the task's rows; the sum of any
//! frame is then a difference, exact and in constant time. Sums of floating point are only carried along with a growing
//! frame: differences of them would cancel.

use super::frames::Frames;
use super::values::Counted;
use super::{Evaluation, aggregates::Masked};
use crate::journal::TaskError;
use polars::prelude::*;
use std::ops::Range;

/// A DECIMAL(38, s) holds so many units at most.
const DIGITS_38: u128 = 10u128.pow(38);

/// Integers added up: before each row, and in all.
struct Prefix {
    sums: Vec<i128>,
}

impl Prefix {
    /// None if a sum of magnitudes does not fit 128 bits: then differences could hide an overflow, or invent one.
    fn new(values: impl Iterator<Item = i128>, rows: usize) -> Option<Prefix> {
        let mut sums = Vec::with_capacity(rows + 1);
        let (mut sum, mut magnitude) = (0i128, 0i128);
        sums.push(0);
        for value in values {
            magnitude = magnitude.checked_add(value.checked_abs()?)?;
            sum += value;
            sums.push(sum);
        }
        Some(Prefix { sums })
    }

    fn over(&self, ranges: &[Range<u32>; 3]) -> i128 {
        ranges.iter().map(|r| self.sums[r.end as usize] - self.sums[r.start as usize]).sum()
    }
}

/// The values of an integer column as numbers of 128 bits, 0 where they do not count.
fn integers(values: &Series, masked: &Masked) -> Result<Option<Prefix>, TaskError> {
    macro_rules! prefix {
        ($chunked:expr) => {
            Prefix::new(
                $chunked.iter().enumerate().map(|(row, value)| match value {
                    Some(value) if masked.counts(row) => value as i128,
                    _ => 0,
                }),
                values.len(),
            )
        };
    }
    Ok(match values.dtype() {
        DataType::Int8 => prefix!(values.i8()?),
        DataType::Int16 => prefix!(values.i16()?),
        DataType::Int32 => prefix!(values.i32()?),
        DataType::Int64 => prefix!(values.i64()?),
        DataType::Int128 => prefix!(values.i128()?),
        DataType::UInt8 => prefix!(values.u8()?),
        DataType::UInt16 => prefix!(values.u16()?),
        DataType::UInt32 => prefix!(values.u32()?),
        DataType::UInt64 => prefix!(values.u64()?),
        _ => None,
    })
}

impl Evaluation<'_> {
    /// COUNT: how many rows of each frame count.
    pub fn counts(&self, frames: &Frames, masked: &Masked) -> Column {
        let rows = 0..self.rows();
        let counts: Vec<i64> = match masked.counted() {
            None => rows
                .map(|row| frames.ranges(self.layout, row).iter().map(|r| i64::from(r.end - r.start)).sum())
                .collect(),
            Some(counted) => rows
                .map(|row| frames.ranges(self.layout, row).iter().map(|r| i64::from(counted.count(r))).sum())
                .collect(),
        };
        Int64Chunked::from_vec(PlSmallStr::EMPTY, counts).into_column()
    }

    /// SUM and AVG of integers and decimals of `scale`; None where they have to be found in another way.
    pub fn exact_sums(
        &self,
        frames: &Frames,
        values: &Series,
        masked: &Masked,
        average_of_scale: Option<u8>,
        is_decimal: bool,
    ) -> Result<Option<Column>, TaskError> {
        let Some(prefix) = integers(values, masked)? else { return Ok(None) };
        let all = Counted::new(values.len(), |row| masked.counts(row));
        let count = |ranges: &[Range<u32>; 3]| ranges.iter().map(|r| i64::from(all.count(r))).sum::<i64>();
        let frames = (0..self.rows()).map(|row| frames.ranges(self.layout, row));
        if let Some(scale) = average_of_scale {
            let unit = 10f64.powi(scale.into());
            let average = |ranges: [Range<u32>; 3]| {
                let count = count(&ranges);
                (count > 0).then(|| prefix.over(&ranges) as f64 / (count as f64 * unit))
            };
            return Ok(Some(frames.map(average).collect::<Float64Chunked>().into_column()));
        }
        let mut sums = Vec::with_capacity(values.len());
        for ranges in frames {
            let sum = (count(&ranges) > 0).then(|| prefix.over(&ranges));
            if is_decimal && sum.is_some_and(|sum| sum.unsigned_abs() >= DIGITS_38) {
                return Ok(None);
            }
            sums.push(sum);
        }
        Ok(Some(sums.into_iter().collect::<Int128Chunked>().into_column()))
    }

    /// SUM and AVG of floating point over frames that grow, added up in the order of the rows.
    pub fn running_sums(
        &self,
        frames: &Frames,
        values: &Series,
        masked: &Masked,
        average: bool,
    ) -> Result<Column, TaskError> {
        let values = values.f64()?;
        let (mut sum, mut count, mut from, mut done) = (0.0, 0u64, u32::MAX, 0u32);
        let mut result: Vec<Option<f64>> = Vec::with_capacity(values.len());
        for row in 0..values.len() {
            let range = frames.range(row);
            let start = self.layout.partitions.start(row);
            if start != from {
                (sum, count, from, done) = (0.0, 0, start, start);
            }
            while done < range.end {
                if let Some(value) = values.get(done as usize).filter(|_| masked.counts(done as usize)) {
                    sum += value;
                    count += 1;
                }
                done += 1;
            }
            let seen = (count > 0 && !range.is_empty()).then_some(sum);
            result.push(if average { seen.map(|sum| sum / count as f64) } else { seen });
        }
        Ok(result.into_iter().collect::<Float64Chunked>().into_column())
    }
}
