//! Dynamic filters: the keys of a finished build side thin out the scan that probes it, before the other columns are decoded.
//!
//! A filter follows from the build side alone, which is the same on every node and at every attempt, so a task computed
//! again reads the same rows. It only drops rows that its join would drop, wherever in the task that join stands.

use crate::catalog::{ColumnTest, Piece, PieceRange, Table, group_pieces, may_match};
use crate::journal::TaskError;
use crate::kernel::columns;
use crate::kernel::join::BuildSide;
use crate::kernel::keys::NO_ID;
use crate::plan::ColumnId;
use crate::sql::Value;
use polars::prelude::{BooleanChunked, Column, DataFrame, PlSmallStr};
use polars_arrow::bitmap::MutableBitmap;
use std::sync::Arc;

/// The keys that a probe row must have one of.
#[derive(Clone)]
pub struct KeyFilter {
    /// The probe side's key columns, in the order of the join's keys.
    pub columns: Vec<ColumnId>,
    pub build: Arc<BuildSide>,
}

impl KeyFilter {
    /// The same filter below a projection, where its columns are called `below(column)`; None where one is computed there.
    pub fn renamed(&self, below: impl Fn(ColumnId) -> Option<ColumnId>) -> Option<KeyFilter> {
        let columns = self.columns.iter().map(|id| below(*id)).collect::<Option<_>>()?;
        Some(KeyFilter { columns, build: self.build.clone() })
    }
}

/// Rows that a filter looks at before it is known whether it drops enough of them ...
const TRIAL_ROWS: usize = 32 * 1024;
/// ... which it does if this share of them or less is left.
const WORTH_IT: f64 = 0.75;

/// A filter at its scan, which gives it up where it drops too little to pay for looking.
pub struct ScanFilter {
    filter: KeyFilter,
    seen: usize,
    kept: usize,
}

impl ScanFilter {
    /// A filter that has not seen a row yet.
    pub fn new(filter: KeyFilter) -> ScanFilter {
        ScanFilter { filter, seen: 0, kept: 0 }
    }

    /// The columns that it reads.
    pub fn columns(&self) -> &[ColumnId] {
        &self.filter.columns
    }

    /// Whether it has proved useless. Follows from the task's rows alone.
    pub fn is_idle(&self) -> bool {
        self.seen >= TRIAL_ROWS && self.kept as f64 > WORTH_IT * self.seen as f64
    }

    /// Of the rows of `frame` that `verdict` lets through, those whose key the build side has.
    pub fn narrow(&mut self, frame: &DataFrame, verdict: BooleanChunked) -> Result<BooleanChunked, TaskError> {
        let before = verdict.num_trues();
        if self.is_idle() || before == 0 {
            return Ok(verdict);
        }
        let keys = self.filter.columns.iter().map(|id| columns::find(frame, *id)).collect::<Result<Vec<_>, _>>()?;
        let narrowed = if before * 2 > frame.height() {
            let ids = self.filter.build.find(&keys, frame.height())?;
            let found = MutableBitmap::from_iter(ids.iter().map(|id| *id != NO_ID));
            &verdict & &BooleanChunked::from_bitmap(PlSmallStr::EMPTY, found.into())
        } else {
            let left: Vec<Column> = keys.iter().map(|key| key.filter(&verdict)).collect::<Result<_, _>>()?;
            let ids = self.filter.build.find(&left.iter().collect::<Vec<_>>(), before)?;
            let mut narrowed = MutableBitmap::from_len_zeroed(frame.height());
            let open = verdict.rechunk();
            for (row, id) in open.downcast_as_array().values().true_idx_iter().zip(ids) {
                narrowed.set(row, id != NO_ID);
            }
            BooleanChunked::from_bitmap(PlSmallStr::EMPTY, narrowed.into())
        };
        self.seen += before;
        self.kept += narrowed.num_trues();
        Ok(narrowed)
    }
}

/// The parts of `piece` that may have a row that all filters let through. `source` tells the table's column behind a column of
/// the scan.
pub fn prune(
    table: &Table,
    piece: &Piece,
    filters: &[ScanFilter],
    source: impl Fn(ColumnId) -> Option<usize>,
) -> Vec<Piece> {
    let PieceRange::RowGroups { first, count } = piece.range else { return vec![piece.clone()] };
    let mut tests: Vec<(usize, ColumnTest)> = Vec::new();
    for ScanFilter { filter, .. } in filters {
        if let ([column], Some((least, greatest))) = (&filter.columns[..], filter.build.key_range())
            && let Some(source) = source(*column)
        {
            tests.push((source, ColumnTest::GreaterOrEqual(Value::Int(least.into()))));
            tests.push((source, ColumnTest::LessOrEqual(Value::Int(greatest.into()))));
        }
    }
    if tests.is_empty() {
        return vec![piece.clone()];
    }
    let parts = (first..first + count)
        .map(|group| Piece { range: PieceRange::RowGroups { first: group, count: 1 }, ..piece.clone() })
        .filter(|part| tests.iter().all(|(column, test)| may_match(table, part, *column, test)))
        .collect();
    group_pieces(parts, u64::MAX, u64::MAX).into_iter().flatten().collect()
}
