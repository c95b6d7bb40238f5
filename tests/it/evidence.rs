//! A folder of proof for everyone: complete, for nobody else to read, and nothing forged passes for it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use studio_migrate::mover::manifest;

use crate::common::ONE_PERSON;
use crate::common::ready::{ALICE, Ready};
use crate::common::trees;

/// Reports may be deleted at once.
const AT_ONCE: &str = "  retention_days: 0";

fn object(folder: &Path, name: &str) -> Value {
    serde_json::from_slice(&fs::read(folder.join(name)).unwrap()).unwrap()
}

fn lines(folder: &Path, name: &str) -> Vec<Value> {
    let text = fs::read_to_string(folder.join(name)).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Alice's migration is done, and what was staged is cleaned away.
fn moved_and_cleaned() -> Ready {
    let ready = Ready::with(ONE_PERSON, None, &[AT_ONCE]);
    ready.run_alice(&[]).ended(0);
    ready.run(&["cleanup", "--reports"]).ended(0);
    ready
}

/// Writes the evidence, which ends with this code, and returns where it is and what was said.
fn evidence(ready: &Ready, name: &str, code: i32) -> (PathBuf, String) {
    let folder = ready.file(name);
    let page = ready.file("report.html");
    let words =
        ["report", "--evidence", folder.to_str().unwrap(), "--html", page.to_str().unwrap()];
    let ran = ready.run(&words).ended(code);
    (folder, ran.err)
}

#[test]
fn after_a_cleanup_everyone_s_proof_is_still_complete() {
    let ready = moved_and_cleaned();
    let verified = ready.run(&["verify"]).ended(0);
    let kept = "proven by the manifest beside the journal";
    assert!(verified.out.contains(kept), "{}", verified.out);
    let (folder, _) = evidence(&ready, "evidence", 0);
    let alice = folder.join(ALICE);

    let proof = object(&alice, "proof.json");
    let receipt = ready.report()["proof"].clone();
    assert_eq!(proof["totals"], receipt["totals"]);
    assert_eq!((&proof["source"], &proof["destination"]), (&proof["totals"], &proof["totals"]));
    assert_eq!(proof["standing"], "moved");
    assert!(proof["evidence"]["device"].as_str().unwrap().starts_with("/dev/nvme"), "{proof}");
    assert!(proof["mover"]["sha256"].as_str().unwrap().len() == 64, "{proof}");

    // The manifest sums up to the digest, by this very reading.
    let stored = fs::read(alice.join("manifest.jsonl.zst")).unwrap();
    assert_eq!(proof["manifest_blake3"], blake3::hash(&stored).to_hex().as_str());
    let mut summing = manifest::Summing::default();
    let mut left = Vec::new();
    for entry in manifest::read(stored.as_slice()).unwrap() {
        let entry = entry.unwrap();
        left.extend(entry.not_copied());
        summing.add(&entry);
    }
    assert_eq!(json!(summing.totals()), proof["totals"]);
    let table = fs::read_to_string(alice.join("left-out.csv")).unwrap();
    assert_eq!(table.lines().count(), 1 + left.len());
    for (path, _) in left {
        assert!(table.contains(&path), "{path} in {table}");
    }

    let bob = folder.join("d-sim000000001/bob");
    let proof = object(&bob, "proof.json");
    assert_eq!((&proof["standing"], &proof["totals"]), (&json!("waiting"), &Value::Null));
    assert!(proof["manifest"]["missing"].as_str().unwrap().contains("not proven"), "{proof}");

    let page = fs::read_to_string(ready.file("report.html")).unwrap().replace("&#x2f;", "/");
    assert!(page.contains("href=\"evidence/d-sim000000001/alice/proof.json\""), "{page}");
}

#[test]
fn settings_before_and_after_and_every_call_with_its_request_id_are_evidence() {
    let ready = moved_and_cleaned();
    let (folder, _) = evidence(&ready, "evidence", 0);
    let alice = folder.join(ALICE);
    let settings = object(&alice, "settings.json");
    let of = |settings: &Value, name: &str| {
        let all = settings["settings"].as_array().unwrap();
        let one = all.iter().find(|one| one["setting"] == name);
        one.unwrap_or_else(|| panic!("{name} in {settings}")).clone()
    };
    let portal = of(&settings, "StudioWebPortal");
    assert_eq!((&portal["before"], &portal["after"]), (&json!("DISABLED"), &json!("ENABLED")));
    let landing = of(&settings, "DefaultLandingUri");
    assert_eq!(landing["before"], "app:JupyterServer:");
    assert_eq!(landing["after"], "studio::");
    let script = of(&settings, "BuiltInLifecycleConfigArn");
    assert!(script["before"].as_str().unwrap().ends_with("/tidy-shell"), "{script}");
    assert_eq!(script["before"], script["after"]);

    let calls = lines(&alice, "calls.jsonl");
    let events = lines(&alice, "events.jsonl");
    assert_eq!(calls.len(), events.iter().filter(|event| event["kind"] == "call").count());
    for call in &calls {
        assert_eq!(call["ok"], true, "{call}");
        assert!(!call["request_id"].as_str().unwrap().is_empty(), "{call}");
    }
    assert!(calls.iter().any(|call| call["operation"] == "CreateSpace"));
    assert!(calls.iter().any(|call| call["operation"] == "PutObject"));
    // The events are those of the chain, hash by hash.
    let exported = ready.events();
    assert!(events.len() > 20 && events.iter().all(|event| exported.contains(event)));
    let head = exported.last().unwrap()["hash"].clone();
    assert_eq!(object(&folder, "index.json")["about"]["audit"]["head"], head);

    ready.run(&["rollback", "--user", "alice", "--yes"]).ended(0);
    let (folder, _) = evidence(&ready, "afterwards", 0);
    let settings = object(&folder.join(ALICE), "settings.json");
    let portal = of(&settings, "StudioWebPortal");
    assert_eq!((&portal["standing"], &portal["after"]), (&json!("undone"), &json!("DISABLED")));
}

#[test]
fn evidence_is_its_owner_s_alone_and_its_index_notices_a_change() {
    let ready = moved_and_cleaned();
    let (folder, _) = evidence(&ready, "evidence", 0);
    for root in [folder.clone(), ready.file("manifests")] {
        let mut files = 0;
        for (path, _) in trees::listing(&root, false) {
            let about = fs::symlink_metadata(root.join(&path)).unwrap();
            let wanted = if about.is_dir() { 0o700 } else { 0o600 };
            assert_eq!(about.permissions().mode() & 0o777, wanted, "{}", path.display());
            files += usize::from(about.is_file());
        }
        assert!(files > 0, "{}", root.display());
        assert_eq!(fs::metadata(&root).unwrap().permissions().mode() & 0o777, 0o700);
    }

    let check = || ready.run(&["audit", "evidence", folder.to_str().unwrap()]);
    let said = check().ended(0).out;
    let files = object(&folder, "index.json")["files"].as_object().unwrap().len();
    assert!(said.contains(&format!("{files} files as written, 0 not")), "{said}");
    let mut sums = Command::new("sha256sum");
    let sums = sums.args(["--check", "--strict", "SHA256SUMS"]).current_dir(&folder).output();
    let sums = sums.unwrap();
    assert!(sums.status.success(), "{}", String::from_utf8_lossy(&sums.stderr));

    let proof = folder.join(ALICE).join("proof.json");
    let forged = fs::read_to_string(&proof).unwrap().replace("moved", "MOVED");
    fs::write(&proof, forged).unwrap();
    fs::remove_file(folder.join(ALICE).join("calls.jsonl")).unwrap();
    fs::write(folder.join("more.json"), "{}").unwrap();
    let said = check().ended(4).out;
    for wrong in
        ["alice/proof.json was changed", "alice/calls.jsonl is gone", "more.json was added"]
    {
        assert!(said.contains(wrong), "{wrong} in {said}");
    }

    let index = folder.join("index.json");
    let forged = fs::read_to_string(&index).unwrap().replacen("tester", "nobody", 1);
    fs::write(&index, forged).unwrap();
    let said = check().ended(4).out;
    assert!(said.contains("index.json is not the one that SHA256SUMS names"), "{said}");

    // Evidence is never mixed with what is there.
    let words = ["report", "--evidence", folder.to_str().unwrap()];
    assert!(ready.run(&words).ended(2).err.contains("it is not empty"));
}

#[test]
fn a_manifest_that_was_forged_or_lost_is_named_and_is_no_evidence() {
    let ready = moved_and_cleaned();
    let kept = ready.file("manifests").join(format!("{ALICE}.jsonl.zst"));
    let text = zstd::decode_all(fs::read(&kept).unwrap().as_slice()).unwrap();
    fs::write(&kept, zstd::encode_all(text.as_slice(), 19).unwrap()).unwrap();
    let (folder, said) = evidence(&ready, "forged", 4);
    assert!(said.contains(ALICE) && said.contains("is not the one that was proven"), "{said}");
    let alice = folder.join(ALICE);
    assert!(!alice.join("manifest.jsonl.zst").exists());
    let proof = object(&alice, "proof.json");
    assert!(proof["manifest"]["missing"].as_str().unwrap().contains("BLAKE3"), "{proof}");
    assert_eq!(object(&folder, "index.json")["about"]["incomplete"][0][0], ALICE);
    // What was not copied is still known from the journal.
    let table = fs::read_to_string(alice.join("left-out.csv")).unwrap();
    assert!(table.contains("special/pipe") && table.contains("receipt"), "{table}");

    fs::remove_file(&kept).unwrap();
    let (_, said) = evidence(&ready, "lost", 4);
    assert!(said.contains(ALICE) && said.contains("cannot be read"), "{said}");
}
