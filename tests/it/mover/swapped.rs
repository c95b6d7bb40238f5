//! Someone swaps folders and files with symbolic links while they are copied: nothing outside is read or written.
//!
//! The swaps are exchanges of two names, so that there is always something of the name, and nothing but timing decides which.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use rustix::fs::{CWD, RenameFlags};
use rustix::io::Errno;

use super::pair::{Copied, Pair, assert_alike};
use crate::common::trees;

/// What no copy may ever read.
const CANARY: &[u8] = b"the canary: nobody outside may be read";

/// Copies under attack; some of what they could do wrong shows in a few microseconds of each only.
const COPIES: usize = 60;

/// Paths that the attacked folder and the one outside have in common.
fn inner() -> impl Iterator<Item = PathBuf> {
    (0..48).map(|number| PathBuf::from(format!("deep/{}/{number}", number % 6)))
}

/// A folder outside, whose files have the names of the home's.
fn outside(pair: &Pair) -> PathBuf {
    let outside = pair.root().join("outside/there");
    for path in inner() {
        let path = outside.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, CANARY).unwrap();
    }
    fs::write(outside.join("only-outside"), CANARY).unwrap();
    outside
}

/// The longest pauses between two swaps, in microseconds, in turn: as fast as can be, to fall between two calls, or slowly
/// enough to let many through.
const PAUSES: [u64; 4] = [0, 100, 1_000, 5_000];

/// Exchanges pairs of names, over and over, while something is done; returns how often it did.
fn while_swapping<T>(
    names: &[(PathBuf, PathBuf)],
    pause: u64,
    work: impl FnOnce() -> T,
) -> (T, u64) {
    let (is_over, swaps) = (AtomicBool::new(false), AtomicU64::new(0));
    let done = std::thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                let exchanged = names.iter().map(|(one, other)| {
                    rustix::fs::renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE)
                });
                for exchanged in exchanged {
                    // Where the source wins a link may be taken away, and something new is there in a moment.
                    assert!(matches!(exchanged, Ok(()) | Err(Errno::NOENT)), "{exchanged:?}");
                }
                swaps.fetch_add(1, Ordering::Relaxed);
                if pause > 0 {
                    std::thread::sleep(Duration::from_micros(fastrand::u64(0..pause)));
                }
            }
        });
        let done = work();
        is_over.store(true, Ordering::Relaxed);
        done
    });
    (done, swaps.into_inner())
}

/// Insists that the command ended in order: done, or with what differs named.
#[track_caller]
fn in_order(copied: &Copied) {
    let ran = &copied.ran;
    assert!(matches!(ran.code, Some(0 | 4)), "{:?}\n{}\n{}", ran.code, ran.out, ran.err);
}

fn assert_no_canary(destination: &Path) {
    for path in trees::listing(destination, false).into_keys() {
        assert!(!path.ends_with("only-outside"), "{path:?} was copied");
        let full = destination.join(&path);
        if full.symlink_metadata().unwrap().is_file() {
            let content = fs::read(&full).unwrap();
            let is_canary = content.windows(CANARY.len()).any(|window| window == CANARY);
            assert!(!is_canary, "{path:?} has content from outside");
        }
    }
}

#[test]
fn a_folder_of_the_source_that_turns_into_a_link_never_leads_outside() {
    let mut swaps = 0;
    let mut arrived = 0;
    for round in 0..COPIES {
        let pair = Pair::new();
        let outside = outside(&pair);
        for path in inner() {
            pair.file(Path::new("work").join(path), b"the home's own");
        }
        let file = pair.file("file", b"the home's own");
        let (spare, spare_file) = (pair.root().join("spare"), pair.root().join("spare-file"));
        symlink(&outside, &spare).unwrap();
        symlink(outside.join("only-outside"), &spare_file).unwrap();
        let names = [(pair.home().join("work"), spare), (file, spare_file)];
        let (copied, swapped) =
            while_swapping(&names, PAUSES[(round / 2) % PAUSES.len()], || pair.copy());
        in_order(&copied);
        assert_no_canary(&pair.destination());
        arrived += trees::listing(&pair.destination(), false).len();
        swaps += swapped;
    }
    assert!(swaps as usize > 10 * COPIES, "only {swaps} swaps in {COPIES} copies");
    assert!(arrived > 10, "only {arrived} entries ever arrived: the swaps met no copy");
}

/// Modes of the folder and the file that are there; the home has the first. Others have to be put right, never through a link.
const MODES: [(u32, u32); 3] = [(0o750, 0o640), (0o300, 0o600), (0o700, 0o644)];

/// Copies under a policy into a destination whose folder and file come and go.
fn destination_attacked(conflict: &str) {
    let (mut swaps, mut written) = (0, 0);
    for round in 0..COPIES {
        let pair = Pair::new();
        let outside = outside(&pair);
        for path in inner() {
            pair.file(Path::new("work").join(path), b"the home's own");
        }
        pair.file("work/new", b"not there yet");
        let (work, file) = (pair.destination().join("work"), pair.destination().join("file"));
        fs::create_dir(&work).unwrap();
        // Now and then with all that is in it, so that there is something to replace.
        for path in inner().filter(|_| round % 2 == 0) {
            let path = work.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "theirs").unwrap();
        }
        let same = pair.file("file", b"the same");
        fs::copy(&same, &file).unwrap();
        let time = same.metadata().unwrap().modified().unwrap();
        fs::File::options().write(true).open(&file).unwrap().set_modified(time).unwrap();
        set_mode(&same, MODES[0].1);
        set_mode(&pair.home().join("work"), MODES[0].0);
        let (folder_mode, file_mode) = MODES[round % MODES.len()];
        set_mode(&work, folder_mode);
        set_mode(&file, file_mode);
        let (spare, spare_file) = (pair.root().join("spare"), pair.root().join("spare-file"));
        symlink(&outside, &spare).unwrap();
        symlink(outside.join("only-outside"), &spare_file).unwrap();
        let before = trees::listing(&pair.root().join("outside"), true);
        let names = [(work, spare), (file, spare_file)];
        let (copied, swapped) = while_swapping(&names, PAUSES[(round / 2) % PAUSES.len()], || {
            let ran = pair.copying().args(["--conflict", conflict]).output().unwrap();
            Copied::of(ran.into())
        });
        in_order(&copied);
        let after = trees::listing(&pair.root().join("outside"), true);
        assert_alike(&after, &before, &format!("outside, under {conflict}, round {round}"));
        written += copied.number("written");
        swaps += swapped;
    }
    assert!(swaps as usize > 10 * COPIES, "only {swaps} swaps in {COPIES} copies");
    assert!(written > 10, "only {written} files were ever written: the swaps met no copy");
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_folder_of_the_destination_that_turns_into_a_link_is_never_written_through() {
    destination_attacked("refuse");
}

#[test]
fn whatever_wins_a_link_at_the_destination_is_never_written_through() {
    destination_attacked("source-wins");
    destination_attacked("keep-both");
}

#[test]
fn what_was_deleted_is_never_taken_away_through_a_link() {
    let (mut swaps, mut kept) = (0, 0);
    for round in 0..COPIES {
        let pair = Pair::new();
        let outside = outside(&pair);
        for path in inner() {
            // To the mover they are the very files that it copied, but for where they are.
            let file = pair.file(Path::new("work").join(&path), CANARY);
            let time = file.metadata().unwrap().modified().unwrap();
            let there = fs::File::options().write(true).open(outside.join(path)).unwrap();
            there.set_modified(time).unwrap();
        }
        let manifest = pair.root().join("manifest");
        let output = pair.copying().arg("--manifest").arg(&manifest).output().unwrap();
        Copied::of(output.into()).proven();
        fs::remove_dir_all(pair.home().join("work/deep")).unwrap();
        let (work, spare) = (pair.destination().join("work"), pair.root().join("spare"));
        symlink(&outside, &spare).unwrap();
        let before = trees::listing(&pair.root().join("outside"), true);
        let pause = PAUSES[(round / 2) % PAUSES.len()];
        let names = [(work, spare.clone())];
        let (copied, swapped) = while_swapping(&names, pause, || {
            let since = pair.copying().arg("--since").arg(&manifest).arg("--delete").output();
            Copied::of(since.unwrap().into())
        });
        in_order(&copied);
        let after = trees::listing(&pair.root().join("outside"), true);
        assert_alike(&after, &before, &format!("outside, round {round}"));
        // Wherever the folder ended, what was not taken away is there.
        let folders = [pair.destination().join("work"), spare];
        let real = folders.iter().find(|folder| !folder.is_symlink()).unwrap();
        kept += trees::listing(real, false).len();
        swaps += swapped;
    }
    assert!(swaps as usize > 10 * COPIES, "only {swaps} swaps in {COPIES} copies");
    let all = COPIES * (inner().count() + 7);
    assert!((1..all).contains(&kept), "{kept} of {all} were left: the swaps met no deletion");
}
