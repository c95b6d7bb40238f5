//! Clocks that jump, and disagree: who may work is told right or the wrong way, but two never write.

use std::time::Duration;

use rusqlite::Connection;
use studio_migrate::journal::Journal;

use crate::common::ends::{assert_alike, end};
use crate::common::inside::each;
use crate::common::ready::Ready;
use crate::common::tool::{command_on, run_alice};

/// Makes the lease somebody's on another host, whose last beat was when their clock said so.
fn held_elsewhere(ready: &Ready, beat: &str) {
    let database = Connection::open(&ready.journal).unwrap();
    let held = "INSERT OR REPLACE INTO lease (one, token, holder, host, pid, since, heartbeat_at)
                VALUES (1, 7, 'bob', 'elsewhere', 1, ?1, ?1)";
    database.execute(held, [beat]).unwrap();
}

#[test]
fn a_beat_from_the_future_is_a_sign_of_life_and_one_from_long_ago_is_none() {
    let ready = Ready::new();
    let ahead = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(3);
    held_elsewhere(&ready, &ahead.to_string());
    let refused = ready.run(&run_alice()).ended(6);
    assert!(refused.err.contains("bob") && refused.err.contains("elsewhere"), "{}", refused.err);
    let behind = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(3);
    held_elsewhere(&ready, &behind.to_string());
    ready.run(&run_alice()).ended(0);
}

#[test]
fn an_operator_whose_clock_runs_ahead_takes_over_from_one_at_work_and_the_two_do_what_one_does() {
    let before = Ready::new();
    let whole = before.copied(None);
    whole.run(&run_alice()).ended(0);
    let whole = end(&whole.served);
    each(&[0, 100, 300, 600, 1000], |&moment| {
        let ready = before.copied(None);
        let mut first = command_on(&ready.served, &ready.journal, &run_alice()).spawn().unwrap();
        // Once it is at work, so long.
        crate::common::tool::until("the first holds the lease", || {
            Journal::open(&ready.journal).unwrap().lease_holder().unwrap().is_some()
        });
        std::thread::sleep(Duration::from_millis(moment));
        let database = Connection::open(&ready.journal).unwrap();
        database.busy_timeout(Duration::from_secs(10)).unwrap();
        database.execute("UPDATE lease SET heartbeat_at = '2020-01-01T00:00:00Z'", []).unwrap();
        let second = ready.run(&run_alice());
        let first = first.wait().unwrap().code();
        // The first was done before it was taken over from, or is told that it was.
        assert!(first == Some(0) || first == Some(6), "{moment} ms: {first:?}");
        // What the first had under way may be in the way of the second, once.
        if second.code != Some(0) {
            second.ended(4);
            ready.run(&run_alice()).ended(0);
        }
        assert_alike(&end(&ready.served), &whole, &format!("taken over from after {moment} ms"));
        assert_eq!(Journal::open(&ready.journal).unwrap().audit().unwrap().broken_at, None);
        assert_in_turn(&ready);
    });
}

/// Insists that nobody wrote of a migration any more once another had begun to.
fn assert_in_turn(ready: &Ready) {
    let operations: Vec<_> =
        ready.events().iter().filter_map(|event| event["operation"].as_i64()).collect();
    assert!(operations.is_sorted(), "{operations:?}");
}
