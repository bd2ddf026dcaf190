//! Compares dates as dates. `order_date < DATE '1995-01-01' + INTERVAL '1' MONTH` is a comparison of timestamps, because a date
//! plus an interval is one; cast back, it sinks into the scan, where row groups are pruned by it.

use crate::plan::expr::{Expr, ExprKind};
use crate::sql::{DataType, Value};

const DAY_US: i128 = 86_400_000_000;

/// `CAST(date AS TIMESTAMP) <op> constant` as `date <op> day`; any other expression as it is.
pub(super) fn compare_as_dates(expr: Expr) -> Expr {
    match as_dates(&expr) {
        Some(kind) => Expr { kind, ..expr },
        None => expr,
    }
}

fn as_dates(expr: &Expr) -> Option<ExprKind> {
    let ExprKind::Call { function, args } = &expr.kind else { return None };
    let [left, right] = args.as_slice() else { return None };
    let (date, micros, operator) = match (date_below_cast(left), constant(right)) {
        (Some(date), Some(micros)) => (date, micros, function.as_str()),
        _ => (date_below_cast(right)?, constant(left)?, mirrored(function)?),
    };
    let (day, rest) = (micros.div_euclid(DAY_US), micros.rem_euclid(DAY_US));
    // A time within the day lies between that date's midnight and the next one's.
    let operator = match (operator, rest) {
        ("<" | "<=" | ">" | ">=" | "=" | "<>", 0) => operator,
        ("<" | "<=", _) => "<=",
        (">" | ">=", _) => ">",
        _ => return None,
    };
    let day = Expr { kind: ExprKind::Literal(Value::Int(day)), dtype: DataType::Date, span: None };
    Some(ExprKind::Call { function: operator.to_string(), args: vec![date.clone(), day] })
}

fn date_below_cast(expr: &Expr) -> Option<&Expr> {
    match &expr.kind {
        ExprKind::Cast { arg, .. } if expr.dtype == DataType::Timestamp && arg.dtype == DataType::Date => Some(arg),
        _ => None,
    }
}

/// A timestamp whose day is a date.
fn constant(expr: &Expr) -> Option<i128> {
    match (&expr.kind, &expr.dtype) {
        (ExprKind::Literal(Value::Int(micros)), DataType::Timestamp) => {
            i32::try_from(micros.div_euclid(DAY_US)).is_ok().then_some(*micros)
        }
        _ => None,
    }
}

fn mirrored(operator: &str) -> Option<&str> {
    Some(match operator {
        "<" => ">",
        "<=" => ">=",
        ">" => "<",
        ">=" => "<=",
        "=" | "<>" => operator,
        _ => return None,
    })
}
