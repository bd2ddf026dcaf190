//! Writes rows in the chosen format.

use super::{OutputFormat, Rows, delimited, json, markup, table};
use std::io::{self, Write};

/// How rows are to be written.
#[derive(Debug, Clone, PartialEq)]
pub struct Printer {
    pub format: OutputFormat,
    /// What stands for NULL; None is the format's own way (`NULL` in tables, nothing in CSV, `null` in JSON).
    pub null: Option<String>,
    /// At most so many rows in a table for people; None shows all.
    pub max_rows: Option<u64>,
    /// Columns of the window, when a table must fit one.
    pub window: Option<usize>,
    /// Whether a terminal reads this: then control characters of data are written as escapes in every format.
    pub terminal: bool,
}

impl Printer {
    /// For a pipe or a file: everything, as CSV with names.
    pub fn batch() -> Printer {
        Printer { format: OutputFormat::CsvHeader, null: None, max_rows: None, window: None, terminal: false }
    }

    /// What stands for NULL in tables that people read.
    pub(super) fn null_in_table(&self) -> &str {
        self.null.as_deref().unwrap_or("NULL")
    }

    /// What stands for NULL in CSV and TSV.
    pub(super) fn null_in_file(&self) -> &str {
        self.null.as_deref().unwrap_or("")
    }

    /// Writes all of `rows`. The error is the writer's (a closed pipe, a full disk).
    pub fn print(&self, rows: &Rows, out: &mut dyn Write) -> io::Result<()> {
        match self.format {
            OutputFormat::Aligned | OutputFormat::Box => table::write(self, rows, out),
            OutputFormat::Vertical => table::write_vertical(self, rows, out),
            OutputFormat::Csv => delimited::write_csv(self, rows, false, out),
            OutputFormat::CsvHeader => delimited::write_csv(self, rows, true, out),
            OutputFormat::Tsv => delimited::write_tsv(self, rows, false, out),
            OutputFormat::TsvHeader => delimited::write_tsv(self, rows, true, out),
            OutputFormat::Json => json::write_array(self, rows, out),
            OutputFormat::NdJson => json::write_lines(self, rows, out),
            OutputFormat::Markdown => markup::write_markdown(self, rows, out),
            OutputFormat::Html => markup::write_html(self, rows, out),
            OutputFormat::Null => Ok(()),
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::RowsBuilder;
    use super::*;

    /// Two rows with a NULL, a quote, a comma, an escape character and an empty text.
    pub(in super::super) fn sample() -> Rows {
        let mut rows = RowsBuilder::new(&["name", "amount"]).right(&["amount"]);
        rows.push(["a \"b\", c".to_string(), "1.50".to_string()]);
        rows.push([Some("x\x1b[2J|<y>".to_string()), None]);
        rows.push([String::new(), "12".to_string()]);
        rows.build()
    }

    /// What `rows` looks like in `format`.
    pub(in super::super) fn printed(format: OutputFormat, terminal: bool, rows: &Rows) -> String {
        let mut out = Vec::new();
        let printer = Printer { format, terminal, ..Printer::batch() };
        printer.print(rows, &mut out).expect("a vector takes everything");
        String::from_utf8(out).expect("output is UTF-8")
    }

    #[test]
    fn null_format_prints_nothing() {
        assert_eq!(printed(OutputFormat::Null, false, &sample()), "");
    }

    #[test]
    fn no_control_character_reaches_a_terminal_in_any_format() {
        for (format, ..) in OutputFormat::ALL {
            assert!(!printed(*format, true, &sample()).contains('\x1b'), "{format}");
        }
    }
}
