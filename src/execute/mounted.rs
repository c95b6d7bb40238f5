//! Where a file system and its homes are on this machine: numbers of homes begin anew in every file system, so a wrong mount has a
//! home of the same number that is somebody else's. What tells by its files is in `same_home`.

use std::path::{Component, Path, PathBuf};
use std::sync::atomic::AtomicBool;

use super::failure::{Failure, chain};
use super::orphans::Orphan;
use crate::mover::scan;
use crate::names::{FileSystemId, HomeUid};

/// A file system as it is mounted here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mounted(PathBuf);

/// Finds a file system below the folder in which each is mounted under its id.
///
/// # Errors
/// There is no such folder, or the kernel says that another file system of EFS is mounted there.
pub fn mounted(mount: &Path, file_system: &FileSystemId) -> Result<Mounted, Failure> {
    let root = mount.join(file_system.as_str());
    let hint = format!(
        "mount {file_system} at a folder of that name, and give the folder above it with --mount"
    );
    if !root.is_dir() {
        let message = format!("{} has no folder {file_system}", mount.display());
        return Err(Failure::new(message).hinted(hint));
    }
    match other_mounted(&root, file_system) {
        Some(other) => {
            let message = format!("{other} is mounted at {}, not {file_system}", root.display());
            Err(Failure::new(message).hinted(hint))
        }
        None => Ok(Mounted(root)),
    }
}

/// The other file system of EFS that is mounted at a place, as far as the kernel says so.
pub fn other_mounted(place: &Path, file_system: &FileSystemId) -> Option<String> {
    let table = std::fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let here = place.canonicalize().unwrap_or_else(|_| place.to_owned());
    other(&table, &here, file_system)
}

/// The other file system that is mounted at a place, where its source says which it is: `fs-….efs.….amazonaws.com:/`. A mount
/// over TLS says `127.0.0.1:/`, and nothing is known.
fn other(table: &str, place: &Path, file_system: &FileSystemId) -> Option<String> {
    let holds = |line: &&str| {
        line.split(' ').nth(4).is_some_and(|at| place.starts_with(at.replace(r"\040", " ")))
    };
    let length = |line: &&str| line.split(' ').nth(4).map(str::len);
    // Of two at the same place, the later lies on top.
    let line = table.lines().filter(holds).max_by_key(length)?;
    let mut said = line.split_once(" - ")?.1.split(' ');
    let (kind, source) = (said.next()?, said.next()?);
    let name = source.split(['.', ':']).find(|part| part.starts_with("fs-"))?;
    (kind.starts_with("nfs") && name != file_system.as_str()).then(|| name.to_owned())
}

impl Mounted {
    /// Returns the home of an orphan, once it is clear that it is what the inventory saw. It is only looked at.
    ///
    /// # Errors
    /// It is not there, no folder, or holds something else than it did.
    pub async fn home(&self, orphan: &Orphan) -> Result<PathBuf, Failure> {
        let home = self.folder(&orphan.uid)?;
        let Some(seen) = &orphan.home else { return Ok(home) };
        let looked_at = home.clone();
        let now =
            tokio::task::spawn_blocking(move || scan(&looked_at, &|_| (), &AtomicBool::new(false)));
        let now = now
            .await
            .map_err(|error| Failure::new(format!("the home cannot be looked at: {error}")))?
            .map_err(|error| {
                Failure::new(format!("the home cannot be looked at: {}", chain(&error)))
            })?;
        if (now.files, now.bytes, now.symlinks) == (seen.files, seen.bytes, seen.symlinks) {
            return Ok(home);
        }
        Err(Failure::new(format!(
            "{} has {} files of {} bytes, and the inventory saw {} of {} on {}",
            home.display(),
            now.files,
            now.bytes,
            seen.files,
            seen.bytes,
            orphan.file_system
        ))
        .hinted(format!("if that file system is mounted there, the home was changed: take an inventory with --mount again, and with `--believe {}` where that takes it for another", orphan.name())))
    }

    /// Returns a folder at the top; a link is none.
    ///
    /// # Errors
    /// It is not there.
    pub fn folder(&self, uid: &HomeUid) -> Result<PathBuf, Failure> {
        let folder = self.0.join(uid.as_str());
        let mut steps = Path::new(uid.as_str()).components();
        let is_name = matches!((steps.next(), steps.next()), (Some(Component::Normal(_)), None));
        if is_name && folder.is_dir() && !folder.is_symlink() {
            return Ok(folder);
        }
        Err(Failure::new(format!("there is no home at {}", folder.display()))
            .hinted("look whether the file system is mounted there"))
    }

    /// Returns what lies at the top: folders, and names of what is none. Names that are no text are escaped, and a folder of such
    /// a name counts as none.
    ///
    /// # Errors
    /// It cannot be listed.
    pub fn top(&self) -> Result<(Vec<String>, Vec<String>), Failure> {
        let failed = |error: std::io::Error| {
            Failure::new(format!("{} cannot be listed: {error}", self.0.display()))
        };
        let (mut folders, mut others) = (Vec::new(), Vec::new());
        for entry in std::fs::read_dir(&self.0).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let is_folder = entry.file_type().map_err(failed)?.is_dir();
            match entry.file_name().into_string() {
                Ok(name) if is_folder => folders.push(name),
                Ok(name) => others.push(name),
                Err(name) => others.push(name.to_string_lossy().into_owned()),
            }
        }
        folders.sort();
        others.sort();
        Ok((folders, others))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_file_system_is_told_by_what_the_kernel_says_of_the_mount() {
        let table = "22 1 8:1 / / rw shared:1 - ext4 /dev/sda1 rw\n\
            50 22 0:40 / /efs/fs-0a rw shared:2 - nfs4 fs-0b.efs.eu-west-1.amazonaws.com:/ rw\n\
            51 22 0:41 / /efs/fs-0c rw - nfs4 127.0.0.1:/ rw\n";
        let other = |place: &str, id: &str| other(table, Path::new(place), &id.into());
        assert_eq!(other("/efs/fs-0a", "fs-0a").as_deref(), Some("fs-0b"));
        assert_eq!(other("/efs/fs-0a", "fs-0b"), None);
        assert_eq!(other("/efs/fs-0c", "fs-0c"), None);
        assert_eq!(other("/efs/fs-0ab", "fs-0ab"), None);
    }
}
