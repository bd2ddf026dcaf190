//! Sessions over data, on clusters of every kind, whose answers are compared.

use super::slt::{Answer, Expected, Record};
use faultlab::scheduler::graph::Mode;
use faultlab::shell::{Session, SessionConfig};
use std::fmt::Write;
use std::path::PathBuf;

/// A cluster to run queries on, and what happens to it during each of them.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    pub nodes: u32,
    pub mode: Mode,
    pub seed: Option<u64>,
    /// Crash node 2 when this percentage of a query is done; all nodes are back for the next one.
    pub crash_at: Option<u32>,
    /// What is decided when sizes are known is decided on a few rows already: little is broadcast, every partition is merged or split.
    pub tight: bool,
}

/// One node with one slot in recompute: what every other setting is compared with.
pub const REFERENCE: Setting = Setting { nodes: 1, mode: Mode::Recompute, seed: None, crash_at: None, tight: false };
/// Limits that a few rows reach.
const TIGHT: &[&str] = &[
    "SET broadcast_bytes = 1000",
    "SET exchange_partitions = 7",
    "SET exchange_task_bytes = 400",
    "SET skew_bytes = 100",
    "SET skew_factor = 1",
    "SET scan_task_rows = 2000",
];

/// What `records` answer over the data of `folders`, in their order: rows, or the text of the error. A file with statements that
/// write (`statement ok`) has a session and a warehouse of its own, and a folder `__DIR__` for its files.
pub fn answers(folders: &[PathBuf], setting: Setting, records: &[Record]) -> Vec<Answer> {
    let mut shared: Option<Session> = None;
    let mut all = Vec::with_capacity(records.len());
    for file in records.chunk_by(|a, b| a.file == b.file) {
        if file.iter().any(|record| matches!(record.expected, Expected::Ok)) {
            let folder = tempfile::tempdir().unwrap_or_else(|problem| panic!("{problem}"));
            let mut own = open(folders, setting, Some(folder.path().join("warehouse")));
            let place = folder.path().to_string_lossy().into_owned();
            all.extend(file.iter().map(|record| answer(&mut own, setting, record, &place)));
        } else {
            let session = shared.get_or_insert_with(|| open(folders, setting, None));
            all.extend(file.iter().map(|record| answer(session, setting, record, "__DIR__")));
        }
    }
    if let (Some(_), Some(mut session)) = (setting.crash_at, shared) {
        assert_recovered(&mut session);
    }
    all
}

fn open(folders: &[PathBuf], setting: Setting, warehouse: Option<PathBuf>) -> Session {
    let config = SessionConfig {
        data: folders.to_vec(),
        nodes: setting.nodes,
        mode: Some(setting.mode),
        seed: setting.seed,
        warehouse,
        ..SessionConfig::default()
    };
    let mut session = Session::new(config).unwrap_or_else(|problem| panic!("{}", problem.render("")));
    if setting.tight {
        TIGHT.iter().for_each(|statement| command(&mut session, statement));
    }
    session
}

fn answer(session: &mut Session, setting: Setting, record: &Record, folder: &str) -> Answer {
    if let Some(percent) = setting.crash_at {
        command(session, &format!("INJECT CRASH ON NODE 2 AT {percent}%"));
    }
    let (zone, sql) = record.zone_and_query();
    if let Some(set) = zone {
        command(session, set);
    }
    let answer = match session.execute(&sql.replace("__DIR__", folder)).into_rows() {
        Ok(rows) => Ok(rows.to_text()),
        Err(failure) => Err(failure.diagnostic.render(sql).replace(folder, "__DIR__")),
    };
    if zone.is_some() {
        command(session, "RESET TimeZone");
    }
    if setting.crash_at.is_some() {
        command(session, "RESTART ALL");
    }
    answer
}

/// A test of crashes in which nothing is lost would test nothing: of the queries of more than four tasks on
/// the nodes, a quarter have to have run tasks again.
fn assert_recovered(session: &mut Session) {
    let sql = "SELECT COUNT(*) FILTER (WHERE tasks_again > 0), COUNT(*) FROM system.runtime.queries WHERE started IS NOT NULL AND tasks > 4";
    let counts = session.execute(sql).into_rows().unwrap_or_else(|failure| panic!("{}", failure.text)).to_text();
    let counts: Vec<usize> = counts.iter().flatten().flatten().filter_map(|count| count.parse().ok()).collect();
    let [recovered, queries] = counts[..] else { panic!("two counts, not {counts:?}") };
    let selected = std::env::var_os("FAULTLAB_SLT").is_some();
    assert!(selected || recovered >= queries / 4, "only {recovered} of {queries} queries ran tasks again");
}

fn command(session: &mut Session, statement: &str) {
    if let Err(failure) = session.execute(statement).answer {
        panic!("{statement}: {}", failure.text);
    }
}

/// Panics with every query whose answer differs from the one on [`REFERENCE`]: in a value, in a digit, or in the order of rows.
pub fn assert_same(records: &[Record], reference: &[Answer], answers: &[Answer]) {
    let pairs = records.iter().zip(reference.iter().zip(answers));
    assert_none(pairs.filter(|(_, (reference, answer))| reference != answer).map(|(record, (reference, answer))| {
        (record, format!("on one node {}, here {}", brief(reference), brief(answer)))
    }));
}

/// Panics with every query whose answer is not the one that its file expects.
pub fn assert_expected(records: &[Record], answers: &[Answer]) {
    let pairs = records.iter().zip(answers);
    assert_none(pairs.filter_map(|(record, answer)| record.difference(answer).map(|difference| (record, difference))));
}

fn assert_none<'a>(differences: impl Iterator<Item = (&'a Record, String)>) {
    let mut count = 0;
    let mut text = String::new();
    for (record, difference) in differences {
        count += 1;
        // Writing into a String does not fail.
        let _ = writeln!(text, "{}:{}: {}\n  {difference}", record.file, record.line, record.sql);
    }
    assert!(count == 0, "{count} answers differ\n{text}");
}

fn brief(answer: &Answer) -> String {
    match answer {
        Ok(rows) => format!("{} rows, first {:?}", rows.len(), rows.first()),
        Err(error) => format!("error {error}"),
    }
}
