//! The nodes that are known, in their present lives, and their free slots.

use super::ids::*;
use std::collections::BTreeMap;

/// Every node that ever joined, by id.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct Nodes(BTreeMap<NodeId, Node>);

/// One node in the newest life that was heard of.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Node {
    incarnation: Incarnation,
    up: bool,
    slots: u32,
    running: u32,
}

impl Nodes {
    /// A node begins a life. Gives the older life that must have ended, when that was not known yet; None when there was
    /// none, or when the news is itself old.
    pub(super) fn join(&mut self, place: Place, slots: u32) -> Option<Place> {
        let known = self.0.get(&place.node);
        if known.is_some_and(|node| node.incarnation >= place.incarnation) {
            return None;
        }
        let ended = known.filter(|node| node.up).map(|node| Place { incarnation: node.incarnation, ..place });
        self.0.insert(place.node, Node { incarnation: place.incarnation, up: true, slots, running: 0 });
        ended
    }

    /// A life ends. Gives the life that was taken for present, when that is not over yet: the same one, or an older one
    /// whose end was missed. None when the news is old.
    pub(super) fn lose(&mut self, place: Place) -> Option<Place> {
        let known = self.0.get(&place.node);
        if known.is_some_and(|node| node.incarnation > place.incarnation) {
            return None;
        }
        let ended = known.filter(|node| node.up).map(|node| Place { incarnation: node.incarnation, ..place });
        self.0.insert(place.node, Node { incarnation: place.incarnation, up: false, slots: 0, running: 0 });
        ended
    }

    /// Whether any node could ever run something.
    pub(super) fn any_usable(&self) -> bool {
        self.0.values().any(|node| node.up && node.slots > 0)
    }

    /// The nodes with a free slot, with the number of attempts that run there.
    pub(super) fn with_free_slot(&self) -> impl Iterator<Item = (Place, u32)> + '_ {
        self.0
            .iter()
            .filter(|(_, node)| node.up && node.running < node.slots)
            .map(|(&id, node)| (Place { node: id, incarnation: node.incarnation }, node.running))
    }

    /// An attempt takes a slot.
    pub(super) fn occupy(&mut self, place: Place) {
        if let Some(node) = self.present(place) {
            node.running += 1;
        }
    }

    /// An attempt is over; in a past life there is nothing left to free.
    pub(super) fn release(&mut self, place: Place) {
        if let Some(node) = self.present(place) {
            node.running -= 1;
        }
    }

    fn present(&mut self, place: Place) -> Option<&mut Node> {
        self.0.get_mut(&place.node).filter(|node| node.up && node.incarnation == place.incarnation)
    }
}
