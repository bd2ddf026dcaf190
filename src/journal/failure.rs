//! How a task fails, typed from the place where it happens to the scheduler that decides and the user who reads it.

use super::ErrorCode;
use crate::sql::Span;
use serde::{Deserialize, Serialize};

/// Why a task attempt failed. The kind decides what a mode may do about it; text is only for people.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum TaskError {
    /// The statement or the data is wrong: bad cast, overflow, a bad line in a file. Never retried.
    User {
        code: ErrorCode,
        message: String,
        /// The expression that failed, in the statement's text.
        span: Option<Span>,
    },
    /// It may well work the next time (FLAKY, an interrupted read).
    Passing { message: String },
    /// Memory or disk ran out on the node.
    Resource { code: ErrorCode, message: String },
    /// A panic or an inner contradiction.
    Bug { message: String },
    /// The attempt was told to stop.
    Canceled,
}

impl TaskError {
    /// A user error without a place; the expression evaluator adds it with [`TaskError::at`].
    pub fn user(code: ErrorCode, message: impl Into<String>) -> TaskError {
        TaskError::User { code, message: message.into(), span: None }
    }

    /// An inner contradiction.
    pub fn bug(message: impl Into<String>) -> TaskError {
        TaskError::Bug { message: message.into() }
    }

    /// The same error, pointing at `span` unless it already points somewhere.
    pub fn at(mut self, at: Option<Span>) -> TaskError {
        if let TaskError::User { span, .. } = &mut self {
            *span = span.or(at);
        }
        self
    }

    /// The sentence for people.
    pub fn message(&self) -> &str {
        match self {
            TaskError::User { message, .. }
            | TaskError::Passing { message }
            | TaskError::Resource { message, .. }
            | TaskError::Bug { message } => message,
            TaskError::Canceled => "canceled",
        }
    }

    /// The code that the user sees.
    pub fn code(&self) -> ErrorCode {
        match self {
            TaskError::User { code, .. } | TaskError::Resource { code, .. } => *code,
            TaskError::Passing { .. } => ErrorCode::RemoteTaskError,
            TaskError::Bug { .. } => ErrorCode::GenericInternalError,
            TaskError::Canceled => ErrorCode::UserCanceled,
        }
    }
}

impl From<polars::error::PolarsError> for TaskError {
    /// A raw Polars error holds only text, and every user-visible failure is found by our own kernels first: so it is a bug.
    fn from(error: polars::error::PolarsError) -> TaskError {
        TaskError::bug(error.to_string())
    }
}

impl std::fmt::Display for TaskError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.message())
    }
}

impl std::error::Error for TaskError {}
