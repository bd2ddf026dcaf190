//! JSON: an array of objects, or an object a line.

use super::{Printer, Rows};
use crate::sql::DataType;
use std::io::{self, Write};

/// `[` objects `]`, an object a line.
pub fn write_array(printer: &Printer, rows: &Rows, out: &mut dyn Write) -> io::Result<()> {
    out.write_all(b"[")?;
    let mut first = true;
    write_objects(printer, rows, out, &mut |out, object| {
        out.write_all(if first { b"\n" } else { b",\n" })?;
        first = false;
        out.write_all(object.as_bytes())
    })?;
    out.write_all(if first { b"]\n" } else { b"\n]\n" })
}

/// An object a line.
pub fn write_lines(printer: &Printer, rows: &Rows, out: &mut dyn Write) -> io::Result<()> {
    write_objects(printer, rows, out, &mut |out, object| {
        out.write_all(object.as_bytes())?;
        out.write_all(b"\n")
    })
}

/// Hands every row to `write` as one line of JSON.
fn write_objects(
    printer: &Printer,
    rows: &Rows,
    out: &mut dyn Write,
    write: &mut dyn FnMut(&mut dyn Write, &str) -> io::Result<()>,
) -> io::Result<()> {
    let keys = distinct_keys(rows);
    let null = printer.null.as_deref().map_or_else(|| "null".to_string(), quoted);
    let mut object = String::new();
    for range in rows.chunks() {
        let height = (range.end - range.start) as usize;
        let columns = rows.text_with_json(range);
        for row in 0..height {
            object.clear();
            object.push('{');
            for (i, column) in columns.iter().enumerate() {
                if i > 0 {
                    object.push(',');
                }
                object.push_str(&keys[i]);
                object.push(':');
                match &column[row] {
                    None => object.push_str(&null),
                    Some(text) if is_bare(&rows.columns[i].dtype, text) => object.push_str(&without_controls(text)),
                    Some(text) => object.push_str(&quoted(text)),
                }
            }
            object.push('}');
            write(out, &object)?;
        }
    }
    Ok(())
}

/// Numbers, booleans and what is JSON already stand without quotes; JSON has no NaN and no infinity, those are text.
fn is_bare(dtype: &DataType, text: &str) -> bool {
    (dtype.is_numeric() && text.bytes().all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b)))
        || *dtype == DataType::Boolean
        || *dtype == DataType::Json
        || dtype.is_nested()
}

/// JSON objects have each key once: the second `a` is `a_1`, the third `a_2`.
fn distinct_keys(rows: &Rows) -> Vec<String> {
    let mut taken: Vec<String> = Vec::new();
    for column in &rows.columns {
        let mut name = column.name.clone();
        let mut number = 0;
        while taken.contains(&name) {
            number += 1;
            name = format!("{}_{number}", column.name);
        }
        taken.push(name);
    }
    taken.iter().map(|name| quoted(name)).collect()
}

/// JSON without the control characters that a terminal might obey: they can only stand inside strings.
fn without_controls(json: &str) -> std::borrow::Cow<'_, str> {
    if !json.chars().any(char::is_control) {
        return json.into();
    }
    let shown = |c: char| match c {
        '\n' | '\r' | '\t' => " ".to_string(),
        c if c.is_control() => format!("\\u{:04x}", c as u32),
        c => c.to_string(),
    };
    json.chars().map(shown).collect::<String>().into()
}

/// A JSON string. C1 controls and DEL are escaped too, so that the line is safe on a terminal.
fn quoted(text: &str) -> String {
    let mut json = String::with_capacity(text.len() + 2);
    json.push('"');
    for c in text.chars() {
        match c {
            '"' => json.push_str("\\\""),
            '\\' => json.push_str("\\\\"),
            '\n' => json.push_str("\\n"),
            '\r' => json.push_str("\\r"),
            '\t' => json.push_str("\\t"),
            c if c.is_control() => json.push_str(&format!("\\u{:04x}", c as u32)),
            c => json.push(c),
        }
    }
    json.push('"');
    json
}

#[cfg(test)]
mod tests {
    use super::super::RowsBuilder;
    use super::super::printer::tests::{printed, sample};
    use crate::shell::output::OutputFormat;

    #[test]
    fn json_parses_back() {
        let text = printed(OutputFormat::Json, false, &sample());
        let value: serde_json::Value = serde_json::from_str(&text).expect("valid JSON");
        assert_eq!(value[1]["amount"], serde_json::Value::Null);
        assert_eq!(value[1]["name"], "x\x1b[2J|<y>");
        assert_eq!(printed(OutputFormat::NdJson, false, &sample()).lines().count(), 3);
    }

    #[test]
    fn no_rows_is_an_empty_array_and_equal_names_become_distinct() {
        assert_eq!(printed(OutputFormat::Json, false, &RowsBuilder::new(&["a"]).build()), "[]\n");
        let mut rows = RowsBuilder::new(&["a", "a"]);
        rows.push(["1", "2"].map(String::from));
        assert_eq!(printed(OutputFormat::NdJson, false, &rows.build()), "{\"a\":\"1\",\"a_1\":\"2\"}\n");
    }
}
