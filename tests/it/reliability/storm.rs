//! A batch of forty people, in a world in which things go wrong, by a process that is killed fifty times: it ends, and every file
//! is there.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use rusqlite::Connection;
use studio_migrate::journal::Journal;

use crate::common::account::Served;
use crate::common::tool::{command_on, light_mover, prepare_with, run_on, until};
use crate::common::trees;

/// People in the batch.
const PEOPLE: usize = 40;

/// Times that the process is killed.
const KILLS: usize = 50;

/// What all that is random grows from; another number is another storm.
const SEED: u64 = 6;

/// Where everyone is.
const DOMAIN: &str = "d-sim000000001";

/// Every third has a Classic app that still runs.
fn description() -> String {
    let mut text = "name: storm\nseed: 6\ntiming: { space: 0.05, update: 0.05, app_start: 0.1, app_stop: 0.05 }\ndomains:\n  - name: research\n    members:\n      DefaultUserSettings:\n        ExecutionRole: arn:aws:iam::000000000000:role/service-role/AmazonSageMaker-ExecutionRole\n        StudioWebPortal: DISABLED\n        DefaultLandingUri: 'app:JupyterServer:'\n    profiles:\n".to_owned();
    for number in 0..PEOPLE {
        write!(text, "      - name: person-{number}\n        home: empty\n").unwrap();
        if number % 3 == 0 {
            text.push_str("        apps: [{ app_type: JupyterServer, name: default }]\n");
        }
    }
    text
}

/// What goes wrong: a hundred faults of every kind that passes by itself, each once.
fn faults(random: &mut fastrand::Rng) -> String {
    const CALLS: [(&str, u64); 14] = [
        ("sagemaker:CreateSpace", 60),
        ("sagemaker:CreateApp", 60),
        ("sagemaker:DeleteApp", 60),
        ("sagemaker:UpdateUserProfile", 140),
        ("sagemaker:UpdateSpace", 60),
        ("sagemaker:CreateStudioLifecycleConfig", 60),
        ("sagemaker:DeleteStudioLifecycleConfig", 60),
        ("sagemaker:DescribeUserProfile", 900),
        ("sagemaker:DescribeSpace", 500),
        ("sagemaker:DescribeStudioLifecycleConfig", 120),
        ("sagemaker:ListApps", 900),
        ("sagemaker:ListTags", 100),
        ("s3:PutObject", 150),
        ("s3:GetObject", 300),
    ];
    const EFFECTS: [&str; 6] =
        ["denied", "throttled", "server-error", "reply-lost", "{ slow: 0.5 }", "expired"];
    let mut text = String::new();
    for _ in 0..100 {
        let (operation, calls) = CALLS[random.usize(..CALLS.len())];
        let (from, effect) = (random.u64(1..=calls), EFFECTS[random.usize(..EFFECTS.len())]);
        writeln!(text, "- {{ operation: '{operation}', from: {from}, effect: {effect} }}").unwrap();
    }
    text
}

/// The homes, by person: a few small files each, told apart by what is in them.
fn fill(world: &Path, served: &Served) -> BTreeMap<String, PathBuf> {
    let state = served.state();
    let mut homes = BTreeMap::new();
    for profile in state["studio"]["profiles"].as_object().unwrap().values() {
        let (name, uid) = (profile["name"].as_str().unwrap(), profile["uid"].as_str().unwrap());
        let file_system = state["studio"]["domains"][DOMAIN]["file_system"].as_str().unwrap();
        let home = world.join("efs").join(file_system).join(uid);
        std::fs::create_dir_all(home.join("notebooks/deep")).unwrap();
        for file in ["notes.txt", "notebooks/model.ipynb", "notebooks/deep/data.csv", "empty"] {
            let text = if file == "empty" { String::new() } else { format!("{file} of {name}\n") };
            std::fs::write(home.join(file), text.repeat(100)).unwrap();
        }
        std::os::unix::fs::symlink("notebooks/model.ipynb", home.join("latest")).unwrap();
        homes.insert(name.to_owned(), home);
    }
    assert_eq!(homes.len(), PEOPLE);
    homes
}

/// An approved plan with everyone in one batch.
fn plan(served: &Served, journal: &Path) {
    let lines = [
        "  pilot_users: 0",
        "batches.users: 40",
        "limits.users: 8",
        "  calls_per_second: 50",
        "  stall_minutes: 0.2",
        "stop_rules.failures: 1000",
    ];
    prepare_with(served, journal, &lines);
}

/// Everything of a home is on the volume of its person's space, byte for byte, and nothing of ours is left in the account.
fn assert_all_arrived(served: &Served, homes: &BTreeMap<String, PathBuf>) {
    let state = served.state();
    for (name, home) in homes {
        let volume = served.dir.join("ebs").join(DOMAIN).join(format!("{name}-studio"));
        let arrived = trees::listing(&volume, false);
        for (path, line) in trees::listing(home, false) {
            assert_eq!(arrived.get(&path), Some(&line), "{name}: {}", path.display());
        }
        let settings = &state["studio"]["profiles"][format!("{DOMAIN}/{name}")]["settings"];
        assert_eq!(settings["StudioWebPortal"], "ENABLED", "{name}");
        assert_eq!(settings["DefaultLandingUri"], "studio::", "{name}");
    }
    assert_eq!(state["studio"]["spaces"].as_object().unwrap().len(), PEOPLE);
    let scripts = state["studio"]["scripts"].as_object().unwrap();
    assert!(scripts.is_empty(), "hooks are left: {:?}", scripts.keys());
}

/// Runs, and kills once so many events more are in the journal; tells whether it had not ended by itself.
fn kill_after(events: i64, served: &Served, journal: &Path, words: &[&str]) -> bool {
    let looking = Connection::open(journal).unwrap();
    looking.busy_timeout(Duration::from_secs(10)).unwrap();
    let count = || -> i64 {
        looking.query_row("SELECT count(*) FROM event", [], |row| row.get(0)).unwrap()
    };
    let enough = count() + events;
    let mut running = command_on(served, journal, words);
    let mut running = running.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    until("it has done something", || running.try_wait().unwrap().is_some() || count() >= enough);
    let is_alive = running.try_wait().unwrap().is_none();
    running.kill().unwrap();
    running.wait().unwrap();
    is_alive
}

#[test]
fn forty_people_arrive_whole_though_the_process_is_killed_fifty_times_and_calls_fail() {
    let mut random = fastrand::Rng::with_seed(SEED);
    let folder = tempfile::tempdir().unwrap();
    let (world, journal) = (folder.path().join("world"), folder.path().join("journal.db"));
    let served = Served::start(&world, &description());
    let homes = fill(&world, &served);
    plan(&served, &journal);
    drop(served);
    let served = Served::with_faults(&world, &description(), Some(&faults(&mut random)));
    let words = ["run", "--yes", "--mover", light_mover().to_str().unwrap()];
    let (mut killed, mut ended) = (0, 0);
    while killed < KILLS && ended < KILLS {
        // However fast this machine is, each one does something before it dies.
        if kill_after(random.i64(1..=40), &served, &journal, &words) {
            killed += 1;
        } else {
            ended += 1;
        }
    }
    let mut last = run_on(&served, &journal, &words);
    for _ in 0..20 {
        if last.code == Some(0) {
            break;
        }
        assert!(matches!(last.code, Some(4 | 5 | 8)), "{last:?}");
        last = run_on(&served, &journal, &words);
    }
    last.ended(0);
    assert_all_arrived(&served, &homes);
    let kept = Journal::open(&journal).unwrap();
    assert_eq!(kept.audit().unwrap().broken_at, None);
    let plan = kept.latest_approved().unwrap().unwrap().id;
    let standings = kept.progress(&plan).unwrap();
    assert_eq!(standings.iter().filter(|one| one.standing == "moved").count(), PEOPLE);
    assert_eq!(killed, KILLS, "it ended by itself {ended} times");
}
