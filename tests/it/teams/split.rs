//! What a team shared, shared out: each file in one place, the old profile closed and kept.

use std::collections::BTreeMap;
use std::fs;

use serde_json::{Value, json};

use super::lab::{
    DOMAIN, FILES, TABLE, WORLD, closed, files, mount, names, on, plan, planned, profile, ready,
    run, team, volume, write,
};
use crate::common::points::{dies_at, every_point};
use crate::common::ready::Ready;
use crate::common::trees::listing;
use crate::reliability::truncated::truncate;

#[test]
fn every_file_of_a_team_is_in_one_place_and_the_old_profile_is_closed_and_kept() {
    let ready = planned();
    let mount = mount(&ready);
    let home = ready.classic_home("lab");
    let before = listing(&home, true);
    let explained = ready.run(&["plan", "explain", "team.lab"]).ended(0);
    assert!(
        explained
            .out
            .contains("a shared JupyterLab space lab-studio is made for lab, owned by ana")
            && explained.out.contains("profile lab is closed")
            && explained.out.contains("all of the home of lab but what is ana's and ben's"),
        "{}",
        explained.out
    );
    let left = ready.run(&["plan", "explain", "cleo"]).ended(0);
    assert!(left.out.contains("find their files in the team's shared space"), "{}", left.out);
    ready.run(&run(&mount, &[])).ended(0);
    let ana = files(&volume(&ready, "ana-studio").join("from-lab"));
    let ben = files(&volume(&ready, "ben-studio").join("from-lab"));
    let lab = files(&volume(&ready, "lab-studio"));
    assert_eq!(names(&ana), ["ana/deep/data.csv", "ana/model.ipynb", "notebooks/ana-draft.ipynb"]);
    assert_eq!(names(&ben), ["ben/notes.txt"]);
    assert_eq!(names(&lab), [".gitconfig", "notebooks/all.ipynb"]);
    // Together they are the home, file for file, with mode, time and content.
    let all: BTreeMap<_, _> = [ana, ben, lab].into_iter().flatten().collect();
    assert_eq!(all, files(&home));
    assert_eq!(all.len(), FILES.len());
    assert_eq!(listing(&home, true), before);
    let state = ready.served.state();
    let spaces = &state["studio"]["spaces"];
    let of = |name: &str, what: &str| spaces[format!("{DOMAIN}/{name}")][what].clone();
    assert_eq!(
        (of("lab-studio", "sharing"), of("lab-studio", "owner")),
        (json!("Shared"), json!("ana"))
    );
    assert_eq!(
        (of("ben-studio", "sharing"), of("ben-studio", "owner")),
        (json!("Private"), json!("ben"))
    );
    assert_eq!(profile(&ready, "lab")["settings"], closed());
    let app = &state["studio"]["apps"][format!("{DOMAIN}/profile/lab/JupyterServer/default")];
    assert!(!["InService", "Pending"].contains(&app["standing"]["status"].as_str().unwrap_or("")));
    let again = ready.run(&run(&mount, &[])).ended(0);
    assert!(again.out.contains("Nothing to do"), "{}", again.out);
    ready.run(&["verify"]).ended(0);
    // Nobody stands in the way of the cut-over who has nothing in Classic.
    ready.run(&["cutover"]).ended(0);
    assert_eq!(profile(&ready, "lab")["settings"], closed());
}

#[test]
fn what_is_anothers_is_listed_with_whose_it_is() {
    let ready = planned();
    let mount = mount(&ready);
    ready.run(&run(&mount, &[])).ended(0);
    let report = ready.run(&["report", "--format", "json"]).ended(0).out;
    let report: Value = serde_json::from_str(&report).unwrap();
    let not_copied = |who: &str| {
        let people = report["people"].as_array().unwrap();
        let person = people.iter().find(|person| person["profile"] == who).unwrap();
        person["proof"]["not_copied_named"].to_string()
    };
    assert!(not_copied("team.lab").contains("ana's alone, and goes to a space of their own"));
    assert!(not_copied("team.lab").contains("notebooks/ana-draft.ipynb"));
    assert!(not_copied("ben").contains("of the home that lab shared, and not ben's"));
    assert!(not_copied("ben").contains(".gitconfig"));
}

#[test]
fn the_old_profile_stays_open_until_everyones_files_are_proven_and_opens_again_on_the_way_back() {
    let ready = planned();
    let mount = mount(&ready);
    let before = profile(&ready, "lab")["settings"].clone();
    ready.run(&run(&mount, &["ana"])).ended(0);
    let early = ready.run(&run(&mount, &["team.lab"])).ended(4);
    assert!(
        early.err.contains("profile lab stays open") && early.err.contains("--user ben"),
        "{}",
        early.err
    );
    assert_eq!(profile(&ready, "lab")["settings"], before);
    ready.run(&run(&mount, &["ben"])).ended(0);
    ready.run(&run(&mount, &["team.lab"])).ended(0);
    assert_eq!(profile(&ready, "lab")["settings"], closed());
    let back = ready.run(&["rollback", "--user", "team.lab", "--yes"]).ended(0);
    assert!(back.err.contains("AWS cannot unset one"), "{}", back.err);
    // It had no landing page of its own, and the domain's is Classic's.
    let settings = profile(&ready, "lab")["settings"].clone();
    assert_eq!(settings["StudioWebPortal"], before["StudioWebPortal"]);
    assert_eq!(settings["DefaultLandingUri"], "app:JupyterServer:");
    assert!(volume(&ready, "lab-studio").join(".gitconfig").exists(), "the shared space is kept");
}

#[test]
fn the_old_profile_stays_open_where_the_table_has_changed_since_somebodys_part_moved() {
    let ready = planned();
    let mount = mount(&ready);
    ready.run(&run(&mount, &["ana", "ben"])).ended(0);
    write(&ready, &TABLE.replace("ben/**", "ben/**;.gitconfig"));
    plan(&ready);
    let refused = ready.run(&run(&mount, &["team.lab"])).ended(4);
    assert!(
        refused.err.contains("the table says something else than when the part moved of ben"),
        "{}",
        refused.err
    );
    ready.run(&["rollback", "--user", "ben", "--delete-spaces", "--yes"]).ended(0);
    ready.run(&run(&mount, &["ben"])).ended(0);
    ready.run(&run(&mount, &["team.lab"])).ended(0);
    let ben = files(&volume(&ready, "ben-studio").join("from-lab"));
    assert_eq!(names(&ben), [".gitconfig", "ben/notes.txt"]);
    assert_eq!(names(&files(&volume(&ready, "lab-studio"))), ["notebooks/all.ipynb"]);
}

#[test]
fn a_file_that_somebody_claims_and_that_came_after_their_part_keeps_the_old_profile_open() {
    let ready = planned();
    let mount = mount(&ready);
    ready.run(&run(&mount, &["ana", "ben"])).ended(0);
    fs::write(ready.classic_home("lab").join("ben/late.txt"), "late").unwrap();
    let refused = ready.run(&run(&mount, &["team.lab"])).ended(4);
    assert!(
        refused.err.contains(
            "profile lab stays open: a file of its home is in nobody's space as it is now: `ben/late.txt`"
        ) && refused.err.contains("`studio-migrate rollback --user ben`"),
        "{}",
        refused.err
    );
    ready.run(&["rollback", "--user", "ben", "--yes"]).ended(0);
    ready.run(&run(&mount, &["ben"])).ended(0);
    ready.run(&run(&mount, &["team.lab"])).ended(0);
    let ben = files(&volume(&ready, "ben-studio").join("from-lab"));
    assert_eq!(names(&ben), ["ben/late.txt", "ben/notes.txt"]);
    assert_eq!(profile(&ready, "lab")["settings"], closed());
}

#[test]
fn killed_while_it_closes_the_profile_it_ends_as_a_run_that_nobody_interrupted() {
    let world = WORLD
        .replace("          StudioWebPortal: DISABLED\n", "          StudioWebPortal: ENABLED\n");
    let before = on(&world, "  shared_spaces: packed");
    team(&before, &["people", "--apply"]).ended(0);
    plan(&before);
    let mount_before = mount(&before);
    ready_up_to_verify(&before, &mount_before);
    let points = every_point(|point| {
        let ready = before.copied(None);
        let mount = mount(&ready);
        let words = run(&mount, &["team.lab"]);
        if !dies_at(point, &ready.served, &ready.journal, &words) {
            return false;
        }
        ready.run(&words).ended(0);
        assert_eq!(profile(&ready, "lab")["settings"], closed(), "after a crash at {point}");
        ready.run(&["rollback", "--user", "team.lab", "--yes"]).ended(0);
        let settings = profile(&ready, "lab")["settings"].clone();
        assert_eq!(settings["StudioWebPortal"], "ENABLED", "after a crash at {point}");
        true
    });
    assert!(points >= 8, "only {points} points");
}

#[test]
fn a_plan_with_a_team_is_exported_and_read_back_as_it_is() {
    let ready = planned();
    let pack = ready.file("pack");
    ready.run(&["plan", "export", pack.to_str().unwrap()]).ended(0);
    let table = pack.join("people.csv");
    assert!(fs::read_to_string(&table).unwrap().contains(",team.lab,"));
    ready.run(&["plan", "import", table.to_str().unwrap()]).ended(0);
}

#[test]
fn a_profile_that_a_lost_log_closed_is_named_by_the_rollback() {
    let world = WORLD
        .replace("          StudioWebPortal: DISABLED\n", "          StudioWebPortal: ENABLED\n");
    let ready = on(&world, "  shared_spaces: packed");
    team(&ready, &["people", "--apply"]).ended(0);
    plan(&ready);
    let mount = mount(&ready);
    ready_up_to_verify(&ready, &mount);
    ready.run(&run(&mount, &["team.lab"])).ended(0);
    let is_note =
        |event: &Value| event["step"] == "flip" && event["detail"].get("closed").is_some();
    let noted = ready.events().iter().position(is_note).unwrap();
    for kept in [noted, noted - 1] {
        let lost = ready.copied(None);
        truncate(&lost.journal, kept);
        let said = lost.run(&["rollback", "--user", "team.lab", "--yes"]).ended(0).err;
        assert!(
            said.contains("profile lab is closed, and was not when the plan was drawn up"),
            "{said}"
        );
        assert_eq!(profile(&lost, "lab")["settings"], closed());
    }
}

pub fn ready_up_to_verify(ready: &Ready, mount: &str) {
    ready.run(&run(mount, &["ana", "ben"])).ended(0);
    let mut words = run(mount, &["team.lab"]);
    words.extend(["--until", "verify"]);
    ready.run(&words).ended(0);
}

#[test]
fn what_two_people_claim_goes_to_neither_and_a_claim_for_nothing_is_said() {
    let ready = ready();
    let both = "domain,team_profile,profile,own\n\
        d-sim000000001,lab,ana,*.ipynb\n\
        d-sim000000001,lab,ben,ana/;gone/\n";
    write(&ready, both);
    let mount = mount(&ready);
    let said = team(&ready, &["check", "--mount", &mount]).ended(2);
    assert!(
        said.err.contains("`ana/model.ipynb` is claimed by ben (line 3) and by ana (line 2)"),
        "{}",
        said.err
    );
    assert!(said.err.contains("line 3: `gone/` of ben matches nothing"), "{}", said.err);
    team(&ready, &["people", "--apply"]).ended(0);
    plan(&ready);
    let refused = ready.run(&run(&mount, &["ana"])).ended(4);
    assert!(refused.err.contains("is claimed by ben (line 3)"), "{}", refused.err);
    assert!(!volume(&ready, "ana-studio").exists());
    // A claim for nothing alone keeps a part from being packed, too.
    write(&ready, &TABLE.replace("ben/**", "ben/**;gone/"));
    let said = team(&ready, &["check", "--mount", &mount]).ended(3);
    assert!(said.err.contains("line 3: `gone/` of ben matches nothing"), "{}", said.err);
    write(&ready, TABLE);
    let said = team(&ready, &["check", "--mount", &mount]).ended(0);
    assert!(
        said.out.contains("ana: 3 files") && said.out.contains("the shared space: 2 files"),
        "{}",
        said.out
    );
}

#[test]
fn a_team_with_somebody_who_has_no_profile_yet_stays_as_a_whole() {
    let ready = ready();
    plan(&ready);
    let left = ready.run(&["plan", "explain", "lab"]).ended(0);
    assert!(
        left.out.contains("a profile that a team shared")
            && left.out.contains("ana has no profile yet: `team people --apply`"),
        "{}",
        left.out
    );
    let plan = ready.plan();
    assert!(plan.migrations().all(|(_, one)| one.profile.as_str() != "lab"));
    assert!(plan.migrations().all(|(_, one)| one.team.is_none()));
}

#[test]
fn what_is_found_of_the_profile_that_a_team_shared_is_not_said_of_one_of_its_people() {
    let ready = planned();
    let of_ana = ready.run(&["plan", "explain", "ana"]).ended(0).out;
    let found: Vec<_> = of_ana.lines().filter(|line| line.contains(" SM")).collect();
    assert!(!found.is_empty(), "{of_ana}");
    let of_team = |line: &&str| line.starts_with("  of lab, which the team shared: SM");
    assert!(found.iter().all(of_team), "{found:?}");
    let of_lab = ready.run(&["plan", "explain", "team.lab"]).ended(0).out;
    assert!(of_lab.lines().any(|line| line.starts_with("  of lab, which the team")), "{of_lab}");
}
