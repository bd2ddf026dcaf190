//! What the two join operators share: from pairs of rows to what a kind of join yields.

mod build;
mod closest;
mod ranks;
mod shape;

pub use build::{BuildSide, KeyPairs, Sharing};
pub use closest::Closest;
pub use shape::{JoinShape, Matches, Pairs};
