//! Names the session's time zone in a plan: what depends on it becomes a call with the zone as an argument, so that
//! kernels, folding and recomputed tasks need no setting. In UTC there is nothing to do.
//!
//! A point in time (TIMESTAMP WITH TIME ZONE) meets the zone where it is cast, taken apart, cut or moved by an interval.
//! Parts and distances are those of the local clock: `timezone(zone, x)`, a TIMESTAMP, stands in for x.

use super::expr::{Expr, ExprKind};
use super::logical::LogicalPlan;
use crate::functions::matching_fields;
use crate::sql::{DataType, Value};
use chrono_tz::Tz;

/// Functions for which the local time stands in for the point in time; the result has no zone.
const OF_LOCAL_TIME: &[&str] = &[
    "year",
    "quarter",
    "month",
    "day",
    "week",
    "dayofweek",
    "isodow",
    "dayofyear",
    "isoyear",
    "yearweek",
    "decade",
    "century",
    "millennium",
    "era",
    "hour",
    "minute",
    "second",
    "millisecond",
    "microsecond",
    "nanosecond",
    "julian",
    "date_part",
    "dayname",
    "monthname",
    "last_day",
    "date_diff",
    "date_sub",
    "age",
    "to_iso8601",
];

/// Rewrites every expression of the plan, and of the subqueries in it.
pub(super) fn name_zone(plan: &mut LogicalPlan, zone: Tz) {
    if zone == Tz::UTC {
        return;
    }
    for expr in plan.expressions_mut() {
        let taken = std::mem::replace(expr, Expr::boolean(true));
        *expr = taken.transform(&mut |mut node| {
            if let ExprKind::ScalarSubquery(plan) | ExprKind::Exists { plan, .. } | ExprKind::InSubquery { plan, .. } =
                &mut node.kind
            {
                name_zone(plan, zone);
            }
            in_zone(node, zone)
        });
    }
    for input in plan.inputs_mut() {
        name_zone(input, zone);
    }
}

fn name_of(zone: Tz) -> Expr {
    Expr::literal(Value::Varchar(zone.name().to_string()), DataType::Varchar)
}

/// From a point in time to local time, or back.
fn across(expr: Expr, zone: Tz) -> Expr {
    let to = if expr.dtype == DataType::TimestampTz { DataType::Timestamp } else { DataType::TimestampTz };
    let span = expr.span;
    Expr::call("timezone", vec![name_of(zone), expr], to).at(span)
}

fn cast(arg: Expr, to: DataType, lenient: bool) -> Expr {
    let span = arg.span;
    Expr { kind: ExprKind::Cast { arg: Box::new(arg), lenient }, dtype: to, span }
}

/// One node, whose children are rewritten already.
fn in_zone(expr: Expr, zone: Tz) -> Expr {
    let span = expr.span;
    match expr.kind {
        ExprKind::Cast { arg, lenient } => cast_in_zone(*arg, expr.dtype, lenient, zone).at(span),
        ExprKind::Call { function, args } => call_in_zone(&function, args, expr.dtype, zone).at(span),
        kind => Expr { kind, ..expr },
    }
}

fn cast_in_zone(arg: Expr, to: DataType, lenient: bool, zone: Tz) -> Expr {
    use DataType::{Date, Json, Timestamp, TimestampTz, Varchar};
    match (&arg.dtype, &to) {
        (from, Json) if *from != Varchar => match from.with_shown_moments() {
            Some(shown) => Expr::call("to_json", vec![cast_in_zone(arg, shown, lenient, zone)], to),
            None => cast(arg, to, lenient),
        },
        (from, to) if from.is_nested() || to.is_nested() => cast_parts(arg, to, lenient, zone),
        (from, TimestampTz) if from.is_timestamp() && *from != Timestamp => across(cast(arg, Timestamp, lenient), zone),
        (TimestampTz, to) if to.is_timestamp() && *to != Timestamp => cast(across(arg, zone), to.clone(), lenient),
        (TimestampTz, Timestamp) | (Timestamp, TimestampTz) => across(arg, zone),
        (TimestampTz, Date) => cast(across(arg, zone), to, lenient),
        (TimestampTz, Varchar) => Expr::call("timestamptz_text", vec![arg, name_of(zone)], to),
        (Date, TimestampTz) => across(cast(arg, Timestamp, lenient), zone),
        (Varchar, TimestampTz) => {
            let function = if lenient { "try_timestamptz_parse" } else { "timestamptz_parse" };
            Expr::call(function, vec![arg, name_of(zone)], to)
        }
        _ => cast(arg, to, lenient),
    }
}

/// A cast between nested values, or of one from or to text: points in time become what shows in the zone before it, or are made
/// of that after it.
fn cast_parts(arg: Expr, to: &DataType, lenient: bool, zone: Tz) -> Expr {
    let span = arg.span;
    let (before, after) = (before_cast(&arg.dtype, to), after_cast(&arg.dtype, to));
    let convert = |expr: Expr, to: DataType| match expr.dtype == to {
        true => expr,
        false if lenient => Expr::call("try_timestamptz_parse", vec![expr, name_of(zone)], to).at(span),
        false => Expr::call("timezone", vec![name_of(zone), expr], to).at(span),
    };
    let shown = convert(arg, before);
    let made = if shown.dtype == after { shown } else { cast(shown, after, lenient) };
    convert(made, to.clone())
}

/// The type of a value with its points in time as the zone shows them, before it is cast from `from` to `to`.
fn before_cast(from: &DataType, to: &DataType) -> DataType {
    use DataType::{List, Map, Struct, Timestamp, TimestampTz, Varchar};
    match (from, to) {
        (TimestampTz, TimestampTz) => TimestampTz,
        (TimestampTz, Varchar) => Varchar,
        (TimestampTz, _) => Timestamp,
        (List(a), List(b)) => before_cast(a, b).list_of(),
        (Map(k, v), Map(l, w)) => Map(Box::new(before_cast(k, l)), Box::new(before_cast(v, w))),
        (Struct(a), Struct(b)) => {
            let mut fields = a.clone();
            for (source, (_, to)) in matching_fields(a, b).unwrap_or_default().into_iter().zip(b) {
                if let Some(i) = source {
                    fields[i].1 = before_cast(&a[i].1, to);
                }
            }
            Struct(fields)
        }
        (from, Varchar) => from.with_shown_moments().unwrap_or_else(|| from.clone()),
        _ => from.clone(),
    }
}

/// The type of what a cast from `from` makes, of which the zone makes the points in time of `to`. JSON is read in UTC.
fn after_cast(from: &DataType, to: &DataType) -> DataType {
    use DataType::{Date, List, Map, Struct, Timestamp, TimestampTz, Varchar};
    match (from, to) {
        (Varchar, TimestampTz) => Varchar,
        (from, TimestampTz) if from.is_timestamp() || *from == Date => Timestamp,
        (List(a), List(b)) => after_cast(a, b).list_of(),
        (Map(k, v), Map(l, w)) => Map(Box::new(after_cast(k, l)), Box::new(after_cast(v, w))),
        (Struct(a), Struct(b)) => {
            let mut fields = b.clone();
            for (source, field) in matching_fields(a, b).unwrap_or_default().into_iter().zip(&mut fields) {
                if let Some(i) = source {
                    field.1 = after_cast(&a[i].1, &field.1);
                }
            }
            Struct(fields)
        }
        (Varchar, to) => to.with_shown_moments().unwrap_or_else(|| to.clone()),
        _ => to.clone(),
    }
}

fn call_in_zone(function: &str, mut args: Vec<Expr>, result: DataType, zone: Tz) -> Expr {
    let zoned = |arg: &Expr| arg.dtype == DataType::TimestampTz;
    let to_local = |args: Vec<Expr>| -> Vec<Expr> {
        args.into_iter().map(|arg| if zoned(&arg) { across(arg, zone) } else { arg }).collect()
    };
    if !(args.iter().any(zoned) || function == "make_timestamptz" && args.len() > 1) {
        return Expr::call(function, args, result);
    }
    let is_interval = |arg: Option<&Expr>| arg.is_some_and(|arg| arg.dtype == DataType::Interval);
    match function {
        "+" | "date_add" if is_interval(args.first()) => {
            args.swap(0, 1);
            args.push(name_of(zone));
            Expr::call("timestamptz_add", args, result)
        }
        "+" | "date_add" if is_interval(args.get(1)) => {
            args.push(name_of(zone));
            Expr::call("timestamptz_add", args, result)
        }
        "-" if is_interval(args.get(1)) => {
            let interval = args.remove(1);
            let back = Expr::call("neg", vec![interval], DataType::Interval);
            args.extend([back, name_of(zone)]);
            Expr::call("timestamptz_add", args, result)
        }
        "-" => {
            args.push(name_of(zone));
            Expr::call("timestamptz_sub", args, result)
        }
        // Buckets begin where they do in UTC.
        "time_bucket" => Expr::call(function, args, result),
        "strftime" | "date_format" if args.len() == 2 => {
            if zoned(&args[1]) {
                args.swap(0, 1);
            }
            args.push(name_of(zone));
            Expr::call(function, args, result)
        }
        "timezone" if args.len() == 1 => offset(args.remove(0), 1_000_000, zone),
        "timezone_hour" => offset(args.remove(0), 3_600_000_000, zone),
        "timezone_minute" => {
            let sixty = Expr::literal(Value::Int(60), DataType::BigInt);
            Expr::call("%", vec![offset(args.remove(0), 60_000_000, zone), sixty], DataType::BigInt)
        }
        "make_timestamptz" => across(Expr::call("make_timestamp", args, DataType::Timestamp), zone),
        "date_trunc" if args.len() == 2 => {
            let moment = args.remove(1);
            truncated(args.remove(0), moment, zone)
        }
        // Hours and less go by the clock, not by the calendar. The full hours and minutes between which they lie are those of
        // the zone.
        "date_sub" if is_below_a_day(&args[0]) => Expr::call(function, args, result),
        "date_diff" if is_below_a_day(&args[0]) => {
            let part = args[0].clone();
            let begun = |moment| truncated(part.clone(), moment, zone);
            let args = args.into_iter().map(|arg| if zoned(&arg) { begun(arg) } else { arg }).collect();
            Expr::call(function, args, result)
        }
        name if OF_LOCAL_TIME.contains(&name) => Expr::call(name, to_local(args), result),
        _ => Expr::call(function, args, result),
    }
}

/// `date_trunc(part, moment)`: the beginning of the part that the clocks of the zone show. Where they show an hour twice, a minute
/// of it begins in the same one.
fn truncated(part: Expr, moment: Expr, zone: Tz) -> Expr {
    let of_an_hour = is_part(&part, &["minute", "second", "millisecond", "microsecond"]);
    let local = across(moment.clone(), zone);
    let begun = Expr::call("date_trunc", vec![part, local.clone()], DataType::Timestamp);
    if !of_an_hour {
        return across(begun, zone);
    }
    let back = Expr::call("-", vec![begun, local], DataType::Interval);
    Expr::call("timestamptz_add", vec![moment, back, name_of(zone)], DataType::TimestampTz)
}

/// Whether a constant names a part shorter than a day.
fn is_below_a_day(part: &Expr) -> bool {
    is_part(part, &["hour", "minute", "second", "millisecond", "microsecond", "nanosecond", "epoch"])
}

fn is_part(part: &Expr, functions: &[&str]) -> bool {
    let ExprKind::Literal(Value::Varchar(part)) = &part.kind else { return false };
    crate::functions::part_function(part).is_some_and(|function| functions.contains(&function))
}

/// How far the clocks of the zone are ahead of UTC at a point in time, in units of so many microseconds.
fn offset(at: Expr, unit: i128, zone: Tz) -> Expr {
    let micros = |expr| Expr::call("epoch_us", vec![expr], DataType::BigInt);
    let distance = Expr::call("-", vec![micros(across(at.clone(), zone)), micros(at)], DataType::BigInt);
    Expr::call("//", vec![distance, Expr::literal(Value::Int(unit), DataType::BigInt)], DataType::BigInt)
}
