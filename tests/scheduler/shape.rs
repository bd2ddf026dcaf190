//! Small graphs, written as text: `1 x2, 2 x2 <- 1, 3 x1 <- all 2` is three stages of 2, 2 and 1 tasks. An input in parentheses,
//! `2 x0 <- (1)`, is waited for, but when the stage is planned it turns out that nobody reads it.

use faultlab::scheduler::graph::{Graph, Read, StageInput, StageNode};
use faultlab::scheduler::{PartitionId, QueryId, StageId, TaskId};

/// A graph and the number of tasks of each stage, which the world knows and the scheduler has to ask for.
#[derive(Debug, Clone)]
pub struct Shape {
    pub graph: Graph,
    pub tasks: Vec<u32>,
    /// What each stage reads of its inputs.
    reads: Vec<Vec<StageId>>,
}

impl Shape {
    /// Reads the text form.
    pub fn parse(text: &str) -> Shape {
        let (mut stages, mut tasks, mut reads) = (Vec::new(), Vec::new(), Vec::new());
        for stage in text.split(',') {
            let (head, inputs) = stage.split_once("<-").unwrap_or((stage, ""));
            let (id, count) = head.trim().split_once(" x").unwrap_or_else(|| panic!("stage without xN: {stage}"));
            let mut read_indeed = Vec::new();
            let inputs = inputs.split('+').map(str::trim).filter(|input| !input.is_empty()).map(|input| {
                let waited_for = input.strip_prefix('(').and_then(|input| input.strip_suffix(')'));
                let (read, id) = match waited_for.unwrap_or(input).strip_prefix("all ") {
                    Some(id) => (Read::All, id),
                    None => (Read::Partition, waited_for.unwrap_or(input)),
                };
                let stage = StageId(id.trim().parse().unwrap());
                read_indeed.extend(waited_for.is_none().then_some(stage));
                StageInput { stage, read }
            });
            stages.push(StageNode { id: StageId(id.parse().unwrap()), inputs: inputs.collect(), weight: 1 });
            reads.push(read_indeed);
            tasks.push(count.trim().parse().unwrap());
        }
        Shape { graph: Graph { stages }, tasks, reads }
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

    /// The stages that a stage may read, as far as anybody knows before it is planned.
    pub fn may_read(&self, stage: StageId) -> Vec<StageId> {
        let node = self.graph.stages.iter().find(|node| node.id == stage).unwrap();
        node.inputs.iter().map(|input| input.stage).collect()
    }

    /// The stages that a stage reads indeed.
    pub fn inputs_of(&self, stage: StageId) -> Vec<StageId> {
        let index = self.graph.stages.iter().position(|node| node.id == stage).unwrap();
        self.reads[index].clone()
    }

    /// The stages that read a stage, or that may do so and are not planned yet.
    pub fn consumers_of(&self, stage: StageId, planned: impl Fn(StageId) -> bool) -> Vec<StageId> {
        let all = self.graph.stages.iter().map(|node| node.id);
        let reads = |id: StageId| if planned(id) { self.inputs_of(id) } else { self.may_read(id) };
        all.filter(|id| reads(*id).contains(&stage)).collect()
    }
}
