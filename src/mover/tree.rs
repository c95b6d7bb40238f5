//! Reaching into a directory tree without ever following a symbolic link, however deep it is.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, RawDir, ResolveFlags, Stat};
use rustix::io::Errno;

use super::error::Error;
use super::path;

/// Longer paths are walked in stages, because the kernel takes 4,096 bytes at once.
const LONGEST: usize = 4000;

/// Bytes of a longer path between two places from which the rest of the way is walked.
const STAGE: usize = 2000;

/// An open root directory. The way to the root may lead over links; below it none is followed.
#[derive(Debug)]
pub(super) struct Tree {
    root: OwnedFd,
    /// The stage on the way to a long path that was reached last: its neighbours begin there.
    stage: Mutex<Option<Stage>>,
}

/// A directory that is kept open, with its path.
type Stage = (Box<[u8]>, Arc<OwnedFd>);

impl Tree {
    pub(super) fn open(root: &Path) -> Result<Self, Error> {
        use std::os::unix::ffi::OsStrExt;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let opened = rustix::fs::open(root, flags, Mode::empty());
        let refused =
            |errno| Error::io("cannot open the directory", root.as_os_str().as_bytes(), errno);
        Ok(Self { root: opened.map_err(refused)?, stage: Mutex::new(None) })
    }

    pub(super) fn root(&self) -> BorrowedFd<'_> {
        self.root.as_fd()
    }

    /// Opens a directory as a place only, for which the right to search it is enough.
    pub(super) fn place(&self, folder: &[u8]) -> Result<OwnedFd, Errno> {
        self.directory(folder, OFlags::PATH)
    }

    /// Opens a directory to list it.
    pub(super) fn listing(&self, folder: &[u8]) -> Result<OwnedFd, Errno> {
        self.directory(folder, OFlags::RDONLY)
    }

    /// Looks at an entry.
    pub(super) fn stat(&self, at: &[u8]) -> Result<Stat, Errno> {
        let (folder, name) = path::split(at);
        lstat(&self.place(folder)?, name)
    }

    fn directory(&self, folder: &[u8], access: OFlags) -> Result<OwnedFd, Errno> {
        let flags = access | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        if folder.is_empty() {
            return rustix::fs::openat(&self.root, ".", flags, Mode::empty());
        }
        // No path of a home has such a step, but a manifest that somebody changed may.
        if !path::is_plain(folder) {
            return Err(Errno::NOENT);
        }
        match stage_of(folder) {
            None => open_below(self.root.as_fd(), folder, flags),
            Some(stage) => {
                let at = self.stage(&folder[..stage])?;
                open_below(at.as_fd(), &folder[stage + 1..], flags)
            }
        }
    }

    /// Opens a directory on the way to a long path, and keeps it for the next one.
    fn stage(&self, folder: &[u8]) -> Result<Arc<OwnedFd>, Errno> {
        let kept = || self.stage.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, opened)) = kept().as_ref().filter(|(path, _)| **path == *folder) {
            return Ok(Arc::clone(opened));
        }
        let opened = Arc::new(self.directory(folder, OFlags::PATH)?);
        *kept() = Some((folder.into(), Arc::clone(&opened)));
        Ok(opened)
    }
}

/// Returns where the last stage on the way to a path ends; none when it is short enough to be opened at once.
fn stage_of(folder: &[u8]) -> Option<usize> {
    if folder.len() <= LONGEST {
        return None;
    }
    // Paths that are about as long, and lie in the same place, have the same stage.
    let end = (folder.len() - 1) / STAGE * STAGE;
    folder[..end].iter().rposition(|byte| *byte == b'/')
}

/// Opens a directory below another, and follows no link on the way.
fn open_below(at: BorrowedFd<'_>, folder: &[u8], flags: OFlags) -> Result<OwnedFd, Errno> {
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    match rustix::fs::openat2(at, folder, flags, Mode::empty(), resolve) {
        // An old kernel, a container that forbids the call, or a rename that got in the way or led out.
        Err(Errno::NOSYS | Errno::PERM | Errno::AGAIN | Errno::XDEV) => {
            step_by_step(at, folder, flags)
        }
        done => done,
    }
}

fn step_by_step(at: BorrowedFd<'_>, folder: &[u8], flags: OFlags) -> Result<OwnedFd, Errno> {
    let on_the_way = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let (parent, last) = path::split(folder);
    let mut at = rustix::fs::openat(at, ".", on_the_way, Mode::empty())?;
    for step in parent.split(|byte| *byte == b'/').filter(|step| !step.is_empty()) {
        at = rustix::fs::openat(&at, step, on_the_way, Mode::empty())?;
    }
    rustix::fs::openat(&at, last, flags, Mode::empty())
}

/// Looks at an entry of an open directory, never through a link.
pub(super) fn lstat(folder: impl AsFd, name: &[u8]) -> Result<Stat, Errno> {
    rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW)
}

/// Looks at an entry that may not be there.
pub(super) fn lstat_if_there(folder: impl AsFd, name: &[u8]) -> Result<Option<Stat>, Errno> {
    match lstat(folder, name) {
        Ok(stat) => Ok(Some(stat)),
        Err(Errno::NOENT) => Ok(None),
        Err(errno) => Err(errno),
    }
}

/// A name in a directory and its type.
pub(super) type Named = (Box<[u8]>, FileType);

/// Names that are listed at once.
const NAMES: usize = 1024;

/// What the kernel fills at once, in bytes.
const LISTING: usize = 64 * 1024;

/// Adds further names of an open directory with their types, if the directory tells. True when there are no more.
pub(super) fn more_names(
    folder: impl AsFd,
    buffer: &mut Vec<u8>,
    names: &mut Vec<Named>,
) -> Result<bool, Errno> {
    buffer.reserve(LISTING);
    let mut listing = RawDir::new(folder, buffer.spare_capacity_mut());
    while names.len() < NAMES || !listing.is_buffer_empty() {
        let Some(entry) = listing.next() else { return Ok(true) };
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if name != b"." && name != b".." {
            names.push((name.into(), entry.file_type()));
        }
    }
    Ok(false)
}

/// Returns all names in a directory with their types, if the directory tells.
pub(super) fn names(folder: OwnedFd) -> Result<Vec<Named>, Errno> {
    let (mut buffer, mut names) = (Vec::new(), Vec::new());
    loop {
        let mut more = Vec::new();
        let is_over = more_names(&folder, &mut buffer, &mut more)?;
        names.append(&mut more);
        if is_over {
            return Ok(names);
        }
    }
}

/// Gives a folder a mode, never through a link that took its place a moment ago: then it is [`Errno::NOTDIR`].
pub(super) fn set_folder_mode(parent: impl AsFd, name: &[u8], mode: Mode) -> Result<(), Errno> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let folder = rustix::fs::openat(parent, name, flags, Mode::empty())?;
    match rustix::fs::chmodat(&folder, ".", mode, AtFlags::empty()) {
        // Whoever may not search it may not name it from within; its descriptor leads to that very folder.
        Err(Errno::ACCESS) => {
            let itself = format!("/proc/self/fd/{}", folder.as_raw_fd());
            rustix::fs::chmod(itself, mode)
        }
        done => done,
    }
}

/// Makes a change in a folder, and lets its owner in first where the folder is read-only to them too.
///
/// Only folders of the copy are written into, and each of them gets its mode in the end.
pub(super) fn letting_in<T>(
    folder: impl AsFd,
    change: impl Fn() -> Result<T, Errno>,
) -> Result<T, Errno> {
    match change() {
        Err(Errno::ACCESS) => {
            let stat = lstat(&folder, b".")?;
            if stat.st_mode & 0o200 != 0 {
                return Err(Errno::ACCESS);
            }
            let mode = Mode::from_raw_mode((stat.st_mode & 0o7777) | 0o700);
            rustix::fs::chmodat(&folder, ".", mode, AtFlags::empty())?;
            change()
        }
        done => done,
    }
}

/// Tells whether an errno means that the destination is full.
pub(super) fn is_full(errno: Errno) -> bool {
    matches!(errno, Errno::NOSPC | Errno::DQUOT)
}

pub(super) fn file_type(stat: &Stat) -> FileType {
    FileType::from_raw_mode(stat.st_mode)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_link_on_the_way_is_followed() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(root.path().join("real/inner")).unwrap();
        std::os::unix::fs::symlink("real", root.path().join("link")).unwrap();
        let tree = Tree::open(root.path()).unwrap();
        assert!(tree.place(b"real/inner").is_ok());
        assert!(tree.place(b"link/inner").is_err());
        assert!(tree.listing(b"link").is_err());
        assert!(
            [b"..".as_slice(), b"real/..", b"/", b"/etc", b"real//inner", b"./real"]
                .iter()
                .all(|way| tree.place(way).is_err())
        );
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW;
        assert!(step_by_step(tree.root(), b"real/inner", flags).is_ok());
        assert!(step_by_step(tree.root(), b"link/inner", flags).is_err());
    }
}
