//! GROUP BY: which columns are grouped, what is aggregated, and what may still be named behind it.

use super::aggregate::CallOrder;
use super::binder::Binder;
use super::expression::Clause;
use super::grouping_sets::GroupBy;
use crate::journal::ErrorCode;
use crate::plan::expr::{ColumnDef, ColumnId, Expr, ExprKind};
use crate::plan::logical::{Aggregate, GroupingSets, LogicalPlan, SortKey};
use crate::sql::diagnostic::{Diagnostic, Result, Span};
use crate::sql::{DataType, Value};

/// An aggregate call that was met while binding; its arguments are still expressions.
#[derive(Debug, Clone)]
pub(super) struct PendingAggregate {
    pub output: ColumnDef,
    pub function: String,
    pub args: Vec<Expr>,
    pub distinct: bool,
    pub filter: Option<Expr>,
    pub span: Option<Span>,
    pub constants: Vec<Value>,
    pub order_by: Vec<CallOrder>,
}

impl PendingAggregate {
    /// Every expression in it, to be changed in place.
    pub fn expressions_mut(&mut self) -> impl Iterator<Item = &mut Expr> {
        self.args.iter_mut().chain(&mut self.filter).chain(self.order_by.iter_mut().map(|order| &mut order.key))
    }

    /// Whether both compute the same.
    pub fn same(&self, other: &PendingAggregate) -> bool {
        self.function == other.function
            && self.distinct == other.distinct
            && self.constants == other.constants
            && self.order_by.len() == other.order_by.len()
            && self
                .order_by
                .iter()
                .zip(&other.order_by)
                .all(|(a, b)| (a.descending, a.nulls_first) == (b.descending, b.nulls_first) && a.key.same(&b.key))
            && self.args.len() == other.args.len()
            && self.args.iter().zip(&other.args).all(|(a, b)| a.same(b))
            && match (&self.filter, &other.filter) {
                (None, None) => true,
                (Some(a), Some(b)) => a.same(b),
                _ => false,
            }
    }
}

/// The function that stands for GROUPING() until the grouping is known.
const GROUPING: &str = "grouping";

/// The input of an aggregation or a window, with the columns that keys and arguments need computed below it.
pub(super) struct PreProjection {
    input: Vec<ColumnDef>,
    columns: Vec<(ColumnDef, Expr)>,
}

impl PreProjection {
    /// Nothing computed yet over these columns.
    pub fn new(input: Vec<ColumnDef>) -> PreProjection {
        PreProjection { input, columns: Vec::new() }
    }

    /// The column that holds `expr`, called by what it computes.
    pub fn described(&mut self, binder: &mut Binder, expr: Expr) -> ColumnDef {
        let name = self.describe(&expr);
        self.column(binder, expr, &name)
    }

    /// The column that holds `expr`: the input's own, an equal one, or a new one.
    pub fn column(&mut self, binder: &mut Binder, expr: Expr, name: &str) -> ColumnDef {
        if let Some((def, _)) = self.columns.iter().find(|(_, known)| known.same(&expr)) {
            return def.clone();
        }
        let own = expr.as_column().and_then(|id| self.input.iter().find(|c| c.id == id).cloned());
        let def = own.unwrap_or_else(|| binder.column(name, expr.dtype.clone()));
        self.columns.push((def.clone(), expr));
        def
    }

    /// What EXPLAIN calls a computed column: its expression.
    fn describe(&self, expr: &Expr) -> String {
        expr.display(&|id| self.input.iter().find(|c| c.id == id).map_or(id.to_string(), |c| c.name.clone()))
    }

    /// The plan with these columns; the input itself where nothing is computed.
    pub fn apply(self, plan: LogicalPlan) -> LogicalPlan {
        if self.columns.iter().all(|(def, expr)| expr.as_column() == Some(def.id)) {
            return plan;
        }
        LogicalPlan::Project { input: Box::new(plan), columns: self.columns }
    }
}

/// A finished aggregation: its plan, and what expressions above it may use.
pub(super) struct Grouped {
    pub plan: LogicalPlan,
    keys: Vec<(Expr, ColumnDef)>,
    input: Vec<ColumnDef>,
    sets: Option<GroupingSets>,
}

impl<'q> Binder<'q> {
    /// `GROUPING(a, b)`: the grouping puts a number in its place.
    pub fn grouping_call(
        &mut self,
        args: Vec<&'q sqlparser::ast::Expr>,
        clause: Clause,
        place: Option<Span>,
    ) -> Result<Expr> {
        clause.allow_aggregate(place)?;
        if args.is_empty() || args.len() > 63 {
            let message = "GROUPING takes between 1 and 63 keys of GROUP BY";
            return Err(Diagnostic::new(ErrorCode::InvalidArguments, message).at(place));
        }
        let args = args.into_iter().map(|arg| self.expression(arg, Clause::GroupBy)).collect::<Result<Vec<_>>>()?;
        if let Some(scope) = self.scopes.last_mut() {
            scope.asks_grouping = true;
            scope.aggregate_uses += 1;
        }
        Ok(Expr::call(GROUPING, args, DataType::BigInt).at(place))
    }

    /// Aggregates `plan` as GROUP BY says.
    pub fn group(&mut self, plan: LogicalPlan, group_by: GroupBy, pending: Vec<PendingAggregate>) -> Grouped {
        let mut projection = PreProjection::new(plan.columns());
        let mut known: Vec<(Expr, ColumnDef)> = Vec::new();
        for (expr, name) in group_by.keys {
            if group_by.sets.is_some() {
                // Above the grouping a key may be NULL where it is not below: it is another column.
                let def = self.column(name, expr.dtype.clone());
                projection.columns.push((def.clone(), expr.clone()));
                known.push((expr, def));
            } else if !known.iter().any(|(key, _)| key.same(&expr)) {
                let def = projection.column(self, expr.clone(), &name);
                known.push((expr, def));
            }
        }
        let aggregates = pending.into_iter().map(|call| self.aggregate_over(call, &mut projection)).collect();
        let sets = group_by.sets.map(|sets| GroupingSets { sets, set: self.column("set", DataType::BigInt) });
        // Messages name columns as they can be written here.
        let known_as = |id: ColumnId| {
            let columns = self.scopes.last().into_iter().flat_map(|s| s.relations.iter().flat_map(|r| &r.columns));
            columns.filter(|c| c.id == id).map(|c| c.name.clone()).next()
        };
        let named = |c: &ColumnDef| ColumnDef { name: known_as(c.id).unwrap_or_else(|| c.name.clone()), ..c.clone() };
        let input = projection.input.iter().map(named).collect();
        let plan = LogicalPlan::Aggregate {
            input: Box::new(projection.apply(plan)),
            keys: known.iter().map(|(_, def)| def.clone()).collect(),
            grouping_sets: sets.clone(),
            aggregates,
        };
        Grouped { plan, keys: known, input, sets }
    }
}

impl<'q> Binder<'q> {
    /// The call over columns of the projection.
    pub fn aggregate_over(&mut self, call: PendingAggregate, projection: &mut PreProjection) -> Aggregate {
        let args = call.args.into_iter().map(|arg| {
            let column = projection.described(self, arg);
            (column.id, column.dtype)
        });
        let args: Vec<(ColumnId, DataType)> = args.collect();
        let filter = call.filter.map(|f| projection.described(self, f).id);
        let order_by = call.order_by.into_iter().map(|order| {
            let ColumnDef { id, dtype, .. } = projection.described(self, order.key);
            (SortKey { column: id, descending: order.descending, nulls_first: order.nulls_first }, dtype)
        });
        let order_by = order_by.collect();
        Aggregate {
            output: call.output,
            function: call.function,
            args,
            distinct: call.distinct,
            filter,
            span: call.span,
            constants: call.constants,
            order_by,
        }
    }
}

impl Grouped {
    /// The expression over the aggregation's output: what equals a key becomes that key's column.
    /// EXPRESSION_NOT_AGGREGATE for a column that is neither grouped nor aggregated.
    pub fn over(&self, mut expr: Expr) -> Result<Expr> {
        if let Some((_, def)) = self.keys.iter().find(|(key, _)| key.same(&expr)) {
            let span = expr.span;
            return Ok(Expr::column(def.id, def.dtype.clone()).at(span));
        }
        let plan = match &expr.kind {
            ExprKind::Call { function, args } if function == GROUPING => return self.grouping_number(args, expr.span),
            ExprKind::Column(id) if self.hides(*id) => return Err(self.not_grouped(*id, expr.span)),
            _ => expr.subquery_mut(),
        };
        if let Some(plan) = plan {
            self.below(plan);
            if let Some(id) = plan.outer_columns().into_iter().find(|id| self.hides(*id)) {
                return Err(self.not_grouped(id, expr.span));
            }
        }
        for child in expr.children_mut() {
            let taken = std::mem::replace(child, Expr::boolean(true));
            *child = self.over(taken)?;
        }
        Ok(expr)
    }

    /// Puts the keys' columns in place of what equals them in a subquery.
    fn below(&self, plan: &mut LogicalPlan) {
        for expr in plan.expressions_mut() {
            self.in_subquery(expr);
        }
        for input in plan.inputs_mut() {
            self.below(input);
        }
    }

    fn in_subquery(&self, expr: &mut Expr) {
        // A key that reads nothing is a constant, and stands for itself.
        let key = self.keys.iter().find(|(key, _)| key.same(expr) && !key.columns().is_empty());
        if let Some((_, def)) = key {
            *expr = Expr::column(def.id, def.dtype.clone()).at(expr.span);
            return;
        }
        for child in expr.children_mut() {
            self.in_subquery(child);
        }
        if let Some(plan) = expr.subquery_mut() {
            self.below(plan);
        }
    }

    /// What GROUPING() is: a bit for each argument, the first the highest, set where the argument is not in the row's set.
    fn grouping_number(&self, args: &[Expr], place: Option<Span>) -> Result<Expr> {
        let mut places = Vec::new();
        for arg in args {
            places.push(self.keys.iter().position(|(key, _)| key.same(arg)).ok_or_else(|| {
                Diagnostic::new(ErrorCode::ExpressionNotAggregate, "GROUPING takes keys of GROUP BY")
                    .at(arg.span.or(place))
                    .hint("write it as it is in GROUP BY")
            })?);
        }
        let number = |value: i128| Expr::literal(Value::Int(value), DataType::BigInt);
        let Some(GroupingSets { sets, set }) = &self.sets else { return Ok(number(0).at(place)) };
        let mut branches = Vec::new();
        for (i, keys) in sets.iter().enumerate() {
            let bits = places.iter().fold(0, |bits, key| bits << 1 | i128::from(!keys.contains(key)));
            if bits > 0 {
                let is_set = vec![Expr::column(set.id, DataType::BigInt), number(i as i128)];
                branches.push((Expr::call("=", is_set, DataType::Boolean), number(bits)));
            }
        }
        if branches.is_empty() {
            return Ok(number(0).at(place));
        }
        let kind = ExprKind::Case { branches, otherwise: Some(Box::new(number(0))) };
        Ok(Expr { kind, dtype: DataType::BigInt, span: place })
    }

    /// Whether this is a column of the input that the grouping did not keep.
    fn hides(&self, id: ColumnId) -> bool {
        self.input.iter().any(|c| c.id == id) && !self.keys.iter().any(|(_, def)| def.id == id)
    }

    fn not_grouped(&self, id: ColumnId, place: Option<Span>) -> Diagnostic {
        let name = self.input.iter().find(|c| c.id == id).map_or("", |c| c.name.as_str());
        Diagnostic::new(
            ErrorCode::ExpressionNotAggregate,
            format!("column \"{name}\" must appear in the GROUP BY clause or be used in an aggregate function"),
        )
        .at(place)
        .hint("add it to GROUP BY, write GROUP BY ALL, or aggregate it, as in min(...)")
    }
}
