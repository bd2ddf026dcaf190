//! Queries that read no file: system tables, constants. They run on a thread of the coordinator, stage after stage, need no node, and
//! leave faults alone.

use super::contract::QuerySpec;
use super::query::QueryContext;
use super::task::{guarded, own_thread, pieces_of};
use crate::journal::TaskError;
use crate::kernel::{Block, TaskContext, TaskInputs};
use crate::scheduler::graph::Read;
use crate::scheduler::{PartitionId, StageId};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Runs a compiled query to its end on the calling thread. The blocks of the result, in order, or the first error and its stage.
pub(crate) fn run(
    spec: &QuerySpec,
    query: &QueryContext,
    stop: &Arc<AtomicBool>,
) -> Result<Vec<Arc<Block>>, (StageId, TaskError)> {
    own_thread();
    let context = TaskContext {
        clock: spec.clock,
        stop: stop.clone(),
        shared: Arc::default(),
        rows_read: query.rows_read.clone(),
    };
    // By stage and then by task: the blocks that each made.
    let mut outputs: BTreeMap<StageId, Vec<Vec<Arc<Block>>>> = BTreeMap::new();
    for stage in &query.stages {
        let mut made = Vec::new();
        let planned = stage.run();
        for partition in (0..planned.tasks.count()).map(PartitionId) {
            let mut inputs = TaskInputs { pieces: pieces_of(&planned.tasks, partition), ..TaskInputs::default() };
            for read in &planned.reads {
                let producers = outputs.get(&read.stage).map_or(&[][..], |tasks| tasks);
                let blocks = producers.iter().filter_map(|blocks| match read.read {
                    Read::Partition => blocks.get(partition.0 as usize).cloned(),
                    Read::All => blocks.first().cloned(),
                });
                inputs.exchanges.insert(read.stage, blocks.collect());
            }
            let output = planned.compiled().and_then(|compiled| guarded(|| compiled.run(partition, &inputs, &context)));
            made.push(output.map_err(|error| (stage.id, error))?.blocks);
        }
        outputs.insert(stage.id, made);
    }
    let result = query.stages.last().and_then(|last| outputs.remove(&last.id)).unwrap_or_default();
    Ok(result.into_iter().flatten().collect())
}
