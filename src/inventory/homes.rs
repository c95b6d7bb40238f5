//! Measuring Classic homes on a mounted EFS: AWS has no API that tells the size of one.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use super::collect::Request;
use super::snapshot::{Home, OrphanHome, Snapshot, Unseen};
use crate::mover;
use crate::names::{FileSystemId, HomeUid};

/// Measures every home that the mount shows, and names those that nobody owns.
pub(super) fn measure(snapshot: &mut Snapshot, request: &Request<'_>, unseen: &mut Vec<Unseen>) {
    let Some(mount) = request.mount else { return };
    let mut owned: BTreeSet<(FileSystemId, HomeUid)> = BTreeSet::new();
    for domain in &mut snapshot.domains {
        let Some(file_system) = &domain.file_system else { continue };
        for profile in &mut domain.profiles {
            let Some(uid) = &profile.home_uid else { continue };
            owned.insert((file_system.clone(), uid.clone()));
            let path = root(mount, file_system).join(uid.as_str());
            profile.home = scanned(&path, &format!("{}/{}", domain.id, profile.name), unseen);
            if let Some(home) = &profile.home {
                (request.tell)(format!(
                    "home of {}: {} files, {} bytes",
                    profile.name, home.files, home.bytes
                ));
            }
        }
        for space in &domain.spaces {
            if let Some(uid) = &space.home_uid {
                owned.insert((file_system.clone(), uid.clone()));
            }
        }
    }
    for file_system in &mut snapshot.file_systems {
        let folder = root(mount, &file_system.id);
        for uid in homes_in(&folder) {
            if owned.contains(&(file_system.id.clone(), uid.clone())) {
                continue;
            }
            let subject = format!("{}/{uid}", file_system.id);
            if let Some(home) = scanned(&folder.join(uid.as_str()), &subject, unseen) {
                file_system.orphan_homes.push(OrphanHome { uid, home });
            }
        }
    }
}

/// The root of a file system: a folder of its name under the mount, or the mount itself.
fn root(mount: &Path, file_system: &FileSystemId) -> PathBuf {
    let named = mount.join(file_system.as_str());
    if named.is_dir() { named } else { mount.to_owned() }
}

/// Folders that are named as SageMaker names homes: by digits.
fn homes_in(folder: &Path) -> Vec<HomeUid> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut found: Vec<HomeUid> = entries
        .filter_map(Result::ok)
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| name.len() <= 10 && name.bytes().all(|byte| byte.is_ascii_digit()))
        .map(HomeUid::from)
        .collect();
    found.sort();
    found
}

fn scanned(path: &Path, subject: &str, unseen: &mut Vec<Unseen>) -> Option<Home> {
    match mover::scan(path, &|_| (), &AtomicBool::new(false)) {
        Ok(home) => Some(home),
        Err(error) => {
            unseen.push(Unseen {
                what: format!("the home at {}", path.display()),
                subject: subject.to_owned(),
                why: error.to_string(),
            });
            None
        }
    }
}
