//! Which expressions may fail on some row. Those stay where the user put them: moved below a join or in front of a
//! filter that guards them, they would raise errors for rows that the statement never asked about.

use crate::plan::expr::{Expr, ExprKind};
use crate::sql::DataType;

/// Whether evaluating `expr` may raise an error for some values. Errs on the side of yes.
pub fn may_fail(expr: &Expr) -> bool {
    let own = match &expr.kind {
        ExprKind::Column(_)
        | ExprKind::Literal(_)
        | ExprKind::And(_)
        | ExprKind::Or(_)
        | ExprKind::Not(_)
        | ExprKind::IsNull { .. }
        | ExprKind::Case { .. }
        | ExprKind::InList { .. }
        | ExprKind::Exists { .. }
        | ExprKind::InSubquery { .. } => false,
        ExprKind::ScalarSubquery(_) => true,
        ExprKind::Cast { arg, lenient } => !lenient && !is_safe_cast(&arg.dtype, &expr.dtype),
        ExprKind::Call { function, args } => match function.as_str() {
            "="
            | "<>"
            | "<"
            | "<="
            | ">"
            | ">="
            | "is_distinct_from"
            | "is_not_distinct_from"
            | "like"
            | "ilike"
            | "not_like"
            | "not_ilike"
            | "lower"
            | "upper"
            | "coalesce"
            | "length"
            | "starts_with"
            | "ends_with"
            | "contains" => false,
            "+" | "-" | "*" | "/" | "neg" => {
                let floating = |t: &DataType| matches!(t, DataType::Double | DataType::Float);
                !(floating(&expr.dtype) && args.iter().all(|a| floating(&a.dtype)))
            }
            "year" | "month" | "day" | "quarter" => false,
            _ => true,
        },
    };
    own || expr.children().into_iter().any(may_fail)
}

/// Casts that hold every value of the source type.
fn is_safe_cast(from: &DataType, to: &DataType) -> bool {
    use DataType::*;
    if from == to || *from == Null || *to == Varchar {
        return true;
    }
    if *to == Double || *to == Float {
        return from.is_numeric();
    }
    if let (Decimal { precision: p1, scale: s1 }, Decimal { precision: p2, scale: s2 }) = (from, to) {
        return s2 >= s1 && p2 - s2 >= p1 - s1;
    }
    let digits = |t: &DataType| {
        Some(match t {
            TinyInt | UTinyInt => 3,
            SmallInt | USmallInt => 5,
            Integer | UInteger => 10,
            BigInt => 19,
            UBigInt => 20,
            _ => return None,
        })
    };
    if let (Some(d), Decimal { precision, scale }) = (digits(from), to) {
        return precision - scale >= d;
    }
    let bits = |t: &DataType| {
        Some(match t {
            TinyInt => 8,
            UTinyInt => 9,
            SmallInt => 16,
            USmallInt => 17,
            Integer => 32,
            UInteger => 33,
            BigInt => 64,
            UBigInt => 65,
            HugeInt => 128,
            _ => return None,
        })
    };
    if let (Some(a), Some(b)) = (bits(from), bits(to)) {
        let signed_target = matches!(to, TinyInt | SmallInt | Integer | BigInt | HugeInt);
        return signed_target && a <= b;
    }
    matches!((from, to), (Date, Timestamp))
}
