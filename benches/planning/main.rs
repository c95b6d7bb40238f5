//! How long it takes to plan, to keep a plan, and to say where everyone stands, by the number of people; and how large the
//! journal gets. Run it with `cargo bench --bench planning [-- PEOPLE…]`.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark that meets an error has failed"
)]

use std::time::Instant;

use studio_migrate::inventory::{Domain, FileSystem, Home, Profile, Snapshot};
use studio_migrate::journal::{Journal, NewEvent};
use studio_migrate::plan::draw;
use studio_migrate::playbook::Playbook;
use studio_migrate::readiness::assess;

/// Aims for a hundred thousand people: seconds to plan, seconds to say where everyone stands, bytes of the journal.
const AIMS: (f64, f64, u64) = (3.0, 0.2, 200 << 20);

fn main() {
    // Cargo hands `--bench` over.
    let asked: Vec<usize> = std::env::args().skip(1).filter_map(|word| word.parse().ok()).collect();
    let sizes = if asked.is_empty() { vec![1_000, 10_000, 100_000] } else { asked };
    println!(
        "| people | plan | keep | status, nobody begun | status, half moved | journal | packed / least |"
    );
    println!("| ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
    for people in sizes {
        one(people);
    }
    let (plan, status, bytes) = AIMS;
    println!(
        "\nAims at 100,000: plan below {plan} s, status below {status} s, journal below {} MiB.",
        bytes >> 20
    );
}

fn one(people: usize) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    let journal = Journal::open(&path).unwrap();
    let mut snapshot = snapshot(people);
    snapshot.id = Some(journal.keep_snapshot(&snapshot).unwrap());
    let mut playbook = Playbook::standard().unwrap();
    playbook.batches.gb = 300;
    playbook.batches.big_home_gb = 60;

    let began = Instant::now();
    let findings = assess(&snapshot, &playbook);
    let plan = draw(&snapshot, &findings, &playbook, None).unwrap();
    let planned = began.elapsed().as_secs_f64();
    assert!(plan.migrations().count() > people / 2, "most people can move");

    let began = Instant::now();
    journal.keep_plan(&plan).unwrap();
    let kept = began.elapsed().as_secs_f64();
    journal.approve(&plan.id, "arn:aws:iam::000000000000:user/operator", "").unwrap();

    let status = || {
        let began = Instant::now();
        let head = journal.latest_approved().unwrap().unwrap();
        assert_eq!(journal.progress(&head.id).unwrap().len(), plan.migrations().count());
        began.elapsed().as_secs_f64()
    };
    let fresh = status();
    let size = size(&path);
    half_moved(&path, &plan);
    let moved = status();
    let (made, least) = plan.packing.unwrap();
    println!(
        "| {people} | {planned:.3} s | {kept:.3} s | {fresh:.3} s | {moved:.3} s | {} MiB | {made} / {least} |",
        size >> 20
    );
}

/// The journal's size once its log is taken in, as the last command that closes it does.
fn size(path: &std::path::Path) -> u64 {
    let connection = rusqlite::Connection::open(path).unwrap();
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    std::fs::metadata(path).unwrap().len()
}

/// Writes what a run leaves of the first half of the people, as one transaction: a run's own pace is AWS's.
fn half_moved(path: &std::path::Path, plan: &studio_migrate::plan::Plan) {
    let mut connection = rusqlite::Connection::open(path).unwrap();
    let transaction = connection.transaction().unwrap();
    let half = plan.migrations().count() / 2;
    {
        let mut insert = transaction
            .prepare("INSERT INTO event (at, migration, step, kind, detail, hash) VALUES ('2026-01-01T00:00:00Z', ?1, ?2, ?3, '{}', '')")
            .unwrap();
        for (_, one) in plan.migrations().take(half) {
            for step in ["quiesce", "stage", "provision", "hydrate", "verify", "flip", "confirm"] {
                for kind in ["started", "finished"] {
                    insert.execute([one.id.as_str(), step, kind]).unwrap();
                }
            }
        }
    }
    transaction.commit().unwrap();
    // What a run writes is told of the kind that the journal itself writes, too.
    let journal = Journal::open(path).unwrap();
    journal.record(&NewEvent { kind: "bench", ..NewEvent::default() }).unwrap();
}

fn snapshot(people: usize) -> Snapshot {
    let profile = |number: usize| Profile {
        name: format!("person-{number:06}").into(),
        status: "InService".to_owned(),
        home_uid: Some(format!("{}", 200_000 + number).into()),
        home: Some(Home {
            bytes: (number as u64 * 7_919 % 80_000) << 20,
            files: number as u64 % 90_000,
            ..Home::default()
        }),
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
            profiles: (0..people).map(profile).collect(),
            ..Domain::default()
        }],
        file_systems: vec![FileSystem {
            id: "fs-bench".into(),
            domain: Some("d-bench".into()),
            throughput_mode: Some("elastic".to_owned()),
            mount_target_count: 2,
            ..FileSystem::default()
        }],
        ..Snapshot::default()
    }
}
