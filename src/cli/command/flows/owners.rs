//! Whose homes may hold flows, and where the flows of each go.

use std::collections::BTreeSet;

use crate::inventory::{Domain, Snapshot};
use crate::names::{DomainId, FileSystemId, HomeUid, MigrationId};
use crate::plan::Plan;

/// Somebody with a Classic home, or a shared space of Studio Classic.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Owner {
    /// `<domain>/<profile>`, or `<domain>/space.<name>`: the id of the migration, where there is one.
    pub(super) id: MigrationId,
    pub(super) domain: DomainId,
    /// The profile, or `space.<name>`.
    pub(super) name: String,
    pub(super) file_system: Option<FileSystemId>,
    pub(super) uid: HomeUid,
    /// The bucket and the prefix that its flows go to, below a folder of its own.
    pub(super) place: Option<(String, String)>,
}

impl Owner {
    /// The folder of its copies below the place.
    pub(super) fn folder(&self) -> String {
        format!("{}/{}", self.domain, self.name)
    }
}

/// Returns everyone of the plan's domains, by id; who is left out of the plan may have flows, too.
pub(super) fn owners(plan: &Plan, snapshot: &Snapshot) -> Vec<Owner> {
    let moving = plan.migrations().map(|(_, migration)| &migration.domain);
    let domains: BTreeSet<_> =
        moving.chain(plan.left_out.iter().map(|left| &left.domain)).collect();
    let mut owners = Vec::new();
    for domain in snapshot.domains.iter().filter(|domain| domains.contains(&domain.id)) {
        let place = |of_canvas: Option<&String>| {
            let of_canvas = of_canvas.map(String::as_str);
            plan.playbook.flows.place(&plan.account, &plan.region, of_canvas)
        };
        for profile in &domain.profiles {
            let Some(uid) = &profile.home_uid else { continue };
            let to = place(profile.effective.canvas_artifacts.as_ref());
            owners.push(owner(domain, profile.name.to_string(), uid, to));
        }
        for space in &domain.spaces {
            let Some(uid) = &space.home_uid else { continue };
            let to = place(domain.defaults.canvas_artifacts.as_ref());
            owners.push(owner(domain, format!("space.{}", space.name), uid, to));
        }
    }
    owners.sort_by(|one, other| one.id.cmp(&other.id));
    owners
}

fn owner(domain: &Domain, name: String, uid: &HomeUid, place: Option<(String, String)>) -> Owner {
    Owner {
        id: MigrationId::new(format!("{}/{name}", domain.id)),
        domain: domain.id.clone(),
        name,
        file_system: domain.file_system.clone(),
        uid: uid.clone(),
        place,
    }
}
