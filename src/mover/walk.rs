//! Walking a home: every entry is looked at once, and nothing is followed.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fs::{FileType, Stat};
use rustix::io::Errno;

use super::entry::{Below, Class, Entry, Kind, Skip};
use super::error::Error;
use super::meter::Meter;
use super::path::{is_within, join};
use super::pool::{Pool, Queue};
use super::rules::Rules;
use super::tree::{Tree, file_type, lstat, names};

/// Names of one directory that one thread looks at; a larger directory is shared out.
const SHARE: usize = 256;

/// An entry with what only the walk and the copy need of it.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) entry: Entry,
    /// Device and inode.
    pub(super) inode: (u64, u64),
    /// How many names the inode has.
    pub(super) links: u64,
    /// Bytes as allocated.
    pub(super) allocated: u64,
    below: Option<Arc<Tally>>,
}

impl Found {
    fn of(path: &[u8], stat: &Stat) -> Self {
        Self {
            entry: Entry::of(path, stat),
            inode: (stat.st_dev, stat.st_ino),
            links: stat.st_nlink,
            allocated: u64::try_from(stat.st_blocks).unwrap_or_default() * 512,
            below: None,
        }
    }

    fn unseen(path: &[u8], kind: Kind, skip: Skip) -> Self {
        let entry = Entry::new(path, kind).skipped(skip);
        Self { entry, inode: (0, 0), links: 1, allocated: 0, below: None }
    }
}

/// Counts what lies below a folder that is not copied.
#[derive(Debug, Default)]
struct Tally {
    files: AtomicU64,
    directories: AtomicU64,
    bytes: AtomicU64,
}

impl Tally {
    fn count(&self, entry: &Entry) {
        if entry.kind == Kind::Directory {
            self.directories.fetch_add(1, Ordering::Relaxed);
        } else {
            self.files.fetch_add(1, Ordering::Relaxed);
            self.bytes.fetch_add(entry.size, Ordering::Relaxed);
        }
    }

    fn below(&self) -> Below {
        Below {
            files: self.files.load(Ordering::Relaxed),
            directories: self.directories.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
        }
    }
}

/// A piece of the walk.
enum Piece {
    /// A directory to list, with its own entry, which is none for the root.
    Folder { path: Vec<u8>, found: Option<Box<Found>>, tally: Option<Arc<Tally>> },
    /// Names of a directory to look at.
    Names { folder: Arc<[u8]>, names: Vec<(Box<[u8]>, FileType)>, tally: Option<Arc<Tally>> },
}

/// What to walk, and how.
pub(super) struct Walk<'a> {
    pub(super) tree: &'a Tree,
    pub(super) rules: &'a Rules,
    /// Paths that the destination keeps for itself.
    pub(super) reserved: &'a [Vec<u8>],
    pub(super) pool: &'a Pool,
    pub(super) meter: &'a Meter<'a>,
}

impl Walk<'_> {
    /// Returns everything that there is, in byte order of paths.
    pub(super) fn run(&self) -> Result<Vec<Found>, Error> {
        let root = Piece::Folder { path: Vec::new(), found: None, tally: None };
        let parts =
            self.pool.run(vec![root], |found: &mut Vec<Found>, piece, queue| match piece {
                Piece::Folder { path, found: own, tally } => {
                    self.folder(found, path, own, tally, queue)
                }
                Piece::Names { folder, names, tally } => {
                    self.names(found, &folder, names, tally.as_ref(), queue)
                }
            })?;
        let mut all: Vec<Found> = parts.into_iter().flatten().collect();
        all.sort_unstable_by(|one, other| one.entry.path.cmp(&other.entry.path));
        for found in &mut all {
            if let (Some(skip), Some(tally)) = (&mut found.entry.skip, found.below.take()) {
                skip.below = Some(tally.below());
            }
        }
        Ok(all)
    }

    fn folder(
        &self,
        all: &mut Vec<Found>,
        path: Vec<u8>,
        own: Option<Box<Found>>,
        tally: Option<Arc<Tally>>,
        queue: &Queue<Piece>,
    ) -> Result<(), Error> {
        let listed = self.pool.timed(|| self.tree.listing(&path)).and_then(names);
        match (listed, own) {
            (Ok(mut names), own) => {
                all.extend(own.map(|own| *own));
                let folder: Arc<[u8]> = path.into();
                let mut pieces = Vec::new();
                while !names.is_empty() {
                    let share = names.split_off(names.len().saturating_sub(SHARE));
                    pieces.push(Piece::Names {
                        folder: Arc::clone(&folder),
                        names: share,
                        tally: tally.clone(),
                    });
                }
                queue.add(pieces);
            }
            (Err(errno), None) => return Err(Error::io("cannot list", &path, errno)),
            (Err(errno), Some(mut own)) => {
                if own.entry.skip.is_none() {
                    own.entry = own.entry.skipped(unread(errno, "the folder cannot be listed"));
                }
                all.push(*own);
            }
        }
        Ok(())
    }

    fn names(
        &self,
        all: &mut Vec<Found>,
        folder: &[u8],
        names: Vec<(Box<[u8]>, FileType)>,
        tally: Option<&Arc<Tally>>,
        queue: &Queue<Piece>,
    ) -> Result<(), Error> {
        let place = self.tree.place(folder);
        let mut folders = Vec::new();
        for (name, hint) in names {
            let path = join(folder, &name);
            self.meter.tick(&path)?;
            let stat = match &place {
                Ok(place) => self.pool.timed(|| lstat(place, &name)),
                Err(errno) => Err(*errno),
            };
            let mut found = match stat {
                Ok(stat) => Found::of(&path, &stat),
                Err(errno) => {
                    Found::unseen(&path, Kind::from(hint), unread(errno, "it cannot be looked at"))
                }
            };
            if let Some(tally) = tally {
                tally.count(&found.entry);
                if found.entry.kind == Kind::Directory && found.entry.is_selected() {
                    folders.push(Piece::Folder {
                        path,
                        found: None,
                        tally: Some(Arc::clone(tally)),
                    });
                }
                continue;
            }
            self.judge(&mut found, place.as_ref().ok(), &name)?;
            if found.entry.kind == Kind::File {
                self.meter.file(&path)?;
            }
            let is_walked = found.entry.is_selected() || found.below.is_some();
            if found.entry.kind == Kind::Directory && is_walked {
                let tally = found.below.clone();
                folders.push(Piece::Folder { path, found: Some(Box::new(found)), tally });
            } else {
                all.push(found);
            }
        }
        queue.add(folders);
        Ok(())
    }

    /// Decides whether an entry is copied, and reads what a link holds.
    fn judge(
        &self,
        found: &mut Found,
        place: Option<&rustix::fd::OwnedFd>,
        name: &[u8],
    ) -> Result<(), Error> {
        let is_folder = found.entry.kind == Kind::Directory;
        let is_reserved = self.reserved.iter().any(|kept| is_within(&found.entry.path, kept));
        let skip = if is_reserved {
            Some(Skip::new(Class::Unstorable, "this path is kept for the migration itself"))
        } else {
            let rule = self.rules.find(&found.entry.path, is_folder);
            rule.map(|rule| {
                Skip::new(Class::Excluded, format!("{} (rule `{}`)", rule.reason, rule.pattern))
            })
        };
        if let Some(skip) = skip {
            // A rule speaks before the walk does: what is left out need not be readable.
            let is_listable = is_folder && found.entry.is_selected();
            found.entry.skip = Some(Box::new(skip));
            found.below = is_listable.then(Arc::default);
            return Ok(());
        }
        if let (Kind::Symlink, true, Some(place)) =
            (found.entry.kind, found.entry.is_selected(), place)
        {
            match rustix::fs::readlinkat(place, name, Vec::new()) {
                Ok(target) => found.entry.target = Some(target.into_bytes().into()),
                Err(errno) => {
                    found.entry.skip = Some(Box::new(unread(errno, "the link cannot be read")))
                }
            }
        }
        if found.entry.kind == Kind::Special && found.entry.is_selected() {
            found.entry.skip = Some(Box::new(Skip::new(Class::Special, special(place, name))));
        }
        Ok(())
    }
}

fn special(place: Option<&rustix::fd::OwnedFd>, name: &[u8]) -> &'static str {
    let stat = place.and_then(|place| lstat(place, name).ok());
    match stat.map(|stat| file_type(&stat)) {
        Some(FileType::Fifo) => "it is a FIFO",
        Some(FileType::Socket) => "it is a socket",
        Some(FileType::CharacterDevice) => "it is a character device",
        Some(FileType::BlockDevice) => "it is a block device",
        _ => "it is no file, folder or link",
    }
}

/// Says why something could not be read.
pub(super) fn unread(errno: Errno, what: &str) -> Skip {
    match errno {
        Errno::NOENT => Skip::new(Class::Changed, "it vanished while the home was read"),
        Errno::LOOP | Errno::NOTDIR => {
            Skip::new(Class::Changed, "it became something else while the home was read")
        }
        errno => Skip::new(Class::Unreadable, format!("{what}: {}", std::io::Error::from(errno))),
    }
}
