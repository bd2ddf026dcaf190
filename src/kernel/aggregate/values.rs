//! Aggregates that yield one of their values: MIN, MAX, ANY_VALUE, FIRST.

use super::accumulate::{Accumulate, GroupRows, Presence, for_each_value};
use crate::journal::TaskError;
use crate::kernel::columns;
use polars::prelude::*;
use polars_arrow::array::PrimitiveArray;

/// The order of the aggregates: as SQL's, with NaN the greatest.
pub trait Ordered: Copy {
    /// What every other value comes before.
    const LAST: Self;
    /// What every other value comes after, or equal.
    const FIRST: Self;
    /// Whether `self` comes before `other`.
    fn before(self, other: Self) -> bool;
}

macro_rules! ordered_integers {
    ($($t:ty),*) => {$(
        impl Ordered for $t {
            const LAST: $t = <$t>::MAX;
            const FIRST: $t = <$t>::MIN;
            #[inline(always)]
            fn before(self, other: $t) -> bool { self < other }
        }
    )*};
}
ordered_integers!(i8, i16, i32, i64, i128, u8, u16, u32, u64);

macro_rules! ordered_floats {
    ($($t:ty),*) => {$(
        impl Ordered for $t {
            const LAST: $t = <$t>::NAN;
            const FIRST: $t = <$t>::NEG_INFINITY;
            #[inline(always)]
            fn before(self, other: $t) -> bool { self < other || (other.is_nan() && !self.is_nan()) }
        }
    )*};
}
ordered_floats!(f32, f64);

/// MIN or MAX of numbers, dates and times.
pub struct Extreme<T: PolarsNumericType> {
    best: Vec<T::Native>,
    presence: Presence,
    greatest: bool,
}

impl<T: PolarsNumericType> Extreme<T> {
    /// MAX if `greatest`, otherwise MIN.
    pub fn new(greatest: bool) -> Extreme<T> {
        Extreme { best: Vec::new(), presence: Presence::default(), greatest }
    }
}

impl<T> Accumulate for Extreme<T>
where
    T: PolarsNumericType,
    T::Native: Ordered,
{
    fn update(&mut self, columns: &[Series], rows: GroupRows) -> Result<(), TaskError> {
        // A sentinel that any value replaces, or equals.
        let start = if self.greatest { T::Native::FIRST } else { T::Native::LAST };
        self.best.resize(rows.groups.max(self.best.len()), start);
        let chunked: &ChunkedArray<T> = columns[0].as_ref().as_ref();
        let best = &mut self.best[..];
        if self.greatest {
            for_each_value!(chunked.downcast_as_array(), rows, self.presence, |group, value| {
                if best[group].before(value) {
                    best[group] = value;
                }
            });
        } else {
            for_each_value!(chunked.downcast_as_array(), rows, self.presence, |group, value| {
                if value.before(best[group]) {
                    best[group] = value;
                }
            });
        }
        Ok(())
    }

    fn finish(&mut self, groups: usize) -> Result<Vec<Series>, TaskError> {
        self.best.resize(groups, T::Native::FIRST);
        let best = PrimitiveArray::from_vec(std::mem::take(&mut self.best));
        let best = best.with_validity(self.presence.take_validity(groups));
        Ok(vec![ChunkedArray::<T>::with_chunk(PlSmallStr::EMPTY, best).into_series()])
    }

    fn bytes(&self) -> u64 {
        (self.best.capacity() * std::mem::size_of::<T::Native>()) as u64 + self.presence.bytes()
    }
}

/// MIN or MAX of texts and blobs, by their bytes.
pub struct TextExtreme {
    best: Vec<Option<Box<[u8]>>>,
    greatest: bool,
    dtype: DataType,
    held: u64,
}

impl TextExtreme {
    /// MAX if `greatest`, otherwise MIN, of texts or blobs.
    pub fn new(greatest: bool, dtype: DataType) -> TextExtreme {
        TextExtreme { best: Vec::new(), greatest, dtype, held: 0 }
    }
}

impl Accumulate for TextExtreme {
    fn update(&mut self, columns: &[Series], rows: GroupRows) -> Result<(), TaskError> {
        self.best.resize(rows.groups.max(self.best.len()), None);
        for (row, value) in columns::as_bytes(&columns[0])?.iter().enumerate() {
            let Some(value) = value else { continue };
            let best = &mut self.best[rows.group(row)];
            let better = match best {
                None => true,
                Some(best) if self.greatest => value > &**best,
                Some(best) => value < &**best,
            };
            if better {
                self.held += value.len() as u64;
                self.held -= best.replace(value.into()).map_or(0, |old| old.len() as u64);
            }
        }
        Ok(())
    }

    fn finish(&mut self, groups: usize) -> Result<Vec<Series>, TaskError> {
        self.best.resize(groups, None);
        self.held = 0;
        let blobs: BinaryChunked = std::mem::take(&mut self.best).into_iter().collect();
        let blobs = blobs.into_series();
        match self.dtype {
            // SAFETY: every value was a text.
            DataType::String => Ok(vec![unsafe { blobs.binary()?.to_string_unchecked() }.into_series()]),
            _ => Ok(vec![blobs]),
        }
    }

    fn bytes(&self) -> u64 {
        self.best.capacity() as u64 * 16 + self.held
    }
}

/// MIN and MAX of BOOLEAN, which are BOOL_AND and BOOL_OR.
pub struct BooleanExtreme {
    best: Vec<bool>,
    presence: Presence,
    greatest: bool,
}

impl BooleanExtreme {
    /// MAX if `greatest`, otherwise MIN.
    pub fn new(greatest: bool) -> BooleanExtreme {
        BooleanExtreme { best: Vec::new(), presence: Presence::default(), greatest }
    }
}

impl Accumulate for BooleanExtreme {
    fn update(&mut self, columns: &[Series], rows: GroupRows) -> Result<(), TaskError> {
        self.best.resize(rows.groups.max(self.best.len()), !self.greatest);
        self.presence.grow(rows.groups);
        for (row, value) in columns[0].bool()?.iter().enumerate() {
            if let Some(value) = value {
                let group = rows.group(row);
                self.presence.meet(group);
                if value == self.greatest {
                    self.best[group] = value;
                }
            }
        }
        Ok(())
    }

    fn finish(&mut self, groups: usize) -> Result<Vec<Series>, TaskError> {
        self.best.resize(groups, false);
        let best = std::mem::take(&mut self.best);
        self.presence.grow(groups);
        let presence = std::mem::take(&mut self.presence);
        let best: BooleanChunked =
            best.into_iter().enumerate().map(|(group, value)| presence.has(group).then_some(value)).collect();
        Ok(vec![best.into_series()])
    }

    fn bytes(&self) -> u64 {
        self.best.capacity() as u64 + self.presence.bytes()
    }
}

/// The first value of each group: of the rows (FIRST), or of those that are not NULL (ANY_VALUE).
pub struct Pick {
    /// Where the value of each group is among the picked ones; `IdxSize::MAX` for none.
    places: Vec<IdxSize>,
    picked: Vec<Series>,
    count: IdxSize,
    keep_nulls: bool,
    dtype: DataType,
}

impl Pick {
    /// `keep_nulls` makes it FIRST, which counts a NULL as the value.
    pub fn new(keep_nulls: bool, dtype: DataType) -> Pick {
        Pick { places: Vec::new(), picked: Vec::new(), count: 0, keep_nulls, dtype }
    }
}

impl Accumulate for Pick {
    /// A second column, where there is one, says which rows have been (the state of FIRST): values come with NULLs of their own.
    fn update(&mut self, columns: &[Series], rows: GroupRows) -> Result<(), TaskError> {
        self.places.resize(rows.groups.max(self.places.len()), IdxSize::MAX);
        let seen = columns.get(1).map(|c| c.bool()).transpose()?;
        let values = &columns[0];
        let valid = values.chunks()[0].validity().filter(|_| !self.keep_nulls);
        let mut taken: Vec<IdxSize> = Vec::new();
        for row in 0..rows.rows {
            let group = rows.group(row);
            let counts = valid.is_none_or(|v| v.get_bit(row)) && seen.is_none_or(|s| s.get(row) == Some(true));
            if counts && self.places[group] == IdxSize::MAX {
                self.places[group] = self.count;
                self.count += 1;
                taken.push(row as IdxSize);
            }
        }
        if !taken.is_empty() {
            self.picked.push(columns::take_column(&values.clone().into(), &taken).take_materialized_series());
        }
        Ok(())
    }

    fn finish(&mut self, groups: usize) -> Result<Vec<Series>, TaskError> {
        self.places.resize(groups, IdxSize::MAX);
        let places = std::mem::take(&mut self.places);
        let mut all = Series::new_empty(PlSmallStr::EMPTY, &self.dtype);
        for picked in std::mem::take(&mut self.picked) {
            all.append(&picked)?;
        }
        self.count = 0;
        let values = columns::take_column_or_null(&all.rechunk().into(), &places).take_materialized_series();
        if !self.keep_nulls {
            return Ok(vec![values]);
        }
        let seen: BooleanChunked = places.iter().map(|place| Some(*place != IdxSize::MAX)).collect();
        Ok(vec![values, seen.into_series()])
    }

    fn bytes(&self) -> u64 {
        self.places.capacity() as u64 * 4 + self.picked.iter().map(|s| s.estimated_size() as u64).sum::<u64>()
    }
}
