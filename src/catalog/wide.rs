//! Requests of columns that are the same for all rows of a file: the file is asked for the others, and they are put in.

use super::reader::ScanRequest;
use super::table::{Table, TableFile};
use crate::journal::TaskError;
use crate::sql::{DataType, Value};
use polars::prelude::{Column, DataFrame, IntoColumn, NamedFrom, Series};

/// A column of a batch: read from the file, at that place of its batch, or made of one value.
enum Part {
    Read(usize),
    Same(Column),
}

/// What a request asks for beside what the file holds.
pub(super) struct Constants {
    /// What the file is asked for.
    pub inner: ScanRequest,
    filter: Vec<Part>,
    output: Vec<Part>,
}

impl Constants {
    /// None where the request asks for no such column.
    pub(super) fn of(table: &Table, file: &TableFile, request: &ScanRequest) -> Result<Option<Constants>, TaskError> {
        let stored = table.columns.len() - file.constants.len();
        if request.columns.iter().all(|(index, _)| *index < stored) {
            return Ok(None);
        }
        let mut inner = ScanRequest::default();
        let place = |wanted: usize,
                     list: fn(&mut ScanRequest) -> &mut Vec<usize>,
                     inner: &mut ScanRequest|
         -> Result<Part, TaskError> {
            let (index, name) = &request.columns[wanted];
            if let Some(constant) = index.checked_sub(stored) {
                let dtype = &table.columns.get(*index).ok_or_else(|| TaskError::bug("no such column"))?.dtype;
                return Ok(Part::Same(one_row(name, dtype, &file.constants[constant])?));
            }
            let at = match inner.columns.iter().position(|(known, _)| known == index) {
                Some(at) => at,
                None => {
                    inner.columns.push((*index, name.clone()));
                    inner.columns.len() - 1
                }
            };
            let list = list(inner);
            list.push(at);
            Ok(Part::Read(list.len() - 1))
        };
        let filter = request.filter_columns.iter().map(|at| place(*at, |r| &mut r.filter_columns, &mut inner));
        let filter = filter.collect::<Result<Vec<_>, _>>()?;
        let output = request.output.iter().map(|at| place(*at, |r| &mut r.output, &mut inner));
        let output = output.collect::<Result<Vec<_>, _>>()?;
        if inner.columns.is_empty() {
            // Rows are counted by a column.
            inner.columns.push((0, "rows".to_string()));
        }
        if inner.output.is_empty() {
            inner.output.push(0);
        }
        if !filter.is_empty() && inner.filter_columns.is_empty() {
            inner.filter_columns.push(0);
        }
        Ok(Some(Constants { inner, filter, output }))
    }

    /// The columns of the filter.
    pub(super) fn tested(&self, batch: &DataFrame) -> Result<DataFrame, TaskError> {
        filled(batch, &self.filter)
    }

    /// The columns of the answer.
    pub(super) fn put_out(&self, batch: &DataFrame) -> Result<DataFrame, TaskError> {
        filled(batch, &self.output)
    }
}

fn filled(batch: &DataFrame, parts: &[Part]) -> Result<DataFrame, TaskError> {
    let rows = batch.height();
    let column = |part: &Part| match part {
        Part::Read(at) => batch.columns().get(*at).cloned().ok_or_else(|| TaskError::bug("a batch lacks a column")),
        Part::Same(value) => Ok(value.new_from_index(0, rows)),
    };
    Ok(DataFrame::new(rows, parts.iter().map(column).collect::<Result<_, _>>()?)?)
}

fn one_row(name: &str, dtype: &DataType, value: &Value) -> Result<Column, TaskError> {
    let series = match (value, dtype) {
        (Value::Varchar(text), _) => Series::new(name.into(), [text.as_str()]),
        (Value::Int(number), DataType::HugeInt) => Series::new(name.into(), [*number]),
        (Value::Int(number), _) => {
            let number = i64::try_from(*number).map_err(|_| TaskError::bug("a number beyond its type"))?;
            Series::new(name.into(), [number]).strict_cast(&dtype.physical())?
        }
        _ => Series::full_null(name.into(), 1, &dtype.physical()),
    };
    Ok(series.into_column())
}
