//! Growing a physical column from texts.

use super::values::{DateForm, boolean, double, integer, time};
use crate::sql::DataType;
use polars::prelude::{
    BooleanChunkedBuilder, ChunkedBuilder, Column, Float64Type, Int32Type, Int64Type, Int128Type, IntoColumn,
    PlSmallStr, PrimitiveChunkedBuilder, StringChunkedBuilder,
};

/// Builds one column of a batch.
pub(super) struct ColumnBuilder {
    dtype: DataType,
    form: DateForm,
    values: Values,
}

enum Values {
    Boolean(BooleanChunkedBuilder),
    Int32(PrimitiveChunkedBuilder<Int32Type>),
    Int64(PrimitiveChunkedBuilder<Int64Type>),
    Int128(PrimitiveChunkedBuilder<Int128Type>),
    Double(PrimitiveChunkedBuilder<Float64Type>),
    Text(StringChunkedBuilder),
}

impl ColumnBuilder {
    /// A builder for a column of one of the types that detection finds; anything else is built as text.
    pub(super) fn new(name: &str, dtype: &DataType, form: DateForm, capacity: usize) -> ColumnBuilder {
        let name = PlSmallStr::from_str(name);
        let values = match dtype {
            DataType::Boolean => Values::Boolean(BooleanChunkedBuilder::new(name, capacity)),
            DataType::Date => Values::Int32(PrimitiveChunkedBuilder::new(name, capacity)),
            DataType::BigInt | DataType::Time | DataType::Timestamp | DataType::TimestampTz => {
                Values::Int64(PrimitiveChunkedBuilder::new(name, capacity))
            }
            DataType::HugeInt => Values::Int128(PrimitiveChunkedBuilder::new(name, capacity)),
            DataType::Double => Values::Double(PrimitiveChunkedBuilder::new(name, capacity)),
            _ => Values::Text(StringChunkedBuilder::new(name, capacity)),
        };
        ColumnBuilder { dtype: dtype.clone(), form, values }
    }

    /// Whether values are taken as they are written.
    pub(super) fn is_text(&self) -> bool {
        matches!(self.values, Values::Text(_))
    }

    pub(super) fn push_null(&mut self) {
        match &mut self.values {
            Values::Boolean(builder) => builder.append_null(),
            Values::Int32(builder) => builder.append_null(),
            Values::Int64(builder) => builder.append_null(),
            Values::Int128(builder) => builder.append_null(),
            Values::Double(builder) => builder.append_null(),
            Values::Text(builder) => builder.append_null(),
        }
    }

    /// Appends the value that `text` stands for; None, and nothing appended, if it is not of the column's type.
    pub(super) fn push(&mut self, text: &[u8]) -> Option<()> {
        match &mut self.values {
            Values::Boolean(builder) => builder.append_value(boolean(text)?),
            Values::Int32(builder) => builder.append_value(self.form.date(text)?),
            Values::Int64(builder) => builder.append_value(match self.dtype {
                DataType::Time => time(text)?,
                DataType::Timestamp => self.form.timestamp(text).filter(|(_, zoned)| !zoned)?.0,
                DataType::TimestampTz => self.form.timestamp(text).filter(|(_, zoned)| *zoned)?.0,
                _ => i64::try_from(integer(text)?).ok()?,
            }),
            Values::Int128(builder) => builder.append_value(integer(text)?),
            Values::Double(builder) => builder.append_value(double(text)?),
            Values::Text(builder) => builder.append_value(std::str::from_utf8(text).ok()?),
        }
        Some(())
    }

    pub(super) fn finish(self) -> Column {
        match self.values {
            Values::Boolean(builder) => builder.finish().into_column(),
            Values::Int32(builder) => builder.finish().into_column(),
            Values::Int64(builder) => builder.finish().into_column(),
            Values::Int128(builder) => builder.finish().into_column(),
            Values::Double(builder) => builder.finish().into_column(),
            Values::Text(builder) => builder.finish().into_column(),
        }
    }
}
