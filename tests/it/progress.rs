//! How a run is told: as a picture on a terminal, as JSON where that was asked for.

use std::num::NonZeroU16;
use std::process::Command;

use serde_json::Value;

use crate::common::ONE_PERSON;
use crate::common::account::{Served, exe};
use crate::common::tool::{light_mover, prepare, run_alice, run_on};

/// Six people with nothing to copy: two of the pilot, and four who are all at work at the same time.
/// Their apps take long enough for the last to begin while the first still waits, however busy the machine is.
const SIX_PEOPLE: &str = r#"
name: six-people
seed: 7
timing:
  space: 0.3
  update: 0.05
  app_start: 4
  app_stop: 0.2
domains:
  - name: research
    members:
      DefaultUserSettings:
        ExecutionRole: arn:aws:iam::000000000000:role/service-role/AmazonSageMaker-ExecutionRole
        StudioWebPortal: DISABLED
        DefaultLandingUri: "app:JupyterServer:"
    profiles:
      - { name: anna, home: empty }
      - { name: bert, home: empty }
      - { name: cleo, home: empty }
      - { name: dora, home: empty }
      - { name: emil, home: empty }
      - { name: fred, home: empty }
"#;

#[test]
fn on_a_terminal_of_six_lines_four_people_are_a_picture_that_fits() {
    const LINES: NonZeroU16 = NonZeroU16::new(6).unwrap();
    const COLUMNS: NonZeroU16 = NonZeroU16::new(60).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let served = Served::start(&folder.path().join("world"), SIX_PEOPLE);
    let journal = folder.path().join("journal.db");
    prepare(&served, &journal);
    let line = format!(
        "stty rows {LINES} cols {COLUMNS}; exec {} run --yes --batch batch-1 --mover {} --state {}",
        exe().display(),
        light_mover().display(),
        journal.display()
    );
    let mut script = Command::new("script");
    script.args(["-q", "-e", "-c", &line, "/dev/null"]).envs(served.environment());
    script.env("TERM", "xterm");
    let output = script.output().unwrap();
    let written = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{written}");
    let mut terminal = vt100::Parser::new(LINES, COLUMNS, 0);
    let (mut pictures, mut are_more, mut is_waiting) = (0, false, false);
    for piece in output.stdout.chunks(20) {
        terminal.process(piece);
        let screen: Vec<String> = terminal.screen().rows(0, COLUMNS.get()).collect();
        let whole = screen.iter().filter(|row| row.contains("at work,")).count();
        assert!(whole <= 1, "an old picture was left standing: {screen:#?}");
        pictures += whole;
        are_more |=
            screen.iter().any(|row| row.starts_with("  and ") && row.trim_end().ends_with(" more"));
        is_waiting |= screen.iter().any(|row| row.contains("waiting for"));
    }
    assert!(pictures > 3 && are_more && is_waiting, "{written}");
    let last = terminal.screen().contents();
    assert!(last.contains("4 moved, 0 failed") && !last.contains("at work,"), "{last}");
}

#[test]
fn asked_for_json_everything_that_is_told_is_json_line_by_line() {
    let folder = tempfile::tempdir().unwrap();
    let served = Served::start(&folder.path().join("world"), ONE_PERSON);
    let journal = folder.path().join("journal.db");
    prepare(&served, &journal);
    let words = [&run_alice()[..], &["--log-format", "json"]].concat();
    let ran = run_on(&served, &journal, &words).ended(0);
    let lines: Vec<Value> =
        ran.err.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(lines.iter().all(|line| line["schema"] == 1 && line["at"].is_string()), "{}", ran.err);
    let kinds: Vec<&str> = lines.iter().map(|line| line["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds[0], "status", "which account it is");
    for kind in ["run-began", "batch-began", "step-began", "waiting", "copying", "step-finished"] {
        assert!(kinds.contains(&kind), "{kind} in {kinds:?}");
    }
    let ended = lines.iter().find(|line| line["kind"] == "migration-ended").unwrap();
    assert!(ended["migration"].as_str().unwrap().ends_with("/alice"), "{ended}");
    assert_eq!((&ended["standing"], &ended["is_done"]), (&"moved".into(), &true.into()));
    let begun = lines.iter().find(|line| line["kind"] == "step-began").unwrap();
    assert_eq!((&begun["step"], &begun["batch"]), (&"quiesce".into(), &"pilot".into()));
    assert_eq!(lines.last().unwrap()["kind"], "run-ended");
}

#[test]
fn a_failure_in_json_says_what_can_be_done_about_it() {
    let folder = tempfile::tempdir().unwrap();
    let faults = "- { operation: sagemaker:CreateSpace, effect: denied }";
    let served = Served::with_faults(&folder.path().join("world"), ONE_PERSON, Some(faults));
    let journal = folder.path().join("journal.db");
    prepare(&served, &journal);
    let words = [&run_alice()[..], &["--log-format", "json"]].concat();
    let ran = run_on(&served, &journal, &words).ended(4);
    let lines: Vec<Value> =
        ran.err.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let failed = lines.iter().find(|line| line["kind"] == "step-failed").unwrap();
    assert_eq!(failed["step"], "provision", "{failed}");
    assert!(failed["failure"]["message"].as_str().unwrap().contains("AccessDenied"), "{failed}");
    assert!(failed["failure"]["hint"].is_string(), "{failed}");
    assert!(lines.iter().any(|line| line["kind"] == "warning"), "the summary");
}
