//! The control plane of a world, as it is kept in `world.json`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::conditions::Conditions;

/// The whole control plane.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct State {
    /// The version of this format; 1 today.
    pub schema: u32,
    /// The name of the world.
    pub name: String,
    /// The only Region that the world answers for.
    pub region: String,
    /// How long things take.
    pub timing: Timing,
    /// Whether a volume is a file system of its own while its app runs, where this machine lets us mount one; otherwise its
    /// size is measured.
    pub real_volumes: bool,
    /// The administrator's access key; its caller is `arn:aws:iam::000000000000:user/operator`.
    pub access_key_id: String,
    /// The administrator's secret access key.
    pub secret_access_key: String,
    /// Access keys of role sessions, by access key id.
    pub sessions: BTreeMap<String, Session>,
    /// File systems, by id.
    pub file_systems: BTreeMap<String, FileSystem>,
    /// Roles, by ARN.
    pub roles: BTreeMap<String, Role>,
    /// Applied Service Quotas, by quota name: `Studio JupyterLab Apps running on ml.t3.medium instance`, …. One that is not
    /// listed is not enforced and not answered, but for DataSync's `Tasks`, of which there are 100.
    pub quotas: BTreeMap<String, f64>,
    /// Events that CloudTrail answers.
    pub trail: Vec<TrailEvent>,
    /// What goes wrong, and when.
    pub faults: Vec<Fault>,
    /// Calls a second that an operation takes before it throttles, by `service:Operation`; one that is not listed takes any.
    pub rates: BTreeMap<String, f64>,
    /// Calls so far by `service:Operation`, to find the nth.
    pub calls: BTreeMap<String, u64>,
    /// SageMaker's part.
    pub studio: super::studio::Studio,
    /// DataSync's part.
    pub datasync: super::datasync::DataSync,
    /// The last number given to anything that needs one, so that ids never depend on a clock.
    pub last_number: u64,
    /// The loopback port that was served last, taken again after a restart so that scripts that outlived the server find it.
    pub port: Option<u16>,
}

/// How long things take, in seconds of the world's clock.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Timing {
    /// A space, from Pending to InService, and from Deleting to gone.
    pub space: f64,
    /// A profile or domain, from Updating to InService.
    pub update: f64,
    /// An app, from Pending to InService, without its scripts.
    pub app_start: f64,
    /// An app, from Deleting to Deleted.
    pub app_stop: f64,
    /// How long a lifecycle script may run; 300 in AWS.
    pub script_limit: f64,
    /// The least time between two changes of a volume's size; six hours in AWS.
    pub volume_change: f64,
    /// How long a deleted app is still listed; 24 hours in AWS.
    pub deleted_app: f64,
    /// A DataSync task, from CREATING to AVAILABLE.
    pub datasync_create: f64,
    /// An execution of a DataSync task, LAUNCHING.
    pub datasync_launch: f64,
    /// The least that PREPARING, TRANSFERRING, VERIFYING and the end of a cancelled execution take, each.
    pub datasync_phase: f64,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            space: 5.0,
            update: 3.0,
            app_start: 40.0,
            app_stop: 10.0,
            script_limit: 300.0,
            volume_change: 21_600.0,
            deleted_app: 86_400.0,
            datasync_create: 5.0,
            datasync_launch: 60.0,
            datasync_phase: 10.0,
        }
    }
}

/// An access key of a role session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// The secret access key.
    pub secret_access_key: String,
    /// The session token that must accompany it.
    pub session_token: String,
    /// The role's ARN.
    pub role: String,
    /// The session's name.
    pub name: String,
}

/// An EFS file system. Its files are under `efs/<id>/<uid>/`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct FileSystem {
    /// `fs-…`.
    pub id: String,
    /// Seconds since the epoch.
    pub created_at: f64,
    /// `bursting`, `provisioned` or `elastic`.
    pub throughput_mode: String,
    /// When the throughput mode was changed last, in seconds since the epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub throughput_changed_at: Option<f64>,
    /// The lifecycle configuration: `{"TransitionToIA": "AFTER_30_DAYS"}`, ….
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lifecycle: Vec<serde_json::Value>,
    /// MiB a second, when they are provisioned.
    pub provisioned_mibps: Option<f64>,
    /// Metered bytes; `None` measures the real files when asked.
    pub bytes: Option<u64>,
    /// Of the bytes, those in Infrequent Access.
    pub infrequent_bytes: u64,
    /// Of the bytes, those in Archive.
    pub archive_bytes: u64,
    /// The file system policy, JSON.
    pub policy: Option<String>,
    /// Tags.
    pub tags: BTreeMap<String, String>,
    /// Mount targets.
    pub mount_targets: Vec<MountTarget>,
    /// Access points.
    pub access_points: Vec<AccessPoint>,
}

/// A mount target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MountTarget {
    /// `fsmt-…`.
    pub id: String,
    /// `LifeCycleState`: `available`, `creating`, `deleting`, `error`, ….
    pub state: String,
    /// `subnet-…`.
    pub subnet: String,
    /// `sg-…`.
    pub security_groups: Vec<String>,
}

impl Default for MountTarget {
    fn default() -> Self {
        Self {
            id: String::new(),
            state: "available".to_owned(),
            subnet: String::new(),
            security_groups: Vec::new(),
        }
    }
}

/// An access point; SageMaker makes one a profile.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AccessPoint {
    /// `fsap-…`.
    pub id: String,
    /// The POSIX user and the root directory's name: `HomeEfsFileSystemUid`.
    pub uid: String,
}

/// An IAM role and what it may do. Explicit denial wins, nothing is allowed by default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Role {
    /// Its ARN.
    pub arn: String,
    /// Its policies' statements, all in one list.
    pub statements: Vec<Statement>,
    /// Statements of its permissions boundary; empty means none.
    pub boundary: Vec<Statement>,
    /// Services that may assume it, `datasync.amazonaws.com`; SageMaker alone when none is named.
    pub trusts: Vec<String>,
}

/// One statement of a policy.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    /// Whether it allows; otherwise it denies.
    pub allow: bool,
    /// Actions, `*` and `?` being wild: `sagemaker:Create*`.
    pub actions: Vec<String>,
    /// Resources, `*` and `?` being wild.
    pub resources: Vec<String>,
    /// Conditions, all of which must hold.
    #[serde(default)]
    pub conditions: Conditions,
}

/// An event that CloudTrail answers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TrailEvent {
    /// Seconds since the epoch.
    pub at: f64,
    /// `CreatePresignedDomainUrl`, ….
    pub name: String,
    /// The caller's ARN.
    pub caller: String,
    /// `requestParameters`, as CloudTrail keeps it: camel case.
    pub request: serde_json::Value,
}

/// Something that goes wrong.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// The operation, `sagemaker:CreateApp`; `*` is wild.
    pub operation: String,
    /// The first call that is hit, counted from 1 over the life of the world.
    #[serde(default = "first")]
    pub from: u64,
    /// How many calls in a row are hit; 0 means all from then on.
    #[serde(default = "once")]
    pub times: u64,
    /// What happens.
    pub effect: Effect,
}

fn first() -> u64 {
    1
}

fn once() -> u64 {
    1
}

/// What a fault does to a call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// Refused for want of permission; nothing happens.
    Denied,
    /// Refused because the caller's credentials have expired; nothing happens.
    Expired,
    /// Refused for going too fast; nothing happens.
    Throttled,
    /// Answered with HTTP 500; nothing happens.
    ServerError,
    /// Done, and the reply is lost: the connection breaks.
    ReplyLost,
    /// Done, and what was made or changed never leaves its transient status.
    Stuck,
    /// Answered after so many seconds.
    Slow(f64),
    /// Done, and the simulator's process dies before the reply leaves.
    Dies,
    /// A look at one thing of SageMaker's or at one object finds nothing, as it may for a moment after that was made. Other
    /// calls are answered.
    Unseen,
    /// A look at SageMaker sees it as it was before the last change. Other calls are answered.
    Stale,
    /// Done, and the app that was to start has failed. Other calls are answered.
    Fails,
    /// Done, and the app that was to start does so without the Classic home, whose mount fails. Other calls are answered.
    MountFails,
    /// Of a call that comes from a space: done, and every process that runs in a space dies before the reply leaves, while the
    /// apps stay in service. Other calls are answered.
    MoverDies,
}
