//! From a description to a world.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::sim::state::{AccessPoint, FileSystem, Role, State, Statement, TrailEvent};
use crate::sim::studio::{
    App, Domain, Members, Profile, Script, Space, Standing, Status, add_file_system, next_uid,
};

use super::description::{
    AppText, Description, DomainText, FileSystemText, OrphanText, ProfileText, SpaceText,
};
use super::{Built, HomeSpec, WorldError};
use crate::sim::bucket::BucketSpec;
use crate::sim::conditions;
use crate::sim::datasync::DataSync;

/// The role that people have when nothing else is said.
pub const EXECUTION_ROLE: &str =
    "arn:aws:iam::000000000000:role/service-role/AmazonSageMaker-ExecutionRole";

const REGION: &str = "eu-west-1";

/// SageMaker's default bucket.
const BUCKET: &str = "sagemaker-eu-west-1-000000000000";

/// When the account's first domain was made: 2023-03-01, long before any migration.
const FOUNDED: f64 = 1_677_628_800.0;

/// What the new Studio needs of an execution role: see "Phase 1" of AWS's migration guide.
const STUDIO_ACTIONS: [&str; 17] = [
    "sagemaker:CreateApp",
    "sagemaker:DeleteApp",
    "sagemaker:CreatePresignedDomainUrl",
    "sagemaker:ListApps",
    "sagemaker:ListDomains",
    "sagemaker:ListUserProfiles",
    "sagemaker:ListSpaces",
    "sagemaker:DescribeApp",
    "sagemaker:DescribeDomain",
    "sagemaker:DescribeUserProfile",
    "sagemaker:DescribeSpace",
    "sagemaker:AddTags",
    "sagemaker:CreateSpace",
    "sagemaker:UpdateSpace",
    "sagemaker:DeleteSpace",
    "logs:CreateLogStream",
    "logs:PutLogEvents",
];

/// Builds a world.
pub(super) fn build(description: &Description) -> Result<Built, WorldError> {
    let statements =
        description.roles.iter().flat_map(|role| role.statements.iter().chain(&role.boundary));
    let mut operators = statements.flat_map(|statement| statement.conditions.keys());
    if let Some(unknown) = operators.find(|operator| !conditions::is_known(operator)) {
        return Err(WorldError::Operator(unknown.clone()));
    }
    let mut world = Builder {
        seed: description.seed,
        built: Built { state: base(description), ..Built::default() },
        clock: FOUNDED,
    };
    for script in &description.scripts {
        let kept = Script {
            name: script.name.clone(),
            app_type: script.app_type.clone(),
            content: STANDARD.encode(script.text.repeat(script.repeat.max(1))),
            created_at: world.tick(),
        };
        let key = script.name.to_ascii_lowercase();
        if world.built.state.studio.scripts.insert(key, kept).is_some() {
            return Err(WorldError::Twice(format!("the script {}", script.name)));
        }
    }
    for domain in &description.domains {
        world.domain(domain)?;
    }
    for orphan in &description.orphan_file_systems {
        world.orphan(orphan);
    }
    world.built.buckets.clone_from(&description.buckets);
    if !description.buckets.iter().any(|bucket| bucket.name == BUCKET) {
        let bucket = BucketSpec { name: BUCKET.to_owned(), ..BucketSpec::default() };
        world.built.buckets.insert(0, bucket);
    }
    Ok(world.built)
}

/// What every world has.
fn base(description: &Description) -> State {
    let mut state = State {
        schema: 1,
        name: description.name.clone(),
        region: REGION.to_owned(),
        timing: description.timing.clone(),
        real_volumes: description.real_volumes,
        access_key_id: "AKIASIMULATEDOPERATOR".to_owned(),
        secret_access_key: "simulated/secret/of/the/operator/00000000".to_owned(),
        quotas: description.quotas.clone(),
        rates: description.rates.clone(),
        faults: description.faults.clone(),
        datasync: DataSync { behaviour: description.datasync.clone(), ..DataSync::default() },
        ..State::default()
    };
    for role in std::iter::once(execution_role()).chain(description.roles.iter().cloned()) {
        state.roles.insert(role.arn.clone(), role);
    }
    for image in &description.images {
        let mut image = image.clone();
        image.created_at = image.created_at.max(FOUNDED);
        for version in &mut image.versions {
            version.created_at = version.created_at.max(FOUNDED + f64::from(version.version));
        }
        state.studio.images.insert(image.name.clone(), image);
    }
    for config in &description.app_image_configs {
        let mut config = config.clone();
        config.created_at = config.created_at.max(FOUNDED);
        config.modified_at = config.modified_at.max(FOUNDED);
        state.studio.app_image_configs.insert(config.name.clone(), config);
    }
    state
}

fn execution_role() -> Role {
    let statement = |actions: &[&str], resources: &[String]| Statement {
        allow: true,
        actions: actions.iter().map(|action| (*action).to_owned()).collect(),
        resources: resources.to_vec(),
        ..Statement::default()
    };
    Role {
        arn: EXECUTION_ROLE.to_owned(),
        statements: vec![
            statement(&STUDIO_ACTIONS, &["*".to_owned()]),
            statement(&["s3:GetObject", "s3:PutObject"], &[format!("arn:aws:s3:::{BUCKET}/*")]),
            statement(&["s3:ListBucket"], &[format!("arn:aws:s3:::{BUCKET}")]),
        ],
        ..Role::default()
    }
}

struct Builder {
    seed: u64,
    built: Built,
    clock: f64,
}

impl Builder {
    /// An hour later than the last: the order of making is the order of the description.
    fn tick(&mut self) -> f64 {
        self.clock += 3600.0;
        self.clock
    }

    fn standing(&mut self, status: Status, failure: Option<&String>) -> Standing {
        let mut standing = Standing::in_service(self.tick());
        standing.status = status;
        standing.failure = failure.cloned();
        standing
    }

    fn domain(&mut self, text: &DomainText) -> Result<(), WorldError> {
        let state = &mut self.built.state;
        if state.studio.domains.values().any(|domain| domain.name == text.name) {
            return Err(WorldError::Twice(format!("the domain {}", text.name)));
        }
        state.last_number += 1;
        let id = format!("d-sim{:09}", state.last_number);
        let arn = format!("arn:aws:sagemaker:{REGION}:000000000000:domain/{id}");
        let standing = self.standing(text.status, text.failure.as_ref());
        let mut domain = Domain {
            id: id.clone(),
            name: text.name.clone(),
            standing,
            file_system: None,
            members: members(text),
            mount_error: text.mount_error.clone(),
        };
        let state = &mut self.built.state;
        if let Some(of) = &text.file_system_of {
            let other = state.studio.domains.values().find(|domain| domain.name == *of);
            let file_system = other.and_then(|domain| domain.file_system.clone());
            let none = || WorldError::NoFileSystem { domain: text.name.clone(), of: of.clone() };
            domain.file_system = Some(file_system.ok_or_else(none)?);
        } else if text.has_file_system {
            let made = domain.standing.created_at;
            let file_system = add_file_system(state, made, &domain, &arn);
            if let Some(kept) = state.file_systems.get_mut(&file_system) {
                kept.bytes = text.modelled_bytes;
                unusual(kept, &text.file_system);
            }
            domain.file_system = Some(file_system);
        }
        if !text.tags.is_empty() {
            state.studio.tags.insert(arn, text.tags.clone());
        }
        state.studio.domains.insert(id, domain.clone());
        for profile in &text.profiles {
            self.profile(text, &domain, profile)?;
        }
        for space in &text.spaces {
            self.space(text, &domain, space)?;
        }
        for home in &text.orphan_homes {
            self.access_point(&domain, &home.uid);
            self.home(text, &domain, &home.uid, &home.kind);
        }
        Ok(())
    }

    fn access_point(&mut self, domain: &Domain, uid: &str) {
        let Some(id) = &domain.file_system else { return };
        let state = &mut self.built.state;
        state.last_number += 1;
        let access_point =
            AccessPoint { id: format!("fsap-{:017x}", state.last_number), uid: uid.to_owned() };
        if let Some(file_system) = state.file_systems.get_mut(id) {
            file_system.access_points.push(access_point);
        }
    }

    /// Plans a home, unless the bytes of homes are modelled.
    fn home(
        &mut self,
        text: &DomainText,
        domain: &Domain,
        uid: &str,
        kind: &str,
    ) -> Option<&mut HomeSpec> {
        let id = domain.file_system.as_ref().filter(|_| text.modelled_bytes.is_none())?;
        let home = self.home_spec(id, uid, kind);
        self.built.homes.push(home);
        self.built.homes.last_mut()
    }

    fn home_spec(&self, id: &str, uid: &str, kind: &str) -> HomeSpec {
        let number: u64 = uid.parse().unwrap_or_default();
        HomeSpec {
            file_system: id.to_owned(),
            uid: uid.to_owned(),
            seed: self.seed.wrapping_mul(1_000_003).wrapping_add(number),
            kind: kind.to_owned(),
            bytes_hint: None,
            touched_hours_ago: None,
            foreign_owner: None,
        }
    }

    fn uid(&mut self, domain: &Domain, given: Option<&String>) -> Option<String> {
        domain.file_system.as_ref()?;
        Some(given.cloned().unwrap_or_else(|| next_uid(&mut self.built.state)))
    }

    fn profile(
        &mut self,
        text: &DomainText,
        domain: &Domain,
        profile: &ProfileText,
    ) -> Result<(), WorldError> {
        let name = &profile.name;
        let studio = &self.built.state.studio;
        let mut others = studio.profiles.values().filter(|other| other.domain == domain.id);
        if others.any(|other| other.name.eq_ignore_ascii_case(name)) {
            return Err(WorldError::Twice(format!("the profile {name}")));
        }
        let uid = self.uid(domain, profile.uid.as_ref());
        let standing = self.standing(profile.status, profile.failure.as_ref());
        let kept = Profile {
            domain: domain.id.clone(),
            name: name.clone(),
            uid: uid.clone(),
            standing,
            sso: profile.sso.clone(),
            settings: profile.settings.clone(),
            mount_error: profile.mount_error.clone(),
        };
        let studio = &mut self.built.state.studio;
        studio.profiles.insert(format!("{}/{name}", domain.id), kept);
        if !profile.tags.is_empty() {
            let lower = name.to_ascii_lowercase();
            let arn = format!(
                "arn:aws:sagemaker:{REGION}:000000000000:user-profile/{}/{lower}",
                domain.id
            );
            studio.tags.insert(arn, profile.tags.clone());
        }
        if let Some(uid) = uid {
            if !profile.lacks_access_point {
                self.access_point(domain, &uid);
            }
            if let Some(home) = self.home(text, domain, &uid, &profile.home) {
                home.bytes_hint = profile.home_bytes;
                home.touched_hours_ago = profile.home_touched_hours_ago;
                home.foreign_owner = profile.home_foreign_owner;
            }
        }
        for app in &profile.apps {
            self.app(domain, Some(name), None, app);
        }
        for visit in &profile.visits {
            self.built.state.trail.push(TrailEvent {
                at: today() - visit.days_ago * 86_400.0,
                name: "CreatePresignedDomainUrl".to_owned(),
                caller: visit.caller.clone(),
                request: json!({ "domainId": domain.id, "userProfileName": name }),
            });
        }
        Ok(())
    }

    fn space(
        &mut self,
        text: &DomainText,
        domain: &Domain,
        space: &SpaceText,
    ) -> Result<(), WorldError> {
        let key = format!("{}/{}", domain.id, space.name);
        if self.built.state.studio.spaces.contains_key(&key) {
            return Err(WorldError::Twice(format!("the space {}", space.name)));
        }
        if let Some(owner) = &space.owner {
            let profile = format!("{}/{owner}", domain.id);
            if !self.built.state.studio.profiles.contains_key(&profile) {
                let (space, owner) = (space.name.clone(), owner.clone());
                return Err(WorldError::NoOwner { space, owner });
            }
        }
        let mut settings = Members::new();
        settings.insert("AppType".to_owned(), json!(space.app_type));
        if let Some(size) = space.size_gb {
            let storage = json!({ "EbsStorageSettings": { "EbsVolumeSizeInGb": size } });
            settings.insert("SpaceStorageSettings".to_owned(), storage);
        }
        let uid = match space.home {
            Some(_) => self.uid(domain, None),
            None => None,
        };
        let kept = Space {
            domain: domain.id.clone(),
            name: space.name.clone(),
            standing: Standing::in_service(self.tick()),
            settings,
            owner: space.owner.clone(),
            sharing: Some(space.sharing.clone()),
            uid: uid.clone(),
            ..Space::default()
        };
        self.built.state.studio.spaces.insert(key, kept);
        if let (Some(uid), Some(kind)) = (uid, &space.home) {
            self.access_point(domain, &uid);
            self.home(text, domain, &uid, kind);
        }
        for app in &space.apps {
            self.app(domain, None, Some(&space.name), app);
        }
        Ok(())
    }

    fn app(
        &mut self,
        domain: &Domain,
        profile: Option<&String>,
        space: Option<&String>,
        text: &AppText,
    ) {
        let mut resource = Members::new();
        resource.insert("InstanceType".to_owned(), json!(text.instance));
        let app = App {
            domain: domain.id.clone(),
            profile: profile.cloned(),
            space: space.cloned(),
            app_type: text.app_type.clone(),
            name: text.name.clone(),
            standing: Standing::in_service(self.tick()),
            resource,
            ..App::default()
        };
        self.built.state.studio.apps.insert(app.key(), app);
    }

    /// A file system that is still tagged with a domain that is gone.
    fn orphan(&mut self, text: &OrphanText) {
        let domain = Domain { id: text.domain.clone(), ..Domain::default() };
        let arn = format!("arn:aws:sagemaker:{REGION}:000000000000:domain/{}", text.domain);
        let made = self.tick();
        let id = add_file_system(&mut self.built.state, made, &domain, &arn);
        for home in &text.homes {
            let home = self.home_spec(&id, &home.uid, &home.kind);
            self.built.homes.push(home);
        }
    }
}

/// Makes a file system as unusual as the description says.
fn unusual(kept: &mut FileSystem, text: &FileSystemText) {
    if let Some(mode) = &text.throughput_mode {
        kept.throughput_mode.clone_from(mode);
    }
    if let Some(targets) = &text.mount_targets {
        kept.mount_targets.clone_from(targets);
    }
    kept.provisioned_mibps = text.provisioned_mibps;
    kept.infrequent_bytes = text.infrequent_bytes;
    kept.policy.clone_from(&text.policy);
    kept.tags.extend(text.tags.clone());
}

/// The members of a domain: what the description says, and what it need not say.
fn members(text: &DomainText) -> Members {
    let mut members = text.members.clone();
    let usual = [
        ("AuthMode", json!("IAM")),
        ("VpcId", json!("vpc-00000000000000001")),
        ("SubnetIds", json!(["subnet-00000000000000001", "subnet-00000000000000002"])),
        ("AppNetworkAccessType", json!("PublicInternetOnly")),
        ("DefaultUserSettings", json!({})),
    ];
    for (name, value) in usual {
        members.entry(name).or_insert(value);
    }
    if let Some(Value::Object(settings)) = members.get_mut("DefaultUserSettings") {
        settings.entry("ExecutionRole").or_insert_with(|| json!(EXECUTION_ROLE));
    }
    members
}

/// Seconds since the epoch: CloudTrail forgets after 90 days, so the trail alone is as old as it says from today.
fn today() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}
