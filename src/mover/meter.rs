//! How far the work is, told to whoever listens, at most five times a second.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use super::error::Error;
use super::path::escape;
use super::ticket::{Phase, Progress};

/// Milliseconds between two reports.
const PACE: u64 = 200;

/// Counts what all threads do, and knows whether they shall stop.
pub(super) struct Meter<'a> {
    report: &'a (dyn Fn(&Progress) + Sync),
    stop: &'a AtomicBool,
    start: Instant,
    due: AtomicU64,
    bytes: AtomicU64,
    files: AtomicU64,
    told: Mutex<Told>,
}

/// What was told last.
struct Told {
    progress: Progress,
    /// When the phase began.
    since: Instant,
}

impl<'a> Meter<'a> {
    pub(super) fn new(report: &'a (dyn Fn(&Progress) + Sync), stop: &'a AtomicBool) -> Self {
        Self {
            report,
            stop,
            start: Instant::now(),
            due: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            files: AtomicU64::new(0),
            told: Mutex::new(Told {
                progress: Progress { schema: 1, ..Progress::default() },
                since: Instant::now(),
            }),
        }
    }

    /// Begins a phase, of which the totals may be known.
    pub(super) fn begin(&self, phase: Phase, total_bytes: u64, total_files: u64) {
        {
            let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
            told.since = Instant::now();
            let told = &mut told.progress;
            (told.phase, told.total_bytes, told.total_files) = (phase, total_bytes, total_files);
            self.bytes.store(0, Ordering::Relaxed);
            self.files.store(0, Ordering::Relaxed);
        }
        self.tell(&[]);
    }

    /// Returns the bytes and files that were done in this phase.
    pub(super) fn done(&self) -> (u64, u64) {
        (self.bytes.load(Ordering::Relaxed), self.files.load(Ordering::Relaxed))
    }

    /// Counts bytes; an error when the work shall stop.
    pub(super) fn bytes(&self, bytes: u64, path: &[u8]) -> Result<(), Error> {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.tick(path)
    }

    /// Takes bytes back that have to be read once more.
    pub(super) fn forget(&self, bytes: u64) {
        let less = |all: u64| Some(all.saturating_sub(bytes));
        let _previous = self.bytes.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
    }

    /// Counts a regular file; an error when the work shall stop.
    pub(super) fn file(&self, path: &[u8]) -> Result<(), Error> {
        self.files.fetch_add(1, Ordering::Relaxed);
        self.tick(path)
    }

    /// Gives a sign of life when it is time; an error when the work shall stop.
    pub(super) fn tick(&self, path: &[u8]) -> Result<(), Error> {
        let now = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX);
        let due = self.due.load(Ordering::Relaxed);
        let is_mine = now >= due
            && self
                .due
                .compare_exchange(due, now + PACE, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok();
        if is_mine {
            self.tell(path);
        }
        if self.stop.load(Ordering::Relaxed) { Err(Error::Stopped) } else { Ok(()) }
    }

    fn tell(&self, path: &[u8]) {
        // The lock is held while the report is made, so that beats arrive in their order.
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let seconds = told.since.elapsed().as_secs_f64();
        let told = &mut told.progress;
        told.at = jiff::Timestamp::now().to_string();
        told.beat += 1;
        told.bytes = self.bytes.load(Ordering::Relaxed);
        told.files = self.files.load(Ordering::Relaxed);
        let rate = told.bytes as f64 / seconds.max(0.001);
        told.bytes_per_second = rate as u64;
        let left = told.total_bytes.saturating_sub(told.bytes);
        let is_known = told.total_bytes > 0 && told.bytes_per_second > 0;
        told.eta_seconds = is_known.then(|| (left as f64 / rate).ceil() as u64);
        told.path = escape(path);
        (self.report)(told);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_are_paced_and_their_beat_grows() {
        let seen = Mutex::new(Vec::new());
        let report = |progress: &Progress| seen.lock().unwrap().push(progress.clone());
        let stop = AtomicBool::new(false);
        let meter = Meter::new(&report, &stop);
        meter.begin(Phase::Copying, 10, 1);
        (0..1000).for_each(|_| meter.bytes(1, b"a").unwrap());
        meter.begin(Phase::Finished, 0, 0);
        let seen = seen.into_inner().unwrap();
        assert!(seen.len() <= 4, "{} reports", seen.len());
        assert!(seen.windows(2).all(|pair| pair[0].beat < pair[1].beat));
        assert_eq!(
            seen.first().map(|first| (first.phase, first.total_bytes)),
            Some((Phase::Copying, 10))
        );
    }

    #[test]
    fn a_stop_is_heard_at_the_next_count() {
        let stop = AtomicBool::new(true);
        assert!(matches!(Meter::new(&|_| (), &stop).file(b"a"), Err(Error::Stopped)));
    }
}
