//! What is known of one running query, and how its work goes forward.

use super::action::{Action, QueryError};
use super::event::OutputSummary;
use super::graph::{Graph, Limits, Mode};
use super::ids::*;
use super::nodes::Nodes;
use super::policy::{self, Answer, FailedAttempt};
use super::stage::{Phase, Stage, TaskState};
use crate::journal::{Record, TaskError};

/// One running query.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Query {
    pub(super) id: QueryId,
    pub(super) mode: Mode,
    pub(super) limits: Limits,
    /// In the order of their ids; the last one is the result stage.
    pub(super) stages: Vec<Stage>,
    /// Times that outputs were lost. It tells an attempt that was launched before a loss from an output made after it.
    pub(super) epoch: u32,
    /// The user error that the query will end with, unless a task before it reports another.
    doom: Option<FailedAttempt>,
}

/// What a change in a query comes to.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Verdict {
    Continue,
    Finish,
    Fail(QueryError),
}

impl Query {
    /// A query that has not asked for anything yet. Inputs must have smaller ids than their consumers.
    pub(super) fn new(id: QueryId, graph: &Graph, mode: Mode, limits: Limits) -> Query {
        debug_assert!(graph.is_well_formed(), "{graph}");
        let mut stages: Vec<Stage> = graph.stages.iter().map(|node| Stage::new(node.id, node.weight)).collect();
        for (consumer, node) in graph.stages.iter().enumerate() {
            for input in &node.inputs {
                let Some(producer) = graph.stages.iter().position(|node| node.id == input.stage) else { continue };
                stages[consumer].inputs.push(producer);
                stages[producer].consumers.push(consumer);
            }
        }
        if let Some(result) = stages.last_mut() {
            result.is_result = true;
        }
        Query { id, mode, limits, stages, epoch: 0, doom: None }
    }

    /// How long it may run, in microseconds.
    pub(super) fn time_limit_us(&self) -> Option<u64> {
        self.limits.time_us
    }

    /// Asks for the task counts of the stages that read no other.
    pub(super) fn start(&mut self, actions: &mut Vec<Action>) -> Verdict {
        self.ask_for_plans(actions);
        if self.stages.is_empty() { Verdict::Finish } else { Verdict::Continue }
    }

    /// The number of tasks of a stage is known, and which of its inputs they read. A second answer is ignored.
    pub(super) fn stage_planned(
        &mut self,
        stage: StageId,
        tasks: u32,
        inputs: &[StageId],
        nodes: &mut Nodes,
        actions: &mut Vec<Action>,
    ) -> Verdict {
        let Some(index) = self.index_of(stage).filter(|&index| self.stages[index].phase == Phase::Asked) else {
            return Verdict::Continue;
        };
        self.stages[index].plan(tasks);
        actions.push(Action::Record(Record::StagePlanned { query: self.id, stage, tasks }));
        self.keep_inputs(index, inputs, nodes, actions);
        self.after_progress(index, nodes, actions)
    }

    /// A stage reads only these of its inputs: it is no consumer of the others any more.
    fn keep_inputs(&mut self, index: usize, kept: &[StageId], nodes: &mut Nodes, actions: &mut Vec<Action>) {
        let all = std::mem::take(&mut self.stages[index].inputs);
        let (kept, dropped): (Vec<usize>, Vec<usize>) =
            all.into_iter().partition(|&input| kept.contains(&self.stages[input].id));
        self.stages[index].inputs = kept;
        for &input in &dropped {
            self.stages[input].consumers.retain(|&consumer| consumer != index);
        }
        match self.mode {
            Mode::Abort => dropped.into_iter().for_each(|input| self.release_if_read(input, actions)),
            Mode::Recompute if dropped.is_empty() => {}
            Mode::Recompute => self.forget_unneeded(nodes, actions),
        }
    }

    /// An attempt is done.
    pub(super) fn task_finished(
        &mut self,
        attempt: AttemptId,
        place: Place,
        output: OutputSummary,
        nodes: &mut Nodes,
        actions: &mut Vec<Action>,
    ) -> Verdict {
        let Some((index, _)) = self.current(attempt, place) else { return Verdict::Continue };
        let (epoch, partition) = (self.epoch, attempt.task.partition);
        nodes.release(place);
        let stage = &mut self.stages[index];
        stage.set(partition, TaskState::Done { place, epoch });
        if let Some(task) = stage.task_mut(partition) {
            let first = *task.first.get_or_insert(output);
            if first.checksum != output.checksum {
                return Verdict::Fail(QueryError::Checksum { task: attempt.task });
            }
        }
        self.after_progress(index, nodes, actions)
    }

    /// An attempt failed on its node.
    pub(super) fn task_failed(
        &mut self,
        attempt: AttemptId,
        place: Place,
        error: TaskError,
        nodes: &mut Nodes,
        actions: &mut Vec<Action>,
    ) -> Verdict {
        let Some((index, _)) = self.current(attempt, place) else { return Verdict::Continue };
        let (stage, partition) = (attempt.task.stage, attempt.task.partition);
        self.requeue(index, attempt, place, nodes);
        let Some(task) = self.stages[index].task_mut(partition) else { return Verdict::Continue };
        task.failures += u32::from(policy::counts(&error));
        let failed = FailedAttempt { attempt, place, failures: task.failures, error };
        match policy::on_task_failed(self.mode, self.limits, failed) {
            Answer::Fail(error) => Verdict::Fail(error),
            Answer::Doom(failed) => {
                self.doom = Some(failed);
                self.stop_attempts(|task| (task.stage, task.partition) > (stage, partition), nodes, actions);
                self.check_doom()
            }
            Answer::Recover => {
                actions.push(Action::Record(Record::Restart { query: self.id, stage, tasks: vec![partition] }));
                Verdict::Continue
            }
        }
    }

    /// An attempt could not read the output of `source` at `from`. The attempt is over. The output counts as lost, unless it
    /// is known to be lost already or was made again after the attempt had been told where to look.
    pub(super) fn fetch_failed(
        &mut self,
        (attempt, place): (AttemptId, Place),
        (source, from): (TaskId, Place),
        nodes: &mut Nodes,
        actions: &mut Vec<Action>,
    ) -> Verdict {
        let Some((index, launched)) = self.current(attempt, place) else { return Verdict::Continue };
        let (stage, partition) = (attempt.task.stage, attempt.task.partition);
        let producer = self.index_of(source.stage).filter(|producer| self.stages[index].inputs.contains(producer));
        let output =
            producer.and_then(|producer| Some((producer, self.stages[producer].task(source.partition)?.state())));
        let Some((producer, output)) = output else {
            let error = TaskError::bug(format!("asked for the output of {source}, which is not one of its inputs"));
            return self.task_failed(attempt, place, error, nodes, actions);
        };
        self.requeue(index, attempt, place, nodes);
        let missing = matches!(output, TaskState::Done { epoch, .. } if epoch <= launched);
        let consumer = &mut self.stages[index];
        if missing && !consumer.resubmitted {
            consumer.resubmitted = true;
            consumer.resubmissions += 1;
        }
        let resubmissions = consumer.resubmissions;
        if missing {
            if let Some(task) = self.stages[producer].task_mut(source.partition) {
                task.avoid = Some(from.node);
            }
            let needed = self.lose_outputs(&[(producer, vec![source.partition])], from, actions);
            match policy::on_fetch_failed(self.mode, self.limits, (attempt, place), (source, from), resubmissions) {
                Answer::Fail(error) => return Verdict::Fail(error),
                Answer::Doom(_) | Answer::Recover => self.queue_needed(from, &needed, actions),
            }
        }
        actions.push(Action::Record(Record::Restart { query: self.id, stage, tasks: vec![partition] }));
        Verdict::Continue
    }

    /// Stops the running attempts of the tasks that `which` names; they are queued again.
    pub(super) fn stop_attempts(
        &mut self,
        which: impl Fn(TaskId) -> bool,
        nodes: &mut Nodes,
        actions: &mut Vec<Action>,
    ) {
        for stage in &mut self.stages {
            stage.stop_attempts(self.id, &which, nodes, actions);
        }
    }

    /// The user error that the query will end with in any case.
    pub(super) fn certain_error(&self) -> Option<QueryError> {
        self.doom.clone().map(QueryError::from)
    }

    /// Whether a task may be launched: when a user error is certain, only tasks before it, which could report another.
    pub(super) fn may_run(&self, stage: StageId, partition: PartitionId) -> bool {
        self.doom
            .as_ref()
            .is_none_or(|doom| (stage, partition) < (doom.attempt.task.stage, doom.attempt.task.partition))
    }

    /// Whether all outputs that a stage reads are there.
    pub(super) fn inputs_complete(&self, index: usize) -> bool {
        self.stages[index].inputs.iter().all(|&input| self.stages[input].is_complete())
    }

    /// The position of a stage, and the epoch of the attempt's launch, if the attempt is the one that runs there now.
    pub(super) fn current(&self, attempt: AttemptId, at: Place) -> Option<(usize, u32)> {
        let index = self.index_of(attempt.task.stage)?;
        let task = self.stages[index].task(attempt.task.partition)?;
        match task.state() {
            TaskState::Running { place, epoch } if place == at && task.attempts == attempt.attempt.0 => {
                Some((index, epoch))
            }
            TaskState::Running { .. } | TaskState::Queued | TaskState::Done { .. } | TaskState::Lost => None,
        }
    }

    /// The position of a stage in the list.
    pub(super) fn index_of(&self, stage: StageId) -> Option<usize> {
        self.stages.iter().position(|candidate| candidate.id == stage)
    }

    /// An attempt is over without an output: its task waits again, for another node if there is one.
    fn requeue(&mut self, index: usize, attempt: AttemptId, place: Place, nodes: &mut Nodes) {
        nodes.release(place);
        let stage = &mut self.stages[index];
        stage.set(attempt.task.partition, TaskState::Queued);
        if let Some(task) = stage.task_mut(attempt.task.partition) {
            task.avoid = Some(place.node);
        }
    }

    /// Something of a stage was done: whatever waited for that goes on.
    fn after_progress(&mut self, index: usize, nodes: &mut Nodes, actions: &mut Vec<Action>) -> Verdict {
        if self.stages[index].is_complete() {
            self.stage_completed(index, nodes, actions);
            if self.stages[index].is_result {
                return Verdict::Finish;
            }
        }
        self.check_doom()
    }

    fn stage_completed(&mut self, index: usize, nodes: &mut Nodes, actions: &mut Vec<Action>) {
        let query = self.id;
        let done = &mut self.stages[index];
        let stage = done.id;
        done.resubmissions = 0;
        if !std::mem::replace(&mut done.was_complete, true) {
            actions.push(Action::Record(Record::StageCompleted { query, stage }));
        }
        if std::mem::take(&mut done.recovering) {
            let tasks = done.len() as u32;
            actions.push(Action::Record(Record::Recovered { query, stage, tasks }));
        }
        for consumer in 0..self.stages.len() {
            if self.inputs_complete(consumer) {
                self.stages[consumer].resubmitted = false;
            }
        }
        self.ask_for_plans(actions);
        match self.mode {
            Mode::Abort => self.release_inputs(index, actions),
            Mode::Recompute => self.forget_unneeded(nodes, actions),
        }
    }

    /// Asks for the task counts of the stages whose inputs are complete for the first time.
    fn ask_for_plans(&mut self, actions: &mut Vec<Action>) {
        for index in 0..self.stages.len() {
            if self.stages[index].phase == Phase::Waiting && self.inputs_complete(index) {
                self.stages[index].phase = Phase::Asked;
                actions.push(Action::PlanStage { query: self.id, stage: self.stages[index].id });
            }
        }
    }

    /// Drops what only a complete stage was still waited for to read.
    fn release_inputs(&mut self, index: usize, actions: &mut Vec<Action>) {
        for input in self.stages[index].inputs.clone() {
            self.release_if_read(input, actions);
        }
    }

    /// Drops the outputs of a stage if all its consumers are complete.
    fn release_if_read(&mut self, index: usize, actions: &mut Vec<Action>) {
        let producer = &self.stages[index];
        if producer.released || !producer.consumers.iter().all(|&consumer| self.stages[consumer].is_complete()) {
            return;
        }
        for (partition, task) in producer.tasks() {
            if let TaskState::Done { place, .. } = task.state() {
                let task = TaskId { query: self.id, stage: producer.id, partition };
                actions.push(Action::DropOutput { task, place });
            }
        }
        self.stages[index].released = true;
    }

    /// Fails the query with its certain error once no earlier task is left that was never done: a task that was done once
    /// would only do the same again. Which error is reported then does not depend on who was faster.
    fn check_doom(&self) -> Verdict {
        let Some(doom) = &self.doom else { return Verdict::Continue };
        let TaskId { stage: last, partition: end, .. } = doom.attempt.task;
        let settled = self.stages.iter().filter(|stage| stage.id <= last).all(|stage| {
            let mut before = stage.tasks().filter(|(partition, _)| stage.id < last || *partition < end);
            stage.phase == Phase::Planned && before.all(|(_, task)| task.first.is_some())
        });
        if settled { Verdict::Fail(doom.clone().into()) } else { Verdict::Continue }
    }
}

impl Stage {
    /// The newest attempt at a task.
    pub(super) fn newest_attempt(&self, query: QueryId, partition: PartitionId) -> AttemptId {
        let attempts = self.task(partition).map_or(0, |task| task.attempts);
        AttemptId { task: TaskId { query, stage: self.id, partition }, attempt: AttemptNumber(attempts) }
    }

    /// Stops the running attempts of the tasks that `which` names; they are queued again.
    pub(super) fn stop_attempts(
        &mut self,
        query: QueryId,
        which: impl Fn(TaskId) -> bool,
        nodes: &mut Nodes,
        actions: &mut Vec<Action>,
    ) {
        for partition in self.partitions_where(|state| matches!(state, TaskState::Running { .. })) {
            let attempt = self.newest_attempt(query, partition);
            let Some(TaskState::Running { place, .. }) = self.task(partition).map(|task| task.state()) else {
                continue;
            };
            if which(attempt.task) {
                nodes.release(place);
                self.set(partition, TaskState::Queued);
                actions.push(Action::StopAttempt { attempt, place });
                actions.push(Action::Record(Record::AttemptLost { attempt, place }));
            }
        }
    }
}
