//! What is decided when sizes are known: the decision is the right one, the same everywhere, and leaves the answer as it is, whatever breaks.

use faultlab::scheduler::graph::Mode;
use faultlab::shell::{Answer, Session, SessionConfig};
use std::path::{Path, PathBuf};

fn session(nodes: u32, mode: Mode, settings: &[&str]) -> Session {
    let data: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("sample-data");
    let config = SessionConfig { data: vec![data], nodes, mode: Some(mode), ..SessionConfig::default() };
    let mut session = Session::new(config).unwrap_or_else(|problem| panic!("{}", problem.render("")));
    settings.iter().for_each(|setting| run(&mut session, setting));
    session
}

fn run(session: &mut Session, statement: &str) {
    if let Err(failure) = session.execute(statement).answer {
        panic!("{statement}: {}", failure.text);
    }
}

fn text(session: &mut Session, statement: &str) -> String {
    match session.execute(statement).answer {
        Ok(Answer::Text(text)) => text,
        Ok(_) => panic!("{statement} answers with rows"),
        Err(failure) => panic!("{statement}: {}", failure.text),
    }
}

fn rows(session: &mut Session, statement: &str) -> Vec<Vec<Option<String>>> {
    session.execute(statement).into_rows().unwrap_or_else(|failure| panic!("{statement}: {}", failure.text)).to_text()
}

/// Lines of EXPLAIN ANALYZE that say what was decided.
fn decisions(session: &mut Session, query: &str) -> Vec<String> {
    let text = text(session, &format!("EXPLAIN ANALYZE {query}"));
    text.lines().filter_map(|line| line.trim().strip_prefix("adapted: ")).map(str::to_string).collect()
}

/// The same rows as without any decision, on clusters of several sizes, in both modes, and when a node crashes at several points.
fn assert_same_answer(query: &str, settings: &[&str]) {
    let expected = rows(&mut session(1, Mode::Recompute, &["SET adaptive = off"]), query);
    assert!(!expected.is_empty());
    for (nodes, mode) in [(1, Mode::Recompute), (2, Mode::Abort), (4, Mode::Recompute), (4, Mode::Abort)] {
        assert_eq!(rows(&mut session(nodes, mode, settings), query), expected, "{nodes} nodes, {mode}");
    }
    let mut broken = session(4, Mode::Recompute, settings);
    for percent in [10, 30, 50, 70, 90] {
        run(&mut broken, &format!("INJECT CRASH ON NODE 2 AT {percent}%"));
        assert_eq!(rows(&mut broken, query), expected, "a crash at {percent}%");
        run(&mut broken, "RESTART ALL");
    }
}

/// Grouped sums over a join with the customers that `predicate` leaves.
fn join(predicate: &str) -> String {
    format!(
        "SELECT c.customer_type, count(*), sum(o.amount) FROM orders o JOIN customers c ON o.customer_id = c.customer_id \
         WHERE {predicate} GROUP BY c.customer_type ORDER BY 1"
    )
}

#[test]
fn a_build_side_that_is_small_after_all_is_broadcast() {
    let (query, settings) = (join("c.country = 'France'"), ["SET broadcast_bytes = '100kB'"]);
    let mut session = session(4, Mode::Recompute, &settings);
    let plan = text(&mut session, &format!("EXPLAIN {query}"));
    assert!(
        !plan.contains("INJECT CRASH ON NODE 2 IN STAGE 2"),
        "the stage that is not needed is to be crashed:\n{plan}"
    );
    let found = decisions(&mut session, &query);
    assert!(found.iter().any(|line| line.starts_with("not needed: stage 1 holds only ")), "{found:?}");
    assert!(found.iter().any(|line| line.ends_with(", so it is broadcast")), "{found:?}");
    assert_same_answer(&query, &settings);
}

#[test]
fn a_build_side_that_is_large_after_all_is_hashed() {
    // A third of the customers, as far as anybody can know; it is all of them.
    let (query, settings) = (join("length(c.name) > 3"), ["SET broadcast_bytes = '200kB'"]);
    let mut session = session(4, Mode::Recompute, &settings);
    let plan = text(&mut session, &format!("EXPLAIN {query}"));
    assert!(plan.contains("only if stage 1 is over 0.2 MB"), "{plan}");
    let found = decisions(&mut session, &query);
    assert!(found.iter().all(|line| !line.contains("broadcast")), "{found:?}");
    assert_same_answer(&query, &settings);
}

#[test]
fn small_partitions_are_read_together() {
    let query = "SELECT customer_id % 1000 AS k, count(*) FROM orders GROUP BY k ORDER BY k";
    let settings = ["SET exchange_partitions = 64"];
    let found = decisions(&mut session(4, Mode::Recompute, &settings), query);
    assert_eq!(found, ["64 partitions are small: 5 tasks read them"]);
    assert_same_answer(query, &settings);
}

#[test]
fn a_skewed_partition_is_read_by_several_tasks() {
    let query = "SELECT count(*), sum(o.amount), min(c.region) FROM orders o JOIN (SELECT DISTINCT region FROM orders) c ON o.region = c.region";
    let settings = [
        "SET join_distribution = partitioned",
        "SET skew_bytes = '1kB'",
        "SET skew_factor = 1",
        "SET exchange_task_bytes = '100kB'",
    ];
    let found = decisions(&mut session(4, Mode::Recompute, &settings), query);
    assert!(found.iter().any(|line| line.contains("larger than the others")), "{found:?}");
    assert_same_answer(query, &settings);
}
