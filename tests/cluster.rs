//! The cluster from outside: hand-made plans over a memory table, broken in every place, in both modes and with both drivers.

use faultlab::catalog::{ColumnInfo, ColumnStatistics, Format, MemoryRows, Piece, PieceRange, Table};
use faultlab::cluster::*;
use faultlab::functions::QueryClock;
use faultlab::journal::{Entry, ErrorCode, Journal, Record, tables};
use faultlab::plan::expr::{ColumnDef, ColumnId, Expr, ExprKind};
use faultlab::plan::logical::{Aggregate, OutputColumn, SortKey};
use faultlab::plan::physical::*;
use faultlab::scheduler::graph::{Limits, Mode};
use faultlab::scheduler::{Incarnation, NodeId, StageId};
use faultlab::sql::statement::{FaultKind, FaultSpec, NodeChoice, Trigger};
use faultlab::sql::{DataType, Value};
use polars::prelude::{DataFrame, IntoColumn, NamedFrom, Series};
use std::sync::Arc;
use std::time::{Duration, Instant};

const THREADS: DriverKind = DriverKind::Threads;
const VIRTUAL: DriverKind = DriverKind::Deterministic { seed: 42 };
const SCAN_TASKS: u32 = 12;
const PARTITIONS: u32 = 4;
const ROWS: i64 = 1200;
const GROUPS: i64 = 10;

fn column(id: u32, name: &str, dtype: DataType) -> ColumnDef {
    ColumnDef { id: ColumnId(id), name: name.into(), dtype }
}

fn table() -> Arc<Table> {
    let keys: Vec<i64> = (0..ROWS).map(|row| row % GROUPS).collect();
    let values: Vec<i64> = (0..ROWS).collect();
    let columns = vec![Series::new("0".into(), keys).into_column(), Series::new("1".into(), values).into_column()];
    let frame = DataFrame::new(ROWS as usize, columns).unwrap();
    let info =
        |name: &str| ColumnInfo { name: name.into(), dtype: DataType::BigInt, statistics: ColumnStatistics::default() };
    Arc::new(Table {
        schema: "main".into(),
        name: "numbers".into(),
        columns: vec![info("k"), info("v")],
        format: Format::Memory,
        files: vec![],
        rows: ROWS as u64,
        memory: Some(MemoryRows(Arc::new(frame))),
    })
}

/// `SELECT k, sum(v) FROM numbers GROUP BY k ORDER BY k` in three stages: 12 scans, 4 sums, one sort.
fn plan() -> PhysicalQuery {
    let (k, v, sum) =
        (column(0, "k", DataType::BigInt), column(1, "v", DataType::BigInt), column(2, "sum", DataType::HugeInt));
    let rows_each = ROWS as u64 / u64::from(SCAN_TASKS);
    let piece = |task: u32| {
        let start = u64::from(task) * rows_each;
        let range = PieceRange::Rows { start, end: start + rows_each };
        vec![Piece { file: 0, range, rows: rows_each, bytes: rows_each * 16 }]
    };
    let scan = Fragment::Scan {
        table: table(),
        source: vec![0, 1],
        columns: vec![k.clone(), v.clone()],
        predicate: None,
        output: vec![k.id, v.id],
        limit: None,
    };
    let aggregate = PhysicalAggregate {
        call: Aggregate {
            output: sum.clone(),
            function: "sum".into(),
            args: vec![(v.id, DataType::BigInt)],
            distinct: false,
            filter: None,
            span: None,
            constants: Vec::new(),
            order_by: Vec::new(),
        },
        state: vec![],
    };
    let sums = Fragment::Aggregate {
        input: Box::new(Fragment::ExchangeRead {
            stages: vec![(StageId(1), vec![k.id, v.id])],
            columns: vec![k.clone(), v.clone()],
        }),
        keys: vec![k.clone()],
        aggregates: vec![aggregate],
        phase: AggregatePhase::Complete,
    };
    let sort = Fragment::Sort {
        input: Box::new(Fragment::ReadAll { stage: StageId(2), columns: vec![k.clone(), sum.clone()] }),
        keys: vec![SortKey { column: k.id, descending: false, nulls_first: false }],
    };
    let stage = |id, fragment, tasks, exchange| Stage {
        id: StageId(id),
        fragment,
        tasks,
        exchange,
        estimate: Estimate::default(),
        late_join: None,
    };
    PhysicalQuery {
        stages: vec![
            stage(
                1,
                scan,
                Tasks::Scan { groups: (0..SCAN_TASKS).map(piece).collect() },
                Exchange::Hash { keys: vec![k.id], partitions: PARTITIONS },
            ),
            stage(2, sums, Tasks::Partitions { count: PARTITIONS }, Exchange::Gather),
            stage(3, sort, Tasks::Single, Exchange::Gather),
        ],
        output: vec![
            OutputColumn { name: "k".into(), column: k.id, dtype: k.dtype },
            OutputColumn { name: "sum".into(), column: sum.id, dtype: sum.dtype },
        ],
        adaptive: None,
    }
}

/// `SELECT <expression>`: one task.
fn constant(expression: Expr) -> PhysicalQuery {
    let one = ColumnDef { id: ColumnId(0), name: "x".into(), dtype: expression.dtype.clone() };
    let stage = Stage {
        id: StageId(1),
        fragment: Fragment::Values { columns: vec![one.clone()], rows: vec![vec![expression]] },
        tasks: Tasks::Single,
        exchange: Exchange::Gather,
        estimate: Estimate::default(),
        late_join: None,
    };
    let output = vec![OutputColumn { name: "x".into(), column: one.id, dtype: one.dtype }];
    PhysicalQuery { stages: vec![stage], output, adaptive: None }
}

fn bad_cast() -> Expr {
    let text = Expr::literal(Value::Varchar("abc".into()), DataType::Varchar);
    Expr { kind: ExprKind::Cast { arg: Box::new(text), lenient: false }, dtype: DataType::BigInt, span: None }
}

fn start(driver: DriverKind, nodes: u32) -> (Cluster, Journal) {
    let journal = Journal::new();
    let config = ClusterConfig { nodes, slots: 1, driver, memory_per_node: 512 << 20 };
    (Cluster::start(config, journal.clone()), journal)
}

fn spec(plan: PhysicalQuery, mode: Mode, on_nodes: bool) -> QuerySpec {
    QuerySpec {
        sql: "SELECT k, sum(v) FROM numbers GROUP BY k ORDER BY k".into(),
        plan: Arc::new(plan),
        mode,
        limits: Limits::default(),
        clock: QueryClock { now_us: 0, seed: 1, zone: chrono_tz::UTC },
        on_nodes,
    }
}

fn run(cluster: &Cluster, mode: Mode) -> Result<Vec<(i64, i128)>, (ErrorCode, String)> {
    let query = cluster.submit(spec(plan(), mode, true));
    rows(query.wait_for(Duration::from_secs(60)).expect("the query ends"))
}

fn rows(outcome: QueryOutcome) -> Result<Vec<(i64, i128)>, (ErrorCode, String)> {
    match outcome {
        QueryOutcome::Failed { code, message, .. } => Err((code, message)),
        QueryOutcome::Finished { blocks } => {
            let mut rows = Vec::new();
            for block in blocks {
                let columns = block.frame.columns();
                let keys: Vec<_> = columns[0].i64().unwrap().into_no_null_iter().collect();
                let sums = columns[1].i128().unwrap().into_no_null_iter();
                rows.extend(keys.into_iter().zip(sums));
            }
            Ok(rows)
        }
    }
}

fn expected() -> Vec<(i64, i128)> {
    let sum = |k: i64| (0..ROWS).filter(|row| row % GROUPS == k).map(i128::from).sum();
    (0..GROUPS).map(|k| (k, sum(k))).collect()
}

fn crash(node: u32, trigger: Trigger) -> FaultSpec {
    FaultSpec { kind: FaultKind::Crash { node: NodeChoice::Node(NodeId(node)) }, trigger }
}

fn in_stage(stage: u32, after_tasks: u32) -> Trigger {
    Trigger::InStage { stage: StageId(stage), after_tasks }
}

fn count(journal: &Journal, which: impl Fn(&Record) -> bool) -> usize {
    journal.entries_from(1).iter().filter(|entry| which(&entry.record)).count()
}

#[test]
fn the_answer_is_the_same_on_any_number_of_nodes() {
    for driver in [THREADS, VIRTUAL] {
        for nodes in [1, 2, 4, 8] {
            for mode in [Mode::Abort, Mode::Recompute] {
                let (cluster, _) = start(driver, nodes);
                assert_eq!(run(&cluster, mode), Ok(expected()), "{driver:?}, {nodes} nodes, {mode}");
                if driver == VIRTUAL {
                    let left = cluster.nodes().iter().map(|node| node.outputs + node.memory_bytes).sum::<u64>();
                    assert_eq!(left, 0, "nothing is left behind");
                }
            }
        }
    }
}

#[test]
fn a_crash_anywhere_gives_the_right_rows_or_the_right_error() {
    let points = (0..=SCAN_TASKS).map(|k| in_stage(1, k)).chain((0..=PARTITIONS).map(|k| in_stage(2, k)));
    let points: Vec<Trigger> = points.chain([1, 25, 50, 75, 99, 100].map(Trigger::AtPercent)).collect();
    for driver in [THREADS, VIRTUAL] {
        for &point in &points {
            for victim in [NodeChoice::Node(NodeId(2)), NodeChoice::Any] {
                for mode in [Mode::Abort, Mode::Recompute] {
                    let (cluster, journal) = start(driver, 4);
                    let fault = FaultSpec { kind: FaultKind::Crash { node: victim }, trigger: point };
                    assert_eq!(cluster.inject(fault), InjectReply::Armed { fault: 1 });
                    let outcome = run(&cluster, mode);
                    let what = format!("{driver:?} {point:?} {victim:?} {mode}");
                    match (mode, outcome) {
                        (_, Ok(rows)) => assert_eq!(rows, expected(), "{what}"),
                        (Mode::Abort, Err((code, message))) => {
                            assert_eq!(code, ErrorCode::RemoteHostGone, "{what}");
                            assert!(message.starts_with("Worker node worker-"), "{message}");
                        }
                        (Mode::Recompute, Err(error)) => panic!("{what}: {error:?}"),
                    }
                    assert_eq!(cluster.armed(), 0, "{what}");
                    assert_eq!(count(&journal, |r| matches!(r, Record::FaultFired { .. })), 1, "{what}");
                    assert_eq!(cluster.nodes().iter().filter(|node| !node.up).count(), 1, "{what}");
                }
            }
        }
    }
}

#[test]
fn half_way_abort_fails_and_recompute_repeats_a_part() {
    for driver in [THREADS, VIRTUAL] {
        let (cluster, journal) = start(driver, 4);
        cluster.inject(crash(2, Trigger::AtPercent(50)));
        let (code, message) = run(&cluster, Mode::Abort).unwrap_err();
        assert_eq!(
            (code, message.as_str()),
            (ErrorCode::RemoteHostGone, "Worker node worker-2 is no longer available")
        );
        assert!(journal.last_query().unwrap().thrown_away_us(cluster.now()) > 0);
        assert_eq!(run(&cluster, Mode::Abort), Ok(expected()), "the next one runs on the nodes that are left");

        cluster.restart_all();
        cluster.inject(crash(2, Trigger::AtPercent(50)));
        assert_eq!(run(&cluster, Mode::Recompute), Ok(expected()));
        let info = journal.last_query().unwrap();
        assert_eq!(info.lost_needed(), info.tasks_recomputed());
        assert_eq!(info.again(), info.tasks_recomputed() + info.tasks_restarted());
        assert!(info.again() < info.tasks() && info.recovered_from_failure());
        if driver == VIRTUAL {
            // With real threads, how many of the outputs a node has made by then is a matter of luck.
            assert!(info.tasks_recomputed() >= 1 && info.kept() > 0, "{info:?}");
        }
        assert_eq!(info.faults[0].text, "worker-2 crashed");
        assert!(info.faults[0].done * 2 >= info.faults[0].tasks);
    }
}

#[test]
fn the_same_seed_writes_the_same_journal() {
    let journal = |seed| {
        let (cluster, journal) = start(DriverKind::Deterministic { seed }, 4);
        assert_eq!(run(&cluster, Mode::Recompute), Ok(expected()));
        cluster.inject(crash(2, Trigger::AtPercent(50)));
        run(&cluster, Mode::Abort).unwrap_err();
        cluster.restart_all();
        cluster.inject(crash(3, in_stage(2, 1)));
        cluster.inject(FaultSpec { kind: FaultKind::Flaky { stage: None, times: 2 }, trigger: Trigger::Now });
        assert_eq!(run(&cluster, Mode::Recompute), Ok(expected()));
        cluster.inject(crash(1, Trigger::Now));
        cluster.submit(spec(constant(Expr::boolean(true)), Mode::Abort, false)).wait();
        cluster.restart(NodeId(1));
        let line = |entry: &Entry| serde_json::to_string(entry).unwrap();
        journal.entries_from(1).iter().map(line).collect::<Vec<_>>()
    };
    let first = journal(42);
    for _ in 0..5 {
        assert_eq!(first, journal(42));
    }
    assert_ne!(first, journal(43));
}

#[test]
fn flaky_is_fatal_in_abort_and_retried_in_recompute() {
    let flaky = |times| FaultSpec { kind: FaultKind::Flaky { stage: Some(StageId(1)), times }, trigger: Trigger::Now };
    for driver in [THREADS, VIRTUAL] {
        let (cluster, journal) = start(driver, 4);
        cluster.inject(flaky(1));
        let (code, message) = run(&cluster, Mode::Abort).unwrap_err();
        assert_eq!(code, ErrorCode::RemoteTaskError, "{message}");
        cluster.inject(flaky(2));
        assert_eq!(run(&cluster, Mode::Recompute), Ok(expected()));
        assert_eq!(journal.last_query().unwrap().again(), 2);
        cluster.inject(flaky(1000));
        let (code, message) = run(&cluster, Mode::Recompute).unwrap_err();
        assert_eq!(code, ErrorCode::TaskAttemptsExceeded, "{message}");
        assert!(message.contains("failed 4 times"), "{message}");
        assert_eq!(run(&cluster, Mode::Recompute), Ok(expected()), "a fault is spent with its query");
    }
}

#[test]
fn a_slow_node_takes_longer_until_it_is_healed() {
    let (cluster, journal) = start(VIRTUAL, 2);
    let elapsed = |cluster: &Cluster| {
        assert_eq!(run(cluster, Mode::Recompute), Ok(expected()));
        journal.last_query().unwrap().elapsed_us(cluster.now())
    };
    let usual = elapsed(&cluster);
    let kind = FaultKind::Slow { node: NodeChoice::Node(NodeId(2)), factor: 10 };
    let reply = cluster.inject(FaultSpec { kind, trigger: Trigger::Now });
    assert_eq!(reply, InjectReply::Slowed { fault: 1, node: NodeId(2) });
    assert_eq!(cluster.nodes()[1].slow_factor, Some(10));
    assert!(elapsed(&cluster) > usual);
    assert!(cluster.heal(1));
    assert!(!cluster.heal(1) && !cluster.heal(99));
    assert_eq!(cluster.nodes()[1].slow_factor, None);
}

#[test]
fn without_nodes_a_query_fails_at_once_and_constants_still_work() {
    for driver in [THREADS, VIRTUAL] {
        let (cluster, _) = start(driver, 2);
        cluster.inject(crash(1, in_stage(1, 2)));
        cluster.inject(crash(2, in_stage(1, 4)));
        assert_eq!(run(&cluster, Mode::Recompute).unwrap_err().0, ErrorCode::NoNodesAvailable);
        assert_eq!(run(&cluster, Mode::Abort).unwrap_err().0, ErrorCode::NoNodesAvailable);
        let local = cluster.submit(spec(constant(Expr::boolean(true)), Mode::Abort, false)).wait();
        assert!(matches!(local, QueryOutcome::Finished { .. }));
        cluster.restart_all();
        assert_eq!(run(&cluster, Mode::Recompute), Ok(expected()));
        assert!(cluster.nodes().iter().all(|node| node.up && node.incarnation == Incarnation(2)));
    }
}

#[test]
fn crashing_and_restarting_at_the_prompt() {
    for driver in [THREADS, VIRTUAL] {
        let (cluster, _) = start(driver, 4);
        let reply = cluster.inject(crash(2, Trigger::Now));
        assert_eq!(reply, InjectReply::Crashed { fault: 1, node: NodeId(2), query: None, up: 3, nodes: 4 });
        assert_eq!(
            cluster.inject(crash(2, Trigger::Now)),
            InjectReply::AlreadyDown { node: NodeId(2), fault: Some(1) }
        );
        assert_eq!(
            cluster.inject(crash(99, Trigger::AtPercent(5))),
            InjectReply::NoSuchNode { node: NodeId(99), nodes: 4 }
        );
        assert_eq!(run(&cluster, Mode::Abort), Ok(expected()));
        assert_eq!(cluster.restart(NodeId(99)), None);
        assert_eq!(cluster.restart(NodeId(1)), Some(false));
        assert_eq!(cluster.restart(NodeId(2)), Some(true));
        assert_eq!(cluster.nodes()[1].incarnation, Incarnation(2));
    }
}

#[test]
fn a_fault_whose_moment_never_comes_is_disarmed_with_its_query() {
    let (cluster, journal) = start(VIRTUAL, 4);
    cluster.inject(crash(2, in_stage(9, 1)));
    cluster.inject(crash(2, in_stage(1, 1000)));
    cluster.submit(spec(constant(Expr::boolean(true)), Mode::Abort, false)).wait();
    assert_eq!(cluster.armed(), 2, "a query without nodes leaves them alone");
    assert_eq!(run(&cluster, Mode::Recompute), Ok(expected()));
    assert_eq!(cluster.armed(), 0);
    let why: Vec<String> = journal.last_query().unwrap().faults_expired.iter().map(|(_, why)| why.clone()).collect();
    assert_eq!(why, ["query 2 has only 3 stages", "stage 1 of query 2 has only 12 tasks"]);
}

#[test]
fn a_paced_query_can_be_watched_broken_paused_and_canceled() {
    for driver in [THREADS, VIRTUAL] {
        let (cluster, _) = start(driver, 4);
        cluster.set_pace(Duration::from_secs(3600));
        let query = cluster.submit(spec(plan(), Mode::Recompute, true));
        cluster.set_paused(true);
        assert!(query.snapshot().paused);
        let reply = cluster.inject(crash(2, Trigger::Now));
        assert!(matches!(reply, InjectReply::Crashed { query: Some(_), up: 3, .. }), "{reply:?}");
        cluster.set_paused(false);
        assert!(query.wait_for(Duration::ZERO).is_none());
        cluster.cancel(query.id());
        let (code, _) = rows(query.wait()).unwrap_err();
        assert_eq!(code, ErrorCode::UserCanceled);
        cluster.set_pace(Duration::ZERO);
        assert_eq!(run(&cluster, Mode::Abort), Ok(expected()));
    }
}

#[test]
fn a_pace_that_is_taken_back_lets_a_waiting_query_finish() {
    let (cluster, _) = start(THREADS, 2);
    cluster.set_pace(Duration::from_secs(3600));
    let query = cluster.submit(spec(plan(), Mode::Recompute, true));
    cluster.set_pace(Duration::ZERO);
    assert_eq!(rows(query.wait()), Ok(expected()));
    let last = query.snapshot();
    assert_eq!(last.progress, 1.0);
    assert!(last.stages.iter().flat_map(|stage| &stage.tasks).all(|task| matches!(task, TaskSnapshot::Done(_))));
}

#[test]
fn a_user_error_is_not_retried_and_reads_the_same_everywhere() {
    for driver in [THREADS, VIRTUAL] {
        for mode in [Mode::Abort, Mode::Recompute] {
            for on_nodes in [true, false] {
                let (cluster, journal) = start(driver, 2);
                let outcome = cluster.submit(spec(constant(bad_cast()), mode, on_nodes)).wait();
                let QueryOutcome::Failed { code, .. } = outcome else { panic!("a bad cast fails") };
                assert_eq!(code, ErrorCode::InvalidCastArgument);
                let launched = count(&journal, |r| matches!(r, Record::AttemptLaunched { .. }));
                assert_eq!(launched, usize::from(on_nodes));
            }
        }
    }
}

#[test]
fn the_journal_is_read_as_tables() {
    let (cluster, journal) = start(VIRTUAL, 4);
    run(&cluster, Mode::Recompute).unwrap();
    cluster.inject(crash(2, Trigger::AtPercent(50)));
    run(&cluster, Mode::Abort).unwrap_err();
    let start_us = 1_700_000_000_000_000;
    let all = tables::tables(&journal, start_us, cluster.now());
    assert_eq!(all.iter().map(|table| table.name.as_str()).collect::<Vec<_>>(), tables::NAMES);
    let cell = |table: &str, column: &str, row: usize| {
        let table = all.iter().find(|t| t.name == table).unwrap();
        let index = table.columns.iter().position(|c| c.name == column).unwrap();
        table.memory.as_ref().unwrap().0.columns()[index].get(row).unwrap().to_string()
    };
    assert_eq!(cell("queries", "query_state", 0), "\"FINISHED\"");
    assert_eq!(cell("queries", "state", 1), "\"FAILED\"");
    assert_eq!(cell("queries", "error_code", 1), "\"REMOTE_HOST_GONE\"");
    assert_eq!(cell("queries", "error_message", 1), "\"Worker node worker-2 is no longer available\"");
    assert_eq!(cell("queries", "created", 0), start_us.to_string());
    assert_eq!(cell("nodes", "state", 1), "\"GONE\"");
    assert_eq!(cell("faults", "state", 0), "\"fired\"");
    assert_eq!(cell("tasks", "task_id", 0), "\"1.1.0#1\"");
}

#[test]
fn the_time_of_a_trivial_query_is_told() {
    for (driver, name) in [(THREADS, "threads"), (VIRTUAL, "deterministic")] {
        let (cluster, _) = start(driver, 4);
        run(&cluster, Mode::Recompute).unwrap();
        let rounds = 50;
        let began = Instant::now();
        for _ in 0..rounds {
            cluster.submit(spec(constant(Expr::boolean(true)), Mode::Recompute, true)).wait();
        }
        let one = began.elapsed() / rounds;
        let began = Instant::now();
        for _ in 0..rounds {
            cluster.submit(spec(constant(Expr::boolean(true)), Mode::Recompute, false)).wait();
        }
        println!("{name}: a query of one task {one:?}, without nodes {:?}", began.elapsed() / rounds);
    }
}

/// `SELECT a.k, sum(a.v) FROM numbers a JOIN numbers b ON a.v = b.v GROUP BY a.k ORDER BY a.k`: scan, join and partial sums in
/// one fragment, whose outputs are cut by hash.
fn joined() -> PhysicalQuery {
    let mut query = plan();
    let mut build = query.stages[0].clone();
    build.exchange = Exchange::Broadcast;
    let (k, v) = (column(10, "k", DataType::BigInt), column(11, "v", DataType::BigInt));
    let state = column(12, "sum", DataType::HugeInt);
    let Fragment::Scan { table, source, .. } = build.fragment.clone() else { panic!("a scan comes first") };
    let scan = Fragment::Scan {
        table,
        source,
        columns: vec![k.clone(), v.clone()],
        predicate: None,
        output: vec![k.id, v.id],
        limit: None,
    };
    let other = column(1, "v", DataType::BigInt);
    let join = Fragment::HashJoin {
        probe: Box::new(scan),
        build: Box::new(Fragment::ReadAll { stage: StageId(1), columns: vec![other.clone()] }),
        kind: PhysicalJoin::Inner,
        keys: vec![(v.id, other.id)],
        nulls_match: vec![false],
        residual: None,
        output: vec![k.id, v.id],
    };
    let Fragment::Aggregate { aggregates, keys, .. } = &mut query.stages[1].fragment else { panic!("sums come next") };
    let (mut partial, mut merged) = (aggregates[0].clone(), aggregates[0].clone());
    partial.call.args = vec![(v.id, DataType::BigInt)];
    partial.state = vec![state.clone()];
    merged.call.args = partial.call.args.clone();
    merged.state = partial.state.clone();
    let sums = Fragment::Aggregate {
        input: Box::new(Fragment::ExchangeRead {
            stages: vec![(StageId(2), vec![k.id, state.id])],
            columns: vec![keys[0].clone(), state],
        }),
        keys: keys.clone(),
        aggregates: vec![merged],
        phase: AggregatePhase::Final,
    };
    let partial = Fragment::Aggregate {
        input: Box::new(join),
        keys: vec![k.clone()],
        aggregates: vec![partial],
        phase: AggregatePhase::Partial,
    };
    let mut probe = query.stages[0].clone();
    probe.fragment = partial;
    probe.exchange = Exchange::Hash { keys: vec![k.id], partitions: PARTITIONS };
    query.stages[1].fragment = sums;
    query.stages[2].fragment = match query.stages[2].fragment.clone() {
        Fragment::Sort { input, keys } => {
            let Fragment::ReadAll { columns, .. } = *input else { panic!("the sort reads the sums") };
            Fragment::Sort { input: Box::new(Fragment::ReadAll { stage: StageId(3), columns }), keys }
        }
        other => other,
    };
    query.stages.insert(0, build);
    query.stages[1] = probe;
    for (place, stage) in query.stages.iter_mut().enumerate() {
        stage.id = StageId(place as u32 + 1);
    }
    query
}

#[test]
fn a_hundred_repetitions_give_equal_bytes_and_no_thread_but_the_nodes_own_works() {
    let (cluster, _) = start(THREADS, 4);
    let plan = joined();
    let mut seen = None;
    for round in 0..100 {
        let query = cluster.submit(spec(plan.clone(), Mode::Recompute, true));
        let outcome = query.wait_for(Duration::from_secs(60)).expect("the query ends");
        let QueryOutcome::Finished { blocks } = &outcome else { panic!("{outcome:?}") };
        let sums: Vec<u64> = blocks.iter().map(|block| block.checksum).collect();
        assert_eq!(*seen.get_or_insert_with(|| sums.clone()), sums, "round {round}");
        assert_eq!(rows(outcome), Ok(expected()), "round {round}");
    }
    #[cfg(target_os = "linux")]
    for thread in std::fs::read_dir("/proc/self/task").unwrap() {
        // A thread of another test may end meanwhile.
        let name = std::fs::read_to_string(thread.unwrap().path().join("comm")).unwrap_or_default();
        let of_polars = ["polars", "async-executor", "rayon"].iter().any(|pool| name.starts_with(pool));
        assert!(!of_polars, "the thread {name} is not one of a node");
    }
}
