//! Every interleaving of small cases. A state that was seen before is not looked at again, so the search ends.

use crate::shape::Shape;
use crate::world::{Choice, Fault, Setting, Tamper, World};
use faultlab::scheduler::graph::Mode;
use faultlab::scheduler::{PartitionId, QueryId, StageId, TaskId};
use std::collections::{BTreeSet, HashSet};
use std::hash::{Hash, Hasher};

/// What was found wrong, after how many states, and how to get there.
struct Violation {
    what: String,
    states: usize,
    path: Vec<Choice>,
}

/// Looks at every state that can be reached; gives their number.
fn explore(setting: &Setting) -> Result<usize, Violation> {
    let mut seen = HashSet::new();
    let start = World::start(setting).map_err(|what| Violation { what, states: 0, path: vec![] })?;
    let mut path = vec![];
    let mut stack = vec![(start.choices(setting).into_iter(), start)];
    while let Some((choices, world)) = stack.last_mut() {
        let Some(choice) = choices.next() else {
            stack.pop();
            path.pop();
            continue;
        };
        let mut next = world.clone();
        let applied = next.apply(setting, &choice);
        path.push(choice);
        if applied.is_ok() && !seen.insert(fingerprint(&next)) {
            path.pop();
            continue;
        }
        let choices = next.choices(setting);
        if let Err(what) = applied.and_then(|()| check_end(setting, &next, &choices)) {
            return Err(Violation { what, states: seen.len(), path });
        }
        stack.push((choices.into_iter(), next));
    }
    Ok(seen.len())
}

/// When nothing can happen any more but faults, every query must be over; and when they are, nothing of them is left.
fn check_end(setting: &Setting, world: &World, choices: &[Choice]) -> Result<(), String> {
    if world.is_over(setting) {
        return if world.is_empty() { Ok(()) } else { Err("all queries are over and something is left".into()) };
    }
    let goes_on = choices.iter().any(|choice| !choice.is_fault());
    if goes_on { Ok(()) } else { Err("nothing can happen any more and a query is not over".into()) }
}

fn fingerprint(world: &World) -> u64 {
    let mut hasher = Folding(0x9e37_79b9_7f4a_7c15);
    world.hash(&mut hasher);
    hasher.finish()
}

/// A quick hash by folded multiplication; the standard one takes most of the search's time.
struct Folding(u64);

impl Hasher for Folding {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.write_u64(u64::from_le_bytes(word));
        }
    }

    fn write_u64(&mut self, word: u64) {
        let product = u128::from(self.0 ^ word) * 0xe703_7ed1_a0b4_28db;
        self.0 = (product >> 64) as u64 ^ product as u64 ^ 0xa076_1d64_78bd_642f;
    }

    fn write_u32(&mut self, word: u32) {
        self.write_u64(word.into());
    }

    fn write_u8(&mut self, byte: u8) {
        self.write_u64(byte.into());
    }

    fn write_usize(&mut self, word: usize) {
        self.write_u64(word as u64);
    }

    fn write_isize(&mut self, word: isize) {
        self.write_u64(word as u64);
    }
}

fn setting(mode: Mode, shapes: &[&str], nodes: u32, faults: u32) -> Setting {
    let queries = (1..).map(QueryId).zip(shapes.iter().map(|shape| Shape::parse(shape)));
    let (shapes, kinds) = (queries.collect(), Fault::ALL.to_vec());
    Setting { shapes, mode, nodes, slots: 1, faults, kinds, bad: BTreeSet::new(), tamper: None }
}

/// Explores a case, and tells the way to what is wrong with it.
fn check(setting: &Setting) {
    match explore(setting) {
        Ok(states) => println!("{} nodes, {} faults, {}: {states} states", setting.nodes, setting.faults, setting.mode),
        Err(Violation { what, states, path }) => {
            let path: Vec<String> = path.iter().map(|choice| format!("  {choice:?}\n")).collect();
            panic!("{what}, after {states} states:\n{}", path.concat());
        }
    }
}

const AGGREGATE: &str = "1 x2, 2 x2 <- 1, 3 x1 <- all 2";
const JOIN: &str = "1 x2, 2 x2, 3 x2 <- 1 + 2, 4 x1 <- all 3";
const BROADCAST: &str = "1 x1, 2 x2 <- all 1, 3 x1 <- all 2";
const SHARED: &str = "1 x1, 2 x1 <- 1, 3 x1 <- 1 + all 2";

#[test]
fn aggregate_recompute() {
    check(&setting(Mode::Recompute, &[AGGREGATE], 2, 2));
    let mut three_faults = setting(Mode::Recompute, &[AGGREGATE], 2, 3);
    three_faults.kinds = vec![Fault::Crash, Fault::Cut, Fault::Rejoin, Fault::FailedTask, Fault::FailedFetch];
    check(&three_faults);
}

#[test]
fn aggregate_abort() {
    check(&setting(Mode::Abort, &[AGGREGATE], 2, 3));
}

#[test]
fn aggregate_on_three_nodes() {
    check(&setting(Mode::Recompute, &[AGGREGATE], 3, 2));
}

#[test]
fn join_recompute() {
    let mut two_faults = setting(Mode::Recompute, &[JOIN], 2, 2);
    two_faults.kinds = vec![Fault::Crash, Fault::Cut, Fault::Rejoin, Fault::FailedFetch];
    check(&two_faults);
    check(&setting(Mode::Recompute, &[JOIN], 3, 1));
}

#[test]
fn join_abort() {
    check(&setting(Mode::Abort, &[JOIN], 2, 2));
}

#[test]
fn broadcast_recompute() {
    check(&setting(Mode::Recompute, &[BROADCAST], 2, 3));
}

#[test]
fn shared_output_recompute() {
    check(&setting(Mode::Recompute, &[SHARED], 2, 3));
}

#[test]
fn a_join_that_becomes_a_broadcast() {
    let late = "1 x2, 2 x0 <- (1), 3 x2 <- all 1 + (2), 4 x1 <- all 3";
    check(&setting(Mode::Recompute, &[late], 2, 2));
    check(&setting(Mode::Abort, &[late], 2, 2));
}

#[test]
fn a_join_that_does_not_become_a_broadcast() {
    let late = "1 x1, 2 x1, 3 x1 <- all 1 + (2), 4 x1 <- 2 + 3 + (1)";
    check(&setting(Mode::Recompute, &[late], 2, 2));
    check(&setting(Mode::Abort, &[late], 2, 2));
}

#[test]
fn two_queries() {
    check(&setting(Mode::Recompute, &["1 x2, 2 x1 <- all 1", "1 x1, 2 x1 <- 1"], 2, 1));
}

#[test]
fn empty_stages() {
    check(&setting(Mode::Recompute, &["1 x0, 2 x1, 3 x2 <- 1 + 2, 4 x0 <- 3"], 2, 2));
}

#[test]
fn user_errors_are_the_lowest() {
    for mode in [Mode::Abort, Mode::Recompute] {
        let mut setting = setting(mode, &["1 x3, 2 x1, 3 x2 <- 1 + all 2"], 2, 1);
        setting.kinds = vec![Fault::Crash, Fault::Cut, Fault::Rejoin, Fault::FailedFetch, Fault::Twice];
        let task =
            |stage, partition| TaskId { query: QueryId(1), stage: StageId(stage), partition: PartitionId(partition) };
        setting.bad = [task(1, 1), task(1, 2), task(2, 0)].into();
        check(&setting);
    }
}

/// Bugs made on purpose are found, with few faults.
fn check_finds(tamper: Tamper) {
    for faults in 0..=3 {
        let mut setting = setting(Mode::Recompute, &[AGGREGATE], 2, faults);
        setting.tamper = Some(tamper);
        if let Err(Violation { what, states, .. }) = explore(&setting) {
            println!("{tamper:?} found with {faults} faults after {states} states: {what}");
            return;
        }
    }
    panic!("{tamper:?} was not found");
}

#[test]
fn finds_kept_outputs_of_a_lost_node() {
    check_finds(Tamper::KeepLostOutputs);
}

#[test]
fn finds_accepted_stale_attempts() {
    check_finds(Tamper::AcceptStaleAttempts);
}

#[test]
fn finds_an_ignored_empty_pool() {
    check_finds(Tamper::IgnoreEmptyPool);
}
