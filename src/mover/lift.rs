//! Reading files of our own whose mode does not even let their owner read them: a home that root packed has such files, and
//! they are proven like all others.

use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};

use rustix::fs::{FileType, Mode, OFlags};
use rustix::io::Errno;

use super::place::open;
use super::tree::file_type;

/// Opens a file for reading. One that its owner may not read is given a read bit for that moment.
pub(super) fn open_own(place: BorrowedFd<'_>, name: &[u8]) -> Result<OwnedFd, Errno> {
    match open(place, name) {
        Err(Errno::ACCESS) => lifted(place, name),
        opened => opened,
    }
}

/// Opens a file that its owner may not read, and leaves its mode as it was.
fn lifted(place: BorrowedFd<'_>, name: &[u8]) -> Result<OwnedFd, Errno> {
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let held = rustix::fs::openat(place, name, flags, Mode::empty())?;
    let before = rustix::fs::fstat(&held)?;
    if file_type(&before) != FileType::RegularFile {
        return Err(Errno::ACCESS);
    }
    // What is held open can be changed by its name in /proc alone, and nobody can put another file there.
    let by_handle = format!("/proc/self/fd/{}", held.as_raw_fd());
    let mode = Mode::from_raw_mode(before.st_mode & 0o7777);
    rustix::fs::chmod(&by_handle, mode | Mode::RUSR)?;
    let opened = rustix::fs::open(&by_handle, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty());
    rustix::fs::chmod(&by_handle, mode)?;
    opened
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File, Permissions};
    use std::io::Read;
    use std::os::fd::AsFd;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_file_without_any_mode_is_read_and_keeps_its_mode() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        fs::write(&path, "x").unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o000)).unwrap();
        let place = File::open(folder.path()).unwrap();
        // Root may read it in any case; both ways have to come to the same.
        for file in [open_own(place.as_fd(), b"secret"), lifted(place.as_fd(), b"secret")] {
            let mut text = String::new();
            File::from(file.unwrap()).read_to_string(&mut text).unwrap();
            assert_eq!(text, "x");
        }
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0);
    }
}
