//! Sums over the files of one home, taken by many threads and put together in the end.

use std::collections::{BTreeMap, BTreeSet};

use super::habits::{AGES, age, candidate, kind};
use super::{Counts, Scan};
use crate::mover::entry::{Class, Entry, Kind, Skip, Time};
use crate::mover::path::escape;
use crate::mover::walk::Found;

/// Largest files and awkward paths that are named.
const NAMED: usize = 10;

/// Git authors that are named.
pub(super) const AUTHORS: usize = 20;

/// Kinds of files that are told apart; what comes after so many counts as one.
const KINDS: usize = 500;

/// Kinds that are named.
const KINDS_NAMED: usize = 20;

/// Owners that are told apart.
const OWNERS: usize = 100;

/// What other kinds and owners are summed up under.
const OTHERS: &str = "others";

/// An object key of S3 is no longer, in bytes.
const LONGEST_KEY: usize = 1024;

/// What was seen of one home, by one thread.
#[derive(Debug, Default)]
pub(super) struct Sums {
    scan: Scan,
    largest: BTreeSet<Large>,
    awkward: BTreeSet<Box<[u8]>>,
    authors: BTreeSet<String>,
    owners: BTreeMap<u32, u64>,
    owner: Option<u32>,
    newest: Option<Time>,
    ages: [(u64, u64); AGES.len()],
}

/// A file among the largest: the largest first, and the first by path where sizes are the same.
type Large = (std::cmp::Reverse<u64>, Box<[u8]>);

impl Sums {
    /// Counts an entry; `path` is relative to the home. Of a file with several names each is counted, but one alone has
    /// its bytes.
    pub(super) fn add(&mut self, found: &Found, path: &[u8], is_first: bool, now: i64) {
        let entry = &found.entry;
        self.note_path(path);
        let is_seen = |skip: &Skip| !matches!(skip.class, Class::Unreadable | Class::Changed);
        if entry.skip.as_deref().is_some_and(|skip| !is_seen(skip)) {
            self.scan.unreadable += 1;
            return;
        }
        self.count_owner(found.owner);
        match entry.kind {
            Kind::File => self.file(found, path, is_first, now),
            Kind::Directory => self.scan.directories += 1,
            Kind::Symlink => self.scan.symlinks += 1,
            Kind::Special => self.scan.special += 1,
        }
    }

    /// Takes note of the home itself, which counts for nothing.
    pub(super) fn root(&mut self, owner: u32) {
        self.owner = Some(owner);
    }

    pub(super) fn wants_authors(&self) -> bool {
        self.authors.len() < AUTHORS
    }

    pub(super) fn add_author(&mut self, author: Option<String>) {
        self.authors.extend(author);
    }

    fn count_owner(&mut self, owner: u32) {
        if self.owners.len() < OWNERS || self.owners.contains_key(&owner) {
            *self.owners.entry(owner).or_default() += 1;
        }
    }

    fn note_path(&mut self, path: &[u8]) {
        let is_awkward = path.len() > LONGEST_KEY || std::str::from_utf8(path).is_err();
        if is_awkward {
            self.awkward.insert(path.into());
            if self.awkward.len() > NAMED {
                self.awkward.pop_last();
            }
        }
    }

    fn file(&mut self, found: &Found, path: &[u8], is_first: bool, now: i64) {
        let entry = &found.entry;
        let scan = &mut self.scan;
        scan.files += 1;
        scan.flows += u64::from(path.ends_with(b".flow"));
        self.newest = self.newest.max(Some(entry.mtime));
        let bytes = if is_first { entry.size } else { 0 };
        scan.bytes += bytes;
        scan.allocated_bytes += if is_first { found.allocated } else { 0 };
        scan.hard_links += u64::from(!is_first);
        // A file that is small enough to lie in its inode is not sparse, though nothing is allocated for it.
        if is_first && found.allocated < entry.size && entry.size > 4096 {
            let (holes, files) = &mut scan.sparse;
            *holes += entry.size - found.allocated;
            *files += 1;
        }
        if let Some(candidate) = candidate(path) {
            add(&mut scan.candidates, candidate, (bytes, 1));
        }
        let (all, files) = &mut self.ages[age(now.saturating_sub(entry.mtime.0))];
        (*all, *files) = (*all + bytes, *files + 1);
        let kind = kind(path);
        let is_known = scan.kinds.len() < KINDS || scan.kinds.contains_key(kind.as_ref());
        add(&mut scan.kinds, if is_known { &kind } else { OTHERS }, (bytes, 1));
        if is_first {
            self.note_large(entry, path);
        }
    }

    fn note_large(&mut self, entry: &Entry, path: &[u8]) {
        let is_small = self.largest.len() >= NAMED
            && self.largest.last().is_some_and(|(least, _)| least.0 > entry.size);
        if !is_small {
            self.largest.insert((std::cmp::Reverse(entry.size), path.into()));
            if self.largest.len() > NAMED {
                self.largest.pop_last();
            }
        }
    }

    /// Adds what another thread saw of the same home.
    pub(super) fn merge(&mut self, other: Self) {
        let (scan, more) = (&mut self.scan, other.scan);
        scan.bytes += more.bytes;
        scan.allocated_bytes += more.allocated_bytes;
        scan.files += more.files;
        scan.directories += more.directories;
        scan.symlinks += more.symlinks;
        scan.special += more.special;
        scan.unreadable += more.unreadable;
        scan.hard_links += more.hard_links;
        scan.sparse = (scan.sparse.0 + more.sparse.0, scan.sparse.1 + more.sparse.1);
        scan.flows += more.flows;
        let sums = [(&mut scan.candidates, more.candidates), (&mut scan.kinds, more.kinds)];
        for (counts, more) in sums {
            more.iter().for_each(|(under, sum)| add(counts, under, *sum));
        }
        for (sum, more) in self.ages.iter_mut().zip(other.ages) {
            *sum = (sum.0 + more.0, sum.1 + more.1);
        }
        self.largest.extend(other.largest);
        self.awkward.extend(other.awkward);
        self.authors.extend(other.authors);
        for (owner, files) in other.owners {
            *self.owners.entry(owner).or_default() += files;
        }
        self.owner = self.owner.or(other.owner);
        self.newest = self.newest.max(other.newest);
    }

    /// Returns the sums as they are told.
    pub(super) fn finish(self) -> Scan {
        let newest = self.newest.and_then(|Time(seconds, nanos)| {
            jiff::Timestamp::new(seconds, i32::try_from(nanos).unwrap_or_default()).ok()
        });
        let mine = self.owner;
        let largest = self.largest.into_iter().take(NAMED);
        Scan {
            largest: largest.map(|(bytes, path)| (escape(&path), bytes.0)).collect(),
            awkward_paths: self.awkward.iter().take(NAMED).map(|path| escape(path)).collect(),
            git_authors: self.authors.into_iter().take(AUTHORS).collect(),
            other_owners: self
                .owners
                .into_iter()
                .filter(|(owner, _)| Some(*owner) != mine)
                .collect(),
            newest: newest.map(|newest| newest.to_string()),
            kinds: most(self.scan.kinds),
            ages: AGES
                .iter()
                .zip(self.ages)
                .filter(|(_, (_, files))| *files > 0)
                .map(|(age, sum)| ((*age).to_owned(), sum))
                .collect(),
            owner: mine,
            ..self.scan
        }
    }
}

/// Keeps the kinds with the most bytes, and sums up the rest.
fn most(kinds: Counts) -> Counts {
    let mut all: Vec<_> = kinds.into_iter().collect();
    all.sort_by_key(|(kind, (bytes, files))| (std::cmp::Reverse((*bytes, *files)), kind.clone()));
    let rest = all.split_off(all.len().min(KINDS_NAMED));
    let mut kept: Counts = all.into_iter().collect();
    rest.iter().for_each(|(_, sum)| add(&mut kept, OTHERS, *sum));
    kept
}

fn add(counts: &mut Counts, under: &str, (bytes, files): (u64, u64)) {
    // Most files have a name that is there already.
    if let Some(sum) = counts.get_mut(under) {
        *sum = (sum.0 + bytes, sum.1 + files);
    } else {
        counts.insert(under.to_owned(), (bytes, files));
    }
}
