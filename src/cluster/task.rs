//! One attempt: fetch its inputs through the network, run the fragment, hand over the output.

use super::life::Life;
use super::network::Network;
use super::query::QueryContext;
use crate::journal::TaskError;
use crate::journal::record::Usage;
use crate::kernel::{Block, TaskContext, TaskInputs, TaskOutput};
use crate::plan::physical::Tasks;
use crate::scheduler::action::InputLocations;
use crate::scheduler::event::OutputSummary;
use crate::scheduler::{AttemptId, AttemptNumber, PartitionId, Place, TaskId};
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Once};
use std::time::Duration;

/// An attempt that a node is to run.
#[derive(Clone)]
pub(crate) struct Assignment {
    pub attempt: AttemptId,
    pub place: Place,
    pub query: Arc<QueryContext>,
    pub inputs: Vec<InputLocations>,
    /// The FLAKY fault that makes it fail.
    pub flaky: Option<u32>,
    /// Of the node: 1 is the usual speed.
    pub slow_factor: u32,
    pub stop: Arc<AtomicBool>,
}

/// What a node tells the coordinator about an attempt.
pub(crate) struct Report {
    pub attempt: AttemptId,
    pub place: Place,
    pub result: AttemptResult,
}

/// How an attempt ended.
pub(crate) enum AttemptResult {
    /// The blocks come along when the result stage made them; all others stay on the node.
    Finished {
        output: OutputSummary,
        /// Of each of its blocks.
        block_bytes: Vec<u64>,
        usage: Usage,
        result: Option<Vec<Arc<Block>>>,
    },
    Failed(TaskError),
    FetchFailed {
        source: TaskId,
        from: Place,
    },
}

/// What computing an attempt gave, before anybody knows of it.
pub(crate) struct Computed {
    pub result: Result<TaskOutput, AttemptResult>,
    /// What the inputs took on the network.
    pub transfer: Duration,
}

/// Fetches and computes, on the calling thread and no other. Nothing is published yet.
pub(crate) fn compute(assignment: &Assignment, life: &Life, network: &Network) -> Computed {
    let mut transfer = Duration::ZERO;
    let result = fetch_inputs(assignment, network, &mut transfer).and_then(|inputs| {
        if let Some(fault) = assignment.flaky {
            let message = format!("fault {fault} made this attempt fail; the next one may well work");
            return Err(AttemptResult::Failed(TaskError::Passing { message }));
        }
        let context = TaskContext {
            clock: assignment.query.clock,
            stop: assignment.stop.clone(),
            shared: life.builds(assignment.attempt.task.query),
            rows_read: assignment.query.rows_read.clone(),
        };
        let task = assignment.attempt.task;
        let stage = assignment.query.stage(task.stage).ok_or_else(|| {
            AttemptResult::Failed(TaskError::bug(format!("task {task} is of a stage that the plan does not have")))
        })?;
        let partition = task.partition;
        let compiled = stage.run().compiled().map_err(AttemptResult::Failed)?;
        life.computing(|| guarded(|| compiled.run(partition, &inputs, &context))).map_err(AttemptResult::Failed)
    });
    Computed { result, transfer }
}

/// Keeps the output on the node, or sends it along if it belongs to the result; None if nobody wants to hear of it any more.
pub(crate) fn publish(
    assignment: &Assignment,
    life: &Life,
    computed: Result<TaskOutput, AttemptResult>,
    compute_us: u64,
) -> Option<Report> {
    let is_result = assignment.query.is_result(assignment.attempt.task.stage);
    let (result, kept) = match computed {
        Ok(output) => {
            let usage = Usage {
                input_rows: output.input_rows,
                input_bytes: output.input_bytes,
                compute_us,
                peak_memory_bytes: output.peak_memory_bytes,
            };
            let summary = summarize(&output.blocks);
            let block_bytes = output.blocks.iter().map(|block| block.bytes).collect();
            let (result, kept) = if is_result { (Some(output.blocks), None) } else { (None, Some(output.blocks)) };
            (AttemptResult::Finished { output: summary, block_bytes, usage, result }, kept)
        }
        Err(failure) => (failure, None),
    };
    let wanted = life.publish(assignment.attempt, kept);
    wanted.then_some(Report { attempt: assignment.attempt, place: assignment.place, result })
}

/// What is known of an output without holding it. The checksum depends on the order of the blocks.
pub(crate) fn summarize(blocks: &[Arc<Block>]) -> OutputSummary {
    let mut output = OutputSummary { rows: 0, bytes: 0, checksum: 0x9E37_79B9_7F4A_7C15 };
    for block in blocks {
        output.rows += block.rows();
        output.bytes += block.bytes;
        output.checksum = (output.checksum.rotate_left(23) ^ block.checksum).wrapping_mul(0x2545_F491_4F6C_DD1D);
    }
    output
}

/// The pieces of a task and the blocks that it reads: of each stage block by block, each in the order of the producers' partitions.
fn fetch_inputs(
    assignment: &Assignment,
    network: &Network,
    transfer: &mut Duration,
) -> Result<TaskInputs, AttemptResult> {
    let task = assignment.attempt.task;
    let mut inputs = TaskInputs { pieces: assignment.query.pieces(task), ..TaskInputs::default() };
    let unknown = || AttemptResult::Failed(TaskError::bug(format!("task {task} reads what the plan does not have")));
    let run = assignment.query.stage(task.stage).ok_or_else(unknown)?.run();
    for input in &assignment.inputs {
        let per_output = assignment.query.stage(input.stage).ok_or_else(unknown)?.blocks;
        let mut wanted: Vec<(u32, u32)> = Vec::with_capacity(input.outputs.len());
        for producer in 0..input.outputs.len() as u32 {
            let blocks = run.blocks_read(task.partition, input.stage, producer, per_output);
            wanted.extend(blocks.map(|block| (block, producer)));
        }
        wanted.sort_unstable();
        let mut blocks = Vec::with_capacity(wanted.len());
        for (block, producer) in wanted {
            let output = &input.outputs[producer as usize];
            let source = TaskId { query: task.query, stage: input.stage, partition: PartitionId(producer) };
            let made_by = AttemptId { task: source, attempt: AttemptNumber(output.attempt.0) };
            let fetched = network
                .fetch(assignment.place.node, output.place, made_by, block as usize)
                .ok_or(AttemptResult::FetchFailed { source, from: output.place })?;
            *transfer += fetched.delay;
            blocks.push(fetched.block);
        }
        inputs.exchanges.insert(input.stage, blocks);
    }
    Ok(inputs)
}

/// The pieces that task `partition` of these tasks scans.
pub(crate) fn pieces_of(tasks: &Tasks, partition: PartitionId) -> Vec<crate::catalog::Piece> {
    match tasks {
        Tasks::Scan { groups } => groups.get(partition.0 as usize).cloned().unwrap_or_default(),
        Tasks::Partitions { .. } | Tasks::Single | Tasks::Shares(_) => Vec::new(),
    }
}

thread_local! {
    /// Whether this thread runs a task now: its panics are caught, become errors, and print nothing.
    static IN_TASK: Cell<bool> = const { Cell::new(false) };
}

/// Runs a task's code; a panic becomes [`TaskError::Bug`].
pub(crate) fn guarded<T>(run: impl FnOnce() -> Result<T, TaskError>) -> Result<T, TaskError> {
    static QUIET: Once = Once::new();
    QUIET.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if !IN_TASK.get() {
                usual(info);
            }
        }));
    });
    let before = IN_TASK.replace(true);
    let result = catch_unwind(AssertUnwindSafe(run));
    IN_TASK.set(before);
    result.unwrap_or_else(|panic| {
        let text = panic
            .downcast_ref::<&str>()
            .map(|text| text.to_string())
            .or_else(|| panic.downcast_ref::<String>().cloned())
            .unwrap_or_else(|| "no message".to_string());
        Err(TaskError::bug(format!("a task panicked: {text}")))
    })
}

/// Polars on this thread stays on this thread.
pub(crate) fn own_thread() {
    polars_async::executor::ALLOW_RAYON_THREADS.set(false);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_in_a_task_is_a_bug_with_its_text() {
        let error = guarded::<()>(|| panic!("no such {}", "thing")).unwrap_err();
        assert_eq!(error, TaskError::bug("a task panicked: no such thing"));
    }
}
