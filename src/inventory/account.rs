//! What belongs to the account and no domain: lifecycle scripts, images, quotas.

use std::collections::BTreeMap;

use futures::StreamExt;

use super::collect::Looking;
use super::notes::Notes;
use super::snapshot::Snapshot;
use crate::names::TAG_MIGRATION;

const ACCOUNT: &str = "the account";

/// Scripts described at once.
const AT_ONCE: usize = 16;

/// Takes in scripts, images, their configurations and quotas.
pub(super) async fn scripts_and_images(
    looking: &Looking<'_>,
    snapshot: &mut Snapshot,
    notes: &mut Notes,
) {
    let reader = looking.reader;
    let names = reader.script_names().await;
    let names = notes.or_default("sagemaker:ListStudioLifecycleConfigs", ACCOUNT, names);
    let mut asked = futures::stream::iter(names)
        .map(|name| async move {
            let script = reader.script(&name).await;
            // Ours are named after a migration; the tag makes sure.
            let tags = match &script {
                Ok(script) => reader.tags(&script.arn).await,
                Err(_) => Ok(BTreeMap::new()),
            };
            (name, script, tags)
        })
        .buffered(AT_ONCE);
    while let Some((name, script, tags)) = asked.next().await {
        let script = notes.one("sagemaker:DescribeStudioLifecycleConfig", &name, script);
        let Some(script) = script else { continue };
        let tags = notes.or_default("sagemaker:ListTags", &name, tags);
        if tags.contains_key(TAG_MIGRATION) {
            notes.left_out.push(format!("lifecycle script {name}"));
        } else {
            snapshot.scripts.push(script);
        }
    }
    let (images, refused) =
        notes.or_default("sagemaker:ListImages", ACCOUNT, reader.images().await);
    snapshot.images = images;
    notes.refused(ACCOUNT, refused);
    let configs = reader.image_configs().await;
    snapshot.image_configs = notes.or_default("sagemaker:ListAppImageConfigs", ACCOUNT, configs);
    let quotas = reader.studio_quotas().await;
    snapshot.quotas = notes.or_default("servicequotas:ListServiceQuotas", ACCOUNT, quotas);
}
