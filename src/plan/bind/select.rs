//! One SELECT: FROM, WHERE, GROUP BY, HAVING, the select list, DISTINCT, ORDER BY, LIMIT, in this order.

use super::binder::{Binder, not_supported};
use super::coerce::condition;
use super::expression::Clause;
use super::grouping::Grouped;
use super::naming::column_name;
use super::query::{Bound, Slice, sort_key};
use super::scope::Scope;
use crate::journal::ErrorCode;
use crate::plan::expr::{ColumnDef, ColumnId, Expr};
use crate::plan::logical::{LogicalPlan, OutputColumn, SortKey};
use crate::sql::diagnostic::{Diagnostic, Result};
use sqlparser::ast;

/// A column of the select list.
pub(super) struct Item {
    pub name: String,
    pub expr: Expr,
    /// Whether an aggregate is in it; GROUP BY ALL groups by the others.
    pub aggregates: bool,
    /// Whether a window function is in it: nothing can be grouped by it.
    pub windows: bool,
}

impl Item {
    /// Whether it reads no column of this SELECT, not even in a subquery: it is no key of GROUP BY ALL.
    pub fn is_constant(&self) -> bool {
        let mut reads_outer = false;
        self.expr.walk(&mut |e| reads_outer |= e.subquery().is_some_and(|plan| !plan.outer_columns().is_empty()));
        self.expr.columns().is_empty() && !reads_outer
    }

    /// INVALID_ARGUMENTS for a window function where a key of GROUP BY is wanted.
    pub fn check_no_window(&self) -> Result<()> {
        if self.windows { super::expression::Clause::GroupBy.allow_window(self.expr.span) } else { Ok(()) }
    }
}

/// A key of ORDER BY: a column of the select list, or an expression beside it.
enum OrderKey {
    Item(usize),
    Hidden(Expr),
}

/// DISTINCT: one row for each value of these, of the whole select list if there are none.
struct Distinct {
    on: Vec<OrderKey>,
}

impl<'q> Binder<'q> {
    /// Binds a SELECT with the ORDER BY and LIMIT behind it.
    pub fn select(
        &mut self,
        select: &'q ast::Select,
        order_by: Option<&'q ast::OrderBy>,
        slice: Slice,
    ) -> Result<Bound> {
        self.refuse_select_clauses(select)?;
        if let Some(bound) = self.pivoted(select, order_by, slice)? {
            return Ok(bound);
        }
        let (plan, relations) = self.tables_and_joins(&select.from)?;
        self.scopes.push(Scope { relations, aliases: aliases(&select.projection), ..Scope::default() });
        let named = self.name_windows(&select.named_window);
        let bound = named.and_then(|()| self.select_in_scope(select, plan, order_by, slice));
        self.scopes.pop();
        bound
    }

    fn refuse_select_clauses(&self, select: &ast::Select) -> Result<()> {
        let place = self.span(select.select_token.0.span);
        let later = |exprs: &[ast::Expr], what: &str| match exprs.first() {
            Some(first) => Err(not_supported(what, self.span_of(first))),
            None => Ok(()),
        };
        if select.into.is_some() {
            return Err(
                not_supported("SELECT INTO", place).hint("CREATE TABLE t AS SELECT ... makes a table of a query")
            );
        }
        if select.top.is_some() {
            return Err(not_supported("TOP", place).hint("write LIMIT at the end"));
        }
        if !select.lateral_views.is_empty() || !select.connect_by.is_empty() || select.prewhere.is_some() {
            return Err(not_supported("this clause of SELECT", place));
        }
        later(&select.cluster_by, "CLUSTER BY")?;
        later(&select.distribute_by, "DISTRIBUTE BY")?;
        later(&select.sort_by.iter().map(|s| s.expr.clone()).collect::<Vec<_>>(), "SORT BY")
    }

    fn select_in_scope(
        &mut self,
        select: &'q ast::Select,
        mut plan: LogicalPlan,
        order_by: Option<&'q ast::OrderBy>,
        slice: Slice,
    ) -> Result<Bound> {
        let sample = select.qualify.as_ref().and_then(super::sample::using_sample);
        if let Some(sample) = sample {
            plan = self.using_sample(plan, sample)?;
        }
        if let Some(filter) = &select.selection {
            let predicate = self.columns_condition(filter, Clause::Where, "WHERE")?;
            plan = LogicalPlan::Filter { input: Box::new(plan), predicate };
        }
        let mut items = self.items(&select.projection)?;
        let group_by = self.group_by(select, &items)?;
        let mut having = match &select.having {
            Some(having) => Some(condition(self.expression(having, Clause::Having)?, "HAVING")?),
            None => None,
        };
        let qualify = select.qualify.as_ref().filter(|_| sample.is_none());
        let mut qualify = match qualify {
            Some(qualify) => Some(condition(self.expression(qualify, Clause::Qualify)?, "QUALIFY")?),
            None => None,
        };
        let mut distinct = self.distinct(select, &items)?;
        let mut order = self.order(order_by, &items)?;

        let mut windows = self.scopes.last_mut().map(|s| std::mem::take(&mut s.windows)).unwrap_or_default();
        if let (Some(written), true, None) = (&select.qualify, windows.is_empty(), sample) {
            let message = "QUALIFY filters by window functions, and there is none";
            return Err(Diagnostic::new(ErrorCode::InvalidArguments, message)
                .at(self.span_of(written))
                .hint("conditions on rows belong in WHERE, on groups in HAVING"));
        }
        let mut unnests = self.scopes.last_mut().map(|s| std::mem::take(&mut s.unnests)).unwrap_or_default();
        let pending = self.scopes.last_mut().map(|s| std::mem::take(&mut s.aggregates)).unwrap_or_default();
        let asks_grouping = self.scopes.last().is_some_and(|s| s.asks_grouping);
        if group_by.is_some() || !pending.is_empty() || having.is_some() || asks_grouping {
            let grouped = self.group(plan, group_by.unwrap_or_default(), pending);
            for item in &mut items {
                over(&grouped, &mut item.expr)?;
            }
            let on = distinct.iter_mut().flat_map(|d| &mut d.on);
            for key in order.iter_mut().map(|(key, _)| key).chain(on) {
                if let OrderKey::Hidden(expr) = key {
                    over(&grouped, expr)?;
                }
            }
            if let Some(having) = &mut having {
                over(&grouped, having)?;
            }
            if let Some(qualify) = &mut qualify {
                over(&grouped, qualify)?;
            }
            for (_, list) in &mut unnests {
                over(&grouped, list)?;
            }
            for window in &mut windows {
                window.over(&grouped)?;
            }
            plan = grouped.plan;
        }
        if let Some(predicate) = having {
            plan = LogicalPlan::Filter { input: Box::new(plan), predicate };
        }
        plan = self.windows(plan, windows);
        if let Some(predicate) = qualify {
            plan = LogicalPlan::Filter { input: Box::new(plan), predicate };
        }
        let plan = super::unnest::unnested(plan, unnests);
        Ok(self.project(plan, items, order, distinct, slice))
    }

    /// The select list over `plan`, and nothing else.
    pub(super) fn project_items(&mut self, plan: LogicalPlan, items: Vec<Item>) -> Bound {
        self.project(plan, items, Vec::new(), None, Slice { limit: None, offset: 0 })
    }

    /// The select list over `plan`, with DISTINCT, order and limit on top.
    fn project(
        &mut self,
        plan: LogicalPlan,
        items: Vec<Item>,
        order: Vec<(OrderKey, &ast::OrderByOptions)>,
        distinct: Option<Distinct>,
        slice: Slice,
    ) -> Bound {
        let present = plan.columns();
        let mut columns: Vec<(ColumnDef, Expr)> = Vec::new();
        let mut output: Vec<OutputColumn> = Vec::new();
        for item in items {
            let column = self.projected(&mut columns, &present, item.expr, &item.name);
            output.push(OutputColumn { name: item.name, column: column.id, dtype: column.dtype });
        }
        let shown: Vec<ColumnDef> = columns.iter().map(|(def, _)| def.clone()).collect();
        let mut column = |binder: &mut Binder, key: OrderKey| match key {
            OrderKey::Item(i) => output[i].column,
            OrderKey::Hidden(expr) => binder.projected(&mut columns, &present, expr, "order").id,
        };
        let mut sort: Vec<SortKey> = Vec::new();
        for (key, options) in order {
            let column = column(self, key);
            if !sort.iter().any(|k| k.column == column) {
                sort.push(sort_key(column, options));
            }
        }
        let on = distinct.map(|distinct| match distinct.on.is_empty() {
            true => shown.iter().map(|c| c.id).collect(),
            false => distinct.on.into_iter().map(|key| column(self, key)).collect::<Vec<ColumnId>>(),
        });
        let hides = columns.len() > shown.len();
        let mut plan = LogicalPlan::Project { input: Box::new(plan), columns };
        if let Some(on) = on {
            // Rows that are whole keys are alike in all that is seen of them; of others the first in order is kept.
            let is_whole = !hides && shown.iter().all(|c| on.contains(&c.id));
            if !is_whole && !sort.is_empty() {
                plan = LogicalPlan::Sort { input: Box::new(plan), keys: sort.clone() };
            }
            plan = LogicalPlan::Distinct { input: Box::new(plan), on: (!is_whole).then_some(on) };
        }
        if !sort.is_empty() {
            plan = LogicalPlan::Sort { input: Box::new(plan), keys: sort };
        }
        plan = slice.apply(plan);
        if hides {
            let columns = shown.into_iter().map(|c| (c.clone(), Expr::column(c.id, c.dtype))).collect();
            plan = LogicalPlan::Project { input: Box::new(plan), columns };
        }
        Bound { plan, output }
    }

    /// The projected column that holds `expr`: one that is there already, the input's own, or a new one.
    fn projected(
        &mut self,
        columns: &mut Vec<(ColumnDef, Expr)>,
        present: &[ColumnDef],
        expr: Expr,
        name: &str,
    ) -> ColumnDef {
        if let Some((def, _)) = columns.iter().find(|(_, known)| known.same(&expr)) {
            return def.clone();
        }
        let own = expr.as_column().and_then(|id| present.iter().find(|c| c.id == id));
        let def = match own {
            Some(column) => column.clone(),
            None => self.column(name, expr.dtype.clone()),
        };
        columns.push((def.clone(), expr));
        def
    }

    /// The select list, stars spread out.
    pub(super) fn items(&mut self, projection: &'q [ast::SelectItem]) -> Result<Vec<Item>> {
        let mut items = Vec::new();
        if projection.is_empty() {
            self.whole_star(&mut items)?;
        }
        for item in projection {
            match item {
                ast::SelectItem::UnnamedExpr(expr) => {
                    if self.columns_item(&mut items, expr, None)? {
                        continue;
                    }
                    let name = self.defined_name(expr).unwrap_or_else(|| column_name(&self.with_named_windows(expr)));
                    self.item(&mut items, expr, name)?;
                }
                ast::SelectItem::ExprWithAlias { expr, alias } => {
                    if !self.columns_item(&mut items, expr, Some(&alias.value))? {
                        self.item(&mut items, expr, alias.value.clone())?;
                    }
                }
                ast::SelectItem::ExprWithAliases { expr, .. } => {
                    return Err(not_supported("several aliases of one column", self.span_of(expr)));
                }
                ast::SelectItem::Wildcard(options) => {
                    let place = self.span(options.wildcard_token.0.span);
                    self.star(&mut items, None, options, place)?;
                }
                ast::SelectItem::QualifiedWildcard(kind, options) => {
                    let ast::SelectItemQualifiedWildcardKind::ObjectName(name) = kind else {
                        return Err(not_supported("* of an expression", self.span_of(item)));
                    };
                    self.star(&mut items, Some(name), options, self.span_of(name))?;
                }
            }
        }
        if items.is_empty() {
            return Err(Diagnostic::new(ErrorCode::SyntaxError, "the select list is empty after EXCLUDE"));
        }
        Ok(items)
    }

    /// The name of a plain column in the case of its definition.
    fn defined_name(&self, expr: &ast::Expr) -> Option<String> {
        let ident = match expr {
            ast::Expr::Identifier(ident) if ident.quote_style.is_none() && ident.value.starts_with('#') => {
                return self.name_at(&ident.value[1..]);
            }
            ast::Expr::Identifier(ident) => ident,
            ast::Expr::CompoundIdentifier(parts) => parts.last()?,
            _ => return None,
        };
        let columns = self.scopes.iter().rev().flat_map(|s| s.relations.iter().flat_map(|r| &r.columns));
        columns.map(|c| &c.name).find(|name| name.eq_ignore_ascii_case(&ident.value)).cloned()
    }

    pub(super) fn item(&mut self, items: &mut Vec<Item>, expr: &'q ast::Expr, name: String) -> Result<()> {
        let uses = |binder: &Binder| binder.scopes.last().map_or((0, 0), |s| (s.aggregate_uses, s.window_uses));
        let before = uses(self);
        // An UNNEST of a struct is a column for each of its fields.
        let bound = match expr {
            ast::Expr::Function(call) if call.name.to_string().eq_ignore_ascii_case("unnest") => {
                let place = self.span_of(expr);
                self.unnest_columns(call, Clause::Select, place)?
            }
            _ => vec![(None, self.expression(expr, Clause::Select)?)],
        };
        let after = uses(self);
        for (field, bound) in bound {
            let name = field.unwrap_or_else(|| name.clone());
            items.push(Item { name, expr: bound, aggregates: after.0 > before.0, windows: after.1 > before.1 });
        }
        Ok(())
    }

    /// DISTINCT, with what it is ON.
    fn distinct(&mut self, select: &'q ast::Select, items: &[Item]) -> Result<Option<Distinct>> {
        let exprs = match &select.distinct {
            Some(ast::Distinct::On(exprs)) => exprs,
            Some(ast::Distinct::Distinct) => return Ok(Some(Distinct { on: Vec::new() })),
            _ => return Ok(None),
        };
        let mut on = Vec::new();
        for expr in exprs {
            on.push(match self.position(expr, items.len(), "DISTINCT ON")? {
                Some(position) => OrderKey::Item(position),
                None => self.order_key(expr, items)?,
            });
        }
        Ok(Some(Distinct { on }))
    }

    /// The keys of ORDER BY: positions, names of the select list, then anything else.
    fn order(
        &mut self,
        order_by: Option<&'q ast::OrderBy>,
        items: &[Item],
    ) -> Result<Vec<(OrderKey, &'q ast::OrderByOptions)>> {
        let Some(order_by) = order_by else { return Ok(Vec::new()) };
        let exprs = match &order_by.kind {
            ast::OrderByKind::All(options) => {
                return Ok((0..items.len()).map(|i| (OrderKey::Item(i), options)).collect());
            }
            ast::OrderByKind::Expressions(exprs) => exprs,
        };
        let mut keys = Vec::new();
        for key in exprs {
            if let Some(position) = self.position(&key.expr, items.len(), "ORDER BY")? {
                keys.push((OrderKey::Item(position), &key.options));
                continue;
            }
            let (expr, collation) = self.sort_collation(&key.expr)?;
            let order_key = match (self.order_key(expr, items)?, collation) {
                (order_key, None) => order_key,
                (OrderKey::Item(at), Some(collation)) => OrderKey::Hidden(collation.over(items[at].expr.clone())?),
                (OrderKey::Hidden(expr), Some(collation)) => OrderKey::Hidden(collation.over(expr)?),
            };
            keys.push((order_key, &key.options));
        }
        Ok(keys)
    }

    /// A name of the select list, an expression that is in it, or anything else.
    fn order_key(&mut self, expr: &'q ast::Expr, items: &[Item]) -> Result<OrderKey> {
        let named = match expr {
            ast::Expr::Identifier(ident) => items.iter().position(|i| i.name.eq_ignore_ascii_case(&ident.value)),
            _ => None,
        };
        if let Some(position) = named {
            return Ok(OrderKey::Item(position));
        }
        let expr = self.expression(expr, Clause::OrderBy)?;
        Ok(match items.iter().position(|i| i.expr.same(&expr)) {
            Some(position) => OrderKey::Item(position),
            None => OrderKey::Hidden(expr),
        })
    }
}

pub(super) fn over(grouped: &Grouped, expr: &mut Expr) -> Result<()> {
    let taken = std::mem::replace(expr, Expr::boolean(true));
    *expr = grouped.over(taken)?;
    Ok(())
}

pub(super) fn aliases(projection: &[ast::SelectItem]) -> Vec<(String, &ast::Expr)> {
    projection
        .iter()
        .filter_map(|item| match item {
            ast::SelectItem::ExprWithAlias { expr, alias } => Some((alias.value.clone(), expr)),
            _ => None,
        })
        .collect()
}
