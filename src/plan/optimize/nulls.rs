//! What a condition says about NULL: which columns cannot be NULL in a row for which it is true.

use super::may_fail;
use crate::plan::expr::{ColumnId, Expr, ExprKind};
use crate::sql::Value;
use std::collections::BTreeSet;

/// Functions that give NULL when any argument is NULL, among those that conditions are made of.
const STRICT: &[&str] = &[
    "=",
    "<>",
    "<",
    "<=",
    ">",
    ">=",
    "+",
    "-",
    "*",
    "/",
    "//",
    "%",
    "like",
    "not_like",
    "ilike",
    "not_ilike",
    "starts_with",
    "ends_with",
    "lower",
    "upper",
    "length",
    "substr",
    "abs",
    "year",
    "month",
    "day",
    "try",
];

/// The columns that are not NULL wherever `condition` is true. A part that may fail, and what stands behind it, says nothing:
/// its error must still be raised for the rows that it sees.
pub fn not_null_when_true(condition: &Expr) -> BTreeSet<ColumnId> {
    match &condition.kind {
        ExprKind::And(parts) => parts.iter().take_while(|part| !may_fail(part)).flat_map(not_null_when_true).collect(),
        _ if may_fail(condition) => BTreeSet::new(),
        ExprKind::Or(parts) => {
            let mut arms = parts.iter().map(not_null_when_true);
            let first = arms.next().unwrap_or_default();
            arms.fold(first, |both, arm| both.intersection(&arm).copied().collect())
        }
        ExprKind::IsNull { arg, negated: true } => not_null_when_known(arg),
        ExprKind::Not(arg) => not_null_when_known(arg),
        _ => not_null_when_known(condition),
    }
}

/// The columns that are not NULL wherever the value of `expr` is not NULL.
pub fn not_null_when_known(expr: &Expr) -> BTreeSet<ColumnId> {
    match &expr.kind {
        ExprKind::Column(id) => BTreeSet::from([*id]),
        // A lenient cast gives NULL for other values as well, and for NULL in any case.
        ExprKind::Cast { arg, .. } | ExprKind::Not(arg) => not_null_when_known(arg),
        ExprKind::Call { function, args } if STRICT.contains(&function.as_str()) => {
            args.iter().flat_map(not_null_when_known).collect()
        }
        ExprKind::InList { arg, items, .. } if !items.is_empty() => not_null_when_known(arg),
        _ => BTreeSet::new(),
    }
}

/// Whether no row can make the condition true.
pub fn is_never_true(condition: &Expr) -> bool {
    matches!(condition.kind, ExprKind::Literal(Value::Boolean(false) | Value::Null))
}
