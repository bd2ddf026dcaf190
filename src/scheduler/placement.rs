//! Which task goes next, and where. Deterministic: it depends on the events alone.

use super::action::{Action, InputLocations, OutputLocation};
use super::ids::*;
use super::query::Query;
use super::stage::{Stage, TaskState};
use super::state::Scheduler;
use std::ops::Bound;

impl Scheduler {
    /// Fills the free slots: the queries take turns, and each gives its lowest stage and partition first.
    pub(super) fn place_work(&mut self, actions: &mut Vec<Action>) {
        while self.nodes.with_free_slot().next().is_some() {
            let Some((query, stage, partition)) = self.next_task() else { break };
            self.launch(query, stage, partition, actions);
        }
    }

    /// The first launchable task of the first query after the one that was served last.
    fn next_task(&self) -> Option<(QueryId, usize, PartitionId)> {
        let served = self.last_served.unwrap_or(QueryId(0));
        let after = self.queries.range((Bound::Excluded(served), Bound::Unbounded));
        let before = self.queries.range(..=served);
        after.chain(before).find_map(|(&id, query)| query.next_task().map(|(stage, partition)| (id, stage, partition)))
    }

    fn launch(&mut self, id: QueryId, stage: usize, partition: PartitionId, actions: &mut Vec<Action>) {
        let Some(query) = self.queries.get_mut(&id) else { return };
        let inputs = query.input_locations(stage);
        let epoch = query.epoch;
        let stage = &mut query.stages[stage];
        let avoid = stage.task(partition).and_then(|task| task.avoid);
        // Elsewhere than where it failed; then the node with least to do; then the one that had least of this stage.
        let best = self.nodes.with_free_slot().min_by_key(|&(place, running)| {
            let given = stage.given.get(&place.node).copied().unwrap_or(0);
            (avoid == Some(place.node), running, given, place.node)
        });
        let Some((place, _)) = best else { return };

        self.nodes.occupy(place);
        self.last_served = Some(id);
        *stage.given.entry(place.node).or_insert(0) += 1;
        stage.set(partition, TaskState::Running { place, epoch });
        let Some(task) = stage.task_mut(partition) else { return };
        task.attempts += 1;
        let attempt = AttemptNumber(task.attempts);
        let task = TaskId { query: id, stage: stage.id, partition };
        actions.push(Action::Launch { attempt: AttemptId { task, attempt }, place, inputs });
    }
}

impl Query {
    /// The lowest stage and partition that can be launched now: planned, waiting, and all its inputs are there.
    fn next_task(&self) -> Option<(usize, PartitionId)> {
        self.stages.iter().enumerate().find_map(|(index, stage)| {
            let partition = stage.first_queued()?;
            (self.inputs_complete(index) && self.may_run(stage.id, partition)).then_some((index, partition))
        })
    }

    /// Where the inputs of a stage are now.
    fn input_locations(&self, stage: usize) -> Vec<InputLocations> {
        let inputs = self.stages[stage].inputs.iter().map(|&input| &self.stages[input]);
        inputs.map(|input| InputLocations { stage: input.id, outputs: output_locations(input) }).collect()
    }
}

fn output_locations(producer: &Stage) -> Vec<OutputLocation> {
    let located = producer.tasks().filter_map(|(_, task)| match task.state() {
        TaskState::Done { place, .. } => Some(OutputLocation { attempt: AttemptNumber(task.attempts), place }),
        TaskState::Queued | TaskState::Running { .. } | TaskState::Lost => None,
    });
    located.collect()
}
