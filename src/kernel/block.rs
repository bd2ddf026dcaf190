//! The one format of data at rest: in a node's store, on the way through an exchange, in a result.

use polars::prelude::DataFrame;

/// Rows of one consumer partition of one output. Columns are named `c<id>`, physical types, one chunk each, string
/// views compacted when they retain more than twice what is visible.
#[derive(Debug, Clone)]
pub struct Block {
    pub frame: DataFrame,
    /// Logical size: what the values take, whatever the buffers hold.
    pub bytes: u64,
    /// Independent of buffer layout: the same values in the same order give the same number.
    pub checksum: u64,
}

impl Block {
    /// Rows in the block.
    pub fn rows(&self) -> u64 {
        self.frame.height() as u64
    }
}
