//! What came of a statement.

use crate::scheduler::QueryId;
use crate::shell::clean;
use crate::shell::output::Rows;
use crate::sql::Diagnostic;

/// What came of a statement: an answer or a failure, and what there is to say about it.
#[derive(Debug, Clone)]
pub struct StatementResult {
    pub answer: Result<Answer, Failure>,
    /// Lines for people, to be shown after the answer, on stderr.
    pub notes: Vec<String>,
    /// The query that ran, if one did; the journal knows the rest.
    pub query: Option<QueryId>,
}

/// The answer, for stdout.
#[derive(Debug, Clone)]
pub enum Answer {
    Rows(Rows),
    /// Lines as they are: a plan, a lineage.
    Text(String),
    /// Nothing: the notes say what was done.
    Done,
}

/// Why there is no answer.
#[derive(Debug, Clone)]
pub struct Failure {
    pub diagnostic: Diagnostic,
    /// The statement that the diagnostic points into, when the statement is to blame.
    pub statement: Option<String>,
    /// All that is to be shown, several lines, without control characters.
    pub text: String,
}

impl StatementResult {
    /// Rows and nothing to say.
    pub(super) fn rows(rows: Rows) -> StatementResult {
        StatementResult { answer: Ok(Answer::Rows(rows)), notes: Vec::new(), query: None }
    }

    /// Text and nothing to say.
    pub(super) fn text(text: String) -> StatementResult {
        StatementResult { answer: Ok(Answer::Text(text)), notes: Vec::new(), query: None }
    }

    /// No rows, one thing to say.
    pub(super) fn done(note: impl Into<String>) -> StatementResult {
        StatementResult { answer: Ok(Answer::Done), notes: vec![note.into()], query: None }
    }

    /// An error in `statement`.
    pub(super) fn error(diagnostic: Diagnostic, statement: &str) -> StatementResult {
        let text = clean::lines(&format!("Error: {}", diagnostic.render(statement))).into_owned();
        StatementResult {
            answer: Err(Failure { diagnostic, statement: Some(statement.to_string()), text }),
            notes: Vec::new(),
            query: None,
        }
    }

    /// The same with one more line to say.
    pub(super) fn note(mut self, note: impl Into<String>) -> StatementResult {
        self.notes.push(note.into());
        self
    }

    /// The rows, if that is what the answer is.
    pub fn into_rows(self) -> Result<Rows, Failure> {
        match self.answer? {
            Answer::Rows(rows) => Ok(rows),
            Answer::Text(_) | Answer::Done => Ok(Rows::default()),
        }
    }
}
