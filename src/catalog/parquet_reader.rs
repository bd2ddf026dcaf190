//! Decoding Parquet on the calling thread: a row group a time, the filter's columns first, the rest only where rows survive.

use super::footer::{Footer, read_footer};
use super::parquet_types::ParquetColumn;
use super::pieces::{Piece, PieceRange};
use super::reader::{RowFilter, ScanRequest};
use super::storage::{SourceFile, open_planned, read_error};
use super::table::{Table, TableFile};
use crate::journal::{ErrorCode, TaskError};
use crate::sql::DataType;
use polars::prelude::{BooleanChunked, Column, DataFrame, Series};
use polars_parquet::read::{BasicDecompressor, Filter, PageReader, RowGroupMetadata, column_iter_to_arrays};
use std::io::Cursor;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// Reads the row groups of one piece.
pub(super) struct ParquetReader {
    file: SourceFile,
    planned: TableFile,
    footer: Arc<Footer>,
    /// For each requested column, its index in the file.
    columns: Vec<Option<usize>>,
    /// The types of requested columns, for those that the file does not have.
    dtypes: Vec<DataType>,
    request: ScanRequest,
    groups: Range<u32>,
}

impl ParquetReader {
    pub(super) fn open(
        table: &Table,
        file: &TableFile,
        piece: &Piece,
        request: &ScanRequest,
    ) -> Result<ParquetReader, TaskError> {
        let PieceRange::RowGroups { first, count } = piece.range else {
            return Err(TaskError::bug("a Parquet piece without row groups"));
        };
        let source = open_planned(file)?;
        let footer =
            read_footer(&file.path, file.embedded).map_err(|error| TaskError::user(error.code, error.message))?;
        if footer.fingerprint != file.fingerprint || (first + count) as usize > footer.row_groups.len() {
            return Err(TaskError::user(
                ErrorCode::SourceChanged,
                format!("The file {} changed after the query was planned", file.path.display()),
            ));
        }
        // By name: the files of a table need not have their columns in one order.
        let columns = request
            .columns
            .iter()
            .map(|(index, _)| {
                let wanted = &table.columns.get(*index).ok_or_else(|| TaskError::bug("no such column"))?.name;
                Ok(footer.columns.iter().position(|column| column.name == *wanted))
            })
            .collect::<Result<_, TaskError>>()?;
        let dtypes = request.columns.iter().map(|(index, _)| table.columns[*index].dtype.clone()).collect();
        Ok(ParquetReader {
            file: source,
            planned: file.clone(),
            footer,
            columns,
            dtypes,
            request: request.clone(),
            groups: first..first + count,
        })
    }

    /// The surviving rows of the next row group that has any.
    pub(super) fn next(&mut self, mut filter: Option<&mut RowFilter>) -> Result<Option<DataFrame>, TaskError> {
        while let Some(group) = self.groups.next() {
            if let Some(batch) = self.row_group(group as usize, filter.as_deref_mut())? {
                return Ok(Some(batch));
            }
        }
        Ok(None)
    }

    fn row_group(&self, group: usize, filter: Option<&mut RowFilter>) -> Result<Option<DataFrame>, TaskError> {
        let rows = self.footer.metadata.row_groups[group].num_rows();
        let mut decoded: Vec<Option<Column>> = vec![None; self.columns.len()];
        let mut mask = None;
        let mut kept = rows;
        if let Some(filter) = filter {
            for &index in &self.request.filter_columns {
                decoded[index] = Some(self.column(group, index, None)?);
            }
            let tested = self.request.filter_columns.iter().filter_map(|&index| decoded[index].clone()).collect();
            let verdict = without_nulls(filter(&DataFrame::new(rows, tested)?)?);
            kept = verdict.num_trues();
            if kept == 0 {
                return Ok(None);
            }
            mask = (kept < rows).then_some(verdict);
        }
        // Where nearly all rows stay, decoding all of them and dropping some is quicker than decoding past gaps.
        let dense = kept * 8 >= rows * 7;
        let mut output = Vec::with_capacity(self.request.output.len());
        for &index in &self.request.output {
            output.push(match (decoded[index].take(), &mask) {
                (Some(column), Some(mask)) => column.filter(mask)?,
                (Some(column), None) => column,
                (None, Some(mask)) if dense => self.column(group, index, None)?.filter(mask)?,
                (None, mask) => self.column(group, index, mask.as_ref())?,
            });
        }
        Ok(Some(DataFrame::new(kept, output)?))
    }

    /// One requested column of a row group, only the rows of `mask`.
    fn column(&self, group: usize, index: usize, mask: Option<&BooleanChunked>) -> Result<Column, TaskError> {
        let footer = self.footer.clone();
        let name = self.request.columns[index].1.as_str();
        let metadata = &footer.metadata.row_groups[group];
        let Some(column) = self.columns[index].map(|at| &footer.columns[at]) else {
            // Of files whose columns are united by name.
            let rows = mask.map_or(metadata.num_rows(), |mask| mask.num_trues());
            return Ok(Column::full_null(name.into(), rows, &self.dtypes[index].physical()));
        };
        let series = self.decode(column, metadata, mask)?;
        let expected = mask.map_or(metadata.num_rows(), |mask| mask.num_trues());
        if series.len() != expected {
            return Err(self.corrupt(column));
        }
        Ok(series.with_name(name.into()).into())
    }

    fn decode(
        &self,
        column: &ParquetColumn,
        group: &RowGroupMetadata,
        mask: Option<&BooleanChunked>,
    ) -> Result<Series, TaskError> {
        let chunks = group
            .parquet_columns()
            .get(column.first_leaf..column.first_leaf + column.leaves)
            .ok_or_else(|| self.corrupt(column))?;
        let mut pages = Vec::with_capacity(chunks.len());
        let mut types = Vec::with_capacity(chunks.len());
        for chunk in chunks {
            let range = chunk.byte_range();
            // Checked before the buffer is made: a wrong footer must not ask for all memory.
            if range.start > range.end || range.end > self.planned.fingerprint.size {
                return Err(self.corrupt(column));
            }
            let bytes = self
                .file
                .read_at(range.start, (range.end - range.start) as usize)
                .map_err(|error| read_error(&self.planned, &error))?;
            let reader = PageReader::new(Cursor::new(bytes.into()), chunk, Vec::new(), usize::MAX);
            pages.push(BasicDecompressor::new(reader, Vec::new()));
            types.push(&chunk.descriptor().descriptor.primitive_type);
        }
        // The decoder cannot drop rows inside nested columns: those are decoded whole.
        let flat = column.leaves == 1 && !column.dtype.physical().is_nested();
        let rows = match mask.filter(|_| flat) {
            Some(mask) => Filter::Mask(mask.downcast_as_array().values().clone()),
            None => Filter::new_limited(group.num_rows()),
        };
        let whole = || -> polars::error::PolarsResult<Series> {
            let (arrays, _) = column_iter_to_arrays(pages, types, column.decode_as.clone(), Some(rows))?;
            let series = column.physical(Series::try_from((&column.decode_as, arrays))?)?;
            match mask.filter(|_| !flat) {
                Some(mask) => series.filter(mask),
                None => Ok(series),
            }
        };
        // The decoder panics on some damaged pages; that is the file's fault, not a bug of the task.
        match catch_unwind(AssertUnwindSafe(whole)) {
            Ok(Ok(decoded)) => Ok(decoded),
            Ok(Err(_)) | Err(_) => Err(self.corrupt(column)),
        }
    }

    /// What the decoder says of it means nothing to who has the file.
    fn corrupt(&self, column: &ParquetColumn) -> TaskError {
        let file = self.planned.path.display();
        let message = format!("File {file} is damaged: column \"{}\" cannot be decoded", column.name);
        TaskError::user(ErrorCode::BadData, message)
    }
}

/// The rows for which the filter is true, as one chunk: a NULL is not true.
fn without_nulls(verdict: BooleanChunked) -> BooleanChunked {
    let verdict = verdict.rechunk().into_owned();
    if verdict.null_count() == 0 {
        return verdict;
    }
    let array = verdict.downcast_as_array();
    match array.validity() {
        Some(valid) => BooleanChunked::from_bitmap(verdict.name().clone(), array.values() & valid),
        None => verdict,
    }
}
