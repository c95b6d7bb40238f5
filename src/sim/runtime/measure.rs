//! The size of a volume: measured, because there is no file system of that size to fill.

use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use super::place::Place;
use super::processes;
use super::scripts::Running;

const GIB: u64 = 1024 * 1024 * 1024;

/// How often a volume is measured at most.
const EVERY: Duration = Duration::from_secs(1);

/// Watches a volume while its app runs, and kills the app's processes when it is over its size.
///
/// A volume that is larger than the free disk is not watched: the disk is full first.
pub(super) fn watch(place: &Place, volume_gb: i32, running: &Arc<Running>) {
    let limit = u64::try_from(volume_gb).unwrap_or_default() * GIB;
    let free = rustix::fs::statvfs(&place.volume)
        .map_or(0, |about| about.f_bavail.saturating_mul(about.f_frsize));
    if limit > free {
        return;
    }
    let (place, running) = (place.clone(), Arc::clone(running));
    let watcher = thread::Builder::new().name("volume".to_owned()).spawn(move || {
        watch_until_full(&place, limit, &running);
    });
    if let Err(error) = watcher {
        tracing::warn!(%error, "a volume is not watched");
    }
}

fn watch_until_full(place: &Place, limit: u64, running: &Running) {
    let mut pause = EVERY;
    while !running.sleep(pause) {
        let start = Instant::now();
        let used = used(&place.volume);
        // Measuring takes a tenth of the time at most, however many files there are.
        pause = EVERY.max(start.elapsed() * 10);
        if used > limit {
            let why = format!("No space left on device: the volume of {limit} bytes holds {used}");
            place.log(&why);
            running.fail(why);
            processes::kill_all(&place.mark, &running.sessions(), super::STOP);
            return;
        }
    }
}

/// Measures the blocks that a folder occupies, in bytes; a file with several names counts once.
pub(super) fn used(folder: &Path) -> u64 {
    let mut seen = HashSet::new();
    let mut total = 0;
    let mut left = vec![folder.to_owned()];
    while let Some(folder) = left.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let Ok(about) = entry.metadata() else { continue };
            if about.nlink() > 1 && !about.is_dir() && !seen.insert((about.dev(), about.ino())) {
                continue;
            }
            total += about.blocks() * 512;
            if about.is_dir() {
                left.push(entry.path());
            }
        }
    }
    total
}
