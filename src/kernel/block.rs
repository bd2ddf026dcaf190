//! The one format of data at rest: in a node's store, on the way through an exchange, in a result.

use super::{columns, mix};
use polars::prelude::*;

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
    /// A block of these rows: one chunk per column, without the parts of shared text buffers that it does not show.
    pub fn new(frame: DataFrame) -> Block {
        let height = frame.height();
        let frame = columns::frame(height, frame.columns().iter().map(settle).collect());
        let bytes = columns::logical_bytes(&frame);
        // Only a nested value that Polars cannot encode has no checksum; such a block is then not compared.
        let checksum = mix::checksum(&frame).unwrap_or_default();
        Block { frame, bytes, checksum }
    }

    /// Rows in the block.
    pub fn rows(&self) -> u64 {
        self.frame.height() as u64
    }
}

/// One chunk; texts copied out of buffers of which they show less than half.
fn settle(column: &Column) -> Column {
    let series = columns::one_chunk(column);
    let settled = match series.dtype() {
        DataType::String => series.str().ok().and_then(|texts| {
            let array = texts.downcast_as_array();
            retains_too_much(array)
                .then(|| StringChunked::with_chunk(series.name().clone(), array.clone().gc()).into_series())
        }),
        DataType::Binary => series.binary().ok().and_then(|blobs| {
            let array = blobs.downcast_as_array();
            retains_too_much(array)
                .then(|| BinaryChunked::with_chunk(series.name().clone(), array.clone().gc()).into_series())
        }),
        _ => None,
    };
    settled.unwrap_or(series).into()
}

fn retains_too_much<T: polars_arrow::array::ViewType + ?Sized>(
    array: &polars_arrow::array::BinaryViewArrayGeneric<T>,
) -> bool {
    array.total_buffer_len() > 2 * array.total_bytes_len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_block_does_not_keep_a_large_buffer_alive() {
        let texts: Vec<String> = (0..1000).map(|i| format!("a rather long text, number {i}")).collect();
        let all = columns::frame(1000, vec![Column::new("c0".into(), texts)]);
        let few = Block::new(columns::take(&all, &[3, 500]));
        let array = few.frame.columns()[0].as_materialized_series().clone();
        assert!(array.str().unwrap().downcast_as_array().total_buffer_len() < 100);
        assert_eq!(few.rows(), 2);
        assert_eq!(few.checksum, Block::new(few.frame.clone()).checksum);
    }

    #[test]
    fn rows_without_columns_are_counted() {
        assert_eq!(Block::new(columns::frame(7, vec![])).rows(), 7);
    }
}
