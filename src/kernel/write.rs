//! The end of a writing task: batches into files, and a row for each file.

use super::columns;
use crate::catalog::write::{RowsFile, Written};
use crate::journal::{ErrorCode, TaskError};
use crate::plan::write::{WriteTarget, reply_columns};
use crate::scheduler::PartitionId;
use crate::sql::DataType;
use polars::prelude::*;
use std::collections::BTreeMap;

/// Folders that one task may write to at a time: each holds an open file and a row group.
const MAX_FOLDERS: usize = 500;

/// The folder of rows whose column is NULL, as Hive calls it.
const NULL_FOLDER: &str = "__HIVE_DEFAULT_PARTITION__";

/// The files of one task.
pub struct TaskWriter<'a> {
    target: &'a WriteTarget,
    partition: PartitionId,
    file_columns: Vec<(String, DataType)>,
    /// By folder below the target's, with a slash at the end; the empty name is the target's own.
    files: BTreeMap<String, RowsFile>,
    counted: u64,
}

impl<'a> TaskWriter<'a> {
    /// A writer for the task of `partition`; files are opened when their first row comes.
    pub fn new(target: &'a WriteTarget, partition: PartitionId) -> TaskWriter<'a> {
        let file_columns = target.columns.iter().map(|c| (c.name.clone(), c.dtype.clone())).collect();
        TaskWriter { target, partition, file_columns, files: BTreeMap::new(), counted: 0 }
    }

    /// Writes a batch. CONSTRAINT_VIOLATION for a NULL where there may be none, OUTPUT_FAILED if the disk refuses.
    pub fn push(&mut self, batch: &DataFrame) -> Result<(), TaskError> {
        if batch.height() == 0 {
            return Ok(());
        }
        let mut written = Vec::with_capacity(self.target.columns.len());
        for (index, wanted) in self.target.columns.iter().enumerate() {
            let column = columns::find(batch, wanted.column)?.clone();
            if wanted.not_null && column.null_count() > 0 {
                let message = format!("Column \"{}\" of {} must not be NULL", wanted.name, self.target.name);
                return Err(TaskError::user(ErrorCode::ConstraintViolation, message));
            }
            written.push(column.with_name(format!("c{index}").into()));
        }
        if let Some(counted) = self.target.counted {
            let marks = columns::find(batch, counted)?.as_materialized_series().bool()?.clone();
            self.counted += marks.num_trues() as u64;
        }
        let rows = columns::frame(batch.height(), written);
        if self.target.partition_by.is_empty() {
            return self.file("")?.write(&rows);
        }
        let mut folders: BTreeMap<String, Vec<IdxSize>> = BTreeMap::new();
        let keys = self.target.partition_by.iter().map(|(_, id)| columns::find(batch, *id).map(columns::one_chunk));
        let keys = keys.collect::<Result<Vec<Series>, TaskError>>()?;
        let keys = keys.iter().map(|key| Ok(key.str()?)).collect::<Result<Vec<_>, TaskError>>()?;
        for row in 0..batch.height() {
            let mut folder = String::new();
            for ((name, _), key) in self.target.partition_by.iter().zip(&keys) {
                let value = key.get(row).map_or(NULL_FOLDER.to_string(), escaped);
                folder.push_str(&format!("{}={value}/", escaped(name)));
            }
            folders.entry(folder).or_default().push(row as IdxSize);
        }
        for (folder, places) in folders {
            let part = columns::take(&rows, &places);
            self.file(&folder)?.write(&part)?;
        }
        Ok(())
    }

    /// Completes all files: a row for each, as [`reply_columns`] says. The first row tells what was counted.
    pub fn finish(mut self) -> Result<DataFrame, TaskError> {
        if self.files.is_empty() && self.target.even_if_empty && self.target.partition_by.is_empty() {
            self.file("")?;
        }
        let name = self.name();
        let mut made: Vec<(String, Written)> = Vec::with_capacity(self.files.len());
        for (folder, file) in std::mem::take(&mut self.files) {
            made.push((format!("{folder}{name}"), file.finish()?));
        }
        let mut counts: Vec<i64> = vec![0; made.len()];
        if let Some(first) = counts.first_mut() {
            *first = self.counted as i64;
        }
        let [file, rows, bytes, counted] = [0, 1, 2, 3].map(|i| reply_columns()[i].id.name());
        let of = |pick: fn(&Written) -> u64| made.iter().map(|(_, w)| pick(w) as i64).collect::<Vec<i64>>();
        let columns = vec![
            Column::new(file.into(), made.iter().map(|(path, _)| path.as_str()).collect::<Vec<&str>>()),
            Column::new(rows.into(), of(|w| w.rows)),
            Column::new(bytes.into(), of(|w| w.bytes)),
            Column::new(counted.into(), counts),
        ];
        Ok(columns::frame(made.len(), columns))
    }

    fn name(&self) -> String {
        format!("{}{:05}.{}", self.target.prefix, self.partition.0, self.target.format.extension())
    }

    fn file(&mut self, folder: &str) -> Result<&mut RowsFile, TaskError> {
        if !self.files.contains_key(folder) {
            if self.files.len() == MAX_FOLDERS {
                let message = format!("{} would be written to more than {MAX_FOLDERS} folders", self.target.name);
                return Err(TaskError::user(ErrorCode::NotSupported, message));
            }
            let path = self.target.staging.join(folder);
            if !folder.is_empty() {
                std::fs::create_dir_all(&path).map_err(|error| {
                    TaskError::user(ErrorCode::OutputFailed, format!("Cannot write {}: {error}", path.display()))
                })?;
            }
            let file = RowsFile::create(&path.join(self.name()), &self.file_columns, &self.target.format)?;
            self.files.insert(folder.to_string(), file);
        }
        self.files.get_mut(folder).ok_or_else(|| TaskError::bug("a file was opened and is not there"))
    }
}

/// A folder's name of any text: what is special in paths is written as `%2F`.
fn escaped(text: &str) -> String {
    let mut name = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => name.push(char::from(byte)),
            other => name.push_str(&format!("%{other:02X}")),
        }
    }
    name
}
