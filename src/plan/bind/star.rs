//! `*`, `t.*` and `COLUMNS(...)` in a select list: which columns they are, and what they are called.

use super::binder::{Binder, not_supported};
use super::coerce::condition;
use super::expression::Clause;
use super::scope::{Relation, Scope, missing_column};
use super::select::Item;
use crate::journal::ErrorCode;
use crate::plan::expr::{Expr, ExprKind};
use crate::plan::fold::fold;
use crate::sql::Value;
use crate::sql::diagnostic::{Diagnostic, Result, Span};
use crate::sql::shorthand::UNPACKED;
use regex::{Regex, RegexBuilder};
use sqlparser::ast::{self, FunctionArg, FunctionArgExpr, FunctionArguments};
use std::ops::ControlFlow;

/// A column that a star stands for.
pub(super) struct StarColumn {
    name: String,
    expr: Expr,
}

impl<'q> Binder<'q> {
    /// `*` and `t.*`, with EXCLUDE, REPLACE, RENAME and ILIKE.
    pub(super) fn star(
        &mut self,
        items: &mut Vec<Item>,
        qualifier: Option<&ast::ObjectName>,
        options: &'q ast::WildcardAdditionalOptions,
        place: Option<Span>,
    ) -> Result<()> {
        let columns = self.star_columns(qualifier, options, place)?;
        let replaced = options.opt_replace.as_ref().map_or(&[][..], |replace| &replace.items);
        for element in replaced {
            let name = &element.column_name;
            if !columns.iter().any(|c| c.name.eq_ignore_ascii_case(&name.value)) {
                let message = format!("column \"{}\" in REPLACE is not one of the columns of *", name.value);
                return Err(Diagnostic::new(ErrorCode::ColumnNotFound, message).at(self.span(name.span)));
            }
        }
        let renamed: &[ast::IdentWithAlias] = match &options.opt_rename {
            Some(ast::RenameSelectItem::Single(one)) => std::slice::from_ref(one),
            Some(ast::RenameSelectItem::Multiple(several)) => several,
            None => &[],
        };
        if let Some(both) = renamed
            .iter()
            .map(|one| &one.ident)
            .find(|ident| replaced.iter().any(|element| element.column_name.value.eq_ignore_ascii_case(&ident.value)))
        {
            let message = format!("column \"{}\" is both in REPLACE and in RENAME", both.value);
            return Err(Diagnostic::new(ErrorCode::SyntaxError, message).at(self.span(both.span)));
        }
        for column in columns {
            let same = |ident: &ast::Ident| ident.value.eq_ignore_ascii_case(&column.name);
            let alias = renamed.iter().find(|one| same(&one.ident)).map(|one| one.alias.value.clone());
            match replaced.iter().find(|element| same(&element.column_name)) {
                Some(element) => self.item(items, &element.expr, alias.unwrap_or(column.name))?,
                None => {
                    let name = alias.unwrap_or(column.name);
                    items.push(Item { name, expr: column.expr, aggregates: false, windows: false });
                }
            }
        }
        Ok(())
    }

    /// All columns: a FROM without SELECT.
    pub(super) fn whole_star(&mut self, items: &mut Vec<Item>) -> Result<()> {
        let columns = self.star_columns(None, &ast::WildcardAdditionalOptions::default(), None)?;
        items.extend(columns.into_iter().map(|c| Item {
            name: c.name,
            expr: c.expr,
            aggregates: false,
            windows: false,
        }));
        Ok(())
    }

    /// An item with `COLUMNS(...)` in it: once for each of the columns. False if there is none.
    pub(super) fn columns_item(
        &mut self,
        items: &mut Vec<Item>,
        expr: &'q ast::Expr,
        alias: Option<&str>,
    ) -> Result<bool> {
        let call = columns_in(expr);
        let Some(call) = call else { return Ok(false) };
        let place = self.call_span(self.span_of(&call.name));
        for column in self.chosen_columns(&call, place)? {
            let outer = self.columns_choice.replace(column.expr);
            let name = alias.map_or_else(|| column.name.clone(), |alias| expanded(alias, &call, &column.name));
            let bound = self.item(items, expr, name);
            self.columns_choice = outer;
            bound?;
        }
        Ok(true)
    }

    /// A condition; with `COLUMNS(...)` in it, that it is true of all of them.
    pub(super) fn columns_condition(&mut self, expr: &'q ast::Expr, clause: Clause, name: &str) -> Result<Expr> {
        let Some(call) = columns_in(expr) else { return condition(self.expression(expr, clause)?, name) };
        let place = self.call_span(self.span_of(&call.name));
        let mut conditions = Vec::new();
        for column in self.chosen_columns(&call, place)? {
            let outer = self.columns_choice.replace(column.expr);
            let bound = self.expression(expr, clause);
            self.columns_choice = outer;
            conditions.push(condition(bound?, name)?);
        }
        Ok(Expr::and(conditions))
    }

    /// The columns of `*COLUMNS(...)` among the arguments of a call; None for any other argument.
    pub(super) fn unpacked_columns(&mut self, arg: &ast::Expr) -> Result<Option<Vec<Expr>>> {
        let ast::Expr::Function(call) = arg else { return Ok(None) };
        if !matches!(&call.name.0[..], [ast::ObjectNamePart::Identifier(name)] if name.value == UNPACKED) {
            return Ok(None);
        }
        let place = self.call_span(self.span_of(&call.name));
        Ok(Some(self.chosen_columns(call, place)?.into_iter().map(|column| column.expr).collect()))
    }

    /// The columns whose names a lambda is true of.
    fn columns_by_lambda(&mut self, lambda: &ast::LambdaFunction, place: Option<Span>) -> Result<Vec<StarColumn>> {
        let names: Vec<&ast::Ident> = lambda.params.iter().map(|param| &param.name).collect();
        let [name] = names[..] else {
            let message = "a lambda in COLUMNS takes one parameter: the name of a column";
            return Err(Diagnostic::new(ErrorCode::InvalidArguments, message).at(place));
        };
        let columns = self.star_columns(None, &ast::WildcardAdditionalOptions::default(), place)?;
        let asked = |column: &StarColumn| {
            let mut body = (*lambda.body).clone();
            let _ = ast::visit_expressions_mut(&mut body, |part| {
                if let ast::Expr::Identifier(ident) = part
                    && ident.value.eq_ignore_ascii_case(&name.value)
                {
                    let text = ast::Value::SingleQuotedString(column.name.clone());
                    *part = ast::Expr::Value(ast::ValueWithSpan { value: text, span: ident.span });
                }
                ControlFlow::<()>::Continue(())
            });
            body
        };
        let bodies: Vec<ast::Expr> = columns.iter().map(asked).collect();
        let mut inner = Binder::new(self.text(), self.context)?;
        inner.scopes.push(Scope::default());
        let mut chosen = Vec::new();
        for (column, body) in columns.into_iter().zip(&bodies) {
            let is_chosen =
                fold(condition(inner.expression(body, Clause::Select)?, "the lambda")?, &self.context.clock);
            match is_chosen.kind {
                ExprKind::Literal(Value::Boolean(true)) => chosen.push(column),
                ExprKind::Literal(_) => {}
                _ => return Err(not_supported("this lambda in COLUMNS", is_chosen.span.or(place))),
            }
        }
        Ok(chosen)
    }

    /// The columns that a `COLUMNS(...)` call names, in order.
    fn chosen_columns(&mut self, call: &ast::Function, place: Option<Span>) -> Result<Vec<StarColumn>> {
        let wrong = || {
            Diagnostic::new(ErrorCode::InvalidArguments, "COLUMNS takes *, a regular expression or a list of names")
                .at(place)
                .hint("COLUMNS(* EXCLUDE (a)), COLUMNS('price_.*'), COLUMNS(['a', 'b'])")
        };
        let FunctionArguments::List(list) = &call.args else { return Err(wrong()) };
        let all = |binder: &Binder<'q>, qualifier: Option<&ast::ObjectName>| {
            binder.star_columns(qualifier, &ast::WildcardAdditionalOptions::default(), place)
        };
        let texts: Vec<&str> = list.args.iter().filter_map(|arg| text_argument(arg)).collect();
        let columns = match (&list.args[..], &texts[..]) {
            (_, [operator, pattern]) => {
                let (negated, operator) = match operator.strip_prefix("NOT ") {
                    Some(rest) => (true, rest),
                    None => (false, *operator),
                };
                let matches = name_pattern(operator, pattern).map_err(|problem| problem.at(place))?;
                let mut columns = all(self, None)?;
                columns.retain(|column| matches.is_match(&column.name) != negated);
                columns
            }
            (_, [pattern]) => {
                let matches = Regex::new(pattern).map_err(|_| {
                    let message = format!("'{pattern}' is no regular expression");
                    Diagnostic::new(ErrorCode::InvalidArguments, message).at(place)
                })?;
                let mut columns = all(self, None)?;
                columns.retain(|column| matches.is_match(&column.name));
                columns
            }
            ([FunctionArg::Unnamed(FunctionArgExpr::Expr(ast::Expr::Lambda(lambda)))], _) => {
                self.columns_by_lambda(lambda, place)?
            }
            ([FunctionArg::Unnamed(FunctionArgExpr::Wildcard)], _) => all(self, None)?,
            ([FunctionArg::Unnamed(FunctionArgExpr::QualifiedWildcard(name))], _) => all(self, Some(name))?,
            ([FunctionArg::Unnamed(FunctionArgExpr::WildcardWithOptions(options))], _) => {
                if options.opt_replace.is_some() || options.opt_rename.is_some() {
                    return Err(not_supported("REPLACE and RENAME inside COLUMNS", place));
                }
                self.star_columns(None, options, place)?
            }
            ([FunctionArg::Unnamed(FunctionArgExpr::Expr(ast::Expr::Array(array)))], _) => {
                let names: Option<Vec<&str>> = array.elem.iter().map(text_value).collect();
                let names = names.ok_or_else(wrong)?;
                let mut columns = all(self, None)?;
                columns.retain(|column| names.iter().any(|name| name.eq_ignore_ascii_case(&column.name)));
                columns
            }
            _ => return Err(wrong()),
        };
        if columns.is_empty() {
            return Err(Diagnostic::new(ErrorCode::ColumnNotFound, "no column is matched by COLUMNS").at(place));
        }
        Ok(columns)
    }

    /// The columns of a star, without those that EXCLUDE and ILIKE leave out.
    fn star_columns(
        &self,
        qualifier: Option<&ast::ObjectName>,
        options: &ast::WildcardAdditionalOptions,
        place: Option<Span>,
    ) -> Result<Vec<StarColumn>> {
        let excluded: Vec<ast::Ident> = match (&options.opt_exclude, &options.opt_except) {
            (Some(ast::ExcludeSelectItem::Single(name)), _) => last_ident(name).into_iter().collect(),
            (Some(ast::ExcludeSelectItem::Multiple(names)), _) => names.iter().filter_map(last_ident).collect(),
            (None, Some(except)) => {
                std::iter::once(&except.first_element).chain(&except.additional_elements).cloned().collect()
            }
            (None, None) => Vec::new(),
        };
        let liked = match &options.opt_ilike {
            Some(ilike) => Some(name_pattern("ILIKE", &ilike.pattern).map_err(|problem| problem.at(place))?),
            None => None,
        };
        let Some(scope) = self.scopes.last() else { return Ok(Vec::new()) };
        let relations: Vec<&Relation> = match qualifier {
            None => scope.relations.iter().collect(),
            Some(name) => {
                let parts = super::from::parts(name);
                match scope.relation(&parts, place)? {
                    Some(relation) => vec![relation],
                    None if excluded.is_empty() => return self.fields_of_column(name, &parts, place),
                    None => return Err(self.no_table(&parts, place)),
                }
            }
        };
        if relations.is_empty() {
            return Err(Diagnostic::new(ErrorCode::SyntaxError, "* needs a table in FROM").at(place));
        }
        for ident in &excluded {
            let known = relations.iter().any(|r| r.columns.iter().any(|c| c.name.eq_ignore_ascii_case(&ident.value)));
            if !known {
                return Err(missing_column(&ident.value, &relations).at(self.span(ident.span)));
            }
        }
        let mut columns = Vec::new();
        for column in relations.iter().flat_map(|r| &r.columns) {
            let left_out = excluded.iter().any(|e| e.value.eq_ignore_ascii_case(&column.name));
            if left_out || liked.as_ref().is_some_and(|liked| !liked.is_match(&column.name)) {
                continue;
            }
            let meant = match qualifier {
                Some(_) => Some((column.id, column.dtype.clone())),
                None => column.alone.clone(),
            };
            if let Some((id, dtype)) = meant {
                columns.push(StarColumn { name: column.name.clone(), expr: Expr::column(id, dtype).at(place) });
            }
        }
        Ok(columns)
    }

    /// `s.*` of a column that is a struct: its fields.
    fn fields_of_column(
        &self,
        name: &ast::ObjectName,
        parts: &[String],
        place: Option<Span>,
    ) -> Result<Vec<StarColumn>> {
        let idents: Vec<ast::Ident> = name
            .0
            .iter()
            .filter_map(|part| match part {
                ast::ObjectNamePart::Identifier(ident) => Some(ident.clone()),
                ast::ObjectNamePart::Function(_) => None,
            })
            .collect();
        let column = match &idents[..] {
            [_] => {
                let scope = self.scopes.last();
                scope.and_then(|scope| scope.unqualified(&parts[0], place).transpose()).transpose()?
            }
            _ => self.resolve_qualified(&idents).ok(),
        };
        match column.and_then(|column| super::nested::columns_of(&column)) {
            Some(fields) => Ok(fields.into_iter().map(|(name, expr)| StarColumn { name, expr }).collect()),
            None => Err(self.no_table(parts, place)),
        }
    }

    /// What `#2` means: the second column of FROM.
    pub(super) fn column_at(&mut self, digits: &str, place: Option<Span>) -> Result<Expr> {
        let columns = self.star_columns(None, &ast::WildcardAdditionalOptions::default(), place)?;
        let count = columns.len();
        let position = digits.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
        position.and_then(|position| columns.into_iter().nth(position)).map(|column| column.expr).ok_or_else(|| {
            let message = format!("#{digits} is out of range: FROM has {}", super::query::columns(count));
            Diagnostic::new(ErrorCode::InvalidArguments, message).at(place)
        })
    }

    /// What the column of `#2` is called.
    pub(super) fn name_at(&self, digits: &str) -> Option<String> {
        let columns = self.star_columns(None, &ast::WildcardAdditionalOptions::default(), None).ok()?;
        columns.into_iter().nth(digits.parse::<usize>().ok()?.checked_sub(1)?).map(|column| column.name)
    }

    /// `COLUMNS(...)` where it is met inside an expression: the column whose turn it is.
    pub(super) fn columns_call(&self, place: Option<Span>) -> Result<Expr> {
        let chosen = self.columns_choice.clone().map(|expr| expr.at(place));
        chosen.ok_or_else(|| not_supported("COLUMNS outside of a select list", place))
    }
}

/// The first `COLUMNS(...)` of an expression. The visitor lends its nodes for the visit only; what is needed of them is small.
fn columns_in(expr: &ast::Expr) -> Option<ast::Function> {
    let mut call = None;
    let _ = ast::visit_expressions(expr, |inner| match inner {
        ast::Expr::Function(function) if is_columns(function) => {
            call = Some(function.clone());
            ControlFlow::Break(())
        }
        _ => ControlFlow::Continue(()),
    });
    call
}

/// An alias of `COLUMNS('pattern')`: `\0` in it is the name of the column, `\1` its part in the first brackets.
fn expanded(alias: &str, call: &ast::Function, name: &str) -> String {
    let pattern = match &call.args {
        FunctionArguments::List(list) => match &list.args[..] {
            [pattern] => text_argument(pattern).and_then(|pattern| Regex::new(pattern).ok()),
            _ => None,
        },
        _ => None,
    };
    let Some(parts) = pattern.as_ref().and_then(|pattern| pattern.captures(name)) else { return alias.to_string() };
    let mut made = String::new();
    let mut chars = alias.chars().peekable();
    while let Some(c) = chars.next() {
        match (c, chars.peek().and_then(|next| next.to_digit(10))) {
            ('\\', Some(digit)) => {
                chars.next();
                made.push_str(match digit {
                    0 => name,
                    group => parts.get(group as usize).map_or("", |part| part.as_str()),
                });
            }
            _ => made.push(c),
        }
    }
    made
}

/// Whether a call is `COLUMNS(...)`.
pub(super) fn is_columns(function: &ast::Function) -> bool {
    matches!(&function.name.0[..], [ast::ObjectNamePart::Identifier(name)] if name.value.eq_ignore_ascii_case("columns"))
}

fn text_argument(arg: &FunctionArg) -> Option<&str> {
    match arg {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => text_value(expr),
        _ => None,
    }
}

fn text_value(expr: &ast::Expr) -> Option<&str> {
    match expr {
        ast::Expr::Value(ast::ValueWithSpan { value: ast::Value::SingleQuotedString(text), .. }) => Some(text),
        _ => None,
    }
}

/// A pattern over column names; LIKE means here what it means over texts.
fn name_pattern(operator: &str, pattern: &str) -> Result<Regex> {
    let mut regex = String::from("^(?:");
    let many = if operator == "GLOB" { '*' } else { '%' };
    let one = if operator == "GLOB" { '?' } else { '_' };
    if operator == "SIMILAR TO" {
        regex.push_str(pattern);
    } else {
        for c in pattern.chars() {
            match c {
                c if c == many => regex.push_str(".*"),
                c if c == one => regex.push('.'),
                c => regex.push_str(&regex::escape(&c.to_string())),
            }
        }
    }
    regex.push_str(")$");
    let built = RegexBuilder::new(&regex).case_insensitive(operator == "ILIKE").dot_matches_new_line(true).build();
    built.map_err(|_| Diagnostic::new(ErrorCode::InvalidArguments, format!("'{pattern}' is no pattern")))
}

fn last_ident(name: &ast::ObjectName) -> Option<ast::Ident> {
    match name.0.last() {
        Some(ast::ObjectNamePart::Identifier(ident)) => Some(ident.clone()),
        _ => None,
    }
}
