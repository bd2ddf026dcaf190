//! From kept values to the value of a call: lists, texts, the most frequent, the n best.

use super::kept::{Lists, list_series, orderable};
use super::quantiles::{self, Fractions};
use crate::functions::nested::struct_column;
use crate::functions::{Eval, json_object_of_rows, list_histogram, map_of_rows, to_json};
use crate::journal::{ErrorCode, TaskError};
use crate::kernel::columns;
use crate::kernel::keys::{KeyTable, NullKeys};
use crate::plan::{ColumnId, logical::SortKey};
use crate::sql::types::Interval;
use crate::sql::{DataType as SqlType, Value};
use polars::prelude::*;

/// Values that a function of lists makes of the rows of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Made {
    Histogram,
    JsonArray,
    JsonObject,
    Map,
}

impl Made {
    /// The function, and the type of what it makes of arguments of these types.
    fn function(self, args: &[SqlType]) -> (Eval, SqlType) {
        let map_to = |value: SqlType| SqlType::Map(Box::new(args[0].clone()), Box::new(value));
        match self {
            Made::Histogram => (list_histogram, map_to(SqlType::UBigInt)),
            Made::JsonArray => (to_json, SqlType::Json),
            Made::JsonObject => (json_object_of_rows, SqlType::Json),
            Made::Map => (map_of_rows, map_to(args.last().cloned().unwrap_or(SqlType::Null))),
        }
    }
}

/// What is made of the values of a group.
#[derive(Debug, Clone, PartialEq)]
pub enum Collected {
    List,
    /// With this between them; None: NULL.
    Text(Option<String>),
    /// The first or last of the ordered rows.
    End {
        last: bool,
    },
    Discrete(Fractions),
    Continuous(Fractions),
    Approximate(Fractions),
    Deviation,
    Mode,
    /// The so many most frequent.
    TopValues(usize),
    Entropy,
    /// What a function of lists makes of the rows: of their values, or of pairs of them.
    Made(Made),
    /// The average of values by their weights.
    Weighted,
    /// The average of intervals.
    Interval,
    /// The so many least or greatest by the last argument: values of the first.
    Best {
        count: usize,
        greatest: bool,
    },
}

impl Collected {
    /// What a call of this function makes of them; None where it folds them instead.
    pub fn of(function: &str, args: &[SqlType], constants: &[Value]) -> Option<Collected> {
        let number = match constants.first() {
            Some(Value::Int(number)) => Some(usize::try_from(*number).unwrap_or(0)),
            _ => None,
        };
        let interpolates = args.first().is_some_and(|t| t.is_numeric() || t.is_temporal());
        Some(match function {
            "list" => Collected::List,
            "string_agg" => Collected::Text(match constants.first() {
                None => Some(",".into()),
                Some(Value::Varchar(separator)) => Some(separator.clone()),
                Some(_) => None,
            }),
            "first" | "any_value" => Collected::End { last: false },
            "last" => Collected::End { last: true },
            "median" if interpolates => Collected::Continuous(Fractions::half()),
            "median" => Collected::Discrete(Fractions::half()),
            "quantile_cont" => Collected::Continuous(Fractions::of(constants.first())),
            "quantile_disc" => Collected::Discrete(Fractions::of(constants.first())),
            "approx_quantile" => Collected::Approximate(Fractions::of(constants.first())),
            "mad" => Collected::Deviation,
            "mode" => Collected::Mode,
            "entropy" => Collected::Entropy,
            "histogram" => Collected::Made(Made::Histogram),
            "json_group_array" => Collected::Made(Made::JsonArray),
            "json_group_object" => Collected::Made(Made::JsonObject),
            "map_agg" => Collected::Made(Made::Map),
            "weighted_avg" => Collected::Weighted,
            "avg" if args.first() == Some(&SqlType::Interval) => Collected::Interval,
            "approx_top_k" => Collected::TopValues(number?),
            "min" | "arg_min" => Collected::Best { count: number?, greatest: false },
            "max" | "arg_max" => Collected::Best { count: number?, greatest: true },
            _ => return None,
        })
    }

    /// Whether rows with a NULL argument count.
    pub fn takes_nulls(&self, function: &str) -> bool {
        match self {
            Collected::List | Collected::End { .. } => function != "any_value",
            Collected::Made(made) => *made != Made::Histogram,
            _ => false,
        }
    }

    /// The value of each group. `args` are the types of the arguments, which come before the other columns.
    pub fn value(&self, lists: &Lists, args: &[SqlType]) -> Result<Series, TaskError> {
        let dtype = &args[0];
        match self {
            Collected::List => lists.list(0, &|group| lists.length(group) == 0),
            Collected::Text(separator) => texts(lists, separator.as_deref()),
            Collected::End { last } => {
                let place = |group: usize| match lists.length(group) {
                    0 => IdxSize::MAX,
                    _ if *last => lists.offsets[group + 1] as IdxSize - 1,
                    _ => lists.offsets[group] as IdxSize,
                };
                Ok(values_at(lists, &(0..lists.groups()).map(place).collect::<Vec<_>>()))
            }
            Collected::Discrete(fractions) => quantiles::discrete(lists, dtype, fractions),
            Collected::Continuous(fractions) => quantiles::continuous(lists, dtype, fractions),
            Collected::Approximate(fractions) => quantiles::approximate(lists, dtype, fractions),
            Collected::Deviation => quantiles::deviation(lists, dtype),
            Collected::Mode => {
                let first = |of_group: Vec<Frequency>| {
                    let most = of_group.iter().map(|f| f.count).max().unwrap_or(0);
                    of_group.iter().find(|f| f.count == most).map_or(IdxSize::MAX, |f| f.first)
                };
                let places: Vec<IdxSize> = frequencies(lists, dtype)?.into_iter().map(first).collect();
                Ok(values_at(lists, &places))
            }
            Collected::TopValues(count) => {
                let mut places = Vec::new();
                let mut offsets = vec![0];
                for mut of_group in frequencies(lists, dtype)? {
                    of_group.sort_by_key(|f| std::cmp::Reverse(f.count));
                    places.extend(of_group.iter().take(*count).map(|f| f.first));
                    offsets.push(places.len());
                }
                list_series(&values_at(lists, &places), &offsets, &|group| lists.length(group) == 0)
            }
            Collected::Entropy => {
                let bits = |of_group: Vec<Frequency>| {
                    let total: f64 = of_group.iter().map(|f| f.count as f64).sum();
                    // Adding to zero turns the -0.0 of one value into 0.0.
                    0.0 - of_group.iter().map(|f| f.count as f64 / total).map(|share| share * share.log2()).sum::<f64>()
                };
                let values: Float64Chunked = frequencies(lists, dtype)?.into_iter().map(|f| Some(bits(f))).collect();
                Ok(values.into_series())
            }
            Collected::Made(made) => {
                let empty = |group: usize| lists.length(group) == 0;
                let (rows, dtype) = match args {
                    [_] => (lists.list(0, &empty)?, dtype.clone().list_of()),
                    _ => {
                        let part = |i: usize| (["key", "value"][i].to_string(), args[i].clone());
                        let fields = vec![part(0), part(1)];
                        let parts: Vec<Column> = lists.columns[..2].iter().cloned().map(Column::from).collect();
                        let rows = struct_column(&fields, &parts, parts[0].len(), None)?;
                        let rows = list_series(rows.as_materialized_series(), &lists.offsets, &empty)?;
                        (rows, SqlType::Struct(fields).list_of())
                    }
                };
                let (make, result) = made.function(args);
                let values = make(&[rows.into_column()], &[dtype], &result, lists.groups()).map_err(|e| e.error)?;
                Ok(values.take_materialized_series())
            }
            Collected::Weighted => {
                let (values, weights) = (lists.columns[0].f64()?, lists.columns[1].f64()?);
                let average = |group: usize| {
                    let (mut sum, mut weight) = (0.0, 0.0);
                    for row in lists.offsets[group]..lists.offsets[group + 1] {
                        let (value, by) = values.get(row).zip(weights.get(row))?;
                        sum += value * by;
                        weight += by;
                    }
                    (weight != 0.0).then(|| sum / weight)
                };
                Ok((0..lists.groups()).map(average).collect::<Float64Chunked>().into_series())
            }
            Collected::Interval => {
                let values = lists.columns[0].i128()?;
                let mut averages: Vec<Option<i128>> = Vec::with_capacity(lists.groups());
                for group in 0..lists.groups() {
                    let rows = lists.offsets[group]..lists.offsets[group + 1];
                    averages.push(average_interval(rows.filter_map(|row| values.get(row)))?);
                }
                Ok(averages.into_iter().collect::<Int128Chunked>().into_series())
            }
            Collected::Best { count, greatest } => {
                let key = args.len() - 1;
                let order = SortKey { column: ColumnId(0), descending: *greatest, nulls_first: false };
                let sorted = lists.sorted(&[(key, &args[key], order)])?;
                let mut places = Vec::new();
                let mut offsets = vec![0];
                for group in 0..sorted.groups() {
                    let start = sorted.offsets[group];
                    places.extend((start..start + sorted.length(group).min(*count)).map(|place| place as IdxSize));
                    offsets.push(places.len());
                }
                list_series(&values_at(&sorted, &places), &offsets, &|group| sorted.length(group) == 0)
            }
        }
    }
}

/// The average of packed intervals: what is left of months becomes days (30 a month), what is left of days becomes time.
fn average_interval(values: impl Iterator<Item = i128>) -> Result<Option<i128>, TaskError> {
    let (mut months, mut days, mut micros, mut count) = (0i128, 0i128, 0i128, 0i128);
    for value in values.map(Interval::unpack) {
        months += i128::from(value.months);
        days += i128::from(value.days);
        micros += i128::from(value.micros);
        count += 1;
    }
    if count == 0 {
        return Ok(None);
    }
    days += months % count * 30;
    micros += days % count * 86_400_000_000;
    // Each is the average of values of its type, and carries less than one unit more.
    let out_of_range = || TaskError::user(ErrorCode::NumericValueOutOfRange, "Interval out of range");
    let average = Interval {
        months: i32::try_from(months / count).map_err(|_| out_of_range())?,
        days: i32::try_from(days / count).map_err(|_| out_of_range())?,
        micros: i64::try_from(micros / count).map_err(|_| out_of_range())?,
    };
    Ok(Some(average.pack()))
}

fn values_at(lists: &Lists, places: &[IdxSize]) -> Series {
    columns::take_column_or_null(&lists.columns[0].clone().into(), places).take_materialized_series()
}

fn texts(lists: &Lists, separator: Option<&str>) -> Result<Series, TaskError> {
    let values = lists.columns[0].str()?;
    let mut values = values.iter();
    let mut joined: Vec<Option<String>> = Vec::with_capacity(lists.groups());
    for group in 0..lists.groups() {
        let mut text: Option<String> = None;
        for value in values.by_ref().take(lists.length(group)) {
            match &mut text {
                None => text = Some(value.unwrap_or_default().to_string()),
                Some(text) => {
                    text.push_str(separator.unwrap_or_default());
                    text.push_str(value.unwrap_or_default());
                }
            }
        }
        joined.push(separator.and(text));
    }
    Ok(joined.into_iter().collect::<StringChunked>().into_series())
}

/// A different value of a group: where it is first, and how often it is there.
struct Frequency {
    first: IdxSize,
    count: usize,
}

/// The different values of each group, in order of first appearance.
fn frequencies(lists: &Lists, dtype: &SqlType) -> Result<Vec<Vec<Frequency>>, TaskError> {
    let groups = lists.ids();
    let keys = [Column::new(PlSmallStr::EMPTY, &groups), orderable(&lists.columns[0], dtype)?.into()];
    let types: Vec<DataType> = keys.iter().map(|k| k.dtype().clone()).collect();
    let (mut ids, mut fresh) = (Vec::new(), Vec::new());
    KeyTable::new(&types, NullKeys::Match).insert(
        &keys.iter().collect::<Vec<_>>(),
        groups.len(),
        &mut ids,
        &mut fresh,
    )?;
    let mut counts = vec![0usize; fresh.len()];
    ids.iter().for_each(|id| counts[*id as usize] += 1);
    let mut found: Vec<Vec<Frequency>> = (0..lists.groups()).map(|_| Vec::new()).collect();
    for (first, count) in fresh.into_iter().zip(counts) {
        found[groups[first as usize] as usize].push(Frequency { first, count });
    }
    Ok(found)
}
