//! What comes, joined with what an earlier pass left: what is new, what was there already, and what is at the source no more.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use super::before::{Before, next_until};
use super::decide::was_brought;
use super::depth::deepest_first;
use super::entry::{Class, Entry, Kind, Skip};
use super::error::Error;
use super::path::is_within;
use super::sorter::{Record, Sorter};

/// What an earlier pass copied, and is at the source no more.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Gone {
    pub(super) entry: Entry,
    /// Whether something of another kind has its path now, and tells of it.
    pub(super) is_replaced: bool,
}

impl Gone {
    fn deepest_first(one: &Self, other: &Self) -> Ordering {
        deepest_first(&one.entry, &other.entry)
    }
}

impl Record for Gone {
    fn weight(&self) -> usize {
        self.entry.weight() + size_of::<bool>()
    }
}

/// Both lists side by side.
pub(super) struct Joining {
    before: Option<Before>,
    unseen: Unseen,
    gone: Sorter<Gone>,
    /// Files that come, those of them whose paths an earlier pass had brought, and files that are no more.
    came: u64,
    met: u64,
    lost: u64,
}

/// What is at the source no more.
#[derive(Debug)]
pub(super) struct Parted {
    /// By path, the deepest first.
    pub(super) gone: Sorter<Gone>,
    /// Whether hardly anything is at the source, and nothing of what was brought.
    pub(super) is_emptied: bool,
    /// Whether more than half of the files that were brought are at the source no more.
    pub(super) is_cleared: bool,
}

impl Parted {
    /// Nothing is gone.
    pub(super) fn none() -> Self {
        Self { gone: Sorter::new(Gone::deepest_first), is_emptied: false, is_cleared: false }
    }
}

impl Joining {
    /// Begins with what an earlier pass left.
    pub(super) fn with(before: Option<Before>) -> Self {
        let Parted { gone, .. } = Parted::none();
        Self { before, unseen: Unseen::default(), gone, came: 0, met: 0, lost: 0 }
    }

    /// Takes the next entry that comes, in byte order of paths; returns what was left at its path, if it is of the same kind.
    pub(super) fn meet(&mut self, entry: &Entry) -> Result<Option<Box<Entry>>, Error> {
        let mut left = None;
        self.came += u64::from(entry.kind == Kind::File && entry.is_selected());
        while let Some(earlier) = next_until(&mut self.before, &entry.path)? {
            self.met += u64::from(earlier.path == entry.path && earlier.kind == Kind::File);
            if earlier.path != entry.path {
                self.note_gone(earlier, false)?;
            } else if earlier.kind == entry.kind {
                left = Some(Box::new(earlier)).filter(|earlier| was_brought(earlier));
            } else if entry.is_selected() {
                self.note_gone(earlier, true)?;
            }
        }
        self.unseen.note(entry);
        Ok(left)
    }

    /// Ends with what is at the source no more.
    pub(super) fn end(mut self) -> Result<Parted, Error> {
        for earlier in self.before.take().into_iter().flatten() {
            self.note_gone(earlier?, false)?;
        }
        let is_emptied = self.met == 0 && self.lost / 2 > self.came;
        let is_cleared = self.lost > self.met;
        Ok(Parted { gone: self.gone, is_emptied, is_cleared })
    }

    /// Takes note of what is no more, and was there at the earlier pass or at one before that. What lies below a folder that
    /// was not looked into may be there still.
    fn note_gone(&mut self, earlier: Entry, is_replaced: bool) -> Result<(), Error> {
        let was_gone = |skip: &Skip| skip.class == Class::Gone;
        if earlier.skip.as_deref().is_none_or(was_gone) && !self.unseen.holds(&earlier.path) {
            self.lost += u64::from(earlier.kind == Kind::File);
            self.gone.add([Gone { entry: Entry { skip: None, ..earlier }, is_replaced }])?;
        }
        Ok(())
    }
}

/// Folders that are there and were not looked into: left out, or not to be read.
#[derive(Default)]
struct Unseen(Vec<Box<[u8]>>);

impl Unseen {
    /// Takes note of entries, in byte order of paths.
    fn note(&mut self, entry: &Entry) {
        if entry.kind == Kind::Directory && !entry.is_selected() {
            self.0.push(entry.path.clone());
        }
    }

    /// Tells whether a path lies below one of them. Paths come in order, so that a folder is forgotten behind its last.
    fn holds(&mut self, path: &[u8]) -> bool {
        // Whatever lies below a folder is less than the folder's path with the byte that follows a slash.
        self.0.retain(|folder| *path < *[folder, [b'/' + 1].as_slice()].concat());
        self.0.iter().any(|folder| is_within(path, folder))
    }
}
