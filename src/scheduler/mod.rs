//! What runs where, and what a failure means: a pure state machine, events in, actions out.
//!
//! No thread, clock, channel, file, random source or unordered collection is named here, and nothing of ours but
//! the ids and the journal's record types. The same code runs behind the real driver and behind the simulator.

pub mod action;
pub mod event;
pub mod graph;
pub mod ids;

pub use action::Action;
pub use event::Event;
pub use graph::{Graph, StageNode};
pub use ids::*;
