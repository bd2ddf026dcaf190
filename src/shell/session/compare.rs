//! COMPARE: the same query undisturbed, then under the armed faults in each mode.

use super::Session;
use super::queries::{Planned, Ran, part};
use super::replies;
use super::result::{Answer, StatementResult};
use crate::cluster::{FaultState, FaultStatus, QueryOutcome};
use crate::scheduler::graph::Mode;
use crate::shell::output::{OutputFormat, Printer, Rows};
use crate::shell::report::{self, ComparedRun};
use crate::shell::view::{Watch, Watched};
use crate::sql::{Diagnostic, Span};
use sqlparser::ast;

impl Session {
    /// Restores all nodes before each run, and at the end, so that every run starts alike.
    pub(super) fn compare(
        &mut self,
        query: &ast::Query,
        text: &str,
        span: Span,
        watch: &mut dyn Watch,
    ) -> StatementResult {
        // A statement that does not bind leaves workers and faults alone.
        let planned = match self.plan(query, text, Some(watch)) {
            Ok(planned) => planned,
            Err(error) => return StatementResult::error(error, text),
        };
        let mut faults = self.cluster.faults();
        faults.retain(|fault| fault.state == FaultState::Armed);
        let mode_before = self.settings.mode();
        let result = self.compare_under(planned, (query, text, span), &faults, watch);
        self.cluster.restart_all();
        // The name and the value come from the table of settings itself.
        let _ = self.settings.set("mode", &mode_before.to_string());
        match result {
            Ok(runs) => {
                let mut answer = StatementResult {
                    answer: Ok(Answer::Rows(report::compare_table(&runs))),
                    notes: Vec::new(),
                    query: runs.first().map(|run| run.run.query),
                };
                for run in &runs {
                    for (fault, why) in &run.run.faults_expired {
                        answer = answer
                            .note(format!("Fault {fault} did not fire in {} ({}): {why}.", run.run.query, run.mode));
                    }
                }
                if faults.is_empty() {
                    answer = answer.note(
                        "No fault is armed, so there is nothing to compare under. First: INJECT CRASH ON NODE 2 AT 50%;",
                    );
                }
                answer.note("All workers are up again, and no fault is armed.")
            }
            Err(error) => StatementResult::error(error, text),
        }
    }

    fn compare_under(
        &mut self,
        planned: Planned,
        (query, text, span): (&ast::Query, &str, Span),
        faults: &[FaultStatus],
        watch: &mut dyn Watch,
    ) -> Result<Vec<ComparedRun>, Diagnostic> {
        let sql = part(text, Some(span));
        let described: Vec<String> = faults.iter().map(|fault| replies::short(fault.spec)).collect();
        let described = described.join("; ");

        self.cluster.restart_all();
        let reference_mode = self.settings.mode();
        let heading = format!("{reference_mode}, undisturbed:");
        let reference = self.run(planned, &sql, &mut Headed { watch: &mut *watch, heading })?;
        let expected = answer_text(&reference);
        let failed = reference.outcome.is_err();
        let mut runs = vec![ComparedRun {
            mode: reference_mode,
            fault: String::new(),
            run: reference.info,
            rerun: None,
            identical: None,
        }];
        if failed {
            // Its own error comes back in every run.
            return Ok(runs);
        }
        for mode in [Mode::Abort, Mode::Recompute] {
            self.settings.set("mode", &mode.to_string())?;
            self.cluster.restart_all();
            for fault in faults {
                self.cluster.rearm(fault.fault);
            }
            let planned = self.plan(query, text, Some(&mut *watch))?;
            let heading = match described.as_str() {
                "" => format!("{mode}, undisturbed:"),
                faults => format!("{mode}, {faults}:"),
            };
            let ran = self.run(planned, &sql, &mut Headed { watch: &mut *watch, heading })?;
            let mut answer = answer_text(&ran);
            let mut rerun = None;
            if ran.outcome.is_err() && self.nodes_up().0 > 0 {
                let planned = self.plan(query, text, Some(&mut *watch))?;
                let heading = format!("{mode}, run again by hand:");
                let again = self.run(planned, &sql, &mut Headed { watch: &mut *watch, heading })?;
                answer = answer_text(&again);
                rerun = Some(again.info);
            }
            runs.push(ComparedRun {
                mode,
                fault: described.clone(),
                run: ran.info,
                rerun,
                identical: answer.map(|answer| Some(answer) == expected),
            });
        }
        Ok(runs)
    }
}

/// Hands on a query under a heading: its run is one of several.
struct Headed<'w> {
    watch: &'w mut dyn Watch,
    heading: String,
}

impl Watch for Headed<'_> {
    fn watch(&mut self, watched: &Watched<'_>) -> QueryOutcome {
        self.watch.watch(&Watched { heading: Some(&self.heading), ..*watched })
    }
}

/// The rows, byte for byte as a file would have them.
fn answer_text(ran: &Ran) -> Option<Vec<u8>> {
    let bytes = |rows: &Rows| {
        let mut bytes = Vec::new();
        let printer = Printer { format: OutputFormat::CsvHeader, ..Printer::batch() };
        printer.print(rows, &mut bytes).ok().map(|()| bytes)
    };
    ran.outcome.as_ref().ok().and_then(bytes)
}
