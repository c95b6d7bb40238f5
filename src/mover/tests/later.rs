//! A later pass: what changed since the first one moves, and what was deleted is listed.

use std::fs;
use std::path::PathBuf;

use super::trees::{Copied, Pair, not_copied, set_mtime, try_run};
use crate::mover::{Order, Rules, manifest};
use crate::playbook::{Conflict, LeaveOut};

/// Copies, and keeps the manifest beside the home.
fn pass(pair: &Pair, order: Order) -> (Copied, PathBuf) {
    let copied = try_run(&order).unwrap();
    let path = pair.home().with_extension("manifest");
    let mut writer = manifest::Writer::new(Vec::new()).unwrap();
    copied.entries.iter().for_each(|entry| writer.add(entry).unwrap());
    fs::write(&path, writer.finish().unwrap().0).unwrap();
    (copied, path)
}

fn later(pair: &Pair, since: PathBuf) -> Order {
    Order { since: Some(since), ..pair.order() }
}

#[test]
fn only_what_changed_is_read_and_written() {
    let pair = Pair::new();
    for path in ["a", "b/same", "b/changed", "c/d/more"] {
        set_mtime(&pair.file(path, b"before"), 1_000_000_000, 5);
    }
    pair.link("a", "link");
    let (_, since) = pass(&pair, pair.order());
    // What is not read again cannot be seen to be torn; only the proof does.
    let untouched = pair.destination().join("b/same");
    fs::write(&untouched, b"foul!!").unwrap();
    set_mtime(&untouched, 1_000_000_000, 5);
    pair.file("b/changed", b"after, and longer");
    pair.file("new/file", b"new");
    let (copied, _) = pass(&pair, later(&pair, since));
    assert_eq!((copied.written, copied.kept), (2, 4));
    assert_eq!(copied.not_copied.len(), 0);
    let verified = pair.verify(&copied.entries);
    assert_eq!(verified.differences, [("b/same".to_owned(), "its content differs".to_owned())]);
    fs::write(&untouched, b"before").unwrap();
    set_mtime(&untouched, 1_000_000_000, 5);
    pair.assert_same(&copied);
}

#[test]
fn a_change_that_hides_behind_size_and_time_is_seen() {
    let pair = Pair::new();
    let file = pair.file("file", b"before");
    set_mtime(&file, 1_000_000_000, 5);
    let (_, since) = pass(&pair, pair.order());
    fs::write(&file, b"after!").unwrap();
    set_mtime(&file, 1_000_000_000, 5);
    let (copied, _) = pass(&pair, later(&pair, since));
    assert_eq!(copied.written, 1);
    pair.assert_same(&copied);
}

#[test]
fn a_paranoid_pass_reads_everything() {
    let pair = Pair::new();
    set_mtime(&pair.file("file", b"before"), 1_000_000_000, 5);
    let (_, since) = pass(&pair, pair.order());
    let there = pair.destination().join("file");
    fs::write(&there, b"foul!!").unwrap();
    set_mtime(&there, 1_000_000_000, 5);
    let order = Order { is_paranoid: true, conflict: Conflict::SourceWins, ..later(&pair, since) };
    let (copied, _) = pass(&pair, order);
    assert_eq!((copied.written, copied.kept), (1, 0));
    pair.assert_same(&copied);
}

#[test]
fn what_changed_replaces_only_what_the_first_pass_left() {
    let pair = Pair::new();
    pair.file("ours", b"before");
    pair.file("theirs", b"before");
    pair.link("before", "link");
    let (_, since) = pass(&pair, pair.order());
    pair.file("ours", b"after");
    pair.file("theirs", b"after");
    fs::remove_file(pair.home().join("link")).unwrap();
    pair.link("after", "link");
    pair.there("theirs", b"written in the new home");
    let (copied, _) = pass(&pair, later(&pair, since));
    let refused = (
        "theirs".to_owned(),
        "conflict: an earlier move brought what is there, it was changed there since, and it stays"
            .to_owned(),
    );
    assert_eq!(not_copied(&copied), [refused]);
    assert_eq!(fs::read(pair.destination().join("ours")).unwrap(), b"after");
    assert_eq!(fs::read(pair.destination().join("theirs")).unwrap(), b"written in the new home");
    assert_eq!(fs::read_link(pair.destination().join("link")).unwrap(), PathBuf::from("after"));
}

#[test]
fn what_was_put_beside_another_file_is_replaced_there() {
    let pair = Pair::new();
    pair.file("file", b"before");
    pair.there("file", b"theirs");
    let keep_both = Order { conflict: Conflict::KeepBoth, ..pair.order() };
    let (_, since) = pass(&pair, keep_both.clone());
    pair.file("file", b"after");
    let (copied, _) = pass(&pair, Order { since: Some(since), ..keep_both });
    assert_eq!(copied.written, 1);
    assert_eq!(fs::read(pair.destination().join("file.classic")).unwrap(), b"after");
    assert_eq!(fs::read_dir(pair.destination()).unwrap().count(), 2);
}

#[test]
fn what_was_deleted_is_listed_and_stays_until_somebody_asks() {
    let pair = Pair::new();
    for path in ["kept", "folder/gone", "folder/touched", "away/x/y"] {
        pair.file(path, b"before");
    }
    let (_, since) = pass(&pair, pair.order());
    fs::remove_dir_all(pair.home().join("folder")).unwrap();
    fs::remove_dir_all(pair.home().join("away")).unwrap();
    fs::write(pair.destination().join("folder/touched"), b"changed here").unwrap();
    let (copied, since) = pass(&pair, later(&pair, since));
    let gone = ["away", "away/x", "away/x/y", "folder", "folder/gone", "folder/touched"];
    let named: Vec<_> = not_copied(&copied).into_iter().map(|(path, _)| path).collect();
    assert_eq!(named, gone);
    assert!(gone.iter().all(|path| pair.destination().join(path).exists()));

    // A further pass still knows of them.
    let order = Order { deletes: true, ..later(&pair, since) };
    let (copied, _) = pass(&pair, order);
    let reasons: Vec<_> = not_copied(&copied)
        .into_iter()
        .map(|(path, why)| {
            (path, why.trim_start_matches("gone: it was deleted at the source since").to_owned())
        })
        .collect();
    let said = |path: &str, why: &str| (path.to_owned(), why.to_owned());
    let removed = ", and now here too";
    let folder = reasons.iter().find(|(path, _)| path == "folder").unwrap();
    assert!(folder.1.starts_with("; here it stays: Directory not empty"), "{folder:?}");
    let others: Vec<_> = reasons.iter().filter(|(path, _)| path != "folder").cloned().collect();
    let expected = [
        said("away", removed),
        said("away/x", removed),
        said("away/x/y", removed),
        said("folder/gone", removed),
        said("folder/touched", "; here it changed, and stays"),
    ];
    assert_eq!(others, expected);
    let left: Vec<_> = ["away", "folder/gone", "folder/touched", "kept"]
        .map(|path| pair.destination().join(path).exists())
        .to_vec();
    assert_eq!(left, [false, false, true, true]);
}

#[test]
fn what_lies_in_a_folder_that_is_left_out_now_is_not_taken_for_deleted() {
    let pair = Pair::new();
    for path in ["n/a", "n/sub/b", "n.c", "k"] {
        pair.file(path, b"before");
    }
    let (_, since) = pass(&pair, pair.order());
    let rule = LeaveOut { pattern: "n/**".to_owned(), reason: "not now".to_owned() };
    let rules = Rules::new(vec![rule]).unwrap();
    let (copied, _) = pass(&pair, Order { deletes: true, rules, ..later(&pair, since) });
    let named: Vec<_> = not_copied(&copied).into_iter().map(|(path, _)| path).collect();
    assert_eq!(named, ["n"]);
    assert!(["n/a", "n/sub/b", "n.c"].iter().all(|path| pair.destination().join(path).exists()));
}

#[test]
fn a_folder_that_became_a_link_and_a_file_that_became_a_folder_make_way_when_asked() {
    let pair = Pair::new();
    pair.file("folder/a", b"before");
    pair.file("file", b"before");
    let (_, since) = pass(&pair, pair.order());
    fs::remove_dir_all(pair.home().join("folder")).unwrap();
    pair.link("elsewhere", "folder");
    fs::remove_file(pair.home().join("file")).unwrap();
    pair.file("file/inner", b"after");
    let (copied, _) = pass(&pair, Order { deletes: true, ..later(&pair, since) });
    let named: Vec<_> = not_copied(&copied).into_iter().map(|(path, _)| path).collect();
    assert_eq!(named, ["folder/a"]);
    pair.assert_same(&copied);
}

#[test]
fn names_that_are_files_of_their_own_since_become_so_here_too() {
    for since in [false, true] {
        let pair = Pair::new();
        let one = pair.file("a", b"same");
        fs::hard_link(&one, pair.home().join("b")).unwrap();
        let (_, manifest) = pass(&pair, pair.order());
        fs::copy(&one, pair.home().join("x")).unwrap();
        fs::rename(pair.home().join("x"), pair.home().join("b")).unwrap();
        let order = if since { later(&pair, manifest) } else { pair.order() };
        let (copied, _) = pass(&pair, order);
        assert_eq!(copied.not_copied.len(), 0);
        pair.assert_same(&copied);
    }
}

#[test]
fn names_of_one_file_follow_it_when_it_changes() {
    let pair = Pair::new();
    let one = pair.file("one", b"before");
    fs::hard_link(&one, pair.home().join("two")).unwrap();
    let (_, since) = pass(&pair, pair.order());
    fs::write(&one, b"after").unwrap();
    let (copied, _) = pass(&pair, later(&pair, since));
    assert_eq!(copied.not_copied.len(), 0);
    pair.assert_same(&copied);
}

#[test]
fn a_manifest_that_is_torn_stops_the_pass_before_anything_is_written() {
    let pair = Pair::new();
    pair.file("file", b"before");
    let (_, since) = pass(&pair, pair.order());
    let whole = fs::read(&since).unwrap();
    fs::write(&since, &whole[..whole.len() - 12]).unwrap();
    pair.file("new", b"new");
    assert!(try_run(&later(&pair, since)).is_err());
    assert!(!pair.destination().join("new").exists());
}
