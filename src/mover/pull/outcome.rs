//! What came of a pull: every entry that is done with, counts, and what ended it.

use std::collections::HashMap;
use std::sync::atomic::AtomicU64;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::super::entry::Entry;
use super::super::error::Error;
use super::super::pack::error::TransferError;
use super::super::sorter::Sorter;

/// What came of everything.
#[derive(Debug)]
pub(super) struct Outcome {
    /// Entries that are done with.
    pub(super) entries: Sorter<Entry>,
    /// Files of which further names follow, once they are in place.
    firsts: Mutex<HashMap<Box<[u8]>, Option<Entry>>>,
    failure: Mutex<Option<TransferError>>,
    pub(super) written: AtomicU64,
    pub(super) written_bytes: AtomicU64,
    pub(super) kept: AtomicU64,
    /// Entries that could not be had, or not whole.
    pub(super) lost: AtomicU64,
}

impl Outcome {
    pub(super) fn new() -> Self {
        Self {
            entries: Sorter::new(Entry::by_path),
            firsts: Mutex::default(),
            failure: Mutex::default(),
            written: AtomicU64::new(0),
            written_bytes: AtomicU64::new(0),
            kept: AtomicU64::new(0),
            lost: AtomicU64::new(0),
        }
    }

    fn firsts(&self) -> MutexGuard<'_, HashMap<Box<[u8]>, Option<Entry>>> {
        self.firsts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says that further names of a file follow.
    pub(super) fn expect(&self, first: &[u8]) {
        self.firsts().insert(first.into(), None);
    }

    /// Finds a file that further names followed, if it is in place.
    pub(super) fn first(&self, path: &[u8]) -> Option<Entry> {
        self.firsts().get(path).cloned().flatten()
    }

    /// Takes an entry that is done with.
    pub(super) fn take(&self, entry: Entry) -> Result<(), Error> {
        if entry.is_selected()
            && let Some(first) = self.firsts().get_mut(&entry.path)
        {
            *first = Some(entry.clone());
        }
        self.entries.add([entry])
    }

    /// Remembers the first error that ends everything.
    pub(super) fn fail(&self, error: TransferError) {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
    }

    /// Returns what ended everything, if anything did.
    pub(super) fn failure(&self) -> Option<TransferError> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}
