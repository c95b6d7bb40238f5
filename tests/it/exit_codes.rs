//! Exit codes, which scripts rely on: each for its reason, with words that help.

use crate::common::ONE_PERSON;
use crate::common::account::Served;
use crate::common::ready::{ALICE, Ready};
use crate::common::tool::{Ran, command_on, run_on};

#[test]
fn a_name_that_the_plan_does_not_have_is_wrong_usage() {
    let ready = Ready::new();
    for command in ["run", "rollback"] {
        let ran = ready.run(&[command, "--user", "nobody"]).ended(2);
        assert!(ran.err.contains("does not know nobody"), "{}", ran.err);
        let ran = ready.run(&[command, "--batch", "nothing"]).ended(2);
        assert!(ran.err.contains("has no batch nothing"), "{}", ran.err);
        assert!(ran.err.contains("it has pilot"), "{}", ran.err);
    }
}

#[test]
fn without_a_journal_there_is_nothing_to_go_by() {
    let folder = tempfile::tempdir().unwrap();
    let served = Served::start(&folder.path().join("world"), ONE_PERSON);
    let journal = folder.path().join("journal.db");
    for words in [
        ["run", "--yes"].as_slice(),
        &["plan"],
        &["status"],
        &["report"],
        &["rollback", "--user", "alice"],
        &["audit", "verify"],
    ] {
        let ran = run_on(&served, &journal, words).ended(2);
        assert!(ran.err.contains("there is no journal at"), "{words:?}: {}", ran.err);
        assert!(!journal.exists(), "{words:?}");
    }
}

#[test]
fn a_plan_that_nobody_approved_is_not_run() {
    let folder = tempfile::tempdir().unwrap();
    let served = Served::start(&folder.path().join("world"), ONE_PERSON);
    let journal = folder.path().join("journal.db");
    run_on(&served, &journal, &["inventory"]).ended(0);
    let ran = run_on(&served, &journal, &["run", "--yes"]).ended(2);
    assert!(ran.err.contains("there is no plan yet"), "{}", ran.err);
    run_on(&served, &journal, &["plan", "--playbook", "demo"]).ended(0);
    let before = served.state();
    let ran = run_on(&served, &journal, &["run", "--yes"]).ended(7);
    assert!(ran.err.contains("is not approved"), "{}", ran.err);
    assert!(ran.err.contains("studio-migrate plan approve"), "{}", ran.err);
    assert_eq!(served.state(), before);
}

#[test]
fn somebody_is_named_alone_with_their_domain_and_a_name_of_several_is_refused() {
    let world = format!(
        "{ONE_PERSON}  - name: other\n    profiles:\n      - {{ name: alice, home: empty }}\n"
    );
    let ready = Ready::with(&world, None, &[]);
    let refused = ready.run(&["run", "--dry-run", "--user", "alice"]).ended(2);
    assert!(refused.err.contains("alice is in several domains"), "{}", refused.err);
    assert!(refused.err.contains(ALICE), "{}", refused.err);
    let one = ready.run(&["run", "--dry-run", "--user", ALICE]).ended(0);
    assert!(one.out.contains("1 person would be migrated"), "{}", one.out);
}

#[test]
fn an_endpoint_that_is_set_and_empty_is_wrong_usage() {
    let ready = Ready::new();
    for name in ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_SAGEMAKER"] {
        let mut command = command_on(&ready.served, &ready.journal, &["doctor"]);
        let ran: Ran = command.env(name, "").output().unwrap().into();
        let ran = ran.ended(2);
        assert!(ran.err.contains(&format!("{name} is set, and empty")), "{}", ran.err);
    }
    ready.run(&["doctor", "--endpoint-url", ""]).ended(2);
}

#[test]
fn wrong_credentials_are_told_from_everything_else() {
    let ready = Ready::new();
    let before = ready.served.state();
    for (name, value) in
        [("AWS_SECRET_ACCESS_KEY", "wrong"), ("AWS_ACCESS_KEY_ID", "AKIAUNKNOWN000000000")]
    {
        for words in [["inventory"].as_slice(), &["run", "--yes"], &["rollback", "--user", "alice"]]
        {
            let mut command = command_on(&ready.served, &ready.journal, words);
            let ran = command.env(name, value).output().unwrap();
            let said = String::from_utf8_lossy(&ran.stderr);
            assert_eq!(ran.status.code(), Some(8), "{name}, {words:?}: {said}");
            assert!(said.contains("aws sts get-caller-identity"), "{name}, {words:?}: {said}");
        }
    }
    assert_eq!(ready.served.state(), before);
}
