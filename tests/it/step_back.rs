//! Taking somebody back some steps only, what is said beforehand, and going on from there.

use serde_json::{Value, json};

use crate::common::ONE_PERSON;
use crate::common::ends::{assert_alike, end};
use crate::common::ready::{ALICE, Ready, only_looks};

fn moved() -> Ready {
    let ready = Ready::new();
    ready.run_alice(&[]).ended(0);
    ready
}

fn back_to(ready: &Ready, step: &str) {
    ready.run(&["rollback", "--user", "alice", "--to", step]).ended(0);
}

fn steps(ready: &Ready) -> Vec<(String, String)> {
    let report = ready.report();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let steps = report["steps"].as_array().unwrap().iter();
    steps.map(|step| (text(&step["name"]), text(&step["standing"]))).collect()
}

#[test]
fn a_rollback_to_a_step_leaves_what_was_done_before_it() {
    let ready = moved();
    let whole = end(&ready.served);
    let notebook = ready.served.dir.join("ebs/d-sim000000001/alice-studio/work.ipynb");
    std::fs::write(&notebook, "{}").unwrap();
    back_to(&ready, "flip");
    assert_eq!(ready.settings("alice")["DefaultLandingUri"], "app:JupyterServer:");
    assert_eq!(ready.settings("alice")["StudioWebPortal"], "DISABLED");
    assert!(notebook.exists());
    let undone = steps(&ready).into_iter().filter(|(_, standing)| standing == "undone");
    assert_eq!(undone.map(|(name, _)| name).collect::<Vec<_>>(), ["flip", "confirm"]);
    assert_eq!(ready.report()["standing"], "underway");
    back_to(&ready, "flip");

    // Nobody who was taken back goes on unless somebody says so.
    let ran = ready.run(&["run", "--yes", "--batch", "pilot", "--dry-run"]).ended(0);
    assert!(!ran.out.contains(ALICE), "{}", ran.out);
    let ran = ready.run_alice(&["--dry-run"]).ended(0);
    assert!(ran.out.contains(&format!("{ALICE}: flip → confirm\n")), "{}", ran.out);
    ready.run_alice(&[]).ended(0);
    std::fs::remove_file(notebook).unwrap();
    assert_alike(&end(&ready.served), &whole, "once the flip was done again");
}

#[test]
fn from_whichever_step_somebody_was_taken_back_to_they_go_on() {
    let ready = moved();
    let whole = end(&ready.served);
    for step in ["confirm", "verify", "hydrate"] {
        back_to(&ready, step);
        ready.run_alice(&[]).ended(0);
        assert_alike(&end(&ready.served), &whole, &format!("back to {step} and on again"));
    }
}

#[test]
fn what_cannot_be_undone_is_said_before_anything_is() {
    let of_their_own = "        settings:\n          StudioWebPortal: DISABLED\n          DefaultLandingUri: \"app:JupyterServer:\"\n";
    assert!(ONE_PERSON.contains(of_their_own));
    let ready = Ready::with(&ONE_PERSON.replace(of_their_own, "        settings:\n"), None, &[]);
    ready.run_alice(&[]).ended(0);
    let before = end(&ready.served);
    let log = ready.file("wire.jsonl");
    let words = ["--wire-log", log.to_str().unwrap(), "rollback", "--user", "alice", "--dry-run"];
    let ran = ready.run(&words).ended(0);
    for said in [
        "JupyterServer/default was stopped and can never be started again",
        "AWS cannot unset one, so the domain's will be set on it",
        "space alice-studio is kept with its volume",
    ] {
        assert!(ran.err.contains(said), "{said}: {}", ran.err);
    }
    let planned =
        format!("{ALICE}: confirm → flip → verify → hydrate → provision → stage → quiesce");
    assert!(ran.out.contains(&planned), "{}", ran.out);
    assert!(Ready::exchanges(&log).iter().all(only_looks));
    assert_alike(&end(&ready.served), &before, "after a dry run");
    let ran = ready.run(&["rollback", "--user", "alice", "--to", "confirm", "--dry-run"]).ended(0);
    assert!(!ran.err.contains("can never"), "{}", ran.err);
}

#[test]
fn what_somebody_changed_since_is_overwritten_only_after_asking() {
    let changed = || {
        moved().edited(|state| {
            let alice = &mut state["studio"]["profiles"][ALICE]["settings"];
            alice["DefaultLandingUri"] = json!("app:JupyterServer:somewhere");
        })
    };
    let ready = changed();
    let back = ["rollback", "--user", "alice", "--to", "flip"];
    let asked = [back.as_slice(), &["--overwrite-changes"]].concat();
    let ran = ready.run(&asked).ended(7);
    assert!(ran.err.contains("somebody else may have changed them since"), "{}", ran.err);
    let ran = ready.run(&[asked.as_slice(), &["--yes"]].concat()).ended(0);
    assert!(ran.err.contains("was put back all the same"), "{}", ran.err);
    assert_eq!(ready.settings("alice")["DefaultLandingUri"], "app:JupyterServer:");

    let ready = changed();
    let ran = ready.run(&back).ended(0);
    assert!(ran.err.contains("changed since by someone else and is left as it is"), "{}", ran.err);
    assert_eq!(ready.settings("alice")["DefaultLandingUri"], "app:JupyterServer:somewhere");
}
