//! Functions that take a lambda: `list_transform(l, lambda x: x + 1)`, also written `x -> x + 1`.

use super::binder::{Binder, not_supported};
use super::call::scalar;
use super::coerce::{cast, coerce, condition, is_text_literal};
use super::expression::Clause;
use super::scope::ScopeColumn;
use crate::functions::common_type;
use crate::journal::ErrorCode;
use crate::plan::expr::{ColumnDef, Expr, ExprKind};
use crate::sql::diagnostic::{Diagnostic, Result, Span};
use crate::sql::{DataType, Value};
use sqlparser::ast::{self, FunctionArg, FunctionArgExpr, LambdaFunction, OneOrManyWithParens};

/// The canonical name of a function that takes a lambda.
pub(super) fn canonical(name: &str) -> Option<&'static str> {
    Some(match name {
        "list_transform" | "array_transform" | "list_apply" | "array_apply" | "apply" | "transform" => "list_transform",
        "list_filter" | "array_filter" | "filter" => "list_filter",
        "list_reduce" | "array_reduce" | "reduce" => "list_reduce",
        "any_match" => "any_match",
        "all_match" => "all_match",
        "none_match" => "none_match",
        _ => return None,
    })
}

impl<'q> Binder<'q> {
    /// A call of one of these functions.
    pub fn lambda_call(
        &mut self,
        function: &'static str,
        args: &'q [FunctionArg],
        place: Option<Span>,
        clause: Clause,
    ) -> Result<Expr> {
        let wrong = |what: &str| {
            let hint = match function {
                "list_reduce" => "list_reduce([1, 2], lambda a, b: a + b)".to_string(),
                _ => format!("{function}([1, 2], lambda x: x > 1)"),
            };
            Diagnostic::new(ErrorCode::InvalidArguments, format!("{function} takes {what}")).at(place).hint(hint)
        };
        let mut plain = Vec::with_capacity(args.len());
        for arg in args {
            match arg {
                FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => plain.push(expr),
                _ => return Err(wrong("a list and a lambda")),
            }
        }
        let (list, lambda, initial) = match &plain[..] {
            [list, ast::Expr::Lambda(lambda)] => (*list, lambda, None),
            [list, ast::Expr::Lambda(lambda), initial] if function == "list_reduce" => (*list, lambda, Some(*initial)),
            _ => return Err(wrong("a list and a lambda")),
        };
        let list = self.expression(list, clause)?;
        let list = if list.dtype == DataType::Null { coerce(list, &DataType::Null.list_of()) } else { list };
        let DataType::List(item) = &list.dtype else {
            let message = format!("{function} needs a list, and this is {}", list.dtype);
            return Err(Diagnostic::new(ErrorCode::TypeMismatch, message).at(list.span.or(place)));
        };
        let item = (**item).clone();
        let mut initial = initial.map(|initial| self.expression(initial, clause)).transpose()?;
        if function != "list_reduce" {
            let (params, body) = self.lambda_body(lambda, &[item.clone(), DataType::BigInt], clause)?;
            let (body, dtype) = match function {
                "list_transform" => {
                    let dtype = body.dtype.clone().list_of();
                    (body, dtype)
                }
                "list_filter" => (condition(body, "the lambda")?, list.dtype.clone()),
                _ => (condition(body, "the lambda")?, DataType::Boolean),
            };
            return Ok(finish(function, list, params, body, None, dtype, place));
        }
        // What is reduced so far has the type of the start (without one, of the elements), or one that the body makes wider.
        let mut state = initial.as_ref().map_or(item.clone(), |initial| initial.dtype.clone());
        // Without a start the first element is the first state, so both have one type.
        let mut element = item;
        loop {
            let (params, body) =
                self.lambda_body(lambda, &[state.clone(), element.clone(), DataType::BigInt], clause)?;
            let wider = common_type(&state, &body.dtype);
            if wider.is_none() && initial.is_some() && !is_text_literal(&body) {
                let message = format!("the start is {state}, and the lambda gives {}", body.dtype);
                let error = Diagnostic::new(ErrorCode::TypeMismatch, message).at(body.span.or(place));
                return Err(error.hint("CAST one of them to the type of the other"));
            }
            match wider.filter(|wider| *wider != state) {
                Some(wider) if body.dtype != DataType::Varchar => {
                    state = wider;
                    if initial.is_none() {
                        element = state.clone();
                    }
                }
                _ => {
                    let body = cast(body, state.clone(), false)?;
                    let list = coerce(list, &element.list_of());
                    initial = initial.map(|initial| coerce(initial, &state));
                    return Ok(finish(function, list, params, body, initial, state, place));
                }
            }
        }
    }

    /// `column -> path`: the parser takes it for a lambda; where none is asked for it looks into JSON.
    pub fn arrow(&mut self, lambda: &'q LambdaFunction, clause: Clause) -> Result<Expr> {
        let (OneOrManyWithParens::One(param), ast::LambdaSyntax::Arrow) = (&lambda.params, &lambda.syntax) else {
            let place = self.span_of(&*lambda.body);
            let error = Diagnostic::new(ErrorCode::InvalidArguments, "a lambda stands only in a call that takes one");
            return Err(error.at(place).hint("such as list_transform([1, 2], lambda x: x + 1)"));
        };
        let json = self.identifier(&param.name, clause)?;
        let path = self.expression(&lambda.body, clause)?;
        let place = json.span.zip(path.span).map(|(a, b)| a.to(b));
        scalar("json_extract", vec![json, path], place)
    }

    /// `x = ANY(list)`, `x < ALL(list)`: whether the comparison is true of any, or of all, elements. NULL is an empty list.
    pub fn quantified_list(
        &mut self,
        left: &'q ast::Expr,
        op: &str,
        list: &'q ast::Expr,
        all: bool,
        clause: Clause,
    ) -> Result<Expr> {
        let left = self.expression(left, clause)?;
        let list = self.expression(list, clause)?;
        let list = if list.dtype == DataType::Null { coerce(list, &DataType::Null.list_of()) } else { list };
        let Some(item) = list.dtype.item().filter(|_| matches!(list.dtype, DataType::List(_))) else {
            let message = format!("ANY and ALL take a query or a list, and this is {}", list.dtype);
            return Err(Diagnostic::new(ErrorCode::TypeMismatch, message).at(list.span));
        };
        let place = left.span.zip(list.span).map(|(a, b)| a.to(b));
        let empty = Expr::literal(Value::List(vec![]), list.dtype.clone());
        let dtype = list.dtype.clone();
        let list = Expr::call("coalesce", vec![list, empty], dtype);
        let param = self.column("element", item.clone());
        let body = scalar(op, vec![left, Expr::column(param.id, item)], place)?;
        let function = if all { "all_match" } else { "any_match" };
        Ok(finish(function, list, vec![param], body, None, DataType::Boolean, place))
    }

    /// The parameters and the bound body of a lambda whose parameters have these types, of which it may name the first few.
    fn lambda_body(
        &mut self,
        lambda: &'q LambdaFunction,
        types: &[DataType],
        clause: Clause,
    ) -> Result<(Vec<ColumnDef>, Expr)> {
        let names: Vec<&ast::Ident> = match &lambda.params {
            OneOrManyWithParens::One(param) => vec![&param.name],
            OneOrManyWithParens::Many(params) => params.iter().map(|param| &param.name).collect(),
        };
        let least = types.len() - 1;
        if names.len() < least || names.len() > types.len() {
            let message =
                format!("the lambda has {} parameters, and {least} or {} are given to it", names.len(), types.len());
            let place = names.first().and_then(|name| self.span(name.span));
            return Err(Diagnostic::new(ErrorCode::InvalidArguments, message).at(place));
        }
        let params: Vec<ColumnDef> =
            names.iter().zip(types).map(|(name, t)| self.column(name.value.clone(), t.clone())).collect();
        let known = self.params.len();
        self.params.extend(params.iter().map(|p| ScopeColumn::plain(p.name.clone(), p.id, p.dtype.clone())));
        let bound = self.expression(&lambda.body, clause);
        self.params.truncate(known);
        let body = bound?;
        let mut subquery = None;
        body.walk(&mut |e| {
            if e.subquery().is_some() {
                subquery = Some(e.span.or(body.span));
            }
        });
        match subquery {
            Some(place) => Err(not_supported("a subquery in a lambda", place)),
            None => Ok((params, body)),
        }
    }
}

fn finish(
    function: &str,
    list: Expr,
    params: Vec<ColumnDef>,
    body: Expr,
    initial: Option<Expr>,
    dtype: DataType,
    span: Option<Span>,
) -> Expr {
    let kind = ExprKind::Lambda {
        function: function.to_string(),
        list: Box::new(list),
        params,
        body: Box::new(body),
        initial: initial.map(Box::new),
    };
    Expr { kind, dtype, span }
}
