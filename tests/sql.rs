//! The SQL corpus (`tests/slt/*.slt`): DuckDB's answers on one node, and the same bytes on every other cluster, in every
//! mode, and while nodes crash.

#[path = "support/sessions.rs"]
mod sessions;
#[path = "support/slt.rs"]
mod slt;

use faultlab::scheduler::graph::Mode;
use sessions::{REFERENCE, Setting, answers, assert_expected, assert_same};
use slt::{Answer, Record};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// The corpus, and its answers on one node, worked out once for all tests.
fn corpus() -> &'static (Vec<Record>, Vec<Answer>) {
    static CORPUS: OnceLock<(Vec<Record>, Vec<Answer>)> = OnceLock::new();
    CORPUS.get_or_init(|| {
        let records = slt::read_folder(&root().join("tests/slt"));
        let reference = answers(&folders(), REFERENCE, &records);
        (records, reference)
    })
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn folders() -> [PathBuf; 2] {
    [root().join("sample-data"), root().join("tests/slt/data")]
}

fn same_on(setting: Setting) {
    let (records, reference) = corpus();
    assert_same(records, reference, &answers(&folders(), setting, records));
}

#[test]
fn the_answers_are_those_of_duckdb() {
    let (records, reference) = corpus();
    let selected = std::env::var_os("FAULTLAB_SLT").is_some();
    assert!(selected || records.len() >= 400, "only {} queries were found", records.len());
    assert_expected(records, reference);
}

#[test]
fn two_nodes_give_the_same_rows() {
    same_on(Setting { nodes: 2, ..REFERENCE });
}

#[test]
fn four_nodes_give_the_same_rows() {
    same_on(Setting { nodes: 4, ..REFERENCE });
}

#[test]
fn eight_nodes_give_the_same_rows() {
    same_on(Setting { nodes: 8, ..REFERENCE });
}

#[test]
fn abort_gives_the_same_rows() {
    for nodes in [1, 2, 4, 8] {
        same_on(Setting { nodes, mode: Mode::Abort, ..REFERENCE });
    }
}

#[test]
fn virtual_time_gives_the_same_rows() {
    same_on(Setting { nodes: 4, seed: Some(42), ..REFERENCE });
}

#[test]
fn a_crash_in_every_query_leaves_the_rows_as_they_are() {
    for nodes in [2, 4, 8] {
        same_on(Setting { nodes, crash_at: Some(50), ..REFERENCE });
    }
}

#[test]
fn decisions_that_wait_for_sizes_leave_the_answers_as_they_are() {
    let (records, _) = corpus();
    let tight = Setting { tight: true, ..REFERENCE };
    let on_one = answers(&folders(), tight, records);
    assert_expected(records, &on_one);
    assert_same(records, &on_one, &answers(&folders(), Setting { nodes: 4, crash_at: Some(50), ..tight }, records));
}

#[test]
fn a_crash_in_virtual_time_leaves_the_rows_as_they_are() {
    same_on(Setting { nodes: 4, seed: Some(42), crash_at: Some(50), ..REFERENCE });
}
