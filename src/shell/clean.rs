//! Text from data and messages, made safe for a terminal: no control character passes.

use std::borrow::Cow;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Whether a terminal may act on this character instead of showing it: C0, DEL, C1, and the marks that reorder text.
fn acts(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn escape_into(text: &mut String, c: char) {
    match c {
        '\n' => text.push_str("\\n"),
        '\r' => text.push_str("\\r"),
        '\t' => text.push_str("\\t"),
        c if (c as u32) < 0x100 => text.push_str(&format!("\\x{:02x}", c as u32)),
        c => text.push_str(&format!("\\u{{{:x}}}", c as u32)),
    }
}

/// One line: everything that acts is written as an escape (`\n`, `\x1b`).
pub fn one_line(text: &str) -> Cow<'_, str> {
    if !text.chars().any(acts) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if acts(c) { escape_into(&mut safe, c) } else { safe.push(c) }
    }
    Cow::Owned(safe)
}

/// Several lines: line feeds and tabs stay, everything else that acts is escaped.
pub fn lines(text: &str) -> Cow<'_, str> {
    let harmless = |c: char| !acts(c) || c == '\n' || c == '\t';
    if text.chars().all(harmless) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if harmless(c) { safe.push(c) } else { escape_into(&mut safe, c) }
    }
    Cow::Owned(safe)
}

/// Columns that the text takes on a terminal.
pub fn width(text: &str) -> usize {
    UnicodeWidthStr::width(text)
}

/// The text if it fits `columns`, otherwise its beginning and `…`.
pub fn cut(text: &str, columns: usize) -> Cow<'_, str> {
    if width(text) <= columns {
        return Cow::Borrowed(text);
    }
    let mut kept = String::new();
    let mut used = 0;
    for c in text.chars() {
        let wide = c.width().unwrap_or(0);
        if used + wide + 1 > columns {
            break;
        }
        used += wide;
        kept.push(c);
    }
    if columns > 0 {
        kept.push('…');
    }
    Cow::Owned(kept)
}

/// The line in pieces that fit `columns`, broken at blanks. What follows the first piece is indented as far as the last
/// column of the line's beginning (`  cost        1.2 task-seconds`). A line of the user's own SQL, with the carets
/// under it, stays as it is.
pub fn wrap(line: &str, columns: usize) -> Vec<String> {
    if width(line) <= columns || line.starts_with("LINE ") {
        return vec![line.to_string()];
    }
    let indent = " ".repeat(text_column(line).min(columns / 2));
    let mut pieces = Vec::new();
    let mut rest = line.to_string();
    while width(&rest) > columns {
        let text = rest.len() - rest.trim_start().len();
        let mut used = 0;
        let mut end = None;
        for (at, c) in rest.char_indices() {
            if c == ' ' && at > text && !rest[..at].ends_with(' ') {
                end = Some(at);
            }
            used += c.width().unwrap_or(0);
            if used > columns && end.is_some() {
                break;
            }
        }
        let Some(end) = end else { break };
        let after = format!("{indent}{}", rest[end..].trim_start());
        rest.truncate(end);
        pieces.push(std::mem::replace(&mut rest, after));
    }
    pieces.push(rest);
    pieces
}

/// Where the text of a line begins: behind the last gap of two blanks or more in its first columns.
fn text_column(line: &str) -> usize {
    const FIRST: usize = 24;
    let blanks = line.len() - line.trim_start().len();
    let begins =
        |at: &usize| line.is_char_boundary(*at) && line[..*at].ends_with("  ") && !line[*at..].starts_with(' ');
    (blanks + 1..FIRST.min(line.len())).rev().find(begins).unwrap_or(blanks + 2)
}

/// Padded on the right with blanks to `columns`, cut if longer.
pub fn fit(text: &str, columns: usize) -> String {
    let text = cut(text, columns);
    let blanks = columns - width(&text).min(columns);
    format!("{text}{}", " ".repeat(blanks))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_acts_passes() {
        assert_eq!(one_line("a\x1b[31mb\nc\u{9b}d\u{202e}"), "a\\x1b[31mb\\nc\\x9bd\\u{202e}");
        assert_eq!(lines("a\x07\nb"), "a\\x07\nb");
        assert!(matches!(one_line("plain é 表"), Cow::Borrowed(_)));
    }

    #[test]
    fn long_lines_are_broken_at_blanks_under_their_text() {
        assert_eq!(
            wrap("    2.1s  lost       stage 1: output 1 (stage 2 needs it)", 40),
            ["    2.1s  lost       stage 1: output 1", "                    (stage 2 needs it)"]
        );
        assert_eq!(wrap("one two three", 8), ["one two", "  three"]);
        assert_eq!(wrap("LINE 1: SELECT nope", 8), ["LINE 1: SELECT nope"]);
        assert_eq!(wrap("        ^^^^", 8), ["        ^^^^"]);
        assert_eq!(wrap("unbreakable and", 6), ["unbreakable", "  and"]);
    }

    #[test]
    fn cutting_counts_columns_not_characters() {
        assert_eq!(cut("abcdef", 4), "abc…");
        assert_eq!(cut("表表表", 4), "表…");
        assert_eq!(fit("ab", 4), "ab  ");
        assert_eq!(fit("表表表", 4), "表… ");
    }
}
