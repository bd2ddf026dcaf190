//! Calls about dates that mean other calls.

use super::coerce::coerce;
use super::literal::units;
use crate::functions::{self, QueryClock};
use crate::plan::expr::{Expr, ExprKind};
use crate::sql::{DataType, Value};

/// `age(x)` counts to today, a constant part of `date_part` has a function of its own (and so its own type),
/// `date_add('day', 3, x)` is a sum. Any other call stays as it is.
pub(super) fn as_written(name: String, mut args: Vec<Expr>, clock: &QueryClock) -> (String, Vec<Expr>) {
    let text = |arg: Option<&Expr>| match arg.map(|arg| &arg.kind) {
        Some(ExprKind::Literal(Value::Varchar(text))) => Some(text.clone()),
        _ => None,
    };
    match (name.as_str(), args.len()) {
        ("age", 1) => {
            let today = functions::clock_value("current_date", clock).unwrap_or(Value::Null);
            args.insert(0, coerce(Expr::literal(today, DataType::Date), &DataType::Timestamp));
        }
        ("date_part" | "datepart", 2) => {
            if let Some(function) = text(args.first()).and_then(|part| functions::part_function(&part)) {
                args.remove(0);
                return (function.to_string(), args);
            }
        }
        ("date_add" | "dateadd", 3) => {
            if let Some(part) = text(args.first())
                && let Ok(interval) = units(args[1].clone(), &part)
            {
                return ("+".to_string(), vec![args.remove(2), interval]);
            }
        }
        _ => {}
    }
    (name, args)
}
