//! GROUP BY: rows to groups, groups to values or states.

mod accumulate;
mod calls;
mod grouping;
mod sums;
mod values;

pub use calls::Calls;
pub use grouping::Aggregation;
