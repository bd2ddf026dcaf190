//! Hypothetical-set aggregates: `rank(v) WITHIN GROUP (ORDER BY x)` is the rank that a row of `v` would have among the rows of the
//! group. They are counts of the rows that would stand before it (SQL:2003, 10.9), and are written as such.

use super::aggregate::list_of_arguments;
use super::binder::Binder;
use super::call::scalar;
use super::coerce::{coerce, condition};
use super::expression::{Clause, not};
use super::grouping::PendingAggregate;
use super::nested::pack;
use crate::journal::ErrorCode;
use crate::plan::expr::{Expr, ExprKind};
use crate::sql::diagnostic::{Diagnostic, Result, Span};
use crate::sql::{DataType, Value};
use sqlparser::ast;

/// A key of ORDER BY beside the value that the row would have there.
struct Beside {
    key: Expr,
    value: Expr,
    descending: bool,
    nulls_first: bool,
}

impl Beside {
    /// Whether the key stands before the value.
    fn before(&self, place: Option<Span>) -> Result<Expr> {
        let order = if self.descending { ">" } else { "<" };
        let less = scalar(order, vec![self.key.clone(), self.value.clone()], place)?;
        let (first, second) = if self.nulls_first { (&self.key, &self.value) } else { (&self.value, &self.key) };
        let beside_null = Expr::and(vec![is_null(first, false), is_null(second, true)]);
        Ok(either(vec![less, beside_null]))
    }

    fn same(&self, place: Option<Span>) -> Result<Expr> {
        scalar("is_not_distinct_from", vec![self.key.clone(), self.value.clone()], place)
    }
}

fn is_null(expr: &Expr, negated: bool) -> Expr {
    let kind = ExprKind::IsNull { arg: Box::new(expr.clone()), negated };
    Expr { kind, dtype: DataType::Boolean, span: expr.span }
}

fn either(mut parts: Vec<Expr>) -> Expr {
    match parts.len() {
        1 => parts.remove(0),
        _ => Expr { kind: ExprKind::Or(parts), dtype: DataType::Boolean, span: None },
    }
}

/// Whether `name` is one of them when WITHIN GROUP stands behind it.
pub(super) fn is_hypothetical(name: &str) -> bool {
    matches!(name, "rank" | "dense_rank" | "rank_dense" | "percent_rank" | "cume_dist")
}

impl<'q> Binder<'q> {
    /// `rank(v, ...) WITHIN GROUP (ORDER BY x, ...)` and its like. The values may not differ within a group: they are constants, or
    /// columns of a query around.
    pub fn hypothetical(
        &mut self,
        name: &str,
        call: &'q ast::Function,
        clause: Clause,
        place: Option<Span>,
    ) -> Result<Expr> {
        let wrong = |message: String| Diagnostic::new(ErrorCode::InvalidArguments, message).at(place);
        let values = list_of_arguments(call, place)?;
        if values.len() != call.within_group.len() {
            let (given, keys) = (values.len(), call.within_group.len());
            return Err(wrong(format!("{name} takes a value for each key of ORDER BY: {keys}, not {given}"))
                .hint(format!("{name}(60000, 'Ada') WITHIN GROUP (ORDER BY salary, name)")));
        }
        let mut beside = Vec::with_capacity(values.len());
        for (value, key) in values.into_iter().zip(&call.within_group) {
            let value = self.expression(value, Clause::AggregateArgument)?;
            let differs = |id| self.scopes.last().is_some_and(|scope| scope.has(id));
            if value.columns().into_iter().any(differs) {
                return Err(wrong(format!("the values of {name} are the same for all rows, and this is a column"))
                    .at(value.span.or(place)));
            }
            beside.push(Beside {
                key: self.expression(&key.expr, Clause::AggregateArgument)?,
                value,
                descending: key.options.sort == Some(ast::OrderBySort::Desc),
                nulls_first: key.options.nulls_first.unwrap_or(false),
            });
        }
        let filter = match &call.filter {
            Some(filter) => Some(condition(self.expression(filter, Clause::AggregateArgument)?, "FILTER")?),
            None => None,
        };
        let before = precedes(&beside, place)?;
        let counted = |this: &mut Self, of: Option<Expr>, distinct: Option<Expr>| {
            let parts: Vec<Expr> = filter.clone().into_iter().chain(of).collect();
            let call = PendingAggregate {
                output: this.column(name, DataType::BigInt),
                function: if distinct.is_some() { "count" } else { "count_star" }.to_string(),
                distinct: distinct.is_some(),
                args: distinct.into_iter().collect(),
                filter: (!parts.is_empty()).then(|| Expr::and(parts)),
                span: place,
                constants: Vec::new(),
                order_by: Vec::new(),
            };
            this.remember(call, clause, place)
        };
        let number = |value: i128| Expr::literal(Value::Int(value), DataType::BigInt);
        let share = |part: Expr, whole: Expr| {
            let (part, whole) = (coerce(part, &DataType::Double), coerce(whole, &DataType::Double));
            scalar("/", vec![part, whole], place)
        };
        match name {
            "rank" => scalar("+", vec![counted(self, Some(before), None)?, number(1)], place),
            "dense_rank" | "rank_dense" => {
                let keys = beside.iter().map(|beside| (String::new(), beside.key.clone())).collect();
                let different = counted(self, Some(before), Some(pack(keys, place)?))?;
                scalar("+", vec![different, number(1)], place)
            }
            "percent_rank" => {
                let (before, all) = (counted(self, Some(before), None)?, counted(self, None, None)?);
                let some = scalar(">", vec![all.clone(), number(0)], place)?;
                // Among no rows it is the first.
                let none = Expr::literal(Value::Float(0.0), DataType::Double);
                let kind =
                    ExprKind::Case { branches: vec![(some, share(before, all)?)], otherwise: Some(Box::new(none)) };
                Ok(Expr { kind, dtype: DataType::Double, span: place })
            }
            _ => {
                let behind = behind(&beside, place)?;
                let up_to = counted(self, Some(not(behind)), None)?;
                let all = counted(self, None, None)?;
                share(scalar("+", vec![up_to, number(1)], place)?, scalar("+", vec![all, number(1)], place)?)
            }
        }
    }
}

/// Whether a row stands before the hypothetical one: by the first key in which they differ.
fn precedes(beside: &[Beside], place: Option<Span>) -> Result<Expr> {
    let mut ways = Vec::with_capacity(beside.len());
    for (i, key) in beside.iter().enumerate() {
        let mut parts = beside[..i].iter().map(|earlier| earlier.same(place)).collect::<Result<Vec<_>>>()?;
        parts.push(key.before(place)?);
        ways.push(Expr::and(parts));
    }
    // Beside NULL nothing is known to be less: that is no.
    Ok(Expr::call("coalesce", vec![either(ways), Expr::boolean(false)], DataType::Boolean))
}

/// Whether a row stands behind it: neither before it nor equal.
fn behind(beside: &[Beside], place: Option<Span>) -> Result<Expr> {
    let same = beside.iter().map(|key| key.same(place)).collect::<Result<Vec<_>>>()?;
    Ok(not(either(vec![precedes(beside, place)?, Expr::and(same)])))
}
