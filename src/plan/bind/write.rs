//! Statements that write: what rows they put where. Each becomes a query whose columns are those of the table, in order.

use super::binder::{BindContext, Binder, not_supported};
use super::coerce::{cast, condition};
use super::expression::Clause;
use super::from::relation_of;
use super::literal::data_type;
use super::scope::{Relation, Scope, numbered_duplicates};
use super::select::Item;
use crate::catalog::TableRef;
use crate::journal::ErrorCode;
use crate::plan::expr::{ColumnDef, Expr, ExprKind};
use crate::plan::logical::{JoinKind, LogicalPlan, OutputColumn, Query};
use crate::sql::diagnostic::{Diagnostic, Result, Span};
use crate::sql::parse::parse_expression;
use crate::sql::suggest::{did_you_mean, similar};
use crate::sql::{DataType, Value, with_deep_stack};
use sqlparser::ast::{self, SetExpr};

/// A column that rows are written to.
#[derive(Debug, Clone, PartialEq)]
pub struct TargetColumn {
    pub name: String,
    pub dtype: DataType,
    /// The expression for rows that leave it out, as it was written; None: NULL.
    pub default: Option<String>,
}

/// Which values of an INSERT go to which columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Order {
    /// The value at `i` goes to the column at `positions[i]`.
    Position(Vec<usize>),
    /// Values go to the columns of their names.
    Name,
}

/// The type of a column as it is written in CREATE TABLE.
pub fn column_type(written: &ast::DataType, place: Option<Span>) -> Result<DataType> {
    data_type(written, place)
}

/// A query whose rows become a new table: names that differ, types that can be stored. `names` are given to its columns.
pub fn bind_new_table(query: &ast::Query, text: &str, context: &BindContext, names: &[ast::Ident]) -> Result<Query> {
    with_deep_stack(|| {
        let mut binder = Binder::new(text, *context)?;
        let bound = binder.query(query)?;
        if names.len() > bound.output.len() {
            let place = binder.span(names[bound.output.len()].span);
            return Err(Diagnostic::new(
                ErrorCode::InvalidArguments,
                format!("{} names are given, and the query has {} columns", names.len(), bound.output.len()),
            )
            .at(place));
        }
        let named = bound.output.iter().enumerate();
        let named = named.map(|(i, output)| names.get(i).map_or(output.name.as_str(), |ident| ident.value.as_str()));
        let mut columns = Vec::new();
        for (name, output) in numbered_duplicates(named).into_iter().zip(&bound.output) {
            let value = Expr::column(output.column, output.dtype.clone());
            let value = if output.dtype == DataType::Null { cast(value, DataType::Integer, false)? } else { value };
            columns.push((name, value));
        }
        Ok(binder.with_columns(bound.plan, columns))
    })
}

/// The rows of an INSERT, cast to the types of the table. INVALID_ARGUMENTS for a wrong number of values.
pub fn bind_insert(
    query: &ast::Query,
    text: &str,
    context: &BindContext,
    targets: &[TargetColumn],
    order: &Order,
) -> Result<Query> {
    with_deep_stack(|| {
        let mut binder = Binder::new(text, *context)?;
        let plain = query.with.is_none() && query.order_by.is_none() && query.limit_clause.is_none();
        match (&*query.body, order) {
            (SetExpr::Values(values), Order::Position(positions)) if plain => {
                binder.inserted_values(values, targets, positions)
            }
            _ => binder.inserted_query(query, targets, order),
        }
    })
}

/// One row of defaults: `INSERT INTO t DEFAULT VALUES`.
pub fn bind_default_row(text: &str, context: &BindContext, targets: &[TargetColumn]) -> Result<Query> {
    let mut binder = Binder::new(text, *context)?;
    let columns = targets.iter().map(|target| Ok((target.name.clone(), binder.default_of(target)?)));
    let columns = columns.collect::<Result<Vec<_>>>()?;
    Ok(binder.with_columns(one_row(), columns))
}

/// Checks the default of a column: it has to be a value of its type by itself.
pub fn check_default(context: &BindContext, target: &TargetColumn) -> Result<()> {
    Binder::new("", *context)?.default_of(target).map(drop)
}

/// What an UPDATE leaves in the table: all its columns, and at the end whether the row was updated.
pub fn bind_update(update: &ast::Update, text: &str, context: &BindContext, targets: &[TargetColumn]) -> Result<Query> {
    with_deep_stack(|| Binder::new(text, *context)?.updated(update, targets))
}

/// What a DELETE leaves in the table.
pub fn bind_delete(delete: &ast::Delete, text: &str, context: &BindContext) -> Result<Query> {
    with_deep_stack(|| Binder::new(text, *context)?.divided(delete, true))
}

/// What a DELETE takes out of the table.
pub fn bind_deleted(delete: &ast::Delete, text: &str, context: &BindContext) -> Result<Query> {
    with_deep_stack(|| Binder::new(text, *context)?.divided(delete, false))
}

/// The rows that RETURNING looks at.
pub enum Changed {
    /// All that a query gives.
    Rows(Query),
    /// Those of an UPDATE's query whose last column, the mark, is true.
    Marked(Query),
    /// Those that were written.
    Stored(TableRef),
}

/// RETURNING: a select list over the rows that a statement changes, which are called as the table is in it.
pub fn bind_returning(
    changed: Changed,
    table: &[String],
    list: &[ast::SelectItem],
    text: &str,
    context: &BindContext,
) -> Result<Query> {
    with_deep_stack(|| Binder::new(text, *context)?.returned(changed, table, list))
}

/// What a column is written from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// Its values; texts of those that Parquet has no type for.
    Values,
    /// Their texts.
    Texts,
    /// Their JSON.
    Json,
}

/// A query with each output column as its format is written from it. `form` is how values of a type are written where it is not
/// as everywhere.
pub fn as_written(
    mut query: Query,
    written: impl Fn(usize) -> Written,
    form: impl Fn(&DataType) -> Option<String>,
) -> Result<Query> {
    let mut columns = Vec::new();
    for (index, output) in query.output.iter_mut().enumerate() {
        let mut value = Expr::column(output.column, output.dtype.clone());
        let written = written(index);
        if written != Written::Values
            && let Some(form) = form(&value.dtype)
        {
            let form = Expr::literal(Value::Varchar(form), DataType::Varchar);
            value = super::call::scalar("strftime", vec![value, form], None)?;
        }
        match written {
            Written::Values => {
                if let Some(kept) = value.dtype.as_parquet() {
                    value = cast(value, kept, false)?;
                }
            }
            Written::Texts => value = cast(value, DataType::Varchar, false)?,
            Written::Json => {
                if let Some(shown) = value.dtype.with_shown_moments() {
                    value = cast(value, shown, false)?;
                }
                value = Expr::call("to_json", vec![value], DataType::Json);
            }
        }
        let def = ColumnDef {
            id: crate::plan::ColumnId(query.next_column),
            name: output.name.clone(),
            dtype: value.dtype.clone(),
        };
        query.next_column += 1;
        *output = OutputColumn { name: def.name.clone(), column: def.id, dtype: def.dtype.clone() };
        columns.push((def, value));
    }
    query.plan = LogicalPlan::Project { input: Box::new(query.plan), columns };
    Ok(query)
}

/// A single row of no columns.
fn one_row() -> LogicalPlan {
    LogicalPlan::Values { columns: Vec::new(), rows: vec![Vec::new()] }
}

impl<'q> Binder<'q> {
    /// The plan with exactly these columns on top.
    fn with_columns(&mut self, plan: LogicalPlan, values: Vec<(String, Expr)>) -> Query {
        let mut columns = Vec::with_capacity(values.len());
        let mut output = Vec::with_capacity(values.len());
        for (name, value) in values {
            let def = self.column(name.clone(), value.dtype.clone());
            output.push(OutputColumn { name, column: def.id, dtype: def.dtype.clone() });
            columns.push((def, value));
        }
        let plan = LogicalPlan::Project { input: Box::new(plan), columns };
        Query { plan, output, next_column: self.next_column }
    }

    /// The value of a column that a row leaves out.
    fn default_of(&self, target: &TargetColumn) -> Result<Expr> {
        let Some(written) = &target.default else { return Ok(Expr::literal(Value::Null, target.dtype.clone())) };
        let unusable = |reason: String| {
            Diagnostic::new(
                ErrorCode::InvalidArguments,
                format!("The default of column \"{}\" cannot be used: {reason}", target.name),
            )
        };
        let parsed = parse_expression(written).map_err(|error| unusable(error.message))?;
        let mut binder = Binder::new(written, self.context)?;
        binder.scopes.push(Scope::default());
        let value = binder.expression(&parsed, Clause::Values).map_err(|error| unusable(error.message))?;
        let mut subquery = false;
        value.walk(&mut |e| {
            subquery |=
                matches!(e.kind, ExprKind::ScalarSubquery(_) | ExprKind::Exists { .. } | ExprKind::InSubquery { .. });
        });
        if subquery {
            return Err(unusable("it contains a subquery".to_string()));
        }
        cast(value, target.dtype.clone(), false).map_err(|error| unusable(error.message))
    }

    fn wrong_count(&self, values: usize, wanted: usize, place: Option<Span>) -> Diagnostic {
        let plural = |n: usize, what: &str| if n == 1 { format!("{n} {what}") } else { format!("{n} {what}s") };
        Diagnostic::new(
            ErrorCode::InvalidArguments,
            format!("{} for {}", plural(values, "value"), plural(wanted, "column")),
        )
        .at(place)
        .hint("INSERT INTO t (a, b) ... names the columns that get values")
    }

    fn inserted_values(
        &mut self,
        values: &'q ast::Values,
        targets: &[TargetColumn],
        positions: &[usize],
    ) -> Result<Query> {
        self.scopes.push(Scope::default());
        let mut rows = Vec::with_capacity(values.rows.len());
        for written in &values.rows {
            if written.len() != positions.len() {
                let place = written.iter().filter_map(|cell| self.span_of(cell)).reduce(Span::to);
                return Err(self.wrong_count(written.len(), positions.len(), place));
            }
            let mut row = Vec::with_capacity(targets.len());
            for (index, target) in targets.iter().enumerate() {
                let cell = positions.iter().position(|p| *p == index).map(|at| &written[at]);
                row.push(match cell {
                    None => self.default_of(target)?,
                    Some(ast::Expr::Identifier(word))
                        if word.quote_style.is_none() && word.value.eq_ignore_ascii_case("default") =>
                    {
                        self.default_of(target)?
                    }
                    Some(cell) => cast(self.expression(cell, Clause::Values)?, target.dtype.clone(), false)?,
                });
            }
            rows.push(row);
        }
        self.scopes.pop();
        let columns: Vec<ColumnDef> = targets.iter().map(|t| self.column(t.name.clone(), t.dtype.clone())).collect();
        let output = columns
            .iter()
            .map(|c| OutputColumn { name: c.name.clone(), column: c.id, dtype: c.dtype.clone() })
            .collect();
        Ok(Query { plan: LogicalPlan::Values { columns, rows }, output, next_column: self.next_column })
    }

    fn inserted_query(&mut self, query: &'q ast::Query, targets: &[TargetColumn], order: &Order) -> Result<Query> {
        let bound = self.query(query)?;
        let place = self.span_of(query);
        let mut sources: Vec<Option<usize>> = vec![None; targets.len()];
        match order {
            Order::Position(positions) => {
                if bound.output.len() != positions.len() {
                    return Err(self.wrong_count(bound.output.len(), positions.len(), place));
                }
                for (value, target) in positions.iter().enumerate() {
                    sources[*target] = Some(value);
                }
            }
            Order::Name => {
                for (value, output) in bound.output.iter().enumerate() {
                    let found = targets.iter().position(|t| t.name.eq_ignore_ascii_case(&output.name));
                    let Some(target) = found else {
                        return Err(no_column(&output.name, targets).at(place));
                    };
                    if sources[target].replace(value).is_some() {
                        let message = format!("two values for column \"{}\"", output.name);
                        return Err(Diagnostic::new(ErrorCode::AmbiguousName, message).at(place));
                    }
                }
            }
        }
        let mut columns = Vec::with_capacity(targets.len());
        for (target, source) in targets.iter().zip(sources) {
            let value = match source {
                Some(at) => {
                    let output = &bound.output[at];
                    let value = Expr::column(output.column, output.dtype.clone());
                    cast(value, target.dtype.clone(), false).map_err(|e| e.at(place))?
                }
                None => self.default_of(target)?,
            };
            columns.push((target.name.clone(), value));
        }
        Ok(self.with_columns(bound.plan, columns))
    }

    fn updated(mut self, update: &'q ast::Update, targets: &[TargetColumn]) -> Result<Query> {
        let (left, mut relations) = self.factor(&update.table.relation)?;
        let own: Vec<(String, Expr)> = relations
            .iter()
            .flat_map(|r| &r.columns)
            .map(|c| (c.name.clone(), Expr::column(c.id, c.dtype.clone())))
            .collect();
        let (mut plan, mut matched) = (left, None);
        if let Some(ast::UpdateTableFromKind::BeforeSet(from) | ast::UpdateTableFromKind::AfterSet(from)) = &update.from
        {
            let Some(on) = &update.selection else {
                let place = from.first().and_then(|table| self.span_of(&table.relation));
                return Err(not_supported("UPDATE ... FROM without WHERE", place));
            };
            let (right, names) = self.tables_and_joins(from)?;
            let mark = self.column("matched", DataType::Boolean);
            let mut columns: Vec<(ColumnDef, Expr)> =
                right.columns().into_iter().map(|c| (c.clone(), Expr::column(c.id, c.dtype))).collect();
            columns.push((mark.clone(), Expr::boolean(true)));
            let right = LogicalPlan::Project { input: Box::new(right), columns };
            let (joined, all) = self.join_on((plan, relations), (right, names), JoinKind::Left, on)?;
            // A second match would leave open which of them counts: the join says so.
            plan = match joined {
                LogicalPlan::Join { left, right, on, .. } => {
                    LogicalPlan::Join { left, right, kind: JoinKind::Single, on }
                }
                other => other,
            };
            relations = all;
            matched = Some(Expr::column(mark.id, DataType::Boolean));
        }
        self.scopes.push(Scope { relations, ..Scope::default() });
        let condition = match (matched, &update.selection) {
            (Some(matched), _) => Some(matched),
            (None, Some(filter)) => Some(condition(self.expression(filter, Clause::Where)?, "WHERE")?),
            (None, None) => None,
        };
        let mut values: Vec<Option<Expr>> = vec![None; targets.len()];
        for (name, written) in self.assigned(update)? {
            let place = self.span_of(name);
            let name = super::from::parts(name).pop().unwrap_or_default();
            let Some(at) = targets.iter().position(|t| t.name.eq_ignore_ascii_case(&name)) else {
                return Err(no_column(&name, targets).at(place));
            };
            let value = match written {
                ast::Expr::Identifier(word)
                    if word.quote_style.is_none() && word.value.eq_ignore_ascii_case("default") =>
                {
                    self.default_of(&targets[at])?
                }
                written => {
                    let value = self.expression(written, Clause::Set)?;
                    cast(value, targets[at].dtype.clone(), false)?
                }
            };
            if values[at].replace(value).is_some() {
                return Err(
                    Diagnostic::new(ErrorCode::AmbiguousName, format!("two values for column \"{name}\"")).at(place)
                );
            }
        }
        self.scopes.pop();
        let mark = condition.clone().unwrap_or(Expr::boolean(true));
        let mut columns: Vec<(String, Expr)> = own
            .into_iter()
            .zip(values)
            .map(|((name, old), value)| match (value, &condition) {
                (None, _) => (name, old),
                (Some(new), None) => (name, new),
                (Some(new), Some(condition)) => {
                    let dtype = new.dtype.clone();
                    let kind =
                        ExprKind::Case { branches: vec![(condition.clone(), new)], otherwise: Some(Box::new(old)) };
                    (name, Expr { kind, dtype, span: None })
                }
            })
            .collect();
        columns.push(("updated".to_string(), mark));
        Ok(self.with_columns(plan, columns))
    }

    /// The columns that SET names with what they get: `(a, b) = (1, 2)` is two of them.
    fn assigned(&self, update: &'q ast::Update) -> Result<Vec<(&'q ast::ObjectName, &'q ast::Expr)>> {
        let mut all = Vec::new();
        for assignment in &update.assignments {
            match (&assignment.target, &assignment.value) {
                (ast::AssignmentTarget::ColumnName(name), value) => all.push((name, value)),
                (ast::AssignmentTarget::Tuple(names), ast::Expr::Tuple(values)) if names.len() == values.len() => {
                    all.extend(names.iter().zip(values));
                }
                (ast::AssignmentTarget::Tuple(names), ast::Expr::Tuple(values)) => {
                    return Err(self.wrong_count(values.len(), names.len(), self.span_of(assignment)));
                }
                (ast::AssignmentTarget::Tuple(_), _) => {
                    return Err(not_supported("SET (a, b) = (SELECT ...)", self.span_of(assignment)).hint(
                        "UPDATE ... SET a = s.a, b = s.b FROM (SELECT ...) AS s WHERE ... takes several columns",
                    ));
                }
            }
        }
        Ok(all)
    }

    fn returned(mut self, changed: Changed, table: &[String], list: &'q [ast::SelectItem]) -> Result<Query> {
        let (plan, columns) = match changed {
            Changed::Stored(table) => {
                let (plan, relations) = self.scan(table, None)?;
                (plan, relations.into_iter().flat_map(|relation| relation.columns).collect())
            }
            Changed::Rows(query) => {
                refuse_volatile(&query.plan)?;
                self.next_column = query.next_column;
                (query.plan, relation_of(Vec::new(), &query.output).columns)
            }
            Changed::Marked(mut query) => {
                refuse_volatile(&query.plan)?;
                self.next_column = query.next_column;
                let mark = query.output.pop().map(|c| Expr::column(c.column, c.dtype));
                let (input, predicate) = (Box::new(query.plan), mark.unwrap_or(Expr::boolean(true)));
                (LogicalPlan::Filter { input, predicate }, relation_of(Vec::new(), &query.output).columns)
            }
        };
        let relations = vec![Relation { name: table.to_vec(), columns }];
        self.scopes.push(Scope { relations, aliases: super::select::aliases(list), ..Scope::default() });
        let items = self.items(list)?;
        let wrong = |what: &str, item: &Item| {
            let message = format!("RETURNING cannot contain {what}");
            Err(Diagnostic::new(ErrorCode::InvalidArguments, message)
                .at(item.expr.span)
                .hint("it gives one row for each that was changed"))
        };
        if let Some(item) = items.iter().find(|item| item.aggregates) {
            return wrong("aggregates", item);
        }
        if let Some(item) = items.iter().find(|item| item.windows) {
            return wrong("window functions", item);
        }
        if let (Some(item), true) = (items.first(), self.scopes.iter().any(|scope| !scope.unnests.is_empty())) {
            return wrong("UNNEST", item);
        }
        self.scopes.pop();
        let bound = self.project_items(plan, items);
        Ok(Query { plan: bound.plan, output: bound.output, next_column: self.next_column })
    }

    /// The rows that a DELETE keeps, or else those that it takes out.
    fn divided(mut self, delete: &'q ast::Delete, keeps: bool) -> Result<Query> {
        let join_kind = if keeps { JoinKind::Anti } else { JoinKind::Semi };
        let (ast::FromTable::WithFromKeyword(tables) | ast::FromTable::WithoutKeyword(tables)) = &delete.from;
        let [table] = &tables[..] else { return Err(not_supported("DELETE from several tables", None)) };
        let (left, relations) = self.factor(&table.relation)?;
        let own: Vec<(String, Expr)> = relations
            .iter()
            .flat_map(|r| &r.columns)
            .map(|c| (c.name.clone(), Expr::column(c.id, c.dtype.clone())))
            .collect();
        let plan = match (&delete.using, &delete.selection) {
            (Some(using), Some(on)) => {
                let right = self.tables_and_joins(using)?;
                self.join_on((left, relations), right, join_kind, on)?.0
            }
            (Some(using), None) => {
                let (right, _) = self.tables_and_joins(using)?;
                let (left, right) = (Box::new(left), Box::new(right));
                LogicalPlan::Join { left, right, kind: join_kind, on: Some(Expr::boolean(true)) }
            }
            (None, selection) => {
                self.scopes.push(Scope { relations, ..Scope::default() });
                let gone = match selection {
                    Some(filter) => condition(self.expression(filter, Clause::Where)?, "WHERE")?,
                    None => Expr::boolean(true),
                };
                self.scopes.pop();
                // Unknown is not true: such rows stay.
                let branches = vec![(gone, Expr::boolean(!keeps))];
                let kind = ExprKind::Case { branches, otherwise: Some(Box::new(Expr::boolean(keeps))) };
                let predicate = Expr { kind, dtype: DataType::Boolean, span: None };
                LogicalPlan::Filter { input: Box::new(left), predicate }
            }
        };
        Ok(self.with_columns(plan, own))
    }
}

/// The rows of UPDATE and DELETE are worked out once to be written and once to be shown: that has to give the same.
fn refuse_volatile(plan: &LogicalPlan) -> Result<()> {
    match plan.volatile_call() {
        Some((name, place)) => Err(not_supported(format!("RETURNING of UPDATE or DELETE with {name}"), place)
            .hint("it differs every time; CREATE TABLE ... AS keeps its values")),
        None => Ok(()),
    }
}

/// COLUMN_NOT_FOUND with what may have been meant.
pub fn no_column(name: &str, targets: &[TargetColumn]) -> Diagnostic {
    let names: Vec<&str> = targets.iter().map(|t| t.name.as_str()).collect();
    let error = Diagnostic::new(ErrorCode::ColumnNotFound, format!("The table has no column \"{name}\""));
    match did_you_mean(&similar(name, names.iter().copied())) {
        Some(hint) => error.hint(hint),
        None => error.hint(format!("its columns are {}", names.join(", "))),
    }
}
