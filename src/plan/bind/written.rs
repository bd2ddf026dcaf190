//! Calls that are written with other functions; `functions/list/written.rs` has them for the help.

use super::call::scalar;
use super::coerce::cast;
use super::nested::pack;
use crate::functions::{self, QueryClock};
use crate::journal::ErrorCode;
use crate::plan::expr::{Expr, ExprKind};
use crate::sql::diagnostic::{Diagnostic, Result, Span};
use crate::sql::{DataType, Value};

/// The call as other calls; gives the arguments back for a function that is not written with others.
pub(super) fn written_with_others(
    name: &str,
    mut args: Vec<Expr>,
    clock: &QueryClock,
    place: Option<Span>,
) -> Result<std::result::Result<Expr, Vec<Expr>>> {
    let bound = match (name, args.len()) {
        ("fdiv", 2) => scalar("floor", vec![scalar("/", args, place)?], place)?,
        ("days_in_month", 1) => scalar("day", vec![scalar("last_day", args, place)?], place)?,
        ("ago", 1) => {
            let now = functions::clock_value("now", clock).unwrap_or(Value::Null);
            args.insert(0, Expr::literal(now, DataType::TimestampTz).at(place));
            let interval = args.remove(1);
            args.push(cast(interval, DataType::Interval, false)?);
            scalar("-", args, place)?
        }
        ("pg_typeof", 1) => scalar("lower", vec![scalar("typeof", args, place)?], place)?,
        ("from_json" | "json_transform", 2) => from_json(args, true, place)?,
        ("from_json_strict" | "json_transform_strict", 2) => from_json(args, false, place)?,
        ("regexp_extract", 3 | 4) if matches!(args[2].dtype, DataType::List(_)) => named_groups(args, place)?,
        _ => return Ok(Err(args)),
    };
    Ok(Ok(bound))
}

/// `from_json(json, structure)`: a cast to the type that the structure names.
fn from_json(mut args: Vec<Expr>, lenient: bool, place: Option<Span>) -> Result<Expr> {
    let structure = args.remove(1);
    let json = args.remove(0);
    let text = match &structure.kind {
        ExprKind::Literal(Value::Varchar(text)) => text,
        ExprKind::Literal(Value::Null) => return Ok(Expr::literal(Value::Null, DataType::Null).at(place)),
        _ => {
            let message = "the structure must be a constant text";
            return Err(Diagnostic::new(ErrorCode::InvalidArguments, message)
                .at(structure.span.or(place))
                .hint("such as '{\"a\": \"INTEGER\", \"b\": [\"VARCHAR\"]}'"));
        }
    };
    let dtype = functions::json_structure_type(text).map_err(|part| {
        Diagnostic::new(ErrorCode::InvalidArguments, format!("the structure has a part that is no type: {part}"))
            .at(structure.span.or(place))
            .hint("json_structure shows that of a value; types are names, [..] for lists, {..} for structs")
    })?;
    Ok(cast(cast(json, DataType::Json, false)?, dtype, lenient)?.at(place))
}

/// `regexp_extract(text, pattern, ['year', 'month'])`: a struct of the groups; NULL for a NULL text.
fn named_groups(mut args: Vec<Expr>, place: Option<Span>) -> Result<Expr> {
    let options = args.split_off(3);
    let list = args.remove(2);
    let wrong = || {
        Diagnostic::new(ErrorCode::InvalidArguments, "the names of the groups must be a list of constant texts")
            .at(list.span.or(place))
            .hint("such as regexp_extract(day, '(\\d+)-(\\d+)', ['year', 'month'])")
    };
    let names: Vec<String> = match &list.kind {
        ExprKind::Call { function, args } if function == "list_value" && !args.is_empty() => {
            let name = |arg: &Expr| match &arg.kind {
                ExprKind::Literal(Value::Varchar(name)) => Some(name.clone()),
                _ => None,
            };
            args.iter().map(name).collect::<Option<_>>().ok_or_else(wrong)?
        }
        _ => return Err(wrong()),
    };
    let text = args[0].clone();
    let mut fields = Vec::with_capacity(names.len());
    for (i, name) in names.into_iter().enumerate() {
        let mut call = args.clone();
        call.push(Expr::literal(Value::Int(i as i128 + 1), DataType::Integer).at(list.span));
        call.extend(options.iter().cloned());
        fields.push((name, scalar("regexp_extract", call, place)?));
    }
    let groups = pack(fields, place)?;
    let dtype = groups.dtype.clone();
    let there =
        Expr { kind: ExprKind::IsNull { arg: Box::new(text), negated: true }, dtype: DataType::Boolean, span: place };
    let kind = ExprKind::Case { branches: vec![(there, groups)], otherwise: None };
    Ok(Expr { kind, dtype, span: place })
}
