//! The eight TPC-H tables, the official data of a scale factor (crate `tpchgen`).

use super::RowGroups;
use crate::catalog::plain_columns::{ColumnData, Columns};
use tpchgen::generators::{
    Customer, CustomerGenerator, LineItem, LineItemGenerator, Nation, NationGenerator, Order, OrderGenerator, Part,
    PartGenerator, PartSupp, PartSuppGenerator, Region, RegionGenerator, Supplier, SupplierGenerator,
};

/// The tables, in the order of the specification.
pub const TABLES: &[&str] = &["region", "nation", "supplier", "customer", "part", "partsupp", "orders", "lineitem"];

/// The rows of a table at a scale factor in groups of `group_rows`, in their order. None for a table that is not of TPC-H.
/// Money is DECIMAL(15,2), days are DATE, keys are BIGINT: the types of the specification.
pub fn row_groups(table: &str, scale_factor: f64, group_rows: usize) -> Option<RowGroups> {
    Some(match table {
        "nation" => grouped(NationGenerator::new(scale_factor, 1, 1).iter(), nation, group_rows),
        "region" => grouped(RegionGenerator::new(scale_factor, 1, 1).iter(), region, group_rows),
        "part" => grouped(PartGenerator::new(scale_factor, 1, 1).iter(), part, group_rows),
        "supplier" => grouped(SupplierGenerator::new(scale_factor, 1, 1).iter(), supplier, group_rows),
        "partsupp" => grouped(PartSuppGenerator::new(scale_factor, 1, 1).iter(), partsupp, group_rows),
        "customer" => grouped(CustomerGenerator::new(scale_factor, 1, 1).iter(), customer, group_rows),
        "orders" => grouped(OrderGenerator::new(scale_factor, 1, 1).iter(), orders, group_rows),
        "lineitem" => grouped(LineItemGenerator::new(scale_factor, 1, 1).iter(), lineitem, group_rows),
        _ => return None,
    })
}

/// How many rows a table has at a scale factor; of `lineitem`, about.
pub fn rows(table: &str, scale_factor: f64) -> u64 {
    let per_unit = match table {
        "region" => return 5,
        "nation" => return 25,
        "supplier" => 10_000.0,
        "customer" => 150_000.0,
        "part" => 200_000.0,
        "partsupp" => 800_000.0,
        "orders" => 1_500_000.0,
        _ => 6_001_215.0,
    };
    (per_unit * scale_factor) as u64
}

/// Takes rows from the generator a group at a time, so that a large table never is in memory as a whole.
fn grouped<Row: 'static>(
    rows: impl Iterator<Item = Row> + Send + 'static,
    columns: fn(&[Row]) -> Columns,
    group_rows: usize,
) -> RowGroups {
    let mut rows = rows.fuse();
    Box::new(std::iter::from_fn(move || {
        let group: Vec<Row> = rows.by_ref().take(group_rows).collect();
        (!group.is_empty()).then(|| columns(&group))
    }))
}

fn nation(rows: &[Nation]) -> Columns {
    vec![
        ("n_nationkey", integers(rows, |row| row.n_nationkey)),
        ("n_name", texts(rows, |row| row.n_name)),
        ("n_regionkey", integers(rows, |row| row.n_regionkey)),
        ("n_comment", texts(rows, |row| row.n_comment)),
    ]
}

fn region(rows: &[Region]) -> Columns {
    vec![
        ("r_regionkey", integers(rows, |row| row.r_regionkey)),
        ("r_name", texts(rows, |row| row.r_name)),
        ("r_comment", texts(rows, |row| row.r_comment)),
    ]
}

fn part(rows: &[Part]) -> Columns {
    vec![
        ("p_partkey", integers(rows, |row| row.p_partkey)),
        ("p_name", texts(rows, |row| &row.p_name)),
        ("p_mfgr", texts(rows, |row| row.p_mfgr)),
        ("p_brand", texts(rows, |row| row.p_brand)),
        ("p_type", texts(rows, |row| row.p_type)),
        ("p_size", small_integers(rows, |row| row.p_size)),
        ("p_container", texts(rows, |row| row.p_container)),
        ("p_retailprice", money(rows, |row| row.p_retailprice.0)),
        ("p_comment", texts(rows, |row| row.p_comment)),
    ]
}

fn supplier(rows: &[Supplier]) -> Columns {
    vec![
        ("s_suppkey", integers(rows, |row| row.s_suppkey)),
        ("s_name", texts(rows, |row| row.s_name)),
        ("s_address", texts(rows, |row| &row.s_address)),
        ("s_nationkey", integers(rows, |row| row.s_nationkey)),
        ("s_phone", texts(rows, |row| &row.s_phone)),
        ("s_acctbal", money(rows, |row| row.s_acctbal.0)),
        ("s_comment", texts(rows, |row| &row.s_comment)),
    ]
}

fn partsupp(rows: &[PartSupp]) -> Columns {
    vec![
        ("ps_partkey", integers(rows, |row| row.ps_partkey)),
        ("ps_suppkey", integers(rows, |row| row.ps_suppkey)),
        ("ps_availqty", small_integers(rows, |row| row.ps_availqty)),
        ("ps_supplycost", money(rows, |row| row.ps_supplycost.0)),
        ("ps_comment", texts(rows, |row| row.ps_comment)),
    ]
}

fn customer(rows: &[Customer]) -> Columns {
    vec![
        ("c_custkey", integers(rows, |row| row.c_custkey)),
        ("c_name", texts(rows, |row| row.c_name)),
        ("c_address", texts(rows, |row| &row.c_address)),
        ("c_nationkey", integers(rows, |row| row.c_nationkey)),
        ("c_phone", texts(rows, |row| &row.c_phone)),
        ("c_acctbal", money(rows, |row| row.c_acctbal.0)),
        ("c_mktsegment", texts(rows, |row| row.c_mktsegment)),
        ("c_comment", texts(rows, |row| row.c_comment)),
    ]
}

fn orders(rows: &[Order]) -> Columns {
    vec![
        ("o_orderkey", integers(rows, |row| row.o_orderkey)),
        ("o_custkey", integers(rows, |row| row.o_custkey)),
        ("o_orderstatus", texts(rows, |row| row.o_orderstatus)),
        ("o_totalprice", money(rows, |row| row.o_totalprice.0)),
        ("o_orderdate", dates(rows, |row| row.o_orderdate.to_unix_epoch())),
        ("o_orderpriority", texts(rows, |row| row.o_orderpriority)),
        ("o_clerk", texts(rows, |row| row.o_clerk)),
        ("o_shippriority", small_integers(rows, |row| row.o_shippriority)),
        ("o_comment", texts(rows, |row| row.o_comment)),
    ]
}

fn lineitem(rows: &[LineItem]) -> Columns {
    vec![
        ("l_orderkey", integers(rows, |row| row.l_orderkey)),
        ("l_partkey", integers(rows, |row| row.l_partkey)),
        ("l_suppkey", integers(rows, |row| row.l_suppkey)),
        ("l_linenumber", small_integers(rows, |row| row.l_linenumber)),
        ("l_quantity", money(rows, |row| row.l_quantity * 100)),
        ("l_extendedprice", money(rows, |row| row.l_extendedprice.0)),
        ("l_discount", money(rows, |row| row.l_discount.0)),
        ("l_tax", money(rows, |row| row.l_tax.0)),
        ("l_returnflag", texts(rows, |row| row.l_returnflag)),
        ("l_linestatus", texts(rows, |row| row.l_linestatus)),
        ("l_shipdate", dates(rows, |row| row.l_shipdate.to_unix_epoch())),
        ("l_commitdate", dates(rows, |row| row.l_commitdate.to_unix_epoch())),
        ("l_receiptdate", dates(rows, |row| row.l_receiptdate.to_unix_epoch())),
        ("l_shipinstruct", texts(rows, |row| row.l_shipinstruct)),
        ("l_shipmode", texts(rows, |row| row.l_shipmode)),
        ("l_comment", texts(rows, |row| row.l_comment)),
    ]
}

fn integers<Row>(rows: &[Row], value: impl Fn(&Row) -> i64) -> ColumnData {
    ColumnData::Int64(rows.iter().map(|row| Some(value(row))).collect())
}

fn small_integers<Row>(rows: &[Row], value: impl Fn(&Row) -> i32) -> ColumnData {
    ColumnData::Int32(rows.iter().map(|row| Some(value(row))).collect())
}

fn money<Row>(rows: &[Row], cents: impl Fn(&Row) -> i64) -> ColumnData {
    ColumnData::Decimal { precision: 15, scale: 2, values: rows.iter().map(|row| Some(cents(row))).collect() }
}

fn dates<Row>(rows: &[Row], days: impl Fn(&Row) -> i32) -> ColumnData {
    ColumnData::Date(rows.iter().map(|row| Some(days(row))).collect())
}

/// The text of whatever the generator hands out: plain text, or one of its types that print themselves.
fn texts<'a, Row, Text: ToString>(rows: &'a [Row], value: impl Fn(&'a Row) -> Text) -> ColumnData {
    ColumnData::Text(rows.iter().map(|row| Some(value(row).to_string())).collect())
}
