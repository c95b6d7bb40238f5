//! What a file system allows and forbids: the longest names and paths, and what may not be read.

use std::fs;
use std::os::fd::AsFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::fs::{Mode, OFlags};

use super::pair::{Copied, Pair};
use crate::common::tool::{Ran, command, small_mover};

/// Bytes that Linux takes as one path, with its end.
const PATH_MAX: usize = 4096;

#[test]
fn names_of_255_bytes_arrive_whatever_their_bytes() {
    use std::os::unix::ffi::OsStrExt;
    let pair = Pair::new();
    let umlauts = "ü".repeat(127);
    let names: [&[u8]; 4] = [&[b'x'; 255], &[0xff; 255], umlauts.as_bytes(), &[b'\n'; 255]];
    for name in names.map(|name| Path::new(std::ffi::OsStr::from_bytes(name))) {
        pair.file(name, b"a long name");
        pair.file(Path::new("folder").join(name).join(name), b"below long names");
    }
    let copied = pair.copy().proven();
    assert_eq!((copied.number("written"), copied.not_copied().len()), (8, 0));
    pair.assert_same("long names");
    assert_eq!(pair.copy().proven().number("written"), 0);
}

#[test]
fn a_name_of_255_bytes_that_is_taken_gets_a_shorter_one_beside_it() {
    let pair = Pair::new();
    let name = "n".repeat(255);
    pair.file(&name, b"classic");
    fs::write(pair.destination().join(&name), "theirs").unwrap();
    let output = pair.copying().args(["--conflict", "keep-both"]).output().unwrap();
    Copied::of(output.into()).proven();
    assert_eq!(fs::read(pair.destination().join(&name)).unwrap(), b"theirs");
    let beside = format!("{}.classic", "n".repeat(247));
    assert_eq!(fs::read(pair.destination().join(beside)).unwrap(), b"classic");
}

/// Makes folders within folders and a file in the innermost, and returns how long its path is.
fn dig(root: &Path, name: &str, depth: usize) -> usize {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let mut at = rustix::fs::open(root, flags, Mode::empty()).unwrap();
    for _ in 0..depth {
        rustix::fs::mkdirat(&at, name, Mode::RWXU).unwrap();
        at = rustix::fs::openat(&at, name, flags, Mode::empty()).unwrap();
    }
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::CLOEXEC;
    let file = rustix::fs::openat(&at, "treasure", flags, Mode::RUSR | Mode::WUSR).unwrap();
    rustix::io::write(&file, b"deep down").unwrap();
    depth * (name.len() + 1) + "treasure".len()
}

/// Reads the file that [`dig`] made.
fn treasure(root: &Path, name: &str, depth: usize) -> Vec<u8> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    let mut at = rustix::fs::open(root, flags, Mode::empty()).unwrap();
    for _ in 0..depth {
        at = rustix::fs::openat(at.as_fd(), name, flags, Mode::empty()).unwrap();
    }
    let mut content = vec![0; 100];
    let file = rustix::fs::openat(&at, "treasure", flags, Mode::empty()).unwrap();
    let read = rustix::io::read(&file, &mut content).unwrap();
    content.truncate(read);
    content
}

#[test]
fn a_path_longer_than_path_max_is_scanned_copied_and_verified() {
    // Few folders of long names, and many of short ones.
    for (name, depth) in [("d".repeat(250), 20), ("folder".to_owned(), 600)] {
        let pair = Pair::new();
        let length = dig(&pair.home(), &name, depth);
        assert!(length > PATH_MAX, "{length}");
        let scan: Ran = command(&["mover", "scan", "--format", "json"])
            .arg(pair.home())
            .output()
            .unwrap()
            .into();
        let scan: serde_json::Value = serde_json::from_str(&scan.ended(0).out).unwrap();
        assert_eq!((&scan["files"], &scan["directories"]), (&1.into(), &depth.into()));
        let manifest = pair.root().join("manifest");
        let output = pair.copying().arg("--manifest").arg(&manifest).output().unwrap();
        let copied = Copied::of(output.into()).proven();
        assert_eq!((copied.number("written"), copied.not_copied().len()), (1, 0));
        assert_eq!(treasure(&pair.destination(), &name, depth), b"deep down");
        let mut verifying = command(&["mover", "verify"]);
        verifying.arg(pair.destination()).arg("--manifest").arg(&manifest);
        let verified = Ran::from(verifying.output().unwrap()).ended(0);
        assert!(verified.out.starts_with("0 entries differ"), "{}", verified.out);
        let again = pair.copy().proven();
        assert_eq!((again.number("written"), again.number("kept")), (0, 1));
    }
}

/// Someone to whom a mode means something, which it does not to root.
struct CommonUser {
    /// Holds the tool where everybody can reach it.
    folder: tempfile::TempDir,
}

impl CommonUser {
    const NOBODY: u32 = 65534;

    /// Lets them write to a pair's destination.
    fn of(pair: &Pair) -> Self {
        let user = Self { folder: tempfile::tempdir().unwrap() };
        if rustix::process::geteuid().is_root() {
            fs::copy(small_mover(), user.tool()).unwrap();
            for reached in [user.folder.path(), &user.tool(), pair.root()] {
                set_mode(reached, 0o755);
            }
            let nobody = Some(Self::NOBODY);
            std::os::unix::fs::chown(pair.destination(), nobody, nobody).unwrap();
        }
        user
    }

    fn tool(&self) -> PathBuf {
        self.folder.path().join("studio-migrate")
    }

    fn run(&self, words: &[&str], paths: &[&Path]) -> Ran {
        let mut command = command(words);
        if rustix::process::geteuid().is_root() {
            command = Command::new(self.tool());
            command.args(words).env_clear().uid(Self::NOBODY).gid(Self::NOBODY).current_dir("/");
        }
        command.args(paths).output().unwrap().into()
    }
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn what_a_common_user_may_not_read_is_listed_by_name_and_the_rest_arrives() {
    let pair = Pair::new();
    let secret = pair.file("folder/secret", b"nobody's");
    let file = pair.file("folder/open", b"everybody's");
    let (closed, blind) = (pair.home().join("closed"), pair.home().join("no-search"));
    pair.file("closed/inside", b"unseen");
    pair.file("no-search/inside", b"unseen");
    set_mode(&file, 0o644);
    set_mode(&secret, 0o000);
    set_mode(&closed, 0o000);
    set_mode(&blind, 0o444);
    let user = CommonUser::of(&pair);
    let copied = user.run(&["mover", "copy"], &[&pair.home(), &pair.destination()]);
    let scanned = user.run(&["mover", "scan", "--format", "json"], &[&pair.home()]);
    for folder in [&closed, &blind] {
        set_mode(folder, 0o755);
    }
    let copied = Copied::of(copied).proven();
    let named = copied.not_copied();
    let names: Vec<&str> = named.keys().map(String::as_str).collect();
    assert_eq!(names, ["closed", "folder/secret", "no-search/inside"]);
    for (path, why) in &named {
        assert!(
            why.starts_with("unreadable: ") && why.contains("ermission denied"),
            "{path}: {why}"
        );
    }
    assert_eq!(copied.said["not_copied"]["unreadable"], 3);
    assert_eq!(fs::read(pair.destination().join("folder/open")).unwrap(), b"everybody's");
    let scan: serde_json::Value = serde_json::from_str(&scanned.ended(0).out).unwrap();
    assert_eq!(scan["unreadable"], 2, "{scan}");
}

#[test]
fn a_source_or_a_destination_that_may_not_be_opened_is_named() {
    let pair = Pair::new();
    pair.file("file", b"content");
    let user = CommonUser::of(&pair);
    let refused = |from: &Path, to: &Path, named: &Path| {
        let refused = Copied::of(user.run(&["mover", "copy"], &[from, to])).ran;
        assert!(refused.code.is_some_and(|code| code != 0), "{}", refused.out);
        let is_named = refused.err.contains(&named.display().to_string());
        assert!(is_named && refused.err.contains("ermission denied"), "{}", refused.err);
    };
    set_mode(&pair.home(), 0o000);
    refused(&pair.home(), &pair.destination(), &pair.home());
    set_mode(&pair.home(), 0o755);
    let closed = pair.root().join("closed");
    fs::create_dir(&closed).unwrap();
    set_mode(&closed, 0o555);
    refused(&pair.home(), &closed.join("new"), &closed.join("new"));
}
