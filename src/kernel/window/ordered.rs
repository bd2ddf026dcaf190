//! `f(x ORDER BY y) OVER (...)`: the rows of the frame are looked at in an order of their own.

use super::values::at;
use super::{Evaluation, NOWHERE, Numbers, ranking::tile};
use crate::journal::TaskError;
use crate::kernel::columns;
use crate::kernel::order::Ranks;
use polars::prelude::*;
use std::cmp::Ordering;
use std::ops::Range;

/// The frame of a row in the order of the argument; the same for all rows with the same frame.
struct OrderedFrame {
    ranges: Option<[Range<u32>; 3]>,
    rows: Vec<u32>,
}

impl Evaluation<'_> {
    /// The functions that take ORDER BY in their brackets.
    pub fn in_argument_order(&self) -> Result<Column, TaskError> {
        let frames = self.frames()?;
        let keys = &self.call.argument_order;
        let ranks = keys.iter().map(|key| Ranks::new(columns::find(&self.layout.frame, key.column)?, *key));
        let ranks = ranks.collect::<Result<Vec<Ranks>, TaskError>>()?;
        let compare = |a: usize, b: usize| {
            ranks.iter().map(|key| key.compare(a, b)).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
        };
        let function = self.call.function.as_str();
        let values = match function {
            "row_number" | "rank" | "percent_rank" | "cume_dist" | "ntile" => None,
            _ => Some(self.argument(0)?),
        };
        let counted = values.as_ref().and_then(|values| self.counted(values));
        let counts = |row: u32| counted.as_ref().is_none_or(|c| c.count(&(row..row + 1)) == 1);
        let number = match (function, self.call.args.len()) {
            ("ntile", _) => self.number(0)?,
            (_, 2..) => self.number(1)?,
            _ => Numbers::Constant(Some(1)),
        };
        let mut frame = OrderedFrame { ranges: None, rows: Vec::new() };
        let mut integers: Vec<Option<i64>> = Vec::new();
        let mut shares: Vec<Option<f64>> = Vec::new();
        let mut places: Vec<IdxSize> = Vec::new();
        for row in 0..self.rows() {
            if row % 4096 == 0 {
                (self.check)()?;
            }
            let ranges = frames.ranges(self.layout, row);
            if frame.ranges.as_ref() != Some(&ranges) {
                frame.rows = ranges.iter().cloned().flatten().filter(|r| counts(*r)).collect();
                frame.rows.sort_by(|a, b| compare(*a as usize, *b as usize).then(a.cmp(b)));
                frame.ranges = Some(ranges);
            }
            let size = frame.rows.len();
            let before = |order: Ordering| {
                frame.rows.partition_point(|other| {
                    let found = compare(*other as usize, row);
                    found == Ordering::Less || (found == Ordering::Equal && order == Ordering::Equal)
                })
            };
            let own = frame.rows.partition_point(|other| {
                compare(*other as usize, row).then((*other as usize).cmp(&row)) == Ordering::Less
            });
            let nth = |place: Option<usize>| place.and_then(|p| frame.rows.get(p)).map_or(NOWHERE, |r| *r as IdxSize);
            match function {
                "row_number" => integers.push(Some(own as i64 + 1)),
                "rank" => integers.push(Some(before(Ordering::Less) as i64 + 1)),
                "ntile" => {
                    integers.push(if size == 0 { None } else { tile(own as i64, size as i64, number.get(row))? })
                }
                "percent_rank" => shares.push(Some(match size {
                    0 | 1 => 0.0,
                    size => before(Ordering::Less) as f64 / (size - 1) as f64,
                })),
                "cume_dist" => shares.push((size > 0).then(|| before(Ordering::Equal) as f64 / size as f64)),
                "first_value" => places.push(nth(Some(0))),
                "last_value" => places.push(nth(size.checked_sub(1))),
                "nth_value" => {
                    let n = number.get(row).and_then(|n| usize::try_from(n).ok()?.checked_sub(1));
                    places.push(nth(n));
                }
                "lag" | "lead" => {
                    let distance = number.get(row).map(|n| if function == "lag" { n.checked_neg() } else { Some(n) });
                    let found = frame.rows.get(own).is_some_and(|r| *r as usize == row);
                    // Where the row itself does not count, the next one stands in its place.
                    let from = own as i64 - i64::from(!found && matches!(distance, Some(Some(1..))));
                    let target = distance.flatten().and_then(|d| usize::try_from(from.checked_add(d)?).ok());
                    let place = nth(target);
                    let default = place == NOWHERE && distance.is_some() && self.call.args.len() > 2;
                    places.push(if default { (self.rows() + row) as IdxSize } else { place });
                }
                other => return Err(TaskError::bug(format!("{other} takes no ORDER BY"))),
            }
        }
        Ok(match values {
            Some(mut values) => {
                if self.call.args.len() > 2 {
                    values.append(&self.argument(2)?)?;
                    values = values.rechunk();
                }
                at(&values, &places)
            }
            None if !integers.is_empty() => integers.into_iter().collect::<Int64Chunked>().into_column(),
            None => shares.into_iter().collect::<Float64Chunked>().into_column(),
        })
    }
}
