//! Views: the query behind a name is bound anew wherever the name is used.

use super::binder::Binder;
use super::from::{Source, relation_of};
use crate::journal::ErrorCode;
use crate::plan::logical::OutputColumn;
use crate::sql::diagnostic::{Diagnostic, Result, Span};
use crate::sql::parse::parse;
use crate::sql::statement::Statement;

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
        let mut parsed = parse(&view.sql).map_err(in_view)?;
        self.context.tables.expand_macros(&mut parsed.statement).map_err(in_view)?;
        let Statement::Query(query) = &parsed.statement else {
            return Err(in_view(Diagnostic::new(ErrorCode::NotSupported, "it is not a query")));
        };
        let mut inner = Binder::new(&parsed.text, self.context).map_err(in_view)?;
        inner.next_column = self.next_column;
        inner.view_depth = self.view_depth + 1;
        let bound = inner.query(query).map_err(in_view)?;
        self.next_column = inner.next_column;
        let mut output: Vec<OutputColumn> = bound.output;
        for (column, name) in output.iter_mut().zip(&view.columns) {
            column.name.clone_from(name);
        }
        let mut relation = relation_of(vec![view.schema, view.name.clone()], &output);
        relation.number_duplicates();
        Ok(Some((bound.plan, vec![relation])))
    }
}
