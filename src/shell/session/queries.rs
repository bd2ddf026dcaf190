//! Running queries: from the tree to rows, a footer and a memory of what ran.

use super::Session;
use super::result::{Answer, Failure, StatementResult};
use super::rounds::Rounds;
use crate::catalog::TableRef;
use crate::cluster::{QueryOutcome, QuerySpec};
use crate::functions::QueryClock;
use crate::journal::history::{QueryInfo, QueryState};
use crate::journal::{ErrorClass, ErrorCode};
use crate::plan::{self, Fragment, PhysicalQuery};
use crate::scheduler::QueryId;
use crate::scheduler::action::QueryError;
use crate::scheduler::graph::{Limits, Mode};
use crate::shell::output::Rows;
use crate::shell::report::{self, Footer};
use crate::shell::view::{Watch, Watched};
use crate::sql::statement::Statement;
use crate::sql::{Diagnostic, Settings, Span, parse};
use sqlparser::ast;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What ran in this session, by the text of the query, so that runs of the same text can be compared.
#[derive(Debug, Default)]
pub struct PastRuns {
    /// How many queries were planned: each gets a seed of its own.
    planned: u64,
    /// The last query that read tables.
    last: Option<LastQuery>,
    /// The latest undisturbed run of a text.
    undisturbed: BTreeMap<String, QueryId>,
    /// The latest failed run in `abort` and the run that answered it.
    by_hand: BTreeMap<String, (QueryId, QueryId)>,
}

/// The query that RERUN repeats.
#[derive(Debug, Clone)]
struct LastQuery {
    text: String,
    query: QueryId,
}

/// A query that is ready to run, with the facts that are fixed for it.
pub struct Planned {
    pub plan: PhysicalQuery,
    pub clock: QueryClock,
    /// Queries that ran before there was a plan.
    pub rounds: u64,
}

/// A query that ran to its end.
pub struct Ran {
    pub info: QueryInfo,
    /// The rows, or where the failure points.
    pub outcome: Result<Rows, Option<Span>>,
    /// Queries that ran before it: rounds of WITH RECURSIVE, the values of a PIVOT, a LIMIT that is a query.
    pub rounds: u64,
}

impl Session {
    /// Runs a query and says what there is to say about it. `text` is the statement, `span` the place of the query in it
    /// if it is not all of it.
    pub(super) fn query(
        &mut self,
        query: &ast::Query,
        text: &str,
        span: Option<Span>,
        watch: &mut dyn Watch,
    ) -> StatementResult {
        let ran = match self.plan(query, text, Some(watch)).and_then(|plan| self.run(plan, &part(text, span), watch)) {
            Ok(ran) => ran,
            Err(error) => return StatementResult::error(error, text),
        };
        let key = same_text(&part(text, span));
        match ran.outcome {
            Ok(rows) => {
                let mut notes = self.finished(&key, &ran.info);
                if ran.rounds > 0 && self.settings.timing() {
                    let before = if ran.rounds == 1 { "1 query" } else { &format!("{} queries", ran.rounds) };
                    notes.push(format!("{before} ran before it, to plan it: SHOW QUERIES;"));
                }
                StatementResult { answer: Ok(Answer::Rows(rows)), notes, query: Some(ran.info.query) }
            }
            Err(place) => {
                let query = ran.info.query;
                let failure = self.failed(&ran.info, text, place);
                StatementResult { answer: Err(failure), notes: Vec::new(), query: Some(query) }
            }
        }
        .remember(self, &key)
    }

    /// `RERUN`: the last query again. Its faults are spent, and so do not fire again.
    pub(super) fn rerun(&mut self, text: &str, watch: &mut dyn Watch) -> StatementResult {
        let Some(last) = self.past.last.clone() else {
            let error = Diagnostic::new(ErrorCode::NotSupported, "There is no query to run again")
                .hint("RERUN repeats the last query that read tables");
            return StatementResult::error(error, text);
        };
        match parse(&last.text) {
            Ok(parsed) => match &parsed.statement {
                Statement::Query(query) => self.query(query, &last.text, None, watch),
                _ => self.dispatch(parsed, watch),
            },
            Err(error) => StatementResult::error(error, &last.text),
        }
    }

    /// `EXPLAIN`: the stages, and what each mode would do.
    pub(super) fn explain(&mut self, query: &ast::Query, text: &str) -> StatementResult {
        match self.plan(query, text, None) {
            Ok(planned) => StatementResult::text(plan::explain::explain(&planned.plan, None)),
            Err(error) => StatementResult::error(error, text),
        }
    }

    /// `EXPLAIN ANALYZE`: runs the query, keeps its rows to itself and shows what each stage did.
    pub(super) fn explain_analyze(
        &mut self,
        query: &ast::Query,
        text: &str,
        span: Span,
        watch: &mut dyn Watch,
    ) -> StatementResult {
        let plan = match self.plan(query, text, Some(watch)) {
            Ok(plan) => plan,
            Err(error) => return StatementResult::error(error, text),
        };
        let stages = plan.plan.clone();
        let ran = match self.run(plan, &part(text, Some(span)), watch) {
            Ok(ran) => ran,
            Err(error) => return StatementResult::error(error, text),
        };
        if let Err(place) = ran.outcome {
            let failure = self.failed(&ran.info, text, place);
            return StatementResult { answer: Err(failure), notes: Vec::new(), query: Some(ran.info.query) };
        }
        let notes =
            report::footer(&ran.info, &Footer { timing: true, nodes_up: self.nodes_up().0, ..Footer::default() });
        let text = plan::explain::explain(&stages, Some(&report::actual(&ran.info)));
        StatementResult { answer: Ok(Answer::Text(text)), notes, query: Some(ran.info.query) }
    }

    /// `EXPLAIN LINEAGE`: of the last query that recovered, or of the last one.
    pub(super) fn explain_lineage(&mut self, text: &str) -> StatementResult {
        let queries = self.journal.queries();
        let on_nodes = || queries.iter().rev().filter(|query| query.started.is_some());
        let disturbed = |query: &&QueryInfo| query.again() > 0 || !query.lost_nodes.is_empty();
        match on_nodes().find(disturbed).or_else(|| on_nodes().next()) {
            Some(query) => StatementResult::text(report::lineage(query)),
            None => StatementResult::error(
                Diagnostic::new(ErrorCode::NotSupported, "No query has run on the workers yet")
                    .hint("EXPLAIN LINEAGE shows where the rows of the last query came from, and what was lost"),
                text,
            ),
        }
    }

    /// From the tree to stages. Rounds of WITH RECURSIVE are run as `watch` looks on; without it they are taken to be empty.
    pub(super) fn plan(
        &mut self,
        query: &ast::Query,
        text: &str,
        watch: Option<&mut dyn Watch>,
    ) -> Result<Planned, Diagnostic> {
        let clock = self.next_clock();
        let (bound, rounds) = self.bind(clock, text, watch, |context| plan::bind::bind(query, text, context))?;
        Ok(Planned { rounds, ..self.cut(bound, clock)? })
    }

    /// The facts that are fixed for the next query.
    pub(super) fn next_clock(&mut self) -> QueryClock {
        self.past.planned += 1;
        self.clock.for_query(self.now(), self.past.planned, self.settings.zone())
    }

    /// Lets `bind` work against the tables as they are now; beside what it gives, how many rounds ran for it. `sql` is what the
    /// journal calls them; without `watch` they are taken to be empty.
    pub(super) fn bind<T>(
        &self,
        clock: QueryClock,
        sql: &str,
        watch: Option<&mut dyn Watch>,
        bind: impl FnOnce(&plan::bind::BindContext) -> Result<T, Diagnostic>,
    ) -> Result<(T, u64), Diagnostic> {
        let tables = self.tables();
        let runner = Rounds {
            cluster: &self.cluster,
            journal: &self.journal,
            settings: &self.settings,
            clock,
            sql,
            watch: RefCell::new(watch),
            count: Cell::new(0),
        };
        let bound = bind(&plan::bind::BindContext { tables: &tables, clock, runner: &runner })?;
        let rounds = runner.count.get();
        Ok((bound, rounds))
    }

    /// From a bound query to stages.
    pub(super) fn cut(&self, bound: plan::Query, clock: QueryClock) -> Result<Planned, Diagnostic> {
        Ok(Planned { plan: plan::plan(bound, &self.settings, clock)?, clock, rounds: 0 })
    }

    /// Runs a plan to its end. `sql` is what the journal calls it.
    pub(super) fn run(&mut self, planned: Planned, sql: &str, watch: &mut dyn Watch) -> Result<Ran, Diagnostic> {
        let Planned { plan, clock, rounds } = planned;
        let output = plan.output.clone();
        let first_entry = self.journal.last_seq() + 1;
        let running = self.cluster.submit(spec(sql, plan, &self.settings, clock));
        let query = running.id();
        let outcome = watch.watch(&Watched {
            query: &running,
            cluster: &self.cluster,
            journal: &self.journal,
            first_entry,
            heading: None,
        });
        // Keys may have changed the pace; the setting says what is.
        if self.cluster.pace() != self.settings.pace() {
            let pace = crate::shell::units::setting_duration(self.cluster.pace());
            self.settings.set("pace", &pace)?;
        }
        let info = self.info(query).ok_or_else(|| {
            Diagnostic::new(ErrorCode::GenericInternalError, format!("The journal does not know {query}"))
        })?;
        let outcome = match outcome {
            QueryOutcome::Finished { blocks } => Ok(Rows::new(output, blocks).in_zone(clock.zone)),
            QueryOutcome::Failed { span, .. } => Err(span),
        };
        Ok(Ran { info, outcome, rounds })
    }

    /// The footer of a finished query, and what later footers compare with.
    fn finished(&mut self, key: &str, info: &QueryInfo) -> Vec<String> {
        let on_nodes = info.started.is_some();
        let failed_before = self
            .past
            .last
            .as_ref()
            .filter(|last| on_nodes && same_text(&last.text) == key)
            .and_then(|last| self.info(last.query))
            .filter(failed_for_a_worker);
        let recovered = info.again() > 0 || !info.lost_nodes.is_empty();
        if let Some(failed) = failed_before.as_ref().filter(|failed| failed.mode == Mode::Abort && !recovered) {
            self.past.by_hand.insert(key.to_string(), (failed.query, info.query));
        }
        let undisturbed = self.past.undisturbed.get(key).and_then(|query| self.info(*query));
        let by_hand = self.past.by_hand.get(key).copied();
        let by_hand = by_hand.and_then(|(failed, answer)| Some((self.info(failed)?, self.info(answer)?)));
        let about = Footer {
            timing: self.settings.timing(),
            nodes_up: self.nodes_up().0,
            undisturbed: undisturbed.as_ref().filter(|_| recovered),
            by_hand: by_hand.as_ref().filter(|_| recovered).map(|(failed, answer)| (failed, answer)),
            failed_before: failed_before.as_ref(),
        };
        let notes = report::footer(info, &about);
        // What ran on fewer workers is not the undisturbed run.
        if on_nodes && !recovered && info.nodes_up == info.nodes && info.faults.is_empty() {
            self.past.undisturbed.insert(key.to_string(), info.query);
        }
        notes
    }

    /// The failure of a query as the user reads it.
    pub(super) fn failed(&self, info: &QueryInfo, text: &str, place: Option<Span>) -> Failure {
        let (code, message) = match &info.failure {
            Some(failure) => (failure.code, failure.message.clone()),
            None => (ErrorCode::GenericInternalError, "the query ended without an answer".to_string()),
        };
        let diagnostic = Diagnostic::new(code, message).at(place);
        let shown = report::failure_text(info, text, place, self.nodes_up().0);
        // Only an error of the statement is shown with its place in a script.
        let statement = (code.class() == ErrorClass::User && place.is_some()).then(|| text.to_string());
        Failure { diagnostic, statement, text: shown }
    }
}

impl StatementResult {
    /// Keeps the query for RERUN if it ran on the workers.
    pub(super) fn remember(self, session: &mut Session, text: &str) -> StatementResult {
        if let Some(query) = self.query
            && session.info(query).is_some_and(|info| info.started.is_some())
        {
            session.past.last = Some(LastQuery { text: text.to_string(), query });
        }
        self
    }
}

/// Whether it failed because something broke, not because of the statement or the user.
fn failed_for_a_worker(info: &QueryInfo) -> bool {
    info.state == QueryState::Failed
        && info.failure.as_ref().is_some_and(|failure| {
            !matches!(failure.error, Some(QueryError::Canceled)) && failure.code.class() != ErrorClass::User
        })
}

/// The query's own part of a statement.
pub fn part(text: &str, span: Option<Span>) -> String {
    match span {
        Some(span) => text.get(span.start as usize..span.end as usize).unwrap_or(text).trim().to_string(),
        None => text.to_string(),
    }
}

/// Two texts are the same query if they differ in white space only.
fn same_text(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A planned query under the settings, as the cluster takes it.
pub(super) fn spec(sql: &str, plan: PhysicalQuery, settings: &Settings, clock: QueryClock) -> QuerySpec {
    QuerySpec {
        sql: sql.to_string(),
        mode: settings.mode(),
        limits: Limits {
            task_max_failures: settings.task_max_failures(),
            stage_max_attempts: settings.stage_max_attempts(),
            time_us: settings.query_max_execution_time().map(|limit| limit.as_micros() as u64),
        },
        clock,
        on_nodes: reads_files(&plan),
        plan: Arc::new(plan),
    }
}

/// Whether the plan reads tables that are not the coordinator's own: then it runs on the workers.
fn reads_files(plan: &PhysicalQuery) -> bool {
    fn scans_file(fragment: &Fragment) -> bool {
        let file = |table: &TableRef| !table.is_local();
        matches!(fragment, Fragment::Scan { table, .. } if file(table)) || fragment.inputs().into_iter().any(scans_file)
    }
    plan.stages.iter().any(|stage| scans_file(&stage.fragment))
}
