//! Which outputs are still needed, and what runs again when one is lost.
//!
//! A consumer's task reads a block of every output of its producers. So the outputs of a stage are needed together: as long
//! as a consumer that is itself needed has a task that is not done, or whose own output was lost.

use super::action::Action;
use super::event::LossCause;
use super::ids::*;
use super::nodes::Nodes;
use super::policy::{self, Answer};
use super::query::{Query, Verdict};
use super::stage::{Stage, TaskState};
use crate::journal::Record;

impl Query {
    /// For each stage, whether somebody can still ask for its outputs; the result stage's are asked for by the user.
    pub(super) fn needed(&self) -> Vec<bool> {
        let mut needed: Vec<bool> = self.stages.iter().map(|stage| stage.is_result).collect();
        for index in (0..self.stages.len()).rev() {
            let asked_for = self.waiting_consumers(index, &needed).next().is_some();
            needed[index] |= asked_for;
        }
        needed
    }

    /// The consumers of a stage that still have something to run.
    fn waiting_consumers<'a>(&'a self, index: usize, needed: &'a [bool]) -> impl Iterator<Item = &'a Stage> {
        let consumers = self.stages[index].consumers.iter();
        consumers
            .filter(|&&consumer| needed[consumer])
            .map(|&consumer| &self.stages[consumer])
            .filter(|c| !c.is_complete())
    }

    /// A node is gone with its outputs and its attempts. `any_left`: there is another one to go on with.
    pub(super) fn node_lost(
        &mut self,
        place: Place,
        cause: LossCause,
        any_left: bool,
        actions: &mut Vec<Action>,
    ) -> Verdict {
        let restart = self.lose_attempts(place, actions);
        let lost: Vec<(usize, Vec<PartitionId>)> = (0..self.stages.len())
            .map(|index| (index, self.stages[index].outputs_at(place)))
            .filter(|(_, partitions)| !partitions.is_empty())
            .collect();
        let needed = self.lose_outputs(&lost, place, actions);
        let matters = !restart.is_empty() || lost.iter().any(|&(index, _)| needed[index]);
        match policy::on_node_lost(self.mode, (place, cause), matters, any_left) {
            Answer::Fail(error) => return Verdict::Fail(error),
            Answer::Doom(_) | Answer::Recover => {}
        }
        self.queue_needed(place, &needed, actions);
        for (stage, tasks) in restart {
            actions.push(Action::Record(Record::Restart { query: self.id, stage, tasks }));
        }
        Verdict::Continue
    }

    /// The attempts that ran at a place wait to be launched again; gives them by stage.
    fn lose_attempts(&mut self, lost: Place, actions: &mut Vec<Action>) -> Vec<(StageId, Vec<PartitionId>)> {
        let mut restart = Vec::new();
        for stage in &mut self.stages {
            let partitions =
                stage.partitions_where(|state| matches!(state, TaskState::Running { place, .. } if place == lost));
            for &partition in &partitions {
                let attempt = stage.newest_attempt(self.id, partition);
                actions.push(Action::Record(Record::AttemptLost { attempt, place: lost }));
                stage.set(partition, TaskState::Queued);
            }
            if !partitions.is_empty() {
                restart.push((stage.id, partitions));
            }
        }
        restart
    }

    /// Forgets outputs that are gone, and says so. Gives, for each stage, whether it is needed now.
    pub(super) fn lose_outputs(
        &mut self,
        lost: &[(usize, Vec<PartitionId>)],
        place: Place,
        actions: &mut Vec<Action>,
    ) -> Vec<bool> {
        for (index, partitions) in lost {
            for &partition in partitions {
                self.stages[*index].set(partition, TaskState::Lost);
            }
        }
        self.epoch += u32::from(!lost.is_empty());
        let needed = self.needed();
        for (index, partitions) in lost {
            let (yes, no) = if needed[*index] { (partitions.clone(), vec![]) } else { (vec![], partitions.clone()) };
            let (query, stage) = (self.id, self.stages[*index].id);
            actions.push(Action::Record(Record::OutputsLost { query, stage, place, needed: yes, not_needed: no }));
        }
        needed
    }

    /// Queues every lost output that is needed: those lost now, and those lost earlier that were not needed until now.
    pub(super) fn queue_needed(&mut self, because: Place, needed: &[bool], actions: &mut Vec<Action>) {
        for index in 0..self.stages.len() {
            let tasks = self.stages[index].partitions_where(|state| state == TaskState::Lost);
            let needed_by = self.waiting_consumers(index, needed).next().map(|consumer| consumer.id);
            let Some(needed_by) = needed_by.filter(|_| !tasks.is_empty()) else { continue };
            let stage = &mut self.stages[index];
            stage.recovering = true;
            for &partition in &tasks {
                stage.set(partition, TaskState::Queued);
            }
            let (query, stage) = (self.id, stage.id);
            actions.push(Action::Record(Record::Recompute { query, stage, tasks, needed_by, because }));
        }
    }

    /// After a stage became complete: recomputation that only it was waiting for stops. Only stages that were complete once
    /// can be in that place.
    pub(super) fn forget_unneeded(&mut self, nodes: &mut Nodes, actions: &mut Vec<Action>) {
        let needed = self.needed();
        for (stage, needed) in self.stages.iter_mut().zip(needed) {
            if needed || !stage.was_complete {
                continue;
            }
            stage.stop_attempts(self.id, |_| true, nodes, actions);
            for partition in stage.partitions_where(|state| state == TaskState::Queued) {
                stage.set(partition, TaskState::Lost);
            }
            stage.recovering = false;
        }
    }
}

impl Stage {
    /// The outputs that a place holds for consumers. A result stage's are with the coordinator.
    pub(super) fn outputs_at(&self, at: Place) -> Vec<PartitionId> {
        if self.is_result || self.released {
            return Vec::new();
        }
        self.partitions_where(|state| matches!(state, TaskState::Done { place, .. } if place == at))
    }
}
