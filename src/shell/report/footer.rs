//! The lines under an answer: what it took, and what was recovered from.

use crate::journal::history::{AttemptState, LostNode, QueryInfo};
use crate::scheduler::graph::Mode;
use crate::scheduler::{NodeId, QueryId};
use crate::shell::units;
use std::collections::BTreeSet;

/// What a footer says beside the query itself.
#[derive(Debug, Clone, Copy, Default)]
pub struct Footer<'a> {
    /// Whether an undisturbed query gets its line; one that was disturbed always does.
    pub timing: bool,
    /// Workers that are up now.
    pub nodes_up: u32,
    /// An earlier undisturbed run of the same text.
    pub undisturbed: Option<&'a QueryInfo>,
    /// An earlier failed run of the same text in `abort`, and the run that answered it.
    pub by_hand: Option<(&'a QueryInfo, &'a QueryInfo)>,
    /// The failed attempts that this run repeats (RERUN, or the same text typed again).
    pub failed_before: Option<&'a QueryInfo>,
}

/// The footer of a finished query, a line each.
pub fn footer(query: &QueryInfo, about: &Footer<'_>) -> Vec<String> {
    let recovered = query.again() > 0 || !query.lost_nodes.is_empty();
    let mut lines = Vec::new();
    if about.timing || recovered || about.failed_before.is_some() {
        lines.push(headline(query, about));
    }
    if let Some(failed) = about.failed_before {
        lines.push(both_attempts(failed, query));
    }
    if recovered {
        lines.extend(recovery(query, about));
    }
    lines.extend(never_fired(query));
    lines
}

/// A line for each fault that waited for this query in vain.
pub fn never_fired(query: &QueryInfo) -> Vec<String> {
    let line = |(fault, why): &(u32, String)| format!("Fault {fault} did not fire: {why}. It is disarmed.");
    query.faults_expired.iter().map(line).collect()
}

/// `6 rows in 3.0 s · 28 tasks + 4 again · 3 of 4 workers · recompute`.
fn headline(query: &QueryInfo, about: &Footer<'_>) -> String {
    let took = units::micros(elapsed(query));
    let mut parts = vec![format!("{} in {took}", units::counted(query.rows.unwrap_or(0), "row"))];
    if query.started.is_some() {
        let again = match query.again() {
            0 => String::new(),
            again => format!(" + {again} again"),
        };
        parts.push(format!("{}{again}", units::counted(query.tasks().into(), "task")));
        parts.push(format!("{} of {} workers", about.nodes_up, query.nodes));
        parts.push(query.mode.to_string());
        if query.paced {
            parts.push("paced".to_string());
        }
    }
    parts.join(" · ")
}

/// `With the failed attempt: 1.2 s + 3.0 s = 4.2 s, 42 finished tasks for 28`.
fn both_attempts(failed: &QueryInfo, query: &QueryInfo) -> String {
    let (first, second) = (elapsed(failed), elapsed(query));
    format!(
        "With the failed attempt ({}): {} + {} = {}, {} finished tasks for {}",
        failed.query,
        units::micros(first),
        units::micros(second),
        units::micros(first + second),
        failed.attempts_finished() + query.attempts_finished(),
        query.tasks()
    )
}

/// The block that begins `Recovered from:`.
fn recovery(query: &QueryInfo, about: &Footer<'_>) -> Vec<String> {
    let mut lines = vec![format!("Recovered from: {}", causes(query))];
    let mut add = |word: &str, text: String| lines.push(format!("  {word:<11} {text}"));

    let lost = query.lost_needed();
    if lost > 0 {
        let checked = "checksums equal the lost ones";
        add(
            "recomputed",
            format!("{} of {}; {checked}", query.tasks_recomputed(), units::counted(lost.into(), "lost output")),
        );
    }
    if query.lost_not_needed() > 0 {
        add(
            "not needed",
            format!(
                "{} that nobody had to read any more",
                units::counted(query.lost_not_needed().into(), "lost output")
            ),
        );
    }
    let on_lost_nodes = running_on_lost_nodes(query);
    let restarted = query.tasks_restarted();
    if restarted > 0 {
        let names: BTreeSet<NodeId> = query.lost_nodes.iter().map(|lost| lost.place.node).collect();
        let were = if on_lost_nodes == 1 { "was" } else { "were" };
        let text = match restarted.checked_sub(on_lost_nodes) {
            Some(0) => {
                format!("{} that {were} running on {}", units::counted(restarted.into(), "task"), node_names(&names))
            }
            _ if on_lost_nodes == 0 => format!("{} that had failed", units::counted(restarted.into(), "task")),
            _ => format!(
                "{}; {on_lost_nodes} {were} running on {}",
                units::counted(restarted.into(), "task"),
                node_names(&names)
            ),
        };
        add("restarted", text);
    }
    if query.kept() > 0 {
        let lost: BTreeSet<NodeId> = query.lost_nodes.iter().map(|lost| lost.place.node).collect();
        let finished = |state| matches!(state, AttemptState::Finished);
        let holders: BTreeSet<NodeId> = query
            .attempts
            .values()
            .filter(|attempt| finished(attempt.state) && !lost.contains(&attempt.place.node))
            .map(|attempt| attempt.place.node)
            .collect();
        add("kept", format!("{} on {}", units::counted(query.kept().into(), "finished output"), node_names(&holders)));
    }
    add("cost", cost(query, about));
    if let Some(text) = comparison(about) {
        add("compare", text);
    }
    add(if query.paced { "(paced)" } else { "" }, "why each task: EXPLAIN LINEAGE;".to_string());
    lines
}

/// `worker-2 crashed (fault 1), noticed after 2 ms`.
fn causes(query: &QueryInfo) -> String {
    let mut causes: Vec<String> = query.faults.iter().map(|f| format!("{} (fault {})", f.text, f.fault)).collect();
    let told: BTreeSet<u32> = query.faults.iter().map(|f| f.fault).collect();
    for lost in query.lost_nodes.iter().filter(|lost| lost.fault.is_none_or(|fault| !told.contains(&fault))) {
        causes.push(format!("{} was lost", lost.place.node));
    }
    if let Some(slowest) = query.lost_nodes.iter().map(|lost| lost.noticed_after_us).max() {
        causes.push(format!("noticed after {}", units::micros(slowest)));
    }
    if causes.is_empty() { "failed attempts".to_string() } else { causes.join(", ") }
}

/// Attempts that ran on a node when it was lost.
fn running_on_lost_nodes(query: &QueryInfo) -> u32 {
    let lost = |place| query.lost_nodes.iter().any(|lost: &LostNode| lost.place == place);
    query.attempts.values().filter(|a| a.state == AttemptState::Lost && lost(a.place)).count() as u32
}

/// `1.2 task-seconds (14%); 3 workers instead of 4 since 1.2 s`.
fn cost(query: &QueryInfo, about: &Footer<'_>) -> String {
    let end = query.ended.unwrap_or_default();
    let (all, extra) = (query.task_us(end), query.thrown_away_us(end));
    let undisturbed = all.saturating_sub(extra);
    let share =
        if undisturbed > 0 { format!(" ({:.0}%)", extra as f64 * 100.0 / undisturbed as f64) } else { String::new() };
    let mut text = format!("{} task-seconds{share}", units::task_seconds(extra));
    if let Some(first) = query.lost_nodes.first()
        && about.nodes_up < query.nodes_up
    {
        let since = units::micros(first.at.0.saturating_sub(query.created.0));
        let up = units::counted(about.nodes_up.into(), "worker");
        text.push_str(&format!("; {up} instead of {} since {since}", query.nodes_up));
    }
    text
}

/// Wall times are compared with earlier runs of the same text only, and those are named.
fn comparison(about: &Footer<'_>) -> Option<String> {
    let mut parts = Vec::new();
    if let Some(run) = about.undisturbed {
        parts.push(format!("undisturbed {} ({})", units::micros(elapsed(run)), run.query));
    }
    if let Some((failed, answer)) = about.by_hand {
        let (QueryId(first), QueryId(second)) = (failed.query, answer.query);
        let both = units::micros(elapsed(failed) + elapsed(answer));
        parts.push(format!("{} + RERUN {both} (queries {first} + {second})", Mode::Abort));
    }
    (!parts.is_empty()).then(|| parts.join("; "))
}

/// `worker-1, -3, -4`.
fn node_names(nodes: &BTreeSet<NodeId>) -> String {
    let name = |(i, node): (usize, &NodeId)| if i == 0 { node.to_string() } else { format!("-{}", node.0) };
    nodes.iter().enumerate().map(name).collect::<Vec<_>>().join(", ")
}

/// From submission to end, in microseconds.
fn elapsed(query: &QueryInfo) -> u64 {
    query.elapsed_us(query.ended.unwrap_or(query.created))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::history::History;
    use crate::shell::view::narrator_tests::{QUERY, crash};

    fn query(mode: Mode) -> QueryInfo {
        let mut history = History::default();
        for entry in crash(mode) {
            history.add(&entry);
        }
        history.query(QUERY).expect("the script has this query").clone()
    }

    #[test]
    fn a_recovery_says_what_was_recomputed_and_what_it_was_compared_with() {
        let (recovered, mut before) = (query(Mode::Recompute), query(Mode::Recompute));
        before.query = QueryId(3);
        let about = Footer { timing: true, nodes_up: 3, undisturbed: Some(&before), ..Footer::default() };
        let text = footer(&recovered, &about).join("\n");
        assert!(text.starts_with("6 rows in 3.0 s"), "{text}");
        assert!(text.contains("Recovered from: worker-2 crashed (fault 1), noticed after 2 ms"), "{text}");
        assert!(text.contains("  recomputed  3 of 3 lost outputs; checksums equal the lost ones"), "{text}");
        assert!(text.contains("3 workers instead of 4 since 1.2 s"), "{text}");
        assert!(text.contains("undisturbed 3.0 s (query 3)"), "{text}");
    }

    #[test]
    fn without_timing_only_a_disturbed_query_speaks() {
        let mut quiet = query(Mode::Recompute);
        quiet.lost_nodes.clear();
        assert!(footer(&quiet, &Footer::default()).is_empty());
        quiet.faults_expired.push((2, "the query ended first".into()));
        assert_eq!(
            footer(&quiet, &Footer::default()),
            ["Fault 2 did not fire: the query ended first. It is disarmed."]
        );
    }
}
