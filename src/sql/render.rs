//! How a diagnostic looks: the message, the line of the statement with a caret under the place, and the hint.

use super::{Diagnostic, Span};
use std::borrow::Cow;
use unicode_width::UnicodeWidthChar;

/// The most columns of a source line that are shown; longer ones are shown around the place.
const WINDOW: usize = 70;
/// Columns before the place that stay visible in a window.
const LEAD: usize = 30;
/// The most bytes of a message or a hint, and how many of them are its end.
const LONGEST: usize = 1_000;
const TAIL: usize = 60;

impl Diagnostic {
    /// The whole text for the user, without a closing line break: message, `LINE n: ...` with carets under the exact
    /// expression when the place is known, `Hint: ...`. `text` is the statement that the span counts in.
    pub fn render(&self, text: &str) -> String {
        self.render_at(text, 1)
    }

    /// As [`Diagnostic::render`], for a statement that starts on line `first_line` of its script.
    pub fn render_at(&self, text: &str, first_line: usize) -> String {
        let mut out = shortened(&self.message).into_owned();
        if let Some(span) = self.span {
            out.push_str(&excerpt(text, span, first_line));
        }
        if let Some(hint) = &self.hint {
            out.push_str("\nHint: ");
            out.push_str(&shortened(hint));
        }
        out
    }
}

/// The middle of a text that nobody would read to its end is left out: names and values of the user's may be of any length.
fn shortened(text: &str) -> Cow<'_, str> {
    if text.len() <= LONGEST {
        return Cow::Borrowed(text);
    }
    let head = floor_boundary(text, LONGEST - TAIL);
    let tail = floor_boundary(text, text.len() - TAIL);
    Cow::Owned(format!("{}...{}", &text[..head], &text[tail..]))
}

/// A character as it is shown: its text and how many columns that takes.
fn shown(c: char) -> (String, usize) {
    match c {
        '\t' => (" ".into(), 1),
        c if c.is_control() || is_direction_mark(c) => ("\u{fffd}".into(), 1),
        c => (c.into(), c.width().unwrap_or(0)),
    }
}

/// Invisible marks that would turn the order of what is shown.
fn is_direction_mark(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// `\nLINE 2: the line\n            ^^^^`; only the first line of a longer span is marked.
fn excerpt(text: &str, span: Span, first_line: usize) -> String {
    let start = floor_boundary(text, span.start as usize);
    let end = floor_boundary(text, span.end as usize).max(start);
    let line_start = text[..start].rfind('\n').map_or(0, |at| at + 1);
    let line_end = text[start..].find('\n').map_or(text.len(), |at| start + at);
    let number = first_line + text[..line_start].bytes().filter(|&b| b == b'\n').count();

    // Columns of each character of the line, and of the place.
    let mut cells: Vec<(String, usize)> = Vec::new();
    let (mut column, mut from, mut to) = (0, None, None);
    for (at, c) in text[line_start..line_end].trim_end_matches('\r').char_indices() {
        let at = line_start + at;
        if at >= start {
            from.get_or_insert(column);
        }
        if at >= end {
            to.get_or_insert(column);
        }
        let cell = shown(c);
        column += cell.1;
        cells.push(cell);
    }
    let from = from.unwrap_or(column);
    let to = to.unwrap_or(column).max(from + 1);

    let window_start = if column <= WINDOW { 0 } else { from.saturating_sub(LEAD).min(column - WINDOW.min(column)) };
    let window_end = if column <= WINDOW { column } else { window_start + WINDOW };
    let mut visible = String::new();
    let (mut at, mut first_visible) = (0, None);
    for (shape, width) in cells {
        if at >= window_start && at + width <= window_end {
            first_visible.get_or_insert(at);
            visible.push_str(&shape);
        }
        at += width;
    }
    let first_visible = first_visible.unwrap_or(window_start);
    let before = if window_start > 0 { "..." } else { "" };
    let after = if window_end < column { "..." } else { "" };
    let head = format!("LINE {number}: {before}");
    let indent = head.len() + from.saturating_sub(first_visible);
    let carets = to.min(window_end.max(from + 1)) - from;
    format!("\n{head}{visible}{after}\n{}{}", " ".repeat(indent), "^".repeat(carets))
}

fn floor_boundary(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use crate::journal::ErrorCode;
    use crate::sql::{Diagnostic, Span};

    fn render(text: &str, start: usize, end: usize) -> String {
        Diagnostic::new(ErrorCode::SyntaxError, "wrong").at(Span { start: start as u32, end: end as u32 }).render(text)
    }

    #[test]
    fn the_caret_stands_under_the_expression() {
        assert_eq!(render("select a,\n  nope\nfrom t", 12, 16), "wrong\nLINE 2:   nope\n          ^^^^");
        assert_eq!(render("select", 6, 6), "wrong\nLINE 1: select\n              ^");
    }

    #[test]
    fn wide_and_control_characters_keep_the_caret_in_place() {
        assert_eq!(render("'日本' + x", 11, 12), "wrong\nLINE 1: '日本' + x\n                 ^");
        assert_eq!(render("\t\u{1b}x", 2, 3), "wrong\nLINE 1:  \u{fffd}x\n          ^");
    }

    #[test]
    fn long_lines_are_shown_around_the_place() {
        let text = format!("select {} nope {}", "a + ".repeat(40), "+ b".repeat(40));
        let at = text.find("nope").unwrap();
        let shown = render(&text, at, at + 4);
        let lines: Vec<&str> = shown.lines().collect();
        assert!(lines[1].starts_with("LINE 1: ...") && lines[1].ends_with("..."));
        assert_eq!(lines[1].find("nope"), lines[2].find('^'));
        assert!(lines[1].len() < 90);
    }

    #[test]
    fn any_span_is_survived() {
        for (start, end) in [(0, 99), (99, 3), (2, 2), (3, 1)] {
            render("日本\r\n", start, end);
        }
        render("", 0, 0);
    }
}
