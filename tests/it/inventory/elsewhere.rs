//! The same commands against a server that is not ours: moto knows some of what is asked, and what it does not know is named.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::common::python;
use crate::common::tool::command;

/// Makes a domain and a file system in moto, as its own users would. It knows no profiles.
const MAKE: &str = r#"
import boto3, sys
make = lambda name: boto3.client(name, endpoint_url=sys.argv[1], region_name="eu-west-1",
                                 aws_access_key_id="test", aws_secret_access_key="test")
sagemaker = make("sagemaker")
role = "arn:aws:iam::123456789012:role/Studio"
sagemaker.create_domain(DomainName="research", AuthMode="IAM", VpcId="vpc-1", SubnetIds=["subnet-1"],
                                 DefaultUserSettings={"ExecutionRole": role})
make("efs").create_file_system(CreationToken="home", Tags=[{"Key": "ManagedByAmazonSageMakerResource", "Value": "d-gone"}])
"#;

struct Moto {
    endpoint: String,
    child: Child,
}

impl Moto {
    fn start() -> Self {
        let mut child = Command::new(python::bin().join("moto_server"))
            .args(["-H", "127.0.0.1", "-p", "0"])
            .env("PYTHONUNBUFFERED", "1")
            .stderr(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let endpoint = lines
            .find_map(|line| {
                let line = line.unwrap();
                line.split_once("Running on ").map(|(_, url)| url.trim().to_owned())
            })
            .unwrap();
        // Its log is read to the end, or it would wait for a reader.
        std::thread::spawn(move || lines.for_each(drop));
        Self { endpoint, child }
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_server_that_is_not_ours_is_read_as_far_as_it_answers() {
    let moto = Moto::start();
    let made = Command::new(python::bin().join("python"))
        .args(["-c", MAKE, &moto.endpoint])
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let folder = tempfile::tempdir().unwrap();
    let journal = folder.path().join("journal.db");
    let run = |words: &[&str]| {
        let mut command = command(words);
        command.arg("--state").arg(&journal).args(["--endpoint-url", &moto.endpoint]);
        command.envs([
            ("AWS_REGION", "eu-west-1"),
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
        ]);
        crate::common::tool::Ran::from(command.output().unwrap())
    };
    let taken = run(&["inventory", "--format", "json"]).ended(0);
    let taken: Value = serde_json::from_str(&taken.out).unwrap();
    assert_eq!((&taken["domains"], &taken["profiles"]), (&1.into(), &0.into()), "{taken}");
    let unseen = taken["unseen"].as_array().unwrap();
    let asked: Vec<_> = unseen.iter().map(|one| one["what"].as_str().unwrap()).collect();
    for unknown in ["sagemaker:ListUserProfiles", "sagemaker:ListSpaces", "sagemaker:ListApps"] {
        assert!(asked.contains(&unknown), "{taken}");
    }
    assert!(unseen.iter().all(|one| !one["why"].as_str().unwrap().is_empty()), "{taken}");
    let report = run(&["readiness", "--format", "json"]);
    assert!(matches!(report.code, Some(0 | 3)), "{}", report.err);
    let report: Value = serde_json::from_str(&report.out).unwrap();
    let says =
        |what: &str| report["findings"].as_array().unwrap().iter().any(|one| one["code"] == what);
    assert!(says("SM107") && says("SM308"), "{report}");
}
