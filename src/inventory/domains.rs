//! One domain with its people, spaces and apps, asked for many at once.

use std::collections::BTreeMap;

use futures::StreamExt;
use serde::{Deserialize, Serialize};

use super::collect::Looking;
use super::notes::Notes;
use super::snapshot::{Domain, Profile, Space, Trust};
use crate::aws;
use crate::names::{DomainId, ProfileName, SpaceName, TAG_MIGRATION};

/// Calls in flight at once; the pace of each operation limits them further.
const AT_ONCE: usize = 64;

/// People are counted aloud whenever so many more are seen.
const TOLD_EVERY: usize = 500;

/// Asks for a domain and everything in it; `None` when it could not be seen, which is noted.
pub(super) async fn domain(
    looking: &Looking<'_>,
    id: &DomainId,
    notes: &mut Notes,
) -> Option<Domain> {
    let reader = looking.reader;
    let seen = notes.one("sagemaker:DescribeDomain", id.as_str(), reader.domain(id).await)?;
    let (names, spaces, apps, tags) = futures::join!(
        reader.profile_names(id),
        reader.space_names(id),
        reader.domain_apps(id),
        reader.tags(&seen.arn)
    );
    let names = notes.or_default("sagemaker:ListUserProfiles", id.as_str(), names);
    let spaces = notes.or_default("sagemaker:ListSpaces", id.as_str(), spaces);
    let apps = notes.or_default("sagemaker:ListApps", id.as_str(), apps);
    let tags = notes.or_default("sagemaker:ListTags", id.as_str(), tags);
    let profiles = profiles(looking, &seen, names, notes).await;
    Some(Domain {
        profiles,
        spaces: spaces_of(looking, id, spaces, notes).await,
        apps,
        id: seen.id,
        name: seen.name,
        status: seen.status,
        auth_mode: seen.auth_mode,
        network: seen.network,
        file_system: seen.file_system,
        kms_key: seen.kms_key,
        has_rstudio: seen.has_rstudio,
        setup: seen.setup,
        defaults: seen.defaults,
        tags,
    })
}

/// A profile as it is kept between a kill and the next try. What follows from the domain is worked out again.
#[derive(Serialize, Deserialize)]
struct KeptProfile {
    profile: aws::Profile,
    tags: BTreeMap<String, String>,
}

async fn profiles(
    looking: &Looking<'_>,
    domain: &aws::Domain,
    names: Vec<ProfileName>,
    notes: &mut Notes,
) -> Vec<Profile> {
    let all = names.len();
    let mut asked = futures::stream::iter(names)
        .map(|name| async move {
            let key = format!("profile {}/{name}", domain.id);
            if let Some(KeptProfile { profile, tags }) = looking.recall(&key) {
                return (name, Ok(profile), Ok(tags));
            }
            let profile = looking.reader.profile(&domain.id, &name).await;
            let tags = match &profile {
                Ok(profile) => looking.reader.tags(&profile.arn).await,
                Err(_) => Ok(BTreeMap::new()),
            };
            if let (Ok(profile), Ok(tags)) = (&profile, &tags) {
                let kept = KeptProfile { profile: profile.clone(), tags: tags.clone() };
                looking.keep(key, &kept);
            }
            (name, profile, tags)
        })
        .buffered(AT_ONCE);
    let mut found = Vec::with_capacity(all);
    let mut count = 0_usize;
    while let Some((name, profile, tags)) = asked.next().await {
        count += 1;
        if count.is_multiple_of(TOLD_EVERY) {
            (looking.tell)(format!("domain {}: {count} of {all} profiles", domain.id));
        }
        let subject = format!("{}/{name}", domain.id);
        let Some(seen) = notes.one("sagemaker:DescribeUserProfile", &subject, profile) else {
            continue;
        };
        found.push(Profile {
            name,
            status: seen.status,
            home_uid: seen.home_uid,
            sso_user: seen.sso_user,
            created_at: seen.created_at,
            effective: seen.settings.over(&domain.defaults),
            own: seen.settings,
            tags: notes.or_default("sagemaker:ListTags", &subject, tags),
            ..Profile::default()
        });
    }
    found
}

/// Spaces, without those that this program made for people: they are known by their tags.
async fn spaces_of(
    looking: &Looking<'_>,
    domain: &DomainId,
    names: Vec<SpaceName>,
    notes: &mut Notes,
) -> Vec<Space> {
    let mut asked = futures::stream::iter(names)
        .map(|name| async move {
            let space = looking.reader.space(domain, &name).await;
            let tags = match &space {
                Ok(space) => looking.reader.tags(&space.arn).await,
                Err(_) => Ok(BTreeMap::new()),
            };
            (name, space, tags)
        })
        .buffered(AT_ONCE);
    let mut found = Vec::new();
    while let Some((name, space, tags)) = asked.next().await {
        let subject = format!("{domain}/{name}");
        let Some(seen) = notes.one("sagemaker:DescribeSpace", &subject, space) else { continue };
        let tags = notes.or_default("sagemaker:ListTags", &subject, tags);
        if tags.contains_key(TAG_MIGRATION) {
            notes.left_out.push(format!("space {subject}"));
            continue;
        }
        found.push(Space {
            name,
            status: seen.status,
            app_type: seen.app_type,
            sharing: seen.sharing,
            owner: seen.owner,
            volume_gb: seen.volume_gb,
            home_uid: seen.home_uid,
            home: None,
            trust: Trust::default(),
        });
    }
    found
}
