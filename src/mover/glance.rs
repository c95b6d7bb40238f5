//! Reading one small file of a home, without ever being led out of it: no link is followed on the way.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::path::Path;

use rustix::fs::FileType;

use super::path::split;
use super::place::open;
use super::tree::{Tree, file_type, lstat};

/// Reads a regular file of a home whole; `path` is relative, as bytes.
///
/// # Errors
/// It is not there, no regular file, not to be read, or larger than `limit` bytes.
pub fn read_small(home: &Path, path: &[u8], limit: u64) -> io::Result<Vec<u8>> {
    let tree = Tree::open(home).map_err(io::Error::other)?;
    let (folder, name) = split(path);
    let folder = tree.place(folder)?;
    if file_type(&lstat(&folder, name)?) != FileType::RegularFile {
        return Err(io::Error::other("it is no regular file"));
    }
    let mut bytes = Vec::new();
    File::from(open(folder.as_fd(), name)?).take(limit + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(io::Error::other(format!("it is larger than {limit} bytes")));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_lies_in_the_home_is_read_and_only_if_it_is_small() {
        let home = tempfile::tempdir().unwrap();
        std::fs::create_dir(home.path().join("a")).unwrap();
        std::fs::write(home.path().join("a/b.flow"), "12345").unwrap();
        std::os::unix::fs::symlink("/etc", home.path().join("out")).unwrap();
        std::os::unix::fs::symlink("a/b.flow", home.path().join("c.flow")).unwrap();
        assert_eq!(read_small(home.path(), b"a/b.flow", 5).unwrap(), b"12345");
        for path in ["out/passwd", "c.flow", "a", "../a/b.flow", "none"] {
            assert!(read_small(home.path(), path.as_bytes(), 99).is_err(), "{path}");
        }
        let large = read_small(home.path(), b"a/b.flow", 4).unwrap_err();
        assert!(large.to_string().contains("larger than 4 bytes"), "{large}");
    }
}
