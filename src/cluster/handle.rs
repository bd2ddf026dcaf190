//! What the shell holds: the cluster, and a query that runs on it.

use super::clock::Tempo;
use super::contract::*;
use super::coordinator::{Coordinator, at_coordinator};
use super::deterministic::{self, Agenda, Deterministic, Driver};
use super::local;
use super::lock;
use super::mailbox::Mailbox;
use super::network::{Link, Network};
use super::query::{Delivery, QueryContext};
use super::threads::{self, Threads};
use super::transport::Transport;
use crate::journal::{Journal, TaskError};
use crate::scheduler::{NodeId, QueryId, Time};
use crate::sql::statement::FaultSpec;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

/// A running cluster. A clone is another handle on the same one; when the last handle is gone, its threads end.
#[derive(Clone)]
pub struct Cluster {
    shared: Arc<Shared>,
    /// Ends the threads; they hold `shared`, not this.
    _owner: Arc<Owner>,
}

struct Shared {
    coordinator: Mutex<Coordinator>,
    /// Somebody outside did something; or the cluster came to rest.
    changed: Condvar,
    tempo: Arc<Tempo>,
    /// Stop flags of the queries that run on no node.
    local: Mutex<BTreeMap<QueryId, Arc<AtomicBool>>>,
}

struct Owner(Arc<Shared>);

impl Drop for Owner {
    fn drop(&mut self) {
        lock(&self.0.coordinator).shut_down();
        self.0.changed.notify_all();
    }
}

impl Cluster {
    /// Starts all nodes and the driver. What happens is written to `journal`.
    pub fn start(config: ClusterConfig, journal: Journal) -> Cluster {
        let tempo = Arc::new(Tempo::default());
        match config.driver {
            DriverKind::Threads => {
                let network = Arc::new(Network::new(Link::default()));
                let inbox = Mailbox::new();
                let transport = Threads::new(network.clone(), tempo.clone(), inbox.clone());
                let shared = Shared::new(config, journal, network, tempo, Box::new(transport));
                let driven = shared.clone();
                threads::spawn("coordinator", move || threads::drive(&driven.coordinator, &driven.changed, &inbox));
                Cluster::of(shared)
            }
            DriverKind::Deterministic { seed } => {
                let network = Arc::new(Network::new(deterministic::LINK));
                let agenda: Arc<Mutex<Agenda>> = Arc::default();
                let transport = Deterministic::new(agenda.clone(), network.clone());
                let driver = Driver { agenda, network: network.clone(), tempo: tempo.clone(), seed };
                let shared = Shared::new(config, journal, network, tempo, Box::new(transport));
                let driven = shared.clone();
                threads::spawn("coordinator", move || driver.drive(&driven.coordinator, &driven.changed));
                Cluster::of(shared)
            }
        }
    }

    fn of(shared: Arc<Shared>) -> Cluster {
        Cluster { _owner: Arc::new(Owner(shared.clone())), shared }
    }

    /// Starts a query; it is over when [`RunningQuery::wait`] says so. A plan that does not compile fails at once.
    pub fn submit(&self, spec: QuerySpec) -> RunningQuery {
        let delivery = Arc::new(Delivery::default());
        let compiled = QueryContext::compile(&spec.plan, spec.clock);
        let query = if spec.on_nodes {
            self.act(|coordinator| coordinator.submit(&spec, compiled, delivery.clone()))
        } else {
            self.submit_local(spec, compiled, &delivery)
        };
        RunningQuery { query, delivery, cluster: self.clone() }
    }

    fn submit_local(
        &self,
        spec: QuerySpec,
        compiled: Result<QueryContext, (crate::scheduler::StageId, TaskError)>,
        delivery: &Arc<Delivery>,
    ) -> QueryId {
        let query = self.act(|coordinator| coordinator.announce(&spec));
        let context = match compiled {
            Ok(context) => context,
            Err((stage, error)) => {
                let error = at_coordinator(query, stage, error);
                self.act(|coordinator| coordinator.fail_before_start(query, error, delivery));
                return query;
            }
        };
        let stop = Arc::new(AtomicBool::new(false));
        lock(&self.shared.local).insert(query, stop.clone());
        let (shared, delivery) = (self.shared.clone(), delivery.clone());
        threads::spawn("local", move || {
            let result = local::run(&spec, &context, &stop);
            lock(&shared.local).remove(&query);
            let mut coordinator = lock(&shared.coordinator);
            let outcome = match result {
                _ if stop.load(Ordering::Relaxed) => {
                    coordinator.write_failure(query, crate::scheduler::action::QueryError::Canceled)
                }
                Ok(blocks) => {
                    coordinator.write_finish(query, blocks.iter().map(|block| block.rows()).sum());
                    QueryOutcome::Finished { blocks }
                }
                Err((stage, error)) => coordinator.write_failure(query, at_coordinator(query, stage, error)),
            };
            let last = coordinator.last_snapshot(query);
            drop(coordinator);
            delivery.deliver(outcome, last);
        });
        query
    }

    /// Arms a fault for the next query that runs on nodes, or lets it happen now.
    pub fn inject(&self, spec: FaultSpec) -> InjectReply {
        self.act(|coordinator| coordinator.inject(spec))
    }

    /// Arms a fault of that number once more, whatever became of it: COMPARE runs every mode under the same faults.
    pub fn rearm(&self, fault: u32) {
        self.act(|coordinator| coordinator.rearm(fault));
    }

    /// Takes a fault back. False if there is none of that number, or nothing about it can be healed: a crashed node is restarted.
    pub fn heal(&self, fault: u32) -> bool {
        self.act(|coordinator| coordinator.heal(fault))
    }

    /// Takes all faults back that can be.
    pub fn heal_all(&self) {
        self.act(Coordinator::heal_all);
    }

    /// Brings a node back in a new life. None: there is no such node; false: it was up.
    pub fn restart(&self, node: NodeId) -> Option<bool> {
        self.act(|coordinator| coordinator.restart(node))
    }

    /// Brings all nodes back and clears all faults.
    pub fn restart_all(&self) {
        self.act(Coordinator::restart_all);
    }

    /// Every node as it is now, in order of number.
    pub fn nodes(&self) -> Vec<NodeStatus> {
        lock(&self.shared.coordinator).node_statuses()
    }

    /// Every fault of the session, in order of number.
    pub fn faults(&self) -> Vec<FaultStatus> {
        lock(&self.shared.coordinator).fault_statuses()
    }

    /// How many faults wait.
    pub fn armed(&self) -> usize {
        lock(&self.shared.coordinator).armed()
    }

    /// How long a task lasts at least; 0 is full speed.
    pub fn set_pace(&self, pace: Duration) {
        self.act(|coordinator| coordinator.set_pace(pace));
    }

    pub fn pace(&self) -> Duration {
        self.shared.tempo.pace()
    }

    /// Freezes launching and reporting, and cluster time with them; or lets them go on. Faults can be injected meanwhile.
    pub fn set_paused(&self, paused: bool) {
        self.act(|coordinator| coordinator.set_paused(paused));
    }

    /// Whether it is frozen.
    pub fn paused(&self) -> bool {
        lock(&self.shared.coordinator).paused()
    }

    /// Ends a query without an answer. One that is over, or never was, is left alone.
    pub fn cancel(&self, query: QueryId) {
        if let Some(stop) = lock(&self.shared.local).get(&query) {
            stop.store(true, Ordering::Relaxed);
        }
        self.act(|coordinator| coordinator.cancel(query));
    }

    /// Cluster time, as it is seen to pass.
    pub fn now(&self) -> Time {
        lock(&self.shared.coordinator).shown()
    }

    /// Does something to the cluster and lets the driver know. With virtual time, what is still under way after a query comes to rest first:
    /// when the next thing happens must not depend on how fast this thread is.
    fn act<T>(&self, act: impl FnOnce(&mut Coordinator) -> T) -> T {
        let mut coordinator = lock(&self.shared.coordinator);
        while !coordinator.at_rest() {
            coordinator = self.shared.changed.wait(coordinator).unwrap_or_else(|poisoned| poisoned.into_inner());
        }
        coordinator.catch_up();
        let result = act(&mut coordinator);
        drop(coordinator);
        self.shared.changed.notify_all();
        result
    }
}

impl Shared {
    fn new(
        config: ClusterConfig,
        journal: Journal,
        network: Arc<Network>,
        tempo: Arc<Tempo>,
        transport: Box<dyn Transport>,
    ) -> Arc<Shared> {
        let coordinator = Coordinator::new(config, journal, network, tempo.clone(), transport);
        Arc::new(Shared {
            coordinator: Mutex::new(coordinator),
            changed: Condvar::new(),
            tempo,
            local: Mutex::default(),
        })
    }

    fn coordinator(&self) -> MutexGuard<'_, Coordinator> {
        lock(&self.coordinator)
    }
}

/// A query that was submitted.
pub struct RunningQuery {
    query: QueryId,
    delivery: Arc<Delivery>,
    cluster: Cluster,
}

impl RunningQuery {
    /// Its number.
    pub fn id(&self) -> QueryId {
        self.query
    }

    /// How far it is; once it is over, how far it came.
    pub fn snapshot(&self) -> QuerySnapshot {
        if let Some(last) = self.delivery.last_snapshot() {
            return last;
        }
        let coordinator = self.cluster.shared.coordinator();
        coordinator.snapshot(self.query).unwrap_or_else(|| coordinator.last_snapshot(self.query))
    }

    /// How it ended, or None if it did not within `timeout`.
    pub fn wait_for(&self, timeout: Duration) -> Option<QueryOutcome> {
        self.delivery.wait(Some(timeout))
    }

    /// How it ended; waits as long as it takes.
    pub fn wait(&self) -> QueryOutcome {
        loop {
            if let Some(outcome) = self.delivery.wait(None) {
                return outcome;
            }
        }
    }
}
