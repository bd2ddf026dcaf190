//! EXPLAIN: the stages in the order they run, what each reads, does and passes on, and what a lost worker would cost.

use super::expr::{ColumnDef, ColumnId, Expr};
use super::physical::{
    AggregatePhase, Exchange, Fragment, LateJoin, PhysicalAggregate, PhysicalJoin, PhysicalQuery, Stage,
};
use super::title;
use crate::scheduler::StageId;
use std::collections::BTreeMap;

/// Width at which figures stand at the right of a line.
const FIGURES_AT: usize = 64;

/// What happened in a stage, to stand beside the estimate: EXPLAIN ANALYZE.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Actual {
    pub rows: u64,
    pub bytes: u64,
    /// Time on slots, added up over all attempts.
    pub compute_us: u64,
    pub attempts: u32,
    pub tasks: u32,
    /// Why it did not run as it was planned, if so.
    pub adapted: Option<String>,
}

/// The plan for people; with `actual`, the truth beside the estimates.
pub fn explain(query: &PhysicalQuery, actual: Option<&BTreeMap<StageId, Actual>>) -> String {
    let names = names(query);
    let tasks: u32 = query.stages.iter().map(|s| s.tasks.count()).sum();
    let mut text = format!(
        "{}, {}, in the order they run\n",
        plural(query.stages.len() as u64, "stage"),
        plural(tasks as u64, "task")
    );
    let width = query.stages.iter().map(|s| s.tasks.count().to_string().len()).max().unwrap_or(1);
    for stage in &query.stages {
        text.push('\n');
        let head = format!(
            "Stage {:<2} {:>width$} {:<5}  ",
            stage.id.0,
            stage.tasks.count(),
            if stage.tasks.count() == 1 { "task" } else { "tasks" }
        );
        let mut lines = Vec::new();
        describe(&stage.fragment, &names, &mut lines);
        lines.push(Line { text: format!("=> {}", exchange(query, stage, &names)), figures: figures(stage) });
        lines.extend(left_open(query, stage).map(plain));
        for (i, line) in lines.iter().enumerate() {
            let indent = if i == 0 { head.clone() } else { " ".repeat(head.len()) };
            text.push_str(&format!("{indent}{}", line.padded(FIGURES_AT.saturating_sub(indent.len()))));
            text.push('\n');
        }
        if let Some(actual) = actual.and_then(|a| a.get(&stage.id)) {
            let indent = " ".repeat(head.len());
            if let Some(why) = &actual.adapted {
                text.push_str(&format!("{indent}adapted: {why}\n"));
            }
            let tasks = match actual.tasks == stage.tasks.count() {
                true => String::new(),
                false => format!("{}, ", plural(u64::from(actual.tasks), "task")),
            };
            text.push_str(&format!(
                "{indent}in fact {tasks}{}, {}, {} of compute, {}\n",
                plural(actual.rows, "row"),
                bytes(actual.bytes as f64),
                seconds(actual.compute_us),
                plural(actual.attempts as u64, "attempt"),
            ));
        }
    }
    text.push_str(&if_lost(query, tasks));
    text
}

/// The late join whose probe side the stage hashes, if it does.
fn probed_late(query: &PhysicalQuery, stage: &Stage) -> Option<LateJoin> {
    query.adaptive?;
    query.stages.iter().filter_map(|s| s.late_join).find(|join| join.probe == stage.id)
}

/// What is decided about a stage when the size of a build side is known.
fn left_open(query: &PhysicalQuery, stage: &Stage) -> Option<String> {
    query.adaptive?;
    if let Some(join) = stage.late_join {
        let size = bytes(join.broadcast_bytes as f64);
        return Some(format!(
            "if stage {} is at most {size}: broadcast, with stage {} in here",
            join.build.0, join.probe.0
        ));
    }
    let join = probed_late(query, stage)?;
    Some(format!("only if stage {} is over {}", join.build.0, bytes(join.broadcast_bytes as f64)))
}

/// A line of a stage, with figures at its right.
struct Line {
    text: String,
    figures: String,
}

impl Line {
    fn padded(&self, width: usize) -> String {
        if self.figures.is_empty() { self.text.clone() } else { format!("{:<width$}  {}", self.text, self.figures) }
    }
}

fn plain(text: impl Into<String>) -> Line {
    Line { text: text.into(), figures: String::new() }
}

/// What EXPLAIN says at the end: what a failure costs in each mode, and how to see it.
fn if_lost(query: &PhysicalQuery, tasks: u32) -> String {
    let mut lineage = Vec::new();
    for stage in query.stages.iter().rev() {
        let mut sources: Vec<String> = inputs(&stage.fragment).iter().map(|s| format!("stage {}", s.0)).collect();
        sources.extend(title::tables(stage));
        if !sources.is_empty() {
            lineage.push(format!("stage {} <- {}", stage.id.0, sources.join(", ")));
        }
    }
    // A fault in a stage that may turn out not to be needed might never fire.
    let certain = query.stages.iter().filter(|s| probed_late(query, s).is_none());
    let Some(busiest) = certain.max_by_key(|s| (s.tasks.count(), std::cmp::Reverse(s.id))) else {
        return String::new();
    };
    if lineage.is_empty() {
        return "\nNo table is read: this runs on the coordinator, and no worker can be lost.\n".to_string();
    }
    format!(
        "\nIf a worker is lost\n  abort      the query fails; all {} start over\n  recompute  only its needed outputs run again\n             {}\n\
         To try it: INJECT CRASH ON NODE 2 IN STAGE {} AFTER {};\n",
        plural(tasks as u64, "task"),
        lineage.join("\n             "),
        busiest.id.0,
        plural(u64::from(busiest.tasks.count() / 2).max(1), "task").to_uppercase(),
    )
}

/// The stages that a fragment reads, each once.
pub fn inputs(fragment: &Fragment) -> Vec<StageId> {
    fn collect(fragment: &Fragment, found: &mut Vec<StageId>) {
        match fragment {
            Fragment::ExchangeRead { stages, .. } => found.extend(stages.iter().map(|(s, _)| *s)),
            Fragment::ReadAll { stage, .. } => found.push(*stage),
            other => other.inputs().into_iter().for_each(|i| collect(i, found)),
        }
    }
    let mut found = Vec::new();
    collect(fragment, &mut found);
    found.sort();
    found.dedup();
    found
}

type Names = BTreeMap<ColumnId, String>;

/// A name for every column of the query.
fn names(query: &PhysicalQuery) -> Names {
    fn collect(fragment: &Fragment, names: &mut Names) {
        for column in fragment.columns() {
            names.entry(column.id).or_insert(column.name);
        }
        if let Fragment::Scan { columns, .. } = fragment {
            names.extend(columns.iter().map(|c| (c.id, c.name.clone())));
        }
        fragment.inputs().into_iter().for_each(|i| collect(i, names));
    }
    let mut names = Names::new();
    query.stages.iter().for_each(|s| collect(&s.fragment, &mut names));
    names
}

fn show(expr: &Expr, names: &Names) -> String {
    expr.display(&|id| names.get(&id).cloned().unwrap_or_else(|| id.to_string()))
}

fn list<'a>(columns: impl IntoIterator<Item = &'a ColumnId>, names: &Names) -> String {
    let all: Vec<String> =
        columns.into_iter().map(|id| names.get(id).cloned().unwrap_or_else(|| id.to_string())).collect();
    all.join(", ")
}

/// The operators of a fragment in the order in which rows meet them.
fn describe(fragment: &Fragment, names: &Names, lines: &mut Vec<Line>) {
    match fragment {
        Fragment::HashJoin { probe: left, .. } | Fragment::NestedLoopJoin { left, .. } => describe(left, names, lines),
        other => other.inputs().into_iter().for_each(|i| describe(i, names, lines)),
    }
    match fragment {
        Fragment::Scan { table, columns, predicate, limit, .. } => {
            let read: Vec<&str> = columns.iter().map(|c| c.name.as_str()).collect();
            lines.push(Line {
                text: format!("read {}: {}", table.display_name(), read.join(", ")),
                figures: format!("~{}", plural(table.rows, "row")),
            });
            if let Some(predicate) = predicate {
                lines.push(plain(format!("filter in the scan: {}", show(predicate, names))));
            }
            if let Some(limit) = limit {
                lines.push(plain(format!("stop after {}", plural(*limit, "row"))));
            }
        }
        Fragment::ExchangeRead { .. } | Fragment::ReadAll { .. } => {}
        Fragment::Values { rows, .. } => lines.push(plain(plural(rows.len() as u64, "constant row"))),
        Fragment::Filter { predicate, .. } => lines.push(plain(format!("filter {}", show(predicate, names)))),
        Fragment::Project { columns, .. } => {
            let computed: Vec<String> = columns
                .iter()
                .filter(|(_, e)| e.as_column().is_none())
                .map(|(def, e)| {
                    let text = show(e, names);
                    if text == def.name { text } else { format!("{} = {text}", def.name) }
                })
                .collect();
            if !computed.is_empty() {
                lines.push(plain(format!("compute {}", computed.join(", "))));
            }
        }
        Fragment::Aggregate { keys, aggregates, phase, .. } => {
            lines.push(plain(aggregate(keys, aggregates, *phase, names)))
        }
        Fragment::HashJoin { build, kind, keys, nulls_match, residual, .. } => {
            let on: Vec<String> = keys
                .iter()
                .zip(nulls_match)
                .map(|((l, r), nulls_match)| match (list([l], names), list([r], names)) {
                    (l, r) if *nulls_match => format!("{l} IS NOT DISTINCT FROM {r}"),
                    (l, r) if l == r => l,
                    (l, r) => format!("{l} = {r}"),
                })
                .collect();
            lines.push(plain(format!("{} with {} on {}", join(*kind), side(build), on.join(", "))));
            if let Some(residual) = residual {
                lines.push(plain(format!("  and {}", show(residual, names))));
            }
        }
        Fragment::NestedLoopJoin { right, kind, on, .. } => lines.push(plain(match on {
            Some(on) => format!("{} with {} on {}", join(*kind), side(right), show(on, names)),
            None => format!("every pair with {}", side(right)),
        })),
        Fragment::Sort { keys, .. } => {
            lines.push(plain(format!("sort by {}", list(keys.iter().map(|k| &k.column), names))))
        }
        Fragment::TopK { keys, limit, .. } => {
            lines.push(plain(format!("first {limit} by {}", list(keys.iter().map(|k| &k.column), names))));
        }
        Fragment::Limit { limit, offset, .. } => {
            let limit = limit.map_or("all rows".to_string(), |l| plural(l, "row"));
            let offset = if *offset > 0 { format!(" after the first {offset}") } else { String::new() };
            lines.push(plain(format!("{limit}{offset}")));
        }
        Fragment::Unnest { lists, outer, .. } => {
            let lists: Vec<String> = lists.iter().map(|(_, list)| show(list, names)).collect();
            let word = if *outer { "unnest, keeping rows without elements," } else { "unnest" };
            lines.push(plain(format!("{word} {}", lists.join(", "))));
        }
        Fragment::SingleRow { .. } => lines.push(plain("exactly one row")),
        Fragment::GroupingSets { keys, sets, .. } => {
            let set = |set: &Vec<usize>| format!("({})", list(set.iter().map(|i| &keys[*i].id), names));
            lines.push(plain(format!("for each of {}", sets.sets.iter().map(set).collect::<Vec<_>>().join(", "))));
        }
        Fragment::FirstOfEach { on, order, .. } => {
            let by = list(order.iter().map(|k| &k.column), names);
            let by = if by.is_empty() { by } else { format!(" by {by}") };
            lines.push(plain(format!("first row of each {}{by}", list(on, names))));
        }
        Fragment::Repeat { .. } => lines.push(plain("each row as often as it is left")),
        Fragment::Write { target, .. } => lines.push(plain(format!("write {}", target.name))),
        Fragment::Window { calls, .. } => {
            let name = |id: ColumnId| names.get(&id).cloned().unwrap_or_else(|| id.to_string());
            lines.extend(calls.iter().map(|call| plain(call.display(&name))));
        }
    }
}

fn aggregate(keys: &[ColumnDef], aggregates: &[PhysicalAggregate], phase: AggregatePhase, names: &Names) -> String {
    let calls: Vec<String> = aggregates
        .iter()
        .map(|a| match a.call.function.as_str() {
            "count_star" => "count(*)".to_string(),
            name => {
                if a.call.args.iter().any(|(id, _)| !names.contains_key(id)) {
                    // The arguments were computed for another reader of the stage, under other identities.
                    return a.call.output.name.clone();
                }
                let distinct = if a.call.distinct { "DISTINCT " } else { "" };
                let order = list(a.call.order_by.iter().map(|(key, _)| &key.column), names);
                let order = if order.is_empty() { order } else { format!(" ORDER BY {order}") };
                format!("{name}({distinct}{}{order})", list(a.call.args.iter().map(|(id, _)| id), names))
            }
        })
        .collect();
    let what = if calls.is_empty() { "distinct rows".to_string() } else { calls.join(", ") };
    let by = if keys.is_empty() || calls.is_empty() {
        String::new()
    } else {
        format!(" by {}", list(keys.iter().map(|k| &k.id), names))
    };
    match phase {
        AggregatePhase::Complete => format!("{what}{by}"),
        AggregatePhase::Partial => format!("partial {what}{by}"),
        AggregatePhase::Final => format!("final {what}{by}"),
        AggregatePhase::Merge => format!("merge {what}{by}"),
    }
}

fn join(kind: PhysicalJoin) -> &'static str {
    match kind {
        PhysicalJoin::Inner => "inner join",
        PhysicalJoin::LeftOuter => "left join",
        PhysicalJoin::RightOuter => "right join",
        PhysicalJoin::FullOuter => "full join",
        PhysicalJoin::Semi => "semi join",
        PhysicalJoin::Anti => "anti join",
        PhysicalJoin::Mark(_) => "mark join",
        PhysicalJoin::Single => "single-row join",
        PhysicalJoin::AsOf { outer: false, .. } => "asof join",
        PhysicalJoin::AsOf { outer: true, .. } => "asof left join",
    }
}

fn side(fragment: &Fragment) -> String {
    let stages: Vec<String> = inputs(fragment).iter().map(|s| format!("stage {}", s.0)).collect();
    if stages.is_empty() { "constants".to_string() } else { stages.join(" and ") }
}

fn exchange(query: &PhysicalQuery, stage: &Stage, names: &Names) -> String {
    let readers = query.stages.iter().filter(|s| inputs(&s.fragment).contains(&stage.id));
    let readers: Vec<String> = readers.map(|s| s.id.0.to_string()).collect();
    let to = match &readers[..] {
        [] => None,
        [one] => Some(format!("stage {one}")),
        [most @ .., last] => Some(format!("stages {} and {last}", most.join(", "))),
    };
    match (&stage.exchange, to) {
        (Exchange::Hash { keys, partitions }, _) => format!("hash({}), {partitions} partitions", list(keys, names)),
        (Exchange::Broadcast, Some(to)) => format!("broadcast to {to}"),
        (Exchange::Gather, Some(to)) => format!("gather to {to}"),
        (Exchange::Broadcast | Exchange::Gather, None) => "gather to the coordinator".to_string(),
        (Exchange::RoundRobin { partitions }, _) => {
            format!("round robin, {}", plural(u64::from(*partitions), "partition"))
        }
    }
}

fn figures(stage: &Stage) -> String {
    format!("~{}  ~{}", plural(stage.estimate.rows.round() as u64, "row"), bytes(stage.estimate.bytes))
}

fn plural(count: u64, noun: &str) -> String {
    format!("{} {noun}{}", thousands(count), if count == 1 { "" } else { "s" })
}

/// `120,000`.
fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `0.3 MB`, in units of 1000.
pub fn bytes(bytes: f64) -> String {
    if bytes >= 1e9 {
        format!("{:.1} GB", bytes / 1e9)
    } else if bytes >= 1e5 {
        format!("{:.1} MB", bytes / 1e6)
    } else {
        format!("{:.1} kB", bytes / 1e3)
    }
}

fn seconds(us: u64) -> String {
    if us >= 1_000_000 { format!("{:.1} s", us as f64 / 1e6) } else { format!("{:.1} ms", us as f64 / 1e3) }
}
