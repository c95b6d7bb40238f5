//! Folders: made before anything goes into them, and given their modes and times when nothing more does.

use std::collections::HashMap;
use std::os::fd::AsFd;

use rustix::fs::{AtFlags, FileType, Mode, Stat};
use rustix::io::Errno;

use super::decide::{Deciding, Hitch, Verdict};
use super::entry::{Class, Entry, Kind, Skip, mtime};
use super::error::Error;
use super::meter::Meter;
use super::part;
use super::path::{join, split};
use super::place::times;
use super::pool::Pool;
use super::tree::{Tree, file_type, letting_in, lstat, lstat_if_there, names};
use super::xattr;
use crate::playbook::Conflict;

/// Where a folder of the home is at the destination.
#[derive(Clone, Debug)]
pub(super) struct Made {
    /// Its path there.
    pub(super) stored: Vec<u8>,
    /// Whether this copy made it.
    pub(super) is_fresh: bool,
}

/// Makes folders.
pub(super) struct Making<'a> {
    pub(super) destination: &'a Tree,
    pub(super) conflict: Conflict,
    pub(super) meter: &'a Meter<'a>,
    /// Tells whether the home has an entry of this path.
    pub(super) is_taken: &'a (dyn Fn(&[u8]) -> bool + Sync),
    /// Where each folder of the home is, or why it is nowhere.
    pub(super) made: HashMap<Box<[u8]>, Result<Made, Class>>,
}

impl Making<'_> {
    /// Makes one folder, or finds it; its parent came before. Returns why it is not there, if so.
    pub(super) fn make(&mut self, entry: &Entry) -> Result<Option<Skip>, Error> {
        self.meter.tick(&entry.path)?;
        let (made, skip) = match self.try_make(entry) {
            Ok(made) => (Ok(made), None),
            Err(Hitch::End(error)) => return Err(error),
            Err(Hitch::Skip(skip)) => (Err(skip.class), Some(skip)),
            Err(Hitch::Changed(why)) => (Err(Class::Changed), Some(Skip::new(Class::Changed, why))),
        };
        self.made.insert(entry.path.clone(), made);
        Ok(skip)
    }

    fn try_make(&self, entry: &Entry) -> Result<Made, Hitch> {
        let (parent, name) = split(&entry.path);
        let above = self.whereabouts(parent).map_err(Hitch::Skip)?;
        let refused = |errno| Hitch::at_destination(errno, "cannot make the folder", &entry.path);
        let folder = self.destination.place(&above.stored).map_err(refused)?;
        let there =
            if above.is_fresh { None } else { lstat_if_there(&folder, name).map_err(refused)? };
        let is_taken = |name: &[u8]| (self.is_taken)(&join(parent, name));
        let deciding = Deciding {
            conflict: self.conflict,
            folder: folder.as_fd(),
            name,
            mtime: entry.mtime,
            is_taken: &is_taken,
        };
        let verdict = deciding
            .decide(there.as_ref(), &mut |_, there| Ok(file_type(there) == FileType::Directory))?;
        match verdict {
            Verdict::Keep { name } => {
                let stored = join(&above.stored, &name);
                open_up(&folder, &name);
                self.clean(&stored, &entry.path);
                Ok(Made { stored, is_fresh: false })
            }
            Verdict::Write { name, replaces } => {
                if replaces {
                    unlink_if_there(&folder, &name).map_err(refused)?;
                }
                match letting_in(&folder, || rustix::fs::mkdirat(&folder, &name, Mode::RWXU)) {
                    Ok(()) => Ok(Made { stored: join(&above.stored, &name), is_fresh: true }),
                    Err(Errno::EXIST) => Err(Hitch::skip(
                        Class::Conflict,
                        "something was put at its place meanwhile",
                    )),
                    Err(errno) => Err(refused(errno)),
                }
            }
        }
    }

    /// Returns where a folder is, or the reason for what lies in it.
    pub(super) fn whereabouts(&self, folder: &[u8]) -> Result<Made, Skip> {
        match self.made.get(folder) {
            Some(Ok(made)) => Ok(made.clone()),
            Some(Err(class)) => Err(Skip::new(*class, "its folder was not copied")),
            None => Err(Skip::new(Class::Unreadable, "its folder was not seen")),
        }
    }

    /// Removes what a copy that was killed left over, but nothing that the home itself has.
    pub(super) fn clean(&self, stored: &[u8], path: &[u8]) {
        let Ok(listed) = self.destination.listing(stored).and_then(names) else { return };
        let Ok(folder) = self.destination.place(stored) else { return };
        for (name, _) in listed {
            if part::is_left_over(&name) && !(self.is_taken)(&join(path, &name)) {
                // What cannot be removed is in nobody's way.
                let _left =
                    letting_in(&folder, || rustix::fs::unlinkat(&folder, &*name, AtFlags::empty()));
            }
        }
    }
}

/// Lets its owner look into a folder; it gets its mode in the end.
fn open_up(folder: impl AsFd, name: &[u8]) {
    if let Ok(there) = lstat(&folder, name)
        && there.st_mode & 0o500 != 0o500
    {
        let mode = Mode::from_raw_mode((there.st_mode & 0o7777) | 0o700);
        // If this is refused, what goes into it says so.
        let _refused = rustix::fs::chmodat(&folder, name, mode, AtFlags::empty());
    }
}

fn unlink_if_there(folder: impl AsFd, name: &[u8]) -> Result<(), Errno> {
    match letting_in(&folder, || rustix::fs::unlinkat(&folder, name, AtFlags::empty())) {
        Err(Errno::NOENT) => Ok(()),
        done => done,
    }
}

/// Copies the extended attributes of folders, and looks whether names came or went in them meanwhile.
pub(super) fn finish(
    entries: &mut [Entry],
    (source, destination): (&Tree, &Tree),
    pool: &Pool,
    meter: &Meter<'_>,
) -> Result<(), Error> {
    let folders: Vec<usize> =
        (0..entries.len()).filter(|index| is_folder(&entries[*index])).collect();
    let shared = &*entries;
    let parts = pool.run(folders, |notes: &mut Vec<(usize, String)>, index, _| {
        let entry = &shared[index];
        meter.tick(&entry.path)?;
        let from = pool.timed(|| source.listing(&entry.path));
        let now = from.as_ref().ok().and_then(|from| rustix::fs::fstat(from).ok());
        if now.is_none_or(|now| mtime(&now) != entry.mtime) {
            notes.push((index, "names came or went in it while the home was copied".to_owned()));
        }
        if let (Ok(from), Ok(into)) = (from, destination.listing(entry.place())) {
            notes.extend(xattr::copy(from.as_fd(), into.as_fd()).map(|note| (index, note)));
        }
        Ok(())
    })?;
    for (index, note) in parts.into_iter().flatten() {
        entries[index].notes.push(note);
    }
    Ok(())
}

fn is_folder(entry: &Entry) -> bool {
    entry.kind == Kind::Directory && entry.is_selected()
}

/// Gives folders their modes and times, the deepest first, where they differ.
///
/// A mode that the destination does not take as it is becomes the entry's, with a note.
pub(super) fn settle(entries: &mut [Entry], destination: &Tree) -> Result<(), Error> {
    for entry in entries.iter_mut().rev().filter(|entry| is_folder(entry)) {
        let place = entry.place().to_vec();
        let (parent, name) = split(&place);
        let refused = |errno| Error::io("cannot set mode and time of", &place, errno);
        let folder = match destination.place(parent) {
            Ok(folder) => folder,
            // It was taken away meanwhile; the check will say so.
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => continue,
            Err(errno) => return Err(refused(errno)),
        };
        let Some(there) = lstat_if_there(&folder, name).map_err(refused)? else { continue };
        if file_type(&there) != FileType::Directory {
            continue;
        }
        let outcome = settle_one(&folder, name, &there, entry);
        match outcome {
            Ok(()) => {}
            Err(Errno::PERM | Errno::ACCESS) => {
                (entry.mode, entry.mtime) = (there.st_mode & 0o7777, mtime(&there));
                entry.notes.push(
                    "mode and time are those of the folder that was there, which is another's"
                        .to_owned(),
                );
            }
            Err(errno) => return Err(refused(errno)),
        }
    }
    Ok(())
}

fn settle_one(
    folder: impl AsFd,
    name: &[u8],
    there: &Stat,
    entry: &mut Entry,
) -> Result<(), Errno> {
    if there.st_mode & 0o7777 != entry.mode {
        rustix::fs::chmodat(&folder, name, Mode::from_raw_mode(entry.mode), AtFlags::empty())?;
        let now = lstat(&folder, name)?.st_mode & 0o7777;
        if now != entry.mode {
            entry
                .notes
                .push(format!("the destination made mode {:04o} of {:04o}", now, entry.mode));
            entry.mode = now;
        }
    }
    if mtime(there) != entry.mtime {
        rustix::fs::utimensat(&folder, name, &times(entry.mtime), AtFlags::SYMLINK_NOFOLLOW)?;
        entry.accept_time(mtime(&lstat(&folder, name)?));
    }
    Ok(())
}
