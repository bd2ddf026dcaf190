//! A stage in a few words, for trees, footers and errors: `scan orders, partial sum`.

use super::physical::{AggregatePhase, Fragment, PhysicalAggregate, Stage};
use super::window::WindowCall;

/// The title of a stage.
pub fn title(stage: &Stage) -> String {
    let mut words = Vec::new();
    describe(&stage.fragment, &mut words);
    if words.is_empty() {
        words.push("pass on".to_string());
    }
    words.join(", ")
}

/// The tables that a stage reads itself.
pub fn tables(stage: &Stage) -> Vec<String> {
    fn collect(fragment: &Fragment, found: &mut Vec<String>) {
        if let Fragment::Scan { table, .. } = fragment {
            found.push(table.display_name());
        }
        for input in fragment.inputs() {
            collect(input, found);
        }
    }
    let mut found = Vec::new();
    collect(&stage.fragment, &mut found);
    found
}

fn describe(fragment: &Fragment, words: &mut Vec<String>) {
    for input in fragment.inputs() {
        describe(input, words);
    }
    match fragment {
        Fragment::Scan { table, .. } => words.push(format!("scan {}", table.display_name())),
        Fragment::Aggregate { aggregates, phase, keys, .. } => {
            words.push(aggregate(aggregates, *phase, keys.is_empty()))
        }
        Fragment::HashJoin { .. } | Fragment::NestedLoopJoin { .. } => words.push("join".to_string()),
        Fragment::Sort { .. } => words.push("sort".to_string()),
        Fragment::TopK { limit, .. } => words.push(format!("top {limit}")),
        Fragment::Limit { .. } => words.push("limit".to_string()),
        Fragment::Unnest { .. } => words.push("unnest".to_string()),
        Fragment::Values { .. } => words.push("values".to_string()),
        Fragment::Window { calls, .. } => words.push(window(calls)),
        Fragment::ExchangeRead { .. }
        | Fragment::ReadAll { .. }
        | Fragment::Filter { .. }
        | Fragment::Project { .. }
        | Fragment::Repeat { .. }
        | Fragment::SingleRow { .. } => {}
        Fragment::GroupingSets { .. } => words.push("grouping sets".to_string()),
        Fragment::FirstOfEach { .. } => words.push("first of each".to_string()),
        Fragment::Write { target, .. } => words.push(format!("write {}", target.name)),
    }
}

/// `window rank and sum`.
fn window(calls: &[WindowCall]) -> String {
    let mut names: Vec<&str> = Vec::new();
    for call in calls {
        let name = if call.function == "count_star" { "count" } else { &call.function };
        if !names.contains(&name) {
            names.push(name);
        }
    }
    if names.len() <= 3 {
        format!("window {}", names.join(" and "))
    } else {
        format!("{} window functions", names.len())
    }
}

/// `partial sum`, `final count, sum`, `distinct`.
fn aggregate(aggregates: &[PhysicalAggregate], phase: AggregatePhase, no_keys: bool) -> String {
    let mut names: Vec<&str> = Vec::new();
    for aggregate in aggregates {
        let name = if aggregate.call.function == "count_star" { "count" } else { &aggregate.call.function };
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let what = match names.as_slice() {
        [] => "distinct".to_string(),
        names if names.len() <= 3 => names.join(" and "),
        names => format!("{} aggregates", names.len()),
    };
    match phase {
        AggregatePhase::Complete if no_keys => what,
        AggregatePhase::Complete => format!("group, {what}"),
        AggregatePhase::Partial => format!("partial {what}"),
        AggregatePhase::Final => format!("final {what}"),
        AggregatePhase::Merge => format!("merge {what}"),
    }
}
