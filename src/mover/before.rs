//! What is known of the destination before anything is put there: what an earlier pass left, and one that was killed.

use std::fs::File;
use std::iter::Peekable;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::decide::was_brought;
use super::entry::Entry;
use super::error::Error;
use super::manifest;
use super::sorter::Sorted;
use super::written::{self, Written};

/// Entries in byte order of paths.
type Entries = Box<dyn Iterator<Item = Result<Entry, Error>>>;

/// What was left, by path.
pub(super) type Before = Peekable<Entries>;

/// Opens what is known; none where nothing is.
pub(super) fn before(
    since: Option<&Path>,
    hints: Option<&Path>,
    written: Option<&Path>,
) -> Result<Option<Before>, Error> {
    let passed = match (since, hints) {
        (Some(since), _) => Some(since_then(since)?),
        (None, Some(hints)) => hinted(hints),
        (None, None) => None,
    };
    let written = written.map(written::read).transpose()?.flatten();
    Ok(match (passed, written) {
        (passed, None) => passed,
        (passed, Some(written)) => Some(both(passed, written)),
    }
    .map(Iterator::peekable))
}

/// Returns the next entry whose path does not come after another.
pub(super) fn next_until(before: &mut Option<Before>, path: &[u8]) -> Result<Option<Entry>, Error> {
    let Some(before) = before else { return Ok(None) };
    let is_due = |next: &Result<Entry, Error>| match next {
        Ok(entry) => *entry.path <= *path,
        Err(_) => true,
    };
    before.next_if(is_due).transpose()
}

/// Returns what was left at an entry's path, where it is of the same kind. Entries are asked for in byte order of paths.
pub(super) fn left_of(
    before: &mut Option<Before>,
    entry: &Entry,
) -> Result<Option<Box<Entry>>, Error> {
    let mut left = None;
    while let Some(earlier) = next_until(before, &entry.path)? {
        if (&earlier.path, earlier.kind) == (&entry.path, entry.kind) && was_brought(&earlier) {
            left = Some(Box::new(earlier));
        }
    }
    Ok(left)
}

fn since_then(path: &Path) -> Result<Entries, Error> {
    let unopened =
        |error| Error::io("cannot read the manifest", path.as_os_str().as_bytes(), error);
    Ok(Box::new(manifest::read(File::open(path).map_err(unopened)?)?))
}

/// A manifest that proves nothing, as far as it can be read.
fn hinted(path: &Path) -> Option<Entries> {
    let entries = manifest::read(File::open(path).ok()?).ok()?;
    Some(Box::new(entries.map_while(Result::ok).map(|entry| Ok(unproven(entry)))))
}

/// Takes from an entry what would let a file go unread.
fn unproven(entry: Entry) -> Entry {
    Entry { origin: None, ..entry }
}

/// Puts together what a pass left and what was written after it, which counts where both know a path.
fn both(passed: Option<Entries>, written: Sorted<Written>) -> Entries {
    let nothing: Entries = Box::new(std::iter::empty());
    let mut passed = passed.unwrap_or(nothing).peekable();
    let mut written = written.peekable();
    Box::new(std::iter::from_fn(move || {
        let Some(Ok(next)) = written.peek() else {
            return written
                .next()
                .map(|failed| failed.map(|one| one.entry))
                .or_else(|| passed.next());
        };
        let path = next.entry.path.clone();
        if let Some(earlier) =
            passed.next_if(|one| one.as_ref().map_or(true, |one| one.path < path))
        {
            return Some(earlier);
        }
        passed.next_if(|one| one.as_ref().is_ok_and(|one| one.path == path));
        let mut last = written.next()?;
        // Of several writes of one path the last counts.
        while let Some(later) =
            written.next_if(|one| one.as_ref().is_ok_and(|one| one.entry.path == path))
        {
            last = later;
        }
        Some(last.map(|one| unproven(one.entry)))
    }))
}
