//! Functions that only say which elements go where: making, cutting and joining lists. They work for elements of every type.

use super::{ListPicker, Lists, NOWHERE, finish_lists, pick};
use crate::functions::RowError;
use crate::functions::columns::{Booleans, Numbers, Rows, Texts, result_length, texts_from};
use crate::journal::{ErrorCode, TaskError};
use crate::sql::DataType;
use polars::prelude::{Column, IdxSize, Int64Type, IntoColumn, PlSmallStr, Series};

/// The element type of a list type.
pub(super) fn item_of(t: &DataType) -> Result<DataType, TaskError> {
    t.item().ok_or_else(|| TaskError::bug(format!("{t} has no elements")))
}

/// The elements of several lists in one column, and where those of each argument start.
fn pooled(lists: &[Lists]) -> Result<(Series, Vec<usize>), TaskError> {
    let mut starts = vec![0];
    let mut all = lists[0].items().clone();
    for list in &lists[1..] {
        starts.push(all.len());
        all.append(list.items())?;
    }
    Ok((all.rechunk(), starts))
}

/// `list_value(a, b, ...)`: a list of the arguments of each row.
pub fn list_value(args: &[Column], _: &[DataType], result: &DataType, rows: usize) -> Result<Column, RowError> {
    let length = result_length(args, rows);
    let item = item_of(result)?;
    let mut all = Series::new_empty(PlSmallStr::EMPTY, &item.physical());
    let mut starts = Vec::with_capacity(args.len());
    for arg in args {
        starts.push(all.len());
        all.append(arg.as_materialized_series())?;
    }
    let place = |i: usize, row: usize| (starts[i] + if args[i].len() == 1 { 0 } else { row }) as IdxSize;
    let mut picker = ListPicker::with_capacity(length);
    for row in 0..length {
        picker.push((0..args.len()).map(|i| place(i, row)));
    }
    Ok(picker.finish(&all.rechunk())?)
}

/// The place of the element that `index` names: from 1, or from -1 at the end.
fn element(length: usize, index: i64) -> Option<usize> {
    match index {
        1.. => usize::try_from(index - 1).ok().filter(|i| *i < length),
        0 => None,
        _ => usize::try_from(index.unsigned_abs()).ok().and_then(|back| length.checked_sub(back)),
    }
}

/// `list_extract(list, index)`, `text[index]`.
pub fn extract(args: &[Column], types: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    let length = result_length(args, rows);
    let index = Numbers::<Int64Type>::of(&args[1])?;
    if types[0] == DataType::Varchar {
        let texts = Texts::of(&args[0])?;
        return Ok(texts_from(length, |row| {
            let (text, index) = (texts.get(row)?, index.get(row)?);
            let Some(at) = element(text.chars().count(), index) else { return Some("") };
            let (start, c) = text.char_indices().nth(at)?;
            Some(&text[start..start + c.len_utf8()])
        }));
    }
    let lists = Lists::of(&args[0], &item_of(&types[0])?)?;
    let place = |row| {
        let (range, index) = (lists.get(row)?, index.get(row)?);
        Some((range.start + element(range.len(), index)?) as IdxSize)
    };
    let places: Vec<IdxSize> = (0..length).map(|row| place(row).unwrap_or(NOWHERE)).collect();
    Ok(pick(lists.items(), &places))
}

/// The places from `begin` to `end`, both counted from 1 or from -1 at the end and both included.
fn bounds(length: usize, begin: i64, end: i64) -> (usize, usize) {
    let length = length as i64;
    let from_start = |index: i64| if index < 0 { (length + index + 1).max(0) } else { index.min(length) };
    let begin = if begin < 0 { (length + begin).max(0) } else { (begin - 1).clamp(0, length) };
    let end = from_start(end).max(begin);
    (begin as usize, end as usize)
}

/// `list_slice(list, begin, end [, step])`, `text[begin:end]`.
pub fn slice(args: &[Column], types: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    let length = result_length(args, rows);
    let (begin, end) = (Numbers::<Int64Type>::of(&args[1])?, Numbers::<Int64Type>::of(&args[2])?);
    if types[0] == DataType::Varchar {
        let texts = Texts::of(&args[0])?;
        return Ok(texts_from(length, |row| {
            let (text, begin, end) = (texts.get(row)?, begin.get(row)?, end.get(row)?);
            let (from, to) = bounds(text.chars().count(), begin, end);
            let at = |n: usize| text.char_indices().nth(n).map_or(text.len(), |(at, _)| at);
            Some(&text[at(from)..at(to)])
        }));
    }
    let step = args.get(3).map(Numbers::<Int64Type>::of).transpose()?;
    let lists = Lists::of(&args[0], &item_of(&types[0])?)?;
    let mut picker = ListPicker::with_capacity(length);
    for row in 0..length {
        let step = step.as_ref().map_or(Some(1), |step| step.get(row));
        let (Some(range), Some(begin), Some(end), Some(step)) = (lists.get(row), begin.get(row), end.get(row), step)
        else {
            picker.push_null();
            continue;
        };
        if step == 0 {
            let error = TaskError::user(ErrorCode::InvalidArguments, "Slice step cannot be zero");
            return Err(RowError { row: Some(row), error });
        }
        // A step back walks from `begin` down to `end`.
        let (from, to) = if step > 0 { bounds(range.len(), begin, end) } else { bounds(range.len(), end, begin) };
        let stride = usize::try_from(step.unsigned_abs()).unwrap_or(usize::MAX);
        let places = (range.start + from..range.start + to).map(|i| i as IdxSize);
        if step > 0 {
            picker.push(places.step_by(stride));
        } else {
            picker.push(places.rev().step_by(stride));
        }
    }
    Ok(picker.finish(lists.items())?)
}

/// `list_length(list)`.
pub fn length(args: &[Column], types: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    let lists = Lists::of(&args[0], &item_of(&types[0])?)?;
    let length = result_length(args, rows);
    crate::functions::columns::numbers_by_row::<Int64Type>(length, |row| Ok(lists.get(row).map(|r| r.len() as i64)))
}

/// `list_concat(a, b, ...)`: a NULL list adds nothing; all NULL is NULL.
pub fn concat(args: &[Column], types: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    concat_lists(args, types, rows, false)
}

/// `a || b` of lists: NULL if either is.
pub fn join(args: &[Column], types: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    concat_lists(args, types, rows, true)
}

fn concat_lists(args: &[Column], types: &[DataType], rows: usize, strict: bool) -> Result<Column, RowError> {
    let length = result_length(args, rows);
    let item = item_of(&types[0])?;
    let lists = args.iter().map(|arg| Lists::of(arg, &item)).collect::<Result<Vec<_>, _>>()?;
    let (all, starts) = pooled(&lists)?;
    let mut picker = ListPicker::with_capacity(length);
    for row in 0..length {
        let ranges: Vec<_> = lists.iter().zip(&starts).map(|(list, start)| Some((list.get(row)?, *start))).collect();
        if strict && ranges.contains(&None) {
            picker.push_null();
        } else {
            picker.push(
                ranges.into_iter().flatten().flat_map(|(range, start)| range.map(move |i| (start + i) as IdxSize)),
            );
        }
    }
    Ok(picker.finish(&all)?)
}

/// `list_append(list, element)`: NULL list counts as empty.
pub fn append(args: &[Column], types: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    with_element(&args[0], &args[1], &types[0], result_length(args, rows), false)
}

/// `list_prepend(element, list)`.
pub fn prepend(args: &[Column], types: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    with_element(&args[1], &args[0], &types[1], result_length(args, rows), true)
}

/// `array_push_front(list, element)`.
pub fn push_front(args: &[Column], types: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    with_element(&args[0], &args[1], &types[0], result_length(args, rows), true)
}

fn with_element(of: &Column, element: &Column, t: &DataType, length: usize, first: bool) -> Result<Column, RowError> {
    let lists = Lists::of(of, &item_of(t)?)?;
    let start = lists.items().len();
    let mut all = lists.items().clone();
    all.append(element.as_materialized_series())?;
    let mut picker = ListPicker::with_capacity(length);
    for row in 0..length {
        let new = (start + if element.len() == 1 { 0 } else { row }) as IdxSize;
        let old = lists.get(row).unwrap_or(0..0).map(|i| i as IdxSize);
        if first {
            picker.push(std::iter::once(new).chain(old));
        } else {
            picker.push(old.chain(std::iter::once(new)));
        }
    }
    Ok(picker.finish(&all.rechunk())?)
}

/// Lists of some of their own elements: `choose` says which of a row's.
fn reshaped<I: Iterator<Item = usize>>(
    of: &Column,
    t: &DataType,
    choose: impl Fn(std::ops::Range<usize>) -> I,
) -> Result<Column, RowError> {
    let lists = Lists::of(of, &item_of(t)?)?;
    let mut picker = ListPicker::with_capacity(of.len());
    for row in 0..of.len() {
        match lists.get(row) {
            Some(range) => picker.push(choose(range).map(|i| i as IdxSize)),
            None => picker.push_null(),
        }
    }
    Ok(picker.finish(lists.items())?)
}

/// `array_pop_back(list)`.
pub fn pop_back(args: &[Column], types: &[DataType], _: &DataType, _: usize) -> Result<Column, RowError> {
    reshaped(&args[0], &types[0], |range| range.start..range.end.saturating_sub(1).max(range.start))
}

/// `array_pop_front(list)`.
pub fn pop_front(args: &[Column], types: &[DataType], _: &DataType, _: usize) -> Result<Column, RowError> {
    reshaped(&args[0], &types[0], |range| (range.start + 1).min(range.end)..range.end)
}

/// `list_reverse(list)`.
pub fn reverse(args: &[Column], types: &[DataType], _: &DataType, _: usize) -> Result<Column, RowError> {
    reshaped(&args[0], &types[0], |range| range.rev())
}

/// More elements than any list of a sane query has.
const MOST_ELEMENTS: i64 = 1 << 28;

/// `list_resize(list, size [, filler])`.
pub fn resize(args: &[Column], types: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    let length = result_length(args, rows);
    let lists = Lists::of(&args[0], &item_of(&types[0])?)?;
    let sizes = Numbers::<Int64Type>::of(&args[1])?;
    let start = lists.items().len();
    let mut all = lists.items().clone();
    if let Some(filler) = args.get(2) {
        all.append(filler.as_materialized_series())?;
    }
    let mut picker = ListPicker::with_capacity(length);
    for row in 0..length {
        let Some(range) = lists.get(row) else {
            picker.push_null();
            continue;
        };
        let size = sizes.get(row).unwrap_or(0);
        if !(0..=MOST_ELEMENTS).contains(&size) {
            let message = format!("A list cannot have {size} elements");
            let error = TaskError::user(ErrorCode::InvalidArguments, message);
            return Err(RowError { row: Some(row), error });
        }
        let size = size as usize;
        let filler = match args.get(2) {
            Some(filler) => (start + if filler.len() == 1 { 0 } else { row }) as IdxSize,
            None => NOWHERE,
        };
        let missing = size.saturating_sub(range.len());
        picker.push(range.take(size).map(|i| i as IdxSize).chain(std::iter::repeat_n(filler, missing)));
    }
    Ok(picker.finish(&all.rechunk())?)
}

/// `flatten(list of lists)`.
pub fn flatten(args: &[Column], types: &[DataType], _: &DataType, _: usize) -> Result<Column, RowError> {
    let inner_type = item_of(&types[0])?;
    let outer = Lists::of(&args[0], &inner_type)?;
    let inner = Lists::of(&outer.items().clone().into_column(), &item_of(&inner_type)?)?;
    let mut picker = ListPicker::with_capacity(args[0].len());
    for row in 0..args[0].len() {
        match outer.get(row) {
            Some(range) => {
                picker.push(range.filter_map(|i| inner.get(i)).flatten().map(|i| i as IdxSize));
            }
            None => picker.push_null(),
        }
    }
    Ok(picker.finish(inner.items())?)
}

/// `list_zip(a, b, ... [, cut])`: rows of the elements at the same places, padded with NULL, or cut to the shortest.
pub fn zip(args: &[Column], types: &[DataType], result: &DataType, rows: usize) -> Result<Column, RowError> {
    let length = result_length(args, rows);
    let DataType::Struct(fields) = item_of(result)? else { return Err(TaskError::bug("zip makes rows").into()) };
    let count = fields.len();
    let cut = args.get(count).map(Booleans::of).transpose()?;
    let lists = args[..count]
        .iter()
        .zip(types)
        .map(|(arg, t)| Lists::of(arg, &item_of(t)?))
        .collect::<Result<Vec<_>, TaskError>>()?;
    let mut places: Vec<Vec<IdxSize>> = vec![Vec::new(); count];
    let mut ends = vec![0i64];
    for row in 0..length {
        let ranges: Vec<_> = lists.iter().map(|list| list.get(row).unwrap_or(0..0)).collect();
        let lengths = ranges.iter().map(|range| range.len());
        let cuts = cut.as_ref().and_then(|cut| cut.get(row)) == Some(true);
        let height = if cuts { lengths.min() } else { lengths.max() }.unwrap_or(0);
        for (places, range) in places.iter_mut().zip(&ranges) {
            places.extend((0..height).map(|i| if i < range.len() { (range.start + i) as IdxSize } else { NOWHERE }));
        }
        ends.push(ends[row] + height as i64);
    }
    let total = places[0].len();
    let columns: Vec<Column> = lists.iter().zip(&places).map(|(list, places)| pick(list.items(), places)).collect();
    let items = super::struct_column(&fields, &columns, total, None)?;
    Ok(finish_lists(ends, vec![true; length], items.take_materialized_series())?)
}

/// `list_select(list, places)`.
pub fn select(args: &[Column], types: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    let length = result_length(args, rows);
    let lists = Lists::of(&args[0], &item_of(&types[0])?)?;
    let wanted = Lists::of(&args[1], &DataType::BigInt)?;
    let indices = Numbers::<Int64Type>::of(&wanted.items().clone().into_column())?;
    let mut picker = ListPicker::with_capacity(length);
    for row in 0..length {
        let (Some(range), Some(places)) = (lists.get(row), wanted.get(row)) else {
            picker.push_null();
            continue;
        };
        let mut chosen = Vec::with_capacity(places.len());
        for place in places {
            let Some(index) = indices.get(place) else {
                return Err(RowError { row: Some(row), error: null_in_second() });
            };
            // Unlike the index of a subscript, these do not count from the end.
            chosen.push(element(range.len(), index.max(0)).map_or(NOWHERE, |i| (range.start + i) as IdxSize));
        }
        picker.push(chosen);
    }
    Ok(picker.finish(lists.items())?)
}

/// `list_where(list, mask)`.
pub fn mask(args: &[Column], types: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    let length = result_length(args, rows);
    let lists = Lists::of(&args[0], &item_of(&types[0])?)?;
    let masks = Lists::of(&args[1], &DataType::Boolean)?;
    let truths = masks.items().bool()?;
    let mut picker = ListPicker::with_capacity(length);
    for row in 0..length {
        let (Some(range), Some(mask)) = (lists.get(row), masks.get(row)) else {
            picker.push_null();
            continue;
        };
        let mut chosen = Vec::new();
        for (i, place) in mask.enumerate() {
            match truths.get(place) {
                None => return Err(RowError { row: Some(row), error: null_in_second() }),
                Some(true) => {
                    chosen.push(if i < range.len() { (range.start + i) as IdxSize } else { NOWHERE });
                }
                Some(false) => {}
            }
        }
        picker.push(chosen);
    }
    Ok(picker.finish(lists.items())?)
}

fn null_in_second() -> TaskError {
    TaskError::user(ErrorCode::InvalidArguments, "NULLs are not allowed as list elements in the second input parameter")
}
