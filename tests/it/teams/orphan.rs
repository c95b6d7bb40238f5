//! A home that nobody owns, given to somebody of a team: what they claim of the team's home says nothing about it.

use std::fs;

use super::lab::{DOMAIN, WORLD, files, mount, on, plan, run, team, volume};
use crate::common::tool::light_mover;

#[test]
fn an_orphan_arrives_whole_with_somebody_of_a_team() {
    let world = format!("{WORLD}    orphan_homes:\n      - {{ uid: \"299001\", kind: tidy }}\n");
    let ready = on(&world, "  shared_spaces: packed");
    team(&ready, &["people", "--apply"]).ended(0);
    plan(&ready);
    let mount = mount(&ready);
    ready.run(&run(&mount, &["ana"])).ended(0);
    let system = ready.classic_home("lab").parent().unwrap().to_owned();
    let name = system.file_name().unwrap().to_str().unwrap();
    let csv = ready.file("orphans.csv");
    let row = format!("file_system,uid,domain,profile\n{name},299001,{DOMAIN},ana\n");
    fs::write(&csv, row).unwrap();
    let (csv, mover) = (csv.to_str().unwrap(), light_mover().to_str().unwrap());
    let words = ["orphans", "assign", "--csv", csv, "--mount", &mount, "--mover", mover, "--apply"];
    ready.run(&words).ended(0);
    let (was, is) =
        (files(&system.join("299001")), files(&volume(&ready, "ana-studio").join("orphan-299001")));
    assert!(is.len() > 10, "{is:?}");
    for (path, line) in &is {
        assert_eq!(was.get(path), Some(line), "{}", path.display());
    }
}
