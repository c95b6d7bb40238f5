//! The demo, run once for all of these tests, and looked at from outside.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use serde_json::Value;

use crate::common::tool::{Ran, command};
use crate::common::{python, trees};

/// A demo that ran to its end.
struct Demo {
    dir: PathBuf,
    wire_log: PathBuf,
    ran: Ran,
}

fn demo() -> &'static Demo {
    static DEMO: OnceLock<Demo> = OnceLock::new();
    DEMO.get_or_init(|| {
        let base = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("demo");
        let _ = std::fs::remove_dir_all(&base);
        std::fs::create_dir_all(&base).unwrap();
        let (dir, wire_log) = (base.join("here"), base.join("wire.jsonl"));
        let ran = command(&["demo", "--dir"])
            .arg(&dir)
            .arg("--wire-log")
            .arg(&wire_log)
            .output()
            .unwrap()
            .into();
        Demo { dir, wire_log, ran }
    })
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

#[test]
fn the_demo_takes_everyone_over_and_says_so() {
    let Demo { ran, dir, .. } = demo();
    assert_eq!(ran.code, Some(0), "stdout:\n{}\nstderr:\n{}", ran.out, ran.err);
    for stage in ["inventory", "readiness", "plan", "plan approve", "run", "verify", "report"] {
        assert!(ran.err.contains(&format!("$ studio-migrate {stage}")), "{stage}: {}", ran.err);
    }
    let report = json(&dir.join("report.json"));
    let people = report["people"].as_array().unwrap();
    assert_eq!(people.len(), 12);
    for person in people {
        assert_eq!(person["standing"], "moved", "{person}");
    }
    assert!(std::fs::read_to_string(dir.join("report.html")).unwrap().contains("<html"));
    assert!(dir.join("journal.db").exists());
}

#[test]
fn every_home_arrived_as_an_outside_program_sees_it() {
    let said = python::check("compare_trees.py", &[&demo().dir]);
    assert!(said.contains("12 homes"), "{said}");
    assert!(said.trim().ends_with(" 0 amiss"), "{said}");
}

#[test]
fn every_exchange_obeys_the_models_of_aws() {
    let table = python::script("always_returned.json");
    let said = python::check("check_wire.py", &[&demo().wire_log, &table]);
    assert!(said.contains("exchanges of"), "{said}");
}

#[test]
fn a_second_demo_in_the_same_folder_has_nothing_to_do() {
    let Demo { dir, .. } = demo();
    let before = trees::listing(&dir.join("world/efs"), true);
    let again: Ran = command(&["demo", "--dir"]).arg(dir).output().unwrap().into();
    let again = again.ended(0);
    assert!(again.out.contains("Nothing to do"), "{}", again.out);
    assert_eq!(trees::listing(&dir.join("world/efs"), true), before);
}

#[test]
fn no_credential_and_no_content_of_a_file_is_in_the_wire_log() {
    let Demo { dir, wire_log, .. } = demo();
    let log = std::fs::read_to_string(wire_log).unwrap();
    let secret =
        json(&dir.join("world/world.json"))["secret_access_key"].as_str().unwrap().to_owned();
    assert!(!log.contains(&secret));
    for line in log.lines() {
        let exchange: Value = serde_json::from_str(line).unwrap();
        let authorization = exchange["request_headers"]["authorization"].as_str().unwrap_or("");
        assert!(!authorization.contains("Signature=") || authorization.ends_with("(left out)"));
        let operation = exchange["operation"].as_str().unwrap();
        if matches!(operation, "PutObject" | "GetObject") {
            assert_eq!(exchange["request_body_base64"], "");
        }
    }
}

#[test]
fn every_call_that_changed_something_is_in_the_journal() {
    let Demo { dir, wire_log, .. } = demo();
    let export: Ran = command(&["audit", "export", "--state"])
        .arg(dir.join("journal.db"))
        .output()
        .unwrap()
        .into();
    let export = export.ended(0);
    let journalled = |operation: &str| {
        let events = export.out.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        events
            .filter(|event| event["kind"] == "call" && event["detail"]["operation"] == operation)
            .count()
    };
    let log = std::fs::read_to_string(wire_log).unwrap();
    let sent = |operation: &str| {
        let lines = log.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines.filter(|line| line["operation"] == operation).count()
    };
    for operation in [
        "CreateSpace",
        "UpdateSpace",
        "CreateApp",
        "DeleteApp",
        "UpdateUserProfile",
        "UpdateDomain",
        "CreateStudioLifecycleConfig",
        "DeleteStudioLifecycleConfig",
        "PutObject",
    ] {
        assert!(sent(operation) > 0, "{operation} was never called");
        // A retry is another exchange of the same call.
        assert!(journalled(operation) <= sent(operation), "{operation}");
        assert!(journalled(operation) > 0, "{operation}");
    }
    for line in log.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()) {
        let operation = line["operation"].as_str().unwrap().to_owned();
        let changes = ["Create", "Update", "Delete", "Put", "Add"]
            .iter()
            .any(|verb| operation.starts_with(verb));
        assert!(!changes || journalled(&operation) > 0, "{operation} is not in the journal");
    }
}
