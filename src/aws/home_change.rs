//! What of a Classic file system can be changed once its people have moved: where its files lie, how fast it is, and whether it
//! is mounted into people's spaces.

use std::collections::BTreeMap;

use aws_sdk_efs::types::{
    LifecyclePolicy, ThroughputMode, TransitionToArchiveRules, TransitionToIaRules,
    TransitionToPrimaryStorageClassRules,
};
use aws_sdk_sagemaker::types::{AutoMountHomeEfs, UserSettings};

use super::account::{Account, Reader};
use super::error::Error;
use super::home::EFS;
use crate::names::{DomainId, FileSystemId, ProfileName};

/// When files move to another storage class: `TransitionToIA` → `AFTER_30_DAYS`, and so on, as AWS names them.
pub type Lifecycle = BTreeMap<String, String>;

impl Reader {
    /// Returns when files of a file system move to another storage class.
    pub async fn lifecycle(&self, id: &FileSystemId) -> Result<Lifecycle, Error> {
        let request =
            self.clients.efs.describe_lifecycle_configuration().file_system_id(id.as_str());
        let answer = self.ask(EFS, "DescribeLifecycleConfiguration", request.send()).await?;
        let mut found = Lifecycle::new();
        for policy in answer.lifecycle_policies.unwrap_or_default() {
            let rules = [
                ("TransitionToIA", policy.transition_to_ia.map(|rule| rule.to_string())),
                ("TransitionToArchive", policy.transition_to_archive.map(|rule| rule.to_string())),
                (
                    "TransitionToPrimaryStorageClass",
                    policy.transition_to_primary_storage_class.map(|rule| rule.to_string()),
                ),
            ];
            found.extend(
                rules.into_iter().filter_map(|(name, rule)| Some((name.to_owned(), rule?))),
            );
        }
        Ok(found)
    }
}

impl Account {
    /// Sets when files of a file system move to another storage class: AWS replaces the whole.
    pub async fn set_lifecycle(&self, id: &FileSystemId, wanted: &Lifecycle) -> Result<(), Error> {
        let policies = wanted.iter().map(|(name, rule)| {
            let policy = LifecyclePolicy::builder();
            match name.as_str() {
                "TransitionToArchive" => {
                    policy.transition_to_archive(TransitionToArchiveRules::from(rule.as_str()))
                }
                "TransitionToPrimaryStorageClass" => policy.transition_to_primary_storage_class(
                    TransitionToPrimaryStorageClassRules::from(rule.as_str()),
                ),
                _ => policy.transition_to_ia(TransitionToIaRules::from(rule.as_str())),
            }
            .build()
        });
        let request = self
            .clients
            .efs
            .put_lifecycle_configuration()
            .file_system_id(id.as_str())
            .set_lifecycle_policies(Some(policies.collect()));
        let target = format!("file system {id}: {wanted:?}");
        self.change(EFS, "PutLifecycleConfiguration", target, request.send()).await.map(drop)
    }

    /// Sets the throughput mode of a file system, and the MiB a second that are provisioned. AWS takes one change a day.
    pub async fn set_throughput(
        &self,
        id: &FileSystemId,
        mode: &str,
        provisioned_mibps: Option<f64>,
    ) -> Result<(), Error> {
        let request = self
            .clients
            .efs
            .update_file_system()
            .file_system_id(id.as_str())
            .throughput_mode(ThroughputMode::from(mode))
            .set_provisioned_throughput_in_mibps(
                provisioned_mibps.filter(|_| mode == "provisioned"),
            );
        let target = format!("file system {id}: ThroughputMode={mode} {provisioned_mibps:?}");
        self.change(EFS, "UpdateFileSystem", target, request.send()).await.map(drop)
    }

    /// Sets whether the Classic home is mounted into a profile's spaces: `Enabled`, `Disabled` or `DefaultAsDomain`.
    pub async fn set_auto_mount(
        &self,
        domain: &DomainId,
        profile: &ProfileName,
        mount: &str,
    ) -> Result<(), Error> {
        let settings =
            UserSettings::builder().auto_mount_home_efs(AutoMountHomeEfs::from(mount)).build();
        self.update_profile(domain, profile, settings, &format!("AutoMountHomeEFS={mount}")).await
    }
}
