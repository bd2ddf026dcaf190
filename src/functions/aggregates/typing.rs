//! What argument types make of an aggregate: casts, the result, the columns of its state. Types are DuckDB's.

use super::{AggregateFunction, find_aggregate};
use crate::functions::{Mismatch, Signature};
use crate::sql::DataType;

/// How argument types decide everything else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rule {
    CountStar,
    Count,
    CountIf,
    Sum,
    PreciseSum,
    Average,
    PreciseAverage,
    /// MIN and MAX: any type that has an order; with a count, lists.
    Extreme,
    AnyValue,
    /// FIRST and LAST.
    First,
    Logical,
    Bits,
    Product,
    GeometricMean,
    /// Variances and deviations.
    Moments,
    /// Skewness and kurtosis.
    FourMoments,
    /// Correlation, covariance and regression: two numbers.
    Pairs,
    PairCount,
    /// ARG_MIN and ARG_MAX: a value and a key; with a count, lists.
    Best,
    BestOrNull,
    BestNullsLast,
    Sketch,
    Text,
    List,
    Median,
    Continuous,
    Discrete,
    ApproxQuantile,
    Deviation,
    Mode,
    TopValues,
    Entropy,
    Histogram,
    /// Two numbers: a value and its weight.
    Weighted,
    /// A JSON array of the values.
    JsonArray,
    /// A name or key and a value: a JSON object, a map.
    JsonObject,
    MapOf,
}

/// What a bare NULL is taken for where any type would do.
fn known(dtype: &DataType) -> DataType {
    if *dtype == DataType::Null { DataType::Integer } else { dtype.clone() }
}

/// In JSON, points in time are written as a cast to VARCHAR has them, in the session's time zone.
fn shown(dtype: &DataType) -> DataType {
    dtype.with_shown_moments().unwrap_or_else(|| known(dtype))
}

fn list_of(dtype: DataType) -> DataType {
    DataType::List(Box::new(dtype))
}

fn map_of(key: DataType, value: DataType) -> DataType {
    DataType::Map(Box::new(key), Box::new(value))
}

/// A fraction, or a list of them: the type that it is cast to, and the result for values of type `value`.
fn fractions(fraction: &DataType, value: DataType) -> Option<(DataType, DataType)> {
    match fraction {
        DataType::List(item) if item.is_numeric() || **item == DataType::Null => {
            Some((list_of(DataType::Double), list_of(value)))
        }
        DataType::Null => Some((DataType::Double, value)),
        number if number.is_numeric() => Some((DataType::Double, value)),
        _ => None,
    }
}

/// What interpolation between two values gives; None where there is nothing between them.
fn between(dtype: &DataType) -> Option<DataType> {
    match dtype {
        DataType::Null => Some(DataType::Double),
        DataType::Date | DataType::TimestampS | DataType::TimestampMs => Some(DataType::Timestamp),
        DataType::Decimal { .. } | DataType::Float | DataType::Double => Some(dtype.clone()),
        moment if moment.is_temporal() => Some(moment.clone()),
        integer if integer.is_integer() => Some(DataType::Double),
        _ => None,
    }
}

/// The types that the arguments of an aggregate must be cast to, and its result. `count` without arguments is COUNT(*).
/// The last [`constant_arguments`] of them must be constants.
pub fn aggregate(name: &str, args: &[DataType]) -> Result<Signature, Mismatch> {
    let Some(function) = find_aggregate(name) else { return Err(Mismatch::Unknown { similar: Vec::new() }) };
    let wrong = || Mismatch::Arguments { expected: function.signature.to_string() };
    signature(function, args).ok_or_else(wrong)
}

fn signature(function: &AggregateFunction, args: &[DataType]) -> Option<Signature> {
    let of = |args: Vec<DataType>, result: DataType| Some(Signature { args, result });
    let same = |t: DataType| of(vec![t.clone()], t);
    let is_number = |t: &DataType| t.is_numeric() || *t == DataType::Null;
    let is_count = |t: &DataType| t.is_integer() || *t == DataType::Null;
    match (function.rule, args) {
        (Rule::CountStar | Rule::Count, []) => of(vec![], DataType::BigInt),
        (Rule::Count, [arg]) => of(vec![arg.clone()], DataType::BigInt),
        (Rule::CountIf, [DataType::Boolean | DataType::Null]) => of(vec![DataType::Integer], DataType::HugeInt),
        (Rule::Sum, [arg]) => match arg {
            DataType::Null | DataType::Boolean => of(vec![DataType::Integer], DataType::HugeInt),
            DataType::Decimal { scale, .. } => {
                of(vec![arg.clone()], DataType::Decimal { precision: 38, scale: *scale })
            }
            DataType::Float | DataType::Double => same(DataType::Double),
            integer if integer.is_integer() => of(vec![arg.clone()], DataType::HugeInt),
            _ => None,
        },
        (Rule::Average, [arg]) => match arg {
            DataType::Null | DataType::Float => same(DataType::Double),
            // An average of moments has microseconds.
            moment if *moment == DataType::Date || moment.is_timestamp() => same(DataType::Timestamp),
            DataType::Time | DataType::TimestampTz | DataType::Interval => same(arg.clone()),
            numeric if numeric.is_numeric() => of(vec![arg.clone()], DataType::Double),
            _ => None,
        },
        (Rule::Extreme, [arg]) => same(known(arg)),
        (Rule::Extreme, [arg, count]) if ordered(arg) && is_count(count) => {
            of(vec![known(arg), DataType::BigInt], list_of(known(arg)))
        }
        (Rule::AnyValue | Rule::First | Rule::Mode, [arg]) => same(known(arg)),
        (Rule::Logical, [DataType::Boolean | DataType::Null]) => same(DataType::Boolean),
        (Rule::Bits, [arg]) if is_count(arg) => same(known(arg)),
        (
            Rule::PreciseSum
            | Rule::PreciseAverage
            | Rule::Product
            | Rule::GeometricMean
            | Rule::Moments
            | Rule::FourMoments,
            [arg],
        ) if is_number(arg) => same(DataType::Double),
        (Rule::Pairs | Rule::PairCount, [y, x]) if is_number(y) && is_number(x) => {
            let result = if function.rule == Rule::PairCount { DataType::UInteger } else { DataType::Double };
            of(vec![DataType::Double, DataType::Double], result)
        }
        (Rule::Best | Rule::BestOrNull | Rule::BestNullsLast, [value, key]) => {
            of(vec![known(value), known(key)], known(value))
        }
        (Rule::Best, [value, key, count]) if is_count(count) => {
            of(vec![known(value), known(key), DataType::BigInt], list_of(known(value)))
        }
        (Rule::Sketch, [arg]) => of(vec![known(arg)], DataType::BigInt),
        (Rule::Text, [_]) => same(DataType::Varchar),
        (Rule::Text, [_, DataType::Varchar | DataType::Null]) => {
            of(vec![DataType::Varchar, DataType::Varchar], DataType::Varchar)
        }
        (Rule::List, [arg]) => of(vec![known(arg)], list_of(known(arg))),
        (Rule::Median, [arg]) => match between(arg) {
            Some(between) => of(vec![if arg.is_temporal() { between.clone() } else { known(arg) }], between),
            None if ordered(arg) => same(arg.clone()),
            None => None,
        },
        (Rule::Continuous, [arg, fraction]) => {
            let between = between(arg)?;
            let (fraction, result) = fractions(fraction, between.clone())?;
            of(vec![if arg.is_temporal() { between } else { known(arg) }, fraction], result)
        }
        (Rule::Discrete, [arg, fraction]) if ordered(arg) => {
            let (fraction, result) = fractions(fraction, known(arg))?;
            of(vec![known(arg), fraction], result)
        }
        (Rule::ApproxQuantile, [arg, fraction]) if between(arg).is_some() => {
            let (fraction, result) = fractions(fraction, known(arg))?;
            of(vec![known(arg), fraction], result)
        }
        (Rule::Deviation, [arg]) => match between(arg)? {
            DataType::TimestampNs => of(vec![DataType::Timestamp], DataType::Interval),
            moment if moment.is_temporal() => of(vec![moment], DataType::Interval),
            number => of(vec![known(arg)], number),
        },
        (Rule::TopValues, [arg, count]) if is_count(count) => {
            of(vec![known(arg), DataType::BigInt], list_of(known(arg)))
        }
        (Rule::Entropy, [arg]) => of(vec![known(arg)], DataType::Double),
        (Rule::Histogram, [arg]) => of(vec![known(arg)], map_of(known(arg), DataType::UBigInt)),
        (Rule::Weighted, [value, weight]) if is_number(value) && is_number(weight) => {
            of(vec![DataType::Double, DataType::Double], DataType::Double)
        }
        (Rule::JsonArray, [arg]) => of(vec![shown(arg)], DataType::Json),
        (Rule::JsonObject, [_, value]) => of(vec![DataType::Varchar, shown(value)], DataType::Json),
        (Rule::MapOf, [key, value]) => of(vec![known(key), known(value)], map_of(known(key), known(value))),
        _ => None,
    }
}

/// Types with an order that all kernels know; MIN, MAX, ARG_MIN and ARG_MAX know that of nested values, too.
fn ordered(dtype: &DataType) -> bool {
    !dtype.is_nested()
}

/// How many of `count` arguments, at the end, must be constants: a separator, fractions, how many values.
pub fn constant_arguments(name: &str, count: usize) -> usize {
    let Some(function) = find_aggregate(name) else { return 0 };
    let columns = match function.rule {
        Rule::CountStar => 0,
        Rule::Best | Rule::BestOrNull | Rule::BestNullsLast | Rule::Pairs | Rule::PairCount => 2,
        Rule::Weighted | Rule::JsonObject | Rule::MapOf => 2,
        _ => 1,
    };
    count.saturating_sub(columns)
}

/// Whether the answer depends on the order of the rows, so that ORDER BY in a call means something.
pub fn is_order_sensitive(name: &str) -> bool {
    find_aggregate(name).is_some_and(|f| {
        matches!(f.rule, Rule::AnyValue | Rule::First | Rule::Text | Rule::List | Rule::Mode)
            || matches!(f.rule, Rule::JsonArray | Rule::JsonObject | Rule::MapOf)
    })
}

/// Whether DISTINCT cannot change the answer.
pub fn ignores_duplicates(name: &str) -> bool {
    find_aggregate(name).is_some_and(|f| {
        matches!(f.name, "bit_and" | "bit_or" | "any_value" | "first")
            || matches!(f.rule, Rule::CountStar | Rule::Logical | Rule::Sketch)
            || (matches!(f.rule, Rule::Extreme))
    })
}

/// Whether a call keeps the values themselves until the end, where other aggregates fold them away: `args` and `result` are
/// those of its signature.
pub fn keeps_values(name: &str, args: &[DataType], result: &DataType) -> bool {
    let Some(function) = find_aggregate(name) else { return false };
    match function.rule {
        Rule::Text
        | Rule::List
        | Rule::Median
        | Rule::Continuous
        | Rule::Discrete
        | Rule::ApproxQuantile
        | Rule::Deviation
        | Rule::Mode
        | Rule::TopValues
        | Rule::Entropy
        | Rule::Histogram
        | Rule::Weighted
        | Rule::JsonArray
        | Rule::JsonObject
        | Rule::MapOf => true,
        Rule::Average => args.first() == Some(&DataType::Interval),
        // With a count.
        Rule::Extreme | Rule::Best => args.first() != Some(result),
        _ => false,
    }
}

/// The types of the columns that carry an aggregate's state from partial to final, where it does not keep values. `args` and
/// `result` are those of its signature, without constants.
pub fn aggregate_state(name: &str, args: &[DataType], result: &DataType) -> Vec<DataType> {
    let Some(function) = find_aggregate(name) else { return vec![result.clone()] };
    if keeps_values(name, args, result) {
        return kept_state(args);
    }
    let doubles = |count: usize| {
        std::iter::once(DataType::BigInt).chain(std::iter::repeat_n(DataType::Double, count)).collect::<Vec<_>>()
    };
    match function.rule {
        Rule::CountStar | Rule::Count => vec![DataType::BigInt],
        Rule::Average => {
            let sum = match args.first() {
                Some(DataType::Decimal { scale, .. }) => DataType::Decimal { precision: 38, scale: *scale },
                Some(DataType::Double) | None => DataType::Double,
                _ => DataType::HugeInt,
            };
            vec![sum, DataType::BigInt]
        }
        // The value, and whether there was a row at all.
        Rule::First => vec![result.clone(), DataType::Boolean],
        // The value, its key, and whether there was a row at all.
        Rule::Best | Rule::BestOrNull | Rule::BestNullsLast => {
            vec![result.clone(), args.get(1).cloned().unwrap_or(DataType::Null), DataType::Boolean]
        }
        // How many values, their sum, and what rounding took from it.
        Rule::PreciseSum | Rule::PreciseAverage => doubles(2),
        // How many values, and the sum of their logarithms.
        Rule::GeometricMean => doubles(1),
        // How many values, their mean, the sum of squared distances from it; then of third and fourth powers.
        Rule::Moments => doubles(2),
        Rule::FourMoments => doubles(4),
        // How many pairs, both means, both sums of squared distances, the sum of the products of distances.
        Rule::Pairs | Rule::PairCount => doubles(5),
        Rule::Sketch => vec![DataType::Blob],
        // Equal lengths may be written in several ways: the value, its length's key (itself), and whether there was a row.
        Rule::Extreme if result.by_length().is_some() => vec![result.clone(), result.clone(), DataType::Boolean],
        _ => vec![result.clone()],
    }
}

/// The types of the columns that carry values and the keys to sort them by: a list of each.
pub fn kept_state(columns: &[DataType]) -> Vec<DataType> {
    columns.iter().cloned().map(list_of).collect()
}
