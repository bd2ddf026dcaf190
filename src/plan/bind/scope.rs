//! What a name can mean: the columns of the tables in FROM, the aliases of the select list, and the queries around.

use super::binder::Binder;
use super::expression::Clause;
use super::grouping::PendingAggregate;
use super::window::{PendingWindow, Specification};
use crate::journal::ErrorCode;
use crate::plan::expr::{ColumnId, Expr};
use crate::sql::DataType;
use crate::sql::diagnostic::{Diagnostic, Result, Span};
use crate::sql::suggest::{did_you_mean, either, similar};
use sqlparser::ast;
use std::collections::{HashMap, HashSet};

/// What is known by name in one SELECT.
#[derive(Default)]
pub(super) struct Scope<'q> {
    pub relations: Vec<Relation>,
    /// Aliases of the select list with what they stand for.
    pub aliases: Vec<(String, &'q ast::Expr)>,
    /// Aliases that are being replaced right now: one that means itself is no alias but an unknown column.
    pub open_aliases: Vec<String>,
    /// The lists of the `unnest` calls met so far, with the columns of their elements.
    pub unnests: Vec<(crate::plan::expr::ColumnDef, Expr)>,
    /// The clause of the expression that is being bound: a subquery in it may aggregate over columns of this query. None for the
    /// parts of FROM, where a query beside them may not.
    pub clause: Option<Clause>,
    /// The aggregates met so far, also in subqueries.
    pub aggregates: Vec<PendingAggregate>,
    /// How many aggregate calls were met, equal ones counted again.
    pub aggregate_uses: usize,
    /// Whether GROUPING() was called.
    pub asks_grouping: bool,
    /// The windows of the WINDOW clause.
    pub windows_by_name: Vec<(String, Specification<'q>)>,
    /// The window function calls met so far.
    pub windows: Vec<PendingWindow>,
    /// How many window function calls were met, equal ones counted again.
    pub window_uses: usize,
}

/// A table, subquery or join side under one name.
#[derive(Debug, Clone)]
pub(super) struct Relation {
    /// The alias, or the table's own name in parts.
    pub name: Vec<String>,
    pub columns: Vec<ScopeColumn>,
}

/// A column that can be named.
#[derive(Debug, Clone)]
pub(super) struct ScopeColumn {
    pub name: String,
    pub id: ColumnId,
    pub dtype: DataType,
    /// What the name alone, and `*`, mean: usually this column; the merged column of USING; or nothing, for the side that
    /// USING hides.
    pub alone: Option<(ColumnId, DataType)>,
}

impl ScopeColumn {
    /// A column that stands for itself.
    pub fn plain(name: impl Into<String>, id: ColumnId, dtype: DataType) -> ScopeColumn {
        ScopeColumn { name: name.into(), id, dtype: dtype.clone(), alone: Some((id, dtype)) }
    }
}

impl Relation {
    /// Whether `qualifier` (`t`, `schema.t`) names this relation.
    pub fn is_named(&self, qualifier: &[String]) -> bool {
        qualifier.len() <= self.name.len()
            && self.name[self.name.len() - qualifier.len()..]
                .iter()
                .zip(qualifier)
                .all(|(a, b)| a.eq_ignore_ascii_case(b))
    }

    /// Gives columns that are called as one before them a number: `a`, `a_1`, `a_2`.
    pub fn number_duplicates(&mut self) {
        let names = numbered_duplicates(self.columns.iter().map(|column| column.name.as_str()));
        for (column, name) in self.columns.iter_mut().zip(names) {
            column.name = name;
        }
    }

    /// The name to write before a column.
    pub fn label(&self) -> String {
        self.name.last().cloned().unwrap_or_default()
    }
}

/// These names, where one that was there before has a number behind it: `a`, `a_1`, `a_2`.
pub(super) fn numbered_duplicates<'a>(names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut taken: HashSet<String> = HashSet::new();
    let mut uses: HashMap<String, usize> = HashMap::new();
    let mut numbered = Vec::new();
    for name in names {
        let mut given = name.to_string();
        while !taken.insert(given.to_lowercase()) {
            let count = uses.entry(name.to_lowercase()).or_default();
            *count += 1;
            given = format!("{name}_{count}");
        }
        numbered.push(given);
    }
    numbered
}

impl<'q> Scope<'q> {
    /// Whether it is a column that comes out of this query's FROM, UNNEST or grouping.
    pub fn has(&self, id: ColumnId) -> bool {
        let columns = self.relations.iter().flat_map(|relation| &relation.columns);
        columns.clone().any(|c| c.id == id || c.alone.as_ref().is_some_and(|(alone, _)| *alone == id))
            || self.unnests.iter().any(|(def, _)| def.id == id)
            || self.aggregates.iter().any(|aggregate| aggregate.output.id == id)
    }

    /// The relation of a qualifier. AMBIGUOUS_NAME if there are two.
    pub fn relation(&self, qualifier: &[String], place: Option<Span>) -> Result<Option<&Relation>> {
        let mut found = self.relations.iter().filter(|r| r.is_named(qualifier));
        let first = found.next();
        if found.next().is_some() {
            let name = qualifier.join(".");
            return Err(Diagnostic::new(ErrorCode::AmbiguousName, format!("two tables are called \"{name}\""))
                .at(place)
                .hint("give one of them an alias"));
        }
        Ok(first)
    }

    /// The column of a name alone.
    pub fn unqualified(&self, name: &str, place: Option<Span>) -> Result<Option<Expr>> {
        let matches: Vec<(&Relation, &(ColumnId, DataType))> = self
            .relations
            .iter()
            .flat_map(|r| r.columns.iter().map(move |c| (r, c)))
            .filter(|(_, c)| c.name.eq_ignore_ascii_case(name))
            .filter_map(|(r, c)| Some((r, c.alone.as_ref()?)))
            .collect();
        match matches[..] {
            [] => Ok(None),
            [(_, (id, dtype))] => Ok(Some(Expr::column(*id, dtype.clone()).at(place))),
            _ => {
                let labels: Vec<String> = matches.iter().map(|(r, _)| r.label()).collect();
                let hint = match labels.iter().any(String::is_empty) {
                    true => "give the subqueries in FROM aliases, and write them before the column".to_string(),
                    false => {
                        let written: Vec<String> = labels.iter().map(|label| format!("{label}.{name}")).collect();
                        format!("write {}", either(&written).unwrap_or_default())
                    }
                };
                Err(Diagnostic::new(ErrorCode::AmbiguousName, format!("column \"{name}\" is ambiguous"))
                    .at(place)
                    .hint(hint))
            }
        }
    }
}

/// What a name was found to be.
pub(super) enum Resolved<'q> {
    Column(Expr),
    /// An alias of the select list of the innermost query.
    Alias(&'q ast::Expr),
}

impl<'q> Binder<'q> {
    /// A name alone: a column of the innermost query, an alias of its select list, then the queries around.
    pub fn resolve_name(&mut self, ident: &ast::Ident) -> Result<Resolved<'q>> {
        let place = self.span(ident.span);
        if let Some(param) = self.params.iter().rev().find(|p| p.name.eq_ignore_ascii_case(&ident.value)) {
            return Ok(Resolved::Column(Expr::column(param.id, param.dtype.clone()).at(place)));
        }
        for (distance, scope) in self.scopes.iter().rev().enumerate() {
            if let Some(column) = scope.unqualified(&ident.value, place)? {
                return Ok(Resolved::Column(column));
            }
            let alias = scope.aliases.iter().find(|(name, _)| name.eq_ignore_ascii_case(&ident.value));
            if let Some((name, expr)) = alias
                && distance == 0
                && !scope.open_aliases.contains(name)
            {
                return Ok(Resolved::Alias(expr));
            }
        }
        let error = self.no_column(&ident.value, place);
        let is_text = ident.quote_style == Some('"') && error.hint.as_ref().is_none_or(|h| !h.starts_with("did"));
        Err(if is_text { error.hint(format!("a text is written in single quotes: '{}'", ident.value)) } else { error })
    }

    /// The name of a table alone: its row, as a struct. None if no table is called so.
    pub fn whole_row(&self, ident: &ast::Ident) -> Result<Option<Expr>> {
        let place = self.span(ident.span);
        for scope in self.scopes.iter().rev() {
            if let Some(relation) = scope.relation(std::slice::from_ref(&ident.value), place)? {
                return super::nested::row_of(relation, place).map(Some);
            }
        }
        Ok(None)
    }

    /// `t.a`, `schema.t.a`.
    pub fn resolve_qualified(&self, parts: &[ast::Ident]) -> Result<Expr> {
        let names: Vec<String> = parts.iter().map(|p| p.value.clone()).collect();
        let place = match (parts.first(), parts.last()) {
            (Some(first), Some(last)) => {
                self.span(first.span).zip(self.span(last.span)).map(|(first, last)| first.to(last))
            }
            _ => None,
        };
        let Some((name, qualifier)) = names.split_last() else {
            return Err(Diagnostic::new(ErrorCode::ColumnNotFound, "a column without a name").at(place));
        };
        let mut known = None;
        for scope in self.scopes.iter().rev() {
            let Some(relation) = scope.relation(qualifier, place)? else { continue };
            let mut found = relation.columns.iter().filter(|c| c.name.eq_ignore_ascii_case(name));
            if let Some(column) = found.next() {
                if found.next().is_some() {
                    let message = format!("column \"{name}\" is ambiguous in \"{}\"", relation.label());
                    return Err(Diagnostic::new(ErrorCode::AmbiguousName, message).at(place));
                }
                return Ok(Expr::column(column.id, column.dtype.clone()).at(place));
            }
            known.get_or_insert(relation);
        }
        Err(match known {
            Some(relation) => missing_column(name, &[relation]).at(place),
            None => self.no_table(qualifier, place),
        })
    }

    /// TABLE_NOT_FOUND for a qualifier that no table in FROM has.
    pub fn no_table(&self, qualifier: &[String], place: Option<Span>) -> Diagnostic {
        let name = qualifier.join(".");
        let error = Diagnostic::new(ErrorCode::TableNotFound, format!("table \"{name}\" is not in FROM")).at(place);
        let labels: Vec<String> =
            self.scopes.iter().rev().flat_map(|s| s.relations.iter().map(Relation::label)).collect();
        let near = similar(&name, labels.iter().map(String::as_str));
        match did_you_mean(&near) {
            Some(hint) => error.hint(hint),
            None if labels.is_empty() => error,
            None => error.hint(format!("in FROM: {}", labels.join(", "))),
        }
    }

    fn no_column(&self, name: &str, place: Option<Span>) -> Diagnostic {
        let relations: Vec<&Relation> = self.scopes.iter().rev().flat_map(|s| &s.relations).collect();
        missing_column(name, &relations).at(place)
    }
}

/// How many columns a hint lists.
const LISTED: usize = 12;

/// COLUMN_NOT_FOUND, with the nearest names or a list of what there is.
pub(super) fn missing_column(name: &str, relations: &[&Relation]) -> Diagnostic {
    let message = match relations {
        [one] if !one.label().is_empty() => format!("column \"{name}\" does not exist in table \"{}\"", one.label()),
        [] => format!("column \"{name}\" does not exist: there is no FROM"),
        _ => format!("column \"{name}\" does not exist"),
    };
    let error = Diagnostic::new(ErrorCode::ColumnNotFound, message);
    let mut names: Vec<&str> = Vec::new();
    for column in relations.iter().flat_map(|r| &r.columns) {
        if !names.contains(&column.name.as_str()) {
            names.push(&column.name);
        }
    }
    match did_you_mean(&similar(name, names.iter().copied())) {
        Some(hint) => error.hint(hint),
        None if names.is_empty() => error.hint(format!("a text is written in single quotes: '{name}'")),
        None => {
            let more = if names.len() > LISTED { ", ..." } else { "" };
            error.hint(format!("columns: {}{more}", names[..names.len().min(LISTED)].join(", ")))
        }
    }
}
