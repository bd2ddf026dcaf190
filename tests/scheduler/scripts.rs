//! Golden scripts: a line that starts with `>` is an event, the lines below it are the actions that followed.
//!
//! `UPDATE_SCRIPTS=1 cargo test --release --test scheduler` writes the actions anew; read the difference before it is kept.
//!
//! - `> nodes 3 slots 2`: worker-1 to worker-3 join. `> join 2`: worker-2 comes back, in its next life.
//! - `> lose 2`: worker-2 crashed.
//! - `> query 1 recompute: 1 x2, 2 x1 <- 1`: a query whose stage 1 has 2 tasks and stage 2 has 1 that reads stage 1; `all 1`
//!   where every task reads everything. `plan stage` is answered at once.
//! - `> finish 1.2.0`: the running attempt of query 1, stage 2, partition 0 reports success. `> finish 1.2.0#1 on 2/1`: a
//!   report given in full, which may be old. `checksum N` at the end gives another checksum than usual.
//! - `> fail 1.2.0 passing`: it fails, for a reason that is `passing`, `resource`, `bug` or `user`.
//! - `> fetch 1.2.0 of 1.1.1`: it could not read the output of 1.1.1 where it had been told to look.
//! - `> cancel 1`: the user cancels query 1. `> query 1 recompute within 500: ...` may run for 500 us; `> overtime 1` is the end of it.

use crate::shape::Shape;
use faultlab::journal::{ErrorCode, TaskError};
use faultlab::scheduler::action::InputLocations;
use faultlab::scheduler::event::{LossCause, OutputSummary, Timer};
use faultlab::scheduler::graph::{Limits, Mode};
use faultlab::scheduler::{
    Action, AttemptId, AttemptNumber, Event, Incarnation, NodeId, PartitionId, Place, QueryId, Scheduler, StageId,
    TaskId, Time,
};
use std::collections::BTreeMap;
use std::path::Path;

#[test]
fn scripts() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scheduler/scripts");
    let update = std::env::var_os("UPDATE_SCRIPTS").is_some();
    let mut files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty());
    for file in files {
        let written = std::fs::read_to_string(&file).unwrap();
        let played = Player::default().play(&written);
        if update {
            std::fs::write(&file, &played).unwrap();
        } else {
            let name = file.file_name().unwrap().to_string_lossy();
            assert!(written == played, "{name} plays differently now:\n{played}");
        }
    }
}

/// Plays a script: knows where attempts run and how many tasks stages have, so that scripts need not repeat it.
#[derive(Default)]
struct Player {
    scheduler: Scheduler,
    shapes: BTreeMap<QueryId, Shape>,
    lives: BTreeMap<NodeId, Incarnation>,
    running: BTreeMap<TaskId, (AttemptId, Place, Vec<InputLocations>)>,
    clock: u64,
}

impl Player {
    /// The script with the actions that follow now.
    fn play(&mut self, script: &str) -> String {
        let mut played = String::new();
        for line in script.lines() {
            if let Some(command) = line.strip_prefix("> ") {
                played += &format!("{line}\n");
                for event in self.events(command) {
                    self.step(event, &mut played);
                }
            } else if line.is_empty() || line.starts_with('#') {
                played += &format!("{line}\n");
            }
        }
        played
    }

    fn step(&mut self, event: Event, played: &mut String) {
        self.clock += 1000;
        let actions = self.scheduler.step(Time(self.clock), event);
        let mut answers = Vec::new();
        for action in actions {
            *played += &format!("  {action}\n");
            match action {
                Action::PlanStage { query, stage } => {
                    let shape = &self.shapes[&query];
                    let (tasks, inputs) = (shape.tasks_of(stage), shape.inputs_of(stage));
                    answers.push(Event::StagePlanned { query, stage, tasks, inputs });
                }
                Action::Launch { attempt, place, inputs } => {
                    self.running.insert(attempt.task, (attempt, place, inputs));
                }
                _ => {}
            }
        }
        for answer in answers {
            self.step(answer, played);
        }
    }

    fn events(&mut self, command: &str) -> Vec<Event> {
        let (verb, rest) = command.split_once(' ').unwrap_or((command, ""));
        let words: Vec<&str> = rest.split_whitespace().collect();
        match (verb, words.as_slice()) {
            ("nodes", [count, rest @ ..]) => {
                let slots = if let ["slots", slots] = rest { number(slots) } else { 1 };
                (1..=number(count)).map(|node| self.join(NodeId(node), slots)).collect()
            }
            ("join", [node]) => vec![self.join(NodeId(number(node)), 1)],
            ("lose", [node]) => {
                let node = NodeId(number(node));
                let place = Place { node, incarnation: self.lives[&node] };
                vec![Event::NodeLost { place, cause: LossCause::Crashed }]
            }
            ("query", _) => {
                let (head, shape) = rest.split_once(": ").unwrap();
                let (query, mode) = head.split_once(' ').unwrap();
                let (query, shape) = (QueryId(number(query)), Shape::parse(shape));
                let (mode, time_us) = match mode.split_once(" within ") {
                    Some((mode, limit)) => (mode, Some(number(limit).into())),
                    None => (mode, None),
                };
                let mode = if mode == "abort" { Mode::Abort } else { Mode::Recompute };
                let graph = shape.graph.clone();
                self.shapes.insert(query, shape);
                vec![Event::QuerySubmitted { query, graph, mode, limits: Limits { time_us, ..Limits::default() } }]
            }
            ("finish", [task, rest @ ..]) => {
                let (attempt, place) = self.attempt(task, rest);
                let checksum = match rest {
                    [.., "checksum", checksum] => number(checksum).into(),
                    _ => 7,
                };
                vec![Event::TaskFinished { attempt, place, output: OutputSummary { rows: 1, bytes: 8, checksum } }]
            }
            ("fail", [task, kind, rest @ ..]) => {
                let (attempt, place) = self.attempt(task, rest);
                vec![Event::TaskFailed { attempt, place, error: error(kind, attempt.task) }]
            }
            ("fetch", [task, "of", source, rest @ ..]) => {
                let (attempt, place) = self.attempt(task, rest);
                let source = task_id(source);
                let inputs = &self.running[&attempt.task].2;
                let input = inputs.iter().find(|input| input.stage == source.stage).unwrap();
                let from = input.outputs[source.partition.0 as usize].place;
                vec![Event::FetchFailed { attempt, place, source, from }]
            }
            ("overtime", [query]) => {
                vec![Event::TimerFired { timer: Timer::TimeLimit { query: QueryId(number(query)) } }]
            }
            ("cancel", [query]) => vec![Event::CancelRequested { query: QueryId(number(query)) }],
            _ => panic!("no such command: {command}"),
        }
    }

    fn join(&mut self, node: NodeId, slots: u32) -> Event {
        let life = self.lives.entry(node).or_insert(Incarnation(0));
        life.0 += 1;
        Event::NodeJoined { place: Place { node, incarnation: *life }, slots }
    }

    /// `1.2.0` is the newest attempt, wherever it runs; `1.2.0#1 on 2/1` is that one.
    fn attempt(&self, task: &str, rest: &[&str]) -> (AttemptId, Place) {
        match (task.split_once('#'), rest) {
            (Some((task, attempt)), ["on", place, ..]) => {
                let (node, life) = place.split_once('/').unwrap();
                let attempt = AttemptId { task: task_id(task), attempt: AttemptNumber(number(attempt)) };
                (attempt, Place { node: NodeId(number(node)), incarnation: Incarnation(number(life)) })
            }
            _ => {
                let (attempt, place, _) = &self.running[&task_id(task)];
                (*attempt, *place)
            }
        }
    }
}

fn number(text: &str) -> u32 {
    text.parse().unwrap_or_else(|_| panic!("not a number: {text}"))
}

fn task_id(text: &str) -> TaskId {
    let parts: Vec<u32> = text.split('.').map(number).collect();
    TaskId { query: QueryId(parts[0]), stage: StageId(parts[1]), partition: PartitionId(parts[2]) }
}

fn error(kind: &str, task: TaskId) -> TaskError {
    match kind {
        "passing" => TaskError::Passing { message: "connection reset".into() },
        "resource" => TaskError::Resource { code: ErrorCode::ExceededLocalMemoryLimit, message: "no memory".into() },
        "bug" => TaskError::bug("index out of bounds"),
        "user" => TaskError::user(ErrorCode::DivisionByZero, format!("division by zero in {task}")),
        _ => panic!("no such kind of failure: {kind}"),
    }
}
