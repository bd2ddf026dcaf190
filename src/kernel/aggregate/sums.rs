//! Counts and sums.

use super::accumulate::{Accumulate, FEW_GROUPS, GroupRows, Presence, add_in_lanes, for_each_value};
use crate::journal::{ErrorCode, TaskError};
use polars::prelude::*;
use polars_arrow::array::{Array, PrimitiveArray};

/// How many rows: all of them (no column), or those whose value is not NULL.
#[derive(Default)]
pub struct Count {
    counts: Vec<i64>,
}

impl Accumulate for Count {
    fn update(&mut self, columns: &[Series], rows: GroupRows) -> Result<(), TaskError> {
        self.counts.resize(rows.groups.max(self.counts.len()), 0);
        let counts = &mut self.counts;
        let nulls = columns.first().filter(|c| c.null_count() > 0);
        match (nulls.and_then(|c| c.chunks()[0].validity()), rows.ids) {
            (Some(valid), Some(ids)) => {
                ids.iter().zip(valid.iter()).for_each(|(group, ok)| counts[*group as usize] += ok as i64)
            }
            (Some(valid), None) => counts[0] += (rows.rows - valid.unset_bits()) as i64,
            (None, Some(ids)) => match rows.sizes {
                Some(sizes) => counts.iter_mut().zip(sizes).for_each(|(count, size)| *count += size),
                None => ids.iter().for_each(|group| counts[*group as usize] += 1),
            },
            (None, None) => counts[0] += rows.rows as i64,
        }
        Ok(())
    }

    fn merge(&mut self, states: &[Series], rows: GroupRows) -> Result<(), TaskError> {
        self.counts.resize(rows.groups.max(self.counts.len()), 0);
        for (row, count) in states[0].i64()?.iter().enumerate() {
            self.counts[rows.group(row)] += count.unwrap_or(0);
        }
        Ok(())
    }

    fn finish(&mut self, groups: usize) -> Result<Vec<Series>, TaskError> {
        self.counts.resize(groups, 0);
        Ok(vec![Int64Chunked::from_vec(PlSmallStr::EMPTY, std::mem::take(&mut self.counts)).into_series()])
    }

    fn bytes(&self) -> u64 {
        self.counts.capacity() as u64 * 8
    }
}

/// The exact sum of integers or of the units of decimals, in 128 bits.
#[derive(Default)]
pub struct IntegerSum {
    sums: Vec<i128>,
    presence: Presence,
}

impl Accumulate for IntegerSum {
    fn update(&mut self, columns: &[Series], rows: GroupRows) -> Result<(), TaskError> {
        self.sums.resize(rows.groups.max(self.sums.len()), 0);
        let column = &columns[0];
        let sums = &mut self.sums[..];
        // Values of up to 64 bits cannot overflow 128 bits in fewer than 2^64 rows.
        macro_rules! add {
            ($chunked:expr, $wide:ty) => {{
                let array = $chunked.downcast_as_array();
                if rows.ids.is_none() && array.null_count() == 0 {
                    // One group: so many values at a time that their sum fits the wider type.
                    self.presence.meet_all(rows);
                    let part = |part: &[_]| part.iter().map(|value| *value as $wide).sum::<$wide>() as i128;
                    sums[0] += array.values().as_slice().chunks(1 << 20).map(part).sum::<i128>();
                    return Ok(());
                }
                match rows.ids.filter(|_| sums.len() <= FEW_GROUPS && array.null_count() == 0) {
                    Some(ids) => {
                        self.presence.meet_all(rows);
                        add_in_lanes(sums, ids, array.values().as_slice(), |value| value as i128);
                    }
                    None => for_each_value!(array, rows, self.presence, |group, value| sums[group] += value as i128),
                }
            }};
        }
        match column.dtype() {
            DataType::Int8 => add!(column.i8()?, i64),
            DataType::Int16 => add!(column.i16()?, i64),
            DataType::Int32 => add!(column.i32()?, i64),
            DataType::Int64 => add!(column.i64()?, i128),
            DataType::UInt8 => add!(column.u8()?, i64),
            DataType::UInt16 => add!(column.u16()?, i64),
            DataType::UInt32 => add!(column.u32()?, i64),
            DataType::UInt64 => add!(column.u64()?, i128),
            DataType::Int128 => {
                let array = column.i128()?.downcast_as_array();
                if let Some(ids) = rows.ids.filter(|_| sums.len() <= FEW_GROUPS && array.null_count() == 0)
                    && add_in_lanes(sums, ids, array.values().as_slice(), |value| value)
                {
                    self.presence.meet_all(rows);
                    return Ok(());
                }
                let mut overflow = false;
                for_each_value!(array, rows, self.presence, |group, value| {
                    let (sum, wrapped) = sums[group].overflowing_add(value);
                    overflow |= wrapped;
                    sums[group] = sum;
                });
                if overflow {
                    return Err(TaskError::user(
                        ErrorCode::NumericValueOutOfRange,
                        "Overflow in SUM: the sum does not fit 128 bits",
                    ));
                }
            }
            other => return Err(TaskError::bug(format!("an integer sum over {other:?}"))),
        }
        Ok(())
    }

    fn finish(&mut self, groups: usize) -> Result<Vec<Series>, TaskError> {
        self.sums.resize(groups, 0);
        let sums = PrimitiveArray::from_vec(std::mem::take(&mut self.sums));
        let sums = sums.with_validity(self.presence.take_validity(groups));
        Ok(vec![Int128Chunked::with_chunk(PlSmallStr::EMPTY, sums).into_series()])
    }

    fn bytes(&self) -> u64 {
        self.sums.capacity() as u64 * 16 + self.presence.bytes()
    }
}

/// The sum of floating-point values, in the order of the rows.
#[derive(Default)]
pub struct FloatSum {
    sums: Vec<f64>,
    presence: Presence,
}

impl Accumulate for FloatSum {
    fn update(&mut self, columns: &[Series], rows: GroupRows) -> Result<(), TaskError> {
        self.sums.resize(rows.groups.max(self.sums.len()), 0.0);
        let sums = &mut self.sums[..];
        for_each_value!(columns[0].f64()?.downcast_as_array(), rows, self.presence, |group, value| sums[group] +=
            value);
        Ok(())
    }

    fn finish(&mut self, groups: usize) -> Result<Vec<Series>, TaskError> {
        self.sums.resize(groups, 0.0);
        let sums = PrimitiveArray::from_vec(std::mem::take(&mut self.sums));
        let sums = sums.with_validity(self.presence.take_validity(groups));
        Ok(vec![Float64Chunked::with_chunk(PlSmallStr::EMPTY, sums).into_series()])
    }

    fn bytes(&self) -> u64 {
        self.sums.capacity() as u64 * 8 + self.presence.bytes()
    }
}
