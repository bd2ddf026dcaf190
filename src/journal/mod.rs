//! The ordered record of every event of a query, what it adds up to, and the error codes that appear in it.

pub mod codes;
pub mod explain;
pub mod failure;
pub mod history;
mod log;
pub mod record;
pub mod tables;

pub use codes::{ErrorClass, ErrorCode};
pub use explain::{Explanation, PeerSays};
pub use failure::TaskError;
pub use history::{History, NodeInfo, QueryInfo, QueryState};
pub use log::Journal;
pub use record::{Entry, Record};
