//! Work that a query asks for twice is done once: stages that compute the same, as those of a WITH query that is named several
//! times, become one stage that all of them are read from.
//!
//! Stages are compared from the scans up, after predicates have sunk and unused columns are gone, by what they compute
//! ([`fingerprint`]), not by what their columns are called.

use super::super::fingerprint::fingerprint;
use crate::catalog::Format;
use crate::plan::expr::{ColumnDef, ColumnId, Expr};
use crate::plan::physical::{Fragment, Stage};
use crate::scheduler::StageId;
use std::collections::BTreeMap;

/// The stages with each computed once, numbered anew from 1.
pub fn merge_equal(stages: Vec<Stage>) -> Vec<Stage> {
    if stages.len() < 3 {
        return stages;
    }
    // For each old stage: the number of the one that stands for it, and what its columns are called there.
    let mut stands_for: Vec<u32> = Vec::with_capacity(stages.len());
    let mut renamed: Vec<BTreeMap<ColumnId, ColumnDef>> = Vec::with_capacity(stages.len());
    let mut yields: Vec<Vec<ColumnId>> = Vec::with_capacity(stages.len());
    let mut first: BTreeMap<Vec<u8>, usize> = BTreeMap::new();
    let mut kept: Vec<Stage> = Vec::new();
    let last = stages.len() - 1;
    for (place, mut stage) in stages.into_iter().enumerate() {
        let mut places = Vec::new();
        places_read(&stage.fragment, &yields, &mut places);
        yields.push(stage.fragment.columns().into_iter().map(|c| c.id).collect());
        let work = (&stage.fragment, &stage.tasks, &stage.exchange, places);
        // The result stage has no other reader.
        let same = match place == last || !is_comparable(&stage.fragment) {
            true => None,
            false => fingerprint(&work, &stands_for).map(|bytes| *first.entry(bytes).or_insert(kept.len())),
        };
        match same.filter(|same| *same < kept.len()) {
            Some(same) => {
                let columns = stage.fragment.columns().into_iter().map(|c| c.id);
                renamed.push(columns.zip(kept[same].fragment.columns()).collect());
                stands_for.push(same as u32 + 1);
            }
            None => {
                read_from(&mut stage.fragment, &stands_for, &renamed);
                if let Some(join) = &mut stage.late_join {
                    join.build = StageId(stands_for[join.build.0 as usize - 1]);
                    join.probe = StageId(stands_for[join.probe.0 as usize - 1]);
                }
                stage.id = StageId(kept.len() as u32 + 1);
                stands_for.push(stage.id.0);
                renamed.push(BTreeMap::new());
                kept.push(stage);
            }
        }
    }
    kept
}

/// Whether two equal fragments do the same once: the rows of tables in memory are not part of the plan, and files are written as
/// often as was asked.
fn is_comparable(fragment: &Fragment) -> bool {
    match fragment {
        Fragment::Scan { table, .. } => table.format != Format::Memory,
        Fragment::Write { .. } => false,
        other => other.inputs().into_iter().all(is_comparable),
    }
}

/// Which columns of its inputs a fragment reads, by their places there: identities alone do not tell two of a type apart.
fn places_read(fragment: &Fragment, yields: &[Vec<ColumnId>], places: &mut Vec<Option<usize>>) {
    let mut of = |stage: StageId, id: ColumnId| places.push(yields[stage.0 as usize - 1].iter().position(|c| *c == id));
    match fragment {
        Fragment::ExchangeRead { stages, .. } => {
            stages.iter().for_each(|(stage, ids)| ids.iter().for_each(|id| of(*stage, *id)));
        }
        Fragment::ReadAll { stage, columns } => columns.iter().for_each(|c| of(*stage, c.id)),
        other => other.inputs().into_iter().for_each(|input| places_read(input, yields, places)),
    }
}

/// Reads every input from the stage that stands for it, under the names that its columns have here.
fn read_from(fragment: &mut Fragment, stands_for: &[u32], renamed: &[BTreeMap<ColumnId, ColumnDef>]) {
    match fragment {
        Fragment::ExchangeRead { stages, .. } => {
            for (stage, ids) in stages {
                let old = stage.0 as usize - 1;
                *stage = StageId(stands_for[old]);
                for id in ids {
                    if let Some(column) = renamed[old].get(id) {
                        *id = column.id;
                    }
                }
            }
        }
        Fragment::ReadAll { stage, columns } => {
            let old = stage.0 as usize - 1;
            *stage = StageId(stands_for[old]);
            if renamed[old].is_empty() {
                return;
            }
            let there: Vec<ColumnDef> = columns.iter().filter_map(|c| renamed[old].get(&c.id).cloned()).collect();
            let named = columns.drain(..).zip(&there).map(|(c, t)| (c, Expr::column(t.id, t.dtype.clone()))).collect();
            let read = Fragment::ReadAll { stage: *stage, columns: there };
            *fragment = Fragment::Project { input: Box::new(read), columns: named };
        }
        other => other.inputs_mut().into_iter().for_each(|input| read_from(input, stands_for, renamed)),
    }
}
