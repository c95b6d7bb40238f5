//! How many things are done at once: few at first, and more where waiting, not working, takes the time.
//!
//! What is measured is the fastest of the last few answers. A mean would grow with the crowd that it lets in; the fastest
//! answer stays short where we ourselves are the crowd, and long where the way is.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Answers of which the fastest counts.
const WINDOW: usize = 16;

/// Lanes for things that are done at once. Clones share them.
#[derive(Clone, Debug)]
pub(in super::super) struct Lanes(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    semaphore: Arc<Semaphore>,
    open: AtomicUsize,
    most: usize,
    slow_nanos: u64,
    seen: AtomicUsize,
    fastest_nanos: AtomicU64,
}

impl Lanes {
    /// Opens `first` lanes, and up to `most` while even the fastest answers take longer than `slow`.
    pub(in super::super) fn new(first: usize, most: usize, slow: Duration) -> Self {
        Self(Arc::new(Inner {
            semaphore: Arc::new(Semaphore::new(first)),
            open: AtomicUsize::new(first),
            most,
            slow_nanos: nanos(slow),
            seen: AtomicUsize::new(0),
            fastest_nanos: AtomicU64::new(u64::MAX),
        }))
    }

    /// For requests to S3, which answers after some ten milliseconds from afar: 32 at first, 128 at most.
    pub(in super::super) fn of_requests() -> Self {
        Self::new(32, 128, Duration::from_millis(8))
    }

    /// For files that are read: twice the cores at first; 64 where an open takes more than 200 µs, as on EFS.
    pub(in super::super) fn of_files() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self::new((2 * cores).min(64), 64, Duration::from_micros(200))
    }

    /// Waits for a lane; it is free again when what is returned is dropped.
    pub(in super::super) async fn enter(&self) -> Option<OwnedSemaphorePermit> {
        // It is never closed, so there always is one.
        Arc::clone(&self.0.semaphore).acquire_owned().await.ok()
    }

    /// Learns how long an answer took.
    pub(in super::super) fn learn(&self, took: Duration) {
        let inner = &*self.0;
        inner.fastest_nanos.fetch_min(nanos(took), Ordering::Relaxed);
        if !(inner.seen.fetch_add(1, Ordering::Relaxed) + 1).is_multiple_of(WINDOW) {
            return;
        }
        let fastest = inner.fastest_nanos.swap(u64::MAX, Ordering::Relaxed);
        let grown =
            |open: usize| (open < inner.most).then(|| (open + open.div_ceil(2)).min(inner.most));
        if fastest > inner.slow_nanos
            && fastest != u64::MAX
            && let Ok(before) = inner.open.fetch_update(Ordering::Relaxed, Ordering::Relaxed, grown)
        {
            inner.semaphore.add_permits(grown(before).unwrap_or(before) - before);
        }
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lanes_open_while_the_fastest_answer_is_slow_and_no_further_than_allowed() {
        let lanes = Lanes::new(4, 10, Duration::from_millis(1));
        (0..WINDOW).for_each(|_| lanes.learn(Duration::from_millis(5)));
        assert_eq!(lanes.0.semaphore.available_permits(), 6);
        (0..9 * WINDOW).for_each(|_| lanes.learn(Duration::from_millis(5)));
        assert_eq!(lanes.0.semaphore.available_permits(), 10);
    }

    #[test]
    fn one_fast_answer_among_slow_ones_says_that_the_crowd_is_ours() {
        let lanes = Lanes::new(4, 10, Duration::from_millis(1));
        for _ in 0..5 {
            (1..WINDOW).for_each(|_| lanes.learn(Duration::from_millis(5)));
            lanes.learn(Duration::from_micros(10));
        }
        assert_eq!(lanes.0.semaphore.available_permits(), 4);
    }
}
