//! Whether a copy may begin: the two directories lie apart, and the destination has room.

use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, StatxFlags};

use super::entry::{Kind, mtime, size};
use super::error::Error;
use super::path::{escape, join, split};
use super::tree::{Tree, file_type};
use super::walk::Found;
use crate::playbook::Conflict;

/// The block that a file system gives at least.
const BLOCK: u64 = 4096;

/// Makes sure that neither directory holds the other, and makes the destination.
///
/// Real paths decide. A home that is mounted below the destination is another directory, wherever it is reached.
pub(super) fn apart(home: &Path, destination: &Path) -> Result<(), Error> {
    let refused =
        |path: &Path, source| Error::io("cannot reach", path.as_os_str().as_bytes(), source);
    let nested = || Error::Nested {
        home: escape(home.as_os_str().as_bytes()),
        destination: escape(destination.as_os_str().as_bytes()),
    };
    let real_home = home.canonicalize().map_err(|source| refused(home, source))?;
    // Nothing is made before this is known: it could be made in the home.
    if real(destination).starts_with(&real_home) {
        return Err(nested());
    }
    std::fs::create_dir_all(destination).map_err(|source| refused(destination, source))?;
    let real_destination =
        destination.canonicalize().map_err(|source| refused(destination, source))?;
    if real_destination.starts_with(&real_home) {
        return Err(nested());
    }
    if real_home.starts_with(&real_destination) && !is_mounted_below(&real_home, &real_destination)
    {
        return Err(nested());
    }
    let (one, other) = (home.metadata(), destination.metadata());
    match (one, other) {
        (Ok(one), Ok(other)) if (one.dev(), one.ino()) == (other.dev(), other.ino()) => {
            Err(nested())
        }
        _ => Ok(()),
    }
}

/// Returns the real path of something that may not be there yet.
fn real(path: &Path) -> PathBuf {
    let mut rest = Vec::new();
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut at = absolute.as_path();
    loop {
        if let Ok(real) = at.canonicalize() {
            return rest.iter().rev().fold(real, |real, name| real.join(name));
        }
        match (at.parent(), at.file_name()) {
            (Some(parent), Some(name)) => {
                rest.push(name);
                at = parent;
            }
            _ => return absolute,
        }
    }
}

/// Tells whether another file system is mounted between the two.
pub(super) fn is_mounted_below(inner: &Path, outer: &Path) -> bool {
    let mount = |path: &Path| {
        let mask = StatxFlags::MNT_ID | StatxFlags::BASIC_STATS;
        let statx = rustix::fs::statx(CWD, path, AtFlags::empty(), mask).ok()?;
        Some((statx.stx_dev_major, statx.stx_dev_minor, statx.stx_mnt_id))
    };
    matches!((mount(inner), mount(outer)), (Some(inner), Some(outer)) if inner != outer)
}

/// What a copy needs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Needs {
    pub(super) bytes: u64,
    pub(super) inodes: u64,
}

impl std::ops::AddAssign for Needs {
    fn add_assign(&mut self, other: Self) {
        self.bytes += other.bytes;
        self.inodes += other.inodes;
    }
}

/// Estimates what one entry will take: holes nothing, and what seems to be at the destination already nothing either.
pub(super) fn need(found: &Found, destination: Option<&Tree>, conflict: Conflict) -> Needs {
    let path: &[u8] = &found.entry.path;
    let is_there = |at: &rustix::fs::Stat| {
        Kind::from(file_type(at)) == found.entry.kind
            && (found.entry.kind == Kind::Directory
                || (mtime(at) == found.entry.mtime
                    && (found.entry.kind != Kind::File || size(at) == found.entry.size)))
    };
    let stays = destination.is_some_and(|destination| {
        let there = destination.stat(path).ok();
        there.as_ref().is_some_and(|at| match conflict {
            Conflict::Refuse => true,
            Conflict::KeepBoth => {
                is_there(at) || beside(destination, path).is_some_and(|at| is_there(&at))
            }
            Conflict::SourceWins | Conflict::NewerWins => is_there(at),
        })
    });
    if stays { Needs::default() } else { Needs { bytes: bytes(found), inodes: 1 } }
}

fn beside(destination: &Tree, path: &[u8]) -> Option<rustix::fs::Stat> {
    let (folder, name) = split(path);
    destination.stat(&join(folder, &[name, b".classic"].concat())).ok()
}

fn bytes(found: &Found) -> u64 {
    match found.entry.kind {
        Kind::File if found.entry.size <= BLOCK => found.entry.size.min(1) * BLOCK,
        Kind::File => found.entry.size.min(found.allocated).div_ceil(BLOCK) * BLOCK,
        Kind::Directory => BLOCK,
        Kind::Symlink | Kind::Special => 0,
    }
}

/// Makes sure that the destination has room, with a twentieth to spare; returns what is needed with that.
pub(super) fn check(needs: Needs, destination: &Tree) -> Result<u64, Error> {
    let with_spare = needs.bytes + needs.bytes / 20;
    let Some((has, inodes)) = free(destination) else { return Ok(with_spare) };
    if with_spare > has {
        return Err(Error::NoRoom { needs: with_spare, has });
    }
    match inodes {
        Some(has) if needs.inodes > has => Err(Error::NoInodes { needs: needs.inodes, has }),
        _ => Ok(with_spare),
    }
}

/// Gives an error about a full destination its numbers, which whoever met it did not know.
pub(super) fn counted(error: Error, needs: u64, destination: &Tree) -> Error {
    let Error::NoRoom { .. } = error else { return error };
    let has = free(destination).map_or(0, |(bytes, _)| bytes);
    Error::NoRoom { needs: needs.max(has + 1), has }
}

/// Returns the free bytes, and the free inodes where the file system has a limit.
fn free(destination: &Tree) -> Option<(u64, Option<u64>)> {
    let room = rustix::fs::fstatvfs(destination.root()).ok()?;
    let inodes = (room.f_files > 0).then_some(room.f_favail);
    Some((room.f_bavail.saturating_mul(room.f_frsize), inodes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directories_within_one_another_are_refused_and_nothing_is_made() {
        let root = tempfile::tempdir().unwrap();
        let home = root.path().join("home");
        std::fs::create_dir(&home).unwrap();
        std::os::unix::fs::symlink(&home, root.path().join("link")).unwrap();
        for destination in [
            home.clone(),
            home.join("new/below"),
            root.path().to_owned(),
            root.path().join("link/new"),
        ] {
            let refused = apart(&home, &destination);
            assert!(
                matches!(refused, Err(Error::Nested { .. })),
                "{}: {refused:?}",
                destination.display()
            );
        }
        assert_eq!(std::fs::read_dir(&home).unwrap().count(), 0);
    }

    #[test]
    fn a_home_that_is_reached_over_a_link_in_the_destination_lies_elsewhere() {
        let root = tempfile::tempdir().unwrap();
        let (home, destination) = (root.path().join("efs"), root.path().join("ebs"));
        std::fs::create_dir(&home).unwrap();
        std::fs::create_dir(&destination).unwrap();
        std::os::unix::fs::symlink(&home, destination.join("user-default-efs")).unwrap();
        apart(&destination.join("user-default-efs"), &destination).unwrap();
    }

    #[test]
    fn too_little_room_is_told_with_both_numbers() {
        let root = tempfile::tempdir().unwrap();
        let tree = Tree::open(root.path()).unwrap();
        let refused = check(Needs { bytes: 1 << 60, inodes: 1 }, &tree);
        assert!(
            matches!(refused, Err(Error::NoRoom { needs, has }) if needs == (1 << 60) + (1 << 60) / 20 && has < needs)
        );
        assert_eq!(check(Needs { bytes: 100, inodes: 1 }, &tree).unwrap(), 105);
    }
}
