//! Functions of maps: lists of entries, each with a key and a value.

use super::choose::item_of;
use super::encode::encoded;
use super::{ListPicker, Lists, NOWHERE, fields_of, finish_lists, pick, struct_column, take};
use crate::functions::RowError;
use crate::functions::columns::{booleans_by_row, numbers_by_row, result_length};
use crate::journal::{ErrorCode, TaskError};
use crate::sql::DataType;
use polars::prelude::{Column, IdxSize, IntoColumn, Series, UInt64Type};
use polars_arrow::array::{Array, BinaryViewArray};
use std::collections::{BTreeMap, BTreeSet};

/// A column of maps, opened.
struct Maps {
    entries: Lists,
    keys: Series,
    values: Series,
    /// The types of both.
    types: [DataType; 2],
}

impl Maps {
    fn of(column: &Column, t: &DataType) -> Result<Maps, TaskError> {
        let entry = item_of(t)?;
        let entries = Lists::of(column, &entry)?;
        let mut fields = fields_of(&entries.items().clone().into_column())?.into_iter();
        match (fields.next(), fields.next(), entry) {
            (Some(keys), Some(values), DataType::Struct(parts)) if parts.len() == 2 => {
                let types = [parts[0].1.clone(), parts[1].1.clone()];
                Ok(Maps { entries, keys, values, types })
            }
            _ => Err(TaskError::bug("a map without keys and values")),
        }
    }

    fn encoded_keys(&self) -> Result<BinaryViewArray, TaskError> {
        encoded(&self.keys, &self.types[0])
    }

    fn encoded_values(&self) -> Result<BinaryViewArray, TaskError> {
        encoded(&self.values, &self.types[1])
    }
}

/// Refuses NULL keys and keys that are there twice.
fn check_keys(keys: &BinaryViewArray, range: impl Iterator<Item = usize>, row: usize) -> Result<(), RowError> {
    let wrong = |what: &str| RowError {
        row: Some(row),
        error: TaskError::user(ErrorCode::InvalidArguments, format!("Map keys {what}")),
    };
    let mut seen = BTreeSet::new();
    for i in range {
        if keys.is_null(i) {
            return Err(wrong("can not be NULL"));
        }
        if !seen.insert(keys.value(i)) {
            return Err(wrong("must be unique"));
        }
    }
    Ok(())
}

/// `map(keys, values)`.
pub fn make(args: &[Column], types: &[DataType], result: &DataType, rows: usize) -> Result<Column, RowError> {
    if args.is_empty() {
        let entry = item_of(result)?;
        return Ok(finish_lists(vec![0, 0], vec![true], Series::new_empty("".into(), &entry.physical()))?);
    }
    let length = result_length(args, rows);
    let (keys, values) = (Lists::of(&args[0], &item_of(&types[0])?)?, Lists::of(&args[1], &item_of(&types[1])?)?);
    let bytes = encoded(keys.items(), &item_of(&types[0])?)?;
    let (mut ends, mut valid) = (vec![0i64], Vec::with_capacity(length));
    let (mut key_places, mut value_places): (Vec<IdxSize>, Vec<IdxSize>) = (Vec::new(), Vec::new());
    for row in 0..length {
        if let (Some(left), Some(right)) = (keys.get(row), values.get(row)) {
            if left.len() != right.len() {
                let message = format!("A map needs as many values as keys: {} and {}", right.len(), left.len());
                let error = TaskError::user(ErrorCode::InvalidArguments, message);
                return Err(RowError { row: Some(row), error });
            }
            check_keys(&bytes, left.clone(), row)?;
            key_places.extend(left.map(|i| i as IdxSize));
            value_places.extend(right.map(|i| i as IdxSize));
            valid.push(true);
        } else {
            valid.push(false);
        }
        ends.push(key_places.len() as i64);
    }
    let parts = [take(keys.items(), &key_places).into_column(), take(values.items(), &value_places).into_column()];
    Ok(entries_of(result, &parts, ends, valid)?)
}

fn entries_of(t: &DataType, parts: &[Column], ends: Vec<i64>, valid: Vec<bool>) -> Result<Column, TaskError> {
    let DataType::Struct(fields) = item_of(t)? else { return Err(TaskError::bug("a map of something else")) };
    let items = struct_column(&fields, parts, parts[0].len(), None)?;
    finish_lists(ends, valid, items.take_materialized_series())
}

/// `map_from_entries(list of rows of two)`.
pub fn from_entries(args: &[Column], types: &[DataType], result: &DataType, _: usize) -> Result<Column, RowError> {
    let pairs = Maps::of(&args[0], &types[0])?;
    let bytes = pairs.encoded_keys()?;
    for row in 0..args[0].len() {
        if let Some(range) = pairs.entries.get(row) {
            check_keys(&bytes, range, row)?;
        }
    }
    let DataType::Struct(fields) = item_of(result)? else {
        return Err(TaskError::bug("a map of something else").into());
    };
    let parts = [pairs.keys.clone().into_column(), pairs.values.clone().into_column()];
    let items = struct_column(&fields, &parts, pairs.keys.len(), None)?;
    Ok(pairs.entries.with_items(items.take_materialized_series())?)
}

/// `map_keys(map)`.
pub fn keys(args: &[Column], types: &[DataType], _: &DataType, _: usize) -> Result<Column, RowError> {
    let maps = Maps::of(&args[0], &types[0])?;
    Ok(maps.entries.with_items(maps.keys.clone())?)
}

/// `map_values(map)`.
pub fn values(args: &[Column], types: &[DataType], _: &DataType, _: usize) -> Result<Column, RowError> {
    let maps = Maps::of(&args[0], &types[0])?;
    Ok(maps.entries.with_items(maps.values.clone())?)
}

/// `map_entries(map)`: what the map is inside.
pub fn entries(args: &[Column], _: &[DataType], _: &DataType, _: usize) -> Result<Column, RowError> {
    Ok(args[0].clone())
}

/// `cardinality(map)`.
pub fn cardinality(args: &[Column], types: &[DataType], _: &DataType, _: usize) -> Result<Column, RowError> {
    let lists = Lists::of(&args[0], &item_of(&types[0])?)?;
    numbers_by_row::<UInt64Type>(args[0].len(), |row| Ok(lists.get(row).map(|range| range.len() as u64)))
}

/// Of each row, where a key is if it is there; None for a NULL map.
type Places = Vec<Option<Option<usize>>>;

/// Where the wanted key of each row is.
fn found(args: &[Column], types: &[DataType], rows: usize) -> Result<(Maps, Places), RowError> {
    let maps = Maps::of(&args[0], &types[0])?;
    let keys = maps.encoded_keys()?;
    let wanted = encoded(args[1].as_materialized_series(), &types[1])?;
    let places = (0..result_length(args, rows))
        .map(|row| {
            let at = if wanted.len() == 1 { 0 } else { row };
            let mut range = maps.entries.get(row)?;
            if wanted.is_null(at) {
                return Some(None);
            }
            Some(range.find(|i| keys.value(*i) == wanted.value(at)))
        })
        .collect();
    Ok((maps, places))
}

/// `map[key]`: NULL where the key is not there.
pub fn value_of_key(args: &[Column], types: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    let (maps, places) = found(args, types, rows)?;
    let places: Vec<IdxSize> = places.into_iter().map(|p| p.flatten().map_or(NOWHERE, |i| i as IdxSize)).collect();
    Ok(pick(&maps.values, &places))
}

/// `element_at(map, key)`: a list of the one value, or an empty one.
pub fn values_of_key(args: &[Column], types: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    let (maps, places) = found(args, types, rows)?;
    let mut picker = ListPicker::with_capacity(places.len());
    for place in places {
        match place {
            Some(place) => picker.push(place.map(|i| i as IdxSize)),
            None => picker.push_null(),
        }
    }
    Ok(picker.finish(&maps.values)?)
}

/// `map_contains(map, key)`.
pub fn has_key(args: &[Column], types: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    let (_, places) = found(args, types, rows)?;
    Ok(booleans_by_row(places.len(), |row| places[row].map(|place| place.is_some())))
}

/// `map_contains_value(map, value)`.
pub fn has_value(args: &[Column], types: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    let maps = Maps::of(&args[0], &types[0])?;
    let values = maps.encoded_values()?;
    let wanted = encoded(args[1].as_materialized_series(), &types[1])?;
    Ok(booleans_by_row(result_length(args, rows), |row| {
        let at = if wanted.len() == 1 { 0 } else { row };
        let mut range = maps.entries.get(row)?;
        Some(wanted.is_valid(at) && range.any(|i| values.is_valid(i) && values.value(i) == wanted.value(at)))
    }))
}

/// `map_contains_entry(map, key, value)`: NULL is a value like any other.
pub fn has_entry(args: &[Column], types: &[DataType], _: &DataType, rows: usize) -> Result<Column, RowError> {
    let (maps, places) = found(&args[..2], types, rows)?;
    let values = maps.encoded_values()?;
    let wanted = encoded(args[2].as_materialized_series(), &types[2])?;
    Ok(booleans_by_row(result_length(args, rows), |row| {
        let at = if wanted.len() == 1 { 0 } else { row };
        let place = places[if places.len() == 1 { 0 } else { row }]?;
        let value = |array: &BinaryViewArray, i: usize| array.is_valid(i).then(|| array.value(i).to_vec());
        Some(place.is_some_and(|i| value(&values, i) == value(&wanted, at)))
    }))
}

/// Maps of lists of rows of a key and a value: the first value of each key, without a NULL key; what `map_agg` makes of its
/// rows.
pub fn of_rows(args: &[Column], types: &[DataType], result: &DataType, _: usize) -> Result<Column, RowError> {
    let pairs = Maps::of(&args[0], &types[0])?;
    let bytes = pairs.encoded_keys()?;
    let (mut ends, mut valid, mut places) = (vec![0i64], Vec::new(), Vec::<IdxSize>::new());
    for row in 0..args[0].len() {
        let range = pairs.entries.get(row);
        valid.push(range.is_some());
        let mut seen = BTreeSet::new();
        let first = |i: &usize| bytes.is_valid(*i) && seen.insert(bytes.value(*i));
        places.extend(range.into_iter().flatten().filter(first).map(|i| i as IdxSize));
        ends.push(places.len() as i64);
    }
    let parts = [take(&pairs.keys, &places).into_column(), take(&pairs.values, &places).into_column()];
    Ok(entries_of(result, &parts, ends, valid)?)
}

/// `map_concat(maps...)`: a key of several maps keeps its place and takes the last value.
pub fn concat(args: &[Column], types: &[DataType], result: &DataType, rows: usize) -> Result<Column, RowError> {
    let length = result_length(args, rows);
    let maps = args.iter().map(|arg| Maps::of(arg, &types[0])).collect::<Result<Vec<_>, _>>()?;
    let (mut keys, mut values) = (maps[0].keys.clone(), maps[0].values.clone());
    let mut starts = vec![0];
    for map in &maps[1..] {
        starts.push(keys.len());
        keys.append(&map.keys)?;
        values.append(&map.values)?;
    }
    let (keys, values) = (keys.rechunk(), values.rechunk());
    let bytes = encoded(&keys, &maps[0].types[0])?;
    let (mut ends, mut valid) = (vec![0i64], Vec::with_capacity(length));
    let (mut key_places, mut value_places): (Vec<IdxSize>, Vec<IdxSize>) = (Vec::new(), Vec::new());
    for row in 0..length {
        let mut known: BTreeMap<&[u8], usize> = BTreeMap::new();
        let mut any = false;
        for (map, start) in maps.iter().zip(&starts) {
            let Some(range) = map.entries.get(row) else { continue };
            any = true;
            for i in range.map(|i| start + i) {
                match known.get(bytes.value(i)) {
                    Some(place) => value_places[*place] = i as IdxSize,
                    None => {
                        known.insert(bytes.value(i), key_places.len());
                        key_places.push(i as IdxSize);
                        value_places.push(i as IdxSize);
                    }
                }
            }
        }
        valid.push(any);
        ends.push(key_places.len() as i64);
    }
    let parts = [take(&keys, &key_places).into_column(), take(&values, &value_places).into_column()];
    Ok(entries_of(result, &parts, ends, valid)?)
}
