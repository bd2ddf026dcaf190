//! Aggregate calls: their arguments, constants, order and filter.

use super::binder::{Binder, not_supported};
use super::call::no_match;
use super::coerce::{coerce, condition};
use super::expression::Clause;
use super::grouping::PendingAggregate;
use crate::functions::aggregates::{self, AggregateFunction, find_aggregate};
use crate::journal::ErrorCode;
use crate::plan::expr::{ColumnId, Expr, ExprKind};
use crate::plan::fold::fold_without_clock;
use crate::sql::diagnostic::{Diagnostic, Result, Span};
use crate::sql::{DataType, Value};
use sqlparser::ast::{self, DuplicateTreatment, FunctionArg, FunctionArgExpr, FunctionArguments};

/// A key of ORDER BY in a call.
#[derive(Debug, Clone)]
pub(super) struct CallOrder {
    pub key: Expr,
    pub descending: bool,
    pub nulls_first: bool,
}

/// The most values that `min(x, n)` and its like give, as in DuckDB.
const MOST_VALUES: i128 = 1_000_000;

/// What stands in the brackets of an aggregate call, and behind them.
#[derive(Default)]
struct Written<'q> {
    args: Vec<&'q ast::Expr>,
    distinct: bool,
    star: bool,
    order_by: Vec<&'q ast::OrderByExpr>,
    filter: Option<&'q ast::Expr>,
    separator: Option<String>,
}

fn written<'q>(call: &'q ast::Function, place: Option<Span>) -> Result<Written<'q>> {
    let mut written = Written { filter: call.filter.as_deref(), ..Written::default() };
    let list = match &call.args {
        FunctionArguments::None => return Ok(written),
        FunctionArguments::Subquery(_) => return Err(not_supported("a query as the argument of a function", place)),
        FunctionArguments::List(list) => list,
    };
    written.distinct = list.duplicate_treatment == Some(DuplicateTreatment::Distinct);
    for arg in &list.args {
        match arg {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => written.args.push(expr),
            FunctionArg::Unnamed(FunctionArgExpr::Wildcard) => written.star = true,
            _ => return Err(not_supported("named arguments", place)),
        }
    }
    for clause in &list.clauses {
        match clause {
            ast::FunctionArgumentClause::OrderBy(keys) => written.order_by.extend(keys),
            ast::FunctionArgumentClause::Where(filter) if written.filter.is_none() => written.filter = Some(filter),
            ast::FunctionArgumentClause::Separator(value) => match &value.value {
                ast::Value::SingleQuotedString(text) => written.separator = Some(text.clone()),
                _ => return Err(not_supported("a SEPARATOR that is no text", place)),
            },
            _ => return Err(not_supported("this clause inside the brackets of a call", place)),
        }
    }
    Ok(written)
}

/// The arguments of a call that takes nothing else in its brackets.
pub(super) fn list_of_arguments(call: &ast::Function, place: Option<Span>) -> Result<Vec<&ast::Expr>> {
    let written = written(call, place)?;
    if written.distinct || written.star || !written.order_by.is_empty() || written.separator.is_some() {
        return Err(not_supported("this form of a call", place));
    }
    Ok(written.args)
}

impl<'q> Binder<'q> {
    /// An aggregate call, remembered for the grouping of this SELECT, or of one around it if it aggregates nothing but columns of
    /// that: the answer is the column that it will yield.
    pub fn aggregate(
        &mut self,
        name: &str,
        call: &'q ast::Function,
        clause: Clause,
        place: Option<Span>,
    ) -> Result<Expr> {
        if self.scopes.len() < 2 {
            clause.allow_aggregate(place)?;
        }
        let pending = self.aggregate_call(name, call, Clause::AggregateArgument, place)?;
        self.remember(pending, clause, place)
    }

    /// The column of an aggregate that is computed with the others of its query.
    pub fn remember(&mut self, pending: PendingAggregate, clause: Clause, place: Option<Span>) -> Result<Expr> {
        let read = read_columns(&pending);
        let owner = self.scope_of(&read);
        let innermost = self.scopes.len().saturating_sub(1);
        let Some(scope) = self.scopes.get_mut(owner) else {
            return Err(Diagnostic::new(ErrorCode::ExpressionNotAggregate, "an aggregate cannot stand here").at(place));
        };
        if scope.aggregates.iter().any(|aggregate| read.contains(&aggregate.output.id)) {
            Clause::AggregateArgument.allow_aggregate(place)?;
        }
        match scope.clause.filter(|_| owner != innermost) {
            Some(around) => around.allow_aggregate(place)?,
            None if owner == innermost => clause.allow_aggregate(place)?,
            None => {
                let message = "an aggregate in FROM cannot fold the rows of what stands beside it";
                return Err(Diagnostic::new(ErrorCode::ExpressionNotAggregate, message)
                    .at(place)
                    .hint("put it in the select list, or group in a subquery"));
            }
        }
        scope.aggregate_uses += 1;
        let output = match scope.aggregates.iter().find(|known| known.same(&pending)) {
            Some(known) => known.output.clone(),
            None => {
                let output = pending.output.clone();
                scope.aggregates.push(pending);
                output
            }
        };
        Ok(Expr { kind: ExprKind::Column(output.id), dtype: output.dtype, span: place })
    }

    /// Which of the scopes has the rows that an aggregate folds: the innermost of those whose columns it reads; one that reads none
    /// belongs where it is written.
    fn scope_of(&self, read: &[ColumnId]) -> usize {
        let innermost = self.scopes.len().saturating_sub(1);
        let owner = (0..self.scopes.len()).rev().find(|scope| read.iter().any(|id| self.scopes[*scope].has(*id)));
        owner.unwrap_or(innermost)
    }

    /// The call with arguments bound in `inside`, whatever it is computed over: groups or the frames of a window.
    pub fn aggregate_call(
        &mut self,
        name: &str,
        call: &'q ast::Function,
        inside: Clause,
        place: Option<Span>,
    ) -> Result<PendingAggregate> {
        let mut written = written(call, place)?;
        let mut descending_argument = false;
        if let [key, rest @ ..] = &call.within_group[..] {
            match name {
                // The values are what is sorted.
                "mode" | "percentile_cont" | "percentile_disc" | "quantile_cont" | "quantile_disc" => {
                    if !rest.is_empty() || written.args.len() != (name != "mode") as usize {
                        let message = format!("{name} WITHIN GROUP sorts by one expression");
                        return Err(Diagnostic::new(ErrorCode::InvalidArguments, message).at(place));
                    }
                    written.args.insert(0, &key.expr);
                    descending_argument = key.options.sort == Some(ast::OrderBySort::Desc);
                }
                "string_agg" | "listagg" | "group_concat" | "list" | "array_agg" => {
                    written.order_by.extend(&call.within_group);
                }
                _ => {
                    let message = format!("{name} takes no WITHIN GROUP");
                    return Err(Diagnostic::new(ErrorCode::InvalidArguments, message)
                        .at(place)
                        .hint("percentile_cont, percentile_disc, mode, string_agg and list do"));
                }
            }
        }
        // A fraction of rows in descending order counts from the greatest value, whatever they are ordered by.
        if matches!(find_aggregate(name).map(|f| f.name), Some("quantile_cont" | "quantile_disc"))
            && written.order_by.first().is_some_and(|key| key.options.sort == Some(ast::OrderBySort::Desc))
        {
            descending_argument = true;
        }
        let filter = match written.filter {
            Some(filter) => Some(condition(self.expression(filter, inside)?, "FILTER")?),
            None => None,
        };
        if written.star && written.distinct {
            let message = format!("{name}(DISTINCT *) has no meaning");
            return Err(Diagnostic::new(ErrorCode::InvalidArguments, message)
                .at(place)
                .hint("count(DISTINCT (a, b)) counts different rows of two columns"));
        }
        let counts_rows = name == "count_star" || (name == "count" && written.args.is_empty());
        if written.star && !counts_rows {
            return Err(Diagnostic::new(ErrorCode::InvalidArguments, format!("{name}(*) has no meaning"))
                .at(place)
                .hint("only count takes *"));
        }
        let function: Option<&AggregateFunction> = find_aggregate(if counts_rows { "count_star" } else { name });
        let canonical = function.map_or(name, |f| f.name);
        let constants = aggregates::constant_arguments(canonical, written.args.len());
        let columns = written.args.len() - constants;
        let mut args = Vec::new();
        for (i, arg) in written.args.iter().copied().enumerate() {
            args.push(if i < columns { self.expression(arg, inside)? } else { self.constant(arg, name, inside)? });
        }
        if let Some(separator) = &written.separator {
            args.push(Expr::literal(Value::Varchar(separator.clone()), DataType::Varchar));
        }
        let types: Vec<DataType> = args.iter().map(|a| a.dtype.clone()).collect();
        let signature =
            aggregates::aggregate(canonical, &types).map_err(|mismatch| no_match(name, &types, mismatch, place))?;
        let order_by = self.call_order(&written, &args[..columns], canonical, inside)?;
        let mut args: Vec<Expr> = args.into_iter().zip(&signature.args).map(|(arg, to)| coerce(arg, to)).collect();
        let mut values = Vec::new();
        for constant in args.split_off(columns) {
            let place = constant.span.or(place);
            values
                .push(checked(canonical, fold_without_clock(constant), descending_argument).map_err(|e| e.at(place))?);
        }
        let distinct = written.distinct && !(aggregates::ignores_duplicates(canonical) && values.is_empty());
        Ok(PendingAggregate {
            output: self.column(super::naming::column_name(&ast::Expr::Function(call.clone())), signature.result),
            function: canonical.to_string(),
            args,
            distinct,
            filter,
            span: place,
            constants: values,
            order_by,
        })
    }

    /// A constant argument: `0.5`, `', '`, `[0.25, 0.75]`.
    fn constant(&mut self, arg: &'q ast::Expr, name: &str, inside: Clause) -> Result<Expr> {
        let place = self.span_of(arg);
        if let ast::Expr::Array(array) = arg {
            let mut items = Vec::new();
            for item in &array.elem {
                let item = fold_without_clock(coerce(self.constant(item, name, inside)?, &DataType::Double));
                match item.kind {
                    ExprKind::Literal(value) => items.push(value),
                    _ => return Err(not_constant(name).at(place)),
                }
            }
            return Ok(Expr::literal(Value::List(items), DataType::List(Box::new(DataType::Double))).at(place));
        }
        let bound = fold_without_clock(self.expression(arg, inside)?);
        match bound.kind {
            ExprKind::Literal(_) => Ok(bound.at(place)),
            _ => Err(not_constant(name).at(place)),
        }
    }

    /// ORDER BY in a call, where the answer depends on it.
    fn call_order(
        &mut self,
        written: &Written<'q>,
        args: &[Expr],
        function: &str,
        inside: Clause,
    ) -> Result<Vec<CallOrder>> {
        let mut order = Vec::new();
        for written_key in &written.order_by {
            let key = self.sort_expression(&written_key.expr, inside)?;
            if written.distinct && !args.iter().any(|arg| arg.same(&key)) {
                let message = "with DISTINCT, ORDER BY in an aggregate takes its arguments only";
                return Err(Diagnostic::new(ErrorCode::InvalidArguments, message).at(key.span));
            }
            let options = &written_key.options;
            order.push(CallOrder {
                descending: options.sort == Some(ast::OrderBySort::Desc),
                nulls_first: options.nulls_first.unwrap_or(false),
                key,
            });
        }
        // A constant orders nothing.
        order.retain(|o| !matches!(o.key.kind, ExprKind::Literal(_)));
        Ok(if aggregates::is_order_sensitive(function) { order } else { Vec::new() })
    }
}

/// The columns that the call reads, also in subqueries.
fn read_columns(pending: &PendingAggregate) -> Vec<ColumnId> {
    let mut read = Vec::new();
    for expr in pending.args.iter().chain(&pending.filter).chain(pending.order_by.iter().map(|order| &order.key)) {
        read.extend(expr.columns());
        expr.walk(&mut |part| read.extend(part.subquery().map(|plan| plan.outer_columns()).unwrap_or_default()));
    }
    read
}

fn not_constant(name: &str) -> Diagnostic {
    Diagnostic::new(ErrorCode::InvalidArguments, format!("this argument of {name} must be a constant"))
}

/// The value of a constant argument that has been cast to its type. `descending` counts fractions from the greatest value.
fn checked(function: &str, constant: Expr, descending: bool) -> Result<Value> {
    let ExprKind::Literal(value) = constant.kind else { return Err(not_constant(function)) };
    let wrong = |message: String| Err(Diagnostic::new(ErrorCode::InvalidArguments, message));
    let fraction = |value: &Value| match value {
        Value::Float(fraction) if (-1.0..=1.0).contains(fraction) => {
            Ok(Value::Float(if descending { -fraction } else { *fraction }))
        }
        Value::Null => Err(Diagnostic::new(ErrorCode::InvalidArguments, format!("the fraction of {function} is NULL"))),
        _ => Err(Diagnostic::new(
            ErrorCode::InvalidArguments,
            format!("the fraction of {function} must be between -1 and 1"),
        )),
    };
    match (function, &value) {
        ("quantile_cont" | "quantile_disc" | "approx_quantile", Value::List(items)) => {
            let fractions = items.iter().map(fraction).collect::<Result<Vec<Value>>>()?;
            let is_negative = |v: &Value| matches!(v, Value::Float(f) if *f < 0.0);
            let is_positive = |v: &Value| matches!(v, Value::Float(f) if *f > 0.0);
            if fractions.iter().any(is_negative) && fractions.iter().any(is_positive) {
                return wrong(format!("the fractions of {function} must all count from the same end"));
            }
            Ok(Value::List(fractions))
        }
        ("quantile_cont" | "quantile_disc" | "approx_quantile", one) => fraction(one),
        ("min" | "max" | "arg_min" | "arg_max" | "approx_top_k", count) => match count {
            Value::Int(count) if (1..MOST_VALUES).contains(count) => Ok(value),
            Value::Int(count) if *count < 1 => wrong(format!("{function} gives at least one value")),
            Value::Int(_) => wrong(format!("{function} gives fewer than {MOST_VALUES} values")),
            _ => wrong(format!("how many values {function} gives is NULL")),
        },
        _ => Ok(value),
    }
}
