//! Killed at any instant and run again, a migration ends as an uninterrupted one does.
//!
//! The process aborts before and after every event of the journal, and every call that changes something has an event on
//! either side. Each time the tool is then run again, and the world must be the one of a run that nobody interrupted.

use std::time::Duration;

use serde_json::Value;
use studio_migrate::mover::key;
use studio_migrate::sim::bucket;

use crate::common::ONE_PERSON;
use crate::common::ends::{End, assert_alike, end};
use crate::common::points::{dies_at, every_point};
use crate::common::ready::Ready;
use crate::common::tool::{command_on, light_mover, run_alice, until};

/// The end of a run that nobody interrupts.
fn uninterrupted() -> End {
    let ready = Ready::new();
    ready.run_alice(&[]).ended(0);
    end(&ready.served)
}

#[test]
fn killed_at_any_instant_it_ends_as_an_uninterrupted_run_does() {
    let whole = uninterrupted();
    let before = Ready::new();
    let points = every_point(|point| {
        let ready = before.copied(None);
        if !dies_at(point, &ready.served, &ready.journal, &run_alice()) {
            return false;
        }
        ready.run(&run_alice()).ended(0);
        assert_alike(&end(&ready.served), &whole, &format!("after a crash at point {point}"));
        true
    });
    // Seven steps with two events each, and the calls between them: fewer points would mean that the crash does not happen.
    assert!(points > 60, "only {points} points");
}

#[test]
fn killed_from_outside_at_some_moment_it_ends_as_an_uninterrupted_run_does() {
    let whole = uninterrupted();
    for moment in [100, 250, 450, 700, 1000, 1400, 1900] {
        let ready = Ready::new();
        let mut running = command_on(&ready.served, &ready.journal, &run_alice()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(moment));
        running.kill().unwrap();
        running.wait().unwrap();
        ready.run_alice(&[]).ended(0);
        assert_alike(&end(&ready.served), &whole, &format!("killed after {moment} ms"));
    }
}

#[test]
fn a_copy_that_is_done_before_its_app_is_in_service_is_gone_on_with() {
    let whole = Ready::new();
    let before = whole.events().len();
    whole.run_alice(&[]).ended(0);
    let is_start = |event: &Value| event["detail"]["operation"] == "CreateApp";
    let place = whole.events()[before..].iter().position(is_start).unwrap() as u64 + 1;

    let slow = ONE_PERSON.replace("app_start: 0.1", "app_start: 12");
    let ready = Ready::with(&slow, None, &["  settle_minutes: 0.5"]);
    // Right after the app was made, whose copy goes on by itself.
    assert!(dies_at(2 * place + 1, &ready.served, &ready.journal, &run_alice()));
    let key = format!("{}/{}", ready.migration("alice").reports, key::DONE);
    let bucket = ready.plan().staging_bucket();
    until("the copy is done", || bucket::file_of(&ready.served.dir, &bucket, &key).is_ok());
    ready.run_alice(&[]).ended(0);
}

#[test]
fn the_reply_to_any_change_may_be_lost() {
    let whole = uninterrupted();
    let calls = [
        ("sagemaker:CreateSpace", 1),
        ("sagemaker:CreateApp", 1),
        ("sagemaker:DeleteApp", 1),
        ("sagemaker:DeleteApp", 2),
        ("sagemaker:CreateStudioLifecycleConfig", 1),
        ("sagemaker:DeleteStudioLifecycleConfig", 1),
        ("sagemaker:UpdateUserProfile", 1),
        ("sagemaker:UpdateUserProfile", 2),
        ("sagemaker:UpdateUserProfile", 3),
        ("sagemaker:UpdateSpace", 1),
        ("s3:PutObject", 1),
    ];
    for (operation, from) in calls {
        let faults = format!("- operation: {operation}\n  from: {from}\n  effect: reply-lost\n");
        let ready = Ready::with(ONE_PERSON, Some(&faults), &[]);
        ready.run_alice(&[]).ended(0);
        let when = format!("after the reply to {operation} {from} was lost");
        assert_alike(&end(&ready.served), &whole, &when);
        let calls = ready.served.state()["calls"][operation].as_u64().unwrap();
        assert!(calls >= from, "{operation} was called {calls} times only");
    }
}

#[test]
fn a_change_whose_reply_is_lost_is_waited_for_where_it_takes_longer_than_the_next_try() {
    let whole = uninterrupted();
    let slow = ONE_PERSON
        .replace("  update: 0.05\n", "  update: 2.0\n")
        .replace("  space: 0.05\n", "  space: 2.0\n");
    assert_ne!(slow, ONE_PERSON);
    for operation in ["sagemaker:UpdateUserProfile", "sagemaker:UpdateSpace"] {
        let faults = format!("- operation: {operation}\n  effect: reply-lost\n");
        let ready = Ready::with(&slow, Some(&faults), &[]);
        ready.run_alice(&[]).ended(0);
        let when = format!("after the reply to {operation} was lost");
        assert_alike(&end(&ready.served), &whole, &when);
    }
}

#[test]
fn a_last_word_that_is_spoken_while_the_next_run_looks_for_it_is_heard() {
    let whole = Ready::new();
    whole.run_alice(&[]).ended(0);
    let events = whole.events();
    let began = events.iter().position(|event| event["kind"] == "started").unwrap();
    let is_start = |event: &Value| event["detail"]["operation"] == "CreateApp";
    let start = began + events[began..].iter().position(is_start).unwrap();
    // A run dies before and after every event of its own; the answer to the call follows it.
    let answered = 2 * (start + 1 - began + 1);
    // Whoever looks after the mover was fetched looks while that still sleeps, and hears that nobody has spoken once it has.
    let late = "- operation: 's3:GetObject'\n  from: 3\n  effect: { slow: 6 }\n";
    let ready = Ready::with(ONE_PERSON, Some(late), &["  stall_minutes: 0.15"]);
    let sleeping = ready.file("sleeping-mover");
    let script = std::fs::read_to_string(light_mover()).unwrap();
    std::fs::write(&sleeping, script.replace("exec", "sleep 4\nexec")).unwrap();
    let mut words = run_alice();
    *words.last_mut().unwrap() = sleeping.to_str().unwrap();
    assert!(dies_at(answered as u64, &ready.served, &ready.journal, &words));
    until("the mover is fetched", || ready.served.state()["calls"]["s3:GetObject"] == 2);
    ready.run(&words).ended(0);
    assert_alike(&end(&ready.served), &end(&whole.served), "after a late last word");
}
