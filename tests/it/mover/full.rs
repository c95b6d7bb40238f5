//! A destination without room: refused before anything is written, or ended in the middle with nothing torn.
//!
//! A small file system is mounted there: by root, or in a namespace of its own for whoever may not.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::pair::{Pair, ended, is_part, listing};

/// Set in a run of one test by itself, in a namespace where everyone may mount.
const INSIDE: &str = "STUDIO_MIGRATE_TEST_MAY_MOUNT";

/// A small file system at a pair's destination.
struct Small(PathBuf);

impl Small {
    /// Mounts it; none where that is not allowed, when `test` has passed in a namespace where it is.
    fn mount(pair: &Pair, options: &str, test: &str) -> Option<Self> {
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", options, "none"]).arg(pair.destination());
        let mounted = mount.output().unwrap();
        if mounted.status.success() {
            return Some(Self(pair.destination()));
        }
        let why = String::from_utf8_lossy(&mounted.stderr).into_owned();
        assert!(std::env::var_os(INSIDE).is_none(), "cannot mount a file system: {why}");
        let mut again = Command::new("unshare");
        again.args(["--user", "--map-root-user", "--mount"]).arg(std::env::current_exe().unwrap());
        again.args([&format!("mover::full::{test}"), "--exact"]).env(INSIDE, "1");
        let output = again.output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(
            output.status.success() && said.contains("1 passed"),
            "this mounts a small file system, as root or in a user namespace; where neither is \
             allowed, leave it out with `--skip mover::full`\n{why}{said}{}",
            String::from_utf8_lossy(&output.stderr)
        );
        None
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _output = Command::new("umount").arg(&self.0).output();
    }
}

fn random(bytes: usize) -> Vec<u8> {
    let mut content = vec![0; bytes];
    fastrand::Rng::with_seed(7).fill(&mut content);
    content
}

/// The numbers that a message gives as bytes or names.
fn numbers(message: &str) -> Vec<u64> {
    message.split(|at: char| !at.is_ascii_digit()).filter_map(|word| word.parse().ok()).collect()
}

#[test]
fn a_home_that_does_not_fit_is_refused_with_both_numbers_before_anything_is_written() {
    let test = "a_home_that_does_not_fit_is_refused_with_both_numbers_before_anything_is_written";
    let pair = Pair::new();
    pair.file("folder/large", &random(9 << 20));
    let Some(_small) = Small::mount(&pair, "size=8m", test) else { return };
    let refused = pair.copy().ran.ended(5);
    assert!(refused.err.contains("the destination has"), "{}", refused.err);
    let said = numbers(&refused.err);
    assert!(said.contains(&(8 << 20)), "free: {}", refused.err);
    assert!(
        said.iter().any(|bytes| (9 << 20..11 << 20).contains(bytes)),
        "needed: {}",
        refused.err
    );
    assert_eq!(fs::read_dir(pair.destination()).unwrap().count(), 0);
    assert_eq!(refused.out, "");
}

#[test]
fn a_home_of_more_names_than_fit_is_refused_with_both_numbers() {
    let test = "a_home_of_more_names_than_fit_is_refused_with_both_numbers";
    let pair = Pair::new();
    (0..50).for_each(|number| drop(pair.file(format!("{number}"), b"")));
    let Some(_small) = Small::mount(&pair, "size=8m,nr_inodes=40", test) else { return };
    let refused = pair.copy().ran.ended(5);
    assert!(refused.err.contains("files and folders"), "{}", refused.err);
    assert!(numbers(&refused.err).contains(&50), "{}", refused.err);
    assert_eq!(fs::read_dir(pair.destination()).unwrap().count(), 0);
}

/// Writes into a file until the file system has no room left.
fn fill(path: &Path) {
    let (mut file, chunk) = (File::create(path).unwrap(), random(256 << 10));
    while file.write(&chunk).is_ok_and(|written| written > 0) {}
}

#[test]
fn a_destination_that_fills_up_ends_the_copy_with_nothing_torn_and_the_next_completes() {
    let test = "a_destination_that_fills_up_ends_the_copy_with_nothing_torn_and_the_next_completes";
    const FILES: usize = 192;
    let pair = Pair::new();
    for number in 0..FILES {
        pair.file(format!("{}/{number}", number % 8), &random(256 << 10));
    }
    let Some(_small) = Small::mount(&pair, "size=64m", test) else { return };
    let mut child = pair.start();
    while fs::read_dir(pair.destination()).unwrap().next().is_none() {
        assert_eq!(child.try_wait().unwrap(), None, "it ended before anything arrived");
    }
    let filler = pair.destination().join("filler");
    fill(&filler);
    let refused = ended(child).ran.ended(5);
    assert!(refused.err.contains("the destination has"), "{}", refused.err);
    let said = numbers(&refused.err);
    assert!(said.len() >= 2 && said.iter().any(|bytes| *bytes >= 48 << 20), "{}", refused.err);
    let (home, there) = (listing(&pair.home()), listing(&pair.destination()));
    let files = there.iter().filter(|(_, line)| line.starts_with("100"));
    let mut arrived = 0;
    for (path, line) in files.filter(|(path, _)| *path != Path::new("filler")) {
        assert!(!is_part(path), "{path:?} was left");
        assert_eq!(Some(line), home.get(path), "{path:?} is torn");
        arrived += 1;
    }
    assert!(arrived < FILES, "all arrived: the file system was not full in time");

    fs::remove_file(&filler).unwrap();
    let again = pair.copy().proven();
    assert_eq!(again.number("written") as usize, FILES - arrived);
    pair.assert_same("after making room");
}
