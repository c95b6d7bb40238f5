//! Who may work, what is written down before it is done, and what a dry run does not do.

use std::process::Stdio;

use serde_json::Value;
use studio_migrate::execute::Tools;
use studio_migrate::journal::Journal;
use studio_migrate::sim::bucket;

use crate::common::ONE_PERSON;
use crate::common::inside::each;
use crate::common::ready::{ALICE, Ready, only_looks};
use crate::common::tool::{command_on, light_mover, run_alice, until};

#[test]
fn a_second_operator_is_refused_while_the_first_is_at_work() {
    // Shorter than the client's patience, longer than all that follows.
    let slow = "- operation: sagemaker:CreateSpace\n  effect:\n    slow: 100\n";
    let ready = Ready::with(ONE_PERSON, Some(slow), &[]);
    let mut first = command_on(&ready.served, &ready.journal, &run_alice());
    let mut first = first.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let is_waiting = || ready.served.state()["calls"]["sagemaker:CreateSpace"] == 1;
    until("the first operator waits for AWS", is_waiting);
    let before = ready.served.state();
    for second in [run_alice(), vec!["rollback", "--user", "alice"], vec!["cutover", "--force"]] {
        let ran = ready.run(&second).ended(6);
        assert!(ran.err.contains("holds the lease") && ran.err.contains("tester"), "{}", ran.err);
    }
    assert!(first.try_wait().unwrap().is_none(), "the first operator is no longer at work");
    let called = |state: &Value| state["calls"].as_object().unwrap().clone();
    let changed: Vec<_> = called(&ready.served.state())
        .into_iter()
        .filter(|(name, count)| before["calls"].get(name) != Some(count))
        .map(|(name, _)| name)
        .collect();
    assert_eq!(changed, ["sts:GetCallerIdentity"], "all that a second operator did");
    // A lease does not outlive its process: whoever comes next goes on from there.
    first.kill().unwrap();
    first.wait().unwrap();
    ready.run_alice(&[]).ended(0);
    assert_eq!(ready.settings("alice")["DefaultLandingUri"], "studio::");
}

/// A changing call, its number among those of its name, and whether the world shows its effect.
type Change = (&'static str, usize, fn(&Ready) -> bool);

const CHANGES: [Change; 8] = [
    ("DeleteApp", 1, |ready| {
        ready.served.state()["studio"]["apps"]["d-sim000000001/profile/alice/JupyterServer/default"]
            ["standing"]["status"]
            != "InService"
    }),
    ("PutObject", 1, |ready| {
        let tools = ready.served.dir.join("s3").join(ready.plan().staging_bucket()).join("objects");
        std::fs::read_dir(tools).is_ok_and(|mut objects| objects.next().is_some())
    }),
    ("CreateSpace", 1, |ready| {
        ready.served.state()["studio"]["spaces"].get("d-sim000000001/alice-studio").is_some()
    }),
    ("CreateStudioLifecycleConfig", 1, |ready| {
        let hook = ready.migration("alice").hook.to_ascii_lowercase();
        ready.served.state()["studio"]["scripts"].get(hook).is_some()
    }),
    ("UpdateUserProfile", 1, |ready| {
        let set = &ready.settings("alice")["JupyterLabAppSettings"]["BuiltInLifecycleConfigArn"];
        !set.as_str().unwrap().ends_with("/tidy-shell")
    }),
    ("CreateApp", 1, |ready| {
        let apps = ready.served.state()["studio"]["apps"].clone();
        apps.get("d-sim000000001/space/alice-studio/JupyterLab/default").is_some()
    }),
    ("UpdateUserProfile", 3, |ready| ready.settings("alice")["StudioWebPortal"] == "ENABLED"),
    ("UpdateSpace", 1, |ready| {
        let space = &ready.served.state()["studio"]["spaces"]["d-sim000000001/alice-studio"];
        space["settings"]["JupyterLabAppSettings"]["AppLifecycleManagement"]["IdleSettings"]["IdleTimeoutInMinutes"]
            != 525_599
    }),
];

/// The place of a call among the events of a whole run, counted from 1.
fn place(events: &[Value], operation: &str, number: usize) -> u64 {
    let is_meant = |(_, event): &(u64, &Value)| {
        event["kind"] == "call" && event["detail"]["operation"] == operation
    };
    (1..).zip(events).filter(is_meant).nth(number - 1).unwrap().0
}

#[test]
fn a_call_that_changes_something_is_in_the_journal_before_it_is_made() {
    let whole = Ready::new();
    let before = whole.events().len();
    whole.run_alice(&[]).ended(0);
    let events = whole.events()[before..].to_vec();
    each(&CHANGES, |&(operation, number, is_done)| {
        let place = place(&events, operation, number);
        // There is a point to die at on either side of every event: dead right after the intent, and right before the outcome.
        for (point, is_made) in [(2 * place, false), (2 * place + 1, true)] {
            let ready = Ready::new();
            let mut dying = command_on(&ready.served, &ready.journal, &run_alice());
            let died = dying.env("STUDIO_MIGRATE_CRASH_AT", point.to_string()).output().unwrap();
            assert_eq!(died.status.code(), None, "{}", String::from_utf8_lossy(&died.stderr));
            assert_eq!(is_done(&ready), is_made, "{operation} {number} at point {point}");
            // The last thing in the journal is that call, with who, where, when and why.
            let last = ready.events().pop().unwrap();
            assert_eq!(last["kind"], "call", "{last}");
            assert_eq!(last["detail"]["operation"], operation, "{last}");
            assert!(!last["detail"]["target"].as_str().unwrap().is_empty(), "{last}");
            assert_eq!(last["migration"], ALICE);
            assert!(last["step"].is_string() && last["plan"].is_string(), "{last}");
            assert!(last["at"].as_str().unwrap().parse::<jiff::Timestamp>().is_ok(), "{last}");
            let journal = Journal::open(&ready.journal).unwrap();
            let ran = journal.operations().unwrap().pop().unwrap();
            assert_eq!(last["operation"], ran.id.0);
            assert_eq!(ran.caller, "arn:aws:iam::000000000000:user/operator");
            assert_eq!(ran.os_user, "tester");
            assert!(!ran.host.is_empty() && ran.command.starts_with("run "), "{ran:?}");
            assert_eq!(ran.exit, None);
        }
    });
}

fn at(line: &Value) -> jiff::Timestamp {
    line["at"].as_str().unwrap().parse().unwrap()
}

#[test]
fn every_exchange_that_changes_something_has_an_earlier_call_in_the_journal() {
    let ready = Ready::new();
    let log = ready.file("wire.jsonl");
    let log_to = ["--wire-log", log.to_str().unwrap()];
    ready.run_alice(&log_to).ended(0);
    ready.run(&[["cutover", "--force"], log_to].concat()).ended(0);
    ready.run(&[["cleanup", "--reports"], log_to].concat()).ended(0);
    let back = ["rollback", "--user", "alice", "--delete-spaces", "--yes"];
    ready.run(&[back.as_slice(), &log_to].concat()).ended(0);

    let mut calls = ready.events();
    calls.retain(|event| event["kind"] == "call");
    let mut changes = Ready::exchanges(&log);
    changes.retain(|exchange| !only_looks(exchange));
    changes.sort_by_key(at);
    assert!(changes.len() > 15, "{} changes", changes.len());
    for exchange in changes {
        // A call accounts for one exchange: these runs have nothing to try again.
        let earlier = calls.iter().position(|call| {
            call["detail"]["operation"] == exchange["operation"] && at(call) <= at(&exchange)
        });
        assert!(earlier.is_some(), "{} is not in the journal", exchange["operation"]);
        calls.remove(earlier.unwrap());
    }
    assert!(calls.is_empty(), "calls that were never made: {calls:?}");
}

#[test]
fn a_dry_run_makes_no_call_that_changes_anything() {
    let ready = Ready::new();
    let log = ready.file("wire.jsonl");
    let log_to = ["--wire-log", log.to_str().unwrap()];
    let world = ready.served.dir.join("world.json");
    let (before, events) = (std::fs::read(&world).unwrap(), ready.events());
    let ran = ready.run_alice(&[["--dry-run"].as_slice(), &log_to].concat()).ended(0);
    assert!(ran.out.contains(&format!("{ALICE}: quiesce → stage → provision")), "{}", ran.out);
    let changes: Vec<_> = Ready::exchanges(&log).into_iter().filter(|e| !only_looks(e)).collect();
    assert!(changes.is_empty(), "{changes:?}");
    assert_eq!(std::fs::read(&world).unwrap(), before);
    assert_eq!(ready.events(), events);

    // So does a cleanup, once there is something to clean up.
    ready.run_alice(&[]).ended(0);
    let (before, done) = (ready.served.state(), ready.events().len());
    let mover = format!("tools/{}", Tools::of(light_mover()).unwrap().sha256);
    let ran = ready.run(&[["cleanup", "--dry-run"], log_to].concat()).ended(0);
    assert!(ran.out.contains(&mover), "{}", ran.out);
    let exchanges = Ready::exchanges(&log);
    assert!(!exchanges.is_empty() && exchanges.iter().all(only_looks));
    assert_eq!(ready.served.state(), before);
    assert_eq!(ready.events().len(), done);
    let key = format!("studio-migrate/{mover}/studio-migrate");
    assert!(bucket::file_of(&ready.served.dir, &ready.plan().staging_bucket(), &key).is_ok());
}
