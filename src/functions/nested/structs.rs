//! Functions of structs. Names of fields are part of the types, so the binder settles what they mean.

use super::{fields_of, struct_column, validity_of};
use crate::functions::RowError;
use crate::functions::columns::result_length;
use crate::functions::values::value_at;
use crate::journal::TaskError;
use crate::sql::{DataType, Value};
use polars::prelude::{Column, IntoColumn, PlSmallStr};

/// `struct_pack(a := 1, ...)`, `row(1, ...)`: the names are in the type of the result.
pub fn pack(args: &[Column], _: &[DataType], result: &DataType, rows: usize) -> Result<Column, RowError> {
    let DataType::Struct(fields) = result else { return Err(TaskError::bug("a struct of another type").into()) };
    Ok(struct_column(fields, args, result_length(args, rows), None)?)
}

/// `struct_extract_at(struct, place)`: the field at a constant place, from 1.
pub fn extract_at(args: &[Column], _: &[DataType], _: &DataType, _: usize) -> Result<Column, RowError> {
    let place = match value_at(&args[1], &DataType::BigInt, 0) {
        Value::Int(place) => usize::try_from(place - 1).ok(),
        _ => None,
    };
    let field = place.and_then(|i| fields_of(&args[0]).map(|fields| fields.into_iter().nth(i)).transpose());
    let field = field.ok_or_else(|| TaskError::bug("a field that the struct does not have"))??;
    Ok(field.with_name(PlSmallStr::EMPTY).into_column())
}

/// `struct_values(struct)` and other renamings: the same fields under the names of the result.
pub fn renamed(args: &[Column], _: &[DataType], result: &DataType, _: usize) -> Result<Column, RowError> {
    let DataType::Struct(fields) = result else { return Err(TaskError::bug("a struct of another type").into()) };
    let columns: Vec<Column> = fields_of(&args[0])?.into_iter().map(|field| field.into_column()).collect();
    Ok(struct_column(fields, &columns, args[0].len(), validity_of(&args[0]))?)
}
