//! Rules about what lies in homes, beside its size: SM311 to SM313.

use super::finding::{Severity, Subject};
use super::render::text::{bytes, counted};
use super::rule::{Hit, Rule, page};
use super::view::View;

/// The volume that AWS gives a space unless someone asks for more, in GiB.
const DEFAULT_VOLUME: u64 = 5 << 30;

pub(super) const RULES: &[Rule] = &[
    Rule {
        code: "SM311",
        severity: Severity::Advice,
        title: "The home needs more than AWS's default volume",
        cause: "A space has 5 GiB unless someone asks for more. A larger volume is paid for every month, whether its app runs or not, and it can never shrink.",
        remedy: "Leave out what is not needed (rule SM307 names candidates), or accept the cost that the report estimates. Raise DefaultEbsVolumeSizeInGb where people make further spaces themselves.",
        sources: &[page::JL_ADMIN],
        look: beyond_default,
    },
    Rule {
        code: "SM312",
        severity: Severity::Warning,
        title: "The home holds files of other owners",
        cause: "Inside a space the home is mounted as its own user. What others own there may be closed to it, and what is copied belongs to the person from then on.",
        remedy: "Look at who wrote them: a job that ran as another user, or someone else's work. `studio-migrate mover scan /mnt/efs/<uid> --manifest rows.zst` names each file.",
        sources: &[page::AUTOMOUNT],
        look: other_owners,
    },
    Rule {
        code: "SM313",
        severity: Severity::Warning,
        title: "The home changed within a day of the inventory",
        cause: "Someone, or something that still runs, writes to it. What changes while it is copied is copied again, and what is written to the old home after the copy is not in the new one.",
        remedy: "Agree on the hour with the person, and stop what writes. Copy in two passes: most of it while they work, and what changed since when they stop (`studio-migrate run --until hydrate`, later `run`).",
        sources: &["the inventory's own measure: the newest change in the home"],
        look: hot,
    },
];

fn beyond_default(view: &View<'_>) -> Vec<Hit> {
    view.homes()
        .filter(|(_, _, home)| home.bytes > DEFAULT_VOLUME)
        .map(|(domain, profile, home)| {
            Hit::new(Subject::profile(&domain.id, &profile.name), bytes(home.bytes))
        })
        .collect()
}

fn other_owners(view: &View<'_>) -> Vec<Hit> {
    view.homes()
        .filter(|(_, _, home)| !home.other_owners.is_empty())
        .map(|(domain, profile, home)| {
            let owners: Vec<_> = home
                .other_owners
                .iter()
                .map(|(uid, entries)| {
                    format!("{} of user {uid}", counted(*entries, "entry", "entries"))
                })
                .collect();
            Hit::new(Subject::profile(&domain.id, &profile.name), owners.join(", "))
        })
        .collect()
}

fn hot(view: &View<'_>) -> Vec<Hit> {
    let Some(taken_at) = view.taken_at() else { return Vec::new() };
    view.homes()
        .filter_map(|(domain, profile, home)| {
            let newest: jiff::Timestamp = home.newest.as_deref()?.parse().ok()?;
            let age = taken_at.duration_since(newest);
            // A time that is still to come was set by a program, and tells nothing about work.
            let hours = -1.0..24.0;
            let is_hot = hours.contains(&(age.as_secs_f64() / 3600.0));
            is_hot.then(|| {
                Hit::new(
                    Subject::profile(&domain.id, &profile.name),
                    format!("newest change {newest}"),
                )
            })
        })
        .collect()
}
