//! `LEFT JOIN r ON l.a = r.a ... WHERE r.a IS NULL` asks for the rows without a match: an anti join, which looks no further than
//! the first match, carries no column of `r`, and whose size can be told.

use super::nulls::not_null_when_true;
use super::{Context, conjuncts, may_fail, transform_up};
use crate::plan::expr::{Expr, ExprKind};
use crate::plan::logical::{JoinKind, LogicalPlan};
use crate::sql::Value;
use crate::sql::diagnostic::Result;

pub fn from_outer(plan: LogicalPlan, _: &mut Context) -> Result<LogicalPlan> {
    transform_up(plan, &mut |plan| {
        let LogicalPlan::Filter { input, predicate } = plan else { return Ok(plan) };
        let LogicalPlan::Join { left, right, kind: JoinKind::Left, on: Some(on) } = *input else {
            return Ok(LogicalPlan::Filter { input, predicate });
        };
        let of_right = right.columns();
        let matched = if may_fail(&on) { Default::default() } else { not_null_when_true(&on) };
        let asks_for_no_match = |part: &Expr| match &part.kind {
            ExprKind::IsNull { arg, negated: false } => {
                arg.as_column().is_some_and(|id| matched.contains(&id) && of_right.iter().any(|c| c.id == id))
            }
            _ => false,
        };
        let parts = conjuncts(predicate);
        if !parts.iter().any(asks_for_no_match) {
            let join = LogicalPlan::Join { left, right, kind: JoinKind::Left, on: Some(on) };
            return Ok(LogicalPlan::Filter { input: Box::new(join), predicate: Expr::and(parts) });
        }
        let rest: Vec<Expr> = parts.into_iter().filter(|part| !asks_for_no_match(part)).collect();
        let same = left.columns().into_iter().map(|c| (c.clone(), Expr::column(c.id, c.dtype)));
        let nulls = of_right.into_iter().map(|c| (c.clone(), Expr::literal(Value::Null, c.dtype)));
        let columns = same.chain(nulls).collect();
        let anti = LogicalPlan::Join { left, right, kind: JoinKind::Anti, on: Some(on) };
        let plan = LogicalPlan::Project { input: Box::new(anti), columns };
        Ok(match rest.is_empty() {
            true => plan,
            false => LogicalPlan::Filter { input: Box::new(plan), predicate: Expr::and(rest) },
        })
    })
}
