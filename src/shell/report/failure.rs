//! The text of a failed query: the short sentence first, then the code, how far it came, and what to do.

use crate::journal::history::{AttemptState, LostNode, QueryInfo};
use crate::journal::{ErrorClass, ErrorCode};
use crate::scheduler::action::QueryError;
use crate::scheduler::graph::Mode;
use crate::shell::report::footer::never_fired;
use crate::shell::{clean, units};
use crate::sql::{Diagnostic, Span};

/// What the user reads about a query that failed on the cluster. `span` is the place in `text` when the statement is to
/// blame; `nodes_up` counts the workers that are left.
pub fn failure_text(query: &QueryInfo, text: &str, span: Option<Span>, nodes_up: u32) -> String {
    let Some(failure) = &query.failure else { return "Query failed".to_string() };
    let mut lines = match &failure.error {
        Some(QueryError::Task { .. }) if failure.code.class() == ErrorClass::User => {
            let error = Diagnostic::new(failure.code, failure.message.clone()).at(span);
            return clean::lines(&format!("Error: {}", error.render(text))).into_owned();
        }
        Some(QueryError::Canceled) => {
            return format!(
                "Query canceled after {} ({}): no rows",
                units::micros(query.elapsed_us(query.ended.unwrap_or_default())),
                ErrorCode::UserCanceled
            );
        }
        _ => vec![headline(query)],
    };
    lines.extend(stages(query));
    lines.push(balance(query));
    lines.extend(never_fired(query));
    let hints = hints(query, nodes_up);
    lines
        .extend(hints.iter().enumerate().map(|(i, hint)| format!("{} {hint}", if i == 0 { "Hint:" } else { "     " })));
    if failure.code == ErrorCode::RemoteHostGone {
        lines.push(format!("A real Trino notices after about 60 s: \\why {}", failure.code));
    } else {
        lines.push(format!("What it means, and what Trino and Spark say: \\why {}", failure.code));
    }
    lines.join("\n")
}

/// `Query failed: Worker node worker-2 is no longer available (REMOTE_HOST_GONE)`.
fn headline(query: &QueryInfo) -> String {
    let Some(failure) = &query.failure else { return "Query failed".to_string() };
    let message = match &failure.error {
        Some(QueryError::NodeLost { place, .. }) => format!("Worker node {} is no longer available", place.node),
        _ => clean::lines(&failure.message).into_owned(),
    };
    format!("Query failed: {message} ({})", failure.code)
}

/// The node whose loss ended the query.
fn fatal_loss(query: &QueryInfo) -> Option<LostNode> {
    match query.failure.as_ref()?.error.as_ref()? {
        QueryError::NodeLost { place, .. } => query.lost_nodes.iter().copied().find(|lost| lost.place == *place),
        _ => None,
    }
}

/// How far each stage came.
fn stages(query: &QueryInfo) -> Vec<String> {
    let title = query.stages.iter().map(|s| clean::width(&s.summary.title)).max().unwrap_or(0).min(60);
    let digits = query.stages.iter().map(|s| s.summary.tasks.to_string().len()).max().unwrap_or(1);
    let mut lines = Vec::new();
    for stage in &query.stages {
        let lost: usize = query.losses.iter().filter(|l| l.stage == stage.summary.stage).map(|l| l.needed.len()).sum();
        let with = fatal_loss(query).filter(|_| lost > 0);
        let lost = with.map_or_else(String::new, |with| format!(", {lost} lost with {}", with.place.node));
        lines.push(format!(
            "  {}  {}  {:>digits$} of {:>digits$} tasks done{lost}",
            stage.summary.stage,
            clean::fit(&clean::one_line(&stage.summary.title), title),
            stage.done.len(),
            stage.summary.tasks,
        ));
    }
    lines
}

/// `  no rows · ran 1.2 s · noticed after 2 ms · 4.8 task-seconds thrown away`.
fn balance(query: &QueryInfo) -> String {
    let end = query.ended.unwrap_or_default();
    let mut parts = vec!["no rows".to_string(), format!("ran {}", units::micros(query.elapsed_us(end)))];
    if let Some(lost) = fatal_loss(query) {
        parts.push(format!("noticed after {}", units::micros(lost.noticed_after_us)));
    }
    if query.started.is_some() {
        parts.push(format!("{} task-seconds thrown away", units::task_seconds(query.thrown_away_us(end))));
    }
    if query.paced {
        parts.push("paced".to_string());
    }
    format!("  {}", parts.join(" · "))
}

/// What to do next.
fn hints(query: &QueryInfo, nodes_up: u32) -> Vec<String> {
    let mut hints = Vec::new();
    if nodes_up == 0 {
        return vec!["RESTART ALL;  brings the workers back.".to_string()];
    }
    if query.failure.as_ref().is_some_and(|failure| failure.code == ErrorCode::BadData) {
        return vec![
            "The file is damaged: no worker can read it, in either mode. Write it again, then RERUN;".to_string(),
        ];
    }
    let workers = if nodes_up == 1 { "worker".to_string() } else { format!("{nodes_up} workers") };
    let left = if nodes_up < query.nodes { " left" } else { "" };
    hints.push(format!("RERUN;  starts from zero on the {workers}{left}."));
    if let Some(lost) = fatal_loss(query)
        && query.mode == Mode::Abort
    {
        let running =
            query.attempts.values().filter(|a| a.state == AttemptState::Lost && a.place == lost.place).count() as u32;
        let again = query.lost_needed() + running;
        let all = query.tasks();
        hints.push(format!(
            "SET mode = recompute;  would have run {} again, not {all}.",
            units::counted(again.into(), "task")
        ));
        hints.push(format!("RESTART NODE {};  brings {} back.", lost.place.node.0, lost.place.node));
    } else if query.mode == Mode::Abort {
        hints.push("SET mode = recompute;  would have run the failed task again.".to_string());
    }
    hints
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::history::History;
    use crate::journal::{Entry, Record};
    use crate::scheduler::Time;
    use crate::scheduler::event::LossCause;
    use crate::shell::view::narrator_tests::{QUERY, crash, place};

    fn failed(code: ErrorCode, error: QueryError) -> QueryInfo {
        let mut history = History::default();
        for entry in crash(Mode::Abort) {
            history.add(&entry);
        }
        let record = Record::QueryFailed { query: QUERY, code, message: "division by zero".into(), error: Some(error) };
        history.add(&Entry { seq: 99, at: Time(1_203_000), record });
        history.query(QUERY).expect("the script has this query").clone()
    }

    #[test]
    fn a_lost_worker_in_abort() {
        let error = QueryError::NodeLost { place: place(2), cause: LossCause::Crashed };
        let text = failure_text(&failed(ErrorCode::RemoteHostGone, error), "", None, 3);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "Query failed: Worker node worker-2 is no longer available (REMOTE_HOST_GONE)");
        assert!(text.contains("noticed after 2 ms"), "{text}");
        assert!(text.contains("Hint: RERUN;  starts from zero on the 3 workers left."), "{text}");
        assert!(text.contains("      RESTART NODE 2;  brings worker-2 back."), "{text}");
        assert!(text.ends_with("A real Trino notices after about 60 s: \\why REMOTE_HOST_GONE"), "{text}");
    }

    #[test]
    fn a_canceled_query_is_one_line() {
        let text = failure_text(&failed(ErrorCode::UserCanceled, QueryError::Canceled), "", None, 4);
        assert_eq!(text, "Query canceled after 1.2 s (USER_CANCELED): no rows");
    }
}
