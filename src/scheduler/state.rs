//! The scheduler: one event in, the actions that follow from it out.

use super::action::{Action, QueryError};
use super::event::{Event, LossCause, Timer};
use super::ids::*;
use super::nodes::Nodes;
use super::query::{Query, Verdict};
use std::collections::BTreeMap;

/// What is known of the nodes and of the running queries. A query that is over leaves nothing behind here.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Scheduler {
    pub(super) nodes: Nodes,
    pub(super) queries: BTreeMap<QueryId, Query>,
    /// The query that was given a slot last; the next slot goes to the one after it.
    pub(super) last_served: Option<QueryId>,
}

impl Scheduler {
    /// No node, no query.
    pub fn new() -> Scheduler {
        Scheduler::default()
    }

    /// Takes note of an event and decides what follows: the actions are to be performed in order, all of them.
    ///
    /// `now` is the cluster time of the event. Two schedulers that were given the same events gave the same actions.
    pub fn step(&mut self, now: Time, event: Event) -> Vec<Action> {
        let mut actions = Vec::new();
        self.apply(now, event, &mut actions);
        self.place_work(&mut actions);
        actions
    }

    fn apply(&mut self, now: Time, event: Event, actions: &mut Vec<Action>) {
        match event {
            Event::NodeJoined { place, slots } => {
                if let Some(ended) = self.nodes.join(place, slots) {
                    self.node_ended(ended, LossCause::Crashed, actions);
                }
            }
            Event::NodeLost { place, cause } => {
                if let Some(ended) = self.nodes.lose(place) {
                    self.node_ended(ended, cause, actions);
                }
            }
            Event::QuerySubmitted { query, graph, mode, limits } => {
                if self.queries.contains_key(&query) {
                    return;
                }
                self.queries.insert(query, Query::new(query, &graph, mode, limits));
                if let Some(limit) = limits.time_us {
                    let at = Time(now.0.saturating_add(limit));
                    actions.push(Action::SetTimer { at, timer: Timer::TimeLimit { query } });
                }
                if self.nodes.any_usable() {
                    self.advance(query, actions, |query, _, actions| query.start(actions));
                } else {
                    self.settle(query, Verdict::Fail(QueryError::NoNodes), actions);
                }
            }
            Event::StagePlanned { query, stage, tasks, inputs } => {
                self.advance(query, actions, |query, nodes, actions| {
                    query.stage_planned(stage, tasks, &inputs, nodes, actions)
                });
            }
            Event::TaskFinished { attempt, place, output } => {
                self.advance(attempt.task.query, actions, |query, nodes, actions| {
                    query.task_finished(attempt, place, output, nodes, actions)
                });
            }
            Event::TaskFailed { attempt, place, error } => {
                self.advance(attempt.task.query, actions, |query, nodes, actions| {
                    query.task_failed(attempt, place, error, nodes, actions)
                });
            }
            Event::FetchFailed { attempt, place, source, from } => {
                self.advance(attempt.task.query, actions, |query, nodes, actions| {
                    query.fetch_failed((attempt, place), (source, from), nodes, actions)
                });
            }
            Event::CancelRequested { query } => {
                if let Some(query) = self.queries.remove(&query) {
                    self.end(query, Err(QueryError::Canceled), actions);
                }
            }
            Event::TimerFired { timer: Timer::TimeLimit { query } } => {
                if let Some(query) = self.queries.remove(&query) {
                    let limit_us = query.time_limit_us().unwrap_or_default();
                    self.end(query, Err(QueryError::TimeLimit { limit_us }), actions);
                }
            }
        }
    }

    /// Lets one query take note of something, and ends it if that is what follows. A query that is over hears nothing.
    fn advance(
        &mut self,
        query: QueryId,
        actions: &mut Vec<Action>,
        change: impl FnOnce(&mut Query, &mut Nodes, &mut Vec<Action>) -> Verdict,
    ) {
        if let Some(state) = self.queries.get_mut(&query) {
            let verdict = change(state, &mut self.nodes, actions);
            self.settle(query, verdict, actions);
        }
    }

    /// A life of a node is over. Every query answers as its mode says; without any node left, all of them fail.
    fn node_ended(&mut self, place: Place, cause: LossCause, actions: &mut Vec<Action>) {
        let running: Vec<QueryId> = self.queries.keys().copied().collect();
        let any_left = self.nodes.any_usable();
        for query in running {
            self.advance(query, actions, |query, _, actions| query.node_lost(place, cause, any_left, actions));
        }
    }

    /// Carries out what one query's change came to.
    fn settle(&mut self, query: QueryId, verdict: Verdict, actions: &mut Vec<Action>) {
        let outcome = match verdict {
            Verdict::Continue => return,
            Verdict::Finish => Ok(()),
            Verdict::Fail(error) => Err(error),
        };
        if let Some(query) = self.queries.remove(&query) {
            // A user error that was already certain is what the user reads, whatever else happened while it waited.
            let outcome = outcome.map_err(|error| query.certain_error().unwrap_or(error));
            self.end(query, outcome, actions);
        }
    }

    /// Ends a query: what still runs is stopped, and nothing of it stays.
    fn end(&mut self, mut query: Query, outcome: Result<(), QueryError>, actions: &mut Vec<Action>) {
        query.stop_attempts(|_| true, &mut self.nodes, actions);
        let limited = query.time_limit_us().is_some();
        let query = query.id;
        if limited {
            actions.push(Action::ClearTimer { timer: Timer::TimeLimit { query } });
        }
        actions.push(match outcome {
            Ok(()) => Action::FinishQuery { query },
            Err(error) => Action::FailQuery { query, error },
        });
        actions.push(Action::DropQuery { query });
    }
}
