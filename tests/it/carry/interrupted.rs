//! Killed at any instant, or deaf to a reply, carrying and taking out end as if nothing had happened.

use super::{APPLY, UNDO, moved};
use crate::common::ends::{End, assert_alike, end};
use crate::common::points::{dies_at, every_point};

fn applied() -> End {
    let ready = moved();
    ready.run(&APPLY).ended(0);
    end(&ready.served)
}

#[test]
fn killed_at_any_instant_it_ends_as_if_nobody_had_killed_it() {
    let before = moved();
    let whole = applied();
    let points = every_point(|point| {
        let ready = before.copied(None);
        if !dies_at(point, &ready.served, &ready.journal, &APPLY) {
            return false;
        }
        ready.run(&APPLY).ended(0);
        assert_alike(&end(&ready.served), &whole, &format!("after a crash at point {point}"));
        true
    });
    assert!(points > 20, "only {points} points");
}

#[test]
fn killed_at_any_instant_the_undo_ends_as_if_nobody_had_killed_it() {
    let before = moved();
    before.run(&APPLY).ended(0);
    let undone = before.copied(None);
    undone.run(&UNDO).ended(0);
    let whole = end(&undone.served);
    let points = every_point(|point| {
        let ready = before.copied(None);
        if !dies_at(point, &ready.served, &ready.journal, &UNDO) {
            return false;
        }
        ready.run(&UNDO).ended(0);
        assert_alike(&end(&ready.served), &whole, &format!("after a crash at point {point}"));
        true
    });
    assert!(points > 20, "only {points} points");
}

#[test]
fn the_reply_to_any_change_may_be_lost() {
    let (before, whole) = (moved(), applied());
    for operation in [
        "CreateStudioLifecycleConfig",
        "CreateAppImageConfig",
        "UpdateDomain",
        "UpdateUserProfile",
        "AddTags",
    ] {
        let faults = format!("- operation: sagemaker:{operation}\n  effect: reply-lost\n");
        let ready = before.copied(Some(&faults));
        ready.run(&APPLY).ended(0);
        let when = format!("after the reply to {operation} was lost");
        assert_alike(&end(&ready.served), &whole, &when);
    }
}
