//! What a person is told when something is wrong: what, where (a caret under the SQL), what to do.

use crate::journal::ErrorCode;
use serde::{Deserialize, Serialize};

/// A half-open range of bytes in the text of one statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Span {
    pub start: u32,
    pub end: u32,
}

impl Span {
    /// The smallest span that covers both.
    pub fn to(self, other: Span) -> Span {
        Span { start: self.start.min(other.start), end: self.end.max(other.end) }
    }
}

/// An error on its way to the user.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Diagnostic {
    pub code: ErrorCode,
    /// One sentence, no code in it, no full stop: `Column "regoin" does not exist in table "orders"`.
    pub message: String,
    /// Where in the statement, when it is known.
    pub span: Option<Span>,
    /// What to do about it: `did you mean "region"?`
    pub hint: Option<String>,
}

impl Diagnostic {
    /// An error with a message only; add the rest with [`Diagnostic::at`] and [`Diagnostic::hint`].
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Diagnostic {
        Diagnostic { code, message: message.into(), span: None, hint: None }
    }

    /// The same error, pointing at `span`. A place that is already there stays: the innermost one is the exact one.
    pub fn at(mut self, span: impl Into<Option<Span>>) -> Diagnostic {
        self.span = self.span.or(span.into());
        self
    }

    /// The same error, with a hint.
    pub fn hint(mut self, hint: impl Into<String>) -> Diagnostic {
        self.hint = Some(hint.into());
        self
    }
}

impl std::fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Diagnostic {}

/// The usual result of everything before execution.
pub type Result<T, E = Diagnostic> = std::result::Result<T, E>;
