//! CREATE, DROP and ALTER: what the warehouse has, and what its tables look like.

use super::Session;
use super::names::{MAIN, Place, parts, quoted};
use super::result::StatementResult;
use super::writes::{Refusal, Written, place_of, refuse, targets};
use crate::catalog::View;
use crate::catalog::warehouse::{Content, Manifest, StoredColumn, already_exists};
use crate::catalog::{Format, TableRef};
use crate::journal::ErrorCode;
use crate::plan::bind::write::{self, TargetColumn};
use crate::shell::units;
use crate::sql::source::tokenize;
use crate::sql::{Diagnostic, Span, parse};
use sqlparser::ast::{self, AlterColumnOperation, AlterTableOperation, ColumnOption, ObjectType, Statement};
use sqlparser::tokenizer::Token;

impl Session {
    /// Carries out a statement that defines something.
    pub(super) fn define(&mut self, statement: &Statement, written: &mut Written) -> Result<StatementResult, Refusal> {
        match statement {
            Statement::CreateTable(create) => self.create_table(create, written),
            Statement::CreateView(create) => self.create_view(create, written.text),
            Statement::CreateSchema { schema_name, if_not_exists, .. } => {
                Ok(self.create_schema(schema_name, *if_not_exists)?)
            }
            Statement::Drop { object_type, if_exists, names, cascade, .. } => {
                Ok(self.drop_all(*object_type, *if_exists, names, *cascade, written.text)?)
            }
            Statement::AlterTable(alter) => self.alter_table(alter, written),
            _ => Err(Diagnostic::new(ErrorCode::NotSupported, "not supported yet: this statement")
                .hint("tables, views and schemas can be made, changed and dropped")
                .into()),
        }
    }

    fn create_table(&mut self, create: &ast::CreateTable, written: &mut Written) -> Result<StatementResult, Refusal> {
        let at = place_of(&create.name, written.text);
        refuse(create.external, "CREATE EXTERNAL TABLE")?;
        refuse(create.like.is_some() || create.clone.is_some(), "CREATE TABLE LIKE").map_err(|e| e.at(at))?;
        refuse(!create.constraints.is_empty(), "PRIMARY KEY, UNIQUE, FOREIGN KEY and CHECK")
            .map_err(|e| e.at(at).hint("NOT NULL is checked; leave out the others"))?;
        let place = self.stores.new_place(&parts(&create.name), create.temporary).map_err(|e| e.at(at))?;
        if create.or_replace && create.if_not_exists {
            let message = "OR REPLACE and IF NOT EXISTS contradict each other";
            return Err(Diagnostic::new(ErrorCode::SyntaxError, message).at(at).into());
        }
        if let Some(kind) = self.taken(&place)? {
            if create.if_not_exists && kind == "Table" {
                return Ok(StatementResult::done(format!("Table {} exists already: nothing to do.", place.display())));
            }
            if !create.or_replace || kind != "Table" {
                return Err(taken_error(kind, &place).at(at).into());
            }
        }
        if self.is_read_only(&place) {
            return Err(read_only(&place).at(at).into());
        }
        let Some(query) = &create.query else {
            let columns = self.columns_of(create, written.text)?;
            self.put(&place, create.or_replace, Content::Table { columns, files: Vec::new() }, None)?;
            return Ok(StatementResult::done(format!("Table {} is created.", place.display())));
        };
        if let Some(column) = create.columns.iter().find(|c| !matches!(c.data_type, ast::DataType::Unspecified)) {
            let place = ident_place(&column.name, written.text);
            let message = "the types of CREATE TABLE ... AS are those of the query";
            return Err(Diagnostic::new(ErrorCode::SyntaxError, message).at(place).hint("CAST in the query").into());
        }
        let clock = self.next_clock();
        let names = names_given(create);
        let text = written.text;
        let (bound, _) =
            self.bind(clock, text, Some(&mut *written.watch), |c| write::bind_new_table(query, text, c, &names))?;
        let columns: Vec<StoredColumn> = bound
            .output
            .iter()
            .map(|c| StoredColumn { name: c.name.clone(), dtype: c.dtype.clone(), not_null: false, default: None })
            .collect();
        let new = self.write_table(bound, clock, &place, &columns, false, written)?;
        let content = Content::Table { columns, files: new.files.clone() };
        self.put(&place, create.or_replace, content, Some(&new.staging))?;
        let rows = units::counted(new.rows(), "row");
        Ok(new.reply(format!("Table {} is created, with {rows}.", place.display())))
    }

    /// Commits something new under a name.
    fn put(
        &self,
        place: &Place,
        replace: bool,
        content: Content,
        staging: Option<&crate::catalog::warehouse::Staging>,
    ) -> Result<(), Diagnostic> {
        let is_view = matches!(content, Content::View { .. });
        self.stores.store(place).commit(&place.schema, &place.name, staging, |now| match now {
            // Somebody else was quicker.
            Some(_) if !replace => Err(already_exists(if is_view { "View" } else { "Table" }, &place.display())),
            _ => Ok(Manifest::new(&place.name, content)),
        })
    }

    /// What is stored at a place: a table or a view.
    fn taken(&self, place: &Place) -> Result<Option<&'static str>, Diagnostic> {
        let found = self.stores.store(place).find(&place.schema, &place.name)?;
        Ok(found.map(|manifest| if manifest.table().is_some() { "Table" } else { "View" }))
    }

    fn columns_of(&self, create: &ast::CreateTable, text: &str) -> Result<Vec<StoredColumn>, Diagnostic> {
        let mut columns: Vec<StoredColumn> = Vec::new();
        if create.columns.is_empty() {
            let message = "A table needs at least one column";
            return Err(Diagnostic::new(ErrorCode::SyntaxError, message).at(place_of(&create.name, text)));
        }
        for definition in &create.columns {
            let column = self.column_of(definition, text)?;
            if columns.iter().any(|known| known.name.eq_ignore_ascii_case(&column.name)) {
                let message = format!("The table has two columns \"{}\"", column.name);
                return Err(Diagnostic::new(ErrorCode::AmbiguousName, message).at(ident_place(&definition.name, text)));
            }
            columns.push(column);
        }
        Ok(columns)
    }

    /// A column as CREATE TABLE and ADD COLUMN define it.
    fn column_of(&self, definition: &ast::ColumnDef, text: &str) -> Result<StoredColumn, Diagnostic> {
        let at = ident_place(&definition.name, text);
        let type_at = match &definition.data_type {
            ast::DataType::Custom(name, _) => place_of(name, text),
            _ => None,
        };
        let dtype = write::column_type(&definition.data_type, type_at.or(at))?;
        let mut column = StoredColumn { name: definition.name.value.clone(), dtype, not_null: false, default: None };
        for option in &definition.options {
            match &option.option {
                ColumnOption::Null => {}
                ColumnOption::NotNull => column.not_null = true,
                ColumnOption::Default(value) => column.default = Some(value.to_string()),
                ColumnOption::PrimaryKey(_) => {
                    refuse(true, "PRIMARY KEY").map_err(|e| e.at(at).hint("NOT NULL is checked"))?
                }
                ColumnOption::Unique(_) => {
                    refuse(true, "UNIQUE").map_err(|e| e.at(at).hint("NOT NULL is checked; leave it out"))?
                }
                ColumnOption::ForeignKey(_) => {
                    refuse(true, "REFERENCES").map_err(|e| e.at(at).hint("NOT NULL is checked; leave it out"))?
                }
                ColumnOption::Check(_) => {
                    refuse(true, "CHECK").map_err(|e| e.at(at).hint("NOT NULL is checked; leave it out"))?
                }
                ColumnOption::Generated { .. } => refuse(true, "generated columns")
                    .map_err(|e| e.at(at).hint("CREATE VIEW v AS SELECT *, price * 0.2 AS tax FROM t computes it"))?,
                other => refuse(true, &format!("the column option {other}")).map_err(|e| e.at(at))?,
            }
        }
        let target =
            TargetColumn { name: column.name.clone(), dtype: column.dtype.clone(), default: column.default.clone() };
        let clock = self.clock.for_query(self.now(), 0, self.settings.zone());
        self.bind(clock, text, None, |context| write::check_default(context, &target)).map_err(|error| error.at(at))?;
        Ok(column)
    }

    fn create_view(&mut self, create: &ast::CreateView, text: &str) -> Result<StatementResult, Refusal> {
        let at = place_of(&create.name, text);
        refuse(create.materialized, "materialized views").map_err(|e| e.at(at))?;
        let place = self.stores.new_place(&parts(&create.name), create.temporary).map_err(|e| e.at(at))?;
        if let Some(kind) = self.taken(&place)? {
            if create.if_not_exists && kind == "View" {
                return Ok(StatementResult::done(format!("View {} exists already: nothing to do.", place.display())));
            }
            if !create.or_replace || kind != "View" {
                return Err(taken_error(kind, &place).at(at).into());
            }
        }
        if self.is_read_only(&place) {
            return Err(read_only(&place).at(at).into());
        }
        let names: Vec<ast::Ident> = create.columns.iter().map(|column| column.name.clone()).collect();
        // A view that cannot be bound now is refused now.
        let clock = self.next_clock();
        self.bind(clock, text, None, |context| write::bind_new_table(&create.query, text, context, &names))?;
        let sql = query_text(text).ok_or_else(|| Diagnostic::new(ErrorCode::SyntaxError, "the view has no query"))?;
        parse(&sql)?;
        let columns = names.into_iter().map(|name| name.value).collect();
        self.put(&place, create.or_replace, Content::View { sql, columns }, None)?;
        Ok(StatementResult::done(format!("View {} is created.", place.display())))
    }

    fn create_schema(&mut self, name: &ast::SchemaName, if_not_exists: bool) -> Result<StatementResult, Diagnostic> {
        let ast::SchemaName::Simple(name) = name else {
            return Err(Diagnostic::new(ErrorCode::NotSupported, "not supported yet: CREATE SCHEMA AUTHORIZATION"));
        };
        let name = parts(name).join(".");
        let made = !name.eq_ignore_ascii_case(super::names::TEMPORARY) && self.stores.warehouse.create_schema(&name)?;
        if !made && !if_not_exists {
            return Err(already_exists("Schema", &name));
        }
        Ok(StatementResult::done(if made {
            format!("Schema {name} is created.")
        } else {
            format!("Schema {name} exists already: nothing to do.")
        }))
    }

    fn drop_all(
        &mut self,
        kind: ObjectType,
        if_exists: bool,
        names: &[ast::ObjectName],
        cascade: bool,
        text: &str,
    ) -> Result<StatementResult, Diagnostic> {
        let mut said = Vec::new();
        for name in names {
            let at = place_of(name, text);
            let name = parts(name);
            said.push(match kind {
                ObjectType::Table | ObjectType::View => {
                    self.drop_stored(kind, if_exists, &name).map_err(|error| error.at(at))?
                }
                ObjectType::Schema => self.drop_schema(if_exists, &name, cascade).map_err(|error| error.at(at))?,
                other => {
                    return Err(Diagnostic::new(ErrorCode::NotSupported, format!("not supported yet: DROP {other}")));
                }
            });
        }
        Ok(StatementResult::done(said.join("\n")))
    }

    fn drop_stored(&self, kind: ObjectType, if_exists: bool, name: &[String]) -> Result<String, Diagnostic> {
        let what = if kind == ObjectType::View { "View" } else { "Table" };
        let Some((place, manifest)) = self.stores.find(name)? else {
            if if_exists {
                return Ok(format!("There is no {} {}: nothing to do.", what.to_lowercase(), name.join(".")));
            }
            // Its own error if there is no such table at all.
            let table = crate::catalog::TableSource::table(&self.tables(), name)?;
            let message =
                format!("Table \"{}\" is read from files that are not faultlab's to remove", table.display_name());
            return Err(Diagnostic::new(ErrorCode::NotSupported, message).hint("it is gone when its files are"));
        };
        let is_view = manifest.table().is_none();
        if is_view != (kind == ObjectType::View) {
            let (is, other) = if is_view { ("a view", "DROP VIEW") } else { ("a table", "DROP TABLE") };
            let message = format!("\"{}\" is {is}", place.display());
            return Err(Diagnostic::new(ErrorCode::TypeMismatch, message).hint(format!("{other} removes it")));
        }
        self.stores.store(&place).remove(&place.schema, &place.name)?;
        Ok(format!("{what} {} is dropped.", place.display()))
    }

    fn drop_schema(&mut self, if_exists: bool, name: &[String], cascade: bool) -> Result<String, Diagnostic> {
        let name = name.join(".");
        let known = self.stores.warehouse.schemas().into_iter().find(|known| known.eq_ignore_ascii_case(&name));
        let Some(schema) = known else {
            if if_exists {
                return Ok(format!("There is no schema {name}: nothing to do."));
            }
            let message = format!("There is no schema \"{name}\" that was made with CREATE SCHEMA");
            return Err(Diagnostic::new(ErrorCode::SchemaNotFound, message).hint("SHOW SCHEMAS lists all"));
        };
        if schema == MAIN {
            return Err(Diagnostic::new(ErrorCode::NotSupported, "The schema main is always there"));
        }
        let inside = self.stores.warehouse.list().into_iter().filter(|stored| stored.schema == schema).count();
        if inside > 0 && !cascade {
            let message = format!("Schema \"{schema}\" has {} in it", units::counted(inside as u64, "table"));
            return Err(Diagnostic::new(ErrorCode::NotSupported, message)
                .hint(format!("DROP SCHEMA {schema} CASCADE; removes them too")));
        }
        self.stores.warehouse.remove_schema(&schema)?;
        if self.stores.schema == schema {
            self.stores.schema = MAIN.to_string();
        }
        Ok(format!("Schema {schema} is dropped."))
    }

    fn alter_table(&mut self, alter: &ast::AlterTable, written: &mut Written) -> Result<StatementResult, Refusal> {
        let name = parts(&alter.name);
        let at = place_of(&alter.name, written.text);
        if alter.if_exists && self.stores.find(&name)?.is_none() {
            return Ok(StatementResult::done(format!("There is no table {}: nothing to do.", name.join("."))));
        }
        let (place, manifest, columns) = self.stored_table(&name, at)?;
        let [operation] = &alter.operations[..] else {
            return Err(Diagnostic::new(
                ErrorCode::NotSupported,
                "not supported yet: several changes in one ALTER TABLE",
            )
            .at(at)
            .into());
        };
        let find = |ident: &ast::Ident| {
            let found = columns.iter().position(|c| c.name.eq_ignore_ascii_case(&ident.value));
            found.ok_or_else(|| write::no_column(&ident.value, &targets(&columns)).at(ident_place(ident, written.text)))
        };
        let mut after = columns.clone();
        // What each column of the new table is made of.
        let mut values: Vec<String> = columns.iter().map(|c| always_quoted(&c.name)).collect();
        let what = match operation {
            AlterTableOperation::RenameTable {
                table_name: ast::RenameTableNameKind::As(to) | ast::RenameTableNameKind::To(to),
            } => {
                let to = parts(to).pop().unwrap_or_default();
                let target = Place { name: to.clone(), ..place.clone() };
                if self.is_read_only(&target) {
                    return Err(read_only(&target).at(at).into());
                }
                self.stores.store(&place).rename(&place.schema, &place.name, &to).map_err(|error| error.at(at))?;
                return Ok(StatementResult::done(format!("Table {} is called {to} now.", place.display())));
            }
            AlterTableOperation::AddColumn { column_def, if_not_exists, .. } => {
                let column = self.column_of(column_def, written.text)?;
                if columns.iter().any(|known| known.name.eq_ignore_ascii_case(&column.name)) {
                    if *if_not_exists {
                        let what = format!("Column {} exists already: nothing to do.", column.name);
                        return Ok(StatementResult::done(what));
                    }
                    let place = ident_place(&column_def.name, written.text);
                    return Err(already_exists("Column", &column.name).at(place).into());
                }
                let value = column.default.clone().unwrap_or_else(|| "NULL".to_string());
                values.push(format!("CAST(({value}) AS {})", column.dtype));
                let what = format!("Column {} is added to {}.", column.name, place.display());
                after.push(column);
                what
            }
            AlterTableOperation::DropColumn { column_names, if_exists, .. } => {
                let mut gone = Vec::new();
                for ident in column_names {
                    match find(ident) {
                        Ok(index) => gone.push(index),
                        Err(_) if *if_exists => {}
                        Err(error) => return Err(error.into()),
                    }
                }
                if gone.len() == columns.len() {
                    let message = "A table needs at least one column";
                    return Err(Diagnostic::new(ErrorCode::NotSupported, message).at(at).into());
                }
                let keep = |index: &usize| !gone.contains(index);
                values = (0..values.len()).filter(keep).map(|index| values[index].clone()).collect();
                after = (0..after.len()).filter(keep).map(|index| after[index].clone()).collect();
                format!("{} of {} dropped.", units::counted(gone.len() as u64, "column"), place.display())
            }
            AlterTableOperation::RenameColumn { old_column_name, new_column_name } => {
                let index = find(old_column_name)?;
                let new = &new_column_name.value;
                if columns.iter().enumerate().any(|(i, c)| i != index && c.name.eq_ignore_ascii_case(new)) {
                    let place = ident_place(new_column_name, written.text);
                    return Err(already_exists("Column", new).at(place).into());
                }
                after[index].name.clone_from(new);
                format!("Column {} of {} is called {new} now.", columns[index].name, place.display())
            }
            AlterTableOperation::AlterColumn { column_name, op } => {
                let index = find(column_name)?;
                let column = &mut after[index];
                match op {
                    AlterColumnOperation::SetNotNull => column.not_null = true,
                    AlterColumnOperation::DropNotNull => column.not_null = false,
                    AlterColumnOperation::SetDefault { value } => column.default = Some(value.to_string()),
                    AlterColumnOperation::DropDefault => column.default = None,
                    AlterColumnOperation::SetDataType { data_type, using, .. } => {
                        column.dtype = write::column_type(data_type, ident_place(column_name, written.text))?;
                        let value = using.as_ref().map_or_else(|| values[index].clone(), ToString::to_string);
                        values[index] = format!("CAST(({value}) AS {})", column.dtype);
                    }
                    AlterColumnOperation::AddGenerated { .. } => refuse(true, "generated columns")?,
                }
                let target = &targets(std::slice::from_ref(column))[0];
                let clock = self.clock.for_query(self.now(), 0, self.settings.zone());
                self.bind(clock, written.text, None, |context| write::check_default(context, target))
                    .map_err(|error| error.at(at))?;
                format!("Column {} of {} is altered.", column.name, place.display())
            }
            other => {
                return Err(Diagnostic::new(ErrorCode::NotSupported, format!("not supported yet: {other}"))
                    .at(at)
                    .into());
            }
        };
        let only_description = columns.len() == after.len()
            && columns
                .iter()
                .zip(&after)
                .all(|(b, a)| b.name == a.name && b.dtype == a.dtype && (b.not_null || !a.not_null));
        if only_description {
            self.stores.store(&place).commit(&place.schema, &place.name, None, |now| match now {
                Some(now) if now == manifest => {
                    let files = manifest.table().map(|(_, files)| files.to_vec()).unwrap_or_default();
                    Ok(Manifest::new(&manifest.name, Content::Table { columns: after, files }))
                }
                _ => Err(already_changed(&place)),
            })?;
            return Ok(StatementResult::done(what));
        }
        // The files have the old columns: they are written anew.
        let table = format!("{}.{}", always_quoted(&place.schema), always_quoted(&place.name));
        let sql = format!("SELECT {} FROM {table}", values.join(", "));
        let names: Vec<ast::Ident> =
            after.iter().map(|column| ast::Ident::with_quote('"', column.name.clone())).collect();
        let clock = self.next_clock();
        let crate::sql::statement::Statement::Query(query) = parse(&sql)?.statement else {
            return Err(Diagnostic::new(ErrorCode::GenericInternalError, "a SELECT is no query").into());
        };
        let (bound, _) = self
            .bind(clock, &sql, None, |context| write::bind_new_table(&query, &sql, context, &names))
            .map_err(|error| Diagnostic { span: at, ..error })?;
        let new = self.write_table(bound, clock, &place, &after, false, written)?;
        self.replace(&place, &manifest, after, &new)?;
        Ok(new.reply(what))
    }
}

/// Where a name stands in the statement.
fn ident_place(ident: &ast::Ident, text: &str) -> Option<Span> {
    crate::sql::source::SourceMap::new(text).span(ident.span)
}

/// The names in brackets of `CREATE TABLE t (a, b) AS ...`.
pub(super) fn names_given(create: &ast::CreateTable) -> Vec<ast::Ident> {
    create.columns.iter().map(|column| column.name.clone()).collect()
}

fn always_quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn taken_error(kind: &str, place: &Place) -> Diagnostic {
    let error = already_exists(kind, &place.display());
    match kind {
        "View" => error.hint("CREATE OR REPLACE VIEW replaces it, DROP VIEW removes it"),
        _ => error.hint("CREATE OR REPLACE TABLE replaces it, DROP TABLE removes it"),
    }
}

fn read_only(place: &Place) -> Diagnostic {
    already_exists("Table", &place.display())
        .hint("it is read from files; another name, or CREATE TEMP TABLE, hides it")
}

fn already_changed(place: &Place) -> Diagnostic {
    let message = format!("Table \"{}\" was changed by somebody else while the statement ran", place.display());
    Diagnostic::new(ErrorCode::TransactionConflict, message).hint("nothing was written; run it again")
}

/// The query of CREATE VIEW as it was written: what follows the first AS outside brackets.
fn query_text(text: &str) -> Option<String> {
    let tokens = tokenize(text).ok()?;
    let mut depth = 0_u32;
    for token in &tokens.placed {
        match &token.token {
            Token::LParen => depth += 1,
            Token::RParen => depth = depth.saturating_sub(1),
            Token::Word(word) if depth == 0 && word.quote_style.is_none() && word.value.eq_ignore_ascii_case("as") => {
                return Some(text[token.span.end as usize..].trim().to_string());
            }
            _ => {}
        }
    }
    None
}

fn name_of(place: &Place, name: &str) -> String {
    if place.schema == MAIN { quoted(name) } else { format!("{}.{}", quoted(&place.schema), quoted(name)) }
}

/// The statement that makes a stored table.
pub(super) fn create_table_text(place: &Place, manifest: &Manifest) -> String {
    let (columns, _) = manifest.table().unwrap_or_default();
    let lines: Vec<String> = columns
        .iter()
        .map(|column| {
            let not_null = if column.not_null { " NOT NULL" } else { "" };
            let default = column.default.as_ref().map_or_else(String::new, |value| format!(" DEFAULT {value}"));
            format!("    {} {}{not_null}{default}", quoted(&column.name), column.dtype)
        })
        .collect();
    let temporary = if place.temporary { "TEMP " } else { "" };
    let name = if place.temporary { quoted(&manifest.name) } else { name_of(place, &manifest.name) };
    format!("CREATE {temporary}TABLE {name} (\n{}\n);\n", lines.join(",\n"))
}

/// The statement that makes a view.
pub(super) fn create_view_text(place: &Place, view: &View) -> String {
    let columns: Vec<String> = view.columns.iter().map(|name| quoted(name)).collect();
    let columns = if columns.is_empty() { String::new() } else { format!(" ({})", columns.join(", ")) };
    let temporary = if place.temporary { "TEMP " } else { "" };
    let name = if place.temporary { quoted(&view.name) } else { name_of(place, &view.name) };
    format!("CREATE {temporary}VIEW {name}{columns} AS\n{};\n", view.sql)
}

/// A table of files has no statement that made it: what its columns are, and where they are read from.
pub(super) fn create_file_table_text(table: &TableRef) -> String {
    let lines: Vec<String> =
        table.columns.iter().map(|column| format!("    {} {}", quoted(&column.name), column.dtype)).collect();
    let from = match (&table.format, table.files.first()) {
        (Format::Memory, _) | (_, None) => "made by faultlab itself".to_string(),
        (_, Some(file)) if table.files.len() == 1 => format!("read from {}", file.path.display()),
        (_, Some(file)) => format!("read from {} and {} more", file.path.display(), table.files.len() - 1),
    };
    format!("CREATE TABLE {} (\n{}\n);  -- {from}\n", table.display_name(), lines.join(",\n"))
}
