//! What was looked at in part is never taken for the whole, and what one person has is never told of another.

use serde_json::Value;

use crate::common::account::Served;
use crate::common::tool::{command_on, run_on};

/// Two domains whose homes bear the same number, as numbers begin anew in every domain.
const TWO: &str = "name: two\nscripts: [{ name: setup, app_type: JupyterServer, text: \"#!/bin/bash\\n\" }]\ndomains:\n  \
- name: one\n    profiles: [{ name: anna, uid: '200005', home: tidy }]\n  \
- name: two\n    profiles: [{ name: bert, uid: '200005', home: empty, settings: { JupyterServerAppSettings: { LifecycleConfigArns: \
['arn:aws:sagemaker:eu-west-1:000000000000:studio-lifecycle-config/setup'] } } }]\n";

struct World {
    _folder: tempfile::TempDir,
    served: Served,
    journal: std::path::PathBuf,
    domains: Vec<String>,
}

fn world(description: &str, faults: Option<&str>) -> World {
    let folder = tempfile::tempdir().unwrap();
    let served = Served::with_faults(&folder.path().join("world"), description, faults);
    let state = served.state();
    let domains = state["studio"]["domains"].as_object().unwrap().keys().cloned().collect();
    World { journal: folder.path().join("journal.db"), served, domains, _folder: folder }
}

impl World {
    fn report(&self, words: &[&str]) -> Value {
        let words = [&["readiness", "--format", "json"], words].concat();
        serde_json::from_str(&run_on(&self.served, &self.journal, &words).out).unwrap()
    }

    fn home_bytes(&self) -> Vec<(String, Option<u64>)> {
        let report = self.report(&[]);
        let people = report["verdicts"].as_array().unwrap().iter();
        people
            .map(|one| (one["profile"].as_str().unwrap().to_owned(), one["home_bytes"].as_u64()))
            .collect()
    }
}

fn codes(report: &Value) -> Vec<&str> {
    let findings = report["findings"].as_array().unwrap().iter();
    findings.map(|one| one["code"].as_str().unwrap()).collect()
}

#[test]
fn a_mount_that_does_not_say_whose_it_is_measures_nobody_where_it_could_be_several() {
    let world = world(TWO, None);
    let first = std::fs::read_dir(world.served.dir.join("efs")).unwrap().next().unwrap().unwrap();
    let ran = run_on(
        &world.served,
        &world.journal,
        &["inventory", "--mount", first.path().to_str().unwrap()],
    )
    .ended(0);
    assert!(ran.err.contains("could be any of 2 file systems"), "{}", ran.err);
    assert!(world.home_bytes().iter().all(|(_, bytes)| bytes.is_none()));
    let efs = world.served.dir.join("efs");
    run_on(&world.served, &world.journal, &["inventory", "--mount", efs.to_str().unwrap()])
        .ended(0);
    let bytes = world.home_bytes();
    assert!(bytes[0].1 > Some(100_000) && bytes[1] == ("bert".to_owned(), Some(0)), "{bytes:?}");
}

#[test]
fn of_a_domain_that_was_not_looked_at_nothing_is_said_to_be_an_orphan() {
    let world = world(TWO, None);
    let one = world.domains[0].as_str();
    let efs = world.served.dir.join("efs");
    let words = ["inventory", "--domain", one, "--domain", one, "--mount", efs.to_str().unwrap()];
    run_on(&world.served, &world.journal, &words).ended(0);
    let report = world.report(&[]);
    assert_eq!(report["people"], 1);
    for code in ["SM308", "SM309", "SM417"] {
        assert!(!codes(&report).contains(&code), "{report:#}");
    }
}

#[test]
fn two_targets_of_one_account_are_both_reported_and_a_target_without_a_snapshot_is_refused() {
    let world = world(TWO, None);
    let playbook = world.journal.with_file_name("targets.yaml");
    let target = |id: &str| format!("  - {{ region: eu-west-1, domains: [{id}] }}\n");
    let text = |targets: &str| format!("schema: 1\nname: targets\ntargets:\n{targets}");
    let both = target(&world.domains[0]) + &target(&world.domains[1]);
    std::fs::write(&playbook, text(&both)).unwrap();
    let path = playbook.to_str().unwrap();
    run_on(&world.served, &world.journal, &["inventory", "--playbook", path]).ended(0);
    assert_eq!(world.report(&["--playbook", path])["people"], 2);
    std::fs::write(&playbook, text(&target(&world.domains[0]))).unwrap();
    let report = world.report(&["--playbook", path]);
    assert_eq!((&report["people"], &report["verdicts"][0]["profile"]), (&1.into(), &"anna".into()));
    std::fs::write(&playbook, text("  - { region: eu-west-1, account: '111111111111' }\n"))
        .unwrap();
    let ran = run_on(&world.served, &world.journal, &["readiness", "--playbook", path]).ended(2);
    assert!(ran.err.contains("no snapshot of 111111111111 in eu-west-1"), "{}", ran.err);
}

#[test]
fn the_table_of_people_can_be_taken_back_and_outlives_the_next_inventory() {
    let world = world(TWO, None);
    run_on(&world.served, &world.journal, &["inventory"]).ended(0);
    let scoped = |who: usize, name: &str| {
        let table = world.journal.with_file_name("people.csv");
        let row = format!("domain,profile,take\n{},{name},no\n", world.domains[who]);
        std::fs::write(&table, row).unwrap();
        let words = ["inventory", "scope", table.to_str().unwrap()];
        run_on(&world.served, &world.journal, &words).ended(0);
    };
    let in_scope =
        || -> Vec<String> { world.home_bytes().into_iter().map(|(name, _)| name).collect() };
    for (who, name, left) in [(0, "anna", "bert"), (1, "bert", "anna"), (0, "anna", "bert")] {
        scoped(who, name);
        assert_eq!(in_scope(), [left]);
    }
    let ran = run_on(&world.served, &world.journal, &["inventory"]).ended(0);
    assert!(ran.err.contains("says of 1 profile is taken over"), "{}", ran.err);
    assert_eq!(in_scope(), ["bert"]);
}

#[test]
fn a_second_inventory_of_the_same_is_refused_while_the_first_is_under_way() {
    let faults =
        "- { operation: 'sagemaker:DescribeDomain', from: 1, times: 1, effect: { slow: 5.0 } }\n";
    let world = world(TWO, Some(faults));
    let mut first = command_on(&world.served, &world.journal, &["inventory"]).spawn().unwrap();
    let half = world.journal.with_file_name("journal.db.inventory-000000000000-eu-west-1");
    while !half.exists() {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let ran = run_on(&world.served, &world.journal, &["inventory"]).ended(6);
    assert!(ran.err.contains("is under way"), "{}", ran.err);
    assert!(first.wait().unwrap().success());
    run_on(&world.served, &world.journal, &["inventory"]).ended(0);
}

#[test]
fn whatever_is_refused_is_named() {
    let world_with = format!(
        "{TWO}images: [{{ name: geo, display_name: geo, role: r, versions: [{{ version: 1, base_image: x, aliases: [] }}] }}]\n"
    )
    .replacen("profiles: [{ name: anna", "members: { DefaultUserSettings: { SharingSettings: { NotebookOutputOption: Allowed, S3OutputPath: 's3://shared-000000000000/x' } } }\n    profiles: [{ name: anna", 1)
        + "buckets: [{ name: shared-000000000000 }]\n";
    for operation in [
        "s3:GetBucketEncryption",
        "s3:GetBucketVersioning",
        "s3:GetBucketCors",
        "elasticfilesystem:DescribeMountTargetSecurityGroups",
        "sagemaker:DescribeImageVersion",
        "sagemaker:ListTags",
        "iam:SimulatePrincipalPolicy",
    ] {
        let faults = format!("- {{ operation: '{operation}', times: 0, effect: denied }}\n");
        let world = world(&world_with, Some(&faults));
        let ran = run_on(&world.served, &world.journal, &["inventory"]).ended(0);
        assert!(ran.err.contains(&format!("not seen: {operation}")), "{operation}: {}", ran.err);
    }
}
