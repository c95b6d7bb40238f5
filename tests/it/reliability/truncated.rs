//! A journal that lost the end of its log, as a backup that was restored has: whatever the length of what is left, going on is right.
//!
//! The account is where it was when the log was whole. What was done is found there and gone on with, or the refusal says why not.

use std::path::Path;

use rusqlite::Connection;
use studio_migrate::execute::{MigrationStanding, Standing};
use studio_migrate::journal::Journal;

use super::budget;
use crate::common::ends::{End, assert_alike, end};
use crate::common::inside::each;
use crate::common::points::dies_at;
use crate::common::ready::{ALICE, Ready};
use crate::common::tool::run_alice;

/// Takes alice back with everything that is in her space.
const BACK: [&str; 5] = ["rollback", "--user", "alice", "--yes", "--delete-spaces"];

/// Forgets every event after the first so many, and every operation that began later.
pub fn truncate(journal: &Path, kept: usize) {
    let database = Connection::open(journal).unwrap();
    let forget = format!(
        "BEGIN;
         CREATE TEMP TABLE kept AS SELECT * FROM event WHERE sequence <= {kept};
         DELETE FROM migration_standing;
         DELETE FROM step_standing;
         DELETE FROM event;
         INSERT INTO event SELECT * FROM kept ORDER BY sequence;
         DELETE FROM operation WHERE id NOT IN (SELECT operation FROM kept WHERE operation IS NOT NULL);
         DELETE FROM lease;
         COMMIT;"
    );
    database.execute_batch(&forget).unwrap();
}

fn length(ready: &Ready) -> usize {
    Journal::open(&ready.journal).unwrap().events().unwrap().len()
}

fn standing(ready: &Ready) -> MigrationStanding {
    let journal = Journal::open(&ready.journal).unwrap();
    assert_eq!(journal.audit().unwrap().broken_at, None);
    Standing::of(&journal.events_of(&ALICE.into()).unwrap()).unwrap().word()
}

/// A copy of what is ready whose journal has the first so many events only.
fn cut(ready: &Ready, kept: usize) -> Ready {
    let cut = ready.copied(None);
    truncate(&cut.journal, kept);
    assert_eq!(length(&cut), kept);
    cut
}

/// What each test compares with: an account with a plan, one whose alice has moved, and how both are.
struct Known {
    planned: Ready,
    moved: Ready,
    untouched: End,
    whole: End,
}

fn known() -> Known {
    let planned = Ready::new();
    let moved = planned.copied(None);
    moved.run(&run_alice()).ended(0);
    let (untouched, whole) = (end(&planned.served), end(&moved.served));
    Known { planned, moved, untouched, whole }
}

/// Which settings the flip overwrote may be lost with the log. That is said, and they are not guessed.
fn but_for_what_was_said(mut is: End, known: &Known, said: &str) -> End {
    if said.contains("led to the new Studio already") {
        for setting in ["StudioWebPortal", "DefaultLandingUri"] {
            let key = format!("/profiles/{ALICE}/settings/{setting}");
            assert_ne!(is.get(&key), known.untouched.get(&key), "nothing was lost: {said}");
            is.insert(key.clone(), known.untouched[&key].clone());
        }
    }
    is
}

#[test]
fn a_migration_whose_log_lost_its_end_at_any_length_ends_as_a_plain_one_and_can_be_taken_back() {
    let known = known();
    // Nobody opens a journal while others copy it.
    let all = length(&known.moved);
    let before = length(&known.planned);
    let lengths: Vec<_> = (before..all).collect();
    assert!(lengths.len() > 30, "{lengths:?}");
    each(&lengths, |&kept| {
        let when = format!("{kept} events of {all} left");
        let ready = cut(&known.moved, kept);
        // A journal that knows of nothing says that it has nothing to take back.
        if kept > before {
            let at_once = ready.copied(None);
            let back = at_once.run(&BACK).ended(0);
            let is = but_for_what_was_said(end(&at_once.served), &known, &back.err);
            assert_alike(&is, &known.untouched, &format!("{when}, and taken back at once"));
        }
        ready.run(&run_alice()).ended(0);
        assert_alike(&end(&ready.served), &known.whole, &when);
        assert_eq!(standing(&ready), MigrationStanding::Moved, "{when}");
        let back = ready.run(&BACK).ended(0);
        let is = but_for_what_was_said(end(&ready.served), &known, &back.err);
        assert_alike(&is, &known.untouched, &format!("{when}, and taken back"));
    });
}

#[test]
fn a_rollback_whose_log_lost_its_end_at_any_length_ends_as_a_plain_one() {
    let known = known();
    let back = known.moved.copied(None);
    back.run(&BACK).ended(0);
    let all = length(&back);
    let lengths: Vec<_> = (length(&known.planned)..=all).collect();
    each(&lengths, |&kept| {
        let when = format!("{kept} events of {all} left");
        let ready = cut(&back, kept);
        ready.run(&BACK).ended(0);
        assert_alike(&end(&ready.served), &known.untouched, &when);
        let standing = standing(&ready);
        let is_back = [MigrationStanding::RolledBack, MigrationStanding::Waiting];
        assert!(is_back.contains(&standing), "{when}: {standing:?}");
    });
}

#[test]
fn a_migration_that_was_killed_and_whose_log_lost_its_last_events_too_ends_as_a_plain_one() {
    let known = known();
    let before = length(&known.planned);
    let points = 2 * (length(&known.moved) - before);
    let cases: Vec<_> = (1..points as u64)
        .flat_map(|point| {
            budget::of(vec![1, 2, 3, 5, 8, 13], vec![1, 4])
                .into_iter()
                .map(move |lost| (point, lost))
        })
        .filter(|(point, lost)| budget::is_full() || (point + lost) % 5 == 0)
        .collect();
    each(&cases, |&(point, lost)| {
        let ready = known.planned.copied(None);
        if !dies_at(point, &ready.served, &ready.journal, &run_alice()) {
            return;
        }
        let kept = length(&ready).saturating_sub(lost as usize).max(before);
        truncate(&ready.journal, kept);
        let when = format!("died at point {point}, {kept} events left");
        if budget::is_full() || lost % 2 == 0 {
            let back = ready.copied(None);
            let said = back.run(&BACK).ended(0).err;
            // A journal that knows of nothing says that it has nothing to take back.
            if kept > before {
                let is = but_for_what_was_said(end(&back.served), &known, &said);
                assert_alike(&is, &known.untouched, &format!("{when}, and taken back: {said}"));
            }
        }
        ready.run(&run_alice()).ended(0);
        assert_alike(&end(&ready.served), &known.whole, &when);
        assert_eq!(standing(&ready), MigrationStanding::Moved, "{when}");
    });
}
