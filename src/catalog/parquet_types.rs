//! From Parquet's types to ours, and from decoded columns to physical ones.
//!
//! Where a Parquet column is stored in the very numbers that kernels use (a DATE in days, a DECIMAL of up to 18 digits in
//! 64-bit units), it is decoded as those numbers: Polars' own Date and Decimal types never come into being.

use crate::sql::{DataType, Value};
use polars::datatypes::{ArrowDataType, ArrowTimeUnit};
use polars::error::PolarsResult;
use polars::prelude::{ArrowField, ChunkApply, DataType as PolarsType, Series};
use polars_parquet::read::schema::{SchemaInferenceOptions, parquet_to_arrow_schema_with_options};
use polars_parquet::read::{ParquetType, PhysicalType, PrimitiveConvertedType, PrimitiveLogicalType};

/// A column of a Parquet file.
#[derive(Debug, Clone)]
pub(super) struct ParquetColumn {
    pub name: String,
    pub dtype: DataType,
    /// Its first leaf among all leaves of the file, and how many it has (one, unless it is nested).
    pub first_leaf: usize,
    pub leaves: usize,
    /// What the decoder is asked for.
    pub decode_as: ArrowField,
    conversion: Conversion,
}

/// What remains to be done to a decoded column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Conversion {
    /// It is physical already.
    None,
    /// 32-bit units to 64-bit units.
    Widen,
    /// To microseconds from a coarser unit.
    Multiply(i64),
    /// To microseconds from a finer unit, towards the past.
    Divide(i64),
    /// From Polars' type to its physical one, then to ours.
    Physical,
}

/// The column of a top-level field whose leaves start at `first_leaf`. Err: how to call a type that is not supported.
pub(super) fn column_of(field: &ParquetType, first_leaf: usize) -> Result<ParquetColumn, String> {
    // Microseconds hold every date that a Spark or Hive writer may have put into 96 bits; nanoseconds do not.
    let options = SchemaInferenceOptions { int96_coerce_to_timeunit: ArrowTimeUnit::Microsecond };
    let schema = parquet_to_arrow_schema_with_options(std::slice::from_ref(field), &Some(options));
    let arrow = schema.iter_values().next().ok_or("an empty STRUCT")?;
    let name = field.name().to_string();
    let (dtype, decode_as, conversion) = match field {
        ParquetType::PrimitiveType(primitive) if !is_nested(&arrow.dtype) => {
            let text = matches!(primitive.logical_type, Some(PrimitiveLogicalType::Json | PrimitiveLogicalType::Enum))
                || matches!(
                    primitive.converted_type,
                    Some(PrimitiveConvertedType::Json | PrimitiveConvertedType::Enum)
                );
            if primitive.logical_type == Some(PrimitiveLogicalType::Uuid) {
                return Err("UUID".into());
            }
            primitive_column(&arrow.dtype, primitive.physical_type, text)?
        }
        ParquetType::PrimitiveType(_) | ParquetType::GroupType { .. } => {
            (nested_type(&arrow.dtype)?, arrow.dtype.clone(), Conversion::Physical)
        }
    };
    Ok(ParquetColumn {
        name,
        dtype,
        first_leaf,
        leaves: leaves_of(field),
        decode_as: ArrowField::new(arrow.name.clone(), decode_as, arrow.is_nullable),
        conversion,
    })
}

fn leaves_of(field: &ParquetType) -> usize {
    match field {
        ParquetType::PrimitiveType(_) => 1,
        ParquetType::GroupType { fields, .. } => fields.iter().map(leaves_of).sum(),
    }
}

fn is_nested(arrow: &ArrowDataType) -> bool {
    use ArrowDataType as A;
    matches!(arrow, A::List(_) | A::LargeList(_) | A::FixedSizeList(..) | A::Struct(_) | A::Map(..))
}

fn primitive_column(
    arrow: &ArrowDataType,
    stored: PhysicalType,
    text: bool,
) -> Result<(DataType, ArrowDataType, Conversion), String> {
    use ArrowDataType as A;
    use ArrowTimeUnit as Unit;
    let keep = |dtype: DataType| Ok((dtype, arrow.clone(), Conversion::None));
    match arrow {
        A::Boolean => keep(DataType::Boolean),
        A::Int8 => keep(DataType::TinyInt),
        A::Int16 => keep(DataType::SmallInt),
        A::Int32 => keep(DataType::Integer),
        A::Int64 => keep(DataType::BigInt),
        A::UInt8 => keep(DataType::UTinyInt),
        A::UInt16 => keep(DataType::USmallInt),
        A::UInt32 => keep(DataType::UInteger),
        A::UInt64 => keep(DataType::UBigInt),
        A::Float32 => keep(DataType::Float),
        A::Float64 => keep(DataType::Double),
        A::Utf8View => keep(DataType::Varchar),
        A::BinaryView if text => Ok((DataType::Varchar, A::Utf8View, Conversion::None)),
        A::BinaryView => keep(DataType::Blob),
        A::FixedSizeBinary(_) => Ok((DataType::Blob, arrow.clone(), Conversion::Physical)),
        A::Date32 => Ok((DataType::Date, A::Int32, Conversion::None)),
        A::Time32(_) => Ok((DataType::Time, A::Int32, Conversion::Multiply(1_000))),
        A::Time64(Unit::Nanosecond) => Ok((DataType::Time, A::Int64, Conversion::Divide(1_000))),
        A::Time64(_) => Ok((DataType::Time, A::Int64, Conversion::None)),
        A::Timestamp(unit, zone) => {
            let dtype = match (zone, unit) {
                (Some(_), _) => DataType::TimestampTz,
                (None, Unit::Nanosecond) if stored != PhysicalType::Int96 => {
                    return Ok((DataType::TimestampNs, A::Int64, Conversion::None));
                }
                (None, _) => DataType::Timestamp,
            };
            if stored == PhysicalType::Int96 {
                return Ok((dtype, arrow.clone(), Conversion::Physical));
            }
            let conversion = match unit {
                Unit::Second => Conversion::Multiply(1_000_000),
                Unit::Millisecond => Conversion::Multiply(1_000),
                Unit::Microsecond => Conversion::None,
                Unit::Nanosecond => Conversion::Divide(1_000),
            };
            Ok((dtype, A::Int64, conversion))
        }
        A::Decimal(precision, scale) => {
            let dtype = decimal(*precision, *scale)?;
            match stored {
                PhysicalType::Int32 if *precision <= 18 => Ok((dtype, A::Int32, Conversion::Widen)),
                PhysicalType::Int64 if *precision <= 18 => Ok((dtype, A::Int64, Conversion::None)),
                PhysicalType::FixedLenByteArray(length) if length > 16 => Err(format!("{dtype} in {length} bytes")),
                _ => Ok((dtype, arrow.clone(), Conversion::Physical)),
            }
        }
        A::Interval(_) => Err("INTERVAL".into()),
        A::Float16 => Err("FLOAT16".into()),
        other => Err(format!("{other:?}")),
    }
}

fn decimal(precision: usize, scale: usize) -> Result<DataType, String> {
    match (u8::try_from(precision), u8::try_from(scale)) {
        (Ok(p @ 1..=38), Ok(s)) if s <= p => Ok(DataType::Decimal { precision: p, scale: s }),
        _ => Err(format!("DECIMAL({precision},{scale})")),
    }
}

/// Inside lists and structs Polars' own types are decoded and made physical together.
fn nested_type(arrow: &ArrowDataType) -> Result<DataType, String> {
    use ArrowDataType as A;
    match arrow {
        A::List(item) | A::LargeList(item) => Ok(DataType::List(Box::new(nested_type(&item.dtype)?))),
        A::Struct(fields) => fields
            .iter()
            .map(|field| Ok((field.name.to_string(), nested_type(&field.dtype)?)))
            .collect::<Result<_, String>>()
            .map(DataType::Struct),
        A::Map(..) => Err("MAP".into()),
        A::FixedSizeList(..) => Err("ARRAY".into()),
        A::Date32 => Ok(DataType::Date),
        A::Timestamp(ArrowTimeUnit::Microsecond, zone) => {
            Ok(if zone.is_some() { DataType::TimestampTz } else { DataType::Timestamp })
        }
        A::Decimal(precision, scale) => decimal(*precision, *scale),
        A::Timestamp(ArrowTimeUnit::Nanosecond, None) => Ok(DataType::TimestampNs),
        A::Timestamp(..) | A::Time32(_) | A::Time64(_) | A::FixedSizeBinary(_) => {
            Err(format!("{arrow:?} inside a list or struct"))
        }
        // A plain type reads the same inside and outside.
        plain => primitive_column(plain, PhysicalType::Boolean, false).map(|(dtype, _, _)| dtype),
    }
}

impl ParquetColumn {
    /// The physical column of a decoded one.
    pub(super) fn physical(&self, decoded: Series) -> PolarsResult<Series> {
        match self.conversion {
            Conversion::None => Ok(decoded),
            Conversion::Widen => decoded.strict_cast(&PolarsType::Int64),
            Conversion::Multiply(factor) => {
                let units = decoded.strict_cast(&PolarsType::Int64)?;
                Ok(units.i64()?.apply_values(|value| value.saturating_mul(factor)).into())
            }
            Conversion::Divide(divisor) => Ok(decoded.i64()?.apply_values(|value| value.div_euclid(divisor)).into()),
            Conversion::Physical => decoded.to_physical_repr().strict_cast(&self.dtype.physical()),
        }
    }

    /// A bound that the footer gives in stored units, in physical ones.
    pub(super) fn statistic(&self, stored: i64) -> Option<Value> {
        let value = match (self.conversion, &self.dtype) {
            (Conversion::Multiply(factor), _) => i128::from(stored) * i128::from(factor),
            (Conversion::Divide(divisor), _) => i128::from(stored.div_euclid(divisor)),
            // Unsigned numbers are stored in the bits of signed ones.
            (_, DataType::UTinyInt | DataType::USmallInt | DataType::UInteger) => i128::from(stored as u32),
            (_, DataType::UBigInt) => i128::from(stored as u64),
            (_, dtype) if dtype.is_integer() || dtype.is_temporal() || matches!(dtype, DataType::Decimal { .. }) => {
                i128::from(stored)
            }
            _ => return None,
        };
        Some(Value::Int(value))
    }
}
