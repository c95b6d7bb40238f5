//! Somebody of a team who is taken back: where their files are is said, and the way on is right.

use super::lab::{TABLE, closed, files, mount, names, plan, planned, profile, run, volume, write};

#[test]
fn whoever_of_a_team_is_taken_back_is_told_where_their_files_are_and_gets_them_again() {
    let ready = planned();
    let mount = mount(&ready);
    ready.run(&run(&mount, &[])).ended(0);
    let closed_and_on = "profile lab is closed; `studio-migrate run --user ana` brings it";
    let dry = ready.run(&["rollback", "--user", "ana", "--delete-spaces", "--dry-run"]).ended(0);
    assert!(dry.err.contains(closed_and_on), "{}", dry.err);
    assert!(dry.err.contains("`studio-migrate rollback --user team.lab` opens"), "{}", dry.err);
    let back = ready.run(&["rollback", "--user", "ana", "--delete-spaces", "--yes"]).ended(0);
    let said_after = back.out.lines().chain(back.err.lines());
    let said_after: Vec<_> = said_after.filter(|line| line.contains("provision undone")).collect();
    assert!(said_after[0].contains(closed_and_on), "{said_after:?}");
    assert!(!volume(&ready, "ana-studio").exists());
    ready.run(&run(&mount, &["ana"])).ended(0);
    let ana = files(&volume(&ready, "ana-studio").join("from-lab"));
    assert_eq!(names(&ana), ["ana/deep/data.csv", "ana/model.ipynb", "notebooks/ana-draft.ipynb"]);
    assert_eq!(profile(&ready, "lab")["settings"], closed());
    ready.run(&["verify"]).ended(0);
}

#[test]
fn a_team_that_is_taken_back_together_is_told_that_its_profile_is_open() {
    let ready = planned();
    let mount = mount(&ready);
    ready.run(&run(&mount, &[])).ended(0);
    let all = ["rollback", "--user", "ana", "--user", "team.lab", "--yes"];
    let back = ready.run(&all).ended(0);
    assert!(back.err.contains("profile lab is open; "), "{}", back.err);
    assert!(!(back.err + &back.out).contains("profile lab is closed"));
    // Their parts are moved again in the order of the plan, by name.
    ready.run(&run(&mount, &["ana", "team.lab"])).ended(0);
    assert_eq!(profile(&ready, "lab")["settings"], closed());
}

/// The table without somebody's row.
fn without(who: &str) -> String {
    let rows = TABLE.lines().filter(|line| !line.contains(&format!(",{who},")));
    rows.fold(String::new(), |table, line| table + line + "\n")
}

#[test]
fn whom_an_earlier_plan_moved_is_taken_back_by_that_plan_and_it_is_named() {
    let ready = planned();
    let mount = mount(&ready);
    ready.run(&run(&mount, &[])).ended(0);
    let first = ready.plan().id.to_string();
    write(&ready, &without("ana"));
    plan(&ready);
    let refused = ready.run(&["rollback", "--user", "ana", "--yes"]).ended(2);
    assert!(refused.err.contains(&format!("--plan {first}")), "{}", refused.err);
    ready.run(&["rollback", "--user", "ana", "--yes", "--plan", &first]).ended(0);
}

#[test]
fn what_somebody_claimed_when_their_team_moved_and_nobody_claims_now_is_not_forgotten() {
    let ready = planned();
    let mount = mount(&ready);
    ready.run(&run(&mount, &[])).ended(0);
    write(&ready, &without("ben"));
    plan(&ready);
    let said = "what ben claimed when it moved may be in no space";
    let ran = ready.run(&run(&mount, &[])).ended(0);
    assert!(ran.err.contains(said), "{}", ran.err);
    let refused = ready.run(&["cutover"]).ended(3);
    assert!(refused.err.contains(said), "{}", refused.err);
    ready.run(&["rollback", "--user", "team.lab", "--yes"]).ended(0);
    ready.run(&run(&mount, &["team.lab"])).ended(0);
    let lab = files(&volume(&ready, "lab-studio"));
    assert!(names(&lab).contains(&"ben/notes.txt"), "{:?}", names(&lab));
    assert_eq!(profile(&ready, "lab")["settings"], closed());
    let ran = ready.run(&run(&mount, &[])).ended(0);
    assert!(!ran.err.contains("may be in no space"), "{}", ran.err);
    ready.run(&["cutover"]).ended(0);
}

#[test]
fn a_shared_space_that_was_kept_and_is_another_s_by_now_is_named_with_its_owner() {
    let ready = planned();
    let mount = mount(&ready);
    ready.run(&run(&mount, &[])).ended(0);
    ready.run(&["rollback", "--user", "team.lab", "--yes"]).ended(0);
    write(&ready, &without("ana"));
    plan(&ready);
    let ran = ready.run(&run(&mount, &["team.lab"])).ended(4);
    let said = "space lab-studio was made for this by an earlier plan and belongs to ana; now ben is to own it";
    assert!(ran.err.contains(said), "{}", ran.err);
    assert!(ran.err.contains("named first in its table"), "{}", ran.err);
    // With her in the table again, the same space is gone on with.
    write(&ready, TABLE);
    plan(&ready);
    ready.run(&run(&mount, &["team.lab"])).ended(0);
    assert_eq!(profile(&ready, "lab")["settings"], closed());
}
