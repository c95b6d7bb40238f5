//! Reading one large file into frames of its own, a piece after another, while those before are compressed.

use std::os::fd::OwnedFd;
use std::sync::atomic::Ordering;

use rustix::fs::Stat;

use super::super::entry::{Class, Entry, Skip};
use super::super::error::Error;
use super::super::path::split;
use super::super::xattr::Xattrs;
use super::frame::{FRAME, Reading, Stored, fill, is_unchanged, unreadable, unstored};
use super::member::{self, BLOCK};

/// A file that is being read.
#[derive(Debug)]
pub(super) struct Large {
    seen: Entry,
    entry: Entry,
    xattrs: Xattrs,
    file: OwnedFd,
    before: Stat,
    hasher: blake3::Hasher,
    /// Bytes that stand before its data.
    head: u64,
    /// Bytes of it that were read, or made up since it cannot be read any further.
    at: u64,
    trouble: Option<Skip>,
}

/// What came of a piece.
#[derive(Debug)]
pub(super) struct Piece {
    /// Bytes of tar, not compressed.
    pub(super) tar: Vec<u8>,
    /// Whether the member begins with it.
    pub(super) begins: bool,
    /// The entry, once it is all there.
    pub(super) done: Option<Stored>,
}

impl Large {
    /// Opens it; what cannot be opened is listed with the reason.
    pub(super) fn open(reading: &Reading, seen: Entry) -> Result<Self, Box<Stored>> {
        let mut entry = seen.clone();
        let (folder, name) = split(&seen.path);
        let place = reading.tree.place(folder);
        match reading.open(&mut entry, place.as_ref().map_err(|errno| *errno), name) {
            Ok((file, before, xattrs)) => Ok(Self {
                seen,
                entry,
                xattrs,
                file,
                before,
                hasher: blake3::Hasher::new(),
                head: 0,
                at: 0,
                trouble: None,
            }),
            Err(skip) => Err(unstored(&seen, skip).into()),
        }
    }

    /// Reads the next piece, and says at the last how it went.
    ///
    /// The tar has promised the file's size before it is read. Where the file has less to give, zeros keep the promise, and
    /// the entry is listed as not copied.
    pub(super) fn piece(&mut self, reading: &Reading) -> Result<Piece, Error> {
        if reading.stop.load(Ordering::Relaxed) {
            return Err(Error::Stopped);
        }
        let begins = self.head == 0;
        let mut tar = if begins { member::head(&self.entry, &self.xattrs) } else { Vec::new() };
        if begins {
            self.head = tar.len() as u64;
        }
        let left = self.entry.size - self.at;
        let some = usize::try_from(left).unwrap_or(FRAME).min(FRAME);
        let start = tar.len();
        tar.resize(start + some, 0);
        if self.trouble.is_none() {
            match fill(&self.file, &mut tar[start..], self.at) {
                Ok(read) if read == some => {}
                Ok(_) => self.trouble = Some(changed()),
                Err(errno) => self.trouble = Some(unreadable(errno)),
            }
        }
        self.hasher.update(&tar[start..]);
        self.at += some as u64;
        if self.at < self.entry.size {
            return Ok(Piece { tar, begins, done: None });
        }
        tar.resize(start + some.next_multiple_of(BLOCK), 0);
        Ok(Piece { tar, begins, done: Some(self.verdict()) })
    }

    fn verdict(&mut self) -> Stored {
        let skip =
            self.trouble.take().or_else(|| (!is_unchanged(&self.file, &self.before)).then(changed));
        match skip {
            Some(skip) => unstored(&self.seen, skip),
            None => {
                let hash = Some(*self.hasher.finalize().as_bytes());
                let entry = Entry { hash, ..self.entry.clone() };
                let xattrs = std::mem::take(&mut self.xattrs);
                Stored { entry, at: self.head, xattrs }
            }
        }
    }
}

fn changed() -> Skip {
    Skip::new(Class::Changed, "it changed while it was read")
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::FileExt;
    use std::sync::Arc;

    use super::super::super::entry::Kind;
    use super::super::super::tree::Tree;
    use super::super::lanes::Lanes;
    use super::super::veil::Veil;
    use super::*;

    /// Reads a file of 3 MiB, while something is done to it after the first piece.
    fn read(meanwhile: impl Fn(&std::fs::File)) -> (Vec<u8>, Stored) {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a"), vec![7; 3 << 20]).unwrap();
        let file = std::fs::File::options().write(true).open(folder.path().join("a")).unwrap();
        let reading = Reading {
            tree: Arc::new(Tree::open(folder.path()).unwrap()),
            lanes: Lanes::of_files(),
            stop: Arc::default(),
            veil: Veil::default(),
        };
        let mut large = Large::open(&reading, Entry::new(b"a", Kind::File)).unwrap();
        let mut tar = Vec::new();
        loop {
            let piece = large.piece(&reading).unwrap();
            if piece.begins {
                meanwhile(&file);
            }
            tar.extend(piece.tar);
            if let Some(done) = piece.done {
                return (tar, done);
            }
        }
    }

    fn unpacked(tar: &[u8]) -> usize {
        let mut archive = tar::Archive::new(tar);
        let member = archive.entries().unwrap().next().unwrap().unwrap();
        std::io::Read::bytes(member).map(Result::unwrap).count()
    }

    #[test]
    fn a_file_that_rests_is_stored_with_its_hash() {
        let (tar, done) = read(|_| ());
        assert_eq!(done.entry.hash, Some(*blake3::hash(&vec![7; 3 << 20]).as_bytes()));
        assert_eq!(unpacked(&tar), 3 << 20);
    }

    #[test]
    fn a_file_that_is_written_to_is_listed_as_changed() {
        let (_, done) = read(|file| file.write_all_at(b"other", 2 << 20).unwrap());
        assert_eq!(done.entry.skip.unwrap().class, Class::Changed);
    }

    #[test]
    fn a_file_that_is_cut_short_is_listed_and_leaves_a_sound_tar() {
        let (tar, done) = read(|file| file.set_len(5).unwrap());
        assert_eq!(done.entry.skip.unwrap().class, Class::Changed);
        assert_eq!(unpacked(&tar), 3 << 20);
    }
}
