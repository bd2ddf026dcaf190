//! Functions, operators and casts against DuckDB's own answers (tests/functions.txt), as constants and over columns.

use faultlab::functions::{
    self, QueryClock, can_cast, cast_value, column_of, format_value, parse_type, resolve, value_at,
};
use faultlab::journal::{ErrorCode, TaskError};
use faultlab::kernel::expr::CompiledExpr;
use faultlab::plan::{ColumnId, Expr, ExprKind, fold};
use faultlab::sql::{DataType, Span, Value};
use polars::prelude::{Column, DataFrame};

const CLOCK: QueryClock = QueryClock { now_us: 1_700_000_000_000_000, seed: 42, zone: chrono_tz::UTC };

/// `type=text` or `type NULL`.
fn parse_value(written: &str) -> (DataType, Value) {
    if let Some(t) = written.strip_suffix(" NULL") {
        return (parse_type(t).unwrap_or(DataType::Null), Value::Null);
    }
    let (t, text) = written.split_once('=').expect("type=value");
    let t = parse_type(t).unwrap_or_else(|| panic!("type {t}"));
    let value = cast_value(&Value::Varchar(text.to_string()), &DataType::Varchar, &t).expect("a value of its type");
    (t, value)
}

fn cast_to(arg: Expr, to: &DataType) -> Expr {
    if arg.dtype == *to {
        return arg;
    }
    Expr { kind: ExprKind::Cast { arg: Box::new(arg), lenient: false }, dtype: to.clone(), span: None }
}

/// The call as the binder builds it: arguments cast to what the signature asks for.
fn bind(name: &str, args: Vec<Expr>) -> Option<Expr> {
    let types: Vec<DataType> = args.iter().map(|arg| arg.dtype.clone()).collect();
    let (function, signature) = resolve(name, &types).ok()?;
    let args = args.into_iter().zip(&signature.args).map(|(arg, t)| cast_to(arg, t)).collect();
    Some(Expr::call(function.name, args, signature.result))
}

fn show(value: &Value, t: &DataType) -> String {
    match value {
        Value::Null => format!("{t} NULL"),
        value => format!("{t}={}", format_value(value, t)),
    }
}

/// Evaluates over a frame and shows the value in each row.
fn evaluate(expr: &Expr, frame: &DataFrame) -> Result<Vec<String>, TaskError> {
    let column = CompiledExpr::compile(expr)?.evaluate(frame, &CLOCK)?;
    assert_eq!(*column.dtype(), expr.dtype.physical(), "physical type");
    let at = |row: usize| if column.len() == 1 { 0 } else { row };
    Ok((0..frame.height()).map(|row| show(&value_at(&column, &expr.dtype, at(row)), &expr.dtype)).collect())
}

/// Floating point is the same within 1e-12.
fn same(ours: &str, theirs: &str) -> bool {
    if ours == theirs {
        return true;
    }
    match (ours.strip_prefix("DOUBLE="), theirs.strip_prefix("DOUBLE=")) {
        (Some(a), Some(b)) => match (a.parse::<f64>(), b.parse::<f64>()) {
            (Ok(a), Ok(b)) => (a - b).abs() <= 1e-12 * b.abs(),
            _ => false,
        },
        _ => false,
    }
}

/// Builds the expression of a line over literals, or over the columns c0, c1, ...
fn expression(parts: &[&str], leaf: impl Fn(usize, &str) -> Expr) -> Option<Expr> {
    match parts {
        ["cast", value, to] => {
            let arg = leaf(0, value);
            let to = parse_type(to)?;
            can_cast(&arg.dtype, &to).then(|| cast_to(arg, &to))
        }
        [name, args @ ..] => bind(name, args.iter().enumerate().map(|(i, arg)| leaf(i, arg)).collect()),
        [] => None,
    }
}

#[test]
fn answers_are_duckdbs_for_constants_and_for_columns() {
    let mut wrong = Vec::new();
    for line in include_str!("functions.txt").lines().filter(|line| !line.starts_with('#')) {
        let (call, expected) = line.rsplit_once(" -> ").expect("call -> answer");
        let parts: Vec<&str> = call.split(" | ").collect();
        let values = if parts[0] == "cast" { &parts[1..2] } else { &parts[1..] };
        let literal = |_: usize, written: &str| {
            let (t, value) = parse_value(written);
            Expr::literal(value, t)
        };
        let column = |i: usize, written: &str| Expr::column(ColumnId(i as u32), parse_value(written).0);
        let one_row = DataFrame::new(1, vec![]).unwrap();
        let constant = expression(&parts, literal).map(|e| evaluate(&fold(e, &CLOCK), &one_row));
        let constant = match constant {
            Some(Ok(rows)) => rows[0].clone(),
            Some(Err(TaskError::User { .. })) | None => "error".to_string(),
            Some(Err(other)) => format!("{other:?}"),
        };
        if !same(&constant, expected) {
            wrong.push(format!("{line}\n    constant: {constant}"));
            continue;
        }
        // The value in the rows 0 and 2, NULL in row 1.
        let frame_columns: Vec<Column> = values
            .iter()
            .enumerate()
            .map(|(i, written)| {
                let (t, value) = parse_value(written);
                let mut column = column_of(&value, &t).unwrap();
                column.append(&column_of(&Value::Null, &t).unwrap()).unwrap();
                column.append(&column_of(&value, &t).unwrap()).unwrap();
                column.with_name(format!("c{i}").as_str().into())
            })
            .collect();
        let frame = DataFrame::new(3, frame_columns).unwrap();
        match expression(&parts, column).map(|e| evaluate(&e, &frame)) {
            Some(Ok(rows)) => {
                if !same(&rows[0], expected) || rows[0] != rows[2] {
                    wrong.push(format!("{line}\n    column: {rows:?}"));
                }
            }
            Some(Err(TaskError::User { .. })) | None if expected == "error" => {}
            Some(Err(error)) => wrong.push(format!("{line}\n    column: {error:?}")),
            None => wrong.push(format!("{line}\n    column: does not bind")),
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

fn integers(values: &[Option<i32>]) -> DataFrame {
    let column: polars::prelude::Int32Chunked = values.iter().copied().collect();
    DataFrame::new(values.len(), vec![polars::prelude::IntoColumn::into_column(column.with_name("c0".into()))]).unwrap()
}

fn c0() -> Expr {
    Expr::column(ColumnId(0), DataType::Integer)
}

fn integer(value: i32) -> Expr {
    Expr::literal(Value::Int(value.into()), DataType::Integer)
}

/// `10 // c0 > 1`
fn fallible() -> Expr {
    let quotient = bind("//", vec![integer(10), c0()]).unwrap().at(Span { start: 3, end: 9 });
    bind(">", vec![quotient, integer(1)]).unwrap()
}

fn boolean(kind: ExprKind) -> Expr {
    Expr { kind, dtype: DataType::Boolean, span: None }
}

#[test]
fn an_error_points_at_the_expression_that_failed() {
    let error = evaluate(&fallible(), &integers(&[Some(2), Some(0)])).unwrap_err();
    assert_eq!(error.code(), ErrorCode::DivisionByZero);
    assert_eq!(error.message(), "Division by zero in 10 // 0");
    assert!(matches!(error, TaskError::User { span: Some(Span { start: 3, end: 9 }), .. }));
}

#[test]
fn a_guard_keeps_rows_from_what_would_fail_on_them() {
    let frame = integers(&[Some(2), Some(0), None, Some(20)]);
    let not_zero = bind("<>", vec![c0(), integer(0)]).unwrap();
    let and = boolean(ExprKind::And(vec![not_zero.clone(), fallible()]));
    assert_eq!(evaluate(&and, &frame).unwrap(), ["BOOLEAN=true", "BOOLEAN=false", "BOOLEAN NULL", "BOOLEAN=false"]);
    let zero = boolean(ExprKind::Not(Box::new(not_zero.clone())));
    let or = boolean(ExprKind::Or(vec![zero, fallible()]));
    assert_eq!(evaluate(&or, &frame).unwrap(), ["BOOLEAN=true", "BOOLEAN=true", "BOOLEAN NULL", "BOOLEAN=false"]);
    let case = boolean(ExprKind::Case { branches: vec![(not_zero.clone(), fallible())], otherwise: None });
    assert_eq!(evaluate(&case, &frame).unwrap(), ["BOOLEAN=true", "BOOLEAN NULL", "BOOLEAN NULL", "BOOLEAN=false"]);
    // The other way round nothing guards.
    let unguarded = boolean(ExprKind::And(vec![fallible(), not_zero]));
    assert!(evaluate(&unguarded, &frame).is_err());
    let mask = CompiledExpr::compile(&and).unwrap().evaluate_mask(&frame, &CLOCK).unwrap();
    assert_eq!(mask.iter().collect::<Vec<_>>(), [Some(true), Some(false), Some(false), Some(false)]);
}

#[test]
fn coalesce_looks_at_its_second_argument_only_where_the_first_is_null() {
    let quotient = bind("//", vec![integer(10), integer(0)]).unwrap();
    let coalesce = bind("coalesce", vec![c0(), quotient]).unwrap();
    assert_eq!(evaluate(&coalesce, &integers(&[Some(1), Some(2)])).unwrap(), ["INTEGER=1", "INTEGER=2"]);
    assert!(evaluate(&coalesce, &integers(&[Some(1), None])).is_err());
}

#[test]
fn in_lists_have_null_logic() {
    let frame = integers(&[Some(1), Some(3), None]);
    let null = Expr::literal(Value::Null, DataType::Integer);
    let list = |items: Vec<Expr>, negated| boolean(ExprKind::InList { arg: Box::new(c0()), items, negated });
    let show = |items, negated| evaluate(&list(items, negated), &frame).unwrap();
    assert_eq!(show(vec![integer(1), integer(2)], false), ["BOOLEAN=true", "BOOLEAN=false", "BOOLEAN NULL"]);
    assert_eq!(show(vec![integer(1), null.clone()], false), ["BOOLEAN=true", "BOOLEAN NULL", "BOOLEAN NULL"]);
    assert_eq!(show(vec![integer(1), null], true), ["BOOLEAN=false", "BOOLEAN NULL", "BOOLEAN NULL"]);
    assert_eq!(show(vec![integer(1), c0()], true), ["BOOLEAN=false", "BOOLEAN=false", "BOOLEAN NULL"]);
}

#[test]
fn an_empty_batch_gives_an_empty_column() {
    let frame = integers(&[]);
    for expr in
        [bind("+", vec![c0(), integer(1)]).unwrap(), bind("coalesce", vec![c0(), integer(1)]).unwrap(), fallible()]
    {
        assert_eq!(evaluate(&expr, &frame).unwrap(), Vec::<String>::new());
    }
}

#[test]
fn folding_leaves_what_fails_and_answers_the_clock() {
    let fails = bind("//", vec![integer(1), integer(0)]).unwrap();
    assert_eq!(fold(fails.clone(), &CLOCK), fails);
    let today = fold(bind("current_date", vec![]).unwrap(), &CLOCK);
    assert_eq!(today.kind, ExprKind::Literal(Value::Int(19_675)));
    let always = boolean(ExprKind::Or(vec![Expr::boolean(true), fallible()]));
    assert_eq!(fold(always, &CLOCK).kind, ExprKind::Literal(Value::Boolean(true)));
}

#[test]
fn every_function_has_a_help_line_and_can_be_found_in_any_case() {
    for function in functions::all() {
        assert!(!function.help.is_empty() && !function.example.is_empty(), "{}", function.name);
        for name in std::iter::once(&function.name).chain(function.aliases) {
            assert_eq!(functions::find(&name.to_uppercase()).map(|found| found.name), Some(function.name), "{name}");
        }
    }
    match resolve("lenght", &[DataType::Varchar]) {
        Err(functions::Mismatch::Unknown { similar }) => assert_eq!(similar[0], "length"),
        other => panic!("{other:?}"),
    }
}
