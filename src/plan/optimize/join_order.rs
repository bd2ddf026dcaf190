//! Chooses the order of inner joins: each run of inner and cross joins is taken apart into its inputs and conditions and
//! put together again at the least cost, by dynamic programming over connected subsets (Moerkotte and Neumann, 2006,
//! in its simple form over all subsets) up to [`EXHAUSTIVE`] inputs, greedily beyond.
//!
//! Columns that are equal to each other are a class: any two of them may meet in a join, whichever the text compares, and one
//! pair is enough where two subsets meet.

use super::implied::classes;
use super::{Context, conjuncts, may_fail};
use crate::plan::estimate::{Cardinality, estimate, join};
use crate::plan::expr::{ColumnId, Expr, ExprKind};
use crate::plan::logical::{JoinKind, LogicalPlan};
use crate::sql::DataType;
use crate::sql::diagnostic::Result;
use std::collections::BTreeSet;

/// Inputs up to which every order is looked at: 3^10 pairs of subsets.
const EXHAUSTIVE: usize = 10;

pub fn order(plan: LogicalPlan, _: &mut Context) -> Result<LogicalPlan> {
    Ok(reorder(plan))
}

fn reorder(plan: LogicalPlan) -> LogicalPlan {
    if !is_inner(&plan) {
        let mut plan = plan;
        for input in plan.inputs_mut() {
            let taken = std::mem::replace(input, LogicalPlan::Values { columns: vec![], rows: vec![] });
            *input = reorder(taken);
        }
        return plan;
    }
    let (mut inputs, mut conditions) = (Vec::new(), Vec::new());
    flatten(plan, &mut inputs, &mut conditions);
    let leaves: Vec<Leaf> = inputs
        .into_iter()
        .map(|input| {
            let plan = reorder(input);
            let columns = plan.columns().iter().map(|c| c.id).collect();
            Leaf { cardinality: estimate(&plan), plan, columns }
        })
        .collect();
    // A condition that may fail is guarded by the others: it is checked on top, on the rows they leave. So is one that does
    // not tie two inputs together.
    let ties = |c: &Expr| leaves_of(&leaves, c).count_ones() > 1;
    let (free, guarded): (Vec<Expr>, Vec<Expr>) = conditions.into_iter().partition(|c| !may_fail(c) && ties(c));
    let conditions = Conditions::new(&leaves, free);
    let joined =
        if leaves.len() <= EXHAUSTIVE { exhaustive(&leaves, &conditions) } else { greedy(&leaves, &conditions) };
    match guarded.is_empty() {
        true => joined,
        false => LogicalPlan::Filter { input: Box::new(joined), predicate: Expr::and(guarded) },
    }
}

struct Leaf {
    plan: LogicalPlan,
    columns: BTreeSet<ColumnId>,
    cardinality: Cardinality,
}

fn is_inner(plan: &LogicalPlan) -> bool {
    matches!(plan, LogicalPlan::Join { kind: JoinKind::Inner | JoinKind::Cross, .. })
}

/// The inputs of a run of inner joins, in the order of the text, and all their conditions. A filter between two joins
/// is one more condition.
fn flatten(plan: LogicalPlan, inputs: &mut Vec<LogicalPlan>, conditions: &mut Vec<Expr>) {
    match plan {
        LogicalPlan::Join { left, right, kind: JoinKind::Inner | JoinKind::Cross, on } => {
            flatten(*left, inputs, conditions);
            flatten(*right, inputs, conditions);
            conditions.extend(on.map(conjuncts).unwrap_or_default());
        }
        LogicalPlan::Filter { input, predicate } if is_inner(&input) && !may_fail(&predicate) => {
            flatten(*input, inputs, conditions);
            conditions.extend(conjuncts(predicate));
        }
        other => inputs.push(other),
    }
}

/// A joined subset of the leaves.
struct Candidate {
    plan: LogicalPlan,
    cardinality: Cardinality,
}

/// Which leaves a condition reads, as a bit set.
fn leaves_of(leaves: &[Leaf], condition: &Expr) -> u64 {
    let read = condition.columns();
    (0..leaves.len()).filter(|i| read.iter().any(|c| leaves[*i].columns.contains(c))).map(|i| 1u64 << i).sum()
}

/// What ties the leaves together.
struct Conditions {
    /// Columns that are equal to each other, each of another leaf, those of the largest leaves first.
    classes: Vec<Vec<(u64, Expr)>>,
    /// All others, with the leaves that they read.
    others: Vec<(u64, Expr)>,
}

impl Conditions {
    fn new(leaves: &[Leaf], conditions: Vec<Expr>) -> Conditions {
        let mut found = Vec::new();
        for class in classes(&conditions) {
            let mut members: Vec<(u64, Expr)> = class
                .into_iter()
                .map(|(id, dtype)| Expr::column(id, dtype))
                .map(|c| (leaves_of(leaves, &c), c))
                .collect();
            // Two of one leaf would have to be compared with each other, too.
            if (0..leaves.len()).all(|i| members.iter().filter(|(leaf, _)| *leaf == 1 << i).count() < 2) {
                // A probe side's largest table is what a build side's keys can thin out.
                let rows = |leaf: u64| leaves[leaf.trailing_zeros() as usize].cardinality.rows;
                members.sort_by(|(a, _), (b, _)| rows(*b).total_cmp(&rows(*a)));
                found.push(members);
            }
        }
        let in_class = |condition: &Expr| {
            let ExprKind::Call { function, args } = &condition.kind else { return false };
            let member = |class: &Vec<(u64, Expr)>, arg: &Expr| class.iter().any(|(_, c)| c.kind == arg.kind);
            function == "=" && found.iter().any(|class| args.iter().all(|arg| member(class, arg)))
        };
        let others = conditions.into_iter().filter(|c| !in_class(c)).map(|c| (leaves_of(leaves, &c), c)).collect();
        Conditions { classes: found, others }
    }

    /// Whether a condition reads both halves and nothing else.
    fn connect(&self, left: u64, right: u64) -> bool {
        let meets = |class: &Vec<(u64, Expr)>| {
            class.iter().any(|(leaf, _)| leaf & left != 0) && class.iter().any(|(leaf, _)| leaf & right != 0)
        };
        let spans = |mask: u64| mask & !(left | right) == 0 && mask & left != 0 && mask & right != 0;
        self.others.iter().any(|(mask, _)| spans(*mask)) || self.classes.iter().any(meets)
    }

    /// Whether they lead from each of these leaves to every other.
    fn tie(&self, leaves: u64) -> bool {
        let mut reached = 1;
        let next = |reached: u64| {
            let mut open = (0..u64::BITS).map(|i| 1 << i).filter(|leaf| leaf & leaves & !reached != 0);
            open.find(|leaf| self.connect(reached, *leaf))
        };
        while let Some(leaf) = next(reached) {
            reached |= leaf;
        }
        reached == leaves
    }

    /// What can be checked where two halves meet, and not in either.
    fn between(&self, left: u64, right: u64) -> Option<Expr> {
        let member =
            |class: &[(u64, Expr)], half: u64| Some(class.iter().find(|(leaf, _)| leaf & half != 0)?.1.clone());
        let equalities = self.classes.iter().filter_map(|class| {
            Some(Expr::call("=", vec![member(class, left)?, member(class, right)?], DataType::Boolean))
        });
        let spans = |mask: u64| mask & !(left | right) == 0 && mask & left != 0 && mask & right != 0;
        let others = self.others.iter().filter(|(mask, _)| spans(*mask)).map(|(_, c)| c.clone());
        let bound: Vec<Expr> = equalities.chain(others).collect();
        (!bound.is_empty()).then(|| Expr::and(bound))
    }
}

fn exhaustive(leaves: &[Leaf], conditions: &Conditions) -> LogicalPlan {
    let all = (1u64 << leaves.len()) - 1;
    // Every pair of two tables is made only where there is no way around it.
    let tries: &[bool] = if conditions.tie(all) { &[true] } else { &[true, false] };
    // Costs first, plans at the end: `split[set]` is the left half of the best way to make `set`.
    let mut best: Vec<Option<(f64, u64, Cardinality)>> = vec![None; all as usize + 1];
    for (i, leaf) in leaves.iter().enumerate() {
        best[1 << i] = Some((0.0, 0, leaf.cardinality.clone()));
    }
    for set in 1..=all {
        if set.count_ones() < 2 {
            continue;
        }
        let mut chosen: Option<(f64, u64)> = None;
        // Each split into two halves, once; halves joined by a condition are always preferred to a cross product.
        for &need_condition in tries {
            let mut left = (set - 1) & set;
            while left > 0 {
                let right = set & !left;
                if left > right
                    && conditions.connect(left, right) == need_condition
                    && let (Some((lc, _, l)), Some((rc, _, r))) = (&best[left as usize], &best[right as usize])
                {
                    let cost = lc + rc + step_cost(l, r);
                    if chosen.is_none_or(|(c, _)| cost < c) {
                        chosen = Some((cost, left));
                    }
                }
                left = (left - 1) & set;
            }
            if chosen.is_some() {
                break;
            }
        }
        if let Some((cost, left)) = chosen {
            let (l, r) = (left as usize, (set & !left) as usize);
            let on = conditions.between(left, set & !left);
            let (lc, rc) = (best[l].as_ref().map(|b| b.2.clone()), best[r].as_ref().map(|b| b.2.clone()));
            if let (Some(lc), Some(rc)) = (lc, rc) {
                let cardinality = join(lc, rc, JoinKind::Inner, on.as_ref());
                best[set as usize] = Some((cost + cardinality.rows, left, cardinality));
            }
        }
    }
    assemble(leaves, conditions, &best, all)
}

fn assemble(
    leaves: &[Leaf],
    conditions: &Conditions,
    best: &[Option<(f64, u64, Cardinality)>],
    set: u64,
) -> LogicalPlan {
    if set.count_ones() == 1 {
        return leaves[set.trailing_zeros() as usize].plan.clone();
    }
    let left = best[set as usize].as_ref().map_or(set & (set - 1), |b| b.1);
    let (a, b) = (left, set & !left);
    let on = conditions.between(a, b);
    joined(assemble(leaves, conditions, best, a), assemble(leaves, conditions, best, b), on)
}

/// The work of one hash join beside its output: building costs more than probing.
fn step_cost(left: &Cardinality, right: &Cardinality) -> f64 {
    let (small, large) = if left.rows < right.rows { (left.rows, right.rows) } else { (right.rows, left.rows) };
    2.0 * small + 0.2 * large
}

fn joined(left: LogicalPlan, right: LogicalPlan, on: Option<Expr>) -> LogicalPlan {
    let kind = if on.is_some() { JoinKind::Inner } else { JoinKind::Cross };
    LogicalPlan::Join { left: Box::new(left), right: Box::new(right), kind, on }
}

/// Joins the pair with the smallest result, again and again; pairs with a condition first.
fn greedy(leaves: &[Leaf], conditions: &Conditions) -> LogicalPlan {
    let mut parts: Vec<(u64, Candidate)> = leaves
        .iter()
        .enumerate()
        .map(|(i, l)| (1u64 << i, Candidate { plan: l.plan.clone(), cardinality: l.cardinality.clone() }))
        .collect();
    while parts.len() > 1 {
        let mut chosen: Option<(bool, f64, usize, usize)> = None;
        for i in 0..parts.len() {
            for j in i + 1..parts.len() {
                let on = conditions.between(parts[i].0, parts[j].0);
                let cross = on.as_ref().is_none_or(|c| matches!(c.kind, ExprKind::Literal(_)));
                let rows =
                    join(parts[i].1.cardinality.clone(), parts[j].1.cardinality.clone(), JoinKind::Inner, on.as_ref())
                        .rows;
                if chosen.is_none_or(|(c, r, _, _)| (cross, rows) < (c, r)) {
                    chosen = Some((cross, rows, i, j));
                }
            }
        }
        let Some((_, _, i, j)) = chosen else { break };
        let (right_set, right) = parts.remove(j);
        let (left_set, left) = parts.remove(i);
        let on = conditions.between(left_set, right_set);
        let cardinality = join(left.cardinality, right.cardinality, JoinKind::Inner, on.as_ref());
        parts.insert(i, (left_set | right_set, Candidate { plan: joined(left.plan, right.plan, on), cardinality }));
    }
    parts.remove(0).1.plan
}
