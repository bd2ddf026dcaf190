//! Arithmetic that cannot overflow, because of what is known of its columns, is said to be so by TRY, which never fails: then it
//! may become the key of a join or sink to a scan. `a.rn = b.rn + 1` over row numbers and `a.week = b.week - 52` over a
//! table whose files say how large a week grows are the usual cases.

use super::{Context, may_fail};
use crate::plan::expr::{ColumnId, Expr, ExprKind};
use crate::plan::logical::LogicalPlan;
use crate::sql::diagnostic::Result;
use crate::sql::{DataType, Value};
use std::collections::BTreeMap;

/// No query makes so many rows: the most that a count or the number of a row can be.
const MOST_ROWS: i128 = 1 << 62;
/// Windows that number or count rows.
const NUMBERING: &[&str] = &["row_number", "rank", "dense_rank", "ntile", "count", "count_star"];

pub fn mark_safe(plan: LogicalPlan, _: &mut Context) -> Result<LogicalPlan> {
    let mut plan = plan;
    visit(&mut plan);
    Ok(plan)
}

/// The least and the greatest value of integer columns, where they are known.
type Bounds = BTreeMap<ColumnId, (i128, i128)>;

fn visit(plan: &mut LogicalPlan) -> Bounds {
    // Columns have identities: those of all inputs go together.
    let of_inputs: Vec<Bounds> = plan.inputs_mut().into_iter().map(visit).collect();
    let mut bounds: Bounds = of_inputs.into_iter().flatten().collect();
    for expr in plan.expressions_mut() {
        if may_fail(expr) {
            let bare = Expr { kind: ExprKind::Literal(Value::Null), dtype: expr.dtype.clone(), span: expr.span };
            *expr = std::mem::replace(expr, bare).transform(&mut |e| marked(e, &bounds));
        }
    }
    let rows = (0, MOST_ROWS);
    match plan {
        LogicalPlan::Scan { table, source, columns } => {
            for (index, def) in source.iter().zip(columns) {
                let statistics = &table.columns[*index].statistics;
                if let (true, Some(Value::Int(least)), Some(Value::Int(greatest))) =
                    (def.dtype.is_integer(), &statistics.min, &statistics.max)
                {
                    bounds.insert(def.id, (*least, *greatest));
                }
            }
        }
        LogicalPlan::Project { columns, .. } => {
            let known: Vec<_> = columns.iter().filter_map(|(def, e)| Some((def.id, interval(e, &bounds)?))).collect();
            bounds.extend(known);
        }
        LogicalPlan::Window { calls, .. } => {
            let numbering = calls.iter().filter(|call| NUMBERING.contains(&call.function.as_str()));
            bounds.extend(numbering.map(|call| (call.output.id, rows)));
        }
        LogicalPlan::Aggregate { aggregates, .. } => {
            let counts = aggregates.iter().filter(|a| matches!(a.function.as_str(), "count" | "count_star"));
            bounds.extend(counts.map(|a| (a.output.id, rows)));
        }
        LogicalPlan::Union { inputs, columns } => {
            let inputs: Vec<_> = inputs.iter().map(LogicalPlan::columns).collect();
            for (place, def) in columns.iter().enumerate() {
                let of_inputs: Option<Vec<_>> =
                    inputs.iter().map(|input| bounds.get(&input.get(place)?.id).copied()).collect();
                let united = of_inputs.into_iter().flatten().reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)));
                bounds.extend(united.map(|united| (def.id, united)));
            }
        }
        _ => {}
    }
    bounds
}

/// One step at one node whose children are done: arithmetic whose result fits its type cannot fail.
fn marked(expr: Expr, bounds: &Bounds) -> Expr {
    let is_arithmetic =
        matches!(&expr.kind, ExprKind::Call { function, .. } if matches!(function.as_str(), "+" | "-" | "*"));
    if !is_arithmetic || interval(&expr, bounds).is_none() {
        return expr;
    }
    let (dtype, span) = (expr.dtype.clone(), expr.span);
    // What is below is as safe, and one TRY says so for all of it.
    let bare = expr.transform(&mut |e| match e.kind {
        ExprKind::Call { function, mut args } if function == "try" && args.len() == 1 => args.remove(0),
        kind => Expr { kind, ..e },
    });
    Expr::call("try", vec![bare], dtype).at(span)
}

/// The bounds of an integer expression, None where they are not known or beyond its type.
fn interval(expr: &Expr, bounds: &Bounds) -> Option<(i128, i128)> {
    let (least, greatest) = match &expr.kind {
        ExprKind::Column(id) => return bounds.get(id).copied(),
        ExprKind::Literal(Value::Int(value)) => (*value, *value),
        ExprKind::Cast { arg, .. } if arg.dtype.is_integer() => interval(arg, bounds)?,
        ExprKind::Call { function, args } => match (function.as_str(), args.as_slice()) {
            ("try", [arg]) => interval(arg, bounds)?,
            (operator, [a, b]) => {
                let ((a, b), (c, d)) = (interval(a, bounds)?, interval(b, bounds)?);
                match operator {
                    "+" => (a.checked_add(c)?, b.checked_add(d)?),
                    "-" => (a.checked_sub(d)?, b.checked_sub(c)?),
                    "*" => {
                        let corners = [a.checked_mul(c)?, a.checked_mul(d)?, b.checked_mul(c)?, b.checked_mul(d)?];
                        (*corners.iter().min()?, *corners.iter().max()?)
                    }
                    _ => return None,
                }
            }
            _ => return None,
        },
        _ => return None,
    };
    let (lowest, highest) = range(&expr.dtype)?;
    (least >= lowest && greatest <= highest).then_some((least, greatest))
}

/// The values of an integer type of up to 64 bits.
pub(super) fn range(dtype: &DataType) -> Option<(i128, i128)> {
    Some(match dtype {
        DataType::TinyInt => (i8::MIN.into(), i8::MAX.into()),
        DataType::SmallInt => (i16::MIN.into(), i16::MAX.into()),
        DataType::Integer => (i32::MIN.into(), i32::MAX.into()),
        DataType::BigInt => (i64::MIN.into(), i64::MAX.into()),
        DataType::UTinyInt => (0, u8::MAX.into()),
        DataType::USmallInt => (0, u16::MAX.into()),
        DataType::UInteger => (0, u32::MAX.into()),
        DataType::UBigInt => (0, u64::MAX.into()),
        _ => return None,
    })
}
