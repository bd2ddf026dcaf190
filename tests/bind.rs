//! Golden tests of the binder: `tests/bind/*.txt` hold statements with the plan, or the error as a user sees it.
//!
//! `FAULTLAB_UPDATE=1 cargo test --release --test bind` writes what came out into the files: read the difference.

use faultlab::catalog::{ColumnInfo, ColumnStatistics, Format, Table, TableRef, TableSource};
use faultlab::functions::QueryClock;
use faultlab::journal::ErrorCode;
use faultlab::plan::{BindContext, QueryRunner, bind, logical::Query};
use faultlab::sql::statement::Statement;
use faultlab::sql::suggest::{did_you_mean, similar};
use faultlab::sql::{DataType, Diagnostic, parse};
use polars::prelude::DataFrame;
use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;

/// Three tables without rows.
struct Tables(Vec<TableRef>);

fn table(schema: &str, name: &str, columns: &[(&str, DataType)]) -> TableRef {
    let column = |(name, dtype): &(&str, DataType)| ColumnInfo {
        name: name.to_string(),
        dtype: dtype.clone(),
        statistics: ColumnStatistics::default(),
    };
    Arc::new(Table {
        schema: schema.into(),
        name: name.into(),
        columns: columns.iter().map(column).collect(),
        format: Format::Parquet,
        files: Vec::new(),
        rows: 0,
        memory: None,
    })
}

impl Tables {
    fn new() -> Tables {
        let money = DataType::Decimal { precision: 15, scale: 2 };
        Tables(vec![
            table(
                "main",
                "orders",
                &[
                    ("order_id", DataType::BigInt),
                    ("customer_id", DataType::Integer),
                    ("region", DataType::Varchar),
                    ("order_date", DataType::Date),
                    ("amount", money),
                    ("score", DataType::Double),
                    ("small", DataType::SmallInt),
                ],
            ),
            table("main", "customers", &[("customer_id", DataType::Integer), ("Name", DataType::Varchar)]),
            table("raw", "events", &[("id", DataType::BigInt), ("at", DataType::Timestamp)]),
        ])
    }
}

impl TableSource for Tables {
    fn table(&self, name: &[String]) -> Result<TableRef, Diagnostic> {
        let written = name.join(".");
        let found = self.0.iter().find(|t| {
            t.display_name().eq_ignore_ascii_case(&written)
                || format!("{}.{}", t.schema, t.name).eq_ignore_ascii_case(&written)
        });
        found.cloned().ok_or_else(|| {
            let names: Vec<String> = self.0.iter().map(|t| t.display_name()).collect();
            let error = Diagnostic::new(ErrorCode::TableNotFound, format!("table \"{written}\" does not exist"));
            match did_you_mean(&similar(&written, names.iter().map(String::as_str))) {
                Some(hint) => error.hint(hint),
                None => error,
            }
        })
    }

    fn files(&self, pattern: &str) -> Result<TableRef, Diagnostic> {
        match pattern {
            "events.parquet" => Ok(self.0[2].clone()),
            _ => Err(Diagnostic::new(ErrorCode::FileNotFound, format!("no file matches '{pattern}'"))),
        }
    }
}

/// Every round of a recursion is empty.
struct NoRows;

impl QueryRunner for NoRows {
    fn run(&self, query: Query) -> Result<TableRef, Diagnostic> {
        let columns = query.output.into_iter().map(|c| (c.name, c.dtype)).collect();
        Ok(Arc::new(Table::in_memory("", columns, DataFrame::default())))
    }
}

fn answer(text: &str) -> String {
    let tables = Tables::new();
    // 2024-02-03 04:05:06 UTC.
    let clock = QueryClock { now_us: 1_706_933_106_000_000, seed: 1, zone: chrono_tz::UTC };
    let parsed = match parse(text) {
        Ok(parsed) => parsed,
        Err(error) => return format!("{}: {}\n", error.code, error.render(text)),
    };
    let Statement::Query(query) = parsed.statement else { return "no query\n".into() };
    match bind(&query, &parsed.text, &BindContext { tables: &tables, clock, runner: &NoRows }) {
        Err(error) => format!("{}: {}\n", error.code, error.render(&parsed.text)),
        Ok(query) => {
            let column = |c: &faultlab::plan::logical::OutputColumn| format!("{}#{} {}", c.name, c.column.0, c.dtype);
            let output: Vec<String> = query.output.iter().map(column).collect();
            format!("{}\n{}", output.join(" | "), query.plan)
        }
    }
}

/// A file is blocks divided by blank lines: the statement, `----`, the answer.
fn run(file: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bind").join(file);
    let text = std::fs::read_to_string(&path).expect("the golden file");
    let mut out = String::new();
    for block in text.split("\n\n").map(str::trim).filter(|b| !b.is_empty()) {
        let statement = block.split("\n----").next().unwrap_or(block).trim();
        if statement.starts_with('#') {
            writeln!(out, "{statement}\n").expect("text");
            continue;
        }
        writeln!(out, "{statement}\n----\n{}", answer(statement)).expect("text");
    }
    if std::env::var_os("FAULTLAB_UPDATE").is_some() {
        std::fs::write(&path, &out).expect("the golden file");
    }
    assert!(out.trim_end() == text.trim_end(), "{} differs:\n{}", path.display(), first_difference(&text, &out));
}

fn first_difference(expected: &str, found: &str) -> String {
    let blocks = |text: &str| text.split("\n\n").map(|b| b.trim().to_string()).collect::<Vec<_>>();
    let (expected, found) = (blocks(expected), blocks(found));
    let differing = expected.iter().zip(&found).find(|(a, b)| a != b);
    differing.map_or("more or fewer blocks".into(), |(a, b)| format!("expected\n{a}\n\nfound\n{b}"))
}

#[test]
fn queries() {
    run("queries.txt");
}

#[test]
fn expressions() {
    run("expressions.txt");
}

#[test]
fn errors() {
    run("errors.txt");
}

#[test]
fn huge_statements_bind() {
    for text in [
        format!("select {} false", "customer_id = 1 or ".repeat(20_000)),
        format!("select customer_id in ({}2)", "1,".repeat(20_000)),
        format!("select {} 1", "1 + ".repeat(450)),
        format!("values {} (1)", "(1),".repeat(20_000)),
    ] {
        let answer = answer(&format!("{text} {}", if text.starts_with("values") { "" } else { "from orders" }));
        assert!(answer.contains("Values") || answer.contains("Scan"), "{}", &answer[..answer.len().min(300)]);
    }
    let ctes = (1..40).map(|i| format!("c{i} as (select * from c{0} union all select * from c{0})", i - 1));
    let many = format!("with c0 as (select 1), {} from c39", ctes.collect::<Vec<_>>().join(", "));
    assert!(answer(&many).starts_with("NOT_SUPPORTED: the query reads more than 1000 tables"));
}
