//! A second run does what the first left to do, and nothing else.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};

use super::trees::{Pair, set_mode, set_mtime, stats, try_run, try_run_telling};
use crate::mover::{Error, Order, Phase};

#[test]
fn a_second_run_rewrites_nothing() {
    let pair = Pair::new();
    let first = pair.file("a/file", &[7; 300_000]);
    fs::hard_link(&first, pair.home().join("linked")).unwrap();
    pair.link("a", "link");
    pair.file("read-only/file", b"content");
    set_mode(&pair.home().join("read-only"), 0o500);
    let one = pair.copy();
    let before = stats(&pair.destination());
    let other = pair.copy();
    assert_eq!((other.written, other.written_bytes), (0, 0));
    assert_eq!(other.kept, 4);
    assert_eq!(other.entries, one.entries);
    assert_eq!(stats(&pair.destination()), before);
}

#[test]
fn what_a_killed_copy_left_over_is_cleaned_up_and_copied() {
    let pair = Pair::new();
    pair.file("folder/file", b"whole");
    pair.file("top", b"whole");
    pair.there(".studio-migrate-0123456789abcdef.part", b"to");
    pair.there("folder/.studio-migrate-fedcba9876543210.part", b"wh");
    let copied = pair.copy();
    pair.assert_same(&copied);
    assert_eq!(copied.totals.files, 2);
}

#[test]
fn a_file_of_the_home_that_is_named_like_a_left_over_is_copied() {
    let pair = Pair::new();
    pair.file(".studio-migrate-0123456789abcdef.part", b"theirs");
    pair.copy();
    pair.assert_same(&pair.copy());
}

#[test]
fn a_copy_that_is_stopped_goes_on_later() {
    let pair = Pair::new();
    for number in 0..40 {
        pair.file(format!("{number}"), &vec![1; 1 << 20]);
    }
    let stop = AtomicBool::new(false);
    let stopping = |progress: &crate::mover::Progress| {
        stop.store(progress.phase == Phase::Copying, Ordering::Relaxed);
    };
    assert!(matches!(try_run_telling(&pair.order(), &stopping, &stop), Err(Error::Stopped)));
    let is_part = |entry: fs::DirEntry| entry.file_name().to_string_lossy().ends_with(".part");
    assert!(!fs::read_dir(pair.destination()).unwrap().any(|entry| is_part(entry.unwrap())));
    pair.assert_same(&pair.copy());
}

#[test]
fn only_the_times_of_a_file_with_the_same_content_are_put_right() {
    let pair = Pair::new();
    set_mtime(&pair.file("file", b"content"), 1_000_000_000, 5);
    let there = pair.there("file", b"content");
    let inode = std::os::unix::fs::MetadataExt::ino(&there.metadata().unwrap());
    let copied = pair.copy();
    pair.assert_same(&copied);
    assert_eq!((copied.written, copied.kept), (0, 1));
    assert_eq!(std::os::unix::fs::MetadataExt::ino(&there.metadata().unwrap()), inode);
}

#[test]
fn a_torn_file_under_its_real_name_is_seen_although_size_and_time_agree() {
    let pair = Pair::new();
    set_mtime(&pair.file("file", b"content"), 1_000_000_000, 5);
    set_mtime(&pair.there("file", b"c\0\0\0\0\0\0"), 1_000_000_000, 5);
    assert_eq!(pair.copy().not_copied.get("conflict"), Some(&1));
}

#[test]
fn a_copy_that_was_killed_knows_what_it_wrote_when_its_owner_works_on_meanwhile() {
    let pair = Pair::new();
    for file in ["a", "folder/b", "folder/c"] {
        pair.file(file, b"before");
    }
    let lists = tempfile::tempdir().unwrap();
    let order = Order { written: Some(lists.path().join("written")), ..pair.order() };
    try_run(&order).unwrap();
    // Killed before the last file and its manifest, it leaves the list, with a line that is torn.
    fs::remove_file(pair.destination().join("folder/c")).unwrap();
    let list = order.written.clone().unwrap();
    let mut torn = fs::read(&list).unwrap();
    torn.extend_from_slice(b"{\"path\":\"a\",\"ki");
    fs::write(&list, torn).unwrap();
    for file in ["a", "folder/b", "folder/c"] {
        pair.file(file, b"changed meanwhile");
    }
    let copied = try_run(&order).unwrap();
    assert_eq!((copied.written, copied.not_copied.len()), (3, 0));
    pair.assert_same(&copied);
    // What somebody else wrote stays theirs.
    pair.there("a", b"theirs");
    pair.file("a", b"changed once more");
    assert_eq!(try_run(&order).unwrap().not_copied.get("conflict"), Some(&1));
    assert_eq!(fs::read(pair.destination().join("a")).unwrap(), b"theirs");
}
