//! The eight TPC-H tables as Parquet files, the official data of a scale factor (crate `tpchgen`).

use super::parquet::{ColumnData, Columns, write_row_groups};
use polars::prelude::PolarsResult;
use std::path::Path;
use tpchgen::generators::{
    Customer, CustomerGenerator, LineItem, LineItemGenerator, Nation, NationGenerator, Order, OrderGenerator, Part,
    PartGenerator, PartSupp, PartSuppGenerator, Region, RegionGenerator, Supplier, SupplierGenerator,
};

/// Writes `nation.parquet` ... `lineitem.parquet` into `folder`, in row groups of `row_group_rows` rows.
/// Money is DECIMAL(15,2), days are DATE, keys are BIGINT: the types of the specification.
pub fn write_tables(folder: &Path, scale_factor: f64, row_group_rows: usize) -> PolarsResult<()> {
    let file = |table: &str| folder.join(format!("{table}.parquet"));
    write_table(&file("nation"), NationGenerator::new(scale_factor, 1, 1).iter(), nation, row_group_rows)?;
    write_table(&file("region"), RegionGenerator::new(scale_factor, 1, 1).iter(), region, row_group_rows)?;
    write_table(&file("part"), PartGenerator::new(scale_factor, 1, 1).iter(), part, row_group_rows)?;
    write_table(&file("supplier"), SupplierGenerator::new(scale_factor, 1, 1).iter(), supplier, row_group_rows)?;
    write_table(&file("partsupp"), PartSuppGenerator::new(scale_factor, 1, 1).iter(), partsupp, row_group_rows)?;
    write_table(&file("customer"), CustomerGenerator::new(scale_factor, 1, 1).iter(), customer, row_group_rows)?;
    write_table(&file("orders"), OrderGenerator::new(scale_factor, 1, 1).iter(), orders, row_group_rows)?;
    write_table(&file("lineitem"), LineItemGenerator::new(scale_factor, 1, 1).iter(), lineitem, row_group_rows)
}

/// Takes rows from the generator a row group at a time, so that a large table never is in memory as a whole.
fn write_table<Row>(
    path: &Path,
    mut rows: impl Iterator<Item = Row>,
    columns: fn(&[Row]) -> Columns,
    row_group_rows: usize,
) -> PolarsResult<()> {
    let groups = std::iter::from_fn(|| {
        let group: Vec<Row> = rows.by_ref().take(row_group_rows).collect();
        (!group.is_empty()).then(|| columns(&group))
    });
    write_row_groups(path, groups)
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
