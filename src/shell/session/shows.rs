//! SHOW and DESCRIBE: the session's state as rows.

use super::names::{MAIN, TEMPORARY};
use super::result::StatementResult;
use super::{Session, replies};
use crate::catalog::generated::Generated;
use crate::catalog::warehouse::Stored;
use crate::catalog::{Format, Table, TableSource};
use crate::cluster::{FaultState, NodeStatus};
use crate::functions::aggregates::AGGREGATES;
use crate::functions::windows::WINDOWS;
use crate::journal::history::QueryState;
use crate::journal::{ErrorCode, tables as system_tables};
use crate::plan::logical::OutputColumn;
use crate::scheduler::{QueryId, Time};
use crate::shell::output::{Cell, Rows, RowsBuilder};
use crate::shell::{clean, units};
use crate::sql::statement::{Show, Statement};
use crate::sql::suggest::{did_you_mean, similar};
use crate::sql::{DataType, Diagnostic, Span, parse};

impl Session {
    pub(super) fn show(&mut self, show: &Show, text: &str) -> StatementResult {
        match show {
            Show::Tables { schema } => self.show_tables(schema.as_deref(), text),
            Show::Schemas => self.show_schemas(),
            Show::Columns { table, span } => self.describe(table, text, *span),
            Show::Settings { name, span } => self.show_settings(name.as_deref(), text, *span),
            Show::Functions { like } => self.show_functions(like.as_deref()),
            Show::Nodes => self.show_nodes(),
            Show::Faults => self.show_faults(),
            Show::Queries => self.show_queries(),
            Show::Create { name, span } => self.show_create(name, text, *span),
        }
    }

    fn show_tables(&self, schema: Option<&str>, text: &str) -> StatementResult {
        let system = schema.is_some_and(|s| s.eq_ignore_ascii_case(system_tables::SCHEMA));
        let mut rows = RowsBuilder::new(&["schema", "table", "rows", "columns", "files", "format"])
            .numbers(&["rows", "columns", "files"]);
        let mut found = 0;
        let mut listed: Vec<(bool, String, String, [Cell; 6])> = Vec::new();
        let mut list = |schema: &str, name: &str, row| listed.push((schema != MAIN, schema.into(), name.into(), row));
        for table in self.catalog.tables() {
            list(&table.schema, &table.name, table_row(&table));
        }
        for stored in self.stores.temporary.list().into_iter().chain(self.stores.warehouse.list()) {
            list(&stored.schema, &stored.manifest.name, stored_row(&stored));
        }
        listed.sort_by(|a, b| (a.0, &a.1, &a.2).cmp(&(b.0, &b.1, &b.2)));
        for (_, in_schema, _, row) in listed {
            if schema.is_none_or(|schema| in_schema.eq_ignore_ascii_case(schema)) {
                found += 1;
                rows.push(row);
            }
        }
        if system {
            for table in system_tables::tables(&self.journal, self.clock.start_us, self.now()) {
                found += 1;
                rows.push(table_row(&table));
            }
        }
        let parts: Vec<String> = schema.unwrap_or_default().split('.').map(str::to_string).collect();
        for table in Generated::tables_of(&parts).filter(|_| found == 0).unwrap_or_default() {
            // Made when it is first used: nothing is known of it before.
            let text = |text: &str| Cell::Text(text.to_string());
            let schema = text(schema.unwrap_or_default());
            rows.push([schema, text(table), Cell::Null, Cell::Null, Cell::Null, text("generated")]);
            found += 1;
        }
        match schema {
            Some(schema) if found == 0 && !self.schemas().iter().any(|known| known.eq_ignore_ascii_case(schema)) => {
                let schemas = self.schemas();
                let near = similar(schema, schemas.iter().map(String::as_str));
                let hint = did_you_mean(&near).unwrap_or_else(|| format!("there are {}", schemas.join(", ")));
                let error = Diagnostic::new(ErrorCode::SchemaNotFound, format!("Schema \"{schema}\" does not exist"));
                StatementResult::error(error.hint(hint), text)
            }
            _ => StatementResult::rows(rows.build()),
        }
    }

    /// The schemas of the data, and the journal's.
    fn schemas(&self) -> Vec<String> {
        let mut schemas = self.catalog.schemas();
        for made in self.stores.warehouse.schemas() {
            if !schemas.iter().any(|known| known.eq_ignore_ascii_case(&made)) {
                schemas.push(made);
            }
        }
        if !self.stores.temporary.list().is_empty() {
            schemas.push(TEMPORARY.to_string());
        }
        schemas.push(system_tables::SCHEMA.to_string());
        schemas.extend(Generated::schemas());
        schemas
    }

    fn show_schemas(&self) -> StatementResult {
        let mut rows = RowsBuilder::new(&["schema"]);
        for schema in self.schemas() {
            rows.push([schema]);
        }
        StatementResult::rows(rows.build())
    }

    /// `DESCRIBE query`: what its columns are called, and their types.
    pub(super) fn describe_query(&mut self, query: &sqlparser::ast::Query, text: &str) -> StatementResult {
        let clock = self.next_clock();
        match self.bind(clock, text, None, |context| crate::plan::bind::bind(query, text, context)) {
            Ok((bound, _)) => StatementResult::rows(described(&bound.output)),
            Err(error) => StatementResult::error(error, text),
        }
    }

    /// The columns of a view; None if the name is not one of a view.
    fn described_view(&self, name: &[String]) -> Result<Option<Rows>, Diagnostic> {
        if TableSource::view(&self.tables(), name)?.is_none() {
            return Ok(None);
        }
        let quoted: Vec<String> = name.iter().map(|part| format!("\"{}\"", part.replace('"', "\"\""))).collect();
        let sql = format!("FROM {}", quoted.join("."));
        let Statement::Query(query) = parse(&sql)?.statement else { return Ok(None) };
        let clock = self.clock.for_query(self.now(), 0, self.settings.zone());
        let (bound, _) = self.bind(clock, &sql, None, |context| crate::plan::bind::bind(&query, &sql, context))?;
        Ok(Some(described(&bound.output)))
    }

    pub(super) fn describe(&self, name: &[String], text: &str, span: Span) -> StatementResult {
        match self.described_view(name) {
            Ok(Some(rows)) => return StatementResult::rows(rows),
            Ok(None) => {}
            Err(error) => return StatementResult::error(Diagnostic { span: Some(span), ..error }, text),
        }
        let tables = self.tables();
        let table = match tables.table(name) {
            Ok(table) => table,
            Err(error) => return StatementResult::error(error.at(span), text),
        };
        let mut rows = RowsBuilder::new(&["column", "type", "nulls"]).numbers(&["nulls"]);
        for column in &table.columns {
            rows.push([
                column.name.clone().into(),
                column.dtype.to_string().into(),
                Cell::from(column.statistics.nulls),
            ]);
        }
        let result = StatementResult::rows(rows.build());
        match made_of(&table) {
            Some(note) => result.note(note),
            None => result,
        }
    }

    fn show_settings(&self, name: Option<&str>, text: &str, span: Span) -> StatementResult {
        let wanted = match name.map(crate::sql::settings::find) {
            // `SHOW t` asks for the columns of a table.
            Some(Err(error)) => {
                let described = self.describe(&[name.unwrap_or_default().to_string()], text, span);
                return if described.answer.is_ok() { described } else { StatementResult::error(error.at(span), text) };
            }
            Some(Ok(setting)) => Some(setting.name),
            None => None,
        };
        let mut rows = RowsBuilder::new(&["setting", "value", "default", "range", "help"]);
        for row in self.settings.list() {
            if wanted.is_none_or(|name| name == row.setting.name) {
                let setting = row.setting;
                rows.push([
                    setting.name.to_string(),
                    row.value.clone(),
                    setting.default.to_string(),
                    setting.kind.range(),
                    setting.help.to_string(),
                ]);
            }
        }
        StatementResult::rows(rows.build())
    }

    fn show_functions(&self, like: Option<&str>) -> StatementResult {
        let mut rows = RowsBuilder::new(&["function", "kind", "signatures", "help", "example"]);
        let wanted = |name: &str| like.is_none_or(|pattern| is_like(&name.to_lowercase(), &pattern.to_lowercase()));
        let known = |name: &str, aliases: &[&str]| wanted(name) || aliases.iter().any(|alias| wanted(alias));
        for function in crate::functions::all().filter(|function| known(function.name, function.aliases)) {
            rows.push([
                function.name.to_string(),
                function.category.name().to_string(),
                function.signatures().join(", "),
                function.help.to_string(),
                function.example.to_string(),
            ]);
        }
        for function in AGGREGATES.iter().filter(|function| known(function.name, function.aliases)) {
            let texts = [function.name, "aggregate", function.signature, function.help, function.example];
            rows.push(texts.map(str::to_string));
        }
        for function in WINDOWS.iter().filter(|function| wanted(function.name)) {
            let texts = [function.name, "window", function.signature, function.help, function.example];
            rows.push(texts.map(str::to_string));
        }
        StatementResult::rows(rows.build())
    }

    fn show_nodes(&self) -> StatementResult {
        let nodes = self.cluster.nodes();
        let names = ["node", "name", "state", "running", "outputs", "memory", "life", "note"];
        let mut rows = RowsBuilder::new(&names).numbers(&["node", "life"]).right(&["running", "outputs"]);
        for node in &nodes {
            let dash = |text: String| if node.up { text } else { "-".to_string() };
            rows.push([
                Cell::from(node.node.0),
                node.node.to_string().into(),
                if node.up { "ACTIVE" } else { "GONE" }.to_string().into(),
                dash(format!("{} of {}", node.running, node.slots)).into(),
                dash(node.outputs.to_string()).into(),
                dash(format!(
                    "{} of {}",
                    if node.memory_bytes == 0 { "0".to_string() } else { units::bytes(node.memory_bytes) },
                    units::bytes(node.memory_limit_bytes)
                ))
                .into(),
                node.incarnation.0.into(),
                node_note(node).into(),
            ]);
        }
        let mut result = StatementResult::rows(rows.build());
        let mut up = replies::workers_up(&nodes);
        for node in nodes.iter().filter(|node| !node.up) {
            up.push_str(&self.how_it_went(node));
        }
        result = result.note(up);
        let faults = self.cluster.faults();
        let count = |wanted: fn(&FaultState) -> bool| faults.iter().filter(|fault| wanted(&fault.state)).count();
        let armed = count(|state| *state == FaultState::Armed);
        let fired = count(|state| matches!(state, FaultState::Fired { .. }));
        let mut line = format!("Faults: {armed} armed, {fired} fired.");
        if let Some(down) = nodes.iter().find(|node| !node.up) {
            line.push_str(&format!(" RESTART NODE {};  or  RESTART ALL;", down.node.0));
        }
        result.note(line)
    }

    /// ` worker-2 crashed 12 s ago in query 4, losing 3 outputs.`
    fn how_it_went(&self, node: &NodeStatus) -> String {
        let Some((at, query, outputs)) = node.lost else { return String::new() };
        let ago = units::micros(self.now().0.saturating_sub(at.0));
        let query = query.map_or_else(|| " between queries".to_string(), |query| format!(" in {query}"));
        let losing = match outputs {
            0 => "losing nothing".to_string(),
            outputs => format!("losing {}", units::counted(outputs, "output")),
        };
        format!(" {} crashed {ago} ago{query}, {losing}.", node.node)
    }

    fn show_faults(&self) -> StatementResult {
        let mut rows = RowsBuilder::new(&["fault", "what", "state", "query", "note"]).numbers(&["fault", "query"]);
        for fault in self.cluster.faults() {
            let (state, query, note) = match &fault.state {
                FaultState::Armed => ("armed", None, "waits for the next query that reads tables".to_string()),
                FaultState::Fired { query, at } => ("fired", *query, self.fired_note(*query, *at)),
                FaultState::NeverFired { query, why } => ("never fired", Some(*query), why.clone()),
                FaultState::Healed => ("healed", None, String::new()),
            };
            rows.push([
                Cell::from(fault.fault),
                fault.text.clone().into(),
                state.to_string().into(),
                query.map(|query| query.0).into(),
                note.into(),
            ]);
        }
        let rows = rows.build();
        let none = rows.is_empty();
        let result = StatementResult::rows(rows);
        if none { result.note("No faults yet. INJECT CRASH ON NODE 2 AT 50%;") } else { result }
    }

    fn fired_note(&self, query: Option<QueryId>, at: Time) -> String {
        match query.and_then(|query| self.info(query)) {
            Some(info) => format!("after {}", units::micros(at.0.saturating_sub(info.created.0))),
            None => "between queries".to_string(),
        }
    }

    fn show_queries(&self) -> StatementResult {
        let mut rows = RowsBuilder::new(&["query", "state", "mode", "time", "rows", "tasks", "again", "error", "sql"])
            .numbers(&["query", "rows", "tasks", "again"])
            .right(&["time"]);
        for query in self.journal.queries() {
            let state = match query.state {
                QueryState::Running => "RUNNING",
                QueryState::Finished => "FINISHED",
                QueryState::Failed => "FAILED",
            };
            rows.push([
                Cell::from(query.query.0),
                state.to_string().into(),
                query.mode.to_string().into(),
                units::micros(query.elapsed_us(self.now())).into(),
                query.rows.into(),
                query.tasks().into(),
                query.again().into(),
                query.failure.as_ref().map_or_else(String::new, |failure| failure.code.to_string()).into(),
                clean::one_line(&query.sql).into_owned().into(),
            ]);
        }
        StatementResult::rows(rows.build())
    }
}

fn described(output: &[OutputColumn]) -> Rows {
    let mut rows = RowsBuilder::new(&["column", "type", "nulls"]).numbers(&["nulls"]);
    for column in output {
        // A bare NULL is an INTEGER to whoever sees it.
        let dtype = if column.dtype == DataType::Null { DataType::Integer } else { column.dtype.clone() };
        rows.push([column.name.clone().into(), dtype.to_string().into(), Cell::from(None::<u64>)]);
    }
    rows.build()
}

fn table_row(table: &Table) -> [Cell; 6] {
    [
        table.schema.clone().into(),
        table.name.clone().into(),
        table.rows.into(),
        table.columns.len().into(),
        table.files.len().into(),
        match table.format {
            Format::Parquet => "Parquet",
            Format::Csv(_) => "CSV",
            Format::NdJson => "NDJSON",
            Format::Memory => "memory",
        }
        .to_string()
        .into(),
    ]
}

fn stored_row(stored: &Stored) -> [Cell; 6] {
    let (schema, name) = (stored.schema.clone(), stored.manifest.name.clone());
    match stored.manifest.table() {
        Some((columns, files)) => [
            schema.into(),
            name.into(),
            stored.manifest.rows().into(),
            columns.len().into(),
            files.len().into(),
            "warehouse".to_string().into(),
        ],
        None => {
            let unknown = || Cell::from(None::<u64>);
            [schema.into(), name.into(), unknown(), unknown(), unknown(), "view".to_string().into()]
        }
    }
}

/// `fault 1`, `slow x10 (fault 2)`, `1 orphan`.
fn node_note(node: &NodeStatus) -> String {
    let mut notes = Vec::new();
    if let Some(fault) = node.fault.filter(|_| !node.up) {
        notes.push(format!("fault {fault}"));
    }
    if let Some(factor) = node.slow_factor {
        notes.push(format!("slow x{factor}"));
    }
    if node.orphans > 0 {
        notes.push(units::counted(node.orphans.into(), "orphan"));
    }
    notes.join(", ")
}

/// What DESCRIBE says below the columns: how the files are written, as it was detected.
fn made_of(table: &Table) -> Option<String> {
    let files = units::counted(table.files.len() as u64, "file");
    let rows = units::counted(table.rows, "row");
    match &table.format {
        Format::Memory => None,
        Format::Parquet => Some(format!("{}: {rows} in {files}, Parquet", table.display_name())),
        Format::NdJson => Some(format!("{}: {rows} in {files}, NDJSON", table.display_name())),
        Format::Csv(dialect) => {
            let header = if dialect.header { "with a line of names" } else { "without a line of names" };
            let mut text = format!(
                "{}: {rows} in {files}, CSV {header}, delimiter {:?}, quote {:?}",
                table.display_name(),
                dialect.delimiter as char,
                dialect.quote as char
            );
            if !dialect.null_text.is_empty() {
                text.push_str(&format!(", NULL is {}", dialect.null_text.join(", ")));
            }
            for (column, format) in &dialect.date_formats {
                if let Some(column) = table.columns.get(*column) {
                    text.push_str(&format!(", {} is written {format}", column.name));
                }
            }
            Some(text)
        }
    }
}

/// SQL's LIKE without escapes; a pattern without wildcards finds what contains it.
fn is_like(text: &str, pattern: &str) -> bool {
    fn matches(text: &[char], pattern: &[char]) -> bool {
        match pattern.split_first() {
            None => text.is_empty(),
            Some(('%', rest)) => (0..=text.len()).any(|skip| matches(&text[skip..], rest)),
            Some((wanted, rest)) => text
                .split_first()
                .is_some_and(|(first, left)| (*wanted == '_' || wanted == first) && matches(left, rest)),
        }
    }
    if !pattern.contains(['%', '_']) {
        return text.contains(pattern);
    }
    let letters = |text: &str| text.chars().collect::<Vec<_>>();
    matches(&letters(text), &letters(pattern))
}

#[cfg(test)]
mod tests {
    use super::is_like;

    #[test]
    fn like_finds_names() {
        assert!(is_like("date_trunc", "date%"));
        assert!(is_like("date_trunc", "trunc"));
        assert!(is_like("abs", "a_s"));
        assert!(!is_like("abs", "b%"));
    }
}
