//! The coordinator: tells the scheduler what happened and performs what it decides. The same in both drivers.

mod inject;
mod nodes;
mod reports;
mod snapshot;

use super::clock::Tempo;
use super::contract::{ClusterConfig, QueryOutcome, QuerySpec};
use super::ending::Ending;
use super::faults::Faults;
use super::graph;
use super::life::NodeMessage;
use super::network::Network;
use super::query::{Adaptation, Delivery, QueryContext};
use super::task::Assignment;
use super::transport::Transport;
use crate::journal::{Journal, Record};
use crate::kernel::Block;
use crate::plan::adapt::BlockBytes;
use crate::scheduler::action::{Action, InputLocations, QueryError};
use crate::scheduler::event::{Event, Timer};
use crate::scheduler::{
    AttemptId, AttemptNumber, NodeId, PartitionId, Place, QueryId, Scheduler, StageId, TaskId, Time,
};
use nodes::Node;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Everything that the coordinator knows. One thread at a time changes it.
pub(crate) struct Coordinator {
    config: ClusterConfig,
    scheduler: Scheduler,
    journal: Journal,
    network: Arc<Network>,
    transport: Box<dyn Transport>,
    nodes: BTreeMap<NodeId, Node>,
    queries: BTreeMap<QueryId, Query>,
    faults: Faults,
    tempo: Arc<Tempo>,
    paused: bool,
    /// Launches that wait for the end of a pause.
    held: Vec<Assignment>,
    last_query: u32,
    /// The cluster is no longer used by anybody.
    pub(crate) shut_down: bool,
}

/// A query that runs on nodes.
struct Query {
    context: Arc<QueryContext>,
    delivery: Arc<Delivery>,
    created: Time,
    titles: Vec<(StageId, String)>,
    tasks: u32,
    /// What the result stage has sent, by its partitions.
    results: BTreeMap<PartitionId, Vec<Arc<Block>>>,
    /// Of tables, on disk or in memory.
    bytes_read: u64,
    /// Of the outputs that were made so far; one that is made again has the same.
    sizes: BlockBytes,
}

impl Query {
    /// Remembers how large the blocks of an output are, if that may decide something.
    fn note_sizes(&mut self, task: TaskId, block_bytes: Vec<u64>) {
        if self.context.is_adaptive() && !self.context.is_result(task.stage) {
            let outputs = self.sizes.entry(task.stage).or_default();
            let place = task.partition.0 as usize;
            outputs.resize(outputs.len().max(place + 1), Vec::new());
            outputs[place] = block_bytes;
        }
    }
}

impl Coordinator {
    /// A cluster with all its nodes up and nothing to do.
    pub(crate) fn new(
        config: ClusterConfig,
        journal: Journal,
        network: Arc<Network>,
        tempo: Arc<Tempo>,
        transport: Box<dyn Transport>,
    ) -> Coordinator {
        let nodes = config.nodes;
        let mut coordinator = Coordinator {
            config,
            scheduler: Scheduler::new(),
            journal,
            network,
            transport,
            nodes: BTreeMap::new(),
            queries: BTreeMap::new(),
            faults: Faults::default(),
            tempo,
            paused: false,
            held: Vec::new(),
            last_query: 0,
            shut_down: false,
        };
        for node in 1..=nodes {
            coordinator.start_node(NodeId(node));
        }
        coordinator
    }

    pub(crate) fn now(&self) -> Time {
        self.transport.now()
    }

    /// The time that people see.
    pub(crate) fn shown(&self) -> Time {
        self.transport.shown()
    }

    /// Somebody outside is about to do something, at the time that they see.
    pub(crate) fn catch_up(&mut self) {
        self.transport.catch_up();
    }

    pub(crate) fn paused(&self) -> bool {
        self.paused
    }

    pub(crate) fn has_queries(&self) -> bool {
        !self.queries.is_empty()
    }

    /// Whether nothing is under way any more, so that what comes next comes at a time that does not depend on luck.
    pub(crate) fn at_rest(&self) -> bool {
        self.paused || self.has_queries() || !self.transport.is_busy()
    }

    /// Takes in a query whose plan compiled, or did not, and starts it on the nodes.
    pub(crate) fn submit(
        &mut self,
        spec: &QuerySpec,
        compiled: Result<QueryContext, (StageId, crate::journal::TaskError)>,
        delivery: Arc<Delivery>,
    ) -> QueryId {
        // Whatever broke since the last query is found before this one is placed.
        self.notice_closed();
        let query = self.announce(spec);
        let created = self.now();
        let context = match compiled {
            Ok(context) => Arc::new(context),
            Err((stage, error)) => {
                let error = at_coordinator(query, stage, error);
                self.fail_before_start(query, error, &delivery);
                return query;
            }
        };
        let stages = graph::summaries(&spec.plan);
        let state = Query {
            context,
            delivery,
            created,
            titles: stages.iter().map(|s| (s.stage, s.title.clone())).collect(),
            tasks: stages.iter().map(|s| s.tasks).sum(),
            results: BTreeMap::new(),
            bytes_read: 0,
            sizes: BlockBytes::new(),
        };
        self.queries.insert(query, state);
        self.faults.bind(query);
        let graph = graph::graph(&spec.plan);
        self.step(Event::QuerySubmitted { query, graph, mode: spec.mode, limits: spec.limits });
        query
    }

    /// Gives a query its number and writes down that it was submitted, and its plan.
    pub(crate) fn announce(&mut self, spec: &QuerySpec) -> QueryId {
        self.last_query += 1;
        let query = QueryId(self.last_query);
        let now = self.now();
        let nodes_up = self.nodes.values().filter(|node| node.life.is_open()).count() as u32;
        let submitted = Record::QuerySubmitted {
            query,
            sql: spec.sql.clone(),
            mode: spec.mode,
            nodes_up,
            nodes: self.nodes.len() as u32,
            paced: !self.tempo.pace().is_zero(),
        };
        self.journal.append(now, submitted);
        self.journal.append(now, Record::QueryPlanned { query, stages: graph::summaries(&spec.plan) });
        query
    }

    /// Ends a query that never started.
    pub(crate) fn fail_before_start(&mut self, query: QueryId, error: QueryError, delivery: &Delivery) {
        let outcome = self.write_failure(query, error);
        delivery.deliver(outcome, self.last_snapshot(query));
    }

    /// Writes down that a query is finished.
    pub(crate) fn write_finish(&mut self, query: QueryId, rows: u64) {
        self.journal.append(self.now(), Record::QueryFinished { query, rows });
    }

    /// Writes down that a query failed, and gives what its user hears.
    pub(crate) fn write_failure(&mut self, query: QueryId, error: QueryError) -> QueryOutcome {
        let Ending { code, message, span } = Ending::of(&error);
        let record = Record::QueryFailed { query, code, message: message.clone(), error: Some(error.clone()) };
        self.journal.append(self.now(), record);
        QueryOutcome::Failed { code, message, span, error }
    }

    /// A timer that the scheduler set is due.
    pub(crate) fn timer(&mut self, timer: Timer) {
        self.step(Event::TimerFired { timer });
    }

    /// The user does not want the answer any more.
    pub(crate) fn cancel(&mut self, query: QueryId) {
        if self.queries.contains_key(&query) {
            self.step(Event::CancelRequested { query });
        }
    }

    /// Sets how long a task lasts at least; running ones included, where time is real.
    pub(crate) fn set_pace(&mut self, pace: std::time::Duration) {
        self.tempo.set_pace(pace);
        self.nodes.values().for_each(|node| node.life.nudge());
    }

    /// Freezes launching and reporting, or lets them go on.
    pub(crate) fn set_paused(&mut self, paused: bool) {
        self.paused = paused;
        self.transport.set_paused(paused);
        if !paused {
            for assignment in std::mem::take(&mut self.held) {
                self.send_launch(assignment);
            }
        }
    }

    /// Ends everything.
    pub(crate) fn shut_down(&mut self) {
        self.shut_down = true;
        for node in self.nodes.values() {
            node.life.close();
        }
        self.transport.shut_down();
    }

    /// Tells the scheduler, performs what it answers, and then lets faults fire whose moment has come.
    fn step(&mut self, event: Event) {
        let now = self.now();
        let mut events = VecDeque::from([event]);
        while let Some(event) = events.pop_front() {
            for action in self.scheduler.step(now, event) {
                events.extend(self.perform(now, action));
            }
        }
        for query in self.queries.keys().copied().collect::<Vec<_>>() {
            self.fire_due(query);
        }
    }

    /// Performs an action; some are answered by an event.
    fn perform(&mut self, now: Time, action: Action) -> Option<Event> {
        match action {
            Action::PlanStage { query, stage } => return self.plan_stage(now, query, stage),
            Action::Launch { attempt, place, inputs } => self.launch(now, attempt, place, inputs),
            Action::StopAttempt { attempt, place } => {
                self.held.retain(|held| held.attempt != attempt);
                self.tell(place, NodeMessage::Stop(attempt));
            }
            Action::DropOutput { task, place } => self.tell(place, NodeMessage::DropOutput(task)),
            Action::DropQuery { query } => {
                self.held.retain(|held| held.attempt.task.query != query);
                for place in self.nodes.values().map(|node| node.life.place).collect::<Vec<_>>() {
                    self.tell(place, NodeMessage::DropQuery(query));
                }
            }
            Action::SetTimer { at, timer } => self.transport.set_timer(at, timer),
            Action::ClearTimer { timer } => self.transport.clear_timer(timer),
            Action::FinishQuery { query } => self.finish(query),
            Action::FailQuery { query, error } => self.fail(query, error),
            Action::Record(record) => {
                self.journal.append(now, record);
            }
        }
        None
    }

    /// Completes the plan of a stage whose inputs are complete.
    fn plan_stage(&mut self, now: Time, query: QueryId, stage: StageId) -> Option<Event> {
        let state = self.queries.get_mut(&query)?;
        let before = state.context.stage(stage)?.run().tasks.count();
        let adaptation = state.context.adapt(stage, &state.sizes);
        let run = state.context.stage(stage)?.run();
        let tasks = run.tasks.count();
        state.tasks = state.tasks + tasks - before;
        let inputs: Vec<StageId> = run.reads.iter().map(|read| read.stage).collect();
        if let Some(Adaptation { title, tables, why }) = adaptation {
            if let Some((_, known)) = state.titles.iter_mut().find(|(id, _)| *id == stage) {
                known.clone_from(&title);
            }
            let inputs = inputs.clone();
            self.journal.append(now, Record::StageAdapted { query, stage, title, inputs, tables, why });
        }
        Some(Event::StagePlanned { query, stage, tasks, inputs })
    }

    fn launch(&mut self, now: Time, attempt: AttemptId, place: Place, inputs: Vec<InputLocations>) {
        self.journal.append(now, Record::AttemptLaunched { attempt, place });
        let Some(query) = self.queries.get(&attempt.task.query) else { return };
        let context = query.context.clone();
        let slow_factor = self.nodes.get(&place.node).and_then(|n| n.slow).map_or(1, |(_, factor)| factor);
        let flaky = self.strike(attempt, place);
        let stop = Arc::new(AtomicBool::new(false));
        let assignment = Assignment { attempt, place, query: context, inputs, flaky, slow_factor, stop };
        if self.paused {
            self.held.push(assignment);
        } else {
            self.send_launch(assignment);
        }
    }

    fn send_launch(&mut self, assignment: Assignment) {
        self.tell(assignment.place, NodeMessage::Launch(assignment));
    }

    /// Sends a message to a life of a node; one that is over does not hear it.
    fn tell(&mut self, place: Place, message: NodeMessage) {
        if let Some(node) = self.nodes.get(&place.node)
            && node.life.place == place
        {
            self.transport.send(&node.life, message);
        }
    }

    fn finish(&mut self, query: QueryId) {
        // A fault for the end of the query still comes before the rows are released.
        self.fire_due(query);
        let Some(state) = self.queries.remove(&query) else { return };
        let blocks: Vec<Arc<Block>> = state.results.into_values().flatten().collect();
        self.write_finish(query, blocks.iter().map(|b| b.rows()).sum());
        self.expire_faults(query);
        state.delivery.deliver(QueryOutcome::Finished { blocks }, self.last_snapshot(query));
    }

    fn fail(&mut self, query: QueryId, error: QueryError) {
        let Some(state) = self.queries.remove(&query) else { return };
        let outcome = self.write_failure(query, error);
        self.expire_faults(query);
        state.delivery.deliver(outcome, self.last_snapshot(query));
    }
}

/// A failure on the coordinator itself, which counts as node 0: the plan did not compile, or a query that needs no node failed.
pub(crate) fn at_coordinator(query: QueryId, stage: StageId, error: crate::journal::TaskError) -> QueryError {
    if error == crate::journal::TaskError::Canceled {
        return QueryError::Canceled;
    }
    let task = TaskId { query, stage, partition: PartitionId(0) };
    QueryError::Task {
        attempt: AttemptId { task, attempt: AttemptNumber(1) },
        place: Place { node: NodeId(0), incarnation: crate::scheduler::Incarnation(1) },
        failures: 1,
        error,
    }
}
