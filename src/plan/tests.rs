//! What batches promise: bounds, lists, groups, order in time, on worlds that chance makes.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::testing::{G, people, playbook, space};
use super::{Plan, Route, draw};
use crate::inventory::Snapshot;
use crate::playbook::{BatchList, Calendar, Gate, Order, Playbook, StagedRoute};
use crate::readiness::{Finding, Severity, Subject, lanes, minutes, minutes_together};

fn batches(plan: &Plan) -> Vec<(String, Vec<&str>)> {
    plan.batches
        .iter()
        .map(|batch| {
            let who = batch.migrations.iter().map(|one| one.profile.as_str()).collect();
            (batch.name.to_string(), who)
        })
        .collect()
}

fn drawn(snapshot: &Snapshot, playbook: &Playbook) -> Plan {
    draw(snapshot, &[], playbook, None).unwrap()
}

fn named(list: &[(&str, &[&'static str])]) -> Vec<(String, Vec<&'static str>)> {
    list.iter().map(|(name, who)| ((*name).to_owned(), who.to_vec())).collect()
}

#[test]
fn trials_go_first_then_lists_then_everyone_else_and_big_homes_last() {
    let mut playbook = playbook();
    playbook.batches.users = 2;
    playbook.batches.pilot_users = 1;
    playbook.batches.canary_users = 1;
    playbook.batches.big_home_gb = 50;
    playbook.target.volume.maximum_gb = 500;
    playbook.batches.lists = vec![BatchList {
        name: "finance".into(),
        people: vec!["FRED".to_owned(), "d-sim1/gil".to_owned(), "hal".to_owned()],
    }];
    let mut snapshot = people(&[
        ("ada", 1),
        ("ben", 2),
        ("cat", 3),
        ("dan", 4),
        ("eva", 5),
        ("fred", 60),
        ("gil", 7),
        ("hal", 8),
        ("ida", 70),
    ]);
    for profile in &mut snapshot.domains[0].profiles {
        profile.effective.maximum_volume_gb = Some(500);
    }
    let plan = drawn(&snapshot, &playbook);
    assert_eq!(
        batches(&plan),
        named(&[
            ("pilot", &["ada"]),
            ("canary", &["ben"]),
            ("finance", &["gil", "hal"]),
            ("finance-2", &["fred"]),
            ("batch-1", &["cat", "dan"]),
            ("batch-2", &["eva"]),
            ("batch-3", &["ida"]),
        ])
    );
    let why = |who: &str| {
        plan.migrations().find(|(_, one)| one.profile.as_str() == who).unwrap().1.because.clone()
    };
    assert!(why("ben").starts_with("ben is in the canary"), "{}", why("ben"));
    assert!(why("gil").contains("the playbook lists them in finance"), "{}", why("gil"));
    assert!(why("ida").contains("homes of 50 GiB and more apart"), "{}", why("ida"));
    // A new plan moves nobody about.
    let again = draw(&snapshot, &[], &playbook, Some(&plan)).unwrap();
    assert_eq!(batches(&again), batches(&plan));
}

#[test]
fn what_must_not_be_mixed_is_not_and_what_goes_together_does() {
    let mut playbook = playbook();
    playbook.batches.users = 3;
    playbook.batches.never_mix = vec!["wave".to_owned(), "tag:team".to_owned()];
    playbook.batches.together = vec![vec!["ada".to_owned(), "eva".to_owned()]];
    let mut snapshot = people(&[("ada", 1), ("ben", 2), ("cat", 3), ("dan", 4), ("eva", 5)]);
    for profile in &mut snapshot.domains[0].profiles {
        let is_second = ["ben", "dan"].contains(&profile.name.as_str());
        profile.note.wave = Some(if is_second { "2" } else { "1" }.to_owned());
    }
    snapshot.domains[0].profiles[1].tags.insert("team".to_owned(), "fraud".to_owned());
    let plan = drawn(&snapshot, &playbook);
    let expected: [(&str, &[&str]); 3] =
        [("batch-1", &["ada", "cat", "eva"]), ("batch-2", &["dan"]), ("batch-3", &["ben"])];
    assert_eq!(batches(&plan), named(&expected));
    let (_, ada) = plan.migrations().next().unwrap();
    assert!(ada.because.contains(", wave 1, tag:team none"), "{}", ada.because);
    assert!(ada.because.contains("kept together with group 1"), "{}", ada.because);
}

#[test]
fn whoever_has_warnings_goes_after_those_who_have_none() {
    let mut playbook = playbook();
    playbook.batches.users = 1;
    playbook.batches.order = Order::FewestWarningsFirst;
    let warning = Finding {
        code: "SM205".to_owned(),
        severity: Severity::Warning,
        subject: Subject::profile(&"d-sim1".into(), &"ada".into()),
        title: String::new(),
        evidence: String::new(),
        remedy: String::new(),
    };
    let plan = draw(&people(&[("ada", 1), ("ben", 2)]), &[warning], &playbook, None).unwrap();
    assert_eq!(batches(&plan), named(&[("batch-1", &["ben"]), ("batch-2", &["ada"])]));
}

#[test]
fn every_batch_has_a_time_in_a_window_after_the_one_before_and_the_pilot_is_given_time_to_show() {
    let mut playbook = playbook();
    playbook.batches.users = 2;
    playbook.batches.pilot_users = 1;
    playbook.calendar = serde_saphyr::from_str::<Calendar>(
        "time_zone: Europe/Berlin\nstart: 2026-12-01\nsoak_hours: 100\nwindows: [{ days: [sat], from: '20:00', to: '04:00' }]\n\
         freezes: [{ from: 2026-12-12, to: 2026-12-13, reason: audit }]\n",
    )
    .unwrap();
    playbook.gates =
        vec![Gate { name: "look".to_owned(), before: "batch-1".into(), what: String::new() }];
    let plan = drawn(&people(&[("ada", 1), ("ben", 2), ("cat", 3), ("dan", 4)]), &playbook);
    let slots: Vec<_> = plan.batches.iter().map(|batch| batch.slot.clone().unwrap()).collect();
    assert_eq!(slots[0].from.to_string(), "2026-12-05T19:00:00Z");
    assert!(slots[0].because.starts_with("Sat 2026-12-05 20:00 CET"), "{}", slots[0].because);
    // The next Saturday is frozen.
    assert_eq!(slots[1].from.to_string(), "2026-12-19T19:00:00Z");
    assert!(slots[2].from >= slots[1].to);
    assert_eq!(
        (plan.batches[0].gates.len(), plan.batches[1].gates.as_slice()),
        (0, ["look".to_owned()].as_slice())
    );
}

#[test]
fn an_empty_home_is_no_pilot_while_there_are_others() {
    let mut playbook = playbook();
    playbook.batches.pilot_users = 1;
    let mut snapshot = people(&[("ada", 0), ("ben", 1), ("cat", 2)]);
    for profile in &mut snapshot.domains[0].profiles {
        let home = profile.home.as_mut().unwrap();
        home.files = u64::from(home.bytes > 0);
    }
    let plan = drawn(&snapshot, &playbook);
    assert_eq!(batches(&plan)[0], ("pilot".to_owned(), vec!["ben"]));
    assert_eq!(batches(&plan)[1], ("batch-1".to_owned(), vec!["ada", "cat"]));
}

#[test]
fn homes_that_fill_a_batch_in_part_are_packed_nearly_as_well_as_can_be() {
    let mut playbook = playbook();
    playbook.batches.users = 1_000;
    playbook.batches.gb = 100;
    let names: Vec<String> = (0..600).map(|number| format!("p{number:03}")).collect();
    let homes: Vec<(&str, u64)> = names
        .iter()
        .zip(0..)
        .map(|(name, number)| (name.as_str(), 5 + (number * 37) % 41))
        .collect();
    let plan = drawn(&people(&homes), &playbook);
    let (made, least) = plan.packing.unwrap();
    assert!(made * 10 <= least * 11, "{made} batches where {least} is the least");
    for batch in &plan.batches {
        let bytes: u64 = batch.migrations.iter().filter_map(|one| one.bytes).sum();
        assert!(bytes <= 100 * G, "{}", batch.name);
    }
}

/// A world and a playbook with bounds, as chance will have them.
fn any_plan() -> impl Strategy<Value = (Snapshot, Playbook)> {
    let homes = proptest::collection::btree_map("[a-f][a-z]{0,3}", 0..60_u64, 1..40);
    let bounds = (1..9_usize, 0..3_usize, 0..3_usize, 0..80_usize, 0..4_usize, 0..50_usize);
    (homes, bounds, 1..6_usize, any::<bool>()).prop_map(|(homes, bounds, lanes, is_mixed)| {
        let listed: Vec<(&str, u64)> =
            homes.iter().map(|(name, gb)| (name.as_str(), *gb)).collect();
        let mut snapshot = people(&listed);
        snapshot.id = Some("0123456789ab".into());
        for (profile, number) in snapshot.domains[0].profiles.iter_mut().zip(0..) {
            profile.note.wave = Some(format!("{}", number % 3));
            if number % 7 == 3 {
                profile.home = None;
            }
        }
        let mut playbook = playbook();
        let (users, pilot, canary, gb, hours, big) = bounds;
        playbook.batches.users = users;
        playbook.batches.pilot_users = pilot;
        playbook.batches.canary_users = canary;
        playbook.batches.gb = gb;
        playbook.batches.hours = f64::from(u32::try_from(hours).unwrap());
        playbook.batches.big_home_gb = big;
        playbook.limits.users = lanes;
        if !is_mixed {
            playbook.batches.never_mix = vec!["wave".to_owned()];
        }
        let names: Vec<_> = homes.keys().cloned().collect();
        if let [first, second, third, ..] = names.as_slice() {
            playbook.batches.together = vec![vec![first.clone(), third.clone()]];
            playbook.batches.lists =
                vec![BatchList { name: "chosen".into(), people: vec![second.clone()] }];
        }
        (snapshot, playbook)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn no_bound_is_broken_nobody_is_lost_and_the_same_input_gives_the_same_bytes((snapshot, playbook) in any_plan()) {
        let plan = drawn(&snapshot, &playbook);
        prop_assert_eq!(plan.to_json().unwrap(), drawn(&snapshot, &playbook).to_json().unwrap());
        prop_assert_eq!(&Plan::from_json(&plan.to_json().unwrap()).unwrap(), &plan);
        let everyone = snapshot.domains[0].profiles.len();
        let names: BTreeSet<_> = plan.migrations().map(|(_, one)| one.profile.clone()).collect();
        prop_assert_eq!(names.len(), plan.migrations().count());
        prop_assert_eq!(names.len() + plan.left_out.len(), everyone);
        let at_once = lanes(&snapshot, &playbook);
        let together: BTreeSet<&String> = playbook.batches.together.iter().flatten().collect();
        for batch in &plan.batches {
            let name = batch.name.as_str();
            if name == "pilot" || name == "canary" {
                continue;
            }
            let times: Vec<_> =
                batch.migrations.iter().map(|one| minutes(one.bytes.zip(one.files))).collect();
            let high = minutes_together(&times, at_once).high;
            let bytes: u64 = batch.migrations.iter().map(|one| one.bytes.unwrap_or(5 * G)).sum();
            // One person, or people who go together, may be more than a batch may hold: then they are alone.
            let is_one = batch.migrations.len() == 1
                || batch.migrations.iter().all(|one| together.contains(&one.profile.to_string()));
            if !is_one {
                prop_assert!(batch.migrations.len() <= playbook.batches.users);
                prop_assert!(playbook.batches.gb == 0 || bytes <= playbook.batches.gb as u64 * G);
                prop_assert!(playbook.batches.hours == 0.0 || high <= playbook.batches.hours * 60.0 + 1e-6);
            }
            if !playbook.batches.never_mix.is_empty() && name != "chosen" {
                let waves: BTreeSet<_> = batch
                    .migrations
                    .iter()
                    .filter_map(|one| {
                        let mut profiles = snapshot.domains[0].profiles.iter();
                        profiles.find(|profile| profile.name == one.profile)?.note.wave.clone()
                    })
                    .collect();
                let of_group = batch.migrations.iter().any(|one| together.contains(&one.profile.to_string()));
                prop_assert!(waves.len() == 1 || of_group, "{name}: {waves:?}");
            }
        }
        let (made, least) = plan.packing.unwrap();
        prop_assert!(made >= least, "{made} made, {least} at least");
    }
}

#[test]
fn shared_spaces_go_last_and_each_that_stays_says_why() {
    let mut snapshot = people(&[("alice", 1), ("bob", 2), ("carl", 3)]);
    let domain = &mut snapshot.domains[0];
    domain.setup.space_role = Some("arn:aws:iam::000000000000:role/spaces".to_owned());
    let classic = |name: &str, owner: &str, uid: &str| {
        let mut classic = space(name, owner);
        classic.app_type = Some("JupyterServer".to_owned());
        classic.sharing = Some("Shared".to_owned());
        classic.home_uid = Some(uid.into());
        classic
    };
    let mut nobodys = classic("archive", "", "200012");
    nobodys.owner = None;
    domain.spaces =
        vec![classic("team", "bob", "200010"), classic("gone", "zoe", "200011"), nobodys];
    let mut playbook = playbook();
    let why = |plan: &Plan, who: &str| {
        plan.left_out.iter().find(|left| left.who == who).map(|left| left.because.clone())
    };
    let left = draw(&snapshot, &[], &playbook, None).unwrap();
    assert!(why(&left, "space.team").unwrap().contains("routes.shared_spaces"));
    playbook.routes.shared_spaces = StagedRoute::Packed;
    let plan = draw(&snapshot, &[], &playbook, None).unwrap();
    let last = plan.batches.last().unwrap();
    assert_eq!(last.name.as_str(), "shared-1");
    let team = &last.migrations[0];
    assert_eq!((team.id.as_str(), team.space.as_str()), ("d-sim1/space.team", "team-studio"));
    assert_eq!((team.profile.as_str(), team.route), ("bob", Route::Packed));
    assert!(why(&plan, "space.gone").unwrap().contains("zoe, who is to own it, is no profile"));
    assert!(why(&plan, "space.archive").unwrap().contains("shared_space_owner names none"));
    playbook.routes.shared_space_owner = Some("alice".into());
    let plan = draw(&snapshot, &[], &playbook, Some(&plan)).unwrap();
    let names: Vec<_> = plan.batches.last().unwrap().migrations.iter().map(|m| m.name()).collect();
    assert_eq!(
        names.iter().map(|name| name.as_str()).collect::<Vec<_>>(),
        ["space.archive", "space.team"]
    );
}
