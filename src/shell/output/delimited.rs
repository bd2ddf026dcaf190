//! CSV and TSV.

use super::{Printer, Rows};
use crate::shell::clean;
use std::borrow::Cow;
use std::io::{self, Write};

/// RFC 4180 with LF: quotes where needed. NULL is an empty field, an empty text is `""`.
pub fn write_csv(printer: &Printer, rows: &Rows, header: bool, out: &mut dyn Write) -> io::Result<()> {
    let null = printer.null_in_file();
    let field = |out: &mut dyn Write, text: &str| {
        let text = shown(printer, text);
        if text.is_empty() || *text == *null || text.contains([',', '"', '\n', '\r']) {
            write!(out, "\"{}\"", text.replace('"', "\"\""))
        } else {
            out.write_all(text.as_bytes())
        }
    };
    write_fields(rows, header, b",", null, &field, out)
}

/// One row a line, one tab between fields; tab, line feed, carriage return and backslash are written `\t \n \r \\`.
pub fn write_tsv(printer: &Printer, rows: &Rows, header: bool, out: &mut dyn Write) -> io::Result<()> {
    let field = |out: &mut dyn Write, text: &str| {
        if text.contains(['\t', '\n', '\r', '\\']) {
            let escaped = text.replace('\\', "\\\\").replace('\t', "\\t").replace('\n', "\\n").replace('\r', "\\r");
            out.write_all(shown(printer, &escaped).as_bytes())
        } else {
            out.write_all(shown(printer, text).as_bytes())
        }
    };
    write_fields(rows, header, b"\t", printer.null_in_file(), &field, out)
}

fn shown<'t>(printer: &Printer, text: &'t str) -> Cow<'t, str> {
    if printer.terminal { clean::lines(text) } else { Cow::Borrowed(text) }
}

type WriteField<'f> = &'f dyn Fn(&mut dyn Write, &str) -> io::Result<()>;

fn write_fields(
    rows: &Rows,
    header: bool,
    separator: &[u8],
    null: &str,
    field: WriteField<'_>,
    out: &mut dyn Write,
) -> io::Result<()> {
    if header {
        for (i, column) in rows.columns.iter().enumerate() {
            if i > 0 {
                out.write_all(separator)?;
            }
            field(out, &column.name)?;
        }
        out.write_all(b"\n")?;
    }
    for range in rows.chunks() {
        let height = (range.end - range.start) as usize;
        let columns = rows.text(range);
        for row in 0..height {
            for (i, column) in columns.iter().enumerate() {
                if i > 0 {
                    out.write_all(separator)?;
                }
                match &column[row] {
                    Some(text) => field(out, text)?,
                    None => out.write_all(null.as_bytes())?,
                }
            }
            out.write_all(b"\n")?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::printer::tests::{printed, sample};
    use crate::shell::output::OutputFormat;

    #[test]
    fn csv_tells_null_from_empty_text() {
        let text = printed(OutputFormat::CsvHeader, false, &sample());
        assert_eq!(text, "name,amount\n\"a \"\"b\"\", c\",1.50\nx\x1b[2J|<y>,\n\"\",12\n");
        assert!(!printed(OutputFormat::Csv, false, &sample()).contains("name"));
    }

    #[test]
    fn tsv_has_one_tab_between_fields() {
        assert_eq!(printed(OutputFormat::Tsv, false, &sample()).lines().next(), Some("a \"b\", c\t1.50"));
    }
}
