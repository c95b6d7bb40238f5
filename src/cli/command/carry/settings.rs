//! Settings that need no carrying: both Studios read the same one, or the new one does it by itself.

use super::row::{Place, Row, Stands, What};
use crate::inventory::{Settings, Snapshot};
use crate::names::DomainId;
use crate::plan::Plan;

/// Tells of each domain, and of its people, what is hidden and when apps shut down.
pub(super) fn rows(plan: &Plan, snapshot: &Snapshot, domains: &[DomainId], rows: &mut Vec<Row>) {
    let playbook = &plan.playbook;
    let in_plan = snapshot.domains.iter().filter(|domain| domains.contains(&domain.id));
    for domain in in_plan {
        let place = Place { domain: domain.id.clone(), profile: None };
        hidden(&place, &domain.defaults, rows);
        let (of_spaces, of_domain) =
            (playbook.target.idle_shutdown_minutes, playbook.experience.idle_shutdown_minutes);
        let domain_too = of_domain.map(|minutes| {
            format!(", and {minutes} minutes for every other of the domain (`cutover`)")
        });
        rows.push(
            Row::of(&place, What::IdleShutdown, "of Classic")
                .becomes(format!(
                    "{of_spaces} minutes for the spaces that are made{}",
                    domain_too.unwrap_or_default()
                ))
                .stands(
                    Stands::Stays,
                    "Classic has no setting for it, only scripts and extensions",
                ),
        );
        for profile in &domain.profiles {
            let profile_place =
                Place { domain: domain.id.clone(), profile: Some(profile.name.clone()) };
            hidden(&profile_place, &profile.own, rows);
        }
    }
}

fn hidden(place: &Place, settings: &Settings, rows: &mut Vec<Row>) {
    let kinds = [
        (What::HiddenAppTypes, &settings.hidden_app_types),
        (What::HiddenTools, &settings.hidden_tools),
    ];
    for (what, names) in kinds.into_iter().filter(|(_, names)| !names.is_empty()) {
        let names = names.join(" ");
        rows.push(
            Row::of(place, what, names.clone())
                .becomes(names)
                .stands(Stands::Stays, "the new Studio reads the same setting"),
        );
    }
}
