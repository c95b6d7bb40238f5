//! Files into their folders, and further names beside the first.

use std::os::fd::AsFd;

use super::batch::{Batch, Batches, Groups};
use super::{Run, SOME};
use crate::mover::decide::Hitch;
use crate::mover::entry::{Class, Entry, Skip};
use crate::mover::error::Error;
use crate::mover::path::split;
use crate::mover::place::{Folder, Placer, Work};
use crate::mover::sorter::{Sorted, Sorter};
use crate::mover::walk::{Found, unread};

impl Run<'_> {
    /// Copies files with one name, and links.
    pub(super) fn copy_files(
        &self,
        placer: &Placer<'_>,
        files: Sorted<Found>,
        copied: &Sorter<Entry>,
    ) -> Result<Vec<Work>, Error> {
        self.each(Batches::of(files), copied, |batch, work| self.batch(placer, batch, work))
    }

    /// Copies files with several names: one of them, and the others as links to it.
    pub(super) fn link_names(
        &self,
        placer: &Placer<'_>,
        names: Sorted<Found>,
        copied: &Sorter<Entry>,
    ) -> Result<Vec<Work>, Error> {
        self.each(Groups::of(names), copied, |group, work| self.group(placer, group, work))
    }

    /// Has all threads copy what a list gives, and hand in what they have done.
    fn each<T: Send>(
        &self,
        mut list: impl Iterator<Item = Result<T, Error>> + Send,
        copied: &Sorter<Entry>,
        copy: impl Fn(T, &mut Work) -> Result<(), Error> + Sync,
    ) -> Result<Vec<Work>, Error> {
        let mut works = self.pool.feed(&mut list, |work: &mut Work, item| {
            copy(item, work)?;
            self.hand_in(work, copied, SOME)
        })?;
        works.iter_mut().try_for_each(|work| self.hand_in(work, copied, 0))?;
        Ok(works)
    }

    fn batch(&self, placer: &Placer<'_>, batch: Batch, work: &mut Work) -> Result<(), Error> {
        let skip_all = |skip: &Skip, work: &mut Work| {
            let skipped = batch.files.iter().map(|found| found.entry.clone().skipped(skip.clone()));
            work.entries.extend(skipped);
        };
        let made = match self.places.of(&batch.folder) {
            Ok(made) => made,
            Err(skip) => {
                skip_all(&skip, work);
                return Ok(());
            }
        };
        let from = match self.pool.timed(|| self.source.place(&batch.folder)) {
            Ok(from) => from,
            Err(errno) => {
                skip_all(&unread(errno, "its folder cannot be read"), work);
                return Ok(());
            }
        };
        let into = match self.destination.place(&made.stored) {
            Ok(into) => into,
            Err(errno) => {
                skip_all(&unreached(errno, &made.stored)?, work);
                return Ok(());
            }
        };
        let folder = Folder {
            from: from.as_fd(),
            into: into.as_fd(),
            path: &batch.folder,
            stored: &made.stored,
            is_fresh: made.is_fresh,
        };
        for found in &batch.files {
            let (_, name) = split(&found.entry.path);
            let before = work.written;
            let entry = placer.put(&folder, name, found, work)?;
            if work.written > before {
                self.written.add(&entry);
            }
            work.entries.push(entry);
        }
        Ok(())
    }

    /// Copies one file with all its names. When the first could not be copied, the next that can be is the first.
    fn group(&self, placer: &Placer<'_>, group: Vec<Found>, work: &mut Work) -> Result<(), Error> {
        let mut leader: Option<Entry> = None;
        for found in group {
            if let Some(leader) = &leader
                && let Some(entry) = self.link_one(placer, leader, &found, work)?
            {
                self.written.add(&entry);
                work.entries.push(entry);
                continue;
            }
            let before = work.entries.len();
            self.batch(placer, Batch::of(found), work)?;
            for entry in work.entries[before..].iter_mut().filter(|entry| entry.is_selected()) {
                if leader.is_some() {
                    entry.notes.push("a hard link that became a file of its own".to_owned());
                } else {
                    leader = Some(entry.clone());
                }
            }
        }
        Ok(())
    }

    fn link_one(
        &self,
        placer: &Placer<'_>,
        leader: &Entry,
        found: &Found,
        work: &mut Work,
    ) -> Result<Option<Entry>, Error> {
        let (path, _) = split(&found.entry.path);
        let Ok(made) = self.places.of(path) else { return Ok(None) };
        let (leader_folder, leader_name) = split(leader.place());
        // A name that was given to another file meanwhile is that file's.
        let is_still = |stat: rustix::fs::Stat| (stat.st_dev, stat.st_ino) == found.inode;
        if !self.pool.timed(|| self.source.stat(&found.entry.path)).is_ok_and(is_still) {
            return Ok(None);
        }
        let sides = (
            self.source.place(path),
            self.destination.place(&made.stored),
            self.destination.place(leader_folder),
        );
        let (Ok(from), Ok(into), Ok(leader_at)) = sides else { return Ok(None) };
        let folder = Folder {
            from: from.as_fd(),
            into: into.as_fd(),
            path,
            stored: &made.stored,
            is_fresh: made.is_fresh,
        };
        let name = (&*found.entry.path, found.before.as_deref());
        placer.link(&folder, name, (leader, leader_at.as_fd(), leader_name), work)
    }
}

fn unreached(errno: rustix::io::Errno, stored: &[u8]) -> Result<Skip, Error> {
    match Hitch::at_destination(errno, "cannot open the folder", stored) {
        Hitch::Skip(skip) => Ok(skip),
        Hitch::Changed(why) => Ok(Skip::new(Class::Changed, why)),
        Hitch::End(error) => Err(error),
    }
}
