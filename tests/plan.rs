//! Golden plans: `tests/plan/*.txt` hold statements over the sample data with what EXPLAIN says of them.
//!
//! `FAULTLAB_UPDATE=1 cargo test --release --test plan` writes what came out into the files: read the difference.

use faultlab::shell::{Answer, Session, SessionConfig};
use std::fmt::Write;
use std::path::Path;

/// Runs every block of a file (`> statement` lines, then what was answered) and returns the file as it should read.
/// Lines before the first statement of a block that start with `#` are kept: they say what the block shows.
fn replay(text: &str) -> String {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("sample-data");
    let mut session = Session::new(SessionConfig { data: vec![data], seed: Some(1), ..SessionConfig::default() })
        .expect("the sample data is there");
    let mut out = String::new();
    for line in text.lines().filter(|line| line.starts_with('#') || line.starts_with("> ")) {
        let Some(statement) = line.strip_prefix("> ") else {
            let _ = writeln!(out, "{line}");
            continue;
        };
        let result = session.execute(statement);
        let _ = writeln!(out, "> {statement}");
        match result.answer {
            Ok(Answer::Text(text)) => out.push_str(text.split("\nIf a worker is lost").next().unwrap_or_default()),
            Ok(_) => {}
            Err(failure) => out.push_str(&failure.text),
        }
        out.push_str("\n\n");
    }
    out
}

#[test]
fn plans_are_as_they_were_read() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/plan");
    let mut files: Vec<_> =
        std::fs::read_dir(&folder).expect("the folder is there").flatten().map(|e| e.path()).collect();
    files.sort();
    assert!(!files.is_empty());
    for file in files {
        let expected = std::fs::read_to_string(&file).expect("a text file");
        let found = replay(&expected);
        if std::env::var_os("FAULTLAB_UPDATE").is_some() {
            std::fs::write(&file, &found).expect("the file can be written");
        } else {
            assert_eq!(found, expected, "{}", file.display());
        }
    }
}
