//! Files of one folder, and names of one file, from a sorted list.

use std::collections::VecDeque;

use crate::mover::error::Error;
use crate::mover::path::{is_within, split};
use crate::mover::sorter::Sorted;
use crate::mover::walk::Found;

/// Files that one thread takes at once, unless they are large.
const FILES: usize = 64;

/// Bytes after which a batch is full.
const BYTES: u64 = 8 << 20;

/// Files and links of one folder.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) folder: Vec<u8>,
    pub(super) files: Vec<Found>,
    bytes: u64,
}

impl Batch {
    fn new(folder: &[u8]) -> Self {
        Self { folder: folder.to_vec(), ..Self::default() }
    }

    /// A single file.
    pub(super) fn of(found: Found) -> Self {
        let folder = split(&found.entry.path).0.to_vec();
        Self { folder, bytes: found.entry.size, files: vec![found] }
    }

    fn is_full(&self) -> bool {
        self.files.len() >= FILES || self.bytes >= BYTES
    }
}

/// Shares a list by path out, folder by folder.
///
/// In byte order, what lies below a folder stands together, but its own files stand between those of the folders in it. So a
/// batch stays open until the list leaves its folder, and there are never more open than the home is deep.
pub(super) struct Batches {
    files: Sorted<Found>,
    open: Vec<Batch>,
    full: VecDeque<Batch>,
}

impl Batches {
    pub(super) fn of(files: Sorted<Found>) -> Self {
        Self { files, open: Vec::new(), full: VecDeque::new() }
    }

    fn add(&mut self, found: Found) {
        let (folder, _) = split(&found.entry.path);
        while let Some(batch) = self.open.pop_if(|batch| !is_in(folder, &batch.folder)) {
            self.full.push_back(batch);
        }
        if self.open.last().is_none_or(|batch| batch.folder != folder) {
            self.open.push(Batch::new(folder));
        }
        if let Some(batch) = self.open.last_mut() {
            batch.bytes += found.entry.size;
            batch.files.push(found);
        }
        self.full.extend(self.open.pop_if(|batch| batch.is_full()));
    }
}

/// Tells whether a folder is another or lies below it; all lie in the home itself.
fn is_in(folder: &[u8], above: &[u8]) -> bool {
    above.is_empty() || is_within(folder, above)
}

impl Iterator for Batches {
    type Item = Result<Batch, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(batch) = self.full.pop_front() {
                return Some(Ok(batch));
            }
            match self.files.next() {
                Some(Ok(found)) => self.add(found),
                Some(Err(error)) => return Some(Err(error)),
                None => return self.open.pop().map(Ok),
            }
        }
    }
}

/// All names of one file together, the first name first, from a list by inode.
pub(super) struct Groups {
    names: std::iter::Peekable<Sorted<Found>>,
}

impl Groups {
    pub(super) fn of(names: Sorted<Found>) -> Self {
        Self { names: names.peekable() }
    }
}

impl Iterator for Groups {
    type Item = Result<Vec<Found>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let first = match self.names.next()? {
            Ok(first) => first,
            Err(error) => return Some(Err(error)),
        };
        let inode = first.inode;
        let mut group = vec![first];
        let is_same =
            |next: &Result<Found, Error>| next.as_ref().is_ok_and(|next| next.inode == inode);
        while let Some(Ok(further)) = self.names.next_if(is_same) {
            group.push(further);
        }
        Some(Ok(group))
    }
}
