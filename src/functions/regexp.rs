//! Regular expressions: DuckDB's syntax (that of RE2) and its functions. A constant expression is compiled once a batch.

use super::RowError;
use super::columns::{Numbers, Rows, Texts, numbers_by_row, result_length, texts_by_row, truths_by_row};
use super::re2::translated;
use crate::journal::{ErrorCode, TaskError};
use crate::sql::DataType;
use polars::prelude::{Column, Int32Type, Int64Type};
use regex::{CaptureLocations, Regex};
use std::cell::RefCell;
use std::rc::Rc;

pub(super) fn invalid(message: impl Into<String>) -> TaskError {
    TaskError::user(ErrorCode::InvalidArguments, message)
}

/// What the letters of an option argument say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Options {
    any_case: bool,
    literal: bool,
    /// Whether `.` is a line break, too.
    dot_all: bool,
    /// For `regexp_replace`: every match.
    global: bool,
}

impl Options {
    fn read(letters: &str) -> Result<Options, TaskError> {
        let mut options = Options::default();
        for letter in letters.chars() {
            match letter {
                'c' => options.any_case = false,
                'i' => options.any_case = true,
                'l' => options.literal = true,
                'm' | 'n' | 'p' => options.dot_all = false,
                's' => options.dot_all = true,
                'g' => options.global = true,
                ' ' | '\t' | '\n' => {}
                other => {
                    let known = "c, i, l, m, n, p and s, and g for regexp_replace";
                    return Err(invalid(format!("Unrecognized Regex option {other}: there are {known}")));
                }
            }
        }
        Ok(options)
    }
}

fn compile(pattern: &str, options: Options) -> Result<Regex, TaskError> {
    let mut written = String::with_capacity(pattern.len() + 8);
    if options.any_case {
        written.push_str("(?i)");
    }
    if options.dot_all {
        written.push_str("(?s)");
    }
    if options.literal {
        written.push_str(&regex::escape(pattern));
    } else {
        written.push_str(&translated(pattern).map_err(|why| wrong(pattern, &why))?);
    }
    Regex::new(&written).map_err(|error| wrong(pattern, &reason(&error)))
}

/// How many groups a regular expression has; None if it is none.
pub fn groups_of(pattern: &str) -> Option<usize> {
    compile(pattern, Options::default()).ok().map(|regex| regex.captures_len() - 1)
}

fn wrong(pattern: &str, why: &str) -> TaskError {
    invalid(format!("Invalid regular expression '{pattern}': {why}"))
}

/// What the parser of expressions has to say, without the picture that it draws.
fn reason(error: &regex::Error) -> String {
    match error {
        regex::Error::CompiledTooBig(_) => "it is too large".to_string(),
        error => {
            let text = error.to_string();
            let last = text.lines().rev().find_map(|line| line.trim().strip_prefix("error: ").map(str::to_string));
            last.unwrap_or_else(|| "it cannot be read".to_string())
        }
    }
}

/// A compiled expression with its option for replacing.
struct Compiled {
    regex: Regex,
    global: bool,
}

/// An expression a row: the last one is kept, so that one that is the same for all rows is compiled once.
struct Expressions<'a> {
    patterns: &'a Texts,
    options: Option<&'a Texts>,
    /// Whether the whole text has to match.
    whole: bool,
    /// Whether the option to replace every match has a meaning.
    replaces: bool,
    last: RefCell<Option<(String, String, Rc<Compiled>)>>,
}

impl<'a> Expressions<'a> {
    fn new(patterns: &'a Texts, options: Option<&'a Texts>) -> Expressions<'a> {
        Expressions { patterns, options, whole: false, replaces: false, last: RefCell::new(None) }
    }

    fn get(&self, row: usize) -> Result<Option<Rc<Compiled>>, TaskError> {
        let letters = match self.options {
            Some(options) => options.get(row).ok_or_else(|| invalid("Regex options field must not be NULL"))?,
            None => "",
        };
        let Some(pattern) = self.patterns.get(row) else { return Ok(None) };
        if let Some((known, known_letters, compiled)) = &*self.last.borrow()
            && known == pattern
            && known_letters == letters
        {
            return Ok(Some(compiled.clone()));
        }
        let options = Options::read(letters)?;
        if options.global && !self.replaces {
            return Err(invalid("Option 'g' (global replace) is only valid for regexp_replace"));
        }
        let mut regex = compile(pattern, options)?;
        if self.whole {
            regex = Regex::new(&format!(r"\A(?:{})\z", regex.as_str())).map_err(|e| wrong(pattern, &reason(&e)))?;
        }
        let compiled = Rc::new(Compiled { regex, global: options.global });
        *self.last.borrow_mut() = Some((pattern.to_string(), letters.to_string(), compiled.clone()));
        Ok(Some(compiled))
    }
}

fn optional_texts(args: &[Column], at: usize) -> Result<Option<Texts>, TaskError> {
    args.get(at).map(Texts::of).transpose()
}

fn test(args: &[Column], rows: usize, whole: bool) -> Result<Column, RowError> {
    let (texts, patterns, options) = (Texts::of(&args[0])?, Texts::of(&args[1])?, optional_texts(args, 2)?);
    let mut expressions = Expressions::new(&patterns, options.as_ref());
    expressions.whole = whole;
    truths_by_row(result_length(args, rows), |row| {
        let Some(text) = texts.get(row) else { return Ok(None) };
        Ok(expressions.get(row)?.map(|compiled| compiled.regex.is_match(text)))
    })
}

/// `regexp_matches(text, pattern [, options])`: found anywhere.
pub(super) fn matches(args: &[Column], _: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    test(args, rows, false)
}

/// `regexp_full_match(text, pattern [, options])`: the whole text matches.
pub(super) fn full_match(args: &[Column], _: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    test(args, rows, true)
}

/// A replacement text: pieces, each followed by a group, and what is behind the last group.
struct Rewrite {
    pieces: Vec<(String, usize)>,
    rest: String,
}

impl Rewrite {
    /// SQL writes groups as `\1`; an expression has `groups` of them, 0 included.
    fn read(replacement: &str, groups: usize) -> Result<Rewrite, TaskError> {
        let mut rewrite = Rewrite { pieces: Vec::new(), rest: String::new() };
        let mut characters = replacement.chars();
        let wrong = |why: String| invalid(format!("Invalid replacement string for regexp_replace: {why}"));
        while let Some(c) = characters.next() {
            if c != '\\' {
                rewrite.rest.push(c);
                continue;
            }
            match characters.next() {
                Some('\\') => rewrite.rest.push('\\'),
                Some(digit) if digit.is_ascii_digit() => {
                    let group = digit as usize - '0' as usize;
                    if group >= groups {
                        return Err(wrong(format!("it asks for group {group}, and there are {}", groups - 1)));
                    }
                    rewrite.pieces.push((std::mem::take(&mut rewrite.rest), group));
                }
                _ => return Err(wrong("'\\' must be followed by a digit or '\\'".to_string())),
            }
        }
        Ok(rewrite)
    }

    fn write(&self, text: &str, places: &CaptureLocations, out: &mut String) {
        for (piece, group) in &self.pieces {
            out.push_str(piece);
            if let Some((start, end)) = places.get(*group) {
                out.push_str(&text[start..end]);
            }
        }
        out.push_str(&self.rest);
    }

    /// Appends `text` with the first match, or every match, rewritten.
    fn replace(&self, compiled: &Compiled, text: &str, places: &mut CaptureLocations, out: &mut String) {
        let (mut copied, mut from, mut last_end) = (0, 0, None);
        while from <= text.len() {
            let Some(found) = compiled.regex.captures_read_at(places, text, from) else { break };
            from = found.end();
            if found.is_empty() {
                // The next search begins a character later; an empty match right behind a match is none.
                from += text[found.end()..].chars().next().map_or(1, char::len_utf8);
                if last_end == Some(found.end()) {
                    continue;
                }
            }
            out.push_str(&text[copied..found.start()]);
            self.write(text, places, out);
            (copied, last_end) = (found.end(), Some(found.end()));
            if !compiled.global {
                break;
            }
        }
        out.push_str(&text[copied..]);
    }
}

/// `regexp_replace(text, pattern, replacement [, options])`.
pub(super) fn replace(args: &[Column], _: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    let (texts, patterns, replacements) = (Texts::of(&args[0])?, Texts::of(&args[1])?, Texts::of(&args[2])?);
    let options = optional_texts(args, 3)?;
    let mut expressions = Expressions::new(&patterns, options.as_ref());
    expressions.replaces = true;
    // What was made for the row before serves as long as expression and replacement stay.
    let mut made: Option<(Rc<Compiled>, String, Rewrite, CaptureLocations)> = None;
    texts_by_row(result_length(args, rows), |row, out| {
        let (Some(text), Some(replacement)) = (texts.get(row), replacements.get(row)) else { return Ok(false) };
        let Some(compiled) = expressions.get(row)? else { return Ok(false) };
        let serves = |(known, known_text, ..): &(Rc<Compiled>, String, Rewrite, CaptureLocations)| {
            Rc::ptr_eq(known, &compiled) && known_text == replacement
        };
        if !made.as_ref().is_some_and(serves) {
            let rewrite = Rewrite::read(replacement, compiled.regex.captures_len())?;
            let places = compiled.regex.capture_locations();
            made = Some((compiled.clone(), replacement.to_string(), rewrite, places));
        }
        if let Some((_, _, rewrite, places)) = &mut made {
            rewrite.replace(&compiled, text, places, out);
        }
        Ok(true)
    })
}

/// `regexp_extract(text, pattern [, group [, options]])`: empty if there is no match, or the group is not in it.
pub(super) fn extract(args: &[Column], types: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    let (texts, patterns) = (Texts::of(&args[0])?, Texts::of(&args[1])?);
    let with_group = types.get(2) == Some(&DataType::Integer);
    let groups = if with_group { Some(Numbers::<Int32Type>::of(&args[2])?) } else { None };
    let options = optional_texts(args, if with_group { 3 } else { 2 })?;
    let expressions = Expressions::new(&patterns, options.as_ref());
    let mut places: Option<(Rc<Compiled>, CaptureLocations)> = None;
    texts_by_row(result_length(args, rows), |row, out| {
        let group = match &groups {
            Some(groups) => groups.get(row),
            None => Some(0),
        };
        let Some(group) = group else { return Ok(true) };
        if !(0..=9).contains(&group) {
            return Err(invalid("Group index must be between 0 and 9!"));
        }
        let Some(text) = texts.get(row) else { return Ok(false) };
        let Some(compiled) = expressions.get(row)? else { return Ok(false) };
        if group == 0 {
            out.push_str(compiled.regex.find(text).map_or("", |found| found.as_str()));
            return Ok(true);
        }
        if !places.as_ref().is_some_and(|(known, _)| Rc::ptr_eq(known, &compiled)) {
            places = Some((compiled.clone(), compiled.regex.capture_locations()));
        }
        if let Some((_, places)) = &mut places
            && compiled.regex.captures_read(places, text).is_some()
            && let Some((start, end)) = places.get(group as usize)
        {
            out.push_str(&text[start..end]);
        }
        Ok(true)
    })
}

/// `regexp_count(text, pattern)`.
pub(super) fn count(args: &[Column], _: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    let (texts, patterns) = (Texts::of(&args[0])?, Texts::of(&args[1])?);
    let expressions = Expressions::new(&patterns, None);
    numbers_by_row::<Int64Type>(result_length(args, rows), |row| {
        let Some(text) = texts.get(row) else { return Ok(None) };
        Ok(expressions.get(row)?.map(|compiled| compiled.regex.find_iter(text).count() as i64))
    })
}

/// `regexp_position(text, pattern)`: where the first match begins, counted in characters from 1; -1 if there is none.
pub(super) fn position(args: &[Column], _: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    let (texts, patterns) = (Texts::of(&args[0])?, Texts::of(&args[1])?);
    let expressions = Expressions::new(&patterns, None);
    numbers_by_row::<Int64Type>(result_length(args, rows), |row| {
        let Some(text) = texts.get(row) else { return Ok(None) };
        let found = |compiled: Rc<Compiled>| {
            let found = compiled.regex.find(text);
            found.map_or(-1, |found| text[..found.start()].chars().count() as i64 + 1)
        };
        Ok(expressions.get(row)?.map(found))
    })
}

/// `regexp_escape(text)`: a backslash before every ASCII character that is no letter, digit or `_`.
pub(super) fn escape(args: &[Column], _: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    let texts = Texts::of(&args[0])?;
    texts_by_row(result_length(args, rows), |row, out| {
        let Some(text) = texts.get(row) else { return Ok(false) };
        for c in text.chars() {
            match c {
                '\0' => out.push_str("\\x00"),
                c => {
                    if c.is_ascii() && !c.is_ascii_alphanumeric() && c != '_' {
                        out.push('\\');
                    }
                    out.push(c);
                }
            }
        }
        Ok(true)
    })
}
