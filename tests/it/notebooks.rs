//! Notebooks that were shared in Classic: copied with an index, once, and never over anything.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;

use serde_json::Value;
use studio_migrate::sim::bucket::{file_of, put};

use crate::common::client::Client;
use crate::common::ready::{Ready, only_looks};
use crate::common::tool::{Ran, command_on};

/// A domain that shares through one place, a profile of it with a place of its own in another account, and a domain that nobody
/// moves from, which would share through a third.
const WORLD: &str = r##"
name: sharing
seed: 7
timing: { space: 0.05, update: 0.05, app_start: 0.1, app_stop: 0.05 }
domains:
  - name: research
    members:
      DefaultUserSettings:
        ExecutionRole: arn:aws:iam::000000000000:role/service-role/AmazonSageMaker-ExecutionRole
        SharingSettings: { NotebookOutputOption: Allowed, S3OutputPath: s3://shared/sharing }
    profiles:
      - { name: alice, home: empty }
      - { name: bob, home: empty, uid: "200777" }
    spaces:
      - { name: classic-team, home: empty }
buckets:
  - name: sagemaker-eu-west-1-000000000000
  - name: keep
    kept: { is_versioned: true }
  - name: open
    kept: { blocks_public_access: false }
  - name: theirs
    kept: { owner: "111111111111" }
    objects: [{ key: shared/theirs.ipynb, bytes: 10 }]
  - name: shared
    objects:
      - { key: sharing/alice/model.ipynb, bytes: 4096, days_ago: 400 }
      - { key: "sharing/alice/über uns + 100%.ipynb", bytes: 10, days_ago: 3 }
      - { key: sharing/200777/plot.ipynb, bytes: 20, days_ago: 30 }
      - { key: sharing/classic-team/notes.ipynb, bytes: 30 }
      - { key: sharing/somebody/x.ipynb, bytes: 40 }
      - { key: sharing/loose.ipynb, bytes: 50 }
      - { key: sharing/empty/, bytes: 0 }
      - { key: sharing-not/alice/other.ipynb, bytes: 60 }
"##;

/// What of [`WORLD`] is a notebook shared by the domain.
const NOTEBOOKS: usize = 6;

pub fn ready(copy_to: &str) -> Ready {
    Ready::with(WORLD, None, &[&format!("  copy_to: {copy_to}")])
}

/// The same where bob shares through another account's bucket.
fn ready_with_foreign() -> Ready {
    let bob = "uid: \"200777\", settings: { SharingSettings: { NotebookOutputOption: Allowed, S3OutputPath: \"s3://theirs/shared\" } }";
    let world = WORLD.replace("uid: \"200777\"", bob);
    Ready::with(&world, None, &["  copy_to: s3://keep/classic"])
}

/// Runs `notebooks` and returns with it the calls that it made.
fn notebooks(ready: &Ready, more: &[&str]) -> (Ran, Vec<Value>) {
    let log = ready.file("wire.jsonl");
    let _ = std::fs::remove_file(&log);
    let words = ["notebooks", "--wire-log", log.to_str().unwrap()];
    let ran = ready.run(&[words.as_slice(), more].concat());
    (ran, Ready::exchanges(&log))
}

fn made(exchanges: &[Value], operation: &str) -> usize {
    exchanges.iter().filter(|exchange| exchange["operation"] == operation).count()
}

/// The keys below the destination.
fn copies(client: &Client) -> BTreeSet<String> {
    let found = client.wait(client.account.objects("keep", "classic/")).unwrap();
    found.into_iter().map(|(key, _)| key).collect()
}

fn bytes(client: &Client, bucket: &str, key: &str) -> Vec<u8> {
    client.wait(client.account.object(bucket, key, 1 << 20)).unwrap()
}

fn index(client: &Client) -> Value {
    serde_json::from_slice(&bytes(client, "keep", "classic/index.json")).unwrap()
}

fn texts(rows: &Value, name: &str) -> Vec<String> {
    let rows = rows.as_array().unwrap().iter();
    rows.map(|row| row[name].as_str().unwrap().to_owned()).collect()
}

/// Changes what the simulator knows of an object, to make one that is costly to make.
fn edit(world: &Path, bucket: &str, key: &str, change: impl FnOnce(&mut Value)) {
    let file = file_of(world, bucket, key).unwrap();
    let beside = file.with_extension("json");
    let mut known: Value = serde_json::from_slice(&std::fs::read(&beside).unwrap()).unwrap();
    change(&mut known);
    std::fs::write(&beside, known.to_string()).unwrap();
}

#[test]
fn what_was_shared_is_copied_with_its_metadata_and_an_index_says_where_it_is() {
    let ready = ready("s3://keep/classic");
    let client = Client::administrator(&ready.served);
    let draft = ready.file("draft.ipynb");
    std::fs::write(&draft, "{\"cells\": []}").unwrap();
    let key = "sharing/alice/draft.ipynb";
    let put = client.account.put_document(
        ("shared", key),
        &draft,
        "application/x-ipynb+json",
        ("author", "alice"),
    );
    client.wait(put).unwrap();
    let (ran, exchanges) = notebooks(&ready, &[]);
    let ran = ran.ended(0);
    assert!(ran.out.contains("s3://shared/sharing: 7 objects"), "{}", ran.out);
    assert!(ran.out.contains("7 copied, 0 there already, 0 not copied"), "{}", ran.out);
    assert!(ran.err.contains("keeps earlier versions"), "{}", ran.err);
    assert_eq!(made(&exchanges, "CopyObject"), NOTEBOOKS + 1);
    assert_eq!(made(&exchanges, "GetObject"), 0, "server side");
    let copy = format!("classic/shared/{key}");
    assert_eq!(bytes(&client, "keep", &copy), b"{\"cells\": []}");
    let seen = client.wait(client.account.look_at("keep", &copy)).unwrap().unwrap();
    assert_eq!(seen.metadata.get("author").map(String::as_str), Some("alice"));
    assert!(!seen.sums.is_empty());
    let odd = "classic/shared/sharing/alice/über uns + 100%.ipynb";
    assert_eq!(bytes(&client, "keep", odd), b"..........");
    assert!(!copies(&client).iter().any(|key| key.contains("sharing-not")));

    let index = index(&client);
    assert_eq!(index["schema"], 1);
    assert_eq!(index["copied"], 7);
    assert_eq!(
        texts(&index["notebooks"], "owner"),
        ["", "alice", "alice", "alice", "bob", "classic-team", "somebody"]
    );
    assert_eq!(
        texts(&index["notebooks"], "owner_kind"),
        ["unknown", "profile", "profile", "profile", "profile", "shared-space", "unknown"]
    );
    assert_eq!(index["notebooks"][4]["folder"], "200777");
    assert_eq!(index["notebooks"][1]["name"], "draft.ipynb");
    assert_eq!(
        index["notebooks"][3]["fetch"],
        "aws s3 cp 's3://keep/classic/shared/sharing/alice/über uns + 100%.ipynb' ."
    );
    let page = String::from_utf8(bytes(&client, "keep", "classic/index.html")).unwrap();
    assert!(page.contains("7 shared notebooks of Studio Classic"));
    assert!(page.contains("plot.ipynb"));

    // Every change stands in the journal before its answer.
    let events = ready.events();
    let called = |operation: &str| {
        events.iter().filter(|event| event["detail"]["operation"] == operation).count()
    };
    assert_eq!((called("CopyObject"), called("PutObject")), (7, 2));
    ready.run(&["audit", "verify"]).ended(0);
}

#[test]
fn a_second_run_copies_nothing_and_takes_up_what_was_shared_since() {
    let ready = ready("s3://keep/classic");
    notebooks(&ready, &[]).0.ended(0);
    let (ran, exchanges) = notebooks(&ready, &[]);
    assert!(ran.ended(0).out.contains("0 copied, 6 there already, 0 not copied"));
    assert_eq!(made(&exchanges, "CopyObject"), 0);
    put(&ready.served.dir, "shared", "sharing/alice/new.ipynb", b"new").unwrap();
    let (ran, exchanges) = notebooks(&ready, &[]);
    assert!(ran.ended(0).out.contains("1 copied, 6 there already, 0 not copied"));
    assert_eq!(made(&exchanges, "CopyObject"), 1);
    assert_eq!(index(&Client::administrator(&ready.served))["copied"], 7);
}

#[test]
fn what_s3_cannot_tell_apart_is_read_and_compared() {
    let ready = ready("s3://keep/classic");
    let key = "sharing/alice/model.ipynb";
    // As an object that was uploaded in parts, years ago, is known.
    edit(&ready.served.dir, "shared", key, |known| {
        known["etag"] = "0123456789abcdef0123456789abcdef-2".into();
        known["sums"] = serde_json::json!({});
    });
    notebooks(&ready, &[]).0.ended(0);
    let (ran, exchanges) = notebooks(&ready, &[]);
    assert!(ran.ended(0).out.contains("0 copied, 6 there already"));
    assert_eq!(made(&exchanges, "GetObject"), 2);
    // The same number of bytes, and others.
    put(&ready.served.dir, "keep", &format!("classic/shared/{key}"), &[b'!'; 4096]).unwrap();
    let (ran, _) = notebooks(&ready, &[]);
    let ran = ran.ended(4);
    assert!(ran.err.contains("is there already with another content"), "{}", ran.err);
}

#[test]
fn what_is_at_the_destination_and_differs_is_named_and_never_overwritten() {
    let ready = ready("s3://keep/classic");
    let copy = "classic/shared/sharing/alice/model.ipynb";
    put(&ready.served.dir, "keep", copy, b"worked on").unwrap();
    let (ran, _) = notebooks(&ready, &[]);
    let ran = ran.ended(4);
    assert!(ran.out.contains("5 copied, 0 there already, 1 not copied"), "{}", ran.out);
    assert!(ran.err.contains("is there already with 9 bytes, not 4096"), "{}", ran.err);
    let client = Client::administrator(&ready.served);
    assert_eq!(bytes(&client, "keep", copy), b"worked on");
    let index = index(&client);
    assert_eq!(texts(&index["not_copied_notebooks"], "name"), ["model.ipynb"]);
    assert_eq!(index["not_copied_notebooks"][0]["fetch"], Value::Null);
    // Whoever comes between the look and the copy is not overwritten either: S3 itself refuses.
    let seen =
        client.wait(client.account.look_at("shared", "sharing/loose.ipynb")).unwrap().unwrap();
    let again =
        client.account.copy_object(("shared", "sharing/loose.ipynb"), &seen, ("keep", copy));
    assert!(client.wait(again).unwrap_err().to_string().contains("PreconditionFailed"));
    assert_eq!(bytes(&client, "keep", copy), b"worked on");
}

#[test]
fn a_place_that_may_not_be_listed_is_named_and_the_others_go_on() {
    let ready = ready_with_foreign();
    let (ran, _) = notebooks(&ready, &[]);
    let ran = ran.ended(4);
    assert!(ran.err.contains("s3://theirs/shared cannot be listed"), "{}", ran.err);
    assert!(ran.out.contains("6 copied"), "{}", ran.out);
    // What could not be listed is not said to be nothing, on the terminal or on the page.
    let theirs = "s3://theirs/shared: what is in it is not known: ";
    assert!(ran.out.contains(theirs) && !ran.out.contains("0 objects"), "{}", ran.out);
    let client = Client::administrator(&ready.served);
    let page = bytes(&client, "keep", "classic/index.html");
    let page = String::from_utf8(page).unwrap();
    assert!(page.contains("not known</td><td>could not be listed: "), "{page}");
    let again = ready.run(&["inventory"]).ended(0);
    assert!(again.err.contains("s3://theirs/shared: not known what is there: "), "{}", again.err);
    let index = index(&Client::administrator(&ready.served));
    let places = index["places"].as_array().unwrap();
    assert_eq!(places[0]["not_listed"], Value::Null);
    assert!(places[1]["not_listed"].as_str().unwrap().contains("AccessDenied"), "{places:?}");
    assert_eq!(places[1]["set_by"][0], "d-sim000000001/bob");
}

#[test]
fn an_object_that_may_not_be_copied_is_named_and_the_next_run_takes_it() {
    let fault = "- { operation: s3:CopyObject, from: 3, times: 1, effect: denied }";
    let ready = ready("s3://keep/classic").with_faults(Some(fault));
    let (ran, _) = notebooks(&ready, &[]);
    let ran = ran.ended(4);
    assert!(ran.out.contains("5 copied, 0 there already, 1 not copied"), "{}", ran.out);
    assert!(ran.err.contains("s3:CopyObject was refused: AccessDenied"), "{}", ran.err);
    let (ran, _) = notebooks(&ready, &[]);
    assert!(ran.ended(0).out.contains("1 copied, 5 there already, 0 not copied"));
}

#[test]
fn a_copy_whose_answer_was_lost_counts_and_is_not_made_twice() {
    let fault = "- { operation: s3:CopyObject, from: 2, times: 1, effect: reply-lost }";
    let ready = ready("s3://keep/classic").with_faults(Some(fault));
    let (ran, _) = notebooks(&ready, &[]);
    assert!(ran.ended(0).out.contains("6 copied, 0 there already, 0 not copied"));
}

#[test]
fn a_run_that_is_killed_anywhere_is_finished_by_the_next() {
    // Two points before and two after each event: 24 for the copies, 8 for the index.
    for point in [2, 9, 20, 29] {
        let ready = ready("s3://keep/classic");
        let client = Client::administrator(&ready.served);
        let mut killed = command_on(&ready.served, &ready.journal, &["notebooks"]);
        let killed = killed.env("STUDIO_MIGRATE_CRASH_AT", point.to_string()).output().unwrap();
        assert_eq!(killed.status.code(), None, "{}", String::from_utf8_lossy(&killed.stderr));
        assert!(!copies(&client).contains("classic/index.html"), "only once all was looked at");
        notebooks(&ready, &[]).0.ended(0);
        assert_eq!(copies(&client).len(), NOTEBOOKS + 2, "killed at point {point}");
        assert_eq!(index(&client)["copied"], NOTEBOOKS);
        ready.run(&["audit", "verify"]).ended(0);
    }
}

#[test]
fn a_dry_run_says_what_would_be_copied_and_changes_nothing() {
    let ready = ready("s3://keep/classic");
    let (ran, exchanges) = notebooks(&ready, &["--dry-run"]);
    let ran = ran.ended(0);
    assert!(ran.out.contains("6 would be copied, 0 there already, 0 not copied"), "{}", ran.out);
    assert!(ran.out.contains("this was a dry run"), "{}", ran.out);
    assert!(exchanges.iter().all(only_looks), "{exchanges:?}");
    assert_eq!(copies(&Client::administrator(&ready.served)), BTreeSet::new());
}

#[test]
fn a_destination_that_will_not_do_is_refused_before_anything_is_copied() {
    for (copy_to, code, said) in [
        ("null", 2, "copies shared notebooks nowhere"),
        ("s3://shared/sharing/copies", 2, "lies inside s3://shared/sharing"),
        ("s3://open/classic", 3, "bucket open may be public"),
        ("s3://theirs/classic", 3, "has to belong to account 000000000000"),
        ("s3://nowhere/classic", 3, "find bucket nowhere"),
    ] {
        let ready = ready(copy_to);
        let (ran, exchanges) = notebooks(&ready, &[]);
        let ran = ran.ended(code);
        assert!(ran.err.contains(said), "{copy_to}: {}", ran.err);
        assert!(ran.err.contains("Hint:"), "{copy_to}: {}", ran.err);
        assert!(exchanges.iter().all(only_looks), "{copy_to}: {exchanges:?}");
    }
}

#[test]
fn an_index_that_is_somebody_elses_is_not_replaced() {
    let ready = ready("s3://keep/classic");
    put(&ready.served.dir, "keep", "classic/index.html", b"theirs").unwrap();
    let (ran, exchanges) = notebooks(&ready, &[]);
    assert!(ran.ended(3).err.contains("s3://keep/classic/index.html is somebody else's"));
    assert!(exchanges.iter().all(only_looks), "{exchanges:?}");
}

#[test]
fn an_object_too_large_for_one_copy_is_named_with_the_command_that_copies_it() {
    let ready = ready("s3://keep/classic");
    let key = "sharing/somebody/x.ipynb";
    edit(&ready.served.dir, "shared", key, |known| known["size"] = (6_u64 << 30).into());
    let (ran, _) = notebooks(&ready, &[]);
    let ran = ran.ended(4);
    let command = format!("aws s3 cp 's3://shared/{key}' 's3://keep/classic/shared/{key}'");
    assert!(ran.err.contains(&command), "{}", ran.err);
    assert!(ran.out.contains("5 copied, 0 there already, 1 not copied"), "{}", ran.out);
}

#[test]
fn a_plan_whose_domains_share_nothing_has_nothing_to_copy() {
    let ready = Ready::with(crate::common::ONE_PERSON, None, &["  copy_to: s3://keep/classic"]);
    let (ran, exchanges) = notebooks(&ready, &[]);
    assert!(ran.ended(0).out.contains("no domain of the plan shares notebooks"));
    assert_eq!(exchanges.len(), 0);
}

#[test]
fn the_operators_policy_reads_the_places_and_writes_the_copies() {
    let mut playbook = tempfile::NamedTempFile::with_suffix(".yaml").unwrap();
    let text = crate::common::tool::PLAYBOOK
        .replace("copy_to: null", "copy_to: s3://keep-{account}/classic");
    playbook.write_all(text.as_bytes()).unwrap();
    let file = playbook.path().to_str().unwrap();
    let words = ["iam", "operator", "--playbook", file, "--shared", "s3://shared/sharing"];
    let ran: Ran = crate::common::tool::command(&words).output().unwrap().into();
    let policy: Value = serde_json::from_str(&ran.ended(0).out).unwrap();
    let statements = policy["Statement"].as_array().unwrap();
    let resource =
        |sid: &str| statements.iter().find(|one| one["Sid"] == sid).unwrap()["Resource"][0].clone();
    assert_eq!(resource("ReadSharedNotebooks"), "arn:aws:s3:::shared/sharing/*");
    assert_eq!(resource("WriteNotebookCopies"), "arn:aws:s3:::keep-111122223333/classic/*");
    let ran: Ran =
        crate::common::tool::command(&["iam", "operator", "--shared", "s3://shared/sharing"])
            .output()
            .unwrap()
            .into();
    assert!(ran.ended(2).err.contains("copies shared notebooks nowhere"));
}
