//! Most of a home is copied while its owner works on; what changed meanwhile is copied once they hold still.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use serde_json::Value;
use studio_migrate::mover::{Entry, manifest};

use crate::common::ends::{End, assert_alike, end};
use crate::common::inside::each;
use crate::common::ready::{ALICE, Ready};
use crate::common::tool::{command_on, run_alice};
use crate::common::working::{settle, write};
use crate::common::{ONE_PERSON, trees};

/// Ready for two passes over a home in which somebody works.
fn two_passes() -> Ready {
    let ready = Ready::with(ONE_PERSON, None, &["passes: 2", "  stall_minutes: 5"]);
    let home = ready.classic_home("alice");
    for file in ["edited", "deleted", "renamed", "untouched", "type", "mode", "folder/inner"] {
        write(&home.join("work").join(file), "as it was in the first pass", 1);
    }
    settle(&home);
    ready
}

/// What alice does in Classic between the two passes.
fn alice_works_on(ready: &Ready) {
    let home = ready.classic_home("alice");
    let work = home.join("work");
    write(&work.join("edited"), "by alice, after the first pass", 2);
    write(&work.join("new"), "made after the first pass", 2);
    fs::remove_file(work.join("deleted")).unwrap();
    fs::rename(work.join("renamed"), work.join("renamed since")).unwrap();
    fs::remove_file(work.join("type")).unwrap();
    write(&work.join("type/inner"), "a folder now", 2);
    fs::remove_dir_all(work.join("folder")).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o640);
    fs::set_permissions(work.join("mode"), mode).unwrap();
    settle(&home);
}

fn first_pass(ready: &Ready) {
    // Nobody says yes, and nobody is asked: nothing is stopped.
    let mover = run_alice();
    let words = mover.into_iter().filter(|word| *word != "--yes");
    let words: Vec<_> = words.chain(["--until", "hydrate"]).collect();
    ready.run(&words).ended(0);
}

fn classic_apps(ready: &Ready) -> Vec<String> {
    let state = ready.served.state();
    let apps = state["studio"]["apps"].as_object().unwrap();
    let is_live = |app: &Value| app["standing"]["status"] == "InService";
    let classic = apps.iter().filter(|(key, app)| key.contains("JupyterServer") && is_live(app));
    classic.map(|(key, _)| key.clone()).collect()
}

fn volume(ready: &Ready) -> PathBuf {
    ready.served.dir.join("ebs/d-sim000000001/alice-studio")
}

/// Insists that the new home holds what the old one does, no more and no less, but for what the manifest names.
#[track_caller]
fn assert_the_home_arrived(ready: &Ready) {
    let kept = fs::read(ready.file("manifests/d-sim000000001/alice.jsonl.zst")).unwrap();
    let entries: BTreeMap<Vec<u8>, Entry> = manifest::read(kept.as_slice())
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| (entry.path.to_vec(), entry))
        .collect();
    let is_selected = |path: &Path| {
        entries.get(path.as_os_str().as_bytes()).is_some_and(|entry| entry.skip.is_none())
    };
    let chosen = |root: &Path| -> BTreeMap<PathBuf, String> {
        trees::listing(root, false)
            .into_iter()
            .filter(|(path, _)| path.starts_with("work"))
            .collect()
    };
    let (home, there) = (chosen(&ready.classic_home("alice")), chosen(&volume(ready)));
    assert_eq!(home, there);
    for path in home.keys() {
        assert!(is_selected(path), "{} is not in the manifest", path.display());
    }
    assert!(home.len() > 6, "{home:?}");
}

fn uninterrupted() -> End {
    let ready = two_passes();
    first_pass(&ready);
    alice_works_on(&ready);
    ready.run_alice(&[]).ended(0);
    end(&ready.served)
}

#[test]
fn people_work_on_while_most_is_copied_and_what_changed_follows() {
    let ready = two_passes();
    let settings = ready.settings("alice");
    first_pass(&ready);
    assert_eq!(classic_apps(&ready).len(), 1, "the Classic app of alice runs on");
    assert_eq!(ready.settings("alice"), settings);
    assert!(volume(&ready).join("work/deleted").exists());
    let status = ready.run(&["status", "--format", "json"]).ended(0);
    let status: Value = serde_json::from_str(&status.out).unwrap();
    assert_eq!(status["migrations"][0]["step"], "quiesce", "what is next is the second pass");
    first_pass(&ready);
    assert_eq!(ready.report()["held"], Value::Null, "nobody is held up yet");
    alice_works_on(&ready);
    let worked = jiff::Timestamp::now();

    // Now there is a one-way door, and somebody has to say yes.
    ready.run(&["run", "--user", "alice"]).ended(7);
    assert_eq!(classic_apps(&ready).len(), 1);
    let planned = ready.run_alice(&["--dry-run"]).ended(0);
    let steps = format!("{ALICE}: quiesce → stage → provision → hydrate → verify → flip → confirm");
    assert!(planned.out.contains(&steps), "{}", planned.out);
    ready.run_alice(&[]).ended(0);
    assert_eq!(classic_apps(&ready).len(), 0);
    assert_eq!(ready.settings("alice")["DefaultLandingUri"], "studio::");
    assert_the_home_arrived(&ready);
    let gone = ready.report()["proof"]["not_copied_named"].clone();
    let gone: Vec<_> = gone
        .as_array()
        .unwrap()
        .iter()
        .filter(|one| one[1].as_str().unwrap().starts_with("gone"))
        .collect();
    assert_eq!(gone.len(), 4, "{gone:?}");
    ready.run_alice(&[]).ended(0);
    let report = ready.report();
    assert_eq!(report["standing"], "moved");
    let since: jiff::Timestamp = report["held"]["from"].as_str().unwrap().parse().unwrap();
    assert!(since >= worked, "alice was held up from {since}, and worked until {worked}");
    assert!(report["held"]["minutes"].is_number(), "{report}");
}

#[test]
fn what_failed_in_the_first_pass_is_tried_again_without_the_second() {
    let ready = two_passes();
    let ready =
        ready.with_faults(Some("- operation: sagemaker:CreateApp\n  effect: denied\n  times: 1\n"));
    let mover = run_alice();
    let words = mover.into_iter().chain(["--until", "hydrate"]).collect::<Vec<_>>();
    ready.run(&words).ended(4);
    ready.run(&["retry", "--failed"]).ended(0);
    assert_eq!(classic_apps(&ready).len(), 1, "the Classic app of alice runs on");
    assert_eq!(ready.report()["standing"], "underway");
    alice_works_on(&ready);
    ready.run_alice(&[]).ended(0);
    assert_the_home_arrived(&ready);
}

#[test]
fn without_a_first_pass_one_pass_does_it_all() {
    let ready = two_passes();
    ready.run_alice(&[]).ended(0);
    assert_eq!(classic_apps(&ready).len(), 0);
    assert_the_home_arrived(&ready);
    let events = ready.events();
    assert!(!events.iter().any(|event| event["kind"] == "due-again"));
}

#[test]
fn a_rollback_after_the_first_pass_leaves_classic_as_it_is_and_running() {
    let ready = two_passes();
    let before = end(&ready.served);
    first_pass(&ready);
    let ran = ready.run(&["rollback", "--user", "alice"]).ended(0);
    assert!(!ran.err.contains("never be started again"), "{}", ran.err);
    assert_alike(&end(&ready.served), &before, "after the rollback");
    assert_eq!(classic_apps(&ready).len(), 1);
    // And from there once more, both passes.
    first_pass(&ready);
    alice_works_on(&ready);
    ready.run_alice(&[]).ended(0);
    assert_the_home_arrived(&ready);
}

#[test]
fn a_rollback_in_the_second_pass_names_the_apps_that_it_stopped() {
    let ready = two_passes();
    let settings = ready.settings("alice");
    first_pass(&ready);
    alice_works_on(&ready);
    ready.run_alice(&["--until", "flip"]).ended(0);
    let ran = ready.run(&["rollback", "--user", "alice", "--delete-spaces", "--yes"]).ended(0);
    let named = "JupyterServer/default was stopped and can never be started again";
    assert!(ran.err.contains(named), "{}", ran.err);
    assert_eq!(ready.settings("alice"), settings);
}

#[test]
fn what_its_owner_did_to_a_copy_meanwhile_is_kept_and_named() {
    let ready = two_passes();
    first_pass(&ready);
    alice_works_on(&ready);
    fs::write(volume(&ready).join("work/deleted"), "worked on in the new space").unwrap();
    ready.run_alice(&[]).ended(0);
    let kept = fs::read_to_string(volume(&ready).join("work/deleted")).unwrap();
    assert_eq!(kept, "worked on in the new space");
    let named = ready.report()["proof"]["not_copied_named"].to_string();
    assert!(named.contains("here it changed, and stays"), "{named}");
}

#[test]
fn a_second_pass_does_not_begin_while_its_owner_is_in_the_new_space() {
    let ready = two_passes();
    first_pass(&ready);
    ready.start_an_app_of_theirs("alice-studio");
    let ran = ready.run_alice(&[]).ended(4);
    assert!(ran.err.contains("this migration did not start it"), "{}", ran.err);
    assert_eq!(classic_apps(&ready).len(), 1, "nothing was stopped for good");
}

/// Runs with a crash at one point; tells whether it came to that.
fn crashes_at(ready: &Ready, point: u64, more: &[&str]) -> bool {
    let words = [run_alice().as_slice(), more].concat();
    let mut crashing = command_on(&ready.served, &ready.journal, &words);
    let ran = crashing.env("STUDIO_MIGRATE_CRASH_AT", point.to_string()).output().unwrap();
    assert!(matches!(ran.status.code(), None | Some(0)), "{ran:?}");
    ran.status.code().is_none()
}

#[test]
fn a_second_pass_that_is_killed_anywhere_ends_as_one_that_is_not() {
    let whole = uninterrupted();
    let crashed = Mutex::new(0);
    let points: Vec<u64> = (1..130).step_by(6).collect();
    each(&points, |&point| {
        let ready = two_passes();
        first_pass(&ready);
        alice_works_on(&ready);
        if !crashes_at(&ready, point, &[]) {
            return;
        }
        ready.run_alice(&[]).ended(0);
        assert_alike(&end(&ready.served), &whole, &format!("after a crash at point {point}"));
        *crashed.lock().unwrap() += 1;
    });
    assert!(*crashed.lock().unwrap() > 9, "only {} crashes", crashed.lock().unwrap());
}

#[test]
fn a_first_pass_that_is_killed_anywhere_may_be_followed_by_the_second() {
    let whole = uninterrupted();
    let crashed = Mutex::new(0);
    let points: Vec<u64> = (1..80).step_by(6).collect();
    each(&points, |&point| {
        let ready = two_passes();
        if !crashes_at(&ready, point, &["--until", "hydrate"]) {
            return;
        }
        assert_eq!(classic_apps(&ready).len(), 1, "after a crash at point {point}");
        alice_works_on(&ready);
        ready.run_alice(&[]).ended(0);
        assert_alike(&end(&ready.served), &whole, &format!("after a crash at point {point}"));
        *crashed.lock().unwrap() += 1;
    });
    assert!(*crashed.lock().unwrap() > 6, "only {} crashes", crashed.lock().unwrap());
}
