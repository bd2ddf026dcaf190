//! The network: every message and every fetch asks it for the way. Any link can be cut, delayed or slowed, in each direction.

use super::life::Life;
use super::lock;
use crate::kernel::Block;
use crate::scheduler::{AttemptId, NodeId, Place};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// An end of a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Endpoint {
    Coordinator,
    Node(NodeId),
}

/// The state of a link in one direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Link {
    /// Nothing gets through.
    pub cut: bool,
    /// What every message takes at least.
    pub latency: Duration,
    /// None: transfers take no time.
    pub bytes_per_second: Option<u64>,
}

impl Link {
    /// How long `bytes` take; None if they do not arrive.
    pub(crate) fn delay(&self, bytes: u64) -> Option<Duration> {
        if self.cut {
            return None;
        }
        let transfer = match self.bytes_per_second {
            Some(rate) => Duration::from_secs_f64(bytes as f64 / rate.max(1) as f64),
            None => Duration::ZERO,
        };
        Some(self.latency + transfer)
    }
}

/// Links that are not the usual one, and the nodes that can be reached.
#[derive(Default)]
pub(crate) struct Network {
    usual: Link,
    links: Mutex<BTreeMap<(Endpoint, Endpoint), Link>>,
    /// The present life of each node.
    lives: Mutex<BTreeMap<NodeId, Arc<Life>>>,
}

/// A block and how long it was on the way.
pub(crate) struct Fetched {
    pub block: Arc<Block>,
    pub delay: Duration,
}

impl Network {
    /// A network on which every link is like `usual`.
    pub(crate) fn new(usual: Link) -> Network {
        Network { usual, ..Network::default() }
    }

    /// A node in a new life takes the place of its former one.
    pub(crate) fn connect(&self, life: Arc<Life>) {
        lock(&self.lives).insert(life.place.node, life);
    }

    /// The link in one direction.
    pub(crate) fn link(&self, from: Endpoint, to: Endpoint) -> Link {
        lock(&self.links).get(&(from, to)).copied().unwrap_or(self.usual)
    }

    /// Changes the link in one direction; None: back to the usual.
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "INJECT CUT comes with its own issue; the links are tested already")
    )]
    pub(crate) fn set_link(&self, from: Endpoint, to: Endpoint, link: Option<Link>) {
        let mut links = lock(&self.links);
        match link {
            Some(link) => links.insert((from, to), link),
            None => links.remove(&(from, to)),
        };
    }

    /// Block `block` of the output that `attempt` left at `source`, for a reader on `reader`. None if the source is gone, cut
    /// off, or does not have it.
    pub(crate) fn fetch(&self, reader: NodeId, source: Place, attempt: AttemptId, block: usize) -> Option<Fetched> {
        let life = lock(&self.lives).get(&source.node).filter(|life| life.place == source)?.clone();
        if source.node == reader {
            return life.fetch(attempt, block).map(|block| Fetched { block, delay: Duration::ZERO });
        }
        let (here, there) = (Endpoint::Node(reader), Endpoint::Node(source.node));
        let asked = self.link(here, there).delay(0)?;
        let block = life.fetch(attempt, block)?;
        let answered = self.link(there, here).delay(block.bytes)?;
        Some(Fetched { block, delay: asked + answered })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_cut_slowed_and_healed_in_one_direction() {
        let network = Network::new(Link::default());
        let (a, b) = (Endpoint::Coordinator, Endpoint::Node(NodeId(2)));
        network.set_link(a, b, Some(Link { cut: true, ..Link::default() }));
        assert_eq!(network.link(a, b).delay(0), None);
        assert_eq!(network.link(b, a).delay(0), Some(Duration::ZERO));
        let slow = Link { cut: false, latency: Duration::from_millis(5), bytes_per_second: Some(1000) };
        network.set_link(a, b, Some(slow));
        assert_eq!(network.link(a, b).delay(2000), Some(Duration::from_millis(2005)));
        network.set_link(a, b, None);
        assert_eq!(network.link(a, b), Link::default());
    }
}
