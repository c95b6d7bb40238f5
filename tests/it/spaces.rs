//! Into what people move: another app, another image, a space that they had before, and what a group does not see there.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::common::ONE_PERSON;
use crate::common::ready::Ready;

fn space(ready: &Ready, name: &str) -> Value {
    ready.served.state()["studio"]["spaces"][format!("d-sim000000001/{name}")].clone()
}

fn volume(ready: &Ready, name: &str) -> PathBuf {
    ready.served.dir.join("ebs/d-sim000000001").join(name)
}

#[test]
fn someone_moves_into_code_editor_and_finds_the_image_that_the_playbook_names() {
    let image = "arn:aws:sagemaker:eu-west-1:000000000000:image/sagemaker-distribution-cpu";
    let lines = ["  app_type: CodeEditor", &format!("  image: {image}")];
    let images = "images:\n  - { name: sagemaker-distribution-cpu }\ndomains:\n";
    let ready = Ready::with(&ONE_PERSON.replace("domains:\n", images), None, &lines);
    let lab = ready.settings("alice")["JupyterLabAppSettings"].clone();
    let ran = ready.run(&["plan", "explain", "alice"]).ended(0);
    assert!(ran.out.contains("a private CodeEditor space alice-studio is made"), "{}", ran.out);
    ready.run_alice(&[]).ended(0);
    let space = space(&ready, "alice-studio");
    let editor = &space["settings"]["CodeEditorAppSettings"];
    assert_eq!(space["settings"]["AppType"], "CodeEditor");
    assert_eq!(editor["DefaultResourceSpec"]["SageMakerImageArn"], image);
    assert_eq!(editor["AppLifecycleManagement"]["IdleSettings"]["IdleTimeoutInMinutes"], 60);
    assert!(volume(&ready, "alice-studio").join("notebooks").is_dir());
    let after = ready.settings("alice");
    assert_eq!(after["JupyterLabAppSettings"], lab);
    assert!(
        after["CodeEditorAppSettings"]["BuiltInLifecycleConfigArn"]
            .as_str()
            .is_none_or(|arn| arn == "None")
    );
}

/// Alice with a private space of her own, in which a file lies.
pub fn with_a_space_of_her_own() -> Ready {
    let bob = "      - name: bob\n        home: empty\n";
    assert!(ONE_PERSON.contains(bob));
    let own = "    spaces:\n      - name: own\n        owner: alice\n        sharing: Private\n        app_type: JupyterLab\n        size_gb: 7\n";
    let world = ONE_PERSON.replace(bob, &format!("{bob}{own}"));
    let ready = Ready::with(&world, None, &["  existing_spaces: reuse"]);
    fs::create_dir_all(volume(&ready, "own")).unwrap();
    fs::write(volume(&ready, "own").join("hers.txt"), "hers").unwrap();
    ready
}

#[test]
fn a_space_that_somebody_has_already_is_reused_and_keeps_what_is_theirs() {
    let ready = with_a_space_of_her_own();
    let before = space(&ready, "own");
    let migration = ready.migration("alice");
    assert!(migration.is_reused && migration.space.as_str() == "own", "{migration:?}");
    assert!(migration.because.contains("own, a space that is theirs"), "{}", migration.because);
    ready.run_alice(&[]).ended(0);
    let home = volume(&ready, "own");
    assert_eq!(fs::read_to_string(home.join("hers.txt")).unwrap(), "hers");
    assert!(home.join("studio-classic/notebooks").is_dir());
    assert!(!home.join("notebooks").exists());
    let after = space(&ready, "own");
    assert_eq!(
        after["settings"]["SpaceStorageSettings"],
        before["settings"]["SpaceStorageSettings"]
    );
    // Nobody else's space was made, and hers carries no tag of ours that would let a rollback delete it.
    assert_eq!(ready.served.state()["studio"]["spaces"].as_object().unwrap().len(), 1);
    let undone = ready.run(&["rollback", "--user", "alice", "--delete-spaces", "--yes"]).ended(0);
    assert!(undone.err.contains("own was alice's before and is kept"), "{}", undone.err);
    assert_eq!(fs::read_to_string(home.join("hers.txt")).unwrap(), "hers");
}

#[test]
fn the_idle_shutdown_of_a_reused_space_is_put_back() {
    let idle = |minutes: i64| json!({ "AppLifecycleManagement": { "IdleSettings": { "IdleTimeoutInMinutes": minutes } } });
    let ready = with_a_space_of_her_own().edited(|state| {
        state["studio"]["spaces"]["d-sim000000001/own"]["settings"]["JupyterLabAppSettings"] =
            idle(300);
    });
    ready.run_alice(&["--until", "provision"]).ended(0);
    let lab = |ready: &Ready| space(ready, "own")["settings"]["JupyterLabAppSettings"].clone();
    assert_eq!(lab(&ready), idle(525_599));
    ready.run(&["rollback", "--user", "alice"]).ended(0);
    assert_eq!(lab(&ready), idle(300));
    ready.run_alice(&[]).ended(0);
    assert_eq!(lab(&ready), idle(300));
}

#[test]
fn a_group_does_not_see_what_the_playbook_hides_from_it_until_a_rollback() {
    let groups = "  groups: [{ name: contractors, profiles: ['ali*'], hide_app_types: [Canvas], hide_tools: [JumpStart] }]";
    let world = ONE_PERSON.replace(
        "          JupyterLabAppSettings:\n",
        "          StudioWebPortalSettings:\n            HiddenMlTools: [Models]\n            ExecutionRoleSessionNameMode: USER_IDENTITY\n          JupyterLabAppSettings:\n",
    );
    let ready = Ready::with(&world, None, &[groups]);
    let before = ready.settings("alice")["StudioWebPortalSettings"].clone();
    assert!(ready.migration("alice").because.contains("as one of contractors"));
    ready.run_alice(&[]).ended(0);
    let hidden = ready.settings("alice")["StudioWebPortalSettings"].clone();
    assert_eq!(hidden["HiddenMlTools"], json!(["JumpStart", "Models"]));
    assert_eq!(hidden["HiddenAppTypes"], json!(["Canvas", "JupyterServer", "KernelGateway"]));
    assert_eq!(hidden["ExecutionRoleSessionNameMode"], "USER_IDENTITY");
    let playbook = ready.journal.with_extension("yaml");
    let policy =
        ready.run(&["iam", "visibility", "--playbook", playbook.to_str().unwrap()]).ended(0);
    assert!(policy.out.contains("app/*/*/canvas/*"), "{}", policy.out);
    ready.run(&["rollback", "--user", "alice", "--delete-spaces", "--yes"]).ended(0);
    let after = ready.settings("alice")["StudioWebPortalSettings"].clone();
    assert_eq!(after["HiddenMlTools"], before["HiddenMlTools"]);
    assert_eq!(after["HiddenAppTypes"].as_array().map_or(0, Vec::len), 0);
}

#[test]
fn whoever_does_not_see_the_app_that_they_moved_into_is_named_until_it_is_shown() {
    let world = ONE_PERSON.replace(
        "          JupyterLabAppSettings:\n",
        "          StudioWebPortalSettings:\n            HiddenAppTypes: [Canvas, JupyterLab]\n          JupyterLabAppSettings:\n",
    );
    let ready = Ready::with(&world, None, &["  exclude: [bob]"]);
    let said = "JupyterLab is hidden from them by their own profile";
    let ran = ready.run_alice(&[]).ended(0);
    assert!(ran.err.contains(said), "{}", ran.err);
    let remarks = ready.report()["remarks"].to_string();
    assert!(remarks.contains(said) && remarks.contains("alice-studio"), "{remarks}");
    let dry = ready.run(&["cutover", "--despite", "bob", "--dry-run"]).ended(0);
    assert!(dry.err.contains(&format!("d-sim000000001/alice: {said}")), "{}", dry.err);
    let ready = ready.edited(|state| {
        let alice = &mut state["studio"]["profiles"]["d-sim000000001/alice"]["settings"];
        alice["StudioWebPortalSettings"]["HiddenAppTypes"] = json!(["Canvas"]);
        let domain = &mut state["studio"]["domains"]["d-sim000000001"]["members"];
        domain["DefaultUserSettings"]["StudioWebPortalSettings"] =
            json!({ "HiddenAppTypes": ["JupyterLab"] });
    });
    let ran = ready.run(&["cutover", "--despite", "bob"]).ended(0);
    assert!(!ran.err.contains(said), "{}", ran.err);
    let everyone = "d-sim000000001: JupyterLab is hidden from everyone";
    assert!(ran.err.contains(everyone), "{}", ran.err);
}

#[test]
fn where_no_more_spaces_may_be_it_is_said_how_to_ask_for_more() {
    let ready = Ready::new().edited(|world| {
        world["quotas"]["Maximum number of Studio spaces allowed per account"] = 0.0.into();
    });
    let ran = ready.run_alice(&[]).ended(4);
    assert!(ran.err.contains("ResourceLimitExceeded"), "{}", ran.err);
    assert!(ran.err.contains("--quota-code L-8E5333B4 --desired-value"), "{}", ran.err);
}
