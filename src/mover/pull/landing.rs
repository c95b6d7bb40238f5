//! Putting one file or link in its place from a stream: whole, with its mode and time, or not at all.

use std::collections::HashSet;
use std::io::{ErrorKind, Read};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{AtFlags, FileType, Mode, Stat};
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
use super::super::tree::{Tree, file_type, lstat, lstat_if_there};
use super::super::written::List;
use super::super::xattr::{self, Xattrs};
use super::holes::Holes;
use super::outcome::Outcome;
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

    fn decide(
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
                return Ok(entry);
            }
            Verdict::Write { name, replaces } => (name, replaces),
        };
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
            let is_link = file_type(there) == FileType::Symlink;
            let held = is_link.then(|| rustix::fs::readlinkat(folder, name, Vec::new()).ok());
            let Some(held) = held.flatten() else { return Likeness::to(before, false) };
            if held.as_bytes() == &*target {
                return Likeness::Same;
            }
            let is_untouched = before.is_some_and(|before| {
                before.is_selected()
                    && before.target.as_deref() == Some(held.as_bytes())
                    && before.mtime == mtime(there)
            });
            Likeness::to(before, is_untouched)
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
        if is_new {
            self.written.add(&entry);
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

    fn folder(&self, at: &Made) -> Result<OwnedFd, Hitch> {
        self.tree
            .place(&at.stored)
            .map_err(|errno| Hitch::at_destination(errno, "cannot open the folder", &at.stored))
    }
}

fn look(folder: BorrowedFd<'_>, name: &[u8]) -> Result<Option<Stat>, Hitch> {
    lstat_if_there(folder, name)
        .map_err(|errno| Hitch::at_destination(errno, "cannot look at", name))
}

fn stored_as(at: &Made, entry: &Entry, to: &[u8]) -> Option<Box<[u8]>> {
    let place = join(&at.stored, to);
    (place != *entry.path).then(|| place.into())
}

/// Tells what a file that is there is to one that is to go to its place, next to what an earlier delivery brought there. It is
/// read only where its size says that it may be one of the two.
fn likeness(
    folder: BorrowedFd<'_>,
    (name, there): (&[u8], &Stat),
    entry: &Entry,
    before: Option<&Entry>,
) -> Likeness {
    let could_be = |one: &Entry| one.size == size(there);
    let may_be_untouched =
        |before: &&Entry| before.hash.is_some() && could_be(before) && before.mtime == mtime(there);
    let untouched = before.filter(may_be_untouched);
    if !could_be(entry) && untouched.is_none() {
        return Likeness::to(before, false);
    }
    let hash = hash_of(folder, name, there);
    if could_be(entry) && hash == entry.hash {
        return Likeness::Same;
    }
    Likeness::to(before, untouched.is_some_and(|before| hash.is_some() && hash == before.hash))
}

/// Returns the hash of a regular file that is there; none when it cannot be read or is no such file.
fn hash_of(folder: BorrowedFd<'_>, name: &[u8], there: &Stat) -> Option<[u8; 32]> {
    if file_type(there) != FileType::RegularFile {
        return None;
    }
    let file = std::fs::File::from(open_own(folder, name).ok()?);
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(file).ok()?;
    Some(*hasher.finalize().as_bytes())
}

/// Tells whether a name looks like one beside another, so that it has to be known as taken.
pub(super) fn looks_beside(path: &[u8]) -> bool {
    let digits = path.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    let rest = &path[..path.len() - digits];
    rest.ends_with(b".classic-") || (digits == 0 && rest.ends_with(b".classic"))
}
