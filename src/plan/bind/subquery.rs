//! Subqueries inside expressions. Correlated ones simply read columns of the queries around them.

use super::binder::{Binder, not_supported};
use super::coerce::{coerce, is_text_literal};
use super::expression::Clause;
use super::query::Bound;
use crate::functions::equality_type;
use crate::journal::ErrorCode;
use crate::plan::expr::{Expr, ExprKind};
use crate::plan::logical::LogicalPlan;
use crate::sql::DataType;
use crate::sql::diagnostic::{Diagnostic, Result, Span};
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
        if let ast::Expr::Tuple(_) = arg {
            return Err(not_supported("rows as values", self.span_of(arg)));
        }
        let arg = self.expression(arg, clause)?;
        let place = self.span_of(query);
        let (mut plan, dtype) = self.one_column(query, place)?;
        let common = if is_text_literal(&arg) { Some(dtype.clone()) } else { equality_type(&arg.dtype, &dtype) };
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

    /// A plan of exactly one column, with its type.
    fn one_column(&mut self, query: &'q ast::Query, place: Option<Span>) -> Result<(LogicalPlan, DataType)> {
        let bound: Bound = self.query(query)?;
        let [column] = &bound.output[..] else {
            let message = format!("the subquery has {} columns where one is expected", bound.output.len());
            return Err(Diagnostic::new(ErrorCode::TypeMismatch, message).at(place));
        };
        let dtype = column.dtype.clone();
        Ok((self.exact(bound, None)?.plan, dtype))
    }
}
