//! TPC-H at scale factor 0.01, all 22 queries: exact answers, and the same ones after a crash at any moment.

#[path = "support/sessions.rs"]
mod sessions;
#[path = "support/slt.rs"]
mod slt;

use faultlab::catalog::generated::{Benchmark, write_tables};
use faultlab::scheduler::graph::Mode;
use sessions::{REFERENCE, Setting, answers, assert_expected, assert_same};
use slt::{Answer, Record};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

const SCALE_FACTOR: f64 = 0.01;
/// 30 row groups in `lineitem`.
const ROW_GROUP_ROWS: usize = 2_000;

/// The folder of the tables, written once and kept for the next run of the tests.
fn tables() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("tpch-0.01");
    if !folder.is_dir() {
        let unfinished = folder.with_extension(std::process::id().to_string());
        fs::create_dir_all(&unfinished).expect("the tests' folder can be written");
        write_tables(Benchmark::TpcH, &unfinished, SCALE_FACTOR, ROW_GROUP_ROWS).expect("the tables can be written");
        fs::write(unfinished.join("faultlab.toml"), "scan_task_rows = 2000\n").expect("the settings can be written");
        // Another run may have been faster; its tables are the same.
        if fs::rename(&unfinished, &folder).is_err() {
            fs::remove_dir_all(&unfinished).expect("a second copy can be removed");
        }
    }
    folder
}

/// The queries, and their answers on one node, worked out once for all tests.
fn queries() -> &'static (Vec<Record>, Vec<Answer>) {
    static QUERIES: OnceLock<(Vec<Record>, Vec<Answer>)> = OnceLock::new();
    QUERIES.get_or_init(|| {
        let records = slt::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tpch/queries.slt"));
        let reference = answers(&[tables()], REFERENCE, &records);
        (records, reference)
    })
}

fn same_on(setting: Setting) {
    let (records, reference) = queries();
    assert_same(records, reference, &answers(&[tables()], setting, records));
}

#[test]
fn the_answers_are_exact() {
    let (records, reference) = queries();
    assert_eq!(records.len(), 22);
    assert_expected(records, reference);
}

#[test]
fn four_nodes_give_the_same_answers() {
    same_on(Setting { nodes: 4, ..REFERENCE });
}

#[test]
fn abort_on_one_node_gives_the_same_answers() {
    same_on(Setting { mode: Mode::Abort, ..REFERENCE });
}

#[test]
fn abort_on_four_nodes_gives_the_same_answers() {
    same_on(Setting { nodes: 4, mode: Mode::Abort, ..REFERENCE });
}

#[test]
fn a_crash_at_a_quarter_leaves_the_answers_as_they_are() {
    same_on(Setting { nodes: 4, crash_at: Some(25), ..REFERENCE });
}

#[test]
fn a_crash_at_half_leaves_the_answers_as_they_are() {
    same_on(Setting { nodes: 4, crash_at: Some(50), ..REFERENCE });
}

#[test]
fn a_crash_at_three_quarters_leaves_the_answers_as_they_are() {
    same_on(Setting { nodes: 4, crash_at: Some(75), ..REFERENCE });
}
