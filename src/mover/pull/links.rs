//! Symbolic links, and further names of files that are in place.

use std::os::fd::AsFd;
use std::sync::atomic::Ordering;

use rustix::fs::{AtFlags, Stat};

use super::super::decide::{Hitch, Likeness, Verdict};
use super::super::entry::{Entry, mtime};
use super::super::folders::Made;
use super::super::part::Part;
use super::super::path::{join, split};
use super::super::place::{put, times};
use super::super::tree::lstat;
use super::landing::{Landing, stored_as};
use super::there::{likeness, likeness_of_link, look};

impl Landing {
    /// Puts a symbolic link in its place.
    pub(super) fn symlink(
        &self,
        at: &Made,
        (entry, before): (&Entry, Option<&Entry>),
    ) -> Result<Entry, Hitch> {
        let folder = self.folder(at)?;
        let folder = folder.as_fd();
        let mut entry = entry.clone();
        let target = entry.target.clone().unwrap_or_default();
        let verdict = self.decide(folder, at, &entry, &mut |name, there| {
            likeness_of_link(folder, (name, there), &target, before)
        })?;
        let set_time = |name: &[u8]| {
            rustix::fs::utimensat(folder, name, &times(entry.mtime), AtFlags::SYMLINK_NOFOLLOW)
        };
        let mut is_new = false;
        let to = match verdict {
            Verdict::Keep { name } => {
                let refused = |errno| Hitch::at_destination(errno, "cannot set the time of", &name);
                if mtime(&lstat(folder, &name).map_err(refused)?) != entry.mtime {
                    set_time(&name).map_err(refused)?;
                }
                self.outcome.kept.fetch_add(1, Ordering::Relaxed);
                name
            }
            Verdict::Write { name: to, replaces } => {
                let place = join(&at.stored, &to);
                let refused = |errno| Hitch::at_destination(errno, "cannot write the link", &place);
                let mut part = Part::new(folder, &place);
                part.symlink(&target).map_err(refused)?;
                set_time(part.name()).map_err(refused)?;
                put(&mut part, &to, replaces, &place)?;
                self.outcome.written.fetch_add(1, Ordering::Relaxed);
                if replaces {
                    entry.takes_place_of(before);
                }
                is_new = true;
                to
            }
        };
        let there = lstat(folder, &to)
            .map_err(|errno| Hitch::at_destination(errno, "cannot look at", &to))?;
        entry.accept_time(mtime(&there));
        // A link's mode means nothing on Linux, but a manifest has it.
        entry.mode = there.st_mode & 0o7777;
        entry.stored_as = stored_as(at, &entry, &to);
        match is_new {
            true => self.written.add(&entry),
            false => self.say_if_there(&mut entry, before),
        }
        Ok(entry)
    }

    /// Makes a further name of a file that is in place.
    pub(super) fn link(
        &self,
        at: &Made,
        (entry, before): (&Entry, Option<&Entry>),
        first: &Entry,
    ) -> Result<Entry, Hitch> {
        let (first_folder, first_name) = split(first.place());
        let refused = |errno| Hitch::at_destination(errno, "cannot link", &entry.path);
        let from = self.tree.place(first_folder).map_err(refused)?;
        let of = lstat(&from, first_name).map_err(refused)?;
        let folder = self.folder(at)?;
        let folder = folder.as_fd();
        let is_linked = |there: &Stat| (there.st_dev, there.st_ino) == (of.st_dev, of.st_ino);
        let linked = |to: &[u8]| Entry {
            stored_as: stored_as(at, entry, to),
            mode: first.mode,
            mtime: first.mtime,
            ..entry.clone()
        };
        let verdict =
            self.decide(folder, at, entry, &mut |name, there| match is_linked(there) {
                true => Likeness::Same,
                false => likeness(folder, (name, there), entry, before),
            })?;
        let (to, replaces) = match verdict {
            Verdict::Keep { name } => {
                if look(folder, &name)?.is_some_and(|there| is_linked(&there)) {
                    self.outcome.kept.fetch_add(1, Ordering::Relaxed);
                    return Ok(linked(&name));
                }
                (name, true)
            }
            Verdict::Write { name, replaces } => (name, replaces),
        };
        let place = join(&at.stored, &to);
        let mut part = Part::new(folder, &place);
        part.link(from.as_fd(), first_name).map_err(refused)?;
        put(&mut part, &to, replaces, &place)?;
        self.outcome.written.fetch_add(1, Ordering::Relaxed);
        let linked = linked(&to);
        self.written.add(&linked);
        Ok(linked)
    }
}
