//! Measuring Classic homes on a mounted EFS: AWS has no API that tells the size of one.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use super::collect::Request;
use super::notes::Notes;
use super::snapshot::Snapshot;
use super::storage::OrphanHome;
use crate::mover::{self, Homes};
use crate::names::{FileSystemId, HomeUid, counted};

/// Takes in every home that the mount, or a scan of it, shows, and names those that nobody owns.
pub(super) fn measure(snapshot: &mut Snapshot, request: &Request<'_>, notes: &mut Notes) {
    let Some(mount) = request.mount else { return };
    let is_whole = snapshot.is_whole();
    let of_domains: BTreeSet<FileSystemId> =
        snapshot.domains.iter().filter_map(|domain| domain.file_system.clone()).collect();
    for id in all(snapshot) {
        let places = places(mount, snapshot, &id);
        let Some(place) = places.first().cloned() else {
            if of_domains.contains(&id) {
                let why = format!(
                    "{} holds neither a folder {id} nor a scan {id}.json, and could be any of {} file systems",
                    mount.display(),
                    of_domains.len()
                );
                notes.unseen("the homes", id.as_str(), why);
            }
            continue;
        };
        let homes = match read_all(&places) {
            Ok(homes) => homes,
            Err(why) => {
                notes.unseen(&format!("the homes at {}", place.display()), id.as_str(), why);
                continue;
            }
        };
        let owned = give_out(snapshot, (&id, &place), &homes, request, notes);
        let file_system = snapshot.file_systems.iter_mut().find(|known| known.id == id);
        let Some(file_system) = file_system else { continue };
        // Whoever is in a domain that was not looked at may own what nobody seems to.
        let is_of_seen = of_domains.contains(&id);
        if !is_of_seen && !is_whole {
            continue;
        }
        let rows = homes.homes.into_iter().map(|row| (HomeUid::from(row.home), row.scan));
        let orphans = rows.filter(|(uid, _)| !owned.contains(uid));
        file_system.orphan_homes.extend(orphans.map(|(uid, home)| OrphanHome {
            uid,
            home,
            ..OrphanHome::default()
        }));
    }
}

/// Every file system of the domains, and those that are described.
fn all(snapshot: &Snapshot) -> BTreeSet<FileSystemId> {
    let of_domains = snapshot.domains.iter().filter_map(|domain| domain.file_system.clone());
    of_domains.chain(snapshot.file_systems.iter().map(|one| one.id.clone())).collect()
}

/// Where the homes of a file system are under a mount: the folder of its name, the scans of its name, or the mount itself where it
/// can be no other's; the last that tells of a home counts.
pub fn places(mount: &Path, snapshot: &Snapshot, id: &FileSystemId) -> Vec<PathBuf> {
    let by_name = named(mount, id);
    if !by_name.is_empty() || all(snapshot).iter().any(|id| !named(mount, id).is_empty()) {
        return by_name;
    }
    let of_domains: BTreeSet<_> =
        snapshot.domains.iter().filter_map(|domain| domain.file_system.as_ref()).collect();
    // A mount that does not say whose it is can only be the one there is: uids begin anew in every domain.
    match Vec::from_iter(of_domains).as_slice() {
        [only] if *only == id => vec![mount.to_owned()],
        _ => by_name,
    }
}

/// Gives the profiles of a file system their homes, and returns which homes somebody owns.
fn give_out(
    snapshot: &mut Snapshot,
    (file_system, place): (&FileSystemId, &Path),
    homes: &Homes,
    request: &Request<'_>,
    notes: &mut Notes,
) -> BTreeSet<HomeUid> {
    let mut owned = BTreeSet::new();
    let domains = snapshot.domains.iter_mut();
    for domain in domains.filter(|domain| domain.file_system.as_ref() == Some(file_system)) {
        for profile in &mut domain.profiles {
            let Some(uid) = &profile.home_uid else { continue };
            owned.insert(uid.clone());
            profile.home = homes.find(uid.as_str()).cloned();
            match &profile.home {
                Some(home) => (request.tell)(format!(
                    "home of {}: {}, {}",
                    profile.name,
                    counted(home.files, "file", "files"),
                    counted(home.bytes, "byte", "bytes")
                )),
                None => notes.unseen(
                    &format!("the home {uid} at {}", place.display()),
                    &format!("{}/{}", domain.id, profile.name),
                    "nothing of that name is there",
                ),
            }
        }
        for space in &mut domain.spaces {
            let Some(uid) = &space.home_uid else { continue };
            owned.insert(uid.clone());
            space.home = homes.find(uid.as_str()).cloned();
        }
    }
    owned
}

/// Where the homes of a file system are, by its name: a folder, or scans of the whole or of one home each.
fn named(mount: &Path, file_system: &FileSystemId) -> Vec<PathBuf> {
    let folder = mount.join(file_system.as_str());
    if folder.exists() {
        return vec![folder];
    }
    let is_scan = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let rest = name.strip_prefix(file_system.as_str());
        rest.is_some_and(|rest| rest.starts_with('.') && rest.ends_with(".json"))
    };
    let entries = std::fs::read_dir(mount).into_iter().flatten().flatten();
    let mut scans: Vec<_> = entries.map(|entry| entry.path()).filter(is_scan).collect();
    scans.sort();
    scans
}

/// Reads every place; where two tell of one home, the one whose name comes last is taken.
fn read_all(places: &[PathBuf]) -> Result<Homes, String> {
    let mut rows = BTreeMap::new();
    for place in places {
        let homes = read(place).map_err(|why| match places.len() {
            1 => why,
            _ => format!("{}: {why}", place.display()),
        })?;
        rows.extend(homes.homes.into_iter().map(|row| (row.home.clone(), row)));
    }
    Ok(Homes { schema: Homes::SCHEMA, homes: rows.into_values().collect(), ..Homes::default() })
}

/// Scans a mounted file system, or reads what `mover scan --format json` wrote: with `--per-home` where it is mounted, or with
/// `--as-home` inside a space that sees one home.
fn read(place: &Path) -> Result<Homes, String> {
    if place.is_dir() {
        return mover::scan_homes(place, &|_| (), &AtomicBool::new(false))
            .map_err(|error| error.to_string());
    }
    let text = std::fs::read(place).map_err(|error| error.to_string())?;
    let homes: Homes = serde_json::from_slice(&text)
        .map_err(|error| format!("it is no scan of homes: {error}"))?;
    match homes.schema {
        Homes::SCHEMA => Ok(homes),
        other => {
            Err(format!("it is a scan of schema {other}, and this program reads {}", Homes::SCHEMA))
        }
    }
}
