//! Tags of somebody of a team: theirs go onto their space, the tool's own stay where they mean something.

use serde_json::Value;

use super::lab::{DOMAIN, WORLD, mount, plan, run, team, with};

#[test]
fn what_tells_the_tool_whom_it_made_a_profile_for_is_not_carried_onto_a_space() {
    let ready = with(WORLD, &["  shared_spaces: packed", "carry.tags: carry"]);
    team(&ready, &["people", "--apply"]).ended(0);
    plan(&ready);
    let rows = || {
        let said = ready.run(&["carry", "--format", "json"]).ended(0).out;
        let said: Value = serde_json::from_str(&said).unwrap();
        let rows = said["rows"].as_array().unwrap().clone();
        let is_own = |row: &&Value| row["name"].as_str().unwrap().starts_with("studio-migrate:");
        rows.iter().filter(is_own).map(|row| row["stands"].clone()).collect::<Vec<_>>()
    };
    // Before there is a space, and after.
    assert_eq!(rows(), ["stays", "stays"]);
    let mount = mount(&ready);
    ready.run(&run(&mount, &["ana"])).ended(0);
    ready.run(&["carry", "--apply"]).ended(0);
    assert_eq!(rows(), ["stays", "stays"]);
    let tags = ready.served.state()["studio"]["tags"].clone();
    let space = format!("space/{DOMAIN}/ana-studio");
    let mut tags = tags.as_object().unwrap().iter();
    let tags = tags.find(|(arn, _)| arn.ends_with(&space)).unwrap().1;
    assert_eq!((&tags["cost"], &tags["group"]), (&"42".into(), &"vision".into()));
    assert!(tags.get("studio-migrate:team").is_none(), "{tags}");
}
