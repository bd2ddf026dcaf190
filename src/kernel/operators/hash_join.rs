//! The hash join: the build side is collected and indexed, probe batches stream through in order.

use super::key_filter::KeyFilter;
use super::{BATCH_ROWS, Batches, Operator, Stream, Task, drain};
use crate::journal::TaskError;
use crate::kernel::join::{BuildSide, Closest, JoinShape, KeyPairs, Matches, Pairs, Sharing};
use crate::kernel::keys::NO_ID;
use crate::kernel::{Block, columns};
use crate::plan::physical::PhysicalJoin;
use crate::scheduler::StageId;
use polars::prelude::*;
use std::sync::{Arc, Mutex, Weak};

/// A lowered hash join.
pub struct HashJoinOperator {
    pub probe: Box<Operator>,
    pub build: Box<Operator>,
    pub keys: KeyPairs,
    pub shape: JoinShape,
    /// An ASOF join takes one match of each row.
    pub closest: Option<Closest>,
    pub sharing: Option<Sharing>,
    pub made: MadeBuild,
}

/// The build side that a node made last. Blocks are shared by all nodes of the process, and from the same blocks comes the same
/// build side; so another node takes it over instead of making it again, and holds it as if it had.
pub struct MadeBuild {
    /// The stages that decide it.
    stages: Vec<StageId>,
    last: Mutex<Option<Made>>,
}

struct Made {
    from: Vec<Weak<Block>>,
    side: Weak<BuildSide>,
    /// What was held while it was made, in bytes.
    held: u64,
}

impl MadeBuild {
    /// None is made yet; it will be made of the whole outputs of these stages.
    pub fn new(stages: Vec<StageId>) -> MadeBuild {
        MadeBuild { stages, last: Mutex::default() }
    }

    /// The build side from these blocks: the one that is there, or what `make` makes.
    fn get_or_make(
        &self,
        task: &Task,
        make: impl FnOnce() -> Result<BuildSide, TaskError>,
    ) -> Result<Arc<BuildSide>, TaskError> {
        let blocks = self.stages.iter().filter_map(|stage| task.inputs.exchanges.get(stage)).flatten();
        let from: Vec<Weak<Block>> = blocks.map(Arc::downgrade).collect();
        let mut made = self.last.lock().unwrap_or_else(|e| e.into_inner());
        let same = |made: &&Made| {
            made.from.len() == from.len() && made.from.iter().zip(&from).all(|(a, b)| Weak::ptr_eq(a, b))
        };
        if let Some(known) = made.as_ref().filter(same)
            && let Some(side) = known.side.upgrade()
        {
            task.memory.replace(0, known.held);
            return Ok(side);
        }
        let before = task.memory.held();
        let side = Arc::new(make()?);
        let held = task.memory.held().saturating_sub(before);
        *made = Some(Made { from, side: Arc::downgrade(&side), held });
        Ok(side)
    }
}

impl HashJoinOperator {
    /// Builds (or finds what another task of this node has built) and opens the probe side, whose rows must pass `filters`, and
    /// the keys built here where the join drops rows without a match.
    pub fn open<'a>(&'a self, task: &'a Task<'a>, filters: Vec<KeyFilter>) -> Result<Stream<'a>, TaskError> {
        let build = match self.sharing {
            Some(Sharing { from, place }) => {
                let build = || self.made.get_or_make(task, || self.build(task));
                task.context.shared.get_or_build((from, place), build)?
            }
            None => Arc::new(self.build(task)?),
        };
        let matches = self.shape.matches(build.rows.height());
        let probe = self.probe.open_filtered(task, self.filters(filters, &build))?;
        Ok(Box::new(HashJoinStream { join: self, probe, build, matches, pending: None, task }))
    }

    /// What the probe side's rows may be filtered by.
    fn filters(&self, above: Vec<KeyFilter>, build: &Arc<BuildSide>) -> Vec<KeyFilter> {
        // A right or full join yields rows because no probe row matched them; what may fail must see the rows it would see.
        let keeps_probe_apart =
            !matches!(self.shape.kind, PhysicalJoin::RightOuter | PhysicalJoin::FullOuter | PhysicalJoin::Single);
        if !keeps_probe_apart || self.shape.can_fail() {
            return Vec::new();
        }
        let mut filters = above;
        if matches!(self.shape.kind, PhysicalJoin::Inner | PhysicalJoin::Semi) {
            filters.push(KeyFilter { columns: self.keys.probe.clone(), build: build.clone() });
        }
        filters
    }

    fn build(&self, task: &Task) -> Result<BuildSide, TaskError> {
        let frames = drain(task, &mut *self.build.open(task)?)?;
        let mut side = BuildSide::new(columns::concat(&frames, &self.shape.build)?, &self.keys)?;
        if let Some(closest) = &self.closest {
            closest.sort(&mut side)?;
        }
        task.memory.replace(0, side.bytes());
        Ok(side)
    }
}

struct HashJoinStream<'a> {
    join: &'a HashJoinOperator,
    probe: Stream<'a>,
    build: Arc<BuildSide>,
    /// Build rows that were met; None where nobody asks, and after they were put out.
    matches: Option<Matches>,
    pending: Option<Pending>,
    task: &'a Task<'a>,
}

/// A probe batch whose matches come in several parts.
struct Pending {
    batch: DataFrame,
    ids: Vec<u32>,
    next: usize,
}

impl HashJoinStream<'_> {
    /// The output of the next rows of a probe batch: of as many as make a good batch of pairs.
    fn step(&mut self, pending: &mut Pending) -> Result<DataFrame, TaskError> {
        let (shape, build) = (&self.join.shape, &*self.build);
        let Pending { batch, ids, next } = pending;
        let start = *next;
        let null_probe_key = |row: usize| {
            self.join.keys.probe.iter().any(|id| columns::find(batch, *id).is_ok_and(|key| is_null_at(key, row)))
        };
        let unknown = |row: usize| build.rows.height() > 0 && (build.has_null_key || null_probe_key(row));
        if shape.asks_only_whether() && !shape.has_residual() {
            *next = batch.height();
            let matched: Vec<bool> = ids.iter().map(|id| *id != NO_ID).collect();
            return shape.emit_whether(&matched, 0..batch.height(), batch, &build.rows, unknown);
        }
        let mut pairs = Pairs::default();
        if let Some(closest) = &self.join.closest {
            let values = closest.values(batch)?;
            for (row, id) in ids.iter().enumerate().filter(|(_, id)| **id != NO_ID) {
                if let Some(place) = closest.choose(build, build.places(*id), values[row]) {
                    pairs.probe.push(row as IdxSize);
                    pairs.build.push(place);
                }
            }
            *next = batch.height();
        } else if build.is_unique() {
            for (row, id) in ids.iter().enumerate().skip(start) {
                if *id != NO_ID {
                    pairs.probe.push(row as IdxSize);
                    pairs.build.push(build.places(*id)[0]);
                }
            }
            *next = batch.height();
        } else {
            while *next < batch.height() && pairs.probe.len() < 2 * BATCH_ROWS {
                if ids[*next] != NO_ID {
                    let places = build.places(ids[*next]);
                    pairs.probe.resize(pairs.probe.len() + places.len(), *next as IdxSize);
                    pairs.build.extend_from_slice(places);
                }
                *next += 1;
            }
        }
        if matches!(shape.kind, PhysicalJoin::Mark(_)) {
            return shape.emit_marks(&pairs, start..*next, batch, &build.rows, &self.task.context.clock);
        }
        let pairs = shape.check(pairs, batch, &build.rows, &self.task.context.clock)?;
        shape.emit(pairs, start..*next, batch, &build.rows, self.matches.as_mut())
    }
}

fn is_null_at(column: &Column, row: usize) -> bool {
    column.null_count() > 0 && column.as_materialized_series().get(row).is_ok_and(|value| value.is_null())
}

impl Batches for HashJoinStream<'_> {
    fn next(&mut self) -> Result<Option<DataFrame>, TaskError> {
        self.task.check()?;
        if let Some(mut pending) = self.pending.take() {
            let output = self.step(&mut pending)?;
            self.pending = (pending.next < pending.batch.height()).then_some(pending);
            return Ok(Some(output));
        }
        // Without build rows an inner or semi join yields nothing, and its probe side need not be read.
        let fruitless = matches!(self.join.shape.kind, PhysicalJoin::Inner | PhysicalJoin::Semi);
        if fruitless && self.build.rows.height() == 0 {
            return Ok(None);
        }
        if let Some(batch) = self.probe.next()? {
            let keys =
                self.join.keys.probe.iter().map(|id| columns::find(&batch, *id)).collect::<Result<Vec<_>, _>>()?;
            let ids = self.build.find(&keys, batch.height())?;
            let mut pending = Pending { batch, ids, next: 0 };
            let output = self.step(&mut pending)?;
            self.pending = (pending.next < pending.batch.height()).then_some(pending);
            return Ok(Some(output));
        }
        match self.matches.take() {
            Some(matches) => self.join.shape.emit_unmatched(&matches, &self.build.rows).map(Some),
            None => Ok(None),
        }
    }
}
