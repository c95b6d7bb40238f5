//! Extended attributes of the `user` namespace, kept where both sides can.

use std::os::fd::{AsFd, BorrowedFd};

use rustix::fs::{XattrFlags, fgetxattr, flistxattr, flistxattr_query, fsetxattr};
use rustix::io::Errno;

/// Linux's limit for one value, and for the list of names.
const LARGEST: usize = 64 * 1024;

/// Copies what differs; returns a note when something could not be kept.
pub(super) fn copy(from: BorrowedFd<'_>, into: BorrowedFd<'_>) -> Option<String> {
    copy_lazily(from, || Ok(into))
}

/// The same, but opens the destination only when there is something to copy.
pub(super) fn copy_lazily<F: AsFd>(
    from: BorrowedFd<'_>,
    into: impl FnOnce() -> Result<F, Errno>,
) -> Option<String> {
    let names = match list(from) {
        Ok(names) => names,
        // The source has none to give.
        Err(Errno::OPNOTSUPP | Errno::NOSYS) => return None,
        Err(errno) => return Some(note(errno)),
    };
    let mut names =
        names.split(|byte| *byte == 0).filter(|name| name.starts_with(b"user.")).peekable();
    names.peek()?;
    let into = match into() {
        Ok(into) => into,
        Err(errno) => return Some(note(errno)),
    };
    let into = into.as_fd();
    for name in names {
        let kept = get(from, name).and_then(|value| {
            if get(into, name).is_ok_and(|there| there == value) {
                return Ok(());
            }
            fsetxattr(into, name, &value, XattrFlags::empty())
        });
        if let Err(errno) = kept {
            return Some(note(errno));
        }
    }
    None
}

/// Attributes by themselves: names with their values.
pub(super) type Xattrs = Vec<(Vec<u8>, Vec<u8>)>;

/// Returns those of an open file or folder; none where the file system has none.
pub(super) fn read(of: BorrowedFd<'_>) -> Result<Xattrs, Errno> {
    let names = match list(of) {
        Err(Errno::OPNOTSUPP | Errno::NOSYS) => return Ok(Vec::new()),
        names => names?,
    };
    let names = names.split(|byte| *byte == 0).filter(|name| name.starts_with(b"user."));
    names.map(|name| Ok((name.to_vec(), get(of, name)?))).collect()
}

/// Sets some; returns a note when something could not be kept.
pub(super) fn write(into: BorrowedFd<'_>, all: &Xattrs) -> Option<String> {
    let mut set = all.iter().filter(|(name, _)| name.starts_with(b"user."));
    set.find_map(|(name, value)| fsetxattr(into, name.as_slice(), value, XattrFlags::empty()).err())
        .map(note)
}

fn note(errno: Errno) -> String {
    format!("extended attributes were not kept: {}", std::io::Error::from(errno))
}

fn list(of: BorrowedFd<'_>) -> Result<Vec<u8>, Errno> {
    let size = flistxattr_query(of)?;
    if size == 0 {
        return Ok(Vec::new());
    }
    let mut names = vec![0; LARGEST];
    let size = flistxattr(of, names.as_mut_slice())?;
    names.truncate(size);
    Ok(names)
}

fn get(of: BorrowedFd<'_>, name: &[u8]) -> Result<Vec<u8>, Errno> {
    let mut value = vec![0; LARGEST];
    let size = fgetxattr(of, name, value.as_mut_slice())?;
    value.truncate(size);
    Ok(value)
}
