//! From aggregate calls to accumulators and back: AVG is a sum and a count, and calls over the same column share them.

use super::accumulate::Accumulate;
use super::sums::{Count, CountMerge, FloatSum, IntegerSum, Moments};
use super::values::{BooleanExtreme, Extreme, Pick, TextExtreme};
use crate::functions::aggregates::find_aggregate;
use crate::journal::{ErrorCode, TaskError};
use crate::kernel::columns;
use crate::plan::{
    ColumnId,
    expr::ColumnDef,
    physical::{AggregatePhase, PhysicalAggregate},
};
use crate::sql::{DataType, Span};
use polars::prelude::{Column, IntoSeries, Series};
use polars_arrow::array::{Array, PrimitiveArray};

/// What one accumulator does.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    Count,
    CountMerge,
    IntegerSum,
    FloatSum,
    Extreme { greatest: bool },
    Pick { keep_nulls: bool },
    Moments { merging: bool },
}

/// One accumulator: what it does, over which columns, of which rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    kind: Kind,
    /// The columns that it reads and the SQL type of the first.
    pub columns: Vec<ColumnId>,
    dtype: DataType,
    /// Only rows where this column is true.
    pub filter: Option<ColumnId>,
    /// Only the first row of each different value in a group.
    pub distinct: bool,
    pub span: Option<Span>,
}

impl Part {
    /// Whether it counts rows: all of the batch, or those with a value.
    pub fn counts_rows(&self) -> bool {
        self.kind == Kind::Count && self.filter.is_none() && !self.distinct
    }

    /// An empty accumulator.
    pub fn start(&self) -> Result<Box<dyn Accumulate>, TaskError> {
        use polars::prelude::{self as p, DataType as P};
        let physical = self.dtype.physical();
        Ok(match self.kind {
            Kind::Count => Box::new(Count::default()),
            Kind::CountMerge => Box::new(CountMerge::default()),
            Kind::IntegerSum => Box::new(IntegerSum::default()),
            Kind::FloatSum => Box::new(FloatSum::default()),
            Kind::Moments { merging } => Box::new(Moments::new(merging)),
            Kind::Pick { keep_nulls } => Box::new(Pick::new(keep_nulls, physical)),
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
                other => return Err(TaskError::bug(format!("MIN or MAX over {other:?}"))),
            },
        })
    }
}

/// How the parts of a call make its value.
#[derive(Debug, Clone, PartialEq)]
enum Finish {
    /// The only state column is the value.
    State,
    /// Sum over count; the sum is in units of 10^-scale.
    Average { scale: u8 },
    /// Of count, mean and squares: over n - 1 for a sample, over n otherwise; its root for a deviation.
    Variance { sample: bool, root: bool },
}

struct Call {
    parts: Vec<usize>,
    finish: Finish,
    output: ColumnDef,
    state: Vec<ColumnDef>,
    span: Option<Span>,
}

/// The aggregate calls of one operator.
pub struct Calls {
    /// Each different accumulator once.
    pub parts: Vec<Part>,
    calls: Vec<Call>,
    phase: AggregatePhase,
}

impl Calls {
    /// Lowers the calls of a phase.
    pub fn compile(aggregates: &[PhysicalAggregate], phase: AggregatePhase) -> Result<Calls, TaskError> {
        let mut lowered = Calls { parts: Vec::new(), calls: Vec::new(), phase };
        for aggregate in aggregates {
            let call = lowered.call(aggregate)?;
            lowered.calls.push(call);
        }
        Ok(lowered)
    }

    fn call(&mut self, aggregate: &PhysicalAggregate) -> Result<Call, TaskError> {
        let call = &aggregate.call;
        if call.distinct && self.phase != AggregatePhase::Complete {
            return Err(TaskError::bug("DISTINCT aggregates have no states: they run in one phase"));
        }
        let Some(function) = find_aggregate(&call.function) else {
            return Err(
                TaskError::user(ErrorCode::NotSupported, format!("not supported yet: {}", call.function)).at(call.span)
            );
        };
        let merging = self.phase == AggregatePhase::Final;
        let arg = call.args.first().map_or(DataType::BigInt, |(_, dtype)| dtype.clone());
        let exact = arg.is_integer() || matches!(arg, DataType::Decimal { .. });
        let sum = if exact { Kind::IntegerSum } else { Kind::FloatSum };
        let count = if merging { Kind::CountMerge } else { Kind::Count };
        let scale = if let DataType::Decimal { scale, .. } = arg { scale } else { 0 };
        let variance = |sample, root| (vec![Kind::Moments { merging }], Finish::Variance { sample, root });
        let (kinds, finish) = match function.name {
            "count" | "count_star" => (vec![count], Finish::State),
            "sum" => (vec![sum], Finish::State),
            "avg" => (vec![sum, count], Finish::Average { scale }),
            "min" | "bool_and" => (vec![Kind::Extreme { greatest: false }], Finish::State),
            "max" | "bool_or" => (vec![Kind::Extreme { greatest: true }], Finish::State),
            "any_value" => (vec![Kind::Pick { keep_nulls: false }], Finish::State),
            "first" => (vec![Kind::Pick { keep_nulls: true }], Finish::State),
            "var_pop" => variance(false, false),
            "var_samp" => variance(true, false),
            "stddev_pop" => variance(false, true),
            "stddev_samp" => variance(true, true),
            other => return Err(TaskError::bug(format!("the aggregate {other} has no accumulator"))),
        };
        let mut parts = Vec::new();
        let mut states = aggregate.state.iter();
        let args: Vec<ColumnId> = call.args.iter().map(|(id, _)| *id).collect();
        for kind in kinds {
            let (columns, dtype) = if merging {
                let width = match kind {
                    Kind::Moments { .. } => 3,
                    Kind::Pick { keep_nulls: true } => 2,
                    _ => 1,
                };
                let of_part: Vec<&ColumnDef> = states.by_ref().take(width).collect();
                if of_part.len() < width {
                    return Err(TaskError::bug(format!("{} lacks state columns", call.function)));
                }
                (of_part.iter().map(|c| c.id).collect(), of_part[0].dtype.clone())
            } else {
                (args.clone(), arg.clone())
            };
            let ordered = matches!(kind, Kind::Extreme { .. } | Kind::Pick { .. });
            let part = Part {
                kind,
                columns,
                dtype,
                filter: call.filter.filter(|_| !merging),
                distinct: call.distinct && !ordered,
                span: call.span,
            };
            let same = |p: &Part| Part { span: None, ..p.clone() } == Part { span: None, ..part.clone() };
            parts.push(match self.parts.iter().position(same) {
                Some(place) => place,
                None => {
                    self.parts.push(part);
                    self.parts.len() - 1
                }
            });
        }
        Ok(Call { parts, finish, output: call.output.clone(), state: aggregate.state.clone(), span: call.span })
    }

    /// The result columns of the operator, from the states of all parts.
    pub fn finish(&self, states: &[Vec<Series>]) -> Result<Vec<Column>, TaskError> {
        let mut result = Vec::new();
        for call in &self.calls {
            let states: Vec<&Series> = call.parts.iter().flat_map(|part| &states[*part]).collect();
            if self.phase == AggregatePhase::Partial {
                if states.len() != call.state.len() {
                    return Err(TaskError::bug(format!("{} has other states than planned", call.output.name)));
                }
                for (series, def) in states.into_iter().zip(&call.state) {
                    result.push(typed(series.clone(), def)?);
                }
            } else {
                let value = call.value(&states).map_err(|e| e.at(call.span))?;
                result.push(typed(value, &call.output)?);
            }
        }
        Ok(result)
    }
}

/// The series under its column's name, in its physical type.
fn typed(series: Series, def: &ColumnDef) -> Result<Column, TaskError> {
    let physical = def.dtype.physical();
    let series = if *series.dtype() == physical { series } else { series.strict_cast(&physical)? };
    Ok(series.with_name(def.id.name().into()).into())
}

impl Call {
    fn value(&self, states: &[&Series]) -> Result<Series, TaskError> {
        match self.finish {
            Finish::State => {
                if let DataType::Decimal { precision: 38, .. } = self.output.dtype {
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
                let averages: polars::prelude::Float64Chunked = match states[0].i128() {
                    Ok(sums) => sums.iter().zip(counts.iter()).map(|(s, n)| average(s.map(|s| s as f64), n)).collect(),
                    Err(_) => states[0].f64()?.iter().zip(counts.iter()).map(|(s, n)| average(s, n)).collect(),
                };
                Ok(averages.into_series())
            }
            Finish::Variance { sample, root } => {
                let (counts, squares) = (states[0].i64()?, states[2].f64()?);
                let variance = |count: i64, squares: f64| {
                    let divisor = count - sample as i64;
                    let variance = (divisor > 0).then(|| squares / divisor as f64);
                    if root { variance.map(f64::sqrt) } else { variance }
                };
                let values: polars::prelude::Float64Chunked = counts
                    .iter()
                    .zip(squares.iter())
                    .map(|(n, squares)| variance(n.unwrap_or(0), squares.unwrap_or(0.0)))
                    .collect();
                Ok(values.into_series())
            }
        }
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
