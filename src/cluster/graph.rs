//! A physical plan as the scheduler sees it (stages, who reads whom, weights), and as footers and trees name it.

use crate::journal::record::StageSummary;
use crate::plan::adapt::may_read;
use crate::plan::physical::{AggregatePhase, Fragment, PhysicalQuery, Stage};
use crate::scheduler::StageId;
use crate::scheduler::graph::{Graph, Read, StageInput, StageNode};

/// The scheduler's view of a plan. A stage weighs as much as it has tasks, so that half of the progress is half of the tasks.
///
/// A stage that is decided late has all the inputs that it may read; which ones it does read is said when it is planned.
pub(crate) fn graph(plan: &PhysicalQuery) -> Graph {
    let node = |stage: &Stage| {
        let mut inputs = reads(&stage.fragment);
        for other in may_read(plan, stage) {
            if !inputs.iter().any(|input| input.stage == other) {
                inputs.push(StageInput { stage: other, read: Read::All });
            }
        }
        StageNode { id: stage.id, inputs, weight: u64::from(stage.tasks.count()) }
    };
    Graph { stages: plan.stages.iter().map(node).collect() }
}

/// The stages of a plan in words.
pub(crate) fn summaries(plan: &PhysicalQuery) -> Vec<StageSummary> {
    let summary = |stage: &Stage| StageSummary {
        stage: stage.id,
        title: title(stage, stage.id == plan.stages.last().map_or(stage.id, |last| last.id)),
        tasks: stage.tasks.count(),
        inputs: reads(&stage.fragment).iter().map(|input| input.stage).collect(),
        tables: tables(stage),
    };
    plan.stages.iter().map(summary).collect()
}

/// The tables that a stage reads itself.
pub(crate) fn tables(stage: &Stage) -> Vec<String> {
    let mut tables = Vec::new();
    walk(&stage.fragment, &mut |fragment| {
        if let Fragment::Scan { table, .. } = fragment {
            tables.push(table.display_name());
        }
    });
    tables
}

/// The exchanges that a fragment reads, each stage once, in order of first use.
pub(crate) fn reads(fragment: &Fragment) -> Vec<StageInput> {
    let mut found: Vec<StageInput> = Vec::new();
    let mut add = |stage: StageId, read: Read| {
        if !found.iter().any(|input| input.stage == stage) {
            found.push(StageInput { stage, read });
        }
    };
    walk(fragment, &mut |fragment| match fragment {
        Fragment::ExchangeRead { stages, .. } => {
            stages.iter().for_each(|(stage, _)| add(*stage, Read::Partition));
        }
        Fragment::ReadAll { stage, .. } => add(*stage, Read::All),
        _ => {}
    });
    found
}

/// Inputs before what reads them, probe side first: the order in which a person would tell it.
fn walk(fragment: &Fragment, visit: &mut impl FnMut(&Fragment)) {
    for input in fragment.inputs() {
        walk(input, visit);
    }
    visit(fragment);
}

/// A few words: `scan orders, partial sum`.
pub(crate) fn title(stage: &Stage, is_result: bool) -> String {
    let mut words: Vec<String> = Vec::new();
    walk(&stage.fragment, &mut |fragment| {
        let word = match fragment {
            Fragment::Scan { table, .. } => format!("scan {}", table.display_name()),
            Fragment::Values { .. } => "constants".to_string(),
            Fragment::Aggregate { aggregates, phase, .. } => {
                let mut names: Vec<&str> = aggregates.iter().map(|a| function_word(&a.call.function)).collect();
                names.dedup();
                let what = if names.is_empty() { "distinct".to_string() } else { names.join(", ") };
                match phase {
                    AggregatePhase::Partial => format!("partial {what}"),
                    AggregatePhase::Final => format!("final {what}"),
                    AggregatePhase::Complete => what,
                    AggregatePhase::Merge => format!("merge {what}"),
                }
            }
            Fragment::HashJoin { .. } | Fragment::NestedLoopJoin { .. } => "join".to_string(),
            Fragment::Sort { .. } => "sort".to_string(),
            Fragment::TopK { limit, .. } => format!("top {limit}"),
            Fragment::Limit { .. } => "limit".to_string(),
            Fragment::Window { .. } => "window".to_string(),
            Fragment::Unnest { .. } => "unnest".to_string(),
            Fragment::ExchangeRead { .. }
            | Fragment::ReadAll { .. }
            | Fragment::Filter { .. }
            | Fragment::Project { .. }
            | Fragment::Repeat { .. }
            | Fragment::SingleRow { .. } => return,
            Fragment::GroupingSets { .. } => "grouping sets".to_string(),
            Fragment::FirstOfEach { .. } => "first of each".to_string(),
            Fragment::Write { target, .. } => format!("write {}", target.name),
        };
        if words.last() != Some(&word) {
            words.push(word);
        }
    });
    if words.is_empty() {
        words.push(if is_result { "gather" } else { "exchange" }.to_string());
    }
    words.join(", ")
}

fn function_word(function: &str) -> &str {
    if function == "count_star" { "count" } else { function }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::physical::{Estimate, Exchange, Tasks};

    #[test]
    fn reads_are_found_below_joins_and_named_once() {
        let read = |stage| Fragment::ReadAll { stage: StageId(stage), columns: vec![] };
        let exchange =
            Fragment::ExchangeRead { stages: vec![(StageId(2), vec![]), (StageId(3), vec![])], columns: vec![] };
        let fragment = Fragment::NestedLoopJoin {
            left: Box::new(exchange),
            right: Box::new(read(1)),
            kind: crate::plan::physical::PhysicalJoin::Inner,
            on: None,
            output: vec![],
        };
        let found: Vec<(u32, Read)> = reads(&fragment).iter().map(|i| (i.stage.0, i.read)).collect();
        assert_eq!(found, [(2, Read::Partition), (3, Read::Partition), (1, Read::All)]);
        let stage = Stage {
            id: StageId(4),
            fragment,
            tasks: Tasks::Partitions { count: 4 },
            exchange: Exchange::Gather,
            estimate: Estimate::default(),
            late_join: None,
        };
        let plan = PhysicalQuery { stages: vec![stage], output: vec![], adaptive: None };
        assert_eq!(graph(&plan).stages[0].weight, 4);
        assert_eq!(summaries(&plan)[0].title, "join");
    }
}
