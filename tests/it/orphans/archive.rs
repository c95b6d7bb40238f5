//! Archiving: packed, read back byte for byte, and only then said to be there.

use std::fs;

use serde_json::Value;
use studio_migrate::sim::bucket;

use super::{TO, archive, home, mount, ready, ready_for, systems, told};
use crate::common::client::Client;
use crate::common::ready::{Ready, only_looks};
use crate::common::tool::command_on;
use crate::common::trees::listing;

/// Keys below the archive.
fn keys(ready: &Ready) -> Vec<String> {
    let client = Client::administrator(&ready.served);
    let found = client.wait(client.account.objects("archive", "classic/orphans/")).unwrap();
    found.into_iter().map(|(key, _)| key).collect()
}

fn exchanges(ready: &Ready, more: &[&str]) -> (crate::common::tool::Ran, Vec<Value>) {
    let log = ready.file("wire.jsonl");
    let _ = fs::remove_file(&log);
    let words = [more, &["--wire-log", log.to_str().unwrap()]].concat();
    (archive(ready, &words), Ready::exchanges(&log))
}

#[test]
fn a_home_that_changed_after_it_was_archived_is_told_until_it_is_archived_again() {
    let ready = ready();
    let (own, _) = systems(&ready);
    archive(&ready, &["--apply"]).ended(0);
    let look = || ready.run(&["inventory", "--mount", &mount(&ready)]).ended(0);
    let is = || told(&ready)["orphans"][0]["is"].as_str().unwrap().to_owned();
    look();
    assert!(!is().contains("CHANGED"), "{}", is());
    fs::write(home(&ready, &own, "299001").join("since.txt"), "since").unwrap();
    look();
    assert!(is().contains("CHANGED since on the file system"), "{}", is());
    assert!(is().contains("`orphans archive --again`"), "{}", is());
    let report = ready.run(&["report", "--md", "/dev/stdout"]).ended(0).out;
    assert!(report.contains("CHANGED since on the file system"), "{report}");
    let retire = ready.run(&["retire"]).ended(0).out;
    assert!(retire.contains("CHANGED since on the file system"), "{retire}");
    archive(&ready, &["--apply", "--again"]).ended(0);
    assert!(!is().contains("CHANGED"), "{}", is());
    look();
    assert!(!is().contains("CHANGED"), "{}", is());
}

#[test]
fn every_orphan_is_archived_with_proof_and_comes_out_as_it_was() {
    let ready = ready();
    let (own, gone) = systems(&ready);
    let homes = [home(&ready, &own, "299001"), home(&ready, &gone, "299001")];
    let before = homes.clone().map(|home| listing(&home, true));
    let first = told(&ready);
    assert_eq!(first["orphans"].as_array().unwrap().len(), 2);
    let is = first["orphans"][0]["is"].as_str().unwrap();
    assert!(is.contains("on the file system alone") && is.contains(TO), "{is}");
    let ran = archive(&ready, &["--apply"]).ended(0);
    assert!(ran.out.contains("2 archived and proven, 0 before, 0 not"), "{}", ran.out);
    // A FIFO is no file, and is named.
    assert!(ran.err.contains("not archived: "), "{}", ran.err);
    for (system, home) in [&own, &gone].into_iter().zip(&homes) {
        let place = format!("{TO}/{system}/299001");
        let there = ready.file(&format!("pulled-{system}"));
        ready.run(&["mover", "pull", &place, there.to_str().unwrap()]).ended(0);
        let (mut was, is) = (listing(home, false), listing(&there, false));
        was.retain(|path, _| is.contains_key(path) || !is_special(home, path));
        assert_eq!(was, is, "{system}");
        assert!(is.len() > 5);
        let said = told(&ready);
        let rows = said["orphans"].as_array().unwrap();
        let row = rows.iter().find(|row| row["file_system"] == **system).unwrap();
        let archived = &row["whereabouts"]["archived"][1];
        assert_eq!(archived["to"], place);
        assert!(archived["manifest_file"].as_str().is_some_and(|file| fs::exists(file).unwrap()));
    }
    // Whoever asks how it went is told, and nothing was touched.
    let (report, status) = (ready.run(&["report", "--md", "/dev/stdout"]), ready.run(&["status"]));
    assert!(report.ended(0).out.contains(&format!("archived at {TO}/{own}/299001")));
    assert!(status.ended(0).out.contains("Homes that nobody owns: 2 archived, 0 delivered, 0 not"));
    let numbers = "2 in all; 2 archived, 0 delivered, 0 on the file system alone; 0 not done";
    let said = ready.run(&["report"]).ended(0).out;
    assert!(said.contains(&format!("Homes that nobody owns: {numbers}")), "{said}");
    let data = ready.run(&["report", "--format", "json"]).ended(0).out;
    let data: Value = serde_json::from_str(&data).unwrap();
    assert_eq!(data["orphan_totals"]["archived"], 2);
    assert_eq!(data["orphans"][0]["archived_to"], format!("{TO}/{own}/299001"));
    // What the plan said of a home before it was archived is not said any more.
    let page = ready.file("report.html");
    ready.run(&["report", "--html", page.to_str().unwrap()]).ended(0);
    let page = fs::read_to_string(page).unwrap();
    assert!(page.contains("Homes that nobody owns") && page.contains("2 archived"), "{page}");
    assert!(!page.contains("so nobody's space can read it"), "{page}");
    let retire = ready.run(&["retire"]).ended(0).out;
    assert!(retire.contains(&format!("archived at {TO}/{own}/299001, proven")), "{retire}");
    assert!(retire.contains("d-sim000000999, whose file system it was, is gone"), "{retire}");
    assert_eq!(homes.map(|home| listing(&home, true)), before);
    ready.run(&["audit", "verify"]).ended(0);
}

fn is_special(home: &std::path::Path, path: &std::path::Path) -> bool {
    let kind = fs::symlink_metadata(home.join(path)).unwrap().file_type();
    !kind.is_file() && !kind.is_dir() && !kind.is_symlink()
}

#[test]
fn without_apply_it_says_what_it_would_do_and_writes_nothing() {
    let ready = ready();
    let (ran, exchanges) = exchanges(&ready, &[]);
    let ran = ran.ended(0);
    assert!(ran.out.contains("2 homes would be archived; nothing was written"), "{}", ran.out);
    assert!(exchanges.iter().all(only_looks), "{exchanges:?}");
    assert_eq!(keys(&ready), [""; 0]);
    // IAM is asked before anything is promised.
    assert!(ran.err.contains("No execution role may read s3://archive/classic/"), "{}", ran.err);
}

#[test]
fn without_apply_it_says_what_apply_would_refuse() {
    for (place, says) in [
        ("s3://sagemaker-open-to-the-role/orphans", "may read s3://sagemaker-open-to-the-role/"),
        ("s3://public/orphans", "bucket public may be public"),
        ("s3://not-there/orphans", "failed to find bucket not-there"),
    ] {
        let ready = ready_for(place);
        let (foretold, exchanges) = exchanges(&ready, &[]);
        let foretold = foretold.ended(3);
        // What is wrong with a bucket is no failure of S3's, which would be asked again for half a minute.
        assert!(exchanges.iter().all(|one| one["status"].as_u64() < Some(500)), "{exchanges:?}");
        assert!(foretold.err.contains(says), "{}", foretold.err);
        assert!(foretold.out.contains("2 homes would be archived"), "{}", foretold.out);
        assert!(archive(&ready, &["--apply"]).ended(3).err.contains(says));
    }
}

#[test]
fn a_second_time_nothing_is_packed_and_nothing_read_again_but_on_request() {
    let ready = ready();
    archive(&ready, &["--apply"]).ended(0);
    let shard = |exchange: &&Value| {
        exchange["target"].as_str().is_some_and(|target| target.contains(".tar.zst"))
    };
    let (ran, again) = exchanges(&ready, &["--apply"]);
    assert!(ran.ended(0).out.contains("0 archived and proven, 2 before, 0 not"));
    assert_eq!(again.iter().filter(shard).count(), 0);
    let (ran, again) = exchanges(&ready, &["--apply", "--again"]);
    assert!(ran.ended(0).out.contains("2 archived and proven, 0 before, 0 not"));
    assert!(again.iter().filter(shard).all(|one| one["operation"] == "GetObject"));
    assert!(again.iter().filter(shard).count() >= 2);
}

#[test]
fn an_archive_that_somebody_spoilt_is_not_taken_for_one() {
    let ready = ready();
    let (own, _) = systems(&ready);
    let name = format!("{own}/299001");
    archive(&ready, &["--apply"]).ended(0);
    let is_shard = |key: &&String| key.contains(&name) && key.ends_with(".tar.zst");
    let shard = keys(&ready).iter().find(is_shard).unwrap().clone();
    let file = bucket::file_of(&ready.served.dir, "archive", &shard).unwrap();
    let mut bytes = fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    bucket::put(&ready.served.dir, "archive", &shard, &bytes).unwrap();
    let ran = archive(&ready, &["--apply", "--again", "--only", &name]).ended(4);
    assert!(
        ran.err.contains(&format!("{name}: not done: the packed home is not sound")),
        "{}",
        ran.err
    );
    let status = ready.run(&["status"]).ended(0).out;
    assert!(status.contains("1 not done"), "{status}");
    assert!(told(&ready)["orphans"][0]["is"].as_str().unwrap().contains("NOT done: "));
}

#[test]
fn a_run_that_is_killed_anywhere_is_finished_by_the_next() {
    // Two points before and two after each event: of both homes, and of the calls for their objects.
    for point in [1, 4, 9, 16, 21] {
        let ready = ready();
        let mount = mount(&ready);
        let words = ["orphans", "archive", "--apply", "--mount", &mount];
        let mut killed = command_on(&ready.served, &ready.journal, &words);
        let killed = killed.env("STUDIO_MIGRATE_CRASH_AT", point.to_string()).output().unwrap();
        assert_eq!(killed.status.code(), None, "{}", String::from_utf8_lossy(&killed.stderr));
        let ran = archive(&ready, &["--apply"]).ended(0);
        assert!(ran.out.contains(" 0 not; nothing was deleted"), "killed at {point}: {}", ran.out);
        let said = told(&ready);
        let rows = said["orphans"].as_array().unwrap();
        assert!(rows.iter().all(|row| row["whereabouts"]["archived"].is_array()), "{said}");
        ready.run(&["audit", "verify"]).ended(0);
    }
}

#[test]
fn a_mount_that_holds_another_home_of_the_same_number_is_refused() {
    let ready = ready();
    let (own, gone) = systems(&ready);
    let wrong = ready.file("wrong");
    fs::create_dir_all(wrong.join(&own)).unwrap();
    let words = |more: &[&'static str]| {
        let mut words = vec!["orphans", "archive", "--apply", "--mount"];
        let mount = wrong.to_str().unwrap().to_owned();
        words.extend(more);
        words.insert(4, Box::leak(mount.into_boxed_str()));
        words
    };
    let ran = ready.run(&words(&[])).ended(4);
    assert!(ran.err.contains(&format!("there is no home at {}", wrong.display())), "{}", ran.err);
    assert!(ran.err.contains(&format!("has no folder {gone}")), "{}", ran.err);
    // The other one's home under the same number, as a mount at the wrong folder has it.
    std::os::unix::fs::symlink(ready.served.dir.join("efs").join(&gone), wrong.join(&gone))
        .unwrap();
    fs::remove_dir(wrong.join(&own)).unwrap();
    std::os::unix::fs::symlink(ready.served.dir.join("efs").join(&gone), wrong.join(&own)).unwrap();
    let ran = ready.run(&words(&[])).ended(4);
    assert!(ran.err.contains(&format!("{own}/299001: not done: ")), "{}", ran.err);
    assert!(ran.err.contains("and the inventory saw"), "{}", ran.err);
    assert!(ran.out.contains("1 archived and proven, 0 before, 1 not"), "{}", ran.out);
}

#[test]
fn what_lies_beside_the_homes_of_a_lost_file_system_is_archived_or_named() {
    let ready = ready();
    let (_, gone) = systems(&ready);
    let root = ready.served.dir.join("efs").join(&gone);
    fs::create_dir(root.join("exports")).unwrap();
    fs::write(root.join("exports/table.csv"), "1,2\n").unwrap();
    fs::write(root.join("loose.txt"), "x").unwrap();
    let ran = archive(&ready, &["--apply"]).ended(4);
    assert!(ran.err.contains(&format!("{gone}/loose.txt is not archived")), "{}", ran.err);
    assert!(ran.out.contains("3 archived and proven, 0 before, 0 not"), "{}", ran.out);
    let is_there = |key: &String| key.ends_with(&format!("{gone}/exports/packed.json"));
    assert!(keys(&ready).iter().any(is_there));
}

#[test]
fn a_place_that_will_not_do_is_refused_before_anything_is_written() {
    for (place, code, said) in [
        ("null", 2, "archives orphans nowhere"),
        ("s3://nowhere/orphans", 3, "find bucket nowhere"),
        ("s3://public/orphans", 3, "bucket public may be public"),
        ("s3://sagemaker-open-to-the-role/orphans", 3, "role/Studio may read s3://sagemaker-open"),
    ] {
        let ready = ready_for(place);
        let (ran, exchanges) = exchanges(&ready, &["--apply"]);
        let ran = ran.ended(code);
        assert!(ran.err.contains(said), "{place}: {}", ran.err);
        assert!(ran.err.contains("Hint:"), "{place}: {}", ran.err);
        assert!(exchanges.iter().all(only_looks), "{place}: {exchanges:?}");
    }
}

#[test]
fn every_role_that_may_read_the_place_is_named_and_the_deny_that_is_printed_helps() {
    const ROLES: [&str; 2] = ["Admin", "Studio"];
    let world = super::WORLD
        .replace("domains:\n  - name", "  - arn: arn:aws:iam::000000000000:role/Admin\n    statements: [{ allow: true, actions: [\"s3:*\", \"sagemaker:*\"], resources: [\"*\"] }]\ndomains:\n  - name")
        .replace(
            "{ name: bob, home: empty }",
            "{ name: bob, home: empty, settings: { ExecutionRole: \"arn:aws:iam::000000000000:role/Admin\" } }",
        );
    let place = "  archive_to: s3://sagemaker-open-to-the-role/orphans";
    let ready = Ready::with(&world, None, &[place, "  stall_minutes: 5"]);
    let ran = archive(&ready, &["--apply"]).ended(3);
    for role in ROLES {
        assert!(ran.err.contains(&format!("role/{role}\n")), "{role}: {}", ran.err);
    }
    assert!(ran.err.contains("2 execution roles may read"), "{}", ran.err);
    assert!(ran.err.contains("A deny in the bucket's policy"), "{}", ran.err);
    // What is printed is a policy, and with it on the roles the same place will do.
    let from = ran.err.find("deny.json:\n").unwrap() + "deny.json:\n".len();
    let mut policies = serde_json::Deserializer::from_str(&ran.err[from..]).into_iter::<Value>();
    let statement = policies.next().unwrap().unwrap()["Statement"][0].clone();
    let ready = ready.edited(|world| {
        for role in ROLES {
            let arn = format!("arn:aws:iam::000000000000:role/{role}");
            let statements = world["roles"][arn]["statements"].as_array_mut().unwrap();
            statements.push(serde_json::json!({
                "allow": false, "actions": statement["Action"], "resources": statement["Resource"],
            }));
        }
    });
    let ran = archive(&ready, &["--apply"]).ended(0);
    assert!(ran.err.contains("it was not asked about the bucket's own policy"), "{}", ran.err);
}
