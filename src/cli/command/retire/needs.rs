//! What still needs a Classic file system.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::aws::{Lifecycle, Reader};
use crate::cli::Failure;
use crate::cli::command::bytes;
use crate::cli::command::todo::standing;
use crate::execute::{self, MigrationStanding, Whereabouts, orphan_systems, whereabouts};
use crate::inventory::Snapshot;
use crate::journal::Journal;
use crate::names::{DomainId, FileSystemId, counted};
use crate::plan::Plan;

/// How many names a line holds.
const NAMED: usize = 10;

/// A file system, and everything that still needs it.
#[derive(Debug, Serialize)]
pub(super) struct Need {
    pub(super) domain: String,
    pub(super) file_system: String,
    pub(super) bytes: u64,
    pub(super) bytes_infrequent: u64,
    pub(super) throughput: Option<String>,
    pub(super) lifecycle: Lifecycle,
    /// In words, never empty: the domain itself comes first.
    pub(super) why: Vec<String>,
}

/// Looks at the file system of each domain.
pub(super) async fn needs(
    reader: &Reader,
    journal: &Journal,
    plan: &Plan,
    snapshot: &Snapshot,
    domains: &[DomainId],
) -> Result<Vec<Need>, Failure> {
    let failed = |error| Failure::aws("look at the file systems", error);
    let systems = reader.file_systems().await.map_err(failed)?;
    let known =
        whereabouts(journal).map_err(|error| Failure::journal("read where orphans are", error))?;
    let mut found = Vec::new();
    for id in domains {
        let domain = reader.domain(id).await.map_err(failed)?;
        let Some(system) = &domain.file_system else { continue };
        let seen = systems.iter().find(|seen| seen.id == *system);
        let mut why = vec![format!(
            "the domain ({}): its file system cannot be deleted while it lives",
            domain.status
        )];
        why.extend(people(journal, plan, id)?);
        why.extend(left_out(plan, id));
        let mounts = domain.defaults.auto_mount.as_deref() != Some("Disabled");
        if mounts {
            why.push(
                "auto-mount: the domain mounts homes into every private space (AutoMountHomeEFS)"
                    .to_owned(),
            );
        }
        why.extend(orphans(snapshot, system, &known));
        found.push(Need {
            domain: id.to_string(),
            file_system: system.to_string(),
            bytes: seen.map_or(0, |seen| seen.bytes.total),
            bytes_infrequent: seen.map_or(0, |seen| seen.bytes.infrequent + seen.bytes.archive),
            throughput: seen.and_then(|seen| seen.throughput_mode.clone()),
            lifecycle: reader.lifecycle(system).await.map_err(failed)?,
            why,
        });
    }
    Ok(found)
}

/// Looks at the file systems whose domain is gone: only what is on them may still be wanted.
pub(super) async fn needs_of_gone(
    reader: &Reader,
    journal: &Journal,
    snapshot: &Snapshot,
) -> Result<Vec<Need>, Failure> {
    let failed = |error| Failure::aws("look at the file systems", error);
    let known =
        whereabouts(journal).map_err(|error| Failure::journal("read where orphans are", error))?;
    let mut found = Vec::new();
    for system in orphan_systems(snapshot) {
        let domain = system.domain.as_ref().map_or("no domain", |domain| domain.as_str());
        let mut why = vec![format!("{domain}, whose file system it was, is gone")];
        why.extend(orphans(snapshot, &system.id, &known));
        if system.orphan_homes.is_empty() {
            why.push("nobody looked what is on it: `inventory --mount` does".to_owned());
        }
        found.push(Need {
            domain: domain.to_owned(),
            file_system: system.id.to_string(),
            bytes: system.bytes.total,
            bytes_infrequent: system.bytes.infrequent + system.bytes.archive,
            throughput: system.throughput_mode.clone(),
            lifecycle: reader.lifecycle(&system.id).await.map_err(failed)?,
            why,
        });
    }
    Ok(found)
}

/// People of the plan whose files are not proven to be elsewhere.
fn people(journal: &Journal, plan: &Plan, domain: &DomainId) -> Result<Option<String>, Failure> {
    let mut waiting = Vec::new();
    for (_, migration) in plan.migrations().filter(|(_, one)| one.domain == *domain) {
        if standing(journal, &migration.id)?.word() != MigrationStanding::Moved {
            waiting.push(migration.name().to_string());
        }
    }
    Ok(line(&waiting, "person of the plan is not moved", "people of the plan are not moved"))
}

fn left_out(plan: &Plan, domain: &DomainId) -> Option<String> {
    let left: Vec<_> = plan
        .left_out
        .iter()
        // Homes that nobody owns have a line of their own, with where they are.
        .filter(|left| left.domain == *domain && left.orphan().is_none())
        .map(|left| format!("{} ({})", left.who, left.because))
        .collect();
    line(&left, "is left out of the plan", "are left out of the plan")
}

/// Directories that no profile or space owns, as the last inventory saw them.
fn orphans(
    snapshot: &Snapshot,
    system: &FileSystemId,
    known: &BTreeMap<String, Whereabouts>,
) -> Option<String> {
    let of_system = execute::orphans(snapshot).into_iter().filter(|one| one.file_system == *system);
    let homes: Vec<_> = of_system
        .map(|orphan| {
            let size = orphan
                .home
                .as_ref()
                .map_or_else(|| "not measured".to_owned(), |home| bytes(home.bytes));
            let is = known.get(&orphan.name()).and_then(Whereabouts::words);
            let is = is.unwrap_or_else(|| "nowhere else".to_owned());
            format!("/{} ({size}, {is})", orphan.uid)
        })
        .collect();
    line(&homes, "home is nobody's", "homes are nobody's")
}

fn line(names: &[String], one: &str, many: &str) -> Option<String> {
    let first = names.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
    let more = names.len().saturating_sub(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    (!names.is_empty())
        .then(|| format!("{}: {first}{more}", counted(names.len() as u64, one, many)))
}
