//! What is at a place already, and what it is to what arrives.

use std::os::fd::BorrowedFd;

use rustix::fs::{FileType, Stat};

use super::super::decide::{Hitch, Likeness};
use super::super::entry::{Entry, mtime, size};
use super::super::lift::open_own;
use super::super::tree::{file_type, lstat_if_there};

/// Looks at a name; none where nothing is.
pub(super) fn look(folder: BorrowedFd<'_>, name: &[u8]) -> Result<Option<Stat>, Hitch> {
    lstat_if_there(folder, name)
        .map_err(|errno| Hitch::at_destination(errno, "cannot look at", name))
}

/// Tells what a file that is there is to one that is to go to its place, next to what an earlier delivery brought there. It is
/// read only where its size says that it may be one of the two.
pub(super) fn likeness(
    folder: BorrowedFd<'_>,
    (name, there): (&[u8], &Stat),
    entry: &Entry,
    before: Option<&Entry>,
) -> Likeness {
    let could_be = |one: &Entry| one.size == size(there);
    let may_be_untouched =
        |before: &&Entry| before.hash.is_some() && could_be(before) && before.mtime == mtime(there);
    let untouched = before.filter(may_be_untouched);
    if !could_be(entry) && untouched.is_none() {
        return Likeness::to(before, false);
    }
    let hash = hash_of(folder, name, there);
    if could_be(entry) && hash == entry.hash {
        return Likeness::Same;
    }
    Likeness::to(before, untouched.is_some_and(|before| hash.is_some() && hash == before.hash))
}

/// Returns the hash of a regular file that is there; none when it cannot be read or is no such file.
pub(super) fn hash_of(folder: BorrowedFd<'_>, name: &[u8], there: &Stat) -> Option<[u8; 32]> {
    if file_type(there) != FileType::RegularFile {
        return None;
    }
    let file = std::fs::File::from(open_own(folder, name).ok()?);
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(file).ok()?;
    Some(*hasher.finalize().as_bytes())
}

/// Tells what is there to a symbolic link that is to go to its place.
pub(super) fn likeness_of_link(
    folder: BorrowedFd<'_>,
    (name, there): (&[u8], &Stat),
    target: &[u8],
    before: Option<&Entry>,
) -> Likeness {
    let is_link = file_type(there) == FileType::Symlink;
    let held = is_link.then(|| rustix::fs::readlinkat(folder, name, Vec::new()).ok()).flatten();
    let Some(held) = held else { return Likeness::to(before, false) };
    if held.as_bytes() == target {
        return Likeness::Same;
    }
    let is_untouched = before.is_some_and(|before| {
        before.is_selected()
            && before.target.as_deref() == Some(held.as_bytes())
            && before.mtime == mtime(there)
    });
    Likeness::to(before, is_untouched)
}

/// Tells whether a name looks like one beside another, so that it has to be known as taken.
pub(super) fn looks_beside(path: &[u8]) -> bool {
    let digits = path.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    let rest = &path[..path.len() - digits];
    rest.ends_with(b".classic-") || (digits == 0 && rest.ends_with(b".classic"))
}
