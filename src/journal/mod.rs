//! The ordered record of every event of a query, and the error codes that appear in it.

pub mod codes;
pub mod failure;
pub mod record;

pub use codes::ErrorCode;
pub use failure::TaskError;
pub use record::{Entry, Record};
