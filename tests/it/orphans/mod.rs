//! Homes that nobody owns: archived with proof, or delivered to somebody, and never deleted.

mod archive;
pub mod assign;
mod assign_ended;

use std::path::PathBuf;

use serde_json::Value;

use crate::common::ready::Ready;
use crate::common::tool::Ran;

/// Alice, an orphan home beside hers, a file system whose domain is gone, and a bucket that the people's role may not read.
const WORLD: &str = r##"
name: orphans
seed: 7
timing: { space: 0.05, update: 0.05, app_start: 0.1, app_stop: 0.05 }
roles:
  - arn: arn:aws:iam::000000000000:role/Studio
    statements:
      - { allow: true, actions: ["sagemaker:*", "logs:*"], resources: ["*"] }
      - { allow: true, actions: ["s3:GetObject", "s3:PutObject", "s3:ListBucket"], resources: ["arn:aws:s3:::sagemaker-*"] }
domains:
  - name: research
    members:
      DefaultUserSettings:
        ExecutionRole: arn:aws:iam::000000000000:role/Studio
        StudioWebPortal: DISABLED
        DefaultLandingUri: "app:JupyterServer:"
    profiles:
      - { name: alice, home: tidy }
      - { name: bob, home: empty }
    orphan_homes:
      - { uid: "299001", kind: awkward }
orphan_file_systems:
  - domain: d-sim000000999
    homes:
      - { uid: "299001", kind: tidy }
buckets:
  - name: sagemaker-eu-west-1-000000000000
  - name: archive
  - name: sagemaker-open-to-the-role
  - name: public
    kept: { blocks_public_access: false }
"##;

const TO: &str = "s3://archive/classic/orphans";

pub fn ready() -> Ready {
    ready_for(TO)
}

fn ready_for(place: &str) -> Ready {
    Ready::with(WORLD, None, &[&format!("  archive_to: {place}"), "  stall_minutes: 5"])
}

fn mount(ready: &Ready) -> String {
    ready.served.dir.join("efs").to_str().unwrap().to_owned()
}

/// The file system of the domain, and the one whose domain is gone.
fn systems(ready: &Ready) -> (String, String) {
    let state = ready.served.state();
    let own = state["studio"]["domains"]["d-sim000000001"]["file_system"].as_str().unwrap();
    let all = state["file_systems"].as_object().unwrap().keys();
    let gone = all.into_iter().find(|id| *id != own).unwrap();
    (own.to_owned(), gone.clone())
}

/// The folder of a home.
fn home(ready: &Ready, system: &str, uid: &str) -> PathBuf {
    ready.served.dir.join("efs").join(system).join(uid)
}

fn told(ready: &Ready) -> Value {
    let said = ready.run(&["orphans", "--format", "json"]).ended(0).out;
    serde_json::from_str(&said).unwrap()
}

/// Runs `orphans archive`.
fn archive(ready: &Ready, more: &[&str]) -> Ran {
    let mount = mount(ready);
    ready.run(&[&["orphans", "archive", "--mount", &mount], more].concat())
}
