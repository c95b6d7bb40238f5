//! Walking a home: every entry is looked at once, and nothing is followed.

use std::cmp::Ordering as Order;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fs::{FileType, Stat};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use super::entry::{Below, Class, Entry, Kind, Skip};
use super::error::Error;
use super::meter::Meter;
use super::path::{is_within, join};
use super::pool::{Pool, Queue};
use super::rules::Rules;
use super::sorter::Record;
use super::tree::{Named, Tree, file_type, lstat, more_names};

/// Names of one directory that one thread looks at; a larger directory is shared out.
const SHARE: usize = 256;

/// The same where each look takes a millisecond.
const SLOW_SHARE: usize = 16;

/// An entry with what only the walk and the copy need of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Found {
    pub(super) entry: Entry,
    /// Device and inode.
    pub(super) inode: (u64, u64),
    /// How many names the inode has.
    pub(super) links: u64,
    /// Bytes as allocated.
    pub(super) allocated: u64,
    /// The user who owns it.
    pub(super) owner: u32,
    /// What an earlier pass had here.
    pub(super) before: Option<Box<Entry>>,
}

impl Found {
    fn of(path: &[u8], stat: &Stat) -> Self {
        Self {
            entry: Entry::of(path, stat),
            inode: (stat.st_dev, stat.st_ino),
            links: stat.st_nlink,
            allocated: u64::try_from(stat.st_blocks).unwrap_or_default() * 512,
            owner: stat.st_uid,
            before: None,
        }
    }

    fn unseen(path: &[u8], kind: Kind, skip: Skip) -> Self {
        let entry = Entry::new(path, kind).skipped(skip);
        Self { entry, inode: (0, 0), links: 1, allocated: 0, owner: 0, before: None }
    }

    /// Compares places in a manifest.
    pub(super) fn by_path(one: &Self, other: &Self) -> Order {
        Entry::by_path(&one.entry, &other.entry)
    }

    /// Compares so that names of one file stand together, the first name first.
    pub(super) fn by_inode(one: &Self, other: &Self) -> Order {
        one.inode.cmp(&other.inode).then_with(|| Self::by_path(one, other))
    }

    /// Tells whether this is a file that has, or had, another name too.
    pub(super) fn has_names(&self) -> bool {
        self.links > 1 && self.entry.kind == Kind::File
    }
}

impl Record for Found {
    fn weight(&self) -> usize {
        let before = self.before.as_ref().map_or(0, |before| before.weight());
        size_of::<Self>() - size_of::<Entry>() + self.entry.weight() + before
    }
}

/// A folder that is not copied, and counts of what lies below it.
#[derive(Debug)]
struct Tally {
    found: Found,
    files: AtomicU64,
    directories: AtomicU64,
    bytes: AtomicU64,
}

impl Tally {
    fn of(found: Found) -> Arc<Self> {
        let (files, directories, bytes) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
        Arc::new(Self { found, files, directories, bytes })
    }

    fn count(&self, entry: &Entry) {
        if entry.kind == Kind::Directory {
            self.directories.fetch_add(1, Ordering::Relaxed);
        } else {
            self.files.fetch_add(1, Ordering::Relaxed);
            self.bytes.fetch_add(entry.size, Ordering::Relaxed);
        }
    }

    fn finish(self) -> Found {
        let below = Below {
            files: self.files.into_inner(),
            directories: self.directories.into_inner(),
            bytes: self.bytes.into_inner(),
        };
        let mut found = self.found;
        if let Some(skip) = &mut found.entry.skip {
            skip.below = Some(below);
        }
        found
    }
}

/// A folder that a piece of the walk belongs to.
#[derive(Clone)]
struct Place {
    path: Arc<[u8]>,
    tally: Option<Arc<Tally>>,
}

/// A piece of the walk. The queue takes the last first, so that the walk goes deep before it goes wide, and what waits does
/// not grow with the home.
enum Piece {
    /// A directory to list; why it is not copied, if a rule says so.
    Folder { path: Vec<u8>, skip: Option<Skip>, tally: Option<Arc<Tally>> },
    /// A directory that is listed in part, with its own entry.
    Rest { place: Place, listing: OwnedFd, own: Option<Box<Found>> },
    /// Names of a directory to look at.
    Names { place: Place, names: Vec<Named> },
}

/// What one thread of a walk has.
#[derive(Default)]
struct Hand<V> {
    visited: V,
    buffer: Vec<u8>,
}

/// What is done with each entry, by the thread that found it.
type Visit<'a, V> = &'a (dyn Fn(&mut V, Found) -> Result<(), Error> + Sync);

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
    /// Visits everything that there is, in no order, and returns what the threads made of it.
    pub(super) fn run<V: Default + Send>(&self, visit: Visit<'_, V>) -> Result<Vec<V>, Error> {
        let root = Piece::Folder { path: Vec::new(), skip: None, tally: None };
        let walking = Walking { walk: self, visit };
        let hands = self.pool.run(vec![root], |hand: &mut Hand<V>, piece, queue| match piece {
            Piece::Folder { path, skip, tally } => walking.folder(hand, path, skip, tally, queue),
            Piece::Rest { place, listing, own } => walking.list(hand, place, listing, own, queue),
            Piece::Names { place, names } => {
                let folder = self.tree.place(&place.path);
                walking.names(hand, &place, folder.as_ref().map(AsFd::as_fd), names, queue)?;
                walking.end(hand, place.tally)
            }
        })?;
        Ok(hands.into_iter().map(|hand| hand.visited).collect())
    }

    /// Tells why an entry is not copied, whatever it is.
    fn judge(&self, path: &[u8], is_folder: bool) -> Option<Skip> {
        if self.reserved.iter().any(|kept| is_within(path, kept)) {
            return Some(Skip::new(
                Class::Unstorable,
                "this path is kept for the migration itself",
            ));
        }
        let rule = self.rules.find(path, is_folder)?;
        Some(Skip::new(Class::Excluded, format!("{} (rule `{}`)", rule.reason, rule.pattern)))
    }
}

/// A walk with what is done on the way.
struct Walking<'a, V> {
    walk: &'a Walk<'a>,
    visit: Visit<'a, V>,
}

impl<V> Walking<'_, V> {
    /// Opens a directory, looks at it, and lists it.
    fn folder(
        &self,
        hand: &mut Hand<V>,
        path: Vec<u8>,
        skip: Option<Skip>,
        tally: Option<Arc<Tally>>,
        queue: &Queue<'_, Piece>,
    ) -> Result<(), Error> {
        let Walk { tree, pool, meter, .. } = self.walk;
        meter.tick(&path)?;
        let opened = pool.timed(|| tree.listing(&path));
        let listing = match opened {
            Ok(listing) => listing,
            Err(errno) if path.is_empty() => return Err(Error::io("cannot list", b"", errno)),
            Err(errno) => {
                let unlisted = unread(errno, "the folder cannot be listed");
                let mut found = match tree.stat(&path) {
                    Ok(stat) => Found::of(&path, &stat),
                    Err(_) => Found::unseen(&path, Kind::Directory, unlisted.clone()),
                };
                let skip = skip.map(|skip| Skip {
                    why: format!("{}; what lies below could not be counted", skip.why),
                    ..skip
                });
                found.entry.skip = Some(Box::new(skip.unwrap_or(unlisted)));
                return self.one(hand, found, tally);
            }
        };
        let mut own = None;
        let mut place = Place { path: path.as_slice().into(), tally };
        if !path.is_empty() {
            let stat = rustix::fs::fstat(&listing);
            let mut found = match stat {
                Ok(stat) => Found::of(&path, &stat),
                Err(errno) => {
                    let unseen = unread(errno, "it cannot be looked at");
                    return self.one(
                        hand,
                        Found::unseen(&path, Kind::Directory, unseen),
                        place.tally,
                    );
                }
            };
            match (&place.tally, skip) {
                (Some(tally), _) => tally.count(&found.entry),
                (None, Some(skip)) => {
                    found.entry.skip = Some(Box::new(skip));
                    place.tally = Some(Tally::of(found));
                }
                (None, None) => own = Some(Box::new(found)),
            }
        }
        self.list(hand, place, listing, own, queue)
    }

    /// Lists what there is, or as much as one thread should at a time.
    fn list(
        &self,
        hand: &mut Hand<V>,
        place: Place,
        listing: OwnedFd,
        own: Option<Box<Found>>,
        queue: &Queue<'_, Piece>,
    ) -> Result<(), Error> {
        let pool = self.walk.pool;
        let mut names = Vec::new();
        let (is_over, failed) =
            match pool.timed(|| more_names(&listing, &mut hand.buffer, &mut names)) {
                Ok(is_over) => (is_over, None),
                Err(errno) if place.path.is_empty() => {
                    return Err(Error::io("cannot list", b"", errno));
                }
                Err(errno) => (true, Some(unread(errno, "the folder cannot be listed"))),
            };
        let share = if pool.is_slow() { SLOW_SHARE } else { SHARE };
        let mut first = names.split_off(names.len().saturating_sub(share));
        let mut pieces = Vec::new();
        let at = if is_over {
            if let Some(mut own) = own {
                own.entry.skip = failed.map(Box::new);
                (self.visit)(&mut hand.visited, *own)?;
            }
            Ok(listing)
        } else {
            let at = listing.try_clone().map_err(|_| Errno::MFILE);
            pieces.push(Piece::Rest { place: place.clone(), listing, own });
            at
        };
        while !names.is_empty() {
            let names = names.split_off(names.len().saturating_sub(share));
            pieces.push(Piece::Names { place: place.clone(), names });
        }
        queue.add(pieces);
        first.reverse();
        self.names(hand, &place, at.as_ref().map(AsFd::as_fd), first, queue)?;
        self.end(hand, place.tally)
    }

    /// Looks at names of one directory, but has directories looked at when they are listed.
    fn names(
        &self,
        hand: &mut Hand<V>,
        place: &Place,
        at: Result<BorrowedFd<'_>, &Errno>,
        names: Vec<Named>,
        queue: &Queue<'_, Piece>,
    ) -> Result<(), Error> {
        let (folders, others): (Vec<Named>, Vec<Named>) =
            names.into_iter().partition(|(_, hint)| *hint == FileType::Directory);
        queue.add(folders.into_iter().map(|(name, _)| self.piece(place, join(&place.path, &name))));
        for (name, hint) in others {
            let path = join(&place.path, &name);
            self.walk.meter.tick(&path)?;
            let stat = match at {
                Ok(at) => self.walk.pool.timed(|| lstat(at, &name)),
                Err(errno) => Err(*errno),
            };
            let found = match stat {
                Ok(stat) if file_type(&stat) == FileType::Directory => {
                    queue.add([self.piece(place, path)]);
                    continue;
                }
                Ok(stat) => Found::of(&path, &stat),
                Err(errno) => {
                    Found::unseen(&path, Kind::from(hint), unread(errno, "it cannot be looked at"))
                }
            };
            if let Some(tally) = &place.tally {
                tally.count(&found.entry);
                continue;
            }
            let found = self.other(found, at.ok(), &name);
            if found.entry.kind == Kind::File {
                self.walk.meter.file(&path)?;
            }
            (self.visit)(&mut hand.visited, found)?;
        }
        Ok(())
    }

    fn piece(&self, place: &Place, path: Vec<u8>) -> Piece {
        let skip = if place.tally.is_some() { None } else { self.walk.judge(&path, true) };
        Piece::Folder { path, skip, tally: place.tally.clone() }
    }

    /// Decides whether an entry that is no directory is copied, and reads what a link holds.
    fn other(&self, mut found: Found, at: Option<BorrowedFd<'_>>, name: &[u8]) -> Found {
        // A rule speaks before the walk does: what is left out need not be readable.
        if let Some(skip) = self.walk.judge(&found.entry.path, false) {
            found.entry.skip = Some(Box::new(skip));
            return found;
        }
        if !found.entry.is_selected() {
            return found;
        }
        match (found.entry.kind, at) {
            (Kind::Symlink, Some(at)) => match rustix::fs::readlinkat(at, name, Vec::new()) {
                Ok(target) => found.entry.target = Some(target.into_bytes().into()),
                Err(errno) => {
                    found.entry.skip = Some(Box::new(unread(errno, "the link cannot be read")));
                }
            },
            (Kind::Special, at) => {
                found.entry.skip = Some(Box::new(Skip::new(Class::Special, special(at, name))));
            }
            _ => {}
        }
        found
    }

    /// Visits an entry that stands for itself, or counts it for the folder that is left out.
    fn one(
        &self,
        hand: &mut Hand<V>,
        found: Found,
        tally: Option<Arc<Tally>>,
    ) -> Result<(), Error> {
        match tally {
            Some(tally) => {
                tally.count(&found.entry);
                self.end(hand, Some(tally))
            }
            None => (self.visit)(&mut hand.visited, found),
        }
    }

    /// Ends a piece: whoever is the last below a folder that is left out visits that folder.
    fn end(&self, hand: &mut Hand<V>, tally: Option<Arc<Tally>>) -> Result<(), Error> {
        match tally.and_then(Arc::into_inner) {
            Some(tally) => (self.visit)(&mut hand.visited, tally.finish()),
            None => Ok(()),
        }
    }
}

fn special(place: Option<BorrowedFd<'_>>, name: &[u8]) -> &'static str {
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
