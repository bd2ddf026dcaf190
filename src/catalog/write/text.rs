//! CSV and NDJSON from columns of texts.

use crate::sql::DataType;
use polars::prelude::{DataFrame, StringChunked};
use serde::{Deserialize, Serialize};
use std::io::{Result, Write};

/// How a CSV file is laid out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CsvLayout {
    pub delimiter: u8,
    pub quote: u8,
    pub header: bool,
    /// What stands for NULL; a text that reads the same is quoted.
    pub null_text: String,
    /// Quote every value, not only those that need it.
    pub force_quote: bool,
}

impl Default for CsvLayout {
    fn default() -> CsvLayout {
        CsvLayout { delimiter: b',', quote: b'"', header: true, null_text: String::new(), force_quote: false }
    }
}

/// A CSV file that is being written to `W`.
pub struct CsvFile<W: Write> {
    sink: W,
    layout: CsvLayout,
    line: Vec<u8>,
}

impl<W: Write> CsvFile<W> {
    /// Begins a file, with the line of names if the layout has one.
    pub fn new(sink: W, layout: CsvLayout, columns: &[(String, DataType)]) -> Result<CsvFile<W>> {
        let mut file = CsvFile { sink, layout, line: Vec::new() };
        if file.layout.header {
            let names: Vec<Option<&str>> = columns.iter().map(|(name, _)| Some(name.as_str())).collect();
            file.record(&names)?;
        }
        Ok(file)
    }

    /// Appends rows; every column is of texts.
    pub fn write(&mut self, rows: &DataFrame) -> Result<()> {
        let columns = texts(rows)?;
        let mut values = vec![None; columns.len()];
        for row in 0..rows.height() {
            for (value, column) in values.iter_mut().zip(&columns) {
                *value = column.get(row);
            }
            self.record(&values)?;
        }
        Ok(())
    }

    /// The sink again.
    pub fn finish(self) -> Result<W> {
        Ok(self.sink)
    }

    fn record(&mut self, values: &[Option<&str>]) -> Result<()> {
        let CsvFile { sink, layout, line } = self;
        line.clear();
        for (index, value) in values.iter().enumerate() {
            if index > 0 {
                line.push(layout.delimiter);
            }
            match value {
                None => line.extend_from_slice(layout.null_text.as_bytes()),
                Some(text) => {
                    let special =
                        |byte: u8| byte == layout.delimiter || byte == layout.quote || byte == b'\n' || byte == b'\r';
                    // A lone empty value would be a blank line, and one that reads like NULL would be NULL.
                    let quoted = layout.force_quote || *text == layout.null_text || text.bytes().any(special);
                    if !quoted {
                        line.extend_from_slice(text.as_bytes());
                        continue;
                    }
                    line.push(layout.quote);
                    for byte in text.bytes() {
                        if byte == layout.quote {
                            line.push(byte);
                        }
                        line.push(byte);
                    }
                    line.push(layout.quote);
                }
            }
        }
        line.push(b'\n');
        sink.write_all(line)
    }
}

/// A file of JSON lines that is being written to `W`.
pub struct JsonFile<W: Write> {
    sink: W,
    /// The quoted names with their colons.
    names: Vec<String>,
    line: String,
}

impl<W: Write> JsonFile<W> {
    /// Begins a file.
    pub fn new(sink: W, columns: &[(String, DataType)]) -> JsonFile<W> {
        let names = columns.iter().map(|(name, _)| format!("{}:", serde_json::Value::from(name.as_str()))).collect();
        JsonFile { sink, names, line: String::new() }
    }

    /// Appends rows; every column is of JSON.
    pub fn write(&mut self, rows: &DataFrame) -> Result<()> {
        let columns = texts(rows)?;
        for row in 0..rows.height() {
            self.line.clear();
            for (index, (name, column)) in self.names.iter().zip(&columns).enumerate() {
                self.line.push(if index == 0 { '{' } else { ',' });
                self.line.push_str(name);
                match column.get(row) {
                    None => self.line.push_str("null"),
                    Some(text) => self.line.push_str(text),
                }
            }
            self.line.push_str("}\n");
            self.sink.write_all(self.line.as_bytes())?;
        }
        Ok(())
    }

    /// The sink again.
    pub fn finish(self) -> Result<W> {
        Ok(self.sink)
    }
}

fn texts(rows: &DataFrame) -> Result<Vec<&StringChunked>> {
    let columns: Option<Vec<&StringChunked>> =
        rows.columns().iter().map(|column| column.as_materialized_series().str().ok()).collect();
    columns.ok_or_else(|| std::io::Error::other("a column is not of texts"))
}
