//! Which expressions may fail on some row. Those stay where the user put them: moved below a join or in front of a
//! filter that guards them, they would raise errors for rows that the statement never asked about.

use crate::functions;
use crate::plan::expr::{Expr, ExprKind};

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
        | ExprKind::InSubquery { .. }
        | ExprKind::AnySubquery { .. } => false,
        // Reducing an empty list without a start fails.
        ExprKind::Lambda { function, initial, .. } => function == "list_reduce" && initial.is_none(),
        // More than one row.
        ExprKind::ScalarSubquery(_) => true,
        ExprKind::Cast { arg, lenient } => !lenient && functions::cast_can_fail(&arg.dtype, &expr.dtype),
        ExprKind::Call { function, args } => call_may_fail(function, args, expr),
    };
    // TRY is where errors end.
    let caught = matches!(&expr.kind, ExprKind::Call { function, .. } if function == "try");
    own || !caught && expr.children().into_iter().any(may_fail)
}

/// Whether evaluating `expr` may raise an error that depends on more than how large a number grows: sums and products do
/// overflow, but not where the same query without them would be of any use.
pub fn fails_by_value(expr: &Expr) -> bool {
    let own = match &expr.kind {
        ExprKind::Cast { arg, lenient: false } => {
            !arg.dtype.is_numeric() && functions::cast_can_fail(&arg.dtype, &expr.dtype)
        }
        ExprKind::Call { function, args } => {
            !matches!(function.as_str(), "+" | "-" | "*" | "neg") && call_may_fail(function, args, expr)
        }
        _ => false,
    };
    own || expr.children().into_iter().any(fails_by_value)
}

/// Whether the call itself may raise an error, whatever its arguments do.
fn call_may_fail(function: &str, args: &[Expr], call: &Expr) -> bool {
    let constants: Vec<_> = args.iter().map(Expr::as_literal).collect();
    functions::find(function).is_none_or(|f| f.can_fail(&call.dtype, &constants))
}
