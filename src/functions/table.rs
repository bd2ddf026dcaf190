//! What a scalar function is, and how a name and argument types find one.

use super::list::FUNCTIONS;
use super::typing::implicit_cost;
use super::{Eval, Mismatch, Signature, column_of};
use crate::sql::{DataType, Value};
use polars::prelude::Column;

/// Where a function stands in the help.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Category {
    Operator,
    Number,
    Text,
    Pattern,
    /// Encodings and hashes.
    Bytes,
    DateTime,
    Conditional,
    /// Lists, structs, maps.
    Nested,
    Json,
    Other,
}

impl Category {
    /// The heading that people see.
    pub fn name(self) -> &'static str {
        match self {
            Category::Operator => "operator",
            Category::Number => "number",
            Category::Text => "text",
            Category::Pattern => "pattern",
            Category::Bytes => "bytes",
            Category::DateTime => "date and time",
            Category::Conditional => "conditional",
            Category::Nested => "nested",
            Category::Json => "JSON",
            Category::Other => "other",
        }
    }
}

/// How argument types are checked.
#[derive(Debug, Clone, Copy)]
pub(super) enum Typing {
    /// Written signatures, `VARCHAR, BIGINT -> VARCHAR`; `ANY` takes every type as it is, `T...` any number of T, one at least.
    Overloads(&'static [&'static str]),
    /// A rule, and how it is shown.
    Rule(fn(&[DataType]) -> Option<Signature>, &'static [&'static str]),
}

/// Whether a call can raise an error on some row. One that cannot may be evaluated on rows that do not need it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fails {
    Never,
    /// Never, but every call gives another value: it is kept where it stands, as one that fails is.
    Volatile,
    /// Unless the result is floating point.
    UnlessFloat,
    /// By the arguments behind the first, a text: the same for every text.
    ByPattern,
    Sometimes,
}

/// A scalar function or operator.
#[derive(Debug)]
pub struct ScalarFunction {
    /// The canonical name, as it stands in a bound call.
    pub name: &'static str,
    pub aliases: &'static [&'static str],
    pub category: Category,
    /// One line for people.
    pub help: &'static str,
    /// A call that works as it stands, without SELECT.
    pub example: &'static str,
    pub(super) typing: Typing,
    pub(super) fails: Fails,
    pub(super) eval: Eval,
}

impl ScalarFunction {
    /// The signatures as text: `round(DECIMAL), round(DOUBLE, INTEGER)`.
    pub fn signatures(&self) -> Vec<String> {
        let written = match self.typing {
            Typing::Overloads(written) | Typing::Rule(_, written) => written,
        };
        let call = |text: &&str| {
            let (args, result) = text.split_once("->").unwrap_or((text, ""));
            format!("{}({}) -> {}", self.name, args.trim(), result.trim())
        };
        written.iter().map(call).collect()
    }

    /// What a call with these argument types means, if it is allowed.
    pub fn bind(&self, args: &[DataType]) -> Option<Signature> {
        match self.typing {
            Typing::Rule(rule, _) => rule(args),
            Typing::Overloads(written) => {
                best(written.iter().filter_map(|text| expand(text, args.len())), args, implicit_cost)
            }
        }
    }

    /// Whether a call may raise an error on some row. `constants` has the value of each argument that is a constant.
    pub fn can_fail(&self, result: &DataType, constants: &[Option<&Value>]) -> bool {
        match self.fails {
            Fails::Never => false,
            Fails::Sometimes | Fails::Volatile => true,
            Fails::UnlessFloat => !matches!(result, DataType::Float | DataType::Double),
            Fails::ByPattern => !self.takes_pattern(result, constants),
        }
    }

    /// Whether what stands behind the text is constant and goes well with any text: with the empty one.
    fn takes_pattern(&self, result: &DataType, constants: &[Option<&Value>]) -> bool {
        let Some((_, behind)) = constants.split_first() else { return false };
        let empty = Value::Varchar(String::new());
        let values: Option<Vec<&Value>> = std::iter::once(Some(&empty)).chain(behind.iter().copied()).collect();
        let types = vec![DataType::Varchar; constants.len()];
        let args = values.map(|values| values.into_iter().map(|value| column_of(value, &DataType::Varchar)));
        let args: Option<Vec<Column>> = args.and_then(|args| args.collect::<Result<_, _>>().ok());
        args.is_some_and(|args| (self.eval)(&args, &types, result, 1).is_ok())
    }

    /// Whether two calls with the same arguments differ, as those of `random()` do.
    pub fn is_volatile(&self) -> bool {
        self.fails == Fails::Volatile
    }

    /// The kernel of this function; arguments must have the types of a signature that [`ScalarFunction::bind`] gave.
    pub fn eval(&self) -> Eval {
        self.eval
    }
}

fn best(
    overloads: impl Iterator<Item = Signature>,
    args: &[DataType],
    cost: fn(&DataType, &DataType) -> Option<u32>,
) -> Option<Signature> {
    let mut found: Option<(u32, Signature)> = None;
    for mut overload in overloads {
        let mut total = 0;
        let fits = overload.args.iter_mut().zip(args).all(|(wanted, given)| {
            // ANY is written as the type NULL: everything goes as it is.
            if *wanted == DataType::Null {
                *wanted = given.clone();
                return true;
            }
            cost(given, wanted).map(|one| total += one).is_some()
        });
        if fits && found.as_ref().is_none_or(|(least, _)| total < *least) {
            found = Some((total, overload));
        }
    }
    found.map(|(_, signature)| signature)
}

/// A written signature for `count` arguments.
fn expand(text: &str, count: usize) -> Option<Signature> {
    let (args, result) = text.split_once("->")?;
    let mut types = Vec::with_capacity(count);
    for arg in args.split(',').map(str::trim).filter(|arg| !arg.is_empty()) {
        match arg.strip_suffix("...") {
            Some(repeated) => {
                let t = written_type(repeated)?;
                types.push(t.clone());
                while types.len() < count {
                    types.push(t.clone());
                }
            }
            None => types.push(written_type(arg)?),
        }
    }
    (types.len() == count).then_some(Signature { args: types, result: written_type(result.trim())? })
}

fn written_type(name: &str) -> Option<DataType> {
    if name == "ANY" { Some(DataType::Null) } else { parse_type(name) }
}

/// A type by one of its SQL names, `DECIMAL(15,2)`, `INTEGER[]`; None if there is no such type.
pub fn parse_type(name: &str) -> Option<DataType> {
    use DataType::*;
    let name = name.trim();
    if let Some(item) = name.strip_suffix("[]") {
        return Some(List(Box::new(parse_type(item)?)));
    }
    let upper = name.to_ascii_uppercase();
    if let Some(parts) = upper.strip_prefix("MAP(").and_then(|rest| rest.strip_suffix(')')) {
        let mut depth = 0;
        let comma = parts.find(|c| {
            depth += i32::from(c == '(') - i32::from(c == ')');
            c == ',' && depth == 0
        })?;
        let (key, value) = (parse_type(&parts[..comma])?, parse_type(&parts[comma + 1..])?);
        return Some(Map(Box::new(key), Box::new(value)));
    }
    let (base, parameters) = match upper.split_once('(') {
        Some((base, rest)) => (base.trim_end(), Some(rest.strip_suffix(')')?)),
        None => (upper.as_str(), None),
    };
    if matches!(base, "DECIMAL" | "NUMERIC" | "DEC") {
        let mut numbers = parameters.unwrap_or("18,3").split(',').map(|n| n.trim().parse::<u8>());
        let precision = numbers.next()?.ok()?;
        let scale = numbers.next().unwrap_or(Ok(0)).ok()?;
        let valid = (1..=38).contains(&precision) && scale <= precision && numbers.next().is_none();
        return valid.then_some(Decimal { precision, scale });
    }
    Some(match base {
        "BOOLEAN" | "BOOL" | "LOGICAL" => Boolean,
        "TINYINT" | "INT1" => TinyInt,
        "SMALLINT" | "INT2" | "INT16" | "SHORT" => SmallInt,
        "INTEGER" | "INT" | "INT4" | "INT32" | "SIGNED" => Integer,
        "BIGINT" | "INT8" | "INT64" | "LONG" => BigInt,
        "HUGEINT" | "INT128" => HugeInt,
        "UTINYINT" | "UINT8" => UTinyInt,
        "USMALLINT" | "UINT16" => USmallInt,
        "UINTEGER" | "UINT32" => UInteger,
        "UBIGINT" | "UINT64" => UBigInt,
        "FLOAT" | "FLOAT4" | "REAL" => Float,
        "DOUBLE" | "FLOAT8" | "DOUBLE PRECISION" => Double,
        "VARCHAR" | "TEXT" | "STRING" | "CHAR" | "BPCHAR" | "CHARACTER VARYING" => Varchar,
        "BLOB" | "BYTEA" | "BINARY" | "VARBINARY" => Blob,
        "DATE" => Date,
        "TIME" => Time,
        "TIMESTAMP" | "DATETIME" | "TIMESTAMP WITHOUT TIME ZONE" => Timestamp,
        "TIMESTAMP_US" => Timestamp,
        "TIMESTAMP_S" => TimestampS,
        "TIMESTAMP_MS" => TimestampMs,
        "TIMESTAMP_NS" => TimestampNs,
        "TIMESTAMPTZ" | "TIMESTAMP WITH TIME ZONE" => TimestampTz,
        "INTERVAL" => Interval,
        "UUID" | "GUID" => Uuid,
        "JSON" => Json,
        _ => return None,
    })
}

/// Every function and operator, in the order of the list.
pub fn all() -> impl Iterator<Item = &'static ScalarFunction> {
    FUNCTIONS.iter().copied().flatten()
}

/// The function of that name or alias, whatever the case.
pub fn find(name: &str) -> Option<&'static ScalarFunction> {
    let is = |known: &str| known.eq_ignore_ascii_case(name);
    all().find(|f| is(f.name) || f.aliases.iter().any(|alias| is(alias)))
}

/// What a call means: the function, the types its arguments must be cast to, and the type of its result.
///
/// Operators go by their sign (`+`, `=`, `||`), negation is `neg`, LIKE is `like` (with the escape character as a third
/// argument), as is `ilike`; a string literal may come as VARCHAR and is read as what the other side is.
pub fn resolve(name: &str, args: &[DataType]) -> Result<(&'static ScalarFunction, Signature), Mismatch> {
    let function = find(name).ok_or_else(|| Mismatch::Unknown { similar: similar_names(name) })?;
    match function.bind(args) {
        Some(signature) => Ok((function, signature)),
        None => Err(Mismatch::Arguments { expected: function.signatures().join(", ") }),
    }
}

/// Makes the result type of a call exact where it hangs on a constant argument: `round(1.234, 2)` is DECIMAL(4,2).
/// `constants` holds the value of each argument that is a literal.
pub fn refine_result(function: &ScalarFunction, signature: &mut Signature, constants: &[Option<&Value>]) {
    if let ("strptime" | "try_strptime", [_, Some(Value::Varchar(format))]) = (function.name, constants)
        && super::dateformat::names_zone(format)
    {
        signature.result = DataType::TimestampTz;
    }
    if let ("json_extract" | "json_extract_string", [_, path]) = (function.name, constants)
        && super::json::typing::leads_to_many(*path)
    {
        signature.result = signature.result.clone().list_of();
    }
    if let (
        "round" | "trunc" | "round_even",
        [DataType::Decimal { precision, scale }, _],
        [_, Some(Value::Int(digits))],
    ) = (function.name, signature.args.as_slice(), constants)
    {
        let kept = (*digits).clamp(0, i128::from(*scale)) as u8;
        signature.result = DataType::Decimal { precision: *precision, scale: kept };
    }
}

/// The functions whose names are nearest to one that does not exist, best first.
fn similar_names(name: &str) -> Vec<String> {
    let named = all().filter(|f| f.category != Category::Operator);
    let known = named.flat_map(|f| std::iter::once(f.name).chain(f.aliases.iter().copied()));
    let aggregates =
        super::aggregates::AGGREGATES.iter().flat_map(|f| std::iter::once(f.name).chain(f.aliases.iter().copied()));
    let known = known.chain(aggregates).chain(super::windows::WINDOWS.iter().map(|f| f.name));
    crate::sql::suggest::similar(name, known).into_iter().map(str::to_string).collect()
}
