//! Lists to rows: each input row once for every element of its lists.

use super::{BATCH_ROWS, Batches, Stream, Task};
use crate::functions::nested::{Lists, NOWHERE, pick};
use crate::journal::TaskError;
use crate::kernel::{columns, expr::CompiledExpr};
use crate::plan::{Expr, expr::ColumnDef};
use polars::prelude::{Column, DataFrame, IdxSize, Int64Chunked, IntoColumn};

/// The lists of an unnesting, lowered.
pub struct Unnesting {
    lists: Vec<(ColumnDef, CompiledExpr)>,
    ordinality: Option<ColumnDef>,
    outer: bool,
}

impl Unnesting {
    /// Lowers the lists' expressions.
    pub fn compile(
        lists: &[(ColumnDef, Expr)],
        ordinality: Option<ColumnDef>,
        outer: bool,
    ) -> Result<Unnesting, TaskError> {
        let compiled = lists.iter().map(|(def, list)| Ok((def.clone(), CompiledExpr::compile(list)?)));
        Ok(Unnesting { lists: compiled.collect::<Result<_, TaskError>>()?, ordinality, outer })
    }

    /// Opens the unnesting of a stream of rows.
    pub fn open<'a>(&'a self, input: Stream<'a>, task: &'a Task<'a>) -> Stream<'a> {
        Box::new(UnnestStream { unnesting: self, input, task, current: None })
    }
}

struct UnnestStream<'a> {
    unnesting: &'a Unnesting,
    input: Stream<'a>,
    task: &'a Task<'a>,
    current: Option<Current>,
}

/// A batch of input that is not used up: a list may be longer than a batch of output.
struct Current {
    batch: DataFrame,
    lists: Vec<Lists>,
    /// The next row, and how many of its elements are out.
    row: usize,
    done: usize,
}

impl UnnestStream<'_> {
    fn start(&self, batch: DataFrame) -> Result<Current, TaskError> {
        let mut lists = Vec::with_capacity(self.unnesting.lists.len());
        for (def, list) in &self.unnesting.lists {
            let column = if batch.height() == 0 {
                Column::full_null(def.id.name().into(), 0, &list.dtype().physical())
            } else {
                list.evaluate(&batch, &self.task.context.clock)?
            };
            lists.push(Lists::of(&column, &def.dtype)?);
        }
        Ok(Current { batch, lists, row: 0, done: 0 })
    }

    /// The next rows of a batch, no more than make a good batch.
    fn fill(&self, current: &mut Current) -> DataFrame {
        let mut rows: Vec<IdxSize> = Vec::new();
        let mut numbers: Vec<Option<i64>> = Vec::new();
        let mut places: Vec<Vec<IdxSize>> = vec![Vec::new(); current.lists.len()];
        while current.row < current.batch.height() && rows.len() < BATCH_ROWS {
            let ranges: Vec<_> = current.lists.iter().map(|list| list.get(current.row).unwrap_or(0..0)).collect();
            let longest = ranges.iter().map(|range| range.len()).max().unwrap_or(0);
            let until = longest.min(current.done + BATCH_ROWS - rows.len());
            if longest == 0 && self.unnesting.outer {
                rows.push(current.row as IdxSize);
                numbers.push(None);
                places.iter_mut().for_each(|places| places.push(NOWHERE));
            }
            for (places, range) in places.iter_mut().zip(&ranges) {
                let element = |i: usize| if i < range.len() { (range.start + i) as IdxSize } else { NOWHERE };
                places.extend((current.done..until).map(element));
            }
            rows.extend(std::iter::repeat_n(current.row as IdxSize, until - current.done));
            numbers.extend((current.done..until).map(|i| Some(i as i64 + 1)));
            current.done = until;
            if until == longest {
                current.row += 1;
                current.done = 0;
            }
        }
        let mut made: Vec<Column> = columns::take(&current.batch, &rows).columns().to_vec();
        for ((def, _), (list, places)) in self.unnesting.lists.iter().zip(current.lists.iter().zip(&places)) {
            made.push(pick(list.items(), places).with_name(def.id.name().into()));
        }
        if let Some(def) = &self.unnesting.ordinality {
            let numbers: Int64Chunked = numbers.into_iter().collect();
            made.push(numbers.into_column().with_name(def.id.name().into()));
        }
        columns::frame(rows.len(), made)
    }
}

impl Batches for UnnestStream<'_> {
    fn next(&mut self) -> Result<Option<DataFrame>, TaskError> {
        self.task.check()?;
        let mut current = match self.current.take() {
            Some(current) => current,
            None => match self.input.next()? {
                Some(batch) => self.start(batch)?,
                None => return Ok(None),
            },
        };
        let rows = self.fill(&mut current);
        if current.row < current.batch.height() {
            self.current = Some(current);
        }
        Ok(Some(rows))
    }
}
