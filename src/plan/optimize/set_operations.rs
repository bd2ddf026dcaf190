//! INTERSECT and EXCEPT become groups: both sides' rows are put together, each marked with where it came from, and a group
//! of equal rows is kept by the sides it was seen on. Unlike a join, this treats NULLs as equal, as the standard wants.

use super::{Context, transform_up};
use crate::plan::expr::{ColumnDef, Expr};
use crate::plan::logical::{Aggregate, LogicalPlan, SetKind};
use crate::sql::diagnostic::Result;
use crate::sql::{DataType, Value};

pub fn to_groups(plan: LogicalPlan, context: &mut Context) -> Result<LogicalPlan> {
    transform_up(plan, &mut |plan| match plan {
        LogicalPlan::SetOperation { left, right, kind, all: false, columns } => {
            Ok(grouped(*left, *right, kind, columns, context))
        }
        other => Ok(other),
    })
}

fn grouped(
    left: LogicalPlan,
    right: LogicalPlan,
    kind: SetKind,
    columns: Vec<ColumnDef>,
    context: &mut Context,
) -> LogicalPlan {
    let mut flag = |name: &str| ColumnDef { id: context.fresh(), name: name.into(), dtype: DataType::Integer };
    let (in_left, in_right) = (flag("in left"), flag("in right"));
    let (seen_left, seen_right) = (flag("seen left"), flag("seen right"));
    let mut marked = |side: LogicalPlan, is_left: bool| {
        let bit = |set: bool| Expr::literal(Value::Int(set as i128), DataType::Integer);
        let mut all: Vec<_> = side.columns().into_iter().map(|c| (c.clone(), Expr::column(c.id, c.dtype))).collect();
        for set in [is_left, !is_left] {
            let def = ColumnDef { id: context.fresh(), name: "mark".into(), dtype: DataType::Integer };
            all.push((def, bit(set)));
        }
        LogicalPlan::Project { input: Box::new(side), columns: all }
    };
    let inputs = vec![marked(left, true), marked(right, false)];
    let mut together = columns.clone();
    together.extend([in_left.clone(), in_right.clone()]);
    let max = |output: &ColumnDef, arg: &ColumnDef| {
        Aggregate::plain(output.clone(), "max", vec![(arg.id, arg.dtype.clone())])
    };
    let groups = LogicalPlan::Aggregate {
        input: Box::new(LogicalPlan::Union { inputs, columns: together }),
        keys: columns.clone(),
        grouping_sets: None,
        aggregates: vec![max(&seen_left, &in_left), max(&seen_right, &in_right)],
    };
    let is = |column: &ColumnDef, bit: i128| {
        let args = vec![Expr::column(column.id, DataType::Integer), Expr::literal(Value::Int(bit), DataType::Integer)];
        Expr::call("=", args, DataType::Boolean)
    };
    let right_bit = if kind == SetKind::Intersect { 1 } else { 0 };
    let kept = LogicalPlan::Filter {
        input: Box::new(groups),
        predicate: Expr::and(vec![is(&seen_left, 1), is(&seen_right, right_bit)]),
    };
    let columns = columns.into_iter().map(|c| (c.clone(), Expr::column(c.id, c.dtype))).collect();
    LogicalPlan::Project { input: Box::new(kept), columns }
}
