//! Somebody who was taken back, worked on in Classic and moves again into the space that was kept: what the first move brought
//! follows the old home, and what they did in the space themselves is theirs.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::common::ONE_PERSON;
use crate::common::ready::Ready;
use crate::common::tool::Ran;
use crate::common::trees::listing;
use crate::common::working::{set_time, settle, write};
use crate::spaces::with_a_space_of_her_own;
use crate::{datasync_route, packed_route};

/// Alice with a home in which she works, on one of the roads.
struct Again {
    ready: Ready,
    home: PathBuf,
    /// Where her files land.
    volume: PathBuf,
    /// What a run needs besides, on that road.
    more: Vec<String>,
}

impl Again {
    fn on(ready: Ready, landing: &str) -> Self {
        let home = ready.classic_home("alice");
        let volume = ready.served.dir.join("ebs/d-sim000000001").join(landing);
        for file in ["edited", "deleted", "renamed", "untouched", "type", "folder/inner", "hers"] {
            write(&home.join("work").join(file), "as it was in the first move", 1);
        }
        write(&home.join("work/deleted too"), "but she worked on in the space", 1);
        std::os::unix::fs::symlink("untouched", home.join("work/link")).unwrap();
        settle(&home);
        Self { ready, home, volume, more: Vec::new() }
    }

    fn in_space() -> Self {
        Self::on(Ready::with(ONE_PERSON, None, &[]), "alice-studio")
    }

    fn packed() -> Self {
        Self::packed_with(&[])
    }

    fn packed_with(lines: &[&str]) -> Self {
        let lines = [packed_route::ROUTES.as_slice(), lines].concat();
        let ready = Ready::with(&packed_route::world(), None, &lines);
        let mount = packed_route::mount(&ready);
        Self { more: vec!["--mount".to_owned(), mount], ..Self::on(ready, "alice-studio") }
    }

    fn by_datasync() -> Self {
        let world = datasync_route::world(datasync_route::SAGEMAKER_ONLY);
        Self::on(datasync_route::with(&world, &[]), "alice-studio")
    }

    fn in_a_space_of_hers() -> Self {
        Self::on(with_a_space_of_her_own(), "own/studio-classic")
    }

    fn moves(&self) -> Ran {
        let more: Vec<_> = self.more.iter().map(String::as_str).collect();
        self.ready.run_alice(&more)
    }

    fn is_taken_back(&self) {
        self.ready.run(&["rollback", "--user", "alice"]).ended(0);
    }

    /// Works on in Classic.
    fn works_on(&self) {
        let work = self.home.join("work");
        write(&work.join("edited"), "by alice, after the first move", 2);
        write(&work.join("new"), "made after the first move", 2);
        fs::remove_file(work.join("deleted")).unwrap();
        fs::remove_file(work.join("deleted too")).unwrap();
        fs::rename(work.join("renamed"), work.join("renamed since")).unwrap();
        fs::remove_file(work.join("type")).unwrap();
        write(&work.join("type/inner"), "a folder now", 2);
        fs::remove_dir_all(work.join("folder")).unwrap();
        fs::remove_file(work.join("link")).unwrap();
        std::os::unix::fs::symlink("edited", work.join("link")).unwrap();
        settle(&self.home);
    }

    fn arrived(&self) -> BTreeMap<PathBuf, String> {
        work_in(&self.volume)
    }

    fn not_copied(&self, class: &str) -> Vec<(String, String)> {
        let named = self.ready.report()["proof"]["not_copied_named"].clone();
        let named: Vec<(String, String)> = serde_json::from_value(named).unwrap();
        named.into_iter().filter(|(_, why)| why.starts_with(class)).collect()
    }
}

/// What lies in the folder that a test works in.
fn work_in(root: &Path) -> BTreeMap<PathBuf, String> {
    listing(root, false).into_iter().filter(|(path, _)| path.starts_with("work")).collect()
}

fn what_changed_follows(again: &Again) {
    again.moves().ended(0);
    assert_eq!(again.arrived(), work_in(&again.home));
    again.is_taken_back();
    again.works_on();
    let theirs = again.volume.join("work/theirs");
    let touched = again.volume.join("work/deleted too");
    for file in [&theirs, &touched] {
        fs::write(file, "made in the space").unwrap();
    }

    again.moves().ended(0);
    for file in [&theirs, &touched] {
        assert_eq!(fs::read_to_string(file).unwrap(), "made in the space", "{}", file.display());
        fs::remove_file(file).unwrap();
    }
    let work = again.volume.join("work");
    set_time(&work, 7);
    assert_eq!(again.arrived(), work_in(&again.home), "no more than the home has, and no less");
    let gone = again.not_copied("gone").into_iter().map(|(path, _)| path).collect::<Vec<_>>();
    let expected = ["deleted", "deleted too", "folder", "folder/inner", "renamed"];
    assert_eq!(gone, expected.map(|name| format!("work/{name}")));
    assert_eq!(again.ready.settings("alice")["DefaultLandingUri"], "studio::");
    again.ready.run(&["verify"]).ended(0);

    // And once more, with nothing in between.
    again.is_taken_back();
    again.moves().ended(0);
    assert_eq!(again.arrived(), work_in(&again.home));
}

fn what_its_owner_changed_is_in_the_way_and_kept(again: &Again) {
    again.moves().ended(0);
    again.is_taken_back();
    again.works_on();
    write(&again.home.join("work/hers"), "changed in Classic", 3);
    settle(&again.home);
    let hers = again.volume.join("work/hers");
    fs::write(&hers, "changed in the space").unwrap();

    for _ in 0..2 {
        let ran = again.moves().ended(4);
        let said = "an earlier move brought `work/hers`, and it was changed in the space since";
        assert!(ran.err.contains(said), "{}", ran.err);
        for way in ["nothing was flipped", "moved or renamed", "placement.conflict", "rollback"] {
            assert!(ran.err.contains(way), "{way}: {}", ran.err);
        }
        assert_eq!(again.ready.settings("alice")["DefaultLandingUri"], "app:JupyterServer:");
        assert_eq!(fs::read_to_string(&hers).unwrap(), "changed in the space");
    }
    // What changed in Classic while it was in the way follows all the same.
    write(&again.home.join("work/new"), "and changed again", 4);
    fs::rename(again.home.join("work/renamed since"), again.home.join("work/third")).unwrap();
    settle(&again.home);
    let aside = again.volume.join("hers, kept");
    fs::rename(&hers, &aside).unwrap();
    again.moves().ended(0);
    assert_eq!(fs::read_to_string(&aside).unwrap(), "changed in the space");
    assert_eq!(
        again.arrived().remove(Path::new("work/deleted too")),
        None,
        "nobody changed it in the space"
    );
    assert_eq!(again.arrived(), work_in(&again.home));
}

#[test]
fn a_home_that_a_space_mounts_is_followed_when_it_moves_again() {
    what_changed_follows(&Again::in_space());
}

#[test]
fn a_packed_home_is_followed_when_it_moves_again() {
    what_changed_follows(&Again::packed());
}

#[test]
fn a_home_that_goes_by_datasync_is_followed_when_it_moves_again() {
    what_changed_follows(&Again::by_datasync());
}

#[test]
fn a_home_in_a_space_of_theirs_is_followed_when_it_moves_again() {
    what_changed_follows(&Again::in_a_space_of_hers());
}

#[test]
fn what_its_owner_changed_of_a_home_that_a_space_mounts_is_kept_and_named() {
    what_its_owner_changed_is_in_the_way_and_kept(&Again::in_space());
}

#[test]
fn what_its_owner_changed_of_a_packed_home_is_kept_and_named() {
    what_its_owner_changed_is_in_the_way_and_kept(&Again::packed());
}

#[test]
fn what_its_owner_changed_of_a_home_that_went_by_datasync_is_kept_and_named() {
    what_its_owner_changed_is_in_the_way_and_kept(&Again::by_datasync());
}

#[test]
fn what_its_owner_changed_in_a_space_of_theirs_is_kept_and_named() {
    what_its_owner_changed_is_in_the_way_and_kept(&Again::in_a_space_of_hers());
}

#[test]
fn a_home_that_somebody_emptied_since_does_not_empty_the_space_that_has_its_files() {
    let again = Again::in_space();
    again.moves().ended(0);
    let arrived = again.arrived();
    again.is_taken_back();
    for entry in fs::read_dir(&again.home).unwrap().map(Result::unwrap) {
        match entry.file_type().unwrap().is_dir() {
            true => fs::remove_dir_all(entry.path()).unwrap(),
            false => fs::remove_file(entry.path()).unwrap(),
        }
    }
    again.moves().ended(0);
    assert_eq!(again.arrived(), arrived);
    let said = again.not_copied("gone: it was deleted at the source since; here it stays");
    assert!(said.iter().any(|(path, _)| path == "work/untouched"), "{said:?}");
}

#[test]
fn what_somebody_had_copied_by_hand_before_they_moved_is_not_removed() {
    let again = Again::in_a_space_of_hers();
    for file in ["deleted", "renamed", "edited"] {
        write(&again.volume.join("work").join(file), "as it was in the first move", 1);
    }
    again.moves().ended(0);
    again.is_taken_back();
    again.works_on();
    again.moves().ended(0);
    let there = again.arrived();
    for file in ["deleted", "renamed", "renamed since", "new"] {
        assert!(there.contains_key(&Path::new("work").join(file)), "{file}: {there:?}");
    }
    assert!(!there.contains_key(Path::new("work/deleted too")), "{there:?}");
    // Replaced in between, it is still no file that a move brought there.
    again.is_taken_back();
    fs::remove_file(again.home.join("work/edited")).unwrap();
    settle(&again.home);
    again.moves().ended(0);
    assert!(again.arrived().contains_key(Path::new("work/edited")));
}

#[test]
fn a_list_that_somebody_deleted_from_the_space_lets_nothing_be_removed_by_guess() {
    let again = Again::packed();
    again.moves().ended(0);
    again.is_taken_back();
    again.works_on();
    fs::remove_dir_all(again.volume.join(".studio-migrate")).unwrap();
    let ran = again.moves().ended(4);
    let said = "something else is already at the place of";
    assert!(ran.err.contains(said) && ran.err.contains("`work/edited`"), "{}", ran.err);
    let why = "the list of what an earlier move brought is gone from the space";
    assert!(ran.err.contains(why), "{}", ran.err);
    assert!(again.arrived().contains_key(Path::new("work/deleted")));
}

#[test]
fn what_is_newer_in_the_space_stops_a_packed_home_before_it_is_proven_and_by_name() {
    let again = Again::packed_with(&["  conflict: newer-wins"]);
    again.moves().ended(0);
    again.is_taken_back();
    write(&again.home.join("work/hers"), "changed in Classic", 3);
    let hers = again.volume.join("work/hers");
    fs::write(&hers, "changed in the space, and later").unwrap();
    let ran = again.moves().ended(4);
    assert!(ran.err.contains("an earlier move brought `work/hers`"), "{}", ran.err);
    assert!(ran.err.contains("nothing was flipped"), "{}", ran.err);
    // Whoever is older makes way.
    set_time(&hers, 2);
    again.moves().ended(0);
    assert_eq!(again.arrived(), work_in(&again.home));
}
