//! Whoever only looks takes no lease, writes nothing into the journal, and need not be able to: others may be at work meanwhile.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use studio_migrate::journal::Journal;

use crate::common::account::exe;
use crate::common::ready::Ready;
use crate::common::tool::Ran;

const WORLD: &str = r##"
name: lookers
seed: 7
timing: { space: 0.05, update: 0.05, app_start: 0.1, app_stop: 0.05 }
domains:
  - name: research
    members:
      DefaultUserSettings:
        ExecutionRole: arn:aws:iam::000000000000:role/service-role/AmazonSageMaker-ExecutionRole
        StudioWebPortal: DISABLED
        DefaultLandingUri: "app:JupyterServer:"
        SharingSettings: { NotebookOutputOption: Allowed, S3OutputPath: s3://shared/sharing }
    profiles:
      - { name: alice, home: tidy }
      - { name: lab, home: empty }
buckets:
  - name: sagemaker-eu-west-1-000000000000
  - name: shared
  - name: keep
"##;

fn ready() -> Ready {
    let lines = ["  copy_to: s3://keep/notebooks", "  destination: s3://keep/flows"];
    let ready = Ready::with(WORLD, None, &lines);
    let table = "domain,team_profile,profile\nd-sim000000001,lab,ana\n";
    fs::write(ready.file("team.csv"), table).unwrap();
    ready
}

/// Every command that looks at the account and the journal, and changes neither.
fn looks(ready: &Ready) -> Vec<Vec<String>> {
    let (table, mount) = (ready.file("team.csv"), ready.served.dir.join("efs"));
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    vec![
        words(&["carry"]),
        words(&["flows", "--mount", mount.to_str().unwrap()]),
        words(&["notebooks", "--dry-run"]),
        words(&["team", "people", table.to_str().unwrap()]),
        words(&["retire"]),
        words(&["orphans"]),
    ]
}

/// Runs a command as somebody who may do nothing that root may.
fn as_reader(ready: &Ready, words: &[String]) -> Ran {
    let mut command = if rustix::process::geteuid().is_root() {
        let mut command = Command::new("setpriv");
        command.arg("--bounding-set=-all").arg(exe());
        command
    } else {
        Command::new(exe())
    };
    command.args(words).arg("--state").arg(&ready.journal);
    command.envs(ready.served.environment()).output().unwrap().into()
}

#[test]
fn two_may_look_at_once_and_while_somebody_is_at_work() {
    let ready = ready();
    let journal = Journal::open(&ready.journal).unwrap();
    let events = journal.audit().unwrap().events;
    let _lease = journal.take_lease("somebody who is at work").unwrap();
    for words in looks(&ready) {
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        ready.run(&words).ended(0);
    }
    assert_eq!(journal.audit().unwrap().events, events);
}

#[test]
fn a_journal_that_may_only_be_read_is_enough_to_look() {
    let ready = ready();
    let mode = |mode| fs::set_permissions(&ready.journal, Permissions::from_mode(mode)).unwrap();
    mode(0o444);
    for words in &looks(&ready) {
        as_reader(&ready, words).ended(0);
    }
    // Whoever would change something is refused before anything is done.
    let apply = ["carry", "--apply"].map(str::to_owned);
    let ran = as_reader(&ready, &apply);
    assert!(ran.code != Some(0) && ran.err.contains("readonly"), "{}", ran.err);
    mode(0o600);
}
