//! Plans and expressions as text: for EXPLAIN, golden tests and people.

use super::expr::{ColumnDef, ColumnId, Expr, ExprKind};
use super::logical::{Aggregate, JoinKind, LogicalPlan, SetKind, SortKey};
use super::window::WindowCall;
use crate::functions::format_value;
use crate::sql::{DataType, Value};
use std::fmt;

/// How tightly an expression binds; a looser one inside a tighter one needs brackets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Binding {
    Or,
    And,
    Not,
    Comparison,
    Concatenation,
    Sum,
    Product,
    Value,
}

impl Expr {
    /// The expression as SQL, with the columns called what `names` says: `region = 'US' AND amount > 10`.
    pub fn display(&self, names: &dyn Fn(ColumnId) -> String) -> String {
        self.text(names, Binding::Or)
    }

    fn text(&self, names: &dyn Fn(ColumnId) -> String, outside: Binding) -> String {
        let (binding, text) = self.unbracketed(names);
        if binding < outside { format!("({text})") } else { text }
    }

    fn unbracketed(&self, names: &dyn Fn(ColumnId) -> String) -> (Binding, String) {
        let inner = |e: &Expr, outside| e.text(names, outside);
        let list = |exprs: &[Expr]| exprs.iter().map(|e| inner(e, Binding::Or)).collect::<Vec<_>>().join(", ");
        let joined = |parts: &[Expr], word: &str, binding| {
            let parts: Vec<String> = parts.iter().map(|p| inner(p, binding)).collect();
            (binding, parts.join(word))
        };
        match &self.kind {
            ExprKind::Column(id) => (Binding::Value, names(*id)),
            ExprKind::Literal(value) => (Binding::Value, literal(value, &self.dtype)),
            ExprKind::Cast { arg, lenient } => {
                let word = if *lenient { "TRY_CAST" } else { "CAST" };
                (Binding::Value, format!("{word}({} AS {})", inner(arg, Binding::Or), self.dtype))
            }
            ExprKind::Call { function, args } => self.call_text(function, args, names),
            ExprKind::And(parts) => joined(parts, " AND ", Binding::And),
            ExprKind::Or(parts) => joined(parts, " OR ", Binding::Or),
            ExprKind::Not(arg) => match &arg.kind {
                ExprKind::Call { function, args } if matches!(&**function, "like" | "ilike") && args.len() == 2 => {
                    let (left, right) =
                        (inner(&args[0], Binding::Concatenation), inner(&args[1], Binding::Concatenation));
                    (Binding::Comparison, format!("{left} NOT {} {right}", function.to_uppercase()))
                }
                _ => (Binding::Not, format!("NOT {}", inner(arg, Binding::Not))),
            },
            ExprKind::IsNull { arg, negated } => {
                let not = if *negated { "NOT " } else { "" };
                (Binding::Comparison, format!("{} IS {not}NULL", inner(arg, Binding::Concatenation)))
            }
            ExprKind::Case { branches, otherwise } => {
                let mut text = "CASE".to_string();
                for (condition, value) in branches {
                    let (condition, value) = (inner(condition, Binding::Or), inner(value, Binding::Or));
                    text.push_str(&format!(" WHEN {condition} THEN {value}"));
                }
                if let Some(otherwise) = otherwise {
                    text.push_str(&format!(" ELSE {}", inner(otherwise, Binding::Or)));
                }
                (Binding::Value, text + " END")
            }
            ExprKind::InList { arg, items, negated } => {
                let not = if *negated { "NOT " } else { "" };
                (Binding::Comparison, format!("{} {not}IN ({})", inner(arg, Binding::Concatenation), list(items)))
            }
            ExprKind::ScalarSubquery(_) => (Binding::Value, "(subquery)".into()),
            ExprKind::Exists { negated, .. } => {
                (Binding::Not, format!("{}EXISTS (subquery)", if *negated { "NOT " } else { "" }))
            }
            ExprKind::InSubquery { arg, negated, .. } => {
                let not = if *negated { "NOT " } else { "" };
                (Binding::Comparison, format!("{} {not}IN (subquery)", inner(arg, Binding::Concatenation)))
            }
            ExprKind::AnySubquery { condition, .. } => {
                (Binding::Value, format!("ANY (subquery: {})", inner(condition, Binding::Or)))
            }
            ExprKind::Lambda { function, list, params, body, initial } => {
                let named = |id: ColumnId| match params.iter().find(|p| p.id == id) {
                    Some(param) => param.name.clone(),
                    None => names(id),
                };
                let params: Vec<&str> = params.iter().map(|p| p.name.as_str()).collect();
                let mut text = format!("{function}({}, lambda {}: ", inner(list, Binding::Or), params.join(", "));
                text.push_str(&body.text(&named, Binding::Or));
                if let Some(initial) = initial {
                    text.push_str(&format!(", {}", inner(initial, Binding::Or)));
                }
                (Binding::Value, text + ")")
            }
        }
    }

    fn call_text(&self, function: &str, args: &[Expr], names: &dyn Fn(ColumnId) -> String) -> (Binding, String) {
        let infix = |word: &str, binding: Binding, inside: Binding| match args {
            [left, right] => {
                // A minus or division on the right of its like needs brackets.
                let tight = if matches!(function, "-" | "/" | "//" | "%") { Binding::Value } else { inside };
                Some((binding, format!("{} {word} {}", left.text(names, inside), right.text(names, tight))))
            }
            _ => None,
        };
        let written = match function {
            "=" | "<>" | "<" | "<=" | ">" | ">=" => infix(function, Binding::Comparison, Binding::Concatenation),
            "like" => infix("LIKE", Binding::Comparison, Binding::Concatenation),
            "ilike" => infix("ILIKE", Binding::Comparison, Binding::Concatenation),
            "is_distinct_from" => infix("IS DISTINCT FROM", Binding::Comparison, Binding::Concatenation),
            "is_not_distinct_from" => infix("IS NOT DISTINCT FROM", Binding::Comparison, Binding::Concatenation),
            "||" => infix("||", Binding::Concatenation, Binding::Concatenation),
            "+" | "-" => infix(function, Binding::Sum, Binding::Sum),
            "*" | "/" | "//" | "%" => infix(function, Binding::Product, Binding::Product),
            "neg" => args.first().map(|arg| (Binding::Value, format!("-{}", arg.text(names, Binding::Value)))),
            _ => None,
        };
        written.unwrap_or_else(|| {
            let args: Vec<String> = args.iter().map(|a| a.text(names, Binding::Or)).collect();
            (Binding::Value, format!("{function}({})", args.join(", ")))
        })
    }
}

/// A constant as it would be written.
fn literal(value: &Value, dtype: &DataType) -> String {
    let text = format_value(value, dtype);
    match (value, dtype) {
        (Value::Null, _) => "NULL".into(),
        (_, DataType::Varchar) => format!("'{}'", text.replace('\'', "''")),
        (_, DataType::Date) => format!("DATE '{text}'"),
        (_, DataType::Time) => format!("TIME '{text}'"),
        (_, dtype) if dtype.is_timestamp() => format!("{dtype} '{text}'"),
        (_, DataType::TimestampTz) => format!("TIMESTAMPTZ '{text}'"),
        (_, DataType::Interval) => format!("INTERVAL '{text}'"),
        _ => text,
    }
}

/// Every column that a plan or its subqueries mention, by name and number: `region#3`.
fn named(plan: &LogicalPlan, names: &mut Vec<ColumnDef>) {
    match plan {
        LogicalPlan::Window { calls, .. } => names.extend(calls.iter().map(|c| c.output.clone())),
        LogicalPlan::Unnest { lists, ordinality, .. } => {
            names.extend(lists.iter().map(|(def, _)| def).chain(ordinality).cloned());
        }
        _ => names.extend(plan.columns()),
    }
    for input in plan.inputs() {
        named(input, names);
    }
    for expr in plan.expressions() {
        expr.walk(&mut |e| {
            if let Some(subquery) = e.subquery() {
                named(subquery, names);
            }
        });
    }
}

impl fmt::Display for LogicalPlan {
    /// An indented tree, the result on top; columns are `name#id`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut columns = Vec::new();
        named(self, &mut columns);
        let name = |id: ColumnId| match columns.iter().find(|c| c.id == id) {
            Some(column) => format!("{}#{}", column.name, id.0),
            None => format!("outer#{}", id.0),
        };
        write_plan(f, self, 0, &name)
    }
}

fn write_plan(
    f: &mut fmt::Formatter<'_>,
    plan: &LogicalPlan,
    depth: usize,
    name: &dyn Fn(ColumnId) -> String,
) -> fmt::Result {
    writeln!(f, "{}{}", "  ".repeat(depth), headline(plan, name))?;
    for expr in plan.expressions() {
        let mut subqueries = Vec::new();
        expr.walk(&mut |e| subqueries.extend(e.subquery().cloned()));
        for subquery in subqueries {
            writeln!(f, "{}subquery", "  ".repeat(depth + 1))?;
            write_plan(f, &subquery, depth + 2, name)?;
        }
    }
    for input in plan.inputs() {
        write_plan(f, input, depth + 1, name)?;
    }
    Ok(())
}

fn headline(plan: &LogicalPlan, name: &dyn Fn(ColumnId) -> String) -> String {
    let defs = |columns: &[ColumnDef]| columns.iter().map(|c| name(c.id)).collect::<Vec<_>>().join(", ");
    match plan {
        LogicalPlan::Scan { table, columns, .. } => format!("Scan {}: {}", table.display_name(), defs(columns)),
        LogicalPlan::Values { columns, rows } => {
            let row =
                |row: &Vec<Expr>| format!("({})", row.iter().map(|e| e.display(name)).collect::<Vec<_>>().join(", "));
            format!("Values {}: {}", defs(columns), rows.iter().map(row).collect::<Vec<_>>().join(", "))
        }
        LogicalPlan::Filter { predicate, .. } => format!("Filter {}", predicate.display(name)),
        LogicalPlan::Project { columns, .. } => {
            let column = |(def, expr): &(ColumnDef, Expr)| match expr.as_column() {
                Some(id) if id == def.id => name(id),
                _ => format!("{} = {}", name(def.id), expr.display(name)),
            };
            format!("Project {}", columns.iter().map(column).collect::<Vec<_>>().join(", "))
        }
        LogicalPlan::Join { kind, on, .. } => {
            let on = on.as_ref().map_or(String::new(), |on| format!(" on {}", on.display(name)));
            format!("{} join{on}", join_word(*kind, name))
        }
        LogicalPlan::Aggregate { keys, grouping_sets, aggregates, .. } => {
            let calls = aggregates.iter().map(|a| aggregate(a, name)).collect::<Vec<_>>().join(", ");
            let set = |set: &Vec<usize>| {
                format!("({})", set.iter().map(|i| name(keys[*i].id)).collect::<Vec<_>>().join(", "))
            };
            let sets = grouping_sets
                .as_ref()
                .map_or(String::new(), |g| format!(" sets {}", g.sets.iter().map(set).collect::<Vec<_>>().join(", ")));
            format!("Aggregate by [{}]{sets}: {calls}", defs(keys)).trim_end().to_string()
        }
        LogicalPlan::Window { calls, .. } => {
            let call = |c: &WindowCall| format!("{} = {}", name(c.output.id), c.display(name));
            let calls: Vec<String> = calls.iter().map(call).collect();
            format!("Window {}", calls.join(", "))
        }
        LogicalPlan::Distinct { on, .. } => match on {
            Some(on) => format!("Distinct on {}", on.iter().map(|id| name(*id)).collect::<Vec<_>>().join(", ")),
            None => "Distinct".into(),
        },
        LogicalPlan::Sort { keys, .. } => {
            format!("Sort {}", keys.iter().map(|k| sort_key(k, name)).collect::<Vec<_>>().join(", "))
        }
        LogicalPlan::Unnest { lists, ordinality, outer, .. } => {
            let made = lists.iter().map(|(def, list)| format!("{} := {}", name(def.id), list.display(name)));
            let made = made.chain(ordinality.iter().map(|def| format!("{} := ordinality", name(def.id))));
            format!("Unnest{} {}", if *outer { " outer" } else { "" }, made.collect::<Vec<_>>().join(", "))
        }
        LogicalPlan::Limit { limit, offset, .. } => match (limit, offset) {
            (Some(limit), 0) => format!("Limit {limit}"),
            (Some(limit), offset) => format!("Limit {limit} offset {offset}"),
            (None, offset) => format!("Offset {offset}"),
        },
        LogicalPlan::Union { columns, .. } => format!("Union {}", defs(columns)),
        LogicalPlan::SetOperation { kind, all, columns, .. } => {
            let word = match kind {
                SetKind::Intersect => "Intersect",
                SetKind::Except => "Except",
            };
            format!("{word}{} {}", if *all { " all" } else { "" }, defs(columns))
        }
    }
}

fn join_word(kind: JoinKind, name: &dyn Fn(ColumnId) -> String) -> String {
    match kind {
        JoinKind::Inner => "Inner".into(),
        JoinKind::Left => "Left".into(),
        JoinKind::Right => "Right".into(),
        JoinKind::Full => "Full".into(),
        JoinKind::Cross => "Cross".into(),
        JoinKind::Semi => "Semi".into(),
        JoinKind::Anti => "Anti".into(),
        JoinKind::Mark(id) => format!("Mark {}", name(id)),
        JoinKind::Single => "Single".into(),
        JoinKind::AsOf { outer } => if outer { "AsOf left" } else { "AsOf" }.into(),
    }
}

fn aggregate(call: &Aggregate, name: &dyn Fn(ColumnId) -> String) -> String {
    let args: Vec<String> = call.args.iter().map(|(id, _)| name(*id)).collect();
    let distinct = if call.distinct { "DISTINCT " } else { "" };
    let filter = call.filter.map_or(String::new(), |id| format!(" FILTER {}", name(id)));
    let constants = call.constants.iter().map(|c| format!(", {}", constant(c))).collect::<String>();
    let order: Vec<String> = call.order_by.iter().map(|(key, _)| sort_key(key, name)).collect();
    let order = if order.is_empty() { String::new() } else { format!(" ORDER BY {}", order.join(", ")) };
    let args = args.join(", ");
    format!("{} = {}({distinct}{args}{constants}{order}){filter}", name(call.output.id), call.function)
}

/// A constant argument of an aggregate.
fn constant(value: &Value) -> String {
    match value {
        Value::Int(number) => number.to_string(),
        Value::Float(number) => number.to_string(),
        Value::Varchar(text) => format!("'{}'", text.replace('\'', "''")),
        Value::List(items) => format!("[{}]", items.iter().map(constant).collect::<Vec<_>>().join(", ")),
        _ => "NULL".into(),
    }
}

fn sort_key(key: &SortKey, name: &dyn Fn(ColumnId) -> String) -> String {
    let descending = if key.descending { " DESC" } else { "" };
    let nulls = if key.nulls_first { " NULLS FIRST" } else { "" };
    format!("{}{descending}{nulls}", name(key.column))
}
