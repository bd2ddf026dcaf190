//! What the shell answers when something is broken or mended.

use crate::cluster::{InjectReply, NodeStatus};
use crate::sql::statement::{FaultKind, FaultSpec, NodeChoice, Trigger};

/// The answer to INJECT when something was done or armed; None when the reply is an error.
pub fn injected(reply: &InjectReply, fault: FaultSpec) -> Option<String> {
    match reply {
        InjectReply::Armed { fault: number } => Some(format!("Fault {number} armed: {}.", armed(fault))),
        InjectReply::Crashed { node, query: Some(query), up, nodes, .. } => {
            Some(format!("{node} is down while {query} runs. {up} of {nodes} workers are left."))
        }
        InjectReply::Crashed { node, query: None, up: 0, .. } => Some(format!(
            "{node} is down. No query was running, so nothing was lost; no worker is left. RESTART ALL; brings them back."
        )),
        InjectReply::Crashed { node, query: None, up, nodes, .. } => Some(format!(
            "{node} is down. No query was running, so nothing was lost; the next query runs on {up} of {nodes} workers. \
             To crash it during a query: INJECT CRASH ON NODE {} AT 50%;",
            node.0
        )),
        InjectReply::Slowed { fault: number, node } => {
            let factor = match fault.kind {
                FaultKind::Slow { factor, .. } => factor,
                FaultKind::Crash { .. } | FaultKind::Flaky { .. } => 1,
            };
            Some(format!(
                "Fault {number}: tasks on {node} take {factor} times as long from now on. HEAL FAULT {number}; ends it."
            ))
        }
        InjectReply::AlreadyDown { .. } | InjectReply::NoSuchNode { .. } => None,
    }
}

/// `worker-2 crashes when half of the next query is done`.
fn armed(fault: FaultSpec) -> String {
    let when = match fault.trigger {
        Trigger::Now => "in the next query".to_string(),
        Trigger::AtPercent(50) => "when half of the next query is done".to_string(),
        Trigger::AtPercent(percent) => format!("when {percent}% of the next query is done"),
        Trigger::InStage { stage, after_tasks: 0 } => format!("when {stage} of the next query starts"),
        Trigger::InStage { stage, after_tasks: 1 } => format!("when 1 task of {stage} of the next query is done"),
        Trigger::InStage { stage, after_tasks } => {
            format!("when {after_tasks} tasks of {stage} of the next query are done")
        }
    };
    match fault.kind {
        FaultKind::Crash { node } => format!("{} crashes {when}", choice(node)),
        FaultKind::Slow { node, factor } => format!("tasks on {} take {factor} times as long {when}", choice(node)),
        FaultKind::Flaky { stage, times } => {
            let of = stage.map_or_else(String::new, |stage| format!(" of {stage}"));
            match times {
                1 => format!("the next task attempt{of} fails {when}, for a passing reason"),
                _ => format!("the next {times} task attempts{of} fail {when}, for a passing reason"),
            }
        }
    }
}

fn choice(node: NodeChoice) -> String {
    match node {
        NodeChoice::Node(node) => node.to_string(),
        NodeChoice::Any => "the worker that would lose most".to_string(),
    }
}

/// A fault for COMPARE's table: `crash worker-2 at 50%`.
pub fn short(fault: FaultSpec) -> String {
    let when = match fault.trigger {
        Trigger::Now => String::new(),
        Trigger::AtPercent(percent) => format!(" at {percent}%"),
        Trigger::InStage { stage, after_tasks } => format!(" in {stage} after {after_tasks}"),
    };
    let name = |node| match node {
        NodeChoice::Node(node) => format!("{node}"),
        NodeChoice::Any => "any worker".to_string(),
    };
    match fault.kind {
        FaultKind::Crash { node } => format!("crash {}{when}", name(node)),
        FaultKind::Slow { node, factor } => format!("slow {} x{factor}{when}", name(node)),
        FaultKind::Flaky { stage: Some(stage), times } => format!("flaky {stage} x{times}{when}"),
        FaultKind::Flaky { stage: None, times } => format!("flaky x{times}{when}"),
    }
}

/// `4 of 4 workers up.`
pub fn workers_up(nodes: &[NodeStatus]) -> String {
    let up = nodes.iter().filter(|node| node.up).count();
    format!("{up} of {} workers up.", nodes.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scheduler::{NodeId, StageId};

    fn crash(trigger: Trigger) -> FaultSpec {
        FaultSpec { kind: FaultKind::Crash { node: NodeChoice::Node(NodeId(2)) }, trigger }
    }

    #[test]
    fn an_armed_fault_says_when_it_fires() {
        let say = |trigger| injected(&InjectReply::Armed { fault: 1 }, crash(trigger)).unwrap();
        assert_eq!(say(Trigger::AtPercent(50)), "Fault 1 armed: worker-2 crashes when half of the next query is done.");
        assert_eq!(
            say(Trigger::InStage { stage: StageId(2), after_tasks: 12 }),
            "Fault 1 armed: worker-2 crashes when 12 tasks of stage 2 of the next query are done."
        );
        assert_eq!(short(crash(Trigger::AtPercent(50))), "crash worker-2 at 50%");
    }

    #[test]
    fn a_crash_between_queries_loses_nothing() {
        let reply = InjectReply::Crashed { fault: 1, node: NodeId(2), query: None, up: 3, nodes: 4 };
        assert_eq!(
            injected(&reply, crash(Trigger::Now)).unwrap(),
            "worker-2 is down. No query was running, so nothing was lost; the next query runs on 3 of 4 workers. \
             To crash it during a query: INJECT CRASH ON NODE 2 AT 50%;"
        );
    }
}
