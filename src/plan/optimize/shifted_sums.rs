//! The sum of a column and a constant is the column's sum and as many constants as it has values: `sum(x + 1)`, `sum(x + 2)`,
//! `sum(x)` are one sum and one count. Where `x + 1` fits its type whatever `x` is; an overflow must stay an error otherwise,
//! except in a sum over all rows, which DuckDB answers as if the addition had room.

use super::bounds::range;
use super::{Context, transform_up};
use crate::plan::expr::{ColumnDef, ColumnId, Expr, ExprKind};
use crate::plan::logical::{Aggregate, LogicalPlan};
use crate::sql::DataType::{self, BigInt, Integer, SmallInt, TinyInt};
use crate::sql::Value;
use crate::sql::diagnostic::Result;

pub fn split(plan: LogicalPlan, context: &mut Context) -> Result<LogicalPlan> {
    transform_up(plan, &mut |plan| match plan {
        LogicalPlan::Aggregate { input, keys, grouping_sets, aggregates } => match *input {
            LogicalPlan::Project { input, columns }
                if aggregates.iter().any(|a| shifted(a, &columns, keys.is_empty()).is_some()) =>
            {
                let one_group = keys.is_empty() && grouping_sets.is_none();
                let mut parts = Parts { columns, one_group, aggregates: Vec::new(), context };
                let outputs = aggregates.into_iter().map(|a| parts.output(a)).collect::<Vec<_>>();
                let input = LogicalPlan::Project { input, columns: parts.columns };
                let groups = LogicalPlan::Aggregate {
                    input: Box::new(input),
                    keys,
                    grouping_sets,
                    aggregates: parts.aggregates,
                };
                let made = groups.columns().into_iter().filter(|c| !outputs.iter().any(|(def, _)| def.id == c.id));
                let mut columns: Vec<_> = made.map(|c| (c.clone(), Expr::column(c.id, c.dtype))).collect();
                columns.extend(outputs);
                Ok(LogicalPlan::Project { input: Box::new(groups), columns })
            }
            other => Ok(LogicalPlan::Aggregate { input: Box::new(other), keys, grouping_sets, aggregates }),
        },
        other => Ok(other),
    })
}

/// `column + constant`.
struct Shifted {
    column: ColumnId,
    dtype: DataType,
    constant: i128,
}

/// What an aggregate sums up, if it is such a sum.
fn shifted(aggregate: &Aggregate, columns: &[(ColumnDef, Expr)], one_group: bool) -> Option<Shifted> {
    let plain = aggregate.function == "sum" && !aggregate.distinct && aggregate.order_by.is_empty();
    let [(argument, _)] = aggregate.args.as_slice() else { return None };
    if !plain || aggregate.output.dtype != DataType::HugeInt {
        return None;
    }
    let (_, expr) = columns.iter().find(|(def, _)| def.id == *argument)?;
    // Constants may be added one after the other.
    let (mut inner, mut constants) = (expr, Vec::new());
    while let ExprKind::Call { function, args } = &inner.kind {
        let (below, constant) = match (function.as_str(), args.as_slice()) {
            ("+", [x, c]) | ("+", [c, x]) if integer(c).is_some() => (x, integer(c)?),
            ("-", [x, c]) => (x, -integer(c)?),
            _ => return None,
        };
        constants.push((constant, range(&inner.dtype)?));
        inner = below;
    }
    let column = match &inner.kind {
        ExprKind::Cast { arg, .. } => arg,
        _ => inner,
    };
    let (mut least, mut greatest) = range(&column.dtype)?;
    let (lowest, highest) = range(&inner.dtype)?;
    if least < lowest || greatest > highest || constants.is_empty() {
        return None;
    }
    let mut fits = true;
    for (constant, (lowest, highest)) in constants.iter().rev() {
        (least, greatest) = (least + constant, greatest + constant);
        fits &= least >= *lowest && greatest <= *highest;
    }
    let only_added = one_group && aggregate.filter.is_none() && !has_subtraction(expr);
    if !(fits || only_added && matches!(expr.dtype, TinyInt | SmallInt | Integer | BigInt)) {
        return None;
    }
    let constant = constants.iter().map(|(constant, _)| constant).sum();
    Some(Shifted { column: column.as_column()?, dtype: column.dtype.clone(), constant })
}

fn has_subtraction(expr: &Expr) -> bool {
    let mut found = false;
    expr.walk(&mut |e| found |= matches!(&e.kind, ExprKind::Call { function, .. } if function == "-"));
    found
}

fn integer(expr: &Expr) -> Option<i128> {
    match (&expr.kind, range(&expr.dtype)) {
        (ExprKind::Literal(Value::Int(value)), Some(_)) => Some(*value),
        _ => None,
    }
}

/// What is summed and counted instead.
struct Parts<'a> {
    columns: Vec<(ColumnDef, Expr)>,
    one_group: bool,
    aggregates: Vec<Aggregate>,
    context: &'a mut Context,
}

impl Parts<'_> {
    /// What an aggregate yields, computed from the parts; an aggregate that is no such sum is one of them.
    fn output(&mut self, aggregate: Aggregate) -> (ColumnDef, Expr) {
        let output = aggregate.output.clone();
        let Some(shifted) = shifted(&aggregate, &self.columns, self.one_group) else {
            let value = Expr::column(output.id, output.dtype.clone());
            self.aggregates.push(aggregate);
            return (output, value);
        };
        let huge = DataType::HugeInt;
        let sum = self.part("sum", &huge, &shifted, &aggregate);
        let count = self.part("count", &DataType::BigInt, &shifted, &aggregate);
        let count = Expr {
            kind: ExprKind::Cast { arg: Box::new(count), lenient: false },
            dtype: huge.clone(),
            span: aggregate.span,
        };
        let constant = Expr::literal(Value::Int(shifted.constant), huge.clone());
        let constants = Expr::call("*", vec![count, constant], huge.clone());
        (output, Expr::call("+", vec![sum, constants], huge))
    }

    /// An aggregate of the column itself, the one that is there already if there is one.
    fn part(&mut self, function: &str, dtype: &DataType, of: &Shifted, like: &Aggregate) -> Expr {
        let same = |a: &&Aggregate| {
            a.function == function
                && a.filter == like.filter
                && !a.distinct
                && a.order_by.is_empty()
                && a.args.first().is_some_and(|(id, _)| *id == of.column)
        };
        if let Some(known) = self.aggregates.iter().find(same) {
            return Expr::column(known.output.id, dtype.clone());
        }
        let name = format!("{function} part");
        if !self.columns.iter().any(|(def, _)| def.id == of.column) {
            let def = ColumnDef { id: of.column, name: name.clone(), dtype: of.dtype.clone() };
            self.columns.push((def, Expr::column(of.column, of.dtype.clone())));
        }
        let output = ColumnDef { id: self.context.fresh(), name, dtype: dtype.clone() };
        let mut part = Aggregate::plain(output.clone(), function, vec![(of.column, of.dtype.clone())]);
        (part.filter, part.span) = (like.filter, like.span);
        self.aggregates.push(part);
        Expr::column(output.id, dtype.clone())
    }
}
