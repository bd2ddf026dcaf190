//! What people call one character: a base with its combining marks, an emoji with its modifiers, a flag, a Hangul syllable.
//!
//! Source: Unicode Standard Annex 29, extended grapheme clusters; of the rules for Indic conjuncts and prepended marks nothing
//! is kept.

use super::RowError;
use super::columns::{Numbers, Rows, Texts, numbers_of_texts, result_length, texts_by_row, texts_from};
use crate::sql::DataType;
use polars::prelude::{Column, Int64Type};
use unicode_normalization::char::is_combining_mark;

const JOINER: char = '\u{200d}';

fn extends(c: char) -> bool {
    matches!(c, JOINER | '\u{200c}' | '\u{1f3fb}'..='\u{1f3ff}' | '\u{e0020}'..='\u{e007f}' | '\u{ff9e}' | '\u{ff9f}')
        || is_combining_mark(c)
}

fn is_pictograph(c: char) -> bool {
    matches!(c, '©' | '®' | '\u{203c}' | '\u{2049}' | '\u{2122}' | '\u{2139}' | '\u{2190}'..='\u{2bff}' | '\u{3030}'
        | '\u{303d}' | '\u{3297}' | '\u{3299}' | '\u{1f000}'..='\u{1f1e5}' | '\u{1f200}'..='\u{1f3fa}'
        | '\u{1f400}'..='\u{1faff}')
}

fn is_regional(c: char) -> bool {
    matches!(c, '\u{1f1e6}'..='\u{1f1ff}')
}

/// The parts of a Hangul syllable: leading consonant, vowel, trailing consonant, whole syllables without and with the last.
#[derive(PartialEq, Eq)]
enum Hangul {
    Leading,
    Vowel,
    Trailing,
    Open,
    Closed,
}

fn hangul(c: char) -> Option<Hangul> {
    Some(match c {
        '\u{1100}'..='\u{115f}' | '\u{a960}'..='\u{a97c}' => Hangul::Leading,
        '\u{1160}'..='\u{11a7}' | '\u{d7b0}'..='\u{d7c6}' => Hangul::Vowel,
        '\u{11a8}'..='\u{11ff}' | '\u{d7cb}'..='\u{d7fb}' => Hangul::Trailing,
        '\u{ac00}'..='\u{d7a3}' if (c as u32 - 0xac00).is_multiple_of(28) => Hangul::Open,
        '\u{ac00}'..='\u{d7a3}' => Hangul::Closed,
        _ => return None,
    })
}

/// The bytes of the first grapheme of a text that is not empty.
fn first_length(text: &str) -> usize {
    let mut characters = text.char_indices();
    let Some((_, mut last)) = characters.next() else { return 0 };
    if last == '\r' && text[1..].starts_with('\n') {
        return 2;
    }
    if last.is_control() {
        return last.len_utf8();
    }
    // Whether the cluster is a pictograph so far, and how many halves of a flag it has.
    let mut pictograph = is_pictograph(last);
    let mut halves = u32::from(is_regional(last));
    for (at, c) in characters {
        let joined = last == JOINER && pictograph && is_pictograph(c);
        let flag = is_regional(c) && is_regional(last) && halves == 1;
        let syllable = match (hangul(last), hangul(c)) {
            (Some(Hangul::Leading), Some(next)) => next != Hangul::Trailing,
            (Some(Hangul::Vowel | Hangul::Open), Some(next)) => matches!(next, Hangul::Vowel | Hangul::Trailing),
            (Some(Hangul::Trailing | Hangul::Closed), Some(next)) => next == Hangul::Trailing,
            _ => false,
        };
        if !extends(c) && !joined && !flag && !syllable {
            return at;
        }
        pictograph |= is_pictograph(c);
        halves += u32::from(is_regional(c));
        last = c;
    }
    text.len()
}

/// The graphemes of a text, in order.
pub(super) fn graphemes(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (first, behind) = rest.split_at(first_length(rest));
        rest = behind;
        Some(first)
    })
}

/// `reverse(text)`: combined characters stay together.
pub(super) fn reverse(args: &[Column], _: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    let texts = Texts::of(&args[0])?;
    texts_by_row(result_length(args, rows), |row, out| {
        let Some(text) = texts.get(row) else { return Ok(false) };
        if text.is_ascii() {
            out.extend(text.chars().rev());
        } else {
            out.extend(graphemes(text).collect::<Vec<_>>().iter().rev().copied());
        }
        Ok(true)
    })
}

/// `length_grapheme(text)`.
pub(super) fn length(args: &[Column], _: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    let texts = Texts::of(&args[0])?;
    Ok(numbers_of_texts::<Int64Type>(&texts, result_length(args, rows), |text| graphemes(text).count() as i64))
}

/// The graphemes from `start` up to `end`, counted from 0, `end` not included.
fn between(text: &str, start: i64, end: i64) -> &str {
    let offset = |index: i64| graphemes(text).take(index.max(0) as usize).map(str::len).sum::<usize>();
    if start.max(0) >= end {
        return "";
    }
    &text[offset(start)..offset(end)]
}

/// `left_grapheme(text, n)`.
pub(super) fn left(args: &[Column], _: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    let (texts, counts) = (Texts::of(&args[0])?, Numbers::<Int64Type>::of(&args[1])?);
    Ok(texts_from(result_length(args, rows), |row| {
        let (text, count) = (texts.get(row)?, counts.get(row)?);
        let end = if count < 0 { (graphemes(text).count() as i64).saturating_add(count) } else { count };
        Some(between(text, 0, end))
    }))
}

/// `right_grapheme(text, n)`.
pub(super) fn right(args: &[Column], _: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    let (texts, counts) = (Texts::of(&args[0])?, Numbers::<Int64Type>::of(&args[1])?);
    Ok(texts_from(result_length(args, rows), |row| {
        let (text, count) = (texts.get(row)?, counts.get(row)?);
        let all = graphemes(text).count() as i64;
        let start = if count < 0 { count.saturating_neg() } else { all.saturating_sub(count) };
        Some(between(text, start, all))
    }))
}

/// `substring_grapheme(text, start [, length])`, with positions as `substring` has them.
pub(super) fn substring(args: &[Column], _: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    let (texts, starts) = (Texts::of(&args[0])?, Numbers::<Int64Type>::of(&args[1])?);
    let lengths = args.get(2).map(Numbers::<Int64Type>::of).transpose()?;
    Ok(texts_from(result_length(args, rows), |row| {
        let (text, start) = (texts.get(row)?, starts.get(row)?);
        let length = match &lengths {
            Some(lengths) => lengths.get(row)?,
            None => i64::MAX,
        };
        let (start, end) = super::text::range_of(start, length, || graphemes(text).count() as i64);
        Some(between(text, start, end))
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_belongs_together_stays_together() {
        for (text, count) in [
            ("", 0),
            ("abc", 3),
            ("e\u{301}a", 2),
            ("🤦🏼\u{200d}♂\u{fe0f}🤦🏽\u{200d}♀\u{fe0f}", 2),
            ("👨\u{200d}👩\u{200d}👧x", 2),
            ("🇩🇪🇫🇷🇪", 3),
            ("한국", 2),
            ("\u{1112}\u{1161}\u{11ab}a", 2),
            ("\r\n\n", 2),
            ("a\u{200d}b", 2),
        ] {
            assert_eq!(graphemes(text).count(), count, "{text:?}");
            assert_eq!(graphemes(text).collect::<String>(), text);
        }
    }
}
