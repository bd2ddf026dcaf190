//! Statements that change something: settings, faults, nodes.

use super::result::StatementResult;
use super::{Session, replies};
use crate::cluster::{FaultState, InjectReply};
use crate::journal::ErrorCode;
use crate::scheduler::{NodeId, QueryId};
use crate::sql::statement::FaultSpec;
use crate::sql::{Diagnostic, Span};

impl Session {
    /// Changes a setting and whatever depends on it.
    pub(super) fn apply_setting(&mut self, name: &str, value: &str) -> Result<String, Diagnostic> {
        let before = self.settings.clone();
        let answer = self.settings.set(name, value)?;
        Ok(self.after_setting(&before, answer))
    }

    /// Carries out what changed since `before`, and completes the answer.
    fn after_setting(&mut self, before: &crate::sql::Settings, mut answer: String) -> String {
        if self.settings.pace() != before.pace() {
            self.cluster.set_pace(self.settings.pace());
        }
        if self.settings.today() != before.today() {
            self.clock = self.clock.moved_to(self.settings.today(), self.now(), self.seeded);
        }
        if self.settings.memory_per_node() != before.memory_per_node() {
            answer.push_str(
                "\nThe workers that run already keep theirs: faultlab --set memory_per_node=... starts them with it.",
            );
        }
        answer
    }

    pub(super) fn set(&mut self, name: &str, value: &str, text: &str, span: Span) -> StatementResult {
        match self.apply_setting(name, value) {
            Ok(answer) => StatementResult::done(answer),
            Err(error) => StatementResult::error(error.at(span), text),
        }
    }

    pub(super) fn reset(&mut self, name: Option<&str>, text: &str, span: Span) -> StatementResult {
        let before = self.settings.clone();
        let answer = match name {
            Some(name) => match self.settings.reset(name) {
                Ok(answer) => answer,
                Err(error) => return StatementResult::error(error.at(span), text),
            },
            None => {
                self.settings.reset_all();
                "All settings are back at their defaults.".to_string()
            }
        };
        StatementResult::done(self.after_setting(&before, answer))
    }

    pub(super) fn inject(&mut self, fault: FaultSpec, text: &str, span: Span) -> StatementResult {
        let reply = self.cluster.inject(fault);
        if let Some(answer) = replies::injected(&reply, fault) {
            return StatementResult::done(answer);
        }
        let error = match reply {
            InjectReply::AlreadyDown { node, fault } => {
                let cause = fault.map_or_else(String::new, |fault| format!(" (fault {fault})"));
                Diagnostic::new(ErrorCode::InvalidFault, format!("{node} is already down{cause}"))
                    .hint(format!("RESTART NODE {}; first", node.0))
            }
            InjectReply::NoSuchNode { node, nodes } => no_such_node(node, nodes),
            InjectReply::Armed { .. } | InjectReply::Crashed { .. } | InjectReply::Slowed { .. } => {
                return StatementResult::done("Done.");
            }
        };
        StatementResult::error(error.at(span), text)
    }

    pub(super) fn heal_fault(&mut self, fault: u32, text: &str, span: Span) -> StatementResult {
        if self.cluster.heal(fault) {
            let down = self.cluster.nodes().into_iter().find(|node| !node.up && node.fault == Some(fault));
            let answer = StatementResult::done(format!("Fault {fault} is healed."));
            return match down {
                Some(node) => answer.note(format!("{} stays down: RESTART NODE {};", node.node, node.node.0)),
                None => answer,
            };
        }
        let faults = self.cluster.faults();
        let error = match faults.iter().find(|status| status.fault == fault) {
            Some(status) => Diagnostic::new(
                ErrorCode::InvalidFault,
                match status.state {
                    FaultState::Healed => format!("Fault {fault} is healed already"),
                    FaultState::NeverFired { .. } => format!("Fault {fault} never fired and is disarmed"),
                    FaultState::Armed | FaultState::Fired { .. } => format!("Fault {fault} is over: {}", status.text),
                },
            ),
            None => Diagnostic::new(ErrorCode::InvalidFault, format!("There is no fault {fault}")),
        };
        let hint = match self.cluster.nodes().iter().find(|node| !node.up && node.fault == Some(fault)) {
            Some(node) => format!("RESTART NODE {}; brings {} back", node.node.0, node.node),
            None => "SHOW FAULTS; lists them".to_string(),
        };
        StatementResult::error(error.at(span).hint(hint), text)
    }

    pub(super) fn heal_all(&mut self) -> StatementResult {
        self.cluster.heal_all();
        let down: Vec<String> =
            self.cluster.nodes().iter().filter(|node| !node.up).map(|node| node.node.to_string()).collect();
        let answer = StatementResult::done("No fault is armed or active any more.");
        if down.is_empty() {
            return answer;
        }
        let stays = if down.len() == 1 { "stays" } else { "stay" };
        answer.note(format!("{} {stays} down: RESTART ALL; brings all workers back.", down.join(", ")))
    }

    pub(super) fn restart_node(&mut self, node: NodeId, text: &str, span: Span) -> StatementResult {
        match self.cluster.restart(node) {
            Some(true) => {
                let up = replies::workers_up(&self.cluster.nodes());
                StatementResult::done(format!("{node} is back, with an empty store. {up}"))
            }
            Some(false) => StatementResult::done(format!("{node} is up: nothing to do.")),
            None => StatementResult::error(no_such_node(node, self.nodes_up().1).at(span), text),
        }
    }

    pub(super) fn restart_all(&mut self) -> StatementResult {
        self.cluster.restart_all();
        let up = replies::workers_up(&self.cluster.nodes());
        StatementResult::done(format!("{up} Faults are cleared."))
    }

    pub(super) fn cancel(&mut self, query: QueryId, text: &str) -> StatementResult {
        match self.info(query) {
            Some(info) if info.ended.is_none() => {
                self.cluster.cancel(query);
                StatementResult::done(format!("{query} is canceled."))
            }
            Some(_) => StatementResult::done(format!("{query} is over already.")),
            None => {
                let error = Diagnostic::new(ErrorCode::InvalidArguments, format!("There is no {query}"));
                StatementResult::error(error.hint("SHOW QUERIES; lists them"), text)
            }
        }
    }
}

fn no_such_node(node: NodeId, nodes: u32) -> Diagnostic {
    let which = if nodes == 1 { "there is node 1 only".to_string() } else { format!("there are nodes 1 to {nodes}") };
    Diagnostic::new(ErrorCode::NodeNotFound, format!("There is no {node}")).hint(which)
}
