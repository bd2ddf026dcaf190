//! The coordinator breaks things: injecting faults, letting them fire, healing them.

use super::Coordinator;
use crate::cluster::contract::{FaultState, FaultStatus, InjectReply};
use crate::cluster::faults::{Healing, QueryProgress, describe};
use crate::cluster::query::QueryContext;
use crate::journal::Record;
use crate::scheduler::{AttemptId, NodeId, Place, QueryId, Scheduler, StageId, TaskView};
use crate::sql::statement::{FaultKind, FaultSpec, NodeChoice, Trigger};
use std::cmp::Reverse;

/// How far a query is, as the scheduler sees it. A query that it has just finished is all done.
struct Progress<'a> {
    scheduler: &'a Scheduler,
    query: QueryId,
    context: &'a QueryContext,
}

impl QueryProgress for Progress<'_> {
    fn progress(&self) -> f64 {
        self.scheduler.progress(self.query).unwrap_or(1.0)
    }

    fn stage(&self, stage: StageId) -> (bool, u32) {
        let Some(stages) = self.scheduler.stages(self.query) else {
            let stage = self.context.stage(stage);
            return (stage.is_some(), stage.map_or(0, |stage| stage.run().tasks.count()));
        };
        let Some(view) = stages.iter().find(|view| view.stage == stage) else { return (false, 0) };
        (view.tasks.iter().any(|task| *task != TaskView::Queued), view.done)
    }
}

impl Coordinator {
    /// Arms a fault, or lets it happen now.
    pub(crate) fn inject(&mut self, spec: FaultSpec) -> InjectReply {
        let choice = match spec.kind {
            FaultKind::Crash { node } | FaultKind::Slow { node, .. } => Some(node),
            FaultKind::Flaky { .. } => None,
        };
        if let Some(NodeChoice::Node(node)) = choice {
            let nodes = self.nodes.len() as u32;
            let Some(known) = self.nodes.get(&node) else { return InjectReply::NoSuchNode { node, nodes } };
            if !known.life.is_open() {
                return InjectReply::AlreadyDown { node, fault: known.death.as_ref().and_then(|death| death.fault) };
            }
        }
        match (spec.trigger, spec.kind) {
            (Trigger::Now, FaultKind::Crash { node }) => self.crash_now(spec, node),
            (Trigger::Now, FaultKind::Slow { node, factor }) => self.slow_now(spec, node, factor),
            (Trigger::Now | Trigger::AtPercent(_) | Trigger::InStage { .. }, _) => self.arm(spec),
        }
    }

    fn arm(&mut self, spec: FaultSpec) -> InjectReply {
        let fault = self.faults.add(spec, FaultState::Armed);
        self.journal.append(self.now(), Record::FaultArmed { fault, text: describe(&spec) });
        InjectReply::Armed { fault }
    }

    /// Arms a known fault once more, under its number.
    pub(crate) fn rearm(&mut self, fault: u32) {
        if let Some(spec) = self.faults.rearm(fault) {
            self.journal.append(self.now(), Record::FaultArmed { fault, text: describe(&spec) });
        }
    }

    fn crash_now(&mut self, spec: FaultSpec, choice: NodeChoice) -> InjectReply {
        let query = self.queries.keys().next().copied();
        let Some(node) = self.choose(choice, query) else { return self.all_down() };
        let fault = self.faults.add(spec, FaultState::Fired { query, at: self.now() });
        self.crash(fault, node, query);
        let up = self.nodes.values().filter(|node| node.life.is_open()).count() as u32;
        InjectReply::Crashed { fault, node, query, up, nodes: self.nodes.len() as u32 }
    }

    fn slow_now(&mut self, spec: FaultSpec, choice: NodeChoice, factor: u32) -> InjectReply {
        let query = self.queries.keys().next().copied();
        let Some(node) = self.choose(choice, query) else { return self.all_down() };
        let fault = self.faults.add(spec, FaultState::Fired { query, at: self.now() });
        self.slow(fault, node, factor, query);
        InjectReply::Slowed { fault, node }
    }

    fn all_down(&self) -> InjectReply {
        let first = self.nodes.iter().next();
        let fault = first.and_then(|(_, node)| node.death.as_ref()).and_then(|death| death.fault);
        InjectReply::AlreadyDown { node: first.map_or(NodeId(1), |(id, _)| *id), fault }
    }

    /// The node that is meant, if it is up. ANY is the one that would lose most: most needed outputs, then most running attempts, then
    /// the lowest number.
    fn choose(&self, choice: NodeChoice, query: Option<QueryId>) -> Option<NodeId> {
        let mut up = self.nodes.values().filter(|node| node.life.is_open()).map(|node| node.life.place);
        match choice {
            NodeChoice::Node(node) => up.find(|place| place.node == node).map(|place| place.node),
            NodeChoice::Any => up
                .max_by_key(|&place| {
                    let outputs = query.map_or(0, |q| self.scheduler.needed_outputs(q, place));
                    let running = query.map_or(0, |q| self.scheduler.running_attempts(q, place));
                    (outputs, running, Reverse(place.node))
                })
                .map(|place| place.node),
        }
    }

    fn crash(&mut self, fault: u32, node: NodeId, query: Option<QueryId>) {
        self.write_fired(fault, query, format!("{node} crashed"));
        self.kill(node, fault, query);
    }

    fn slow(&mut self, fault: u32, node: NodeId, factor: u32, query: Option<QueryId>) {
        self.write_fired(fault, query, format!("{node} is {factor} times slower"));
        if let Some(node) = self.nodes.get_mut(&node) {
            node.slow = Some((fault, factor));
        }
    }

    fn write_fired(&mut self, fault: u32, query: Option<QueryId>, text: String) {
        let (done, tasks) = query.map_or((0, 0), |query| self.tasks_done(query));
        let now = self.now();
        self.faults.fired(fault, query, now);
        self.journal.append(now, Record::FaultFired { fault, query, text, done, tasks });
    }

    /// Tasks of a running query that are done, of how many.
    fn tasks_done(&self, query: QueryId) -> (u32, u32) {
        let tasks = self.queries.get(&query).map_or(0, |q| q.tasks);
        let done = self.scheduler.stages(query).map(|stages| stages.iter().map(|stage| stage.done).sum());
        (done.unwrap_or(tasks), tasks)
    }

    /// The faults of a query whose moment has come.
    fn due(&mut self, query: QueryId) -> Vec<(u32, FaultKind)> {
        match self.queries.get(&query) {
            Some(state) if self.faults.watches(query) => {
                let progress = Progress { scheduler: &self.scheduler, query, context: &state.context };
                self.faults.due(query, &progress)
            }
            _ => Vec::new(),
        }
    }

    /// Lets the faults of a query fire whose moment has come.
    pub(super) fn fire_due(&mut self, query: QueryId) {
        for (fault, kind) in self.due(query) {
            match kind {
                FaultKind::Crash { node } => match self.choose(node, Some(query)) {
                    Some(node) => self.crash(fault, node, Some(query)),
                    None => self.expire(fault, query, down(node)),
                },
                FaultKind::Slow { node, factor } => match self.choose(node, Some(query)) {
                    Some(node) => self.slow(fault, node, factor, Some(query)),
                    None => self.expire(fault, query, down(node)),
                },
                // It strikes when an attempt is launched.
                FaultKind::Flaky { .. } => {}
            }
        }
    }

    /// The FLAKY fault that the attempt about to be launched runs into.
    pub(super) fn strike(&mut self, attempt: AttemptId, place: Place) -> Option<u32> {
        let query = attempt.task.query;
        // A FLAKY fault whose moment has come strikes from here on; any other one fires after this step.
        self.due(query);
        let (fault, first) = self.faults.strike(query, attempt.task.stage, self.now())?;
        if first {
            let (task, stage) = (attempt.task.partition.0 + 1, attempt.task.stage.0);
            self.write_fired(fault, Some(query), format!("task {task} of stage {stage} fails on {}", place.node));
        }
        Some(fault)
    }

    /// A query is over: its faults that have not fired never will.
    pub(super) fn expire_faults(&mut self, query: QueryId) {
        for (fault, spec) in self.faults.unfired(query) {
            let why = match (spec.kind, spec.trigger) {
                (FaultKind::Flaky { stage: Some(stage), .. }, Trigger::Now) => {
                    format!("no task of stage {} was started in {query}", stage.0)
                }
                (_, Trigger::Now) => format!("{query} ended before a task was started"),
                (_, Trigger::AtPercent(percent)) => format!("{query} ended before it was {percent}% done"),
                (_, Trigger::InStage { stage, after_tasks }) => self.why_not_in_stage(query, stage, after_tasks),
            };
            self.expire(fault, query, why);
        }
    }

    fn why_not_in_stage(&self, query: QueryId, stage: StageId, after_tasks: u32) -> String {
        self.journal.with_history(|history| {
            let stages = history.query(query).map_or(&[][..], |info| &info.stages);
            match stages.iter().find(|info| info.summary.stage == stage) {
                None => format!("{query} has only {} stages", stages.len()),
                Some(info) if info.summary.tasks < after_tasks => {
                    format!("stage {} of {query} has only {} tasks", stage.0, info.summary.tasks)
                }
                Some(_) => format!("{query} ended before {after_tasks} tasks of stage {} were done", stage.0),
            }
        })
    }

    fn expire(&mut self, fault: u32, query: QueryId, why: String) {
        self.faults.never_fired(fault, query, why.clone());
        self.journal.append(self.now(), Record::FaultExpired { fault, query, why });
    }

    /// Takes a fault back: an armed one will not fire, a slow node is quick again. False if there was nothing to heal (a crashed
    /// node is restarted instead).
    pub(crate) fn heal(&mut self, fault: u32) -> bool {
        match self.faults.heal(fault) {
            Healing::Nothing => return false,
            Healing::Disarmed => {}
            Healing::Slow => {
                for node in self.nodes.values_mut().filter(|node| node.slow.is_some_and(|(by, _)| by == fault)) {
                    node.slow = None;
                }
            }
        }
        self.journal.append(self.now(), Record::FaultHealed { fault });
        true
    }

    pub(crate) fn heal_all(&mut self) {
        for fault in self.faults.numbers() {
            self.heal(fault);
        }
    }

    pub(crate) fn fault_statuses(&self) -> Vec<FaultStatus> {
        self.faults.statuses()
    }

    /// How many faults wait for a query or their moment in it.
    pub(crate) fn armed(&self) -> usize {
        self.faults.armed()
    }
}

fn down(choice: NodeChoice) -> String {
    match choice {
        NodeChoice::Node(node) => format!("{node} was down already"),
        NodeChoice::Any => "no node was up".to_string(),
    }
}
