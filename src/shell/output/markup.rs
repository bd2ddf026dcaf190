//! Markdown and HTML tables.

use super::{Printer, Rows};
use crate::shell::clean;
use std::io::{self, Write};

/// A GitHub-flavoured table; numbers are aligned on the right.
pub fn write_markdown(printer: &Printer, rows: &Rows, out: &mut dyn Write) -> io::Result<()> {
    let cell = |text: &str| clean::one_line(text).replace('\\', "\\\\").replace('|', "\\|");
    write!(out, "|")?;
    for column in &rows.columns {
        write!(out, " {} |", cell(&column.name))?;
    }
    write!(out, "\n|")?;
    for i in 0..rows.columns.len() {
        write!(out, "{}|", if rows.is_right(i) { "---:" } else { "---" })?;
    }
    writeln!(out)?;
    for_each_row(rows, &mut |row| {
        write!(out, "|")?;
        for text in row {
            write!(out, " {} |", text.map_or_else(|| cell(printer.null_in_table()), cell))?;
        }
        writeln!(out)
    })
}

/// A `<table>` with a head and a body.
pub fn write_html(printer: &Printer, rows: &Rows, out: &mut dyn Write) -> io::Result<()> {
    let cell = |text: &str| {
        clean::lines(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
    };
    let align: Vec<&str> =
        (0..rows.columns.len()).map(|i| if rows.is_right(i) { " style=\"text-align:right\"" } else { "" }).collect();
    write!(out, "<table>\n<thead><tr>")?;
    for (column, align) in rows.columns.iter().zip(&align) {
        write!(out, "<th{align}>{}</th>", cell(&column.name))?;
    }
    writeln!(out, "</tr></thead>\n<tbody>")?;
    for_each_row(rows, &mut |row| {
        write!(out, "<tr>")?;
        for (text, align) in row.into_iter().zip(&align) {
            write!(out, "<td{align}>{}</td>", text.map_or_else(|| cell(printer.null_in_table()), cell))?;
        }
        writeln!(out, "</tr>")
    })?;
    writeln!(out, "</tbody>\n</table>")
}

fn for_each_row(rows: &Rows, write: &mut dyn FnMut(Vec<Option<&str>>) -> io::Result<()>) -> io::Result<()> {
    for range in rows.chunks() {
        let height = (range.end - range.start) as usize;
        let columns = rows.text(range);
        for row in 0..height {
            write(columns.iter().map(|column| column[row].as_deref()).collect())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::printer::tests::{printed, sample};
    use crate::shell::output::OutputFormat;

    #[test]
    fn markdown_escapes_its_own_signs() {
        let text = printed(OutputFormat::Markdown, false, &sample());
        assert!(text.starts_with("| name | amount |\n|---|---:|\n| a \"b\", c | 1.50 |\n"), "{text}");
        assert!(text.contains("\\|<y> | NULL |"), "{text}");
    }

    #[test]
    fn html_escapes_its_own_signs() {
        assert!(printed(OutputFormat::Html, false, &sample()).contains("|&lt;y&gt;</td>"));
    }
}
