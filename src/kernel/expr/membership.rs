//! `IN` with constants: a set that is built once.

use crate::journal::TaskError;
use crate::sql::{DataType, Value};
use polars::prelude::{BooleanChunked, Column, DataType as Physical, IntoColumn, PlSmallStr};
use polars_utils::aliases::{InitHashMaps, PlHashSet};

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
}
