//! Functions that rewrite texts character by character: case, accents, normal forms, replacement tables.

use super::RowError;
use super::columns::{Numbers, Rows, Texts, result_length, texts_by_row};
use super::text::{byte_offset, count_characters};
use crate::journal::{ErrorCode, TaskError};
use crate::sql::DataType;
use polars::prelude::{Column, Int64Type};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::{decompose_canonical, is_combining_mark};

fn rewrite(args: &[Column], rows: usize, f: impl Fn(&str, &mut String)) -> Result<Column, RowError> {
    let texts = Texts::of(&args[0])?;
    texts_by_row(result_length(args, rows), |row, out| {
        let Some(text) = texts.get(row) else { return Ok(false) };
        f(text, out);
        Ok(true)
    })
}

/// The small letter: one character for one, as DuckDB has it.
pub(super) fn small(c: char) -> char {
    c.to_lowercase().next().unwrap_or(c)
}

/// The capital letter: one character for one, as DuckDB has it.
fn capital(c: char) -> char {
    let mut capitals = c.to_uppercase();
    match (capitals.next(), capitals.next(), c) {
        (Some(only), None, _) => only,
        (_, _, 'ß') => 'ẞ',
        // Greek vowels with an iota below: the capital is one letter, though it is written as two.
        (_, _, '\u{1f80}'..='\u{1faf}') => char::from_u32(c as u32 | 8).unwrap_or(c),
        (_, _, '\u{1fb3}' | '\u{1fc3}' | '\u{1ff3}') => char::from_u32(c as u32 + 9).unwrap_or(c),
        _ => c,
    }
}

/// `lower(text)`.
pub(super) fn lower(args: &[Column], _: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    rewrite(args, rows, push_lower)
}

/// Appends the text in small letters.
pub(super) fn push_lower(text: &str, out: &mut String) {
    if text.is_ascii() {
        let start = out.len();
        out.push_str(text);
        out[start..].make_ascii_lowercase();
    } else {
        out.extend(text.chars().map(small));
    }
}

/// `upper(text)`.
pub(super) fn upper(args: &[Column], _: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    rewrite(args, rows, |text, out| {
        if text.is_ascii() {
            out.push_str(text);
            out.make_ascii_uppercase();
        } else {
            out.extend(text.chars().map(capital));
        }
    })
}

/// `initcap(text)`: every word begins with a capital, and goes on in small letters.
pub(super) fn title(args: &[Column], _: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    rewrite(args, rows, |text, out| {
        let mut in_word = false;
        for c in text.chars() {
            out.push(if in_word { small(c) } else { capital(c) });
            in_word = c.is_alphanumeric();
        }
    })
}

/// `nfc_normalize(text)`.
pub(super) fn compose(args: &[Column], _: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    rewrite(args, rows, |text, out| if text.is_ascii() { out.push_str(text) } else { out.extend(text.nfc()) })
}

/// `normalize(text [, form])`.
pub(super) fn normalize(args: &[Column], _: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    let texts = Texts::of(&args[0])?;
    let forms = args.get(1).map(Texts::of).transpose()?;
    texts_by_row(result_length(args, rows), |row, out| {
        let form = match &forms {
            Some(forms) => forms.get(row),
            None => Some("NFC"),
        };
        let (Some(text), Some(form)) = (texts.get(row), form) else { return Ok(false) };
        match form.to_ascii_uppercase().as_str() {
            "NFC" => out.extend(text.nfc()),
            "NFD" => out.extend(text.nfd()),
            "NFKC" => out.extend(text.nfkc()),
            "NFKD" => out.extend(text.nfkd()),
            _ => {
                let message = format!("a text has the normal forms NFC, NFD, NFKC and NFKD, not '{form}'");
                return Err(TaskError::user(ErrorCode::InvalidArguments, message));
            }
        }
        Ok(true)
    })
}

/// `strip_accents(text)`.
pub(super) fn strip_accents(args: &[Column], _: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    rewrite(args, rows, |text, out| {
        if text.is_ascii() {
            out.push_str(text);
            return;
        }
        for c in text.chars() {
            if matches!(c, '\u{ac00}'..='\u{d7a3}') {
                // Hangul syllables come apart into letters, none of which is an accent.
                out.push(c);
                continue;
            }
            decompose_canonical(c, |part| {
                if !is_combining_mark(part) {
                    out.push(part);
                }
            });
        }
    })
}

/// `translate(text, from, to)`: each character of `from` becomes the one at its place in `to`, or goes.
pub(super) fn translate(args: &[Column], _: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    let (texts, from, to) = (Texts::of(&args[0])?, Texts::of(&args[1])?, Texts::of(&args[2])?);
    texts_by_row(result_length(args, rows), |row, out| {
        let (Some(text), Some(from), Some(to)) = (texts.get(row), from.get(row), to.get(row)) else {
            return Ok(false);
        };
        out.extend(text.chars().filter_map(|c| match from.chars().position(|known| known == c) {
            Some(at) => to.chars().nth(at),
            None => Some(c),
        }));
        Ok(true)
    })
}

/// `overlay(text, new, start [, length])`: as many characters as `new` has, or `length`, give way to it.
pub(super) fn overlay(args: &[Column], _: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    let (texts, news) = (Texts::of(&args[0])?, Texts::of(&args[1])?);
    let starts = Numbers::<Int64Type>::of(&args[2])?;
    let lengths = args.get(3).map(Numbers::<Int64Type>::of).transpose()?;
    texts_by_row(result_length(args, rows), |row, out| {
        let (Some(text), Some(new), Some(start)) = (texts.get(row), news.get(row), starts.get(row)) else {
            return Ok(false);
        };
        let length = match &lengths {
            Some(lengths) => lengths.get(row),
            None => Some(-1),
        };
        let Some(length) = length else { return Ok(false) };
        let length = if length < 0 { count_characters(new) } else { length };
        // A start before the first character takes up some of the length.
        let start = start.saturating_sub(1);
        out.push_str(&text[..byte_offset(text, start)]);
        out.push_str(new);
        out.push_str(&text[byte_offset(text, start.saturating_add(length))..]);
        Ok(true)
    })
}
