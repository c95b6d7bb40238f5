//! Every exchange with the simulated DataSync held against AWS's model, and who may ask.

use std::path::Path;
use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use studio_migrate::sim::state::{Effect, Fault, Role, Statement};
use studio_migrate::sim::{Simulator, World, bucket, server, sts, worlds};

use super::{ROLE, WORLD};
use crate::common::python;

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
    let keys = sts::session_of(&world, &role, "eve").unwrap();
    let listener = server::bind(&world, None).await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serving = tokio::spawn(server::serve(Simulator::new(world), listener, async {
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
