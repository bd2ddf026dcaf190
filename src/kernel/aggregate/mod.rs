//! GROUP BY: rows to groups, groups to values or states. [`over_frames`] is how a window uses aggregates.

mod accumulate;
mod best;
mod calls;
mod collected;
mod floats;
mod folded;
mod frames;
mod grouping;
mod kept;
mod moments;
mod nested;
mod quantiles;
mod sketch;
mod sums;
mod values;

pub use calls::Calls;
pub use frames::{Frames, over_frames};
pub use grouping::Aggregation;
