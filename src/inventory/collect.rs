//! Asking everything, once, and never failing outright: what could not be asked is part of what was seen.
//!
//! The collector holds a [`Reader`], which has no verb that changes anything. What is listed and gone when it is described
//! was deleted in between; that is recorded too, and stops nothing.

use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::notes::Notes;
use super::partial::Partial;
use super::snapshot::Snapshot;
use super::{account, domains, file_systems, homes, roles, sharing, trail};
use crate::aws::Reader;
use crate::names::{DomainId, counted};

/// What to look at, and whom to tell how it goes.
pub struct Request<'a> {
    /// These domains; empty means every one.
    pub domains: Vec<DomainId>,
    /// A mounted EFS root, holding homes by uid, or file systems by id that do.
    pub mount: Option<&'a Path>,
    /// How many days of CloudTrail are looked through for who opened which profile: 0 to 90, its event history's length.
    pub opened_days: u32,
    /// What an inventory that was killed has seen, and where this one keeps what it sees.
    pub partial: Option<&'a Partial>,
    /// Called with a line for people whenever a part is done.
    pub tell: &'a (dyn Fn(String) + Sync),
}

/// What every part of an inventory is given.
pub(super) struct Looking<'a> {
    pub(super) reader: &'a Reader,
    pub(super) tell: &'a (dyn Fn(String) + Sync),
    partial: Option<&'a Partial>,
}

impl Looking<'_> {
    /// Returns what an inventory that was killed has seen of a thing.
    pub(super) fn recall<T: DeserializeOwned>(&self, key: &str) -> Option<T> {
        self.partial?.recall(key)
    }

    /// Keeps what was seen of a thing, in case this inventory is killed.
    pub(super) fn keep<T: Serialize>(&self, key: String, seen: &T) {
        if let Some(partial) = self.partial {
            partial.keep(key, seen);
        }
    }
}

/// Takes a snapshot.
pub async fn collect(reader: &Reader, request: &Request<'_>) -> Snapshot {
    let identity = reader.identity();
    let begun_at = request.partial.map_or_else(jiff::Timestamp::now, Partial::begun_at);
    let mut snapshot = Snapshot {
        schema: Snapshot::SCHEMA,
        taken_at: begun_at.to_string(),
        caller: identity.arn.clone(),
        account: Some(identity.account.clone()),
        region: Some(identity.region.clone()),
        only: request.domains.clone(),
        ..Snapshot::default()
    };
    let looking = Looking { reader, tell: request.tell, partial: request.partial };
    let mut notes = Notes::default();
    let ids = if request.domains.is_empty() {
        notes.or_default("sagemaker:ListDomains", "the account", reader.domain_ids().await)
    } else {
        request.domains.clone()
    };
    // CloudTrail's two calls a second are the slowest part, so everything else is asked meanwhile.
    let (openings, ()) =
        futures::join!(trail::openings(&looking, request.opened_days, begun_at), async {
            for id in &ids {
                if let Some(domain) = domains::domain(&looking, id, &mut notes).await {
                    (request.tell)(format!(
                        "domain {}: {}, {}, {}",
                        domain.id,
                        counted(domain.profiles.len() as u64, "profile", "profiles"),
                        counted(domain.spaces.len() as u64, "space", "spaces"),
                        counted(domain.apps.len() as u64, "app", "apps")
                    ));
                    snapshot.domains.push(domain);
                }
            }
            let domains = &snapshot.domains;
            let file_systems = file_systems::of(&looking, domains, &mut notes).await;
            snapshot.shared_notebooks = sharing::locations(&looking, domains, &mut notes).await;
            snapshot.roles = roles::all(&looking, domains, &mut notes).await;
            snapshot.file_systems = file_systems;
            account::scripts_and_images(&looking, &mut snapshot, &mut notes).await;
        });
    notes.into(&mut snapshot);
    trail::give_out(openings, &mut snapshot);
    let mut notes = Notes::default();
    homes::measure(&mut snapshot, request, &mut notes);
    notes.into(&mut snapshot);
    snapshot
}
