//! Folders: made before anything goes into them, and given their modes and times when nothing more does.

use std::collections::HashMap;
use std::os::fd::AsFd;
use std::sync::{PoisonError, RwLock};

use rustix::fs::{AtFlags, FileType, Mode, Stat};
use rustix::io::Errno;

use super::decide::{Deciding, Hitch, Likeness, Verdict};
use super::entry::{Class, Entry, Skip, mtime};
use super::error::Error;
use super::meter::Meter;
use super::part;
use super::path::{join, split};
use super::place::times;
use super::pool::Pool;
use super::tree::{Tree, file_type, letting_in, lstat, lstat_if_there, names, set_folder_mode};
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

/// By folder: where it is, or the class of the reason why it is nowhere.
type Others = HashMap<Box<[u8]>, Result<Made, Class>>;

/// Where all folders are. Only those are remembered that are elsewhere than the folder above them tells, or nowhere.
#[derive(Debug)]
pub(super) struct Places {
    is_fresh: bool,
    others: RwLock<Others>,
}

impl Places {
    /// Knows nothing but whether the destination was empty before.
    pub(super) fn new(is_fresh: bool) -> Self {
        Self { is_fresh, others: RwLock::default() }
    }

    /// Returns where a folder is, or the reason for what lies in it.
    pub(super) fn of(&self, folder: &[u8]) -> Result<Made, Skip> {
        let others = self.others.read().unwrap_or_else(PoisonError::into_inner);
        let mut above = folder;
        while !others.is_empty() && !above.is_empty() {
            match others.get(above) {
                Some(Ok(made)) => {
                    let rest = folder.get(above.len() + 1..).unwrap_or_default();
                    let stored = if rest.is_empty() {
                        made.stored.clone()
                    } else {
                        join(&made.stored, rest)
                    };
                    return Ok(Made { stored, is_fresh: made.is_fresh });
                }
                Some(Err(class)) => return Err(Skip::new(*class, "its folder was not copied")),
                None => above = split(above).0,
            }
        }
        Ok(Made { stored: folder.to_vec(), is_fresh: self.is_fresh })
    }

    fn remember(&self, folder: &[u8], made: Result<Made, Class>) {
        let told = self.of(folder).map_err(|skip| skip.class);
        let is_told = match (&told, &made) {
            (Ok(told), Ok(made)) => told.stored == made.stored && told.is_fresh == made.is_fresh,
            (Err(_), Err(_)) => true,
            _ => false,
        };
        if !is_told {
            let mut others = self.others.write().unwrap_or_else(PoisonError::into_inner);
            others.insert(folder.into(), made);
        }
    }
}

/// Makes folders.
pub(super) struct Making<'a> {
    pub(super) source: &'a Tree,
    pub(super) destination: &'a Tree,
    pub(super) conflict: Conflict,
    pub(super) meter: &'a Meter<'a>,
    pub(super) places: &'a Places,
}

impl Making<'_> {
    /// Makes one folder, or finds it; its parent came before. Writes into the entry where it is, or why it is not there.
    pub(super) fn make(&self, entry: &mut Entry) -> Result<(), Error> {
        self.meter.tick(&entry.path)?;
        match self.try_make(entry) {
            Ok(made) => {
                let stored = made.stored.as_slice();
                entry.stored_as = (*stored != *entry.path).then(|| stored.into());
                self.places.remember(&entry.path, Ok(made));
            }
            Err(Hitch::End(error)) => return Err(error),
            Err(Hitch::Skip(skip)) => self.give_up(entry, skip),
            Err(Hitch::Changed(why)) => self.give_up(entry, Skip::new(Class::Changed, why)),
        }
        Ok(())
    }

    fn give_up(&self, entry: &mut Entry, skip: Skip) {
        self.places.remember(&entry.path, Err(skip.class));
        entry.skip = Some(Box::new(skip));
    }

    fn try_make(&self, entry: &Entry) -> Result<Made, Hitch> {
        let (parent, _) = split(&entry.path);
        let above = self.places.of(parent).map_err(Hitch::Skip)?;
        let is_in_home = |path: &[u8]| self.source.stat(path).is_ok();
        let made = make(self.destination, self.conflict, entry, &above, &is_in_home)?;
        if !made.is_fresh {
            let (_, name) = split(&made.stored);
            if let Ok(folder) = self.destination.place(&above.stored) {
                open_up(&folder, name);
            }
            self.clean(&made.stored, &entry.path);
        }
        Ok(made)
    }

    /// Removes what a copy that was killed left over, but nothing that the home itself has.
    pub(super) fn clean(&self, stored: &[u8], path: &[u8]) {
        clean(self.destination, stored, &|name| self.source.stat(&join(path, name)).is_ok());
    }
}

/// Makes a folder below one that is there, or finds it; `is_taken` tells whether a path is another entry's.
pub(super) fn make(
    tree: &Tree,
    conflict: Conflict,
    entry: &Entry,
    above: &Made,
    is_taken: &dyn Fn(&[u8]) -> bool,
) -> Result<Made, Hitch> {
    let (parent, name) = split(&entry.path);
    let refused = |errno| Hitch::at_destination(errno, "cannot make the folder", &entry.path);
    let folder = tree.place(&above.stored).map_err(refused)?;
    let there =
        if above.is_fresh { None } else { lstat_if_there(&folder, name).map_err(refused)? };
    let is_taken = |name: &[u8]| is_taken(&join(parent, name));
    let (folder, mtime) = (folder.as_fd(), entry.mtime);
    let deciding = Deciding { conflict, folder, name, mtime, is_taken: &is_taken };
    let verdict = deciding.decide(there.as_ref(), &mut |_, there| {
        Ok(Likeness::of(file_type(there) == FileType::Directory))
    })?;
    let (name, replaces) = match verdict {
        Verdict::Keep { name } => {
            return Ok(Made { stored: join(&above.stored, &name), is_fresh: false });
        }
        Verdict::Write { name, replaces } => (name, replaces),
    };
    if replaces {
        unlink_if_there(folder, &name).map_err(refused)?;
    }
    match letting_in(folder, || rustix::fs::mkdirat(folder, &name, Mode::RWXU)) {
        Ok(()) => Ok(Made { stored: join(&above.stored, &name), is_fresh: true }),
        Err(Errno::EXIST) => {
            Err(Hitch::skip(Class::Conflict, "something was put at its place meanwhile"))
        }
        Err(errno) => Err(refused(errno)),
    }
}

/// Removes what a run that was killed left over in a folder, but no name that has to stay.
pub(super) fn clean(tree: &Tree, stored: &[u8], stays: &dyn Fn(&[u8]) -> bool) {
    let Ok(listed) = tree.listing(stored).and_then(names) else { return };
    let mut left_over =
        listed.iter().filter(|(name, _)| part::is_left_over(name) && !stays(name)).peekable();
    // Most folders have none, and need not be opened again.
    if left_over.peek().is_none() {
        return;
    }
    let Ok(folder) = tree.place(stored) else { return };
    for (name, _) in left_over {
        // What cannot be removed is in nobody's way.
        let _left =
            letting_in(&folder, || rustix::fs::unlinkat(&folder, &**name, AtFlags::empty()));
    }
}

/// Lets its owner look into a folder; it gets its mode in the end.
fn open_up(folder: impl AsFd, name: &[u8]) {
    if let Ok(there) = lstat(&folder, name)
        && there.st_mode & 0o500 != 0o500
    {
        let mode = Mode::from_raw_mode((there.st_mode & 0o7777) | 0o700);
        // If this is refused, what goes into it says so.
        let _refused = set_folder_mode(&folder, name, mode);
    }
}

fn unlink_if_there(folder: impl AsFd, name: &[u8]) -> Result<(), Errno> {
    match letting_in(&folder, || rustix::fs::unlinkat(&folder, name, AtFlags::empty())) {
        Err(Errno::NOENT) => Ok(()),
        done => done,
    }
}

/// What is done with folders when nothing more goes into them.
pub(super) struct Finishing<'a> {
    pub(super) source: &'a Tree,
    pub(super) destination: &'a Tree,
    pub(super) pool: &'a Pool,
}

impl Finishing<'_> {
    /// Gives a folder its extended attributes, mode and time, where they differ; all that is below it came before. A look
    /// at the source tells whether names came or went in it meanwhile.
    ///
    /// A mode that the destination does not take as it is becomes the entry's, with a note.
    pub(super) fn finish(&self, entry: &mut Entry) -> Result<(), Error> {
        let from = self.pool.timed(|| self.source.listing(&entry.path));
        let now = from.as_ref().ok().and_then(|from| rustix::fs::fstat(from).ok());
        if now.is_none_or(|now| mtime(&now) != entry.mtime) {
            entry.notes.push("names came or went in it while the home was copied".to_owned());
        }
        let place = entry.place().to_vec();
        let (parent, name) = split(&place);
        let refused = |errno| Error::io("cannot set mode and time of", &place, errno);
        let folder = match self.destination.place(parent) {
            Ok(folder) => folder,
            // It was taken away meanwhile; the check will say so.
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => return Ok(()),
            Err(errno) => return Err(refused(errno)),
        };
        let Some(there) = lstat_if_there(&folder, name).map_err(refused)? else { return Ok(()) };
        if file_type(&there) != FileType::Directory {
            return Ok(());
        }
        if let Ok(from) = from {
            entry
                .notes
                .extend(xattr::copy_lazily(from.as_fd(), || self.destination.listing(&place)));
        }
        match settle(&folder, name, &there, entry) {
            // It was taken away, or became something else, meanwhile; the check will say so.
            Ok(()) | Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => Ok(()),
            Err(Errno::PERM | Errno::ACCESS) => {
                (entry.mode, entry.mtime) = (there.st_mode & 0o7777, mtime(&there));
                let note =
                    "mode and time are those of the folder that was there, which is another's";
                entry.notes.push(note.to_owned());
                Ok(())
            }
            Err(errno) => Err(refused(errno)),
        }
    }
}

/// Gives a folder the mode and the time of its entry, where they differ; what the destination makes of them goes into the entry.
pub(super) fn settle(
    folder: impl AsFd,
    name: &[u8],
    there: &Stat,
    entry: &mut Entry,
) -> Result<(), Errno> {
    if there.st_mode & 0o7777 != entry.mode {
        set_folder_mode(&folder, name, Mode::from_raw_mode(entry.mode))?;
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
