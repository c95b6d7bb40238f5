//! What is being written: under a name of ours in the same folder, until it is whole.

use std::os::fd::{BorrowedFd, OwnedFd};

use rustix::fs::{AtFlags, Mode, OFlags, RenameFlags};
use rustix::io::Errno;

use super::tree::letting_in;

const PREFIX: &[u8] = b".studio-migrate-";
const SUFFIX: &[u8] = b".part";

/// Hexadecimal digits between the two.
const DIGITS: usize = 16;

/// Returns the name under which what goes to `place` is written first.
pub(super) fn name(place: &[u8]) -> Vec<u8> {
    let hash = blake3::hash(place).to_hex();
    [PREFIX, hash[..DIGITS].as_bytes(), SUFFIX].concat()
}

/// Tells whether a name is one of ours, left over by a copy that was killed.
pub(super) fn is_left_over(name: &[u8]) -> bool {
    let digits = name.strip_prefix(PREFIX).and_then(|rest| rest.strip_suffix(SUFFIX));
    digits.is_some_and(|digits| {
        digits.len() == DIGITS && digits.iter().all(|digit| digit.is_ascii_hexdigit())
    })
}

/// A name of ours in a folder; what is under it goes away with it, unless it was put in place.
pub(super) struct Part<'a> {
    folder: BorrowedFd<'a>,
    name: Vec<u8>,
    is_made: bool,
}

impl<'a> Part<'a> {
    pub(super) fn new(folder: BorrowedFd<'a>, place: &[u8]) -> Self {
        Self { folder, name: name(place), is_made: false }
    }

    /// Makes an empty file under it, with a mode from which the system may take bits away.
    pub(super) fn file(&mut self, mode: u32) -> Result<OwnedFd, Errno> {
        let flags =
            OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mode = Mode::from_raw_mode(mode);
        self.make(|folder, name| rustix::fs::openat(folder, name, flags, mode))
    }

    /// Makes a symbolic link under it.
    pub(super) fn symlink(&mut self, target: &[u8]) -> Result<(), Errno> {
        self.make(|folder, name| rustix::fs::symlinkat(target, folder, name))
    }

    /// Makes a further hard link under it.
    pub(super) fn link(&mut self, folder: BorrowedFd<'_>, of: &[u8]) -> Result<(), Errno> {
        self.make(|to, name| rustix::fs::linkat(folder, of, to, name, AtFlags::empty()))
    }

    fn make<T>(
        &mut self,
        make: impl Fn(BorrowedFd<'a>, &[u8]) -> Result<T, Errno>,
    ) -> Result<T, Errno> {
        let made = letting_in(self.folder, || match make(self.folder, &self.name) {
            Err(Errno::EXIST) => {
                rustix::fs::unlinkat(self.folder, &self.name, AtFlags::empty())?;
                make(self.folder, &self.name)
            }
            done => done,
        });
        self.is_made = made.is_ok();
        made
    }

    pub(super) fn name(&self) -> &[u8] {
        &self.name
    }

    /// Gives it its real name; [`Errno::EXIST`] when that is taken and nothing shall be replaced.
    pub(super) fn put(&mut self, name: &[u8], replaces: bool) -> Result<(), Errno> {
        let (folder, own) = (self.folder, self.name.as_slice());
        if replaces {
            rustix::fs::renameat(folder, own, folder, name)?;
            self.is_made = false;
            return Ok(());
        }
        match rustix::fs::renameat_with(folder, own, folder, name, RenameFlags::NOREPLACE) {
            Err(Errno::INVAL | Errno::NOSYS) => {
                // The part goes away when this is dropped; the file then has one name again.
                rustix::fs::linkat(folder, own, folder, name, AtFlags::empty())
            }
            done => {
                self.is_made &= done.is_err();
                done
            }
        }
    }
}

impl Drop for Part<'_> {
    fn drop(&mut self) {
        if self.is_made {
            // What cannot be removed now is cleaned by the next run.
            let _left = rustix::fs::unlinkat(self.folder, &self.name, AtFlags::empty());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;

    use super::*;

    #[test]
    fn only_our_own_names_count_as_left_over() {
        assert!(is_left_over(&name(b"a/b")));
        for name in [
            ".studio-migrate",
            ".studio-migrate-1.part",
            ".studio-migrate-0123456789abcdeg.part",
            "a.part",
        ] {
            assert!(!is_left_over(name.as_bytes()), "{name}");
        }
    }

    #[test]
    fn a_part_that_is_not_put_in_place_goes_away_and_a_taken_name_stays() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("taken"), "theirs").unwrap();
        let open = std::fs::File::open(folder.path()).unwrap();
        let mut part = Part::new(open.as_fd(), b"taken");
        part.file(0o600).unwrap();
        assert_eq!(part.put(b"taken", false), Err(Errno::EXIST));
        drop(part);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        assert_eq!(std::fs::read(folder.path().join("taken")).unwrap(), b"theirs");
    }
}
