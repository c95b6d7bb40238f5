//! What Classic offers and what the new Studio offers, as it stands in the account now; and what of ours is there already.

use std::collections::{BTreeMap, BTreeSet};

use futures::{StreamExt, TryStreamExt};

use super::row::{Place, Row, Stands, What};
use crate::aws::{ErrorKind, Offer, Offers, Reader};
use crate::cli::Failure;
use crate::inventory::{Domain, Settings, Snapshot};
use crate::names::{DomainId, ProfileName, TAG_CARRIED};
use crate::plan::Plan;
use crate::playbook::SpaceApp;

/// Profiles that are looked at at once; the pace of the operation limits them further.
const AT_ONCE: usize = 16;

/// A place with what it offers.
pub(super) struct Seen {
    pub(super) place: Place,
    pub(super) offers: Offers,
    /// What its domain offers to the new app; of a domain itself, nothing.
    pub(super) above: Offer,
    /// Whether its apps have no way to the internet of their own.
    pub(super) is_offline: bool,
}

/// Looks at each domain, and at everybody of the plan who has something of Classic's of their own; with them, a row for whatever
/// belongs to somebody who is not of the plan.
pub(super) async fn look(
    reader: &Reader,
    plan: &Plan,
    snapshot: &Snapshot,
    domains: &[DomainId],
) -> Result<(Vec<Seen>, Vec<Row>), Failure> {
    let app = plan.playbook.target.app_type;
    let (mut seen, mut others) = (Vec::new(), Vec::new());
    for domain in snapshot.domains.iter().filter(|domain| domains.contains(&domain.id)) {
        let offers = reader.offers(&domain.id, None).await.map_err(failed)?;
        let above = offers.of(app).clone();
        let place = Place { domain: domain.id.clone(), profile: None };
        let is_offline = domain.network.as_deref() == Some("VpcOnly");
        seen.push(Seen { place, offers, above: Offer::default(), is_offline });
        let (planned, rest) = people(plan, domain);
        for (name, own) in rest {
            let place = Place { domain: domain.id.clone(), profile: Some(name) };
            others.extend(strangers(&place, own));
        }
        let asked = planned.into_iter().map(async |name| {
            let offers = reader.offers(&domain.id, Some(&name)).await;
            (name, offers)
        });
        let mut asked = futures::stream::iter(asked).buffered(AT_ONCE);
        while let Some((name, offers)) = asked.next().await {
            let place = Place { domain: domain.id.clone(), profile: Some(name) };
            match offers {
                Ok(offers) => {
                    seen.push(Seen { place, offers, above: above.clone(), is_offline });
                }
                // Whoever deleted the profile took what it had along.
                Err(error) if error.kind == ErrorKind::NotFound => {}
                Err(error) => return Err(failed(error)),
            }
        }
    }
    Ok((seen, others))
}

type Named<'a> = (ProfileName, &'a Settings);

/// People with something of Classic's of their own: those of the plan, and the others.
fn people<'a>(plan: &Plan, domain: &'a Domain) -> (Vec<ProfileName>, Vec<Named<'a>>) {
    let of_plan: BTreeSet<_> = plan
        .migrations()
        .filter(|(_, one)| one.shared.is_none() && one.domain == domain.id)
        .map(|(_, one)| &one.profile)
        .collect();
    let (mut planned, mut others) = (Vec::new(), Vec::new());
    for profile in domain.profiles.iter().filter(|profile| has_of_classic(&profile.own)) {
        if of_plan.contains(&profile.name) {
            planned.push(profile.name.clone());
        } else {
            others.push((profile.name.clone(), &profile.own));
        }
    }
    (planned, others)
}

const CLASSIC: [&str; 2] = ["JupyterServer", "KernelGateway"];

fn has_of_classic(own: &Settings) -> bool {
    CLASSIC.iter().any(|app| {
        own.scripts.contains_key(*app)
            || own.custom_images.contains_key(*app)
            || own.repositories.contains_key(*app)
    })
}

/// Rows of somebody who is not of the plan.
fn strangers(place: &Place, own: &Settings) -> Vec<Row> {
    let mut rows = Vec::new();
    let kinds = [
        (What::Script, &own.scripts),
        (What::Image, &own.custom_images),
        (What::Repository, &own.repositories),
    ];
    for (what, by_app) in kinds {
        for name in CLASSIC.iter().filter_map(|app| by_app.get(*app)).flatten() {
            let name = if what == What::Script { name_in(name) } else { name };
            rows.push(
                Row::of(place, what, name)
                    .stands(Stands::NotCarried, "this person is not in the plan"),
            );
        }
    }
    rows
}

/// The part of an ARN that people know a script by.
pub(super) fn name_in(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or(arn)
}

/// What is found under the name of something that we would make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// Nothing.
    Nothing,
    /// What is wanted: by us, or by somebody else with the same content. Its ARN.
    Wanted(String),
    /// Ours, of another content.
    Outdated,
    /// Somebody else's.
    Anothers,
}

/// Looks for a script that we would make, by name.
pub(super) async fn script(
    reader: &Reader,
    name: &str,
    app: SpaceApp,
    text: &str,
) -> Result<Found, Failure> {
    match reader.script(name).await {
        Ok(found) if found.text.as_deref() == Some(text) && found.app_type == app.as_str() => {
            Ok(Found::Wanted(found.arn))
        }
        Ok(found) if is_ours(reader, &found.arn).await? => Ok(Found::Outdated),
        Ok(_) => Ok(Found::Anothers),
        Err(error) if error.kind == ErrorKind::NotFound => Ok(Found::Nothing),
        Err(error) => Err(failed(error)),
    }
}

/// Looks for an app image configuration that we would make, by name. Whoever made it, it is wanted if it is for the app.
pub(super) async fn config(reader: &Reader, name: &str, app: SpaceApp) -> Result<Found, Failure> {
    match reader.image_config(name).await {
        Ok(found) if found.apps.contains(&app) => Ok(Found::Wanted(found.arn)),
        Ok(_) => Ok(Found::Anothers),
        Err(error) if error.kind == ErrorKind::NotFound => Ok(Found::Nothing),
        Err(error) => Err(failed(error)),
    }
}

/// Looks for all of them.
pub(super) async fn all<'a, F>(
    wanted: impl Iterator<Item = (&'a String, F)>,
) -> Result<BTreeMap<String, Found>, Failure>
where
    F: Future<Output = Result<Found, Failure>>,
{
    let asked = wanted.map(async |(name, found)| Ok((name.clone(), found.await?)));
    let found: Vec<_> = futures::stream::iter(asked).buffered(AT_ONCE).try_collect().await?;
    Ok(found.into_iter().collect())
}

/// Tells whether `carry` made something.
pub(super) async fn is_ours(reader: &Reader, arn: &str) -> Result<bool, Failure> {
    Ok(reader.tags(arn).await.map_err(failed)?.contains_key(TAG_CARRIED))
}

pub(super) fn failed(error: crate::aws::Error) -> Failure {
    Failure::aws("look at what Classic has", error)
}
