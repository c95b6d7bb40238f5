//! The S3 locations where Classic notebooks were shared: who shares there, what lies there, and how the bucket keeps it.

use std::collections::BTreeMap;

use super::collect::Looking;
use super::notes::Notes;
use super::snapshot::Domain;
use super::storage::{OwnerPrefix, SharedNotebooks, bucket_and_prefix};
use crate::aws;
use crate::names::counted;

/// Asks for every distinct place that settings name.
pub(super) async fn locations(
    looking: &Looking<'_>,
    domains: &[Domain],
    notes: &mut Notes,
) -> Vec<SharedNotebooks> {
    let mut found: BTreeMap<&str, SharedNotebooks> = BTreeMap::new();
    for domain in domains {
        let defaults = (&domain.defaults, domain.id.to_string());
        let own = domain
            .profiles
            .iter()
            .map(|profile| (&profile.own, format!("{}/{}", domain.id, profile.name)));
        for (settings, who) in std::iter::once(defaults).chain(own) {
            let Some(location) = &settings.shared_notebooks else { continue };
            let place = found.entry(location).or_insert_with(|| SharedNotebooks {
                location: location.clone(),
                ..SharedNotebooks::default()
            });
            place.set_by.push(who);
            if let Some(key) = &settings.sharing_kms_key
                && !place.kms_keys.contains(key)
            {
                place.kms_keys.push(key.clone());
            }
        }
    }
    let mut found: Vec<_> = found.into_values().collect();
    for place in &mut found {
        look(looking, place, notes).await;
    }
    found
}

async fn look(looking: &Looking<'_>, place: &mut SharedNotebooks, notes: &mut Notes) {
    let location = place.location.clone();
    let (bucket, prefix) = bucket_and_prefix(&location);
    match looking.reader.whole_posture(bucket).await {
        Ok((posture, refused)) => {
            place.bucket = Some(posture);
            notes.refused(&location, refused);
        }
        Err(error) => notes.unseen("s3:HeadBucket", &location, error),
    }
    let listed = count(looking, place, bucket, prefix).await;
    (looking.tell)(said(place, listed.as_ref().err()));
    if let Err(error) = listed {
        notes.unseen("s3:ListBucket", &location, error);
    }
}

/// Says how much is there. A place that could not be listed is not an empty one.
fn said(place: &SharedNotebooks, refused: Option<&aws::Error>) -> String {
    let objects = counted(place.objects, "object", "objects");
    match refused {
        None => format!("{}: {objects}", place.location),
        Some(error) if place.objects == 0 => {
            format!("{}: not known what is there: {error}", place.location)
        }
        Some(error) => {
            format!("{}: at least {objects}, not listed to its end: {error}", place.location)
        }
    }
}

/// Counts the objects page by page: there may be millions.
async fn count(
    looking: &Looking<'_>,
    place: &mut SharedNotebooks,
    bucket: &str,
    prefix: &str,
) -> Result<(), aws::Error> {
    let mut owners: BTreeMap<String, OwnerPrefix> = BTreeMap::new();
    let mut token = None;
    loop {
        let page = looking.reader.object_page(bucket, prefix, token).await?;
        for object in page.objects {
            let below = object.key.get(prefix.len()..).unwrap_or_default().trim_start_matches('/');
            let owner = below.split_once('/').map_or("", |(owner, _)| owner);
            let counted = match owners.get_mut(owner) {
                Some(counted) => counted,
                None => owners.entry(owner.to_owned()).or_insert_with(|| OwnerPrefix {
                    prefix: owner.to_owned(),
                    ..OwnerPrefix::default()
                }),
            };
            place.objects += 1;
            place.bytes += object.size;
            counted.objects += 1;
            counted.bytes += object.size;
            // Times in RFC 3339 and UTC sort as text.
            counted.newest = object.modified.clone().max(counted.newest.take());
            if place.oldest.is_none() || object.modified < place.oldest {
                place.oldest.clone_from(&object.modified);
            }
            place.newest = object.modified.max(place.newest.take());
        }
        token = page.next;
        if token.is_none() {
            break;
        }
    }
    place.owners = owners.into_values().collect();
    place.owners.sort_by(|a, b| b.bytes.cmp(&a.bytes).then_with(|| a.prefix.cmp(&b.prefix)));
    Ok(())
}
