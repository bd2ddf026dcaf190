//! Views: the query behind a name is bound anew wherever the name is used.

use super::binder::Binder;
use super::from::{Source, relation_of};
use super::query::Bound;
use crate::journal::ErrorCode;
use crate::plan::logical::OutputColumn;
use crate::sql::diagnostic::{Diagnostic, Result, Span};
use crate::sql::parse::parse;
use crate::sql::statement::Statement;
use sqlparser::ast;

/// How many views may be in views: more is a view that contains itself.
const MAX_DEPTH: usize = 50;

impl Binder<'_> {
    /// The view of that name, as a source of its own. Errors of its query name the view, at the place of its use.
    pub fn view(&mut self, name: &[String], place: Option<Span>) -> Result<Option<Source>> {
        let Some(view) = self.context.tables.view(name).map_err(|e| e.at(place))? else { return Ok(None) };
        let in_view = |error: Diagnostic| Diagnostic {
            code: error.code,
            message: format!("in view \"{}\": {}", view.name, error.message),
            span: place,
            hint: error.hint,
        };
        self.count_relation(place)?;
        if self.view_depth == MAX_DEPTH {
            let message = format!("view \"{}\" contains itself", view.name);
            return Err(Diagnostic::new(ErrorCode::NotSupported, message).at(place));
        }
        let bound = self.query_of(&view.sql).map_err(in_view)?;
        let mut output: Vec<OutputColumn> = bound.output;
        for (column, name) in output.iter_mut().zip(&view.columns) {
            column.name.clone_from(name);
        }
        let mut relation = relation_of(vec![view.schema, view.name.clone()], &output);
        relation.number_duplicates();
        Ok(Some((bound.plan, vec![relation])))
    }

    /// A query that stands in a text of its own.
    fn query_of(&mut self, sql: &str) -> Result<Bound> {
        let mut parsed = parse(sql)?;
        self.context.tables.expand_macros(&mut parsed.statement)?;
        let Statement::Query(query) = &parsed.statement else {
            return Err(Diagnostic::new(ErrorCode::NotSupported, "it is not a query"));
        };
        let mut inner = Binder::new(&parsed.text, self.context)?;
        inner.next_column = self.next_column;
        inner.view_depth = self.view_depth + 1;
        let bound = inner.query(query)?;
        self.next_column = inner.next_column;
        Ok(bound)
    }

    /// `query('SELECT ...')` and `query_table('t')`; None for every other function.
    pub(super) fn named_by_text(
        &mut self,
        function: &str,
        args: &ast::TableFunctionArgs,
        place: Option<Span>,
    ) -> Result<Option<Source>> {
        if !matches!(function, "query" | "query_table") {
            return Ok(None);
        }
        let text = match &args.args[..] {
            [ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Expr(ast::Expr::Value(value)))] => match &value.value {
                ast::Value::SingleQuotedString(text) => Some(text.as_str()),
                _ => None,
            },
            _ => None,
        };
        let Some(text) = text else {
            let message = format!("{function} takes one constant text");
            return Err(Diagnostic::new(ErrorCode::InvalidArguments, message).at(place));
        };
        let inside = |error: Diagnostic| Diagnostic {
            message: format!("in {function}: {}", error.message),
            span: place,
            ..error
        };
        self.count_relation(place)?;
        if self.view_depth == MAX_DEPTH {
            return Err(Diagnostic::new(ErrorCode::NotSupported, format!("{function} contains itself")).at(place));
        }
        let bound = match function {
            "query" => self.query_of(text).map_err(inside)?,
            _ => {
                let name: Vec<String> = text.split('.').map(str::to_string).collect();
                self.whole_table(&name).map_err(inside)?
            }
        };
        let mut relation = relation_of(Vec::new(), &bound.output);
        relation.number_duplicates();
        Ok(Some((bound.plan, vec![relation])))
    }
}
