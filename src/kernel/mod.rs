//! One task attempt: a fragment, lowered to operators on Polars columns, over its inputs, on the calling thread and no other.
//!
//! A stage is lowered once ([`CompiledStage`]). A task opens its operators as a tree of streams and pulls batches of some 16 thousand
//! rows through it, scan to output, so that it never holds its whole input unless an operator (a build side, a sort) must.

pub mod aggregate;
mod block;
mod columns;
mod contract;
pub mod expr;
mod join;
mod keys;
mod mix;
mod operators;
mod order;
mod output;
mod stage;
mod window;
mod write;

pub use block::Block;
pub use contract::*;
pub use stage::CompiledStage;
