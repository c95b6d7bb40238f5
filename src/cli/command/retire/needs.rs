//! What still needs a Classic file system.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::aws::{ErrorKind, Lifecycle, Reader};
use crate::cli::Failure;
use crate::cli::command::bytes;
use crate::cli::command::todo::standing;
use crate::execute::{self, MigrationStanding, Whereabouts, orphan_systems, whereabouts};
use crate::inventory::{Domain, Snapshot};
use crate::journal::Journal;
use crate::names::{DomainId, FileSystemId, counted};
use crate::plan::Plan;

/// How many names a line holds.
const NAMED: usize = 10;

/// A file system, and everything that still needs it.
#[derive(Debug, Serialize)]
pub(super) struct Need {
    /// The domain whose file system it is; of several, all, with commas between them.
    pub(super) domain: String,
    pub(super) file_system: String,
    pub(super) bytes: u64,
    pub(super) bytes_infrequent: u64,
    pub(super) throughput: Option<String>,
    pub(super) lifecycle: Lifecycle,
    /// In words, never empty: the domain itself comes first.
    pub(super) why: Vec<String>,
    /// Whether the plan has somebody in one of the domains: of others nothing is changed.
    pub(super) is_of_plan: bool,
}

/// What is looked at, and by what it is judged.
pub(super) struct Looking<'a> {
    pub(super) reader: &'a Reader,
    pub(super) journal: &'a Journal,
    pub(super) plan: &'a Plan,
    pub(super) snapshot: &'a Snapshot,
}

/// Looks at the file system of each domain, with every other domain that has the same one.
pub(super) async fn needs(
    looking: &Looking<'_>,
    domains: &[DomainId],
) -> Result<Vec<Need>, Failure> {
    let failed = |error| Failure::aws("look at the file systems", error);
    let Looking { reader, journal, snapshot, .. } = looking;
    let systems = reader.file_systems().await.map_err(failed)?;
    let known =
        whereabouts(journal).map_err(|error| Failure::journal("read where orphans are", error))?;
    let mut of_systems: BTreeMap<FileSystemId, BTreeMap<DomainId, Vec<String>>> = BTreeMap::new();
    let mut waiting: Vec<_> = domains.to_vec();
    let mut seen = BTreeSet::new();
    while let Some(id) = waiting.pop() {
        if !seen.insert(id.clone()) {
            continue;
        }
        let Some((system, why)) = of_domain(looking, &id).await? else { continue };
        let shares = |one: &&Domain| one.file_system.as_ref() == Some(&system);
        waiting.extend(snapshot.domains.iter().filter(shares).map(|one| one.id.clone()));
        of_systems.entry(system).or_default().insert(id, why);
    }
    let mut found = Vec::new();
    for (system, of_domains) in of_systems {
        let seen = systems.iter().find(|seen| seen.id == system);
        let ids: Vec<_> = of_domains.keys().map(ToString::to_string).collect();
        let is_of_plan = of_domains.keys().any(|id| is_planned(looking.plan, id));
        let is_shared = ids.len() > 1;
        let mut why = Vec::new();
        for (id, of_domain) in of_domains {
            let said = |line| if is_shared { format!("{id}: {line}") } else { line };
            why.extend(of_domain.into_iter().map(said));
        }
        why.extend(orphans(snapshot, &system, &known));
        found.push(Need {
            domain: ids.join(", "),
            file_system: system.to_string(),
            bytes: seen.map_or(0, |seen| seen.bytes.total),
            bytes_infrequent: seen.map_or(0, |seen| seen.bytes.infrequent + seen.bytes.archive),
            throughput: seen.and_then(|seen| seen.throughput_mode.clone()),
            lifecycle: reader.lifecycle(&system).await.map_err(failed)?,
            why,
            is_of_plan,
        });
    }
    Ok(found)
}

/// The file system of a domain, and why the domain still needs it.
async fn of_domain(
    Looking { reader, journal, plan, snapshot }: &Looking<'_>,
    id: &DomainId,
) -> Result<Option<(FileSystemId, Vec<String>)>, Failure> {
    let domain = match reader.domain(id).await {
        Ok(domain) => domain,
        // Only the inventory knows of it, and it was deleted since.
        Err(error) if error.kind == ErrorKind::NotFound && !is_planned(plan, id) => {
            return Ok(None);
        }
        Err(error) => return Err(Failure::aws("look at the file systems", error)),
    };
    let Some(system) = domain.file_system else { return Ok(None) };
    let mut why = vec![format!(
        "the domain ({}): its file system cannot be deleted while it lives",
        domain.status
    )];
    why.extend(people(journal, plan, id)?);
    why.extend(left_out(plan, id));
    if !is_planned(plan, id) {
        why.extend(strangers(snapshot, plan, id));
    }
    if domain.defaults.auto_mount.as_deref() != Some("Disabled") {
        why.push(
            "auto-mount: the domain mounts homes into every private space (AutoMountHomeEFS)"
                .to_owned(),
        );
    }
    Ok(Some((system, why)))
}

/// Tells whether the plan has somebody in a domain.
pub(super) fn is_planned(plan: &Plan, id: &DomainId) -> bool {
    plan.migrations().any(|(_, migration)| migration.domain == *id)
}

/// Profiles of a domain in which the plan has nobody, as the last inventory saw them.
fn strangers(snapshot: &Snapshot, plan: &Plan, id: &DomainId) -> Option<String> {
    let domain = snapshot.domains.iter().find(|domain| domain.id == *id)?;
    let is_named = |name: &str| {
        let mut left = plan.left_out.iter().filter(|left| left.domain == *id);
        left.any(|left| left.who == name)
    };
    let names = domain.profiles.iter().map(|one| one.name.to_string());
    let names: Vec<_> = names.filter(|name| !is_named(name)).collect();
    line(&names, "profile is not in the plan", "profiles are not in the plan")
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
            is_of_plan: false,
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
            let known = known.get(&orphan.name());
            let is = known.and_then(|one| one.words(&orphan, &snapshot.taken_at));
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
