//! Expensive functions of texts are computed once for each text that a batch has, where it has the same ones again and again:
//! columns that come from a dictionary do.

use crate::kernel::columns;
use crate::kernel::keys::distinct_places;
use polars::prelude::{Column, DataType, IdxSize};

/// Smaller batches are computed row by row.
const WORTH_ROWS: usize = 1024;

/// The arguments of a call with each text of the batch once.
pub(super) struct Once {
    pub(super) args: Vec<Column>,
    /// How many texts there are.
    pub(super) rows: usize,
    /// For each row of the batch which of them it has.
    places: Vec<IdxSize>,
}

impl Once {
    /// None unless one argument is a column of texts, which come again, and the others are the same for all rows.
    pub(super) fn of(args: &[Column], rows: usize) -> Option<Once> {
        if rows < WORTH_ROWS {
            return None;
        }
        let mut varying = args.iter().enumerate().filter(|(_, arg)| arg.len() != 1);
        let (place, texts) = varying.next()?;
        if varying.next().is_some() || texts.dtype() != &DataType::String {
            return None;
        }
        let texts = columns::one_chunk(texts);
        let (first, places) = distinct_places(texts.str().ok()?.downcast_as_array())?;
        let mut args = args.to_vec();
        args[place] = columns::take_column(&texts.into(), &first);
        Some(Once { args, rows: first.len(), places })
    }

    /// What was computed for the texts, for every row.
    pub(super) fn spread(self, values: Column) -> Column {
        if values.len() == 1 { values } else { columns::take_column(&values, &self.places) }
    }
}
