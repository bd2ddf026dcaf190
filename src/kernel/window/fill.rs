//! FILL: a NULL lies on the line through the nearest values before and behind it, or, where there is none on one side, through
//! the two nearest of the other. Integers (dates and units of decimals, too) are rounded as DuckDB does: between two values
//! towards zero, outside of them to the nearest, halves to even.

use super::Evaluation;
use crate::journal::TaskError;
use crate::kernel::columns;
use polars::prelude::*;

/// A value with its key, on the line.
#[derive(Clone, Copy)]
struct Point<V> {
    key: f64,
    value: V,
}

/// How far along the line from `a` to `b` the key is: 0 at `a`, 1 at `b`.
fn along<V>(a: Point<V>, b: Point<V>, key: f64) -> f64 {
    if a.key == b.key { 0.0 } else { (key - a.key) / (b.key - a.key) }
}

fn integer_at(a: Point<i128>, b: Point<i128>, key: f64) -> Option<i128> {
    let d = along(a, b, key);
    if (0.0..=1.0).contains(&d) {
        let offset = b.value.checked_sub(a.value)? as f64 * d;
        let towards_zero = if a.value as f64 + offset >= 0.0 { offset.floor() } else { offset.ceil() };
        return a.value.checked_add(towards_zero as i128);
    }
    let (least, greatest, d) = if a.value > b.value { (b.value, a.value, 1.0 - d) } else { (a.value, b.value, d) };
    let offset = greatest.checked_sub(least)? as f64 * d;
    least.checked_add(offset.round_ties_even() as i128)
}

fn float_at(a: Point<f64>, b: Point<f64>, key: f64) -> Option<f64> {
    Some(a.value + (b.value - a.value) * along(a, b, key))
}

/// The values with their gaps filled; `None` stays where there is nothing to draw a line through.
fn filled<V: Copy>(
    evaluation: &Evaluation,
    keys: &Float64Chunked,
    values: &[Option<V>],
    on_line: impl Fn(V) -> bool,
    at: impl Fn(Point<V>, Point<V>, f64) -> Option<V>,
) -> Vec<Option<V>> {
    let partitions = &evaluation.layout.partitions;
    let mut result = values.to_vec();
    for partition in 0..partitions.count() {
        let rows = partitions.start_of(partition) as usize..partitions.start_of(partition + 1) as usize;
        let point = |row: usize| {
            let value = values[row].filter(|v| on_line(*v))?;
            Some((row, Point { key: keys.get(row)?, value }))
        };
        let points: Vec<(usize, Point<V>)> = rows.clone().filter_map(point).collect();
        let Some(most) = points.len().checked_sub(1) else { continue };
        for row in rows.filter(|row| values[*row].is_none()) {
            let Some(key) = keys.get(row) else { continue };
            let behind = points.partition_point(|(at, _)| *at < row);
            let (a, b) = match behind {
                0 => (points[0].1, points[most.min(1)].1),
                n if n > most => (points[most.saturating_sub(1)].1, points[most].1),
                n => (points[n - 1].1, points[n].1),
            };
            result[row] = if most == 0 { Some(a.value) } else { at(a, b, key) };
        }
    }
    result
}

impl Evaluation<'_> {
    pub fn fill(&self) -> Result<Column, TaskError> {
        let values = self.argument(0)?;
        let Some(key) = self.layout.order_by.first() else {
            // Ordered by a constant: every row is at the same place.
            let keys = Float64Chunked::full(PlSmallStr::EMPTY, 0.0, values.len());
            return self.fill_over(&keys, &values);
        };
        let keys = columns::one_chunk(columns::find(&self.layout.frame, key.column)?);
        let keys = keys.cast(&DataType::Float64)?;
        self.fill_over(keys.f64()?, &values)
    }

    fn fill_over(&self, keys: &Float64Chunked, values: &Series) -> Result<Column, TaskError> {
        if values.dtype().is_float() {
            let wide = values.cast(&DataType::Float64)?;
            let wide: Vec<Option<f64>> = wide.f64()?.iter().collect();
            let filled = filled(self, keys, &wide, f64::is_finite, float_at);
            let filled = filled.into_iter().collect::<Float64Chunked>().into_series();
            return Ok(filled.cast(values.dtype())?.into());
        }
        if !values.dtype().is_integer() {
            return Ok(values.clone().into());
        }
        let wide = values.cast(&DataType::Int128)?;
        let wide: Vec<Option<i128>> = wide.i128()?.iter().collect();
        let filled = filled(self, keys, &wide, |_| true, integer_at);
        // What leaves the range of the type is NULL.
        let filled = filled.into_iter().collect::<Int128Chunked>().into_series();
        Ok(filled.cast(values.dtype())?.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_rounded_as_duckdb_does() {
        let at = |a: (f64, i128), b: (f64, i128), key: f64| {
            integer_at(Point { key: a.0, value: a.1 }, Point { key: b.0, value: b.1 }, key).unwrap()
        };
        assert_eq!(at((0.0, 0), (4.0, 10), 3.0), 7);
        assert_eq!(at((0.0, 10), (4.0, 0), 1.0), 7);
        assert_eq!(at((0.0, -1), (4.0, -10), 2.0), -5);
        assert_eq!(at((0.0, 0), (2.0, 3), 3.0), 4);
        assert_eq!(at((0.0, 3), (2.0, 0), -1.0), 4);
        assert_eq!(at((0.0, -1), (4.0, -10), -2.0), 4);
        assert_eq!(at((1.0, 1), (1.0, 3), 2.0), 1);
    }
}
