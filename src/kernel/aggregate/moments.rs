//! Means and sums of powers of distances from them, of one number and of pairs. States of parts are put together without going
//! back to the values: Chan, Golub and LeVeque (1979) for squares, Pébay (2008) for higher powers and for products.

use super::accumulate::{Accumulate, GroupRows};
use super::floats::{doubles, state_at};
use crate::journal::TaskError;
use polars::prelude::*;

/// Count, mean and sum of squared distances from the mean: what variances are made of.
#[derive(Default)]
pub struct Moments {
    counts: Vec<i64>,
    means: Vec<f64>,
    squares: Vec<f64>,
}

impl Moments {
    fn grow(&mut self, groups: usize) {
        let groups = groups.max(self.counts.len());
        self.counts.resize(groups, 0);
        self.means.resize(groups, 0.0);
        self.squares.resize(groups, 0.0);
    }

    /// One more value (Welford 1962).
    fn add(&mut self, group: usize, value: f64) {
        self.counts[group] += 1;
        let distance = value - self.means[group];
        self.means[group] += distance / self.counts[group] as f64;
        self.squares[group] += distance * (value - self.means[group]);
    }

    fn add_state(&mut self, group: usize, count: i64, mean: f64, squares: f64) {
        if count == 0 {
            return;
        }
        if self.counts[group] == 0 {
            (self.counts[group], self.means[group], self.squares[group]) = (count, mean, squares);
            return;
        }
        let (before, added) = (self.counts[group] as f64, count as f64);
        let total = before + added;
        let distance = mean - self.means[group];
        self.means[group] += distance * added / total;
        self.squares[group] += squares + distance * distance * before * added / total;
        self.counts[group] += count;
    }
}

impl Accumulate for Moments {
    fn update(&mut self, columns: &[Series], rows: GroupRows) -> Result<(), TaskError> {
        self.grow(rows.groups);
        for (row, value) in columns[0].f64()?.iter().enumerate() {
            if let Some(value) = value {
                self.add(rows.group(row), value);
            }
        }
        Ok(())
    }

    fn merge(&mut self, states: &[Series], rows: GroupRows) -> Result<(), TaskError> {
        self.grow(rows.groups);
        for row in 0..rows.rows {
            let (count, [mean, squares]) = state_at(states, row)?;
            self.add_state(rows.group(row), count, mean, squares);
        }
        Ok(())
    }

    fn finish(&mut self, groups: usize) -> Result<Vec<Series>, TaskError> {
        self.grow(groups);
        let taken = std::mem::take(self);
        Ok(doubles(taken.counts, [taken.means, taken.squares]))
    }

    fn bytes(&self) -> u64 {
        self.counts.capacity() as u64 * 24
    }
}

/// Count, mean, and the sums of second, third and fourth powers of distances from the mean.
#[derive(Default)]
pub struct FourMoments {
    states: Vec<(i64, [f64; 4])>,
}

/// Both parts as one.
fn four_moments(a: (i64, [f64; 4]), b: (i64, [f64; 4])) -> (i64, [f64; 4]) {
    if a.0 == 0 {
        return b;
    }
    if b.0 == 0 {
        return a;
    }
    let (left, right) = (a.0 as f64, b.0 as f64);
    let ([mean, a2, a3, a4], [other, b2, b3, b4]) = (a.1, b.1);
    let total = left + right;
    let d = other - mean;
    let second = a2 + b2 + d * d * left * right / total;
    let third = a3
        + b3
        + d.powi(3) * left * right * (left - right) / (total * total)
        + 3.0 * d * (left * b2 - right * a2) / total;
    let fourth = a4
        + b4
        + d.powi(4) * left * right * (left * left - left * right + right * right) / total.powi(3)
        + 6.0 * d * d * (left * left * b2 + right * right * a2) / (total * total)
        + 4.0 * d * (left * b3 - right * a3) / total;
    (a.0 + b.0, [mean + d * right / total, second, third, fourth])
}

impl Accumulate for FourMoments {
    fn update(&mut self, columns: &[Series], rows: GroupRows) -> Result<(), TaskError> {
        self.states.resize(rows.groups.max(self.states.len()), (0, [0.0; 4]));
        for (row, value) in columns[0].f64()?.iter().enumerate() {
            if let Some(value) = value {
                let state = &mut self.states[rows.group(row)];
                *state = four_moments(*state, (1, [value, 0.0, 0.0, 0.0]));
            }
        }
        Ok(())
    }

    fn merge(&mut self, states: &[Series], rows: GroupRows) -> Result<(), TaskError> {
        self.states.resize(rows.groups.max(self.states.len()), (0, [0.0; 4]));
        for row in 0..rows.rows {
            let state = &mut self.states[rows.group(row)];
            *state = four_moments(*state, state_at(states, row)?);
        }
        Ok(())
    }

    fn finish(&mut self, groups: usize) -> Result<Vec<Series>, TaskError> {
        self.states.resize(groups, (0, [0.0; 4]));
        let states = std::mem::take(&mut self.states);
        let of = |i: usize| states.iter().map(|(_, values)| values[i]).collect();
        Ok(doubles(states.iter().map(|(count, _)| *count).collect(), [of(0), of(1), of(2), of(3)]))
    }

    fn bytes(&self) -> u64 {
        self.states.capacity() as u64 * 40
    }
}

/// Of pairs (y, x) without NULLs: how many, the means of y and x, their sums of squared distances, the sum of the products of
/// distances.
#[derive(Default)]
pub struct Pairs {
    states: Vec<(i64, [f64; 5])>,
}

/// Both parts as one.
fn pairs(a: (i64, [f64; 5]), b: (i64, [f64; 5])) -> (i64, [f64; 5]) {
    if a.0 == 0 {
        return b;
    }
    if b.0 == 0 {
        return a;
    }
    let (left, right) = (a.0 as f64, b.0 as f64);
    let ([mean_y, mean_x, yy, xx, xy], [other_y, other_x, b_yy, b_xx, b_xy]) = (a.1, b.1);
    let total = left + right;
    let (dy, dx) = (other_y - mean_y, other_x - mean_x);
    let weight = left * right / total;
    (
        a.0 + b.0,
        [
            mean_y + dy * right / total,
            mean_x + dx * right / total,
            yy + b_yy + dy * dy * weight,
            xx + b_xx + dx * dx * weight,
            xy + b_xy + dy * dx * weight,
        ],
    )
}

impl Accumulate for Pairs {
    fn update(&mut self, columns: &[Series], rows: GroupRows) -> Result<(), TaskError> {
        self.states.resize(rows.groups.max(self.states.len()), (0, [0.0; 5]));
        for (row, pair) in columns[0].f64()?.iter().zip(columns[1].f64()?.iter()).enumerate() {
            if let (Some(y), Some(x)) = pair {
                let state = &mut self.states[rows.group(row)];
                *state = pairs(*state, (1, [y, x, 0.0, 0.0, 0.0]));
            }
        }
        Ok(())
    }

    fn merge(&mut self, states: &[Series], rows: GroupRows) -> Result<(), TaskError> {
        self.states.resize(rows.groups.max(self.states.len()), (0, [0.0; 5]));
        for row in 0..rows.rows {
            let state = &mut self.states[rows.group(row)];
            *state = pairs(*state, state_at(states, row)?);
        }
        Ok(())
    }

    fn finish(&mut self, groups: usize) -> Result<Vec<Series>, TaskError> {
        self.states.resize(groups, (0, [0.0; 5]));
        let states = std::mem::take(&mut self.states);
        let of = |i: usize| states.iter().map(|(_, values)| values[i]).collect();
        Ok(doubles(states.iter().map(|(count, _)| *count).collect(), [of(0), of(1), of(2), of(3), of(4)]))
    }

    fn bytes(&self) -> u64 {
        self.states.capacity() as u64 * 48
    }
}
