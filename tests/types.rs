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
use faultlab::sql::{Diagnostic, parse};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Functions that stand in the tables as syntax.
const WRITTEN_OTHERWISE: &[&str] = &["like", "ilike", "glob"];

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
        Ok(bound) => {
            let name = bound.output[0].dtype.to_string();
            Some(name.replace("TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ").replace("\"NULL\"", "NULL"))
        }
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

/// Types in a list, between commas outside of brackets; `all` are those of `expect.py`.
fn types(list: &str, all: &[String]) -> Vec<String> {
    if let Some(missing) = list.strip_prefix("all") {
        let missing = missing.strip_prefix(" but ").map_or(Vec::new(), |missing| types(missing, all));
        return all.iter().filter(|name| !missing.contains(name)).cloned().collect();
    }
    let (mut found, mut depth) = (vec![String::new()], 0);
    for c in list.chars() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            ',' if depth == 0 => {
                found.push(String::new());
                continue;
            }
            _ => {}
        }
        found.last_mut().expect("one is there from the start").push(c);
    }
    found.into_iter().map(|name| name.trim().to_string()).collect()
}

/// The types over which `expect.py` asks: its lists TYPES and NESTED.
fn all_types(script: &str) -> Vec<String> {
    let list = |name: &str| {
        let begin = script.find(&format!("\n{name} = [")).unwrap_or_else(|| panic!("no {name} in expect.py"));
        let body = &script[begin..begin + script[begin..].find("\n]").expect("the end of the list")];
        body.split('"').skip(1).step_by(2).map(str::to_string).collect::<Vec<_>>()
    };
    [list("TYPES"), list("NESTED")].concat()
}

type Cases = BTreeMap<(String, String, String), String>;

/// (expression, type of a, type of b) to the expected type.
fn cases(text: &str, all: &[String]) -> Cases {
    let mut cases = BTreeMap::new();
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#') && line.contains(" -> ")) {
        let (left, expected) = line.rsplit_once(" -> ").expect("it contains one");
        // `||` is an operator, ` | ` separates.
        let parts: Vec<&str> = left.split(" | ").collect();
        let (expression, lists) = (parts[0], &parts[1..]);
        for a in types(lists[0], all) {
            for b in lists.get(1).map_or(vec!["NULL".to_string()], |list| types(list, all)) {
                cases.insert((expression.to_string(), a.clone(), b), expected.to_string());
            }
        }
    }
    cases
}

/// What a call calls; None for an operator and other syntax.
fn called(expression: &str) -> Option<&str> {
    let name = &expression[..expression.find(|c: char| !c.is_alphanumeric() && c != '_')?];
    (!name.is_empty() && expression[name.len()..].starts_with('(')).then_some(name)
}

struct Tables {
    expected: Cases,
    differences: Cases,
    /// The function of each alias that answers as it does.
    aliases: BTreeMap<String, String>,
}

fn tables() -> Tables {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/types");
    let read = |name: &str| {
        std::fs::read_to_string(folder.join(name)).unwrap_or_else(|problem| panic!("tests/types/{name}: {problem}"))
    };
    let all = all_types(&read("expect.py"));
    let mut expected = BTreeMap::new();
    for name in ["operators", "mixing", "forms", "functions", "aggregates", "windows", "casts", "ours"] {
        expected.extend(cases(&read(&format!("{name}.txt")), &all));
    }
    // An alias answers as its function, but for the calls that have lines of their own.
    let text = read("aliases.txt") + &read("ours.txt");
    let own = cases(&text, &all);
    let aliases: BTreeMap<String, String> = text
        .lines()
        .filter_map(|line| line.split_once(" = "))
        .map(|(alias, name)| (alias.to_string(), name.to_string()))
        .collect();
    let mut more = Vec::new();
    for (alias, name) in &aliases {
        for ((expression, a, b), answer) in expected.iter().filter(|((call, _, _), _)| called(call) == Some(name)) {
            let call = format!("{alias}{}", &expression[name.len()..]);
            more.push(((call, a.clone(), b.clone()), answer.clone()));
        }
    }
    expected.extend(more);
    expected.extend(own);
    Tables { expected, differences: cases(&read("differences.txt"), &all), aliases }
}

/// Writes our answers to the calls of `ours.txt`, which nobody else answers.
fn update_ours() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/types");
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).expect("a table of types");
    let all = all_types(&read("expect.py"));
    let (mut out, mut done) = (String::new(), BTreeSet::new());
    for line in read("ours.txt").lines() {
        let Some((expression, _)) = line.split_once(" | ") else {
            out += &format!("{line}\n");
            continue;
        };
        if !done.insert(expression.to_string()) {
            continue;
        }
        let mut groups: Vec<(String, Vec<&String>)> = Vec::new();
        for name in &all {
            let answer = answer(expression, name, "NULL").unwrap_or_else(|| panic!("{expression} is not there"));
            match groups.iter_mut().find(|(known, _)| *known == answer) {
                Some((_, names)) => names.push(name),
                None => groups.push((answer, vec![name])),
            }
        }
        for (answer, names) in groups {
            let missing: Vec<&String> = all.iter().filter(|name| !names.contains(name)).collect();
            let list = |names: &[&String]| names.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(", ");
            let types = match missing.len() {
                0 => "all".to_string(),
                few if few < names.len() => format!("all but {}", list(&missing)),
                _ => list(&names),
            };
            out += &format!("{expression} | {types} -> {answer}\n");
        }
    }
    std::fs::write(folder.join("ours.txt"), out).expect("the table can be written");
}

/// The names in docs/functions.md that are words; operators have `operators.txt`.
fn documented() -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/functions.md");
    let text = std::fs::read_to_string(path).expect("docs/functions.md");
    let is_word = |name: &str| name.chars().all(|c| c.is_alphanumeric() || c == '_');
    let rows = text.lines().filter(|line| line.starts_with("| `"));
    let names = rows.flat_map(|row| row[1..].split('|').next().unwrap_or_default().split('`').skip(1).step_by(2));
    names.filter(|name| is_word(name)).map(str::to_string).collect()
}

#[test]
fn every_documented_function_has_its_types() {
    let Tables { expected, aliases, .. } = tables();
    let called: BTreeSet<&str> = expected.keys().filter_map(|(expression, _, _)| called(expression)).collect();
    let names = documented();
    assert!(names.len() > 600, "only {} names", names.len());
    let missing: Vec<&String> = names
        .iter()
        .filter(|name| !called.contains(name.as_str()) && !aliases.contains_key(*name))
        .filter(|name| !WRITTEN_OTHERWISE.contains(&name.as_str()))
        .collect();
    assert!(missing.is_empty(), "not in tests/types, where expect.py puts them: {missing:?}");
}

#[test]
fn types_are_those_of_duckdb() {
    if std::env::var_os("FAULTLAB_UPDATE").is_some() {
        update_ours();
    }
    let Tables { expected, differences, aliases } = tables();
    let (mut wrong, mut checked) = (Vec::new(), 0);
    for (case, expected) in &expected {
        let (expression, a, b) = case;
        let Some(ours) = answer(expression, a, b) else { continue };
        checked += 1;
        // What differs for a function differs for its aliases.
        let function = called(expression).and_then(|alias| {
            Some((format!("{}{}", aliases.get(alias)?, &expression[alias.len()..]), a.clone(), b.clone()))
        });
        let meant = differences.get(case).or_else(|| differences.get(&function?));
        // What is NULL whatever the rows are has a type here and none there: it is shown alike.
        let is_nothing = expected.split(|c: char| !c.is_alphanumeric()).any(|part| part == "NULL") && ours != "error";
        if ours != *expected && !is_nothing && meant != Some(&ours) {
            wrong.push(format!("{expression} | {a} | {b} -> {ours}, expected {expected}"));
        }
    }
    assert!(checked > 70_000, "only {checked} cases were checked");
    let shown = if std::env::var_os("FAULTLAB_ALL").is_some() { wrong.len() } else { 50 };
    assert!(wrong.is_empty(), "{} of {checked} differ:\n{}", wrong.len(), wrong[..shown.min(wrong.len())].join("\n"));
}
