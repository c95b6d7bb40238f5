//! Tags: those of domains and profiles stay on them, those of people go onto their spaces, too, where the playbook says so.

use std::collections::BTreeMap;

use super::draw::Drawn;
use super::look::failed;
use super::row::{Place, Row, Stands, What};
use crate::aws::{ErrorKind, Reader};
use crate::cli::Failure;
use crate::inventory::{Profile, Snapshot};
use crate::names::{DomainId, TAG_MIGRATION};
use crate::plan::{Migration, Plan};
use crate::playbook::CarryRest;

/// Tags to put on a space.
pub(super) struct Tagging {
    /// The ARN of the space.
    pub(super) arn: String,
    pub(super) tags: BTreeMap<String, String>,
}

/// Tells what becomes of the tags.
pub(super) async fn tags(
    reader: &Reader,
    plan: &Plan,
    snapshot: &Snapshot,
    domains: &[DomainId],
    drawn: &mut Drawn,
) -> Result<(), Failure> {
    let people: BTreeMap<_, _> = plan
        .migrations()
        .filter(|(_, one)| one.shared.is_none())
        .map(|(_, one)| ((&one.domain, &one.profile), one))
        .collect();
    for domain in snapshot.domains.iter().filter(|domain| domains.contains(&domain.id)) {
        let place = Place { domain: domain.id.clone(), profile: None };
        drawn.rows.extend(domain.tags.iter().map(|tag| {
            Row::of(&place, What::Tag, text(tag))
                .becomes(text(tag))
                .stands(Stands::Stays, "it is on the domain, whichever Studio people use")
        }));
        for profile in domain.profiles.iter().filter(|profile| !profile.tags.is_empty()) {
            let Some(migration) = people.get(&(&domain.id, &profile.name)) else { continue };
            of_person(reader, plan, migration, profile, drawn).await?;
        }
    }
    Ok(())
}

async fn of_person(
    reader: &Reader,
    plan: &Plan,
    migration: &Migration,
    profile: &Profile,
    drawn: &mut Drawn,
) -> Result<(), Failure> {
    let place =
        Place { domain: migration.domain.clone(), profile: Some(migration.profile.clone()) };
    let row = |tag| Row::of(&place, What::Tag, text(tag)).becomes(text(tag));
    let (own, tags): (Vec<_>, Vec<_>) =
        profile.tags.iter().partition(|(key, _)| key.starts_with("studio-migrate:"));
    let why = "it is this tool's own, and about the profile";
    drawn.rows.extend(own.into_iter().map(|tag| row(tag).stands(Stands::Stays, why)));
    if plan.playbook.carry.tags == CarryRest::Leave {
        let why = "it stays on the profile, and the playbook leaves it there (carry.tags)";
        drawn.rows.extend(tags.into_iter().map(|tag| row(tag).stands(Stands::Left, why)));
        return Ok(());
    }
    let Some((arn, standing)) = space_of(reader, migration).await? else {
        let why = "there is no space of this person's yet";
        drawn.rows.extend(tags.into_iter().map(|tag| {
            row(tag).stands(Stands::NotCarried, why).by_hand("after `run`, `carry --apply` again")
        }));
        return Ok(());
    };
    let mut missing = BTreeMap::new();
    for tag in tags {
        let (key, value) = tag;
        let row = row(tag);
        drawn.rows.push(match standing.get(key) {
            Some(there) if there == value => {
                row.stands(Stands::Carried, format!("on space {}", migration.space))
            }
            Some(there) => row
                .stands(Stands::NotCarried, format!("space {} has {key}={there}", migration.space)),
            None if key.to_ascii_lowercase().starts_with("aws:") => {
                row.stands(Stands::NotCarried, "AWS keeps such tags to itself")
            }
            None => {
                missing.insert(key.clone(), value.clone());
                row.stands(Stands::ToCarry, format!("onto space {}", migration.space))
            }
        });
    }
    if !missing.is_empty() {
        drawn.tags.push(Tagging { arn, tags: missing });
    }
    Ok(())
}

/// The space of a migration with its tags, where it was made or taken over for it.
async fn space_of(
    reader: &Reader,
    migration: &Migration,
) -> Result<Option<(String, BTreeMap<String, String>)>, Failure> {
    let space = match reader.space(&migration.domain, &migration.space).await {
        Ok(space) => space,
        Err(error) if error.kind == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    let tags = reader.tags(&space.arn).await.map_err(failed)?;
    let is_theirs = migration.is_reused
        || tags.get(TAG_MIGRATION).is_some_and(|made_for| made_for == migration.id.as_str());
    Ok(is_theirs.then_some((space.arn, tags)))
}

fn text((key, value): (&String, &String)) -> String {
    format!("{key}={value}")
}
