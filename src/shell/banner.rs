//! What the shell says when it starts, in at most eight lines.

use super::app::version;
use super::arguments::Arguments;
use super::session::Session;
use super::{clean, units};
use crate::catalog::Table;
use crate::sql::{DataType, Value};
use std::path::Path;

/// The lines, each cut to `columns`.
pub fn banner(session: &Session, arguments: &Arguments, columns: usize) -> Vec<String> {
    let tables = session.catalog().tables();
    let (up, nodes) = session.nodes_up();
    let mode = session.mode();
    let slots = units::counted(session.slots().into(), "slot");
    let mut lines = vec![
        format!("{} · {}", version(), data_name(arguments)),
        list_tables(tables.iter().map(AsRef::as_ref), columns),
        format!("{up} of {nodes} workers, {slots} each · mode {mode}"),
    ];
    if let Some(day) = session.today() {
        let date = crate::functions::format_value(&Value::Int(day.into()), &DataType::Date);
        lines.push(format!("Today is {date}, as the data says"));
    }
    let query = match tables.iter().find(|table| table.schema == "main" && table.name == "orders") {
        Some(_) => "SELECT region, SUM(sales) FROM orders GROUP BY region;".to_string(),
        None => match tables.first() {
            Some(table) => format!("SELECT COUNT(*) FROM {};", table.display_name()),
            None => "SELECT 1 + 1;".to_string(),
        },
    };
    lines.push(format!("Try it     {query}"));
    lines.push("Break it   INJECT CRASH ON NODE 2 AT 50%;  and the same query again".to_string());
    lines.push("\\? help  \\q quit".to_string());
    lines.into_iter().map(|line| clean::cut(&clean::one_line(&line), columns.saturating_sub(1)).into_owned()).collect()
}

/// Where the data comes from, as the user named it.
fn data_name(arguments: &Arguments) -> String {
    let session = &arguments.session;
    let names: Vec<String> = session.data.iter().chain(&session.files).map(|path| path.display().to_string()).collect();
    match names.len() {
        0 if Path::new("sample-data").is_dir() => "sample-data".to_string(),
        0 => "the sample data inside the program".to_string(),
        _ => names.join(", "),
    }
}

/// `orders 120,000 rows, customers 20,000, ...`: as many as fit.
fn list_tables<'t>(tables: impl Iterator<Item = &'t Table>, columns: usize) -> String {
    let mut text = String::new();
    let mut more = 0;
    for (number, table) in tables.enumerate() {
        let rows = units::count(table.rows);
        let part = match number {
            0 => format!("{} {rows} rows", table.display_name()),
            _ => format!(", {} {rows}", table.display_name()),
        };
        if more > 0 || clean::width(&text) + clean::width(&part) + 14 > columns {
            more += 1;
        } else {
            text.push_str(&part);
        }
    }
    match (text.is_empty(), more) {
        (true, 0) => "no tables".to_string(),
        (_, 0) => text,
        (_, more) => format!("{text}, {more} more: \\d"),
    }
}
