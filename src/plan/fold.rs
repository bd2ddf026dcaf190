//! Constant folding: what can be known before a query runs becomes a literal. What fails stays as it is, and fails at run
//! time if a row gets there.

use super::{Expr, ExprKind};
use crate::functions::{self, QueryClock};
use crate::sql::{DataType, Value};

/// Replaces constant parts of `expr` by literals; functions of the clock (`now()`, `current_date`) are constant.
pub fn fold(expr: Expr, clock: &QueryClock) -> Expr {
    expr.transform(&mut |e| fold_node(e, Some(clock)))
}

/// As [`fold`], where the clock is not known yet.
pub fn fold_without_clock(expr: Expr) -> Expr {
    expr.transform(&mut |e| fold_node(e, None))
}

/// Folds one node whose children are folded.
fn fold_node(expr: Expr, clock: Option<&QueryClock>) -> Expr {
    let value = match &expr.kind {
        ExprKind::Cast { arg, lenient } => {
            literal(arg).and_then(|value| cast(value, &arg.dtype, &expr.dtype, *lenient))
        }
        ExprKind::Call { function, args } => clock
            .and_then(|clock| functions::clock_value(function, clock))
            .or_else(|| call(function, args, &expr.dtype)),
        ExprKind::Not(arg) => literal(arg).and_then(|value| match value {
            Value::Boolean(value) => Some(Value::Boolean(!value)),
            Value::Null => Some(Value::Null),
            _ => None,
        }),
        ExprKind::IsNull { arg, negated } => {
            literal(arg).map(|value| Value::Boolean((*value == Value::Null) != *negated))
        }
        ExprKind::InList { arg, items, negated } => in_list(arg, items, *negated),
        ExprKind::And(_) | ExprKind::Or(_) => return fold_connective(expr),
        ExprKind::Case { .. } => return fold_case(expr),
        _ => None,
    };
    match value {
        Some(value) => Expr { kind: ExprKind::Literal(value), ..expr },
        None => expr,
    }
}

fn literal(expr: &Expr) -> Option<&Value> {
    match &expr.kind {
        ExprKind::Literal(value) => Some(value),
        _ => None,
    }
}

fn cast(value: &Value, from: &DataType, to: &DataType, lenient: bool) -> Option<Value> {
    let column = functions::column_of(value, from).ok()?;
    let cast = functions::cast_column(&column, from, to, lenient).ok()?;
    Some(functions::value_at(&cast, to, 0))
}

fn call(function: &str, args: &[Expr], result: &DataType) -> Option<Value> {
    // A list of many elements is made where it is needed.
    if matches!(function, "range" | "generate_series" | "list_resize") {
        return None;
    }
    let mut columns = Vec::with_capacity(args.len());
    for arg in args {
        columns.push(functions::column_of(literal(arg)?, &arg.dtype).ok()?);
    }
    let types: Vec<DataType> = args.iter().map(|arg| arg.dtype.clone()).collect();
    let function = functions::find(function).filter(|function| !function.is_volatile())?;
    let computed = function.eval()(&columns, &types, result, 1).ok()?;
    Some(functions::value_at(&computed, result, 0))
}

fn in_list(arg: &Expr, items: &[Expr], negated: bool) -> Option<Value> {
    let mut unknown = false;
    for item in items {
        match call("=", &[literal_of(arg)?, literal_of(item)?], &DataType::Boolean)? {
            Value::Boolean(true) => return Some(Value::Boolean(!negated)),
            Value::Null => unknown = true,
            _ => {}
        }
    }
    Some(if unknown { Value::Null } else { Value::Boolean(negated) })
}

fn literal_of(expr: &Expr) -> Option<Expr> {
    literal(expr).map(|_| expr.clone())
}

/// AND without its TRUEs, OR without its FALSEs. A part that decides everything cuts off the parts after it: the parts
/// before it are still evaluated, and may still fail.
fn fold_connective(mut expr: Expr) -> Expr {
    let (parts, neutral) = match &mut expr.kind {
        ExprKind::And(parts) => (parts, true),
        ExprKind::Or(parts) => (parts, false),
        _ => return expr,
    };
    parts.retain(|part| literal(part) != Some(&Value::Boolean(neutral)));
    if let Some(at) = parts.iter().position(|part| literal(part) == Some(&Value::Boolean(!neutral))) {
        parts.truncate(at + 1);
    }
    match parts.len() {
        0 => Expr { kind: ExprKind::Literal(Value::Boolean(neutral)), ..expr },
        1 => parts.remove(0),
        _ => expr,
    }
}

/// CASE without branches that are never taken, and without those behind one that always is.
fn fold_case(mut expr: Expr) -> Expr {
    let ExprKind::Case { branches, otherwise } = &mut expr.kind else { return expr };
    branches.retain(|(condition, _)| !matches!(literal(condition), Some(Value::Boolean(false) | Value::Null)));
    if let Some(at) = branches.iter().position(|(condition, _)| literal(condition) == Some(&Value::Boolean(true))) {
        branches.truncate(at + 1);
        *otherwise = branches.pop().map(|(_, value)| Box::new(value));
    }
    if !branches.is_empty() {
        return expr;
    }
    match otherwise.take() {
        Some(value) => *value,
        None => Expr { kind: ExprKind::Literal(Value::Null), ..expr },
    }
}
