//! The EFS file systems of Classic homes, those of domains that are gone among them.

use super::collect::Looking;
use super::notes::Notes;
use super::snapshot::Domain;
use super::storage::FileSystem;
use crate::names::DomainId;

/// The tag by which SageMaker marks the file systems that it makes (`studio-tasks-manage-storage`).
const MANAGED: &str = "ManagedByAmazonSageMakerResource";

/// Asks for file systems that belong to a domain, are attached in one, or are marked as SageMaker's.
pub(super) async fn of(
    looking: &Looking<'_>,
    domains: &[Domain],
    notes: &mut Notes,
) -> Vec<FileSystem> {
    let reader = looking.reader;
    let all = reader.file_systems().await;
    let all = notes.or_default("elasticfilesystem:DescribeFileSystems", "the account", all);
    let mut found = Vec::new();
    for seen in all {
        // The tag holds the domain's id, or its ARN.
        let tagged =
            seen.tags.get(MANAGED).and_then(|tag| tag.rsplit('/').next()).map(DomainId::from);
        let owner = domains.iter().find(|domain| domain.file_system.as_ref() == Some(&seen.id));
        if tagged.is_none() && owner.is_none() {
            continue;
        }
        let id = seen.id.as_str();
        let (points, targets, policy) = futures::join!(
            reader.access_points(&seen.id),
            reader.mount_targets(&seen.id),
            reader.file_system_policy(&seen.id)
        );
        let (targets, refused) =
            notes.or_default("elasticfilesystem:DescribeMountTargets", id, targets);
        notes.refused(id, refused);
        found.push(FileSystem {
            domain: owner.map(|domain| domain.id.clone()).or(tagged),
            bytes: seen.bytes,
            throughput_mode: seen.throughput_mode,
            provisioned_mibps: seen.provisioned_mibps,
            kms_key: seen.kms_key,
            created_at: seen.created_at,
            mount_target_count: seen.mount_target_count,
            mount_targets: targets,
            access_points: notes.or_default("elasticfilesystem:DescribeAccessPoints", id, points),
            policy: notes.or_default("elasticfilesystem:DescribeFileSystemPolicy", id, policy),
            orphan_homes: Vec::new(),
            tags: seen.tags,
            id: seen.id,
        });
    }
    found
}
