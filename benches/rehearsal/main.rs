//! How long a rehearsal takes and how much memory, by the number of people and of those who move at once, and how far the
//! planner's estimate is from it. Run it with `cargo bench --bench rehearsal [-- PEOPLE [USERS…]]`.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark that meets an error has failed"
)]

use std::collections::BTreeSet;
use std::time::Instant;

use studio_migrate::cli::rehearsal::{Outcome, Rehearsal, Script, rehearse};
use studio_migrate::inventory::{Domain, Home, Profile, Settings, Snapshot};
use studio_migrate::plan::draw;
use studio_migrate::playbook::Playbook;
use studio_migrate::readiness::assess;

/// Aims for ten thousand people: seconds of real time, MiB of memory, and how far the makespan may be from the middle of the
/// planner's estimate.
const AIMS: (f64, u64, f64) = (300.0, 500, 0.15);

fn main() {
    // Cargo hands `--bench` over.
    let asked: Vec<usize> = std::env::args().skip(1).filter_map(|word| word.parse().ok()).collect();
    let people = asked.first().copied().unwrap_or(10_000);
    let users = if asked.len() > 1 { asked[1..].to_vec() } else { vec![8, 50] };
    println!(
        "| people | at once | real time | memory | calls | makespan | estimate | of its middle |"
    );
    println!("| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
    for users in users {
        one(people, users);
    }
    let (seconds, mib, share) = AIMS;
    println!("\nAims at 10,000: {seconds} s, {mib} MiB, {share} from the middle of the estimate.");
}

fn one(people: usize, users: usize) {
    let script = script(people, users);
    let began = Instant::now();
    let outcome = rehearse(script, Rehearsal::run).unwrap();
    let real = began.elapsed().as_secs_f64();
    assert_eq!(outcome.done, people, "{:?} {:?}", outcome.stopped, outcome.failed.first());
    let calls: u64 = outcome.calls.values().map(|of| of.calls).sum();
    let hours = |minutes: f64| minutes / 60.0;
    println!(
        "| {people} | {users} | {real:.0} s | {} MiB | {calls} | {:.1} h | {:.1} to {:.1} h | {:.2} |",
        peak_mib(),
        hours(outcome.minutes),
        hours(outcome.estimate.low),
        hours(outcome.estimate.high),
        outcome.minutes / ((outcome.estimate.low + outcome.estimate.high) / 2.0),
    );
    if std::env::var_os("STEPS").is_some() {
        steps(&outcome);
    }
}

fn steps(outcome: &Outcome) {
    for step in &outcome.steps {
        println!("  {}: {:.2} min, at most {:.2}", step.step, step.minutes, step.longest);
    }
    println!("  held: {:?}", outcome.held);
    for (call, of) in &outcome.calls {
        println!("  {call}: {}", of.calls);
    }
}

/// The most memory that this process has had so far.
fn peak_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() >> 10
}

fn script(people: usize, users: usize) -> Script {
    let mut snapshot = snapshot(people);
    snapshot.id = Some("bench".into());
    let mut playbook = Playbook::standard().unwrap();
    playbook.limits.users = users;
    // As much patience as fits so many: a look is a call, and calls have a pace.
    playbook.limits.poll_seconds = 30.0;
    playbook.batches.users = 500;
    playbook.batches.gb = 10_000;
    playbook.batches.big_home_gb = 100;
    let plan = draw(&snapshot, &assess(&snapshot, &playbook), &playbook, None).unwrap();
    assert_eq!(plan.migrations().count(), people, "{:?}", plan.left_out.first());
    Script {
        snapshot,
        plan,
        moved: BTreeSet::new(),
        faults: Vec::new(),
        seed: 1,
        begin: "2026-12-05T08:00:00Z".parse().unwrap(),
    }
}

/// People with homes of up to 12 GiB and 40,000 files.
fn snapshot(people: usize) -> Snapshot {
    let role = Settings {
        execution_role: Some("arn:aws:iam::000000000000:role/Studio".to_owned()),
        studio_web_portal: Some("ENABLED".to_owned()),
        landing: Some("app:JupyterServer:".to_owned()),
        ..Settings::default()
    };
    let profile = |number: usize| Profile {
        name: format!("person-{number:06}").into(),
        status: "InService".to_owned(),
        home_uid: Some(format!("{}", 200_000 + number).into()),
        home: Some(Home {
            bytes: (number as u64 * 7_919 % 12_288) << 20,
            files: number as u64 * 7_919 % 40_000,
            ..Home::default()
        }),
        effective: role.clone(),
        ..Profile::default()
    };
    Snapshot {
        schema: Snapshot::SCHEMA,
        account: Some("000000000000".into()),
        region: Some("eu-west-1".into()),
        taken_at: "2026-11-01T00:00:00Z".to_owned(),
        domains: vec![Domain {
            id: "d-bench".into(),
            name: "bench".to_owned(),
            status: "InService".to_owned(),
            auth_mode: "IAM".to_owned(),
            file_system: Some("fs-bench".into()),
            defaults: role.clone(),
            profiles: (0..people).map(profile).collect(),
            ..Domain::default()
        }],
        ..Snapshot::default()
    }
}
