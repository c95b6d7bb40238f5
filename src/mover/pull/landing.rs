//! Putting one file in its place from a stream: whole, with its mode and time, or not at all.

use std::collections::HashSet;
use std::io::{ErrorKind, Read};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{FileType, Mode, Stat};
use rustix::io::Errno;

use super::super::decide::{Deciding, Hitch, Likeness, Verdict};
use super::super::entry::{Class, Entry, Skip, mtime, size};
use super::super::error::Error;
use super::super::folders::Made;
use super::super::lift::open_own;
use super::super::pack::error::TransferError;
use super::super::pack::headway::Headway;
use super::super::part::Part;
use super::super::path::{join, split};
use super::super::place::{put, times};
use super::super::tree::{Tree, file_type, lstat};
use super::super::written::List;
use super::super::xattr::{self, Xattrs};
use super::holes::Holes;
use super::outcome::Outcome;
use super::there::{hash_of, likeness, look};
use crate::playbook::Conflict;

/// Bytes written at once.
const CHUNK: usize = 256 * 1024;

/// Where everything goes, and what came of it. Shared by all threads.
#[derive(Debug)]
pub(super) struct Landing {
    pub(super) tree: Arc<Tree>,
    pub(super) conflict: Conflict,
    /// Paths of what is pulled that look like a name beside another: `*.classic`, `*.classic-2`.
    pub(super) taken: HashSet<Box<[u8]>>,
    pub(super) stop: Arc<AtomicBool>,
    pub(super) headway: Arc<Headway>,
    pub(super) outcome: Outcome,
    /// A list of what is written, for the next delivery, should this one be killed.
    pub(super) written: List,
}

impl Landing {
    /// Takes note of an entry that is done with.
    pub(super) fn note(&self, entry: Entry) {
        self.headway.count(&entry);
        if let Err(error) = self.outcome.take(entry) {
            self.fail(error.into());
        }
    }

    /// Ends everything.
    pub(super) fn fail(&self, error: TransferError) {
        self.outcome.fail(error);
        self.stop.store(true, Ordering::Relaxed);
    }

    /// Takes note of what came of an entry: in place, listed with a reason, or the end of everything.
    pub(super) fn conclude(&self, seen: &Entry, result: Result<Entry, Hitch>) {
        let skip = match result {
            Ok(entry) => return self.note(entry),
            Err(Hitch::End(error)) => {
                self.fail(error.into());
                return;
            }
            Err(Hitch::Skip(skip)) => skip,
            Err(Hitch::Changed(why)) => Skip::new(Class::Conflict, why),
        };
        self.leave(seen, skip);
    }

    /// Lists an entry as not copied.
    pub(super) fn leave(&self, seen: &Entry, skip: Skip) {
        let is_lost = matches!(skip.class, Class::Unreadable | Class::Changed);
        self.outcome.lost.fetch_add(is_lost.into(), Ordering::Relaxed);
        let entry = Entry { hash: None, stored_as: None, ..seen.clone() };
        self.note(entry.skipped(skip));
    }

    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    pub(super) fn decide(
        &self,
        folder: BorrowedFd<'_>,
        at: &Made,
        entry: &Entry,
        compare: &mut dyn FnMut(&[u8], &Stat) -> Likeness,
    ) -> Result<Verdict, Hitch> {
        let (parent, name) = split(&entry.path);
        let there = if at.is_fresh { None } else { look(folder, name)? };
        let is_taken = |name: &[u8]| self.taken.contains(join(parent, name).as_slice());
        let deciding = Deciding {
            conflict: self.conflict,
            folder,
            name,
            mtime: entry.mtime,
            is_taken: &is_taken,
        };
        deciding.decide(there.as_ref(), &mut |name, there| Ok(compare(name, there)))
    }

    /// Settles an entry that need not be fetched, because the same is there already or something else has to stay.
    ///
    /// Its hash is known, or it is a link. `None` means that it is to be fetched.
    pub(super) fn settled(
        &self,
        at: &Made,
        (entry, before): (&Entry, Option<&Entry>),
    ) -> Result<Option<Entry>, Hitch> {
        if at.is_fresh {
            return Ok(None);
        }
        let folder = self.folder(at)?;
        let mut entry = entry.clone();
        let verdict = self.decide(folder.as_fd(), at, &entry, &mut |name, there| {
            likeness(folder.as_fd(), (name, there), &entry, before)
        })?;
        match verdict {
            Verdict::Keep { name } => {
                self.adopt(folder.as_fd(), &name, at, &mut entry)?;
                self.say_if_there(&mut entry, before);
                Ok(Some(entry))
            }
            Verdict::Write { .. } => Ok(None),
        }
    }

    /// Keeps a file that is there under its own name, and takes its hash: size and time say that it is the same.
    pub(super) fn kept_by_time(&self, at: &Made, entry: &Entry) -> Result<Option<Entry>, Hitch> {
        if at.is_fresh {
            return Ok(None);
        }
        let folder = self.folder(at)?;
        let (_, name) = split(&entry.path);
        let Some(there) = look(folder.as_fd(), name)? else { return Ok(None) };
        let is_same = file_type(&there) == FileType::RegularFile
            && (size(&there), mtime(&there)) == (entry.size, entry.mtime);
        let mut entry = entry.clone();
        entry.hash = if is_same { hash_of(folder.as_fd(), name, &there) } else { None };
        if entry.hash.is_none() {
            return Ok(None);
        }
        self.adopt(folder.as_fd(), name, at, &mut entry)?;
        Ok(Some(entry))
    }

    /// Tells whether a file of this size is at an entry's place.
    pub(super) fn has_size(&self, at: &Made, entry: &Entry) -> bool {
        let (_, name) = split(&entry.path);
        let there = || lstat(self.tree.place(&at.stored).ok()?, name).ok();
        !at.is_fresh && there().is_some_and(|there| size(&there) == entry.size)
    }

    /// Writes a file from a stream, and puts it in its place once all of it is there and what it has to be.
    pub(super) fn file(
        &self,
        at: &Made,
        (entry, before): (&Entry, Option<&Entry>),
        xattrs: &Xattrs,
        content: &mut dyn Read,
    ) -> Result<Entry, Hitch> {
        let folder = self.folder(at)?;
        let (_, name) = split(&entry.path);
        let place = join(&at.stored, name);
        let refused = |errno| Hitch::at_destination(errno, "cannot write", &place);
        let mut part = Part::new(folder.as_fd(), &place);
        // Attributes can only be given to what may be written to.
        let writable = if xattrs.is_empty() { 0 } else { 0o200 };
        let file = part.file(entry.mode | writable).map_err(refused)?;
        let mut entry = entry.clone();
        let hash = self.pour(&file, entry.size, content, &place)?;
        if entry.hash.is_some_and(|known| known != hash) {
            let why = "what arrived is not what the manifest says";
            return Err(Hitch::skip(Class::Unreadable, why));
        }
        entry.hash = Some(hash);
        let verdict = self.decide(folder.as_fd(), at, &entry, &mut |name, there| {
            likeness(folder.as_fd(), (name, there), &entry, before)
        })?;
        let (to, replaces) = match verdict {
            Verdict::Keep { name } => {
                drop(part);
                self.adopt(folder.as_fd(), &name, at, &mut entry)?;
                self.say_if_there(&mut entry, before);
                return Ok(entry);
            }
            Verdict::Write { name, replaces } => (name, replaces),
        };
        if replaces {
            entry.takes_place_of(before);
        }
        entry.notes.extend(xattr::write(file.as_fd(), xattrs));
        rustix::fs::futimens(&file, &times(entry.mtime)).map_err(refused)?;
        let stored = rustix::fs::fstat(&file).map_err(refused)?;
        // Most files are made with the right mode.
        if stored.st_mode & 0o7777 != entry.mode {
            rustix::fs::fchmod(&file, Mode::from_raw_mode(entry.mode)).map_err(refused)?;
        }
        entry.accept_time(mtime(&stored));
        put(&mut part, &to, replaces, &place)?;
        self.outcome.written.fetch_add(1, Ordering::Relaxed);
        self.outcome.written_bytes.fetch_add(entry.size, Ordering::Relaxed);
        entry.stored_as = stored_as(at, &entry, &to);
        self.written.add(&entry);
        Ok(entry)
    }

    /// Writes exactly so many bytes, without the blocks that hold only zeros; returns their hash.
    fn pour(
        &self,
        file: &OwnedFd,
        bytes: u64,
        content: &mut dyn Read,
        place: &[u8],
    ) -> Result<[u8; 32], Hitch> {
        let refused = |errno| Hitch::at_destination(errno, "cannot write", place);
        let mut hasher = blake3::Hasher::new();
        let mut holes = Holes::new(file.as_fd());
        let mut buffer = vec![0; CHUNK.min(usize::try_from(bytes).unwrap_or(CHUNK)).max(1)];
        let mut left = bytes;
        while left > 0 {
            if self.is_stopped() {
                return Err(Hitch::End(Error::Stopped));
            }
            let some = usize::try_from(left).unwrap_or(CHUNK).min(buffer.len());
            match content.read(&mut buffer[..some]) {
                Ok(0) => {
                    return Err(Hitch::skip(
                        Class::Unreadable,
                        "less of it arrived than there should be",
                    ));
                }
                Ok(read) => {
                    hasher.update(&buffer[..read]);
                    holes.write(&buffer[..read]).map_err(refused)?;
                    left -= read as u64;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => {
                    return Err(Hitch::skip(
                        Class::Unreadable,
                        format!("it cannot be read: {error}"),
                    ));
                }
            }
        }
        holes.finish().map_err(refused)?;
        Ok(*hasher.finalize().as_bytes())
    }

    /// Gives a file that is there with the same content the mode and the time that it has to have.
    fn adopt(
        &self,
        folder: BorrowedFd<'_>,
        name: &[u8],
        at: &Made,
        entry: &mut Entry,
    ) -> Result<(), Hitch> {
        let refused = |errno: Errno| {
            let why = std::io::Error::from(errno);
            let why = format!("the same content is there, but not its mode and time: {why}");
            Hitch::skip(Class::Conflict, why)
        };
        // Through what is open, for the name may be a link by now.
        let file = open_own(folder, name).map_err(refused)?;
        let there = rustix::fs::fstat(&file).map_err(refused)?;
        if (there.st_mode & 0o7777, mtime(&there)) != (entry.mode, entry.mtime) {
            rustix::fs::fchmod(&file, Mode::from_raw_mode(entry.mode)).map_err(refused)?;
            rustix::fs::futimens(&file, &times(entry.mtime)).map_err(refused)?;
            entry.accept_time(mtime(&rustix::fs::fstat(&file).map_err(refused)?));
        }
        self.outcome.kept.fetch_add(1, Ordering::Relaxed);
        entry.stored_as = stored_as(at, entry, name);
        Ok(())
    }

    /// Takes note of what was there, the same, before anything was delivered: it is known what a delivery that was killed wrote.
    pub(super) fn say_if_there(&self, entry: &mut Entry, before: Option<&Entry>) {
        if self.written.is_kept() {
            entry.was_there(before);
        }
    }

    pub(super) fn folder(&self, at: &Made) -> Result<OwnedFd, Hitch> {
        self.tree
            .place(&at.stored)
            .map_err(|errno| Hitch::at_destination(errno, "cannot open the folder", &at.stored))
    }
}

pub(super) fn stored_as(at: &Made, entry: &Entry, to: &[u8]) -> Option<Box<[u8]>> {
    let place = join(&at.stored, to);
    (place != *entry.path).then(|| place.into())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::mover::before::{before, left_of};
    use crate::mover::entry::{Kind, Time};

    fn landing(at: &Path, list: &Path) -> Landing {
        Landing {
            tree: Arc::new(Tree::open(at).unwrap()),
            conflict: Conflict::Refuse,
            taken: HashSet::new(),
            stop: Arc::default(),
            headway: Arc::default(),
            outcome: Outcome::new(),
            written: List::at(Some(list)),
        }
    }

    fn file(content: &[u8], second: i64) -> Entry {
        let mut entry = Entry::new(b"a", Kind::File);
        (entry.mode, entry.mtime, entry.size) = (0o644, Time(second, 5), content.len() as u64);
        entry.hash = Some(*blake3::hash(content).as_bytes());
        entry
    }

    #[test]
    fn a_delivery_that_was_killed_knows_what_it_wrote_when_the_home_is_packed_anew() {
        let (folder, beside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let list = beside.path().join("written");
        let at = Made { stored: Vec::new(), is_fresh: false };
        let put = |content: &[u8], second| {
            let landing = landing(folder.path(), &list);
            let entry = file(content, second);
            let mut left = before(None, None, Some(&list)).unwrap();
            let left = left_of(&mut left, &entry).unwrap();
            landing.file(&at, (&entry, left.as_deref()), &Xattrs::new(), &mut &*content)
        };
        // Each is killed before its manifest is there.
        put(b"before", 1).unwrap();
        put(b"changed in Classic", 2).unwrap();
        assert_eq!(std::fs::read(folder.path().join("a")).unwrap(), b"changed in Classic");
        std::fs::write(folder.path().join("a"), b"changed in the space").unwrap();
        let refused = put(b"changed in Classic again", 3).unwrap_err();
        assert!(matches!(refused, Hitch::Skip(skip) if skip.class == Class::Conflict));
        assert_eq!(std::fs::read(folder.path().join("a")).unwrap(), b"changed in the space");
    }
}
