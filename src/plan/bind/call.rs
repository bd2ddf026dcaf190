//! Calls: functions, operators and aggregates, with their arguments cast to what they take.

use super::binder::{Binder, not_supported};
use super::coerce::{adapt_among, adapt_integers, coerce, is_text_literal};
use super::expression::Clause;
use crate::functions::{self, Mismatch};
use crate::journal::ErrorCode;
use crate::plan::expr::{Expr, ExprKind};
use crate::sql::diagnostic::{Diagnostic, Result, Span};
use crate::sql::shorthand::UNPACKED;
use crate::sql::suggest::did_you_mean;
use crate::sql::{DataType, Value};
use sqlparser::ast::{self, DuplicateTreatment, FunctionArg, FunctionArgExpr, FunctionArguments};

/// Operators whose integer literals take the type of the other side.
const ARITHMETIC: &[&str] = &[
    "+",
    "-",
    "*",
    "//",
    "%",
    "&",
    "|",
    "xor",
    "<<",
    ">>",
    "=",
    "<>",
    "<",
    "<=",
    ">",
    ">=",
    "is_distinct_from",
    "is_not_distinct_from",
];

/// A call of a scalar function or operator with bound arguments.
pub(super) fn scalar(name: &str, args: Vec<Expr>, place: Option<Span>) -> Result<Expr> {
    let of: Vec<DataType> = args.iter().map(|a| a.dtype.clone()).collect();
    let name = functions::overload(name, &of);
    // `add(small, 1)` is `small + 1`.
    let canonical = functions::find(name).map_or(name, |function| function.name);
    let name = if ARITHMETIC.contains(&canonical) { canonical } else { name };
    let mut args = if ARITHMETIC.contains(&name) { adapt_integers(args) } else { args };
    match canonical {
        "coalesce" | "ifnull" | "greatest" | "least" => adapt_among(args.iter_mut()),
        "if" => adapt_among(args.iter_mut().skip(1)),
        _ => {}
    }
    let types: Vec<DataType> = args.iter().map(|a| a.dtype.clone()).collect();
    let resolved = functions::resolve(name, &types).or_else(|mismatch| {
        // A quoted text is text first; where that does not fit it is whatever the function wants.
        if !args.iter().any(is_text_literal) {
            return Err(mismatch);
        }
        let open: Vec<DataType> =
            args.iter().map(|a| if is_text_literal(a) { DataType::Null } else { a.dtype.clone() }).collect();
        functions::resolve(name, &open).map_err(|_| mismatch)
    });
    let (function, mut signature) = resolved.map_err(|mismatch| no_match(name, &types, mismatch, place))?;
    let args: Vec<Expr> = args.into_iter().zip(&signature.args).map(|(arg, to)| coerce(arg, to)).collect();
    functions::refine_result(function, &mut signature, &args.iter().map(constant).collect::<Vec<_>>());
    Ok(Expr::call(function.name, args, signature.result).at(place))
}

/// The value of a literal argument.
fn constant(expr: &Expr) -> Option<&Value> {
    match &expr.kind {
        ExprKind::Literal(value) => Some(value),
        _ => None,
    }
}

fn type_list(types: &[DataType]) -> String {
    types.iter().map(DataType::to_string).collect::<Vec<_>>().join(", ")
}

/// FUNCTION_NOT_FOUND or TYPE_MISMATCH, in the words that fit a function, an operator or a comparison.
pub(super) fn no_match(name: &str, types: &[DataType], mismatch: Mismatch, place: Option<Span>) -> Diagnostic {
    match mismatch {
        Mismatch::Unknown { similar } => {
            let error =
                Diagnostic::new(ErrorCode::FunctionNotFound, format!("function \"{name}\" does not exist")).at(place);
            error.hint(did_you_mean(&similar).unwrap_or_else(|| "SHOW FUNCTIONS lists them".into()))
        }
        Mismatch::Arguments { expected } => {
            let is_word = name.chars().all(|c| c.is_alphanumeric() || c == '_');
            let is_comparison = matches!(name, "=" | "<>" | "<" | "<=" | ">" | ">=") || name.starts_with("is_");
            let message = match types {
                [one] if name == "neg" => format!("-{one} has no meaning"),
                [left, right] if is_comparison => format!("{left} and {right} cannot be compared"),
                [left, right] if !is_word => format!("{left} {name} {right} has no meaning"),
                _ => format!("{name} does not take ({})", type_list(types)),
            };
            let hint = if is_comparison {
                "CAST one of them to the type of the other".to_string()
            } else {
                format!("it takes {expected}; a CAST may help")
            };
            Diagnostic::new(ErrorCode::TypeMismatch, message).at(place).hint(hint)
        }
    }
}

impl<'q> Binder<'q> {
    /// A call as it was written.
    pub fn function(&mut self, call: &'q ast::Function, clause: Clause) -> Result<Expr> {
        let name_place = self.span_of(&call.name);
        let place = self.call_span(name_place);
        let [ast::ObjectNamePart::Identifier(name)] = &call.name.0[..] else {
            return Err(not_supported("functions of a schema", place));
        };
        let name = name.value.to_lowercase();
        if super::star::is_columns(call) {
            return self.columns_call(place);
        }
        if name == UNPACKED {
            let message = "*COLUMNS(...) stands among the arguments of a function of one row";
            return Err(Diagnostic::new(ErrorCode::InvalidArguments, message).at(place));
        }
        if let ("array", FunctionArguments::Subquery(query)) = (name.as_str(), &call.args) {
            return self.array_of(query);
        }
        if let Some(over) = &call.over {
            return self.window_call(&name, call, over, clause, place);
        }
        if call.within_group.is_empty() && functions::windows::find_window(&name).is_some_and(|f| f.name == name) {
            return Err(Diagnostic::new(ErrorCode::InvalidArguments, format!("{name} needs a window"))
                .at(place)
                .hint(format!("write {name}(...) OVER (ORDER BY ...)")));
        }
        let treats_nulls = call.null_treatment.is_some() && clause != Clause::Window;
        if treats_nulls || !matches!(call.parameters, FunctionArguments::None) {
            return Err(not_supported("this form of a call", place));
        }
        if !call.within_group.is_empty() && super::hypothetical::is_hypothetical(&name) {
            return self.hypothetical(&name, call, clause, place);
        }
        if functions::aggregates::is_aggregate(&name) {
            return self.aggregate(&name, call, clause, place);
        }
        if !call.within_group.is_empty() {
            let message = format!("WITHIN GROUP belongs to an aggregate, and {name} is none");
            return Err(Diagnostic::new(ErrorCode::InvalidArguments, message).at(place));
        }
        if call.filter.is_some() {
            let message = format!("FILTER belongs to an aggregate, and {name} is none");
            return Err(Diagnostic::new(ErrorCode::InvalidArguments, message).at(place));
        }
        if name == "unnest" {
            return self.unnest(call, clause, place);
        }
        if let FunctionArguments::List(list) = &call.args
            && let Some(function) = super::lambda::canonical(&name)
        {
            return self.lambda_call(function, &list.args, place, clause);
        }
        if let FunctionArguments::List(list) = &call.args
            && let Some(bound) = self.structural_call(&name, &list.args, place, clause)?
        {
            return Ok(bound);
        }
        let arguments = arguments(&call.args, place)?;
        if arguments.distinct {
            let message = format!("DISTINCT belongs to an aggregate, and {name} is none");
            return Err(Diagnostic::new(ErrorCode::InvalidArguments, message).at(place));
        }
        if arguments.star {
            let message = format!("{name}(*) has no meaning");
            return Err(Diagnostic::new(ErrorCode::InvalidArguments, message).at(place));
        }
        if matches!(name.as_str(), "grouping" | "grouping_id") {
            return self.grouping_call(arguments.exprs, clause, place);
        }
        let mut args = Vec::with_capacity(arguments.exprs.len());
        for arg in arguments.exprs {
            match self.unpacked_columns(arg)? {
                Some(columns) => args.extend(columns),
                None => args.push(self.expression(arg, clause)?),
            }
        }
        match name.as_str() {
            "try" => check_try(&args, place)?,
            "setseed" => {
                return Err(not_supported("setseed", place)
                    .hint("random() is fixed for a query already: --seed gives the same numbers in every session"));
            }
            _ => {}
        }
        if name == "getvariable" && !matches!(&args[..], [Expr { kind: ExprKind::Literal(Value::Varchar(_)), .. }]) {
            return Err(Diagnostic::new(ErrorCode::InvalidArguments, "getvariable takes a name in quotes")
                .at(place)
                .hint("SET VARIABLE a = 1; and then getvariable('a')"));
        }
        if name == "getvariable"
            && let [Expr { kind: ExprKind::Literal(Value::Varchar(variable)), .. }] = &args[..]
        {
            let (dtype, value) = self.context.tables.variable(variable).unwrap_or((DataType::Null, Value::Null));
            return Ok(Expr::literal(value, dtype).at(place));
        }
        let args = match super::written::written_with_others(&name, args, &self.context.clock, place)? {
            Ok(bound) => return Ok(bound),
            Err(args) => args,
        };
        let (name, args) = super::dates::as_written(name, args, &self.context.clock);
        let bound = scalar(&name, args, place).map_err(|error| match error.code {
            ErrorCode::FunctionNotFound => Diagnostic { span: name_place, ..error },
            _ => error,
        })?;
        // What reads the clock is one constant for the whole query.
        Ok(match &bound.kind {
            ExprKind::Call { function, .. } => match functions::clock_value(function, &self.context.clock) {
                Some(value) => Expr::literal(value, bound.dtype).at(place),
                None => bound,
            },
            _ => bound,
        })
    }
}

/// TRY computes again what failed: that has to give the same, and to be computed where the TRY is.
fn check_try(args: &[Expr], place: Option<Span>) -> Result<()> {
    let mut problem = None;
    for arg in args {
        arg.walk(&mut |part| {
            let volatile = match &part.kind {
                ExprKind::Call { function, .. } => functions::find(function).filter(|f| f.is_volatile()),
                _ => None,
            };
            if let Some(function) = volatile {
                let message = format!("TRY cannot be used with {}, which differs every time", function.name);
                problem = Some((message, part.span));
            } else if part.subquery().is_some() {
                problem = Some(("TRY cannot be used with a subquery".to_string(), part.span));
            }
        });
    }
    match problem {
        Some((message, span)) => Err(Diagnostic::new(ErrorCode::InvalidArguments, message).at(span.or(place))),
        None => Ok(()),
    }
}

/// Arguments as they were written.
pub(super) struct Arguments<'q> {
    pub exprs: Vec<&'q ast::Expr>,
    pub distinct: bool,
    pub star: bool,
}

pub(super) fn arguments(args: &FunctionArguments, place: Option<Span>) -> Result<Arguments<'_>> {
    let list = match args {
        FunctionArguments::None => return Ok(Arguments { exprs: Vec::new(), distinct: false, star: false }),
        FunctionArguments::Subquery(_) => return Err(not_supported("a query as the argument of a function", place)),
        FunctionArguments::List(list) => list,
    };
    if !list.clauses.is_empty() {
        return Err(not_supported("clauses inside the brackets of a call", place));
    }
    list_arguments(list, place)
}

/// The arguments of a list, whatever clauses stand behind them.
pub(super) fn list_arguments(list: &ast::FunctionArgumentList, place: Option<Span>) -> Result<Arguments<'_>> {
    let mut exprs = Vec::new();
    let mut star = false;
    for arg in &list.args {
        match arg {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => exprs.push(expr),
            FunctionArg::Unnamed(FunctionArgExpr::Wildcard) => star = true,
            _ => return Err(not_supported("named arguments", place)),
        }
    }
    Ok(Arguments { exprs, distinct: list.duplicate_treatment == Some(DuplicateTreatment::Distinct), star })
}
