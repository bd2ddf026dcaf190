//! Intervals are ordered, joined and grouped by their length, with months of 30 days: `1 month` and `30 days` are equal. Kernels
//! that sort and match keys see packed bits, so the length takes the place of an interval there, and inside lists, structs and maps.

use super::expr::{ColumnDef, ColumnId, Expr, ExprKind};
use super::logical::{Aggregate, LogicalPlan};
use crate::sql::DataType;
use std::collections::BTreeMap;

/// Sorts by the length of a key that is an interval, and compares lengths where a join looks for equal ones.
pub(super) fn order_by_length(plan: &mut LogicalPlan, next_column: &mut u32) {
    lengthen(plan, next_column);
}

/// Whether the plan became a projection, of a sort by lengths, that drops the lengths: nothing above may see them.
fn lengthen(plan: &mut LogicalPlan, next_column: &mut u32) -> bool {
    let mut projects = false;
    for input in plan.inputs_mut() {
        projects = lengthen(input, next_column);
    }
    for expr in plan.expressions_mut() {
        let taken = std::mem::replace(expr, Expr::boolean(true));
        *expr = taken.transform(&mut |mut node| {
            if let ExprKind::ScalarSubquery(plan) | ExprKind::Exists { plan, .. } | ExprKind::InSubquery { plan, .. } =
                &mut node.kind
            {
                lengthen(plan, next_column);
            }
            compare_lengths(node, next_column)
        });
    }
    match plan {
        LogicalPlan::Sort { input, keys } => {
            let columns = input.columns();
            let mut lengths = Vec::new();
            for key in keys {
                let Some(column) = columns.iter().find(|c| c.id == key.column) else { continue };
                let Some(by_length) = column.dtype.by_length() else { continue };
                let id = ColumnId(*next_column);
                *next_column += 1;
                let def = ColumnDef { id, name: column.name.clone(), dtype: by_length };
                lengths.push((def, length(Expr::column(column.id, column.dtype.clone()))));
                key.column = id;
            }
            if lengths.is_empty() {
                return false;
            }
            let kept = columns.into_iter().map(|def| (def.clone(), Expr::column(def.id, def.dtype)));
            let kept: Vec<(ColumnDef, Expr)> = kept.collect();
            let with_lengths = kept.iter().cloned().chain(lengths).collect();
            **input = LogicalPlan::Project { input: Box::new(taken(input)), columns: with_lengths };
            *plan = LogicalPlan::Project { input: Box::new(taken(plan)), columns: kept };
            true
        }
        // A limit stays with its sort: together they are a top-k.
        LogicalPlan::Limit { input, .. } if projects => {
            let LogicalPlan::Project { input: sort, columns } = taken(input) else { return false };
            **input = *sort;
            *plan = LogicalPlan::Project { input: Box::new(taken(plan)), columns };
            true
        }
        _ => false,
    }
}

/// Groups intervals by their length, in DISTINCT and `count(DISTINCT i)` too: of equal ones the first is shown. Windows take their
/// partitions and their order from lengths.
pub(super) fn group_by_length(plan: &mut LogicalPlan, next_column: &mut u32) {
    for input in plan.inputs_mut() {
        group_by_length(input, next_column);
    }
    if !matches!(plan, LogicalPlan::Distinct { .. } | LogicalPlan::Aggregate { .. } | LogicalPlan::Window { .. }) {
        return;
    }
    let output = plan.columns();
    match plan {
        LogicalPlan::Distinct { input, on } => {
            let keys = on.clone().unwrap_or_else(|| output.iter().map(|c| c.id).collect());
            let lengths = add_lengths(input, &keys, next_column);
            if lengths.is_empty() {
                return;
            }
            *on = Some(keys.into_iter().map(|key| lengths.get(&key).map_or(key, |length| length.id)).collect());
            *plan = without_lengths(taken(plan), output);
        }
        LogicalPlan::Window { input, calls } => {
            let mut keys: Vec<&mut ColumnId> = Vec::new();
            for call in calls {
                keys.extend(&mut call.partition_by);
                let ordered = call.order_by.iter_mut().chain(&mut call.argument_order);
                keys.extend(ordered.map(|key| &mut key.column));
            }
            let read: Vec<ColumnId> = keys.iter().map(|key| **key).collect();
            let lengths = add_lengths(input, &read, next_column);
            if lengths.is_empty() {
                return;
            }
            for key in keys {
                if let Some(length) = lengths.get(key) {
                    *key = length.id;
                }
            }
            *plan = without_lengths(taken(plan), output);
        }
        LogicalPlan::Aggregate { input, keys, aggregates, .. } => {
            let counts = |call: &&mut Aggregate| call.distinct && call.function == "count";
            let counted = aggregates.iter_mut().filter(counts).flat_map(|call| call.args.iter().map(|(id, _)| *id));
            let grouped: Vec<ColumnId> = counted.chain(keys.iter().map(|key| key.id)).collect();
            let lengths = add_lengths(input, &grouped, next_column);
            if lengths.is_empty() {
                return;
            }
            for (id, dtype) in aggregates.iter_mut().filter(counts).flat_map(|call| &mut call.args) {
                if let Some(length) = lengths.get(id) {
                    (*id, *dtype) = (length.id, length.dtype.clone());
                }
            }
            let mut shown: BTreeMap<ColumnId, Expr> = BTreeMap::new();
            for key in keys {
                let Some(length) = lengths.get(&key.id) else { continue };
                let first = ColumnDef { id: ColumnId(*next_column), ..key.clone() };
                *next_column += 1;
                // Where a grouping set leaves the key out, its length is NULL, and so is the key.
                let arg = Box::new(Expr::column(length.id, length.dtype.clone()));
                let is_there =
                    Expr { kind: ExprKind::IsNull { arg, negated: true }, dtype: DataType::Boolean, span: None };
                let branches = vec![(is_there, Expr::column(first.id, first.dtype.clone()))];
                let value =
                    Expr { kind: ExprKind::Case { branches, otherwise: None }, dtype: first.dtype.clone(), span: None };
                let argument = (key.id, first.dtype.clone());
                aggregates.push(Aggregate::plain(first, "any_value", vec![argument]));
                shown.insert(key.id, value);
                *key = length.clone();
            }
            let value =
                |c: &ColumnDef| shown.get(&c.id).cloned().unwrap_or_else(|| Expr::column(c.id, c.dtype.clone()));
            let columns = output.into_iter().map(|c| (c.clone(), value(&c))).collect();
            *plan = LogicalPlan::Project { input: Box::new(taken(plan)), columns };
        }
        _ => {}
    }
}

fn without_lengths(plan: LogicalPlan, columns: Vec<ColumnDef>) -> LogicalPlan {
    let columns = columns.into_iter().map(|c| (c.clone(), Expr::column(c.id, c.dtype))).collect();
    LogicalPlan::Project { input: Box::new(plan), columns }
}

/// Adds the lengths of those of the columns that are intervals, or hold some, to the input's columns.
fn add_lengths(input: &mut LogicalPlan, columns: &[ColumnId], next_column: &mut u32) -> BTreeMap<ColumnId, ColumnDef> {
    let made = input.columns();
    let mut lengths = BTreeMap::new();
    for column in made.iter().filter(|c| columns.contains(&c.id)) {
        let Some(by_length) = column.dtype.by_length() else { continue };
        let def = ColumnDef { id: ColumnId(*next_column), name: column.name.clone(), dtype: by_length };
        *next_column += 1;
        lengths.insert(column.id, def);
    }
    if !lengths.is_empty() {
        let added = made.iter().filter_map(|c| Some((c, lengths.get(&c.id)?)));
        let added = added.map(|(c, def)| (def.clone(), length(Expr::column(c.id, c.dtype.clone()))));
        let added: Vec<(ColumnDef, Expr)> = added.collect();
        let kept = made.into_iter().map(|c| (c.clone(), Expr::column(c.id, c.dtype)));
        let columns = kept.chain(added).collect();
        *input = LogicalPlan::Project { input: Box::new(taken(input)), columns };
    }
    lengths
}

fn taken(plan: &mut LogicalPlan) -> LogicalPlan {
    std::mem::replace(plan, LogicalPlan::Values { columns: vec![], rows: vec![] })
}

/// What a value is compared by: itself, unless it is an interval or holds some.
fn length(value: Expr) -> Expr {
    let span = value.span;
    match value.dtype.by_length() {
        Some(by_length) => Expr::call("interval_micros", vec![value], by_length).at(span),
        None => value,
    }
}

/// `a = b` of intervals as `length(a) = length(b)`, and likewise for every comparison.
fn compare_lengths(node: Expr, next_column: &mut u32) -> Expr {
    const COMPARISONS: &[&str] = &["=", "<>", "<", "<=", ">", ">=", "is_distinct_from", "is_not_distinct_from"];
    match node.kind {
        ExprKind::Call { function, args }
            if COMPARISONS.contains(&function.as_str()) && args.iter().any(|a| a.dtype.by_length().is_some()) =>
        {
            let args = args.into_iter().map(length).collect();
            Expr { kind: ExprKind::Call { function, args }, ..node }
        }
        ExprKind::InList { arg, items, negated } if arg.dtype.by_length().is_some() => {
            let items = items.into_iter().map(length).collect();
            Expr { kind: ExprKind::InList { arg: Box::new(length(*arg)), items, negated }, ..node }
        }
        ExprKind::InSubquery { arg, plan, negated } if arg.dtype.by_length().is_some() => {
            let mut columns = Vec::new();
            for value in plan.columns() {
                let lengths = length(Expr::column(value.id, value.dtype));
                let def = ColumnDef { id: ColumnId(*next_column), name: value.name, dtype: lengths.dtype.clone() };
                *next_column += 1;
                columns.push((def, lengths));
            }
            let plan = Box::new(LogicalPlan::Project { input: plan, columns });
            Expr { kind: ExprKind::InSubquery { arg: Box::new(length(*arg)), plan, negated }, ..node }
        }
        kind => Expr { kind, ..node },
    }
}
