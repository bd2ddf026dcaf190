//! LIKE, ILIKE and GLOB. A constant pattern is compiled once per batch.

use super::RowError;
use super::columns::{Rows, Texts, booleans_by_row, result_length, truths_by_row, truths_of_texts};
use super::regexp::invalid;
use super::translate::push_lower;
use crate::journal::TaskError;
use crate::sql::DataType;
use memchr::memmem::Finder;
use polars::prelude::Column;
use regex::Regex;

/// A LIKE pattern, ready to be matched.
enum Like {
    /// No wildcard.
    Exact(String),
    /// Literal parts with `%` between them: the first must begin the text, the last must end it, the others follow in order.
    Parts { first: String, middle: Vec<Finder<'static>>, last: String },
    /// `_` somewhere.
    Regex(Regex),
}

/// One element of a pattern.
enum Token {
    Character(char),
    AnyCharacter,
    AnyText,
}

impl Like {
    fn compile(pattern: &str, escape: Option<char>) -> Result<Like, TaskError> {
        let mut tokens = Vec::new();
        let mut characters = pattern.chars();
        while let Some(c) = characters.next() {
            tokens.push(match c {
                c if Some(c) == escape => match characters.next() {
                    Some(escaped) => Token::Character(escaped),
                    None => return Err(invalid("LIKE pattern must not end with its escape character")),
                },
                '%' => Token::AnyText,
                '_' => Token::AnyCharacter,
                c => Token::Character(c),
            });
        }
        if tokens.iter().any(|token| matches!(token, Token::AnyCharacter)) {
            return Like::with_regex(&tokens);
        }
        let mut parts = vec![String::new()];
        for token in tokens {
            match token {
                Token::Character(c) => parts.last_mut().map(|part| part.push(c)).unwrap_or_default(),
                Token::AnyText | Token::AnyCharacter => parts.push(String::new()),
            }
        }
        let last = parts.pop().unwrap_or_default();
        if parts.is_empty() {
            return Ok(Like::Exact(last));
        }
        let first = parts.remove(0);
        parts.retain(|part| !part.is_empty());
        let middle = parts.iter().map(|part| Finder::new(part.as_bytes()).into_owned()).collect();
        Ok(Like::Parts { first, middle, last })
    }

    fn with_regex(tokens: &[Token]) -> Result<Like, TaskError> {
        let mut written = String::from("(?s)^");
        for token in tokens {
            match token {
                Token::Character(c) => written.push_str(&regex::escape(c.encode_utf8(&mut [0; 4]))),
                Token::AnyCharacter => written.push('.'),
                Token::AnyText => written.push_str(".*"),
            }
        }
        written.push('$');
        Regex::new(&written).map(Like::Regex).map_err(|_| invalid("the LIKE pattern is too long"))
    }

    fn matches(&self, text: &str) -> bool {
        match self {
            Like::Exact(wanted) => text == wanted,
            Like::Regex(regex) => regex.is_match(text),
            Like::Parts { first, middle, last } => {
                let bytes = text.as_bytes();
                // Nothing is not looked for: it has no address, and comparing zero bytes there costs more than the search.
                if bytes.len() < first.len() + last.len()
                    || !(first.is_empty() || bytes.starts_with(first.as_bytes()))
                    || !(last.is_empty() || bytes.ends_with(last.as_bytes()))
                {
                    return false;
                }
                let mut rest = &bytes[first.len()..bytes.len() - last.len()];
                middle.iter().all(|part| match part.find(rest) {
                    Some(at) => {
                        rest = &rest[at + part.needle().len()..];
                        true
                    }
                    None => false,
                })
            }
        }
    }
}

/// `LIKE`.
pub(super) fn like(args: &[Column], _: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    match_like(args, rows, false)
}

/// `ILIKE`.
pub(super) fn ilike(args: &[Column], _: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    match_like(args, rows, true)
}

/// The text in small letters, one for one: what ILIKE compares.
fn lowered(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    push_lower(text, &mut out);
    out
}

fn match_like(args: &[Column], rows: usize, any_case: bool) -> Result<Column, RowError> {
    let length = result_length(args, rows);
    let (texts, patterns) = (Texts::of(&args[0])?, Texts::of(&args[1])?);
    let escapes = args.get(2).map(Texts::of).transpose()?;
    let escape_at = |row: usize| -> Result<Option<Option<char>>, TaskError> {
        let Some(escapes) = &escapes else { return Ok(Some(None)) };
        let Some(escape) = escapes.get(row) else { return Ok(None) };
        let mut characters = escape.chars();
        match (characters.next(), characters.next()) {
            (found, None) => Ok(Some(found)),
            _ => Err(invalid("The escape of LIKE must be one character")),
        }
    };
    let compiled = |row: usize| -> Result<Option<Like>, TaskError> {
        let (Some(pattern), Some(escape)) = (patterns.get(row), escape_at(row)?) else { return Ok(None) };
        let like = if any_case { Like::compile(&lowered(pattern), escape) } else { Like::compile(pattern, escape) };
        like.map(Some)
    };
    let matches = |like: &Like, text: &str| if any_case { like.matches(&lowered(text)) } else { like.matches(text) };
    if patterns.is_constant() && escapes.as_ref().is_none_or(Texts::is_constant) {
        return Ok(match compiled(0)? {
            Some(like) => truths_of_texts(&texts, length, |text| matches(&like, text)),
            None => booleans_by_row(length, |_| None),
        });
    }
    truths_by_row(length, |row| {
        Ok(match (texts.get(row), compiled(row)?) {
            (Some(text), Some(like)) => Some(matches(&like, text)),
            _ => None,
        })
    })
}

/// `text GLOB pattern`: `*` is any text, `?` any character, `[a-z]` and `[!a-z]` one of a set, `\\` takes the next as it is.
pub(super) fn glob(args: &[Column], _: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    let (texts, patterns) = (Texts::of(&args[0])?, Texts::of(&args[1])?);
    Ok(booleans_by_row(result_length(args, rows), |row| {
        Some(globbed(texts.get(row)?.as_bytes(), patterns.get(row)?.as_bytes()))
    }))
}

fn globbed(mut text: &[u8], mut pattern: &[u8]) -> bool {
    // Where the last star was, and the text that it did not take yet.
    let mut star: Option<(&[u8], &[u8])> = None;
    loop {
        let matched = match pattern {
            [] => text.is_empty().then_some(pattern),
            [b'*', rest @ ..] => {
                star = Some((rest, text));
                pattern = rest;
                continue;
            }
            _ => text.split_first().and_then(|(first, _)| glob_one(*first, pattern)),
        };
        match (matched, &mut star) {
            (Some(_), _) if pattern.is_empty() => return true,
            (Some(rest), _) => {
                text = if pattern[0] == b'?' { behind_character(text) } else { &text[1..] };
                pattern = rest;
            }
            // The star takes one more.
            (None, Some((rest, open))) if !open.is_empty() => {
                *open = &open[1..];
                (pattern, text) = (*rest, *open);
            }
            (None, _) => return false,
        }
    }
}

/// The bytes behind the first character.
fn behind_character(text: &[u8]) -> &[u8] {
    let rest = text.get(1..).unwrap_or_default();
    // Bytes that go on with a character begin with the bits 10.
    let more = rest.iter().take_while(|byte| **byte & 0xc0 == 0x80).count();
    &rest[more..]
}

/// Whether a byte is what the pattern begins with; then the rest of the pattern.
fn glob_one(byte: u8, pattern: &[u8]) -> Option<&[u8]> {
    match pattern {
        [b'?', rest @ ..] => Some(rest),
        [b'[', set @ ..] => {
            let (negated, mut set) = match set {
                [b'!', set @ ..] => (true, set),
                _ => (false, set),
            };
            let mut found = false;
            let mut first = true;
            loop {
                match set {
                    [b']', rest @ ..] if !first => return (found != negated).then_some(rest),
                    [low, b'-', high, rest @ ..] if *high != b']' => {
                        found |= (*low..=*high).contains(&byte);
                        set = rest;
                    }
                    [one, rest @ ..] => {
                        found |= *one == byte;
                        set = rest;
                    }
                    // A set that is not closed matches nothing.
                    [] => return None,
                }
                first = false;
            }
        }
        [b'\\', escaped, rest @ ..] => (*escaped == byte).then_some(rest),
        [plain, rest @ ..] => (*plain == byte).then_some(rest),
        [] => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn like_patterns() {
        for (text, pattern, escape, expected) in [
            ("abc", "a%", None, true),
            ("abc", "%c", None, true),
            ("abc", "%b%", None, true),
            ("abc", "abc", None, true),
            ("abc", "ab", None, false),
            ("abc", "a_c", None, true),
            ("special packages requests", "%special%requests%", None, true),
            ("requests special", "%special%requests%", None, false),
            ("aa", "a%a", None, true),
            ("a", "a%a", None, false),
            ("a%b", r"a\%b", Some('\\'), true),
            ("axb", r"a\%b", Some('\\'), false),
            ("a\nb", "a_b", None, true),
            ("é", "_", None, true),
            ("", "%", None, true),
            ("", "", None, true),
        ] {
            let like = Like::compile(pattern, escape).unwrap();
            assert_eq!(like.matches(text), expected, "{text:?} LIKE {pattern:?}");
        }
        assert!(Like::compile(r"a\", Some('\\')).is_err());
    }
}
