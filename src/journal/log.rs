//! The journal itself: entries in order, in memory, to a file if one is wanted, and to whoever listens.

use super::history::{History, NodeInfo, QueryInfo};
use super::{Entry, Record};
use crate::scheduler::{QueryId, Time};
use std::fs::File;
use std::io::Write;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard};

/// How many entries a slow listener may be behind before it misses some.
const LISTENER_CAPACITY: usize = 4096;

/// The ordered record of everything that happened in this session. A clone is another handle on the same journal.
#[derive(Clone, Default)]
pub struct Journal {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Default)]
struct Inner {
    entries: Vec<Entry>,
    history: History,
    file: Option<File>,
    /// The first failure to write the file; nothing is written after it.
    write_error: Option<String>,
    listeners: Vec<SyncSender<Entry>>,
}

impl Journal {
    /// An empty journal, kept in memory.
    pub fn new() -> Journal {
        Journal::default()
    }

    /// From now on every entry is also appended to `file` as one line of JSON, and flushed at once. Entries that are
    /// already here are written first, so that the file is complete.
    pub fn write_to(&self, file: File) {
        let mut inner = self.lock();
        inner.file = Some(file);
        inner.write_error = None;
        let earlier = inner.entries.clone();
        for entry in &earlier {
            inner.write(entry);
        }
    }

    /// Why the file could not be written, if that happened; entries are kept in memory all the same.
    pub fn write_error(&self) -> Option<String> {
        self.lock().write_error.clone()
    }

    /// Adds a record at cluster time `at` and returns its number. Times never go back: a record that was decided on a moment
    /// before the last one was written gets the last one's time.
    pub fn append(&self, at: Time, record: Record) -> u64 {
        let mut inner = self.lock();
        let at = inner.entries.last().map_or(at, |last| last.at.max(at));
        let entry = Entry { seq: inner.entries.len() as u64 + 1, at, record };
        inner.write(&entry);
        inner.history.add(&entry);
        inner.listeners.retain(|listener| match listener.try_send(entry.clone()) {
            Ok(()) | Err(TrySendError::Full(_)) => true,
            Err(TrySendError::Disconnected(_)) => false,
        });
        let seq = entry.seq;
        inner.entries.push(entry);
        seq
    }

    /// The entries with a number of at least `seq`, in order (numbers start at 1).
    pub fn entries_from(&self, seq: u64) -> Vec<Entry> {
        let inner = self.lock();
        let first = (seq.max(1) - 1).min(inner.entries.len() as u64) as usize;
        inner.entries[first..].to_vec()
    }

    /// The number of the last entry; 0 if there is none.
    pub fn last_seq(&self) -> u64 {
        self.lock().entries.len() as u64
    }

    /// The entries from now on. A listener that falls far behind misses some: `seq` tells, [`Journal::entries_from`] helps.
    pub fn subscribe(&self) -> Receiver<Entry> {
        let (sender, receiver) = sync_channel(LISTENER_CAPACITY);
        self.lock().listeners.push(sender);
        receiver
    }

    /// What the journal says about one query.
    pub fn query(&self, query: QueryId) -> Option<QueryInfo> {
        self.lock().history.query(query).cloned()
    }

    /// What the journal says about the last query.
    pub fn last_query(&self) -> Option<QueryInfo> {
        self.lock().history.queries().next_back().cloned()
    }

    /// What the journal says about every query, oldest first.
    pub fn queries(&self) -> Vec<QueryInfo> {
        self.lock().history.queries().cloned().collect()
    }

    /// What the journal says about every life of every node, in order of node and life.
    pub fn nodes(&self) -> Vec<NodeInfo> {
        self.lock().history.nodes().cloned().collect()
    }

    /// Calls `read` with the folded history, without copying it.
    pub fn with_history<T>(&self, read: impl FnOnce(&History) -> T) -> T {
        read(&self.lock().history)
    }

    /// Nothing that a holder of the lock does can leave the journal half changed, so a poisoned lock is as good as another.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl Inner {
    fn write(&mut self, entry: &Entry) {
        let Some(file) = &mut self.file else { return };
        let mut line = match serde_json::to_vec(entry) {
            Ok(line) => line,
            Err(e) => {
                self.write_error.get_or_insert(e.to_string());
                return;
            }
        };
        line.push(b'\n');
        if let Err(e) = file.write_all(&line).and_then(|()| file.flush()) {
            self.write_error.get_or_insert(e.to_string());
            self.file = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scheduler::{Incarnation, NodeId, Place};

    fn joined(node: u32) -> Record {
        Record::NodeJoined { place: Place { node: NodeId(node), incarnation: Incarnation(1) }, slots: 1 }
    }

    #[test]
    fn entries_are_numbered_from_one_and_read_from_any_number() {
        let journal = Journal::new();
        assert_eq!(journal.append(Time(5), joined(1)), 1);
        assert_eq!(journal.append(Time(6), joined(2)), 2);
        assert_eq!(journal.entries_from(0).len(), 2);
        assert_eq!(journal.entries_from(2), vec![Entry { seq: 2, at: Time(6), record: joined(2) }]);
        assert!(journal.entries_from(3).is_empty());
    }

    #[test]
    fn the_file_has_a_line_of_json_for_each_entry_and_reads_back() {
        let mut path = tempfile::NamedTempFile::new().unwrap();
        let journal = Journal::new();
        journal.append(Time(1), joined(1));
        journal.write_to(path.as_file().try_clone().unwrap());
        journal.append(Time(2), joined(2));
        let mut text = String::new();
        use std::io::{Read, Seek};
        path.as_file_mut().rewind().unwrap();
        path.as_file_mut().read_to_string(&mut text).unwrap();
        let read: Vec<Entry> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(read, journal.entries_from(1));
        assert_eq!(journal.write_error(), None);
    }

    #[test]
    fn a_listener_hears_what_comes_after_it() {
        let journal = Journal::new();
        journal.append(Time(1), joined(1));
        let heard = journal.subscribe();
        journal.append(Time(2), joined(2));
        assert_eq!(heard.try_iter().map(|e| e.seq).collect::<Vec<_>>(), [2]);
    }
}
