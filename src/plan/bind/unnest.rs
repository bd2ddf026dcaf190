//! UNNEST, and the table functions that are an UNNEST of a list: `range` and `generate_series`.

use super::binder::{Binder, not_supported};
use super::call::scalar;
use super::coerce::coerce;
use super::expression::Clause;
use super::nested::columns_of;
use super::scope::{Relation, ScopeColumn};
use crate::journal::ErrorCode;
use crate::plan::expr::{ColumnDef, Expr, ExprKind};
use crate::plan::logical::{JoinKind, LogicalPlan};
use crate::sql::diagnostic::{Diagnostic, Result, Span};
use crate::sql::{DataType, Value};
use sqlparser::ast::{self, FunctionArg, FunctionArgExpr};

/// The arguments of `unnest(list, ... [, recursive := true] [, max_depth := 2])`.
struct Arguments<'q> {
    lists: Vec<&'q ast::Expr>,
    /// Through how many lists and structs it goes, one in the other.
    levels: usize,
}

fn arguments(args: &[FunctionArg], place: Option<Span>) -> Result<Arguments<'_>> {
    let wrong = |what: &str| Diagnostic::new(ErrorCode::InvalidArguments, what.to_string()).at(place);
    let mut found = Arguments { lists: Vec::new(), levels: 1 };
    for arg in args {
        let (name, value) = match arg {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(list)) => {
                found.lists.push(list);
                continue;
            }
            FunctionArg::Named { name, arg: FunctionArgExpr::Expr(value), .. } => (name.value.as_str(), value),
            FunctionArg::ExprNamed { name: ast::Expr::Identifier(name), arg: FunctionArgExpr::Expr(value), .. } => {
                (name.value.as_str(), value)
            }
            _ => return Err(wrong("unnest takes lists")),
        };
        match (name.to_lowercase().as_str(), value) {
            ("recursive", ast::Expr::Value(value)) if value.value == ast::Value::Boolean(true) => {
                found.levels = usize::MAX;
            }
            ("recursive", ast::Expr::Value(value)) if value.value == ast::Value::Boolean(false) => {}
            ("max_depth", ast::Expr::Value(value)) => match &value.value {
                ast::Value::Number(digits, _) if digits.parse::<usize>().is_ok_and(|levels| levels > 0) => {
                    found.levels = digits.parse().unwrap_or(1);
                }
                _ => return Err(wrong("max_depth is a number from 1")),
            },
            _ => return Err(not_supported(format!("unnest with {name}"), place)),
        }
    }
    if found.lists.is_empty() { Err(wrong("unnest takes a list")) } else { Ok(found) }
}

fn needs_list(list: &Expr, place: Option<Span>) -> Diagnostic {
    Diagnostic::new(ErrorCode::TypeMismatch, format!("unnest needs a list or a struct, and this is {}", list.dtype))
        .at(list.span.or(place))
}

/// A single row of no columns.
fn unit() -> LogicalPlan {
    LogicalPlan::Values { columns: Vec::new(), rows: vec![Vec::new()] }
}

/// The fields of a struct, and those of the structs in it down to that many levels. None for no level, and for no struct.
fn spread(of: &Expr, levels: usize) -> Option<Vec<(String, Expr)>> {
    let below = levels.checked_sub(1)?;
    let fields = columns_of(of)?;
    let inner = |(name, field): (String, Expr)| spread(&field, below).unwrap_or_else(|| vec![(name, field)]);
    Some(fields.into_iter().flat_map(inner).collect())
}

impl<'q> Binder<'q> {
    /// `unnest(list)` in a select list: the column of its elements, which this SELECT makes behind its groups and windows.
    pub fn unnest(&mut self, call: &'q ast::Function, clause: Clause, place: Option<Span>) -> Result<Expr> {
        let mut columns = self.unnest_columns(call, clause, place)?;
        match (columns.pop(), columns.is_empty()) {
            (Some((_, column)), true) => Ok(column),
            _ => Err(Diagnostic::new(ErrorCode::InvalidArguments, "unnest of a struct gives several columns")
                .at(place)
                .hint("write it alone in the select list")),
        }
    }

    /// The columns that an `unnest` of the select list stands for; those of a struct have the names of its fields.
    pub fn unnest_columns(
        &mut self,
        call: &'q ast::Function,
        clause: Clause,
        place: Option<Span>,
    ) -> Result<Vec<(Option<String>, Expr)>> {
        if !matches!(clause, Clause::Select | Clause::OrderBy) {
            return Err(
                Diagnostic::new(ErrorCode::InvalidArguments, "unnest stands in a select list or in FROM").at(place)
            );
        }
        let ast::FunctionArguments::List(list) = &call.args else {
            return Err(Diagnostic::new(ErrorCode::InvalidArguments, "unnest takes a list").at(place));
        };
        let written = arguments(&list.args, place)?;
        let [list] = written.lists[..] else {
            return Err(Diagnostic::new(ErrorCode::InvalidArguments, "unnest of several lists stands in FROM")
                .at(place)
                .hint("in a select list write one unnest beside the other"));
        };
        let list = self.expression(list, clause)?;
        if let Some(fields) = spread(&list, written.levels) {
            return Ok(fields.into_iter().map(|(name, field)| (Some(name), field)).collect());
        }
        let (list, below) = flat(list, written.levels, place)?;
        let Some(item) = list.dtype.item() else { return Err(needs_list(&list, place)) };
        let made_here = |id| self.scopes.last().is_some_and(|s| s.unnests.iter().any(|(def, _)| def.id == id));
        if list.columns().into_iter().any(made_here) {
            return Err(Diagnostic::new(ErrorCode::InvalidArguments, "an unnest cannot stand in another")
                .at(place)
                .hint("unnest(list, recursive := true) goes through all levels"));
        }
        let def = self.column("unnest", item);
        let column = Expr::column(def.id, def.dtype.clone()).at(place);
        let Some(scope) = self.scopes.last_mut() else {
            return Err(Diagnostic::new(ErrorCode::InvalidArguments, "unnest cannot stand here").at(place));
        };
        scope.unnests.push((def, list));
        Ok(match spread(&column, below) {
            Some(fields) => fields.into_iter().map(|(name, field)| (Some(name), field)).collect(),
            None => vec![(None, column)],
        })
    }

    /// `FROM unnest(...)`, `FROM range(...)`, `FROM generate_series(...)`; None for every other function.
    pub fn list_table(
        &mut self,
        function: &str,
        args: &'q [FunctionArg],
        with_ordinality: bool,
        place: Option<Span>,
    ) -> Result<Option<(LogicalPlan, Vec<Relation>)>> {
        let lists: Vec<(Expr, usize)> = match function {
            "unnest" => {
                let written = arguments(args, place)?;
                let bound = written.lists.into_iter().map(|list| self.expression(list, Clause::Values));
                bound.map(|list| flat(list?, written.levels, place)).collect::<Result<_>>()?
            }
            "range" | "generate_series" | "sequence" => {
                let mut bound = Vec::with_capacity(args.len());
                for arg in args {
                    match arg {
                        FunctionArg::Unnamed(FunctionArgExpr::Expr(arg)) => {
                            bound.push(self.expression(arg, Clause::Values)?);
                        }
                        _ => return Err(not_supported(format!("{function} with named arguments"), place)),
                    }
                }
                if let Some(Expr { kind: ExprKind::Literal(Value::Int(0)), span, .. }) = bound.get(2) {
                    let message = format!("the step of {function} cannot be 0");
                    return Err(Diagnostic::new(ErrorCode::InvalidArguments, message).at(span.or(place)));
                }
                vec![(scalar(function, bound, place)?, 0)]
            }
            _ => return Ok(None),
        };
        let mut made: Vec<(ColumnDef, Expr)> = Vec::with_capacity(lists.len());
        let mut below = Vec::with_capacity(lists.len() + 1);
        for (list, levels) in lists {
            below.push(levels);
            let Some(item) = list.dtype.item() else { return Err(needs_list(&list, place)) };
            let name = if made.is_empty() { function.to_string() } else { format!("{function}_{}", made.len()) };
            made.push((self.column(name, item), list));
        }
        let ordinality = with_ordinality.then(|| self.column("ordinality", DataType::BigInt));
        let shown: Vec<ColumnDef> = made.iter().map(|(def, _)| def).chain(&ordinality).cloned().collect();
        let mut plan = LogicalPlan::Unnest { input: Box::new(unit()), lists: made, ordinality, outer: false };
        let mut columns = Vec::new();
        let mut computed = Vec::new();
        // The ordinality is no struct.
        below.push(0);
        for (def, levels) in shown.into_iter().zip(below) {
            let column = Expr::column(def.id, def.dtype.clone());
            for (name, field) in spread(&column, levels).unwrap_or(vec![(def.name.clone(), column)]) {
                let known = field.as_column().map(|_| def.clone());
                let field_def = known.unwrap_or_else(|| self.column(name.clone(), field.dtype.clone()));
                columns.push(ScopeColumn::plain(name, field_def.id, field_def.dtype.clone()));
                computed.push((field_def, field));
            }
        }
        if computed.iter().any(|(_, field)| field.as_column().is_none()) {
            plan = LogicalPlan::Project { input: Box::new(plan), columns: computed };
        }
        Ok(Some((plan, vec![Relation { name: vec![function.to_string()], columns }])))
    }
}

/// A list to unnest, the lists in it gone through down to that many levels; and how many levels are left.
fn flat(list: Expr, levels: usize, place: Option<Span>) -> Result<(Expr, usize)> {
    let mut list = match list.dtype {
        DataType::Null => coerce(list, &DataType::Null.list_of()),
        _ => list,
    };
    let mut below = levels.saturating_sub(1);
    while below > 0 && matches!(&list.dtype, DataType::List(item) if matches!(**item, DataType::List(_))) {
        list = scalar("flatten", vec![list], place)?;
        below -= 1;
    }
    if matches!(list.dtype, DataType::List(_)) { Ok((list, below)) } else { Err(needs_list(&list, place)) }
}

/// The rows of `plan` once for every element of these lists.
pub(super) fn unnested(plan: LogicalPlan, lists: Vec<(ColumnDef, Expr)>) -> LogicalPlan {
    if lists.is_empty() {
        return plan;
    }
    LogicalPlan::Unnest { input: Box::new(plan), lists, ordinality: None, outer: false }
}

/// An UNNEST on the right side of a join that reads columns of the left goes over the left rows themselves: no join is left.
/// Err gives the sides back where that is not so.
pub(super) fn lateral(
    left: LogicalPlan,
    right: LogicalPlan,
    kind: JoinKind,
    on: &Option<Expr>,
) -> std::result::Result<LogicalPlan, Box<(LogicalPlan, LogicalPlan)>> {
    let always = on.as_ref().is_none_or(|on| matches!(on.kind, ExprKind::Literal(Value::Boolean(true))));
    let outer = match kind {
        JoinKind::Cross | JoinKind::Inner => false,
        JoinKind::Left if always => true,
        _ => return Err(Box::new((left, right))),
    };
    let of_left = left.columns();
    match right {
        LogicalPlan::Unnest { input, lists, ordinality, outer: false }
            if matches!(&*input, LogicalPlan::Values { columns, rows } if columns.is_empty() && rows.len() == 1)
                && lists.iter().flat_map(|(_, list)| list.columns()).any(|id| of_left.iter().any(|c| c.id == id)) =>
        {
            let plan = LogicalPlan::Unnest { input: Box::new(left), lists, ordinality, outer };
            Ok(match on {
                Some(on) if !always => LogicalPlan::Filter { input: Box::new(plan), predicate: on.clone() },
                _ => plan,
            })
        }
        right => Err(Box::new((left, right))),
    }
}
