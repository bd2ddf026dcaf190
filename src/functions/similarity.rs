//! How far apart two texts are. As in DuckDB the distances count bytes for ASCII and characters for everything else.

use super::RowError;
use super::columns::{Numbers, Rows, Texts, numbers_by_row, result_length, texts_by_row};
use crate::journal::{ErrorCode, TaskError};
use crate::sql::DataType;
use polars::prelude::{Column, Float64Type, Int64Type};

fn invalid(message: &str) -> TaskError {
    TaskError::user(ErrorCode::InvalidArguments, message)
}

fn distances(
    args: &[Column],
    rows: usize,
    f: impl Fn(&str, &str) -> Result<usize, TaskError>,
) -> Result<Column, RowError> {
    let (a, b) = (Texts::of(&args[0])?, Texts::of(&args[1])?);
    numbers_by_row::<Int64Type>(result_length(args, rows), |row| {
        let (Some(a), Some(b)) = (a.get(row), b.get(row)) else { return Ok(None) };
        f(a, b).map(|distance| Some(distance as i64))
    })
}

/// `levenshtein(a, b)`.
pub(super) fn levenshtein(args: &[Column], _: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    distances(args, rows, |a, b| Ok(strsim::levenshtein(a, b)))
}

/// `damerau_levenshtein(a, b)`.
pub(super) fn damerau_levenshtein(
    args: &[Column],
    _: &[DataType],
    _: &DataType,
    rows: usize,
) -> Result<Column, RowError> {
    distances(args, rows, |a, b| Ok(strsim::damerau_levenshtein(a, b)))
}

/// `hamming(a, b)`.
pub(super) fn hamming(args: &[Column], _: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    distances(args, rows, |a, b| {
        if a.chars().count() != b.chars().count() {
            return Err(invalid("Mismatch Function: Strings must be of equal length!"));
        }
        if a.is_empty() {
            return Err(invalid("Mismatch Function: Strings must be of length > 0!"));
        }
        Ok(a.chars().zip(b.chars()).filter(|(a, b)| a != b).count())
    })
}

fn similarities(
    args: &[Column],
    rows: usize,
    f: impl Fn(&str, &str) -> Result<f64, TaskError>,
) -> Result<Column, RowError> {
    let (a, b) = (Texts::of(&args[0])?, Texts::of(&args[1])?);
    let least = args.get(2).map(Numbers::<Float64Type>::of).transpose()?;
    numbers_by_row::<Float64Type>(result_length(args, rows), |row| {
        let least = match &least {
            Some(least) => least.get(row),
            None => Some(0.0),
        };
        let (Some(a), Some(b), Some(least)) = (a.get(row), b.get(row), least) else { return Ok(None) };
        let similarity = f(a, b)?;
        Ok(Some(if similarity < least { 0.0 } else { similarity }))
    })
}

/// `jaccard(a, b)`: how many of the different characters of both are in each.
pub(super) fn jaccard(args: &[Column], _: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    let characters = |text: &str| -> std::collections::BTreeSet<char> { text.chars().collect() };
    similarities(args, rows, |a, b| {
        if a.is_empty() || b.is_empty() {
            return Err(invalid("Jaccard Function: An argument too short!"));
        }
        let (a, b) = (characters(a), characters(b));
        let common = a.intersection(&b).count();
        Ok(common as f64 / (a.len() + b.len() - common) as f64)
    })
}

/// `jaro_similarity(a, b [, least])`.
pub(super) fn jaro(args: &[Column], _: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    similarities(args, rows, |a, b| Ok(if a.is_empty() && b.is_empty() { 0.0 } else { strsim::jaro(a, b) }))
}

/// `jaro_winkler_similarity(a, b [, least])`.
pub(super) fn jaro_winkler(args: &[Column], _: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    similarities(args, rows, |a, b| {
        if a.is_empty() && b.is_empty() {
            return Ok(0.0);
        }
        let similarity = strsim::jaro(a, b);
        // Up to four equal characters at the beginning count, if the rest is alike enough.
        let beginning = a.chars().zip(b.chars()).take(4).take_while(|(a, b)| a == b).count();
        Ok(if similarity > 0.7 { similarity + 0.1 * beginning as f64 * (1.0 - similarity) } else { similarity })
    })
}

/// `soundex(text)`: a letter and three digits that English names of the same sound share.
pub(super) fn soundex(args: &[Column], _: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    let code = |c: char| match c {
        'B' | 'F' | 'P' | 'V' => Some('1'),
        'C' | 'G' | 'J' | 'K' | 'Q' | 'S' | 'X' | 'Z' => Some('2'),
        'D' | 'T' => Some('3'),
        'L' => Some('4'),
        'M' | 'N' => Some('5'),
        'R' => Some('6'),
        _ => None,
    };
    let texts = Texts::of(&args[0])?;
    texts_by_row(result_length(args, rows), |row, out| {
        let Some(text) = texts.get(row) else { return Ok(false) };
        let mut letters = text.chars().filter(char::is_ascii_alphabetic).map(|c| c.to_ascii_uppercase());
        let Some(first) = letters.next() else { return Ok(true) };
        out.push(first);
        let mut last = code(first);
        for letter in letters {
            let sound = code(letter);
            if let Some(digit) = sound.filter(|_| sound != last) {
                out.push(digit);
            }
            // H and W do not part two letters of the same sound, vowels do.
            if !matches!(letter, 'H' | 'W') {
                last = sound;
            }
            if out.len() == 4 {
                return Ok(true);
            }
        }
        out.extend(std::iter::repeat_n('0', 4 - out.len()));
        Ok(true)
    })
}
