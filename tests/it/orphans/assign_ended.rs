//! Deliveries that did not end, or whose space did not stay: killed, not wanted any more, given up.

use std::fs;

use serde_json::Value;
use studio_migrate::names::{DomainId, ProfileName, SpaceName};
use studio_migrate::playbook::SpaceApp;

use super::assign::{assert_delivered, assign, for_alice, left, moved, table, volume, words};
use super::{mount, systems, told};
use crate::common::client::Client;
use crate::common::points::dies_at;
use crate::common::ready::Ready;
use crate::common::tool::{Ran, command_on, light_mover, until};
use crate::reliability::truncated::truncate;

/// A delivery to alice that dies at the nth event that it writes, right after that.
fn dies_after(ready: &Ready, event: usize) {
    let of_alice = words(&for_alice(ready), &mount(ready));
    let of_alice: Vec<_> = of_alice.iter().map(String::as_str).collect();
    assert!(dies_at(2 * event as u64, &ready.served, &ready.journal, &of_alice));
}

/// Where among its events a delivery to alice wrote the first of which this holds, counted from 1.
fn place_of(is_it: impl Fn(&Value) -> bool) -> usize {
    let whole = moved();
    let before = whole.events().len();
    assign(&whole, &for_alice(&whole)).ended(0);
    whole.events()[before..].iter().position(is_it).unwrap() + 1
}

fn is_assigned(event: &Value) -> bool {
    event["kind"] == "orphan-assigned"
}

fn again(ready: &Ready) -> Ran {
    let mut words = words(&for_alice(ready), &mount(ready));
    words.push("--again".to_owned());
    ready.run(&words.iter().map(String::as_str).collect::<Vec<_>>())
}

fn unassigned(ready: &Ready) -> String {
    let (own, _) = systems(ready);
    table(ready, &[&format!("{own},299001,,")])
}

#[test]
fn a_word_about_an_earlier_delivery_is_no_proof_of_another() {
    let (before, ready) = (moved(), moved());
    let before = left(&before);
    dies_after(&ready, place_of(is_assigned));
    assert_ne!(left(&ready).0, 0, "it died after it had cleared the bucket");
    let is = told(&ready)["orphans"][0]["is"].as_str().unwrap().to_owned();
    assert!(is.contains("what crossed the bucket on its way to d-sim000000001/alice"), "{is}");
    // She loses it all, and it is delivered again, and not just said to be.
    let lost = ready.copied(None);
    fs::remove_dir_all(volume(&lost).join("orphan-299001")).unwrap();
    again(&lost).ended(0);
    assert_delivered(&lost);
    assert_eq!(left(&lost), before);
    // Whoever does not ask for it again has the rest cleared away.
    let ran = assign(&ready, &for_alice(&ready)).ended(0);
    assert!(ran.out.contains("what crossed the bucket on its way to"), "{}", ran.out);
    assert_eq!(left(&ready), before);
    let is = told(&ready)["orphans"][0]["is"].as_str().unwrap().to_owned();
    assert!(!is.contains("NOT done"), "{is}");
}

#[test]
fn what_was_given_up_or_forgotten_is_delivered_when_it_is_wanted_again() {
    let ready = moved();
    let restored = ready.copied(None);
    // The journal is put back to before a delivery that the space has behind it.
    let kept = restored.events().len();
    assign(&restored, &for_alice(&restored)).ended(0);
    truncate(&restored.journal, kept);
    assign(&restored, &for_alice(&restored)).ended(0);
    assert_delivered(&restored);
    // It dies once the mover has ended, and is given up.
    dies_after(&ready, place_of(is_assigned) - 1);
    assign(&ready, &unassigned(&ready)).ended(0);
    assign(&ready, &for_alice(&ready)).ended(0);
    assert_delivered(&ready);
}

#[test]
fn an_app_that_its_owner_opened_meanwhile_is_let_be_and_stops_by_itself_again() {
    let ready = moved();
    let before = left(&ready).2;
    let is_app = |event: &Value| event["detail"]["operation"] == "CreateApp";
    dies_after(&ready, place_of(is_app) - 1);
    assert_ne!(left(&ready).2, before);
    let owner = Client::administrator(&ready.served);
    let (domain, alice) = (DomainId::new("d-sim000000001"), ProfileName::from("alice"));
    until("her profile is in service again", || {
        owner.wait(owner.account.profile(&domain, &alice)).unwrap().status == "InService"
    });
    ready.start_an_app_of_theirs("alice-studio");
    let ran = assign(&ready, &unassigned(&ready)).ended(4);
    assert!(ran.err.contains("let its owner stop it"), "{}", ran.err);
    assert_eq!(left(&ready).2, before);
    let state = ready.served.state();
    let app = &state["studio"]["apps"]["d-sim000000001/space/alice-studio/JupyterLab/default"];
    assert!(app.is_object(), "it goes on: {state}");
}

#[test]
fn a_space_that_was_deleted_meanwhile_leaves_no_hook_on_its_profile() {
    let ready = moved();
    dies_after(&ready, place_of(|event| event["detail"]["operation"] == "CreateApp") + 1);
    let ready = ready.edited(|world| {
        let apps = world["studio"]["apps"].as_object_mut().unwrap();
        apps.retain(|key, _| !key.contains("/alice-studio/"));
        world["studio"]["spaces"].as_object_mut().unwrap().remove("d-sim000000001/alice-studio");
    });
    assert!(ready.settings("alice").to_string().contains("studio-migrate-"));
    let refused = assign(&ready, &for_alice(&ready)).ended(4);
    assert!(refused.err.contains("`studio-migrate rollback --user alice`"), "{}", refused.err);
    let ran = assign(&ready, &unassigned(&ready)).ended(0);
    assert!(ran.out.contains("space alice-studio is gone"), "{}", ran.out);
    assert!(!ready.settings("alice").to_string().contains("studio-migrate-"));
    assert!(ready.served.state()["studio"]["scripts"].as_object().is_none_or(|all| all.is_empty()));
}

#[test]
fn the_longest_idle_shutdown_that_somebody_chose_is_still_theirs_afterwards() {
    let ready = moved();
    let administrator = Client::administrator(&ready.served);
    let (domain, space) = (DomainId::new("d-sim000000001"), SpaceName::from("alice-studio"));
    let app = SpaceApp::JupyterLab;
    let set = administrator.account.set_up_space(&domain, &space, app, 525_600, None);
    administrator.wait(set).unwrap();
    let before = left(&ready).2;
    assert!(before.to_string().contains("525600"), "{before}");
    assign(&ready, &for_alice(&ready)).ended(0);
    assert_eq!(left(&ready).2, before);
}

#[test]
fn a_delivery_that_is_killed_anywhere_is_finished_by_the_next() {
    let whole = moved();
    let before = left(&whole);
    for point in [1, 5, 12, 20, 28, 36, 44] {
        let ready = whole.copied(None);
        let csv = for_alice(&ready);
        let words = words(&csv, &mount(&ready));
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        let mut killed = command_on(&ready.served, &ready.journal, &words);
        let killed = killed.env("STUDIO_MIGRATE_CRASH_AT", point.to_string()).output().unwrap();
        assert_eq!(killed.status.code(), None, "{}", String::from_utf8_lossy(&killed.stderr));
        assign(&ready, &csv).ended(0);
        assert_delivered(&ready);
        assert_eq!(left(&ready), before, "killed at {point}");
    }
}

#[test]
fn a_killed_delivery_that_nobody_wants_any_more_is_ended_and_its_space_as_it_was() {
    let whole = moved();
    whole.run(&["run", "--yes", "--mover", light_mover().to_str().unwrap()]).ended(0);
    let (own, _) = systems(&whole);
    let before = left(&whole);
    let mut was_changed = false;
    for (point, row) in [(12, ""), (20, "d-sim000000001,bob"), (28, ""), (36, "d-sim000000001,bob")]
    {
        let ready = whole.copied(None);
        let for_alice = words(&for_alice(&ready), &mount(&ready));
        let for_alice: Vec<_> = for_alice.iter().map(String::as_str).collect();
        assert!(dies_at(point, &ready.served, &ready.journal, &for_alice));
        was_changed |= left(&ready) != before;
        let is = told(&ready)["orphans"][0]["is"].as_str().unwrap().to_owned();
        assert!(is.contains("its delivery to d-sim000000001/alice, begun at "), "{is}");
        assert!(ready.run(&["status"]).ended(0).out.contains("0 delivered, 1 not done"));
        let csv = match row {
            "" => table(&ready, &[&format!("{own},299001,,")]),
            row => table(&ready, &[&format!("{own},299001,{row}")]),
        };
        let dry = ["orphans", "assign", "--csv", &csv, "--mount", &mount(&ready)];
        let dry = ready.run(&dry).ended(0).out;
        assert!(dry.contains("which has not ended, would be ended"), "{dry}");
        let ran = assign(&ready, &csv).ended(0);
        assert!(ran.out.contains("its delivery to d-sim000000001/alice was ended"), "{}", ran.out);
        assert_eq!(left(&ready), before, "killed at {point}");
        let is = told(&ready)["orphans"][0]["is"].as_str().unwrap().to_owned();
        let said = if row.is_empty() {
            "was ended before it was done"
        } else {
            "delivered to d-sim000000001/bob"
        };
        assert!(is.contains(said) && !is.contains("has not ended"), "{is}");
    }
    assert!(was_changed, "no kill left anything behind");
}

#[test]
fn what_was_delivered_into_a_space_that_was_given_up_is_told_to_be_gone() {
    let ready = moved();
    let csv = for_alice(&ready);
    assign(&ready, &csv).ended(0);
    // A space that is kept keeps it.
    let kept = ready.copied(None);
    kept.run(&["rollback", "--user", "alice", "--yes"]).ended(0);
    let is = told(&kept)["orphans"][0]["is"].as_str().unwrap().to_owned();
    assert!(is.contains("delivered to d-sim000000001/alice") && !is.contains("NOT done"), "{is}");
    ready.run(&["rollback", "--user", "alice", "--delete-spaces", "--yes"]).ended(0);
    let is = told(&ready)["orphans"][0]["is"].as_str().unwrap().to_owned();
    assert!(is.contains("NOT done") && is.contains("was rolled back"), "{is}");
    ready.run_alice(&[]).ended(0);
    assign(&ready, &csv).ended(0);
    assert_delivered(&ready);
}
