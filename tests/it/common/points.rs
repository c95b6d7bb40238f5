//! Dying at every point at which the process can be made to: on either side of every event of the journal.

use std::sync::Mutex;

use super::account::Served;
use super::tool::command_on;

/// Tries every point, counted from 1, a few at a time, until one lies past the end of what was to be killed.
///
/// `reaches` tells whether what it tried died there. Returns the number of points.
pub fn every_point(reaches: impl Fn(u64) -> bool + Sync) -> u64 {
    let next = Mutex::new(1..);
    let last = Mutex::new(0);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                loop {
                    let point = next.lock().unwrap().next().unwrap();
                    if !reaches(point) {
                        break;
                    }
                    let mut last = last.lock().unwrap();
                    *last = point.max(*last);
                }
            });
        }
    });
    last.into_inner().unwrap()
}

/// Runs a command that dies at a point; tells whether it came to it, and insists that it ended well if it did not.
#[track_caller]
pub fn dies_at(point: u64, served: &Served, journal: &std::path::Path, words: &[&str]) -> bool {
    let mut dying = command_on(served, journal, words);
    let died = dying.env("STUDIO_MIGRATE_CRASH_AT", point.to_string()).output().unwrap();
    let code = died.status.code();
    let said = String::from_utf8_lossy(&died.stderr);
    assert!(matches!(code, None | Some(0)), "{words:?} ended with {code:?}: {said}");
    code.is_none()
}
