//! A plan that is drawn up again keeps what was done under the one before.

use crate::common::ONE_PERSON;
use crate::common::account::Served;
use crate::common::tool::{prepare, run_on, small_mover};

#[test]
fn what_was_done_for_a_person_stays_done_when_the_plan_is_drawn_up_again() {
    let folder = tempfile::tempdir().unwrap();
    let served = Served::start(&folder.path().join("world"), ONE_PERSON);
    let journal = folder.path().join("journal.db");
    prepare(&served, &journal);
    let mover = small_mover().to_str().unwrap();
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
