//! Join strategies: which side is built, and whether it is broadcast to the other side's tasks or both are hashed.

use super::{Part, Placement, Planner, Wanted};
use crate::journal::ErrorCode;
use crate::plan::estimate::{estimate, most_rows};
use crate::plan::expr::{ColumnDef, ColumnId, Expr, ExprKind};
use crate::plan::logical::{JoinKind, LogicalPlan};
use crate::plan::optimize::conjuncts;
use crate::plan::physical::{AsOfOrder, Fragment, LateJoin, PhysicalJoin, Tasks};
use crate::scheduler::StageId;
use crate::sql::diagnostic::Result;
use crate::sql::settings::JoinDistribution;
use crate::sql::{DataType, Diagnostic, Value};
use std::collections::BTreeSet;

/// A build side that is expected to be this many times too large for a broadcast is not looked at again.
const UNLIKELY: f64 = 32.0;

/// A left join whose right side is larger than this, and so many times larger than the left one, builds the left side: hashed, for
/// each of its rows must be at one task.
const LOPSIDED_BYTES: f64 = 8.0 * 1024.0 * 1024.0;
const LOPSIDED: f64 = 8.0;

/// The condition of a join, sorted out.
struct Condition {
    /// Equal columns, left and right, and whether NULLs match.
    keys: Vec<((ColumnId, ColumnId), bool)>,
    residual: Option<Expr>,
}

impl Planner<'_> {
    pub(super) fn join(
        &mut self,
        plan: &LogicalPlan,
        left: &LogicalPlan,
        right: &LogicalPlan,
        kind: JoinKind,
        on: Option<&Expr>,
        wanted: &Wanted,
    ) -> Result<Part> {
        let columns = |p: &LogicalPlan| p.columns().iter().map(|c| c.id).collect::<Wanted>();
        let (left_columns, right_columns) = (columns(left), columns(right));
        let read: Wanted = wanted.iter().copied().chain(on.iter().flat_map(|e| e.columns())).collect();
        let mut left_part = self.part(left, &read.intersection(&left_columns).copied().collect())?;
        let mut right_part = self.part(right, &read.intersection(&right_columns).copied().collect())?;
        let condition = self.condition(kind, on, &left_columns, &right_columns, &mut left_part, &mut right_part);
        let cardinality = estimate(plan);
        let mut output: Vec<ColumnId> = plan.columns().iter().map(|c| c.id).filter(|c| wanted.contains(c)).collect();
        if output.is_empty() {
            // Rows are counted by a column.
            output.extend(left_part.fragment.columns().first().map(|c| c.id));
        }
        let mut joined = if condition.keys.is_empty() && !matches!(kind, JoinKind::AsOf { .. }) {
            self.nested_loop(left_part, right_part, kind, condition.residual, output)?
        } else {
            let most_rows = (most_rows(left), most_rows(right));
            self.hash_join((left_part, right_part), most_rows, kind, condition, output)?
        };
        joined.cardinality = cardinality;
        Ok(joined)
    }

    /// Sorts out `on`: equalities between the sides become keys (computed below the join if they are not plain columns).
    fn condition(
        &mut self,
        kind: JoinKind,
        on: Option<&Expr>,
        left_columns: &Wanted,
        right_columns: &Wanted,
        left: &mut Part,
        right: &mut Part,
    ) -> Condition {
        let parts = match on {
            Some(Expr { kind: ExprKind::And(parts), .. }) => parts.clone(),
            Some(one) => vec![one.clone()],
            None => vec![],
        };
        let (mut keys, mut residual) = (Vec::new(), Vec::new());
        // A mark must tell FALSE from unknown. With a single equality the operator does that by itself; otherwise an equality may
        // only choose pairs where NULL counts as FALSE, that is, where it `IS TRUE`.
        let is_mark = matches!(kind, JoinKind::Mark(_));
        let only_equality = parts.len() == 1;
        for part in parts {
            let equality = match equality(&part) {
                Some(Equality { strict: false, .. }) if is_mark && !only_equality => None,
                other => other,
            };
            if let Some(equality) = equality
                && let Some((l, r)) = sides(equality.sides, left_columns, right_columns)
            {
                if is_mark && (equality.strict || equality.nulls_match) && residual.is_empty() {
                    residual.push(Expr::boolean(true));
                }
                keys.push(((self.key(l, left), self.key(r, right)), equality.nulls_match));
            } else if part != Expr::boolean(true) {
                residual.push(part);
            }
        }
        if keys.is_empty() {
            residual.retain(|part| *part != Expr::boolean(true));
        }
        Condition { keys, residual: if residual.is_empty() { None } else { Some(Expr::and(residual)) } }
    }

    /// The column that holds `key` in the part; a new one if it has to be computed.
    fn key(&mut self, key: &Expr, part: &mut Part) -> ColumnId {
        if let Some(id) = key.as_column() {
            return id;
        }
        let def = self.fresh("join key", key.dtype.clone());
        let mut columns: Vec<(ColumnDef, Expr)> =
            part.fragment.columns().into_iter().map(|c| (c.clone(), Expr::column(c.id, c.dtype))).collect();
        columns.push((def.clone(), key.clone()));
        let input = std::mem::replace(&mut part.fragment, Fragment::Values { columns: vec![], rows: vec![] });
        part.fragment = Fragment::Project { input: Box::new(input), columns };
        def.id
    }

    fn hash_join(
        &mut self,
        (mut left, mut right): (Part, Part),
        (left_most, mut right_most): (f64, f64),
        kind: JoinKind,
        condition: Condition,
        output: Vec<ColumnId>,
    ) -> Result<Part> {
        let Condition { mut keys, mut residual } = condition;
        let bytes = |part: &Part| part.cardinality.bytes(part.fragment.columns().iter().map(|c| c.id));
        // Inner joins build the smaller side; seen from there, left and right are only names.
        if kind == JoinKind::Inner && bytes(&left) < bytes(&right) {
            std::mem::swap(&mut left, &mut right);
            right_most = left_most;
            keys = keys.into_iter().map(|((l, r), nulls)| ((r, l), nulls)).collect();
        }
        let mut physical = match kind {
            JoinKind::Inner | JoinKind::Cross => PhysicalJoin::Inner,
            JoinKind::Left => PhysicalJoin::LeftOuter,
            JoinKind::Right => PhysicalJoin::RightOuter,
            JoinKind::Full => PhysicalJoin::FullOuter,
            JoinKind::Semi => PhysicalJoin::Semi,
            JoinKind::Anti => PhysicalJoin::Anti,
            JoinKind::Single => PhysicalJoin::Single,
            JoinKind::Mark(id) => PhysicalJoin::Mark(id),
            JoinKind::AsOf { outer } => {
                let (closest, rest) = self.closest(residual, &mut left, &mut right, outer)?;
                residual = rest;
                if keys.is_empty() {
                    // One group of rows: all of them.
                    let zero = Expr::literal(Value::Int(0), DataType::Integer);
                    keys.push(((self.key(&zero, &mut left), self.key(&zero, &mut right)), false));
                }
                closest
            }
        };
        let keeps_build_rows = matches!(physical, PhysicalJoin::RightOuter | PhysicalJoin::FullOuter);
        // A mark by keys alone must know whether there is a NULL anywhere on the build side, so every task needs all of it.
        let must_broadcast = matches!(physical, PhysicalJoin::Mark(_)) && residual.is_none();
        let broadcast_bytes = self.settings.broadcast_bytes();
        let most_bytes = bytes(&right) / right.cardinality.rows.max(1.0) * right_most;
        let automatic = self.settings.join_distribution() == JoinDistribution::Automatic;
        // It may turn out to be small, and it may turn out to be large.
        let late = self.settings.adaptive()
            && automatic
            && !keeps_build_rows
            && most_bytes > broadcast_bytes as f64
            && bytes(&right) < UNLIKELY * broadcast_bytes as f64
            && right_most > right.cardinality.rows * 1.001
            && left.placement == Placement::Anywhere
            && right.placement == Placement::Anywhere;
        let broadcast = must_broadcast
            || !keeps_build_rows
                && match self.settings.join_distribution() {
                    JoinDistribution::Broadcast => true,
                    JoinDistribution::Partitioned => false,
                    JoinDistribution::Automatic => {
                        let is_lopsided = bytes(&right) > LOPSIDED_BYTES && bytes(&left) * LOPSIDED < bytes(&right);
                        let builds_left = physical == PhysicalJoin::LeftOuter && is_lopsided;
                        !late && !builds_left && bytes(&right) <= broadcast_bytes as f64
                    }
                };
        let all = |part: &Part| part.fragment.columns().iter().map(|c| c.id).collect::<Wanted>();
        if left.is_single() && right.is_single() && left.fragment_is_constant() && right.fragment_is_constant() {
            let fragment = hash(left.fragment, right.fragment, physical, keys, residual, output);
            return Ok(Part { fragment, ..left });
        }
        if broadcast {
            let wanted = all(&right);
            let build = self.broadcast(right, &wanted);
            let fragment = hash(left.fragment, build, physical, keys, residual, output);
            return Ok(Part { fragment, ..left });
        }
        if !late && physical == PhysicalJoin::LeftOuter && bytes(&left) < bytes(&right) {
            std::mem::swap(&mut left, &mut right);
            keys = keys.into_iter().map(|((l, r), nulls)| ((r, l), nulls)).collect();
            physical = PhysicalJoin::RightOuter;
        }
        let (left_keys, right_keys): (Vec<_>, Vec<_>) = keys.iter().map(|(pair, _)| *pair).unzip();
        let partitions = match (&left.placement, &right.placement) {
            (Placement::Hashed(k, n), _) if *k == left_keys => *n,
            (_, Placement::Hashed(k, n)) if *k == right_keys => *n,
            _ => self.partitions(bytes(&left) + bytes(&right)),
        };
        let (left_wanted, right_wanted) = (all(&left), all(&right));
        let build = self.hashed(right, right_keys, partitions, &right_wanted);
        let probe = self.hashed(left, left_keys, partitions, &left_wanted);
        // Rows without a match have NULL keys on the other side: rows are hashed by the keys of the side that is kept whole.
        let placement = match physical {
            PhysicalJoin::RightOuter => build.placement.clone(),
            PhysicalJoin::FullOuter => Placement::Anywhere,
            // Rows may stay where they are in the end.
            _ if late => Placement::Anywhere,
            _ => probe.placement.clone(),
        };
        let late_join = match (late, stage_read(&build.fragment), stage_read(&probe.fragment)) {
            (true, Some(build), Some(probe)) => Some(LateJoin { build, probe, broadcast_bytes }),
            _ => None,
        };
        let fragment = hash(probe.fragment, build.fragment, physical, keys, residual, output);
        let (tasks, cardinality) = (Tasks::Partitions { count: partitions }, probe.cardinality);
        Ok(Part { fragment, tasks, placement, cardinality, late_join })
    }

    /// The inequality of an ASOF join, and what is left of its condition.
    fn closest(
        &mut self,
        residual: Option<Expr>,
        left: &mut Part,
        right: &mut Part,
        outer: bool,
    ) -> Result<(PhysicalJoin, Option<Expr>)> {
        let columns = |part: &Part| part.fragment.columns().iter().map(|c| c.id).collect::<Wanted>();
        let (left_columns, right_columns) = (columns(left), columns(right));
        let mut parts = residual.map(conjuncts).unwrap_or_default();
        let inequality = |part: &Expr| {
            let ExprKind::Call { function, args } = &part.kind else { return None };
            let (l, r) = sides(args, &left_columns, &right_columns)?;
            let order = match (function.as_str(), args.first() == Some(l)) {
                (">", true) | ("<", false) => AsOfOrder::Before,
                (">=", true) | ("<=", false) => AsOfOrder::UpTo,
                ("<", true) | (">", false) => AsOfOrder::After,
                ("<=", true) | (">=", false) => AsOfOrder::From,
                _ => return None,
            };
            Some((order, l.clone(), r.clone()))
        };
        let Some((at, (order, l, r))) = parts.iter().enumerate().find_map(|(i, p)| Some((i, inequality(p)?))) else {
            return Err(Diagnostic::new(ErrorCode::NotSupported, "an ASOF join without an inequality"));
        };
        parts.remove(at);
        let closest = PhysicalJoin::AsOf { probe: self.key(&l, left), build: self.key(&r, right), order, outer };
        Ok((closest, if parts.is_empty() { None } else { Some(Expr::and(parts)) }))
    }

    fn nested_loop(
        &mut self,
        mut left: Part,
        mut right: Part,
        kind: JoinKind,
        on: Option<Expr>,
        output: Vec<ColumnId>,
    ) -> Result<Part> {
        let all = |part: &Part| part.fragment.columns().iter().map(|c| c.id).collect::<Wanted>();
        let physical = match kind {
            JoinKind::Inner | JoinKind::Cross => PhysicalJoin::Inner,
            JoinKind::Left => PhysicalJoin::LeftOuter,
            JoinKind::Full => PhysicalJoin::FullOuter,
            JoinKind::Right => PhysicalJoin::RightOuter,
            JoinKind::Semi => PhysicalJoin::Semi,
            JoinKind::Anti => PhysicalJoin::Anti,
            JoinKind::Mark(id) => PhysicalJoin::Mark(id),
            JoinKind::AsOf { .. } => {
                return Err(Diagnostic::new(ErrorCode::NotSupported, "an ASOF join without an inequality"));
            }
            JoinKind::Single if on.is_some() => PhysicalJoin::Single,
            JoinKind::Single => {
                // Stands alone: one row for everybody, so this is a cross join with that row.
                let wanted = all(&right);
                right = self.gathered(right, &wanted);
                let columns = right.fragment.columns();
                let cardinality = right.cardinality.clone();
                right = right.grow(cardinality, |input| Fragment::SingleRow { input, columns });
                PhysicalJoin::Inner
            }
        };
        let rows = |part: &Part| part.cardinality.rows;
        if matches!(kind, JoinKind::Inner | JoinKind::Cross) && rows(&left) < rows(&right) {
            std::mem::swap(&mut left, &mut right);
        }
        if matches!(physical, PhysicalJoin::FullOuter | PhysicalJoin::RightOuter) {
            let wanted = all(&left);
            left = self.gathered(left, &wanted);
        }
        let wanted = all(&right);
        let build = if left.fragment_is_constant() && right.fragment_is_constant() {
            right.fragment
        } else {
            self.broadcast(right, &wanted)
        };
        let fragment = Fragment::NestedLoopJoin {
            left: Box::new(left.fragment),
            right: Box::new(build),
            kind: physical,
            on,
            output,
        };
        Ok(Part { fragment, ..left })
    }
}

impl Part {
    /// Whether the part reads no table and no exchange, so that it can stand in any one task.
    fn fragment_is_constant(&self) -> bool {
        fn constant(fragment: &Fragment) -> bool {
            match fragment {
                Fragment::Scan { .. } | Fragment::ExchangeRead { .. } | Fragment::ReadAll { .. } => false,
                other => other.inputs().into_iter().all(constant),
            }
        }
        constant(&self.fragment)
    }
}

fn hash(
    probe: Fragment,
    build: Fragment,
    kind: PhysicalJoin,
    keys: Vec<((ColumnId, ColumnId), bool)>,
    residual: Option<Expr>,
    output: Vec<ColumnId>,
) -> Fragment {
    let (keys, nulls_match) = keys.into_iter().unzip();
    Fragment::HashJoin { probe: Box::new(probe), build: Box::new(build), kind, keys, nulls_match, residual, output }
}

/// The one stage that a fragment reads by partition, if it does nothing else.
fn stage_read(fragment: &Fragment) -> Option<StageId> {
    match fragment {
        Fragment::ExchangeRead { stages, .. } if stages.len() == 1 => Some(stages[0].0),
        _ => None,
    }
}

/// A condition that can be a key of a hash join.
struct Equality<'e> {
    sides: &'e [Expr],
    nulls_match: bool,
    /// Whether it is FALSE rather than unknown where a side is NULL.
    strict: bool,
}

fn equality(part: &Expr) -> Option<Equality<'_>> {
    let ExprKind::Call { function, args } = &part.kind else { return None };
    match (function.as_str(), args.as_slice()) {
        ("=", _) => Some(Equality { sides: args, nulls_match: false, strict: false }),
        ("is_not_distinct_from", [inner, truth]) if truth.kind == Expr::boolean(true).kind => {
            equality(inner).map(|equality| Equality { strict: true, ..equality })
        }
        ("is_not_distinct_from", _) => Some(Equality { sides: args, nulls_match: true, strict: true }),
        _ => None,
    }
}

/// The two sides of an equality, the left input's first, if each reads one input only.
fn sides<'e>(args: &'e [Expr], left: &BTreeSet<ColumnId>, right: &BTreeSet<ColumnId>) -> Option<(&'e Expr, &'e Expr)> {
    let reads = |e: &Expr, columns: &BTreeSet<ColumnId>| {
        let read = e.columns();
        !read.is_empty() && read.iter().all(|c| columns.contains(c))
    };
    match args {
        [a, b] if reads(a, left) && reads(b, right) => Some((a, b)),
        [a, b] if reads(a, right) && reads(b, left) => Some((b, a)),
        _ => None,
    }
}
