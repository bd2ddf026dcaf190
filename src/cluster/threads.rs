//! The real driver: a thread for the coordinator, and for each node a service thread and its slots.

use super::clock::{Clock, Tempo};
use super::coordinator::Coordinator;
use super::life::{Life, NodeMessage};
use super::lock;
use super::mailbox::{Mailbox, Received};
use super::network::{Endpoint, Network};
use super::task::{self, Assignment, Report};
use super::transport::Transport;
use crate::scheduler::event::Timer;
use crate::scheduler::{Place, Time};
use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

/// Deep expressions are evaluated recursively; the memory is only taken when it is used.
pub(crate) const STACK_BYTES: usize = 256 << 20;

/// What reaches the coordinator.
pub(crate) enum CoordinatorMessage {
    Report(Report),
    Timer(Timer),
    /// A connection broke: look.
    Look,
}

/// The threads driver, as the coordinator uses it.
pub(crate) struct Threads {
    clock: Arc<Clock>,
    network: Arc<Network>,
    tempo: Arc<Tempo>,
    inbox: Mailbox<CoordinatorMessage>,
    mailboxes: BTreeMap<Place, Mailbox<NodeMessage>>,
}

impl Threads {
    pub(crate) fn new(network: Arc<Network>, tempo: Arc<Tempo>, inbox: Mailbox<CoordinatorMessage>) -> Threads {
        Threads { clock: Arc::new(Clock::new()), network, tempo, inbox, mailboxes: BTreeMap::new() }
    }
}

impl Transport for Threads {
    fn now(&self) -> Time {
        self.clock.now()
    }

    fn shown(&self) -> Time {
        self.clock.now()
    }

    fn catch_up(&mut self) {}

    fn start(&mut self, life: &Arc<Life>, slots: u32) {
        let mailbox = Mailbox::new();
        self.mailboxes.insert(life.place, mailbox.clone());
        let work = Mailbox::new();
        let name = life.place.node.to_string();
        spawn(&name, {
            let (life, work) = (life.clone(), work.clone());
            move || serve(&life, &mailbox, &work)
        });
        for slot in 1..=slots {
            let slot_thread = Slot {
                life: life.clone(),
                work: work.clone(),
                network: self.network.clone(),
                tempo: self.tempo.clone(),
                inbox: self.inbox.clone(),
            };
            spawn(&format!("{name}/slot-{slot}"), move || slot_thread.run());
        }
    }

    fn send(&mut self, life: &Arc<Life>, message: NodeMessage) {
        let link = self.network.link(Endpoint::Coordinator, Endpoint::Node(life.place.node));
        if let Some(delay) = link.delay(0)
            && let Some(mailbox) = self.mailboxes.get(&life.place)
        {
            mailbox.send(message, delay);
        }
    }

    fn closed(&mut self, life: &Arc<Life>) {
        if let Some(mailbox) = self.mailboxes.remove(&life.place) {
            mailbox.close();
        }
        self.inbox.send(CoordinatorMessage::Look, Duration::ZERO);
    }

    fn set_timer(&mut self, at: Time, timer: Timer) {
        let delay = Duration::from_micros(at.0.saturating_sub(self.now().0));
        self.inbox.send(CoordinatorMessage::Timer(timer), delay);
    }

    /// It may fire late: the scheduler ignores the timer of a query that is over.
    fn clear_timer(&mut self, _timer: Timer) {}

    fn set_paused(&mut self, paused: bool) {
        self.clock.set_paused(paused);
    }

    fn is_busy(&self) -> bool {
        false
    }

    fn shut_down(&mut self) {
        self.inbox.close();
        self.mailboxes.values().for_each(Mailbox::close);
    }
}

/// The driver loop: one message at a time; while the cluster is paused, messages wait.
pub(crate) fn drive(coordinator: &Mutex<Coordinator>, resumed: &Condvar, inbox: &Mailbox<CoordinatorMessage>) {
    while let Received::Message(message) = inbox.receive(None) {
        let mut coordinator = lock(coordinator);
        while coordinator.paused() && !coordinator.shut_down {
            coordinator = resumed.wait(coordinator).unwrap_or_else(|poisoned| poisoned.into_inner());
        }
        coordinator.notice_closed();
        match message {
            CoordinatorMessage::Report(report) => coordinator.report(report),
            CoordinatorMessage::Timer(timer) => coordinator.timer(timer),
            CoordinatorMessage::Look => {}
        }
        // The next message finds what this one broke.
        coordinator.notice_closed();
    }
}

/// A node's service thread: hears messages while the slots compute, until the mailbox is closed.
fn serve(life: &Life, mailbox: &Mailbox<NodeMessage>, work: &Mailbox<Assignment>) {
    while let Received::Message(message) = mailbox.receive(None) {
        if let Some(assignment) = life.hear(message) {
            work.send(assignment, Duration::ZERO);
        }
    }
    work.close();
}

/// A slot: runs one attempt after the other, on its own thread and no other.
struct Slot {
    life: Arc<Life>,
    work: Mailbox<Assignment>,
    network: Arc<Network>,
    tempo: Arc<Tempo>,
    inbox: Mailbox<CoordinatorMessage>,
}

impl Slot {
    fn run(self) {
        task::own_thread();
        while let Received::Message(assignment) = self.work.receive(None) {
            self.attempt(&assignment);
        }
    }

    fn attempt(&self, assignment: &Assignment) {
        let began = Instant::now();
        let computed = task::compute(assignment, &self.life, &self.network);
        let compute = began.elapsed();
        let work = compute + computed.transfer;
        self.life.linger(&assignment.stop, began, work, &self.tempo, assignment.slow_factor);
        let report = task::publish(assignment, &self.life, computed.result, compute.as_micros() as u64);
        let link = self.network.link(Endpoint::Node(self.life.place.node), Endpoint::Coordinator);
        if let (Some(report), Some(delay)) = (report, link.delay(0)) {
            self.inbox.send(CoordinatorMessage::Report(report), delay);
        }
    }
}

/// Starts a thread. Without threads there is no cluster: running out of them ends the process, as running out of memory does.
pub(crate) fn spawn(name: &str, run: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new().name(name.to_string()).stack_size(STACK_BYTES);
    thread.spawn(run).expect("the system can start a thread");
}
