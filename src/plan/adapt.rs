//! What becomes of a stage when the true sizes of its inputs are known: the last decisions of a plan.
//!
//! Three things are left open until then. A join whose build side may be small is a broadcast if it is ([`LateJoin`]); small
//! neighbouring partitions are read by one task; a partition that is far larger than the others is read by several, where the
//! operators allow it (as Spark's adaptive execution does, `spark.sql.adaptive`). All of it follows from the plan and from the bytes of
//! blocks, which a recomputed output has again: never from nodes or timing. Rows stay in the order of the partitions.

use super::expr::{ColumnDef, ColumnId, Expr};
use super::physical::{
    AdaptiveLimits, AggregatePhase, Fragment, LateJoin, PhysicalJoin, PhysicalQuery, Share, Stage, Tasks,
};
use crate::scheduler::StageId;
use std::collections::BTreeMap;
use std::ops::Range;

/// Partitions are not merged below this many tasks: a small cluster still shares the work.
pub const LEAST_TASKS: u32 = 4;

/// The bytes of every block of the stages that are complete: by stage, then by task, then by partition.
pub type BlockBytes = BTreeMap<StageId, Vec<Vec<u64>>>;

/// What became of a stage.
#[derive(Debug, Clone, PartialEq)]
pub struct Adapted {
    pub fragment: Fragment,
    pub tasks: Tasks,
    /// In words for people: `stage 1 is only 1.2 MB: broadcast`.
    pub why: String,
}

/// What becomes of a stage whose inputs are complete; None if it runs as it was planned.
pub fn adapt(query: &PhysicalQuery, stage: StageId, sizes: &BlockBytes) -> Option<Adapted> {
    let limits = query.adaptive?;
    let stage = find(query, stage)?;
    if let Some(join) = query.stages.iter().filter_map(|s| s.late_join).find(|join| join.probe == stage.id)
        && is_small(&join, sizes)
    {
        let why = format!("not needed: {}", broadcast(&join, sizes));
        return Some(Adapted { fragment: stage.fragment.clone(), tasks: Tasks::Shares(Vec::new()), why });
    }
    resolve(query, stage, &limits, sizes)
}

/// The stages that may be read by a stage, beside those that its planned fragment reads: by a late join in it, or because its
/// planning waits for a build side. Each may be there several times.
pub fn may_read(query: &PhysicalQuery, stage: &Stage) -> Vec<StageId> {
    let mut found = Vec::new();
    if query.adaptive.is_none() {
        return found;
    }
    let waits_for = query.stages.iter().filter_map(|s| s.late_join).filter(|join| join.probe == stage.id);
    found.extend(waits_for.map(|join| join.build));
    if let Some(probe) = stage.late_join.and_then(|join| find(query, join.probe)) {
        found.extend(super::explain::inputs(&probe.fragment));
        found.extend(may_read(query, probe));
    }
    found
}

/// Leaves only late joins whose probe side nobody else reads: it may not be there in the end.
pub(super) fn keep_sound_joins(stages: &mut [Stage]) {
    let mut readers: BTreeMap<StageId, u32> = BTreeMap::new();
    for stage in stages.iter() {
        super::explain::inputs(&stage.fragment).into_iter().for_each(|input| *readers.entry(input).or_default() += 1);
    }
    for stage in stages {
        stage.late_join =
            stage.late_join.filter(|join| join.build != join.probe && readers.get(&join.probe) == Some(&1));
    }
}

fn find(query: &PhysicalQuery, stage: StageId) -> Option<&Stage> {
    query.stages.iter().find(|s| s.id == stage)
}

/// A stage that does run.
fn resolve(query: &PhysicalQuery, stage: &Stage, limits: &AdaptiveLimits, sizes: &BlockBytes) -> Option<Adapted> {
    if let Some(join) = stage.late_join.filter(|join| is_small(join, sizes))
        && let Some(probe) = find(query, join.probe)
    {
        let inner = resolve(query, probe, limits, sizes);
        let (inlined, tasks, inner_why) = match inner {
            Some(adapted) => (adapted.fragment, adapted.tasks, Some(adapted.why)),
            None => (probe.fragment.clone(), probe.tasks.clone(), None),
        };
        let mut fragment = stage.fragment.clone();
        if !replace_join(&mut fragment, &join, &inlined) {
            return None;
        }
        let why = [Some(broadcast(&join, sizes)), inner_why].into_iter().flatten().collect::<Vec<_>>().join("; ");
        return Some(Adapted { fragment, tasks, why });
    }
    let Tasks::Partitions { count } = stage.tasks else { return None };
    let (shares, why) = shares(&stage.fragment, count, limits, sizes)?;
    Some(Adapted { fragment: stage.fragment.clone(), tasks: Tasks::Shares(shares), why })
}

fn total(stage: StageId, sizes: &BlockBytes) -> u64 {
    sizes.get(&stage).into_iter().flatten().flatten().sum()
}

fn is_small(join: &LateJoin, sizes: &BlockBytes) -> bool {
    sizes.contains_key(&join.build) && total(join.build, sizes) <= join.broadcast_bytes
}

fn broadcast(join: &LateJoin, sizes: &BlockBytes) -> String {
    let bytes = super::explain::bytes(total(join.build, sizes) as f64);
    format!("stage {} holds only {bytes}, so it is broadcast", join.build.0)
}

/// Puts `probe` in the place of the exchange between it and the join, which then reads its build side whole.
fn replace_join(fragment: &mut Fragment, join: &LateJoin, inlined: &Fragment) -> bool {
    if let Fragment::HashJoin { probe, build, .. } = fragment
        && let (Some((of_probe, probe_ids, probe_columns)), Some((of_build, build_ids, build_columns))) =
            (exchange(probe), exchange(build))
        && (of_probe, of_build) == (join.probe, join.build)
    {
        let read = build_columns.iter().zip(&build_ids).map(|(def, id)| ColumnDef { id: *id, ..def.clone() }).collect();
        let whole = Fragment::ReadAll { stage: join.build, columns: read };
        **build = renamed(whole, &build_ids, &build_columns);
        **probe = renamed(inlined.clone(), &probe_ids, &probe_columns);
        return true;
    }
    fragment.inputs_mut().into_iter().any(|input| replace_join(input, join, inlined))
}

/// The one stage that a fragment reads by partition, if it does nothing else, with its columns there and here.
fn exchange(fragment: &Fragment) -> Option<(StageId, Vec<ColumnId>, Vec<ColumnDef>)> {
    match fragment {
        Fragment::ExchangeRead { stages, columns } => match &stages[..] {
            [(stage, ids)] => Some((*stage, ids.clone(), columns.clone())),
            _ => None,
        },
        _ => None,
    }
}

/// Columns `ids` of a fragment under the names of `columns`.
fn renamed(input: Fragment, ids: &[ColumnId], columns: &[ColumnDef]) -> Fragment {
    if input.columns().iter().map(|c| c.id).eq(columns.iter().map(|c| c.id)) {
        return input;
    }
    let column = |(def, id): (&ColumnDef, &ColumnId)| (def.clone(), Expr::column(*id, def.dtype.clone()));
    let columns = columns.iter().zip(ids).map(column).collect();
    Fragment::Project { input: Box::new(input), columns }
}

/// How `count` partitions are shared among tasks; None if it is one each.
fn shares(
    fragment: &Fragment,
    count: u32,
    limits: &AdaptiveLimits,
    sizes: &BlockBytes,
) -> Option<(Vec<Share>, String)> {
    let mut read = Vec::new();
    exchanges_read(fragment, &mut read)?;
    let reads = |stage: StageId| read.iter().filter(|s| **s == stage).count();
    let of_partition = |stage: StageId, p: u32| -> u64 {
        sizes.get(&stage).into_iter().flatten().map(|blocks| blocks.get(p as usize).copied().unwrap_or(0)).sum()
    };
    let bytes: Vec<u64> = (0..count).map(|p| read.iter().map(|s| of_partition(*s, p)).sum()).collect();
    let merged_up_to = limits.task_bytes.min(bytes.iter().sum::<u64>() / u64::from(LEAST_TASKS));
    // A stage that is also read as a build side has to be there whole.
    let split = rows_apart(fragment).filter(|stage| reads(*stage) == 1).map(|stage| {
        let own: Vec<u64> = (0..count).map(|p| of_partition(stage, p)).collect();
        (stage, skewed(&own, limits))
    });
    let mut shares: Vec<Share> = Vec::new();
    let (mut open_bytes, mut large, mut parts) = (None, Vec::new(), 0);
    for (p, bytes) in (0..count).zip(bytes) {
        if let Some((stage, skewed)) = &split
            && skewed[p as usize]
        {
            let cut = producers(&sizes[stage], p as usize, limits.task_bytes);
            if cut.len() > 1 {
                large.push(p.to_string());
                parts += cut.len();
                let share = |range| Share { partitions: p..p + 1, producers: Some((*stage, range)) };
                shares.extend(cut.into_iter().map(share));
                open_bytes = None;
                continue;
            }
        }
        match (open_bytes, shares.last_mut()) {
            (Some(open), Some(share)) if count > LEAST_TASKS && open + bytes <= merged_up_to => {
                share.partitions.end = p + 1;
                open_bytes = Some(open + bytes);
            }
            _ => {
                shares.push(Share { partitions: p..p + 1, producers: None });
                open_bytes = Some(bytes);
            }
        }
    }
    let whole = shares.iter().filter(|share| share.producers.is_none());
    let (tasks, held) = whole.fold((0, 0), |(n, held), share| (n + 1, held + share.partitions.len()));
    let mut why = Vec::new();
    if tasks < held {
        why.push(format!("{held} partitions are small: {tasks} tasks read them"));
    }
    match &large[..] {
        [] => {}
        [one] => why.push(format!("partition {one} is far larger than the others: {parts} tasks read it")),
        _ => {
            why.push(format!("partitions {} are far larger than the others: {parts} tasks read them", large.join(", ")))
        }
    }
    (!why.is_empty()).then(|| (shares, why.join("; ")))
}

/// The stages that a fragment reads by partition, as often as it does; None if one of them is not cut by keys, so that its partitions say nothing.
fn exchanges_read(fragment: &Fragment, found: &mut Vec<StageId>) -> Option<()> {
    match fragment {
        Fragment::ExchangeRead { stages, .. } => match &stages[..] {
            [(stage, _)] => {
                found.push(*stage);
                Some(())
            }
            _ => None,
        },
        other => other.inputs().into_iter().try_for_each(|input| exchanges_read(input, found)),
    }
}

/// The stage whose rows meet no other row of their partition on their way through the fragment, so that they may be read by
/// several tasks.
fn rows_apart(fragment: &Fragment) -> Option<StageId> {
    match fragment {
        Fragment::ExchangeRead { stages, .. } => match &stages[..] {
            [(stage, _)] => Some(*stage),
            _ => None,
        },
        Fragment::Filter { input, .. }
        | Fragment::Project { input, .. }
        | Fragment::Unnest { input, .. }
        | Fragment::Repeat { input, .. }
        | Fragment::Write { input, .. }
        // Where there are several tasks, these keep candidates, or sort for a merge: somebody else ends it.
        | Fragment::Sort { input, .. }
        | Fragment::TopK { input, .. }
        | Fragment::Aggregate { input, phase: AggregatePhase::Partial, .. } => rows_apart(input),
        Fragment::Limit { input, offset: 0, .. } => rows_apart(input),
        Fragment::HashJoin { probe: left, kind, .. } | Fragment::NestedLoopJoin { left, kind, .. } => match kind {
            PhysicalJoin::RightOuter | PhysicalJoin::FullOuter => None,
            PhysicalJoin::Inner
            | PhysicalJoin::LeftOuter
            | PhysicalJoin::Semi
            | PhysicalJoin::Anti
            | PhysicalJoin::Mark(_)
            | PhysicalJoin::Single
            | PhysicalJoin::AsOf { .. } => rows_apart(left),
        },
        Fragment::Limit { .. }
        | Fragment::Aggregate { .. }
        | Fragment::Scan { .. }
        | Fragment::ReadAll { .. }
        | Fragment::Values { .. }
        | Fragment::SingleRow { .. }
        | Fragment::GroupingSets { .. }
        | Fragment::FirstOfEach { .. }
        | Fragment::Window { .. } => None,
    }
}

/// Which partitions are skewed, by their bytes.
fn skewed(bytes: &[u64], limits: &AdaptiveLimits) -> Vec<bool> {
    let mut sorted = bytes.to_vec();
    sorted.sort_unstable();
    let median = sorted.get(sorted.len() / 2).copied().unwrap_or(0);
    let least = limits.skew_bytes.max(median.saturating_mul(limits.skew_factor));
    bytes.iter().map(|b| *b > least).collect()
}

/// The producers of a partition, cut where about `task_bytes` are together.
fn producers(blocks: &[Vec<u64>], partition: usize, task_bytes: u64) -> Vec<Range<u32>> {
    let mut cut: Vec<Range<u32>> = Vec::new();
    let mut open = u64::MAX;
    for (producer, blocks) in (0..).zip(blocks) {
        let bytes = blocks.get(partition).copied().unwrap_or(0);
        match cut.last_mut() {
            Some(last) if open.saturating_add(bytes) <= task_bytes => {
                last.end = producer + 1;
                open += bytes;
            }
            _ => {
                cut.push(producer..producer + 1);
                open = bytes;
            }
        }
    }
    cut
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::expr::ColumnDef;
    use crate::sql::DataType;

    const LIMITS: AdaptiveLimits = AdaptiveLimits { task_bytes: 100, skew_factor: 5, skew_bytes: 200 };

    fn column() -> ColumnDef {
        ColumnDef { id: ColumnId(0), name: "k".into(), dtype: DataType::BigInt }
    }

    fn read(stage: u32) -> Box<Fragment> {
        Box::new(Fragment::ExchangeRead { stages: vec![(StageId(stage), vec![ColumnId(0)])], columns: vec![column()] })
    }

    fn join(kind: PhysicalJoin) -> Fragment {
        Fragment::HashJoin {
            probe: read(2),
            build: read(1),
            kind,
            keys: vec![(ColumnId(0), ColumnId(0))],
            nulls_match: vec![false],
            residual: None,
            output: vec![ColumnId(0)],
        }
    }

    /// Shares as `0-2 3 4[0-1] 4[2-2]`: partitions, and in brackets the producers where they are split.
    fn shared(fragment: &Fragment, sizes: &[(u32, &[&[u64]])]) -> String {
        let sizes: BlockBytes = sizes
            .iter()
            .map(|(stage, tasks)| (StageId(*stage), tasks.iter().map(|blocks| blocks.to_vec()).collect()))
            .collect();
        let count = sizes.values().flatten().map(Vec::len).max().unwrap_or(0) as u32;
        let range =
            |r: &Range<u32>| if r.len() == 1 { r.start.to_string() } else { format!("{}-{}", r.start, r.end - 1) };
        let Some((shares, _)) = shares(fragment, count, &LIMITS, &sizes) else { return "as planned".into() };
        let share = |s: &Share| match &s.producers {
            None => range(&s.partitions),
            Some((_, producers)) => format!("{}[{}]", range(&s.partitions), range(producers)),
        };
        shares.iter().map(share).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn small_neighbours_are_read_together_but_not_by_fewer_than_four_tasks() {
        let sizes: &[&[u64]] = &[&[10, 10, 10, 10, 10, 10, 10, 10]];
        assert_eq!(shared(&read(1), &[(1, sizes)]), "0-1 2-3 4-5 6-7");
        let sizes: &[&[u64]] = &[&[90, 90, 5, 5, 90, 0, 90, 90]];
        assert_eq!(shared(&read(1), &[(1, sizes)]), "0 1-3 4-5 6 7");
        assert_eq!(shared(&read(1), &[(1, &[&[1, 1, 1, 1]])]), "as planned");
    }

    #[test]
    fn a_skewed_partition_of_the_probe_side_is_split_by_its_producers() {
        let build: &[&[u64]] = &[&[10, 10, 10]];
        let probe: &[&[u64]] = &[&[10, 90, 10], &[10, 80, 10], &[10, 90, 10]];
        assert_eq!(shared(&join(PhysicalJoin::Inner), &[(1, build), (2, probe)]), "0 1[0] 1[1] 1[2] 2");
        // Its build rows are told to be without a match by one task alone.
        assert_eq!(shared(&join(PhysicalJoin::FullOuter), &[(1, build), (2, probe)]), "as planned");
        // One producer made it all: there is nothing to split by.
        let one: &[&[u64]] = &[&[10, 900, 10]];
        assert_eq!(shared(&join(PhysicalJoin::Inner), &[(1, build), (2, one)]), "as planned");
    }

    #[test]
    fn a_stage_that_is_joined_with_itself_is_not_split() {
        let mut both = join(PhysicalJoin::Inner);
        if let Fragment::HashJoin { build, .. } = &mut both {
            *build = read(2);
        }
        let sizes: &[&[u64]] = &[&[10, 90, 10], &[10, 80, 10], &[10, 90, 10]];
        assert_eq!(shared(&both, &[(2, sizes)]), "as planned");
    }

    #[test]
    fn groups_that_are_finished_are_not_split() {
        let groups = Fragment::Aggregate {
            input: read(2),
            keys: vec![column()],
            aggregates: vec![],
            phase: AggregatePhase::Final,
        };
        let sizes: &[&[u64]] = &[&[10, 90, 10], &[10, 80, 10], &[10, 90, 10]];
        assert_eq!(shared(&groups, &[(2, sizes)]), "as planned");
    }
}
