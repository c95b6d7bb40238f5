//! Homes that travel with DataSync: one execution for all who wait, sealed before anyone may read them, proven in the space.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;
use studio_migrate::aws::ErrorKind;
use studio_migrate::plan::Route;

use crate::common::account::Served;
use crate::common::client::Client;
use crate::common::ready::Ready;
use crate::common::tool::{command_on, light_mover, until};
use crate::common::trees::listing;

const ROLE: &str = "arn:aws:iam::000000000000:role/DataSyncToS3";

/// Two people whose spaces mount nothing, a third with a home that S3 cannot hold, and a role that DataSync may take on.
pub fn world(execution_role: &str) -> String {
    format!(
        r#"
name: with-datasync
seed: 7
timing: {{ space: 0.05, update: 0.05, app_start: 0.1, app_stop: 0.05, datasync_create: 0.05, datasync_launch: 0.3, datasync_phase: 0.2 }}
datasync: {{ refuses_enhanced: true, times: seconds-and-nanoseconds }}
buckets: [{{ name: studio-migrate-eu-west-1-000000000000 }}]
roles:
  - arn: {ROLE}
    trusts: [datasync.amazonaws.com]
    statements:
      - {{ allow: true, actions: ["s3:*"], resources: ["arn:aws:s3:::studio-migrate-eu-west-1-000000000000", "arn:aws:s3:::studio-migrate-eu-west-1-000000000000/*"] }}
  - arn: arn:aws:iam::000000000000:role/Studio
    statements:
      - {{ allow: true, actions: ["sagemaker:*", "logs:*"], resources: ["*"] }}
      - {{ allow: true, actions: ["s3:GetObject", "s3:PutObject", "s3:ListBucket"], resources: [{execution_role}] }}
domains:
  - name: research
    members:
      DefaultUserSettings:
        ExecutionRole: arn:aws:iam::000000000000:role/Studio
        StudioWebPortal: DISABLED
        DefaultLandingUri: "app:JupyterServer:"
        AutoMountHomeEFS: Disabled
    profiles:
      - {{ name: alice, home: tidy }}
      - {{ name: bob, home: tidy }}
      - {{ name: carl, home: awkward }}
"#
    )
}

/// What a role may read that is no danger to other people's homes.
pub const SAGEMAKER_ONLY: &str = r#""arn:aws:s3:::sagemaker-*""#;

fn ready(execution_role: &str) -> Ready {
    of(&world(execution_role))
}

fn of(description: &str) -> Ready {
    with(description, &[])
}

/// Made ready for DataSync, with more lines of a playbook.
pub fn with(description: &str, more: &[&str]) -> Ready {
    let role = format!("  role: {ROLE}");
    let lines = ["  unmounted_homes: datasync", &role, "  pilot_users: 0"];
    Ready::with(description, None, &[lines.as_slice(), more].concat())
}

fn home(served: &Served, ready: &Ready, name: &str) -> PathBuf {
    let state = served.state();
    let file_system = state["studio"]["domains"]["d-sim000000001"]["file_system"].as_str().unwrap();
    let uid = ready.migration(name).home_uid.to_string();
    served.dir.join("efs").join(file_system).join(uid)
}

fn executions(ready: &Ready) -> Vec<Value> {
    let state = ready.served.state();
    let executions = &state["datasync"]["executions"];
    executions.as_object().map(|all| all.values().cloned().collect()).unwrap_or_default()
}

/// Insists that a home is on its volume, but for what is left out.
fn assert_arrived(ready: &Ready, name: &str) {
    let space = ready.migration(name).space;
    let volume = ready.served.dir.join("ebs/d-sim000000001").join(space.as_str());
    let (home, mut arrived) =
        (listing(&home(&ready.served, ready, name), false), listing(&volume, false));
    arrived.retain(|path, _| !path.starts_with(".studio-migrate"));
    assert!(arrived.len() > 5, "{name}: {}", arrived.len());
    for (path, line) in &arrived {
        assert_eq!(home.get(path), Some(line), "{name}: {}", path.display());
    }
}

/// What lies open in DataSync's bucket, reports left aside.
pub fn open(ready: &Ready) -> Vec<String> {
    let keys = in_bucket(ready).into_iter();
    keys.filter(|key| key.contains("/homes/") && key.matches('/').count() > 4).collect()
}

/// What DataSync reported of its tasks.
fn reports(ready: &Ready) -> Vec<String> {
    in_bucket(ready).into_iter().filter(|key| key.contains("/reports/")).collect()
}

fn in_bucket(ready: &Ready) -> Vec<String> {
    let client = Client::administrator(&ready.served);
    let bucket = ready.plan().datasync_bucket();
    let objects = client.wait(client.account.objects(&bucket, "studio-migrate/datasync/"));
    // A world in which nothing goes by DataSync has no such bucket.
    let objects = objects.unwrap_or_else(|error| {
        assert_eq!(error.kind, ErrorKind::NotFound, "{error}");
        Vec::new()
    });
    objects.into_iter().map(|(key, _)| key).collect()
}

fn words<'a>(users: &[&'a str]) -> Vec<&'a str> {
    let mut words = vec!["run", "--yes", "--mover", light_mover().to_str().unwrap()];
    users.iter().for_each(|user| words.extend(["--user", user]));
    words
}

#[test]
fn people_of_a_batch_travel_in_one_execution_and_nothing_stays_open() {
    let ready = ready(SAGEMAKER_ONLY);
    let ran = ready.run(&words(&["alice", "bob"])).ended(0);
    assert!(ran.err.contains("refuses Enhanced mode, so Basic is taken"), "{}", ran.err);
    assert_arrived(&ready, "alice");
    assert_arrived(&ready, "bob");
    assert_eq!(executions(&ready).len(), 1, "{:?}", executions(&ready));
    assert_eq!(open(&ready), [""; 0]);
    assert!(!ready.file("scratch").exists(), "nothing of a home stays beside the journal");
    assert!(!reports(&ready).is_empty());
    // The plan that is in force by now need not know of DataSync.
    let playbook = ready.journal.with_extension("yaml");
    let text = std::fs::read_to_string(&playbook).unwrap();
    std::fs::write(&playbook, text.replace("homes: datasync", "homes: packed")).unwrap();
    ready.run(&["plan", "--playbook", playbook.to_str().unwrap()]).ended(0);
    ready.run(&["plan", "approve", "--latest"]).ended(0);
    assert!(ready.plan().migrations().all(|(_, one)| one.route != Route::DataSync));
    assert_eq!(ready.report()["route"], "datasync");
    let planned = ready.run(&["cleanup", "--dry-run"]).ended(0);
    assert!(planned.out.contains("datasync/d-sim000000001/reports/"), "{}", planned.out);
    assert!(!reports(&ready).is_empty());
    ready.run(&["cleanup"]).ended(0);
    assert_eq!(reports(&ready), [""; 0]);
    let state = ready.served.state();
    assert!(state["datasync"]["tasks"].as_object().is_none_or(serde_json::Map::is_empty));
    assert!(state["datasync"]["locations"].as_object().is_none_or(serde_json::Map::is_empty));
}

#[test]
fn what_datasync_reported_stays_as_long_as_what_was_staged_of_one_of_its_people() {
    let ready = with(&world(SAGEMAKER_ONLY), &["  retention_days: 3"]);
    ready.run(&words(&["alice"])).ended(0);
    let kept = ready.run(&["cleanup", "--reports"]).ended(0);
    let stays = kept.out.lines().find(|line| line.contains("datasync/d-sim000000001/reports/"));
    assert!(stays.unwrap().contains("stays until"), "{}", kept.out);
    assert!(!reports(&ready).is_empty());
}

#[test]
fn what_datasync_passes_over_is_named_in_the_report() {
    let description =
        world(SAGEMAKER_ONLY).replacen("datasync: {", "datasync: { symlinks: skip,", 1);
    let ready = of(&description);
    let home = home(&ready.served, &ready, "alice");
    std::os::unix::fs::symlink("somewhere", home.join("link-that-stays")).unwrap();
    ready.run(&words(&["alice"])).ended(0);
    let proof = ready.report()["proof"].take();
    let named = proof["not_copied_named"].as_array().unwrap();
    let link = named.iter().find(|one| one[0] == "link-that-stays").unwrap();
    assert!(link[1].as_str().unwrap().starts_with("not taken by DataSync: "), "{link}");
    assert!(proof["not_copied"]["datasync"].as_u64() >= Some(1), "{proof}");
}

#[test]
fn what_datasync_cannot_take_is_named_and_stops_only_whose_it_is() {
    let ready = ready(SAGEMAKER_ONLY);
    let ran = ready.run(&words(&["alice", "carl"])).ended(4);
    assert!(ran.err.contains("DataSync could not take `"), "{}", ran.err);
    assert!(ran.err.contains("d-sim000000001/carl failed"), "{}", ran.err);
    assert_arrived(&ready, "alice");
    assert_eq!(ready.settings("carl"), serde_json::json!({}));
    let stays = ready.run(&["cleanup"]).ended(0);
    assert!(stays.err.contains("stays, open to whoever may read the bucket"), "{}", stays.err);
    assert!(!open(&ready).is_empty());
    let before = ready.copied(None);
    ready.run(&["rollback", "--user", "carl"]).ended(0);
    assert_eq!(open(&ready), [""; 0]);
    // As the failure says he is left out instead, and nobody fetches what came of his home.
    let playbook = before.journal.with_extension("yaml");
    let text = std::fs::read_to_string(&playbook).unwrap();
    let without = text.replacen("  exclude: []", "  exclude: [carl]", 1);
    assert_ne!(text, without);
    std::fs::write(&playbook, without).unwrap();
    before.run(&["plan", "--playbook", playbook.to_str().unwrap()]).ended(0);
    before.run(&["plan", "approve", "--latest"]).ended(0);
    before.run(&["cleanup"]).ended(0);
    assert_eq!(open(&before), [""; 0]);
}

#[test]
fn a_role_that_could_read_other_people_s_homes_is_refused_before_anything_is_written() {
    let ready = ready(r#""*""#);
    let ran = ready.run(&words(&["alice"])).ended(4);
    assert!(ran.err.contains("may read what DataSync writes"), "{}", ran.err);
    let policy = ran.err.split("--policy-document '").nth(1).unwrap().split('\'').next().unwrap();
    let policy: Value = serde_json::from_str(policy).unwrap();
    let kept_out = &policy["Statement"][0];
    assert_eq!(kept_out["Effect"], "Deny");
    let homes = "arn:aws:s3:::studio-migrate-eu-west-1-000000000000/studio-migrate/datasync/*";
    assert_eq!(kept_out["Resource"], homes);
    assert!(ran.err.contains("put-role-policy --role-name Studio "), "{}", ran.err);
    assert_eq!(executions(&ready).len(), 0);
}

#[test]
fn a_run_that_is_killed_goes_on_with_the_execution_that_it_started() {
    let ready = ready(SAGEMAKER_ONLY);
    let mut child = command_on(&ready.served, &ready.journal, &words(&["alice"])).spawn().unwrap();
    until("the journal knows of an execution", || {
        std::thread::sleep(Duration::from_millis(50));
        let events = ready.run(&["audit", "export"]).out;
        events.contains("\"execution\"")
    });
    child.kill().unwrap();
    child.wait().unwrap();
    // The lease of who was killed is there until it is over.
    until("the lease is over", || ready.run(&words(&["alice"])).code == Some(0));
    assert_arrived(&ready, "alice");
    assert_eq!(executions(&ready).len(), 1);
}

#[test]
fn an_execution_that_cannot_be_looked_at_for_a_while_is_gone_on_with() {
    for effect in ["server-error", "denied"] {
        let ready = ready(SAGEMAKER_ONLY).with_faults(Some(&format!(
            "- {{ operation: 'datasync:DescribeTaskExecution', from: 1, times: 40, effect: {effect} }}\n"
        )));
        let ran = ready.run(&words(&["alice"])).ended(4);
        assert!(ran.err.contains("DescribeTaskExecution"), "{}", ran.err);
        assert_eq!(executions(&ready).len(), 1, "{effect}");
        let ready = ready.with_faults(None);
        ready.run(&words(&["alice"])).ended(0);
        assert_arrived(&ready, "alice");
        assert_eq!(executions(&ready).len(), 1, "{effect}");
        assert_eq!(open(&ready), [""; 0]);
    }
}

#[test]
fn an_account_that_goes_away_while_an_execution_is_looked_at_is_gone_on_with() {
    let ready = ready(SAGEMAKER_ONLY).with_faults(Some(
        "- { operation: 'datasync:DescribeTaskExecution', from: 2, times: 1, effect: dies }\n",
    ));
    let ran = ready.run(&words(&["alice"]));
    assert_ne!(ran.code, Some(0), "{}", ran.err);
    let ready = ready.with_faults(None);
    ready.run(&words(&["alice"])).ended(0);
    assert_arrived(&ready, "alice");
    assert_eq!(executions(&ready).len(), 1);
}

#[test]
fn a_location_whose_reply_is_lost_is_taken_and_leaves_none_behind() {
    for operation in ["CreateLocationS3", "CreateLocationEfs", "CreateTask"] {
        let ready = ready(SAGEMAKER_ONLY).with_faults(Some(&format!(
            "- {{ operation: 'datasync:{operation}', from: 1, times: 1, effect: reply-lost }}\n"
        )));
        let ran = ready.run(&words(&["alice"]));
        if ran.code != Some(0) {
            ready.run(&words(&["alice"])).ended(0);
        }
        assert_arrived(&ready, "alice");
        assert_eq!(open(&ready), [""; 0], "{operation}");
        ready.run(&["cleanup"]).ended(0);
        let state = ready.served.state();
        for what in ["tasks", "locations"] {
            let left = &state["datasync"][what];
            let is_empty = left.as_object().is_none_or(serde_json::Map::is_empty);
            assert!(is_empty, "{operation}: {left}");
        }
    }
}
