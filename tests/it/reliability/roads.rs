//! Homes that no space mounts, packed and by DataSync, and shared spaces: killed at a point or met by a fault they end as plain
//! ones do, and nothing stays open in DataSync's bucket.

use super::budget;
use super::faults::faults_in_the_way_of;
use crate::common::ends::{assert_alike, end};
use crate::common::points::{dies_at, every_point};
use crate::common::ready::Ready;
use crate::common::tool::light_mover;
use crate::{datasync_route, packed_route};

/// Little patience for what hangs.
const IMPATIENT: [&str; 2] = ["  settle_minutes: 0.1", "  stall_minutes: 0.15"];

fn packed() -> Ready {
    let lines = [packed_route::ROUTES.as_slice(), &IMPATIENT].concat();
    Ready::with(&packed_route::world(), None, &lines)
}

fn by_datasync() -> Ready {
    datasync_route::with(&datasync_route::world(datasync_route::SAGEMAKER_ONLY), &IMPATIENT)
}

/// Moves one person or space over.
fn run(ready: &Ready, who: &str) -> Vec<String> {
    let mover = light_mover().to_str().unwrap();
    let mount = packed_route::mount(ready);
    let words = ["run", "--yes", "--user", who, "--mover", mover, "--mount", &mount];
    words.map(str::to_owned).to_vec()
}

/// Kills a run at every so many-th point, runs it again, and compares; returns how many points there are.
fn killed(before: &Ready, who: &str, step: u64) -> u64 {
    let whole = before.copied(None);
    let words = run(&whole, who);
    whole.run(&words.iter().map(String::as_str).collect::<Vec<_>>()).ended(0);
    let whole = end(&whole.served);
    let cases = every_point(|case| {
        let ready = before.copied(None);
        let words = run(&ready, who);
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        if !dies_at(case * step, &ready.served, &ready.journal, &words) {
            return false;
        }
        ready.run(&words).ended(0);
        assert_alike(&end(&ready.served), &whole, &format!("{who} died at point {}", case * step));
        assert_eq!(datasync_route::open(&ready), [""; 0], "{who}, {}", case * step);
        true
    });
    cases * step
}

#[test]
fn a_packed_home_arrives_though_its_run_is_killed() {
    assert!(killed(&packed(), "alice", budget::of(1, 9)) > 50);
}

#[test]
fn a_shared_space_arrives_though_its_run_is_killed() {
    assert!(killed(&packed(), "space.team", budget::of(1, 9)) > 50);
}

#[test]
fn a_home_by_datasync_arrives_though_its_run_is_killed() {
    assert!(killed(&by_datasync(), "alice", budget::of(1, 9)) > 60);
}

#[test]
fn a_packed_home_arrives_though_a_call_goes_wrong() {
    faults_in_the_way_of(&|ready| run(ready, "alice"), &packed(), budget::of(1, 8));
}

#[test]
fn a_shared_space_arrives_though_a_call_goes_wrong() {
    faults_in_the_way_of(&|ready| run(ready, "space.team"), &packed(), budget::of(1, 8));
}

#[test]
fn a_home_by_datasync_arrives_though_a_call_goes_wrong() {
    faults_in_the_way_of(&|ready| run(ready, "alice"), &by_datasync(), budget::of(1, 8));
}
