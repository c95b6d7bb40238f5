//! What arrives is what was there.

use std::fs::{self, File};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;

use rustix::fs::{AtFlags, CWD, Timespec, Timestamps};

use super::trees::{Pair, at, set_mode, set_mtime, stats, try_run};
use crate::mover::{Order, manifest};

#[test]
fn names_of_any_bytes_arrive() {
    let pair = Pair::new();
    let long = [b'x'; 255];
    let names: [&[u8]; 9] = [
        b"a space",
        b"a\nnewline",
        b"\xff\xfe",
        b"-rf",
        b"*",
        b"\\",
        "日本 ü".as_bytes(),
        b".hidden",
        &long,
    ];
    for name in names {
        pair.file([b"folder/".as_slice(), name].concat(), name);
        pair.folder([b"folders/".as_slice(), name, b"/inner"].concat());
    }
    let copied = pair.copy();
    pair.assert_same(&copied);
    assert_eq!((copied.totals.files, copied.totals.directories), (9, 20));
}

#[test]
fn paths_longer_than_the_kernel_takes_at_once_arrive() {
    let pair = Pair::new();
    let step = "d".repeat(200);
    let made = std::process::Command::new("bash")
        .args(["-c", "for i in $(seq 30); do mkdir $0 && cd -P ./$0 || exit 1; done; echo deep > file; ln file link", &step])
        .current_dir(pair.home())
        .status()
        .unwrap();
    assert!(made.success());
    let copied = pair.copy();
    assert_eq!((copied.totals.files, copied.totals.directories), (2, 30));
    let verified = pair.verify(&copied.entries);
    assert_eq!(verified.totals, copied.totals);
    assert_eq!(pair.copy().written, 0);
}

#[test]
fn modes_and_times_arrive_to_the_nanosecond() {
    let pair = Pair::new();
    for (number, mode) in [0o400, 0o444, 0o600, 0o640, 0o755, 0o777].into_iter().enumerate() {
        let path = pair.file(format!("{mode:o}"), b"content");
        set_mtime(&path, 1_000_000_000 + number as u64, 123_456_789);
        set_mode(&path, mode);
    }
    for mode in [0o500, 0o555, 0o700, 0o1777] {
        let folder = pair.folder(format!("folder-{mode:o}/below"));
        pair.file(format!("folder-{mode:o}/file"), b"content");
        set_mtime(&folder, 1_200_000_000, 1);
        set_mtime(folder.parent().unwrap(), 1_100_000_000, 999_999_999);
        set_mode(folder.parent().unwrap(), mode);
    }
    pair.assert_same(&pair.copy());
    pair.assert_same(&pair.copy());
}

#[test]
fn a_time_that_the_destination_cannot_store_is_noted_and_holds_nothing_up() {
    let Ok(home) = tempfile::tempdir_in("/dev/shm") else { return };
    let pair = Pair::new();
    let path = home.path().join("file");
    fs::write(&path, "content").unwrap();
    set_mtime(&path, 40_000_000_000, 5);
    let is_clamped = {
        set_mtime(&pair.there("probe", b""), 40_000_000_000, 5);
        pair.destination().join("probe").metadata().unwrap().mtime() != 40_000_000_000
    };
    let order = Order { source: home.path().to_owned(), ..pair.order() };
    for _ in 0..2 {
        let copied = try_run(&order).unwrap();
        assert_eq!(copied.entries[0].notes.len(), usize::from(is_clamped));
        assert_eq!(pair.verify(&copied.entries).totals, copied.totals);
    }
}

#[test]
fn special_bits_of_files_are_dropped_and_said_so() {
    let pair = Pair::new();
    let path = pair.file("tool", b"#!/bin/sh\n");
    set_mode(&path, 0o6755);
    let copied = pair.copy();
    assert_eq!(pair.destination().join("tool").metadata().unwrap().mode() & 0o7777, 0o755);
    assert_eq!(copied.entries[0].notes, ["the special bits of mode 6755 were dropped"]);
    assert_eq!(pair.verify(&copied.entries).totals, copied.totals);
}

#[test]
fn symbolic_links_arrive_as_they_are() {
    let pair = Pair::new();
    pair.file("folder/file", b"content");
    for (target, path) in [
        ("folder/file", "relative"),
        ("/etc/passwd", "absolute"),
        ("nowhere", "dangling"),
        ("folder", "to-folder"),
        ("loop", "loop"),
    ] {
        let link = pair.link(target, path);
        let times = Timestamps {
            last_access: Timespec { tv_sec: 5, tv_nsec: 0 },
            last_modification: Timespec { tv_sec: 1_234_567_890, tv_nsec: 987_654_321 },
        };
        rustix::fs::utimensat(CWD, &link, &times, AtFlags::SYMLINK_NOFOLLOW).unwrap();
    }
    let copied = pair.copy();
    assert_eq!((copied.totals.files, copied.totals.symlinks), (1, 5));
    pair.assert_same(&copied);
}

#[test]
fn hard_links_arrive_as_hard_links() {
    let pair = Pair::new();
    let first = pair.file("z/first", b"one file");
    pair.folder("a");
    fs::hard_link(&first, pair.home().join("a/second")).unwrap();
    fs::hard_link(&first, pair.home().join("third")).unwrap();
    let copied = pair.copy();
    pair.assert_same(&copied);
    assert_eq!((copied.totals.files, copied.totals.bytes, copied.written_bytes), (3, 24, 8));
    assert_eq!(pair.destination().join("third").metadata().unwrap().nlink(), 3);
    let firsts: Vec<_> = copied
        .entries
        .iter()
        .filter(|entry| entry.link_of.is_some())
        .map(|entry| &*entry.path)
        .collect();
    assert_eq!(firsts, [b"third".as_slice(), b"z/first"]);
    assert_eq!(pair.copy().written, 0);
}

#[test]
fn names_that_were_one_file_become_one_again() {
    let pair = Pair::new();
    let first = pair.file("a", b"one file");
    fs::hard_link(&first, pair.home().join("b")).unwrap();
    pair.there("a", b"one file");
    pair.there("b", b"one file");
    pair.assert_same(&pair.copy());
}

#[test]
fn sparse_files_stay_sparse() {
    let pair = Pair::new();
    let file = File::create(pair.home().join("sparse")).unwrap();
    file.set_len(100 << 20).unwrap();
    file.write_all_at(b"data", 50 << 20).unwrap();
    let copied = pair.copy();
    pair.assert_same(&copied);
    assert!(pair.destination().join("sparse").metadata().unwrap().blocks() * 512 < 1 << 20);
}

#[test]
fn empty_files_and_folders_arrive() {
    let pair = Pair::new();
    pair.file("empty", b"");
    pair.folder("a/b/c");
    let copied = pair.copy();
    pair.assert_same(&copied);
    assert_eq!((copied.totals.files, copied.totals.directories), (1, 3));
}

#[test]
fn extended_attributes_of_people_arrive() {
    let pair = Pair::new();
    let path = pair.file("file", b"content");
    let flags = rustix::fs::XattrFlags::empty();
    let is_supported = rustix::fs::setxattr(&path, "user.origin", b"lab", flags).is_ok();
    if !is_supported {
        return;
    }
    rustix::fs::setxattr(pair.folder("folder"), "user.tag", b"x", flags).unwrap();
    pair.copy();
    let get = |path: &Path, name: &str| {
        let mut value = [0; 8];
        let size = rustix::fs::getxattr(path, name, value.as_mut_slice()).unwrap();
        value[..size].to_vec()
    };
    assert_eq!(get(&pair.destination().join("file"), "user.origin"), b"lab");
    assert_eq!(get(&pair.destination().join("folder"), "user.tag"), b"x");
}

#[test]
fn nothing_changes_at_the_source() {
    let pair = Pair::new();
    let first = pair.file("a/file", &[7; 300_000]);
    fs::hard_link(&first, pair.home().join("linked")).unwrap();
    pair.link("a", "link");
    pair.file("read-only/file", b"content");
    set_mode(&pair.home().join("read-only"), 0o555);
    let before = stats(&pair.home());
    let copied = pair.copy();
    pair.verify(&copied.entries);
    assert_eq!(stats(&pair.home()), before);
}

#[test]
fn a_changed_byte_at_the_destination_is_found() {
    let pair = Pair::new();
    pair.file("a", &[1; 100_000]);
    pair.file("b", b"stays");
    pair.file("c", b"goes");
    let copied = pair.copy();
    let path = pair.destination().join("a");
    let time = path.metadata().unwrap().modified().unwrap();
    let file = File::options().write(true).open(&path).unwrap();
    file.write_all_at(&[2], 77_777).unwrap();
    file.set_modified(time).unwrap();
    fs::remove_file(pair.destination().join("c")).unwrap();
    let verified = pair.verify(&copied.entries);
    let said = |path: &str, what: &str| (path.to_owned(), what.to_owned());
    assert_eq!(
        verified.differences,
        [said("a", "its content differs"), said("c", "it is missing")]
    );
    assert_eq!(verified.totals.files, 2);
    assert_ne!(verified.totals.digest, copied.totals.digest);
}

#[test]
fn the_manifest_sums_up_to_what_was_copied() {
    let pair = Pair::new();
    pair.file(b"a\n\xff", b"content");
    pair.link("a", "b");
    pair.file("cache/x", b"left out");
    let copied = pair.copy_without(&[("cache/**", "a cache")]);
    let mut writer = manifest::Writer::new(Vec::new()).unwrap();
    copied.entries.iter().for_each(|entry| writer.add(entry).unwrap());
    let (stored, totals, not_copied) = writer.finish().unwrap();
    assert_eq!((&totals, &not_copied), (&copied.totals, &copied.not_copied));
    let mut summing = manifest::Summing::default();
    let entries: Vec<_> = manifest::read(stored.as_slice()).unwrap().map(Result::unwrap).collect();
    entries.iter().for_each(|entry| summing.add(entry));
    assert_eq!(entries, copied.entries);
    assert_eq!(summing.totals(), copied.totals);
    assert!(!at(&pair.destination(), "cache").exists());
}
