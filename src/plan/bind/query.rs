//! Whole queries: WITH, set operations, VALUES, ORDER BY, LIMIT.

use super::binder::{Binder, Cte, not_supported};
use super::coerce::{adapt_among, cast, coerce, common};
use super::expression::Clause;
use super::recursive::names_in_query;
use super::scope::{Relation, Scope, ScopeColumn};
use crate::functions::{union_type, value_at};
use crate::journal::ErrorCode;
use crate::plan::expr::{ColumnDef, Expr, ExprKind};
use crate::plan::fold::fold;
use crate::plan::logical::{LogicalPlan, OutputColumn, Query, SetKind, SortKey};
use crate::sql::diagnostic::{Diagnostic, Result};
use crate::sql::shorthand::LIMIT_PERCENT;
use crate::sql::{DataType, Value};
use sqlparser::ast::{self, SetExpr, SetOperator, SetQuantifier, Spanned};

/// A bound query: a plan and what its columns are called.
pub(super) struct Bound {
    pub plan: LogicalPlan,
    pub output: Vec<OutputColumn>,
}

/// `LIMIT` and `OFFSET` as numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Slice {
    pub limit: Option<u64>,
    pub offset: u64,
}

impl Slice {
    /// The plan, cut.
    pub fn apply(self, plan: LogicalPlan) -> LogicalPlan {
        if self.limit.is_none() && self.offset == 0 {
            return plan;
        }
        LogicalPlan::Limit { input: Box::new(plan), limit: self.limit, offset: self.offset }
    }
}

impl<'q> Binder<'q> {
    /// Binds a query; the queries around it stay visible for correlated columns.
    pub fn query(&mut self, query: &'q ast::Query) -> Result<Bound> {
        let ctes = self.ctes.len();
        let bound = self.query_with(query);
        self.ctes.truncate(ctes);
        bound
    }

    fn query_with(&mut self, query: &'q ast::Query) -> Result<Bound> {
        self.push_ctes_of(query)?;
        self.refuse_clauses(query)?;
        if let Some(percent) = limit_percent(query) {
            return self.share_of_rows(query, percent);
        }
        let slice = self.slice(query)?;
        self.sliced(query, slice)
    }

    /// A query without its WITH, cut.
    fn sliced(&mut self, query: &'q ast::Query, slice: Slice) -> Result<Bound> {
        self.enough = slice.limit.filter(|_| takes_first_rows(query)).map(|limit| limit.saturating_add(slice.offset));
        if let SetExpr::Select(select) = &*query.body {
            return self.select(select, query.order_by.as_ref(), slice);
        }
        let bound = self.body(&query.body)?;
        let bound = match &query.order_by {
            Some(order_by) => self.order_output(bound, order_by)?,
            None => bound,
        };
        Ok(Bound { plan: slice.apply(bound.plan), output: bound.output })
    }

    /// `LIMIT 10%`: how many rows that are is known when all are there.
    fn share_of_rows(&mut self, query: &'q ast::Query, percent: &'q ast::Expr) -> Result<Bound> {
        let place = self.span_of(percent);
        let share = match percent {
            ast::Expr::Value(ast::ValueWithSpan { value: ast::Value::Number(digits, _), .. }) => digits.parse().ok(),
            _ => None,
        };
        let share: f64 = share
            .filter(|share| (0.0..=100.0).contains(share))
            .ok_or_else(|| Diagnostic::new(ErrorCode::InvalidArguments, "LIMIT takes 0 to 100 percent").at(place))?;
        let Slice { offset, .. } = self.slice(query)?;
        let bound = self.sliced(query, Slice { limit: None, offset: 0 })?;
        let bound = self.exact(bound, None)?;
        if !bound.plan.outer_columns().is_empty() {
            return Err(not_supported("LIMIT with percent in a query that reads columns of one around it", place));
        }
        let whole = Query { plan: bound.plan, output: bound.output, next_column: self.next_column() };
        let table = self.context.runner.run(whole)?;
        let limit = (table.rows as f64 * share / 100.0) as u64;
        let (plan, relations) = self.scan(table, place)?;
        let columns = relations.into_iter().flat_map(|relation| relation.columns);
        let output = columns.map(|c| OutputColumn { name: c.name, column: c.id, dtype: c.dtype }).collect();
        Ok(Bound { plan: Slice { limit: Some(limit), offset }.apply(plan), output })
    }

    /// Makes the CTEs of a query's WITH known.
    pub fn push_ctes_of(&mut self, query: &'q ast::Query) -> Result<()> {
        let Some(with) = &query.with else { return Ok(()) };
        for definition in &with.cte_tables {
            let name = &definition.alias.name;
            let duplicate = with.cte_tables.iter().filter(|c| c.alias.name.value.eq_ignore_ascii_case(&name.value));
            if duplicate.count() > 1 {
                let message = format!("WITH defines \"{}\" twice", name.value);
                return Err(Diagnostic::new(ErrorCode::AmbiguousName, message).at(self.span(name.span)));
            }
            let recursive = with.recursive && names_in_query(&definition.query, &name.value);
            let (visible, depth) = (self.ctes.len(), self.scopes.len());
            self.ctes.push(Cte { definition, visible, depth, round: None, recursive });
        }
        Ok(())
    }

    fn refuse_clauses(&self, query: &ast::Query) -> Result<()> {
        let place = self.span_of(query);
        if !query.locks.is_empty() || query.for_clause.is_some() {
            return Err(not_supported("FOR UPDATE", place));
        }
        if !query.pipe_operators.is_empty() {
            return Err(not_supported("pipe operators", place));
        }
        if query.settings.is_some() || query.format_clause.is_some() {
            return Err(not_supported("SETTINGS and FORMAT", place));
        }
        Ok(())
    }

    pub fn body(&mut self, body: &'q SetExpr) -> Result<Bound> {
        match body {
            SetExpr::Select(select) => self.select(select, None, Slice { limit: None, offset: 0 }),
            SetExpr::Query(query) => self.query(query),
            SetExpr::Values(values) => self.values(values),
            SetExpr::SetOperation { left, op, set_quantifier, right } => {
                self.set_operation(body, left, *op, *set_quantifier, right)
            }
            SetExpr::Table(table) => {
                let Some(name) = &table.table_name else {
                    return Err(not_supported("this form of TABLE", None));
                };
                let mut parts: Vec<String> = table.schema_name.iter().cloned().collect();
                parts.push(name.clone());
                self.whole_table(&parts)
            }
            SetExpr::Insert(_) | SetExpr::Update(_) | SetExpr::Delete(_) | SetExpr::Merge(_) => {
                Err(not_supported("statements that write inside a query", self.span_of(body)))
            }
        }
    }

    fn set_operation(
        &mut self,
        whole: &'q SetExpr,
        left: &'q SetExpr,
        op: SetOperator,
        quantifier: SetQuantifier,
        right: &'q SetExpr,
    ) -> Result<Bound> {
        let all = match quantifier {
            SetQuantifier::All => true,
            SetQuantifier::None | SetQuantifier::Distinct => false,
            SetQuantifier::AllByName => true,
            SetQuantifier::ByName | SetQuantifier::DistinctByName => false,
        };
        let by_name = !matches!(quantifier, SetQuantifier::All | SetQuantifier::None | SetQuantifier::Distinct);
        // The branches of a union of unions are cast each for itself: of `1 UNION 1.5 UNION 'x'`, 1 becomes '1', and not '1.0'.
        let mut branches = Vec::new();
        match op {
            SetOperator::Union if !by_name => add_branches(left, all, &mut branches),
            _ => branches.push(left),
        }
        branches.push(right);
        let mut bounds = branches.iter().map(|branch| self.body(branch)).collect::<Result<Vec<_>>>()?;
        if by_name {
            if op != SetOperator::Union {
                return Err(not_supported(format!("{op} BY NAME"), self.span_of(whole)));
            }
            let place = self.span_of(whole);
            bounds = self.match_names(bounds).map_err(|e| e.at(place))?;
        }
        let names: Vec<String> = bounds[0].output.iter().map(|c| c.name.clone()).collect();
        let mut types: Vec<DataType> = bounds[0].output.iter().map(|c| c.dtype.clone()).collect();
        for (other, written) in bounds.iter().zip(&branches).skip(1) {
            let place = self.span(written.span());
            if types.len() != other.output.len() {
                let (one, two) = (columns(types.len()), columns(other.output.len()));
                let message = format!("one side of {op} has {one} and the other {two}");
                return Err(Diagnostic::new(ErrorCode::TypeMismatch, message).at(place));
            }
            for ((t, name), r) in types.iter_mut().zip(&names).zip(&other.output) {
                *t = union_type(t, &r.dtype).ok_or_else(|| {
                    let message = format!("column \"{name}\" of {op} is {t} on one side and {} on the other", r.dtype);
                    Diagnostic::new(ErrorCode::TypeMismatch, message)
                        .at(place)
                        .hint("CAST one of them to the type of the other")
                })?;
            }
        }
        let (mut plans, columns) = self.in_types(bounds, names, types)?;
        let output = outputs(&columns);
        let plan = match op {
            SetOperator::Union => {
                let union = union_of(plans, columns);
                if all { union } else { LogicalPlan::Distinct { input: Box::new(union), on: None } }
            }
            SetOperator::Intersect | SetOperator::Except | SetOperator::Minus => LogicalPlan::SetOperation {
                left: Box::new(plans.remove(0)),
                right: Box::new(plans.remove(0)),
                kind: if op == SetOperator::Intersect { SetKind::Intersect } else { SetKind::Except },
                all,
                columns,
            },
        };
        Ok(Bound { plan, output })
    }

    /// The branches of a set operation with their columns cast to these types; and the columns that come of it.
    fn in_types(
        &mut self,
        branches: Vec<Bound>,
        names: Vec<String>,
        types: Vec<DataType>,
    ) -> Result<(Vec<LogicalPlan>, Vec<ColumnDef>)> {
        let cast = branches.into_iter().map(|branch| Ok(self.exact(branch, Some(&types))?.plan));
        let plans = cast.collect::<Result<Vec<_>>>()?;
        Ok((plans, names.into_iter().zip(types).map(|(name, dtype)| self.column(name, dtype)).collect()))
    }

    /// `left UNION ALL BY NAME right`.
    pub(super) fn united_by_name(&mut self, left: Bound, right: Bound) -> Result<Bound> {
        let bounds = self.match_names(vec![left, right])?;
        let mut types = Vec::new();
        for (l, r) in bounds[0].output.iter().zip(&bounds[1].output) {
            types.push(union_type(&l.dtype, &r.dtype).ok_or_else(|| {
                let message = format!("column \"{}\" is {} in one part and {} in another", l.name, l.dtype, r.dtype);
                Diagnostic::new(ErrorCode::TypeMismatch, message)
            })?);
        }
        let names = bounds[0].output.iter().map(|c| c.name.clone()).collect();
        let (plans, columns) = self.in_types(bounds, names, types)?;
        let output = outputs(&columns);
        Ok(Bound { plan: union_of(plans, columns), output })
    }

    /// Each side with the columns of the first, then those that only a later one has; NULL where a side has none of that name.
    fn match_names(&mut self, sides: Vec<Bound>) -> Result<Vec<Bound>> {
        let find = |side: &Bound, name: &str| side.output.iter().find(|c| c.name.eq_ignore_ascii_case(name)).cloned();
        let mut names: Vec<String> = Vec::new();
        for side in &sides {
            for (i, column) in side.output.iter().enumerate() {
                if side.output[..i].iter().any(|c| c.name.eq_ignore_ascii_case(&column.name)) {
                    let message = format!("UNION BY NAME: one side has two columns \"{}\"", column.name);
                    return Err(Diagnostic::new(ErrorCode::AmbiguousName, message).hint("give one of them an alias"));
                }
            }
        }
        for column in sides.iter().flat_map(|side| &side.output) {
            if !names.iter().any(|name| name.eq_ignore_ascii_case(&column.name)) {
                names.push(column.name.clone());
            }
        }
        let matched = |side: Bound| {
            let present = side.plan.columns();
            let mut columns: Vec<(ColumnDef, Expr)> =
                present.into_iter().map(|c| (c.clone(), Expr::column(c.id, c.dtype))).collect();
            let known = columns.len();
            let mut output = Vec::new();
            for name in &names {
                output.push(find(&side, name).unwrap_or_else(|| {
                    let def = self.column(name.clone(), DataType::Null);
                    columns.push((def.clone(), Expr::literal(Value::Null, DataType::Null)));
                    OutputColumn { name: name.clone(), column: def.id, dtype: DataType::Null }
                }));
            }
            let plan = match columns.len() > known {
                true => LogicalPlan::Project { input: Box::new(side.plan), columns },
                false => side.plan,
            };
            Bound { plan, output }
        };
        Ok(sides.into_iter().map(matched).collect())
    }

    /// The same query with a plan that yields exactly its output columns, in order, each once, of the given types.
    pub fn exact(&mut self, bound: Bound, types: Option<&[DataType]>) -> Result<Bound> {
        let wanted = |i: usize, column: &OutputColumn| types.map_or(column.dtype.clone(), |t| t[i].clone());
        let present = bound.plan.columns();
        let fits = present.len() == bound.output.len()
            && bound
                .output
                .iter()
                .enumerate()
                .all(|(i, c)| present[i].id == c.column && present[i].dtype == wanted(i, c));
        if fits {
            return Ok(bound);
        }
        let mut columns: Vec<(ColumnDef, Expr)> = Vec::new();
        for (i, output) in bound.output.iter().enumerate() {
            let dtype = wanted(i, output);
            let value = coerce(Expr::column(output.column, output.dtype.clone()), &dtype);
            let is_new = value.as_column().is_none() || columns.iter().any(|(def, _)| def.id == output.column);
            let def = if is_new {
                self.column(output.name.clone(), dtype)
            } else {
                ColumnDef { id: output.column, name: output.name.clone(), dtype }
            };
            columns.push((def, value));
        }
        let output = columns
            .iter()
            .map(|(def, _)| OutputColumn { name: def.name.clone(), column: def.id, dtype: def.dtype.clone() })
            .collect();
        Ok(Bound { plan: LogicalPlan::Project { input: Box::new(bound.plan), columns }, output })
    }

    fn values(&mut self, values: &'q ast::Values) -> Result<Bound> {
        let width = values.rows.first().map_or(0, |row| row.content.len());
        self.scopes.push(Scope::default());
        let rows = self.value_rows(values, width);
        self.scopes.pop();
        let mut rows = rows?;
        let mut types = Vec::new();
        for i in 0..width {
            // The first row, if it is a literal, is of that literal's type.
            if rows.first().is_some_and(|row| !matches!(row[i].kind, ExprKind::Literal(Value::Int(_)))) {
                adapt_among(rows.iter_mut().map(|row| &mut row[i]));
            }
            types.push(common(&rows.iter().map(|row| &row[i]).collect::<Vec<_>>(), "VALUES")?);
        }
        let columns: Vec<ColumnDef> =
            types.iter().enumerate().map(|(i, t)| self.column(format!("col{i}"), t.clone())).collect();
        let rows = rows
            .into_iter()
            .map(|row| row.into_iter().zip(&types).map(|(value, t)| coerce(value, t)).collect())
            .collect();
        let output = columns
            .iter()
            .map(|c| OutputColumn { name: c.name.clone(), column: c.id, dtype: c.dtype.clone() })
            .collect();
        Ok(Bound { plan: LogicalPlan::Values { columns, rows }, output })
    }

    fn value_rows(&mut self, values: &'q ast::Values, width: usize) -> Result<Vec<Vec<Expr>>> {
        let mut rows = Vec::new();
        for row in &values.rows {
            if row.content.len() != width {
                let message = format!("VALUES has a row of {width} and a row of {} values", row.content.len());
                let place = row.content.first().and_then(|e| self.span_of(e));
                return Err(Diagnostic::new(ErrorCode::SyntaxError, message).at(place));
            }
            rows.push(row.content.iter().map(|e| self.expression(e, Clause::Values)).collect::<Result<Vec<_>>>()?);
        }
        Ok(rows)
    }

    /// ORDER BY over the output of a set operation, VALUES or a query in brackets.
    pub(super) fn order_output(&mut self, bound: Bound, order_by: &'q ast::OrderBy) -> Result<Bound> {
        let columns =
            bound.output.iter().map(|c| ScopeColumn::plain(c.name.clone(), c.column, c.dtype.clone())).collect();
        self.scopes.push(Scope { relations: vec![Relation { name: Vec::new(), columns }], ..Scope::default() });
        let keys = self.order_keys(order_by, &bound);
        let windows = self.scopes.pop().map(|scope| scope.windows).unwrap_or_default();
        let mut sort = Vec::new();
        let mut hidden: Vec<(ColumnDef, Expr)> = Vec::new();
        for (expr, options) in keys? {
            let column = match expr.as_column() {
                Some(id) => id,
                None => {
                    let def = self.column("order", expr.dtype.clone());
                    hidden.push((def.clone(), expr));
                    def.id
                }
            };
            sort.push(sort_key(column, options));
        }
        let visible = bound.plan.columns();
        let pass = |c: &ColumnDef| (c.clone(), Expr::column(c.id, c.dtype.clone()));
        let needs_hidden = !hidden.is_empty() || !windows.is_empty();
        let mut plan = self.windows(bound.plan, windows);
        if needs_hidden {
            let columns = plan.columns().iter().map(pass).chain(hidden).collect();
            plan = LogicalPlan::Project { input: Box::new(plan), columns };
        }
        plan = LogicalPlan::Sort { input: Box::new(plan), keys: sort };
        if needs_hidden {
            plan = LogicalPlan::Project { input: Box::new(plan), columns: visible.iter().map(pass).collect() };
        }
        Ok(Bound { plan, output: bound.output })
    }

    fn order_keys(
        &mut self,
        order_by: &'q ast::OrderBy,
        bound: &Bound,
    ) -> Result<Vec<(Expr, &'q ast::OrderByOptions)>> {
        let column = |c: &OutputColumn| Expr::column(c.column, c.dtype.clone());
        let exprs = match &order_by.kind {
            ast::OrderByKind::All(options) => {
                return Ok(bound.output.iter().map(|c| (column(c), options)).collect());
            }
            ast::OrderByKind::Expressions(exprs) => exprs,
        };
        let mut keys = Vec::new();
        for key in exprs {
            let expr = match self.position(&key.expr, bound.output.len(), "ORDER BY")? {
                Some(position) => column(&bound.output[position]),
                None => self.sort_expression(&key.expr, Clause::OutputOrder)?,
            };
            keys.push((expr, &key.options));
        }
        Ok(keys)
    }

    /// The index that a bare number in ORDER BY or GROUP BY means. An error when it is out of range.
    pub fn position(&self, expr: &ast::Expr, count: usize, clause: &str) -> Result<Option<usize>> {
        let (digits, span) = match expr {
            ast::Expr::Value(ast::ValueWithSpan { value: ast::Value::Number(digits, _), span }) => {
                (digits.as_str(), span)
            }
            ast::Expr::Identifier(ident) if ident.quote_style.is_none() => match ident.value.strip_prefix('#') {
                Some(digits) => (digits, &ident.span),
                None => return Ok(None),
            },
            _ => return Ok(None),
        };
        match digits.parse::<usize>() {
            Ok(number) if (1..=count).contains(&number) => Ok(Some(number - 1)),
            _ => Err(Diagnostic::new(
                ErrorCode::InvalidArguments,
                format!("{clause} {digits} is out of range: the select list has {}", columns(count)),
            )
            .at(self.span(*span))),
        }
    }

    fn slice(&mut self, query: &'q ast::Query) -> Result<Slice> {
        let (limit, offset) = match &query.limit_clause {
            None => (None, None),
            Some(ast::LimitClause::LimitOffset { limit, offset, limit_by }) => {
                if let Some(by) = limit_by.first() {
                    return Err(not_supported("LIMIT BY", self.span_of(by)));
                }
                (limit.as_ref(), offset.as_ref().map(|o| &o.value))
            }
            Some(ast::LimitClause::OffsetCommaLimit { offset, limit }) => (Some(limit), Some(offset)),
        };
        let limit = limit.filter(|e| percent_of(e).is_none());
        let mut limit = limit.map(|e| self.row_count(e, "LIMIT")).transpose()?.flatten();
        let offset = offset.map(|e| self.row_count(e, "OFFSET")).transpose()?.flatten().unwrap_or(0);
        if let Some(fetch) = &query.fetch {
            if fetch.with_ties || fetch.percent {
                return Err(not_supported("FETCH with PERCENT or TIES", self.span_of(query)));
            }
            limit = match &fetch.quantity {
                Some(quantity) => self.row_count(quantity, "FETCH")?,
                None => Some(1),
            };
        }
        Ok(Slice { limit, offset })
    }

    /// A number of rows; None for NULL.
    fn row_count(&mut self, expr: &'q ast::Expr, clause: &str) -> Result<Option<u64>> {
        let place = self.span_of(expr);
        if let ast::Expr::Value(ast::ValueWithSpan { value: ast::Value::Number(digits, _), .. }) = expr
            && let Ok(rows) = digits.replace('_', "").parse()
        {
            return Ok(Some(rows));
        }
        // The queries around and their columns mean nothing here.
        let hidden = std::mem::take(&mut self.scopes);
        self.scopes.push(Scope::default());
        let bound = self.expression(expr, Clause::Limit);
        self.scopes = hidden;
        let bound = bound.map_err(|error| match error.code {
            ErrorCode::ColumnNotFound => {
                let message = format!("{clause} is one number for the whole query: it cannot read columns");
                Diagnostic::new(ErrorCode::InvalidArguments, message).at(error.span)
            }
            _ => error,
        })?;
        match self.value_now(cast(bound, DataType::BigInt, false)?)? {
            Value::Int(rows) => u64::try_from(rows).map(Some).map_err(|_| {
                Diagnostic::new(ErrorCode::InvalidArguments, format!("{clause} cannot be negative")).at(place)
            }),
            _ => Ok(None),
        }
    }

    /// The value of an expression that reads no columns, which has to be known before the query can be planned.
    fn value_now(&mut self, expr: Expr) -> Result<Value> {
        let expr = fold(expr, &self.context.clock);
        if let ExprKind::Literal(value) = expr.kind {
            return Ok(value);
        }
        let def = self.column("value", expr.dtype.clone());
        let output = vec![OutputColumn { name: def.name.clone(), column: def.id, dtype: def.dtype.clone() }];
        let dtype = def.dtype.clone();
        let one_row = LogicalPlan::Values { columns: Vec::new(), rows: vec![Vec::new()] };
        let plan = LogicalPlan::Project { input: Box::new(one_row), columns: vec![(def, expr)] };
        let table = self.context.runner.run(Query { plan, output, next_column: self.next_column() })?;
        let column = table.memory.as_ref().and_then(|rows| rows.0.columns().first()).filter(|c| !c.is_empty());
        Ok(column.map_or(Value::Null, |column| value_at(column, &dtype, 0)))
    }
}

/// The percentage of `LIMIT 10%`.
fn limit_percent(query: &ast::Query) -> Option<&ast::Expr> {
    match &query.limit_clause {
        Some(ast::LimitClause::LimitOffset { limit: Some(limit), .. }) => percent_of(limit),
        _ => None,
    }
}

fn percent_of(limit: &ast::Expr) -> Option<&ast::Expr> {
    let ast::Expr::Function(call) = limit else { return None };
    match (&call.name.0[..], &call.args) {
        ([ast::ObjectNamePart::Identifier(name)], ast::FunctionArguments::List(list))
            if name.value == LIMIT_PERCENT =>
        {
            match &list.args[..] {
                [ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Expr(percent))] => Some(percent),
                _ => None,
            }
        }
        _ => None,
    }
}

/// Columns as what a query shows.
pub(super) fn outputs(columns: &[ColumnDef]) -> Vec<OutputColumn> {
    columns.iter().map(|c| OutputColumn { name: c.name.clone(), column: c.id, dtype: c.dtype.clone() }).collect()
}

/// A union of unions is one.
fn union_of(mut inputs: Vec<LogicalPlan>, columns: Vec<ColumnDef>) -> LogicalPlan {
    if let LogicalPlan::Union { inputs: first, .. } = &mut inputs[0] {
        let first = std::mem::take(first);
        inputs.splice(..1, first);
    }
    LogicalPlan::Union { inputs, columns }
}

/// What a union unites, if its left side is `body`: the branches of unions there that may as well be its own.
fn add_branches<'q>(body: &'q SetExpr, all: bool, branches: &mut Vec<&'q SetExpr>) {
    match body {
        SetExpr::SetOperation { left, op: SetOperator::Union, set_quantifier, right }
            if *set_quantifier == SetQuantifier::All
                || !all && matches!(set_quantifier, SetQuantifier::None | SetQuantifier::Distinct) =>
        {
            add_branches(left, all, branches);
            branches.push(right);
        }
        other => branches.push(other),
    }
}

/// `1 column`, `3 columns`.
pub(super) fn columns(count: usize) -> String {
    if count == 1 { "1 column".into() } else { format!("{count} columns") }
}

/// Whether a query's rows are the first of the one table that it reads, each as it comes.
fn takes_first_rows(query: &ast::Query) -> bool {
    let SetExpr::Select(select) = &*query.body else { return false };
    let one_table = matches!(&select.from[..], [one] if one.joins.is_empty());
    let grouped = !matches!(&select.group_by, ast::GroupByExpr::Expressions(keys, _) if keys.is_empty());
    let plain = |item: &ast::SelectItem| {
        let simple = |expr: &ast::Expr| {
            matches!(expr, ast::Expr::Identifier(_) | ast::Expr::CompoundIdentifier(_) | ast::Expr::Value(_))
        };
        match item {
            ast::SelectItem::UnnamedExpr(expr) | ast::SelectItem::ExprWithAlias { expr, .. } => simple(expr),
            ast::SelectItem::Wildcard(_) => true,
            _ => false,
        }
    };
    one_table
        && !grouped
        && query.order_by.is_none()
        && select.distinct.is_none()
        && select.selection.is_none()
        && select.having.is_none()
        && select.qualify.is_none()
        && select.projection.iter().all(plain)
}

/// A sort key: ascending, NULLs last, unless it says otherwise.
pub(super) fn sort_key(column: crate::plan::ColumnId, options: &ast::OrderByOptions) -> SortKey {
    let descending = matches!(options.sort, Some(ast::OrderBySort::Desc));
    SortKey { column, descending, nulls_first: options.nulls_first.unwrap_or(false) }
}
