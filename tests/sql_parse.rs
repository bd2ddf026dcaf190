//! What the parser makes of statements, and what it says about bad ones.

use faultlab::journal::ErrorCode;
use faultlab::scheduler::{NodeId, QueryId, StageId};
use faultlab::sql::parse;
use faultlab::sql::statement::{FaultKind, FaultSpec, NodeChoice, Show, Statement, Trigger};

fn statement(text: &str) -> Statement {
    match parse(text) {
        Ok(parsed) => parsed.statement,
        Err(error) => panic!("{}", error.render(text)),
    }
}

/// The error as a user sees it.
fn error(text: &str) -> String {
    match parse(text) {
        Ok(parsed) => panic!("{text} is {:?}", parsed.statement),
        Err(error) => error.render(text),
    }
}

#[test]
fn queries_of_every_shape_parse() {
    for text in [
        "SELECT 1",
        "select 1, 2, from t group by all order by all limit 3 offset 1;",
        "FROM t",
        "FROM 'dir/*.parquet' SELECT a",
        "VALUES (1, 'a'), (2, 'b')",
        "TABLE t",
        "(select 1) union all (select 2)",
        "WITH a AS (SELECT 1), b(x) AS (SELECT 2) SELECT * FROM a, b",
        "select * exclude (a, b), t.* from t",
        "select a::date, try_cast(b as int), cast(c as decimal(10, 2)), interval '1' hour, interval 3 month, date '2024-01-01' from t",
        "select extract(year from d), substring(a from 2 for 3), trim(both 'x' from a), position('a' in b) from t",
        "select count(*) filter (where a > 1), count(distinct b) from t having count(*) > 1 qualify true",
        "select * from a join b using (x) natural join c left join d on a.x = d.x cross join e",
        "select a // 2, a % 3, a || b, a ilike 'x%', a is distinct from b, a not in (1, 2) from t",
        "select case a when 1 then 2 end, case when a then 1 else 2 end from t",
        "select /* a /* nested */ comment */ 1 -- end",
    ] {
        assert!(matches!(statement(text), Statement::Query(_)), "{text}");
    }
    assert_eq!(parse("  -- first\n select 1 ; -- done").unwrap().text, "select 1");
}

#[test]
fn our_own_statements() {
    let set = |text: &str| match statement(text) {
        Statement::Set { name, value, .. } => (name, value),
        other => panic!("{other:?}"),
    };
    assert_eq!(set("SET mode = abort;"), ("mode".into(), "abort".into()));
    assert_eq!(set("set session pace to '300ms'"), ("pace".into(), "300ms".into()));
    assert_eq!(set("set pace = 300 ms"), ("pace".into(), "300 ms".into()));
    assert_eq!(set("SET spark.task.maxFailures = 4"), ("spark.task.maxFailures".into(), "4".into()));
    assert_eq!(set("SET today = DATE '2026-01-01'"), ("today".into(), "2026-01-01".into()));
    assert!(matches!(statement("RESET ALL"), Statement::Reset { name: None, .. }));
    assert_eq!(statement("show nodes"), Statement::Show(Show::Nodes));
    assert_eq!(statement("SHOW TABLES FROM raw"), Statement::Show(Show::Tables { schema: Some("raw".into()) }));
    assert!(matches!(statement("show mode"), Statement::Show(Show::Settings { name: Some(_), .. })));
    assert!(
        matches!(statement("describe raw.transactions"), Statement::Describe { name, .. } if name == ["raw", "transactions"])
    );
    assert!(matches!(statement("explain analyze select 1"), Statement::Explain { analyze: true, .. }));
    assert_eq!(statement("EXPLAIN LINEAGE"), Statement::ExplainLineage);
    assert!(
        matches!(statement("compare select 1"), Statement::Compare { span, .. } if span.start == 8 && span.end == 16)
    );
    assert_eq!(statement("rerun;"), Statement::Rerun);
    assert_eq!(statement("cancel query 3"), Statement::Cancel { query: QueryId(3) });
    assert_eq!(statement("heal all"), Statement::HealAll);
    assert!(matches!(statement("HEAL FAULT 3"), Statement::HealFault { fault: 3, .. }));
    assert_eq!(statement("RESTART ALL"), Statement::RestartAll);
}

#[test]
fn a_node_has_many_names() {
    for text in [
        "RESTART NODE 2",
        "restart worker-2",
        "restart node worker-2",
        "restart 'worker-2'",
        "restart node 'Worker-2'",
        "restart 2",
    ] {
        assert!(matches!(statement(text), Statement::RestartNode { node: NodeId(2), .. }), "{text}");
    }
}

#[test]
fn faults() {
    let fault = |text: &str| match statement(text) {
        Statement::Inject { fault, .. } => fault,
        other => panic!("{other:?}"),
    };
    let crash = |trigger| FaultSpec { kind: FaultKind::Crash { node: NodeChoice::Node(NodeId(2)) }, trigger };
    assert_eq!(fault("INJECT CRASH ON NODE 2"), crash(Trigger::Now));
    assert_eq!(fault("INJECT CRASH ON worker-2 AT 50%"), crash(Trigger::AtPercent(50)));
    let in_stage = Trigger::InStage { stage: StageId(1), after_tasks: 3 };
    assert_eq!(fault("INJECT CRASH ON NODE 2 IN STAGE 1 AFTER 3 TASKS"), crash(in_stage));
    assert_eq!(fault("INJECT CRASH ON NODE ANY").kind, FaultKind::Crash { node: NodeChoice::Any });
    assert_eq!(
        fault("INJECT SLOW ON NODE 3 BY 10").kind,
        FaultKind::Slow { node: NodeChoice::Node(NodeId(3)), factor: 10 }
    );
    assert_eq!(fault("INJECT FLAKY ON STAGE 1 TIMES 2").kind, FaultKind::Flaky { stage: Some(StageId(1)), times: 2 });
    assert_eq!(fault("INJECT FLAKY").kind, FaultKind::Flaky { stage: None, times: 1 });
}

#[test]
fn errors_point_at_the_place() {
    assert_eq!(
        error("SELCT 1"),
        "unknown statement \"SELCT\"\nLINE 1: SELCT 1\n        ^^^^^\nHint: did you mean \"SELECT\"?"
    );
    assert_eq!(
        error("select a\nfrom t\ngruop by a"),
        "syntax error at or near \"by\"\nLINE 3: gruop by a\n              ^^\nHint: did you mean \"GROUP\"?"
    );
    assert_eq!(
        error("select (1 + 2"),
        "syntax error at the end of the statement\nLINE 1: select (1 + 2\n                     ^\nHint: expected )"
    );
    assert_eq!(
        error("INJECT CRSH ON NODE 2"),
        "syntax error at or near \"CRSH\"\nLINE 1: INJECT CRSH ON NODE 2\n               ^^^^\nHint: did you mean \"CRASH\"?"
    );
    assert_eq!(
        error("INJECT CRASH ON NODE 2 AT 150%"),
        "a fault fires at 1% to 100% of the query's tasks\nLINE 1: INJECT CRASH ON NODE 2 AT 150%\n                               ^^^^^^^"
    );
    assert_eq!(
        error("select 'abc"),
        "syntax error: unterminated string literal\nLINE 1: select 'abc\n               ^\nHint: it begins here; a ' ends it"
    );
    assert_eq!(error(" ; "), "there is no statement here");
}

#[test]
fn later_statements_are_named() {
    for (text, name) in [
        ("INJECT OOM ON NODE 1", "INJECT OOM"),
        ("INJECT NETWORK PARTITION", "INJECT NETWORK PARTITION"),
        ("merge into t using u on true", "MERGE"),
        ("DRAIN NODE 1", "DRAIN NODE"),
        ("begin", "transactions"),
    ] {
        let error = parse(text).unwrap_err();
        assert_eq!((error.code, error.message), (ErrorCode::NotSupported, format!("not supported yet: {name}")));
        assert!(error.span.is_some());
    }
}

#[test]
fn huge_and_deep_statements_end_well() {
    let deep = format!("select {}1{}", "(".repeat(3000), ")".repeat(3000));
    assert!(error(&deep).starts_with("brackets are nested more than 200 deep\nLINE 1: ..."));
    let cases = format!("select {}1{}", "case when true then ".repeat(3000), " end".repeat(3000));
    assert!(error(&cases).starts_with("CASE is nested more than 200 deep\nLINE 1: ..."));
    assert!(
        error(&format!("select {} true", "not ".repeat(3000))).starts_with("operators are nested more than 200 deep")
    );
    let tables = format!("select * from {}t{}", "(".repeat(150), ")".repeat(150));
    let _ = parse(&tables);
    for text in ["not ".repeat(20_000), "- ".repeat(20_000), "1+".repeat(20_000), "case when ".repeat(20_000)] {
        assert!(parse(&format!("select {text} 1")).is_err());
    }
    assert!(parse(&format!("select {} 1 as x", "a and b or ".repeat(20_000))).is_ok());
    assert!(parse(&format!("select {} false", "a = 1 or ".repeat(20_000))).is_ok());
    assert!(parse(&format!("select x in ({}2)", "1,".repeat(20_000))).is_ok());
    assert!(error(&vec!["select 1"; 20_000].join(" union all ")).starts_with("more than 500 set operations in a row"));
}
