//! What a node keeps of finished attempts: their outputs, with an exact account of the bytes.

use crate::kernel::Block;
use crate::scheduler::{AttemptId, AttemptNumber, QueryId, TaskId};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The outputs that one life of a node holds. It is gone with that life.
#[derive(Default)]
pub(crate) struct Store {
    outputs: BTreeMap<TaskId, Output>,
    bytes: u64,
}

/// One output: a block for each consumer partition.
struct Output {
    attempt: AttemptNumber,
    blocks: Vec<Arc<Block>>,
    bytes: u64,
}

impl Store {
    /// Keeps the output of an attempt, in place of what an earlier attempt at the same task left.
    pub(crate) fn put(&mut self, attempt: AttemptId, blocks: Vec<Arc<Block>>) {
        self.drop_output(attempt.task);
        let bytes = blocks.iter().map(|b| b.bytes).sum();
        self.bytes += bytes;
        self.outputs.insert(attempt.task, Output { attempt: attempt.attempt, blocks, bytes });
    }

    /// Block `block` of the output that exactly this attempt made.
    pub(crate) fn get(&self, task: TaskId, attempt: AttemptNumber, block: usize) -> Option<Arc<Block>> {
        let output = self.outputs.get(&task).filter(|output| output.attempt == attempt)?;
        output.blocks.get(block).cloned()
    }

    pub(crate) fn drop_output(&mut self, task: TaskId) {
        if let Some(output) = self.outputs.remove(&task) {
            self.bytes -= output.bytes;
        }
    }

    pub(crate) fn drop_query(&mut self, query: QueryId) {
        let of_query: Vec<TaskId> = self.outputs.keys().filter(|task| task.query == query).copied().collect();
        for task in of_query {
            self.drop_output(task);
        }
    }

    /// How many outputs there are.
    pub(crate) fn len(&self) -> u64 {
        self.outputs.len() as u64
    }

    /// What they take, in logical bytes.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scheduler::{PartitionId, StageId};
    use polars::prelude::DataFrame;

    fn attempt(query: u32, partition: u32, attempt: u32) -> AttemptId {
        let task = TaskId { query: QueryId(query), stage: StageId(1), partition: PartitionId(partition) };
        AttemptId { task, attempt: AttemptNumber(attempt) }
    }

    fn block(bytes: u64) -> Arc<Block> {
        Arc::new(Block { frame: DataFrame::default(), bytes, checksum: bytes })
    }

    #[test]
    fn bytes_follow_every_put_and_drop() {
        let mut store = Store::default();
        store.put(attempt(1, 0, 1), vec![block(10), block(5)]);
        store.put(attempt(1, 1, 1), vec![block(7)]);
        store.put(attempt(2, 0, 1), vec![block(100)]);
        assert_eq!((store.len(), store.bytes()), (3, 122));
        store.put(attempt(1, 0, 2), vec![block(11), block(5)]);
        assert_eq!((store.len(), store.bytes()), (3, 123));
        store.drop_output(attempt(1, 1, 1).task);
        store.drop_query(QueryId(2));
        assert_eq!((store.len(), store.bytes()), (1, 16));
    }

    #[test]
    fn only_the_attempt_that_made_it_is_given_out() {
        let mut store = Store::default();
        store.put(attempt(1, 0, 2), vec![block(10), block(5)]);
        let task = attempt(1, 0, 2).task;
        assert_eq!(store.get(task, AttemptNumber(2), 1).map(|b| b.bytes), Some(5));
        assert!(store.get(task, AttemptNumber(1), 1).is_none());
        assert!(store.get(task, AttemptNumber(2), 2).is_none());
    }
}
