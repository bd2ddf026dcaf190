//! LIKE, ILIKE and regular expressions. A constant pattern is compiled once per batch.

use super::RowError;
use super::columns::{Numbers, Rows, Texts, booleans_by_row, result_length, texts_by_row};
use crate::journal::{ErrorCode, TaskError};
use crate::sql::DataType;
use memchr::memmem::Finder;
use polars::prelude::{Column, Int32Type};
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
        compile_regex(&written).map(Like::Regex)
    }

    fn matches(&self, text: &str) -> bool {
        match self {
            Like::Exact(wanted) => text == wanted,
            Like::Regex(regex) => regex.is_match(text),
            Like::Parts { first, middle, last } => {
                let bytes = text.as_bytes();
                if bytes.len() < first.len() + last.len()
                    || !bytes.starts_with(first.as_bytes())
                    || !bytes.ends_with(last.as_bytes())
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

fn invalid(message: impl Into<String>) -> TaskError {
    TaskError::user(ErrorCode::InvalidArguments, message)
}

fn compile_regex(pattern: &str) -> Result<Regex, TaskError> {
    Regex::new(pattern).map_err(|_| invalid(format!("Invalid regular expression '{pattern}'")))
}

/// `LIKE`.
pub(super) fn like(args: &[Column], _: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    match_like(args, rows, false)
}

/// `ILIKE`.
pub(super) fn ilike(args: &[Column], _: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    match_like(args, rows, true)
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
        let like =
            if any_case { Like::compile(&pattern.to_lowercase(), escape) } else { Like::compile(pattern, escape) };
        like.map(Some)
    };
    let matches =
        |like: &Like, text: &str| if any_case { like.matches(&text.to_lowercase()) } else { like.matches(text) };
    if patterns.is_constant() && escapes.as_ref().is_none_or(Texts::is_constant) {
        let like = compiled(0)?;
        return Ok(booleans_by_row(length, |row| Some(matches(like.as_ref()?, texts.get(row)?))));
    }
    truths_by_row(length, |row| {
        Ok(match (texts.get(row), compiled(row)?) {
            (Some(text), Some(like)) => Some(matches(&like, text)),
            _ => None,
        })
    })
}

fn truths_by_row(length: usize, f: impl Fn(usize) -> Result<Option<bool>, TaskError>) -> Result<Column, RowError> {
    let mut truths = Vec::with_capacity(length);
    for row in 0..length {
        truths.push(f(row).map_err(|error| RowError { row: Some(row), error })?);
    }
    Ok(booleans_by_row(length, |row| truths[row]))
}

/// A regular expression per row, compiled once if it is the same for all.
struct Expressions<'a> {
    patterns: &'a Texts,
    constant: Option<Option<Regex>>,
}

impl<'a> Expressions<'a> {
    fn of(patterns: &'a Texts) -> Result<Expressions<'a>, TaskError> {
        let constant = patterns.constant().map(|pattern| pattern.map(compile_regex).transpose()).transpose()?;
        Ok(Expressions { patterns, constant })
    }

    fn get(&self, row: usize) -> Result<Option<Regex>, TaskError> {
        match &self.constant {
            // Cloning a Regex shares the program.
            Some(regex) => Ok(regex.clone()),
            None => self.patterns.get(row).map(compile_regex).transpose(),
        }
    }
}

/// `regexp_matches(text, pattern)`: found anywhere.
pub(super) fn regexp_matches(args: &[Column], _: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    let (texts, patterns) = (Texts::of(&args[0])?, Texts::of(&args[1])?);
    let expressions = Expressions::of(&patterns)?;
    truths_by_row(result_length(args, rows), |row| {
        Ok(expressions.get(row)?.zip(texts.get(row)).map(|(regex, text)| regex.is_match(text)))
    })
}

/// `regexp_replace(text, pattern, replacement [, options])`.
pub(super) fn regexp_replace(args: &[Column], _: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    let (texts, patterns, replacements) = (Texts::of(&args[0])?, Texts::of(&args[1])?, Texts::of(&args[2])?);
    let options = args.get(3).map(Texts::of).transpose()?;
    let expressions = Expressions::of(&patterns)?;
    texts_by_row(result_length(args, rows), |row, out| {
        let option = match &options {
            Some(options) => options.get(row),
            None => Some(""),
        };
        let (Some(regex), Some(text), Some(replacement), Some(option)) =
            (expressions.get(row)?, texts.get(row), replacements.get(row), option)
        else {
            return Ok(false);
        };
        let regex = if option.contains('i') { compile_regex(&format!("(?i){}", regex.as_str()))? } else { regex };
        let replacement = dollars(replacement);
        let limit = if option.contains('g') { 0 } else { 1 };
        out.push_str(&regex.replacen(text, limit, replacement.as_str()));
        Ok(true)
    })
}

/// SQL writes groups as `\1`, the regex crate as `${1}`.
fn dollars(replacement: &str) -> String {
    let mut out = String::with_capacity(replacement.len());
    let mut characters = replacement.chars().peekable();
    while let Some(c) = characters.next() {
        match (c, characters.peek()) {
            ('$', _) => out.push_str("$$"),
            ('\\', Some(digit)) if digit.is_ascii_digit() => {
                out.push_str(&format!("${{{digit}}}"));
                characters.next();
            }
            ('\\', Some('\\')) => {
                out.push('\\');
                characters.next();
            }
            _ => out.push(c),
        }
    }
    out
}

/// `regexp_extract(text, pattern [, group])`: empty if there is no match.
pub(super) fn regexp_extract(args: &[Column], _: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    let (texts, patterns) = (Texts::of(&args[0])?, Texts::of(&args[1])?);
    let groups = args.get(2).map(Numbers::<Int32Type>::of).transpose()?;
    let expressions = Expressions::of(&patterns)?;
    texts_by_row(result_length(args, rows), |row, out| {
        let group = match &groups {
            Some(groups) => groups.get(row),
            None => Some(0),
        };
        let (Some(regex), Some(text), Some(group)) = (expressions.get(row)?, texts.get(row), group) else {
            return Ok(false);
        };
        let group = usize::try_from(group).map_err(|_| invalid("A group of a regular expression is 0 or more"))?;
        if let Some(found) = regex.captures(text).and_then(|captures| captures.get(group)) {
            out.push_str(found.as_str());
        }
        Ok(true)
    })
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
