//! EXPLAIN ANALYZE: what each stage really did.

use crate::journal::history::{AttemptInfo, QueryInfo};
use crate::plan::explain::Actual;
use crate::scheduler::StageId;
use std::collections::BTreeMap;

/// What happened in each stage, to stand beside the plan's estimates.
pub fn actual(query: &QueryInfo) -> BTreeMap<StageId, Actual> {
    let of_stage = |stage: StageId| -> Vec<&AttemptInfo> {
        query.attempts.values().filter(|attempt| attempt.attempt.task.stage == stage).collect()
    };
    query
        .stages
        .iter()
        .map(|stage| {
            let attempts = of_stage(stage.summary.stage);
            let compute_us = attempts.iter().map(|attempt| attempt.usage.compute_us).sum();
            let attempts = attempts.len() as u32;
            (
                stage.summary.stage,
                Actual {
                    rows: stage.rows,
                    bytes: stage.bytes,
                    compute_us,
                    attempts,
                    tasks: stage.summary.tasks,
                    adapted: stage.adapted.clone(),
                },
            )
        })
        .collect()
}
