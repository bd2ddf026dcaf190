//! PIVOT and UNPIVOT, in the form that [`crate::sql::pivot`] gives them: calls in a select list that only mean something here.

use super::binder::{Binder, not_supported};
use super::call::scalar;
use super::coerce::{coerce, common};
use super::expression::Clause;
use super::grouping::PendingAggregate;
use super::grouping_sets::GroupBy;
use super::naming::column_name;
use super::query::{Bound, Slice};
use super::scope::{Relation, Scope};
use super::select::Item;
use crate::catalog::Table;
use crate::functions::value_at;
use crate::journal::ErrorCode;
use crate::plan::expr::{Expr, ExprKind};
use crate::plan::logical::{JoinKind, LogicalPlan, OutputColumn, Query, SortKey};
use crate::sql::diagnostic::{Diagnostic, Result};
use crate::sql::pivot::{PIVOT_AS, PIVOT_GROUP, PIVOT_ON, PIVOT_USING, UNPIVOT, UNPIVOT_NULLS, UNPIVOT_OF};
use crate::sql::{DataType, Value};
use sqlparser::ast::{self, FunctionArg, FunctionArgExpr, FunctionArguments};
use std::collections::HashSet;

/// Columns that a PIVOT may make: each is an aggregate of its own.
const MOST_COLUMNS: usize = 1000;

/// A value of a pivoted expression: what selects its rows, and what its column is called.
#[derive(Clone)]
struct PivotValue {
    condition: Expr,
    name: String,
}

impl<'q> Binder<'q> {
    /// Binds a select list that stands for PIVOT or UNPIVOT; None if it is an ordinary one.
    pub(super) fn pivoted(
        &mut self,
        select: &'q ast::Select,
        order_by: Option<&'q ast::OrderBy>,
        slice: Slice,
    ) -> Result<Option<Bound>> {
        let first = select.projection.first().and_then(marker).map(|(name, _, _)| name);
        let unpivots = match first {
            Some(PIVOT_ON | PIVOT_USING | PIVOT_GROUP) => false,
            Some(UNPIVOT | UNPIVOT_NULLS) => true,
            _ => return Ok(None),
        };
        let (plan, mut relations) = self.tables_and_joins(&select.from)?;
        let plan = self.told_apart(plan, &mut relations);
        self.scopes.push(Scope { relations, ..Scope::default() });
        let bound = if unpivots { self.unpivot(select, plan) } else { self.pivot(select, plan) };
        self.scopes.pop();
        let bound = match order_by {
            Some(order_by) => self.order_output(bound?, order_by)?,
            None => bound?,
        };
        Ok(Some(Bound { plan: slice.apply(bound.plan), output: bound.output }))
    }

    /// Two names of one column become two columns: which are left beside the pivoted ones goes by identity.
    fn told_apart(&mut self, plan: LogicalPlan, relations: &mut [Relation]) -> LogicalPlan {
        let (mut met, mut more) = (HashSet::new(), Vec::new());
        for column in relations.iter_mut().flat_map(|relation| &mut relation.columns) {
            let first = met.insert(column.id);
            if first || column.alone.as_ref().is_none_or(|(id, _)| *id != column.id) {
                continue;
            }
            let own = self.column(column.name.clone(), column.dtype.clone());
            more.push((own.clone(), Expr::column(column.id, column.dtype.clone())));
            (column.id, column.alone) = (own.id, Some((own.id, own.dtype)));
        }
        if more.is_empty() {
            return plan;
        }
        let kept = plan.columns().into_iter().map(|c| (c.clone(), Expr::column(c.id, c.dtype)));
        LogicalPlan::Project { columns: kept.chain(more).collect(), input: Box::new(plan) }
    }

    fn pivot(&mut self, select: &'q ast::Select, plan: LogicalPlan) -> Result<Bound> {
        let (mut on, mut using, mut groups) = (Vec::new(), Vec::new(), Vec::new());
        for (name, args, alias) in select.projection.iter().filter_map(marker) {
            match name {
                PIVOT_ON => on.push(args),
                PIVOT_USING => using.push((args, alias)),
                _ => groups.push(args),
            }
        }
        let mut read = Vec::new();
        // Each combination of values, the first expression's changing slowest.
        let mut combinations: Vec<(Vec<Expr>, String)> = vec![(Vec::new(), String::new())];
        for args in on {
            let values = self.pivot_values(&args, &plan, &mut read)?;
            let joined = |(conditions, name): &(Vec<Expr>, String), value: &PivotValue| {
                let mut conditions = conditions.clone();
                conditions.push(value.condition.clone());
                let name = if name.is_empty() { value.name.clone() } else { format!("{name}_{}", value.name) };
                (conditions, name)
            };
            combinations = combinations.iter().flat_map(|c| values.iter().map(move |v| joined(c, v))).collect();
        }
        if combinations.len() * using.len().max(1) > MOST_COLUMNS {
            let message = format!("PIVOT would make {} columns, more than {MOST_COLUMNS}", combinations.len());
            return Err(Diagnostic::new(ErrorCode::InvalidArguments, message).hint("name the values: ON x IN (1, 2)"));
        }
        let counts = using.is_empty();
        let mut cells = Vec::new();
        let mut pending = Vec::new();
        for (conditions, name) in &combinations {
            for (args, alias) in &using {
                let [aggregate] = args[..] else { return Err(not_supported("this form of PIVOT", None)) };
                let suffix = match alias {
                    Some(alias) => Some(alias.clone()),
                    None => (using.len() > 1).then(|| column_name(aggregate)),
                };
                let title = match (name.is_empty(), suffix) {
                    (true, suffix) => suffix.unwrap_or_else(|| column_name(aggregate)),
                    (false, Some(suffix)) => format!("{name}_{suffix}"),
                    (false, None) => name.clone(),
                };
                let expr = self.expression(aggregate, Clause::Select)?;
                let mut own = self.scopes.last_mut().map(|s| std::mem::take(&mut s.aggregates)).unwrap_or_default();
                if own.is_empty() {
                    let message = "USING takes aggregates, such as sum(amount)";
                    let place = self.span_of(aggregate);
                    return Err(Diagnostic::new(ErrorCode::InvalidArguments, message).at(place));
                }
                for call in &mut own {
                    call.expressions_mut().for_each(|e| read.extend(e.columns()));
                    filter(&mut call.filter, conditions);
                }
                pending.extend(own);
                cells.push(Item { name: title, expr, aggregates: true, windows: false });
            }
            if counts {
                let mut call = self.count_star();
                filter(&mut call.filter, conditions);
                let expr = Expr::column(call.output.id, call.output.dtype.clone());
                cells.push(Item { name: name.clone(), expr, aggregates: true, windows: false });
                pending.push(call);
            }
        }
        let mut items = Vec::new();
        if groups.is_empty() {
            self.whole_star(&mut items)?;
            items.retain(|item| item.expr.as_column().is_none_or(|id| !read.contains(&id)));
        }
        for args in groups {
            for key in args {
                self.item(&mut items, key, column_name(key))?;
            }
        }
        let keys = items.iter().map(|item| (item.expr.clone(), item.name.clone())).collect();
        let grouped = self.group(plan, GroupBy { keys, sets: None }, pending);
        for item in &mut items {
            super::select::over(&grouped, &mut item.expr)?;
        }
        items.extend(cells);
        Ok(self.project_items(grouped.plan, items))
    }

    /// The values of a pivoted expression: those that are written, or else those that the source has.
    fn pivot_values(
        &mut self,
        args: &[&'q ast::Expr],
        plan: &LogicalPlan,
        read: &mut Vec<crate::plan::ColumnId>,
    ) -> Result<Vec<PivotValue>> {
        let Some((expr, written)) = args.split_first() else { return Ok(Vec::new()) };
        let bound = self.expression(expr, Clause::Where)?;
        read.extend(bound.columns());
        let mut values = Vec::new();
        for value in written {
            let (value, name) = match value {
                ast::Expr::Function(call) if is_call(call, PIVOT_AS) => match &arguments(call)[..] {
                    [value, name] => (*value, column_name(name).trim_matches('\'').to_string()),
                    _ => continue,
                },
                // A bare word is a text, as in DuckDB.
                value => (*value, column_name(value).trim_matches('\'').to_string()),
            };
            let value = match value {
                ast::Expr::Identifier(word) => Expr::literal(Value::Varchar(word.value.clone()), DataType::Varchar),
                value => self.expression(value, Clause::Values)?,
            };
            let condition = scalar("=", vec![bound.clone(), value], bound.span)?;
            values.push(PivotValue { condition, name });
        }
        if !written.is_empty() {
            return Ok(values);
        }
        let column = self.column("value", bound.dtype.clone());
        let text = self.column("text", DataType::Varchar);
        let own = Expr::column(column.id, column.dtype.clone());
        let is_value = ExprKind::IsNull { arg: Box::new(own.clone()), negated: true };
        let present = Expr { kind: is_value, dtype: DataType::Boolean, span: None };
        let projected =
            LogicalPlan::Project { input: Box::new(plan.clone()), columns: vec![(column.clone(), bound.clone())] };
        let kept = LogicalPlan::Filter { input: Box::new(projected), predicate: present };
        let distinct = LogicalPlan::Distinct { input: Box::new(kept), on: None };
        let sort = SortKey { column: column.id, descending: false, nulls_first: false };
        let sorted = LogicalPlan::Sort { input: Box::new(distinct), keys: vec![sort] };
        let named = vec![(column.clone(), own.clone()), (text.clone(), coerce(own, &DataType::Varchar))];
        let output =
            [&column, &text].map(|c| OutputColumn { name: c.name.clone(), column: c.id, dtype: c.dtype.clone() });
        let query = Query {
            plan: LogicalPlan::Project { input: Box::new(sorted), columns: named },
            output: output.to_vec(),
            next_column: self.next_column(),
        };
        let table = self.context.runner.run(query)?;
        for (value, text) in values_and_texts(&table) {
            let value = Expr::literal(value, bound.dtype.clone());
            let condition = scalar("=", vec![bound.clone(), value], bound.span)?;
            values.push(PivotValue { condition, name: text });
        }
        Ok(values)
    }

    /// `count(*)`.
    fn count_star(&mut self) -> PendingAggregate {
        PendingAggregate {
            output: self.column("count_star()", DataType::BigInt),
            function: "count_star".to_string(),
            args: Vec::new(),
            distinct: false,
            filter: None,
            span: None,
            constants: Vec::new(),
            order_by: Vec::new(),
        }
    }

    fn unpivot(&mut self, select: &'q ast::Select, plan: LogicalPlan) -> Result<Bound> {
        let mut names: Vec<String> = Vec::new();
        let mut keeps_nulls = false;
        let mut rows: Vec<(Vec<Item>, Option<String>)> = Vec::new();
        for (name, args, alias) in select.projection.iter().filter_map(marker) {
            if name != UNPIVOT_OF {
                keeps_nulls = name == UNPIVOT_NULLS;
                names = args.iter().map(|name| column_name(name).trim_matches('\'').to_string()).collect();
                continue;
            }
            let mut columns = Vec::new();
            if args.is_empty() {
                self.whole_star(&mut columns)?;
                rows.extend(columns.into_iter().map(|column| (vec![column], None)));
                continue;
            }
            let mut spread = false;
            for arg in args {
                if self.columns_item(&mut columns, arg, None)? {
                    spread = true;
                } else {
                    self.item(&mut columns, arg, column_name(arg))?;
                }
            }
            match spread {
                true => rows.extend(columns.into_iter().map(|column| (vec![column], None))),
                false => rows.push((columns, alias)),
            }
        }
        let width = names.len().saturating_sub(1).max(1);
        if let Some((columns, _)) = rows.iter().find(|(columns, _)| columns.len() != width) {
            let message = format!("UNPIVOT makes {width} value columns, and {} are given for a row", columns.len());
            let place = columns.first().and_then(|c| c.expr.span);
            return Err(Diagnostic::new(ErrorCode::InvalidArguments, message).at(place));
        }
        let read: Vec<_> = rows.iter().flat_map(|(columns, _)| columns).flat_map(|c| c.expr.columns()).collect();
        let mut items = Vec::new();
        self.whole_star(&mut items)?;
        items.retain(|item| item.expr.as_column().is_none_or(|id| !read.contains(&id)));

        // Every row beside the number of each of its columns.
        let number = self.column("number", DataType::Integer);
        let literal = |n: usize| Expr::literal(Value::Int(n as i128), DataType::Integer);
        let numbers = LogicalPlan::Values {
            columns: vec![number.clone()],
            rows: (0..rows.len()).map(|n| vec![literal(n)]).collect(),
        };
        let mut plan =
            LogicalPlan::Join { left: Box::new(plan), right: Box::new(numbers), kind: JoinKind::Cross, on: None };
        let choose = |values: Vec<Expr>, dtype: DataType| {
            let number = || Expr::column(number.id, DataType::Integer);
            let branch = |(n, value)| (Expr::call("=", vec![number(), literal(n)], DataType::Boolean), value);
            let branches = values.into_iter().enumerate().map(branch).collect();
            Expr { kind: ExprKind::Case { branches, otherwise: None }, dtype, span: None }
        };
        let label = |(columns, alias): &(Vec<Item>, Option<String>)| {
            let joined = || columns.iter().map(|c| c.name.as_str()).collect::<Vec<_>>().join("_");
            Expr::literal(Value::Varchar(alias.clone().unwrap_or_else(joined)), DataType::Varchar)
        };
        let labels = choose(rows.iter().map(label).collect(), DataType::Varchar);
        let name = names.first().cloned().unwrap_or_else(|| "name".to_string());
        items.push(Item { name, expr: labels, aggregates: false, windows: false });
        let mut made = Vec::new();
        for i in 0..width {
            let values: Vec<&Expr> = rows.iter().map(|(columns, _)| &columns[i].expr).collect();
            let dtype = common(&values, "UNPIVOT")?;
            let values = values.into_iter().map(|value| coerce(value.clone(), &dtype)).collect();
            let name = names.get(i + 1).cloned().unwrap_or_else(|| "value".to_string());
            made.push(items.len());
            items.push(Item { name, expr: choose(values, dtype), aggregates: false, windows: false });
        }
        if !keeps_nulls {
            let kept = made.iter().map(|at| {
                let arg = Box::new(items[*at].expr.clone());
                Expr { kind: ExprKind::IsNull { arg, negated: true }, dtype: DataType::Boolean, span: None }
            });
            let kept: Vec<Expr> = kept.collect();
            let any = match kept.len() {
                1 => kept.into_iter().next().unwrap_or(Expr::boolean(true)),
                _ => Expr { kind: ExprKind::Or(kept), dtype: DataType::Boolean, span: None },
            };
            plan = LogicalPlan::Filter { input: Box::new(plan), predicate: any };
        }
        Ok(self.project_items(plan, items))
    }
}

/// The values and their texts that the first query of a PIVOT gave.
fn values_and_texts(table: &Table) -> Vec<(Value, String)> {
    let Some(rows) = &table.memory else { return Vec::new() };
    let [values, texts] = rows.0.columns() else { return Vec::new() };
    let dtype = &table.columns[0].dtype;
    let read = |row: usize| match value_at(texts, &DataType::Varchar, row) {
        Value::Varchar(text) => Some((value_at(values, dtype, row), text)),
        _ => None,
    };
    (0..rows.0.height()).filter_map(read).collect()
}

/// Adds conditions to the filter of an aggregate.
fn filter(own: &mut Option<Expr>, conditions: &[Expr]) {
    let all: Vec<Expr> = own.take().into_iter().chain(conditions.iter().cloned()).collect();
    if !all.is_empty() {
        *own = Some(Expr::and(all));
    }
}

/// A call of ours in a select list: its name, its arguments and the alias behind it.
fn marker(item: &ast::SelectItem) -> Option<(&'static str, Vec<&ast::Expr>, Option<String>)> {
    let (expr, alias) = match item {
        ast::SelectItem::UnnamedExpr(expr) => (expr, None),
        ast::SelectItem::ExprWithAlias { expr, alias } => (expr, Some(alias.value.clone())),
        _ => return None,
    };
    let ast::Expr::Function(call) = expr else { return None };
    let names = [PIVOT_ON, PIVOT_USING, PIVOT_GROUP, UNPIVOT, UNPIVOT_NULLS, UNPIVOT_OF];
    let name = names.into_iter().find(|name| is_call(call, name))?;
    Some((name, arguments(call), alias))
}

fn is_call(call: &ast::Function, name: &str) -> bool {
    matches!(&call.name.0[..], [ast::ObjectNamePart::Identifier(ident)] if ident.value == name)
}

fn arguments(call: &ast::Function) -> Vec<&ast::Expr> {
    let FunctionArguments::List(list) = &call.args else { return Vec::new() };
    fn plain(arg: &FunctionArg) -> Option<&ast::Expr> {
        match arg {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr),
            _ => None,
        }
    }
    list.args.iter().filter_map(plain).collect()
}
