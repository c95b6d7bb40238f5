//! AWS's own command line against `sim serve`: what people and scripts use must be answered as AWS does.

use std::process::Command;

use serde_json::Value;

use crate::common::account::Served;
use crate::common::tool::{prepare, run_alice, run_on};
use crate::common::{ONE_PERSON, python};

/// Runs the AWS CLI and returns what it says, or how it was refused.
pub fn aws(served: &Served, words: &[&str]) -> Result<Value, String> {
    let output = Command::new(python::bin().join("aws"))
        .args(["--output", "json"])
        .args(words)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("HOME", "/nonexistent")
        .envs(served.environment())
        .output()
        .unwrap();
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    Ok(serde_json::from_slice(&output.stdout).unwrap_or(Value::Null))
}

#[test]
fn the_aws_command_line_finds_a_whole_account() {
    let folder = tempfile::tempdir().unwrap();
    let served = Served::start(&folder.path().join("world"), ONE_PERSON);
    let ask = |words: &str| {
        let words: Vec<_> = words.split(' ').collect();
        aws(&served, &words).unwrap_or_else(|refused| panic!("{words:?}: {refused}"))
    };
    let caller = ask("sts get-caller-identity");
    assert_eq!(caller["Account"], "000000000000");
    let domain =
        ask("sagemaker list-domains")["Domains"][0]["DomainId"].as_str().unwrap().to_owned();
    let described = ask(&format!("sagemaker describe-domain --domain-id {domain}"));
    let file_system = described["HomeEfsFileSystemId"].as_str().unwrap().to_owned();
    let people = ask(&format!("sagemaker list-user-profiles --domain-id-equals {domain}"));
    let names: Vec<_> = people["UserProfiles"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["UserProfileName"])
        .collect();
    assert_eq!(names, ["alice", "bob"]);
    let alice = ask(&format!(
        "sagemaker describe-user-profile --domain-id {domain} --user-profile-name alice"
    ));
    assert_eq!(alice["UserSettings"]["DefaultLandingUri"], "app:JupyterServer:");
    let apps = ask(&format!(
        "sagemaker list-apps --user-profile-name-equals alice --domain-id-equals {domain}"
    ));
    assert_eq!(apps["Apps"][0]["AppType"], "JupyterServer");
    assert_eq!(ask("sagemaker list-spaces")["Spaces"].as_array().unwrap().len(), 0);
    assert_eq!(ask("sagemaker list-studio-lifecycle-configs --name-contains tidy")["StudioLifecycleConfigs"].as_array().unwrap().len(), 1);
    for empty in ["list-images", "list-app-image-configs"] {
        ask(&format!("sagemaker {empty}"));
    }
    let systems = ask("efs describe-file-systems");
    assert_eq!(systems["FileSystems"][0]["FileSystemId"], file_system.as_str());
    let points = ask(&format!("efs describe-access-points --file-system-id {file_system}"));
    assert_eq!(points["AccessPoints"].as_array().unwrap().len(), 2);
    ask("service-quotas list-service-quotas --service-code sagemaker");
    ask(
        "cloudtrail lookup-events --lookup-attributes AttributeKey=EventName,AttributeValue=CreatePresignedDomainUrl",
    );
    ask(
        "iam simulate-principal-policy --policy-source-arn arn:aws:iam::000000000000:role/service-role/AmazonSageMaker-ExecutionRole --action-names sagemaker:CreateSpace",
    );
}

#[test]
fn the_aws_command_line_makes_changes_and_takes_them_away() {
    let folder = tempfile::tempdir().unwrap();
    let served = Served::start(&folder.path().join("world"), ONE_PERSON);
    let domains = aws(&served, &["sagemaker", "list-domains"]).unwrap();
    let domain = domains["Domains"][0]["DomainId"].as_str().unwrap();
    let on = ["--domain-id", domain];
    let run = |words: &[&str]| aws(&served, &[words, &on].concat());
    let space = ["--space-name", "by-hand"];
    let made = run(&[
        &["sagemaker", "create-space"][..],
        &space,
        &["--space-settings", r#"{"AppType":"JupyterLab","SpaceStorageSettings":{"EbsStorageSettings":{"EbsVolumeSizeInGb":5}}}"#],
        &["--ownership-settings", "OwnerUserProfileName=bob"],
        &["--space-sharing-settings", "SharingType=Private"],
        &["--tags", "Key=made,Value=by-hand"],
    ]
    .concat())
    .unwrap();
    let arn = made["SpaceArn"].as_str().unwrap();
    wait(|| {
        run(&[&["sagemaker", "describe-space"][..], &space].concat()).unwrap()["Status"]
            == "InService"
    });
    let tags = aws(&served, &["sagemaker", "list-tags", "--resource-arn", arn]).unwrap();
    assert_eq!(tags["Tags"][0]["Value"], "by-hand");
    let app = ["--app-type", "JupyterLab", "--app-name", "default"];
    run(&[&["sagemaker", "create-app"][..], &space, &app].concat()).unwrap();
    let refused = run(&[&["sagemaker", "delete-space"][..], &space].concat()).unwrap_err();
    assert!(refused.contains("ResourceInUse"), "{refused}");
    wait(|| {
        run(&[&["sagemaker", "describe-app"][..], &space, &app].concat()).unwrap()["Status"]
            == "InService"
    });
    run(&[&["sagemaker", "delete-app"][..], &space, &app].concat()).unwrap();
    wait(|| run(&[&["sagemaker", "delete-space"][..], &space].concat()).is_ok());
    wait(|| run(&[&["sagemaker", "describe-space"][..], &space].concat()).is_err());
    let classic = run(&[
        "sagemaker",
        "create-app",
        "--user-profile-name",
        "bob",
        "--app-type",
        "KernelGateway",
        "--app-name",
        "k",
    ]);
    let refused = classic.unwrap_err();
    assert!(
        refused.contains("Invalid AppType [KernelGateway]. This AppType has been deprecated."),
        "{refused}"
    );
}

#[test]
fn the_aws_command_line_keeps_objects() {
    let folder = tempfile::tempdir().unwrap();
    let served = Served::start(&folder.path().join("world"), ONE_PERSON);
    let file = folder.path().join("größe & co.txt");
    std::fs::write(&file, "kept").unwrap();
    let bucket = "s3://sagemaker-eu-west-1-000000000000";
    let there = format!("{bucket}/notes/größe & co.txt");
    aws(&served, &["s3", "cp", file.to_str().unwrap(), &there]).unwrap();
    let listed =
        aws(&served, &["s3api", "list-objects-v2", "--bucket", &bucket[5..], "--prefix", "notes/"])
            .unwrap();
    assert_eq!(listed["Contents"][0]["Key"], "notes/größe & co.txt");
    let back = folder.path().join("back.txt");
    aws(&served, &["s3", "cp", &there, back.to_str().unwrap()]).unwrap();
    assert_eq!(std::fs::read_to_string(&back).unwrap(), "kept");
    aws(&served, &["s3", "rm", &there]).unwrap();
    assert!(
        aws(
            &served,
            &["s3api", "head-object", "--bucket", &bucket[5..], "--key", "notes/größe & co.txt"]
        )
        .is_err()
    );
}

#[test]
fn a_space_with_the_real_aws_command_line_is_filled_as_well() {
    let folder = tempfile::tempdir().unwrap();
    let served = Served::with_aws(&folder.path().join("world"), ONE_PERSON, python::bin());
    let journal = folder.path().join("journal.db");
    prepare(&served, &journal);
    run_on(&served, &journal, &run_alice()).ended(0);
    let wrapper = served.dir.join("run/d-sim000000001/alice-studio/bin/aws");
    let wrapper = std::fs::read_to_string(wrapper).unwrap();
    assert!(wrapper.contains("venv/bin/aws"), "{wrapper}");
}

/// Looks until it is so, for at most twenty seconds.
#[track_caller]
pub fn wait(mut is_so: impl FnMut() -> bool) {
    let became_so = (0..100).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(200));
        is_so()
    });
    assert!(became_so, "twenty seconds went by");
}
