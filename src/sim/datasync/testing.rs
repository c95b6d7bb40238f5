//! A world with a file system, two buckets and a role that DataSync may take on, for the tests of this folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::sim::World;
use crate::sim::api::Api;
use crate::sim::bucket::{Direct, Seen, make_bucket};
use crate::sim::model::{Service, check};
use crate::sim::state::{AccessPoint, FileSystem, MountTarget, Role, State, Statement};
use crate::sim::wire::Refusal;

/// The role that DataSync takes on: everything with the bucket `data`, nothing with `other`.
pub(super) const ROLE: &str = "arn:aws:iam::000000000000:role/datasync";

/// A world in a folder of its own, on a paused clock.
pub(super) struct Account {
    pub(super) world: World,
    pub(super) dir: TempDir,
}

impl Account {
    pub(super) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut state = State { region: "eu-west-1".into(), ..State::default() };
        let target = MountTarget {
            id: "fsmt-00000001".into(),
            subnet: "subnet-00000001".into(),
            ..MountTarget::default()
        };
        let point = AccessPoint { id: "fsap-00000001".into(), uid: "200001".into() };
        let system = FileSystem {
            id: "fs-0000000a".into(),
            mount_targets: vec![target],
            access_points: vec![point],
            ..FileSystem::default()
        };
        state.file_systems.insert(system.id.clone(), system);
        let allow = |resource: &str| Statement {
            allow: true,
            actions: vec!["s3:*".into()],
            resources: vec![resource.into()],
            ..Statement::default()
        };
        let statements = vec![allow("arn:aws:s3:::data"), allow("arn:aws:s3:::data/*")];
        let trusts = vec!["datasync.amazonaws.com".into()];
        let role = Role { arn: ROLE.into(), statements, trusts, ..Role::default() };
        let studio = Role { arn: ROLE.replace("datasync", "studio"), ..role.clone() };
        let studio = Role { trusts: Vec::new(), ..studio };
        for role in [role, studio] {
            state.roles.insert(role.arn.clone(), role);
        }
        for bucket in ["data", "other"] {
            make_bucket(dir.path(), bucket).unwrap();
        }
        fs::create_dir_all(dir.path().join("efs/fs-0000000a/200001")).unwrap();
        let world = World::create(dir.path(), Path::new("/bin/true"), state).unwrap();
        Self { world, dir }
    }

    /// The home of 200001.
    pub(super) fn home(&self) -> PathBuf {
        self.dir.path().join("efs/fs-0000000a/200001")
    }

    /// Writes a file of the home.
    pub(super) fn file(&self, path: &str, content: impl AsRef<[u8]>) {
        let path = self.home().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// Calls as a client does: with the input checked against the model before and the output after.
    pub(super) fn call(&self, operation: &str, input: Value) -> Result<Value, Refusal> {
        check::input(Service::DataSync, operation, &input)
            .map_err(|refusal| Api::DataSync.malformed(refusal))?;
        let output = super::call(&self.world, operation, &input, false)?;
        check::output(Service::DataSync, operation, &output)?;
        Ok(output)
    }

    pub(super) fn ok(&self, operation: &str, input: Value) -> Value {
        self.call(operation, input).unwrap()
    }

    /// The code and the words of a refusal.
    pub(super) fn refusal(&self, operation: &str, input: Value) -> String {
        let refusal = self.call(operation, input).unwrap_err();
        format!("{}: {}", refusal.code, refusal.message)
    }

    pub(super) fn change(&self, change: impl FnOnce(&mut State)) {
        self.world
            .change(|state| {
                change(state);
                Ok(())
            })
            .unwrap();
    }

    pub(super) async fn pass(&self, seconds: f64) {
        tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
    }

    /// The input of a location of the file system.
    pub(super) fn efs(&self, subdirectory: &str) -> Value {
        let arn =
            |service: &str, rest: &str| format!("arn:aws:{service}:eu-west-1:000000000000:{rest}");
        json!({
            "EfsFilesystemArn": arn("elasticfilesystem", "file-system/fs-0000000a"),
            "Subdirectory": subdirectory,
            "Ec2Config": {
                "SubnetArn": arn("ec2", "subnet/subnet-00000001"),
                "SecurityGroupArns": [arn("ec2", "security-group/sg-00000001")],
            },
        })
    }

    /// The input of a location of the bucket `data`.
    pub(super) fn s3(&self, subdirectory: &str) -> Value {
        json!({
            "S3BucketArn": "arn:aws:s3:::data",
            "Subdirectory": subdirectory,
            "S3Config": {"BucketAccessRoleArn": ROLE},
        })
    }

    /// The input of a task from the home to `s3://data/homes/alice/`, with more members.
    pub(super) fn task_input(&self, more: Value) -> Value {
        let source = self.ok("CreateLocationEfs", self.efs("/200001"));
        let destination = self.ok("CreateLocationS3", self.s3("homes/alice"));
        let mut input = more;
        input["SourceLocationArn"] = source["LocationArn"].clone();
        input["DestinationLocationArn"] = destination["LocationArn"].clone();
        input
    }

    /// A task that was just made.
    pub(super) fn task_now(&self, more: Value) -> Value {
        self.ok("CreateTask", self.task_input(more))["TaskArn"].clone()
    }

    /// A task that may be started.
    pub(super) async fn task(&self, more: Value) -> Value {
        let task = self.task_now(more);
        self.pass(10.0).await;
        task
    }

    /// Starts a task, with more members.
    pub(super) fn start(&self, task: &Value, more: Value) -> Value {
        let mut input = more;
        input["TaskArn"] = task.clone();
        self.ok("StartTaskExecution", input)["TaskExecutionArn"].clone()
    }

    pub(super) fn described(&self, execution: &Value) -> Value {
        self.ok("DescribeTaskExecution", json!({"TaskExecutionArn": execution}))
    }

    /// Waits for an execution, and describes it.
    pub(super) async fn ended(&self, execution: &Value) -> Value {
        for _ in 0..4000 {
            let described = self.described(execution);
            if ["SUCCESS", "ERROR"].iter().any(|end| described["Status"] == *end) {
                return described;
            }
            self.pass(0.5).await;
        }
        panic!("{:#}", self.described(execution));
    }

    /// Runs a task once.
    pub(super) async fn run(&self, task: &Value, more: Value) -> Value {
        let execution = self.start(task, more);
        self.ended(&execution).await
    }

    /// The objects below `homes/alice/`, by the rest of their keys.
    pub(super) fn objects(&self) -> Vec<(String, Seen)> {
        let below = Direct::new(&self.world).below("data", "homes/alice/").unwrap();
        let rest = |key: &str| key["homes/alice/".len()..].to_owned();
        below.into_iter().map(|(key, seen)| (rest(&key), seen)).collect()
    }

    /// The keys below `homes/alice/`.
    pub(super) fn keys(&self) -> Vec<String> {
        self.objects().into_iter().map(|(key, _)| key).collect()
    }
}
