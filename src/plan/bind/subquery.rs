//! Subqueries inside expressions. Correlated ones simply read columns of the queries around them.

use super::binder::{Binder, not_supported};
use super::call::scalar;
use super::coerce::{coerce, is_text_literal};
use super::expression::Clause;
use super::query::Bound;
use crate::functions::common_type;
use crate::journal::ErrorCode;
use crate::plan::expr::{Expr, ExprKind};
use crate::plan::logical::{Aggregate, LogicalPlan, SortKey};
use crate::sql::diagnostic::{Diagnostic, Result, Span};
use crate::sql::{DataType, Value};
use sqlparser::ast;

impl<'q> Binder<'q> {
    /// `(SELECT ...)` as a value.
    pub fn scalar_subquery(&mut self, query: &'q ast::Query) -> Result<Expr> {
        let place = self.span_of(query);
        let (plan, dtype) = self.one_column(query, place)?;
        Ok(Expr { kind: ExprKind::ScalarSubquery(Box::new(plan)), dtype, span: place })
    }

    /// `[NOT] EXISTS (SELECT ...)`.
    pub fn exists(&mut self, query: &'q ast::Query, negated: bool) -> Result<Expr> {
        let place = self.span_of(query);
        let plan = Box::new(self.query(query)?.plan);
        Ok(Expr { kind: ExprKind::Exists { plan, negated }, dtype: DataType::Boolean, span: place })
    }

    /// `x [NOT] IN (SELECT ...)`.
    pub fn in_subquery(
        &mut self,
        arg: &'q ast::Expr,
        query: &'q ast::Query,
        negated: bool,
        clause: Clause,
    ) -> Result<Expr> {
        if row_parts(arg).is_some() {
            let found = self.any_subquery(arg, "=", query, clause)?;
            return Ok(if negated { super::expression::not(found) } else { found });
        }
        let arg = self.expression(arg, clause)?;
        let place = self.span_of(query);
        let (mut plan, dtype) = self.one_column(query, place)?;
        let common = if is_text_literal(&arg) { Some(dtype.clone()) } else { common_type(&arg.dtype, &dtype) };
        let Some(common) = common else {
            let message = format!("IN compares {} with {dtype}", arg.dtype);
            return Err(Diagnostic::new(ErrorCode::TypeMismatch, message)
                .at(arg.span)
                .hint("CAST one of them to the type of the other"));
        };
        if common != dtype
            && let Some(column) = plan.columns().first().cloned()
        {
            let cast = coerce(Expr::column(column.id, column.dtype), &common);
            let def = self.column(column.name, common.clone());
            plan = LogicalPlan::Project { input: Box::new(plan), columns: vec![(def, cast)] };
        }
        let span = arg.span.zip(place).map(|(a, b)| a.to(b));
        let kind = ExprKind::InSubquery { arg: Box::new(coerce(arg, &common)), plan: Box::new(plan), negated };
        Ok(Expr { kind, dtype: DataType::Boolean, span })
    }

    /// `x op ANY (SELECT ...)`, also of rows: `(a, b) op ANY (SELECT x, y ...)`.
    pub fn any_subquery(
        &mut self,
        arg: &'q ast::Expr,
        op: &str,
        query: &'q ast::Query,
        clause: Clause,
    ) -> Result<Expr> {
        let parts = row_parts(arg).unwrap_or_else(|| vec![arg]);
        let args = parts.into_iter().map(|part| self.expression(part, clause)).collect::<Result<Vec<_>>>()?;
        let place = self.span_of(query);
        let bound = self.query(query)?;
        if bound.output.len() != args.len() {
            return Err(wrong_columns(bound.output.len(), args.len(), place));
        }
        let bound = self.exact(bound, None)?;
        let columns: Vec<Expr> =
            bound.output.iter().map(|c| Expr::column(c.column, c.dtype.clone()).at(place)).collect();
        let span = self.span_of(arg).zip(place).map(|(a, b)| a.to(b));
        let condition = Box::new(compare_rows(op, &args, &columns, span)?);
        let kind = ExprKind::AnySubquery { condition, plan: Box::new(bound.plan) };
        Ok(Expr { kind, dtype: DataType::Boolean, span })
    }

    /// `x op ALL (SELECT ...)`: there is no row of which the opposite is true, or unknown.
    pub fn all_subquery(
        &mut self,
        arg: &'q ast::Expr,
        op: &str,
        query: &'q ast::Query,
        clause: Clause,
    ) -> Result<Expr> {
        let opposite = match op {
            "=" => "<>",
            "<>" => "=",
            "<" => ">=",
            "<=" => ">",
            ">" => "<=",
            _ => "<",
        };
        Ok(super::expression::not(self.any_subquery(arg, opposite, query, clause)?))
    }

    /// `array(SELECT ...)`: the values of the one column in the order of the query; an empty list if there are none.
    pub fn array_of(&mut self, query: &'q ast::Query) -> Result<Expr> {
        let place = self.span_of(query);
        let bound: Bound = self.query(query)?;
        let [column] = &bound.output[..] else {
            return Err(wrong_columns(bound.output.len(), 1, place));
        };
        let item = (column.column, column.dtype.clone());
        // Keys of ORDER BY that are not shown are below the last projection.
        let input = match bound.plan {
            LogicalPlan::Project { input, columns }
                if matches!(*input, LogicalPlan::Sort { .. } | LogicalPlan::Limit { .. })
                    && columns.iter().all(|(def, value)| value.as_column() == Some(def.id)) =>
            {
                *input
            }
            plan => plan,
        };
        let present = input.columns();
        let dtype_of = |key: &SortKey| present.iter().find(|c| c.id == key.column).map(|c| c.dtype.clone());
        let order_by = order_of(&input).iter().filter_map(|key| Some((*key, dtype_of(key)?))).collect();
        let dtype = item.1.clone().list_of();
        let output = self.column("array", dtype.clone());
        let list = Aggregate { order_by, span: place, ..Aggregate::plain(output, "list", vec![item]) };
        let plan = LogicalPlan::Aggregate {
            input: Box::new(input),
            keys: Vec::new(),
            grouping_sets: None,
            aggregates: vec![list],
        };
        let values = Expr { kind: ExprKind::ScalarSubquery(Box::new(plan)), dtype: dtype.clone(), span: place };
        scalar("coalesce", vec![values, Expr::literal(Value::List(Vec::new()), dtype)], place)
    }

    /// A plan of exactly one column, with its type.
    fn one_column(&mut self, query: &'q ast::Query, place: Option<Span>) -> Result<(LogicalPlan, DataType)> {
        let bound: Bound = self.query(query)?;
        let [column] = &bound.output[..] else {
            return Err(wrong_columns(bound.output.len(), 1, place));
        };
        let dtype = column.dtype.clone();
        Ok((self.exact(bound, None)?.plan, dtype))
    }
}

/// The keys that the rows of a plan are sorted by.
fn order_of(plan: &LogicalPlan) -> &[SortKey] {
    match plan {
        LogicalPlan::Sort { keys, .. } => keys,
        LogicalPlan::Limit { input, .. } | LogicalPlan::Project { input, .. } => order_of(input),
        _ => &[],
    }
}

fn wrong_columns(found: usize, expected: usize, place: Option<Span>) -> Diagnostic {
    let expected = if expected == 1 { "one is".to_string() } else { format!("{expected} are") };
    let message = format!("the subquery has {} where {expected} expected", super::query::columns(found));
    Diagnostic::new(ErrorCode::TypeMismatch, message).at(place)
}

/// The parts of a row as it is written: `(a, b)` or `row(a, b)`.
fn row_parts(expr: &ast::Expr) -> Option<Vec<&ast::Expr>> {
    match expr {
        ast::Expr::Tuple(parts) if parts.len() > 1 => Some(parts.iter().collect()),
        ast::Expr::Nested(inner) => row_parts(inner),
        ast::Expr::Function(function) if function.name.to_string().eq_ignore_ascii_case("row") => {
            let ast::FunctionArguments::List(list) = &function.args else { return None };
            let parts = list.args.iter().map(|arg| match arg {
                ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Expr(expr)) => Some(expr),
                _ => None,
            });
            parts.collect::<Option<Vec<_>>>().filter(|parts| parts.len() > 1)
        }
        _ => None,
    }
}

/// Two rows, compared part by part from the left, with NULL logic.
fn compare_rows(op: &str, left: &[Expr], right: &[Expr], span: Option<Span>) -> Result<Expr> {
    let pair = |op: &str, i: usize| scalar(op, vec![left[i].clone(), right[i].clone()], span);
    let all_equal = |count: usize| (0..count).map(|i| pair("=", i)).collect::<Result<Vec<_>>>().map(Expr::and);
    match op {
        _ if left.len() == 1 => pair(op, 0),
        "=" => all_equal(left.len()),
        "<>" => Ok(super::expression::not(all_equal(left.len())?)),
        _ => {
            let error = not_supported(format!("rows compared by {op}"), span);
            Err(error.hint("rows are compared by = and <>; write the parts out: a > x OR (a = x AND b > y)"))
        }
    }
}
