//! What a join yields for the pairs of rows that match.

use crate::functions::QueryClock;
use crate::journal::TaskError;
use crate::kernel::operators::more_than_one_row;
use crate::kernel::{columns, expr::CompiledExpr};
use crate::plan::{ColumnId, Expr, expr::ColumnDef, physical::PhysicalJoin};
use polars::prelude::*;
use std::ops::Range;

/// A lowered join without the way its pairs are found.
pub struct JoinShape {
    pub kind: PhysicalJoin,
    /// Checked on each pair before it counts.
    residual: Option<Residual>,
    pub build: Vec<ColumnDef>,
    output: Vec<OutputColumn>,
}

/// A condition on pairs, with the columns that it reads of each side.
struct Residual {
    condition: CompiledExpr,
    of_probe: Vec<ColumnId>,
    of_build: Vec<ColumnId>,
}

impl Residual {
    /// What the condition reads, a row for each pair.
    fn columns(&self, pairs: &Pairs, probe: &DataFrame, build: &DataFrame) -> Result<DataFrame, TaskError> {
        let mut columns = Vec::with_capacity(self.of_probe.len() + self.of_build.len());
        for id in &self.of_probe {
            columns.push(columns::take_column(columns::find(probe, *id)?, &pairs.probe));
        }
        for id in &self.of_build {
            columns.push(columns::take_column(columns::find(build, *id)?, &pairs.build));
        }
        Ok(columns::frame(pairs.probe.len(), columns))
    }
}

#[derive(Clone)]
enum OutputColumn {
    Probe(ColumnDef),
    Build(ColumnDef),
    Mark(ColumnId),
}

/// Pairs of a probe row and a build row, ascending by probe row.
#[derive(Default)]
pub struct Pairs {
    pub probe: Vec<IdxSize>,
    pub build: Vec<IdxSize>,
}

/// Which build rows have met a probe row; kept by right and full joins.
pub struct Matches {
    met: Vec<bool>,
}

impl JoinShape {
    /// Lowers a join of a probe (left) and a build (right) side.
    pub fn compile(
        kind: PhysicalJoin,
        residual: Option<&Expr>,
        probe: &[ColumnDef],
        build: &[ColumnDef],
        output: &[ColumnId],
    ) -> Result<JoinShape, TaskError> {
        let of = |defs: &[ColumnDef], id: ColumnId| defs.iter().find(|c| c.id == id).cloned();
        let residual = residual
            .map(|condition| {
                let ids = condition.columns();
                let (of_probe, of_build) = ids.into_iter().partition(|id| of(probe, *id).is_some());
                Ok::<_, TaskError>(Residual { condition: CompiledExpr::compile(condition)?, of_probe, of_build })
            })
            .transpose()?;
        let output = output
            .iter()
            .map(|id| match (of(probe, *id), of(build, *id)) {
                (Some(def), _) => Ok(OutputColumn::Probe(def)),
                (None, Some(def)) => Ok(OutputColumn::Build(def)),
                (None, None) if kind == PhysicalJoin::Mark(*id) => Ok(OutputColumn::Mark(*id)),
                (None, None) => Err(TaskError::bug(format!("a join has no column {id}"))),
            })
            .collect::<Result<_, _>>()?;
        // Which of its matches a row takes is decided before; what it yields is that of an inner or a left join.
        let kind = match kind {
            PhysicalJoin::AsOf { outer: false, .. } => PhysicalJoin::Inner,
            PhysicalJoin::AsOf { outer: true, .. } => PhysicalJoin::LeftOuter,
            other => other,
        };
        Ok(JoinShape { kind, residual, build: build.to_vec(), output })
    }

    /// Whether a probe row's outcome depends only on there being a match.
    pub fn asks_only_whether(&self) -> bool {
        matches!(self.kind, PhysicalJoin::Semi | PhysicalJoin::Anti | PhysicalJoin::Mark(_))
    }

    /// Whether checking a pair may raise a user error.
    pub fn can_fail(&self) -> bool {
        self.residual.as_ref().is_some_and(|residual| residual.condition.can_fail())
    }

    /// Whether there is a condition to check on each pair.
    pub fn has_residual(&self) -> bool {
        self.residual.is_some()
    }

    /// A record of matched build rows, where the kind needs one.
    pub fn matches(&self, build_rows: usize) -> Option<Matches> {
        matches!(self.kind, PhysicalJoin::RightOuter | PhysicalJoin::FullOuter)
            .then(|| Matches { met: vec![false; build_rows] })
    }

    /// Drops the pairs that fail the residual condition.
    pub fn check(
        &self,
        pairs: Pairs,
        probe: &DataFrame,
        build: &DataFrame,
        clock: &QueryClock,
    ) -> Result<Pairs, TaskError> {
        let Some(residual) = &self.residual else { return Ok(pairs) };
        if pairs.probe.is_empty() {
            return Ok(pairs);
        }
        let mask = residual.condition.evaluate_mask(&residual.columns(&pairs, probe, build)?, clock)?;
        let mut kept = Pairs::default();
        for (place, keep) in mask.iter().enumerate() {
            if keep == Some(true) {
                kept.probe.push(pairs.probe[place]);
                kept.build.push(pairs.build[place]);
            }
        }
        Ok(kept)
    }

    /// What these probe rows yield to a mark join, whose condition is asked of each pair: TRUE if it is true of one, else NULL if it
    /// is unknown of one.
    pub fn emit_marks(
        &self,
        pairs: &Pairs,
        rows: Range<usize>,
        probe: &DataFrame,
        build: &DataFrame,
        clock: &QueryClock,
    ) -> Result<DataFrame, TaskError> {
        let mut matched = vec![false; rows.len()];
        let mut unknown = vec![false; rows.len()];
        if let Some(residual) = &self.residual
            && !pairs.probe.is_empty()
        {
            let (truths, falses) = residual.condition.evaluate_truth(&residual.columns(pairs, probe, build)?, clock)?;
            for ((row, truth), falsehood) in pairs.probe.iter().zip(truths.iter()).zip(falses.iter()) {
                let place = *row as usize - rows.start;
                matched[place] |= truth == Some(true);
                unknown[place] |= truth == Some(false) && falsehood == Some(false);
            }
        }
        let start = rows.start;
        self.emit_whether(&matched, rows, probe, build, |row| unknown[row - start])
    }

    /// What these probe rows yield, given all their pairs.
    pub fn emit(
        &self,
        pairs: Pairs,
        rows: Range<usize>,
        probe: &DataFrame,
        build: &DataFrame,
        matches: Option<&mut Matches>,
    ) -> Result<DataFrame, TaskError> {
        if let Some(matches) = matches {
            pairs.build.iter().for_each(|row| matches.met[*row as usize] = true);
        }
        match self.kind {
            PhysicalJoin::Inner | PhysicalJoin::RightOuter | PhysicalJoin::AsOf { .. } => {
                self.output(&pairs, probe, build, None)
            }
            PhysicalJoin::LeftOuter | PhysicalJoin::FullOuter => {
                self.output(&with_unmatched(pairs, rows), probe, build, None)
            }
            PhysicalJoin::Single => {
                if pairs.probe.windows(2).any(|pair| pair[0] == pair[1]) {
                    return Err(more_than_one_row());
                }
                self.output(&with_unmatched(pairs, rows), probe, build, None)
            }
            PhysicalJoin::Semi | PhysicalJoin::Anti | PhysicalJoin::Mark(_) => {
                let mut matched = vec![false; rows.len()];
                pairs.probe.iter().for_each(|row| matched[*row as usize - rows.start] = true);
                self.emit_whether(&matched, rows, probe, build, |_| false)
            }
        }
    }

    /// As [`JoinShape::emit`] for a join that asks only whether a row has a match; `matched` begins at the first of `rows`. `unknown(row)` says
    /// whether a row without a match is NULL rather than FALSE to a mark join.
    pub fn emit_whether(
        &self,
        matched: &[bool],
        rows: Range<usize>,
        probe: &DataFrame,
        build: &DataFrame,
        unknown: impl Fn(usize) -> bool,
    ) -> Result<DataFrame, TaskError> {
        let mark = matches!(self.kind, PhysicalJoin::Mark(_)).then(|| -> BooleanChunked {
            let of_row = |(row, matched): (usize, &bool)| match matched {
                true => Some(true),
                false => (!unknown(row)).then_some(false),
            };
            rows.clone().zip(matched).map(of_row).collect()
        });
        let wanted = self.kind == PhysicalJoin::Semi;
        let kept = rows.clone().zip(matched).filter(|(_, matched)| mark.is_some() || **matched == wanted);
        let pairs = Pairs { probe: kept.map(|(row, _)| row as IdxSize).collect(), build: Vec::new() };
        self.output(&pairs, probe, build, mark)
    }

    /// Rows of build columns that no probe row has met, with NULLs beside them.
    pub fn emit_unmatched(&self, matches: &Matches, build: &DataFrame) -> Result<DataFrame, TaskError> {
        let rows: Vec<IdxSize> = (0..build.height() as IdxSize).filter(|row| !matches.met[*row as usize]).collect();
        let mut columns = Vec::with_capacity(self.output.len());
        for output in &self.output {
            columns.push(match output {
                OutputColumn::Probe(def) => Column::full_null(def.id.name().into(), rows.len(), &def.dtype.physical()),
                OutputColumn::Build(def) => columns::take_column(columns::find(build, def.id)?, &rows),
                OutputColumn::Mark(id) => Column::full_null(id.name().into(), rows.len(), &DataType::Boolean),
            });
        }
        Ok(columns::frame(rows.len(), columns))
    }

    fn output(
        &self,
        pairs: &Pairs,
        probe: &DataFrame,
        build: &DataFrame,
        mark: Option<BooleanChunked>,
    ) -> Result<DataFrame, TaskError> {
        let height = pairs.probe.len();
        // Each probe row once: its columns are used as they are.
        let whole = height == probe.height() && pairs.probe.iter().enumerate().all(|(i, row)| *row as usize == i);
        let some_null = pairs.build.contains(&IdxSize::MAX);
        let mut columns = Vec::with_capacity(self.output.len());
        for output in &self.output {
            columns.push(match output {
                OutputColumn::Probe(def) if whole => columns::find(probe, def.id)?.clone(),
                OutputColumn::Probe(def) => columns::take_column(columns::find(probe, def.id)?, &pairs.probe),
                OutputColumn::Build(def) if some_null => {
                    columns::take_column_or_null(columns::find(build, def.id)?, &pairs.build)
                }
                OutputColumn::Build(def) => columns::take_column(columns::find(build, def.id)?, &pairs.build),
                OutputColumn::Mark(id) => match &mark {
                    Some(mark) => mark.clone().into_series().with_name(id.name().into()).into(),
                    None => return Err(TaskError::bug("a mark column outside a mark join")),
                },
            });
        }
        Ok(columns::frame(height, columns))
    }
}

/// The pairs, and for each row without one a pair with no build row.
fn with_unmatched(pairs: Pairs, rows: Range<usize>) -> Pairs {
    let mut all = Pairs { probe: Vec::with_capacity(rows.len()), build: Vec::with_capacity(rows.len()) };
    let mut next = 0;
    for row in rows {
        let before = next;
        while next < pairs.probe.len() && pairs.probe[next] as usize == row {
            all.probe.push(row as IdxSize);
            all.build.push(pairs.build[next]);
            next += 1;
        }
        if next == before {
            all.probe.push(row as IdxSize);
            all.build.push(IdxSize::MAX);
        }
    }
    all
}
