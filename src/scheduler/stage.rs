//! What is known of one stage of a running query, and of each of its tasks.

use super::event::OutputSummary;
use super::ids::*;
use std::collections::{BTreeMap, BTreeSet};

/// One stage. Tasks change state through [`Stage::set`] alone, which keeps the queue and the counts right.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Stage {
    pub(super) id: StageId,
    /// Positions of the producers in the query's list of stages.
    pub(super) inputs: Vec<usize>,
    /// Positions of the consumers.
    pub(super) consumers: Vec<usize>,
    /// Its outputs are the query's answer: they go to the coordinator with the report and are never lost again.
    pub(super) is_result: bool,
    pub(super) weight: u64,
    pub(super) phase: Phase,
    tasks: Vec<Task>,
    queue: BTreeSet<PartitionId>,
    done: usize,
    /// Attempts that each node was given, to spread a stage evenly.
    pub(super) given: BTreeMap<NodeId, u32>,
    /// It was complete at least once.
    pub(super) was_complete: bool,
    /// Some of its outputs were lost and are being made again.
    pub(super) recovering: bool,
    /// Nobody will read its outputs again and they were dropped.
    pub(super) released: bool,
    /// Times that it had to wait for inputs because a fetch failed, since it was last complete.
    pub(super) resubmissions: u32,
    /// It waits for inputs because a fetch failed; more failures meanwhile belong to the same burst.
    pub(super) resubmitted: bool,
}

/// How far the planning of a stage is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Phase {
    /// Some input is not complete yet.
    Waiting,
    /// The driver was asked for the number of tasks.
    Asked,
    /// The number of tasks is known.
    Planned,
}

/// One task.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Task {
    state: TaskState,
    /// Attempts given so far; the number of the newest one.
    pub(super) attempts: u32,
    /// Counted failures.
    pub(super) failures: u32,
    /// What the first finished attempt made; any later one must make the same.
    pub(super) first: Option<OutputSummary>,
    /// Where it failed last, or where its output could not be fetched: the next attempt goes elsewhere if it can.
    pub(super) avoid: Option<NodeId>,
}

/// Where a task is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum TaskState {
    /// To be launched, for the first time or again.
    Queued,
    /// The newest attempt runs. `epoch`: the query's count of losses when it was launched.
    Running { place: Place, epoch: u32 },
    /// The newest attempt's output is at `place` (a result stage's: with the coordinator). `epoch`: when it was made.
    Done { place: Place, epoch: u32 },
    /// It was done, its output is gone, and nobody needs it now.
    Lost,
}

impl Stage {
    /// A stage that waits to be planned, not yet connected to others.
    pub(super) fn new(id: StageId, weight: u64) -> Stage {
        Stage {
            id,
            inputs: Vec::new(),
            consumers: Vec::new(),
            is_result: false,
            weight,
            phase: Phase::Waiting,
            tasks: Vec::new(),
            queue: BTreeSet::new(),
            done: 0,
            given: BTreeMap::new(),
            was_complete: false,
            recovering: false,
            released: false,
            resubmissions: 0,
            resubmitted: false,
        }
    }

    /// The number of tasks is known: all of them wait to be launched.
    pub(super) fn plan(&mut self, tasks: u32) {
        let task = Task { state: TaskState::Queued, attempts: 0, failures: 0, first: None, avoid: None };
        self.phase = Phase::Planned;
        self.tasks = vec![task; tasks as usize];
        self.queue = (0..tasks).map(PartitionId).collect();
    }

    /// Whether it is planned and every output is there (or was there until it was dropped for good).
    pub(super) fn is_complete(&self) -> bool {
        self.phase == Phase::Planned && self.done == self.tasks.len()
    }

    /// Number of tasks; 0 until planned.
    pub(super) fn len(&self) -> usize {
        self.tasks.len()
    }

    /// The tasks, in the order of their partitions.
    pub(super) fn tasks(&self) -> impl Iterator<Item = (PartitionId, &Task)> {
        self.tasks.iter().enumerate().map(|(partition, task)| (PartitionId(partition as u32), task))
    }

    /// The task on a partition, if there is one.
    pub(super) fn task(&self, partition: PartitionId) -> Option<&Task> {
        self.tasks.get(partition.0 as usize)
    }

    /// The same, to note something in it.
    pub(super) fn task_mut(&mut self, partition: PartitionId) -> Option<&mut Task> {
        self.tasks.get_mut(partition.0 as usize)
    }

    /// The waiting task with the lowest partition.
    pub(super) fn first_queued(&self) -> Option<PartitionId> {
        self.queue.first().copied()
    }

    /// Moves a task to a state.
    pub(super) fn set(&mut self, partition: PartitionId, state: TaskState) {
        let Some(task) = self.tasks.get_mut(partition.0 as usize) else { return };
        self.done -= usize::from(task.is_done());
        task.state = state;
        self.done += usize::from(task.is_done());
        match state {
            TaskState::Queued => self.queue.insert(partition),
            TaskState::Running { .. } | TaskState::Done { .. } | TaskState::Lost => self.queue.remove(&partition),
        };
    }

    /// The partitions whose tasks are in a state that `test` accepts.
    pub(super) fn partitions_where(&self, test: impl Fn(TaskState) -> bool) -> Vec<PartitionId> {
        self.tasks().filter(|(_, task)| test(task.state)).map(|(partition, _)| partition).collect()
    }

    /// Tasks that were done at least once.
    pub(super) fn ever_done(&self) -> u32 {
        self.tasks.iter().filter(|task| task.first.is_some()).count() as u32
    }
}

impl Task {
    /// Where the task is in its life.
    pub(super) fn state(&self) -> TaskState {
        self.state
    }

    fn is_done(&self) -> bool {
        matches!(self.state, TaskState::Done { .. })
    }
}
