//! A world in which a team works in one profile, and a journal that knows of it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::common::ready::Ready;
use crate::common::tool::{Ran, light_mover};
use crate::common::trees::listing;

/// The domain.
pub const DOMAIN: &str = "d-sim000000001";

/// Three people work as `lab`; Bob works as himself.
pub const WORLD: &str = r##"
name: team
seed: 7
timing:
  space: 0.05
  update: 0.05
  app_start: 0.1
  app_stop: 0.05
domains:
  - name: research
    members:
      DefaultUserSettings:
        ExecutionRole: arn:aws:iam::000000000000:role/service-role/AmazonSageMaker-ExecutionRole
        StudioWebPortal: DISABLED
        DefaultLandingUri: "app:JupyterServer:"
      DefaultSpaceSettings:
        ExecutionRole: arn:aws:iam::000000000000:role/service-role/AmazonSageMaker-ExecutionRole
    profiles:
      - name: lab
        home: empty
        settings:
          StudioWebPortal: DISABLED
        apps:
          - app_type: JupyterServer
            name: default
      - name: bob
        home: empty
"##;

/// What lies in the team's home.
pub const FILES: [&str; 6] = [
    "ana/model.ipynb",
    "ana/deep/data.csv",
    "notebooks/ana-draft.ipynb",
    "notebooks/all.ipynb",
    "ben/notes.txt",
    ".gitconfig",
];

/// Who is who, and whose is what.
pub const TABLE: &str = "domain,team_profile,profile,tags,own\n\
    d-sim000000001,lab,ana,cost=42;group=vision,ana/;notebooks/ana-*\n\
    d-sim000000001,lab,ben,,ben/**\n\
    d-sim000000001,lab,cleo,,\n";

/// Makes the world ready, with files in the team's home and the table beside the journal.
pub fn ready() -> Ready {
    on(WORLD, "  shared_spaces: packed")
}

/// The same on another world, or by another playbook.
pub fn on(world: &str, line: &str) -> Ready {
    with(world, &[line])
}

/// The same by a playbook with more lines.
pub fn with(world: &str, lines: &[&str]) -> Ready {
    let ready = Ready::with(world, None, lines);
    for file in FILES {
        let path = ready.classic_home("lab").join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, format!("this is {file}")).unwrap();
    }
    write(&ready, TABLE);
    ready
}

/// Writes another table.
pub fn write(ready: &Ready, table: &str) {
    fs::write(ready.file("team.csv"), table).unwrap();
}

/// Runs `team` with words, and the table behind the first.
pub fn team(ready: &Ready, words: &[&str]) -> Ran {
    let table = ready.file("team.csv");
    let (first, rest) = words.split_first().unwrap();
    ready.run(&[&["team", first, table.to_str().unwrap()], rest].concat())
}

/// A profile as the account keeps it; `null` where there is none.
pub fn profile(ready: &Ready, name: &str) -> Value {
    ready.served.state()["studio"]["profiles"][format!("{DOMAIN}/{name}")].clone()
}

/// Where the file systems are mounted.
pub fn mount(ready: &Ready) -> String {
    ready.served.dir.join("efs").to_str().unwrap().to_owned()
}

/// Takes an inventory with the table, and draws up and approves a plan.
pub fn plan(ready: &Ready) {
    let (mount, table) = (mount(ready), ready.file("team.csv"));
    let playbook = ready.journal.with_extension("yaml");
    ready.run(&["inventory", "--mount", &mount, "--teams", table.to_str().unwrap()]).ended(0);
    ready.run(&["plan", "--playbook", playbook.to_str().unwrap()]).ended(0);
    ready.run(&["plan", "approve", "--latest", "--note", "test"]).ended(0);
}

/// A world in which the people have their profiles, and the plan is approved.
pub fn planned() -> Ready {
    let ready = ready();
    team(&ready, &["people", "--apply"]).ended(0);
    plan(&ready);
    ready
}

/// The words that run somebody, or everybody.
pub fn run<'a>(mount: &'a str, who: &[&'a str]) -> Vec<&'a str> {
    let mover = light_mover().to_str().unwrap();
    let mut words = vec!["run", "--yes", "--mover", mover, "--mount", mount];
    words.extend(who.iter().flat_map(|who| ["--user", who]));
    words
}

/// The volume of a space.
pub fn volume(ready: &Ready, space: &str) -> PathBuf {
    ready.served.dir.join("ebs").join(DOMAIN).join(space)
}

/// The regular files below a folder, by path, with what `lstat` says.
pub fn files(root: &Path) -> BTreeMap<PathBuf, String> {
    let mut found = listing(root, false);
    found.retain(|path, _| root.join(path).is_file() && !path.starts_with(".studio-migrate"));
    found
}

/// Their paths.
pub fn names(files: &BTreeMap<PathBuf, String>) -> Vec<&str> {
    files.keys().map(|path| path.to_str().unwrap()).collect()
}

/// What the profile that the team shared sets.
pub fn closed() -> Value {
    json!({ "StudioWebPortal": "DISABLED", "DefaultLandingUri": "app:JupyterServer:" })
}
