//! Every SQL function and operator: name, types, meaning, help, and its lowering to Polars columns. One table.

pub mod contract;
pub use contract::*;
