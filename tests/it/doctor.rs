//! `doctor` says of every bucket that a run writes to whose it is, who can see into it, and how it keeps what is in it.

use crate::common::ready::Ready;

/// A staging bucket as SageMaker makes it, and one for DataSync with these lines.
fn world(datasync: &str) -> String {
    format!(
        r#"
name: buckets
seed: 7
roles:
  - arn: arn:aws:iam::000000000000:role/DataSyncToS3
    trusts: [datasync.amazonaws.com]
    statements:
      - {{ allow: true, actions: ["s3:*"], resources: ["*"] }}
buckets:
  - name: studio-migrate-eu-west-1-000000000000
{datasync}
domains:
  - name: research
    members:
      DefaultUserSettings:
        ExecutionRole: arn:aws:iam::000000000000:role/service-role/AmazonSageMaker-ExecutionRole
    profiles:
      - {{ name: alice, home: empty }}
"#
    )
}

const TLS: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":["arn:aws:s3:::studio-migrate-eu-west-1-000000000000","arn:aws:s3:::studio-migrate-eu-west-1-000000000000/*"],"Condition":{"Bool":{"aws:SecureTransport":"false"}}}]}"#;

/// The lines that doctor says of DataSync's bucket, and all that it says.
fn said(datasync: &str) -> (Vec<String>, String) {
    let role = "datasync.role: arn:aws:iam::000000000000:role/DataSyncToS3";
    let ready = Ready::with(&world(datasync), None, &["  unmounted_homes: datasync", role]);
    let playbook = ready.journal.with_extension("yaml");
    let ran = ready.run(&["doctor", "--playbook", playbook.to_str().unwrap()]);
    let lines = ran.out.lines().filter(|line| line.contains("bucket studio-migrate-"));
    (lines.map(str::to_owned).collect(), ran.out)
}

#[test]
fn a_bucket_in_which_homes_lie_open_has_to_be_shut_and_what_to_paste_is_shown() {
    let (lines, all) = said("");
    assert!(lines[0].starts_with("ok     bucket studio-migrate-eu-west-1-000000000000 is there"));
    assert!(lines[1].starts_with("WRONG  ") && lines[1].contains("without TLS"), "{all}");
    assert!(all.contains("\"aws:SecureTransport\": \"false\""), "{all}");
    assert!(all.contains("\"arn:aws:s3:::studio-migrate-eu-west-1-000000000000/*\""), "{all}");
    let open = "    kept: { blocks_public_access: false, is_versioned: true }\n";
    let (lines, all) = said(open);
    assert!(
        lines[0].starts_with("WRONG  ") && lines[0].contains("put-public-access-block"),
        "{all}"
    );
    assert!(
        lines.iter().any(|line| line.starts_with("?      ") && line.contains("earlier versions")),
        "{all}"
    );
}

#[test]
fn a_bucket_that_is_shut_is_said_to_be_and_whom_its_policy_lets_in_is_named() {
    let key = "arn:aws:kms:eu-west-1:000000000000:key/1";
    let kept = format!("    policy: '{TLS}'\n    kept: {{ kms_key: \"{key}\" }}\n");
    let (lines, all) = said(&kept);
    assert!(lines.iter().all(|line| line.starts_with("ok     ")), "{all}");
    assert!(lines.iter().any(|line| line.contains("refuses whatever does not come over TLS")));
    assert!(lines.iter().any(|line| line.contains(&format!("key {key}"))), "{all}");
    let admits = TLS.replace(
        "[{\"Effect\":\"Deny\"",
        "[{\"Sid\":\"Team\",\"Effect\":\"Allow\"},{\"Effect\":\"Deny\"",
    );
    let (lines, all) = said(&format!("    policy: '{admits}'\n"));
    assert!(!lines.iter().any(|line| line.starts_with("WRONG")), "{all}");
    assert!(all.contains("lets somebody in (Team)"), "{all}");
}

#[test]
fn a_bucket_that_is_another_account_s_or_is_not_there_cannot_be_used() {
    let (_, all) = said("    kept: { owner: \"111111111111\" }\n");
    assert!(all.contains("(datasync.bucket) cannot be used, or is another account's"), "{all}");
    let ready = Ready::new();
    let ran = ready.run(&["doctor"]);
    assert!(
        ran.out.contains("bucket sagemaker-eu-west-1-000000000000 is there, yours"),
        "{}",
        ran.out
    );
    // Nothing travels with DataSync, so its bucket is nobody's concern.
    assert!(!ran.out.contains("studio-migrate-eu-west-1"), "{}", ran.out);
}

#[test]
fn the_buckets_of_archives_copies_and_flows_are_looked_at_as_well() {
    let others = "  - name: archive\n    kept: { blocks_public_access: false }\n  - name: keep\n    kept: { owner: \"111111111111\" }\n";
    let lines = [
        "  archive_to: s3://archive/orphans",
        "  copy_to: s3://keep/notebooks",
        "  destination: s3://archive/flows",
    ];
    let ready = Ready::with(&world(others), None, &lines);
    let playbook = ready.journal.with_extension("yaml");
    let ran = ready.run(&["doctor", "--playbook", playbook.to_str().unwrap()]).ended(3);
    let has = |text: &str| assert!(ran.out.contains(text), "{text}: {}", ran.out);
    // A bucket that two keys name is looked at once.
    let archive = "WRONG  bucket archive (orphans.archive_to, flows.destination)";
    has(&format!("{archive} does not block public access"));
    has(&format!("{archive} takes requests without TLS"));
    has("ok     bucket archive encrypts with");
    has("WRONG  bucket keep (shared_notebooks.copy_to) cannot be used, or is another account's");
}
