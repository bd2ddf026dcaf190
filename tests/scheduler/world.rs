//! A simulated cluster around the scheduler: nodes that store and run, messages that arrive in any order or late, and faults.

use crate::checker::Checker;
use crate::shape::Shape;
use faultlab::journal::{ErrorCode, TaskError};
use faultlab::scheduler::event::{LossCause, OutputSummary};
use faultlab::scheduler::graph::{Limits, Mode};
use faultlab::scheduler::{
    Action, AttemptId, AttemptNumber, Event, Incarnation, NodeId, PartitionId, Place, QueryId, Scheduler, StageId,
    TaskId, Time,
};
use std::collections::{BTreeMap, BTreeSet};

/// What a case is made of; it does not change.
#[derive(Debug, Clone)]
pub struct Setting {
    pub shapes: BTreeMap<QueryId, Shape>,
    pub mode: Mode,
    pub nodes: u32,
    pub slots: u32,
    /// How many faults may happen, and which.
    pub faults: u32,
    pub kinds: Vec<Fault>,
    /// Tasks that always end in a user error.
    pub bad: BTreeSet<TaskId>,
    pub tamper: Option<Tamper>,
}

/// What can go wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    Crash,
    /// A node is taken for lost while it works on.
    Cut,
    Rejoin,
    FailedTask,
    FailedFetch,
    /// A message arrives now, and once more later.
    Twice,
    Cancel,
}

impl Fault {
    /// All of them.
    pub const ALL: [Fault; 7] =
        [Fault::Crash, Fault::Cut, Fault::Rejoin, Fault::FailedTask, Fault::FailedFetch, Fault::Twice, Fault::Cancel];
}

/// A bug, made on purpose by changing what the scheduler hears: the checker has to find it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tamper {
    /// A lost node's attempts are restarted, but its outputs count as if they were still there.
    KeepLostOutputs,
    /// A report of an old attempt is taken for one of the running attempt.
    AcceptStaleAttempts,
    /// The loss of the last node is not noticed.
    IgnoreEmptyPool,
}

/// An output that an attempt reads: made by which attempt, stored where.
pub type Input = (TaskId, AttemptNumber, Place);

/// A message on its way to the scheduler.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Message {
    Joined(Place),
    /// The flag: only unreachable, not dead.
    Lost(Place, bool),
    Planned(QueryId, StageId),
    Finished(AttemptId, Place),
    /// The flag: a user error.
    Failed(AttemptId, Place, bool),
    FetchFailed(AttemptId, Place, TaskId, Place),
    Cancel(QueryId),
}

/// One thing that can happen next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    Deliver(Message),
    DeliverTwice(Message),
    /// An attempt runs to its end and sends its report.
    Run(AttemptId, Place),
    Crash(NodeId),
    Cut(NodeId),
    Rejoin(NodeId),
    Fail(AttemptId, Place),
    FailFetch(AttemptId, Place, Input),
    Cancel(QueryId),
}

impl Choice {
    /// Whether it is a fault, which costs from the budget.
    pub fn is_fault(&self) -> bool {
        !matches!(self, Choice::Deliver(_) | Choice::Run(..))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Health {
    Up,
    Cut,
    Dead,
}

/// The cluster as it really is, with the scheduler and the checker's account of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct World {
    scheduler: Scheduler,
    checker: Checker,
    lives: BTreeMap<NodeId, (Incarnation, Health)>,
    stores: BTreeSet<Input>,
    running: BTreeMap<(AttemptId, Place), Vec<Input>>,
    mail: BTreeSet<Message>,
    faults_left: u32,
}

impl World {
    /// All nodes are up and all queries are submitted.
    pub fn start(setting: &Setting) -> Result<World, String> {
        let mut world = World {
            scheduler: Scheduler::new(),
            checker: Checker::default(),
            lives: BTreeMap::new(),
            stores: BTreeSet::new(),
            running: BTreeMap::new(),
            mail: BTreeSet::new(),
            faults_left: setting.faults,
        };
        for node in (1..=setting.nodes).map(NodeId) {
            world.lives.insert(node, (Incarnation(1), Health::Up));
            world.deliver(setting, &Message::Joined(Place { node, incarnation: Incarnation(1) }))?;
        }
        for (&query, shape) in &setting.shapes {
            let (graph, mode) = (shape.graph.clone(), setting.mode);
            let submit = Event::QuerySubmitted { query, graph, mode, limits: Limits::default() };
            world.step(setting, submit)?;
        }
        Ok(world)
    }

    /// Whether every query is over.
    pub fn is_over(&self, setting: &Setting) -> bool {
        self.checker.all_over(setting)
    }

    /// Whether nothing of any query is left anywhere.
    pub fn is_empty(&self) -> bool {
        self.scheduler.queries().next().is_none() && self.stores.is_empty() && self.running.is_empty()
    }

    /// The share of a query's work that is done.
    pub fn progress(&self, query: QueryId) -> Option<f64> {
        self.scheduler.progress(query)
    }

    /// No fault happens from now on.
    pub fn stop_faults(&mut self) {
        self.faults_left = 0;
    }

    /// Everything that can happen next; faults only while there is a budget and a query runs.
    pub fn choices(&self, setting: &Setting) -> Vec<Choice> {
        let mut choices: Vec<Choice> = self.mail.iter().cloned().map(Choice::Deliver).collect();
        choices.extend(self.running.keys().map(|&(attempt, place)| Choice::Run(attempt, place)));
        if self.faults_left > 0 && !self.is_over(setting) {
            for kind in &setting.kinds {
                self.faults(setting, *kind, &mut choices);
            }
        }
        choices
    }

    fn faults(&self, setting: &Setting, kind: Fault, choices: &mut Vec<Choice>) {
        let in_health = |health: &'static [Health]| {
            self.lives.iter().filter(move |(_, (_, is))| health.contains(is)).map(|(node, _)| *node)
        };
        match kind {
            Fault::Crash => choices.extend(in_health(&[Health::Up, Health::Cut]).map(Choice::Crash)),
            Fault::Cut => choices.extend(in_health(&[Health::Up]).map(Choice::Cut)),
            Fault::Rejoin => choices.extend(in_health(&[Health::Cut, Health::Dead]).map(Choice::Rejoin)),
            Fault::FailedTask => {
                choices.extend(self.running.keys().map(|&(attempt, place)| Choice::Fail(attempt, place)));
            }
            Fault::FailedFetch => {
                for (&(attempt, place), inputs) in &self.running {
                    choices.extend(inputs.iter().map(|&input| Choice::FailFetch(attempt, place, input)));
                }
            }
            Fault::Twice => choices.extend(self.mail.iter().cloned().map(Choice::DeliverTwice)),
            Fault::Cancel => choices.extend(setting.shapes.keys().map(|&query| Choice::Cancel(query))),
        }
    }

    /// Lets one thing happen; the error says what the checker found wrong.
    pub fn apply(&mut self, setting: &Setting, choice: &Choice) -> Result<(), String> {
        self.faults_left -= u32::from(choice.is_fault());
        match choice {
            Choice::Deliver(message) => {
                self.mail.remove(message);
                return self.deliver(setting, message);
            }
            Choice::DeliverTwice(message) => return self.deliver(setting, message),
            Choice::Run(attempt, place) => self.run(setting, *attempt, *place),
            Choice::Crash(node) => {
                let place = self.end_life(*node, Health::Dead);
                self.mail.insert(Message::Lost(place, false));
            }
            Choice::Cut(node) => {
                if let Some((incarnation, health)) = self.lives.get_mut(node) {
                    *health = Health::Cut;
                    self.mail.insert(Message::Lost(Place { node: *node, incarnation: *incarnation }, true));
                }
            }
            Choice::Rejoin(node) => {
                let incarnation = Incarnation(self.end_life(*node, Health::Dead).incarnation.0 + 1);
                self.lives.insert(*node, (incarnation, Health::Up));
                self.mail.insert(Message::Joined(Place { node: *node, incarnation }));
            }
            Choice::Fail(attempt, place) => {
                self.running.remove(&(*attempt, *place));
                self.mail.insert(Message::Failed(*attempt, *place, false));
            }
            Choice::FailFetch(attempt, place, (source, _, from)) => {
                self.running.remove(&(*attempt, *place));
                self.mail.insert(Message::FetchFailed(*attempt, *place, *source, *from));
            }
            Choice::Cancel(query) => {
                self.mail.insert(Message::Cancel(*query));
            }
        }
        Ok(())
    }

    /// A node loses its store and whatever it runs; messages that it sent are on their way all the same.
    fn end_life(&mut self, node: NodeId, health: Health) -> Place {
        let place = Place { node, incarnation: self.lives[&node].0 };
        self.lives.insert(node, (place.incarnation, health));
        self.stores.retain(|(_, _, at)| *at != place);
        self.running.retain(|(_, at), _| *at != place);
        place
    }

    fn health(&self, place: Place) -> Health {
        match self.lives.get(&place.node) {
            Some(&(incarnation, health)) if incarnation == place.incarnation => health,
            Some(_) | None => Health::Dead,
        }
    }

    fn run(&mut self, setting: &Setting, attempt: AttemptId, place: Place) {
        let Some(inputs) = self.running.remove(&(attempt, place)) else { return };
        let reachable = |from: Place| from == place || [from, place].iter().all(|&end| self.health(end) == Health::Up);
        let missing = inputs.iter().find(|input| !reachable(input.2) || !self.stores.contains(input));
        let task = attempt.task;
        let report = if let Some(&(source, _, from)) = missing {
            Message::FetchFailed(attempt, place, source, from)
        } else if setting.bad.contains(&task) {
            Message::Failed(attempt, place, true)
        } else {
            if task.stage != setting.shapes[&task.query].result() {
                self.stores.insert((task, attempt.attempt, place));
            }
            Message::Finished(attempt, place)
        };
        self.mail.insert(report);
    }

    fn deliver(&mut self, setting: &Setting, message: &Message) -> Result<(), String> {
        let events = self.tampered(setting, message);
        self.checker.hear(setting, message, &self.scheduler)?;
        events.into_iter().try_for_each(|event| self.step(setting, event))
    }

    fn step(&mut self, setting: &Setting, event: Event) -> Result<(), String> {
        let actions = self.scheduler.step(Time(0), event);
        let (stores, lives) = (&self.stores, &self.lives);
        let dead = |place: Place| lives[&place.node] != (place.incarnation, Health::Up);
        self.checker.see(setting, &actions, |input| stores.contains(&input) || dead(input.2))?;
        for action in &actions {
            self.perform(action);
        }
        Ok(())
    }

    fn perform(&mut self, action: &Action) {
        match action {
            Action::PlanStage { query, stage } => {
                self.mail.insert(Message::Planned(*query, *stage));
            }
            Action::Launch { attempt, place, .. } => {
                if self.health(*place) == Health::Up {
                    self.running.insert((*attempt, *place), read_list(action));
                }
            }
            Action::StopAttempt { attempt, place } => {
                self.running.remove(&(*attempt, *place));
            }
            Action::DropOutput { task, place } => self.stores.retain(|(of, _, at)| (of, at) != (task, place)),
            Action::DropQuery { query } => {
                self.stores.retain(|(task, _, _)| task.query != *query);
                self.running.retain(|(attempt, _), _| attempt.task.query != *query);
            }
            Action::SetTimer { .. }
            | Action::ClearTimer { .. }
            | Action::FinishQuery { .. }
            | Action::FailQuery { .. }
            | Action::Record(_) => {}
        }
    }

    fn event(&self, setting: &Setting, message: &Message) -> Event {
        match *message {
            Message::Joined(place) => Event::NodeJoined { place, slots: setting.slots },
            Message::Lost(place, unreachable) => {
                let cause = if unreachable { LossCause::Unresponsive } else { LossCause::Crashed };
                Event::NodeLost { place, cause }
            }
            Message::Planned(query, stage) => {
                let shape = &setting.shapes[&query];
                Event::StagePlanned { query, stage, tasks: shape.tasks_of(stage), inputs: shape.inputs_of(stage) }
            }
            Message::Finished(attempt, place) => {
                let output = OutputSummary { rows: 1, bytes: 1, checksum: u64::from(attempt.task.partition.0) };
                Event::TaskFinished { attempt, place, output }
            }
            Message::Failed(attempt, place, user) => {
                let passing = TaskError::Passing { message: String::new() };
                let error = if user { TaskError::user(ErrorCode::DivisionByZero, "") } else { passing };
                Event::TaskFailed { attempt, place, error }
            }
            Message::FetchFailed(attempt, place, source, from) => Event::FetchFailed { attempt, place, source, from },
            Message::Cancel(query) => Event::CancelRequested { query },
        }
    }

    /// What the scheduler hears of a message: itself, unless a bug is made on purpose.
    fn tampered(&self, setting: &Setting, message: &Message) -> Vec<Event> {
        match (setting.tamper, message) {
            (Some(Tamper::KeepLostOutputs), &Message::Lost(place, _)) => {
                let stopped = self.checker.live_at(place).into_iter();
                stopped.map(|attempt| Event::TaskFailed { attempt, place, error: TaskError::Canceled }).collect()
            }
            (Some(Tamper::AcceptStaleAttempts), &Message::Finished(attempt, place)) => {
                let (attempt, place) = self.checker.live_attempt(attempt.task).unwrap_or((attempt, place));
                vec![self.event(setting, &Message::Finished(attempt, place))]
            }
            (Some(Tamper::IgnoreEmptyPool), Message::Lost(..)) if self.checker.known_up() == 1 => vec![],
            _ => vec![self.event(setting, message)],
        }
    }
}

/// Everything that a launch tells an attempt to read, by stage and partition of the producer.
pub fn read_list(launch: &Action) -> Vec<Input> {
    let Action::Launch { attempt, inputs, .. } = launch else { return Vec::new() };
    let query = attempt.task.query;
    let outputs = inputs.iter().flat_map(|input| {
        input.outputs.iter().enumerate().map(move |(partition, output)| {
            let task = TaskId { query, stage: input.stage, partition: PartitionId(partition as u32) };
            (task, output.attempt, output.place)
        })
    });
    outputs.collect()
}
