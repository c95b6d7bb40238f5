//! The simulated DataSync, met by AWS's own command line, by our own puller, and by AWS's model of it.

use std::collections::BTreeMap;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::aws_cli::{aws, wait};
use crate::common::account::Served;
use crate::common::tool::run_on;
use crate::common::trees;

mod wire;

const ROLE: &str = "arn:aws:iam::000000000000:role/DataSyncToS3";

/// A person with every oddity in the home, a bucket, and a role that DataSync may take on.
const WORLD: &str = r#"
name: heavy-lift
seed: 7
timing: { datasync_create: 0.1, datasync_launch: 0.2, datasync_phase: 0.1 }
roles:
  - arn: arn:aws:iam::000000000000:role/DataSyncToS3
    trusts: [datasync.amazonaws.com]
    statements:
      - { allow: true, actions: ["s3:*"], resources: ["arn:aws:s3:::data", "arn:aws:s3:::data/*"] }
buckets: [{ name: data }]
domains:
  - name: research
    profiles: [{ name: alice, uid: "200001", home: awkward }]
"#;

/// A served account and its command line, which is to be answered.
struct Stage {
    served: Served,
    folder: tempfile::TempDir,
}

impl Stage {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let served = Served::start(&folder.path().join("world"), WORLD);
        Self { served, folder }
    }

    #[track_caller]
    fn ask(&self, operation: &str, more: &[&str]) -> Value {
        let words = [&["datasync", operation], more].concat();
        aws(&self.served, &words).unwrap()
    }

    #[track_caller]
    fn refused(&self, operation: &str, more: &[&str]) -> String {
        let words = [&["datasync", operation], more].concat();
        let refused = aws(&self.served, &words).unwrap_err();
        assert!(refused.contains("(InvalidRequestException)"), "{refused}");
        refused
    }

    /// Makes both locations, of alice's home and of `s3://data/homes/alice/`.
    fn locations(&self) -> (String, String) {
        let targets = aws(&self.served, &["efs", "describe-file-systems"]).unwrap();
        let system = targets["FileSystems"][0]["FileSystemArn"].as_str().unwrap().to_owned();
        let id = system.rsplit('/').next().unwrap();
        let on = ["efs", "describe-mount-targets", "--file-system-id", id];
        let subnet = aws(&self.served, &on).unwrap()["MountTargets"][0]["SubnetId"].clone();
        let arn = "arn:aws:ec2:eu-west-1:000000000000";
        let config = json!({"SubnetArn": format!("{arn}:subnet/{}", subnet.as_str().unwrap()),
            "SecurityGroupArns": [format!("{arn}:security-group/sg-00000001")]});
        let source = self.ask(
            "create-location-efs",
            &[
                "--efs-filesystem-arn",
                &system,
                "--subdirectory",
                "/200001",
                "--ec2-config",
                &config.to_string(),
            ],
        );
        let config = format!("BucketAccessRoleArn={ROLE}");
        let destination = self.ask(
            "create-location-s3",
            &[
                "--s3-bucket-arn",
                "arn:aws:s3:::data",
                "--subdirectory",
                "homes/alice",
                "--s3-config",
                &config,
            ],
        );
        (text(&source, "LocationArn"), text(&destination, "LocationArn"))
    }

    fn task(&self, more: &[&str]) -> String {
        let (source, destination) = self.locations();
        let ends = ["--source-location-arn", &source, "--destination-location-arn", &destination];
        let made = text(&self.ask("create-task", &[&ends, more].concat()), "TaskArn");
        wait(|| self.ask("describe-task", &["--task-arn", &made])["Status"] == "AVAILABLE");
        made
    }

    fn ended(&self, execution: &str) -> Value {
        let on = ["--task-execution-arn", execution];
        let mut described = Value::Null;
        wait(|| {
            described = self.ask("describe-task-execution", &on);
            ["SUCCESS", "ERROR"].iter().any(|end| described["Status"] == *end)
        });
        described
    }
}

fn text(answer: &Value, member: &str) -> String {
    answer[member].as_str().unwrap().to_owned()
}

#[test]
fn the_aws_command_line_runs_a_task_and_takes_everything_away_again() {
    let stage = Stage::new();
    let task = stage.task(&[
        "--name",
        "alice",
        "--tags",
        "Key=run,Value=1",
        "--excludes",
        "FilterType=SIMPLE_PATTERN,Value=/deep|/names|/special",
    ]);
    let on = ["--task-arn", task.as_str()];
    let listed = stage.ask("list-tasks", &[]);
    assert_eq!(
        (&listed["Tasks"][0]["Name"], &listed["Tasks"][0]["TaskMode"]),
        (&json!("alice"), &json!("BASIC"))
    );
    stage.ask("update-task", &[&on[..], &["--options", "TransferMode=ALL"]].concat());
    let refused = stage
        .refused("update-task", &[&on[..], &["--options", "PreserveDeletedFiles=REMOVE"]].concat());
    assert!(refused.contains("Invalid SyncOption value"), "{refused}");
    let report = json!({"Destination": {"S3": {"Subdirectory": "reports", "S3BucketArn": "arn:aws:s3:::data",
        "BucketAccessRoleArn": ROLE}}, "OutputType": "STANDARD", "ReportLevel": "SUCCESSES_AND_ERRORS"});
    let started = stage.ask(
        "start-task-execution",
        &[&on[..], &["--task-report-config", &report.to_string()]].concat(),
    );
    let execution = text(&started, "TaskExecutionArn");
    let ended = stage.ended(&execution);
    assert_eq!(ended["Status"], "SUCCESS", "{ended:#}");
    assert_eq!(
        (&ended["ReportResult"]["Status"], &ended["Options"]["TransferMode"]),
        (&json!("SUCCESS"), &json!("ALL"))
    );
    let objects = |prefix: &str| {
        let words = ["s3api", "list-objects-v2", "--bucket", "data", "--prefix", prefix];
        let listed = aws(&stage.served, &words).unwrap();
        let contents = listed["Contents"].as_array().cloned().unwrap_or_default();
        contents.iter().map(|one| text(one, "Key")).collect::<Vec<_>>()
    };
    assert_eq!(objects("homes/alice/").len() as u64, ended["FilesTransferred"].as_u64().unwrap());
    let reports = objects("reports/Detailed-Reports/");
    assert!(reports.iter().any(|key| key.contains(".files-transferred-v1-00001-")), "{reports:?}");
    let head = aws(
        &stage.served,
        &["s3api", "head-object", "--bucket", "data", "--key", "homes/alice/modes/0640.txt"],
    );
    assert_eq!(head.unwrap()["Metadata"]["file-permissions"], "0100640");
    let slow = stage.ask(
        "start-task-execution",
        &[&on[..], &["--override-options", "BytesPerSecond=1"]].concat(),
    );
    let slow = text(&slow, "TaskExecutionArn");
    let busy = stage.refused("delete-task", &on);
    assert!(busy.contains("has not ended"), "{busy}");
    let faster = ["--task-execution-arn", &slow, "--options", "BytesPerSecond=2"];
    stage.ask("update-task-execution", &faster);
    stage.ask("cancel-task-execution", &["--task-execution-arn", &slow]);
    assert_eq!(stage.ended(&slow)["Status"], "ERROR");
    assert_eq!(
        stage.ask("list-task-executions", &on)["TaskExecutions"].as_array().unwrap().len(),
        2
    );
    stage.ask("tag-resource", &["--resource-arn", &slow, "--tags", "Key=why,Value=slow"]);
    stage.ask("untag-resource", &["--resource-arn", &task, "--keys", "run"]);
    let tags =
        |arn: &str| stage.ask("list-tags-for-resource", &["--resource-arn", arn])["Tags"].clone();
    assert_eq!((tags(&slow), tags(&task)), (json!([{"Key": "why", "Value": "slow"}]), json!([])));
    let described = stage.ask("describe-task", &on);
    let (source, destination) =
        (text(&described, "SourceLocationArn"), text(&described, "DestinationLocationArn"));
    let used = stage.refused("delete-location", &["--location-arn", &source]);
    assert!(used.contains("is in use"), "{used}");
    stage.ask("describe-location-efs", &["--location-arn", &source]);
    let uri = stage.ask("describe-location-s3", &["--location-arn", &destination]);
    assert_eq!(uri["LocationUri"], "s3://data/homes/alice/");
    stage.ask("delete-task", &on);
    for location in [&source, &destination] {
        stage.ask("delete-location", &["--location-arn", location]);
    }
    assert_eq!(stage.ask("list-locations", &[])["Locations"], json!([]));
    let role = aws(&stage.served, &["iam", "get-role", "--role-name", "DataSyncToS3"]).unwrap();
    let trust = &role["Role"]["AssumeRolePolicyDocument"]["Statement"][0];
    assert_eq!(trust["Principal"]["Service"], "datasync.amazonaws.com");
    let quota = ["service-quotas", "list-service-quotas", "--service-code", "datasync"];
    assert_eq!(aws(&stage.served, &quota).unwrap()["Quotas"][0]["Value"], 100.0);
}

#[test]
fn an_execution_outlives_the_process_that_began_it() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("world");
    let faults = "[{operation: 'datasync:StartTaskExecution', effect: dies}]";
    let served = Served::with_faults(&dir, WORLD, Some(faults));
    let stage = Stage { served, folder };
    let task = stage.task(&[]);
    let start = ["datasync", "start-task-execution", "--task-arn", &task];
    aws(&stage.served, &start).unwrap_err();
    let Stage { served, folder } = stage;
    drop(served);
    let stage = Stage { served: Served::with_faults(&dir, WORLD, Some("[]")), folder };
    let listed = stage.ask("list-task-executions", &["--task-arn", &task]);
    let executions = listed["TaskExecutions"].as_array().unwrap();
    assert_eq!(executions.len(), 1);
    let ended = stage.ended(&text(&executions[0], "TaskExecutionArn"));
    assert!(ended["FilesTransferred"].as_u64() > Some(50), "{ended:#}");
    assert!(!dir.join("datasync").read_dir().unwrap().any(|_| true));
}

#[test]
fn a_home_that_datasync_took_to_s3_is_restored_by_our_own_puller() {
    let stage = Stage::new();
    let home = std::fs::read_dir(stage.served.dir.join("efs")).unwrap().next().unwrap().unwrap();
    let home = home.path().join("200001");
    if !rustix::process::geteuid().is_root() {
        // Nobody but root reads what nobody may read, neither to copy nor to compare.
        let readable = PermissionsExt::from_mode(0o400);
        std::fs::set_permissions(home.join("modes/unreadable.txt"), readable).unwrap();
    }
    let task = stage.task(&["--task-mode", "ENHANCED"]);
    let started = stage.ask("start-task-execution", &["--task-arn", &task]);
    let ended = stage.ended(&text(&started, "TaskExecutionArn"));
    let there = stage.folder.path().join("there");
    let words = ["mover", "pull", "s3://data/homes/alice", there.to_str().unwrap()];
    run_on(&stage.served, &stage.folder.path().join("journal.db"), &words).ended(0);
    let (storable, others) = storable(&home);
    let pulled = trees::listing(&there, false);
    let differs: Vec<_> = storable
        .iter()
        .filter(|(path, look)| pulled.get(*path) != Some(look))
        .map(|(path, look)| format!("{}: {:?} is not {look}", path.display(), pulled.get(path)))
        .collect();
    assert!(differs.is_empty(), "{differs:#?}");
    assert_eq!(pulled.len(), storable.len());
    // What no key can name failed, and was counted.
    let failed = |counter: &str| ended.pointer(counter).unwrap().as_u64().unwrap();
    let counted = failed("/FilesFailed/Prepare")
        + failed("/FilesFailed/Transfer")
        + failed("/FoldersFailed/Transfer");
    assert_eq!((counted, &ended["Status"]), (others as u64, &json!("ERROR")));
    assert_eq!(failed("/FilesSkipped"), 2, "a pipe and a socket");
}

/// What of a home has a key of S3, and how much has none. Pipes and sockets are neither.
fn storable(home: &Path) -> (BTreeMap<PathBuf, String>, usize) {
    let (mut storable, mut others) = (BTreeMap::new(), 0);
    for (path, look) in trees::listing(home, false) {
        let kind = home.join(&path).symlink_metadata().unwrap().file_type();
        if kind.is_fifo() || kind.is_socket() {
            continue;
        }
        let end = usize::from(kind.is_dir());
        let key = path.to_str().map(|path| "homes/alice/".len() + path.len() + end);
        if key.is_some_and(|length| length <= 1024) {
            storable.insert(path, look);
        } else {
            others += 1;
        }
    }
    (storable, others)
}
