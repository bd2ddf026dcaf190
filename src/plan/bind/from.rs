//! FROM: tables, files, subqueries, common table expressions, and joins in both syntaxes.

use super::binder::{Binder, not_supported};
use super::call::scalar;
use super::coerce::condition;
use super::expression::Clause;
use super::query::Bound;
use super::scope::{Relation, Scope, ScopeColumn, missing_column};
use crate::catalog::TableRef;
use crate::journal::ErrorCode;
use crate::plan::expr::{ColumnDef, ColumnId, Expr, ExprKind};
use crate::plan::logical::{JoinKind, LogicalPlan, OutputColumn};
use crate::sql::DataType;
use crate::sql::diagnostic::{Diagnostic, Result, Span};
use crate::sql::shorthand::{DESCRIBED, SUMMARIZED};
use sqlparser::ast::{self, JoinConstraint, JoinOperator, TableFactor};

/// A part of FROM: its rows and what they can be called.
pub(super) type Source = (LogicalPlan, Vec<Relation>);

/// The parts of a name as they were written.
pub(super) fn parts(name: &ast::ObjectName) -> Vec<String> {
    let part = |p: &ast::ObjectNamePart| match p {
        ast::ObjectNamePart::Identifier(ident) => ident.value.clone(),
        ast::ObjectNamePart::Function(function) => function.name.value.clone(),
    };
    name.0.iter().map(part).collect()
}

impl<'q> Binder<'q> {
    /// The whole FROM clause; without one, a single row of no columns.
    pub fn tables_and_joins(&mut self, from: &'q [ast::TableWithJoins]) -> Result<Source> {
        let mut whole: Option<Source> = None;
        for part in from {
            whole = Some(match whole {
                None => self.joined(part)?,
                Some((left, mut relations)) => {
                    let (right, mut names) = self.beside(&relations, |binder| binder.joined(part))?;
                    relations.append(&mut names);
                    (join(left, right, JoinKind::Cross, None), relations)
                }
            });
        }
        Ok(whole.unwrap_or((LogicalPlan::Values { columns: Vec::new(), rows: vec![Vec::new()] }, Vec::new())))
    }

    /// Binds a part of FROM that may read columns of the parts before it: LATERAL, which DuckDB does not ask to be written.
    fn beside<T>(&mut self, before: &[Relation], bind: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        self.scopes.push(Scope { relations: before.to_vec(), ..Scope::default() });
        let bound = bind(self);
        self.scopes.pop();
        bound
    }

    fn joined(&mut self, part: &'q ast::TableWithJoins) -> Result<Source> {
        let mut source = self.factor(&part.relation)?;
        for step in &part.joins {
            let right = self.beside(&source.1, |binder| binder.factor(&step.relation))?;
            source = self.join_step(source, right, step)?;
        }
        Ok(source)
    }

    pub fn factor(&mut self, factor: &'q TableFactor) -> Result<Source> {
        match factor {
            TableFactor::Table { name, alias, args, sample, with_ordinality, .. } => {
                let place = self.span_of(name);
                if let Some(args) = args
                    && let Some(source) =
                        self.list_table(&parts(name).join(".").to_lowercase(), &args.args, *with_ordinality, place)?
                {
                    let source = self.table_sampled(source, sample.as_ref(), place)?;
                    return self.aliased(source, alias.as_ref());
                }
                if let Some((function, query)) = args.as_ref().and_then(|args| function_of_query(name, args)) {
                    let source = match function {
                        DESCRIBED => self.described(query)?,
                        _ => self.summarized(query)?,
                    };
                    return self.aliased(source, alias.as_ref());
                }
                if *with_ordinality {
                    return Err(not_supported("WITH ORDINALITY of anything but a list", place));
                }
                let source = match args {
                    Some(args) => self.read_function(name, args, place)?,
                    None => self.named(name, place)?,
                };
                let source = self.table_sampled(source, sample.as_ref(), place)?;
                self.aliased(source, alias.as_ref())
            }
            TableFactor::Derived { lateral: _, subquery, alias, sample } => {
                let place = self.span_of(&**subquery);
                let bound = self.query(subquery)?;
                let mut relation = relation_of(Vec::new(), &bound.output);
                relation.number_duplicates();
                let source = self.table_sampled((bound.plan, vec![relation]), sample.as_ref(), place)?;
                self.aliased(source, alias.as_ref())
            }
            TableFactor::NestedJoin { table_with_joins, alias } => {
                let source = self.joined(table_with_joins)?;
                match alias {
                    None => Ok(source),
                    Some(_) => {
                        let columns =
                            source.1.into_iter().flat_map(|r| r.columns).filter(|c| c.alone.is_some()).collect();
                        self.aliased((source.0, vec![Relation { name: Vec::new(), columns }]), alias.as_ref())
                    }
                }
            }
            TableFactor::UNNEST { .. } => Err(not_supported("UNNEST", self.span_of(factor))),
            TableFactor::Pivot { .. } => Err(not_supported("PIVOT", self.span_of(factor))),
            TableFactor::Unpivot { .. } | TableFactor::UnpivotExpr { .. } => {
                Err(not_supported("UNPIVOT", self.span_of(factor)))
            }
            TableFactor::Function { lateral: true, .. } => Err(not_supported("LATERAL", self.span_of(factor))),
            TableFactor::TableFunction { .. } | TableFactor::Function { .. } => {
                Err(not_supported("table functions", self.span_of(factor)))
            }
            TableFactor::JsonTable { .. }
            | TableFactor::OpenJsonTable { .. }
            | TableFactor::MatchRecognize { .. }
            | TableFactor::XmlTable { .. }
            | TableFactor::SemanticView { .. } => Err(not_supported("this kind of table", self.span_of(factor))),
        }
    }

    fn files(&mut self, pattern: &str, place: Option<Span>) -> Result<Source> {
        let table = self.context.tables.files(pattern).map_err(|e| e.at(place))?;
        self.scan(table, place)
    }

    /// A common table expression, a table, or files in quotes.
    fn named(&mut self, name: &ast::ObjectName, place: Option<Span>) -> Result<Source> {
        if let [ast::ObjectNamePart::Identifier(ident)] = &name.0[..] {
            if ident.quote_style == Some('\'') {
                return self.files(&ident.value, place.or(self.text_place(&ident.value)));
            }
            if let Some(source) = self.cte(&ident.value, place)? {
                return Ok(source);
            }
        }
        if let Some(source) = self.view(&parts(name), place)? {
            return Ok(source);
        }
        let table = self.context.tables.table(&parts(name)).map_err(|e| e.at(place))?;
        self.scan(table, place)
    }

    /// `TABLE t` as a query.
    pub fn whole_table(&mut self, name: &[String]) -> Result<Bound> {
        let source = match name {
            [one] => self.cte(one, None)?,
            _ => None,
        };
        let source = match source {
            Some(source) => Some(source),
            None => self.view(name, None)?,
        };
        let (plan, relations) = match source {
            Some(source) => source,
            None => {
                let table = self.context.tables.table(name)?;
                self.scan(table, None)?
            }
        };
        let output = relations
            .into_iter()
            .flat_map(|r| r.columns)
            .map(|c| OutputColumn { name: c.name, column: c.id, dtype: c.dtype })
            .collect();
        Ok(Bound { plan, output })
    }

    /// The CTE of that name, bound anew for this use, so that its columns are this use's own.
    fn cte(&mut self, name: &str, place: Option<Span>) -> Result<Option<Source>> {
        let found = self.ctes.iter().rev().find(|c| c.definition.alias.name.value.eq_ignore_ascii_case(name)).copied();
        let Some(cte) = found else { return Ok(None) };
        self.count_relation(place)?;
        let enough = self.enough.take();
        let table = match cte.round {
            Some(round) => self.rounds.get(round).cloned(),
            None if cte.recursive => Some(self.recursive_rows(cte, enough)?),
            None => self.made_rows(cte.definition),
        };
        if let Some(table) = table {
            let (plan, relations) = self.scan(table, place)?;
            let name = vec![cte.definition.alias.name.value.clone()];
            let relations = relations.into_iter().map(|relation| Relation { name: name.clone(), ..relation });
            return Ok(Some((plan, relations.collect())));
        }
        let hidden_ctes = self.ctes.split_off(cte.visible);
        let hidden_scopes = self.scopes.split_off(cte.depth);
        let bound = self.query(&cte.definition.query);
        self.ctes.extend(hidden_ctes);
        self.scopes.extend(hidden_scopes);
        let bound = bound?;
        let mut relation = relation_of(vec![cte.definition.alias.name.value.clone()], &bound.output);
        relation.number_duplicates();
        let (plan, relations) = self.aliased((bound.plan, vec![relation]), Some(&cte.definition.alias))?;
        // All uses see the same rows. Where binding it again would make others, they are made once, here.
        if self.mentions(name) <= 2 || !plan.is_volatile() || !plan.outer_columns().is_empty() {
            return Ok(Some((plan, relations)));
        }
        let columns = relations.into_iter().flat_map(|relation| relation.columns);
        let output = columns.map(|c| OutputColumn { name: c.name, column: c.id, dtype: c.dtype }).collect();
        let written = &cte.definition.alias.name;
        let table = self.run_round(plan, output, &written.value, self.span(written.span))?;
        self.recursions.push((cte.definition, table));
        self.cte(name, place)
    }

    pub(super) fn scan(&mut self, table: TableRef, place: Option<Span>) -> Result<Source> {
        self.count_relation(place)?;
        let mut columns = Vec::new();
        let mut named = Vec::new();
        for info in &table.columns {
            let def = self.column(info.name.clone(), info.dtype.clone());
            named.push(ScopeColumn::plain(info.name.clone(), def.id, def.dtype.clone()));
            columns.push(def);
        }
        // A table of another schema answers to its short name too.
        let mut name: Vec<String> = table.schema.split('.').map(str::to_string).collect();
        name.push(table.name.clone());
        let source = (0..columns.len()).collect();
        Ok((LogicalPlan::Scan { table, source, columns }, vec![Relation { name, columns: named }]))
    }

    /// The source under an alias, with `(a, b)` renaming its first columns.
    fn aliased(&mut self, source: Source, alias: Option<&ast::TableAlias>) -> Result<Source> {
        let Some(alias) = alias else { return Ok(source) };
        let (plan, relations) = source;
        let mut columns: Vec<ScopeColumn> = relations.into_iter().flat_map(|r| r.columns).collect();
        if alias.columns.len() > columns.len() {
            let message = format!(
                "\"{}\" has {}, and {} names are given",
                alias.name.value,
                super::query::columns(columns.len()),
                alias.columns.len()
            );
            let place = alias.columns.get(columns.len()).and_then(|c| self.span(c.name.span));
            return Err(Diagnostic::new(ErrorCode::InvalidArguments, message).at(place));
        }
        for (column, renamed) in columns.iter_mut().zip(&alias.columns) {
            column.name = renamed.name.value.clone();
        }
        let mut relation = Relation { name: vec![alias.name.value.clone()], columns };
        if !alias.columns.is_empty() {
            relation.number_duplicates();
        }
        Ok((plan, vec![relation]))
    }

    fn join_step(&mut self, left: Source, right: Source, step: &'q ast::Join) -> Result<Source> {
        let place = self.span_of(&step.relation);
        let (kind, constraint) = match &step.join_operator {
            JoinOperator::Join(c) | JoinOperator::Inner(c) => (JoinKind::Inner, c),
            JoinOperator::Left(c) | JoinOperator::LeftOuter(c) => (JoinKind::Left, c),
            JoinOperator::Right(c) | JoinOperator::RightOuter(c) => (JoinKind::Right, c),
            JoinOperator::FullOuter(c) => (JoinKind::Full, c),
            JoinOperator::CrossJoin(c) => (JoinKind::Cross, c),
            JoinOperator::Semi(c) | JoinOperator::LeftSemi(c) => (JoinKind::Semi, c),
            JoinOperator::Anti(c) | JoinOperator::LeftAnti(c) => (JoinKind::Anti, c),
            // What stands for ASOF JOIN and ASOF LEFT JOIN (`sql/respell.rs`).
            JoinOperator::StraightJoin(c) if step.global => (JoinKind::AsOf { outer: false }, c),
            JoinOperator::RightSemi(c) if step.global => (JoinKind::AsOf { outer: true }, c),
            // Its word for POSITIONAL JOIN.
            JoinOperator::OuterApply => return Ok(self.positional_join(left, right)),
            JoinOperator::AsOf { .. } => return Err(not_supported("MATCH_CONDITION", place)),
            JoinOperator::StraightJoin(_)
            | JoinOperator::RightSemi(_)
            | JoinOperator::RightAnti(_)
            | JoinOperator::CrossApply
            | JoinOperator::ArrayJoin
            | JoinOperator::LeftArrayJoin
            | JoinOperator::InnerArrayJoin => return Err(not_supported("this kind of join", place)),
        };
        let laterally = |(left, right): (&LogicalPlan, &LogicalPlan)| {
            let of_left = left.columns();
            right.outer_columns().iter().any(|id| of_left.iter().any(|c| c.id == *id))
        };
        if !matches!(kind, JoinKind::Inner | JoinKind::Cross | JoinKind::Left) && laterally((&left.0, &right.0)) {
            let message =
                "the right side of this join reads columns of the left, which only an INNER or LEFT join allows";
            return Err(Diagnostic::new(ErrorCode::InvalidArguments, message).at(place));
        }
        match constraint {
            JoinConstraint::None if kind == JoinKind::Cross => {
                let (left_plan, mut relations) = left;
                relations.extend(right.1);
                Ok((join(left_plan, right.0, JoinKind::Cross, None), relations))
            }
            JoinConstraint::None => Err(Diagnostic::new(ErrorCode::SyntaxError, "JOIN without a condition")
                .at(place)
                .hint("add ON or USING, or write CROSS JOIN")),
            JoinConstraint::On(on) => {
                let joined = self.join_on(left, right, kind, on)?;
                self.check_asof(&joined.0, place)?;
                Ok(joined)
            }
            JoinConstraint::Using(names) => {
                let mut columns = Vec::new();
                for name in names {
                    columns.push((parts(name).pop().unwrap_or_default(), self.span_of(name)));
                }
                self.join_using(left, right, kind, columns, place)
            }
            JoinConstraint::Natural => {
                let names = |relations: &[Relation]| -> Vec<String> {
                    let columns = relations.iter().flat_map(|r| &r.columns).filter(|c| c.alone.is_some());
                    columns.map(|c| c.name.clone()).collect()
                };
                let others = names(&right.1);
                let shared: Vec<_> = names(&left.1)
                    .into_iter()
                    .filter(|name| others.iter().any(|o| o.eq_ignore_ascii_case(name)))
                    .map(|name| (name, place))
                    .collect();
                if shared.is_empty() {
                    let message = "NATURAL JOIN: the two sides have no column name in common";
                    return Err(Diagnostic::new(ErrorCode::ColumnNotFound, message).at(place));
                }
                self.join_using(left, right, kind, shared, place)
            }
        }
    }

    pub fn join_on(&mut self, left: Source, right: Source, kind: JoinKind, on: &'q ast::Expr) -> Result<Source> {
        let (left_plan, left_names) = left;
        let (right_plan, right_names) = right;
        let all: Vec<Relation> = left_names.iter().chain(&right_names).cloned().collect();
        self.scopes.push(Scope { relations: all.clone(), ..Scope::default() });
        let bound = self.expression(on, Clause::JoinOn).and_then(|on| condition(on, "ON"));
        self.scopes.pop();
        let on = bound?;
        let relations = if matches!(kind, JoinKind::Semi | JoinKind::Anti) { left_names } else { all };
        let kind = if kind == JoinKind::Cross { JoinKind::Inner } else { kind };
        Ok((join(left_plan, right_plan, kind, Some(on)), relations))
    }

    /// The condition of an ASOF join: equalities, one inequality between the two sides, and what reads the right side alone.
    fn check_asof(&self, plan: &LogicalPlan, place: Option<Span>) -> Result<()> {
        let LogicalPlan::Join { left, right, kind: JoinKind::AsOf { .. }, on: Some(on) } = plan else { return Ok(()) };
        let reads = |expr: &Expr, plan: &LogicalPlan| {
            let made = plan.columns();
            expr.columns().iter().any(|id| made.iter().any(|column| column.id == *id))
        };
        let parts = match &on.kind {
            ExprKind::And(parts) => parts.as_slice(),
            _ => std::slice::from_ref(on),
        };
        let mut inequalities = 0;
        for part in parts.iter().filter(|part| reads(part, left) && reads(part, right)) {
            match &part.kind {
                ExprKind::Call { function, .. } if function == "=" => {}
                ExprKind::Call { function, args }
                    if matches!(function.as_str(), "<" | "<=" | ">" | ">=") && args[0].dtype != DataType::Varchar =>
                {
                    inequalities += 1;
                }
                _ => return Err(not_supported("this condition of an ASOF join", part.span)),
            }
        }
        match inequalities {
            1 => Ok(()),
            found => Err(Diagnostic::new(
                ErrorCode::InvalidArguments,
                format!("an ASOF join needs one inequality between its sides, and there are {found}"),
            )
            .at(on.span.or(place))
            .hint("ON a.key = b.key AND a.time >= b.time")),
        }
    }

    /// USING: the named columns are equal and appear once, the left side's first.
    fn join_using(
        &mut self,
        left: Source,
        right: Source,
        kind: JoinKind,
        names: Vec<(String, Option<Span>)>,
        place: Option<Span>,
    ) -> Result<Source> {
        let (left_plan, mut left_names) = left;
        let (right_plan, mut right_names) = right;
        let count = names.len();
        let mut conditions = Vec::new();
        let mut merged: Vec<(ColumnDef, Expr)> = Vec::new();
        for (name, name_place) in names {
            let at = name_place.or(place);
            let (left_id, left_type) = only(&left_names, &name).map_err(|e| e.at(at))?;
            let (right_id, right_type) = only(&right_names, &name).map_err(|e| e.at(at))?;
            let left_column = Expr::column(left_id, left_type.clone()).at(at);
            let right_column = Expr::column(right_id, right_type.clone()).at(at);
            // ASOF: the last of the columns is the one that may lie before.
            let closest = matches!(kind, JoinKind::AsOf { .. }) && conditions.len() + 1 == count;
            let operator = if closest { ">=" } else { "=" };
            conditions.push(scalar(operator, vec![left_column.clone(), right_column.clone()], at)?);
            let alone = match kind {
                JoinKind::Right => (right_id, right_type),
                JoinKind::Full => {
                    let value = scalar("coalesce", vec![left_column, right_column], at)?;
                    let def = self.column(name.clone(), value.dtype.clone());
                    let alone = (def.id, def.dtype.clone());
                    merged.push((def, value));
                    alone
                }
                _ => (left_id, left_type),
            };
            set_alone(&mut left_names, &name, Some(alone));
            set_alone(&mut right_names, &name, None);
        }
        let kind = if kind == JoinKind::Cross { JoinKind::Inner } else { kind };
        let mut plan = join(left_plan, right_plan, kind, Some(Expr::and(conditions)));
        if !merged.is_empty() {
            let own = plan.columns().into_iter().map(|c| (c.clone(), Expr::column(c.id, c.dtype)));
            let columns = own.chain(merged).collect();
            plan = LogicalPlan::Project { input: Box::new(plan), columns };
        }
        if !matches!(kind, JoinKind::Semi | JoinKind::Anti) {
            left_names.extend(right_names);
        }
        Ok((plan, left_names))
    }
}

/// The query of `(DESCRIBE query)` or `(SUMMARIZE query)`, and which of the two it is (`sql/shorthand.rs`).
fn function_of_query<'q>(
    name: &ast::ObjectName,
    args: &'q ast::TableFunctionArgs,
) -> Option<(&'static str, &'q ast::Query)> {
    let function = [DESCRIBED, SUMMARIZED].into_iter().find(|function| parts(name) == [*function])?;
    match &args.args[..] {
        [ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Expr(ast::Expr::Subquery(query)))] => Some((function, query)),
        _ => None,
    }
}

fn join(left: LogicalPlan, right: LogicalPlan, kind: JoinKind, on: Option<Expr>) -> LogicalPlan {
    match super::unnest::lateral(left, right, kind, &on) {
        Ok(plan) => plan,
        Err(sides) => LogicalPlan::Join { left: Box::new(sides.0), right: Box::new(sides.1), kind, on },
    }
}

pub(super) fn relation_of(name: Vec<String>, output: &[OutputColumn]) -> Relation {
    let columns = output.iter().map(|c| ScopeColumn::plain(c.name.clone(), c.column, c.dtype.clone())).collect();
    Relation { name, columns }
}

/// The one column of that name on this side of a join.
fn only(relations: &[Relation], name: &str) -> Result<(ColumnId, DataType)> {
    let columns = relations.iter().flat_map(|r| &r.columns);
    let mut found = columns.filter(|c| c.name.eq_ignore_ascii_case(name)).filter_map(|c| c.alone.clone());
    match (found.next(), found.next()) {
        (Some(column), None) => Ok(column),
        (Some(_), Some(_)) => Err(Diagnostic::new(
            ErrorCode::AmbiguousName,
            format!("column \"{name}\" is ambiguous on one side of the join"),
        )),
        (None, _) => Err(missing_column(name, &relations.iter().collect::<Vec<_>>())),
    }
}

fn set_alone(relations: &mut [Relation], name: &str, alone: Option<(ColumnId, DataType)>) {
    for column in relations.iter_mut().flat_map(|r| &mut r.columns) {
        if column.name.eq_ignore_ascii_case(name) && column.alone.is_some() {
            column.alone = alone.clone();
        }
    }
}
