//! What was injected: which faults wait for their moment, which have fired, which never will.

use super::contract::{FaultState, FaultStatus};
use crate::scheduler::{QueryId, StageId, Time};
use crate::sql::statement::{FaultKind, FaultSpec, NodeChoice, Trigger};

/// All faults of the session, in order of their numbers.
#[derive(Default)]
pub(crate) struct Faults {
    faults: Vec<Fault>,
}

struct Fault {
    number: u32,
    spec: FaultSpec,
    state: FaultState,
    /// The query whose progress it watches.
    query: Option<QueryId>,
    /// FLAKY only: attempts that are still to fail, once its moment has come.
    flaky_left: Option<u32>,
}

/// How far a query is, for triggers.
pub(crate) trait QueryProgress {
    /// 0 to 1.
    fn progress(&self) -> f64;
    /// Whether the stage has begun, and how many of its tasks are done.
    fn stage(&self, stage: StageId) -> (bool, u32);
}

/// What healing a fault comes to.
pub(crate) enum Healing {
    /// There is no such fault, or nothing about it can be healed.
    Nothing,
    /// It will not fire any more.
    Disarmed,
    /// What it slowed goes at its usual speed again.
    Slow,
}

impl Faults {
    /// Takes in a fault that waits for the next query, or that has just fired.
    pub(crate) fn add(&mut self, spec: FaultSpec, state: FaultState) -> u32 {
        let number = self.faults.len() as u32 + 1;
        self.faults.push(Fault { number, spec, state, query: None, flaky_left: None });
        number
    }

    /// Lets a fault wait for the next query again, whatever became of it.
    pub(crate) fn rearm(&mut self, number: u32) -> Option<FaultSpec> {
        let fault = self.faults.iter_mut().find(|f| f.number == number)?;
        *fault = Fault { number, spec: fault.spec, state: FaultState::Armed, query: None, flaky_left: None };
        Some(fault.spec)
    }

    /// A query starts: faults that wait are its own from now on.
    pub(crate) fn bind(&mut self, query: QueryId) {
        for fault in self.faults.iter_mut().filter(|f| f.state == FaultState::Armed && f.query.is_none()) {
            fault.query = Some(query);
        }
    }

    /// How many wait.
    pub(crate) fn armed(&self) -> usize {
        self.faults.iter().filter(|f| f.state == FaultState::Armed).count()
    }

    /// The faults of a query whose moment has come, in order. A FLAKY one is not among them: it waits for attempts from then on.
    pub(crate) fn due(&mut self, query: QueryId, progress: &impl QueryProgress) -> Vec<(u32, FaultKind)> {
        let mut due = Vec::new();
        for fault in self.faults.iter_mut().filter(|f| f.state == FaultState::Armed && f.query == Some(query)) {
            let now = match fault.spec.trigger {
                Trigger::Now => true,
                Trigger::AtPercent(percent) => progress.progress() * 100.0 + 1e-9 >= f64::from(percent),
                Trigger::InStage { stage, after_tasks } => {
                    let (begun, done) = progress.stage(stage);
                    begun && done >= after_tasks
                }
            };
            match fault.spec.kind {
                _ if !now => {}
                FaultKind::Flaky { times, .. } => {
                    fault.flaky_left.get_or_insert(times);
                }
                kind => due.push((fault.number, kind)),
            }
        }
        due
    }

    /// Whether somebody waits for a moment in this query: without, nothing needs to be looked at.
    pub(crate) fn watches(&self, query: QueryId) -> bool {
        self.faults.iter().any(|f| f.state == FaultState::Armed && f.query == Some(query))
    }

    /// The FLAKY fault that makes the next attempt of this stage fail, and whether it strikes for the first time.
    pub(crate) fn strike(&mut self, query: QueryId, stage: StageId, at: Time) -> Option<(u32, bool)> {
        for fault in self.faults.iter_mut().filter(|f| f.query == Some(query)) {
            let FaultKind::Flaky { stage: only, .. } = fault.spec.kind else { continue };
            let Some(left) = fault.flaky_left.as_mut().filter(|left| **left > 0) else { continue };
            if only.is_none_or(|only| only == stage) {
                *left -= 1;
                let first = fault.state == FaultState::Armed;
                if first {
                    fault.state = FaultState::Fired { query: Some(query), at };
                }
                return Some((fault.number, first));
            }
        }
        None
    }

    pub(crate) fn fired(&mut self, fault: u32, query: Option<QueryId>, at: Time) {
        self.set_state(fault, FaultState::Fired { query, at });
    }

    pub(crate) fn never_fired(&mut self, fault: u32, query: QueryId, why: String) {
        self.set_state(fault, FaultState::NeverFired { query, why });
    }

    /// A query is over: its faults that have not fired, which will not any more.
    pub(crate) fn unfired(&mut self, query: QueryId) -> Vec<(u32, FaultSpec)> {
        for fault in self.faults.iter_mut().filter(|f| f.query == Some(query)) {
            fault.flaky_left = None;
        }
        let unfired = self.faults.iter().filter(|f| f.state == FaultState::Armed && f.query == Some(query));
        unfired.map(|f| (f.number, f.spec)).collect()
    }

    /// Heals one fault. A crash that has happened is not healed but restarted.
    pub(crate) fn heal(&mut self, fault: u32) -> Healing {
        let Some(fault) = self.faults.iter_mut().find(|f| f.number == fault) else { return Healing::Nothing };
        let healing = match (&fault.state, fault.spec.kind) {
            (FaultState::Armed, _) => Healing::Disarmed,
            (FaultState::Fired { .. }, FaultKind::Slow { .. }) => Healing::Slow,
            (FaultState::Fired { .. }, FaultKind::Flaky { .. }) if fault.flaky_left.is_some_and(|left| left > 0) => {
                Healing::Disarmed
            }
            (FaultState::Fired { .. } | FaultState::NeverFired { .. } | FaultState::Healed, _) => Healing::Nothing,
        };
        if !matches!(healing, Healing::Nothing) {
            fault.state = FaultState::Healed;
            fault.flaky_left = None;
        }
        healing
    }

    /// The numbers of all faults.
    pub(crate) fn numbers(&self) -> Vec<u32> {
        self.faults.iter().map(|f| f.number).collect()
    }

    pub(crate) fn statuses(&self) -> Vec<FaultStatus> {
        let status =
            |f: &Fault| FaultStatus { fault: f.number, spec: f.spec, text: describe(&f.spec), state: f.state.clone() };
        self.faults.iter().map(status).collect()
    }

    fn set_state(&mut self, fault: u32, state: FaultState) {
        if let Some(fault) = self.faults.iter_mut().find(|f| f.number == fault) {
            fault.state = state;
        }
    }
}

/// A fault as it would be typed after INJECT: `CRASH ON NODE 2 AT 50%`.
pub fn describe(spec: &FaultSpec) -> String {
    let node = |node: NodeChoice| match node {
        NodeChoice::Node(node) => format!("NODE {}", node.0),
        NodeChoice::Any => "NODE ANY".to_string(),
    };
    let what = match spec.kind {
        FaultKind::Crash { node: choice } => format!("CRASH ON {}", node(choice)),
        FaultKind::Slow { node: choice, factor } => format!("SLOW ON {} BY {factor}", node(choice)),
        FaultKind::Flaky { stage: Some(stage), times } => format!("FLAKY ON STAGE {} TIMES {times}", stage.0),
        FaultKind::Flaky { stage: None, times } => format!("FLAKY TIMES {times}"),
    };
    match spec.trigger {
        Trigger::Now => what,
        Trigger::AtPercent(percent) => format!("{what} AT {percent}%"),
        Trigger::InStage { stage, after_tasks: 0 } => format!("{what} IN STAGE {}", stage.0),
        Trigger::InStage { stage, after_tasks } => format!("{what} IN STAGE {} AFTER {after_tasks} TASKS", stage.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scheduler::NodeId;

    struct At(f64, u32);

    impl QueryProgress for At {
        fn progress(&self) -> f64 {
            self.0
        }

        fn stage(&self, stage: StageId) -> (bool, u32) {
            (stage == StageId(1), self.1)
        }
    }

    fn crash(trigger: Trigger) -> FaultSpec {
        FaultSpec { kind: FaultKind::Crash { node: NodeChoice::Node(NodeId(2)) }, trigger }
    }

    #[test]
    fn a_fault_waits_for_a_query_and_its_moment() {
        let mut faults = Faults::default();
        let half = faults.add(crash(Trigger::AtPercent(50)), FaultState::Armed);
        let in_stage = Trigger::InStage { stage: StageId(1), after_tasks: 3 };
        let third = faults.add(crash(in_stage), FaultState::Armed);
        assert!(faults.due(QueryId(1), &At(1.0, 9)).is_empty(), "not bound to a query yet");
        faults.bind(QueryId(1));
        assert!(faults.due(QueryId(1), &At(0.49, 2)).is_empty());
        let numbers = |due: Vec<(u32, FaultKind)>| due.iter().map(|(n, _)| *n).collect::<Vec<_>>();
        assert_eq!(numbers(faults.due(QueryId(1), &At(0.5, 2))), [half]);
        assert_eq!(numbers(faults.due(QueryId(1), &At(0.1, 3))), [third]);
        faults.fired(half, Some(QueryId(1)), Time(7));
        assert_eq!(faults.unfired(QueryId(1)).iter().map(|(n, _)| *n).collect::<Vec<_>>(), [third]);
    }

    #[test]
    fn flaky_strikes_as_often_as_asked_and_in_its_stage_only() {
        let mut faults = Faults::default();
        let kind = FaultKind::Flaky { stage: Some(StageId(1)), times: 2 };
        let fault = faults.add(FaultSpec { kind, trigger: Trigger::Now }, FaultState::Armed);
        faults.bind(QueryId(1));
        faults.due(QueryId(1), &At(0.0, 0));
        assert_eq!(faults.strike(QueryId(1), StageId(2), Time(1)), None);
        assert_eq!(faults.strike(QueryId(1), StageId(1), Time(1)), Some((fault, true)));
        assert_eq!(faults.strike(QueryId(1), StageId(1), Time(2)), Some((fault, false)));
        assert_eq!(faults.strike(QueryId(1), StageId(1), Time(3)), None);
    }

    #[test]
    fn faults_read_as_they_are_typed() {
        assert_eq!(describe(&crash(Trigger::AtPercent(50))), "CRASH ON NODE 2 AT 50%");
        let in_stage = Trigger::InStage { stage: StageId(1), after_tasks: 3 };
        assert_eq!(describe(&crash(in_stage)), "CRASH ON NODE 2 IN STAGE 1 AFTER 3 TASKS");
    }
}
