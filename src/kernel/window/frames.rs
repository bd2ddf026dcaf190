//! Which rows each row sees.

use super::Numbers;
use super::layout::Layout;
use crate::functions::QueryClock;
use crate::journal::{ErrorCode, TaskError};
use crate::kernel::columns;
use crate::kernel::expr::CompiledExpr;
use crate::kernel::order::Ranks;
use crate::plan::window::{Bound, Exclude, Frame, FrameUnit};
use polars::prelude::Column;
use std::cmp::Ordering;
use std::ops::Range;

/// The frame of each row: from a row to before another, less what is excluded.
pub struct Frames {
    starts: Vec<u32>,
    ends: Vec<u32>,
    exclude: Exclude,
}

/// Which end of a frame.
#[derive(Clone, Copy, PartialEq)]
enum Side {
    Start,
    End,
}

/// What makes offsets of one bound.
struct Offsets<'a> {
    layout: &'a Layout,
    side: Side,
    precedes: bool,
}

impl Frames {
    /// The frames of all rows. `start` and `end` are the offsets, where the frame has them. INVALID_ARGUMENTS for an offset
    /// that is negative, or NULL where rows or groups are counted.
    pub fn new(
        layout: &Layout,
        frame: &Frame,
        start: Option<&CompiledExpr>,
        end: Option<&CompiledExpr>,
        clock: &QueryClock,
    ) -> Result<Frames, TaskError> {
        let bound = |bound: &Bound, side: Side, offset: Option<&CompiledExpr>| -> Result<Vec<u32>, TaskError> {
            let rows = 0..layout.frame.height();
            Ok(match (bound, frame.unit, offset) {
                (Bound::UnboundedPreceding, ..) => rows.map(|row| layout.partitions.start(row)).collect(),
                (Bound::UnboundedFollowing, ..) => rows.map(|row| layout.partitions.end(row)).collect(),
                (Bound::CurrentRow, FrameUnit::Rows, _) => {
                    rows.map(|row| row as u32 + (side == Side::End) as u32).collect()
                }
                (Bound::CurrentRow, ..) if side == Side::Start => rows.map(|row| layout.peers.start(row)).collect(),
                (Bound::CurrentRow, ..) => rows.map(|row| layout.peers.end(row)).collect(),
                (Bound::Preceding(expr) | Bound::Following(expr), unit, Some(offset)) => {
                    let precedes = matches!(bound, Bound::Preceding(_));
                    let offsets = Offsets { layout, side, precedes };
                    let values = offset.evaluate(&layout.frame, clock)?;
                    let found = match unit {
                        FrameUnit::Rows => offsets.rows(&Numbers::new(&values)?),
                        FrameUnit::Groups => offsets.groups(&Numbers::new(&values)?),
                        FrameUnit::Range => offsets.range(frame, values),
                    };
                    found.map_err(|error| error.at(expr.span))?
                }
                _ => return Err(TaskError::bug("a frame lacks an offset")),
            })
        };
        let starts = bound(&frame.start, Side::Start, start)?;
        let mut ends = bound(&frame.end, Side::End, end)?;
        for (end, start) in ends.iter_mut().zip(&starts) {
            *end = (*end).max(*start);
        }
        Ok(Frames { starts, ends, exclude: frame.exclude })
    }

    /// Whether every frame is one range.
    pub fn are_whole(&self) -> bool {
        self.exclude == Exclude::NoOthers
    }

    /// The frame of a row before anything is excluded.
    pub fn range(&self, row: usize) -> Range<u32> {
        self.starts[row]..self.ends[row]
    }

    /// The rows that a row sees, in order: up to three ranges, some of them empty.
    pub fn ranges(&self, layout: &Layout, row: usize) -> [Range<u32>; 3] {
        let (start, end) = (self.starts[row], self.ends[row]);
        let at = row as u32;
        let cut = |from: u32, to: u32| start.max(from)..end.min(to).max(start.max(from));
        let (before, behind) = match self.exclude {
            Exclude::NoOthers => return [start..end, end..end, end..end],
            Exclude::CurrentRow => (at, at + 1),
            Exclude::Group | Exclude::Ties => (layout.peers.start(row), layout.peers.end(row)),
        };
        let own = if self.exclude == Exclude::Ties { cut(at, at + 1) } else { end..end };
        [cut(0, before), own, cut(behind, u32::MAX)]
    }

    /// Whether each frame begins where its partition does and ends no earlier than that of the row before.
    pub fn grow(&self, layout: &Layout) -> bool {
        self.are_whole()
            && (0..self.starts.len()).all(|row| {
                let start = layout.partitions.start(row);
                let first = start as usize == row;
                (self.starts[row] == start || self.starts[row] == self.ends[row])
                    && (first || self.ends[row] >= self.ends[row - 1])
            })
    }
}

impl Offsets<'_> {
    /// The number of rows or groups to go, which must be one.
    fn distance(&self, unit: &str, numbers: &Numbers, row: usize) -> Result<i64, TaskError> {
        let direction = if self.precedes { "PRECEDING" } else { "FOLLOWING" };
        let wrong = |what: &str| {
            let message = format!("Window {unit} {direction} expression cannot be {what}");
            TaskError::user(ErrorCode::InvalidArguments, message)
        };
        match numbers.get(row) {
            None => Err(wrong("NULL")),
            Some(number) if number < 0 => Err(wrong("negative")),
            Some(number) => Ok(if self.precedes { -number } else { number }),
        }
    }

    fn rows(&self, numbers: &Numbers) -> Result<Vec<u32>, TaskError> {
        let behind = (self.side == Side::End) as i64;
        (0..self.layout.frame.height())
            .map(|row| {
                let target = (row as i64 + behind).saturating_add(self.distance("ROWS", numbers, row)?);
                let (first, last) = (self.layout.partitions.start(row), self.layout.partitions.end(row));
                Ok(target.clamp(first.into(), last.into()) as u32)
            })
            .collect()
    }

    fn groups(&self, numbers: &Numbers) -> Result<Vec<u32>, TaskError> {
        let Layout { partitions, peers, .. } = self.layout;
        (0..self.layout.frame.height())
            .map(|row| {
                let target = (peers.of(row) as i64).saturating_add(self.distance("GROUPS", numbers, row)?);
                let (first, end) = (partitions.start(row), partitions.end(row));
                let (least, most) = (peers.of(first as usize) as i64, peers.of(end as usize - 1) as i64);
                Ok(match target {
                    target if target < least => first,
                    target if target > most => end,
                    target => peers.start_of(target as usize + (self.side == Side::End) as usize),
                })
            })
            .collect()
    }

    /// By binary search for the bound among the keys of the partition. A NULL bound is where the row itself is.
    fn range(&self, frame: &Frame, bounds: Column) -> Result<Vec<u32>, TaskError> {
        let Layout { partitions, peers, frame: rows, order_by } = self.layout;
        let key = frame.range_key.ok_or_else(|| TaskError::bug("RANGE with an offset, but without a key"))?;
        let keys = columns::one_chunk(columns::find(rows, key)?);
        let height = keys.len();
        let bounds = if bounds.len() == 1 && height != 1 { bounds.new_from_index(0, height) } else { bounds };
        let bounds = columns::one_chunk(&bounds).cast(keys.dtype())?;
        let nulls = bounds.is_null();
        let mut both = keys;
        both.append(&bounds)?;
        // Without a key there is only one value: constants order nothing.
        let direction = order_by.first().copied().unwrap_or(crate::plan::logical::SortKey {
            column: key,
            descending: false,
            nulls_first: false,
        });
        let ranks = Ranks::new(&both.rechunk().into(), direction)?;
        (0..height)
            .map(|row| {
                let (first, end) = (partitions.start(row) as usize, partitions.end(row) as usize);
                if nulls.get(row) == Some(true) {
                    return Ok(if self.side == Side::Start { peers.start(row) } else { peers.end(row) });
                }
                let wrong = if self.precedes { Ordering::Greater } else { Ordering::Less };
                if ranks.compare(height + row, row) == wrong {
                    let direction = if self.precedes { "PRECEDING" } else { "FOLLOWING" };
                    let message = format!("Invalid RANGE {direction} value: an offset cannot be negative");
                    return Err(TaskError::user(ErrorCode::InvalidArguments, message));
                }
                let before = |at: usize| match ranks.compare(at, height + row) {
                    Ordering::Less => true,
                    Ordering::Equal => self.side == Side::End,
                    Ordering::Greater => false,
                };
                let (mut low, mut high) = (first, end);
                while low < high {
                    let middle = low + (high - low) / 2;
                    if before(middle) { low = middle + 1 } else { high = middle }
                }
                Ok(low as u32)
            })
            .collect()
    }
}
