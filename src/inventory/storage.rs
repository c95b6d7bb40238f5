//! Where files lie: the EFS file systems of Classic homes, and the S3 locations of shared notebooks.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::snapshot::{Home, Trust};
pub use crate::aws::{AccessPoint, ClassBytes, CorsRule, MountTarget, Posture};
use crate::names::{DomainId, FileSystemId, HomeUid};

/// An EFS file system.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct FileSystem {
    /// `fs-…`.
    pub id: FileSystemId,
    /// The domain that owns it by tag `ManagedByAmazonSageMakerResource`, which may be gone.
    pub domain: Option<DomainId>,
    /// Metered bytes.
    pub bytes: ClassBytes,
    /// `bursting`, `provisioned` or `elastic`.
    pub throughput_mode: Option<String>,
    /// MiB a second, where it is provisioned.
    pub provisioned_mibps: Option<f64>,
    /// The key that it is encrypted with.
    pub kms_key: Option<String>,
    /// When it was created, RFC 3339.
    pub created_at: Option<String>,
    /// How many mount targets it has.
    pub mount_target_count: u32,
    /// The mount targets; empty also when they could not be asked for, which [`Snapshot::unseen`](super::Snapshot) tells.
    pub mount_targets: Vec<MountTarget>,
    /// Access points; SageMaker makes one a profile.
    pub access_points: Vec<AccessPoint>,
    /// The file system's policy, JSON; `None` means none.
    pub policy: Option<String>,
    /// Home directories found on a mount that no profile and no space owns.
    pub orphan_homes: Vec<OrphanHome>,
    /// Tags.
    pub tags: BTreeMap<String, String>,
}

/// A home directory that no profile and no space owns.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct OrphanHome {
    /// The directory's name.
    pub uid: HomeUid,
    /// What is in it.
    pub home: Home,
    /// How far that is to be trusted.
    #[serde(skip_serializing_if = "Trust::is_plain")]
    pub trust: Trust,
}

/// A place where Classic notebooks were shared.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SharedNotebooks {
    /// `s3://bucket/prefix`.
    pub location: String,
    /// The domain and profiles that share there; no profile means the domain's default.
    pub set_by: Vec<String>,
    /// Objects under the prefix.
    pub objects: u64,
    /// Their bytes.
    pub bytes: u64,
    /// The same by the first folder below the prefix, the largest first.
    pub owners: Vec<OwnerPrefix>,
    /// When the oldest object was written, RFC 3339.
    pub oldest: Option<String>,
    /// When the newest object was written, RFC 3339.
    pub newest: Option<String>,
    /// The keys that the settings name for what is shared there.
    pub kms_keys: Vec<String>,
    /// The bucket; `None` when it could not be asked about.
    pub bucket: Option<Posture>,
}

/// Takes `s3://bucket/prefix` apart; the prefix may be empty.
pub fn bucket_and_prefix(location: &str) -> (&str, &str) {
    let path = location.strip_prefix("s3://").unwrap_or(location);
    path.split_once('/').unwrap_or((path, ""))
}

/// What one owner shared.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct OwnerPrefix {
    /// The first folder below the location; empty for objects that lie in none.
    pub prefix: String,
    /// Objects.
    pub objects: u64,
    /// Their bytes.
    pub bytes: u64,
    /// When the newest was written, RFC 3339.
    pub newest: Option<String>,
}
