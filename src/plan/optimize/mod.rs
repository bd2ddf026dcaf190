//! Logical plan to better logical plan: an ordered list of small rules, each of which keeps the rows the same.
//!
//! The order matters: subqueries become joins before anything looks at joins; predicates sink before join order is chosen
//! from what is left of each table; columns are pruned last, when it is known which ones anybody reads.

mod anti_joins;
mod bounds;
mod dates;
mod duplicates;
mod empty;
mod fallible;
mod implied;
mod join_order;
mod nulls;
mod outer_joins;
mod prune_columns;
mod pushdown;
mod reduce;
mod semi_joins;
mod set_operations;
mod shifted_sums;
mod simplify;
mod unnest;

use super::expr::{ColumnId, Expr, ExprKind};
use super::logical::{LogicalPlan, Query};
use crate::functions::QueryClock;
use crate::sql::diagnostic::Result;

pub use fallible::may_fail;

/// What rules may ask for beside the plan.
pub struct Context {
    /// For folding `now()` and friends.
    pub clock: QueryClock,
    next_column: u32,
}

impl Context {
    /// A column id that nobody has.
    pub fn fresh(&mut self) -> ColumnId {
        self.next_column += 1;
        ColumnId(self.next_column - 1)
    }
}

/// The parts of a conjunction.
pub(super) fn conjuncts(predicate: Expr) -> Vec<Expr> {
    match predicate.kind {
        ExprKind::And(parts) => parts.into_iter().flat_map(conjuncts).collect(),
        _ => vec![predicate],
    }
}

type Rule = fn(LogicalPlan, &mut Context) -> Result<LogicalPlan>;

/// The rules, in the order in which they run, with the names that golden tests print.
const RULES: &[(&str, Rule)] = &[
    ("simplify_first", simplify::simplify),
    ("unnest_subqueries", unnest::unnest),
    ("set_operations_to_groups", set_operations::to_groups),
    ("simplify", simplify::simplify),
    ("split_shifted_sums", shifted_sums::split),
    ("mark_safe_arithmetic", bounds::mark_safe),
    ("outer_joins_to_inner", outer_joins::to_inner),
    ("add_implied_predicates", implied::add_implied),
    ("push_down_predicates", pushdown::push_down),
    ("outer_joins_to_anti", anti_joins::from_outer),
    ("simplify_again", simplify::simplify),
    ("remove_empty", empty::remove_empty),
    ("joins_to_semi", duplicates::to_semi),
    ("sink_semi_joins", semi_joins::sink),
    ("order_joins", join_order::order),
    ("reduce_by_semi_joins", reduce::reduce),
    ("push_down_predicates_again", pushdown::push_down),
];

/// Runs every rule once, in order, then drops the columns that nobody reads.
///
/// Errors: what a rule cannot plan yet, at its place in the text.
pub fn optimize(query: Query, clock: QueryClock) -> Result<Query> {
    let mut context = Context { clock, next_column: query.next_column };
    let mut plan = query.plan;
    for (_, rule) in RULES {
        plan = rule(plan, &mut context)?;
    }
    let wanted = query.output.iter().map(|o| o.column).collect();
    let plan = prune_columns::prune(plan, &wanted);
    Ok(Query { plan, output: query.output, next_column: context.next_column })
}

/// Rebuilds a plan from its leaves up: `change` sees every operator after its inputs.
fn transform_up(
    mut plan: LogicalPlan,
    change: &mut impl FnMut(LogicalPlan) -> Result<LogicalPlan>,
) -> Result<LogicalPlan> {
    for input in plan.inputs_mut() {
        let taken = std::mem::replace(input, LogicalPlan::Values { columns: vec![], rows: vec![] });
        *input = transform_up(taken, change)?;
    }
    change(plan)
}
