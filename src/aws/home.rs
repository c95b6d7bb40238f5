//! Asking EFS about the file systems that hold Classic homes.

use std::collections::BTreeMap;

use super::account::Reader;
use super::error::Error;
use crate::names::FileSystemId;

/// EFS as IAM writes it; `efs:` is no service prefix.
const EFS: &str = "elasticfilesystem";

/// A file system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileSystem {
    /// `fs-…`.
    pub id: FileSystemId,
    /// Metered bytes in all classes.
    pub bytes: u64,
    /// `bursting`, `provisioned` or `elastic`.
    pub throughput_mode: Option<String>,
    /// Number of mount targets.
    pub mount_targets: u32,
    /// Tags.
    pub tags: BTreeMap<String, String>,
}

/// An access point; SageMaker makes one a profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessPoint {
    /// `fsap-…`.
    pub id: String,
    /// The directory that it shows as its root.
    pub root: String,
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
                bytes: sdk.size_in_bytes.map_or(0, |size| size.value).unsigned_abs(),
                throughput_mode: sdk.throughput_mode.map(|mode| mode.to_string()),
                mount_targets: sdk.number_of_mount_targets.unsigned_abs(),
                tags: sdk.tags.into_iter().map(|tag| (tag.key, tag.value)).collect(),
            }));
            if marker.is_none() {
                return Ok(found);
            }
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
