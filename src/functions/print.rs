//! `format` and `printf`: texts with places for values.
//!
//! Both read a place into a [`Place`]; what a value looks like there follows the fmt library, which DuckDB uses for both.

use super::RowError;
use super::columns::{Booleans, Numbers, Rows, Texts, result_length, texts_by_row};
use crate::journal::{ErrorCode, TaskError};
use crate::sql::DataType;
use polars::prelude::{Column, Float64Type, Int128Type};
use std::fmt::Write;

fn invalid(message: impl Into<String>) -> TaskError {
    TaskError::user(ErrorCode::InvalidArguments, message)
}

/// Types of both: a text, and values as truth, whole number, DOUBLE or text.
pub(super) fn typing(args: &[DataType]) -> Option<super::Signature> {
    let (first, values) = args.split_first()?;
    if !matches!(first, DataType::Varchar | DataType::Json | DataType::Null) {
        return None;
    }
    let value = |t: &DataType| match t {
        DataType::Boolean => DataType::Boolean,
        t if t.is_integer() => DataType::HugeInt,
        t if t.is_numeric() => DataType::Double,
        _ => DataType::Varchar,
    };
    let args = std::iter::once(DataType::Varchar).chain(values.iter().map(value)).collect();
    Some(super::Signature { args, result: DataType::Varchar })
}

/// A value to be written.
enum Item<'a> {
    Truth(bool),
    Whole(i128),
    Float(f64),
    Text(&'a str),
}

/// How a value is to be written.
#[derive(Debug, Clone, Default)]
struct Place {
    /// Which value; None is the next one.
    index: Option<usize>,
    fill: Option<char>,
    /// `<`, `>` or `^`.
    align: Option<char>,
    /// `+` or a space.
    sign: Option<char>,
    alternate: bool,
    zeros: bool,
    width: usize,
    precision: Option<usize>,
    /// What stands between groups of three digits.
    thousands: Option<char>,
    /// The letter of the form; None for the usual one.
    form: Option<char>,
}

/// A piece of the format: text, or a place.
enum Piece {
    Text(String),
    Place(Place),
}

/// A width or precision beyond which a format is a mistake.
const MOST: usize = 1_000_000;

/// Reads digits; None if there are none.
fn number(rest: &mut &str) -> Result<Option<usize>, TaskError> {
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    if end == 0 {
        return Ok(None);
    }
    let (digits, behind) = rest.split_at(end);
    *rest = behind;
    match digits.parse() {
        Ok(number) if number <= MOST => Ok(Some(number)),
        _ => Err(invalid("number is too big in format string")),
    }
}

fn take(rest: &mut &str, wanted: impl Fn(char) -> bool) -> Option<char> {
    let c = rest.chars().next().filter(|c| wanted(*c))?;
    *rest = &rest[c.len_utf8()..];
    Some(c)
}

/// Reads `{}` places.
fn read_braces(format: &str) -> Result<Vec<Piece>, TaskError> {
    let mut pieces = Vec::new();
    let mut text = String::new();
    let mut rest = format;
    let wrong = || invalid("invalid format string");
    while let Some(c) = take(&mut rest, |_| true) {
        match c {
            '{' if rest.starts_with('{') => {
                text.push('{');
                rest = &rest[1..];
            }
            '}' if rest.starts_with('}') => {
                text.push('}');
                rest = &rest[1..];
            }
            '}' => return Err(invalid("unmatched '}' in format string")),
            '{' => {
                pieces.push(Piece::Text(std::mem::take(&mut text)));
                let mut place = Place { index: number(&mut rest)?, ..Place::default() };
                if take(&mut rest, |c| c == ':').is_some() {
                    let mut ahead = rest.chars();
                    let (first, second) = (ahead.next(), ahead.next());
                    if let (Some(fill), Some('<' | '>' | '^')) = (first, second)
                        && fill != '{'
                    {
                        place.fill = Some(fill);
                        rest = &rest[fill.len_utf8()..];
                    }
                    place.align = take(&mut rest, |c| matches!(c, '<' | '>' | '^'));
                    place.sign = take(&mut rest, |c| matches!(c, '+' | '-' | ' ')).filter(|c| *c != '-');
                    place.alternate = take(&mut rest, |c| c == '#').is_some();
                    place.zeros = take(&mut rest, |c| c == '0').is_some();
                    place.width = number(&mut rest)?.unwrap_or(0);
                    if take(&mut rest, |c| c == '.').is_some() {
                        place.precision = Some(number(&mut rest)?.ok_or_else(wrong)?);
                    }
                    place.thousands = take(&mut rest, |c| matches!(c, ',' | '_' | '\''));
                    if place.thousands.is_none() && rest.starts_with('t') && rest[1..].starts_with(|c| c != '}') {
                        rest = &rest[1..];
                        place.thousands = take(&mut rest, |c| c != '}');
                    }
                    place.form = take(&mut rest, |c| c != '}');
                }
                take(&mut rest, |c| c == '}').ok_or_else(wrong)?;
                pieces.push(Piece::Place(place));
            }
            c => text.push(c),
        }
    }
    pieces.push(Piece::Text(text));
    Ok(pieces)
}

/// Reads `%d` places.
fn read_percents(format: &str) -> Result<Vec<Piece>, TaskError> {
    let mut pieces = Vec::new();
    let mut text = String::new();
    let mut rest = format;
    while let Some(c) = take(&mut rest, |_| true) {
        if c != '%' || take(&mut rest, |c| c == '%').is_some() {
            text.push(c);
            continue;
        }
        pieces.push(Piece::Text(std::mem::take(&mut text)));
        // Values stand on the right unless told otherwise.
        let mut place = Place { align: Some('>'), ..Place::default() };
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        if rest[digits..].starts_with('$') {
            let index = number(&mut rest)?.filter(|index| *index > 0);
            place.index = Some(index.ok_or_else(|| invalid("argument index out of range"))? - 1);
            rest = &rest[1..];
        }
        while let Some(flag) = take(&mut rest, |c| matches!(c, '-' | '+' | ' ' | '#' | '0' | ',' | '\'' | '_')) {
            match flag {
                '-' => place.align = Some('<'),
                '+' => place.sign = Some('+'),
                ' ' => place.sign = place.sign.or(Some(' ')),
                '#' => place.alternate = true,
                '0' => place.zeros = true,
                separator => place.thousands = Some(separator),
            }
        }
        place.width = number(&mut rest)?.unwrap_or(0);
        if take(&mut rest, |c| c == '.').is_some() {
            place.precision = Some(number(&mut rest)?.unwrap_or(0));
        }
        // Sizes of C's types mean nothing here.
        while take(&mut rest, |c| matches!(c, 'l' | 'h' | 'j' | 'z' | 't' | 'L')).is_some() {}
        place.form = Some(take(&mut rest, |_| true).ok_or_else(|| invalid("invalid format string"))?);
        if matches!(place.form, Some('i' | 'u')) {
            place.form = Some('d');
        }
        if place.align == Some('<') {
            place.zeros = false;
        }
        pieces.push(Piece::Place(place));
    }
    pieces.push(Piece::Text(text));
    Ok(pieces)
}

/// The digits with a mark between groups of three; `whole` are those before the point.
fn grouped(digits: &str, mark: Option<char>) -> String {
    let Some(mark) = mark else { return digits.to_string() };
    let whole = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    let mut out = String::with_capacity(digits.len() + whole / 3);
    for (at, c) in digits.char_indices() {
        if at > 0 && at < whole && (whole - at).is_multiple_of(3) {
            out.push(mark);
        }
        out.push(c);
    }
    out
}

/// A float with `digits` behind the point and an exponent of two digits or more.
fn scientific(value: f64, digits: usize) -> String {
    let text = format!("{value:.digits$e}");
    let (number, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    format!("{number}e{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs())
}

/// A float with `digits` digits that count, in whichever form is shorter, without trailing zeros.
fn general(value: f64, digits: usize, keep_zeros: bool) -> String {
    let digits = digits.max(1);
    let written = format!("{value:.*e}", digits - 1);
    let exponent: i32 = written.split_once('e').and_then(|(_, e)| e.parse().ok()).unwrap_or(0);
    let text = if exponent < -4 || exponent >= digits as i32 {
        scientific(value, digits - 1)
    } else {
        format!("{value:.*}", (digits as i32 - 1 - exponent).max(0) as usize)
    };
    if keep_zeros || !text.contains('.') {
        return text;
    }
    let (number, exponent) = text.split_once('e').map_or((&*text, None), |(number, e)| (number, Some(e)));
    let number = number.trim_end_matches('0').trim_end_matches('.');
    exponent.map_or(number.to_string(), |e| format!("{number}e{e}"))
}

impl Place {
    fn unfit(&self, form: char, kind: &str) -> TaskError {
        invalid(format!("Invalid type specifier \"{form}\" for formatting a value of type {kind}"))
    }

    /// Appends a value in the form of this place.
    fn write(&self, item: &Item, out: &mut String) -> Result<(), TaskError> {
        match (item, self.form) {
            (Item::Truth(value), None | Some('s')) => self.pad("", if *value { "true" } else { "false" }, '<', out),
            (Item::Truth(value), _) => self.write(&Item::Whole(i128::from(*value)), out)?,
            (Item::Text(text), None | Some('s')) => {
                let end =
                    self.precision.and_then(|most| text.char_indices().nth(most)).map_or(text.len(), |(at, _)| at);
                self.pad("", &text[..end], '<', out);
            }
            (Item::Text(_), Some(form)) => return Err(self.unfit(form, "string")),
            (Item::Whole(value), form) => self.write_whole(*value, form.unwrap_or('d'), out)?,
            (Item::Float(value), form) => self.write_float(*value, form, out)?,
        }
        Ok(())
    }

    fn sign_of(&self, negative: bool) -> String {
        if negative { "-".to_string() } else { self.sign.map(String::from).unwrap_or_default() }
    }

    fn write_whole(&self, value: i128, form: char, out: &mut String) -> Result<(), TaskError> {
        let size = value.unsigned_abs();
        if self.precision.is_some() && form != 'c' {
            return Err(invalid("precision not allowed for this argument type"));
        }
        let mut sign = self.sign_of(value < 0);
        let digits = match form {
            'd' | 'n' => grouped(&size.to_string(), self.thousands),
            'x' => format!("{size:x}"),
            'X' => format!("{size:X}"),
            'o' => format!("{size:o}"),
            'b' | 'B' => format!("{size:b}"),
            'c' => {
                let character = u32::try_from(value).ok().and_then(char::from_u32);
                let character = character.ok_or_else(|| invalid(format!("Invalid UTF8 Codepoint {value}")))?;
                self.pad("", character.encode_utf8(&mut [0; 4]), '<', out);
                return Ok(());
            }
            'e' | 'E' | 'f' | 'F' | 'g' | 'G' | 'a' | 'A' => {
                return self.write_float(value as f64, Some(form), out);
            }
            other => return Err(self.unfit(other, "int")),
        };
        if self.alternate {
            match form {
                'x' | 'X' | 'b' | 'B' => {
                    sign.push('0');
                    sign.push(form);
                }
                'o' if size != 0 => sign.push('0'),
                _ => {}
            }
        }
        self.pad(&sign, &digits, '>', out);
        Ok(())
    }

    fn write_float(&self, value: f64, form: Option<char>, out: &mut String) -> Result<(), TaskError> {
        let size = value.abs();
        let digits = self.precision.unwrap_or(6);
        let text = match form {
            _ if !size.is_finite() => if size.is_nan() { "nan" } else { "inf" }.to_string(),
            None => match self.precision {
                Some(precision) => general(size, precision, false),
                // The shortest text that reads back as the same number.
                None => super::format_value(&crate::sql::Value::Float(size), &DataType::Double),
            },
            Some('f' | 'F') => format!("{size:.digits$}"),
            Some('e' | 'E') => scientific(size, digits),
            Some('g' | 'G') => general(size, digits, self.alternate),
            Some(other) => return Err(self.unfit(other, "float")),
        };
        let text = grouped(&text, self.thousands);
        let text = if matches!(form, Some('E' | 'F' | 'G')) { text.to_uppercase() } else { text };
        self.pad(&self.sign_of(value.is_sign_negative() && !value.is_nan()), &text, '>', out);
        Ok(())
    }

    /// Appends a text, filled to the width; zeros stand between the sign and the digits.
    fn pad(&self, sign: &str, text: &str, usual: char, out: &mut String) {
        let missing = self.width.saturating_sub(sign.chars().count() + text.chars().count());
        if self.zeros && self.fill.is_none() && usual == '>' {
            out.push_str(sign);
            out.extend(std::iter::repeat_n('0', missing));
            out.push_str(text);
            return;
        }
        let before = match self.align.unwrap_or(usual) {
            '<' => 0,
            '^' => missing / 2,
            _ => missing,
        };
        let fill = self.fill.unwrap_or(' ');
        out.extend(std::iter::repeat_n(fill, before));
        // Writing to a String cannot fail.
        _ = write!(out, "{sign}{text}");
        out.extend(std::iter::repeat_n(fill, missing - before));
    }
}

/// The values of one argument.
enum Values {
    Truths(Booleans),
    Wholes(Numbers<Int128Type>),
    Floats(Numbers<Float64Type>),
    Texts(Texts),
}

impl Values {
    fn of(column: &Column, t: &DataType) -> Result<Values, TaskError> {
        Ok(match t {
            DataType::Boolean => Values::Truths(Booleans::of(column)?),
            DataType::HugeInt => Values::Wholes(Numbers::of(column)?),
            DataType::Double => Values::Floats(Numbers::of(column)?),
            _ => Values::Texts(Texts::of(column)?),
        })
    }

    fn get(&self, row: usize) -> Option<Item<'_>> {
        match self {
            Values::Truths(values) => values.get(row).map(Item::Truth),
            Values::Wholes(values) => values.get(row).map(Item::Whole),
            Values::Floats(values) => values.get(row).map(Item::Float),
            Values::Texts(values) => values.get(row).map(Item::Text),
        }
    }
}

fn write_all(
    args: &[Column],
    types: &[DataType],
    rows: usize,
    read: fn(&str) -> Result<Vec<Piece>, TaskError>,
) -> Result<Column, RowError> {
    let formats = Texts::of(&args[0])?;
    let values =
        args[1..].iter().zip(&types[1..]).map(|(column, t)| Values::of(column, t)).collect::<Result<Vec<_>, _>>()?;
    // The pieces of the last format: most often there is only one.
    let mut last: Option<(String, Vec<Piece>)> = None;
    texts_by_row(result_length(args, rows), |row, out| {
        let Some(format) = formats.get(row) else { return Ok(false) };
        let items: Option<Vec<Item>> = values.iter().map(|values| values.get(row)).collect();
        let Some(items) = items else { return Ok(false) };
        if last.as_ref().is_none_or(|(known, _)| known != format) {
            last = Some((format.to_string(), read(format)?));
        }
        let mut next = 0;
        for piece in last.iter().flat_map(|(_, pieces)| pieces) {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Place(place) => {
                    let index = place.index.unwrap_or(next);
                    next = index + 1;
                    let item = items.get(index);
                    let item = item.ok_or_else(|| invalid(format!("Argument index \"{index}\" out of range")))?;
                    place.write(item, out)?;
                }
            }
        }
        Ok(true)
    })
}

/// `format(text, ...)`, with places `{}`.
pub(super) fn format(args: &[Column], types: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    write_all(args, types, rows, read_braces)
}

/// `printf(text, ...)`, with places `%d`.
pub(super) fn printf(args: &[Column], types: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    write_all(args, types, rows, read_percents)
}
