//! What a walk found, sorted by what is to be done with it, and joined with what an earlier pass had.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use super::before::Before;
use super::{Run, SOME};
use crate::mover::entry::{Class, Entry, Kind};
use crate::mover::error::Error;
use crate::mover::path::is_within;
use crate::mover::room::{self, Needs};
use crate::mover::sorter::{Record, Sorted, Sorter};
use crate::mover::verify::Checked;
use crate::mover::walk::{Found, Walk};
use crate::playbook::Conflict;

/// What is to be done.
#[derive(Debug)]
pub(super) struct Lists {
    /// Folders to make, those above first.
    pub(super) folders: Sorter<Entry>,
    /// Files with one name, and symbolic links, by path.
    pub(super) files: Sorter<Found>,
    /// Names of files that have several, by inode.
    pub(super) names: Sorter<Found>,
    /// What an earlier pass copied and is at the source no more, the deepest first.
    pub(super) gone: Sorter<Gone>,
    pub(super) needs: Needs,
    /// Bytes to read.
    pub(super) bytes: u64,
    /// Names of regular files to copy.
    pub(super) file_count: u64,
}

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

/// What one thread of the walk has.
#[derive(Default)]
struct Hand {
    some: Vec<Found>,
    needs: Needs,
}

impl Lists {
    /// Walks a home.
    pub(super) fn of(
        walk: &Walk<'_>,
        run: &Run<'_>,
        before: Option<Before>,
    ) -> Result<Self, Error> {
        let all = Sorter::new(Found::by_path);
        let is_empty = run.places.of(b"").is_ok_and(|root| root.is_fresh);
        let room = (!is_empty).then_some(run.destination);
        // What an earlier pass left is replaced, so that it counts as under a policy that replaces.
        let has_earlier = before.is_some() && run.order.conflict == Conflict::Refuse;
        let conflict = if has_earlier { Conflict::SourceWins } else { run.order.conflict };
        let hands = walk.run(&|hand: &mut Hand, found: Found| {
            if found.entry.is_selected() && !found.has_names() {
                hand.needs += room::need(&found, room, conflict);
            }
            hand.some.push(found);
            if hand.some.len() >= SOME { all.add(hand.some.drain(..)) } else { Ok(()) }
        })?;
        let mut lists = Self {
            folders: Sorter::new(above_first),
            files: Sorter::new(Found::by_path),
            names: Sorter::new(Found::by_inode),
            gone: Sorter::new(Gone::deepest_first),
            needs: Needs::default(),
            bytes: 0,
            file_count: 0,
        };
        for hand in hands {
            lists.needs += hand.needs;
            all.add(hand.some)?;
        }
        lists.sift(all.sorted()?, before, &run.ended)?;
        lists.count_names(|found| room::need(found, room, conflict))?;
        Ok(lists)
    }

    /// Sorts by what is to be done, next to what an earlier pass had under the same path.
    fn sift(
        &mut self,
        all: Sorted<Found>,
        mut before: Option<Before>,
        ended: &Sorter<Checked>,
    ) -> Result<(), Error> {
        let mut unseen = Unseen::default();
        for found in all {
            let mut found = found?;
            while let Some(earlier) = next_until(&mut before, &found.entry.path)? {
                if earlier.path != found.entry.path {
                    self.note_gone(earlier, false, &mut unseen)?;
                } else if earlier.kind == found.entry.kind {
                    found.before = Some(Box::new(earlier)).filter(|earlier| earlier.is_selected());
                } else if found.entry.is_selected() {
                    self.note_gone(earlier, true, &mut unseen)?;
                }
            }
            unseen.note(&found.entry);
            self.share(found, ended)?;
        }
        for earlier in before.into_iter().flatten() {
            self.note_gone(earlier?, false, &mut unseen)?;
        }
        Ok(())
    }

    /// Takes note of what is no more, and was there at the earlier pass or at one before that. What lies below a folder that
    /// was not looked into may be there still.
    fn note_gone(
        &self,
        earlier: Entry,
        is_replaced: bool,
        unseen: &mut Unseen,
    ) -> Result<(), Error> {
        let was_gone = |skip: &crate::mover::Skip| skip.class == Class::Gone;
        if earlier.skip.as_deref().is_none_or(was_gone) && !unseen.holds(&earlier.path) {
            self.gone.add([Gone { entry: Entry { skip: None, ..earlier }, is_replaced }])?;
        }
        Ok(())
    }

    fn share(&mut self, found: Found, ended: &Sorter<Checked>) -> Result<(), Error> {
        if !found.entry.is_selected() {
            return ended.add([Checked::unread(found.entry)]);
        }
        if found.entry.kind == Kind::File {
            self.file_count += 1;
        }
        match found.entry.kind {
            Kind::Directory => self.folders.add([found.entry]),
            _ if found.has_names() => self.names.add([found]),
            _ => {
                self.bytes += found.entry.size;
                self.files.add([found])
            }
        }
    }

    /// Counts each file with several names once.
    fn count_names(&mut self, need: impl Fn(&Found) -> Needs) -> Result<(), Error> {
        let names = std::mem::replace(&mut self.names, Sorter::new(Found::by_inode));
        let mut last = None;
        for found in names.sorted()? {
            let found = found?;
            if last.replace(found.inode) != Some(found.inode) {
                self.needs += need(&found);
                self.bytes += found.entry.size;
            }
            self.names.add([found])?;
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

/// Returns the next entry of an earlier pass whose path does not come after another.
fn next_until(before: &mut Option<Before>, path: &[u8]) -> Result<Option<Entry>, Error> {
    let Some(before) = before else { return Ok(None) };
    let is_due = |next: &Result<Entry, Error>| match next {
        Ok(entry) => *entry.path <= *path,
        Err(_) => true,
    };
    before.next_if(is_due).transpose()
}

/// Returns how many folders a path lies below.
pub(super) fn depth(path: &[u8]) -> usize {
    path.iter().filter(|byte| **byte == b'/').count()
}

fn above_first(one: &Entry, other: &Entry) -> Ordering {
    depth(&one.path).cmp(&depth(&other.path)).then_with(|| Entry::by_path(one, other))
}

/// Compares so that what lies deeper comes first.
pub(super) fn deepest_first(one: &Entry, other: &Entry) -> Ordering {
    above_first(other, one)
}
