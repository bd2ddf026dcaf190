//! Statements that write: all of a statement's rows are there or none, whatever breaks, and nothing is left behind.

use faultlab::scheduler::graph::Mode;
use faultlab::shell::{Session, SessionConfig};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

fn session(warehouse: &Path, mode: Mode, seed: Option<u64>) -> Session {
    let config = SessionConfig {
        data: vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("sample-data")],
        mode: Some(mode),
        seed,
        warehouse: Some(warehouse.to_path_buf()),
        ..SessionConfig::default()
    };
    Session::new(config).unwrap_or_else(|problem| panic!("{}", problem.render("")))
}

fn run(session: &mut Session, sql: &str) {
    if let Err(failure) = session.execute(sql).answer {
        panic!("{sql}: {}", failure.text);
    }
}

fn fails(session: &mut Session, sql: &str) -> String {
    match session.execute(sql).answer {
        Ok(_) => panic!("{sql} should fail"),
        Err(failure) => failure.diagnostic.code.to_string(),
    }
}

fn number(session: &mut Session, sql: &str) -> i64 {
    let rows = session.execute(sql).into_rows().unwrap_or_else(|failure| panic!("{sql}: {}", failure.text)).to_text();
    rows[0][0].as_ref().and_then(|text| text.parse().ok()).unwrap_or_else(|| panic!("{sql}: {rows:?}"))
}

/// Every data file below a folder, and everything half-made.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for path in std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()) {
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|e| e == "parquet" || e == "tmp") {
            found.push(path);
        }
    }
    found.sort();
    found
}

#[test]
fn a_crash_in_recompute_leaves_the_table_as_without_it() {
    for seed in [None, Some(7)] {
        let folder = tempfile::tempdir().unwrap();
        let mut session = session(folder.path(), Mode::Recompute, seed);
        run(&mut session, "CREATE TABLE calm AS SELECT order_id, region, amount FROM orders WHERE amount > 0");
        for percent in [10, 50, 90] {
            run(&mut session, &format!("INJECT CRASH ON NODE 2 AT {percent}%"));
            run(
                &mut session,
                "CREATE OR REPLACE TABLE shaken AS SELECT order_id, region, amount FROM orders WHERE amount > 0",
            );
            run(&mut session, "RESTART ALL");
            let differ =
                "SELECT count(*) FROM ((FROM calm EXCEPT FROM shaken) UNION ALL (FROM shaken EXCEPT FROM calm))";
            assert_eq!(number(&mut session, differ), 0, "at {percent}%");
            let equal = "SELECT (SELECT count(*) FROM calm) - (SELECT count(*) FROM shaken)";
            assert_eq!(number(&mut session, equal), 0, "at {percent}%");
        }
        run(&mut session, "INJECT CRASH ON NODE 3 AT 50%");
        run(&mut session, "INSERT INTO shaken SELECT * FROM calm");
        let doubled = "SELECT (SELECT count(*) FROM shaken) - 2 * (SELECT count(*) FROM calm)";
        assert_eq!(number(&mut session, doubled), 0);
        assert!(files(folder.path()).iter().all(|path| path.extension().is_some_and(|e| e == "parquet")));
    }
}

#[test]
fn a_statement_that_fails_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut session = session(folder.path(), Mode::Abort, None);
    run(&mut session, "CREATE TABLE t AS SELECT order_id FROM orders LIMIT 10");
    let before = files(folder.path());
    run(&mut session, "INJECT CRASH ON NODE 2 AT 50%");
    fails(&mut session, "INSERT INTO t SELECT order_id FROM orders");
    run(&mut session, "RESTART ALL");
    run(&mut session, "INJECT CRASH ON NODE 2 AT 50%");
    fails(&mut session, "CREATE TABLE u AS SELECT * FROM orders");
    run(&mut session, "RESTART ALL");
    fails(&mut session, "INSERT INTO t SELECT CAST(region AS INTEGER) FROM orders");
    assert_eq!(number(&mut session, "SELECT count(*) FROM t"), 10);
    assert_eq!(fails(&mut session, "FROM u"), "TABLE_NOT_FOUND");
    assert_eq!(files(folder.path()), before);
    run(&mut session, "INSERT INTO t SELECT order_id FROM orders");
    assert_eq!(number(&mut session, "SELECT count(*) FROM t"), 120_010);
}

#[test]
fn copies_are_whole_or_not_there() {
    let folder = tempfile::tempdir().unwrap();
    let mut session = session(&folder.path().join("warehouse"), Mode::Abort, None);
    let file = folder.path().join("out.parquet");
    run(&mut session, "INJECT CRASH ON NODE 2 AT 50%");
    fails(&mut session, &format!("COPY orders TO '{}'", file.display()));
    run(&mut session, "RESTART ALL");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().flatten().filter(|e| e.path().is_file()).count(), 0);
    run(&mut session, &format!("COPY orders TO '{}'", file.display()));
    let equal = format!("SELECT count(*) FROM (FROM orders EXCEPT FROM '{}')", file.display());
    assert_eq!(number(&mut session, &equal), 0);
}

#[test]
fn two_sessions_write_one_table_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut first = session(folder.path(), Mode::Recompute, None);
    run(&mut first, "CREATE TABLE t (writer INTEGER, n BIGINT)");
    std::thread::scope(|scope| {
        for writer in 0..2 {
            let folder = folder.path();
            scope.spawn(move || {
                let mut session = session(folder, Mode::Recompute, None);
                for _ in 0..10 {
                    run(&mut session, &format!("INSERT INTO t SELECT {writer}, order_id FROM orders LIMIT 100"));
                }
            });
        }
    });
    assert_eq!(number(&mut first, "SELECT count(*) FROM t"), 2000);
    assert_eq!(number(&mut first, "SELECT count(*) FROM t WHERE writer = 1"), 1000);
}

/// A process that is killed while it writes, at many moments: the next one finds a whole number of statements.
#[test]
#[cfg(unix)]
fn a_killed_process_leaves_whole_statements() {
    let folder = tempfile::tempdir().unwrap();
    let mut check = session(folder.path(), Mode::Recompute, None);
    run(&mut check, "CREATE TABLE t AS SELECT order_id, customer_id, amount FROM orders LIMIT 0");
    let script = "INSERT INTO t SELECT order_id, customer_id, amount FROM orders;\n".repeat(50);
    for round in 0..12 {
        let mut child = Command::new(env!("CARGO_BIN_EXE_faultlab"))
            .args(["--data", "sample-data", "--warehouse"])
            .arg(folder.path())
            .args(["-c", &script])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // By what it has done, not by the clock: when so many of its statements are there, it is amid the next one.
        while number(&mut check, "SELECT count(*) FROM t") < 120_000 * (round % 4)
            && child.try_wait().unwrap().is_none()
        {}
        child.kill().unwrap();
        child.wait().unwrap();
        let after = number(&mut check, "SELECT count(*) FROM t");
        assert_eq!(after % 120_000, 0, "in round {round}");
        assert!(after >= 120_000 * (round % 4), "in round {round}");
        run(&mut check, "TRUNCATE t");
    }
    // The next that writes sweeps what the dead left.
    run(&mut check, "INSERT INTO t SELECT order_id, customer_id, amount FROM orders LIMIT 1");
    assert_eq!(std::fs::read_dir(folder.path().join(".staging")).unwrap().count(), 0);
    assert_eq!(files(folder.path()).len(), 1);
}
