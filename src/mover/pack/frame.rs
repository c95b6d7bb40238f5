//! Reading entries into frames: about 1 MiB of tar each, compressed by itself, so that frames are made side by side and one
//! file is got back without those around it.

use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use rustix::fs::{FileType, Stat};
use rustix::io::Errno;

use super::super::entry::{Class, Entry, Kind, Skip, mtime, size};
use super::super::error::Error;
use super::super::path::split;
use super::super::place::open;
use super::super::tree::{Tree, file_type};
use super::super::walk::unread;
use super::super::xattr::{self, Xattrs};
use super::lanes::Lanes;
use super::member::{self, BLOCK};
use super::veil::Veil;

/// Bytes of tar in a frame, about; a larger file has frames of its own.
pub(super) const FRAME: usize = 1 << 20;

/// How often a file that changes under the reader is read.
pub(super) const ATTEMPTS: usize = 3;

/// zstd's level: the fastest of the usual ones. What it leaves, a network carries faster than a core would squeeze it out.
const LEVEL: i32 = 1;

/// An entry that went into a frame, or could not.
#[derive(Debug)]
pub(super) struct Stored {
    /// As it was read.
    pub(super) entry: Entry,
    /// Where its data begins in what its frames hold.
    pub(super) at: u64,
    pub(super) xattrs: Xattrs,
}

/// A compressed frame.
#[derive(Debug, Default)]
pub(super) struct Frame {
    /// As it is stored; nothing when all that it has is news of entries.
    pub(super) bytes: Vec<u8>,
    /// Bytes of tar in it.
    pub(super) raw: u64,
    /// Whether entries begin here, and not in a frame before.
    pub(super) begins: bool,
    /// The entries that end here.
    pub(super) stored: Vec<Stored>,
}

/// What reading needs to know.
#[derive(Clone, Debug)]
pub(super) struct Reading {
    pub(super) tree: Arc<Tree>,
    pub(super) lanes: Lanes,
    pub(super) stop: Arc<AtomicBool>,
    pub(super) veil: Veil,
}

impl Reading {
    /// Compresses a frame, and seals it where the home is sealed.
    pub(super) fn packed(&self, tar: &[u8]) -> Result<Vec<u8>, Error> {
        Ok(self.veil.frame(compressed(tar)?))
    }

    /// Reads entries into one frame.
    pub(super) fn group(&self, entries: Vec<Entry>) -> Result<Frame, Error> {
        let mut tar = Vec::with_capacity(FRAME + FRAME / 8);
        let mut stored = Vec::with_capacity(entries.len());
        let mut near: Option<(Vec<u8>, Result<OwnedFd, Errno>)> = None;
        for entry in entries {
            if self.stop.load(Ordering::Relaxed) {
                return Err(Error::Stopped);
            }
            let (folder, name) = split(&entry.path);
            if near.as_ref().is_none_or(|(path, _)| path != folder) {
                near = Some((folder.to_vec(), self.tree.place(folder)));
            }
            let place = match near.as_ref().map(|(_, place)| place) {
                Some(Ok(place)) => Ok(place),
                Some(Err(errno)) => Err(*errno),
                None => Err(Errno::NOENT),
            };
            stored.push(self.one(&entry, place, name, &mut tar));
        }
        let raw = tar.len() as u64;
        Ok(Frame { bytes: self.packed(&tar)?, raw, begins: true, stored })
    }

    /// Appends one entry to a tar, unless it cannot be read.
    fn one(
        &self,
        seen: &Entry,
        place: Result<&OwnedFd, Errno>,
        name: &[u8],
        tar: &mut Vec<u8>,
    ) -> Stored {
        let mut why = None;
        for _ in 0..ATTEMPTS {
            let mut entry = seen.clone();
            match self.read(&mut entry, place, name) {
                Ok((content, xattrs)) => {
                    tar.extend(member::head(&entry, &xattrs));
                    let at = tar.len() as u64;
                    tar.extend_from_slice(&content);
                    tar.resize(tar.len().next_multiple_of(BLOCK), 0);
                    return Stored { entry, at, xattrs };
                }
                Err(skip) if skip.class == Class::Changed && seen.kind == Kind::File => {
                    why = Some(skip);
                }
                Err(skip) => return unstored(seen, skip),
            }
        }
        let skip = why.unwrap_or_else(|| Skip::new(Class::Changed, "it changed while it was read"));
        unstored(seen, again(skip))
    }

    fn read(
        &self,
        entry: &mut Entry,
        place: Result<&OwnedFd, Errno>,
        name: &[u8],
    ) -> Result<(Vec<u8>, Xattrs), Skip> {
        match entry.kind {
            Kind::File if entry.link_of.is_none() => {
                let (file, before, xattrs) = self.open(entry, place, name)?;
                let mut content = vec![0; usize::try_from(entry.size).unwrap_or(usize::MAX)];
                let read = fill(&file, &mut content, 0).map_err(unreadable)?;
                if read < content.len() || !is_unchanged(&file, &before) {
                    return Err(Skip::new(Class::Changed, "it changed while it was read"));
                }
                entry.hash = Some(*blake3::hash(&content).as_bytes());
                Ok((content, xattrs))
            }
            Kind::Directory => {
                let folder = self.tree.listing(&entry.path).map_err(unreadable)?;
                let xattrs = xattrs(&folder, entry);
                Ok((Vec::new(), xattrs))
            }
            _ => Ok((Vec::new(), Xattrs::new())),
        }
    }

    /// Opens a file, and takes what it is now into its entry.
    pub(super) fn open(
        &self,
        entry: &mut Entry,
        place: Result<&OwnedFd, Errno>,
        name: &[u8],
    ) -> Result<(OwnedFd, Stat, Xattrs), Skip> {
        let began = Instant::now();
        let opened = place.and_then(|place| open(place.as_fd(), name));
        self.lanes.learn(began.elapsed());
        let file = opened.map_err(unreadable)?;
        let before = rustix::fs::fstat(&file).map_err(unreadable)?;
        if file_type(&before) != FileType::RegularFile {
            return Err(Skip::new(Class::Changed, "it became something else while it was read"));
        }
        entry.notes.clear();
        entry.take_stat(&before);
        entry.drop_special_bits();
        let xattrs = xattrs(&file, entry);
        Ok((file, before, xattrs))
    }
}

fn xattrs(of: &OwnedFd, entry: &mut Entry) -> Xattrs {
    xattr::read(of.as_fd()).unwrap_or_else(|errno| {
        let why = std::io::Error::from(errno);
        entry.notes.push(format!("extended attributes were not kept: {why}"));
        Xattrs::new()
    })
}

/// Says that something did not hold still for any of the attempts.
pub(super) fn again(skip: Skip) -> Skip {
    Skip { why: format!("{}, {ATTEMPTS} times over", skip.why), ..skip }
}

/// Lists an entry as not stored.
pub(super) fn unstored(seen: &Entry, skip: Skip) -> Stored {
    let entry = Entry { hash: None, ..seen.clone() }.skipped(skip);
    Stored { entry, at: 0, xattrs: Xattrs::new() }
}

pub(super) fn unreadable(errno: Errno) -> Skip {
    unread(errno, "it cannot be read")
}

/// Tells whether nobody wrote since a look.
pub(super) fn is_unchanged(file: &OwnedFd, before: &Stat) -> bool {
    let seen = |stat: &Stat| (size(stat), mtime(stat), stat.st_ctime, stat.st_ctime_nsec);
    rustix::fs::fstat(file).is_ok_and(|after| seen(&after) == seen(before))
}

/// Reads until a buffer is full or the file ends; returns how much it was.
pub(super) fn fill(file: &OwnedFd, buffer: &mut [u8], at: u64) -> Result<usize, Errno> {
    let mut read = 0;
    while read < buffer.len() {
        match rustix::io::pread(file, &mut buffer[read..], at + read as u64) {
            Ok(0) => break,
            Ok(more) => read += more,
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(read)
}

/// Compresses a frame, with a checksum of zstd's own in it.
fn compressed(tar: &[u8]) -> Result<Vec<u8>, Error> {
    let failed = |error| Error::io("cannot compress", b"", error);
    let mut zip = zstd::bulk::Compressor::new(LEVEL).map_err(failed)?;
    zip.include_checksum(true).map_err(failed)?;
    if tar.is_empty() { Ok(Vec::new()) } else { zip.compress(tar).map_err(failed) }
}
