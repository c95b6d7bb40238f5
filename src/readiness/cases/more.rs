//! Ways to make the rules about identity, scripts, file systems, sharing and one-way doors fire.

use super::{
    Case, GIB, SCRIPT, alice, attach, classic_app, domain, home, opened, role_without, script,
    suppression,
};
use crate::inventory::{
    AccessPoint, App, CorsRule, MountTarget, OwnerPrefix, Posture, SharedNotebooks, Snapshot,
};

/// Attaches a Classic script to someone who has one for JupyterLab too, so that nothing but its lines is amiss.
fn covered(snapshot: &mut Snapshot, text: &str) {
    let lab = script("lab", "echo ready\n");
    let scripts = &mut alice(snapshot).effective.scripts;
    scripts.entry("JupyterLab".to_owned()).or_default().push(lab.arn.clone());
    snapshot.scripts.push(lab);
    attach(snapshot, "setup", text);
}

/// A place where notebooks were shared, in a bucket that is as it should be.
fn shared(snapshot: &mut Snapshot) -> &mut SharedNotebooks {
    let methods = ["POST", "PUT", "GET", "HEAD", "DELETE"].map(str::to_owned);
    let rule = CorsRule {
        origins: vec!["https://*.sagemaker.aws".to_owned()],
        methods: methods.to_vec(),
        ..CorsRule::default()
    };
    snapshot.shared_notebooks.push(SharedNotebooks {
        location: "s3://sagemaker-studio-123456789012-x/sharing".to_owned(),
        set_by: vec!["d-abc".to_owned()],
        bucket: Some(Posture {
            is_public_access_blocked: true,
            cors: Some(vec![rule]),
            ..Posture::default()
        }),
        ..SharedNotebooks::default()
    });
    snapshot.shared_notebooks.last_mut().unwrap()
}

fn mount_target(snapshot: &mut Snapshot, subnet: &str) {
    snapshot.file_systems[0].mount_targets.push(MountTarget {
        id: "fsmt-1".to_owned(),
        subnet: subnet.to_owned(),
        zone: None,
        state: "available".to_owned(),
        security_groups: Some(vec!["sg-1".to_owned()]),
    });
}

pub(super) const IDENTITY: &[Case] = &[
    ("SM211", |s, _| domain(s).profiles[1].opened_by = vec![opened("assumed-role/People/alice")]),
    ("SM212", |s, _| {
        s.openings_since = Some("2026-05-03T09:00:00Z".to_owned());
        alice(s).opened_by.clear();
    }),
    ("SM213", |s, _| alice(s).sso_user = Some("svc-research@example.com".to_owned())),
    ("SM214", |s, _| alice(s).name = "bob-2".into()),
    ("SM216", |s, _| {
        let portal = opened("assumed-role/Portal/botocore-session-1");
        let mut third = domain(s).profiles[0].clone();
        third.name = "carol".into();
        third.effective.execution_role = Some("arn:aws:iam::123456789012:role/carol".to_owned());
        domain(s).profiles.push(third);
        for profile in &mut domain(s).profiles {
            profile.opened_by = vec![portal.clone()];
        }
    }),
    ("SM217", |s, _| {
        alice(s).effective.studio_web_portal = Some("DISABLED".to_owned());
        alice(s).effective.landing = Some("studio::".to_owned());
    }),
    ("SM506", |s, _| {
        let arn = alice(s).effective.execution_role.clone().unwrap();
        let mut role = role_without(&arn, "x");
        role.refused.clear();
        role.may_use_hidden.insert("Pipelines".to_owned(), "sagemaker:CreatePipeline".to_owned());
        s.roles.push(role);
    }),
];

pub(super) const SCRIPTS: &[Case] = &[
    ("SM409", |s, _| covered(s, "amazon-linux-extras enable python3\n")),
    ("SM410", |s, _| covered(s, "cp x /root/.bashrc\n")),
    ("SM411", |s, _| covered(s, "conda activate studio\n")),
    ("SM412", |s, _| covered(s, &"echo 0123456789 0123456789 0123456789\n".repeat(400))),
    ("SM413", |s, _| covered(s, "aws s3 cp --recursive s3://b/x .\n")),
    ("SM415", |s, _| covered(s, "jupyter labextension list\n")),
    ("SM416", |s, _| covered(s, "initctl restart jupyter-server --no-wait\n")),
    ("SM417", |s, _| s.scripts.push(script("nobody", "echo\n"))),
    ("SM420", |s, _| {
        covered(s, "jq -r .UserProfileName /opt/ml/metadata/resource-metadata.json\n");
    }),
    ("SM109", |_, p| {
        p.suppressions = vec![suppression("SM201", "*", "2026-07-01")];
    }),
    ("SM110", |_, p| p.suppressions = vec![suppression("SM201", "*", "2027-07-01")]),
];

pub(super) const DATA: &[Case] = &[
    ("SM311", |s, _| {
        home(s).bytes = 6 * GIB;
        home(s).allocated_bytes = 6 * GIB;
    }),
    ("SM312", |s, _| home(s).other_owners = [(0, 3)].into()),
    ("SM313", |s, _| home(s).newest = Some("2026-08-01T08:00:00Z".to_owned())),
    ("SM314", |s, _| {
        let mut other = domain(s).clone();
        other.id = "d-other".into();
        other.profiles.clear();
        s.domains.push(other);
    }),
    ("SM315", |s, _| s.file_systems[0].policy = Some("{\"Statement\":[]}".to_owned())),
    ("SM316", |s, _| {
        domain(s).setup.subnets = vec!["subnet-1".to_owned(), "subnet-2".to_owned()];
        mount_target(s, "subnet-1");
    }),
    ("SM317", |s, _| {
        mount_target(s, "subnet-1");
        "deleting".clone_into(&mut s.file_systems[0].mount_targets[0].state);
    }),
    ("SM318", |s, _| {
        let root = "/200005".to_owned();
        let point = AccessPoint { id: "fsap-1".to_owned(), root, uid: Some(200_005) };
        s.file_systems[0].access_points.push(point);
    }),
    ("SM319", |s, _| {
        mount_target(s, "subnet-1");
        s.file_systems[0].mount_targets[0].security_groups = Some(Vec::new());
    }),
];

pub(super) const SHARING: &[Case] = &[
    ("SM704", |s, _| shared(s).bucket.as_mut().unwrap().cors = Some(Vec::new())),
    ("SM705", |s, _| shared(s).bucket.as_mut().unwrap().is_public_access_blocked = false),
    ("SM706", |s, _| shared(s).kms_keys.push("arn:aws:kms:eu-west-1:1:key/k".to_owned())),
    ("SM707", |s, _| {
        let place = shared(s);
        place.newest = Some("2026-07-01T00:00:00Z".to_owned());
        place.owners.push(OwnerPrefix { prefix: "alice".to_owned(), ..OwnerPrefix::default() });
    }),
    ("SM801", |s, _| domain(s).setup.home_efs_creation = Some("Disabled".to_owned())),
    ("SM802", |s, _| domain(s).setup.docker = Some("ENABLED".to_owned())),
    ("SM803", |s, _| domain(s).setup.trusted_identity = Some("ENABLED".to_owned())),
    ("SM804", |s, _| {
        domain(s).setup.tag_propagation = Some("DISABLED".to_owned());
        domain(s).tags.insert("cost-centre".to_owned(), "4711".to_owned());
    }),
];

/// Those that cannot fire alone: each is another rule's matter too.
pub(super) const TOGETHER: &[(Case, &[&str])] = &[
    (
        ("SM402", |s, _| attach(s, "setup", "sudo yum install -y jq\n")),
        &["SM402", "SM409", "SM413"],
    ),
    (
        ("SM215", |s, _| {
            for profile in &mut domain(s).profiles {
                let role = "arn:aws:iam::123456789012:role/studio".to_owned();
                profile.effective.execution_role = Some(role);
            }
        }),
        &["SM215", "SM505"],
    ),
    (
        ("SM414", |s, _| {
            domain(s).network = Some("VpcOnly".to_owned());
            covered(s, "curl -fsS http://x\n");
        }),
        &["SM414", "SM604"],
    ),
    (
        ("SM805", |s, _| {
            let old = Some("2025-01-10T08:00:00Z".to_owned());
            domain(s).apps.push(App { created_at: old, ..classic_app("alice") });
        }),
        &["SM401", "SM805"],
    ),
    (("SM404", |s, _| alice(s).own.built_in_script = Some(SCRIPT.to_owned())), &["SM404"]),
];
