//! Windows and gates in a rehearsal's own time.

use studio_migrate::cli::rehearsal::{Rehearsal, rehearse};
use studio_migrate::playbook::Gate;

use super::copy::{playbook, script};

#[test]
fn a_run_waits_for_its_window_goes_on_in_the_next_and_takes_gates_as_opened() {
    let mut playbook = playbook(3);
    playbook.limits.users = 1;
    // One person takes some six minutes: a window is too short for three. 2026-12-04 is a Friday.
    let windows = "windows: [{ days: [sat, sun], from: '08:00', to: '08:10' }]\n";
    playbook.calendar = serde_saphyr::from_str(windows).unwrap();
    let gate =
        |before: &str| Gate { name: "go".to_owned(), before: before.into(), what: String::new() };
    playbook.gates = vec![gate("batch-1")];
    let script = script(&playbook, 1, Vec::new());
    assert_eq!(script.plan.batches[0].gates, ["go"]);
    let outcome = rehearse(script, Rehearsal::run).unwrap();
    assert_eq!((outcome.done, &outcome.stopped), (3, &None));
    let at = |time: Option<jiff::Timestamp>| time.unwrap().to_string();
    let (begin, end) = (at(outcome.begin), at(outcome.end));
    assert!(begin.starts_with("2026-12-05T08:00"), "{begin}");
    assert!(end.starts_with("2026-12-06T08:"), "{end}");
}
