//! A session: data, settings and a cluster. Every front end (terminal, pipe, test) works through [`Session::execute`].

mod changes;
mod clock;
mod compare;
mod config;
mod copy;
mod definitions;
mod information;
mod names;
mod prepared;
mod queries;
mod replies;
mod result;
mod rounds;
mod shows;
mod tables;
mod writes;

pub use config::SessionConfig;
pub use result::{Answer, Failure, StatementResult};

use super::folders;
use super::view::{SilentWatch, Watch};
use crate::catalog::generated::{Generated, GenerationWatch};
use crate::catalog::{Catalog, Change};
use crate::cluster::{Cluster, ClusterConfig, DriverKind, NodeStatus};
use crate::journal::{ErrorCode, Journal};
use crate::scheduler::graph::Mode;
use crate::scheduler::{QueryId, Time};
use crate::sql::source::SourceMap;
use crate::sql::statement::{ParsedStatement, Statement};
use crate::sql::{Diagnostic, Settings, parse, with_deep_stack};
use clock::SessionClock;
use names::Stores;
use queries::PastRuns;
use std::fs::File;

/// Data, settings and a cluster, and what was run so far.
pub struct Session {
    catalog: Catalog,
    generated: Generated,
    settings: Settings,
    cluster: Cluster,
    journal: Journal,
    clock: SessionClock,
    past: PastRuns,
    stores: Stores,
    slots: u32,
    seeded: bool,
    notices: Vec<String>,
    last_error: Option<ErrorCode>,
}

impl Session {
    /// Opens the data and starts the cluster. Files that cannot be read become notices ([`Session::take_notices`]); a
    /// missing folder, a wrong setting or a journal file that cannot be written is an error.
    pub fn new(config: SessionConfig) -> Result<Session, Diagnostic> {
        let sources = config.sources()?;
        let (catalog, problems) = Catalog::open(sources);
        let mut notices: Vec<String> = problems.iter().map(|problem| problem.render("")).collect();

        let mut settings = Settings::default();
        for folder in catalog.folder_settings() {
            for (name, value) in folder.settings() {
                if let Err(problem) = settings.set(&name, &value) {
                    notices.push(format!("In {}: {}", folder.file.display(), problem.render("")));
                }
            }
        }
        for (name, value) in &config.settings {
            settings.set(name, value)?;
        }
        if let Some(mode) = config.mode {
            settings.set("mode", &mode.to_string())?;
        }

        let journal = Journal::new();
        if let Some(path) = &config.journal {
            let file = File::create(path).map_err(|error| {
                Diagnostic::new(
                    ErrorCode::OutputFailed,
                    format!("The journal {} cannot be written: {error}", path.display()),
                )
            })?;
            journal.write_to(file);
        }
        let slots = config.slots();
        let driver = match config.seed {
            Some(seed) => DriverKind::Deterministic { seed },
            None => DriverKind::Threads,
        };
        let memory_per_node = settings.memory_per_node();
        let cluster =
            Cluster::start(ClusterConfig { nodes: config.nodes, slots, driver, memory_per_node }, journal.clone());
        cluster.set_pace(settings.pace());
        catalog.watch();
        Ok(Session {
            clock: SessionClock::new(settings.today(), config.seed),
            catalog,
            generated: Generated::new(config.cache.clone().unwrap_or_else(folders::cache_folder)),
            settings,
            cluster,
            journal,
            past: PastRuns::default(),
            stores: Stores::new(config.warehouse(), config.safe),
            slots,
            seeded: config.seed.is_some(),
            notices,
            last_error: None,
        })
    }

    /// Whoever is told how far a generated table is, and may stop it.
    pub fn watch_generation(&mut self, watch: GenerationWatch) {
        self.generated.watch(watch);
    }

    /// Runs one statement (with or without its semicolon) to its end.
    pub fn execute(&mut self, statement: &str) -> StatementResult {
        self.execute_watched(statement, &mut SilentWatch)
    }

    /// The same, with somebody who looks on while queries run and may break things.
    pub fn execute_watched(&mut self, statement: &str, watch: &mut dyn Watch) -> StatementResult {
        let statement = statement.trim().trim_end_matches(';').trim_end();
        let result = with_deep_stack(|| match parse(statement) {
            Ok(parsed) => self.dispatch(parsed, watch),
            Err(error) => StatementResult::error(error, statement),
        });
        if let Err(failure) = &result.answer {
            self.last_error = Some(failure.diagnostic.code);
        }
        result
    }

    fn dispatch(&mut self, mut parsed: ParsedStatement, watch: &mut dyn Watch) -> StatementResult {
        let text = parsed.text.as_str();
        let map = SourceMap::new(text);
        if let Err(error) = self.stores.macros.expand(&mut parsed.statement, |span| map.span(span)) {
            return StatementResult::error(error, text);
        }
        match &parsed.statement {
            Statement::Query(query) => self.query(query, text, None, watch),
            Statement::Explain { analyze: false, query, .. } => self.explain(query, text),
            Statement::Explain { analyze: true, query, span } => self.explain_analyze(query, text, *span, watch),
            Statement::ExplainLineage => self.explain_lineage(text),
            Statement::Compare { query, span } => self.compare(query, text, *span, watch),
            Statement::Rerun => self.rerun(text, watch),
            Statement::Set { name, value, span } => self.set(name, value, text, *span),
            Statement::Reset { name, span } => self.reset(name.as_deref(), text, *span),
            Statement::Show(show) => self.show(show, text),
            Statement::Describe { name, span } => self.describe(name, text, *span),
            Statement::Inject { fault, span } => self.inject(*fault, text, *span),
            Statement::HealFault { fault, span } => self.heal_fault(*fault, text, *span),
            Statement::HealAll => self.heal_all(),
            Statement::RestartNode { node, span } => self.restart_node(*node, text, *span),
            Statement::RestartAll => self.restart_all(),
            Statement::Cancel { query } => self.cancel(*query, text),
            Statement::Change(change) => self.change(change, text, watch),
            Statement::Use { schema, span } => self.use_schema(schema, text, *span),
            Statement::ExplainChange { change, .. } => self.explain_change(change, text),
            Statement::DescribeQuery { query } => self.describe_query(query, text),
            Statement::Prepare { name, statement, .. } => self.prepare(name, statement, text),
            Statement::Execute { name, values, span } => self.execute_prepared(name, values, text, *span, watch),
            Statement::Deallocate { name, span } => self.deallocate(name.as_deref(), text, *span),
            Statement::SetVariable { name, value, span } => self.set_variable(name, value, text, *span, watch),
            Statement::ResetVariable { name } => self.reset_variable(name),
            Statement::CreateMacro { made, or_replace, if_not_exists, span } => {
                self.create_macro(made, *or_replace, *if_not_exists, text, *span)
            }
            Statement::DropMacro { name, is_table, if_exists, span } => {
                self.drop_macro(name, *is_table, *if_exists, text, *span)
            }
            Statement::Copy(copy) => self.copy(copy, text, watch),
        }
    }

    /// The settings as they are.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Changes a setting without a statement. The answer is the one of SET.
    pub fn change_setting(&mut self, name: &str, value: &str) -> Result<String, Diagnostic> {
        self.apply_setting(name, value)
    }

    /// The tables and their files.
    pub fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// Everything that happened.
    pub fn journal(&self) -> &Journal {
        &self.journal
    }

    /// The cluster, for those who want to break it from another thread.
    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// The mode of the next query.
    pub fn mode(&self) -> Mode {
        self.settings.mode()
    }

    /// Slots of each node.
    pub fn slots(&self) -> u32 {
        self.slots
    }

    /// The workers, in order.
    pub fn nodes(&self) -> Vec<NodeStatus> {
        self.cluster.nodes()
    }

    /// How many workers are up, of how many.
    pub fn nodes_up(&self) -> (u32, u32) {
        let nodes = self.cluster.nodes();
        (nodes.iter().filter(|node| node.up).count() as u32, nodes.len() as u32)
    }

    /// The date that `current_date` gives now, in days since 1970, if the data or the user set it.
    pub fn today(&self) -> Option<i32> {
        self.settings.today()
    }

    /// The code of the last failed statement.
    pub fn last_error(&self) -> Option<ErrorCode> {
        self.last_error
    }

    /// What is worth telling and was not told yet: unreadable files, tables that appeared, changed or went.
    pub fn take_notices(&mut self) -> Vec<String> {
        let changes = self.catalog.poll_changes();
        self.notices.extend(changes.iter().map(Change::to_string));
        if let Some(error) = self.journal.write_error() {
            self.notices.push(format!("The journal file cannot be written any more: {error}"));
        }
        std::mem::take(&mut self.notices)
    }

    /// Cluster time, for what is shown.
    fn now(&self) -> Time {
        self.cluster.now()
    }

    /// What is known of a query, as it is now.
    fn info(&self, query: QueryId) -> Option<crate::journal::history::QueryInfo> {
        self.journal.query(query)
    }
}
