//! COPY: rows of a query into files, and rows of files into a table.

use super::Session;
use super::names::quoted;
use super::result::StatementResult;
use super::writes::{Destination, NewFiles, Refusal, Written, targets};
use crate::catalog::warehouse::Staging;
use crate::catalog::write::{Compression, CsvLayout, FileFormat, ROW_GROUP_ROWS};
use crate::journal::ErrorCode;
use crate::plan::bind::bind;
use crate::plan::bind::write::{self, Order};
use crate::shell::units;
use crate::shell::view::Watch;
use crate::sql::statement::{Copy, CopyOption, CopySource, Statement};
use crate::sql::suggest::{did_you_mean, similar};
use crate::sql::{DataType, Diagnostic, parse};
use std::path::{Path, PathBuf};

/// Options of COPY ... TO.
const TO_OPTIONS: &[&str] = &[
    "format",
    "header",
    "delimiter",
    "delim",
    "sep",
    "quote",
    "force_quote",
    "nullstr",
    "null",
    "compression",
    "codec",
    "row_group_size",
    "partition_by",
    "overwrite",
    "overwrite_or_ignore",
    "append",
    "dateformat",
    "timestampformat",
    "escape",
];

/// DuckDB's options that change nothing of what is written when they have this value, and are not there otherwise.
const ONLY_WITH: &[(&str, &str)] = &[
    ("per_thread_output", "false"),
    ("use_tmp_file", "true"),
    ("preserve_order", "true"),
    ("write_partition_columns", "false"),
    ("return_files", "false"),
    ("array", "false"),
    ("file_size_bytes", ""),
    ("filename_pattern", ""),
    ("file_extension", ""),
    ("parquet_version", ""),
    ("kv_metadata", ""),
    ("field_ids", ""),
    ("row_groups_per_file", ""),
    ("row_group_size_bytes", ""),
    ("compression_level", ""),
    ("encryption_config", ""),
    ("prefix", ""),
    ("suffix", ""),
    ("new_line", ""),
    ("encoding", ""),
];

/// What of an existing folder stays when partitions are written to it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Existing {
    Refuse,
    Replace,
    Keep,
}

/// The options of COPY ... TO, understood.
struct ToOptions {
    format: FileFormat,
    partition_by: Vec<String>,
    existing: Existing,
    date_format: Option<String>,
    timestamp_format: Option<String>,
}

impl Session {
    /// `COPY`.
    pub(super) fn copy(&mut self, copy: &Copy, text: &str, watch: &mut dyn Watch) -> StatementResult {
        let mut written = Written { text, watch };
        let result = if copy.to { self.copy_to(copy, &mut written) } else { self.copy_from(copy, &mut written) };
        match result {
            Ok(result) => result,
            Err(Refusal::Error(error)) => StatementResult::error(error, text),
            Err(Refusal::Failed(result)) => result.remember(self, text),
        }
    }

    fn copy_to(&mut self, copy: &Copy, written: &mut Written) -> Result<StatementResult, Refusal> {
        if self.stores.safe {
            let message = "--safe: no files are written outside the warehouse";
            return Err(Diagnostic::new(ErrorCode::NotSupported, message).at(copy.file_span).into());
        }
        if let Some(scheme) = remote_scheme(&copy.file) {
            return Err(no_remote(scheme).at(copy.file_span).into());
        }
        let options = to_options(copy)?;
        let clock = self.next_clock();
        let text = written.text;
        let bound = match &copy.source {
            CopySource::Query(query) => self.bind(clock, text, Some(&mut *written.watch), |c| bind(query, text, c))?.0,
            CopySource::Table { name, columns, span } => {
                let columns: Vec<String> = columns.iter().map(|column| quoted(column)).collect();
                let columns = if columns.is_empty() { "*".to_string() } else { columns.join(", ") };
                let name: Vec<String> = name.iter().map(|part| quoted(part)).collect();
                let sql = format!("SELECT {columns} FROM {}", name.join("."));
                let Statement::Query(query) = parse(&sql)?.statement else {
                    return Err(Diagnostic::new(ErrorCode::GenericInternalError, "a SELECT is no query").into());
                };
                let bound = self.bind(clock, &sql, None, |context| bind(&query, &sql, context));
                bound.map_err(|error| Diagnostic { span: Some(*span), ..error })?.0
            }
        };
        let mut partitions = Vec::new();
        for name in &options.partition_by {
            let found = bound.output.iter().position(|column| column.name.eq_ignore_ascii_case(name));
            let Some(at) = found else {
                let names: Vec<&str> = bound.output.iter().map(|column| column.name.as_str()).collect();
                let error = Diagnostic::new(
                    ErrorCode::ColumnNotFound,
                    format!("There is no column \"{name}\" to partition by"),
                );
                let hint = did_you_mean(&similar(name, names.iter().copied()));
                return Err(error.at(copy.file_span).hint(hint.unwrap_or_else(|| names.join(", "))).into());
            };
            partitions.push(at);
        }
        if !partitions.is_empty() && partitions.len() == bound.output.len() {
            let message = "Every column is one to partition by: nothing would be left for the files";
            return Err(Diagnostic::new(ErrorCode::InvalidArguments, message).at(copy.file_span).into());
        }
        let form = |dtype: &DataType| match dtype {
            DataType::Date => options.date_format.clone(),
            DataType::Timestamp | DataType::TimestampTz => options.timestamp_format.clone(),
            _ => None,
        };
        let source = |at| match options.format {
            _ if partitions.contains(&at) => write::Written::Texts,
            FileFormat::Parquet { .. } => write::Written::Values,
            FileFormat::NdJson { .. } => write::Written::Json,
            _ => write::Written::Texts,
        };
        let bound = write::as_written(bound, source, form)?;
        let path = PathBuf::from(&copy.file);
        let folder = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent.to_path_buf(),
            _ => PathBuf::from("."),
        };
        let partitioned = !partitions.is_empty();
        if partitioned && options.existing == Existing::Refuse && holds_files(&path) {
            let message = format!("The folder {} is not empty", path.display());
            return Err(Diagnostic::new(ErrorCode::OutputFailed, message)
                .at(copy.file_span)
                .hint("OVERWRITE replaces what is in it, APPEND adds to it")
                .into());
        }
        if path.is_dir() && !partitioned {
            let message = format!("{} is a folder", path.display());
            return Err(Diagnostic::new(ErrorCode::OutputFailed, message)
                .at(copy.file_span)
                .hint("name a file in it")
                .into());
        }
        let staging = Staging::beside(&folder).map_err(|error| {
            let message = format!("Cannot write into {}: {error}", folder.display());
            Diagnostic::new(ErrorCode::OutputFailed, message).at(copy.file_span)
        })?;
        let columns = bound.output.clone();
        let partition_by = partitions.iter().map(|at| (columns[*at].name.clone(), columns[*at].column)).collect();
        let destination = Destination {
            name: format!("'{}'", copy.file),
            staging,
            format: options.format,
            not_null: Vec::new(),
            counted: false,
            partition_by,
            one_file: true,
            columns: &columns,
        };
        let new = self.write_files(bound, clock, destination, written)?;
        let moved = if partitioned { move_folders(&new, &path, options.existing) } else { move_file(&new, &path) };
        moved.map_err(|error| {
            let message = format!("Cannot write {}: {error}", path.display());
            Diagnostic::new(ErrorCode::OutputFailed, message).at(copy.file_span)
        })?;
        let rows = units::counted(new.rows(), "row");
        let files = units::counted(new.files.len() as u64, "file");
        let what = if partitioned {
            format!("{rows} written to {files} in {}.", path.display())
        } else {
            format!("{rows} written to {}.", path.display())
        };
        Ok(new.reply(what))
    }

    fn copy_from(&mut self, copy: &Copy, written: &mut Written) -> Result<StatementResult, Refusal> {
        let CopySource::Table { name, columns: named, span } = &copy.source else {
            return Err(Diagnostic::new(ErrorCode::SyntaxError, "rows are read into a table").into());
        };
        let (place, _, columns) = self.stored_table(name, Some(*span))?;
        let target = targets(&columns);
        let mut positions = Vec::new();
        for column in named {
            let Some(at) = target.iter().position(|t| t.name.eq_ignore_ascii_case(column)) else {
                return Err(write::no_column(column, &target).at(*span).into());
            };
            positions.push(at);
        }
        if positions.is_empty() {
            positions = (0..target.len()).collect();
        }
        let sql = from_query(
            copy,
            &positions.iter().map(|at| &columns[*at]).map(|c| (c.name.as_str(), &c.dtype)).collect::<Vec<_>>(),
        )?;
        let Statement::Query(query) = parse(&sql)?.statement else {
            return Err(Diagnostic::new(ErrorCode::GenericInternalError, "a SELECT is no query").into());
        };
        let clock = self.next_clock();
        let order = Order::Position(positions);
        let bound = self.bind(clock, &sql, None, |context| write::bind_insert(&query, &sql, context, &target, &order));
        let (bound, _) = bound.map_err(|error| Diagnostic { span: Some(copy.file_span), ..error })?;
        let new = self.write_table(bound, clock, &place, &columns, false, written)?;
        let rows = new.rows();
        self.append(&place, &columns, &new)?;
        Ok(new.reply(format!("{} copied into {}.", units::counted(rows, "row"), place.display())))
    }
}

/// `s3` of `s3://bucket/file`, if it is not on this machine.
pub(super) fn remote_scheme(path: &str) -> Option<&str> {
    let (scheme, _) = path.split_once("://")?;
    (!scheme.is_empty() && scheme.chars().all(|c| c.is_ascii_alphanumeric()) && scheme != "file").then_some(scheme)
}

fn no_remote(scheme: &str) -> Diagnostic {
    Diagnostic::new(ErrorCode::NotSupported, format!("Files on other machines ({scheme}://) cannot be written"))
        .hint("write a local file, and upload it with the tools of the service")
}

/// Whether a folder is there and has something in it.
fn holds_files(path: &Path) -> bool {
    path.is_file() || std::fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_some())
}

fn move_file(new: &NewFiles, path: &Path) -> std::io::Result<()> {
    match &new.files[..] {
        [file] => new.staging.take(&file.name, path),
        _ => Err(std::io::Error::other("the rows are not in one file")),
    }
}

/// Moves folders of partitions to `path`: all at once where nothing is to stay there.
fn move_folders(new: &NewFiles, path: &Path, existing: Existing) -> std::io::Result<()> {
    let own = new.staging.path().join("all");
    std::fs::create_dir_all(&own)?;
    for file in &new.files {
        let target = own.join(&file.name);
        if let Some(folder) = target.parent() {
            std::fs::create_dir_all(folder)?;
        }
        new.staging.take(&file.name, &target)?;
    }
    if existing != Existing::Keep || !path.exists() {
        if path.exists() {
            std::fs::rename(path, new.staging.path().join("replaced"))?;
        }
        return std::fs::rename(&own, path);
    }
    for file in &new.files {
        let mut target = path.join(&file.name);
        if let Some(folder) = target.parent() {
            std::fs::create_dir_all(folder)?;
            // A name that no other statement has.
            let name = target.file_name().unwrap_or_default().to_string_lossy().into_owned();
            target = folder.join(format!("{}-{name}", new.staging.id()));
        }
        std::fs::rename(own.join(&file.name), target)?;
    }
    Ok(())
}

fn to_options(copy: &Copy) -> Result<ToOptions, Diagnostic> {
    let wrong = |option: &CopyOption, what: &str| {
        let message = format!("The option {} takes {what}", option.name.to_uppercase());
        Diagnostic::new(ErrorCode::InvalidArguments, message).at(option.span)
    };
    let lower = copy.file.to_lowercase();
    let packed = [(".gz", Compression::Gzip), (".zst", Compression::Zstd)];
    let packed = packed
        .iter()
        .find(|(end, _)| lower.ends_with(end))
        .map(|(end, compression)| (lower.trim_end_matches(end), *compression));
    let bare = packed.map_or(lower.as_str(), |(bare, _)| bare);
    let mut format = match bare.rsplit('.').next() {
        Some("parquet" | "parq" | "pq") => "parquet",
        Some("json" | "ndjson" | "jsonl") => "json",
        _ => "csv",
    };
    let mut layout = CsvLayout { delimiter: if bare.ends_with(".tsv") { b'\t' } else { b',' }, ..CsvLayout::default() };
    let mut compression = packed.map(|(_, compression)| compression);
    let (mut partition_by, mut existing, mut row_group_rows) = (Vec::new(), Existing::Refuse, ROW_GROUP_ROWS);
    let (mut date_format, mut timestamp_format, mut escape) = (None, None, None);
    for option in &copy.options {
        let value = option.values.first().map(String::as_str);
        let flag = || match value.map(str::to_lowercase).as_deref() {
            None | Some("true" | "on" | "1" | "yes") => Ok(true),
            Some("false" | "off" | "0" | "no") => Ok(false),
            Some(_) => Err(wrong(option, "true or false")),
        };
        let byte = || match value.map(str::as_bytes) {
            Some([byte]) if byte.is_ascii() => Ok(*byte),
            Some(b"\\t") => Ok(b'\t'),
            _ => Err(wrong(option, "one character")),
        };
        match option.name.as_str() {
            "format" => {
                format = match value.map(str::to_lowercase).as_deref() {
                    Some("csv") => "csv",
                    Some("parquet") => "parquet",
                    Some("json" | "ndjson") => "json",
                    _ => return Err(wrong(option, "parquet, csv or json")),
                }
            }
            "header" => layout.header = flag()?,
            "delimiter" | "delim" | "sep" => layout.delimiter = byte()?,
            "quote" => layout.quote = byte()?,
            "force_quote" => layout.force_quote = flag().unwrap_or(true),
            "nullstr" | "null" => layout.null_text = value.unwrap_or_default().to_string(),
            "compression" | "codec" => {
                compression = Some(match value.map(str::to_lowercase).as_deref() {
                    Some("none" | "uncompressed") => Compression::None,
                    Some("gzip" | "gz") => Compression::Gzip,
                    Some("zstd") => Compression::Zstd,
                    Some("snappy") => Compression::Snappy,
                    _ => return Err(wrong(option, "snappy, gzip, zstd or none")),
                })
            }
            "row_group_size" => match value.and_then(|text| text.parse::<usize>().ok()).filter(|rows| *rows > 0) {
                Some(rows) => row_group_rows = rows,
                None => return Err(wrong(option, "a number of rows")),
            },
            "partition_by" => partition_by.clone_from(&option.values),
            "overwrite" => existing = if flag()? { Existing::Replace } else { existing },
            "overwrite_or_ignore" | "append" => existing = if flag()? { Existing::Keep } else { existing },
            "dateformat" => date_format = value.map(str::to_string),
            "timestampformat" => timestamp_format = value.map(str::to_string),
            "escape" => escape = Some((byte()?, option.span)),
            name => match ONLY_WITH.iter().find(|(known, _)| *known == name) {
                Some((_, only)) if value.unwrap_or("true").eq_ignore_ascii_case(only) => {}
                Some(_) => {
                    let message = format!("not supported yet: the option {} of COPY", name.to_uppercase());
                    return Err(Diagnostic::new(ErrorCode::NotSupported, message).at(option.span));
                }
                None => return Err(unknown_option(name, TO_OPTIONS).at(option.span)),
            },
        }
    }
    if let Some((_, place)) = escape.filter(|(escape, _)| *escape != layout.quote) {
        return Err(Diagnostic::new(ErrorCode::NotSupported, "not supported yet: an ESCAPE that is not the quote")
            .at(place)
            .hint("a quote inside of quotes is written twice"));
    }
    let format = match format {
        "parquet" => FileFormat::Parquet { compression: compression.unwrap_or(Compression::Snappy), row_group_rows },
        text => {
            let compression = compression.unwrap_or(Compression::None);
            if compression == Compression::Snappy {
                let message = "Text files are compressed with gzip or zstd";
                return Err(Diagnostic::new(ErrorCode::InvalidArguments, message).at(copy.file_span));
            }
            if text == "csv" { FileFormat::Csv { layout, compression } } else { FileFormat::NdJson { compression } }
        }
    };
    Ok(ToOptions { format, partition_by, existing, date_format, timestamp_format })
}

fn unknown_option(name: &str, known: &[&str]) -> Diagnostic {
    let error = Diagnostic::new(ErrorCode::InvalidArguments, format!("COPY has no option \"{name}\""));
    let near = similar(name, known.iter().copied());
    error.hint(did_you_mean(&near).unwrap_or_else(|| format!("there are {}", known.join(", "))))
}

/// The query that reads the rows of COPY ... FROM: values of text formats are read as the types of the table.
fn from_query(copy: &Copy, columns: &[(&str, &DataType)]) -> Result<String, Diagnostic> {
    let text = |text: &str| format!("'{}'", text.replace('\'', "''"));
    let lower = copy.file.to_lowercase();
    let bare = lower.trim_end_matches(".gz").trim_end_matches(".zst");
    let mut format = match bare.rsplit('.').next() {
        Some("parquet" | "parq" | "pq") => "parquet",
        Some("json" | "ndjson" | "jsonl") => "json",
        _ => "csv",
    };
    let mut arguments = vec![text(&copy.file)];
    for option in &copy.options {
        let value = option.values.first().map_or("true", String::as_str);
        if option.name == "format" {
            format = match value.to_lowercase().as_str() {
                "csv" => "csv",
                "parquet" => "parquet",
                "json" | "ndjson" => "json",
                _ => {
                    let message = "The option FORMAT takes parquet, csv or json";
                    return Err(Diagnostic::new(ErrorCode::InvalidArguments, message).at(option.span));
                }
            };
            continue;
        }
        let name = match option.name.as_str() {
            "delimiter" | "delim" | "sep" => "delim",
            "null" | "nullstr" => "nullstr",
            name => name,
        };
        let word =
            matches!(value.to_lowercase().as_str(), "true" | "false") || value.parse::<u64>().is_ok() && name == "skip";
        arguments.push(format!("{name} = {}", if word { value.to_lowercase() } else { text(value) }));
    }
    if format == "csv" {
        let types: Vec<String> =
            columns.iter().map(|(name, dtype)| format!("{}: {}", text(name), text(&dtype.to_string()))).collect();
        arguments.push(format!("columns = {{{}}}", types.join(", ")));
    }
    let wanted = match format {
        // Objects have names, whatever their order.
        "json" => {
            columns.iter().map(|(name, _)| format!("\"{}\"", name.replace('"', "\"\""))).collect::<Vec<_>>().join(", ")
        }
        _ => "*".to_string(),
    };
    Ok(format!("SELECT {wanted} FROM read_{format}({})", arguments.join(", ")))
}
