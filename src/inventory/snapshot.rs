//! What one inventory saw, as plain data. Immutable once taken.
//!
//! Times are RFC 3339 text, sizes bytes. An `Option` that is `None` means that AWS did not say; what could not be asked is
//! listed in [`Snapshot::unseen`].

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use crate::aws::{App, Image, ImageConfig, Script, Settings};
pub use crate::mover::Scan as Home;
use crate::names::{
    AccountId, DomainId, FileSystemId, HomeUid, ProfileName, Region, SnapshotId, SpaceName,
};

/// One inventory of one account and Region.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The version of this format; 1 today.
    pub schema: u32,
    /// The first twelve hexadecimal digits of the BLAKE3 hash of the content, set by the journal when it is kept.
    pub id: Option<SnapshotId>,
    /// When collection began, RFC 3339.
    pub taken_at: String,
    /// The caller's ARN.
    pub caller: String,
    /// The account that was looked at.
    pub account: Option<AccountId>,
    /// The Region that was looked at.
    pub region: Option<Region>,
    /// Every domain in scope, by id.
    pub domains: Vec<Domain>,
    /// Lifecycle scripts of the account, decoded.
    pub scripts: Vec<Script>,
    /// Custom images and their versions.
    pub images: Vec<Image>,
    /// App image configurations.
    pub image_configs: Vec<ImageConfig>,
    /// EFS file systems that belong, or once belonged, to a domain.
    pub file_systems: Vec<FileSystem>,
    /// The places where Classic notebooks were shared.
    pub shared_notebooks: Vec<SharedNotebooks>,
    /// Applied quotas that matter, by quota name.
    pub quotas: BTreeMap<String, f64>,
    /// Execution roles, and the actions that the new Studio needs and they lack.
    pub roles: Vec<Role>,
    /// What could not be seen, and why. Never empty in silence.
    pub unseen: Vec<Unseen>,
}

/// A SageMaker domain.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Domain {
    /// `d-…`.
    pub id: DomainId,
    /// The name that people gave it.
    pub name: String,
    /// `InService`, `Failed`, ….
    pub status: String,
    /// `IAM` or `SSO`.
    pub auth_mode: String,
    /// `PublicInternetOnly` or `VpcOnly`.
    pub network: Option<String>,
    /// The EFS file system of its homes; a domain may have none.
    pub file_system: Option<FileSystemId>,
    /// The key of its EBS volumes.
    pub kms_key: Option<String>,
    /// Whether RStudio is set up.
    pub has_rstudio: bool,
    /// The settings that profiles inherit.
    pub defaults: Settings,
    /// Its people.
    pub profiles: Vec<Profile>,
    /// Its spaces, Classic shared ones included.
    pub spaces: Vec<Space>,
    /// Its apps that are not deleted.
    pub apps: Vec<App>,
    /// Tags of the domain.
    pub tags: BTreeMap<String, String>,
}

/// A user profile.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Profile {
    /// Its name.
    pub name: ProfileName,
    /// `InService`, `Failed`, ….
    pub status: String,
    /// The directory of its home.
    pub home_uid: Option<HomeUid>,
    /// The Identity Center user, in SSO domains.
    pub sso_user: Option<String>,
    /// What the profile itself sets.
    pub own: Settings,
    /// What holds once the domain's defaults are filled in.
    pub effective: Settings,
    /// The home as measured, when it could be.
    pub home: Option<Home>,
    /// Distinct principals that opened it in the last 90 days, from CloudTrail.
    pub opened_by: Vec<String>,
    /// Tags.
    pub tags: BTreeMap<String, String>,
}

/// A space.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Space {
    /// Its name.
    pub name: SpaceName,
    /// `InService`, ….
    pub status: String,
    /// `JupyterLab`, `CodeEditor`, `JupyterServer` (Classic).
    pub app_type: Option<String>,
    /// `Private` or `Shared`.
    pub sharing: Option<String>,
    /// Its owner.
    pub owner: Option<ProfileName>,
    /// The size of its EBS volume in GiB.
    pub volume_gb: Option<i32>,
    /// The directory of a Classic shared space on the domain's file system.
    pub home_uid: Option<HomeUid>,
}

/// An EFS file system.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FileSystem {
    /// `fs-…`.
    pub id: FileSystemId,
    /// The domain that owns it by tag `ManagedByAmazonSageMakerResource`, which may be gone.
    pub domain: Option<DomainId>,
    /// Metered bytes in all classes.
    pub bytes: u64,
    /// `bursting`, `provisioned` or `elastic`.
    pub throughput_mode: Option<String>,
    /// Number of mount targets.
    pub mount_targets: u32,
    /// Access points: id and root directory.
    pub access_points: Vec<(String, String)>,
    /// Home directories found on a mount that no profile and no space owns.
    pub orphan_homes: Vec<OrphanHome>,
    /// Tags.
    pub tags: BTreeMap<String, String>,
}

/// A home directory that no profile and no space owns.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OrphanHome {
    /// The directory's name.
    pub uid: HomeUid,
    /// What is in it.
    pub home: Home,
}

/// A place where Classic notebooks were shared.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SharedNotebooks {
    /// `s3://bucket/prefix`.
    pub location: String,
    /// The domain and profiles that share there; no profile means the domain's default.
    pub set_by: Vec<String>,
    /// Objects under the prefix.
    pub objects: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// An execution role, and what it may not do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Role {
    /// Its ARN.
    pub arn: String,
    /// Actions that the new Studio needs and the simulator of IAM refuses, with the decision.
    pub refused: BTreeMap<String, String>,
}

/// Something that could not be seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unseen {
    /// What was asked: `sagemaker:ListApps`, or a path.
    pub what: String,
    /// About what: a domain, a profile, a bucket.
    pub subject: String,
    /// Why not, in AWS's words.
    pub why: String,
}
