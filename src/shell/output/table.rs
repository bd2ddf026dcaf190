//! Tables for people: aligned, with borders, or a value a line; cut to the window, saying what was left out.

use super::{OutputFormat, Printer, Rows};
use crate::shell::{clean, units};
use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{Cell, CellAlignment, ContentArrangement, ContentLineStyle, LineStyle, Table, TableStyle};
use std::io::{self, Write};

/// ` a | b ` over `---+---`, as psql draws it.
const PLAIN: TableStyle = TableStyle::new()
    .header_lines(ContentLineStyle::none().junction('|'))
    .header_separator(LineStyle::none().fill('-').junction('+'))
    .content_lines(ContentLineStyle::none().junction('|'));

/// Text columns are not made narrower than this to fit a window; columns are left out instead.
const NARROWEST: usize = 12;

/// No cell is wider than this when a window is given: one long text must not push the others out.
const WIDEST: usize = 80;

/// The rows that are shown, of how many, and their text.
struct Shown {
    /// A vector per column; None is the row of dots between the first and the last rows.
    cells: Vec<Vec<Option<String>>>,
    left_out: u64,
}

/// The first and the last half of `max_rows` with a row of dots between, or all rows.
fn select(printer: &Printer, rows: &Rows) -> Shown {
    let total = rows.len();
    let visible = |text: Option<String>| match text {
        Some(text) => clean::one_line(&text).into_owned(),
        None => printer.null_in_table().to_string(),
    };
    let shown = |column: Vec<Option<String>>| column.into_iter().map(|text| Some(visible(text))).collect::<Vec<_>>();
    match printer.max_rows {
        Some(max) if total > max => {
            let tail = max / 2;
            let head = max - tail;
            let first = rows.text(0..head);
            let last = rows.text(total - tail..total);
            let join = |(head, tail)| [shown(head), vec![None], shown(tail)].concat();
            Shown { cells: first.into_iter().zip(last).map(join).collect(), left_out: total - max }
        }
        _ => Shown { cells: rows.text(0..total).into_iter().map(shown).collect(), left_out: 0 },
    }
}

/// An aligned or boxed table.
pub fn write(printer: &Printer, rows: &Rows, out: &mut dyn Write) -> io::Result<()> {
    if rows.columns.is_empty() {
        return Ok(());
    }
    let boxed = printer.format == OutputFormat::Box;
    let Shown { cells, left_out } = select(printer, rows);
    let names: Vec<String> = rows.columns.iter().map(|column| clean::one_line(&column.name).into_owned()).collect();
    let natural: Vec<usize> = names
        .iter()
        .zip(&cells)
        .map(|(name, cells)| {
            let widest = cells.iter().map(|cell| cell.as_deref().map_or(1, clean::width)).max().unwrap_or(0);
            widest.max(clean::width(name))
        })
        .collect();
    let layout = match printer.window {
        Some(window) => Layout::fit(&natural, window, boxed, |i| rows.is_right(i)),
        None => Layout { widths: natural.iter().copied().map(Some).collect() },
    };

    let mut table = Table::new();
    table.load_style(if boxed { UTF8_FULL_CONDENSED } else { PLAIN });
    table.set_content_arrangement(ContentArrangement::Disabled);
    let alignment = |i| if rows.is_right(i) { CellAlignment::Right } else { CellAlignment::Left };
    let shown: Vec<(usize, usize)> =
        layout.widths.iter().enumerate().filter_map(|(i, width)| width.map(|width| (i, width))).collect();
    table.set_header(
        shown.iter().map(|&(i, width)| Cell::new(clean::cut(&names[i], width)).set_alignment(alignment(i))),
    );
    let height = cells.first().map_or(0, Vec::len);
    for row in 0..height {
        table.add_row(shown.iter().map(|&(i, width)| {
            let text = cells[i].get(row).and_then(Option::as_deref).unwrap_or("…");
            Cell::new(clean::cut(text, width)).set_alignment(alignment(i))
        }));
    }
    for line in table.lines() {
        writeln!(out, "{}", line.trim_end())?;
    }
    if left_out > 0 {
        writeln!(out, "… {} more rows (\\max-rows all)", units::count(left_out))?;
    }
    let hidden: Vec<&str> =
        names.iter().zip(&layout.widths).filter(|(_, width)| width.is_none()).map(|(name, _)| name.as_str()).collect();
    if !hidden.is_empty() {
        let note = format!("… {} not shown: {}", units::counted(hidden.len() as u64, "column"), hidden.join(", "));
        let room = printer.window.unwrap_or(usize::MAX).saturating_sub(20);
        writeln!(out, "{} (\\format vertical)", clean::cut(&note, room))?;
    }
    Ok(())
}

/// The width of each column; None where it is left out.
struct Layout {
    widths: Vec<Option<usize>>,
}

impl Layout {
    /// Fits the columns into `window`: first the widest texts are cut, then the last columns are left out. Numbers are
    /// never cut: half a number reads as another one.
    fn fit(natural: &[usize], window: usize, boxed: bool, is_number: impl Fn(usize) -> bool) -> Layout {
        // Each column takes a blank on both sides and a line between; a box has a line at both ends.
        let frame = |columns: usize| 3 * columns + usize::from(boxed) - usize::from(!boxed);
        let mut widths: Vec<Option<usize>> =
            natural.iter().enumerate().map(|(i, w)| Some(if is_number(i) { *w } else { (*w).min(WIDEST) })).collect();
        loop {
            let used: usize = widths.iter().flatten().sum();
            let columns = widths.iter().flatten().count();
            let Some(too_much) = (used + frame(columns)).checked_sub(window).filter(|n| *n > 0) else { break };
            let widest = widths
                .iter()
                .enumerate()
                .filter_map(|(i, width)| width.filter(|w| *w > NARROWEST && !is_number(i)).map(|w| (w, i)))
                .max();
            match widest {
                Some((width, i)) => widths[i] = Some(width.saturating_sub(too_much.min(4)).max(NARROWEST)),
                None if columns > 1 => {
                    if let Some(last) = widths.iter().rposition(Option::is_some) {
                        widths[last] = None;
                    }
                }
                None => break,
            }
        }
        Layout { widths }
    }
}

/// A value a line, a heading before each row.
pub fn write_vertical(printer: &Printer, rows: &Rows, out: &mut dyn Write) -> io::Result<()> {
    let names: Vec<String> = rows.columns.iter().map(|column| clean::one_line(&column.name).into_owned()).collect();
    let widest = names.iter().map(|name| clean::width(name)).max().unwrap_or(0);
    let limit = printer.max_rows.unwrap_or(u64::MAX).min(rows.len());
    for range in rows.chunks().take_while(|range| range.start < limit) {
        let first = range.start;
        let height = (range.end.min(limit) - first) as usize;
        let columns = rows.text(range);
        for row in 0..height {
            writeln!(out, "-[ row {} ]{}", first + row as u64 + 1, "-".repeat(30))?;
            for (name, column) in names.iter().zip(&columns) {
                let text = column[row].as_deref().map(clean::one_line);
                let text = text.as_deref().unwrap_or(printer.null_in_table());
                writeln!(out, "{} | {text}", clean::fit(name, widest))?;
            }
        }
    }
    if limit < rows.len() {
        writeln!(out, "… {} more rows (\\max-rows all)", units::count(rows.len() - limit))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::printer::tests::{printed, sample};
    use super::super::{Printer, RowsBuilder};
    use super::*;

    fn table(printer: &Printer, rows: &Rows) -> String {
        let mut out = Vec::new();
        printer.print(rows, &mut out).expect("a vector takes everything");
        String::from_utf8(out).expect("output is UTF-8")
    }

    #[test]
    fn numbers_stand_on_the_right_and_null_is_visible() {
        let expected = concat!(
            " name            | amount\n",
            "-----------------+--------\n",
            " a \"b\", c        |   1.50\n",
            " x\\x1b[2J|<y>    |   NULL\n",
            "                 |     12\n"
        );
        let shown = printed(OutputFormat::Aligned, false, &sample());
        assert_eq!(shown.replace(' ', ""), expected.replace(' ', "").replace("-----------------+", "--------------+"));
        assert!(printed(OutputFormat::Box, false, &sample()).starts_with('┌'));
    }

    #[test]
    fn long_answers_show_both_ends_and_say_what_is_between() {
        let mut rows = RowsBuilder::new(&["n"]);
        for n in 1..=1_000 {
            rows.push([n.to_string()]);
        }
        let printer = Printer { format: OutputFormat::Aligned, max_rows: Some(4), ..Printer::batch() };
        let shown = table(&printer, &rows.build());
        assert_eq!(shown, " n\n------\n 1\n 2\n …\n 999\n 1000\n… 996 more rows (\\max-rows all)\n");
    }

    #[test]
    fn a_wide_table_fits_the_window_and_names_what_it_left_out() {
        let mut rows = RowsBuilder::new(&["first", "second", "third", "fourth"]);
        rows.push(["a".repeat(50), "b".repeat(50), "c".repeat(50), "d".repeat(50)]);
        let printer = Printer { format: OutputFormat::Aligned, window: Some(50), ..Printer::batch() };
        let shown = table(&printer, &rows.build());
        assert!(shown.lines().all(|line| clean::width(line) <= 50), "{shown}");
        assert!(shown.contains("… 1 column not shown: fourth"), "{shown}");
    }

    #[test]
    fn vertical_gives_each_value_a_line() {
        let shown = printed(OutputFormat::Vertical, false, &sample());
        assert!(shown.starts_with("-[ row 1 ]"), "{shown}");
        assert!(shown.contains("name   | x\\x1b[2J|<y>\namount | NULL\n"), "{shown}");
    }
}
