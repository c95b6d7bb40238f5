//! Killed at any instant and run again, a migration ends as an uninterrupted one does.
//!
//! The process aborts before and after every event of the journal, and every call that changes something has an event on
//! either side. Each time the tool is then run again, and the world must be the one of a run that nobody interrupted.

use std::sync::Mutex;
use std::time::Duration;

use crate::common::ONE_PERSON;
use crate::common::ends::{End, assert_alike, end};
use crate::common::ready::Ready;
use crate::common::tool::{command_on, run_alice};

/// The end of a run that nobody interrupts.
fn uninterrupted() -> End {
    let ready = Ready::new();
    ready.run_alice(&[]).ended(0);
    end(&ready.served)
}

/// Crashes at one point, runs again, and returns the end; `None` when the run ends before it comes to that point.
fn crashed_at(point: u64) -> Option<End> {
    let ready = Ready::new();
    let mut crashing = command_on(&ready.served, &ready.journal, &run_alice());
    let crashed = crashing.env("STUDIO_MIGRATE_CRASH_AT", point.to_string()).output().unwrap();
    if crashed.status.code() == Some(0) {
        return None;
    }
    assert_eq!(crashed.status.code(), None, "{}", String::from_utf8_lossy(&crashed.stderr));
    ready.run_alice(&[]).ended(0);
    Some(end(&ready.served))
}

#[test]
fn killed_at_any_instant_it_ends_as_an_uninterrupted_run_does() {
    let whole = uninterrupted();
    let next = Mutex::new(1..);
    let last = Mutex::new(0);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                loop {
                    let point = next.lock().unwrap().next().unwrap();
                    let Some(end) = crashed_at(point) else { break };
                    assert_alike(&end, &whole, &format!("after a crash at point {point}"));
                    let mut last = last.lock().unwrap();
                    *last = point.max(*last);
                }
            });
        }
    });
    // Seven steps with two events each, and the calls between them: fewer points would mean that the crash does not happen.
    assert!(*last.lock().unwrap() > 60, "only {} points", last.lock().unwrap());
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
