//! The table of COMPARE: the same query undisturbed and under the same faults in each mode.

use crate::journal::history::{QueryInfo, QueryState};
use crate::scheduler::graph::Mode;
use crate::shell::output::{Cell, Rows, RowsBuilder};
use crate::shell::units;

/// One run of the comparison.
#[derive(Debug, Clone)]
pub struct ComparedRun {
    pub mode: Mode,
    /// The faults, as they would be typed; empty for none.
    pub fault: String,
    pub run: QueryInfo,
    /// A failed run's repetition by hand, on the nodes that were left.
    pub rerun: Option<QueryInfo>,
    /// Whether the rows, in the end, were the reference's byte for byte; None for the reference and where there are none.
    pub identical: Option<bool>,
}

/// One row per run; the first is the reference.
pub fn compare_table(runs: &[ComparedRun]) -> Rows {
    let mut table = RowsBuilder::new(&[
        "mode",
        "fault",
        "outcome",
        "time",
        "with manual retry",
        "tasks",
        "again",
        "thrown away",
        "peak memory",
        "answer",
    ])
    .numbers(&["tasks", "again"])
    .right(&["time", "with manual retry", "thrown away", "peak memory"]);
    for (number, compared) in runs.iter().enumerate() {
        table.push(row(compared, number == 0));
    }
    table.build()
}

fn row(compared: &ComparedRun, reference: bool) -> [Cell; 10] {
    let run = &compared.run;
    let end = |query: &QueryInfo| query.ended.unwrap_or_default();
    let time = run.elapsed_us(end(run));
    let outcome = match run.state {
        QueryState::Failed => "failed",
        QueryState::Finished if run.recovered_from_failure() => "recovered",
        QueryState::Finished => "finished",
        QueryState::Running => "running",
    };
    let (mut finished, mut total, mut thrown) = (run.attempts_finished(), time, run.thrown_away_us(end(run)));
    let mut peak = run.peak_memory_bytes;
    if let Some(rerun) = &compared.rerun {
        finished += rerun.attempts_finished();
        total += rerun.elapsed_us(end(rerun));
        thrown += rerun.thrown_away_us(end(rerun));
        peak = peak.max(rerun.peak_memory_bytes);
    }
    let answered = run.state == QueryState::Finished
        || compared.rerun.as_ref().is_some_and(|rerun| rerun.state == QueryState::Finished);
    [
        compared.mode.to_string().into(),
        if compared.fault.is_empty() { "none".to_string() } else { compared.fault.clone() }.into(),
        outcome.to_string().into(),
        units::micros(time).into(),
        if answered { units::micros(total) } else { "-".to_string() }.into(),
        finished.into(),
        finished.saturating_sub(run.tasks()).into(),
        format!("{} s", units::task_seconds(thrown)).into(),
        units::bytes(peak).into(),
        match compared.identical {
            _ if reference => "reference",
            Some(true) => "identical",
            Some(false) => "DIFFERENT",
            None => "none",
        }
        .to_string()
        .into(),
    ]
}
