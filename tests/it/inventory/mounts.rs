//! What an inventory measures is held against what earlier ones saw: a wrong mount is not believed, here and by whatever comes after.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::common::ready::Ready;
use crate::common::tool::{Ran, light_mover};
use crate::packed_route::{ROUTES, mount, world};

fn ready() -> Ready {
    let team = "owner: bob\n        home: awkward\n";
    Ready::with(&world().replace(team, "owner: bob\n        home: tidy\n"), None, &ROUTES)
}

/// The only file system of the world, as it lies there.
fn system(ready: &Ready) -> PathBuf {
    let mut systems = fs::read_dir(ready.served.dir.join("efs")).unwrap();
    systems.next().unwrap().unwrap().path()
}

fn home(ready: &Ready, name: &str) -> PathBuf {
    system(ready).join(ready.migration_called(name).home_uid.as_str())
}

/// A folder of mounts in which the file system is another: the homes of alice and of the team have each other's numbers.
fn wrong(ready: &Ready) -> String {
    let wrong = ready.file("wrong");
    let system = system(ready);
    let there = wrong.join(system.file_name().unwrap());
    fs::create_dir_all(&there).unwrap();
    let (alice, team) = (home(ready, "alice"), home(ready, "space.team"));
    for (from, to) in [(&alice, &team), (&team, &alice)] {
        let to = there.join(to.file_name().unwrap());
        let copied = std::process::Command::new("cp").arg("-a").arg(from).arg(&to).status();
        assert!(copied.unwrap().success());
    }
    wrong.to_str().unwrap().to_owned()
}

fn snapshot(ready: &Ready, words: &[&str], code: i32) -> (Value, Ran) {
    let out = ready.file("snapshot.json");
    let more = ["--out", out.to_str().unwrap()];
    let ran = ready.run(&[&["inventory"], words, &more].concat()).ended(code);
    (serde_json::from_slice(&fs::read(&out).unwrap()).unwrap(), ran)
}

fn alice(snapshot: &Value) -> &Value {
    let people = snapshot["domains"][0]["profiles"].as_array().unwrap();
    people.iter().find(|one| one["name"] == "alice").unwrap()
}

fn run(ready: &Ready, mount: &str) -> Ran {
    let mover = light_mover().to_str().unwrap();
    ready.run(&["run", "--yes", "--user", "alice", "--mover", mover, "--mount", mount])
}

#[test]
fn a_wrong_mount_is_not_measured_and_what_was_seen_before_is_kept() {
    let ready = ready();
    let right = mount(&ready);
    let (first, _) = snapshot(&ready, &["--mount", &right], 0);
    let wrong = wrong(&ready);
    let (second, ran) = snapshot(&ready, &["--mount", &wrong], 4);
    for name in ["d-sim000000001/alice", "d-sim000000001/space.team"] {
        let line = ran.err.lines().find(|line| line.contains(&format!("of {name}: ")));
        let line = line.unwrap_or_else(|| panic!("{}", ran.err));
        assert!(line.contains("is not the home that the inventory of"), "{line}");
        assert!(line.contains(&format!("--believe {name}")), "{line}");
        assert!(line.contains("what was seen before is kept"), "{line}");
    }
    assert_eq!(alice(&second)["home"], alice(&first)["home"]);
    assert_eq!(alice(&second)["trust"]["as_of"], first["taken_at"]);
    let shown = ready.run(&["inventory", "show", "alice"]).ended(0);
    assert!(shown.out.contains("another home was there since"), "{}", shown.out);
    // A run goes by what was seen before, so the wrong mount is refused and the right one is not.
    let refused = run(&ready, &wrong).ended(4);
    assert!(refused.err.contains("is not the home that the inventory of"), "{}", refused.err);
    run(&ready, &right).ended(0);
    // The right one again needs nobody's word.
    let (third, _) = snapshot(&ready, &["--mount", &right], 0);
    assert!(alice(&third)["trust"].is_null(), "{third:#}");
}

#[test]
fn a_wrong_mount_is_not_believed_by_way_of_an_inventory_that_measured_nothing() {
    let ready = ready();
    let wrong = wrong(&ready);
    ready.run(&["inventory"]).ended(0);
    let yaml = ready.journal.with_extension("yaml");
    ready.run(&["plan", "--playbook", yaml.to_str().unwrap()]).ended(0);
    ready.run(&["plan", "approve", "--latest"]).ended(0);
    let refused = run(&ready, &wrong).ended(4);
    assert!(refused.err.contains("is not the home that the inventory of"), "{}", refused.err);
    snapshot(&ready, &["--mount", &wrong], 4);
}

#[test]
fn a_mount_without_any_home_that_was_seen_is_not_believed() {
    let ready = ready();
    let right = mount(&ready);
    let (first, _) = snapshot(&ready, &["--mount", &right], 0);
    // The folder is there, and nothing is mounted at it; or another file system, whose homes have other numbers.
    let empty = ready.file("empty").join(system(&ready).file_name().unwrap());
    fs::create_dir_all(&empty).unwrap();
    for other in [None, Some("299999")] {
        other.iter().for_each(|number| fs::create_dir(empty.join(number)).unwrap());
        let mount = empty.parent().unwrap().to_str().unwrap();
        let (second, ran) = snapshot(&ready, &["--mount", mount], 4);
        assert!(ran.err.contains("none of the homes that were seen"), "{}", ran.err);
        assert_eq!(alice(&second)["home"], alice(&first)["home"]);
        assert_eq!(second["file_systems"][0]["orphan_homes"].as_array().map_or(0, Vec::len), 0);
    }
}

#[test]
fn a_scan_of_a_wrong_mount_is_not_believed_either() {
    let ready = ready();
    let wrong = PathBuf::from(wrong(&ready)).join(system(&ready).file_name().unwrap());
    let words = ["mover", "scan", wrong.to_str().unwrap(), "--per-home", "--format", "json"];
    let scan = ready.file("scan.json");
    fs::write(&scan, ready.run(&words).ended(0).out).unwrap();
    // The mount is gone again where the scan is read.
    fs::remove_dir_all(&wrong).unwrap();
    let (kept, ran) = snapshot(&ready, &["--mount", scan.to_str().unwrap()], 4);
    assert!(ran.err.contains("not taken: d-sim000000001/alice"), "{}", ran.err);
    assert!(alice(&kept)["trust"]["as_of"].is_string(), "{kept:#}");
}

#[test]
fn somebody_may_say_that_a_home_is_right_and_later_inventories_go_by_that() {
    let ready = ready();
    let mount = mount(&ready);
    tidy(&home(&ready, "alice"));
    let (kept, _) = snapshot(&ready, &["--mount", &mount], 4);
    assert!(alice(&kept)["home"]["files"].as_u64() > Some(1));
    for (name, says) in [("zoe", "no home of that name"), ("space.alice", "no home of that name")] {
        let words = ["inventory", "--mount", &mount, "--believe", name];
        let ran = ready.run(&words).ended(2);
        assert!(ran.err.contains(says) && ran.err.contains("no snapshot was kept"), "{}", ran.err);
    }
    ready.run(&["inventory", "--believe", "alice"]).ended(2);
    let (believed, _) = snapshot(&ready, &["--mount", &mount, "--believe", "alice"], 0);
    assert_eq!(alice(&believed)["home"]["files"], 1);
    assert_eq!(alice(&believed)["trust"]["believed"], believed["taken_at"]);
    // It is said once: the next inventory sees what this one saw, and the plan's counts no more.
    let (next, _) = snapshot(&ready, &["--mount", &mount], 0);
    assert_eq!(alice(&next)["trust"]["believed"], believed["taken_at"]);
    run(&ready, &mount).ended(0);
}

#[test]
fn a_run_goes_by_the_inventory_of_its_plan_too() {
    let ready = ready();
    let mount = mount(&ready);
    let alice = home(&ready, "alice");
    // Each inventory sees few files less than the one before; the plan's saw many more.
    let count = || files(&alice).len();
    let had = count();
    while count() > had / 3 {
        let all = files(&alice);
        for file in &all[..all.len() / 3] {
            fs::remove_file(file).unwrap();
        }
        snapshot(&ready, &["--mount", &mount], 0);
    }
    let refused = run(&ready, &mount).ended(4);
    assert!(refused.err.contains(&format!("it has {}", count())), "{}", refused.err);
    snapshot(&ready, &["--mount", &mount, "--believe", "d-sim000000001/alice"], 0);
    run(&ready, &mount).ended(0);
}

#[test]
fn a_home_whose_files_are_all_empty_now_is_another() {
    let ready = ready();
    let mount = mount(&ready);
    let alice = home(&ready, "alice");
    let aside = alice.with_extension("aside");
    assert!(
        std::process::Command::new("cp")
            .arg("-a")
            .args([&alice, &aside])
            .status()
            .unwrap()
            .success()
    );
    for file in files(&alice) {
        fs::write(file, "").unwrap();
    }
    let refused = run(&ready, &mount).ended(4);
    assert!(refused.err.contains("but 0 of"), "{}", refused.err);
    assert!(refused.err.contains("--believe d-sim000000001/alice"), "{}", refused.err);
    let (_, ran) = snapshot(&ready, &["--mount", &mount], 4);
    assert!(ran.err.contains("not taken: d-sim000000001/alice"), "{}", ran.err);
    fs::remove_dir_all(&alice).unwrap();
    fs::rename(&aside, &alice).unwrap();
    run(&ready, &mount).ended(0);
}

/// Leaves one file of its owner's in a home.
fn tidy(home: &Path) {
    for entry in fs::read_dir(home).unwrap().map(Result::unwrap) {
        if entry.path().is_dir() {
            fs::remove_dir_all(entry.path()).unwrap();
        } else {
            fs::remove_file(entry.path()).unwrap();
        }
    }
    fs::write(home.join("all-that-is-left.txt"), "left").unwrap();
}

/// Every regular file of a home, the smallest first.
fn files(home: &Path) -> Vec<PathBuf> {
    let (mut folders, mut files) = (vec![home.to_owned()], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let kind = entry.file_type().unwrap();
            if kind.is_dir() {
                folders.push(entry.path());
            } else if kind.is_file() {
                files.push((entry.metadata().unwrap().len(), entry.path()));
            }
        }
    }
    files.sort();
    files.into_iter().map(|(_, file)| file).collect()
}
