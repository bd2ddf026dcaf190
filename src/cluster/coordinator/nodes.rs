//! The coordinator's nodes: starting, killing, noticing that one is gone, restarting.

use super::Coordinator;
use crate::cluster::contract::NodeStatus;
use crate::cluster::life::Life;
use crate::journal::Record;
use crate::scheduler::event::{Event, LossCause};
use crate::scheduler::{Incarnation, NodeId, Place, QueryId, Time};
use std::sync::Arc;

/// A node: its present life, and what remains of earlier ones.
pub(super) struct Node {
    pub(super) life: Arc<Life>,
    /// Earlier lives in which something still computes.
    past: Vec<Arc<Life>>,
    /// The fault that slows it down, and how much.
    pub(super) slow: Option<(u32, u32)>,
    /// How its last life ended; None while nothing ever happened to it.
    pub(super) death: Option<Death>,
}

/// The end of a life.
pub(super) struct Death {
    at: Time,
    pub(super) fault: Option<u32>,
    query: Option<QueryId>,
    outputs: u64,
    /// Whether the coordinator knows.
    noticed: bool,
}

impl Coordinator {
    /// Starts a node in its next life and tells the scheduler.
    pub(super) fn start_node(&mut self, node: NodeId) {
        let incarnation = self.nodes.get(&node).map_or(1, |n| n.life.place.incarnation.0 + 1);
        let place = Place { node, incarnation: Incarnation(incarnation) };
        let life = Arc::new(Life::new(place));
        match self.nodes.get_mut(&node) {
            Some(known) => {
                let ended = std::mem::replace(&mut known.life, life.clone());
                known.past.push(ended);
                known.past.retain(|life| life.computing_now() > 0);
            }
            None => {
                self.nodes.insert(node, Node { life: life.clone(), past: Vec::new(), slow: None, death: None });
            }
        }
        self.network.connect(life.clone());
        self.transport.start(&life, self.config.slots);
        let slots = self.config.slots;
        self.journal.append(self.now(), Record::NodeJoined { place, slots });
        self.step(Event::NodeJoined { place, slots });
    }

    /// Kills a node at once. The coordinator does not know yet: it notices when it looks at the connection.
    pub(super) fn kill(&mut self, node: NodeId, fault: u32, query: Option<QueryId>) {
        let at = self.now();
        let Some(node) = self.nodes.get_mut(&node) else { return };
        let outputs = node.life.close();
        node.death = Some(Death { at, fault: Some(fault), query, outputs, noticed: false });
        let life = node.life.clone();
        self.transport.closed(&life);
    }

    /// Looks at the connections: a node whose mailbox is closed is lost.
    pub(crate) fn notice_closed(&mut self) {
        let now = self.now();
        let mut lost = Vec::new();
        for node in self.nodes.values_mut().filter(|node| !node.life.is_open()) {
            if let Some(death) = node.death.as_mut().filter(|death| !death.noticed) {
                death.noticed = true;
                lost.push((node.life.place, death.fault, now.0.saturating_sub(death.at.0)));
            }
        }
        for (place, fault, noticed_after_us) in lost {
            self.held.retain(|held| held.place != place);
            let cause = LossCause::Crashed;
            self.journal.append(now, Record::NodeLost { place, cause, fault, noticed_after_us });
            self.step(Event::NodeLost { place, cause });
        }
    }

    /// Brings a node back in a new life. None: there is no such node; false: it was up.
    pub(crate) fn restart(&mut self, node: NodeId) -> Option<bool> {
        if self.nodes.get(&node)?.life.is_open() {
            return Some(false);
        }
        self.notice_closed();
        self.start_node(node);
        Some(true)
    }

    /// Brings all nodes back and clears all faults.
    pub(crate) fn restart_all(&mut self) {
        self.heal_all();
        for node in self.nodes.keys().copied().collect::<Vec<_>>() {
            self.restart(node);
        }
    }

    /// Every node, for people.
    pub(crate) fn node_statuses(&self) -> Vec<NodeStatus> {
        self.nodes.values().map(|node| self.status(node)).collect()
    }

    fn status(&self, node: &Node) -> NodeStatus {
        let up = node.life.is_open();
        let (outputs, memory_bytes) = node.life.kept();
        let mut orphans: u32 = node.past.iter().map(|life| life.computing_now()).sum();
        if !up {
            orphans += node.life.computing_now();
        }
        NodeStatus {
            node: node.life.place.node,
            incarnation: node.life.place.incarnation,
            up,
            slots: self.config.slots,
            running: node.life.running(),
            outputs,
            memory_bytes,
            memory_limit_bytes: self.config.memory_per_node,
            orphans,
            slow_factor: node.slow.map(|(_, factor)| factor),
            fault: node.death.as_ref().filter(|_| !up).and_then(|death| death.fault),
            lost: node.death.as_ref().map(|death| (death.at, death.query, death.outputs)),
        }
    }
}
