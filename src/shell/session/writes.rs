//! INSERT, UPDATE, DELETE and TRUNCATE, and how rows get into the warehouse: tasks write files, and the last step of the
//! statement makes them part of a table.

use super::Session;
use super::names::{Place, parts, view_of};
use super::result::{Answer, StatementResult};
use crate::catalog::warehouse::{Content, Manifest, Staging, StoredColumn, StoredFile};
use crate::catalog::write::FileFormat;
use crate::functions::QueryClock;
use crate::journal::ErrorCode;
use crate::journal::history::QueryInfo;
use crate::plan::bind::write::{self, Changed, Order, TargetColumn};
use crate::plan::write::{WriteTarget, WrittenColumn, write_to};
use crate::plan::{self, logical::OutputColumn};
use crate::shell::output::Rows;
use crate::shell::report::{self, Footer};
use crate::shell::units;
use crate::shell::view::Watch;
use crate::sql::source::tokenize;
use crate::sql::statement::Change;
use crate::sql::{Diagnostic, Span};
use sqlparser::ast::{self, Spanned, Statement};
use sqlparser::tokenizer::Token;

/// The statement that is carried out, for errors and the journal.
pub(super) struct Written<'a> {
    pub text: &'a str,
    pub watch: &'a mut dyn Watch,
}

/// Files that a query wrote, and what to say of it.
pub(super) struct NewFiles {
    pub staging: Staging,
    /// Their paths in the staging folder.
    pub files: Vec<StoredFile>,
    pub counted: u64,
    pub notes: Vec<String>,
    pub query: crate::scheduler::QueryId,
}

impl NewFiles {
    pub fn rows(&self) -> u64 {
        self.files.iter().map(|file| file.rows).sum()
    }

    /// The answer of a statement that wrote them.
    pub fn reply(self, what: String) -> StatementResult {
        self.returned(None, what)
    }

    /// That of one that may have a RETURNING, with its rows.
    fn returned(self, returned: Option<Rows>, what: String) -> StatementResult {
        let mut notes = vec![what];
        notes.extend(self.notes);
        StatementResult { answer: Ok(returned.map_or(Answer::Done, Answer::Rows)), notes, query: Some(self.query) }
    }
}

/// A statement that did not succeed: an error of its own, or that of the query that ran for it.
pub(super) enum Refusal {
    Error(Diagnostic),
    Failed(Box<StatementResult>),
}

impl From<Diagnostic> for Refusal {
    fn from(error: Diagnostic) -> Refusal {
        Refusal::Error(error)
    }
}

/// Where the rows of a query are to go.
pub(super) struct Destination<'a> {
    /// What people call it.
    pub name: String,
    pub staging: Staging,
    pub format: FileFormat,
    /// For each output column, whether a NULL is an error; the last output column is not written if `counted`.
    pub not_null: Vec<bool>,
    pub counted: bool,
    pub partition_by: Vec<(String, crate::plan::ColumnId)>,
    /// All rows in one file, even if there are none.
    pub one_file: bool,
    pub columns: &'a [OutputColumn],
}

impl Session {
    /// Carries out a statement that changes tables.
    pub(super) fn change(&mut self, change: &Change, text: &str, watch: &mut dyn Watch) -> StatementResult {
        let mut written = Written { text, watch };
        let result = match &*change.statement {
            Statement::Insert(insert) => self.insert(insert, change.by_name, &mut written),
            Statement::Update(update) => self.update(update, &mut written),
            Statement::Delete(delete) => self.delete(delete, &mut written),
            Statement::Truncate(truncate) => self.truncate(truncate, text),
            other => self.define(other, &mut written),
        };
        match result {
            Ok(result) => result,
            Err(Refusal::Error(error)) => StatementResult::error(error, text),
            Err(Refusal::Failed(result)) => result.remember(self, text),
        }
    }

    /// `EXPLAIN` of a statement that writes: the plan of its query, with the writing at its end.
    pub(super) fn explain_change(&mut self, change: &Change, text: &str) -> StatementResult {
        let clock = self.next_clock();
        let planned = match &*change.statement {
            Statement::Insert(insert) => self
                .bound_insert(insert, change.by_name, text, clock, None)
                .map(|(place, _, bound)| (place.display(), bound)),
            Statement::Update(update) => {
                self.target_of(&update.table.relation, text).and_then(|(place, _, columns)| {
                    let (bound, _) =
                        self.bind(clock, text, None, |c| write::bind_update(update, text, c, &targets(&columns)))?;
                    Ok((place.display(), bound))
                })
            }
            Statement::Delete(delete) => delete_target(delete).and_then(|table| {
                let (place, ..) = self.target_of(table, text)?;
                Ok((place.display(), self.bind(clock, text, None, |c| write::bind_delete(delete, text, c))?.0))
            }),
            Statement::CreateTable(create) if create.query.is_some() => {
                let query = create.query.as_deref();
                let names = super::definitions::names_given(create);
                query
                    .ok_or_else(|| Diagnostic::new(ErrorCode::NotSupported, "there is no query"))
                    .and_then(|query| self.bind(clock, text, None, |c| write::bind_new_table(query, text, c, &names)))
                    .map(|(bound, _)| (parts(&create.name).join("."), bound))
            }
            _ => Err(Diagnostic::new(
                ErrorCode::NotSupported,
                "not supported yet: EXPLAIN of a statement that runs no query",
            )),
        };
        let explained = planned.and_then(|(name, bound)| {
            let output = bound.output.clone();
            let planned = self.cut(bound, clock)?;
            let target = WriteTarget {
                name,
                staging: std::path::PathBuf::new(),
                prefix: String::new(),
                format: FileFormat::parquet(),
                columns: output
                    .into_iter()
                    .map(|c| WrittenColumn { name: c.name, column: c.column, dtype: c.dtype, not_null: false })
                    .collect(),
                partition_by: Vec::new(),
                counted: None,
                even_if_empty: false,
            };
            Ok(plan::explain::explain(&write_to(planned.plan, target, false), None))
        });
        match explained {
            Ok(plan) => StatementResult::text(plan),
            Err(error) => StatementResult::error(error, text),
        }
    }

    /// A stored table that a statement names, with its manifest and columns. Errors say why it cannot be written.
    pub(super) fn stored_table(
        &self,
        name: &[String],
        place: Option<Span>,
    ) -> Result<(Place, Manifest, Vec<StoredColumn>), Diagnostic> {
        if let Some((found, manifest)) = self.stores.find(name)? {
            return match manifest.table().map(|(columns, _)| columns.to_vec()) {
                Some(columns) => Ok((found, manifest, columns)),
                None => {
                    let message = format!("\"{}\" is a view: it has no rows of its own", manifest.name);
                    Err(Diagnostic::new(ErrorCode::NotSupported, message).at(place))
                }
            };
        }
        // Its own error if there is no such table at all.
        let table = crate::catalog::TableSource::table(&self.tables(), name).map_err(|error| error.at(place))?;
        let message =
            format!("Table \"{}\" is read from files that are not faultlab's to change", table.display_name());
        let hint = format!("CREATE TABLE copy AS FROM {}; makes a table that can be written", table.display_name());
        Err(Diagnostic::new(ErrorCode::NotSupported, message).at(place).hint(hint))
    }

    fn target_of(
        &self,
        factor: &ast::TableFactor,
        text: &str,
    ) -> Result<(Place, Manifest, Vec<StoredColumn>), Diagnostic> {
        let ast::TableFactor::Table { name, .. } = factor else {
            return Err(Diagnostic::new(ErrorCode::SyntaxError, "only a table can be changed"));
        };
        self.stored_table(&parts(name), place_of(name, text))
    }

    fn bound_insert(
        &self,
        insert: &ast::Insert,
        by_name: bool,
        text: &str,
        clock: QueryClock,
        watch: Option<&mut dyn Watch>,
    ) -> Result<(Place, Vec<StoredColumn>, plan::Query), Diagnostic> {
        refuse_words(insert.on.is_some() || insert.or.is_some(), "INSERT ... ON CONFLICT", &["CONFLICT", "OR"], text)?;
        refuse_words(
            insert.overwrite || insert.partitioned.is_some(),
            "INSERT OVERWRITE",
            &["OVERWRITE", "PARTITION"],
            text,
        )?;
        let ast::TableObject::TableName(name) = &insert.table else {
            return Err(Diagnostic::new(ErrorCode::NotSupported, "not supported yet: INSERT into a function"));
        };
        let (place, _, columns) = self.stored_table(&parts(name), place_of(name, text))?;
        let targets = targets(&columns);
        let Some(query) = &insert.source else {
            let (bound, _) = self.bind(clock, text, None, |c| write::bind_default_row(text, c, &targets))?;
            return Ok((place, columns, bound));
        };
        let mut positions = Vec::new();
        for named in &insert.columns {
            let column = parts(named).pop().unwrap_or_default();
            let Some(at) = targets.iter().position(|t| t.name.eq_ignore_ascii_case(&column)) else {
                return Err(write::no_column(&column, &targets).at(place_of(named, text)));
            };
            if positions.contains(&at) {
                let message = format!("column \"{column}\" is named twice");
                return Err(Diagnostic::new(ErrorCode::AmbiguousName, message).at(place_of(named, text)));
            }
            positions.push(at);
        }
        if positions.is_empty() {
            positions = (0..targets.len()).collect();
        } else if by_name {
            let message = "BY NAME takes the names from the query: a list of columns is too many";
            return Err(Diagnostic::new(ErrorCode::SyntaxError, message).at(place_of(name, text)));
        }
        let order = if by_name { Order::Name } else { Order::Position(positions) };
        let (bound, _) = self.bind(clock, text, watch, |c| write::bind_insert(query, text, c, &targets, &order))?;
        Ok((place, columns, bound))
    }

    fn insert(
        &mut self,
        insert: &ast::Insert,
        by_name: bool,
        written: &mut Written,
    ) -> Result<StatementResult, Refusal> {
        let clock = self.next_clock();
        let (place, columns, bound) =
            self.bound_insert(insert, by_name, written.text, clock, Some(&mut *written.watch))?;
        let new = self.write_table(bound, clock, &place, &columns, false, written)?;
        let rows = new.rows();
        let returned = match &insert.returning {
            None => None,
            Some(list) => {
                let stored = self.stores.store(&place).staged(&new.staging, &columns, &new.files)?;
                let name = vec![place.schema.clone(), place.name.clone()];
                Some(self.returning(Changed::Stored(stored), &name, list, clock, written)?)
            }
        };
        self.append(&place, &columns, &new)?;
        Ok(new.returned(returned, format!("{} inserted into {}.", units::counted(rows, "row"), place.display())))
    }

    /// Adds files to a table, whoever else did so meanwhile.
    pub(super) fn append(&self, place: &Place, columns: &[StoredColumn], new: &NewFiles) -> Result<(), Diagnostic> {
        if new.files.is_empty() {
            return Ok(());
        }
        self.stores.store(place).commit(&place.schema, &place.name, Some(&new.staging), |now| {
            match now.as_ref().and_then(Manifest::table) {
                Some((same, files)) if same == columns => {
                    let files = files.iter().chain(&new.files).cloned().collect();
                    let name = now.as_ref().map_or(place.name.as_str(), |manifest| manifest.name.as_str());
                    Ok(Manifest::new(name, Content::Table { columns: columns.to_vec(), files }))
                }
                _ => Err(conflict(place)),
            }
        })
    }

    /// Puts files in the place of those that a statement was planned on.
    pub(super) fn replace(
        &self,
        place: &Place,
        planned: &Manifest,
        columns: Vec<StoredColumn>,
        new: &NewFiles,
    ) -> Result<(), Diagnostic> {
        self.stores.store(place).commit(&place.schema, &place.name, Some(&new.staging), |now| {
            if now.as_ref() != Some(planned) {
                return Err(conflict(place));
            }
            Ok(Manifest::new(&planned.name, Content::Table { columns, files: new.files.clone() }))
        })
    }

    fn update(&mut self, update: &ast::Update, written: &mut Written) -> Result<StatementResult, Refusal> {
        let text = written.text;
        let sorted = !update.order_by.is_empty() || update.limit.is_some();
        refuse_words(sorted, "UPDATE with ORDER BY or LIMIT", &["ORDER", "LIMIT"], text)?;
        let clock = self.next_clock();
        let (place, manifest, columns) = self.target_of(&update.table.relation, text)?;
        let target = targets(&columns);
        let (bound, _) =
            self.bind(clock, text, Some(&mut *written.watch), |c| write::bind_update(update, text, c, &target))?;
        let changed = update.returning.is_some().then(|| Changed::Marked(bound.clone()));
        let new = self.write_table(bound, clock, &place, &columns, true, written)?;
        let updated = new.counted;
        let returned = match (changed, &update.returning) {
            (Some(changed), Some(list)) => {
                let name = called(&update.table.relation, &place);
                Some(self.returning(changed, &name, list, clock, written)?)
            }
            _ => None,
        };
        if updated > 0 {
            self.replace(&place, &manifest, columns, &new)?;
        }
        Ok(new.returned(returned, format!("{} of {} updated.", units::counted(updated, "row"), place.display())))
    }

    fn delete(&mut self, delete: &ast::Delete, written: &mut Written) -> Result<StatementResult, Refusal> {
        let text = written.text;
        let sorted = !delete.order_by.is_empty() || delete.limit.is_some();
        refuse_words(sorted, "DELETE with ORDER BY or LIMIT", &["ORDER", "LIMIT"], text)?;
        let clock = self.next_clock();
        let (place, manifest, columns) = self.target_of(delete_target(delete)?, text)?;
        let before = manifest.rows();
        let returned = match &delete.returning {
            None => None,
            Some(list) => {
                let name = called(delete_target(delete)?, &place);
                let (deleted, _) =
                    self.bind(clock, text, Some(&mut *written.watch), |c| write::bind_deleted(delete, text, c))?;
                Some(self.returning(Changed::Rows(deleted), &name, list, clock, written)?)
            }
        };
        if delete.selection.is_none() && delete.using.is_none() {
            self.empty(&place, &manifest, columns)?;
            let what = format!("{} deleted from {}.", units::counted(before, "row"), place.display());
            return Ok(match returned {
                Some(rows) => StatementResult::rows(rows).note(what),
                None => StatementResult::done(what),
            });
        }
        let (bound, _) = self.bind(clock, text, Some(&mut *written.watch), |c| write::bind_delete(delete, text, c))?;
        let new = self.write_table(bound, clock, &place, &columns, false, written)?;
        let deleted = before.saturating_sub(new.rows());
        if deleted > 0 {
            self.replace(&place, &manifest, columns, &new)?;
        }
        Ok(new.returned(returned, format!("{} deleted from {}.", units::counted(deleted, "row"), place.display())))
    }

    /// The rows of RETURNING, before anything is changed.
    fn returning(
        &mut self,
        changed: Changed,
        table: &[String],
        list: &[ast::SelectItem],
        clock: QueryClock,
        written: &mut Written,
    ) -> Result<Rows, Refusal> {
        let text = written.text;
        let (bound, _) = self.bind(clock, text, Some(&mut *written.watch), |context| {
            write::bind_returning(changed, table, list, text, context)
        })?;
        let planned = self.cut(bound, clock)?;
        let ran = self.run(planned, text, written.watch)?;
        ran.outcome.map_err(|place| self.refusal(&ran.info, text, place))
    }

    /// The failure of a query that ran for a statement.
    fn refusal(&self, info: &QueryInfo, text: &str, place: Option<Span>) -> Refusal {
        let failure = self.failed(info, text, place);
        let result = StatementResult { answer: Err(failure), notes: Vec::new(), query: Some(info.query) };
        Refusal::Failed(Box::new(result))
    }

    fn truncate(&mut self, truncate: &ast::Truncate, text: &str) -> Result<StatementResult, Refusal> {
        let [table] = &truncate.table_names[..] else {
            return Err(
                Diagnostic::new(ErrorCode::NotSupported, "not supported yet: TRUNCATE of several tables").into()
            );
        };
        let (place, manifest, columns) = self.stored_table(&parts(&table.name), place_of(&table.name, text))?;
        self.empty(&place, &manifest, columns)?;
        let rows = units::counted(manifest.rows(), "row");
        Ok(StatementResult::done(format!("{rows} deleted from {}.", place.display())))
    }

    fn empty(&self, place: &Place, planned: &Manifest, columns: Vec<StoredColumn>) -> Result<(), Diagnostic> {
        self.stores.store(place).commit(&place.schema, &place.name, None, |now| {
            if now.as_ref() != Some(planned) {
                return Err(conflict(place));
            }
            Ok(Manifest::new(&planned.name, Content::Table { columns, files: Vec::new() }))
        })
    }

    /// Runs a query whose rows become part files of a table.
    pub(super) fn write_table(
        &mut self,
        bound: plan::Query,
        clock: QueryClock,
        place: &Place,
        columns: &[StoredColumn],
        counted: bool,
        written: &mut Written,
    ) -> Result<NewFiles, Refusal> {
        let staging = self.stores.store(place).begin()?;
        let output = bound.output.clone();
        let destination = Destination {
            name: place.display(),
            staging,
            format: FileFormat::parquet(),
            not_null: columns.iter().map(|column| column.not_null).collect(),
            counted,
            partition_by: Vec::new(),
            one_file: false,
            columns: &output,
        };
        self.write_files(bound, clock, destination, written)
    }

    /// Runs a query whose rows go to files. If it fails the files are gone.
    pub(super) fn write_files(
        &mut self,
        bound: plan::Query,
        clock: QueryClock,
        destination: Destination,
        written: &mut Written,
    ) -> Result<NewFiles, Refusal> {
        let Destination { name, staging, format, not_null, counted, partition_by, one_file, columns } = destination;
        let (marks, kept) =
            if counted { columns.split_last().map_or((None, columns), |(m, k)| (Some(m), k)) } else { (None, columns) };
        let is_partition = |column: &OutputColumn| partition_by.iter().any(|(_, id)| *id == column.column);
        let target = WriteTarget {
            name,
            staging: staging.path().to_path_buf(),
            prefix: format!("{}-", staging.id()),
            format,
            columns: kept
                .iter()
                .enumerate()
                .filter(|(_, column)| !is_partition(column))
                .map(|(index, c)| WrittenColumn {
                    name: c.name.clone(),
                    column: c.column,
                    dtype: c.dtype.clone(),
                    not_null: not_null.get(index).copied().unwrap_or(false),
                })
                .collect(),
            partition_by,
            counted: marks.map(|column| column.column),
            even_if_empty: one_file,
        };
        let mut planned = self.cut(bound, clock)?;
        planned.plan = write_to(planned.plan, target, one_file);
        let ran = self.run(planned, written.text, written.watch)?;
        let mut info = ran.info;
        let rows = match ran.outcome {
            Ok(rows) => rows.to_text(),
            Err(place) => return Err(self.refusal(&info, written.text, place)),
        };
        let number = |text: &Option<String>| text.as_ref().and_then(|t| t.parse::<u64>().ok()).unwrap_or_default();
        let (mut files, mut counted) = (Vec::with_capacity(rows.len()), 0);
        for row in &rows {
            if let [Some(name), rows, bytes, marks] = &row[..] {
                files.push(StoredFile { name: name.clone(), rows: number(rows), bytes: number(bytes) });
                counted += number(marks);
            }
        }
        info.rows = Some(files.iter().map(|file| file.rows).sum());
        let about = Footer { timing: self.settings.timing(), nodes_up: self.nodes_up().0, ..Footer::default() };
        let notes = report::footer(&info, &about);
        Ok(NewFiles { staging, files, counted, notes, query: info.query })
    }

    /// `SHOW CREATE TABLE t`.
    pub(super) fn show_create(&self, name: &[String], text: &str, span: Span) -> StatementResult {
        let found = match self.stores.find(name) {
            Ok(found) => found,
            Err(error) => return StatementResult::error(error.at(span), text),
        };
        let sql = match found {
            Some((place, manifest)) => match view_of(&place, &manifest) {
                Some(view) => super::definitions::create_view_text(&place, &view),
                None => super::definitions::create_table_text(&place, &manifest),
            },
            None => match crate::catalog::TableSource::table(&self.tables(), name) {
                Ok(table) => super::definitions::create_file_table_text(&table),
                Err(error) => return StatementResult::error(error.at(span), text),
            },
        };
        StatementResult::text(sql)
    }
}

/// The columns of a table as the binder wants them.
pub(super) fn targets(columns: &[StoredColumn]) -> Vec<TargetColumn> {
    columns
        .iter()
        .map(|c| TargetColumn { name: c.name.clone(), dtype: c.dtype.clone(), default: c.default.clone() })
        .collect()
}

/// Where something stands in the statement.
pub(super) fn place_of(node: &impl Spanned, text: &str) -> Option<Span> {
    crate::sql::source::SourceMap::new(text).span(node.span())
}

/// NOT_SUPPORTED if it is there.
pub(super) fn refuse(present: bool, what: &str) -> Result<(), Diagnostic> {
    if present { Err(Diagnostic::new(ErrorCode::NotSupported, format!("not supported yet: {what}"))) } else { Ok(()) }
}

/// NOT_SUPPORTED if it is there, at the first of these words that the statement has.
fn refuse_words(present: bool, what: &str, words: &[&str], text: &str) -> Result<(), Diagnostic> {
    if !present {
        return Ok(());
    }
    let tokens = tokenize(text)?;
    let place = tokens.placed.iter().find(|placed| match &placed.token {
        Token::Word(found) if found.quote_style.is_none() => words.iter().any(|w| found.value.eq_ignore_ascii_case(w)),
        _ => false,
    });
    refuse(true, what).map_err(|error| error.at(place.map(|placed| placed.span)))
}

/// What a table is called in a statement that changes it.
fn called(table: &ast::TableFactor, place: &Place) -> Vec<String> {
    match table {
        ast::TableFactor::Table { alias: Some(alias), .. } => vec![alias.name.value.clone()],
        _ => vec![place.schema.clone(), place.name.clone()],
    }
}

fn delete_target(delete: &ast::Delete) -> Result<&ast::TableFactor, Diagnostic> {
    let (ast::FromTable::WithFromKeyword(tables) | ast::FromTable::WithoutKeyword(tables)) = &delete.from;
    match &tables[..] {
        [table] if table.joins.is_empty() => Ok(&table.relation),
        _ => Err(Diagnostic::new(ErrorCode::NotSupported, "not supported yet: DELETE from several tables")
            .hint("DELETE FROM t USING u WHERE ... looks at other tables")),
    }
}

fn conflict(place: &Place) -> Diagnostic {
    let message = format!("Table \"{}\" was changed by somebody else while the statement ran", place.display());
    Diagnostic::new(ErrorCode::TransactionConflict, message).hint("nothing was written; run it again")
}
