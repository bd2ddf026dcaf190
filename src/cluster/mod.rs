//! The driver loop, the nodes, the network between them, the faults: the only threads and the only clock.

pub mod contract;
pub use contract::*;
