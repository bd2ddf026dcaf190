//! Subqueries in the expressions of an operator: each becomes a join with the operator's input that provides its value.

use super::decorrelate::{Independent, decorrelate, is_one_row, one_row, only_whether, over};
use super::{conjuncts, depends, filtered, join, may_fail, unnest};
use crate::plan::expr::{ColumnDef, Expr, ExprKind};
use crate::plan::logical::{Aggregate, JoinKind, LogicalPlan};
use crate::plan::optimize::{Context, simplify};
use crate::sql::diagnostic::Result;
use crate::sql::{DataType, Span, Value};

/// The rows of `input` for which `predicate`, which has subqueries, is true; with more columns than the input had.
pub fn filter(input: LogicalPlan, predicate: Expr, context: &mut Context) -> Result<LogicalPlan> {
    // What has no subquery comes first: then a subquery is asked about fewer rows.
    let (first, later): (Vec<Expr>, Vec<Expr>) =
        conjuncts(predicate).into_iter().partition(|part| !part.has_subquery() && !may_fail(part));
    let mut joined = filtered(input, first);
    let mut kept = Vec::new();
    for part in later {
        joined = match conjunct(part, joined, context)? {
            Conjunct::Joined(plan) => plan,
            Conjunct::Other(part, plan) => {
                kept.push(part);
                plan
            }
        };
    }
    Ok(filtered(joined, kept))
}

enum Conjunct {
    /// The join keeps just the rows for which the part is true.
    Joined(LogicalPlan),
    /// The part without its subqueries, and what provides their values.
    Other(Expr, LogicalPlan),
}

/// A subquery that is a whole conjunct of a filter only keeps or drops rows: a semi or anti join. (`NOT IN` is not an
/// anti join: a NULL on either side makes it unknown; it takes the general way, by a mark.)
fn conjunct(part: Expr, input: LogicalPlan, context: &mut Context) -> Result<Conjunct> {
    let span = part.span;
    match part.kind {
        ExprKind::InSubquery { arg, plan, negated: false } => {
            let (arg, input) = replace(*arg, input, context)?;
            let condition = equals_first_column(arg, &plan);
            semi_join(input, *plan, Some(condition), JoinKind::Semi, context).map(Conjunct::Joined)
        }
        ExprKind::AnySubquery { condition, plan } => {
            let (condition, input) = replace(*condition, input, context)?;
            semi_join(input, *plan, Some(condition), JoinKind::Semi, context).map(Conjunct::Joined)
        }
        ExprKind::Exists { plan, negated } => {
            let kind = if negated { JoinKind::Anti } else { JoinKind::Semi };
            semi_join(input, *plan, None, kind, context).map(Conjunct::Joined)
        }
        ExprKind::Not(arg) if matches!(arg.kind, ExprKind::Exists { .. }) => {
            let ExprKind::Exists { plan, negated } = arg.kind else { return Ok(Conjunct::Other(*arg, input)) };
            let part = Expr { kind: ExprKind::Exists { plan, negated: !negated }, dtype: DataType::Boolean, span };
            conjunct(part, input, context)
        }
        kind => {
            let part = Expr { kind, ..part };
            // Where NULL drops the row anyway, a row without a value need not be kept.
            let compared = compared_subquery(&part);
            let (part, plan) = replace_compared(part, input, compared, context)?;
            Ok(Conjunct::Other(part, plan))
        }
    }
}

/// Whether the part is a comparison of a scalar subquery, as it is or in arithmetic, with something else: NULL then drops the row.
fn compared_subquery(part: &Expr) -> bool {
    let strict = |function: &str| matches!(function, "+" | "-" | "*" | "/" | "neg");
    fn only_strict(expr: &Expr, strict: &impl Fn(&str) -> bool) -> bool {
        match &expr.kind {
            ExprKind::ScalarSubquery(_) | ExprKind::Column(_) | ExprKind::Literal(_) => true,
            ExprKind::Cast { arg, lenient: false } => only_strict(arg, strict),
            ExprKind::Call { function, args } => strict(function) && args.iter().all(|a| only_strict(a, strict)),
            _ => false,
        }
    }
    match &part.kind {
        ExprKind::Call { function, args } => {
            matches!(function.as_str(), "=" | "<>" | "<" | "<=" | ">" | ">=")
                && args.iter().filter(|a| a.has_subquery()).all(|a| only_strict(a, &strict))
        }
        _ => false,
    }
}

fn semi_join(
    input: LogicalPlan,
    plan: LogicalPlan,
    condition: Option<Expr>,
    kind: JoinKind,
    context: &mut Context,
) -> Result<LogicalPlan> {
    let mut plan = prepared(plan, context)?;
    if condition.is_none() {
        plan = match only_whether(plan) {
            Some(plan) => plan,
            None => return Ok(filtered(input, vec![Expr::boolean(kind == JoinKind::Semi)])),
        };
    }
    let inner = decorrelate(plan, &input, context)?;
    let mut on: Vec<Expr> = condition.map(|c| over(&inner.outputs, c)).into_iter().collect();
    on.extend(inner.conditions);
    if on.is_empty() {
        let first = LogicalPlan::Limit { input: Box::new(inner.plan), limit: Some(1), offset: 0 };
        return Ok(join(input, first, kind, Some(Expr::boolean(true))));
    }
    Ok(join(input, inner.plan, kind, Some(Expr::and(on))))
}

/// Replaces every subquery in `expr` by a column that a join with `input` provides.
pub fn replace(expr: Expr, input: LogicalPlan, context: &mut Context) -> Result<(Expr, LogicalPlan)> {
    replace_compared(expr, input, false, context)
}

/// As [`replace`]. Where `compared`, rows for which a scalar subquery is NULL may be dropped.
fn replace_compared(
    mut expr: Expr,
    mut input: LogicalPlan,
    compared: bool,
    context: &mut Context,
) -> Result<(Expr, LogicalPlan)> {
    for child in expr.children_mut() {
        let taken = std::mem::replace(child, Expr::boolean(true));
        let (replaced, plan) = replace_compared(taken, input, compared, context)?;
        *child = replaced;
        input = plan;
    }
    let span = expr.span;
    match expr.kind {
        ExprKind::ScalarSubquery(plan) => scalar(*plan, input, span, compared, context),
        ExprKind::InSubquery { arg, plan, negated } => {
            let condition = equals_first_column(*arg, &plan);
            let (value, plan) = mark(condition, *plan, input, span, context)?;
            let value = match negated {
                true => Expr { kind: ExprKind::Not(Box::new(value)), dtype: DataType::Boolean, span },
                false => value,
            };
            Ok((value, plan))
        }
        ExprKind::AnySubquery { condition, plan } => mark(*condition, *plan, input, span, context),
        ExprKind::Exists { plan, negated } => exists(*plan, negated, input, span, context),
        kind => Ok((Expr { kind, ..expr }, input)),
    }
}

/// The subquery's plan without subqueries of its own.
fn prepared(plan: LogicalPlan, context: &mut Context) -> Result<LogicalPlan> {
    let plan = simplified(plan, context)?;
    simplified(unnest(plan, context)?, context)
}

/// The plan with its conditions in their simplest form: what an OR's arms share can then tie a subquery to the query around it.
pub fn simplified(plan: LogicalPlan, context: &mut Context) -> Result<LogicalPlan> {
    simplify::simplify(plan, context)
}

fn scalar(
    plan: LogicalPlan,
    input: LogicalPlan,
    span: Option<Span>,
    compared: bool,
    context: &mut Context,
) -> Result<(Expr, LogicalPlan)> {
    let plan = prepared(plan, context)?;
    let columns = input.columns().iter().map(|c| c.id).collect();
    if !depends(&plan, &columns) {
        let column = plan.columns().into_iter().next().expect("the binder checked that it has one column");
        return Ok((Expr::column(column.id, column.dtype).at(span), join(input, plan, JoinKind::Single, None)));
    }
    if let LogicalPlan::Project { input: below, columns } = &plan
        && matches!(&**below, LogicalPlan::Values { columns, rows } if columns.is_empty() && rows.len() == 1)
    {
        return Ok((columns[0].1.clone(), input));
    }
    if is_one_row(&plan) {
        let inner = one_row(plan, &input, context)?;
        let (_, value) = inner.outputs.into_iter().next().expect("the binder checked that it has one column");
        let kind = match inner.on {
            None => JoinKind::Single,
            Some(_) if compared && !inner.counts && value.as_column().is_some() => JoinKind::Inner,
            Some(_) => JoinKind::Left,
        };
        return Ok((value.at(span), join(input, inner.plan, kind, inner.on)));
    }
    let inner = decorrelate(plan, &input, context)?.nullable(&input, context);
    let (_, value) = inner.outputs.into_iter().next().expect("the binder checked that it has one column");
    let on = if inner.conditions.is_empty() { None } else { Some(Expr::and(inner.conditions)) };
    Ok((value.at(span), join(input, inner.plan, JoinKind::Single, on)))
}

/// Whether `condition` is true of a row of the subquery: a mark.
fn mark(
    condition: Expr,
    plan: LogicalPlan,
    input: LogicalPlan,
    span: Option<Span>,
    context: &mut Context,
) -> Result<(Expr, LogicalPlan)> {
    let plan = prepared(plan, context)?;
    let inner = decorrelate(plan, &input, context)?;
    let mark = context.fresh();
    let on = inner.marked(Some(condition));
    let value = Expr::column(mark, DataType::Boolean).at(span);
    Ok((value, join(input, inner.plan, JoinKind::Mark(mark), Some(Expr::and(on)))))
}

fn exists(
    plan: LogicalPlan,
    negated: bool,
    input: LogicalPlan,
    span: Option<Span>,
    context: &mut Context,
) -> Result<(Expr, LogicalPlan)> {
    let Some(plan) = only_whether(prepared(plan, context)?) else {
        return Ok((Expr::boolean(!negated).at(span), input));
    };
    let inner = decorrelate(plan, &input, context)?;
    if inner.conditions.is_empty() {
        return Ok(first_row(inner, negated, input, span, context));
    }
    let mark = context.fresh();
    let on = inner.marked(None);
    let value = Expr::column(mark, DataType::Boolean).at(span);
    let value = match negated {
        true => Expr { kind: ExprKind::Not(Box::new(value)), dtype: DataType::Boolean, span },
        false => value,
    };
    Ok((value, join(input, inner.plan, JoinKind::Mark(mark), Some(Expr::and(on)))))
}

/// EXISTS of a subquery that stands alone: one row, one column, whether there is a first row.
fn first_row(
    inner: Independent,
    negated: bool,
    input: LogicalPlan,
    span: Option<Span>,
    context: &mut Context,
) -> (Expr, LogicalPlan) {
    let first = LogicalPlan::Limit { input: Box::new(inner.plan), limit: Some(1), offset: 0 };
    let count = ColumnDef { id: context.fresh(), name: "count_star()".into(), dtype: DataType::BigInt };
    let counted = LogicalPlan::Aggregate {
        input: Box::new(first),
        keys: vec![],
        grouping_sets: None,
        aggregates: vec![Aggregate { span, ..Aggregate::plain(count.clone(), "count_star", vec![]) }],
    };
    let zero = Expr::literal(Value::Int(0), DataType::BigInt);
    let operator = if negated { "=" } else { ">" };
    let value = Expr::call(operator, vec![Expr::column(count.id, count.dtype), zero], DataType::Boolean).at(span);
    (value, join(input, counted, JoinKind::Cross, None))
}

fn equals_first_column(arg: Expr, plan: &LogicalPlan) -> Expr {
    let column = plan.columns().into_iter().next().expect("the binder checked that it has one column");
    let span = arg.span;
    Expr::call("=", vec![arg, Expr::column(column.id, column.dtype)], DataType::Boolean).at(span)
}
