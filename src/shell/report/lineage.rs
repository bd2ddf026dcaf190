//! EXPLAIN LINEAGE: which outputs were lost, which were needed, what was computed again because of what.

use crate::journal::history::{AttemptState, QueryInfo};
use crate::scheduler::{PartitionId, StageId};
use crate::shell::{clean, units};
use std::collections::BTreeSet;

/// The story of a query's recovery, as lines. A query that lost nothing gets its lineage alone.
pub fn lineage(query: &QueryInfo) -> String {
    let mut lines = vec![format!("{}: {}", query.query, clean::cut(&clean::one_line(&query.sql), 90))];
    lines.push("How its stages come from each other".to_string());
    for stage in &query.stages {
        let summary = &stage.summary;
        let mut sources = summary.tables.clone();
        sources.extend(summary.inputs.iter().map(StageId::to_string));
        let from = if sources.is_empty() { "constants".to_string() } else { sources.join(", ") };
        let tasks = units::counted(summary.tasks.into(), "task");
        lines.push(format!("  {} <- {from}   ({}; {tasks})", summary.stage, clean::one_line(&summary.title)));
    }
    if query.lost_nodes.is_empty() && query.restarted.is_empty() {
        lines.push("Nothing was lost: no task ran again.".to_string());
        return lines.join("\n");
    }
    let since = |at: crate::scheduler::Time| units::micros(at.0.saturating_sub(query.created.0));
    lines.push("What happened".to_string());
    for fault in &query.faults {
        lines.push(format!(
            "  {} (fault {}) after {}, when {} of {} tasks were done",
            fault.text,
            fault.fault,
            since(fault.at),
            fault.done,
            fault.tasks
        ));
    }
    for lost in &query.lost_nodes {
        let noticed = units::micros(lost.noticed_after_us);
        lines.push(format!("  {} was lost after {}, noticed after {noticed}", lost.place.node, since(lost.at)));
    }
    if !query.losses.is_empty() {
        lines.push("What was lost".to_string());
    }
    for loss in &query.losses {
        let node = loss.place.node;
        if !loss.needed.is_empty() {
            let outputs = outputs(&loss.needed);
            lines.push(format!("  {}: {outputs} on {node}, needed by {}", loss.stage, readers(query, loss.stage)));
        }
        if !loss.not_needed.is_empty() {
            let outputs = outputs(&loss.not_needed);
            lines.push(format!("  {}: {outputs} on {node}, not needed any more: nothing to do", loss.stage));
        }
        if loss.kept > 0 {
            let kept = units::counted(loss.kept.into(), "other output");
            lines.push(format!("  {}: {kept} stayed where they were", loss.stage));
        }
    }
    if !query.recomputed.is_empty() || !query.restarted.is_empty() {
        lines.push("What ran again, and why".to_string());
    }
    for again in &query.recomputed {
        for partition in &again.tasks {
            let because = format!("its output went with {} and {} needs it", again.because.node, again.needed_by);
            lines.push(format!("  {}", attempts(query, again.stage, *partition, &because)));
        }
    }
    for again in &query.restarted {
        for partition in &again.tasks {
            let because = match first_failure(query, again.stage, *partition) {
                Some(message) => format!("it had failed: {message}"),
                None => "it was running on a worker that was lost".to_string(),
            };
            lines.push(format!("  {}", attempts(query, again.stage, *partition, &because)));
        }
    }
    lines.join("\n")
}

/// `stage 1 task 2: worker-2, then worker-3; 120 rows, same checksum; because ...`.
fn attempts(query: &QueryInfo, stage: StageId, partition: PartitionId, because: &str) -> String {
    let tries: Vec<_> = query
        .attempts
        .values()
        .filter(|a| a.attempt.task.stage == stage && a.attempt.task.partition == partition)
        .collect();
    let places: Vec<String> = tries.iter().map(|a| a.place.node.to_string()).collect();
    let outputs: Vec<_> = tries.iter().filter_map(|a| a.output).collect();
    let checksums: BTreeSet<u64> = outputs.iter().map(|output| output.checksum).collect();
    let result = match (outputs.last(), outputs.len(), checksums.len()) {
        (None, ..) => "no output".to_string(),
        (Some(last), 1, _) => units::counted(last.rows, "row"),
        (Some(last), _, 1) => format!("{}, the same checksum", units::counted(last.rows, "row")),
        (Some(last), ..) => format!("{}, another checksum", units::counted(last.rows, "row")),
    };
    format!("{stage} task {}: {}; {result}; because {because}", partition.0, places.join(", then "))
}

/// The message of the first attempt that failed by itself.
fn first_failure(query: &QueryInfo, stage: StageId, partition: PartitionId) -> Option<String> {
    query
        .attempts
        .values()
        .filter(|a| a.attempt.task.stage == stage && a.attempt.task.partition == partition)
        .find(|a| a.state == AttemptState::Failed)
        .and_then(|a| a.error.as_ref().map(|error| clean::one_line(error.message()).into_owned()))
}

fn outputs(partitions: &[PartitionId]) -> String {
    let plural = if partitions.len() == 1 { "" } else { "s" };
    format!("output{plural} {}", units::listed(partitions.iter().map(|p| p.0)))
}

fn readers(query: &QueryInfo, stage: StageId) -> String {
    let readers: Vec<String> = query
        .stages
        .iter()
        .filter(|s| s.summary.inputs.contains(&stage))
        .map(|s| s.summary.stage.to_string())
        .collect();
    if readers.is_empty() { "the answer".to_string() } else { readers.join(" and ") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::history::History;
    use crate::scheduler::graph::Mode;
    use crate::shell::view::narrator_tests::{QUERY, crash};

    #[test]
    fn a_recovery_names_cause_and_effect() {
        let mut history = History::default();
        for entry in crash(Mode::Recompute) {
            history.add(&entry);
        }
        let text = lineage(history.query(QUERY).expect("the script has this query"));
        assert!(text.contains("  stage 2 <- stage 1   (final sum by region; 4 tasks)"), "{text}");
        assert!(text.contains("  stage 1: outputs 2, 6, 10 on worker-2, needed by stage 2"), "{text}");
        assert!(text.contains("because its output went with worker-2 and stage 2 needs it"), "{text}");
    }
}
