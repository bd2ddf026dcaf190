//! CREATE MACRO: expressions and queries with parameters, put in the place of their calls before a statement is bound.

use super::diagnostic::{Diagnostic, Result, Span};
use super::own_statement::Cursor;
use super::parse::{parse_expression, parse_macro_body, parse_query};
use super::statement::{Change, CopySource, Statement};
use crate::journal::ErrorCode;
use sqlparser::ast::{self, Expr, FunctionArg, FunctionArgExpr, FunctionArguments, Spanned, VisitMut, VisitorMut};
use sqlparser::tokenizer::Token;
use std::collections::BTreeMap;
use std::ops::ControlFlow;

/// How many calls of macros a statement may have, those inside of macros counted: one that calls itself has no end.
const MOST_CALLS: usize = 500;

/// An expression or a query with parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Macro {
    pub name: String,
    /// Their names, each with the text of its default.
    pub parameters: Vec<(String, Option<String>)>,
    /// The text of the expression or the query.
    pub body: String,
    /// Whether it stands in FROM.
    pub is_table: bool,
}

/// The macros of a session. A function and a table function may have the same name.
#[derive(Debug, Clone, Default)]
pub struct Macros(BTreeMap<(bool, String), Macro>);

impl Macros {
    /// Whether there is one of that name.
    pub fn contains(&self, name: &str, is_table: bool) -> bool {
        self.0.contains_key(&(is_table, name.to_lowercase()))
    }

    /// Adds one, or replaces the one of its name.
    pub fn insert(&mut self, new: Macro) {
        self.0.insert((new.is_table, new.name.to_lowercase()), new);
    }

    /// Forgets one; whether it was there.
    pub fn remove(&mut self, name: &str, is_table: bool) -> bool {
        self.0.remove(&(is_table, name.to_lowercase())).is_some()
    }

    /// The names of all of them.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.values().map(|known| known.name.as_str())
    }

    /// Puts their bodies in the place of their calls. INVALID_ARGUMENTS for arguments that do not fit, and for a macro that
    /// has no end; `span` finds the place of a parser's span.
    pub fn expand(
        &self,
        statement: &mut Statement,
        span: impl Fn(sqlparser::tokenizer::Span) -> Option<Span>,
    ) -> Result<()> {
        if self.0.is_empty() {
            return Ok(());
        }
        let mut expansion = Expansion { macros: self, calls: 0 };
        let visited = match statement {
            Statement::Query(query)
            | Statement::Explain { query, .. }
            | Statement::Compare { query, .. }
            | Statement::DescribeQuery { query } => query.visit(&mut expansion),
            Statement::Change(Change { statement, .. })
            | Statement::ExplainChange { change: Change { statement, .. }, .. } => statement.visit(&mut expansion),
            Statement::Copy(copy) => match &mut copy.source {
                CopySource::Query(query) => query.visit(&mut expansion),
                CopySource::Table { .. } => ControlFlow::Continue(()),
            },
            _ => ControlFlow::Continue(()),
        };
        match visited {
            ControlFlow::Break((error, place)) => Err(error.at(span(place))),
            ControlFlow::Continue(()) => Ok(()),
        }
    }
}

struct Expansion<'a> {
    macros: &'a Macros,
    calls: usize,
}

type Stop = (Diagnostic, sqlparser::tokenizer::Span);

impl Expansion<'_> {
    fn calls_macro(&self, expr: &Expr) -> bool {
        let visited = ast::visit_expressions(expr, |part| match part {
            Expr::Function(call) if self.macros.contains(&call.name.to_string(), false) => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        });
        visited.is_break()
    }

    fn find(&mut self, name: &ast::ObjectName, is_table: bool) -> Option<&Macro> {
        let [ast::ObjectNamePart::Identifier(name)] = &name.0[..] else { return None };
        let found = self.macros.0.get(&(is_table, name.value.to_lowercase()))?;
        self.calls += 1;
        Some(found)
    }
}

impl VisitorMut for Expansion<'_> {
    type Break = Stop;

    /// A column that is called as it is written keeps its name.
    fn pre_visit_select(&mut self, select: &mut ast::Select) -> ControlFlow<Stop> {
        for item in &mut select.projection {
            if let ast::SelectItem::UnnamedExpr(expr) = item
                && self.calls_macro(expr)
            {
                let alias = ast::Ident::with_quote('"', expr.to_string());
                *item = ast::SelectItem::ExprWithAlias { expr: expr.clone(), alias };
            }
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Stop> {
        let Expr::Function(call) = expr else { return ControlFlow::Continue(()) };
        let place = call.name.span();
        let Some(found) = self.find(&call.name, false).cloned() else { return ControlFlow::Continue(()) };
        let given: &[FunctionArg] = match &call.args {
            FunctionArguments::List(list) => &list.args,
            _ => &[],
        };
        let made = check_end(self.calls, &found).and_then(|()| {
            let values = arguments(&found, given)?;
            let mut body = parse_macro_body(&found.body, place, |parser| parser.parse_expr())?;
            let ControlFlow::Continue(()) = body.visit(&mut Replacement(&values));
            Ok(body)
        });
        match made {
            // In brackets, so that what is inside is visited as any other part is.
            Ok(body) => *expr = Expr::Nested(Box::new(body)),
            Err(error) => return ControlFlow::Break((error, place)),
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &mut ast::TableFactor) -> ControlFlow<Stop> {
        let ast::TableFactor::Table { name, args: Some(args), alias, sample, .. } = factor else {
            return ControlFlow::Continue(());
        };
        let place = name.span();
        let Some(found) = self.find(name, true).cloned() else { return ControlFlow::Continue(()) };
        let made = check_end(self.calls, &found).and_then(|()| {
            let values = arguments(&found, &args.args)?;
            let mut query = parse_macro_body(&found.body, place, |parser| parser.parse_query())?;
            let ControlFlow::Continue(()) = query.visit(&mut Replacement(&values));
            Ok(query)
        });
        match made {
            Ok(subquery) => {
                let own_name = || ast::TableAlias {
                    explicit: true,
                    name: ast::Ident::new(found.name.clone()),
                    columns: Vec::new(),
                    at: None,
                };
                let alias = Some(alias.take().unwrap_or_else(own_name));
                *factor = ast::TableFactor::Derived { lateral: false, subquery, alias, sample: sample.take() };
            }
            Err(error) => return ControlFlow::Break((error, place)),
        }
        ControlFlow::Continue(())
    }
}

/// Puts arguments in the place of the parameters' names.
struct Replacement<'a>(&'a [(String, Expr)]);

impl VisitorMut for Replacement<'_> {
    type Break = std::convert::Infallible;

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Self::Break> {
        if let Expr::Identifier(ident) = expr
            && let Some((_, value)) = self.0.iter().find(|(name, _)| name.eq_ignore_ascii_case(&ident.value))
        {
            *expr = match value {
                plain @ (Expr::Value(_) | Expr::Identifier(_) | Expr::Function(_)) => plain.clone(),
                other => Expr::Nested(Box::new(other.clone())),
            };
        }
        ControlFlow::Continue(())
    }
}

fn check_end(calls: usize, called: &Macro) -> Result<()> {
    if calls <= MOST_CALLS {
        return Ok(());
    }
    let message = format!("the statement calls macros more than {MOST_CALLS} times");
    Err(Diagnostic::new(ErrorCode::NotSupported, message)
        .hint(format!("the last one is {}: does it call itself?", called.name)))
}

/// The value of each parameter.
fn arguments(called: &Macro, given: &[FunctionArg]) -> Result<Vec<(String, Expr)>> {
    let wrong = |message: String| {
        let shown = |(name, default): &(String, Option<String>)| match default {
            Some(default) => format!("{name} := {default}"),
            None => name.clone(),
        };
        let parameters: Vec<String> = called.parameters.iter().map(shown).collect();
        Diagnostic::new(ErrorCode::InvalidArguments, message).hint(format!(
            "it is {}({})",
            called.name,
            parameters.join(", ")
        ))
    };
    let mut values: Vec<Option<Expr>> = vec![None; called.parameters.len()];
    for (index, argument) in given.iter().enumerate() {
        let (at, value) = match argument {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(value)) => (Some(index), value),
            FunctionArg::Named { name, arg: FunctionArgExpr::Expr(value), .. } => {
                let is = |(known, _): &(String, Option<String>)| known.eq_ignore_ascii_case(&name.value);
                let at = called.parameters.iter().position(is);
                if at.is_none() {
                    return Err(wrong(format!("macro {} has no parameter \"{}\"", called.name, name.value)));
                }
                (at, value)
            }
            _ => return Err(wrong(format!("macro {} takes values", called.name))),
        };
        match at.and_then(|at| values.get_mut(at)) {
            Some(place) => *place = Some(value.clone()),
            None => {
                let message =
                    format!("macro {} takes {} arguments, and {} are given", called.name, values.len(), given.len());
                return Err(wrong(message));
            }
        }
    }
    let mut known = Vec::with_capacity(values.len());
    for ((name, default), value) in called.parameters.iter().zip(values) {
        let value = match (value, default) {
            (Some(value), _) => value,
            (None, Some(default)) => parse_expression(default)?,
            (None, None) => return Err(wrong(format!("macro {} needs a value for {name}", called.name))),
        };
        known.push((name.clone(), value));
    }
    Ok(known)
}

impl Cursor<'_> {
    /// `CREATE [OR REPLACE] [TEMP] MACRO [IF NOT EXISTS] name(a, b := 1) AS [TABLE] ...`, `DROP MACRO [TABLE] [IF EXISTS] name`;
    /// None for any other CREATE or DROP.
    pub(super) fn macro_statement(&mut self) -> Result<Option<Statement>> {
        let drops = self.word().as_deref() == Some("DROP");
        self.at = 1;
        let or_replace = self.eat("OR") && self.eat("REPLACE");
        let _ = self.eat("TEMP") || self.eat("TEMPORARY");
        if !(self.eat("MACRO") || self.eat("FUNCTION")) {
            self.at = 0;
            return Ok(None);
        }
        if drops {
            let is_table = self.eat("TABLE");
            let if_exists = self.eat("IF") && self.eat("EXISTS");
            let (name, span) = self.name("the name of a macro")?;
            return self.end(Statement::DropMacro { name: name.join("."), is_table, if_exists, span }).map(Some);
        }
        let if_not_exists = self.eat("IF") && self.eat("NOT") && self.eat("EXISTS");
        let (name, span) = self.name("the name of a macro")?;
        if !self.eat_token(&Token::LParen) {
            return Err(self.unexpected("the parameters in brackets, as in CREATE MACRO twice(x) AS x * 2"));
        }
        let mut parameters = Vec::new();
        while !self.eat_token(&Token::RParen) {
            let (parameter, _) = self.name("the name of a parameter, or \")\"")?;
            let default = match self.eat_token(&Token::Assignment) || self.eat_token(&Token::RArrow) {
                true => Some(self.one_value()?),
                false => None,
            };
            parameters.push((parameter.join("."), default));
            if !self.eat_token(&Token::Comma) && self.peek().is_none_or(|t| t.token != Token::RParen) {
                return Err(self.unexpected("\",\" or \")\""));
            }
        }
        if !self.eat("AS") {
            return Err(self.unexpected("AS and an expression, or AS TABLE and a query"));
        }
        let is_table = self.eat("TABLE");
        if self.peek().is_none() {
            return Err(self.unexpected(if is_table { "a query" } else { "an expression" }));
        }
        let rest = self.rest_span();
        let body = self.text[rest.start as usize..rest.end as usize].to_string();
        let checked = match is_table {
            true => parse_query(self.text, self.tokens, self.at).map(drop),
            false => parse_expression(&body).map(drop).map_err(|error| {
                let span = error.span.map(|s| Span { start: s.start + rest.start, end: s.end + rest.start });
                Diagnostic { span, ..error }
            }),
        };
        checked?;
        let made = Macro { name: name.join("."), parameters, body, is_table };
        Ok(Some(Statement::CreateMacro { made, or_replace, if_not_exists, span }))
    }
}
