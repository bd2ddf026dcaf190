//! docs/functions.md lists every function with an example and its result: written by this test, and compared.
//!
//! `FAULTLAB_UPDATE=1 cargo test --release --test function_docs` writes the page: read the difference.

use faultlab::functions::aggregates::AGGREGATES;
use faultlab::functions::windows::WINDOWS;
use faultlab::functions::{self, ScalarFunction};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::Command;

/// Runs the examples, each in a statement of its own: number of the example to its result. What differs from query to query
/// has none.
fn results(examples: &[&ScalarFunction]) -> BTreeMap<usize, String> {
    let script: String = examples
        .iter()
        .enumerate()
        .filter(|(_, function)| !function.is_volatile())
        .map(|(i, function)| format!("SELECT {i} AS i, CAST(({}) AS VARCHAR) AS result;\n", function.example))
        .collect();
    let folder = tempfile::tempdir().expect("a folder for the test");
    let file = folder.path().join("examples.sql");
    fs::write(&file, script).expect("the script is written");
    let output = Command::new(env!("CARGO_BIN_EXE_faultlab"))
        .args(["--seed", "42", "--output-format", "ndjson", "--on-error", "continue", "-f"])
        .arg(&file)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("XDG_STATE_HOME", folder.path())
        .output()
        .expect("the binary runs");
    let printed = String::from_utf8(output.stdout).expect("UTF-8");
    let row = |line: &str| -> Option<(usize, String)> {
        let row: serde_json::Value = serde_json::from_str(line).ok()?;
        let result = row["result"].as_str().map_or("NULL".to_string(), str::to_string);
        Some((row["i"].as_u64()? as usize, result))
    };
    let results: BTreeMap<usize, String> = printed.lines().filter_map(row).collect();
    let failed: Vec<&str> = (0..examples.len())
        .filter(|i| !results.contains_key(i) && !examples[*i].is_volatile())
        .map(|i| examples[i].example)
        .collect();
    assert!(failed.is_empty(), "examples that fail: {failed:?}\n{}", String::from_utf8_lossy(&output.stderr));
    results
}

/// A text in a cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

fn code(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("`{}`", cell(text)) }
}

/// The page.
fn page() -> String {
    let all: Vec<&ScalarFunction> = functions::all().collect();
    let results = results(&all);
    let mut out = String::from(
        "# Functions\n\nWritten by `FAULTLAB_UPDATE=1 cargo test --release --test function_docs` from the table of functions; \
         `SHOW FUNCTIONS LIKE 'reg%'` and `\\df reg%` show the same in the shell.\nResults are those of the session that \
         `--seed 42` starts.\n",
    );
    let mut categories: Vec<_> = all.iter().map(|function| function.category).collect();
    categories.sort();
    categories.dedup();
    // Writing to a String cannot fail.
    for category in categories {
        let name = category.name();
        let title = name[..1].to_uppercase() + &name[1..];
        _ = write!(
            out,
            "\n## {title}\n\n| function | takes and gives | meaning | example | result |\n|---|---|---|---|---|\n"
        );
        for (i, function) in all.iter().enumerate().filter(|(_, function)| function.category == category) {
            let names = std::iter::once(&function.name).chain(function.aliases).map(|name| code(name));
            let signatures = function.signatures();
            let shown = signatures.iter().map(|s| code(&s[function.name.len()..])).collect::<Vec<_>>().join(", ");
            _ = writeln!(
                out,
                "| {} | {shown} | {} | {} | {} |",
                names.collect::<Vec<_>>().join(", "),
                cell(function.help),
                code(function.example),
                results.get(&i).map(|result| code(result)).unwrap_or_default(),
            );
        }
    }
    out.push_str("\n## Aggregates\n\n| function | takes and gives | meaning | example |\n|---|---|---|---|\n");
    for function in AGGREGATES {
        let names = std::iter::once(&function.name).chain(function.aliases).map(|name| code(name));
        let names = names.collect::<Vec<_>>().join(", ");
        _ = writeln!(
            out,
            "| {names} | {} | {} | {} |",
            code(function.signature),
            cell(function.help),
            code(function.example)
        );
    }
    out.push_str("\n## Windows\n\nEvery aggregate works over a window, too.\n\n");
    out.push_str("| function | takes and gives | meaning | example |\n|---|---|---|---|\n");
    for function in WINDOWS {
        let names = std::iter::once(&function.name).chain(function.aliases).map(|name| code(name));
        let names = names.collect::<Vec<_>>().join(", ");
        _ = writeln!(
            out,
            "| {names} | {} | {} | {} |",
            code(function.signature),
            cell(function.help),
            code(function.example)
        );
    }
    out
}

#[test]
fn the_page_is_what_the_table_of_functions_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/functions.md");
    let page = page();
    if std::env::var_os("FAULTLAB_UPDATE").is_some() {
        fs::create_dir_all(path.parent().expect("a folder")).expect("there is a folder docs");
        fs::write(&path, page).expect("the page is written");
        return;
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    let first = page.lines().zip(written.lines()).find(|(a, b)| a != b);
    assert!(
        page == written,
        "docs/functions.md is not current ({first:?}): FAULTLAB_UPDATE=1 cargo test --release --test function_docs"
    );
}
