//! Lines of JSON objects: detection over the whole file, and reading pieces of it.

use super::builder::ColumnBuilder;
use super::guess::ColumnGuess;
use super::layout::{PieceCutter, TextLayout};
use super::records::Records;
use super::values::DateForm;
use crate::catalog::options::TextOptions;
use crate::catalog::pieces::{Fingerprint, Piece, PieceRange};
use crate::catalog::problems::{bad_data, open_error};
use crate::catalog::reader::{RowFilter, ScanRequest, keep};
use crate::catalog::storage::{SourceFile, open_planned, read_error};
use crate::catalog::table::{ColumnInfo, Table, TableFile};
use crate::journal::{ErrorCode, TaskError};
use crate::sql::{DataType, Diagnostic};
use polars::prelude::DataFrame;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{Read, Seek, SeekFrom, Take};
use std::path::Path;

const BATCH_ROWS: usize = 32 * 1024;

/// Finds out all about a file of JSON lines. Columns are in the order in which the file first names them; nested values
/// are texts of JSON.
pub(super) fn detect(
    path: &Path,
    file: SourceFile,
    fingerprint: Fingerprint,
    options: &TextOptions,
) -> Result<TextLayout, Diagnostic> {
    let unreadable = |error: std::io::Error| open_error(path, &error);
    let mut records = Records::new(file, b',', None, 0, 1);
    let mut known: BTreeMap<String, usize> = BTreeMap::new();
    let mut columns: Vec<(String, ColumnGuess, u64)> = Vec::new();
    let mut cutter = PieceCutter::default();
    let mut rows = 0;
    while let Some(record) = records.next().map_err(unreadable)? {
        let (offset, line) = (record.offset, record.line);
        let take = |name: &str, value: Value| {
            let index = *known.entry(name.to_string()).or_insert_with(|| {
                columns.push((name.to_string(), ColumnGuess::new(), 0));
                columns.len() - 1
            });
            let (_, guess, seen) = &mut columns[index];
            *seen += 1;
            observe(guess, &value);
        };
        read_object(record.bytes, |_| true, take).map_err(|reason| bad_data(path, line, &reason))?;
        rows += 1;
        let end = records.place().0;
        cutter.record(offset, line, end);
    }
    if columns.is_empty() {
        return Err(Diagnostic::new(
            ErrorCode::BadData,
            format!("The file {} has no JSON objects, so its columns are unknown", path.display()),
        ));
    }
    let columns = columns
        .into_iter()
        .map(|(name, mut guess, seen)| {
            guess.nulls(u64::saturating_sub(rows, seen));
            let mut guessed = guess.finish();
            if options.is_text(&name) {
                guessed = guessed.into_text();
            }
            ColumnInfo { name, dtype: guessed.dtype, statistics: guessed.statistics }
        })
        .collect();
    Ok(TextLayout { fingerprint, dialect: None, columns, rows, pieces: cutter.finish() })
}

fn observe(guess: &mut ColumnGuess, value: &Value) {
    match value {
        Value::Null => guess.null(),
        Value::Bool(value) => guess.boolean(*value),
        Value::Number(number) => guess.number(&number.to_string()),
        Value::String(text) => guess.string(text),
        Value::Array(_) | Value::Object(_) => guess.opaque(value.to_string().len()),
    }
}

/// Hands the wanted members of an object to `take`, in the order in which they are written.
fn read_object(text: &[u8], wanted: impl Fn(&str) -> bool, take: impl FnMut(&str, Value)) -> Result<(), String> {
    struct Members<W, T>(W, T);
    impl<'de, W: Fn(&str) -> bool, T: FnMut(&str, Value)> Visitor<'de> for Members<W, T> {
        type Value = ();
        fn expecting(&self, formatter: &mut std::fmt::Formatter) -> std::fmt::Result {
            formatter.write_str("a JSON object")
        }
        fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
            while let Some(name) = map.next_key::<std::borrow::Cow<str>>()? {
                if (self.0)(&name) {
                    let value = map.next_value()?;
                    (self.1)(&name, value);
                } else {
                    map.next_value::<IgnoredAny>()?;
                }
            }
            Ok(())
        }
    }
    impl<'de, W: Fn(&str) -> bool, T: FnMut(&str, Value)> DeserializeSeed<'de> for Members<W, T> {
        type Value = ();
        fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
            deserializer.deserialize_map(self)
        }
    }
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    let whole = Members(wanted, take).deserialize(&mut deserializer).and_then(|()| deserializer.end());
    whole.map_err(|error| {
        // Each record is one line: the parser's own line number would mislead.
        let text = error.to_string();
        let what = text.split(" at line ").next().unwrap_or(&text);
        format!("column {}: {what}", error.column())
    })
}

/// Reads the objects of one piece.
pub(in crate::catalog) struct JsonReader {
    planned: TableFile,
    records: Records<Take<SourceFile>>,
    request: ScanRequest,
    /// Names in the file and types of the requested columns.
    columns: Vec<(String, DataType)>,
}

impl JsonReader {
    pub(in crate::catalog) fn open(
        table: &Table,
        file: &TableFile,
        piece: &Piece,
        request: &ScanRequest,
    ) -> Result<JsonReader, TaskError> {
        let PieceRange::Bytes { start, end, first_line } = piece.range else {
            return Err(TaskError::bug("a JSON piece without a byte range"));
        };
        let mut source = open_planned(file)?;
        source.seek(SeekFrom::Start(start)).map_err(|error| read_error(file, &error))?;
        let columns = request
            .columns
            .iter()
            .map(|(index, _)| {
                let info = table.columns.get(*index).ok_or_else(|| TaskError::bug("no such column"))?;
                Ok((info.name.clone(), info.dtype.clone()))
            })
            .collect::<Result<_, TaskError>>()?;
        let records = Records::new(source.take(end - start), b',', None, start, first_line);
        Ok(JsonReader { planned: file.clone(), records, request: request.clone(), columns })
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

    fn batch(&mut self) -> Result<Option<DataFrame>, TaskError> {
        let JsonReader { planned, records, request, columns } = self;
        let mut builders: Vec<ColumnBuilder> = columns
            .iter()
            .zip(&request.columns)
            .map(|((_, dtype), (_, name))| ColumnBuilder::new(name, dtype, DateForm::ISO, BATCH_ROWS))
            .collect();
        let misfit = |line: u64, what: String| {
            TaskError::user(ErrorCode::BadData, format!("{}, line {line}: {what}", planned.path.display()))
        };
        let mut values: Vec<Value> = vec![Value::Null; columns.len()];
        let mut rows = 0;
        while rows < BATCH_ROWS
            && let Some(record) = records.next().map_err(|error| read_error(planned, &error))?
        {
            values.fill(Value::Null);
            let wanted = |name: &str| columns.iter().any(|(column, _)| column == name);
            let take = |name: &str, value: Value| {
                for ((column, _), slot) in columns.iter().zip(&mut values) {
                    if column == name {
                        slot.clone_from(&value);
                    }
                }
            };
            read_object(record.bytes, wanted, take).map_err(|reason| misfit(record.line, reason))?;
            for (((name, dtype), value), builder) in columns.iter().zip(&values).zip(&mut builders) {
                if push(builder, dtype, value).is_none() {
                    return Err(misfit(record.line, format!("column \"{name}\" is {dtype}, and {value} is not")));
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

fn push(builder: &mut ColumnBuilder, dtype: &DataType, value: &Value) -> Option<()> {
    match value {
        Value::Null => {
            builder.push_null();
            Some(())
        }
        Value::String(text) if builder.is_text() || dtype.is_temporal() => builder.push(text.as_bytes()),
        Value::String(_) => None,
        Value::Bool(_) if builder.is_text() || *dtype == DataType::Boolean => {
            builder.push(value.to_string().as_bytes())
        }
        Value::Number(_) if builder.is_text() || dtype.is_numeric() => builder.push(value.to_string().as_bytes()),
        Value::Array(_) | Value::Object(_) if builder.is_text() => builder.push(value.to_string().as_bytes()),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => None,
    }
}
