//! The deterministic driver: one thread, virtual time. Tasks run one after the other, in the order of their virtual times, and
//! take a time that depends on their data and the seed alone: the same seed gives the same journal, byte for byte.

use super::clock::Tempo;
use super::coordinator::Coordinator;
use super::life::{Life, NodeMessage};
use super::lock;
use super::network::{Endpoint, Link, Network};
use super::task::{self, Assignment, AttemptResult};
use super::transport::Transport;
use crate::kernel::TaskOutput;
use crate::scheduler::event::Timer;
use crate::scheduler::{AttemptId, Place, Time};
use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// What every message takes.
pub(crate) const LINK: Link = Link { cut: false, latency: Duration::from_micros(100), bytes_per_second: None };

/// From the end of a node to the moment when the coordinator sees that the connection is broken.
const NOTICED_AFTER: Duration = Duration::from_millis(2);

/// What is to happen, in order of time.
#[derive(Default)]
pub(crate) struct Agenda {
    now: Time,
    /// By time, then by the order in which they were put here.
    items: BTreeMap<(Time, u64), Item>,
    put: u64,
    /// The driver is busy with an item that it took out.
    working: bool,
    /// While time is played at a pace: a moment, and the virtual time that it stands for.
    anchor: Option<(Instant, Time)>,
}

/// One thing to happen.
enum Item {
    Launch(Arc<Life>, Assignment),
    Done(Arc<Life>, Box<Done>),
    Look,
    Timer(Timer),
}

/// A computed attempt that waits for its time.
struct Done {
    assignment: Assignment,
    result: Result<TaskOutput, AttemptResult>,
    compute_us: u64,
}

impl Agenda {
    fn put(&mut self, at: Time, item: Item) {
        self.put += 1;
        let key = (at.max(self.now), self.put);
        self.items.insert(key, item);
    }

    fn after(&self, delay: Duration) -> Time {
        Time(self.now.0 + delay.as_micros() as u64)
    }

    /// Takes back the launches on `life` that have not arrived: what is told later must not arrive before them.
    fn withdraw(&mut self, life: &Arc<Life>, which: impl Fn(AttemptId) -> bool) {
        self.items.retain(|_, item| match item {
            Item::Launch(to, assignment) => !(Arc::ptr_eq(to, life) && which(assignment.attempt)),
            Item::Done(..) | Item::Look | Item::Timer(_) => true,
        });
    }

    fn next_time(&self) -> Option<Time> {
        self.items.first_key_value().map(|((at, _), _)| *at)
    }

    /// The next item, at whose time it is then.
    fn take(&mut self) -> Option<Item> {
        let ((at, _), item) = self.items.pop_first()?;
        self.now = at;
        self.working = true;
        Some(item)
    }

    /// The virtual time that a watcher has reached: between two events, never past the next one.
    fn shown(&self) -> Time {
        let Some((since, from)) = self.anchor else { return self.now };
        let played = Time(from.0 + since.elapsed().as_micros() as u64).max(self.now);
        self.next_time().map_or(self.now, |next| played.min(next).max(self.now))
    }

    /// How long a watcher still has to wait for the next item.
    fn wait_for_next(&mut self) -> Duration {
        let Some(next) = self.next_time() else { return Duration::ZERO };
        let (since, from) = *self.anchor.get_or_insert((Instant::now(), self.now));
        Duration::from_micros(next.0.saturating_sub(from.0)).saturating_sub(since.elapsed())
    }
}

/// The deterministic driver, as the coordinator uses it.
pub(crate) struct Deterministic {
    agenda: Arc<Mutex<Agenda>>,
    network: Arc<Network>,
}

impl Deterministic {
    pub(crate) fn new(agenda: Arc<Mutex<Agenda>>, network: Arc<Network>) -> Deterministic {
        Deterministic { agenda, network }
    }
}

impl Transport for Deterministic {
    fn now(&self) -> Time {
        lock(&self.agenda).now
    }

    fn shown(&self) -> Time {
        lock(&self.agenda).shown()
    }

    fn catch_up(&mut self) {
        let mut agenda = lock(&self.agenda);
        agenda.now = agenda.shown();
    }

    fn start(&mut self, _life: &Arc<Life>, _slots: u32) {}

    fn send(&mut self, life: &Arc<Life>, message: NodeMessage) {
        let link = self.network.link(Endpoint::Coordinator, Endpoint::Node(life.place.node));
        let Some(delay) = link.delay(0) else { return };
        match message {
            NodeMessage::Launch(assignment) => {
                let mut agenda = lock(&self.agenda);
                let at = agenda.after(delay);
                agenda.put(at, Item::Launch(life.clone(), assignment));
            }
            // Nothing can be seen of the time that these take.
            NodeMessage::Stop(attempt) => {
                lock(&self.agenda).withdraw(life, |launched| launched == attempt);
                life.hear(message);
            }
            NodeMessage::DropQuery(query) => {
                lock(&self.agenda).withdraw(life, |launched| launched.task.query == query);
                life.hear(message);
            }
            NodeMessage::DropOutput(_) => {
                life.hear(message);
            }
        }
    }

    fn closed(&mut self, _life: &Arc<Life>) {
        let mut agenda = lock(&self.agenda);
        let at = agenda.after(NOTICED_AFTER);
        agenda.put(at, Item::Look);
    }

    fn set_timer(&mut self, at: Time, timer: Timer) {
        lock(&self.agenda).put(at, Item::Timer(timer));
    }

    /// Left on the agenda, it would make an idle cluster wait for it.
    fn clear_timer(&mut self, timer: Timer) {
        lock(&self.agenda).items.retain(|_, item| !matches!(item, Item::Timer(other) if *other == timer));
    }

    fn set_paused(&mut self, _paused: bool) {
        let mut agenda = lock(&self.agenda);
        agenda.now = agenda.shown();
        agenda.anchor = None;
    }

    fn is_busy(&self) -> bool {
        let agenda = lock(&self.agenda);
        agenda.working || !agenda.items.is_empty()
    }

    fn shut_down(&mut self) {
        lock(&self.agenda).items.clear();
    }
}

/// What the driver loop works with.
pub(crate) struct Driver {
    pub agenda: Arc<Mutex<Agenda>>,
    pub network: Arc<Network>,
    pub tempo: Arc<Tempo>,
    pub seed: u64,
}

impl Driver {
    /// The driver loop. `changed` is notified whenever somebody did something, and by the loop when the cluster is at rest.
    pub(crate) fn drive(&self, coordinator: &Mutex<Coordinator>, changed: &Condvar) {
        task::own_thread();
        let mut guard = lock(coordinator);
        while !guard.shut_down {
            let idle = guard.paused() || lock(&self.agenda).items.is_empty();
            let playing = guard.has_queries() && !self.tempo.pace().is_zero();
            if idle || !playing {
                lock(&self.agenda).anchor = None;
            }
            if idle {
                changed.notify_all();
                guard = changed.wait(guard).unwrap_or_else(|poisoned| poisoned.into_inner());
                continue;
            }
            if playing {
                let wait = lock(&self.agenda).wait_for_next();
                if !wait.is_zero() {
                    guard = changed.wait_timeout(guard, wait).unwrap_or_else(|poisoned| poisoned.into_inner()).0;
                    continue;
                }
            }
            let item = lock(&self.agenda).take();
            match item {
                None => {}
                Some(Item::Launch(life, assignment)) => {
                    // The kernel runs without the lock: keys still work meanwhile.
                    drop(guard);
                    self.run(life, assignment);
                    guard = lock(coordinator);
                }
                Some(Item::Done(life, done)) => {
                    let Done { assignment, result, compute_us } = *done;
                    if let Some(report) = task::publish(&assignment, &life, result, compute_us) {
                        guard.report(report);
                    }
                }
                Some(Item::Look) => guard.notice_closed(),
                Some(Item::Timer(timer)) => guard.timer(timer),
            }
            lock(&self.agenda).working = false;
        }
    }

    /// Computes an attempt at once and puts its end on the agenda.
    fn run(&self, life: Arc<Life>, assignment: Assignment) {
        let began = lock(&self.agenda).now;
        let Some(assignment) = life.hear(NodeMessage::Launch(assignment)) else { return };
        let computed = task::compute(&assignment, &life, &self.network);
        let work = self.cost(assignment.attempt, &computed.result);
        let lasts = self.tempo.stretch(work + computed.transfer, assignment.slow_factor);
        let lasts = self.vary(assignment.attempt, assignment.place, lasts);
        let link = self.network.link(Endpoint::Node(life.place.node), Endpoint::Coordinator);
        let Some(delay) = link.delay(0) else { return };
        let at = Time(began.0 + (lasts + delay).as_micros() as u64);
        let done = Done { assignment, result: computed.result, compute_us: work.as_micros() as u64 };
        lock(&self.agenda).put(at, Item::Done(life, Box::new(done)));
    }

    /// What an attempt costs on a slot: half a millisecond, 20 rows a microsecond, 1,000 bytes a microsecond in and out. Roughly what the
    /// kernels take on a laptop; what matters is that it depends on the data alone.
    fn cost(&self, attempt: AttemptId, result: &Result<TaskOutput, AttemptResult>) -> Duration {
        let us = match result {
            Ok(output) => {
                let written: u64 = output.blocks.iter().map(|block| block.bytes).sum();
                500 + output.input_rows / 20 + (output.input_bytes + written) / 1000
            }
            Err(_) => 500,
        };
        debug_assert!(attempt.attempt.0 > 0);
        Duration::from_micros(us)
    }

    /// No two attempts take exactly the same time: up to a tenth longer, as the seed says.
    fn vary(&self, attempt: AttemptId, place: Place, lasts: Duration) -> Duration {
        let AttemptId { task, attempt } = attempt;
        let ids = [task.query.0, task.stage.0, task.partition.0, attempt.0, place.node.0, place.incarnation.0];
        let bytes: Vec<u8> = ids.iter().flat_map(|id| id.to_le_bytes()).collect();
        let thousandths = xxh3_64_with_seed(&bytes, self.seed) % 100;
        lasts + Duration::from_micros(lasts.as_micros() as u64 * thousandths / 1000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_come_in_order_of_time_and_then_of_putting() {
        let mut agenda = Agenda::default();
        let timer = |query| Item::Timer(Timer::TimeLimit { query: crate::scheduler::QueryId(query) });
        agenda.put(Time(20), timer(1));
        agenda.put(Time(10), timer(2));
        agenda.put(Time(10), timer(3));
        let mut order = Vec::new();
        while let Some(Item::Timer(Timer::TimeLimit { query })) = agenda.take() {
            order.push((agenda.now.0, query.0));
        }
        assert_eq!(order, [(10, 2), (10, 3), (20, 1)]);
    }

    #[test]
    fn nothing_happens_in_the_past() {
        let mut agenda = Agenda::default();
        agenda.put(Time(20), Item::Look);
        agenda.take();
        agenda.put(Time(10), Item::Look);
        assert_eq!(agenda.next_time(), Some(Time(20)));
    }
}
