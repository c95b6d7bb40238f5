//! What one person is to another of the same execution role.

use serde_json::{Value, json};
use studio_migrate::aws::ErrorKind;
use studio_migrate::mover::{ReportKey, key};

use crate::common::client::Client;
use crate::common::ready::{ALICE, Ready};
use crate::common::tool::light_mover;

/// Longer than any report of the test worlds.
const LIMIT: u64 = 1 << 24;

#[test]
fn another_person_of_the_same_role_cannot_read_a_report() {
    let ready = Ready::new();
    ready.run_alice(&[]).ended(0);
    let (bucket, migration) = (ready.plan().staging_bucket(), ready.migration("alice"));
    let person = Client::person(&ready.served);
    assert!(person.account.identity().arn.contains("assumed-role"));
    for report in [key::DONE, key::MANIFEST, key::PROGRESS] {
        let object = format!("{}/{report}", migration.reports);
        // IAM cannot tell the people of a role apart, so the object itself can be had.
        let body = person.wait(person.account.object(&bucket, &object, LIMIT)).unwrap();
        assert!(body.len() > 40, "{report}");
        assert!(serde_json::from_slice::<Value>(&body).is_err(), "{report}");
        assert!(zstd::decode_all(body.as_slice()).is_err(), "{report}");
        for word in ["alice", "notebooks", "blake3", "sealed"] {
            let is_in = body.windows(word.len()).any(|seen| seen == word.as_bytes());
            assert!(!is_in, "{report} says {word}");
        }
    }
    // The key is in the hook, which the role may not look into.
    let refused = person.wait(person.account.script(&migration.hook)).unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Denied, "{refused}");
    // And the space is alice's alone.
    let space = ready.served.state()["studio"]["spaces"][format!("{}-studio", ALICE)].clone();
    assert_eq!((&space["sharing"], &space["owner"]), (&json!("Private"), &json!("alice")));
}

#[test]
fn another_person_of_the_same_role_cannot_forge_a_proof() {
    let ready = Ready::new();
    let classic = ready.settings("alice");
    let (bucket, migration) = (ready.plan().staging_bucket(), ready.migration("alice"));
    let object = format!("{}/{}", migration.reports, key::DONE);
    let person = Client::person(&ready.served);

    // Bob's own marker is a real one, of another migration.
    let mover = light_mover().to_str().unwrap();
    ready.run(&["run", "--yes", "--user", "bob", "--mover", mover]).ended(0);
    let bobs = format!("{}/{}", ready.migration("bob").reports, key::DONE);
    let bobs = person.wait(person.account.object(&bucket, &bobs, LIMIT)).unwrap();

    let done = json!({
        "schema": 1, "migration": migration.id, "space": migration.space, "error": null,
        "source": { "files": 0, "directories": 0, "symlinks": 0, "bytes": 0, "digest": "" },
        "destination": { "files": 0, "directories": 0, "symlinks": 0, "bytes": 0, "digest": "" },
        "not_copied": {},
        "evidence": { "device": "/dev/nvme1n1", "fstype": "ext4", "df": "", "source_device": "127.0.0.1:/" },
        "manifest_blake3": "", "manifest_bytes": 0,
        "started_at": "2026-01-01T00:00:00Z", "ended_at": "2026-01-01T00:00:00Z", "version": "0.1.0",
    });
    let done = done.to_string().into_bytes();
    let guessed = ReportKey::derive(b"guess", migration.id.as_str());
    let forgeries = [done.clone(), guessed.seal(key::DONE, &done), bobs];
    for (number, forged) in forgeries.into_iter().enumerate() {
        person.wait(person.account.put_bytes(&bucket, &object, forged)).unwrap();
        let ran = ready.run_alice(&[]).ended(4);
        assert!(ran.err.contains("not sealed by this migration's mover"), "{number}: {}", ran.err);
        assert_eq!(ready.settings("alice"), classic, "forgery {number}");
    }
    // A rollback takes the forgery away, and the next run is as if there had been none.
    ready.run(&["rollback", "--user", "alice"]).ended(0);
    ready.run_alice(&[]).ended(0);
    assert_eq!(ready.settings("alice")["DefaultLandingUri"], "studio::");
}
