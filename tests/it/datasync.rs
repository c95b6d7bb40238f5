//! The simulated DataSync, met by AWS's own command line, by our own puller, and by AWS's model of it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use studio_migrate::sim::state::{Effect, Fault, Role, Statement};
use studio_migrate::sim::{Simulator, World, bucket, worlds};

use crate::aws_cli::{aws, wait};
use crate::common::account::Served;
use crate::common::tool::run_on;
use crate::common::{python, trees};

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
        aws(&self.served, &words).unwrap_or_else(|refused| panic!("{words:?}: {refused}"))
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
    let quota = ["service-quotas", "list-service-quotas", "--service-code", "datasync"];
    assert_eq!(aws(&stage.served, &quota).unwrap()["Quotas"][0]["Value"], 100.0);
}

#[test]
fn a_home_that_datasync_took_to_s3_is_restored_by_our_own_puller() {
    let stage = Stage::new();
    let task = stage.task(&["--task-mode", "ENHANCED"]);
    let started = stage.ask("start-task-execution", &["--task-arn", &task]);
    let ended = stage.ended(&text(&started, "TaskExecutionArn"));
    let home = std::fs::read_dir(stage.served.dir.join("efs")).unwrap().next().unwrap().unwrap();
    let home = home.path().join("200001");
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
    use std::os::unix::fs::FileTypeExt;
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

/// Requests without any SDK, each of them kept as a wire log keeps it.
struct Raw {
    simulator: Simulator,
    log: Vec<String>,
}

impl Raw {
    async fn send(&mut self, operation: &str, input: Value) -> (u16, Value) {
        let (key, secret) = self
            .simulator
            .world()
            .read(|state| (state.access_key_id.clone(), state.secret_access_key.clone()));
        let uri = "https://datasync.eu-west-1.amazonaws.com/";
        let body = input.to_string();
        let identity = Credentials::new(key, secret, None, None, "test").into();
        let params = SigningParams::builder()
            .identity(&identity)
            .region("eu-west-1")
            .name("datasync")
            .time(SystemTime::now())
            .settings(SigningSettings::default())
            .build()
            .unwrap()
            .into();
        let target = format!("FmrsService.{operation}");
        let headers = [("host", "datasync.eu-west-1.amazonaws.com"), ("x-amz-target", &target)];
        let signable = SignableBody::Bytes(body.as_bytes());
        let signable = SignableRequest::new("POST", uri, headers.into_iter(), signable).unwrap();
        let (instructions, _) = sign(signable, &params).unwrap().into_parts();
        let mut request = http::Request::post(uri).body(s3s::Body::from(body.clone())).unwrap();
        for (name, value) in headers {
            request.headers_mut().insert(name, value.parse().unwrap());
        }
        instructions.apply_to_request_http1x(&mut request);
        let response = self.simulator.handle(request).await.unwrap();
        let status = response.status().as_u16();
        let answer = response.into_body().store_all_limited(1 << 20).await.unwrap();
        let line = json!({
            "service": "DataSync", "operation": operation, "status": status,
            "request_body_base64": STANDARD.encode(&body),
            "response_body_base64": STANDARD.encode(&answer),
        });
        self.log.push(line.to_string());
        (status, serde_json::from_slice(&answer).unwrap_or(Value::Null))
    }

    async fn ok(&mut self, operation: &str, input: Value) -> Value {
        let (status, answer) = self.send(operation, input).await;
        assert_eq!(status, 200, "{operation}: {answer}");
        answer
    }
}

#[tokio::test(start_paused = true)]
async fn every_exchange_is_as_awss_model_has_it() {
    let dir = tempfile::tempdir().unwrap();
    let mut built = worlds::from_yaml(WORLD).unwrap();
    let fault = |operation: &str, from, effect| Fault {
        operation: format!("datasync:{operation}"),
        from,
        times: 1,
        effect,
    };
    built.state.faults = vec![
        fault("DeleteTask", 1, Effect::Throttled),
        fault("DeleteTask", 2, Effect::Denied),
        fault("StartTaskExecution", 3, Effect::Stuck),
    ];
    built.files(dir.path()).unwrap();
    let world = World::create(dir.path(), Path::new("/bin/true"), built.state).unwrap();
    bucket::put(dir.path(), "data", "list.csv", b"empty-file\n").unwrap();
    let (system, subnet) = world.read(|state| {
        let system = state.file_systems.values().next().unwrap();
        (system.id.clone(), system.mount_targets[0].subnet.clone())
    });
    let mut raw = Raw { simulator: Simulator::new(world), log: Vec::new() };
    let arn =
        |service: &str, rest: &str| format!("arn:aws:{service}:eu-west-1:000000000000:{rest}");
    let source = raw
        .ok(
            "CreateLocationEfs",
            json!({
                "EfsFilesystemArn": arn("elasticfilesystem", &format!("file-system/{system}")),
                "Subdirectory": "/200001",
                "Ec2Config": {"SubnetArn": arn("ec2", &format!("subnet/{subnet}")),
                    "SecurityGroupArns": [arn("ec2", "security-group/sg-00000001")]},
            }),
        )
        .await["LocationArn"]
        .clone();
    let destination = raw
        .ok(
            "CreateLocationS3",
            json!({
                "S3BucketArn": "arn:aws:s3:::data", "S3Config": {"BucketAccessRoleArn": ROLE},
                "Subdirectory": "homes/alice", "Tags": [{"Key": "a", "Value": "b"}],
            }),
        )
        .await["LocationArn"]
        .clone();
    raw.ok("DescribeLocationEfs", json!({"LocationArn": source})).await;
    raw.ok("DescribeLocationS3", json!({"LocationArn": destination})).await;
    raw.ok("ListLocations", json!({"MaxResults": 1})).await;
    let place = json!({"S3": {"S3BucketArn": "arn:aws:s3:::data", "BucketAccessRoleArn": ROLE}});
    for mode in ["BASIC", "ENHANCED"] {
        let task = raw.ok("CreateTask", json!({
            "SourceLocationArn": source, "DestinationLocationArn": destination, "TaskMode": mode,
            "Name": "alice", "Options": {"LogLevel": "TRANSFER"},
            "TaskReportConfig": {"Destination": place, "OutputType": "STANDARD"},
        })).await["TaskArn"].clone();
        let on = json!({"TaskArn": task});
        raw.ok("DescribeTask", on.clone()).await;
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        let execution = raw.ok("StartTaskExecution", on.clone()).await["TaskExecutionArn"].clone();
        for _ in 0..20 {
            raw.ok("DescribeTaskExecution", json!({"TaskExecutionArn": execution})).await;
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        raw.ok("ListTasks", json!({})).await;
        raw.ok("ListTaskExecutions", on.clone()).await;
        raw.ok(
            "UpdateTask",
            json!({"TaskArn": task, "Includes": [
            {"FilterType": "SIMPLE_PATTERN", "Value": "/times*"}]}),
        )
        .await;
        raw.ok("DescribeTask", on.clone()).await;
        raw.ok("TagResource", json!({"ResourceArn": execution, "Tags": [{"Key": "k"}]})).await;
        raw.ok("ListTagsForResource", json!({"ResourceArn": execution})).await;
        raw.ok("UntagResource", json!({"ResourceArn": execution, "Keys": ["k"]})).await;
        let (status, answer) = raw.send("DeleteTask", on.clone()).await;
        let code = if mode == "BASIC" { "ThrottlingException" } else { "AccessDeniedException" };
        assert_eq!((status, &answer["__type"]), (400, &json!(code)));
    }
    let tasks = raw.ok("ListTasks", json!({})).await;
    let on = json!({"TaskArn": tasks["Tasks"][0]["TaskArn"]});
    let stuck = raw.ok("StartTaskExecution", on.clone()).await["TaskExecutionArn"].clone();
    tokio::time::sleep(std::time::Duration::from_secs(60)).await;
    let execution = json!({"TaskExecutionArn": stuck});
    assert_eq!(raw.ok("DescribeTaskExecution", execution.clone()).await["Status"], "LAUNCHING");
    let slower = json!({"TaskExecutionArn": stuck, "Options": {"BytesPerSecond": 9}});
    raw.ok("UpdateTaskExecution", slower).await;
    raw.ok("CancelTaskExecution", execution.clone()).await;
    let (status, answer) = raw.send("DeleteTask", on.clone()).await;
    assert_eq!((status, &answer["__type"]), (400, &json!("InvalidRequestException")));
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    raw.ok("DescribeTaskExecution", execution).await;
    raw.ok("DeleteTask", on).await;
    let log = dir.path().join("wire.jsonl");
    std::fs::write(&log, raw.log.join("\n")).unwrap();
    let said = python::check("check_wire.py", &[&log, &python::script("always_returned.json")]);
    assert!(said.contains("of 18 operations checked, 0 kinds of wrong"), "{said}");
    // What breaks the model is refused, whatever a checker would say of it.
    for input in [json!({"TaskArn": "task-1"}), json!({"Task": "x"}), json!({})] {
        let (status, answer) = raw.send("DescribeTask", input).await;
        assert_eq!((status, &answer["__type"]), (400, &json!("InvalidRequestException")));
    }
}

#[tokio::test]
async fn a_session_needs_leave_for_each_operation() {
    let dir = tempfile::tempdir().unwrap();
    let mut built = worlds::from_yaml(WORLD).unwrap();
    let allowed = Statement {
        allow: true,
        actions: vec!["datasync:List*".to_owned()],
        resources: vec!["*".to_owned()],
        ..Statement::default()
    };
    let role = ROLE.replace("DataSyncToS3", "looker");
    let looker = Role { arn: role.clone(), statements: vec![allowed], ..Role::default() };
    built.state.roles.insert(role.clone(), looker);
    let world = World::create(dir.path(), Path::new("/bin/true"), built.state).unwrap();
    let keys = studio_migrate::sim::sts::session_of(&world, &role, "eve").unwrap();
    let listener = studio_migrate::sim::server::bind(&world, None).await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serving =
        tokio::spawn(studio_migrate::sim::server::serve(Simulator::new(world), listener, async {
            let _ = stopped.await;
        }));
    let run = move |words: &[&str]| {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        let (endpoint, keys) = (endpoint.clone(), keys.clone());
        tokio::task::spawn_blocking(move || {
            std::process::Command::new(python::bin().join("aws"))
                .args(["--endpoint-url", &endpoint, "--region", "eu-west-1", "datasync"])
                .args(words)
                .env("AWS_ACCESS_KEY_ID", &keys.access_key_id)
                .env("AWS_SECRET_ACCESS_KEY", &keys.secret_access_key)
                .env("AWS_SESSION_TOKEN", &keys.session_token)
                .output()
                .unwrap()
        })
    };
    assert!(run(&["list-tasks"]).await.unwrap().status.success());
    let task = "arn:aws:datasync:eu-west-1:000000000000:task/task-00000000000000001";
    let refused = run(&["start-task-execution", "--task-arn", task]).await.unwrap();
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(said.contains("AccessDeniedException"), "{said}");
    assert!(said.contains(&format!("datasync:StartTaskExecution on resource: {task}")), "{said}");
    stop.send(()).unwrap();
    serving.await.unwrap().unwrap();
}
