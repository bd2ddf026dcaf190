//! Where the partitions and the groups of equal rows of sorted rows begin.

use crate::journal::TaskError;
use crate::kernel::columns;
use crate::kernel::order::Ranks;
use crate::plan::logical::SortKey;
use polars::prelude::DataFrame;

/// Sorted rows, cut twice.
pub struct Layout {
    pub frame: DataFrame,
    pub partitions: Segments,
    /// Rows of a partition that are equal in ORDER BY; without ORDER BY all of them are.
    pub peers: Segments,
    pub order_by: Vec<SortKey>,
}

/// Rows, cut into neighbours that belong together.
pub struct Segments {
    of: Vec<u32>,
    /// Where each begins, and the number of rows at the end.
    starts: Vec<u32>,
}

impl Segments {
    /// Cuts before every row for which `begins` is true; the first always begins.
    fn new(rows: usize, begins: impl Fn(usize) -> bool) -> Segments {
        let (mut of, mut starts) = (Vec::with_capacity(rows), Vec::new());
        for row in 0..rows {
            if row == 0 || begins(row) {
                starts.push(row as u32);
            }
            of.push(starts.len() as u32 - 1);
        }
        starts.push(rows as u32);
        Segments { of, starts }
    }

    /// The number of the segment of a row.
    pub fn of(&self, row: usize) -> usize {
        self.of[row] as usize
    }

    /// The first row of the segment of a row.
    pub fn start(&self, row: usize) -> u32 {
        self.starts[self.of(row)]
    }

    /// The row behind the last of the segment of a row.
    pub fn end(&self, row: usize) -> u32 {
        self.starts[self.of(row) + 1]
    }

    /// The first row of a segment; of the one behind the last: the number of rows.
    pub fn start_of(&self, segment: usize) -> u32 {
        self.starts[segment]
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.starts.len() - 1
    }
}

impl Layout {
    /// Cuts rows that are sorted by both lists of keys.
    pub fn new(frame: DataFrame, partition_by: &[SortKey], order_by: &[SortKey]) -> Result<Layout, TaskError> {
        let ranks = |keys: &[SortKey]| {
            keys.iter().map(|key| Ranks::new(columns::find(&frame, key.column)?, *key)).collect::<Result<Vec<_>, _>>()
        };
        let (by_partition, by_order) = (ranks(partition_by)?, ranks(order_by)?);
        let differs = |ranks: &[Ranks], row: usize| ranks.iter().any(|r| r.compare(row - 1, row).is_ne());
        let rows = frame.height();
        let partitions = Segments::new(rows, |row| differs(&by_partition, row));
        let begins = |row: usize| partitions.start(row) as usize == row || differs(&by_order, row);
        let peers = Segments::new(rows, begins);
        drop((by_partition, by_order));
        Ok(Layout { frame, partitions, peers, order_by: order_by.to_vec() })
    }
}
