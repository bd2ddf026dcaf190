//! A dependent join pushed down to the leaves (Neumann and Kemper, "Unnesting Arbitrary Queries", 2015): the subquery is computed
//! for all values of its outer columns at once, each of its rows with the values it belongs to.

use super::domain::Domain;
use super::{conjuncts, exactly, filtered, join, null_safe_equal, pass};
use crate::journal::ErrorCode;
use crate::plan::expr::{ColumnDef, ColumnId, Expr, ExprKind};
use crate::plan::logical::{Aggregate, GroupingSets, JoinKind, LogicalPlan, SetKind};
use crate::plan::optimize::{Context, may_fail};
use crate::plan::window::WindowCall;
use crate::sql::diagnostic::Result;
use crate::sql::{DataType, Diagnostic, Value};

/// An outer column, and the column of the pushed plan that holds its value.
#[derive(Clone)]
pub struct Tie {
    pub outer: ColumnDef,
    pub inner: ColumnDef,
    /// Whether the inner column may be NULL, which then stands for an outer NULL.
    pub nullable: bool,
}

impl Tie {
    /// That the outer row is the one that an inner row belongs to.
    pub fn condition(&self) -> Expr {
        let outer = Expr::column(self.outer.id, self.outer.dtype.clone());
        let inner = Expr::column(self.inner.id, self.inner.dtype.clone());
        if self.nullable {
            return null_safe_equal(outer, inner);
        }
        Expr::call("=", vec![outer, inner], DataType::Boolean)
    }
}

/// A plan that yields, beside its own columns, those of its ties.
pub struct Pushed {
    pub plan: LogicalPlan,
    pub ties: Vec<Tie>,
}

impl Pushed {
    /// The expression with the outer columns' values in this plan.
    fn rewrite(&self, expr: Expr) -> Expr {
        expr.transform(&mut |e| match e.as_column() {
            Some(id) => match self.ties.iter().find(|t| t.outer.id == id) {
                Some(tie) => Expr { kind: ExprKind::Column(tie.inner.id), ..e },
                None => e,
            },
            None => e,
        })
    }

    /// The tied columns that are not among `known`.
    fn more_than<'a>(&'a self, known: &'a [ColumnDef]) -> impl Iterator<Item = ColumnDef> + 'a {
        let inner = self.ties.iter().map(|t| t.inner.clone());
        inner.filter(|c| !known.iter().any(|k| k.id == c.id))
    }
}

/// Pushes the dependent join of a domain with a plan.
pub struct Push<'a> {
    pub domain: Domain,
    /// Whether an inner column that must equal an outer one may take its place. The plan is then computed for all inner values, in
    /// the domain or not.
    pub substitute: bool,
    pub context: &'a mut Context,
}

impl Push<'_> {
    fn depends(&self, plan: &LogicalPlan) -> bool {
        plan.outer_columns().iter().any(|id| self.is_outer(*id))
    }

    fn is_outer(&self, id: ColumnId) -> bool {
        self.domain.columns.iter().any(|c| c.id == id)
    }

    fn reads_outer(&self, expr: &Expr) -> bool {
        expr.columns().iter().any(|id| self.is_outer(*id))
    }

    fn fresh(&mut self, name: &str, dtype: DataType) -> ColumnDef {
        ColumnDef { id: self.context.fresh(), name: name.into(), dtype }
    }

    /// A copy of the domain with its ties.
    fn domain(&mut self) -> Pushed {
        let (plan, columns) = self.domain.instance(self.context);
        let outer = self.domain.columns.iter().cloned();
        let ties = outer.zip(columns).map(|(outer, inner)| Tie { outer, inner, nullable: true }).collect();
        Pushed { plan, ties }
    }

    /// The plan for every value of the domain.
    ///
    /// NOT_SUPPORTED for operators that cannot be computed for many values at once.
    pub fn push(&mut self, plan: LogicalPlan) -> Result<Pushed> {
        if !self.depends(&plan) {
            let domain = self.domain();
            return Ok(match plan {
                LogicalPlan::Values { columns, rows } if columns.is_empty() && rows.len() == 1 => domain,
                plan => Pushed { plan: join(domain.plan, plan, JoinKind::Cross, None), ties: domain.ties },
            });
        }
        match plan {
            LogicalPlan::Filter { input, predicate } => self.filter(*input, predicate),
            LogicalPlan::Project { input, columns } => {
                let below = self.push(*input)?;
                let mut columns: Vec<_> = columns.into_iter().map(|(def, e)| (def, below.rewrite(e))).collect();
                let known: Vec<ColumnDef> = columns.iter().map(|(def, _)| def.clone()).collect();
                columns.extend(below.more_than(&known).map(pass));
                Ok(Pushed { plan: LogicalPlan::Project { input: Box::new(below.plan), columns }, ties: below.ties })
            }
            LogicalPlan::Join { left, right, kind, on } => self.join(*left, *right, kind, on),
            LogicalPlan::Aggregate { input, keys, grouping_sets, aggregates } => {
                self.aggregate(*input, keys, grouping_sets, aggregates)
            }
            LogicalPlan::Window { input, mut calls } => {
                let below = self.push(*input)?;
                for call in &mut calls {
                    for expr in call.expressions_mut() {
                        *expr = below.rewrite(std::mem::replace(expr, Expr::boolean(true)));
                    }
                    call.partition_by.extend(below.ties.iter().map(|t| t.inner.id));
                }
                Ok(Pushed { plan: LogicalPlan::Window { input: Box::new(below.plan), calls }, ties: below.ties })
            }
            LogicalPlan::Distinct { input, on } => {
                let mut columns = input.columns();
                let below = self.push(*input)?;
                columns.extend(below.more_than(&columns).collect::<Vec<_>>());
                let on = on.map(|on| on.into_iter().chain(below.ties.iter().map(|t| t.inner.id)).collect());
                let input = Box::new(exactly(below.plan, &columns));
                Ok(Pushed { plan: LogicalPlan::Distinct { input, on }, ties: below.ties })
            }
            LogicalPlan::Sort { input, keys } => {
                let below = self.push(*input)?;
                Ok(Pushed { plan: LogicalPlan::Sort { input: Box::new(below.plan), keys }, ties: below.ties })
            }
            LogicalPlan::Limit { input, limit, offset } => self.limit(*input, limit, offset),
            LogicalPlan::Union { inputs, columns } => {
                let (inputs, columns, ties) = self.aligned(inputs, columns)?;
                Ok(Pushed { plan: LogicalPlan::Union { inputs, columns }, ties })
            }
            LogicalPlan::SetOperation { left, right, kind, all, columns } => {
                let (sides, columns, ties) = self.aligned(vec![*left, *right], columns)?;
                self.set_operation(sides, kind, all, columns, ties)
            }
            LogicalPlan::Unnest { input, lists, ordinality, outer } => {
                let below = self.push(*input)?;
                let lists = lists.into_iter().map(|(def, list)| (def, below.rewrite(list))).collect();
                let input = Box::new(below.plan);
                Ok(Pushed { plan: LogicalPlan::Unnest { input, lists, ordinality, outer }, ties: below.ties })
            }
            LogicalPlan::Values { columns, rows } => self.values(columns, rows),
            LogicalPlan::Scan { .. } => Err(self.cannot("a table")),
        }
    }

    fn cannot(&self, what: &str) -> Diagnostic {
        let names: Vec<&str> = self.domain.columns.iter().map(|c| c.name.as_str()).collect();
        Diagnostic::new(
            ErrorCode::NotSupported,
            format!("not supported yet: {what} in a subquery that reads {} of the query around it", names.join(", ")),
        )
    }

    fn filter(&mut self, input: LogicalPlan, predicate: Expr) -> Result<Pushed> {
        if let LogicalPlan::Filter { input, predicate: below } = input {
            return self.filter(*input, Expr::and(vec![below, predicate]));
        }
        let parts = conjuncts(predicate);
        if self.substitute
            && !self.depends(&input)
            && let Some(pushed) = self.substituted(&input, &parts)
        {
            return Ok(pushed);
        }
        let below = self.push(input)?;
        let parts = parts.into_iter().map(|p| below.rewrite(p)).collect();
        Ok(Pushed { plan: filtered(below.plan, parts), ties: below.ties })
    }

    /// Where each outer column must equal something of the input, that takes its place and no domain is needed.
    fn substituted(&mut self, input: &LogicalPlan, parts: &[Expr]) -> Option<Pushed> {
        let mut ties = Vec::new();
        let mut computed = Vec::new();
        for outer in self.domain.columns.clone() {
            let value = parts.iter().find_map(|part| self.equal_to(&outer, part))?;
            let inner = match value.as_column().and_then(|id| input.columns().into_iter().find(|c| c.id == id)) {
                Some(own) => own,
                None => {
                    let def = self.fresh(&outer.name, outer.dtype.clone());
                    computed.push((def.clone(), value));
                    def
                }
            };
            ties.push(Tie { outer, inner, nullable: false });
        }
        let mut plan = input.clone();
        if !computed.is_empty() {
            let columns = plan.columns().into_iter().map(pass).chain(computed).collect();
            plan = LogicalPlan::Project { input: Box::new(plan), columns };
        }
        let mut pushed = Pushed { plan, ties };
        let mut kept: Vec<Expr> = pushed.ties.iter().map(|tie| is_not_null(&tie.inner)).collect();
        for part in parts {
            // What made a tie is true of it by now, where it is not NULL.
            let is_tie =
                |tie: &Tie| self.equal_to(&tie.outer, part).is_some_and(|v| v.as_column() == Some(tie.inner.id));
            if !pushed.ties.iter().any(is_tie) {
                kept.push(pushed.rewrite(part.clone()));
            }
        }
        pushed.plan = filtered(pushed.plan, kept);
        Some(pushed)
    }

    /// What a column of the domain must equal, by this condition: something of its type that the plan computes by itself.
    fn equal_to(&self, outer: &ColumnDef, part: &Expr) -> Option<Expr> {
        let ExprKind::Call { function, args } = &part.kind else { return None };
        let [a, b] = args.as_slice() else { return None };
        let value = match (a.as_column(), b.as_column()) {
            (Some(id), _) if id == outer.id => b,
            (_, Some(id)) if id == outer.id => a,
            _ => return None,
        };
        let fits = function == "=" && value.dtype == outer.dtype && !may_fail(value) && !value.columns().is_empty();
        (fits && !self.reads_outer(value)).then(|| value.clone())
    }

    fn join(&mut self, left: LogicalPlan, right: LogicalPlan, kind: JoinKind, on: Option<Expr>) -> Result<Pushed> {
        let (in_left, in_right) = (self.depends(&left), self.depends(&right));
        match kind {
            JoinKind::Right => return self.join(right, left, JoinKind::Left, on),
            JoinKind::Inner | JoinKind::Cross if on.as_ref().is_some_and(|on| self.reads_outer(on)) => {
                let crossed = join(left, right, JoinKind::Cross, None);
                return self.filter(crossed, on.unwrap_or_else(|| Expr::boolean(true)));
            }
            JoinKind::Inner | JoinKind::Cross if !in_left => {
                let right = self.push(right)?;
                return Ok(Pushed { plan: join(left, right.plan, kind, on), ties: right.ties });
            }
            _ => {}
        }
        let left = self.push(left)?;
        let on = on.map(|on| left.rewrite(on));
        if !in_right && kind != JoinKind::Full {
            return Ok(Pushed { plan: join(left.plan, right, kind, on), ties: left.ties });
        }
        let right = self.push(right)?;
        let mut parts: Vec<Expr> = on.map(conjuncts).unwrap_or_default();
        for (l, r) in left.ties.iter().zip(&right.ties) {
            let inner = |t: &Tie| Expr::column(t.inner.id, t.inner.dtype.clone());
            parts.push(match l.nullable && r.nullable {
                true => null_safe_equal(inner(l), inner(r)),
                false => equal_marked(kind, inner(l), inner(r)),
            });
        }
        let kind = if kind == JoinKind::Cross { JoinKind::Inner } else { kind };
        let plan = join(left.plan, right.plan, kind, Some(Expr::and(parts)));
        if kind != JoinKind::Full {
            return Ok(Pushed { plan, ties: left.ties });
        }
        let mut columns: Vec<_> = plan.columns().into_iter().map(pass).collect();
        let mut ties = Vec::new();
        for (l, r) in left.ties.into_iter().zip(right.ties) {
            let def = self.fresh(&l.outer.name, l.outer.dtype.clone());
            let either = [&l, &r].map(|t| Expr::column(t.inner.id, t.inner.dtype.clone())).to_vec();
            columns.push((def.clone(), Expr::call("coalesce", either, def.dtype.clone())));
            ties.push(Tie { inner: def, nullable: l.nullable || r.nullable, outer: l.outer });
        }
        Ok(Pushed { plan: LogicalPlan::Project { input: Box::new(plan), columns }, ties })
    }

    fn aggregate(
        &mut self,
        input: LogicalPlan,
        keys: Vec<ColumnDef>,
        mut grouping_sets: Option<GroupingSets>,
        mut aggregates: Vec<Aggregate>,
    ) -> Result<Pushed> {
        let below = self.push(input)?;
        let own_keys = keys.len();
        let mut yields: Vec<ColumnDef> =
            keys.iter().cloned().chain(aggregates.iter().map(|a| a.output.clone())).collect();
        let empty_set = grouping_sets.as_ref().and_then(|g| g.sets.iter().position(Vec::is_empty));
        let always_a_row = grouping_sets.is_none() && keys.is_empty() || empty_set.is_some();
        let more: Vec<ColumnDef> = below.more_than(&keys).collect();
        let tied: Vec<ColumnDef> = below.ties.iter().map(|t| t.inner.clone()).collect();
        let keys: Vec<ColumnDef> = keys.into_iter().chain(more).collect();
        let positions: Vec<usize> = (0..keys.len()).filter(|i| tied.iter().any(|t| t.id == keys[*i].id)).collect();
        for set in grouping_sets.iter_mut().flat_map(|g| &mut g.sets) {
            let more: Vec<usize> = positions.iter().copied().filter(|p| !set.contains(p)).collect();
            set.extend(more);
        }
        if !always_a_row {
            let plan = LogicalPlan::Aggregate { input: Box::new(below.plan), keys, grouping_sets, aggregates };
            return Ok(Pushed { plan, ties: below.ties });
        }
        // A value of the domain without any row has a row of its own: counts are 0.
        let mut empties = Vec::new();
        for aggregate in &mut aggregates {
            if let Some(empty) = of_no_rows(aggregate) {
                let counted = self.fresh(&aggregate.output.name, aggregate.output.dtype.clone());
                empties.push((std::mem::replace(&mut aggregate.output, counted.clone()).id, counted, empty));
            }
        }
        if let (Some(grouping), Some(place)) = (&mut grouping_sets, empty_set) {
            let number = Expr::literal(Value::Int(place as i128), grouping.set.dtype.clone());
            let counted = self.fresh(&grouping.set.name, grouping.set.dtype.clone());
            let set = std::mem::replace(&mut grouping.set, counted.clone());
            yields.insert(own_keys, set.clone());
            empties.push((set.id, counted, number));
        }
        let grouped = LogicalPlan::Aggregate { input: Box::new(below.plan), keys, grouping_sets, aggregates };
        let domain = self.domain();
        let on = domain.ties.iter().zip(&below.ties).map(|(d, t)| {
            let tie = Tie { outer: d.inner.clone(), ..t.clone() };
            tie.condition()
        });
        let joined = join(domain.plan, grouped, JoinKind::Left, Some(Expr::and(on.collect())));
        let columns = yields.into_iter().map(|def| match empties.iter().find(|(id, ..)| *id == def.id) {
            Some((_, counted, empty)) => {
                let args = vec![Expr::column(counted.id, counted.dtype.clone()), empty.clone()];
                (def.clone(), Expr::call("coalesce", args, def.dtype))
            }
            None => pass(def),
        });
        let columns = columns.chain(domain.ties.iter().map(|t| pass(t.inner.clone()))).collect();
        Ok(Pushed { plan: LogicalPlan::Project { input: Box::new(joined), columns }, ties: domain.ties })
    }

    /// The first rows for each value of the domain: by their number within it.
    fn limit(&mut self, input: LogicalPlan, limit: Option<u64>, offset: u64) -> Result<Pushed> {
        if let LogicalPlan::Project { input, columns } = input {
            let limited = LogicalPlan::Limit { input, limit, offset };
            return self.push(LogicalPlan::Project { input: Box::new(limited), columns });
        }
        let (below, order_by) = match input {
            LogicalPlan::Sort { input, keys } => (self.push(*input)?, keys),
            other => (self.push(other)?, vec![]),
        };
        let number = self.fresh("row_number", DataType::BigInt);
        let partition_by = below.ties.iter().map(|t| t.inner.id).collect();
        let call = WindowCall::ranking(number.clone(), "row_number", partition_by, order_by);
        let numbered = LogicalPlan::Window { input: Box::new(below.plan), calls: vec![call] };
        let bound = |operator: &str, rows: u64| {
            let rows = Expr::literal(Value::Int(i128::from(rows.min(i64::MAX as u64))), DataType::BigInt);
            Expr::call(operator, vec![Expr::column(number.id, DataType::BigInt), rows], DataType::Boolean)
        };
        let mut parts = Vec::new();
        if offset > 0 {
            parts.push(bound(">", offset));
        }
        parts.extend(limit.map(|l| bound("<=", l.saturating_add(offset))));
        Ok(Pushed { plan: filtered(numbered, parts), ties: below.ties })
    }

    /// The inputs of a set operation, each with its ties behind its columns.
    fn aligned(
        &mut self,
        inputs: Vec<LogicalPlan>,
        mut columns: Vec<ColumnDef>,
    ) -> Result<(Vec<LogicalPlan>, Vec<ColumnDef>, Vec<Tie>)> {
        let mut ties: Vec<Tie> = Vec::new();
        for outer in self.domain.columns.clone() {
            let inner = self.fresh(&outer.name, outer.dtype.clone());
            ties.push(Tie { outer, inner, nullable: false });
        }
        let mut sides = Vec::new();
        for input in inputs {
            let own = input.columns();
            let below = self.push(input)?;
            let mut all: Vec<(ColumnDef, Expr)> = own.into_iter().map(pass).collect();
            for (tie, known) in ties.iter_mut().zip(&below.ties) {
                tie.nullable |= known.nullable;
                let def = self.fresh(&known.outer.name, known.inner.dtype.clone());
                all.push((def, Expr::column(known.inner.id, known.inner.dtype.clone())));
            }
            sides.push(LogicalPlan::Project { input: Box::new(below.plan), columns: all });
        }
        columns.extend(ties.iter().map(|t| t.inner.clone()));
        Ok((sides, columns, ties))
    }

    fn set_operation(
        &mut self,
        sides: Vec<LogicalPlan>,
        kind: SetKind,
        all: bool,
        columns: Vec<ColumnDef>,
        ties: Vec<Tie>,
    ) -> Result<Pushed> {
        let [left, right] = <[LogicalPlan; 2]>::try_from(sides).map_err(|_| self.cannot("this set operation"))?;
        let (left, right) = (Box::new(left), Box::new(right));
        Ok(Pushed { plan: LogicalPlan::SetOperation { left, right, kind, all, columns }, ties })
    }

    /// Rows that read outer columns: a projection of the domain for each.
    fn values(&mut self, columns: Vec<ColumnDef>, rows: Vec<Vec<Expr>>) -> Result<Pushed> {
        let mut inputs = Vec::new();
        for row in rows {
            let own: Vec<(ColumnDef, Expr)> =
                columns.iter().zip(row).map(|(c, e)| (self.fresh(&c.name, c.dtype.clone()), e)).collect();
            let unit = LogicalPlan::Values { columns: vec![], rows: vec![vec![]] };
            inputs.push(LogicalPlan::Project { input: Box::new(unit), columns: own });
        }
        let (inputs, columns, ties) = self.aligned(inputs, columns)?;
        Ok(Pushed { plan: LogicalPlan::Union { inputs, columns }, ties })
    }
}

/// An equality that decides whether a pair counts; to a mark join, one that is never unknown.
fn equal_marked(kind: JoinKind, left: Expr, right: Expr) -> Expr {
    let equal = Expr::call("=", vec![left, right], DataType::Boolean);
    if matches!(kind, JoinKind::Mark(_)) { super::is_true(equal) } else { equal }
}

fn is_not_null(column: &ColumnDef) -> Expr {
    let arg = Box::new(Expr::column(column.id, column.dtype.clone()));
    Expr { kind: ExprKind::IsNull { arg, negated: true }, dtype: DataType::Boolean, span: None }
}

/// What an aggregate of no rows at all gives, where that is not NULL.
pub fn of_no_rows(aggregate: &Aggregate) -> Option<Expr> {
    let zero = match (aggregate.function.as_str(), &aggregate.output.dtype) {
        ("count" | "count_star" | "approx_count_distinct" | "regr_count", _) => Value::Int(0),
        ("entropy", _) => Value::Float(0.0),
        _ => return None,
    };
    Some(Expr::literal(zero, aggregate.output.dtype.clone()))
}
