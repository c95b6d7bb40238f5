//! Copying a home: walk, make folders, copy files, link further names, read back, settle folders.
//!
//! Nothing here is kept for every entry in memory: each stage takes a sorted list, and gives one on.

mod batch;
mod files;
mod lists;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use super::before::before;
use super::depth::{deepest_first, depth as depth_of};
use super::entry::Entry;
use super::error::Error;
use super::folders::{Finishing, Making, Places};
use super::gone::{Clearing, Spares};
use super::manifest::Summing;
use super::meter::Meter;
use super::place::{Placer, Work};
use super::pool::Pool;
use super::room;
use super::rules::Rules;
use super::sorter::{Sorted, Sorter};
use super::ticket::{Phase, Progress, Totals};
use super::tree::{Tree, names};
use super::verify::{Checked, Reading, Verified};
use super::walk::Walk;
use super::written::List;
use crate::playbook::Conflict;
use lists::Lists;

/// Folders that are made or settled at once.
const FOLDERS: usize = 4096;

/// Entries that one thread keeps to itself before it adds them to a list.
const SOME: usize = 256;

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
    /// How many threads; `None` lets the latency of the file system decide, up to 128.
    pub workers: Option<usize>,
    /// Paths under the destination that are neither written nor walked; relative ones are relative to it.
    pub keep_out: Vec<PathBuf>,
    /// Whether every byte is read back from the destination afterwards.
    pub proves: bool,
    /// The manifest of an earlier pass: files that nobody changed since are not read again.
    pub since: Option<PathBuf>,
    /// Whether they are read all the same.
    pub is_paranoid: bool,
    /// A manifest that proves nothing: what it says was left there, and still is as it says, may be replaced. Not asked where
    /// there is one of an earlier pass.
    pub hints: Option<PathBuf>,
    /// A list of what is written, kept while the copy goes on and read by the next one, should this one be killed.
    pub written: Option<PathBuf>,
    /// Whether what is at the source no more is removed at the destination too, unless it changed there.
    pub deletes: bool,
    /// When nothing is removed all the same.
    pub spares: Spares,
}

/// What a copy did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Copied {
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
    /// What was read back, if the order asked for it.
    pub proof: Option<Verified>,
}

/// Takes every entry of the home, in byte order of paths.
pub type Give<'a> = &'a mut dyn FnMut(Entry) -> Result<(), Error>;

/// Copies a home. A second run copies only what differs, and goes on where one that was killed ended.
///
/// # Errors
/// Only what concerns the whole copy: [`Error::Nested`], [`Error::NoRoom`], [`Error::NoInodes`], [`Error::Stopped`],
/// [`Error::Manifest`] when that of the earlier pass is not sound, and [`Error::Io`] when a side as such fails. What concerns
/// one entry is listed with it.
pub fn copy(
    order: &Order,
    give: Give<'_>,
    progress: &(dyn Fn(&Progress) + Sync),
    stop: &AtomicBool,
) -> Result<Copied, Error> {
    copy_with(order, give, &Meter::new(progress, stop))
}

pub(super) fn copy_with(order: &Order, give: Give<'_>, meter: &Meter<'_>) -> Result<Copied, Error> {
    let reserved = reserved(order)?;
    let before = before(order.since.as_deref(), order.hints.as_deref(), order.written.as_deref())?;
    room::apart(&order.source, &order.destination)?;
    let source = Tree::open(&order.source)?;
    let destination = Tree::open(&order.destination)?;
    let listed = destination.listing(b"").and_then(names);
    let places = Places::new(listed.is_ok_and(|names| names.is_empty()));
    let pool = Pool::new(order.workers);
    meter.begin(Phase::Scanning, 0, 0);
    let walk = Walk { tree: &source, rules: &order.rules, reserved: &reserved, pool: &pool, meter };
    let run = Run {
        order,
        source: &source,
        destination: &destination,
        places: &places,
        pool: &pool,
        meter,
        ended: Sorter::new(Checked::by_path),
        written: List::at(order.written.as_deref()),
    };
    let lists = Lists::of(&walk, &run, before)?;
    let needs = room::check(lists.needs, &destination)?;
    meter.begin(Phase::Copying, lists.bytes, lists.file_count);
    run.copy(lists, give).map_err(|error| room::counted(error, needs, &destination))
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

/// One copy under way.
struct Run<'a> {
    order: &'a Order,
    source: &'a Tree,
    destination: &'a Tree,
    places: &'a Places,
    pool: &'a Pool,
    meter: &'a Meter<'a>,
    /// Entries with which nothing more happens.
    ended: Sorter<Checked>,
    written: List,
}

impl Run<'_> {
    fn copy(self, lists: Lists, give: Give<'_>) -> Result<Copied, Error> {
        let Lists { folders, files, names, parted, .. } = lists;
        let Self { destination: tree, pool, meter, .. } = self;
        let Order { deletes, spares, .. } = *self.order;
        let clearing = Clearing { tree, pool, meter, deletes, spares };
        clearing.clear(parted, |entry| self.ended.add([Checked::unread(entry)]))?;
        let made = self.make_folders(folders.sorted()?)?;
        let placer = Placer {
            conflict: self.order.conflict,
            pool: self.pool,
            meter: self.meter,
            is_paranoid: self.order.is_paranoid,
            knows_its_own: self.written.is_kept(),
        };
        let copied = Sorter::new(Entry::by_path);
        let mut works = self.copy_files(&placer, files.sorted()?, &copied)?;
        works.extend(self.link_names(&placer, names.sorted()?, &copied)?);
        if self.order.proves {
            self.read_back(copied.sorted()?)?;
        }
        self.finish_folders(made.sorted()?)?;
        rustix::fs::syncfs(self.destination.root())
            .map_err(|errno| Error::io("cannot sync", b"", errno))?;
        let done = Copied {
            written: works.iter().map(|work| work.written).sum(),
            written_bytes: works.iter().map(|work| work.written_bytes).sum(),
            kept: works.iter().map(|work| work.kept).sum(),
            ..Copied::default()
        };
        sum_up(self.ended.sorted()?, self.order.proves, done, give)
    }

    /// Makes folders, those of one depth at once; returns them, the deepest first.
    fn make_folders(&self, mut folders: Sorted<Entry>) -> Result<Sorter<Entry>, Error> {
        let made = Sorter::new(deepest_first);
        let making = Making {
            source: self.source,
            destination: self.destination,
            conflict: self.order.conflict,
            meter: self.meter,
            places: self.places,
        };
        if !self.places.of(b"").is_ok_and(|root| root.is_fresh) {
            making.clean(b"", b"");
        }
        in_levels(&mut folders, |level| {
            let done = self.pool.run_or_do(level, |done: &mut Vec<Entry>, mut entry| {
                making.make(&mut entry)?;
                done.push(entry);
                Ok(())
            })?;
            for entry in done.into_iter().flatten() {
                self.written.add(&entry);
                match entry.is_selected() {
                    true => made.add([entry])?,
                    false => self.ended.add([Checked::unread(entry)])?,
                }
            }
            Ok(())
        })?;
        Ok(made)
    }

    /// Gives folders their times and modes, the deepest first, and looks whether they have them.
    ///
    /// This comes after the reading back: a copy into a home that is in use takes minutes, and whoever works there meanwhile
    /// gives a folder a new time by making any file in it.
    fn finish_folders(&self, mut folders: Sorted<Entry>) -> Result<(), Error> {
        let Self { source, destination, pool, meter, .. } = *self;
        let finishing = Finishing { source, destination, pool };
        let reading = Reading::of(destination, pool, meter);
        in_levels(&mut folders, |level| {
            let done = pool.run_or_do(level, |done: &mut Vec<Checked>, mut entry| {
                finishing.finish(&mut entry)?;
                let checked = match self.order.proves {
                    true => reading.check(entry, &mut Default::default())?,
                    false => Checked::unread(entry),
                };
                done.push(checked);
                Ok(())
            })?;
            self.ended.add(done.into_iter().flatten())
        })
    }

    fn read_back(&self, copied: Sorted<Entry>) -> Result<(), Error> {
        let (bytes, files) = self.meter.done();
        self.meter.begin(Phase::Verifying, bytes, files);
        Reading::of(self.destination, self.pool, self.meter).check_all(copied, &self.ended)
    }

    /// Puts what a thread has done on a list, when it is enough or the last.
    fn hand_in(&self, work: &mut Work, copied: &Sorter<Entry>, most: usize) -> Result<(), Error> {
        if work.entries.len() <= most {
            return Ok(());
        }
        if !self.order.proves {
            return self.ended.add(work.entries.drain(..).map(Checked::unread));
        }
        let (selected, others): (Vec<_>, Vec<_>) =
            work.entries.drain(..).partition(Entry::is_selected);
        copied.add(selected)?;
        self.ended.add(others.into_iter().map(Checked::unread))
    }
}

/// Hands out folders of one depth at a time, and not too many.
fn in_levels(
    folders: &mut Sorted<Entry>,
    mut handle: impl FnMut(Vec<Entry>) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut level = Vec::new();
    let mut depth = 0;
    for entry in folders {
        let entry = entry?;
        let its_depth = depth_of(&entry.path);
        if its_depth != depth || level.len() >= FOLDERS {
            handle(std::mem::take(&mut level))?;
            depth = its_depth;
        }
        level.push(entry);
    }
    handle(level)
}

/// Gives every entry on, and sums up both sides.
pub(super) fn sum_up(
    ended: Sorted<Checked>,
    proves: bool,
    mut done: Copied,
    give: Give<'_>,
) -> Result<Copied, Error> {
    let mut source = Summing::default();
    let mut proof = Verified::default();
    let mut destination = Summing::default();
    for checked in ended {
        let checked = checked?;
        source.add(&checked.entry);
        if let Some(skip) = &checked.entry.skip {
            *done.not_copied.entry(skip.class.word().to_owned()).or_default() += 1;
        }
        if proves {
            proof.note(&checked, &mut destination);
        }
        give(checked.entry)?;
    }
    proof.totals = destination.totals();
    Ok(Copied { totals: source.totals(), proof: proves.then_some(proof), ..done })
}
