//! Intervals are ordered and joined by their length, with months of 30 days: `1 month` and `30 days` are equal. Kernels that
//! sort and match keys see packed bits, so the length takes the place of an interval there.

use super::expr::{ColumnDef, ColumnId, Expr, ExprKind};
use super::logical::LogicalPlan;
use crate::sql::DataType;

/// Sorts by the length of a key that is an interval, and compares lengths where a join looks for equal ones.
pub(super) fn order_by_length(plan: &mut LogicalPlan, next_column: &mut u32) {
    for input in plan.inputs_mut() {
        order_by_length(input, next_column);
    }
    for expr in plan.expressions_mut() {
        let taken = std::mem::replace(expr, Expr::boolean(true));
        *expr = taken.transform(&mut |mut node| {
            if let ExprKind::ScalarSubquery(plan) | ExprKind::Exists { plan, .. } | ExprKind::InSubquery { plan, .. } =
                &mut node.kind
            {
                order_by_length(plan, next_column);
            }
            compare_lengths(node)
        });
    }
    if let LogicalPlan::Sort { input, keys } = plan {
        let columns = input.columns();
        let mut lengths = Vec::new();
        for key in keys {
            let Some(column) = columns.iter().find(|c| c.id == key.column && c.dtype == DataType::Interval) else {
                continue;
            };
            let id = ColumnId(*next_column);
            *next_column += 1;
            let def = ColumnDef { id, name: column.name.clone(), dtype: DataType::HugeInt };
            lengths.push((def, length(Expr::column(column.id, DataType::Interval))));
            key.column = id;
        }
        if !lengths.is_empty() {
            let taken = std::mem::replace(&mut **input, LogicalPlan::Values { columns: vec![], rows: vec![] });
            let kept = columns.into_iter().map(|def| (def.clone(), Expr::column(def.id, def.dtype)));
            **input = LogicalPlan::Project { input: Box::new(taken), columns: kept.chain(lengths).collect() };
        }
    }
}

fn length(interval: Expr) -> Expr {
    let span = interval.span;
    Expr::call("interval_micros", vec![interval], DataType::HugeInt).at(span)
}

/// `a = b` of intervals as `length(a) = length(b)`, and likewise for every comparison.
fn compare_lengths(node: Expr) -> Expr {
    const COMPARISONS: &[&str] = &["=", "<>", "<", "<=", ">", ">=", "is_distinct_from", "is_not_distinct_from"];
    match node.kind {
        ExprKind::Call { function, args }
            if COMPARISONS.contains(&function.as_str()) && args.iter().all(|a| a.dtype == DataType::Interval) =>
        {
            let args = args.into_iter().map(length).collect();
            Expr { kind: ExprKind::Call { function, args }, ..node }
        }
        ExprKind::InList { arg, items, negated } if arg.dtype == DataType::Interval => {
            let items = items.into_iter().map(length).collect();
            Expr { kind: ExprKind::InList { arg: Box::new(length(*arg)), items, negated }, ..node }
        }
        kind => Expr { kind, ..node },
    }
}
