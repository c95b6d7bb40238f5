//! One pass after another: only what changed is copied, and what was deleted is listed or taken away.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use super::pair::{Copied, Pair, listing};
use crate::common::tool::{Ran, command};

/// A home after its first pass, and the manifest of that.
struct Passed {
    pair: Pair,
    manifest: PathBuf,
}

impl Passed {
    fn new(files: &[(&str, &str)]) -> Self {
        let pair = Pair::new();
        for (path, content) in files {
            pair.file(path, content.as_bytes());
        }
        let manifest = pair.root().join("first");
        let output = pair.copying().arg("--manifest").arg(&manifest).output().unwrap();
        Copied::of(output.into()).proven();
        Self { pair, manifest }
    }

    fn again(&self, more: &[&str]) -> Copied {
        let mut copying = self.pair.copying();
        copying.arg("--since").arg(&self.manifest).args(more);
        Copied::of(copying.output().unwrap().into())
    }
}

#[test]
fn a_further_pass_writes_what_changed_and_nothing_else() {
    let passed = Passed::new(&[("same", "stays"), ("changed", "before"), ("folder/gone", "was")]);
    // As long as before, and with a time of its own.
    passed.pair.file("changed", b"after!");
    passed.pair.file("folder/new", b"not there before");
    fs::remove_file(passed.pair.home().join("folder/gone")).unwrap();
    let copied = passed.again(&[]).proven();
    assert_eq!(copied.number("written"), 2, "{}", copied.ran.out);
    let said = format!("{}{}", copied.ran.err, copied.ran.out);
    assert!(said.contains("folder/gone"), "what was deleted is not named: {said}");
    let there = passed.pair.destination();
    assert_eq!(fs::read(there.join("changed")).unwrap(), b"after!");
    assert_eq!(fs::read(there.join("folder/gone")).unwrap(), b"was");
}

#[test]
fn what_was_deleted_is_taken_away_when_asked_for_unless_it_changed_there() {
    let passed = Passed::new(&[("gone", "was"), ("kept", "was"), ("folder/inner/gone", "was")]);
    for gone in ["gone", "kept", "folder/inner/gone"] {
        fs::remove_file(passed.pair.home().join(gone)).unwrap();
    }
    fs::remove_dir_all(passed.pair.home().join("folder")).unwrap();
    let there = passed.pair.destination();
    fs::write(there.join("kept"), "somebody's work").unwrap();
    fs::write(there.join("theirs"), "never ours").unwrap();
    passed.again(&["--delete"]).proven();
    let left: Vec<PathBuf> = listing(&there).into_keys().collect();
    assert_eq!(left, [PathBuf::from("kept"), PathBuf::from("theirs")]);
    assert_eq!(fs::read(there.join("kept")).unwrap(), b"somebody's work");
}

#[test]
fn a_change_that_keeps_size_and_time_is_found_when_every_file_is_read() {
    let passed = Passed::new(&[("file", "before")]);
    let path = passed.pair.home().join("file");
    let time = path.metadata().unwrap().modified().unwrap();
    std::thread::sleep(Duration::from_millis(20));
    fs::write(&path, "after!").unwrap();
    fs::File::options().write(true).open(&path).unwrap().set_modified(time).unwrap();
    passed.again(&["--paranoid"]).proven();
    assert_eq!(fs::read(passed.pair.destination().join("file")).unwrap(), b"after!");
}

#[test]
fn a_killed_further_pass_is_finished_by_the_next() {
    let files: Vec<(String, String)> =
        (0..300).map(|number| (format!("{}/{number}", number % 9), format!("{number}"))).collect();
    let borrowed: Vec<(&str, &str)> = files.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
    let passed = Passed::new(&borrowed);
    for (number, (path, _)) in files.iter().enumerate() {
        match number % 3 {
            0 => drop(passed.pair.file(path, format!("changed {number}").as_bytes())),
            1 => fs::remove_file(passed.pair.home().join(path)).unwrap(),
            _ => {}
        }
    }
    for moment in [1, 3, 5, 8, 12, 20, 30] {
        let mut child = passed.pair.copying();
        child.arg("--since").arg(&passed.manifest).args(["--delete", "--conflict", "source-wins"]);
        let mut child = child.spawn().unwrap();
        std::thread::sleep(Duration::from_millis(moment));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    passed.again(&["--delete"]).proven();
    passed.pair.assert_same("after a pass that was killed again and again");
}

#[test]
fn a_manifest_that_is_torn_or_missing_is_named_and_nothing_is_touched() {
    let passed = Passed::new(&[("file", "content"), ("other", "content")]);
    let before = listing(&passed.pair.destination());
    fs::remove_file(passed.pair.home().join("file")).unwrap();
    let whole = fs::read(&passed.manifest).unwrap();
    for damaged in [&whole[..whole.len() / 2], b"no manifest", b""] {
        fs::write(&passed.manifest, damaged).unwrap();
        let refused = passed.again(&["--delete"]).ran.ended(2);
        assert!(refused.err.contains("manifest"), "{}", refused.err);
        assert_eq!(listing(&passed.pair.destination()), before);
    }
    fs::remove_file(&passed.manifest).unwrap();
    let refused = passed.again(&["--delete"]).ran;
    assert!(refused.code.is_some_and(|code| code != 0), "{}", refused.out);
    assert!(refused.err.contains(passed.manifest.to_str().unwrap()), "{}", refused.err);
    assert_eq!(listing(&passed.pair.destination()), before);
}

#[test]
fn what_was_not_read_back_is_not_called_proven() {
    let pair = Pair::new();
    pair.file("file", b"content");
    let output = pair.copying().arg("--no-verify").output().unwrap();
    let copied = Copied::of(output.into());
    assert_eq!(copied.ran.code, Some(0), "{}", copied.ran.err);
    assert_ne!(copied.said["proven"], true, "{}", copied.ran.out);
    pair.assert_same("without reading back");
}

fn verify(one: &std::path::Path, other: &std::path::Path) -> Ran {
    command(&["mover", "verify"]).arg(one).arg(other).output().unwrap().into()
}

#[test]
fn two_directories_are_compared_and_a_single_byte_is_named() {
    let passed = Passed::new(&[("folder/file", "content"), ("other", "content")]);
    let (home, there) = (passed.pair.home(), passed.pair.destination());
    verify(&home, &there).ended(0);
    verify(&passed.manifest, &there).ended(0);
    let file = there.join("folder/file");
    let time = file.metadata().unwrap().modified().unwrap();
    fs::write(&file, "cOntent").unwrap();
    fs::File::options().write(true).open(&file).unwrap().set_modified(time).unwrap();
    fs::write(there.join("more"), "only there").unwrap();
    for one in [&home, &passed.manifest] {
        let differing = verify(one, &there).ended(4);
        assert!(differing.out.contains("folder/file: "), "{}", differing.out);
        assert!(differing.out.contains("more: "), "{}", differing.out);
        assert!(!differing.out.contains("other: "), "{}", differing.out);
    }
}
