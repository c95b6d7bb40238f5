//! Preparing: the source is listed and compared with the destination.

use std::collections::{BTreeMap, BTreeSet};

use crate::sim::World;
use crate::sim::bucket::{Direct, Seen};
use crate::sim::studio::Members;

use super::filter::Filter;
use super::options::word;
use super::plan::{Deed, Plan, Planned, Skip, key};
use super::records::{Count, Counts, Execution, Failure, Problem, Symlinks, Times};
use super::source::{Found, Item, Kind, Source};
use super::{manifest, metadata};

/// Where an execution takes from and brings to.
#[derive(Clone, Debug)]
pub(super) struct Route {
    pub(super) source: Source,
    pub(super) bucket: String,
    pub(super) prefix: String,
    pub(super) role: String,
    pub(super) options: Members,
    pub(super) symlinks: Symlinks,
    pub(super) times: Times,
}

impl Route {
    /// The user metadata that an item's object has.
    pub(super) fn metadata(&self, item: &Item) -> BTreeMap<String, String> {
        metadata::of(item, &self.options, self.times)
    }
}

/// What preparing came to.
#[derive(Debug, Default)]
pub(super) struct Prepared {
    pub(super) plan: Plan,
    pub(super) counts: Counts,
    pub(super) failures: Vec<Failure>,
}

/// Lists, compares, and decides what is to be done.
///
/// # Errors
///
/// The source cannot be listed at all, or the destination not.
pub(super) fn prepare(
    world: &World,
    route: &Route,
    execution: &Execution,
) -> Result<Prepared, Problem> {
    let filter = |name: &str, read: fn(Option<&_>) -> _| {
        let filter: Result<Option<Filter>, crate::sim::wire::Refusal> =
            read(execution.members.get(name));
        filter.map_err(|refusal| Problem::new(&refusal.code, refusal.message))
    };
    let includes = filter("Includes", Filter::of_includes)?;
    let excludes = filter("Excludes", Filter::of)?;
    let Found { items, failures } = match execution.members.get("ManifestConfig") {
        Some(config) => manifest::list(world, config, &route.source)?,
        None => route.source.list(includes.as_ref()),
    };
    let mut prepared = Prepared { failures, ..Prepared::default() };
    // What is excluded was listed all the same.
    for item in &items {
        add(&mut prepared.counts.listed, item, 1);
    }
    let is_excluded =
        |path: &str| excludes.as_ref().is_some_and(|filter| path != "/" && filter.fits(path));
    prepared.failures.retain(|failure| !is_excluded(&failure.path));
    let there = there(world, route)?;
    let mut wanted = BTreeSet::new();
    for item in items.into_iter().filter(|item| !is_excluded(&item.path)) {
        let key = key(&route.prefix, &item);
        if key.is_empty() {
            continue;
        }
        let deed = decide(route, &item, there.get(&key));
        wanted.insert(key);
        match &deed {
            Deed::Copy { has_content, .. } => {
                add(&mut prepared.counts.to_transfer, &item, 1);
                prepared.counts.bytes_to_transfer += if *has_content { item.size } else { 0 };
            }
            Deed::Skip(_) => add(&mut prepared.counts.skipped, &item, 1),
            Deed::Delete => {}
        }
        prepared.plan.all.push(Planned { item, deed });
    }
    if word(&route.options, "PreserveDeletedFiles") == "REMOVE" {
        // That filters hold for what is deleted as well is inferred: what was not to be transferred is not looked at.
        let is_in = |path: &str| {
            includes.as_ref().is_none_or(|filter| filter.fits(path)) && !is_excluded(path)
        };
        remove(route, &mut prepared, &there, &wanted, is_in);
    }
    Ok(prepared)
}

/// What is below the prefix. Transferring all does not look at the destination; what it overwrites is found out one by one.
fn there(world: &World, route: &Route) -> Result<BTreeMap<String, Seen>, Problem> {
    Direct::new(world)
        .below(&route.bucket, &route.prefix)
        .map_err(|error| Problem::new("FailedToListDestination", error.to_string()))
}

/// Decides about one item by what is there of its name.
fn decide(route: &Route, item: &Item, there: Option<&Seen>) -> Deed {
    if item.kind == Kind::Special {
        return Deed::Skip(Skip::Special);
    }
    if item.kind == Kind::Link && route.symlinks == Symlinks::Skip {
        return Deed::Skip(Skip::Link);
    }
    let Some(there) = there else { return Deed::Copy { overwrites: false, has_content: true } };
    let is_all = word(&route.options, "TransferMode") == "ALL";
    let metadata = route.metadata(item);
    let is_same_time = |all: &BTreeMap<String, String>| all.get(metadata::MTIME).cloned();
    // Size and time tell whether content has changed; without a time that is kept nothing does.
    let has_time = is_same_time(&metadata).is_some();
    let has_content = is_all
        || there.size != item.size
        || !has_time
        || is_same_time(&metadata) != is_same_time(&there.metadata);
    if !has_content && metadata::is_same(&metadata, &there.metadata) {
        return Deed::Skip(Skip::Unchanged);
    }
    if word(&route.options, "OverwriteMode") == "NEVER" {
        return Deed::Skip(Skip::NeverOverwritten);
    }
    Deed::Copy { overwrites: true, has_content }
}

/// Plans to remove what the destination has and the source has not.
fn remove(
    route: &Route,
    prepared: &mut Prepared,
    there: &BTreeMap<String, Seen>,
    wanted: &BTreeSet<String>,
    is_in: impl Fn(&str) -> bool,
) {
    // What could not be read at the source is not known to be gone.
    let failed: Vec<String> = prepared.failures.iter().map(|one| one.path.clone()).collect();
    let is_uncertain = |path: &str| {
        failed.iter().any(|one| path == one || path.starts_with(&format!("{one}/")) || one == "/")
    };
    // What is in a folder goes before the folder.
    for (key, seen) in there.iter().rev() {
        let path = key.strip_prefix(&route.prefix).unwrap_or(key);
        if path.is_empty() {
            continue;
        }
        let kind = if path.ends_with('/') { Kind::Folder } else { Kind::File };
        let path = format!("/{}", path.trim_end_matches('/'));
        let item = Item {
            kind,
            size: seen.size,
            mtime: (0, 0),
            atime: (0, 0),
            mode: 0,
            uid: 0,
            gid: 0,
            path,
        };
        add(&mut prepared.counts.listed_there, &item, 1);
        if !wanted.contains(key) && is_in(&item.path) && !is_uncertain(&item.path) {
            add(&mut prepared.counts.to_delete, &item, 1);
            prepared.plan.all.push(Planned { item, deed: Deed::Delete });
        }
    }
}

/// Counts an item with its kind.
pub(super) fn add(count: &mut Count, item: &Item, number: u64) {
    match item.kind {
        Kind::Folder => count.folders += number,
        Kind::File | Kind::Link | Kind::Special => count.files += number,
    }
}
