//! What a mode answers to a failure. Each answer is a value; the mechanism that carries it out is shared by the modes.

use super::action::QueryError;
use super::event::LossCause;
use super::graph::{Limits, Mode};
use super::ids::*;
use crate::journal::{ErrorCode, TaskError};

/// What is to be done about a failure.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Answer {
    /// The query ends with this error now.
    Fail(QueryError),
    /// The query ends with this user error as soon as no task before this one can report another.
    Doom(FailedAttempt),
    /// Whatever is still needed runs again.
    Recover,
}

/// An attempt that failed, and why.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct FailedAttempt {
    pub(super) attempt: AttemptId,
    pub(super) place: Place,
    /// Counted failures of the task, this one included.
    pub(super) failures: u32,
    pub(super) error: TaskError,
}

impl From<FailedAttempt> for QueryError {
    fn from(failed: FailedAttempt) -> QueryError {
        let FailedAttempt { attempt, place, failures, error } = failed;
        QueryError::Task { attempt, place, failures, error }
    }
}

/// A node was lost. `matters`: an attempt of the query ran there, or an output was there that somebody needs. `any_left`:
/// there is another node to go on with.
pub(super) fn on_node_lost(mode: Mode, (place, cause): (Place, LossCause), matters: bool, any_left: bool) -> Answer {
    match mode {
        Mode::Abort if matters => Answer::Fail(QueryError::NodeLost { place, cause }),
        Mode::Abort | Mode::Recompute if !any_left => Answer::Fail(QueryError::NoNodes),
        Mode::Abort | Mode::Recompute => Answer::Recover,
    }
}

/// Whether a failure counts towards the limit: not when nothing was wrong with the task.
pub(super) fn counts(error: &TaskError) -> bool {
    match error {
        TaskError::User { .. } | TaskError::Passing { .. } | TaskError::Resource { .. } | TaskError::Bug { .. } => true,
        TaskError::Canceled => false,
    }
}

/// An attempt failed on its node.
pub(super) fn on_task_failed(mode: Mode, limits: Limits, failed: FailedAttempt) -> Answer {
    match (mode, &failed.error) {
        (_, TaskError::User { .. }) => Answer::Doom(failed),
        (Mode::Abort, _) => Answer::Fail(failed.into()),
        (Mode::Recompute, TaskError::Canceled) => Answer::Recover,
        (Mode::Recompute, TaskError::Passing { .. } | TaskError::Resource { .. } | TaskError::Bug { .. }) => {
            if failed.failures >= limits.task_max_failures { Answer::Fail(failed.into()) } else { Answer::Recover }
        }
    }
}

/// An attempt could not read the output of `source`. `resubmissions`: how many times in a row its stage had to wait for
/// inputs because of that, this time included.
pub(super) fn on_fetch_failed(
    mode: Mode,
    limits: Limits,
    (attempt, place): (AttemptId, Place),
    (source, from): (TaskId, Place),
    resubmissions: u32,
) -> Answer {
    match mode {
        Mode::Abort => {
            let message = format!("Could not fetch the output of task {source} from {}", from.node);
            let error = TaskError::Resource { code: ErrorCode::PageTransportError, message };
            Answer::Fail(QueryError::Task { attempt, place, failures: 1, error })
        }
        Mode::Recompute if resubmissions >= limits.stage_max_attempts => {
            Answer::Fail(QueryError::StageAttempts { stage: attempt.task.stage, attempts: resubmissions })
        }
        Mode::Recompute => Answer::Recover,
    }
}
