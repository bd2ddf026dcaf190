//! WITH RECURSIVE: the rows of such a query are made while the statement is bound, round by round, each round a query of its own.
//! What reads them then reads a table in memory.

use super::binder::{Binder, Cte};
use crate::catalog::{Table, TableRef};
use crate::journal::ErrorCode;
use crate::plan::logical::{LogicalPlan, OutputColumn, Query, SetKind};
use crate::sql::DataType;
use crate::sql::diagnostic::{Diagnostic, Result, Span};
use sqlparser::ast::{self, SetExpr, SetOperator, SetQuantifier};
use std::ops::ControlFlow;

/// Runs a query while another one is being bound.
pub trait QueryRunner {
    /// The rows of `query` as a table in memory, its columns named as the query's. The errors of planning and running it; its
    /// places count in the same text.
    fn run(&self, query: Query) -> Result<TableRef>;
}

/// Rounds after which a recursion is taken for endless.
const MOST_ROUNDS: u64 = 1_000_000;

/// Rows after which it is.
const MOST_ROWS: u64 = 500_000_000;

/// The parts of a recursive query: `start UNION [ALL] step`.
struct Parts<'q> {
    start: &'q SetExpr,
    step: &'q SetExpr,
    /// UNION: a row that was there before is not new.
    distinct: bool,
}

impl<'q> Binder<'q> {
    /// All rows of a recursive CTE, made once for all uses of it. With `enough`, the reader takes no more rows than that.
    pub fn recursive_rows(&mut self, cte: Cte<'q>, enough: Option<u64>) -> Result<TableRef> {
        if let Some(table) = self.made_rows(cte.definition) {
            return Ok(table);
        }
        let parts = self.recursive_parts(cte.definition)?;
        let hidden_ctes = self.ctes.split_off(cte.visible);
        let hidden_scopes = self.scopes.split_off(cte.depth);
        let depth = self.ctes.len();
        let rows = self.all_rounds(cte, &parts, enough);
        self.ctes.truncate(depth);
        self.ctes.extend(hidden_ctes);
        self.scopes.extend(hidden_scopes);
        let (rows, complete) = rows?;
        if complete {
            self.recursions.push((cte.definition, rows.clone()));
        }
        Ok(rows)
    }

    /// The rows of a CTE, if they have been made for another use of it.
    pub fn made_rows(&self, definition: &'q ast::Cte) -> Option<TableRef> {
        let made = self.recursions.iter().find(|(known, _)| std::ptr::eq(*known, definition));
        made.map(|(_, table)| table.clone())
    }

    /// The rows, and whether they are all.
    fn all_rounds(&mut self, cte: Cte<'q>, parts: &Parts<'q>, enough: Option<u64>) -> Result<(TableRef, bool)> {
        let name = &cte.definition.alias.name;
        let place = self.span(name.span);
        self.push_ctes_of(&cte.definition.query)?;
        let start = self.body(parts.start)?;
        let mut start = self.exact(start, None)?;
        let given = &cte.definition.alias.columns;
        for (column, renamed) in start.output.iter_mut().zip(given) {
            column.name = renamed.name.value.clone();
        }
        // The first part decides the types.
        let types: Vec<DataType> = start.output.iter().map(|column| column.dtype.clone()).collect();
        let names: Vec<String> = start.output.iter().map(|column| column.name.clone()).collect();
        if parts.distinct {
            start.plan = LogicalPlan::Distinct { input: Box::new(start.plan), on: None };
        }
        let mut new = self.run_round(start.plan, start.output, &name.value, place)?;
        let mut all = new.clone();
        let mut rounds = 0;
        while new.rows > 0 {
            if enough.is_some_and(|enough| all.rows >= enough) {
                return Ok((all, false));
            }
            rounds += 1;
            if rounds > MOST_ROUNDS || all.rows > MOST_ROWS {
                let message =
                    format!("\"{}\" has {} rows after {rounds} rounds and does not end", name.value, all.rows);
                let hint = "the recursive part has to give no new rows at some time: add a WHERE to it";
                return Err(Diagnostic::new(ErrorCode::ExceededTimeLimit, message).at(place).hint(hint));
            }
            self.ctes.push(Cte { round: Some(self.rounds.len()), ..cte });
            self.rounds.push(new);
            let step = self.body(parts.step);
            self.ctes.pop();
            let step = step?;
            if step.output.len() != types.len() {
                let message = format!(
                    "the recursive part of \"{}\" has {} and its first part {}",
                    name.value,
                    super::query::columns(step.output.len()),
                    super::query::columns(types.len())
                );
                return Err(Diagnostic::new(ErrorCode::TypeMismatch, message).at(self.span_of(parts.step)));
            }
            let mut step = self.exact(step, Some(&types))?;
            for (column, name) in step.output.iter_mut().zip(&names) {
                column.name.clone_from(name);
            }
            if parts.distinct {
                step = self.without(step, &all)?;
            }
            new = self.run_round(step.plan, step.output, &name.value, place)?;
            self.rounds.pop();
            if new.rows > 0 {
                all = Table::appended(&all, &new).into();
            }
            // A recursion may take many rounds, and each names columns of its own.
            self.forget_relations();
        }
        Ok((all, true))
    }

    /// The rows of a round that are not in `all`, each once.
    fn without(&mut self, step: super::query::Bound, all: &TableRef) -> Result<super::query::Bound> {
        let (before, _) = self.scan(all.clone(), None)?;
        let columns: Vec<_> = step.output.iter().map(|c| self.column(c.name.clone(), c.dtype.clone())).collect();
        let output = columns
            .iter()
            .map(|c| OutputColumn { name: c.name.clone(), column: c.id, dtype: c.dtype.clone() })
            .collect();
        let plan = LogicalPlan::SetOperation {
            left: Box::new(step.plan),
            right: Box::new(before),
            kind: SetKind::Except,
            all: false,
            columns,
        };
        Ok(super::query::Bound { plan, output })
    }

    /// The rows of a query, as a table of that name.
    pub fn run_round(
        &mut self,
        plan: LogicalPlan,
        output: Vec<OutputColumn>,
        name: &str,
        place: Option<Span>,
    ) -> Result<TableRef> {
        if !plan.outer_columns().is_empty() {
            let what = "WITH RECURSIVE that reads columns of the query around it";
            return Err(super::binder::not_supported(what, place));
        }
        let table = self.context.runner.run(Query { plan, output, next_column: self.next_column() })?;
        Ok(Table { name: name.to_string(), ..(*table).clone() }.into())
    }

    fn recursive_parts(&self, definition: &'q ast::Cte) -> Result<Parts<'q>> {
        let name = &definition.alias.name;
        let query = &definition.query;
        let wrong = |message: String, place: Option<Span>| {
            Err(Diagnostic::new(ErrorCode::SyntaxError, message)
                .at(place)
                .hint("a recursive query is SELECT first rows UNION [ALL] SELECT next rows FROM itself"))
        };
        if let Some(order_by) = &query.order_by {
            return wrong("ORDER BY in a recursive query is not allowed".into(), self.span_of(order_by));
        }
        if query.limit_clause.is_some() || query.fetch.is_some() {
            return wrong("LIMIT or OFFSET in a recursive query is not allowed".into(), self.span_of(&**query));
        }
        let SetExpr::SetOperation { op: SetOperator::Union, set_quantifier, left, right } = &*query.body else {
            return wrong(format!("\"{}\" reads itself but is no UNION", name.value), self.span(name.span));
        };
        let distinct = match set_quantifier {
            SetQuantifier::All => false,
            SetQuantifier::None | SetQuantifier::Distinct => true,
            _ => return wrong("a recursive query is no UNION BY NAME".into(), self.span(name.span)),
        };
        if names_in_body(left, &name.value) {
            return wrong(
                format!("the first part of \"{}\" reads it before there are rows", name.value),
                self.span_of(&**left),
            );
        }
        Ok(Parts { start: left, step: right, distinct })
    }
}

/// Whether a query reads a table of that name.
pub(super) fn names_in_query(query: &ast::Query, name: &str) -> bool {
    ast::visit_relations(query, |relation| is_named(relation, name)).is_break()
}

fn names_in_body(body: &SetExpr, name: &str) -> bool {
    ast::visit_relations(body, |relation| is_named(relation, name)).is_break()
}

fn is_named(relation: &ast::ObjectName, name: &str) -> ControlFlow<()> {
    match &relation.0[..] {
        [ast::ObjectNamePart::Identifier(part)] if part.value.eq_ignore_ascii_case(name) => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    }
}
