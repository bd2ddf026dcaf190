//! The layout's promises, read from the imports: dependencies run one way, and the scheduler is pure.

use std::fs;
use std::path::{Path, PathBuf};

/// What each module may import from the crate, besides itself: a whole module, or only the items below a path. Everything may
/// write to the journal and name the scheduler's ids.
const ALLOWED: &[(&str, &[&str])] = &[
    ("sql", &[]),
    ("catalog", &["sql"]),
    ("functions", &["sql"]),
    ("plan", &["sql", "catalog", "functions"]),
    ("kernel", &["sql", "catalog", "functions", "plan"]),
    ("scheduler", &[]),
    ("cluster", &["sql", "catalog", "functions", "plan", "kernel", "scheduler"]),
    ("journal", &["catalog", "functions", "sql", "scheduler"]),
    ("shell", &["sql", "catalog", "functions", "plan", "kernel", "scheduler", "cluster"]),
];

/// The scheduler's types that are only names and values.
const SCHEDULER_VALUES: &[&str] = &[
    "ids",
    "graph",
    "event",
    "action",
    "Time",
    "NodeId",
    "Incarnation",
    "QueryId",
    "StageId",
    "PartitionId",
    "AttemptNumber",
    "TaskId",
    "AttemptId",
    "Place",
];

/// What would make the scheduler depend on anything but its events.
const IMPURE: &[&str] = &[
    "Instant",
    "SystemTime",
    "std::time",
    "std::thread",
    "std::sync",
    "mpsc",
    "std::fs",
    "std::io",
    "std::net",
    "std::env",
    "rand",
    "HashMap",
    "HashSet",
    "RandomState",
    "polars",
    "println!",
    "eprintln!",
    "unsafe",
];

#[test]
fn dependencies_run_one_way() {
    let mut backwards = Vec::new();
    for (module, allowed) in ALLOWED {
        for (file, text) in sources(module) {
            for path in crate_paths(&text) {
                if !is_allowed(module, allowed, &path) {
                    backwards.push(format!("{}: crate::{path}", file.display()));
                }
            }
        }
    }
    assert!(backwards.is_empty(), "these imports run against the layout:\n{}", backwards.join("\n"));
}

#[test]
fn every_module_has_a_place() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for entry in fs::read_dir(root).unwrap().map(Result::unwrap).filter(|entry| entry.path().is_dir()) {
        let name = entry.file_name().into_string().unwrap();
        assert!(ALLOWED.iter().any(|(module, _)| *module == name), "src/{name} is not in the table of this test");
    }
}

#[test]
fn the_scheduler_is_pure() {
    for (file, text) in sources("scheduler") {
        for line in text.lines().filter(|line| !line.trim_start().starts_with("//")) {
            let words: Vec<&str> = line.split(|c: char| !c.is_alphanumeric() && !"_:!".contains(c)).collect();
            let named = IMPURE.iter().find(|name| {
                words.iter().any(|word| {
                    word == *name || word.starts_with(&format!("{name}::")) || word.ends_with(&format!("::{name}"))
                })
            });
            assert!(named.is_none(), "{} names {}: {}", file.display(), named.unwrap(), line.trim());
        }
    }
}

fn is_allowed(module: &str, allowed: &[&str], path: &str) -> bool {
    let (first, rest) = path.split_once("::").unwrap_or((path, ""));
    let second = rest.split("::").next().unwrap_or("");
    match first {
        _ if first == module || allowed.contains(&first) => true,
        "journal" => true,
        "scheduler" => SCHEDULER_VALUES.contains(&second),
        _ => false,
    }
}

/// The files of a module, tests below `#[cfg(test)]` left out.
fn sources(module: &str) -> Vec<(PathBuf, String)> {
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(module)];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for path in entries.map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                let code = text.split("#[cfg(test)]\nmod tests").next().unwrap().to_string();
                files.push((path, code));
            }
        }
    }
    files.sort();
    files
}

/// Every path that starts with `crate::`, in imports and in the code, with groups in braces written out.
fn crate_paths(text: &str) -> Vec<String> {
    let code: Vec<&str> = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
    let code = code.join("\n");
    let mut paths = Vec::new();
    for (start, _) in code.match_indices("crate::") {
        expand(&code[start + "crate::".len()..], String::new(), &mut paths);
    }
    paths
}

/// Reads one path after `prefix`; gives what follows it.
fn expand<'a>(text: &'a str, prefix: String, paths: &mut Vec<String>) -> &'a str {
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_' && c != ':').unwrap_or(text.len());
    let (name, mut rest) = text.split_at(end);
    let path = format!("{prefix}{name}");
    let Some(mut group) = rest.strip_prefix('{').filter(|_| name.is_empty() || name.ends_with("::")) else {
        paths.push(path);
        return rest;
    };
    loop {
        group = group.trim_start_matches(|c: char| c.is_whitespace() || c == ',');
        if let Some(after) = group.strip_prefix('}') {
            return after;
        }
        rest = expand(group, path.clone(), paths);
        let next = rest.find([',', '}']).unwrap_or(rest.len());
        if rest.is_empty() || next == rest.len() {
            return rest;
        }
        group = &rest[next..];
    }
}

#[test]
fn groups_are_written_out() {
    let text = "use crate::plan::{Stage, expr::{Expr, Literal}};\nlet x: crate::sql::Span = y;";
    assert_eq!(crate_paths(text), ["plan::Stage", "plan::expr::Expr", "plan::expr::Literal", "sql::Span"]);
}

#[test]
fn backward_arrows_are_seen() {
    assert!(is_allowed("plan", &["sql"], "sql::Span"));
    assert!(is_allowed("sql", &[], "journal::ErrorCode"));
    assert!(is_allowed("sql", &[], "scheduler::graph::Mode"));
    assert!(!is_allowed("sql", &[], "scheduler::Scheduler"));
    assert!(!is_allowed("plan", &["sql"], "cluster::Cluster"));
}
