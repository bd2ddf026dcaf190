//! Bytes of data files: on disk, read by offset, or inside the binary. Nothing is mapped: a file that is cut short under
//! us must be an error, not a signal.

use super::options::Packing;
use super::pieces::{FileId, Fingerprint};
use super::table::TableFile;
use crate::journal::{ErrorCode, TaskError};
use include_dir::{Dir, include_dir};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Error, ErrorKind, Read, Result, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// The sample data, so that one copied binary is a whole workshop.
pub(super) static SAMPLE_DATA: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/sample-data");

/// An open data file. `Read` and `Seek` serve parsers that go from front to back.
pub(super) enum SourceFile {
    Disk(File),
    Embedded {
        bytes: &'static [u8],
        position: usize,
    },
    /// What a compressed file holds; going back means to begin again.
    Packed {
        path: PathBuf,
        packing: Packing,
        reader: Box<dyn Read + Send>,
        position: u64,
    },
}

impl SourceFile {
    /// Opens `path`: of the disk, or of the embedded sample data.
    pub(super) fn open(path: &Path, embedded: bool) -> Result<SourceFile> {
        if embedded {
            let file = SAMPLE_DATA.get_file(path).ok_or(ErrorKind::NotFound)?;
            return Ok(SourceFile::Embedded { bytes: file.contents(), position: 0 });
        }
        Ok(SourceFile::Disk(File::open(path)?))
    }

    /// Opens `path` and takes off its compression.
    pub(super) fn open_packed(path: &Path, embedded: bool, packing: Packing) -> Result<SourceFile> {
        let file = SourceFile::open(path, embedded)?;
        let reader: Box<dyn Read + Send> = match packing {
            Packing::None => return Ok(file),
            Packing::Gzip => Box::new(flate2::read::MultiGzDecoder::new(std::io::BufReader::new(file))),
            Packing::Zstd => Box::new(zstd::stream::read::Decoder::new(file)?),
        };
        Ok(SourceFile::Packed { path: path.to_path_buf(), packing, reader, position: 0 })
    }

    /// What identifies the content right now.
    pub(super) fn fingerprint(&self) -> Result<Fingerprint> {
        match self {
            SourceFile::Disk(file) => Ok(fingerprint_of(&file.metadata()?)),
            SourceFile::Embedded { bytes, .. } => Ok(Fingerprint { size: bytes.len() as u64, modified: 0, inode: 0 }),
            SourceFile::Packed { path, .. } => fingerprint_at(path, false),
        }
    }

    /// `length` bytes from `offset`; an early end of the file is [`ErrorKind::UnexpectedEof`].
    pub(super) fn read_at(&self, offset: u64, length: usize) -> Result<Vec<u8>> {
        match self {
            SourceFile::Disk(file) => {
                let mut bytes = vec![0; length];
                read_exact_at(file, &mut bytes, offset)?;
                Ok(bytes)
            }
            SourceFile::Embedded { bytes, .. } => {
                let start = usize::try_from(offset).map_err(|_| ErrorKind::UnexpectedEof)?;
                let end = start.checked_add(length).ok_or(ErrorKind::UnexpectedEof)?;
                Ok(bytes.get(start..end).ok_or(ErrorKind::UnexpectedEof)?.to_vec())
            }
            SourceFile::Packed { path, packing, .. } => {
                let mut fresh = SourceFile::open_packed(path, false, *packing)?;
                fresh.seek(SeekFrom::Start(offset))?;
                let mut bytes = vec![0; length];
                fresh.read_exact(&mut bytes)?;
                Ok(bytes)
            }
        }
    }
}

#[cfg(unix)]
fn read_exact_at(file: &File, bytes: &mut [u8], offset: u64) -> Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, offset)
}

#[cfg(not(unix))]
fn read_exact_at(mut file: &File, bytes: &mut [u8], offset: u64) -> Result<()> {
    file.seek(SeekFrom::Start(offset))?;
    file.read_exact(bytes)
}

impl Read for SourceFile {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        match self {
            SourceFile::Disk(file) => file.read(buffer),
            SourceFile::Embedded { bytes, position } => {
                let read = bytes.get(*position..).unwrap_or_default().read(buffer)?;
                *position += read;
                Ok(read)
            }
            SourceFile::Packed { reader, position, .. } => {
                let read = reader.read(buffer)?;
                *position += read as u64;
                Ok(read)
            }
        }
    }
}

impl Seek for SourceFile {
    fn seek(&mut self, to: SeekFrom) -> Result<u64> {
        match self {
            SourceFile::Disk(file) => file.seek(to),
            SourceFile::Embedded { bytes, position } => {
                let target = match to {
                    SeekFrom::Start(offset) => i128::from(offset),
                    SeekFrom::End(offset) => bytes.len() as i128 + i128::from(offset),
                    SeekFrom::Current(offset) => *position as i128 + i128::from(offset),
                };
                *position = usize::try_from(target).map_err(|_| Error::from(ErrorKind::InvalidInput))?;
                Ok(*position as u64)
            }
            SourceFile::Packed { path, packing, position, .. } => {
                let SeekFrom::Start(target) = to else { return Err(ErrorKind::Unsupported.into()) };
                if target < *position {
                    *self = SourceFile::open_packed(path, false, *packing)?;
                    return self.seek(to);
                }
                let gap = target - *position;
                std::io::copy(&mut self.by_ref().take(gap), &mut std::io::sink())?;
                Ok(target)
            }
        }
    }
}

fn fingerprint_of(metadata: &std::fs::Metadata) -> Fingerprint {
    let modified = metadata.modified().ok().and_then(|time| {
        // A time before 1970 is as good a mark as any other.
        match time.duration_since(std::time::UNIX_EPOCH) {
            Ok(after) => i64::try_from(after.as_nanos()).ok(),
            Err(before) => i64::try_from(before.duration().as_nanos()).ok().map(|nanos| -nanos),
        }
    });
    #[cfg(unix)]
    let inode = std::os::unix::fs::MetadataExt::ino(metadata);
    #[cfg(not(unix))]
    let inode = 0;
    Fingerprint { size: metadata.len(), modified: modified.unwrap_or_default(), inode }
}

/// The fingerprint of the file at `path` without opening it.
pub(super) fn fingerprint_at(path: &Path, embedded: bool) -> Result<Fingerprint> {
    if embedded {
        return SourceFile::open(path, true)?.fingerprint();
    }
    Ok(fingerprint_of(&std::fs::metadata(path)?))
}

/// The number of a path in this process; the same path keeps its number.
pub(super) fn file_id(path: &Path) -> FileId {
    static KNOWN: Mutex<BTreeMap<PathBuf, FileId>> = Mutex::new(BTreeMap::new());
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let next = FileId(known.len() as u32);
    *known.entry(path.to_path_buf()).or_insert(next)
}

/// Opens a file of a planned table and makes sure that it is still the one that was planned on.
pub(super) fn open_planned(file: &TableFile) -> std::result::Result<SourceFile, TaskError> {
    check_unchanged(file)?;
    SourceFile::open_packed(&file.path, file.embedded, file.packing).map_err(|error| read_error(file, &error))
}

/// SOURCE_CHANGED if the file at the planned path is another one now, or gone.
pub(super) fn check_unchanged(file: &TableFile) -> std::result::Result<(), TaskError> {
    let now = fingerprint_at(&file.path, file.embedded).map_err(|error| read_error(file, &error))?;
    if now == file.fingerprint { Ok(()) } else { Err(changed(file, "changed")) }
}

/// What an I/O error means for a task that reads a planned file.
pub(super) fn read_error(file: &TableFile, error: &Error) -> TaskError {
    match error.kind() {
        ErrorKind::NotFound => changed(file, "was removed"),
        ErrorKind::UnexpectedEof => changed(file, "was cut short"),
        ErrorKind::Interrupted | ErrorKind::TimedOut | ErrorKind::WouldBlock => {
            TaskError::Passing { message: format!("Cannot read {}: {error}", file.path.display()) }
        }
        _ => TaskError::user(ErrorCode::FileUnreadable, format!("Cannot read {}: {error}", file.path.display())),
    }
}

fn changed(file: &TableFile, what: &str) -> TaskError {
    TaskError::user(
        ErrorCode::SourceChanged,
        format!("The file {} {what} after the query was planned", file.path.display()),
    )
}
