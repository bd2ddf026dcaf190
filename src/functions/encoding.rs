//! Texts for bytes and numbers, and back: hexadecimal, binary, other bases, Base64, URLs, UTF-8.

use super::RowError;
use super::arithmetic::{Integer, by_integer};
use super::columns::{Bytes, Numbers, Rows, Texts, blobs_by_row, result_length, texts_by_row};
use crate::journal::{ErrorCode, TaskError};
use crate::sql::DataType;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use polars::prelude::{Column, Int32Type, Int64Type};
use std::fmt::Write;

const DIGITS: &[u8; 36] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";

fn invalid(message: impl Into<String>) -> TaskError {
    TaskError::user(ErrorCode::InvalidArguments, message)
}

/// The numbers of an integer column as unsigned ones of 64 or 128 bits, written by `write`.
fn integers_written(
    args: &[Column],
    types: &[DataType],
    rows: usize,
    write: impl Fn(u128, &mut String),
) -> Result<Column, RowError> {
    let length = result_length(args, rows);
    let wide = types[0] == DataType::HugeInt;
    by_integer!(types[0].physical(), T => {
        let values = Numbers::<T>::of(&args[0])?;
        texts_by_row(length, |row, out| {
            let Some(value) = values.get(row).map(Integer::to_i128) else { return Ok(false) };
            write(if wide { value as u128 } else { u128::from(value as u64) }, out);
            Ok(true)
        })
    }, Err(TaskError::bug(format!("{} is no integer", types[0])).into()))
}

fn bytes_written(args: &[Column], rows: usize, write: impl Fn(&[u8], &mut String)) -> Result<Column, RowError> {
    let values = Bytes::of(&args[0])?;
    texts_by_row(result_length(args, rows), |row, out| {
        let Some(bytes) = values.get(row) else { return Ok(false) };
        write(bytes, out);
        Ok(true)
    })
}

fn push_hex(bytes: &[u8], out: &mut String) {
    for byte in bytes {
        out.push(char::from(DIGITS[usize::from(byte >> 4)]));
        out.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
}

/// `hex(x)` of a text, a blob or an integer.
pub(super) fn hex(args: &[Column], types: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    match types[0] {
        DataType::Varchar | DataType::Blob => bytes_written(args, rows, push_hex),
        // Writing to a String cannot fail.
        _ => integers_written(args, types, rows, |value, out| _ = write!(out, "{value:X}")),
    }
}

/// `bin(x)` of a text or an integer.
pub(super) fn bin(args: &[Column], types: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    match types[0] {
        DataType::Varchar | DataType::Blob => bytes_written(args, rows, |bytes, out| {
            for byte in bytes {
                _ = write!(out, "{byte:08b}");
            }
        }),
        _ => integers_written(args, types, rows, |value, out| _ = write!(out, "{value:b}")),
    }
}

fn digit(c: u8, radix: u32, what: &str) -> Result<u8, TaskError> {
    match char::from(c).to_digit(radix) {
        Some(digit) => Ok(digit as u8),
        None => Err(invalid(format!("Invalid input for {what} digit: {}", char::from(c).escape_default()))),
    }
}

fn blobs_read(
    args: &[Column],
    rows: usize,
    read: impl Fn(&str, &mut Vec<u8>) -> Result<(), TaskError>,
) -> Result<Column, RowError> {
    let texts = Texts::of(&args[0])?;
    blobs_by_row(result_length(args, rows), |row, out| {
        let Some(text) = texts.get(row) else { return Ok(false) };
        read(text, out)?;
        Ok(true)
    })
}

/// `unhex(text)`: an odd number of digits has a zero in front.
pub(super) fn unhex(args: &[Column], _: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    blobs_read(args, rows, |text, out| {
        let (first, pairs) = text.as_bytes().split_at(text.len() % 2);
        if let [only] = first {
            out.push(digit(*only, 16, "hex")?);
        }
        for pair in pairs.chunks_exact(2) {
            out.push(digit(pair[0], 16, "hex")? << 4 | digit(pair[1], 16, "hex")?);
        }
        Ok(())
    })
}

/// `unbin(text)`: missing digits are zeros in front.
pub(super) fn unbin(args: &[Column], _: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    blobs_read(args, rows, |text, out| {
        let (first, bytes) = text.as_bytes().split_at(text.len() % 8);
        for byte in [first].into_iter().filter(|first| !first.is_empty()).chain(bytes.chunks_exact(8)) {
            let mut value = 0;
            for &c in byte {
                value = value << 1 | digit(c, 2, "binary")?;
            }
            out.push(value);
        }
        Ok(())
    })
}

/// `to_base(number, radix [, least length])`.
pub(super) fn to_base(args: &[Column], _: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    let (values, radixes) = (Numbers::<Int64Type>::of(&args[0])?, Numbers::<Int32Type>::of(&args[1])?);
    let lengths = args.get(2).map(Numbers::<Int32Type>::of).transpose()?;
    texts_by_row(result_length(args, rows), |row, out| {
        let least = match &lengths {
            Some(lengths) => lengths.get(row),
            None => Some(0),
        };
        let (Some(value), Some(radix), Some(least)) = (values.get(row), radixes.get(row), least) else {
            return Ok(false);
        };
        let Ok(mut rest) = u64::try_from(value) else {
            return Err(invalid("'to_base' number must be greater than or equal to 0"));
        };
        if !(2..=36).contains(&radix) {
            return Err(invalid("'to_base' radix must be between 2 and 36"));
        }
        if !(0..=64).contains(&least) {
            return Err(invalid("'to_base' min_length must be between 0 and 64"));
        }
        let mut digits = Vec::new();
        while rest > 0 || digits.len() < least.max(1) as usize {
            digits.push(DIGITS[(rest % radix as u64) as usize]);
            rest /= radix as u64;
        }
        out.extend(digits.iter().rev().map(|&digit| char::from(digit)));
        Ok(true)
    })
}

/// `from_base(text, radix)`.
pub(super) fn from_base(args: &[Column], _: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    let (texts, radixes) = (Texts::of(&args[0])?, Numbers::<Int32Type>::of(&args[1])?);
    super::columns::numbers_by_row::<Int64Type>(result_length(args, rows), |row| {
        let (Some(text), Some(radix)) = (texts.get(row), radixes.get(row)) else { return Ok(None) };
        if !(2..=36).contains(&radix) {
            return Err(invalid("'from_base' radix must be between 2 and 36"));
        }
        let number = i64::from_str_radix(text, radix as u32);
        number.map(Some).map_err(|_| invalid(format!("'{text}' is no whole number in base {radix}")))
    })
}

/// `to_base64(blob)`.
pub(super) fn to_base64(args: &[Column], _: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    bytes_written(args, rows, |bytes, out| BASE64_STANDARD.encode_string(bytes, out))
}

/// `from_base64(text)`.
pub(super) fn from_base64(args: &[Column], _: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    blobs_read(args, rows, |text, out| {
        if text.len() % 4 != 0 {
            let message = format!("Could not decode string \"{text}\" as base64: length must be a multiple of 4");
            return Err(TaskError::user(ErrorCode::InvalidCastArgument, message));
        }
        BASE64_STANDARD.decode_vec(text, out).map_err(|_| {
            let message = format!("Could not decode string \"{text}\" as base64: it holds what is no digit of it");
            TaskError::user(ErrorCode::InvalidCastArgument, message)
        })
    })
}

/// `encode(text)`: its bytes.
pub(super) fn encode(args: &[Column], _: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    let values = Bytes::of(&args[0])?;
    blobs_by_row(result_length(args, rows), |row, out| {
        let Some(bytes) = values.get(row) else { return Ok(false) };
        out.extend_from_slice(bytes);
        Ok(true)
    })
}

/// `decode(blob [, 'strict' | 'replace' | 'ignore'])`: the text that its bytes are.
pub(super) fn decode(args: &[Column], _: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    let values = Bytes::of(&args[0])?;
    let modes = args.get(1).map(Texts::of).transpose()?;
    texts_by_row(result_length(args, rows), |row, out| {
        let mode = match &modes {
            Some(modes) => modes.get(row),
            None => Some("strict"),
        };
        let (Some(bytes), Some(mode)) = (values.get(row), mode) else { return Ok(false) };
        let filling = match mode.to_ascii_lowercase().as_str() {
            "strict" => None,
            "replace" => Some("?"),
            "ignore" => Some(""),
            _ => return Err(invalid(format!("decode knows 'strict', 'replace' and 'ignore', not '{mode}'"))),
        };
        for chunk in bytes.utf8_chunks() {
            out.push_str(chunk.valid());
            match filling {
                _ if chunk.invalid().is_empty() => {}
                Some(filling) => out.extend(chunk.invalid().iter().map(|_| filling)),
                None => {
                    let message = "Failure in decode: the blob holds bytes that are no UTF-8";
                    return Err(TaskError::user(ErrorCode::InvalidCastArgument, message));
                }
            }
        }
        Ok(true)
    })
}

/// `octet_length(blob)`.
pub(super) fn octet_length(args: &[Column], _: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    count_bytes(args, rows, 1)
}

/// `bit_length(text)`.
pub(super) fn bit_length(args: &[Column], _: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    count_bytes(args, rows, 8)
}

fn count_bytes(args: &[Column], rows: usize, factor: i64) -> Result<Column, RowError> {
    let values = Bytes::of(&args[0])?;
    super::columns::numbers_by_row::<Int64Type>(result_length(args, rows), |row| {
        Ok(values.get(row).map(|bytes| bytes.len() as i64 * factor))
    })
}

/// `url_encode(text)`.
pub(super) fn url_encode(args: &[Column], _: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    bytes_written(args, rows, |bytes, out| {
        for &byte in bytes {
            match byte {
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
                _ => {
                    out.push('%');
                    push_hex(&[byte], out);
                }
            }
        }
    })
}

/// The bytes that a text with `%41` escapes means; what is no `%` with two digits stays as it is.
pub(super) fn percent_decoded(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let pair = bytes.get(at + 1).zip(bytes.get(at + 2)).filter(|_| bytes[at] == b'%');
        let value = pair.and_then(|(&high, &low)| {
            Some((char::from(high).to_digit(16)? << 4 | char::from(low).to_digit(16)?) as u8)
        });
        decoded.push(value.unwrap_or(bytes[at]));
        at += if value.is_some() { 3 } else { 1 };
    }
    decoded
}

/// `url_decode(text)`: what is no `%` with two digits stays as it is.
pub(super) fn url_decode(args: &[Column], _: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    let texts = Texts::of(&args[0])?;
    texts_by_row(result_length(args, rows), |row, out| {
        let Some(text) = texts.get(row) else { return Ok(false) };
        match std::str::from_utf8(&percent_decoded(text)) {
            Ok(decoded) => out.push_str(decoded),
            Err(_) => return Err(invalid(format!("The decoded form of the URL \"{text}\" is no UTF-8"))),
        }
        Ok(true)
    })
}
