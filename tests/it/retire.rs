//! What still needs the Classic file systems is said, and what `retire --apply` changes can be put back.

use serde_json::Value;

use crate::common::ONE_PERSON;
use crate::common::points::{dies_at, every_point};
use crate::common::ready::Ready;

pub const LINES: [&str; 4] = [
    "  infrequent_access_days: 30",
    "retire.throughput: elastic",
    "  turn_auto_mount_off: true",
    "  after_days: 0",
];

fn system(ready: &Ready) -> Value {
    let systems = ready.served.state()["file_systems"].clone();
    systems.as_object().unwrap().values().next().unwrap().clone()
}

#[test]
fn what_still_needs_the_file_system_is_named_and_nothing_is_changed() {
    let ready = Ready::with(ONE_PERSON, None, &["  exclude: [bob]"]);
    let before = ready.served.state()["file_systems"].clone();
    let said = ready.run(&["retire", "--format", "json"]).ended(0).out;
    let said: Value = serde_json::from_str(&said).unwrap();
    let why = said["file_systems"][0]["why"].as_array().unwrap().clone();
    let has = |text: &str| why.iter().any(|line| line.as_str().unwrap().contains(text));
    assert!(why[0].as_str().unwrap().contains("cannot be deleted while it lives"), "{why:?}");
    assert!(has("1 person of the plan is not moved: alice"), "{why:?}");
    assert!(has("1 is left out of the plan: bob ("), "{why:?}");
    ready.run_alice(&[]).ended(0);
    let said = ready.run(&["retire"]).ended(0).out;
    assert!(!said.contains("alice"), "{said}");
    assert_eq!(ready.served.state()["file_systems"], before);
}

#[test]
fn whoever_was_confirmed_is_unmounted_and_all_is_put_back_as_far_as_aws_lets_it() {
    let ready = Ready::with(ONE_PERSON, None, &LINES);
    ready.run_alice(&[]).ended(0);
    let before = system(&ready);
    // What would be changed is said first, in words.
    let said = ready.run(&["retire"]).ended(0).out;
    for would in [
        "files go to Infrequent Access after 30 days",
        "throughput becomes elastic",
        "the Classic homes of 1 person are mounted no more",
    ] {
        assert!(said.contains(would), "{would}: {said}");
    }
    assert_eq!(system(&ready), before);
    let said = ready.run(&["retire", "--apply"]).ended(0).out;
    assert!(said.contains("1 person keeps their Classic home mounted"), "{said}");
    let after = system(&ready);
    assert_eq!(after["throughput_mode"], "elastic");
    assert_eq!(after["lifecycle"][0]["TransitionToIA"], "AFTER_30_DAYS");
    assert_eq!(ready.settings("alice")["AutoMountHomeEFS"], "Disabled");
    assert_ne!(ready.settings("bob")["AutoMountHomeEFS"], "Disabled");
    let said = ready.run(&["retire"]).ended(0).out;
    assert!(said.contains("files move: to Infrequent Access after 30 days"), "{said}");
    // A second time there is nothing to do, and the first value stays the noted one.
    ready.run(&["retire", "--apply"]).ended(0);
    let ran = ready.run(&["retire", "--undo"]).ended(4);
    assert!(ran.err.contains("less than 24 hours ago"), "{}", ran.err);
    assert!(ran.err.contains("failed to put back what was set before"), "{}", ran.err);
    assert!(ran.err.contains("give the same command again once they have passed"), "{}", ran.err);
    assert_eq!(system(&ready)["lifecycle"], before["lifecycle"]);
    assert_eq!(ready.settings("alice")["AutoMountHomeEFS"], "DefaultAsDomain");
    // A day later the rest goes, too.
    let ready = ready.edited(|world| {
        for system in world["file_systems"].as_object_mut().unwrap().values_mut() {
            system["throughput_changed_at"] = 0.0.into();
        }
    });
    ready.run(&["retire", "--undo"]).ended(0);
    assert_eq!(system(&ready)["throughput_mode"], "bursting");
    let said = ready.run(&["retire", "--undo"]).ended(0).out;
    assert!(said.contains("nothing to put back"), "{said}");
}

#[test]
fn whoever_has_moved_stays_in_a_plan_of_after_it_and_the_domain_can_be_cut_over() {
    let ready = Ready::with(ONE_PERSON, None, &[&LINES[..], &["  exclude: [bob]"]].concat());
    ready.run_alice(&[]).ended(0);
    ready.run(&["retire", "--apply"]).ended(0);
    assert_eq!(ready.settings("alice")["AutoMountHomeEFS"], "Disabled");
    ready.run(&["inventory"]).ended(0);
    let playbook = ready.journal.with_extension("yaml");
    let of = ["--playbook", playbook.to_str().unwrap()];
    let said = ready.run(&[&["readiness"], &of[..]].concat()).out;
    assert!(!said.contains("SM203"), "{said}");
    ready.run(&[&["plan"], &of[..]].concat()).ended(0);
    ready.run(&["plan", "approve", "--latest"]).ended(0);
    assert!(ready.plan().migrations().any(|(_, one)| one.profile.as_str() == "alice"));
    assert_eq!(ready.run(&["plan", "diff", "--drift"]).ended(0).out, "");
    ready.run(&["cutover", "--despite", "bob"]).ended(0);
    // Who is taken back is no longer moved: then it is in the way.
    ready.run(&["rollback", "--user", "alice", "--to", "flip", "--yes"]).ended(0);
    let said = ready.run(&[&["readiness"], &of[..]].concat()).ended(3).out;
    assert!(said.contains("SM203"), "{said}");
    // And nothing is begun that cannot end.
    ready.run(&["rollback", "--user", "alice", "--yes"]).ended(0);
    let before = ready.served.state()["studio"].clone();
    let ran = ready.run_alice(&[]);
    assert!(ran.err.contains("auto-mount of the Classic home was turned off"), "{}", ran.err);
    assert_eq!(ready.served.state()["studio"], before);
}

#[test]
fn what_somebody_else_set_since_is_left_and_named() {
    let ready = Ready::with(ONE_PERSON, None, &LINES);
    ready.run(&["retire", "--apply"]).ended(0);
    let ready = ready.edited(|world| {
        for system in world["file_systems"].as_object_mut().unwrap().values_mut() {
            system["lifecycle"][0]["TransitionToIA"] = "AFTER_7_DAYS".into();
            system["throughput_changed_at"] = 0.0.into();
        }
    });
    let said = ready.run(&["retire", "--undo"]).ended(0).out;
    assert!(said.contains("left as it is") && said.contains("after 7 days"), "{said}");
    assert_eq!(system(&ready)["lifecycle"][0]["TransitionToIA"], "AFTER_7_DAYS");
    assert_eq!(system(&ready)["throughput_mode"], "bursting");
}

/// As if the throughput had been changed days ago.
fn days_later(ready: Ready) -> Ready {
    ready.edited(|world| {
        for system in world["file_systems"].as_object_mut().unwrap().values_mut() {
            system["throughput_changed_at"] = 0.0.into();
        }
    })
}

#[test]
fn killed_at_any_instant_what_retires_and_its_undo_are_finished_by_the_next() {
    let (apply, undo) = (["retire", "--apply"], ["retire", "--undo"]);
    let before = Ready::with(ONE_PERSON, None, &LINES);
    before.run_alice(&[]).ended(0);
    let was = system(&before);
    let assert_back = |ready: &Ready, point: u64| {
        let is = system(ready);
        assert_eq!(is["throughput_mode"], "bursting", "after a crash at {point}");
        assert_eq!(is["lifecycle"], was["lifecycle"], "after a crash at {point}");
        let mount = ready.settings("alice")["AutoMountHomeEFS"].clone();
        assert_ne!(mount, "Disabled", "after a crash at {point}");
    };
    let points = every_point(|point| {
        let ready = before.copied(None);
        if !dies_at(point, &ready.served, &ready.journal, &apply) {
            return false;
        }
        ready.run(&apply).ended(0);
        assert_eq!(system(&ready)["throughput_mode"], "elastic", "after a crash at {point}");
        assert_eq!(ready.settings("alice")["AutoMountHomeEFS"], "Disabled");
        let ready = days_later(ready);
        let undone = ready.run(&undo).ended(0);
        assert!(!undone.out.contains("somebody else"), "at {point}: {}", undone.out);
        assert_back(&ready, point);
        true
    });
    assert!(points >= 9, "only {points} points");
    before.run(&apply).ended(0);
    let before = days_later(before);
    let points = every_point(|point| {
        let ready = before.copied(None);
        if !dies_at(point, &ready.served, &ready.journal, &undo) {
            return false;
        }
        let undone = ready.run(&undo).ended(0);
        assert!(!undone.out.contains("somebody else"), "at {point}: {}", undone.out);
        assert_back(&ready, point);
        let again = ready.run(&undo).ended(0);
        assert!(again.out.contains("nothing to put back"), "at {point}: {}", again.out);
        true
    });
    assert!(points >= 9, "only {points} points");
}

/// A second domain, of which nobody moves.
const TWO: &str = "  - name: other\n    profiles:\n      - { name: bert, home: tidy }\n      - { name: carla, home: empty }\n";

/// What is said of each file system, by its domains.
fn needs(ready: &Ready, more: &[&str]) -> Vec<(String, Vec<String>)> {
    let said = ready.run(&[&["retire", "--format", "json"], more].concat()).ended(0).out;
    let said: Value = serde_json::from_str(&said).unwrap();
    let all = said["file_systems"].as_array().unwrap().iter();
    all.map(|one| {
        let why = one["why"].as_array().unwrap().iter();
        let why = why.map(|line| line.as_str().unwrap().to_owned()).collect();
        (one["domain"].as_str().unwrap().to_owned(), why)
    })
    .collect()
}

/// A world of two domains, of which the plan moves people of the first alone, and the ids of both.
fn two() -> (Ready, String, String) {
    let lines = [LINES.as_slice(), &["  exclude: [bert, carla]"]].concat();
    let ready = Ready::with(&format!("{ONE_PERSON}{TWO}"), None, &lines);
    let state = ready.served.state();
    let of = |name: &str| {
        let mut domains = state["studio"]["domains"].as_object().unwrap().iter();
        domains.find(|(_, domain)| domain["name"] == name).unwrap().0.clone()
    };
    let (first, second) = (of("research"), of("other"));
    (ready, first, second)
}

#[test]
fn a_file_system_of_a_domain_in_which_nobody_moves_is_listed_and_left_alone() {
    let (ready, first, second) = two();
    let told = needs(&ready, &[]);
    let domains: Vec<_> = told.iter().map(|(domain, _)| domain.as_str()).collect();
    assert!(domains.contains(&first.as_str()) && domains.contains(&second.as_str()), "{domains:?}");
    let (_, why) = needs(&ready, &["--domain", &second]).remove(0);
    assert!(why.iter().any(|line| line.contains("bert (")), "{why:?}");
    let said = ready.run(&["retire"]).ended(0).out;
    assert!(said.contains("nobody of the plan is in it, so nothing of it is changed"), "{said}");
    let others = |ready: &Ready| {
        let systems = ready.served.state()["file_systems"].clone();
        systems.as_object().unwrap().values().filter(|one| one["lifecycle"][0].is_null()).count()
    };
    assert_eq!(others(&ready), 2);
    ready.run(&["retire", "--apply"]).ended(0);
    assert_eq!(others(&ready), 1);
    assert!(ready.run(&["retire", "--domain", "d-nowhere"]).ended(2).err.contains("neither plan"));
}

#[test]
fn of_a_file_system_that_two_domains_share_both_are_told() {
    let (ready, first, second) = two();
    let ready = ready.edited(|world| {
        let domains = &mut world["studio"]["domains"];
        domains[second.as_str()]["file_system"] = domains[first.as_str()]["file_system"].clone();
    });
    ready.run(&["inventory"]).ended(0);
    for more in [&[][..], &["--domain", &first]] {
        let told = needs(&ready, more);
        let (domain, why) = told.iter().find(|(domain, _)| domain.contains(", ")).unwrap();
        assert!(domain.contains(&first) && domain.contains(&second), "{domain}");
        let has = |text: String| why.iter().any(|line| line.starts_with(&text));
        assert!(has(format!("{first}: 2 people of the plan are not moved: ")), "{why:?}");
        assert!(has(format!("{second}: 2 are left out of the plan: bert (")), "{why:?}");
    }
}
