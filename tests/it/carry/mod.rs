//! What Classic offers is offered in the new Studio where the playbook says so, and can be taken out again; what cannot be carried
//! is named with the reason.

mod interrupted;

use std::collections::BTreeMap;

use serde_json::{Value, json};
use studio_migrate::aws::Offer;
use studio_migrate::names::{DomainId, ProfileName};
use studio_migrate::playbook::SpaceApp;

use crate::common::account::Served;
use crate::common::client::Client;
use crate::common::points::dies_at;
use crate::common::python;
use crate::common::ready::{Ready, only_looks};
use crate::common::tool::{prepare_with, run_alice, run_on};

const DOMAIN: &str = "d-sim000000001";

/// A domain that offers a script and a repository to Classic, and a script to JupyterLab; alice has more of her own.
const WORLD: &str = r##"
name: carrying
seed: 7
timing: { space: 0.05, update: 0.05, app_start: 0.1, app_stop: 0.05 }
scripts:
  - { name: Git-Settings, app_type: JupyterServer, text: "#!/bin/bash\ncd /home/ec2-user\ngit config --global pull.rebase true\n" }
  - { name: auto-shutdown, app_type: JupyterServer, text: "#!/bin/bash\necho the idle checker\n" }
  - { name: cran, app_type: KernelGateway, text: "#!/bin/bash\necho x > ~/.Rprofile\n" }
  - { name: packages, app_type: KernelGateway, text: "#!/bin/bash\nsudo yum install -y jq\n" }
  - { name: lab-setup, app_type: JupyterLab, text: "#!/bin/bash\necho ready\n" }
  - { name: tidy-shell, app_type: JupyterLab, text: "#!/bin/bash\necho hello\n" }
images:
  - { name: genomics, versions: [{ version: 1, base_image: "g:1" }] }
  - { name: of-root, versions: [{ version: 1, base_image: "r:1" }] }
app_image_configs:
  - name: genomics-kernel
    members: { KernelGatewayImageConfig: { KernelSpecs: [{ Name: ir }], FileSystemConfig: { DefaultUid: 1000, DefaultGid: 100 } } }
  - name: of-root-kernel
    members: { KernelGatewayImageConfig: { KernelSpecs: [{ Name: ir }], FileSystemConfig: { DefaultUid: 0, DefaultGid: 0 } } }
domains:
  - name: research
    members:
      DefaultUserSettings:
        ExecutionRole: arn:aws:iam::000000000000:role/service-role/AmazonSageMaker-ExecutionRole
        StudioWebPortalSettings: { HiddenMlTools: [JumpStart] }
        JupyterServerAppSettings:
          LifecycleConfigArns:
            - arn:aws:sagemaker:eu-west-1:000000000000:studio-lifecycle-config/git-settings
            - arn:aws:sagemaker:eu-west-1:000000000000:studio-lifecycle-config/auto-shutdown
          CodeRepositories: [{ RepositoryUrl: "https://git.example.com/team" }]
        JupyterLabAppSettings:
          LifecycleConfigArns: [arn:aws:sagemaker:eu-west-1:000000000000:studio-lifecycle-config/lab-setup]
    profiles:
      - name: alice
        home: empty
        tags: { team: fraud }
        settings:
          JupyterLabAppSettings:
            BuiltInLifecycleConfigArn: arn:aws:sagemaker:eu-west-1:000000000000:studio-lifecycle-config/tidy-shell
          KernelGatewayAppSettings:
            LifecycleConfigArns:
              - arn:aws:sagemaker:eu-west-1:000000000000:studio-lifecycle-config/cran
              - arn:aws:sagemaker:eu-west-1:000000000000:studio-lifecycle-config/packages
            CustomImages:
              - { ImageName: genomics, ImageVersionNumber: 1, AppImageConfigName: genomics-kernel }
              - { ImageName: of-root, AppImageConfigName: of-root-kernel }
      - name: bob
        home: empty
        settings:
          KernelGatewayAppSettings:
            LifecycleConfigArns: [arn:aws:sagemaker:eu-west-1:000000000000:studio-lifecycle-config/cran]
"##;

const ALL: [&str; 5] = [
    "carry.scripts: attach",
    "carry.images: configure",
    "carry.repositories: carry",
    "carry.tags: carry",
    "  exclude: [bob]",
];

pub const APPLY: [&str; 2] = ["carry", "--apply"];
pub const UNDO: [&str; 2] = ["carry", "--undo"];

fn arn(name: &str) -> String {
    format!("arn:aws:sagemaker:eu-west-1:000000000000:studio-lifecycle-config/{name}")
}

fn rows(ready: &Ready) -> Vec<Value> {
    let said = ready.run(&["carry", "--format", "json"]).ended(0).out;
    let said: Value = serde_json::from_str(&said).unwrap();
    said["rows"].as_array().unwrap().clone()
}

/// Who, what, by which name, and how it stands.
fn stands(rows: &[Value]) -> Vec<String> {
    let text = |row: &Value, name: &str| row[name].as_str().unwrap_or("-").to_owned();
    let line =
        |row: &Value| ["profile", "what", "name", "stands"].map(|name| text(row, name)).join(" ");
    rows.iter().map(line).collect()
}

fn defaults(ready: &Ready) -> Value {
    ready.served.state()["studio"]["domains"][DOMAIN]["members"]["DefaultUserSettings"].clone()
}

fn lab(settings: &Value) -> Value {
    settings["JupyterLabAppSettings"].clone()
}

/// The tags of alice's space.
fn space_tags(ready: &Ready) -> Value {
    let tags = ready.served.state()["studio"]["tags"].clone();
    let tags = tags.as_object().unwrap().clone();
    tags.into_iter().find(|(arn, _)| arn.ends_with("/alice-studio")).unwrap().1
}

/// Everything is carried, and alice has her space.
pub fn moved() -> Ready {
    let ready = Ready::with(WORLD, None, &ALL);
    ready.run_alice(&[]).ended(0);
    ready
}

#[test]
fn the_table_says_what_becomes_of_everything_and_nothing_is_changed() {
    let ready = Ready::with(WORLD, None, &["  exclude: [bob]"]);
    let before = ready.served.state();
    let rows = rows(&ready);
    let found = stands(&rows);
    let expected = [
        "- script Git-Settings left",
        "- script auto-shutdown stays",
        "- repository https://git.example.com/team left",
        "- hidden-tools JumpStart stays",
        "- idle-shutdown of Classic stays",
        "alice script cran left",
        "alice script packages not-carried",
        "alice image genomics version 1 left",
        "alice image of-root not-carried",
        "alice tag team=fraud left",
        "bob script cran not-carried",
    ];
    assert_eq!(found, expected);
    let why = |name: &str| {
        let row = rows.iter().find(|row| row["name"] == name).unwrap();
        format!("{} {}", row["why"], row["by_hand"])
    };
    assert!(why("packages").contains("packages of Debian may have other names"), "{rows:?}");
    assert!(why("packages").contains("readiness --script packages"), "{rows:?}");
    assert!(why("of-root").contains("it runs as 0:0"), "{rows:?}");
    let table = ready.run(&["carry"]).ended(0).out;
    assert!(table.contains("Git-Settings-jupyterlab"), "{table}");
    // How many things stand how comes first; those about which nothing has to be done are counted, and named with -v.
    let first = table.lines().next().unwrap();
    assert!(
        first.contains(" things of Classic: ") && first.contains("cannot be carried"),
        "{first}"
    );
    assert!(first.contains("about which nothing has to be done"), "{first}");
    assert!(!table.contains("auto-shutdown"), "{table}");
    assert!(ready.run(&["carry", "-v"]).ended(0).out.contains("auto-shutdown"));
    let csv = ready.run(&["carry", "--format", "csv"]).ended(0).out;
    assert!(csv.starts_with("\u{feff}domain,profile,what,"), "{csv}");
    assert_eq!(ready.served.state(), before);
}

#[test]
fn what_the_playbook_says_is_carried_beside_what_is_there_and_taken_out_again() {
    let ready = moved();
    let (alice, everybody) = (ready.settings("alice"), defaults(&ready));
    let log = ready.file("wire.jsonl");
    let logged = ["--wire-log", log.to_str().unwrap()];
    ready.run(&[&APPLY[..], &logged].concat()).ended(0);

    let domain = lab(&defaults(&ready));
    assert_eq!(
        domain["LifecycleConfigArns"],
        json!([arn("lab-setup"), arn("git-settings-jupyterlab")])
    );
    assert_eq!(domain["CodeRepositories"][0]["RepositoryUrl"], "https://git.example.com/team");
    // A list of her own hides the domain's, so it begins with that.
    let hers = lab(&ready.settings("alice"));
    let scripts = json!([arn("lab-setup"), arn("git-settings-jupyterlab"), arn("cran-jupyterlab")]);
    assert_eq!(hers["LifecycleConfigArns"], scripts);
    assert_eq!(hers["BuiltInLifecycleConfigArn"], arn("tidy-shell"));
    let image = json!([{"ImageName": "genomics", "ImageVersionNumber": 1, "AppImageConfigName": "genomics-kernel-jupyterlab"}]);
    assert_eq!(hers["CustomImages"], image);
    assert!(hers.get("CodeRepositories").is_none(), "{hers}");
    assert_eq!(space_tags(&ready)["team"], "fraud");
    // Classic has what it had.
    let classic = "KernelGatewayAppSettings";
    assert_eq!(ready.settings("alice")[classic], alice[classic]);
    let state = ready.served.state();
    assert!(state["studio"]["scripts"].get("packages-jupyterlab").is_none());
    let carried = stands(&rows(&ready));
    assert!(
        !carried.iter().any(|row| row.ends_with(" to-carry") || row.ends_with(" left")),
        "{carried:?}"
    );
    assert!(carried.contains(&"alice script packages not-carried".to_owned()), "{carried:?}");

    // A second time there is nothing to do.
    let calls = || ready.events().iter().filter(|event| event["kind"] == "call").count();
    let before = calls();
    ready.run(&APPLY).ended(0);
    assert_eq!(calls(), before);

    // `cleanup` takes hooks, and these are none.
    ready.run(&["cleanup"]).ended(0);
    assert!(ready.served.state()["studio"]["scripts"].get("cran-jupyterlab").is_some());

    let ran = ready.run(&[&UNDO[..], &logged].concat()).ended(0);
    assert!(ran.err.contains("it has the domain's as its own now"), "{}", ran.err);
    assert_eq!(
        lab(&defaults(&ready))["LifecycleConfigArns"],
        lab(&everybody)["LifecycleConfigArns"]
    );
    assert_eq!(lab(&defaults(&ready))["CodeRepositories"], json!([]));
    let hers = lab(&ready.settings("alice"));
    assert_eq!(hers["LifecycleConfigArns"], json!([arn("lab-setup")]));
    assert_eq!(hers["CustomImages"], json!([]));
    assert_eq!(hers["BuiltInLifecycleConfigArn"], arn("tidy-shell"));
    assert!(space_tags(&ready).get("team").is_none());
    let state = ready.served.state();
    for gone in ["cran-jupyterlab", "git-settings-jupyterlab"] {
        assert!(state["studio"]["scripts"].get(gone).is_none(), "{gone}");
    }
    assert!(state["studio"]["app_image_configs"].get("genomics-kernel-jupyterlab").is_none());
    let said = ready.run(&UNDO).ended(0).out;
    assert!(said.contains("nothing to take out"), "{said}");

    let said = python::check("check_wire.py", &[&log, &python::script("always_returned.json")]);
    assert!(said.contains("exchanges of"), "{said}");
    let operations: Vec<_> =
        Ready::exchanges(&log).into_iter().map(|exchange| exchange["operation"].clone()).collect();
    for operation in ["CreateAppImageConfig", "DeleteAppImageConfig", "AddTags", "DeleteTags"] {
        assert!(operations.contains(&json!(operation)), "{operation}");
    }
}

#[test]
fn what_is_only_registered_is_offered_to_nobody() {
    let ready = Ready::with(WORLD, None, &["carry.scripts: register"]);
    let before = (defaults(&ready), ready.settings("alice"));
    ready.run(&APPLY).ended(0);
    assert_eq!((defaults(&ready), ready.settings("alice")), before);
    let scripts = ready.served.state()["studio"]["scripts"].clone();
    assert_eq!(scripts["cran-jupyterlab"]["app_type"], "JupyterLab");
    assert!(stands(&rows(&ready)).contains(&"alice script cran carried".to_owned()));
}

#[test]
fn what_others_set_since_stays_when_it_is_taken_out() {
    let ready = moved();
    ready.run(&APPLY).ended(0);
    let administrator = Client::administrator(&ready.served);
    let (domain, alice) = (DomainId::new(DOMAIN), ProfileName::from("alice"));
    let account = &administrator.account;
    let offers = administrator.wait(account.offers(&domain, Some(&alice))).unwrap();
    let mut theirs: Offer = offers.jupyter_lab;
    theirs.scripts.push(arn("tidy-shell"));
    theirs.repositories.push("https://git.example.com/hers".to_owned());
    let set = account.set_offer(&domain, Some(&alice), SpaceApp::JupyterLab, &theirs);
    administrator.wait(set).unwrap();
    let space =
        administrator.wait(account.space(&domain, &ready.migration("alice").space)).unwrap();
    let tag = BTreeMap::from([("team".to_owned(), "risk".to_owned())]);
    administrator.wait(account.add_tags(&space.arn, &tag)).unwrap();

    let ran = ready.run(&UNDO).ended(0);
    assert!(
        ran.err.contains(&format!("{DOMAIN}/alice: somebody changed the scripts")),
        "{}",
        ran.err
    );
    assert!(ran.err.contains("somebody changed team since"), "{}", ran.err);
    let hers = lab(&ready.settings("alice"));
    // What she had of the domain before it was taken out there is hers as well; only what was carried goes.
    let scripts = hers["LifecycleConfigArns"].as_array().unwrap().clone();
    assert!(scripts.contains(&json!(arn("tidy-shell"))), "{scripts:?}");
    assert!(!scripts.contains(&json!(arn("cran-jupyterlab"))), "{scripts:?}");
    assert_eq!(hers["CodeRepositories"][0]["RepositoryUrl"], "https://git.example.com/hers");
    assert_eq!(space_tags(&ready)["team"], "risk");
}

#[test]
fn a_script_that_somebody_else_offers_is_not_deleted_and_whoever_it_is_is_named() {
    let ready = moved();
    ready.run(&APPLY).ended(0);
    let administrator = Client::administrator(&ready.served);
    let (domain, bob) = (DomainId::new(DOMAIN), ProfileName::from("bob"));
    let offer = |scripts: Vec<String>| Offer { scripts, ..Offer::default() };
    let account = &administrator.account;
    let with = offer(vec![arn("cran-jupyterlab")]);
    administrator
        .wait(account.set_offer(&domain, Some(&bob), SpaceApp::JupyterLab, &with))
        .unwrap();
    let ran = ready.run(&UNDO).ended(4);
    assert!(ran.err.contains("failed to take out what was carried: "), "{}", ran.err);
    assert!(ran.err.contains("is attached to UserProfile [bob]"), "{}", ran.err);
    assert!(ready.served.state()["studio"]["scripts"].get("cran-jupyterlab").is_some());
    let without = offer(Vec::new());
    administrator
        .wait(account.set_offer(&domain, Some(&bob), SpaceApp::JupyterLab, &without))
        .unwrap();
    ready.run(&UNDO).ended(0);
    assert!(ready.served.state()["studio"]["scripts"].get("cran-jupyterlab").is_none());
}

#[test]
fn a_script_of_that_name_that_is_another_s_is_neither_offered_nor_deleted() {
    let ready = moved();
    let administrator = Client::administrator(&ready.served);
    let text = "#!/bin/bash\necho mine\n";
    let (app, tags) = (SpaceApp::JupyterLab, BTreeMap::new());
    let making = administrator.account.create_script("cran-jupyterlab", app, text, &tags);
    administrator.wait(making).unwrap();
    ready.run(&APPLY).ended(0);
    assert!(!lab(&ready.settings("alice")).to_string().contains("cran-jupyterlab"));
    let rows = rows(&ready);
    let row = rows.iter().find(|row| row["name"] == "cran").unwrap();
    assert_eq!(row["stands"], "not-carried");
    assert!(row["why"].as_str().unwrap().contains("which is not ours"), "{row}");
    ready.run(&UNDO).ended(0);
    let script = administrator.wait(administrator.account.script("cran-jupyterlab")).unwrap();
    assert_eq!(script.text.as_deref(), Some(text));
}

#[test]
fn a_migration_that_is_under_way_goes_on_as_if_nothing_had_been_carried() {
    let before = Ready::with(WORLD, None, &ALL);
    let hook = before.migration("alice").hook;
    let has_hook = |ready: &Ready| {
        let built_in = lab(&ready.settings("alice"))["BuiltInLifecycleConfigArn"].clone();
        built_in.as_str().is_some_and(|arn| arn.ends_with(&hook.to_ascii_lowercase()))
    };
    // The hook is set for some of the instants at which a run can be killed.
    let killed = (1..200).step_by(3).find_map(|point| {
        let ready = before.copied(None);
        assert!(dies_at(point, &ready.served, &ready.journal, &run_alice()), "never hooked");
        has_hook(&ready).then_some(ready)
    });
    let ready = killed.unwrap();
    ready.run(&APPLY).ended(0);
    assert!(has_hook(&ready), "{}", ready.settings("alice"));
    ready.run_alice(&[]).ended(0);
    let hers = lab(&ready.settings("alice"));
    assert_eq!(hers["BuiltInLifecycleConfigArn"], arn("tidy-shell"));
    assert!(hers["LifecycleConfigArns"].to_string().contains("cran-jupyterlab"), "{hers}");
    assert!(!ready.served.state()["studio"]["scripts"].to_string().contains(&hook));
    // Her tags go along as soon as there is a space to put them on.
    ready.run(&APPLY).ended(0);
    assert_eq!(space_tags(&ready)["team"], "fraud");
}

#[test]
fn the_careful_world_s_table_has_a_reason_for_everything_that_is_not_carried() {
    let folder = tempfile::tempdir().unwrap();
    let served = Served::named(&folder.path().join("world"), "careful");
    let journal = folder.path().join("journal.db");
    // In this world nobody may start an app on the smallest instance.
    let lines = [&ALL[..4], &["  instance_type: ml.m5.large"]].concat();
    prepare_with(&served, &journal, &lines);
    let log = folder.path().join("wire.jsonl");
    let words = ["carry", "--format", "json", "--wire-log", log.to_str().unwrap()];
    let said = run_on(&served, &journal, &words).ended(0).out;
    let said: Value = serde_json::from_str(&said).unwrap();
    let rows = said["rows"].as_array().unwrap();
    for (name, stands, why) in [
        ("classic-proxy", "to-carry", ""),
        ("Classic-Kernels", "to-carry", ""),
        ("auto-shutdown", "stays", "shuts down by itself"),
        ("profile-of-root", "to-carry", ""),
        ("packages", "not-carried", "there is no yum"),
        ("environment", "not-carried", "a conda environment"),
        ("fetch", "not-carried", "a way to the internet"),
        ("extensions", "not-carried", "an extension of an older JupyterLab"),
        ("restart", "not-carried", "nothing of it is left to run"),
        ("who-am-i", "not-carried", "does not name the profile"),
        ("too-large", "not-carried", "a script may have 12288"),
        ("genomics-r version 1", "not-carried", "it runs as 0:0"),
        ("Pipelines", "stays", "the same setting"),
        ("managed-by=terraform", "stays", "on the domain"),
    ] {
        let row = rows.iter().find(|row| row["name"] == name).unwrap();
        assert_eq!(row["stands"], stands, "{row}");
        assert!(row["why"].as_str().unwrap().contains(why), "{row}");
        assert!(stands != "not-carried" || row["by_hand"] != "", "{row}");
    }
    assert!(Ready::exchanges(&log).iter().all(only_looks));
}
