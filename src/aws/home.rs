//! Asking EFS about the file systems that hold Classic homes.

use std::collections::BTreeMap;

use aws_sdk_efs::types::FileSystemSize;
use serde::{Deserialize, Serialize};

use super::account::Reader;
use super::error::{Error, ErrorKind};
use super::studio::rfc3339;
use crate::names::FileSystemId;

/// EFS as IAM writes it; `efs:` is no service prefix.
pub(super) const EFS: &str = "elasticfilesystem";

/// A file system.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FileSystem {
    /// `fs-…`.
    pub id: FileSystemId,
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
    /// Tags.
    pub tags: BTreeMap<String, String>,
}

/// What a file system holds, by storage class: each costs another price.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ClassBytes {
    /// In all classes.
    pub total: u64,
    /// Standard.
    pub standard: u64,
    /// Infrequent Access.
    pub infrequent: u64,
    /// Archive.
    pub archive: u64,
}

/// A mount target: the file system's door into one subnet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MountTarget {
    /// `fsmt-…`.
    pub id: String,
    /// `subnet-…`.
    pub subnet: String,
    /// The availability zone's name.
    pub zone: Option<String>,
    /// `available`, `creating`, ….
    pub state: String,
    /// `sg-…`; `None` when they could not be asked for.
    pub security_groups: Option<Vec<String>>,
}

/// An access point; SageMaker makes one a profile.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AccessPoint {
    /// `fsap-…`.
    pub id: String,
    /// The directory that it shows as its root.
    pub root: String,
    /// The POSIX user that everyone is who comes through it.
    pub uid: Option<i64>,
}

impl Reader {
    /// Lists every file system of the account and Region.
    pub async fn file_systems(&self) -> Result<Vec<FileSystem>, Error> {
        let mut found = Vec::new();
        let mut marker: Option<String> = None;
        loop {
            let request = self.clients.efs.describe_file_systems().set_marker(marker.take());
            let page = self.ask(EFS, "DescribeFileSystems", request.send()).await?;
            marker = page.next_marker;
            found.extend(page.file_systems.unwrap_or_default().into_iter().map(|sdk| FileSystem {
                id: FileSystemId::new(sdk.file_system_id),
                bytes: sdk.size_in_bytes.map(|size| class_bytes(&size)).unwrap_or_default(),
                throughput_mode: sdk.throughput_mode.map(|mode| mode.to_string()),
                provisioned_mibps: sdk.provisioned_throughput_in_mibps,
                kms_key: sdk.kms_key_id,
                created_at: rfc3339(&sdk.creation_time),
                mount_target_count: sdk.number_of_mount_targets.unsigned_abs(),
                tags: sdk.tags.into_iter().map(|tag| (tag.key, tag.value)).collect(),
            }));
            if marker.is_none() {
                return Ok(found);
            }
        }
    }

    /// Lists the mount targets of a file system, each with its security groups; with them, what of these was refused.
    pub async fn mount_targets(
        &self,
        id: &FileSystemId,
    ) -> Result<(Vec<MountTarget>, Vec<Error>), Error> {
        let mut refused = Vec::new();
        let mut found = Vec::new();
        let mut marker: Option<String> = None;
        loop {
            let request = self
                .clients
                .efs
                .describe_mount_targets()
                .file_system_id(id.as_str())
                .set_marker(marker.take());
            let page = self.ask(EFS, "DescribeMountTargets", request.send()).await?;
            marker = page.next_marker;
            for sdk in page.mount_targets.unwrap_or_default() {
                let request = self
                    .clients
                    .efs
                    .describe_mount_target_security_groups()
                    .mount_target_id(&sdk.mount_target_id);
                let groups =
                    self.ask(EFS, "DescribeMountTargetSecurityGroups", request.send()).await;
                found.push(MountTarget {
                    id: sdk.mount_target_id,
                    subnet: sdk.subnet_id,
                    zone: sdk.availability_zone_name,
                    state: sdk.life_cycle_state.to_string(),
                    security_groups: groups
                        .map_err(|error| refused.push(error))
                        .ok()
                        .map(|groups| groups.security_groups),
                });
            }
            if marker.is_none() {
                return Ok((found, refused));
            }
        }
    }

    /// Returns the policy of a file system, or `None` where it has none.
    pub async fn file_system_policy(&self, id: &FileSystemId) -> Result<Option<String>, Error> {
        let request = self.clients.efs.describe_file_system_policy().file_system_id(id.as_str());
        match self.ask(EFS, "DescribeFileSystemPolicy", request.send()).await {
            Ok(answer) => Ok(answer.policy),
            Err(error) if error.kind == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Lists the access points of a file system.
    pub async fn access_points(&self, id: &FileSystemId) -> Result<Vec<AccessPoint>, Error> {
        let mut found = Vec::new();
        let mut token: Option<String> = None;
        loop {
            let request = self
                .clients
                .efs
                .describe_access_points()
                .file_system_id(id.as_str())
                .set_next_token(token.take());
            let page = self.ask(EFS, "DescribeAccessPoints", request.send()).await?;
            token = page.next_token;
            found.extend(page.access_points.unwrap_or_default().into_iter().map(|sdk| {
                AccessPoint {
                    id: sdk.access_point_id.unwrap_or_default(),
                    uid: sdk.posix_user.map(|user| user.uid),
                    root: sdk
                        .root_directory
                        .and_then(|root| root.path)
                        .unwrap_or_else(|| "/".to_owned()),
                }
            }));
            if token.is_none() {
                return Ok(found);
            }
        }
    }
}

fn class_bytes(size: &FileSystemSize) -> ClassBytes {
    let class = |bytes: Option<i64>| bytes.unwrap_or_default().unsigned_abs();
    ClassBytes {
        total: size.value.unsigned_abs(),
        standard: class(size.value_in_standard),
        infrequent: class(size.value_in_ia),
        archive: class(size.value_in_archive),
    }
}
