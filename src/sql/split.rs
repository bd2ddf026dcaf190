//! Cutting a script into statements at semicolons that stand outside quotes and comments.

/// One statement of a script, without its semicolon and without surrounding white space and comments before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece<'a> {
    pub text: &'a str,
    /// Where `text` begins in the script, in bytes.
    pub offset: usize,
    /// 1-based line of the script on which `text` begins.
    pub line: usize,
    /// Whether a semicolon closed it; false only for the last one.
    pub closed: bool,
}

/// What a scan of the text found: where statements end, and whether something is still open at the end.
struct Scan {
    semicolons: Vec<usize>,
    open: bool,
}

/// The statements of a script, empty ones left out.
pub fn split(script: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut start = 0;
    let scan = scan(script);
    let (mut line, mut counted) = (1, 0);
    for (end, closed) in scan.semicolons.iter().map(|&at| (at, true)).chain([(script.len(), false)]) {
        let begin = skip_blank(script, start, end);
        let text = script[begin..end].trim_end();
        if !text.is_empty() {
            line += script[counted..begin].bytes().filter(|&b| b == b'\n').count();
            counted = begin;
            pieces.push(Piece { text, offset: begin, line, closed });
        }
        start = end + 1;
    }
    pieces
}

/// Whether the text can be run as it stands: nothing but blanks and comments, or its last statement is closed by a
/// semicolon. False while a quote or a comment is open.
pub fn is_complete(text: &str) -> bool {
    let scan = scan(text);
    let after = scan.semicolons.last().map_or(0, |at| at + 1);
    !scan.open && skip_blank(text, after, text.len()) == text.len()
}

/// The first byte in `start..end` that belongs to neither white space nor a comment; `end` if there is none.
fn skip_blank(text: &str, start: usize, end: usize) -> usize {
    let mut at = start;
    while at < end {
        let rest = &text[at..end];
        if rest.starts_with("--") {
            at += line_comment(rest);
        } else if rest.starts_with("/*") {
            at += block_comment(rest).0;
        } else {
            match rest.chars().next() {
                Some(c) if c.is_whitespace() || c == '\u{feff}' => at += c.len_utf8(),
                _ => break,
            }
        }
    }
    at.min(end)
}

fn scan(text: &str) -> Scan {
    let bytes = text.as_bytes();
    let mut semicolons = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let rest = &text[at..];
        let (length, closed) = match bytes[at] {
            b';' => {
                semicolons.push(at);
                (1, true)
            }
            b'\'' => quoted(rest, b'\'', is_escape_string(bytes, at)),
            b'"' => quoted(rest, b'"', false),
            b'$' if !follows_word(bytes, at) => dollar_quoted(rest).unwrap_or((1, true)),
            b'-' if rest.starts_with("--") => (line_comment(rest), true),
            b'/' if rest.starts_with("/*") => block_comment(rest),
            _ => (rest.chars().next().map_or(1, char::len_utf8), true),
        };
        if !closed {
            return Scan { semicolons, open: true };
        }
        at += length;
    }
    Scan { semicolons, open: false }
}

fn follows_word(bytes: &[u8], at: usize) -> bool {
    at > 0 && (bytes[at - 1].is_ascii_alphanumeric() || bytes[at - 1] == b'_' || bytes[at - 1] >= 0x80)
}

/// `E'...'`: backslashes escape.
fn is_escape_string(bytes: &[u8], at: usize) -> bool {
    at > 0 && bytes[at - 1].eq_ignore_ascii_case(&b'e') && !follows_word(bytes, at - 1)
}

/// The length of a quoted text and whether it ends; a doubled quote stands for itself.
fn quoted(text: &str, quote: u8, backslash: bool) -> (usize, bool) {
    let bytes = text.as_bytes();
    let mut at = 1;
    while at < bytes.len() {
        if backslash && bytes[at] == b'\\' {
            at += 2;
        } else if bytes[at] == quote {
            if bytes.get(at + 1) != Some(&quote) {
                return (at + 1, true);
            }
            at += 2;
        } else {
            at += 1;
        }
    }
    (bytes.len(), false)
}

/// `$$ ... $$` or `$tag$ ... $tag$`; None when this dollar starts none.
fn dollar_quoted(text: &str) -> Option<(usize, bool)> {
    let close = text[1..].find('$')? + 2;
    let tag = &text[..close];
    let name = &tag[1..close - 1];
    if name.starts_with(|c: char| c.is_ascii_digit()) || !name.chars().all(|c| c.is_alphanumeric() || c == '_') {
        return None;
    }
    Some(match text[close..].find(tag) {
        Some(end) => (close + end + tag.len(), true),
        None => (text.len(), false),
    })
}

fn line_comment(text: &str) -> usize {
    text.find('\n').map_or(text.len(), |end| end + 1)
}

/// The length of a comment, which may hold comments, and whether it ends.
fn block_comment(text: &str) -> (usize, bool) {
    let bytes = text.as_bytes();
    let (mut at, mut depth) = (2, 1);
    while at < bytes.len() {
        match &bytes[at..(at + 2).min(bytes.len())] {
            b"/*" => {
                depth += 1;
                at += 2;
            }
            b"*/" => {
                depth -= 1;
                at += 2;
                if depth == 0 {
                    return (at, true);
                }
            }
            _ => at += 1,
        }
    }
    (bytes.len(), false)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(script: &str) -> Vec<&str> {
        split(script).iter().map(|p| p.text).collect()
    }

    #[test]
    fn semicolons_in_quotes_and_comments_do_not_split() {
        assert_eq!(texts("select ';' ; select \"a;b\""), ["select ';'", "select \"a;b\""]);
        assert_eq!(
            texts("select 'it''s;' -- no; not here\n; select 2;"),
            ["select 'it''s;' -- no; not here", "select 2"]
        );
        assert_eq!(texts("/* a; /* b; */ c; */ select 1; ;; "), ["select 1"]);
        assert_eq!(texts("select $$a;b$$; select $x$;$$;$x$"), ["select $$a;b$$", "select $x$;$$;$x$"]);
        assert_eq!(texts(r"select E'\';'; select 2"), [r"select E'\';'", "select 2"]);
    }

    #[test]
    fn pieces_know_where_they_stand() {
        let pieces = split("-- first\nselect 1;\n\n  select\n2");
        assert_eq!((pieces[0].offset, pieces[0].line, pieces[0].closed), (9, 2, true));
        assert_eq!((pieces[1].offset, pieces[1].line, pieces[1].closed), (22, 4, false));
    }

    #[test]
    fn completeness() {
        assert!(
            is_complete("") && is_complete("select 1;") && is_complete("select 1; -- done") && is_complete("-- hi")
        );
        assert!(!is_complete("select 1") && !is_complete("select ';") && !is_complete("select 1; select"));
        assert!(!is_complete("/* open ;") && !is_complete("select $$;"));
    }

    #[test]
    fn any_text_is_survived() {
        for text in ["'", "é;'", "$", "$é$;", "/*", "/", "-", "\u{feff}select 1;", "a$b;c$b;"] {
            split(text);
            is_complete(text);
        }
    }
}
