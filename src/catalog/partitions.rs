//! Columns whose value is the same for a whole file: the folders of Hive's layout (`year=2024/month=1/`), and the file's name.

use super::assemble::FilePlace;
use super::options::FileOptions;
use super::table::{ColumnInfo, ColumnStatistics, Table};
use super::text::guess_texts;
use crate::sql::{DataType, Value};
use std::collections::BTreeMap;

/// The folder of rows whose column is NULL.
const NULL_FOLDER: &str = "__HIVE_DEFAULT_PARTITION__";

/// Adds the columns that follow from where the files are. A column of that name inside the files gives way to it, except in
/// CSV, whose columns are counted.
pub(super) fn add_constants(table: &mut Table, places: &[FilePlace], options: &FileOptions) {
    let folders: Vec<BTreeMap<String, String>> = places.iter().map(folders_of).collect();
    let alike = folders
        .first()
        .is_some_and(|first| !first.is_empty() && folders.iter().all(|other| other.keys().eq(first.keys())));
    if options.hive.unwrap_or(true) && alike {
        let names: Vec<String> = folders[0].keys().cloned().collect();
        for name in names {
            if table.columns.iter().any(|column| column.name.eq_ignore_ascii_case(&name)) {
                continue;
            }
            let texts: Vec<Option<&str>> = folders
                .iter()
                .map(|values| values.get(&name).map(String::as_str).filter(|v| *v != NULL_FOLDER))
                .collect();
            let (dtype, values) = guess_texts(&texts);
            add(table, &name, dtype, values);
        }
    }
    if options.filename {
        let values = places.iter().map(|place| Value::Varchar(place.path.to_string_lossy().into_owned())).collect();
        add(table, "filename", DataType::Varchar, values);
    }
}

fn add(table: &mut Table, name: &str, dtype: DataType, values: Vec<Value>) {
    let nulls = table.files.iter().zip(&values).filter(|(_, v)| **v == Value::Null).map(|(file, _)| file.rows).sum();
    let mut distinct: Vec<&Value> = Vec::new();
    for value in values.iter().filter(|value| **value != Value::Null) {
        if !distinct.contains(&value) {
            distinct.push(value);
        }
    }
    let statistics = ColumnStatistics {
        nulls: Some(nulls),
        distinct: Some(distinct.len() as u64),
        width: super::text::fixed_width(&dtype),
        ..ColumnStatistics::default()
    };
    table.columns.push(ColumnInfo { name: name.to_string(), dtype, statistics });
    for (file, value) in table.files.iter_mut().zip(values) {
        file.constants.push(value);
    }
}

/// `year=2024` in the path of a file, by name.
fn folders_of(place: &FilePlace) -> BTreeMap<String, String> {
    let Some(folder) = place.path.parent() else { return BTreeMap::new() };
    let parts = folder.components().filter_map(|part| {
        let text = part.as_os_str().to_str()?;
        let (name, value) = text.split_once('=')?;
        (!name.is_empty()).then(|| (decoded(name), decoded(value)))
    });
    parts.collect()
}

/// `%20` is a blank.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let code = (*first == b'%').then(|| tail.get(..2)).flatten();
        let byte = code.and_then(|code| u8::from_str_radix(std::str::from_utf8(code).ok()?, 16).ok());
        bytes.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { &tail[2..] } else { tail };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
