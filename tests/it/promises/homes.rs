//! What the files of a person can rely on.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use serde_json::Value;
use studio_migrate::mover::{Class, Entry, Kind, key, manifest};
use studio_migrate::sim::bucket;

use crate::common::account::Served;
use crate::common::ready::Ready;
use crate::common::tool::small_mover;
use crate::common::{ONE_PERSON, trees};

#[test]
fn the_classic_home_is_never_written_to() {
    let ready = Ready::new();
    let efs = ready.served.dir.join("efs");
    let before = trees::listing(&efs, true);
    assert!(before.len() > 100, "{} entries", before.len());
    ready.run_alice(&[]).ended(0);
    assert!(!trees::listing(&ready.served.dir.join("ebs"), false).is_empty());
    assert_eq!(trees::listing(&efs, true), before, "after the run");
    ready.run(&["rollback", "--user", "alice", "--delete-spaces", "--yes"]).ended(0);
    ready.run(&["cleanup", "--reports"]).ended(0);
    assert_eq!(trees::listing(&efs, true), before, "after rollback and cleanup");
}

/// Runs on with a report in another state than the mover left it in, and insists that nobody is flipped for it.
fn is_refused(ready: &Ready, classic: &Value, what: &str, reason: &str) {
    let ran = ready.run_alice(&[]).ended(4);
    assert!(ran.err.contains(reason), "{what}: {}", ran.err);
    assert_eq!(&ready.settings("alice"), classic, "{what}");
}

#[test]
fn nobody_is_flipped_without_proof() {
    let mut ready = Ready::new();
    let classic = ready.settings("alice");
    assert_eq!(classic["DefaultLandingUri"], "app:JupyterServer:");
    ready.run_alice(&["--until", "hydrate"]).ended(0);
    let (name, reports) = (ready.plan().staging_bucket(), ready.migration("alice").reports);
    let world = ready.served.dir.clone();
    for (report, reason) in [
        (key::MANIFEST, "manifest.jsonl.zst was not sealed by this migration's mover"),
        (key::DONE, "done.json was not sealed by this migration's mover"),
    ] {
        let object = format!("{reports}/{report}");
        let whole = fs::read(bucket::file_of(&world, &name, &object).unwrap()).unwrap();
        let mut bent = whole.clone();
        *bent.last_mut().unwrap() ^= 1;
        for damaged in [bent, whole[..whole.len() / 2].to_vec(), b"{}".to_vec(), Vec::new()] {
            bucket::put(&world, &name, &object, &damaged).unwrap();
            is_refused(&ready, &classic, report, reason);
        }
        bucket::put(&world, &name, &object, &whole).unwrap();
    }
    let owner = |owner: &'static str| {
        move |state: &mut Value| {
            state["studio"]["spaces"]["d-sim000000001/alice-studio"]["owner"] = owner.into();
        }
    };
    ready = ready.edited(owner("bob"));
    is_refused(&ready, &classic, "the owner", "is not owned by alice");
    ready = ready.edited(owner("alice"));
    // With everything as the mover left it the same command flips her: it was the damage that stopped it.
    ready.run_alice(&[]).ended(0);
    assert_eq!(ready.settings("alice")["DefaultLandingUri"], "studio::");
}

#[test]
fn a_mover_that_somebody_changed_in_the_bucket_is_never_run() {
    let ready = Ready::new().with_whole_mover();
    let classic = ready.settings("alice");
    ready.run_alice(&["--until", "stage"]).ended(0);
    let tools = studio_migrate::execute::Tools::of(small_mover()).unwrap();
    let key = tools.key(&ready.plan().playbook.staging.prefix);
    let (world, name) = (ready.served.dir.clone(), ready.plan().staging_bucket());
    let whole = fs::read(bucket::file_of(&world, &name, &key).unwrap()).unwrap();
    // As long as the real one, so that it is not sent anew; it would leave a trace.
    let trace = ready.file("it-ran");
    let mut other = format!("#!/bin/sh\ntouch '{}'\nexit 0\n", trace.display()).into_bytes();
    other.resize(whole.len(), b'\n');
    bucket::put(&world, &name, &key, &other).unwrap();
    let words = "the mover that was fetched is not the one that was sent";
    is_refused(&ready, &classic, "the mover", words);
    assert!(!trace.exists(), "it was run");
    let volume = trees::listing(&world.join("ebs"), false);
    assert!(!volume.keys().any(|path| path.ends_with("links/original.txt")), "{volume:?}");
    // The real one is let in by the same command.
    bucket::put(&world, &name, &key, &whole).unwrap();
    ready.run_alice(&[]).ended(0);
    assert_eq!(ready.settings("alice")["DefaultLandingUri"], "studio::");
}

#[test]
fn nobody_is_flipped_whose_home_came_to_lie_on_a_network_file_system() {
    let ready = Ready::new();
    let classic = ready.settings("alice");
    ready.run_alice(&["--until", "hydrate"]).ended(0);
    let (name, migration) = (ready.plan().staging_bucket(), ready.migration("alice"));
    let object = format!("{}/{}", migration.reports, key::DONE);
    let sealed = fs::read(bucket::file_of(&ready.served.dir, &name, &object).unwrap()).unwrap();
    let own_key = own_key(&ready);
    let mut done: Value =
        serde_json::from_slice(&own_key.open(key::DONE, &sealed).unwrap()).unwrap();
    assert!(done["evidence"]["device"].as_str().unwrap().starts_with("/dev/nvme"), "{done}");
    done["evidence"]["device"] = "127.0.0.1:/".into();
    done["evidence"]["fstype"] = "nfs4".into();
    let sealed = own_key.seal(key::DONE, done.to_string().as_bytes());
    bucket::put(&ready.served.dir, &name, &object, &sealed).unwrap();
    is_refused(&ready, &classic, "the device", "which is no EBS volume");
}

/// The key of alice's reports, which only the journal and her hook hold.
fn own_key(ready: &Ready) -> studio_migrate::mover::ReportKey {
    let journal = studio_migrate::journal::Journal::open(&ready.journal).unwrap();
    let id = ready.migration("alice").id;
    studio_migrate::mover::ReportKey::derive(journal.secret().unwrap().as_bytes(), id.as_str())
}

/// Every path below a folder.
fn paths(root: &Path) -> Vec<Vec<u8>> {
    let listing = trees::listing(root, false);
    listing.into_keys().map(|path| path.as_os_str().as_bytes().to_vec()).collect()
}

#[test]
fn whatever_was_not_copied_is_listed_by_name_and_reason() {
    let folder = tempfile::tempdir().unwrap();
    let served = Served::as_common_user(&folder.path().join("world"), ONE_PERSON);
    // A common user cannot reach the program that the light mover names.
    let ready = Ready::on(served, folder, ONE_PERSON, None, &[]).with_whole_mover();
    let ran = ready.run_alice(&[]).ended(0);
    // What is left out on purpose is listed; what could not be read is said.
    let unread = "1 entry could not be read and did not come along: `modes/unreadable.txt`";
    assert!(ran.err.contains(unread), "{}", ran.err);
    assert!(ready.report()["remarks"].to_string().contains(unread));

    let kept = fs::read(ready.file("manifests/d-sim000000001/alice.jsonl.zst")).unwrap();
    let entries: BTreeMap<Vec<u8>, Entry> = manifest::read(kept.as_slice())
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| (entry.path.to_vec(), entry))
        .collect();
    let class_of = |path: &str| entries[path.as_bytes()].skip.as_ref().map(|skip| skip.class);
    assert_eq!(class_of("special/pipe"), Some(Class::Special));
    assert_eq!(class_of("special/kernel.sock"), Some(Class::Special));
    assert_eq!(class_of("modes/unreadable.txt"), Some(Class::Unreadable));
    assert_eq!(class_of(".cache"), Some(Class::Excluded));
    assert_eq!(class_of("links/original.txt"), None);

    // Nothing in silence: each path of the home is in the manifest itself, or below a folder that is left out whole.
    let home = ready.classic_home("alice");
    for path in paths(&home) {
        let above = (0..path.len()).filter(|at| path[*at] == b'/').map(|at| &path[..at]);
        let is_below_one = above
            .filter_map(|folder| entries.get(folder)?.skip.as_ref())
            .any(|skip| skip.class == Class::Excluded && skip.below.is_some());
        let said = String::from_utf8_lossy(&path);
        assert!(is_below_one || entries.contains_key(&path), "{said} is not accounted for");
    }
    // And each is at the destination unless the manifest says why not.
    let volume = ready.served.dir.join("ebs/d-sim000000001/alice-studio");
    for entry in entries.values() {
        let place = volume.join(std::ffi::OsStr::from_bytes(&entry.path));
        let said = studio_migrate::mover::escape(&entry.path);
        match &entry.skip {
            Some(skip) => assert!(!skip.why.is_empty(), "{said}"),
            None => assert!(place.symlink_metadata().is_ok(), "{said} is not on the volume"),
        }
    }
    let left: Vec<_> = entries.values().filter_map(Entry::not_copied).collect();
    assert!(entries.values().any(|entry| entry.kind == Kind::File && entry.skip.is_none()));

    // The report names them with the same words.
    let proof = ready.report()["proof"].clone();
    let named = proof["not_copied_named"].as_array().unwrap();
    assert!(left.len() < 200, "{} entries", left.len());
    assert_eq!(named.len(), left.len());
    for (path, reason) in left {
        assert!(named.iter().any(|said| said[0] == path && said[1] == reason), "{path}: {reason}");
    }
    let total: u64 =
        proof["not_copied"].as_object().unwrap().values().map(|n| n.as_u64().unwrap()).sum();
    assert_eq!(total, named.len() as u64);
}
