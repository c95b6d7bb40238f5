//! Copying a home: walk, make folders, copy files, link further names, settle folders.

use std::collections::{BTreeMap, HashMap};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use super::digest::totals_of;
use super::entry::{Entry, Kind, Skip};
use super::error::Error;
use super::folders::{self, Made, Making};
use super::manifest::not_copied;
use super::meter::Meter;
use super::path::split;
use super::place::{Folder, Placer, Work};
use super::pool::Pool;
use super::room;
use super::rules::Rules;
use super::ticket::{Phase, Progress, Totals};
use super::tree::Tree;
use super::walk::{Found, Walk};
use crate::playbook::Conflict;

/// Files that one thread takes at once, unless they are large.
const BATCH: usize = 64;

/// Bytes after which a batch is full.
const BATCH_BYTES: u64 = 8 << 20;

/// What to copy, and how.
#[derive(Clone, Debug, Default)]
pub struct Order {
    /// The home; nothing is ever written below it.
    pub source: PathBuf,
    /// Where it goes; it is made if need be.
    pub destination: PathBuf,
    /// What is left out.
    pub rules: Rules,
    /// What happens where something else is already.
    pub conflict: Conflict,
    /// How many threads; `None` lets the latency of the file system decide, up to 64.
    pub workers: Option<usize>,
    /// Paths under the destination that are neither written nor walked; relative ones are relative to it.
    pub keep_out: Vec<PathBuf>,
}

/// What a copy did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copied {
    /// Every entry of the home in byte order of paths, for the manifest.
    pub entries: Vec<Entry>,
    /// What was selected, as it was read.
    pub totals: Totals,
    /// Entries that were not copied, by reason class.
    pub not_copied: BTreeMap<String, u64>,
    /// Files and links that were written.
    pub written: u64,
    /// Bytes that were written.
    pub written_bytes: u64,
    /// Files and links that were there already, the same.
    pub kept: u64,
}

/// Copies a home. A second run copies only what differs, and goes on where one that was killed ended.
///
/// # Errors
/// Only what concerns the whole copy: [`Error::Nested`], [`Error::NoRoom`], [`Error::NoInodes`], [`Error::Stopped`], and
/// [`Error::Io`] when a side as such fails. What concerns one entry is listed with it.
pub fn copy(
    order: &Order,
    progress: &(dyn Fn(&Progress) + Sync),
    stop: &AtomicBool,
) -> Result<Copied, Error> {
    copy_with(order, &Meter::new(progress, stop))
}

pub(super) fn copy_with(order: &Order, meter: &Meter<'_>) -> Result<Copied, Error> {
    let reserved = reserved(order)?;
    room::apart(&order.source, &order.destination)?;
    let source = Tree::open(&order.source)?;
    let destination = Tree::open(&order.destination)?;
    let pool = Pool::new(order.workers);
    meter.begin(Phase::Scanning, 0, 0);
    let walk = Walk { tree: &source, rules: &order.rules, reserved: &reserved, pool: &pool, meter };
    let all = walk.run()?;
    let needs = room::check(room::needs(&all, &destination, order.conflict), &destination)?;
    let (bytes, files) = selected(&all);
    meter.begin(Phase::Copying, bytes, files);
    let run =
        Run { order, source: &source, destination: &destination, pool: &pool, meter, all: &all };
    run.copy().map_err(|error| match error {
        Error::NoRoom { .. } => {
            let has = room::free(&destination).map_or(0, |(bytes, _)| bytes);
            Error::NoRoom { needs: needs.max(has + 1), has }
        }
        error => error,
    })
}

/// Returns what is kept out, relative to the destination.
fn reserved(order: &Order) -> Result<Vec<Vec<u8>>, Error> {
    use std::os::unix::ffi::OsStrExt;
    let mut reserved = Vec::new();
    for path in &order.keep_out {
        let absolute = order.destination.join(path);
        match absolute.strip_prefix(&order.destination) {
            Ok(inner) if inner.as_os_str().is_empty() => return Err(kept_out(order)),
            Ok(inner) => reserved.push(inner.as_os_str().as_bytes().to_vec()),
            Err(_) if order.destination.starts_with(&absolute) => return Err(kept_out(order)),
            Err(_) => {}
        }
    }
    Ok(reserved)
}

fn kept_out(order: &Order) -> Error {
    use std::os::unix::ffi::OsStrExt;
    let why = std::io::Error::other("the migration keeps this path for itself");
    Error::io("cannot copy into", Path::as_os_str(&order.destination).as_bytes(), why)
}

fn selected(all: &[Found]) -> (u64, u64) {
    let files =
        all.iter().filter(|found| found.entry.is_selected() && found.entry.kind == Kind::File);
    let firsts = first_names(all);
    let bytes = files.clone().filter(|found| {
        found.links < 2
            || firsts
                .get(&found.inode)
                .is_some_and(|first| all[*first].entry.path == found.entry.path)
    });
    (bytes.map(|found| found.entry.size).sum(), files.count() as u64)
}

/// Returns the first name of each file that has several.
fn first_names(all: &[Found]) -> HashMap<(u64, u64), usize> {
    let mut firsts = HashMap::new();
    for (index, found) in all.iter().enumerate() {
        if found.links > 1 && found.entry.kind == Kind::File && found.entry.is_selected() {
            firsts.entry(found.inode).or_insert(index);
        }
    }
    firsts
}

/// One copy under way.
struct Run<'a> {
    order: &'a Order,
    source: &'a Tree,
    destination: &'a Tree,
    pool: &'a Pool,
    meter: &'a Meter<'a>,
    all: &'a [Found],
}

/// Files and links of one folder.
struct Batch<'a> {
    folder: &'a [u8],
    made: Made,
    files: Vec<usize>,
}

impl<'a> Run<'a> {
    fn copy(&self) -> Result<Copied, Error> {
        let is_taken = |path: &[u8]| {
            self.all.binary_search_by(|found| found.entry.path.as_ref().cmp(path)).is_ok()
        };
        let mut entries: Vec<Entry> = self.all.iter().map(|found| found.entry.clone()).collect();
        let making = self.make_folders(&is_taken, &mut entries)?;
        let placer = Placer {
            conflict: self.order.conflict,
            pool: self.pool,
            meter: self.meter,
            is_taken: &is_taken,
        };
        let (batches, links) = self.share_out(&making, &mut entries);
        let mut works =
            self.pool.run(batches, |work: &mut Work, batch, _| self.batch(&placer, batch, work))?;
        apply(&mut entries, &mut works);
        let linked = {
            let done = &entries;
            self.pool.run(links, |work: &mut Work, (first, further), _| {
                self.link(&placer, &making, done, (first, further), work)
            })?
        };
        works.extend(linked);
        apply(&mut entries, &mut works);
        folders::finish(&mut entries, (self.source, self.destination), self.pool, self.meter)?;
        folders::settle(&mut entries, self.destination)?;
        rustix::fs::syncfs(self.destination.root())
            .map_err(|errno| Error::io("cannot sync", b"", errno))?;
        Ok(Copied {
            totals: totals_of(&entries),
            not_copied: not_copied(&entries),
            written: works.iter().map(|work| work.written).sum(),
            written_bytes: works.iter().map(|work| work.written_bytes).sum(),
            kept: works.iter().map(|work| work.kept).sum(),
            entries,
        })
    }

    fn make_folders<'b>(
        &'b self,
        is_taken: &'b (dyn Fn(&[u8]) -> bool + Sync),
        entries: &mut [Entry],
    ) -> Result<Making<'b>, Error> {
        let root = Made { stored: Vec::new(), is_fresh: false };
        let mut making = Making {
            destination: self.destination,
            conflict: self.order.conflict,
            meter: self.meter,
            is_taken,
            made: HashMap::from([(Box::default(), Ok(root))]),
        };
        making.clean(b"", b"");
        for entry in
            entries.iter_mut().filter(|entry| entry.kind == Kind::Directory && entry.is_selected())
        {
            match making.make(entry)? {
                Some(skip) => entry.skip = Some(Box::new(skip)),
                None => {
                    let made = making.whereabouts(&entry.path).ok();
                    entry.stored_as =
                        made.map(|made| made.stored.into()).filter(|stored| *stored != entry.path);
                }
            }
        }
        Ok(making)
    }

    /// Shares files and links out by folder; further names of a file are kept for later, with the first.
    fn share_out(
        &self,
        making: &Making<'_>,
        entries: &mut [Entry],
    ) -> (Vec<Batch<'a>>, Vec<(usize, Vec<usize>)>) {
        let firsts = first_names(self.all);
        let mut further: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        let mut open: HashMap<&'a [u8], (Batch<'a>, u64)> = HashMap::new();
        let mut full = Vec::new();
        for (index, found) in self.all.iter().enumerate() {
            let entry = &found.entry;
            if !entry.is_selected() || entry.kind == Kind::Directory {
                continue;
            }
            let (folder, _) = split(&entry.path);
            let made = match making.whereabouts(folder) {
                Ok(made) => made,
                Err(skip) => {
                    entries[index].skip = Some(Box::new(skip));
                    continue;
                }
            };
            let first = firsts
                .get(&found.inode)
                .copied()
                .filter(|_| found.links > 1 && entry.kind == Kind::File);
            if let Some(first) = first.filter(|first| *first != index) {
                further.entry(first).or_default().push(index);
                continue;
            }
            let (batch, bytes) = open
                .entry(folder)
                .or_insert_with(|| (Batch { folder, made, files: Vec::new() }, 0));
            batch.files.push(index);
            *bytes += entry.size;
            if batch.files.len() >= BATCH || *bytes >= BATCH_BYTES {
                full.extend(open.remove(folder).map(|(batch, _)| batch));
            }
        }
        full.extend(open.into_values().map(|(batch, _)| batch));
        // The pool takes the last first.
        full.sort_unstable_by(|one, other| other.files.cmp(&one.files));
        (full, further.into_iter().collect())
    }

    fn batch(&self, placer: &Placer<'_>, batch: Batch<'_>, work: &mut Work) -> Result<(), Error> {
        let sides = (
            self.pool.timed(|| self.source.place(batch.folder)),
            self.destination.place(&batch.made.stored),
        );
        let (from, into) = match sides {
            (Ok(from), Ok(into)) => (from, into),
            (from, into) => {
                let skip = match (from, into) {
                    (Err(errno), _) => super::walk::unread(errno, "its folder cannot be read"),
                    (_, Err(errno)) => unreached(errno, &batch.made.stored)?,
                    _ => return Ok(()),
                };
                let skipped = batch
                    .files
                    .iter()
                    .map(|index| (*index, self.all[*index].entry.clone().skipped(skip.clone())));
                work.entries.extend(skipped);
                return Ok(());
            }
        };
        let folder = Folder {
            from: from.as_fd(),
            into: into.as_fd(),
            path: batch.folder,
            stored: &batch.made.stored,
            is_fresh: batch.made.is_fresh,
        };
        for index in batch.files {
            let found = &self.all[index].entry;
            let (_, name) = split(&found.path);
            let entry = placer.put(&folder, name, found, work)?;
            work.entries.push((index, entry));
        }
        Ok(())
    }

    /// Gives a file its further names. When the first could not be copied, the next that can be is the first.
    fn link(
        &self,
        placer: &Placer<'_>,
        making: &Making<'_>,
        done: &[Entry],
        (first, further): (usize, Vec<usize>),
        work: &mut Work,
    ) -> Result<(), Error> {
        let mut leader = Some(done[first].clone()).filter(Entry::is_selected);
        for index in further {
            let found = &self.all[index];
            let (path, _) = split(&found.entry.path);
            let Ok(made) = making.whereabouts(path) else { continue };
            let linked = match &leader {
                Some(leader) => self.link_one(placer, leader, index, &made, work)?,
                None => None,
            };
            if let Some(entry) = linked {
                work.entries.push((index, entry));
                continue;
            }
            let before = work.entries.len();
            self.batch(placer, Batch { folder: path, made, files: vec![index] }, work)?;
            for (_, entry) in &mut work.entries[before..] {
                if leader.is_some() && entry.is_selected() {
                    entry.notes.push("a hard link that became a file of its own".to_owned());
                } else if entry.is_selected() {
                    leader = Some(entry.clone());
                }
            }
        }
        Ok(())
    }

    fn link_one(
        &self,
        placer: &Placer<'_>,
        leader: &Entry,
        index: usize,
        made: &Made,
        work: &mut Work,
    ) -> Result<Option<Entry>, Error> {
        let found = &self.all[index];
        let (path, _) = split(&found.entry.path);
        let (leader_folder, leader_name) = split(leader.place());
        // A name that was given to another file meanwhile is that file's.
        let is_still = |stat: rustix::fs::Stat| (stat.st_dev, stat.st_ino) == found.inode;
        if !self.pool.timed(|| self.source.stat(&found.entry.path)).is_ok_and(is_still) {
            return Ok(None);
        }
        let sides = (
            self.source.place(path),
            self.destination.place(&made.stored),
            self.destination.place(leader_folder),
        );
        let (Ok(from), Ok(into), Ok(leader_at)) = sides else { return Ok(None) };
        let folder = Folder {
            from: from.as_fd(),
            into: into.as_fd(),
            path,
            stored: &made.stored,
            is_fresh: made.is_fresh,
        };
        placer.link(&folder, &found.entry.path, (leader, leader_at.as_fd(), leader_name), work)
    }
}

fn unreached(errno: rustix::io::Errno, stored: &[u8]) -> Result<Skip, Error> {
    use super::decide::Hitch;
    match Hitch::at_destination(errno, "cannot open the folder", stored) {
        Hitch::Skip(skip) => Ok(skip),
        Hitch::Changed(why) => Ok(Skip::new(super::entry::Class::Changed, why)),
        Hitch::End(error) => Err(error),
    }
}

fn apply(entries: &mut [Entry], works: &mut [Work]) {
    for work in works {
        work.buffer = Vec::new();
        for (index, entry) in work.entries.drain(..) {
            entries[index] = entry;
        }
    }
}
