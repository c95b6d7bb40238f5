//! What a description file says of a world.
//!
//! Settings stand in wire form, as AWS's own tools write them: `DefaultLandingUri: "studio::"`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::sim::bucket::BucketSpec;
use crate::sim::datasync::Behaviour;
use crate::sim::state::{Fault, MountTarget, Role, Timing};
use crate::sim::studio::{AppImageConfig, Image, Members, Status};

/// A whole world.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Description {
    /// Its name.
    pub name: String,
    /// What the content of homes grows from.
    pub seed: u64,
    /// How long things take.
    pub timing: Timing,
    /// Whether volumes are file systems of their own while their apps run.
    pub real_volumes: bool,
    /// Roles beside the common execution role.
    pub roles: Vec<Role>,
    /// Applied Service Quotas, by quota name.
    pub quotas: BTreeMap<String, f64>,
    /// Calls a second that operations take, by `service:Operation`.
    pub rates: BTreeMap<String, f64>,
    /// What goes wrong.
    pub faults: Vec<Fault>,
    /// How DataSync behaves where AWS says nothing of it, or says two things.
    pub datasync: Behaviour,
    /// Custom images.
    pub images: Vec<Image>,
    /// App image configurations.
    pub app_image_configs: Vec<AppImageConfig>,
    /// Lifecycle configurations.
    pub scripts: Vec<ScriptText>,
    /// Domains.
    pub domains: Vec<DomainText>,
    /// File systems that a deleted domain left behind.
    pub orphan_file_systems: Vec<OrphanText>,
    /// Buckets beside `sagemaker-<region>-<account>`, or what is in that one.
    pub buckets: Vec<BucketSpec>,
}

/// A lifecycle configuration.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ScriptText {
    /// Its name.
    pub name: String,
    /// `JupyterServer`, `KernelGateway`, `JupyterLab` or `CodeEditor`.
    pub app_type: String,
    /// The script itself.
    pub text: String,
    /// How many times the text stands there; once when nothing is said.
    pub repeat: usize,
}

/// A domain. Its id is given by its place: `d-sim` and a number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DomainText {
    /// `DomainName`.
    pub name: String,
    /// Its status.
    pub status: Status,
    /// Its `FailureReason`.
    pub failure: Option<String>,
    /// What is described as it stands here: `AuthMode`, `VpcId`, `DefaultUserSettings`, …. What is not given is an IAM domain
    /// in two subnets, with the common execution role.
    pub members: Members,
    /// Whether it has a file system.
    pub has_file_system: bool,
    /// The domain above, by name, whose file system it uses in place of one of its own.
    pub file_system_of: Option<String>,
    /// What is unusual about its file system.
    pub file_system: FileSystemText,
    /// Bytes of the file system when they are modelled; then no homes are made.
    pub modelled_bytes: Option<u64>,
    /// Why no home of it can be mounted.
    pub mount_error: Option<String>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// Its people.
    pub profiles: Vec<ProfileText>,
    /// Its spaces.
    pub spaces: Vec<SpaceText>,
    /// Homes of people who are gone.
    pub orphan_homes: Vec<HomeText>,
}

impl Default for DomainText {
    fn default() -> Self {
        Self {
            name: String::new(),
            status: Status::InService,
            failure: None,
            members: Members::new(),
            has_file_system: true,
            file_system_of: None,
            file_system: FileSystemText::default(),
            modelled_bytes: None,
            mount_error: None,
            tags: BTreeMap::new(),
            profiles: Vec::new(),
            spaces: Vec::new(),
            orphan_homes: Vec::new(),
        }
    }
}

/// What is unusual about a file system.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FileSystemText {
    /// `bursting`, which it is when nothing is said, `provisioned` or `elastic`.
    pub throughput_mode: Option<String>,
    /// MiB a second, when they are provisioned.
    pub provisioned_mibps: Option<f64>,
    /// Of its bytes, those in Infrequent Access.
    pub infrequent_bytes: u64,
    /// Its policy, JSON.
    pub policy: Option<String>,
    /// Its mount targets, in place of one in every subnet of the domain.
    pub mount_targets: Option<Vec<MountTarget>>,
    /// Its tags, beside the one that says whose it is.
    pub tags: BTreeMap<String, String>,
}

/// A person.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ProfileText {
    /// `UserProfileName`.
    pub name: String,
    /// `HomeEfsFileSystemUid`; the next free one when it is not given.
    pub uid: Option<String>,
    /// `SingleSignOnUserValue`.
    pub sso: Option<String>,
    /// Its status.
    pub status: Status,
    /// Its `FailureReason`.
    pub failure: Option<String>,
    /// `UserSettings`.
    pub settings: Members,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// Why the home cannot be mounted.
    pub mount_error: Option<String>,
    /// The kind of its home.
    pub home: String,
    /// Bytes that the home should have.
    pub home_bytes: Option<u64>,
    /// How many hours ago something in the home was last written, when that was lately.
    pub home_touched_hours_ago: Option<f64>,
    /// A user of the machine who owns a file of the home. Only root can make it so.
    pub home_foreign_owner: Option<u32>,
    /// Whether the file system has no access point for it.
    pub lacks_access_point: bool,
    /// Classic apps that still run.
    pub apps: Vec<AppText>,
    /// Who opened Studio as this person, as CloudTrail knows it.
    pub visits: Vec<Visit>,
}

impl Default for ProfileText {
    fn default() -> Self {
        Self {
            name: String::new(),
            uid: None,
            sso: None,
            status: Status::InService,
            failure: None,
            settings: Members::new(),
            tags: BTreeMap::new(),
            mount_error: None,
            home: "data-scientist".to_owned(),
            home_bytes: None,
            home_touched_hours_ago: None,
            home_foreign_owner: None,
            lacks_access_point: false,
            apps: Vec::new(),
            visits: Vec::new(),
        }
    }
}

/// A space.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SpaceText {
    /// `SpaceName`.
    pub name: String,
    /// `OwnerUserProfileName`.
    pub owner: Option<String>,
    /// `SharingType`.
    pub sharing: String,
    /// `AppType`; a Classic shared space has `JupyterServer`.
    pub app_type: String,
    /// The size of its volume in GB; Classic spaces have none.
    pub size_gb: Option<u32>,
    /// The kind of its home on the file system; Classic spaces have one.
    pub home: Option<String>,
    /// Apps that run in it.
    pub apps: Vec<AppText>,
}

impl Default for SpaceText {
    fn default() -> Self {
        Self {
            name: String::new(),
            owner: None,
            sharing: "Shared".to_owned(),
            app_type: "JupyterServer".to_owned(),
            size_gb: None,
            home: None,
            apps: Vec::new(),
        }
    }
}

/// An app that runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AppText {
    /// `AppType`.
    pub app_type: String,
    /// `AppName`.
    pub name: String,
    /// `InstanceType`.
    #[serde(default = "system")]
    pub instance: String,
}

fn system() -> String {
    "system".to_owned()
}

/// One opening of Studio.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Visit {
    /// The caller's ARN.
    pub caller: String,
    /// How many days ago.
    pub days_ago: f64,
}

/// A home that nobody owns.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HomeText {
    /// Its uid.
    pub uid: String,
    /// Its kind.
    pub kind: String,
}

/// A file system whose domain is gone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OrphanText {
    /// The id of the domain that is gone; the file system is still tagged with it.
    pub domain: String,
    /// What is on it.
    pub homes: Vec<HomeText>,
}
