//! Aggregates of the elements of each list: `list_sum`, `list_min` and their like. NULL elements are passed over.

use super::choose::item_of;
use super::encode::encoded;
use super::{Lists, NOWHERE, pick};
use crate::functions::RowError;
use crate::functions::cast::nested::texts_of;
use crate::functions::columns::{
    Numbers, Rows, Texts, booleans_by_row, numbers_by_row, out_of_range, result_length, texts_by_row,
};
use crate::functions::values::value_at;
use crate::journal::TaskError;
use crate::sql::{DataType, Value};
use polars::prelude::{Column, Float64Type, IdxSize, Int64Type, Int128Type, IntoColumn};
use polars_arrow::array::{Array, BinaryViewArray};
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::ops::Range;

/// `list_count(list)`: of the elements that are not NULL.
pub fn count(args: &[Column], types: &[DataType], _: &DataType, _: usize) -> Result<Column, RowError> {
    let lists = Lists::of(&args[0], &item_of(&types[0])?)?;
    let present = lists.items().is_not_null();
    numbers_by_row::<Int64Type>(args[0].len(), |row| {
        let Some(range) = lists.get(row) else { return Ok(None) };
        Ok(Some(range.filter(|i| present.get(*i) == Some(true)).count() as i64))
    })
}

/// `list_sum(list)`: exact for integers and decimals.
pub fn sum(args: &[Column], types: &[DataType], result: &DataType, _: usize) -> Result<Column, RowError> {
    let item = item_of(&types[0])?;
    let lists = Lists::of(&args[0], &item)?;
    if *result == DataType::Double {
        let items = lists.items().cast(&polars::prelude::DataType::Float64)?.into_column();
        let values = Numbers::<Float64Type>::of(&items)?;
        return numbers_by_row::<Float64Type>(args[0].len(), |row| {
            let Some(range) = lists.get(row) else { return Ok(None) };
            Ok(range.filter_map(|i| values.get(i)).reduce(|a, b| a + b))
        });
    }
    let items = lists.items().cast(&polars::prelude::DataType::Int128)?.into_column();
    let values = Numbers::<Int128Type>::of(&items)?;
    numbers_by_row::<Int128Type>(args[0].len(), |row| {
        let Some(range) = lists.get(row) else { return Ok(None) };
        let mut sum = None;
        for value in range.filter_map(|i| values.get(i)) {
            let next = sum.unwrap_or(0i128).checked_add(value);
            sum = Some(next.ok_or_else(|| out_of_range("Overflow in the sum of a list"))?);
        }
        Ok(sum)
    })
}

/// A number from the numbers of each list; None for NULL.
fn of_doubles(args: &[Column], f: impl Fn(&mut Vec<f64>) -> Option<f64>) -> Result<Column, RowError> {
    let lists = Lists::of(&args[0], &DataType::Double)?;
    let values = Numbers::<Float64Type>::of(&lists.items().clone().into_column())?;
    let mut present = Vec::new();
    let mut results = Vec::with_capacity(args[0].len());
    for row in 0..args[0].len() {
        results.push(lists.get(row).and_then(|range| {
            present.clear();
            present.extend(range.filter_map(|i| values.get(i)));
            f(&mut present)
        }));
    }
    numbers_by_row::<Float64Type>(args[0].len(), |row| Ok(results[row]))
}

fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// The sum of the squared distances from the mean: Welford's method.
fn squares(values: &[f64]) -> f64 {
    let (mut mean, mut squares) = (0.0, 0.0);
    for (i, value) in values.iter().enumerate() {
        let delta = value - mean;
        mean += delta / (i + 1) as f64;
        squares += delta * (value - mean);
    }
    squares
}

/// The middle value, or between the two middle ones.
fn middle(values: &mut [f64]) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => None,
        n if n % 2 == 1 => Some(values[middle]),
        _ => Some(values[middle - 1] + (values[middle] - values[middle - 1]) / 2.0),
    }
}

macro_rules! of_doubles {
    ($($(#[$doc:meta])* $name:ident = $f:expr;)*) => {$(
        $(#[$doc])*
        pub fn $name(args: &[Column], _: &[DataType], _: &DataType, _: usize) -> Result<Column, RowError> {
            of_doubles(args, $f)
        }
    )*};
}

of_doubles! {
    /// `list_avg(list)`.
    average = |values| mean(values);
    /// `list_product(list)`.
    product = |values| values.iter().copied().reduce(|a, b| a * b);
    /// `list_var_pop(list)`.
    variance_of_all = |values| (!values.is_empty()).then(|| squares(values) / values.len() as f64);
    /// `list_var_samp(list)`.
    variance = |values| (values.len() > 1).then(|| squares(values) / (values.len() - 1) as f64);
    /// `list_stddev_pop(list)`.
    deviation_of_all = |values| (!values.is_empty()).then(|| (squares(values) / values.len() as f64).sqrt());
    /// `list_stddev_samp(list)`.
    deviation = |values| (values.len() > 1).then(|| (squares(values) / (values.len() - 1) as f64).sqrt());
    /// `list_sem(list)`.
    error_of_mean = |values| {
        let count = values.len() as f64;
        (!values.is_empty()).then(|| (squares(values) / count).sqrt() / count.sqrt())
    };
    /// `list_mad(list)`.
    absolute_deviation = |values| {
        let middle = middle(values)?;
        values.iter_mut().for_each(|value| *value = (*value - middle).abs());
        self::middle(values)
    };
    /// `list_median(list)`.
    median = |values| middle(values);
}

/// One of the elements of each list; `choose` gets their byte strings.
fn one_of(
    args: &[Column],
    t: &DataType,
    choose: impl Fn(&BinaryViewArray, Range<usize>) -> Option<usize>,
) -> Result<Column, RowError> {
    let item = item_of(t)?;
    let lists = Lists::of(&args[0], &item)?;
    let bytes = encoded(lists.items(), &item)?;
    let places: Vec<IdxSize> = (0..args[0].len())
        .map(|row| lists.get(row).and_then(|range| choose(&bytes, range)).map_or(NOWHERE, |i| i as IdxSize))
        .collect();
    Ok(pick(lists.items(), &places))
}

fn extreme(bytes: &BinaryViewArray, range: Range<usize>, wanted: Ordering) -> Option<usize> {
    let present = range.filter(|i| bytes.is_valid(*i));
    present.reduce(|best, i| if bytes.value(i).cmp(bytes.value(best)) == wanted { i } else { best })
}

/// `list_min(list)`.
pub fn min(args: &[Column], types: &[DataType], _: &DataType, _: usize) -> Result<Column, RowError> {
    one_of(args, &types[0], |bytes, range| extreme(bytes, range, Ordering::Less))
}

/// `list_max(list)`.
pub fn max(args: &[Column], types: &[DataType], _: &DataType, _: usize) -> Result<Column, RowError> {
    one_of(args, &types[0], |bytes, range| extreme(bytes, range, Ordering::Greater))
}

/// `list_first(list)`: NULL if the first is.
pub fn first(args: &[Column], types: &[DataType], _: &DataType, _: usize) -> Result<Column, RowError> {
    one_of(args, &types[0], |_, mut range| range.next())
}

/// `list_last(list)`: NULL if the last is.
pub fn last(args: &[Column], types: &[DataType], _: &DataType, _: usize) -> Result<Column, RowError> {
    one_of(args, &types[0], |_, range| range.last())
}

/// `list_any_value(list)`: the first that is not NULL.
pub fn any_value(args: &[Column], types: &[DataType], _: &DataType, _: usize) -> Result<Column, RowError> {
    one_of(args, &types[0], |bytes, mut range| range.find(|i| bytes.is_valid(*i)))
}

/// `list_mode(list)`: the most frequent element, the first met of several.
pub fn mode(args: &[Column], types: &[DataType], _: &DataType, _: usize) -> Result<Column, RowError> {
    one_of(args, &types[0], |bytes, range| {
        let mut counts: BTreeMap<&[u8], (usize, usize)> = BTreeMap::new();
        for i in range.filter(|i| bytes.is_valid(*i)) {
            counts.entry(bytes.value(i)).or_insert((0, i)).0 += 1;
        }
        counts.into_values().max_by_key(|(count, first)| (*count, std::cmp::Reverse(*first))).map(|(_, first)| first)
    })
}

/// How often each of the elements of a list is there.
fn counts_of(bytes: &BinaryViewArray, range: Range<usize>) -> BTreeMap<&[u8], usize> {
    let mut counts = BTreeMap::new();
    for i in range.filter(|i| bytes.is_valid(*i)) {
        *counts.entry(bytes.value(i)).or_insert(0) += 1;
    }
    counts
}

/// `list_entropy(list)`: in bits.
pub fn entropy(args: &[Column], types: &[DataType], _: &DataType, _: usize) -> Result<Column, RowError> {
    let item = item_of(&types[0])?;
    let lists = Lists::of(&args[0], &item)?;
    let bytes = encoded(lists.items(), &item)?;
    numbers_by_row::<Float64Type>(args[0].len(), |row| {
        let Some(range) = lists.get(row) else { return Ok(None) };
        let counts = counts_of(&bytes, range);
        let total = counts.values().sum::<usize>() as f64;
        let bits = counts.values().map(|count| *count as f64 / total).map(|share| share * share.log2());
        // Adding to zero turns the -0.0 of one value into 0.0.
        Ok(Some(0.0 - bits.sum::<f64>()))
    })
}

/// `list_approx_count_distinct(list)`: exact, a list is small.
pub fn distinct(args: &[Column], types: &[DataType], _: &DataType, _: usize) -> Result<Column, RowError> {
    let item = item_of(&types[0])?;
    let lists = Lists::of(&args[0], &item)?;
    let bytes = encoded(lists.items(), &item)?;
    numbers_by_row::<Int64Type>(args[0].len(), |row| {
        Ok(lists.get(row).map(|range| counts_of(&bytes, range).len() as i64))
    })
}

/// The bits of the elements of each list, put together.
fn bits(
    args: &[Column],
    types: &[DataType],
    result: &DataType,
    f: impl Fn(i128, i128) -> i128,
) -> Result<Column, RowError> {
    let lists = Lists::of(&args[0], &item_of(&types[0])?)?;
    let items = lists.items().cast(&polars::prelude::DataType::Int128)?.into_column();
    let values = Numbers::<Int128Type>::of(&items)?;
    let joined = numbers_by_row::<Int128Type>(args[0].len(), |row| {
        Ok(lists.get(row).and_then(|range| range.filter_map(|i| values.get(i)).reduce(&f)))
    })?;
    Ok(joined.cast(&result.physical())?)
}

/// `list_bit_and(list)`.
pub fn bit_and(args: &[Column], types: &[DataType], result: &DataType, _: usize) -> Result<Column, RowError> {
    bits(args, types, result, |a, b| a & b)
}

/// `list_bit_or(list)`.
pub fn bit_or(args: &[Column], types: &[DataType], result: &DataType, _: usize) -> Result<Column, RowError> {
    bits(args, types, result, |a, b| a | b)
}

/// `list_bit_xor(list)`.
pub fn bit_xor(args: &[Column], types: &[DataType], result: &DataType, _: usize) -> Result<Column, RowError> {
    bits(args, types, result, |a, b| a ^ b)
}

fn truths(args: &[Column], all: bool) -> Result<Column, RowError> {
    let lists = Lists::of(&args[0], &DataType::Boolean)?;
    let values = lists.items().bool()?;
    Ok(booleans_by_row(args[0].len(), |row| {
        let present = lists.get(row)?.filter_map(|i| values.get(i));
        present.reduce(|a, b| if all { a && b } else { a || b })
    }))
}

/// `list_bool_and(list)`.
pub fn bool_and(args: &[Column], _: &[DataType], _: &DataType, _: usize) -> Result<Column, RowError> {
    truths(args, true)
}

/// `list_bool_or(list)`.
pub fn bool_or(args: &[Column], _: &[DataType], _: &DataType, _: usize) -> Result<Column, RowError> {
    truths(args, false)
}

/// `list_string_agg(list [, separator])`: NULL for a list without values.
pub fn string_agg(args: &[Column], types: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    join_texts(args, &types[0], rows, |_| true)
}

/// `array_to_string(list, separator)`: the elements as texts; NULL for a list of NULLs, but not for an empty one.
pub fn to_string(args: &[Column], types: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    join_texts(args, &types[0], rows, |length| length > 0)
}

/// The values of each list as one text; without a value it depends on the list's length whether that is NULL.
fn join_texts(args: &[Column], t: &DataType, rows: usize, is_null: fn(usize) -> bool) -> Result<Column, RowError> {
    let item = item_of(t)?;
    let lists = Lists::of(&args[0], &item)?;
    let texts = texts_of(&lists.items().clone().into_column(), &item)?;
    let texts = texts.str()?;
    let separators = args.get(1).map(Texts::of).transpose()?;
    texts_by_row(result_length(args, rows), |row, out| {
        let Some(range) = lists.get(row) else { return Ok(false) };
        let separator = separators.as_ref().and_then(|s| s.get(row)).unwrap_or(",");
        let (length, mut any) = (range.len(), false);
        for text in range.filter_map(|i| texts.get(i)) {
            if any {
                out.push_str(separator);
            }
            any = true;
            out.push_str(text);
        }
        Ok(any || !is_null(length))
    })
}

/// `list_histogram(list)`: how often each element is there, as a map in order of the elements.
pub fn histogram(args: &[Column], types: &[DataType], result: &DataType, _: usize) -> Result<Column, RowError> {
    let item = item_of(&types[0])?;
    let lists = Lists::of(&args[0], &item)?;
    let bytes = encoded(lists.items(), &item)?;
    let mut all = super::super::column_of(&Value::Null, result)?.take_materialized_series().slice(0, 0);
    let items = lists.items().clone().into_column();
    for row in 0..args[0].len() {
        let value = match lists.get(row) {
            Some(range) if !range.is_empty() => {
                let mut counts: BTreeMap<&[u8], (usize, i128)> = BTreeMap::new();
                for i in range.filter(|i| bytes.is_valid(*i)) {
                    counts.entry(bytes.value(i)).or_insert((i, 0)).1 += 1;
                }
                let entry = |(i, count)| Value::Struct(vec![value_at(&items, &item, i), Value::Int(count)]);
                Value::List(counts.into_values().map(entry).collect())
            }
            _ => Value::Null,
        };
        all.append(super::super::column_of(&value, result)?.as_materialized_series()).map_err(TaskError::from)?;
    }
    Ok(all.rechunk().into_column())
}
