//! Reading the destination anew, and comparing it with what was read at the source.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, PoisonError};

use rustix::fs::{Advice, FileType, Stat};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use super::digest::Summing;
use super::entry::{Entry, Kind, mtime, size};
use super::error::Error;
use super::lift::open_own;
use super::meter::Meter;
use super::path::{escape, split};
use super::place::open;
use super::pool::Pool;
use super::pour::{Pour, Spill};
use super::sorter::{Record, Sorter};
use super::ticket::{Phase, Progress, Totals};
use super::tree::{Tree, file_type, lstat};

/// Differences that are named; all are counted.
const NAMED: usize = 200;

/// The words for what is not there.
pub(super) const MISSING: &str = "it is missing";

/// Entries that one thread takes at once.
const BATCH: usize = 32;

/// Files with several names whose hash is remembered; more are read once a name.
const REMEMBERED: usize = 65_536;

/// What the destination holds of the selected entries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verified {
    /// Summed up as they were found; equal to the source's when everything is the same.
    pub totals: Totals,
    /// How many entries differ or are missing.
    pub differing: u64,
    /// The first 200 of them: escaped path at the destination, and what differs.
    pub differences: Vec<(String, String)>,
}

impl Verified {
    /// Takes note of one entry, in the order of a manifest.
    pub(super) fn note(&mut self, checked: &Checked, found: &mut Summing) {
        let entry = &checked.entry;
        if !entry.is_selected() {
            return;
        }
        match &checked.difference {
            None => found.add(entry),
            Some(Difference { found: there, words }) => {
                there.iter().for_each(|there| found.add(there));
                self.name(entry.place(), words);
            }
        }
    }

    /// Counts a difference, and names it if it is among the first.
    pub(super) fn name(&mut self, path: &[u8], words: &str) {
        self.differing += 1;
        if self.differences.len() < NAMED {
            self.differences.push((escape(path), words.to_owned()));
        }
    }
}

/// How much of a destination is read.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Share {
    /// Every byte.
    #[default]
    All,
    /// Of every entry kind, mode, time and size; of so many files in a hundred, 0 to 100, what is in them too. Which ones
    /// those are depends on their paths alone.
    Percent(f64),
}

impl Share {
    /// Tells whether what is in a file is read.
    fn takes(self, path: &[u8]) -> bool {
        let Self::Percent(percent) = self else { return true };
        let hash = blake3::hash(path);
        let mut number = [0; 4];
        number.copy_from_slice(&hash.as_bytes()[..4]);
        f64::from(u32::from_le_bytes(number)) < percent / 100.0 * (f64::from(u32::MAX) + 1.0)
    }
}

/// Reads every selected entry back from the destination. Nothing is written.
///
/// The entries are a manifest's, in its order. File contents are read from the volume and not from memory, where the system
/// lets its cache go. A file that is not read counts with the hash that it should have.
///
/// # Errors
/// [`Error::Stopped`], those of the entries, and [`Error::Io`] when the destination as such cannot be read. What differs is no
/// error.
pub fn verify(
    destination: &Path,
    entries: impl Iterator<Item = Result<Entry, Error>> + Send,
    share: Share,
    progress: &(dyn Fn(&Progress) + Sync),
    stop: &AtomicBool,
) -> Result<Verified, Error> {
    let tree = Tree::open(destination)?;
    let (pool, meter) = (Pool::new(None), Meter::new(progress, stop));
    meter.begin(Phase::Verifying, 0, 0);
    let checked = Sorter::new(Checked::by_path);
    Reading::of(&tree, &pool, &meter).sharing(share).check_all(entries, &checked)?;
    let (mut verified, mut found) = (Verified::default(), Summing::default());
    for checked in checked.sorted()? {
        verified.note(&checked?, &mut found);
    }
    meter.begin(Phase::Finished, 0, 0);
    Ok(Verified { totals: found.totals(), ..verified })
}

/// What was found at an entry's place, where it is not what it should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Difference {
    /// What is there, if it can be told.
    found: Option<Entry>,
    words: String,
}

/// An entry, and how it differs at the destination.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Checked {
    pub(super) entry: Entry,
    difference: Option<Difference>,
}

impl Checked {
    /// An entry that is not looked at.
    pub(super) fn unread(entry: Entry) -> Self {
        Self { entry, difference: None }
    }

    pub(super) fn is_same(&self) -> bool {
        self.difference.is_none()
    }

    /// What is there instead, if that can be told.
    pub(super) fn found(&self) -> Option<&Entry> {
        self.difference.as_ref()?.found.as_ref()
    }

    /// In which way it is not as it should be, in words; empty when it is.
    pub(super) fn words(&self) -> &str {
        self.difference.as_ref().map_or("", |difference| difference.words.as_str())
    }

    pub(super) fn by_path(one: &Self, other: &Self) -> Ordering {
        Entry::by_path(&one.entry, &other.entry)
    }
}

impl Record for Checked {
    fn weight(&self) -> usize {
        let found = self.difference.as_ref().and_then(|difference| difference.found.as_ref());
        self.entry.weight() + found.map_or(0, Record::weight) + size_of::<Option<Difference>>()
    }
}

/// What one thread has at hand.
#[derive(Debug, Default)]
pub(super) struct Hand {
    buffer: Vec<u8>,
    /// The folder that was looked into last.
    place: Option<(Vec<u8>, OwnedFd)>,
}

/// Looks at entries at their places.
pub(super) struct Reading<'a> {
    tree: &'a Tree,
    meter: &'a Meter<'a>,
    pool: &'a Pool,
    share: Share,
    /// Whether files of our own that may not even be read by their owner are read all the same.
    lifts: bool,
    /// Content hashes by device and inode, of files with several names.
    hashes: Mutex<HashMap<(u64, u64), [u8; 32]>>,
}

impl<'a> Reading<'a> {
    pub(super) fn of(tree: &'a Tree, pool: &'a Pool, meter: &'a Meter<'a>) -> Self {
        Self { tree, meter, pool, share: Share::All, lifts: false, hashes: Mutex::default() }
    }

    /// Reads files without a read bit for their owner, too, by giving them one for a moment. For what we have just written.
    pub(super) fn lifting(self) -> Self {
        Self { lifts: true, ..self }
    }

    /// Reads only so much.
    pub(super) fn sharing(self, share: Share) -> Self {
        Self { share, ..self }
    }

    /// Looks at all selected entries, in no order.
    pub(super) fn check_all(
        &self,
        entries: impl Iterator<Item = Result<Entry, Error>> + Send,
        checked: &Sorter<Checked>,
    ) -> Result<(), Error> {
        self.pool.feed(&mut batches(entries), |hand: &mut Hand, batch| {
            let looked = batch.into_iter().map(|entry| self.check(entry, hand));
            checked.add(looked.collect::<Result<Vec<_>, Error>>()?)
        })?;
        Ok(())
    }

    /// Compares one entry with what is at its place.
    pub(super) fn check(&self, entry: Entry, hand: &mut Hand) -> Result<Checked, Error> {
        if !entry.is_selected() {
            return Ok(Checked::unread(entry));
        }
        let failed = |words: String| Some(Difference { found: None, words });
        let difference = match self.find(&entry, hand) {
            Ok(found) => differences(&entry, &found).map(|words| Difference {
                words: format!("its {words} differs"),
                found: Some(found),
            }),
            Err(Spill::Read(Errno::NOENT)) => failed(MISSING.to_owned()),
            Err(Spill::Read(errno) | Spill::Write(errno)) => {
                failed(format!("it cannot be read back: {}", std::io::Error::from(errno)))
            }
            Err(Spill::End(error)) => return Err(error),
        };
        if entry.kind == Kind::File {
            self.meter.file(entry.place())?;
        } else {
            self.meter.tick(entry.place())?;
        }
        Ok(Checked { entry, difference })
    }

    /// Looks at what is at an entry's place, and reads it.
    pub(super) fn find(&self, entry: &Entry, hand: &mut Hand) -> Result<Entry, Spill> {
        let (folder, name) = split(entry.place());
        if hand.place.as_ref().is_none_or(|(place, _)| place != folder) {
            let opened = self.pool.timed(|| self.tree.place(folder)).map_err(Spill::Read)?;
            hand.place = Some((folder.to_vec(), opened));
        }
        let Hand { buffer, place: Some((_, place)) } = hand else {
            return Err(Spill::Read(Errno::NOENT));
        };
        if entry.kind == Kind::File {
            let opened = self.pool.timed(|| match self.lifts {
                true => open_own(place.as_fd(), name),
                false => open(place.as_fd(), name),
            });
            match opened {
                Ok(file) => return self.read(&file, entry, buffer),
                // It may be a link, or may not be read, and can be looked at all the same.
                Err(Errno::LOOP | Errno::NXIO) => {}
                Err(errno) => return Err(Spill::Read(errno)),
            }
        }
        let stat = self.pool.timed(|| lstat(&place, name)).map_err(Spill::Read)?;
        let mut found = Entry::of(&entry.path, &stat);
        if found.kind == Kind::Symlink {
            let target = rustix::fs::readlinkat(&place, name, Vec::new()).map_err(Spill::Read)?;
            found.target = Some(target.into_bytes().into());
        }
        Ok(found)
    }

    /// Reads what is open at the place of a file.
    fn read(&self, file: &OwnedFd, entry: &Entry, buffer: &mut Vec<u8>) -> Result<Entry, Spill> {
        let stat = rustix::fs::fstat(file).map_err(Spill::Read)?;
        let mut found = Entry::of(&entry.path, &stat);
        if file_type(&stat) == FileType::RegularFile {
            found.hash = match self.share.takes(&entry.path) {
                true => Some(self.hash(file.as_fd(), &stat, entry.place(), buffer)?),
                false => entry.hash,
            };
        }
        Ok(found)
    }

    fn hash(
        &self,
        file: BorrowedFd<'_>,
        stat: &Stat,
        path: &[u8],
        buffer: &mut Vec<u8>,
    ) -> Result<[u8; 32], Spill> {
        let inode = (stat.st_dev, stat.st_ino);
        let hashes = || self.hashes.lock().unwrap_or_else(PoisonError::into_inner);
        if stat.st_nlink > 1
            && let Some(hash) = hashes().get(&inode)
        {
            self.meter.bytes(size(stat), path)?;
            return Ok(*hash);
        }
        // What was just written shall come from the volume; where the system keeps its cache, nothing is lost.
        let _kept = rustix::fs::fadvise(file, 0, None, Advice::DontNeed);
        let allocated = u64::try_from(stat.st_blocks).unwrap_or_default() * 512;
        let pour = Pour {
            from: file,
            into: None,
            size: size(stat),
            is_sparse: allocated < size(stat),
            meter: self.meter,
            counts: true,
            path,
            pool: Some(self.pool),
        };
        let hash = pour.run(buffer)?.hash;
        let after = rustix::fs::fstat(file).map_err(Spill::Read)?;
        if (mtime(&after), size(&after)) != (mtime(stat), size(stat)) {
            return Err(Spill::Read(Errno::AGAIN));
        }
        if stat.st_nlink > 1 {
            let mut hashes = hashes();
            if hashes.len() >= REMEMBERED {
                hashes.clear();
            }
            hashes.insert(inode, hash);
        }
        Ok(hash)
    }
}

/// Shares entries out, as many at once as one thread takes.
pub(super) fn batches(
    entries: impl Iterator<Item = Result<Entry, Error>>,
) -> impl Iterator<Item = Result<Vec<Entry>, Error>> {
    let mut entries = entries.peekable();
    std::iter::from_fn(move || {
        entries.peek()?;
        Some(entries.by_ref().take(BATCH).collect())
    })
}

/// Returns in which ways two entries differ, in words.
pub(super) fn differences(one: &Entry, other: &Entry) -> Option<String> {
    let differs = [
        (one.kind != other.kind, "kind"),
        (one.mode != other.mode, "mode"),
        (one.mtime != other.mtime, "time"),
        (one.size != other.size, "size"),
        (one.hash != other.hash, "content"),
        (one.target != other.target, "target"),
    ];
    let words: Vec<&str> =
        differs.iter().filter(|(differs, _)| *differs).map(|(_, word)| *word).collect();
    (!words.is_empty()).then(|| words.join(", "))
}
