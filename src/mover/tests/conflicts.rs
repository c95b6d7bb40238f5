//! What happens where something else is already.

use std::fs;

use super::trees::{Copied, Pair, not_copied, set_mtime};
use crate::playbook::Conflict;

fn read(pair: &Pair, path: &str) -> String {
    fs::read_to_string(pair.destination().join(path)).unwrap()
}

fn stored(copied: &Copied, path: &str) -> Option<String> {
    let entry = copied.entries.iter().find(|entry| &*entry.path == path.as_bytes()).unwrap();
    entry.stored_as.as_ref().map(|path| String::from_utf8(path.to_vec()).unwrap())
}

fn sound(pair: &Pair, copied: &Copied) {
    let verified = pair.verify(&copied.entries);
    assert_eq!(verified.differences, []);
    assert_eq!(verified.totals, copied.totals);
}

#[test]
fn refuse_leaves_what_is_there_and_lists_it() {
    let pair = Pair::new();
    pair.file("folder/file", b"classic");
    pair.file("other", b"classic");
    pair.there("folder/file", b"theirs");
    pair.there("folder/more", b"theirs");
    let copied = pair.copy_under(Conflict::Refuse);
    let expected =
        ("folder/file".to_owned(), "conflict: something else is there, and it stays".to_owned());
    assert_eq!(not_copied(&copied), [expected]);
    assert_eq!(
        (read(&pair, "folder/file"), read(&pair, "other")),
        ("theirs".to_owned(), "classic".to_owned())
    );
    sound(&pair, &copied);
}

#[test]
fn keep_both_puts_the_classic_one_beside_it_and_finds_it_again() {
    let pair = Pair::new();
    pair.file("file", b"classic");
    pair.file("taken", b"classic");
    pair.file("taken.classic", b"a file of its own");
    pair.link("target", "link");
    for path in ["file", "file.classic", "taken", "link"] {
        pair.there(path, b"theirs");
    }
    for written in [4, 0] {
        let copied = pair.copy_under(Conflict::KeepBoth);
        assert_eq!(copied.written, written);
        assert_eq!(stored(&copied, "file").as_deref(), Some("file.classic-2"));
        assert_eq!(stored(&copied, "taken").as_deref(), Some("taken.classic-2"));
        assert_eq!(stored(&copied, "link").as_deref(), Some("link.classic"));
        assert_eq!(stored(&copied, "taken.classic"), None);
        assert_eq!(
            (read(&pair, "file"), read(&pair, "file.classic-2")),
            ("theirs".to_owned(), "classic".to_owned())
        );
        assert_eq!(copied.not_copied.len(), 0);
        sound(&pair, &copied);
    }
}

#[test]
fn keep_both_puts_a_folder_beside_a_file_with_all_that_is_in_it() {
    let pair = Pair::new();
    pair.file("thing/inner/file", b"classic");
    pair.there("thing", b"theirs");
    for _ in 0..2 {
        let copied = pair.copy_under(Conflict::KeepBoth);
        assert_eq!(
            stored(&copied, "thing/inner/file").as_deref(),
            Some("thing.classic/inner/file")
        );
        assert_eq!(
            (read(&pair, "thing"), read(&pair, "thing.classic/inner/file")),
            ("theirs".to_owned(), "classic".to_owned())
        );
        sound(&pair, &copied);
    }
}

#[test]
fn keep_both_keeps_hard_links_together() {
    let pair = Pair::new();
    let first = pair.file("a", b"classic");
    fs::hard_link(first, pair.home().join("b")).unwrap();
    pair.there("a", b"theirs");
    pair.there("b", b"theirs");
    for written in [2, 0] {
        let copied = pair.copy_under(Conflict::KeepBoth);
        assert_eq!(copied.written, written);
        assert_eq!(stored(&copied, "b").as_deref(), Some("b.classic"));
        assert_eq!(
            std::os::unix::fs::MetadataExt::nlink(
                &pair.destination().join("b.classic").metadata().unwrap()
            ),
            2
        );
        sound(&pair, &copied);
    }
}

#[test]
fn source_wins_replaces_files_but_never_a_folder_with_files() {
    let pair = Pair::new();
    pair.file("file", b"classic");
    pair.file("was-folder", b"classic");
    pair.file("was-empty", b"classic");
    pair.file("folder/file", b"classic");
    pair.there("file", b"theirs");
    pair.there("was-folder/precious", b"theirs");
    fs::create_dir(pair.destination().join("was-empty")).unwrap();
    pair.there("folder", b"theirs");
    let copied = pair.copy_under(Conflict::SourceWins);
    for path in ["file", "was-empty", "folder/file"] {
        assert_eq!(read(&pair, path), "classic");
    }
    assert_eq!(read(&pair, "was-folder/precious"), "theirs");
    let expected = (
        "was-folder".to_owned(),
        "conflict: a folder with files is there, and it stays".to_owned(),
    );
    assert_eq!(not_copied(&copied), [expected]);
    sound(&pair, &copied);
}

#[test]
fn newer_wins_compares_times() {
    let pair = Pair::new();
    set_mtime(&pair.file("newer", b"classic"), 2_000_000_000, 1);
    set_mtime(&pair.there("newer", b"theirs"), 2_000_000_000, 0);
    set_mtime(&pair.file("older", b"classic"), 1_000_000_000, 0);
    set_mtime(&pair.there("older", b"theirs"), 1_000_000_000, 1);
    let copied = pair.copy_under(Conflict::NewerWins);
    assert_eq!(
        (read(&pair, "newer"), read(&pair, "older")),
        ("classic".to_owned(), "theirs".to_owned())
    );
    let expected =
        ("older".to_owned(), "conflict: what is there is not older, and it stays".to_owned());
    assert_eq!(not_copied(&copied), [expected]);
    sound(&pair, &copied);
}

#[test]
fn our_own_files_are_no_conflict() {
    for conflict in
        [Conflict::Refuse, Conflict::KeepBoth, Conflict::SourceWins, Conflict::NewerWins]
    {
        let pair = Pair::new();
        pair.file("folder/file", b"classic");
        pair.link("file", "folder/link");
        pair.copy_under(conflict);
        let again = pair.copy_under(conflict);
        assert_eq!((again.written, again.not_copied.len()), (0, 0));
        pair.assert_same(&again);
    }
}
