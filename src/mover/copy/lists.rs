//! What a walk found, sorted by what is to be done with it, and joined with what an earlier pass had.

use super::{Run, SOME};
use crate::mover::before::Before;
use crate::mover::depth::above_first;
use crate::mover::entry::{Entry, Kind};
use crate::mover::error::Error;
use crate::mover::joining::{Joining, Parted};
use crate::mover::room::{self, Needs};
use crate::mover::sorter::{Sorted, Sorter};
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
    /// What an earlier pass copied and is at the source no more.
    pub(super) parted: Parted,
    pub(super) needs: Needs,
    /// Bytes to read.
    pub(super) bytes: u64,
    /// Names of regular files to copy.
    pub(super) file_count: u64,
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
            parted: Parted::none(),
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
        before: Option<Before>,
        ended: &Sorter<Checked>,
    ) -> Result<(), Error> {
        let mut joining = Joining::with(before);
        for found in all {
            let mut found = found?;
            found.before = joining.meet(&found.entry)?;
            self.share(found, ended)?;
        }
        self.parted = joining.end()?;
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
