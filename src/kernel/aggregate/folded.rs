//! Aggregates whose values fold into a state of a few columns: which accumulators a function needs, and what their states mean.

use super::accumulate::Accumulate;
use super::best::{Best, Counted, Last};
use super::floats::{BitOperation, Bits, Logarithms, PreciseSum, Product};
use super::kept::Kept;
use super::moments::{FourMoments, Moments, Pairs};
use super::nested::NestedExtreme;
use super::sketch::{self, Sketches};
use super::sums::{Count, FloatSum, IntegerSum};
use super::values::{BooleanExtreme, Extreme, Pick, TextExtreme};
use crate::journal::{ErrorCode, TaskError};
use crate::kernel::columns;
use crate::sql::DataType;
use polars::prelude::{Float64Chunked, Int64Chunked, IntoSeries, Series};
use polars_arrow::array::{Array, PrimitiveArray};

/// What one accumulator does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Count,
    IntegerSum,
    FloatSum,
    PreciseSum,
    Product,
    Logarithms,
    Bits(BitOperation),
    Extreme {
        greatest: bool,
    },
    Pick {
        keep_nulls: bool,
    },
    Last,
    Best {
        greatest: bool,
        counted: Counted,
    },
    Moments,
    FourMoments,
    Pairs,
    Sketch,
    /// The values themselves; `args` of the columns are arguments, the others keys to sort by.
    Kept {
        args: usize,
        skip_nulls: bool,
        distinct: bool,
    },
}

impl Kind {
    /// How many columns its state has, over so many columns of values.
    pub fn width(self, columns: usize) -> usize {
        match self {
            Kind::PreciseSum | Kind::Moments | Kind::Best { .. } => 3,
            Kind::Logarithms | Kind::Last | Kind::Pick { keep_nulls: true } => 2,
            Kind::FourMoments => 5,
            Kind::Pairs => 6,
            Kind::Kept { .. } => columns,
            _ => 1,
        }
    }

    /// An empty accumulator for columns of these types.
    pub fn start(self, types: &[DataType]) -> Result<Box<dyn Accumulate>, TaskError> {
        use polars::prelude::{self as p, DataType as P};
        let first = types.first().unwrap_or(&DataType::BigInt);
        let physical = first.physical();
        Ok(match self {
            Kind::Count => Box::new(Count::default()),
            Kind::IntegerSum => Box::new(IntegerSum::default()),
            Kind::FloatSum => Box::new(FloatSum::default()),
            Kind::PreciseSum => Box::new(PreciseSum::default()),
            Kind::Product => Box::new(Product::default()),
            Kind::Logarithms => Box::new(Logarithms::default()),
            Kind::Bits(operation) => Box::new(Bits::new(operation, physical)),
            Kind::Moments => Box::new(Moments::default()),
            Kind::FourMoments => Box::new(FourMoments::default()),
            Kind::Pairs => Box::new(Pairs::default()),
            Kind::Sketch => Box::new(Sketches::new(first.clone())),
            Kind::Pick { keep_nulls } => Box::new(Pick::new(keep_nulls, physical)),
            Kind::Last => Box::new(Last::new(physical)),
            Kind::Best { greatest, counted } => {
                Box::new(Best::new(first, types.get(1).unwrap_or(first), greatest, counted))
            }
            Kind::Kept { args, skip_nulls, distinct } => {
                Box::new(Kept::new(types.to_vec(), args, skip_nulls, distinct))
            }
            Kind::Extreme { greatest } => match physical {
                P::Boolean => Box::new(BooleanExtreme::new(greatest)),
                P::Int8 => Box::new(Extreme::<p::Int8Type>::new(greatest)),
                P::Int16 => Box::new(Extreme::<p::Int16Type>::new(greatest)),
                P::Int32 => Box::new(Extreme::<p::Int32Type>::new(greatest)),
                P::Int64 => Box::new(Extreme::<p::Int64Type>::new(greatest)),
                P::Int128 => Box::new(Extreme::<p::Int128Type>::new(greatest)),
                P::UInt8 => Box::new(Extreme::<p::UInt8Type>::new(greatest)),
                P::UInt16 => Box::new(Extreme::<p::UInt16Type>::new(greatest)),
                P::UInt32 => Box::new(Extreme::<p::UInt32Type>::new(greatest)),
                P::UInt64 => Box::new(Extreme::<p::UInt64Type>::new(greatest)),
                P::Float32 => Box::new(Extreme::<p::Float32Type>::new(greatest)),
                P::Float64 => Box::new(Extreme::<p::Float64Type>::new(greatest)),
                P::String | P::Binary => Box::new(TextExtreme::new(greatest, physical)),
                P::List(_) | P::Struct(_) => Box::new(NestedExtreme::new(greatest, &physical)),
                other => return Err(TaskError::bug(format!("MIN or MAX over {other:?}"))),
            },
        })
    }
}

/// How the states of a call's accumulators make its value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Finish {
    /// The first state column is the value.
    State,
    /// Sum over count; the sum is in units of 10^-scale.
    Average {
        scale: u8,
    },
    /// Sum over count of whole units, rounded.
    AverageTime,
    /// The sum and its carry; over the count for an average.
    Precise {
        average: bool,
    },
    GeometricMean,
    /// Of count, mean and squares.
    Variance(Variance),
    Shape(Shape),
    Pairs(Regression),
    Estimate,
}

/// What is made of a variance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Variance {
    Population,
    Sample,
    PopulationRoot,
    SampleRoot,
    /// The standard error of the mean.
    OfMean,
}

/// What is made of four moments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    Skewness,
    Kurtosis,
    KurtosisOfPopulation,
}

/// What is made of pairs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Regression {
    Correlation,
    CovariancePopulation,
    CovarianceSample,
    MeanX,
    MeanY,
    Count,
    Intercept,
    Determination,
    Slope,
    SquaresX,
    Products,
    SquaresY,
}

/// The accumulators of a function over arguments of these types, and what their states mean. None for functions that keep values.
pub fn folded(function: &str, args: &[DataType]) -> Option<(Vec<Kind>, Finish)> {
    let arg = args.first().unwrap_or(&DataType::BigInt);
    let sum = if *arg == DataType::Double { Kind::FloatSum } else { Kind::IntegerSum };
    let variance = |of| (vec![Kind::Moments], Finish::Variance(of));
    let shape = |of| (vec![Kind::FourMoments], Finish::Shape(of));
    let pairs = |of| (vec![Kind::Pairs], Finish::Pairs(of));
    let state = |kind| (vec![kind], Finish::State);
    let best = |greatest, counted| (vec![Kind::Best { greatest, counted }], Finish::State);
    let extreme = |greatest| match arg {
        arg if arg.by_length().is_some() => best(greatest, Counted::Complete),
        _ => state(Kind::Extreme { greatest }),
    };
    Some(match function {
        "count" | "count_star" => state(Kind::Count),
        "sum" | "count_if" => state(sum),
        "avg" if arg.is_temporal() => (vec![sum, Kind::Count], Finish::AverageTime),
        "avg" => {
            let scale = if let DataType::Decimal { scale, .. } = arg { *scale } else { 0 };
            (vec![sum, Kind::Count], Finish::Average { scale })
        }
        "fsum" => (vec![Kind::PreciseSum], Finish::Precise { average: false }),
        "favg" => (vec![Kind::PreciseSum], Finish::Precise { average: true }),
        "product" => state(Kind::Product),
        "geometric_mean" => (vec![Kind::Logarithms], Finish::GeometricMean),
        "min" | "bool_and" => extreme(false),
        "max" | "bool_or" => extreme(true),
        "any_value" => state(Kind::Pick { keep_nulls: false }),
        "first" => state(Kind::Pick { keep_nulls: true }),
        "last" => state(Kind::Last),
        "arg_min" => best(false, Counted::Complete),
        "arg_max" => best(true, Counted::Complete),
        "arg_min_null" => best(false, Counted::WithKey),
        "arg_max_null" => best(true, Counted::WithKey),
        "arg_min_nulls_last" => best(false, Counted::All),
        "arg_max_nulls_last" => best(true, Counted::All),
        "bit_and" => state(Kind::Bits(BitOperation::And)),
        "bit_or" => state(Kind::Bits(BitOperation::Or)),
        "bit_xor" => state(Kind::Bits(BitOperation::Xor)),
        "var_pop" => variance(Variance::Population),
        "var_samp" => variance(Variance::Sample),
        "stddev_pop" => variance(Variance::PopulationRoot),
        "stddev_samp" => variance(Variance::SampleRoot),
        "sem" => variance(Variance::OfMean),
        "skewness" => shape(Shape::Skewness),
        "kurtosis" => shape(Shape::Kurtosis),
        "kurtosis_pop" => shape(Shape::KurtosisOfPopulation),
        "corr" => pairs(Regression::Correlation),
        "covar_pop" => pairs(Regression::CovariancePopulation),
        "covar_samp" => pairs(Regression::CovarianceSample),
        "regr_avgx" => pairs(Regression::MeanX),
        "regr_avgy" => pairs(Regression::MeanY),
        "regr_count" => pairs(Regression::Count),
        "regr_intercept" => pairs(Regression::Intercept),
        "regr_r2" => pairs(Regression::Determination),
        "regr_slope" => pairs(Regression::Slope),
        "regr_sxx" => pairs(Regression::SquaresX),
        "regr_sxy" => pairs(Regression::Products),
        "regr_syy" => pairs(Regression::SquaresY),
        "approx_count_distinct" => (vec![Kind::Sketch], Finish::Estimate),
        _ => return None,
    })
}

impl Finish {
    /// The value of each group; `dtype` is the type of the result.
    pub fn value(self, states: &[&Series], dtype: &DataType) -> Result<Series, TaskError> {
        let of_doubles = |value: &dyn Fn(i64, &[f64]) -> Option<f64>| -> Result<Series, TaskError> {
            let counts = states[0].i64()?;
            let columns = states[1..].iter().map(|s| s.f64()).collect::<Result<Vec<_>, _>>()?;
            let mut row = vec![0.0; columns.len()];
            let values: Float64Chunked = (0..counts.len())
                .map(|group| {
                    for (value, column) in row.iter_mut().zip(&columns) {
                        *value = column.get(group).unwrap_or(0.0);
                    }
                    value(counts.get(group).unwrap_or(0), &row)
                })
                .collect();
            Ok(values.into_series())
        };
        match self {
            Finish::State => {
                if let DataType::Decimal { precision: 38, .. } = dtype {
                    check_digits(states[0])?;
                }
                Ok(states[0].clone())
            }
            Finish::Average { scale } => {
                let unit = 10f64.powi(scale as i32);
                let counts = states[1].i64()?;
                let average = |sum: Option<f64>, count: Option<i64>| match (sum, count) {
                    (Some(sum), Some(count)) if count > 0 => Some(sum / (count as f64 * unit)),
                    _ => None,
                };
                let averages: Float64Chunked = match states[0].i128() {
                    Ok(sums) => sums.iter().zip(counts.iter()).map(|(s, n)| average(s.map(|s| s as f64), n)).collect(),
                    Err(_) => states[0].f64()?.iter().zip(counts.iter()).map(|(s, n)| average(s, n)).collect(),
                };
                Ok(averages.into_series())
            }
            Finish::AverageTime => {
                let average = |(sum, count): (Option<i128>, Option<i64>)| match (sum, count.unwrap_or(0) as i128) {
                    // DuckDB's rounding: to the nearest microsecond since 1970, halves down; before 1970 up.
                    (Some(sum), count) if count > 0 => Some((sum / count + i128::from(sum % count > count / 2)) as i64),
                    _ => None,
                };
                let averages: Int64Chunked =
                    states[0].i128()?.iter().zip(states[1].i64()?.iter()).map(average).collect();
                Ok(averages.into_series())
            }
            Finish::Precise { average } => of_doubles(&|count, state| {
                let sum = state[0] + state[1];
                (count > 0).then(|| if average { sum / count as f64 } else { sum })
            }),
            Finish::GeometricMean => of_doubles(&|count, state| (count > 0).then(|| (state[0] / count as f64).exp())),
            Finish::Variance(of) => of_doubles(&|count, state| of.value(count, state[1])),
            Finish::Shape(of) => {
                let values = of_doubles(&|count, state| of.value(count, state))?;
                if values.f64()?.iter().flatten().any(|value| !value.is_finite()) {
                    let name = if of == Shape::Skewness { "SKEWNESS" } else { "KURTOSIS" };
                    let message =
                        format!("{name} is out of range: of values that are infinite, no number, or very large");
                    return Err(TaskError::user(ErrorCode::NumericValueOutOfRange, message));
                }
                Ok(values)
            }
            Finish::Pairs(of) => of_doubles(&|count, state| of.value(count, state)),
            Finish::Estimate => {
                let estimate = |bytes: Option<&[u8]>| Some(sketch::estimate(bytes.unwrap_or_default()));
                Ok(states[0].binary()?.iter().map(estimate).collect::<Int64Chunked>().into_series())
            }
        }
    }
}

impl Variance {
    fn value(self, count: i64, squares: f64) -> Option<f64> {
        let sample = matches!(self, Variance::Sample | Variance::SampleRoot);
        let divisor = count - sample as i64;
        let variance = (divisor > 0).then(|| squares / divisor as f64)?;
        Some(match self {
            Variance::Population | Variance::Sample => variance,
            Variance::PopulationRoot | Variance::SampleRoot => variance.sqrt(),
            Variance::OfMean => variance.sqrt() / (count as f64).sqrt(),
        })
    }
}

impl Shape {
    /// Of a mean and the sums of second, third and fourth powers of distances from it. NULL where all values are equal.
    fn value(self, count: i64, state: &[f64]) -> Option<f64> {
        let (n, least) = (
            count as f64,
            if self == Shape::Kurtosis {
                4
            } else if self == Shape::Skewness {
                3
            } else {
                2
            },
        );
        let [second, third, fourth] = [state[1] / n, state[2] / n, state[3] / n];
        if count < least || second == 0.0 {
            return None;
        }
        Some(match self {
            Shape::Skewness => (n * (n - 1.0)).sqrt() / (n - 2.0) * third / second.powf(1.5),
            Shape::KurtosisOfPopulation => fourth / (second * second) - 3.0,
            Shape::Kurtosis => {
                (n - 1.0) * ((n + 1.0) * fourth / (second * second) - 3.0 * (n - 1.0)) / ((n - 2.0) * (n - 3.0))
            }
        })
    }
}

impl Regression {
    /// Of the means of y and x, their sums of squared distances, and that of products. NULL for no pairs.
    fn value(self, count: i64, state: &[f64]) -> Option<f64> {
        let n = count as f64;
        let &[mean_y, mean_x, yy, xx, xy] = state else { return None };
        if self == Regression::Count {
            return Some(n);
        }
        if count == 0 {
            return None;
        }
        Some(match self {
            Regression::Correlation => (xy / (xx.sqrt() * yy.sqrt())).clamp(-1.0, 1.0),
            Regression::CovariancePopulation => xy / n,
            Regression::CovarianceSample => (count > 1).then(|| xy / (n - 1.0))?,
            Regression::MeanX => mean_x,
            Regression::MeanY => mean_y,
            Regression::Count => n,
            Regression::Intercept => (xx != 0.0).then(|| mean_y - xy / xx * mean_x)?,
            Regression::Determination => match (xx == 0.0, yy == 0.0) {
                (true, _) => return None,
                (false, true) => 1.0,
                _ => xy * xy / (xx * yy),
            },
            Regression::Slope => xy / xx,
            Regression::SquaresX => xx,
            Regression::Products => xy,
            Regression::SquaresY => yy,
        })
    }
}

/// A DECIMAL(38, s) holds 38 digits, though its 128 bits hold a few more numbers.
fn check_digits(sums: &Series) -> Result<(), TaskError> {
    const LIMIT: u128 = 10u128.pow(38);
    let sums = columns::one_chunk(&sums.clone().into());
    let array: &PrimitiveArray<i128> = match sums.i128() {
        Ok(sums) => sums.downcast_as_array(),
        Err(_) => return Ok(()),
    };
    let fits = (0..array.len()).all(|i| array.is_null(i) || array.value(i).unsigned_abs() < LIMIT);
    if fits {
        return Ok(());
    }
    Err(TaskError::user(ErrorCode::NumericValueOutOfRange, "Overflow in SUM: the sum has more than 38 digits"))
}
