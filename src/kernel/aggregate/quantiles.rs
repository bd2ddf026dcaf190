//! Quantiles of kept values: of the sorted values of each group, one of them, or a point between two neighbours.

use super::kept::{Lists, list_series};
use crate::journal::TaskError;
use crate::kernel::columns;
use crate::plan::{ColumnId, logical::SortKey};
use crate::sql::types::Interval;
use crate::sql::{DataType as SqlType, Value};
use polars::prelude::*;

const MICROS_PER_DAY: i128 = 24 * 60 * 60 * 1_000_000;

/// The fractions of a call: one, or a list of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Fractions {
    values: Vec<f64>,
    many: bool,
}

impl Fractions {
    /// The median.
    pub fn half() -> Fractions {
        Fractions { values: vec![0.5], many: false }
    }

    /// Of a constant argument, which the binder has checked; those of the other kind are none.
    pub fn of(constant: Option<&Value>) -> Fractions {
        let fraction = |value: &Value| match value {
            Value::Float(fraction) => Some(*fraction),
            Value::Int(whole) => Some(*whole as f64),
            _ => None,
        };
        match constant {
            Some(Value::List(items)) => Fractions { values: items.iter().filter_map(fraction).collect(), many: true },
            other => Fractions { values: other.and_then(fraction).into_iter().collect(), many: false },
        }
    }
}

fn ascending() -> SortKey {
    SortKey { column: ColumnId(0), descending: false, nulls_first: false }
}

/// Where a discrete quantile is among `count` sorted values, at least one: the first whose rank is at least the fraction of them.
fn discrete_place(fraction: f64, count: usize) -> usize {
    let exact = count as f64 * fraction.abs();
    // A decimal fraction has no exact double: 0.1 of 10 is 1, not a little more.
    let near = exact.round();
    let rank = if (exact - near).abs() < 1e-9 * near.max(1.0) { near } else { exact.ceil() };
    let place = (rank as usize).clamp(1, count) - 1;
    if fraction.is_sign_negative() { count - 1 - place } else { place }
}

/// Where a continuous quantile is among `count` sorted values, at least one: two places and how far it is between them.
fn continuous_place(fraction: f64, count: usize) -> (usize, usize, f64) {
    let exact = (count - 1) as f64 * fraction.abs();
    let (low, high) = (exact.floor(), exact.ceil());
    let turned = |place: f64| {
        let place = (place as usize).min(count - 1);
        if fraction.is_sign_negative() { count - 1 - place } else { place }
    };
    (turned(low), turned(high), exact - low)
}

/// Calls `at(start of the group, its size, fraction)` for each fraction of each group that has values: the results, one a group
/// or, for a list of fractions, lists of them.
fn each<T>(
    lists: &Lists,
    fractions: &Fractions,
    mut at: impl FnMut(usize, usize, f64) -> T,
    series: impl FnOnce(Vec<Option<T>>) -> Result<Series, TaskError>,
) -> Result<Series, TaskError> {
    let mut values = Vec::new();
    let mut offsets = vec![0];
    for group in 0..lists.groups() {
        let (start, count) = (lists.offsets[group], lists.length(group));
        for fraction in &fractions.values {
            match count {
                0 if fractions.many => {}
                0 => values.push(None),
                _ => values.push(Some(at(start, count, *fraction))),
            }
        }
        offsets.push(values.len());
    }
    let values = series(values)?;
    if !fractions.many {
        return Ok(values);
    }
    list_series(&values, &offsets, &|group| lists.length(group) == 0)
}

/// QUANTILE_DISC: one of the values.
pub fn discrete(lists: &Lists, dtype: &SqlType, fractions: &Fractions) -> Result<Series, TaskError> {
    let sorted = lists.sorted(&[(0, dtype, ascending())])?;
    let place = |start: usize, count: usize, fraction: f64| (start + discrete_place(fraction, count)) as IdxSize;
    each(&sorted, fractions, place, |places| {
        let places: Vec<IdxSize> = places.into_iter().map(|place| place.unwrap_or(IdxSize::MAX)).collect();
        Ok(columns::take_column_or_null(&sorted.columns[0].clone().into(), &places).take_materialized_series())
    })
}

/// Whether values of this type have points between them that are whole units of theirs.
fn has_units(dtype: &SqlType) -> bool {
    matches!(dtype, SqlType::Decimal { .. }) || dtype.is_temporal()
}

/// The point between two whole numbers of units: the nearest for times, towards zero for decimals, as in DuckDB.
fn between_units(low: i128, high: i128, share: f64, dtype: &SqlType) -> i128 {
    let point = (high - low) as f64 * share;
    if dtype.is_temporal() {
        return low + point.round() as i128;
    }
    let whole = low + point.floor() as i128;
    if point > point.floor() && whole < 0 { whole + 1 } else { whole }
}

fn between(low: f64, high: f64, share: f64) -> f64 {
    if low == high { low } else { low + (high - low) * share }
}

fn units(series: &Series) -> Result<Vec<i128>, TaskError> {
    Ok(series.cast(&DataType::Int128)?.i128()?.iter().map(|v| v.unwrap_or(0)).collect())
}

fn floats(series: &Series) -> Result<Vec<f64>, TaskError> {
    Ok(match series.dtype() {
        DataType::Float64 => series.f64()?.iter().map(|v| v.unwrap_or(0.0)).collect(),
        _ => series.cast(&DataType::Float64)?.f64()?.iter().map(|v| v.unwrap_or(0.0)).collect(),
    })
}

fn unit_series(values: Vec<Option<i128>>, physical: &DataType) -> Result<Series, TaskError> {
    Ok(values.into_iter().collect::<Int128Chunked>().into_series().strict_cast(physical)?)
}

fn float_series(values: Vec<Option<f64>>, physical: &DataType) -> Result<Series, TaskError> {
    Ok(values.into_iter().collect::<Float64Chunked>().into_series().cast(physical)?)
}

/// QUANTILE_CONT and MEDIAN of numbers and times, between the two nearest values. Decimals and times in their units, others in
/// floating point.
pub fn continuous(lists: &Lists, dtype: &SqlType, fractions: &Fractions) -> Result<Series, TaskError> {
    let sorted = lists.sorted(&[(0, dtype, ascending())])?;
    let physical = if dtype.is_integer() { DataType::Float64 } else { dtype.physical() };
    if has_units(dtype) {
        let values = units(&sorted.columns[0])?;
        let at = |start: usize, count: usize, fraction: f64| {
            let (low, high, share) = continuous_place(fraction, count);
            between_units(values[start + low], values[start + high], share, dtype)
        };
        return each(&sorted, fractions, at, |values| unit_series(values, &physical));
    }
    let values = floats(&sorted.columns[0])?;
    let at = |start: usize, count: usize, fraction: f64| {
        let (low, high, share) = continuous_place(fraction, count);
        between(values[start + low], values[start + high], share)
    };
    each(&sorted, fractions, at, |values| float_series(values, &physical))
}

/// APPROX_QUANTILE: the continuous quantile in the type of the values; integers are rounded.
pub fn approximate(lists: &Lists, dtype: &SqlType, fractions: &Fractions) -> Result<Series, TaskError> {
    if !dtype.is_integer() && *dtype != SqlType::Date {
        return continuous(lists, dtype, fractions);
    }
    let sorted = lists.sorted(&[(0, dtype, ascending())])?;
    let values = units(&sorted.columns[0])?;
    let at = |start: usize, count: usize, fraction: f64| {
        let (low, high, share) = continuous_place(fraction, count);
        let (low, high) = (values[start + low], values[start + high]);
        low + ((high - low) as f64 * share).round() as i128
    };
    each(&sorted, fractions, at, |values| unit_series(values, &dtype.physical()))
}

/// MAD: the median of the distances from the median; of times an interval.
pub fn deviation(lists: &Lists, dtype: &SqlType) -> Result<Series, TaskError> {
    let sorted = lists.sorted(&[(0, dtype, ascending())])?;
    let half = |count: usize| continuous_place(0.5, count);
    if has_units(dtype) {
        let values = units(&sorted.columns[0])?;
        let at = |start: usize, count: usize, _: f64| {
            let (low, high, share) = half(count);
            let median = between_units(values[start + low], values[start + high], share, dtype);
            let mut distances: Vec<i128> = values[start..start + count].iter().map(|v| (v - median).abs()).collect();
            distances.sort_unstable();
            let distance = between_units(distances[low], distances[high], share, dtype);
            if dtype.is_temporal() {
                let days = (distance / MICROS_PER_DAY) as i32;
                Interval { months: 0, days, micros: (distance % MICROS_PER_DAY) as i64 }.pack()
            } else {
                distance
            }
        };
        let physical = if dtype.is_temporal() { DataType::Int128 } else { dtype.physical() };
        return each(&sorted, &Fractions::half(), at, |values| unit_series(values, &physical));
    }
    let values = floats(&sorted.columns[0])?;
    let physical = if dtype.is_integer() { DataType::Float64 } else { dtype.physical() };
    // A distance between FLOATs is one.
    let fit = |value: f64| if physical == DataType::Float32 { f64::from(value as f32) } else { value };
    let at = |start: usize, count: usize, _: f64| {
        let (low, high, share) = half(count);
        let median = fit(between(values[start + low], values[start + high], share));
        let mut distances: Vec<f64> = values[start..start + count].iter().map(|v| fit((v - median).abs())).collect();
        distances.sort_unstable_by(f64::total_cmp);
        between(distances[low], distances[high], share)
    };
    each(&sorted, &Fractions::half(), at, |values| float_series(values, &physical))
}
