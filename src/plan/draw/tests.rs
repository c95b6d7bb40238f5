//! Who is in a plan, where, and why.

use super::*;
use crate::inventory::{FileSystem, Home, OrphanHome};
use crate::names::{AccountId, FileSystemId, HomeUid, MigrationId, ProfileName};
use crate::plan::testing::{G, domain, people, playbook, profile, snapshot, space};
use crate::readiness::{Severity, Subject};
use proptest::prelude::*;

fn drawn(snapshot: &Snapshot) -> Plan {
    draw(snapshot, &[], &playbook(), None).unwrap()
}

fn batches(plan: &Plan) -> Vec<(String, Vec<String>)> {
    plan.batches
        .iter()
        .map(|batch| {
            let who = batch.migrations.iter().map(|m| m.profile.to_string()).collect();
            (batch.name.to_string(), who)
        })
        .collect()
}

fn expected(list: &[(&str, &[&str])]) -> Vec<(String, Vec<String>)> {
    list.iter()
        .map(|(name, who)| ((*name).to_owned(), who.iter().map(|&who| who.to_owned()).collect()))
        .collect()
}

fn of<'a>(plan: &'a Plan, profile: &str) -> &'a Migration {
    plan.migration(&MigrationId::new(format!("d-sim1/{profile}"))).unwrap().1
}

fn why_out(plan: &Plan, who: &str) -> String {
    plan.left_out.iter().find(|left| left.who == who).unwrap().because.clone()
}

fn blocker(code: &str, subject: Subject) -> Finding {
    Finding {
        code: code.to_owned(),
        severity: Severity::Blocker,
        subject,
        title: String::new(),
        evidence: String::new(),
        remedy: String::new(),
    }
}

#[test]
fn smaller_homes_go_first_and_it_is_said_why() {
    let mut playbook = playbook();
    playbook.batches.pilot_users = 1;
    let snapshot = people(&[("dora", 40), ("alice", 3), ("carl", 9), ("bob", 1), ("eve", 20)]);
    let plan = draw(&snapshot, &[], &playbook, None).unwrap();
    let order: [(&str, &[&str]); 3] =
        [("pilot", &["bob"]), ("batch-1", &["alice", "carl"]), ("batch-2", &["eve", "dora"])];
    assert_eq!(batches(&plan), expected(&order));
    assert_eq!(
        of(&plan, "eve").because,
        "eve is in batch-2: third smallest home (20.0 GiB) after the pilot; its volume is 28 GiB for 20.0 GiB to copy \
         with 30% and 2 GiB of headroom"
    );
    assert!(of(&plan, "bob").because.starts_with("bob is in the pilot: smallest home (1.0 GiB);"));
}

#[test]
fn the_pilot_is_whom_the_playbook_names_whatever_their_size_and_case() {
    let mut playbook = playbook();
    playbook.batches.pilot_users = 1;
    playbook.batches.pilot = vec![ProfileName::from("DORA"), ProfileName::from("nobody")];
    let plan = draw(&people(&[("dora", 40), ("alice", 3)]), &[], &playbook, None).unwrap();
    let order: [(&str, &[&str]); 2] = [("pilot", &["dora"]), ("batch-1", &["alice"])];
    assert_eq!(batches(&plan), expected(&order));
    assert!(why_out(&plan, "nobody").contains("no such profile"));
}

#[test]
fn everything_that_will_be_made_has_a_name_in_the_plan() {
    let plan = drawn(&people(&[("alice", 1)]));
    let alice = of(&plan, "alice");
    assert_eq!(alice.space.as_str(), "alice-studio");
    assert_eq!(alice.reports, "studio-migrate/reports/d-sim1/alice");
    assert_eq!(alice.home_uid.as_str(), "200001");
    assert_eq!((alice.bytes, alice.files, alice.volume_gb), (Some(G), Some(3), 5));
    assert!(alice.hook.starts_with("studio-migrate-") && alice.hook.len() <= 63);
}

#[test]
fn a_name_that_is_taken_gets_a_number_and_it_is_said() {
    let mut snapshot = people(&[("alice", 1)]);
    snapshot.domains[0].spaces = vec![space("Alice-Studio", "bob")];
    let plan = drawn(&snapshot);
    let alice = of(&plan, "alice");
    assert_eq!(alice.space.as_str(), "alice-studio-2");
    assert!(alice.because.contains("the space is alice-studio-2, because alice-studio is taken"));
}

#[test]
fn nobody_is_left_out_in_silence() {
    let mut snapshot =
        people(&[("alice", 1), ("bob", 1), ("carl", 1), ("dora", 1), ("eve", 900), ("frank", 1)]);
    let mut playbook = playbook();
    playbook.scope.exclude = vec!["b*".to_owned()];
    let domain = &mut snapshot.domains[0];
    domain.profiles[2].home_uid = None;
    domain.profiles[3].effective.auto_mount = Some("Disabled".to_owned());
    domain.profiles[5].status = "Failed".to_owned();
    domain.spaces = vec![space("team", "alice")];
    domain.spaces[0].app_type = Some("JupyterServer".to_owned());
    snapshot.file_systems = vec![FileSystem {
        id: FileSystemId::from("fs-1"),
        orphan_homes: vec![OrphanHome {
            uid: HomeUid::from("9"),
            home: Home::default(),
            ..OrphanHome::default()
        }],
        ..FileSystem::default()
    }];
    let plan = draw(&snapshot, &[], &playbook, None).unwrap();
    assert_eq!(batches(&plan), expected(&[("batch-1", &["alice"])]));
    assert_eq!(plan.left_out.len(), 7);
    assert!(why_out(&plan, "bob").contains("`b*` of scope.exclude"));
    assert!(why_out(&plan, "carl").contains("no Classic home"));
    assert!(why_out(&plan, "dora").contains("routes.unmounted_homes: packed"));
    assert!(why_out(&plan, "eve").contains("1172 GiB"));
    assert!(why_out(&plan, "frank").contains("the profile is Failed"));
    assert!(why_out(&plan, "space.team").contains("routes.shared_spaces"));
    assert!(why_out(&plan, "home 9 on fs-1").contains("orphan"));
}

#[test]
fn a_blocker_stops_whom_it_is_about_and_everyone_inside() {
    let snapshot = people(&[("alice", 1), ("bob", 1)]);
    let about_alice = Subject::Profile { domain: "d-sim1".to_owned(), profile: "alice".to_owned() };
    let findings = [
        blocker("SM102", about_alice.clone()),
        blocker("SM101", about_alice.clone()),
        Finding { severity: Severity::Warning, ..blocker("SM103", about_alice) },
    ];
    let plan = draw(&snapshot, &findings, &playbook(), None).unwrap();
    assert_eq!(why_out(&plan, "alice"), "blocked by SM101, SM102");
    assert_eq!(batches(&plan), expected(&[("batch-1", &["bob"])]));
    for subject in [Subject::Domain { domain: "d-sim1".to_owned() }, Subject::Account] {
        let plan = draw(&snapshot, &[blocker("SM1", subject)], &playbook(), None).unwrap();
        assert!(plan.batches.is_empty());
        assert!(why_out(&plan, "bob").starts_with("blocked by SM1"));
    }
}

#[test]
fn a_home_that_was_not_measured_goes_last_with_ten_gib() {
    let mut snapshot = people(&[("alice", 0), ("bob", 50)]);
    snapshot.domains[0].profiles[0].home = None;
    let plan = drawn(&snapshot);
    assert_eq!(batches(&plan), expected(&[("batch-1", &["bob", "alice"])]));
    let alice = of(&plan, "alice");
    assert_eq!((alice.volume_gb, alice.bytes), (10, None));
    assert!(alice.because.contains("not measured"), "{}", alice.because);
}

#[test]
fn someone_on_the_new_studio_already_still_gets_their_files() {
    let mut snapshot = people(&[("alice", 1)]);
    snapshot.domains[0].profiles[0].own.landing = Some("studio::".to_owned());
    assert_eq!(drawn(&snapshot).migrations().count(), 1);
}

#[test]
fn people_of_a_parent_keep_their_place_and_their_space_and_newcomers_follow() {
    let parent = drawn(&people(&[("alice", 1), ("bob", 2), ("carl", 3)]));
    // carl's home is the smallest now, alice is gone, dora is new, and the pattern of names has changed.
    let mut playbook = playbook();
    playbook.target.space_name = "{profile}-new".to_owned();
    let mut later = people(&[("x", 1), ("bob", 2), ("carl", 0), ("dora", 0)]);
    later.domains[0].profiles.remove(0);
    later.domains[0].spaces = vec![space("bob-studio", "bob")];
    let plan = draw(&later, &[], &playbook, Some(&parent)).unwrap();
    assert_eq!(plan.parent.as_ref(), Some(&parent.id));
    let order: [(&str, &[&str]); 3] =
        [("batch-1", &["bob"]), ("batch-2", &["carl"]), ("batch-3", &["dora"])];
    assert_eq!(batches(&plan), expected(&order));
    assert_eq!(of(&plan, "bob").space.as_str(), "bob-studio");
    assert_eq!(of(&plan, "bob").hook, of(&parent, "bob").hook);
    assert_eq!(of(&plan, "dora").space.as_str(), "dora-new");
}

#[test]
fn a_space_that_somebody_else_took_meanwhile_is_not_kept() {
    let parent = drawn(&people(&[("alice", 1)]));
    let mut later = people(&[("alice", 1)]);
    later.domains[0].spaces = vec![space("alice-studio", "bob")];
    let plan = draw(&later, &[], &playbook(), Some(&parent)).unwrap();
    assert_eq!(of(&plan, "alice").space.as_str(), "alice-studio-2");
}

#[test]
fn a_plan_of_another_account_cannot_be_a_parent() {
    let snapshot = people(&[("alice", 1)]);
    let mut parent = drawn(&snapshot);
    parent.account = AccountId::from("111122223333");
    let error = draw(&snapshot, &[], &playbook(), Some(&parent)).unwrap_err();
    assert!(matches!(error, Error::ForeignParent { .. }), "{error}");
}

#[test]
fn a_plan_reads_back_the_same_and_not_when_it_was_changed() {
    let plan = drawn(&people(&[("alice", 1), ("bob", 2)]));
    let text = plan.to_json().unwrap();
    assert_eq!(Plan::from_json(&text).unwrap(), plan);
    let changed = text.replace("alice-studio", "alice-other");
    assert!(matches!(Plan::from_json(&changed), Err(Error::Altered { .. })));
    let newer = text.replacen("\"schema\": 1", "\"schema\": 2", 1);
    assert!(matches!(Plan::from_json(&newer), Err(Error::Schema(2))));
    assert!(matches!(Plan::from_json("[]"), Err(Error::Json(_))));
}

#[test]
fn a_snapshot_that_does_not_say_whose_it_is_gives_no_plan() {
    assert!(matches!(
        draw(&Snapshot::default(), &[], &playbook(), None),
        Err(Error::Incomplete("account"))
    ));
}

fn any_snapshot() -> impl Strategy<Value = Snapshot> {
    let homes = proptest::collection::btree_map(
        "[a-c](-?[a-z0-9]){0,3}",
        (proptest::option::of(0..80 * G), 0_usize..12),
        0..12,
    );
    proptest::collection::vec(homes, 1..3).prop_map(|domains| {
        let domains = domains.into_iter().enumerate().map(|(i, homes)| {
            let profiles = homes.into_iter().zip(1..).map(|((name, (bytes, kind)), uid)| {
                let mut profile = profile(&name, uid, bytes);
                match kind {
                    0 => profile.home_uid = None,
                    1 => profile.status = "Failed".to_owned(),
                    2 => profile.effective.auto_mount = Some("Disabled".to_owned()),
                    _ => {}
                }
                profile
            });
            domain(&format!("d-sim{i}"), profiles.collect())
        });
        snapshot(domains.collect())
    })
}

proptest! {
    #[test]
    fn the_same_input_gives_the_same_bytes_in_whatever_order_people_are_listed(
        mut snapshot in any_snapshot(), pilots in 0_usize..3, users in 1_usize..4,
    ) {
        snapshot.id = Some(SnapshotId::from("0123456789ab"));
        let mut playbook = playbook();
        playbook.batches.pilot_users = pilots;
        playbook.batches.users = users;
        let first = draw(&snapshot, &[], &playbook, None).unwrap().to_json().unwrap();
        let second = draw(&snapshot, &[], &playbook, None).unwrap().to_json().unwrap();
        prop_assert_eq!(&first, &second);
        snapshot.domains.reverse();
        snapshot.domains.iter_mut().for_each(|domain| domain.profiles.reverse());
        let reversed = draw(&snapshot, &[], &playbook, None).unwrap().to_json().unwrap();
        prop_assert_eq!(&first, &reversed);
    }

    #[test]
    fn everyone_is_in_one_batch_or_left_out_and_no_two_share_a_name(
        snapshot in any_snapshot(), later in any_snapshot(), users in 1_usize..4,
    ) {
        let mut playbook = playbook();
        playbook.batches.pilot_users = 1;
        playbook.batches.users = users;
        let parent = draw(&snapshot, &[], &playbook, None).unwrap();
        for (snapshot, parent) in [(&snapshot, None), (&later, Some(&parent))] {
            let plan = draw(snapshot, &[], &playbook, parent).unwrap();
            let everyone: usize = snapshot.domains.iter().map(|d| d.profiles.len()).sum();
            prop_assert_eq!(plan.migrations().count() + plan.left_out.len(), everyone);
            let spaces: BTreeSet<_> =
                plan.migrations().map(|(_, m)| (&m.domain, naming::folded(m.space.as_str()))).collect();
            let hooks: BTreeSet<_> = plan.migrations().map(|(_, m)| &m.hook).collect();
            prop_assert_eq!(spaces.len(), plan.migrations().count());
            prop_assert_eq!(hooks.len(), plan.migrations().count());
            for batch in &plan.batches {
                prop_assert!(batch.name.as_str() == "pilot" || batch.migrations.len() <= users);
                prop_assert!(!batch.migrations.is_empty());
            }
            prop_assert_eq!(Plan::from_json(&plan.to_json().unwrap()).unwrap(), plan);
        }
    }
}
