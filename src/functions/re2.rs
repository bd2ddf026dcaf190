//! From RE2's syntax of regular expressions, which DuckDB has, to that of the regex crate. They are close relatives: what
//! differs is that RE2's `\d`, `\w`, `\s` and `\b` know ASCII only, that it has `\Q...\E`, and that brackets and doubled signs
//! mean nothing inside its classes.

const DIGIT: &str = "0-9";
const WORD: &str = "0-9A-Za-z_";
const SPACE: &str = r"\t\n\x0C\r ";
/// The highest number of repetitions that RE2 takes.
const MOST_REPEATED: u32 = 1000;

/// The expression in the other syntax; an error says what RE2 would not take.
pub(super) fn translated(pattern: &str) -> Result<String, String> {
    let mut out = String::with_capacity(pattern.len() + 16);
    let mut rest = pattern;
    while let Some(c) = rest.chars().next() {
        let after = &rest[c.len_utf8()..];
        rest = match c {
            '\\' => escape(after, &mut out, false)?,
            '[' => class(after, &mut out)?,
            '(' => {
                for (start, name) in
                    [("?=", "look-ahead"), ("?!", "look-ahead"), ("?<=", "look-behind"), ("?<!", "look-behind")]
                {
                    if after.starts_with(start) {
                        return Err(format!("there is no {name} ('({start}')"));
                    }
                }
                out.push(c);
                after
            }
            '{' => {
                let counts = after.split('}').next().unwrap_or_default();
                for count in counts.split(',').filter_map(|n| n.parse::<u32>().ok()) {
                    if count > MOST_REPEATED {
                        return Err(format!("{count} repetitions are too many, {MOST_REPEATED} are the most"));
                    }
                }
                // A brace that opens no repetition is a character like any other.
                let valid = after.contains('}')
                    && counts.starts_with(|c: char| c.is_ascii_digit())
                    && counts.chars().all(|c| c.is_ascii_digit() || c == ',')
                    && counts.matches(',').count() <= 1;
                if !valid {
                    out.push('\\');
                }
                out.push(c);
                after
            }
            c => {
                out.push(c);
                after
            }
        };
    }
    Ok(out)
}

/// Translates what follows a backslash, inside a class or outside; returns what is behind it.
fn escape<'a>(after: &'a str, out: &mut String, in_class: bool) -> Result<&'a str, String> {
    let Some(c) = after.chars().next() else { return Err("it ends with a backslash".to_string()) };
    let rest = &after[c.len_utf8()..];
    let set = match c {
        'd' | 'D' => Some(DIGIT),
        'w' | 'W' => Some(WORD),
        's' | 'S' => Some(SPACE),
        _ => None,
    };
    if let Some(set) = set {
        let negated = c.is_ascii_uppercase();
        if in_class && !negated {
            out.push_str(set);
        } else {
            out.push_str(if negated { "[^" } else { "[" });
            out.push_str(set);
            out.push(']');
        }
        return Ok(rest);
    }
    match c {
        'Q' => {
            let (literal, rest) = rest.split_once("\\E").unwrap_or((rest, ""));
            out.push_str(&regex::escape(literal));
            return Ok(rest);
        }
        'E' => return Ok(rest),
        'b' if !in_class => out.push_str(r"(?-u:\b)"),
        'B' | 'A' | 'z' if !in_class => {
            out.push('\\');
            out.push(c);
        }
        'x' | 'p' | 'P' if rest.starts_with('{') => {
            // The braces hold a name or a code, no number of repetitions.
            let Some(end) = rest.find('}') else { return Err(format!("'\\{c}{{' is not closed")) };
            out.push('\\');
            out.push(c);
            out.push_str(&rest[..=end]);
            return Ok(&rest[end + 1..]);
        }
        'a' | 'f' | 't' | 'n' | 'r' | 'v' | 'p' | 'P' => {
            out.push('\\');
            out.push(c);
        }
        'x' if rest.starts_with(|c: char| c.is_ascii_hexdigit()) => out.push_str("\\x"),
        '0' => {
            let digits = rest.len() - rest.trim_start_matches(|c: char| ('0'..='7').contains(&c)).len();
            let (octal, rest) = rest.split_at(digits.min(2));
            let code = u32::from_str_radix(octal, 8).unwrap_or(0);
            out.push_str(&format!("\\x{{{code:x}}}"));
            return Ok(rest);
        }
        '1'..='9' => return Err(format!("there are no references to groups ('\\{c}')")),
        c if c.is_ascii_alphanumeric() => return Err(format!("invalid escape sequence '\\{c}'")),
        c => out.push_str(&regex::escape(c.encode_utf8(&mut [0; 4]))),
    }
    Ok(rest)
}

/// Translates a class up to its closing bracket; returns what is behind it.
fn class<'a>(after: &'a str, out: &mut String) -> Result<&'a str, String> {
    out.push('[');
    let mut rest = after;
    if let Some(behind) = rest.strip_prefix('^') {
        out.push('^');
        rest = behind;
    }
    // A closing bracket that comes first is a member.
    let mut first = true;
    while let Some(c) = rest.chars().next() {
        let behind = &rest[c.len_utf8()..];
        rest = match c {
            ']' if !first => {
                out.push(']');
                return Ok(behind);
            }
            '\\' => escape(behind, out, true)?,
            '[' if behind.starts_with(':') && behind.contains(":]") => {
                let end = behind.find(":]").map_or(behind.len(), |at| at + 2);
                out.push('[');
                out.push_str(&behind[..end]);
                &behind[end..]
            }
            '[' | ']' | '&' | '~' => {
                out.push('\\');
                out.push(c);
                behind
            }
            '-' if behind.starts_with('-') => {
                out.push_str("\\-");
                behind
            }
            c => {
                out.push(c);
                behind
            }
        };
        first = false;
    }
    Err("a class is not closed: ']' is missing".to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_mean_what_they_mean_in_re2() {
        for (pattern, text, expected) in [
            (r"\w", "É", false),
            (r"\W", "É", true),
            (r"[\w.-]+@", "a.b-c@", true),
            (r"[[a]", "[", true),
            (r"[]a]", "]", true),
            (r"[^]a]", "]", false),
            (r"[a&&b]", "&", true),
            (r"a{", "a{", true),
            (r"a{,2}", "a{,2}", true),
            (r"\Qa.b\E", "axb", false),
            (r"\Qa.b\Ec", "a.bc", true),
            (r"[[:alpha:]]", "x", true),
            (r"a\b", "aé", true),
            (r"\.", "x", false),
            (r"\-\/\#\ ", "-/# ", true),
            (r"\p{Greek}", "α", true),
            (r"[\d-]", "-", true),
            (r"^\pL$", "é", true),
            (r"\x{e9}\x41", "éA", true),
        ] {
            let regex = regex::Regex::new(&translated(pattern).unwrap()).unwrap();
            assert_eq!(regex.is_match(text), expected, "{pattern} on {text}");
        }
        for pattern in [r"a(?=b)", r"(a)\1", r"\K", r"a{1001}", r"a\", "[a"] {
            assert!(translated(pattern).is_err(), "{pattern}");
        }
    }
}
