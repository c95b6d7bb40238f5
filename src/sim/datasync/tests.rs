//! Whole executions, on a paused clock.

use std::collections::BTreeMap;
use std::fs::{self, File, FileTimes};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::time::{Duration, UNIX_EPOCH};

use serde_json::{Value, json};

use super::records::{Symlinks, Times};
use super::testing::{Account, ROLE};
use crate::sim::bucket::Direct;

/// A home of two files in a folder, an empty folder, a link and a socket.
fn home(account: &Account) {
    account.file("notes/a.ipynb", "{}");
    account.file("notes/run.sh", "#!/bin/sh\n");
    let mode = fs::Permissions::from_mode(0o755);
    fs::set_permissions(account.home().join("notes/run.sh"), mode).unwrap();
    fs::create_dir(account.home().join("hollow")).unwrap();
    symlink("notes/run.sh", account.home().join("link")).unwrap();
    UnixListener::bind(account.home().join("kernel.sock")).unwrap();
    touch(account, "notes/a.ipynb", 1_595_002_920, 123_456_789);
}

fn touch(account: &Account, path: &str, seconds: u64, nanos: u32) {
    let time = UNIX_EPOCH + Duration::new(seconds, nanos);
    let file = File::open(account.home().join(path)).unwrap();
    file.set_times(FileTimes::new().set_modified(time).set_accessed(time)).unwrap();
}

fn numbers(described: &Value, names: &[&str]) -> Vec<u64> {
    names.iter().map(|name| described.pointer(name).unwrap().as_u64().unwrap()).collect()
}

fn excludes(patterns: &str) -> Value {
    json!([{"FilterType": "SIMPLE_PATTERN", "Value": patterns}])
}

#[tokio::test(start_paused = true)]
async fn a_home_becomes_objects_with_what_posix_knows_of_it() {
    let account = Account::new();
    home(&account);
    let task = account.task(json!({})).await;
    let ended = account.run(&task, json!({})).await;
    assert_eq!(ended["Status"], "SUCCESS", "{ended:#}");
    let objects: BTreeMap<_, _> = account.objects().into_iter().collect();
    let keys: Vec<&str> = objects.keys().map(String::as_str).collect();
    assert_eq!(keys, ["", "hollow/", "link", "notes/", "notes/a.ipynb", "notes/run.sh"]);
    let told = |key: &str, name: &str| objects[key].metadata[name].clone();
    assert_eq!(told("notes/a.ipynb", "file-mtime"), "1595002920123456789ns");
    assert_eq!(told("notes/a.ipynb", "file-atime"), "1595002920123456789ns");
    assert_eq!(told("notes/a.ipynb", "file-owner"), "200001");
    assert_eq!(told("notes/a.ipynb", "file-group"), "1001");
    assert_eq!(told("notes/run.sh", "file-permissions"), "0100755");
    assert_eq!(told("link", "file-permissions"), "0120777");
    assert!(told("hollow/", "file-permissions").starts_with("0040"));
    assert_eq!((objects["link"].size, objects["hollow/"].size), (12, 0));
    let counted =
        ["/EstimatedFilesToTransfer", "/FilesTransferred", "/FilesVerified", "/FilesSkipped"];
    assert_eq!(numbers(&ended, &counted), [6, 6, 6, 1]);
    let bytes = ["/EstimatedBytesToTransfer", "/BytesWritten", "/BytesTransferred"];
    assert_eq!(numbers(&ended, &bytes), [24, 24, 24]);
    for phase in ["Prepare", "Transfer", "Verify"] {
        assert_eq!(ended["Result"][format!("{phase}Status")], "SUCCESS");
        let duration = ended["Result"][format!("{phase}Duration")].as_u64().unwrap();
        assert!((10_000..12_000).contains(&duration), "{phase}: {duration}");
    }
    assert!(!account.dir.path().join("datasync").join("any").exists());
    assert_eq!(fs::read_dir(account.dir.path().join("datasync")).unwrap().count(), 0);
}

#[tokio::test(start_paused = true)]
async fn an_execution_goes_from_one_status_to_the_next_by_the_clock() {
    let account = Account::new();
    account.file("a", "a");
    let task = account.task(json!({})).await;
    let execution = account.start(&task, json!({}));
    let mut seen = Vec::new();
    for _ in 0..100 {
        let status = account.described(&execution)["Status"].clone();
        if seen.last() != Some(&status) {
            seen.push(status);
        }
        account.pass(1.0).await;
    }
    assert_eq!(seen, ["LAUNCHING", "PREPARING", "TRANSFERRING", "VERIFYING", "SUCCESS"]);
    let ended = account.described(&execution);
    let total = ended["Result"]["TotalDuration"].as_u64().unwrap();
    assert!((90_000..95_000).contains(&total), "{total}");
    assert!(ended["EndTime"].as_f64() > ended["LaunchTime"].as_f64());
    let task = account.ok("DescribeTask", json!({"TaskArn": task}));
    assert_eq!(task["CurrentTaskExecutionArn"], execution);
}

#[tokio::test(start_paused = true)]
async fn a_second_run_transfers_only_what_changed() {
    let account = Account::new();
    home(&account);
    let task = account.task(json!({"Options": {"VerifyMode": "ONLY_FILES_TRANSFERRED"}})).await;
    account.run(&task, json!({})).await;
    let counters = ["/FilesTransferred", "/FilesSkipped", "/BytesWritten", "/FilesVerified"];
    let second = account.run(&task, json!({})).await;
    assert_eq!(numbers(&second, &counters), [0, 7, 0, 0]);
    // Same size and another time is a change of content; another mode is one of metadata alone.
    account.file("notes/a.ipynb", "[]");
    fs::set_permissions(account.home().join("notes/run.sh"), fs::Permissions::from_mode(0o700))
        .unwrap();
    let third = account.run(&task, json!({})).await;
    assert_eq!(numbers(&third, &counters), [2, 5, 2, 2]);
    let objects: BTreeMap<_, _> = account.objects().into_iter().collect();
    assert_eq!(objects["notes/run.sh"].metadata["file-permissions"], "0100700");
    account.file("notes/a.ipynb", "longer");
    let never = account.run(&task, json!({"OverrideOptions": {"OverwriteMode": "NEVER"}})).await;
    assert_eq!(numbers(&never, &counters), [0, 7, 0, 0]);
    let all = account.run(&task, json!({"OverrideOptions": {"TransferMode": "ALL"}})).await;
    assert_eq!(numbers(&all, &counters), [6, 1, 28, 6]);
}

#[tokio::test(start_paused = true)]
async fn filters_and_a_manifest_say_what_is_taken() {
    let account = Account::new();
    home(&account);
    account.file(".cache/pip/x", "x");
    account.file("notes/.cache/y", "y");
    let task = account.task(json!({"Excludes": excludes("*/.cache|/link")})).await;
    account.run(&task, json!({})).await;
    assert_eq!(account.keys(), ["", "hollow/", "notes/", "notes/a.ipynb", "notes/run.sh"]);
    let described =
        account.run(&task, json!({"Excludes": [], "Includes": excludes("/.cache")})).await;
    assert_eq!(described.get("Excludes"), None);
    assert!(account.keys().contains(&".cache/pip/x".to_owned()));
    assert_eq!(account.keys().len(), 8);
    let direct = Direct::new(&account.world);
    let list = "link\n\"notes/.cache/y\"\nnot-there\nnotes\n";
    direct.put("data", "lists/one.csv", &mut list.as_bytes(), BTreeMap::new()).unwrap();
    let manifest = json!({"Action": "TRANSFER", "Format": "CSV", "Source": {"S3": {
        "ManifestObjectPath": "lists/one.csv", "S3BucketArn": "arn:aws:s3:::data",
        "BucketAccessRoleArn": ROLE}}});
    let both = json!({"TaskArn": task, "ManifestConfig": manifest});
    assert!(account.refusal("StartTaskExecution", both).contains("together"));
    let ended = account.run(&task, json!({"Excludes": [], "ManifestConfig": manifest})).await;
    assert!(account.keys().contains(&"link".to_owned()));
    assert!(account.keys().contains(&"notes/.cache/y".to_owned()));
    assert_eq!(numbers(&ended, &["/FilesTransferred"]), [2]);
    assert_eq!(
        (&ended["Status"], &ended["Result"]["PrepareStatus"]),
        (&json!("ERROR"), &json!("ERROR"))
    );
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_an_object_fails_by_name_and_the_rest_arrives() {
    use std::os::unix::ffi::OsStrExt;
    let account = Account::new();
    account.file("good", "good");
    let deep = std::iter::repeat_n("d".repeat(120), 9).collect::<Vec<_>>().join("/");
    account.file(&format!("{deep}/bottom"), "x");
    let odd = account.home().join(std::ffi::OsStr::from_bytes(b"odd\xff"));
    fs::write(odd, "odd").unwrap();
    let report = json!({"Destination": {"S3": {"Subdirectory": "reports",
        "S3BucketArn": "arn:aws:s3:::data", "BucketAccessRoleArn": ROLE}}, "OutputType": "STANDARD"});
    let task = account.task(json!({"TaskMode": "ENHANCED", "TaskReportConfig": report})).await;
    let ended = account.run(&task, json!({})).await;
    assert_eq!(ended["Status"], "ERROR");
    let detail = ended["Result"]["ErrorDetail"].as_str().unwrap();
    assert!(detail.contains("Selected files transferred except for files skipped"), "{detail}");
    assert_eq!(numbers(&ended, &["/FilesFailed/Prepare", "/FilesFailed/Transfer"]), [1, 1]);
    assert_eq!(numbers(&ended, &["/FoldersFailed/Transfer", "/FilesListed/AtSource"]), [1, 2]);
    assert_eq!(ended["Result"]["TransferStatus"], "ERROR");
    assert!(account.keys().contains(&"good".to_owned()));
    let errors = reports(&account, "reports/", "transferred");
    let codes: Vec<_> = errors.iter().map(|entry| entry["ErrorCode"].as_str().unwrap()).collect();
    assert_eq!(codes, ["KeyTooLongError", "KeyTooLongError", "InvalidName"]);
}

/// The entries of all detailed reports of a kind.
fn reports(account: &Account, prefix: &str, kind: &str) -> Vec<Value> {
    let direct = Direct::new(&account.world);
    let mut found = Vec::new();
    let member = format!("{}{}", kind[..1].to_uppercase(), &kind[1..]);
    for key in direct.below("data", prefix).unwrap().keys() {
        if key.contains(&format!(".files-{kind}-v1-")) {
            assert!(key.starts_with(&format!("{prefix}Detailed-Reports/task-")), "{key}");
            let (_, file) = direct.open("data", key).unwrap().unwrap();
            let mut report: Value = serde_json::from_reader(file).unwrap();
            found.extend(report[&member].take().as_array().unwrap().clone());
        }
    }
    found
}

#[tokio::test(start_paused = true)]
async fn a_report_tells_of_every_file_or_only_of_the_whole() {
    let account = Account::new();
    home(&account);
    let report = |output: &str| {
        json!({"TaskReportConfig": {"Destination": {"S3": {"S3BucketArn": "arn:aws:s3:::data",
            "BucketAccessRoleArn": ROLE}}, "OutputType": output,
            "ReportLevel": "SUCCESSES_AND_ERRORS"}})
    };
    let task = account.task(report("SUMMARY_ONLY")).await;
    let first = account.run(&task, json!({})).await;
    assert_eq!(first["ReportResult"]["Status"], "SUCCESS");
    let direct = Direct::new(&account.world);
    assert_eq!(direct.below("data", "Detailed-Reports/").unwrap().len(), 0);
    let summaries = direct.below("data", "Summary-Reports/task-").unwrap();
    let key = summaries.keys().next().unwrap();
    let (_, file) = direct.open("data", key).unwrap().unwrap();
    let summary: Value = serde_json::from_reader(file).unwrap();
    assert_eq!((&summary["FilesTransferred"], &summary["Result"]), (&json!(6), &json!("SUCCESS")));
    account.run(&task, report("STANDARD")).await;
    assert_eq!(reports(&account, "", "transferred").len(), 0);
    assert_eq!(reports(&account, "", "skipped").len(), 7);
    let verified = reports(&account, "", "verified");
    let script = verified.iter().find(|entry| entry["RelativePath"] == "/notes/run.sh").unwrap();
    assert_eq!(script["VerifyStatus"], "SUCCESS");
    assert_eq!(
        (&script["SrcMetadata"]["Mode"], &script["DstMetadata"]["Type"]),
        (&json!("0755"), &json!("Regular"))
    );
    assert_eq!(script["SrcChecksum"], script["DstChecksum"]);
    let folder = verified.iter().find(|entry| entry["RelativePath"] == "/notes").unwrap();
    assert_eq!(folder["DstMetadata"]["Type"], "Directory");
}

#[tokio::test(start_paused = true)]
async fn a_link_becomes_what_the_world_says() {
    for (symlinks, keys, status) in [
        (Symlinks::Object, vec!["", "a", "dangling", "link"], "SUCCESS"),
        (Symlinks::Skip, vec!["", "a"], "SUCCESS"),
        (Symlinks::Follow, vec!["", "a", "link"], "ERROR"),
    ] {
        let account = Account::new();
        account.change(|state| state.datasync.behaviour.symlinks = symlinks);
        account.file("a", "content");
        symlink("a", account.home().join("link")).unwrap();
        symlink("/etc/passwd", account.home().join("dangling")).unwrap();
        let task = account.task(json!({})).await;
        let ended = account.run(&task, json!({})).await;
        assert_eq!(
            (&ended["Status"], account.keys()),
            (&json!(status), keys.iter().map(|key| (*key).to_owned()).collect())
        );
        let sizes: BTreeMap<_, _> =
            account.objects().into_iter().map(|(key, seen)| (key, seen.size)).collect();
        match symlinks {
            Symlinks::Object => assert_eq!((sizes["link"], sizes["dangling"]), (1, 11)),
            Symlinks::Follow => assert_eq!(sizes["link"], 7),
            Symlinks::Skip => assert_eq!(ended["FilesSkipped"], 2),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_source_has_no_more_is_removed_when_that_is_asked_for() {
    let account = Account::new();
    home(&account);
    account.file("old/deep/file", "old");
    account.file("kept.tmp", "kept");
    let task = account.task(json!({})).await;
    account.run(&task, json!({})).await;
    fs::remove_dir_all(account.home().join("old")).unwrap();
    fs::remove_file(account.home().join("kept.tmp")).unwrap();
    account.run(&task, json!({})).await;
    assert!(account.keys().contains(&"old/deep/file".to_owned()));
    let more = json!({"OverrideOptions": {"PreserveDeletedFiles": "REMOVE"}, "Excludes": excludes("*.tmp")});
    let ended = account.run(&task, more).await;
    assert_eq!(
        (&ended["Status"], &ended["FilesDeleted"]),
        (&json!("SUCCESS"), &json!(3)),
        "{ended:#}"
    );
    assert_eq!(ended["EstimatedFilesToTransfer"], 3);
    let keys = account.keys();
    assert!(
        !keys.iter().any(|key| key.starts_with("old")) && keys.contains(&"kept.tmp".to_owned())
    );
}

#[tokio::test(start_paused = true)]
async fn a_limit_holds_an_execution_back_and_may_be_changed_on_the_way() {
    let account = Account::new();
    account.file("large", vec![7; 4 << 20]);
    let task = account.task(json!({"Options": {"BytesPerSecond": 1024}})).await;
    let execution = account.start(&task, json!({}));
    account.pass(300.0).await;
    let described = account.described(&execution);
    assert_eq!(
        (&described["Status"], &described["BytesTransferred"]),
        (&json!("TRANSFERRING"), &json!(0))
    );
    let faster = json!({"TaskExecutionArn": execution, "Options": {"BytesPerSecond": 1 << 20}});
    account.ok("UpdateTaskExecution", faster);
    account.pass(20.0).await;
    assert_eq!(account.ended(&execution).await["Status"], "SUCCESS");
    let other = json!({"TaskExecutionArn": execution, "Options": {"LogLevel": "OFF"}});
    assert!(account.refusal("UpdateTaskExecution", other).contains("Only BytesPerSecond"));
    let late = json!({"TaskExecutionArn": execution, "Options": {"BytesPerSecond": 5}});
    assert!(account.refusal("UpdateTaskExecution", late).contains("has ended"));
}

#[tokio::test(start_paused = true)]
async fn one_execution_runs_at_a_time_and_the_next_waits_or_is_refused() {
    let account = Account::new();
    account.file("a", "a");
    let task = account.task(json!({})).await;
    let first = account.start(&task, json!({}));
    let second = account.start(&task, json!({}));
    let status = |execution: &Value| account.described(execution)["Status"].clone();
    assert_eq!([status(&first), status(&second)], ["LAUNCHING", "QUEUED"]);
    let hurried = json!({"TaskArn": task, "OverrideOptions": {"TaskQueueing": "DISABLED"}});
    assert!(account.refusal("StartTaskExecution", hurried).contains("TaskQueueing"));
    assert!(account.refusal("DeleteTask", json!({"TaskArn": task})).contains("has not ended"));
    account.ended(&first).await;
    assert_eq!(status(&second), "LAUNCHING");
    let ended = account.ended(&second).await;
    assert!(ended["LaunchTime"].as_f64() > ended["StartTime"].as_f64());
    let listed = account.ok("ListTaskExecutions", json!({"TaskArn": task}));
    assert_eq!(listed["TaskExecutions"][0]["TaskExecutionArn"], first);
    assert_eq!(listed["TaskExecutions"].as_array().unwrap().len(), 2);
    account.ok("DeleteTask", json!({"TaskArn": task}));
    assert!(
        account
            .refusal("DescribeTaskExecution", json!({"TaskExecutionArn": first}))
            .contains("not found")
    );
}

#[tokio::test(start_paused = true)]
async fn an_execution_that_is_cancelled_ends_in_error_and_lets_the_next_go() {
    let account = Account::new();
    account.file("large", vec![7; 1 << 20]);
    let task = account.task(json!({"Options": {"BytesPerSecond": 1000}})).await;
    let first = account.start(&task, json!({}));
    let second = account.start(&task, json!({"OverrideOptions": {"BytesPerSecond": -1}}));
    let third = account.start(&task, json!({}));
    let cancel = |execution: &Value| {
        account.ok("CancelTaskExecution", json!({"TaskExecutionArn": execution}))
    };
    cancel(&third);
    assert_eq!(account.described(&third)["Status"], "ERROR");
    account.pass(100.0).await;
    assert_eq!(account.described(&first)["Status"], "TRANSFERRING");
    cancel(&first);
    assert_eq!(account.described(&first)["Status"], "CANCELLING");
    account.pass(12.0).await;
    let ended = account.described(&first);
    assert_eq!(
        (&ended["Status"], &ended["Result"]["ErrorCode"]),
        (&json!("ERROR"), &json!("Cancelled"))
    );
    assert!(!account.keys().contains(&"large".to_owned()));
    assert_eq!(account.ended(&second).await["Status"], "SUCCESS");
    let again = account.refusal("CancelTaskExecution", json!({"TaskExecutionArn": first}));
    assert!(again.contains("has ended"), "{again}");
}

#[tokio::test(start_paused = true)]
async fn what_changes_on_the_way_is_found_out_when_it_is_verified() {
    let account = Account::new();
    account.file("hot", "before");
    account.file("cold", "cold");
    let task = account.task(json!({})).await;
    let execution = account.start(&task, json!({}));
    account.pass(75.0).await;
    assert_eq!(account.described(&execution)["Status"], "TRANSFERRING");
    account.file("hot", "after!");
    let ended = account.ended(&execution).await;
    assert_eq!(
        (&ended["Status"], &ended["Result"]["VerifyStatus"]),
        (&json!("ERROR"), &json!("ERROR"))
    );
    let detail = ended["Result"]["ErrorDetail"].as_str().unwrap();
    assert!(detail.contains("Verification detected mismatches"), "{detail}");
    assert_eq!(ended["FilesVerified"], 2);
}

#[tokio::test(start_paused = true)]
async fn a_place_that_cannot_be_reached_ends_the_execution() {
    let account = Account::new();
    let input = account.task_input(json!({}));
    let nowhere = account.ok("CreateLocationEfs", account.efs("/200099"))["LocationArn"].clone();
    let task = json!({"SourceLocationArn": nowhere, "DestinationLocationArn": input["DestinationLocationArn"]});
    let task = account.ok("CreateTask", task)["TaskArn"].clone();
    account.pass(10.0).await;
    let ended = account.run(&task, json!({})).await;
    assert_eq!(ended["Result"]["ErrorCode"], "MountFailed");
    assert_eq!(
        (&ended["Result"]["PrepareStatus"], &ended["Result"]["TransferStatus"]),
        (&json!("ERROR"), &json!("PENDING"))
    );
    account.file("a", "a");
    let task = account.task(json!({})).await;
    account.change(|state| {
        let role = state.roles.get_mut(ROLE).unwrap();
        for statement in &mut role.statements {
            statement.actions = vec!["s3:Get*".into(), "s3:List*".into()];
        }
    });
    let ended = account.run(&task, json!({})).await;
    assert_eq!((&ended["Status"], &ended["FilesTransferred"]), (&json!("ERROR"), &json!(0)));
    account.change(|state| {
        state.roles.remove(ROLE);
    });
    let ended = account.run(&task, json!({})).await;
    assert_eq!(ended["Result"]["ErrorCode"], "LocationAccessTestFailed");
}

#[tokio::test(start_paused = true)]
async fn a_stuck_execution_stays_where_it_is_until_it_is_cancelled() {
    let account = Account::new();
    let task = account.task(json!({})).await;
    let input = json!({"TaskArn": task});
    let started = super::call(&account.world, "StartTaskExecution", &input, true).unwrap();
    let execution = started["TaskExecutionArn"].clone();
    account.pass(10_000.0).await;
    assert_eq!(account.described(&execution)["Status"], "LAUNCHING");
    account.ok("CancelTaskExecution", json!({"TaskExecutionArn": execution}));
    assert_eq!(account.ended(&execution).await["Status"], "ERROR");
}

#[tokio::test(start_paused = true)]
async fn times_are_spelled_as_the_world_says_and_compared_so() {
    let account = Account::new();
    account.change(|state| state.datasync.behaviour.times = Times::SecondsAndNanoseconds);
    account.file("a", "a");
    touch(&account, "a", 1_602_647_222, 222_919_600);
    let task = account.task(json!({})).await;
    account.run(&task, json!({})).await;
    let objects: BTreeMap<_, _> = account.objects().into_iter().collect();
    assert_eq!(objects["a"].metadata["file-mtime"], "1602647222/222919600");
    assert_eq!(account.run(&task, json!({})).await["FilesTransferred"], 0);
}

#[test]
fn an_execution_goes_on_where_a_process_left_it() {
    use std::path::Path;
    let clock = || {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        builder.enable_all().start_paused(true).build().unwrap()
    };
    let first = clock();
    let (dir, execution) = first.block_on(async {
        let account = Account::new();
        for number in 0..200 {
            account.file(&format!("{number:03}"), vec![7; 10_000]);
        }
        let task = account.task(json!({"Options": {"BytesPerSecond": 100_000}})).await;
        let execution = account.start(&task, json!({}));
        account.pass(80.0).await;
        let described = account.described(&execution);
        assert_eq!(described["Status"], "TRANSFERRING");
        let there = described["FilesTransferred"].as_u64().unwrap();
        assert!((60..200).contains(&there), "{there}");
        (account.dir, execution)
    });
    // The runtime's tasks, which hold the world, go with it.
    drop(first);
    let second = clock();
    second.block_on(async {
        let world = crate::sim::World::open(dir.path(), Path::new("/bin/true")).unwrap();
        super::resume(&world);
        let account = Account { world, dir };
        let ended = account.ended(&execution).await;
        assert_eq!(ended["Status"], "SUCCESS", "{ended:#}");
        let counters =
            ["/EstimatedFilesToTransfer", "/FilesTransferred", "/FilesVerified", "/BytesWritten"];
        assert_eq!(numbers(&ended, &counters), [201, 201, 201, 2_000_000]);
        assert_eq!(account.keys().len(), 201);
    });
}
