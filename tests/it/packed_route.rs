//! What no space mounts: homes with auto-mount off and shared spaces of Studio Classic, packed on a machine that mounts the
//! file system and unpacked in a new space.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::common::ONE_PERSON;
use crate::common::client::Client;
use crate::common::ready::Ready;
use crate::common::trees::listing;

/// Alice's home is mounted by no space, and her team has a shared space of Studio Classic.
pub fn world() -> String {
    let bob = "      - name: bob\n        home: empty\n";
    assert!(ONE_PERSON.contains(bob));
    let team = "    spaces:\n      - name: team\n        owner: bob\n        home: awkward\n        apps:\n          - app_type: JupyterServer\n            name: default\n";
    ONE_PERSON
        .replace(bob, &format!("{bob}{team}"))
        .replace("          StudioWebPortal: DISABLED\n", "          StudioWebPortal: DISABLED\n          AutoMountHomeEFS: Disabled\n")
        .replace(
            "    members:\n",
            "    members:\n      DefaultSpaceSettings:\n        ExecutionRole: arn:aws:iam::000000000000:role/service-role/AmazonSageMaker-ExecutionRole\n        JupyterLabAppSettings:\n          LifecycleConfigArns: [arn:aws:sagemaker:eu-west-1:000000000000:studio-lifecycle-config/tidy-shell]\n",
        )
}

/// The lines of a playbook that let both go packed.
pub const ROUTES: [&str; 2] = ["  unmounted_homes: packed", "  shared_spaces: packed"];

fn ready(faults: Option<&str>) -> Ready {
    Ready::with(&world(), faults, &ROUTES)
}

/// Where the file systems of a world are mounted.
pub fn mount(ready: &Ready) -> String {
    ready.served.dir.join("efs").to_str().unwrap().to_owned()
}

fn run<'a>(who: &'a str, mount: &'a str) -> Vec<&'a str> {
    let mover = crate::common::tool::light_mover().to_str().unwrap();
    vec!["run", "--yes", "--user", who, "--mover", mover, "--mount", mount]
}

/// The Classic home of a migration.
fn home(ready: &Ready, name: &str) -> PathBuf {
    let state = ready.served.state();
    let file_system = state["studio"]["domains"]["d-sim000000001"]["file_system"].as_str().unwrap();
    let migration = ready.migration_called(name);
    ready.served.dir.join("efs").join(file_system).join(migration.home_uid.as_str())
}

fn volume(ready: &Ready, space: &str) -> PathBuf {
    ready.served.dir.join("ebs/d-sim000000001").join(space)
}

/// Insists that what is on a volume is what the home has, and that there is much of it.
fn assert_arrived(home: &Path, volume: &Path) {
    let (home, mut arrived) = (listing(home, false), listing(volume, false));
    arrived.retain(|path, _| !path.starts_with(".studio-migrate"));
    for (path, line) in &arrived {
        assert_eq!(home.get(path), Some(line), "{}", path.display());
    }
    let is_work = |path: &&PathBuf| {
        path.starts_with("notebooks")
            && !path.components().any(|part| {
                [".ipynb_checkpoints", "__pycache__"].iter().any(|left| part.as_os_str() == *left)
            })
    };
    assert!(arrived.len() > 30, "{}", arrived.len());
    let work = |listing: &BTreeMap<PathBuf, String>| -> Vec<PathBuf> {
        listing.keys().filter(is_work).cloned().collect()
    };
    assert_eq!(work(&home), work(&arrived));
}

fn shared_scripts(ready: &Ready) -> Value {
    ready.served.state()["studio"]["domains"]["d-sim000000001"]["members"]["DefaultSpaceSettings"]
        ["JupyterLabAppSettings"]["LifecycleConfigArns"]
        .clone()
}

#[test]
fn a_home_that_no_space_mounts_arrives_packed_and_is_proven() {
    let ready = ready(None);
    let migration = ready.migration("alice");
    assert!(migration.because.contains("it travels packed"), "{}", migration.because);
    let without = ready.run_alice(&[]).ended(2);
    assert!(
        without.err.contains("travel packed") && without.err.contains("--mount"),
        "{}",
        without.err
    );
    let mount = mount(&ready);
    ready.run(&run("alice", &mount)).ended(0);
    assert_arrived(&home(&ready, "alice"), &volume(&ready, "alice-studio"));
    let person = ready.report();
    assert_eq!(person["route"], "packed");
    // What the playbook leaves out never reaches the space, and is listed all the same.
    assert!(person["proof"]["not_copied"]["excluded"].as_u64().unwrap() > 0, "{person}");
    assert!(person["proof"]["totals"]["files"].as_u64().unwrap() > 10, "{person}");
}

#[test]
fn a_classic_shared_space_becomes_a_shared_space_with_its_files() {
    let ready = ready(None);
    let scripts = shared_scripts(&ready);
    let mount = mount(&ready);
    let explained = ready.run(&["plan", "explain", "space.team"]).ended(0);
    assert!(
        explained
            .out
            .contains("a shared JupyterLab space team-studio is made for team, owned by bob"),
        "{}",
        explained.out
    );
    ready.run(&run("space.team", &mount)).ended(0);
    assert_arrived(&home(&ready, "space.team"), &volume(&ready, "team-studio"));
    let state = ready.served.state();
    let space = &state["studio"]["spaces"]["d-sim000000001/team-studio"];
    assert_eq!((&space["sharing"], &space["owner"]), (&json!("Shared"), &json!("bob")));
    // The hook is off the list, and what was there before still is; the Classic apps of the space are stopped.
    assert_eq!(shared_scripts(&ready), scripts);
    let classic = &state["studio"]["apps"]["d-sim000000001/space/team/JupyterServer/default"];
    assert!(
        !["InService", "Pending"]
            .contains(&classic["standing"]["status"].as_str().unwrap_or_default())
    );
    // Nobody's landing page was touched.
    assert_eq!(ready.settings("bob"), json!({}));
    let again = ready.run(&run("space.team", &mount)).ended(0);
    assert!(again.out.contains("Nothing to do"), "{}", again.out);
}

#[test]
fn a_shared_space_that_was_taken_back_follows_what_its_people_did_in_classic_since() {
    let ready = ready(None);
    let mount = mount(&ready);
    let (home, volume) = (home(&ready, "space.team"), volume(&ready, "team-studio"));
    let work = home.join("notebooks");
    for file in ["edited", "deleted", "renamed"] {
        fs::write(work.join(file), "before the first move").unwrap();
    }
    ready.run(&run("space.team", &mount)).ended(0);
    ready.run(&["rollback", "--user", "space.team"]).ended(0);
    assert!(volume.join("notebooks/deleted").exists(), "a shared space is kept");
    fs::write(work.join("edited"), "and changed since").unwrap();
    fs::remove_file(work.join("deleted")).unwrap();
    fs::rename(work.join("renamed"), work.join("renamed since")).unwrap();
    ready.run(&run("space.team", &mount)).ended(0);
    assert_arrived(&home, &volume);
}

#[test]
fn what_was_staged_stays_as_long_as_the_playbook_says() {
    let ready = Ready::with(&world(), None, &[ROUTES[0], ROUTES[1], "  retention_days: 3"]);
    let mount = mount(&ready);
    ready.run(&run("alice", &mount)).ended(0);
    let kept = ready.run(&["cleanup", "--reports"]).ended(0);
    assert!(kept.out.contains("stays until") && !staged(&ready).is_empty(), "{}", kept.out);
}

#[test]
fn a_cleanup_takes_what_was_staged_away_and_leaves_the_proof() {
    let ready = ready(None);
    let mount = mount(&ready);
    ready.run(&run("alice", &mount)).ended(0);
    assert!(!staged(&ready).is_empty());
    ready.run(&["cleanup"]).ended(0);
    assert_eq!(staged(&ready), []);
    ready.run(&["verify", "--user", "alice"]).ended(0);
}

#[test]
fn another_person_of_the_same_role_learns_nothing_from_what_is_staged() {
    let ready = ready(None);
    let mount = mount(&ready);
    let mut words = run("alice", &mount);
    words.extend(["--until", "stage"]);
    ready.run(&words).ended(0);
    let names: Vec<String> = fs::read_dir(home(&ready, "alice"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .filter(|name| name.len() > 5)
        .collect();
    assert!(names.len() > 3);
    let staged = staged(&ready);
    assert!(staged.len() >= 4, "{}", staged.len());
    for (key, bytes) in staged {
        let holds = |needle: &[u8]| bytes.windows(needle.len()).any(|some| some == needle);
        // How zstd begins; what is open would be compressed.
        assert!(!holds(&[0x28, 0xb5, 0x2f, 0xfd]), "{key}");
        for name in &names {
            assert!(!holds(name.as_bytes()), "{name} in {key}");
        }
    }
    // A rollback takes what was staged away.
    ready.run(&["rollback", "--user", "alice"]).ended(0);
    assert_eq!(self::staged(&ready), []);
}

/// What is staged of alice's home, by key.
fn staged(ready: &Ready) -> Vec<(String, Vec<u8>)> {
    let client = Client::administrator(&ready.served);
    let bucket = ready.plan().staging_bucket();
    let under = format!("{}/packed/", ready.migration("alice").reports);
    let objects = client.wait(client.account.objects(&bucket, &under)).unwrap();
    let read = |key: String| {
        let bytes = client.wait(client.account.object(&bucket, &key, 1 << 30)).unwrap();
        (key, bytes)
    };
    objects.into_iter().map(|(key, _)| read(key)).collect()
}

#[test]
fn an_object_that_another_person_swaps_does_not_pass_for_the_home() {
    let ready = ready(None);
    let mount = mount(&ready);
    let mut words = run("alice", &mount);
    words.extend(["--until", "provision"]);
    ready.run(&words).ended(0);
    let client = Client::administrator(&ready.served);
    let bucket = ready.plan().staging_bucket();
    let put = |key: &str, bytes: Vec<u8>| {
        client.wait(client.account.put_bytes(&bucket, key, bytes)).unwrap();
    };
    // As long as what was there, so that nothing but its content tells that it is another's.
    for (key, bytes) in staged(&ready).into_iter().filter(|(key, _)| key.ends_with(".tar.zst")) {
        put(&key, vec![7; bytes.len()]);
    }
    let ran = ready.run(&run("alice", &mount)).ended(4);
    assert!(ran.err.contains("of the packed home could not be read"), "{}", ran.err);
    assert!(ran.err.contains("roll this person back first"), "{}", ran.err);
    assert_eq!(ready.settings("alice")["StudioWebPortal"], "DISABLED");
    ready.run(&["rollback", "--user", "alice"]).ended(0);
    ready.run(&run("alice", &mount)).ended(0);
    assert_arrived(&home(&ready, "alice"), &volume(&ready, "alice-studio"));
}

#[test]
fn what_changes_after_a_home_was_staged_arrives_and_what_was_lost_is_packed_anew() {
    let ready = ready(None);
    let mount = mount(&ready);
    let mut words = run("alice", &mount);
    words.extend(["--until", "provision"]);
    ready.run(&words).ended(0);
    fs::write(home(&ready, "alice").join("notebooks/late.txt"), "late").unwrap();
    let client = Client::administrator(&ready.served);
    let bucket = ready.plan().staging_bucket();
    let contents = format!("{}/packed/packed.json", ready.migration("alice").reports);
    client.wait(client.account.delete_object(&bucket, &contents)).unwrap();
    ready.run_alice(&[]).ended(2);
    ready.run(&run("alice", &mount)).ended(0);
    assert_arrived(&home(&ready, "alice"), &volume(&ready, "alice-studio"));
    assert!(volume(&ready, "alice-studio").join("notebooks/late.txt").exists());
}

/// Puts one home at the place of another on the file system that is mounted, file for file.
fn swap(one: &Path, other: &Path) {
    let aside = one.with_extension("aside");
    for (from, to) in [(one, aside.as_path()), (other, one), (&aside, other)] {
        fs::rename(from, to).unwrap();
    }
}

#[test]
fn homes_that_are_swapped_in_what_is_mounted_go_to_nobody() {
    let team = "owner: bob\n        home: awkward\n";
    assert!(world().contains(team));
    let world = world().replace(team, "owner: bob\n        home: tidy\n");
    let ready = Ready::with(&world, None, &ROUTES);
    let mount = mount(&ready);
    let (alice, team) = (home(&ready, "alice"), home(&ready, "space.team"));
    swap(&alice, &team);
    for who in ["alice", "space.team"] {
        let ran = ready.run(&run(who, &mount)).ended(4);
        assert!(ran.err.contains("is not the home that the inventory of"), "{}", ran.err);
        assert!(ran.err.contains("take an inventory with --mount again"), "{}", ran.err);
    }
    assert_eq!(staged(&ready), []);
    for space in ["alice-studio", "team-studio"] {
        assert!(!volume(&ready, space).exists(), "{space}");
    }
    // With the right one at its place again, the same command moves them.
    swap(&alice, &team);
    ready.run(&run("alice", &mount)).ended(0);
    assert_arrived(&alice, &volume(&ready, "alice-studio"));
}

#[test]
fn a_home_that_was_cleaned_up_since_moves_after_another_inventory() {
    let ready = ready(None);
    let mount = mount(&ready);
    let home = home(&ready, "alice");
    for entry in fs::read_dir(&home).unwrap().map(Result::unwrap) {
        if entry.path().is_dir() {
            fs::remove_dir_all(entry.path()).unwrap();
        }
    }
    fs::write(home.join("all-that-is-left.txt"), "left").unwrap();
    let ran = ready.run(&run("alice", &mount)).ended(4);
    assert!(ran.err.contains("is not the home that the inventory of"), "{}", ran.err);
    ready.run(&["inventory", "--mount", &mount, "--believe", "alice"]).ended(0);
    ready.run(&run("alice", &mount)).ended(0);
    assert!(volume(&ready, "alice-studio").join("all-that-is-left.txt").exists());
}

#[test]
fn a_mount_that_does_not_say_whose_it_is_or_holds_nothing_is_refused() {
    let ready = ready(None);
    let real = home(&ready, "alice");
    let uid = real.file_name().unwrap().to_str().unwrap().to_owned();
    let file_system = real.parent().unwrap().file_name().unwrap().to_str().unwrap().to_owned();
    let wrong = ready.file("wrong");
    fs::create_dir_all(wrong.join(&uid)).unwrap();
    fs::write(wrong.join(&uid).join("somebody-elses.txt"), "secret").unwrap();
    let refused = |says: &str| {
        let ran = ready.run(&run("alice", wrong.to_str().unwrap())).ended(4);
        assert!(ran.err.contains(says), "{}", ran.err);
    };
    refused(&format!("has no folder {file_system}"));
    fs::create_dir_all(wrong.join(&file_system).join(&uid)).unwrap();
    refused("is empty, and the plan knows of");
    assert_eq!(ready.settings("alice")["StudioWebPortal"], "DISABLED");
}
