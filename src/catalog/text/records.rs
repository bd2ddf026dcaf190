//! Cutting a stream of bytes into records (quotes respected) and a record into fields.

use memchr::{memchr, memchr_iter, memchr2};
use std::borrow::Cow;
use std::io::{ErrorKind, Read, Result};

const BUFFER_BYTES: usize = 256 * 1024;

/// A quoted field of this size is taken for quotes that never close, before it fills the memory.
const MAX_RECORD_BYTES: usize = 64 * 1024 * 1024;

/// Records of a stream, one at a time, with the place of each in the file.
pub(super) struct Records<R> {
    source: R,
    /// Within a field that begins with it, a line feed is data. None: every line is a record.
    quote: Option<u8>,
    delimiter: u8,
    buffer: Vec<u8>,
    /// What of `buffer` is not yet handed out.
    start: usize,
    end: usize,
    exhausted: bool,
    /// In the file: of `buffer[start]`.
    offset: u64,
    line: u64,
}

/// One record: its bytes without the line end, and where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Record<'a> {
    pub bytes: &'a [u8],
    pub offset: u64,
    /// 1-based, of its first byte.
    pub line: u64,
    /// The file ends within quotes.
    pub unclosed: bool,
}

impl<R: Read> Records<R> {
    /// The records of `source`, which stands at byte `offset` of its file, in line `line`.
    pub(super) fn new(source: R, delimiter: u8, quote: Option<u8>, offset: u64, line: u64) -> Records<R> {
        let buffer = vec![0; BUFFER_BYTES];
        Records { source, quote, delimiter, buffer, start: 0, end: 0, exhausted: false, offset, line }
    }

    /// Where the next record begins in the file, and its line. Blank lines before it belong to it.
    pub(super) fn place(&self) -> (u64, u64) {
        (self.offset, self.line)
    }

    /// The next record that is not a blank line.
    pub(super) fn next(&mut self) -> Result<Option<Record<'_>>> {
        loop {
            let (length, unclosed) = loop {
                match self.find_end() {
                    End::At(length) => break (length, false),
                    End::Unknown if !self.exhausted => self.refill()?,
                    End::Unknown if self.start == self.end => return Ok(None),
                    End::Unknown => break (self.end - self.start, false),
                    End::Unclosed if !self.exhausted && self.buffer.len() < MAX_RECORD_BYTES => self.refill()?,
                    End::Unclosed => break (self.end - self.start, true),
                }
            };
            let from = self.start;
            let (offset, line) = self.place();
            let raw = &self.buffer[from..from + length];
            self.line += memchr_iter(b'\n', raw).count() as u64;
            self.offset += length as u64;
            self.start += length;
            let text = raw.strip_suffix(b"\n").unwrap_or(raw);
            let kept = text.strip_suffix(b"\r").unwrap_or(text).len();
            if kept > 0 {
                return Ok(Some(Record { bytes: &self.buffer[from..from + kept], offset, line, unclosed }));
            }
        }
    }

    /// The length of the record at `start`, line feed included, as far as the buffer tells.
    fn find_end(&self) -> End {
        let bytes = &self.buffer[self.start..self.end];
        let Some(quote) = self.quote else {
            return memchr(b'\n', bytes).map_or(End::Unknown, |at| End::At(at + 1));
        };
        let mut from = 0;
        while let Some(found) = memchr2(b'\n', quote, &bytes[from..]) {
            let at = from + found;
            if bytes[at] == b'\n' {
                return End::At(at + 1);
            }
            from = at + 1;
            if at == 0 || bytes[at - 1] == self.delimiter {
                match closing_quote(bytes, from, quote) {
                    Some(closing) => from = closing + 1,
                    None => return End::Unclosed,
                }
            }
        }
        End::Unknown
    }

    fn refill(&mut self) -> Result<()> {
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        if self.end == self.buffer.len() {
            self.buffer.resize(self.buffer.len() * 2, 0);
        }
        loop {
            match self.source.read(&mut self.buffer[self.end..]) {
                Ok(read) => {
                    self.end += read;
                    self.exhausted = read == 0;
                    return Ok(());
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

enum End {
    At(usize),
    /// No line feed yet.
    Unknown,
    /// No closing quote yet.
    Unclosed,
}

/// Where the quotes that opened before `from` close; a doubled quote is one of the text.
fn closing_quote(bytes: &[u8], mut from: usize, quote: u8) -> Option<usize> {
    loop {
        let at = from + memchr(quote, &bytes[from..])?;
        if bytes.get(at + 1) != Some(&quote) {
            return Some(at);
        }
        from = at + 2;
    }
}

/// A field inside a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Field {
    start: usize,
    end: usize,
    /// The quotes are to be taken out.
    quoted: bool,
}

impl Field {
    /// The field's text.
    pub(super) fn text(self, record: &[u8], quote: u8) -> Cow<'_, [u8]> {
        let bytes = &record[self.start..self.end];
        if !self.quoted {
            return Cow::Borrowed(bytes);
        }
        let inner = &bytes[1..];
        match closing_quote(inner, 0, quote) {
            Some(closing) if closing + 1 == inner.len() && memchr(quote, &inner[..closing]).is_none() => {
                Cow::Borrowed(&inner[..closing])
            }
            closing => {
                let (quoted, rest) = inner.split_at(closing.unwrap_or(inner.len()));
                let mut text = Vec::with_capacity(inner.len());
                let mut bytes = quoted.iter();
                while let Some(&byte) = bytes.next() {
                    text.push(byte);
                    if byte == quote {
                        bytes.next();
                    }
                }
                text.extend_from_slice(rest.get(1..).unwrap_or_default());
                Cow::Owned(text)
            }
        }
    }
}

/// Cuts a record into its fields.
pub(super) fn split(record: &[u8], delimiter: u8, quote: u8, fields: &mut Vec<Field>) {
    fields.clear();
    let mut start = 0;
    loop {
        let quoted = record.get(start) == Some(&quote);
        let search = match quoted.then(|| closing_quote(record, start + 1, quote)) {
            Some(closing) => closing.unwrap_or(record.len()),
            None => start,
        };
        let next = record.get(search..).and_then(|rest| memchr(delimiter, rest)).map(|at| search + at);
        fields.push(Field { start, end: next.unwrap_or(record.len()), quoted });
        match next {
            Some(at) => start = at + 1,
            None => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str) -> Vec<(u64, u64, Vec<String>)> {
        let mut records = Records::new(text.as_bytes(), b',', Some(b'"'), 0, 1);
        let mut all = Vec::new();
        let mut fields = Vec::new();
        while let Some(record) = records.next().unwrap() {
            split(record.bytes, b',', b'"', &mut fields);
            let text = |field: &Field| String::from_utf8(field.text(record.bytes, b'"').into_owned()).unwrap();
            all.push((record.offset, record.line, fields.iter().map(text).collect()));
        }
        all
    }

    #[test]
    fn quotes_hold_delimiters_line_feeds_and_quotes() {
        let cut = cut("a,b\r\n\"x\ny\",\"1,2\"\r\n\r\n\"say \"\"hi\"\"\",\n5\" pipe,z");
        let fields: Vec<_> = cut.iter().map(|(_, _, fields)| fields.join("|")).collect();
        assert_eq!(fields, ["a|b", "x\ny|1,2", "say \"hi\"|", "5\" pipe|z"]);
        let lines: Vec<_> = cut.iter().map(|(_, line, _)| *line).collect();
        assert_eq!(lines, [1, 2, 5, 6]);
        assert_eq!(cut[1].0, 5);
    }

    #[test]
    fn records_longer_than_the_buffer_come_whole() {
        let long = "x".repeat(3 * BUFFER_BYTES);
        let text = format!("a,\"{long}\n\"\nb,c\n");
        let cut = cut(&text);
        assert_eq!(cut[0].2[1].len(), long.len() + 1);
        assert_eq!((cut[1].1, cut[1].2.join("|")), (3, "b|c".to_string()));
    }

    #[test]
    fn quotes_that_never_close_are_told() {
        let mut records = Records::new("a,b\n\"x,1\ny,2\n".as_bytes(), b',', Some(b'"'), 0, 1);
        assert!(!records.next().unwrap().unwrap().unclosed);
        let last = records.next().unwrap().unwrap();
        assert!(last.unclosed && last.line == 2);
        assert_eq!(records.next().unwrap(), None);
    }
}
