//! Functions of where a row stands in its partition.

use super::{Evaluation, Numbers};
use crate::journal::{ErrorCode, TaskError};
use polars::prelude::*;

/// The bucket, from 1, of the row at `place` when `rows` are cut into `buckets` of nearly equal size, the larger ones first.
pub fn tile(place: i64, rows: i64, buckets: Option<i64>) -> Result<Option<i64>, TaskError> {
    let Some(buckets) = buckets else { return Ok(None) };
    if buckets <= 0 {
        return Err(TaskError::user(ErrorCode::InvalidArguments, "Argument for ntile must be greater than zero"));
    }
    let buckets = buckets.min(rows);
    let (size, larger) = (rows / buckets, rows % buckets);
    let in_larger = larger * (size + 1);
    Ok(Some(if place < in_larger { place / (size + 1) } else { larger + (place - in_larger) / size } + 1))
}

impl Evaluation<'_> {
    pub fn ranking(&self) -> Result<Column, TaskError> {
        let (partitions, peers) = (&self.layout.partitions, &self.layout.peers);
        let rows = 0..self.rows();
        let place = |row: usize| row as i64 - i64::from(partitions.start(row));
        let rank = |row: usize| i64::from(peers.start(row) - partitions.start(row));
        let size = |row: usize| f64::from(partitions.end(row) - partitions.start(row));
        let integers = |numbers: Vec<i64>| Int64Chunked::from_vec(PlSmallStr::EMPTY, numbers).into_column();
        let shares = |shares: Vec<f64>| Float64Chunked::from_vec(PlSmallStr::EMPTY, shares).into_column();
        Ok(match self.call.function.as_str() {
            "row_number" => integers(rows.map(|row| place(row) + 1).collect()),
            "rank" => integers(rows.map(|row| rank(row) + 1).collect()),
            "dense_rank" => {
                let first = |row: usize| peers.of(partitions.start(row) as usize);
                integers(rows.map(|row| (peers.of(row) - first(row)) as i64 + 1).collect())
            }
            "percent_rank" => shares(
                rows.map(|row| if size(row) > 1.0 { rank(row) as f64 / (size(row) - 1.0) } else { 0.0 }).collect(),
            ),
            "cume_dist" => {
                shares(rows.map(|row| f64::from(peers.end(row) - partitions.start(row)) / size(row)).collect())
            }
            _ => {
                let buckets: Numbers = self.number(0)?;
                let tiles = rows.map(|row| tile(place(row), size(row) as i64, buckets.get(row)));
                tiles.collect::<Result<Int64Chunked, TaskError>>()?.into_column()
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::tile;

    #[test]
    fn larger_buckets_come_first() {
        let tiles = |rows: i64, buckets: i64| -> Vec<i64> {
            (0..rows).map(|place| tile(place, rows, Some(buckets)).unwrap().unwrap()).collect()
        };
        assert_eq!(tiles(10, 3), [1, 1, 1, 1, 2, 2, 2, 3, 3, 3]);
        assert_eq!(tiles(3, 100), [1, 2, 3]);
        assert_eq!(tile(0, 5, None), Ok(None));
        assert!(tile(0, 5, Some(0)).is_err());
    }
}
