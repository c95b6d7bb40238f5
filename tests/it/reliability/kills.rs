//! A rollback that is killed at any instant, and a migration that is killed at any instant and taken back.
//!
//! The process aborts before and after every event of the journal, so on either side of every call that changes something. What
//! else is written needs no point of its own: the lease, its beat and the row of an operation are single statements with
//! nothing between them and an event that could change the account, and a lease whose process is gone is free.

use studio_migrate::execute::{MigrationStanding, Standing};
use studio_migrate::journal::Journal;

use super::budget;
use crate::common::ends::{assert_alike, end};
use crate::common::points::{dies_at, every_point};
use crate::common::ready::{ALICE, Ready};
use crate::common::tool::run_alice;

/// Takes alice back.
const BACK: [&str; 4] = ["rollback", "--user", "alice", "--yes"];

/// Takes alice back with everything that is in her space.
const ALL_BACK: [&str; 5] = ["rollback", "--user", "alice", "--yes", "--delete-spaces"];

/// Where alice stands, by a journal whose chain is whole.
fn standing(ready: &Ready) -> MigrationStanding {
    let journal = Journal::open(&ready.journal).unwrap();
    assert_eq!(journal.audit().unwrap().broken_at, None);
    let events = journal.events_of(&ALICE.into()).unwrap();
    Standing::of(&events).unwrap().word()
}

#[test]
fn an_approval_is_in_force_once_it_is_in_the_log_and_not_before() {
    let ready = Ready::new();
    // Another plan, which nobody has approved yet.
    let file = ready.file("other.yaml");
    let playbook = std::fs::read_to_string(ready.file("journal.yaml")).unwrap();
    std::fs::write(&file, playbook.replacen("name: demo", "name: other", 1)).unwrap();
    ready.run(&["plan", "--playbook", file.to_str().unwrap()]).ended(0);
    let said = || ready.events().iter().filter(|event| event["kind"] == "approved").count();
    let is_in_force = || ready.plan().playbook.name == "other";
    let approve = ["plan", "approve", "--latest", "--note", "again"];
    assert!(dies_at(1, &ready.served, &ready.journal, &approve));
    assert!(said() == 1 && !is_in_force(), "dead before the event");
    assert!(dies_at(2, &ready.served, &ready.journal, &approve));
    assert!(said() == 2 && is_in_force(), "dead right after it");
}

#[test]
fn a_rollback_that_is_killed_at_any_instant_ends_as_an_uninterrupted_one_does() {
    let moved = Ready::new();
    moved.run(&run_alice()).ended(0);
    for words in [BACK.as_slice(), &ALL_BACK] {
        let whole = moved.copied(None);
        whole.run(words).ended(0);
        let whole = end(&whole.served);
        let points = every_point(|point| {
            let ready = moved.copied(None);
            if !dies_at(point, &ready.served, &ready.journal, words) {
                return false;
            }
            ready.run(words).ended(0);
            let when = format!("{words:?} died at point {point}");
            assert_alike(&end(&ready.served), &whole, &when);
            assert_eq!(standing(&ready), MigrationStanding::RolledBack, "{when}");
            true
        });
        // Seven undos with two events each, and the calls between them.
        assert!(points > 30, "{words:?} has {points} points only");
    }
}

#[test]
fn a_migration_that_is_killed_at_any_instant_can_be_taken_back_by_a_rollback_that_is_killed_too() {
    let before = Ready::new();
    let untouched = end(&before.served);
    // `crash.rs` goes on after every one of them; here a part of them is taken back, of every kind some.
    let step = budget::of(1, 3);
    let cases = every_point(|case| {
        let point = case * step;
        let ready = before.copied(None);
        if !dies_at(point, &ready.served, &ready.journal, &run_alice()) {
            return false;
        }
        // Another point of the rollback each time; those of a short one lie past its end.
        let back = 1 + point * 7 % 31;
        let has_died = dies_at(back, &ready.served, &ready.journal, &ALL_BACK);
        ready.run(&ALL_BACK).ended(0);
        let how = if has_died { format!(", as the rollback did at {back}") } else { String::new() };
        let when = format!("the run died at point {point}{how}");
        assert_alike(&end(&ready.served), &untouched, &when);
        let standing = standing(&ready);
        let is_back = [MigrationStanding::RolledBack, MigrationStanding::Waiting];
        assert!(is_back.contains(&standing), "{when}: {standing:?}");
        true
    });
    assert!(cases * step > 60, "only {cases} points");
}
