//! A destination that is too small: a small file system is mounted there, in a namespace of its own for whoever may not.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Once;
use std::sync::atomic::AtomicBool;

use super::trees::{Pair, try_run, try_run_telling};
use crate::mover::{Error, Order, Phase, Progress};

/// Set in a run of one test by itself, in a namespace where everyone may mount.
const INSIDE: &str = "STUDIO_MIGRATE_TEST_MAY_MOUNT";

/// A file system of eight MiB, or of some inodes, at a pair's destination.
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
        again.args([&format!("mover::tests::full::{test}"), "--exact"]).env(INSIDE, "1");
        let output = again.output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(
            output.status.success() && said.contains("1 passed"),
            "this mounts a small file system, as root or in a user namespace; where neither is \
             allowed, leave it out with `--skip mover::tests::full`\n{why}{said}{}",
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
    let mut random = fastrand::Rng::with_seed(7);
    std::iter::repeat_with(|| random.u8(1..)).take(bytes).collect()
}

#[test]
fn a_home_that_is_too_large_is_refused_before_anything_is_written() {
    let pair = Pair::new();
    pair.file("folder/large", &random(9 << 20));
    let test = "a_home_that_is_too_large_is_refused_before_anything_is_written";
    let Some(_small) = Small::mount(&pair, "size=8m", test) else { return };
    let refused = try_run(&pair.order());
    assert!(
        matches!(refused, Err(Error::NoRoom { needs, has }) if needs > 9 << 20 && has <= 8 << 20),
        "{refused:?}"
    );
    assert_eq!(fs::read_dir(pair.destination()).unwrap().count(), 0);
}

#[test]
fn a_home_with_more_names_than_the_destination_takes_is_refused() {
    let pair = Pair::new();
    (0..50).for_each(|number| drop(pair.file(format!("{number}"), b"")));
    let test = "a_home_with_more_names_than_the_destination_takes_is_refused";
    let Some(_small) = Small::mount(&pair, "size=8m,nr_inodes=40", test) else { return };
    let refused = try_run(&pair.order());
    assert!(matches!(refused, Err(Error::NoInodes { needs: 50, .. })), "{refused:?}");
}

#[test]
fn a_destination_that_fills_up_ends_the_copy_and_leaves_nothing_torn() {
    let pair = Pair::new();
    for number in 0..4 {
        pair.file(format!("{number}"), &random(1 << 20));
    }
    let test = "a_destination_that_fills_up_ends_the_copy_and_leaves_nothing_torn";
    let Some(_small) = Small::mount(&pair, "size=8m", test) else { return };
    let filler = pair.destination().join("filler");
    let filled = Once::new();
    let fill = |progress: &Progress| {
        if progress.phase == Phase::Copying {
            filled.call_once(|| fs::write(&filler, random((6 << 20) + 5000)).unwrap());
        }
    };
    let order = Order { workers: Some(2), ..pair.order() };
    let refused = try_run_telling(&order, &fill, &AtomicBool::new(false));
    assert!(matches!(refused, Err(Error::NoRoom { needs, has }) if needs > has), "{refused:?}");
    for entry in fs::read_dir(pair.destination()).unwrap() {
        let entry = entry.unwrap();
        let is_whole = entry.path() == filler || entry.metadata().unwrap().len() == 1 << 20;
        assert!(is_whole, "{:?}", entry.file_name());
    }
    fs::remove_file(&filler).unwrap();
    let copied = try_run(&order).unwrap();
    pair.assert_same(&copied);
}
