//! What people do in their spaces meanwhile is theirs: nothing that the tool undoes takes it away.

use serde_json::Value;

use crate::common::ONE_PERSON;
use crate::common::ready::Ready;

/// The same person, who may enter the new Studio although they land in Classic.
fn who_may_enter() -> String {
    ONE_PERSON.replace("StudioWebPortal: DISABLED", "StudioWebPortal: ENABLED")
}

fn spaces(ready: &Ready) -> Vec<String> {
    let state = ready.served.state();
    state["studio"]["spaces"].as_object().unwrap().keys().cloned().collect()
}

fn status_of_the_app(ready: &Ready) -> Value {
    let state = ready.served.state();
    let apps = state["studio"]["apps"].as_object().unwrap();
    let (_, app) = apps.iter().find(|(key, _)| key.contains("alice-studio")).unwrap();
    app["standing"]["status"].clone()
}

#[test]
fn a_space_that_its_owner_could_enter_outlives_a_rollback() {
    let ready = Ready::with(&who_may_enter(), None, &[]);
    ready.run_alice(&["--until", "verify"]).ended(0);
    let thesis = ready.served.dir.join("ebs/d-sim000000001/alice-studio/thesis.ipynb");
    std::fs::write(&thesis, "{}").unwrap();
    let ran = ready.run(&["rollback", "--user", "alice"]).ended(0);
    assert!(ran.err.contains("alice-studio is kept with its volume"), "{}", ran.err);
    assert!(thesis.exists());
    ready.run(&["rollback", "--user", "alice"]).ended(0);
    ready.run_alice(&[]).ended(0);
    assert!(thesis.exists());
}

#[test]
fn an_app_that_its_owner_started_is_not_stopped_by_a_rollback() {
    let ready = Ready::new();
    ready.run_alice(&[]).ended(0);
    ready.start_an_app_of_theirs("alice-studio");
    ready.run(&["rollback", "--user", "alice"]).ended(0);
    assert_ne!(status_of_the_app(&ready), "Deleting");
    assert_ne!(status_of_the_app(&ready), "Deleted");
    let again = ready.run_alice(&[]).ended(4);
    assert!(again.err.contains("this migration did not start it"), "{}", again.err);
    assert_eq!(spaces(&ready), ["d-sim000000001/alice-studio"]);
}

#[test]
fn a_domain_is_not_cut_over_beneath_people_whom_the_plan_left_out() {
    let ready = Ready::with(ONE_PERSON, None, &["  exclude: [bob]"]);
    ready.run_alice(&[]).ended(0);
    let ran = ready.run(&["cutover"]).ended(3);
    assert!(ran.err.contains("bob"), "{}", ran.err);
    let domain = &ready.served.state()["studio"]["domains"]["d-sim000000001"];
    assert_eq!(domain["members"]["DefaultUserSettings"]["StudioWebPortal"], "DISABLED");
}

#[test]
fn a_domain_is_cut_over_despite_who_is_named_with_its_idle_shutdown_and_put_back() {
    let lines = ["  exclude: [bob]", "experience.idle_shutdown_minutes: 120"];
    let ready = Ready::with(ONE_PERSON, None, &lines);
    ready.run_alice(&[]).ended(0);
    let settings = || {
        let domain = ready.served.state()["studio"]["domains"]["d-sim000000001"]["members"].clone();
        domain["DefaultUserSettings"].clone()
    };
    let before = settings();
    ready.run(&["cutover", "--despite", "alice"]).ended(3);
    let ran = ready.run(&["cutover", "--despite", "nobody"]).ended(2);
    assert!(ran.err.contains("knows nobody"), "{}", ran.err);
    ready.run(&["cutover", "--despite", "bob"]).ended(0);
    let after = settings();
    assert_eq!(after["StudioWebPortal"], "ENABLED");
    for app in ["JupyterLabAppSettings", "CodeEditorAppSettings"] {
        let idle = &after[app]["AppLifecycleManagement"]["IdleSettings"];
        assert_eq!(idle["IdleTimeoutInMinutes"], 120, "{after}");
        assert_eq!(idle["LifecycleManagement"], "ENABLED", "{after}");
    }
    // Somebody hides more meanwhile: that is theirs.
    let ready = ready.edited(|world| {
        let members = &mut world["studio"]["domains"]["d-sim000000001"]["members"];
        members["DefaultUserSettings"]["StudioWebPortalSettings"]["HiddenAppTypes"] =
            serde_json::json!(["Canvas", "JupyterServer", "KernelGateway"]);
    });
    let settings = || {
        let domain = ready.served.state()["studio"]["domains"]["d-sim000000001"]["members"].clone();
        domain["DefaultUserSettings"].clone()
    };
    let ran = ready.run(&["cutover", "--undo"]).ended(0);
    assert!(
        ran.err.contains("somebody changed what is hidden since, and that stays"),
        "{}",
        ran.err
    );
    let back = settings();
    assert_eq!(back["StudioWebPortal"], before["StudioWebPortal"]);
    assert_eq!(back["StudioWebPortalSettings"]["HiddenAppTypes"][0], "Canvas");
    assert_eq!(back["AutoMountHomeEFS"], before["AutoMountHomeEFS"]);
    // What was never said cannot be unsaid: it is turned off.
    let idle = &back["JupyterLabAppSettings"]["AppLifecycleManagement"]["IdleSettings"];
    assert_eq!(idle["LifecycleManagement"], "DISABLED", "{back}");
}

#[test]
fn a_domain_that_is_not_there_makes_no_snapshot() {
    let ready = Ready::new();
    let ran = ready.run(&["inventory", "--domain", "d-nope"]).ended(2);
    assert!(ran.err.contains("d-nope"), "{}", ran.err);
    let plan = ready.run(&["plan"]).ended(0);
    assert!(plan.out.contains("alice"), "{}", plan.out);
}
