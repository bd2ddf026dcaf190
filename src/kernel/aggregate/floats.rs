//! Sums and products of floating-point values beside the plain sum.

use super::accumulate::{Accumulate, GroupRows};
use crate::journal::TaskError;
use polars::prelude::*;

/// One series of each of these columns.
pub(super) fn doubles<const N: usize>(counts: Vec<i64>, values: [Vec<f64>; N]) -> Vec<Series> {
    let counts = Int64Chunked::from_vec(PlSmallStr::EMPTY, counts).into_series();
    let values = values.into_iter().map(|v| Float64Chunked::from_vec(PlSmallStr::EMPTY, v).into_series());
    std::iter::once(counts).chain(values).collect()
}

/// The count and the doubles of a row of states: zeros where there were no rows.
pub(super) fn state_at<const N: usize>(states: &[Series], row: usize) -> Result<(i64, [f64; N]), TaskError> {
    let mut values = [0.0; N];
    for (value, state) in values.iter_mut().zip(&states[1..]) {
        *value = state.f64()?.get(row).unwrap_or(0.0);
    }
    Ok((states[0].i64()?.get(row).unwrap_or(0), values))
}

/// The sum with what rounding takes away carried beside it (Kahan; with Neumaier's turn for values greater than the sum).
#[derive(Default)]
pub struct PreciseSum {
    counts: Vec<i64>,
    sums: Vec<f64>,
    carries: Vec<f64>,
}

impl PreciseSum {
    fn grow(&mut self, groups: usize) {
        let groups = groups.max(self.counts.len());
        self.counts.resize(groups, 0);
        self.sums.resize(groups, 0.0);
        self.carries.resize(groups, 0.0);
    }

    fn add(&mut self, group: usize, value: f64) {
        let sum = self.sums[group];
        let total = sum + value;
        if total.is_finite() {
            self.carries[group] += if sum.abs() >= value.abs() { (sum - total) + value } else { (value - total) + sum };
        }
        self.sums[group] = total;
    }
}

impl Accumulate for PreciseSum {
    fn update(&mut self, columns: &[Series], rows: GroupRows) -> Result<(), TaskError> {
        self.grow(rows.groups);
        for (row, value) in columns[0].f64()?.iter().enumerate() {
            if let Some(value) = value {
                let group = rows.group(row);
                self.counts[group] += 1;
                self.add(group, value);
            }
        }
        Ok(())
    }

    fn merge(&mut self, states: &[Series], rows: GroupRows) -> Result<(), TaskError> {
        self.grow(rows.groups);
        for row in 0..rows.rows {
            let (count, [sum, carry]) = state_at(states, row)?;
            let group = rows.group(row);
            self.counts[group] += count;
            self.add(group, sum);
            self.carries[group] += carry;
        }
        Ok(())
    }

    fn finish(&mut self, groups: usize) -> Result<Vec<Series>, TaskError> {
        self.grow(groups);
        let taken = std::mem::take(self);
        Ok(doubles(taken.counts, [taken.sums, taken.carries]))
    }

    fn bytes(&self) -> u64 {
        self.counts.capacity() as u64 * 24
    }
}

/// How many values, and the sum of their logarithms: a geometric mean.
#[derive(Default)]
pub struct Logarithms {
    counts: Vec<i64>,
    sums: Vec<f64>,
}

impl Logarithms {
    fn add(&mut self, rows: GroupRows, row: usize, count: i64, sum: f64) {
        let group = rows.group(row);
        self.counts[group] += count;
        self.sums[group] += sum;
    }

    fn grow(&mut self, groups: usize) {
        let groups = groups.max(self.counts.len());
        self.counts.resize(groups, 0);
        self.sums.resize(groups, 0.0);
    }
}

impl Accumulate for Logarithms {
    fn update(&mut self, columns: &[Series], rows: GroupRows) -> Result<(), TaskError> {
        self.grow(rows.groups);
        for (row, value) in columns[0].f64()?.iter().enumerate() {
            if let Some(value) = value {
                self.add(rows, row, 1, value.ln());
            }
        }
        Ok(())
    }

    fn merge(&mut self, states: &[Series], rows: GroupRows) -> Result<(), TaskError> {
        self.grow(rows.groups);
        for row in 0..rows.rows {
            let (count, [sum]) = state_at(states, row)?;
            self.add(rows, row, count, sum);
        }
        Ok(())
    }

    fn finish(&mut self, groups: usize) -> Result<Vec<Series>, TaskError> {
        self.grow(groups);
        let taken = std::mem::take(self);
        Ok(doubles(taken.counts, [taken.sums]))
    }

    fn bytes(&self) -> u64 {
        self.counts.capacity() as u64 * 16
    }
}

/// The product, in the order of the rows; NULL for no values.
#[derive(Default)]
pub struct Product {
    products: Vec<Option<f64>>,
}

impl Accumulate for Product {
    fn update(&mut self, columns: &[Series], rows: GroupRows) -> Result<(), TaskError> {
        self.products.resize(rows.groups.max(self.products.len()), None);
        for (row, value) in columns[0].f64()?.iter().enumerate() {
            if let Some(value) = value {
                *self.products[rows.group(row)].get_or_insert(1.0) *= value;
            }
        }
        Ok(())
    }

    fn finish(&mut self, groups: usize) -> Result<Vec<Series>, TaskError> {
        self.products.resize(groups, None);
        Ok(vec![std::mem::take(&mut self.products).into_iter().collect::<Float64Chunked>().into_series()])
    }

    fn bytes(&self) -> u64 {
        self.products.capacity() as u64 * 16
    }
}

/// How bits of two values become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BitOperation {
    And,
    Or,
    Xor,
}

/// BIT_AND, BIT_OR, BIT_XOR of integers of every width, in 128 bits: sign extension keeps the lower ones what they are.
pub struct Bits {
    operation: BitOperation,
    values: Vec<Option<i128>>,
    dtype: DataType,
}

impl Bits {
    /// Over integers of this physical type.
    pub fn new(operation: BitOperation, dtype: DataType) -> Bits {
        Bits { operation, values: Vec::new(), dtype }
    }
}

impl Accumulate for Bits {
    fn update(&mut self, columns: &[Series], rows: GroupRows) -> Result<(), TaskError> {
        self.values.resize(rows.groups.max(self.values.len()), None);
        for (row, value) in columns[0].cast(&DataType::Int128)?.i128()?.iter().enumerate() {
            let Some(value) = value else { continue };
            let held = &mut self.values[rows.group(row)];
            *held = Some(match (*held, self.operation) {
                (None, _) => value,
                (Some(held), BitOperation::And) => held & value,
                (Some(held), BitOperation::Or) => held | value,
                (Some(held), BitOperation::Xor) => held ^ value,
            });
        }
        Ok(())
    }

    fn finish(&mut self, groups: usize) -> Result<Vec<Series>, TaskError> {
        self.values.resize(groups, None);
        let values: Int128Chunked = std::mem::take(&mut self.values).into_iter().collect();
        Ok(vec![values.into_series().strict_cast(&self.dtype)?])
    }

    fn bytes(&self) -> u64 {
        self.values.capacity() as u64 * 32
    }
}
