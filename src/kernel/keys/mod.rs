//! From key columns to dense ids: the one hash table behind GROUP BY, DISTINCT and joins.
//!
//! Texts become codes, everything else its bits; a row's key is then a few 64-bit words.

mod fixed;
mod table;
mod text;

pub use table::{KeyTable, NullKeys};
pub use text::distinct_places;

/// "No id": the key is not in the table, or it is NULL where NULL matches nothing.
pub const NO_ID: u32 = u32::MAX;
