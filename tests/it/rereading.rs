//! A home that was moved is read again on its volume: damage is found, and what its owner did is told.

use std::fs;
use std::path::PathBuf;

use studio_migrate::sim::bucket;

use crate::common::ONE_PERSON;
use crate::common::ends::{assert_alike, end};
use crate::common::inside::each;
use crate::common::ready::Ready;
use crate::common::tool::{Ran, command_on, light_mover};

fn moved() -> Ready {
    let ready = Ready::with(ONE_PERSON, None, &["  stall_minutes: 5"]);
    ready.run_alice(&[]).ended(0);
    ready
}

fn words() -> [&'static str; 6] {
    ["verify", "--deep", "--user", "alice", "--mover", light_mover().to_str().unwrap()]
}

fn reread(ready: &Ready) -> Ran {
    ready.run(&words())
}

fn volume(ready: &Ready) -> PathBuf {
    ready.served.dir.join("ebs/d-sim000000001/alice-studio")
}

/// Reports of reading again that still lie in the bucket.
fn reports(ready: &Ready) -> Vec<&'static str> {
    let (name, prefix) = (ready.plan().staging_bucket(), ready.migration("alice").reports);
    let names = ["done.json", "manifest.jsonl.zst", "progress.json", "refused.txt"];
    let is_there = |report: &&str| {
        let key = format!("{prefix}/reread/{report}");
        bucket::file_of(&ready.served.dir, &name, &key).is_ok_and(|file| file.exists())
    };
    names.into_iter().filter(is_there).collect()
}

#[test]
fn what_its_owner_did_is_told_and_nothing_is_left_behind() {
    let ready = moved();
    let there = volume(&ready);
    fs::write(there.join("links/original.txt"), "worked on in the new Studio").unwrap();
    fs::write(there.join("made since.ipynb"), "{}").unwrap();
    fs::remove_file(there.join("links/hard.txt")).ok();
    let before = end(&ready.served);
    let ran = reread(&ready).ended(0);
    assert!(ran.out.contains("alice: sound"), "{}", ran.out);
    assert!(ran.out.contains("links/original.txt: changed since it was copied"), "{}", ran.out);
    assert!(ran.out.contains("1 sound, 0 in doubt, 0 not read again, 0 not yet"), "{}", ran.out);
    assert_alike(&end(&ready.served), &before, "after reading again");
    assert_eq!(reports(&ready), Vec::<&str>::new());
    let state = ready.served.state();
    let apps = state["studio"]["apps"].as_object().unwrap();
    let is_live = |(key, app): &(&String, &serde_json::Value)| {
        let status = app["standing"]["status"].as_str().unwrap();
        key.contains("alice-studio") && ["Pending", "InService"].contains(&status)
    };
    assert_eq!(apps.iter().filter(is_live).count(), 0);
    let event = ready.events().into_iter().rev().find(|event| event["kind"] == "reread").unwrap();
    assert_eq!(event["detail"]["damaged"], 0);
    // The proof of the copy still stands.
    ready.run(&["verify", "--user", "alice"]).ended(0);
}

#[test]
fn a_file_that_nobody_changed_and_that_holds_something_else_is_damage() {
    let ready = moved();
    let file = volume(&ready).join("links/original.txt");
    let (mut content, time) =
        (fs::read(&file).unwrap(), file.metadata().unwrap().modified().unwrap());
    content[0] ^= 1;
    fs::write(&file, content).unwrap();
    fs::File::open(&file).unwrap().set_modified(time).unwrap();
    let ran = reread(&ready).ended(4);
    assert!(ran.out.contains("links/original.txt: not what was copied"), "{}", ran.out);
    assert!(ran.out.contains("0 sound, 1 in doubt"), "{}", ran.out);
}

#[test]
fn an_app_of_its_owner_is_not_stopped_for_it() {
    let ready = moved();
    ready.start_an_app_of_theirs("alice-studio");
    // Where the home is mounted in their app is no matter.
    let world = || {
        let mut world = end(&ready.served);
        world.retain(|name, _| !name.contains("user-default-efs"));
        world
    };
    let before = world();
    let ran = reread(&ready).ended(4);
    assert!(
        ran.out.contains("runs in space alice-studio, and belongs to its owner"),
        "{}",
        ran.out
    );
    assert_alike(&world(), &before, "after it was refused");
    let state = ready.served.state();
    let apps = state["studio"]["apps"].as_object().unwrap();
    let (_, app) = apps.iter().find(|(key, _)| key.contains("alice-studio")).unwrap();
    assert_ne!(app["standing"]["status"], "Deleting");
}

#[test]
fn whatever_a_killed_one_left_the_next_one_takes_away() {
    let points: Vec<u64> = (1..60).step_by(6).collect();
    each(&points, |&point| {
        let ready = moved();
        let before = end(&ready.served);
        let mut crashing = command_on(&ready.served, &ready.journal, &words());
        let ran = crashing.env("STUDIO_MIGRATE_CRASH_AT", point.to_string()).output().unwrap();
        if ran.status.code().is_some() {
            return;
        }
        reread(&ready).ended(0);
        assert_alike(&end(&ready.served), &before, &format!("after a crash at point {point}"));
        assert_eq!(reports(&ready), Vec::<&str>::new(), "after a crash at point {point}");
    });
}

#[test]
fn a_rollback_takes_away_what_a_killed_one_left() {
    let ready = Ready::new();
    let before = end(&ready.served);
    ready.run_alice(&["--until", "verify"]).ended(0);
    let mut crashing = command_on(&ready.served, &ready.journal, &words());
    // By then the hook is set.
    crashing.env("STUDIO_MIGRATE_CRASH_AT", "20");
    assert_eq!(crashing.output().unwrap().status.code(), None);
    let set = &ready.settings("alice")["JupyterLabAppSettings"]["BuiltInLifecycleConfigArn"];
    assert!(set.as_str().unwrap().contains("studio-migrate"), "{set}");
    ready.run(&["rollback", "--user", "alice", "--delete-spaces", "--yes"]).ended(0);
    assert_alike(&end(&ready.served), &before, "after the rollback");
}
