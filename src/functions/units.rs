//! Numbers for people: sizes in bytes, bars.

use super::RowError;
use super::columns::{Numbers, Rows, Texts, numbers_by_row, out_of_range, result_length, texts_by_row};
use crate::journal::{ErrorCode, TaskError};
use crate::sql::DataType;
use polars::prelude::{Column, Float64Type, Int64Type, UInt64Type};
use std::fmt::Write;

const BINARY: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
const DECIMAL: [&str; 5] = ["kB", "MB", "GB", "TB", "PB"];

/// `format_bytes(n)`: in units of 1024.
pub(super) fn binary_size(args: &[Column], _: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    sizes(args, rows, 1024, BINARY)
}

/// `formatReadableDecimalSize(n)`: in units of 1000.
pub(super) fn decimal_size(args: &[Column], _: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    sizes(args, rows, 1000, DECIMAL)
}

fn sizes(args: &[Column], rows: usize, factor: u64, units: [&str; 5]) -> Result<Column, RowError> {
    let values = Numbers::<Int64Type>::of(&args[0])?;
    texts_by_row(result_length(args, rows), |row, out| {
        let Some(value) = values.get(row) else { return Ok(false) };
        if value < 0 {
            out.push('-');
        }
        let bytes = value.unsigned_abs();
        // Writing to a String cannot fail.
        if bytes < factor {
            _ = write!(out, "{bytes} {}", if bytes == 1 { "byte" } else { "bytes" });
            return Ok(true);
        }
        let mut whole = bytes;
        let mut rest = 0;
        let mut unit = "";
        for name in units {
            if whole < factor {
                break;
            }
            (rest, whole, unit) = (whole % factor, whole / factor, name);
        }
        _ = write!(out, "{whole}.{} {unit}", rest * 10 / factor);
        Ok(true)
    })
}

/// `parse_formatted_bytes('1.5 GB')`: how many bytes.
pub(super) fn parse_size(args: &[Column], _: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    let texts = Texts::of(&args[0])?;
    let invalid = |message: String| TaskError::user(ErrorCode::InvalidArguments, message);
    numbers_by_row::<UInt64Type>(result_length(args, rows), |row| {
        let Some(text) = texts.get(row) else { return Ok(None) };
        let text = text.trim();
        let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
        let (number, unit) = text.split_at(end);
        let Ok(number) = number.parse::<f64>() else {
            return Err(invalid(format!("'{text}' does not begin with a number of bytes, as '1.5 GB' does")));
        };
        let factor: f64 = match unit.trim().to_ascii_lowercase().as_str() {
            "b" | "byte" | "bytes" => 1.0,
            "k" | "kb" => 1e3,
            "m" | "mb" => 1e6,
            "g" | "gb" => 1e9,
            "t" | "tb" => 1e12,
            "kib" => 1024.0,
            "mib" => 1_048_576.0,
            "gib" => 1_073_741_824.0,
            "tib" => 1_099_511_627_776.0,
            unit => {
                let known = "bytes, KB, MB, GB, TB for powers of 1000 or KiB, MiB, GiB, TiB for powers of 1024";
                return Err(invalid(format!("Unknown unit for memory: '{unit}' (expected: {known})")));
            }
        };
        Ok(Some((number * factor) as u64))
    })
}

/// The widest bar.
const WIDEST: f64 = 1000.0;
/// The bars of one to seven eighths of a character, and the space for none.
const PARTS: [&str; 8] = [" ", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/// `bar(x, least, most [, width])`: a bar from `least` up to `x`, filled with spaces up to the width.
pub(super) fn bar(args: &[Column], _: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    let numbers = args.iter().map(Numbers::<Float64Type>::of).collect::<Result<Vec<_>, _>>()?;
    texts_by_row(result_length(args, rows), |row, out| {
        let mut values = [0.0, 0.0, 0.0, 80.0];
        for (slot, numbers) in values.iter_mut().zip(&numbers) {
            let Some(value) = numbers.get(row) else { return Ok(false) };
            *slot = value;
        }
        let [x, least, most, width] = values;
        if width.is_nan() || width < 1.0 {
            return Err(out_of_range("Max bar width must be >= 1"));
        }
        if width > WIDEST {
            return Err(out_of_range("Max bar width must be <= 1000"));
        }
        let filled = match () {
            _ if x.is_nan() || least.is_nan() || most.is_nan() || x <= least => 0.0,
            _ if x >= most => width,
            _ => width * (x - least) / (most - least),
        };
        if !filled.is_finite() {
            return Err(out_of_range("the bounds of the bar are out of range"));
        }
        let eighths = (filled * 8.0) as usize;
        for _ in 0..eighths / 8 {
            out.push('█');
        }
        if !eighths.is_multiple_of(8) {
            out.push_str(PARTS[eighths % 8]);
        }
        let used = eighths.div_ceil(8);
        out.extend(std::iter::repeat_n(' ', (width as usize).saturating_sub(used)));
        Ok(true)
    })
}
