//! An inventory that is killed goes on where it was, throttles only slow it down, and what is ours is left out.

use std::path::Path;

use serde_json::Value;

use crate::common::ONE_PERSON;
use crate::common::account::Served;
use crate::common::ready::Ready;
use crate::common::tool::{command_on, run_on, until};

/// A domain of so many people.
fn many(people: usize) -> String {
    let profiles: String = (0..people)
        .map(|number| format!("      - {{ name: p{number:04}, home: empty }}\n"))
        .collect();
    format!("name: many\ndomains:\n  - name: research\n    profiles:\n{profiles}")
}

fn profiles(snapshot: &Path) -> Vec<Value> {
    let snapshot: Value = serde_json::from_slice(&std::fs::read(snapshot).unwrap()).unwrap();
    snapshot["domains"][0]["profiles"].as_array().unwrap().clone()
}

#[test]
fn an_inventory_that_is_killed_does_not_start_over() {
    let folder = tempfile::tempdir().unwrap();
    let served = Served::start(&folder.path().join("world"), &many(300));
    let journal = folder.path().join("journal.db");
    let partial = folder.path().join("journal.db.inventory-000000000000-eu-west-1");
    let slowly = ["inventory", "--calls-per-second", "50"];
    let mut running = command_on(&served, &journal, &slowly).spawn().unwrap();
    let seen = || std::fs::read_to_string(&partial).unwrap_or_default().lines().count();
    until("a hundred profiles are seen", || seen() > 100);
    running.kill().unwrap();
    running.wait().unwrap();
    let kept = seen();
    let out = folder.path().join("snapshot.json");
    let log = folder.path().join("wire.jsonl");
    let words = ["inventory", "--out", out.to_str().unwrap(), "--wire-log", log.to_str().unwrap()];
    let again = run_on(&served, &journal, &words).ended(0);
    assert!(again.err.contains("going on with the inventory"), "{}", again.err);
    let exchanges = std::fs::read_to_string(&log).unwrap();
    let asked = exchanges.lines().filter(|line| line.contains("DescribeUserProfile")).count();
    assert!(asked < 210, "{asked} of 300 profiles were asked for again, {kept} lines were kept");
    assert!(!partial.exists(), "the half of an inventory is left behind");
    let names: Vec<_> = profiles(&out).iter().map(|one| one["name"].clone()).collect();
    assert_eq!(names.len(), 300);
    let fresh = folder.path().join("fresh.json");
    let words = ["inventory", "--fresh", "--out", fresh.to_str().unwrap()];
    run_on(&served, &journal, &words).ended(0);
    assert_eq!(profiles(&fresh), profiles(&out));
}

#[test]
fn what_an_earlier_run_made_is_left_out_by_name() {
    let ready = Ready::new();
    ready.run_alice(&[]).ended(0);
    let out = ready.journal.with_extension("json");
    let words = ["inventory", "--out", out.to_str().unwrap()];
    run_on(&ready.served, &ready.journal, &words).ended(0);
    let snapshot: Value = serde_json::from_slice(&std::fs::read(&out).unwrap()).unwrap();
    assert_eq!(snapshot["domains"][0]["spaces"], serde_json::json!([]));
    let left_out = snapshot["left_out"].to_string();
    assert!(left_out.contains("space d-sim000000001/alice-studio"), "{left_out}");
}

#[test]
fn throttles_slow_an_inventory_down_and_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let faults = "- operation: sagemaker:DescribeUserProfile\n  from: 20\n  times: 5\n  effect: throttled\n\
                  - operation: sagemaker:ListTags\n  from: 30\n  times: 3\n  effect: throttled\n";
    let served = Served::with_faults(&folder.path().join("world"), &many(60), Some(faults));
    let out = folder.path().join("snapshot.json");
    let words = ["inventory", "--out", out.to_str().unwrap()];
    run_on(&served, &folder.path().join("journal.db"), &words).ended(0);
    let snapshot: Value = serde_json::from_slice(&std::fs::read(&out).unwrap()).unwrap();
    assert_eq!(profiles(&out).len(), 60);
    assert_eq!(snapshot["unseen"], serde_json::json!([]));
}

#[test]
fn what_is_refused_is_named_and_stops_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let faults = "- operation: sagemaker:DescribeUserProfile\n  from: 1\n  times: 1\n  effect: denied\n\
                  - operation: cloudtrail:LookupEvents\n  from: 1\n  times: 0\n  effect: denied\n";
    let served = Served::with_faults(&folder.path().join("world"), ONE_PERSON, Some(faults));
    let journal = folder.path().join("journal.db");
    let ran = run_on(&served, &journal, &["inventory", "--format", "json"]).ended(0);
    let said: Value = serde_json::from_str(&ran.out).unwrap();
    let unseen = said["unseen"].to_string();
    assert!(unseen.contains("sagemaker:DescribeUserProfile"), "{unseen}");
    assert!(unseen.contains("cloudtrail:LookupEvents"), "{unseen}");
    assert_eq!(said["profiles"], 1);
}
