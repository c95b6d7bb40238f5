//! Further names of a file that is in place already.

use std::os::fd::{AsFd, BorrowedFd};

use rustix::fs::{FileType, Stat};

use super::decide::{Hitch, Likeness, Verdict};
use super::entry::{Entry, size};
use super::error::Error;
use super::part::Part;
use super::path::{join, split};
use super::place::{Folder, Placer, Work, look, open, put, stored_as};
use super::pour::Spill;
use super::tree::{file_type, is_full, lstat};

impl Placer<'_> {
    /// Makes a further name of a file that is in place. `None` when it cannot be a link and has to be a copy.
    pub(super) fn link(
        &self,
        at: &Folder<'_>,
        (path, before): (&[u8], Option<&Entry>),
        first: (&Entry, BorrowedFd<'_>, &[u8]),
        work: &mut Work,
    ) -> Result<Option<Entry>, Error> {
        let (leader, folder, leader_name) = first;
        let (_, name) = split(path);
        let mut entry = Entry {
            path: path.into(),
            link_of: Some(leader.path.clone()),
            stored_as: None,
            ..leader.clone()
        };
        let Ok(of) = lstat(folder, leader_name) else { return Ok(None) };
        match self.try_link(at, (name, before), (&entry, &of, folder, leader_name), work) {
            Ok(Some(to)) => {
                self.meter.file(path)?;
                entry.stored_as = stored_as(at, name, &to);
                Ok(Some(entry))
            }
            Ok(None) | Err(Hitch::Changed(_)) => Ok(None),
            Err(Hitch::Skip(skip)) => {
                (entry.hash, entry.link_of) = (None, None);
                Ok(Some(entry.skipped(skip)))
            }
            Err(Hitch::End(error)) => Err(error),
        }
    }

    fn try_link(
        &self,
        at: &Folder<'_>,
        (name, before): (&[u8], Option<&Entry>),
        (entry, of, folder, leader_name): (&Entry, &Stat, BorrowedFd<'_>, &[u8]),
        work: &mut Work,
    ) -> Result<Option<Vec<u8>>, Hitch> {
        let is_linked = |there: &Stat| (there.st_dev, there.st_ino) == (of.st_dev, of.st_ino);
        let there = look(at.into, name, false)?;
        let is_taken = |name: &[u8]| at.is_in_home(name);
        let buffer = &mut work.buffer;
        let verdict = self.deciding(at, name, entry.mtime, &is_taken).decide(
            there.as_ref(),
            &mut |name, there| {
                if is_linked(there) || self.has_content(at.into, name, there, entry, buffer)? {
                    return Ok(Likeness::Same);
                }
                let is_untouched = self.is_earlier(at.into, (name, there), before, buffer)?;
                Ok(Likeness::to(before, is_untouched))
            },
        )?;
        let (to, replaces) = match verdict {
            Verdict::Keep { name: kept } => {
                if lstat(at.into, &kept).is_ok_and(|there| is_linked(&there)) {
                    work.kept += 1;
                    return Ok(Some(kept));
                }
                (kept, true)
            }
            Verdict::Write { name: to, replaces } => (to, replaces),
        };
        let place = join(at.stored, &to);
        let mut part = Part::new(at.into, &place);
        match part.link(folder, leader_name) {
            Ok(()) => put(&mut part, &to, replaces, &place)?,
            Err(errno) if is_full(errno) => {
                return Err(Hitch::at_destination(errno, "cannot link", &place));
            }
            // The copy that is made instead says what else may be wrong.
            Err(_) => return Ok(None),
        }
        work.written += 1;
        Ok(Some(to))
    }

    /// Tells whether a file at the destination has the content of an entry.
    pub(super) fn has_content(
        &self,
        into: BorrowedFd<'_>,
        name: &[u8],
        there: &Stat,
        entry: &Entry,
        buffer: &mut Vec<u8>,
    ) -> Result<bool, Hitch> {
        if file_type(there) != FileType::RegularFile || size(there) != entry.size {
            return Ok(false);
        }
        let Ok(file) = open(into, name) else { return Ok(false) };
        match self.pour(file.as_fd(), None, there, &entry.path, false).run(buffer) {
            Ok(poured) => Ok(Some(poured.hash) == entry.hash),
            Err(Spill::End(error)) => Err(Hitch::End(error)),
            Err(_) => Ok(false),
        }
    }
}
