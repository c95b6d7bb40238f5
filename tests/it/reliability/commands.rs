//! What changes the account outside of a migration: killed at a point or met by a fault, and given again, it ends as if nothing
//! had happened.

use std::collections::BTreeMap;

use serde_json::Value;

use super::budget;
use super::faults::{Words, faults_and_their_ends, owned, run};
use crate::common::ONE_PERSON;
use crate::common::account::Served;
use crate::common::ends::{End, assert_alike, end, flatten};
use crate::common::points::{dies_at, every_point};
use crate::common::ready::Ready;
use crate::{carry, flows, notebooks, orphans, retire, teams};

/// How a world ended, with its file systems and what lies in the buckets that people name.
fn whole(served: &Served) -> End {
    let (mut end, mut counts) = (end(served), BTreeMap::<String, u64>::new());
    flatten("/file_systems", &served.state()["file_systems"], &mut end);
    for bucket in std::fs::read_dir(served.dir.join("s3")).unwrap() {
        let bucket = bucket.unwrap();
        let name = bucket.file_name().into_string().unwrap();
        // The bucket in which people work holds reports, one for each try.
        if name.starts_with("sagemaker-") {
            continue;
        }
        for known in std::fs::read_dir(bucket.path().join("objects")).into_iter().flatten() {
            let path = known.unwrap().path();
            if path.extension().is_some_and(|ending| ending == "json") {
                let known: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
                let key = nameless(known["key"].as_str().unwrap());
                *counts.entry(format!("s3/{name}/{key}")).or_default() += 1;
            }
        }
    }
    end.extend(counts.into_iter().map(|(key, count)| (key, count.to_string())));
    // The folder that a delivery makes is as old as that; what is in it is as old as it was.
    for (_, line) in end.iter_mut().filter(|(path, _)| path.ends_with("/orphan-299001")) {
        *line = line.split(' ').take(2).collect::<Vec<_>>().join(" ");
    }
    end
}

/// A key without the hashes of what lies under it: what is packed holds times of its own world.
fn nameless(key: &str) -> String {
    let is_hash = |part: &str| part.len() == 64 && part.bytes().all(|it| it.is_ascii_hexdigit());
    key.split('/')
        .map(|part| match part.split_once('.') {
            Some((name, ending)) if is_hash(name) => format!("….{ending}"),
            _ => part.to_owned(),
        })
        .collect::<Vec<_>>()
        .join("/")
}

/// Gives a command on a copy of a world, killed at every so many-th point first; there are at least so many points.
fn killed(before: &Ready, words: Words<'_>, least: u64) {
    let plain = before.copied(None);
    run(&plain, words).ended(0);
    let plain = whole(&plain.served);
    let step = budget::of(1, 5);
    let cases = every_point(|case| {
        let ready = before.copied(None);
        let given = words(&ready);
        let given: Vec<_> = given.iter().map(String::as_str).collect();
        if !dies_at(case * step, &ready.served, &ready.journal, &given) {
            return false;
        }
        run(&ready, words).ended(0);
        let when = format!("{given:?} died at point {}", case * step);
        assert_alike(&whole(&ready.served), &plain, &when);
        true
    });
    assert!(cases * step >= least, "only {} points", cases * step);
}

fn disturbed(before: &Ready, words: Words<'_>) {
    faults_and_their_ends(words, before, budget::of(1, 5), whole);
}

/// Both, of a command and of what takes it back.
fn both_ways(before: Ready, there: Words<'_>, later: impl FnOnce(Ready) -> Ready, back: Words<'_>) {
    killed(&before, there, 4);
    disturbed(&before, there);
    run(&before, there).ended(0);
    let before = later(before);
    killed(&before, back, 4);
    disturbed(&before, back);
}

#[test]
fn a_cut_over_and_its_undo_end_well_whatever_happens() {
    let lines =
        ["  exclude: [bob]", "experience.idle_shutdown_minutes: 120", "  settle_minutes: 0.1"];
    let ready = Ready::with(ONE_PERSON, None, &lines);
    ready.run_alice(&[]).ended(0);
    let (there, back) = (["cutover", "--despite", "bob"], ["cutover", "--undo"]);
    both_ways(ready, &|_| owned(&there), |ready| ready, &|_| owned(&back));
}

#[test]
fn what_is_retired_and_put_back_ends_well_whatever_happens() {
    let lines = [retire::LINES.as_slice(), &["  settle_minutes: 0.1"]].concat();
    let ready = Ready::with(ONE_PERSON, None, &lines);
    ready.run_alice(&[]).ended(0);
    let a_day_later = |ready: Ready| {
        ready.edited(|world| {
            for system in world["file_systems"].as_object_mut().unwrap().values_mut() {
                system["throughput_changed_at"] = 0.0.into();
            }
        })
    };
    let (there, back) = (["retire", "--apply"], ["retire", "--undo"]);
    both_ways(ready, &|_| owned(&there), a_day_later, &|_| owned(&back));
}

#[test]
fn what_is_carried_and_taken_out_again_ends_well_whatever_call_goes_wrong() {
    let ready = carry::moved();
    disturbed(&ready, &|_| owned(&carry::APPLY));
    ready.run(&carry::APPLY).ended(0);
    disturbed(&ready, &|_| owned(&carry::UNDO));
}

#[test]
fn profiles_for_the_people_of_a_team_are_made_and_taken_away_though_it_is_killed() {
    let words = |ready: &Ready, does: &str| {
        let table = ready.file("team.csv");
        owned(&["team", "people", table.to_str().unwrap(), does])
    };
    let ready = teams::lab::ready();
    killed(&ready, &|one| words(one, "--apply"), 4);
    run(&ready, &|one| words(one, "--apply")).ended(0);
    killed(&ready, &|one| words(one, "--undo"), 4);
}

#[test]
fn shared_notebooks_are_copied_whatever_happens() {
    let ready = notebooks::ready("s3://keep/classic");
    killed(&ready, &|_| owned(&["notebooks"]), 24);
    disturbed(&ready, &|_| owned(&["notebooks"]));
}

#[test]
fn flows_are_copied_whatever_happens() {
    let words = |ready: &Ready| {
        owned(&["flows", "--apply", "--mount", ready.served.dir.join("efs").to_str().unwrap()])
    };
    let ready = flows::ready("s3://keep/flows");
    killed(&ready, &words, 16);
    disturbed(&ready, &words);
}

#[test]
fn orphans_are_delivered_whatever_happens() {
    let words = |ready: &Ready| {
        let mount = ready.served.dir.join("efs");
        orphans::assign::words(&orphans::assign::for_alice(ready), mount.to_str().unwrap())
    };
    let ready = orphans::assign::moved();
    killed(&ready, &words, 40);
    // A delivery makes hundreds of calls.
    faults_and_their_ends(&words, &ready, budget::of(1, 20), whole);
}

#[test]
fn orphans_are_archived_whatever_happens() {
    let words = |ready: &Ready| {
        let mount = ready.served.dir.join("efs");
        owned(&["orphans", "archive", "--apply", "--mount", mount.to_str().unwrap()])
    };
    let ready = orphans::ready();
    killed(&ready, &words, 16);
    disturbed(&ready, &words);
}
