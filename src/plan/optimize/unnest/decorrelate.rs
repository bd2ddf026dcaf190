//! A subquery without the columns of the query around it: what reads them becomes the condition of a join.

use super::domain::Domain;
use super::push::Push;
use super::{casts, conjuncts, depends, filtered, is_true, join, pass};
use crate::plan::expr::{ColumnDef, ColumnId, Expr, ExprKind};
use crate::plan::logical::{JoinKind, LogicalPlan};
use crate::plan::optimize::{Context, fallible, may_fail};
use crate::sql::diagnostic::Result;
use crate::sql::{DataType, Value};
use std::collections::BTreeSet;

/// A subquery taken apart: for an outer row it yields the `outputs` of those rows of `plan` for which all `conditions` hold.
pub struct Independent {
    /// Reads no column of the outer plan.
    pub plan: LogicalPlan,
    /// Over columns of the outer plan and of `plan`.
    pub conditions: Vec<Expr>,
    /// The subquery's columns, over the same.
    pub outputs: Vec<(ColumnDef, Expr)>,
}

/// Takes `plan`, which may read columns of `outer`, apart. Conditions on the way to its top become those of the join; what reads
/// outer columns deeper down is computed for all their values ([`Push`]).
pub fn decorrelate(plan: LogicalPlan, outer: &LogicalPlan, context: &mut Context) -> Result<Independent> {
    let columns: BTreeSet<ColumnId> = outer.columns().iter().map(|c| c.id).collect();
    let substitute = !fails_by_value(&plan);
    Decorrelation { outer, columns, substitute, context }.pull(plan)
}

struct Decorrelation<'a> {
    outer: &'a LogicalPlan,
    columns: BTreeSet<ColumnId>,
    substitute: bool,
    context: &'a mut Context,
}

impl Decorrelation<'_> {
    fn reads_outer(&self, expr: &Expr) -> bool {
        expr.columns().iter().any(|id| self.columns.contains(id))
    }

    fn pull(&mut self, plan: LogicalPlan) -> Result<Independent> {
        if !depends(&plan, &self.columns) {
            return Ok(unchanged(plan));
        }
        match plan {
            LogicalPlan::Filter { input, predicate } => {
                let mut below = self.pull(*input)?;
                let kept = self.split(conjuncts(predicate), &mut below);
                below.plan = filtered(below.plan, kept);
                Ok(below)
            }
            LogicalPlan::Project { input, columns } => {
                let below = self.pull(*input)?;
                let outputs = columns.into_iter().map(|(def, e)| (def, over(&below.outputs, e))).collect();
                Ok(Independent { outputs, ..below })
            }
            // Rows of a subquery have no order, unless a LIMIT above asks for it.
            LogicalPlan::Sort { input, .. } => self.pull(*input),
            LogicalPlan::Join { left, right, kind: JoinKind::Inner | JoinKind::Cross, on } => {
                let (left, right) = (self.pull(*left)?, self.pull(*right)?);
                let mut both = Independent {
                    plan: join(left.plan, right.plan, JoinKind::Cross, None),
                    conditions: left.conditions.into_iter().chain(right.conditions).collect(),
                    outputs: left.outputs.into_iter().chain(right.outputs).collect(),
                };
                let kept = self.split(on.map(conjuncts).unwrap_or_default(), &mut both);
                both.plan = filtered(both.plan, kept);
                Ok(both)
            }
            LogicalPlan::Join { left, right, kind, on }
                if keeps_left(kind)
                    && !depends(&right, &self.columns)
                    && !on.as_ref().is_some_and(|on| self.reads_outer(on)) =>
            {
                let yields = LogicalPlan::Join { left: left.clone(), right: right.clone(), kind, on: None }.columns();
                let left = self.pull(*left)?;
                let on = on.map(|on| over(&left.outputs, on));
                if on.as_ref().is_some_and(|on| self.reads_outer(on)) {
                    // The condition reads an output that is computed from outer columns: all of them are put in place first.
                    let left = self.materialized(left)?;
                    return self.beside(left, *right, kind, on, yields);
                }
                self.beside(left, *right, kind, on, yields)
            }
            other => self.pushed(other),
        }
    }

    /// A join whose left side is independent by now.
    fn beside(
        &mut self,
        left: Independent,
        right: LogicalPlan,
        kind: JoinKind,
        on: Option<Expr>,
        yields: Vec<ColumnDef>,
    ) -> Result<Independent> {
        let column = |def: ColumnDef| match left.outputs.iter().find(|(known, _)| known.id == def.id) {
            Some(known) => known.clone(),
            None => pass(def),
        };
        let outputs = yields.into_iter().map(column).collect();
        Ok(Independent { plan: join(left.plan, right, kind, on), conditions: left.conditions, outputs })
    }

    /// The same with its outputs computed for all values of the outer columns they read.
    fn materialized(&mut self, part: Independent) -> Result<Independent> {
        let plan =
            LogicalPlan::Project { input: Box::new(filtered(part.plan, part.conditions)), columns: part.outputs };
        self.pushed(plan)
    }

    /// Takes the parts that read outer columns as conditions, and returns the others.
    fn split(&mut self, parts: Vec<Expr>, below: &mut Independent) -> Vec<Expr> {
        let mut kept = Vec::new();
        for part in parts {
            let part = over(&below.outputs, part);
            // What may fail stays behind the conditions that guard it.
            if self.reads_outer(&part) || may_fail(&part) && !below.conditions.is_empty() {
                below.conditions.push(part);
            } else {
                kept.push(part);
            }
        }
        kept
    }

    /// The general way: the dependent join is pushed down.
    fn pushed(&mut self, plan: LogicalPlan) -> Result<Independent> {
        let ForAll { plan, conditions, .. } = push(plan, self.outer, self.substitute, self.context)?;
        Ok(Independent { conditions, ..unchanged(plan) })
    }
}

/// A plan for all values of the outer columns that it read.
struct ForAll {
    plan: LogicalPlan,
    /// That a row belongs to an outer row.
    conditions: Vec<Expr>,
    /// The columns that hold those values.
    keys: Vec<ColumnDef>,
}

/// Pushes the dependent join of `outer` with `plan` down.
fn push(plan: LogicalPlan, outer: &LogicalPlan, substitute: bool, context: &mut Context) -> Result<ForAll> {
    let (plan, casts) = casts::taken_out(plan, outer, context);
    let outer = match casts.is_empty() {
        true => outer.clone(),
        false => LogicalPlan::Project {
            input: Box::new(outer.clone()),
            columns: outer.columns().into_iter().map(pass).chain(casts.clone()).collect(),
        },
    };
    let read = plan.outer_columns();
    let columns = outer.columns().into_iter().filter(|c| read.contains(&c.id)).collect();
    let pushed = Push { domain: Domain::new(&outer, columns), substitute, context }.push(plan)?;
    let conditions = pushed.ties.iter().map(|tie| over(&casts, tie.condition())).collect();
    Ok(ForAll { plan: pushed.plan, conditions, keys: pushed.ties.into_iter().map(|t| t.inner).collect() })
}

/// An aggregate without groups on top of a subquery: for every outer row it yields one row, also where nothing is aggregated.
pub struct OneRow {
    /// Yields at most one row for each outer row, by `on`; None if there is one row whatever the outer row is.
    pub plan: LogicalPlan,
    pub on: Option<Expr>,
    /// The subquery's columns, over the outer columns and those of `plan`, NULL where it yields no row.
    pub outputs: Vec<(ColumnDef, Expr)>,
    /// Whether an output can be anything but NULL where the plan yields no row.
    pub counts: bool,
}

/// Whether the plan is projections over an aggregate without groups.
pub fn is_one_row(plan: &LogicalPlan) -> bool {
    match plan {
        LogicalPlan::Project { input, .. } => is_one_row(input),
        LogicalPlan::Aggregate { keys, grouping_sets: None, .. } => keys.is_empty(),
        _ => false,
    }
}

/// Takes a plan that [`is_one_row`] apart.
pub fn one_row(plan: LogicalPlan, outer: &LogicalPlan, context: &mut Context) -> Result<OneRow> {
    let substitute = !fails_by_value(&plan);
    let mut projections = Vec::new();
    let mut plan = plan;
    while let LogicalPlan::Project { input, columns } = plan {
        projections.push(columns);
        plan = *input;
    }
    let outer_columns = outer.columns().iter().map(|c| c.id).collect();
    let mut outputs: Vec<(ColumnDef, Expr)> = plan.columns().into_iter().map(pass).collect();
    let mut counts = false;
    let mut on = None;
    if depends(&plan, &outer_columns)
        && let LogicalPlan::Aggregate { input, aggregates, .. } = plan
    {
        let input = push(*input, outer, substitute, context)?;
        for (def, value) in &mut outputs {
            let aggregate = aggregates.iter().find(|a| a.output.id == def.id);
            if let Some(empty) = aggregate.and_then(super::push::of_no_rows) {
                counts = true;
                *value = Expr::call("coalesce", vec![value.clone(), empty], def.dtype.clone());
            }
        }
        on = Some(Expr::and(input.conditions));
        plan =
            LogicalPlan::Aggregate { input: Box::new(input.plan), keys: input.keys, grouping_sets: None, aggregates };
    }
    for columns in projections.into_iter().rev() {
        outputs = columns.into_iter().map(|(def, e)| (def, over(&outputs, e))).collect();
    }
    Ok(OneRow { plan, on, outputs, counts })
}

impl Independent {
    /// The same with every output a column that is NULL where an outer row has no match, as outer joins want it: what reads outer
    /// columns is computed where a marker says that there was a match.
    pub fn nullable(mut self, outer: &LogicalPlan, context: &mut Context) -> Independent {
        let of_outer: BTreeSet<ColumnId> = outer.columns().iter().map(|c| c.id).collect();
        if self.outputs.iter().all(|(_, e)| e.as_column().is_some_and(|id| !of_outer.contains(&id))) {
            return self;
        }
        let mut columns: Vec<(ColumnDef, Expr)> = self.plan.columns().into_iter().map(pass).collect();
        let marker = ColumnDef { id: context.fresh(), name: "matched".into(), dtype: DataType::Boolean };
        let mut marked = false;
        for (def, value) in &mut self.outputs {
            if value.as_column().is_some_and(|id| !of_outer.contains(&id)) {
                continue;
            }
            let taken = std::mem::replace(value, Expr::column(def.id, def.dtype.clone()));
            if taken.columns().iter().any(|id| of_outer.contains(id)) {
                marked = true;
                let when = Expr::column(marker.id, DataType::Boolean);
                let kind = ExprKind::Case { branches: vec![(when, taken)], otherwise: None };
                *value = Expr { kind, dtype: def.dtype.clone(), span: None };
            } else {
                columns.push((def.clone(), taken));
            }
        }
        if marked {
            columns.push((marker, Expr::literal(Value::Boolean(true), DataType::Boolean)));
        }
        self.plan = LogicalPlan::Project { input: Box::new(self.plan), columns };
        self
    }

    /// `condition` on the subquery's columns and all conditions, as parts that are never unknown but for the first.
    pub fn marked(&self, condition: Option<Expr>) -> Vec<Expr> {
        let condition = condition.map(|c| over(&self.outputs, c));
        condition.into_iter().chain(self.conditions.iter().cloned().map(is_true)).collect()
    }
}

fn unchanged(plan: LogicalPlan) -> Independent {
    let outputs = plan.columns().into_iter().map(pass).collect();
    Independent { plan, conditions: vec![], outputs }
}

/// The expression with each output in the place of its column.
pub fn over(outputs: &[(ColumnDef, Expr)], expr: Expr) -> Expr {
    expr.transform(&mut |e| match e.as_column() {
        Some(id) => match outputs.iter().find(|(def, _)| def.id == id) {
            Some((_, value)) if value.as_column() != Some(id) => Expr { span: e.span.or(value.span), ..value.clone() },
            _ => e,
        },
        None => e,
    })
}

fn keeps_left(kind: JoinKind) -> bool {
    matches!(kind, JoinKind::Left | JoinKind::Single | JoinKind::Semi | JoinKind::Anti | JoinKind::Mark(_))
}

/// Whether some values make the plan fail, other than numbers that grow too large: such a subquery must not be computed for values
/// that the outer query does not have.
fn fails_by_value(plan: &LogicalPlan) -> bool {
    plan.expressions().into_iter().any(fallible::fails_by_value) || plan.inputs().into_iter().any(fails_by_value)
}

/// What a subquery needs to have for EXISTS: its rows count, not what they say. None if it always has one.
pub fn only_whether(plan: LogicalPlan) -> Option<LogicalPlan> {
    match plan {
        LogicalPlan::Project { input, .. }
        | LogicalPlan::Sort { input, .. }
        | LogicalPlan::Window { input, .. }
        | LogicalPlan::Distinct { input, .. } => only_whether(*input),
        LogicalPlan::Limit { input, limit, offset: 0 } if limit != Some(0) => only_whether(*input),
        LogicalPlan::Aggregate { input, keys, grouping_sets: None, .. } => {
            if keys.is_empty() {
                None
            } else {
                only_whether(*input)
            }
        }
        other => Some(other),
    }
}
