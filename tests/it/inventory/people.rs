//! What people say of people, what changed, where a setting comes from, and several accounts in one journal.

use serde_json::Value;

use crate::common::ONE_PERSON;
use crate::common::account::Served;
use crate::common::tool::run_on;

#[test]
fn the_table_of_people_goes_out_to_be_filled_in_and_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let served = Served::start(&folder.path().join("world"), ONE_PERSON);
    let journal = folder.path().join("journal.db");
    let table = folder.path().join("people.csv");
    let path = table.to_str().unwrap();
    run_on(&served, &journal, &["inventory", "--csv", path]).ended(0);
    let written = std::fs::read_to_string(&table).unwrap();
    assert!(written.starts_with("\u{feff}domain,profile,take,"), "{written}");
    let filled = written.replace("d-sim000000001,bob,,,", "d-sim000000001,bob,no,on leave,");
    assert_ne!(filled, written);
    std::fs::write(&table, filled + "d-sim000000001,alise,yes\r\n").unwrap();
    let ran = run_on(&served, &journal, &["inventory", "scope", path]).ended(0);
    assert!(ran.err.contains("d-sim000000001/alise"), "{}", ran.err);
    std::fs::write(&table, "domain,profile,take\nd-sim000000001,bob,perhaps\n").unwrap();
    let ran = run_on(&served, &journal, &["inventory", "scope", path]).ended(2);
    assert!(ran.err.contains("line 2") && ran.err.contains("perhaps"), "{}", ran.err);
}

#[test]
fn what_changed_between_two_snapshots_is_told_and_where_a_setting_comes_from() {
    let folder = tempfile::tempdir().unwrap();
    let served = Served::start(&folder.path().join("world"), ONE_PERSON);
    let journal = folder.path().join("journal.db");
    let first = run_on(&served, &journal, &["inventory", "--format", "json"]).ended(0);
    let first: Value = serde_json::from_str(&first.out).unwrap();
    let first = first["snapshot"].as_str().unwrap();
    let table = folder.path().join("people.csv");
    std::fs::write(&table, "domain,profile,owner\nd-sim000000001,ALICE,platform\n").unwrap();
    run_on(&served, &journal, &["inventory", "--scope", table.to_str().unwrap()]).ended(0);
    let changed = run_on(&served, &journal, &["inventory", "diff", first]).ended(0);
    assert_eq!(
        changed.out, "~ profile d-sim000000001/alice: note.owner: not set -> platform\n",
        "{}",
        changed.err
    );
    let shown = run_on(&served, &journal, &["inventory", "show", "alice"]).ended(0);
    let line = |name: &str| shown.out.lines().find(|line| line.contains(name)).unwrap().to_owned();
    assert!(line("landing").trim_end().ends_with("profile"), "{}", shown.out);
    assert!(line("execution_role").trim_end().ends_with("domain"), "{}", shown.out);
    let listed = run_on(&served, &journal, &["inventory", "list"]).ended(0);
    assert!(listed.out.contains(first) && listed.out.contains("eu-west-1"), "{}", listed.out);
    run_on(&served, &journal, &["inventory", "show", "nobody"]).ended(2);
}

#[test]
fn every_target_of_a_playbook_is_looked_at_with_its_own_role() {
    let world = format!(
        "roles:\n  - arn: arn:aws:iam::000000000000:role/Looker\n    statements:\n      - {{ allow: true, actions: [\"*\"], resources: [\"*\"] }}\n{ONE_PERSON}"
    );
    let folder = tempfile::tempdir().unwrap();
    let served = Served::start(&folder.path().join("world"), &world);
    let journal = folder.path().join("journal.db");
    let playbook = folder.path().join("targets.yaml");
    let target = |account: &str| {
        format!(
            "schema: 1\nname: targets\ntargets:\n  - region: eu-west-1\n    account: \"{account}\"\n    role: arn:aws:iam::000000000000:role/Looker\n"
        )
    };
    std::fs::write(&playbook, target("000000000000")).unwrap();
    let words = ["inventory", "--playbook", playbook.to_str().unwrap(), "--format", "json"];
    let ran = run_on(&served, &journal, &words).ended(0);
    let said: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((&said["account"], &said["profiles"]), (&"000000000000".into(), &2.into()));
    assert!(ran.err.contains("assumed-role/Looker"), "{}", ran.err);
    std::fs::write(&playbook, target("111111111111")).unwrap();
    let ran = run_on(&served, &journal, &words).ended(2);
    assert!(ran.err.contains("account 111111111111"), "{}", ran.err);
}

#[test]
fn a_home_that_only_its_owner_sees_is_measured_by_its_owner() {
    let folder = tempfile::tempdir().unwrap();
    let served = Served::start(
        &folder.path().join("world"),
        "name: alone\ndomains:\n  - name: research\n    profiles: [{ name: alice, home: tidy, uid: '200041' }, { name: bruno, home: tidy, uid: '200042' }]\n",
    );
    let journal = folder.path().join("journal.db");
    let state = served.state();
    let (id, _) = state["file_systems"].as_object().unwrap().iter().next().unwrap();
    let home = served.dir.join("efs").join(id).join("200041");
    let words =
        ["mover", "scan", home.to_str().unwrap(), "--as-home", "200041", "--format", "json"];
    let row = run_on(&served, &journal, &words).ended(0).out;
    let scans = folder.path().join("scans");
    std::fs::create_dir(&scans).unwrap();
    std::fs::write(scans.join(format!("{id}.200041.json")), row).unwrap();
    let taken =
        run_on(&served, &journal, &["inventory", "--mount", scans.to_str().unwrap()]).ended(0);
    assert!(taken.err.contains("the home 200042"), "{}", taken.err);
    let shown = run_on(&served, &journal, &["readiness", "--format", "json"]);
    let report: serde_json::Value = serde_json::from_str(&shown.out).unwrap();
    let bytes = |place: usize| &report["verdicts"][place]["home_bytes"];
    assert!(bytes(0).as_u64().unwrap() > 100_000 && bytes(1).is_null(), "{}", report["verdicts"]);
    run_on(&served, &journal, &["mover", "scan", "/tmp", "--as-home", "alice"]).ended(2);
}
