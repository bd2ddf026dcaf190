//! Journal entries to lines for people: what broke, what was lost, what is computed again.

use crate::journal::record::StageSummary;
use crate::journal::{Entry, Record, TaskError};
use crate::scheduler::{PartitionId, Place, QueryId, StageId, Time};
use crate::shell::{clean, units};

/// Tells the story of one query. It is fed the journal from the query's first entry on.
pub struct Narrator {
    query: QueryId,
    created: Time,
    stages: Vec<StageSummary>,
    /// What went with a node is told in one line, so it is gathered until something else happens.
    loss: Option<Loss>,
    /// The query has ended; what follows is not its story.
    over: bool,
}

/// What a lost node took with it.
struct Loss {
    at: Time,
    place: Place,
    /// By stage: the outputs that somebody still needs, and those that nobody does.
    outputs: Vec<(StageId, Vec<PartitionId>, Vec<PartitionId>)>,
    running: Vec<(StageId, PartitionId)>,
}

impl Narrator {
    /// A story that has not begun.
    pub fn new(query: QueryId) -> Narrator {
        Narrator { query, created: Time(0), stages: Vec::new(), loss: None, over: false }
    }

    /// The lines that the next entry adds, mostly none.
    pub fn tell(&mut self, entry: &Entry) -> Vec<String> {
        if self.over {
            return Vec::new();
        }
        let mut lines = Vec::new();
        let at = entry.at;
        match &entry.record {
            Record::NodeLost { place, .. } => {
                lines.extend(self.tell_loss());
                self.loss = Some(Loss { at, place: *place, outputs: Vec::new(), running: Vec::new() });
            }
            Record::OutputsLost { query, stage, place, needed, not_needed } if *query == self.query => {
                let loss = self.loss.get_or_insert_with(|| Loss {
                    at,
                    place: *place,
                    outputs: Vec::new(),
                    running: Vec::new(),
                });
                loss.outputs.push((*stage, needed.clone(), not_needed.clone()));
            }
            Record::AttemptLost { attempt, place } if attempt.task.query == self.query => {
                // Elsewhere than on the lost node, the attempt was stopped because the query is over.
                if let Some(loss) = self.loss.as_mut().filter(|loss| loss.place == *place) {
                    loss.running.push((attempt.task.stage, attempt.task.partition));
                }
            }
            record => {
                lines.extend(self.tell_loss());
                lines.extend(self.tell_record(at, record));
            }
        }
        lines
    }

    fn tell_record(&mut self, at: Time, record: &Record) -> Option<String> {
        let ours = self.query;
        match record {
            Record::QuerySubmitted { query, .. } if *query == ours => {
                self.created = at;
                None
            }
            Record::QueryPlanned { query, stages } if *query == ours => {
                self.stages = stages.clone();
                None
            }
            Record::StageAdapted { query, stage, inputs, tables, .. } if *query == ours => {
                if let Some(known) = self.stages.iter_mut().find(|known| known.stage == *stage) {
                    known.inputs.clone_from(inputs);
                    known.tables.clone_from(tables);
                }
                None
            }
            Record::FaultFired { fault, query, text, done, tasks } if query.is_none_or(|q| q == ours) => {
                Some(self.line(at, &format!("fault {fault}"), &format!("{text} ({done} of {tasks} tasks done)")))
            }
            Record::NodeJoined { place, .. } if !self.stages.is_empty() => {
                Some(self.line(at, "joined", &format!("{} is back (life {})", place.node, place.incarnation.0)))
            }
            Record::Recompute { query, stage, tasks, .. } if *query == ours => {
                let text = format!("{stage}: {}{}", tasks_named(tasks), self.sources(*stage));
                Some(self.line(at, "recompute", &text))
            }
            Record::Restart { query, stage, tasks } if *query == ours => {
                Some(self.line(at, "restart", &format!("{stage}: {}", tasks_named(tasks))))
            }
            Record::Recovered { query, stage, tasks } if *query == ours => {
                Some(self.line(at, "recovered", &format!("{stage} complete, {tasks} of {tasks}")))
            }
            Record::AttemptFailed { attempt, place, error } if attempt.task.query == ours => match error {
                // The error of the query says it, once.
                TaskError::User { .. } | TaskError::Canceled => None,
                TaskError::Passing { .. } | TaskError::Resource { .. } | TaskError::Bug { .. } => {
                    let text = format!(
                        "{}: task {} on {}, {}: {}",
                        attempt.task.stage,
                        attempt.task.partition.0,
                        place.node,
                        attempt.attempt,
                        clean::one_line(error.message())
                    );
                    Some(self.line(at, "failed", &text))
                }
            },
            Record::FetchFailed { attempt, source, from } if attempt.task.query == ours => {
                let text = format!(
                    "{}: task {} could not read output {} of {} from {}",
                    attempt.task.stage, attempt.task.partition.0, source.partition.0, source.stage, from.node
                );
                Some(self.line(at, "fetch", &text))
            }
            Record::QueryFinished { query, .. } | Record::QueryFailed { query, .. } if *query == ours => {
                self.over = true;
                None
            }
            _ => None,
        }
    }

    /// The line about what went with the last lost node.
    fn tell_loss(&mut self) -> Option<String> {
        let loss = self.loss.take()?;
        if self.stages.is_empty() {
            return None;
        }
        let mut parts = Vec::new();
        for (stage, needed, not_needed) in &loss.outputs {
            if !needed.is_empty() {
                parts.push(format!("{stage}: {} ({})", outputs_named(needed), self.readers(*stage, needed.len())));
            }
            if !not_needed.is_empty() {
                parts.push(format!("{stage}: {} (no longer needed)", outputs_named(not_needed)));
            }
        }
        for stage in &self.stages {
            let tasks: Vec<PartitionId> =
                loss.running.iter().filter(|(s, _)| *s == stage.stage).map(|(_, task)| *task).collect();
            if !tasks.is_empty() {
                parts.push(format!("{}: {} (running)", stage.stage, tasks_named(&tasks)));
            }
        }
        if parts.is_empty() {
            parts.push(format!("nothing of this query was on {}", loss.place.node));
        }
        Some(self.line(loss.at, "lost", &parts.join("; ")))
    }

    /// Who reads the outputs of a stage: `stage 2 needs them`.
    fn readers(&self, stage: StageId, outputs: usize) -> String {
        let readers: Vec<String> =
            self.stages.iter().filter(|s| s.inputs.contains(&stage)).map(|s| s.stage.to_string()).collect();
        let them = if outputs == 1 { "it" } else { "them" };
        match readers.len() {
            0 => format!("the answer needs {them}"),
            1 => format!("{} needs {them}", readers[0]),
            _ => format!("{} need {them}", readers.join(" and ")),
        }
    }

    /// Where a stage gets its rows again: `, from orders`.
    fn sources(&self, stage: StageId) -> String {
        let Some(summary) = self.stages.iter().find(|s| s.stage == stage) else { return String::new() };
        let mut sources: Vec<String> = summary.tables.clone();
        sources.extend(summary.inputs.iter().map(StageId::to_string));
        if sources.is_empty() { String::new() } else { format!(", from {}", sources.join(" and ")) }
    }

    fn line(&self, at: Time, word: &str, text: &str) -> String {
        let since = units::moment(at.0.saturating_sub(self.created.0));
        format!("  {since:>6}  {word:<9}  {text}")
    }
}

/// `output 2`, `outputs 2, 6, 10`.
fn outputs_named(partitions: &[PartitionId]) -> String {
    named("output", partitions)
}

/// `task 2`, `tasks 2, 6, 10`.
fn tasks_named(partitions: &[PartitionId]) -> String {
    named("task", partitions)
}

fn named(noun: &str, partitions: &[PartitionId]) -> String {
    let plural = if partitions.len() == 1 { "" } else { "s" };
    format!("{noun}{plural} {}", units::listed(partitions.iter().map(|p| p.0)))
}

#[cfg(test)]
pub(in crate::shell) mod tests {
    use super::*;
    use crate::scheduler::event::LossCause;
    use crate::scheduler::graph::Mode;
    use crate::scheduler::{AttemptId, AttemptNumber, Incarnation, NodeId, TaskId};

    pub(in crate::shell) const QUERY: QueryId = QueryId(4);

    pub(in crate::shell) fn attempt(stage: u32, partition: u32, number: u32) -> AttemptId {
        let task = TaskId { query: QUERY, stage: StageId(stage), partition: PartitionId(partition) };
        AttemptId { task, attempt: AttemptNumber(number) }
    }

    pub(in crate::shell) fn place(node: u32) -> Place {
        Place { node: NodeId(node), incarnation: Incarnation(1) }
    }

    /// A query of two stages that loses worker 2.
    pub(in crate::shell) fn crash(mode: Mode) -> Vec<Entry> {
        let partitions = |ids: &[u32]| ids.iter().map(|id| PartitionId(*id)).collect::<Vec<_>>();
        let (stage, query) = (StageId(1), QUERY);
        let mut records = vec![
            (
                0,
                Record::QuerySubmitted {
                    query,
                    sql: "SELECT region, SUM(sales) FROM orders GROUP BY region".into(),
                    mode,
                    nodes_up: 4,
                    nodes: 4,
                    paced: false,
                },
            ),
            (
                0,
                Record::QueryPlanned {
                    query,
                    stages: vec![
                        StageSummary {
                            stage,
                            title: "scan orders, partial sum".into(),
                            tasks: 24,
                            inputs: vec![],
                            tables: vec!["orders".into()],
                        },
                        StageSummary {
                            stage: StageId(2),
                            title: "final sum by region".into(),
                            tasks: 4,
                            inputs: vec![stage],
                            tables: vec![],
                        },
                    ],
                },
            ),
            (
                1_200_000,
                Record::FaultFired {
                    fault: 1,
                    query: Some(query),
                    text: "worker-2 crashed".into(),
                    done: 14,
                    tasks: 28,
                },
            ),
            (
                1_202_000,
                Record::NodeLost {
                    place: place(2),
                    cause: LossCause::Crashed,
                    fault: Some(1),
                    noticed_after_us: 2_000,
                },
            ),
            (
                1_202_000,
                Record::OutputsLost {
                    query,
                    stage,
                    place: place(2),
                    needed: partitions(&[2, 6, 10]),
                    not_needed: vec![],
                },
            ),
            (1_202_000, Record::AttemptLost { attempt: attempt(1, 14, 1), place: place(2) }),
        ];
        match mode {
            Mode::Abort => {}
            Mode::Recompute => records.extend([
                (
                    1_202_000,
                    Record::Recompute {
                        query,
                        stage,
                        tasks: partitions(&[2, 6, 10]),
                        needed_by: StageId(2),
                        because: place(2),
                    },
                ),
                (1_202_000, Record::Restart { query, stage, tasks: partitions(&[14]) }),
                (2_400_000, Record::Recovered { query, stage, tasks: 24 }),
                (3_000_000, Record::QueryFinished { query, rows: 6 }),
            ]),
        }
        let entry = |(i, (at, record))| Entry { seq: i as u64 + 1, at: Time(at), record };
        records.into_iter().enumerate().map(entry).collect()
    }

    #[test]
    fn a_crash_in_recompute_is_told_in_order() {
        let mut narrator = Narrator::new(QUERY);
        let lines: Vec<String> = crash(Mode::Recompute).iter().flat_map(|entry| narrator.tell(entry)).collect();
        assert_eq!(
            lines,
            [
                "    1.2s  fault 1    worker-2 crashed (14 of 28 tasks done)",
                "    1.2s  lost       stage 1: outputs 2, 6, 10 (stage 2 needs them); stage 1: task 14 (running)",
                "    1.2s  recompute  stage 1: tasks 2, 6, 10, from orders",
                "    1.2s  restart    stage 1: task 14",
                "    2.4s  recovered  stage 1 complete, 24 of 24",
            ]
        );
    }

    #[test]
    fn attempts_that_are_stopped_at_the_end_are_not_told_as_lost() {
        let mut narrator = Narrator::new(QUERY);
        for entry in &crash(Mode::Recompute)[..2] {
            narrator.tell(entry);
        }
        let stopped = Record::AttemptLost { attempt: attempt(1, 3, 1), place: place(1) };
        let lines = narrator.tell(&Entry { seq: 3, at: Time(5), record: stopped });
        assert!(lines.is_empty());
    }
}
