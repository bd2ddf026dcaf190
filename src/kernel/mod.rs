//! One task attempt: a fragment, lowered to Polars columns, over its inputs, on the calling thread and no other.

pub mod block;
pub mod contract;
pub mod expr;

pub use block::Block;
pub use contract::*;
