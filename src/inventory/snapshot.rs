//! What one inventory saw, as plain data. Immutable once taken.
//!
//! Times are RFC 3339 text, sizes bytes. An `Option` that is `None` means that AWS did not say; what could not be asked is
//! listed in [`Snapshot::unseen`].

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use crate::aws::Settings;
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

/// A Classic home directory as measured.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Home {
    /// Bytes of regular files, each inode once.
    pub bytes: u64,
    /// Bytes as allocated: less than `bytes` where files are sparse.
    pub allocated_bytes: u64,
    /// Regular files.
    pub files: u64,
    /// Directories.
    pub directories: u64,
    /// Symbolic links.
    pub symlinks: u64,
    /// FIFOs, sockets, devices: they are not copied.
    pub special: u64,
    /// Entries that could not be read.
    pub unreadable: u64,
    /// The largest files, at most ten: path and bytes.
    pub largest: Vec<(String, u64)>,
    /// What the scan noticed: bytes and files under names that a playbook usually leaves out.
    pub candidates: BTreeMap<String, (u64, u64)>,
    /// Data Wrangler flows.
    pub flows: u64,
    /// Distinct authors in git configurations, at most twenty.
    pub git_authors: Vec<String>,
    /// Paths that are awkward: longer than an S3 key, or not UTF-8; at most ten.
    pub awkward_paths: Vec<String>,
    /// When a file last changed, RFC 3339.
    pub newest: Option<String>,
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

/// An app that is not deleted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct App {
    /// `JupyterServer`, `KernelGateway`, `JupyterLab`, ….
    pub app_type: String,
    /// Its name.
    pub name: String,
    /// Whose it is, when it is not in a space.
    pub profile: Option<ProfileName>,
    /// The space it runs in.
    pub space: Option<SpaceName>,
    /// `InService`, `Pending`, `Failed`, `Deleting`.
    pub status: String,
    /// The instance type.
    pub instance_type: Option<String>,
    /// When it was created, RFC 3339.
    pub created_at: Option<String>,
}

impl App {
    /// Tells whether this is an app of Studio Classic, which can never be started again once stopped.
    pub fn is_classic(&self) -> bool {
        matches!(self.app_type.as_str(), "JupyterServer" | "KernelGateway")
    }
}

/// A lifecycle script.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Script {
    /// Its ARN.
    pub arn: String,
    /// Its name.
    pub name: String,
    /// The app type that it was made for.
    pub app_type: String,
    /// The decoded text; `None` when it is not UTF-8 or could not be read.
    pub text: Option<String>,
}

/// A custom image.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Image {
    /// Its name.
    pub name: String,
    /// `CREATED`, ….
    pub status: String,
    /// The container image of its newest version.
    pub container: Option<String>,
}

/// An app image configuration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ImageConfig {
    /// Its name.
    pub name: String,
    /// Which parts it has: `KernelGateway`, `JupyterLab`, `CodeEditor`.
    pub parts: Vec<String>,
    /// The uid and gid of its Classic part.
    pub classic_uid_gid: Option<(i32, i32)>,
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
