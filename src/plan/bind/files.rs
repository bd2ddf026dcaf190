//! Functions in FROM that read files, with their options.

use super::binder::{Binder, not_supported};
use super::coerce::cast;
use super::from::{Source, parts};
use super::literal::data_type;
use crate::catalog::{FileOptions, Packing, ReadFormat};
use crate::journal::ErrorCode;
use crate::plan::expr::{ColumnDef, Expr, ExprKind};
use crate::plan::logical::LogicalPlan;
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
    "all_varchar",
    "ignore_errors",
    "compression",
    "dateformat",
    "auto_detect",
    "sample_size",
    "escape",
    "format",
];
const ALL_OPTIONS: &[&str] = &["filename", "union_by_name", "hive_partitioning"];

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
    const NAMES: &[&str] =
        &["read_parquet", "read_csv", "read_json", "read_ndjson", "parquet_scan", "range", "generate_series", "unnest"];
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
                Some((option, value)) => self.option(&function, &option, value, &mut options, &mut casts)?,
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
        let table = self.context.tables.read_files(&patterns, &options).map_err(|e| e.at(at.or(place)))?;
        for (name, _) in &casts.named {
            if table.columns.iter().all(|column| !column.name.eq_ignore_ascii_case(name)) {
                let names: Vec<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
                let error = Diagnostic::new(ErrorCode::ColumnNotFound, format!("The file has no column \"{name}\""));
                let hint = did_you_mean(&similar(name, names.iter().copied()));
                return Err(error
                    .at(place)
                    .hint(hint.unwrap_or_else(|| format!("its columns are {}", names.join(", ")))));
            }
        }
        let source = self.scan(table, place)?;
        let (plan, mut relations) = self.with_types(source, &casts, options.text.ignore_errors)?;
        for relation in relations.iter_mut().filter(|_| casts.only_named) {
            let order = |name: &str| casts.named.iter().position(|(named, _)| named.eq_ignore_ascii_case(name));
            relation.columns.retain(|column| order(&column.name).is_some());
            relation.columns.sort_by_key(|column| order(&column.name));
        }
        Ok((plan, relations))
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
        match (&casts.date_format, wanted) {
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
        function: &str,
        option: &str,
        value: &ast::Expr,
        options: &mut FileOptions,
        casts: &mut Casts,
    ) -> Result<()> {
        let place = self.span_of(value);
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
        let known = ALL_OPTIONS.contains(&option) || is_text && TEXT_OPTIONS.contains(&option);
        if !known {
            let all: Vec<&str> = ALL_OPTIONS.iter().chain(if is_text { TEXT_OPTIONS } else { &[] }).copied().collect();
            let error = Diagnostic::new(ErrorCode::InvalidArguments, format!("{function} has no option \"{option}\""));
            let hint = did_you_mean(&similar(option, all.iter().copied()));
            return Err(error.at(place).hint(hint.unwrap_or_else(|| format!("there are {}", all.join(", ")))));
        }
        match option {
            "filename" => options.filename = flag()?,
            "union_by_name" => options.union_by_name = flag()?,
            "hive_partitioning" => options.hive = Some(flag()?),
            "delim" | "sep" | "delimiter" => options.text.delimiter = Some(byte()?),
            "quote" => options.text.quote = Some(byte()?),
            "header" => options.text.header = Some(flag()?),
            "skip" => options.text.skip = text()?.parse().map_err(|_| wrong("a number of lines"))?,
            "nullstr" | "null" => {
                options.text.null_texts = Some(list(value).ok_or_else(|| wrong("a text, or several"))?)
            }
            "names" => options.text.names = list(value).ok_or_else(|| wrong("names"))?,
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
            "dateformat" => casts.date_format = Some(text()?),
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
