//! Deliveries that did not end, or whose space did not stay: killed, not wanted any more, given up.

use super::assign::{assert_delivered, assign, for_alice, left, moved, table, words};
use super::{mount, systems, told};
use crate::common::points::dies_at;
use crate::common::tool::{command_on, light_mover};

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
    ready.run(&["rollback", "--user", "alice", "--delete-spaces", "--yes"]).ended(0);
    let is = told(&ready)["orphans"][0]["is"].as_str().unwrap().to_owned();
    assert!(is.contains("NOT done") && is.contains("was rolled back"), "{is}");
    ready.run_alice(&[]).ended(0);
    assign(&ready, &csv).ended(0);
    assert_delivered(&ready);
}
