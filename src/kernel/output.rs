//! Where a task's rows go: one block per partition of the stage's exchange.

use super::operators::Memory;
use super::{Block, columns, mix};
use crate::journal::TaskError;
use crate::plan::{ColumnId, Exchange, expr::ColumnDef};
use crate::scheduler::PartitionId;
use polars::prelude::*;
use std::sync::Arc;

/// Collects batches, cut as the exchange says.
pub struct Output<'a> {
    columns: &'a [ColumnDef],
    cut: Cut<'a>,
    /// The rows of each partition, in pieces.
    pieces: Vec<Vec<DataFrame>>,
    bytes: u64,
}

enum Cut<'a> {
    /// By the hash of these columns.
    Hash(&'a [ColumnId]),
    /// All rows to one partition.
    Whole(usize),
}

impl<'a> Output<'a> {
    /// An empty output of the task of `partition`.
    pub fn new(columns: &'a [ColumnDef], exchange: &'a Exchange, partition: PartitionId) -> Output<'a> {
        let partitions = exchange.partitions().max(1);
        let cut = match exchange {
            Exchange::Hash { keys, .. } if partitions > 1 => Cut::Hash(keys),
            Exchange::RoundRobin { .. } => Cut::Whole((partition.0 % partitions) as usize),
            Exchange::Hash { .. } | Exchange::Broadcast | Exchange::Gather => Cut::Whole(0),
        };
        Output { columns, cut, pieces: vec![Vec::new(); partitions as usize], bytes: 0 }
    }

    /// Adds a batch.
    pub fn push(&mut self, batch: &DataFrame, memory: &Memory) -> Result<(), TaskError> {
        if batch.height() == 0 {
            return Ok(());
        }
        let ids: Vec<ColumnId> = self.columns.iter().map(|c| c.id).collect();
        let batch = columns::select(batch, &ids)?;
        let bytes = columns::logical_bytes(&batch);
        memory.replace(0, bytes);
        self.bytes += bytes;
        match self.cut {
            Cut::Whole(partition) => self.pieces[partition].push(batch),
            Cut::Hash(keys) => {
                let keys = keys.iter().map(|id| columns::find(&batch, *id)).collect::<Result<Vec<_>, _>>()?;
                let hashes = mix::hash_rows(&keys, batch.height())?;
                let partitions = self.pieces.len() as u32;
                let mut rows: Vec<Vec<IdxSize>> = vec![Vec::new(); self.pieces.len()];
                for (row, hash) in hashes.into_iter().enumerate() {
                    rows[mix::partition_of(hash, partitions) as usize].push(row as IdxSize);
                }
                for (pieces, rows) in self.pieces.iter_mut().zip(rows) {
                    if !rows.is_empty() {
                        pieces.push(columns::take(&batch, &rows));
                    }
                }
            }
        }
        Ok(())
    }

    /// The blocks, one per partition.
    pub fn finish(self, memory: &Memory) -> Result<Vec<Arc<Block>>, TaskError> {
        let mut blocks = Vec::with_capacity(self.pieces.len());
        let mut bytes = 0;
        for pieces in self.pieces {
            let block = Block::new(columns::concat(&pieces, self.columns)?);
            // Until its pieces are dropped, a partition is there twice.
            memory.replace(0, block.bytes);
            memory.replace(block.bytes, 0);
            bytes += block.bytes;
            blocks.push(Arc::new(block));
        }
        memory.replace(self.bytes, bytes);
        Ok(blocks)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::DataType as Sql;

    fn rows_per_block(exchange: &Exchange, partition: u32, values: Vec<Option<i64>>) -> Vec<Vec<Option<i64>>> {
        let defs = [ColumnDef { id: ColumnId(0), name: "k".into(), dtype: Sql::BigInt }];
        let memory = Memory::default();
        let mut output = Output::new(&defs, exchange, PartitionId(partition));
        let column = Column::new("c0".into(), values);
        output.push(&columns::frame(column.len(), vec![column]), &memory).unwrap();
        let values = |block: Arc<Block>| block.frame.columns()[0].i64().unwrap().iter().collect();
        output.finish(&memory).unwrap().into_iter().map(values).collect()
    }

    #[test]
    fn hash_partitions_never_change() {
        let exchange = Exchange::Hash { keys: vec![ColumnId(0)], partitions: 4 };
        let values: Vec<Option<i64>> = (0..12).map(Some).chain([None, Some(-1), Some(3)]).collect();
        let blocks = rows_per_block(&exchange, 0, values);
        let plain = |block: &[Option<i64>]| block.iter().map(|v| v.map_or(-99, |v| v)).collect::<Vec<_>>();
        let blocks: Vec<Vec<i64>> = blocks.iter().map(|block| plain(block)).collect();
        assert_eq!(blocks, [vec![0, 5, 8, -99], vec![2, 7, 10], vec![1, 4, 9], vec![3, 6, 11, -1, 3]]);
    }

    #[test]
    fn round_robin_sends_a_whole_task_to_one_partition() {
        let blocks = rows_per_block(&Exchange::RoundRobin { partitions: 3 }, 4, vec![Some(1), None]);
        assert_eq!(blocks, [vec![], vec![Some(1), None], vec![]]);
    }
}
