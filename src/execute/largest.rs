//! What became of the largest files that an inventory saw in a home: they tell it from another better than any number does.

use std::ffi::OsStr;
use std::fs::Metadata;
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use jiff::Timestamp;

use crate::inventory::Home;
use crate::mover::unescape;

/// What became of the largest files of a home.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Largest {
    /// How many may be those that the inventory saw, for they have their size or were worked on since, or cannot be looked at.
    pub(super) same: usize,
    /// How many are others: of another size, though their content is older than the inventory.
    pub(super) other: usize,
    /// Bytes of those that are gone, which count for neither.
    pub(super) gone_bytes: u64,
}

impl Largest {
    /// Looks for the files where the home lies, or, where that is no folder here, in what a scan of it listed.
    pub(super) fn of(home: &Path, now: &Home, seen: &Home, then: Option<Timestamp>) -> Self {
        let mut found = Self::default();
        let is_here = home.is_dir();
        for (path, bytes) in &seen.largest {
            let is = match now.largest.iter().find(|(there, _)| there == path) {
                // What the scan saw as it was need not be looked at again.
                Some((_, there)) if there == bytes || !is_here => Is::Same,
                None if !is_here => unlisted(now, *bytes),
                _ => there(home, path, *bytes, then),
            };
            match is {
                Is::Same => found.same += 1,
                Is::Other => found.other += 1,
                Is::Gone => found.gone_bytes += *bytes,
            }
        }
        found
    }
}

enum Is {
    Same,
    Other,
    Gone,
}

/// What became of a file that is in no list of a scan: one that is larger than what is in it would be.
fn unlisted(now: &Home, bytes: u64) -> Is {
    /// So many files a scan lists.
    const LISTED: usize = 10;
    let least = now.largest.iter().map(|(_, bytes)| *bytes).min().unwrap_or_default();
    if now.largest.len() < LISTED || bytes > least { Is::Gone } else { Is::Same }
}

fn there(home: &Path, path: &str, bytes: u64, then: Option<Timestamp>) -> Is {
    let is_older = |there: &Metadata| {
        then.is_some_and(|then| (there.mtime(), there.mtime_nsec()) < parts(then))
    };
    let there = unescape(path).map(|path| home.join(OsStr::from_bytes(&path)));
    match there.map(|there| there.symlink_metadata()) {
        Ok(Ok(there)) if there.len() != bytes && is_older(&there) => Is::Other,
        Ok(Err(error))
            if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) =>
        {
            Is::Gone
        }
        _ => Is::Same,
    }
}

/// A moment as a file system tells it.
fn parts(moment: Timestamp) -> (i64, i64) {
    (moment.as_second(), moment.subsec_nanosecond().into())
}

/// How many files are as they were before a moment, as the file system's own clock says, which no program sets: up to one more than
/// `enough`. The times of their content may come out of an archive that was unpacked since.
pub(super) fn older(home: &Path, than: Timestamp, enough: u64) -> u64 {
    let (mut folders, mut old) = (vec![home.to_owned()], 0);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let Ok(there) = entry.metadata() else { continue };
            if there.is_dir() {
                folders.push(entry.path());
            }
            let is_old = (there.ctime(), there.ctime_nsec()) < parts(than);
            old += u64::from(there.is_file() && is_old);
            if old > enough {
                return old;
            }
        }
    }
    old
}
