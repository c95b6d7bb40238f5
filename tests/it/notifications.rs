//! Notifications as their receivers meet them: a webhook on loopback and real programs, told of real runs.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::common::ONE_PERSON;
use crate::common::hooks::{Answer, Post, Receiver};
use crate::common::python;
use crate::common::ready::{ALICE, Ready};
use crate::common::tool::{Ran, command_on, light_mover, until};

/// A secret that is to be found nowhere.
const SECRET: &str = "hunter2-or-rather-something-longer";

/// Every moment.
const ALL: &str = "[run-began, batch-began, gate-waits, migration-failed, migration-refused, batch-ended, batch-stopped, run-ended]";

/// Makes ready a run of two batches, bob and then alice, with these entries of `notifications`.
fn ready(faults: Option<&str>, entries: &str, lines: &[&str]) -> Ready {
    let notifications = format!("prices: {{}}\nnotifications:\n{entries}");
    let own = ["  pilot: [bob]", notifications.as_str()];
    Ready::with(ONE_PERSON, faults, &[own.as_slice(), lines].concat())
}

fn entry(moments: &str, way: &str) -> String {
    format!("  - on: {moments}\n    {way}\n")
}

/// The words of a run that takes everyone over.
fn run_all() -> Vec<&'static str> {
    vec!["run", "--yes", "--mover", light_mover().to_str().unwrap()]
}

fn run_with_secret(ready: &Ready, words: &[&str]) -> Ran {
    let mut command = command_on(&ready.served, &ready.journal, words);
    command.env("HOOK_SECRET", SECRET).output().unwrap().into()
}

fn moments(posts: &[Post]) -> Vec<String> {
    let said = |post: &Post| {
        let body = post.json();
        let word = |name: &str| body[name].as_str().unwrap_or("-").to_owned();
        format!("{} {}", word("moment"), word("batch"))
    };
    posts.iter().map(said).collect()
}

fn undelivered(ready: &Ready) -> Vec<Value> {
    let events = ready.events().into_iter();
    events.filter(|event| event["kind"].as_str().unwrap().starts_with("notice")).collect()
}

/// Tells whether a process is there and is more than a name in the list.
fn is_alive(pid: &str) -> bool {
    let state = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
    !state.is_empty() && !state.contains(") Z ")
}

fn everything_below(folder: &Path) -> Vec<u8> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            all.extend(std::fs::read(path).unwrap());
        }
    }
    all
}

fn holds(text: &[u8], words: &str) -> bool {
    text.windows(words.len()).any(|window| window == words.as_bytes())
}

/// The check of a signature that the page on notifications prints.
fn is_ours(post: &Post, secret: &str) -> bool {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/notifications.md");
    let page = std::fs::read_to_string(page).unwrap();
    let code = page.split("```python\n").nth(1).unwrap().split("```").next().unwrap();
    let call =
        "import sys\nprint(is_ours(sys.argv[1], sys.argv[2].encode(), sys.argv[3].encode()))";
    let output = Command::new(python::bin().join("python"))
        .args(["-c", &format!("{code}\n{call}")])
        .args([&post.headers["studio-migrate-signature"], &post.body, secret])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim() == "True"
}

#[test]
fn a_run_with_a_pilot_and_one_failing_person_tells_exactly_its_moments() {
    let receiver = Receiver::start(Answer::Status(204));
    let told = tempfile::tempdir().unwrap();
    let program = "{ echo \"$STUDIO_MIGRATE_NOTICE ${STUDIO_MIGRATE_BATCH:--}\" >> \"$0/moments\"; cat >> \"$0/bodies\"; echo >> \"$0/bodies\"; env >> \"$0/env\"; echo told; }";
    let entries = [
        entry(
            ALL,
            &format!("url: \"{}/studio?team=ml\"\n    secret_env: HOOK_SECRET", receiver.url),
        ),
        entry(ALL, &format!("command: [sh, -c, '{program}', '{}']", told.path().display())),
        entry("[migration-failed]", &format!("url: \"{}/failures\"", receiver.url)),
    ]
    .concat();
    // The space of the second person, alice, cannot be made.
    let denied = "- operation: sagemaker:CreateSpace\n  from: 2\n  times: 0\n  effect: denied\n";
    let ready = ready(Some(denied), &entries, &[]);
    let dry = run_with_secret(&ready, &["run", "--dry-run"]).ended(0);
    assert!(dry.out.contains("2 people would be migrated"), "{}", dry.out);
    assert_eq!(receiver.posts().len(), 0);

    let wire_log = ready.file("wire.jsonl");
    let logged = ["-v", "--log-format", "json", "--wire-log", wire_log.to_str().unwrap()];
    let ran = run_with_secret(&ready, &[run_all().as_slice(), &logged].concat()).ended(4);
    assert!(ran.err.contains("\"output\":\"told\""), "{}", ran.err);
    let (failures, posts): (Vec<_>, Vec<_>) =
        receiver.posts().into_iter().partition(|post| post.path == "/failures");
    let expected = [
        "run-began -",
        "batch-began pilot",
        "batch-ended pilot",
        "batch-began batch-1",
        "migration-failed batch-1",
        "batch-ended batch-1",
        "run-ended -",
    ];
    assert_eq!(moments(&posts), expected);
    assert_eq!(moments(&failures), ["migration-failed batch-1"]);
    let read = |name: &str| std::fs::read_to_string(told.path().join(name)).unwrap();
    assert_eq!(read("moments").lines().collect::<Vec<_>>(), expected);
    // Everyone is told the same, under the same id.
    let bodies: Vec<_> = read("bodies").lines().map(str::to_owned).collect();
    assert_eq!(bodies, posts.iter().map(|post| post.body.clone()).collect::<Vec<_>>());
    let ids: std::collections::BTreeSet<_> =
        posts.iter().map(|post| post.headers["studio-migrate-notice-id"].clone()).collect();
    assert_eq!(ids.len(), expected.len());

    let failed = failures[0].json();
    assert_eq!(failed["migration"], ALICE);
    assert_eq!(
        (&failed["domain"], &failed["failure"]["step"]),
        (&json!("d-sim000000001"), &json!("provision"))
    );
    assert!(failed["failure"]["hint"].as_str().unwrap().contains("iam operator"), "{failed}");
    assert_eq!(failed["counts"], json!({ "done": 1, "failed": 1, "left": 0 }));
    assert_eq!(failed["is_simulated"], true);
    assert_eq!(posts[0].json()["counts"], json!({ "done": 0, "failed": 0, "left": 2 }));
    assert_eq!(posts[6].json()["counts"], json!({ "done": 1, "failed": 1, "left": 0 }));
    assert_eq!(posts[0].json()["plan"].as_str().unwrap(), ready.plan().id.as_str());

    assert!(is_ours(&posts[0], SECRET) && is_ours(&posts[6], SECRET));
    assert!(!is_ours(&posts[0], "another secret"));
    let forged = Post { body: posts[0].body.replace("run-began", "run-ended"), ..posts[0].clone() };
    assert!(!is_ours(&forged, SECRET));
    assert!(!failures[0].headers.contains_key("studio-migrate-signature"));

    assert_eq!(undelivered(&ready), [Value::Null; 0]);
    let playbook = ready.journal.with_extension("yaml");
    let doctor = ready.run(&["doctor", "--playbook", playbook.to_str().unwrap()]);
    assert!(doctor.out.contains("the variable HOOK_SECRET"), "{}", doctor.out);
    // Journal, playbook, plan and wire log lie in one folder.
    let kept = everything_below(ready.journal.parent().unwrap());
    assert!(holds(&kept, "HOOK_SECRET") && !holds(&kept, SECRET));
    assert!(!ran.err.contains(SECRET) && !ran.out.contains(SECRET));
    assert!(read("env").contains("AWS_REGION") && !read("env").contains(SECRET));
    assert!(!ready.run(&["audit", "export"]).ended(0).out.contains(SECRET));
}

#[test]
fn a_rollback_and_a_shut_gate_are_told_too() {
    let receiver = Receiver::start(Answer::First(503, 200));
    let entries = entry(ALL, &format!("url: \"{}\"", receiver.url));
    let gate = "gates: [{ name: go, before: batch-1, what: 'the word of the team' }]";
    let ready = ready(None, &entries, &[gate]);
    ready.run(&run_all()).ended(5);
    let posts = receiver.posts();
    let expected = [
        // Refused at first, and sent again.
        "run-began -",
        "run-began -",
        "batch-began pilot",
        "batch-ended pilot",
        "gate-waits batch-1",
        "run-ended -",
    ];
    assert_eq!(moments(&posts), expected);
    assert_eq!(posts[0].json()["id"], posts[1].json()["id"]);
    let waits = posts[4].json();
    assert_eq!(waits["gate"], "go");
    assert!(waits["why"].as_str().unwrap().contains("studio-migrate gate open go"), "{waits}");
    let end = posts[5].json();
    assert_eq!((&end["counts"]["left"], &end["why"]), (&json!(1), &waits["why"]));

    ready.run(&["rollback", "--user", "bob", "--delete-spaces", "--yes"]).ended(0);
    let posts = receiver.posts().split_off(expected.len());
    let back = ["run-began -", "batch-began pilot", "batch-ended pilot", "run-ended -"];
    assert_eq!(moments(&posts), back);
    assert_eq!(posts[0].json()["command"], "rollback");
    let told = receiver.posts().len();
    ready.run(&["rollback", "--user", "bob"]).ended(0);
    assert_eq!(receiver.posts().len(), told, "there was nothing to take back");
    assert_eq!(undelivered(&ready), [Value::Null; 0]);
}

#[test]
fn a_run_that_is_stopped_on_request_says_so() {
    let receiver = Receiver::start(Answer::Status(200));
    let entries = entry(ALL, &format!("url: \"{}\"", receiver.url));
    let ready = ready(None, &entries, &[]);
    let mut command = command_on(&ready.served, &ready.journal, &run_all());
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    until("the pilot begins", || receiver.posts().len() >= 2);
    let process = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(process, rustix::process::Signal::INT).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let posts = receiver.posts();
    let expected = ["run-began -", "batch-began pilot", "batch-stopped pilot", "run-ended -"];
    assert_eq!(moments(&posts), expected);
    assert_eq!(posts[3].json()["why"], "stopped on request");
    assert_eq!(posts[3].json()["counts"], json!({ "done": 0, "failed": 0, "left": 2 }));
}

#[test]
fn a_dead_webhook_stops_nothing_and_is_told_of_and_journalled() {
    let silent = Receiver::start(Answer::Never);
    let entries = [
        entry(ALL, &format!("url: \"{}/refused\"", Receiver::nobody())),
        entry(
            ALL,
            &format!("url: \"{}/silent\"\n    timeout_seconds: 1\n    attempts: 2", silent.url),
        ),
        entry(ALL, &format!("url: \"{}\"\n    secret_env: HOOK_SECRET", silent.url)),
    ]
    .concat();
    let ready = ready(None, &entries, &[]);
    let command = command_on(&ready.served, &ready.journal, &run_all());
    let (ran, after) = after_its_last_word(command, "left for the next run");
    let ran = ran.ended(0);
    assert!(ran.out.contains("2 moved, 0 failed"), "{}", ran.out);
    assert!(after < Duration::from_secs(10), "{after:?} after the end of the work");
    let said = |words: &str| ran.err.matches(words).count();
    assert_eq!(
        said("run-began did not reach notifications[0] (http://127.0.0.1:"),
        1,
        "{}",
        ran.err
    );
    assert!(ran.err.contains("Connection refused"), "{}", ran.err);
    assert!(ran.err.contains("(http://127.0.0.1:") && !ran.err.contains("/refused"), "{}", ran.err);
    assert_eq!(said("no answer in 1 s (2 attempts)"), 1, "{}", ran.err);
    assert_eq!(said("the variable HOOK_SECRET"), 1, "{}", ran.err);
    let events = undelivered(&ready);
    let of = |target: &str| {
        let is_of =
            |event: &&Value| event["detail"]["target"].as_str().unwrap().starts_with(target);
        events.iter().filter(is_of).collect::<Vec<_>>()
    };
    let refused = of("notifications[0]");
    assert_eq!(refused.len(), 6, "{refused:#?}");
    assert_eq!(
        (&refused[0]["kind"], &refused[0]["detail"]["moment"]),
        (&json!("notice-undelivered"), &json!("run-began"))
    );
    assert_eq!(
        (&refused[0]["detail"]["attempts"], &refused[5]["detail"]["attempts"]),
        (&json!(3), &json!(1))
    );
    assert!(
        refused.iter().all(|event| event["operation"].is_number() && event["migration"].is_null())
    );
    assert!(!of("notifications[1]").is_empty());
    assert_eq!(of("notifications[2]").len(), 6);
    ready.run(&["audit", "verify"]).ended(0);
    let report = ready.report();
    assert_eq!(report["standing"], "moved", "{report}");
}

/// Runs a command, and returns how long it went on after it had said something on stdout.
fn after_its_last_word(mut command: Command, words: &str) -> (Ran, Duration) {
    let err = tempfile::NamedTempFile::new().unwrap();
    command.stdout(Stdio::piped()).stderr(err.reopen().unwrap());
    let mut child = command.spawn().unwrap();
    let mut said_at = Instant::now();
    let mut out = String::new();
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        if line.contains(words) {
            said_at = Instant::now();
        }
        out.push_str(&line);
        out.push('\n');
    }
    let code = child.wait().unwrap().code();
    let after = said_at.elapsed();
    assert!(out.contains(words), "{out}");
    (Ran { code, out, err: std::fs::read_to_string(err.path()).unwrap() }, after)
}

#[test]
fn a_program_that_hangs_is_killed_and_one_that_still_runs_at_the_end_goes_with_ctrl_c() {
    let told = tempfile::tempdir().unwrap();
    let hang = |name: &str| {
        let file = told.path().join(name);
        format!("command: [sh, -c, 'echo $$ > \"$0\"; sleep 600', '{}']", file.display())
    };
    let entries = [
        entry("[run-began]", &format!("{}\n    timeout_seconds: 0.5", hang("first"))),
        entry("[run-ended]", &format!("{}\n    timeout_seconds: 60", hang("last"))),
    ]
    .concat();
    let ready = ready(None, &entries, &[]);
    let err = ready.file("stderr.txt");
    let mut command = command_on(&ready.served, &ready.journal, &run_all());
    command.stdout(Stdio::null()).stderr(std::fs::File::create(&err).unwrap());
    let mut child = command.spawn().unwrap();
    let said = || std::fs::read_to_string(&err).unwrap();
    until("the last notices are delivered", || said().contains("Delivering the last notices"));
    let pid = |name: &str| std::fs::read_to_string(told.path().join(name)).unwrap();
    assert!(!is_alive(&pid("first")));
    assert!(
        said().contains(
            "run-began did not reach notifications[0] (sh): it was killed after 0.5 s (1 attempt)"
        ),
        "{}",
        said()
    );
    assert!(is_alive(&pid("last")));
    let asked = Instant::now();
    let process = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(process, rustix::process::Signal::INT).unwrap();
    // The work was done, and its exit code says so.
    assert_eq!(child.wait().unwrap().code(), Some(0), "{}", said());
    assert!(asked.elapsed() < Duration::from_secs(10), "{:?}", asked.elapsed());
    until("the program is gone", || !is_alive(&pid("last")));
    assert!(
        said().contains("1 more notices for notifications[1] (sh) were not sent"),
        "{}",
        said()
    );
    let kinds: Vec<_> =
        undelivered(&ready).into_iter().map(|event| event["kind"].clone()).collect();
    assert_eq!(kinds, ["notice-undelivered", "notices-dropped"]);
}

#[test]
fn a_test_notice_goes_to_everyone_and_how_each_answered_is_said() {
    let receiver = Receiver::start(Answer::Status(200));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mine.yaml");
    let test = |entries: &str| -> Ran {
        std::fs::write(&file, format!("schema: 1\nname: mine\nnotifications:\n{entries}")).unwrap();
        let words = ["notify", "test", "--playbook", file.to_str().unwrap()];
        let mut command = crate::common::tool::command(&words);
        command.env("HOOK_SECRET", SECRET).output().unwrap().into()
    };
    let signed = format!("url: \"{}/path\"\n    secret_env: HOOK_SECRET", receiver.url);
    let taken = test(&entry("[gate-waits]", &signed)).ended(0);
    assert_eq!(taken.out, format!("ok     notifications[0] ({}): answered 200\n", receiver.url));
    let [post] = &receiver.posts()[..] else { panic!("one post") };
    assert_eq!((post.path.as_str(), &post.json()["moment"]), ("/path", &json!("test")));
    assert!(is_ours(post, SECRET));

    let refusing = Receiver::start(Answer::Status(403));
    let entries = [
        entry("[run-ended]", &format!("url: \"{}\"", refusing.url)),
        entry("[run-ended]", "command: [sh, -c, 'exit 3']"),
        entry("[run-ended]", "command: [/no/such/program]"),
        entry("[run-ended]", "url: \"https://example.com\"\n    secret_env: NO_SUCH_SECRET"),
        entry("[run-ended]", "command: [grep, -q, nothing happened]"),
    ]
    .concat();
    let refused = test(&entries).ended(4).out;
    let lines: Vec<_> = refused.lines().collect();
    assert!(lines[0].starts_with("WRONG") && lines[0].ends_with(": answered 403"), "{refused}");
    assert_eq!(lines[1], "WRONG  notifications[1] (sh): ended with exit code 3");
    assert!(lines[2].contains("it cannot be started"), "{refused}");
    assert!(lines[3].contains("the variable NO_SUCH_SECRET"), "{refused}");
    assert_eq!(lines[4], "ok     notifications[4] (grep): ended with exit code 0");
    let nobody = crate::common::tool::command(&["notify", "test", "--playbook", "standard"]);
    let nobody: Ran = { nobody }.output().unwrap().into();
    assert!(nobody.ended(0).out.contains("Nobody is told"));
    let none = test("  - on: [run-ended]\n    url: http://example.com\n").ended(2);
    assert!(none.err.contains("mine.yaml:5:10: ") && none.err.contains("loopback"), "{}", none.err);
}
