//! The simulated copy of a snapshot: the control plane that a run needs, and how much every home holds.
//!
//! A snapshot keeps what the migration cares about and no more, and so does the copy. ARNs of the account become ARNs of the
//! simulated one.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::inventory::{App, Domain, Profile, Script, Settings, Snapshot, Space};
use crate::names::{AccountId, Region};
use crate::plan::{Migration, Plan};
use crate::readiness::{assumed_load, minutes_of_copying};
use crate::sim::modelled::Load;
use crate::sim::state::{Fault, State, Timing};
use crate::sim::studio::{self, Members, Standing, Status, Studio};

/// When everything that is there was made, in seconds since the epoch: long before any rehearsal.
const FOUNDED: f64 = 1_677_628_800.0;

/// Bytes a second that are read back of a volume: what gp3 gives at the least.
const READ_BACK: u64 = 125_000_000;

/// The access key of the simulated account.
pub(super) const ACCESS_KEY: (&str, &str) =
    ("AKIASIMULATEDOPERATOR", "simulated/secret/of/the/operator/00000000");

/// How long things take on the average, in seconds; each time is between half of it and one and a half.
fn timing() -> Timing {
    Timing { space: 20.0, update: 12.0, app_start: 180.0, app_stop: 60.0, ..Timing::default() }
}

/// Makes the control plane.
pub(super) fn state(snapshot: &Snapshot, region: &Region, faults: &[Fault]) -> State {
    let copy = Copy { region };
    let mut studio = Studio::default();
    for script in &snapshot.scripts {
        let kept = copy.script(script);
        studio.scripts.insert(kept.name.to_ascii_lowercase(), kept);
    }
    for domain in &snapshot.domains {
        copy.domain(&mut studio, domain);
    }
    State {
        schema: 1,
        name: "rehearsal".to_owned(),
        region: region.to_string(),
        timing: timing(),
        access_key_id: ACCESS_KEY.0.to_owned(),
        secret_access_key: ACCESS_KEY.1.to_owned(),
        quotas: snapshot.quotas.clone(),
        faults: faults.to_vec(),
        studio,
        ..State::default()
    }
}

/// Returns how much every home of a plan holds, by file system and uid: what the planner takes it to be.
pub(super) fn homes(snapshot: &Snapshot, plan: &Plan) -> BTreeMap<(String, String), Load> {
    let file_systems: BTreeMap<_, _> = snapshot
        .domains
        .iter()
        .filter_map(|domain| Some((&domain.id, domain.file_system.as_ref()?)))
        .collect();
    plan.migrations()
        .filter_map(|(_, one)| {
            let file_system = file_systems.get(&one.domain)?;
            Some(((file_system.to_string(), one.home_uid.to_string()), load(one)))
        })
        .collect()
}

fn load(migration: &Migration) -> Load {
    let measured = migration.bytes.zip(migration.files);
    let (bytes, files) = measured.unwrap_or_else(assumed_load);
    let minutes = minutes_of_copying(measured);
    let read_back = bytes / READ_BACK;
    let seconds = |minutes: f64| whole(minutes * 60.0).saturating_add(read_back);
    Load { files, bytes, seconds: (seconds(minutes.low), seconds(minutes.high)) }
}

/// Minutes of a copy are far below what an integer holds.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "seconds of a copy")]
fn whole(seconds: f64) -> u64 {
    seconds.max(0.0).ceil() as u64
}

struct Copy<'a> {
    region: &'a Region,
}

impl Copy<'_> {
    /// Where the copy of a script is found; AWS writes its name in lower case.
    fn arn(&self, script: &str) -> String {
        let (name, account) = (script.to_ascii_lowercase(), AccountId::SIMULATED);
        format!("arn:aws:sagemaker:{}:{account}:studio-lifecycle-config/{name}", self.region)
    }

    fn script(&self, script: &Script) -> studio::Script {
        studio::Script {
            name: script.name.clone(),
            app_type: script.app_type.clone(),
            content: STANDARD.encode(script.text.as_deref().unwrap_or("exit 0\n")),
            created_at: FOUNDED,
        }
    }

    fn domain(&self, studio: &mut Studio, domain: &Domain) {
        let id = domain.id.to_string();
        let defaults = self.settings(studio, &domain.defaults);
        let role = domain.setup.space_role.as_ref().or(domain.defaults.execution_role.as_ref());
        let or = |list: &[String], usual: &str| {
            if list.is_empty() { vec![usual.to_owned()] } else { list.to_vec() }
        };
        let mut members = Members::from_iter([
            ("AuthMode".to_owned(), json!(set(&domain.auth_mode, "IAM"))),
            ("VpcId".to_owned(), json!(domain.setup.vpc.as_deref().unwrap_or("vpc-00000000"))),
            ("SubnetIds".to_owned(), json!(or(&domain.setup.subnets, "subnet-00000000"))),
            ("DefaultUserSettings".to_owned(), Value::Object(defaults)),
        ]);
        if let Some(network) = &domain.network {
            members.insert("AppNetworkAccessType".to_owned(), json!(network));
        }
        if let Some(role) = role {
            members.insert("DefaultSpaceSettings".to_owned(), json!({ "ExecutionRole": role }));
        }
        let kept = studio::Domain {
            id: id.clone(),
            name: domain.name.clone(),
            standing: standing(&domain.status),
            file_system: domain.file_system.as_ref().map(ToString::to_string),
            members,
            mount_error: None,
        };
        studio.domains.insert(id.clone(), kept);
        for profile in &domain.profiles {
            let kept = self.profile(studio, &id, profile);
            studio.profiles.insert(format!("{id}/{}", profile.name), kept);
        }
        for space in &domain.spaces {
            studio.spaces.insert(format!("{id}/{}", space.name), of_space(&id, space));
        }
        for app in &domain.apps {
            let kept = of_app(&id, app);
            studio.apps.insert(kept.key(), kept);
        }
    }

    fn profile(&self, studio: &Studio, domain: &str, profile: &Profile) -> studio::Profile {
        studio::Profile {
            domain: domain.to_owned(),
            name: profile.name.to_string(),
            uid: profile.home_uid.as_ref().map(ToString::to_string),
            standing: standing(&profile.status),
            sso: profile.sso_user.clone(),
            settings: self.settings(studio, &profile.own),
            mount_error: None,
        }
    }

    fn settings(&self, studio: &Studio, settings: &Settings) -> Members {
        let mut members = Members::new();
        let texts = [
            ("ExecutionRole", &settings.execution_role),
            ("StudioWebPortal", &settings.studio_web_portal),
            ("DefaultLandingUri", &settings.landing),
            ("AutoMountHomeEFS", &settings.auto_mount),
        ];
        for (name, text) in texts {
            if let Some(text) = text {
                members.insert(name.to_owned(), json!(text));
            }
        }
        let built_in = [
            ("JupyterLabAppSettings", &settings.built_in_script),
            ("CodeEditorAppSettings", &settings.built_in_editor_script),
        ];
        for (name, arn) in built_in {
            let script = arn.as_deref().and_then(|arn| arn.rsplit('/').next());
            // A script that the snapshot does not know could not be set again.
            let known = script.and_then(|name| studio.scripts.get(&name.to_ascii_lowercase()));
            if let Some(script) = known {
                let arn = self.arn(&script.name);
                members.insert(name.to_owned(), json!({ "BuiltInLifecycleConfigArn": arn }));
            }
        }
        if let Some(most) = settings.maximum_volume_gb {
            let sizes = json!({
                "DefaultEbsVolumeSizeInGb": most.min(5),
                "MaximumEbsVolumeSizeInGb": most,
            });
            let storage = json!({ "DefaultEbsStorageSettings": sizes });
            members.insert("SpaceStorageSettings".to_owned(), storage);
        }
        if !settings.hidden_app_types.is_empty() || !settings.hidden_tools.is_empty() {
            let web = json!({
                "HiddenAppTypes": settings.hidden_app_types,
                "HiddenMlTools": settings.hidden_tools,
            });
            members.insert("StudioWebPortalSettings".to_owned(), web);
        }
        members
    }
}

fn of_space(domain: &str, space: &Space) -> studio::Space {
    let mut settings = Members::new();
    if let Some(app_type) = &space.app_type {
        settings.insert("AppType".to_owned(), json!(app_type));
    }
    if let Some(size) = space.volume_gb {
        let storage = json!({ "EbsStorageSettings": { "EbsVolumeSizeInGb": size } });
        settings.insert("SpaceStorageSettings".to_owned(), storage);
    }
    studio::Space {
        domain: domain.to_owned(),
        name: space.name.to_string(),
        standing: standing(&space.status),
        settings,
        owner: space.owner.as_ref().map(ToString::to_string),
        sharing: space.sharing.clone(),
        uid: space.home_uid.as_ref().map(ToString::to_string),
        ..studio::Space::default()
    }
}

fn of_app(domain: &str, app: &App) -> studio::App {
    let instance = app.instance_type.as_deref().unwrap_or("system");
    studio::App {
        domain: domain.to_owned(),
        profile: app.profile.as_ref().map(ToString::to_string),
        space: app.space.as_ref().map(ToString::to_string),
        app_type: app.app_type.clone(),
        name: app.name.clone(),
        standing: standing(&app.status),
        resource: Members::from_iter([("InstanceType".to_owned(), json!(instance))]),
        ..studio::App::default()
    }
}

/// What was on its way when the snapshot was taken has arrived since.
fn standing(status: &str) -> Standing {
    let mut standing = Standing::in_service(FOUNDED);
    let status = serde_json::from_value::<Status>(json!(status)).unwrap_or_default();
    if !status.is_transient() {
        standing.status = status;
    }
    standing
}

fn set<'a>(text: &'a str, usual: &'a str) -> &'a str {
    if text.is_empty() { usual } else { text }
}
