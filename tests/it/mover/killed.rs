//! Killed with no warning at any moment, a copy leaves nothing torn, and the next one ends as if nothing had happened.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;

use rustix::fs::{AtFlags, CWD, Timespec, Timestamps};

use super::pair::{Listing, Pair, is_part, listing};
use crate::common::trees;

/// Trees, and moments of a kill.
const SEEDS: u64 = 100;

/// Copies at the same time: each has threads of its own, and a kill shall find them at odds.
const AT_ONCE: usize = 3;

/// Builds a tree of everything that people have; returns how many files and links there are.
fn grow(home: &Path, random: &mut fastrand::Rng) -> u64 {
    let mut folders = vec![home.to_owned()];
    for number in 0..random.usize(3..16) {
        let folder = random.choice(&folders).unwrap().join(format!("folder {number}"));
        fs::create_dir(&folder).unwrap();
        folders.push(folder);
    }
    let mut files = Vec::new();
    for number in 0..random.usize(60..200) {
        let path = random.choice(&folders).unwrap().join(format!("{number}"));
        match random.u8(0..20) {
            0 => std::os::unix::fs::symlink("somewhere else", &path).unwrap(),
            1 if !files.is_empty() => fs::hard_link(random.choice(&files).unwrap(), &path).unwrap(),
            2 => fill(&path, random.usize(1 << 20..3 << 20), random),
            _ => fill(&path, random.usize(0..40_000), random),
        }
        set_time(&path, random);
        if path.is_file() {
            files.push(path);
        }
    }
    let total = trees::listing(home, false).len() - (folders.len() - 1);
    for folder in folders.iter().skip(1).rev() {
        set_time(folder, random);
        fs::set_permissions(folder, fs::Permissions::from_mode(random.u32(0..8) * 8 + 0o700))
            .unwrap();
    }
    total as u64
}

fn fill(path: &Path, bytes: usize, random: &mut fastrand::Rng) {
    let mut content = vec![0; bytes];
    random.fill(&mut content);
    fs::write(path, content).unwrap();
    let mode = random.choice([0o400, 0o600, 0o644, 0o755]).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn set_time(path: &Path, random: &mut fastrand::Rng) {
    let time =
        Timespec { tv_sec: random.i64(-1 << 30..1 << 31), tv_nsec: random.i64(0..1_000_000_000) };
    let times = Timestamps { last_access: time, last_modification: time };
    rustix::fs::utimensat(CWD, path, &times, AtFlags::SYMLINK_NOFOLLOW).unwrap();
}

/// Counts what stands under its real name, without reading any of it.
fn standing(folder: &Path) -> u64 {
    let mut count = 0;
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => count += standing(&entry.path()),
            _ => count += u64::from(!is_part(&entry.path())),
        }
    }
    count
}

/// Insists that every file and link under a real name is the home's, whole; returns how many there are.
#[track_caller]
fn assert_nothing_torn(found: &Listing, home: &Listing, when: &str) -> u64 {
    let mut whole = 0;
    for (path, line) in found {
        let is_folder = line.starts_with('4');
        if is_part(path) {
            continue;
        }
        assert!(home.contains_key(path), "{when}: {path:?} is not the home's");
        // Modes and times of folders come last.
        if !is_folder {
            assert_eq!(Some(line), home.get(path), "{when}: {path:?} is torn");
            whole += 1;
        }
    }
    whole
}

/// How far a copy had come when it was killed.
#[derive(Clone, Copy, Debug)]
struct Kill {
    was_alive: bool,
    standing: u64,
    total: u64,
}

fn kill(seed: u64) -> Kill {
    let mut random = fastrand::Rng::with_seed(seed);
    let pair = Pair::new();
    let total = grow(&pair.home(), &mut random);
    let home = listing(&pair.home());
    let untouched = trees::listing(&pair.home(), true);
    let when = format!("seed {seed}");

    // Somewhere in the copy, and now and then before it, or in the reading back.
    let enough = random.u64(0..total + total / 10);
    let longer = Duration::from_micros(random.u64(0..2_000));
    let mut child = pair.start();
    while standing(&pair.destination()) < enough.min(total) && child.try_wait().unwrap().is_none() {
    }
    std::thread::sleep(longer);
    child.kill().unwrap();
    let was_alive = child.wait().unwrap().signal() == Some(9);

    let left = listing(&pair.destination());
    let standing = assert_nothing_torn(&left, &home, &when);
    assert_eq!(trees::listing(&pair.home(), true), untouched, "{when}: the source, after the kill");

    let again = pair.copy().proven();
    assert_eq!(again.number("written"), total - standing, "{when}: {}", again.ran.out);
    assert_eq!(again.number("kept"), standing, "{when}: {}", again.ran.out);
    assert_eq!(again.not_copied(), BTreeMap::new(), "{when}");
    pair.assert_same(&when);
    assert_eq!(trees::listing(&pair.home(), true), untouched, "{when}: the source, at the end");
    Kill { was_alive, standing, total }
}

#[test]
fn killed_at_a_hundred_moments_nothing_is_torn_and_the_next_run_completes() {
    let seeds = Mutex::new(0..SEEDS);
    let kills = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let Some(seed) = seeds.lock().unwrap().next() else { break };
                    let done = kill(seed);
                    kills.lock().unwrap().push(done);
                }
            });
        }
    });
    let kills = kills.into_inner().unwrap();
    assert_eq!(kills.len(), SEEDS as usize);
    let is_midway = |kill: &&Kill| kill.was_alive && (1..kill.total).contains(&kill.standing);
    let midway = kills.iter().filter(is_midway).count();
    assert!(midway >= 50, "only {midway} kills fell into the copy: {kills:?}");
}
