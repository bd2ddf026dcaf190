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
        ("date_part" | "datepart", 2) if matches!(args[0].dtype, DataType::List(_)) => parts_of_date(args, place)?,
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

/// The constant texts of a list that is written out.
fn texts_of(list: &Expr) -> Option<Vec<String>> {
    let ExprKind::Call { function, args } = &list.kind else { return None };
    let text = |arg: &Expr| match &arg.kind {
        ExprKind::Literal(Value::Varchar(text)) => Some(text.clone()),
        _ => None,
    };
    args.iter().map(text).collect::<Option<Vec<_>>>().filter(|texts| function == "list_value" && !texts.is_empty())
}

/// `date_part(['year', 'month'], date)`: a struct of the parts.
fn parts_of_date(mut args: Vec<Expr>, place: Option<Span>) -> Result<Expr> {
    let date = args.remove(1);
    let list = args.remove(0);
    let names = texts_of(&list).ok_or_else(|| {
        Diagnostic::new(ErrorCode::InvalidArguments, "the parts must be a list of constant texts")
            .at(list.span.or(place))
            .hint("such as date_part(['year', 'month'], day)")
    })?;
    let mut fields = Vec::with_capacity(names.len());
    for name in names {
        let part = Expr::literal(Value::Varchar(name.clone()), DataType::Varchar).at(list.span);
        let value = scalar("date_part", vec![part, date.clone()], place)?;
        let whole = !matches!(name.to_lowercase().as_str(), "epoch" | "julian");
        fields.push((name, if whole { cast(value, DataType::BigInt, false)? } else { value }));
    }
    Ok(pack(fields, place)?.at(place))
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
    let names = texts_of(&list).ok_or_else(wrong)?;
    if let ExprKind::Literal(Value::Varchar(pattern)) = &args[1].kind
        && let Some(groups) = functions::groups_of(pattern).filter(|groups| *groups < names.len())
    {
        let message = format!("there are {} names for the groups, and the pattern has {groups}", names.len());
        return Err(Diagnostic::new(ErrorCode::InvalidArguments, message)
            .at(list.span.or(place))
            .hint("a group is what stands between ( and ) in the pattern"));
    }
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
