//! The operators of the kernel, each over small frames with answers worked out by hand.

use faultlab::functions::{QueryClock, aggregate, aggregate_state};
use faultlab::journal::ErrorCode;
use faultlab::kernel::{Block, CompiledStage, TaskContext, TaskInputs};
use faultlab::plan::expr::ColumnDef;
use faultlab::plan::logical::{Aggregate, SortKey};
use faultlab::plan::physical::{AggregatePhase, Estimate, PhysicalAggregate, PhysicalJoin, Tasks};
use faultlab::plan::{ColumnId, Exchange, Expr, Fragment, Stage};
use faultlab::scheduler::{PartitionId, StageId};
use faultlab::sql::DataType;
use polars::prelude::{Column, DataFrame, NamedFrom, Series};
use std::sync::Arc;

const MONEY: DataType = DataType::Decimal { precision: 15, scale: 2 };

fn def(id: u32, dtype: DataType) -> ColumnDef {
    ColumnDef { id: ColumnId(id), name: format!("c{id}"), dtype }
}

fn values<T, A: ?Sized>(id: u32, values: T) -> Column
where
    Series: NamedFrom<T, A>,
{
    Series::new(format!("c{id}").into(), values).into()
}

fn block(columns: Vec<Column>) -> Arc<Block> {
    Arc::new(Block::new(DataFrame::new(columns[0].len(), columns).unwrap()))
}

/// A fragment with the blocks of the stages that it reads.
struct Case {
    inputs: TaskInputs,
}

impl Case {
    fn new(stages: Vec<(u32, Vec<Arc<Block>>)>) -> Case {
        let exchanges = stages.into_iter().map(|(stage, blocks)| (StageId(stage), blocks)).collect();
        Case { inputs: TaskInputs { pieces: vec![], exchanges } }
    }

    fn blocks(&self, fragment: Fragment, exchange: Exchange) -> Result<Vec<Arc<Block>>, ErrorCode> {
        let (tasks, estimate) = (Tasks::Single, Estimate::default());
        let stage = Stage { id: StageId(9), fragment, tasks, exchange, estimate, late_join: None };
        let context = TaskContext::alone(QueryClock { now_us: 0, seed: 0, zone: chrono_tz::UTC });
        let compiled = CompiledStage::compile(&stage).map_err(|e| e.code())?;
        compiled.run(PartitionId(0), &self.inputs, &context).map(|out| out.blocks).map_err(|e| e.code())
    }

    /// The rows, each as its values beside each other.
    fn rows(&self, fragment: Fragment) -> Result<Vec<String>, ErrorCode> {
        Ok(rows(&self.blocks(fragment, Exchange::Gather)?[0].frame))
    }
}

fn rows(frame: &DataFrame) -> Vec<String> {
    let text = |column: &Column, row: usize| match column.get(row).unwrap() {
        polars::prelude::AnyValue::Null => "-".to_string(),
        polars::prelude::AnyValue::String(text) => text.to_string(),
        polars::prelude::AnyValue::StringOwned(text) => text.to_string(),
        polars::prelude::AnyValue::Float64(number) => format!("{number:?}"),
        polars::prelude::AnyValue::Boolean(truth) => truth.to_string(),
        number => number.extract::<i128>().unwrap().to_string(),
    };
    let row = |row| frame.columns().iter().map(|c| text(c, row)).collect::<Vec<_>>().join(" ");
    (0..frame.height()).map(row).collect()
}

fn read(stage: u32, columns: &[ColumnDef]) -> Box<Fragment> {
    let ids = columns.iter().map(|c| c.id).collect();
    Box::new(Fragment::ExchangeRead { stages: vec![(StageId(stage), ids)], columns: columns.to_vec() })
}

fn call(function: &str, output: u32, args: &[(u32, DataType)]) -> PhysicalAggregate {
    let types: Vec<DataType> = args.iter().map(|(_, t)| t.clone()).collect();
    let signature = aggregate(function, &types).unwrap();
    let state = aggregate_state(function, &types, &signature.result);
    PhysicalAggregate {
        call: Aggregate::plain(
            def(output, signature.result),
            function,
            args.iter().map(|(id, t)| (ColumnId(*id), t.clone())).collect(),
        ),
        state: state.into_iter().enumerate().map(|(i, t)| def(output * 100 + i as u32, t)).collect(),
    }
}

fn sales() -> Case {
    let first = block(vec![
        values(0, [Some("north"), Some("south"), None, Some("north")]),
        values(1, [Some(150i64), Some(-25), Some(10), None]),
    ]);
    let second = block(vec![values(0, [None, Some("south"), Some("west")]), values(1, [Some(30i64), Some(25), None])]);
    Case::new(vec![(1, vec![first, second])])
}

fn sales_columns() -> [ColumnDef; 2] {
    [def(0, DataType::Varchar), def(1, MONEY)]
}

fn everything() -> Vec<PhysicalAggregate> {
    let money = |name: &str, output| call(name, output, &[(1, MONEY)]);
    vec![
        call("count_star", 10, &[]),
        money("count", 11),
        money("sum", 12),
        money("avg", 13),
        money("min", 14),
        money("max", 15),
        money("any_value", 16),
        call("max", 17, &[(0, DataType::Varchar)]),
    ]
}

const BY_REGION: [&str; 4] = [
    "north 2 1 150 1.5 150 150 150 north",
    "south 2 2 0 0.0 -25 25 -25 south",
    "- 2 2 40 0.2 10 30 10 -",
    "west 1 0 - - - - - west",
];

#[test]
fn groups_come_in_order_of_first_appearance_and_null_is_one() {
    let fragment = Fragment::Aggregate {
        input: read(1, &sales_columns()),
        keys: vec![def(0, DataType::Varchar)],
        aggregates: everything(),
        phase: AggregatePhase::Complete,
    };
    assert_eq!(sales().rows(fragment).unwrap(), BY_REGION);
}

#[test]
fn partial_then_final_is_complete() {
    let keys = vec![def(0, DataType::Varchar)];
    let mut states = Vec::new();
    let mut columns = Vec::new();
    let all = sales();
    for block in &all.inputs.exchanges[&StageId(1)] {
        let fragment = Fragment::Aggregate {
            input: read(1, &sales_columns()),
            keys: keys.clone(),
            aggregates: everything(),
            phase: AggregatePhase::Partial,
        };
        columns = fragment.columns();
        states.push(Case::new(vec![(1, vec![block.clone()])]).blocks(fragment, Exchange::Gather).unwrap().remove(0));
    }
    let fragment =
        Fragment::Aggregate { input: read(2, &columns), keys, aggregates: everything(), phase: AggregatePhase::Final };
    assert_eq!(Case::new(vec![(2, states)]).rows(fragment).unwrap(), BY_REGION);
}

#[test]
fn no_keys_make_one_row_even_of_nothing() {
    let nothing = Case::new(vec![(1, vec![])]);
    let fragment = Fragment::Aggregate {
        input: read(1, &sales_columns()),
        keys: vec![],
        aggregates: everything(),
        phase: AggregatePhase::Complete,
    };
    assert_eq!(nothing.rows(fragment.clone()).unwrap(), ["0 0 - - - - - -"]);
    assert_eq!(sales().rows(fragment).unwrap(), ["7 5 190 0.38 -25 150 150 west"]);
}

#[test]
fn distinct_and_filter_choose_rows() {
    let case = Case::new(vec![(
        1,
        vec![block(vec![
            values(0, ["a", "a", "b", "a"]),
            values(1, [5i64, 5, 5, 7]),
            values(2, [Some(true), Some(true), None, Some(false)]),
        ])],
    )]);
    let columns = [def(0, DataType::Varchar), def(1, MONEY), def(2, DataType::Boolean)];
    let mut distinct = call("count", 10, &[(1, MONEY)]);
    distinct.call.distinct = true;
    let mut filtered = call("sum", 11, &[(1, MONEY)]);
    filtered.call.filter = Some(ColumnId(2));
    let fragment = Fragment::Aggregate {
        input: read(1, &columns),
        keys: vec![def(0, DataType::Varchar)],
        aggregates: vec![distinct, filtered],
        phase: AggregatePhase::Complete,
    };
    assert_eq!(case.rows(fragment).unwrap(), ["a 2 10", "b 1 -"]);
}

#[test]
fn a_sum_that_does_not_fit_is_an_error() {
    let case = Case::new(vec![(1, vec![block(vec![values(1, [i128::MAX, 1])])])]);
    let fragment = Fragment::Aggregate {
        input: read(1, &[def(1, DataType::HugeInt)]),
        keys: vec![],
        aggregates: vec![call("sum", 10, &[(1, DataType::HugeInt)])],
        phase: AggregatePhase::Complete,
    };
    assert_eq!(case.rows(fragment), Err(ErrorCode::NumericValueOutOfRange));
}

fn joined(kind: PhysicalJoin, residual: Option<Expr>) -> Result<Vec<String>, ErrorCode> {
    let probe = block(vec![values(0, [Some(1i64), Some(2), None, Some(3)]), values(1, ["a", "b", "c", "d"])]);
    let build =
        block(vec![values(2, [Some(2i64), Some(1), Some(2), None, Some(5)]), values(3, ["p", "q", "r", "s", "t"])]);
    let case = Case::new(vec![(1, vec![probe]), (2, vec![build])]);
    let output = match kind {
        PhysicalJoin::Semi | PhysicalJoin::Anti => vec![ColumnId(1)],
        PhysicalJoin::Mark(mark) => vec![ColumnId(1), mark],
        _ => vec![ColumnId(1), ColumnId(3)],
    };
    case.rows(Fragment::HashJoin {
        probe: read(1, &[def(0, DataType::BigInt), def(1, DataType::Varchar)]),
        build: read(2, &[def(2, DataType::BigInt), def(3, DataType::Varchar)]),
        kind,
        keys: vec![(ColumnId(0), ColumnId(2))],
        nulls_match: vec![false],
        residual,
        output,
    })
}

#[test]
fn every_kind_of_hash_join() {
    assert_eq!(joined(PhysicalJoin::Inner, None).unwrap(), ["a q", "b p", "b r"]);
    assert_eq!(joined(PhysicalJoin::LeftOuter, None).unwrap(), ["a q", "b p", "b r", "c -", "d -"]);
    assert_eq!(joined(PhysicalJoin::RightOuter, None).unwrap(), ["a q", "b p", "b r", "- s", "- t"]);
    assert_eq!(joined(PhysicalJoin::FullOuter, None).unwrap(), ["a q", "b p", "b r", "c -", "d -", "- s", "- t"]);
    assert_eq!(joined(PhysicalJoin::Semi, None).unwrap(), ["a", "b"]);
    assert_eq!(joined(PhysicalJoin::Anti, None).unwrap(), ["c", "d"]);
    assert_eq!(joined(PhysicalJoin::Mark(ColumnId(7)), None).unwrap(), ["a true", "b true", "c -", "d -"]);
    assert_eq!(joined(PhysicalJoin::Single, None), Err(ErrorCode::SubqueryMultipleRows));
}

#[test]
fn a_residual_condition_decides_what_is_a_match() {
    let column = |id| Expr::column(ColumnId(id), DataType::Varchar);
    let text = Expr::literal(faultlab::sql::Value::Varchar("p".into()), DataType::Varchar);
    let residual = || Some(Expr::call("=", vec![column(3), text.clone()], DataType::Boolean));
    assert_eq!(joined(PhysicalJoin::Inner, residual()).unwrap(), ["b p"]);
    assert_eq!(joined(PhysicalJoin::LeftOuter, residual()).unwrap(), ["a -", "b p", "c -", "d -"]);
    assert_eq!(joined(PhysicalJoin::Semi, residual()).unwrap(), ["b"]);
    assert_eq!(joined(PhysicalJoin::Anti, residual()).unwrap(), ["a", "c", "d"]);
    assert_eq!(joined(PhysicalJoin::Single, residual()).unwrap(), ["a -", "b p", "c -", "d -"]);
    assert_eq!(joined(PhysicalJoin::RightOuter, residual()).unwrap(), ["b p", "- q", "- r", "- s", "- t"]);
}

#[test]
fn nested_loops_try_every_pair() {
    let case =
        Case::new(vec![(1, vec![block(vec![values(0, [1i64, 2, 3])])]), (2, vec![block(vec![values(1, [2i64, 3])])])]);
    let join = |kind, on: Option<Expr>| Fragment::NestedLoopJoin {
        left: read(1, &[def(0, DataType::BigInt)]),
        right: read(2, &[def(1, DataType::BigInt)]),
        kind,
        on,
        output: vec![ColumnId(0), ColumnId(1)],
    };
    let column = |id| Expr::column(ColumnId(id), DataType::BigInt);
    let less = || Some(Expr::call("<", vec![column(0), column(1)], DataType::Boolean));
    assert_eq!(case.rows(join(PhysicalJoin::Inner, None)).unwrap(), ["1 2", "1 3", "2 2", "2 3", "3 2", "3 3"]);
    assert_eq!(case.rows(join(PhysicalJoin::LeftOuter, less())).unwrap(), ["1 2", "1 3", "2 3", "3 -"]);
    assert_eq!(case.rows(join(PhysicalJoin::Single, less())), Err(ErrorCode::SubqueryMultipleRows));
}

fn key(column: u32, descending: bool, nulls_first: bool) -> SortKey {
    SortKey { column: ColumnId(column), descending, nulls_first }
}

#[test]
fn sorting_is_stable_with_nulls_and_nan_in_their_places() {
    let case = Case::new(vec![(
        1,
        vec![block(vec![
            values(0, [Some(1.5), None, Some(f64::NAN), Some(-0.0), Some(0.0), Some(f64::INFINITY)]),
            values(1, [0i64, 1, 2, 3, 4, 5]),
        ])],
    )]);
    let columns = [def(0, DataType::Double), def(1, DataType::BigInt)];
    let sort = |keys| Fragment::Project {
        input: Box::new(Fragment::Sort { input: read(1, &columns), keys }),
        columns: vec![(columns[1].clone(), Expr::column(ColumnId(1), DataType::BigInt))],
    };
    assert_eq!(case.rows(sort(vec![key(0, false, false)])).unwrap(), ["3", "4", "0", "5", "2", "1"]);
    assert_eq!(case.rows(sort(vec![key(0, true, false)])).unwrap(), ["2", "5", "0", "3", "4", "1"]);
    assert_eq!(case.rows(sort(vec![key(0, true, true)])).unwrap(), ["1", "2", "5", "0", "3", "4"]);
}

#[test]
fn texts_sort_by_bytes_beyond_their_prefix() {
    let names = [Some("abcdefgh2"), Some("abcdefgh1"), None, Some("Z"), Some("é"), Some("")];
    let case = Case::new(vec![(1, vec![block(vec![values(0, names)])])]);
    let sort = |descending| Fragment::Sort {
        input: read(1, &[def(0, DataType::Varchar)]),
        keys: vec![key(0, descending, false)],
    };
    assert_eq!(case.rows(sort(false)).unwrap(), ["", "Z", "abcdefgh1", "abcdefgh2", "é", "-"]);
    assert_eq!(case.rows(sort(true)).unwrap(), ["é", "abcdefgh2", "abcdefgh1", "Z", "", "-"]);
}

#[test]
fn top_k_is_the_head_of_the_sort() {
    let blocks: Vec<Arc<Block>> = (0..20)
        .map(|b| {
            let numbers: Vec<i64> = (0..10_000).map(|i| (b * 10_000 + i) * 7919 % 1000).collect();
            let rows: Vec<i64> = (0..10_000).map(|i| b * 10_000 + i).collect();
            block(vec![values(0, numbers), values(1, rows)])
        })
        .collect();
    let case = Case::new(vec![(1, blocks)]);
    let columns = [def(0, DataType::BigInt), def(1, DataType::BigInt)];
    let keys = vec![key(0, true, false)];
    let all = case.rows(Fragment::Sort { input: read(1, &columns), keys: keys.clone() }).unwrap();
    for limit in [1u64, 300, 30_000] {
        let top = Fragment::TopK { input: read(1, &columns), keys: keys.clone(), limit };
        assert!(case.rows(top).unwrap() == all[..limit as usize]);
    }
}

#[test]
fn limit_counts_over_batches() {
    let case = Case::new(vec![(1, (0..5).map(|b| block(vec![values(0, [b * 2i64, b * 2 + 1])])).collect())]);
    let limit = |limit, offset| Fragment::Limit { input: read(1, &[def(0, DataType::BigInt)]), limit, offset };
    assert_eq!(case.rows(limit(Some(3), 2)).unwrap(), ["2", "3", "4"]);
    assert_eq!(case.rows(limit(None, 8)).unwrap(), ["8", "9"]);
    assert_eq!(case.rows(limit(Some(0), 0)).unwrap(), [""; 0]);
}

#[test]
fn a_scalar_subquery_gives_one_row() {
    let columns = vec![def(0, DataType::BigInt)];
    let guard = |case: Case| case.rows(Fragment::SingleRow { input: read(1, &columns), columns: columns.clone() });
    assert_eq!(guard(Case::new(vec![(1, vec![])])).unwrap(), ["-"]);
    assert_eq!(guard(Case::new(vec![(1, vec![block(vec![values(0, [4i64])])])])).unwrap(), ["4"]);
    let two = Case::new(vec![(1, vec![block(vec![values(0, [4i64, 5])])])]);
    assert_eq!(guard(two), Err(ErrorCode::SubqueryMultipleRows));
}

#[test]
fn a_hundred_runs_give_the_same_bytes() {
    let numbers: Vec<f64> = (0..100_000).map(|i| (i * 7919 % 10_007) as f64 / 3.0).collect();
    let keys: Vec<String> = (0..100_000).map(|i| format!("key number {}", i * 31 % 977)).collect();
    let case = Case::new(vec![(1, vec![block(vec![values(0, keys), values(1, numbers)])])]);
    let columns = [def(0, DataType::Varchar), def(1, DataType::Double)];
    let run = || {
        let fragment = Fragment::Aggregate {
            input: read(1, &columns),
            keys: vec![columns[0].clone()],
            aggregates: vec![call("sum", 10, &[(1, DataType::Double)]), call("stddev", 11, &[(1, DataType::Double)])],
            phase: AggregatePhase::Partial,
        };
        let exchange = Exchange::Hash { keys: vec![ColumnId(0)], partitions: 8 };
        let blocks = case.blocks(fragment, exchange).unwrap();
        blocks.iter().map(|b| (b.checksum, b.rows())).collect::<Vec<_>>()
    };
    let first = run();
    assert_eq!(first.iter().map(|(_, rows)| rows).sum::<u64>(), 977);
    assert!((0..99).all(|_| run() == first));
}
