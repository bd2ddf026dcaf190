//! CSV: detection over the whole file, and reading pieces of it.

use super::builder::ColumnBuilder;
use super::guess::ColumnGuess;
use super::layout::{PieceCutter, TextLayout};
use super::records::{Field, Records, split};
use super::values::DateForm;
use crate::catalog::options::TextOptions;
use crate::catalog::pieces::{Fingerprint, Piece, PieceRange};
use crate::catalog::problems::{bad_data, open_error};
use crate::catalog::reader::{RowFilter, ScanRequest, keep};
use crate::catalog::storage::{SourceFile, open_planned, read_error};
use crate::catalog::table::{ColumnInfo, CsvDialect, Table, TableFile};
use crate::journal::{ErrorCode, TaskError};
use crate::sql::{DataType, Diagnostic};
use polars::prelude::DataFrame;
use std::collections::BTreeSet;
use std::io::{Read, Seek, SeekFrom, Take};
use std::path::Path;

const QUOTE: u8 = b'"';
const BOM: &[u8] = b"\xef\xbb\xbf";
/// In order of preference.
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];
/// How much of the file decides on the delimiter. Everything else is decided by the whole file.
const DELIMITER_SAMPLE_BYTES: u64 = 256 * 1024;
const BATCH_ROWS: usize = 32 * 1024;

/// Finds out all about a CSV file.
pub(super) fn detect(
    path: &Path,
    mut file: SourceFile,
    fingerprint: Fingerprint,
    options: &TextOptions,
) -> Result<TextLayout, Diagnostic> {
    let unreadable = |error: std::io::Error| open_error(path, &error);
    let quote = options.quote.unwrap_or(QUOTE);
    let mut sample = Vec::new();
    file.by_ref().take(DELIMITER_SAMPLE_BYTES).read_to_end(&mut sample).map_err(unreadable)?;
    let whole = (sample.len() as u64) < DELIMITER_SAMPLE_BYTES;
    let start = if sample.starts_with(BOM) { BOM.len() } else { 0 };
    let start = start + skipped(&sample[start..], options.skip);
    let delimiter = options.delimiter.unwrap_or_else(|| find_delimiter(&sample[start..], quote, whole));
    file.seek(SeekFrom::Start(start as u64)).map_err(unreadable)?;

    let mut records = Records::new(file, delimiter, Some(quote), start as u64, options.skip + 1);
    let mut fields: Vec<Field> = Vec::new();
    let mut first: Option<(Vec<String>, u64, u64, u64)> = None;
    let mut guesses: Vec<ColumnGuess> = Vec::new();
    let mut cutter = PieceCutter::default();
    let mut rows = 0;
    while let Some(record) = records.next().map_err(unreadable)? {
        let (offset, line) = (record.offset, record.line);
        if record.unclosed {
            return Err(bad_data(path, line, "a quoted value begins and never ends"));
        }
        if std::str::from_utf8(record.bytes).is_err() {
            return Err(bad_data(path, line, "the text is not UTF-8").hint("save the file as UTF-8"));
        }
        split(record.bytes, delimiter, quote, &mut fields);
        match &first {
            None => {
                let names = fields.iter().map(|field| utf8(&field.text(record.bytes, quote))).collect();
                guesses.resize_with(fields.len(), ColumnGuess::new);
                let end = records.place().0;
                first = Some((names, offset, line, end));
            }
            Some((names, ..)) => {
                if fields.len() != names.len() && options.ignore_errors {
                    continue;
                }
                if fields.len() != names.len() {
                    let reason = format!("{} where the first line has {}", values(fields.len()), names.len());
                    return Err(bad_data(path, line, &reason));
                }
                for (field, guess) in fields.iter().zip(&mut guesses) {
                    take(guess, &field.text(record.bytes, quote), options);
                }
                rows += 1;
                let end = records.place().0;
                cutter.record(offset, line, end);
            }
        }
    }
    let Some((first_row, offset, line, end)) = first else {
        // As DuckDB has it: an empty file is a table of one column without rows.
        let names = given(vec!["column0".into()], options);
        let guesses = names.iter().map(|_| ColumnGuess::new()).collect();
        return Ok(finish(fingerprint, (delimiter, quote, true), names, guesses, rows, cutter, options));
    };
    let named = !options.names.is_empty()
        && first_row.iter().zip(&options.names).all(|(found, name)| found.trim().eq_ignore_ascii_case(name));
    let header = options.header.unwrap_or_else(|| named || is_header(&first_row, &guesses, rows));
    let names = if header {
        column_names(&first_row)
    } else {
        for (value, guess) in first_row.iter().zip(&mut guesses) {
            take(guess, value.as_bytes(), options);
        }
        rows += 1;
        cutter.prepend(offset, line, end);
        (0..first_row.len()).map(|i| format!("column{i}")).collect()
    };
    if options.names.len() > names.len() {
        let reason = format!("{} where {} are named", values(names.len()), options.names.len());
        return Err(bad_data(path, line, &reason));
    }
    let names = given(names, options);
    Ok(finish(fingerprint, (delimiter, quote, header), names, guesses, rows, cutter, options))
}

/// How many bytes the first `lines` lines take.
fn skipped(sample: &[u8], lines: u64) -> usize {
    let mut ends = memchr::memchr_iter(b'\n', sample);
    match lines.checked_sub(1) {
        None => 0,
        Some(last) => ends.nth(last as usize).map_or(sample.len(), |end| end + 1),
    }
}

/// Looks at a value as the options say what is NULL.
fn take(guess: &mut ColumnGuess, text: &[u8], options: &TextOptions) {
    match &options.null_texts {
        Some(nulls) if nulls.iter().any(|null| null.as_bytes() == text) => guess.null(),
        // An empty text that is not NULL is a text.
        Some(_) if text.is_empty() => guess.opaque(0),
        _ => guess.text(text),
    }
}

/// The names, with those that the statement gave in the place of the first.
fn given(mut names: Vec<String>, options: &TextOptions) -> Vec<String> {
    for (index, name) in options.names.iter().enumerate() {
        match names.get_mut(index) {
            Some(own) => own.clone_from(name),
            None => names.push(name.clone()),
        }
    }
    names
}

fn finish(
    fingerprint: Fingerprint,
    (delimiter, quote, header): (u8, u8, bool),
    names: Vec<String>,
    guesses: Vec<ColumnGuess>,
    rows: u64,
    cutter: PieceCutter,
    options: &TextOptions,
) -> TextLayout {
    let mut date_formats = Vec::new();
    let mut null_text = BTreeSet::new();
    let mut columns = Vec::with_capacity(names.len());
    for (index, (name, guess)) in names.into_iter().zip(guesses).enumerate() {
        let mut guessed = guess.finish();
        if options.is_text(&name) {
            guessed = guessed.into_text();
        }
        if let Some(form) = guessed.form.filter(|form| *form != DateForm::ISO) {
            date_formats.push((index, form.strftime()));
        }
        null_text.extend(guessed.null_texts.into_iter().map(String::from));
        columns.push(ColumnInfo { name, dtype: guessed.dtype, statistics: guessed.statistics });
    }
    let null_text = null_text.into_iter().collect();
    let (given_nulls, ignore_errors) = (options.null_texts.clone(), options.ignore_errors);
    let dialect = CsvDialect { delimiter, quote, header, null_text, date_formats, given_nulls, ignore_errors };
    TextLayout { fingerprint, dialect: Some(dialect), columns, rows, pieces: cutter.finish() }
}

fn values(count: usize) -> String {
    if count == 1 { "1 value".into() } else { format!("{count} values") }
}

fn utf8(text: &[u8]) -> String {
    String::from_utf8_lossy(text).into_owned()
}

/// The delimiter that cuts the most records into equally many fields, more than one.
fn find_delimiter(sample: &[u8], quote: u8, whole: bool) -> u8 {
    let mut best = (0, 0, DELIMITERS[0]);
    for delimiter in DELIMITERS {
        let mut records = Records::new(sample, delimiter, Some(quote), 0, 1);
        let mut fields = Vec::new();
        let mut widths = Vec::new();
        while let Ok(Some(record)) = records.next() {
            split(record.bytes, delimiter, quote, &mut fields);
            widths.push(fields.len());
        }
        if !whole && widths.len() > 1 {
            // The last record may be cut off.
            widths.pop();
        }
        let Some(&width) = widths.first().filter(|width| **width > 1) else { continue };
        let alike = widths.iter().filter(|other| **other == width).count() * 1_000 / widths.len();
        if (alike, width) > (best.0, best.1) {
            best = (alike, width, delimiter);
        }
    }
    best.2
}

/// The first row is a header if it is unlike the rest: a text above a column of something else; or if all is text, and
/// its values are all there and all different.
fn is_header(first: &[String], guesses: &[ColumnGuess], rows: u64) -> bool {
    let distinct: BTreeSet<&String> = first.iter().collect();
    let could_be_names = first.iter().all(|name| !name.trim().is_empty()) && distinct.len() == first.len();
    if rows == 0 {
        let is_text = |value: &String| {
            let mut alone = ColumnGuess::new();
            alone.text(value.as_bytes());
            alone.is_text()
        };
        return could_be_names && first.iter().all(is_text);
    }
    if guesses.iter().all(ColumnGuess::is_text) {
        return could_be_names;
    }
    first.iter().zip(guesses).any(|(value, guess)| !value.is_empty() && !guess.fits(value.as_bytes()))
}

/// Names as DuckDB makes them: `column2` for an empty one, `a_1` for a second `a`.
fn column_names(first: &[String]) -> Vec<String> {
    let mut taken = BTreeSet::new();
    let unique = |(index, name): (usize, &String)| {
        let base = if name.trim().is_empty() { format!("column{index}") } else { name.trim().to_string() };
        let mut name = base.clone();
        let mut copy = 0;
        while !taken.insert(name.to_lowercase()) {
            copy += 1;
            name = format!("{base}_{copy}");
        }
        name
    };
    first.iter().enumerate().map(unique).collect()
}

/// Reads the records of one piece.
pub(in crate::catalog) struct CsvReader {
    planned: TableFile,
    dialect: CsvDialect,
    records: Records<Take<SourceFile>>,
    width: usize,
    request: ScanRequest,
    /// For each requested column: its index in the file, its table's name for errors, its type, how it writes dates.
    columns: Vec<(usize, String, DataType, DateForm)>,
}

impl CsvReader {
    pub(in crate::catalog) fn open(
        table: &Table,
        dialect: &CsvDialect,
        file: &TableFile,
        piece: &Piece,
        request: &ScanRequest,
    ) -> Result<CsvReader, TaskError> {
        let PieceRange::Bytes { start, end, first_line } = piece.range else {
            return Err(TaskError::bug("a CSV piece without a byte range"));
        };
        let mut source = open_planned(file)?;
        source.seek(SeekFrom::Start(start)).map_err(|error| read_error(file, &error))?;
        let taken = source.take(end - start);
        let columns = request
            .columns
            .iter()
            .map(|(index, _)| {
                let info = table.columns.get(*index).ok_or_else(|| TaskError::bug("no such column"))?;
                let form = dialect.date_formats.iter().find(|(column, _)| column == index);
                let form = form.map_or(DateForm::ISO, |(_, form)| DateForm::from_strftime(form));
                Ok((*index, info.name.clone(), info.dtype.clone(), form))
            })
            .collect::<Result<_, TaskError>>()?;
        Ok(CsvReader {
            planned: file.clone(),
            dialect: dialect.clone(),
            records: Records::new(taken, dialect.delimiter, Some(dialect.quote), start, first_line),
            width: table.columns.len() - table.constants(),
            request: request.clone(),
            columns,
        })
    }

    pub(in crate::catalog) fn next(
        &mut self,
        mut filter: Option<&mut RowFilter>,
    ) -> Result<Option<DataFrame>, TaskError> {
        while let Some(batch) = self.batch()? {
            if let Some(kept) = keep(batch, &self.request, filter.as_deref_mut())? {
                return Ok(Some(kept));
            }
        }
        Ok(None)
    }

    /// All requested columns of the next records.
    fn batch(&mut self) -> Result<Option<DataFrame>, TaskError> {
        let CsvReader { planned, dialect, records, width, request, columns } = self;
        let mut builders: Vec<ColumnBuilder> = columns
            .iter()
            .zip(&request.columns)
            .map(|((_, _, dtype, form), (_, name))| ColumnBuilder::new(name, dtype, *form, BATCH_ROWS))
            .collect();
        let misfit = |line: u64, what: String| {
            TaskError::user(ErrorCode::BadData, format!("{}, line {line}: {what}", planned.path.display()))
        };
        let mut fields = Vec::with_capacity(*width);
        let mut rows = 0;
        while rows < BATCH_ROWS
            && let Some(record) = records.next().map_err(|error| read_error(planned, &error))?
        {
            split(record.bytes, dialect.delimiter, dialect.quote, &mut fields);
            if fields.len() != *width && dialect.ignore_errors {
                continue;
            }
            if fields.len() != *width {
                return Err(misfit(record.line, format!("{} where {width} are expected", values(fields.len()))));
            }
            for ((index, name, dtype, _), builder) in columns.iter().zip(&mut builders) {
                let text = fields[*index].text(record.bytes, dialect.quote);
                let is = |nulls: &[String]| nulls.iter().any(|null| null.as_bytes() == &*text);
                let null = match &dialect.given_nulls {
                    Some(nulls) => is(nulls),
                    None => text.is_empty() || (!builder.is_text() && is(&dialect.null_text)),
                };
                if null {
                    builder.push_null();
                } else if builder.push(&text).is_none() {
                    let what = format!("column \"{name}\" is {dtype}, and \"{}\" is not", utf8(&text));
                    return Err(misfit(record.line, what));
                }
            }
            rows += 1;
        }
        if rows == 0 {
            return Ok(None);
        }
        Ok(Some(DataFrame::new(rows, builders.into_iter().map(ColumnBuilder::finish).collect())?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_delimiter_cuts_all_records_alike() {
        assert_eq!(find_delimiter(b"a;b\n1,5;2\n", b'\"', true), b';');
        assert_eq!(find_delimiter(b"a\tb,c\n1\t2\n", b'\"', true), b'\t');
        assert_eq!(find_delimiter(b"name|x, y\n1|2\n", b'\"', true), b'|');
        assert_eq!(find_delimiter(b"one\ntwo\n", b'\"', true), b',');
    }

    #[test]
    fn names_are_made_unique() {
        let names = column_names(&["a".into(), "a".into(), "".into(), "A".into()]);
        assert_eq!(names, ["a", "a_1", "column2", "A_2"]);
    }
}
