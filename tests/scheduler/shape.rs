//! Small graphs, written as text: `1 x2, 2 x2 <- 1, 3 x1 <- all 2` is three stages of 2, 2 and 1 tasks.

use faultlab::scheduler::graph::{Graph, Read, StageInput, StageNode};
use faultlab::scheduler::{PartitionId, QueryId, StageId, TaskId};

/// A graph and the number of tasks of each stage, which the world knows and the scheduler has to ask for.
#[derive(Debug, Clone)]
pub struct Shape {
    pub graph: Graph,
    pub tasks: Vec<u32>,
}

impl Shape {
    /// Reads the text form.
    pub fn parse(text: &str) -> Shape {
        let (mut stages, mut tasks) = (Vec::new(), Vec::new());
        for stage in text.split(',') {
            let (head, inputs) = stage.split_once("<-").unwrap_or((stage, ""));
            let (id, count) = head.trim().split_once(" x").unwrap_or_else(|| panic!("stage without xN: {stage}"));
            let inputs = inputs.split('+').map(str::trim).filter(|input| !input.is_empty()).map(|input| {
                let (read, id) = match input.strip_prefix("all ") {
                    Some(id) => (Read::All, id),
                    None => (Read::Partition, input),
                };
                StageInput { stage: StageId(id.trim().parse().unwrap()), read }
            });
            stages.push(StageNode { id: StageId(id.parse().unwrap()), inputs: inputs.collect(), weight: 1 });
            tasks.push(count.trim().parse().unwrap());
        }
        Shape { graph: Graph { stages }, tasks }
    }

    /// The number of tasks of a stage.
    pub fn tasks_of(&self, stage: StageId) -> u32 {
        let index = self.graph.stages.iter().position(|node| node.id == stage).unwrap();
        self.tasks[index]
    }

    /// The tasks of a stage.
    pub fn tasks_in(&self, query: QueryId, stage: StageId) -> impl Iterator<Item = TaskId> + use<> {
        (0..self.tasks_of(stage)).map(move |partition| TaskId { query, stage, partition: PartitionId(partition) })
    }

    /// The result stage.
    pub fn result(&self) -> StageId {
        self.graph.stages.last().unwrap().id
    }

    /// The stages that a stage reads.
    pub fn inputs_of(&self, stage: StageId) -> Vec<StageId> {
        let node = self.graph.stages.iter().find(|node| node.id == stage).unwrap();
        node.inputs.iter().map(|input| input.stage).collect()
    }

    /// The stages that read a stage.
    pub fn consumers_of(&self, stage: StageId) -> Vec<StageId> {
        let reads = |node: &&StageNode| node.inputs.iter().any(|input| input.stage == stage);
        self.graph.stages.iter().filter(reads).map(|node| node.id).collect()
    }
}
