//! `system.runtime.*`: the journal as tables. Trino's columns first, where Trino has such a table, then ours; so that both the
//! queries that people copy from its manual and the ones that they would rather write (`query_state`, `error_message`,
//! `execution_time`) work.

use super::history::{AttemptState, History, QueryState};
use super::{Entry, ErrorCode, Journal};
use crate::catalog::{ColumnInfo, ColumnStatistics, Format, MemoryRows, Table};
use crate::journal::codes::ErrorClass;
use crate::scheduler::{QueryId, Time};
use crate::sql::{DataType, Value};
use polars::prelude::{Column, DataFrame, IntoColumn, NamedFrom, Series};
use std::sync::Arc;

/// The schema that all of them are in.
pub const SCHEMA: &str = "system.runtime";

/// The tables, by name.
pub const NAMES: &[&str] = &["queries", "nodes", "stages", "tasks", "events", "faults"];

/// The table `name` of [`SCHEMA`] as it is at cluster time `now`; None if there is no such table. `start_us` is the session's
/// clock at time 0, in microseconds since 1970: `created` and the other times are TIMESTAMPs on that clock.
/// `execution_time` is in seconds.
pub fn table(journal: &Journal, name: &str, start_us: i64, now: Time) -> Option<Table> {
    let clock = Clock { start_us, now };
    let rows = match name {
        "queries" => journal.with_history(|history| queries(history, clock)),
        "nodes" => journal.with_history(|history| nodes(history, clock)),
        "stages" => journal.with_history(|history| stages(history, clock)),
        "tasks" => journal.with_history(|history| tasks(history, clock)),
        "events" => events(&journal.entries_from(1), clock),
        "faults" => journal.with_history(|history| faults(history, clock)),
        _ => return None,
    };
    Some(rows.into_table(SCHEMA, name))
}

/// Every table of [`SCHEMA`].
pub fn tables(journal: &Journal, start_us: i64, now: Time) -> Vec<Table> {
    NAMES.iter().filter_map(|name| table(journal, name, start_us, now)).collect()
}

/// The session's clock: what time 0 is called, and what time it is.
#[derive(Clone, Copy)]
struct Clock {
    start_us: i64,
    now: Time,
}

impl Clock {
    fn timestamp(self, at: Time) -> Value {
        Value::Int(self.start_us as i128 + at.0 as i128)
    }

    fn maybe(self, at: Option<Time>) -> Value {
        at.map_or(Value::Null, |at| self.timestamp(at))
    }
}

fn queries(history: &History, clock: Clock) -> Rows {
    use DataType::*;
    let mut rows = Rows::new(&[
        ("query_id", BigInt),
        ("state", Varchar),
        ("user", Varchar),
        ("source", Varchar),
        ("query", Varchar),
        ("resource_group_id", Varchar),
        ("queued_time_ms", BigInt),
        ("analysis_time_ms", BigInt),
        ("planning_time_ms", BigInt),
        ("created", Timestamp),
        ("started", Timestamp),
        ("last_heartbeat", Timestamp),
        ("end", Timestamp),
        ("error_type", Varchar),
        ("error_code", Varchar),
        ("query_state", Varchar),
        ("mode", Varchar),
        ("error_message", Varchar),
        ("execution_time", Double),
        ("rows", BigInt),
        ("stages", BigInt),
        ("tasks", BigInt),
        ("tasks_done", BigInt),
        ("tasks_again", BigInt),
        ("outputs_lost", BigInt),
        ("outputs_lost_needed", BigInt),
        ("task_seconds", Double),
        ("thrown_away_seconds", Double),
        ("peak_memory_bytes", BigInt),
        ("exchanged_bytes", BigInt),
        ("nodes_up", BigInt),
        ("nodes", BigInt),
        ("paced", Boolean),
    ]);
    for q in history.queries() {
        let state = match q.state {
            QueryState::Running => "RUNNING",
            QueryState::Finished => "FINISHED",
            QueryState::Failed => "FAILED",
        };
        let failure = q.failure.as_ref();
        let last_seen = q.ended.unwrap_or(clock.now);
        rows.push(vec![
            int(q.query.0),
            text(state),
            text("faultlab"),
            text("faultlab"),
            text(&q.sql),
            Value::Null,
            int(q.started.map_or(0, |s| (s.0 - q.created.0) / 1000)),
            int(0u32),
            int(0u32),
            clock.timestamp(q.created),
            clock.maybe(q.started),
            clock.timestamp(last_seen),
            clock.maybe(q.ended),
            failure.map_or(Value::Null, |f| text(error_type(f.code))),
            failure.map_or(Value::Null, |f| text(f.code.name())),
            text(state),
            text(&q.mode.to_string()),
            failure.map_or(Value::Null, |f| text(&f.message)),
            seconds(q.elapsed_us(clock.now)),
            q.rows.map_or(Value::Null, int),
            int(q.stages.len() as u64),
            int(q.tasks()),
            int(q.tasks_done()),
            int(q.again()),
            int(q.lost_needed() + q.lost_not_needed()),
            int(q.lost_needed()),
            seconds(q.task_us(clock.now)),
            seconds(q.thrown_away_us(clock.now)),
            int(q.peak_memory_bytes),
            int(q.bytes_exchanged),
            int(q.nodes_up),
            int(q.nodes),
            Value::Boolean(q.paced),
        ]);
    }
    rows
}

fn nodes(history: &History, clock: Clock) -> Rows {
    use DataType::*;
    let mut rows = Rows::new(&[
        ("node_id", Varchar),
        ("http_uri", Varchar),
        ("node_version", Varchar),
        ("coordinator", Boolean),
        ("state", Varchar),
        ("life", BigInt),
        ("slots", BigInt),
        ("running", BigInt),
        ("tasks_finished", BigInt),
        ("joined", Timestamp),
        ("lost", Timestamp),
        ("cause", Varchar),
        ("fault", BigInt),
        ("noticed_after_ms", Double),
    ]);
    for node in history.nodes() {
        // Only the present life counts: an earlier one is told in `events`.
        if history.nodes().any(|n| n.place.node == node.place.node && n.place.incarnation > node.place.incarnation) {
            continue;
        }
        let running = history
            .queries()
            .filter(|q| q.state == QueryState::Running)
            .flat_map(|q| q.attempts.values())
            .filter(|a| a.place == node.place && a.state == AttemptState::Running)
            .count();
        let lost = node.lost.as_ref();
        rows.push(vec![
            text(&node.place.node.to_string()),
            Value::Null,
            text(env!("CARGO_PKG_VERSION")),
            Value::Boolean(false),
            text(if lost.is_some() { "GONE" } else { "ACTIVE" }),
            int(node.place.incarnation.0),
            int(node.slots),
            int(running as u64),
            int(node.attempts_finished),
            clock.timestamp(node.joined),
            clock.maybe(lost.map(|l| l.at)),
            lost.map_or(Value::Null, |l| text(cause_name(l.cause))),
            lost.and_then(|l| l.fault).map_or(Value::Null, int),
            lost.map_or(Value::Null, |l| Value::Float(l.noticed_after_us as f64 / 1e3)),
        ]);
    }
    rows
}

fn stages(history: &History, clock: Clock) -> Rows {
    use DataType::*;
    let mut rows = Rows::new(&[
        ("query_id", BigInt),
        ("stage_id", BigInt),
        ("title", Varchar),
        ("tables", Varchar),
        ("tasks", BigInt),
        ("tasks_done", BigInt),
        ("attempts", BigInt),
        ("output_rows", BigInt),
        ("output_bytes", BigInt),
        ("started", Timestamp),
        ("end", Timestamp),
    ]);
    for q in history.queries() {
        for stage in &q.stages {
            let attempts = q.attempts.keys().filter(|a| a.task.stage == stage.summary.stage).count();
            rows.push(vec![
                int(q.query.0),
                int(stage.summary.stage.0),
                text(&stage.summary.title),
                text(&stage.summary.tables.join(", ")),
                int(stage.summary.tasks),
                int(stage.done.len() as u64),
                int(attempts as u64),
                int(stage.rows),
                int(stage.bytes),
                clock.maybe(stage.launched),
                clock.maybe(stage.completed),
            ]);
        }
    }
    rows
}

fn tasks(history: &History, clock: Clock) -> Rows {
    use DataType::*;
    let mut rows = Rows::new(&[
        ("node_id", Varchar),
        ("task_id", Varchar),
        ("stage_id", BigInt),
        ("query_id", BigInt),
        ("state", Varchar),
        ("splits", BigInt),
        ("queued_splits", BigInt),
        ("running_splits", BigInt),
        ("completed_splits", BigInt),
        ("split_scheduled_time_ms", BigInt),
        ("split_cpu_time_ms", BigInt),
        ("split_blocked_time_ms", BigInt),
        ("raw_input_bytes", BigInt),
        ("raw_input_rows", BigInt),
        ("processed_input_bytes", BigInt),
        ("processed_input_rows", BigInt),
        ("output_bytes", BigInt),
        ("output_rows", BigInt),
        ("physical_input_bytes", BigInt),
        ("physical_written_bytes", BigInt),
        ("created", Timestamp),
        ("start", Timestamp),
        ("last_heartbeat", Timestamp),
        ("end", Timestamp),
        ("partition", BigInt),
        ("attempt", BigInt),
        ("life", BigInt),
        ("peak_memory_bytes", BigInt),
        ("error_code", Varchar),
        ("error_message", Varchar),
    ]);
    for q in history.queries() {
        for a in q.attempts.values() {
            let (running, completed) = match a.state {
                AttemptState::Running => (1u32, 0u32),
                AttemptState::Finished | AttemptState::OutputLost => (0, 1),
                AttemptState::Failed | AttemptState::FetchFailed | AttemptState::Lost => (0, 0),
            };
            let state = match a.state {
                AttemptState::Running => "RUNNING",
                AttemptState::Finished => "FINISHED",
                AttemptState::OutputLost => "OUTPUT_LOST",
                AttemptState::Failed => "FAILED",
                AttemptState::FetchFailed => "FETCH_FAILED",
                AttemptState::Lost => "LOST",
            };
            let output = |value: fn(&crate::scheduler::event::OutputSummary) -> u64| {
                a.output.as_ref().map_or(Value::Null, |o| int(value(o)))
            };
            rows.push(vec![
                text(&a.place.node.to_string()),
                text(&a.attempt.to_string()),
                int(a.attempt.task.stage.0),
                int(q.query.0),
                text(state),
                int(1u32),
                int(0u32),
                int(running),
                int(completed),
                int(a.duration_us(clock.now) / 1000),
                int(a.usage.compute_us / 1000),
                int(0u32),
                int(a.usage.input_bytes),
                int(a.usage.input_rows),
                int(a.usage.input_bytes),
                int(a.usage.input_rows),
                output(|o| o.bytes),
                output(|o| o.rows),
                int(a.usage.input_bytes),
                int(0u32),
                clock.timestamp(a.launched),
                clock.timestamp(a.launched),
                clock.timestamp(a.ended.unwrap_or(clock.now)),
                clock.maybe(a.ended),
                int(a.attempt.task.partition.0),
                int(a.attempt.attempt.0),
                int(a.place.incarnation.0),
                int(a.usage.peak_memory_bytes),
                a.error.as_ref().map_or(Value::Null, |e| text(e.code().name())),
                a.error.as_ref().map_or(Value::Null, |e| text(e.message())),
            ]);
        }
    }
    rows
}

fn events(entries: &[Entry], clock: Clock) -> Rows {
    use DataType::*;
    let mut rows = Rows::new(&[
        ("seq", BigInt),
        ("at", Timestamp),
        ("event", Varchar),
        ("query_id", BigInt),
        ("stage_id", BigInt),
        ("node_id", Varchar),
        ("detail", Varchar),
    ]);
    for entry in entries {
        // The one format: the columns are read from the line that `--journal` writes.
        let json = serde_json::to_value(&entry.record).unwrap_or_default();
        let at = |path: &str| json.pointer(path).and_then(|v| v.as_u64());
        let query = at("/query").or_else(|| at("/attempt/task/query"));
        let stage = at("/stage").or_else(|| at("/attempt/task/stage"));
        let node = at("/place/node").or_else(|| at("/because/node"));
        let mut detail = json.clone();
        if let Some(fields) = detail.as_object_mut() {
            fields.remove("event");
        }
        rows.push(vec![
            int(entry.seq),
            clock.timestamp(entry.at),
            json.pointer("/event").and_then(|e| e.as_str()).map_or(Value::Null, text),
            query.map_or(Value::Null, int),
            stage.map_or(Value::Null, int),
            node.map_or(Value::Null, |n| text(&format!("worker-{n}"))),
            text(&detail.to_string()),
        ]);
    }
    rows
}

fn faults(history: &History, clock: Clock) -> Rows {
    use DataType::*;
    let mut rows = Rows::new(&[
        ("fault", BigInt),
        ("text", Varchar),
        ("state", Varchar),
        ("query_id", BigInt),
        ("at", Timestamp),
        ("note", Varchar),
    ]);
    for fault in history.faults() {
        rows.push(vec![
            int(fault.fault),
            text(&fault.text),
            text(fault.state),
            fault.query.map_or(Value::Null, |QueryId(id)| int(id)),
            clock.timestamp(fault.at),
            fault.note.as_deref().map_or(Value::Null, text),
        ]);
    }
    rows
}

/// Trino's name of a class.
fn error_type(code: ErrorCode) -> &'static str {
    match code.class() {
        ErrorClass::User => "USER_ERROR",
        ErrorClass::Internal => "INTERNAL_ERROR",
        ErrorClass::Resources => "INSUFFICIENT_RESOURCES",
        ErrorClass::External => "EXTERNAL",
    }
}

fn cause_name(cause: crate::scheduler::event::LossCause) -> &'static str {
    match cause {
        crate::scheduler::event::LossCause::Crashed => "crashed",
        crate::scheduler::event::LossCause::Unresponsive => "unresponsive",
    }
}

fn text(value: &str) -> Value {
    Value::Varchar(value.to_string())
}

fn int(value: impl Into<u64>) -> Value {
    Value::Int(value.into() as i128)
}

fn seconds(us: u64) -> Value {
    Value::Float(us as f64 / 1e6)
}

/// A table that is being filled row by row. Its types are VARCHAR, BOOLEAN, DOUBLE, INTEGER, BIGINT and TIMESTAMP.
pub struct Rows {
    columns: Vec<(&'static str, DataType)>,
    rows: Vec<Vec<Value>>,
}

impl Rows {
    /// No rows of these columns.
    pub fn new(columns: &[(&'static str, DataType)]) -> Rows {
        Rows { columns: columns.to_vec(), rows: Vec::new() }
    }

    /// One more row: a value for each column.
    pub fn push(&mut self, row: Vec<Value>) {
        debug_assert_eq!(row.len(), self.columns.len());
        self.rows.push(row);
    }

    /// The table of that name.
    pub fn into_table(self, schema: &str, name: &str) -> Table {
        let height = self.rows.len();
        let columns: Vec<Column> =
            self.columns.iter().enumerate().map(|(i, (_, dtype))| self.column(i, dtype)).collect();
        let frame = DataFrame::new(height, columns).unwrap_or_default();
        let info = |(name, dtype): &(&'static str, DataType)| ColumnInfo {
            name: name.to_string(),
            dtype: dtype.clone(),
            statistics: ColumnStatistics { width: 16.0, ..ColumnStatistics::default() },
        };
        Table {
            schema: schema.to_string(),
            name: name.to_string(),
            columns: self.columns.iter().map(info).collect(),
            format: Format::Memory,
            files: Vec::new(),
            rows: height as u64,
            memory: Some(MemoryRows(Arc::new(frame))),
        }
    }

    /// The physical column of one table column, named by its index.
    fn column(&self, index: usize, dtype: &DataType) -> Column {
        let values = self.rows.iter().map(|row| &row[index]);
        let name = index.to_string().into();
        let int = |v: &Value| if let Value::Int(i) = v { Some(*i as i64) } else { None };
        let series = match dtype {
            DataType::Varchar => {
                let texts = values.map(|v| if let Value::Varchar(t) = v { Some(t.as_str()) } else { None });
                Series::new(name, texts.collect::<Vec<_>>())
            }
            DataType::Double => {
                let floats = values.map(|v| if let Value::Float(f) = v { Some(*f) } else { None });
                Series::new(name, floats.collect::<Vec<_>>())
            }
            DataType::Boolean => {
                let flags = values.map(|v| if let Value::Boolean(b) = v { Some(*b) } else { None });
                Series::new(name, flags.collect::<Vec<_>>())
            }
            DataType::Integer => Series::new(name, values.map(|v| int(v).map(|i| i as i32)).collect::<Vec<_>>()),
            // BIGINT and TIMESTAMP: 64 bits both.
            _ => Series::new(name, values.map(int).collect::<Vec<_>>()),
        };
        series.into_column()
    }
}
