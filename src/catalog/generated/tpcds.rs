//! The 24 TPC-DS tables, the official data of a scale factor (crate `tpcdsgen`, as the C `dsdgen` makes it).
//!
//! The generators' rows print themselves as dsdgen's lines (`1|AAAA|2.50||`); one reader of such lines serves all tables.

use super::RowGroups;
use crate::catalog::plain_columns::{ColumnData, Columns};
use std::fmt::{Display, Write};
use tpcdsgen::config::{Session, SessionBuilder, Table};
use tpcdsgen::csv::csv_header;
use tpcdsgen::row::*;

/// The tables, by name.
pub const TABLES: &[&str] = &[
    "call_center",
    "catalog_page",
    "catalog_returns",
    "catalog_sales",
    "customer",
    "customer_address",
    "customer_demographics",
    "date_dim",
    "household_demographics",
    "income_band",
    "inventory",
    "item",
    "promotion",
    "reason",
    "ship_mode",
    "store",
    "store_returns",
    "store_sales",
    "time_dim",
    "warehouse",
    "web_page",
    "web_returns",
    "web_sales",
    "web_site",
];

/// The rows of a table at a scale factor in groups of `group_rows`, in their order. None for a table that is not of TPC-DS.
pub fn row_groups(table: &str, scale_factor: f64, group_rows: usize) -> Option<RowGroups> {
    let table = find(table)?;
    let session = session(scale_factor)?;
    let count = session.get_scaling().get_row_count(source(table));
    let grouped = |rows: Lines| Some(grouped(table, rows, group_rows));
    match table {
        Table::CallCenter => grouped(lines(CallCenterRowGenerator::new(session, count))),
        Table::CatalogPage => grouped(lines(CatalogPageRowGenerator::new(session, count))),
        Table::CatalogReturns => grouped(lines(CatalogReturnsRowGenerator::new(session, count))),
        Table::CatalogSales => grouped(lines(CatalogSalesRowGenerator::new(session, count))),
        Table::Customer => grouped(lines(CustomerRowGenerator::new(session, count))),
        Table::CustomerAddress => grouped(lines(CustomerAddressRowGenerator::new(session, count))),
        Table::CustomerDemographics => grouped(lines(CustomerDemographicsRowGenerator::new(session, count))),
        Table::DateDim => grouped(lines(DateDimRowGenerator::new(session, count))),
        Table::HouseholdDemographics => grouped(lines(HouseholdDemographicsRowGenerator::new(session, count))),
        Table::IncomeBand => grouped(lines(IncomeBandRowGenerator::new(session, count))),
        Table::Inventory => grouped(lines(InventoryRowGenerator::new(session, count))),
        Table::Item => grouped(lines(ItemRowGenerator::new(session, count))),
        Table::Promotion => grouped(lines(PromotionRowGenerator::new(session, count))),
        Table::Reason => grouped(lines(ReasonRowGenerator::new(session, count))),
        Table::ShipMode => grouped(lines(ShipModeRowGenerator::new(session, count))),
        Table::Store => grouped(lines(StoreRowGenerator::new(session, count))),
        Table::StoreReturns => grouped(lines(StoreReturnsRowGenerator::new(session, count))),
        Table::StoreSales => grouped(lines(StoreSalesRowGenerator::new(session, count))),
        Table::TimeDim => grouped(lines(TimeDimRowGenerator::new(session, count))),
        Table::Warehouse => grouped(lines(WarehouseRowGenerator::new(session, count))),
        Table::WebPage => grouped(lines(WebPageRowGenerator::new(session, count))),
        Table::WebReturns => grouped(lines(WebReturnsRowGenerator::new(session, count))),
        Table::WebSales => grouped(lines(WebSalesRowGenerator::new(session, count))),
        Table::WebSite => grouped(lines(WebSiteRowGenerator::new(session, count))),
        Table::DbgenVersion => None,
    }
}

/// How many rows a table has at a scale factor, about.
pub fn rows(table: &str, scale_factor: f64) -> u64 {
    let Some((table, session)) = find(table).zip(session(scale_factor)) else { return 0 };
    let count = session.get_scaling().get_row_count(source(table));
    // Sales are made order by order, returns from a tenth of the sales' lines.
    match table {
        Table::StoreSales | Table::WebSales => count * 12,
        Table::CatalogSales => count * 9,
        Table::StoreReturns | Table::WebReturns => count * 12 / 10,
        Table::CatalogReturns => count * 9 / 10,
        _ => count,
    }
}

fn find(name: &str) -> Option<Table> {
    Table::values().iter().copied().find(|table| table.get_name() == name)
}

fn session(scale_factor: f64) -> Option<Session> {
    SessionBuilder::new().with_scale_factor(scale_factor).build().ok()
}

/// The table whose rows are counted: returns are made from sales.
fn source(table: Table) -> Table {
    match table {
        Table::StoreReturns => Table::StoreSales,
        Table::CatalogReturns => Table::CatalogSales,
        Table::WebReturns => Table::WebSales,
        other => other,
    }
}

/// Writes the next row's line behind the text; false at the end.
type Lines = Box<dyn FnMut(&mut String) -> bool + Send>;

fn lines<Row: Display>(rows: impl Iterator<Item = Row> + Send + 'static) -> Lines {
    let mut rows = rows.fuse();
    Box::new(move |text| match rows.next() {
        Some(row) => writeln!(text, "{row}").is_ok(),
        None => false,
    })
}

fn grouped(table: Table, mut next: Lines, group_rows: usize) -> RowGroups {
    let names = names_of(table);
    // These two print a NULL as a word.
    let null = if matches!(table, Table::CallCenter | Table::HouseholdDemographics) { "NULL" } else { "" };
    let mut started = false;
    Box::new(std::iter::from_fn(move || {
        let mut text = String::new();
        let mut count = 0;
        while count < group_rows && next(&mut text) {
            count += 1;
        }
        // Even an empty table has its columns.
        if count == 0 && std::mem::replace(&mut started, true) {
            return None;
        }
        started = true;
        let mut columns: Columns = names.iter().map(|name| (*name, kind(name).column(count))).collect();
        for line in text.lines() {
            for ((_, column), field) in columns.iter_mut().zip(line.split('|')) {
                push(column, Some(field).filter(|field| !field.is_empty() && *field != null));
            }
        }
        Some(columns)
    }))
}

/// The column names of a table, made once.
fn names_of(table: Table) -> Vec<&'static str> {
    use std::collections::BTreeMap;
    use std::sync::{Mutex, PoisonError};
    static NAMES: Mutex<BTreeMap<&'static str, &'static str>> = Mutex::new(BTreeMap::new());
    let mut known = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
    let header: &'static str =
        known.entry(table.get_name()).or_insert_with(|| Box::leak(csv_header(table, ',').into_boxed_str()));
    header.split(',').collect()
}

/// The type of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Integer,
    BigInt,
    Decimal(usize),
    Date,
    Text,
}

impl Kind {
    fn column(self, rows: usize) -> ColumnData {
        match self {
            Kind::Integer => ColumnData::Int32(Vec::with_capacity(rows)),
            Kind::BigInt => ColumnData::Int64(Vec::with_capacity(rows)),
            Kind::Decimal(precision) => ColumnData::Decimal { precision, scale: 2, values: Vec::with_capacity(rows) },
            Kind::Date => ColumnData::Date(Vec::with_capacity(rows)),
            Kind::Text => ColumnData::Text(Vec::with_capacity(rows)),
        }
    }
}

/// Ends of the names of INTEGER columns.
const INTEGERS: &[&str] = &[
    "_sk",
    "_quantity",
    "_employees",
    "_sq_ft",
    "_mkt_id",
    "cc_division",
    "cc_company",
    "_catalog_number",
    "_page_number",
    "_birth_day",
    "_birth_month",
    "_birth_year",
    "_count",
    "_purchase_estimate",
    "_seq",
    "d_year",
    "_dow",
    "_moy",
    "_dom",
    "_qoy",
    "_fy_year",
    "_same_day_ly",
    "_same_day_lq",
    "_bound",
    "_on_hand",
    "_brand_id",
    "_class_id",
    "_category_id",
    "_manufact_id",
    "_manager_id",
    "_response_target",
    "_floor_space",
    "_market_id",
    "_division_id",
    "_company_id",
    "t_time",
    "t_hour",
    "t_minute",
    "t_second",
];

/// Ends of the names of DECIMAL(7,2) columns: prices, and what the tables of sales and returns add up.
const AMOUNTS: &[&str] = &[
    "_price",
    "_wholesale_cost",
    "_return_amount",
    "_return_amt",
    "_tax",
    "_amt_inc_tax",
    "_fee",
    "_ship_cost",
    "_refunded_cash",
    "_reversed_charge",
    "_store_credit",
    "_account_credit",
    "_net_loss",
    "_discount_amt",
    "_coupon_amt",
    "_net_paid",
    "_paid_inc_tax",
    "_paid_inc_ship",
    "_inc_ship_tax",
    "_net_profit",
];

/// The type of a column of the specification: its names are regular enough.
fn kind(column: &str) -> Kind {
    let ends = |ends: &[&str]| ends.iter().any(|end| column.ends_with(end));
    match column {
        "p_cost" => Kind::Decimal(15),
        "d_date" => Kind::Date,
        _ if ends(&["_order_number", "_ticket_number"]) => Kind::BigInt,
        _ if ends(&["_rec_start_date", "_rec_end_date"]) => Kind::Date,
        _ if ends(&["_gmt_offset", "_tax_percentage", "_tax_precentage"]) => Kind::Decimal(5),
        _ if ends(INTEGERS) => Kind::Integer,
        _ if ends(AMOUNTS) => Kind::Decimal(7),
        _ => Kind::Text,
    }
}

/// Adds a field; None, and what is not of the column's type, is NULL.
fn push(column: &mut ColumnData, field: Option<&str>) {
    match column {
        ColumnData::Int32(values) => values.push(field.and_then(|f| f.parse().ok())),
        ColumnData::Int64(values) => values.push(field.and_then(|f| f.parse().ok())),
        ColumnData::Decimal { values, .. } => values.push(field.and_then(cents)),
        ColumnData::Date(values) => values.push(field.and_then(days)),
        ColumnData::Text(values) => values.push(field.map(str::to_string)),
        ColumnData::Boolean(_) | ColumnData::Double(_) | ColumnData::Timestamp(_) => {}
    }
}

/// `-12.3` as -1230.
fn cents(text: &str) -> Option<i64> {
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let part = format!("{part:0<2}");
    Some(sign * (whole.parse::<i64>().ok()? * 100 + part.get(..2)?.parse::<i64>().ok()?))
}

/// `1998-01-31` as days since 1970-01-01.
fn days(text: &str) -> Option<i32> {
    let date: chrono::NaiveDate = text.parse().ok()?;
    i32::try_from(date.signed_duration_since(chrono::NaiveDate::default()).num_days()).ok()
}
