//! How far a transfer is: numbers that many threads add to, and whoever wants to may look at.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::super::entry::{Entry, Kind};
use super::super::ticket::{Phase, Progress};

/// How far a push or a pull is.
#[derive(Debug, Default)]
pub struct Headway {
    has_begun: AtomicBool,
    is_read_back: AtomicBool,
    bytes: AtomicU64,
    files: AtomicU64,
    total_bytes: AtomicU64,
    total_files: AtomicU64,
}

impl Headway {
    /// Returns where it is. Path, time and beat are not told.
    pub fn progress(&self) -> Progress {
        let read = |number: &AtomicU64| number.load(Ordering::Relaxed);
        let phase = match (&self.has_begun, &self.is_read_back) {
            (_, read_back) if read_back.load(Ordering::Relaxed) => Phase::Verifying,
            (begun, _) if begun.load(Ordering::Relaxed) => Phase::Copying,
            _ => Phase::Scanning,
        };
        let is_copying = phase == Phase::Copying;
        Progress {
            schema: 1,
            phase,
            bytes: if is_copying { read(&self.bytes) } else { 0 },
            total_bytes: if is_copying { read(&self.total_bytes) } else { 0 },
            files: read(if is_copying { &self.files } else { &self.total_files }),
            total_files: read(&self.total_files),
            ..Progress::default()
        }
    }

    /// Adds a file that is to be moved.
    pub(in super::super) fn expect(&self, bytes: u64, files: u64) {
        self.total_bytes.fetch_add(bytes, Ordering::Relaxed);
        self.total_files.fetch_add(files, Ordering::Relaxed);
    }

    /// Says that all is expected that is to be expected.
    pub(in super::super) fn begin(&self) {
        self.has_begun.store(true, Ordering::Relaxed);
    }

    /// Says that what was moved is being read back.
    pub(in super::super) fn read_back(&self) {
        self.is_read_back.store(true, Ordering::Relaxed);
    }

    /// Adds an entry that is done with.
    pub(in super::super) fn count(&self, entry: &Entry) {
        if entry.kind == Kind::File {
            self.bytes.fetch_add(entry.size, Ordering::Relaxed);
            self.files.fetch_add(1, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phases_follow_one_another_and_only_the_copying_one_has_bytes() {
        let headway = Headway::default();
        headway.expect(10, 2);
        let told = headway.progress();
        assert_eq!((told.phase, told.files, told.total_bytes), (Phase::Scanning, 2, 0));
        headway.begin();
        headway.count(&Entry { size: 4, ..Entry::new(b"a", Kind::File) });
        headway.count(&Entry::new(b"b", Kind::Directory));
        let told = headway.progress();
        assert_eq!(
            (told.phase, told.bytes, told.files, told.total_bytes),
            (Phase::Copying, 4, 1, 10)
        );
        headway.read_back();
        assert_eq!(headway.progress().phase, Phase::Verifying);
    }
}
