//! Functions of text. Positions and lengths count characters.

use super::columns::{
    Bytes, Numbers, Rows, Texts, blobs_by_row, booleans_by_row, numbers_by_row, numbers_of_texts, out_of_range,
    result_length, texts_by_row, texts_from, truths_of_texts,
};
use super::nested::{ListPicker, Lists};
use super::{RowError, Signature};
use crate::journal::{ErrorCode, TaskError};
use crate::sql::DataType;
use memchr::memmem;
use polars::prelude::{Column, IdxSize, Int32Type, Int64Type};

/// The longest text that `repeat`, `lpad` and `rpad` make, in bytes.
const LONGEST: usize = 1 << 30;

/// `a || b`: both become text.
pub(super) fn joining(args: &[DataType]) -> Option<Signature> {
    match args {
        [DataType::Blob, DataType::Blob] => Some(Signature { args: args.to_vec(), result: DataType::Blob }),
        [_, _] if !args.iter().any(|t| matches!(t, DataType::List(_))) => Some(all_text(args)),
        _ => None,
    }
}

/// `concat(...)`: one argument or more, of any type.
pub(super) fn concat_typing(args: &[DataType]) -> Option<Signature> {
    (!args.is_empty()).then(|| all_text(args))
}

/// `concat_ws(separator, ...)`.
pub(super) fn concat_ws_typing(args: &[DataType]) -> Option<Signature> {
    let is_text = matches!(args.first(), Some(DataType::Varchar | DataType::Json | DataType::Null));
    (is_text && args.len() >= 2).then(|| all_text(args))
}

fn all_text(args: &[DataType]) -> Signature {
    Signature { args: vec![DataType::Varchar; args.len()], result: DataType::Varchar }
}

fn texts_of(args: &[Column]) -> Result<Vec<Texts>, TaskError> {
    args.iter().map(Texts::of).collect()
}

/// `||`: NULL if either is.
pub(super) fn join(args: &[Column], _: &[DataType], result: &DataType, rows: usize) -> Result<Column, RowError> {
    if *result == DataType::Blob {
        let (a, b) = (Bytes::of(&args[0])?, Bytes::of(&args[1])?);
        return blobs_by_row(result_length(args, rows), |row, out| {
            let (Some(a), Some(b)) = (a.get(row), b.get(row)) else { return Ok(false) };
            out.extend_from_slice(a);
            out.extend_from_slice(b);
            Ok(true)
        });
    }
    let (a, b) = (Texts::of(&args[0])?, Texts::of(&args[1])?);
    texts_by_row(result_length(args, rows), |row, out| {
        let (Some(a), Some(b)) = (a.get(row), b.get(row)) else { return Ok(false) };
        out.push_str(a);
        out.push_str(b);
        Ok(true)
    })
}

/// `concat(...)`: NULLs are left out.
pub(super) fn concat(args: &[Column], _: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    let texts = texts_of(args)?;
    texts_by_row(result_length(args, rows), |row, out| {
        out.extend(texts.iter().filter_map(|text| text.get(row)));
        Ok(true)
    })
}

/// `concat_ws(separator, ...)`: NULLs are left out, a NULL separator makes NULL.
pub(super) fn concat_with_separator(
    args: &[Column],
    _: &[DataType],
    _: &DataType,
    rows: usize,
) -> Result<Column, RowError> {
    let texts = texts_of(args)?;
    let (separators, parts) = texts.split_at(1);
    texts_by_row(result_length(args, rows), |row, out| {
        let Some(separator) = separators[0].get(row) else { return Ok(false) };
        for (i, part) in parts.iter().filter_map(|part| part.get(row)).enumerate() {
            if i > 0 {
                out.push_str(separator);
            }
            out.push_str(part);
        }
        Ok(true)
    })
}

/// `length(text)`, in characters.
pub(super) fn length(args: &[Column], _: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    let texts = Texts::of(&args[0])?;
    Ok(numbers_of_texts::<Int64Type>(&texts, result_length(args, rows), |text| text.chars().count() as i64))
}

/// `strlen(text)`, in bytes.
pub(super) fn byte_length(args: &[Column], _: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    let texts = Texts::of(&args[0])?;
    Ok(numbers_of_texts::<Int64Type>(&texts, result_length(args, rows), |text| text.len() as i64))
}

/// `ascii(text)`: 0 for the empty text.
pub(super) fn first_code_point(args: &[Column], _: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    first_code(args, rows, 0)
}

/// `unicode(text)`: -1 for the empty text.
pub(super) fn code_point(args: &[Column], _: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    first_code(args, rows, -1)
}

fn first_code(args: &[Column], rows: usize, of_nothing: i32) -> Result<Column, RowError> {
    let texts = Texts::of(&args[0])?;
    let first = |text: &str| text.chars().next().map_or(of_nothing, |c| c as i32);
    Ok(numbers_of_texts::<Int32Type>(&texts, result_length(args, rows), first))
}

/// `chr(code)`.
pub(super) fn character(args: &[Column], _: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    let codes = Numbers::<Int32Type>::of(&args[0])?;
    texts_by_row(result_length(args, rows), |row, out| {
        let Some(code) = codes.get(row) else { return Ok(false) };
        let character = u32::try_from(code).ok().and_then(char::from_u32);
        out.push(character.ok_or_else(|| out_of_range(format!("Invalid UTF8 Codepoint {code}")))?);
        Ok(true)
    })
}

/// Which ends `trim` works on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ends {
    Left,
    Right,
    Both,
}

/// `trim(text [, characters])`.
pub(super) fn trim(args: &[Column], _: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    trim_ends(Ends::Both, args, rows)
}

/// `ltrim(text [, characters])`.
pub(super) fn trim_left(args: &[Column], _: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    trim_ends(Ends::Left, args, rows)
}

/// `rtrim(text [, characters])`.
pub(super) fn trim_right(args: &[Column], _: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    trim_ends(Ends::Right, args, rows)
}

fn trim_ends(ends: Ends, args: &[Column], rows: usize) -> Result<Column, RowError> {
    let texts = Texts::of(&args[0])?;
    let unwanted = args.get(1).map(Texts::of).transpose()?;
    Ok(texts_from(result_length(args, rows), |row| {
        let text = texts.get(row)?;
        let unwanted = match &unwanted {
            Some(unwanted) => unwanted.get(row)?,
            None => " ",
        };
        let out = |c: char| unwanted.contains(c);
        Some(match ends {
            Ends::Left => text.trim_start_matches(out),
            Ends::Right => text.trim_end_matches(out),
            Ends::Both => text.trim_matches(out),
        })
    }))
}

/// The characters from `start` up to `end` (counted from 0, not included) of a text.
fn characters_between(text: &str, start: i64, end: i64) -> &str {
    let (start, end) = (start.max(0) as usize, end.max(0) as usize);
    if start >= end {
        return "";
    }
    if text.is_ascii() {
        return &text[start.min(text.len())..end.min(text.len())];
    }
    let offset = |index: usize| text.char_indices().nth(index).map_or(text.len(), |(at, _)| at);
    let begin = offset(start);
    let rest = &text[begin..];
    let length = rest.char_indices().nth(end - start).map_or(rest.len(), |(at, _)| at);
    &rest[..length]
}

/// Where in the text the character `index` (counted from 0) begins; the end if there are fewer.
pub(super) fn byte_offset(text: &str, index: i64) -> usize {
    let index = index.max(0) as usize;
    if text.is_ascii() {
        return index.min(text.len());
    }
    text.char_indices().nth(index).map_or(text.len(), |(at, _)| at)
}

/// What `substring` takes, from and to, counted from 0: a negative start counts from the end, a negative length goes to
/// the left. `count` says how many there are.
pub(super) fn range_of(start: i64, length: i64, count: impl Fn() -> i64) -> (i64, i64) {
    // Positions count from 1, so 0 lies before the first one.
    let start = if start < 0 { count().saturating_add(start) } else { start - 1 };
    match length {
        ..0 => (start.saturating_add(length), start),
        _ => (start, start.saturating_add(length)),
    }
}

pub(super) fn count_characters(text: &str) -> i64 {
    if text.is_ascii() { text.len() as i64 } else { text.chars().count() as i64 }
}

/// `substr(text, start [, length])`: a negative start counts from the end, a negative length goes to the left.
pub(super) fn substring(args: &[Column], _: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    let (texts, starts) = (Texts::of(&args[0])?, Numbers::<Int64Type>::of(&args[1])?);
    let lengths = args.get(2).map(Numbers::<Int64Type>::of).transpose()?;
    Ok(texts_from(result_length(args, rows), |row| {
        let (text, start) = (texts.get(row)?, starts.get(row)?);
        let length = match &lengths {
            Some(lengths) => lengths.get(row)?,
            None => i64::MAX,
        };
        let (start, end) = range_of(start, length, || count_characters(text));
        Some(characters_between(text, start, end))
    }))
}

/// `left(text, n)`.
pub(super) fn left(args: &[Column], _: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    let (texts, counts) = (Texts::of(&args[0])?, Numbers::<Int64Type>::of(&args[1])?);
    Ok(texts_from(result_length(args, rows), |row| {
        let (text, count) = (texts.get(row)?, counts.get(row)?);
        let end = if count < 0 { count_characters(text).saturating_add(count) } else { count };
        Some(characters_between(text, 0, end))
    }))
}

/// `right(text, n)`.
pub(super) fn right(args: &[Column], _: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    let (texts, counts) = (Texts::of(&args[0])?, Numbers::<Int64Type>::of(&args[1])?);
    Ok(texts_from(result_length(args, rows), |row| {
        let (text, count) = (texts.get(row)?, counts.get(row)?);
        let start = if count < 0 { count.saturating_neg() } else { count_characters(text) - count };
        Some(characters_between(text, start, i64::MAX))
    }))
}

/// `lpad(text, length, filling)`.
pub(super) fn pad_left(args: &[Column], _: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    pad(args, rows, true)
}

/// `rpad(text, length, filling)`.
pub(super) fn pad_right(args: &[Column], _: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    pad(args, rows, false)
}

fn pad(args: &[Column], rows: usize, on_left: bool) -> Result<Column, RowError> {
    let (texts, lengths, fillings) = (Texts::of(&args[0])?, Numbers::<Int32Type>::of(&args[1])?, Texts::of(&args[2])?);
    let name = if on_left { "lpad" } else { "rpad" };
    texts_by_row(result_length(args, rows), |row, out| {
        let (Some(text), Some(length), Some(filling)) = (texts.get(row), lengths.get(row), fillings.get(row)) else {
            return Ok(false);
        };
        let missing = i64::from(length) - count_characters(text);
        if missing <= 0 {
            out.push_str(characters_between(text, 0, length.into()));
            return Ok(true);
        }
        if filling.is_empty() {
            return Err(TaskError::user(ErrorCode::InvalidArguments, format!("{name} has nothing to fill with")));
        }
        too_long(missing as usize, 4, name)?;
        if !on_left {
            out.push_str(text);
        }
        out.extend(filling.chars().cycle().take(missing as usize));
        if on_left {
            out.push_str(text);
        }
        Ok(true)
    })
}

/// An error where a text of `count` times `size` bytes would be made that is too long for any use.
fn too_long(count: usize, size: usize, function: &str) -> Result<(), TaskError> {
    match count.checked_mul(size) {
        Some(bytes) if bytes <= LONGEST => Ok(()),
        _ => Err(out_of_range(format!("{function} would make a text of more than 1 GiB"))),
    }
}

/// `repeat(text, n)`: nothing for a negative number.
pub(super) fn repeat(args: &[Column], types: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    let counts = Numbers::<Int64Type>::of(&args[1])?;
    match &types[0] {
        DataType::List(item) => return repeat_lists(args, item, &counts, rows),
        DataType::Blob => {
            let blobs = Bytes::of(&args[0])?;
            return blobs_by_row(result_length(args, rows), |row, out| {
                let (Some(blob), Some(count)) = (blobs.get(row), counts.get(row)) else { return Ok(false) };
                let count = count.max(0) as usize;
                too_long(count, blob.len(), "repeat")?;
                *out = blob.repeat(if blob.is_empty() { 0 } else { count });
                Ok(true)
            });
        }
        _ => {}
    }
    let texts = Texts::of(&args[0])?;
    texts_by_row(result_length(args, rows), |row, out| {
        let (Some(text), Some(count)) = (texts.get(row), counts.get(row)) else { return Ok(false) };
        let count = count.max(0) as usize;
        too_long(count, text.len(), "repeat")?;
        if !text.is_empty() {
            out.extend(std::iter::repeat_n(text, count));
        }
        Ok(true)
    })
}

fn repeat_lists(
    args: &[Column],
    item: &DataType,
    counts: &Numbers<Int64Type>,
    rows: usize,
) -> Result<Column, RowError> {
    let length = result_length(args, rows);
    let lists = Lists::of(&args[0], item)?;
    let mut picker = ListPicker::with_capacity(length);
    for row in 0..length {
        match (lists.get(row), counts.get(row)) {
            (Some(range), Some(count)) => {
                let count = if range.is_empty() { 0 } else { count.max(0) as usize };
                too_long(count, range.len(), "repeat").map_err(|error| RowError { row: Some(row), error })?;
                picker.push((0..count).flat_map(|_| range.clone()).map(|i| i as IdxSize));
            }
            _ => picker.push_null(),
        }
    }
    Ok(picker.finish(lists.items())?)
}

/// `repeat`: texts, blobs and lists.
pub(super) fn repeat_typing(args: &[DataType]) -> Option<Signature> {
    let [of, count] = args else { return None };
    let of = match of {
        DataType::List(_) | DataType::Blob => of.clone(),
        DataType::Varchar | DataType::Json | DataType::Null => DataType::Varchar,
        _ => return None,
    };
    let fits = super::typing::can_cast_implicitly(count, &DataType::BigInt);
    fits.then(|| Signature { args: vec![of.clone(), DataType::BigInt], result: of })
}

/// `replace(text, from, to)`: an empty `from` changes nothing.
pub(super) fn replace(args: &[Column], _: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    let texts = texts_of(args)?;
    texts_by_row(result_length(args, rows), |row, out| {
        let (Some(text), Some(from), Some(to)) = (texts[0].get(row), texts[1].get(row), texts[2].get(row)) else {
            return Ok(false);
        };
        if from.is_empty() {
            out.push_str(text);
        } else {
            out.push_str(&text.replace(from, to));
        }
        Ok(true)
    })
}

fn test_pair(args: &[Column], rows: usize, f: impl Fn(&str, &str) -> bool) -> Result<Column, RowError> {
    let (a, b) = (Texts::of(&args[0])?, Texts::of(&args[1])?);
    Ok(booleans_by_row(result_length(args, rows), |row| Some(f(a.get(row)?, b.get(row)?))))
}

/// `starts_with(text, beginning)`.
pub(super) fn starts_with(args: &[Column], _: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    test_pair(args, rows, |text, part| text.starts_with(part))
}

/// `ends_with(text, ending)`.
pub(super) fn ends_with(args: &[Column], _: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    test_pair(args, rows, |text, part| text.ends_with(part))
}

/// `contains(text, part)`.
pub(super) fn contains(args: &[Column], _: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    let parts = Texts::of(&args[1])?;
    if let Some(Some(part)) = parts.constant() {
        let finder = memmem::Finder::new(part.as_bytes());
        let texts = Texts::of(&args[0])?;
        let length = result_length(args, rows);
        return Ok(truths_of_texts(&texts, length, |text| finder.find(text.as_bytes()).is_some()));
    }
    test_pair(args, rows, |text, part| text.contains(part))
}

/// `strpos(text, part)`.
pub(super) fn position(args: &[Column], _: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    let (texts, parts) = (Texts::of(&args[0])?, Texts::of(&args[1])?);
    numbers_by_row::<Int64Type>(result_length(args, rows), |row| {
        let (Some(text), Some(part)) = (texts.get(row), parts.get(row)) else { return Ok(None) };
        Ok(Some(text.find(part).map_or(0, |at| count_characters(&text[..at]) + 1)))
    })
}

/// `split_part(text, separator, n)`: empty where there is no such part.
pub(super) fn split_part(args: &[Column], _: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    let (texts, separators) = (Texts::of(&args[0])?, Texts::of(&args[1])?);
    let indexes = Numbers::<Int64Type>::of(&args[2])?;
    Ok(texts_from(result_length(args, rows), |row| {
        let (text, separator, index) = (texts.get(row)?, separators.get(row)?, indexes.get(row)?);
        if separator.is_empty() {
            // Every character is a part of its own.
            let count = count_characters(text);
            let at = if index < 0 { count + index } else { index - 1 };
            return Some(if at < 0 { "" } else { characters_between(text, at, at.saturating_add(1)) });
        }
        let nth = index.unsigned_abs().saturating_sub(1) as usize;
        Some(match index {
            0 => "",
            1.. => text.split(separator).nth(nth).unwrap_or(""),
            _ => text.rsplit(separator).nth(nth).unwrap_or(""),
        })
    }))
}
