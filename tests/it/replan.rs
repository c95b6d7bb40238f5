//! A plan that is drawn up again keeps what was done under the one before.

use crate::common::ONE_PERSON;
use crate::common::account::Served;
use crate::common::ready::Ready;
use crate::common::tool::{light_mover, prepare, prepare_with, run_on};

#[test]
fn what_was_done_for_a_person_stays_done_when_the_plan_is_drawn_up_again() {
    let folder = tempfile::tempdir().unwrap();
    let served = Served::start(&folder.path().join("world"), ONE_PERSON);
    let journal = folder.path().join("journal.db");
    prepare(&served, &journal);
    let mover = light_mover().to_str().unwrap();
    let run = ["run", "--yes", "--user", "alice", "--mover", mover];
    run_on(&served, &journal, &run).ended(0);
    let before = served.state();
    prepare(&served, &journal);
    let again = run_on(&served, &journal, &run).ended(0);
    assert!(again.out.contains("Nothing to do"), "{}", again.out);
    assert_eq!(served.state(), before);
    let status = run_on(&served, &journal, &["status", "--format", "json"]).ended(0);
    let status: serde_json::Value = serde_json::from_str(&status.out).unwrap();
    let standing = |name: &str| {
        let all = status["migrations"].as_array().unwrap().iter();
        all.clone().find(|line| line["migration"].as_str().unwrap().ends_with(name)).unwrap()["standing"].clone()
    };
    assert_eq!(standing("/alice"), "moved");
    assert_eq!(standing("/bob"), "waiting");
}

#[test]
fn whoever_has_not_begun_follows_a_new_playbook_and_whoever_has_keeps_their_space() {
    let ready = Ready::new();
    ready.run_alice(&["--until", "provision"]).ended(0);
    let lines = ["  space_name: \"x-{profile}\"", "  app_type: CodeEditor"];
    prepare_with(&ready.served, &ready.journal, &lines);
    let of = |name: &str| {
        let migration = ready.migration(name);
        (migration.space.to_string(), migration.app.as_str())
    };
    assert_eq!(of("alice"), ("alice-studio".to_owned(), "JupyterLab"));
    assert_eq!(of("bob"), ("x-bob".to_owned(), "CodeEditor"));
    ready.run_alice(&[]).ended(0);
}

#[test]
fn whoever_an_earlier_plan_moved_is_taken_back_by_it_although_the_last_one_leaves_them_out() {
    let ready = Ready::new();
    let before = ready.settings("alice");
    let plan = ready.plan().id;
    ready.run_alice(&[]).ended(0);
    prepare_with(&ready.served, &ready.journal, &["  exclude: [alice]"]);
    let refused = ready.run(&["rollback", "--user", "alice"]).ended(2);
    assert!(refused.err.contains("left out of the plan"), "{}", refused.err);
    ready.run(&["rollback", "--user", "alice", "--plan", plan.as_str()]).ended(0);
    let after = ready.settings("alice");
    assert_eq!(after["DefaultLandingUri"], before["DefaultLandingUri"]);
}
