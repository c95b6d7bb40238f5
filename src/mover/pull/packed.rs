//! A packed home, shard by shard: indexes say what is where, and only what is missing is fetched.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use tokio::task::JoinHandle;

use super::super::before::{Before as Earlier, left_of};
use super::super::digest::Summing;
use super::super::entry::{Class, Entry, Kind, Skip};
use super::super::error::Error;
use super::super::joining::{Joining, Parted};
use super::super::manifest;
use super::super::pack::contents::{Contents, MANIFEST, ShardOf, below, index_key, shard_key};
use super::super::pack::error::{TransferError, lost};
use super::super::pack::index::{self, INDEX, Located};
use super::super::pack::links::Links;
use super::super::path::{escape, is_within, split};
use super::super::room::Needs;
use super::fetch::{Fetcher, Miss};
use super::keys::unfit;
use super::run::{Before, Run, Taken, fatal, need};
use super::there::looks_beside;
use super::unit::{Item, Unit};

/// Indexes that are fetched ahead.
const AHEAD: usize = 4;

/// What is pulled when it is not all: entries with the name of the shard that they are in.
pub(super) type Selection = Vec<(String, Vec<Located>)>;

/// What is known before anything is written.
pub(super) struct Survey {
    pub(super) needs: Needs,
    pub(super) taken: Taken,
    pub(super) selection: Option<Selection>,
    /// What an earlier delivery brought and the home has no more.
    pub(super) parted: Parted,
}

impl Survey {
    fn of(needs: Needs) -> Self {
        Self { needs, taken: Taken::new(), selection: None, parted: Parted::none() }
    }
}

/// Finds out what has to be written, before anything is.
pub(super) fn survey(before: &Before<'_>, contents: &Contents) -> Result<Survey, TransferError> {
    if let Some(only) = &before.order.only {
        let selection = select(before, contents, only)?;
        let mut needs = Needs::default();
        for located in selection.iter().flat_map(|(_, all)| all) {
            add(&mut needs, need(located.entry.size));
            if located.entry.kind == Kind::File {
                before.headway.expect(located.entry.size, 1);
            }
        }
        return Ok(Survey { selection: Some(selection), ..Survey::of(needs) });
    }
    let totals = &contents.totals;
    before.headway.expect(totals.bytes, totals.files);
    if before.is_fresh {
        // Half a block is lost for each file, on an average.
        let inodes = totals.files + totals.directories + totals.symlinks;
        return Ok(Survey::of(Needs { bytes: totals.bytes + inodes * 2048, inodes }));
    }
    survey_next_to(before, contents)
}

/// The same of a destination that has something in it already.
fn survey_next_to(before: &Before<'_>, contents: &Contents) -> Result<Survey, TransferError> {
    let key = below(&before.order.prefix, &contents.manifest.key);
    let stored = before
        .handle
        .block_on(before.fetcher.file(&key, &contents.manifest.blake3))
        .map_err(|miss| fatal(&key, miss))?;
    let (mut needs, mut taken) = (Needs::default(), Taken::new());
    let mut bytes = Vec::new();
    std::io::Read::read_to_end(&mut std::io::BufReader::new(stored), &mut bytes)
        .map_err(|error| Error::io("cannot read a file in", b"TMPDIR", error))?;
    let opened = before.fetcher.veil.open(&key, MANIFEST, bytes)?;
    let mut joining = Joining::with(before.order.earlier.open()?);
    for entry in manifest::read(opened.as_slice())? {
        let entry = entry?;
        joining.meet(&entry)?;
        if looks_beside(&entry.path) {
            taken.insert(entry.path.clone());
        }
        let is_there = || {
            before.tree.stat(&entry.path).is_ok_and(|there| {
                entry.kind != Kind::File
                    || u64::try_from(there.st_size).is_ok_and(|size| size == entry.size)
            })
        };
        if entry.is_selected() && entry.link_of.is_none() && !is_there() {
            add(&mut needs, need(entry.size));
        }
    }
    Ok(Survey { needs, taken, selection: None, parted: joining.end()? })
}

fn add(needs: &mut Needs, one: Needs) {
    needs.bytes += one.bytes;
    needs.inodes += one.inodes;
}

/// Finds one file or folder with all that is below it. A further name of a file brings the file itself.
fn select(
    before: &Before<'_>,
    contents: &Contents,
    only: &[u8],
) -> Result<Selection, TransferError> {
    let read = |shard: &ShardOf| {
        let index = before.handle.block_on(fetch(before.fetcher, &before.order.prefix, shard));
        index.map(|all| (shard.name.clone(), all))
    };
    let mut selection = Selection::new();
    for shard in contents.shards.iter().filter(|shard| shard.may_hold(only)) {
        before.go_on()?;
        let (name, mut all) = read(shard)?;
        all.retain(|located| is_within(&located.entry.path, only));
        selection.push((name, all));
    }
    let all = || selection.iter().flat_map(|(_, all)| all);
    if all().next().is_none() {
        return Err(TransferError::Absent(escape(only)));
    }
    let there: HashSet<&[u8]> = all().map(|located| &*located.entry.path).collect();
    let links = all().filter_map(|located| located.entry.link_of.as_deref());
    let firsts: HashSet<Box<[u8]>> =
        links.filter(|first| !there.contains(first)).map(Into::into).collect();
    let mut found = Vec::new();
    for first in &firsts {
        for shard in contents.shards.iter().filter(|shard| shard.may_hold(first)) {
            let (name, all) = read(shard)?;
            found.extend(
                all.into_iter().find(|located| located.entry.path == *first).map(|one| (name, one)),
            );
        }
    }
    // The first of the names that were asked for becomes a file of its own, and the others follow it.
    for (name, first) in found {
        let mut leader: Option<Box<[u8]>> = None;
        for located in selection.iter_mut().flat_map(|(_, all)| all) {
            if located.entry.link_of.as_ref() != Some(&first.entry.path) {
                continue;
            }
            match &leader {
                Some(leader) => located.entry.link_of = Some(leader.clone()),
                None => {
                    leader = Some(located.entry.path.clone());
                    let path = located.entry.path.clone();
                    *located =
                        Located { entry: Entry { path, ..first.entry.clone() }, ..first.clone() };
                    located.has_links = true;
                }
            }
        }
        selection = regrouped(selection, &name, leader.as_deref());
    }
    Ok(selection)
}

/// Moves one entry to the shard that has its data, which here is only a name.
fn regrouped(selection: Selection, shard: &str, path: Option<&[u8]>) -> Selection {
    let mut moved = Vec::new();
    for (name, all) in selection {
        for located in all {
            let is_it = Some(&*located.entry.path) == path;
            let name = if is_it { shard.to_owned() } else { name.clone() };
            match moved.last_mut() {
                Some((last, all)) if *last == name => {
                    let all: &mut Vec<Located> = all;
                    all.push(located);
                }
                _ => moved.push((name, vec![located])),
            }
        }
    }
    moved
}

/// Pulls a packed home, or a selection of it.
pub(super) fn pull(
    mut run: Run,
    contents: &Contents,
    selection: Option<Selection>,
) -> Result<(), TransferError> {
    let is_all = selection.is_none();
    let earlier = if is_all { run.order.earlier.open()? } else { None };
    let mut pulling = Pulling { earlier, ..Pulling::default() };
    match selection {
        Some(selection) => {
            for (name, all) in selection {
                pulling.shard(&mut run, &name, all)?;
            }
        }
        None => {
            let mut ahead: VecDeque<JoinHandle<Result<Vec<Located>, TransferError>>> =
                VecDeque::new();
            let mut waiting = contents.shards.iter();
            for shard in &contents.shards {
                while ahead.len() < AHEAD
                    && let Some(next) = waiting.next()
                {
                    let (fetcher, prefix) = (run.fetcher.clone(), run.order.prefix.clone());
                    let next = next.clone();
                    let fetching = async move { fetch(&fetcher, &prefix, &next).await };
                    ahead.push_back(run.handle.spawn(fetching));
                }
                let Some(fetching) = ahead.pop_front() else { break };
                let all = run.handle.block_on(fetching).map_err(lost)??;
                pulling.shard(&mut run, &shard.name, all)?;
            }
        }
    }
    run.all_done()?;
    if is_all && pulling.summing.totals() != contents.totals {
        let why = "its shards do not sum up to its totals";
        return Err(TransferError::unsound(&below(&run.order.prefix, "packed.json"), why));
    }
    pulling.link(&mut run)?;
    Ok(run.folders.settle()?)
}

/// Reads the index of a shard, which has to be the one that is meant.
pub(super) async fn fetch(
    fetcher: &Fetcher,
    prefix: &str,
    shard: &ShardOf,
) -> Result<Vec<Located>, TransferError> {
    let key = index_key(prefix, &shard.name);
    let (_, stored) =
        fetcher.bytes(&key, None, None).await.map_err(|miss: Miss| fatal(&key, miss))?;
    if blake3::hash(&stored).to_hex().as_str() != shard.index_blake3 {
        return Err(TransferError::unsound(&key, "it is another one than packed.json names"));
    }
    let stored = fetcher.veil.open(&key, INDEX, stored.to_vec())?;
    let (header, all) = index::read(&key, &stored)?;
    if header.shard != shard.name || header.entries != shard.entries {
        return Err(TransferError::unsound(&key, "it is the index of another shard"));
    }
    Ok(all)
}

/// What is kept from one shard to the next.
#[derive(Default)]
struct Pulling {
    summing: Summing,
    links: Links,
    /// Further names, for when all files are in place, and what was left there.
    further: Vec<(Entry, Option<Box<Entry>>)>,
    /// What an earlier delivery left, as far as it comes behind what is done.
    earlier: Option<Earlier>,
}

impl Pulling {
    /// Hands out the entries of one shard, folders first where they come first.
    fn shard(&mut self, run: &mut Run, name: &str, all: Vec<Located>) -> Result<(), TransferError> {
        let mut unit = Unit::of(shard_key(&run.order.prefix, name));
        for located in all {
            let Located { mut entry, frames, at, xattrs, has_links } = located;
            (entry.stored_as, entry.origin, entry.notes) = (None, None, Vec::new());
            if has_links {
                run.landing.outcome.expect(&entry.path);
            }
            self.links.follow(&mut entry, has_links);
            self.summing.add(&entry);
            let before = left_of(&mut self.earlier, &entry)?;
            if entry.skip.is_some() {
                run.landing.note(entry);
                continue;
            }
            if let Some(skip) = unfit(&entry.path).or_else(|| unlikely(&entry, frames)) {
                run.landing.leave(&entry, skip);
                continue;
            }
            match (entry.kind, &entry.link_of) {
                (Kind::Directory, _) => {
                    run.folders.make(entry, xattrs)?;
                    continue;
                }
                (Kind::File, Some(_)) => {
                    self.further.push((entry, before));
                    continue;
                }
                (Kind::File, None) => entry.drop_special_bits(),
                (Kind::Symlink | Kind::Special, _) => {}
            }
            let place = match run.folders.find(split(&entry.path).0)? {
                Ok(place) => place,
                Err(skip) => {
                    run.landing.leave(&entry, skip);
                    continue;
                }
            };
            let item = Item { entry, before, xattrs, frames, at, place };
            if unit.is_full_with(&item) {
                unit = self.hand_out(run, unit)?;
            }
            unit.add(item);
        }
        self.hand_out(run, unit).map(drop)
    }

    fn hand_out(&self, run: &Run, unit: Unit) -> Result<Unit, TransferError> {
        let next = Unit::of(unit.key.clone());
        if !unit.is_empty() {
            run.hand_out(unit.pull(run.fetcher.clone(), Arc::clone(&run.landing)))?;
        }
        Ok(next)
    }

    /// Makes further names of files that are in place.
    fn link(self, run: &mut Run) -> Result<(), TransferError> {
        for (entry, before) in &self.further {
            let first = entry.link_of.as_ref().and_then(|first| run.landing.outcome.first(first));
            let place = run.folders.find(split(&entry.path).0)?;
            match (first, place) {
                (_, Err(skip)) => run.landing.leave(entry, skip),
                (None, _) => {
                    let why = "the file that it is a further name of is not in place";
                    run.landing.leave(entry, Skip::new(Class::Conflict, why));
                }
                (Some(first), Ok(place)) => {
                    let linked = run.landing.link(&place, (entry, before.as_deref()), &first);
                    run.landing.conclude(entry, linked);
                }
            }
        }
        match run.landing.outcome.failure() {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }
}

/// Tells why an entry of an index cannot be what it says.
fn unlikely(entry: &Entry, frames: Option<(u64, u64)>) -> Option<Skip> {
    let is_missing = match entry.kind {
        Kind::File if entry.link_of.is_none() => {
            entry.hash.is_none() || (frames.is_none() && entry.size > 0)
        }
        Kind::Symlink => entry.target.is_none(),
        Kind::Special => true,
        _ => false,
    };
    is_missing.then(|| Skip::new(Class::Unreadable, "the index does not say where its content is"))
}
