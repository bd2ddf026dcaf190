//! A stage, lowered once, and run once per task attempt.

use super::contract::{TaskContext, TaskInputs, TaskOutput};
use super::operators::{Memory, Operator, Task};
use super::output::Output;
use super::write::TaskWriter;
use crate::journal::TaskError;
use crate::plan::write::WriteTarget;
use crate::plan::{Exchange, Fragment, Stage, expr::ColumnDef};
use crate::scheduler::{PartitionId, StageId};

/// A stage whose fragment is lowered to operators. Holds nothing of a task; shared by all tasks of the stage.
pub struct CompiledStage {
    id: StageId,
    root: Operator,
    columns: Vec<ColumnDef>,
    exchange: Exchange,
    /// Rows do not go on: they are written, and what goes on are the names of the files.
    target: Option<WriteTarget>,
}

impl CompiledStage {
    /// Lowers a stage. An error here means that the plan holds what the kernels do not know.
    pub fn compile(stage: &Stage) -> Result<CompiledStage, TaskError> {
        let (fragment, target) = match &stage.fragment {
            Fragment::Write { input, target } => (&**input, Some((**target).clone())),
            fragment => (fragment, None),
        };
        Ok(CompiledStage {
            id: stage.id,
            root: Operator::compile(fragment, stage.id, &mut 0)?,
            columns: stage.fragment.columns(),
            exchange: stage.exchange.clone(),
            target,
        })
    }

    /// Runs the task of one partition on the calling thread and no other. The output depends on the fragment, the inputs in their
    /// order and the query's clock, on nothing else. [`TaskError::Canceled`] soon after the context says to stop.
    pub fn run(
        &self,
        partition: PartitionId,
        inputs: &TaskInputs,
        context: &TaskContext,
    ) -> Result<TaskOutput, TaskError> {
        crate::functions::begin_draws(context.clock.seed, self.id.0.into(), partition.0.into());
        let blocks = || inputs.exchanges.values().flatten();
        let block_bytes: u64 = blocks().map(|b| b.bytes).sum();
        let memory = Memory::default();
        memory.replace(0, block_bytes);
        let task = Task { inputs, context, memory };
        let mut output = Output::new(&self.columns, &self.exchange, partition);
        {
            let mut stream = self.root.open(&task)?;
            let mut writer = self.target.as_ref().map(|target| TaskWriter::new(target, partition));
            while let Some(batch) = stream.next()? {
                task.check()?;
                match &mut writer {
                    Some(writer) => writer.push(&batch)?,
                    None => output.push(&batch, &task.memory)?,
                }
            }
            if let Some(writer) = writer {
                output.push(&writer.finish()?, &task.memory)?;
            }
        }
        Ok(TaskOutput {
            blocks: output.finish(&task.memory)?,
            input_rows: inputs.pieces.iter().map(|p| p.rows).sum::<u64>() + blocks().map(|b| b.rows()).sum::<u64>(),
            input_bytes: inputs.pieces.iter().map(|p| p.bytes).sum::<u64>() + block_bytes,
            peak_memory_bytes: task.memory.peak(),
        })
    }
}
