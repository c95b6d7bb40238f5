//! Everything that can go wrong, in combinations that a seed chooses: the promises hold after each, and a run in which nothing
//! goes wrong any more finishes everyone.
//!
//! `STUDIO_MIGRATE_REHEARSALS=5000` tries as many seeds; the first of them is `STUDIO_MIGRATE_SEED`, 1 when nobody says.

use std::sync::atomic::{AtomicU64, Ordering};

use studio_migrate::cli::rehearsal::{Rehearsal, rehearse};
use studio_migrate::journal::exported_line;
use studio_migrate::sim::state::{Effect, Fault};

use super::copy::{playbook, script};
use super::promises::{broken, mend, unfinished};

/// Seeds that are tried when nobody says how many.
const SEEDS: u64 = 150;

/// People who move in each.
const PEOPLE: usize = 2;

/// Runs without any fault after which everyone must have moved: a stop rule may stop one, and what was left running by a fault
/// another.
const RUNS: usize = 3;

/// The calls that a run makes, and patterns that fit many of them.
const CALLS: [&str; 21] = [
    "sagemaker:AddTags",
    "sagemaker:CreateApp",
    "sagemaker:CreateSpace",
    "sagemaker:CreateStudioLifecycleConfig",
    "sagemaker:DeleteApp",
    "sagemaker:DeleteStudioLifecycleConfig",
    "sagemaker:DescribeApp",
    "sagemaker:DescribeDomain",
    "sagemaker:DescribeSpace",
    "sagemaker:DescribeStudioLifecycleConfig",
    "sagemaker:DescribeUserProfile",
    "sagemaker:ListApps",
    "sagemaker:ListTags",
    "sagemaker:UpdateSpace",
    "sagemaker:UpdateUserProfile",
    "sagemaker:*",
    "sagemaker:Update*",
    "s3:GetObject",
    "s3:HeadObject",
    "s3:DeleteObject",
    "s3:*",
];

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

/// One to five faults.
fn faults(seed: u64) -> Vec<Fault> {
    let mut chance = fastrand::Rng::with_seed(seed);
    let count = chance.usize(1..=5);
    let mut fault = || Fault {
        operation: CALLS[chance.usize(..CALLS.len())].to_owned(),
        from: chance.u64(1..=25),
        // Attempts that are made anew count as well: a few are got over, and many are not.
        times: chance.u64(1..=12),
        effect: match chance.u8(0..6) {
            0 => Effect::Denied,
            1 => Effect::Throttled,
            2 => Effect::ServerError,
            3 => Effect::ReplyLost,
            4 => Effect::Stuck,
            _ => Effect::Slow(f64::from(chance.u16(1..900))),
        },
    };
    (0..count).map(|_| fault()).collect()
}

/// Runs with faults, then without, and says what does not hold.
fn tried(rehearsal: &Rehearsal) -> Vec<String> {
    let _ = rehearsal.run();
    let mut wrong = broken(rehearsal, PEOPLE);
    mend(rehearsal);
    for _ in 0..RUNS {
        let outcome = rehearsal.run();
        wrong.extend(broken(rehearsal, PEOPLE));
        if outcome.is_well() {
            break;
        }
    }
    wrong.extend(unfinished(rehearsal, PEOPLE));
    wrong
}

#[test]
fn whatever_goes_wrong_the_promises_hold_and_the_next_run_finishes_everyone() {
    let playbook = playbook(PEOPLE);
    let (first, count) =
        (number("STUDIO_MIGRATE_SEED", 1), number("STUDIO_MIGRATE_REHEARSALS", SEEDS));
    let next = AtomicU64::new(first);
    let one_after_the_other = || {
        let mut wrong = Vec::new();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= first + count {
                return wrong;
            }
            let faults = faults(seed);
            let script = script(&playbook, seed, faults.clone());
            let found = rehearse(script, tried).unwrap();
            if !found.is_empty() {
                wrong.push(format!("seed {seed}: {found:#?} after {faults:#?}"));
            }
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let wrong: Vec<String> = std::thread::scope(|scope| {
        let all: Vec<_> = (0..threads).map(|_| scope.spawn(one_after_the_other)).collect();
        all.into_iter().flat_map(|one| one.join().unwrap()).collect()
    });
    assert!(wrong.is_empty(), "{} of {count}:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn a_seed_gives_the_same_events_byte_for_byte() {
    let log = |seed: u64, faults: u64| {
        let script = script(&playbook(3), seed, self::faults(faults));
        let written = |rehearsal: &Rehearsal| {
            let _ = rehearsal.run();
            let events = rehearsal.journal().events().unwrap();
            events.iter().map(exported_line).collect::<Vec<_>>().join("\n")
        };
        rehearse(script, written).unwrap()
    };
    for faults in [2, 3, 5, 8, 13] {
        let (once, twice) = (log(7, faults), log(7, faults));
        let differing = once.lines().zip(twice.lines()).find(|(one, other)| one != other);
        assert_eq!(differing, None, "faults {faults}");
        assert_eq!(once.len(), twice.len());
    }
    assert_ne!(log(7, 2), log(8, 2));
}
