//! A world in which a team works in one profile, and a journal that knows of it.

use std::fs;

use serde_json::Value;

use crate::common::ready::Ready;
use crate::common::tool::Ran;

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
    let ready = Ready::with(world, None, &[line]);
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
