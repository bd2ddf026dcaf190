//! What must hold, written apart from the scheduler: its own account of who runs, what is stored where and what was promised.
//!
//! It hears the messages that the scheduler hears and sees the actions that come out, and says what is wrong with them.

use crate::shape::Shape;
use crate::world::{Input, Message, Setting, read_list};
use faultlab::journal::{Record, TaskError};
use faultlab::scheduler::action::QueryError;
use faultlab::scheduler::graph::{Limits, Mode};
use faultlab::scheduler::{
    Action, AttemptId, AttemptNumber, Incarnation, NodeId, Place, QueryId, Scheduler, StageId, TaskId,
};
use std::collections::{BTreeMap, BTreeSet};

/// The account. Everything in it follows from messages and actions alone.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Checker {
    /// The newest life of each node that was heard of, and whether it is up.
    nodes: BTreeMap<NodeId, (Incarnation, bool)>,
    /// Attempts that were launched and not heard of since, and what they were told to read.
    live: BTreeMap<AttemptId, (Place, Vec<Input>)>,
    /// Outputs that were reported, are not known to be lost and were not dropped.
    stored: BTreeMap<TaskId, (AttemptNumber, Place)>,
    /// Tasks that were reported done at least once.
    ever_done: BTreeSet<TaskId>,
    /// Result tasks whose rows came in.
    rows: BTreeSet<TaskId>,
    asked: BTreeSet<(QueryId, StageId)>,
    planned: BTreeSet<(QueryId, StageId)>,
    attempts: BTreeMap<TaskId, u32>,
    failures: BTreeMap<TaskId, u32>,
    failed_fetches: BTreeMap<(QueryId, StageId), u32>,
    user_failed: BTreeSet<TaskId>,
    canceled: BTreeSet<QueryId>,
    /// Queries that lost something that matters to them.
    hurt: BTreeSet<QueryId>,
    /// Attempts that are over without a report, and whose loss has not been recorded yet.
    unrecorded: BTreeSet<AttemptId>,
    over: BTreeSet<QueryId>,
}

type Checked = Result<(), String>;

/// Gives the message as an error unless `holds`.
fn ensure(holds: bool, wrong: impl FnOnce() -> String) -> Checked {
    if holds { Ok(()) } else { Err(wrong()) }
}

/// `1.2.0#1 on worker-1/1`, one after the other.
fn show(inputs: &[Input]) -> String {
    let list = inputs.iter().map(|(task, attempt, place)| format!("{task}#{} on {place}", attempt.0));
    list.collect::<Vec<String>>().join(", ")
}

impl Checker {
    /// Whether every query is over.
    pub fn all_over(&self, setting: &Setting) -> bool {
        self.over.len() == setting.shapes.len()
    }

    /// The attempt of a task that runs as far as is known.
    pub fn live_attempt(&self, task: TaskId) -> Option<(AttemptId, Place)> {
        self.live.iter().find(|(attempt, _)| attempt.task == task).map(|(attempt, (place, _))| (*attempt, *place))
    }

    /// The attempts that run at a place as far as is known.
    pub fn live_at(&self, at: Place) -> Vec<AttemptId> {
        self.live.iter().filter(|(_, (place, _))| *place == at).map(|(attempt, _)| *attempt).collect()
    }

    /// The nodes that are up as far as is known.
    pub fn known_up(&self) -> usize {
        self.nodes.values().filter(|(_, up)| *up).count()
    }

    /// Takes note of a message before the scheduler gets it. `scheduler` must agree on whether it is of the present.
    pub fn hear(&mut self, setting: &Setting, message: &Message, scheduler: &Scheduler) -> Checked {
        match *message {
            Message::Joined(place) => {
                let known = self.nodes.get(&place.node).copied();
                if known.is_none_or(|(life, _)| life < place.incarnation) {
                    self.end_life(setting, known.map(|(incarnation, _)| Place { incarnation, ..place }));
                    self.nodes.insert(place.node, (place.incarnation, true));
                }
            }
            Message::Lost(place, _) => {
                let known = self.nodes.get(&place.node).copied();
                if known.is_none_or(|(life, _)| life <= place.incarnation) {
                    self.end_life(setting, known.map(|(incarnation, _)| Place { incarnation, ..place }));
                    self.nodes.insert(place.node, (place.incarnation, false));
                }
            }
            Message::Planned(query, stage) => {
                self.planned.insert((query, stage));
            }
            Message::Cancel(query) => {
                self.canceled.insert(query);
            }
            Message::Finished(attempt, place) => {
                if self.report(attempt, place, scheduler)?.is_none() {
                    return Ok(());
                }
                let task = attempt.task;
                self.ever_done.insert(task);
                if task.stage == setting.shapes[&task.query].result() {
                    ensure(self.rows.insert(task), || format!("the rows of {task} came twice"))?;
                } else {
                    self.stored.insert(task, (attempt.attempt, place));
                }
            }
            Message::Failed(attempt, place, user) => {
                if self.report(attempt, place, scheduler)?.is_some() {
                    *self.failures.entry(attempt.task).or_default() += 1;
                    if user {
                        self.user_failed.insert(attempt.task);
                    }
                }
            }
            Message::FetchFailed(attempt, place, source, from) => {
                let Some(told) = self.report(attempt, place, scheduler)? else { return Ok(()) };
                let now = self.stored.get(&source).copied();
                if now.is_some_and(|(made_by, at)| at == from && told.contains(&(source, made_by, at))) {
                    self.stored.remove(&source);
                    *self.failed_fetches.entry((attempt.task.query, attempt.task.stage)).or_default() += 1;
                }
            }
        }
        Ok(())
    }

    /// An attempt is over, if it is one of the present: what it was told to read.
    fn report(&mut self, attempt: AttemptId, at: Place, scheduler: &Scheduler) -> Result<Option<Vec<Input>>, String> {
        let present = self.live.get(&attempt).is_some_and(|(place, _)| *place == at);
        let agrees = scheduler.is_current(attempt, at) == present;
        ensure(agrees, || {
            format!("a report of {attempt} on {at} is of the present: {present}; the scheduler differs")
        })?;
        Ok(if present { self.live.remove(&attempt).map(|(_, told)| told) } else { None })
    }

    /// Whatever ran or was stored in a life that ended is lost.
    fn end_life(&mut self, setting: &Setting, ended: Option<Place>) {
        let Some(ended) = ended else { return };
        for attempt in self.live_at(ended) {
            self.live.remove(&attempt);
            self.unrecorded.insert(attempt);
            self.hurt.insert(attempt.task.query);
        }
        let lost: Vec<TaskId> = self.stored.iter().filter(|(_, (_, at))| *at == ended).map(|(task, _)| *task).collect();
        for task in &lost {
            self.stored.remove(task);
        }
        for task in lost {
            if self.is_wanted(&setting.shapes[&task.query], task.query, task.stage) {
                self.hurt.insert(task.query);
            }
        }
    }

    /// Whether somebody still has to read the outputs of a stage: some reader has a task whose output is not there, and that
    /// reader's outputs are wanted themselves.
    fn is_wanted(&self, shape: &Shape, query: QueryId, stage: StageId) -> bool {
        let planned = |stage| self.planned.contains(&(query, stage));
        shape.consumers_of(stage, planned).into_iter().any(|consumer| {
            !self.is_complete(shape, query, consumer)
                && (consumer == shape.result() || self.is_wanted(shape, query, consumer))
        })
    }

    /// Whether all outputs of a stage are there, or its rows came in.
    fn is_complete(&self, shape: &Shape, query: QueryId, stage: StageId) -> bool {
        let there = |task: TaskId| self.stored.contains_key(&task) || self.rows.contains(&task);
        self.planned.contains(&(query, stage)) && shape.tasks_in(query, stage).all(there)
    }

    /// Looks at the actions that followed. `really` tells whether an output is stored there in truth, or its life has ended.
    pub fn see(&mut self, setting: &Setting, actions: &[Action], really: impl Fn(Input) -> bool) -> Checked {
        for action in actions {
            match action {
                Action::PlanStage { query, stage } => {
                    let inputs = setting.shapes[query].may_read(*stage);
                    let ready = inputs.iter().all(|&input| self.is_complete(&setting.shapes[query], *query, input));
                    ensure(ready, || format!("{stage} is planned before its inputs are complete"))?;
                    ensure(self.asked.insert((*query, *stage)), || format!("{stage} is planned twice"))?;
                }
                Action::Launch { attempt, place, .. } => self.see_launch(setting, *attempt, *place, action, &really)?,
                Action::StopAttempt { attempt, place } => {
                    let stopped = self.live.remove(attempt).is_some_and(|(at, _)| at == *place);
                    ensure(stopped, || format!("{attempt} is stopped on {place}, where it does not run"))?;
                    self.unrecorded.insert(*attempt);
                }
                Action::DropOutput { task, place } => {
                    let dropped = self.stored.remove(task).is_some_and(|(_, at)| at == *place);
                    ensure(dropped, || format!("output {task} is dropped on {place}, where it is not"))?;
                    let wanted = self.is_wanted(&setting.shapes[&task.query], task.query, task.stage);
                    ensure(!wanted, || format!("output {task} is dropped and still wanted"))?;
                }
                Action::FinishQuery { query } => {
                    let shape = &setting.shapes[query];
                    let all = self.is_complete(shape, *query, shape.result());
                    ensure(all, || format!("{query} finishes without all its rows"))?;
                    ensure(self.over.insert(*query), || format!("{query} ends twice"))?;
                }
                Action::FailQuery { query, error } => {
                    let why = self.is_justified(setting, *query, error);
                    ensure(why, || format!("{query} fails without reason: {error}"))?;
                    ensure(self.over.insert(*query), || format!("{query} ends twice"))?;
                }
                Action::DropQuery { query } => {
                    ensure(self.over.contains(query), || format!("{query} is dropped before it is over"))?;
                    let running = self.live.keys().any(|attempt| attempt.task.query == *query);
                    ensure(!running, || format!("{query} is dropped and has running attempts"))?;
                    self.stored.retain(|task, _| task.query != *query);
                }
                Action::Record(Record::AttemptLost { attempt, .. }) => {
                    ensure(self.unrecorded.remove(attempt), || format!("{attempt} is recorded as lost and was not"))?;
                }
                Action::Record(_) | Action::SetTimer { .. } | Action::ClearTimer { .. } => {}
            }
        }
        self.see_state(setting)
    }

    fn see_launch(
        &mut self,
        setting: &Setting,
        attempt: AttemptId,
        place: Place,
        launch: &Action,
        really: impl Fn(Input) -> bool,
    ) -> Checked {
        let task = attempt.task;
        let (query, stage) = (task.query, task.stage);
        let shape = &setting.shapes[&query];
        ensure(!self.over.contains(&query), || format!("{attempt} is launched for a query that is over"))?;
        ensure(self.planned.contains(&(query, stage)), || {
            format!("{attempt} is launched before its stage is planned")
        })?;
        let up = self.nodes.get(&place.node) == Some(&(place.incarnation, true));
        ensure(up, || format!("{attempt} is launched on {place}, which is not up"))?;
        let running = self.live_at(place).len() as u32;
        ensure(running < setting.slots, || format!("{attempt} is launched on {place}, which has no free slot"))?;
        ensure(self.live_attempt(task).is_none(), || format!("{attempt} is launched while another attempt runs"))?;
        let there = self.stored.contains_key(&task) || self.rows.contains(&task);
        ensure(!there, || format!("{attempt} is launched and its output is there"))?;
        if self.ever_done.contains(&task) {
            ensure(self.is_wanted(shape, query, stage), || format!("{attempt} makes an output that nobody wants"))?;
        }
        let number = self.attempts.entry(task).or_default();
        *number += 1;
        ensure(*number == attempt.attempt.0, || format!("{attempt} should have number {number}"))?;
        let once = setting.mode == Mode::Recompute || *number == 1;
        ensure(once, || format!("{attempt} is a second attempt in abort"))?;
        let failures = self.failures.get(&task).copied().unwrap_or(0);
        ensure(failures < Limits::default().task_max_failures, || format!("{attempt} is over its budget"))?;

        let told = read_list(launch);
        let reads = shape.inputs_of(stage).into_iter().flat_map(|input| shape.tasks_in(query, input));
        let right: Option<Vec<Input>> =
            reads.map(|source| self.stored.get(&source).map(|&(by, at)| (source, by, at))).collect();
        ensure(right.as_ref() == Some(&told), || {
            let right = right.as_deref().map_or("not everything".into(), show);
            format!("{attempt} reads {}, but there is {right}", show(&told))
        })?;
        for &input in &told {
            ensure(really(input), || format!("{attempt} reads {}, which is not stored there", show(&[input])))?;
        }
        self.live.insert(attempt, (place, told));
        Ok(())
    }

    fn see_state(&self, setting: &Setting) -> Checked {
        ensure(self.unrecorded.is_empty(), || format!("lost without a record: {:?}", self.unrecorded))?;
        for (&query, shape) in &setting.shapes {
            let over = self.over.contains(&query);
            let complete = self.is_complete(shape, query, shape.result());
            ensure(over || !complete, || format!("{query} has all its rows and goes on"))?;
            ensure(over || !self.canceled.contains(&query), || format!("{query} was canceled and goes on"))?;
            let must_end = setting.mode == Mode::Abort && self.hurt.contains(&query);
            ensure(over || !must_end, || format!("{query} lost something in abort and goes on"))?;
            let forgotten = |task: &TaskId| {
                task.query == query && setting.mode == Mode::Abort && !self.is_wanted(shape, query, task.stage)
            };
            let kept = self.stored.keys().find(|task| forgotten(task));
            ensure(kept.is_none(), || format!("output {kept:?} was read by all and is kept in abort"))?;
        }
        Ok(())
    }

    fn is_justified(&self, setting: &Setting, query: QueryId, error: &QueryError) -> bool {
        let limits = Limits::default();
        match error {
            QueryError::NodeLost { .. } => setting.mode == Mode::Abort && self.hurt.contains(&query),
            QueryError::NoNodes => self.known_up() == 0,
            QueryError::TimeLimit { .. } => false,
            QueryError::Canceled => self.canceled.contains(&query),
            QueryError::Checksum { .. } => false,
            QueryError::StageAttempts { stage, .. } => {
                self.failed_fetches.get(&(query, *stage)).is_some_and(|&count| count >= limits.stage_max_attempts)
            }
            QueryError::Task { attempt, error: TaskError::User { .. }, .. } => {
                // Whatever was faster, the user reads the error of the lowest task that has one, unless all is lost before.
                let lowest = setting.bad.iter().find(|task| task.query == query);
                let cut_short = self.known_up() == 0 || (setting.mode == Mode::Abort && self.hurt.contains(&query));
                self.user_failed.contains(&attempt.task) && (cut_short || lowest == Some(&attempt.task))
            }
            QueryError::Task { attempt, .. } => match setting.mode {
                Mode::Abort => {
                    let fetches = self.failed_fetches.get(&(query, attempt.task.stage));
                    self.failures.contains_key(&attempt.task) || fetches.is_some()
                }
                Mode::Recompute => self.failures.get(&attempt.task) == Some(&limits.task_max_failures),
            },
        }
    }
}
