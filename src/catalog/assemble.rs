//! From files to a table: one schema, rows counted, statistics merged.

use super::footer::{Footer, ValueRange, read_footer};
use super::options::{FileOptions, Packing, ReadFormat, TextOptions};
use super::partitions::add_constants;
use super::pieces::{Piece, PieceRange};
use super::storage::{SourceFile, file_id};
use super::table::{ColumnInfo, ColumnStatistics, CsvDialect, Format, Table, TableFile};
use super::text::{TextKind, TextLayout, fixed_width, layout_of, sample_distinct};
use crate::journal::ErrorCode;
use crate::sql::{DataType, Diagnostic, Value};
use polars_parquet::read::{BasicDecompressor, ColumnChunkMetadata, PageReader};
use std::cmp::Ordering;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A data file by its place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct FilePlace {
    pub path: PathBuf,
    pub embedded: bool,
}

/// What a file's name says about its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FileKind {
    Parquet,
    Text(TextKind),
    /// Data, but compressed as a whole.
    Compressed,
}

/// The kind of a file, by its extension; None for what is no data.
pub(super) fn kind_of(path: &Path) -> Option<FileKind> {
    let extension = |path: &Path| path.extension().map(|e| e.to_string_lossy().to_lowercase());
    match extension(path)?.as_str() {
        "parquet" | "parq" | "pq" => Some(FileKind::Parquet),
        "csv" | "tsv" => Some(FileKind::Text(TextKind::Csv)),
        "ndjson" | "jsonl" | "json" => Some(FileKind::Text(TextKind::NdJson)),
        "gz" | "zst" => match kind_of(&path.with_extension(""))? {
            text @ FileKind::Text(_) => Some(text),
            _ => Some(FileKind::Compressed),
        },
        "bz2" | "xz" => kind_of(&path.with_extension("")).map(|_| FileKind::Compressed),
        _ => None,
    }
}

/// How a file is compressed as a whole, by its extension.
pub(super) fn packing_of(path: &Path) -> Packing {
    match path.extension().map(|e| e.to_string_lossy().to_lowercase()).as_deref() {
        Some("gz") => Packing::Gzip,
        Some("zst") => Packing::Zstd,
        _ => Packing::None,
    }
}

/// A table over files, read as `options` say: the columns of their folders come last.
pub(super) fn assemble_with(
    schema: &str,
    name: &str,
    places: &[FilePlace],
    options: &FileOptions,
) -> Result<Table, Diagnostic> {
    let mut table = match options.format {
        Some(ReadFormat::Parquet) => parquet_table(schema, name, places, options.union_by_name),
        Some(ReadFormat::Csv) => text_table(schema, name, places, TextKind::Csv, options),
        Some(ReadFormat::NdJson) => text_table(schema, name, places, TextKind::NdJson, options),
        None => assemble_known(schema, name, places, options),
    }?;
    add_constants(&mut table, places, options);
    Ok(table)
}

/// A table over files, in their order. BAD_DATA names the file that cannot be read or differs from the first one.
pub(super) fn assemble(schema: &str, name: &str, places: &[FilePlace]) -> Result<Table, Diagnostic> {
    assemble_known(schema, name, places, &FileOptions::default())
}

fn assemble_known(schema: &str, name: &str, places: &[FilePlace], options: &FileOptions) -> Result<Table, Diagnostic> {
    let first = places.first().ok_or_else(|| no_data(name, "it has no files"))?;
    let kind = kind_of(&first.path).ok_or_else(|| {
        Diagnostic::new(
            ErrorCode::NotSupported,
            format!("The file {} has no extension that tells its format", first.path.display()),
        )
        .hint("files are read as .parquet, .csv, .tsv, .ndjson, .jsonl or .json")
    })?;
    for place in places {
        if kind_of(&place.path) != Some(kind) {
            return Err(differs(&first.path, &place.path, "another format"));
        }
    }
    match kind {
        FileKind::Parquet => parquet_table(schema, name, places, options.union_by_name),
        FileKind::Text(kind) => text_table(schema, name, places, kind, options),
        FileKind::Compressed => Err(Diagnostic::new(
            ErrorCode::NotSupported,
            format!("not supported yet: the compressed file {}", first.path.display()),
        )
        .hint("unpack it first; Parquet files are compressed inside")),
    }
}

fn no_data(name: &str, reason: &str) -> Diagnostic {
    Diagnostic::new(ErrorCode::FileNotFound, format!("Table \"{name}\" cannot be read: {reason}"))
}

fn differs(first: &Path, other: &Path, what: &str) -> Diagnostic {
    Diagnostic::new(
        ErrorCode::BadData,
        format!("The files {} and {} cannot be one table: {what}", first.display(), other.display()),
    )
}

fn parquet_table(schema: &str, name: &str, places: &[FilePlace], by_name: bool) -> Result<Table, Diagnostic> {
    let footers: Vec<Arc<Footer>> =
        places.iter().map(|place| read_footer(&place.path, place.embedded)).collect::<Result<_, _>>()?;
    let first = &footers[0];
    for (place, footer) in places.iter().zip(&footers).skip(1) {
        for (column, dtype) in first.schema() {
            match footer.schema().find(|(other, _)| *other == column) {
                None if by_name => {}
                None => return Err(differs(&places[0].path, &place.path, &format!("column \"{column}\" is missing"))),
                Some((_, other)) if other != dtype => {
                    let what = format!("column \"{column}\" is {dtype} in one and {other} in the other");
                    return Err(differs(&places[0].path, &place.path, &what));
                }
                Some(_) => {}
            }
        }
        if !by_name
            && let Some((extra, _)) =
                footer.schema().find(|(column, _)| first.schema().all(|(other, _)| other != *column))
        {
            return Err(differs(&places[0].path, &place.path, &format!("column \"{extra}\" is in one only")));
        }
    }
    let rows = footers.iter().map(|footer| footer.rows()).sum();
    let mut all: Vec<(&str, &DataType)> = first.schema().collect();
    for (column, dtype) in footers.iter().skip(1).flat_map(|footer| footer.schema()) {
        match all.iter().find(|(known, _)| *known == column) {
            None => all.push((column, dtype)),
            Some((_, known)) if *known != dtype => {
                let what = format!("column \"{column}\" is {known} in one and {dtype} in another");
                return Err(no_data(name, &what));
            }
            Some(_) => {}
        }
    }
    let columns = all
        .into_iter()
        .map(|(column, dtype)| {
            let mut merged = MergedRange::default();
            for footer in &footers {
                let Some(at) = footer.schema().position(|(other, _)| other == column) else {
                    let nulls = ValueRange { nulls: Some(footer.rows()), ..ValueRange::default() };
                    merged.add(&nulls, footer.rows());
                    continue;
                };
                footer.row_groups.iter().for_each(|group| merged.add(&group.columns[at], group.rows));
            }
            let mut statistics = merged.statistics(dtype, rows);
            statistics.distinct = Some(distinct_in_parquet(&places[0], first, column, &statistics, rows));
            ColumnInfo { name: column.to_string(), dtype: dtype.clone(), statistics }
        })
        .collect();
    let files = places
        .iter()
        .zip(&footers)
        .map(|(place, footer)| TableFile {
            id: file_id(&place.path),
            path: place.path.clone(),
            embedded: place.embedded,
            fingerprint: footer.fingerprint,
            rows: footer.rows(),
            constants: Vec::new(),
            packing: Packing::None,
            options: TextOptions::default(),
        })
        .collect();
    Ok(Table { schema: schema.into(), name: name.into(), columns, format: Format::Parquet, files, rows, memory: None })
}

/// Bounds over parts, as far as every part that has values tells them.
#[derive(Default)]
struct MergedRange {
    min: Option<Value>,
    max: Option<Value>,
    unbounded: bool,
    nulls: u64,
    nulls_unknown: bool,
    bytes: u64,
}

impl MergedRange {
    fn add(&mut self, part: &ValueRange, rows: u64) {
        self.bytes += part.bytes;
        match part.nulls {
            Some(nulls) => self.nulls += nulls,
            None => self.nulls_unknown = true,
        }
        if rows == 0 || part.nulls == Some(rows) {
            return;
        }
        match (&part.min, &part.max) {
            (Some(min), Some(max)) => {
                if self.min.as_ref().is_none_or(|known| compare(min, known) == Some(Ordering::Less)) {
                    self.min = Some(min.clone());
                }
                if self.max.as_ref().is_none_or(|known| compare(max, known) == Some(Ordering::Greater)) {
                    self.max = Some(max.clone());
                }
            }
            _ => self.unbounded = true,
        }
    }

    fn statistics(self, dtype: &DataType, rows: u64) -> ColumnStatistics {
        let known = !self.unbounded;
        let width = match dtype {
            // What the values take in the file, before compression; dictionaries make it an underestimate.
            DataType::Varchar | DataType::Blob | DataType::List(_) if rows > 0 => {
                (self.bytes as f64 / rows as f64).max(8.0)
            }
            other => fixed_width(other),
        };
        ColumnStatistics {
            min: self.min.filter(|_| known),
            max: self.max.filter(|_| known),
            nulls: (!self.nulls_unknown).then_some(self.nulls),
            distinct: None,
            width,
        }
    }
}

/// The order of two values of one type; None for values that have none.
pub(super) fn compare(left: &Value, right: &Value) -> Option<Ordering> {
    match (left, right) {
        (Value::Boolean(l), Value::Boolean(r)) => Some(l.cmp(r)),
        (Value::Int(l), Value::Int(r)) => Some(l.cmp(r)),
        (Value::Float(l), Value::Float(r)) => l.partial_cmp(r),
        (Value::Varchar(l), Value::Varchar(r)) => Some(l.cmp(r)),
        (Value::Blob(l), Value::Blob(r)) => Some(l.cmp(r)),
        _ => None,
    }
}

/// An estimate from the size of the first row group's dictionary and from the bounds.
fn distinct_in_parquet(
    place: &FilePlace,
    footer: &Footer,
    column: &str,
    statistics: &ColumnStatistics,
    rows: u64,
) -> u64 {
    let values = rows.saturating_sub(statistics.nulls.unwrap_or_default());
    let span = span_of(&statistics.min, &statistics.max).unwrap_or(u64::MAX);
    let at = footer.columns.iter().position(|known| known.name == column);
    let sampled = at.and_then(|at| {
        let group = footer.metadata.row_groups.first()?;
        let chunk = group.parquet_columns().get(footer.columns[at].first_leaf)?;
        let seen = dictionary_size(place, chunk)?;
        let range = &footer.row_groups[0].columns[at];
        // Where the data is sorted, the first row group knows only the beginning of the whole range.
        let clustered = match span_of(&range.min, &range.max) {
            Some(part) if span < u64::MAX => (seen as f64 * (span as f64 / part as f64)) as u64,
            _ => 0,
        };
        Some(sample_distinct(seen, chunk.num_values().max(0) as u64, values).max(clustered))
    });
    sampled.unwrap_or(values).min(span).min(values)
}

/// How many different values fit between two bounds; None where that cannot be counted.
fn span_of(min: &Option<Value>, max: &Option<Value>) -> Option<u64> {
    match (min, max) {
        (Some(Value::Int(min)), Some(Value::Int(max))) => {
            Some(u64::try_from(max.saturating_sub(*min)).map_or(u64::MAX, |span| span.saturating_add(1)))
        }
        (Some(Value::Boolean(min)), Some(Value::Boolean(max))) => Some(1 + u64::from(min != max)),
        _ => None,
    }
}

/// How many entries the dictionary of a column chunk has; None without one.
fn dictionary_size(place: &FilePlace, chunk: &ColumnChunkMetadata) -> Option<u64> {
    const LARGEST_DICTIONARY: u64 = 8 * 1024 * 1024;
    let start = chunk.byte_range().start;
    let length = u64::try_from(chunk.data_page_offset()).ok()?.checked_sub(start)?;
    if length == 0 || length > LARGEST_DICTIONARY {
        return None;
    }
    let file = SourceFile::open(&place.path, place.embedded).ok()?;
    let bytes = file.read_at(start, length as usize).ok()?;
    let pages = PageReader::new(Cursor::new(bytes.into()), chunk, Vec::new(), usize::MAX);
    let page = BasicDecompressor::new(pages, Vec::new()).read_dict_page().ok()??;
    Some(page.num_values as u64)
}

fn text_table(
    schema: &str,
    name: &str,
    places: &[FilePlace],
    kind: TextKind,
    options: &FileOptions,
) -> Result<Table, Diagnostic> {
    let packings: Vec<Packing> =
        places.iter().map(|place| options.text.packing.unwrap_or_else(|| packing_of(&place.path))).collect();
    let layouts: Vec<Arc<TextLayout>> = places
        .iter()
        .zip(&packings)
        .map(|(place, packing)| layout_of(&place.path, place.embedded, kind, *packing, &options.text))
        .collect::<Result<_, _>>()?;
    let mut columns = layouts[0].columns.clone();
    let mut dialect = layouts[0].dialect.clone();
    let mut rows = layouts[0].rows;
    for (place, layout) in places.iter().zip(&layouts).skip(1) {
        if let (Some(dialect), Some(other)) = (&mut dialect, &layout.dialect) {
            if (dialect.delimiter, dialect.header) != (other.delimiter, other.header) {
                return Err(differs(&places[0].path, &place.path, "they differ in delimiter or header"));
            }
            let names = |columns: &[ColumnInfo]| columns.iter().map(|c| c.name.clone()).collect::<Vec<_>>();
            if names(&columns) != names(&layout.columns) {
                return Err(differs(&places[0].path, &place.path, "their columns have different names"));
            }
            unify_dates(dialect, other, &mut columns, layout);
        }
        merge_columns(&mut columns, rows, &layout.columns, layout.rows);
        rows += layout.rows;
    }
    let files = places
        .iter()
        .zip(layouts.iter().zip(packings))
        .map(|(place, (layout, packing))| TableFile {
            id: file_id(&place.path),
            path: place.path.clone(),
            embedded: place.embedded,
            fingerprint: layout.fingerprint,
            rows: layout.rows,
            constants: Vec::new(),
            packing,
            options: options.text.clone(),
        })
        .collect();
    let format = dialect.map_or(Format::NdJson, Format::Csv);
    Ok(Table { schema: schema.into(), name: name.into(), columns, format, files, rows, memory: None })
}

/// Columns whose files write dates in different ways become texts.
fn unify_dates(dialect: &mut CsvDialect, other: &CsvDialect, columns: &mut [ColumnInfo], layout: &TextLayout) {
    for null in &other.null_text {
        if !dialect.null_text.contains(null) {
            dialect.null_text.push(null.clone());
        }
    }
    for (index, column) in columns.iter_mut().enumerate() {
        let form =
            |dialect: &CsvDialect| dialect.date_formats.iter().find(|(i, _)| *i == index).map(|(_, f)| f.clone());
        if column.dtype == layout.columns[index].dtype && form(dialect) != form(other) {
            column.dtype = DataType::Varchar;
            dialect.date_formats.retain(|(i, _)| *i != index);
        }
    }
}

/// Adds another file's columns, by name: types widen, bounds cover both.
fn merge_columns(columns: &mut Vec<ColumnInfo>, rows: u64, others: &[ColumnInfo], other_rows: u64) {
    let without = |rows: u64| ColumnStatistics { nulls: Some(rows), ..ColumnStatistics::default() };
    for column in columns.iter_mut() {
        let absent = without(other_rows);
        let other = others.iter().find(|other| other.name == column.name);
        let empty = |statistics: &ColumnStatistics, rows: u64| statistics.nulls == Some(rows);
        let (mine, theirs) = (&column.statistics, other.map_or(&absent, |other| &other.statistics));
        let (mine_empty, theirs_empty) = (empty(mine, rows), empty(theirs, other_rows));
        let their_type = other.map_or(&column.dtype, |other| &other.dtype);
        let dtype = match (mine_empty, theirs_empty) {
            (true, false) => their_type.clone(),
            (_, true) => column.dtype.clone(),
            (false, false) => wider(&column.dtype, their_type),
        };
        let bound = |mine: &Option<Value>, theirs: &Option<Value>, wanted: Ordering| match (mine, theirs) {
            (known, _) if theirs_empty => known.clone(),
            (_, known) if mine_empty => known.clone(),
            (Some(mine), Some(theirs)) => {
                let order = compare(theirs, mine)?;
                Some(if order == wanted { theirs.clone() } else { mine.clone() })
            }
            _ => None,
        };
        let statistics = ColumnStatistics {
            min: bound(&mine.min, &theirs.min, Ordering::Less),
            max: bound(&mine.max, &theirs.max, Ordering::Greater),
            nulls: mine.nulls.zip(theirs.nulls).map(|(a, b)| a + b),
            distinct: mine.distinct.max(theirs.distinct),
            width: mine.width.max(theirs.width),
        };
        column.dtype = dtype;
        column.statistics = statistics;
    }
    for other in others {
        if columns.iter().all(|column| column.name != other.name) {
            let mut new = other.clone();
            new.statistics.nulls = new.statistics.nulls.map(|nulls| nulls + rows);
            columns.push(new);
        }
    }
}

fn wider(left: &DataType, right: &DataType) -> DataType {
    use DataType::{BigInt, Double, HugeInt, Varchar};
    match (left, right) {
        (left, right) if left == right => left.clone(),
        (BigInt, HugeInt) | (HugeInt, BigInt) => HugeInt,
        (BigInt | HugeInt, Double) | (Double, BigInt | HugeInt) => Double,
        _ => Varchar,
    }
}

impl Table {
    /// The units of scan work, in reading order: row groups, runs of whole records, or all rows of a memory table.
    /// SOURCE_CHANGED if a file is not the one that the table was made from any more.
    pub fn pieces(&self) -> Result<Vec<Piece>, Diagnostic> {
        let mut pieces = Vec::new();
        for (index, file) in self.files.iter().enumerate() {
            let index = index as u32;
            let fingerprint = match &self.format {
                Format::Parquet => {
                    let footer = read_footer(&file.path, file.embedded)?;
                    pieces.extend(footer.row_groups.iter().enumerate().filter(|(_, group)| group.rows > 0).map(
                        |(first, group)| Piece {
                            file: index,
                            range: PieceRange::RowGroups { first: first as u32, count: 1 },
                            rows: group.rows,
                            bytes: group.bytes,
                        },
                    ));
                    footer.fingerprint
                }
                Format::Csv(_) | Format::NdJson => {
                    let kind = if self.format == Format::NdJson { TextKind::NdJson } else { TextKind::Csv };
                    let layout = layout_of(&file.path, file.embedded, kind, file.packing, &file.options)?;
                    pieces.extend(layout.pieces.iter().map(|piece| Piece {
                        file: index,
                        range: PieceRange::Bytes { start: piece.start, end: piece.end, first_line: piece.first_line },
                        rows: piece.rows,
                        bytes: piece.end - piece.start,
                    }));
                    layout.fingerprint
                }
                Format::Memory => file.fingerprint,
            };
            if fingerprint != file.fingerprint {
                return Err(Diagnostic::new(
                    ErrorCode::SourceChanged,
                    format!("The file {} changed while the query was planned", file.path.display()),
                )
                .hint("run the statement again"));
            }
        }
        if let Some(memory) = &self.memory {
            let rows = memory.0.height() as u64;
            let bytes = memory.0.estimated_size() as u64;
            pieces.push(Piece { file: 0, range: PieceRange::Rows { start: 0, end: rows }, rows, bytes });
        }
        Ok(pieces)
    }
}
