//! A run is steered from another shell, and stops by the rules of its playbook.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::process::{Child, Stdio};

use serde_json::Value;
use studio_migrate::journal::Journal;

use crate::common::ready::Ready;
use crate::common::tool::{Ran, command_on, light_mover, until};

/// Four people whose spaces take a moment to start, so that there is time to say something.
const FOUR: &str = r##"
name: four
seed: 3
timing:
  space: 0.05
  update: 0.05
  app_start: 0.6
  app_stop: 0.05
domains:
  - name: research
    members:
      DefaultUserSettings:
        ExecutionRole: arn:aws:iam::000000000000:role/service-role/AmazonSageMaker-ExecutionRole
    profiles:
      - { name: ada, home: empty }
      - { name: ben, home: empty }
      - { name: cleo, home: empty }
      - { name: dan, home: empty }
"##;

fn ready(lines: &[&str]) -> Ready {
    Ready::with(FOUR, None, lines)
}

fn words() -> [&'static str; 4] {
    ["run", "--yes", "--mover", light_mover().to_str().unwrap()]
}

/// A run in the background.
struct Running(Child);

impl Running {
    fn of(ready: &Ready) -> Self {
        Self::with(ready, &words())
    }

    fn with(ready: &Ready, words: &[&str]) -> Self {
        let mut command = command_on(&ready.served, &ready.journal, words);
        Self(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
    }

    fn end(self) -> Ran {
        self.0.wait_with_output().unwrap().into()
    }
}

/// What the run says of itself; null while none can be asked.
fn look(ready: &Ready) -> Value {
    let said = ready.run(&["status", "--format", "json"]).ended(0).out;
    serde_json::from_str::<Value>(&said).unwrap()["run"].take()
}

fn standings(ready: &Ready) -> Vec<String> {
    let said = ready.run(&["status", "--format", "json"]).ended(0).out;
    let said: Value = serde_json::from_str(&said).unwrap();
    let all = said["migrations"].as_array().unwrap().iter();
    all.map(|one| one["standing"].as_str().unwrap().to_owned()).collect()
}

fn at_work(ready: &Ready) -> usize {
    look(ready)["at_work"].as_object().map_or(0, |all| all.len())
}

#[test]
fn a_paused_run_begins_nothing_until_it_is_resumed() {
    let ready = ready(&["limits.users: 1"]);
    let running = Running::of(&ready);
    until("someone is at work", || at_work(&ready) == 1);
    let said = ready.run(&["pause"]).ended(0).out;
    assert!(said.starts_with("paused"), "{said}");
    until("the step under way is done", || {
        let look = look(&ready);
        let waits = look["at_work"].as_object().unwrap().values().next().unwrap().clone();
        look["is_paused"] == true && waits["waits_for"] == "someone to resume"
    });
    let before = ready.events().len();
    std::thread::sleep(std::time::Duration::from_millis(800));
    assert_eq!(ready.events().len(), before, "a paused run does nothing");
    ready.run(&["resume"]).ended(0);
    running.end().ended(0);
    assert_eq!(standings(&ready), ["moved"; 4]);
    // What was asked is in the trail, with who asked.
    let steered: Vec<_> =
        ready.events().into_iter().filter(|event| event["kind"] == "steered").collect();
    assert_eq!(steered.len(), 2);
    assert!(steered[0]["detail"]["uid"].is_u64(), "{steered:?}");
}

#[test]
fn a_drained_run_ends_as_one_to_go_on_with() {
    let ready = ready(&["limits.users: 1"]);
    let running = Running::of(&ready);
    until("someone is at work", || at_work(&ready) == 1);
    ready.run(&["drain"]).ended(0);
    let ran = running.end().ended(5);
    assert!(ran.err.contains("stopped on request"), "{}", ran.err);
    ready.run(&words()).ended(0);
    assert_eq!(standings(&ready), ["moved"; 4]);
}

#[test]
fn more_are_let_in_when_the_limit_is_raised() {
    let ready = ready(&["limits.users: 1", "  pilot_users: 0"]);
    let running = Running::of(&ready);
    until("someone is at work", || at_work(&ready) == 1);
    ready.run(&["set", "concurrency=3", "apps=3"]).ended(0);
    until("three are at work", || at_work(&ready) == 3);
    running.end().ended(0);
}

#[test]
fn homes_that_are_read_again_are_steered_like_a_run() {
    let ready = ready(&["limits.users: 1", "  pilot_users: 0"]);
    ready.run(&words()).ended(0);
    let mover = light_mover().to_str().unwrap();
    let running = Running::with(&ready, &["verify", "--deep", "--mover", mover]);
    until("somebody is at work", || at_work(&ready) > 0);
    ready.run(&["drain"]).ended(0);
    let ran = running.end().ended(5);
    assert!(ran.out.contains("not read again: stopped on request"), "{}", ran.out);
}

#[test]
fn no_more_apps_copy_than_are_allowed() {
    let ready = ready(&["limits.users: 4", "  pilot_users: 0"]);
    let running = Running::of(&ready);
    until("the run listens", || look(&ready).is_object());
    ready.run(&["set", "apps=1"]).ended(0);
    until("somebody waits for room", || {
        let look = look(&ready);
        let waits = |one: &Value| one["waits_for"].as_str().is_some_and(|w| w.contains("room"));
        look["at_work"].as_object().is_some_and(|all| all.values().any(waits))
    });
    running.end().ended(0);
}

#[test]
fn one_person_is_stopped_and_nobody_else() {
    let ready = ready(&["limits.users: 2"]);
    let running = Running::of(&ready);
    until("ada is at work", || look(&ready)["at_work"]["d-sim000000001/ada"].is_object());
    let said = ready.run(&["abort", "ada", "dan"]).ended(0).out;
    assert!(said.contains("ada stops at the next safe point"), "{said}");
    assert!(said.contains("dan is not begun"), "{said}");
    let ran = running.end().ended(5);
    assert!(
        ran.err.contains("aborted on request: d-sim000000001/ada, d-sim000000001/dan"),
        "{}",
        ran.err
    );
    let standings = standings(&ready);
    assert_eq!(standings.iter().filter(|one| *one == "moved").count(), 2, "{standings:?}");
    ready.run(&words()).ended(0);
}

#[test]
fn whoever_steers_where_nobody_is_at_work_is_told_so() {
    let ready = ready(&[]);
    let ran = ready.run(&["pause"]).ended(2);
    assert!(ran.err.contains("no run is at work"), "{}", ran.err);
    let ran = ready.run(&["set", "speed=11"]).ended(2);
    assert!(ran.err.contains("the limits are concurrency, apps and gib-in-flight"), "{}", ran.err);
    ready.run(&["set", "concurrency=0"]).ended(2);
    let ran = ready.run(&["abort", "nobody"]).ended(2);
    assert!(ran.err.contains("does not know nobody"), "{}", ran.err);
}

#[test]
fn a_request_that_is_no_text_is_answered() {
    let ready = ready(&[]);
    let running = Running::of(&ready);
    until("the run listens", || !look(&ready).is_null());
    let socket = ready.journal.with_extension("db.sock");
    let mut stream = UnixStream::connect(socket).unwrap();
    stream.write_all(b"\xff\xfe{}\n").unwrap();
    let mut reply = String::new();
    BufReader::new(stream).read_line(&mut reply).unwrap();
    let reply: Value = serde_json::from_str(&reply).unwrap();
    assert_eq!(reply["is_done"], false);
    assert!(reply["said"].as_str().unwrap().contains("this is no request"), "{reply}");
    running.end().ended(0);
}

#[test]
fn whoever_steers_a_run_that_cannot_hear_is_told_whether_it_is_elsewhere() {
    let ready = ready(&[]);
    let journal = Journal::open(&ready.journal).unwrap();
    let _lease = journal.take_lease("ann").unwrap();
    let ran = ready.run(&["pause"]).ended(2);
    assert!(ran.err.contains("is at work on this host, and does not listen at"), "{}", ran.err);
    assert!(ran.err.contains("only `run` and `retry`"), "{}", ran.err);
    let elsewhere = rusqlite::Connection::open(&ready.journal).unwrap();
    elsewhere.execute("UPDATE lease SET host = 'other/0a1b2c3d'", []).unwrap();
    let ran = ready.run(&["pause"]).ended(2);
    assert!(ran.err.contains("on other/0a1b2c3d"), "{}", ran.err);
    assert!(ran.err.contains("is at work on another host than this one"), "{}", ran.err);
    // Nobody reads nanoseconds.
    let since = ran.err.split(" since ").nth(1).unwrap().split(' ').next().unwrap();
    assert!(since.ends_with('Z') && !since.contains('.'), "{since}");
}

#[test]
fn an_alarm_file_stops_the_run_and_is_quoted() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("alarm");
    let line = format!("  alarm_file: {}", file.display());
    let ready = ready(&["limits.users: 1", &line]);
    std::fs::write(&file, "the file system is slow\nand more").unwrap();
    let ran = ready.run(&words()).ended(5);
    assert!(ran.err.contains("(stop_rules.alarm_file): the file system is slow"), "{}", ran.err);
    assert!(!ran.err.contains("and more"), "{}", ran.err);
    std::fs::remove_file(&file).unwrap();
    ready.run(&words()).ended(0);
}

#[test]
fn a_named_error_or_failures_in_a_row_stop_a_batch_and_it_says_which_rule() {
    let denied = "- { operation: sagemaker:CreateSpace, times: 0, effect: denied }\n";
    for (line, rule) in [
        (
            "  on_errors: [AccessDenied]",
            "1 migration of batch-1 failed (stop_rules.on_errors: AccessDenied)",
        ),
        (
            "  failures_in_a_row: 2",
            "2 migrations of batch-1 failed (stop_rules.failures_in_a_row: 2)",
        ),
    ] {
        let ready = Ready::with(
            FOUR,
            Some(denied),
            &["limits.users: 1", line, "  pilot_users: 0", "  failures: 9"],
        );
        let ran = ready.run(&words()).ended(5);
        assert!(ran.err.contains(rule), "{}", ran.err);
        // What is missing is named, as a statement to paste.
        assert!(
            ran.err.contains(r#"{"Effect":"Allow","Action":"sagemaker:CreateSpace""#),
            "{}",
            ran.err
        );
        let stops = ready.events().into_iter().filter(|event| event["kind"] == "batch-stopped");
        let said: Vec<_> = stops.map(|event| event["detail"]["why"].clone()).collect();
        assert_eq!(said, [rule]);
        let ready = ready.with_faults(None);
        ready.run(&words()).ended(0);
        assert_eq!(standings(&ready), ["moved"; 4]);
    }
}

#[test]
fn expired_credentials_are_waited_for() {
    let expired = "- { operation: 'sagemaker:*', from: 40, times: 2, effect: expired }\n\
                   - { operation: 's3:HeadObject', effect: expired }\n\
                   - { operation: 'sts:*', from: 2, times: 3, effect: expired }\n";
    let ready = Ready::with(FOUR, Some(expired), &["limits.users: 2"]);
    let ran = ready.run(&words()).ended(0);
    assert!(ran.err.contains("the credentials have expired: log in again"), "{}", ran.err);
    assert!(ran.err.contains("there are new credentials; the run goes on"), "{}", ran.err);
    assert_eq!(standings(&ready), ["moved"; 4]);
}

#[test]
fn credentials_that_do_not_come_end_the_run_with_their_exit_code() {
    let expired = "- { operation: 'sagemaker:*', from: 40, times: 0, effect: expired }\n\
                   - { operation: 'sts:*', from: 2, times: 0, effect: expired }\n";
    let ready =
        Ready::with(FOUR, Some(expired), &["limits.users: 2", "  credentials_minutes: 0.02"]);
    let ran = ready.run(&words()).ended(8);
    assert!(ran.err.contains("log in again and run the same command"), "{}", ran.err);
    let ready = ready.with_faults(None);
    ready.run(&words()).ended(0);
}

#[test]
fn nobody_follows_a_pilot_that_has_not_had_its_time_or_is_not_well() {
    let ready = ready(&["  soak_hours: 1", "  pilot_users: 1"]);
    let ran = ready.run(&words()).ended(5);
    assert!(
        ran.err.contains("1 hours after the last of the pilot (calendar.soak_hours)"),
        "{}",
        ran.err
    );
    assert_eq!(standings(&ready), ["moved", "waiting", "waiting", "waiting"]);
    let any_time = [words().as_slice(), &["--any-time"]].concat();
    // Somebody has led the pilot back to Classic meanwhile.
    let ready = ready.edited(|world| {
        world["studio"]["profiles"]["d-sim000000001/ada"]["settings"]["StudioWebPortal"] =
            "DISABLED".into();
    });
    let ran = ready.run(&any_time).ended(5);
    let said = "1 of 1 of the pilot are not well: ada the profile does not lead to the new Studio";
    assert!(ran.err.contains(said), "{}", ran.err);
    ready.run(&[any_time.as_slice(), &["--despite-trial"]].concat()).ended(0);
    assert_eq!(standings(&ready), ["moved"; 4]);
}

#[test]
fn a_run_that_waits_goes_on_by_itself_once_its_gate_is_open() {
    let gates = "gates: [{ name: cab, before: batch-1, what: the board has met }]";
    let ready = ready(&["  pilot_users: 1", gates]);
    let waiting = [words().as_slice(), &["--wait"]].concat();
    let mut command = command_on(&ready.served, &ready.journal, &waiting);
    let running = Running(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap());
    until("the pilot has moved", || standings(&ready)[0] == "moved");
    ready.run(&["gate", "open", "cab", "--note", "CHG-1"]).ended(0);
    let ran = running.end().ended(0);
    let said = "batch-1 waits: batch-1 waits for gate cab (the board has met)";
    assert!(ran.err.contains(said), "{}", ran.err);
    assert_eq!(standings(&ready), ["moved"; 4]);
}

#[test]
fn a_drained_run_does_not_pretend_to_go_on() {
    let ready = ready(&["limits.users: 1"]);
    let running = Running::of(&ready);
    until("someone is at work", || at_work(&ready) == 1);
    assert_eq!(ready.run(&["resume"]).ended(0).out, "was not paused\n");
    ready.run(&["drain"]).ended(0);
    // It may have ended already.
    let ran = ready.run(&["resume"]).ended(2);
    assert!(
        ["cannot be taken back", "no run is at work"].iter().any(|said| ran.err.contains(said)),
        "{}",
        ran.err
    );
    let ran = running.end().ended(5);
    assert!(ran.err.contains("Asked by uid"), "{}", ran.err);
}

#[test]
fn after_a_run_was_killed_status_says_that_nobody_is_at_work() {
    let ready = ready(&["limits.users: 1"]);
    let mut running = Running::of(&ready);
    until("someone is at work", || at_work(&ready) == 1);
    running.0.kill().unwrap();
    running.0.wait().unwrap();
    let status = || ready.run(&["status"]).ended(0).out;
    assert!(status().contains("Nobody is at work: `studio-migrate run --yes"), "{}", status());
    ready.run(&words()).ended(0);
    assert!(!status().contains("Nobody is at work"), "{}", status());
}

#[test]
fn a_name_that_is_wrong_keeps_nobody_else_from_being_stopped() {
    let ready = ready(&["limits.users: 1", "  pilot_users: 0"]);
    let running = Running::of(&ready);
    until("someone is at work", || at_work(&ready) == 1);
    let ran = ready.run(&["abort", "dam", "dan"]).ended(2);
    assert!(ran.err.contains("dam is not stopped: plan "), "{}", ran.err);
    assert!(ran.out.contains("d-sim000000001/dan is not begun in this run"), "{}", ran.out);
    running.end().ended(5);
    assert_eq!(standings(&ready).iter().filter(|is| *is == "moved").count(), 3);
}

#[test]
fn a_limit_is_no_larger_than_a_playbook_may_say() {
    let ready = ready(&["limits.users: 1"]);
    for limit in ["apps=100000", "concurrency=1001", "gib-in-flight=1000001"] {
        let refused = ready.run(&["set", limit]).ended(2);
        assert!(refused.err.contains("is no whole number from 1 to 1000"), "{}", refused.err);
    }
    let running = Running::of(&ready);
    until("someone is at work", || at_work(&ready) == 1);
    // Whoever speaks to the socket without the command is heard by the same rule.
    let mut stream = UnixStream::connect(ready.file("journal.db.sock")).unwrap();
    stream.write_all(b"{\"do\":\"set\",\"limit\":\"apps\",\"to\":100000}\n").unwrap();
    let mut reply = String::new();
    BufReader::new(stream).read_line(&mut reply).unwrap();
    assert!(reply.contains("100000 is more than 1000"), "{reply}");
    assert!(look(&ready)["apps"][0].as_u64() <= Some(1000));
    running.end().ended(0);
}
