//! What cannot or shall not be copied is listed, each with its reason.

use std::fs;
use std::os::unix::net::UnixListener;

use rustix::fs::{CWD, FileType, Mode};
use rustix::thread::CapabilitySet;

use super::trees::{Pair, not_copied, set_mode, try_run};
use crate::mover::{Below, Order, Rules};
use crate::playbook::LeaveOut;

fn said(path: &str, why: &str) -> (String, String) {
    (path.to_owned(), why.to_owned())
}

/// Makes this thread, and those that it starts, obey permissions even when the tests run as root.
fn obey_permissions() {
    let mut sets = rustix::thread::capabilities(None).unwrap();
    let mighty =
        CapabilitySet::DAC_OVERRIDE | CapabilitySet::DAC_READ_SEARCH | CapabilitySet::FOWNER;
    sets.effective -= mighty;
    rustix::thread::set_capabilities(None, sets).unwrap();
}

#[test]
fn special_files_are_listed() {
    let pair = Pair::new();
    rustix::fs::mknodat(CWD, pair.home().join("fifo"), FileType::Fifo, Mode::RUSR, 0).unwrap();
    let _socket = UnixListener::bind(pair.home().join("socket")).unwrap();
    pair.file("file", b"content");
    let copied = pair.copy();
    let expected =
        [said("fifo", "special: it is a FIFO"), said("socket", "special: it is a socket")];
    assert_eq!(not_copied(&copied), expected);
    assert_eq!(copied.not_copied.get("special"), Some(&2));
    assert_eq!(copied.totals.files, 1);
}

#[test]
fn a_folder_that_is_left_out_is_listed_once_with_what_is_below() {
    let pair = Pair::new();
    pair.file("p/node_modules/a/one", b"123");
    pair.file("p/node_modules/two", b"4567");
    pair.link("two", "p/node_modules/link");
    pair.file("p/main.py", b"content");
    pair.file("notes.tmp", b"12");
    let copied = pair.copy_without(&[
        ("**/node_modules/**", "can be installed again"),
        ("*.tmp", "a scratch file"),
    ]);
    let expected = [
        said("notes.tmp", "excluded: a scratch file (rule `*.tmp`)"),
        said(
            "p/node_modules",
            "excluded: can be installed again (rule `**/node_modules/**`) (3 files and 1 folders below, 7 bytes)",
        ),
    ];
    assert_eq!(not_copied(&copied), expected);
    let skip = copied
        .entries
        .iter()
        .find_map(|entry| entry.skip.as_ref().filter(|skip| skip.below.is_some()));
    assert_eq!(skip.unwrap().below, Some(Below { files: 3, directories: 1, bytes: 7 }));
    assert!(!pair.destination().join("p/node_modules").exists());
    assert!(pair.destination().join("p/main.py").exists());
}

#[test]
fn what_cannot_be_read_is_listed_and_the_rest_arrives() {
    let pair = Pair::new();
    set_mode(&pair.file("secret", b"content"), 0o000);
    pair.file("closed/inside", b"content");
    pair.file("open/file", b"content");
    set_mode(&pair.home().join("closed"), 0o000);
    pair.file("no-search/inside", b"content");
    set_mode(&pair.home().join("no-search"), 0o400);
    let copied = std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            obey_permissions();
            pair.copy()
        });
        thread.join().unwrap()
    });
    set_mode(&pair.home().join("closed"), 0o700);
    set_mode(&pair.home().join("no-search"), 0o700);
    let denied = "Permission denied (os error 13)";
    let expected = [
        said("closed", &format!("unreadable: the folder cannot be listed: {denied}")),
        said("no-search/inside", &format!("unreadable: it cannot be looked at: {denied}")),
        said("secret", &format!("unreadable: it cannot be read: {denied}")),
    ];
    assert_eq!(not_copied(&copied), expected);
    assert!(pair.destination().join("open/file").exists());
    assert!(!pair.destination().join("secret").exists());
}

#[test]
fn when_the_first_name_cannot_be_copied_the_next_is() {
    let pair = Pair::new();
    let first = pair.file("a/one", b"content");
    pair.folder("b");
    for name in ["b/two", "b/three"] {
        fs::hard_link(&first, pair.home().join(name)).unwrap();
    }
    pair.there("a", b"not a folder");
    let copied = pair.copy();
    let expected = [
        said("a", "conflict: something else is there, and it stays"),
        said("a/one", "conflict: its folder was not copied"),
    ];
    assert_eq!(not_copied(&copied), expected);
    assert_eq!(fs::read(pair.destination().join("b/two")).unwrap(), b"content");
    assert_eq!(copied.entries.iter().filter(|entry| entry.link_of.is_some()).count(), 1);
    assert_eq!(pair.verify(&copied.entries).totals, copied.totals);
}

#[test]
fn a_read_only_folder_of_the_home_does_not_stop_writing_into_its_copy() {
    let pair = Pair::new();
    pair.file("read-only/below/file", b"content");
    set_mode(&pair.home().join("read-only/below"), 0o555);
    set_mode(&pair.home().join("read-only"), 0o555);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            obey_permissions();
            pair.assert_same(&pair.copy());
            set_mode(&pair.home().join("read-only/below"), 0o755);
            pair.file("read-only/below/more", b"content");
            set_mode(&pair.home().join("read-only/below"), 0o555);
            pair.assert_same(&pair.copy());
        });
    });
}

#[test]
fn a_file_that_never_rests_is_listed_as_changed() {
    let pair = Pair::new();
    let path = pair.file("log", b"line\n");
    // A hole costs no room, but it has to be hashed, which takes far longer than the writer's pauses.
    fs::File::options().write(true).open(&path).unwrap().set_len(128 << 20).unwrap();
    pair.file("quiet", b"content");
    let is_over = std::sync::atomic::AtomicBool::new(false);
    let begun = std::sync::Barrier::new(2);
    let copied = std::thread::scope(|scope| {
        scope.spawn(|| {
            let file = fs::File::options().append(true).open(&path).unwrap();
            begun.wait();
            while !is_over.load(std::sync::atomic::Ordering::Relaxed) {
                std::io::Write::write_all(&mut &file, b"line\n").unwrap();
                std::thread::sleep(std::time::Duration::from_micros(100));
            }
        });
        begun.wait();
        let copied = pair.copy();
        is_over.store(true, std::sync::atomic::Ordering::Relaxed);
        copied
    });
    assert_eq!(
        not_copied(&copied),
        [said("log", "changed: it changed while it was read, 3 times over")]
    );
    assert!(!pair.destination().join("log").exists());
    assert_eq!(pair.verify(&copied.entries).totals, copied.totals);
}

#[test]
fn what_the_migration_keeps_for_itself_is_neither_touched_nor_walked() {
    let pair = Pair::new();
    pair.file(".studio-migrate/theirs", b"content");
    pair.there(".studio-migrate/lock", b"ours");
    pair.file("file", b"content");
    let keep_out = vec![pair.destination().join(".studio-migrate"), "/elsewhere".into()];
    let copied = try_run(&Order { keep_out, ..pair.order() }).unwrap();
    let why = "unstorable: this path is kept for the migration itself (1 files and 0 folders below, 7 bytes)";
    assert_eq!(not_copied(&copied), [said(".studio-migrate", why)]);
    assert_eq!(fs::read_dir(pair.destination().join(".studio-migrate")).unwrap().count(), 1);
}

#[test]
fn a_link_at_the_destination_is_never_written_through() {
    let pair = Pair::new();
    pair.file("work/file", b"new");
    std::os::unix::fs::symlink(pair.home().join("work"), pair.destination().join("work")).unwrap();
    let before = super::trees::stats(&pair.home());
    let copied = pair.copy();
    assert_eq!(copied.not_copied.get("conflict"), Some(&2));
    assert_eq!(super::trees::stats(&pair.home()), before);
}

#[test]
fn a_rule_speaks_before_a_folder_that_cannot_be_listed() {
    let pair = Pair::new();
    pair.file("closed/inside", b"content");
    set_mode(&pair.home().join("closed"), 0o000);
    let rule = LeaveOut { pattern: "closed/**".to_owned(), reason: "private".to_owned() };
    let order = Order { rules: Rules::new(vec![rule]).unwrap(), ..pair.order() };
    let copied = std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            obey_permissions();
            try_run(&order).unwrap()
        });
        thread.join().unwrap()
    });
    set_mode(&pair.home().join("closed"), 0o700);
    let reason = "excluded: private (rule `closed/**`); what lies below could not be counted";
    assert_eq!(not_copied(&copied), [said("closed", reason)]);
}
