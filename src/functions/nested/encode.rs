//! Values as byte strings whose order is the order of the values, and which are equal where the values are: what
//! comparison, sorting, hashing, grouping and joining of nested values go by.
//!
//! Lists compare element by element, a shorter list before a longer one that starts with it; structs field by field. Inside
//! a nested value NULL equals NULL and comes after everything else, -0.0 equals 0.0, NaN is the greatest number: DuckDB's
//! rules. Descending order is the reverse of it.

use crate::functions::lengths::by_length;
use crate::journal::TaskError;
use crate::sql::DataType;
use polars::prelude::{BinaryChunked, DataType as Physical, IntoColumn, IntoSeries, PlSmallStr, Series};
use polars_arrow::array::{
    Array, BinaryViewArray, BooleanArray, ListArray, MutableBinaryViewArray, PrimitiveArray, StructArray, Utf8ViewArray,
};

const END: u8 = 0;
const VALUE: u8 = 1;
const NULL: u8 = 2;

/// A column, ready to write any of its rows.
enum Encoder {
    Boolean(BooleanArray),
    I8(PrimitiveArray<i8>),
    I16(PrimitiveArray<i16>),
    I32(PrimitiveArray<i32>),
    I64(PrimitiveArray<i64>),
    I128(PrimitiveArray<i128>),
    U8(PrimitiveArray<u8>),
    U16(PrimitiveArray<u16>),
    U32(PrimitiveArray<u32>),
    U64(PrimitiveArray<u64>),
    F32(PrimitiveArray<f32>),
    F64(PrimitiveArray<f64>),
    Text(Utf8ViewArray),
    Bytes(BinaryViewArray),
    List(ListArray<i64>, Box<Encoder>),
    Struct(StructArray, Vec<Encoder>),
}

impl Encoder {
    fn of(series: &Series) -> Result<Encoder, TaskError> {
        let series = series.rechunk();
        Ok(match series.dtype() {
            Physical::Boolean => Encoder::Boolean(series.bool()?.downcast_as_array().clone()),
            Physical::Int8 => Encoder::I8(series.i8()?.downcast_as_array().clone()),
            Physical::Int16 => Encoder::I16(series.i16()?.downcast_as_array().clone()),
            Physical::Int32 => Encoder::I32(series.i32()?.downcast_as_array().clone()),
            Physical::Int64 => Encoder::I64(series.i64()?.downcast_as_array().clone()),
            Physical::Int128 => Encoder::I128(series.i128()?.downcast_as_array().clone()),
            Physical::UInt8 => Encoder::U8(series.u8()?.downcast_as_array().clone()),
            Physical::UInt16 => Encoder::U16(series.u16()?.downcast_as_array().clone()),
            Physical::UInt32 => Encoder::U32(series.u32()?.downcast_as_array().clone()),
            Physical::UInt64 => Encoder::U64(series.u64()?.downcast_as_array().clone()),
            Physical::Float32 => Encoder::F32(series.f32()?.downcast_as_array().clone()),
            Physical::Float64 => Encoder::F64(series.f64()?.downcast_as_array().clone()),
            Physical::String => Encoder::Text(series.str()?.downcast_as_array().clone()),
            Physical::Binary => Encoder::Bytes(series.binary()?.downcast_as_array().clone()),
            Physical::List(item) => {
                let array = series.list()?.downcast_as_array().clone();
                // SAFETY: the elements of a list have the type that the list's type says.
                let items = unsafe {
                    Series::from_chunks_and_dtype_unchecked(PlSmallStr::EMPTY, vec![array.values().clone()], item)
                };
                Encoder::List(array, Box::new(Encoder::of(&items)?))
            }
            Physical::Struct(_) => {
                let whole = series.struct_()?;
                let fields = whole.fields_as_series().iter().map(Encoder::of).collect::<Result<_, _>>()?;
                Encoder::Struct(whole.downcast_as_array().clone(), fields)
            }
            other => return Err(TaskError::bug(format!("a value of the physical type {other} is encoded"))),
        })
    }

    fn is_null(&self, row: usize) -> bool {
        match self {
            Encoder::Boolean(a) => a.is_null(row),
            Encoder::I8(a) => a.is_null(row),
            Encoder::I16(a) => a.is_null(row),
            Encoder::I32(a) => a.is_null(row),
            Encoder::I64(a) => a.is_null(row),
            Encoder::I128(a) => a.is_null(row),
            Encoder::U8(a) => a.is_null(row),
            Encoder::U16(a) => a.is_null(row),
            Encoder::U32(a) => a.is_null(row),
            Encoder::U64(a) => a.is_null(row),
            Encoder::F32(a) => a.is_null(row),
            Encoder::F64(a) => a.is_null(row),
            Encoder::Text(a) => a.is_null(row),
            Encoder::Bytes(a) => a.is_null(row),
            Encoder::List(a, _) => a.is_null(row),
            Encoder::Struct(a, _) => a.is_null(row),
        }
    }

    /// Appends a marker and, unless it is NULL, the value of a row.
    fn write(&self, row: usize, out: &mut Vec<u8>) {
        if self.is_null(row) {
            out.push(NULL);
        } else {
            out.push(VALUE);
            self.write_value(row, out);
        }
    }

    /// Appends the value of a row that is not NULL.
    fn write_value(&self, row: usize, out: &mut Vec<u8>) {
        macro_rules! signed {
            ($array:expr, $unsigned:ty) => {{
                let bits = $array.value(row) as $unsigned ^ (1 << (<$unsigned>::BITS - 1));
                out.extend_from_slice(&bits.to_be_bytes())
            }};
        }
        match self {
            Encoder::Boolean(a) => out.push(a.value(row) as u8),
            Encoder::I8(a) => signed!(a, u8),
            Encoder::I16(a) => signed!(a, u16),
            Encoder::I32(a) => signed!(a, u32),
            Encoder::I64(a) => signed!(a, u64),
            Encoder::I128(a) => signed!(a, u128),
            Encoder::U8(a) => out.extend_from_slice(&a.value(row).to_be_bytes()),
            Encoder::U16(a) => out.extend_from_slice(&a.value(row).to_be_bytes()),
            Encoder::U32(a) => out.extend_from_slice(&a.value(row).to_be_bytes()),
            Encoder::U64(a) => out.extend_from_slice(&a.value(row).to_be_bytes()),
            Encoder::F32(a) => out.extend_from_slice(&float_rank(a.value(row).into()).to_be_bytes()),
            Encoder::F64(a) => out.extend_from_slice(&float_rank(a.value(row)).to_be_bytes()),
            Encoder::Text(a) => write_bytes(a.value(row).as_bytes(), out),
            Encoder::Bytes(a) => write_bytes(a.value(row), out),
            Encoder::List(a, items) => {
                let (start, end) = a.offsets().start_end(row);
                for item in start..end {
                    items.write(item, out);
                }
                out.push(END);
            }
            Encoder::Struct(_, fields) => {
                for field in fields {
                    field.write(row, out);
                }
            }
        }
    }
}

/// Bits in the order of floating-point numbers.
fn float_rank(value: f64) -> u64 {
    const SIGN: u64 = 1 << 63;
    let bits = if value.is_nan() {
        f64::NAN.to_bits() & !SIGN
    } else if value == 0.0 {
        0
    } else {
        value.to_bits()
    };
    if bits & SIGN == 0 { bits | SIGN } else { !bits }
}

/// A byte 0 is followed by 255, and two bytes 0 end the text: so a text comes before those that it begins.
fn write_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    for byte in bytes {
        out.push(*byte);
        if *byte == 0 {
            out.push(255);
        }
    }
    out.extend_from_slice(&[0, 0]);
}

/// A byte string for each row of a physical column, NULL where it is NULL.
pub fn encode(series: &Series) -> Result<BinaryChunked, TaskError> {
    let encoder = Encoder::of(series)?;
    let mut built = MutableBinaryViewArray::<[u8]>::with_capacity(series.len());
    let mut buffer = Vec::new();
    for row in 0..series.len() {
        if encoder.is_null(row) {
            built.push_null();
            continue;
        }
        buffer.clear();
        encoder.write_value(row, &mut buffer);
        built.push_value(&buffer);
    }
    let array: BinaryViewArray = built.freeze();
    Ok(BinaryChunked::with_chunk(PlSmallStr::EMPTY, array))
}

/// As [`encode`], as one array, of values of the type `t`: intervals have the bytes of their lengths.
pub fn encoded(series: &Series, t: &DataType) -> Result<BinaryViewArray, TaskError> {
    let column = by_length(&series.clone().into_column(), t)?;
    Ok(encode(column.as_materialized_series())?.into_series().binary()?.downcast_as_array().clone())
}
