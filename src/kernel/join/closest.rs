//! The ASOF join's choice: of the build rows with a probe row's keys, the one whose value is closest.

use super::BuildSide;
use crate::journal::TaskError;
use crate::kernel::columns;
use crate::kernel::order::ascending_ranks;
use crate::plan::ColumnId;
use crate::plan::physical::{AsOfOrder, PhysicalJoin};
use polars::prelude::*;

/// How a probe row chooses.
#[derive(Debug, Clone, Copy)]
pub struct Closest {
    probe: ColumnId,
    build: ColumnId,
    order: AsOfOrder,
}

impl Closest {
    /// The choice of a kind of join; None where a row takes all of its matches.
    pub fn of(kind: PhysicalJoin) -> Option<Closest> {
        match kind {
            PhysicalJoin::AsOf { probe, build, order, .. } => Some(Closest { probe, build, order }),
            _ => None,
        }
    }

    /// Puts the rows of each key of a build side in the order of their values; equal ones stay in theirs.
    pub fn sort(&self, build: &mut BuildSide) -> Result<(), TaskError> {
        build.sort_by_ranks(ascending_ranks(columns::find(&build.rows, self.build)?)?);
        Ok(())
    }

    /// The values of a probe batch, None for NULL, to be compared with those of the build side.
    pub fn values(&self, batch: &DataFrame) -> Result<Vec<Option<u128>>, TaskError> {
        ascending_ranks(columns::find(batch, self.probe)?)
    }

    /// The closest of `places`, the build rows of one key, to a probe value.
    pub fn choose(&self, build: &BuildSide, places: &[IdxSize], value: Option<u128>) -> Option<IdxSize> {
        value?;
        let rank = |place: &IdxSize| build.ranks[*place as usize];
        let found = match self.order {
            AsOfOrder::Before => places.partition_point(|place| rank(place) < value).checked_sub(1),
            AsOfOrder::UpTo => places.partition_point(|place| rank(place) <= value).checked_sub(1),
            AsOfOrder::After => Some(places.partition_point(|place| rank(place) <= value)),
            AsOfOrder::From => Some(places.partition_point(|place| rank(place) < value)),
        };
        found.and_then(|at| places.get(at)).copied().filter(|place| rank(place).is_some())
    }
}
