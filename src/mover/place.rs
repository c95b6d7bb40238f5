//! Putting one file or link in its place: whole, with its mode and time, or not at all. Links are in `place_symlink`.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{FileType, Mode, OFlags, Stat, Timespec, Timestamps, UTIME_OMIT};
use rustix::io::Errno;

use super::decide::{Deciding, Hitch, Likeness, Verdict};
use super::entry::{Class, Entry, Kind, Skip, Time, mtime, size};
use super::error::Error;
use super::meter::Meter;
use super::part::Part;
use super::path::{join, split};
use super::pour::{Pour, Poured, Spill};
use super::tree::{file_type, lstat, lstat_if_there};
use super::walk::{Found, unread};
use super::{pool::Pool, xattr};
use crate::playbook::Conflict;

/// How often a file that changes under the reader is read.
const ATTEMPTS: usize = 3;

/// A folder, open at both sides.
pub(super) struct Folder<'a> {
    pub(super) from: BorrowedFd<'a>,
    pub(super) into: BorrowedFd<'a>,
    /// Its path in the home.
    pub(super) path: &'a [u8],
    /// Its path at the destination.
    pub(super) stored: &'a [u8],
    /// Whether this copy made it, so that nothing can be in it yet.
    pub(super) is_fresh: bool,
}

impl Folder<'_> {
    /// Tells whether the home has an entry of its own under this name in this folder.
    pub(super) fn is_in_home(&self, name: &[u8]) -> bool {
        lstat(self.from, name).is_ok()
    }
}

/// What one thread did.
#[derive(Debug, Default)]
pub(super) struct Work {
    /// Entries that are done.
    pub(super) entries: Vec<Entry>,
    pub(super) buffer: Vec<u8>,
    pub(super) written: u64,
    pub(super) written_bytes: u64,
    pub(super) kept: u64,
}

/// How entries are put in place.
pub(super) struct Placer<'a> {
    pub(super) conflict: Conflict,
    pub(super) pool: &'a Pool,
    pub(super) meter: &'a Meter<'a>,
    /// Whether it is known what a copy that was killed wrote, so that what is the same was there before.
    pub(super) knows_its_own: bool,
    /// Whether every file is read, even if nothing tells that it changed since an earlier pass.
    pub(super) is_paranoid: bool,
}

impl Placer<'_> {
    /// Puts a file or a link in place and returns its entry as it was read, or with the reason why it was not copied.
    pub(super) fn put(
        &self,
        at: &Folder<'_>,
        name: &[u8],
        whole: &Found,
        work: &mut Work,
    ) -> Result<Entry, Error> {
        let (found, before) = (&whole.entry, whole.before.as_deref());
        if let Some(kept) = before.and_then(|before| self.unchanged(at, whole, before)) {
            work.kept += 1;
            self.meter.bytes(kept.size, &kept.path)?;
            self.meter.file(&kept.path)?;
            return Ok(kept);
        }
        let mut why = "";
        for attempt in 0..ATTEMPTS {
            let mut entry = Entry::new(&found.path, found.kind);
            let is_fresh = at.is_fresh && attempt == 0;
            let put = match found.kind {
                Kind::File => self.file(at, name, (is_fresh, before), &mut entry, work),
                _ => self.symlink(at, name, (is_fresh, before), &mut entry, work),
            };
            match put {
                Ok(()) => {
                    if found.kind == Kind::File {
                        self.meter.file(&entry.path)?;
                    }
                    return Ok(entry);
                }
                Err(Hitch::Changed(how)) => why = how,
                Err(Hitch::Skip(skip)) => return Ok(self.skipped(found, entry, skip)),
                Err(Hitch::End(error)) => return Err(error),
            }
        }
        let skip = Skip::new(Class::Changed, format!("{why}, {ATTEMPTS} times over"));
        Ok(self.skipped(found, found.clone(), skip))
    }

    /// Returns what an earlier pass had of a file, when nobody changed it since at either side.
    fn unchanged(&self, at: &Folder<'_>, found: &Found, before: &Entry) -> Option<Entry> {
        let (may_share, found) = (found.has_names(), &found.entry);
        let is_same = !self.is_paranoid
            && (before.kind, found.kind) == (Kind::File, Kind::File)
            && before.is_selected()
            && before.hash.is_some()
            && before.origin.is_some()
            && (before.origin, before.size, before.mtime)
                == (found.origin, found.size, found.mtime);
        let (folder, name) = split(before.place());
        if !is_same || folder != at.stored {
            return None;
        }
        let there = lstat(at.into, name).ok()?;
        let is_there = file_type(&there) == FileType::RegularFile
            && (there.st_nlink == 1 || may_share)
            && (size(&there), mtime(&there), there.st_mode & 0o7777)
                == (before.size, before.mtime, before.mode);
        is_there.then(|| Entry { link_of: None, ..before.clone() })
    }

    /// Tells whether a file is what an earlier pass put there, untouched since.
    pub(super) fn is_earlier(
        &self,
        into: BorrowedFd<'_>,
        (name, there): (&[u8], &Stat),
        before: Option<&Entry>,
        buffer: &mut Vec<u8>,
    ) -> Result<bool, Hitch> {
        let Some(before) = before.filter(|before| before.hash.is_some()) else { return Ok(false) };
        if mtime(there) != before.mtime {
            return Ok(false);
        }
        self.has_content(into, name, there, before, buffer)
    }

    /// Lists an entry as not copied, with what was last known of it.
    fn skipped(&self, found: &Entry, seen: Entry, skip: Skip) -> Entry {
        let was_seen = seen.mtime != Time::default();
        let mut entry = if was_seen { seen } else { found.clone() };
        (entry.hash, entry.stored_as) = (None, None);
        entry.skipped(skip)
    }

    pub(super) fn deciding<'a>(
        &self,
        at: &'a Folder<'_>,
        name: &'a [u8],
        mtime: Time,
        is_taken: &'a dyn Fn(&[u8]) -> bool,
    ) -> Deciding<'a> {
        Deciding { conflict: self.conflict, folder: at.into, name, mtime, is_taken }
    }

    fn file(
        &self,
        at: &Folder<'_>,
        name: &[u8],
        (is_fresh, earlier): (bool, Option<&Entry>),
        entry: &mut Entry,
        work: &mut Work,
    ) -> Result<(), Hitch> {
        let from = self.pool.timed(|| open(at.from, name)).map_err(unreadable)?;
        let before = rustix::fs::fstat(&from).map_err(unreadable)?;
        if file_type(&before) != FileType::RegularFile {
            return Err(Hitch::Changed("it became something else while it was read"));
        }
        entry.take_stat(&before);
        entry.drop_special_bits();
        let there = look(at.into, name, is_fresh)?;
        let mut read = None;
        let is_taken = |name: &[u8]| at.is_in_home(name);
        let deciding = self.deciding(at, name, entry.mtime, &is_taken);
        let verdict = deciding.decide(there.as_ref(), &mut |name, there| {
            let (path, buffer) = (&entry.path, &mut work.buffer);
            if self.is_same(&from, &before, at.into, (name, there), path, &mut read, buffer)? {
                // A file of its own does not become another name of one that is there.
                let is_shared = there.st_nlink > 1 && before.st_nlink == 1;
                return Ok(if is_shared { Likeness::Earlier } else { Likeness::Same });
            }
            let is_untouched = self.is_earlier(at.into, (name, there), earlier, buffer)?;
            Ok(Likeness::to(earlier, is_untouched))
        })?;
        match (verdict, read) {
            (Verdict::Keep { name: kept }, Some(poured)) => {
                self.adopt(at.into, &kept, &from, entry)?;
                work.kept += 1;
                entry.hash = Some(poured.hash);
                if self.knows_its_own {
                    entry.was_there(earlier);
                }
                entry.stored_as = stored_as(at, name, &kept);
            }
            (Verdict::Keep { .. }, None) => return Err(Hitch::Changed("it could not be compared")),
            (Verdict::Write { name: to, replaces }, read) => {
                self.meter.forget(read.map_or(0, |read| read.bytes));
                if replaces {
                    entry.takes_place_of(earlier);
                }
                let poured =
                    self.write(at, (&to, replaces), &from, &before, entry, &mut work.buffer)?;
                work.written += 1;
                work.written_bytes += poured.bytes;
                entry.hash = Some(poured.hash);
                entry.stored_as = stored_as(at, name, &to);
            }
        }
        Ok(())
    }

    /// Tells whether a file at the destination has the same content, which is read from both sides.
    #[expect(
        clippy::too_many_arguments,
        reason = "both sides and what was read before have to be known"
    )]
    fn is_same(
        &self,
        from: &OwnedFd,
        before: &Stat,
        into: BorrowedFd<'_>,
        (name, there): (&[u8], &Stat),
        path: &[u8],
        read: &mut Option<Poured>,
        buffer: &mut Vec<u8>,
    ) -> Result<bool, Hitch> {
        if file_type(there) != FileType::RegularFile || size(there) != size(before) {
            return Ok(false);
        }
        let source = match *read {
            Some(poured) => poured,
            None => {
                let poured =
                    self.pour(from.as_fd(), None, before, path, true).run(buffer).map_err(spilt)?;
                self.is_unchanged(from, before, poured)?;
                *read.insert(poured)
            }
        };
        let Ok(file) = open(into, name) else { return Ok(false) };
        match self.pour(file.as_fd(), None, there, path, false).run(buffer) {
            Ok(poured) => Ok(poured == source),
            Err(Spill::End(error)) => Err(Hitch::End(error)),
            Err(_) => Ok(false),
        }
    }

    pub(super) fn pour<'a>(
        &'a self,
        from: BorrowedFd<'a>,
        into: Option<BorrowedFd<'a>>,
        stat: &Stat,
        path: &'a [u8],
        counts: bool,
    ) -> Pour<'a> {
        let allocated = u64::try_from(stat.st_blocks).unwrap_or_default() * 512;
        let is_sparse = allocated < size(stat);
        let (meter, pool) = (self.meter, Some(self.pool));
        Pour { from, into, size: size(stat), is_sparse, meter, counts, path, pool }
    }

    fn write(
        &self,
        at: &Folder<'_>,
        (to, replaces): (&[u8], bool),
        from: &OwnedFd,
        before: &Stat,
        entry: &mut Entry,
        buffer: &mut Vec<u8>,
    ) -> Result<Poured, Hitch> {
        let place = join(at.stored, to);
        let mut part = Part::new(at.into, &place);
        let refused = |errno| Hitch::at_destination(errno, "cannot write", &place);
        let file = part.file(entry.mode).map_err(refused)?;
        let pour = self.pour(from.as_fd(), Some(file.as_fd()), before, &entry.path, true);
        let poured = pour.run(buffer).map_err(|spill| match spill {
            Spill::Write(errno) => refused(errno),
            other => spilt(other),
        })?;
        self.is_unchanged(from, before, poured)?;
        entry.notes.extend(xattr::copy(from.as_fd(), file.as_fd()));
        rustix::fs::futimens(&file, &times(entry.mtime)).map_err(refused)?;
        let mut stored = rustix::fs::fstat(&file).map_err(refused)?;
        // Most files are made with the right mode.
        if stored.st_mode & 0o7777 != entry.mode {
            rustix::fs::fchmod(&file, Mode::from_raw_mode(entry.mode)).map_err(refused)?;
            stored = rustix::fs::fstat(&file).map_err(refused)?;
        }
        put(&mut part, to, replaces, &place)?;
        entry.accept_time(mtime(&stored));
        Ok(poured)
    }

    /// Makes sure that nobody wrote while the file was read.
    fn is_unchanged(&self, from: &OwnedFd, before: &Stat, poured: Poured) -> Result<(), Hitch> {
        let after = rustix::fs::fstat(from).map_err(unreadable)?;
        let seen = |stat: &Stat| (stat.st_size, mtime(stat), stat.st_ctime, stat.st_ctime_nsec);
        if seen(before) == seen(&after) && poured.bytes == size(before) {
            return Ok(());
        }
        self.meter.forget(poured.bytes);
        Err(Hitch::Changed("it changed while it was read"))
    }

    /// Gives a file that is there with the same content the mode and the time of the home's.
    fn adopt(
        &self,
        into: BorrowedFd<'_>,
        name: &[u8],
        from: &OwnedFd,
        entry: &mut Entry,
    ) -> Result<(), Hitch> {
        let refused = |errno: Errno| {
            let why = format!(
                "the same content is there, but not its mode and time: {}",
                std::io::Error::from(errno)
            );
            Hitch::skip(Class::Conflict, why)
        };
        // Through what is open, for the name may be a link by now.
        let file = open(into, name).map_err(refused)?;
        let there = rustix::fs::fstat(&file).map_err(refused)?;
        let is_done = (there.st_mode & 0o7777, mtime(&there)) == (entry.mode, entry.mtime);
        entry.notes.extend(xattr::copy(from.as_fd(), file.as_fd()));
        if !is_done {
            rustix::fs::fchmod(&file, Mode::from_raw_mode(entry.mode)).map_err(refused)?;
            rustix::fs::futimens(&file, &times(entry.mtime)).map_err(refused)?;
            entry.accept_time(mtime(&rustix::fs::fstat(&file).map_err(refused)?));
        }
        Ok(())
    }
}

pub(super) fn put(
    part: &mut Part<'_>,
    to: &[u8],
    replaces: bool,
    place: &[u8],
) -> Result<(), Hitch> {
    part.put(to, replaces).map_err(|errno| match errno {
        Errno::EXIST | Errno::ISDIR if !replaces => {
            Hitch::Changed("something was put at its place meanwhile")
        }
        Errno::ISDIR => Hitch::skip(Class::Conflict, "a folder was put at its place meanwhile"),
        errno => Hitch::at_destination(errno, "cannot put in place", place),
    })
}

pub(super) fn look(
    folder: BorrowedFd<'_>,
    name: &[u8],
    is_fresh: bool,
) -> Result<Option<Stat>, Hitch> {
    if is_fresh {
        return Ok(None);
    }
    lstat_if_there(folder, name)
        .map_err(|errno| Hitch::at_destination(errno, "cannot look at", name))
}

/// Opens a file to read it: never through a link, never waiting for a FIFO, and without touching its access time if allowed.
pub(super) fn open(folder: BorrowedFd<'_>, name: &[u8]) -> Result<OwnedFd, Errno> {
    let flags =
        OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
    match rustix::fs::openat(folder, name, flags | OFlags::NOATIME, Mode::empty()) {
        Err(Errno::PERM) => rustix::fs::openat(folder, name, flags, Mode::empty()),
        done => done,
    }
}

/// A modification time to set; the access time stays.
pub(super) fn times(mtime: Time) -> Timestamps {
    Timestamps {
        last_access: Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT },
        last_modification: Timespec { tv_sec: mtime.0, tv_nsec: mtime.1.into() },
    }
}

pub(super) fn stored_as(at: &Folder<'_>, name: &[u8], to: &[u8]) -> Option<Box<[u8]>> {
    (at.path != at.stored || name != to).then(|| join(at.stored, to).into())
}

pub(super) fn unreadable(errno: Errno) -> Hitch {
    Hitch::Skip(unread(errno, "it cannot be read"))
}

fn spilt(spill: Spill) -> Hitch {
    match spill {
        Spill::Read(errno) => unreadable(errno),
        Spill::Write(errno) => Hitch::at_destination(errno, "cannot write", b""),
        Spill::End(error) => Hitch::End(error),
    }
}
