//! What belongs to others stays, what is overwritten can be put back, and what cannot be is said and asked first.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::{Value, json};
use studio_migrate::aws::{NewSpace, Owner};
use studio_migrate::names::{DomainId, ProfileName, TAG_MIGRATION};
use studio_migrate::playbook::SpaceApp;

use crate::common::ONE_PERSON;
use crate::common::client::Client;
use crate::common::ends::{assert_alike, end};
use crate::common::ready::{ALICE, Ready};
use crate::common::tool::{light_mover, prepare};

/// Apps that run, by key.
fn running(ready: &Ready) -> Vec<String> {
    let state = ready.served.state();
    let apps = state["studio"]["apps"].as_object().unwrap();
    let is_running = |app: &Value| {
        ["InService", "Pending"].contains(&app["standing"]["status"].as_str().unwrap())
    };
    apps.iter().filter(|(_, app)| is_running(app)).map(|(key, _)| key.clone()).collect()
}

const CLASSIC_APP: &str = "d-sim000000001/profile/alice/JupyterServer/default";

#[test]
fn a_space_of_the_planned_name_that_is_another_s_is_neither_adopted_nor_deleted() {
    let ready = Ready::new();
    let classic = ready.settings("alice");
    let space = NewSpace {
        domain: DomainId::new("d-sim000000001"),
        name: ready.migration("alice").space,
        owner: ProfileName::from("alice".to_owned()),
        is_shared: false,
        app: SpaceApp::JupyterLab,
        volume_gb: 17,
        idle_minutes: 120,
        instance_type: "ml.t3.medium".to_owned(),
        tags: BTreeMap::new(),
    };
    let administrator = Client::administrator(&ready.served);
    administrator.wait(administrator.account.create_space(&space)).unwrap();
    let before = end(&ready.served);
    let ran = ready.run_alice(&[]).ended(4);
    assert!(ran.err.contains("a space called alice-studio is already there"), "{}", ran.err);
    assert_alike(&end(&ready.served), &before, "after the run");
    ready.run(&["rollback", "--user", "alice", "--delete-spaces", "--yes"]).ended(0);
    ready.run(&["cleanup", "--reports"]).ended(0);
    assert_alike(&end(&ready.served), &before, "after rollback and cleanup");
    assert_eq!(ready.settings("alice"), classic);
}

#[test]
fn a_script_of_the_planned_name_that_is_another_s_is_neither_used_nor_deleted() {
    let ready = Ready::new();
    let hook = ready.migration("alice").hook;
    let administrator = Client::administrator(&ready.served);
    let text = "#!/bin/bash\necho mine\n";
    administrator
        .wait(administrator.account.create_script(
            &hook,
            SpaceApp::JupyterLab,
            text,
            &BTreeMap::new(),
        ))
        .unwrap();
    let before = end(&ready.served);
    let ran = ready.run_alice(&[]).ended(4);
    assert!(ran.err.contains("is already there"), "{}", ran.err);
    let script = administrator.wait(administrator.account.script(&hook)).unwrap();
    assert_eq!(script.text.as_deref(), Some(text));
    ready.run(&["rollback", "--user", "alice"]).ended(0);
    ready.run(&["cleanup", "--reports"]).ended(0);
    assert_alike(&end(&ready.served), &before, "after rollback and cleanup");
}

#[test]
fn only_the_classic_apps_of_who_moves_are_stopped_and_only_when_the_playbook_says_so() {
    // Bob runs Classic too, and alice has a space of her own with an app in it. Carl runs nothing, so that somebody moves in any case.
    let bob = "      - name: bob\n        home: empty\n";
    assert!(ONE_PERSON.contains(bob));
    let world = ONE_PERSON.replace(
        bob,
        &format!(
            "      - name: carl\n        home: empty\n{bob}        apps:\n          - app_type: JupyterServer\n            name: default\n    spaces:\n      - name: own\n        owner: alice\n        sharing: Private\n        app_type: JupyterLab\n        size_gb: 5\n        apps:\n          - app_type: JupyterLab\n            name: default\n            instance: ml.t3.medium\n"
        ),
    );
    let others = [
        "d-sim000000001/profile/bob/JupyterServer/default",
        "d-sim000000001/space/own/JupyterLab/default",
    ];
    for (policy, code, is_stopped) in [
        ("classic_apps: leave", 0, false),
        // Who still runs one is left out of the plan then.
        ("classic_apps: require-stopped", 2, false),
        ("classic_apps: stop", 0, true),
    ] {
        let ready = Ready::with(&world, None, &[policy]);
        let mut expected: Vec<_> = others.map(str::to_owned).to_vec();
        if !is_stopped {
            expected.insert(0, CLASSIC_APP.to_owned());
        }
        ready.run_alice(&[]).ended(code);
        assert_eq!(running(&ready), expected, "{policy}");
        ready.run(&["rollback", "--user", "alice", "--delete-spaces", "--yes"]).ended(code);
        assert_eq!(running(&ready), expected, "{policy}, after rollback");
    }
}

#[test]
fn nobody_is_confirmed_while_an_app_of_the_migration_runs_and_their_own_is_let_be() {
    let ready = Ready::with(ONE_PERSON, None, &["  settle_minutes: 0.1"]);
    ready.run_alice(&["--until", "flip"]).ended(0);
    ready.start_an_app(
        "alice-studio",
        &BTreeMap::from([(TAG_MIGRATION.to_owned(), ALICE.to_owned())]),
    );
    let ran = ready.run_alice(&[]).ended(4);
    assert!(ran.err.contains("the app that copied still runs in the space"), "{}", ran.err);

    let owner = Client::administrator(&ready.served);
    let (domain, space) = (DomainId::new("d-sim000000001"), Owner::Space("alice-studio".into()));
    owner.wait(owner.account.delete_app(&domain, &space, "JupyterLab", "default")).unwrap();
    // In this world an app takes a twentieth of a second to stop.
    std::thread::sleep(std::time::Duration::from_millis(300));
    ready.start_an_app_of_theirs("alice-studio");
    ready.run_alice(&[]).ended(0);
    assert!(running(&ready).iter().any(|key| key.contains("/space/alice-studio/")));
}

/// Alice has moved, was taken back, and works in the space that was kept; returns her work.
fn working_in_a_kept_space(ready: &Ready) -> PathBuf {
    ready.run_alice(&[]).ended(0);
    let back = ready.run(&["rollback", "--user", "alice"]).ended(0);
    assert!(back.err.contains(KEPT), "{}", back.err);
    let theirs = ready.served.dir.join("ebs/d-sim000000001/alice-studio/theirs");
    std::fs::write(&theirs, "her work").unwrap();
    theirs
}

const KEPT: &str = "space alice-studio is kept with its volume";

#[test]
fn a_space_that_one_rollback_kept_is_kept_by_the_next_however_far_a_run_in_between_came() {
    let ready = Ready::new();
    let theirs = working_in_a_kept_space(&ready);
    let denied = "- operation: sagemaker:ListTags\n  effect: denied\n  times: 1\n";
    let ready = ready.with_faults(Some(denied));
    let ran = ready.run_alice(&[]).ended(4);
    assert!(ran.err.contains("provision failed"), "{}", ran.err);
    let back = ready.run(&["rollback", "--user", "alice"]).ended(0);
    assert!(back.err.contains(KEPT) && theirs.exists(), "{}", back.err);
}

#[test]
fn a_space_that_is_older_than_the_journal_is_kept() {
    let ready = Ready::new();
    let theirs = working_in_a_kept_space(&ready);
    let ready = ready.edited(|state| {
        let standing = &mut state["studio"]["spaces"]["d-sim000000001/alice-studio"]["standing"];
        standing["created_at"] = (standing["created_at"].as_f64().unwrap() - 120.0).into();
    });
    let other = ready.file("other.db");
    prepare(&ready.served, &other);
    let ready = ready.with_journal(&other);
    ready.run_alice(&["--until", "provision"]).ended(0);
    let back = ready.run(&["rollback", "--user", "alice"]).ended(0);
    assert!(back.err.contains(KEPT) && theirs.exists(), "{}", back.err);
}

#[test]
fn the_space_of_somebody_whom_the_portal_let_in_is_kept_although_it_was_closed_since() {
    let own = "          StudioWebPortal: DISABLED\n";
    assert!(ONE_PERSON.contains(own));
    let world = ONE_PERSON.replace(own, "          StudioWebPortal: ENABLED\n");
    let ready = Ready::with(&world, None, &[]);
    ready.run_alice(&["--until", "hydrate"]).ended(0);
    let ready = ready.edited(|state| {
        let alice = &mut state["studio"]["profiles"]["d-sim000000001/alice"];
        alice["settings"]["StudioWebPortal"] = json!("DISABLED");
    });
    let back = ready.run(&["rollback", "--user", "alice"]).ended(0);
    assert!(back.err.contains(KEPT), "{}", back.err);
}

#[test]
fn a_rollback_puts_back_every_setting_that_was_overwritten() {
    let ready = Ready::new();
    let before = ready.settings("alice");
    let script = &before["JupyterLabAppSettings"]["BuiltInLifecycleConfigArn"];
    assert!(script.as_str().unwrap().ends_with("/tidy-shell"));
    ready.run_alice(&[]).ended(0);
    let moved = ready.settings("alice");
    assert_eq!(
        (&moved["StudioWebPortal"], &moved["DefaultLandingUri"]),
        (&json!("ENABLED"), &json!("studio::"))
    );
    assert_eq!(moved["JupyterLabAppSettings"], before["JupyterLabAppSettings"]);
    let ran = ready.run(&["rollback", "--user", "alice"]).ended(0);
    assert_eq!(ready.settings("alice"), before, "{}", ran.err);
    let remarks = ready.report()["remarks"].to_string();
    assert!(remarks.contains("can never be started again"), "{remarks}");
    assert!(remarks.contains("space alice-studio is kept"), "{remarks}");
}

#[test]
fn a_landing_page_that_was_not_set_becomes_the_domain_s_and_the_rollback_says_so() {
    let ready = Ready::new();
    assert_eq!(ready.settings("bob"), json!({}));
    let mover = light_mover().to_str().unwrap();
    ready.run(&["run", "--yes", "--user", "bob", "--mover", mover]).ended(0);
    assert_eq!(ready.settings("bob")["DefaultLandingUri"], "studio::");
    ready.run(&["rollback", "--user", "bob"]).ended(0);
    let after = ready.settings("bob");
    assert_eq!(
        (&after["StudioWebPortal"], &after["DefaultLandingUri"]),
        (&json!("DISABLED"), &json!("app:JupyterServer:"))
    );
    let report = ready.run(&["report", "--format", "json"]).ended(0).out;
    assert!(report.contains("profile bob had no landing page of its own"), "{report}");
}

/// Everything that a command may change: the account's file, and what the journal says of calls.
fn everything(ready: &Ready) -> (Value, usize) {
    let calls = ready.events().iter().filter(|event| event["kind"] == "call").count();
    (ready.served.state(), calls)
}

#[test]
fn classic_apps_are_not_stopped_before_someone_said_yes() {
    let ready = Ready::new();
    let before = everything(&ready);
    let mover = light_mover().to_str().unwrap();
    let run = ["run", "--user", "alice", "--mover", mover];
    let ran = ready.run(&run).ended(7);
    assert!(ran.err.contains("AWS does not let them be started again, ever"), "{}", ran.err);
    assert!(ran.err.contains("--yes"), "{}", ran.err);
    let whose = "d-sim000000001/alice: JupyterServer/default will be stopped for good";
    assert!(ran.err.contains(whose), "{}", ran.err);
    let dry = ready.run(&[run.as_slice(), &["--dry-run"]].concat()).ended(0);
    assert!(dry.out.contains(whose), "{}", dry.out);
    assert_eq!(everything(&ready), before);
    assert_eq!(running(&ready), [CLASSIC_APP]);
    ready.run(&[run.as_slice(), &["--yes", "--until", "quiesce"]].concat()).ended(0);
    assert!(running(&ready).is_empty());
}

#[test]
fn whoever_has_no_classic_app_to_lose_any_more_is_not_asked_about_again() {
    let fails = "- operation: sagemaker:CreateSpace\n  times: 1\n  effect: denied\n";
    let ready = Ready::with(ONE_PERSON, Some(fails), &[]);
    ready.run_alice(&[]).ended(4);
    assert!(running(&ready).is_empty());
    let mover = light_mover().to_str().unwrap();
    // Nobody says yes, and nobody has to.
    let retry = ["retry", "--failed", "--mover", mover];
    ready.run(&retry).ended(0);
    let dry = ready.run(&["run", "--dry-run"]).ended(0);
    assert!(!dry.out.contains("alice"), "{}", dry.out);
    assert!(dry.out.contains("none of them had a Classic app"), "{}", dry.out);
}

#[test]
fn trying_again_and_deleting_used_spaces_ask_as_well() {
    let denied = "- operation: sagemaker:DeleteApp\n  effect: denied\n";
    let ready = Ready::with(ONE_PERSON, Some(denied), &[]);
    ready.run_alice(&[]).ended(4);
    let before = everything(&ready);
    let ran = ready.run(&["retry", "--failed"]).ended(7);
    assert!(ran.err.contains("AWS does not let them be started again, ever"), "{}", ran.err);
    assert_eq!(everything(&ready), before);
    ready.run_alice(&[]).ended(0);
    let before = everything(&ready);
    let ran = ready.run(&["rollback", "--user", "alice", "--delete-spaces"]).ended(7);
    assert!(ran.err.contains("deleted with everything that was done in them"), "{}", ran.err);
    assert_eq!(everything(&ready), before);
}
