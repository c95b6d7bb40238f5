//! One report over several accounts, and a verdict for every batch of a plan.

use serde_json::Value;

use crate::common::account::Served;
use crate::common::tool::run_on;

const WORLD: &str = "name: one\nquotas: { Studio JupyterLab Apps running on ml.t3.medium instance: 20 }\ndomains:\n  - name: research\n    profiles: [{ name: alice, home: empty }, { name: bruno, home: empty }]\n";

#[test]
fn a_report_over_every_target_names_whose_each_finding_is_and_batches_have_verdicts() {
    let folder = tempfile::tempdir().unwrap();
    let served = Served::start(&folder.path().join("world"), WORLD);
    let journal = folder.path().join("journal.db");
    let json = |words: &[&str], code: i32| -> Value {
        let words = [&["readiness", "--format", "json"], words].concat();
        serde_json::from_str(&run_on(&served, &journal, &words).ended(code).out).unwrap()
    };
    run_on(&served, &journal, &["inventory"]).ended(0);
    run_on(&served, &journal, &["plan"]).ended(0);
    let report = json(&[], 0);
    let groups = report["groups"].as_array().unwrap();
    assert!(groups.iter().any(|group| group["kind"] == "batch" && group["name"] == "pilot"));
    assert_eq!(report["verdicts"][0]["batch"], "pilot");

    // The same world by another name: a snapshot of another Region, as far as the journal can tell.
    let other = folder.path().join("other.db");
    let copied = rusqlite::Connection::open(&journal).unwrap();
    copied.execute("VACUUM INTO ?1", [other.to_str().unwrap()]).unwrap();
    copied
        .execute_batch(
            "INSERT INTO snapshot (id, kept_at, body) SELECT 'elsewhere000', kept_at, \
             replace(replace(body, '\"eu-west-1\"', '\"us-east-1\"'), 'd-sim000000001', 'd-sim000000002') FROM snapshot",
        )
        .unwrap();
    drop(copied);
    let report = json(&["--all-targets"], 0);
    assert_eq!(report["people"], 4);
    let regions: Vec<_> =
        report["targets"].as_array().unwrap().iter().map(|one| &one["region"]).collect();
    assert_eq!(regions, ["eu-west-1", "us-east-1"]);
    let of_things = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|one| one["subject"]["kind"] == "thing");
    for one in of_things {
        let evidence = one["evidence"].as_str().unwrap();
        assert!(evidence.starts_with("000000000000 in "), "{evidence}");
    }
    let playbook = folder.path().join("targets.yaml");
    std::fs::write(
        &playbook,
        "schema: 1\nname: targets\ntargets:\n  - { region: us-east-1 }\n  - { region: ap-south-1 }\n",
    )
    .unwrap();
    let words = ["readiness", "--playbook", playbook.to_str().unwrap(), "--format", "json"];
    let ran = run_on(&served, &journal, &words).ended(0);
    assert!(ran.err.contains("no snapshot of the caller's account in ap-south-1"), "{}", ran.err);
    let report: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(
        (&report["people"], &report["targets"][0]["region"]),
        (&2.into(), &"us-east-1".into())
    );
}
