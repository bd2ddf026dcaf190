//! Aggregates over frames: which rows count, and which way is the cheapest.

use super::Evaluation;
use super::values::{Counted, at, last, nth};
use crate::journal::TaskError;
use crate::kernel::aggregate::{Frames as Ranges, over_frames};
use crate::kernel::columns;
use crate::kernel::keys::{KeyTable, NullKeys};
use crate::plan::ColumnId;
use crate::plan::logical::Aggregate;
use crate::sql;
use polars::prelude::*;

/// Which rows an aggregate counts: those that pass its FILTER, have a value, are the first of their kind.
pub struct Masked {
    counts: Option<Vec<bool>>,
}

impl Masked {
    /// Whether a row counts.
    #[inline]
    pub fn counts(&self, row: usize) -> bool {
        self.counts.as_ref().is_none_or(|counts| counts[row])
    }

    /// For counting those of ranges; None if all count.
    pub fn counted(&self) -> Option<Counted> {
        self.counts.as_ref().map(|counts| Counted::new(counts.len(), |row| counts[row]))
    }

    fn keep(&mut self, rows: usize, keep: impl Fn(usize) -> bool) {
        let counts = self.counts.get_or_insert_with(|| vec![true; rows]);
        counts.iter_mut().enumerate().for_each(|(row, counts)| *counts = *counts && keep(row));
    }
}

impl Evaluation<'_> {
    /// The aggregate over the frame of each row.
    pub fn aggregate(&self, aggregate: &Aggregate) -> Result<Column, TaskError> {
        let frames = self.frames()?;
        let mut masked = Masked { counts: None };
        let mut aggregate = aggregate.clone();
        if let Some(filter) = aggregate.filter.take() {
            let filter = columns::one_chunk(columns::find(&self.layout.frame, filter)?);
            let filter = filter.bool()?;
            masked.keep(self.rows(), |row| filter.get(row) == Some(true));
        }
        if aggregate.distinct && aggregate.order_by.is_empty() && frames.grow(self.layout) {
            // A value that was met before adds nothing to a frame that only grows.
            aggregate.distinct = false;
            self.first_of_each(&aggregate, &mut masked)?;
        }
        let values = match aggregate.args.first() {
            Some((id, _)) => columns::one_chunk(columns::find(&self.layout.frame, *id)?),
            None if aggregate.function == "count_star" => return Ok(self.counts(&frames, &masked)),
            None => return self.folded(&aggregate, &frames, &masked),
        };
        if aggregate.distinct
            || aggregate.args.len() != 1
            || !aggregate.order_by.is_empty()
            || !aggregate.constants.is_empty()
        {
            return self.folded(&aggregate, &frames, &masked);
        }
        let all = Masked { counts: masked.counts.clone() };
        if values.null_count() > 0 {
            let valid = values.is_not_null();
            masked.keep(values.len(), |row| valid.get(row) == Some(true));
        }
        let scale = match &aggregate.args[0].1 {
            sql::DataType::Decimal { scale, .. } => Some(*scale),
            _ => None,
        };
        let dtype = &aggregate.args[0].1;
        let is_exact = dtype.is_integer() || scale.is_some();
        // Intervals of different months and days may be equal: they are compared elsewhere.
        let has_order = !values.dtype().is_nested() && *dtype != sql::DataType::Interval;
        match aggregate.function.as_str() {
            "count" => return Ok(self.counts(&frames, &masked)),
            "sum" | "avg" if is_exact => {
                let is_average = aggregate.function == "avg";
                let average = is_average.then(|| scale.unwrap_or(0));
                let exact = self.exact_sums(&frames, &values, &masked, average, !is_average && scale.is_some())?;
                if let Some(exact) = exact {
                    return Ok(exact);
                }
            }
            "sum" | "avg" if *dtype == sql::DataType::Double && frames.grow(self.layout) => {
                return self.running_sums(&frames, &values, &masked, aggregate.function == "avg");
            }
            "min" | "bool_and" if has_order => return self.extremes(&frames, &values, &masked, false),
            "max" | "bool_or" if has_order => return self.extremes(&frames, &values, &masked, true),
            "any_value" | "first" | "last" => {
                let counting = if aggregate.function == "any_value" { &masked } else { &all };
                let counted = counting.counted();
                let place = |row: usize| {
                    let ranges = frames.ranges(self.layout, row);
                    if aggregate.function == "last" {
                        last(&ranges, counted.as_ref())
                    } else {
                        nth(&ranges, 0, counted.as_ref())
                    }
                };
                return Ok(at(&values, &(0..self.rows()).map(place).collect::<Vec<_>>()));
            }
            _ => {}
        }
        self.folded(&aggregate, &frames, &all)
    }

    /// Any aggregate over any frames, by the kernels of GROUP BY.
    fn folded(
        &self,
        aggregate: &Aggregate,
        frames: &super::frames::Frames,
        masked: &Masked,
    ) -> Result<Column, TaskError> {
        let mut aggregate = aggregate.clone();
        let mut rows = self.layout.frame.clone();
        if let Some(counts) = &masked.counts {
            // What the mask leaves out is left out by a filter.
            let id = ColumnId(u32::MAX);
            let mask = BooleanChunked::from_slice(id.name().into(), counts);
            rows = columns::frame(rows.height(), rows.columns().iter().cloned().chain([mask.into_column()]).collect());
            aggregate.filter = Some(id);
        }
        let mut ranges = Ranges::default();
        for row in 0..self.rows() {
            ranges.push(frames.ranges(self.layout, row).map(|r| r.start as usize..r.end as usize));
        }
        over_frames(&aggregate, &rows, &ranges)
    }

    /// Keeps the first row of each different value in its partition.
    fn first_of_each(&self, aggregate: &Aggregate, masked: &mut Masked) -> Result<(), TaskError> {
        let rows: Vec<IdxSize> = (0..self.rows() as IdxSize).filter(|row| masked.counts(*row as usize)).collect();
        let partitions: Vec<u32> = rows.iter().map(|row| self.layout.partitions.of(*row as usize) as u32).collect();
        let mut key = vec![UInt32Chunked::from_vec("partition".into(), partitions).into_column()];
        for (id, _) in &aggregate.args {
            key.push(columns::take_column(columns::find(&self.layout.frame, *id)?, &rows));
        }
        let types: Vec<DataType> = key.iter().map(|c| c.dtype().clone()).collect();
        let key: Vec<&Column> = key.iter().collect();
        let mut table = KeyTable::new(&types, NullKeys::Match);
        let mut fresh = Vec::new();
        table.insert(&key, rows.len(), &mut Vec::new(), &mut fresh)?;
        let mut first = vec![false; self.rows()];
        fresh.iter().for_each(|place| first[rows[*place as usize] as usize] = true);
        masked.keep(self.rows(), |row| first[row]);
        Ok(())
    }
}
