//! Queries that run while a statement is being bound: the rounds of WITH RECURSIVE.

use super::queries::spec;
use crate::catalog::{Table, TableRef};
use crate::cluster::{Cluster, QueryOutcome};
use crate::functions::QueryClock;
use crate::journal::Journal;
use crate::plan::{self, QueryRunner, logical::Query};
use crate::shell::view::{Watch, Watched};
use crate::sql::{Diagnostic, Settings};
use polars::prelude::DataFrame;
use std::cell::{Cell, RefCell};
use std::sync::Arc;

/// Runs rounds on the cluster, each as a query that the journal knows.
pub(super) struct Rounds<'a, 'w> {
    pub cluster: &'a Cluster,
    pub journal: &'a Journal,
    pub settings: &'a Settings,
    pub clock: QueryClock,
    /// What the journal calls the rounds.
    pub sql: &'a str,
    /// None: nothing may run (EXPLAIN), and every round is empty.
    pub watch: RefCell<Option<&'w mut dyn Watch>>,
    /// How many queries ran.
    pub count: Cell<u64>,
}

impl QueryRunner for Rounds<'_, '_> {
    fn run(&self, query: Query) -> Result<TableRef, Diagnostic> {
        let columns: Vec<_> = query.output.iter().map(|c| (c.name.clone(), c.dtype.clone())).collect();
        let mut watch = self.watch.borrow_mut();
        let frames = match watch.as_deref_mut() {
            None => Vec::new(),
            Some(watch) => self.frames(query, watch)?,
        };
        let mut all: Option<DataFrame> = None;
        for frame in frames {
            match &mut all {
                None => all = Some(frame),
                // All blocks of a query have the same columns.
                Some(all) => drop(all.vstack_mut(&frame)),
            }
        }
        Ok(Arc::new(match all {
            Some(all) => Table::in_memory("", columns, all),
            None => Table::without_rows(columns),
        }))
    }
}

impl Rounds<'_, '_> {
    /// The rows of a query in blocks, their columns in the order of its output.
    fn frames(&self, query: Query, watch: &mut dyn Watch) -> Result<Vec<DataFrame>, Diagnostic> {
        let plan = plan::plan(query, self.settings, self.clock)?;
        let wanted: Vec<String> = plan.output.iter().map(|column| column.column.name()).collect();
        self.count.set(self.count.get() + 1);
        let first_entry = self.journal.last_seq() + 1;
        let running = self.cluster.submit(spec(self.sql, plan, self.settings, self.clock));
        let outcome = watch.watch(&Watched {
            query: &running,
            cluster: self.cluster,
            journal: self.journal,
            first_entry,
            heading: None,
        });
        match outcome {
            QueryOutcome::Finished { blocks } => {
                let picked = |frame: &DataFrame| {
                    let columns = wanted
                        .iter()
                        .enumerate()
                        .filter_map(|(i, name)| Some(frame.column(name).ok()?.clone().with_name(i.to_string().into())));
                    DataFrame::new(frame.height(), columns.collect()).unwrap_or_default()
                };
                Ok(blocks.iter().map(|block| picked(&block.frame)).collect())
            }
            QueryOutcome::Failed { code, message, span, .. } => Err(Diagnostic::new(code, message).at(span)),
        }
    }
}
