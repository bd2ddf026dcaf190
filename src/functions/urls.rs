//! The parts of a URL (RFC 3986), as Trino gives them: NULL for what is no URL, an empty text for a part that is not there.

use super::RowError;
use super::columns::{Rows, Texts, numbers_by_row, result_length, texts_by_row};
use super::encoding::percent_decoded;
use crate::sql::DataType;
use polars::prelude::{Column, Int64Type};

/// The parts as they stand in the text; None for those that are not there.
struct Url<'a> {
    scheme: Option<&'a str>,
    host: Option<&'a str>,
    port: Option<&'a str>,
    path: &'a str,
    query: Option<&'a str>,
    fragment: Option<&'a str>,
}

impl Url<'_> {
    /// None for a text with characters that no URL has, or with half an escape.
    fn read(text: &str) -> Option<Url<'_>> {
        let never = |c: char| c.is_whitespace() || c.is_control() || "<>\"{}|\\^`".contains(c);
        let whole = |rest: &str| rest.get(..2).is_some_and(|hex| hex.chars().all(|c| c.is_ascii_hexdigit()));
        if text.contains(never) || !text.split('%').skip(1).all(whole) {
            return None;
        }
        let (text, fragment) = match text.split_once('#') {
            Some((text, fragment)) => (text, Some(fragment)),
            None => (text, None),
        };
        let (text, query) = match text.split_once('?') {
            Some((text, query)) => (text, Some(query)),
            None => (text, None),
        };
        let is_scheme = |name: &str| {
            name.starts_with(|c: char| c.is_ascii_alphabetic())
                && name.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
        };
        let (scheme, text) = match text.split_once(':') {
            Some((scheme, rest)) if is_scheme(scheme) => (Some(scheme), rest),
            _ => (None, text),
        };
        let (mut host, mut port, mut path) = (None, None, text);
        if let Some(rest) = text.strip_prefix("//") {
            let (authority, behind) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
            path = behind;
            let place = authority.rsplit_once('@').map_or(authority, |(_, place)| place);
            // The colons of an IPv6 address stand in brackets.
            let from = place.rfind(']').unwrap_or(0);
            match place[from..].rfind(':') {
                Some(at) => {
                    host = Some(&place[..from + at]);
                    port = Some(&place[from + at + 1..]);
                    if !port.is_some_and(|digits| digits.chars().all(|c| c.is_ascii_digit())) {
                        return None;
                    }
                }
                None => host = Some(place),
            }
        }
        Some(Url { scheme, host, port, path, query, fragment })
    }
}

/// A part of the URL of each row; `decode` reads its escapes.
fn part(
    args: &[Column],
    rows: usize,
    decode: bool,
    f: impl for<'a> Fn(&Url<'a>) -> Option<&'a str>,
) -> Result<Column, RowError> {
    let texts = Texts::of(&args[0])?;
    texts_by_row(result_length(args, rows), |row, out| {
        let Some(url) = texts.get(row).and_then(Url::read) else { return Ok(false) };
        let part = f(&url).unwrap_or_default();
        match decode {
            true => out.push_str(&String::from_utf8_lossy(&percent_decoded(part))),
            false => out.push_str(part),
        }
        Ok(true)
    })
}

/// `url_extract_protocol(url)`.
pub(super) fn protocol(args: &[Column], _: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    part(args, rows, false, |url| url.scheme)
}

/// `url_extract_host(url)`.
pub(super) fn host(args: &[Column], _: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    part(args, rows, false, |url| url.host)
}

/// `url_extract_path(url)`.
pub(super) fn path(args: &[Column], _: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    part(args, rows, true, |url| Some(url.path))
}

/// `url_extract_query(url)`: as it stands there.
pub(super) fn query(args: &[Column], _: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    part(args, rows, false, |url| url.query)
}

/// `url_extract_fragment(url)`.
pub(super) fn fragment(args: &[Column], _: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    part(args, rows, true, |url| url.fragment)
}

/// `url_extract_port(url)`: NULL where the URL names none.
pub(super) fn port(args: &[Column], _: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    let texts = Texts::of(&args[0])?;
    numbers_by_row::<Int64Type>(result_length(args, rows), |row| {
        Ok(texts.get(row).and_then(Url::read).and_then(|url| url.port?.parse().ok()))
    })
}

/// `url_extract_parameter(url, name)`: the first value of a parameter of the query; NULL if it is not there.
pub(super) fn parameter(args: &[Column], _: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    let (texts, names) = (Texts::of(&args[0])?, Texts::of(&args[1])?);
    texts_by_row(result_length(args, rows), |row, out| {
        let (Some(url), Some(wanted)) = (texts.get(row).and_then(Url::read), names.get(row)) else {
            return Ok(false);
        };
        let decoded = |text: &str| String::from_utf8_lossy(&percent_decoded(&text.replace('+', " "))).into_owned();
        for pair in url.query.unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            if decoded(name) == wanted {
                out.push_str(&decoded(value));
                return Ok(true);
            }
        }
        Ok(false)
    })
}
