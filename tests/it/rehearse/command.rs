//! `rehearse` as operators meet it.

use std::path::Path;

use serde_json::Value;
use studio_migrate::journal::{Journal, exported_line};

use crate::common::ONE_PERSON;
use crate::common::account::Served;
use crate::common::tool::{Ran, command, prepare_with};

/// A journal with a snapshot and a plan of an account that is not there any more, and that is as slow as AWS.
fn journal_of_a_plan(folder: &Path) -> std::path::PathBuf {
    let served = Served::start(&folder.join("world"), ONE_PERSON);
    let journal = folder.join("journal.db");
    prepare_with(
        &served,
        &journal,
        &["  poll_seconds: 20", "  settle_minutes: 20", "  stall_minutes: 10"],
    );
    journal
}

fn rehearse(journal: &Path, words: &[&str]) -> Ran {
    let mut command = command(&["rehearse", "--begin", "2026-12-04T09:30:00Z"]);
    command.args(words).arg("--state").arg(journal).output().unwrap().into()
}

fn as_json(ran: Ran) -> Value {
    serde_json::from_str(&ran.out).unwrap()
}

fn events(journal: &Path) -> Vec<String> {
    Journal::open(journal).unwrap().events().unwrap().iter().map(exported_line).collect()
}

#[test]
fn a_plan_is_rehearsed_without_the_account_and_leaves_the_journal_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let journal = journal_of_a_plan(folder.path());
    let before = events(&journal);
    let said = rehearse(&journal, &[]).ended(0).out;
    assert!(said.contains("2 people would be moved"), "{said}");
    let outcome = as_json(rehearse(&journal, &["--format", "json"]).ended(0));
    assert_eq!((&outcome["schema"], &outcome["done"]), (&1.into(), &2.into()));
    let batch = &outcome["batches"][0];
    let begin = batch["begin"].as_str().unwrap();
    assert!(begin.starts_with("2026-12-04T09:30:00"), "{begin}");
    assert_eq!((&batch["people"], &batch["done"]), (&2.into(), &2.into()));
    let minutes = outcome["minutes"].as_f64().unwrap();
    let estimate = |end: &str| outcome["estimate"][end].as_f64().unwrap();
    assert!(estimate("low") * 0.85 < minutes && minutes < estimate("high") * 1.15, "{minutes}");
    assert_eq!(outcome["held"]["people"], 2);
    assert_eq!(outcome["calls"]["sagemaker:CreateSpace"]["calls"], 2);
    assert_eq!(events(&journal), before);
    assert!(!folder.path().join("manifests").exists());
}

#[test]
fn what_a_killed_rehearsal_leaves_is_taken_away_by_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let journal = journal_of_a_plan(folder.path());
    let temporary = folder.path().join("tmp");
    std::fs::create_dir(&temporary).unwrap();
    let left = || std::fs::read_dir(&temporary).unwrap().count();
    let mut command = command(&["rehearse", "--state"]);
    command.arg(&journal).env("TMPDIR", &temporary);
    let is_in_use = || {
        let mut folders = std::fs::read_dir(&temporary).unwrap();
        folders.any(|one| one.unwrap().path().join("in-use").exists())
    };
    let mut killed = command.spawn().unwrap();
    while !is_in_use() {
        assert!(killed.try_wait().unwrap().is_none(), "it has a folder as long as it lasts");
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    killed.kill().unwrap();
    killed.wait().unwrap();
    assert_eq!(left(), 1);
    Ran::from(command.output().unwrap()).ended(0);
    assert_eq!(left(), 0);
}

#[test]
fn what_would_fail_is_named_with_its_step() {
    let folder = tempfile::tempdir().unwrap();
    let journal = journal_of_a_plan(folder.path());
    let faults = folder.path().join("faults.yaml");
    let write = |effect: &str, times: u32| {
        let fault = format!("operation: sagemaker:CreateSpace, times: {times}, effect: {effect}");
        std::fs::write(&faults, format!("- {{ {fault} }}\n")).unwrap();
    };
    let faulty = faults.to_str().unwrap();
    let words = ["--playbook", "standard", "--format", "json", "--faults", faulty];
    write("denied", 0);
    let outcome = as_json(rehearse(&journal, &words).ended(4));
    let failed = &outcome["failed"][0];
    assert_eq!(failed["step"], "provision");
    // The standard playbook leaves alice out, and who is left out is not rehearsed.
    assert!(failed["migration"].as_str().unwrap().ends_with("/bob"), "{failed}");
    assert!(failed["message"].as_str().unwrap().contains("CreateSpace"), "{failed}");
    // What the SDK gets over is no failure, but it is seen.
    write("throttled", 2);
    let outcome = as_json(rehearse(&journal, &words).ended(0));
    assert_eq!(outcome["calls"]["sagemaker:CreateSpace"]["throttled"], 2);
    write("dies", 1);
    let refused = rehearse(&journal, &words).ended(2);
    assert!(refused.err.contains("cannot die"), "{}", refused.err);
}
