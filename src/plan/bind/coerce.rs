//! Types that meet: casts that nobody wrote, and literals that take the type of what they stand beside.

use crate::functions::{can_cast, common_type, equality_type};
use crate::journal::ErrorCode;
use crate::plan::expr::{Expr, ExprKind};
use crate::sql::diagnostic::{Diagnostic, Result};
use crate::sql::{DataType, Value};

/// A quoted text as it was written.
pub(super) fn is_text_literal(expr: &Expr) -> bool {
    matches!(expr.kind, ExprKind::Literal(Value::Varchar(_)))
}

/// The value of an integer literal.
fn integer_literal(expr: &Expr) -> Option<i128> {
    match expr.kind {
        ExprKind::Literal(Value::Int(value)) if expr.dtype.is_integer() => Some(value),
        _ => None,
    }
}

/// The smallest and largest value of an integer type.
fn integer_range(dtype: &DataType) -> Option<(i128, i128)> {
    Some(match dtype {
        DataType::TinyInt => (i8::MIN.into(), i8::MAX.into()),
        DataType::SmallInt => (i16::MIN.into(), i16::MAX.into()),
        DataType::Integer => (i32::MIN.into(), i32::MAX.into()),
        DataType::BigInt => (i64::MIN.into(), i64::MAX.into()),
        DataType::HugeInt => (i128::MIN, i128::MAX),
        DataType::UTinyInt => (0, u8::MAX.into()),
        DataType::USmallInt => (0, u16::MAX.into()),
        DataType::UInteger => (0, u32::MAX.into()),
        DataType::UBigInt => (0, u64::MAX.into()),
        _ => return None,
    })
}

/// The same expressions, with an integer literal in the other's integer type where it fits: `small + 1` stays small.
pub(super) fn adapt_integers(args: Vec<Expr>) -> Vec<Expr> {
    let [left, right] = match <[Expr; 2]>::try_from(args) {
        Ok(pair) => pair,
        Err(args) => return args,
    };
    let adapt = |literal: &Expr, other: &Expr| {
        let value = integer_literal(literal)?;
        let (min, max) = integer_range(&other.dtype)?;
        let fits = integer_literal(other).is_none() && (min..=max).contains(&value) && literal.dtype != other.dtype;
        fits.then(|| Expr { dtype: other.dtype.clone(), ..literal.clone() })
    };
    match (adapt(&left, &right), adapt(&right, &left)) {
        (Some(left), _) => vec![left, right],
        (_, Some(right)) => vec![left, right],
        _ => vec![left, right],
    }
}

/// Values that are mixed in this order: an integer literal takes the type of the integers before it where it fits, and one that
/// comes first that of the value behind it; two literals that come first are what they are.
pub(super) fn adapt_among<'a>(exprs: impl Iterator<Item = &'a mut Expr>) {
    let adapt = |literal: &mut Expr, to: &DataType| {
        let range = integer_range(to).zip(integer_literal(literal));
        if range.is_some_and(|((min, max), value)| (min..=max).contains(&value)) {
            literal.dtype = to.clone();
        }
    };
    let mut mixed: Option<DataType> = None;
    let mut first: Option<&mut Expr> = None;
    for expr in exprs.filter(|expr| expr.dtype.is_integer()) {
        let is_literal = integer_literal(expr).is_some();
        mixed = match (mixed.take(), first.take()) {
            (None, None) if is_literal => {
                first = Some(expr);
                continue;
            }
            (None, None) => Some(expr.dtype.clone()),
            (Some(before), _) => {
                if is_literal {
                    adapt(expr, &before);
                }
                common_type(&before, &expr.dtype)
            }
            (None, Some(literal)) => {
                if !is_literal {
                    adapt(literal, &expr.dtype);
                }
                common_type(&literal.dtype, &expr.dtype)
            }
        };
    }
}

/// The expression as a value of `to`, with a cast where it has another type; simple literals change their type themselves.
pub(super) fn coerce(expr: Expr, to: &DataType) -> Expr {
    if expr.dtype == *to {
        return expr;
    }
    let span = expr.span;
    if let ExprKind::Literal(value) = &expr.kind
        && let Some(value) = convert_literal(value, &expr.dtype, to)
    {
        return Expr::literal(value, to.clone()).at(span);
    }
    Expr { kind: ExprKind::Cast { arg: Box::new(expr), lenient: false }, dtype: to.clone(), span }
}

/// NULL, and numbers that are exact in the wider type.
fn convert_literal(value: &Value, from: &DataType, to: &DataType) -> Option<Value> {
    match (value, to) {
        (Value::Null, _) => Some(Value::Null),
        (Value::Int(number), DataType::Double) if from.is_integer() => Some(Value::Float(*number as f64)),
        (Value::Int(number), DataType::Double) => match from {
            DataType::Decimal { scale, .. } => format!("{number}e-{scale}").parse().ok().map(Value::Float),
            _ => None,
        },
        (Value::Int(number), DataType::Decimal { precision, scale }) => {
            let from_scale = match from {
                DataType::Decimal { scale, .. } => *scale,
                integer if integer.is_integer() => 0,
                _ => return None,
            };
            let factor = 10_i128.checked_pow(u32::from(scale.checked_sub(from_scale)?))?;
            let scaled = number.checked_mul(factor)?;
            (scaled.unsigned_abs() < 10_u128.checked_pow(u32::from(*precision))?).then_some(Value::Int(scaled))
        }
        (Value::Int(number), to) if from.is_integer() => {
            let (min, max) = integer_range(to)?;
            (min..=max).contains(number).then_some(Value::Int(*number))
        }
        _ => None,
    }
}

/// The type in which all of these can be mixed. TYPE_MISMATCH, at the one that does not fit, says both types.
/// Quoted texts take the type of the others.
pub(super) fn common(exprs: &[&Expr], what: &str) -> Result<DataType> {
    mixed(exprs, what, common_type)
}

/// The type in which all of these are tested for being equal; as [`common`] otherwise.
pub(super) fn equatable(exprs: &[&Expr], what: &str) -> Result<DataType> {
    mixed(exprs, what, equality_type)
}

fn mixed(exprs: &[&Expr], what: &str, mix: fn(&DataType, &DataType) -> Option<DataType>) -> Result<DataType> {
    let mut dtype = DataType::Null;
    let (texts, others): (Vec<&Expr>, Vec<&Expr>) = exprs.iter().partition(|e| is_text_literal(e));
    for expr in others {
        dtype = mix(&dtype, &expr.dtype).ok_or_else(|| mismatch(what, &dtype, expr))?;
    }
    match texts.first() {
        Some(_) if dtype == DataType::Null => Ok(DataType::Varchar),
        Some(text) if !can_cast(&DataType::Varchar, &dtype) => Err(mismatch(what, &dtype, text)),
        _ => Ok(dtype),
    }
}

fn mismatch(what: &str, dtype: &DataType, expr: &Expr) -> Diagnostic {
    Diagnostic::new(ErrorCode::TypeMismatch, format!("{what} mixes {dtype} and {}", expr.dtype))
        .at(expr.span)
        .hint("CAST one of them to the type of the other")
}

/// The expression as a condition. TYPE_MISMATCH for a type that is neither true nor false.
pub(super) fn condition(expr: Expr, what: &str) -> Result<Expr> {
    let fits = matches!(expr.dtype, DataType::Boolean | DataType::Null | DataType::Varchar | DataType::Json)
        || expr.dtype.is_numeric();
    if !fits || !can_cast(&expr.dtype, &DataType::Boolean) {
        let message = format!("{what} needs a BOOLEAN, and this is {}", expr.dtype);
        return Err(Diagnostic::new(ErrorCode::TypeMismatch, message).at(expr.span));
    }
    Ok(coerce(expr, &DataType::Boolean))
}

/// A cast that is written: `1::INTEGER` is no literal any more, and does not take its neighbour's type.
pub(super) fn written_cast(expr: Expr, to: DataType, lenient: bool) -> Result<Expr> {
    if expr.dtype == to && integer_literal(&expr).is_some() {
        let span = expr.span;
        return Ok(Expr { kind: ExprKind::Cast { arg: Box::new(expr), lenient }, dtype: to, span });
    }
    cast(expr, to, lenient)
}

/// An explicit cast. TYPE_MISMATCH if there is none between the two types.
pub(super) fn cast(expr: Expr, to: DataType, lenient: bool) -> Result<Expr> {
    if expr.dtype == to {
        return Ok(expr);
    }
    if !can_cast(&expr.dtype, &to) {
        if lenient {
            return Ok(Expr::literal(Value::Null, to).at(expr.span));
        }
        let message = format!("{} cannot be cast to {to}", expr.dtype);
        return Err(Diagnostic::new(ErrorCode::TypeMismatch, message).at(expr.span));
    }
    let span = expr.span;
    if matches!(expr.kind, ExprKind::Literal(Value::Null)) {
        return Ok(Expr::literal(Value::Null, to).at(span));
    }
    Ok(Expr { kind: ExprKind::Cast { arg: Box::new(expr), lenient }, dtype: to, span })
}

/// Integer literals of a list in the integer type of the value that they are compared with, where all fit.
pub(super) fn adapt_to(arg: &Expr, items: Vec<Expr>) -> Vec<Expr> {
    let Some((min, max)) = integer_range(&arg.dtype) else { return items };
    if integer_literal(arg).is_some()
        || !items.iter().all(|i| integer_literal(i).is_some_and(|v| (min..=max).contains(&v)))
    {
        return items;
    }
    items.into_iter().map(|item| Expr { dtype: arg.dtype.clone(), ..item }).collect()
}
