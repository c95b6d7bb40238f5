//! `team people`: profiles by a table, found again by name and tag.

use serde_json::json;
use studio_migrate::names::{DomainId, ProfileName, TAG_TEAM};

use super::lab::{DOMAIN, TABLE, WORLD, on, profile, ready, team, write};
use crate::common::client::Client;
use crate::common::points::{dies_at, every_point};
use crate::common::ready::{Ready, only_looks};

fn tags(ready: &Ready, name: &str) -> std::collections::BTreeMap<String, String> {
    let client = Client::administrator(&ready.served);
    let (domain, name) = (DomainId::new(DOMAIN), ProfileName::from(name));
    let seen = client.wait(client.account.profile(&domain, &name)).unwrap();
    client.wait(client.account.tags(&seen.arn)).unwrap()
}

/// Who has a profile, as AWS lists them.
fn everyone(ready: &Ready) -> Vec<String> {
    let client = Client::administrator(&ready.served);
    let names = client.wait(client.account.profile_names(&DomainId::new(DOMAIN))).unwrap();
    let mut names: Vec<_> = names.into_iter().map(|name| name.to_string()).collect();
    names.sort_unstable();
    names
}

#[test]
fn everyone_in_the_table_gets_a_profile_of_their_own_and_only_once() {
    let ready = ready();
    let said = team(&ready, &["people"]).ended(0);
    assert!(said.out.contains("ana: a profile would be made"), "{}", said.out);
    assert!(profile(&ready, "ana").is_null());
    team(&ready, &["people", "--apply"]).ended(0);
    let settings = json!({ "StudioWebPortal": "ENABLED", "DefaultLandingUri": "studio::" });
    for name in ["ana", "ben", "cleo"] {
        assert_eq!(profile(&ready, name)["settings"], settings, "{name}");
    }
    let tags = tags(&ready, "ana");
    assert_eq!((tags["cost"].as_str(), tags["group"].as_str()), ("42", "vision"));
    assert_eq!(tags[TAG_TEAM], format!("{DOMAIN}/lab"));
    let log = ready.file("again.jsonl");
    let again = team(&ready, &["people", "--apply", "--wire-log", log.to_str().unwrap()]).ended(0);
    assert!(again.out.contains("ana: the profile is there"), "{}", again.out);
    let exchanges = Ready::exchanges(&log);
    assert!(!exchanges.is_empty() && exchanges.iter().all(only_looks), "{exchanges:?}");
}

#[test]
fn a_profile_that_somebody_has_already_is_theirs_only_if_the_table_says_so() {
    let ready = ready();
    let row = |existing: &str| {
        format!(
            "domain,team_profile,profile,existing\n{DOMAIN},lab,bob,{existing}\n{DOMAIN},lab,dora,\n"
        )
    };
    write(&ready, &row(""));
    let refused = team(&ready, &["people", "--apply"]).ended(4);
    assert!(
        refused.err.contains("line 2") && refused.err.contains("`existing`"),
        "{}",
        refused.err
    );
    for words in [&["people"][..], &["people", "--apply"]] {
        let refused = team(&ready, words).ended(4);
        assert!(refused.err.contains("line 2: a profile called"), "{}", refused.err);
        assert!(!refused.err.contains("line 2: line 2"), "{}", refused.err);
    }
    // The others are made all the same.
    assert!(!profile(&ready, "dora").is_null());
    write(&ready, &row("yes"));
    team(&ready, &["people", "--apply"]).ended(0);
    assert!(!tags(&ready, "bob").contains_key(TAG_TEAM));
    let undone = team(&ready, &["people", "--undo"]).ended(0);
    assert!(undone.out.contains("bob: stays: the table says that they had it before"));
    assert!(!profile(&ready, "bob").is_null());
    write(&ready, &format!("domain,team_profile,profile,existing\n{DOMAIN},lab,nora,yes\n"));
    let missing = team(&ready, &["people", "--apply"]).ended(4);
    assert!(missing.err.contains("nora is said to be there, and is not"), "{}", missing.err);
}

#[test]
fn people_of_identity_center_get_the_profile_of_their_user_and_no_second_one() {
    let world = WORLD
        .replace("    members:\n", "    members:\n      AuthMode: SSO\n")
        .replace("      - name: lab\n", "      - name: lab\n        sso: team-lab\n")
        .replace("      - name: bob\n", "      - name: bob\n        sso: bob@example.org\n");
    let ready = on(&world, "  shared_spaces: packed");
    let rows = |rows: &str| {
        write(&ready, &format!("domain,team_profile,profile,sso_user\n{rows}"));
    };
    rows(&format!("{DOMAIN},lab,ana,ana@example.org\n{DOMAIN},lab,bob,bob@example.org\n"));
    let said = team(&ready, &["people", "--apply"]).ended(0);
    assert_eq!(profile(&ready, "ana")["sso"], "ana@example.org");
    assert!(said.out.contains("bob: has a profile already"), "{}", said.out);
    rows(&format!("{DOMAIN},lab,bob,another@example.org\n"));
    let another = team(&ready, &["people", "--apply"]).ended(4);
    assert!(another.err.contains("it is bob@example.org's"), "{}", another.err);
    // What AWS refuses is said in its words.
    rows(&format!("{DOMAIN},lab,robert,bob@example.org\n"));
    let taken = team(&ready, &["people", "--apply"]).ended(4);
    assert!(taken.err.contains("already associated"), "{}", taken.err);
    rows(&format!("{DOMAIN},lab,dora,\n"));
    let unsaid = team(&ready, &["people", "--apply"]).ended(2);
    assert!(unsaid.err.contains("line 2") && unsaid.err.contains("sso_user"), "{}", unsaid.err);
}

#[test]
fn a_team_whose_domain_has_no_role_for_shared_spaces_is_told_of_it_everywhere_with_the_way_out() {
    let (before, after) = WORLD.split_once("      DefaultSpaceSettings:\n").unwrap();
    let world = format!("{before}{}", after.split_once('\n').unwrap().1);
    let ready = on(&world, "  shared_spaces: packed");
    for words in [&["check"][..], &["people"], &["people", "--apply"]] {
        let ran = team(&ready, words).ended(0);
        assert!(ran.err.contains("SM708: d-sim000000001 has no"), "{words:?}: {}", ran.err);
        let says = ["as the inventory of ", "`studio-migrate inventory` sees one"];
        assert!(says.iter().all(|says| ran.err.contains(says)), "{words:?}: {}", ran.err);
    }
    let table = ready.file("team.csv");
    ready.run(&["inventory", "--teams", table.to_str().unwrap()]).ended(0);
    let playbook = ready.journal.with_extension("yaml");
    let playbook = ["--playbook", playbook.to_str().unwrap()];
    let findings = ready.run(&[&["readiness", "--format", "json"], &playbook[..]].concat()).out;
    let findings: serde_json::Value = serde_json::from_str(&findings).unwrap();
    let findings = findings["findings"].as_array().unwrap();
    let is_it = |one: &&serde_json::Value| one["code"] == "SM708";
    let found: Vec<_> = findings.iter().filter(is_it).map(ToString::to_string).collect();
    assert!(found.len() == 1 && found[0].contains("lab"), "{found:?}");
    ready.run(&[&["plan"], &playbook[..]].concat()).ended(0);
    let left = ready.run(&["plan", "explain", "lab"]).ended(0);
    assert!(
        left.out.contains("SM708: the domain has no") && left.out.contains("update-domain"),
        "{}",
        left.out
    );
    let explained = ready.run(&["explain", "SM708"]).ended(0);
    assert!(explained.out.contains("--default-space-settings ExecutionRole="));
}

#[test]
fn a_draft_names_who_opened_a_profile_and_can_be_filled_in() {
    let visits = "        visits:\n          - { caller: 'arn:aws:iam::000000000000:user/Ana.Lima', days_ago: 2 }\n          - { caller: 'arn:aws:iam::000000000000:user/bob', days_ago: 3 }\n";
    let world = WORLD.replace("      - name: lab\n", &format!("      - name: lab\n{visits}"));
    let ready = on(&world, "  shared_spaces: packed");
    std::fs::remove_file(ready.file("team.csv")).unwrap();
    let said = team(&ready, &["draft"]).ended(0);
    assert!(said.err.contains("team.csv: 2 people seen in 1 profile."), "{}", said.err);
    let file = ready.file("team.csv");
    let draft = std::fs::read_to_string(&file).unwrap();
    // What somebody filled in is not written over.
    let filled_in = draft.replace("ana-lima", "ana");
    std::fs::write(&file, &filled_in).unwrap();
    team(&ready, &["draft"]).ended(2);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), filled_in);
    std::fs::write(&file, &draft).unwrap();
    let row = |who: &str| draft.lines().find(|line| line.contains(who)).unwrap().to_owned();
    assert!(row("user/Ana.Lima").starts_with(&format!("{DOMAIN},lab,ana-lima,,,")), "{draft}");
    // Bob has a profile of his own already.
    assert!(row("user/bob").starts_with(&format!("{DOMAIN},lab,bob,yes,,")), "{draft}");
    let checked = team(&ready, &["check"]).ended(0);
    assert!(checked.out.contains("lab: ana-lima, bob; ana-lima owns"), "{}", checked.out);
    team(&ready, &["people", "--apply"]).ended(0);
    assert!(!profile(&ready, "ana-lima").is_null());
}

#[test]
fn the_policy_of_whoever_makes_profiles_is_printed_where_it_is_asked_for() {
    let policy = |words: &[&str]| crate::common::tool::command(words).output().unwrap().stdout;
    let asked = String::from_utf8(policy(&["iam", "operator", "--teams"])).unwrap();
    assert!(asked.contains("sagemaker:CreateUserProfile") && asked.contains("iam:PassRole"));
    let others = String::from_utf8(policy(&["iam", "operator"])).unwrap();
    assert!(!others.contains("sagemaker:CreateUserProfile"));
}

#[test]
fn a_table_with_a_mistake_changes_nothing_and_names_every_line() {
    let ready = ready();
    write(&ready, &format!("{TABLE}{DOMAIN},lab,dora,,ana/model.ipynb\n{DOMAIN},lab,lab,,\n"));
    for words in [&["people", "--apply"][..], &["check"]] {
        let refused = team(&ready, words).ended(2);
        assert!(
            refused.err.contains("lines 2 and 5: `ana/` of ana and `ana/model.ipynb` of dora"),
            "{}",
            refused.err
        );
        assert!(refused.err.contains("line 6: lab is the team's profile"), "{}", refused.err);
    }
    assert!(profile(&ready, "ana").is_null());
}

#[test]
fn killed_at_any_instant_everyone_has_one_profile_after_the_next_try() {
    let before = ready();
    let table = |ready: &Ready| ready.file("team.csv").to_str().unwrap().to_owned();
    let points = every_point(|point| {
        let ready = before.copied(None);
        let table = table(&ready);
        let words = ["team", "people", &table, "--apply"];
        if !dies_at(point, &ready.served, &ready.journal, &words) {
            return false;
        }
        team(&ready, &["people", "--apply"]).ended(0);
        let state = ready.served.state();
        let profiles = state["studio"]["profiles"].as_object().unwrap();
        assert_eq!(profiles.len(), 5, "after a crash at point {point}");
        // Every profile that is ever made gets an access point.
        let systems = state["file_systems"].as_object().unwrap();
        let points = systems.values().map(|one| one["access_points"].as_array().unwrap().len());
        assert_eq!(points.sum::<usize>(), 5, "after a crash at point {point}");
        true
    });
    assert!(points >= 12, "only {points} points");
}

#[test]
fn profiles_that_nobody_used_are_taken_away_again_and_others_are_kept_by_name() {
    let ready = ready();
    team(&ready, &["people", "--apply"]).ended(0);
    let client = Client::administrator(&ready.served);
    let space = studio_migrate::aws::NewSpace {
        domain: DomainId::new(DOMAIN),
        name: "mine".into(),
        owner: ProfileName::from("ana"),
        is_shared: false,
        app: studio_migrate::playbook::SpaceApp::JupyterLab,
        volume_gb: 5,
        idle_minutes: 60,
        instance_type: "ml.t3.medium".to_owned(),
        tags: std::collections::BTreeMap::new(),
    };
    client.wait(client.account.create_space(&space)).unwrap();
    let undone = team(&ready, &["people", "--undo"]).ended(4);
    assert!(undone.err.contains("ana is kept: it owns a space"), "{}", undone.err);
    assert_eq!(everyone(&ready), ["ana", "bob", "lab"]);
    let again = team(&ready, &["people", "--undo"]).ended(4);
    assert!(again.out.contains("ben: there is no such profile"), "{}", again.out);
}

#[test]
fn what_a_table_does_not_take_for_its_own_is_not_deleted_and_every_row_says_what_became_of_it() {
    let ready = ready();
    team(&ready, &["people", "--apply"]).ended(0);
    // Somebody finds out that Ana had hers before, and that Ben is of another team.
    let table = format!(
        "domain,team_profile,profile,existing\n{DOMAIN},lab,ana,yes\n{DOMAIN},bob,ben,\n\
         {DOMAIN},lab,cleo,\n{DOMAIN},lab,dora,\n"
    );
    write(&ready, &table);
    let undone = team(&ready, &["people", "--undo"]).ended(4);
    for said in [
        "ana: stays: the table says that they had it before",
        "cleo: the profile is deleted",
        "dora: there is no such profile",
    ] {
        assert!(undone.out.contains(said), "{said} in {}", undone.out);
    }
    assert!(
        undone.err.contains(&format!("ben is kept: it was made for somebody of {DOMAIN}/lab")),
        "{}",
        undone.err
    );
    assert_eq!(everyone(&ready), ["ana", "ben", "bob", "lab"]);
    let refused = team(&ready, &["people", "--apply"]).ended(4);
    assert!(
        refused.err.contains("line 3: a profile called d-sim000000001/ben is there"),
        "{}",
        refused.err
    );
}

#[test]
fn killed_at_any_instant_the_undo_is_finished_by_the_next() {
    let before = ready();
    team(&before, &["people", "--apply"]).ended(0);
    let points = every_point(|point| {
        let ready = before.copied(None);
        let table = ready.file("team.csv").to_str().unwrap().to_owned();
        let words = ["team", "people", &table, "--undo"];
        if !dies_at(point, &ready.served, &ready.journal, &words) {
            return false;
        }
        team(&ready, &["people", "--undo"]).ended(0);
        assert_eq!(everyone(&ready), ["bob", "lab"], "after a crash at point {point}");
        true
    });
    assert!(points >= 8, "only {points} points");
}

#[test]
fn whatever_call_of_the_undo_goes_wrong_once_nobody_is_left_and_nobody_else_is_gone() {
    let before = ready();
    team(&before, &["people", "--apply"]).ended(0);
    for (operation, effect) in [
        ("DescribeUserProfile", "unseen"),
        ("DescribeUserProfile", "stale"),
        ("ListTags", "throttled"),
        ("ListSpaces", "server-error"),
        ("ListApps", "throttled"),
        ("DeleteUserProfile", "reply-lost"),
        ("DeleteUserProfile", "throttled"),
    ] {
        let fault = format!("- operation: sagemaker:{operation}\n  times: 1\n  effect: {effect}\n");
        let ready = before.copied(Some(&fault));
        team(&ready, &["people", "--undo"]).ended(0);
        assert_eq!(everyone(&ready), ["bob", "lab"], "{operation} {effect}");
    }
}

#[test]
fn a_column_that_nobody_reads_is_named() {
    let ready = ready();
    write(&ready, &format!("domain,team_profile,profile,files\n{DOMAIN},lab,ana,ana/\n"));
    let said = team(&ready, &["check"]).ended(0);
    assert!(said.err.contains("no such column: files; it has domain, "), "{}", said.err);
    let playbook = ready.file("team.csv");
    let words = ["inventory", "--teams", playbook.to_str().unwrap()];
    assert!(ready.run(&words).ended(0).err.contains("no such column: files"));
    write(&ready, TABLE);
    assert!(!team(&ready, &["check"]).ended(0).err.contains("no such column"));
}

#[test]
fn a_table_in_another_encoding_is_refused_with_the_line() {
    let ready = ready();
    let text = format!("domain,team_profile,profile\n{DOMAIN},lab,ana\n{DOMAIN},lab,Ren");
    let latin = [text.as_bytes(), b"\xe9\n"].concat();
    std::fs::write(ready.file("team.csv"), latin).unwrap();
    let refused = team(&ready, &["check"]).ended(2);
    assert!(refused.err.contains("line 3 holds a character that is no UTF-8"), "{}", refused.err);
    assert!(refused.err.contains("CSV UTF-8"), "{}", refused.err);
}

#[test]
fn credentials_that_expire_meanwhile_are_told_by_the_exit_code() {
    let fault = "- { operation: sagemaker:CreateUserProfile, from: 2, times: 9, effect: expired }";
    let ready = ready().with_faults(Some(fault));
    team(&ready, &["people", "--apply"]).ended(8);
    assert!(!profile(&ready, "ana").is_null());
    let ready = ready.with_faults(None);
    team(&ready, &["people", "--apply"]).ended(0);
    assert!(!profile(&ready, "cleo").is_null());
}
