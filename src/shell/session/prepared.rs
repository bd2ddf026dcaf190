//! What a session is told to remember: prepared statements, variables and macros.

use super::Session;
use super::result::StatementResult;
use crate::functions::{format_column, value_at};
use crate::journal::ErrorCode;
use crate::plan::bind::bind;
use crate::shell::view::Watch;
use crate::sql::macros::Macro;
use crate::sql::parse::parse_expression;
use crate::sql::statement::{ParsedStatement, Statement};
use crate::sql::suggest::{did_you_mean, similar};
use crate::sql::{DataType, Diagnostic, Span, Value, parse};
use sqlparser::ast::{self, VisitMut, VisitorMut};
use std::ops::ControlFlow;

impl Session {
    /// `PREPARE name AS statement`.
    pub(super) fn prepare(&mut self, name: &str, statement: &str, text: &str) -> StatementResult {
        let checked = parse(statement).and_then(|mut parsed| match &mut parsed.statement {
            Statement::Query(_) | Statement::Change(_) => Ok(()),
            _ => Err(Diagnostic::new(ErrorCode::NotSupported, "not supported yet: PREPARE of this statement")
                .hint("queries and statements that change tables can be prepared")),
        });
        if let Err(error) = checked {
            // Places count in the statement that is prepared.
            let shift = text.rfind(statement).unwrap_or_default() as u32;
            let span = error.span.map(|s| Span { start: s.start + shift, end: s.end + shift });
            return StatementResult::error(Diagnostic { span, ..error }, text);
        }
        self.stores.prepared.insert(name.to_lowercase(), statement.to_string());
        StatementResult::done(format!("Statement {name} is prepared."))
    }

    /// `EXECUTE name(values)`.
    pub(super) fn execute_prepared(
        &mut self,
        name: &str,
        values: &[(Option<String>, String)],
        text: &str,
        span: Span,
        watch: &mut dyn Watch,
    ) -> StatementResult {
        match self.filled_in(name, values) {
            Ok(parsed) => self.dispatch(parsed, watch),
            Err(error) => StatementResult::error(error.at(span), text),
        }
    }

    /// The prepared statement with values in the place of its parameters.
    fn filled_in(&self, name: &str, values: &[(Option<String>, String)]) -> Result<ParsedStatement, Diagnostic> {
        let Some(statement) = self.stores.prepared.get(&name.to_lowercase()) else {
            return Err(self.unknown_statement(name));
        };
        let mut parsed = parse(statement)?;
        let mut given = Vec::with_capacity(values.len());
        for (index, (value_name, written)) in values.iter().enumerate() {
            let name = value_name.clone().map_or_else(|| (index + 1).to_string(), |name| name.to_lowercase());
            given.push((name, parse_expression(written)?));
        }
        let mut parameters = Parameters { given: &given, used: vec![false; given.len()], unnamed: 0 };
        let missing = match &mut parsed.statement {
            Statement::Query(query) => query.visit(&mut parameters),
            Statement::Change(change) => change.statement.visit(&mut parameters),
            _ => ControlFlow::Continue(()),
        };
        if let ControlFlow::Break(missing) = missing {
            let message = format!("Statement \"{name}\" needs a value for its parameter {missing}");
            return Err(Diagnostic::new(ErrorCode::InvalidArguments, message)
                .hint(format!("EXECUTE {name}(value, ...), or EXECUTE {name}(name := value)")));
        }
        if let Some(unused) = parameters.used.iter().position(|used| !used) {
            let message = format!("Statement \"{name}\" has no parameter {}", given[unused].0);
            return Err(Diagnostic::new(ErrorCode::InvalidArguments, message));
        }
        Ok(parsed)
    }

    /// `DEALLOCATE name`, `DEALLOCATE ALL`.
    pub(super) fn deallocate(&mut self, name: Option<&str>, text: &str, span: Span) -> StatementResult {
        let Some(name) = name else {
            self.stores.prepared.clear();
            return StatementResult::done("No statement is prepared any more.");
        };
        match self.stores.prepared.remove(&name.to_lowercase()) {
            Some(_) => StatementResult::done(format!("Statement {name} is forgotten.")),
            None => StatementResult::error(self.unknown_statement(name).at(span), text),
        }
    }

    fn unknown_statement(&self, name: &str) -> Diagnostic {
        let error = Diagnostic::new(ErrorCode::InvalidArguments, format!("No statement \"{name}\" is prepared"));
        let near = similar(&name.to_lowercase(), self.stores.prepared.keys().map(String::as_str));
        error.hint(did_you_mean(&near).unwrap_or_else(|| format!("PREPARE {name} AS SELECT ...; prepares one")))
    }

    /// `SET VARIABLE name = expression`.
    pub(super) fn set_variable(
        &mut self,
        name: &str,
        value: &str,
        text: &str,
        span: Span,
        watch: &mut dyn Watch,
    ) -> StatementResult {
        match self.value_of(value, watch) {
            Ok((dtype, value, shown)) => {
                self.stores.variables.insert(name.to_lowercase(), (dtype, value));
                StatementResult::done(format!("Variable {name} is {shown}."))
            }
            Err(error) => StatementResult::error(Diagnostic { span: Some(span), ..error }, text),
        }
    }

    /// The one value of an expression, with its type and its text.
    fn value_of(&mut self, written: &str, watch: &mut dyn Watch) -> Result<(DataType, Value, String), Diagnostic> {
        parse_expression(written)?;
        let sql = format!("SELECT ({written})");
        let Statement::Query(query) = parse(&sql)?.statement else {
            return Err(Diagnostic::new(ErrorCode::SyntaxError, "a variable is set to the value of an expression"));
        };
        let clock = self.next_clock();
        let (bound, _) = self.bind(clock, &sql, Some(&mut *watch), |context| bind(&query, &sql, context))?;
        let planned = self.cut(bound, clock)?;
        let ran = self.run(planned, &sql, watch)?;
        let Ok(rows) = ran.outcome else {
            return Err(self.failed(&ran.info, &sql, None).diagnostic);
        };
        let (Some(output), Some(block)) = (rows.columns.first(), rows.blocks.iter().find(|block| block.rows() > 0))
        else {
            return Err(Diagnostic::new(ErrorCode::GenericInternalError, "the expression has no value"));
        };
        let column = &block.frame.columns()[0];
        let shown = format_column(column, &output.dtype).into_iter().next().flatten();
        let value = value_at(column, &output.dtype, 0);
        Ok((output.dtype.clone(), value, shown.unwrap_or_else(|| "NULL".to_string())))
    }

    /// `RESET VARIABLE name`.
    pub(super) fn reset_variable(&mut self, name: &str) -> StatementResult {
        self.stores.variables.remove(&name.to_lowercase());
        StatementResult::done(format!("Variable {name} is NULL."))
    }
}

impl Session {
    /// `CREATE MACRO`.
    pub(super) fn create_macro(
        &mut self,
        made: &Macro,
        or_replace: bool,
        if_not_exists: bool,
        text: &str,
        span: Span,
    ) -> StatementResult {
        if self.stores.macros.contains(&made.name, made.is_table) && !or_replace {
            if if_not_exists {
                return StatementResult::done(format!("Macro {} exists already: nothing to do.", made.name));
            }
            let message = format!("Macro \"{}\" exists already", made.name);
            let error = Diagnostic::new(ErrorCode::InvalidArguments, message).at(span);
            return StatementResult::error(error.hint("CREATE OR REPLACE MACRO replaces it"), text);
        }
        self.stores.macros.insert(made.clone());
        StatementResult::done(format!("Macro {} is there until the session ends.", made.name))
    }

    /// `DROP MACRO`.
    pub(super) fn drop_macro(
        &mut self,
        name: &str,
        is_table: bool,
        if_exists: bool,
        text: &str,
        span: Span,
    ) -> StatementResult {
        if self.stores.macros.remove(name, is_table) {
            return StatementResult::done(format!("Macro {name} is dropped."));
        }
        if if_exists {
            return StatementResult::done(format!("There is no macro {name}: nothing to do."));
        }
        let error = Diagnostic::new(ErrorCode::FunctionNotFound, format!("Macro \"{name}\" does not exist")).at(span);
        let hint = match did_you_mean(&similar(name, self.stores.macros.names())) {
            _ if self.stores.macros.contains(name, !is_table) && is_table => format!("DROP MACRO {name}"),
            _ if self.stores.macros.contains(name, !is_table) => format!("DROP MACRO TABLE {name}"),
            Some(hint) => hint,
            None => "CREATE MACRO twice(x) AS x * 2; makes one".to_string(),
        };
        StatementResult::error(error.hint(hint), text)
    }
}

/// Puts values in the place of `?`, `$1` and `$name`. Stops at a parameter that has none, with its name.
struct Parameters<'a> {
    given: &'a [(String, ast::Expr)],
    used: Vec<bool>,
    /// How many `?` there were.
    unnamed: usize,
}

impl VisitorMut for Parameters<'_> {
    type Break = String;

    fn post_visit_expr(&mut self, expr: &mut ast::Expr) -> ControlFlow<String> {
        let ast::Expr::Value(value) = expr else { return ControlFlow::Continue(()) };
        let ast::Value::Placeholder(written) = &value.value else { return ControlFlow::Continue(()) };
        let name = match written.trim_start_matches(['$', ':', '@']) {
            "?" => {
                self.unnamed += 1;
                self.unnamed.to_string()
            }
            numbered => numbered.trim_start_matches('?').to_lowercase(),
        };
        let Some(at) = self.given.iter().position(|(given, _)| *given == name) else {
            return ControlFlow::Break(written.clone());
        };
        self.used[at] = true;
        *expr = ast::Expr::Nested(Box::new(self.given[at].1.clone()));
        ControlFlow::Continue(())
    }
}
