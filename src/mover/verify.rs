//! Reading the destination anew, and comparing it with what was read at the source.

use std::collections::{BTreeMap, HashMap};
use std::os::fd::AsFd;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, PoisonError};

use rustix::fs::{Advice, Stat};
use rustix::io::Errno;

use super::digest::Summing;
use super::entry::{Entry, Kind, mtime, size};
use super::error::Error;
use super::folders;
use super::meter::Meter;
use super::path::{escape, split};
use super::place::open;
use super::pool::Pool;
use super::pour::{Pour, Spill};
use super::ticket::{Phase, Progress, Totals};
use super::tree::{Tree, lstat};

/// Differences that are named; all are counted.
const NAMED: usize = 200;

/// Entries that one thread takes at once.
const BATCH: usize = 32;

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

/// Reads every selected entry back from the destination. Nothing is written.
///
/// The entries are a manifest's, in its order. File contents are read from the volume and not from memory, where the system
/// lets its cache go.
///
/// # Errors
/// [`Error::Stopped`], and [`Error::Io`] when the destination as such cannot be read. What differs is no error.
pub fn verify(
    destination: &Path,
    entries: &[Entry],
    progress: &(dyn Fn(&Progress) + Sync),
    stop: &AtomicBool,
) -> Result<Verified, Error> {
    let tree = Tree::open(destination)?;
    let meter = Meter::new(progress, stop);
    let mut seen = files(&tree, entries, &meter)?;
    seen.extend(directories(&tree, entries, &meter)?);
    Ok(sum_up(entries, seen))
}

/// Reads everything back, but gives folders their times once more before they are looked at.
///
/// A copy into a home that is in use takes minutes; whoever works there meanwhile gives a folder a new time by making any
/// file in it, and that is no fault of the copy.
pub(super) fn verify_settled(
    destination: &Path,
    entries: &mut [Entry],
    meter: &Meter<'_>,
) -> Result<Verified, Error> {
    let tree = Tree::open(destination)?;
    let mut seen = files(&tree, entries, meter)?;
    folders::settle(entries, &tree)?;
    seen.extend(directories(&tree, entries, meter)?);
    Ok(sum_up(entries, seen))
}

/// What was seen where it differs: the entry as found, if it is there at all, and words.
type Seen = BTreeMap<usize, (Option<Entry>, String)>;

fn files(tree: &Tree, entries: &[Entry], meter: &Meter<'_>) -> Result<Seen, Error> {
    let is_file =
        |index: &usize| entries[*index].is_selected() && entries[*index].kind != Kind::Directory;
    let indices: Vec<usize> = (0..entries.len()).filter(is_file).collect();
    let files = indices.iter().filter(|index| entries[**index].kind == Kind::File);
    let bytes = files.clone().map(|index| entries[*index].size).sum();
    meter.begin(Phase::Verifying, bytes, files.count() as u64);
    let batches: Vec<&[usize]> = indices.chunks(BATCH).rev().collect();
    let hashes = Mutex::new(HashMap::new());
    let pool = Pool::new(None);
    let reading = Reading { tree, meter, pool: &pool, hashes: &hashes };
    let parts = pool.run(batches, |(seen, buffer): &mut (Seen, Vec<u8>), batch, _| {
        for index in batch {
            if let Some(difference) = reading.compare(&entries[*index], buffer)? {
                seen.insert(*index, difference);
            }
        }
        Ok(())
    })?;
    Ok(parts.into_iter().flat_map(|(seen, _)| seen).collect())
}

fn directories(tree: &Tree, entries: &[Entry], meter: &Meter<'_>) -> Result<Seen, Error> {
    let (pool, hashes) = (Pool::new(None), Mutex::new(HashMap::new()));
    let reading = Reading { tree, meter, pool: &pool, hashes: &hashes };
    let mut seen = Seen::new();
    for (index, entry) in entries.iter().enumerate() {
        if entry.is_selected()
            && entry.kind == Kind::Directory
            && let Some(difference) = reading.compare(entry, &mut Vec::new())?
        {
            seen.insert(index, difference);
        }
    }
    Ok(seen)
}

struct Reading<'a> {
    tree: &'a Tree,
    meter: &'a Meter<'a>,
    pool: &'a Pool,
    /// Content hashes by device and inode, of files with several names.
    hashes: &'a Mutex<HashMap<(u64, u64), [u8; 32]>>,
}

impl Reading<'_> {
    /// Compares one entry with what is at its place; none when it is the same.
    fn compare(
        &self,
        entry: &Entry,
        buffer: &mut Vec<u8>,
    ) -> Result<Option<(Option<Entry>, String)>, Error> {
        let found = match self.find(entry, buffer) {
            Ok(found) => found,
            Err(Spill::Read(Errno::NOENT)) => return Ok(Some((None, "it is missing".to_owned()))),
            Err(Spill::Read(errno) | Spill::Write(errno)) => {
                let why = format!("it cannot be read back: {}", std::io::Error::from(errno));
                return Ok(Some((None, why)));
            }
            Err(Spill::End(error)) => return Err(error),
        };
        if entry.kind == Kind::File {
            self.meter.file(entry.place())?;
        } else {
            self.meter.tick(entry.place())?;
        }
        let differs = [
            (found.kind != entry.kind, "kind"),
            (found.mode != entry.mode, "mode"),
            (found.mtime != entry.mtime, "time"),
            (found.size != entry.size, "size"),
            (found.hash != entry.hash, "content"),
            (found.target != entry.target, "target"),
        ];
        let words: Vec<&str> =
            differs.iter().filter(|(differs, _)| *differs).map(|(_, word)| *word).collect();
        Ok((!words.is_empty()).then(|| (Some(found), format!("its {} differs", words.join(", ")))))
    }

    /// Looks at what is at an entry's place, and reads it.
    fn find(&self, entry: &Entry, buffer: &mut Vec<u8>) -> Result<Entry, Spill> {
        let (folder, name) = split(entry.place());
        let folder = self.pool.timed(|| self.tree.place(folder)).map_err(Spill::Read)?;
        let stat = self.pool.timed(|| lstat(&folder, name)).map_err(Spill::Read)?;
        let mut found = Entry::of(&entry.path, &stat);
        match found.kind {
            Kind::File => {
                found.hash = Some(self.hash(folder.as_fd(), name, &stat, entry, buffer)?);
            }
            Kind::Symlink => {
                let target =
                    rustix::fs::readlinkat(&folder, name, Vec::new()).map_err(Spill::Read)?;
                found.target = Some(target.into_bytes().into());
            }
            Kind::Directory | Kind::Special => {}
        }
        Ok(found)
    }

    fn hash(
        &self,
        folder: rustix::fd::BorrowedFd<'_>,
        name: &[u8],
        stat: &Stat,
        entry: &Entry,
        buffer: &mut Vec<u8>,
    ) -> Result<[u8; 32], Spill> {
        let inode = (stat.st_dev, stat.st_ino);
        let hashes = || self.hashes.lock().unwrap_or_else(PoisonError::into_inner);
        if stat.st_nlink > 1
            && let Some(hash) = hashes().get(&inode)
        {
            self.meter.bytes(size(stat), entry.place())?;
            return Ok(*hash);
        }
        let file = self.pool.timed(|| open(folder, name)).map_err(Spill::Read)?;
        // What was just written shall come from the volume; where the system keeps its cache, nothing is lost.
        let _kept = rustix::fs::fadvise(&file, 0, None, Advice::DontNeed);
        let allocated = u64::try_from(stat.st_blocks).unwrap_or_default() * 512;
        let pour = Pour {
            from: file.as_fd(),
            into: None,
            size: size(stat),
            is_sparse: allocated < size(stat),
            meter: self.meter,
            counts: true,
            path: entry.place(),
        };
        let hash = pour.run(buffer)?.hash;
        let after = rustix::fs::fstat(&file).map_err(Spill::Read)?;
        if (mtime(&after), size(&after)) != (mtime(stat), size(stat)) {
            return Err(Spill::Read(Errno::AGAIN));
        }
        if stat.st_nlink > 1 {
            hashes().insert(inode, hash);
        }
        Ok(hash)
    }
}

fn sum_up(entries: &[Entry], seen: Seen) -> Verified {
    let mut summing = Summing::default();
    let mut verified = Verified { differing: seen.len() as u64, ..Verified::default() };
    for (index, entry) in entries.iter().enumerate().filter(|(_, entry)| entry.is_selected()) {
        let Some((found, words)) = seen.get(&index) else {
            summing.add(entry);
            continue;
        };
        found.iter().for_each(|found| summing.add(found));
        if verified.differences.len() < NAMED {
            verified.differences.push((escape(entry.place()), words.clone()));
        }
    }
    verified.totals = summing.totals();
    verified
}
