//! Pictures of a query, for progress and the dashboard.

use super::Coordinator;
use crate::cluster::contract::{QuerySnapshot, StageSnapshot, TaskSnapshot};
use crate::journal::history::{AttemptState, QueryInfo, QueryState};
use crate::scheduler::{PartitionId, QueryId, StageView, TaskView};
use std::sync::atomic::Ordering;
use std::time::Duration;

impl Coordinator {
    /// A running query as it is now; None when it is over or runs on no node.
    pub(crate) fn snapshot(&self, query: QueryId) -> Option<QuerySnapshot> {
        let state = self.queries.get(&query)?;
        let views = self.scheduler.stages(query)?;
        let stage = |view: &StageView| StageSnapshot {
            stage: view.stage,
            title: state.titles.iter().find(|(id, _)| *id == view.stage).map_or_else(String::new, |(_, t)| t.clone()),
            rows: view.rows,
            bytes: view.bytes,
            tasks: if view.planned {
                view.tasks.iter().map(|task| TaskSnapshot::of(*task)).collect()
            } else {
                let tasks = state.context.stage(view.stage).map_or(0, |stage| stage.run().tasks.count());
                vec![TaskSnapshot::Queued; tasks as usize]
            },
        };
        let now = self.shown();
        Some(QuerySnapshot {
            elapsed: Duration::from_micros(now.0.saturating_sub(state.created.0)),
            progress: self.scheduler.progress(query).unwrap_or(1.0),
            stages: views.iter().map(stage).collect(),
            rows_read: state.context.rows_read.load(Ordering::Relaxed),
            bytes_read: state.bytes_read,
            paused: self.paused,
            pace: self.tempo.pace(),
        })
    }

    /// A query that is over, or that runs on no node, from the journal.
    pub(crate) fn last_snapshot(&self, query: QueryId) -> QuerySnapshot {
        let info = self.journal.query(query);
        let now = self.now();
        QuerySnapshot {
            elapsed: Duration::from_micros(info.as_ref().map_or(0, |info| info.elapsed_us(now))),
            progress: info.as_ref().map_or(0.0, progress),
            stages: info.as_ref().map_or_else(Vec::new, stages),
            rows_read: info.as_ref().map_or(0, |info| table_reads(info, |usage| usage.input_rows)),
            bytes_read: info.as_ref().map_or(0, |info| table_reads(info, |usage| usage.input_bytes)),
            paused: self.paused,
            pace: self.tempo.pace(),
        }
    }
}

impl TaskSnapshot {
    fn of(view: TaskView) -> TaskSnapshot {
        match view {
            TaskView::Queued => TaskSnapshot::Queued,
            TaskView::Running(place) => TaskSnapshot::Running(place.node),
            TaskView::Done(place) => TaskSnapshot::Done(place.node),
            TaskView::Lost | TaskView::LostNotNeeded => TaskSnapshot::Lost,
            TaskView::Again(place) => TaskSnapshot::Again(place.node),
        }
    }
}

fn progress(info: &QueryInfo) -> f64 {
    match (info.state, info.tasks()) {
        (QueryState::Finished, _) => 1.0,
        (_, 0) => 0.0,
        (_, tasks) => f64::from(info.tasks_done()) / f64::from(tasks),
    }
}

fn stages(info: &QueryInfo) -> Vec<StageSnapshot> {
    let mut stages: Vec<StageSnapshot> = info
        .stages
        .iter()
        .map(|stage| StageSnapshot {
            stage: stage.summary.stage,
            title: stage.summary.title.clone(),
            rows: stage.rows,
            bytes: stage.bytes,
            tasks: vec![TaskSnapshot::Queued; stage.summary.tasks as usize],
        })
        .collect();
    // In order of attempts, so that the last one of a task decides.
    for attempt in info.attempts.values() {
        let PartitionId(partition) = attempt.attempt.task.partition;
        let stage = stages.iter_mut().find(|stage| stage.stage == attempt.attempt.task.stage);
        if let Some(cell) = stage.and_then(|stage| stage.tasks.get_mut(partition as usize)) {
            *cell = match attempt.state {
                AttemptState::Running => TaskSnapshot::Running(attempt.place.node),
                AttemptState::Finished => TaskSnapshot::Done(attempt.place.node),
                // Elsewhere than on a lost node, the attempt was stopped because the query is over.
                AttemptState::Lost if !info.lost_nodes.iter().any(|lost| lost.place == attempt.place) => {
                    TaskSnapshot::Queued
                }
                AttemptState::OutputLost | AttemptState::Failed | AttemptState::FetchFailed | AttemptState::Lost => {
                    TaskSnapshot::Lost
                }
            };
        }
    }
    stages
}

/// What attempts read that finished in stages that read tables.
fn table_reads(info: &QueryInfo, amount: fn(&crate::journal::record::Usage) -> u64) -> u64 {
    let reads_table = |stage| info.stages.iter().any(|s| s.summary.stage == stage && !s.summary.tables.is_empty());
    info.attempts.values().filter(|a| reads_table(a.attempt.task.stage)).map(|a| amount(&a.usage)).sum()
}
