//! Assigning: delivered into a folder of its own in the space of somebody who has moved, and never over anything.

use std::fs;
use std::path::PathBuf;

use super::{archive, home, mount, ready, systems, told};
use crate::common::client::Client;
use crate::common::python;
use crate::common::ready::Ready;
use crate::common::tool::{Ran, light_mover};
use crate::common::trees::listing;

/// Writes a table.
pub(super) fn table(ready: &Ready, rows: &[&str]) -> String {
    let file = ready.file("assigned.csv");
    let text = format!("\u{feff}file_system,uid,domain,profile\r\n{}\r\n", rows.join("\r\n"));
    fs::write(&file, text).unwrap();
    file.to_str().unwrap().to_owned()
}

/// A table in which alice gets the orphan of her own file system.
pub fn for_alice(ready: &Ready) -> String {
    let (own, _) = systems(ready);
    table(ready, &[&format!("{own},299001,d-sim000000001,alice")])
}

pub fn words(csv: &str, mount: &str) -> Vec<String> {
    let mover = light_mover().to_str().unwrap();
    ["orphans", "assign", "--csv", csv, "--mount", mount, "--mover", mover, "--apply"]
        .map(str::to_owned)
        .to_vec()
}

pub(super) fn assign(ready: &Ready, csv: &str) -> Ran {
    let words = words(csv, &mount(ready));
    ready.run(&words.iter().map(String::as_str).collect::<Vec<_>>())
}

pub fn moved() -> Ready {
    let ready = ready();
    ready.run_alice(&[]).ended(0);
    ready
}

pub(super) fn volume(ready: &Ready) -> PathBuf {
    ready.served.dir.join("ebs/d-sim000000001/alice-studio")
}

/// What is left of a delivery in the account: reports, the hook on the profile, and how long the space may idle.
pub(super) fn left(ready: &Ready) -> (usize, bool, serde_json::Value) {
    let client = Client::administrator(&ready.served);
    let under = format!("{}/orphans/", ready.migration("alice").reports);
    let bucket = ready.plan().staging_bucket();
    let staged = client.wait(client.account.objects(&bucket, &under)).unwrap().len();
    let has_hook = ready.settings("alice").to_string().contains("studio-migrate-");
    let space = &ready.served.state()["studio"]["spaces"]["d-sim000000001/alice-studio"];
    (staged, has_hook, space["settings"].clone())
}

/// Insists that the orphan is in alice's space, and that what she had is as it was.
pub(super) fn assert_delivered(ready: &Ready) {
    let (own, _) = systems(ready);
    let was = listing(&home(ready, &own, "299001"), false);
    let is = listing(&volume(ready).join("orphan-299001"), false);
    assert!(is.len() > 20, "{}", is.len());
    for (path, line) in &is {
        assert_eq!(was.get(path), Some(line), "{}", path.display());
    }
}

#[test]
fn an_orphan_arrives_in_a_folder_of_its_own_and_is_proven() {
    let ready = moved();
    let (before, mut own) = (left(&ready), listing(&volume(&ready), false));
    let csv = for_alice(&ready);
    let dry = ["orphans", "assign", "--csv", &csv, "--mount", &mount(&ready)];
    let dry = ready.run(&dry).ended(0);
    assert!(dry.out.contains("would be delivered to d-sim000000001/alice, into ~/orphan-299001"));
    assert!(!volume(&ready).join("orphan-299001").exists());
    let ran = assign(&ready, &csv).ended(0);
    assert!(ran.out.contains("1 delivered and proven, 0 not"), "{}", ran.out);
    assert_delivered(&ready);
    assert_eq!(left(&ready), before);
    let mut now = listing(&volume(&ready), false);
    for listing in [&mut own, &mut now] {
        listing.retain(|path, _| {
            !path.starts_with("orphan-299001") && !path.starts_with(".studio-migrate")
        });
    }
    assert_eq!(now, own);
    let said = told(&ready);
    let delivered = &said["orphans"][0]["whereabouts"]["delivered"][2];
    assert_eq!(delivered["folder"], "orphan-299001");
    assert!(fs::exists(delivered["manifest_file"].as_str().unwrap()).unwrap());
    let again = assign(&ready, &csv).ended(0);
    assert!(again.out.contains("delivered to d-sim000000001/alice before"), "{}", again.out);
    // Her own proof stands, and the trail is whole.
    ready.run(&["verify", "--user", "alice"]).ended(0);
    assert!(ready.run(&["status"]).ended(0).out.contains("0 archived, 1 delivered, 0 not done"));
    ready.run(&["audit", "verify"]).ended(0);
}

#[test]
fn an_orphan_of_a_file_system_whose_domain_is_gone_says_which_in_its_folder() {
    let ready = moved();
    let (_, gone) = systems(&ready);
    let csv = table(&ready, &[&format!("{gone},299001,d-sim000000001,ALICE")]);
    assign(&ready, &csv).ended(0);
    assert!(volume(&ready).join(format!("orphan-{gone}-299001")).is_dir());
}

#[test]
fn nothing_that_somebody_has_is_overwritten() {
    let ready = moved();
    let (own, _) = systems(&ready);
    let some = listing(&home(&ready, &own, "299001"), false);
    let file = some.keys().find(|path| home(&ready, &own, "299001").join(path).is_file()).unwrap();
    let theirs = volume(&ready).join("orphan-299001").join(file);
    fs::create_dir_all(theirs.parent().unwrap()).unwrap();
    fs::write(&theirs, "hers").unwrap();
    let before = left(&ready);
    let ran = assign(&ready, &for_alice(&ready)).ended(4);
    assert!(ran.err.contains("the orphan home could not be delivered"), "{}", ran.err);
    assert!(ran.err.contains(&file.display().to_string()), "{}", ran.err);
    assert_eq!(fs::read(&theirs).unwrap(), b"hers");
    assert_eq!((left(&ready).1, left(&ready).2), (before.1, before.2));
    // Why it was not delivered is told later, too, with what to do, and an archive of it does not hide that.
    archive(&ready, &["--apply"]).ended(0);
    let is = told(&ready)["orphans"][0]["is"].as_str().unwrap().to_owned();
    assert!(is.contains("archived at ") && is.contains("NOT done: "), "{is}");
    assert!(is.contains(&file.display().to_string()) && is.contains("look there"), "{is}");
    // Once it is out of the way, the same command delivers.
    fs::remove_file(&theirs).unwrap();
    assign(&ready, &for_alice(&ready)).ended(0);
    assert_delivered(&ready);
}

#[test]
fn a_link_at_the_name_of_the_folder_is_in_the_way_wherever_it_leads() {
    let ready = moved();
    let (own, _) = systems(&ready);
    let classic = home(&ready, &own, ready.migration("alice").home_uid.as_str());
    let before = listing(&classic, true);
    assert!(classic.join("notebooks").is_dir());
    let elsewhere = ready.file("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    let link = volume(&ready).join("orphan-299001");
    for target in [PathBuf::from("user-default-efs/notebooks"), elsewhere.clone()] {
        std::os::unix::fs::symlink(&target, &link).unwrap();
        let ran = assign(&ready, &for_alice(&ready)).ended(4);
        let says = format!("`~/orphan-299001` is a link to `{}`", target.display());
        assert!(ran.err.contains(&says), "{}", ran.err);
        assert!(ran.err.contains("`rm ~/orphan-299001` leaves what it leads to"), "{}", ran.err);
        assert_eq!(listing(&classic, true), before);
        assert_eq!(fs::read_dir(&elsewhere).unwrap().count(), 0);
        fs::remove_file(&link).unwrap();
    }
    fs::write(&link, "hers").unwrap();
    let ran = assign(&ready, &for_alice(&ready)).ended(4);
    assert!(ran.err.contains("`~/orphan-299001` is no folder"), "{}", ran.err);
    assert_eq!(fs::read(&link).unwrap(), b"hers");
    fs::remove_file(&link).unwrap();
    assign(&ready, &for_alice(&ready)).ended(0);
    assert_delivered(&ready);
}

#[test]
fn something_of_theirs_where_the_mover_keeps_its_own_is_named_and_left() {
    let ready = moved();
    let own = volume(&ready).join(".studio-migrate");
    fs::rename(&own, own.with_extension("before")).unwrap();
    fs::write(&own, "hers").unwrap();
    let ran = assign(&ready, &for_alice(&ready)).ended(4);
    assert!(
        ran.err.contains("~/.studio-migrate of the space is or holds a link, or is no folder"),
        "{}",
        ran.err
    );
    assert!(ran.err.contains("let its owner rename it"), "{}", ran.err);
    assert_eq!(fs::read(&own).unwrap(), b"hers");
    fs::remove_file(&own).unwrap();
    assign(&ready, &for_alice(&ready)).ended(0);
    assert_delivered(&ready);
}

#[test]
fn whoever_has_not_moved_or_is_at_work_is_named_and_waited_for() {
    let ready = ready();
    let csv = for_alice(&ready);
    let ran = assign(&ready, &csv).ended(4);
    assert!(ran.err.contains("alice has not moved yet"), "{}", ran.err);
    ready.run_alice(&[]).ended(0);
    ready.start_an_app_of_theirs("alice-studio");
    let ran = assign(&ready, &csv).ended(4);
    assert!(
        ran.err.contains("runs in space alice-studio, and belongs to its owner"),
        "{}",
        ran.err
    );
    assert!(!volume(&ready).join("orphan-299001").exists());
}

#[test]
fn rows_about_nobody_and_nothing_are_refused_together_before_anything_is_done() {
    let ready = moved();
    let (own, gone) = systems(&ready);
    let alice = ready.migration("alice").home_uid;
    let rows = [
        format!("{own},{alice},d-sim000000001,bob"),
        format!("{own},299001,d-sim000000001,nobody"),
        format!("{gone},777,d-sim000000001,alice"),
        format!("{gone},299001,d-sim000000001,alice"),
    ];
    let csv = table(&ready, &rows.each_ref().map(String::as_str));
    let ran = assign(&ready, &csv).ended(2);
    for said in [
        format!("line 2: {own}/{alice} is the home of alice, and no orphan"),
        "line 3: the plan knows no d-sim000000001/nobody".to_owned(),
        format!("line 4: {gone}/777 is no orphan that the last inventory saw"),
    ] {
        assert!(ran.err.contains(&said), "{said} in {}", ran.err);
    }
    assert!(!volume(&ready).join(format!("orphan-{gone}-299001")).exists());
}

#[test]
fn the_table_that_is_written_can_be_filled_in() {
    let ready = moved();
    let file = ready.file("table.csv");
    ready.run(&["orphans", "--csv", file.to_str().unwrap()]).ended(0);
    let text = fs::read_to_string(&file).unwrap();
    let (own, _) = systems(&ready);
    let row = format!("{own},299001,,,");
    assert!(text.contains(&row), "{text}");
    fs::write(&file, text.replace(&row, &format!("{own},299001,d-sim000000001,alice,"))).unwrap();
    assign(&ready, file.to_str().unwrap()).ended(0);
    assert_delivered(&ready);
}

#[test]
fn a_home_of_which_every_file_is_left_out_is_not_said_to_be_delivered() {
    let ready = moved();
    let (own, _) = systems(&ready);
    let orphan = home(&ready, &own, "299001");
    fs::remove_dir_all(&orphan).unwrap();
    fs::create_dir_all(orphan.join(".cache/pip")).unwrap();
    fs::write(orphan.join(".cache/pip/wheel"), "wheel").unwrap();
    let ran = ready.run(&["inventory", "--mount", &mount(&ready)]).ended(4);
    assert!(ran.err.contains(&format!("not taken: {own}/299001")), "{}", ran.err);
    let believe = format!("{own}/299001");
    ready.run(&["inventory", "--mount", &mount(&ready), "--believe", &believe]).ended(0);
    let before = left(&ready);
    let ran = assign(&ready, &for_alice(&ready)).ended(4);
    assert!(ran.err.contains("none of its 1 files would be delivered"), "{}", ran.err);
    assert!(ran.err.contains("orphans archive"), "{}", ran.err);
    assert!(!volume(&ready).join("orphan-299001").exists());
    assert_eq!((left(&ready).1, left(&ready).2), (before.1, before.2));
    let is = told(&ready)["orphans"][0]["is"].as_str().unwrap().to_owned();
    assert!(is.contains("NOT done: none of its 1 files"), "{is}");
}

#[test]
fn what_went_to_the_wrong_person_goes_to_the_right_one_when_asked_again_and_both_are_named() {
    let ready = moved();
    ready.run(&["run", "--yes", "--mover", light_mover().to_str().unwrap()]).ended(0);
    let (own, _) = systems(&ready);
    let again = |csv: &str| {
        let mut words = words(csv, &mount(&ready));
        words.push("--again".to_owned());
        ready.run(&words.iter().map(String::as_str).collect::<Vec<_>>())
    };
    assign(&ready, &table(&ready, &[&format!("{own},299001,d-sim000000001,bob")])).ended(0);
    let csv = for_alice(&ready);
    let refused = assign(&ready, &csv).ended(2);
    assert!(refused.err.contains("was delivered to d-sim000000001/bob"), "{}", refused.err);
    assert!(refused.err.contains("--again"), "{}", refused.err);
    let ran = again(&csv).ended(0);
    assert!(ran.err.contains("d-sim000000001/bob keeps what was delivered to them"), "{}", ran.err);
    assert_delivered(&ready);
    let bobs = ready.served.dir.join("ebs/d-sim000000001/bob-studio/orphan-299001");
    assert!(bobs.is_dir(), "what he has is his");
    let is = told(&ready)["orphans"][0]["is"].as_str().unwrap().to_owned();
    assert!(is.contains("delivered to d-sim000000001/alice, in ~/orphan-299001"), "{is}");
    assert!(is.contains("delivered to d-sim000000001/bob before, in ~/orphan-299001"), "{is}");
    // What she lost of it comes again; what she did to it is never overwritten.
    let lost = volume(&ready).join("orphan-299001");
    let some = listing(&lost, false).into_keys().find(|path| lost.join(path).is_file()).unwrap();
    let content = fs::read(lost.join(&some)).unwrap();
    fs::remove_file(lost.join(&some)).unwrap();
    again(&csv).ended(0);
    assert_eq!(fs::read(lost.join(&some)).unwrap(), content);
    // What is missing comes although something of hers is in the way of another file; and that is said.
    let other = listing(&lost, false).into_keys();
    let other = other.filter(|path| lost.join(path).is_file()).find(|path| *path != some).unwrap();
    fs::remove_file(lost.join(&other)).unwrap();
    fs::write(lost.join(&some), "hers").unwrap();
    let ran = again(&csv).ended(4);
    assert!(lost.join(&other).exists());
    assert!(ran.err.contains("could not be delivered whole: "), "{}", ran.err);
    assert!(ran.err.contains("Let them rename or delete it in ~/orphan-299001"), "{}", ran.err);
    assert!(ran.out.contains("0 delivered and proven, 1 not as a whole"), "{}", ran.out);
    assert_eq!(fs::read(lost.join(&some)).unwrap(), b"hers");
}

#[test]
fn every_exchange_of_a_delivery_is_as_aws_s_models_have_it() {
    let ready = moved();
    let csv = for_alice(&ready);
    let log = ready.file("wire.jsonl");
    let mut words = words(&csv, &mount(&ready));
    words.extend(["--wire-log".to_owned(), log.to_str().unwrap().to_owned()]);
    ready.run(&words.iter().map(String::as_str).collect::<Vec<_>>()).ended(0);
    python::check("check_wire.py", &[&log, &python::script("always_returned.json")]);
}
