//! GROUP BY: which columns are grouped, what is aggregated, and what may still be named behind it.

use super::binder::Binder;
use crate::journal::ErrorCode;
use crate::plan::expr::{ColumnDef, ColumnId, Expr, ExprKind};
use crate::plan::logical::{Aggregate, LogicalPlan};
use crate::sql::DataType;
use crate::sql::diagnostic::{Diagnostic, Result, Span};

/// An aggregate call that was met while binding; its arguments are still expressions.
#[derive(Debug, Clone)]
pub(super) struct PendingAggregate {
    pub output: ColumnDef,
    pub function: String,
    pub args: Vec<Expr>,
    pub distinct: bool,
    pub filter: Option<Expr>,
    pub span: Option<Span>,
}

impl PendingAggregate {
    /// Whether both compute the same.
    pub fn same(&self, other: &PendingAggregate) -> bool {
        self.function == other.function
            && self.distinct == other.distinct
            && self.args.len() == other.args.len()
            && self.args.iter().zip(&other.args).all(|(a, b)| a.same(b))
            && match (&self.filter, &other.filter) {
                (None, None) => true,
                (Some(a), Some(b)) => a.same(b),
                _ => false,
            }
    }
}

/// The input of an aggregation, with the columns that keys and arguments need computed below it.
struct PreProjection {
    input: Vec<ColumnDef>,
    columns: Vec<(ColumnDef, Expr)>,
}

impl PreProjection {
    /// The column that holds `expr`: the input's own, an equal one, or a new one.
    fn column(&mut self, binder: &mut Binder, expr: Expr, name: &str) -> ColumnDef {
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
    fn apply(self, plan: LogicalPlan) -> LogicalPlan {
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
}

impl<'q> Binder<'q> {
    /// Aggregates `plan` by `keys`, each with its name.
    pub fn group(&mut self, plan: LogicalPlan, keys: Vec<(Expr, String)>, pending: Vec<PendingAggregate>) -> Grouped {
        let mut projection = PreProjection { input: plan.columns(), columns: Vec::new() };
        let mut known: Vec<(Expr, ColumnDef)> = Vec::new();
        for (expr, name) in keys {
            if !known.iter().any(|(key, _)| key.same(&expr)) {
                let def = projection.column(self, expr.clone(), &name);
                known.push((expr, def));
            }
        }
        let mut aggregates = Vec::new();
        for call in pending {
            let args = call.args.into_iter().map(|arg| {
                let name = projection.describe(&arg);
                let column = projection.column(self, arg, &name);
                (column.id, column.dtype)
            });
            let args: Vec<(ColumnId, DataType)> = args.collect();
            let filter = call.filter.map(|f| {
                let name = projection.describe(&f);
                projection.column(self, f, &name).id
            });
            aggregates.push(Aggregate {
                output: call.output,
                function: call.function,
                args,
                distinct: call.distinct,
                filter,
                span: call.span,
            });
        }
        let input = projection.input.clone();
        let plan = LogicalPlan::Aggregate {
            input: Box::new(projection.apply(plan)),
            keys: known.iter().map(|(_, def)| def.clone()).collect(),
            grouping_sets: None,
            aggregates,
        };
        Grouped { plan, keys: known, input }
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
            ExprKind::Column(id) if self.hides(*id) => return Err(self.not_grouped(*id, expr.span)),
            ExprKind::ScalarSubquery(plan) | ExprKind::Exists { plan, .. } | ExprKind::InSubquery { plan, .. } => {
                Some(plan)
            }
            _ => None,
        };
        if let Some(id) = plan.and_then(|plan| plan.outer_columns().into_iter().find(|id| self.hides(*id))) {
            return Err(self.not_grouped(id, expr.span));
        }
        for child in expr.children_mut() {
            let taken = std::mem::replace(child, Expr::boolean(true));
            *child = self.over(taken)?;
        }
        Ok(expr)
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
