//! What the report promises to other programs: a schema that is published, and that every report keeps.

use std::collections::BTreeSet;

use serde_json::Value;
use studio_migrate::readiness::schema;

use crate::common::account::Served;
use crate::common::python;
use crate::common::tool::run_on;

/// The schema as it is published.
const PUBLISHED: &str = "docs/readiness.schema.json";

#[test]
fn a_report_keeps_the_published_schema() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(PUBLISHED);
    let now = serde_json::to_string_pretty(&schema()).unwrap() + "\n";
    if std::env::var_os("STUDIO_MIGRATE_BLESS").is_some() {
        std::fs::write(&path, &now).unwrap();
    }
    assert!(std::fs::read_to_string(&path).unwrap() == now, "{PUBLISHED} is not that of the types");
    let folder = tempfile::tempdir().unwrap();
    let served = Served::start(
        &folder.path().join("world"),
        include_str!("../../../src/sim/worlds/careful.yaml"),
    );
    let journal = folder.path().join("journal.db");
    let mount = served.dir.join("efs");
    run_on(&served, &journal, &["inventory", "--mount", mount.to_str().unwrap()]).ended(0);
    let report = run_on(&served, &journal, &["readiness", "--format", "json"]).ended(3);
    // On the terminal each thing that was found is said once, with what to do; `-v` has a row for each finding.
    let data: Value = serde_json::from_str(&report.out).unwrap();
    let findings = data["findings"].as_array().unwrap();
    let said = run_on(&served, &journal, &["readiness"]).ended(3);
    let titles = said.out.lines().filter(|line| line.starts_with("SM")).count();
    let of = |one: &Value| ["severity", "code", "title"].map(|name| one[name].to_string());
    let things: BTreeSet<_> = findings.iter().map(of).collect();
    assert_eq!(titles, things.len(), "{}", said.out);
    assert!(findings.len() > things.len(), "{} and {}", findings.len(), things.len());
    assert!(said.out.contains("Blockers: ") && said.out.contains("to do: "), "{}", said.out);
    let whole = run_on(&served, &journal, &["readiness", "-v"]).ended(3).out;
    let rows = whole.lines().filter(|line| line.starts_with(" SM")).count();
    assert_eq!(rows, findings.len(), "{whole}");
    let file = folder.path().join("report.json");
    std::fs::write(&file, &report.out).unwrap();
    python::check("validate_schema.py", &[&path, &file]);
    let mut later: Value = serde_json::from_str(&report.out).unwrap();
    later["schema"] = 3.into();
    std::fs::write(&file, later.to_string()).unwrap();
    let refused = std::process::Command::new(python::bin().join("python"))
        .arg(python::script("validate_schema.py"))
        .args([&path, &file])
        .output()
        .unwrap();
    assert_eq!(refused.status.code(), Some(1), "a report of another version keeps the schema");
}

#[test]
fn a_classic_script_is_printed_as_it_could_run_in_the_new_studio() {
    let folder = tempfile::tempdir().unwrap();
    let served = Served::start(
        &folder.path().join("world"),
        "name: scripts\nscripts:\n  - name: setup\n    app_type: JupyterServer\n    text: |\n      #!/bin/bash\n      sudo yum install -y jq\n      cp x /home/ec2-user/y\ndomains:\n  - name: research\n    profiles: [{ name: alice, home: empty }]\n",
    );
    let journal = folder.path().join("journal.db");
    run_on(&served, &journal, &["inventory"]).ended(0);
    let printed = run_on(&served, &journal, &["readiness", "--script", "setup"]).ended(0);
    assert!(printed.out.starts_with("#!/bin/bash"), "{}", printed.out);
    assert!(printed.out.contains("apt-get install -y jq"), "{}", printed.out);
    let file = folder.path().join("setup.sh");
    std::fs::write(&file, &printed.out).unwrap();
    let checked = std::process::Command::new("bash").arg("-n").arg(&file).status().unwrap();
    assert!(checked.success(), "{}", printed.out);
    run_on(&served, &journal, &["readiness", "--script", "nothing"]).ended(2);
}
