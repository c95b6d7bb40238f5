//! The world in which everything is awkward once, migrated: whoever can move has moved with proof, whoever cannot is named with
//! the reason, and everything else that a Classic domain holds is where the tool says.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use crate::common::client::Client;
use crate::common::ready::Ready;
use crate::common::tool::light_mover;
use crate::common::trees::listing;

const CAREFUL: &str = include_str!("../../src/sim/worlds/careful.yaml");

/// What the change board decided to do about what readiness found.
const LINES: [&str; 15] = [
    "  unmounted_homes: packed",
    "  shared_spaces: packed",
    "  shared_space_owner: ready",
    "  instance_type: ml.m5.large",
    "  pilot_users: 0",
    "  stall_minutes: 5",
    "stop_rules.failures: 1000",
    "classic_apps: stop",
    "carry.scripts: attach",
    "carry.images: configure",
    "carry.repositories: carry",
    "carry.tags: carry",
    "  copy_to: s3://archive-000000000000/notebooks",
    "  destination: s3://archive-000000000000/flows",
    "  archive_to: s3://archive-000000000000/orphans",
];

/// The world, with what an operator mends first: quotas, roles that may read every bucket, a role for shared spaces, and a
/// bucket for what is archived.
fn mended() -> String {
    let mut text = CAREFUL.to_owned();
    let everything = r#""s3:*", "logs:*"], resources: ["*"] }"#;
    let mends = [
        ("spaces allowed per account: 20", "spaces allowed per account: 100"),
        (
            "running Studio apps allowed per account: 10",
            "running Studio apps allowed per account: 100",
        ),
        (
            everything,
            "\"logs:*\"], resources: [\"*\"] }\n      - { allow: true, actions: [\"s3:*\"], resources: [\"arn:aws:s3:::sagemaker-*\"] }",
        ),
        (
            "      DefaultUserSettings:\n        SecurityGroups: [sg-00000000000000001]\n",
            "      DefaultSpaceSettings:\n        ExecutionRole: arn:aws:iam::000000000000:role/service-role/AmazonSageMaker-ExecutionRole\n      DefaultUserSettings:\n        SecurityGroups: [sg-00000000000000001]\n",
        ),
        ("buckets:\n", "buckets:\n  - name: archive-000000000000\n"),
    ];
    for (old, new) in mends {
        assert!(text.contains(old), "{old}");
        text = text.replace(old, new);
    }
    text
}

fn mount(ready: &Ready) -> String {
    ready.served.dir.join("efs").to_str().unwrap().to_owned()
}

fn run(ready: &Ready) -> Vec<String> {
    let mover = light_mover().to_str().unwrap();
    ["run", "--yes", "--mover", mover, "--mount", &mount(ready)].map(str::to_owned).to_vec()
}

fn json(ready: &Ready, words: &[&str]) -> Value {
    serde_json::from_str(&ready.run(words).ended(0).out).unwrap()
}

/// Everything of a home is on its volume, byte for byte, or the report counts and names it.
fn assert_arrived(ready: &Ready, person: &Value) {
    let who = person["migration"].as_str().unwrap();
    let plan = ready.plan();
    let (_, migration) = plan.migrations().find(|(_, one)| one.id.as_str() == who).unwrap();
    let state = ready.served.state();
    let domain = &state["studio"]["domains"][migration.domain.as_str()];
    let file_system = domain["file_system"].as_str().unwrap();
    let home = ready.served.dir.join("efs").join(file_system).join(migration.home_uid.as_str());
    let volume = ready.served.dir.join("ebs").join(migration.domain.as_str());
    let volume = volume.join(migration.space.as_str());
    let (home_listing, arrived) = (listing(&home, false), listing(&volume, false));
    let is_folder = |path: &Path| home.join(path).symlink_metadata().is_ok_and(|one| one.is_dir());
    let named = person["proof"]["not_copied_named"].as_array().unwrap();
    let named: Vec<&Path> = named.iter().map(|one| Path::new(one[0].as_str().unwrap())).collect();
    // Of a folder that stays behind its name is told.
    let is_named = |path: &Path| named.iter().any(|one| path.starts_with(one));
    let nowhere: Vec<_> = home_listing
        .iter()
        .filter(|(path, line)| !is_folder(path) && arrived.get(*path) != Some(line))
        .map(|(path, _)| path)
        .filter(|path| !is_named(path))
        .collect();
    assert!(nowhere.is_empty(), "{who}: {nowhere:?} are nowhere, and the report names {named:?}");
    assert!(person["proof"]["manifest"].is_string(), "{who}: {person}");
}

#[test]
fn what_can_move_has_moved_with_proof_and_everything_else_is_named() {
    let ready = Ready::with(&mended(), None, &LINES);
    let words = run(&ready);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    // One home's mount fails, which nothing says before a space has started.
    let ran = ready.run(&words).ended(4);
    assert!(
        ran.err.contains("bad-mount failed: the copy failed: the Classic home is not mounted"),
        "{}",
        ran.err
    );
    let ready = ready.edited(|state| {
        for profile in state["studio"]["profiles"].as_object_mut().unwrap().values_mut() {
            profile["mount_error"] = Value::Null;
        }
    });
    let words = run(&ready);
    ready.run(&words.iter().map(String::as_str).collect::<Vec<_>>()).ended(0);

    let report = json(&ready, &["report", "--format", "json"]);
    let people = report["people"].as_array().unwrap();
    assert!(people.len() > 30, "{}", people.len());
    for person in people {
        assert_eq!(person["standing"], "moved", "{person}");
        assert_arrived(&ready, person);
    }
    let left = ready.plan().left_out;
    let left: BTreeMap<&str, &str> =
        left.iter().map(|one| (one.who.as_str(), one.because.as_str())).collect();
    let expected = [
        ("broken", "SM201"),
        ("huge-home", "SM301"),
        ("limited-role", "SM501"),
        ("taken", "SM209"),
    ];
    for (who, code) in expected {
        let why = left.get(who);
        assert!(why.is_some_and(|why| why.contains(code)), "{who}: {why:?} of {left:?}");
    }

    let client = Client::administrator(&ready.served);
    let keys = |prefix: &str| {
        let objects = client.wait(client.account.objects("archive-000000000000", prefix)).unwrap();
        objects.into_iter().map(|(key, _)| key).collect::<Vec<_>>()
    };
    // Two notebooks were shared where we may look, and one place is another account's.
    let notebooks = ready.run(&["notebooks"]);
    assert!(matches!(notebooks.code, Some(0 | 4)), "{notebooks:?}");
    let shared = keys("notebooks/");
    assert_eq!(shared.iter().filter(|key| key.ends_with(".ipynb")).count(), 2, "{shared:?}");
    assert!(shared.iter().any(|key| key.ends_with("index.html")), "{shared:?}");
    assert!(notebooks.err.contains("notebooks-of-another-account"), "{}", notebooks.err);

    ready.run(&["flows", "--mount", &mount(&ready), "--apply"]).ended(0);
    let flows = keys("flows/");
    assert!(flows.iter().any(|key| key.ends_with(".flow")), "{flows:?}");
    assert!(flows.iter().any(|key| key.ends_with("index.html")), "{flows:?}");

    ready.run(&["orphans", "archive", "--mount", &mount(&ready), "--apply"]).ended(0);
    let orphans = ready.run(&["orphans"]).ended(0).out;
    assert!(!orphans.contains("on the file system alone"), "{orphans}");
    assert!(!keys("orphans/").is_empty());

    ready.run(&["carry", "--apply"]).ended(0);
    let carried = json(&ready, &["carry", "--format", "json"]);
    let rows = carried["rows"].as_array().unwrap();
    assert!(rows.len() > 20, "{carried}");
    for row in rows {
        let stands = row["stands"].as_str().unwrap();
        assert_ne!(stands, "to-carry", "{row}");
        let says_why = row["why"].as_str().is_some_and(|why| !why.is_empty());
        assert!(says_why || stands == "carried", "{row}");
    }
    ready.run(&["audit", "verify"]).ended(0);
}
