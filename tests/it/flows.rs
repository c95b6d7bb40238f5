//! Data Wrangler flows: found in Classic homes, copied once to where Canvas imports from, and listed by owner.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;
use studio_migrate::sim::bucket::put;

use crate::common::account::Served;
use crate::common::client::Client;
use crate::common::ready::{Ready, only_looks};
use crate::common::tool::{Ran, command_on};

/// Alice and bob; for whoever has no place in the playbook, the domain says where Canvas keeps what is made in it.
const WORLD: &str = r##"
name: flows
seed: 7
timing: { space: 0.05, update: 0.05, app_start: 0.1, app_stop: 0.05 }
domains:
  - name: research
    members:
      DefaultUserSettings:
        ExecutionRole: arn:aws:iam::000000000000:role/service-role/AmazonSageMaker-ExecutionRole
        StudioWebPortal: DISABLED
        DefaultLandingUri: "app:JupyterServer:"
        CanvasAppSettings: { WorkspaceSettings: { S3ArtifactPath: "s3://canvas/artifacts" } }
    profiles:
      - { name: alice, home: empty }
      - { name: bob, home: empty }
buckets:
  - name: sagemaker-eu-west-1-000000000000
  - name: keep
  - name: canvas
"##;

pub fn ready(destination: &str) -> Ready {
    with_flows(Ready::with(WORLD, None, &[&format!("  destination: {destination}")]))
}

/// Puts flows into both homes, which were empty when the inventory was taken.
fn with_flows(ready: Ready) -> Ready {
    let alice = ready.classic_home("alice");
    for (path, text) in
        [("prep.flow", "{\"nodes\": 1}"), ("work/übung 2.flow", "{}"), ("not-a-flow.txt", "x")]
    {
        let file = alice.join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }
    fs::write(ready.classic_home("bob").join("bob.flow"), "bob's").unwrap();
    ready
}

fn flows(ready: &Ready, more: &[&str]) -> (Ran, Vec<Value>) {
    let log = ready.file("wire.jsonl");
    let _ = fs::remove_file(&log);
    let mount = ready.served.dir.join("efs");
    let words = ["flows", "--mount", mount.to_str().unwrap(), "--wire-log", log.to_str().unwrap()];
    let ran = ready.run(&[words.as_slice(), more].concat());
    (ran, Ready::exchanges(&log))
}

fn bytes(ready: &Ready, bucket: &str, key: &str) -> Vec<u8> {
    let client = Client::administrator(&ready.served);
    client.wait(client.account.object(bucket, key, 1 << 20)).unwrap()
}

fn index(ready: &Ready, bucket: &str, prefix: &str) -> Value {
    serde_json::from_slice(&bytes(ready, bucket, &format!("{prefix}/index.json"))).unwrap()
}

fn puts(exchanges: &[Value]) -> usize {
    exchanges.iter().filter(|exchange| exchange["operation"] == "PutObject").count()
}

#[test]
fn every_flow_is_copied_with_a_checksum_and_listed_by_owner() {
    let ready = ready("s3://keep/flows");
    let (ran, _) = flows(&ready, &["--apply"]);
    let ran = ran.ended(0);
    assert!(ran.out.contains("d-sim000000001/alice: 2 copied, 0 there already, 0 not copied"));
    assert!(ran.out.contains("3 at s3://keep/flows, 0 not copied"), "{}", ran.out);
    let copy = "flows/d-sim000000001/alice/work/übung 2.flow";
    assert_eq!(bytes(&ready, "keep", copy), b"{}");
    let index = index(&ready, "keep", "flows");
    let rows = index["flows"].as_array().unwrap();
    let told: Vec<_> = rows.iter().map(|row| (&row["owner"], &row["path"])).collect();
    assert_eq!(told.len(), 3, "{told:?}");
    assert_eq!(rows[0]["owner"], "alice");
    assert_eq!(rows[1]["to"], format!("s3://keep/{copy}"));
    assert_eq!(rows[1]["blake3"], blake3::hash(b"{}").to_hex().as_str());
    let page = String::from_utf8(bytes(&ready, "keep", "flows/index.html")).unwrap();
    assert!(page.contains("3 Data Wrangler flows") && page.contains("bob.flow"));
    let person = ready.report();
    let remarks = person["remarks"].to_string();
    assert!(remarks.contains("2 Data Wrangler flows are at s3://keep/flows/"), "{remarks}");
    ready.run(&["audit", "verify"]).ended(0);
}

#[test]
fn where_the_playbook_names_no_place_they_go_to_where_canvas_keeps_its_own() {
    let ready = ready("null");
    flows(&ready, &["--apply"]).0.ended(0);
    let copy = "artifacts/classic-flows/d-sim000000001/bob/bob.flow";
    assert_eq!(bytes(&ready, "canvas", copy), b"bob's");
}

#[test]
fn a_second_run_copies_nothing_and_what_somebody_put_there_is_never_overwritten() {
    let ready = ready("s3://keep/flows");
    let key = "flows/d-sim000000001/bob/bob.flow";
    put(&ready.served.dir, "keep", key, b"worked on").unwrap();
    let ran = flows(&ready, &["--apply"]).0.ended(4);
    assert!(ran.err.contains("bob.flow is not copied: "), "{}", ran.err);
    assert_eq!(bytes(&ready, "keep", key), b"worked on");
    let index = index(&ready, "keep", "flows");
    assert_eq!(index["not_copied"][0]["path"], "bob.flow");
    let (ran, exchanges) = flows(&ready, &["--apply"]);
    assert!(ran.ended(4).out.contains("alice: 0 copied, 2 there already, 0 not copied"));
    // The index alone is written anew.
    assert_eq!(puts(&exchanges), 2);
}

#[test]
fn without_apply_it_says_what_it_would_do_and_writes_nothing() {
    let ready = ready("s3://keep/flows");
    let (ran, exchanges) = flows(&ready, &[]);
    let ran = ran.ended(0);
    assert!(ran.out.contains("alice: 2 would be copied"), "{}", ran.out);
    assert!(ran.out.contains("nothing was written: give --apply"), "{}", ran.out);
    assert!(exchanges.iter().all(only_looks), "{exchanges:?}");
}

#[test]
fn a_link_and_a_home_that_is_not_mounted_are_named_and_the_others_go_on() {
    let ready = ready("s3://keep/flows");
    let alice = ready.classic_home("alice");
    std::os::unix::fs::symlink("/etc/passwd", alice.join("out.flow")).unwrap();
    let bob: PathBuf = ready.classic_home("bob");
    fs::rename(&bob, bob.with_extension("away")).unwrap();
    let ran = flows(&ready, &["--apply"]).0.ended(4);
    assert!(ran.err.contains("out.flow is not copied: it cannot be read"), "{}", ran.err);
    assert!(ran.err.contains("bob: flows were not looked for: there is no home at"), "{}", ran.err);
    let index = index(&ready, "keep", "flows");
    assert_eq!(index["flows"].as_array().unwrap().len(), 2);
    assert_eq!(index["not_looked_at"][0][0], "d-sim000000001/bob");
}

#[test]
fn the_index_keeps_what_earlier_runs_found_where_a_run_sees_less() {
    let ready = ready("s3://keep/flows");
    flows(&ready, &["--apply"]).0.ended(0);
    let first = index(&ready, "keep", "flows");
    let empty = ready.file("empty");
    fs::create_dir(&empty).unwrap();
    let words = ["flows", "--apply", "--mount", empty.to_str().unwrap()];
    let ran = ready.run(&words).ended(4);
    let not_seen = "2 homes not looked at: d-sim000000001/alice, d-sim000000001/bob";
    assert!(ran.out.contains(not_seen), "{}", ran.out);
    assert!(ran.out.contains("3 flows of earlier runs not seen in the homes"), "{}", ran.out);
    assert!(ran.out.contains("3 at s3://keep/flows, 0 not copied"), "{}", ran.out);
    let second = index(&ready, "keep", "flows");
    let told = |index: &Value, what: &str| -> Vec<Value> {
        index["flows"].as_array().unwrap().iter().map(|row| row[what].clone()).collect()
    };
    assert_eq!(told(&second, "to"), told(&first, "to"));
    assert_eq!(told(&second, "last_seen"), vec![first["made_at"].clone(); 3]);
    let page = String::from_utf8(bytes(&ready, "keep", "flows/index.html")).unwrap();
    assert!(page.contains("not seen in the home this time"));
    // What is seen again is no longer marked, and what is gone from the home stays: its copy is there.
    fs::remove_file(ready.classic_home("alice").join("prep.flow")).unwrap();
    let ran = flows(&ready, &["--apply"]).0.ended(0);
    assert!(ran.out.contains("1 flow of earlier runs not seen"), "{}", ran.out);
    let third = index(&ready, "keep", "flows");
    assert_eq!(told(&third, "to"), told(&first, "to"));
    assert_eq!(told(&third, "last_seen")[0], first["made_at"]);
    assert_eq!(told(&third, "last_seen")[1..], [Value::Null, Value::Null]);
}

#[test]
fn an_index_that_cannot_be_read_is_not_written_over() {
    let ready = ready("s3://keep/flows");
    flows(&ready, &["--apply"]).0.ended(0);
    let newer = b"{\"schema\": 2}".to_vec();
    let client = Client::administrator(&ready.served);
    let account = &client.account;
    let file = ready.file("index.json");
    fs::write(&file, &newer).unwrap();
    let mark = ("studio-migrate", "flows-index");
    let place = ("keep", "flows/index.json");
    client.wait(account.put_document(place, &file, "application/json", mark)).unwrap();
    fs::write(ready.classic_home("bob").join("late.flow"), "late").unwrap();
    let (ran, exchanges) = flows(&ready, &["--apply"]);
    let ran = ran.ended(3);
    assert!(
        ran.err.contains("what earlier runs found is in s3://keep/flows/index.json"),
        "{}",
        ran.err
    );
    assert_eq!(puts(&exchanges), 0);
    assert_eq!(bytes(&ready, "keep", "flows/index.json"), newer);
}

#[test]
fn flows_of_another_home_are_not_taken_for_those_of_whoever_has_its_number() {
    let folder = tempfile::tempdir().unwrap();
    let served = Served::start(&folder.path().join("world"), WORLD);
    // It was there before the inventory, which saw an empty home of bob's.
    let strange = folder.path().join("strange");
    fs::create_dir(&strange).unwrap();
    fs::write(strange.join("secret.flow"), "somebody's").unwrap();
    let line = "  destination: s3://keep/flows";
    let ready = with_flows(Ready::on(served, folder, WORLD, None, &[line]));
    let bob = ready.classic_home("bob");
    fs::rename(&bob, bob.with_extension("aside")).unwrap();
    fs::rename(&strange, &bob).unwrap();
    let ran = flows(&ready, &["--apply"]).0.ended(4);
    let said = ran.err.lines().find(|line| line.contains("bob: flows were not looked for"));
    let said = said.unwrap_or_else(|| panic!("{}", ran.err));
    assert!(said.contains("more than that which nobody touched since"), "{said}");
    assert!(said.contains("take an inventory with --mount again"), "{said}");
    // What alice began since the inventory is hers.
    assert!(ran.err.contains("alice: it has 3 files, and had 0 when"), "{}", ran.err);
    let index = index(&ready, "keep", "flows");
    assert!(!index["flows"].to_string().contains("secret"), "{index}");
    assert_eq!(index["flows"].as_array().unwrap().len(), 2);
}

#[test]
fn a_run_that_is_killed_anywhere_is_finished_by_the_next() {
    for point in [2, 7, 12, 19] {
        let ready = ready("s3://keep/flows");
        let mount = ready.served.dir.join("efs");
        let words = ["flows", "--apply", "--mount", mount.to_str().unwrap()];
        let mut killed = command_on(&ready.served, &ready.journal, &words);
        let killed = killed.env("STUDIO_MIGRATE_CRASH_AT", point.to_string()).output().unwrap();
        assert_eq!(killed.status.code(), None, "{}", String::from_utf8_lossy(&killed.stderr));
        flows(&ready, &["--apply"]).0.ended(0);
        let index = index(&ready, "keep", "flows");
        assert_eq!(index["flows"].as_array().unwrap().len(), 3, "killed at {point}");
    }
}

#[test]
fn without_a_mount_the_flows_of_those_who_have_moved_are_listed() {
    let ready = ready("s3://keep/flows");
    let before = ready.run(&["flows"]).ended(0).out;
    assert!(before.contains("0 flows in the spaces"), "{before}");
    ready.run_alice(&[]).ended(0);
    let after = ready.run(&["flows"]).ended(0).out;
    assert!(after.contains("prep.flow, in ~/prep.flow of space alice-studio"), "{after}");
    assert!(after.contains("2 flows in the spaces of those who have moved"), "{after}");
}
