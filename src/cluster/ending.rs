//! How a failed query reads: the code, the sentence and the place in the text, from the scheduler's typed error.

use crate::journal::{ErrorCode, TaskError};
use crate::scheduler::AttemptId;
use crate::scheduler::action::QueryError;
use crate::scheduler::event::LossCause;
use crate::sql::Span;

/// A failure for people.
pub(crate) struct Ending {
    pub code: ErrorCode,
    pub message: String,
    pub span: Option<Span>,
}

impl Ending {
    pub(crate) fn of(error: &QueryError) -> Ending {
        let (code, message) = match error {
            QueryError::NodeLost { place, cause } => {
                let message = match cause {
                    LossCause::Crashed => format!("Worker node {} is no longer available", place.node),
                    LossCause::Unresponsive => format!("Worker node {} does not answer any more", place.node),
                };
                (ErrorCode::RemoteHostGone, message)
            }
            QueryError::NoNodes => (ErrorCode::NoNodesAvailable, "No nodes available to run query".to_string()),
            QueryError::Task { attempt, place, failures, error } => match error {
                TaskError::User { code, message, span } => {
                    return Ending { code: *code, message: message.clone(), span: *span };
                }
                _ if *failures > 1 => {
                    let task = task_name(*attempt);
                    let text = error.message();
                    let message =
                        format!("{task} failed {failures} times, most recent failure on {}: {text}", place.node);
                    (ErrorCode::TaskAttemptsExceeded, message)
                }
                TaskError::Passing { message } => {
                    let task = task_name(*attempt);
                    let text = format!("Remote task execution failed: {task} on {}: {message}", place.node);
                    (ErrorCode::RemoteTaskError, text)
                }
                TaskError::Resource { .. } | TaskError::Bug { .. } | TaskError::Canceled => {
                    (error.code(), error.message().to_string())
                }
            },
            QueryError::StageAttempts { stage, attempts } => {
                let message = format!("Stage {} could not get its inputs {attempts} times in a row", stage.0);
                (ErrorCode::PageTransportError, message)
            }
            QueryError::Checksum { task } => {
                let message = format!(
                    "Task {} of stage {} gave another output when it was computed again",
                    task.partition.0 + 1,
                    task.stage.0
                );
                (ErrorCode::ChecksumMismatch, message)
            }
            QueryError::TimeLimit { limit_us } => {
                let seconds = *limit_us as f64 / 1e6;
                (
                    ErrorCode::ExceededTimeLimit,
                    format!("Query exceeded the maximum execution time limit of {seconds:.2}s"),
                )
            }
            QueryError::Canceled => (ErrorCode::UserCanceled, "Query was canceled".to_string()),
        };
        Ending { code, message, span: None }
    }
}

/// Tasks are counted from 1 where people read about them.
fn task_name(attempt: AttemptId) -> String {
    format!("Task {} of stage {}", attempt.task.partition.0 + 1, attempt.task.stage.0)
}
