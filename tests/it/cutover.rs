//! The cut-over of whole domains: seen before it is done, finished by the next try, and put back as far as it is ours.

use std::fs;

use serde_json::{Value, json};

use crate::common::ONE_PERSON;
use crate::common::points::{dies_at, every_point};
use crate::common::ready::{Ready, only_looks};
use crate::common::tool::light_mover;

const DOMAIN: &str = "d-sim000000001";

const LINES: [&str; 2] =
    ["experience.auto_mount: disable", "experience.idle_shutdown_minutes: 120"];

/// Everyone has moved.
fn moved() -> Ready {
    moved_in(ONE_PERSON)
}

fn moved_in(world: &str) -> Ready {
    let ready = Ready::with(world, None, &LINES);
    ready.run(&["run", "--yes", "--mover", light_mover().to_str().unwrap()]).ended(0);
    ready
}

/// What the domain sets for people, without what AWS adds to an empty structure.
fn defaults(ready: &Ready) -> Value {
    ready.served.state()["studio"]["domains"][DOMAIN]["members"]["DefaultUserSettings"].clone()
}

fn cut_over(defaults: &Value) -> bool {
    let idle = &defaults["JupyterLabAppSettings"]["AppLifecycleManagement"]["IdleSettings"];
    defaults["StudioWebPortal"] == "ENABLED"
        && defaults["DefaultLandingUri"] == "studio::"
        && defaults["AutoMountHomeEFS"] == "Disabled"
        && defaults["StudioWebPortalSettings"]["HiddenAppTypes"]
            == json!(["JupyterServer", "KernelGateway"])
        && idle["IdleTimeoutInMinutes"] == 120
        && idle["LifecycleManagement"] == "ENABLED"
}

/// Tells whether everything is as before, as far as AWS can unset it.
fn is_back(defaults: &Value) -> bool {
    let idle = &defaults["JupyterLabAppSettings"]["AppLifecycleManagement"]["IdleSettings"];
    let hidden = &defaults["StudioWebPortalSettings"]["HiddenAppTypes"];
    defaults["StudioWebPortal"] == "DISABLED"
        && defaults["DefaultLandingUri"] == "app:JupyterServer:"
        && defaults["AutoMountHomeEFS"] != "Disabled"
        && hidden.as_array().is_none_or(Vec::is_empty)
        && idle["LifecycleManagement"] != "ENABLED"
}

#[test]
fn a_cut_over_and_its_undo_are_seen_before_they_are_done() {
    let ready = Ready::with(ONE_PERSON, None, &LINES);
    let log = ready.file("dry.jsonl");
    let dry = ["cutover", "--dry-run", "--wire-log", log.to_str().unwrap()];
    // Who stands in the way is told, too.
    let early = ready.run(&dry).ended(3);
    assert!(early.err.contains("are not moved yet"), "{}", early.err);
    let wanted = [
        "StudioWebPortal DISABLED → ENABLED, DefaultLandingUri app:JupyterServer: → studio::",
        "app types hidden: JupyterServer, KernelGateway",
        "AutoMountHomeEFS not set → Disabled",
        "spaces shut down after 120 minutes without use",
    ];
    for said in wanted {
        assert!(early.out.contains(&format!("{DOMAIN}: would be: {said}")), "{}", early.out);
    }
    ready.run(&["run", "--yes", "--mover", light_mover().to_str().unwrap()]).ended(0);
    let before = defaults(&ready);
    ready.run(&dry).ended(0);
    assert_eq!(defaults(&ready), before);
    let done = ready.run(&["cutover"]).ended(0);
    wanted.iter().for_each(|said| assert!(done.out.contains(said), "{said} in {}", done.out));
    assert!(cut_over(&defaults(&ready)));
    let again = ready.run(&["cutover"]).ended(0);
    assert!(again.out.contains("leads to the new Studio already, nothing is changed"));
    let back = ["cutover", "--undo", "--dry-run", "--wire-log", log.to_str().unwrap()];
    let back = ready.run(&back).ended(0);
    let landing = "StudioWebPortal=DISABLED and DefaultLandingUri=app:JupyterServer: set again";
    assert!(back.out.contains(&format!("would be: {landing}")), "{}", back.out);
    assert!(cut_over(&defaults(&ready)));
    assert!(Ready::exchanges(&log).iter().all(only_looks));
    let undone = ready.run(&["cutover", "--undo"]).ended(0);
    assert!(undone.out.contains(landing), "{}", undone.out);
    assert!(is_back(&defaults(&ready)), "{}", defaults(&ready));
    let twice = ready.run(&["cutover", "--undo"]).ended(0);
    assert!(twice.out.contains("no cut-over stands there"), "{}", twice.out);
}

#[test]
fn killed_at_any_instant_the_cut_over_and_its_undo_are_finished_by_the_next() {
    let before = moved();
    let points = every_point(|point| {
        let ready = before.copied(None);
        if !dies_at(point, &ready.served, &ready.journal, &["cutover"]) {
            return false;
        }
        ready.run(&["cutover"]).ended(0);
        assert!(cut_over(&defaults(&ready)), "after a crash at {point}");
        ready.run(&["cutover", "--undo"]).ended(0);
        assert!(is_back(&defaults(&ready)), "after a crash at {point}: {}", defaults(&ready));
        true
    });
    assert!(points >= 8, "only {points} points");
    before.run(&["cutover"]).ended(0);
    let undo = ["cutover", "--undo"];
    let points = every_point(|point| {
        let ready = before.copied(None);
        if !dies_at(point, &ready.served, &ready.journal, &undo) {
            return false;
        }
        let undone = ready.run(&undo).ended(0);
        assert!(!undone.err.contains("somebody changed"), "at {point}: {}", undone.err);
        assert!(is_back(&defaults(&ready)), "after a crash at {point}: {}", defaults(&ready));
        true
    });
    assert!(points >= 6, "only {points} points");
}

#[test]
fn throttled_and_unheard_the_cut_over_and_its_undo_end_as_ever() {
    for effect in ["throttled", "reply-lost", "server-error"] {
        let faults =
            format!("- operation: sagemaker:UpdateDomain\n  times: 2\n  effect: {effect}\n");
        let ready = moved().with_faults(Some(&faults));
        ready.run(&["cutover"]).ended(0);
        assert!(cut_over(&defaults(&ready)), "{effect}");
        let ready = ready.with_faults(Some(&faults));
        let undone = ready.run(&["cutover", "--undo"]).ended(0);
        assert!(!undone.err.contains("somebody changed"), "{effect}: {}", undone.err);
        assert!(is_back(&defaults(&ready)), "{effect}: {}", defaults(&ready));
    }
}

#[test]
fn what_a_cut_over_set_is_put_back_although_the_playbook_says_something_else_by_then() {
    let ready = moved();
    ready.run(&["cutover"]).ended(0);
    let (playbook, other) = (ready.journal.with_extension("yaml"), ready.file("other.yaml"));
    let text = fs::read_to_string(playbook).unwrap();
    let text = text.replace("auto_mount: disable", "auto_mount: leave");
    let text = text.replace("idle_shutdown_minutes: 120", "idle_shutdown_minutes: null");
    fs::write(&other, text.replace("hide_classic: true", "hide_classic: false")).unwrap();
    ready.run(&["plan", "--playbook", other.to_str().unwrap()]).ended(0);
    ready.run(&["plan", "approve", "--latest", "--note", "test"]).ended(0);
    let undone = ready.run(&["cutover", "--undo"]).ended(0);
    assert!(!undone.err.contains("somebody changed"), "{}", undone.err);
    assert!(is_back(&defaults(&ready)), "{}", defaults(&ready));
}

#[test]
fn who_is_taken_back_after_a_cut_over_is_led_to_classic_and_told_that_it_is_hidden() {
    let ready = moved();
    ready.run(&["cutover"]).ended(0);
    let back = ready.run(&["rollback", "--user", "bob", "--to", "flip", "--yes"]).ended(0);
    assert!(back.err.contains("hides Classic from everyone"), "{}", back.err);
    let bob = ready.settings("bob");
    // Nothing of it was his own: it is what the domain had.
    assert_eq!(bob["StudioWebPortal"], "DISABLED", "{bob}");
    assert_eq!(bob["DefaultLandingUri"], "app:JupyterServer:", "{bob}");
}

#[test]
fn who_is_taken_back_by_a_plan_of_after_the_cut_over_is_led_to_classic_all_the_same() {
    let ready = moved();
    ready.run(&["cutover"]).ended(0);
    let playbook = ready.journal.with_extension("yaml");
    ready.run(&["inventory"]).ended(0);
    ready.run(&["plan", "--playbook", playbook.to_str().unwrap()]).ended(0);
    ready.run(&["plan", "approve", "--latest"]).ended(0);
    let back = ready.run(&["rollback", "--user", "bob", "--to", "flip", "--yes"]).ended(0);
    assert!(back.err.contains("hides Classic from everyone"), "{}", back.err);
    let bob = ready.settings("bob");
    assert_eq!(bob["StudioWebPortal"], "DISABLED", "{bob}");
    assert_eq!(bob["DefaultLandingUri"], "app:JupyterServer:", "{bob}");
}

#[test]
fn a_domain_that_nobody_of_the_plan_is_in_is_named_and_a_person_can_be_named_with_their_domain() {
    let world = format!(
        "{ONE_PERSON}  - name: other\n    profiles:\n      - {{ name: zoe, home: empty }}\n"
    );
    let ready = Ready::with(&world, None, &["  exclude: [zoe, bob]"]);
    ready.run_alice(&[]).ended(0);
    let refused = ready.run(&["cutover"]).ended(3);
    assert!(refused.err.contains(&format!("{DOMAIN}/bob (")), "{}", refused.err);
    let wrong = ready.run(&["cutover", "--despite", "d-sim000000999/bob"]).ended(2);
    assert!(wrong.err.contains("<domain>/<profile>"), "{}", wrong.err);
    let despite = format!("{DOMAIN}/bob");
    let done = ready.run(&["cutover", "--despite", &despite]).ended(0);
    let rest = "stays as it is, because nobody of the plan is in it";
    let named: Vec<_> = done.err.lines().filter(|line| line.contains(rest)).collect();
    assert!(named.len() == 1 && !named[0].contains(DOMAIN), "{}", done.err);
}
