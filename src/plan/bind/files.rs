//! Functions in FROM that read files, with their options.

use super::binder::{Binder, not_supported};
use super::coerce::cast;
use super::from::{Source, parts, relation_of};
use super::literal::data_type;
use super::query::Bound;
use crate::catalog::{FileOptions, Packing, ReadFormat, TableRef, files_matching};
use crate::journal::ErrorCode;
use crate::plan::expr::{ColumnDef, Expr, ExprKind};
use crate::plan::logical::{LogicalPlan, OutputColumn};
use crate::sql::DataType;
use crate::sql::diagnostic::{Diagnostic, Result, Span};
use crate::sql::parse::parse_type;
use crate::sql::suggest::{did_you_mean, similar};
use sqlparser::ast::{self, BinaryOperator, FunctionArg, FunctionArgExpr, FunctionArgOperator};

/// What the readers of text take beside what all take.
const TEXT_OPTIONS: &[&str] = &[
    "delim",
    "sep",
    "delimiter",
    "quote",
    "header",
    "skip",
    "nullstr",
    "null",
    "names",
    "columns",
    "types",
    "dtypes",
    "column_types",
    "column_names",
    "all_varchar",
    "ignore_errors",
    "compression",
    "dateformat",
    "date_format",
    "timestampformat",
    "timestamp_format",
    "auto_detect",
    "sample_size",
    "escape",
    "format",
];
const ALL_OPTIONS: &[&str] = &["filename", "union_by_name", "hive_partitioning"];
/// DuckDB's options that say how fast to read, not what: nothing follows from them here.
const WITHOUT_EFFECT: &[&str] = &[
    "parallel",
    "buffer_size",
    "max_line_size",
    "maximum_line_size",
    "maximum_object_size",
    "files_to_sniff",
    "can_have_nan",
    "binary_as_string",
];
/// Those that change what is read, and are not there.
const NOT_THERE: &[(&str, &str)] = &[
    (
        "comment",
        "lines can be left out with WHERE where the file is read as one column: delim = '\\t', all_varchar = true",
    ),
    ("decimal_separator", "read the column as VARCHAR: replace(x, ',', '.')::DOUBLE"),
    ("thousands", "read the column as VARCHAR: replace(x, ',', '')::DOUBLE"),
    ("null_padding", "ignore_errors = true leaves out records with too few values"),
    ("normalize_names", "names = ['a', 'b'] names the columns"),
    ("new_line", "both kinds of line ends are read"),
    ("strict_mode", "ignore_errors = true leaves out records that do not fit"),
    ("encoding", "files have to be UTF-8; iconv converts others"),
    ("force_not_null", "coalesce(x, '') stands for it"),
    ("allow_quoted_nulls", "nullstr = '...' says what stands for NULL"),
    ("auto_type_candidates", "types = {'a': 'VARCHAR'} says what a column is"),
    ("store_rejects", "ignore_errors = true leaves out records that do not fit"),
    ("rejects_table", "ignore_errors = true leaves out records that do not fit"),
    ("rejects_scan", "ignore_errors = true leaves out records that do not fit"),
    ("rejects_limit", "ignore_errors = true leaves out records that do not fit"),
    ("hive_types", "CAST the column of the folders"),
    ("hive_types_autocast", "CAST the column of the folders"),
    ("records", "objects are rows, their fields columns"),
    ("maximum_depth", "columns = {'a': 'JSON'} keeps what is inside as JSON"),
    ("field_appearance_threshold", "columns = {'a': 'JSON'} says what a column is"),
    ("map_inference_threshold", "columns = {'a': 'MAP(VARCHAR, INTEGER)'} says what a column is"),
    ("convert_strings_to_integers", "columns = {'a': 'BIGINT'} says what a column is"),
    ("file_row_number", "row_number() OVER () numbers rows"),
    ("schema", "SELECT a AS b, ... names the columns"),
    ("encryption_config", "files have to be readable as they are"),
];

/// Functions that read files: `read_parquet('x')` is `FROM 'x'`.
fn format_of(function: &str) -> Option<ReadFormat> {
    Some(match function {
        "read_parquet" | "parquet_scan" => ReadFormat::Parquet,
        "read_csv" | "read_csv_auto" => ReadFormat::Csv,
        "read_json" | "read_json_auto" | "read_ndjson" | "read_ndjson_auto" => ReadFormat::NdJson,
        _ => return None,
    })
}

/// FUNCTION_NOT_FOUND for a table function, with the nearest of those that there are.
fn no_table_function(name: &str, place: Option<Span>) -> Diagnostic {
    const NAMES: &[&str] = &[
        "read_parquet",
        "read_csv",
        "read_json",
        "read_ndjson",
        "parquet_scan",
        "read_text",
        "query",
        "query_table",
        "range",
        "generate_series",
        "unnest",
    ];
    let instead = match name {
        "sniff_csv" => Some("DESCRIBE FROM 'file.csv' shows what was found in a file"),
        "parquet_metadata" | "parquet_schema" | "parquet_file_metadata" | "parquet_kv_metadata" => {
            Some("DESCRIBE FROM 'file.parquet' shows its columns")
        }
        "read_blob" => Some("read_text('file') reads files as texts"),
        "read_json_objects" | "read_ndjson_objects" | "read_json_objects_auto" => {
            Some("SELECT to_json(t) FROM 'file.json' AS t makes JSON of the rows")
        }
        "json_each" => Some(
            "SELECT unnest(json_keys(j)) gives the keys of an object, unnest(json_extract(j, '$[*]')) the items of an array",
        ),
        "json_tree" => Some("json_structure(j) shows what is inside; json_extract(j, '$.a.b') takes a part"),
        "read_xlsx" | "st_read" | "iceberg_scan" | "delta_scan" | "postgres_scan" | "sqlite_scan" | "mysql_scan" => {
            Some("Parquet, CSV and JSON files are read")
        }
        _ => None,
    };
    if let Some(instead) = instead {
        return not_supported(format!("the table function {name}"), place).hint(instead);
    }
    let is_scalar = crate::functions::find(name).is_some() || crate::functions::aggregates::is_aggregate(name);
    let message = match is_scalar {
        true => format!("{name} is a function of values: it makes no table"),
        false => format!("table function \"{name}\" does not exist"),
    };
    let hint = match is_scalar {
        true => format!("SELECT {name}(...)"),
        false => did_you_mean(&similar(name, NAMES.iter().copied()))
            .unwrap_or_else(|| format!("there are {}", NAMES.join(", "))),
    };
    Diagnostic::new(ErrorCode::FunctionNotFound, message).at(place).hint(hint)
}

/// What the options say beyond what the catalog has to know: types that the query casts to.
#[derive(Default)]
struct Casts {
    /// By name.
    named: Vec<(String, DataType)>,
    /// By position.
    placed: Vec<DataType>,
    date_format: Option<String>,
    timestamp_format: Option<String>,
    /// What the column that `filename` adds is called.
    file_column: Option<String>,
    /// Whether those that are named are all that there are: `columns` of JSON.
    only_named: bool,
}

impl<'q> Binder<'q> {
    /// A table function that reads files.
    pub(super) fn read_function(
        &mut self,
        name: &ast::ObjectName,
        args: &'q ast::TableFunctionArgs,
        place: Option<Span>,
    ) -> Result<Source> {
        let function = parts(name).join(".").to_lowercase();
        if let Some(source) = self.named_by_text(&function, args, place)? {
            return Ok(source);
        }
        let Some(format) = format_of(&function) else {
            let argument = match &args.args[..] {
                [] => None,
                [FunctionArg::Unnamed(FunctionArgExpr::Expr(ast::Expr::Value(value)))] => match &value.value {
                    ast::Value::SingleQuotedString(text) => Some(text.as_str()),
                    _ => return Err(no_table_function(&function, place)),
                },
                _ => return Err(no_table_function(&function, place)),
            };
            return match self.context.tables.table_function(&function, argument).map_err(|e| e.at(place))? {
                Some(table) => self.scan(table, place),
                None => Err(no_table_function(&function, place)),
            };
        };
        let mut options = FileOptions { format: Some(format), ..FileOptions::default() };
        let mut casts = Casts::default();
        let mut patterns: Vec<(String, Option<Span>)> = Vec::new();
        for (index, arg) in args.args.iter().enumerate() {
            match named(arg) {
                Some((option, value)) => {
                    let at = self.option_place(arg, value);
                    self.option((&function, &option), value, at, (&mut options, &mut casts))?;
                }
                None if index == 0 => match arg {
                    FunctionArg::Unnamed(FunctionArgExpr::Expr(value)) => patterns = self.paths(value, place)?,
                    _ => return Err(not_supported(format!("{function} of anything but paths in quotes"), place)),
                },
                None => return Err(not_supported(format!("a second argument of {function} without a name"), place)),
            }
        }
        let Some((_, at)) = patterns.first().cloned() else {
            let message = format!("{function} needs a path in quotes");
            return Err(Diagnostic::new(ErrorCode::InvalidArguments, message).at(place));
        };
        let patterns: Vec<String> = patterns.into_iter().map(|(pattern, _)| pattern).collect();
        options.text.as_text.extend(casts.named.iter().map(|(name, _)| name.clone()));
        if !casts.placed.is_empty() {
            options.text.all_text = true;
        }
        if let (None, Some(_), false) = (
            &casts.named.first(),
            casts.date_format.as_ref().or(casts.timestamp_format.as_ref()),
            !casts.placed.is_empty(),
        ) {
            let message = "A format of dates is for columns whose types are given";
            return Err(Diagnostic::new(ErrorCode::InvalidArguments, message)
                .at(place)
                .hint("types = {'day': 'DATE'}; without both, dates are found by themselves"));
        }
        let tables = self.tables_of(&patterns, &mut options).map_err(|e| e.at(at.or(place)))?;
        for (name, _) in &casts.named {
            let mut columns = tables.iter().flat_map(|table| &table.columns);
            if columns.all(|column| !column.name.eq_ignore_ascii_case(name)) {
                let names: Vec<&str> = tables[0].columns.iter().map(|column| column.name.as_str()).collect();
                let error = Diagnostic::new(ErrorCode::ColumnNotFound, format!("The file has no column \"{name}\""));
                let hint = did_you_mean(&similar(name, names.iter().copied()));
                return Err(error
                    .at(place)
                    .hint(hint.unwrap_or_else(|| format!("its columns are {}", names.join(", ")))));
            }
        }
        let constants = tables[0].files.first().map_or(0, |file| file.constants.len());
        let names = tables[0].columns.iter().rev().take(constants).map(|column| column.name.clone());
        let last: Vec<String> = names.collect();
        let mut sources = Vec::with_capacity(tables.len());
        for table in tables {
            let source = self.scan(table, place)?;
            sources.push(self.with_types(source, &casts, options.text.ignore_errors)?);
        }
        let (plan, mut relations) = self.together(sources).map_err(|e| e.at(place))?;
        // What follows from where a file is stands behind what is in it.
        for relation in &mut relations {
            relation.columns.sort_by_key(|column| last.contains(&column.name));
        }
        for column in relations.iter_mut().flat_map(|relation| &mut relation.columns) {
            if let Some(name) = casts.file_column.as_ref().filter(|_| column.name == "filename") {
                column.name.clone_from(name);
            }
        }
        for relation in relations.iter_mut().filter(|_| casts.only_named) {
            let order = |name: &str| casts.named.iter().position(|(named, _)| named.eq_ignore_ascii_case(name));
            relation.columns.retain(|column| order(&column.name).is_some());
            relation.columns.sort_by_key(|column| order(&column.name));
        }
        Ok((plan, relations))
    }

    /// The table of all files, or one for each where columns of CSV files are matched by their names: the places of values are
    /// those of a file. A column that has texts in one of them is text in all.
    fn tables_of(&self, patterns: &[String], options: &mut FileOptions) -> Result<Vec<TableRef>> {
        let by_name = options.union_by_name && options.format == Some(ReadFormat::Csv);
        let mut files = Vec::new();
        for pattern in patterns.iter().filter(|_| by_name) {
            let found = files_matching(pattern);
            files.extend(if found.is_empty() { vec![pattern.clone()] } else { found });
        }
        if files.len() < 2 {
            return Ok(vec![self.context.tables.read_files(patterns, options)?]);
        }
        let read = |options: &FileOptions| -> Result<Vec<TableRef>> {
            files.iter().map(|file| self.context.tables.read_files(std::slice::from_ref(file), options)).collect()
        };
        let tables = read(options)?;
        let mut types: Vec<(&str, &DataType, bool)> = Vec::new();
        for (table, column) in tables.iter().flat_map(|table| table.columns.iter().map(move |column| (table, column))) {
            // Nothing but NULLs says nothing of a type.
            if column.statistics.nulls == Some(table.rows) {
                continue;
            }
            match types.iter_mut().find(|(name, ..)| name.eq_ignore_ascii_case(&column.name)) {
                Some((_, dtype, differ)) => {
                    *differ |= **dtype != column.dtype && !(dtype.is_numeric() && column.dtype.is_numeric());
                }
                None => types.push((&column.name, &column.dtype, false)),
            }
        }
        let texts: Vec<String> =
            types.into_iter().filter(|(_, _, differ)| *differ).map(|(name, ..)| name.to_string()).collect();
        if texts.is_empty() {
            return Ok(tables);
        }
        options.text.as_text.extend(texts);
        read(options)
    }

    /// The rows of all sources, whose columns are matched by name.
    fn together(&mut self, sources: Vec<Source>) -> Result<Source> {
        let bound = |(plan, relations): Source| {
            let columns = relations.into_iter().flat_map(|relation| relation.columns);
            let output = columns.map(|c| OutputColumn { name: c.name, column: c.id, dtype: c.dtype }).collect();
            Bound { plan, output }
        };
        let mut sources = sources.into_iter();
        let Some(first) = sources.next() else { return Err(not_supported("no file", None)) };
        if sources.len() == 0 {
            return Ok(first);
        }
        let mut all = bound(first);
        for source in sources {
            all = self.united_by_name(all, bound(source))?;
        }
        let relation = relation_of(Vec::new(), &all.output);
        Ok((all.plan, vec![relation]))
    }

    /// Where an option of a call stands.
    fn option_place(&self, arg: &FunctionArg, value: &ast::Expr) -> Option<Span> {
        let name = match arg {
            FunctionArg::Named { name, .. } => self.span(name.span),
            FunctionArg::Unnamed(FunctionArgExpr::Expr(ast::Expr::BinaryOp { left, .. })) => self.span_of(&**left),
            _ => None,
        };
        match (name, self.span_of(value)) {
            (Some(name), Some(value)) => Some(name.to(value)),
            (name, value) => name.or(value),
        }
    }

    /// The columns of a scan, cast to the types that were given for them.
    fn with_types(&mut self, source: Source, casts: &Casts, lenient: bool) -> Result<Source> {
        if casts.named.is_empty() && casts.placed.is_empty() {
            return Ok(source);
        }
        let (mut plan, mut relations) = source;
        let mut columns: Vec<(ColumnDef, Expr)> = Vec::new();
        let mut misfits = Vec::new();
        for (index, column) in relations.iter_mut().flat_map(|r| &mut r.columns).enumerate() {
            let by_name = casts.named.iter().find(|(name, _)| name.eq_ignore_ascii_case(&column.name));
            let wanted = by_name.map(|(_, dtype)| dtype).or_else(|| casts.placed.get(index));
            let value = Expr::column(column.id, column.dtype.clone());
            let value = match wanted {
                Some(wanted) if *wanted != column.dtype => self.read_as(value, wanted, casts, lenient)?,
                _ => value,
            };
            if value.as_column().is_none() {
                if lenient {
                    misfits.push((Expr::column(column.id, column.dtype.clone()), value.clone()));
                }
                let def = self.column(column.name.clone(), value.dtype.clone());
                column.id = def.id;
                column.dtype = def.dtype.clone();
                column.alone = Some((def.id, def.dtype.clone()));
                columns.push((def, value));
            } else {
                let def = ColumnDef { id: column.id, name: column.name.clone(), dtype: column.dtype.clone() };
                columns.push((def, value));
            }
        }
        if !misfits.is_empty() {
            let is_null = |arg: Expr, negated| Expr {
                kind: ExprKind::IsNull { arg: Box::new(arg), negated },
                dtype: DataType::Boolean,
                span: None,
            };
            let fits = misfits.into_iter().map(|(text, value)| Expr {
                kind: ExprKind::Or(vec![is_null(text, false), is_null(value, true)]),
                dtype: DataType::Boolean,
                span: None,
            });
            plan = LogicalPlan::Filter { input: Box::new(plan), predicate: Expr::and(fits.collect()) };
        }
        Ok((LogicalPlan::Project { input: Box::new(plan), columns }, relations))
    }

    fn read_as(&mut self, value: Expr, wanted: &DataType, casts: &Casts, lenient: bool) -> Result<Expr> {
        let form = match wanted {
            DataType::Timestamp => casts.timestamp_format.as_ref().or(casts.date_format.as_ref()),
            _ => casts.date_format.as_ref(),
        };
        match (form, wanted) {
            (Some(form), DataType::Date | DataType::Timestamp) => {
                let form = Expr::literal(crate::sql::Value::Varchar(form.clone()), DataType::Varchar);
                let function = if lenient { "try_strptime" } else { "strptime" };
                let stamp = super::call::scalar(function, vec![value, form], None)?;
                cast(stamp, wanted.clone(), lenient)
            }
            _ => cast(value, wanted.clone(), lenient),
        }
    }

    /// `'a'`, `['a', 'b']`.
    fn paths(&self, value: &ast::Expr, place: Option<Span>) -> Result<Vec<(String, Option<Span>)>> {
        match value {
            ast::Expr::Value(value) => match &value.value {
                ast::Value::SingleQuotedString(path) => Ok(vec![(path.clone(), self.span(value.span))]),
                _ => Err(not_supported("a path that is not in quotes", place)),
            },
            ast::Expr::Array(array) => {
                let mut all = Vec::new();
                for item in &array.elem {
                    all.extend(self.paths(item, place)?);
                }
                Ok(all)
            }
            _ => Err(not_supported("a path that is not in quotes", place)),
        }
    }

    fn option(
        &self,
        (function, option): (&str, &str),
        value: &ast::Expr,
        place: Option<Span>,
        (options, casts): (&mut FileOptions, &mut Casts),
    ) -> Result<()> {
        let is_text = options.format != Some(ReadFormat::Parquet);
        let wrong = |what: &str| {
            let message = format!("The option {option} of {function} takes {what}");
            Diagnostic::new(ErrorCode::InvalidArguments, message).at(place)
        };
        let flag = || match literal(value).as_deref() {
            Some("true" | "1") => Ok(true),
            Some("false" | "0") => Ok(false),
            _ => Err(wrong("true or false")),
        };
        let text = || literal(value).ok_or_else(|| wrong("a text"));
        let byte = || match literal(value).as_deref().map(str::as_bytes) {
            Some([byte]) if byte.is_ascii() => Ok(*byte),
            Some(b"\\t") => Ok(b'\t'),
            _ => Err(wrong("one character")),
        };
        if WITHOUT_EFFECT.contains(&option) {
            return Ok(());
        }
        if let Some((name, instead)) = NOT_THERE.iter().find(|(name, _)| *name == option) {
            return Err(not_supported(format!("the option {name} of {function}"), place).hint(*instead));
        }
        let known = ALL_OPTIONS.contains(&option) || is_text && TEXT_OPTIONS.contains(&option);
        if !known {
            let all: Vec<&str> = ALL_OPTIONS.iter().chain(if is_text { TEXT_OPTIONS } else { &[] }).copied().collect();
            let error = Diagnostic::new(ErrorCode::InvalidArguments, format!("{function} has no option \"{option}\""));
            let hint = did_you_mean(&similar(option, all.iter().copied()));
            return Err(error.at(place).hint(hint.unwrap_or_else(|| format!("there are {}", all.join(", ")))));
        }
        match option {
            "filename" => match literal(value) {
                Some(name) if !matches!(name.as_str(), "true" | "false" | "1" | "0") => {
                    options.filename = true;
                    casts.file_column = Some(name);
                }
                _ => options.filename = flag()?,
            },
            "union_by_name" => options.union_by_name = flag()?,
            "hive_partitioning" => options.hive = Some(flag()?),
            "delim" | "sep" | "delimiter" => options.text.delimiter = Some(byte()?),
            "quote" => options.text.quote = Some(byte()?),
            "header" => options.text.header = Some(flag()?),
            "skip" => options.text.skip = text()?.parse().map_err(|_| wrong("a number of lines"))?,
            "nullstr" | "null" => {
                options.text.null_texts = Some(list(value).ok_or_else(|| wrong("a text, or several"))?)
            }
            "names" | "column_names" => options.text.names = list(value).ok_or_else(|| wrong("names"))?,
            "all_varchar" => options.text.all_text = flag()?,
            "ignore_errors" => options.text.ignore_errors = flag()?,
            "compression" => {
                options.text.packing = match text()?.to_lowercase().as_str() {
                    "auto" | "auto_detect" => None,
                    "none" | "uncompressed" => Some(Packing::None),
                    "gzip" => Some(Packing::Gzip),
                    "zstd" => Some(Packing::Zstd),
                    _ => return Err(wrong("gzip, zstd, none or auto")),
                }
            }
            "dateformat" | "date_format" => casts.date_format = Some(text()?),
            "timestampformat" | "timestamp_format" => casts.timestamp_format = Some(text()?),
            "columns" | "types" | "dtypes" | "column_types" => match pairs(value) {
                Some(given) => {
                    for (name, written) in given {
                        let parsed = parse_type(&written).map_err(|error| error.at(place))?;
                        casts.named.push((name.clone(), data_type(&parsed, place)?));
                        match options.format {
                            Some(ReadFormat::Csv) if option == "columns" => options.text.names.push(name),
                            Some(ReadFormat::NdJson) if option == "columns" => casts.only_named = true,
                            _ => {}
                        }
                    }
                }
                None => {
                    for written in list(value).ok_or_else(|| wrong("types, as in {'a': 'INTEGER'}"))? {
                        let parsed = parse_type(&written).map_err(|error| error.at(place))?;
                        casts.placed.push(data_type(&parsed, place)?);
                    }
                }
            },
            // What is detected is detected over the whole file; a doubled quote is the only escape.
            "auto_detect" | "sample_size" | "escape" | "format" => {}
            _ => return Err(not_supported(format!("the option {option}"), place)),
        }
        Ok(())
    }
}

/// `name = value`, `name := value`, `name => value`.
fn named(arg: &FunctionArg) -> Option<(String, &ast::Expr)> {
    match arg {
        FunctionArg::Named { name, arg: FunctionArgExpr::Expr(value), operator }
            if !matches!(operator, FunctionArgOperator::Value) =>
        {
            Some((name.value.to_lowercase(), value))
        }
        FunctionArg::Unnamed(FunctionArgExpr::Expr(ast::Expr::BinaryOp { left, op: BinaryOperator::Eq, right })) => {
            match &**left {
                ast::Expr::Identifier(name) => Some((name.value.to_lowercase(), right)),
                _ => None,
            }
        }
        _ => None,
    }
}

/// A text, number or truth value, as text.
fn literal(value: &ast::Expr) -> Option<String> {
    match value {
        ast::Expr::Value(value) => match &value.value {
            ast::Value::SingleQuotedString(text) | ast::Value::EscapedStringLiteral(text) => Some(text.clone()),
            ast::Value::Number(digits, _) => Some(digits.to_string()),
            ast::Value::Boolean(value) => Some(value.to_string()),
            _ => None,
        },
        ast::Expr::Identifier(word) => Some(word.value.to_lowercase()),
        ast::Expr::UnaryOp { op: ast::UnaryOperator::Minus, expr } => literal(expr).map(|text| format!("-{text}")),
        _ => None,
    }
}

/// `'a'`, `['a', 'b']`.
fn list(value: &ast::Expr) -> Option<Vec<String>> {
    match value {
        ast::Expr::Array(array) => array.elem.iter().map(literal).collect(),
        other => literal(other).map(|text| vec![text]),
    }
}

/// `{'a': 'INTEGER', 'b': 'DATE'}`.
fn pairs(value: &ast::Expr) -> Option<Vec<(String, String)>> {
    match value {
        ast::Expr::Dictionary(fields) => {
            fields.iter().map(|field| Some((field.key.value.clone(), literal(&field.value)?))).collect()
        }
        _ => None,
    }
}
