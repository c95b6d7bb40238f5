//! A clean snapshot, and for every rule a way to make it fire.

mod more;

use std::collections::BTreeSet;

use crate::inventory::{
    App, ClassBytes, Domain, FileSystem, Home, Image, ImageConfig, Opened, OrphanHome, Profile,
    Refusal, Role, Script, Settings, SharedNotebooks, Snapshot, Space, Trust, Unseen,
};
use crate::playbook::{Playbook, StagedRoute, Suppression};
use crate::readiness::{assess, rules};

const GIB: u64 = 1 << 30;
const SCRIPT: &str = "arn:aws:sagemaker:eu-west-1:123456789012:studio-lifecycle-config/setup";

/// A playbook that says nothing but its name.
pub(crate) fn playbook() -> Playbook {
    serde_json::from_value(serde_json::json!({ "schema": 1, "name": "default" })).unwrap()
}

/// A suppression whose owner is ops.
pub(crate) fn suppression(code: &str, subject: &str, until: &str) -> Suppression {
    let (reason, owner) = ("looked at", "ops");
    let value = serde_json::json!({
        "code": code, "subject": subject, "reason": reason, "owner": owner, "until": until,
    });
    serde_json::from_value(value).unwrap()
}

/// A snapshot in which nothing stands in anyone's way.
pub(crate) fn clean() -> Snapshot {
    Snapshot {
        schema: Snapshot::SCHEMA,
        id: Some("0123456789ab".into()),
        taken_at: "2026-08-01T09:00:00Z".to_owned(),
        caller: "arn:aws:sts::123456789012:assumed-role/Platform/ops".to_owned(),
        account: Some("123456789012".into()),
        region: Some("eu-west-1".into()),
        domains: vec![Domain {
            id: "d-abc".into(),
            name: "research".to_owned(),
            status: "InService".to_owned(),
            auth_mode: "IAM".to_owned(),
            network: Some("PublicInternetOnly".to_owned()),
            file_system: Some("fs-0a1b2c3d".into()),
            profiles: vec![profile("alice", "200005"), profile("bob", "200006")],
            ..Domain::default()
        }],
        file_systems: vec![FileSystem {
            id: "fs-0a1b2c3d".into(),
            domain: Some("d-abc".into()),
            bytes: ClassBytes { total: 3 * GIB, standard: 2 * GIB, infrequent: GIB, archive: 0 },
            throughput_mode: Some("elastic".to_owned()),
            mount_target_count: 2,
            ..FileSystem::default()
        }],
        quotas: [
            ("Studio JupyterLab Apps running on ml.t3.medium instances".to_owned(), 20.0),
            ("Maximum number of Studio spaces allowed per account".to_owned(), 1000.0),
            ("Maximum number of running Studio apps allowed per account".to_owned(), 500.0),
        ]
        .into(),
        ..Snapshot::default()
    }
}

fn profile(name: &str, uid: &str) -> Profile {
    Profile {
        name: name.into(),
        status: "InService".to_owned(),
        home_uid: Some(uid.into()),
        effective: Settings {
            execution_role: Some(format!("arn:aws:iam::123456789012:role/{name}")),
            ..Settings::default()
        },
        home: Some(Home {
            bytes: GIB,
            allocated_bytes: GIB,
            files: 1200,
            directories: 40,
            ..Home::default()
        }),
        opened_by: vec![opened(&format!("assumed-role/People/{name}"))],
        ..Profile::default()
    }
}

/// Someone who opened a profile.
fn opened(who: &str) -> Opened {
    Opened {
        by: format!("arn:aws:sts::123456789012:{who}"),
        times: 1,
        last: "2026-07-30T08:00:00Z".to_owned(),
    }
}

/// A Classic app that runs.
pub(crate) fn classic_app(profile: &str) -> App {
    App {
        app_type: "KernelGateway".to_owned(),
        name: "datascience-1-0".to_owned(),
        profile: Some(profile.into()),
        space: None,
        status: "InService".to_owned(),
        instance_type: Some("ml.m5.large".to_owned()),
        created_at: Some("2026-07-20T08:00:00Z".to_owned()),
    }
}

fn space(name: &str, app_type: &str, sharing: &str) -> Space {
    Space {
        name: name.into(),
        status: "InService".to_owned(),
        app_type: Some(app_type.to_owned()),
        sharing: Some(sharing.to_owned()),
        owner: Some("carol".into()),
        volume_gb: Some(5),
        home_uid: (app_type == "JupyterServer").then(|| "200009".into()),
        home: None,
        trust: Trust::default(),
    }
}

fn script(name: &str, text: &str) -> Script {
    Script {
        arn: SCRIPT.replace("setup", name),
        name: name.to_owned(),
        app_type: "JupyterServer".to_owned(),
        text: Some(text.to_owned()),
    }
}

fn attach(snapshot: &mut Snapshot, name: &str, text: &str) {
    let script = script(name, text);
    let scripts = &mut alice(snapshot).effective.scripts;
    scripts.entry("JupyterServer".to_owned()).or_default().push(script.arn.clone());
    snapshot.scripts.push(script);
}

fn domain(snapshot: &mut Snapshot) -> &mut Domain {
    &mut snapshot.domains[0]
}

fn alice(snapshot: &mut Snapshot) -> &mut Profile {
    &mut snapshot.domains[0].profiles[0]
}

fn home(snapshot: &mut Snapshot) -> &mut Home {
    alice(snapshot).home.as_mut().unwrap()
}

fn image_config(snapshot: &mut Snapshot, parts: &[&str], identity: (i32, i32)) {
    snapshot.image_configs.push(ImageConfig {
        name: "geo".to_owned(),
        parts: parts.iter().map(|part| (*part).to_owned()).collect(),
        classic_uid_gid: Some(identity),
    });
}

fn lacking(snapshot: &mut Snapshot, action: &str) {
    let arn = alice(snapshot).effective.execution_role.clone().unwrap();
    snapshot.roles.push(role_without(&arn, action));
}

/// A role that IAM refuses one action.
pub(crate) fn role_without(arn: &str, action: &str) -> Role {
    let refused = vec![Refusal {
        action: action.to_owned(),
        decision: "implicitDeny".to_owned(),
        ..Refusal::default()
    }];
    Role { arn: arn.to_owned(), refused, ..Role::default() }
}

fn quota(snapshot: &mut Snapshot, part: &str, value: f64) {
    let found = snapshot.quotas.iter_mut().find(|(name, _)| name.contains(part)).unwrap();
    *found.1 = value;
}

type Case = (&'static str, fn(&mut Snapshot, &mut Playbook));

const PROFILES: &[Case] = &[
    ("SM201", |s, _| "Failed".clone_into(&mut alice(s).status)),
    ("SM202", |s, _| alice(s).home_uid = None),
    ("SM203", |s, _| alice(s).effective.auto_mount = Some("Disabled".to_owned())),
    ("SM204", |s, _| alice(s).own.landing = Some("app:JupyterServer:".to_owned())),
    ("SM205", |s, _| alice(s).name = "Team-Fraud".into()),
    ("SM206", |s, _| alice(s).opened_by.push(opened("assumed-role/People/mallory"))),
    ("SM207", |s, _| {
        for profile in &mut domain(s).profiles {
            profile.sso_user = Some("alice@example.com".to_owned());
        }
    }),
    ("SM208", |s, _| alice(s).own.custom_posix = Some((200_001, 1001))),
    ("SM209", |s, _| domain(s).spaces.push(space("alice-studio", "CodeEditor", "Private"))),
    ("SM210", |s, _| {
        home(s).git_authors = vec!["Alice <a@example.com>".to_owned(), "Bob <b@x.org>".to_owned()];
    }),
];

const DOMAINS: &[Case] = &[
    ("SM101", |s, _| "Updating".clone_into(&mut domain(s).status)),
    ("SM102", |s, _| domain(s).file_system = None),
    ("SM103", |s, _| domain(s).has_rstudio = true),
    ("SM104", |s, _| domain(s).kms_key = Some("arn:aws:kms:eu-west-1:1:key/k".to_owned())),
    ("SM105", |s, _| {
        domain(s).tags.insert("aws:cloudformation:stack-name".to_owned(), "studio".to_owned());
    }),
    ("SM106", |s, _| s.file_systems[0].mount_target_count = 0),
    ("SM107", |s, _| {
        s.unseen.push(Unseen {
            what: "sagemaker:ListApps".to_owned(),
            subject: "d-abc".to_owned(),
            why: "AccessDeniedException".to_owned(),
        });
    }),
    ("SM108", |_, p| p.scope.domains = vec!["d-typo".to_owned()]),
];

const HOMES: &[Case] = &[
    ("SM301", |s, p| {
        home(s).bytes = 4 * GIB;
        home(s).allocated_bytes = 4 * GIB;
        p.target.volume.maximum_gb = 4;
    }),
    ("SM302", |s, _| alice(s).home = None),
    ("SM303", |s, _| home(s).special = 2),
    ("SM304", |s, _| home(s).unreadable = 3),
    ("SM305", |s, _| home(s).awkward_paths = vec!["a\\xff/b".to_owned()]),
    ("SM306", |s, _| home(s).flows = 1),
    ("SM307", |s, _| {
        home(s).candidates.insert(".cache".to_owned(), (GIB / 2, 900));
    }),
    ("SM308", |s, _| {
        let mut orphan = s.file_systems[0].clone();
        orphan.id = "fs-0dead000".into();
        orphan.domain = Some("d-gone".into());
        s.file_systems.push(orphan);
    }),
    ("SM309", |s, _| {
        s.file_systems[0].orphan_homes.push(OrphanHome {
            uid: "200001".into(),
            home: Home { bytes: GIB, ..Home::default() },
            ..OrphanHome::default()
        });
    }),
    ("SM310", |s, _| {
        home(s).bytes = 4 * GIB;
        home(s).allocated_bytes = GIB;
    }),
];

const APPS: &[Case] = &[
    ("SM401", |s, _| domain(s).apps.push(classic_app("alice"))),
    ("SM403", |s, _| attach(s, "auto-shutdown", "echo\n")),
    ("SM405", |s, _| {
        alice(s).effective.custom_images.insert("KernelGateway".to_owned(), vec!["geo".to_owned()]);
        s.images.push(Image {
            name: "geo".to_owned(),
            status: "CREATED".to_owned(),
            container: None,
        });
    }),
    ("SM406", |s, _| image_config(s, &["KernelGateway"], (1000, 100))),
    ("SM407", |s, _| image_config(s, &["KernelGateway", "JupyterLab"], (0, 0))),
    ("SM418", |_, p| {
        p.target.image = Some("arn:aws:sagemaker:eu-west-1:123456789012:image/none".to_owned());
    }),
    ("SM408", |s, _| alice(s).effective.hidden_app_types = vec!["JupyterLab".to_owned()]),
];

const SURROUNDINGS: &[Case] = &[
    ("SM501", |s, _| lacking(s, "sagemaker:CreateApp")),
    ("SM502", |s, _| lacking(s, "sagemaker:ListSpaces")),
    ("SM503", |s, _| domain(s).defaults.hidden_tools = vec!["Projects".to_owned()]),
    ("SM504", |s, _| alice(s).effective.execution_role = None),
    ("SM505", |s, _| {
        for profile in &mut domain(s).profiles {
            profile.effective.execution_role = Some("arn:aws:iam::123456789012:role/s".to_owned());
            profile.effective.session_names = Some("USER_IDENTITY".to_owned());
        }
    }),
    ("SM507", |s, _| {
        lacking(s, "kms:CreateGrant");
        "VolumeKey".clone_into(&mut s.roles[0].refused[0].statement);
    }),
    ("SM601", |s, _| quota(s, "JupyterLab", 0.0)),
    ("SM602", |s, _| quota(s, "JupyterLab", 1.0)),
    ("SM603", |s, _| quota(s, "spaces", 1.0)),
    ("SM604", |s, _| domain(s).network = Some("VpcOnly".to_owned())),
    ("SM605", |s, _| quota(s, "running Studio", 1.0)),
    ("SM606", |_, p| p.target.instance_type = "ml.p3.2xlarge".to_owned()),
    ("SM607", |s, _| s.file_systems[0].throughput_mode = Some("bursting".to_owned())),
    ("SM701", |s, _| {
        s.shared_notebooks.push(SharedNotebooks {
            location: "s3://sagemaker-studio-123456789012-x/sharing".to_owned(),
            set_by: vec!["d-abc".to_owned()],
            objects: 12,
            bytes: 34_567,
            ..SharedNotebooks::default()
        });
    }),
    ("SM702", |s, _| {
        domain(s).defaults.shared_notebooks = Some("s3://other-210987654321/sharing".to_owned());
    }),
    ("SM703", |s, _| domain(s).spaces.push(space("group", "JupyterServer", "Shared"))),
    ("SM708", |s, p| {
        p.routes.shared_spaces = StagedRoute::Packed;
        domain(s).setup.space_role = None;
        domain(s).spaces.push(space("group", "JupyterServer", "Shared"));
    }),
];

fn cases() -> impl Iterator<Item = &'static Case> {
    [
        DOMAINS,
        PROFILES,
        HOMES,
        APPS,
        SURROUNDINGS,
        more::IDENTITY,
        more::SCRIPTS,
        more::DATA,
        more::SHARING,
    ]
    .into_iter()
    .flatten()
}

/// A snapshot in which nearly everything is wrong at once, for renderings.
pub(crate) fn everything() -> (Snapshot, Playbook) {
    let (mut snapshot, mut playbook) = (clean(), playbook());
    for (code, spoil) in cases().chain(more::TOGETHER.iter().map(|(case, _)| case)) {
        // These take the person, the home, the scope or the route away that the others need, or block everyone.
        if !["SM108", "SM109", "SM110", "SM301", "SM302", "SM418", "SM504", "SM606", "SM708"]
            .contains(code)
        {
            spoil(&mut snapshot, &mut playbook);
        }
    }
    (snapshot, playbook)
}

#[test]
fn nothing_is_found_where_nothing_is_wrong() {
    let findings = assess(&clean(), &playbook());
    assert!(findings.is_empty(), "{findings:#?}");
}

#[test]
fn every_rule_has_a_case_and_fires_on_it_and_no_other_does() {
    let mut without: BTreeSet<_> = rules().iter().map(|rule| rule.code).collect();
    let alone = cases().map(|case| (case, vec![case.0]));
    let together = more::TOGETHER.iter().map(|(case, codes)| (case, codes.to_vec()));
    for ((code, spoil), expected) in alone.chain(together) {
        let (mut snapshot, mut playbook) = (clean(), playbook());
        spoil(&mut snapshot, &mut playbook);
        let found: BTreeSet<_> =
            assess(&snapshot, &playbook).into_iter().map(|finding| finding.code).collect();
        let found: Vec<_> = found.iter().map(String::as_str).collect();
        assert_eq!(found, expected, "the case of {code}");
        without.remove(code);
    }
    assert!(without.is_empty(), "no case makes these fire: {without:?}");
}

#[test]
fn what_is_known_is_filled_into_remedies() {
    let (mut snapshot, playbook) = (clean(), playbook());
    alice(&mut snapshot).effective.auto_mount = Some("Disabled".to_owned());
    let finding = &assess(&snapshot, &playbook)[0];
    let filled = "`aws sagemaker update-user-profile --domain-id d-abc --user-profile-name alice \
                  --user-settings AutoMountHomeEFS=Enabled --region eu-west-1`";
    assert!(finding.remedy.starts_with(filled), "{}", finding.remedy);
}
