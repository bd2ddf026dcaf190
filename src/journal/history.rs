//! The journal, folded: what happened to each query, node and fault. Footers, COMPARE, EXPLAIN LINEAGE, `\why` and the
//! system tables read these instead of the entries.

use super::record::{StageSummary, Usage};
use super::{Entry, ErrorCode, Record, TaskError};
use crate::scheduler::action::QueryError;
use crate::scheduler::event::{LossCause, OutputSummary};
use crate::scheduler::graph::Mode;
use crate::scheduler::ids::*;
use std::collections::{BTreeMap, BTreeSet};

/// Everything that the journal says, by subject. Grows by one entry at a time.
#[derive(Debug, Clone, Default)]
pub struct History {
    queries: BTreeMap<QueryId, QueryInfo>,
    nodes: BTreeMap<Place, NodeInfo>,
    faults: BTreeMap<u32, FaultInfo>,
}

/// Where a query is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueryState {
    Running,
    Finished,
    Failed,
}

/// One query, from its submission on.
#[derive(Debug, Clone, PartialEq)]
pub struct QueryInfo {
    pub query: QueryId,
    pub sql: String,
    pub state: QueryState,
    pub mode: Mode,
    /// Nodes that were up when it started, of how many.
    pub nodes_up: u32,
    pub nodes: u32,
    /// A pace was set when it started: its times are not the engine's.
    pub paced: bool,
    pub created: Time,
    /// The first launch; None for a query that needed no node.
    pub started: Option<Time>,
    pub ended: Option<Time>,
    /// Rows of the answer, once it is finished.
    pub rows: Option<u64>,
    pub failure: Option<QueryFailure>,
    pub stages: Vec<StageInfo>,
    pub attempts: BTreeMap<AttemptId, AttemptInfo>,
    /// Faults that fired while it ran, in order.
    pub faults: Vec<FiredFault>,
    /// Faults that waited for a moment in this query that never came, and why.
    pub faults_expired: Vec<(u32, String)>,
    /// Nodes that were lost while it ran, in order.
    pub lost_nodes: Vec<LostNode>,
    /// Finished outputs that went with nodes, in order.
    pub losses: Vec<OutputLoss>,
    /// Outputs that were computed again, in order.
    pub recomputed: Vec<Recomputation>,
    /// Running or failed tasks that were started again, in order.
    pub restarted: Vec<Restart>,
    /// Stages that were complete again, in order.
    pub recovered: Vec<(StageId, Time)>,
    /// Bytes that stages put out for later stages.
    pub bytes_exchanged: u64,
    /// The most that stored outputs and one finishing task held at the same time, over all nodes.
    pub peak_memory_bytes: u64,
    /// Bytes of outputs that nodes hold now, by the task that made them.
    stored: BTreeMap<TaskId, (Place, u64)>,
}

/// Why a query failed.
#[derive(Debug, Clone, PartialEq)]
pub struct QueryFailure {
    pub code: ErrorCode,
    pub message: String,
    pub error: Option<QueryError>,
}

/// A stage and how far it came.
#[derive(Debug, Clone, PartialEq)]
pub struct StageInfo {
    pub summary: StageSummary,
    /// Why it did not run as it was planned, if so.
    pub adapted: Option<String>,
    pub launched: Option<Time>,
    /// The last time that it became complete.
    pub completed: Option<Time>,
    /// Partitions that were ever done.
    pub done: BTreeSet<PartitionId>,
    /// Of first finished attempts only: recomputation does not count twice.
    pub rows: u64,
    pub bytes: u64,
}

/// One attempt.
#[derive(Debug, Clone, PartialEq)]
pub struct AttemptInfo {
    pub attempt: AttemptId,
    pub place: Place,
    pub launched: Time,
    pub ended: Option<Time>,
    pub state: AttemptState,
    /// Once it finished.
    pub output: Option<OutputSummary>,
    pub usage: Usage,
    /// Once it failed.
    pub error: Option<TaskError>,
}

/// How an attempt stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttemptState {
    Running,
    Finished,
    /// Finished, and its output went with its node when it was still needed.
    OutputLost,
    Failed,
    /// It could not read an input.
    FetchFailed,
    /// Its node was lost, or it was stopped.
    Lost,
}

/// One life of a node.
#[derive(Debug, Clone, PartialEq)]
pub struct NodeInfo {
    pub place: Place,
    pub slots: u32,
    pub joined: Time,
    pub lost: Option<LostNode>,
    pub attempts_finished: u64,
}

/// How a node was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LostNode {
    pub place: Place,
    pub at: Time,
    pub cause: LossCause,
    pub fault: Option<u32>,
    pub noticed_after_us: u64,
}

/// Finished outputs of one stage that went with one node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputLoss {
    pub at: Time,
    pub stage: StageId,
    pub place: Place,
    pub needed: Vec<PartitionId>,
    pub not_needed: Vec<PartitionId>,
    /// Outputs of the stage that other nodes still held.
    pub kept: u32,
}

/// Tasks that run again because their outputs were lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recomputation {
    pub at: Time,
    pub stage: StageId,
    pub tasks: Vec<PartitionId>,
    pub needed_by: StageId,
    pub because: Place,
}

/// Tasks that start again because they were running on a lost node, or failed for a passing reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restart {
    pub at: Time,
    pub stage: StageId,
    pub tasks: Vec<PartitionId>,
}

/// A fault that fired in a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FiredFault {
    pub fault: u32,
    pub at: Time,
    /// What it did: `worker-2 crashed`.
    pub text: String,
    /// Tasks of the query that were done by then, of how many.
    pub done: u32,
    pub tasks: u32,
}

/// A fault and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FaultInfo {
    pub fault: u32,
    /// As it was typed, or what it did if it was never armed.
    pub text: String,
    /// `armed`, `fired`, `never fired`, `healed`.
    pub state: &'static str,
    pub query: Option<QueryId>,
    /// Of the last change.
    pub at: Time,
    /// What it did, or why it did nothing.
    pub note: Option<String>,
}

impl History {
    /// The query of that number.
    pub fn query(&self, query: QueryId) -> Option<&QueryInfo> {
        self.queries.get(&query)
    }

    /// Every query, oldest first.
    pub fn queries(&self) -> impl DoubleEndedIterator<Item = &QueryInfo> {
        self.queries.values()
    }

    /// Every life of every node, in order of node and life.
    pub fn nodes(&self) -> impl Iterator<Item = &NodeInfo> {
        self.nodes.values()
    }

    /// Every fault, oldest first.
    pub fn faults(&self) -> impl Iterator<Item = &FaultInfo> {
        self.faults.values()
    }

    /// Takes in the next entry.
    pub fn add(&mut self, entry: &Entry) {
        let at = entry.at;
        match &entry.record {
            Record::NodeJoined { place, slots } => {
                let node = NodeInfo { place: *place, slots: *slots, joined: at, lost: None, attempts_finished: 0 };
                self.nodes.insert(*place, node);
            }
            Record::NodeLost { place, cause, fault, noticed_after_us } => {
                let lost =
                    LostNode { place: *place, at, cause: *cause, fault: *fault, noticed_after_us: *noticed_after_us };
                if let Some(node) = self.nodes.get_mut(place) {
                    node.lost = Some(lost);
                }
                for query in self.queries.values_mut().rev().filter(|q| q.state == QueryState::Running) {
                    query.lost_nodes.push(lost);
                }
            }
            Record::QuerySubmitted { query, sql, mode, nodes_up, nodes, paced } => {
                let info = QueryInfo::new(*query, sql.clone(), *mode, *nodes_up, *nodes, *paced, at);
                self.queries.insert(*query, info);
            }
            Record::FaultArmed { fault, text } => {
                let info = FaultInfo { fault: *fault, text: text.clone(), state: "armed", query: None, at, note: None };
                self.faults.insert(*fault, info);
            }
            Record::FaultFired { fault, query, text, done, tasks } => {
                self.change_fault(*fault, "fired", *query, at, Some(text.clone()));
                if let Some(info) = query.and_then(|q| self.queries.get_mut(&q)) {
                    let fired = FiredFault { fault: *fault, at, text: text.clone(), done: *done, tasks: *tasks };
                    info.faults.push(fired);
                }
            }
            Record::FaultExpired { fault, query, why } => {
                self.change_fault(*fault, "never fired", Some(*query), at, Some(why.clone()));
                if let Some(info) = self.queries.get_mut(query) {
                    info.faults_expired.push((*fault, why.clone()));
                }
            }
            Record::FaultHealed { fault } => {
                let query = self.faults.get(fault).and_then(|f| f.query);
                self.change_fault(*fault, "healed", query, at, None);
            }
            Record::AttemptLaunched { attempt, .. }
            | Record::AttemptFinished { attempt, .. }
            | Record::AttemptFailed { attempt, .. }
            | Record::AttemptLost { attempt, .. }
            | Record::FetchFailed { attempt, .. } => {
                if let Record::AttemptFinished { place, .. } = &entry.record
                    && let Some(node) = self.nodes.get_mut(place)
                {
                    node.attempts_finished += 1;
                }
                if let Some(query) = self.queries.get_mut(&attempt.task.query) {
                    query.add_attempt_record(at, &entry.record);
                }
            }
            Record::QueryPlanned { query, .. }
            | Record::StagePlanned { query, .. }
            | Record::StageAdapted { query, .. }
            | Record::StageCompleted { query, .. }
            | Record::QueryFinished { query, .. }
            | Record::QueryFailed { query, .. }
            | Record::OutputsLost { query, .. }
            | Record::Recompute { query, .. }
            | Record::Restart { query, .. }
            | Record::Recovered { query, .. } => {
                if let Some(query) = self.queries.get_mut(query) {
                    query.add_query_record(at, &entry.record);
                }
            }
        }
    }

    fn change_fault(
        &mut self,
        fault: u32,
        state: &'static str,
        query: Option<QueryId>,
        at: Time,
        note: Option<String>,
    ) {
        let info = self.faults.entry(fault).or_insert_with(|| FaultInfo {
            fault,
            text: note.clone().unwrap_or_default(),
            state,
            query,
            at,
            note: None,
        });
        info.state = state;
        info.query = query.or(info.query);
        info.at = at;
        info.note = note.or(info.note.take());
    }
}

impl QueryInfo {
    fn new(
        query: QueryId,
        sql: String,
        mode: Mode,
        nodes_up: u32,
        nodes: u32,
        paced: bool,
        created: Time,
    ) -> QueryInfo {
        QueryInfo {
            query,
            sql,
            state: QueryState::Running,
            mode,
            nodes_up,
            nodes,
            paced,
            created,
            started: None,
            ended: None,
            rows: None,
            failure: None,
            stages: Vec::new(),
            attempts: BTreeMap::new(),
            faults: Vec::new(),
            faults_expired: Vec::new(),
            lost_nodes: Vec::new(),
            losses: Vec::new(),
            recomputed: Vec::new(),
            restarted: Vec::new(),
            recovered: Vec::new(),
            bytes_exchanged: 0,
            peak_memory_bytes: 0,
            stored: BTreeMap::new(),
        }
    }

    /// How long it has run, up to `now` if it still runs; in microseconds of cluster time.
    pub fn elapsed_us(&self, now: Time) -> u64 {
        self.ended.unwrap_or(now).0.saturating_sub(self.created.0)
    }

    /// Tasks of all planned stages.
    pub fn tasks(&self) -> u32 {
        self.stages.iter().map(|s| s.summary.tasks).sum()
    }

    /// Tasks that were ever done; one that ran twice counts once.
    pub fn tasks_done(&self) -> u32 {
        self.stages.iter().map(|s| s.done.len() as u32).sum()
    }

    /// Attempts that finished, those whose output was lost afterwards included.
    pub fn attempts_finished(&self) -> u32 {
        let finished = |a: &&AttemptInfo| matches!(a.state, AttemptState::Finished | AttemptState::OutputLost);
        self.attempts.values().filter(finished).count() as u32
    }

    /// Launches beyond the first one of each task.
    pub fn again(&self) -> u32 {
        let tasks: BTreeSet<TaskId> = self.attempts.keys().map(|a| a.task).collect();
        (self.attempts.len() - tasks.len()) as u32
    }

    /// Finished outputs that were lost when somebody still needed them.
    pub fn lost_needed(&self) -> u32 {
        self.losses.iter().map(|l| l.needed.len() as u32).sum()
    }

    /// Finished outputs that were lost when nobody needed them any more.
    pub fn lost_not_needed(&self) -> u32 {
        self.losses.iter().map(|l| l.not_needed.len() as u32).sum()
    }

    /// Tasks that were run again because their output was lost.
    pub fn tasks_recomputed(&self) -> u32 {
        self.recomputed.iter().map(|r| r.tasks.len() as u32).sum()
    }

    /// Tasks that were started again because they were running on a lost node or failed for a passing reason.
    pub fn tasks_restarted(&self) -> u32 {
        self.restarted.iter().map(|r| r.tasks.len() as u32).sum()
    }

    /// Finished outputs that survived the last loss.
    pub fn kept(&self) -> u32 {
        match self.losses.last() {
            Some(last) => self.losses.iter().filter(|l| l.place == last.place).map(|l| l.kept).sum(),
            None => 0,
        }
    }

    /// Attempts that were running on lost nodes.
    pub fn attempts_lost(&self) -> u32 {
        self.attempts.values().filter(|a| a.state == AttemptState::Lost).count() as u32
    }

    /// Time that attempts took on slots, all added up, in microseconds of cluster time (pace and slowness included).
    pub fn task_us(&self, now: Time) -> u64 {
        self.attempts.values().map(|a| a.duration_us(now)).sum()
    }

    /// The part of [`QueryInfo::task_us`] that came to nothing: attempts that were lost or failed, and outputs that had to be
    /// computed again; all of it if the query failed.
    pub fn thrown_away_us(&self, now: Time) -> u64 {
        let useless = |a: &&AttemptInfo| {
            self.state == QueryState::Failed || !matches!(a.state, AttemptState::Finished | AttemptState::Running)
        };
        self.attempts.values().filter(useless).map(|a| a.duration_us(now)).sum()
    }

    /// Whether something was lost or failed on the way, and it finished all the same.
    pub fn recovered_from_failure(&self) -> bool {
        self.state == QueryState::Finished && (self.again() > 0 || !self.lost_nodes.is_empty())
    }

    fn stage_mut(&mut self, stage: StageId) -> Option<&mut StageInfo> {
        self.stages.iter_mut().find(|s| s.summary.stage == stage)
    }

    fn add_query_record(&mut self, at: Time, record: &Record) {
        match record {
            Record::QueryPlanned { stages, .. } => {
                let info = |summary: &StageSummary| StageInfo {
                    summary: summary.clone(),
                    adapted: None,
                    launched: None,
                    completed: None,
                    done: BTreeSet::new(),
                    rows: 0,
                    bytes: 0,
                };
                self.stages = stages.iter().map(info).collect();
            }
            Record::StageAdapted { stage, title, inputs, tables, why, .. } => {
                if let Some(info) = self.stage_mut(*stage) {
                    info.summary.title.clone_from(title);
                    info.summary.inputs.clone_from(inputs);
                    info.summary.tables.clone_from(tables);
                    info.adapted = Some(why.clone());
                }
            }
            Record::StagePlanned { stage, tasks, .. } => {
                if let Some(info) = self.stage_mut(*stage) {
                    info.summary.tasks = *tasks;
                }
            }
            Record::StageCompleted { stage, .. } => {
                if let Some(info) = self.stage_mut(*stage) {
                    info.completed = Some(at);
                }
                if self.mode == Mode::Abort {
                    self.forget_read_outputs();
                }
            }
            Record::QueryFinished { rows, .. } => {
                self.state = QueryState::Finished;
                self.rows = Some(*rows);
                self.end(at);
            }
            Record::QueryFailed { code, message, error, .. } => {
                self.state = QueryState::Failed;
                self.failure = Some(QueryFailure { code: *code, message: message.clone(), error: error.clone() });
                self.end(at);
            }
            Record::OutputsLost { stage, place, needed, not_needed, .. } => {
                for attempt in self.attempts.values_mut() {
                    let task = attempt.attempt.task;
                    if attempt.place == *place && attempt.state == AttemptState::Finished && task.stage == *stage {
                        if needed.contains(&task.partition) {
                            attempt.state = AttemptState::OutputLost;
                        }
                        self.stored.remove(&task);
                    }
                }
                let kept = self.stored.keys().filter(|t| t.stage == *stage).count() as u32;
                self.losses.push(OutputLoss {
                    at,
                    stage: *stage,
                    place: *place,
                    needed: needed.clone(),
                    not_needed: not_needed.clone(),
                    kept,
                });
            }
            Record::Recompute { stage, tasks, needed_by, because, .. } => self.recomputed.push(Recomputation {
                at,
                stage: *stage,
                tasks: tasks.clone(),
                needed_by: *needed_by,
                because: *because,
            }),
            Record::Restart { stage, tasks, .. } => {
                self.restarted.push(Restart { at, stage: *stage, tasks: tasks.clone() });
            }
            Record::Recovered { stage, .. } => self.recovered.push((*stage, at)),
            // Everything else is handled by `History::add` itself.
            _ => {}
        }
    }

    fn add_attempt_record(&mut self, at: Time, record: &Record) {
        match record {
            Record::AttemptLaunched { attempt, place } => {
                self.started.get_or_insert(at);
                if let Some(stage) = self.stage_mut(attempt.task.stage) {
                    stage.launched.get_or_insert(at);
                }
                let info = AttemptInfo {
                    attempt: *attempt,
                    place: *place,
                    launched: at,
                    ended: None,
                    state: AttemptState::Running,
                    output: None,
                    usage: Usage::default(),
                    error: None,
                };
                self.attempts.insert(*attempt, info);
            }
            Record::AttemptFinished { attempt, place, output, usage } => {
                self.end_attempt(*attempt, at, AttemptState::Finished);
                if let Some(info) = self.attempts.get_mut(attempt) {
                    info.output = Some(*output);
                    info.usage = *usage;
                }
                let is_result = self.stages.last().is_some_and(|s| s.summary.stage == attempt.task.stage);
                if !is_result {
                    self.bytes_exchanged += output.bytes;
                    self.stored.insert(attempt.task, (*place, output.bytes));
                }
                let held: u64 = self.stored.values().map(|(_, bytes)| bytes).sum();
                let working = usage.peak_memory_bytes.saturating_sub(if is_result { 0 } else { output.bytes });
                self.peak_memory_bytes = self.peak_memory_bytes.max(held + working);
                if let Some(stage) = self.stage_mut(attempt.task.stage)
                    && stage.done.insert(attempt.task.partition)
                {
                    stage.rows += output.rows;
                    stage.bytes += output.bytes;
                }
            }
            Record::AttemptFailed { attempt, error, .. } => {
                self.end_attempt(*attempt, at, AttemptState::Failed);
                if let Some(info) = self.attempts.get_mut(attempt) {
                    info.error = Some(error.clone());
                }
            }
            Record::AttemptLost { attempt, .. } => self.end_attempt(*attempt, at, AttemptState::Lost),
            Record::FetchFailed { attempt, .. } => self.end_attempt(*attempt, at, AttemptState::FetchFailed),
            // Everything else is handled by `History::add` itself.
            _ => {}
        }
    }

    /// The first end of an attempt is its end.
    fn end_attempt(&mut self, attempt: AttemptId, at: Time, state: AttemptState) {
        if let Some(info) = self.attempts.get_mut(&attempt)
            && info.state == AttemptState::Running
        {
            info.state = state;
            info.ended = Some(at);
        }
    }

    /// What still ran when the query ended was stopped.
    fn end(&mut self, at: Time) {
        self.ended = Some(at);
        self.stored.clear();
        for attempt in self.attempts.values_mut().filter(|a| a.state == AttemptState::Running) {
            attempt.state = AttemptState::Lost;
            attempt.ended = Some(at);
        }
    }

    /// In `abort`, an output is dropped when everybody who reads it is complete.
    fn forget_read_outputs(&mut self) {
        let unread: BTreeSet<StageId> = self
            .stages
            .iter()
            .filter(|s| s.completed.is_none())
            .flat_map(|s| s.summary.inputs.iter().copied())
            .collect();
        self.stored.retain(|task, _| unread.contains(&task.stage));
    }
}

impl AttemptInfo {
    /// From launch to end, or to `now`, in microseconds of cluster time.
    pub fn duration_us(&self, now: Time) -> u64 {
        self.ended.unwrap_or(now).0.saturating_sub(self.launched.0)
    }
}
