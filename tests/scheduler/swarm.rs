//! Large random cases under random faults: first nothing may go wrong, then the faults stop and every query must end.

use crate::shape::Shape;
use crate::world::{Choice, Fault, Setting, World};
use faultlab::scheduler::QueryId;
use faultlab::scheduler::graph::Mode;
use std::collections::{BTreeMap, BTreeSet};

/// Random numbers from a seed (splitmix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// 0 to `end` - 1.
    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }
}

#[test]
fn swarm() {
    for seed in 0..200 {
        let mut random = Random(seed);
        let setting = random_setting(&mut random);
        if let Err(what) = run(&setting, &mut random) {
            panic!("seed {seed}: {what}\n{setting:#?}");
        }
    }
}

fn random_setting(random: &mut Random) -> Setting {
    let queries = 1 + random.below(3) as u32;
    let shapes: BTreeMap<QueryId, Shape> =
        (1..=queries).map(|query| (QueryId(query), Shape::parse(&random_shape(random)))).collect();
    let mode = if random.below(4) == 0 { Mode::Abort } else { Mode::Recompute };
    let (nodes, slots) = (2 + random.below(7) as u32, 1 + random.below(3) as u32);
    let mut kinds: Vec<Fault> = Fault::ALL.into_iter().filter(|_| random.below(3) > 0).collect();
    if random.below(4) > 0 {
        kinds.retain(|kind| *kind != Fault::Cancel);
    }
    let faults = 3 + random.below(40) as u32;
    Setting { shapes, mode, nodes, slots, faults, kinds, bad: BTreeSet::new(), tamper: None }
}

/// Up to 7 stages of up to 12 tasks; every stage but the last is read by some later one.
fn random_shape(random: &mut Random) -> String {
    let stages = 2 + random.below(6);
    let mut inputs: Vec<BTreeSet<usize>> = vec![BTreeSet::new(); stages];
    for stage in 0..stages - 1 {
        inputs[stage + 1 + random.below(stages - 1 - stage)].insert(stage + 1);
        if random.below(4) == 0 {
            inputs[stage + 1 + random.below(stages - 1 - stage)].insert(stage + 1);
        }
    }
    let text = inputs.iter().enumerate().map(|(stage, inputs)| {
        let mut read = |input: &usize| if random.below(8) == 0 { format!("({input})") } else { input.to_string() };
        let reads: Vec<String> = inputs.iter().map(&mut read).collect();
        let arrow = if reads.is_empty() { "" } else { " <- " };
        format!("{} x{}{arrow}{}", stage + 1, random.below(13), reads.join(" + "))
    });
    text.collect::<Vec<String>>().join(", ")
}

fn run(setting: &Setting, random: &mut Random) -> Result<(), String> {
    let mut world = World::start(setting)?;
    let mut progress: BTreeMap<QueryId, f64> = BTreeMap::new();
    let fault_steps = random.below(600);
    for step in 0..100_000 {
        if step == fault_steps {
            world.stop_faults();
        }
        let choices = world.choices(setting);
        let (faults, work): (Vec<Choice>, Vec<Choice>) = choices.into_iter().partition(Choice::is_fault);
        let strike = !faults.is_empty() && (work.is_empty() || random.below(12) == 0);
        let options = if strike { faults } else { work };
        if options.is_empty() {
            let over = world.is_over(setting) && world.is_empty();
            return if over { Ok(()) } else { Err(format!("nothing can happen any more after {step} steps")) };
        }
        let choice = &options[random.below(options.len())];
        world.apply(setting, choice).map_err(|what| format!("{what}, after {step} steps, by {choice:?}"))?;
        for &query in setting.shapes.keys() {
            let Some(now) = world.progress(query) else { continue };
            let before = progress.insert(query, now).unwrap_or(0.0);
            if now < before || now > 1.0 {
                return Err(format!("progress of {query} goes from {before} to {now}"));
            }
        }
    }
    Err("it does not end".into())
}
