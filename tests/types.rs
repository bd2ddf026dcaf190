//! The types of operators, functions, aggregates and casts over all pairs of types against DuckDB's (`tests/types/*.txt`).
//!
//! Operands are columns. Where ours is meant to differ, `tests/types/differences.txt` has the same line with our answer, and
//! why. Functions that we do not have are passed over.

use faultlab::catalog::{TableRef, TableSource};
use faultlab::functions::QueryClock;
use faultlab::journal::ErrorCode;
use faultlab::plan::logical::Query;
use faultlab::plan::{BindContext, QueryRunner, bind};
use faultlab::sql::statement::Statement;
use faultlab::sql::{DataType, Diagnostic, parse};
use std::collections::BTreeMap;
use std::path::Path;

/// No tables and no rows: only types are asked for.
struct Nothing;

impl TableSource for Nothing {
    fn table(&self, name: &[String]) -> Result<TableRef, Diagnostic> {
        Err(Diagnostic::new(ErrorCode::TableNotFound, name.join(".")))
    }

    fn files(&self, pattern: &str) -> Result<TableRef, Diagnostic> {
        Err(Diagnostic::new(ErrorCode::FileNotFound, pattern))
    }
}

impl QueryRunner for Nothing {
    fn run(&self, _: Query) -> Result<TableRef, Diagnostic> {
        Err(Diagnostic::new(ErrorCode::NotSupported, "nothing runs here"))
    }
}

/// The type of the first column of a query, or `error`; None for what we do not have at all (a function, an operator).
fn type_of(sql: &str) -> Option<String> {
    let parsed = match parse(sql) {
        Ok(parsed) => parsed,
        Err(_) => return None,
    };
    let Statement::Query(query) = parsed.statement else { panic!("not a query: {sql}") };
    let clock = QueryClock { now_us: 0, seed: 0, zone: chrono_tz::UTC };
    match bind(&query, &parsed.text, &BindContext { tables: &Nothing, clock, runner: &Nothing }) {
        Ok(bound) => Some(match &bound.output[0].dtype {
            DataType::Null => "NULL".into(),
            other => other.to_string().replace("TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ"),
        }),
        Err(error) if matches!(error.code, ErrorCode::FunctionNotFound | ErrorCode::NotSupported) => None,
        Err(_) => Some("error".into()),
    }
}

fn answer(expression: &str, a: &str, b: &str) -> Option<String> {
    let value = |t: &str| if t == "NULL" { "NULL".to_string() } else { format!("CAST(NULL AS {t})") };
    let source = format!("(SELECT {} AS a, {} AS b) AS t", value(a), value(b));
    if expression == "CAST(a AS b)" {
        if b == "NULL" {
            return None;
        }
        let cast = type_of(&format!("SELECT CAST(a AS {b}) FROM {source}"))?;
        return Some(if cast == "error" { cast } else { "ok".into() });
    }
    match expression.split_once(" UNION ALL ") {
        Some((left, right)) => type_of(&format!("{left} FROM {source} UNION ALL {right} FROM {source}")),
        None => type_of(&format!("SELECT {expression} FROM {source}")),
    }
}

/// Types in a list; the comma inside DECIMAL(15,2) has no blank behind it.
fn types(list: &str) -> Vec<String> {
    list.split(", ").map(|t| t.trim().to_string()).collect()
}

/// (expression, type of a, type of b) to the expected type.
fn cases(path: &Path) -> BTreeMap<(String, String, String), String> {
    let text = std::fs::read_to_string(path).expect("a table of types");
    let mut cases = BTreeMap::new();
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (left, expected) = line.rsplit_once(" -> ").expect("an answer");
        // `||` is an operator, ` | ` separates.
        let parts: Vec<&str> = left.split(" | ").collect();
        let (expression, lists) = (parts[0], &parts[1..]);
        for a in types(lists[0]) {
            for b in lists.get(1).map_or(vec!["NULL".to_string()], |list| types(list)) {
                cases.insert((expression.to_string(), a.clone(), b), expected.to_string());
            }
        }
    }
    cases
}

#[test]
fn types_are_those_of_duckdb() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/types");
    let differences = cases(&folder.join("differences.txt"));
    let (mut wrong, mut checked) = (Vec::new(), 0);
    for file in ["operators", "mixing", "functions", "aggregates", "casts"] {
        for (case, expected) in cases(&folder.join(format!("{file}.txt"))) {
            let (expression, a, b) = &case;
            let Some(ours) = answer(expression, a, b) else { continue };
            checked += 1;
            if ours != expected && differences.get(&case) != Some(&ours) {
                wrong.push(format!("{expression} | {a} | {b} -> {ours}, expected {expected}"));
            }
        }
    }
    assert!(checked > 15_000, "only {checked} cases were checked");
    let shown = if std::env::var_os("FAULTLAB_ALL").is_some() { wrong.len() } else { 50 };
    assert!(wrong.is_empty(), "{} of {checked} differ:\n{}", wrong.len(), wrong[..shown.min(wrong.len())].join("\n"));
}
