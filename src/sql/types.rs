//! SQL types and values, as DuckDB names them, and the Polars type that stands for each inside kernels.
//!
//! Kernels see *physical* columns only: a DATE is an `Int32` column of days, a TIMESTAMP an `Int64` of microseconds, a
//! DECIMAL of up to 18 digits an `Int64` of unscaled units and a wider one an `Int128`. Polars' own Date, Datetime and
//! Decimal types appear only at the file and output edges; what a column means is in our type beside it.

use serde::{Deserialize, Serialize};

/// A SQL type.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum DataType {
    /// The type of a bare NULL before it meets another type. Physical: `Boolean`, all null. A result column of it is shown as INTEGER.
    Null,
    Boolean,
    /// 8 bits.
    TinyInt,
    /// 16 bits.
    SmallInt,
    /// 32 bits.
    Integer,
    /// 64 bits.
    BigInt,
    /// 128 bits; what SUM of integers gives.
    HugeInt,
    UTinyInt,
    USmallInt,
    UInteger,
    UBigInt,
    /// 32-bit floating point.
    Float,
    /// 64-bit floating point.
    Double,
    /// Exact decimal: `precision` digits in all (1 to 38), `scale` of them after the point.
    Decimal {
        precision: u8,
        scale: u8,
    },
    Varchar,
    Blob,
    /// Days since 1970-01-01.
    Date,
    /// Microseconds since midnight.
    Time,
    /// Microseconds since 1970-01-01 00:00:00, no zone.
    Timestamp,
    /// A timestamp of whole seconds; in microseconds as every other.
    TimestampS,
    /// A timestamp of whole milliseconds; in microseconds as every other.
    TimestampMs,
    /// Nanoseconds since 1970-01-01 00:00:00, no zone: years 1677 to 2262.
    TimestampNs,
    /// Microseconds since 1970-01-01 00:00:00 UTC.
    TimestampTz,
    /// Months, days and microseconds, packed by [`Interval::pack`] into an `Int128`.
    Interval,
    List(Box<DataType>),
    /// Named fields; those of a row `(1, 'x')` have empty names and go by their position.
    Struct(Vec<(String, DataType)>),
    /// 128 bits, kept in an `Int128` with the top bit turned over: so numbers and texts have the same order.
    Uuid,
    /// Physical: a list of entries, each a struct of `key` and `value`.
    Map(Box<DataType>, Box<DataType>),
    /// Text that is known to be JSON.
    Json,
}

impl DataType {
    /// The Polars type of a kernel column that holds values of this type.
    pub fn physical(&self) -> polars::prelude::DataType {
        use polars::prelude::{DataType as P, Field};
        match self {
            DataType::Null | DataType::Boolean => P::Boolean,
            DataType::TinyInt => P::Int8,
            DataType::SmallInt => P::Int16,
            DataType::Integer | DataType::Date => P::Int32,
            DataType::BigInt | DataType::Time | DataType::Timestamp | DataType::TimestampTz => P::Int64,
            DataType::TimestampS | DataType::TimestampMs | DataType::TimestampNs => P::Int64,
            DataType::HugeInt | DataType::Interval | DataType::Uuid => P::Int128,
            DataType::UTinyInt => P::UInt8,
            DataType::USmallInt => P::UInt16,
            DataType::UInteger => P::UInt32,
            DataType::UBigInt => P::UInt64,
            DataType::Float => P::Float32,
            DataType::Double => P::Float64,
            DataType::Decimal { precision, .. } if *precision <= 18 => P::Int64,
            DataType::Decimal { .. } => P::Int128,
            DataType::Varchar => P::String,
            DataType::Blob => P::Binary,
            DataType::List(item) => P::List(Box::new(item.physical())),
            DataType::Struct(fields) => {
                let field = |(i, (name, t)): (usize, &(String, DataType))| {
                    Field::new(physical_field(i, name).as_str().into(), t.physical())
                };
                P::Struct(fields.iter().enumerate().map(field).collect())
            }
            DataType::Map(key, value) => DataType::entries(key, value).physical(),
            DataType::Json => P::String,
        }
    }

    /// A list of this type.
    pub fn list_of(self) -> DataType {
        DataType::List(Box::new(self))
    }

    /// The list that a map is inside kernels.
    pub fn entries(key: &DataType, value: &DataType) -> DataType {
        DataType::Struct(vec![("key".into(), key.clone()), ("value".into(), value.clone())]).list_of()
    }

    /// The type of what a list holds; a map holds its entries.
    pub fn item(&self) -> Option<DataType> {
        match self {
            DataType::List(item) => Some((**item).clone()),
            DataType::Map(key, value) => DataType::entries(key, value).item(),
            _ => None,
        }
    }

    /// The type of what stands for a value where values are compared: with HUGEINT, for its length, wherever there is an
    /// INTERVAL. None if there is none, and the value stands for itself.
    pub fn by_length(&self) -> Option<DataType> {
        self.replacing(&DataType::Interval, &DataType::HugeInt)
    }

    /// The type of what shows the same in every time zone: with VARCHAR wherever there is a TIMESTAMP WITH TIME ZONE. None if
    /// there is none.
    pub fn with_shown_moments(&self) -> Option<DataType> {
        self.replacing(&DataType::TimestampTz, &DataType::Varchar)
    }

    /// The type of what a Parquet file for others has: with VARCHAR wherever there is a UUID or an INTERVAL, whose physical
    /// numbers say nothing to anybody. None if there is none.
    pub fn as_parquet(&self) -> Option<DataType> {
        let without = self.replacing(&DataType::Uuid, &DataType::Varchar);
        let rest = without.as_ref().unwrap_or(self).replacing(&DataType::Interval, &DataType::Varchar);
        rest.or(without)
    }

    /// This type with one plain type in place of another, also inside lists, structs and maps. None if that is not there.
    fn replacing(&self, old: &DataType, new: &DataType) -> Option<DataType> {
        let part = |t: &DataType| t.replacing(old, new).unwrap_or_else(|| t.clone());
        match self {
            t if t == old => Some(new.clone()),
            DataType::List(item) => item.replacing(old, new).map(DataType::list_of),
            DataType::Map(key, value) => {
                let (k, v) = (part(key), part(value));
                (k != **key || v != **value).then(|| DataType::Map(Box::new(k), Box::new(v)))
            }
            DataType::Struct(fields) => {
                let replaced: Vec<_> = fields.iter().map(|(name, t)| (name.clone(), part(t))).collect();
                (replaced != *fields).then_some(DataType::Struct(replaced))
            }
            _ => None,
        }
    }

    /// Lists, structs and maps.
    pub fn is_nested(&self) -> bool {
        matches!(self, DataType::List(_) | DataType::Struct(_) | DataType::Map(..))
    }

    /// A row as `(1, 'x')` gives it: a struct whose fields have no names.
    pub fn is_tuple(&self) -> bool {
        matches!(self, DataType::Struct(fields) if !fields.is_empty() && fields.iter().all(|(name, _)| name.is_empty()))
    }

    /// Integers of any width and sign.
    pub fn is_integer(&self) -> bool {
        use DataType::*;
        matches!(self, TinyInt | SmallInt | Integer | BigInt | HugeInt | UTinyInt | USmallInt | UInteger | UBigInt)
    }

    /// Integers, decimals and floating point.
    pub fn is_numeric(&self) -> bool {
        self.is_integer() || matches!(self, DataType::Float | DataType::Double | DataType::Decimal { .. })
    }

    /// DATE, TIME, timestamps of every unit, TIMESTAMP WITH TIME ZONE.
    pub fn is_temporal(&self) -> bool {
        self.is_timestamp() || matches!(self, DataType::Date | DataType::Time | DataType::TimestampTz)
    }

    /// Timestamps without a time zone, of every unit.
    pub fn is_timestamp(&self) -> bool {
        use DataType::*;
        matches!(self, Timestamp | TimestampS | TimestampMs | TimestampNs)
    }
}

impl std::fmt::Display for DataType {
    /// DuckDB's spelling: `DECIMAL(15,2)`, `INTEGER[]`, `STRUCT(a INTEGER)`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            DataType::Null => f.write_str("\"NULL\""),
            DataType::Boolean => f.write_str("BOOLEAN"),
            DataType::TinyInt => f.write_str("TINYINT"),
            DataType::SmallInt => f.write_str("SMALLINT"),
            DataType::Integer => f.write_str("INTEGER"),
            DataType::BigInt => f.write_str("BIGINT"),
            DataType::HugeInt => f.write_str("HUGEINT"),
            DataType::UTinyInt => f.write_str("UTINYINT"),
            DataType::USmallInt => f.write_str("USMALLINT"),
            DataType::UInteger => f.write_str("UINTEGER"),
            DataType::UBigInt => f.write_str("UBIGINT"),
            DataType::Float => f.write_str("FLOAT"),
            DataType::Double => f.write_str("DOUBLE"),
            DataType::Decimal { precision, scale } => write!(f, "DECIMAL({precision},{scale})"),
            DataType::Varchar => f.write_str("VARCHAR"),
            DataType::Blob => f.write_str("BLOB"),
            DataType::Date => f.write_str("DATE"),
            DataType::Time => f.write_str("TIME"),
            DataType::Timestamp => f.write_str("TIMESTAMP"),
            DataType::TimestampS => f.write_str("TIMESTAMP_S"),
            DataType::TimestampMs => f.write_str("TIMESTAMP_MS"),
            DataType::TimestampNs => f.write_str("TIMESTAMP_NS"),
            DataType::TimestampTz => f.write_str("TIMESTAMP WITH TIME ZONE"),
            DataType::Interval => f.write_str("INTERVAL"),
            DataType::Uuid => f.write_str("UUID"),
            DataType::List(item) => write!(f, "{item}[]"),
            DataType::Struct(fields) => {
                f.write_str(if self.is_tuple() { "TUPLE(" } else { "STRUCT(" })?;
                for (i, (name, t)) in fields.iter().enumerate() {
                    f.write_str(if i > 0 { ", " } else { "" })?;
                    match name.as_str() {
                        "" => write!(f, "{t}")?,
                        name if is_plain_name(name) => write!(f, "{name} {t}")?,
                        name => write!(f, "\"{}\" {t}", name.replace('"', "\"\""))?,
                    }
                }
                f.write_str(")")
            }
            DataType::Map(key, value) => write!(f, "MAP({key}, {value})"),
            DataType::Json => f.write_str("JSON"),
        }
    }
}

/// What a field of a struct is called inside kernels, where names must differ.
pub fn physical_field(place: usize, name: &str) -> String {
    if name.is_empty() { format!("_{}", place + 1) } else { name.to_string() }
}

/// Whether DuckDB writes a name without quotes.
pub fn is_plain_name(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && chars.all(|c| c.is_ascii_alphabetic() || c.is_ascii_digit() || c == '_')
        && !super::keywords::is_quoted(&name.to_ascii_lowercase())
}

/// A calendar interval: months and days are kept apart from exact time, as DuckDB does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Interval {
    pub months: i32,
    pub days: i32,
    pub micros: i64,
}

impl Interval {
    /// The kernel form: months in the top 32 bits, days in the next 32, microseconds in the low 64.
    pub fn pack(self) -> i128 {
        ((self.months as i128) << 96) | ((self.days as u32 as i128) << 64) | (self.micros as u64 as i128)
    }

    /// The inverse of [`Interval::pack`].
    pub fn unpack(bits: i128) -> Interval {
        Interval { months: (bits >> 96) as i32, days: (bits >> 64) as i32, micros: bits as i64 }
    }
}

/// A constant. The SQL type stands beside it (in [`crate::plan::Expr`]); the number is in the physical unit of that type.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Value {
    Null,
    Boolean(bool),
    /// Integers of every width, decimals (unscaled), dates (days), times and timestamps (microseconds), packed intervals.
    Int(i128),
    /// FLOAT and DOUBLE.
    Float(f64),
    Varchar(String),
    Blob(Vec<u8>),
    List(Vec<Value>),
    Struct(Vec<Value>),
}
