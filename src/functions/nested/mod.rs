//! Lists, structs and maps: their columns opened up and put together again. Kernels work on the flat column of all
//! elements: most functions of lists only choose which elements go where, whatever the elements' type.

pub(super) mod aggregate;
pub(super) mod choose;
pub(super) mod encode;
pub(super) mod maps;
pub(super) mod order;
pub(super) mod range;
pub(super) mod search;
pub(super) mod structs;
pub(super) mod texts;
pub(crate) mod typing;
pub(super) mod vectors;

use crate::journal::TaskError;
use crate::sql::DataType;
use crate::sql::types::physical_field;
use polars::prelude::{Column, IdxCa, IdxSize, IntoColumn, IntoSeries, ListChunked, PlSmallStr, Series, StructChunked};
use polars_arrow::array::{Array, ListArray};
use polars_arrow::bitmap::Bitmap;
use polars_arrow::offset::OffsetsBuffer;
use std::ops::Range;

/// "No element": NULL at this place.
pub const NOWHERE: IdxSize = IdxSize::MAX;

/// A column of lists, opened: the elements of all rows one after the other, and where each row's are.
pub struct Lists {
    array: ListArray<i64>,
    items: Series,
}

impl Lists {
    /// Opens a column of the type LIST(`item`) (or of a map, with its entries as items).
    pub fn of(column: &Column, item: &DataType) -> Result<Lists, TaskError> {
        let series = column.as_materialized_series().rechunk();
        let array = series.list()?.downcast_as_array().clone();
        // SAFETY: `item` is the SQL type of the elements, so its physical type is that of the array.
        let items = unsafe {
            Series::from_chunks_and_dtype_unchecked(PlSmallStr::EMPTY, vec![array.values().clone()], &item.physical())
        };
        Ok(Lists { array, items })
    }

    /// How many rows there are; a constant has one, which stands for all.
    pub fn rows(&self) -> usize {
        self.array.len()
    }

    /// Where the elements of a row are; None for NULL. A constant answers every row.
    pub fn get(&self, row: usize) -> Option<Range<usize>> {
        let row = if self.array.len() == 1 { 0 } else { row };
        if self.array.is_null(row) {
            return None;
        }
        let (start, end) = self.array.offsets().start_end(row);
        Some(start..end)
    }

    /// The elements of all rows; some may belong to no row.
    pub fn items(&self) -> &Series {
        &self.items
    }

    /// The same lists with other elements, one for each element that there was.
    pub fn with_items(&self, items: Series) -> Result<Column, TaskError> {
        let items = items.rechunk();
        let offsets = self.array.offsets().clone();
        Ok(assemble(offsets, self.array.validity().cloned(), items))
    }

    /// Lists of only the elements that belong to a row, one after the other from the start.
    pub fn compact(&self) -> Result<Lists, TaskError> {
        let used: usize = (0..self.rows()).filter_map(|row| self.get(row)).map(|range| range.len()).sum();
        if used == self.items.len() {
            return Ok(Lists { array: self.array.clone(), items: self.items.clone() });
        }
        let mut picked = ListPicker::with_capacity(self.rows());
        for row in 0..self.rows() {
            match self.get(row) {
                Some(range) => picked.push(range.map(|i| i as IdxSize)),
                None => picked.push_null(),
            }
        }
        let column = picked.finish(&self.items)?;
        let array = column.as_materialized_series().list()?.downcast_as_array().clone();
        let chunk = array.values().clone();
        // SAFETY: the elements were taken from `items`.
        let items =
            unsafe { Series::from_chunks_and_dtype_unchecked(PlSmallStr::EMPTY, vec![chunk], self.items.dtype()) };
        Ok(Lists { array, items })
    }
}

fn assemble(offsets: OffsetsBuffer<i64>, validity: Option<Bitmap>, items: Series) -> Column {
    let values = items.chunks()[0].clone();
    let array =
        ListArray::<i64>::new(ListArray::<i64>::default_datatype(values.dtype().clone()), offsets, values, validity);
    let dtype = polars::prelude::DataType::List(Box::new(items.dtype().clone()));
    // SAFETY: the type is made from the elements' own.
    unsafe { ListChunked::from_chunks_and_dtype(PlSmallStr::EMPTY, vec![array.boxed()], dtype) }
        .into_series()
        .into_column()
}

/// Makes lists by saying which elements of a column go into each.
pub struct ListPicker {
    places: Vec<IdxSize>,
    ends: Vec<i64>,
    valid: Vec<bool>,
}

impl ListPicker {
    /// No lists yet.
    pub fn with_capacity(rows: usize) -> ListPicker {
        let mut ends = Vec::with_capacity(rows + 1);
        ends.push(0);
        ListPicker { places: Vec::new(), ends, valid: Vec::with_capacity(rows) }
    }

    /// Appends a list of these elements; [`NOWHERE`] is a NULL among them.
    pub fn push(&mut self, places: impl IntoIterator<Item = IdxSize>) {
        self.places.extend(places);
        self.ends.push(self.places.len() as i64);
        self.valid.push(true);
    }

    /// Appends NULL.
    pub fn push_null(&mut self) {
        self.ends.push(self.places.len() as i64);
        self.valid.push(false);
    }

    /// The lists, of elements of `items`.
    pub fn finish(self, items: &Series) -> Result<Column, TaskError> {
        let picked = take(items, &self.places);
        finish_lists(self.ends, self.valid, picked)
    }
}

/// A column of lists that end at `ends` (which starts with 0) of `items`.
pub fn finish_lists(ends: Vec<i64>, valid: Vec<bool>, items: Series) -> Result<Column, TaskError> {
    let items = items.rechunk();
    let offsets = OffsetsBuffer::try_from(ends).map_err(|_| TaskError::bug("lists that end before they start"))?;
    let validity = valid.contains(&false).then(|| Bitmap::from_iter(valid));
    Ok(assemble(offsets, validity, items))
}

/// The elements at these places; NULL at [`NOWHERE`].
///
/// Lists and structs are opened here: Polars would make an array of every single list, whose type is as deep as the list.
pub fn take(items: &Series, places: &[IdxSize]) -> Series {
    match items.dtype() {
        polars::prelude::DataType::List(inner) => take_lists(items, inner, places),
        polars::prelude::DataType::Struct(_) => take_structs(items, places),
        _ if places.contains(&NOWHERE) => {
            let places: IdxCa = places.iter().map(|place| (*place != NOWHERE).then_some(*place)).collect();
            // SAFETY: callers make places from rows of `items`.
            unsafe { items.take_unchecked(&places) }
        }
        // SAFETY: as above.
        _ => unsafe { items.take_slice_unchecked(places) },
    }
}

fn take_lists(items: &Series, inner: &polars::prelude::DataType, places: &[IdxSize]) -> Series {
    let whole = items.rechunk();
    let lists = whole.list().expect("the type says so").downcast_as_array();
    // SAFETY: `inner` is the type of the values of this array.
    let values =
        unsafe { Series::from_chunks_and_dtype_unchecked(PlSmallStr::EMPTY, vec![lists.values().clone()], inner) };
    let mut picker = ListPicker::with_capacity(places.len());
    for place in places.iter().map(|place| *place as usize) {
        if place == NOWHERE as usize || lists.is_null(place) {
            picker.push_null();
        } else {
            let (start, end) = lists.offsets().start_end(place);
            picker.push(start as IdxSize..end as IdxSize);
        }
    }
    let ListPicker { places, ends, valid } = picker;
    let validity = valid.contains(&false).then(|| Bitmap::from_iter(valid));
    let offsets = OffsetsBuffer::try_from(ends).expect("ends that only grow");
    assemble(offsets, validity, take(&values, &places).rechunk())
        .take_materialized_series()
        .with_name(items.name().clone())
}

fn take_structs(items: &Series, places: &[IdxSize]) -> Series {
    let whole = items.rechunk();
    let structs = whole.struct_().expect("the type says so");
    let fields: Vec<Series> = structs.fields_as_series().iter().map(|field| take(field, places)).collect();
    let valid = places.iter().map(|place| *place != NOWHERE && !whole.chunks()[0].is_null(*place as usize));
    let valid: Bitmap = valid.collect();
    StructChunked::from_series(items.name().clone(), places.len(), fields.iter())
        .expect("fields of one length, with the names that they had")
        .with_outer_validity((valid.unset_bits() > 0).then_some(valid))
        .into_series()
}

/// One element per row; NULL at [`NOWHERE`].
pub fn pick(items: &Series, places: &[IdxSize]) -> Column {
    take(items, places).with_name(PlSmallStr::EMPTY).into_column()
}

/// The fields of a column of structs, opened, NULL where the struct is.
pub fn fields_of(column: &Column) -> Result<Vec<Series>, TaskError> {
    let series = column.as_materialized_series().rechunk();
    let whole = series.struct_()?;
    Ok(whole.fields_as_series().into_iter().map(|field| with_nulls_of(field, &series)).collect())
}

/// `field`, with NULL where `whole` is NULL.
fn with_nulls_of(field: Series, whole: &Series) -> Series {
    if whole.null_count() == 0 {
        return field;
    }
    let valid = whole.is_not_null();
    let places: Vec<IdxSize> =
        valid.iter().enumerate().map(|(row, ok)| if ok == Some(true) { row as IdxSize } else { NOWHERE }).collect();
    take(&field, &places)
}

/// A column of structs of `length` rows; constants among `fields` are repeated. `validity` None means no NULLs.
pub fn struct_column(
    names: &[(String, DataType)],
    fields: &[Column],
    length: usize,
    validity: Option<Bitmap>,
) -> Result<Column, TaskError> {
    let mut parts = Vec::with_capacity(fields.len());
    for (place, ((name, _), field)) in names.iter().zip(fields).enumerate() {
        let field = if field.len() == length { field.clone() } else { field.new_from_index(0, length) };
        parts.push(field.as_materialized_series().rechunk().with_name(physical_field(place, name).as_str().into()));
    }
    let whole = StructChunked::from_series(PlSmallStr::EMPTY, length, parts.iter())?;
    Ok(whole.with_outer_validity(validity).into_series().into_column())
}

/// Which rows of a column are not NULL; None if all are.
pub fn validity_of(column: &Column) -> Option<Bitmap> {
    if !column.has_nulls() {
        return None;
    }
    Some(column.is_not_null().iter().map(|valid| valid == Some(true)).collect())
}
