//! The coordinator hears from nodes.

use super::Coordinator;
use crate::cluster::task::{AttemptResult, Report};
use crate::journal::Record;
use crate::plan::physical::Tasks;
use crate::scheduler::event::Event;

impl Coordinator {
    /// Takes in what a node says about an attempt. What is of the past (an old attempt, a past life, a query that is over) is ignored.
    pub(crate) fn report(&mut self, report: Report) {
        let Report { attempt, place, result } = report;
        // A fetch that failed on a dead node is how the death is noticed.
        self.notice_closed();
        if !self.scheduler.is_current(attempt, place) {
            return;
        }
        let now = self.now();
        match result {
            AttemptResult::Finished { output, block_bytes, usage, result } => {
                if let Some(query) = self.queries.get_mut(&attempt.task.query) {
                    let stage = query.context.stage(attempt.task.stage);
                    if stage.is_some_and(|stage| matches!(stage.run().tasks, Tasks::Scan { .. })) {
                        query.bytes_read += usage.input_bytes;
                    }
                    query.note_sizes(attempt.task, block_bytes);
                    if let Some(blocks) = result {
                        query.results.insert(attempt.task.partition, blocks);
                    }
                }
                self.journal.append(now, Record::AttemptFinished { attempt, place, output, usage });
                self.step(Event::TaskFinished { attempt, place, output });
            }
            AttemptResult::Failed(error) => {
                self.journal.append(now, Record::AttemptFailed { attempt, place, error: error.clone() });
                self.step(Event::TaskFailed { attempt, place, error });
            }
            AttemptResult::FetchFailed { source, from } => {
                self.journal.append(now, Record::FetchFailed { attempt, source, from });
                self.step(Event::FetchFailed { attempt, place, source, from });
            }
        }
    }
}
