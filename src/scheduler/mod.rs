//! What runs where, and what a failure means: a pure state machine, events in, actions out.
//!
//! No thread, clock, channel, file, random source or unordered collection is named here, and nothing of ours but
//! the ids and the journal's record types. The same code runs behind the real driver and behind the simulator.
//!
//! - `state`: [`Scheduler::step`], the only entry point, and how a query ends;
//! - `query` and `stage`: what is known of one query, and how its work goes forward;
//! - `policy`: what each mode answers to a failure;
//! - `lineage`: which outputs are still needed, and what runs again when one is lost;
//! - `placement` and `nodes`: which task goes next, and where;
//! - `view`: what others may look at.
//!
//! **Who writes which record.** The scheduler returns, as [`Action::Record`], what only it can know: `StagePlanned`,
//! `StageCompleted`, `AttemptLost`, `OutputsLost`, `Recompute`, `Restart`, `Recovered`. All others are the driver's and the
//! session's. Before it writes `AttemptFinished`, `AttemptFailed` or `FetchFailed`, a driver asks
//! [`Scheduler::is_current`]: a report of the past is ignored here and has no place in the journal. So every launched
//! attempt ends in the journal exactly once: finished, failed, fetch failed or lost.

pub mod action;
pub mod event;
pub mod graph;
pub mod ids;

mod lineage;
mod nodes;
mod placement;
mod policy;
mod query;
mod stage;
mod state;
mod view;

pub use action::Action;
pub use event::Event;
pub use graph::{Graph, StageNode};
pub use ids::*;
pub use state::Scheduler;
pub use view::{StageView, TaskView};
