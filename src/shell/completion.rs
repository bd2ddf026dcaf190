//! The line editor's helper: completion, multi-line input, hints from the history.

use super::commands::COMMANDS;
use super::session::Session;
use crate::functions::aggregates::AGGREGATES;
use crate::functions::windows::WINDOWS;
use crate::sql::is_complete;
use crate::sql::settings::SETTINGS;
use rustyline::completion::Completer;
use rustyline::highlight::Highlighter;
use rustyline::hint::{Hinter, HistoryHinter};
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{Context, Helper};
use std::borrow::Cow;
use std::collections::BTreeSet;

/// Words of the language that are worth completing.
const KEYWORDS: &[&str] = &[
    "ABORT",
    "ALL",
    "ANALYZE",
    "AND",
    "AS",
    "ASC",
    "AT",
    "BETWEEN",
    "BY",
    "CASE",
    "CAST",
    "COMPARE",
    "COPY",
    "CRASH",
    "CREATE",
    "CROSS",
    "DATE",
    "DELETE",
    "DESC",
    "DESCRIBE",
    "DISTINCT",
    "DROP",
    "ELSE",
    "END",
    "EXCEPT",
    "EXISTS",
    "EXPLAIN",
    "FALSE",
    "FAULT",
    "FAULTS",
    "FILTER",
    "FLAKY",
    "FROM",
    "FULL",
    "FUNCTIONS",
    "GROUP",
    "HAVING",
    "HEAL",
    "ILIKE",
    "IN",
    "INJECT",
    "INNER",
    "INSERT",
    "INTERSECT",
    "INTERVAL",
    "IS",
    "JOIN",
    "LEFT",
    "LIKE",
    "LIMIT",
    "LINEAGE",
    "NODE",
    "NODES",
    "NOT",
    "NULL",
    "NULLS",
    "OFFSET",
    "ON",
    "OR",
    "ORDER",
    "OUTER",
    "QUERIES",
    "RECOMPUTE",
    "RERUN",
    "RESET",
    "RESTART",
    "RIGHT",
    "SCHEMAS",
    "SELECT",
    "SET",
    "SETTINGS",
    "SHOW",
    "SLOW",
    "STAGE",
    "TABLES",
    "TASKS",
    "THEN",
    "TIMES",
    "TIMESTAMP",
    "TRUE",
    "UNION",
    "USING",
    "VALUES",
    "WHEN",
    "WHERE",
    "WITH",
];

/// Helps with the line that is being typed.
pub struct LineHelper {
    names: BTreeSet<String>,
    history: HistoryHinter,
    color: bool,
}

impl LineHelper {
    /// A helper that knows no names yet.
    pub fn new(color: bool) -> LineHelper {
        LineHelper { names: BTreeSet::new(), history: HistoryHinter::new(), color }
    }

    /// Learns the names that the session knows now.
    pub fn learn(&mut self, session: &Session) {
        self.names.clear();
        for table in session.catalog().tables() {
            self.names.insert(table.display_name());
            self.names.extend(table.columns.iter().map(|column| column.name.clone()));
        }
        self.names.extend(crate::journal::tables::NAMES.iter().map(|name| format!("system.runtime.{name}")));
        self.names.extend(SETTINGS.iter().map(|setting| setting.name.to_string()));
        let aggregates = AGGREGATES.iter().flat_map(|function| std::iter::once(&function.name).chain(function.aliases));
        let scalars =
            crate::functions::all().flat_map(|function| std::iter::once(&function.name).chain(function.aliases));
        self.names.extend(WINDOWS.iter().map(|function| function.name.to_string()));
        self.names.extend(aggregates.chain(scalars).map(|name| name.to_string()));
        self.names.retain(|name| name.chars().any(char::is_alphabetic));
    }

    /// What the word may become, without the order of importance: names first, then keywords in the case that was begun.
    fn candidates(&self, word: &str) -> Vec<String> {
        let lower = word.to_lowercase();
        if word.starts_with('\\') {
            return COMMANDS.iter().map(|command| command.name()).filter(|name| name.starts_with(&lower)).collect();
        }
        if word.is_empty() {
            return Vec::new();
        }
        let small = word.chars().all(|c| !c.is_uppercase());
        let names = self.names.iter().filter(|name| name.to_lowercase().starts_with(&lower)).cloned();
        let keywords = KEYWORDS
            .iter()
            .filter(|keyword| keyword.to_lowercase().starts_with(&lower))
            .map(|keyword| if small { keyword.to_lowercase() } else { keyword.to_string() });
        names.chain(keywords).collect()
    }
}

/// Where the word that ends at `position` begins.
fn word_start(line: &str, position: usize) -> usize {
    let part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '\\' | '-');
    line[..position].char_indices().rev().take_while(|(_, c)| part(*c)).last().map_or(position, |(at, _)| at)
}

/// Whether Enter runs the text: a command, a word to leave with, nothing at all, or closed statements.
fn runs(text: &str) -> bool {
    let text = text.trim();
    text.starts_with('\\') || super::repl::leaves(text) || is_complete(text)
}

impl Completer for LineHelper {
    type Candidate = String;

    fn complete(&self, line: &str, position: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<String>)> {
        let start = word_start(line, position);
        Ok((start, self.candidates(&line[start..position])))
    }
}

impl Validator for LineHelper {
    fn validate(&self, context: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        Ok(if runs(context.input()) { ValidationResult::Valid(None) } else { ValidationResult::Incomplete })
    }
}

impl Hinter for LineHelper {
    type Hint = String;

    fn hint(&self, line: &str, position: usize, context: &Context<'_>) -> Option<String> {
        if line.is_empty() || line.contains('\n') {
            return None;
        }
        // A statement of several lines would push the prompt around.
        self.history.hint(line, position, context).filter(|hint| !hint.contains('\n'))
    }
}

impl Highlighter for LineHelper {
    fn highlight_hint<'h>(&self, hint: &'h str) -> Cow<'h, str> {
        if self.color { Cow::Owned(format!("\x1b[2m{hint}\x1b[0m")) } else { Cow::Borrowed(hint) }
    }
}

impl Helper for LineHelper {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_completed_in_the_case_that_was_begun() {
        let mut helper = LineHelper::new(false);
        helper.names.insert("orders".to_string());
        assert_eq!(helper.candidates("or"), ["orders", "or", "order"]);
        assert_eq!(helper.candidates("SEL"), ["SELECT"]);
        assert_eq!(helper.candidates("\\no"), ["\\nodes"]);
        assert_eq!(word_start("SELECT raw.tr", 13), 7);
    }

    #[test]
    fn enter_runs_closed_statements_and_commands_only() {
        assert!(runs("SELECT 1;") && runs("\\d") && runs("exit") && runs(""));
        assert!(!runs("SELECT 1") && !runs("SELECT ';"));
    }
}
