//! `IN` with constants: a set that is built once.

use crate::functions;
use crate::journal::TaskError;
use crate::sql::{DataType, Value};
use polars::prelude::{BooleanChunked, Column, DataType as Physical, IntoColumn, PlSmallStr};
use polars_arrow::array::{Array, BooleanArray};
use polars_arrow::bitmap::Bitmap;
use polars_arrow::datatypes::ArrowDataType;
use polars_utils::aliases::{InitHashMaps, PlHashSet};

/// Up to this many constants are compared one after the other with whole columns, which is quicker than a set.
const FEW: usize = 16;

/// The constants of an IN list.
#[derive(Debug)]
pub(super) struct Members {
    values: Values,
    /// A NULL among them makes every miss unknown.
    with_null: bool,
}

#[derive(Debug)]
enum Values {
    Integers(PlHashSet<i64>),
    Texts(PlHashSet<String>),
}

impl Members {
    /// The set of `values` of type `t`; None for types that are compared by other means.
    pub(super) fn of(values: &[&Value], t: &DataType) -> Option<Members> {
        let with_null = values.contains(&&Value::Null);
        let present = values.iter().filter(|value| ***value != Value::Null);
        let values = match t.physical() {
            Physical::Int8 | Physical::Int16 | Physical::Int32 | Physical::Int64 => {
                let mut integers = PlHashSet::new();
                for value in present {
                    let Value::Int(value) = value else { return None };
                    integers.insert(i64::try_from(*value).ok()?);
                }
                Values::Integers(integers)
            }
            Physical::String => {
                let mut texts = PlHashSet::new();
                for value in present {
                    let Value::Varchar(value) = value else { return None };
                    texts.insert(value.clone());
                }
                Values::Texts(texts)
            }
            _ => return None,
        };
        Some(Members { values, with_null })
    }

    /// For each value of the column whether it is in the set, with NULL logic.
    pub(super) fn contains(&self, column: &Column) -> Result<Column, TaskError> {
        if let Values::Texts(texts) = &self.values
            && texts.len() <= FEW
        {
            return Ok(self.among_few(texts, column.str()?.rechunk().downcast_as_array()));
        }
        if let Values::Integers(integers) = &self.values
            && integers.len() <= FEW
        {
            let few: Vec<i64> = integers.iter().copied().collect();
            let wide = column.cast(&Physical::Int64)?;
            let wide = wide.i64()?.rechunk();
            let array = wide.downcast_as_array();
            let found = functions::values_where(array.values().as_slice(), |value| few.contains(&value));
            return Ok(self.with_unknown(found, array.validity()));
        }
        let verdict = |found: bool| if !found && self.with_null { None } else { Some(found) };
        let truths: BooleanChunked = match &self.values {
            Values::Integers(integers) => {
                let wide = column.cast(&Physical::Int64)?;
                wide.i64()?.iter().map(|value| value.and_then(|value| verdict(integers.contains(&value)))).collect()
            }
            Values::Texts(texts) => {
                column.str()?.iter().map(|value| value.and_then(|value| verdict(texts.contains(value)))).collect()
            }
        };
        Ok(truths.with_name(PlSmallStr::EMPTY).into_column())
    }

    fn among_few(&self, texts: &PlHashSet<String>, column: &polars_arrow::array::Utf8ViewArray) -> Column {
        let nowhere = Bitmap::new_zeroed(column.len());
        let found = texts.iter().fold(nowhere, |found, text| &found | &functions::texts_equal_to(column, text));
        self.with_unknown(found, column.validity())
    }

    /// What was found among values with this validity.
    fn with_unknown(&self, found: Bitmap, validity: Option<&Bitmap>) -> Column {
        let known = self.with_null.then(|| found.clone());
        let valid = match (validity, known) {
            (Some(valid), Some(known)) => Some(valid & &known),
            (valid, known) => known.or(valid.cloned()),
        };
        let array = BooleanArray::new(ArrowDataType::Boolean, found, valid);
        BooleanChunked::with_chunk(PlSmallStr::EMPTY, array).into_column()
    }
}
