//! Reading a piece of a table in batches, on the calling thread: the one door for scans of every format.

use super::parquet_reader::ParquetReader;
use super::pieces::{Piece, PieceRange};
use super::storage::check_unchanged;
use super::table::{Format, Table, TableFile};
use super::text::{CsvReader, JsonReader};
use super::wide::Constants;
use crate::journal::TaskError;
use polars::prelude::{BooleanChunked, DataFrame};

/// Which columns of a table a scan wants.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ScanRequest {
    /// Index into [`Table::columns`], and the name that the column has in the batches.
    pub columns: Vec<(usize, String)>,
    /// Indexes into `columns` that the filter looks at; they are decoded first.
    pub filter_columns: Vec<usize>,
    /// Indexes into `columns` that the batches have, in this order.
    pub output: Vec<usize>,
}

/// Tells which rows to keep, from a batch of the filter columns (in the order of `filter_columns`); NULL means no.
pub type RowFilter<'a> = dyn FnMut(&DataFrame) -> Result<BooleanChunked, TaskError> + 'a;

/// An open piece.
pub struct PieceReader {
    source: Source,
    /// Checked again when the piece is read.
    file: Option<TableFile>,
    /// For requests of columns that are the same for the whole file.
    constants: Option<Constants>,
}

enum Source {
    Parquet(ParquetReader),
    Csv(CsvReader),
    Json(JsonReader),
    Memory { rows: Option<DataFrame>, request: ScanRequest },
}

impl PieceReader {
    /// Opens `piece` of `table`. SOURCE_CHANGED if its file is not the one that was planned on.
    pub fn open(table: &Table, piece: &Piece, request: &ScanRequest) -> Result<PieceReader, TaskError> {
        if let Format::Memory = table.format {
            let rows = Some(memory_rows(table, piece, request)?);
            return Ok(PieceReader {
                source: Source::Memory { rows, request: request.clone() },
                file: None,
                constants: None,
            });
        }
        let file = table.files.get(piece.file as usize).ok_or_else(|| TaskError::bug("a piece of no file"))?;
        let constants = Constants::of(table, file, request)?;
        let request = constants.as_ref().map_or(request, |constants| &constants.inner);
        let source = match &table.format {
            Format::Parquet => Source::Parquet(ParquetReader::open(table, file, piece, request)?),
            Format::Csv(dialect) => Source::Csv(CsvReader::open(table, dialect, file, piece, request)?),
            Format::NdJson => Source::Json(JsonReader::open(table, file, piece, request)?),
            Format::Memory => return Err(TaskError::bug("a memory table has no files")),
        };
        Ok(PieceReader { source, file: Some(file.clone()), constants })
    }

    /// The next batch of rows that pass `filter`, as physical columns; None at the end. Errors: BAD_DATA for values that
    /// do not fit their column, SOURCE_CHANGED if the file changed meanwhile, and whatever the filter returns.
    pub fn next(&mut self, filter: Option<&mut RowFilter>) -> Result<Option<DataFrame>, TaskError> {
        match self.constants.take() {
            None => self.next_of_file(filter),
            Some(constants) => {
                let batch = match filter {
                    None => self.next_of_file(None),
                    Some(filter) => {
                        let mut with_constants = |batch: &DataFrame| filter(&constants.tested(batch)?);
                        self.next_of_file(Some(&mut with_constants))
                    }
                };
                let batch = batch.and_then(|batch| batch.map(|batch| constants.put_out(&batch)).transpose());
                self.constants = Some(constants);
                batch
            }
        }
    }

    fn next_of_file(&mut self, filter: Option<&mut RowFilter>) -> Result<Option<DataFrame>, TaskError> {
        let batch = match &mut self.source {
            Source::Parquet(reader) => reader.next(filter)?,
            Source::Csv(reader) => reader.next(filter)?,
            Source::Json(reader) => reader.next(filter)?,
            Source::Memory { rows, request } => match rows.take() {
                Some(rows) => keep(rows, request, filter)?,
                None => None,
            },
        };
        if batch.is_none()
            && let Some(file) = &self.file
        {
            check_unchanged(file)?;
        }
        Ok(batch)
    }
}

fn memory_rows(table: &Table, piece: &Piece, request: &ScanRequest) -> Result<DataFrame, TaskError> {
    let (Some(memory), PieceRange::Rows { start, end }) = (&table.memory, &piece.range) else {
        return Err(TaskError::bug("a memory table without rows"));
    };
    let columns = request
        .columns
        .iter()
        .map(|(index, name)| Ok(memory.0.column(&index.to_string())?.clone().with_name(name.as_str().into())))
        .collect::<Result<Vec<_>, TaskError>>()?;
    let whole = DataFrame::new(memory.0.height(), columns)?;
    Ok(whole.slice(*start as i64, end.saturating_sub(*start) as usize))
}

/// The rows of a whole batch that pass, with the output columns only; None if no row does.
pub(super) fn keep(
    rows: DataFrame,
    request: &ScanRequest,
    filter: Option<&mut RowFilter>,
) -> Result<Option<DataFrame>, TaskError> {
    let pick = |indexes: &[usize]| -> Result<DataFrame, TaskError> {
        let columns = indexes.iter().map(|&index| rows.columns()[index].clone()).collect();
        Ok(DataFrame::new(rows.height(), columns)?)
    };
    let output = pick(&request.output)?;
    let Some(filter) = filter else { return Ok(Some(output).filter(|batch| batch.height() > 0)) };
    let verdict = filter(&pick(&request.filter_columns)?)?;
    let kept = verdict.num_trues();
    if kept == 0 {
        return Ok(None);
    }
    if kept == output.height() {
        return Ok(Some(output));
    }
    let columns = output.columns().iter().map(|column| column.filter(&verdict)).collect::<Result<_, _>>()?;
    Ok(Some(DataFrame::new(kept, columns)?))
}
