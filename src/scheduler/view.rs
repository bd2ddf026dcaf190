//! What others may look at: the state of stages and tasks, progress, and what a node holds.

use super::ids::*;
use super::query::Query;
use super::stage::{Phase, Stage, Task, TaskState};
use super::state::Scheduler;

/// A stage of a running query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StageView {
    pub stage: StageId,
    /// Whether the number of tasks is known.
    pub planned: bool,
    /// In the order of their partitions; empty until planned.
    pub tasks: Vec<TaskView>,
    /// Tasks that were done at least once.
    pub done: u32,
    /// Rows and bytes of the outputs, each output counted once however often it was made.
    pub rows: u64,
    pub bytes: u64,
}

/// A task of a running query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskView {
    /// Waits for its first attempt.
    Queued,
    /// Its first attempt runs.
    Running(Place),
    /// Done; the output is there.
    Done(Place),
    /// Its output was lost, or its attempt failed or was lost: waits to run again.
    Lost,
    /// It runs again.
    Again(Place),
    /// It was done, its output is lost, and nobody needs it now.
    LostNotNeeded,
}

impl Scheduler {
    /// The queries that are running, in the order of their ids.
    pub fn queries(&self) -> impl Iterator<Item = QueryId> + '_ {
        self.queries.keys().copied()
    }

    /// Whether a report on this attempt from this place would be listened to; all others are of the past.
    pub fn is_current(&self, attempt: AttemptId, place: Place) -> bool {
        self.queries.get(&attempt.task.query).is_some_and(|query| query.current(attempt, place).is_some())
    }

    /// The share of a query's work that is done, 0 to 1: the sum over its stages of their frozen weight times the share of
    /// their outputs that were ever made. It never goes back. None when the query is over.
    pub fn progress(&self, query: QueryId) -> Option<f64> {
        self.queries.get(&query).map(Query::progress)
    }

    /// The stages of a query, in order. None when the query is over.
    pub fn stages(&self, query: QueryId) -> Option<Vec<StageView>> {
        self.queries.get(&query).map(|query| query.stages.iter().map(StageView::of).collect())
    }

    /// How many tasks of a stage were done at least once, and how many there are; 0 of 0 until it is planned. None when the
    /// query is over or has no such stage.
    pub fn tasks_done(&self, query: QueryId, stage: StageId) -> Option<(u32, u32)> {
        let query = self.queries.get(&query)?;
        let stage = &query.stages[query.index_of(stage)?];
        Some((stage.ever_done(), stage.len() as u32))
    }

    /// How many outputs at a place a running query still needs.
    pub fn needed_outputs(&self, query: QueryId, place: Place) -> u32 {
        let Some(query) = self.queries.get(&query) else { return 0 };
        let needed = query.needed();
        let stages = query.stages.iter().zip(needed).filter(|(_, needed)| *needed);
        stages.map(|(stage, _)| stage.outputs_at(place).len() as u32).sum()
    }

    /// How many attempts of a query run at a place.
    pub fn running_attempts(&self, query: QueryId, place: Place) -> u32 {
        let Some(query) = self.queries.get(&query) else { return 0 };
        let here = |stage: &Stage| {
            stage.partitions_where(|state| matches!(state, TaskState::Running { place: at, .. } if at == place)).len()
        };
        query.stages.iter().map(here).sum::<usize>() as u32
    }
}

impl Query {
    fn progress(&self) -> f64 {
        // A stage that turned out to have nothing to do is no progress, however much it weighed.
        let stages = || self.stages.iter().filter(|stage| stage.phase != Phase::Planned || stage.len() > 0);
        let total: u64 = stages().map(Stage::progress_weight).sum();
        let done: f64 = stages().map(|stage| stage.progress_weight() as f64 * stage.share_done()).sum();
        if total == 0 { 1.0 } else { done / total as f64 }
    }
}

impl Stage {
    /// A stage that was given no weight still counts for something, so that a query never stands at 0 of 0.
    fn progress_weight(&self) -> u64 {
        self.weight.max(1)
    }

    fn share_done(&self) -> f64 {
        match self.phase {
            Phase::Waiting | Phase::Asked => 0.0,
            Phase::Planned => f64::from(self.ever_done()) / self.len() as f64,
        }
    }
}

impl StageView {
    fn of(stage: &Stage) -> StageView {
        let made = || stage.tasks().filter_map(|(_, task)| task.first);
        StageView {
            stage: stage.id,
            planned: stage.phase == Phase::Planned,
            tasks: stage.tasks().map(|(_, task)| TaskView::of(task)).collect(),
            done: stage.ever_done(),
            rows: made().map(|output| output.rows).sum(),
            bytes: made().map(|output| output.bytes).sum(),
        }
    }
}

impl TaskView {
    fn of(task: &Task) -> TaskView {
        match task.state() {
            TaskState::Queued if task.attempts == 0 => TaskView::Queued,
            TaskState::Queued => TaskView::Lost,
            TaskState::Running { place, .. } if task.attempts == 1 => TaskView::Running(place),
            TaskState::Running { place, .. } => TaskView::Again(place),
            TaskState::Done { place, .. } => TaskView::Done(place),
            TaskState::Lost => TaskView::LostNotNeeded,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::event::{Event, LossCause, OutputSummary};
    use super::super::graph::{Graph, Limits, Mode, Read, StageInput, StageNode};
    use super::*;

    const QUERY: QueryId = QueryId(1);

    fn place(node: u32) -> Place {
        Place { node: NodeId(node), incarnation: Incarnation(1) }
    }

    fn finished(stage: u32, partition: u32, attempt: u32, node: u32) -> Event {
        let task = TaskId { query: QUERY, stage: StageId(stage), partition: PartitionId(partition) };
        let output = OutputSummary { rows: 10, bytes: 80, checksum: 1 };
        Event::TaskFinished { attempt: AttemptId { task, attempt: AttemptNumber(attempt) }, place: place(node), output }
    }

    /// Two nodes of one slot; stage 1 has two tasks and weighs 3, stage 2 has one and weighs 1.
    fn started() -> Scheduler {
        started_with(2)
    }

    /// The same, with so many tasks of stage 1.
    fn started_with(tasks: u32) -> Scheduler {
        let all = StageInput { stage: StageId(1), read: Read::All };
        let graph = Graph {
            stages: vec![
                StageNode { id: StageId(1), inputs: vec![], weight: 3 },
                StageNode { id: StageId(2), inputs: vec![all], weight: 1 },
            ],
        };
        let mut scheduler = Scheduler::new();
        for event in [
            Event::NodeJoined { place: place(1), slots: 1 },
            Event::NodeJoined { place: place(2), slots: 1 },
            Event::QuerySubmitted { query: QUERY, graph, mode: Mode::Recompute, limits: Limits::default() },
            Event::StagePlanned { query: QUERY, stage: StageId(1), tasks, inputs: vec![] },
        ] {
            scheduler.step(Time(0), event);
        }
        scheduler
    }

    #[test]
    fn tasks_are_seen_through_a_loss() {
        let mut scheduler = started();
        let cells = |scheduler: &Scheduler| scheduler.stages(QUERY).unwrap()[0].tasks.clone();
        assert_eq!(cells(&scheduler), [TaskView::Running(place(1)), TaskView::Running(place(2))]);
        scheduler.step(Time(0), finished(1, 1, 1, 2));
        assert_eq!(scheduler.needed_outputs(QUERY, place(2)), 1);
        assert_eq!(scheduler.running_attempts(QUERY, place(1)), 1);
        scheduler.step(Time(0), Event::NodeLost { place: place(2), cause: LossCause::Crashed });
        assert_eq!(cells(&scheduler), [TaskView::Running(place(1)), TaskView::Lost]);
        assert_eq!(scheduler.needed_outputs(QUERY, place(2)), 0);
        scheduler.step(Time(0), finished(1, 0, 1, 1));
        assert_eq!(cells(&scheduler), [TaskView::Done(place(1)), TaskView::Again(place(1))]);
    }

    #[test]
    fn recomputation_counts_once() {
        let mut scheduler = started();
        scheduler.step(Time(0), finished(1, 0, 1, 1));
        scheduler.step(Time(0), finished(1, 1, 1, 2));
        assert_eq!(scheduler.progress(QUERY), Some(0.75));
        scheduler.step(Time(0), Event::NodeLost { place: place(2), cause: LossCause::Crashed });
        scheduler.step(Time(0), finished(1, 1, 2, 1));
        assert_eq!(scheduler.progress(QUERY), Some(0.75));
        assert_eq!(scheduler.tasks_done(QUERY, StageId(1)), Some((2, 2)));
        assert_eq!(scheduler.stages(QUERY).unwrap()[0].rows, 20);
    }

    #[test]
    fn a_stage_that_is_not_needed_is_no_progress() {
        let mut scheduler = started_with(0);
        assert_eq!(scheduler.progress(QUERY), Some(0.0));
        scheduler.step(Time(0), Event::StagePlanned { query: QUERY, stage: StageId(2), tasks: 4, inputs: vec![] });
        scheduler.step(Time(0), finished(2, 0, 1, 1));
        assert_eq!(scheduler.progress(QUERY), Some(0.25));
    }

    #[test]
    fn nothing_is_seen_of_a_query_that_is_over() {
        let mut scheduler = started();
        scheduler.step(Time(0), Event::CancelRequested { query: QUERY });
        assert_eq!(scheduler.progress(QUERY), None);
        assert!(scheduler.stages(QUERY).is_none());
        assert_eq!(scheduler.queries().count(), 0);
    }
}
