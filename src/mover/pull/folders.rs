//! Folders of what is pulled: made before anything goes into them, and given modes and times when nothing more does.

use std::collections::HashMap;
use std::os::fd::AsFd;
use std::sync::Arc;

use rustix::fs::{FileType, Stat};
use rustix::io::Errno;

use super::super::decide::Hitch;
use super::super::entry::{Class, Entry, Kind, Skip, mtime};
use super::super::error::Error;
use super::super::folders::{Made, clean, make, settle};
use super::super::path::split;
use super::super::tree::{file_type, lstat_if_there};
use super::super::xattr::{self, Xattrs};
use super::landing::Landing;

/// The mode of a folder that nothing tells the mode of.
pub(super) const MODE: u32 = 0o755;

/// All folders so far. This is what grows with a home while it is pulled: about 300 bytes a folder.
pub(super) struct Folders {
    landing: Arc<Landing>,
    /// Where each is, or why it is nowhere.
    made: HashMap<Box<[u8]>, Result<Arc<Made>, Class>>,
    known: Vec<Folder>,
}

struct Folder {
    entry: Entry,
    xattrs: Xattrs,
    /// Whether mode and time were told, and not only that there is such a folder.
    is_told: bool,
}

impl Folders {
    pub(super) fn new(landing: Arc<Landing>, is_fresh: bool) -> Self {
        let root = Ok(Arc::new(Made { stored: Vec::new(), is_fresh }));
        clean(&landing.tree, b"", &|_| false);
        Self { landing, made: HashMap::from([(Box::default(), root)]), known: Vec::new() }
    }

    /// Makes a folder, or finds it; the folders above are made if nobody told of them.
    pub(super) fn make(&mut self, entry: Entry, xattrs: Xattrs) -> Result<(), Error> {
        self.add(Folder { entry, xattrs, is_told: true })
    }

    /// Returns where a folder is, and makes it if nobody told of it; or the reason for what lies in it.
    pub(super) fn find(&mut self, folder: &[u8]) -> Result<Result<Arc<Made>, Skip>, Error> {
        if !self.made.contains_key(folder) {
            let mut entry = Entry::new(folder, Kind::Directory);
            entry.mode = MODE;
            entry.notes.push("nothing told its mode and time".to_owned());
            self.add(Folder { entry, xattrs: Xattrs::new(), is_told: false })?;
        }
        Ok(match self.made.get(folder) {
            Some(Ok(made)) => Ok(Arc::clone(made)),
            Some(Err(class)) => Err(Skip::new(*class, "its folder was not copied")),
            None => Err(Skip::new(Class::Unreadable, "its folder was not seen")),
        })
    }

    fn add(&mut self, mut folder: Folder) -> Result<(), Error> {
        let path = folder.entry.path.clone();
        if self.made.contains_key(&path) {
            return Ok(());
        }
        let (parent, _) = split(&path);
        let made = match self.find(parent)? {
            Ok(above) => self.try_make(&folder.entry, &above),
            Err(skip) => Err(Hitch::Skip(skip)),
        };
        let skip = match made {
            Ok(made) => {
                folder.entry.stored_as =
                    (*made.stored != *path).then(|| made.stored.as_slice().into());
                self.made.insert(path, Ok(Arc::new(made)));
                self.known.push(folder);
                return Ok(());
            }
            Err(Hitch::End(error)) => return Err(error),
            Err(Hitch::Skip(skip)) => skip,
            Err(Hitch::Changed(why)) => Skip::new(Class::Changed, why),
        };
        self.made.insert(path, Err(skip.class));
        self.landing.leave(&folder.entry, skip);
        Ok(())
    }

    fn try_make(&self, entry: &Entry, above: &Made) -> Result<Made, Hitch> {
        let Landing { tree, conflict, taken, .. } = &*self.landing;
        let made = make(tree, *conflict, entry, above, &|path| taken.contains(path))?;
        if !made.is_fresh {
            clean(tree, &made.stored, &|_| false);
        }
        Ok(made)
    }

    /// Takes what a folder's own object told of it.
    pub(super) fn tell(&mut self, told: HashMap<Box<[u8]>, Entry>) {
        for folder in &mut self.known {
            if let Some(told) = told.get(&folder.entry.path) {
                (folder.entry.mode, folder.entry.mtime) = (told.mode, told.mtime);
                folder.entry.notes.clone_from(&told.notes);
                folder.is_told = true;
            }
        }
    }

    /// Gives folders their modes and times, the deepest first, and notes them all.
    pub(super) fn settle(mut self) -> Result<(), Error> {
        self.known.sort_unstable_by(|one, other| other.entry.path.cmp(&one.entry.path));
        for folder in std::mem::take(&mut self.known) {
            let place = folder.entry.place().to_vec();
            let refused = |errno| Error::io("cannot set mode and time of", &place, errno);
            let (parent, name) = split(&place);
            let at = match self.landing.tree.place(parent) {
                Ok(at) => at,
                // It was taken away meanwhile; the check will say so.
                Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => {
                    self.landing.note(folder.entry);
                    continue;
                }
                Err(errno) => return Err(refused(errno)),
            };
            let there = lstat_if_there(&at, name).map_err(refused)?;
            let Some(there) = there.filter(|there| file_type(there) == FileType::Directory) else {
                self.landing.note(folder.entry);
                continue;
            };
            let is_fresh = self
                .made
                .get(&folder.entry.path)
                .is_some_and(|made| made.as_ref().is_ok_and(|made| made.is_fresh));
            let entry = self.settled(folder, is_fresh, &at, name, &there).map_err(refused)?;
            self.landing.note(entry);
        }
        Ok(())
    }
}

impl Folders {
    fn settled(
        &self,
        folder: Folder,
        is_fresh: bool,
        at: impl AsFd,
        name: &[u8],
        there: &Stat,
    ) -> Result<Entry, Errno> {
        let Folder { mut entry, xattrs, is_told } = folder;
        if !xattrs.is_empty()
            && let Ok(open) = self.landing.tree.listing(entry.place())
        {
            entry.notes.extend(xattr::write(open.as_fd(), &xattrs));
        }
        if !is_told && !is_fresh {
            // It was there before, and nobody told how it should be.
            (entry.mode, entry.mtime) = (there.st_mode & 0o7777, mtime(there));
            return Ok(entry);
        }
        if !is_told {
            entry.mtime = mtime(there);
        }
        match settle(&at, name, there, &mut entry) {
            // It was taken away, or became something else, meanwhile; the check will say so.
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => Ok(entry),
            Err(Errno::PERM | Errno::ACCESS) => {
                (entry.mode, entry.mtime) = (there.st_mode & 0o7777, mtime(there));
                entry.notes.push(
                    "mode and time are those of the folder that was there, which is another's"
                        .to_owned(),
                );
                Ok(entry)
            }
            done => done.map(|()| entry),
        }
    }
}
