//! How many rows an operator yields, by the textbook (Selinger et al., 1979): statistics of the files, independence of
//! predicates, containment of join keys. Only data and statistics go in, so the same plan comes out on every cluster.

use super::expr::{ColumnId, Expr, ExprKind};
use super::logical::{JoinKind, LogicalPlan};
use crate::sql::{DataType, Value};
use std::collections::BTreeMap;

/// Selectivity of a predicate about which nothing is known.
const UNKNOWN: f64 = 0.3;
/// Selectivity of a text pattern.
const PATTERN: f64 = 0.1;

/// What is expected of an operator's output.
#[derive(Debug, Clone, Default)]
pub struct Cardinality {
    pub rows: f64,
    pub columns: BTreeMap<ColumnId, ColumnEstimate>,
}

/// What is expected of a column.
#[derive(Debug, Clone, Default)]
pub struct ColumnEstimate {
    pub distinct: Option<f64>,
    /// Numbers in the physical unit of the type.
    pub min: Option<f64>,
    pub max: Option<f64>,
    /// Share of rows that are NULL.
    pub nulls: f64,
    /// Average bytes per value.
    pub width: f64,
    /// The scan that it comes from, by the first column of that, and the rows of the table: columns of one scan have no more
    /// combinations of values than there are rows.
    scan: Option<(ColumnId, f64)>,
}

impl Cardinality {
    /// Bytes of `columns` in all rows.
    pub fn bytes(&self, columns: impl IntoIterator<Item = ColumnId>) -> f64 {
        let width: f64 = columns.into_iter().map(|c| self.columns.get(&c).map_or(8.0, |e| e.width)).sum();
        self.rows * width.max(1.0)
    }

    /// Distinct values of a column among the rows that are left.
    fn distinct(&self, column: ColumnId) -> f64 {
        self.columns.get(&column).and_then(|c| c.distinct).unwrap_or(self.rows).min(self.rows).max(1.0)
    }

    /// How many combinations of values the `keys` have before other columns are filtered, and whether that is only known to be
    /// the most there can be.
    fn combinations(&self, keys: &[ColumnId]) -> (f64, bool) {
        let mut of_scan: BTreeMap<ColumnId, (f64, f64)> = BTreeMap::new();
        let (mut all, mut bounded) = (1.0, false);
        for key in keys {
            let column = self.columns.get(key);
            let distinct = column.and_then(|c| c.distinct).unwrap_or(self.rows).max(1.0);
            match column.and_then(|c| c.scan) {
                Some((scan, rows)) => of_scan.entry(scan).or_insert((1.0, rows)).0 *= distinct,
                None => all *= distinct,
            }
        }
        for (distinct, rows) in of_scan.into_values() {
            bounded |= distinct > rows;
            all *= distinct.min(rows).max(1.0);
        }
        (all, bounded)
    }

    fn scaled(mut self, selectivity: f64) -> Cardinality {
        self.rows = (self.rows * selectivity).max(1.0);
        self
    }
}

/// The estimate for a whole plan.
pub fn estimate(plan: &LogicalPlan) -> Cardinality {
    match plan {
        LogicalPlan::Scan { table, source, columns } => {
            let rows = table.rows as f64;
            let columns = source.iter().zip(columns).map(|(index, def)| {
                let statistics = &table.columns[*index].statistics;
                let column = ColumnEstimate {
                    distinct: statistics.distinct.map(|d| d as f64),
                    min: statistics.min.as_ref().and_then(number),
                    max: statistics.max.as_ref().and_then(number),
                    nulls: statistics.nulls.map_or(0.0, |n| n as f64 / rows.max(1.0)),
                    width: if statistics.width > 0.0 { statistics.width } else { default_width(&def.dtype) },
                    scan: columns.first().map(|first| (first.id, rows)),
                };
                (def.id, column)
            });
            Cardinality { rows, columns: columns.collect() }
        }
        LogicalPlan::Values { columns, rows } => Cardinality {
            rows: rows.len() as f64,
            columns: columns
                .iter()
                .map(|c| (c.id, ColumnEstimate { width: default_width(&c.dtype), ..Default::default() }))
                .collect(),
        },
        LogicalPlan::Filter { input, predicate } => {
            let below = estimate(input);
            let share = selectivity(predicate, &below);
            narrowed(below.clone(), predicate, &below).scaled(share)
        }
        LogicalPlan::Project { input, columns } => {
            let below = estimate(input);
            let columns = columns.iter().map(|(def, expr)| {
                let same = expr.as_column().and_then(|c| below.columns.get(&c)).cloned();
                (
                    def.id,
                    same.unwrap_or_else(|| ColumnEstimate { width: default_width(&def.dtype), ..Default::default() }),
                )
            });
            Cardinality { rows: below.rows, columns: columns.collect() }
        }
        LogicalPlan::Join { left, right, kind, on } => join(estimate(left), estimate(right), *kind, on.as_ref()),
        LogicalPlan::Aggregate { input, keys, aggregates, .. } => {
            let below = estimate(input);
            let mut columns: BTreeMap<_, _> =
                keys.iter().filter_map(|k| Some((k.id, below.columns.get(&k.id)?.clone()))).collect();
            for aggregate in aggregates {
                let width = default_width(&aggregate.output.dtype);
                columns.insert(aggregate.output.id, ColumnEstimate { width, ..Default::default() });
            }
            Cardinality { rows: groups(&below, keys.iter().map(|k| k.id)), columns }
        }
        LogicalPlan::Window { input, calls } => {
            let mut below = estimate(input);
            for call in calls {
                let width = default_width(&call.output.dtype);
                below.columns.insert(call.output.id, ColumnEstimate { width, ..Default::default() });
            }
            below
        }
        LogicalPlan::Distinct { input, on } => {
            let mut below = estimate(input);
            let keys = on.clone().unwrap_or_else(|| input.columns().iter().map(|c| c.id).collect());
            below.rows = groups(&below, keys);
            below
        }
        LogicalPlan::Sort { input, .. } => estimate(input),
        LogicalPlan::Unnest { input, lists, ordinality, .. } => {
            let mut below = estimate(input);
            below.rows *= lists.iter().map(|(_, list)| elements(list)).fold(1.0, f64::max);
            for def in lists.iter().map(|(def, _)| def).chain(ordinality) {
                let width = default_width(&def.dtype);
                below.columns.insert(def.id, ColumnEstimate { width, ..Default::default() });
            }
            below
        }
        LogicalPlan::Limit { input, limit, .. } => {
            let mut below = estimate(input);
            below.rows = limit.map_or(below.rows, |l| below.rows.min(l as f64));
            below
        }
        LogicalPlan::Union { inputs, columns } => {
            let rows = inputs.iter().map(|i| estimate(i).rows).sum();
            let columns =
                columns.iter().map(|c| (c.id, ColumnEstimate { width: default_width(&c.dtype), ..Default::default() }));
            Cardinality { rows, columns: columns.collect() }
        }
        LogicalPlan::SetOperation { left, columns, .. } => {
            let rows = estimate(left).rows;
            let columns =
                columns.iter().map(|c| (c.id, ColumnEstimate { width: default_width(&c.dtype), ..Default::default() }));
            Cardinality { rows, columns: columns.collect() }
        }
    }
}

/// The most rows that a plan can yield, whatever its predicates let through: exact where it only reads and filters. A join on a key
/// that looks unique has no more rows than its other side.
pub fn most_rows(plan: &LogicalPlan) -> f64 {
    match plan {
        LogicalPlan::Scan { .. } | LogicalPlan::Values { .. } => estimate(plan).rows,
        LogicalPlan::Filter { input, .. }
        | LogicalPlan::Project { input, .. }
        | LogicalPlan::Aggregate { input, grouping_sets: None, .. }
        | LogicalPlan::Distinct { input, .. }
        | LogicalPlan::Sort { input, .. }
        | LogicalPlan::Window { input, .. } => most_rows(input),
        LogicalPlan::Aggregate { input, grouping_sets: Some(sets), .. } => most_rows(input) * sets.sets.len() as f64,
        LogicalPlan::Limit { input, limit, .. } => limit.map_or(f64::INFINITY, |l| l as f64).min(most_rows(input)),
        LogicalPlan::Union { inputs, .. } => inputs.iter().map(most_rows).sum(),
        LogicalPlan::SetOperation { left, .. } => most_rows(left),
        LogicalPlan::Unnest { .. } => f64::INFINITY,
        LogicalPlan::Join { left, right, kind, on } => {
            let (l, r) = (most_rows(left), most_rows(right));
            match kind {
                JoinKind::Semi | JoinKind::Anti | JoinKind::Single | JoinKind::Mark(_) | JoinKind::AsOf { .. } => l,
                JoinKind::Inner | JoinKind::Cross | JoinKind::Left | JoinKind::Right | JoinKind::Full => {
                    let pairs = on.as_ref().map(parts).unwrap_or_default().into_iter().filter_map(equality);
                    let pairs: Vec<(ColumnId, ColumnId)> = pairs.collect();
                    let unique = |side: &Cardinality| {
                        let looks = |id: &ColumnId| {
                            let distinct = side.columns.get(id).and_then(|c| c.distinct);
                            distinct.is_some_and(|distinct| distinct >= 0.9 * side.rows)
                        };
                        pairs.iter().any(|(a, b)| looks(a) || looks(b))
                    };
                    // An outer join also keeps what has no match.
                    if unique(&estimate(left)) || unique(&estimate(right)) { l + r } else { l * r }
                }
            }
        }
    }
}

/// How many elements a list has, where its expression says so.
fn elements(list: &Expr) -> f64 {
    const UNKNOWN: f64 = 4.0;
    match &list.kind {
        ExprKind::Literal(Value::List(items)) => items.len() as f64,
        ExprKind::Call { function, args } if function == "list_value" => args.len() as f64,
        ExprKind::Call { function, args } if matches!(function.as_str(), "range" | "generate_series") => {
            let constant = |expr: &Expr| match &expr.kind {
                ExprKind::Literal(value) => number(value),
                _ => None,
            };
            let numbers: Option<Vec<f64>> = args.iter().map(constant).collect();
            match numbers.as_deref() {
                Some([end]) => end.max(1.0),
                Some([start, end]) => (end - start).max(1.0),
                Some([start, end, step]) if *step != 0.0 && list.dtype == DataType::BigInt.list_of() => {
                    ((end - start) / step).max(1.0)
                }
                _ => UNKNOWN,
            }
        }
        _ => UNKNOWN,
    }
}

/// Groups by `keys`: the product of their distinct values, at most the rows.
pub fn groups(input: &Cardinality, keys: impl IntoIterator<Item = ColumnId>) -> f64 {
    let product: f64 = keys.into_iter().map(|k| input.distinct(k)).product();
    product.min(input.rows).max(1.0)
}

/// The estimate for a join of two estimates.
pub fn join(left: Cardinality, right: Cardinality, kind: JoinKind, on: Option<&Expr>) -> Cardinality {
    let pairs = left.rows * right.rows;
    let mut both = Cardinality { rows: pairs, columns: left.columns.clone() };
    both.columns.extend(right.columns.iter().map(|(id, c)| (*id, c.clone())));
    let conditions = on.map(parts).unwrap_or_default();
    let keys: Vec<(ColumnId, ColumnId)> = conditions.iter().filter_map(|part| key(part, &left, &right)).collect();
    let others = conditions.iter().filter(|part| key(part, &left, &right).is_none());
    let share = keys_share(&keys, &left, &right) * others.map(|part| selectivity(part, &both)).product::<f64>();
    let matches = (pairs * share).max(1.0);
    let matched = (left.rows * matched(&left, &right, on)).min(matches);
    let alone = (left.rows - matched).max(0.0);
    let rows = match kind {
        JoinKind::Inner | JoinKind::Cross => matches,
        JoinKind::Left => (matches + alone).max(left.rows),
        JoinKind::Right => matches.max(right.rows),
        JoinKind::Full => matches.max(left.rows).max(right.rows),
        JoinKind::Single | JoinKind::Mark(_) | JoinKind::AsOf { .. } => left.rows,
        JoinKind::Semi => matched.max(1.0),
        JoinKind::Anti => alone.max(0.1 * left.rows).max(1.0),
    };
    if kind == JoinKind::Left {
        for id in right.columns.keys() {
            both.columns.entry(*id).and_modify(|column| column.nulls = column.nulls.max(alone / rows));
        }
    }
    Cardinality { rows, columns: both.columns }
}

/// An equality of a column of the left side and one of the right side.
fn key(part: &Expr, left: &Cardinality, right: &Cardinality) -> Option<(ColumnId, ColumnId)> {
    let (a, b) = equality(part)?;
    let (l, r) = if left.columns.contains_key(&a) { (a, b) } else { (b, a) };
    (left.columns.contains_key(&l) && right.columns.contains_key(&r)).then_some((l, r))
}

/// The share of pairs that agree in all `keys`: the side with fewer different keys finds all of its own on the other side.
fn keys_share(keys: &[(ColumnId, ColumnId)], left: &Cardinality, right: &Cardinality) -> f64 {
    match keys {
        [] => 1.0,
        [(l, r)] => 1.0 / left.distinct(*l).max(right.distinct(*r)),
        _ => {
            let (of_left, of_right): (Vec<ColumnId>, Vec<ColumnId>) = keys.iter().copied().unzip();
            let (l, l_bounded) = left.combinations(&of_left);
            let (r, r_bounded) = right.combinations(&of_right);
            // Two bounds: one side is most likely a key of its table, and the other refers to it.
            1.0 / if l_bounded && r_bounded { l.min(r) } else { l.max(r) }
        }
    }
}

/// The share of left rows that have a match: as many of the left side's keys are found as the right side has, and how many rows
/// have each of them does not matter.
pub fn matched(left: &Cardinality, right: &Cardinality, on: Option<&Expr>) -> f64 {
    let keys: Vec<(ColumnId, ColumnId)> =
        on.map(parts).unwrap_or_default().into_iter().filter_map(|part| key(part, left, right)).collect();
    match keys.as_slice() {
        [] => 1.0,
        [(l, r)] => (right.distinct(*r) / left.distinct(*l)).min(1.0),
        _ => {
            let (of_left, of_right): (Vec<ColumnId>, Vec<ColumnId>) = keys.iter().copied().unzip();
            (right.combinations(&of_right).0.min(right.rows) / left.combinations(&of_left).0).min(1.0)
        }
    }
}

/// What is known of the columns where `predicate` is true: an equality leaves one value, a bound a part of the range.
fn narrowed(mut cardinality: Cardinality, predicate: &Expr, before: &Cardinality) -> Cardinality {
    for part in parts(predicate) {
        if let Some((id, low, high)) = comparison(part, before) {
            let Some(column) = cardinality.columns.get_mut(&id) else { continue };
            let Some((least, greatest)) = before.columns.get(&id).and_then(|c| c.min.zip(c.max)) else { continue };
            let at = |share: f64| least + (greatest - least) * share;
            column.min = column.min.map(|min| min.max(at(low)));
            column.max = column.max.map(|max| max.min(at(high)));
            column.distinct = column.distinct.map(|distinct| (distinct * (high - low)).max(1.0));
            continue;
        }
        if let Some((id, values)) = values_left(part)
            && let Some(column) = cardinality.columns.get_mut(&id)
        {
            column.distinct = Some(column.distinct.map_or(values, |distinct| distinct.min(values)));
        }
    }
    cardinality
}

/// A column of which a condition leaves no more than so many values: by equality, a list, or one of these in every arm of an OR.
fn values_left(part: &Expr) -> Option<(ColumnId, f64)> {
    match &part.kind {
        ExprKind::Call { function, args } if function == "=" => match (column(&args[0]), column(&args[1])) {
            (Some(id), None) | (None, Some(id)) => Some((id, 1.0)),
            _ => None,
        },
        ExprKind::InList { arg, items, negated: false } => column(arg).map(|id| (id, items.len() as f64)),
        ExprKind::Or(arms) => {
            let of_arm = |arm: &Expr| parts(arm).into_iter().filter_map(values_left).collect::<Vec<_>>();
            let arms: Vec<_> = arms.iter().map(of_arm).collect();
            let (first, _) = *arms.first()?.first()?;
            let in_arm = |arm: &Vec<(ColumnId, f64)>| arm.iter().find(|(id, _)| *id == first).map(|(_, n)| *n);
            arms.iter().map(in_arm).sum::<Option<f64>>().map(|values| (first, values))
        }
        _ => None,
    }
}

/// The conjuncts of a condition, not taken apart further.
fn parts(on: &Expr) -> Vec<&Expr> {
    match &on.kind {
        ExprKind::And(parts) => parts.iter().collect(),
        _ => vec![on],
    }
}

/// `a = b` between two columns.
fn equality(expr: &Expr) -> Option<(ColumnId, ColumnId)> {
    match &expr.kind {
        ExprKind::Call { function, args } if matches!(function.as_str(), "=" | "is_not_distinct_from") => {
            Some((column(&args[0])?, column(&args[1])?))
        }
        _ => None,
    }
}

/// A column, looked at through casts.
fn column(expr: &Expr) -> Option<ColumnId> {
    match &expr.kind {
        ExprKind::Column(id) => Some(*id),
        ExprKind::Cast { arg, .. } => column(arg),
        _ => None,
    }
}

/// The share of rows for which `predicate` is true.
pub fn selectivity(predicate: &Expr, input: &Cardinality) -> f64 {
    match &predicate.kind {
        ExprKind::Literal(Value::Boolean(true)) => 1.0,
        ExprKind::Literal(_) => 0.0,
        ExprKind::And(parts) => range_pairs(parts, input),
        ExprKind::Or(parts) => 1.0 - parts.iter().map(|p| 1.0 - selectivity(p, input)).product::<f64>(),
        ExprKind::Not(arg) => 1.0 - selectivity(arg, input),
        ExprKind::IsNull { arg, negated } => {
            let nulls = column(arg).and_then(|c| input.columns.get(&c)).map_or(0.1, |c| c.nulls);
            if *negated { 1.0 - nulls } else { nulls }
        }
        ExprKind::InList { arg, items, negated } => {
            let one = column(arg).map_or(PATTERN, |c| 1.0 / input.distinct(c));
            let share = (one * items.len() as f64).min(1.0);
            if *negated { 1.0 - share } else { share }
        }
        ExprKind::Call { function, args } => match function.as_str() {
            "=" => match (column(&args[0]), column(&args[1])) {
                (Some(a), Some(b)) => 1.0 / input.distinct(a).max(input.distinct(b)),
                (Some(c), None) | (None, Some(c)) => 1.0 / input.distinct(c),
                (None, None) => PATTERN,
            },
            "<>" => 0.9,
            "<" | "<=" | ">" | ">=" => match comparison(predicate, input) {
                Some((_, low, high)) => (high - low).clamp(0.0, 1.0),
                // Either of two columns may be the greater one.
                None if args.iter().all(|arg| column(arg).is_some()) => 0.5,
                None => UNKNOWN,
            },
            "like" | "ilike" | "starts_with" | "ends_with" | "contains" => PATTERN,
            "not_like" | "not_ilike" => 1.0 - PATTERN,
            _ => UNKNOWN,
        },
        _ => UNKNOWN,
    }
}

/// A conjunction; bounds on one column are cut with each other instead of multiplied, so that BETWEEN is one range.
fn range_pairs(parts: &[Expr], input: &Cardinality) -> f64 {
    let mut ranges: BTreeMap<ColumnId, (f64, f64)> = BTreeMap::new();
    let mut share = 1.0;
    for part in parts {
        match comparison(part, input) {
            Some((column, low, high)) => {
                let range = ranges.entry(column).or_insert((0.0, 1.0));
                *range = (range.0.max(low), range.1.min(high));
            }
            None => share *= selectivity(part, input),
        }
    }
    share * ranges.values().map(|(low, high)| (high - low).clamp(0.000_1, 1.0)).product::<f64>()
}

/// `column < constant` and its kin as the part of the column's range that it leaves, from 0 to 1.
fn comparison(predicate: &Expr, input: &Cardinality) -> Option<(ColumnId, f64, f64)> {
    let ExprKind::Call { function, args } = &predicate.kind else { return None };
    if !matches!(function.as_str(), "<" | "<=" | ">" | ">=") {
        return None;
    }
    let (id, constant, less) = match (column(&args[0]), column(&args[1])) {
        (Some(id), None) => (id, literal(&args[1], &args[0])?, matches!(function.as_str(), "<" | "<=")),
        (None, Some(id)) => (id, literal(&args[0], &args[1])?, matches!(function.as_str(), ">" | ">=")),
        _ => return None,
    };
    let range = input.columns.get(&id)?;
    let (min, max) = (range.min?, range.max?);
    let at = if max > min { ((constant - min) / (max - min)).clamp(0.0, 1.0) } else { 0.5 };
    Some(if less { (id, 0.0, at) } else { (id, at, 1.0) })
}

/// A constant in the unit of the column beside it; a cast between decimals changes the scale, which is undone here.
fn literal(constant: &Expr, beside: &Expr) -> Option<f64> {
    let ExprKind::Literal(value) = &constant.kind else { return None };
    let scale = |t: &DataType| if let DataType::Decimal { scale, .. } = t { *scale as i32 } else { 0 };
    let inner = match &beside.kind {
        ExprKind::Cast { arg, .. } => &arg.dtype,
        _ => &beside.dtype,
    };
    Some(number(value)? * 10f64.powi(scale(inner) - scale(&constant.dtype)))
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Int(i) => Some(*i as f64),
        Value::Float(f) => Some(*f),
        _ => None,
    }
}

/// Bytes of a value where no statistics say better.
pub fn default_width(dtype: &DataType) -> f64 {
    match dtype {
        DataType::Null | DataType::Boolean | DataType::TinyInt | DataType::UTinyInt => 1.0,
        DataType::SmallInt | DataType::USmallInt => 2.0,
        DataType::Integer | DataType::UInteger | DataType::Float | DataType::Date => 4.0,
        DataType::HugeInt | DataType::Interval => 16.0,
        DataType::Decimal { precision, .. } if *precision > 18 => 16.0,
        DataType::Varchar | DataType::Blob => 24.0,
        DataType::List(_) | DataType::Struct(_) | DataType::Map(..) => 48.0,
        _ => 8.0,
    }
}
